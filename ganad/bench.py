"""``ganad bench``: the training step against what one would use instead, side by side in one run.

Each measurement is a process of its own, so that no framework disturbs another; they take turns, several rounds, and the
median counts.  Data is random: these are speeds, no figure here says anything about detection.
"""

import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

ROUNDS, REPEATS, SECONDS = 2, 3, 2.0


@dataclass(frozen=True)
class Case:
    """One thing to time: data of a shape, how the step is driven, on which backend."""

    shape: tuple[int, ...]
    batch_size: int
    drive: str  # "loop", "call" (the same step, one call a batch) or "hand" (written by hand in TensorFlow)
    turns: str
    backend: str = "tensorflow"


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


def main() -> None:
    """Time every case in turn and print the table (about six minutes on two cores)."""
    from rich.console import Console
    from rich.progress import track

    rates: dict[str, list[float]] = {name: [] for name in CASES}
    skipped = {}
    for name in track(list(CASES) * ROUNDS, description="timing"):
        if name in skipped:
            continue
        try:
            rates[name] += _in_process(name)
        except ModuleNotFoundError as error:
            skipped[name] = str(error)
    Console().print(_table(rates, skipped))


def _in_process(name: str) -> list[float]:
    environment = os.environ | {"KERAS_BACKEND": CASES[name].backend, "TF_CPP_MIN_LOG_LEVEL": "3"}
    done = subprocess.run([sys.executable, "-m", "ganad.bench", name], env=environment, capture_output=True, text=True)
    if "ModuleNotFoundError" in done.stderr:
        raise ModuleNotFoundError(f"{CASES[name].backend} is not installed")
    if done.returncode:
        raise RuntimeError(f"{name}: {done.stderr.strip().splitlines()[-1]}")
    return json.loads(done.stdout.splitlines()[-1])


def measure(case: Case) -> list[float]:
    """Samples per second of a case, once for each repeat, after a warm-up."""
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


def _table(rates: dict[str, list[float]], skipped: dict[str, str]) -> object:
    from rich.table import Table

    table = Table(
        title="EGBAD training step, samples per second", caption=f"median of {ROUNDS * REPEATS}, lowest to highest"
    )
    for column in ("what", "samples/s", "range", "ms a step", "ours is faster by"):
        table.add_column(column, justify="left" if column == "what" else "right")
    for name, case in CASES.items():
        if name in skipped:
            table.add_row(name, skipped[name])
            continue
        median = statistics.median(rates[name])
        ours = statistics.median(rates[", ".join(name.split(", ")[:2])])
        table.add_row(
            name,
            f"{median:,.0f}",
            f"{min(rates[name]):,.0f} - {max(rates[name]):,.0f}",
            f"{1000 * case.batch_size / median:.2f}",
            "" if ours == median else f"{ours / median:.2f} x",
        )
    return table


if __name__ == "__main__":
    print(json.dumps(measure(CASES[sys.argv[1]])))
