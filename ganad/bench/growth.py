"""How time grows: with the samples a detector is trained on, with the size of a batch, and with the models trained together."""

import time

import numpy as np

from ganad.bench import ours
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


def with_batch() -> dict[str, list[float]]:
    """Seconds of a step of EGBAD on batches of so many rows of KDD's width: what a step costs at all, and what a row adds."""
    seconds = []
    for size in BATCHES:
        detector = EGBAD(batch_size=size)
        job = ours.training(detector, ours.KDD, 20_000)
        job.run(20)
        seconds.append(_least(lambda job=job: job.run(200), 3) / 200)
    return {"x": list(BATCHES), "seconds": seconds}


def with_models() -> dict[str, list[float]]:
    """Seconds of one epoch of so many small GANomalys in one program (JAX), a twentieth of what 20 more take."""
    from ganad.detectors.together import fit_together

    x = ours.samples(2_000, ours.KDD)
    seconds = []
    for count in MODELS:
        took = []
        for epochs in (1, 21):
            models = [GANomaly(epochs=epochs, seed=seed) for seed in range(count)]
            start = time.perf_counter()
            fit_together(models, x, [np.arange(len(x))] * count)
            took.append(time.perf_counter() - start)
        seconds.append((took[1] - took[0]) / 20)
    return {"x": list(MODELS), "seconds": seconds}


def _least(call, times: int = 2) -> float:
    found = []
    for _ in range(times):
        start = time.perf_counter()
        call()
        found.append(time.perf_counter() - start)
    return min(found)
