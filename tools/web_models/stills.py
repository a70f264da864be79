"""The pictures that stand in the page where the playable part cannot: made of what was exported, without a framework."""

import base64
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from ganad_book import plots


def _images(listed: list, key: str) -> np.ndarray:
    return np.array([each[key] for each in listed], np.float32).reshape(len(listed), 8, 8) / 127.5 - 1


def _difference(samples: list) -> np.ndarray:
    return np.abs(_images(samples, "pixels") - _images(samples, "made"))


def _of_both(samples: list, count: int = 5) -> list:
    kinds = ([each for each in samples if each["anomalous"] == kind][:count] for kind in (False, True))
    return [each for kind in kinds for each in kind]


def detector_still(content: dict[str, Any]) -> Figure:
    """Five normal samples and five anomalies: the image, what is made of it, where they differ, the score."""
    samples = _of_both(content["samples"])
    rows = {
        "image": _images(samples, "pixels"),
        "made of it": _images(samples, "made"),
        "|residual|": _difference(samples),
    }
    figure = plots.images(rows, len(samples))
    for axis, each in zip(figure.axes, samples, strict=False):
        axis.set_title(
            f"{each['score']:.3g}", fontsize=8, loc="center", color=plots.ANOMALY if each["anomalous"] else plots.NORMAL
        )
    return figure


def walk_still(content: dict[str, Any]) -> Figure:
    """What the generator draws on the walk that was exported with it."""
    return plots.images({"$G(z)$": _images(content["walk"], "made")}, len(content["walk"]))


def back_still(content: dict[str, Any]) -> Figure:
    """There and back: samples, and what encoder and generator make of them."""
    samples = _of_both(content["samples"])
    return plots.images({"$x$": _images(samples, "pixels"), "$G(E(x))$": _images(samples, "made")}, len(samples))


def film_still(content: dict[str, Any]) -> Figure:
    """The first normal query and the first anomaly, and where their searches stand at six moments."""
    samples, steps = content["samples"], content["steps"]
    frames = (
        np.frombuffer(base64.b64decode(content["bytes"]), np.uint8).reshape(len(samples), len(steps), 8, 8) / 127.5 - 1
    )
    moments = [steps.index(step) for step in (0, 10, 30, 100, 200, 500)]
    rows = {}
    for kind, name in ((False, "normal"), (True, "anomalous")):
        k = next(k for k, each in enumerate(samples) if each["anomalous"] == kind)
        query = _images([samples[k]], "pixels")
        rows[f"{name} query, search"] = np.concatenate([query, frames[k, moments]])
    figure = plots.images(rows, len(moments) + 1)
    for axis, text in zip(figure.axes, ["query", *(f"{steps[m]} steps" for m in moments)], strict=False):
        axis.set_title(text, fontsize=8, loc="center")
    return figure


STILLS: dict[str, Callable[[dict[str, Any]], Figure]] = {
    "gan": walk_still,
    "conditional-gan": walk_still,
    "bigan": back_still,
    "anogan": film_still,
    "egbad-0": detector_still,
    "f-anogan-0": detector_still,
    "ganomaly-0": detector_still,
}


def write_still(content: dict[str, Any], name: str, folder: Path) -> None:
    """The picture of a model, if it is one that a page shows first, as ``NAME.png``."""
    import matplotlib.pyplot as plt

    if name in STILLS:
        with plt.rc_context():
            plots.use_style()
            figure = STILLS[name](content)
            part = folder / f".{name}.part"
            figure.savefig(part, format="png", dpi=120)
            plt.close(figure)
        part.replace(folder / f"{name}.png")
