"""What importing costs, and who may import what."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import ganad

PACKAGE = Path(ganad.__file__).parent
FRAMEWORKS = {"tensorflow", "jax", "jaxlib", "torch"}
FILES = sorted(PACKAGE.rglob("*.py"))


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
    code = "import sys, os; before = set(sys.modules); import ganad; print(*sorted(set(sys.modules) - before))"
    assert fresh(code).split() == ["ganad"]


def test_a_plan_of_the_survey_waits_for_no_data_and_no_library_of_metrics():
    command = "main(['survey', 'plan', '--only', 'dataset=digits28,class=0'], standalone_mode=False)"
    said = fresh(
        f"import sys\nfrom ganad.cli import app as main\n{command}\nprint('sklearn' in sys.modules, 'scipy.ndimage' in sys.modules)"
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
        "import ganad.datasets, ganad.metrics, ganad.parameters",
        "from ganad.detectors import NearestNeighbour, PCAResidual, IsolationForest, load_detector",
    ],
)
def test_no_framework_is_loaded_before_it_is_needed(statement):
    loaded = fresh(f"{statement}\nimport sys\nprint(*{{name.split('.')[0] for name in sys.modules}})")
    assert "ganad" in loaded.split()
    assert not (FRAMEWORKS | {"keras"}) & set(loaded.split())


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_only_the_backends_know_a_framework(path):
    known = {name.split(".")[0] for name in imports(path)} & FRAMEWORKS
    if path.parent.name == "backends" and path.stem in FRAMEWORKS:
        assert known == {path.stem}
    elif path.parent.name == "peers":  # what others would write, for the benchmark: in one framework
        assert len(known) <= 1
    else:
        assert not known


LEVELS = {"cli": 5, "survey": 4, "detectors": 3, "generative": 2, "together": 2, "adversarial": 1, "training_step": 0.5}
LEVELS |= dict.fromkeys(
    ["backends", "batching", "datasets", "metrics", "networks", "parameters", "plots", "programs"], 0
)
TOOLS = 4  # whatever serves the book and the command line stands beside the survey


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_arrows_point_down(path):
    own = path.relative_to(PACKAGE).with_suffix("").parts[0]
    for name in imports(path):
        parts = name.split(".")
        assert parts[0] != "book"
        if parts[0] == "ganad" and len(parts) > 1 and parts[1] not in (own, "__version__"):
            level, used = (LEVELS.get(part, TOOLS) for part in (own, parts[1]))
            assert used < level or used == level in (0, TOOLS), f"{own} imports {name}"


def test_the_version_is_the_projects():
    assert ganad.__version__.count(".") == 2
    pyproject = PACKAGE.parent / "pyproject.toml"
    if pyproject.exists():
        assert f'version = "{ganad.__version__}"' in pyproject.read_text(encoding="utf-8")
