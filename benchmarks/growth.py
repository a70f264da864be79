"""How time grows: with the samples a detector is trained on, with the size of a batch, and with the models trained together."""

import time
from collections.abc import Sequence
from functools import partial

import numpy as np

from benchmarks import ours
from ganad.backends import backend
from ganad.detectors import EGBAD, GANomaly

SAMPLES = (10_000, 20_000, 40_000, 80_000, 160_000)
BATCHES = (25, 50, 100, 200, 400)
MODELS = (1, 2, 4, 8)


def with_samples() -> dict[str, list[float]]:
    """Seconds of an epoch of EGBAD over so many rows of KDD's width, everything compiled before."""
    detector = EGBAD()
    game = detector._game(ours.prepared(detector, ours.KDD), 1)
    x = ours.samples(max(SAMPLES), ours.KDD)
    game.train(x[:1000], epochs=1, batch_size=50)
    return {
        "x": list(SAMPLES),
        "seconds": [_least(lambda n=n: game.train(x[:n], epochs=1, batch_size=50)) for n in SAMPLES],
    }


def with_batch(sizes: Sequence[int] = BATCHES) -> dict[str, list[float]]:
    """Seconds of a step of EGBAD on batches of so many rows of KDD's width: what a step costs at all, and what a row adds."""
    seconds = []
    for size in sizes:
        detector = EGBAD(batch_size=size)
        job = ours.training(detector, ours.KDD, 20_000)
        job.run(20)
        seconds.append(_least(lambda job=job: job.run(200), 3) / 200)
    return {"x": list(sizes), "seconds": seconds}


def with_models(counts: Sequence[int] = MODELS) -> dict[str, list[float]]:
    """Seconds of 200 steps of so many GANomalys in one program (JAX), batches of 50 rows of KDD's width, everything compiled before."""
    x = backend().to_device(ours.samples(2_000, ours.KDD))
    rng, seconds = np.random.default_rng(0), []
    for count in counts:
        detectors = [GANomaly(seed=seed) for seed in range(count)]
        games = [each._game(ours.prepared(each, ours.KDD), 1) for each in detectors]
        variables = [game.variables for game in games]
        run, states = partial(backend().compile_many(), games[0].step, variables[0]), backend().stack(variables)
        order = backend().to_device(rng.integers(0, 2_000, (200, count, 50), np.int32))
        active = backend().to_device(np.ones((200, count), bool))
        took = []
        for _ in range(4):
            start = time.perf_counter()
            states, _losses = run(states, (x,), order, active)
            took.append(time.perf_counter() - start)
        seconds.append(min(took[1:]))
    return {"x": list(counts), "seconds": seconds}


def _least(call, times: int = 3) -> float:
    found = []
    for _ in range(times):
        start = time.perf_counter()
        call()
        found.append(time.perf_counter() - start)
    return min(found)
