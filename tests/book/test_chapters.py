"""The chapters as they are stored: parameters, kept outputs, alt text; and one run through plain papermill."""

import json
import re
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest
from small_book import ROOT

from ganad_book import notebooks
from tools.book.project import Book

BOOK = Book(ROOT)
PICTURES = {"image/png", "image/jpeg", "image/svg+xml"}

every_chapter = pytest.mark.parametrize("chapter", BOOK.chapters)
# a notebook about teaching is run and kept like a chapter, but has no exercises: the assignment is one
every_lesson = pytest.mark.parametrize("chapter", [each for each in BOOK.chapters if "/teaching/" not in each])


def code_cells(chapter: str) -> list[nbformat.NotebookNode]:
    """The chapter's code cells."""
    return notebooks.code_cells(notebooks.read(BOOK.notebook(chapter)))


def tags(cell: nbformat.NotebookNode) -> list[str]:
    """A cell's tags."""
    return cell.metadata.get("tags", [])


@every_chapter
def test_it_is_a_clean_notebook(chapter: str) -> None:
    text = BOOK.notebook(chapter).read_text("utf-8")
    raw = json.loads(text)
    nbformat.validate(nbformat.from_dict(raw))
    ids = [cell.get("id") for cell in raw["cells"]]
    assert all(ids) and len(set(ids)) == len(ids)
    assert raw["metadata"]["kernelspec"]["name"] == "python3"
    for trace in ('"papermill"', "injected-parameters", '"start_time"', '"iopub', '"name": "stderr"', str(Path.home())):
        assert trace not in text, f"{trace} is left of a run: make notebooks"


@every_chapter
def test_parameters_come_first_and_are_checked_next(chapter: str) -> None:
    first, second, *others = code_cells(chapter)
    assert "parameters" in tags(first)
    assert "check(" in second.source
    assert not any("parameters" in tags(cell) for cell in (second, *others))


@every_chapter
def test_outputs_are_kept(chapter: str) -> None:
    cells = [cell for cell in code_cells(chapter) if cell.source.strip()]
    assert [cell.execution_count for cell in cells] == list(range(1, len(cells) + 1)), "make notebooks"


@every_chapter
def test_every_picture_is_described(chapter: str) -> None:
    described = set()
    for cell in code_cells(chapter):
        if any(PICTURES & output.get("data", {}).keys() for output in cell.outputs):
            alt = cell.metadata.get("mystnb", {}).get("image", {}).get("alt", "")
            assert len(alt) > 20 and not alt.endswith((".png", ".svg")), f"no alt text: {cell.source[:80]}"
            assert alt not in described, f"said of two pictures: {alt}"
            described.add(alt)


@every_lesson
def test_exercises_have_folded_solutions(chapter: str) -> None:
    text = BOOK.notebook(chapter).read_text("utf-8")
    exercises, solutions = (re.findall(rf"{{admonition}} {kind} (\d+)", text) for kind in ("Exercise", "Solution"))
    assert exercises == solutions == [str(place) for place in range(1, len(exercises) + 1)]
    assert len(exercises) >= 4
    folded = re.findall(r"{admonition} Solution.*?:class: (\S+?)\\n", text, re.DOTALL)
    assert folded == ["dropdown"] * len(solutions)


@every_chapter
def test_no_answer_is_given_away(chapter: str) -> None:
    for cell in code_cells(chapter):
        if cell.source.startswith("your_answer"):
            assert "".join(output.text for output in cell.outputs).startswith("not yet")


@every_chapter
def test_quick_profile_is_the_defaults(chapter: str) -> None:
    assert BOOK.parameters()[chapter] == {}


@pytest.mark.parametrize("profile", ["quick", "book", "survey"])
def test_profile_names_every_chapter_and_only_its_parameters(profile: str) -> None:
    assert list(Book(ROOT, profile).parameters()) == BOOK.chapters


def test_table_of_contents_and_files_agree() -> None:
    found = {
        path.relative_to(ROOT).with_suffix("")
        for suffix in ("ipynb", "md")
        for path in (ROOT / "book").rglob(f"*.{suffix}")
    }
    listed = {Path(page) for page in BOOK.pages if page != "genindex"}  # Sphinx makes that one
    assert listed - found == set(), "in _toc.yml, but no file"
    assert {page for page in found if not {".ipynb_checkpoints", "_static"} & set(page.parts)} - listed == set(), (
        "not in _toc.yml"
    )


def test_profiles_are_accepted_by_the_chapters_own_checks() -> None:
    for profile in ("book", "survey"):
        for chapter, given in Book(ROOT, profile).parameters().items():
            first, second, *_ = code_cells(chapter)
            namespace: dict = {}
            exec(first.source, namespace)
            namespace.update(given)
            exec(second.source, namespace)


@pytest.mark.slow
def test_a_chapter_runs_through_plain_papermill_with_other_parameters(tmp_path: Path) -> None:
    output = tmp_path / "bigan.ipynb"
    given = {"epochs": 2, "anomaly_class": 3, "latent_dim": 4, "seeds": 2, "width": 0.05}
    words = [word for name, value in given.items() for word in ("-p", name, str(value))]
    command = [sys.executable, "-m", "papermill", "--no-progress-bar", str(BOOK.notebook("book/foundations/bigan"))]
    done = subprocess.run([*command, str(output), *words], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-2000:]
    notebook = notebooks.read(output)
    assert notebook.metadata.papermill.parameters == given


@pytest.mark.slow
def test_a_misspelt_parameter_stops_plain_papermill(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "papermill", "--no-progress-bar", str(BOOK.notebook("book/foundations/bigan"))]
    done = subprocess.run([*command, str(tmp_path / "x.ipynb"), "-p", "epohcs", "2"], capture_output=True, text=True)
    assert done.returncode != 0
    assert "ParameterError: unknown parameter epohcs" in done.stderr
