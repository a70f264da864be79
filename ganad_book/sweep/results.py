"""``results/survey.csv``: one row per finished run, and the only source of every results table."""

import fcntl
import json
import os
import tempfile
from collections.abc import Callable, Collection, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pandas as pd

from ganad.errors import GanadError
from ganad.metrics import Interval, interval
from ganad_book.sweep.revisions import FIRST, revision

COLUMNS = (
    "dataset", "detector", "variant", "anomaly_class", "seed", "epochs", "prevalence", "auprc", "auroc",
    "precision", "recall", "f1", "val_precision", "val_recall", "val_f1", "residual", "median_residual",
    "train_seconds", "score_seconds", "backend", "device", "revision", "parameters",
)  # fmt: skip
"""``precision``, ``recall``, ``f1`` follow the survey's rule (80th percentile of the test scores); the three with ``val_``
the threshold that normal validation samples give (their .99 quantile).  ``residual`` is the mean absolute difference of normal
validation samples and their reconstructions, ``median_residual`` that of the same samples and the median of the training
samples: a model that reconstructs no better has learned nothing of its data.  Both are empty where nothing is reconstructed, and
in rows from before they were noted.  ``revision``: see :mod:`ganad_book.sweep.revisions`."""

NEWER = ("residual", "median_residual", "revision")
"""Columns that older files lack."""

CONTROL = "median_distance"
"""The detector that learns no model: a bound below, and no contestant."""

TRAINED = 0.9
"""A model whose residual is more than this part of the median's is *not trained*: its reconstructions are hardly nearer to normal samples
than one fixed image, or row, is.  It is marked in every table and counts in no verdict."""

BUSY = ", busy"
"""Ends the ``device`` of a row whose process gave way to others (its niceness was raised): its seconds are no cost of the method."""

KEY = ("dataset", "detector", "variant", "anomaly_class", "seed")
"""What makes two rows the same run: the later one replaces the earlier."""


_TEXTS = dict.fromkeys(("variant", "anomaly_class", "revision", "parameters"), str)


class ResultsError(GanadError, ValueError):
    """The results file is not one."""


def results_file() -> Path:
    """``GANAD_RESULTS``, or ``results/survey.csv`` of the checkout one works in or the package lies in."""
    if os.environ.get("GANAD_RESULTS"):
        return Path(os.environ["GANAD_RESULTS"]).expanduser()
    here = Path.cwd()
    for folder in (here, *here.parents, Path(__file__).parents[2]):
        if (folder / "results" / "survey.csv").exists():
            return folder / "results" / "survey.csv"
    return here / "results" / "survey.csv"


def read(path: Path | None = None) -> pd.DataFrame:
    """All rows; an empty table if there is no file yet.

    Raises
    ------
    ResultsError
        If the file lacks a column or cannot be parsed.
    """
    path = path or results_file()
    if not path.exists():
        return pd.DataFrame(columns=list(COLUMNS))
    try:
        table = pd.read_csv(path, dtype=_TEXTS)
    except (ValueError, UnicodeDecodeError) as error:
        raise ResultsError(f"{path} is no results table: {str(error).splitlines()[0]}") from error
    if missing := [column for column in COLUMNS if column not in table and column not in NEWER]:
        raise ResultsError(f"{path} is no results table: it has no column {missing[0]}")
    if "revision" not in table:
        table["revision"] = FIRST  # the file has the package's version instead
    return table.reindex(columns=list(COLUMNS))


def record(rows: Iterable[dict[str, Any]], path: Path | None = None) -> pd.DataFrame:
    """Add finished runs, sorted; the file is replaced in one step, so that it is never half-written.

    Processes of one machine that record at the same time wait for each other.
    """
    path = path or results_file()
    new = pd.DataFrame(list(rows), columns=list(COLUMNS))
    path.parent.mkdir(parents=True, exist_ok=True)
    with _alone_in(path.parent):
        old = read(path)
        table = new if old.empty else pd.concat([old, new])
        table = table.drop_duplicates(list(KEY), keep="last").sort_values(list(KEY), kind="stable")
        with tempfile.TemporaryDirectory(dir=path.parent, prefix=f".{path.name}") as folder:
            part = Path(folder) / path.name
            table.to_csv(part, index=False, float_format="%.6g")
            part.replace(path)
    return table


@contextmanager
def _alone_in(folder: Path) -> Iterator[None]:
    """Hold the folder's lock, which leaves no file behind and goes with its process."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def keys(table: pd.DataFrame) -> list[tuple]:
    """The :data:`KEY` of each row."""
    return list(zip(*(table[column] for column in KEY), strict=True))


def merge(
    paths: Iterable[Path],
    path: Path | None = None,
    valid: Callable[[pd.DataFrame], Collection[tuple]] = lambda table: (),
) -> pd.DataFrame:
    """Add the rows of other results files, in their order: those of an offline node, say, or of the tasks of an array.

    A run that is here already stays as it is, unless its row is not valid here and is valid there.

    Parameters
    ----------
    paths : iterable of Path
        The files.
    path : Path, optional
        Where to add them.
    valid : callable
        Keys of the rows of a table that were made as they would be today.

    Raises
    ------
    FileNotFoundError, ResultsError
        If one of them is not there, or no results table; then nothing is added.
    """
    tables = []
    for other in paths:
        if not other.exists():
            raise FileNotFoundError(2, "there is no results file", str(other))
        tables.append(read(other))
    here = read(path)
    known, good, rows = set(keys(here)), set(valid(here)), []
    for table in tables:
        better = set(valid(table)) - good
        taken = [key not in known or key in better for key in keys(table)]
        rows += table[taken].to_dict("records")
        known, good = known | set(keys(table)), good | better
    return record(rows, path) if rows else here


def finished(table: pd.DataFrame, parameters: dict[str, Any], **key: Any) -> bool:
    """Whether this run is in the table, with these very parameters and today's revision."""
    rows = table
    for column, value in key.items():
        rows = rows[rows[column] == value]
    return bool((current(rows) & (rows["parameters"] == as_json(parameters))).any())


def current(table: pd.DataFrame) -> pd.Series:
    """Of each row, whether today's revision of its method and protocol has made it."""
    rows = zip(table["detector"], table["parameters"], table["revision"], strict=True)
    made = [found == revision(detector, json.loads(given)) for detector, given, found in rows]
    return pd.Series(made, table.index, bool)


def untrained(table: pd.DataFrame) -> pd.Series:
    """Of each row, whether its model is not trained (see :data:`TRAINED`); False where no residual is noted, and of the control itself."""
    return (table["residual"] > TRAINED * table["median_residual"]) & (table["detector"] != CONTROL)


def with_costs(table: pd.DataFrame) -> pd.DataFrame:
    """The table without the seconds of rows that were made on a :data:`BUSY` machine, and without that mark."""
    device = table["device"].astype(str)  # an empty table has no texts
    seconds = table[["train_seconds", "score_seconds"]].mask(device.str.endswith(BUSY))
    return table.assign(**seconds, device=device.str.removesuffix(BUSY))


def as_json(parameters: dict[str, Any]) -> str:
    """Parameters as they stand in the table: sorted JSON."""
    return json.dumps(parameters, sort_keys=True)


def over_seeds(table: pd.DataFrame, column: str, **where: Any) -> Interval:
    """Mean and interval of a column over the seeds of one configuration.

    Raises
    ------
    ValueError
        If no row matches.
    """
    for name, value in where.items():
        table = table[table[name] == value]
    if table.empty:
        raise ValueError(f"no finished run of {where}: run the chapter with the book profile first")
    return interval(table[column])
