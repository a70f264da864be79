"""Detectors: ``fit`` on normal samples, ``decision_function`` on any, higher is more anomalous."""

import importlib
import os
from typing import Any

from ganad.backends import need_framework

DETECTORS = {
    "anogan": ("anogan", "AnoGAN"),
    "f_anogan": ("f_anogan", "FAnoGAN"),
    "egbad": ("egbad", "EGBAD"),
    "ganomaly": ("ganomaly", "GANomaly"),
    "adgan": ("adgan", "ADGAN"),
    "alad": ("alad", "ALAD"),
    "autoencoder": ("autoencoder", "Autoencoder"),
    "vae": ("vae", "VAE"),
    "median_distance": ("classical", "MedianDistance"),
    "nearest_neighbour": ("classical", "NearestNeighbour"),
    "pca_residual": ("classical", "PCAResidual"),
    "isolation_forest": ("classical", "IsolationForest"),
}
"""Name in files and tables -> module, class."""

__all__ = [*(cls for _, cls in DETECTORS.values()), "detector_class", "load_detector"]


def __getattr__(attribute: str) -> Any:
    """Load a detector's module on first use: the classical ones need no framework."""
    for module, cls in DETECTORS.values():
        if cls == attribute:
            if module != "classical":
                need_framework()
            return getattr(importlib.import_module(f"{__name__}.{module}"), cls)
    raise AttributeError(f"module {__name__!r} has no attribute {attribute!r}")


def detector_class(name: str) -> type:
    """The class behind a name of files and tables.

    Raises
    ------
    ValueError
        If there is none.
    """
    if name not in DETECTORS:
        raise ValueError(f"no detector is called {name!r}: choose one of {', '.join(DETECTORS)}")
    return __getattr__(DETECTORS[name][1])


def load_detector(path: str | os.PathLike) -> Any:
    """A detector written by its ``save``; same scores.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    ValueError
        If the file is not a saved detector: the message says why.
    """
    from ganad.detectors.base import restore

    return restore(path, detector_class)
