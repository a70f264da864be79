"""Where the book's repository is, and the addresses that follow from it: Colab, Binder, what to install."""

import os
import re
import tomllib
from pathlib import Path
from urllib.parse import quote

BRANCH = "notebooks"
_NAME = re.compile(r"[\w.-]+/[\w.-]+")


def repository(root: Path) -> str | None:
    """``OWNER/NAME`` on GitHub: what ``GITHUB_REPOSITORY`` says, or the project's addresses; None if neither does."""
    if _NAME.fullmatch(given := os.environ.get("GITHUB_REPOSITORY", "")):
        return given
    project = root / "pyproject.toml"
    urls = tomllib.loads(project.read_text("utf-8"))["project"].get("urls", {}) if project.exists() else {}
    for url in urls.values():
        if found := re.fullmatch(rf"https://github\.com/({_NAME.pattern})/?", url):
            return found[1].removesuffix(".git")
    return None


def colab(name: str, notebook: str) -> str:
    """The address that opens a notebook of the branch of notebooks on Colab."""
    return f"https://colab.research.google.com/github/{name}/blob/{BRANCH}/{quote(notebook)}"


def binder(name: str, notebook: str) -> str:
    """The address that opens it on Binder."""
    return f"https://mybinder.org/v2/gh/{name}/{BRANCH}?labpath={quote(notebook, safe='')}"


def requirement(name: str | None) -> str:
    """What pip is asked for where ganad is missing."""
    return f"ganad[book,tensorflow] @ git+https://github.com/{name}" if name else "ganad[book,tensorflow]"


def installing_cell(name: str | None) -> str:
    """The first cell of a notebook that is opened elsewhere: it installs ganad where that is missing."""
    return f"""# Installs ganad where it is missing (Colab, Binder); does nothing where it is there.
import importlib.util
import subprocess
import sys

if None in map(importlib.util.find_spec, ("ganad_book", "matplotlib", "pandas")):
    subprocess.check_call([sys.executable, "-m", "pip", "install", "--quiet", "{requirement(name)}"])"""
