"""tools.book.closure: what a chapter depends on, read from sources."""

import sys
from pathlib import Path

import pytest
from small_book import ROOT

from tools.book import closure


@pytest.fixture
def package(tmp_path: Path) -> Path:
    """A made-up package called ganad."""
    sources = {
        "ganad/__init__.py": "",
        "ganad/plots.py": "import numpy\nfrom ganad import colours",
        "ganad/colours.py": "",
        "ganad/slides.py": "import ganad.colours",
        "ganad/methods/__init__.py": "import importlib\n\ndef load(name):\n    return importlib.import_module(name)",
        "ganad/methods/one.py": "def late():\n    from ganad.deep.inside import thing",
        "ganad/deep/__init__.py": "",
        "ganad/deep/inside.py": "from ganad.methods import one",
        "ganad/deep/other.py": "",
    }
    for name, text in sources.items():
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True, parents=True)
        path.write_text(text)
    return tmp_path


def names(code: str, root: Path) -> set[str]:
    return {path.relative_to(root / "ganad").as_posix() for path in closure.files([code], root)}


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("import json", set()),
        ("import ganad", {"__init__.py"}),
        ("from ganad import plots", {"__init__.py", "plots.py", "colours.py"}),
        ("import ganad.slides as s", {"__init__.py", "slides.py", "colours.py"}),
        (
            "from ganad.methods import One",  # by name at run time: the whole folder, and what that imports inside functions
            {"__init__.py", "methods/__init__.py", "methods/one.py", "deep/__init__.py", "deep/inside.py"},
        ),
    ],
)
def test_what_is_imported_is_found(package, code, expected):
    assert names(code, package) == expected


def test_a_magic_counts_as_everything(package):
    assert len(names("%matplotlib inline", package)) == 9


def test_a_changed_module_is_read_again(package):
    assert "slides.py" not in names("import ganad.colours", package)
    (package / "ganad" / "colours.py").write_text("import ganad.slides  # now")
    assert "slides.py" in names("import ganad.colours", package)


def test_whatever_is_really_loaded_is_in_the_closure():
    """A detector that is imported and trained loads no module of the package that the closure does not know."""
    from ganad.datasets import load_dataset
    from ganad.detectors import EGBAD

    EGBAD(epochs=1, width=0.05).fit(load_dataset("digits").x[:40])
    known = set(closure.files(["from ganad.datasets import load_dataset\nfrom ganad.detectors import EGBAD"], ROOT))
    parts = ("ganad.detectors", "ganad.networks", "ganad.backends", "ganad.models", "ganad.datasets")
    loaded = {
        Path(module.__file__)
        for name, module in sys.modules.items()
        if name.startswith(parts) and getattr(module, "__file__", None)
    }
    of_training = {
        path for path in loaded if path.parent.name in ("networks", "backends", "datasets", "detectors", "training")
    }
    assert of_training <= known and ROOT / "ganad" / "training" / "step.py" in known
