"""What importing costs, and who may import what."""

import ast
import os
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from small_book import ROOT

import ganad

PACKAGE = Path(ganad.__file__).parent
FRAMEWORKS = {"tensorflow", "jax", "jaxlib", "torch"}
FILES = sorted(path for name in ("ganad", "ganad_book", "benchmarks") for path in (ROOT / name).rglob("*.py"))


def fresh(code: str) -> str:
    """What a new interpreter prints."""
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, capture_output=True, text=True, cwd=PACKAGE.parent, timeout=120)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def imports(path: Path) -> set[str]:
    """Full names of the modules a file imports, wherever in the file."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path.name}:{node.lineno} imports relatively"
            found |= {node.module} | {f"{node.module}.{alias.name}" for alias in node.names}
        elif isinstance(node, ast.Call) and ast.unparse(node.func) in ("__import__", "importlib.import_module"):
            found |= {a.value for a in node.args if isinstance(a, ast.Constant) and isinstance(a.value, str)}
    return found


def test_import_ganad_loads_nothing_else():
    code = "import sys, os; before = set(sys.modules); import ganad; print(*sorted(name for name in set(sys.modules) - before if name.partition('.')[0] not in sys.stdlib_module_names))"
    assert fresh(code).split() == ["ganad"]


def test_a_plan_of_the_survey_waits_for_no_data_and_no_library_of_metrics():
    command = "main(['survey', 'plan', '--only', 'dataset=digits28,class=0'], standalone_mode=False)"
    said = fresh(
        f"import sys\nfrom ganad_book.cli.main import app as main\n{command}\nprint('sklearn' in sys.modules, 'scipy.ndimage' in sys.modules)"
    )
    assert "digits28" in said and said.endswith("False False")


@pytest.mark.parametrize("given, expected", [(None, "1"), ("0", "0")])
def test_tensorflow_is_asked_for_the_faster_kernels_unless_someone_has_said(given, expected, monkeypatch):
    name = "TF_ENABLE_ONEDNN_OPTS"
    monkeypatch.delenv(name, raising=False) if given is None else monkeypatch.setenv(name, given)
    assert fresh(f"import os, ganad; print(os.environ['{name}'])") == expected


@pytest.mark.parametrize(
    "statement",
    [
        "import ganad",
        "import ganad.datasets, ganad.metrics, ganad.validation",
        "from ganad.detectors import NearestNeighbour, PCAResidual, IsolationForest, load_detector",
    ],
)
def test_no_framework_is_loaded_before_it_is_needed(statement):
    loaded = fresh(f"{statement}\nimport sys\nprint(*{{name.split('.')[0] for name in sys.modules}})")
    assert "ganad" in loaded.split()
    assert not (FRAMEWORKS | {"keras"}) & set(loaded.split())


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_only_the_backends_know_a_framework(path):
    known = {name.split(".")[0] for name in imports(path)} & FRAMEWORKS
    if path.parent.name == "backends" and path.stem in FRAMEWORKS:
        assert known == {path.stem}
    elif path.parent.name == "peers":  # what others would write, for the benchmark: in one framework
        assert len(known) <= 1
    else:
        assert not known


NO_FRAMEWORK = """
import importlib.util
find = importlib.util.find_spec
importlib.util.find_spec = lambda name, *others: None if name in ("tensorflow", "jax", "torch") else find(name, *others)
"""


@pytest.mark.parametrize(
    "statement",
    [
        "from ganad.detectors import EGBAD",
        "from ganad.models.gan import GAN",
        "from ganad.search.latent import LatentSearch",
        "import ganad.training.many",
    ],
)
def test_without_a_framework_one_line_names_the_extras(statement):
    code = f"{NO_FRAMEWORK}\nfrom ganad.errors import GanadError\ntry:\n    {statement}\nexcept GanadError as error:\n    print(error)"
    said = fresh(code)
    assert said.count("\n") == 0 and "'ganad[tensorflow]', 'ganad[jax]' or 'ganad[torch]'" in said


def test_without_a_framework_the_classical_detectors_work():
    code = """
import numpy as np
from ganad.detectors import IsolationForest, MedianDistance, NearestNeighbour, PCAResidual
rows = np.random.default_rng(0).normal(size=(50, 4))
print(*[each().fit(rows).decision_function(rows[:2]).shape for each in (IsolationForest, MedianDistance, NearestNeighbour, PCAResidual)])
"""
    assert fresh(NO_FRAMEWORK + code) == "(2,) (2,) (2,) (2,)"


PLANTED = {
    "ganad/metrics.py": "from ganad_book import plots",
    "ganad/networks/gan.py": "from ganad.detectors import EGBAD",
    "ganad/validation.py": "def late():\n    import ganad.metrics",
    "ganad_book/sweep/grid.py": "from ganad_book.results import verdicts",
    "ganad_book/plots.py": "import tools.book.project",
    "ganad/training/step.py": "import tensorflow",
    "ganad/datasets/splits.py": "def late():\n    import pandas",
}
"""Of a module, an import that points up, to another room of its floor, or out of the house."""


@pytest.fixture(scope="module")
def copied(tmp_path_factory) -> Path:
    """The packages and the contracts, in a folder of their own."""
    folder = tmp_path_factory.mktemp("house")
    for name in ("ganad", "ganad_book", "benchmarks", "tools"):
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy2(ROOT / "pyproject.toml", folder)
    return folder


def contracts(folder: Path) -> tuple[int, str]:
    """What import-linter answers in a folder: exit code and text."""
    code = "from importlinter.cli import lint_imports_command; lint_imports_command()"
    command = [sys.executable, "-c", f"import sys; sys.path.insert(0, '.'); {code}", "--no-logo", "--no-cache"]
    done = subprocess.run(
        command, cwd=folder, capture_output=True, text=True, env=os.environ | {"PYTHONPATH": str(folder)}
    )
    return done.returncode, done.stdout + done.stderr


def test_arrows_point_down(copied: Path):
    code, said = contracts(copied)
    assert code == 0, said


@pytest.mark.parametrize("module", PLANTED)
def test_an_arrow_that_does_not_is_found(copied: Path, module: str):
    path = copied / module
    text = path.read_text("utf-8")
    path.write_text(f"{text}\n{PLANTED[module]}\n", "utf-8")
    try:
        code, said = contracts(copied)
    finally:
        path.write_text(text, "utf-8")
    assert code == 1 and module.removesuffix(".py").replace("/", ".") in said, said


def test_the_page_about_the_rooms_is_true():
    """Its tables name the floors of the contracts, from the top down, and its other names exist."""
    text = (ROOT / "book" / "reference" / "architecture.md").read_text("utf-8")
    tables = re.findall(r"^\| floor \|.*\n\|[-|]+\n((?:\|.*\n)+)", text, re.MULTILINE)
    shown = [[set(re.findall(r"`(\w+)`", row.split("|")[2])) for row in table.splitlines()] for table in tables]
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]["importlinter"]["contracts"]
    layers = [each["layers"] for each in contracts if each["type"] == "layers"]
    assert shown == [[set(re.findall(r"\w+", floor)) for floor in each] for each in layers]
    for path in re.findall(r"`((?:ganad|ganad_book|book|tools|benchmarks)/[\w./-]*)`", text):
        assert "NAME" in path or (ROOT / path).exists(), path


def test_the_version_is_the_projects():
    assert ganad.__version__.count(".") == 2
    pyproject = PACKAGE.parent / "pyproject.toml"
    if pyproject.exists():
        assert f'version = "{ganad.__version__}"' in pyproject.read_text(encoding="utf-8")
