"""WGAN-GP: a critic that measures a distance, kept honest by a penalty.  Chapter: book/detectors/f-anogan.ipynb

Gulrajani et al. 2017, *Improved Training of Wasserstein GANs* (arXiv 1704.00028), algorithm 1.
"""

from collections.abc import Callable, Mapping
from functools import cached_property, partial
from typing import Any

import keras
import numpy as np
from keras import ops

from ganad.backends import backend
from ganad.models.gan import latent_points, sample
from ganad.networks import bigan_generator, check_shape, critic
from ganad.training.adversarial import Game, LatentPlay, Player, adam


class WassersteinPlay:
    """What G and the critic make of one mini-batch x, as many latent points z, and as many mixing weights.

    Attributes
    ----------
    generated : tensor like x
        G(z).
    real, fake : tensor (N, 1)
        The critic's values of x and of G(z).
    slope : tensor (N,)
        Length of the critic's gradient at a point between each sample and a generated one.
    """

    def __init__(self, networks: Mapping[str, keras.Model], x: Any, z: Any, mix: Any, training: bool = True) -> None:
        self.generator, self.critic = networks["generator"], networks["critic"]
        self.x, self.z, self.mix, self.training = x, z, mix, training

    generated = cached_property(lambda self: self.generator(self.z, training=self.training))
    real = cached_property(lambda self: self._value(self.x))
    fake = cached_property(lambda self: self._value(self.generated))

    def _value(self, x: Any) -> Any:
        return self.critic(x, training=self.training)[0]

    @cached_property
    def slope(self) -> Any:
        """Length of the gradient, (N,); one mixing weight a sample, the same for all of its pixels."""
        mix = ops.reshape(self.mix, (-1,) + (1,) * (len(self.x.shape) - 1))
        between = mix * self.x + (1 - mix) * self.generated
        _, (gradient,) = backend().input_gradients(lambda x: self._value(x)[:, 0], [between])
        squares = ops.sum(ops.square(gradient), axis=tuple(range(1, len(gradient.shape))))
        return ops.sqrt(squares + 1e-12)  # the root has no slope at zero


def critic_loss(play: WassersteinPlay, penalty: float = 10.0) -> Any:
    """Mean value of G(z) less that of x, and the penalty on gradients that are not of length 1."""
    distance = ops.mean(play.fake) - ops.mean(play.real)
    return distance + penalty * ops.mean(ops.square(play.slope - 1))


def generator_loss(play: WassersteinPlay) -> Any:
    """G wants a high value."""
    return -ops.mean(play.fake)


class MixedPlay(LatentPlay):
    """Draws z from N(0, 1) and one mixing weight a sample from U(0, 1)."""

    def __call__(self, networks: Mapping[str, keras.Model], x: Any) -> WassersteinPlay:
        """The play of mini-batch x, (N, ...)."""
        z = keras.random.normal((ops.shape(x)[0], self.latent_dim), seed=self._seed)
        mix = keras.random.uniform((ops.shape(x)[0],), seed=self._seed)
        return self._play(networks, x, z, mix)


def wasserstein_game(
    networks: Mapping[str, keras.Model],
    latent_dim: int,
    *,
    learning_rate: float,
    critic_steps: int = 5,
    penalty: float = 10.0,
    decay: float = 0.999,
    seed: int = 0,
) -> Game:
    """The critic moves ``critic_steps`` times, each time on fresh rows, then the generator once."""
    players = {
        "critic": Player(
            ("critic",), partial(critic_loss, penalty=penalty), adam(learning_rate, beta_1=0.0, beta_2=0.9)
        ),
        "generator": Player(("generator",), generator_loss, adam(learning_rate, beta_1=0.0, beta_2=0.9)),
    }
    turns, shares = [("critic",)] * critic_steps + [("generator",)], [*range(critic_steps), critic_steps - 1]
    return Game(
        networks, players, MixedPlay(WassersteinPlay, latent_dim, seed), turns=turns, shares=shares, decay=decay
    )


class WGANGP:
    """Wasserstein GAN with gradient penalty on images or columns.

    Parameters
    ----------
    latent_dim : int
        Dimensions of z, drawn from N(0, 1).
    learning_rate : float
        Adam's step size (beta_1 = 0, beta_2 = .9) for both players.
    critic_steps : int
        Moves of the critic for each of the generator.
    penalty : float
        Weight of the gradient penalty.
    decay : float
        Of the moving average of the weights that :meth:`sample` uses.
    width : float
        Factor on the number of hidden units.
    seed : int
        Of weights, noise and order.

    Attributes
    ----------
    networks_ : dict of str to keras.Model
        The averaged networks.
    history_ : dict of str to list of float
        Each player's mean loss of each epoch; the critic's is that of its last move in a step.
    """

    def __init__(
        self,
        *,
        latent_dim: int = 128,
        learning_rate: float = 1e-4,
        critic_steps: int = 5,
        penalty: float = 10.0,
        decay: float = 0.999,
        width: float = 1.0,
        seed: int = 0,
    ) -> None:
        self.latent_dim = latent_dim
        self.learning_rate = learning_rate
        self.critic_steps = critic_steps
        self.penalty = penalty
        self.decay = decay
        self.width = width
        self.seed = seed

    def fit(
        self,
        x: np.ndarray,
        *,
        epochs: int,
        batch_size: int = 64,
        on_epoch: Callable[[int, "WGANGP"], bool | None] | None = None,
    ) -> "WGANGP":
        """Train on samples (N, H, W, C) in [-1, 1] or (N, F); see :meth:`ganad.models.gan.GAN.fit`.

        A step takes ``critic_steps * batch_size`` samples.
        """
        shape = check_shape(x.shape[1:])
        networks = {
            "generator": bigan_generator(shape, self.latent_dim, seed=2 * self.seed, width=self.width),
            "critic": critic(shape, seed=2 * self.seed + 1, width=self.width),
        }
        game = wasserstein_game(
            networks,
            self.latent_dim,
            learning_rate=self.learning_rate,
            critic_steps=self.critic_steps,
            penalty=self.penalty,
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

    def sample(self, z: int | np.ndarray, seed: int = 0) -> np.ndarray:
        """G(z) for so many points of the prior, or for latent points (N, latent_dim)."""
        return sample(self.networks_["generator"], latent_points(z, self.latent_dim, seed))
