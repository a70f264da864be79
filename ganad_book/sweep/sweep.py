"""Many runs: each executes ``book/survey/one-run`` in a process of its own, or some share ``many-runs``; here or elsewhere.

A worker is a function that takes a job and returns an outcome, so all that differs between one machine and many is
what it is submitted to: a thread pool (a thread waits for its process), or Ray.  joblib's Ray backend was not taken: it
keeps a pool of actors, and one that dies with its machine takes the whole call along; here what is left of a lost job is
submitted again.
"""

import math
import subprocess
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from ganad_book.sweep.grid import Run, batches
from ganad_book.sweep.jobs import Job, Outcome, job, work
from ganad_book.sweep.store import Failure, Store, write_text

ATTEMPTS = 3
"""How often runs are started whose machine is lost."""


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
def on_ray(address: str, cpus: float = 1, gpus: float = 0) -> Iterator[Workers]:
    """Work on a Ray cluster, each process with so many CPUs and such a part of a GPU.

    ganad and the data have to be there on every machine; the results need not: rows and notebooks come back by Ray.

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
    remote = ray.remote(num_cpus=cpus, num_gpus=gpus, max_retries=0)(work)  # :func:`sweep` knows what is left to do
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
    together: int = 1,
    environment: dict[str, str] | None = None,
    estimates: dict[Run, float | None] | None = None,
    deadline: float | None = None,
    on_start: Callable[[Run], object] = lambda run: None,
    on_end: Callable[[Run, dict | None, str], object] = lambda run, row, reason: None,
    on_cost: Callable[[Run, str], object] = lambda run, cost: None,
) -> Progress:
    """Do the runs, and keep every row as soon as it is there.

    Parameters
    ----------
    todo : iterable of Run
        In the order in which to start them.
    workers : Workers
        From :func:`here` or :func:`on_ray`.
    together : int
        Most runs in one process; on JAX, in one program.
    estimates, deadline
        Seconds a run is expected to take, and from now to the end of all: runs that would not end within are left out, those
        of unknown length are started as long as there is time.
    on_start, on_end : callable
        Are handed each run as it begins, and as it ends: with its row, or None and the reason.
    on_cost : callable
        Is handed what each program has cost, in words, with the first run of its process.

    Raises
    ------
    OSError
        If a row or a failure cannot be kept, the disk being full, say: after the runs at work have ended.
    """
    started, waiting, running = time.monotonic(), deque((runs, 1) for runs in batches(todo, together)), {}
    store.forget_costs()
    keeper = _Keeper(store, on_end, on_cost, Progress(sum(len(runs) for runs, _ in waiting)))
    while waiting or running:
        while waiting and len(running) < workers.at_once and not keeper.full:
            runs, attempt = waiting.popleft()
            left = math.inf if deadline is None else deadline - (time.monotonic() - started)
            if left < max(sum((estimates or {}).get(run) or 0 for run in runs), 1e-9):
                keeper.progress.left_out += len(runs)
                continue
            for run in runs:
                on_start(run)
            running[workers.submit(job(runs, store, environment or {}))] = runs, attempt
        if not running:
            break
        ended = wait(running, timeout=1, return_when=FIRST_COMPLETED).done
        for future in running.keys() - ended:
            keeper.take_costs(running[future][0], store.costs(running[future][0][0].slug))
            keeper.take_finished(running[future][0])
        for future in ended:
            runs, attempt = running.pop(future)
            if future.exception() and attempt < ATTEMPTS:
                keeper.forget_costs(runs)
                keeper.take_finished(runs)
                waiting.extend([(left, attempt + 1)] if (left := keeper.left(runs)) else [])
            else:
                keeper.take(runs, future)
    if keeper.full:
        raise keeper.full
    return keeper.progress


class _Keeper:
    """Takes rows and reasons as they come, each once."""

    def __init__(self, store: Store, on_end: Callable, on_cost: Callable, progress: Progress) -> None:
        self._store, self._on_end, self._on_cost, self.progress = store, on_end, on_cost, progress
        self._taken: set[Run] = set()
        self._costs: dict[Run, int] = {}
        self.full: OSError | None = None

    def take_costs(self, runs: Sequence[Run], costs: Sequence[str]) -> None:
        """Hand on those of the costs of a job's programs that have not been handed on yet."""
        known = self._costs.get(runs[0], 0)
        for cost in costs[known:]:
            self._on_cost(runs[0], cost)
        self._costs[runs[0]] = max(known, len(costs))

    def forget_costs(self, runs: Sequence[Run]) -> None:
        """Begin to count anew: the job is lost, and what is left of it will be submitted again."""
        self._costs.pop(runs[0], None)
        self._store.forget_costs(runs[0].slug)

    def take_finished(self, runs: Sequence[Run]) -> None:
        """Keep the rows that are there already of runs whose process is still at work."""
        for run in self.left(runs):
            if self._store.row_file(run.slug).exists():
                self._keep(run, lambda run=run: self._store.collected(run.slug))

    def left(self, runs: Sequence[Run]) -> list[Run]:
        """Those that have not ended."""
        return [run for run in runs if run not in self._taken]

    def take(self, runs: Sequence[Run], future: Future) -> None:
        """Keep what a job has left."""
        try:
            outcome = future.result()
        except Exception as error:  # its machine was lost more than once
            words = str(error).splitlines()[0] if str(error) else ""
            outcome = Outcome({}, {run.slug: f"{type(error).__name__}: {words}" for run in runs})
        self.take_costs(runs, outcome.costs)
        if outcome.notebook:
            self._try(lambda: write_text(self._store.notebook(runs[0].slug), outcome.notebook))
        for run in self.left(runs):
            self._keep(run, lambda run=run: self._of(run, outcome))

    def _of(self, run: Run, outcome: Outcome) -> dict | str:
        if run.slug in outcome.rows:
            self._store.put(run.slug, outcome.rows[run.slug])
            return self._store.collected(run.slug)
        reason = outcome.reasons.get(run.slug, "")
        self._store.fail(Failure(run.slug, reason, run.given, run.revision))
        return reason

    def _keep(self, run: Run, action: Callable[[], dict | str]) -> None:
        kept = self._try(action)
        if kept is None:
            return
        self._taken.add(run)
        row, reason = (kept, "") if isinstance(kept, dict) else (None, kept)
        self.progress.finished += row is not None
        self.progress.failed += row is None
        self._on_end(run, row, reason)

    def _try(self, action: Callable) -> Any:
        try:
            return action()
        except OSError as error:
            self.full = error
            return None
