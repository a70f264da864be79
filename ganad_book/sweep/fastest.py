"""How many models in one program are fastest on this machine, and with which convolutions: measured, not guessed.

On a GPU one small network keeps few of its units busy, and thirty may no longer fit; convolutions of many models become grouped ones,
for which some libraries have no fast way (``ganad.networks.convolution``).  ``ganad survey run --together auto`` asks here, in a
process of its own.
"""

import json
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

SECONDS = 30.0
"""After which no other measurement is begun, but for the second of :data:`COUNTS`; one that has begun ends, compilation included."""

COUNTS = (10, 30, 1)
STEPS, STEPS_ON_CPU, ROUNDS = 16, 4, 3
ENOUGH = 5.0
"""Seconds: steps that take as long are not repeated."""
_SAMPLES = 1024


@dataclass(frozen=True)
class Way:
    """A way to train, measured.

    Attributes
    ----------
    models : int
        In one program.
    convolutions : {"products", "convolutions"}
        How convolutions are traced.
    samples_per_second : float
        Training samples of all models together.
    compilation : float
        Seconds before the first step.
    """

    models: int
    convolutions: str
    samples_per_second: float
    compilation: float

    def __str__(self) -> str:
        models = f"{self.models} model{'s' if self.models > 1 else ''}"
        return f"{models} at once, {self.convolutions}: {self.samples_per_second:,.0f} samples/s (compiled in {self.compilation:.0f} s)"


def measured(
    detector: str, parameters: Mapping[str, Any], shape: Sequence[int], seconds: float = SECONDS
) -> Iterator[Way]:
    """Measure one way after the other, the likely ones first, until the time is used up; two numbers of models in any case.

    First both kinds of convolutions with ten models, then other numbers of models with the faster kind.
    """
    started, found = time.monotonic(), []

    def late() -> bool:
        return time.monotonic() - started >= seconds

    for kind in ("products", "convolutions") if len(shape) == 3 else ("convolutions",):
        if not found or not late():
            found.append(_timed(detector, parameters, shape, COUNTS[0], kind))
            yield found[-1]
    kind = max(found, key=lambda way: way.samples_per_second).convolutions
    for count in COUNTS[1:]:
        if count == COUNTS[1] or not late():
            yield _timed(detector, parameters, shape, count, kind)


def _timed(detector: str, parameters: Mapping[str, Any], shape: Sequence[int], models: int, convolutions: str) -> Way:
    from ganad.backends import backend
    from ganad.detectors import detector_class
    from ganad.networks.convolution import as_products
    from ganad.training.many import train_together

    start = time.monotonic()
    x = np.random.default_rng(0).uniform(-1, 1, (_SAMPLES, *shape)).astype(np.float32)
    each = [detector_class(detector)(seed=seed, **parameters) for seed in range(models)]
    games = [next(iter(model._games(model._begin(x.shape[1:], len(x)), len(x))))[0] for model in each]
    batch = each[0].reference_["batch_size"]
    steps = STEPS_ON_CPU if backend().device_name() == "CPU" else STEPS
    rows = np.resize(np.arange(len(x)), steps * batch * games[0].parts)

    def train(epochs: int) -> float:
        begun = time.monotonic()
        train_together(games, x, [rows] * models, epochs=epochs, batch_size=batch, seeds=range(models))
        return time.monotonic() - begun

    with as_products(convolutions == "products"):
        train(1)
        compilation = time.monotonic() - start
        rounds, seconds = 1, train(1)
        if seconds < ENOUGH:
            rounds, seconds = ROUNDS, train(ROUNDS)
    return Way(models, convolutions, rounds * len(rows) * models / seconds, compilation)


def ask(detector: str, parameters: Mapping[str, Any], data: str) -> list[Way]:
    """:func:`measured` for samples of a data set, in another process; what has been measured before it ended, the fastest first.

    Raises
    ------
    RuntimeError
        If nothing could be measured: the last line of what the process said.
    """
    asked = json.dumps([detector, dict(parameters), data])
    done = subprocess.run([sys.executable, "-m", __name__, asked], capture_output=True, text=True)
    ways = [Way(**json.loads(line)) for line in done.stdout.splitlines() if line.startswith("{")]
    if not ways:
        said = done.stderr.strip().splitlines() or ["it said nothing"]
        raise RuntimeError(f"the speed of {detector} could not be measured: {said[-1]}")
    return sorted(ways, key=lambda way: -way.samples_per_second)


def _answer(detector: str, parameters: Mapping[str, Any], data: str) -> None:
    from ganad.datasets import load_dataset

    for way in measured(detector, parameters, load_dataset(data).x.shape[1:]):
        print(json.dumps(asdict(way)), flush=True)


if __name__ == "__main__":
    _answer(*json.loads(sys.argv[1]))
