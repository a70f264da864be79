"""The wheels that a sweep needs on another machine: which, and getting them by pip.

pip chooses wheels for another Python, but asks its *own* Python whether a requirement such as
``tomli; python_version < "3.11"`` applies.  So what it has chosen is gone through here with the other machine's answers:
what it left out is asked for, what is not needed is left out.
"""

import json
import re
import shutil
import subprocess
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.tags import platform_tags
from packaging.utils import canonicalize_name

from ganad_book.offline.unpack import BundleError, reason

BACKENDS = {"jax": "cuda12", "tensorflow": "and-cuda", "torch": ""}
"""Each framework's extra for CUDA; PyTorch's wheels on the public index have it in them."""

SLIM = frozenset({"debugpy", "jedi"})
"""The debugger and the completion engine: ipykernel and IPython require them, and start without them."""

_FOR_A_RUN = {"ipykernel", "matplotlib", "nbformat", "packaging", "pandas", "papermill", "pyyaml", "typer"}
_LEGACY = {"manylinux1": 5, "manylinux2010": 12, "manylinux2014": 17}
_PLATFORM = re.compile(r"(manylinux_2_\d+|manylinux1|manylinux20\d\d|musllinux_1_\d+|macosx_\d+_\d+|linux)_([a-z]\w*)")


def this_platform() -> str:
    """The newest tag that wheels for the running machine may have."""
    every = list(platform_tags())
    return next((tag for tag in every if not tag.startswith("linux")), every[0])


def compatible(platforms: Iterable[str]) -> list[str]:
    """Every tag a machine takes that takes these: manylinux_2_28 also runs what was built for 2_17.

    macOS's are left to pip, which knows them.

    Raises
    ------
    BundleError
        If one is no tag of Linux or macOS, or two are of different machines.
    """
    found, kinds, platforms = [], set(), list(platforms)
    for tag in platforms:
        if not (match := _PLATFORM.fullmatch(tag)):
            raise BundleError(f"--platform takes pip's tags of Linux or macOS, as manylinux_2_28_x86_64, not {tag!r}")
        system, machine = match.groups()
        kinds.add((system.startswith("macosx"), machine))
        found += [f"{older}_{machine}" for older in _older(system)]
    if len(kinds) > 1:
        raise BundleError(f"{', '.join(platforms)} are different machines: one bundle is for one of them")
    return list(dict.fromkeys(found))


def _older(system: str) -> list[str]:
    name, _, minor = system.rpartition("_")
    if system in _LEGACY:
        name, minor = "manylinux_2", _LEGACY[system]
    if name not in ("manylinux_2", "musllinux_1"):
        return [system]
    found = [f"{name}_{older}" for older in range(int(minor), -1, -1)]
    legacy = [older for older, needs in _LEGACY.items() if name == "manylinux_2" and needs <= int(minor)]
    return [*found, *legacy]


def marker_environment(python: str, platform: str) -> dict[str, str]:
    """The answers of a CPython (``3.12``) on a platform to the questions that requirements ask."""
    system, machine = _PLATFORM.fullmatch(platform).groups()
    return {
        "implementation_name": "cpython",
        "implementation_version": f"{python}.0",
        "os_name": "posix",
        "platform_machine": machine,
        "platform_python_implementation": "CPython",
        "platform_release": "",
        "platform_system": "Darwin" if system.startswith("macosx") else "Linux",
        "platform_version": "",
        "python_full_version": f"{python}.0",
        "python_version": python,
        "sys_platform": "darwin" if system.startswith("macosx") else "linux",
    }


def requirements(
    project: Mapping[str, Any], backend: str, cuda: bool, environment: dict[str, str]
) -> list[Requirement]:
    """What a run needs: ganad's own requirements with one framework, and of the book's what executes a notebook.

    Parameters
    ----------
    project : dict
        The table ``project`` of pyproject.toml.
    backend, cuda
        One of :data:`BACKENDS`, and whether it is to run on CUDA.
    environment : dict
        Of :func:`marker_environment`.

    Raises
    ------
    BundleError
        If the backend is unknown, or the Python is too old or no version.
    """
    if backend not in BACKENDS:
        raise BundleError(f"--backend is one of {', '.join(BACKENDS)}, not {backend!r}")
    python = environment["python_version"]
    if not re.fullmatch(r"3\.\d+", python) or not SpecifierSet(project["requires-python"]).contains(f"{python}.0"):
        raise BundleError(f"--python takes a version such as 3.12 ({project['requires-python']}), not {python!r}")
    extras = project["optional-dependencies"]
    own = [Requirement(text) for text in [*project["dependencies"], *extras.get(backend, ())]]
    of_book = [Requirement(text) for text in extras["book"]]
    every = [each for each in own if each.name not in BACKENDS or each.name == backend]
    every += [each for each in of_book if canonicalize_name(each.name) in _FOR_A_RUN]
    for each in every:
        if each.name == backend and cuda and BACKENDS[backend]:
            each.extras = {BACKENDS[backend]}
    return [_bare(each) for each in every if not each.marker or each.marker.evaluate(environment)]


def _bare(requirement: Requirement) -> Requirement:
    bare = Requirement(str(requirement))
    bare.marker = None
    return bare


def closure(
    roots: Iterable[Requirement], found: Mapping[str, Mapping[str, Any]], without: set[str], environment: dict[str, str]
) -> tuple[set[str], list[Requirement], set[str]]:
    """Of packages that were found: what the roots need, by way of whatever is not left out.

    Parameters
    ----------
    roots : iterable of Requirement
    found : dict
        Of each package's canonical name its metadata, as pip reports it: ``version``, ``requires_dist``.
    without : set of str
        Canonical names that are left out, and what only they need with them.
    environment : dict
        Of :func:`marker_environment`.

    Returns
    -------
    tuple
        Names that are needed; requirements that nothing found meets; names of ``without`` that something needs.
    """
    needed, missing, left, seen, todo = set(), {}, set(), set(), list(roots)
    while todo:
        requirement = todo.pop()
        name = canonicalize_name(requirement.name)
        if name in without:
            left.add(name)
            continue
        if name not in found or not requirement.specifier.contains(found[name]["version"], prereleases=True):
            missing[str(_bare(requirement))] = _bare(requirement)
            continue
        needed.add(name)
        for extra in {"", *requirement.extras} - {extra for known, extra in seen if known == name}:
            seen.add((name, extra))
            asked = map(Requirement, found[name].get("requires_dist", ()))
            todo += [each for each in asked if not each.marker or each.marker.evaluate(environment | {"extra": extra})]
    return needed, list(missing.values()), left


def pip() -> list[str]:
    """The command of a pip: this Python's own, else (uv makes environments without) another's.

    Raises
    ------
    BundleError
        If there is none.
    """
    own, any_, by_uv = [sys.executable, "-m", "pip"], ["python3", "-m", "pip"], ["uv", "run", "--no-project", "--with"]
    for command in (own, any_, [*by_uv, "pip", "python", "-m", "pip"]):
        found = shutil.which(command[0])
        if found and subprocess.run([*command, "--version"], capture_output=True).returncode == 0:
            return command
    raise BundleError("there is no pip here: add it with `python -m ensurepip`")


def call(command: list[str], *words: str) -> None:
    """Call pip; :class:`BundleError` with its reason if it fails."""
    done = subprocess.run(
        [*command, *words, "--disable-pip-version-check", "--no-input"], capture_output=True, text=True
    )
    if done.returncode:
        raise BundleError(f"pip {words[0]}: {reason(done.stderr)}")


def collect(
    roots: list[Requirement], python: str, platforms: list[str], without: set[str], folder: Path
) -> dict[str, str | None]:
    """Download into ``folder`` the wheels that the roots need on another machine, but for those left out.

    Returns
    -------
    dict
        Of each name of ``without`` that something needs, the version that pip would have taken; None if pip was not asked.

    Raises
    ------
    BundleError
        If pip finds no wheel for that machine: with its reason.
    """
    command, report = pip(), folder / "report.json"
    folder.mkdir(parents=True, exist_ok=True)
    target = ["--only-binary=:all:", "--implementation=cp", f"--python-version={python}"]
    target += [f"--platform={tag}" for tag in platforms]
    environment = marker_environment(python, platforms[0])
    asked = [each for each in roots if canonicalize_name(each.name) not in without]
    missing = asked
    while missing:  # ends: each round asks for more, and a requirement that was asked for is met or pip fails
        words = ["--dry-run", "--ignore-installed", f"--target={folder}", f"--report={report}", *target]
        call(command, "install", *words, *map(str, asked))
        metadata = [item["metadata"] for item in json.loads(report.read_text("utf-8"))["install"]]
        found = {canonicalize_name(item["name"]): item for item in metadata}
        names, missing, left = closure(roots, found, without, environment)
        asked = [*asked, *missing]
    pins = [f"{name}=={found[name]['version']}" for name in sorted(names)]
    call(command, "download", "--no-deps", f"--dest={folder}", *target, *pins)
    report.unlink()
    return {name: found[name]["version"] if name in found else None for name in left}
