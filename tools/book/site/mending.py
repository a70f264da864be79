"""What is mended in each page of HTML: tables, pictures, terms, so that all can read it."""

import re
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from tools.book.site import sources, terms

_PAPER = 0.55  # share of white from which a picture counts as a drawing,
_BLACK = 0.05  # unless more of it is black than lines and letters are
_WIDE = 900  # pixels from which a picture's letters are too small on a telephone
_FEW, _MANY = 18, 60  # characters of a cell that stays on one line, and of one that needs room
_LONG = 40  # characters of LaTeX of a formula that may not fit into a line of a telephone
_CLOSES = re.compile(r"[^\s\w]+")


def mend(app: Any, page: str, _template: str, context: dict[str, Any], doctree: Any) -> None:
    """Mend the body of a page; called by Sphinx before it is written."""
    from bs4 import BeautifulSoup

    if not context.get("body") or page.startswith("_modules/"):
        return
    body = BeautifulSoup(context["body"], "html.parser")
    name_headers(body)
    measure_cells(body)
    keep_together(body)
    plain_citations(body)
    mark_drawings(body, {name: Path(app.srcdir, path) for path, name in app.builder.images.items()})
    terms.explain(body, terms.glossary(app), lambda target: app.builder.get_relative_uri(page, target))
    sources.show(body, "../" * page.count("/"))
    explained = getattr(app, "ganad_explained", {}).get(page, ())
    sources.link_entries(body, {name: _entry(app, page, name) for name in explained})
    context["body"] = str(body)


def _entry(app: Any, page: str, name: str) -> str:
    entry = app.env.get_domain("py").objects[name]
    return f"{app.builder.get_relative_uri(page, entry.docname)}#{entry.node_id}"


def name_headers(body: Any) -> None:
    """Say of a table's headers whether they are a row's or a column's; an empty one is none (pandas makes such)."""
    for header in body.select("table th"):
        if not header.get_text(strip=True) and not header.find("img"):
            header.name = "td"
            del header["scope"]
        elif not header.get("scope"):
            header["scope"] = "col" if header.find_parent("thead") else "row"


def plain_citations(body: Any) -> None:
    """Take the roles from lists of references: what docutils writes there is no list to a screen reader."""
    for references in body.select(".citation-list"):
        del references["role"]
        for entry in references.select("[role=doc-biblioentry]"):
            del entry["role"]


def measure_cells(body: Any) -> None:
    """Mark the cells of few words, and those of many, of the tables that chapters print."""
    for cell in body.select(".cell_output table :is(td, th)"):
        length = len(cell.get_text(" ", strip=True))
        if length <= _FEW or length > _MANY:
            cell["class"] = [*cell.get("class", []), "ganad-few" if length <= _FEW else "ganad-many"]


def keep_together(body: Any) -> None:
    """Hold a short formula and the punctuation around it on one line; mark a long one, which may need more than one."""
    for formula in body.select("span.math"):
        if len(formula.get_text()) > _LONG:
            formula["class"] = [*formula.get("class", []), "ganad-long"]
            continue
        after, before = formula.next_sibling, formula.previous_sibling
        closing = _CLOSES.match(after) if isinstance(after, str) else None
        opening = isinstance(before, str) and before.endswith("(")
        if not (closing or opening):
            continue
        together = body.new_tag("span")
        together["class"] = "ganad-together"
        formula.wrap(together)
        if opening:
            before.replace_with(before[:-1])
            together.insert(0, "(")
        if closing:
            after.replace_with(after[closing.end() :])
            together.append(closing[0])


def mark_drawings(body: Any, files: dict[str, Path]) -> None:
    """Mark the pictures that are lines on white paper, which alone may change colours in the dark; those without paper; wide ones."""
    for picture in body.find_all("img"):
        file = files.get(unquote(picture.get("src", "")).rpartition("/")[2])
        if file and file.exists() and (kinds := kinds_of(file)):
            picture["class"] = [*picture.get("class", []), *kinds]


def kinds_of(file: Path) -> list[str]:
    """How a picture is shown: ``ganad-drawing`` (a plot or diagram), ``ganad-clear`` (no paper), ``ganad-wide``; or neither."""
    if file.suffix == ".svg":
        return ["ganad-drawing"]
    import numpy as np
    from PIL import Image

    with Image.open(file) as picture:
        wide = ["ganad-wide"] if picture.width >= _WIDE else []
        if picture.mode == "RGBA" and picture.getpixel((0, 0))[3] == 0:
            return ["ganad-clear", *wide]
        pixels = np.asarray(picture.convert("RGB").reduce(4))
    drawn = (pixels.min(axis=-1) > 245).mean() > _PAPER and (pixels.max(axis=-1) < 40).mean() < _BLACK
    return ["ganad-drawing", *wide] if drawn else wide
