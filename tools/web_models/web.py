"""The files from which the pages play: one script for each model, and a manifest of them all."""

import hashlib
import json
import os
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from ganad import __version__
from ganad.errors import GanadError
from ganad_book import notebooks
from tools.web_models.models import Exported, every
from tools.web_models.stills import write_still

FORMAT = "ganad-web-1"
FOLDER = Path("book", "_static", "play", "weights")
"""Where the pages look for them, below the book's root."""


class ExportError(GanadError, ValueError):
    """An export cannot be made as asked: one line that says why."""


def export(root: Path, folder: Path, wanted: Iterable[str], anew: bool, tell: Callable[[str], None]) -> list[str]:
    """Train what is wanted and not there yet, and write it; an export goes on where it was stopped.

    Parameters
    ----------
    root : Path
        The checkout of the book, for the chapters' parameters.
    folder : Path
        Where ``NAME.js`` and ``manifest.json`` go.
    wanted : iterable of str
        Names or their beginnings, such as "egbad" or "egbad-3"; none: everything.
    anew : bool
        Also what is there with the same parameters.
    tell : callable
        Is told a line about each model.

    Returns
    -------
    list of str
        The names of what was made.

    Raises
    ------
    ExportError
        If a name fits nothing, or this is not the root of the book.
    """
    folder.mkdir(parents=True, exist_ok=True)
    made = []
    for model in _chosen(list(wanted)):
        parameters = model.parameters(_parameters(root, model.chapter))
        known = manifest(folder).get(model.name)
        if known and known["parameters"] == parameters and not anew and _intact(folder, model.name, known):
            tell(f"{model.name:<18} kept")
            continue
        start = time.time()
        facts = _write(folder, model, parameters)
        _note(folder, model.name, facts | {"train_seconds": round(time.time() - start, 1)})
        tell(f"{model.name:<18} {facts['size'] / 1000:.0f} kB")
        made.append(model.name)
    return made


def manifest(folder: Path) -> dict[str, dict[str, Any]]:
    """What lies in a folder of exports: for each name its chapter, parameters, size, sha256 and figures.

    Raises
    ------
    ExportError
        If its manifest cannot be read.
    """
    path = folder / "manifest.json"
    if not path.exists():
        return {}
    try:
        listed = json.loads(path.read_text("utf-8"))
        if listed["format"] != FORMAT:
            raise ExportError(f"{path} has the format {listed['format']!r}, this version writes {FORMAT!r}: delete it")
        return listed["models"]
    except (ValueError, KeyError, TypeError) as error:
        if isinstance(error, ExportError):
            raise
        raise ExportError(f"{path} is no manifest of exported models: delete it") from error


def read(folder: Path, name: str) -> dict[str, Any]:
    """What an exported file holds."""
    _, _, content = (folder / f"{name}.js").read_text("utf-8").partition(", ")
    return json.loads(content.rstrip().removesuffix(");"))


def _chosen(wanted: list[str]) -> list[Exported]:
    models = every()
    for name in wanted:
        if not any(_fits(model, name) for model in models):
            raise ExportError(
                f"nothing to export is called {name!r}: {', '.join(sorted({_family(m) for m in models}))}"
            )
    return [model for model in models if not wanted or any(_fits(model, name) for name in wanted)]


def _family(model: Exported) -> str:
    return model.name if model.anomaly_class is None else model.name.rpartition("-")[0]


def _fits(model: Exported, name: str) -> bool:
    return name in (model.name, _family(model))


def _parameters(root: Path, chapter: str) -> dict[str, Any]:
    path = root / f"{chapter}.ipynb"
    if not path.exists():
        raise ExportError(f"there is no {chapter}.ipynb here: run this in the folder of the book")
    return taken(notebooks.parameters(notebooks.read(path)))


def taken(parameters: dict[str, Any]) -> dict[str, Any]:
    """A chapter's parameters without the number of its training runs: one model is exported, that of the first seed."""
    return {name: value for name, value in parameters.items() if name != "seeds"}


def _write(folder: Path, model: Exported, parameters: dict[str, Any]) -> dict[str, Any]:
    import keras

    content = model.make(parameters)
    # a script and not JSON: a page that is opened as a file may load no other kind
    text = f'ganad.arrived("{model.name}", {json.dumps(content, separators=(",", ":"))});\n'
    part = folder / f".{model.name}.part"
    part.write_text(text, "utf-8")
    os.replace(part, folder / f"{model.name}.js")
    write_still(content, model.name, folder)
    figures = {name: content[name] for name in ("auprc", "auroc", "prevalence") if name in content}
    return {
        "chapter": model.chapter,
        "parameters": parameters,
        "backend": keras.backend.backend(),
        "version": __version__,
        "size": len(text),
        "sha256": hashlib.sha256(text.encode()).hexdigest(),
        **figures,
    }


def _intact(folder: Path, name: str, known: dict[str, Any]) -> bool:
    path = folder / f"{name}.js"
    return path.exists() and hashlib.sha256(path.read_bytes()).hexdigest() == known["sha256"]


def _note(folder: Path, name: str, facts: dict[str, Any]) -> None:
    models = manifest(folder) | {name: facts}
    part = folder / ".manifest.part"
    listed = {"format": FORMAT, "models": {key: models[key] for key in sorted(models)}}
    part.write_text(json.dumps(listed, indent=1) + "\n", "utf-8")
    os.replace(part, folder / "manifest.json")
