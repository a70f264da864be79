"""A method that is wrong makes its chapter fail: the ranges of `CHAPTER.ranges.json` are tight enough to tell."""

import json
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import nbformat
import pytest
from asked import dear
from small_book import ROOT

from ganad_book import notebooks


@dataclass(frozen=True)
class Wrong:
    """A chapter, the id of the ranged cell that has to fail, and the code that makes the method wrong."""

    chapter: str
    cell: str
    sabotage: str


WRONG = {
    "EGBAD's encoder has the generator's loss": Wrong(
        "book/detectors/egbad", "egbad-check", "egbad_module.encoder_loss = egbad_module.generator_loss"
    ),
    "EGBAD's encoder does not learn": Wrong(
        "book/detectors/egbad",
        "egbad-check",
        "egbad_module.EGBAD._losses = lambda self, right=egbad_module.EGBAD._losses: (\n"
        "    right(self) | {'encoder': lambda play: 0 * egbad_module.encoder_loss(play)}\n"
        ")",
    ),
    "GANomaly's second encoder does not learn": Wrong(
        "book/detectors/ganomaly", "ganomaly-check", "ganomaly_module.encoder_loss = lambda play: 0.0"
    ),
    "AnoGAN's generator and discriminator have each other's loss": Wrong(
        "book/detectors/anogan",
        "cell-19",
        "from ganad.models import gan\n"
        "gan.gan_game.__kwdefaults__['generator_objective'] = gan.discriminator_loss\n"
        "gan.discriminator_loss = gan.generator_loss",
    ),
}


def cut(wrong: Wrong, folder: Path) -> tuple[Path, int]:
    """A chapter up to its ranged cell, with a code cell after the imports; and the ranged cell's number among the code cells."""
    source = ROOT / f"{wrong.chapter}.ipynb"
    path = folder / "book" / source.name
    path.parent.mkdir(parents=True)
    shutil.copy(ROOT / "book" / "conftest.py", path.parent)
    shutil.copy(source.with_suffix(".ranges.json"), path.parent)
    chapter = notebooks.read(source)
    last = next(place for place, cell in enumerate(chapter.cells) if cell.id == wrong.cell)
    assert "ranged" in chapter.cells[last].metadata.tags
    cells = chapter.cells[: last + 1]
    imports = next(place for place, cell in enumerate(cells) if "from ganad.detectors import" in cell.source)
    cells.insert(imports + 1, nbformat.v4.new_code_cell(wrong.sabotage, id="sabotage"))
    chapter.cells = cells
    notebooks.write(chapter, path)
    return path, len(notebooks.code_cells(chapter)) - 1


def failed_cells(path: Path) -> list[int]:
    """Numbers of the code cells that nbval finds different."""
    options = ["-q", "-rf", "--nbval", "--nbval-current-env", "-p", "no:cacheprovider", "--color=no"]
    command = [sys.executable, "-m", "pytest", *options, str(path)]
    done = subprocess.run(command, cwd=path.parent.parent, capture_output=True, text=True)
    assert done.returncode in (0, 1), done.stdout + done.stderr
    numbers = [int(number) for number in re.findall(r"^FAILED .*::Cell (\d+)", done.stdout, re.MULTILINE)]
    assert bool(numbers) == (done.returncode == 1), done.stdout
    return numbers


@dear
@pytest.mark.slow
@pytest.mark.parametrize("wrong", WRONG.values(), ids=WRONG)
def test_a_wrong_method_fails(wrong: Wrong, tmp_path: Path) -> None:
    """In its ranged cell, and nowhere else; that the right one passes is for `make chapters` to say."""
    path, number = cut(wrong, tmp_path)
    assert failed_cells(path) == [number]


@pytest.mark.parametrize("chapter", sorted({wrong.chapter for wrong in WRONG.values()}))
def test_the_cells_have_measured_ranges(chapter: str) -> None:
    measured = json.loads((ROOT / f"{chapter}.ranges.json").read_text("utf-8"))["cells"]
    assert {wrong.cell for wrong in WRONG.values() if wrong.chapter == chapter} <= measured.keys()
