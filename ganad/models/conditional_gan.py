"""Conditional GAN: both players are told the class.  Chapter: book/foundations/conditional-gan.ipynb

Mirza & Osindero 2014, *Conditional Generative Adversarial Nets* (arXiv 1411.1784); the survey's equation (2).
"""

from collections.abc import Callable, Mapping
from typing import Any

import keras
import numpy as np
from keras import ops

from ganad.models.gan import GANPlay, discriminator_loss, generator_loss, latent_points
from ganad.networks import check_shape, conditional_discriminator, conditional_generator
from ganad.search.latent import Found, LatentSearch, draw_starts
from ganad.training.adversarial import Game, LatentPlay, Player, adam


class ConditionalPlay(GANPlay):
    """What G and D make of a mini-batch x, its labels (N, classes) one-hot, and as many latent points z.

    Attributes
    ----------
    generated : tensor like x
        G(z | y).
    real, fake : tensor (N, 1)
        D's logits of x and of G(z | y), each beside the same labels.
    """

    def __init__(self, networks: Mapping[str, keras.Model], x: Any, label: Any, z: Any, training: bool = True) -> None:
        generator, discriminator = networks["generator"], networks["discriminator"]
        told = {
            "generator": lambda z, training: generator([z, label], training=training),
            "discriminator": lambda x, training: discriminator([x, label], training=training),
        }
        super().__init__(told, x, z, training)


class LabelledPlay(LatentPlay):
    """Draws z for a mini-batch of samples and labels."""

    def __call__(  # type: ignore[override]  # it takes one array more
        self, networks: Mapping[str, keras.Model], x: Any, label: Any
    ) -> ConditionalPlay:
        """The play of x, (N, ...), and label, (N, classes)."""
        z = keras.random.normal((ops.shape(x)[0], self.latent_dim), seed=self._seed)
        return self._play(networks, x, label, z)


class ConditionalGAN:
    """Conditional generative adversarial network on images or columns.

    Parameters
    ----------
    classes : int
        Labels are 0 to ``classes - 1``.
    latent_dim : int
        Dimensions of z, drawn from N(0, 1).
    learning_rate : float
        Adam's step size (beta_1 = .5) for both players.
    decay : float
        Of the moving average of the weights.
    width : float
        Factor on the number of hidden units.
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
        classes: int = 10,
        latent_dim: int = 100,
        learning_rate: float = 2e-4,
        decay: float = 0.999,
        width: float = 1.0,
        seed: int = 0,
    ) -> None:
        self.classes = classes
        self.latent_dim = latent_dim
        self.learning_rate = learning_rate
        self.decay = decay
        self.width = width
        self.seed = seed

    def fit(
        self,
        x: np.ndarray,
        y: np.ndarray,
        *,
        epochs: int,
        batch_size: int = 100,
        on_epoch: Callable[[int, "ConditionalGAN"], bool | None] | None = None,
    ) -> "ConditionalGAN":
        """Train on samples (N, H, W, C) in [-1, 1] or (N, F), float32, and their labels (N,).

        Raises
        ------
        ValueError
            If a label is no whole number from 0 to ``classes - 1``, or there is not one for each sample.
        ganad.training.adversarial.DivergedError
            If a loss stops being finite.
        """
        shape, label = check_shape(x.shape[1:]), self._one_hot(y, len(x))
        networks = {
            "generator": conditional_generator(
                shape, self.latent_dim, self.classes, seed=2 * self.seed, width=self.width
            ),
            "discriminator": conditional_discriminator(shape, self.classes, seed=2 * self.seed + 1, width=self.width),
        }
        losses = {"discriminator": discriminator_loss, "generator": generator_loss}
        players = {role: Player((role,), loss, adam(self.learning_rate)) for role, loss in losses.items()}
        game = Game(networks, players, LabelledPlay(ConditionalPlay, self.latent_dim, self.seed), decay=self.decay)
        self.networks_ = game.averaged
        self.history_ = game.train(
            x,
            label,
            epochs=epochs,
            batch_size=batch_size,
            seed=self.seed,
            on_epoch=on_epoch and (lambda epoch, losses: on_epoch(epoch, self)),
        )
        return self

    def sample(self, labels: np.ndarray, z: np.ndarray | None = None, seed: int = 0) -> np.ndarray:
        """G(z | y) for labels (N,) and latent points (N, latent_dim), or as many points drawn from the prior."""
        label = self._one_hot(labels, len(labels))
        points = latent_points(len(label) if z is None else z, self.latent_dim, seed)
        return ops.convert_to_numpy(self.networks_["generator"]([points, label], training=False))

    def judge(self, x: np.ndarray, labels: np.ndarray) -> np.ndarray:
        """D(x | y): the probability (N,) that a sample with this label is real."""
        logits = self.networks_["discriminator"]([x, self._one_hot(labels, len(x))], training=False)[0]
        return 1 / (1 + np.exp(-ops.convert_to_numpy(logits)[:, 0]))

    def search(
        self, x: np.ndarray, labels: np.ndarray, *, steps: int = 200, rate: float = 0.05, restarts: int = 2
    ) -> Found:
        """The z whose image *of the given class* comes nearest to each sample; see :class:`LatentSearch`."""
        search = LatentSearch(self.networks_["generator"], weight=0.0, steps=steps, rate=rate)
        return search.search(x, draw_starts(restarts, self.latent_dim, self.seed), self._one_hot(labels, len(x)))

    def mismatch(self, x: np.ndarray, labels: np.ndarray, **settings: Any) -> np.ndarray:
        """How badly each sample fits its label, (N,): the residual L1 distance that :meth:`search` cannot close."""
        return self.search(x, labels, **settings).residual

    def _one_hot(self, labels: np.ndarray, count: int) -> np.ndarray:
        labels = np.asarray(labels)
        if labels.shape != (count,):
            raise ValueError(f"{count} samples need as many labels, not labels of shape {labels.shape}")
        if labels.dtype.kind not in "iu" or labels.min() < 0 or labels.max() >= self.classes:
            raise ValueError(f"labels must be whole numbers from 0 to {self.classes - 1}")
        return np.eye(self.classes, dtype=np.float32)[labels]
