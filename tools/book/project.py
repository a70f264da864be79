"""The book: its chapters, and their execution with a profile's parameters.

``_build/PROFILE/executed`` holds each chapter as of its last good run; one that has not changed since is kept.
"""

import hashlib
import json
import math
import os
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator
from concurrent.futures import FIRST_EXCEPTION, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.console import Console

from ganad.errors import GanadError
from ganad_book import notebooks
from tools.book import closure, timing

AT_A_TIME = 2


class BookError(GanadError):
    """The book cannot be built as asked: one line that says why."""


class PagesError(BookError):
    """The pages have a broken reference or another warning: the first of them."""

    exit_code = 1


@dataclass(frozen=True)
class Book:
    """A checkout of the book, the profile it is built with, and whether for students: without the solutions."""

    root: Path
    profile: str = "quick"
    student: bool = False

    @property
    def folder(self) -> Path:
        """Everything that is made for this profile."""
        return self.root / "_build" / self.profile

    @property
    def edition(self) -> Path:
        """What the pages are made from, and the pages."""
        return self.folder / "student" if self.student else self.folder

    @property
    def pages(self) -> list[str]:
        """Every page of the table of contents, without suffix, in order."""
        return list(_files(_yaml(self.root / "_toc.yml")))

    @property
    def chapters(self) -> list[str]:
        """The pages that are notebooks."""
        return [page for page in self.pages if self.notebook(page).exists()]

    def notebook(self, chapter: str) -> Path:
        """A chapter's notebook."""
        return self.root / f"{chapter}.ipynb"

    def executed(self, chapter: str) -> Path:
        """Its copy as of the last good run with this profile."""
        return self.folder / "executed" / f"{chapter}.ipynb"

    def parameters(self) -> dict[str, dict[str, Any]]:
        """The profile: chapters, and the parameters each is run with."""
        known = sorted(path.stem for path in (self.root / "profiles").glob("*.yml"))
        if self.profile not in known:
            raise BookError(f"no profile is called {self.profile!r}: choose one of {', '.join(known)}")
        listed = _yaml(self._profile_file())
        if not isinstance(listed, dict):
            raise BookError(f"{self._profile_file()} is no list of chapters with their parameters")
        values = {chapter: {} if given is None else given for chapter, given in listed.items()}
        for chapter, given in values.items():
            self._check(chapter, given)
        return values

    def _profile_file(self) -> Path:
        return self.root / "profiles" / f"{self.profile}.yml"

    def _check(self, chapter: str, given: dict[str, Any]) -> None:
        where = f"{self._profile_file().relative_to(self.root)}: {chapter}"
        if not self.notebook(chapter).exists():
            raise BookError(f"{where} is no chapter")
        if not isinstance(given, dict):
            raise BookError(f"{where} is given no parameters, but {given}")
        taken = notebooks.parameters(notebooks.read(self.notebook(chapter)))
        if unknown := sorted(given.keys() - taken.keys()):
            raise BookError(f"{where} has no parameter {unknown[0]}: it takes {', '.join(taken)}")

    def key(self, chapter: str, given: dict[str, Any]) -> str:
        """A hash of everything a chapter's outputs depend on: of the package, what the chapter imports."""
        notebook = notebooks.read(self.notebook(chapter))
        cells = [(cell.cell_type, cell.source) for cell in notebook.cells]
        said = json.dumps([cells, given, os.environ.get("KERAS_BACKEND"), sys.version_info[:2]], default=str)
        results = sorted((self.root / "results").glob("*.*"))
        imported = closure.files([cell.source for cell in notebooks.code_cells(notebook)], self.root)
        return digest(said, [*imported, *results, self.root / "uv.lock"], self.root)


def execute(book: Book, given: dict[str, dict[str, Any]], console: Console) -> None:
    """Run every chapter that has changed, two at a time, the longest first; the first that fails ends the others."""
    due = {}
    for chapter in book.chapters:
        key = book.key(chapter, given.get(chapter, {}))
        if _key_of(book.executed(chapter)) == key:
            console.print(f"  {chapter:<32} kept", highlight=False)
        else:
            due[chapter] = key
    running: dict[str, tuple[float, subprocess.Popen]] = {}

    def run(chapter: str) -> None:
        try:
            _run(book, chapter, given.get(chapter, {}), due[chapter], running)
        finally:
            started, _ = running.pop(chapter, (time.time(), None))
        console.print(f"  {chapter:<32} {time.time() - started:5.1f} s", highlight=False)

    with ThreadPoolExecutor(AT_A_TIME) as pool:
        _watch([pool.submit(run, chapter) for chapter in longest_first(book, due)], running, console)


def longest_first(book: Book, chapters: Iterable[str]) -> list[str]:
    """Chapters in the order to run them: none that takes minutes is left alone at the end; unknown ones come first."""
    taken = timing.read(book.root)
    return sorted(chapters, key=lambda chapter: -taken[chapter][0] if chapter in taken else -math.inf)


def _run(book: Book, chapter: str, given: dict[str, Any], key: str, running: dict) -> None:
    output = book.executed(chapter)
    output.parent.mkdir(parents=True, exist_ok=True)
    failed = output.with_name(f"{output.stem}.failed.ipynb")  # its name until it is good
    notebooks.run(
        book.notebook(chapter),
        failed.absolute(),
        given,
        on_start=lambda process: running.update({chapter: (time.time(), process)}),
        environment=notebooks.share_of_cores(AT_A_TIME),
    )
    notebook = notebooks.read(failed)
    notebook.metadata["ganad"] = {"key": key}
    notebooks.write(notebook, output)
    failed.unlink()


def _watch(futures: list[Future], running: dict, console: Console) -> None:
    """Show what is running until all is done; whatever goes wrong, nothing is left running."""
    pending = set(futures)
    try:
        with console.status("") as status:
            while pending:
                done, pending = wait(pending, timeout=1, return_when=FIRST_EXCEPTION)
                for future in done:
                    future.result()
                now = time.time()
                status.update(", ".join(f"{chapter} ({now - start:.0f} s)" for chapter, (start, _) in running.items()))
    finally:
        for future in pending:
            future.cancel()
        for _, process in list(running.values()):
            process.terminate()


def _key_of(executed: Path) -> str | None:
    return notebooks.read(executed).metadata.get("ganad", {}).get("key") if executed.exists() else None


def _files(toc: Any) -> Iterator[str]:
    for name, value in toc.items() if isinstance(toc, dict) else ((None, item) for item in toc):
        if name in ("root", "file"):
            yield value.removesuffix(".md").removesuffix(".ipynb")
        elif isinstance(value, (dict, list)):
            yield from _files(value)


def digest(text: str, files: Iterable[Path], root: Path) -> str:
    """A hash of a text and of files: their names below ``root`` and their content."""
    found = hashlib.sha256(text.encode())
    for path in files:
        content = path.read_bytes() if path.exists() else b""
        found.update(f"{path.relative_to(root)}:{len(content)}:".encode() + content)
    return found.hexdigest()


def _yaml(path: Path) -> Any:
    import yaml

    try:
        return yaml.safe_load(path.read_text("utf-8")) or {}
    except (OSError, yaml.YAMLError) as error:
        raise BookError(f"{path} cannot be read: {' '.join(str(error).split())}") from error
