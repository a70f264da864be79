"""How to make a section's figures again: commands, computed from the profiles and from what the section's code asks for."""

import ast
import functools
import json
import re
import shlex
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from tools.book.project import Book

_NO_RESULTS = ("The idea in one picture", "Exercises", "References")
_SHOWN = {"image/png", "text/html"}


def add(book: Book, chapter: str, notebook: Any) -> None:
    """Put a folded block with the commands at the end of each section that shows results."""
    from nbformat.v4 import new_markdown_cell

    cells = []
    for place, section in enumerate(list(_sections(notebook.cells))):
        cells += section
        if _shows_results(section, notebook.cells):
            block = new_markdown_cell(_block(commands(book, chapter, section)))
            block["id"] = f"reproduce-{place}"
            cells.append(block)
    notebook.cells = cells


def _sections(cells: list[Any]) -> Iterator[list[Any]]:
    section: list[Any] = []
    for cell in cells:
        if section and cell.cell_type == "markdown" and cell.source.startswith("## "):
            yield section
            section = []
        section.append(cell)
    yield section


def _title(section: list[Any]) -> str:
    return section[0].source.partition("\n")[0].removeprefix("## ").strip()


def _shows_results(section: list[Any], cells: list[Any]) -> bool:
    """A chapter with a section called Reproduction has its results there, another one wherever it shows any."""
    titles = [each.source.partition("\n")[0] for each in cells if each.cell_type == "markdown"]
    if "## Reproduction" in titles:
        return _title(section) == "Reproduction"
    shown = {kind for cell in section for output in cell.get("outputs", ()) for kind in output.get("data", ())}
    return section[0].source.startswith("## ") and _title(section) not in _NO_RESULTS and bool(shown & _SHOWN)


def commands(book: Book, chapter: str, section: list[Any]) -> dict[str, str]:
    """What each command is for, and the command."""
    found = {}
    for name in ("quick", "book", "survey"):
        if (book.root / "profiles" / f"{name}.yml").exists():
            purpose, given = _profile(replace(book, profile=name, student=False))
            found.setdefault(run(chapter, given.get(chapter, {})), purpose)
    source = "\n".join(cell.source for cell in section if cell.cell_type == "code")
    if only := _runs_of(source):
        found[only] = "the runs behind its tables, into results/survey.csv"
    if "report." in source and "found" in source:
        found["make bench"] = "the measurements anew"
    return {purpose: command for command, purpose in found.items()}


def run(chapter: str, given: dict[str, Any]) -> str:
    """The command that runs a chapter with these parameters."""
    return " ".join(["ganad run", chapter, *(f"-p {name} {_value(value)}" for name, value in given.items())])


def _value(value: Any) -> str:
    return shlex.quote(value if isinstance(value, str) else json.dumps(value))


@functools.cache
def _profile(book: Book) -> tuple[str, dict[str, dict[str, Any]]]:
    """What a profile is for, as its first line says, and its parameters."""
    first = (book.root / "profiles" / f"{book.profile}.yml").read_text("utf-8").partition("\n")[0]
    purpose = first.rpartition(": ")[2].strip("# .") if first.startswith("#") else f"the profile {book.profile}"
    return purpose, book.parameters()


@functools.cache
def _known(what: str) -> frozenset[str]:
    """The data sets or the detectors of the grid."""
    from ganad_book.sweep import grid

    return frozenset(getattr(each, what) for each in grid.runs())


def _runs_of(source: str) -> str | None:
    """The sweep of the detectors and data sets that a section's code names; None if it shows no results of the grid."""
    if not re.search(r"\btable\b|\btables\.|\bseries\(|\bruns\b", source):
        return None
    from ganad_book.results import comparison

    words = set(_strings(source))
    words |= {name for name, shown in comparison.DATA.items() if shown in words}
    lowered = words | {word.lower() for word in words}
    terms = [f"{what}={word}" for what in ("dataset", "detector") for word in sorted(lowered & _known(what))]
    return f"ganad survey run --only {','.join(terms)}" if terms else "ganad survey run"


def _strings(source: str) -> Iterator[str]:
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value


def _block(found: dict[str, str]) -> str:
    lines = "\n".join(f"# {purpose}\n{command}" for purpose, command in found.items())
    return f":::{{admonition}} Reproduce this\n:class: dropdown ganad-reproduce\n```bash\n{lines}\n```\n:::"
