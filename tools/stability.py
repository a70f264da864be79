"""How far other arithmetic takes a result: the same training with other last bits in its initial weights, and other kernels.

    python tools/stability.py chapter book/detectors/egbad        # ranges for nbval, beside the chapter
    python tools/stability.py tests -k zeros                      # lowest and highest of what the tests assert

Each run multiplies every initial weight by 1 + 2^-23 or 1 - 2^-23 at random, which is less than another processor does.
The kernels are oneDNN's of older processors, TensorFlow's own, one thread, two threads, and (for tests) JAX.
"""

import argparse
import importlib.util
import json
import os
import subprocess
import sys
import tempfile
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parent.parent
KERNELS = {
    "no oneDNN": {"TF_ENABLE_ONEDNN_OPTS": "0"},
    "SSE4.1": {"ONEDNN_MAX_CPU_ISA": "SSE41"},
    "AVX2": {"ONEDNN_MAX_CPU_ISA": "AVX2"},
    "one thread": {"TF_NUM_INTRAOP_THREADS": "1", "OMP_NUM_THREADS": "1"},
    "two threads": {"TF_NUM_INTRAOP_THREADS": "2", "OMP_NUM_THREADS": "2"},
}
JAX = {"JAX": {"KERAS_BACKEND": "jax", "JAX_PLATFORMS": "cpu"}}
TAG, FAILED = "ranged", "claims that failed"


def main() -> None:
    """Measure what the command line asks for."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("what", choices=["chapter", "tests", "_cells", "_tests"])
    parser.add_argument("name", nargs="?", default="", help="a chapter, such as book/detectors/egbad")
    parser.add_argument("-k", default="", help="which tests, as pytest's -k")
    parser.add_argument("--runs", type=int, default=30)
    parser.add_argument("--first", type=int, default=1, help=argparse.SUPPRESS)
    parser.add_argument("--more", action="store_true", help="widen the ranges that are there, of the same chapter")
    parser.add_argument("--no-kernels", action="store_true", help="perturbed weights alone")
    given = parser.parse_args()
    if given.what == "_cells":
        json.dump(cells(given.name, given.runs, given.first), sys.stdout)
    elif given.what == "_tests":
        repeated(given.k, given.runs)
    elif given.what == "chapter":
        chapter(given.name, given.runs, {} if given.no_kernels else KERNELS, given.more)
    else:
        tests(given.k, given.runs, {} if given.no_kernels else KERNELS | JAX)


# ---- chapters


def chapter(name: str, runs: int, kernels: dict[str, dict[str, str]], more: bool = False) -> None:
    """Write the ranges of a chapter's tagged cells; fails if one of its claims did not hold in a run."""
    path = ROOT / f"{name}.ranges.json"
    known = json.loads(path.read_text("utf-8")) if more else {"runs": 0, "cells": {}}
    texts = _child(name, runs, {}, first=known["runs"] + 1) if runs else {}  # perturbed as no run before
    for environment in kernels.values():
        for cell, said in _child(name, 0, environment).items():
            texts.setdefault(cell, []).extend(said)
    failed = texts.pop(FAILED, [])
    before = kept(name)
    for cell, said in before.items():
        texts.setdefault(cell, []).extend(said)
    rules = _nbval_rules()
    ranges: dict[str, dict[str, list]] = defaultdict(dict, known["cells"])
    for cell, said in texts.items():
        for text in said:
            words, numbers = rules.taken_apart(text)
            ends = ranges[cell].setdefault(words, [[float(n), float(n)] for n in numbers])
            ranges[cell][words] = [
                [min(low, float(n)), max(high, float(n))] for (low, high), n in zip(ends, numbers, strict=True)
            ]
    made = known["runs"] + runs + len(kernels) + (any(before.values()) and not more)  # the kept outputs are one
    path.write_text(json.dumps({"runs": made, "cells": ranges}, indent=1, ensure_ascii=False) + "\n")
    for cell, each in ranges.items():
        for words, ends in each.items():
            if ends:
                print(f"{cell}: {words[:60]}: " + ", ".join(f"{low:g} to {high:g}" for low, high in ends))
    if failed:
        sys.exit("\n".join(f"{failed.count(each)} times not so: {each}" for each in dict.fromkeys(failed)))


def _child(name: str, runs: int, environment: dict[str, str], first: int = 1) -> dict[str, list[str]]:
    quiet = {"TF_CPP_MIN_LOG_LEVEL": "3", "MPLBACKEND": "agg", "GANAD_CLAIMS": "strict"}
    command = [sys.executable, __file__, "_cells", name, "--runs", str(runs), "--first", str(first)]
    done = subprocess.run(command, env=os.environ | quiet | environment, stdout=subprocess.PIPE, text=True, cwd=ROOT)
    if done.returncode:
        sys.exit(f"{name} failed under {environment or 'perturbed weights'}")
    return json.loads(done.stdout.splitlines()[-1])


def cells(name: str, runs: int, first: int = 1) -> dict[str, list[str]]:
    """What the tagged cells of a chapter print in so many perturbed runs (0: one that is not), all in one kernel."""
    import nbformat
    from nbclient import NotebookClient
    from nbclient.exceptions import CellExecutionError

    from ganad_book import notebooks

    notebook, texts = notebooks.read(ROOT / f"{name}.ipynb"), defaultdict(list)
    reset = nbformat.v4.new_code_cell()
    notebook.cells = [reset, *notebooks.code_cells(notebook)]
    client = NotebookClient(
        notebook, timeout=None, resources={"metadata": {"path": str(ROOT / name.rpartition("/")[0])}}
    )
    with client.setup_kernel():
        for run in range(runs) or [None]:
            reset.source = "%reset -f\nimport os\nos.environ.pop('GANAD_PERTURB', None)\n"
            if run is not None:
                reset.source += f"os.environ['GANAD_PERTURB'] = '{first + run}'"
            for place, cell in enumerate(notebook.cells):
                try:
                    client.execute_cell(cell, place)
                except CellExecutionError as error:
                    if error.ename != "ClaimError":
                        raise
                    print(f"{name}, run {run}: NOT SO: {error.evalue}", file=sys.stderr, flush=True)
                    texts[FAILED].append(error.evalue)
                if TAG in cell.metadata.get("tags", ()):
                    texts[cell.id] += list(_texts(cell.outputs))
            print(f"{name}: run {run}", file=sys.stderr, flush=True)
    return texts


def kept(name: str) -> dict[str, list[str]]:
    """What the tagged cells of a chapter print in its kept outputs: one more run, on the machine that kept them."""
    from ganad_book import notebooks

    code = notebooks.code_cells(notebooks.read(ROOT / f"{name}.ipynb"))
    return {cell.id: list(_texts(cell.outputs)) for cell in code if TAG in cell.metadata.get("tags", ())}


def _texts(outputs: list) -> Iterator[str]:
    """What nbval compares: what was printed, joined, and every value as text."""
    if printed := "".join(out.text for out in outputs if out.output_type == "stream" and out.name == "stdout"):
        yield printed
    yield from (out.data["text/plain"] for out in outputs if "text/plain" in out.get("data", {}))


def _nbval_rules() -> Any:
    spec = importlib.util.spec_from_file_location("book_conftest", ROOT / "book" / "conftest.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


# ---- tests


def tests(wanted: str, runs: int, kernels: dict[str, dict[str, str]]) -> None:
    """Print, for each value that a test asserts by ``quality``, its bound and the lowest and highest of all runs."""
    notes: list[dict] = []
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "notes"
        for count, environment in [(runs, {}), *((0, kernel) for kernel in kernels.values())]:
            command = [sys.executable, __file__, "_tests", "-k", wanted, "--runs", str(count)]
            subprocess.run(
                command, env=os.environ | {"GANAD_STABILITY": str(file)} | environment, cwd=ROOT, stdout=sys.stderr
            )
            notes += [json.loads(line) for line in file.read_text().splitlines()] if file.exists() else []
            file.unlink(missing_ok=True)
            print(f"{environment or 'perturbed weights'}: {len(notes)} values so far", file=sys.stderr, flush=True)
    values = defaultdict(list)
    for note in notes:
        values[note["test"], note["above"]].append(note["value"])
    for (test, above), each in sorted(values.items()):
        short = sum(value <= above for value in each)
        print(f"{test:90s} > {above:<6g} {min(each):.4f} to {max(each):.4f} of {len(each)}{' FAILS' if short else ''}")


def repeated(wanted: str, runs: int) -> None:
    """Run the tests so often, each time with other last bits (0: once, as they are), in one process that keeps its programs."""
    import pytest

    files = [
        str(path) for path in sorted((ROOT / "tests").rglob("test_*.py")) if "mark.quality" in path.read_text("utf-8")
    ]
    for run in range(runs) or [None]:
        os.environ.pop("GANAD_PERTURB", None)
        if run is not None:
            os.environ["GANAD_PERTURB"] = str(run + 1)
        options = ["-q", "-m", "quality", "-p", "no:cacheprovider", *(["-k", wanted] if wanted else [])]
        pytest.main([*options, *files])


if __name__ == "__main__":
    main()
