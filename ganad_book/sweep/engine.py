"""Runs done here, in this process: what the results lack, one after the other, each row kept as soon as it is there.

``ganad_book.sweep.sweep`` does the same runs in processes of their own, on this machine or on many.
"""

from collections.abc import Iterable

import pandas as pd

from ganad.datasets import load_dataset
from ganad_book.sweep import grid, results
from ganad_book.sweep.grid import Run
from ganad_book.sweep.many import Wanted, perform_many


def complete(runs: Iterable[Run], *, verbose: bool = True) -> pd.DataFrame:
    """Do those of the runs that the results lack, and return the whole table.

    Interrupted at any moment, the next call goes on where this one stopped.

    Parameters
    ----------
    runs : iterable of Run
        Such as :func:`ganad_book.sweep.grid.kdd_runs` or :func:`ganad_book.sweep.grid.defect_runs`.
    verbose : bool
        Print a line for each run.

    Raises
    ------
    Exception
        What a run ended with: the runs before it are kept.
    """
    table = results.read()
    todo = grid.missing(runs, table)
    for part in grid.batches(todo, len(todo)):
        first, left = part[0], {(run.variant, run.class_index, run.seed): run for run in part}
        wanted = [Wanted(run.class_index, run.seed, run.variant, run.parameters, run.group) for run in part]
        done = perform_many(
            first.detector,
            load_dataset(first.data),
            wanted,
            dataset=first.dataset,
            split_options=first.split,
            together=False,
        )
        for one, finished in done:
            if isinstance(finished, Exception):
                raise finished
            table, run = results.record([finished.row]), left[one.variant, one.anomaly_class, one.seed]
            if verbose:
                measure = "f1" if run.data == "kddcup99" else "auprc"
                print(f"{run}: {measure.upper()} {finished.row[measure]:.3f}", flush=True)
    return table
