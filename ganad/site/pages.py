"""What is mended in each page of HTML: tables, pictures, terms, so that all can read it."""

from pathlib import Path
from typing import Any
from urllib.parse import unquote

from ganad.site import sources, terms

_PAPER = 0.55  # share of white from which a picture counts as a drawing


def mend(app: Any, page: str, template: str, context: dict[str, Any], doctree: Any) -> None:
    """Mend the body of a page; called by Sphinx before it is written."""
    from bs4 import BeautifulSoup

    if not context.get("body") or page.startswith("_modules/"):
        return
    body = BeautifulSoup(context["body"], "html.parser")
    name_headers(body)
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


def mark_drawings(body: Any, files: dict[str, Path]) -> None:
    """Mark the pictures that are lines on white paper: these alone may change colours in the dark."""
    for picture in body.find_all("img"):
        file = files.get(unquote(picture.get("src", "")).rpartition("/")[2])
        if file and file.exists() and is_drawing(file):
            picture["class"] = [*picture.get("class", []), "ganad-drawing"]


def is_drawing(file: Path) -> bool:
    """Whether a picture is mostly white paper: a plot or a diagram, no photograph and no heat map."""
    if file.suffix == ".svg":
        return True
    import numpy as np
    from PIL import Image

    with Image.open(file) as picture:
        pixels = np.asarray(picture.convert("RGB").reduce(4))
    return bool((pixels.min(axis=-1) > 245).mean() > _PAPER)
