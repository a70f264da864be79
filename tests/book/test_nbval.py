"""`make chapters`: nbval passes what agrees with the kept outputs, and fails what does not."""

import importlib.util
import json
import os
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest
import small_book

from ganad_book import notebooks
from tools.book.project import Book

_spec = importlib.util.spec_from_file_location("book_conftest", small_book.ROOT / "book" / "conftest.py")
rules = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(rules)

BOOK = Book(small_book.ROOT)


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Book:
    """The small book with the outputs of chapter one kept."""
    book = Book(small_book.make(tmp_path_factory.mktemp("nbval")))
    path, executed = book.notebook("book/one"), book.root / "executed.ipynb"
    notebooks.run(path, executed, {})
    notebooks.write(notebooks.with_outputs_of(notebooks.read(path), notebooks.read(executed)), path)
    book.notebook("book/two").unlink()
    return book


def test_the_rules_set_the_environment_when_pytest_runs_them_and_not_when_they_are_imported(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name in (*rules.QUIET_AND_STRICT, "MPLBACKEND"):
        monkeypatch.setenv(name, "")  # so that it is put back
        monkeypatch.delenv(name)
    monkeypatch.setenv("GRPC_VERBOSITY", "DEBUG")
    before = dict(os.environ)
    _spec.loader.exec_module(importlib.util.module_from_spec(_spec))
    assert dict(os.environ) == before
    rules.pytest_configure()
    assert os.environ["GANAD_CLAIMS"] == "strict" and os.environ["MPLBACKEND"].endswith("backend_inline")
    assert os.environ["GRPC_VERBOSITY"] == "DEBUG"


def nbval(book: Book) -> subprocess.CompletedProcess:
    """What `make chapters` does."""
    options = ["-q", "--nbval", "--nbval-current-env", "-p", "no:cacheprovider", "--color=no"]
    return subprocess.run(
        [sys.executable, "-m", "pytest", *options, "book"], cwd=book.root, capture_output=True, text=True
    )


def test_unchanged_passes_and_strays_are_not_run(kept: Book) -> None:
    done = nbval(kept)
    assert done.returncode == 0, done.stdout
    assert "4 passed" in done.stdout  # the four code cells of chapter one; the stray notebook would fail


def test_changed_number_fails(kept: Book) -> None:
    path: Path = kept.notebook("book/one")
    text = path.read_text()
    path.write_text(text.replace("AUPRC 0.930", "AUPRC 0.940"))
    try:
        done = nbval(kept)
    finally:
        path.write_text(text)
    assert done.returncode == 1
    assert "1 failed, 3 passed" in done.stdout and "0.940" in done.stdout


@pytest.mark.parametrize(
    ("kept", "fresh"),
    [
        ("AUPRC 0.4995", "AUPRC 0.5005"),  # either side of a rounding boundary
        ("loss 0.31", "loss 0.32"),
        ("mean 1234.5", "mean 1237.1"),
        ("48,629 anomalies", "48,630 anomalies"),
        ("-0.01", "0.00"),
        ("1e-3", "1.003e-3"),
        ("took 3.2 s", "took 61 s"),
        ("a  0.5\n---", "a 0.5\n-----"),
        ("<Figure size 640x480 with 1 Axes>", "<Figure size 700x480 with 2 Axes>"),
        ("<object at 0x7f00aa11>", "<object at 0x7f00bb22>"),
    ],
)
def test_close_enough(kept: str, fresh: str) -> None:
    assert rules.Alike(kept) == rules.Alike(fresh)
    assert not rules.Alike(kept) != rules.Alike(fresh)


@pytest.mark.parametrize(
    ("kept", "fresh"),
    [
        ("AUPRC 0.930", "AUPRC 0.940"),
        ("AUPRC 0.93", "AUROC 0.93"),
        ("8 of 8", "7 of 8"),
        ("48,629 anomalies", "49,629 anomalies"),
        ("(3, 4)", "(3, 4, 5)"),
        ("-0.5", "0.5"),
        ("nan", "0.5"),
        ("0.5", "inf"),
        ("1e-3", "1e-2"),
        ("0.5", ""),
    ],
)
def test_not_close_enough(kept: str, fresh: str) -> None:
    assert rules.Alike(kept) != rules.Alike(fresh)


def ranged(words: str, *ranges: tuple[float, float]) -> type:
    """The class for a cell whose words have these ranges."""
    return type("Ranged", (rules.Ranged,), {"ranges": {words: list(ranges)}, "__hash__": str.__hash__})


def test_numbers_of_several_seeds_have_to_lie_in_their_ranges() -> None:
    kind = ranged("AUPRC#,residual#", (0.80, 0.90), (20, 24))
    kept = kind("AUPRC 0.85, residual 22.0")
    assert kept == kind("AUPRC 0.90, residual 24.0")
    assert kept == kind("AUPRC 0.76, residual 18.5")  # half the range further out
    assert kept != kind("AUPRC 0.70, residual 22.0")
    assert kept != kind("AUPRC 0.85, residual 30.0")
    assert kept != kind("AUROC 0.85, residual 22.0")
    assert kind("AUPRC 0.10, residual 22.0") != kept  # what is kept has to lie in them too


def test_a_ranged_cell_without_ranges_fails() -> None:
    assert ranged("other#", (0, 1))("AUPRC 0.85") != "AUPRC 0.85"
    assert rules.Ranged("no number") == rules.Ranged("no  number")
    assert rules.Ranged("AUPRC 0.85") != rules.Ranged("AUPRC 0.85")


def test_ranges_lie_beside_the_chapter(kept: Book) -> None:
    """nbval fails where a seed's result leaves the range that was measured."""
    path = kept.notebook("book/one")
    notebook, text = notebooks.read(path), path.read_text()
    cell = next(cell for cell in notebook.cells if "AUPRC 0.930" in str(cell.get("outputs")))
    cell.metadata["tags"] = [*cell.metadata.get("tags", []), "ranged"]
    notebooks.write(notebook, path)
    beside = path.with_suffix(".ranges.json")
    words = [rules.taken_apart(output.text)[0] for output in cell.outputs if "text" in output]
    try:
        for ends, code in (([0.92, 0.94], 0), ([0.50, 0.60], 1)):
            beside.write_text(json.dumps({"runs": 30, "cells": {cell.id: {each: [ends] for each in words}}}))
            done = nbval(kept)
            assert done.returncode == code, done.stdout
    finally:
        path.write_text(text)
        beside.unlink()


@pytest.mark.parametrize("chapter", [each for each in BOOK.chapters if rules.measured(BOOK.notebook(each))["cells"]])
def test_what_is_kept_lies_in_its_ranges(chapter: str) -> None:
    """Else no run of the chapter could pass, on any machine."""
    path = BOOK.notebook(chapter)
    known = rules.measured(path)
    for cell in notebooks.read(path).cells:
        for text in kept_texts(cell) if cell.id in known["cells"] else ():
            words, numbers = rules.taken_apart(text)
            for number, ends in zip(numbers, known["cells"][cell.id][words], strict=True):
                assert rules.within(number, *ends, known["runs"]), (
                    f"{cell.id}: {number}, not from {ends[0]} to {ends[1]}"
                )


def kept_texts(cell: nbformat.NotebookNode) -> list[str]:
    """What a cell printed, in one text as nbval compares it, and what it showed."""
    printed = "".join(out["text"] for out in cell.outputs if "text" in out)
    return [*([printed] if printed else ()), *(out["data"]["text/plain"] for out in cell.outputs if "data" in out)]
