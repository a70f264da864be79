"""The pieces of a slide: paragraphs, pictures, code, printed lines and tables, each with its height in pixels."""

import math
import re
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from html import escape
from itertools import zip_longest
from pathlib import Path
from textwrap import dedent, wrap
from typing import Any

WIDTH, HEIGHT = 1120, 520  # of a slide's body, below its title
LINE, GAP = 42, 20  # pixels: a line of running text, and between blocks
CODE_LINES, PRINTED_LINES = 16, 14
MORE = '<p class="more">It goes on in the chapter.</p>'
_PARTS = 2  # slides of one table
_LETTER, _TABLE_LETTER, _CODE_LETTER = 14.5, 10.5, 0.61
_TABLE = 560  # pixels: type gets a little smaller before a table is cut
_PICTURE = 300  # pixels: higher it is only where there is room
_WRAP = 72  # letters of a printed line
_LIMIT = 190  # letters of a paragraph that a slide shows; the whole of it is for the speaker
_SENTENCE = re.compile(r"(?<=[.!?])(?<!e\.g\.)(?<!i\.e\.)(?<!vs\.)(?<!al\.)([\"”’)]*)\s+")


@dataclass
class Block:
    """A piece of a slide.

    Attributes
    ----------
    kind : str
        text, list, math, picture, table, output, code, box or exercise.
    html : str
        What is shown.
    height : float
        About how high that is, in pixels; of a picture, how high it has to be.
    notes : str
        What the speaker reads: the text of which the slide shows a part.
    leads : bool
        It leads to the block below, from which it must not be parted.
    title : str
        The slide's title, if the block brings its own.
    """

    kind: str
    html: str
    height: float
    notes: str = ""
    leads: bool = False
    title: str = ""


def lines_of(text: str, width: float = WIDTH, letter: float = _LETTER) -> int:
    """How many lines a text takes."""
    return max(1, math.ceil(len(_said(text)) * letter / width))


def _said(text: str) -> str:
    """A text about as long as it looks: TeX's commands take one letter."""
    return re.sub(r"\\[a-zA-Z]+|[{}$]|\\[()\[\],;]", "x", " ".join(text.split()))


def paragraph(element: Any) -> Block:
    """A paragraph's first sentences, or what leads to the formula below it; the whole is for the speaker."""
    leads = not re.search(r"[.!?”)]$", element.get_text().strip())
    html, notes = _shortened(element, leads)
    return Block("text", f"<p>{html}</p>", lines_of(_text(html)) * LINE + GAP, notes, leads)


def _shortened(element: Any, leads: bool = False) -> tuple[str, str]:
    """The sentences that a slide shows, and the whole if these are fewer."""
    sentences = _sentences(element)
    kept, letters = [], 0
    for sentence, length in sentences:
        if kept and letters + length > _LIMIT:
            break
        kept.append(sentence)
        letters += length
    if leads and len(kept) < len(sentences):
        kept = [sentences[-1][0]]
    return " ".join(kept), str(element) if len(kept) < len(sentences) else ""


def _text(html: str) -> str:
    return re.sub(r"<[^>]+>", "", html)


def lists(element: Any) -> Iterator[Block]:
    """A list, as several if it is long, each item shortened like a paragraph."""
    few, notes, height, number = [], "", 0.0, 1

    def block() -> Block:
        start = f' start="{number - len(few)}"' if element.name == "ol" else ""
        return Block("list", f"<{element.name}{start}>{''.join(few)}</{element.name}>", height + GAP, notes)

    for item in element.find_all(["li", "dt", "dd"], recursive=False):
        inner = item.find("p", recursive=False) if len(item.find_all(True, recursive=False)) == 1 else None
        html, whole = _shortened(inner or item)
        own = lines_of(_text(html), WIDTH - 60) * LINE + 12
        if few and height + own > HEIGHT - LINE:
            yield block()
            few, notes, height = [], "", 0.0
        few.append(f"<{item.name}>{html}</{item.name}>")
        notes, height, number = notes + whole, height + own, number + 1
    yield block()


def _sentences(element: Any) -> list[tuple[str, int]]:
    """A paragraph's sentences as HTML, each with its length; a sentence ends outside any mark-up, or with it."""
    found, html, text = [], "", ""

    def end() -> None:
        nonlocal html, text
        if html.strip():
            found.append((html.strip(), len(_said(text))))
        html = text = ""

    for node in element.children:
        if node.name is None:
            *whole, rest = _SENTENCE.sub(r"\1\n\n", str(node).replace("\n", " ")).split("\n\n")
            for piece in whole:
                html, text = html + escape(piece, quote=False), text + piece
                end()
            html, text = html + escape(rest, quote=False), text + rest
        else:
            html, text = html + str(node), text + node.get_text()
            if node.name in ("strong", "em") and re.search(r"[.!?]$", node.get_text()):
                end()
    end()
    return found


def code(text: str, language: str = "python") -> Block:
    """Code; of a long listing the first lines, all of it for the speaker."""
    from pygments import highlight
    from pygments.formatters import HtmlFormatter
    from pygments.lexers import get_lexer_by_name

    lines = dedent(text.strip("\n")).splitlines()
    shown = lines[:CODE_LINES]
    html = highlight("\n".join(shown), get_lexer_by_name(language), HtmlFormatter(nowrap=True))
    more, notes = "", ""
    if len(lines) > CODE_LINES:
        more, notes = MORE, f"<pre>{escape(text)}</pre>"
    size = _size_of_type(shown, 22)
    height = len(shown) * size * 1.4 + 40 + (LINE if more else 0)
    block = f'<div class="highlight code" style="--size: {size:.1f}px"><pre>{html}</pre></div>{more}'
    return Block("code", block, height, notes)


def printed(text: str) -> Iterator[Block]:
    """What a cell has printed; a few long lines of words wrap, a table gets smaller type."""
    lines = text.splitlines()
    if len(lines) <= 3 and not re.search(r"\S {2,}\S", text):
        lines = [piece for line in lines for piece in wrap(line, _WRAP, subsequent_indent="    ") or [""]]
    size = _size_of_type(lines, 24)
    for start in range(0, len(lines), PRINTED_LINES):
        few = lines[start : start + PRINTED_LINES]
        html = f'<pre class="printed" style="--size: {size:.1f}px">{escape(chr(10).join(few))}</pre>'
        yield Block("output", html, len(few) * size * 1.4 + 40)


def _size_of_type(lines: list[str], largest: float) -> float:
    return min(largest, (WIDTH - 60) / (_CODE_LETTER * max(map(len, lines), default=1)))


def picture(image: Any, file: Path) -> Block:
    """A picture, as large as it and the slide allow."""
    wide, high = _size(file)
    image.attrs = {"src": image["src"], "alt": image.get("alt", "")}
    return Block("picture", f"<figure>{image}</figure>", min(_PICTURE, WIDTH * high / wide) + GAP)


def _size(file: Path) -> tuple[float, float]:
    """A picture's width and height; where they cannot be read, those of a slide."""
    if file.suffix == ".png" and file.exists():
        return struct.unpack(">II", file.read_bytes()[16:24])
    if file.suffix == ".svg" and file.exists():
        if found := re.search(r'viewBox="0 0 ([\d.]+) ([\d.]+)"', file.read_text("utf-8")):
            return float(found[1]), float(found[2])
    return 16.0, 9.0


def tables(table: Any, style: str = "") -> Iterator[Block]:
    """A table, in two with the same head where it is too long for a slide; the rest of a very long one is left out.

    It is never cut through a spanning cell.
    """
    head, rows = table.find("thead"), (table.find("tbody") or table).find_all("tr")
    columns = _columns(table)
    heights = [_row_height(row, columns) for row in rows]
    top = sum(_row_height(row, columns) for row in head.find_all("tr")) if head else 0.0
    parts = math.ceil(sum(heights) / (_TABLE - top))
    enough = sum(heights) / parts if parts <= _PARTS else _TABLE - top
    attributes = f' id="{table["id"]}"' if table.get("id") else ""
    few, height, spanned, made = [], 0.0, 0, 0
    for row, own in zip(rows, heights, strict=True):
        few.append(row)
        height += own
        spans = [int(cell.get("rowspan", 1)) - 1 for cell in row.find_all(["th", "td"])]
        spanned = max(spanned - 1, *spans, 0)
        if row is rows[-1] or (height > enough - own / 2 and not spanned):
            made += 1
            rest = made == _PARTS and row is not rows[-1]
            html = f"{style}<table{attributes}>{head or ''}<tbody>{''.join(map(str, few))}</tbody></table>"
            yield Block("table", html + (MORE if rest else ""), top + height + GAP + rest * LINE)
            if rest:
                return
            few, height = [], 0.0


def _columns(table: Any) -> list[float]:
    """How wide a browser makes a table's columns: as their longest cell wants, or the slide allows."""
    rows = [[len(_said(cell.get_text())) for cell in row.find_all(["th", "td"])] for row in table.find_all("tr")]
    wanted = [max(each, default=1) * _TABLE_LETTER + 32 for each in zip_longest(*rows, fillvalue=1)]
    share = WIDTH / max(len(wanted), 1)
    wide = sum(width for width in wanted if width > share)
    left = WIDTH - sum(width for width in wanted if width <= share)
    return [width if width <= share or sum(wanted) <= WIDTH else width * left / wide for width in wanted]


def _row_height(row: Any, columns: list[float]) -> float:
    cells = [cell.get_text() for cell in row.find_all(["th", "td"])]
    offset = max(len(columns) - len(cells), 0)  # a row below a spanning cell lacks its first cells
    lines = (lines_of(cell, width - 32, _TABLE_LETTER) for cell, width in zip(cells, columns[offset:], strict=False))
    return max(lines, default=1) * 27 + 15
