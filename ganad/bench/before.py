"""ganad as it would be without one of its measures, so that the benchmark can say what each is worth."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cached_property
from unittest.mock import patch

import keras

from ganad.adversarial import Game
from ganad.backends import backend
from ganad.bench import ours
from ganad.bench.peers.plain_tensorflow import one_by_one
from ganad.bench.timing import Job
from ganad.detectors import EGBAD, GANomaly
from ganad.generative.bigan import BiGANPlay


def by_call() -> Job:
    """EGBAD's step on rows, compiled, but called from Python once a batch."""
    game, size = game_of(EGBAD(), ours.KDD)
    return one_by_one(backend().compile_step(game.step, game.variables), ours.samples(20_000, ours.KDD), size)


def many_kernels_kdd() -> Job:
    """EGBAD on rows, Adam and the averages as Keras writes them."""
    return _many_kernels(ours.KDD, 20_000)


def many_kernels_images() -> Job:
    """EGBAD on 28x28 images, Adam and the averages as Keras writes them."""
    return _many_kernels(ours.SMALL, 2_000)


def _many_kernels(shape: tuple[int, ...], rows: int) -> Job:
    with patched():
        game, size = game_of(EGBAD(), shape)
        job = ours.looping(game, size, shape, rows)
        job.run(1)  # traced while the names are those of before
    return job


@contextmanager
def patched() -> Iterator[None]:
    """What is traced in here uses Keras' own Adam and assignments."""
    here = backend()
    with patch.object(here, "Adam", keras.optimizers.Adam), patch.object(here, "approach", plain_approach):
        yield


def plain_approach(variables: list, targets: list, rate: object) -> None:
    """What :func:`ganad.backends.tensorflow.approach` does, in operations of Keras."""
    for variable, target in zip(variables, targets, strict=True):
        variable.assign_add((target - variable) * rate)


class OnePass(BiGANPlay):
    """D sees real and generated pairs as one batch of twice the rows."""

    @property
    def real(self) -> object:
        """The first half of D's logits."""
        return self._both[: self.x.shape[0]]

    @property
    def fake(self) -> object:
        """The second half."""
        return self._both[self.x.shape[0] :]

    @cached_property
    def _both(self) -> object:
        pairs = [keras.ops.concatenate([self.x, self.generated]), keras.ops.concatenate([self.encoded, self.z])]
        return self.discriminator(pairs, training=self.training)[0]


def one_pass_of_d() -> Job:
    """EGBAD on rows, all moving at once, D passed once over real and generated pairs together."""
    with patch("ganad.detectors.egbad.BiGANPlay", OnePass):
        game, size = game_of(EGBAD(turns="simultaneous"), ours.KDD)
    return ours.looping(game, size, ours.KDD, 20_000)


def small_scoring() -> Job:
    """GANomaly's score, 64 images at once."""
    with patch("ganad.detectors.neural.SCORING_BATCH", 64):
        detector = GANomaly()
        detector._adopt(ours.prepared(detector, ours.LARGE))
    x = ours.samples(2_048, ours.LARGE)

    def run(times: int) -> None:
        with patch("ganad.detectors.neural.SCORING_BATCH", 64):
            for _ in range(times):
                detector._score(x)

    return Job(run, samples=len(x))


def game_of(detector: EGBAD, shape: tuple[int, ...]) -> tuple[Game, int]:
    """The detector's game, and its batch size."""
    return detector._game(ours.prepared(detector, shape), 1), detector.reference_["batch_size"]
