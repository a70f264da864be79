"""AnoGAN's latent search beside the searches one would use instead, and f-AnoGAN's single pass.

Every search takes all 500 steps.  The 28x28 cases share one pair of networks (dense, two transposed convolutions; two
convolutions), the KDD cases their packages' own.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

REPEATS, STEPS = 2, 500
TITLE = "Scoring, samples per second (searches of 500 steps)"


@dataclass(frozen=True)
class Case:
    """One way of scoring: how many samples a repeat takes, and on which backend."""

    run: str  # the function below that returns the scoring to be timed
    samples: int
    backend: str = "tensorflow"


CASES = {
    "28x28 search": Case("_ours", 128),
    "28x28 search, PyTorch one by one": Case("_torch_one_by_one", 3, "torch"),
    "28x28 search, PyTorch batched by 64": Case("_torch_batched", 64, "torch"),
    "KDD search": Case("_kdd", 1024),
    "KDD search, PyOD's query": Case("_pyod", 10, "torch"),
    "28x28 AnoGAN": Case("_anogan", 64),
    "28x28 AnoGAN, f-AnoGAN in one pass": Case("_f_anogan", 8192),
}


def peer_of(name: str) -> str:
    """The case of ours that a case is compared with."""
    return name.split(", ")[0]


def measure(name: str) -> list[float]:
    """Samples per second of a case, once for each repeat, after a warm-up."""
    case, rates = CASES[name], []
    shape = (121,) if "KDD" in name else (28, 28, 1)
    x = np.random.default_rng(0).uniform(-1, 1, (case.samples, *shape)).astype(np.float32)
    score = globals()[case.run](x)
    for _ in range(REPEATS):
        start = time.perf_counter()
        score(x)
        rates.append(len(x) / (time.perf_counter() - start))
    return rates


def _ours(x: np.ndarray) -> Callable:
    import keras
    from keras import layers

    from ganad.generative.latent_search import LatentSearch, draw_starts

    z, image = keras.Input((100,)), keras.Input((28, 28, 1))
    h = layers.Reshape((7, 7, 128))(layers.Dense(6272, activation="relu")(z))
    h = layers.Conv2DTranspose(64, 4, 2, padding="same", activation="relu")(h)
    generator = keras.Model(z, layers.Conv2DTranspose(1, 4, 2, padding="same", activation="tanh")(h))
    h = layers.LeakyReLU(0.2)(layers.Conv2D(64, 4, 2, padding="same")(image))
    features = layers.Flatten()(layers.LeakyReLU(0.2)(layers.Conv2D(128, 4, 2, padding="same")(h)))
    discriminator = keras.Model(image, [features[:, :1], features])
    search = LatentSearch(generator, discriminator, steps=STEPS)
    search.search(x[:64], draw_starts(1, 100, 0))
    return lambda x: search.search(x, draw_starts(1, 100, 0))


def _torch_one_by_one(x: np.ndarray) -> Callable:
    search = _torch_batched(x[:1])
    return lambda x: [search(x[i : i + 1]) for i in range(len(x))]


def _torch_batched(x: np.ndarray) -> Callable:
    from ganad.backends.plain_torch import anogan_search

    anogan_search(100, 10)(x)
    return anogan_search(100, STEPS)


def _untrained(name: str, x: np.ndarray) -> Callable:
    from ganad.detectors import detector_class

    detector = detector_class(name)()
    detector.reference_ = detector._reference(x.shape[1:])
    detector._adopt(detector._networks(x.shape[1:]))
    detector._score(x[:64])
    return detector._score


def _kdd(x: np.ndarray) -> Callable:
    return _untrained("anogan", x)


def _anogan(x: np.ndarray) -> Callable:
    return _untrained("anogan", x)


def _f_anogan(x: np.ndarray) -> Callable:
    return _untrained("f_anogan", x)


def _pyod(x: np.ndarray) -> Callable:
    """Its search runs inside ``fit`` (its ``decision_function`` makes none), after a training that is kept to one epoch."""
    from pyod.models.anogan import AnoGAN

    return lambda x: AnoGAN(epochs=1, epochs_query=STEPS, batch_size=len(x)).fit(x)
