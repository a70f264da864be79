"""One run: fit a detector on a split, measure it, and make a row of it."""

import math
import os
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ganad import metrics
from ganad.datasets import Dataset, Split, kdd_split, leave_one_out, subsample
from ganad.detectors import detector_class
from ganad_book.sweep.cost import Part, cost_of
from ganad_book.sweep.results import BUSY, as_json
from ganad_book.sweep.revisions import revision

RESIDUAL_SAMPLES = 500
"""Normal validation samples whose residual is noted."""

NO_RESIDUALS = {"residual": math.nan, "median_residual": math.nan}


@dataclass(frozen=True)
class Finished:
    """A run that is done: the fitted detector, its scores of the test set, and its row of the results.

    A run of the experiment with the defects has its row alone.
    """

    model: Any = field(repr=False)
    scores: np.ndarray = field(repr=False)
    row: dict[str, Any]


def prepare(data: Dataset, anomaly_class: int | None, options: Mapping[str, Any]) -> Split:
    """The split a run is made on: the survey's, thinned to the ``train``, ``val`` and ``test`` of the options, if any.

    A part left out keeps its samples, and the test part its prevalence (:func:`ganad.datasets.subsample`), drawn by the split's
    own seed.  Of KDD Cup 1999 the other options are those of :func:`ganad.datasets.kdd_split`.
    """
    most = {part: options[part] for part in ("train", "val", "test") if part in options}
    others = {name: value for name, value in options.items() if name not in most}
    kdd = data.name == "kddcup99"
    split = kdd_split(data, **others) if kdd else leave_one_out(data, anomaly_class, **others)
    whole = {"train": len(split.x_train), "val": len(split.x_val), "test": len(split.x_test)}
    return subsample(split, **whole | most, seed=options.get("seed", 0)) if most else split


def run(detector: str, split: Split, **options: Any) -> dict[str, Any]:
    """:func:`perform`, and its row alone."""
    return perform(detector, split, **options).row


def perform(
    detector: str,
    split: Split,
    *,
    seed: int,
    variant: str,
    dataset: str | None = None,
    on_epoch: Callable | None = None,
    on_part: Callable[[Part], object] | None = None,
    split_options: dict[str, Any] | None = None,
    **parameters: Any,
) -> Finished:
    """Fit, score the test set once, and make a row of ``results/survey.csv``.

    Parameters
    ----------
    detector : str
        Its name in tables.
    split : Split
        What to train and test on.
    seed : int
        The detector's.
    variant : str
        What the configuration is called.
    dataset : str, optional
        What the data is called, if not by its own name.
    on_part : callable, optional
        Is handed the cost of the training.
    split_options : dict, optional
        How the split was made, for the record.
    **parameters
        The detector's other arguments.
    """
    model = detector_class(detector)(seed=seed, **parameters)
    start = time.perf_counter()
    model.fit(split.x_train, on_epoch=on_epoch)
    seconds = time.perf_counter() - start
    if on_part:
        on_part(cost_of([model], split.x_train.shape[1:], len(split.x_train), seconds, together=False))
    return measured(
        model,
        split,
        variant=variant,
        dataset=dataset,
        train_seconds=seconds,
        parameters={**parameters, **(split_options or {})},
    )


def measured(
    model: Any,
    split: Split,
    *,
    variant: str,
    dataset: str | None = None,
    train_seconds: float,
    parameters: Mapping[str, Any],
) -> Finished:
    """Score the test set of a fitted detector once, and make its row: arguments as of :func:`row`."""
    start = time.perf_counter()
    scores = model.decision_function(split.x_test)
    score_seconds = time.perf_counter() - start
    found = row(
        model,
        split,
        scores,
        model.decision_function(split.x_val),
        variant=variant,
        dataset=dataset,
        train_seconds=train_seconds,
        score_seconds=score_seconds,
        parameters=parameters,
    )
    return Finished(model, scores, found)


def row(
    model: Any,
    split: Split,
    scores: np.ndarray,
    validation: np.ndarray | None,
    *,
    variant: str,
    dataset: str | None = None,
    train_seconds: float = math.nan,
    score_seconds: float = math.nan,
    parameters: Mapping[str, Any],
) -> dict[str, Any]:
    """A row of ``results/survey.csv`` for the scores of a split's test set, and of its normal validation samples."""
    survey = metrics.detection(split.y_test, metrics.flag_top(scores))
    nothing = metrics.Detection(math.nan, math.nan, math.nan, 0)
    flags = None if validation is None else metrics.flag_above_training(scores, validation)
    by_validation = nothing if flags is None else metrics.detection(split.y_test, flags)
    return {
        "dataset": dataset or split.name,
        "detector": model.name,
        "variant": variant,
        "anomaly_class": split.anomaly,
        "seed": model.seed,
        "epochs": len(next(iter(model.history_.values()))) if hasattr(model, "history_") else 0,
        "prevalence": split.prevalence,
        "auprc": metrics.auprc(split.y_test, scores),
        "auroc": metrics.auroc(split.y_test, scores),
        "precision": survey.precision,
        "recall": survey.recall,
        "f1": survey.f1,
        "val_precision": by_validation.precision,
        "val_recall": by_validation.recall,
        "val_f1": by_validation.f1,
        **(NO_RESIDUALS if validation is None else residuals(model, split)),
        "train_seconds": train_seconds,
        "score_seconds": score_seconds,
        **_where(model),
        "revision": revision(model.name, parameters),
        "parameters": as_json(dict(parameters)),
    }


def residuals(model: Any, split: Split) -> dict[str, float]:
    """``residual`` and ``median_residual`` of a row: see :data:`ganad_book.sweep.results.COLUMNS`.

    Of the first :data:`RESIDUAL_SAMPLES` validation samples: a method that searches for a reconstruction takes its time.
    """
    x = split.x_val[:RESIDUAL_SAMPLES]
    try:
        reconstructed = model.reconstruct(x)
    except NotImplementedError:
        return NO_RESIDUALS
    median = np.median(split.x_train, axis=0)
    return {"residual": float(np.abs(x - reconstructed).mean()), "median_residual": float(np.abs(x - median).mean())}


def _where(model: Any) -> dict[str, str]:
    mark = BUSY * (os.getpriority(os.PRIO_PROCESS, 0) > 0) if hasattr(os, "getpriority") else ""
    if not hasattr(model, "networks_"):
        return {"backend": "scikit-learn", "device": f"CPU{mark}"}
    from ganad.backends import backend

    return {"backend": backend().NAME, "device": f"{backend().device_name()}{mark}"}
