"""The reference of the package: each class and function points to the chapter that explains it."""

import re
import sys
from typing import Any

_CHAPTER = re.compile(r"Chapter: (book/[\w/-]+)\.ipynb")
_STARRED = re.compile(r"(?<![\w*\\`])\*(?=shape\b)")  # (N, *shape): no emphasis begins here
_OPAQUE = re.compile(r"<factory>|<function .*?>+")  # of a dataclass, whose source has no such signature
_PATH = re.compile(r"PosixPath\(('[^']*')\)")
_OF_OTHERS = re.compile(r"set_\w+_request")  # scikit-learn's, on every estimator


def skip(app: Any, what: str, name: str, thing: Any, skipped: bool, options: Any) -> bool | None:
    """Whether a member is left out; None: as it would be anyhow."""
    return True if _OF_OTHERS.fullmatch(name) else None


def readable(
    app: Any, what: str, name: str, thing: Any, options: Any, signature: str | None, returned: str | None
) -> Any:
    """A signature without the addresses and classes that a default value has for Python."""
    if not signature:
        return None
    return _PATH.sub(r"\1", _OPAQUE.sub("...", signature)), returned


def chapter_of(module: str) -> str | None:
    """The page that explains a module, which its docstring names."""
    found = _CHAPTER.search(getattr(sys.modules.get(module), "__doc__", None) or "")
    return found and found[1]


def point_to_chapter(app: Any, what: str, name: str, thing: Any, options: Any, lines: list[str]) -> None:
    """Add the chapter under a class or function; under a module its path is made a link."""
    lines[:] = [_STARRED.sub(r"\\*", line) for line in lines]
    if what == "module":
        lines[:] = [_CHAPTER.sub(r"Chapter: :doc:`/\1`", line) for line in lines]
    elif what in ("class", "function") and (chapter := chapter_of(getattr(thing, "__module__", ""))):
        lines += ["", f"Explained in :doc:`/{chapter}`.", ""]
        if what == "class" and not name.endswith("Play"):
            app.__dict__.setdefault("ganad_explained", {}).setdefault(chapter, []).append(name)


def list_modules_once(app: Any, page: str, _template: str, context: dict[str, Any], doctree: Any) -> None:
    """In the index a module's name is its link; Sphinx has a line "module" below each, and all of them again under M."""
    if "genindexentries" in context:  # there is a page of this name in the table of contents too, which Sphinx replaces
        entries = [(letter, [_flat(entry) for entry in of]) for letter, of in context["genindexentries"]]
        kept = [(letter, [entry for entry in of if entry[0] != "module"]) for letter, of in entries]
        context["genindexentries"] = [(letter, of) for letter, of in kept if of]


def _flat(entry: Any) -> Any:
    name, (links, below, key) = entry
    return (name, (below[0][1], [], key)) if not links and [word for word, _ in below] == ["module"] else entry
