"""Many runs: each executes the notebook ``book/survey/one-run`` in a process of its own, here or on other machines.

A worker is a function that takes a job and returns an outcome, so all that differs between one machine and many is
what it is submitted to: a thread pool (a thread waits for its process), or Ray.  joblib's Ray backend was not taken: it
keeps a pool of actors, and one that dies with its machine takes the whole call along; a Ray task is started again elsewhere.
"""

import json
import subprocess
import tempfile
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ganad import __version__, notebooks
from ganad.survey.grid import Run
from ganad.survey.store import Failure, Store, write_text

NOTEBOOK = Path("book", "survey", "one-run.ipynb")


@dataclass(frozen=True)
class Job:
    """What a worker is sent: plain data, since it may be on another machine.

    Attributes
    ----------
    slug : str
        The run's.
    notebook : str
        The notebook to execute, as text.
    values : dict
        Its parameters.
    folder : str
        The sweep's folder, absolute; on another machine, one of the same name.
    environment : dict of str to str
        Variables set for it.
    """

    slug: str
    notebook: str = field(repr=False)
    values: dict[str, Any]
    folder: str
    environment: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Outcome:
    """What came of a job: a row, or the reason why there is none."""

    slug: str
    row: dict[str, Any] | None
    reason: str = ""
    notebook: str = field(default="", repr=False)
    seconds: float = 0.0


def job(run: Run, store: Store, source: Path, environment: dict[str, str]) -> Job:
    """The job of a run."""
    values = {
        "dataset": run.data,
        "anomaly_class": run.class_index or 0,
        "detector": run.detector,
        "seed": run.seed,
        "parameters": run.parameters,
        "split_options": run.split,
        "variant": run.variant,
        "called": run.dataset,
    }
    return Job(run.slug, source.read_text("utf-8"), values, str(store.folder.absolute()), environment)


def work(task: Job, on_start: Callable[[subprocess.Popen], object] = lambda process: None) -> Outcome:
    """Do a job; whatever goes wrong is in the outcome.

    The notebook writes its row itself, so that a row is kept even if nobody is left to take the outcome.
    """
    started, reason, executed = time.time(), "", ""
    row_file = Store(Path(task.folder)).row_file(task.slug)
    try:
        with tempfile.TemporaryDirectory() as folder:
            source, output = Path(folder, "one-run.ipynb"), Path(folder, "executed.ipynb")
            source.write_text(task.notebook, "utf-8")
            values = task.values | {"row_file": str(row_file)}
            try:
                notebooks.run(source, output, values, on_start=on_start, environment=task.environment)
            except notebooks.NotebookError as error:
                reason = str(error).partition("one-run, ")[2] or str(error)
            executed = output.read_text("utf-8") if output.exists() else ""
        row = json.loads(row_file.read_text()) if row_file.exists() else None  # a picture that fails costs no row
        return Outcome(task.slug, row, reason, executed, time.time() - started)
    except Exception as error:
        return Outcome(task.slug, None, f"{type(error).__name__}: {error}", executed, time.time() - started)


@dataclass(frozen=True)
class Workers:
    """Whom jobs are submitted to, and how many they take at a time."""

    submit: Callable[[Job], Future]
    at_once: int


@contextmanager
def here(jobs: int) -> Iterator[Workers]:
    """Work on this machine, ``jobs`` processes at once; they end with the block, whatever ends it."""
    running: set[subprocess.Popen] = set()
    lock = threading.Lock()
    pool = ThreadPoolExecutor(jobs)

    def submit(task: Job) -> Future:
        def start(process: subprocess.Popen) -> None:
            with lock:
                running.add(process)

        return pool.submit(work, task, start)

    try:
        yield Workers(submit, jobs)
    finally:
        pool.shutdown(wait=False, cancel_futures=True)
        with lock:
            for process in running:
                process.terminate()
        pool.shutdown(wait=True)


@contextmanager
def on_ray(address: str, cpus: float = 1, gpus: float = 0, attempts: int = 3) -> Iterator[Workers]:
    """Work on a Ray cluster, each run with so many CPUs and such a part of a GPU.

    A run whose machine is lost is started again on another, ``attempts`` times.  ganad and the data have to be there on
    every machine; the results need not: rows and notebooks come back by Ray.

    Parameters
    ----------
    address : str
        Of the cluster; ``local`` starts one on this machine.

    Raises
    ------
    ConnectionError
        If there is no cluster at the address.
    """
    import ray

    ray.init(address, logging_level="ERROR", log_to_driver=False)
    there = ray.cluster_resources()
    slots = min(there.get(kind, 0) // each for kind, each in (("CPU", cpus), ("GPU", gpus)) if each)
    remote = ray.remote(num_cpus=cpus, num_gpus=gpus, max_retries=attempts)(work)
    tasks = []

    def submit(task: Job) -> Future:
        tasks.append(remote.remote(task))
        return tasks[-1].future()

    try:
        yield Workers(submit, max(1, int(slots)))
    finally:
        for task in tasks:
            ray.cancel(task, force=True)
        ray.shutdown()


@dataclass
class Progress:
    """How far a sweep is."""

    runs: int
    finished: int = 0
    failed: int = 0
    left_out: int = 0


def sweep(
    todo: Iterable[Run],
    store: Store,
    workers: Workers,
    *,
    source: Path = NOTEBOOK,
    environment: dict[str, str] | None = None,
    estimates: dict[Run, float | None] | None = None,
    budget: float | None = None,
    on_start: Callable[[Run], object] = lambda run: None,
    on_end: Callable[[Run, Outcome], object] = lambda run, outcome: None,
) -> Progress:
    """Do the runs, and keep every row as soon as it is there.

    Parameters
    ----------
    todo : iterable of Run
        In the order in which to start them.
    workers : Workers
        From :func:`here` or :func:`on_ray`.
    source : Path
        The notebook.
    estimates, budget
        Seconds a run is expected to take, and for all of them: a run that would not end within is left out, one
        of unknown length is started as long as there is time.

    Raises
    ------
    OSError
        If a row or a failure cannot be kept, the disk being full, say: after the runs at work have ended.
    """
    started, waiting, running = time.monotonic(), deque(todo), {}
    progress, full = Progress(len(waiting)), None
    while waiting or running:
        while waiting and len(running) < workers.at_once and not full:
            run = waiting.popleft()
            left = None if budget is None else budget - (time.monotonic() - started)
            if left is not None and left < max((estimates or {}).get(run) or 0, 1e-9):
                progress.left_out += 1
                continue
            on_start(run)
            running[workers.submit(job(run, store, source, environment or {}))] = run
        if not running:
            break
        for future in wait(running, timeout=1, return_when=FIRST_COMPLETED).done:
            run = running.pop(future)
            outcome = _outcome(run, future)
            try:
                _keep(store, run, outcome)
            except OSError as error:
                full = error
                continue
            progress.finished += outcome.row is not None
            progress.failed += outcome.row is None
            on_end(run, outcome)
    if full:
        raise full
    return progress


def _outcome(run: Run, future: Future) -> Outcome:
    try:
        return future.result()
    except Exception as error:  # its machine was lost more than once
        return Outcome(run.slug, None, f"{type(error).__name__}: {str(error).splitlines()[0] if str(error) else ''}")


def _keep(store: Store, run: Run, outcome: Outcome) -> None:
    if outcome.notebook:
        write_text(store.notebook(run.slug), outcome.notebook)
    if outcome.row is None:
        store.fail(Failure(run.slug, outcome.reason, run.given, __version__))
        return
    store.put(run.slug, outcome.row)
    store.collect(run.slug)
