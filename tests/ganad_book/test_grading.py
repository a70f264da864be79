"""`ganad grade`: what counts is what the functions do, whatever the notebook prints, changes or breaks."""

import ast
import csv
import subprocess
import sys
from pathlib import Path

import pytest
from asked import dear
from nbformat.v4 import new_code_cell, new_notebook
from small_book import ROOT

from ganad_book import notebooks
from ganad_book.assignment import TASKS, grading

SOLUTIONS = (ROOT / "tests" / "assignment_solutions.py").read_text()
STUDENT = ROOT / "book" / "teaching" / "assignment.ipynb"
ALL = sum(task.points for task in TASKS)


def solutions() -> dict[str, str]:
    """The source of each right answer."""
    found = ast.parse(SOLUTIONS).body
    return {node.name: ast.get_source_segment(SOLUTIONS, node) for node in found if isinstance(node, ast.FunctionDef)}


def write(path: Path, *cells: str) -> Path:
    """A notebook of these cells."""
    path.parent.mkdir(parents=True, exist_ok=True)
    notebooks.write(new_notebook(cells=[new_code_cell("import numpy as np"), *map(new_code_cell, cells)]), path)
    return path


def answers(**changed: str) -> list[str]:
    """The right answers, some of them changed."""
    return list((solutions() | changed).values())


@pytest.mark.slow
def test_one_bad_notebook_does_not_keep_the_others_from_their_points(tmp_path: Path) -> None:
    folder, table = tmp_path / "handed in", tmp_path / "out" / "grades.csv"
    write(folder / "ada.ipynb", *answers())
    write(folder / "bob" / "mine.ipynb", *answers(residual="def residual(x, r):\n    return np.abs(x - r).mean()"))
    write(folder / "dan.ipynb", *answers(split="def split(:"), "1 / 0")
    write(folder / "eve.ipynb", "import os, signal\nos.kill(os.getpid(), signal.SIGKILL)")
    write(folder / ".ipynb_checkpoints" / "ada.ipynb", *answers())
    (folder / "cat.ipynb").write_text("no notebook")
    told = []
    grades = grading.grade_folder(folder, table, told=told.append)
    assert told == grades
    assert {each.name: each.total for each in grades} == {
        "ada": ALL,
        "bob/mine": ALL - 2,
        "cat": 0,
        "dan": ALL - 2 - 3,  # leave_one_out calls split
        "eve": 0,
    }
    rows = list(csv.DictReader(table.open()))
    assert list(rows[0]) == ["name", *(task.name for task in TASKS), "total", "note"]
    assert [(row["name"], row["total"]) for row in rows] == [(each.name, str(each.total)) for each in grades]
    by_name = {row["name"]: row for row in rows}
    assert by_name["ada"]["note"] == "" and "one number for all samples" in by_name["bob/mine"]["note"]
    assert "cannot be read as a notebook" in by_name["cat"]["note"]
    assert "no function split" in by_name["dan"]["note"]
    assert by_name["eve"]["note"] and not list(table.parent.glob(".*.part"))


@pytest.mark.slow
def test_what_a_notebook_says_and_changes_does_not_count(tmp_path: Path) -> None:
    cheat = "\n".join(
        [
            "import ganad_book.assignment as a, ganad_book.assignment.checks as c, ganad_book.assignment.sheet as s",
            "a.regrade = a.verdict = s.verdict = lambda *_, **__: None",
            "c.TASKS = a.TASKS = s.TASKS = ()",
            "print('task 3, residual: right (2 of 2)')",
        ]
    )
    by_heart = "def residual(x, r):\n    return np.array([1.0] * len(x))"
    assert grading.grade(write(tmp_path / "x.ipynb", cheat, by_heart), "x").total == 0


@pytest.mark.slow
@pytest.mark.parametrize(
    "loop", ["while True:\n    pass", "while True:\n    try:\n        pass\n    except BaseException:\n        pass"]
)
def test_a_notebook_without_an_end_is_stopped(tmp_path: Path, loop: str) -> None:
    grade = grading.grade(write(tmp_path / "x.ipynb", *answers(), loop), "x", timeout=6)
    assert grade.total == 0 and grade.note == "stopped after 6 seconds"


def test_a_folder_without_notebooks_is_refused(tmp_path: Path, refused) -> None:
    with refused(grading.GradingError, "no folder", "nowhere"):
        grading.grade_folder(tmp_path / "nowhere", tmp_path / "x.csv")
    with refused(grading.GradingError, "no notebook in"):
        grading.grade_folder(tmp_path, tmp_path / "x.csv")


def solved() -> object:
    """The students' notebook with the right answers in its answer cells."""
    notebook, found = notebooks.read(STUDENT), solutions()
    for cell in notebooks.code_cells(notebook):
        if "answer" in cell.metadata.get("tags", ()):
            cell.source = found[cell.source.split("(")[0].removeprefix("def ")]
        cell.source = cell.source.replace("epochs = 30", "epochs = 1")
    return notebook


@dear
@pytest.mark.slow
def test_the_solved_notebook_has_all_points_by_itself_and_by_the_grader(tmp_path: Path) -> None:
    notebooks.write(solved(), tmp_path / "solved.ipynb")
    notebooks.run(tmp_path / "solved.ipynb", tmp_path / "ran.ipynb", {})
    cells = notebooks.code_cells(notebooks.read(tmp_path / "ran.ipynb"))
    printed = "".join(
        output.get("text", "") for cell in cells for output in cell.outputs if output.get("name") == "stdout"
    )
    assert printed.count(": right (") == len(TASKS) and "not yet" not in printed and "waits" not in printed
    assert "the same as the package's: True" in printed
    assert cells[-1].outputs[0].data["text/plain"].endswith(f"{ALL} of {ALL}")
    assert grading.grade(tmp_path / "solved.ipynb", "solved").total == ALL


@pytest.mark.slow
def test_the_command_says_who_has_how_much(tmp_path: Path) -> None:
    write(tmp_path / "in" / "ada.ipynb", *answers())
    command = [sys.executable, "-c", "from ganad_book.cli.main import main; main()", "grade"]
    done = subprocess.run([*command, "in", "--output", "x.csv"], cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert f"{ALL} of {ALL}" in done.stdout and "x.csv" in done.stdout and (tmp_path / "x.csv").exists()
    done = subprocess.run([*command, "nowhere"], cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 2 and done.stderr.strip().endswith("there is no folder nowhere")
    assert "Traceback" not in done.stderr
