"""The KDD table with every detector that has run on it: what the chapter ``survey/kdd`` and the verdicts show of it."""

from collections.abc import Sequence
from dataclasses import replace

import pandas as pd

from ganad.detectors import detector_class
from ganad.metrics import interval
from ganad_book.results import comparison, display, reported, verdicts
from ganad_book.results.comparison import DATA, NAMES
from ganad_book.results.verdicts import Judged
from ganad_book.sweep import kdd, results
from ganad_book.sweep.defects import DEFECTS

FLAGGED, ANOMALIES = 49_403, 48_629
"""Rows that the 80th percentile of the test scores flags, and anomalies among the test rows of the survey's split."""


def runs(table: pd.DataFrame) -> pd.DataFrame:
    """The rows of the survey's split; those of the defects and of their controls belong to another experiment."""
    others = table["variant"].isin(set(DEFECTS)) | table["variant"].str.startswith("control: ").astype(bool)
    return results.with_costs(comparison.pick(table[~others.astype(bool)], dataset="kddcup99"))


def main_variants(names: Sequence[str]) -> list[str]:
    """Those that are no other one with a change: "stable, no log1p" is a change of "stable"."""
    return [name for name in names if not any(name.startswith(f"{other}, ") for other in names)]


def label(detector: str, variant: str) -> str:
    """What the table calls a variant: with its detector's name, once."""
    name = NAMES.get(detector, detector)
    return variant if variant.casefold().startswith(name.casefold()) else f"{name}, {variant}"


def configurations(table: pd.DataFrame, changes: bool = False) -> pd.DataFrame:
    """The main variants, detector by detector, or with ``changes`` those that differ from one in a single thing.

    Columns: ``detector, variant, label, rows``, the last a table of its runs.
    """
    own = runs(table)
    mains = set(main_variants(own["variant"].unique().tolist()))
    found = [
        {"detector": detector, "variant": variant, "label": label(detector, variant), "rows": rows}
        for detector in NAMES
        for variant, rows in comparison.pick(own, detector=detector).groupby("variant")
        if (variant in mains) != changes
    ]
    return pd.DataFrame(found, columns=["detector", "variant", "label", "rows"])


def figures(table: pd.DataFrame, changes: bool = False) -> pd.DataFrame:
    """The table to read: precision, recall, F1, AUPRC, AUROC, and how many test rows and seeds are behind them."""
    return pd.DataFrame(
        [
            {"": name + display.UNTRAINED * bool(results.untrained(rows).any()), "tested on": tested_on(rows)}
            | {column: display.brief(rows[column].mean(), digits=3) for column in ("precision", "recall")}
            | {title: display.among(interval(rows[column])) for title, column in _TITLES.items()}
            | {
                "seeds": str(len(rows)),
                "s": display.whole_seconds((rows["train_seconds"] + rows["score_seconds"]).median()),
            }
            for name, rows in configurations(table, changes)[["label", "rows"]].itertuples(index=False)
        ],
        columns=["", "tested on", "precision", "recall", *_TITLES, "seeds", "s"],
    )


_TITLES = {"F1": "f1", "AUPRC": "auprc", "AUROC": "auroc"}


def tested_on(rows: pd.DataFrame) -> str:
    """How many test rows: ``all``, or a sample of so many."""
    sizes = comparison.given(rows).get("test")
    return ", ".join(f"{size:,}" for size in sorted(sizes)) if sizes else "all"


def cost(table: pd.DataFrame, measure: str = "f1") -> pd.DataFrame:
    """Of every main variant: mean and interval of a measure or the value of ``one_seed``, median seconds of one run, and the device."""
    found = []
    for row in configurations(table).itertuples():
        seen = interval(row.rows[measure])
        seconds = (row.rows["train_seconds"] + row.rows["score_seconds"]).median()
        found.append(
            {"detector": row.detector, "label": row.label, "mean": seen.mean, "low": seen.low, "high": seen.high}
            | {"one_seed": comparison.is_one_seed(row.detector, seen.count)}
            | {"seconds": seconds, "device": ", ".join(sorted(set(row.rows["device"])))}
        )
    return pd.DataFrame(found, columns=["detector", "label", "mean", "low", "high", "one_seed", "seconds", "device"])


ROWS = {"kddcup99": 178_525, "kddcup99-unique": 25_908}
"""Training rows, by the name of the data in the results."""


def budgets(changes: bool = False) -> pd.DataFrame:
    """How every trained variant is trained: columns, batches, rate, epochs and training steps; of main variants, or of ``changes``."""
    mains = set(main_variants(list(kdd.VARIANTS)))
    rows = [_budget(name, kdd.VARIANTS[name]) for name in kdd.VARIANTS if (name not in mains) == changes]
    return pd.DataFrame([row for row in rows if row])


def _budget(name: str, variant: kdd.Variant) -> dict[str, str] | None:
    if "epochs" not in variant.parameters:
        return None  # a classical detector, which is not trained by steps
    detector = detector_class(variant.detector)(**variant.parameters)
    given = detector._reference((COLUMNS,)) | variant.parameters
    steps = given["epochs"] * (ROWS[variant.dataset] // given["batch_size"])
    columns = "raw" if variant.split.get("raw") else "log1p, scaled" if variant.split.get("log1p") else "scaled"
    return {
        "": label(variant.detector, name),
        "columns": columns,
        "learning rate": f"{given['learning_rate']:g}",
        "batch size": f"{given['batch_size']}",
        "epochs": f"{given['epochs']}",
        "training steps": f"{steps:,}",
        "seeds": f"{variant.most_seeds}",
    }


COLUMNS = 121
"""Of a row, after its words are spread over columns of their own."""


def missing(table: pd.DataFrame) -> str:
    """Which detectors have no finished run on KDD, in words."""
    had = set(runs(table)["detector"])
    absent = [name for detector, name in NAMES.items() if detector not in had]
    return "Not run: " + ", ".join(absent) + "." if absent else "Every detector has run."


def judged(table: pd.DataFrame) -> list[Judged]:
    """The F1 of the survey's table and of its neighbours, each beside every main variant of its detector.

    A published value stands at least once beside the published method, though only a stable variant may have run.
    """
    found = []
    mains = configurations(table)
    for row in reported.KDD:
        own = comparison.pick(mains, detector=row.detector)
        parts = list(zip(own["variant"], own["rows"], strict=True))
        if all(comparison.is_changed(variant) for variant, _ in parts):
            parts.insert(0, ("", runs(table)[:0]))
        for variant, rows in parts:
            what = (DATA["kddcup99"], row.method, variant)
            each = verdicts.judge(what, row.method, row.f1, rows, _reason(row), "f1", row.read)
            found.append(each if row.detector else replace(each, why="none of this book's methods"))
    return found


def _reason(row: reported.Reported) -> str:
    """What is known of how a published row came about and might explain a higher figure."""
    facts = []
    if row.source.startswith("Di Mattia"):
        facts.append(verdicts.CHOSEN)
    if row.read == "printed" and abs(row.recall / row.precision - FLAGGED / ANOMALIES) > 1e-3:
        facts.append("theirs: another split or threshold, by its recall / precision")
    if row.read == "unverified":
        facts.append("theirs: quoted from memory")
    return "; ".join(facts)
