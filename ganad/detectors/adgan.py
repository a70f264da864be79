"""ADGAN: for every query a few steps from several starts, with a generator of its own.  Chapter: book/detectors/adgan.ipynb

Deecke et al. 2018, *Image Anomaly Detection with Generative Adversarial Networks* (ECML PKDD), algorithm 1.  The authors
published no code; the constants are recalled from the paper and not verified.
"""

from collections.abc import Callable, Mapping
from typing import Any

import keras
import numpy as np

from ganad.detectors.neural import NeuralDetector
from ganad.detectors.searching import SearchingDetector
from ganad.models.gan import gan_game
from ganad.networks import check_shape, dcgan_generator, gan_discriminator
from ganad.search.latent import draw_starts
from ganad.search.moving_generator import Moved, MovingSearch
from ganad.training.adversarial import Game
from ganad.validation import choice, real, whole


class ADGAN(SearchingDetector):
    """A GAN that is bent towards every query: an anomaly stays far although the generator may move.

    Parameters
    ----------
    latent_dim : int, optional
        Dimensions of z; 256 for images, 32 for tables.
    epochs : int, optional
        Passes over the data; left out, as many as make 20,000 steps.
    batch_size : int, optional
        64 for images, 50 for tables.
    learning_rate : float, optional
        Adam's step size for both players; 2e-4.
    schedule : {"constant", "cosine"}
        What becomes of the learning rate: "cosine" takes it to zero by the last step.
    decay : float, optional
        Of the moving average of the weights that score; .999.
    steps : int
        Steps of a query, k; 5.
    restarts : int
        Starts of each query, each with weights of its own; the score is the mean of their losses.  8.
    latent_rate, generator_rate : float
        Adam's step sizes for z and for the generator's weights; .25 and 5e-5.
    threshold_samples : int
        Training samples that are queried for ``threshold_`` and ``decision_scores_``; 256.
    width : float
        Factor on the number of units of every hidden layer; 1.
    networks : mapping of str to keras.Model, optional
        Own "generator" and "discriminator" (returning ``[logit, features]``).
    contamination, seed, verbose
        See :class:`ganad.detectors.base.Detector`.
    """

    name = "adgan"
    _roles = ("generator", "discriminator")
    _scoring = ("steps", "restarts", "latent_rate", "generator_rate", "threshold_samples")
    _rules = NeuralDetector._neural_rules | {
        "schedule": choice("constant", "cosine"),
        "steps": whole(0, 10_000),
        "restarts": whole(1, 10_000),
        "latent_rate": real(0, 100),
        "generator_rate": real(0, 100),
        "threshold_samples": whole(1, 10**9),
    }

    def __init__(
        self,
        *,
        latent_dim: int | None = None,
        epochs: int | None = None,
        batch_size: int | None = None,
        learning_rate: float | None = None,
        schedule: str = "constant",
        decay: float | None = None,
        steps: int = 5,
        restarts: int = 8,
        latent_rate: float = 0.25,
        generator_rate: float = 5e-5,
        threshold_samples: int = 256,
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
        self.decay = decay
        self.steps = steps
        self.restarts = restarts
        self.latent_rate = latent_rate
        self.generator_rate = generator_rate
        self.threshold_samples = threshold_samples
        self.width = width
        self.networks = networks
        self.contamination = contamination
        self.seed = seed
        self.verbose = verbose

    def _reference(self, shape: tuple[int, ...]) -> dict[str, Any]:
        image = len(shape) == 3
        return {
            "latent_dim": 256 if image else 32,
            "batch_size": 64 if image else 50,
            "learning_rate": 2e-4,
            "decay": 0.999,
        }

    def _networks(self, shape: tuple[int, ...]) -> dict[str, keras.Model]:
        shape, seed = check_shape(shape), 2 * self.seed
        return {
            "generator": dcgan_generator(shape, self.reference_["latent_dim"], seed=seed, width=self.width),
            "discriminator": gan_discriminator(shape, seed=seed + 1, width=self.width),
        }

    def _game(self, networks: dict[str, keras.Model], total_steps: int) -> Game:
        chosen = {name: self.reference_[name] for name in ("latent_dim", "learning_rate", "decay")}
        return gan_game(networks, **chosen, total_steps=self._fall(total_steps), seed=self.seed)

    def _compile(self, networks: dict[str, keras.Model]) -> Callable:
        return MovingSearch(
            networks["generator"],
            steps=self.steps,
            latent_rate=self.latent_rate,
            generator_rate=self.generator_rate,
        ).search

    def search(self, x: Any, **changes: Any) -> Moved:
        """Every start's end for each sample: latent points, losses, what was generated, how far the weights went.

        Parameters
        ----------
        x : array
            As for :meth:`decision_function`.
        **changes
            Other values, for this search alone, of ``steps``, ``restarts``, ``latent_rate`` or ``generator_rate``.
        """
        if not changes:
            return self._search(self._checked(x))
        return self._changed(changes)._search(self._checked(x))

    def starts(self) -> np.ndarray:
        """Where every search begins, (restarts, latent_dim): the same for all, so that a score depends on its sample alone."""
        return draw_starts(self.restarts, self.reference_["latent_dim"], self.seed)

    def _search(self, x: np.ndarray) -> Moved:
        return self._compiled(x, self.starts())

    def _searched(self, x: np.ndarray) -> np.ndarray:
        return self._search(x).loss.mean(1)

    def _reconstruct(self, x: np.ndarray) -> np.ndarray:
        found = self._search(x)  # the best start's image: the mean of eight would be a blur no generator drew
        return found.generated[np.arange(len(x)), found.loss.argmin(1)]
