"""AnoGAN's own: what its search may not do, and what its scores are made of."""

import numpy as np
import pytest

from ganad.detectors import AnoGAN
from ganad.validation import ParameterError

TINY = {"epochs": 2, "batch_size": 32, "latent_dim": 4, "width": 0.1, "learning_rate": 1e-3, "steps": 20}


@pytest.fixture(scope="module")
def fitted(pictures) -> AnoGAN:
    return AnoGAN(**TINY | {"epochs": 40, "decay": 0.9}).fit(pictures)


def test_scoring_moves_no_weight(fitted, pictures):
    before = {role: [w.copy() for w in network.get_weights()] for role, network in fitted.networks_.items()}
    fitted.decision_function(pictures[:20])
    for role, network in fitted.networks_.items():
        for old, new in zip(before[role], network.get_weights(), strict=True):
            np.testing.assert_array_equal(old, new)


def test_the_search_lowers_the_loss_of_every_sample_it_is_asked_about(fitted, pictures):
    """One published port scores by a fixed image and searches nothing."""
    at_start, later = (fitted.search(pictures[:40], steps=steps, search_rate=0.05).loss for steps in (0, 200))
    assert (later < at_start).all()
    assert len(np.unique(fitted.search(pictures[:40], steps=200).z[:, 0])) > 30


def test_a_score_is_the_loss_at_the_last_step(fitted, pictures):
    found = fitted.search(pictures[:20])
    np.testing.assert_allclose(fitted.decision_function(pictures[:20]), found.loss, rtol=1e-6)
    np.testing.assert_allclose(fitted.residual_map(pictures[:20]).sum((1, 2)), found.residual, rtol=1e-4)


def test_equal_samples_are_searched_for_once(fitted, pictures, monkeypatch):
    rows = np.random.default_rng(0).integers(0, 12, 50)
    x = pictures[rows].astype(np.float32) / 127.5 - 1
    expected, searched = fitted._searched(x), []

    def search(x: np.ndarray) -> np.ndarray:
        searched.append(len(x))
        return AnoGAN._searched(fitted, x)

    monkeypatch.setattr(fitted, "_searched", search)
    scores = fitted.decision_function(x)
    np.testing.assert_allclose(scores, expected, rtol=1e-6)
    assert searched == [len(np.unique(rows))] and len(np.unique(scores)) == searched[0]
    np.testing.assert_array_equal(fitted.decision_function(pictures[:12]), fitted.search(pictures[:12]).loss)


def test_other_values_for_one_search_leave_the_detector_alone(fitted, pictures):
    before = fitted.decision_function(pictures[:20])
    other = fitted.search(pictures[:20], score_weight=0.0, restarts=3, steps=60)
    np.testing.assert_allclose(other.loss, other.residual)
    np.testing.assert_array_equal(fitted.decision_function(pictures[:20]), before)
    assert fitted.steps == 20


@pytest.mark.parametrize("changes", [{"steps": -1}, {"restarts": 0}, {"tolerance": 2}, {"anomaly_score": "bce"}])
def test_values_out_of_range(fitted, pictures, changes, refused):
    with refused(ParameterError, next(iter(changes))):
        fitted.search(pictures[:2], **changes)
    with refused(ParameterError, next(iter(changes))):
        AnoGAN(**TINY | changes).fit(pictures)


def test_the_threshold_comes_from_a_part_of_a_large_training_set(pictures):
    detector = AnoGAN(**TINY | {"epochs": 1}, threshold_samples=30, contamination=0.2).fit(pictures)
    assert detector.decision_scores_.shape == detector.labels_.shape == (30,)
    assert detector.threshold_ == np.quantile(detector.decision_scores_, 0.8)
    every = detector.decision_function(pictures)
    rows = [int(np.abs(every - score).argmin()) for score in detector.decision_scores_]
    assert rows == sorted(rows) and len(set(rows)) == 30
    np.testing.assert_allclose(every[rows], detector.decision_scores_, rtol=1e-3)
