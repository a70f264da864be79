"""The book's HTML pages, made by Jupyter Book from the executed chapters.

``_build/PROFILE`` holds ``source`` (what the pages are made from) and ``html``; ``_build/PROFILE/student`` those without solutions.  Needs the ``book`` extra.
"""

import os
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from rich.console import Console

from ganad_book import notebooks
from ganad_book.cli.asking import need
from tools.book import closure, slides, timing
from tools.book.project import Book, BookError, PagesError, digest, execute
from tools.book.site import chapters

_SOLUTION = re.compile(r"^:::\{admonition\} Solution \d+\n.*?^:::\n*", re.DOTALL | re.MULTILINE)
_FOR_TEACHERS = Path("book", "teaching", "notes.md")
_LEFT_OUT = shutil.ignore_patterns(".*", "__pycache__", "conftest.py", "*.ipynb")


def build(book: Book, console: Console, keep_outputs: bool = False) -> Path:
    """Execute what has changed, make the pages; returns the page to open.

    Raises
    ------
    BookError, NotebookError
        If the profile is not one, a chapter fails, or a page has a broken reference or another warning.
    """
    need("papermill", "nbformat", "yaml", "jupyter_book")
    if not (book.root / "_toc.yml").exists():
        raise BookError("there is no _toc.yml here: run this in the folder of the book")
    given = book.parameters()
    if keep_outputs and any(given.values()):
        raise BookError("only a profile that injects nothing can have its outputs kept: nbval runs the defaults")
    execute(book, given, console)
    if keep_outputs:
        _keep(book)
    stage(book)
    return make_pages(book, console)


def build_as_kept(book: Book, console: Console) -> Path:
    """Make the pages from the outputs that the chapters are stored with, and execute nothing.

    Raises
    ------
    BookError
        If the profile injects parameters, or a chapter has no outputs.
    """
    need("nbformat", "yaml", "jupyter_book")
    if any(book.parameters().values()):
        raise BookError("only the outputs of a profile that injects nothing are kept")
    for chapter in book.chapters:
        cells = notebooks.code_cells(notebooks.read(book.notebook(chapter)))
        if any(cell.source.strip() and cell.execution_count is None for cell in cells):
            raise BookError(f"{chapter} is stored without outputs: make notebooks")
    stage(book, as_kept=True)
    return make_pages(book, console)


def stage(book: Book, as_kept: bool = False) -> None:
    """Lay out what the pages are made from: the book's files, with the executed (or stored) chapters in their places."""
    staged, fresh = book.edition / "source", book.edition / "source.part"
    shutil.rmtree(fresh, ignore_errors=True)
    shutil.copytree(book.root / "book", fresh / "book", ignore=_LEFT_OUT)
    if book.student and (notes := fresh / _FOR_TEACHERS).exists():
        notes.write_text(
            "# Notes for teachers\n\nThey hold answers: they are in the edition that `make book` makes.\n", "utf-8"
        )
    for name in ("_config.yml", "_toc.yml"):
        shutil.copy2(book.root / name, fresh)
    if "genindex" in book.pages:
        (fresh / "genindex.md").write_text("# Index\n")  # Sphinx fills it
    for chapter in book.chapters:
        target = fresh / f"{chapter}.ipynb"
        target.parent.mkdir(parents=True, exist_ok=True)
        notebook = notebooks.read(book.notebook(chapter) if as_kept else book.executed(chapter))
        if book.student:
            notebook = without_solutions(notebook)
        static = fresh / "book" / "_static"
        notebooks.write(chapters.dress(book, chapter, notebook, static, as_kept), target)
    shutil.rmtree(staged, ignore_errors=True)
    fresh.rename(staged)


def without_solutions(notebook: Any) -> Any:
    """The notebook without its folded solutions; a cell of nothing else is gone."""
    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            cell.source = _SOLUTION.sub("", cell.source).strip("\n")
    notebook.cells = [cell for cell in notebook.cells if cell.source or cell.cell_type != "markdown"]
    return notebook


def make_pages(book: Book, console: Console) -> Path:
    """HTML from what was staged, unless it is there already; a warning or a broken reference is an error."""
    source, pages = book.edition / "source", book.edition / "html"
    index, stamp = pages / f"{book.pages[0]}.html", pages / ".key"
    files = sorted(path for path in source.rglob("*") if path.is_file())
    package = sorted(
        path for name in closure.PACKAGES for path in (book.root / name).rglob("*.py")
    )  # the reference shows them
    key = digest("", [*files, *package, book.root / "uv.lock"], book.root)
    if stamp.exists() and index.exists() and stamp.read_text() == key:
        console.print(f"  {'pages':<32} kept", highlight=False)
        return index
    started = time.time()
    with console.status("pages"):
        made = _jupyter_book(book)
        slides.make(book, made)
    (made / ".key").write_text(key)
    shutil.rmtree(pages, ignore_errors=True)
    made.rename(pages)
    shutil.rmtree(book.edition / "work")
    console.print(f"  {'pages':<32} {time.time() - started:5.1f} s", highlight=False)
    return index


def _jupyter_book(book: Book) -> Path:
    # from nothing each time: a page Sphinx has read before does not repeat its warnings, and -W would miss them
    work = book.edition / "work"
    shutil.rmtree(work, ignore_errors=True)
    program = [sys.executable, "-c", "from jupyter_book.cli.main import main; main()"]
    command = [*program, "build", str(book.edition / "source"), "--path-output", str(work)]
    # the reference is made by importing the package, for which any backend will do: the one that loads fastest
    environment = {
        **os.environ,
        "KERAS_BACKEND": "numpy",
        "PYTHONPATH": os.pathsep.join([str(Path(__file__).parents[2]), *sys.path]),
    }
    options = ["-W", "-n", "--keep-going", "-q"]
    done = subprocess.run([*command, *options], capture_output=True, text=True, env=environment)
    log = book.edition / "pages.log"
    log.write_text(notebooks.plain(done.stdout + done.stderr))
    if done.returncode:
        raise PagesError(f"{_first_warning(log, book.edition / 'source')} (all of it: {log})")
    log.unlink()
    return work / "_build" / "html"


def _keep(book: Book) -> None:
    durations = {}
    for chapter in book.chapters:
        path, executed = book.notebook(chapter), notebooks.read(book.executed(chapter))
        notebooks.write(notebooks.with_outputs_of(notebooks.read(path), executed), path)
        if taken := timing.seconds(executed):
            durations[chapter] = taken
    timing.keep(book.root, durations)


def _first_warning(log: Path, source: Path) -> str:
    said = [line for line in log.read_text().splitlines() if "WARNING" in line or "ERROR" in line]
    return said[0].replace(str(source.absolute()) + os.sep, "") if said else "the pages cannot be made"
