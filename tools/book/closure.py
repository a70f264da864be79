"""Which files of the packages a piece of code depends on: its import closure, read from the sources, nothing imported."""

import ast
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path

PACKAGES = ("ganad", "ganad_book", "benchmarks")


def files(code: Iterable[str], root: Path) -> list[Path]:
    """The packages' files that these sources import, directly or through each other, sorted.

    Imports inside functions count.  A module that imports by name at run time (``importlib.import_module``) counts as importing
    its whole folder.  Code that is no plain Python, such as a cell with a magic, counts as importing everything.

    Parameters
    ----------
    code : iterable of str
        Python sources, such as a notebook's cells.
    root : Path
        The folder with the packages.
    """
    waiting, found = [], set()
    for source in code:
        try:
            waiting += _named(ast.parse(source), root)
        except SyntaxError:
            return sorted(path for package in PACKAGES for path in (root / package).rglob("*.py"))
    while waiting:
        path = waiting.pop()
        if path not in found:
            found.add(path)
            waiting += _imports(path, path.stat().st_mtime_ns, root)
    return sorted(found)


@cache
def _imports(path: Path, changed: int, root: Path) -> tuple[Path, ...]:
    """What a module imports; read again when it has changed."""
    tree = ast.parse(path.read_text("utf-8"))
    by_name = any(isinstance(node, ast.Attribute) and node.attr == "import_module" for node in ast.walk(tree))
    return (*_named(tree, root), *(path.parent.glob("*.py") if by_name else ()))


def _named(tree: ast.AST, root: Path) -> Iterator[Path]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield from _modules(alias.name, root)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield from _modules(node.module, root)
            for alias in node.names:
                yield from _modules(f"{node.module}.{alias.name}", root)


def _modules(name: str, root: Path) -> Iterator[Path]:
    """The files that are run when this name is imported: its packages' and its own; none if it is no module of ours."""
    parts = name.split(".")
    if parts[0] not in PACKAGES:
        return
    for length in range(1, len(parts) + 1):
        base = root.joinpath(*parts[:length])
        yield from (path for path in (base / "__init__.py", base.with_suffix(".py")) if path.is_file())
