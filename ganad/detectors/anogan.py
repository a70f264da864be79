"""AnoGAN: a GAN of normal samples, and a search for the z that comes nearest.  Chapter: book/detectors/anogan.ipynb

Schlegl et al. 2017, *Unsupervised Anomaly Detection with Generative Adversarial Networks to Guide Marker Discovery* (arXiv
1703.05921); the survey's section 2.1.  The authors published no code: reference values are those of the AnoGAN that EGBAD's
authors compare with.
"""

import copy
from collections.abc import Callable, Mapping
from typing import Any

import keras
import numpy as np

from ganad.detectors.neural import NeuralDetector
from ganad.detectors.searching import SearchingDetector
from ganad.models.gan import gan_game
from ganad.networks import bigan_generator, check_shape, gan_discriminator
from ganad.search.latent import Found, LatentSearch, draw_starts
from ganad.training.adversarial import Game
from ganad.validation import choice, obey, real, whole


class AnoGAN(SearchingDetector):
    """Anomaly GAN: the score is what is left of the loss after a search through the latent space.

    Parameters
    ----------
    latent_dim : int, optional
        Dimensions of z; 200 for images, 32 for tables.
    epochs : int, optional
        Passes over the data; left out, as many as make 20,000 steps.
    batch_size : int, optional
        100 for images, 50 for tables.
    learning_rate : float, optional
        Adam's step size for both players; 1e-5.
    schedule : {"constant", "cosine"}
        What becomes of the learning rate: "cosine" takes it to zero by the last step.
    decay : float, optional
        Of the moving average of the weights that score; .999 for images, .9999 for tables.
    anomaly_score : {"feature_matching", "cross_entropy"}
        The discrimination loss (survey, equation (5)): features of x against those of G(z), or -log D(G(z)).
    score_weight : float
        Its weight lambda in (1 - lambda) * residual + lambda * discrimination, in [0, 1]; .1.
    steps : int
        Adam steps of a search, Gamma; 500.
    search_rate : float
        Their size, .01; a tenth of it after 200 steps (tables: 300), a twentieth after another 100.
    restarts : int
        Searches for each sample, each from another point; the best one counts.  1.
    tolerance : float
        End a search once 50 steps have lowered its loss by less than this fraction; 0, never, is AnoGAN.
    threshold_samples : int
        Training samples that are searched for ``threshold_`` and ``decision_scores_``; 256.
    width : float
        Factor on the number of units of every hidden layer; 1.
    networks : mapping of str to keras.Model, optional
        Own "generator" and "discriminator" (returning ``[logit, features]``).
    contamination, seed, verbose
        See :class:`ganad.detectors.base.Detector`; the seed settles weights, noise, order and where searches begin.
    """

    name = "anogan"
    _roles = ("generator", "discriminator")
    _scoring = ("anomaly_score", "score_weight", "steps", "search_rate", "restarts", "tolerance", "threshold_samples")
    _rules = NeuralDetector._neural_rules | {
        "schedule": choice("constant", "cosine"),
        "anomaly_score": choice("feature_matching", "cross_entropy"),
        "score_weight": real(0, 1),
        "steps": whole(0, 1_000_000),
        "search_rate": real(0, 10),
        "restarts": whole(1, 10_000),
        "tolerance": real(0, 1),
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
        anomaly_score: str = "feature_matching",
        score_weight: float = 0.1,
        steps: int = 500,
        search_rate: float = 0.01,
        restarts: int = 1,
        tolerance: float = 0.0,
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
        self.anomaly_score = anomaly_score
        self.score_weight = score_weight
        self.steps = steps
        self.search_rate = search_rate
        self.restarts = restarts
        self.tolerance = tolerance
        self.threshold_samples = threshold_samples
        self.width = width
        self.networks = networks
        self.contamination = contamination
        self.seed = seed
        self.verbose = verbose

    def _reference(self, shape: tuple[int, ...]) -> dict[str, Any]:
        if len(shape) == 3:
            return {"latent_dim": 200, "batch_size": 100, "learning_rate": 1e-5, "decay": 0.999}
        return {"latent_dim": 32, "batch_size": 50, "learning_rate": 1e-5, "decay": 0.9999}

    def _networks(self, shape: tuple[int, ...]) -> dict[str, keras.Model]:
        shape, seed = check_shape(shape), 2 * self.seed
        return {
            "generator": bigan_generator(shape, self.reference_["latent_dim"], seed=seed, width=self.width),
            "discriminator": gan_discriminator(shape, seed=seed + 1, width=self.width),
        }

    def _game(self, networks: dict[str, keras.Model], total_steps: int) -> Game:
        chosen = {name: self.reference_[name] for name in ("latent_dim", "learning_rate", "decay")}
        return gan_game(networks, **chosen, total_steps=self._fall(total_steps), seed=self.seed)

    def _compile(self, networks: dict[str, keras.Model]) -> Callable:
        image = len(networks["generator"].output.shape) == 4
        return LatentSearch(
            networks["generator"],
            networks["discriminator"],
            steps=self.steps,
            rate=self.search_rate,
            boundaries=(200, 300) if image else (300, 400),
            weight=self.score_weight,
            score=self.anomaly_score,
            tolerance=self.tolerance,
            slots=(8, 64) if image else (32, 1024),
        ).search

    def search(self, x: Any, *, steps: int | None = None, restarts: int | None = None, **changes: Any) -> Found:
        """The search's end for each sample: latent points, losses, what was generated.

        Parameters
        ----------
        x : array
            As for :meth:`decision_function`.
        steps, restarts : int, optional
            Others than the detector's, for this search alone.  A search of fewer steps is the beginning of a longer one.
        **changes
            Other values of ``score``, ``score_weight``, ``search_rate`` or ``tolerance`` (compiles anew).
        """
        x = self._checked(x)
        changes |= {name: value for name, value in (("steps", steps), ("restarts", restarts)) if value is not None}
        other = copy.copy(self).set_params(**changes) if changes else self
        obey(other.get_params(deep=False), other._rules)
        if changes.keys() - {"steps", "restarts"}:
            other._adopt(self.networks_)
        else:
            other._compiled = self._compiled
        return other._find(x)

    def _find(self, x: np.ndarray) -> Found:
        starts = draw_starts(self.restarts, self.reference_["latent_dim"], self.seed)
        return self._compiled(x, starts, steps=self.steps)

    def _searched(self, x: np.ndarray) -> np.ndarray:
        return self._find(x).loss

    def _reconstruct(self, x: np.ndarray) -> np.ndarray:
        return self._find(x).generated
