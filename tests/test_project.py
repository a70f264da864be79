"""The files around the package: dependencies, lock, Makefile, workflows."""

import json
import re
import subprocess
import sys
import tomllib

import jsonschema
import pytest
import yaml
from small_book import ROOT

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
FOR_READERS = ("README.md", "pyproject.toml", "uv.lock", "Makefile", "environment.yml", "_config.yml", ".ci/run")


def requirement(text: str) -> tuple[str, frozenset[str]]:
    """A requirement's name and bounds."""
    name, bounds = re.fullmatch(r"([\w.-]+?)\s*((?:[<>=!~].*)?)", text).groups()
    return name.lower(), frozenset(bound.strip() for bound in bounds.split(",") if bound)


def test_environment_yml_asks_for_what_pyproject_asks_for() -> None:
    project = PROJECT["project"]
    wanted = [
        *project["dependencies"],
        *project["optional-dependencies"]["book"],
        *project["optional-dependencies"]["tensorflow"],
        *PROJECT["dependency-groups"]["dev"],
    ]
    wanted = {requirement(text) for text in wanted} | {("python", frozenset({project["requires-python"]}))}
    conda = yaml.safe_load((ROOT / "environment.yml").read_text())
    *listed, pip = conda["dependencies"]
    found = {
        requirement(text) for text in [*listed, *pip["pip"]] if text != "pip" and not text.startswith("--editable")
    }
    assert conda["name"] == project["name"]
    assert found == wanted


def test_version_is_said_once() -> None:
    import ganad

    assert PROJECT["project"]["version"] == ganad.__version__


def test_extras_are_those_of_the_contract() -> None:
    extras = PROJECT["project"]["optional-dependencies"]
    assert set(extras) == {"tensorflow", "gpu", "jax", "torch", "ray", "book", "bench"}
    assert extras["gpu"][0].startswith("tensorflow[and-cuda]")
    assert "jupyter-book>=1.0.4.post1,<2" in extras["book"]


def test_lock_is_of_this_pyproject_and_of_one_public_index() -> None:
    lock = (ROOT / "uv.lock").read_text()
    assert len(set(re.findall(r'registry = "([^"]+)"', lock))) == 1
    assert len(set(re.findall(r'url = "(\w+://[^/"]+)', lock))) == 1
    assert not re.search(r'"(?:file|http)://|localhost|"https://[^"/]*:', lock)
    ganad = next(package for package in tomllib.loads(lock)["package"] if package["name"] == "ganad")
    named = {item["name"] for item in ganad["metadata"]["requires-dist"]}
    wanted = [*PROJECT["project"]["dependencies"], *sum(PROJECT["project"]["optional-dependencies"].values(), [])]
    assert named == {re.match(r"[\w-]+", text)[0] for text in wanted}


def test_make_help_lists_every_target() -> None:
    makefile = (ROOT / "Makefile").read_text()
    targets = set(re.search(r"^\.PHONY: (.+)", makefile, re.MULTILINE)[1].split())
    for command in (["make"], ["make", "help"]):
        shown = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
        listed = re.findall(r"^  make (\w+) +(\S.*)$", shown, re.MULTILINE)
        assert {name for name, _ in listed} == targets
    assert targets >= {
        "help",
        "env",
        "book",
        "student",
        "test",
        "bench",
        "notebooks",
        "lint",
        "format",
        "torch",
        "clean",
    }


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_workflow_is_valid(path) -> None:
    # the base loader: to YAML 1.1 the key `on` is true
    workflow = yaml.load(path.read_text(), yaml.BaseLoader)
    jsonschema.validate(workflow, json.loads((ROOT / "tests" / "workflow.schema.json").read_text()))
    made = re.findall(
        r"\bmake (\w+)", " ".join(step.get("run", "") for job in workflow["jobs"].values() for step in job["steps"])
    )
    targets = re.findall(r"^(\w+):.*## ", (ROOT / "Makefile").read_text(), re.MULTILINE)
    assert set(made) <= set(targets)


def test_there_are_workflows_for_tests_and_pages() -> None:
    assert [path.name for path in WORKFLOWS] == ["publish.yml", "release.yml", "test.yml"]


def test_schema_refuses_what_is_no_workflow() -> None:
    schema = json.loads((ROOT / "tests" / "workflow.schema.json").read_text())
    workflow = yaml.load(WORKFLOWS[0].read_text(), yaml.BaseLoader)
    workflow["jobs"]["publish"]["steps"].append({"uses": "actions/checkout", "run": "true"})
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(workflow, schema)


def test_ci_runs_the_readmes_test_command_and_the_book() -> None:
    script = (ROOT / ".ci" / "run").read_text()
    assert "set -euo pipefail" in script
    assert re.search(r"make test$", script, re.MULTILINE) and re.search(r"^make book$", script, re.MULTILINE)
    assert "make test" in (ROOT / "README.md").read_text()
    assert subprocess.run(["bash", "-n", ROOT / ".ci" / "run"]).returncode == 0


@pytest.mark.parametrize("name", FOR_READERS)
def test_no_file_names_a_path_of_one_machine(name: str) -> None:
    text = (ROOT / name).read_text()
    assert not re.search(r"/(?:work|home|root|Users)/\w", text)


def test_notebooks_are_linted() -> None:
    listed = subprocess.run(
        [sys.executable, "-m", "ruff", "check", "--show-files"], cwd=ROOT, capture_output=True, text=True
    )
    assert ".ipynb" in listed.stdout
