"""f-AnoGAN: AnoGAN's search replaced by an encoder that is trained afterwards.  Chapter: book/detectors/f-anogan.ipynb

Schlegl et al. 2019, *f-AnoGAN: Fast Unsupervised Anomaly Detection with Generative Adversarial Networks* (Medical Image
Analysis 54), sections 2.1 to 2.3.
"""

from collections.abc import Iterator, Mapping
from functools import cached_property, partial
from typing import Any

import keras
from keras import ops

from ganad.detectors.neural import NeuralDetector
from ganad.models.wgan_gp import wasserstein_game
from ganad.networks import bigan_encoder, bigan_generator, check_shape, critic
from ganad.training.adversarial import Game, Player
from ganad.validation import optional, real, whole


class MappingPlay:
    """Image to z to image (izi): x, its code, and what the trained generator makes of it.

    G and the critic are only looked through: they run in inference mode, and no player moves them.
    """

    def __init__(self, networks: Mapping[str, keras.Model], x: Any, training: bool = True) -> None:
        self.networks, self.x, self.training = networks, x, training

    encoded = cached_property(lambda self: self.networks["encoder"](self.x, training=self.training))
    reconstructed = cached_property(lambda self: self.networks["generator"](self.encoded, training=False))

    def residuals(self, kappa: float) -> Any:
        """Mean squared residual of each sample, and kappa times that of the critic's features: (N,)."""
        seen, matched = (self.networks["critic"](x, training=False)[1] for x in (self.x, self.reconstructed))
        return _mean_square(self.x - self.reconstructed) + kappa * _mean_square(seen - matched)


def mapping_loss(play: MappingPlay, kappa: float) -> Any:
    """The encoder's loss: mean over the batch of :meth:`MappingPlay.residuals`."""
    return ops.mean(play.residuals(kappa))


def _mean_square(difference: Any) -> Any:
    return ops.mean(ops.square(difference), axis=tuple(range(1, len(difference.shape))))


class FAnoGAN(NeuralDetector):
    """Fast AnoGAN: WGAN-GP first, then an encoder for the finished generator; one pass scores a sample.

    The encoder's output is linear, as in appendix A.2 of the paper.  The authors' code calls its default, which ends in tanh, the
    paper's version; tanh cannot reach the third of each coordinate's prior that lies beyond 1.

    Parameters
    ----------
    latent_dim : int, optional
        Dimensions of z; 128 for images, 32 for tables.
    epochs : int, optional
        Passes over the data of the WGAN-GP; left out, as many as make 20,000 critic batches.
    encoder_epochs : int, optional
        Passes of the encoder's training; as many when left out.
    batch_size : int, optional
        64 for images, 50 for tables.
    learning_rate : float, optional
        Adam's step size for generator and critic; 1e-4.
    encoder_learning_rate : float
        RMSprop's for the encoder; 5e-5.
    critic_steps : int
        Moves of the critic for each of the generator; 5.
    gradient_penalty : float
        Weight of the penalty; 10.
    kappa : float
        Weight of the feature residual, in the encoder's loss and in the score; 1.
    decay : float, optional
        Of the moving average of the weights that score; .999.
    width : float
        Factor on the number of units of every hidden layer; 1.
    networks : mapping of str to keras.Model, optional
        Own "encoder", "generator" and "critic" (returning ``[value, features]``, without BatchNorm or dropout).
    contamination, seed, verbose
        See :class:`ganad.detectors.base.Detector`.
    """

    name = "f_anogan"
    _roles = ("encoder", "generator", "critic")
    _scoring = ("kappa",)
    _rules = NeuralDetector._neural_rules | {
        "encoder_epochs": optional(whole(1, 1_000_000)),
        "encoder_learning_rate": real(0, 1),
        "critic_steps": whole(1, 100),
        "gradient_penalty": real(0, 1e9),
        "kappa": real(0, 1e9),
    }

    def __init__(
        self,
        *,
        latent_dim: int | None = None,
        epochs: int | None = None,
        encoder_epochs: int | None = None,
        batch_size: int | None = None,
        learning_rate: float | None = None,
        encoder_learning_rate: float = 5e-5,
        critic_steps: int = 5,
        gradient_penalty: float = 10.0,
        kappa: float = 1.0,
        decay: float | None = None,
        width: float = 1.0,
        networks: Mapping[str, keras.Model] | None = None,
        contamination: float = 0.1,
        seed: int = 0,
        verbose: int = 0,
    ) -> None:
        self.latent_dim = latent_dim
        self.epochs = epochs
        self.encoder_epochs = encoder_epochs
        self.batch_size = batch_size
        self.learning_rate = learning_rate
        self.encoder_learning_rate = encoder_learning_rate
        self.critic_steps = critic_steps
        self.gradient_penalty = gradient_penalty
        self.kappa = kappa
        self.decay = decay
        self.width = width
        self.networks = networks
        self.contamination = contamination
        self.seed = seed
        self.verbose = verbose

    def _reference(self, shape: tuple[int, ...]) -> dict[str, Any]:
        image = len(shape) == 3
        return {
            "latent_dim": 128 if image else 32,
            "batch_size": 64 if image else 50,
            "learning_rate": 1e-4,
            "decay": 0.999,
        }

    def _networks(self, shape: tuple[int, ...]) -> dict[str, keras.Model]:
        shape, latent_dim, seed = check_shape(shape), self.reference_["latent_dim"], 3 * self.seed
        return {
            "encoder": bigan_encoder(shape, latent_dim, seed=seed, width=self.width),
            "generator": bigan_generator(shape, latent_dim, seed=seed + 1, width=self.width),
            "critic": critic(shape, seed=seed + 2, width=self.width),
        }

    def _mapping_epochs(self) -> int:
        return self.encoder_epochs or self.reference_["epochs"]

    def _epochs_in_all(self) -> int:
        return self.reference_["epochs"] + self._mapping_epochs()

    def _games(self, networks: dict[str, keras.Model], rows: int) -> Iterator[tuple[Game, int]]:
        pair = {role: networks[role] for role in ("generator", "critic")}
        decay = self.reference_["decay"]
        game = wasserstein_game(
            pair,
            self.reference_["latent_dim"],
            learning_rate=self.reference_["learning_rate"],
            critic_steps=self.critic_steps,
            penalty=self.gradient_penalty,
            decay=decay,
            seed=self.seed,
        )
        yield game, self.reference_["epochs"]
        yield Game(networks, {"encoder": self._mapper()}, MappingPlay, decay=decay), self._mapping_epochs()

    def _mapper(self) -> Player:
        # TensorFlow 1's epsilon, which the authors' code has; Keras' 1e-7 lies under the root too and shortens late steps
        optimizer = keras.optimizers.RMSprop(self.encoder_learning_rate, epsilon=1e-10, name="rmsprop")
        return Player(("encoder",), partial(mapping_loss, kappa=self.kappa), optimizer)

    def _judge(self, networks: Mapping[str, keras.Model], x: Any) -> tuple[Any, Any]:
        play = MappingPlay(networks, x, training=False)
        return play.residuals(self.kappa), play.reconstructed
