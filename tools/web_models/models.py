"""What the pages can run: the chapters' models, trained on scikit-learn's digits with the parameters of their chapters."""

import base64
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import keras
import numpy as np

from ganad import metrics
from ganad.datasets import Dataset, Split, leave_one_out, load_dataset
from ganad.detectors import EGBAD, AnoGAN, FAnoGAN, GANomaly
from ganad.detectors.neural import NeuralDetector
from ganad.models.bigan import BiGAN
from ganad.models.conditional_gan import ConditionalGAN
from ganad.models.gan import GAN, latent_points
from ganad.models.gan import sample as passed
from tools.web_models.packing import pack, round_weights

# What the chapters' code fixes beside their parameters; a test compares.
DECAY = 0.99  # short trainings
EGBAD_TURNS = "simultaneous"
SCHEDULE = "cosine"  # of EGBAD and AnoGAN
SEARCHED_FOR_THRESHOLD = 64
SHOWN_NORMAL, SHOWN_ANOMALOUS = 18, 6  # samples of the test set to choose from
FILM_STEPS = sorted({*range(0, 60), *range(60, 200, 2), *range(200, 501, 5)})


@dataclass(frozen=True)
class Exported:
    """One model to be exported, and the chapter it is from.

    Attributes
    ----------
    name : str
        Of the file: ``egbad-3`` is EGBAD with the digit 3 as its anomaly.
    chapter : str
        The notebook, below the book's root, without suffix.
    anomaly_class : int or None
        None: the one of the chapter, if it has one.
    make : callable
        From the chapter's parameters to what goes into the file.
    """

    name: str
    chapter: str
    anomaly_class: int | None
    make: Callable[[dict[str, Any]], dict[str, Any]]

    def parameters(self, chapter: dict[str, Any]) -> dict[str, Any]:
        """The chapter's parameters, with the anomaly of this model."""
        return chapter if self.anomaly_class is None else chapter | {"anomaly_class": self.anomaly_class}


class _Task:
    """A chapter's data and parameters."""

    def __init__(self, parameters: dict[str, Any]) -> None:
        self.given = dict(parameters)
        self.data: Dataset = load_dataset(self.given.pop("dataset"))
        self.anomaly: int | None = self.given.pop("anomaly_class", None)

    @cached_property
    def split(self) -> Split:
        return leave_one_out(self.data, self.anomaly, seed=self.given["seed"])

    def some(self, *names: str) -> dict[str, Any]:
        """Some of the parameters."""
        return {name: self.given[name] for name in names}

    def samples(self, places: np.ndarray, made: np.ndarray, **facts: list) -> list[dict[str, Any]]:
        """Samples of the test set as the pages get them, and what a model makes of each: bytes from 0 to 255."""
        rows, labels = self.split.test_rows[places], self.split.y_test[places]
        return [
            {
                "digit": int(self.data.y[row]),
                "anomalous": bool(label),
                "pixels": self.data.x[row].ravel().tolist(),
                "made": _bytes(image).tolist(),
                **{name: values[k] for name, values in facts.items()},
            }
            for k, (row, label, image) in enumerate(zip(rows, labels, made, strict=True))
        ]


def _bytes(images: np.ndarray) -> np.ndarray:
    """Images in [-1, 1] as bytes, each in one row."""
    return np.round((images.reshape(*images.shape[: max(0, images.ndim - 3)], -1) + 1) * 127.5).astype(np.uint8)


def _detector(detector_class: type[NeuralDetector], **fixed: Any) -> Callable[[dict[str, Any]], dict[str, Any]]:
    def make(parameters: dict[str, Any]) -> dict[str, Any]:
        task = _Task(parameters)
        detector = detector_class(**task.given, **fixed, decay=DECAY).fit(task.split.x_train)
        used = {role: network for role, network in detector.networks_.items() if role in _SCORING[detector.name]}
        round_weights(used)
        detector = detector.rescored(task.split.x_train)
        scores = detector.decision_function(task.split.x_test)
        return pack(used) | _codes(used["encoder"], task.split) | _judged(task, detector, scores)

    return make


_SCORING = {
    "egbad": ("encoder", "generator", "discriminator"),
    "f_anogan": ("encoder", "generator", "critic"),
    "ganomaly": ("encoder", "decoder", "second_encoder"),
}


def _judged(task: _Task, detector: NeuralDetector, scores: np.ndarray) -> dict[str, Any]:
    """Scores of the test set, and some of its samples with theirs and what the model makes of them."""
    labels = task.split.y_test
    chosen = _some_of_both(labels, SHOWN_NORMAL, SHOWN_ANOMALOUS)
    made = detector.reconstruct(task.split.x_test[chosen])
    settings = {name: getattr(detector, name) for name in ("score_weight", "kappa") if hasattr(detector, name)}
    return {
        "anomaly": task.split.anomaly,
        "threshold": _short(detector.threshold_),
        "samples": task.samples(chosen, made, score=[*map(_short, scores[chosen])]),
        "scores": {
            kind: [*map(_short, np.sort(scores[labels == k]))] for k, kind in enumerate(("normal", "anomalous"))
        },
        "settings": settings,
        "auprc": round(metrics.auprc(labels, scores), 3),
        "auroc": round(metrics.auroc(labels, scores), 3),
        "prevalence": round(task.split.prevalence, 3),
    }


def _some_of_both(labels: np.ndarray, normal: int, anomalous: int) -> np.ndarray:
    return np.concatenate([np.flatnonzero(labels == kind)[:count] for kind, count in enumerate((normal, anomalous))])


def _codes(encoder: keras.Model, split: Split) -> dict[str, Any]:
    """Where the encoder puts normal samples: mean and deviation of each latent dimension over the training set."""
    codes = passed(encoder, split.x_train)
    return {"codes": {"mean": [*map(_short, codes.mean(0))], "deviation": [*map(_short, codes.std(0))]}}


def _short(number: float) -> float:
    return float(f"{number:.6g}")


def _gan(parameters: dict[str, Any]) -> dict[str, Any]:
    task = _Task(parameters)
    model = GAN(**task.some("latent_dim", "learning_rate", "width", "seed"), decay=DECAY)
    model.fit(task.split.x_train, **task.some("epochs", "batch_size"))
    packed = _rounded_and_packed(model.networks_)
    # from one point of the prior to another
    ends, share = latent_points(2, model.latent_dim, seed=1), np.linspace(0, 1, 10, dtype=np.float32)[:, None]
    z = (1 - share) * ends[:1] + share * ends[1:]
    return packed | {"left_out": task.anomaly, "walk": _walk(z, model.sample(z))}


def _conditional_gan(parameters: dict[str, Any]) -> dict[str, Any]:
    task = _Task(parameters)
    train = np.random.default_rng(task.given["seed"]).permutation(len(task.data.x))[task.given["queries"] :]
    model = ConditionalGAN(**task.some("latent_dim", "learning_rate", "width", "seed"), decay=DECAY)
    x = task.data.x[train].astype(np.float32) / 127.5 - 1
    model.fit(x, task.data.y[train], **task.some("epochs", "batch_size"))
    packed = _rounded_and_packed({"generator": model.networks_["generator"]})
    z = np.repeat(latent_points(1, model.latent_dim, seed=1), model.classes, axis=0)
    return packed | {"walk": _walk(z, model.sample(np.arange(model.classes), z))}  # one point, every digit


def _bigan(parameters: dict[str, Any]) -> dict[str, Any]:
    task = _Task(parameters)
    model = BiGAN(**task.some("latent_dim", "learning_rate", "width", "dropout", "seed"), decay=DECAY)
    model.fit(task.split.x_train, **task.some("epochs", "batch_size"))
    networks = {role: model.networks_[role] for role in ("encoder", "generator")}
    packed = _rounded_and_packed(networks)
    chosen = _some_of_both(task.split.y_test, 8, 8)
    samples = task.samples(chosen, model.reconstruct(task.split.x_test[chosen]))
    return packed | _codes(networks["encoder"], task.split) | {"left_out": task.anomaly, "samples": samples}


def _rounded_and_packed(networks: Mapping[str, keras.Model]) -> dict[str, Any]:
    round_weights(networks)
    return pack(networks)


def _walk(z: np.ndarray, made: np.ndarray) -> list[dict[str, Any]]:
    return [{"z": [*map(_short, point)], "made": _bytes(image).tolist()} for point, image in zip(z, made, strict=True)]


def _film(parameters: dict[str, Any]) -> dict[str, Any]:
    """The search as a film, at :data:`FILM_STEPS`: three normal queries and three anomalies, see :func:`film_queries`."""
    task = _Task(parameters)
    queries = task.given.pop("queries")
    settings = {"decay": DECAY, "schedule": SCHEDULE, "threshold_samples": SEARCHED_FOR_THRESHOLD}
    detector = AnoGAN(**task.given | {"steps": FILM_STEPS[-1]}, **settings)
    detector.fit(task.split.x_train)
    x, labels = task.split.x_test[:queries], task.split.y_test[:queries]
    ends = detector.decision_function(x)
    chosen = film_queries(ends, labels)
    found = [detector.search(x[chosen], steps=step) for step in FILM_STEPS]
    losses = [[_short(each.loss[k]) for each in found] for k in range(len(chosen))]
    frames = np.stack([_bytes(each.generated) for each in found], axis=1)  # query, step, pixels
    return {
        "anomaly": task.split.anomaly,
        "steps": FILM_STEPS,
        "bytes": base64.b64encode(frames.tobytes()).decode(),
        "samples": task.samples(chosen, found[-1].generated, losses=losses),
        "normal_ends": [*map(_short, np.sort(ends[labels == 0]))],
        "threshold": _short(detector.threshold_),
    }


def film_queries(ends: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """The queries of the film, by their final losses: first a pair in the right order, last the pair that is most wrong.

    Parameters
    ----------
    ends : ndarray (N,)
        Final loss of each query's search.
    labels : ndarray (N,)
        1 = anomaly.

    Returns
    -------
    ndarray (6,) of int
        Normal queries at the lower quartile, the median and the highest loss; anomalies at the upper quartile, the median and
        the lowest.
    """
    chosen = []
    for kind, shares in ((0, (0.25, 0.5, 1.0)), (1, (0.75, 0.5, 0.0))):
        rows = np.flatnonzero(labels == kind)
        order = rows[np.argsort(ends[rows], kind="stable")]
        chosen += [int(order[round(share * (len(order) - 1))]) for share in shares]
    return np.array(chosen)


def every() -> list[Exported]:
    """All models of the pages."""
    detectors: dict[str, Callable] = {
        "egbad": _detector(EGBAD, turns=EGBAD_TURNS, schedule=SCHEDULE),
        "f-anogan": _detector(FAnoGAN),
        "ganomaly": _detector(GANomaly),
    }
    others: dict[str, Callable] = {"foundations/gan": _gan, "foundations/conditional-gan": _conditional_gan}
    others |= {"foundations/bigan": _bigan, "detectors/anogan": _film}
    return [
        *(Exported(chapter.rpartition("/")[2], f"book/{chapter}", None, make) for chapter, make in others.items()),
        *(
            Exported(f"{name}-{digit}", f"book/detectors/{name}", digit, make)
            for name, make in detectors.items()
            for digit in range(10)
        ),
    ]
