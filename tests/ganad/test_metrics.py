"""ganad.metrics against values known by hand, by brute force, and from SciPy."""

from itertools import permutations

import numpy as np
import pytest
from scipy import stats
from sklearn.metrics import auc, precision_recall_curve

from ganad.metrics import auprc, auprc_floor, auroc, detection, flag_above_training, flag_top, interval, spread


def test_auprc_of_a_ranking_known_by_hand():
    # Anomalies at ranks 1, 3 and 5 from the top: precisions 1/1, 2/3, 3/5.
    assert auprc([1, 0, 1, 0, 1, 0], [6, 5, 4, 3, 2, 1]) == pytest.approx((1 + 2 / 3 + 3 / 5) / 3)


def test_auprc_is_no_trapezoid():
    labels, scores = [1, 0, 0, 1], [4, 3, 2, 1]
    precision, recall, _ = precision_recall_curve(labels, scores)
    assert auprc(labels, scores) == pytest.approx((1 + 2 / 4) / 2)
    assert abs(auprc(labels, scores) - auc(recall, precision)) > 0.04


def test_auroc_counts_ordered_pairs_and_half_the_ties():
    # Pairs (anomaly, normal): (3, 2) and (3, 1) in order, (2, 2) tied, (2, 1) in order.
    assert auroc([1, 1, 0, 0], [3, 2, 2, 1]) == pytest.approx(3.5 / 4)


@pytest.mark.parametrize("anomalies", [1, 2, 5, 7])
def test_tied_scores_are_worth_the_prevalence(anomalies):
    labels = np.repeat([1, 0], [anomalies, 8 - anomalies])
    assert auprc(labels, np.zeros(8)) == pytest.approx(anomalies / 8)
    assert auroc(labels, np.zeros(8)) == pytest.approx(0.5)


def test_random_scores_are_worth_the_prevalence():
    rng = np.random.default_rng(0)
    labels = rng.random(100_000) < 0.3
    assert auprc(labels.astype(int), rng.random(100_000)) == pytest.approx(labels.mean(), abs=0.01)


@pytest.mark.parametrize("anomalies", [1, 2, 3, 4, 5])
def test_no_ranking_falls_below_the_floor(anomalies):
    labels = np.repeat([1, 0], [anomalies, 6 - anomalies])
    scores = np.array(list(permutations(range(6))))
    worst = min(auprc(labels, ranking) for ranking in scores)
    assert worst == pytest.approx(auprc(labels, np.arange(6)))  # every anomaly below every normal sample
    assert worst >= auprc_floor(anomalies / 6)


@pytest.mark.parametrize("prevalence", [0.02, 0.1, 0.196868, 0.357, 0.5, 0.9])
def test_the_floor_is_the_worst_ranking_of_many_samples(prevalence):
    anomalies = round(100_000 * prevalence)
    labels = np.repeat([1, 0], [anomalies, 100_000 - anomalies])
    assert auprc_floor(prevalence) == pytest.approx(auprc(labels, np.arange(100_000)), abs=1e-4)


@pytest.mark.parametrize("prevalence, floor", [(0.357, 0.205), (0.388, 0.226), (0.285, 0.158), (0.1, 0.052)])
def test_the_floor_at_the_surveys_prevalences(prevalence, floor):
    assert auprc_floor(prevalence) == pytest.approx(floor, abs=1e-3)


@pytest.mark.parametrize("prevalence", [0, 1, -0.1, 1.5, float("nan")])
def test_a_floor_needs_both_kinds(prevalence, refused):
    with refused(ValueError, "prevalence", str(prevalence)):
        auprc_floor(prevalence)


@pytest.mark.parametrize("metric", [auprc, auroc])
@pytest.mark.parametrize(
    "labels, scores, word",
    [
        ([0, 1, 1], [0.1, 0.2], "3 labels"),
        ([0, 1], [0.1, np.nan], "NaN"),
        ([0, 1], [0.1, np.inf], "infinite"),
        ([0, 0], [0.1, 0.2], "both"),
        ([1, 1], [0.1, 0.2], "both"),
        ([0, 1, 2], [0.1, 0.2, 0.3], "both"),
        ([-1, 1], [0.1, 0.2], "both"),
        ([], [], "both"),
    ],
)
def test_metrics_refuse_what_they_cannot_rank(metric, labels, scores, word, refused):
    with refused(ValueError, word):
        metric(labels, scores)


def test_detection_known_by_hand():
    found = detection([1, 1, 1, 0, 0], [1, 1, 0, 1, 0])
    assert (found.precision, found.recall, found.flagged) == (2 / 3, 2 / 3, 3)
    assert found.f1 == pytest.approx(2 / 3)
    unequal = detection([1, 0, 0, 0], [1, 1, 0, 0])
    assert (unequal.precision, unequal.recall) == (0.5, 1.0)
    assert unequal.f1 == pytest.approx(2 * 0.5 * 1 / 1.5)


def test_detection_without_flags_or_anomalies():
    assert detection([1, 0], [0, 0]) == type(detection([1, 0], [0, 0]))(0.0, 0.0, 0.0, 0)
    assert detection([0, 0], [1, 0]).recall == 0.0
    assert detection([0, 0], [0, 0]).f1 == 0.0


def test_flag_top_flags_the_share_above_the_percentile():
    scores = np.random.default_rng(0).permutation(1000)
    flags = flag_top(scores)
    assert flags.sum() == 200
    assert scores[flags].min() > scores[~flags].max()
    assert flag_top(scores, 95).sum() == 50


def test_flag_top_flags_every_score_tied_at_the_threshold():
    scores = np.array([0.0] * 3 + [1.0] * 6 + [2.0])
    assert flag_top(scores).sum() == 7
    assert flag_top(np.ones(10)).sum() == 10


def test_on_the_surveys_kdd_test_half_recall_is_1_0159_precisions():
    rng = np.random.default_rng(0)
    labels = rng.permutation(np.repeat([1, 0], [48_629, 247_011 - 48_629]))
    found = detection(labels, flag_top(rng.permutation(247_011) + labels * 100_000.0))
    assert found.flagged == 49_403
    assert 0 < found.precision < 1
    assert found.recall / found.precision == pytest.approx(0.956155 / 0.941174, abs=1e-5)


def test_flag_above_training_knows_the_training_scores_alone():
    training = np.arange(101.0)
    assert flag_above_training([98.9, 99.0, 99.1], training).tolist() == [False, False, True]
    assert flag_above_training([50.5], training, quantile=0.5).tolist() == [True]
    assert flag_above_training([1e9, 1e9], training).all()  # no share of the test set is promised


@pytest.mark.parametrize("confidence", [0.9, 0.95, 0.99])
def test_interval_is_students(confidence):
    values = [0.70, 0.74, 0.71, 0.79, 0.73]
    found = interval(values, confidence)
    low, high = stats.t.interval(confidence, 4, np.mean(values), stats.sem(values))
    assert (found.low, found.high) == pytest.approx((low, high))
    assert (found.mean, found.deviation, found.count) == pytest.approx((np.mean(values), np.std(values, ddof=1), 5))


def test_interval_of_one_value_and_of_none(refused):
    one = interval([0.5])
    assert (one.mean, one.deviation, one.low, one.high, one.count) == (0.5, 0.0, 0.5, 0.5, 1)
    with refused(ValueError, "at least one"):
        interval([])


def test_interval_reads_as_mean_and_half_width():
    assert f"{interval([0.5]):.2f}" == "0.50"
    half = stats.t.ppf(0.975, 1) * np.std([0.4, 0.6], ddof=1) / np.sqrt(2)
    assert f"{interval([0.4, 0.6]):.3f}" == f"0.500 ± {half:.3f}"
    assert f"{interval([0.4, 0.6])}" == f"0.5000 ± {half:.4f}"


def test_a_spread_is_of_several_seeds(refused):
    assert str(spread([0.3, 0.1, 0.2, 0.9])) == "0.25 (0.10 to 0.90)"
    with refused(ValueError, "at least two seeds"):
        spread([0.5])
