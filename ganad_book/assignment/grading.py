"""`ganad grade`: runs submitted notebooks of the assignment, asks the package's checks, and writes a table of points.

A notebook is a program: run those of people you do not know on a machine, or in a container, that may be lost.
"""

import csv
import json
import tempfile
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ganad.errors import GanadError
from ganad_book import notebooks
from ganad_book.assignment.checks import TASKS

SECONDS = 300

# An error that the kernel reports would end papermill's run.
_GO_ON = "get_ipython()._showtraceback = lambda *_: None"

# What a notebook has changed in the checks is forgotten: they are imported anew, after its last cell.
_ASK = """import sys
for name in [name for name in sys.modules if name.split(".")[0] == "ganad"]:
    del sys.modules[name]
from ganad_book.assignment import regrade
regrade({{task: get_ipython().user_ns.get(task) for task in {tasks}}}, {seed}, {file!r})"""


class GradingError(GanadError):
    """There is nothing to grade: one line that says why."""


@dataclass(frozen=True)
class Grade:
    """Of one notebook: the points by task, the hints of what is not right, and what kept it from being graded."""

    name: str
    points: dict[str, int] = field(default_factory=lambda: {task.name: 0 for task in TASKS})
    hints: dict[str, str] = field(default_factory=dict)
    failure: str = ""

    @property
    def total(self) -> int:
        """The sum of the points."""
        return sum(self.points.values())

    @property
    def note(self) -> str:
        """Why points are missing, in one line."""
        return self.failure or "; ".join(f"{name}: {hint}" for name, hint in self.hints.items())


def grade_folder(
    folder: Path,
    table: Path,
    *,
    timeout: float = SECONDS,
    seed: int = 1,
    told: Callable[[Grade], object] = lambda grade: None,
) -> list[Grade]:
    """Grade every notebook below a folder and write the table; one that fails does not keep the others from it.

    Parameters
    ----------
    folder : Path
        With the notebooks; each is named after its place in it.
    table : Path
        The CSV file: name, points of each task, total, note.
    timeout : float
        Seconds for each notebook; then it is stopped, with no points.
    seed : int
        Of the numbers that the checks ask with; the notebook's own checks use 0.
    told : callable
        Is handed each grade as it is there.

    Raises
    ------
    GradingError
        If there is no such folder, or no notebook in it.
    """
    if not folder.is_dir():
        raise GradingError(f"there is no folder {folder}")
    found = sorted(
        path for path in folder.rglob("*.ipynb") if not any(part[0] == "." for part in path.relative_to(folder).parts)
    )
    if not found:
        raise GradingError(f"there is no notebook in {folder}")
    grades = []
    for path in found:
        grades.append(grade(path, path.relative_to(folder).with_suffix("").as_posix(), timeout, seed))
        told(grades[-1])
    _write(grades, table)
    return grades


def grade(path: Path, name: str, timeout: float = SECONDS, seed: int = 1) -> Grade:
    """Run one notebook in a kernel and a folder of its own, then ask the checks; what it printed counts for nothing."""
    with tempfile.TemporaryDirectory() as folder:
        answers = Path(folder) / "answers.json"
        try:
            _run(_wrapped(notebooks.read(path), seed, answers), Path(folder), timeout)
            hints = json.loads(answers.read_text())
        except (notebooks.NotebookError, OSError, ValueError) as error:
            return Grade(name, failure=" ".join(str(error).replace(folder, "").split())[:300])
    points = {task.name: 0 if hints[task.name] else task.points for task in TASKS}
    return Grade(name, points, {task: hint for task, hint in hints.items() if hint})


def _wrapped(notebook: Any, seed: int, answers: Path) -> Any:
    """The notebook's cells, each run so that an error does not end the others, and last the question.

    Training is cut short: no check looks at what was trained.
    """
    from nbformat.v4 import new_code_cell, new_notebook

    cells = [new_code_cell(_GO_ON)]
    for cell in notebooks.code_cells(notebook):
        cells.append(new_code_cell(f"get_ipython().run_cell({cell.source!r});"))
        if "parameters" in cell.metadata.get("tags", ()):
            cells.append(new_code_cell("epochs = 1"))
    asked = _ASK.format(tasks=[task.name for task in TASKS], seed=seed, file=str(answers))
    return new_notebook(cells=[*cells, new_code_cell(asked)])


def _run(notebook: Any, folder: Path, timeout: float) -> None:
    stopped = threading.Event()
    timers = []

    def started(process: Any) -> None:
        def stop() -> None:
            stopped.set()
            process.terminate()

        timers.append(threading.Timer(timeout, stop))
        timers[0].start()

    source = folder / "submitted.ipynb"
    notebooks.write(notebook, source)
    try:
        notebooks.run(source, folder / "ran.ipynb", {}, on_start=started)
    except notebooks.NotebookError as error:
        if stopped.is_set():
            raise notebooks.NotebookError(f"stopped after {timeout:g} seconds") from error
        raise
    finally:
        for timer in timers:
            timer.cancel()


def _write(grades: list[Grade], table: Path) -> None:
    table.parent.mkdir(parents=True, exist_ok=True)
    part = table.with_name(f".{table.name}.part")
    with part.open("w", newline="", encoding="utf-8") as file:
        rows = csv.writer(file)
        rows.writerow(["name", *(task.name for task in TASKS), "total", "note"])
        rows.writerows([each.name, *each.points.values(), each.total, each.note] for each in grades)
    part.replace(table)
