"""Defects of published code, switched on one at a time: what each is, and which runs show it.

:mod:`ganad_book.sweep.defective` trains them; their rows are in ``results/survey.csv``.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Defect:
    """One defect: whose, what it is, and which column of the results shows it beside which control."""

    method: str
    found_in: str
    what: str
    control: str
    group: str
    column: str = "auprc"


DEFECTS = {
    "training-mode BatchNorm, shuffled": Defect(
        "GANomaly", "authors' code", "test batches normalise themselves; test set shuffled", "GANomaly", "ganomaly"
    ),
    "training-mode BatchNorm, sorted": Defect(
        "GANomaly", "authors' code, CIFAR-10 loader", "the same; normals first, then anomalies", "GANomaly", "ganomaly"
    ),
    "scores normalised by batch": Defect(
        "GANomaly", "anomaly-toolbox", "each batch of 32 scores divided by its length", "GANomaly", "ganomaly"
    ),
    "scaled by the test set, cut at .2": Defect(
        "GANomaly", "authors' code", "min-max over the test set, F1 at a fixed .20", "GANomaly", "ganomaly", "f1"
    ),
    "best epoch by test data": Defect(
        "GANomaly", "authors' code", "the best of all epochs by the test set's own AUPRC", "GANomaly", "ganomaly"
    ),
    "second encoder not trained": Defect(
        "GANomaly", "anomaly-toolbox", "its gradients are cut off by a zip", "GANomaly", "ganomaly"
    ),
    "cross-entropy of the image": Defect(
        "GANomaly", "anomaly-toolbox", "the adversarial term looks at pixels, not at D", "GANomaly", "ganomaly"
    ),
    "raw columns": Defect(
        "EGBAD", "authors' code", "KDD unscaled: the scaler's result is thrown away", "EGBAD", "egbad_kdd", "f1"
    ),
    "dropout inactive": Defect(
        "EGBAD", "authors' code until June 2018", "no training flag", "EGBAD", "egbad_kdd", "f1"
    ),
    "cross-entropy of the wrong pair": Defect(
        "EGBAD", "authors' code", "D(G(E(x)), E(x)) for D(x, E(x))", "EGBAD, cross-entropy", "egbad_kdd", "f1"
    ),
    "trapezoid": Defect("EGBAD", "authors' code", "AUPRC by trapezoids, not average precision", "EGBAD", "egbad_kdd"),
    "leaked test normals": Defect(
        "EGBAD", "authors' code, MNIST loader", "four fifths of the test normals train too", "EGBAD", "egbad_mnist"
    ),
    "search that trains the networks": Defect(
        "AnoGAN", "PyOD", "each query's gradient moves G and D too, and z is never reset", "AnoGAN", "anogan"
    ),
    "no search": Defect("AnoGAN", "PyOD", "every sample is compared with the same image", "AnoGAN", "anogan"),
    "weights reversed": Defect("AnoGAN", "ALAD's code", "a tenth residual, nine tenths features", "AnoGAN", "anogan"),
}
"""By the name of the variant in ``results/survey.csv``; controls are called "control: ..."."""


@dataclass(frozen=True)
class Group:
    """Variants that share their training.

    Attributes
    ----------
    dataset, detector : str
        What is trained, and on what.
    anomaly : int or None
        Index of the anomalous class; None where the protocol settles it.
    made : dict
        Of each variant, the arguments of its detector and of its split.
    seeds : int
        How many: 0, 1, ...
    """

    dataset: str
    detector: str
    anomaly: int | None
    made: dict[str, dict[str, Any]]
    seeds: int = 3


_PARTS = {"train": 5_000, "val": 500, "test": 2_000}
_SMALL = {"width": 0.25, "learning_rate": 2e-4}
_FIVE = {"learning_rate": 1e-4, "epochs": 5}
_TWENTY = _SMALL | {"epochs": 20, "turns": "simultaneous"} | _PARTS
# at 2e-4 D wins early and G's samples are all alike
_FORTY = _SMALL | {"epochs": 40, "learning_rate": 1e-3} | _PARTS | {"train": 10_000, "test": 300}

_SCORED_WRONG = (
    "control: GANomaly",
    "best epoch by test data",
    "training-mode BatchNorm, shuffled",
    "training-mode BatchNorm, sorted",
    "scores normalised by batch",
    "scaled by the test set, cut at .2",
)
_TRAINED_WRONG = ("second encoder not trained", "cross-entropy of the image")
_OF_KDD = ("control: EGBAD", "trapezoid", "dropout inactive", "raw columns")
_BY_ENTROPY = ("control: EGBAD, cross-entropy", "cross-entropy of the wrong pair")
_OF_EGBAD = ("control: EGBAD", "leaked test normals")
_SEARCHED = ("control: AnoGAN", "no search", "weights reversed", "search that trains the networks")


def _group(
    dataset: str, detector: str, anomaly: int | None, *made: tuple[Sequence[str], dict], seeds: int = 3
) -> Group:
    """Each of the variants is made with the arguments that stand beside them."""
    each = {variant: parameters for variants, parameters in made for variant in variants}
    return Group(dataset, detector, anomaly, each, seeds)


GROUPS = {
    "ganomaly": _group("mnist", "ganomaly", 8, ((*_SCORED_WRONG, *_TRAINED_WRONG), _SMALL | {"epochs": 15} | _PARTS)),
    "ganomaly_cifar10": _group("cifar10", "ganomaly", 2, (_SCORED_WRONG, _SMALL | {"epochs": 10} | _PARTS)),
    "egbad_kdd": _group(  # ten seeds: one there says little
        "kddcup99",
        "egbad",
        None,
        (_OF_KDD, _FIVE),
        (_BY_ENTROPY, _FIVE | {"anomaly_score": "cross_entropy"}),
        seeds=10,
    ),
    "egbad_mnist": _group("mnist", "egbad", 8, (_OF_EGBAD, _TWENTY)),
    "anogan": _group("mnist", "anogan", 8, (_SEARCHED, _FORTY)),
}
"""By the name that a :class:`Defect` gives."""
