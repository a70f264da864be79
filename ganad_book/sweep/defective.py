"""The experiment with :mod:`ganad_book.sweep.defects`: each is built in here, and nowhere else in the package.

Each group trains what it needs once a seed and yields a row for the control and for every defect.  Its runs are the grid's:
``ganad survey run`` does what is missing.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from functools import partial
from typing import Any

import keras
import numpy as np
from keras import ops
from sklearn.metrics import auc, precision_recall_curve

from ganad import metrics
from ganad.backends import backend
from ganad.datasets import Dataset, Split
from ganad.detectors import EGBAD, AnoGAN, GANomaly
from ganad.detectors.egbad import l1
from ganad.detectors.ganomaly import GANomalyPlay, contextual_loss, discriminator_loss, encoder_loss
from ganad.search.latent import draw_starts
from ganad.training.adversarial import DivergedError, Game, Player, adam
from ganad_book.sweep.defects import GROUPS
from ganad_book.sweep.runner import prepare, row

Made = Mapping[str, Mapping[str, Any]]
"""By variant, the arguments of its detector and of its split, as its row has them."""


def _apart(parameters: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """The detector's arguments, and those of the split."""
    split = {name: value for name, value in parameters.items() if name in ("train", "val", "test")}
    return {name: value for name, value in parameters.items() if name not in split}, split


class _SecondEncoderLeftOut(GANomaly):
    def _game(self, networks: dict[str, keras.Model], total_steps: int) -> Game:
        rate = self.reference_["learning_rate"]
        players = {
            "discriminator": Player(("discriminator",), discriminator_loss, adam(rate)),
            "generator": Player(("encoder", "decoder"), self._generator_loss(), adam(rate)),
        }
        return Game(networks, players, GANomalyPlay, decay=self.reference_["decay"])


class _PixelsForVerdict(GANomaly):
    def _generator_loss(self) -> Callable[[GANomalyPlay], Any]:
        return partial(_judged_by_its_pixels, weights=(self.contextual_weight, self.encoder_weight))


def _judged_by_its_pixels(play: GANomalyPlay, weights: tuple[float, float]) -> Any:
    pixels = ops.mean(ops.softplus(-play.reconstructed))
    return pixels + weights[0] * contextual_loss(play) + weights[1] * encoder_loss(play)


def in_training_mode(detector: GANomaly, x: np.ndarray, batch: int = 64) -> np.ndarray:
    """GANomaly's scores with BatchNorm on the statistics of each test batch; the networks stay as they are."""
    parts = []
    for first in range(0, len(x), batch):
        with keras.StatelessScope():
            play = GANomalyPlay(detector.networks_, ops.convert_to_tensor(x[first : first + batch]), training=True)
            parts.append(ops.convert_to_numpy(ops.mean(ops.square(play.encoded - play.again), axis=1)))
    return np.concatenate(parts)


def trapezoid(labels: np.ndarray, scores: np.ndarray) -> float:
    """Area under the precision-recall curve by trapezoids."""
    precision, recall, _ = precision_recall_curve(labels, scores)
    return float(auc(recall, precision))


def ganomaly(seed: int, data: Dataset, anomaly: int, made: Made) -> Iterator[dict]:
    """GANomaly's defects on images."""
    given, part = _apart(made["control: GANomaly"])
    split = prepare(data, anomaly, part)
    peak = [-np.inf, None]

    def watch(_: int, detector: GANomaly) -> None:
        scores = detector.decision_function(split.x_test)
        if (quality := metrics.auprc(split.y_test, scores)) > peak[0]:
            peak[:] = quality, scores

    model = GANomaly(seed=seed, **given).fit(split.x_train, on_epoch=watch)
    scores = model.decision_function(split.x_test)

    def said(variant: str, scores: np.ndarray, split: Split = split, of: Any = model) -> dict:
        return row(of, split, scores, None, variant=variant, parameters=made[variant])

    yield said("control: GANomaly", scores)
    yield said("best epoch by test data", peak[1])
    yield said("training-mode BatchNorm, shuffled", in_training_mode(model, split.x_test))
    order = np.argsort(split.y_test, kind="stable")
    ordered = replace(split, x_test=split.x_test[order], y_test=split.y_test[order])
    yield said("training-mode BatchNorm, sorted", in_training_mode(model, ordered.x_test), ordered)
    batches = np.array_split(scores, np.arange(32, len(scores), 32))
    yield said("scores normalised by batch", np.concatenate([part / np.linalg.norm(part) for part in batches]))
    scaled = (scores - scores.min()) / (scores.max() - scores.min())
    cut = metrics.detection(split.y_test, scaled >= 0.2)
    flags = {"precision": cut.precision, "recall": cut.recall, "f1": cut.f1}
    yield said("scaled by the test set, cut at .2", scaled) | flags
    for variant, defective in _LOSSES.items():
        if variant not in made:
            continue
        other = defective(seed=seed, **given).fit(split.x_train)
        yield said(variant, other.decision_function(split.x_test), of=other)


_LOSSES = {
    "second encoder not trained": _SecondEncoderLeftOut,
    "cross-entropy of the image": _PixelsForVerdict,
}


def egbad_kdd(seed: int, data: Dataset, anomaly: None, made: Made) -> Iterator[dict]:
    """EGBAD's defects on KDD: the authors' networks at a rate that converges in five epochs."""
    split, given = prepare(data, anomaly, {}), made["control: EGBAD"]
    model = EGBAD(seed=seed, **given).fit(split.x_train)
    scores = model.decision_function(split.x_test)

    def said(variant: str, scores: np.ndarray, of: Any = model) -> dict:
        return row(of, split, scores, None, variant=variant, parameters=made[variant])

    yield (control := said("control: EGBAD", scores))
    yield control | {"variant": "trapezoid", "auprc": trapezoid(split.y_test, scores)}
    entropy = model.rescored(split.x_train, anomaly_score="cross_entropy")
    yield said("control: EGBAD, cross-entropy", entropy.decision_function(split.x_test))
    yield said("cross-entropy of the wrong pair", _wrong_pair(model, split.x_test))
    other = EGBAD(seed=seed, dropout=0.0, **given).fit(split.x_train)
    yield said("dropout inactive", other.decision_function(split.x_test), other)
    rows = {part: data.x[getattr(split, f"{part}_rows")].astype(np.float32) for part in ("train", "test")}
    try:
        raw = EGBAD(seed=seed, **given).fit(rows["train"])
        yield said("raw columns", raw.decision_function(rows["test"]), raw)
    except DivergedError:  # then it finds nothing: all scores alike
        yield said("raw columns", np.zeros(len(split.y_test)))


def _wrong_pair(model: EGBAD, x: np.ndarray) -> np.ndarray:
    networks = model.networks_

    def judge(x: Any) -> tuple:
        code = networks["encoder"](x, training=False)
        made = networks["generator"](code, training=False)
        logit = networks["discriminator"]([made, code], training=False)[0]
        return (0.9 * l1(x, made) + 0.1 * ops.softplus(-logit)[:, 0],)

    compiled, variables = backend().compile_function(), [v for each in networks.values() for v in each.variables]
    return np.concatenate([compiled(judge, variables, part)[0] for part in np.array_split(x, len(x) // 10_000 + 1)])


def egbad_mnist(seed: int, data: Dataset, anomaly: int, made: Made) -> Iterator[dict]:
    """EGBAD on digits, with and without four fifths of the test set's normal images among the training images."""
    given, part = _apart(made["control: EGBAD"])
    split = prepare(data, anomaly, part)
    normal = np.flatnonzero(split.y_test == 0)
    seen = split.x_test[normal[: len(normal) * 4 // 5]]
    for variant, x in (
        ("control: EGBAD", split.x_train),
        ("leaked test normals", np.concatenate([split.x_train, seen])),
    ):
        model = EGBAD(seed=seed, **given).fit(x)
        scores = model.decision_function(split.x_test)
        yield row(model, split, scores, None, variant=variant, parameters=made[variant])


def anogan(seed: int, data: Dataset, anomaly: int, made: Made) -> Iterator[dict]:
    """AnoGAN's defects on 300 digits; the search that trains the networks takes them one by one, 100 steps each."""
    given, part = _apart(made["control: AnoGAN"])
    split = prepare(data, anomaly, part)
    model = AnoGAN(seed=seed, threshold_samples=1, **given).fit(split.x_train)

    def said(variant: str, scores: np.ndarray) -> dict:
        return row(model, split, scores, None, variant=variant, parameters=made[variant])

    searches = {"control: AnoGAN": {}, "no search": {"steps": 0}, "weights reversed": {"score_weight": 0.9}}
    for variant, changes in searches.items():
        yield said(variant, model.search(split.x_test, **changes).loss)
    yield said("search that trains the networks", _drifting(model, split.x_test, 100))


def _drifting(model: AnoGAN, x: np.ndarray, steps: int) -> np.ndarray:
    """One search after another, as in PyOD: one z and one Adam of .001 for all, which moves the networks' weights too."""
    generator, discriminator = (keras.models.clone_model(model.networks_[role]) for role in model._roles)
    for copy, role in zip((generator, discriminator), model._roles, strict=True):
        copy.set_weights(model.networks_[role].get_weights())
    features = keras.Model(discriminator.inputs, discriminator.outputs[1])  # the verdict's layer plays no part
    z = keras.Variable(draw_starts(1, generator.inputs[0].shape[1], model.seed))
    moved = [z, *generator.trainable_variables, *features.trainable_variables]
    optimizer = keras.optimizers.Adam(1e-3)
    optimizer.build(moved)

    def step(query: Any) -> Any:
        def losses() -> list:
            made = generator(z, training=False)
            seen, matched = (features(image, training=False) for image in (query, made))
            return [ops.sum(0.9 * l1(query, made) + 0.1 * l1(seen, matched))]

        values, (slopes,) = backend().gradients(losses, [moved], [*generator.variables, *features.variables])
        optimizer.apply(slopes, moved)
        return ops.stack(values)

    variables = [*generator.variables, *features.variables, z, *optimizer.variables]
    run = partial(backend().compile_loop(1), step, list({id(v): v for v in variables}.values()))
    data = (backend().resident(x),)
    scores = np.empty(len(x))
    for query in range(len(x)):
        order = backend().to_device(np.full((steps, 1), query, np.int32))
        run(data, order, 0, steps - 1)
        scores[query] = run(data, order, steps - 1, steps)[0]
    return scores


_ROWS: dict[str, Callable[[int, Dataset, Any, Made], Iterator[dict]]] = {
    "ganomaly": ganomaly,
    "ganomaly_cifar10": ganomaly,
    "egbad_kdd": egbad_kdd,
    "egbad_mnist": egbad_mnist,
    "anogan": anogan,
}


def rows(name: str, seed: int, data: Dataset) -> Iterator[dict[str, Any]]:
    """A seed's rows of one of :data:`ganad_book.sweep.defects.GROUPS`, each as soon as it is known."""
    group = GROUPS[name]
    yield from _ROWS[name](seed, data, group.anomaly, group.made)
