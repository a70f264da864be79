"""Slides for every chapter, made from its page: ``slides/NAME.html`` beside the pages, shown by reveal.js, offline.

What becomes of a chapter is worked out from its headings and from how high its pieces are; nothing has to be marked in
the notebooks.  A slide shows a paragraph's first sentences; the whole of it is in the speaker's notes (key S).
"""

import hashlib
from collections.abc import Iterable
from pathlib import Path

from ganad_book.cli.asking import need
from tools.book.project import Book, BookError
from tools.book.slides.deck import deck, listing
from tools.book.slides.layout import slides
from tools.book.slides.outline import parts


def decks(book: Book) -> dict[str, str]:
    """The chapters that have slides, by the name of their deck: all but the notebooks about teaching.

    Raises
    ------
    BookError
        If two chapters would have the same.
    """
    found: dict[str, str] = {}
    for chapter in book.chapters:
        name = Path(chapter).name
        if Path(chapter).parent.name == "teaching":
            continue
        if name in found:
            raise BookError(f"{found[name]} and {chapter} would have the same slides, {name}.html: rename one")
        found[name] = chapter
    return found


def make(book: Book, html: Path) -> Path:
    """Make the slides of the pages in a folder; returns the page that lists them.

    Raises
    ------
    BookError
        If two chapters have the same name, or a page is missing.
    """
    need("bs4", "pygments")
    folder, found = html / "slides", decks(book)
    if missing := [chapter for chapter in found.values() if not (html / f"{chapter}.html").exists()]:
        raise BookError(f"there is no page of {missing[0]} in {html}: make the pages first")
    index, stamp, key = folder / "index.html", folder / ".key", _key(html, found.values())
    if index.exists() and stamp.exists() and stamp.read_text() == key:
        return index
    folder.mkdir(exist_ok=True)
    titles = {}
    for name, chapter in found.items():
        made = slides(parts(html, chapter))
        titles[name] = made[0].title
        _write(folder / f"{name}.html", deck(made, chapter))
    _write(index, listing(titles, book.pages[0]))
    _write(stamp, key)
    return index


def _key(html: Path, chapters: Iterable[str]) -> str:
    """A hash of all that the slides are made of: the pages, and the code of this package."""
    found = hashlib.sha256()
    for path in (*(html / f"{chapter}.html" for chapter in chapters), *sorted(Path(__file__).parent.glob("*.py"))):
        found.update(f"{path.name}:".encode() + path.read_bytes())
    return found.hexdigest()


def _write(path: Path, text: str) -> Path:
    part = path.with_name(f".{path.name}.part")
    part.write_text(text, "utf-8")
    return part.replace(path)
