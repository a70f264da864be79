"""Who publishes which data set, under what licence, and what its files must hold."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ganad.datasets.formats import read_cifar, read_fashion, read_npz


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


SOURCES = {
    "mnist": Source(
        files={"mnist.npz": "731c5ac602752760c8e48fbffcf8c3b850d9dc2a2aedcf2cc48468fc17b673d1"},
        folder="https://storage.googleapis.com/tensorflow/tf-keras-datasets/",
        page="http://yann.lecun.com/exdb/mnist/",
        licence="CC BY-SA 3.0",
        fingerprint="211c44732b21b49dcee3393c4c23e32fb3726964612715c16242f87231d975bd",
        class_names=tuple("0123456789"),
        read=read_npz,
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
        read=read_fashion,
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
        read=read_cifar,
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
