"""A variational autoencoder: the codes of normal samples are held to a standard normal prior, without an adversary.

Kingma & Welling 2014, *Auto-Encoding Variational Bayes* (arXiv 1312.6114).  BiGAN holds its codes to the same prior by a game.
"""

from collections.abc import Callable, Mapping
from functools import cached_property, partial
from typing import Any

import keras
from keras import ops

from ganad.detectors.autoencoder import Autoencoder
from ganad.detectors.egbad import l1
from ganad.training.adversarial import LatentPlay
from ganad.validation import choice, real


class VAEPlay:
    """What encoder and decoder make of one mini-batch x and noise z; without noise, of the mean code.

    Attributes
    ----------
    mean, log_variance : tensor (N, latent_dim)
        Moments of the distribution of codes that the encoder gives each sample.
    encoded : tensor (N, latent_dim)
        A code drawn from it.
    reconstructed : tensor like x
    """

    def __init__(self, networks: Mapping[str, keras.Model], x: Any, z: Any, training: bool = True) -> None:
        self.networks, self.x, self.z, self.training = networks, x, z, training

    _moments = cached_property(
        lambda self: ops.split(self.networks["encoder"](self.x, training=self.training), 2, axis=1)
    )
    mean = property(lambda self: self._moments[0])
    log_variance = property(lambda self: self._moments[1])
    reconstructed = cached_property(lambda self: self.networks["decoder"](self.encoded, training=self.training))

    @cached_property
    def encoded(self) -> Any:
        """``mean``, plus the noise times the standard deviation."""
        return self.mean if self.z is None else self.mean + ops.exp(0.5 * self.log_variance) * self.z


def kl_divergence(play: VAEPlay) -> Any:
    """Of each sample's distribution of codes from the prior: (N,), in nats (Kingma & Welling 2014, appendix B)."""
    return 0.5 * ops.sum(ops.square(play.mean) + ops.exp(play.log_variance) - 1 - play.log_variance, axis=1)


def negative_elbo(kl_weight: float, play: VAEPlay) -> Any:
    """Mean over the batch of what is to be made small: the residual, a Laplace distribution's of scale 1, plus ``kl_weight`` times the divergence."""
    return ops.mean(l1(play.x, play.reconstructed)) + kl_weight * ops.mean(kl_divergence(play))


class VAE(Autoencoder):
    """Variational autoencoder, with the sizes of EGBAD's encoder and generator.

    Parameters
    ----------
    latent_dim, epochs, batch_size, learning_rate, schedule, complexity_correction, decay, width, networks
        As of :class:`ganad.detectors.autoencoder.Autoencoder`; the encoder has two outputs for each latent dimension.
    kl_weight : float
        Of the divergence from the prior in the loss; 1, with which the loss is a bound of the likelihood.
    anomaly_score : {"residual", "elbo"}
        L1 distance of x and the reconstruction from its mean code; or that plus the divergence.
    contamination, seed, verbose
        See :class:`ganad.detectors.base.Detector`.
    """

    name = "vae"
    _scoring = ("anomaly_score", "complexity_correction")
    _rules = Autoencoder._rules | {"kl_weight": real(0, 1e9), "anomaly_score": choice("residual", "elbo")}
    _outputs = 2

    def __init__(
        self,
        *,
        latent_dim: int | None = None,
        epochs: int | None = None,
        batch_size: int | None = None,
        learning_rate: float | None = None,
        schedule: str = "constant",
        kl_weight: float = 1.0,
        anomaly_score: str = "residual",
        complexity_correction: bool = False,
        decay: float | None = None,
        width: float = 1.0,
        networks: Mapping[str, keras.Model] | None = None,
        contamination: float = 0.1,
        seed: int = 0,
        verbose: int = 0,
    ) -> None:
        super().__init__(
            latent_dim=latent_dim,
            epochs=epochs,
            batch_size=batch_size,
            learning_rate=learning_rate,
            schedule=schedule,
            complexity_correction=complexity_correction,
            decay=decay,
            width=width,
            networks=networks,
            contamination=contamination,
            seed=seed,
            verbose=verbose,
        )
        self.kl_weight = kl_weight
        self.anomaly_score = anomaly_score

    def _loss(self) -> Callable[[VAEPlay], Any]:
        return partial(negative_elbo, self.kl_weight)

    def _play(self) -> LatentPlay:
        return LatentPlay(VAEPlay, self.reference_["latent_dim"], self.seed)

    def _judge(self, networks: Mapping[str, keras.Model], x: Any) -> tuple[Any, Any]:
        play = VAEPlay(networks, x, None, training=False)
        score = l1(x, play.reconstructed)
        if self.anomaly_score == "elbo":
            score = score + self.kl_weight * kl_divergence(play)
        return score, play.reconstructed
