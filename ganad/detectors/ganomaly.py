"""GANomaly: encode, decode, encode again, and compare the two codes.  Chapter: book/detectors/ganomaly.ipynb

Akcay et al. 2018, *GANomaly: Semi-Supervised Anomaly Detection via Adversarial Training* (arXiv 1805.06725); the survey's
section 2.3, equations (8) to (13).
"""

from collections.abc import Callable, Mapping, Sequence
from functools import cached_property, partial
from typing import Any

import keras
from keras import ops

from ganad.detectors.complexity import ComplexityCorrected
from ganad.detectors.neural import NeuralDetector
from ganad.networks import check_shape, ganomaly_decoder, ganomaly_discriminator, ganomaly_encoder
from ganad.training.adversarial import Game, Player, adam, binary_cross_entropy
from ganad.validation import choice, flag, real


class GANomalyPlay:
    """What the encoder, the decoder, the second encoder and D make of one mini-batch x.

    Attributes
    ----------
    encoded, again : tensor (N, latent_dim)
        The code of x, and the second encoder's code of the reconstruction.
    reconstructed : tensor like x
        The decoder's output for ``encoded``.
    real, fake : tensor (N, 1)
        D's logits of x and of the reconstruction.
    real_features, fake_features : tensor (N, K)
        D's last map for both.
    """

    def __init__(self, networks: Mapping[str, keras.Model], x: Any, training: bool = True) -> None:
        self.networks, self.x, self.training = networks, x, training

    def _pass(self, name: str, given: Any) -> Any:
        return self.networks[name](given, training=self.training)

    encoded = cached_property(lambda self: self._pass("encoder", self.x))
    reconstructed = cached_property(lambda self: self._pass("decoder", self.encoded))
    again = cached_property(lambda self: self._pass("second_encoder", self.reconstructed))
    _real = cached_property(lambda self: self._pass("discriminator", self.x))
    _fake = cached_property(lambda self: self._pass("discriminator", self.reconstructed))
    real = property(lambda self: self._real[0])
    fake = property(lambda self: self._fake[0])
    real_features = property(lambda self: self._real[1])
    fake_features = property(lambda self: self._fake[1])


def discriminator_loss(play: GANomalyPlay) -> Any:
    """Half the cross-entropy of telling x from its reconstruction."""
    return 0.5 * (binary_cross_entropy(play.real, True) + binary_cross_entropy(play.fake, False))


def feature_matching_loss(play: GANomalyPlay) -> Any:
    """Mean squared difference of D's features of x and of its reconstruction (survey, equation (8))."""
    return ops.mean(ops.square(play.real_features - play.fake_features))


def cross_entropy_loss(play: GANomalyPlay) -> Any:
    """The reconstruction wants to be called real by D: by D's logit, not by its own pixels."""
    return binary_cross_entropy(play.fake, True)


def contextual_loss(play: GANomalyPlay) -> Any:
    """Mean absolute difference of x and its reconstruction (equation (9))."""
    return ops.mean(ops.abs(play.x - play.reconstructed))


def encoder_loss(play: GANomalyPlay) -> Any:
    """Mean squared difference of the two codes (equation (10))."""
    return ops.mean(ops.square(play.encoded - play.again))


ADVERSARIAL = {"feature_matching": feature_matching_loss, "cross_entropy": cross_entropy_loss}


def generator_loss(play: GANomalyPlay, adversarial: Callable[[GANomalyPlay], Any], weights: Sequence[float]) -> Any:
    """The weighted sum of adversarial, contextual and encoder loss (equation (11))."""
    parts = (adversarial, contextual_loss, encoder_loss)
    return sum(weight * loss(play) for weight, loss in zip(weights, parts, strict=True))


class GANomaly(ComplexityCorrected):
    """An autoencoder trained against a discriminator, with a second encoder that learns the codes of what comes out.

    Left out, every argument has the value of the authors' code.  For tables the survey gives no networks: here an encoder of
    one hidden layer, 64, its mirror, and a discriminator of 128 and 64.

    Parameters
    ----------
    latent_dim : int, optional
        Dimensions of the codes; 100 for images, 32 for tables.
    epochs : int, optional
        Passes over the data; left out, as many as make 20,000 steps (15 in the paper, whatever the data).
    batch_size : int, optional
        64 for images, 50 for tables.
    learning_rate : float, optional
        Adam's step size for both players; 2e-4.
    schedule : {"constant", "cosine"}
        What becomes of the learning rate: "cosine" takes it to zero by the last step.
    adversarial_weight, contextual_weight, encoder_weight : float
        Of the three parts of the generator's loss (equation (11)); 1, 50, 1.
    adversarial_loss : {"feature_matching", "cross_entropy"}
        The first part: D's features of x and of its reconstruction (the paper), or D's verdict.
    anomaly_score : {"squared", "absolute", "residual"}
        How the two codes are compared: mean squared difference (authors' code, survey) or mean absolute one (paper).  Or
        "residual", no part of GANomaly: the mean absolute difference of x and its reconstruction.
    complexity_correction : bool
        Score by how much more than expected of an image of this complexity (:mod:`ganad.detectors.complexity`); False is
        GANomaly.
    decay : float, optional
        Of the moving average of the weights that score; .999.
    width : float
        Factor on the number of units of every hidden layer; 1.
    networks : mapping of str to keras.Model, optional
        Own "encoder", "decoder", "second_encoder" and "discriminator" (returning ``[logit, features]``).
    contamination, seed, verbose
        See :class:`ganad.detectors.base.Detector`.
    """

    name = "ganomaly"
    _roles = ("encoder", "decoder", "second_encoder", "discriminator")
    _scoring = ("anomaly_score", "complexity_correction")
    _rules = NeuralDetector._neural_rules | {
        "schedule": choice("constant", "cosine"),
        "adversarial_weight": real(0, 1e9),
        "contextual_weight": real(0, 1e9),
        "encoder_weight": real(0, 1e9),
        "adversarial_loss": choice(*ADVERSARIAL),
        "anomaly_score": choice("squared", "absolute", "residual"),
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
        adversarial_weight: float = 1.0,
        contextual_weight: float = 50.0,
        encoder_weight: float = 1.0,
        adversarial_loss: str = "feature_matching",
        anomaly_score: str = "squared",
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
        self.adversarial_weight = adversarial_weight
        self.contextual_weight = contextual_weight
        self.encoder_weight = encoder_weight
        self.adversarial_loss = adversarial_loss
        self.anomaly_score = anomaly_score
        self.complexity_correction = complexity_correction
        self.decay = decay
        self.width = width
        self.networks = networks
        self.contamination = contamination
        self.seed = seed
        self.verbose = verbose

    def _reference(self, shape: tuple[int, ...]) -> dict[str, Any]:
        image = len(shape) == 3
        return {
            "latent_dim": 100 if image else 32,
            "batch_size": 64 if image else 50,
            "learning_rate": 2e-4,
            "decay": 0.999,
        }

    def _networks(self, shape: tuple[int, ...]) -> dict[str, keras.Model]:
        shape, latent_dim, seed = check_shape(shape), self.reference_["latent_dim"], 4 * self.seed
        return {
            "encoder": ganomaly_encoder(shape, latent_dim, seed=seed, width=self.width),
            "decoder": ganomaly_decoder(shape, latent_dim, seed=seed + 1, width=self.width),
            "second_encoder": ganomaly_encoder(
                shape, latent_dim, seed=seed + 2, width=self.width, name="second_encoder"
            ),
            "discriminator": ganomaly_discriminator(shape, seed=seed + 3, width=self.width),
        }

    def _generator_loss(self) -> Callable[[GANomalyPlay], Any]:
        return partial(
            generator_loss,
            adversarial=ADVERSARIAL[self.adversarial_loss],
            weights=(self.adversarial_weight, self.contextual_weight, self.encoder_weight),
        )

    def _game(self, networks: dict[str, keras.Model], total_steps: int) -> Game:
        rate, fall = self.reference_["learning_rate"], self._fall(total_steps)
        moves = {
            "discriminator": (("discriminator",), discriminator_loss),
            "generator": (("encoder", "decoder", "second_encoder"), self._generator_loss()),
        }
        players = {name: Player(roles, loss, adam(rate, total_steps=fall)) for name, (roles, loss) in moves.items()}
        return Game(networks, players, GANomalyPlay, decay=self.reference_["decay"])

    def _judge(self, networks: Mapping[str, keras.Model], x: Any) -> tuple[Any, Any]:
        play = GANomalyPlay(networks, x, training=False)
        scores = {
            "squared": lambda: ops.mean(ops.square(play.encoded - play.again), axis=1),
            "absolute": lambda: ops.mean(ops.abs(play.encoded - play.again), axis=1),
            "residual": lambda: ops.mean(ops.abs(x - play.reconstructed), axis=tuple(range(1, len(x.shape)))),
        }
        return scores[self.anomaly_score](), play.reconstructed
