"""A book of two chapters that take no time, for the tests of what executes, builds and compares chapters."""

import shutil
from pathlib import Path

import nbformat
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

ROOT = Path(__file__).parent.parent

TOC = """format: jb-book
root: book/index
parts:
  - caption: Chapters
    chapters:
      - file: book/one
      - file: book/two
"""
CONFIG = """title: Small
only_build_toc_files: true
execute: {execute_notebooks: "off"}
sphinx: {config: {nb_output_stderr: remove}}
"""
CHECK = """from ganad.validation import check, flag, whole

check(globals(), epochs=whole(1, 10), log1p=flag());"""
PICTURE = """import matplotlib.pyplot as plt

plt.figure(figsize=(1, 1))
plt.plot([1, 2])
plt.show()"""


def chapter(title: str, *more: str) -> nbformat.NotebookNode:
    """A chapter with parameters, their check, a printed number, and more code."""
    cells = [
        new_markdown_cell(f"# {title}"),
        new_code_cell("epochs = 3  # how many\nlog1p: bool = False\nrate = None", metadata={"tags": ["parameters"]}),
        new_code_cell(CHECK.replace("epochs=", "rate=lambda rate: None, epochs=")),
        new_code_cell(
            'import sys\n\nprint("seen on " + "stderr", file=sys.stderr)\nprint(f"AUPRC {0.9 + epochs / 100:.3f}")'
        ),
        *map(new_code_cell, more),
    ]
    for place, cell in enumerate(cells):
        cell["id"] = f"{title.lower()}-{place}"
        if cell.source == PICTURE:
            cell.metadata["mystnb"] = {"image": {"alt": "A rising line"}}
    return new_notebook(cells=cells)


def make(root: Path) -> Path:
    """Write the book below a folder."""
    (root / "book").mkdir(parents=True)
    (root / "profiles").mkdir()
    (root / "ganad").mkdir()
    (root / "ganad" / "code.py").write_text("")
    (root / "uv.lock").write_text("")
    (root / "_toc.yml").write_text(TOC)
    (root / "_config.yml").write_text(CONFIG)
    (root / "profiles" / "quick.yml").write_text("book/one: {}\nbook/two:\n")
    (root / "profiles" / "long.yml").write_text("book/two: {epochs: 7}\n")
    (root / "book" / "index.md").write_text("# Small\n\nSee {doc}`one`.\n")
    shutil.copy(ROOT / "book" / "conftest.py", root / "book")
    nbformat.write(chapter("One", PICTURE), root / "book" / "one.ipynb")
    nbformat.write(chapter("Two"), root / "book" / "two.ipynb")
    nbformat.write(new_notebook(cells=[new_code_cell("1 / 0")]), root / "book" / "stray.ipynb")
    return root
