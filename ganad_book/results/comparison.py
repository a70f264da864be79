"""Our runs on images beside the survey's figures: by class, over the classes, what they were given, what they cost.

A variant of ``results/survey.csv`` is a scale and a configuration: ``cpu`` is the reference configuration at what two CPU
cores can do, ``full, improved`` the improved one at the published budget.  Every function takes the results table, whatever
rows it holds, and never fails for a row that is not there.
"""

import json
from collections.abc import Iterable
from typing import Any

import numpy as np
import pandas as pd

from ganad.datasets import class_names
from ganad.metrics import Interval, auprc_floor, interval
from ganad_book.results import reported
from ganad_book.sweep import results
from ganad_book.sweep.images import SEEDLESS

FIRST_EDITION = "first edition"
SCALES = ("full", "cpu", FIRST_EDITION)
"""The published budget, a smaller one for two CPU cores, and what was run before budgets were counted in steps, on test sets whose
prevalence was not kept: shown until the grid has run it anew.  The better first."""

REFERENCE, IMPROVED = "reference", "improved"
"""A detector as its reference code has it, and with this book's changes."""

STABLE = "stable"
"""A detector on KDD Cup 99 whose training this book has changed."""

NAMES = {
    "anogan": "AnoGAN",
    "f_anogan": "f-AnoGAN",
    "egbad": "EGBAD",
    "ganomaly": "GANomaly",
    "adgan": "ADGAN",
    "alad": "ALAD",
    "autoencoder": "autoencoder",
    "vae": "VAE",
    "median_distance": "distance to the median",
    "nearest_neighbour": "1-NN",
    "pca_residual": "PCA residual",
    "isolation_forest": "isolation forest",
}
"""Detectors, as tables and pictures call them."""

GANS = tuple(NAMES)[:6]

DATA = {"mnist": "MNIST", "fashion_mnist": "Fashion-MNIST", "cifar10": "CIFAR-10", "kddcup99": "KDD Cup 99"}
"""Data sets, as tables and pictures call them."""

_SPLIT = ("train", "val", "test")
_GROUP = ["dataset", "detector", "configuration"]


def split_variant(variant: str) -> tuple[str, str]:
    """Scale and configuration of a variant; an empty scale for one that belongs to another experiment.

    >>> split_variant("cpu"), split_variant("full, improved"), split_variant("raw columns")
    (('cpu', 'reference'), ('full', 'improved'), ('', 'raw columns'))
    """
    scale, _, configuration = variant.partition(", ")
    return (scale, configuration or REFERENCE) if scale in SCALES else ("", variant)


def label(detector: str, configuration: str = REFERENCE) -> str:
    """What a table calls a detector in a configuration."""
    name = NAMES.get(detector, detector)
    return name if configuration == REFERENCE else f"{name}, {configuration}"


def is_changed(name: str) -> bool:
    """Whether a configuration, or a label that ends with one, is this book's method rather than the published one.

    >>> [is_changed(name) for name in ("reference", "brtf", "improved", "improved without larger steps", "EGBAD, stable")]
    [False, False, True, True, True]
    """
    return any(part == STABLE or part.partition(" ")[0] == IMPROVED for part in name.split(", "))


def is_one_seed(detector: str, seeds: int) -> bool:
    """Whether a value is that of a single seed: no mean, and no interval.  Some detectors draw nothing at random."""
    return seeds == 1 and detector not in SEEDLESS


def is_gan(label: str) -> bool:
    """Whether a label is one of a GAN."""
    return any(label.startswith(NAMES[gan]) for gan in GANS)


def pick(frame: pd.DataFrame, **values: Any) -> pd.DataFrame:
    """The rows that hold these values."""
    for column, value in values.items():
        frame = frame[frame[column] == value]
    return frame


def published(dataset: str, detector: str, configuration: str, measure: str = "auprc") -> tuple[float, ...] | None:
    """The survey's AUPRC by class 0..9 for a configuration, if it has any; it gives no other measure by class."""
    if measure != "auprc":
        return None
    if configuration in (REFERENCE, IMPROVED):
        return reported.figure_5(dataset, detector)
    series = reported.configuration(dataset, detector, configuration)
    return series.auprc if series else None


def image_runs(table: pd.DataFrame, scale: str = "", dataset: str = "") -> pd.DataFrame:
    """The rows of the grid on images, with columns ``scale``, ``configuration`` and ``class_index``.

    Those of one data set, or of all published ones: the development data has to be asked for.  Of one data set, detector and
    configuration the rows of one scale: the given one, or that with more classes, or with more seeds, or the larger budget; those of
    the first edition not where ``cpu`` has as many classes.
    """
    rows = table[table["dataset"].isin({dataset} if dataset else set(DATA) - {"kddcup99"})]
    parts = [split_variant(variant) for variant in rows["variant"]]
    rows = rows.assign(scale=[part[0] for part in parts], configuration=[part[1] for part in parts])
    rows = rows[rows["scale"].isin([scale] if scale else SCALES)]
    places = [class_names(row.dataset).index(row.anomaly_class) for row in rows.itertuples()]
    rows = rows.assign(class_index=np.array(places, int))
    kept = [_one_scale(group) for _, group in rows.groupby(_GROUP, sort=False)]
    return results.with_costs(pd.concat(kept) if kept else rows)


def _one_scale(rows: pd.DataFrame) -> pd.DataFrame:
    counts = rows.groupby("scale")[["class_index", "seed"]].nunique()
    if "cpu" in counts.index and counts.loc["cpu", "class_index"] == counts["class_index"].max():
        counts = counts.drop(index=FIRST_EDITION, errors="ignore")
    best = max(counts.index, key=lambda scale: (*counts.loc[scale], -SCALES.index(scale)))
    return rows[rows["scale"] == best]


def by_class(table: pd.DataFrame, measure: str = "auprc", scale: str = "") -> pd.DataFrame:
    """For each data set, detector, configuration and class: mean and 95 % interval over the seeds, beside what bounds it.

    With one seed ``mean``, ``low`` and ``high`` are all its value.
    Columns: ``dataset, detector, configuration, scale, class_index, anomaly_class, seeds, mean, low, high, prevalence, floor,
    untrained, published``.  Chance is the prevalence for AUPRC and .5 for AUROC; ``untrained`` counts the runs that are not trained
    (:data:`ganad_book.sweep.results.TRAINED`); ``published`` is NaN where the survey says nothing.
    """
    found = []
    for key, rows in image_runs(table, scale).groupby([*_GROUP, "scale", "class_index"]):
        *group, _, place = key
        series = published(*group, measure)
        found.append(
            dict(zip([*_GROUP, "scale", "class_index"], key, strict=True))
            | {"anomaly_class": rows["anomaly_class"].iloc[0]}
            | _measured(interval(rows[measure]), rows["prevalence"].mean(), rows)
            | {"published": series[place] if series else np.nan}
        )
    return pd.DataFrame(found, columns=[*_GROUP, "scale", "class_index", "anomaly_class", *_MEASURED, "published"])


def over_classes(table: pd.DataFrame, measure: str = "auprc", scale: str = "") -> pd.DataFrame:
    """For each data set, detector and configuration: the mean over its classes, with its interval over the seeds.

    Each seed's mean over the classes is taken first; with one seed, ``low`` and ``high`` equal it.  Only seeds with every class that the fullest seed has count; ``classes`` says how many
    these are and ``class_indices`` which, and ``published`` is the survey's mean over the very same ones.
    """
    found = []
    for key, rows in image_runs(table, scale).groupby([*_GROUP, "scale"]):
        classes, whole = complete_seeds(rows)
        means = whole.groupby("seed")[[measure, "prevalence"]].mean()
        series = published(*key[:3], measure)
        found.append(
            dict(zip([*_GROUP, "scale"], key, strict=True))
            | {"classes": len(classes), "class_indices": classes}
            | _measured(interval(means[measure]), means["prevalence"].mean(), whole)
            | {"published": np.mean([series[place] for place in classes]) if series else np.nan}
        )
    return pd.DataFrame(found, columns=[*_GROUP, "scale", "classes", "class_indices", *_MEASURED, "published"])


_MEASURED = ("seeds", "mean", "low", "high", "prevalence", "floor", "untrained")


def _measured(found: Interval, prevalence: float, rows: pd.DataFrame) -> dict[str, float]:
    bounds = (prevalence, auprc_floor(prevalence), int(results.untrained(rows).sum()))
    return dict(zip(_MEASURED, (found.count, found.mean, found.low, found.high, *bounds), strict=True))


def complete_seeds(rows: pd.DataFrame) -> tuple[tuple[int, ...], pd.DataFrame]:
    """The classes of the fullest seed of one configuration, and the rows of the seeds that have all of them."""
    by_seed = {seed: set(part["class_index"]) for seed, part in rows.groupby("seed")}
    classes = max(by_seed.values(), key=len)
    whole = [seed for seed, had in by_seed.items() if had >= classes]
    return tuple(sorted(classes)), rows[rows["seed"].isin(whole) & rows["class_index"].isin(classes)]


def difference(
    table: pd.DataFrame, dataset: str, detector: str, one: str, other: str, measure: str = "auprc"
) -> dict[str, Any]:
    """What configuration ``one`` has over ``other``, each class and seed with its like, at the scale where both have most.

    Returns
    -------
    dict
        ``found``: interval over the seeds of the mean difference over the classes, None without a common run; ``gains`` by class, mean over the seeds.
    """
    runs = pick(pd.concat([image_runs(table, scale, dataset) for scale in SCALES]), detector=detector)
    sides = [pick(runs, configuration=name) for name in (one, other)]
    both = sides[0].merge(sides[1], on=["scale", "class_index", "seed"], suffixes=("", "_other"))
    if both.empty:
        return {"found": None, "gains": {}}
    both = _one_scale(both)
    both["gain"] = both[measure] - both[f"{measure}_other"]
    whole = complete_seeds(both)[1]
    gains = whole.groupby("class_index")["gain"].mean().to_dict()
    return {"found": interval(whole.groupby("seed")["gain"].mean()), "gains": gains}


def given(rows: pd.DataFrame) -> dict[str, set]:
    """Every parameter of some rows, with all the values it has in them."""
    found: dict[str, set] = {}
    for text in rows["parameters"].unique():
        for name, value in json.loads(text).items():
            found.setdefault(name, set()).add(value if isinstance(value, (int, float, str)) else str(value))
    return found


def budgets(rows: pd.DataFrame, by: Iterable[str]) -> pd.DataFrame:
    """For each group of rows: how many samples, epochs, what width, seeds, where it ran and how long one run took."""
    found = []
    for key, part in rows.groupby(list(by), sort=False):
        values = given(part)
        others = {name: value for name, value in values.items() if name not in (*_SPLIT, "epochs", "width")}
        found.append(
            dict(zip(by, key if isinstance(key, tuple) else (key,), strict=True))
            | {"train": values.get("train"), "test": values.get("test"), "width": values.get("width")}
            | {"epochs": set(part["epochs"]), "other parameters": others, "seeds": set(part["seed"])}
            | {"runs": len(part), "where": set(part["backend"] + ", " + part["device"])}
            | {"training, s": part["train_seconds"].median(), "scoring, s": part["score_seconds"].median()}
        )
    return pd.DataFrame(found, columns=[*by, *_GIVEN])


_GIVEN = (
    *("train", "test", "width", "epochs", "other parameters", "seeds", "runs", "where"),
    "training, s",
    "scoring, s",
)


def cost(table: pd.DataFrame, measure: str = "auprc", scale: str = "") -> pd.DataFrame:
    """:func:`over_classes`, reference and improved, with a ``label``, whether it is ``one_seed``, the median ``seconds`` of one run and its ``device``."""
    means, runs = over_classes(table, measure, scale), image_runs(table, scale)
    means = means[means["configuration"].isin([REFERENCE, IMPROVED])]
    timed = dict(list(runs.assign(seconds=runs["train_seconds"] + runs["score_seconds"]).groupby(_GROUP)))
    rows = [timed[key] for key in means[_GROUP].itertuples(index=False, name=None)]
    return means.assign(
        label=[label(*key[1:]) for key in means[_GROUP].itertuples(index=False, name=None)],
        one_seed=[is_one_seed(*pair) for pair in zip(means["detector"], means["seeds"], strict=True)],
        seconds=[part["seconds"].median() for part in rows],
        device=[", ".join(sorted(set(part["device"]))) for part in rows],
    )
