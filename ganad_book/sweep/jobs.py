"""What a process of a sweep does: execute a notebook for one run, or for runs that share it."""

import json
import subprocess
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ganad_book import notebooks
from ganad_book.sweep.grid import Run
from ganad_book.sweep.store import Store

NOTEBOOKS = {"one": Path("book", "survey", "one-run.ipynb"), "many": Path("book", "survey", "many-runs.ipynb")}
"""What is executed for a run by itself, and for runs that share a process, as those with a defect always do."""


@dataclass(frozen=True)
class Job:
    """What a worker is sent: plain data, since it may be on another machine.

    Attributes
    ----------
    slugs : tuple of str
        Of the runs.
    name, notebook : str
        The notebook to execute: its name, and its text.
    values : dict
        Its parameters.
    folder : str
        The sweep's folder, absolute; on another machine, one of the same name.
    environment : dict of str to str
        Variables set for it.
    """

    slugs: tuple[str, ...]
    name: str
    notebook: str = field(repr=False)
    values: dict[str, Any]
    folder: str
    environment: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Outcome:
    """What came of a job: by slug, a row or the reason why there is none; the executed notebook; what each program cost."""

    rows: dict[str, dict[str, Any]]
    reasons: dict[str, str]
    notebook: str = field(default="", repr=False)
    costs: tuple[str, ...] = ()


def job(runs: Sequence[Run], store: Store, environment: dict[str, str]) -> Job:
    """The job of these runs: of one detector, data set and split, if there are many."""
    first, slugs = runs[0], tuple(run.slug for run in runs)
    values = {
        "dataset": first.data,
        "detector": first.detector,
        "split_options": first.split,
        "called": first.dataset,
    }
    alone = len(runs) == 1 and not first.group
    if alone:
        values |= _of(first) | {"row_file": str(store.row_file(first.slug).absolute())}
    else:
        values |= {
            "runs": [_of(run) | {"slug": run.slug} for run in runs],
            "rows_folder": str(store.row_file("").parent.absolute()),
        }
    source = NOTEBOOKS["one" if alone else "many"]
    return Job(slugs, source.stem, source.read_text("utf-8"), values, str(store.folder.absolute()), environment)


def _of(run: Run) -> dict[str, Any]:
    return {
        "anomaly_class": run.class_index or 0,
        "seed": run.seed,
        "variant": run.variant,
        "parameters": run.parameters,
        **({"group": run.group} if run.group else {}),
    }


def work(task: Job, on_start: Callable[[subprocess.Popen], object] = lambda process: None) -> Outcome:
    """Do a job; whatever goes wrong is in the outcome.

    The notebook writes its rows itself, so that they are kept even if nobody is left to take the outcome.
    """
    reason, executed = "", ""
    store = Store(Path(task.folder))
    try:
        store.forget_costs(task.slugs[0])
        with tempfile.TemporaryDirectory() as folder:
            source, output = Path(folder, f"{task.name}.ipynb"), Path(folder, "executed.ipynb")
            source.write_text(task.notebook, "utf-8")
            try:
                notebooks.run(source, output, task.values, on_start=on_start, environment=task.environment)
            except notebooks.NotebookError as error:
                reason = str(error).partition(f"{task.name}, ")[2] or str(error)
            executed = output.read_text("utf-8") if output.exists() else ""
    except Exception as error:
        reason = f"{type(error).__name__}: {error}"
    rows, reasons = {}, {}
    for slug in task.slugs:
        try:
            rows[slug] = json.loads(store.row_file(slug).read_text())  # a picture that fails costs no row
        except (OSError, ValueError) as error:
            said = store.said(slug)
            reasons[slug] = said or reason or f"{type(error).__name__}: {error}"
    costs = tuple(store.costs(task.slugs[0]))
    store.forget_costs(task.slugs[0])
    return Outcome(rows, reasons, executed, costs)
