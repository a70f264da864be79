"""Training and scoring against what one would use instead, side by side in one run.

Each case is a process of its own, so that no framework disturbs another.  All that is compared with each other is warmed up and
then takes turns of about a second, many rounds: what makes the machine slower for a while makes all of them slower, and each round
has a ratio of its own.  Data is random: these are speeds, no figure here says anything about detection.
"""

import importlib.metadata
import importlib.util
import json
import os
import platform
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from benchmarks.comparisons import CASES, COMPARISONS, groups
from ganad.errors import GanadError

ROUNDS = 7
COLUMNS = ("what", "peer", "unit", "ours", "theirs", "ratio", "low", "high", "aim")
PACKAGES = ("ganad", "keras", "tensorflow", "jax", "torch", "pyod", "anomalib", "numpy")
START = {
    "import ganad": ["-c", "import ganad"],
    "ganad --help": ["-c", "from ganad_book.cli.main import main; main()", "--help"],
}
START_AIM = 0.3


class BenchError(GanadError, RuntimeError):
    """A measurement failed: its own last line says why."""

    exit_code = 1


def main(folder: Path, rounds: int = ROUNDS) -> None:
    """Measure everything and write ``bench.json`` (all of it) and ``bench.csv`` (the comparisons) into a folder.

    Under twenty minutes on two cores.  A case whose package is not installed is left out, and said so.  What has been measured
    is kept in ``.bench.json.unfinished``, and a run that was stopped goes on from there, on the same machine and versions.
    """
    from rich.console import Console

    from ganad_book.sweep.store import write_json

    folder.mkdir(parents=True, exist_ok=True)
    unfinished = folder / ".bench.json.unfinished"
    found = measured(rounds, _known(unfinished, rounds), lambda found: write_json(unfinished, found))
    rows = table(found)
    write_json(folder / "bench.json", found)
    write_csv(folder / "bench.csv", rows)
    unfinished.unlink(missing_ok=True)
    Console().print(shown(rows, found["skipped"]))


def _begun(rounds: int) -> dict[str, Any]:
    skipped = {name: lacking for name in CASES if (lacking := _lacking(name))}
    return {
        "machine": {"processor": _processor(), "cores": os.cpu_count(), "system": platform.system()},
        "versions": {name: version for name in PACKAGES if (version := _version(name))},
        "rounds": rounds,
        "made": time.strftime("%Y-%m-%d"),
        "cases": {name: {"rates": []} for name in CASES if name not in skipped},
        "skipped": skipped,
        "minutes": 0.0,
    }


def _known(path: Path, rounds: int) -> dict[str, Any]:
    """What a run that was stopped has left, if this one would be the same; else the beginning of a new one."""
    begun = _begun(rounds)
    try:
        known = json.loads(path.read_text("utf-8"))
        same = all(known[name] == begun[name] for name in ("machine", "versions", "rounds", "skipped"))
        return known if same and known["cases"].keys() == begun["cases"].keys() else begun
    except (OSError, ValueError, KeyError, TypeError):
        return begun


def measured(rounds: int, found: dict[str, Any] | None = None, keep: Callable[[dict], object] = id) -> dict[str, Any]:
    """Rates, peak memory, floors, growth and starts, with the machine and the versions they were measured on.

    Parameters
    ----------
    rounds : int
        How often each case has its turn, after one to warm up.
    found : dict, optional
        What has been measured before: only the rest is.
    keep : callable
        Called with all that is there after each measurement.
    """
    from rich.progress import track

    found = found or _begun(rounds)
    for measure in track([*_groups(found, rounds), *_others(found)], "measuring"):
        start = time.perf_counter()
        measure()
        found["minutes"] += (time.perf_counter() - start) / 60
        keep(found)
    return found


def _groups(found: dict[str, Any], rounds: int) -> Iterator[Callable[[], None]]:
    """The groups of cases that have not been measured."""
    cases = found["cases"]
    for group in groups(cases):
        if not all(cases[name]["rates"] for name in group):
            yield lambda group=group: cases.update(in_turn(group, rounds))


def in_turn(group: Sequence[str], rounds: int) -> dict[str, dict[str, Any]]:
    """Of each case of a group the seconds of its first call, its rates round by round, and its peak memory.

    Raises
    ------
    BenchError
        If one fails: the others are ended.
    """
    running: dict[str, subprocess.Popen] = {}
    found: dict[str, dict[str, Any]] = {}
    try:
        for name in group:
            running[name] = _process("case", name, backend=CASES[name].backend, **dict(CASES[name].environment))
            found[name] = {"first": _answer(name, running[name]), "rates": []}
        for turn in range(rounds + 1):
            for name, process in running.items():
                process.stdin.write("\n")
                process.stdin.flush()
                rate = _answer(name, process)
                if turn:
                    found[name]["rates"].append(rate)
        for name, process in running.items():
            process.stdin.close()
            found[name]["memory"] = _answer(name, process)
    finally:
        for process in running.values():
            process.kill()
            process.wait()
    return found


def _answer(name: str, process: subprocess.Popen) -> float:
    line = process.stdout.readline()
    if not line:
        raise BenchError(f"{name}: {(process.stderr.read().strip().splitlines() or ['no word'])[-1]}")
    return float(line)


def _others(found: dict[str, Any]) -> Iterator[Callable[[], None]]:
    """What is measured once, after the cases, and is not there yet."""
    once = {
        "peak": lambda: child("call", "benchmarks.floors", "rates"),
        "work": lambda: child("call", "benchmarks.floors", "work", backend="jax"),
        "imported": lambda: {
            name: child("call", "benchmarks.floors", "imported", backend=name)
            for name in ("tensorflow", "torch")
            if _version(name)
        },
        "growth": lambda: {
            "samples": child("call", "benchmarks.growth", "with_samples"),
            "batch": child("call", "benchmarks.growth", "with_batch"),
            "models": child("call", "benchmarks.growth", "with_models", backend="jax"),
        },
        "start": lambda: {name: [_seconds(words) for _ in range(5)] for name, words in START.items()},
    }
    yield from (partial(_add, found, name, make) for name, make in once.items() if name not in found)


def _add(found: dict[str, Any], name: str, make: Callable[[], Any]) -> None:
    found[name] = make()


def table(found: dict[str, Any]) -> list[dict[str, Any]]:
    """The rows of ``bench.csv``: rates of all comparisons, peak memory of each pair, and the starts.

    A ratio says how many times as fast ours is, of memory and of starts what ours takes over theirs (over the aim); ``low`` and
    ``high`` are those of the rounds.
    """
    rows, cases = [], found["cases"]
    for each in COMPARISONS:
        if each.ours not in cases or (each.theirs and each.theirs not in cases):
            continue
        ours = cases[each.ours]["rates"]
        theirs = cases[each.theirs]["rates"] if each.theirs else [each.quoted]
        ratios = [a / b for a, b in zip(ours, theirs if each.theirs else theirs * len(ours), strict=True)]
        rows.append(_row(each.what, each.peer, "samples/s", ours, theirs, ratios, each.aim))
    for each in COMPARISONS:
        if each.theirs and {each.ours, each.theirs} <= cases.keys():
            ours, theirs = (cases[name]["memory"] for name in (each.ours, each.theirs))
            rows.append(_row(each.what, each.peer, "MB at most", [ours], [theirs], [ours / theirs], 1.0))
    for name, seconds in found["start"].items():
        rows.append(_row(name, "", "s", seconds, [START_AIM], [value / START_AIM for value in seconds], 1.0))
    return rows


def _row(what: str, peer: str, unit: str, ours: list, theirs: list, ratios: list, aim: float) -> dict[str, Any]:
    values = (
        statistics.median(ours),
        statistics.median(theirs),
        statistics.median(ratios),
        min(ratios),
        max(ratios),
        aim,
    )
    return dict(zip(COLUMNS, (what, peer, unit, *(float(f"{value:.4g}") for value in values)), strict=True))


def met(row: dict[str, Any]) -> bool:
    """Whether a row reaches its aim: at least, for a rate; at most, for memory and seconds."""
    return row["ratio"] >= row["aim"] if row["unit"] == "samples/s" else row["ratio"] <= row["aim"]


def write_csv(path: Path, rows: list[dict[str, Any]]) -> None:
    """The table as CSV, under another name first."""
    import pandas as pd

    part = path.with_name(f".{path.name}.part")
    pd.DataFrame(rows, columns=list(COLUMNS)).to_csv(part, index=False)
    part.replace(path)


def shown(rows: list[dict[str, Any]], skipped: dict[str, str]) -> object:
    """The table for a terminal."""
    from rich.table import Table

    drawn = Table(caption="; ".join(f"{name}: {package} is not installed" for name, package in skipped.items()) or None)
    for column in COLUMNS[:3]:
        drawn.add_column(column)
    for column in (*COLUMNS[3:6], "range", "aim", ""):
        drawn.add_column(column, justify="right")
    for row in rows:
        numbers = [number(row[column]) for column in ("ours", "theirs", "ratio")]
        span = f"{number(row['low'])} - {number(row['high'])}"
        drawn.add_row(
            row["what"], row["peer"], row["unit"], *numbers, span, number(row["aim"]), "met" if met(row) else "missed"
        )
    return drawn


def number(value: float) -> str:
    """Three figures, thousands apart."""
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def child(*words: str, backend: str = "tensorflow", **environment: str) -> Any:
    """What ``python -m benchmarks.one`` prints for these words, with these environment variables.

    Raises
    ------
    BenchError
        If it fails.
    """
    process = _process(*words, backend=backend, **environment)
    printed, complained = process.communicate()
    if process.returncode:
        raise BenchError(f"{' '.join(words)}: {(complained.strip().splitlines() or ['no word'])[-1]}")
    return json.loads(printed.splitlines()[-1])


def _process(*words: str, backend: str, **environment: str) -> subprocess.Popen:
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    environment = os.environ | {"KERAS_BACKEND": backend, "TF_CPP_MIN_LOG_LEVEL": "3"} | environment
    return subprocess.Popen([sys.executable, "-m", "benchmarks.one", *words], env=environment, text=True, **pipes)


def _lacking(name: str) -> str:
    return next((package for package in CASES[name].packages if not _version(package)), "")


def _version(package: str) -> str:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return ""


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor()
    return next(
        (line.partition(":")[2].strip() for line in lines if line.startswith("model name")), platform.processor()
    )


def _seconds(words: list[str], clock: Callable[[], float] = time.perf_counter) -> float:
    start = clock()
    subprocess.run([sys.executable, *words], capture_output=True, check=True)
    return clock() - start
