"""EGBAD: BiGAN's encoder scores a sample in one pass.  Chapter: book/detectors/egbad.ipynb

Zenati et al. 2018, *Efficient GAN-Based Anomaly Detection* (arXiv 1802.06222); the survey's section 2.2 and Table 1.
"""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import keras
from keras import ops

from ganad.detectors.complexity import ComplexityCorrected
from ganad.detectors.neural import NeuralDetector
from ganad.models.bigan import BiGANPlay, discriminator_loss, encoder_loss, generator_loss
from ganad.networks import bigan_discriminator, bigan_encoder, bigan_generator, check_shape
from ganad.training.adversarial import Game, LatentPlay, Player, adam
from ganad.validation import choice, flag, optional, real

TURNS = {
    "simultaneous": (("discriminator", "generator", "encoder"),),
    "alternating": (("discriminator",), ("generator", "encoder")),
}
RESIDUAL_IN = {"both": ("generator", "encoder"), "encoder": ("encoder",)}


class EGBAD(ComplexityCorrected):
    """Efficient GAN-based anomaly detection.

    Left out, every argument has the reference value of the authors' code; :meth:`stable` is the variant that trains
    reliably.

    Parameters
    ----------
    latent_dim : int, optional
        Dimensions of z; 200 for images, 32 for tables.
    epochs : int, optional
        Passes over the data; left out, as many as make 20,000 steps (the authors state none).
    batch_size : int, optional
        100 for images, 50 for tables.
    learning_rate : float, optional
        Adam's step size for all three players; 1e-5.
    schedule : {"constant", "cosine"}
        What becomes of the learning rate: "cosine" takes it to zero by the last step.
    turns : {"alternating", "simultaneous"}
        The discriminator moves first and the others answer (the authors' code), or all move from one forward pass.
    adversarial_loss : {"cross_entropy", "feature_matching"}
        What G and E want of D: to call pairs by the other's name, or features with the same mean (survey, Table 1).
    residual_weight : float
        Weight of a residual loss, the L1 distance of x and G(E(x)), 0 in EGBAD.
    residual_in : {"both", "encoder"}
        Whose loss it is a part of: G's and E's, or E's alone (survey, Table 1).
    dropout : float, optional
        Rate in the discriminator; .5 for images, .2 for tables.
    spectral_normalization : bool
        Bound the discriminator's layers (Miyato et al. 2018); False is EGBAD.
    decay : float, optional
        Of the moving average of the weights that score; .999 for images, .9999 for tables.
    anomaly_score : {"feature_matching", "cross_entropy"}
        The discriminator's part of the score.
    score_weight : float
        Its weight w in (1 - w) * residual + w * discriminator; .1.
    complexity_correction : bool
        Score by how much more than expected of an image of this complexity (:mod:`ganad.detectors.complexity`); False is EGBAD.
    width : float
        Factor on the number of units of every hidden layer; 1.
    networks : mapping of str to keras.Model, optional
        Own "encoder", "generator" and "discriminator" (of ``[x, z]``, returning ``[logit, features]``).
    contamination, seed, verbose
        See :class:`ganad.detectors.base.Detector`; the seed settles weights, noise and order; 1 shows a progress bar.
    """

    name = "egbad"
    _roles = ("encoder", "generator", "discriminator")
    _scoring = ("anomaly_score", "score_weight", "complexity_correction")
    _rules = NeuralDetector._neural_rules | {
        "schedule": choice("constant", "cosine"),
        "turns": choice(*TURNS),
        "adversarial_loss": choice("cross_entropy", "feature_matching"),
        "residual_weight": real(0, 1e9),
        "residual_in": choice(*RESIDUAL_IN),
        "dropout": optional(real(0, 0.99)),
        "spectral_normalization": flag(),
        "anomaly_score": choice("feature_matching", "cross_entropy"),
        "score_weight": real(0, 1),
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
        turns: str = "alternating",
        adversarial_loss: str = "cross_entropy",
        residual_weight: float = 0.0,
        residual_in: str = "both",
        dropout: float | None = None,
        spectral_normalization: bool = False,
        decay: float | None = None,
        anomaly_score: str = "feature_matching",
        score_weight: float = 0.1,
        complexity_correction: bool = False,
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
        self.turns = turns
        self.adversarial_loss = adversarial_loss
        self.residual_weight = residual_weight
        self.residual_in = residual_in
        self.dropout = dropout
        self.spectral_normalization = spectral_normalization
        self.decay = decay
        self.anomaly_score = anomaly_score
        self.score_weight = score_weight
        self.complexity_correction = complexity_correction
        self.width = width
        self.networks = networks
        self.contamination = contamination
        self.seed = seed
        self.verbose = verbose

    @classmethod
    def stable(cls, **parameters: Any) -> "EGBAD":
        """EGBAD with a training that does not depend on its luck; the chapter survey/kdd shows what each part brings.

        Larger steps that fall to zero, simultaneous turns, a residual loss, and spectral normalisation instead of
        dropout in the discriminator.  Any argument of the class may be given as well.
        """
        return cls(
            **{
                "batch_size": 256,
                "learning_rate": 1e-4,
                "schedule": "cosine",
                "turns": "simultaneous",
                "residual_weight": 0.5,
                "dropout": 0.0,
                "spectral_normalization": True,
                "decay": 0.999,
                **parameters,
            }
        )

    def _reference(self, shape: tuple[int, ...]) -> dict[str, Any]:
        if len(shape) == 3:
            return {"latent_dim": 200, "batch_size": 100, "learning_rate": 1e-5, "decay": 0.999}
        return {"latent_dim": 32, "batch_size": 50, "learning_rate": 1e-5, "decay": 0.9999}

    def _networks(self, shape: tuple[int, ...]) -> dict[str, keras.Model]:
        shape, latent_dim = check_shape(shape), self.reference_["latent_dim"]
        return {
            "encoder": bigan_encoder(shape, latent_dim, seed=3 * self.seed, width=self.width),
            "generator": bigan_generator(shape, latent_dim, seed=3 * self.seed + 1, width=self.width),
            "discriminator": bigan_discriminator(
                shape,
                latent_dim,
                seed=3 * self.seed + 2,
                width=self.width,
                dropout=self.dropout,
                spectral_normalization=self.spectral_normalization,
            ),
        }

    def _losses(self) -> dict[str, Callable]:
        losses = {"discriminator": discriminator_loss, "generator": generator_loss, "encoder": encoder_loss}
        if self.adversarial_loss == "feature_matching":
            losses |= dict.fromkeys(("generator", "encoder"), feature_matching_loss)
        for role in RESIDUAL_IN[self.residual_in] if self.residual_weight else ():
            losses[role] = partial(with_residual, losses[role], self.residual_weight)
        return losses

    def _game(self, networks: dict[str, keras.Model], total_steps: int) -> Game:
        fall = self._fall(total_steps)
        players = {
            role: Player((role,), loss, adam(self.reference_["learning_rate"], total_steps=fall))
            for role, loss in self._losses().items()
        }
        play = LatentPlay(BiGANPlay, self.reference_["latent_dim"], self.seed)
        return Game(networks, players, play, turns=TURNS[self.turns], decay=self.reference_["decay"])

    def _judge(self, networks: Mapping[str, keras.Model], x: Any) -> tuple[Any, Any]:
        play = BiGANPlay(networks, x, None, training=False)
        if self.anomaly_score == "cross_entropy":  # -log D(x, E(x)): how generated the pair looks
            discriminator = ops.softplus(-play.real)[:, 0]
        else:
            seen = networks["discriminator"]([play.reconstructed, play.encoded], training=False)[1]
            discriminator = l1(play.real_features, seen)
        return (1 - self.score_weight) * l1(
            x, play.reconstructed
        ) + self.score_weight * discriminator, play.reconstructed


def feature_matching_loss(play: BiGANPlay) -> Any:
    """Squared distance of the mean features of pairs (x, E(x)) and (G(z), z) (Salimans et al. 2016, section 3.1)."""
    return ops.sum(ops.square(ops.mean(play.real_features, axis=0) - ops.mean(play.fake_features, axis=0)))


def residual_loss(play: BiGANPlay) -> Any:
    """Mean over the batch of the L1 distance of x and G(E(x)) (survey, section 3)."""
    return ops.mean(l1(play.x, play.reconstructed))


def with_residual(loss: Callable[[BiGANPlay], Any], weight: float, play: BiGANPlay) -> Any:
    """Another loss, plus ``weight`` times :func:`residual_loss`."""
    return loss(play) + weight * residual_loss(play)


def l1(a: Any, b: Any) -> Any:
    """L1 distance of each sample: (N, ...) and (N, ...) to (N,)."""
    return ops.sum(ops.abs(a - b), axis=tuple(range(1, len(a.shape))))
