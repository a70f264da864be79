"""What a score is worth: AUPRC and AUROC with their bounds, threshold rules, intervals over seeds."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.special import stdtrit


@dataclass(frozen=True)
class Detection:
    """Precision, recall and F1 of the anomalous class, each in [0, 1]; ``flagged`` counts the samples called anomalous."""

    precision: float
    recall: float
    f1: float
    flagged: int


@dataclass(frozen=True)
class Interval:
    """Mean over seeds, standard deviation (n - 1), and a confidence interval of the mean (Student's t)."""

    mean: float
    deviation: float
    low: float
    high: float
    count: int

    def __format__(self, spec: str) -> str:
        spec = spec or ".4f"
        if self.count < 2:
            return format(self.mean, spec)
        return f"{self.mean:{spec}} ± {(self.high - self.low) / 2:{spec}}"


@dataclass(frozen=True)
class Spread:
    """What several seeds gave: ``0.91 (0.84 to 0.95)`` as text.

    Attributes
    ----------
    median, lowest, highest : float
        Over the seeds.
    """

    median: float
    lowest: float
    highest: float

    def __str__(self) -> str:
        return f"{self.median:.2f} ({self.lowest:.2f} to {self.highest:.2f})"


def spread(values: Sequence[float]) -> Spread:
    """Median and range of a result over seeds.

    Raises
    ------
    ValueError
        If there are fewer than two: one training run has no spread.
    """
    results = np.asarray(values, float)
    if len(results) < 2:
        raise ValueError("a spread needs the results of at least two seeds")
    return Spread(float(np.median(results)), float(results.min()), float(results.max()))


def auprc(labels: np.ndarray, scores: np.ndarray) -> float:
    """Average precision: the step-wise area under the precision-recall curve, not the trapezoid.

    Parameters
    ----------
    labels : ndarray (N,)
        1 = anomaly.
    scores : ndarray (N,)
        Higher is more anomalous.

    Returns
    -------
    float
        In [:func:`auprc_floor`, 1]; a random score has about the prevalence.

    Raises
    ------
    ValueError
        If the lengths differ, a score is not finite, or one of the two kinds is missing.
    """
    from sklearn.metrics import average_precision_score  # a second, that a command which measures nothing need not wait

    return float(average_precision_score(*_checked(labels, scores)))


def auroc(labels: np.ndarray, scores: np.ndarray) -> float:
    """Probability that a random anomaly scores above a random normal sample (ties count half); arguments as :func:`auprc`."""
    from sklearn.metrics import roc_auc_score

    return float(roc_auc_score(*_checked(labels, scores)))


def auprc_floor(prevalence: float) -> float:
    """The lowest AUPRC any score can have: 1 + (1 - p) ln(1 - p) / p (Boyd et al. 2012).

    Raises
    ------
    ValueError
        If the prevalence does not lie strictly between 0 and 1.
    """
    if not 0 < prevalence < 1:
        raise ValueError(f"prevalence lies between 0 and 1, not at {prevalence}")
    return float(1 + (1 - prevalence) * np.log1p(-prevalence) / prevalence)


def detection(labels: np.ndarray, flags: np.ndarray) -> Detection:
    """Precision, recall and F1 of a decision.  Nothing flagged: precision 0.

    Parameters
    ----------
    labels, flags : ndarray (N,)
        1 (or True) = anomaly, called anomaly.
    """
    labels, flags = np.asarray(labels, bool), np.asarray(flags, bool)
    hits, flagged, anomalies = int((labels & flags).sum()), int(flags.sum()), int(labels.sum())
    return Detection(
        precision=hits / flagged if flagged else 0.0,
        recall=hits / anomalies if anomalies else 0.0,
        f1=2 * hits / (flagged + anomalies) if flagged + anomalies else 0.0,
        flagged=flagged,
    )


def flag_top(scores: np.ndarray, percentile: float = 80.0) -> np.ndarray:
    """The survey's rule on KDD: at or above this percentile *of the test scores* is an anomaly.

    It knows how many anomalies to expect, and scores tied at the threshold are all flagged.
    """
    scores = np.asarray(scores)
    return scores >= np.percentile(scores, percentile)


def flag_above_training(scores: np.ndarray, training_scores: np.ndarray, quantile: float = 0.99) -> np.ndarray:
    """A rule that knows no test data: above this quantile of the scores of normal, held-out training samples."""
    return np.asarray(scores) > np.quantile(training_scores, quantile)


def interval(values: Sequence[float], confidence: float = 0.95) -> Interval:
    """Mean, spread and confidence interval over seeds.  One value: no spread, an interval of no width.

    Raises
    ------
    ValueError
        If there are no values.
    """
    results = np.asarray(values, float)
    if results.size == 0:
        raise ValueError("an interval needs at least one value")
    mean = float(results.mean())
    if results.size == 1:
        return Interval(mean, 0.0, mean, mean, 1)
    deviation = float(results.std(ddof=1))
    half = float(stdtrit(results.size - 1, 0.5 + confidence / 2)) * deviation / np.sqrt(results.size)
    return Interval(mean, deviation, mean - half, mean + half, results.size)


def _checked(labels: np.ndarray, scores: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    labels, scores = np.asarray(labels).ravel(), np.asarray(scores).ravel()
    if len(labels) != len(scores):
        raise ValueError(f"{len(labels)} labels do not go with {len(scores)} scores")
    if not np.isfinite(scores).all():
        raise ValueError("a score is NaN or infinite")
    if set(np.unique(labels).tolist()) != {0, 1}:
        raise ValueError("labels must hold both 0 (normal) and 1 (anomaly), and nothing else")
    return labels, scores
