"""The experiment with published defects: that each variant is the defect it is called after."""

from dataclasses import replace

import keras
import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import average_precision_score

from ganad.datasets import load_dataset
from ganad.detectors import EGBAD, AnoGAN, GANomaly
from ganad_book.results import defects as shown
from ganad_book.sweep import defective, defects, grid, results

TINY = {"epochs": 2, "batch_size": 32, "latent_dim": 4, "width": 0.1, "learning_rate": 1e-3}


def weights(detector) -> dict[str, list[np.ndarray]]:
    """Copies of all weights by role."""
    return {role: [w.copy() for w in network.get_weights()] for role, network in detector.networks_.items()}


def assert_same(before: dict, after: dict) -> None:
    for role, arrays in before.items():
        for old, new in zip(arrays, after[role], strict=True):
            np.testing.assert_array_equal(old, new)


@pytest.fixture(scope="module")
def images(pictures) -> np.ndarray:
    return pictures.astype(np.float32) / 127.5 - 1


@pytest.fixture(scope="module")
def ganomaly(images) -> GANomaly:
    return GANomaly(**TINY).fit(images)


def test_every_defect_belongs_to_a_group_that_runs_it():
    assert len(defects.DEFECTS) >= 8
    assert {defect.group for defect in defects.DEFECTS.values()} | {"ganomaly_cifar10"} == set(defects.GROUPS)
    for name, defect in defects.DEFECTS.items():
        assert {name, f"control: {defect.control}"} <= set(defects.GROUPS[defect.group].made)


_SHORT = TINY | {"train": 60, "val": 20, "test": 50}
_FORMS = {
    "ganomaly": ("digits", _SHORT),
    "egbad_mnist": ("digits", _SHORT | {"turns": "simultaneous"}),
    "anogan": ("digits", _SHORT),
    "egbad_kdd": ("kddcup99", {"epochs": 1, "learning_rate": 1e-3}),
}


@pytest.mark.parametrize("name", _FORMS)
def test_a_group_s_rows_are_the_runs_that_the_grid_asks_for(name, monkeypatch, made_up_kdd):
    """Every variant once, each with the arguments that it was made with: else no such run would ever be finished."""
    dataset, given = _FORMS[name]
    made = {
        variant: given | ({"anomaly_score": "cross_entropy"} if "anomaly_score" in parameters else {})
        for variant, parameters in defects.GROUPS[name].made.items()
    }
    group = replace(defects.GROUPS[name], dataset=dataset, made=made, seeds=1)
    monkeypatch.setattr(defects, "GROUPS", {name: group})
    monkeypatch.setattr(defective, "GROUPS", defects.GROUPS)
    data = made_up_kdd if dataset == "kddcup99" else load_dataset(dataset)
    wanted = list(grid.defect_runs())
    rows = pd.DataFrame(list(defective.rows(name, 0, data)))
    assert sorted(rows["variant"]) == sorted(made) and len(wanted) == len(made)
    assert set(grid.states(wanted, rows).values()) == {"finished"}


def test_in_training_mode_a_score_depends_on_its_batch(ganomaly, images):
    before = weights(ganomaly)
    alone = defective.in_training_mode(ganomaly, images[:8])
    together = defective.in_training_mode(ganomaly, np.concatenate([images[:8], -images[8:40]]))[:8]
    assert not np.allclose(alone, together, rtol=2e-5)
    np.testing.assert_array_equal(alone, defective.in_training_mode(ganomaly, np.tile(images[:8], (2, 1, 1, 1)), 8)[8:])
    assert_same(before, weights(ganomaly))


def test_trapezoids_flatter_ties():
    labels = np.array([0, 0, 0, 1])
    assert average_precision_score(labels, np.zeros(4)) == 0.25
    assert defective.trapezoid(labels, np.zeros(4)) == 0.625
    assert defective.trapezoid(labels, np.array([0, 1, 2, 3])) == 1


def test_the_second_encoder_is_left_out_of_the_game(images):
    detector = defective._SecondEncoderLeftOut(**TINY, decay=0.0)
    start = {}

    def first(epoch, fitted):
        start.update(start or weights(fitted))

    detector.fit(images, on_epoch=first)
    end = weights(detector)
    trainable = [w.trainable for w in detector.networks_["second_encoder"].weights]
    pairs = list(zip(start["second_encoder"], end["second_encoder"], trainable, strict=True))
    assert all(np.array_equal(old, new) for old, new, moves in pairs if moves)
    assert not np.array_equal(start["encoder"][0], end["encoder"][0])


def test_the_cross_entropy_of_the_image_never_asks_the_discriminator(images):
    plain, pixels = (cls(**TINY).fit(images).history_ for cls in (GANomaly, defective._PixelsForVerdict))
    assert plain["generator"] != pixels["generator"]
    asked = []

    class Play:
        networks = property(lambda self: asked.append("networks"))
        fake = property(lambda self: asked.append("fake"))
        x = reconstructed = keras.ops.ones((2, 8, 8, 1))
        encoded = again = keras.ops.ones((2, 4))

    loss = defective._PixelsForVerdict(**TINY)._generator_loss()(Play())
    assert float(keras.ops.convert_to_numpy(loss)) == pytest.approx(np.log1p(np.exp(-1)), rel=1e-5)
    assert not asked


def test_the_pair_that_is_judged_is_the_wrong_one(table):
    detector = EGBAD(**TINY, anomaly_score="cross_entropy").fit(table)
    right, wrong = detector.decision_function(table), defective._wrong_pair(detector, table)
    assert wrong.shape == right.shape and not np.allclose(wrong, right, rtol=1e-3)
    residual = np.abs(table - detector.reconstruct(table)).sum(1)
    assert (wrong >= 0.9 * residual - 1e-3).all()  # the residual part is the same


def test_the_search_that_trains_the_networks_depends_on_what_came_before(images):
    detector = AnoGAN(**TINY, threshold_samples=1).fit(images)
    before, x = weights(detector), images[:6]
    forth = defective._drifting(detector, x, 10)
    back = defective._drifting(detector, x[::-1], 10)[::-1]
    assert forth[0] > forth[-1] or back[-1] > back[0]
    assert not np.allclose(forth, back, rtol=1e-3)
    assert_same(before, weights(detector))


def test_effects_are_differences_seed_by_seed():
    row = dict.fromkeys(results.COLUMNS, 0.5) | {"dataset": "mnist", "detector": "ganomaly", "anomaly_class": "8"}
    control, defect = row | {"variant": "control: GANomaly"}, row | {"variant": "best epoch by test data"}
    table = pd.DataFrame(
        [control | {"seed": s, "auprc": 0.2 + s / 10} for s in range(3)]
        + [defect | {"seed": s, "auprc": 0.3 + s / 10} for s in (2, 0, 1, 7)]
    )
    (effect,) = shown.effects(table)
    assert effect.difference.mean == pytest.approx(0.1) and effect.difference.deviation == pytest.approx(0, abs=1e-12)
    assert effect.chance == 0.5 and len(effect.found) == 3
    assert shown.effects_table(table)["difference"].tolist() == ["+0.100 ± 0.000"]
