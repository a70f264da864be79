"""What can be played with in a page: the data, what stands in its place without JavaScript, and the scripts to load.

The scripts lie in ``book/_static/play``; they need no server and no network.
"""

import html
import json
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from ganad import metrics
from ganad.datasets import class_names
from ganad_book.results import comparison, reported
from ganad_book.results.comparison import DATA, IMPROVED, REFERENCE, label

MOST_SCORES = 400
"""Scores of each kind that go into a page; more are thinned to evenly spaced quantiles."""


@dataclass(frozen=True, repr=False)
class Playable:
    """Something to play with, for the end of a cell.

    Attributes
    ----------
    name : str
        The script in ``book/_static/play``.
    data : object
        What the script is given, as JSON.
    instead : str
        HTML that says the same, as far as it can, without a script.
    """

    name: str
    data: Any
    instead: str

    def __repr__(self) -> str:
        return f"<{self.name}, to be played with in the page>"

    def _repr_html_(self) -> str:
        text = json.dumps(self.data, separators=(",", ":")).replace("<", "\\u003c")
        return (
            f'<div class="ganad-play" data-play="{self.name}">{self.instead}'
            f'<script type="application/json">{text}</script></div>\n'
            '<script src="../../_static/play/parts.js" defer></script>\n'
            f'<script src="../../_static/play/{self.name}.js" defer></script>'
        )


def explorer(table: pd.DataFrame) -> Playable:
    """Every detector as published and improved, by data set, measure and anomalous class, beside the survey's figures.

    Improved and stable detectors are not the survey's methods, and the page says so.  A row with one seed is no mean over seeds.

    Parameters
    ----------
    table : DataFrame
        The results, as :func:`ganad_book.sweep.results.read` gives them.
    """
    rows = [*_images(table), *_kdd(table)]
    first = [row for row in rows if row["data"] == rows[0]["data"] and row["measure"] == rows[0]["measure"]]
    first = sorted((row for row in first if row["class"] == first[0]["class"]), key=lambda row: -row["mean"])
    lines = "".join(
        f"<tr><td>{html.escape(row['name'])}</td><td>{row['mean']:.2f}</td><td>{row['seeds']}</td>"
        f"<td>{'–' if row['published'] is None else format(row['published'], '.2f')}</td></tr>"
        for row in first
    )
    instead = (
        f"<table><caption>{first[0]['data']}, {first[0]['measure']}, {first[0]['class']}</caption>"
        f"<thead><tr><th>detector</th><th>ours</th><th>seeds</th><th>survey</th></tr></thead><tbody>{lines}</tbody></table>"
    )
    names = list(rows[0])
    return Playable("explorer", {"columns": names, "rows": [[row[name] for name in names] for row in rows]}, instead)


def _images(table: pd.DataFrame) -> list[dict]:
    rows = []
    for measure, called in (("auprc", "AUPRC"), ("auroc", "AUROC")):
        whole = comparison.over_classes(table, measure)
        whole = whole[[len(class_names(row.dataset)) == row.classes for row in whole.itertuples()]]
        parts = [(whole, lambda row: "mean over the classes"), (comparison.by_class(table, measure), _class)]
        for frame, of in parts:
            rows += [
                _row(DATA[row["dataset"]], called, of(row), label(row["detector"], row["configuration"]), row)
                for _, row in frame[frame["configuration"].isin([REFERENCE, IMPROVED])].iterrows()
            ]
    return sorted(rows, key=lambda row: list(DATA.values()).index(row["data"]))


def _class(row: pd.Series) -> str:
    return f"{row['class_index']}" if row["dataset"] == "mnist" else f"{row['anomaly_class']}"


def _row(data: str, measure: str, of: str, name: str, row: Any) -> dict:
    numbers = {key: round(float(row[key]), 3) for key in ("mean", "low", "high")}
    said = {"seeds": int(row["seeds"]), "chance": round(float(row["prevalence"]), 3) if measure == "AUPRC" else 0.5}
    published = None if np.isnan(row["published"]) else round(float(row["published"]), 3)
    return {"data": data, "measure": measure, "class": of, "name": name} | numbers | said | {"published": published}


def _kdd(table: pd.DataFrame) -> list[dict]:
    """The configurations of KDD Cup 99 that are called by their detector, F1 by the survey's rule."""
    from ganad_book.sweep import kdd

    published = {"egbad": reported.SURVEY_EGBAD.f1, "ganomaly": reported.SURVEY_GANOMALY.f1}
    rows = []
    for variant, given in kdd.VARIANTS.items():
        runs = table[(table["variant"] == variant) & (table["dataset"] == "kddcup99")]
        if len(runs) and given.dataset == "kddcup99":
            found = metrics.interval(runs["f1"])
            name = variant if given.detector != "egbad" else f"EGBAD, {variant}"
            row = {"mean": found.mean, "low": found.low, "high": found.high, "seeds": len(runs)}
            row |= {"published": published.get(given.detector, np.nan)}
            rows.append(
                _row("KDD Cup 99", "F1", "ordinary traffic", name, row | {"prevalence": np.nan}) | {"chance": None}
            )
    return rows


def threshold(scores: np.ndarray, labels: np.ndarray, name: str) -> Playable:
    """A threshold to drag over the scores (N,) of a test set with labels (N,), 1 an anomaly.

    Parameters
    ----------
    name : str
        Whose scores these are.
    """
    kinds = {
        kind: np.round(_thinned(np.asarray(scores, float)[labels == value]), 4).tolist()
        for kind, value in (("normal", 0), ("anomalous", 1))
    }
    cut = float(np.quantile(kinds["normal"], 0.9))
    right = np.mean(np.array(kinds["anomalous"]) >= cut)
    instead = (
        f"<p>{html.escape(name)}: with the threshold at the .9 quantile of the normal scores, {cut:.3g}, {right:.0%} of the "
        "anomalies are found.</p>"
    )
    prevalence = round(float(np.mean(labels)), 3)
    return Playable("threshold", {"name": name, "prevalence": prevalence, **kinds}, instead)


def _thinned(scores: np.ndarray) -> np.ndarray:
    ordered = np.sort(scores)
    if len(ordered) <= MOST_SCORES:
        return ordered
    return np.quantile(ordered, (np.arange(MOST_SCORES) + 0.5) / MOST_SCORES)
