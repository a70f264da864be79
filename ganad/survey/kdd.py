"""The survey's KDD table: the configurations that are compared, and the runs that are still missing.

Everything that had to be chosen for the stable variants (learning rate, batch size, epochs, latent dimensions, weight of
the residual, spectral normalisation, score) was chosen on ``kdd_split(development=True)``, which is made from the training
half alone.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

import pandas as pd

from ganad.datasets import Dataset, Split
from ganad.survey import results
from ganad.survey.runner import prepare, run

STABLE = {
    "batch_size": 256,
    "learning_rate": 1e-4,
    "schedule": "cosine",
    "turns": "simultaneous",
    "residual_weight": 0.5,
    "dropout": 0.0,
    "spectral_normalization": True,
    "decay": 0.999,
    "epochs": 10,
}
"""EGBAD made stable: the authors' networks, and every change to their training (the data is scaled after log1p as well)."""

STABLE_GANOMALY = {
    "latent_dim": 8,
    "batch_size": 256,
    "learning_rate": 1e-3,
    "schedule": "cosine",
    "epochs": 20,
}
"""GANomaly made stable: narrower codes, which anomalies do not fit through, and larger steps that fall to zero (log1p as
well).  Codes of 4, 8, 16 and 32 dimensions and rates of 2e-4, 5e-4 and 1e-3 were compared, on two to four seeds."""

STABLE_ALAD = {
    "batch_size": 256,
    "learning_rate": 1e-4,
    "schedule": "cosine",
    "turns": "simultaneous",
    "residual_weight": 2.0,
    "anomaly_score": "l1",
    "epochs": 10,
}
"""ALAD made stable: EGBAD's changes, but for the networks, and the L1 score of the paper's section 5.4 (log1p as well).
Six settings of rate, weight of the residual and latent dimensions were compared, all four scores of each, on one or two seeds."""


@dataclass(frozen=True)
class Variant:
    """A row of the table: a detector, its parameters, how the data is split, and how many seeds it deserves."""

    detector: str
    parameters: dict[str, Any] = field(default_factory=dict)
    split: dict[str, Any] = field(default_factory=dict)
    most_seeds: int = 10

    @property
    def dataset(self) -> str:
        """What the data is called in the results."""
        return "kddcup99-unique" if self.split.get("deduplicate") else "kddcup99"


LOG1P = {"log1p": True}

FEW = {"val": 500, "test": 10_000}
"""Most rows of AnoGAN, which answers each by a search: a part of the test half drawn at random."""

FEWER = {"val": 500, "test": 4_000}
"""Most rows of ADGAN, which searches eight times for each."""


def _ablation(without: str = "", of: str = "egbad", **instead: Any) -> Variant:
    stable = {"egbad": STABLE, "ganomaly": STABLE_GANOMALY, "alad": STABLE_ALAD}[of]
    parameters = {name: value for name, value in stable.items() if name != without}
    return Variant(of, parameters | instead, LOG1P, most_seeds=3)


VARIANTS = {
    "faithful": Variant("egbad", {"epochs": 30}),
    "faithful, rate 1e-4": Variant("egbad", {"epochs": 30, "learning_rate": 1e-4}, most_seeds=3),
    "stable": Variant("egbad", STABLE, LOG1P),
    "stable, no log1p": Variant("egbad", STABLE, most_seeds=3),
    "stable, no spectral normalisation": _ablation("spectral_normalization"),
    "stable, no residual loss": _ablation("residual_weight"),
    "stable, no learning-rate decay": _ablation("schedule"),
    "stable, no averaging": _ablation(decay=0.0),
    "stable, dropout .2": _ablation("dropout"),
    "stable, alternating turns": _ablation("turns"),
    "stable, 30 epochs": _ablation(epochs=30),
    "unique rows, stable": Variant("egbad", STABLE | {"epochs": 70}, LOG1P | {"deduplicate": True}),
    "GANomaly, faithful": Variant("ganomaly", {"epochs": 10}),
    "GANomaly, stable": Variant("ganomaly", STABLE_GANOMALY, LOG1P),
    "GANomaly, stable, no log1p": Variant("ganomaly", STABLE_GANOMALY, most_seeds=3),
    "GANomaly, stable, 32 latent dimensions": _ablation("latent_dim", "ganomaly"),
    "GANomaly, stable, rate 2e-4": _ablation("learning_rate", "ganomaly"),
    "GANomaly, stable, no learning-rate decay": _ablation("schedule", "ganomaly"),
    "GANomaly, stable, batches of 50": _ablation("batch_size", "ganomaly"),
    "ALAD, faithful": Variant("alad", {"epochs": 4}),
    "ALAD, stable": Variant("alad", STABLE_ALAD, LOG1P),
    "ALAD, stable, no log1p": Variant("alad", STABLE_ALAD, most_seeds=3),
    "ALAD, stable, no residual loss": _ablation("residual_weight", "alad"),
    "ALAD, stable, score by features": _ablation("anomaly_score", "alad"),
    "ALAD, stable, no learning-rate decay": _ablation("schedule", "alad"),
    "ALAD, stable, alternating turns": _ablation("turns", "alad"),
    "AnoGAN": Variant("anogan", {"epochs": 5}, FEW),
    "f-AnoGAN": Variant("f_anogan", {"epochs": 4}),
    "ADGAN": Variant("adgan", {"epochs": 4}, FEWER),
    "1-NN": Variant("nearest_neighbour", most_seeds=1),
    "PCA residual": Variant("pca_residual", most_seeds=1),
    "isolation forest": Variant("isolation_forest"),
    "unique rows, 1-NN": Variant("nearest_neighbour", {}, {"deduplicate": True}, most_seeds=1),
    "unique rows, PCA residual": Variant("pca_residual", {}, {"deduplicate": True}, most_seeds=1),
    "unique rows, isolation forest": Variant("isolation_forest", {}, {"deduplicate": True}),
}
"""Every configuration of the chapter ``survey/kdd``, by its name in the table."""


def missing(table: pd.DataFrame, names: Iterable[str], seeds: int) -> Iterator[tuple[str, int]]:
    """(variant, seed) of the runs that the table does not hold with these very parameters."""
    for name in names:
        variant = VARIANTS[name]
        for seed in range(min(seeds, variant.most_seeds)):
            key = {"dataset": variant.dataset, "detector": variant.detector, "variant": name, "seed": seed}
            if not results.finished(table, variant.parameters | variant.split, **key):
                yield name, seed


def complete(data: Dataset, names: Iterable[str], seeds: int, verbose: bool = True) -> pd.DataFrame:
    """Run what is missing, record each row as soon as it is there, and return the whole table.

    Interrupted at any moment, it goes on where it stopped.
    """
    table, splits = results.read(), {}
    for name, seed in list(missing(table, names, seeds)):
        variant = VARIANTS[name]
        key = tuple(sorted(variant.split.items()))
        if key not in splits:
            splits = {key: prepare(data, None, variant.split)}  # one at a time: a split is a quarter of a gigabyte
        row = measure(name, splits[key], seed)
        table = results.record([row])
        if verbose:
            print(f"{name}, seed {seed}: F1 {row['f1']:.4f} after {row['train_seconds']:.0f} s", flush=True)
    return table


def measure(name: str, split: Split, seed: int) -> dict[str, Any]:
    """One run of a variant on its split, as a row of the results."""
    variant = VARIANTS[name]
    return run(
        variant.detector,
        split,
        seed=seed,
        variant=name,
        dataset=variant.dataset,
        split_options=variant.split,
        **variant.parameters,
    )
