"""The score that does not mistake the simple for the normal."""

import numpy as np
import pytest

from ganad import metrics
from ganad.detectors import EGBAD, GANomaly, load_detector
from ganad.detectors.complexity import complexity
from ganad.detectors.neural import NeuralDetector

TINY = {"epochs": 1, "batch_size": 32, "latent_dim": 4, "width": 0.05}


def test_complexity_is_the_total_variation():
    flat, stripes = np.full((1, 4, 4, 1), 0.3, np.float32), np.zeros((1, 4, 4, 1), np.float32)
    stripes[:, ::2] = 1.0
    assert complexity(flat) == pytest.approx([1.0])
    assert complexity(stripes) == pytest.approx([1 + 3 * 4])  # three edges, four columns
    assert complexity(np.concatenate([stripes] * 2, -1)) == pytest.approx([1 + 2 * 3 * 4])


@pytest.mark.parametrize("cls", [EGBAD, GANomaly])
def test_what_is_expected_of_so_busy_an_image_is_taken_off(cls, pictures, tmp_path, untraced):
    plain = cls(**TINY).fit(pictures)
    corrected = plain.rescored(pictures, complexity_correction=True)
    x = plain._checked(pictures)
    slope, height = np.polyfit(np.log(complexity(x)), np.log(plain.decision_scores_), 1)
    expected = np.log(plain.decision_scores_) - slope * np.log(complexity(x)) - height
    np.testing.assert_allclose(corrected.decision_function(pictures), expected, atol=1e-5)
    np.testing.assert_allclose(corrected.decision_scores_, expected, atol=1e-5)
    assert abs(np.corrcoef(expected, np.log(complexity(x)))[0, 1]) < 1e-6
    assert corrected.labels_.mean() == pytest.approx(0.1, abs=0.02)
    corrected.save(tmp_path / "kept.keras")
    again = load_detector(tmp_path / "kept.keras")
    np.testing.assert_array_equal(again.decision_function(pictures), corrected.decision_function(pictures))
    fitted = cls(**TINY, complexity_correction=True).fit(pictures)
    np.testing.assert_allclose(fitted.decision_scores_, expected, atol=1e-4)


def test_a_simple_anomaly_is_found(monkeypatch):
    """Residuals in proportion to complexity; the anomalies are faint, with three times the residual of so faint an image."""
    rng = np.random.default_rng(0)
    busy = rng.choice([-0.9, 0.9], (200, 8, 8, 1)).astype(np.float32)
    busy *= rng.uniform(0.3, 1, (200, 1, 1, 1))
    faint = rng.choice([-0.05, 0.05], (50, 8, 8, 1)).astype(np.float32)
    model = EGBAD(**TINY).fit(busy)
    monkeypatch.setattr(
        NeuralDetector, "_score", lambda self, x: complexity(x) * np.where(np.abs(x).max((1, 2, 3)) < 0.1, 3, 1)
    )
    x, labels = np.concatenate([busy, faint]), np.repeat([0, 1], [200, 50])
    corrected = model.rescored(busy, complexity_correction=True)
    plain, found = (metrics.auroc(labels, each.decision_function(x)) for each in (model, corrected))
    assert plain == 0 and found == 1


def test_a_table_has_no_complexity(table, refused):
    with refused(ValueError, "complexity_correction is for images"):
        EGBAD(epochs=1, batch_size=50, width=0.1, complexity_correction=True).fit(table)
