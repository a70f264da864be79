"""GAN: a generator against a discriminator.  Chapter: book/foundations/gan.ipynb

Goodfellow et al. 2014 (arXiv 1406.2661), with the networks of Radford et al. 2016 for images; the survey's equation (1).
"""

from collections.abc import Callable, Mapping
from functools import cached_property
from typing import Any

import keras
import numpy as np

from ganad.networks import bigan_generator, check_shape, gan_discriminator
from ganad.training.adversarial import Game, LatentPlay, Player, adam, binary_cross_entropy


class GANPlay:
    """What G and D make of one mini-batch x and as many latent points z.

    Attributes
    ----------
    generated : tensor like x
        G(z).
    real, fake : tensor (N, 1)
        D's logits of x and of G(z).
    """

    def __init__(self, networks: Mapping[str, keras.Model], x: Any, z: Any, training: bool = True) -> None:
        self.generator, self.discriminator = networks["generator"], networks["discriminator"]
        self.x, self.z, self.training = x, z, training

    @cached_property
    def generated(self) -> Any:
        """G(z), like x."""
        return self.generator(self.z, training=self.training)

    @cached_property
    def real(self) -> Any:
        """D's logits of x, (N, 1)."""
        return self.discriminator(self.x, training=self.training)[0]

    @cached_property
    def fake(self) -> Any:
        """D's logits of G(z), (N, 1)."""
        return self.discriminator(self.generated, training=self.training)[0]


def discriminator_loss(play: GANPlay) -> Any:
    """Cross-entropy of telling x from G(z)."""
    return binary_cross_entropy(play.real, True) + binary_cross_entropy(play.fake, False)


def generator_loss(play: GANPlay) -> Any:
    """Non-saturating: -log D(G(z)), whose gradient is largest when G is worst."""
    return binary_cross_entropy(play.fake, True)


def saturating_loss(play: GANPlay) -> Any:
    """The min-max game's own loss, log(1 - D(G(z))): flat where D is sure."""
    return -binary_cross_entropy(play.fake, False)


def gan_game(
    networks: Mapping[str, keras.Model],
    latent_dim: int,
    *,
    learning_rate: float,
    total_steps: int | None = None,
    generator_objective: Callable[[GANPlay], Any] = generator_loss,
    decay: float = 0.999,
    seed: int = 0,
) -> Game:
    """Discriminator and generator move from one forward pass, both by Adam; with ``total_steps`` its rate falls to zero over them."""

    def optimizer() -> keras.optimizers.Optimizer:
        return adam(learning_rate, total_steps=total_steps)

    players = {
        "discriminator": Player(("discriminator",), discriminator_loss, optimizer()),
        "generator": Player(("generator",), generator_objective, optimizer()),
    }
    return Game(networks, players, LatentPlay(GANPlay, latent_dim, seed), decay=decay)


class GAN:
    """Generative adversarial network on images or columns.

    Parameters
    ----------
    latent_dim : int
        Dimensions of z, drawn from N(0, 1).
    learning_rate : float
        Adam's step size (beta_1 = .5) for both players.
    generator_objective : callable
        :func:`generator_loss` or :func:`saturating_loss`.
    decay : float
        Of the moving average of the weights that :meth:`sample` uses.
    width : float
        Factor on the number of hidden units.
    networks : mapping of str to keras.Model, optional
        Own "generator" and "discriminator" (returning ``[logit, features]``).
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
        latent_dim: int = 100,
        learning_rate: float = 2e-4,
        generator_objective: Callable[[GANPlay], Any] = generator_loss,
        decay: float = 0.999,
        width: float = 1.0,
        networks: Mapping[str, keras.Model] | None = None,
        seed: int = 0,
    ) -> None:
        self.latent_dim = latent_dim
        self.learning_rate = learning_rate
        self.generator_objective = generator_objective
        self.decay = decay
        self.width = width
        self.networks = networks
        self.seed = seed

    def fit(
        self,
        x: np.ndarray,
        *,
        epochs: int,
        batch_size: int = 100,
        on_epoch: Callable[[int, "GAN"], bool | None] | None = None,
    ) -> "GAN":
        """Train on samples (N, H, W, C) in [-1, 1] or (N, F), float32.

        ``on_epoch`` is called with the epoch (from 1) and this model; returning True ends the training.

        Raises
        ------
        ganad.training.adversarial.DivergedError
            If a loss stops being finite.
        """
        networks = self.networks or self._networks(x.shape[1:])
        game = gan_game(
            networks,
            self.latent_dim,
            learning_rate=self.learning_rate,
            generator_objective=self.generator_objective,
            decay=self.decay,
            seed=self.seed,
        )
        self.networks_ = game.averaged
        self.history_ = game.train(
            x,
            epochs=epochs,
            batch_size=batch_size,
            seed=self.seed,
            on_epoch=on_epoch and (lambda epoch, losses: on_epoch(epoch, self)),
        )
        return self

    def _networks(self, shape: tuple[int, ...]) -> dict[str, keras.Model]:
        shape = check_shape(shape)
        return {
            "generator": bigan_generator(shape, self.latent_dim, seed=2 * self.seed, width=self.width),
            "discriminator": gan_discriminator(shape, seed=2 * self.seed + 1, width=self.width),
        }

    def sample(self, z: int | np.ndarray, seed: int = 0) -> np.ndarray:
        """G(z): images in [-1, 1] or columns.

        Parameters
        ----------
        z : int or ndarray (N, latent_dim)
            How many to draw from the prior, or the latent points themselves.
        """
        return sample(self.networks_["generator"], latent_points(z, self.latent_dim, seed))

    def judge(self, x: np.ndarray) -> np.ndarray:
        """D(x): the probability (N,) that a sample is real."""
        logits = keras.ops.convert_to_numpy(self.networks_["discriminator"](x, training=False)[0])
        return 1 / (1 + np.exp(-logits[:, 0]))


def latent_points(z: int | np.ndarray, latent_dim: int, seed: int) -> np.ndarray:
    """Latent points as given, or so many drawn from N(0, 1): (N, latent_dim) float32."""
    if isinstance(z, int):
        return np.random.default_rng(seed).standard_normal((z, latent_dim), np.float32)
    return np.asarray(z, np.float32)


def sample(network: keras.Model, z: np.ndarray) -> np.ndarray:
    """A network's output for an array, in inference mode, as an array."""
    return keras.ops.convert_to_numpy(network(z, training=False))
