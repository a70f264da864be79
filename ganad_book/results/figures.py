"""The pictures of the chapters on the survey: bars by class, ranks, cost and quality, ablations, verdicts.

Ours is blue (improved: green), what the survey published a grey diamond, the nearest neighbour an orange line.  Functions
draw and return the figure; nothing is shown.
"""

from collections.abc import Mapping, Sequence

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from sklearn.isotonic import isotonic_regression

from ganad.datasets import class_names
from ganad_book.plots import ACCENT, ANOMALY, NORMAL, PUBLISHED
from ganad_book.results import comparison, verdicts
from ganad_book.results.comparison import GANS, IMPROVED, NAMES, REFERENCE, is_gan, pick
from ganad_book.results.ranking import Ranking

_OURS = {REFERENCE: NORMAL, IMPROVED: ACCENT}
_WHISKER = {"lw": 1.0, "ecolor": "#222"}
_DIAMOND = {"marker": "D", "ms": 5, "mfc": PUBLISHED, "mec": "white", "mew": 0.6, "ls": "none", "zorder": 4}


def class_bars(table: pd.DataFrame, dataset: str, measure: str = "auprc", detectors: Sequence[str] = GANS) -> Figure:
    """A panel for each detector, a bar for each anomalous class: what the survey's Figure 5 shows, with what it leaves out.

    Bars are means over the seeds and whiskers their 95 % intervals; the title says where a bar is the value of one seed.
    """
    means = pick(comparison.by_class(table, measure), dataset=dataset)
    names = class_names(dataset)
    lines = -(-len(detectors) // 2)
    size = (8.6, 1.75 * lines + 0.9)
    figure, axes = plt.subplots(lines, 2, figsize=size, sharex=True, sharey=True, squeeze=False, layout="constrained")
    chance = means.groupby("class_index")["prevalence"].mean()
    bounds = {
        "chance": chance if measure == "auprc" else chance * 0 + 0.5,
        "1-NN": pick(means, detector="nearest_neighbour", configuration=REFERENCE).set_index("class_index")["mean"],
    }
    for axis, detector in zip(axes.flat, detectors, strict=False):
        _bars(axis, pick(means, detector=detector))
        _bounds(axis, bounds, comparison.published(dataset, detector, REFERENCE, measure))
        axis.set(title=_titled(detector, pick(means, detector=detector)), ylim=(0, 1.02), xlim=(-0.6, len(names) - 0.4))
    for axis in axes.flat[len(detectors) :]:
        axis.axis("off")
    short = max(map(len, names)) < 3
    for axis in axes[-1]:
        axis.set_xticks(range(len(names)), names, rotation=0 if short else 40, ha="center" if short else "right")
        axis.set_xlabel("anomalous class")
    for axis in axes[:, 0]:
        axis.set_ylabel(measure.upper())
    _legend(figure)
    return figure


def _titled(detector: str, rows: pd.DataFrame) -> str:
    """Name, scales, and which of the bars are those of a single seed."""
    rows = rows[rows["configuration"].isin(list(_OURS))]
    if rows.empty:
        return f"{NAMES[detector]} (not run)"
    most = rows.groupby("configuration")["seeds"].max()
    single = [name for name, seeds in most.items() if comparison.is_one_seed(detector, seeds)]
    said = ["one seed" if len(single) == len(most) else f"{name}: one seed" for name in single]
    return f"{NAMES[detector]} ({', '.join([*sorted(set(rows['scale'])), *dict.fromkeys(said)])})"


def _bars(axis: plt.Axes, rows: pd.DataFrame) -> None:
    shown = [name for name in _OURS if (rows["configuration"] == name).any()]
    width = 0.76 / max(len(shown), 1)
    for place, name in enumerate(shown):
        own = pick(rows, configuration=name)
        x = own["class_index"] + (place - (len(shown) - 1) / 2) * width
        half = ((own["high"] - own["low"]) / 2).replace(0, np.nan)
        axis.bar(x, own["mean"], width, color=_OURS[name], alpha=0.85, label=f"ours, {name}")
        axis.errorbar(x, own["mean"], half, fmt="none", **_WHISKER)


def _bounds(axis: plt.Axes, bounds: Mapping[str, pd.Series], published: Sequence[float] | None) -> None:
    looks = {"chance": {"colors": "black", "ls": ":", "lw": 1.2}, "1-NN": {"colors": ANOMALY, "lw": 1.8}}
    for name, values in bounds.items():
        if len(values):
            axis.hlines(values, values.index - 0.45, values.index + 0.45, label=name, zorder=3, **looks[name])
    if published:
        axis.plot(range(len(published)), published, label="survey (read off)", **_DIAMOND)
    axis.grid(axis="y", alpha=0.25)
    axis.set_axisbelow(True)


def _legend(figure: Figure) -> None:
    """One legend above all panels, each name once."""
    found = {}
    for axis in figure.axes:
        for handle, name in zip(*axis.get_legend_handles_labels(), strict=True):
            found.setdefault(name, handle)
    if found:
        figure.legend(found.values(), found.keys(), loc="outside upper center", ncols=len(found), columnspacing=1.4)


def critical_difference(ranking: Ranking) -> Figure:
    """Demšar's diagram: names at their mean ranks, the best on the left; a bar joins those that cannot be told apart.

    GANs are blue, classical detectors orange.
    """
    names, ranks = list(ranking.ranks), list(ranking.ranks.values())
    left, count = (len(names) + 1) // 2, len(names)
    groups = ranking.groups
    low = -0.55 - 0.3 * len(groups)
    figure, axis = plt.subplots(figsize=(7.6, 1.5 + 0.3 * left + 0.2 * len(groups)), layout="constrained")
    axis.hlines(0, 1, count, color="black", lw=1.2)
    for tick in range(1, count + 1):
        axis.vlines(tick, 0, 0.14, color="black", lw=1.2)
        axis.text(tick, 0.24, str(tick), ha="center", va="bottom", fontsize=9)
    for place, (name, rank) in enumerate(zip(names, ranks, strict=True)):
        on_left = place < left
        y = low - 0.5 * (place if on_left else count - 1 - place)
        end = 1 - 0.25 if on_left else count + 0.25
        axis.plot([rank, rank, end], [0, y, y], color=NORMAL if is_gan(name) else ANOMALY, lw=1.1, clip_on=False)
        text = f"{name}  {rank:.2f}" if on_left else f"{rank:.2f}  {name}"
        axis.text(
            end + (-0.08 if on_left else 0.08), y, text, ha="right" if on_left else "left", va="center", fontsize=9
        )
    for line, group in enumerate(groups):
        y = -0.3 - 0.3 * line
        axis.hlines(y, ranking.ranks[group[0]] - 0.05, ranking.ranks[group[-1]] + 0.05, color="#222", lw=4)
    _ruler(axis, min(ranking.critical, count - 1), ranking.critical)
    axis.text(count + 0.2, 0, "mean rank", ha="left", va="center", fontsize=9)
    axis.set(xlim=(1 - 0.33 * count, 1.28 * count), ylim=(low - 0.5 * left, 1.75))
    axis.axis("off")
    return figure


def _ruler(axis: plt.Axes, length: float, critical: float) -> None:
    axis.plot([1, 1, 1, 1 + length, 1 + length, 1 + length], [0.9, 1.1, 1, 1, 0.9, 1.1], color="black", lw=1.1)
    axis.text(1, 1.2, f"critical difference {critical:.2f}", ha="left", va="bottom", fontsize=9)


def cost_quality(
    panels: Mapping[str, pd.DataFrame], ylabel: str, reference: Mapping[str, float] | None = None
) -> Figure:
    """Quality against the seconds of one run, training and scoring: rows with ``label, seconds, mean, low, high, device``.

    GANs are blue (improved or stable: green), classical detectors orange; runs on other than a CPU are squares.  Rows that nobody has timed are left out.  A hollow mark
    (rows that are ``one_seed``) is no mean over seeds.
    """
    timed = {title: rows.dropna(subset=["seconds"]) for title, rows in panels.items()}
    shown = {title: rows for title, rows in timed.items() if len(rows)}
    columns = min(2, len(shown)) or 1
    lines = -(-len(shown) // columns) or 1
    size = (8.6 if columns == 2 else 7.4, 3.3 * lines + 0.5)
    figure, axes = plt.subplots(lines, columns, figsize=size, sharey=True, squeeze=False, layout="constrained")
    for axis in axes.flat[len(shown) :]:
        axis.axis("off")
    for axis, (title, rows) in zip(axes.flat, shown.items(), strict=False):
        axis.set(xscale="log", title=title, xlabel="training and scoring of one run, s", ylabel=ylabel)
        for row in rows.itertuples():
            half = [[row.mean - row.low], [row.high - row.mean]]
            look = {"color": _colour(row.label), "ms": 6} | ({"mfc": "white"} if row.one_seed else {})
            axis.errorbar(row.seconds, row.mean, half, fmt="o" if row.device == "CPU" else "s", **look)
        for name, value in (reference or {}).items():
            axis.axhline(value, color=PUBLISHED, lw=1.1, ls="--" if "EGBAD" in name else ":", label=name, zorder=0)
        bottom = min(float(each["mean"].min()) for each in shown.values())
        axis.set(ylim=(max(-0.05, np.floor(10 * bottom) / 10 - 0.1), 1.03))
        axis.set_xlim(rows["seconds"].min() / 2, rows["seconds"].max() * 10 ** (1.1 if columns == 1 else 2.1))
        axis.grid(alpha=0.25)
        _names(axis, rows.sort_values("seconds"))
    colours = {_colour(label): _KINDS[_colour(label)] for rows in shown.values() for label in rows["label"]}
    for colour, kind in colours.items():
        axes[0, 0].plot([], [], "o", color=colour, ms=6, label=kind)
    if any(rows["one_seed"].any() for rows in shown.values()):
        axes[0, 0].plot([], [], "o", color="0.4", mfc="white", ms=6, label="one seed")
    _legend(figure)
    return figure


_KINDS = {ANOMALY: "without an adversary", NORMAL: "GAN", ACCENT: "GAN, improved or stable"}


def _colour(label: str) -> str:
    if not is_gan(label):
        return ANOMALY
    return ACCENT if comparison.is_changed(label) else NORMAL


def _names(axis: plt.Axes, rows: pd.DataFrame) -> None:
    """Write each point's name; points that are near to each other get theirs in one column, apart, with a thread to each."""
    gap = 0.052 * (axis.get_ylim()[1] - axis.get_ylim()[0])
    clusters = (np.log10(rows["seconds"]).diff() > 0.75).cumsum()
    for _, part in rows.groupby(clusters):
        part = part.sort_values("mean")
        column = part["seconds"].max() * 1.25
        for row, y in zip(
            part.itertuples(), _apart(part["mean"].to_numpy(), gap, axis.get_ylim()[0] + gap), strict=True
        ):
            axis.plot([row.seconds, column], [row.mean, y], color="0.6", lw=0.6, zorder=1)
            axis.text(
                column, y, f" {row.label}", fontsize=8, va="center", bbox={"fc": "white", "ec": "none", "pad": 0.4}
            )


def _apart(values: np.ndarray, gap: float, low: float, high: float = 1.0) -> np.ndarray:
    """Heights in the same order and as near to the values as can be, each ``gap`` above the one below, within the bounds."""
    steps = gap * np.arange(len(values))
    return isotonic_regression(values - steps, y_min=low, y_max=high - steps[-1]) + steps


def configurations(panels: Mapping[str, pd.DataFrame]) -> Figure:
    """For each panel the rows of :func:`ganad_book.results.ablations.configurations`: ours beside the survey's, one line each."""
    heights = [len(rows) for rows in panels.values()]
    size, shape = (7.4, 0.3 * sum(heights) + 0.75 * len(panels) + 0.7), {"height_ratios": heights, "squeeze": False}
    figure, axes = plt.subplots(len(panels), 1, figsize=size, sharex=True, layout="constrained", **shape)
    for axis, (title, rows) in zip(axes.flat, panels.items(), strict=True):
        y = np.arange(len(rows))
        half = ((rows["high"] - rows["low"]) / 2).replace(0, np.nan)
        axis.errorbar(rows["mean"], y, xerr=half, fmt="o", color=NORMAL, ms=6, lw=1.2, label="ours")
        axis.plot(rows["survey"], y, label="survey, same classes", **_DIAMOND)
        axis.plot(rows["survey_ten"], y, label="survey, all ten", **_DIAMOND | {"mfc": "white", "mec": PUBLISHED})
        axis.plot(rows["chance"], y, "|", color="black", ms=11, label="chance")
        single = ", one seed" if rows["seeds"].max() == 1 else ""
        axis.set(title=f"{title}{single}", ylim=(len(rows) - 0.5, -0.5), xlim=(0.2, 1))
        axis.set_yticks(y, rows["name"])
        axis.grid(axis="x", alpha=0.25)
    axes[-1, 0].set_xlabel("AUPRC, mean over the classes")
    _legend(figure)
    return figure


def gains(rows: Mapping[str, Mapping[str, Sequence[float]]], xlabel: str) -> Figure:
    """For each name its series of gains: every one a dot, their mean a line; right of zero is better.

    ``rows`` is {name: {series: gains}}; a series called ``ours`` is blue, any other grey.
    """
    figure, axis = plt.subplots(figsize=(7.4, 0.5 * len(rows) + 1.3), layout="constrained")
    for y, series in enumerate(rows.values()):
        for place, (name, values) in enumerate(series.items()):
            height = y + 0.3 * (place - (len(series) - 1) / 2)
            colour = NORMAL if name == "ours" else PUBLISHED
            axis.plot(values, np.full(len(values), height), "o", ms=4, mew=0, color=colour, alpha=0.45)
            if len(values):
                axis.plot(np.mean(values), height, "|", ms=13, mew=2.4, color=colour, label=f"{name}, mean of the dots")
    axis.axvline(0, color="black", lw=0.8)
    axis.set(xlabel=xlabel, ylim=(len(rows) - 0.5, -0.5))
    axis.set_yticks(range(len(rows)), [name.replace(" (", "\n(") for name in rows])
    axis.grid(axis="x", alpha=0.25)
    _legend(figure)
    return figure


WIDTHS = {"full": "full width", "quarter": "a quarter of the width"}
"""Titles of the series of :data:`ganad_book.sweep.rates.SERIES`."""


def training_curves(table: pd.DataFrame) -> Figure:
    """The residual by training step, a line for each learning rate (:mod:`ganad_book.sweep.rates`), a panel for each variant.

    Lines are means over the seeds, bands their range; the dashed line is the residual of the median image.
    """
    parts = list(table.groupby("variant", sort=False))
    size = (4.4 * len(parts) + 1.6, 3.4)
    figure, axes = plt.subplots(1, len(parts), figsize=size, sharey=True, squeeze=False, layout="constrained")
    colours = plt.get_cmap("viridis")(np.linspace(0, 0.85, table["learning_rate"].nunique()))
    by_rate = dict(zip(sorted(table["learning_rate"].unique()), colours, strict=True))
    for axis, (variant, rows) in zip(axes.flat, parts, strict=True):
        for rate, own in rows.groupby("learning_rate"):
            over = own.groupby("step")["residual"].agg(["mean", "min", "max"])
            axis.plot(over.index, over["mean"], color=by_rate[rate], label=f"rate {rate:g}")
            axis.fill_between(over.index, over["min"], over["max"], color=by_rate[rate], alpha=0.2, lw=0)
        axis.axhline(rows["median_residual"].iloc[0], color=PUBLISHED, ls="--", label="median image")
        single = ", one seed" if rows["seed"].nunique() == 1 else ""
        axis.set(title=f"{WIDTHS.get(variant, variant)}{single}", xlabel="training steps", ylim=(0, None))
        axis.grid(alpha=0.25)
    axes[0, 0].set_ylabel("residual of validation images")
    _legend(figure)
    return figure


def published_against_ours(groups: Mapping[str, Sequence[verdicts.Judged]], slack: float = 0.02) -> Figure:
    """Every published number against ours, by verdict; in the grey band the two agree to within the slack."""
    colours = (NORMAL, ACCENT, ANOMALY, "0.45")
    said = {row.verdict for judged in groups.values() for row in judged if row.found}
    shown = [
        (name, colour)
        for colour, *words in zip(colours, verdicts.VERDICTS, verdicts.COMPARISONS, strict=False)
        for name in words
        if name in said
    ]
    size = (3.6 * len(groups) + 0.8, 4.2)
    figure, axes = plt.subplots(1, len(groups), figsize=size, sharey=True, squeeze=False, layout="constrained")
    line = np.array([0.0, 1.0])
    for axis, (title, judged) in zip(axes.flat, groups.items(), strict=True):
        axis.fill_between(line, line - slack, line + slack, color=PUBLISHED, alpha=0.35, lw=0, label=f"within {slack}")
        for name, colour in dict(shown).items():
            rows = [row for row in judged if row.verdict == name]
            ours = np.array([(row.found.mean, (row.found.high - row.found.low) / 2) for row in rows]).reshape(-1, 2)
            x = [row.published for row in rows]
            axis.errorbar(x, ours[:, 0], ours[:, 1], fmt="o", ms=4.5, lw=0.7, color=colour, alpha=0.8, label=name)
        if all(row.found is None for row in judged):
            axis.text(0.6, 0.3, "not run", ha="center", color=PUBLISHED)
        axis.set(title=title, xlabel="published", xlim=(0.2, 1), ylim=(0.2, 1), aspect="equal")
        axis.grid(alpha=0.25)
    axes[0, 0].set_ylabel("ours")
    _legend(figure)
    return figure
