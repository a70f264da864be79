"""How fast a training could be: its arithmetic and its memory traffic over what this machine was measured to do."""

import copy
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, partial
from typing import Any

import numpy as np
from keras import ops

from ganad.backends import backend


@dataclass(frozen=True)
class Peak:
    """What the device was measured to do: floating-point operations and bytes moved, each a second."""

    flops: float
    bytes: float


@dataclass(frozen=True)
class Work:
    """What a training asks for.

    Attributes
    ----------
    flops : float
        Floating-point operations, as the compiler counts them before it optimises.
    bytes : float
        At least: every variable read and written once a step, every sample read once.
    """

    flops: float
    bytes: float

    def __mul__(self, times: float) -> "Work":
        return Work(self.flops * times, self.bytes * times)

    def seconds(self, peak: Peak) -> float:
        """The least time it can take: the roofline of Williams et al. 2009."""
        return max(self.flops / peak.flops, self.bytes / peak.bytes)


def can_count() -> bool:
    """Whether the backend tells the operations of a step (JAX does)."""
    return hasattr(backend(), "flops")


def work(detector: Any, shape: tuple[int, ...], rows: int) -> Work:
    """What it takes to train a detector on so many samples of this shape; the detector itself stays as it is."""
    detector = copy.copy(detector)
    networks, total = detector._begin(shape, rows), Work(0.0, 0.0)
    for game, epochs in detector._games(networks, rows):
        size = min(detector.reference_["batch_size"] * game.parts, rows)
        state = sum(int(np.prod(variable.shape)) * 4 for variable in game.variables)
        flops = backend().flops(game.step, game.variables, (size, *shape))
        steps = epochs * (rows // size)
        total = Work(total.flops + steps * flops, total.bytes + steps * (2 * state + 4 * size * int(np.prod(shape))))
    return total


@cache
def peak() -> Peak:
    """Rate of a large product of matrices and of a large copy here, in float32: the best of three."""
    large = backend().device_name() != "CPU"
    side, length, times = (8192, 2**28, 20) if large else (1024, 2**24, 10)
    factor = np.full((side, side), 1 / side, np.float32)
    product = _rate(lambda a: ops.fori_loop(0, times, lambda i, b: ops.matmul(b, a), a)[0, 0], factor)
    moved = _rate(lambda a: ops.fori_loop(0, times, lambda i, b: b + 1.0, a)[0], np.zeros(length, np.float32))
    return Peak(flops=times * 2 * side**3 / product, bytes=times * 8 * length / moved)


def _rate(function: Callable, array: np.ndarray) -> float:
    resident = backend().to_device(array)
    call = partial(backend().compile_function(), function, [])
    call(resident)  # compiles
    best = np.inf
    for _ in range(3):
        start = time.perf_counter()
        call(resident)
        best = min(best, time.perf_counter() - start)
    return best
