"""What detectors share that answer every query by gradient steps: their scores cost seconds, not microseconds."""

import numpy as np

from ganad.detectors.neural import NeuralDetector


class SearchingDetector(NeuralDetector):
    """Scores by a search for each sample, so the threshold is taken from a part of the training samples.

    Attributes
    ----------
    decision_scores_, labels_ : ndarray
        Of ``threshold_samples`` training samples drawn by the seed (all, if there are no more), in their order.
    """

    threshold_samples: int

    def _training_scores(self, x: np.ndarray) -> np.ndarray:
        if len(x) > self.threshold_samples:
            x = x[np.sort(np.random.default_rng(self.seed).choice(len(x), self.threshold_samples, replace=False))]
        return self._score(x)
