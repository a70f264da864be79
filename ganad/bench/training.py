"""EGBAD's training step, driven by the compiled loop, once a batch, by hand, and on PyTorch."""

import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

REPEATS, SECONDS = 3, 2.0


@dataclass(frozen=True)
class Case:
    """One thing to time: data of a shape, how the step is driven, on which backend."""

    shape: tuple[int, ...]
    batch_size: int
    drive: str  # "loop", "call" (the same step, one call a batch) or "hand" (written by hand in TensorFlow)
    turns: str
    backend: str = "tensorflow"


TITLE = "EGBAD training step, samples per second"
KDD, MNIST = ((121,), 50), ((28, 28, 1), 100)
CASES = {
    "kdd, simultaneous": Case(*KDD, "loop", "simultaneous"),
    "kdd, simultaneous, one call a batch": Case(*KDD, "call", "simultaneous"),
    "kdd, simultaneous, by hand": Case(*KDD, "hand", "simultaneous"),
    "kdd, simultaneous, PyTorch eager": Case(*KDD, "loop", "simultaneous", "torch"),
    "kdd, alternating": Case(*KDD, "loop", "alternating"),
    "kdd, alternating, one call a batch": Case(*KDD, "call", "alternating"),
    "kdd, alternating, by hand": Case(*KDD, "hand", "alternating"),
    "28x28, simultaneous": Case(*MNIST, "loop", "simultaneous"),
    "28x28, simultaneous, by hand": Case(*MNIST, "hand", "simultaneous"),
}


def peer_of(name: str) -> str:
    """The case of ours that a case is compared with."""
    return ", ".join(name.split(", ")[:2])


def measure(name: str) -> list[float]:
    """Samples per second of a case, once for each repeat, after a warm-up."""
    case = CASES[name]
    run = _driver(case)
    run(20)
    start = time.perf_counter()
    run(20)
    steps = max(20, int(20 * SECONDS / (time.perf_counter() - start)))
    rates = []
    for _ in range(REPEATS):
        start = time.perf_counter()
        run(steps)
        rates.append(steps * case.batch_size / (time.perf_counter() - start))
    return rates


def _driver(case: Case) -> Callable[[int], None]:
    """``run(steps)`` trains so many steps and waits for the last."""
    from ganad.backends import backend
    from ganad.detectors import EGBAD

    detector = EGBAD(turns=case.turns)
    detector.reference_ = detector._reference(case.shape)
    networks = detector._networks(case.shape)
    rng = np.random.default_rng(0)
    rows = 20_000 if len(case.shape) == 1 else 2_000
    data = backend().to_device(rng.random((rows, *case.shape), np.float32))
    order = backend().to_device(rng.integers(0, rows, (50_000, case.batch_size), np.int32))
    if case.drive == "hand":
        from ganad.backends.plain_tensorflow import bigan_step

        step = bigan_step(networks, detector.reference_["latent_dim"], case.turns == "alternating")
        return lambda steps: _one_by_one(step, data, case.batch_size, rows, steps)
    game = detector._game(networks, 1)
    if case.drive == "call":
        step = backend().compile_step(game.step, game.variables)
        return lambda steps: _one_by_one(step, data, case.batch_size, rows, steps)
    return lambda steps: game._loop((data,), order, 0, steps)


def _one_by_one(step: Callable, data: object, batch_size: int, rows: int, steps: int) -> None:
    for i in range(steps):
        first = i * batch_size % (rows - batch_size)
        result = step(data[first : first + batch_size])
    np.asarray(result[0])
