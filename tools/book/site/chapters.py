"""What a chapter is given when its page is made: facts and buttons under its title, commands under its results."""

import html
from pathlib import Path
from typing import Any

from ganad_book import notebooks
from tools.book import slides, timing
from tools.book.project import Book
from tools.book.site import repository, reproduce

_EMBEDDED = {"digits", "breast_cancer"}


def dress(book: Book, chapter: str, notebook: Any, static: Path, as_kept: bool) -> Any:
    """The notebook as its page shows it; beside the page lies a copy to download.

    Parameters
    ----------
    static : Path
        The folder of what is served as it is.
    as_kept : bool
        Whether these are the kept outputs, and not those of a run just made.
    """
    name = repository.repository(book.root)
    copy = f"{chapter.removeprefix('book/')}.ipynb"
    target = static / "notebooks" / copy
    target.parent.mkdir(parents=True, exist_ok=True)
    offer(notebook, target, name)
    (static / "notebooks" / "requirements.txt").write_text(repository.requirement(name) + "\n")  # for Binder
    reproduce.add(book, chapter, notebook)
    taken = timing.seconds(notebook), timing.machine()
    facts = timing.read(book.root).get(chapter) if as_kept else taken
    first = notebook.cells[0]
    title, _, rest = first.source.partition("\n")
    up = "../" * chapter.count("/") + "_static/notebooks/"
    deck = next(
        (f"{'../' * chapter.count('/')}slides/{deck}.html" for deck, of in slides.decks(book).items() if of == chapter),
        None,
    )
    first.source = f"{title}\n\n{_under_title(_facts(notebook, facts), copy, up, name, deck)}\n{rest}"
    return notebook


def offer(notebook: Any, target: Path, name: str | None) -> None:
    """Write a copy of a notebook that installs what it needs."""
    import nbformat
    from nbformat.v4 import new_code_cell

    copied = nbformat.from_dict(dict(notebook))
    cell = new_code_cell(repository.installing_cell(name))
    cell["id"] = "install-ganad"
    copied.cells = [cell, *notebook.cells]
    notebooks.write(copied, target)


def _facts(notebook: Any, measured: tuple[float | None, str] | None) -> str:
    data = notebooks.parameters(notebook).get("dataset")
    source = "\n".join(cell.source for cell in notebooks.code_cells(notebook))
    said = []
    if data in _EMBEDDED:
        said.append(f"Needs nothing but the package: {data} comes with scikit-learn")
    elif data:
        said.append(f"Needs {data}, which is downloaded")
    elif "results.read" in source or "bench.json" in source:
        said.append("Needs nothing but the package: it shows results that have been measured")
    if measured and measured[0]:
        took = f"{measured[0]:.0f} s" if measured[0] < 100 else f"{measured[0] / 60:.0f} min"
        said.append(f"ran in {took} on {measured[1]}, without a GPU" if said else f"Ran in {took} on {measured[1]}")
    return "; ".join(said)


def _under_title(facts: str, copy: str, up: str, name: str | None, deck: str | None) -> str:
    links = [("Download the notebook", f"{up}{copy}", " download")]
    if deck:
        links.append(("Slides", deck, ""))
    if name:
        links = [
            ("Open in Colab", repository.colab(name, copy), ""),
            ("Open in Binder", repository.binder(name, copy), ""),
            *links,
        ]
    buttons = "".join(f'<a class="ganad-button" href="{html.escape(to)}"{more}>{text}</a>' for text, to, more in links)
    buttons += '<button class="ganad-button" type="button" data-print hidden>Print, or save as PDF</button>'
    line = f"<p>{html.escape(facts)}.</p>" if facts else ""
    return f'```{{raw}} html\n<div class="ganad-run">{line}<div class="ganad-buttons">{buttons}</div></div>\n```\n'
