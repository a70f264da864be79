"""The survey's KDD table: the configurations that are compared.

Everything that had to be chosen for the stable variants (learning rate, batch size, epochs, latent dimensions, weight of
the residual, spectral normalisation, score) was chosen on ``kdd_split(development=True)``, which is made from the training
half alone.
"""

from dataclasses import dataclass, field
from typing import Any

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
    "batch_normalization": False,
    "anomaly_score": "l1",
    "epochs": 10,
}
"""ALAD made stable: EGBAD's changes, BatchNorm left out as well, and the L1 score of the paper's section 5.4 (log1p as well).
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


WITHOUT_ADVERSARY = {name: STABLE[name] for name in ("batch_size", "learning_rate", "schedule", "decay", "epochs")}
"""The autoencoder and the VAE: EGBAD's stable settings, as far as they have its arguments (log1p as well)."""

LOG1P = {"log1p": True}

RAW = {"raw": True}
"""What the authors' code of EGBAD and of ALAD trains on: it computes scaled columns and throws them away."""

FEW = {"val": 500, "test": 10_000}
"""Most rows of AnoGAN, which answers each by a search: a part of the test half drawn at random."""

FEWER = {"val": 500, "test": 4_000}
"""Most rows of ADGAN, which searches eight times for each."""


def _ablation(without: str = "", of: str = "egbad", **instead: Any) -> Variant:
    stable = {"egbad": STABLE, "ganomaly": STABLE_GANOMALY, "alad": STABLE_ALAD}[of]
    parameters = {name: value for name, value in stable.items() if name != without}
    return Variant(of, parameters | instead, LOG1P, most_seeds=3)


VARIANTS = {
    "authors' code": Variant("egbad", {"epochs": 100}, RAW, most_seeds=3),
    "scaled columns": Variant("egbad", {"epochs": 30}),
    "scaled columns, rate 1e-4": Variant("egbad", {"epochs": 30, "learning_rate": 1e-4}, most_seeds=3),
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
    "GANomaly, reference": Variant("ganomaly", {"epochs": 10}),
    "GANomaly, stable": Variant("ganomaly", STABLE_GANOMALY, LOG1P),
    "GANomaly, stable, no log1p": Variant("ganomaly", STABLE_GANOMALY, most_seeds=3),
    "GANomaly, stable, 32 latent dimensions": _ablation("latent_dim", "ganomaly"),
    "GANomaly, stable, rate 2e-4": _ablation("learning_rate", "ganomaly"),
    "GANomaly, stable, no learning-rate decay": _ablation("schedule", "ganomaly"),
    "GANomaly, stable, batches of 50": _ablation("batch_size", "ganomaly"),
    "ALAD, authors' code": Variant("alad", {"epochs": 10, "spectral_normalization": False}, RAW, most_seeds=3),
    "ALAD, scaled columns": Variant("alad", {"epochs": 4}, most_seeds=5),
    "ALAD, stable": Variant("alad", STABLE_ALAD, LOG1P, most_seeds=5),
    "ALAD, stable, no log1p": Variant("alad", STABLE_ALAD, most_seeds=3),
    "ALAD, stable, no residual loss": _ablation("residual_weight", "alad"),
    "ALAD, stable, score by features": _ablation("anomaly_score", "alad"),
    "ALAD, stable, no learning-rate decay": _ablation("schedule", "alad"),
    "ALAD, stable, alternating turns": _ablation("turns", "alad"),
    "AnoGAN": Variant("anogan", {"epochs": 10}, FEW, most_seeds=3),
    "AnoGAN, rate 1e-4": Variant("anogan", {"epochs": 10, "learning_rate": 1e-4}, FEW, most_seeds=3),
    "AnoGAN, rate 1e-3": Variant("anogan", {"epochs": 10, "learning_rate": 1e-3}, FEW, most_seeds=3),
    "f-AnoGAN": Variant("f_anogan", {"epochs": 8, "encoder_epochs": 8}, most_seeds=5),
    "ADGAN": Variant("adgan", {"epochs": 4}, FEWER, most_seeds=3),
    "ADGAN, rate 1e-3": Variant("adgan", {"epochs": 4, "learning_rate": 1e-3}, FEWER, most_seeds=3),
    "autoencoder": Variant("autoencoder", WITHOUT_ADVERSARY, LOG1P),
    "VAE": Variant("vae", WITHOUT_ADVERSARY, LOG1P),
    "distance to the median": Variant("median_distance", most_seeds=1),
    "distance to the median, raw columns": Variant("median_distance", {}, RAW, most_seeds=1),
    "1-NN": Variant("nearest_neighbour", most_seeds=1),
    "PCA residual": Variant("pca_residual", most_seeds=1),
    "PCA residual, 10 components, raw columns": Variant("pca_residual", {"components": 10}, RAW, most_seeds=1),
    "isolation forest": Variant("isolation_forest"),
    "unique rows, 1-NN": Variant("nearest_neighbour", {}, {"deduplicate": True}, most_seeds=1),
    "unique rows, PCA residual": Variant("pca_residual", {}, {"deduplicate": True}, most_seeds=1),
    "unique rows, isolation forest": Variant("isolation_forest", {}, {"deduplicate": True}),
}
"""Every configuration of the chapter ``survey/kdd``, by its name in the table."""
