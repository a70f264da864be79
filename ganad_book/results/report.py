"""What the grid has given so far: how far it is, and its means beside the published figures."""

import math
from collections.abc import Collection, Iterable

import numpy as np
import pandas as pd

from ganad.metrics import interval
from ganad_book.results import reported
from ganad_book.sweep import grid
from ganad_book.sweep.grid import Run
from ganad_book.sweep.store import Failure


def states(every: Iterable[Run], table: pd.DataFrame, failures: dict[str, Failure]) -> dict[Run, str]:
    """Of each run: ``finished``, ``failed`` (as it would be run now), ``stale`` or ``missing``."""
    return {
        run: "failed" if state != "finished" and _has_failed(run, failures) else state
        for run, state in grid.states(every, table).items()
    }


def _has_failed(run: Run, failures: dict[str, Failure]) -> bool:
    known = failures.get(run.slug)
    return known is not None and (known.given, known.revision) == (run.given, run.revision)


def plan(known: dict[Run, str], table: pd.DataFrame) -> pd.DataFrame:
    """For each configuration: its runs by state, seconds of one, and seconds of what is left to do; NaN if unknown."""
    estimates = grid.seconds(known, table)
    rows = {}
    for run, state in known.items():
        row = rows.setdefault(
            (run.dataset, run.detector, run.variant), {"runs": 0, "states": [], "left": [], "each": []}
        )
        row["runs"] += 1
        row["states"].append(state)
        row["each"].append(estimates[run])
        if state in ("missing", "stale"):
            row["left"].append(estimates[run])
    return pd.DataFrame(
        [
            {
                **dict(zip(("dataset", "detector", "variant"), key, strict=True)),
                "runs": row["runs"],
                **{state: row["states"].count(state) for state in ("finished", "stale", "failed", "missing")},
                "each": grid.total(row["each"][:1]) or math.nan,
                "left": grid.total(row["left"]) or (0.0 if not row["left"] else math.nan),
            }
            for key, row in rows.items()
        ]
    )


def summary(table: pd.DataFrame, every: Collection[Run]) -> pd.DataFrame:
    """Mean AUPRC, AUROC and F1 of every configuration of the grid with a finished run, beside the survey's.

    On images the mean over the classes that are there is taken for each seed, then mean and 95 % interval over seeds;
    only seeds with all of these classes count, and one seed has no half width.  The survey's column is its mean over the same classes.
    """
    finished = {run for run, state in grid.states(every, table).items() if state == "finished"}
    indexed = table.set_index(["dataset", "detector", "variant", "anomaly_class", "seed"]).sort_index()
    groups: dict[tuple, list[Run]] = {}
    for run in sorted(
        finished, key=lambda run: (run.dataset, run.detector, run.variant, run.seed, run.class_index or 0)
    ):
        groups.setdefault((run.dataset, run.detector, run.variant), []).append(run)
    return pd.DataFrame([_summed(key, runs, indexed) for key, runs in groups.items()])


def _summed(key: tuple, runs: list[Run], indexed: pd.DataFrame) -> dict:
    dataset, detector, variant = key
    by_seed: dict[int, dict] = {}
    for run in runs:
        by_seed.setdefault(run.seed, {})[run.class_index] = indexed.loc[run.key]
    classes = max((tuple(sorted(rows, key=str)) for rows in by_seed.values()), key=len)
    whole = [rows for rows in by_seed.values() if set(rows) >= set(classes)]
    found = {
        name: interval([np.mean([rows[label][name] for label in classes]) for rows in whole])
        for name in ("auprc", "auroc", "f1", "prevalence")
    }
    images = classes != (None,)
    published = None
    if images and (bars := reported.figure_5(dataset, detector)):
        published = float(np.mean([bars[label] for label in classes]))
    elif dataset == "kddcup99" and detector in ("egbad", "ganomaly"):
        published = (reported.SURVEY_EGBAD if detector == "egbad" else reported.SURVEY_GANOMALY).f1
    measure = "auprc" if images else "f1"
    return {
        "dataset": dataset,
        "detector": detector,
        "variant": variant,
        "classes": len(classes) if images else math.nan,
        "seeds": len(whole),
        "AUPRC": found["auprc"].mean,
        "AUROC": found["auroc"].mean,
        "F1": found["f1"].mean,
        "half width": (found[measure].high - found[measure].low) / 2 if len(whole) > 1 else math.nan,
        "chance": found["prevalence"].mean,
        "survey": math.nan if published is None else published,
    }
