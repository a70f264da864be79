"""A sweep for a machine without network: cutting and joining, choosing wheels, refusals, and one bundle made and run offline."""

import ast
import json
import os
import shutil
import subprocess
import sys
import tomllib
import zipfile
from collections.abc import Callable
from pathlib import Path

import nbformat
import pytest
from asked import dear
from packaging.requirements import Requirement
from small_book import ROOT

from ganad.datasets import DatasetUnavailableError, UnknownDatasetError, data_file
from ganad_book import notebooks
from ganad_book.cli import bundle as command
from ganad_book.offline import bundle, unpack, wheels
from ganad_book.offline.bundle import MEGABYTE, Wanted
from ganad_book.offline.unpack import BundleError
from ganad_book.sweep import results

HERE = f"{sys.version_info.major}.{sys.version_info.minor}"
LINUX = "manylinux_2_28_x86_64"
CLI = [sys.executable, "-c", "from ganad_book.cli.main import main; main()"]

# what the node is said to have: the heavy ones, so that the test is quick; everything else comes out of the bundle
ON_THE_NODE = "keras,jax,numpy,scipy,pandas,scikit-learn,matplotlib,pyyaml"


def wanted(**given: object) -> Wanted:
    """A bundle for Linux without data, but for what is given."""
    return Wanted(**{"python": "3.12", "platforms": (LINUX,), "data": ("none",)} | given)


@pytest.fixture
def no_pip(monkeypatch: pytest.MonkeyPatch) -> None:
    """One wheel of 2.5 MB, without asking pip."""

    def fake(root: Path, roots: list, wanted: Wanted, platforms: list, folder: Path, say: Callable) -> tuple:
        folder.mkdir()
        (folder / "big-1-py3-none-any.whl").write_bytes(os.urandom(5 * MEGABYTE // 2))
        return list(folder.iterdir()), {}

    monkeypatch.setattr(bundle, "_wheels", fake)


@pytest.fixture
def made(tmp_path: Path, no_pip: None) -> Path:
    """A bundle of the checkout, cut at 1 MB, with that wheel in place of all."""
    bundle.make(ROOT, tmp_path / "made", wanted(python=HERE, max_size=MEGABYTE))
    return tmp_path / "made"


@pytest.mark.parametrize("length", [0, 9, 10, 11, 20, 25])
def test_parts_join_to_the_file(tmp_path: Path, length: int) -> None:
    source, parts = tmp_path / "file", tmp_path / "parts"
    source.write_bytes(os.urandom(length))
    parts.mkdir()
    entry = {"name": "file", **bundle.cut(source, parts, 10)}
    assert [path.stat().st_size for path in sorted(parts.iterdir())] == [part["size"] for part in entry["parts"]]
    assert len(entry["parts"]) == max(1, -(-length // 10)) and max(part["size"] for part in entry["parts"]) <= 10
    assert entry["parts"][0]["name"] == ("file" if length <= 10 else "file.part-000")
    unpack.join(parts, entry, tmp_path / "new" / "joined")
    assert (tmp_path / "new" / "joined").read_bytes() == source.read_bytes()


def test_no_file_is_larger_than_was_asked_for(made: Path) -> None:
    assert max(path.stat().st_size for path in made.iterdir()) <= MEGABYTE
    manifest = unpack.read_manifest(made)
    parts = [part for file in manifest["files"] for part in file["parts"]]
    assert {part["name"] for part in parts} | {"run.sh", "unpack.py", "MANIFEST.json"} == set(os.listdir(made))
    for part in parts:
        assert (made / part["name"]).stat().st_size == part["size"]
        assert unpack.sha256(made / part["name"]) == part["sha256"]
    (wheel,) = (file for file in manifest["files"] if file["name"].startswith("wheels/"))
    assert [part["name"] for part in wheel["parts"]] == [
        f"big-1-py3-none-any.whl.part-{place:03d}" for place in range(3)
    ]
    assert (manifest["backend"], manifest["python"], manifest["platforms"]) == ("jax", HERE, [LINUX])


def test_an_unpacked_bundle_is_what_a_sweep_looks_for(made: Path, tmp_path: Path) -> None:
    folder = tmp_path / "unpacked"
    assert unpack.unpack(made, folder)
    for name in ("results/survey.csv", "book/survey/one-run.ipynb"):
        assert (folder / name).read_bytes() == (ROOT / name).read_bytes()
    (folder / "results" / "survey.csv").write_text("found here")
    assert not unpack.unpack(made, folder)  # harmless, and not done again
    assert (folder / "results" / "survey.csv").read_text() == "found here"


@pytest.mark.parametrize("how", ["damaged", "cut short", "missing"])
def test_a_part_that_is_not_as_it_was_is_refused(made: Path, tmp_path: Path, refused: Callable, how: str) -> None:
    part = made / "big-1-py3-none-any.whl.part-001"
    content = part.read_bytes()
    part.write_bytes(content[:-1] if how == "cut short" else content[:-1] + bytes([content[-1] ^ 1]))
    if how == "missing":
        part.unlink()
    with refused(BundleError, part.name, "missing" if how == "missing" else "damaged", "copy it again"):
        unpack.unpack(made, tmp_path / "unpacked")
    assert not (tmp_path / "unpacked").exists()
    part.write_bytes(content)
    assert unpack.unpack(made, tmp_path / "unpacked")  # over what the first left


def test_an_interrupted_unpacking_starts_over(made: Path, tmp_path: Path) -> None:
    left = tmp_path / ".unpacked.part" / "wheels"
    left.mkdir(parents=True)
    (left / "half.whl").write_bytes(b"half")
    assert unpack.unpack(made, tmp_path / "unpacked")
    assert not left.exists() and not (tmp_path / "unpacked" / "wheels" / "half.whl").exists()


def test_the_results_of_another_bundle_are_not_overwritten(made: Path, tmp_path: Path, refused: Callable) -> None:
    (tmp_path / "unpacked" / "results").mkdir(parents=True)
    with refused(BundleError, "is not of this bundle", "GANAD_FOLDER"):
        unpack.unpack(made, tmp_path / "unpacked")


def test_a_manifest_that_cannot_be_read_is_refused(tmp_path: Path, refused: Callable) -> None:
    with refused(BundleError, "MANIFEST.json", "FileNotFoundError"):
        unpack.read_manifest(tmp_path)
    (tmp_path / "MANIFEST.json").write_text("{")
    with refused(BundleError, "MANIFEST.json", "JSONDecodeError"):
        unpack.read_manifest(tmp_path)


def test_a_bundle_is_replaced_and_nothing_else_is(made: Path, refused: Callable) -> None:
    first = (made / "MANIFEST.json").read_bytes()
    bundle.make(ROOT, made, wanted(max_size=2 * MEGABYTE))
    assert (made / "MANIFEST.json").read_bytes() != first
    assert not (made / "big-1-py3-none-any.whl.part-002").exists()
    assert os.listdir(made.parent) == ["made"]
    (made / "thesis.tex").write_text("")
    with refused(BundleError, "holds thesis.tex, which is of no bundle"):
        bundle.make(ROOT, made, wanted())
    with refused(BundleError, "is a file"):
        bundle.make(ROOT, made / "run.sh", wanted())


@pytest.mark.parametrize(
    ("given", "error", "words"),
    [
        ({"backend": "theano"}, BundleError, ["--backend is one of jax, tensorflow, torch, not 'theano'"]),
        ({"data": ("mnits",)}, UnknownDatasetError, ["mnits", "mnist, fashion_mnist"]),
        ({"data": ("mnist",)}, DatasetUnavailableError, ["mnist is not in", "ganad data fetch mnist"]),
        ({"max_size": MEGABYTE // 2}, BundleError, ["--max-size is at least 1 MB"]),
        ({"python": "3.9"}, BundleError, ["--python", "3.12", "not '3.9'"]),
        ({"python": "cp312"}, BundleError, ["--python", "not 'cp312'"]),
        ({"platforms": ("win_amd64",)}, BundleError, ["Linux or macOS", "not 'win_amd64'"]),
        ({"platforms": (LINUX, "macosx_14_0_arm64")}, BundleError, ["are different machines"]),
    ],
)
def test_what_cannot_be_is_refused(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    no_pip: None,
    refused: Callable,
    given: dict,
    error: type,
    words: list,
) -> None:
    monkeypatch.setenv("GANAD_DATA", str(tmp_path / "data"))
    with refused(error, *words):
        bundle.make(ROOT, tmp_path / "made", wanted(**given))
    assert not list(tmp_path.iterdir())


def test_without_a_checkout_nothing_is_made(tmp_path: Path, refused: Callable) -> None:
    with refused(BundleError, "run this in a checkout of ganad"):
        bundle.make(tmp_path, tmp_path / "made", wanted())


def test_the_command_says_why_pip_found_nothing(tmp_path: Path) -> None:
    offline = {"PIP_NO_INDEX": "1", "PIP_FIND_LINKS": str(tmp_path), "PIP_CONFIG_FILE": os.devnull}
    words = ["survey", "bundle", str(tmp_path / "made"), "--data", "none", "--platform", LINUX, "--python", "3.12"]
    done = subprocess.run([*CLI, *words], cwd=ROOT, env=os.environ | offline, capture_output=True, text=True)
    assert done.returncode == 2
    assert done.stderr.startswith("ganad: pip install: No matching distribution found for ")
    assert done.stderr.count("\n") == 1
    assert not list(tmp_path.iterdir())


def test_the_data_of_the_grid_is_found_and_what_is_missing_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GANAD_DATA", str(tmp_path))
    said = []
    assert bundle.data_files(None, said.append) == {}
    start, _, absent = said.pop().partition(": ")
    assert start == "not at hand, so not in the bundle" and {"mnist", "kddcup99"} <= set(absent.split(", "))
    assert bundle.data_files(["digits", "none"]) == {}


def test_manylinux_takes_what_is_older() -> None:
    found = wheels.compatible([LINUX])
    assert found[0] == LINUX
    assert {"manylinux_2_17_x86_64", "manylinux2014_x86_64", "manylinux1_x86_64"} < set(found)
    assert "manylinux_2_29_x86_64" not in found
    assert "manylinux_2_28_x86_64" not in wheels.compatible(["manylinux2014_x86_64"])
    assert wheels.compatible(["macosx_14_0_arm64"]) == ["macosx_14_0_arm64"]
    assert wheels.compatible([wheels.this_platform()])


def names(backend: str, cuda: bool = False) -> dict[str, str]:
    """What is asked for, by name."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    found = wheels.requirements(project, backend, cuda, wheels.marker_environment("3.12", LINUX))
    return {each.name: str(each) for each in found}


def test_one_framework_is_asked_for_and_what_executes_a_notebook() -> None:
    for backend in wheels.BACKENDS:
        found = names(backend)
        assert set(wheels.BACKENDS) & set(found) == {backend}
        assert {"keras", "numpy", "papermill", "ipykernel"} < set(found)
        assert not {"jupyter-book", "ray"} & set(found)
    assert names("jax", cuda=True)["jax"].startswith("jax[cuda12]")
    assert names("tensorflow", cuda=True)["tensorflow"].startswith("tensorflow[and-cuda]")


def test_what_another_python_needs_is_its_own_answer() -> None:
    found = {
        "tool": {
            "version": "1.0",
            "requires_dist": [
                "aio; python_version >= '3.12'",
                "old; python_version < '3.12'",
                "mac; sys_platform == 'darwin'",
                "more; extra == 'full'",
                "shared>=2",
            ],
        },
        "shared": {"version": "2.0", "requires_dist": ["deep"]},
        "deep": {"version": "1.0rc1"},
        "more": {"version": "1"},
        "old": {"version": "1"},
    }

    def closed(root: str, python: str, *without: str, platform: str = LINUX) -> tuple:
        environment = wheels.marker_environment(python, platform)
        needed, missing, left = wheels.closure([Requirement(root)], found, set(without), environment)
        return needed, sorted(map(str, missing)), left

    assert closed("tool", "3.11") == ({"tool", "shared", "deep", "old"}, [], set())
    assert closed("tool", "3.12") == ({"tool", "shared", "deep"}, ["aio"], set())
    assert closed("Tool[full]", "3.11")[0] == {"tool", "shared", "deep", "old", "more"}
    assert closed("tool", "3.11", platform="macosx_14_0_arm64")[1] == ["mac"]
    assert closed("tool", "3.11", "shared", "other") == ({"tool", "old"}, [], {"shared"})  # deep is the node's too
    assert closed("tool>1", "3.11")[1] == ["tool>1"]


def test_a_slim_bundle_has_no_debugger_and_no_completion_engine(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    requires = {
        "ipykernel": ["debugpy>=1.6.5", "ipython", "psutil"],
        "ipython": ["jedi>=0.18.1"],
        "jedi": ["parso"],
        "debugpy": [],
        "parso": [],
        "psutil": [],
    }
    asked = []

    def call(command: list, *words: str) -> None:
        asked.append(words)
        if words[0] == "install":
            found = [{"name": name, "version": "1.8", "requires_dist": needed} for name, needed in requires.items()]
            report = next(word for word in words if word.startswith("--report=")).partition("=")[2]
            Path(report).write_text(json.dumps({"install": [{"metadata": each} for each in found]}))

    monkeypatch.setattr(wheels, "call", call)
    monkeypatch.setattr(wheels, "pip", lambda: [])

    def collected(name: str, said: Callable = print, **given: object) -> tuple[set[str], dict]:
        roots = [Requirement("ipykernel>=1")]
        _, left_out = bundle._wheels(ROOT, roots, wanted(**given), [LINUX], tmp_path / name, said)
        (words,) = (words for words in asked if words[0] == "download")
        asked.clear()
        return {word.partition("==")[0] for word in words if "==" in word}, left_out

    assert collected("whole") == (set(requires), {})
    said = []
    slim = {"ipykernel", "ipython", "psutil"}
    assert collected("slim", said.append, slim=True) == (slim, {"debugpy": "1.8", "jedi": "1.8"})
    assert len(said) == 1  # the wheels; not that what is left out is not needed
    # what the node has is the node's: it is checked there
    assert collected("jedi", slim=True, without=("jedi",)) == (slim, {"debugpy": "1.8"})
    assert collected("none", slim=True, without=("ipython",)) == ({"ipykernel", "psutil"}, {"debugpy": "1.8"})


def a_wheel(folder: Path, name: str, *requires: str) -> None:
    """A wheel of version 1 that holds nothing but what it requires."""
    path = unpack._stand_in(folder, name, "1")
    with zipfile.ZipFile(path, "a") as wheel:
        wheel.writestr(f"{name}.py", "")
    content = {}
    with zipfile.ZipFile(path) as wheel:
        content = {each: wheel.read(each).decode() for each in wheel.namelist()}
    content[f"{name}-1.dist-info/METADATA"] += "".join(f"Requires-Dist: {each}\n" for each in requires)
    with zipfile.ZipFile(path, "w") as wheel:
        for each, text in content.items():
            wheel.writestr(each, text)


@pytest.mark.parametrize("required", ["present", "absent"])
def test_on_the_node_nothing_else_may_be_missing(tmp_path: Path, refused: Callable, required: str) -> None:
    ensurepip = pytest.importorskip("ensurepip")
    (pip,) = (Path(ensurepip.__file__).parent / "_bundled").glob("pip-*.whl")
    folder = tmp_path / "unpacked"
    (folder / "wheels").mkdir(parents=True)
    shutil.copy(pip, folder / "wheels")
    a_wheel(folder / "wheels", "ganad_kernel", "ganad-debugger>=1.6", f"ganad-{required}")
    a_wheel(folder / "wheels", "ganad_present")
    manifest = {
        "without": ["numpy"],
        "requirements": ["ganad-kernel", "numpy"],
        "left_out": {"ganad-debugger": "1.8.2"},
    }
    if required == "absent":
        with refused(BundleError, "without numpy", "No matching distribution found for ganad-absent"):
            unpack.install(folder, manifest)
        return
    assert unpack.install(folder, manifest)
    find = "import importlib.metadata as m; print(sorted(d.name for d in m.distributions() if 'ganad_' in d.name))"
    done = subprocess.run([folder / "venv" / "bin" / "python", "-c", find], capture_output=True, text=True)
    assert done.stdout.strip() == "['ganad_kernel', 'ganad_present']"  # the stand-in was only for the check


def test_a_notebook_is_executed_without_what_a_slim_bundle_leaves_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    absent = tmp_path / "absent"
    absent.mkdir()
    for name in (*wheels.SLIM, "parso"):
        (absent / f"{name}.py").write_text(f"raise ModuleNotFoundError('no {name} here', name='{name}')")
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(absent), str(ROOT)]))
    code = f"import sys\nprint(sorted({{*sys.modules}} & {set(wheels.SLIM)}))\n%timeit -n1 -r1 pass"
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(code)])
    nbformat.write(notebook, tmp_path / "in.ipynb")
    notebooks.run(tmp_path / "in.ipynb", tmp_path / "out.ipynb", {})
    assert "[]" in nbformat.read(tmp_path / "out.ipynb", 4).cells[0].outputs[0]["text"]


@pytest.mark.parametrize(("limit", "too_large"), [(60, False), (2, True)])
def test_the_command_says_how_large_a_bundle_is(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    no_pip: None,
    capsys: pytest.CaptureFixture,
    limit: int,
    too_large: bool,
) -> None:
    monkeypatch.chdir(ROOT)
    monkeypatch.setattr(command, "UPLOAD", limit)
    command.bundle(tmp_path / "made", python=HERE, platform=[LINUX], data=["none"])
    size = sum(path.stat().st_size for path in (tmp_path / "made").iterdir()) / MEGABYTE
    said = capsys.readouterr().out
    assert f" parts, {size:.1f} MB; data: none" in said
    assert ("the bundle is larger than 2 MB: --slim" in said) == too_large == ("larger" in said)


def test_the_backend_is_set_and_a_node_keeps_its_own_data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GANAD_DATA", "of-the-node")
    monkeypatch.setenv("KERAS_BACKEND", "tensorflow")
    found = unpack.environment(tmp_path, {"backend": "jax", "data": []})
    assert (found["KERAS_BACKEND"], found["GANAD_DATA"]) == ("jax", "of-the-node")
    assert found["GANAD_RESULTS"] == str(tmp_path / "results" / "survey.csv")
    assert unpack.environment(tmp_path, {"backend": "jax", "data": ["mnist"]})["GANAD_DATA"] == str(tmp_path / "data")
    monkeypatch.delenv("GANAD_DATA")
    assert unpack.environment(tmp_path, {"backend": "jax", "data": []})["GANAD_DATA"] == str(tmp_path / "data")


def test_what_unpacks_needs_nothing_installed() -> None:
    for node in ast.walk(ast.parse(Path(unpack.__file__).read_text())):
        if isinstance(node, (ast.Import, ast.ImportFrom)):
            modules = [alias.name for alias in node.names] if isinstance(node, ast.Import) else [node.module]
            assert set(modules) <= sys.stdlib_module_names


def test_another_python_is_refused(tmp_path: Path, no_pip: None) -> None:
    bundle.make(ROOT, tmp_path / "made", wanted(python="3.99"))
    for environment, words in (
        ({"PYTHON": sys.executable}, "is no Python 3.99, which this bundle is for"),
        ({"PYTHON": ""}, "there is no Python 3.99 here: name one in PYTHON"),
    ):
        script = ["sh", str(tmp_path / "made" / "run.sh")]
        done = subprocess.run(script, env=os.environ | environment, capture_output=True, text=True)
        assert done.returncode == 2 and words in done.stderr and done.stderr.count("\n") == 1
    done = subprocess.run([sys.executable, tmp_path / "made" / "unpack.py"], capture_output=True, text=True)
    assert done.returncode == 2 and f"the bundle is for Python 3.99, and this is {HERE}" in done.stderr


def without_results(checkout: Path) -> Path:
    """A copy of what is bundled, less the results: whatever they hold, there is something to run."""
    no_caches = shutil.ignore_patterns("__pycache__")
    for name in ("ganad", "ganad_book", "book/survey"):
        shutil.copytree(ROOT / name, checkout / name, ignore=no_caches)
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy2(ROOT / name, checkout)
    return checkout


@dear
@pytest.mark.slow
def test_a_bundle_runs_where_there_is_no_index(tmp_path: Path) -> None:
    """From its own files, but for what the node is said to have: that is this environment's."""
    with_data = data_file("mnist").exists()
    if not with_data:
        print(f"mnist is not at hand ({data_file('mnist')}): the sweep starts nothing, one run on the digits is done")
    words = ["--slim", "--without", ON_THE_NODE, "--data", "mnist" if with_data else "none", "--max-size", "5"]
    checkout = without_results(tmp_path / "checkout")
    made = subprocess.run([*CLI, "survey", "bundle", str(tmp_path / "made"), *words], cwd=checkout)
    assert made.returncode == 0
    assert max(path.stat().st_size for path in (tmp_path / "made").iterdir()) <= 5 * MEGABYTE
    held = {path.name.partition("-")[0] for path in (tmp_path / "made").glob("*.whl*")}
    assert {"ipykernel", "ipython"} <= held and not {"debugpy", "jedi", "parso"} & held

    node = tmp_path / "a node"  # with a space
    (node / "home").mkdir(parents=True)
    shutil.move(tmp_path / "made", node / "bundle")
    environment = {
        "PATH": "/usr/bin:/bin",
        "HOME": str(node / "home"),
        "PYTHON": sys.executable,
        "PIP_NO_INDEX": "1",
        "PIP_INDEX_URL": "http://127.0.0.1:9/none",
        "PIP_CONFIG_FILE": os.devnull,
    }

    def there(*command: str) -> str:
        done = subprocess.run(command, cwd=node, env=environment, capture_output=True, text=True, timeout=300)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    run = ["sh", "bundle/run.sh", "--only", "dataset=mnist,detector=pca_residual,class=2", "--jobs", "2"]
    folder = node / "bundle" / "unpacked"
    said = there(*run, *([] if with_data else ["--deadline", "0"]))
    assert f"unpacked into {folder}" in said and f"results: {folder / 'results' / 'survey.csv'}" in said

    python = str(folder / "venv" / "bin" / "python")
    modules = "ganad", "typer", "papermill", "rich", "pooch", "numpy"
    code = f"import sys, {', '.join(modules)}\nfor name in {modules}: print(sys.modules[name].__file__)"
    *own, of_the_node = there(python, "-c", code).splitlines()
    assert all(Path(path).is_relative_to(folder / "venv") for path in own), own
    assert not Path(of_the_node).is_relative_to(node)

    if with_data:
        assert " finished, 0 failed" in said
        rows = results.read(folder / "results" / "survey.csv").query(
            "dataset == 'mnist' and detector == 'pca_residual'"
        )
        assert "2" in rows["anomaly_class"].tolist()
    else:
        program = str(folder / "venv" / "bin" / "ganad")
        output = node / "out.ipynb"
        notebook = str(folder / "book" / "survey" / "one-run")
        there(
            program,
            "run",
            notebook,
            "--output",
            str(output),
            "-p",
            "detector",
            "pca_residual",
            "-p",
            "parameters",
            "{}",
        )
        assert "pca_residual" in json.dumps(json.loads(output.read_text()))
    again = there(*run, *([] if with_data else ["--deadline", "0"]))
    assert "unpacked into" not in again and "installed" not in again
    assert ("nothing to do" in again) == with_data
