"""BiGAN: a GAN with an encoder, judged on pairs.  Chapter: book/foundations/bigan.ipynb

Donahue, Krähenbühl & Darrell 2017 (arXiv 1605.09782); the survey's section 1.3 and equation (3).
"""

from collections.abc import Callable, Mapping
from functools import cached_property
from typing import Any, ClassVar

import keras
import numpy as np

from ganad.models.gan import latent_points, sample
from ganad.networks import bigan_discriminator, bigan_encoder, bigan_generator, check_shape
from ganad.training.adversarial import Game, LatentPlay, Player, adam, binary_cross_entropy


class BiGANPlay:
    """What E, G and D make of one mini-batch x and as many latent points z.

    Attributes
    ----------
    encoded : tensor (N, latent_dim)
        E(x).
    generated : tensor like x
        G(z).
    real, fake : tensor (N, 1)
        D's logits of the pairs (x, E(x)) and (G(z), z).
    real_features, fake_features : tensor (N, K)
        D's last hidden layer for the same pairs.
    reconstructed : tensor like x
        G(E(x)).
    """

    once: ClassVar[dict[str, str]] = {"encoder": "encoded", "generator": "generated"}

    def __init__(self, networks: Mapping[str, keras.Model], x: Any, z: Any, training: bool = True) -> None:
        self.encoder, self.generator, self.discriminator = (
            networks[name] for name in ("encoder", "generator", "discriminator")
        )
        self.x, self.z, self.training = x, z, training

    @cached_property
    def encoded(self) -> Any:
        """E(x), (N, latent_dim)."""
        return self.encoder(self.x, training=self.training)

    @cached_property
    def generated(self) -> Any:
        """G(z), like x."""
        return self.generator(self.z, training=self.training)

    @cached_property
    def reconstructed(self) -> Any:
        """G(E(x)), like x."""
        return self.generator(self.encoded, training=self.training)

    @cached_property
    def _real(self) -> Any:
        return self.discriminator([self.x, self.encoded], training=self.training)

    @cached_property
    def _fake(self) -> Any:
        return self.discriminator([self.generated, self.z], training=self.training)

    real = property(lambda self: self._real[0])
    fake = property(lambda self: self._fake[0])
    real_features = property(lambda self: self._real[1])
    fake_features = property(lambda self: self._fake[1])


def discriminator_loss(play: BiGANPlay) -> Any:
    """D calls (x, E(x)) real and (G(z), z) generated."""
    return binary_cross_entropy(play.real, True) + binary_cross_entropy(play.fake, False)


def generator_loss(play: BiGANPlay) -> Any:
    """G wants (G(z), z) called real (the non-saturating loss)."""
    return binary_cross_entropy(play.fake, True)


def encoder_loss(play: BiGANPlay) -> Any:
    """E wants (x, E(x)) called generated."""
    return binary_cross_entropy(play.real, False)


class BiGAN:
    """Bidirectional GAN on images or columns: generates, and encodes.

    Parameters
    ----------
    latent_dim : int
        Dimensions of z, drawn from N(0, 1).
    learning_rate : float
        Adam's step size (beta_1 = .5) for all three players.
    decay : float
        Of the moving average of the weights.
    width : float
        Factor on the number of hidden units.
    dropout : float, optional
        Rate in the discriminator; .5 for images and .2 for tables when left out.
    seed : int
        Of weights, noise and order.

    Attributes
    ----------
    networks_ : dict of str to keras.Model
        The averaged networks.
    history_ : dict of str to list of float
        Each player's mean loss of each epoch.
    """

    def __init__(
        self,
        *,
        latent_dim: int = 50,
        learning_rate: float = 2e-4,
        decay: float = 0.999,
        width: float = 1.0,
        dropout: float | None = None,
        seed: int = 0,
    ) -> None:
        self.latent_dim = latent_dim
        self.learning_rate = learning_rate
        self.decay = decay
        self.width = width
        self.dropout = dropout
        self.seed = seed

    def fit(
        self,
        x: np.ndarray,
        *,
        epochs: int,
        batch_size: int = 100,
        on_epoch: Callable[[int, "BiGAN"], bool | None] | None = None,
    ) -> "BiGAN":
        """Train on samples (N, H, W, C) in [-1, 1] or (N, F); see :meth:`ganad.models.gan.GAN.fit`."""
        losses = {"discriminator": discriminator_loss, "generator": generator_loss, "encoder": encoder_loss}
        players = {role: Player((role,), loss, adam(self.learning_rate)) for role, loss in losses.items()}
        shape, seed = check_shape(x.shape[1:]), 3 * self.seed
        networks = {
            "encoder": bigan_encoder(shape, self.latent_dim, seed=seed, width=self.width),
            "generator": bigan_generator(shape, self.latent_dim, seed=seed + 1, width=self.width),
            "discriminator": bigan_discriminator(
                shape, self.latent_dim, seed=seed + 2, width=self.width, dropout=self.dropout
            ),
        }
        game = Game(networks, players, LatentPlay(BiGANPlay, self.latent_dim, self.seed), decay=self.decay)
        self.networks_ = game.averaged
        self.history_ = game.train(
            x,
            epochs=epochs,
            batch_size=batch_size,
            seed=self.seed,
            on_epoch=on_epoch and (lambda epoch, losses: on_epoch(epoch, self)),
        )
        return self

    def sample(self, z: int | np.ndarray, seed: int = 0) -> np.ndarray:
        """G(z) for so many points of the prior, or for latent points (N, latent_dim)."""
        return sample(self.networks_["generator"], latent_points(z, self.latent_dim, seed))

    def encode(self, x: np.ndarray) -> np.ndarray:
        """E(x): (N, latent_dim)."""
        return sample(self.networks_["encoder"], x)

    def reconstruct(self, x: np.ndarray) -> np.ndarray:
        """G(E(x)), like x."""
        return self.sample(self.encode(x))
