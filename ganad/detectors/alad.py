"""ALAD: BiGAN with two more discriminators that ask for consistent cycles.  Chapter: book/detectors/alad.ipynb

Zenati et al. 2018, *Adversarially Learned Anomaly Detection* (arXiv 1812.02288), sections 3 and 4.
"""

from collections.abc import Callable, Mapping
from functools import cached_property, partial
from typing import Any

import keras
from keras import ops

from ganad.detectors.egbad import TURNS, l1, with_residual
from ganad.detectors.neural import NeuralDetector
from ganad.models import bigan
from ganad.networks import (
    alad_discriminator_xx,
    alad_discriminator_xz,
    alad_discriminator_zz,
    alad_encoder,
    alad_generator,
    check_shape,
)
from ganad.training.adversarial import Game, LatentPlay, Player, adam, binary_cross_entropy
from ganad.validation import choice, flag, real


class ALADPlay(bigan.BiGANPlay):
    """BiGAN's play, and what the two further discriminators make of the cycles x -> z -> x and z -> x -> z.

    Attributes
    ----------
    xx_real, xx_fake : list of tensors [(N, 1), (N, K)]
        D_xx's logits and features of the pairs (x, x) and (x, G(E(x))).
    zz_real, zz_fake : list of tensors [(N, 1), (N, K)]
        D_zz's of (z, z) and (z, E(G(z))).
    """

    def __init__(self, networks: Mapping[str, keras.Model], x: Any, z: Any, training: bool = True) -> None:
        super().__init__({**networks, "discriminator": networks["discriminator_xz"]}, x, z, training)
        self._xx, self._zz = networks["discriminator_xx"], networks["discriminator_zz"]

    recoded = cached_property(lambda self: self.encoder(self.generated, training=self.training))
    xx_real = cached_property(lambda self: self._xx([self.x, self.x], training=self.training))
    xx_fake = cached_property(lambda self: self._xx([self.x, self.reconstructed], training=self.training))
    zz_real = cached_property(lambda self: self._zz([self.z, self.z], training=self.training))
    zz_fake = cached_property(lambda self: self._zz([self.z, self.recoded], training=self.training))


def discriminator_loss(play: ALADPlay) -> Any:
    """Each of the three tells its two kinds of pairs apart; they share no weight, so their losses may be added."""
    cycles = ((play.xx_real, play.xx_fake), (play.zz_real, play.zz_fake))
    return bigan.discriminator_loss(play) + sum(
        binary_cross_entropy(real[0], True) + binary_cross_entropy(fake[0], False) for real, fake in cycles
    )


def cycle_loss(play: ALADPlay) -> Any:
    """Both cycles want to be taken for the identity: the conditional entropies' adversarial estimate (section 3.2)."""
    return binary_cross_entropy(play.xx_fake[0], True) + binary_cross_entropy(play.zz_fake[0], True)


def generator_loss(play: ALADPlay) -> Any:
    """BiGAN's, and the cycles'."""
    return bigan.generator_loss(play) + cycle_loss(play)


def encoder_loss(play: ALADPlay) -> Any:
    """BiGAN's, and the cycles'."""
    return bigan.encoder_loss(play) + cycle_loss(play)


class ALAD(NeuralDetector):
    """Adversarially learned anomaly detection.

    Parameters
    ----------
    latent_dim : int, optional
        Dimensions of z; 100 for images, 32 for tables.
    epochs : int, optional
        Passes over the data; left out, as many as make 20,000 steps (the authors stop early).
    batch_size : int, optional
        32 for images, 50 for tables.
    learning_rate : float, optional
        Adam's step size for all players; 2e-4 for images, 1e-5 for tables.
    schedule : {"constant", "cosine"}
        What becomes of the learning rate: "cosine" takes it to zero by the last step.
    spectral_normalization : bool
        Bound the layers of the discriminators, and of the encoder of images, but for the last of each (Miyato et al. 2018).  On in
        the paper; the authors' code for KDD ignores its switch.
    batch_normalization : bool
        Normalise D_xz's layers of x by the batch as well, as the authors do; it undoes the bound on these layers.
    turns : {"alternating", "simultaneous"}
        The discriminators move first and the others answer (the authors' code), or all move from one forward pass.
    residual_weight : float
        Weight of a residual loss of generator and encoder, the L1 distance of x and G(E(x)); 0 in ALAD.
    anomaly_score : {"features", "logits", "l1", "l2"}
        L1 distance of D_xx's features of (x, x) and (x, G(E(x))); or -log D_xx(x, G(E(x))); or the L1 or L2 distance of x and
        G(E(x)) (the paper's section 5.4 compares the four).
    decay : float, optional
        Of the moving average of the weights that score; .999.
    width : float
        Factor on the number of units of every hidden layer; 1.
    networks : mapping of str to keras.Model, optional
        Own "encoder", "generator", "discriminator_xz", "discriminator_xx" and "discriminator_zz" (each of a pair, returning
        ``[logit, features]``).
    contamination, seed, verbose
        See :class:`ganad.detectors.base.Detector`.
    """

    name = "alad"
    _roles = ("encoder", "generator", "discriminator_xz", "discriminator_xx", "discriminator_zz")
    _scoring = ("anomaly_score",)
    _rules = NeuralDetector._neural_rules | {
        "schedule": choice("constant", "cosine"),
        "spectral_normalization": flag(),
        "batch_normalization": flag(),
        "turns": choice(*TURNS),
        "residual_weight": real(0, 1e9),
        "anomaly_score": choice("features", "logits", "l1", "l2"),
    }

    def __init__(
        self,
        *,
        latent_dim: int | None = None,
        epochs: int | None = None,
        batch_size: int | None = None,
        learning_rate: float | None = None,
        schedule: str = "constant",
        spectral_normalization: bool = True,
        batch_normalization: bool = True,
        turns: str = "alternating",
        residual_weight: float = 0.0,
        anomaly_score: str = "features",
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
        self.spectral_normalization = spectral_normalization
        self.batch_normalization = batch_normalization
        self.turns = turns
        self.residual_weight = residual_weight
        self.anomaly_score = anomaly_score
        self.decay = decay
        self.width = width
        self.networks = networks
        self.contamination = contamination
        self.seed = seed
        self.verbose = verbose

    def _reference(self, shape: tuple[int, ...]) -> dict[str, Any]:
        if len(shape) == 3:
            return {"latent_dim": 100, "batch_size": 32, "learning_rate": 2e-4, "decay": 0.999}
        return {"latent_dim": 32, "batch_size": 50, "learning_rate": 1e-5, "decay": 0.999}

    def _networks(self, shape: tuple[int, ...]) -> dict[str, keras.Model]:
        shape, latent_dim, seed = check_shape(shape), self.reference_["latent_dim"], 5 * self.seed
        size: dict[str, Any] = {"width": self.width}
        bounded = size | {"spectral": self.spectral_normalization}
        return {
            "encoder": alad_encoder(shape, latent_dim, seed=seed, **bounded),
            "generator": alad_generator(shape, latent_dim, seed=seed + 1, **size),
            "discriminator_xz": alad_discriminator_xz(
                shape, latent_dim, seed=seed + 2, batch_normalization=self.batch_normalization, **bounded
            ),
            "discriminator_xx": alad_discriminator_xx(shape, seed=seed + 3, **bounded),
            "discriminator_zz": alad_discriminator_zz(shape, latent_dim, seed=seed + 4, **bounded),
        }

    def _with_residual(self, loss: Callable) -> Callable:
        return partial(with_residual, loss, self.residual_weight) if self.residual_weight else loss

    def _game(self, networks: dict[str, keras.Model], total_steps: int) -> Game:
        moves = {
            "discriminator": (self._roles[2:], discriminator_loss),
            "generator": (("generator",), self._with_residual(generator_loss)),
            "encoder": (("encoder",), self._with_residual(encoder_loss)),
        }
        rate, fall = self.reference_["learning_rate"], self._fall(total_steps)
        players = {name: Player(roles, loss, adam(rate, total_steps=fall)) for name, (roles, loss) in moves.items()}
        play = LatentPlay(ALADPlay, self.reference_["latent_dim"], self.seed)
        return Game(networks, players, play, turns=TURNS[self.turns], decay=self.reference_["decay"])

    def _judge(self, networks: Mapping[str, keras.Model], x: Any) -> tuple[Any, Any]:
        play = ALADPlay(networks, x, None, training=False)
        scores = {
            "features": lambda: l1(play.xx_real[1], play.xx_fake[1]),
            "logits": lambda: ops.softplus(-play.xx_fake[0])[:, 0],
            "l1": lambda: l1(x, play.reconstructed),
            "l2": lambda: ops.sqrt(l1(ops.square(x - play.reconstructed), ops.zeros_like(x))),
        }
        return scores[self.anomaly_score](), play.reconstructed
