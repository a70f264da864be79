"""The survey's image experiments: what is run, one class after another the anomaly.

Two scales.  ``cpu`` is what two CPU cores can do in ten minutes or so a run: a quarter of the units in every layer, a part of
the samples, :data:`STEPS` training steps, and Adam's rate raised to :data:`RATE` because there are fewer than the authors take.  ``full`` is for a GPU: all samples, networks
and hyper-parameters as published.

At each scale, the *reference* is the detector as its authors describe it, and ``improved`` what we changed: every change is
undone once in a configuration of its own.  The changes were chosen on scikit-learn's digits enlarged to 28x28 (:data:`DEVELOPMENT`),
of which no table of the survey has an image, rate and batch size by the residual of MNIST's validation images without an anomaly,
and nothing on a test set of the grid.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any

NAMES = ("mnist", "fashion_mnist", "cifar10")
DEVELOPMENT = "digits28"
"""Where settings are chosen; every configuration of the ablations runs on it as well."""
SCALES = ("cpu", "full")
SAMPLES = {"train": 10_000, "val": 500, "test": 2_000}
"""Most samples of a split at the scale ``cpu``."""
STEPS = 10_000
"""Training steps of every reference and improved configuration at the scale ``cpu``, at least."""
RATE = 5e-4

ANOMALIES = (0, 1, 8)
"""Classes on which what is dear is tried on a CPU, and the ablations: the survey's GANomaly has an AUPRC of .67, .25 and .70 on these digits."""

SEEDLESS = ("median_distance", "nearest_neighbour", "pca_residual")
"""Detectors to which a seed makes no difference."""


@dataclass(frozen=True)
class Configuration:
    """A row of the tables: a detector and its arguments, and how much of the grid it deserves.

    Attributes
    ----------
    detector, variant : str
        Names in files and tables; a variant is the scale, and after a comma what is special.
    parameters, split : dict
        Arguments of the detector; how the split is thinned.
    seeds : int
        How many: 0, 1, ...
    classes : tuple of int
        Anomalous classes; all ten, if empty.
    datasets : tuple of str
        Which data sets.
    family : str
        Configurations of one family share their training and differ in how they score.
    """

    detector: str
    variant: str
    parameters: dict[str, Any] = field(default_factory=dict)
    split: dict[str, Any] = field(default_factory=dict)
    seeds: int = 3
    classes: tuple[int, ...] = ()
    datasets: tuple[str, ...] = NAMES
    family: str = ""

    @property
    def scale(self) -> str:
        """``cpu`` or ``full``."""
        return self.variant.partition(",")[0]


_SMALL = {"width": 0.25, "learning_rate": RATE}


def _epochs(batch_size: int, steps: int = STEPS) -> int:
    """Passes over the training samples of the scale ``cpu`` that make so many training steps or a few more."""
    return math.ceil(steps / (SAMPLES["train"] // batch_size))


REFERENCE: dict[str, dict[str, dict[str, Any]]] = {
    "cpu": {
        "anogan": _SMALL | {"learning_rate": 1e-3, "epochs": _epochs(100)},  # slower, and its samples become alike
        "f_anogan": _SMALL | {"encoder_learning_rate": 1e-3, "epochs": _epochs(5 * 64), "encoder_epochs": _epochs(64)},
        "egbad": _SMALL | {"epochs": _epochs(100)},
        "ganomaly": _SMALL | {"epochs": _epochs(64)},
        "autoencoder": _SMALL | {"epochs": _epochs(100)},
        "vae": _SMALL | {"epochs": _epochs(100)},
        "adgan": _SMALL | {"learning_rate": 2e-4, "epochs": _epochs(64)},
        "alad": _SMALL | {"learning_rate": 2e-4, "epochs": _epochs(32)},
    },
    "full": {
        "anogan": {"epochs": 100},
        "f_anogan": {"epochs": 100},
        "egbad": {"epochs": 100},
        "ganomaly": {"epochs": 15},
        "autoencoder": {"epochs": 25},
        "vae": {"epochs": 25},
        "adgan": {"epochs": 25},
        "alad": {"epochs": 100},
    },
}
"""Arguments of each detector as its authors describe it, by scale; what is left out is the detector's own default.

The rate of AnoGAN at ``cpu`` was changed after a collapse, by the spread of generated samples and by no score: at 2e-4 and at
5e-5 its discriminator wins and all samples become alike, at 1e-3 they keep the spread of the data.
"""

EGBAD_IMPROVED: dict[str, Any] = {
    "latent_dim": 8,
    "batch_size": 32,
    "learning_rate": 2e-3,
    "schedule": "cosine",
    "turns": "simultaneous",
    "residual_weight": 0.5,
    "dropout": 0.0,
    "spectral_normalization": True,
    "decay": 0.99,
    "complexity_correction": True,
}
"""EGBAD with a residual loss of weight .5, spectral normalisation for dropout, larger steps that fall to zero, small batches, 8
latent dimensions, and a score that is corrected by the image's complexity."""

GANOMALY_IMPROVED: dict[str, Any] = {
    "latent_dim": 16,
    "batch_size": 32,
    "learning_rate": 2e-3,
    "schedule": "cosine",
    "decay": 0.99,
    "anomaly_score": "residual",
    "complexity_correction": True,
}
"""GANomaly with larger steps that fall to zero, small batches, 16 latent dimensions, scored by the residual of the image, corrected by its
complexity, instead of that of the codes."""

IMPROVED = {"egbad": EGBAD_IMPROVED, "ganomaly": GANOMALY_IMPROVED}

WITHOUT_ADVERSARY = ("autoencoder", "vae")
"""Detectors of EGBAD's encoder and generator alone; their ``improved`` configuration is EGBAD's, as far as they have its arguments."""

_SHARED = ("latent_dim", "batch_size", "learning_rate", "schedule", "decay", "complexity_correction")
EPOCHS = {"cpu": {"egbad": _epochs(32), "ganomaly": _epochs(32)}, "full": {"egbad": 25, "ganomaly": 30}}
"""Passes over the data of the improved configurations."""

WITHOUT: dict[str, dict[str, dict[str, Any]]] = {
    "egbad": {
        "few latent dimensions": {"latent_dim": None},
        "small batches": {"batch_size": None},
        "larger steps": {"learning_rate": None},
        "falling steps": {"schedule": "constant"},
        "simultaneous turns": {"turns": "alternating"},
        "residual loss": {"residual_weight": 0.0},
        "spectral normalisation": {"dropout": None, "spectral_normalization": False},
        "faster average": {"decay": None},
        "complexity correction": {"complexity_correction": False},
    },
    "ganomaly": {
        "few latent dimensions": {"latent_dim": None},
        "small batches": {"batch_size": None},
        "larger steps": {"learning_rate": None},
        "falling steps": {"schedule": "constant"},
        "faster average": {"decay": None},
        "residual score": {"anomaly_score": None},
        "complexity correction": {"complexity_correction": False},
    },
}
"""Each change of an improved configuration, undone: None is what the reference gives, or the detector's own default."""

WORTH = tuple(
    (detector, data)
    for detectors, datasets in (
        (("median_distance", "nearest_neighbour", "pca_residual", "isolation_forest"), NAMES),
        (("egbad", "autoencoder", "vae"), NAMES[:1]),
        (("egbad", "autoencoder", "vae"), NAMES[1:2]),
        (("ganomaly",), NAMES),
        (("f_anogan", "anogan", "alad", "adgan"), NAMES[:1]),
        (("f_anogan", "anogan", "alad", "adgan"), NAMES[1:2]),
        (("egbad", "autoencoder", "vae", "f_anogan"), NAMES[2:]),
    )
    for data in datasets
    for detector in detectors
)
"""Detectors and data sets, reference and improved, in the order in which their runs are worth their time: the survey's two methods with
their controls before the others, MNIST before Fashion-MNIST before CIFAR-10."""

_OF_THE_SCORE = ("complexity correction", "residual score")
BASELINES = ("median_distance", "nearest_neighbour", "pca_residual", "isolation_forest")
_DEAR = ("anogan", "adgan", "alad")


def configurations() -> Iterator[Configuration]:
    """Every configuration of the image grid, the most wanted first."""
    for scale in SCALES:
        yield from _baselines(scale)
        yield from _references(scale)
        yield from _improved(scale)
        yield from _tables(scale)
        yield from _ablations(scale)
    yield from _development()


def _thinning(scale: str) -> dict[str, int]:
    return SAMPLES if scale == "cpu" else {}


def _baselines(scale: str) -> Iterator[Configuration]:
    for name in BASELINES:
        yield Configuration(name, scale, {}, _thinning(scale), seeds=1 if name in SEEDLESS else 3)


def _references(scale: str) -> Iterator[Configuration]:
    for name, given in REFERENCE[scale].items():
        few = {"seeds": 1, "datasets": NAMES[:2]} if scale == "cpu" and name in _DEAR else {}
        yield Configuration(name, scale, given, _thinning(scale), **few)


def _improved(scale: str) -> Iterator[Configuration]:
    for name in (*IMPROVED, *WITHOUT_ADVERSARY):
        yield Configuration(
            name, f"{scale}, improved", _given(name, scale), _thinning(scale), family=f"{scale}, improved"
        )


def _given(name: str, scale: str) -> dict[str, Any]:
    small = {"width": 0.25} if scale == "cpu" else {}
    if name in WITHOUT_ADVERSARY:
        return small | {key: EGBAD_IMPROVED[key] for key in _SHARED} | {"epochs": EPOCHS[scale]["egbad"]}
    return small | IMPROVED[name] | {"epochs": EPOCHS[scale][name]}


def _ablations(scale: str) -> Iterator[Configuration]:
    few = {"seeds": 1, "classes": ANOMALIES, "datasets": NAMES[:1]}
    for name, changes in WITHOUT.items():
        for change, undone in changes.items():
            given = _given(name, scale) | {key: REFERENCE[scale][name].get(key, value) for key, value in undone.items()}
            given = {key: value for key, value in given.items() if value is not None}
            if given == _given(name, scale):
                continue  # nothing to undo: at this scale the reference has it too
            scored = change in _OF_THE_SCORE  # costs no training of its own
            yield Configuration(
                name,
                f"{scale}, improved without {change}",
                given,
                _thinning(scale),
                family=f"{scale}, improved" if scored else f"{scale}, improved without {change}",
                **{} if scored else few,
            )


def _development() -> Iterator[Configuration]:
    """Reference, improved and ablations of the scale ``cpu`` on the development data, and the simplest baseline."""
    for each in (*_baselines("cpu"), *_references("cpu"), *_improved("cpu"), *_ablations("cpu")):
        if each.detector in (*IMPROVED, "nearest_neighbour"):
            yield replace(each, seeds=1, classes=ANOMALIES, datasets=(DEVELOPMENT,))


def _tables(scale: str) -> Iterator[Configuration]:
    """The survey's Tables 1 and 2: how EGBAD and GANomaly are trained, and how EGBAD scores."""
    losses = {"b": "cross_entropy", "f": "feature_matching"}
    rest = {"split": _thinning(scale), "seeds": 1, "classes": ANOMALIES, "datasets": ("mnist",)}
    for trained, loss in losses.items():
        for residual in ("r", ""):
            for scored, score in losses.items():
                given = REFERENCE[scale]["egbad"] | {"adversarial_loss": loss, "anomaly_score": score}
                if residual:
                    given |= {"residual_weight": 1.0, "residual_in": "encoder"}
                code = f"{scale}, {trained}{residual}t"
                yield Configuration("egbad", code + scored, given, family=code, **rest)
    for code, loss in (("bce", "cross_entropy"), ("fm", "feature_matching")):
        given = REFERENCE[scale]["ganomaly"] | {"adversarial_loss": loss}
        yield Configuration("ganomaly", f"{scale}, {code}", given, **rest)
