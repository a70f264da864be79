"""What of ganad is timed, prepared as a :class:`benchmarks.timing.Job`; and the networks that peers are timed with."""

import functools
from typing import Any

import numpy as np

from benchmarks.timing import Job
from ganad.backends import backend
from ganad.detectors import ALAD, EGBAD, AnoGAN, GANomaly
from ganad.training.adversarial import Game
from ganad.training.batching import SIZES

KDD, SMALL, LARGE = (121,), (28, 28, 1), (32, 32, 1)
SEARCH_STEPS, TIMED_STEPS, QUERY_STEPS = 500, 50, 20
"""Of a search over images, all and those that are timed, which all cost the same; and of a search over rows."""


def samples(count: int, shape: tuple[int, ...]) -> np.ndarray:
    """Random samples in [-1, 1], float32: for speeds, what they show does not matter."""
    return np.random.default_rng(0).uniform(-1, 1, (count, *shape)).astype(np.float32)


def prepared(detector: Any, shape: tuple[int, ...]) -> dict:
    """The untrained networks of a detector, its hyper-parameters settled."""
    return detector._begin(shape, SIZES[-1])


def training(detector: Any, shape: tuple[int, ...], rows: int) -> Job:
    """The detector's compiled loop over data on the device, as ``fit`` drives it."""
    return looping(detector._game(prepared(detector, shape), 1), detector.reference_["batch_size"], shape, rows)


def looping(game: Game, size: int, shape: tuple[int, ...], rows: int) -> Job:
    """The compiled loop of a game over data on the device, in batches of this size."""
    data = backend().resident(samples(rows, shape))
    order = backend().to_device(np.random.default_rng(0).integers(0, rows, (50_000, size), np.int32))
    return Job(lambda steps: game.run((data,), order, 0, steps), samples=size, units=20 if len(shape) == 1 else 2)


def scoring(detector: Any, shape: tuple[int, ...]) -> Job:
    """``decision_function``'s pass over two calls' worth of samples."""
    detector._adopt(prepared(detector, shape))
    x = samples(2 * SIZES[-1], shape)
    return Job(lambda times: [detector._score(x) for _ in range(times)], samples=len(x))


def egbad_kdd(turns: str = "alternating") -> Job:
    """EGBAD's training on rows of KDD's width, batches of 50."""
    return training(EGBAD(turns=turns), KDD, 20_000)


def egbad_images(turns: str = "alternating") -> Job:
    """EGBAD's training on 28x28 images, batches of 100."""
    return training(EGBAD(turns=turns), SMALL, 2_000)


egbad_kdd_simultaneous = functools.partial(egbad_kdd, "simultaneous")
egbad_images_simultaneous = functools.partial(egbad_images, "simultaneous")


def alad_kdd() -> Job:
    """ALAD's training on rows of KDD's width, batches of 50, without spectral normalisation: PyOD's has none."""
    return training(ALAD(spectral_normalization=False), KDD, 20_000)


def ganomaly_training() -> Job:
    """GANomaly's training on 32x32x1 images, batches of 64."""
    return training(GANomaly(), LARGE, 2_000)


def ganomaly_scoring() -> Job:
    """GANomaly's score of 32x32x1 images."""
    return scoring(GANomaly(), LARGE)


def search_networks() -> tuple:
    """Generator and discriminator of the search over images, those of :mod:`benchmarks.peers.plain_torch`."""
    import keras
    from keras import layers

    z, image = keras.Input((100,)), keras.Input(SMALL)
    h = layers.Reshape((7, 7, 128))(layers.Dense(6272, activation="relu")(z))
    h = layers.Conv2DTranspose(64, 4, 2, padding="same", activation="relu")(h)
    generator = keras.Model(z, layers.Conv2DTranspose(1, 4, 2, padding="same", activation="tanh")(h))
    h = layers.LeakyReLU(0.2)(layers.Conv2D(64, 4, 2, padding="same")(image))
    features = layers.Flatten()(layers.LeakyReLU(0.2)(layers.Conv2D(128, 4, 2, padding="same")(h)))
    return generator, keras.Model(image, [features[:, :1], features])


def anogan_images() -> Job:
    """A search of 500 steps for each of 64 images of 28x28."""
    from ganad.search.latent import LatentSearch, draw_starts

    search = LatentSearch(*search_networks(), steps=TIMED_STEPS)
    x, starts = samples(64, SMALL), draw_starts(1, 100, 0)
    part = TIMED_STEPS / SEARCH_STEPS
    return Job(lambda times: [search.search(x, starts) for _ in range(times)], samples=part * len(x))


def anogan_kdd() -> Job:
    """A search of 20 steps for each of 16,384 rows of KDD's width."""
    detector, x = AnoGAN(steps=QUERY_STEPS), samples(16_384, KDD)
    detector._adopt(prepared(detector, KDD))
    return Job(lambda times: [detector._score(x) for _ in range(times)], samples=len(x))
