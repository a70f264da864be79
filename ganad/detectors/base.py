"""What every detector is: PyOD's conventions on a scikit-learn estimator."""

import io
import json
import os
import tempfile
import zipfile
import zlib
from abc import abstractmethod
from collections.abc import Callable
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.utils.validation import check_is_fitted

from ganad import __version__
from ganad.validation import Rule, obey, real

FORMAT = "ganad-detector-1"
RENAMED = {"score": "anomaly_score"}
"""Arguments in older files, and what they are called now: ``score`` hid the method by which scikit-learn rates an estimator."""
CONTAMINATION = {"contamination": real(1e-9, 0.5)}


class Detector(BaseEstimator):
    """Learns from normal samples, scores any: higher is more anomalous.

    Subclasses store their keyword-only arguments and implement ``_fit`` and ``_score``.

    Attributes
    ----------
    decision_scores_ : ndarray (N,), float64
        Scores of the training samples; of a nearest neighbour, each without itself.
    threshold_ : float
        Their ``1 - contamination`` quantile: :meth:`predict` calls anomalous what scores above it.
    labels_ : ndarray (N,)
        The training samples' own predictions.
    shape_ : tuple of int
        Shape of one sample.
    """

    contamination: float
    _rules: ClassVar[dict[str, Rule]] = {}
    _not_saved: ClassVar[tuple[str, ...]] = ()

    @property
    @abstractmethod
    def name(self) -> str:
        """How files and tables call the method."""

    @abstractmethod
    def _fit(self, x: np.ndarray, on_epoch: Callable | None) -> None:
        """Learn from checked samples."""

    @abstractmethod
    def _score(self, x: np.ndarray) -> np.ndarray:
        """Scores of checked samples."""

    def fit(self, x: Any, y: Any = None, *, on_epoch: Callable[[int, "Detector"], Any] | None = None) -> "Detector":
        """Learn what is normal.

        Parameters
        ----------
        x : array
            Images (N, H, W, C) or (N, H, W), uint8 or float in [-1, 1]; or a table (N, F), finite, scaled by you.
        y : ignored
        on_epoch : callable, optional
            Called with the epoch (from 1) and this detector, which can already score; returning True ends the training.
            Detectors that know no epochs ignore it.

        Raises
        ------
        ValueError, TypeError
            In one line, for anything else, or for a hyper-parameter out of range.
        ganad.training.adversarial.DivergedError
            If a loss stops being finite.
        """
        obey(self.get_params(deep=False), self._rules | CONTAMINATION)
        x = check_samples(x)
        self.shape_ = x.shape[1:]
        try:
            self._fit(x, on_epoch)
        except Exception:
            del self.shape_  # half a fit is none
            raise
        self._set_threshold(x)
        return self

    def _set_threshold(self, x: np.ndarray) -> None:
        self.decision_scores_ = np.asarray(self._training_scores(x), np.float64)
        self.threshold_ = float(np.quantile(self.decision_scores_, 1 - self.contamination))
        self.labels_ = (self.decision_scores_ > self.threshold_).astype(int)

    def decision_function(self, x: Any) -> np.ndarray:
        """Anomaly scores (N,), float64, higher is more anomalous; each depends on its sample and the model alone."""
        return np.asarray(self._score(self._checked(x)), np.float64)

    def predict(self, x: Any) -> np.ndarray:
        """1 where the score lies above ``threshold_``, else 0."""
        return (self.decision_function(x) > self.threshold_).astype(int)

    def reconstruct(self, x: Any) -> np.ndarray:
        """What the model makes of each sample, shaped like x."""
        return self._reconstruct(self._checked(x))

    def residual_map(self, x: Any) -> np.ndarray:
        """Absolute difference of each image and its reconstruction, averaged over channels: (N, H, W); tables (N, F)."""
        x = self._checked(x)
        residual = np.abs(x - self._reconstruct(x))
        return residual.mean(-1) if residual.ndim == 4 else residual

    def _reconstruct(self, x: np.ndarray) -> np.ndarray:
        raise NotImplementedError(f"{type(self).__name__} reconstructs nothing")

    def _training_scores(self, x: np.ndarray) -> np.ndarray:
        """Scores of the samples the model was fitted on."""
        return self._score(x)

    def _checked(self, x: Any) -> np.ndarray:
        check_is_fitted(self, "shape_")
        return check_samples(x, self.shape_)

    def save(self, path: str | os.PathLike) -> None:
        """Write weights and JSON, no pickle, into one file; it appears under its name only when it is complete."""
        check_is_fitted(self, "shape_")
        arrays, extra = self._state()
        header = {
            "format": FORMAT,
            "ganad": __version__,
            "detector": self.name,
            "parameters": {k: v for k, v in self.get_params().items() if k not in self._not_saved},
            "shape": list(self.shape_),
            "threshold": self.threshold_,
            **extra,
        }
        path = Path(path)
        with tempfile.TemporaryDirectory(dir=path.parent, prefix=f".{path.name}") as folder:
            part = Path(folder) / path.name
            with zipfile.ZipFile(part, "w", zipfile.ZIP_DEFLATED) as archive:
                archive.writestr("detector.json", json.dumps(header, indent=1, default=lambda number: number.item()))
                buffer = io.BytesIO()
                np.savez(buffer, allow_pickle=False, decision_scores=self.decision_scores_, **arrays)
                archive.writestr("weights.npz", buffer.getvalue())
            part.replace(path)

    @abstractmethod
    def _state(self) -> tuple[dict[str, np.ndarray], dict]:
        """Arrays and JSON from which ``_restore`` makes the fitted model again."""

    @abstractmethod
    def _restore(self, arrays: dict[str, np.ndarray], header: dict) -> None:
        """Undo ``_state``."""


def restore(path: str | os.PathLike, class_of: Callable[[str], type[Detector]]) -> Detector:
    """The detector a file holds.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    ValueError
        If it is not a saved detector: the message says why.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            header = json.loads(archive.read("detector.json"))
            with np.load(io.BytesIO(archive.read("weights.npz")), allow_pickle=False) as file:
                arrays = dict(file)
        if header.get("format") != FORMAT:
            raise ValueError(f"its format is {header.get('format')!r}, this version reads {FORMAT!r}")
        given = {RENAMED.get(name, name): value for name, value in header["parameters"].items()}
        detector = class_of(header["detector"])(**given)
        detector.shape_ = tuple(header["shape"])
        detector.decision_scores_ = arrays.pop("decision_scores")
        detector.threshold_ = float(header["threshold"])
        detector.labels_ = (detector.decision_scores_ > detector.threshold_).astype(int)
        detector._restore(arrays, header)
    except (zipfile.BadZipFile, KeyError, ValueError, TypeError, AttributeError, EOFError, zlib.error) as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise ValueError(f"{path} is not a saved detector: {reason}") from error
    return detector


def check_samples(x: Any, shape: tuple[int, ...] | None = None) -> np.ndarray:
    """Samples as float32 with a channel axis, or one clear line.

    Parameters
    ----------
    x : array
        See :meth:`Detector.fit`.
    shape : tuple of int, optional
        What one sample has to look like.

    Raises
    ------
    TypeError
        If x is no array of numbers.
    ValueError
        If it is empty, not finite, of the wrong rank, shape or range.
    """
    try:
        array = np.asarray(x)
    except ValueError as error:
        raise TypeError(f"x must be an array of numbers: {error}") from None
    if array.dtype.kind not in "uifb":
        raise TypeError(f"x must be an array of numbers, not {array.dtype} ({type(x).__name__})")
    if array.ndim not in (2, 3, 4):
        raise ValueError(f"x must be a table (N, F) or images (N, H, W[, C]), not of {array.ndim} dimensions")
    if 0 in array.shape:
        raise ValueError(f"x is empty: its shape is {array.shape}")
    if array.ndim == 3:
        array = array[..., None]
    if array.ndim == 4 and array.dtype == np.uint8:
        array = array / np.float32(127.5) - np.float32(1)
    with np.errstate(over="ignore"):
        array = np.ascontiguousarray(array, np.float32)
    if not np.isfinite(array).all():
        raise ValueError("x holds NaN or infinite values (after conversion to float32): fill or drop them first")
    if array.ndim == 4 and np.abs(array).max() > 1 + 1e-3:
        raise ValueError(
            f"images must be uint8 or lie in [-1, 1], not in [{array.min():g}, {array.max():g}]: divide by 127.5 and take 1 off"
        )
    if shape is not None and array.shape[1:] != tuple(shape):
        raise ValueError(f"x has samples of shape {array.shape[1:]}, the detector was fitted on {tuple(shape)}")
    return array
