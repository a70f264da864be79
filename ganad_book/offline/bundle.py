"""A sweep for a machine without network: ganad, the wheels it needs and the data, in files of a chosen size.

The folder holds the parts of every file, ``MANIFEST.json`` that says how they are joined and what their sha256 is, and
``run.sh``, which with ``unpack.py`` (:mod:`ganad_book.offline.unpack`) unpacks, installs and runs them.
"""

import hashlib
import json
import shutil
import stat
import tempfile
import tomllib
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from ganad import __version__, datasets
from ganad_book.offline import unpack, wheels
from ganad_book.offline.unpack import MANIFEST, BundleError
from ganad_book.sweep import grid

NOTEBOOKS = Path("book", "survey")
MEGABYTE = 1_000_000
LEAST = MEGABYTE
"""Smallest size of files, in bytes: the manifest has to fit, and is not cut."""

_RUN = """\
#!/bin/sh
# Unpacks this bundle of ganad without a network, once, and runs `ganad survey run` in it with the words given here:
#   sh run.sh --only dataset=mnist,detector=egbad --jobs 2
# PYTHON names the Python to use, GANAD_FOLDER where to unpack (default: the folder `unpacked` beside this script).
set -eu
here=$(CDPATH= cd -- "$(dirname -- "$0")" && pwd)
fits() { "$1" -c 'import sys; sys.exit("%d.%d" % sys.version_info[:2] != "@python@")' 2> /dev/null; }
if [ -n "${PYTHON:-}" ]; then
  fits "$PYTHON" || { echo "ganad: PYTHON=$PYTHON is no Python @python@, which this bundle is for" >&2; exit 2; }
else
  for PYTHON in python@python@ python3 python ""; do if fits "$PYTHON"; then break; fi; done
fi
[ -n "$PYTHON" ] || { echo "ganad: there is no Python @python@ here: name one in PYTHON" >&2; exit 2; }
exec "$PYTHON" "$here/unpack.py" "$@"
"""
_SCRIPTS = ("run.sh", "unpack.py", MANIFEST)


@dataclass(frozen=True)
class Wanted:
    """What a bundle is asked to hold.

    Attributes
    ----------
    python : str
        The node's, ``3.12``.
    platforms : tuple of str
        pip's tags, as they were asked for.
    backend : str
        ``jax``, ``tensorflow`` or ``torch``.
    cuda : bool
        Whether the backend is to bring CUDA along.
    without : tuple of str
        Packages the node has.
    data : tuple of str, or None
        Names of data sets; None for those of the grid that are at hand.
    max_size : int
        Bytes that no file exceeds.
    slim : bool
        Whether to leave out :data:`ganad_book.offline.wheels.SLIM`.
    """

    python: str
    platforms: tuple[str, ...]
    backend: str = "jax"
    cuda: bool = False
    without: tuple[str, ...] = ()
    data: tuple[str, ...] | None = None
    max_size: int = 60 * MEGABYTE
    slim: bool = False


def make(root: Path, folder: Path, wanted: Wanted, say: Callable[[str], object] = print) -> dict[str, Any]:
    """Make a bundle of the checkout at ``root``; it appears whole or not at all, in the place of an older one.

    Needs pip and a package index, also for ganad's own wheel, which hatchling builds.

    Returns
    -------
    dict
        The manifest.

    Raises
    ------
    BundleError
        If something was asked for that cannot be, the folder holds other files, or pip fails: with its reason.
    DatasetError
        If a data set is unknown, not at hand, or not as published.
    """
    folder = folder.absolute()
    if not (root / NOTEBOOKS).exists() or not (root / "pyproject.toml").exists():
        raise BundleError(f"{NOTEBOOKS} is not here: run this in a checkout of ganad")
    if wanted.max_size < LEAST:
        raise BundleError(f"--max-size is at least {LEAST // MEGABYTE} MB: {MANIFEST} is not cut")
    refuse_foreign(folder)
    platforms = wheels.compatible(wanted.platforms)
    roots = _roots(root, wanted, platforms[0])
    data = data_files(wanted.data, say)
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix=f".{folder.name}-") as place:
        work = Path(place)
        collected, left_out = _wheels(root, roots, wanted, platforms, work / "wheels", say)
        files = {f"wheels/{path.name}": path for path in collected}
        files |= {f"data/{path.name}": path for path in data.values()}
        sources = [root / "results" / "survey.csv", *sorted((root / NOTEBOOKS).glob("*.ipynb"))]
        files |= {path.relative_to(root).as_posix(): path for path in sources if path.exists()}
        said = _description(wanted, roots, data) | {"left_out": left_out}
        manifest = write(work / "bundle", files, said, wanted.max_size)
        if folder.exists():
            folder.rename(work / "older")
        (work / "bundle").rename(folder)
    return manifest


def _roots(root: Path, wanted: Wanted, platform: str) -> list:
    project = tomllib.loads((root / "pyproject.toml").read_text("utf-8"))["project"]
    answers = wheels.marker_environment(wanted.python, platform)
    return [*wheels.requirements(project, wanted.backend, wanted.cuda, answers), Requirement("pip")]


def _wheels(
    root: Path, roots: list, wanted: Wanted, platforms: list[str], folder: Path, say: Callable[[str], object]
) -> tuple[list[Path], dict[str, str]]:
    """The wheels, and of each package that ``slim`` leaves out its version."""
    without = {canonicalize_name(name) for name in wanted.without} - {"pip"}  # the bundle's own installs it
    slim = set(wheels.SLIM if wanted.slim else ()) - without
    say(f"wheels for Python {wanted.python} on {', '.join(wanted.platforms)}, {wanted.backend}")
    left = wheels.collect(roots, wanted.python, platforms, without | slim, folder)
    for name in sorted(without - left.keys()):
        say(f"--without {name}: nothing needs it")
    # its requirements name a framework that the bundle need not hold, so it is never resolved with the others
    wheels.call(wheels.pip(), "wheel", "--no-deps", f"--wheel-dir={folder}", str(root.absolute()))
    return sorted(folder.glob("*.whl")), {name: left[name] for name in sorted(slim & left.keys())}


def _description(wanted: Wanted, roots: list, data: dict[str, Path]) -> dict[str, Any]:
    return {
        "ganad": __version__,
        "python": wanted.python,
        "platforms": list(wanted.platforms),
        "backend": wanted.backend,
        "cuda": wanted.cuda,
        "without": sorted(wanted.without),
        "requirements": [str(each) for each in roots],
        "data": sorted(data),
    }


def refuse_foreign(folder: Path) -> None:
    """Raise :class:`BundleError` if a folder holds anything but an older bundle, which may be replaced."""
    if not folder.exists():
        return
    if not folder.is_dir():
        raise BundleError(f"{folder} is a file: name a folder")
    own = set(_SCRIPTS)
    if (folder / MANIFEST).exists():
        own |= {part["name"] for file in unpack.read_manifest(folder)["files"] for part in file["parts"]}
    if foreign := sorted(path.name for path in folder.iterdir() if path.name not in own):
        raise BundleError(f"{folder} holds {foreign[0]}, which is of no bundle: name another folder")


def data_files(names: Iterable[str] | None, say: Callable[[str], object] = print) -> dict[str, Path]:
    """Files of data sets, checked, by name; what comes with scikit-learn has none.

    Parameters
    ----------
    names : iterable of str, or None
        Those that are wanted, where ``none`` is no name; None for what the grid needs and is at hand.

    Raises
    ------
    DatasetError
        If one is unknown, not at hand, or not as published.
    """
    if names is None:
        needed = [name for name in dict.fromkeys(run.data for run in grid.runs()) if datasets.source(name)]
        names = [name for name in needed if datasets.data_file(name).exists()]
        if absent := [name for name in needed if name not in names]:
            say(f"not at hand, so not in the bundle: {', '.join(absent)}")
    wanted = [name for name in dict.fromkeys(names) if name != "none"]
    published = [name for name in wanted if datasets.source(name)]
    for name in published:
        datasets.check(name)
    return {name: datasets.data_file(name) for name in published}


def write(folder: Path, files: dict[str, Path], description: dict[str, Any], size: int) -> dict[str, Any]:
    """Write the parts of files, the manifest and the scripts into a new folder; returns the manifest.

    Parameters
    ----------
    folder : Path
    files : dict
        Of each name within the unpacked folder, the file.
    description : dict
        What else the manifest says.
    size : int
        Bytes that no file exceeds.

    Raises
    ------
    BundleError
        If the manifest does.
    """
    folder.mkdir()
    entries = [{"name": name, **cut(path, folder, size)} for name, path in files.items()]
    manifest = {**description, "files": entries}
    (folder / MANIFEST).write_text(json.dumps(manifest, indent=1) + "\n", "utf-8")
    shutil.copyfile(unpack.__file__, folder / "unpack.py")
    script = folder / "run.sh"
    script.write_text(_RUN.replace("@python@", description["python"]), "utf-8")
    script.chmod(script.stat().st_mode | stat.S_IXUSR | stat.S_IXGRP | stat.S_IXOTH)
    if any((folder / name).stat().st_size > size for name in _SCRIPTS):
        raise BundleError(f"{MANIFEST} itself is larger than --max-size: there are too many parts, choose a larger one")
    return manifest


def cut(path: Path, folder: Path, size: int) -> dict[str, Any]:
    """Copy a file into a folder, in parts ``NAME.part-000`` of at most so many bytes if it is larger.

    Returns
    -------
    dict
        ``size`` and ``sha256`` of the file, and ``parts``: each one's ``name``, ``size``, ``sha256``.
    """
    whole = path.stat().st_size
    count = max(1, -(-whole // size))
    parts, total = [], hashlib.sha256()
    with path.open("rb") as source:
        for place in range(count):
            part = folder / (path.name if count == 1 else f"{path.name}.part-{place:03d}")
            parts.append(_part(source, part, size, total))
    return {"size": whole, "sha256": total.hexdigest(), "parts": parts}


def _part(source: Any, part: Path, size: int, total: Any) -> dict[str, Any]:
    own, left = hashlib.sha256(), size
    with part.open("xb") as target:  # two files of one name would be one
        while block := source.read(min(left, MEGABYTE)):
            for digest in (own, total):
                digest.update(block)
            target.write(block)
            left -= len(block)
    return {"name": part.name, "size": size - left, "sha256": own.hexdigest()}
