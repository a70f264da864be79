"""The checks of the tasks about protocol: who may see what, and when."""

from collections.abc import Callable
from typing import Any

import numpy as np
from sklearn.metrics import average_precision_score

from ganad_book.assignment.saying import NOTHING, like, pair


def check_split(split: Callable, seed: int = 0) -> str | None:
    """Indices: four fifths of the normal samples to train, all else to test; shuffled by the seed."""
    y = np.random.default_rng(seed).integers(0, 10, 500)
    given = split(y.copy(), 3, 0)
    if hint := pair(given, "the indices of the training and of the test samples"):
        return hint
    train, test = map(np.asarray, given)
    if train.dtype == bool or not all(
        np.issubdtype(part.dtype, np.integer) and part.ndim == 1 for part in (train, test)
    ):
        return "It has to give back indices, whole numbers: of a mask take np.flatnonzero."
    normal = np.flatnonzero(y != 3)
    if hint := _wrong_rows(y, train, test):
        return hint
    if abs(len(train) - 0.8 * len(normal)) > 1:
        return f"Four fifths of the normal samples are for training: {0.8 * len(normal):.0f} of {len(normal)}, yours are {len(train)}."
    if set(train) != set(split(y.copy(), 3, 0)[0]):
        return "The same seed gives two different splits: shuffle with np.random.default_rng(seed)."
    if set(train) == set(split(y.copy(), 3, 1)[0]):
        return "Every seed gives the same split: shuffle the normal samples before you cut."
    return None


def _wrong_rows(y: np.ndarray, train: np.ndarray, test: np.ndarray) -> str | None:
    """A hint if rows of the split are where they must not be, or nowhere."""
    if (y[train] == 3).any():
        return "There are samples of the anomalous class among the training samples: a detector would learn that they are normal."
    if len(set(train)) < len(train) or len(set(test)) < len(test):
        return "Some samples are there twice: draw without replacement."
    if both := len(set(train) & set(test)):
        return f"{both} samples are in both parts: what was trained on tells nothing about new samples."
    if set(np.flatnonzero(y == 3)) - set(test):
        return "All samples of the anomalous class belong to the test part; some are missing."
    if len(train) + len(test) < len(y):
        return "Some normal samples are in neither part: those that are not for training are for the test."
    return None


def check_standardise(standardise: Callable, seed: int = 0) -> str | None:
    """By mean and deviation of the training rows' columns; a column that never changes becomes 0."""
    rng = np.random.default_rng(seed)
    train, test = rng.normal(5, 3, (50, 6)), rng.normal(9, 7, (30, 6))
    train[:, 2] = test[:, 2] = 4.0
    with np.errstate(all="ignore"):
        given = standardise(train.copy(), test.copy())
    if hint := pair(given, "the training and the test rows, standardised"):
        return hint
    given = [np.asarray(part, float) for part in given]
    if [part.shape for part in given] != [train.shape, test.shape]:
        return "The arrays that come back have to have the shapes of those that went in."
    if not all(np.isfinite(part).all() for part in given):
        return "A column that never changes has deviation 0, and you divide by it: divide by 1 there."
    for statistics, hint in _STATISTICS:
        if any(all(map(like, given, _scaled(train, test, statistics, ddof))) for ddof in (0, 1)):
            return hint
    if like(given[0], _scaled(train, test, "train", 0)[0]):
        return "The training rows are right, the test rows are not: they take mean and deviation of the training rows."
    return "It is not (x - mean) / deviation by column, with mean and deviation of the training rows."


_STATISTICS = (
    ("train", None),
    ("both", "Mean and deviation have seen the test rows: with them the test set's scale leaks into training."),
    (
        "own",
        "The test rows are scaled by their own mean and deviation: in use there is one new row at a time, and a shift would go unseen.",
    ),
    ("all columns", "There is one mean for all columns: take mean and deviation of each column (axis 0)."),
    ("centred", "The mean is taken away, but nothing is divided by the deviation."),
)


def _scaled(train: np.ndarray, test: np.ndarray, statistics: str, ddof: int) -> list[np.ndarray]:
    """Both parts scaled by the statistics of that name."""
    seen = {"both": (np.vstack([train, test]),) * 2, "own": (train, test)}.get(statistics, (train, train))
    axis = None if statistics == "all columns" else 0
    scaled = []
    for part, of in zip((train, test), seen, strict=True):
        deviation = np.ones(1) if statistics == "centred" else np.asarray(of.std(axis, ddof=ddof))
        scaled.append((part - of.mean(axis)) / np.where(deviation > 1e-12, deviation, 1))
    return scaled


def check_threshold(choose_threshold: Callable, seed: int = 0) -> str | None:
    """The quantile of normal scores that leaves out the asked fraction, whatever the test scores are."""
    rng = np.random.default_rng(seed)
    normal, test = rng.gamma(3, 1, 400), rng.gamma(6, 2, 300)
    given = choose_threshold(normal.copy(), test.copy(), 0.1)
    if given is None:
        return NOTHING
    if np.ndim(given) or not np.isfinite(float(given)):
        return "A threshold is one finite number."
    if float(given) != float(choose_threshold(normal.copy(), test.copy() + 5, 0.1)):
        return "The threshold moves when the test scores do: it was chosen on test data, and a figure at it would be too good."
    for contamination in (0.1, 0.25):
        above = np.mean(normal > float(choose_threshold(normal.copy(), test.copy(), contamination)))
        if abs(above - contamination) <= 0.01:
            continue
        if abs(above - (1 - contamination)) <= 0.01:
            return f"{above:.0%} of the normal scores are above it: that is the quantile from the other end."
        return f"{above:.1%} of the normal scores are above it; {contamination:.0%} were asked for.  np.quantile counts from 0 to 1, np.percentile to 100."
    return None


class _Spy:
    """A `fit` that learns nothing and looks at what it is given; each row carries its class in its first columns."""

    def __init__(self, classes: int) -> None:
        self.classes, self.hint, self.found = classes, None, {}

    def __call__(self, x_train: Any) -> Callable:
        seen = np.asarray(x_train, float)
        absent = np.flatnonzero(seen[:, : self.classes].std(0) < 1e-12)
        rest = seen[:, self.classes :]
        if not len(absent):
            self.hint = self.hint or "`fit` was given samples of every class: the anomalous one must not be among them."
        elif np.abs(rest.mean(0)).max() > 1e-4 or np.abs(rest.std(0) - 1).max() > 0.02:
            self.hint = (
                self.hint or "The training rows have not mean 0 and deviation 1: standardise them, by themselves."
            )

        def score(x: Any) -> np.ndarray:
            rows = np.asarray(x, float)
            scores = rows[:, self.classes]
            if len(absent):
                column = rows[:, absent[0]]
                labels = (column > column.mean()).astype(int)
                self.found[int(absent[0])] = (average_precision_score(labels, scores), len(seen), len(rows))
            return scores

        return score


def check_leave_one_out(leave_one_out: Callable, seed: int = 0) -> str | None:
    """Each class once the anomaly: split, standardise, fit on normal rows, score, average precision."""
    rng = np.random.default_rng(seed)
    classes, count = 5, 300
    y = rng.permutation(np.arange(count) % classes)
    noise = rng.normal(3, 2, (count, 4)) + 0.4 * y[:, None]
    spy = _Spy(classes)
    given = leave_one_out(np.hstack([np.eye(classes)[y], noise]), y.copy(), spy, 0)
    if given is None:
        return NOTHING
    if not isinstance(given, dict) or set(given) != set(range(classes)):
        return "It has to give back a dictionary: each class of y, and the average precision when that class is the anomaly."
    if spy.hint:
        return spy.hint
    if set(spy.found) != set(given):
        return "Not every class has been the anomaly in a training and a test of its own."
    for name, (wanted, trained, tested) in spy.found.items():
        if trained + tested != count:
            return f"With class {name} as the anomaly {trained} rows were trained on and {tested} tested: of {count} all have to be used, each once."
        if not like(given[name], wanted):
            return f"With class {name} as the anomaly the scores have an average precision of {wanted:.3f}, and yours is {float(given[name]):.3f}: are labels and scores of the same rows, and is 1 the anomaly?"
    return None
