"""Unpacks a bundle of ``ganad survey bundle`` and runs the sweep in it, without a network.

Of the standard library alone: a copy lies in every bundle, whose ``run.sh`` starts it before anything is installed.
"""

import fcntl
import hashlib
import json
import os
import shutil
import subprocess
import sys
import sysconfig
import tempfile
import zipfile
from pathlib import Path
from typing import Any

MANIFEST = "MANIFEST.json"
_BLOCK = 1 << 20


class BundleError(Exception):
    """A bundle cannot be made or unpacked: one line that says why, and what would do."""


def sha256(path: Path) -> str:
    """Of a file, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def join(bundle: Path, entry: dict[str, Any], target: Path) -> None:
    """Write a file from its parts.

    Parameters
    ----------
    bundle : Path
        Folder of the parts.
    entry : dict
        One of the manifest's ``files``.
    target : Path
        Where the file goes; what is there is replaced.

    Raises
    ------
    BundleError
        If a part is missing, or a checksum is not the manifest's.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    with target.open("wb") as file:
        for part in entry["parts"]:
            _append(bundle / part["name"], part["sha256"], file)
    if sha256(target) != entry["sha256"]:
        raise BundleError(f"{entry['name']} is not what was bundled, though its parts are: make the bundle again")


def _append(part: Path, expected: str, file: Any) -> None:
    digest = hashlib.sha256()
    try:
        with part.open("rb") as content:
            while block := content.read(_BLOCK):
                digest.update(block)
                file.write(block)
    except FileNotFoundError as error:
        raise BundleError(f"{part} is missing: copy it again") from error
    if digest.hexdigest() != expected:
        raise BundleError(f"{part} is damaged, its sha256 is not the manifest's: copy it again")


def unpack(bundle: Path, folder: Path) -> bool:
    """Join every file of a bundle into a folder, which appears whole; returns whether there was anything to do.

    Raises
    ------
    BundleError
        If a file is missing or damaged, or the folder holds something else, such as another bundle's results.
    """
    if folder.exists():
        if not _same(bundle / MANIFEST, folder / MANIFEST):
            raise BundleError(f"{folder} is not of this bundle: move it away, or name another folder in GANAD_FOLDER")
        return False
    part = folder.with_name(f".{folder.name}.part")
    shutil.rmtree(part, ignore_errors=True)
    for entry in read_manifest(bundle)["files"]:
        join(bundle, entry, part / entry["name"])
    shutil.copyfile(bundle / MANIFEST, part / MANIFEST)
    part.rename(folder)
    return True


def _same(one: Path, other: Path) -> bool:
    return one.exists() and other.exists() and one.read_bytes() == other.read_bytes()


def read_manifest(bundle: Path) -> dict[str, Any]:
    """What a bundle says it holds.

    Raises
    ------
    BundleError
        If it says nothing that can be read.
    """
    try:
        return json.loads((bundle / MANIFEST).read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise BundleError(f"{bundle / MANIFEST} cannot be read ({type(error).__name__}): copy it again") from error


def install(folder: Path, manifest: dict[str, Any]) -> bool:
    """Make ``folder/venv`` from the wheels in ``folder/wheels``; returns whether there was anything to do.

    An environment without its stamp is begun again.  The stamp names the folder: scripts hold absolute paths.

    Raises
    ------
    BundleError
        If pip refuses a wheel, or the node lacks a package that the bundle was made without.
    """
    venv = folder / "venv"
    stamp = venv / ".complete"
    if stamp.exists() and stamp.read_text("utf-8") == str(folder):
        return False
    shutil.rmtree(venv, ignore_errors=True)
    # without pip: Debian's Python has it only with one package more, and the bundle brings its own
    command = [sys.executable, "-m", "venv", "--without-pip", *(["--system-site-packages"] * bool(manifest["without"]))]
    subprocess.run([*command, str(venv)], check=True)
    if manifest["without"]:
        _see_the_nodes_packages(venv)
    wheels = sorted((folder / "wheels").glob("*.whl"))
    _pip(venv, wheels, "pip cannot install the bundle", "--no-deps", "--ignore-installed", *map(str, wheels))
    if manifest["without"]:  # what is there already is left as it is; what is not is said
        lacking = f"the bundle was made without {', '.join(manifest['without'])}, and this Python lacks some of it"
        with tempfile.TemporaryDirectory() as place:
            stand_ins = [_stand_in(Path(place), *each) for each in manifest["left_out"].items()]
            found = ["--dry-run", f"--find-links={place}"] if stand_ins else []
            _pip(venv, wheels, lacking, *found, *manifest["requirements"])
    stamp.write_text(str(folder), "utf-8")
    return True


def _see_the_nodes_packages(venv: Path) -> None:
    # --system-site-packages shows those of the Python that an environment was made from, not the environment's own
    if sys.prefix != sys.base_prefix:
        inside = sysconfig.get_path("purelib", "venv", {"base": str(venv), "platbase": str(venv)})
        outside = dict.fromkeys(sysconfig.get_path(kind) for kind in ("purelib", "platlib"))
        Path(inside, "node.pth").write_text("\n".join(outside) + "\n", "utf-8")


def _stand_in(folder: Path, name: str, version: str) -> Path:
    """An empty wheel: with it pip can check all requirements but the package that a slim bundle leaves out on purpose."""
    stem = f"{name.replace('-', '_')}-{version}"
    path = folder / f"{stem}-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as wheel:
        wheel.writestr(f"{stem}.dist-info/METADATA", f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")
        wheel.writestr(f"{stem}.dist-info/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        wheel.writestr(f"{stem}.dist-info/RECORD", "")
    return path


def _pip(venv: Path, wheels: list[Path], failure: str, *words: str) -> None:
    (own,) = (path for path in wheels if path.name.startswith("pip-"))
    command = [str(venv / "bin" / "python"), str(own / "pip"), "install", "--isolated", "--no-index", "--quiet", *words]
    environment = {**os.environ, "PIP_CONFIG_FILE": os.devnull}  # whatever an administrator wrote there
    done = subprocess.run(command, capture_output=True, text=True, env=environment)
    if done.returncode:
        raise BundleError(f"{failure}: {reason(done.stderr)}")


def reason(said: str) -> str:
    """The line in which pip says why it failed."""
    errors = [line.partition("ERROR:")[2].strip() for line in said.splitlines() if "ERROR:" in line]
    clear = [line for line in errors if line.startswith("No matching distribution")]
    return (clear or errors or said.strip().splitlines()[-1:] or ["it says nothing"])[0]


def environment(folder: Path, manifest: dict[str, Any]) -> dict[str, str]:
    """Variables of the sweep: the backend, where its results go, and its data unless the bundle has none."""
    found = {**os.environ, "KERAS_BACKEND": manifest["backend"], "GANAD_RESULTS": str(results_file(folder))}
    if manifest["data"] or not found.get("GANAD_DATA"):
        found["GANAD_DATA"] = str(folder / "data")
    return found


def results_file(folder: Path) -> Path:
    """Where an unpacked bundle keeps its results."""
    return folder / "results" / "survey.csv"


def prepare(bundle: Path, folder: Path) -> dict[str, Any]:
    """Unpack and install, unless that is done, with other processes kept out; returns the manifest."""
    manifest = read_manifest(bundle)
    if manifest["python"] != (here := f"{sys.version_info.major}.{sys.version_info.minor}"):
        raise BundleError(f"the bundle is for Python {manifest['python']}, and this is {here}: name one in PYTHON")
    folder.parent.mkdir(parents=True, exist_ok=True)
    with folder.with_name(f".{folder.name}.lock").open("a+") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if unpack(bundle, folder):
            print(f"unpacked into {folder}", flush=True)
        if install(folder, manifest):
            print(f"installed {len(list((folder / 'wheels').glob('*.whl')))} wheels into {folder / 'venv'}", flush=True)
    return manifest


def main(words: list[str]) -> None:
    """``run.sh``: prepare, say where the results go, and become ``ganad survey run`` with these words."""
    bundle = Path(__file__).absolute().parent
    folder = Path(os.environ.get("GANAD_FOLDER") or bundle / "unpacked").absolute()
    try:
        manifest = prepare(bundle, folder)
    except (BundleError, OSError, subprocess.CalledProcessError) as error:
        print("ganad:", error, file=sys.stderr)
        sys.exit(2)
    print(f"results: {results_file(folder)}", flush=True)
    os.chdir(folder)
    # in this process's place, so that whatever ends the job ends the sweep itself
    program = str(folder / "venv" / "bin" / "ganad")
    os.execve(program, [program, "survey", "run", *words], environment(folder, manifest))


if __name__ == "__main__":
    main(sys.argv[1:])
