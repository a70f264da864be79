"""A score that does not mistake the simple for the normal: a residual against the one to expect of so busy an image.

Simple images are reconstructed well whatever they show: the digit 1, with little ink, has the smallest residual of all digits
even where it is the anomaly.  Serra et al. 2020, *Input Complexity and Out-of-distribution Detection with Likelihood-based
Generative Models* (arXiv 1909.11480), found the same of likelihoods, and correct them by the image's complexity.
"""

import numpy as np

from ganad.detectors.neural import NeuralDetector


def complexity(x: np.ndarray) -> np.ndarray:
    """Total variation of each image, plus 1: (N, H, W, C) in [-1, 1] to (N,), >= 1."""
    across, down = (np.abs(np.diff(x, axis=axis)).sum((1, 2, 3), dtype=np.float64) for axis in (1, 2))
    return 1 + across + down


class ComplexityCorrected(NeuralDetector):
    """A detector of images that can score by the logarithm of its score less the one expected at the image's complexity.

    What to expect is a line through the training samples, of log score over log complexity; nothing but these is looked at.

    Attributes
    ----------
    complexity_line_ : ndarray (2,)
        Slope and height of the line; there only with ``complexity_correction``.
    """

    complexity_correction: bool

    def _corrected(self, scores: np.ndarray, x: np.ndarray) -> np.ndarray:
        return np.log(scores + 1e-12) - np.polyval(self.complexity_line_, np.log(complexity(x)))

    def _score(self, x: np.ndarray) -> np.ndarray:
        scores = super()._score(x)
        return self._corrected(scores, x) if self.complexity_correction else scores

    def _training_scores(self, x: np.ndarray) -> np.ndarray:
        scores = super()._score(x)
        if not self.complexity_correction:
            return scores
        if x.ndim != 4:
            raise ValueError("complexity_correction is for images: leave it out for a table")
        self.complexity_line_ = np.polyfit(np.log(complexity(x)), np.log(scores + 1e-12), 1)
        return self._corrected(scores, x)

    def _state(self) -> tuple[dict[str, np.ndarray], dict]:
        arrays, extra = super()._state()
        return arrays | ({"complexity_line": self.complexity_line_} if self.complexity_correction else {}), extra

    def _restore(self, arrays: dict[str, np.ndarray], header: dict) -> None:
        super()._restore(arrays, header)
        if self.complexity_correction:
            self.complexity_line_ = arrays["complexity_line"]
