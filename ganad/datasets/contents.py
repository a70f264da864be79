"""What a data set is, how its content is told from another, and what is raised if it cannot be had."""

import hashlib
import os
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from ganad.errors import GanadError


class DatasetError(GanadError):
    """A data set cannot be had: the message says which file, where, and what would help."""


class UnknownDatasetError(DatasetError, KeyError):
    """No data set has this name."""

    def __str__(self) -> str:
        return self.args[0]


class DatasetUnavailableError(DatasetError, OSError):
    """The data set is neither at hand nor to be downloaded, or its folder cannot be written."""


class CorruptDatasetError(DatasetError, ValueError):
    """A file is truncated, unreadable, or does not hold what was published."""


@dataclass(frozen=True)
class Dataset:
    """A data set, train and test part pooled.

    Attributes
    ----------
    name : str
    x : ndarray
        (N, H, W, C) uint8 images or (N, F) float32 columns.
    y : ndarray of int, (N,)
        Index into ``class_names``.
    class_names : tuple of str
    feature_names : tuple of str
        Names of the columns of a table; empty for images.
    """

    name: str
    x: np.ndarray = field(repr=False)
    y: np.ndarray = field(repr=False)
    class_names: tuple[str, ...]
    feature_names: tuple[str, ...] = field(default=(), repr=False)


def data_folder() -> Path:
    """``GANAD_DATA`` if it is set, else the user's cache folder."""
    if os.environ.get("GANAD_DATA"):
        return Path(os.environ["GANAD_DATA"]).expanduser()
    import pooch

    return Path(pooch.os_cache("ganad"))


def fingerprint(images: np.ndarray, labels: np.ndarray) -> str:
    """sha256 over the sorted sha256 of ``bytes([label]) + image``: blind to order, split and file format."""
    return hashlib.sha256(b"".join(sorted(digests(images, labels)))).hexdigest()


def digests(images: np.ndarray, labels: np.ndarray) -> list[bytes]:
    """Of each image with its label, the sha256; sorted by it, a data set is in one canonical order."""
    images = np.ascontiguousarray(images, np.uint8)
    return [
        hashlib.sha256(bytes([label]) + image.tobytes()).digest()
        for label, image in zip(labels.tolist(), images, strict=True)
    ]
