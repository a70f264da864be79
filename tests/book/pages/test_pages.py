"""The built pages, read without a browser: links, anchors, pictures, headings."""

import functools
import os
import re
from pathlib import Path
from urllib.parse import unquote, urldefrag, urlsplit

import pytest
from bs4 import BeautifulSoup
from small_book import ROOT

from tools.book.project import Book

BOOK = Book(ROOT)
HTML = BOOK.folder / "html"

pytestmark = pytest.mark.skipif(not HTML.exists(), reason="the pages are not built: make pages")
every_page = pytest.mark.parametrize("page", BOOK.pages)


@functools.cache
def soup(path: Path) -> BeautifulSoup:
    """A page, parsed."""
    return BeautifulSoup(path.read_text("utf-8"), "html.parser")


@functools.cache
def anchors(path: Path) -> set[str]:
    """Everything on a page that a link can lead to."""
    return {element["id"] for element in soup(path).find_all(id=True)}


def html(page: str) -> Path:
    """The file of a page."""
    return HTML / f"{page}.html"


def internal(reference: str) -> bool:
    """Whether a link stays in the book."""
    return bool(reference) and not urlsplit(reference).scheme and not reference.startswith("//")


def target(page: str, reference: str) -> Path:
    """The file a link on a page leads to."""
    return Path(os.path.normpath(html(page).parent / unquote(urlsplit(reference).path)))


@every_page
def test_page_is_there_with_title_language_and_headings(page: str) -> None:
    found = soup(html(page))
    assert found.title.get_text().strip()
    assert found.html["lang"]
    levels = [int(heading.name[1]) for heading in found.article.find_all(re.compile("^h[1-6]$"))]
    assert levels[0] == 1 and levels.count(1) == 1
    assert all(below <= above + 1 for above, below in zip(levels, levels[1:], strict=False)), levels


@every_page
def test_links_lead_somewhere(page: str) -> None:
    for link in soup(html(page)).find_all("a", href=internal):
        path, anchor = urldefrag(link["href"])
        file = target(page, path) if path else html(page)
        assert file.exists(), f"{link['href']} leads nowhere"
        if anchor and file.suffix == ".html":
            assert unquote(anchor) in anchors(file), f"{link['href']}: no such anchor"


@every_page
def test_pictures_scripts_and_styles_are_there(page: str) -> None:
    found = soup(html(page))
    for kind, attribute in (("img", "src"), ("script", "src"), ("link", "href"), ("source", "src")):
        for element in found.find_all(kind, {attribute: internal}):
            assert target(page, element[attribute]).exists(), element[attribute]


@every_page
def test_every_picture_is_described(page: str) -> None:
    for picture in soup(html(page)).find_all("img"):
        alt = picture.get("alt", "").strip()
        assert alt, f"no alt text: {picture['src']}"
        assert not re.search(r"_images/|\.(?:png|svg|jpe?g)$", alt), f"a file's path is no description: {alt}"


@every_page
def test_nothing_of_the_machine_or_of_a_failure_shows(page: str) -> None:
    text = soup(html(page)).article.get_text()
    for trace in ("Traceback (most recent call last)", "site-packages", str(Path.home()), "E0000 00:00"):
        assert trace not in text


@every_page
def test_a_chapter_shows_its_outputs(page: str) -> None:
    if BOOK.notebook(page).exists():
        assert soup(html(page)).select(".cell_output")


def test_nothing_but_the_table_of_contents_is_published() -> None:
    made = {path.relative_to(HTML).with_suffix("").as_posix() for path in (HTML / "book").rglob("*.html")}
    assert made == {page for page in BOOK.pages if page.startswith("book/")}


def test_the_whole_is_small_enough() -> None:
    size = sum(path.stat().st_size for path in HTML.rglob("*") if path.is_file())
    assert size <= 40e6, f"{size / 1e6:.0f} MB"
