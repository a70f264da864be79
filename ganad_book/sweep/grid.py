"""The grid of the reproduction: its configurations, and the single runs they consist of."""

import statistics
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

import pandas as pd

from ganad.datasets import class_names
from ganad.errors import GanadError
from ganad_book.sweep import defects, images, kdd, results
from ganad_book.sweep.revisions import revision

_FILTERS = ("dataset", "detector", "variant", "class", "seed")


class GridError(GanadError, ValueError):
    """The runs that were asked for are none of the grid's: one line that says which word, and what would do."""


@dataclass(frozen=True)
class Run:
    """One detector, trained once.

    Attributes
    ----------
    data : str
        Name of the data set.
    dataset, detector, variant, anomaly_class, seed
        What the results call it.
    class_index : int or None
        Of the anomalous class; None where the protocol settles it.
    parameters, split : dict
        Arguments of the detector, and of the split.
    family : str
        Runs of one family differ in seed and class, and in how they score.
    group : str
        One of ``ganad_book.sweep.defects.GROUPS``, if these runs belong to the experiment with the defects.
    """

    data: str
    dataset: str
    detector: str
    variant: str
    anomaly_class: str
    class_index: int | None
    seed: int
    parameters: dict[str, Any] = field(default_factory=dict, hash=False)
    split: dict[str, Any] = field(default_factory=dict, hash=False)
    family: str = ""
    group: str = ""

    @property
    def key(self) -> tuple:
        """What makes two rows the same run, in the order of :data:`ganad_book.sweep.results.KEY`."""
        return self.dataset, self.detector, self.variant, self.anomaly_class, self.seed

    @property
    def slug(self) -> str:
        """Name of its files."""
        words = [self.dataset, self.detector, self.variant, self.class_index, self.seed]
        return "-".join("".join(c if c.isalnum() else "_" for c in str(word)) for word in words if word is not None)

    @property
    def given(self) -> str:
        """Every parameter, as the results hold them."""
        return results.as_json(self.parameters | self.split)

    @property
    def revision(self) -> str:
        """Of method and protocol, as a row made today has it."""
        return revision(self.detector, self.parameters | self.split)

    def __str__(self) -> str:
        anomaly = "" if self.class_index is None else f", {self.anomaly_class} anomalous"
        return f"{self.dataset}: {self.detector} ({self.variant}){anomaly}, seed {self.seed}"


def runs(scale: str = "") -> Iterator[Run]:
    """Every run of the grid, or of one scale and KDD, the most worth first: what ends early is a table already.

    The experiment with the defects is of the scale ``cpu``.

    One seed of everything before the next; then by :data:`ganad_book.sweep.images.WORTH`, the rest in the order of the configurations.
    """
    wanted = (each for each in images.configurations() if scale in ("", each.scale))
    every = [*(run for each in wanted for run in image_runs(each)), *kdd_runs()]
    if scale != "full":
        every += defect_runs()
    yield from sorted(every, key=_rank)


def _rank(run: Run) -> tuple[int, int]:
    configuration = run.variant.partition(", ")[2]
    main = configuration in ("", "improved") and (run.detector, run.data) in images.WORTH
    return run.seed, images.WORTH.index((run.detector, run.data)) if main else len(images.WORTH)


def image_runs(wanted: images.Configuration) -> Iterator[Run]:
    """The runs of a configuration: each class in turn the anomaly."""
    for data in wanted.datasets:
        names = class_names(data)
        for seed in range(wanted.seeds):
            for index in wanted.classes or range(len(names)):
                yield Run(
                    data,
                    data,
                    wanted.detector,
                    wanted.variant,
                    names[index],
                    index,
                    seed,
                    wanted.parameters,
                    wanted.split,
                    wanted.family or wanted.variant,
                )


def kdd_runs() -> Iterator[Run]:
    """The runs of KDD's table."""
    for name, variant in kdd.VARIANTS.items():
        for seed in range(variant.most_seeds):
            yield Run(
                "kddcup99",
                variant.dataset,
                variant.detector,
                name,
                "normal",
                None,
                seed,
                variant.parameters,
                variant.split,
                name,
            )


def defect_runs() -> Iterator[Run]:
    """The runs of the experiment with the defects of published code, and of its controls."""
    for name, group in defects.GROUPS.items():
        anomaly = "normal" if group.anomaly is None else class_names(group.dataset)[group.anomaly]
        for seed in range(group.seeds):
            for variant, parameters in group.made.items():
                yield Run(
                    group.dataset,
                    group.dataset,
                    group.detector,
                    variant,
                    anomaly,
                    group.anomaly,
                    seed,
                    parameters,
                    family=f"defects: {name}",
                    group=name,
                )


def batches(every: Iterable[Run], most: int) -> list[list[Run]]:
    """Runs that may share a process, ``most`` at a time: of one detector, data set and split, family by family.

    In the order of the first of each.  Defects share one training a seed, so those of a seed stay together.
    """
    groups: dict[tuple, list[Run]] = {}
    for run in every:
        key = (
            run.data,
            run.dataset,
            run.detector,
            run.family,
            results.as_json(run.split),
            run.seed if run.group else None,
        )
        groups.setdefault(key, []).append(run)
    parts = []
    for group in groups.values():
        size = len(group) if group[0].group else most
        parts += [group[start : start + size] for start in range(0, len(group), size)]
    return parts


def chosen(every: Iterable[Run], only: str = "") -> list[Run]:
    """The runs that ``only`` names: ``detector=egbad,dataset=mnist,class=0-4,seed=0-2``.

    A word that comes twice means either; a range or a number is meant for classes (also by name) and seeds.  A comma and no
    word after it belong to the name: ``variant=cpu, improved``.

    Raises
    ------
    GridError
        If a word is unknown, or no run is left.
    """
    every = list(every)
    wanted: dict[str, list[Callable[[Run], bool]]] = {}
    for term in _terms(only):
        word, _, value = term.partition("=")
        if word not in _FILTERS or not value:
            raise GridError(f"--only takes {', '.join(f'{name}=...' for name in _FILTERS)}, not {term!r}")
        test = _numbered(word, value) if word in ("class", "seed") else _named(word, value)
        if not any(map(test, every)):
            known = sorted({getattr(run, "anomaly_class" if word == "class" else word) for run in every})
            raise GridError(f"no run of the grid has {term}: {word} is one of {', '.join(map(str, known))}")
        wanted.setdefault(word, []).append(test)
    found = [run for run in every if all(any(test(run) for test in tests) for tests in wanted.values())]
    if not found:
        raise GridError(f"no run of the grid has all of {only}")
    return found


def _terms(only: str) -> list[str]:
    terms: list[str] = []
    for part in filter(None, (part.strip() for part in only.split(","))):
        if terms and "=" not in part:
            terms[-1] += f", {part}"
        else:
            terms.append(part)
    return terms


def _named(word: str, value: str) -> Callable[[Run], bool]:
    return lambda run: getattr(run, word) == value


def _numbered(word: str, value: str) -> Callable[[Run], bool]:
    low, dash, high = value.partition("-")
    if low.isdecimal() and (high.isdecimal() if dash else not high):
        span = range(int(low), int(high if dash else low) + 1)
        return lambda run: (run.seed if word == "seed" else run.class_index) in span
    if word == "seed":
        raise GridError(f"a seed is a number or a range such as 0-2, not {value!r}")
    return lambda run: run.anomaly_class == value


def states(every: Iterable[Run], table: pd.DataFrame) -> dict[Run, str]:
    """Of each run: ``finished``, ``missing``, or ``stale`` if its row has other parameters or another revision."""
    known = _rows(table)
    return {
        run: "missing"
        if run.key not in known
        else "finished"
        if known[run.key] == (run.given, run.revision)
        else "stale"
        for run in every
    }


def missing(every: Iterable[Run], table: pd.DataFrame) -> list[Run]:
    """Those that the table does not hold as they would be made today."""
    return [run for run, state in states(every, table).items() if state != "finished"]


def finished(table: pd.DataFrame) -> set[tuple]:
    """Keys of the runs of the grid that a table holds as they would be made today."""
    return {run.key for run, state in states(runs(), table).items() if state == "finished"}


def _rows(table: pd.DataFrame) -> dict[tuple, tuple[str, str]]:
    return dict(zip(results.keys(table), zip(table["parameters"], table["revision"], strict=True), strict=True))


def seconds(every: Iterable[Run], table: pd.DataFrame) -> dict[Run, float | None]:
    """What each run will take, by the finished ones most like it; None where there is none.

    The median of the same configuration, else of the same detector and variant on other data.
    """
    timed = table.assign(seconds=table["train_seconds"] + table["score_seconds"]).dropna(subset=["seconds"])

    def medians(*columns: str) -> dict:
        return timed.groupby(list(columns))["seconds"].median().to_dict()

    same, alike = medians("dataset", "detector", "variant"), medians("detector", "variant")
    return {
        run: same.get((run.dataset, run.detector, run.variant), alike.get((run.detector, run.variant))) for run in every
    }


def total(estimates: Iterable[float | None]) -> float | None:
    """Sum of estimates; an unknown one counts as the mean of the known, and None if none is known."""
    estimates = list(estimates)
    known = [value for value in estimates if value is not None]
    return statistics.mean(known) * len(estimates) if known else None
