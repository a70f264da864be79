"""Every picture the chapters show, in one style.

Blue is normal, orange is anomalous, grey is what others published.  Functions draw and return the figure; nothing is shown.
"""

import io
from collections.abc import Mapping, Sequence

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.figure import Figure
from matplotlib.patches import FancyArrowPatch, FancyBboxPatch

PALETTE = {
    "normal": "#2f6db3",
    "anomaly": "#e07b1f",
    "published": "#8a8f98",
    "accent": "#14532d",
    "fifth": "#8c2d62",
}
"""The colours of everything; a test sees to it that they differ for the colour-blind, and that the pages have the same."""
NORMAL, ANOMALY, PUBLISHED, ACCENT, _FIFTH = PALETTE.values()
_LABEL = "#767b84"  # as far from white as from the paper of a dark page
_COLOURS = (NORMAL, ANOMALY, ACCENT, _FIFTH, PUBLISHED)
_STYLE = {
    "figure.dpi": 110,
    "savefig.dpi": 160,
    "figure.facecolor": "white",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.titlesize": 11,
    "axes.titlelocation": "left",
    "axes.labelsize": 10,
    "legend.frameon": False,
    "legend.fontsize": 9,
    "xtick.labelsize": 9,
    "ytick.labelsize": 9,
    "axes.prop_cycle": plt.cycler(color=_COLOURS),
}


def use_style() -> None:
    """Set the book's Matplotlib style; call it once at the top of a notebook."""
    plt.rcParams.update(_STYLE)


def losses(history: Mapping[str, Sequence[float]], title: str = "Losses") -> Figure:
    """Each player's mean loss by epoch."""
    figure, axis = plt.subplots(figsize=(6.5, 2.8), layout="constrained")
    for name, values in history.items():
        axis.plot(range(1, len(values) + 1), values, label=name)
    axis.set(xlabel="epoch", ylabel="mean loss", title=title, ylim=(0, None))
    axis.legend(ncols=len(history))
    return figure


def images(rows: Mapping[str, np.ndarray], columns: int = 10, scale: float = 0.75) -> Figure:
    """Labelled rows of images: each value (N, H, W[, C]), in [-1, 1], or in [0, inf) for a residual map (see ``residual``).

    There is no paper behind them, so that they lie well on a light page and on a dark one.
    """
    figure, axes = plt.subplots(
        len(rows), columns, figsize=(columns * scale + 1.2, len(rows) * scale), squeeze=False, layout="constrained"
    )
    figure.patch.set_alpha(0)
    for line, (label, batch) in zip(axes, rows.items(), strict=True):
        residual = label.startswith("|")
        for axis, image in zip(line, batch, strict=False):
            _picture(axis, image, residual)
        for axis in line:
            axis.set(xticks=[], yticks=[])
            axis.spines[:].set_visible(False)
        line[0].set_ylabel(label.strip(), rotation=0, ha="right", va="center", labelpad=8, color=_LABEL)
    return figure


def _picture(axis: plt.Axes, image: np.ndarray, residual: bool) -> None:
    if residual:
        axis.imshow(image.squeeze(), cmap="magma", vmin=0, vmax=1.5)
    elif image.ndim == 3 and image.shape[-1] == 3:
        axis.imshow(np.clip((image + 1) / 2, 0, 1))
    else:
        axis.imshow(image.squeeze(), cmap="gray", vmin=-1, vmax=1)


def gallery(
    x: np.ndarray, reconstructed: np.ndarray, scores: np.ndarray, highest: bool = True, columns: int = 10
) -> Figure:
    """The images (N, H, W, C) with the highest or lowest scores (N,), what a model makes of them, and where they differ."""
    order = np.argsort(scores, kind="stable")[:: -1 if highest else 1][:columns]
    kept, made = x[order], reconstructed[order]
    return images({"image": kept, "made of it": made, "|residual|": np.abs(kept - made).mean(-1)}, len(order))


def scatter(groups: Mapping[str, tuple[np.ndarray, np.ndarray]], xlabel: str, ylabel: str, title: str = "") -> Figure:
    """Points (x, y) by group; the first group is the normal one, the second the anomalous one."""
    figure, axis = plt.subplots(figsize=(5.2, 3.8), layout="constrained")
    for (name, (x, y)), colour in zip(groups.items(), _COLOURS, strict=False):
        axis.scatter(x, y, s=9, alpha=0.5, lw=0, color=colour, label=name)
    axis.set(xlabel=xlabel, ylabel=ylabel, title=title)
    axis.legend(markerscale=2)
    return figure


def lines(
    curves: Mapping[str, tuple[Sequence[float], Sequence[float]]], xlabel: str, ylabel: str, title: str = ""
) -> Figure:
    """Curves (x, y) by name."""
    figure, axis = plt.subplots(figsize=(6.5, 2.8), layout="constrained")
    for name, (x, y) in curves.items():
        axis.plot(x, y, marker="o", ms=3.5, label=name)
    axis.set(xlabel=xlabel, ylabel=ylabel, title=title)
    axis.legend()
    return figure


def score_histogram(
    scores: np.ndarray, labels: np.ndarray, threshold: float | None = None, title: str = "Scores of the test set"
) -> Figure:
    """Densities of normal and anomalous scores, with the threshold; the last bin holds everything beyond it."""
    figure, axis = plt.subplots(figsize=(6.5, 2.8), layout="constrained")
    low, high = np.min(scores), np.quantile(scores, 0.995)
    bins = np.linspace(low, max(high, low + 1e-9), 50)
    for kind, colour, name in ((0, NORMAL, "normal"), (1, ANOMALY, "anomalous")):
        axis.hist(np.clip(scores[labels == kind], low, high), bins, density=True, alpha=0.6, color=colour, label=name)
    if threshold is not None:
        axis.axvline(threshold, color="black", lw=1, ls="--", label="threshold")
    axis.set(xlabel="anomaly score", ylabel="density", title=title)
    axis.legend()
    return figure


def precision_recall(curves: Mapping[str, tuple[np.ndarray, np.ndarray]], prevalence: float) -> Figure:
    """Precision against recall; each curve is (labels, scores)."""
    from sklearn.metrics import precision_recall_curve

    figure, axis = plt.subplots(figsize=(6.5, 3.4), layout="constrained")
    for name, (labels, scores) in curves.items():
        precision, recall, _ = precision_recall_curve(labels, scores)
        axis.plot(recall, precision, label=name, drawstyle="steps-post")
    axis.axhline(prevalence, color="black", lw=0.8, ls=":", label=f"chance ({prevalence:.2f})")
    axis.set(xlabel="recall", ylabel="precision", xlim=(0, 1), ylim=(0, 1.02), title="Precision and recall")
    figure.legend(loc="outside right center")
    return figure


def bars(
    rows: Sequence[tuple[str, float, float]],
    xlabel: str,
    reference: Mapping[str, float] | None = None,
    limits: tuple[float, float] = (0.0, 1.0),
    title: str = "",
) -> Figure:
    """Horizontal bars of (name, mean, half width of its interval), with published figures as vertical lines."""
    figure, axis = plt.subplots(figsize=(7, 0.36 * len(rows) + 1.1), layout="constrained")
    names, means, halves = zip(*rows, strict=True)
    positions = np.arange(len(rows))[::-1]
    axis.barh(positions, means, xerr=halves, color=NORMAL, alpha=0.85, height=0.66, error_kw={"lw": 1.2})
    for position, mean, half in zip(positions, means, halves, strict=True):
        # at the foot of its bar, where no interval and no published figure is; beside a bar too short for it
        inside = mean > limits[0] + 0.12 * (limits[1] - limits[0])
        at = {"textcoords": "offset points", "va": "center", "fontsize": 9, "color": "white" if inside else "black"}
        axis.annotate(f"{mean:.3f}", (limits[0] if inside else mean + half, position), xytext=(4, 0), **at)
    for (name, value), style in zip((reference or {}).items(), ("--", ":", "-."), strict=False):
        axis.axvline(value, color="#444", lw=1, ls=style, label=f"{name} {value:.3f}", zorder=2.5)
    axis.set(yticks=positions, yticklabels=names, xlabel=xlabel, xlim=limits, title=title)
    axis.tick_params(axis="y", length=0)
    if reference:
        axis.legend(loc="upper left", bbox_to_anchor=(0, -0.18 * 5 / len(rows) - 0.1), ncols=3)
    return figure


def pairs(
    rows: Mapping[str, tuple[Sequence[float], Sequence[float]]],
    xlabel: str,
    names: tuple[str, str] = ("before", "after"),
    chance: Mapping[str, float] | None = None,
) -> Figure:
    """Two sets of values by name, one a little above the other, an arrow from mean to mean, and a tick where chance is."""
    figure, axis = plt.subplots(figsize=(7.5, 0.42 * len(rows) + 1.1), layout="constrained")
    for y, (row, (first, second)) in enumerate(rows.items()):
        for each, name, colour, marker, lift in zip(
            (first, second), names, _COLOURS, "oD", (-0.13, 0.13), strict=False
        ):
            label = None if y else name
            axis.plot(each, np.full(len(each), y + lift), marker, ms=5, color=colour, alpha=0.75, label=label)
        if chance and row in chance:
            axis.plot(chance[row], y, "|", ms=13, mew=1.5, color=PUBLISHED, label=None if y else "chance")
        ends = {"xy": (np.mean(second), y), "xytext": (np.mean(first), y)}
        axis.annotate(
            "", **ends, arrowprops={"arrowstyle": "->", "color": "0.35", "lw": 1.1, "shrinkA": 0, "shrinkB": 0}
        )
    axis.set_yticks(range(len(rows)), list(rows))
    axis.set(xlabel=xlabel, xlim=(0, 1), ylim=(len(rows) - 0.5, -0.5))
    axis.grid(axis="x", alpha=0.3)
    figure.legend(loc="outside upper right", ncols=3)
    return figure


def checkpoints(
    runs: Mapping[str, Sequence[Mapping[int, float]]], ylabel: str, reference: Mapping[str, float] | None = None
) -> Figure:
    """A quality along training: for each name the runs of several seeds, each {epoch: value}."""
    figure, axes = plt.subplots(
        1, len(runs), figsize=(3.6 * len(runs), 3), sharey=True, squeeze=False, layout="constrained"
    )
    for axis, (name, seeds), colour in zip(axes[0], runs.items(), _COLOURS, strict=False):
        for run in seeds:
            axis.plot(list(run), list(run.values()), color=colour, alpha=0.6, lw=1.2)
        for label, value in (reference or {}).items():
            axis.axhline(value, color="#444", lw=0.9, ls="--", label=label)
        axis.set(xlabel="epoch", title=name, ylim=(0, 1))
    axes[0, 0].set_ylabel(ylabel)
    if reference:
        axes[0, -1].legend(loc="lower right")
    return figure


PLANE = 2.0


def plane_grid(ticks: int = 60) -> np.ndarray:
    """Points (ticks * ticks, 2) on a regular grid of [-2, 2] x [-2, 2]: where to ask for D's opinion of the plane."""
    line = np.linspace(-PLANE, PLANE, ticks, dtype=np.float32)
    return np.stack(np.meshgrid(line, line), -1).reshape(-1, 2)


def plane(real: np.ndarray, snapshots: Mapping[str, tuple[np.ndarray, np.ndarray]]) -> Figure:
    """Two-dimensional training, watched.

    Each snapshot holds generated points (N, 2) and D's opinion, in [0, 1], of :func:`plane_grid`.
    """
    figure, axes = plt.subplots(
        1,
        len(snapshots),
        figsize=(2.5 * len(snapshots), 3),
        sharex=True,
        sharey=True,
        layout="constrained",
        squeeze=False,
    )
    for axis, (name, (points, opinion)) in zip(axes[0], snapshots.items(), strict=True):
        ticks = int(len(opinion) ** 0.5)
        line = np.linspace(-PLANE, PLANE, ticks)
        shade = axis.contourf(
            line, line, opinion.reshape(ticks, ticks), np.linspace(0, 1, 11), cmap="Greys", alpha=0.55
        )
        axis.scatter(*real[:400].T, s=4, color=NORMAL, alpha=0.6, lw=0, label="real")
        axis.scatter(*points[:400].T, s=4, color=ANOMALY, alpha=0.6, lw=0, label="generated")
        axis.set(title=name, aspect="equal", xlim=(-PLANE, PLANE), ylim=(-PLANE, PLANE), xticks=[], yticks=[])
    figure.legend(*axes[0, 0].get_legend_handles_labels(), loc="outside upper right", ncols=2, markerscale=3)
    figure.colorbar(shade, ax=axes, label="D(x)", shrink=0.8, pad=0.01, ticks=[0, 0.5, 1])
    return figure


def diagram(
    boxes: Mapping[str, tuple[float, float, str, str]],
    arrows: Sequence[tuple[str, str]],
    size: tuple[float, float] = (7.0, 2.6),
) -> "Drawing":
    """An architecture: boxes {key: (x, y, text, kind)} on a unit grid and arrows between them; the cell's last value.

    ``kind`` is "data" (rounded, grey), "network" (blue), "judge" (orange) or "loss" (plain text).
    """
    styles = {
        "data": {"fc": "#eef0f3", "ec": PUBLISHED, "boxstyle": "round,pad=0.02,rounding_size=0.18"},
        "network": {"fc": "#dbe7f5", "ec": NORMAL, "boxstyle": "round,pad=0.02,rounding_size=0.06"},
        "judge": {"fc": "#fbe6d1", "ec": ANOMALY, "boxstyle": "round,pad=0.02,rounding_size=0.06"},
        "loss": {"fc": "none", "ec": "none", "boxstyle": "square,pad=0.02"},
    }
    figure, axis = plt.subplots(figsize=size, layout="constrained")
    width, height = 0.92, 0.52

    def room(key: str) -> tuple[float, float]:
        """What a box takes; a word without a frame, only as much as its letters."""
        _, _, text, kind = boxes[key]
        letters = max(map(len, text.replace("$", "").split("\n")))
        return (min(width, 0.1 + 0.09 * letters) if kind == "loss" else width), height

    for source, target in arrows:
        (x0, y0, *_), (x1, y1, *_) = boxes[source], boxes[target]
        start, end = _edge(x0, y0, x1, y1, *room(source)), _edge(x1, y1, x0, y0, *room(target))
        axis.add_patch(FancyArrowPatch(start, end, arrowstyle="-|>", mutation_scale=11, color="#444", lw=1.1))
    for x, y, text, kind in boxes.values():
        corner = (x - width / 2, y - height / 2)
        axis.add_patch(FancyBboxPatch(corner, width, height, lw=1.3, **styles[kind]))
        axis.text(x, y, text, ha="center", va="center", fontsize=10)
    xs, ys = zip(*((x, y) for x, y, *_ in boxes.values()), strict=True)
    axis.set(xlim=(min(xs) - 0.6, max(xs) + 0.6), ylim=(min(ys) - 0.42, max(ys) + 0.42), aspect="equal")
    axis.axis("off")
    return Drawing(figure)


class Drawing:
    """A figure as SVG whose words stay text: sharp at any size, and found by a page's search."""

    def __init__(self, figure: Figure) -> None:
        words = io.StringIO()
        # the same bytes for the same drawing: no date, no random ids
        with plt.rc_context({"svg.fonttype": "none", "svg.hashsalt": "ganad"}):
            figure.savefig(words, format="svg", metadata={"Date": None})
        plt.close(figure)
        self._svg = words.getvalue()

    def _repr_svg_(self) -> str:
        return self._svg

    def __repr__(self) -> str:
        return "Drawing"


def _edge(x0: float, y0: float, x1: float, y1: float, width: float, height: float) -> tuple[float, float]:
    """Where the line from a box's centre to another leaves the box."""
    dx, dy = x1 - x0, y1 - y0
    reach = min((width / 2 + 0.05) / max(abs(dx), 1e-9), (height / 2 + 0.05) / max(abs(dy), 1e-9))
    return x0 + dx * reach, y0 + dy * reach
