"""One thing to be timed, and the timing: warmed up first, then as many units as fill a second, whenever asked."""

import resource
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

SECONDS = 1.0


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


def rates(job: Job, seconds: float = SECONDS) -> Iterator[float]:
    """First the seconds of the first call, which compiles; then, each time, samples per second over about so many seconds."""
    yield _seconds(job, job.units)
    units = max(job.units, round(job.units * seconds / _seconds(job, job.units)))
    while True:
        yield units * job.samples / _seconds(job, units)


def _seconds(job: Job, units: int) -> float:
    start = time.perf_counter()
    job.run(units)
    return time.perf_counter() - start


def peak_memory() -> float:
    """Most memory this process has held so far, MB."""
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return most / (2**20 if sys.platform == "darwin" else 2**10)
