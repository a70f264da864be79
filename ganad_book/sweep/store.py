"""The folder of a sweep: a file for each row, for each failure, and each run's notebook.

Whoever finishes a run writes its row here, under another name first, and then renames it: a file is whole or not there.
:meth:`Store.collect` moves rows into ``results/survey.csv``; whatever dies in between, the next one finds them.
"""

import fcntl
import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from ganad.errors import GanadError
from ganad_book.sweep import results


class StoreError(GanadError):
    """The folder is in use by another sweep, or is no folder."""


@dataclass(frozen=True)
class Failure:
    """A run that did not finish.

    Attributes
    ----------
    slug, reason : str
        Which, and why.
    given, revision : str
        What it was run with: a run with anything else has not failed yet.
    """

    slug: str
    reason: str
    given: str
    revision: str


class Store:
    """A sweep's folder; made when something is first written.

    Parameters
    ----------
    folder : Path
        Where.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = Path(folder)

    def row_file(self, slug: str) -> Path:
        """Where a run's row goes."""
        return self.folder / "rows" / f"{slug}.json"

    def cost_file(self, slug: str) -> Path:
        """Where the costs go of the programs that train a run and those that share its process, a line each."""
        return self.row_file(slug).with_suffix(".cost")

    def costs(self, slug: str) -> list[str]:
        """Those known so far."""
        try:
            *lines, _ = self.cost_file(slug).read_text("utf-8").split("\n")  # what no newline ends is half written
        except FileNotFoundError:
            return []
        return lines

    def forget_costs(self, slug: str = "*") -> None:
        """Remove what a process has left that was ended, or what has been taken."""
        for path in (self.folder / "rows").glob(f"{slug}.cost"):
            path.unlink(missing_ok=True)

    def notebook(self, slug: str) -> Path:
        """Where a run's executed notebook goes."""
        return self.folder / "notebooks" / f"{slug}.ipynb"

    def put(self, slug: str, row: Mapping[str, Any]) -> None:
        """Keep a finished run's row, and forget that it has failed before."""
        write_json(self.row_file(slug), dict(row))
        self._failure_file(slug).unlink(missing_ok=True)

    def fail(self, failure: Failure) -> None:
        """Keep why a run did not finish."""
        write_json(self._failure_file(failure.slug), failure.__dict__)

    def failures(self) -> dict[str, Failure]:
        """Every failed run that has not finished since, by its slug; a file that cannot be read counts as none."""
        found = {}
        for path in sorted((self.folder / "failed").glob("*.json")):
            try:
                found[path.stem] = Failure(**json.loads(path.read_text()))
            except (ValueError, TypeError):
                continue
        return found

    def say(self, slug: str, reason: str) -> None:
        """Leave the reason why a run did not finish for whoever has started it."""
        write_text(self._reason_file(slug), reason)

    def said(self, slug: str) -> str:
        """The reason that :meth:`say` has left, once; empty if there is none."""
        path = self._reason_file(slug)
        reason = path.read_text() if path.exists() else ""
        path.unlink(missing_ok=True)
        return reason

    def _reason_file(self, slug: str) -> Path:
        return self.folder / "rows" / f"{slug}.reason"

    def _failure_file(self, slug: str) -> Path:
        return self.folder / "failed" / f"{slug}.json"

    def collect(self, slug: str = "*") -> tuple[pd.DataFrame, list[Path]]:
        """Move every row, or one run's, into the results; returns these, and the files that hold no row.

        A row's file goes only after the results have been replaced.  One that holds no row is put aside as
        ``*.corrupt``: its run is not finished.
        """
        rows, read, corrupt = [], [], []
        for path in sorted((self.folder / "rows").glob(f"{slug}.json")):
            try:
                row = json.loads(path.read_text())
                if not isinstance(row, dict) or set(row) != set(results.COLUMNS):
                    raise ValueError
                rows.append(row)
                read.append(path)
            except (ValueError, UnicodeDecodeError):
                corrupt.append(path.rename(path.with_suffix(".corrupt")))
        table = results.record(rows) if rows else results.read()
        for path in read:
            path.unlink(missing_ok=True)
        return table, corrupt

    def collected(self, slug: str) -> dict[str, Any] | str:
        """Move one run's row into the results and return it; or the reason why it is none."""
        path = self.row_file(slug)
        row = json.loads(path.read_text()) if path.exists() else None
        _, corrupt = self.collect(slug)
        if corrupt or row is None:
            return "its row cannot be read"
        self._failure_file(slug).unlink(missing_ok=True)
        return row

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Keep other sweeps out of the folder; the lock goes with its process, however that ends.

        Raises
        ------
        StoreError
            If another sweep is at work there.
        """
        self.folder.mkdir(parents=True, exist_ok=True)
        with (self.folder / "lock").open("a+") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as error:
                raise StoreError(f"another `ganad survey run` is at work there: {self.folder}") from error
            yield


def add_line(path: Path, line: str) -> None:
    """Add a line to a file, which is made if there is none."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a", encoding="utf-8") as file:
        file.write(f"{line}\n")


def write_json(path: Path, content: Mapping[str, Any]) -> None:
    """:func:`write_text` of the content as JSON."""
    write_text(path, json.dumps(content, default=lambda number: number.item()))


def write_text(path: Path, text: str) -> None:
    """Write in one step: under another name first, to the disk, then renamed."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        with part.open("w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)
