"""What is on a page of the book: its headings, and below each the blocks that a slide can hold.

The page is taken as Sphinx has made it: citations, equations, tables and admonitions are resolved there already.
"""

import posixpath
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from tools.book.slides.pieces import GAP, LINE, Block, code, lines_of, lists, paragraph, picture, printed, tables

_LEFT_OUT = ("References",)
_SHORT, _LONG, _LONGEST_LINE = 3, 10, 100  # lines of code a slide shows, and letters of one


@dataclass
class Part:
    """A heading of the page, its level, and what stands below it as far as the next heading."""

    title: str
    level: int
    blocks: list[Block]


def parts(html: Path, page: str) -> list[Part]:
    """A page's headings with their blocks; solutions, references and what prepares a chapter are left out.

    Parameters
    ----------
    html : Path
        The folder of the pages.
    page : str
        The page's place in it, without suffix: links and pictures are seen from ``slides/``.
    """
    return list(_Page(html, page).parts())


class _Page:
    def __init__(self, html: Path, page: str) -> None:
        from bs4 import BeautifulSoup, SoupStrainer

        self.html, self.page = html, page
        text = (html / f"{page}.html").read_text("utf-8")
        self.article = BeautifulSoup(text, "html.parser", parse_only=SoupStrainer("article")).find("article")
        for each in self.article.select("a.headerlink, script, .dropdown.admonition, details"):
            each.decompose()
        for each in self.article.find_all(True):
            if not each.get("id", "").startswith("T_"):  # by which pandas styles a table
                each.attrs.pop("id", None)
            for name in ("href", "src"):
                if name in each.attrs:
                    each[name] = self.seen_from_slides(each[name])

    def seen_from_slides(self, reference: str) -> str:
        if urlsplit(reference).scheme or reference.startswith("//"):
            return reference
        page = f"{self.page}.html"
        whole = page + reference if reference.startswith("#") else posixpath.join(posixpath.dirname(page), reference)
        return posixpath.relpath(posixpath.normpath(whole), "slides")

    def parts(self, section: Any = None, level: int = 1) -> Iterator[Part]:
        section = section or self.article.find("section")
        heading, *inner = section.find_all(True, recursive=False)
        while not re.fullmatch("h[1-6]", heading.name):  # anchors stand before it
            heading, *inner = inner
        if heading.get_text(strip=True) in _LEFT_OUT:
            return
        found = [block for each in inner if each.name != "section" for block in self.blocks(each)]
        if any(block.kind == "exercise" for block in found):  # nobody can answer in a cell on a slide
            found = [block for block in found if block.kind not in ("code", "output")]
        yield Part(heading.decode_contents().strip(), level, found)
        for each in inner:
            if each.name == "section":
                yield from self.parts(each, level + 1)

    def blocks(self, each: Any) -> Iterator[Block]:
        """What one element of a page becomes: no block, one, or several."""
        classes = set(each.get("class") or ())
        if "cell" in classes:
            yield from self.of_cell(each, classes)
        elif "admonition" in classes:
            yield _admonition(each)
        elif "ganad-play" in classes:
            yield self.play(each)
        elif "math" in classes:
            yield Block("math", str(each), 62 + 52 * each.get_text().count("\\\\") + GAP)
        elif each.name == "p":
            yield paragraph(each)
        elif each.name in ("ul", "ol", "dl"):
            yield from lists(each)
        elif table := each if each.name == "table" else each.find("table"):
            yield from tables(table)
        elif image := each if each.name == "img" else each.find("img"):
            yield self.picture(image)
        elif text := each.find("pre"):
            yield code(text.get_text(), "sh" if "highlight-sh" in classes else "python")

    def of_cell(self, cell: Any, classes: set[str]) -> Iterator[Block]:
        source, output = cell.find(class_="cell_input"), cell.find(class_="cell_output")
        text = source.get_text().strip("\n") if source else ""
        if "tag_parameters" not in classes and shown_on_purpose(text):
            yield code(text)
        for each in output.find_all(True, recursive=False) if output else ():
            yield from self.of_output(each)

    def of_output(self, each: Any) -> Iterator[Block]:
        if image := each if each.name == "img" else each.find("img"):
            yield self.picture(image)
        elif play := each.find(class_="ganad-play"):
            yield self.play(play)
        elif table := each.find("table"):
            yield from tables(table, "".join(map(str, each.find_all("style"))) if table.get("id") else "")
        elif text := each.find("pre"):
            listing = "text_html" in each["class"]
            yield from [code(text.get_text())] if listing else printed(text.get_text().strip("\n"))

    def picture(self, image: Any) -> Block:
        return picture(image, self.html / posixpath.normpath(posixpath.join("slides", image["src"])))

    def play(self, each: Any) -> Block:
        """A part to be played with: on the slide a way to it, for it needs the whole window."""
        address, image = f"../{self.page}.html", each.find("img")
        words = f'<p class="play"><a href="{address}">Play it, in the page of this chapter</a></p>'
        if image is None:
            return Block("text", words, 2 * LINE)
        block = self.picture(image)
        return Block("picture", f"{block.html}{words}", block.height + 2 * LINE)


def _admonition(each: Any) -> Block:
    title = each.find(class_="admonition-title").extract().decode_contents().strip()
    height = sum(lines_of(line.get_text()) * LINE + GAP for line in each.find_all(["p", "pre", "li"])) or LINE
    kind = "exercise" if title.startswith("Exercise") else "box"
    return Block(kind, f'<div class="{kind}">{each.decode_contents().strip()}</div>', height + 2 * GAP, title=title)


def shown_on_purpose(text: str) -> bool:
    """Whether a chapter shows this code for itself: it is short, and does more than print, draw or prepare."""
    lines = [line for line in text.splitlines() if line.strip()]
    prepares = re.search(r"plt\.show\(|^Code\(|^check\(|^plots\.|^import |^from ", text, re.MULTILINE)
    prints = sum(line.lstrip().startswith(("print(", "display(", "tables.")) for line in lines)
    short = _SHORT <= len(lines) <= _LONG and max(map(len, lines)) <= _LONGEST_LINE
    return short and not prepares and prints * 3 < len(lines)
