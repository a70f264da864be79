"""What each task of the assignment is asked, and the hint for each way of getting it wrong.

A check takes the student's function and a seed for the numbers; it returns None if the answer is right, else a hint.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from sklearn.metrics import auc, average_precision_score, precision_recall_curve, roc_auc_score

from ganad_book.assignment.protocol import check_leave_one_out, check_split, check_standardise, check_threshold
from ganad_book.assignment.saying import NOTHING, first, like, one_each


@dataclass(frozen=True)
class Task:
    """A task: the function it asks for, its points, and its check."""

    name: str
    points: int
    check: Callable[[Callable, int], str | None]


def check_residual(residual: Callable, seed: int = 0) -> str | None:
    """The residual part of EGBAD's score: L1 over all but the first axis, for images and for tables."""
    rng = np.random.default_rng(seed)
    for shape in ((6, 8, 8, 1), (5, 30)):
        x, made = rng.uniform(-1, 1, (2, *shape))
        given = residual(x.copy(), made.copy())
        gap, axes = x - made, tuple(range(1, x.ndim))
        hint = one_each(given, len(x)) or first(
            given,
            (np.abs(gap).sum(axes), None),
            (np.abs(gap).mean(axes), "It is the mean over the pixels; the equation has a sum."),
            (-np.abs(gap).sum(axes), "Its sign is wrong: a sample that comes back changed is more anomalous."),
            (gap.sum(axes), "Differences of both signs cancel out: take absolute values."),
            (np.square(gap).sum(axes), "It squares the differences: the norm in the equation is the one with index 1."),
            (np.sqrt(np.square(gap).sum(axes)), "That is the Euclidean norm: the equation has the one with index 1."),
            other="It is not the sum of the absolute differences over everything but the samples.",
        )
        if hint:
            return f"{hint} (Asked with arrays of shape {shape}.)" if x.ndim == 2 else hint
    return None


def check_cross_entropy(cross_entropy: Callable, seed: int = 0) -> str | None:
    """-log sigmoid(logit), finite and exact at any logit."""
    logits = np.random.default_rng(seed).normal(0, 3, 20)
    given, soft = cross_entropy(logits.copy()), np.logaddexp(0, -logits)
    hint = one_each(given, 20) or first(
        given,
        (soft, None),
        (-soft, "Its sign is wrong: log D is never above 0, and a score has to grow as D believes less."),
        (soft + logits, "It grows with the logit: that is -log(1 - D), large for what looks real."),
        (np.exp(-soft), "That is D(x, E(x)) itself: the logarithm is missing."),
        (1 - np.exp(-soft), "That is 1 - D: the score is -log D."),
        (soft / np.log(2), "That is the logarithm to base 2: take the natural one."),
        other="It is not -log of the sigmoid of the logit.",
    )
    if hint:
        return hint
    far = np.array([-1000.0, 1000.0])
    with np.errstate(all="ignore"):
        given = np.asarray(cross_entropy(far), float)
    if not np.isfinite(given).all():
        return "At a logit of -1000 it is not finite: the sigmoid is 0 there, and its logarithm is -inf.  Write it without the sigmoid."
    if not like(given, np.array([1000.0, 0.0])):
        return "At a logit of -1000 it is cut off: anomalies beyond that point would all score alike.  Add no small number; write it without the sigmoid."
    return None


def check_egbad_score(egbad_score: Callable, seed: int = 0) -> str | None:
    """(1 - w) * residual + w * L1 distance of the features."""
    rng = np.random.default_rng(seed)
    residuals, real, made, w = rng.uniform(1, 9, 7), rng.normal(size=(7, 12)), rng.normal(size=(7, 12)), 0.1
    given = egbad_score(residuals.copy(), real.copy(), made.copy(), w)
    match = np.abs(real - made).sum(1)
    right = (1 - w) * residuals + w * match
    hint = one_each(given, 7) or first(
        given,
        (right, None),
        (-right, "Its sign is wrong: higher has to be more anomalous."),
        (w * residuals + (1 - w) * match, "The weights are exchanged: w belongs to the features."),
        (residuals + w * match, "The residual has a weight too: 1 - w."),
        (residuals + match, "The weight w is not used."),
        ((1 - w) * residuals + w * match / 12, "The features are averaged; the norm is a sum."),
        (
            (1 - w) * residuals + w * np.square(real - made).sum(1),
            "The features' differences are squared: the norm is the one with index 1.",
        ),
        ((1 - w) * residuals + w * (real - made).sum(1), "Differences of features cancel out: take absolute values."),
        ((1 - w) * residuals, "The features are not used."),
        other="It is not (1 - w) times the residual and w times the distance of the features.",
    )
    if not hint and not like(egbad_score(residuals.copy(), real.copy(), made.copy(), 0.5), (residuals + match) / 2):
        return "It is right for w = .1 only: use the w that is given."
    return hint


def check_average_precision(average_precision: Callable, seed: int = 0) -> str | None:
    """The step-wise area under the precision-recall curve, ties taken together."""
    rng = np.random.default_rng(seed)
    labels = (rng.random(60) < 0.3).astype(int)
    labels[:2] = 0, 1
    scores = rng.permutation(60) / 60 + 0.3041 * labels  # no two alike
    given = average_precision(labels.copy(), scores.copy())
    if given is None:
        return NOTHING
    precision, recall, _ = precision_recall_curve(labels, scores)
    hint = first(
        given,
        (average_precision_score(labels, scores), None),
        (
            average_precision_score(labels, -scores),
            "It begins with the lowest score: the most anomalous sample comes first.",
        ),
        (average_precision_score(1 - labels, scores), "It takes 0 for the anomaly: 1 is."),
        (
            auc(recall, precision),
            "That is the area by trapezoids: it counts points between two thresholds that no threshold reaches.  Take steps.",
        ),
        (roc_auc_score(labels, scores), "That is the area under the ROC curve."),
        other=_small(average_precision),
    )
    if hint:
        return hint
    tied = np.round(scores * 4) / 4
    for order in (np.argsort(labels, kind="stable"), np.argsort(-labels, kind="stable")):
        given = average_precision(labels[order], tied[order])
        if not like(given, average_precision_score(labels, tied)):
            return "With equal scores it depends on the order of the samples: no threshold parts equal scores, so they are flagged together."
    return None


def _small(average_precision: Callable) -> str:
    """A hint by an example that can be done by hand."""
    given = average_precision(np.array([1, 0, 1, 0]), np.array([4.0, 3.0, 2.0, 1.0]))
    if like(given, 5 / 6):
        return "It is right for four samples in order, and wrong for sixty in disorder: do labels and scores stay together?"
    said = f"{float(given):.3f}" if np.ndim(given) == 0 else "no single number"
    return (
        "For labels 1, 0, 1, 0 and scores 4, 3, 2, 1 the anomalies have ranks 1 and 3, and the precisions there are 1 and 2/3: "
        f"average precision is .833, and yours {said}."
    )


TASKS: tuple[Task, ...] = (
    Task("split", 2, check_split),
    Task("standardise", 2, check_standardise),
    Task("residual", 2, check_residual),
    Task("cross_entropy", 2, check_cross_entropy),
    Task("egbad_score", 3, check_egbad_score),
    Task("average_precision", 4, check_average_precision),
    Task("choose_threshold", 2, check_threshold),
    Task("leave_one_out", 3, check_leave_one_out),
)
