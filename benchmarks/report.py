"""What ``make bench`` has measured, as the chapter ``survey/speed`` shows it: tables of texts and two figures."""

import json
import statistics
import textwrap
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter

from benchmarks.comparisons import CASES, COMPARISONS, EFFECTS
from benchmarks.run import START_AIM, met, number, table
from ganad import metrics
from ganad.errors import GanadError
from ganad_book import plots
from ganad_book.results.display import NOTHING, brief
from ganad_book.sweep.results import results_file

Found = dict[str, Any]
KERNELS = "kernels.csv"
"""Runs of the survey with the code of before and of after, beside the results: see :func:`same`."""


class BenchFileError(GanadError, ValueError):
    """There is no benchmark to show, or it is not one."""


def read(path: Path | None = None) -> Found:
    """What is in ``bench.json``, by default the one beside the results.

    Raises
    ------
    BenchFileError
        In one line, if it is not there or is no finished benchmark.
    """
    path = path or results_file().with_name("bench.json")
    try:
        found = json.loads(path.read_text("utf-8"))
    except OSError:
        raise BenchFileError(f"{path} is not there: make bench measures it, in twenty minutes") from None
    except ValueError:
        found = {}
    if lacking := sorted({"cases", "peak", "work", "growth", "start", "machine"} - set(found)):
        raise BenchFileError(f"{path} is no finished benchmark, it has no {lacking[0]}: make bench")
    return found


def machine(found: Found) -> str:
    """The machine, the versions, the day and the effort, in words."""
    it, peak = found["machine"], found["peak"]
    versions = ", ".join(f"{name} {version}" for name, version in found["versions"].items())
    lines = (
        f"{it['cores']} cores of {it['processor']}, {it['system']}: {peak['flops'] / 1e9:.0f} GFLOP/s in products of matrices, "
        f"{peak['bytes'] / 1e9:.0f} GB/s in copies",
        versions,
        f"{found['made']}, {found['rounds']} rounds, {found['minutes']:.0f} minutes in all",
    )
    return "\n".join(textwrap.fill(line, 76) for line in lines)


def speeds(found: Found) -> pd.DataFrame:
    """Ours beside each peer: samples a second (medians), how many times as fast, over the rounds, and what was aimed at."""
    alike = {(each.what, each.peer): each.alike for each in COMPARISONS}
    rows = []
    for row in table(found):
        if row["unit"] == "samples/s":
            rows.append(
                {
                    "work": row["what"],
                    "peer": row["peer"],
                    "ours": number(row["ours"]),
                    "theirs": number(row["theirs"]),
                    "times": number(row["ratio"]),
                    "range": f"{number(row['low'])}–{number(row['high'])}",
                    "aim": number(row["aim"]),
                    "": "met" if met(row) else "missed",
                    "how alike": alike[row["what"], row["peer"]],
                }
            )
    return pd.DataFrame(rows)


def effects(found: Found) -> pd.DataFrame:
    """What each measure is worth: the median rate with it over that without it, round by round."""
    rows = []
    for each in EFFECTS:
        if {each.after, each.before} <= found["cases"].keys():
            after, before = _rates(found, each.after), _rates(found, each.before)
            ratios = [a / b for a, b in zip(after, before, strict=True)]
            rows.append(
                {
                    "measure": each.what,
                    "what it saves": each.why,
                    "without": number(statistics.median(before)),
                    "with": number(statistics.median(after)),
                    "times": f"{statistics.median(ratios):.2f}",
                    "range": f"{min(ratios):.2f}–{max(ratios):.2f}",
                }
            )
    return pd.DataFrame(rows)


def memories(found: Found) -> pd.DataFrame:
    """Peak memory of each pair that was measured, MB: in all, and beyond what importing the framework takes."""
    rows, start = [], found["imported"]
    for each in COMPARISONS:
        if each.theirs and {each.ours, each.theirs} <= found["cases"].keys():
            pair = [each.ours, each.theirs]
            peaks = [found["cases"][name]["memory"] for name in pair]
            beyond = [peak - start[CASES[name].backend] for name, peak in zip(pair, peaks, strict=True)]
            rows.append(
                {
                    "work": each.what,
                    "peer": each.peer,
                    "ours": number(peaks[0]),
                    "theirs": number(peaks[1]),
                    "ours, beyond the import": number(beyond[0]),
                    "theirs, beyond the import": number(beyond[1]),
                }
            )
    return pd.DataFrame(rows)


def starts(found: Found) -> pd.DataFrame:
    """Seconds of each command, a process of its own: median and range of five."""
    return pd.DataFrame(
        {
            "command": name,
            "s": f"{statistics.median(seconds):.2f}",
            "range": f"{min(seconds):.2f}–{max(seconds):.2f}",
            "aim": f"{START_AIM:.1f}",
            "": "met" if statistics.median(seconds) <= START_AIM else "missed",
        }
        for name, seconds in found["start"].items()
    )


def floors(found: Found) -> dict[str, dict[str, float]]:
    """Of each job of ours whose operations are counted: what it takes a sample, how fast that could be, and how fast it is.

    ``flops`` and ``bytes`` of a sample; ``arithmetic`` and ``traffic``, samples a second at the machine's measured rates; ``ours``;
    ``reached``, ours over the lower of the two.
    """
    peak, every = found["peak"], {}
    for name, work in found["work"].items():
        if name in found["cases"]:
            arithmetic = peak["flops"] / work["flops"]
            traffic = peak["bytes"] / work["bytes"] if work["bytes"] else np.inf
            ours = statistics.median(_rates(found, name))
            every[name] = work | {
                "arithmetic": arithmetic,
                "traffic": traffic,
                "ours": ours,
                "reached": ours / min(arithmetic, traffic),
            }
    return every


def floors_table(found: Found) -> pd.DataFrame:
    """:func:`floors` as texts."""
    return pd.DataFrame(
        {
            "job": name,
            "MFLOP a sample": number(each["flops"] / 1e6),
            "kB a sample": number(each["bytes"] / 1e3) if each["bytes"] else NOTHING,
            "arithmetic alone, /s": number(each["arithmetic"]),
            "traffic alone, /s": number(each["traffic"]) if np.isfinite(each["traffic"]) else NOTHING,
            "ours, /s": number(each["ours"]),
            "reached": f"{each['reached']:.0%}",
        }
        for name, each in floors(found).items()
    )


def overhead(found: Found) -> tuple[float, float]:
    """Seconds that a step of EGBAD on KDD costs whatever the batch, and seconds that each row adds: a line through the sizes.

    Each point counts by its relative error, so that the small batches say what the intercept is.
    """
    x, seconds = (np.array(found["growth"]["batch"][name], float) for name in ("x", "seconds"))
    each, fixed = np.polyfit(x, seconds, 1, w=1 / seconds)
    return float(fixed), float(each)


def shortfalls(found: Found) -> pd.DataFrame:
    """Of each comparison whose aim is missed: the rate that the aim asks for, beside what bounds ours.

    ``arithmetic`` is the floor of :func:`floors`; ``calls``, for KDD, the rate if arithmetic took no time at all and each step cost
    its calls alone (:func:`overhead`).
    """
    bounds, rows = floors(found), []
    calls = 50 / overhead(found)[0]
    ours = {(each.what, each.peer): each.ours for each in COMPARISONS}
    for row in table(found):
        if row["unit"] != "samples/s" or met(row):
            continue
        name = ours[row["what"], row["peer"]]
        asked = row["aim"] * row["theirs"]
        limit = min(bounds[name]["arithmetic"], bounds[name]["traffic"]) if name in bounds else np.inf
        rows.append(
            {
                "work": row["what"],
                "peer": row["peer"],
                "ours, /s": number(row["ours"]),
                "the aim, /s": number(asked),
                "arithmetic, /s": number(limit) if np.isfinite(limit) else NOTHING,
                "calls alone, /s": number(calls) if name == "EGBAD, KDD" else NOTHING,
                "the aim asks for": f"{asked / limit:.0%} of the floor" if np.isfinite(limit) else NOTHING,
            }
        )
    return pd.DataFrame(rows)


def same(path: Path | None = None) -> pd.DataFrame:
    """Runs of the survey's grid with the code of before and of after a change, compared over their seeds.

    ``kernels.csv`` has the columns of the results, and ``code``: "before" or "after".  The difference of the means stands with half of
    its 95 % interval (Welch's); it is no more than what seeds do if that interval holds 0.
    """
    from scipy.stats import ttest_ind

    runs = pd.read_csv(path or results_file().with_name(KERNELS), keep_default_na=False)
    rows = []
    for (data, detector, variant, label), group in runs.groupby(
        ["dataset", "detector", "variant", "anomaly_class"], sort=False
    ):
        measure = "f1" if data == "kddcup99" else "auprc"
        before, after = (group.loc[group["code"] == code, measure].to_numpy() for code in ("before", "after"))
        low, high = ttest_ind(after, before, equal_var=False).confidence_interval(0.95)
        means = [metrics.interval(values) for values in (before, after)]
        rows.append(
            {
                "data": data,
                "detector": detector,
                "variant": variant,
                "anomaly": label or NOTHING,
                "": {"f1": "F1", "auprc": "AUPRC"}[measure],
                "seeds": f"{len(before)}, {len(after)}",
                **{
                    name: brief(each.mean, (each.high - each.low) / 2, 3)
                    for name, each in zip(("before", "after"), means, strict=True)
                },
                "difference": brief(float(after.mean() - before.mean()), (high - low) / 2, 3),
                "within the seeds": "yes" if low <= 0 <= high else "no",
            }
        )
    return pd.DataFrame(rows)


def straightness(found: Found) -> dict[str, float]:
    """Of each growth the largest distance of a point from the straight line through all, as a part of the highest point."""
    far = {}
    for name, each in found["growth"].items():
        x, seconds = np.array(each["x"], float), np.array(each["seconds"])
        line = np.polyval(np.polyfit(x, seconds, 1), x)
        far[name] = float(np.max(np.abs(seconds - line)) / seconds.max())
    return far


def ratios(found: Found) -> Figure:
    """How many times as fast ours is as each peer, on a logarithmic axis, its range over the rounds, and the aim."""
    rows = [row for row in table(found) if row["unit"] == "samples/s"][::-1]
    places = np.arange(len(rows))
    figure, axis = plt.subplots(figsize=(8.2, 0.36 * len(rows) + 1.2), layout="constrained")
    for reached, colour in ((True, plots.NORMAL), (False, plots.ANOMALY)):
        own = [k for k, row in enumerate(rows) if met(row) == reached]
        times = np.array([rows[k]["ratio"] for k in own])
        around = np.array([[rows[k]["ratio"] - rows[k]["low"], rows[k]["high"] - rows[k]["ratio"]] for k in own]).T
        if own:
            name = "ours, aim met" if reached else "ours, aim missed"
            axis.errorbar(times, places[own], xerr=around, fmt="o", ms=6, color=colour, capsize=3, label=name)
    aims = [row["aim"] for row in rows]
    axis.plot(aims, places, "|", ms=13, mew=2, color=plots.PUBLISHED, label="aim")
    axis.axvline(1, color="black", lw=0.8)
    axis.set_xscale("log")
    axis.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axis.set_yticks(places, [f"{row['what']}\nagainst {row['peer']}" for row in rows], fontsize=7.5)
    axis.set(xlabel="times as fast as the peer (logarithmic)", ylim=(-0.7, len(rows) - 0.3))
    axis.grid(axis="x", color="#e4e6ea", lw=0.8)
    axis.set_axisbelow(True)
    figure.legend(*axis.get_legend_handles_labels(), loc="outside upper right", ncols=3)
    return figure


def growth(found: Found) -> Figure:
    """Time against samples, rows of a batch, and models trained together: points, and the straight line through them."""
    panels: Mapping[str, tuple[str, str, float, float]] = {
        "samples": ("samples, thousands", "one epoch, s", 1e-3, 1.0),
        "batch": ("rows in a batch", "one step, ms", 1.0, 1e3),
        "models": ("models in one program", "200 steps of all, s", 1.0, 1.0),
    }
    figure, axes = plt.subplots(1, len(panels), figsize=(9.2, 2.9), layout="constrained")
    for axis, (name, (xlabel, ylabel, of_x, of_y)) in zip(axes, panels.items(), strict=True):
        x = np.array(found["growth"][name]["x"]) * of_x
        y = np.array(found["growth"][name]["seconds"]) * of_y
        across = np.array([0, x.max()])
        axis.plot(across, np.polyval(np.polyfit(x, y, 1), across), color=plots.PUBLISHED, lw=1.2)
        axis.plot(x, y, "o", ms=5, color=plots.NORMAL)
        axis.set(xlabel=xlabel, ylabel=ylabel, xlim=(0, None), ylim=(0, None))
    return figure


def _rates(found: Found, name: str) -> list[float]:
    return found["cases"][name]["rates"]
