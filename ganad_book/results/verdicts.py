"""Every published number beside ours: reproduced, beaten, not reached or undecided, and why, from facts of the rows.

The rule is :func:`verdict`.  Only the published method can reproduce a published value: a configuration that this book has changed
(:func:`ganad_book.results.comparison.is_changed`) gets words and a count of its own (:data:`COMPARISONS`).  The rule is applied to the bars of the
survey's Figure 5 (:func:`figure_5`), to its appendix (:func:`configurations`) and to its KDD table (:mod:`ganad_book.results.kdd_table`).
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from ganad.datasets import class_names
from ganad.metrics import Interval, interval
from ganad_book.results import comparison, display, reported
from ganad_book.sweep import results

REPRODUCED, BEATEN, NOT_REACHED, UNDECIDED, NOT_TRAINED, NOT_RUN = VERDICTS = (
    "reproduced",
    "beaten",
    "not reached",
    "undecided",
    "not trained",
    "not run",
)

LEVEL, BEATS, FALLS_SHORT = "level with it", "beats it", "does not reach it"
_OF_CHANGED = {REPRODUCED: LEVEL, BEATEN: BEATS, NOT_REACHED: FALLS_SHORT}
COMPARISONS = tuple(_OF_CHANGED.get(name, name) for name in VERDICTS)
"""What is said of a changed configuration beside the published value, by the same rule: it is not the published method, so it
reproduces nothing."""

SLACK = {"auprc": 0.02, "f1": 0.005}
"""By how much a mean may miss a published figure and still reproduce it: four times what one reads off a chart, and for
the printed F1 of KDD the deviation of the stable variant over its seeds."""


def _half_apart(one: Sequence[float], other: Sequence[float]) -> float:
    return float(np.median(np.abs(np.subtract(one, other)))) / 2


_BOTH = ("mnist", "fashion_mnist")
WIDEST = {
    "auprc": _half_apart(*([value for data in _BOTH for value in bars[data]] for bars in reported.FIGURE_5.values())),
    "f1": _half_apart([reported.SURVEY_EGBAD.f1], [reported.SURVEY_GANOMALY.f1]),
}
"""The largest half width of an interval that can reproduce a published value: half of what separates the survey's two methods.

Two values that are so far apart do not both lie inside a narrower interval.  A wider one can contain both, and then it does not
tell which of the two methods it agrees with.  For AUPRC the distance is the median over the bars of Figure 5 (MNIST and Fashion-MNIST), for F1 that of the
KDD table.  Only published values enter."""

CHOSEN = "theirs: best configuration and checkpoint"
"""What stands behind the survey's main figures."""
_PEAK = "theirs: tested while the best model was being chosen"
_ROUNDING = 1e-9


@dataclass(frozen=True)
class Judged:
    """One published number beside ours.

    Attributes
    ----------
    data, detector, configuration, anomaly : str
        What it is of; ``configuration`` is ours.
    published : float
    read : str
        How the published figure was read.
    chance : float
        Of a score that knows nothing; NaN if unknown.
    found : Interval or None
        Our mean over the seeds, or the value of one seed; None without a finished run.
    verdict, why : str
        One of :data:`VERDICTS`, or of :data:`COMPARISONS` if the configuration is ``changed``.
    """

    data: str
    detector: str
    configuration: str
    anomaly: str
    published: float
    read: str
    chance: float
    found: Interval | None
    verdict: str
    why: str

    @property
    def changed(self) -> bool:
        """Whether the configuration is this book's and not the published method."""
        return comparison.is_changed(self.configuration)


def verdict(found: Interval | None, published: float, measure: str = "auprc") -> str:
    """The rule: one of :data:`VERDICTS` for our mean, its 95 % interval over the seeds, and a published value.

    ``undecided`` with one seed, which has no interval, and if an interval wider than :data:`WIDEST` contains the published value.  Else
    ``reproduced`` if the published value lies in the interval or within :data:`SLACK` of our mean.  Else ``beaten`` if our mean,
    and so the whole interval, lies above it, and ``not reached`` if below.  ``not run`` without a run.
    """
    if found is None:
        return NOT_RUN
    inside = found.low - _ROUNDING <= published <= found.high + _ROUNDING
    if found.count < 2 or (inside and _is_wide(found, measure)):
        return UNDECIDED
    if inside or abs(found.mean - published) <= SLACK[measure] + _ROUNDING:
        return REPRODUCED
    return BEATEN if found.mean > published else NOT_REACHED


def _is_wide(found: Interval, measure: str) -> bool:
    return (found.high - found.low) / 2 > WIDEST[measure] + _ROUNDING


def figure_5(table: pd.DataFrame, configurations: Sequence[str] = (comparison.REFERENCE,)) -> list[Judged]:
    """Every bar of the survey's Figure 5 (CIFAR-10: of its appendix) and the means over the classes that have run."""
    found = []
    for detector, by_data in reported.FIGURE_5.items():
        for dataset, series in by_data.items():
            for configuration in configurations:
                found += _series(table, dataset, detector, configuration, series, CHOSEN)
    return found


def configurations(table: pd.DataFrame) -> list[Judged]:
    """The means of the survey's appendix A.2, one for each configuration, over the classes that have run."""
    found = []
    for row in reported.APPENDIX:
        known = row.name not in ("A", "B")
        ours = row.name if known else comparison.REFERENCE
        reason = _PEAK if known else f"{_PEAK}; with which of two losses, its chart does not tell"
        mean = list(_series(table, row.dataset, row.detector, ours, row.auprc, reason))[-1]
        found.append(mean if known else replace(mean, configuration=f"series {row.name}: {ours}"))
    return found


def _series(
    table: pd.DataFrame, dataset: str, detector: str, configuration: str, series: Sequence[float], reason: str
) -> Iterator[Judged]:
    runs = comparison.image_runs(table)
    rows = comparison.pick(runs, dataset=dataset, detector=detector, configuration=configuration)
    what = (comparison.DATA[dataset], comparison.NAMES[detector], configuration)
    for place, name in enumerate(class_names(dataset)):
        part = rows[rows["class_index"] == place]
        yield judge(what, name, series[place], part, reason)
    had, rows = rows, rows[~results.untrained(rows)]
    if rows.empty:
        yield judge(what, _mean_of(len(series)), float(np.mean(series)), had, reason)
        return
    classes, whole = comparison.complete_seeds(rows)
    published = float(np.mean([series[place] for place in classes]))
    yield judge(what, _mean_of(len(classes)), published, whole, reason)


def _mean_of(classes: int) -> str:
    return f"mean of {classes} class" + "es" * (classes != 1)


def judge(
    what: tuple[str, str, str],
    anomaly: str,
    published: float,
    rows: pd.DataFrame,
    reason: str,
    measure: str = "auprc",
    read: str = "read off",
) -> Judged:
    """Hold a published number against ours.

    Parameters
    ----------
    what : tuple of str
        Data, detector and our configuration.
    anomaly : str
    published : float
    rows : DataFrame
        Ours; of each seed the mean over its rows counts, and no run that is not trained (:data:`ganad_book.sweep.results.TRAINED`).
    reason : str
        What else might explain that the published figure is higher.
    measure : {"auprc", "f1"}
    read : str
        How the published figure was read.
    """
    chance = float(rows["prevalence"].mean()) if len(rows) else np.nan
    trained = rows[~results.untrained(rows)]
    values = trained.groupby("seed")[measure].mean().to_numpy()
    found = interval(values) if len(values) else None
    said = verdict(found, published, measure)
    if found is not None:
        why = _why(said, published, values, trained, chance, reason)
        why += f"; not trained, left out: {len(rows) - len(trained)}" * (len(trained) < len(rows))
    elif len(rows):
        said, why = NOT_TRAINED, "reconstructs hardly better than the median"
    else:
        why = "no finished run"
    if comparison.is_changed(what[2]):
        said = _OF_CHANGED.get(said, said)
    return Judged(*what, anomaly, published, read, chance, found, said, why)


def _why(said: str, published: float, values: Sequence[float], rows: pd.DataFrame, chance: float, reason: str) -> str:
    found, facts = interval(values), []
    if said == UNDECIDED:
        facts = ["one seed: no interval" if found.count == 1 else "inside our interval, which is too wide to decide"]
        facts += [*smaller_budget(rows), reason] if found.count == 1 and found.mean < published - SLACK["auprc"] else []
    elif said == NOT_REACHED:
        facts = [*smaller_budget(rows), _best_seeds(values, published), reason]
    elif said == BEATEN and published <= chance + SLACK["auprc"]:
        facts = [f"the published figure is {'no' if published <= chance else 'hardly'} better than chance"]
    elif said == BEATEN:
        facts = _changes(rows)
    else:
        facts = _agreement(found, published, chance)
    return "; ".join(filter(None, facts))


def _agreement(found: Interval, published: float, chance: float) -> list[str]:
    facts = ["inside our interval" if found.low <= published <= found.high else "near our mean"]
    return facts + ["neither is better than chance"] * (max(found.mean, published) <= chance + SLACK["auprc"])


def _best_seeds(values: Sequence[float], published: float) -> str:
    reached = sum(value >= published for value in values)
    return f"{reached or 'none'} of {len(values)} seeds reach it" if len(values) > 1 else ""


def _changes(rows: pd.DataFrame) -> list[str]:
    known = ("train", "val", "test", "width", "epochs")
    names = [name.replace("_", " ") for name in comparison.given(rows) if name not in known]
    return [f"changed: {', '.join(names)}"] if names else []


def smaller_budget(rows: pd.DataFrame) -> list[str]:
    """In what rows had less than the survey: training samples, units; and that KDD's test half was thinned."""
    values, facts = comparison.given(rows), []
    whole = reported.TRAINING_SAMPLES.get(rows["dataset"].iloc[0])
    if whole and (train := max(values.get("train", {0}))):
        facts.append(f"{100 * train / whole:.0f} % of the samples")
    if (width := max(values.get("width", {1}))) < 1:
        facts.append(f"{width:g} of the units")
    if rows["dataset"].iloc[0] == "kddcup99" and "test" in values:
        facts.append(f"tested on {max(values['test']):,} rows")
    return facts


def table(judged: Sequence[Judged], named: bool = False) -> pd.DataFrame:
    """Published numbers beside ours, as texts; ``named``: with data and detector.

    The last column but one is called ``verdict``, and ``comparison`` in a table of changed configurations.
    """
    word = "comparison" if judged and all(row.changed for row in judged) else "verdict"
    several = len({row.configuration for row in judged}) > 1 and not named
    rows = [
        {
            "": ", ".join((row.data, row.detector, row.configuration)) if named else row.anomaly,
            **({"anomaly": row.anomaly} if named else {}),
            **({"configuration": row.configuration or display.NOTHING} if several else {}),
            "published": display.brief(row.published, digits=3),
            "ours": display.among(row.found),
            "seeds": str(row.found.count) if row.found else display.NOTHING,
            "chance": display.brief(row.chance),
            word: row.verdict,
            "why": row.why,
        }
        for row in judged
    ]
    return pd.DataFrame(rows)


def of_method(judged: Sequence[Judged]) -> list[Judged]:
    """Those of the published method."""
    return [row for row in judged if not row.changed]


def of_changed(judged: Sequence[Judged]) -> list[Judged]:
    """Those of configurations that this book has changed."""
    return [row for row in judged if row.changed]


def tally(groups: Mapping[str, Sequence[Judged]], changed: bool = False) -> pd.DataFrame:
    """How many of each group's published numbers got which verdict: those of the published method, or those of ``changed`` ones."""
    words, kept = (COMPARISONS, of_changed) if changed else (VERDICTS, of_method)
    counts = {name: Counter(row.verdict for row in kept(judged)) for name, judged in groups.items()}
    return pd.DataFrame.from_dict(
        {name: {each: str(found[each]) for each in words} for name, found in counts.items()}, orient="index"
    )
