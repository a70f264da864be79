"""`python -m tools.book`: what is executed, what is kept, what a failure says; what `--keep-outputs` writes."""

import io
import json
import shutil
from pathlib import Path

import nbformat
import pytest
import small_book
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook
from rich.console import Console

from ganad_book import notebooks
from ganad_book.cli.asking import MissingPackageError
from ganad_book.notebooks import NotebookError
from tools.book import pages, timing
from tools.book.project import Book, BookError, PagesError, execute, longest_first


def run(book: Book, keep_outputs: bool = False) -> str:
    """Build, and return what was shown."""
    shown = io.StringIO()
    pages.build(book, Console(file=shown, width=200), keep_outputs)
    return shown.getvalue()


def run_chapters(book: Book) -> str:
    """Execute only, and return what was shown."""
    shown = io.StringIO()
    execute(book, book.parameters(), Console(file=shown, width=200))
    return shown.getvalue()


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Book:
    """The small book, built with its outputs kept; nobody changes it."""
    book = Book(small_book.make(tmp_path_factory.mktemp("built")))
    run(book, keep_outputs=True)
    return book


@pytest.fixture
def fresh(tmp_path: Path) -> Book:
    """The small book, not built."""
    return Book(small_book.make(tmp_path / "book"))


def replace(path: Path, old: str, new: str) -> None:
    """Change a text file."""
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


def test_pages_are_made_of_the_chapters_in_the_toc_only(built: Book) -> None:
    made = {path.stem for path in (built.folder / "html" / "book").glob("*.html")}
    assert made == {"index", "one", "two"}
    assert "AUPRC 0.930" in (built.folder / "html" / "book" / "one.html").read_text()
    assert "seen on stderr" not in (built.folder / "html" / "book" / "one.html").read_text()


def test_nothing_changed_nothing_run(built: Book) -> None:
    shown = run(built)
    assert shown.count("kept") == 3  # two chapters and the pages


def test_the_longest_chapter_begins_first(fresh: Book) -> None:
    """So that none is left alone at the end."""
    timing.keep(fresh.root, {"book/one": 1.0, "book/two": 30.0})
    assert longest_first(fresh, ["book/one", "book/two"]) == ["book/two", "book/one"]
    assert longest_first(fresh, ["book/one", "book/new", "book/two"]) == ["book/new", "book/two", "book/one"]


def test_chapters_side_by_side_share_the_cores(fresh: Book, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.cpu_count", lambda: 8)
    monkeypatch.setenv("OMP_NUM_THREADS", "3")
    monkeypatch.delenv("TF_NUM_INTRAOP_THREADS", raising=False)
    chapter = notebooks.read(fresh.notebook("book/one"))
    chapter.cells.append(
        new_code_cell("import os\nprint(*[os.environ[f'{name}_THREADS'] for name in ('OMP_NUM', 'TF_NUM_INTRAOP')])")
    )
    notebooks.write(chapter, fresh.notebook("book/one"))
    run_chapters(fresh)
    assert notebooks.read(fresh.executed("book/one")).cells[-1].outputs[0].text == "3 4\n"


def test_kept_outputs_are_clean(built: Book) -> None:
    text = built.notebook("book/one").read_text()
    notebook = nbformat.reads(text, as_version=4)
    nbformat.validate(notebook)
    for trace in ("papermill", "injected", "start_time", "seen on stderr", "iopub", str(built.root)):
        assert trace not in text
    assert [cell.id for cell in notebook.cells] == [f"one-{place}" for place in range(5)]
    assert [cell.execution_count for cell in notebooks.code_cells(notebook)] == [1, 2, 3, 4]
    assert notebook.metadata.kernelspec.name == "python3"
    assert notebook.cells[4].metadata == {"mystnb": {"image": {"alt": "A rising line"}}}
    assert notebook.cells[3].outputs[0].text == "AUPRC 0.930\n"


def test_keeping_outputs_twice_changes_nothing(built: Book) -> None:
    once = built.notebook("book/one").read_bytes()
    run(built, keep_outputs=True)
    assert built.notebook("book/one").read_bytes() == once


def test_pages_are_made_of_kept_outputs_without_a_run(built: Book, fresh: Book) -> None:
    shown = Console(file=io.StringIO())
    with pytest.raises(BookError, match="book/one is stored without outputs: make notebooks"):
        pages.build_as_kept(fresh, shown)
    assert not (fresh.folder / "html").exists()
    for chapter in built.chapters:
        shutil.copy(built.executed(chapter), fresh.notebook(chapter))
    page = pages.build_as_kept(fresh, shown)
    assert page.exists() and not (fresh.folder / "executed").exists()
    assert "AUPRC 0.930" in (page.parent / "one.html").read_text()
    with pytest.raises(BookError, match="injects nothing"):
        pages.build_as_kept(Book(fresh.root, "long"), shown)


def test_the_students_edition_has_no_solutions() -> None:
    text = "## Exercises\n\n:::{admonition} Exercise 1: why\n:class: tip\nWhy?\n:::\n\n"
    solution = ":::{admonition} Solution 1\n:class: dropdown\nBecause.\n\n$a$\n:::\n"
    notebook = new_notebook(
        cells=[
            new_markdown_cell(f"{text}{solution}\n## More"),
            new_markdown_cell(solution),
            new_code_cell("1 + 1"),
        ]
    )
    left = pages.without_solutions(notebook)
    assert [cell.source for cell in left.cells] == [f"{text}## More", "1 + 1"]


def test_the_students_edition_lies_beside_the_other(built: Book, fresh: Book) -> None:
    shown = Console(file=io.StringIO())
    for chapter in built.chapters:
        shutil.copy(built.executed(chapter), fresh.notebook(chapter))
    chapter = notebooks.read(fresh.notebook("book/one"))
    chapter.cells.append(new_markdown_cell(":::{admonition} Solution 1\n:class: dropdown\nIt is secret.\n:::"))
    notebooks.write(chapter, fresh.notebook("book/one"))
    notes = Path("book", "teaching", "notes.md")
    (fresh.root / notes).parent.mkdir()
    (fresh.root / notes).write_text("# Notes\n\nThe answer is secret.\n")
    whole = pages.build_as_kept(fresh, shown)
    for_students = Book(fresh.root, student=True)
    students = pages.build_as_kept(for_students, shown)
    staged = [(book.edition / "source" / notes).read_text() for book in (fresh, for_students)]
    assert ["secret" in text for text in staged] == [True, False]
    assert students.relative_to(fresh.folder).parts[:2] == ("student", "html")
    texts = [(page.parent / "one.html").read_text() for page in (whole, students)]
    assert ["It is secret" in text for text in texts] == [True, False]
    for page in (whole, students):  # the slides of the chapter, linked from its page
        link = "../slides/one.html"
        assert link in (page.parent / "one.html").read_text() and (page.parent / link).exists()


def test_key_follows_source_parameters_package_results_and_lock(fresh: Book, monkeypatch: pytest.MonkeyPatch) -> None:
    seen = [fresh.key("book/one", {})]
    seen.append(fresh.key("book/one", {"epochs": 4}))
    monkeypatch.setenv("KERAS_BACKEND", "jax")
    seen.append(fresh.key("book/one", {}))
    for name in ("ganad/validation.py", "uv.lock", "results/survey.csv", "results/bench.json"):
        (fresh.root / name).parent.mkdir(exist_ok=True)
        (fresh.root / name).write_text("changed")
        seen.append(fresh.key("book/one", {}))
    replace(fresh.notebook("book/one"), "how many", "so many")
    seen.append(fresh.key("book/one", {}))
    assert len(set(seen)) == len(seen)


def test_key_does_not_follow_what_the_chapter_does_not_import(fresh: Book) -> None:
    before = fresh.key("book/one", {})
    (fresh.root / "ganad" / "slides.py").write_text("# a comment")
    assert fresh.key("book/one", {}) == before


def test_key_does_not_follow_outputs(built: Book, fresh: Book) -> None:
    assert built.key("book/one", {}) == fresh.key("book/one", {})


def test_failure_is_named_stops_the_book_and_is_not_kept(fresh: Book) -> None:
    replace(fresh.notebook("book/two"), "epochs / 100", "epochs / 0")
    with pytest.raises(NotebookError) as caught:
        run_chapters(fresh)
    message = str(caught.value)
    assert "\n" not in message and caught.value.exit_code == 1
    assert "book/two, cell [3], `print(f" in message and "ZeroDivisionError: division by zero" in message
    assert not fresh.executed("book/two").exists()
    replace(fresh.notebook("book/two"), "epochs / 0", "epochs / 100")
    assert "kept" not in [line for line in run_chapters(fresh).splitlines() if "book/two" in line][0]


def test_a_kernel_that_dies_is_a_failure(fresh: Book) -> None:
    replace(fresh.notebook("book/two"), "import sys\\n", "import os; os._exit(3)\\n")
    with pytest.raises(NotebookError, match="book/two, outside its cells: DeadKernelError"):
        run_chapters(fresh)


def test_profile_injects_its_parameters(fresh: Book) -> None:
    book = Book(fresh.root, "long")
    run_chapters(book)
    assert "AUPRC 0.970" in book.executed("book/two").read_text()
    assert "AUPRC 0.930" in book.executed("book/one").read_text()


@pytest.mark.parametrize(
    ("profile", "text", "words"),
    [
        ("nope", "", "no profile is called 'nope': choose one of long, quick"),
        ("long", "book/three: {}", "long.yml: book/three is no chapter"),
        ("long", "book/two: {epohcs: 1}", "book/two has no parameter epohcs: it takes epochs, log1p, rate"),
        ("long", "book/two: [", "long.yml cannot be read"),
        ("long", "- book/two", "long.yml is no list of chapters"),
        ("long", "book/two: 3", "book/two is given no parameters, but 3"),
    ],
)
def test_bad_profile_is_refused(fresh: Book, profile: str, text: str, words: str) -> None:
    (fresh.root / "profiles" / "long.yml").write_text(text)
    with pytest.raises(BookError) as caught:
        run(Book(fresh.root, profile))
    assert words in str(caught.value) and "\n" not in str(caught.value) and caught.value.exit_code == 2


def test_only_defaults_can_have_their_outputs_kept(fresh: Book) -> None:
    with pytest.raises(BookError, match="only a profile that injects nothing"):
        run(Book(fresh.root, "long"), keep_outputs=True)


def test_elsewhere_there_is_no_book(tmp_path: Path) -> None:
    with pytest.raises(BookError, match="no _toc.yml here"):
        run(Book(tmp_path))


def test_without_the_extra_the_line_says_how_to_get_it(fresh: Book, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(
        MissingPackageError, match=r"papermill is missing: install the book extra, `pip install 'ganad\[book\]'`"
    ):
        run(fresh)


def test_broken_reference_fails_and_the_last_good_pages_stay(built: Book, tmp_path: Path) -> None:
    book = Book(small_book.make(tmp_path / "book"))
    for page in ("one", "two"):  # executed already: this is about the pages
        cells = nbformat.read(built.executed(f"book/{page}"), 4)
        book.executed(f"book/{page}").parent.mkdir(parents=True, exist_ok=True)
        nbformat.write(cells, book.executed(f"book/{page}"))
    run(book)
    (book.root / "book" / "index.md").write_text("# Small\n\nSee {doc}`nowhere`.\n")
    for _ in range(2):  # what Sphinx has read before, it does not warn of again
        with pytest.raises(PagesError, match="book/index.md:3: WARNING: unknown document: 'nowhere'"):
            run(book)
    assert "See" in (book.folder / "html" / "book" / "index.html").read_text()


def test_no_notebook_is_said_in_one_line(tmp_path: Path) -> None:
    for content in ("", "{}", json.dumps({"nbformat": 4, "cells": 3}), "[1]"):
        (tmp_path / "x.ipynb").write_text(content)
        with pytest.raises(NotebookError, match="cannot be read as a notebook"):
            notebooks.read(tmp_path / "x.ipynb")


def test_parameters_of_a_notebook() -> None:
    found = notebooks.parameters(small_book.chapter("X"))
    assert found == {"epochs": 3, "log1p": False, "rate": None}
