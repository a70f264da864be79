"""ganad as it would be without one of its measures, so that the benchmark can say what each is worth."""

from functools import cached_property
from typing import ClassVar
from unittest.mock import patch

import keras

from benchmarks import ours
from benchmarks.peers.plain_tensorflow import one_by_one
from benchmarks.timing import Job
from ganad.backends import backend
from ganad.detectors import EGBAD, GANomaly
from ganad.models.bigan import BiGANPlay
from ganad.training.adversarial import Game


def by_call() -> Job:
    """EGBAD's step on rows, compiled, but called from Python once a batch."""
    game, size = game_of(EGBAD(), ours.KDD)
    return one_by_one(backend().compile_step(game.step, game.variables), ours.samples(20_000, ours.KDD), size)


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


class PassedAgain(BiGANPlay):
    """Encoder and generator are passed again in every turn, on noise of its own."""

    once: ClassVar[dict[str, str]] = {}


def passed_again_kdd() -> Job:
    """EGBAD on rows, no pass shared between turns."""
    return _played(PassedAgain, EGBAD(), ours.KDD, 20_000)


def passed_again_images() -> Job:
    """EGBAD on 28x28 images, no pass shared between turns."""
    return _played(PassedAgain, EGBAD(), ours.SMALL, 2_000)


def _played(play: type, detector: EGBAD, shape: tuple[int, ...], rows: int) -> Job:
    with patch("ganad.detectors.egbad.BiGANPlay", play):
        game, size = game_of(detector, shape)
    return ours.looping(game, size, shape, rows)


def one_pass_of_d() -> Job:
    """EGBAD on rows, all moving at once, D passed once over real and generated pairs together."""
    return _played(OnePass, EGBAD(turns="simultaneous"), ours.KDD, 20_000)


def small_scoring() -> Job:
    """GANomaly's score, 64 images at once."""
    with patch("ganad.detectors.neural.sizes_for", lambda networks: (1, 64)):
        detector = GANomaly()
        detector._adopt(ours.prepared(detector, ours.LARGE))
    x = ours.samples(2_048, ours.LARGE)
    return Job(lambda times: [detector._score(x) for _ in range(times)], samples=len(x))


def game_of(detector: EGBAD, shape: tuple[int, ...]) -> tuple[Game, int]:
    """The detector's game, and its batch size."""
    return detector._game(ours.prepared(detector, shape), 1), detector.reference_["batch_size"]
