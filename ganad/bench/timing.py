"""One thing to be timed, and the timing: as many units as fill some seconds, several times, after a warm-up."""

import resource
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

REPEATS, SECONDS = 3, 1.0


@dataclass(frozen=True)
class Job:
    """Work that comes in units: steps of a training, images of a search, batches to score.

    Attributes
    ----------
    run : callable
        Does so many units, and returns when the last is done.
    samples : float
        In one unit; a part of one where a unit is a part of the work on a sample.
    units : int
        The fewest it makes sense to time.
    """

    run: Callable[[int], object]
    samples: float
    units: int = 1


def measure(job: Job, repeats: int = REPEATS, seconds: float = SECONDS) -> dict[str, Any]:
    """Samples per second of each repeat, seconds of the first call (it compiles), and the process's peak memory in MB."""
    first = _seconds(job, job.units)
    units = max(job.units, round(job.units * seconds / _seconds(job, job.units)))
    rates = [units * job.samples / _seconds(job, units) for _ in range(repeats)]
    return {"rates": rates, "first": first, "memory": peak_memory()}


def _seconds(job: Job, units: int) -> float:
    start = time.perf_counter()
    job.run(units)
    return time.perf_counter() - start


def peak_memory() -> float:
    """Most memory this process has held so far, MB."""
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return most / (2**20 if sys.platform == "darwin" else 2**10)
