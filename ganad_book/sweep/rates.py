"""What trains the reference EGBAD: the residual of normal validation images, step by step, at several learning rates.

The authors' rate of 1e-5 is for as many steps as their code takes; with fewer, another may be needed.  It is chosen here, by what the
generator makes of normal images that it was not trained on: no anomaly, no score and no test image is looked at.
``python -m ganad_book.sweep.rates`` trains what ``results/egbad_rates.csv`` lacks.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from ganad.datasets import load_dataset
from ganad_book.sweep import results
from ganad_book.sweep.images import SAMPLES
from ganad_book.sweep.runner import RESIDUAL_SAMPLES, prepare
from ganad_book.sweep.store import write_text

COLUMNS = (
    "dataset", "anomaly_class", "variant", "learning_rate", "seed", "step", "residual", "median_residual",
    "discriminator", "generator", "encoder", "backend", "device",
)  # fmt: skip
"""``residual`` and ``median_residual`` as in :data:`ganad_book.sweep.results.COLUMNS`, then each player's mean loss since the last row."""


@dataclass(frozen=True)
class Series:
    """Trainings that differ in rate and seed alone.

    Attributes
    ----------
    dataset : str
    anomaly_class : int
    rates : tuple of float
    steps : int
        Of each training.
    every : int
        Passes over the training images between two rows.
    seeds : int
        How many: 0, 1, ...
    parameters, split : dict
        Other arguments of the detector; how the split is thinned.
    """

    dataset: str
    anomaly_class: int
    rates: tuple[float, ...]
    steps: int
    every: int
    seeds: int = 2
    parameters: dict[str, Any] = field(default_factory=dict)
    split: dict[str, int] = field(default_factory=dict)


SERIES = {
    "full": Series("mnist", 8, (1e-5, 3e-5, 1e-4, 2e-4, 5e-4), 4_540, 1),
    "quarter": Series("mnist", 8, (2e-4, 5e-4), 10_000, 5, parameters={"width": 0.25}, split=SAMPLES),
}
"""By variant: networks and training images of the scale ``full``, and those of the scale ``cpu``.

At a quarter of the width 1e-4 was given up after 3,000 steps, where both seeds were still behind the median image.
"""


def rates_file() -> Path:
    """``egbad_rates.csv`` beside the results."""
    return results.results_file().with_name("egbad_rates.csv")


def read() -> pd.DataFrame:
    """All rows; an empty table if there is no file yet."""
    path = rates_file()
    return pd.read_csv(path) if path.exists() else pd.DataFrame(columns=list(COLUMNS))


def curves(variant: str) -> Iterator[list[dict[str, Any]]]:
    """Train a series, its models in one program where the backend has one; yields the rows of all models each time."""
    from ganad.backends import backend
    from ganad.detectors import EGBAD
    from ganad.training.many import train_together

    series = SERIES[variant]
    split = prepare(load_dataset(series.dataset), series.anomaly_class, series.split)
    x, seen = split.x_train, split.x_val[:RESIDUAL_SAMPLES]
    runs = list(product(series.rates, range(series.seeds)))
    models = [EGBAD(learning_rate=rate, seed=seed, epochs=1, **series.parameters) for rate, seed in runs]
    games = [next(iter(model._games(model._begin(x.shape[1:], len(x)), len(x))))[0] for model in models]
    for model, game in zip(models, games, strict=True):
        model._adopt(game.averaged)
    batch = models[0].reference_["batch_size"]
    known = {
        "dataset": series.dataset,
        "anomaly_class": split.anomaly,
        "variant": variant,
        "median_residual": float(np.abs(seen - np.median(x, axis=0)).mean()),
        "backend": backend().NAME,
        "device": backend().device_name(),
    }
    for epoch in range(series.every, series.steps // (len(x) // batch) + 1, series.every):
        histories = train_together(
            games,
            x,
            [np.arange(len(x))] * len(games),
            epochs=series.every,
            batch_size=batch,
            seeds=[1000 * epoch + seed for _, seed in runs],  # each time another order
        )
        rows = []
        for (rate, seed), model, history in zip(runs, models, histories, strict=True):
            losses = (
                {name: float(np.mean(values)) for name, values in history.items()} if isinstance(history, dict) else {}
            )
            rows.append(
                known
                | {"learning_rate": rate, "seed": seed, "step": epoch * (len(x) // batch)}
                | {"residual": float(np.abs(seen - model._reconstruct(seen)).mean())}
                | losses
            )
        yield rows


def complete(variants: Iterable[str] = tuple(SERIES)) -> None:
    """Train every series whose last row is not there yet; rows are kept as they come, and a series begins anew."""
    for variant in variants:
        table, series = read(), SERIES[variant]
        own = table[table["variant"] == variant]
        if (own["step"] == series.steps).sum() == len(series.rates) * series.seeds:
            continue
        kept = [table[table["variant"] != variant]]
        for rows in curves(variant):
            kept.append(pd.DataFrame(rows, columns=list(COLUMNS)))
            whole = pd.concat([part for part in kept if len(part)])
            write_text(rates_file(), whole.to_csv(index=False, float_format="%.6g"))
            best = min(rows, key=lambda row: row["residual"])
            print(f"{variant}, step {best['step']}: {best['residual']:.3f} at {best['learning_rate']:g}", flush=True)


if __name__ == "__main__":
    complete()
