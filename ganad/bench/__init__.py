"""``ganad bench``: training and scoring against what one would use instead, side by side in one run.

Each measurement is a process of its own, so that no framework disturbs another; they take turns, several rounds, and the
median counts.  Data is random: these are speeds, no figure here says anything about detection.
"""

import json
import os
import statistics
import subprocess
import sys
from types import ModuleType

ROUNDS = 2


def main() -> None:
    """Time every case in turn and print the tables (about ten minutes on two cores)."""
    from rich.console import Console
    from rich.progress import track

    from ganad.bench import searching, training

    parts = (training, searching)
    rates: dict[str, list[float]] = {name: [] for part in parts for name in part.CASES}
    skipped: dict[str, str] = {}
    cases = [(part, name) for part in parts for name in part.CASES]
    for part, name in track(cases * ROUNDS, "timing"):
        if name in skipped:
            continue
        try:
            rates[name] += _in_process(part, name)
        except ModuleNotFoundError as error:
            skipped[name] = str(error)
    for part in parts:
        Console().print(_table(part, rates, skipped))


def _in_process(part: ModuleType, name: str) -> list[float]:
    environment = os.environ | {"KERAS_BACKEND": part.CASES[name].backend, "TF_CPP_MIN_LOG_LEVEL": "3"}
    command = [sys.executable, "-m", "ganad.bench.one", part.__name__, name]
    done = subprocess.run(command, env=environment, capture_output=True, text=True)
    complaint = (done.stderr.strip().splitlines() or [""])[-1]
    if complaint.startswith("ModuleNotFoundError"):
        raise ModuleNotFoundError(complaint.split(": ")[1])
    if done.returncode:
        raise RuntimeError(f"{name}: {complaint}")
    return json.loads(done.stdout.splitlines()[-1])


def _table(part: ModuleType, rates: dict[str, list[float]], skipped: dict[str, str]) -> object:
    from rich.table import Table

    table = Table(title=part.TITLE, caption=f"median of {ROUNDS * part.REPEATS}, lowest to highest")
    for column in ("what", "samples/s", "range", "ours is faster by"):
        table.add_column(column, justify="left" if column == "what" else "right")
    for name in part.CASES:
        if name in skipped:
            table.add_row(name, skipped[name])
            continue
        median, ours = statistics.median(rates[name]), statistics.median(rates[part.peer_of(name)])
        factor = "" if part.peer_of(name) == name else f"{ours / median:.2f} x"
        table.add_row(name, _number(median), f"{_number(min(rates[name]))} - {_number(max(rates[name]))}", factor)
    return table


def _number(rate: float) -> str:
    return f"{rate:,.0f}" if rate >= 100 else f"{rate:.3g}"
