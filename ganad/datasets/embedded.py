"""The data sets that come with scikit-learn, and the larger one made of its digits."""

import numpy as np

from ganad.datasets.contents import Dataset, digests
from ganad.datasets.deforming import deformed

EMBEDDED = {"digits": "load_digits", "digits28": "load_digits", "breast_cancer": "load_breast_cancer"}
_TEN = tuple("0123456789")
CLASS_NAMES = {"digits": _TEN, "digits28": _TEN, "breast_cancer": ("malignant", "benign")}
"""As scikit-learn has them; here, so that nothing has to be read or deformed for a name."""
VERSIONS = 9
"""Of each digit in ``digits28``: enough for 10,000 training images."""


def embedded(name: str) -> Dataset:
    """One of :data:`EMBEDDED`."""
    from sklearn import datasets

    bunch = getattr(datasets, EMBEDDED[name])()
    classes = tuple(str(label) for label in bunch.target_names)
    if name == "breast_cancer":
        return Dataset(name, bunch.data.astype(np.float32), bunch.target, classes, tuple(bunch.feature_names))
    images = np.round(bunch.images * (255 / 16)).astype(np.uint8)  # published as 0..16
    prints = digests(images, bunch.target)
    order = sorted(range(len(prints)), key=prints.__getitem__)
    images, labels = images[order], bunch.target[order].astype(int)
    if name == "digits28":
        images = np.round(deformed(_enlarged(images), VERSIONS)).astype(np.uint8)
        labels = np.repeat(labels, VERSIONS)
    return Dataset(name, images[..., None], labels, classes)


def _enlarged(images: np.ndarray) -> np.ndarray:
    """8x8 to 20x20, linearly between the pixels, in a frame of 4 as MNIST has it."""
    weights = np.maximum(0, 1 - np.abs(np.linspace(0, 7, 20)[:, None] - np.arange(8)))
    return np.pad(weights @ images @ weights.T, ((0, 0), (4, 4), (4, 4)))
