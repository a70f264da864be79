"""What detectors share that answer every query by gradient steps: their scores cost seconds, not microseconds."""

from abc import abstractmethod

import numpy as np

from ganad.detectors.neural import NeuralDetector


class SearchingDetector(NeuralDetector):
    """Scores by a search for each sample, so the threshold is taken from a part of the training samples.

    A score depends on its sample and the model alone, so samples that are equal are searched for once.

    Attributes
    ----------
    decision_scores_, labels_ : ndarray
        Of ``threshold_samples`` training samples drawn by the seed (all, if there are no more), in their order.
    """

    threshold_samples: int

    @abstractmethod
    def _searched(self, x: np.ndarray) -> np.ndarray:
        """Scores of checked samples, a search for each."""

    def _score(self, x: np.ndarray) -> np.ndarray:
        first, same = _copies(x)
        return self._searched(x[first])[same]

    def _training_scores(self, x: np.ndarray) -> np.ndarray:
        if len(x) > self.threshold_samples:
            x = x[np.sort(np.random.default_rng(self.seed).choice(len(x), self.threshold_samples, replace=False))]
        return self._score(x)


def _copies(x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Where each distinct sample stands first, in their order, and which of these every sample equals."""
    rows = np.ascontiguousarray(x).reshape(len(x), -1)
    _, first, same = np.unique(
        rows.view(f"V{rows.itemsize * rows.shape[1]}").ravel(), return_index=True, return_inverse=True
    )
    kept = np.sort(first)
    return kept, np.searchsorted(kept, first[same])
