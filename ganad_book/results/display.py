"""The tables of the chapters on the survey, as they stand on the page: texts, computed from the results.

What is not there is a dash.  A mean stands with half of its 95 % interval over the seeds, the value of a single seed alone; the
column "seeds" says which it is (:func:`behind`).
"""

import hashlib
import re
import textwrap
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from ganad.datasets import class_names
from ganad.metrics import Interval, interval
from ganad_book.results import comparison, reported
from ganad_book.results.comparison import DATA, IMPROVED, NAMES, REFERENCE, label, pick
from ganad_book.sweep import images

if TYPE_CHECKING:
    from pandas.io.formats.style import Styler

NOTHING = "–"
UNTRAINED = "\N{NO-BREAK SPACE}†"
"""Marks what a run that is *not trained* has a part in: see :data:`ganad_book.sweep.results.TRAINED`."""
CLASS_MEAN = "class mean"
"""The column of means over the classes."""
_MEASURES = {"auprc": "AUPRC", "auroc": "AUROC"}


def show(frame: pd.DataFrame, small: bool = False, index: bool = True) -> "Styler":
    """A table of texts for a page: nothing cut off, and the same bytes for the same content."""
    from pandas.io.formats.style import Styler

    words = hashlib.sha256(frame.to_csv().encode()).hexdigest()[:5]
    styler = Styler(frame, uuid=words, cell_ids=False)
    if small:
        styler.set_table_attributes('style="font-size: 0.78rem"')
        styler.set_table_styles([{"selector": "th, td", "props": "padding: 0.2rem 0.32rem"}])
    return styler if index else styler.hide(axis="index")


def brief(mean: float, half: float = 0.0, digits: int = 2) -> str:
    """``.84 ± .03``; without a half width ``.84``; a dash for NaN."""
    if np.isnan(mean):
        return NOTHING
    text = f"{mean:.{digits}f}" + (f" ±\N{NO-BREAK SPACE}{half:.{digits}f}" if half else "")
    return re.sub(r"(?<!\d)0(?=\.)", "", text).replace("-", "−")


def cell(row: pd.Series, digits: int = 2) -> str:
    """A row's mean and half of its interval, see :func:`brief`; marked if one of its runs is not trained."""
    return brief(row["mean"], (row["high"] - row["low"]) / 2, digits) + UNTRAINED * bool(row.get("untrained", 0))


def among(found: Interval | None, digits: int = 3) -> str:
    """An interval, see :func:`brief`; a dash for None."""
    return NOTHING if found is None else brief(found.mean, (found.high - found.low) / 2, digits)


def _span(numbers: Iterable[int]) -> str:
    low, high = min(numbers), max(numbers)
    return f"{low}" if low == high else f"{low}–{high}"


def behind(detector: str, seeds: Iterable[int]) -> str:
    """What the values of a row are, by how many seeds there are of each.

    >>> behind("egbad", [3, 3]), behind("egbad", [1]), behind("egbad", [1, 3]), behind("pca_residual", [1])
    ('mean of 3', 'one seed', 'one to 3', 'no seed')
    """
    few, many = min(counts := list(seeds)), max(counts)
    if comparison.is_one_seed(detector, many):
        return "one seed"
    if many == 1:
        return "no seed"
    return f"one to {many}" if few == 1 else f"mean of {_span(counts)}"


def by_class(table: pd.DataFrame, dataset: str, measure: str = "auprc") -> pd.DataFrame:
    """Every detector by anomalous class: means over the seeds ± half of the 95 % interval or the value of one seed, and its bounds.

    The mean over the classes stands only where all of them have run.
    """
    means = pick(comparison.by_class(table, measure), dataset=dataset)
    names = class_names(dataset)
    whole = pick(comparison.over_classes(table, measure), dataset=dataset, classes=len(names))
    rows = {}
    for detector, configuration in _contestants(means):
        own, over = (pick(part, detector=detector, configuration=configuration) for part in (means, whole))
        cells = {row["anomaly_class"]: cell(row) for _, row in own.iterrows()}
        rows[label(detector, configuration)] = cells | {
            CLASS_MEAN: cell(over.iloc[0]) if len(over) else NOTHING,
            "seeds": behind(detector, own["seeds"]) if len(own) else NOTHING,
            "scale": own["scale"].iloc[0] if len(own) else NOTHING,
        }
    rows |= _beside(means, dataset, names, measure)
    return pd.DataFrame.from_dict(rows, orient="index", columns=[*names, CLASS_MEAN, "seeds", "scale"]).fillna(NOTHING)


def _contestants(means: pd.DataFrame) -> list[tuple[str, str]]:
    had = set(zip(means["detector"], means["configuration"], strict=True))
    every = [(detector, configuration) for detector in NAMES for configuration in (REFERENCE, IMPROVED)]
    return [pair for pair in every if pair[1] == REFERENCE or pair in had]


def _beside(means: pd.DataFrame, dataset: str, names: Sequence[str], measure: str) -> dict[str, dict]:
    if measure != "auprc":
        return {"chance": dict.fromkeys([*names, CLASS_MEAN], ".50")}
    rows = {
        f"survey, {NAMES[detector]}": series
        for detector in reported.FIGURE_5
        if (series := reported.figure_5(dataset, detector))
    }
    bounds = means.groupby("anomaly_class")[["prevalence", "floor"]].mean().reindex(names)
    rows |= {"chance": bounds["prevalence"], "lowest possible": bounds["floor"]}
    return {
        name: {each: brief(value) for each, value in zip(names, values, strict=True)}
        | {CLASS_MEAN: brief(float(np.mean(values)) if not np.isnan(values).any() else np.nan)}
        for name, values in ((name, np.array(values, float)) for name, values in rows.items())
    }


def over_classes(table: pd.DataFrame, dataset: str) -> pd.DataFrame:
    """Every detector's mean AUPRC and AUROC over the classes it has run on, the survey's and 1-NN's over the same classes."""
    ours, curves = (pick(comparison.over_classes(table, measure), dataset=dataset) for measure in _MEASURES)
    nearest = pick(comparison.by_class(table), dataset=dataset, detector="nearest_neighbour", configuration=REFERENCE)
    nearest = nearest.set_index("class_index")["mean"]
    rows: dict[str, dict] = {label(*pair): {} for pair in _contestants(ours)}
    for (_, row), (_, curve) in zip(ours.iterrows(), curves.iterrows(), strict=True):
        if (name := label(row["detector"], row["configuration"])) in rows:
            rows[name] = {
                "scale": row["scale"],
                "classes": str(row["classes"]),
                "seeds": behind(row["detector"], [row["seeds"]]),
                "AUPRC": cell(row, 3),
                "survey": brief(row["published"], digits=3),
                "1-NN": brief(nearest.reindex(row["class_indices"]).mean(skipna=False), digits=3),
                "chance": brief(row["prevalence"], digits=3),
                "AUROC": cell(curve, 3),
            }
    columns = ["scale", "classes", "seeds", "AUPRC", "survey", "1-NN", "chance", "AUROC"]
    return pd.DataFrame.from_dict(rows, orient="index", columns=columns).fillna(NOTHING)


def both_scales(table: pd.DataFrame, dataset: str, detector: str, configuration: str) -> pd.DataFrame:
    """One configuration by anomalous class at both scales: AUPRC, and the residuals of normal validation samples.

    A row's ``residual`` and the median's beside it say whether its model has learned: see :data:`ganad_book.sweep.results.COLUMNS`.
    """
    names, rows = class_names(dataset), {}
    for scale in comparison.SCALES:
        runs = pick(comparison.image_runs(table, scale, dataset), detector=detector, configuration=configuration)
        if runs.empty:
            continue
        seeds = behind(detector, runs.groupby("anomaly_class")["seed"].nunique())
        for name, column in (
            ("AUPRC", "auprc"),
            ("residual", "residual"),
            ("residual of the median", "median_residual"),
        ):
            found = runs.groupby("anomaly_class")[column].agg(
                lambda values: interval(values) if values.notna().all() else None
            )
            if found.notna().any():
                cells = {each: among(found.get(each), 2) for each in names}
                means = [each.mean for each in found if each is not None]
                rows[f"{scale}, {seeds}: {name}"] = cells | {
                    CLASS_MEAN: brief(np.mean(means)) if len(means) == len(names) else NOTHING
                }
    if series := comparison.published(dataset, detector, configuration):
        rows["survey: AUPRC"] = dict(zip([*names, CLASS_MEAN], map(brief, [*series, np.mean(series)]), strict=True))
    return pd.DataFrame.from_dict(rows, orient="index", columns=[*names, CLASS_MEAN]).fillna(NOTHING)


def budgets(rows: pd.DataFrame, by: Sequence[str] = ("dataset", "detector", "variant")) -> pd.DataFrame:
    """What each group of rows was given: samples, width, epochs, other parameters, seeds, where, and how long it took."""
    found = comparison.budgets(rows, by)
    shown = [
        {"data" if name == "dataset" else name: _NAMED.get(row[name], row[name]) for name in by}
        | {"train / test": f"{_values(row['train'], 'all', ',')}\N{NO-BREAK SPACE}/ {_values(row['test'], 'all', ',')}"}
        | {"width": _values(row["width"], NOTHING if row["epochs"] == {0} else "1", "g")}
        | {"epochs": _values(row["epochs"] - {0}, NOTHING, "d")}
        | {"other parameters": "; ".join(_said(*pair) for pair in row["other parameters"].items())}
        | {"seeds": _span(row["seeds"]), "where": "; ".join(sorted(row["where"]))}
        | {"seconds": f"{_seconds(row['training, s'])} + {_seconds(row['scoring, s'])}"}
        for _, row in found.iterrows()
    ]
    last = ("train / test", "width", "epochs", "other parameters", "seeds", "where", "seconds")
    return pd.DataFrame(shown, columns=[*("data" if name == "dataset" else name for name in by), *last])


_NAMED = DATA | NAMES | {images.DEVELOPMENT: "digits, enlarged"}


def _seconds(value: float) -> str:
    return f"{value:,.1f}" if value < 10 else whole_seconds(value)


def whole_seconds(value: float) -> str:
    """Seconds to read; a dash where no run was timed on a machine of its own."""
    return NOTHING if np.isnan(value) else f"{value:,.0f}"


def _values(values: set | None, nothing: str, spec: str) -> str:
    return ", ".join(format(value, spec) for value in sorted(values)) if values else nothing


def _said(name: str, values: set) -> str:
    return f"{name.replace('_', ' ')} {', '.join(f'{v:g}' if isinstance(v, float) else f'{v}' for v in values)}"


def missing(table: pd.DataFrame, dataset: str) -> str:
    """What the grid's reference configurations lack on a data set of images, in words."""
    runs = comparison.image_runs(table)
    runs = runs[(runs["dataset"] == dataset) & (runs["configuration"] == REFERENCE)]
    names = class_names(dataset)
    lacking: dict[tuple, list[str]] = {}
    for detector, name in NAMES.items():
        had = set(runs[runs["detector"] == detector]["anomaly_class"])
        if absent := tuple(each for each in names if each not in had):
            lacking.setdefault(absent, []).append(name)
    if not lacking:
        return f"{DATA[dataset]}, {REFERENCE} configuration: every detector has run on every class."
    parts = [
        f"{', '.join(who)} " + ("on any class" if len(absent) == len(names) else f"on {', '.join(absent)}")
        for absent, who in lacking.items()
    ]
    return wrapped(f"{DATA[dataset]}, {REFERENCE} configuration, not run: " + "; ".join(parts) + ".")


def wrapped(text: str) -> str:
    """Lines that fit a page; what starts a line of its own still does."""
    return "\n".join(textwrap.fill(line, 78, subsequent_indent="  ") for line in text.splitlines())


def findings(table: pd.DataFrame, dataset: str) -> str:
    """What the means by class say of the GANs, reference and improved configurations apart: beside 1-NN, and beside chance."""
    means = pick(comparison.by_class(table), dataset=dataset)
    nearest = pick(means, detector="nearest_neighbour").set_index("class_index")["mean"]
    lines = []
    for configuration in (REFERENCE, IMPROVED):
        gans = pick(means[means["detector"].isin(comparison.GANS)], configuration=configuration)
        best = gans.groupby("class_index")["mean"].max()
        both = best.index.intersection(nearest.index)
        if both.empty:
            continue
        behind = int((nearest[both] > best[both]).sum())
        low = gans[gans["mean"] < gans["prevalence"]]
        where = ", ".join(means.set_index("class_index")["anomaly_class"].to_dict()[place] for place in _often(low))
        lines += [
            f"{DATA[dataset]}, {configuration} configuration: 1-NN has a higher AUPRC than every GAN in {behind} of {len(both)} classes.",
            f"Below chance: {len(low)} of {len(gans)} pairs of GAN and class"
            + (f", most often with {where} as the anomaly." if where else "."),
        ]
    return wrapped("\n".join(lines) or f"{DATA[dataset]}: nothing to compare yet.")


def _often(rows: pd.DataFrame) -> list[int]:
    """The class that most of the rows are of, or the classes, if there is a tie."""
    counts = rows["class_index"].value_counts()
    return sorted(counts[counts == counts.max()].index) if len(counts) else []
