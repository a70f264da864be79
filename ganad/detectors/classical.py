"""Classical baselines behind the same interface: what a GAN has to beat.

scikit-learn does the work.  They train in seconds, have no seeds to be lucky with (but for the forest), and on the
survey's KDD protocol one of them beats every published GAN.
"""

from collections.abc import Callable
from typing import ClassVar

import numpy as np
from sklearn import ensemble
from sklearn.decomposition import PCA
from sklearn.neighbors import NearestNeighbors

from ganad.detectors.base import Detector
from ganad.validation import optional, whole

_ROUNDING = 1e-5


class _Classical(Detector):
    """Works on flattened samples; saved as the rows it was fitted on, refitted when loaded."""

    def _fit(self, x: np.ndarray, on_epoch: Callable | None) -> None:
        self.rows_ = self._kept(x.reshape(len(x), -1))
        self._learn(self.rows_)

    def _kept(self, rows: np.ndarray) -> np.ndarray:
        return rows

    def _learn(self, rows: np.ndarray) -> None:
        raise NotImplementedError

    def _state(self) -> tuple[dict[str, np.ndarray], dict]:
        return {"rows": self.rows_}, {}

    def _restore(self, arrays: dict[str, np.ndarray], header: dict) -> None:
        self.rows_ = arrays["rows"]
        self._learn(self.rows_)


class MedianDistance(_Classical):
    """Mean absolute difference from the median of the training samples: the control that learns no model at all.

    A method whose reconstructions are no nearer to normal samples than this one image, or row, has not been trained.

    Parameters
    ----------
    contamination, seed
        See :class:`ganad.detectors.base.Detector`; nothing here is random.
    """

    name = "median_distance"
    _rules: ClassVar = {"seed": whole(0, 2**31 - 1)}

    def __init__(self, *, contamination: float = 0.1, seed: int = 0) -> None:
        self.contamination = contamination
        self.seed = seed

    def _kept(self, rows: np.ndarray) -> np.ndarray:
        return np.median(rows, axis=0, keepdims=True)

    def _learn(self, rows: np.ndarray) -> None:
        self._median = rows.reshape(self.shape_)

    def _score(self, x: np.ndarray) -> np.ndarray:
        return np.abs(x - self._median).reshape(len(x), -1).mean(1, dtype=np.float64)

    def _reconstruct(self, x: np.ndarray) -> np.ndarray:
        return np.broadcast_to(self._median, x.shape).copy()


class NearestNeighbour(_Classical):
    """Euclidean distance to the nearest training sample (1-NN).

    Parameters
    ----------
    samples : int, optional
        Keep only so many training samples, drawn by the seed; all when left out.
    contamination, seed
        See :class:`ganad.detectors.base.Detector`.
    """

    name = "nearest_neighbour"
    _rules: ClassVar = {"samples": optional(whole(1, 10**9)), "seed": whole(0, 2**31 - 1)}

    def __init__(self, *, samples: int | None = None, contamination: float = 0.1, seed: int = 0) -> None:
        self.samples = samples
        self.contamination = contamination
        self.seed = seed

    def _kept(self, rows: np.ndarray) -> np.ndarray:
        if self.samples is not None and self.samples < len(rows):
            rows = np.random.default_rng(self.seed).choice(rows, self.samples, replace=False)
        return np.unique(rows, axis=0)  # copies change no distance, and KDD is mostly copies

    def _learn(self, rows: np.ndarray) -> None:
        self._index = NearestNeighbors(n_neighbors=1, algorithm="brute").fit(rows)

    def _score(self, x: np.ndarray) -> np.ndarray:
        return self._nearest(x)[0][:, 0]

    def _training_scores(self, x: np.ndarray) -> np.ndarray:
        # Each is its own nearest neighbour: without it, all scores and the threshold would be zero.
        distance = self._nearest(x, 2)[0]
        _, back, copies = np.unique(x.reshape(len(x), -1), axis=0, return_inverse=True, return_counts=True)
        itself = (distance[:, 0] == 0) & (copies[back.ravel()] == 1)
        return np.where(itself, distance[:, -1], distance[:, 0])

    def _nearest(self, x: np.ndarray, count: int = 1) -> tuple[np.ndarray, np.ndarray]:
        """Distances to the nearest rows (fewer than ``count`` if there are no more), and their indices."""
        rows, back = np.unique(x.reshape(len(x), -1), axis=0, return_inverse=True)
        index = self._index.kneighbors(rows, min(count, len(self.rows_)), return_distance=False)
        # The expanded square loses digits near zero: take the winners' distances again, exactly.
        difference = (rows.astype(np.float64) - self.rows_[column] for column in index.T)
        distance = np.stack([np.linalg.norm(away, axis=1) for away in difference], axis=1)
        return distance[back.ravel()], index[back.ravel()]

    def _reconstruct(self, x: np.ndarray) -> np.ndarray:
        return self.rows_[self._nearest(x)[1][:, 0]].reshape(x.shape)


class PCAResidual(_Classical):
    """Distance to the subspace of the first principal components.

    Parameters
    ----------
    components : int, optional
        Dimensions of the subspace, at most what the data allows.  Left out, 50 for images and 32 for tables; or half of the
        data's dimensions where these would be all of them, because nothing has a distance to the whole space.
    contamination, seed
        See :class:`ganad.detectors.base.Detector`.
    """

    name = "pca_residual"
    _rules: ClassVar = {"components": optional(whole(1, 10**6)), "seed": whole(0, 2**31 - 1)}

    def __init__(self, *, components: int | None = None, contamination: float = 0.1, seed: int = 0) -> None:
        self.components = components
        self.contamination = contamination
        self.seed = seed

    def _learn(self, rows: np.ndarray) -> None:
        wanted = self.components or (50 if len(self.shape_) == 3 else 32)
        self._pca = self._fitted(wanted, rows)
        shares = self._pca.explained_variance_ratio_
        if self.components is None and shares.sum() > 1 - _ROUNDING:
            rank = int(np.count_nonzero(shares > _ROUNDING))
            self._pca = self._fitted(max(1, rank // 2), rows)

    def _fitted(self, components: int, rows: np.ndarray) -> PCA:
        return PCA(min(components, *rows.shape), random_state=self.seed).fit(rows)

    def _score(self, x: np.ndarray) -> np.ndarray:
        return np.linalg.norm((x - self._reconstruct(x)).reshape(len(x), -1), axis=1)

    def _reconstruct(self, x: np.ndarray) -> np.ndarray:
        return self._pca.inverse_transform(self._pca.transform(x.reshape(len(x), -1))).reshape(x.shape)


class IsolationForest(_Classical):
    """How few random cuts isolate a sample (Liu et al. 2008).

    Parameters
    ----------
    trees : int
        200.
    contamination, seed
        See :class:`ganad.detectors.base.Detector`.
    """

    name = "isolation_forest"
    _rules: ClassVar = {"trees": whole(1, 100_000), "seed": whole(0, 2**31 - 1)}

    def __init__(self, *, trees: int = 200, contamination: float = 0.1, seed: int = 0) -> None:
        self.trees = trees
        self.contamination = contamination
        self.seed = seed

    def _learn(self, rows: np.ndarray) -> None:
        self._forest = ensemble.IsolationForest(n_estimators=self.trees, random_state=self.seed).fit(rows)

    def _score(self, x: np.ndarray) -> np.ndarray:
        return -self._forest.score_samples(x.reshape(len(x), -1))
