"""Where the data sets come from, and the check that they are what was published."""

import gzip
import hashlib
import pickle
import tarfile
import tempfile
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np

from ganad.datasets.contents import (
    CorruptDatasetError,
    Dataset,
    DatasetError,
    DatasetUnavailableError,
    UnknownDatasetError,
    data_folder,
    digests,
)
from ganad.datasets.downloading import download
from ganad.datasets.embedded import CLASS_NAMES, EMBEDDED, embedded
from ganad.datasets.formats import read_kdd, read_npz
from ganad.datasets.published import SOURCES, Source

NAMES = (*SOURCES, *EMBEDDED)
"""Every name :func:`load_dataset` knows."""


def source(name: str) -> Source | None:
    """Publisher, licence, checksums and fingerprint; None for an embedded data set.

    Raises
    ------
    UnknownDatasetError
    """
    if name in EMBEDDED:
        return None
    if name not in SOURCES:
        raise UnknownDatasetError(f"no data set is called {name!r}: choose one of {', '.join(NAMES)}")
    return SOURCES[name]


def class_names(name: str) -> tuple[str, ...]:
    """Names of the classes; no data set is read for it.

    Raises
    ------
    UnknownDatasetError
    """
    return origin.class_names if (origin := source(name)) else CLASS_NAMES[name]


def data_file(name: str) -> Path:
    """The one file a downloadable data set is kept in."""
    return data_folder() / ("kddcup.data_10_percent.gz" if name == "kddcup99" else f"{name}.npz")


def load_dataset(name: str) -> Dataset:
    """A data set by name: from the data folder, from scikit-learn, or downloaded and kept.

    Parameters
    ----------
    name : str
        One of ``mnist``, ``fashion_mnist``, ``cifar10``, ``kddcup99``, ``digits``, ``breast_cancer``, or ``digits28``: the digits
        enlarged to 28x28, nine deformed versions of each, to choose settings on that no table of the survey has data of.

    Raises
    ------
    UnknownDatasetError
        For any other name.
    DatasetUnavailableError
        If it has to be downloaded and cannot be, or its folder cannot be written.
    CorruptDatasetError
        If its file cannot be read, or its content is not the published one.
    """
    if source(name) is None:
        return embedded(name)
    path = data_file(name)
    if not path.exists():
        fetch(name)
    return _read(name, path)


def check(name: str) -> str:
    """Read a data set that is at hand and compare its fingerprint; returns one line that says what was found.

    Raises
    ------
    DatasetError
        As :func:`load_dataset`, but nothing is downloaded.
    """
    if source(name) is not None and not data_file(name).exists():
        raise DatasetUnavailableError(f"{name} is not in {data_folder()}: get it with `ganad data fetch {name}`")
    data = load_dataset(name)
    return f"{name}: {len(data.x):,} samples of shape {data.x.shape[1:]}, {len(data.class_names)} classes, content as published"


def fetch(name: str, progress: bool = True) -> Path | None:
    """Download a data set into the data folder unless it is there; returns its file (None if embedded).

    The finished file appears under its name in one step: an interrupted download leaves nothing behind.

    Raises
    ------
    DatasetError
        As :func:`load_dataset`.
    """
    origin = source(name)
    if origin is None:
        return None
    path = data_file(name)
    if path.exists():
        _read(name, path)
        return path
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=path.parent, prefix=f".{name}-") as folder:
            files = {file: download(origin, file, Path(folder), progress) for file in origin.files}
            part = Path(folder) / path.name
            if (read := origin.read) and part.name not in files:
                images, labels = _decode(name, lambda: read(files))
                np.savez_compressed(part, x=images, y=labels)
            _read(name, part)
            part.replace(path)
    except DatasetError:
        raise
    except OSError as error:
        raise DatasetUnavailableError(
            f"{path.parent} cannot be written ({error.strerror or error}): set GANAD_DATA to a folder that can"
        ) from error
    return path


def _read(name: str, path: Path) -> Dataset:
    if name == "kddcup99":
        return _read_kdd(path)
    images, labels = _decode(name, lambda: read_npz({path.name: path}), path)
    prints = digests(images, labels)
    found = hashlib.sha256(b"".join(sorted(prints))).hexdigest()
    if found != SOURCES[name].fingerprint:
        raise CorruptDatasetError(
            f"{path} does not hold {name} as published ({len(images):,} images, fingerprint {found[:12]}...): "
            f"remove it and run `ganad data fetch {name}`"
        )
    order = sorted(range(len(prints)), key=prints.__getitem__)
    images = images.reshape(*images.shape[:3], -1)
    return Dataset(name, images[order], labels[order].astype(int), SOURCES[name].class_names)


def _decode(name: str, read: Callable, path: Path | None = None) -> tuple[np.ndarray, np.ndarray]:
    """Images (N, H, W[, C]) and labels (N,), uint8; whatever a damaged file makes a reader raise, as one line."""
    try:
        images, labels = (np.asarray(array, np.uint8) for array in read())
        labels = labels.reshape(len(images))
        if images.ndim != 3 and not (images.ndim == 4 and images.shape[3] in (1, 3)):
            raise ValueError(f"images of shape {images.shape[1:]}")
    except (ValueError, TypeError, KeyError, EOFError, OSError, IndexError, zipfile.BadZipFile, zlib.error,
            tarfile.TarError, pickle.UnpicklingError) as error:  # fmt: skip
        raise CorruptDatasetError(
            f"{path or name} cannot be read ({type(error).__name__}: {error}): "
            f"it is truncated or no {name}; remove it and run `ganad data fetch {name}`"
        ) from error
    return images, labels


def _read_kdd(path: Path) -> Dataset:
    origin = SOURCES["kddcup99"]
    try:
        with gzip.open(path) as file:
            raw = file.read()
    except (OSError, EOFError, zlib.error) as error:
        raise CorruptDatasetError(
            f"{path} cannot be read ({type(error).__name__}: {error}): remove it and run `ganad data fetch kddcup99`"
        ) from error
    if hashlib.md5(raw, usedforsecurity=False).hexdigest() != origin.fingerprint:
        raise CorruptDatasetError(
            f"{path} does not hold the 10 % file of KDD Cup 1999 as published: remove it and run `ganad data fetch kddcup99`"
        )
    columns, labels, names = read_kdd(raw)
    return Dataset("kddcup99", columns, labels, origin.class_names, names)
