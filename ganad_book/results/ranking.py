"""Which detectors differ: mean ranks over many tasks, Friedman's test, and Nemenyi's critical difference.

After J. Demšar, Statistical Comparisons of Classifiers over Multiple Data Sets, JMLR 7, 2006.
"""

import textwrap
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import pandas as pd
from scipy import stats

from ganad_book.results import comparison
from ganad_book.sweep import results


@dataclass(frozen=True)
class Ranking:
    """Detectors compared on the same blocks.

    Attributes
    ----------
    ranks : dict
        Mean rank by name, the best first; 1 would be the best of all in every block.
    blocks : list
        (data set, class) pairs, by index of the class.
    statistic, p_value : float
        Friedman's, NaN where there are too few to test.
    critical : float
        Two mean ranks that are nearer than this cannot be told apart (level .05).
    """

    ranks: dict[str, float]
    blocks: list[tuple[str, int]]
    statistic: float
    p_value: float
    critical: float
    scales: tuple[str, ...] = field(default=())

    @property
    def groups(self) -> list[tuple[str, ...]]:
        """Sets of neighbours that cannot be told apart, none a part of another."""
        names, values = list(self.ranks), np.array(list(self.ranks.values()))
        reach = [int(np.flatnonzero(values - value <= self.critical)[-1]) for value in values]
        spans = [(start, end) for start, end in enumerate(reach) if end > start]
        kept = [span for span in spans if not any(o[0] < span[0] and o[1] >= span[1] for o in spans)]
        return [tuple(names[start : end + 1]) for start, end in kept]


def said(found: Ranking | None) -> str:
    """A ranking in words."""
    if found is None:
        return "No class of any data set has a finished run of each of them: nothing to rank."
    data = Counter(comparison.DATA[dataset] for dataset, _ in found.blocks)
    where = ", ".join(f"{count} of {name}" for name, count in data.items())
    best = next(iter(found.ranks))
    alike = [name for name, rank in found.ranks.items() if rank - found.ranks[best] <= found.critical and name != best]
    seen = "differences" if found.p_value < 0.05 else "no difference"
    test = f"Friedman's statistic {found.statistic:.1f}, p = {found.p_value:.2g}: it sees {seen}"
    lines = [
        f"{len(found.ranks)} detectors, {len(found.blocks)} blocks: {where}",
        "too few blocks for Friedman's test" if np.isnan(found.p_value) else test,
        f"critical difference {found.critical:.2f}; best mean rank: {best}, {found.ranks[best]:.2f}",
        f"not told apart from it: {'; '.join(alike) or 'none'}",
    ]
    return "\n".join(textwrap.fill(line, 78, subsequent_indent="  ") for line in lines)


def critical_difference(count: int, blocks: int, level: float = 0.05) -> float:
    """Nemenyi's: the least difference of two mean ranks of ``count`` methods over ``blocks`` tasks that counts."""
    quantile = stats.studentized_range.ppf(1 - level, count, np.inf) / np.sqrt(2)
    return float(quantile * np.sqrt(count * (count + 1) / (6 * blocks)))


def ranking(
    values: Mapping[tuple, Sequence[float]], names: Sequence[str], scales: Sequence[str] = ()
) -> Ranking | None:
    """Ranks of the named methods by their values in each block, higher is better; None without a block.

    Friedman's test needs three methods and two blocks.
    """
    if not values or len(names) < 2:
        return None
    scores = np.array(list(values.values()), float)
    means = stats.rankdata(-scores, axis=1).mean(0)
    enough = len(names) > 2 and len(scores) > 1
    tested = stats.friedmanchisquare(*scores.T) if enough else (np.nan, np.nan)
    ordered = dict(sorted(zip(names, means.tolist(), strict=True), key=lambda pair: pair[1]))
    critical = critical_difference(len(names), len(scores))
    return Ranking(ordered, list(values), *map(float, tested), critical, tuple(dict.fromkeys(scales)))


Contestant = tuple[str, str]
"""A detector and its configuration."""


def over_blocks(
    table: pd.DataFrame, contestants: Sequence[Contestant], measure: str = "auprc", datasets: Sequence[str] = ()
) -> Ranking | None:
    """Rank the contestants over the (data set, class) pairs in which each has a finished run, seeds averaged first.

    ``datasets`` keeps the blocks of these alone.  A block is taken at one scale, the larger one if every contestant has it
    there: a detector on a GPU is not ranked against one that had a fifth of its samples.
    """
    found: dict[tuple, list[float]] = {}
    used: list[str] = []
    for scale in comparison.SCALES:
        means = comparison.by_class(table, measure, scale).set_index(["detector", "configuration"])
        for block, rows in means.groupby(["dataset", "class_index"]):
            have = rows["mean"].to_dict()
            if block not in found and set(contestants) <= have.keys() and (not datasets or block[0] in datasets):
                found[block] = [have[pair] for pair in contestants]
                used.append(scale)
    return ranking(found, [comparison.label(*pair) for pair in contestants], used)


def everyone(table: pd.DataFrame) -> list[Contestant]:
    """All detectors that have run on images, in their reference configuration, but for the control that learns nothing."""
    runs = comparison.pick(comparison.image_runs(table), configuration=comparison.REFERENCE)
    had = set(runs["detector"]) - {results.CONTROL}
    return [(detector, comparison.REFERENCE) for detector in comparison.NAMES if detector in had]


def on_most_blocks(table: pd.DataFrame) -> list[Contestant]:
    """The detectors, reference and improved, that have run on every (data set, class) pair of the GAN with the most of them."""
    runs = comparison.image_runs(table)
    runs = runs[runs["configuration"].isin([comparison.REFERENCE, comparison.IMPROVED])]
    runs = runs[runs["detector"] != results.CONTROL]
    blocks = {
        pair: set(zip(rows["dataset"], rows["class_index"], strict=True))
        for pair, rows in runs.groupby(["detector", "configuration"])
    }
    most = max((had for pair, had in blocks.items() if pair[0] in comparison.GANS), key=len, default=set())
    order = list(comparison.NAMES)
    return sorted((pair for pair, had in blocks.items() if had >= most), key=lambda pair: order.index(pair[0]))
