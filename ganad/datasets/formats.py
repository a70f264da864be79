"""The publishers' files: IDX, npz, the pickles of CIFAR-10, and the rows of KDD Cup 99."""

import gzip
import io
import pickle
import tarfile
from pathlib import Path

import numpy as np


def _read_idx(path: Path) -> np.ndarray:
    with gzip.open(path) as file:
        raw = file.read()
    shape = np.frombuffer(raw, ">u4", raw[3], 4)
    return np.frombuffer(raw, np.uint8, offset=4 + 4 * raw[3]).reshape(shape)


def read_fashion(files: dict[str, Path]) -> tuple[np.ndarray, np.ndarray]:
    """Four IDX files: images (N, H, W) and labels, train and test pooled."""
    images, labels = (
        np.concatenate([_read_idx(path) for name, path in sorted(files.items()) if kind in name])
        for kind in ("images", "labels")
    )
    return images, labels


def read_npz(files: dict[str, Path]) -> tuple[np.ndarray, np.ndarray]:
    """Keras' archive (x_train, ...) or our own (x, y), train and test pooled."""
    (path,) = files.values()
    with np.load(path, allow_pickle=False) as archive:
        if "x" in archive:
            return archive["x"], archive["y"]
        images, labels = (np.concatenate([archive[f"{kind}_{part}"] for part in ("train", "test")]) for kind in "xy")
        return images, labels


class _ArraysOnly(pickle.Unpickler):
    """CIFAR-10 is published as pickles: read byte strings and arrays, refuse anything that could run."""

    def find_class(self, module: str, name: str):
        if (module.split(".")[0], name) in {("numpy", "_reconstruct"), ("numpy", "ndarray"), ("numpy", "dtype")}:
            return super().find_class(module, name)
        raise pickle.UnpicklingError(f"{module}.{name} has no place in CIFAR-10")


def read_cifar(files: dict[str, Path]) -> tuple[np.ndarray, np.ndarray]:
    """The Python version of CIFAR-10: images (N, H, W, 3) and labels, train and test pooled."""
    (path,) = files.values()
    images, labels = [], []
    with tarfile.open(path) as archive:
        for member in sorted(archive.getnames()):
            if "_batch" in member and (file := archive.extractfile(member)):
                batch = _ArraysOnly(io.BytesIO(file.read()), encoding="bytes").load()
                images.append(np.asarray(batch[b"data"], np.uint8).reshape(-1, 3, 32, 32).transpose(0, 2, 3, 1))
                labels.append(np.asarray(batch[b"labels"], np.uint8))
    return np.concatenate(images), np.concatenate(labels)


_KDD_COLUMNS = tuple(
    "duration protocol_type service flag src_bytes dst_bytes land wrong_fragment urgent hot num_failed_logins logged_in "
    "num_compromised root_shell su_attempted num_root num_file_creations num_shells num_access_files num_outbound_cmds "
    "is_host_login is_guest_login count srv_count serror_rate srv_serror_rate rerror_rate srv_rerror_rate same_srv_rate "
    "diff_srv_rate srv_diff_host_rate dst_host_count dst_host_srv_count dst_host_same_srv_rate dst_host_diff_srv_rate "
    "dst_host_same_src_port_rate dst_host_srv_diff_host_rate dst_host_serror_rate dst_host_srv_serror_rate "
    "dst_host_rerror_rate dst_host_srv_rerror_rate label".split()
)
_KDD_CATEGORIES = ("protocol_type", "service", "flag", "land", "logged_in", "is_host_login", "is_guest_login")


def read_kdd(raw: bytes) -> tuple[np.ndarray, np.ndarray, tuple[str, ...]]:
    """The unpacked file: float32 columns with one of n for categories, labels (1: normal), names of the columns."""
    texts = {"protocol_type": "U8", "service": "U16", "flag": "U8", "label": "U32"}
    kinds = [(name, texts.get(name, np.float32)) for name in _KDD_COLUMNS]
    table = np.loadtxt(io.BytesIO(raw), kinds, delimiter=",", ndmin=1)
    columns = {name: table[name] for name in _KDD_COLUMNS[:-1] if name not in _KDD_CATEGORIES}
    for name in _KDD_CATEGORIES:
        values, which = np.unique(table[name], return_inverse=True)
        columns |= {f"{name}_{_shown(value)}": which == i for i, value in enumerate(values)}
    x = np.empty((len(table), len(columns)), np.float32)
    for i, column in enumerate(columns.values()):
        x[:, i] = column
    return x, (table["label"] == "normal.").astype(int), tuple(columns)


def _shown(category: np.generic) -> str:
    """A category as it stands in the file: a text, or a whole number."""
    return str(category) if isinstance(category, np.str_) else str(int(category))
