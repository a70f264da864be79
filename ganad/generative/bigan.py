"""BiGAN: a GAN with an encoder, judged on pairs.  Chapter: book/foundations/bigan.ipynb

Donahue, Krähenbühl & Darrell 2017 (arXiv 1605.09782); the survey's section 1.3 and equation (3).
"""

from collections.abc import Mapping
from functools import cached_property
from typing import Any

import keras
from keras import ops

from ganad.adversarial import Game, Player, binary_cross_entropy


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

    def __init__(self, networks: Mapping[str, keras.Model], x: Any, z: Any, training: bool = True) -> None:
        self.encoder, self.generator, self.discriminator = (
            networks[name] for name in ("encoder", "generator", "discriminator")
        )
        self.x, self.z, self.training = x, z, training

    @cached_property
    def encoded(self) -> Any:
        return self.encoder(self.x, training=self.training)

    @cached_property
    def generated(self) -> Any:
        return self.generator(self.z, training=self.training)

    @cached_property
    def reconstructed(self) -> Any:
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


class LatentPlay:
    """Makes a play of a mini-batch by drawing z from the standard normal prior, from a seed of its own."""

    def __init__(self, play: type, latent_dim: int, seed: int) -> None:
        self._play, self.latent_dim = play, latent_dim
        self._seed = keras.random.SeedGenerator(seed)
        self.variables = [self._seed.state]

    def __call__(self, networks: Mapping[str, keras.Model], x: Any) -> Any:
        z = keras.random.normal((ops.shape(x)[0], self.latent_dim), seed=self._seed)
        return self._play(networks, x, z)


def discriminator_loss(play: BiGANPlay) -> Any:
    """D calls (x, E(x)) real and (G(z), z) generated."""
    return binary_cross_entropy(play.real, True) + binary_cross_entropy(play.fake, False)


def generator_loss(play: BiGANPlay) -> Any:
    """G wants (G(z), z) called real (the non-saturating loss)."""
    return binary_cross_entropy(play.fake, True)


def encoder_loss(play: BiGANPlay) -> Any:
    """E wants (x, E(x)) called generated."""
    return binary_cross_entropy(play.real, False)
