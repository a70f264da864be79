"""How variants of EGBAD do on the KDD test set along their training, and which rows they get wrong at its end.

The curves are in ``results/kdd_curves.csv``, the kinds of the false alarms in ``results/kdd_false_alarms.csv``.  Both use test
labels, so nothing may be chosen by them: they show how much such a choice would have flattered.
"""

import json
from collections.abc import Iterable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from ganad import metrics
from ganad.datasets import Dataset, Split, data_file
from ganad.training.adversarial import DivergedError
from ganad.training.many import side_by_side
from ganad_book.sweep import kdd, results
from ganad_book.sweep.revisions import revision
from ganad_book.sweep.runner import Finished, perform, prepare
from ganad_book.sweep.store import write_text

COLUMNS = ("dataset", "detector", "variant", "seed", "epoch", "auprc", "f1", "revision", "parameters")

KEY = ("dataset", "detector", "variant", "seed", "epoch")

ALARM_COLUMNS = ("variant", "seed", "kind", "false_alarms", "rows")
"""``rows``: how many rows of this kind the test half holds."""

VARIANTS = {"authors' code": 5, "scaled columns": 1, "stable": 1}
"""Which variants of :data:`ganad_book.sweep.kdd.VARIANTS` are followed along their training, and how many epochs lie between two looks."""

SEEDS = 3


def curves_file() -> Path:
    """``kdd_curves.csv`` in the folder of the results."""
    return results.results_file().with_name("kdd_curves.csv")


def read(path: Path | None = None) -> pd.DataFrame:
    """All rows, one per variant, seed and epoch; an empty table if there is no file yet.

    Raises
    ------
    ganad_book.sweep.results.ResultsError
        If the file lacks a column.
    """
    path = path or curves_file()
    if not path.exists():
        return pd.DataFrame(columns=list(COLUMNS))
    table = pd.read_csv(path, dtype={"revision": str})
    if missing := [column for column in COLUMNS if column not in table]:
        raise results.ResultsError(f"{path} is no table of training curves: it has no column {missing[0]}")
    return table[list(COLUMNS)]


def false_alarms_file() -> Path:
    """``kdd_false_alarms.csv`` in the folder of the results."""
    return results.results_file().with_name("kdd_false_alarms.csv")


def read_false_alarms(path: Path | None = None) -> pd.DataFrame:
    """All rows, one per variant, seed and kind of attack; an empty table if there is no file yet."""
    path = path or false_alarms_file()
    return pd.read_csv(path) if path.exists() else pd.DataFrame(columns=list(ALARM_COLUMNS))


def merged(old: pd.DataFrame, new: pd.DataFrame, key: Iterable[str]) -> pd.DataFrame:
    """Both tables, sorted; a row of the new one replaces one of the old one with the same key."""
    table = new if old.empty else pd.concat([old, new])
    return table.drop_duplicates(list(key), keep="last").sort_values(list(key), kind="stable")


def record(rows: Iterable[dict[str, Any]], path: Path | None = None) -> pd.DataFrame:
    """Add the rows of training runs to the curves, sorted; a later row replaces an earlier one of the same epoch."""
    path = path or curves_file()
    table = merged(read(path), pd.DataFrame(list(rows), columns=list(COLUMNS)), KEY)
    write_text(path, table.to_csv(index=False, float_format="%.5g"))
    return table


def record_false_alarms(rows: Iterable[dict[str, Any]], path: Path | None = None) -> pd.DataFrame:
    """Add the false alarms of training runs; all earlier rows of the same variant and seed are dropped."""
    path = path or false_alarms_file()
    new = pd.DataFrame(list(rows), columns=list(ALARM_COLUMNS))
    old, again = read_false_alarms(path), set(zip(new["variant"], new["seed"], strict=True))
    kept = [key not in again for key in zip(old["variant"], old["seed"], strict=True)]
    table = merged(old[kept], new, ("variant", "seed", "kind"))
    write_text(path, table.to_csv(index=False, float_format="%.5g"))
    return table


def kinds_of_rows() -> np.ndarray:
    """What the KDD file calls each of its rows: ``normal``, or the name of an attack."""
    return pd.read_csv(data_file("kddcup99"), header=None, usecols=[41]).squeeze().str.rstrip(".").to_numpy()


def watch(name: str, split: Split, seed: int) -> tuple[list[dict[str, Any]], Finished]:
    """Train a variant once and score the test set every few epochs, and after the last.

    Parameters
    ----------
    name : str
        One of :data:`VARIANTS`.
    split : Split
        What it is trained and tested on.
    seed : int
        The detector's.

    Returns
    -------
    list of dict
        A row of :data:`COLUMNS` for each look.
    Finished
        The run: its last look is what its row of the results says.
    """
    variant, rows, looks = kdd.VARIANTS[name], [], _looks(name)

    def look(epoch: int, detector: Any) -> None:
        if epoch not in looks:
            return
        scores = detector.decision_function(split.x_test)
        rows.append(
            {
                "dataset": variant.dataset,
                "detector": variant.detector,
                "variant": name,
                "seed": seed,
                "epoch": epoch,
                "auprc": metrics.auprc(split.y_test, scores),
                "f1": metrics.detection(split.y_test, metrics.flag_top(scores)).f1,
                "revision": revision(variant.detector, variant.split),
                "parameters": results.as_json(variant.parameters | variant.split),
            }
        )

    finished = perform(
        variant.detector,
        split,
        seed=seed,
        variant=name,
        dataset=variant.dataset,
        split_options=variant.split,
        on_epoch=look,
        **variant.parameters,
    )
    return rows, finished


def _looks(name: str) -> set[int]:
    """The epochs after which a variant is scored."""
    last = kdd.VARIANTS[name].parameters["epochs"]
    return {*range(VARIANTS[name], last, VARIANTS[name]), last}


def false_alarms(name: str, seed: int, scores: np.ndarray, labels: np.ndarray, kinds: np.ndarray) -> list[dict]:
    """How many normal test rows of each kind the survey's rule flags: rows of :data:`ALARM_COLUMNS`, without the zeros."""
    alarms = pd.Series(kinds[metrics.flag_top(scores) & (labels == 0)]).value_counts()
    held = pd.Series(kinds).value_counts()
    return [
        {"variant": name, "seed": seed, "kind": kind, "false_alarms": int(count), "rows": int(held[kind])}
        for kind, count in alarms.items()
    ]


def missing(table: pd.DataFrame, names: Iterable[str] = VARIANTS, seeds: int = SEEDS) -> Iterator[tuple[str, int]]:
    """(variant, seed) of the curves that the table does not hold to their last epoch, with these very parameters and today's revision."""
    table = table[results.current(table)]
    for name in names:
        variant = kdd.VARIANTS[name]
        same = table[
            (table["variant"] == name) & (table["parameters"] == results.as_json(variant.parameters | variant.split))
        ]
        for seed in range(seeds):
            if not _looks(name) <= set(same.loc[same["seed"] == seed, "epoch"]):
                yield name, seed


def complete(
    data: Dataset, names: Iterable[str] = VARIANTS, seeds: int = SEEDS, path: Path | None = None, verbose: bool = True
) -> pd.DataFrame:
    """Train what is missing, the seeds of a variant side by side, record their curves, and return the whole table.

    A run that is watched is a run of the grid: its row goes into the results where they lack it.

    Raises
    ------
    ganad.training.adversarial.DivergedError
        If a training run diverges; the message names its variant and seed.
    """
    lacking = list(missing(read(path), names, seeds))
    for name in dict.fromkeys(name for name, _ in lacking):
        split = prepare(data, None, kdd.VARIANTS[name].split)
        todo = [seed for each, seed in lacking if each == name]
        for seed, found in zip(todo, side_by_side([partial(watch, name, split, seed) for seed in todo]), strict=True):
            if isinstance(found, DivergedError):
                raise DivergedError(f"{name}, seed {seed}: {found}") from found
            rows, run = found
            alarms = false_alarms(name, seed, run.scores, split.y_test, kinds_of_rows()[split.test_rows])
            record_false_alarms(alarms, path.with_name("kdd_false_alarms.csv") if path else None)
            record(rows, path)
            _keep(run.row, path.with_name("survey.csv") if path else None)
            if verbose:
                print(f"{name}, seed {seed}: F1 {rows[-1]['f1']:.3f} after {rows[-1]['epoch']} epochs", flush=True)
    return read(path)


def _keep(row: dict[str, Any], path: Path | None) -> None:
    """Record the row of a watched run, unless the results have it: one that nobody watched took less time."""
    key = {name: row[name] for name in results.KEY}
    if not results.finished(results.read(path), json.loads(row["parameters"]), **key):
        results.record([row], path)


def by_variant(
    table: pd.DataFrame, names: Iterable[str] = VARIANTS, column: str = "f1"
) -> dict[str, list[dict[int, float]]]:
    """For each variant the curves of its seeds, {epoch: value}, as :func:`ganad_book.plots.checkpoints` takes them."""
    return {
        name: [
            dict(zip(rows["epoch"].astype(int), rows[column], strict=True))
            for _, rows in table[table["variant"] == name].sort_values("epoch").groupby("seed")
        ]
        for name in names
    }
