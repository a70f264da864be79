"""Many runs of one detector on one data set: what can share a training, a split or a program shares it."""

import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ganad.datasets import Dataset, Split
from ganad.detectors import detector_class
from ganad_book.sweep.cost import Part, cost_of
from ganad_book.sweep.results import as_json
from ganad_book.sweep.runner import Finished, measured, prepare


@dataclass(frozen=True)
class Wanted:
    """A run that is wanted.

    Attributes
    ----------
    anomaly_class : int or None
        Index of the anomalous class; None where the protocol settles it.
    seed : int
        The detector's.
    variant : str
        What the results call the configuration.
    parameters : dict
        Arguments of the detector.
    group : str
        One of ``ganad_book.sweep.defects.GROUPS``, whose own trainings these runs are then.
    """

    anomaly_class: int | None
    seed: int
    variant: str
    parameters: dict[str, Any] = field(default_factory=dict)
    group: str = ""


def perform_many(
    detector: str,
    data: Dataset,
    wanted: Sequence[Wanted],
    *,
    dataset: str | None = None,
    split_options: Mapping[str, Any] | None = None,
    together: bool = True,
    on_part: Callable[[Part], object] = lambda part: None,
) -> Iterator[tuple[Wanted, Finished | Exception]]:
    """Do the runs, and yield each as soon as it is done: finished, or with the error that ended it.

    Runs that differ in how they score alone are trained once.  Training runs that differ in class and seed alone share a program if the
    data are images, or the class is the same: one that moves them all (JAX), or one that each runs for itself, side by side.

    Parameters
    ----------
    detector : str
        Its name in tables.
    data : Dataset
        What to split.
    wanted : sequence of Wanted
        The runs.
    dataset : str, optional
        What the data is called in the results, if not by its own name.
    split_options : mapping, optional
        See :func:`ganad_book.sweep.runner.prepare`.
    together : bool
        False trains one after the other.
    on_part : callable
        Is handed the cost of each training.
    """
    yield from _of_groups(data, [run for run in wanted if run.group])
    wanted = [run for run in wanted if not run.group]
    options = dict(split_options or {})
    splits = _Splits(data, options)
    for trainings in _programs(detector, data, wanted, together):
        try:
            models, part = _trained(detector, data, splits, trainings)
            on_part(part)
        except Exception as error:
            yield from ((run, error) for runs in trainings for run in runs)
            continue
        for model, runs in zip(models, trainings, strict=True):
            for run in runs:
                yield run, _scored(model, splits[run.anomaly_class], run, part, dataset, options)


def _of_groups(data: Dataset, wanted: Sequence[Wanted]) -> Iterator[tuple[Wanted, Finished | Exception]]:
    """Defects of published code, each group's seeds one after the other."""
    from ganad_book.sweep import defective

    trainings: dict[tuple[str, int], dict[str, Wanted]] = {}
    for run in wanted:
        trainings.setdefault((run.group, run.seed), {})[run.variant] = run
    for (group, seed), left in trainings.items():
        try:
            for row in defective.rows(group, seed, data):
                if row["variant"] in left:
                    yield left.pop(row["variant"]), Finished(None, np.empty(0), row)
        except Exception as error:
            yield from ((run, error) for run in left.values())


class _Splits:
    """Splits by anomalous class, the latest kept: of one class after the other each is made once."""

    def __init__(self, data: Dataset, options: dict[str, Any]) -> None:
        self._data, self._options, self._kept = data, options, {}

    def __getitem__(self, anomaly_class: int | None) -> Split:
        if anomaly_class not in self._kept:
            self._kept = {anomaly_class: prepare(self._data, anomaly_class, self._options)}
        return self._kept[anomaly_class]


def _programs(detector: str, data: Dataset, wanted: Iterable[Wanted], together: bool) -> Iterator[list[list[Wanted]]]:
    """Groups of trainings that one program can hold; a training is the runs that share it."""
    scoring = getattr(detector_class(detector), "_scoring", ())
    trainings: dict[tuple, list[Wanted]] = {}
    for run in wanted:
        settled = as_json({name: value for name, value in run.parameters.items() if name not in scoring})
        trainings.setdefault((settled, run.anomaly_class, run.seed), []).append(run)
    if not (together and hasattr(detector_class(detector), "_games")):
        yield from ([runs] for runs in trainings.values())
        return
    programs: dict[tuple, list[list[Wanted]]] = {}
    for (settled, anomaly_class, _), runs in trainings.items():
        # a table is scaled by its own training rows: classes share no samples
        programs.setdefault((settled, None if data.x.dtype == np.uint8 else anomaly_class), []).append(runs)
    yield from programs.values()


def _trained(detector: str, data: Dataset, splits: _Splits, trainings: list[list[Wanted]]) -> tuple[list, Part]:
    """The fitted models of these trainings, an error in the place of one that has none."""
    firsts = [runs[0] for runs in trainings]
    models = [detector_class(detector)(seed=run.seed, **run.parameters) for run in firsts]
    if len(models) == 1:
        in_one, start = False, time.perf_counter()
        models[0].fit(splits[firsts[0].anomaly_class].x_train)
        errors, count = [None], len(splits[firsts[0].anomaly_class].x_train)
    else:
        from ganad.detectors.many import fit_together
        from ganad.training.many import can_train_together

        in_one = can_train_together()
        x, rows = _pooled(data, splits, firsts)
        start = time.perf_counter()
        errors, count = fit_together(models, x, rows), sum(map(len, rows))
    part = cost_of(models, data.x.shape[1:], count, time.perf_counter() - start, together=in_one)
    return [error or model for error, model in zip(errors, models, strict=True)], part


def _pooled(data: Dataset, splits: _Splits, runs: list[Wanted]) -> tuple[np.ndarray, list[np.ndarray]]:
    """Samples of all runs, once, and which of them each trains on."""
    if data.x.dtype != np.uint8:
        x = splits[runs[0].anomaly_class].x_train
        return x, [np.arange(len(x))] * len(runs)
    rows = {anomaly: splits[anomaly].train_rows for anomaly in dict.fromkeys(run.anomaly_class for run in runs)}
    return data.x, [rows[run.anomaly_class] for run in runs]


def _scored(
    model: Any, split: Split, run: Wanted, part: Part, dataset: str | None, options: dict[str, Any]
) -> Finished | Exception:
    if isinstance(model, Exception):
        return model
    try:
        own = type(model)(seed=run.seed, **run.parameters)  # what it leaves out has the default, not the model's
        scoring = getattr(model, "_scoring", ())
        changes = {name: getattr(own, name) for name in scoring if getattr(own, name) != getattr(model, name)}
        if changes:
            model = model.rescored(split.x_train, **changes)
        return measured(
            model,
            split,
            variant=run.variant,
            dataset=dataset,
            train_seconds=part.seconds / part.models,
            parameters=run.parameters | options,
        )
    except Exception as error:
        return error
