"""Under code that a cell prints (``inspect.getsource``): where it stands, with a link; and the entries a chapter explains."""

import ast
import importlib
from typing import Any


def show(body: Any, root: str) -> None:
    """Say under each cell that prints code where that code stands.

    Parameters
    ----------
    root : str
        The way from this page to the first folder of the pages.
    """
    names: dict[str, str] = {}
    for cell in body.select("div.cell"):
        if not (code := cell.select_one(".cell_input pre")) or not (tree := _parsed(code.get_text())):
            continue
        names |= _imported(tree)
        places = list(dict.fromkeys(filter(None, (_place(names, each) for each in _printed(tree)))))
        files = {file: [anchor for of, anchor in places if of == file] for file, _ in places}
        if files:
            cell.append(_said(body, files, f"{root}_modules/"))


def _said(body: Any, files: dict[str, list[str]], root: str) -> Any:
    """The line below a cell: a file, or several names of one; each a link."""
    said = body.new_tag("p")
    said["class"] = "ganad-source"
    for place, (file, anchors) in enumerate(files.items()):
        said.append("; " if place else "From ")
        if len(anchors) > 1:
            said.append(f"{file}.py: ")
        for number, anchor in enumerate(anchors):
            link = body.new_tag("a", href=f"{root}{file}.html#{anchor}")
            link.string = anchor if len(anchors) > 1 else f"{file}.py"
            said.extend([", " if number else "", link])
    return said


def link_entries(body: Any, entries: dict[str, str]) -> None:
    """Add to a chapter's buttons those that lead to its classes in the reference: name -> address."""
    if buttons := body.select_one(".ganad-buttons"):
        for name, address in entries.items():
            link = body.new_tag("a", href=address)
            link["class"], link.string = "ganad-button", f"API: {name.rpartition('.')[2]}"
            buttons.append(link)


def _parsed(source: str) -> ast.AST | None:
    try:
        return ast.parse(source)
    except SyntaxError:  # a line for the shell
        return None


def _imported(tree: ast.AST) -> dict[str, str]:
    """Local name -> full name, of what a cell imports from ganad."""
    found = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("ganad"):
            found |= {each.asname or each.name: f"{node.module}.{each.name}" for each in node.names}
    return found


def _printed(tree: ast.AST) -> list[str]:
    """What is given to ``inspect.getsource``: itself, or each of a tuple that is gone through."""
    nodes = list(ast.walk(tree))
    calls = [each for each in nodes if isinstance(each, ast.Call) and ast.unparse(each.func) == "inspect.getsource"]
    if not calls:
        return []
    several = [each for node in nodes if isinstance(node, ast.comprehension) for each in getattr(node.iter, "elts", ())]
    return [ast.unparse(each) for each in [*(call.args[0] for call in calls), *several]]


def _place(names: dict[str, str], printed: str) -> tuple[str, str] | None:
    """File, without suffix, and anchor of something printed; None unless it was imported from ganad."""
    first, *rest = printed.split(".")
    if first not in names or not all(part.isidentifier() for part in rest):
        return None
    thing = _load(names[first])
    for part in rest:
        thing = getattr(thing, part)
    return thing.__module__.replace(".", "/"), thing.__qualname__.partition(".")[0]


def _load(name: str) -> Any:
    module, _, attribute = name.rpartition(".")
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError:
        return getattr(importlib.import_module(module), attribute)
