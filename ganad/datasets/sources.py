"""Where the data sets come from, and the check that they are what was published."""

import functools
import gzip
import hashlib
import io
import os
import pickle
import tarfile
import tempfile
import warnings
import zipfile
import zlib
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from ganad.datasets.deforming import deformed


class DatasetError(Exception):
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


@dataclass(frozen=True)
class Source:
    """A data set's publisher: files with their sha256, how to read them, and what they must hold."""

    files: dict[str, str]
    folder: str
    page: str
    licence: str
    fingerprint: str
    class_names: tuple[str, ...]
    read: Callable[[dict[str, Path]], tuple[np.ndarray, np.ndarray]] | None = None


def _read_idx(path: Path) -> np.ndarray:
    with gzip.open(path) as file:
        raw = file.read()
    shape = np.frombuffer(raw, ">u4", raw[3], 4)
    return np.frombuffer(raw, np.uint8, offset=4 + 4 * raw[3]).reshape(shape)


def _read_fashion(files: dict[str, Path]) -> tuple[np.ndarray, np.ndarray]:
    images, labels = (
        np.concatenate([_read_idx(path) for name, path in sorted(files.items()) if kind in name])
        for kind in ("images", "labels")
    )
    return images, labels


def _read_npz(files: dict[str, Path]) -> tuple[np.ndarray, np.ndarray]:
    (path,) = files.values()
    with np.load(path, allow_pickle=False) as archive:
        if "x" in archive:
            return archive["x"], archive["y"]
        return tuple(np.concatenate([archive[f"{kind}_{part}"] for part in ("train", "test")]) for kind in "xy")


class _ArraysOnly(pickle.Unpickler):
    """CIFAR-10 is published as pickles: read byte strings and arrays, refuse anything that could run."""

    def find_class(self, module: str, name: str):
        if (module.split(".")[0], name) in {("numpy", "_reconstruct"), ("numpy", "ndarray"), ("numpy", "dtype")}:
            return super().find_class(module, name)
        raise pickle.UnpicklingError(f"{module}.{name} has no place in CIFAR-10")


def _read_cifar(files: dict[str, Path]) -> tuple[np.ndarray, np.ndarray]:
    (path,) = files.values()
    images, labels = [], []
    with tarfile.open(path) as archive:
        for member in sorted(archive.getnames()):
            if "_batch" in member:
                batch = _ArraysOnly(io.BytesIO(archive.extractfile(member).read()), encoding="bytes").load()
                images.append(np.asarray(batch[b"data"], np.uint8).reshape(-1, 3, 32, 32).transpose(0, 2, 3, 1))
                labels.append(np.asarray(batch[b"labels"], np.uint8))
    return np.concatenate(images), np.concatenate(labels)


SOURCES = {
    "mnist": Source(
        files={"mnist.npz": "731c5ac602752760c8e48fbffcf8c3b850d9dc2a2aedcf2cc48468fc17b673d1"},
        folder="https://storage.googleapis.com/tensorflow/tf-keras-datasets/",
        page="http://yann.lecun.com/exdb/mnist/",
        licence="CC BY-SA 3.0",
        fingerprint="211c44732b21b49dcee3393c4c23e32fb3726964612715c16242f87231d975bd",
        class_names=tuple("0123456789"),
        read=_read_npz,
    ),
    "fashion_mnist": Source(
        files={
            "train-images-idx3-ubyte.gz": "3aede38d61863908ad78613f6a32ed271626dd12800ba2636569512369268a84",
            "train-labels-idx1-ubyte.gz": "a04f17134ac03560a47e3764e11b92fc97de4d1bfaf8ba1a3aa29af54cc90845",
            "t10k-images-idx3-ubyte.gz": "346e55b948d973a97e58d2351dde16a484bd415d4595297633bb08f03db6a073",
            "t10k-labels-idx1-ubyte.gz": "67da17c76eaffca5446c3361aaab5c3cd6d1c2608764d35dfb1850b086bf8dd5",
        },
        folder="http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/",
        page="https://github.com/zalandoresearch/fashion-mnist",
        licence="MIT",
        fingerprint="edc4193580cb9c4a16eb4f8e6b3bd4d0bbdec803c5e2628e350cd02607cb2802",
        class_names=(
            "T-shirt/top", "trouser", "pullover", "dress", "coat", "sandal", "shirt", "sneaker", "bag", "ankle boot",
        ),
        read=_read_fashion,
    ),
    "cifar10": Source(
        files={"cifar-10-python.tar.gz": "6d958be074577803d12ecdefd02955f39262c83c16fe9348329d7fe0b5c001ce"},
        folder="https://www.cs.toronto.edu/~kriz/",
        page="https://www.cs.toronto.edu/~kriz/cifar.html",
        licence="no licence stated; cite Krizhevsky 2009",
        fingerprint="5f656dc7a5afad1e4df9801a66f1127bd67dd0d1ba6f13cf84ded60fb5f38908",
        class_names=(
            "airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck",
        ),
        read=_read_cifar,
    ),
    "kddcup99": Source(
        files={"kddcup.data_10_percent.gz": "8045aca0d84e70e622d1148d7df782496f6333bf6eb979a1b0837c42a9fd9561"},
        folder="http://kdd.ics.uci.edu/databases/kddcup99/",
        page="https://archive.ics.uci.edu/dataset/130/kdd+cup+1999+data",
        licence="CC BY 4.0",
        fingerprint="eb43ac454e61166f88aad7943ef1e079",
        class_names=("attack", "normal"),
    ),
}  # fmt: skip
EMBEDDED = {"digits": "load_digits", "digits28": "load_digits", "breast_cancer": "load_breast_cancer"}
VERSIONS = 9
"""Of each digit in ``digits28``: enough for 10,000 training images."""

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


@functools.cache
def class_names(name: str) -> tuple[str, ...]:
    """Names of the classes; a published data set is not read for it.

    Raises
    ------
    UnknownDatasetError
    """
    return origin.class_names if (origin := source(name)) else _embedded(name).class_names


def data_folder() -> Path:
    """``GANAD_DATA`` if it is set, else the user's cache folder."""
    if os.environ.get("GANAD_DATA"):
        return Path(os.environ["GANAD_DATA"]).expanduser()
    import pooch

    return Path(pooch.os_cache("ganad"))


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
        return _embedded(name)
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
            files = {file: _download(origin, file, Path(folder), progress) for file in origin.files}
            part = Path(folder) / path.name
            if name != "kddcup99" and part.name not in files:
                images, labels = _decode(name, lambda: origin.read(files))
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


def _download(origin: Source, file: str, folder: Path, progress: bool) -> Path:
    import pooch
    import requests

    pooch.get_logger().setLevel("WARNING")  # the bar says what is downloaded
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            fetched = pooch.retrieve(
                origin.folder + file,
                known_hash=f"sha256:{origin.files[file]}",
                fname=file,
                path=folder,
                downloader=pooch.HTTPDownloader(progressbar=_RichBar(file) if progress else False, timeout=30),
            )
    except requests.RequestException as error:
        raise DatasetUnavailableError(
            f"{file} cannot be downloaded ({type(error).__name__}): get it from {origin.page} "
            f"and put it, or NAME.npz with x_train, y_train, x_test, y_test, into {data_folder()}"
        ) from error
    except ValueError as error:  # pooch's word for a wrong checksum
        raise CorruptDatasetError(
            f"{file} from {origin.folder} has the wrong sha256: the download was damaged or the publisher changed it; "
            "try again, or get it from " + origin.page
        ) from error
    return Path(fetched)


class _RichBar:
    """A Rich progress bar behind the interface pooch wants (`total`, `update`, `reset`, `close`)."""

    def __init__(self, file: str) -> None:
        from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TransferSpeedColumn

        self._bar = Progress(TextColumn(file), BarColumn(), DownloadColumn(), TransferSpeedColumn())
        self._task = self._bar.add_task(file, total=None)
        self.total = 0

    def update(self, size: int) -> None:
        self._bar.start()
        self._bar.update(self._task, advance=size, total=self.total or None)

    def reset(self) -> None:
        self._bar.reset(self._task)

    def close(self) -> None:
        self._bar.stop()


def _read(name: str, path: Path) -> Dataset:
    if name == "kddcup99":
        return _read_kdd(path)
    images, labels = _decode(name, lambda: _read_npz({path.name: path}), path)
    digests = _digests(images, labels)
    found = hashlib.sha256(b"".join(sorted(digests))).hexdigest()
    if found != SOURCES[name].fingerprint:
        raise CorruptDatasetError(
            f"{path} does not hold {name} as published ({len(images):,} images, fingerprint {found[:12]}...): "
            f"remove it and run `ganad data fetch {name}`"
        )
    order = sorted(range(len(digests)), key=digests.__getitem__)
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


def fingerprint(images: np.ndarray, labels: np.ndarray) -> str:
    """sha256 over the sorted sha256 of ``bytes([label]) + image``: blind to order, split and file format."""
    return hashlib.sha256(b"".join(sorted(_digests(images, labels)))).hexdigest()


def _digests(images: np.ndarray, labels: np.ndarray) -> list[bytes]:
    images = np.ascontiguousarray(images, np.uint8)
    return [
        hashlib.sha256(bytes([label]) + image.tobytes()).digest()
        for label, image in zip(labels.tolist(), images, strict=True)
    ]


def _embedded(name: str) -> Dataset:
    from sklearn import datasets

    bunch = getattr(datasets, EMBEDDED[name])()
    classes = tuple(str(label) for label in bunch.target_names)
    if name == "breast_cancer":
        return Dataset(name, bunch.data.astype(np.float32), bunch.target, classes, tuple(bunch.feature_names))
    images = np.round(bunch.images * (255 / 16)).astype(np.uint8)  # published as 0..16
    digests = _digests(images, bunch.target)
    order = sorted(range(len(digests)), key=digests.__getitem__)
    images, labels = images[order], bunch.target[order].astype(int)
    if name == "digits28":
        images = np.round(deformed(_enlarged(images), VERSIONS)).astype(np.uint8)
        labels = np.repeat(labels, VERSIONS)
    return Dataset(name, images[..., None], labels, classes)


def _enlarged(images: np.ndarray) -> np.ndarray:
    """8x8 to 20x20, linearly between the pixels, in a frame of 4 as MNIST has it."""
    weights = np.maximum(0, 1 - np.abs(np.linspace(0, 7, 20)[:, None] - np.arange(8)))
    return np.pad(weights @ images @ weights.T, ((0, 0), (4, 4), (4, 4)))


_KDD_COLUMNS = tuple(
    "duration protocol_type service flag src_bytes dst_bytes land wrong_fragment urgent hot num_failed_logins logged_in "
    "num_compromised root_shell su_attempted num_root num_file_creations num_shells num_access_files num_outbound_cmds "
    "is_host_login is_guest_login count srv_count serror_rate srv_serror_rate rerror_rate srv_rerror_rate same_srv_rate "
    "diff_srv_rate srv_diff_host_rate dst_host_count dst_host_srv_count dst_host_same_srv_rate dst_host_diff_srv_rate "
    "dst_host_same_src_port_rate dst_host_srv_diff_host_rate dst_host_serror_rate dst_host_srv_serror_rate "
    "dst_host_rerror_rate dst_host_srv_rerror_rate label".split()
)
_KDD_CATEGORIES = ("protocol_type", "service", "flag", "land", "logged_in", "is_host_login", "is_guest_login")


def _read_kdd(path: Path) -> Dataset:
    import pandas as pd

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
    table = pd.read_csv(io.BytesIO(raw), header=None, names=_KDD_COLUMNS)
    labels = (table.pop("label") == "normal.").to_numpy().astype(int)
    table = pd.get_dummies(table, columns=list(_KDD_CATEGORIES), dtype=np.float32)
    return Dataset("kddcup99", table.to_numpy(np.float32), labels, origin.class_names, tuple(table.columns))
