"""Fitting many detectors of one kind at once: the classes and seeds of a grid, in one program or side by side on the cores."""

from collections.abc import Sequence
from functools import partial
from typing import Any

import numpy as np

from ganad.detectors.base import CONTAMINATION, check_samples
from ganad.detectors.neural import NeuralDetector
from ganad.training.adversarial import DivergedError
from ganad.training.many import can_train_together, side_by_side, train_together
from ganad.validation import obey


def fit_together(detectors: Sequence[NeuralDetector], x: Any, rows: Sequence[np.ndarray]) -> list[DivergedError | None]:
    """Fit detectors that differ in their seeds and in their samples alone; each learns what it would learn by itself.

    Parameters
    ----------
    detectors : sequence of NeuralDetector
        M of one class.
    x : array (N, ...)
        The samples of all of them, as for :meth:`ganad.detectors.base.Detector.fit`.
    rows : sequence of ndarray of int
        Which samples each detector learns from; at least a batch of them.

    Returns
    -------
    list
        None for a detector that is fitted, else the error that ended its training: the others go on.

    Raises
    ------
    ValueError, TypeError
        In one line: as ``fit``, or if the detectors differ in anything else.
    """
    _all_alike(detectors)
    x = check_samples(x)
    if not can_train_together():
        return _fit_side_by_side(detectors, x, rows)
    networks = [_begun(detector, x, own) for detector, own in zip(detectors, rows, strict=True)]
    ways = [each._games(made, len(own)) for each, made, own in zip(detectors, networks, rows, strict=True)]
    errors: list[DivergedError | None] = [None] * len(detectors)
    for stage in zip(*ways, strict=True):
        games = [game for game, _ in stage]
        outcomes = train_together(
            games,
            x,
            rows,
            epochs=stage[0][1],
            batch_size=detectors[0].reference_["batch_size"],
            seeds=[detector.seed for detector in detectors],
        )
        for k, (game, outcome) in enumerate(zip(games, outcomes, strict=True)):
            networks[k] |= game.averaged
            if isinstance(outcome, DivergedError):
                errors[k] = errors[k] or outcome
            else:
                detectors[k].history_ |= outcome
    for detector, made, own, error in zip(detectors, networks, rows, errors, strict=True):
        if error is None:
            detector.shape_ = x.shape[1:]
            detector._adopt(made)
            detector._set_threshold(x[own])
    return errors


def _fit_side_by_side(
    detectors: Sequence[NeuralDetector], x: np.ndarray, rows: Sequence[np.ndarray]
) -> list[DivergedError | None]:
    for detector, own in zip(detectors, rows, strict=True):
        _check(detector, x.shape[1:], len(own))
    outcomes = side_by_side([partial(_fit_on, each, x, own) for each, own in zip(detectors, rows, strict=True)])
    return [outcome if isinstance(outcome, DivergedError) else None for outcome in outcomes]


def _fit_on(detector: NeuralDetector, x: np.ndarray, rows: np.ndarray) -> NeuralDetector:
    return detector.fit(x[rows])  # copied when its turn has come


def _begun(detector: NeuralDetector, x: np.ndarray, rows: np.ndarray) -> dict:
    _check(detector, x.shape[1:], len(rows))
    return detector._begin(x.shape[1:], len(rows))


def _check(detector: NeuralDetector, shape: tuple[int, ...], rows: int) -> None:
    obey(detector.get_params(deep=False), detector._rules | CONTAMINATION)
    batch = detector.batch_size or detector._reference(shape)["batch_size"]
    if rows < batch:
        raise ValueError(f"{rows} samples are less than a batch of {batch}")


def _all_alike(detectors: Sequence[NeuralDetector]) -> None:
    if not detectors:
        raise ValueError("there is no detector to fit")
    first = detectors[0]
    for detector in detectors:
        if type(detector) is not type(first):
            raise TypeError(f"{type(first).__name__} and {type(detector).__name__} cannot be fitted together")
        for name, value in detector.get_params(deep=False).items():
            if name != "seed" and value != getattr(first, name):
                raise ValueError(f"detectors that are fitted together differ in their seeds alone, not in {name}")
