"""An autoencoder: EGBAD's encoder and generator, trained to reconstruct, without an adversary.

The control of every method here that reconstructs: what an adversary is worth is what it adds to this.
"""

from collections.abc import Callable, Mapping
from functools import cached_property
from typing import Any, ClassVar

import keras

from ganad.detectors.complexity import ComplexityCorrected
from ganad.detectors.egbad import l1, residual_loss
from ganad.detectors.neural import NeuralDetector
from ganad.networks import bigan_encoder, bigan_generator, check_shape
from ganad.training.adversarial import Game, Player, adam
from ganad.validation import choice, flag


class AutoencoderPlay:
    """What encoder and decoder make of one mini-batch x.

    Attributes
    ----------
    encoded : tensor (N, latent_dim)
    reconstructed : tensor like x
    """

    def __init__(self, networks: Mapping[str, keras.Model], x: Any, training: bool = True) -> None:
        self.networks, self.x, self.training = networks, x, training

    encoded = cached_property(lambda self: self.networks["encoder"](self.x, training=self.training))
    reconstructed = cached_property(lambda self: self.networks["decoder"](self.encoded, training=self.training))


class Autoencoder(ComplexityCorrected):
    """Scores by the L1 distance of a sample and its reconstruction.

    The networks are EGBAD's encoder and generator, and the loss is EGBAD's residual loss, so that an EGBAD of the same settings
    differs by its adversary alone.

    Parameters
    ----------
    latent_dim : int, optional
        Dimensions of the code; 200 for images, 32 for tables.
    epochs : int, optional
        Passes over the data; left out, as many as make 20,000 steps.
    batch_size : int, optional
        100 for images, 50 for tables.
    learning_rate : float, optional
        Adam's step size (beta_1 = .5); 2e-4.
    schedule : {"constant", "cosine"}
        What becomes of the learning rate: "cosine" takes it to zero by the last step.
    complexity_correction : bool
        Score by how much more than expected of an image of this complexity (:mod:`ganad.detectors.complexity`).
    decay : float, optional
        Of the moving average of the weights that score; .999.
    width : float
        Factor on the number of units of every hidden layer; 1.
    networks : mapping of str to keras.Model, optional
        Own "encoder" and "decoder".
    contamination, seed, verbose
        See :class:`ganad.detectors.base.Detector`.
    """

    name = "autoencoder"
    _roles: ClassVar[tuple[str, ...]] = ("encoder", "decoder")
    _scoring: ClassVar[tuple[str, ...]] = ("complexity_correction",)
    _rules = NeuralDetector._neural_rules | {
        "schedule": choice("constant", "cosine"),
        "complexity_correction": flag(),
    }

    def __init__(
        self,
        *,
        latent_dim: int | None = None,
        epochs: int | None = None,
        batch_size: int | None = None,
        learning_rate: float | None = None,
        schedule: str = "constant",
        complexity_correction: bool = False,
        decay: float | None = None,
        width: float = 1.0,
        networks: Mapping[str, keras.Model] | None = None,
        contamination: float = 0.1,
        seed: int = 0,
        verbose: int = 0,
    ) -> None:
        self.latent_dim = latent_dim
        self.epochs = epochs
        self.batch_size = batch_size
        self.learning_rate = learning_rate
        self.schedule = schedule
        self.complexity_correction = complexity_correction
        self.decay = decay
        self.width = width
        self.networks = networks
        self.contamination = contamination
        self.seed = seed
        self.verbose = verbose

    _outputs = 1  # of the encoder, for each latent dimension

    def _reference(self, shape: tuple[int, ...]) -> dict[str, Any]:
        image = len(shape) == 3
        return {
            "latent_dim": 200 if image else 32,
            "batch_size": 100 if image else 50,
            "learning_rate": 2e-4,
            "decay": 0.999,
        }

    def _networks(self, shape: tuple[int, ...]) -> dict[str, keras.Model]:
        shape, latent_dim = check_shape(shape), self.reference_["latent_dim"]
        decoder = bigan_generator(shape, latent_dim, seed=2 * self.seed + 1, width=self.width)
        return {
            "encoder": bigan_encoder(shape, self._outputs * latent_dim, seed=2 * self.seed, width=self.width),
            "decoder": decoder,
        }

    def _game(self, networks: dict[str, keras.Model], total_steps: int) -> Game:
        optimizer = adam(self.reference_["learning_rate"], total_steps=self._fall(total_steps))
        players = {"autoencoder": Player(self._roles, self._loss(), optimizer)}
        return Game(networks, players, self._play(), decay=self.reference_["decay"])

    def _loss(self) -> Callable[[Any], Any]:
        return residual_loss

    def _play(self) -> Callable:
        return AutoencoderPlay

    def _judge(self, networks: Mapping[str, keras.Model], x: Any) -> tuple[Any, Any]:
        play = AutoencoderPlay(networks, x, training=False)
        return l1(x, play.reconstructed), play.reconstructed
