"""The survey's splits: what is trained on, and what is tested."""

from dataclasses import dataclass, field, replace

import numpy as np

from ganad.datasets.contents import Dataset

KDD_HEAVY_TAILED = ("duration", "src_bytes", "dst_bytes", "count", "srv_count")
"""Columns whose largest values are thousands of times their medians: the ones `log1p` tames."""


@dataclass(frozen=True)
class Split:
    """Training and validation samples, all normal, and a test set of both kinds.

    Attributes
    ----------
    x_train, x_val, x_test : ndarray, float32
        Images in [-1, 1]; tables scaled to [0, 1] by the training rows (test values may lie outside), unless their columns are left raw.
    y_test : ndarray of int
        1 = anomaly.
    train_rows, val_rows, test_rows : ndarray of int
        Where the samples stand in the data set.
    name, anomaly : str
        The data set, and what counts as the anomaly.
    """

    x_train: np.ndarray = field(repr=False)
    x_val: np.ndarray = field(repr=False)
    x_test: np.ndarray = field(repr=False)
    y_test: np.ndarray = field(repr=False)
    train_rows: np.ndarray = field(repr=False)
    val_rows: np.ndarray = field(repr=False)
    test_rows: np.ndarray = field(repr=False)
    name: str
    anomaly: str
    feature_names: tuple[str, ...] = field(default=(), repr=False)

    @property
    def prevalence(self) -> float:
        """Fraction of anomalies in the test set: the AUPRC of a random score."""
        return float(self.y_test.mean())


def subsample(split: Split, *, train: int, val: int, test: int, seed: int = 0) -> Split:
    """At most so many samples of each part, drawn at random; the test set keeps its prevalence, and every part its order.

    Parameters
    ----------
    train, val, test : int
        Most samples of each part; a part that has fewer stays whole.
    seed : int
        Of the draw.

    Returns
    -------
    Split
        Of ``test`` samples, the nearest whole number to ``test * split.prevalence`` are anomalies, and at least one is of
        each kind that the split has.
    """
    rng = np.random.default_rng(seed)
    kept = {
        part: _drawn(rng, len(getattr(split, f"x_{part}")), most) for part, most in (("train", train), ("val", val))
    }
    kinds = [np.flatnonzero(split.y_test == kind) for kind in (0, 1)]
    if test < len(split.y_test):
        odd = round(test * split.prevalence)
        odd = min(max(odd, 1), test - 1) if all(map(len, kinds)) and test > 1 else odd
        kinds = [rows[_drawn(rng, len(rows), count)] for rows, count in zip(kinds, (test - odd, odd), strict=True)]
    kept["test"] = np.sort(np.concatenate(kinds))
    changes = {"y_test": split.y_test[kept["test"]]}
    for part, places in kept.items():
        changes |= {name: getattr(split, name)[places] for name in (f"x_{part}", f"{part}_rows")}
    return replace(split, **changes)


def _drawn(rng: np.random.Generator, count: int, most: int) -> np.ndarray:
    """At most so many of the places 0 to ``count``, in order."""
    return np.sort(rng.permutation(count)[:most])


def leave_one_out(data: Dataset, anomaly_class: int, seed: int = 0) -> Split:
    """One class is the anomaly, all others are normal (survey, section 3).

    80 % of the normal samples train; the other 20 % and *all* samples of the anomalous class are the test set.  A tenth
    of the training part is kept back as normal-only validation data.

    Parameters
    ----------
    anomaly_class : int
        Index into ``data.class_names``.
    seed : int
        Of the shuffle.

    Raises
    ------
    ValueError
        If there is no such class.
    """
    classes = len(data.class_names)
    if isinstance(anomaly_class, bool) or not isinstance(anomaly_class, (int, np.integer)):
        raise ValueError(f"anomaly_class is a whole number from 0 to {classes - 1}, not {anomaly_class!r}")
    if not 0 <= anomaly_class < classes:
        raise ValueError(f"{data.name} has classes 0 to {classes - 1}: there is no class {anomaly_class}")
    rng = np.random.default_rng(seed)
    normal = rng.permutation(np.flatnonzero(data.y != anomaly_class))
    anomalous = np.flatnonzero(data.y == anomaly_class)
    known = len(normal) * 4 // 5
    train, val = _hold_out(normal[:known])
    test = np.concatenate([normal[known:], anomalous])
    labels = np.repeat([0, 1], [len(normal) - known, len(anomalous)])
    shuffle = rng.permutation(len(test))
    return _scaled(data, train, val, test[shuffle], labels[shuffle], data.class_names[anomaly_class])


def kdd_split(
    data: Dataset,
    *,
    seed: int = 0,
    log1p: bool = False,
    deduplicate: bool = False,
    development: bool = False,
    raw: bool = False,
) -> Split:
    """The survey's KDD Cup 99 protocol: attacks are normal, ordinary traffic is the anomaly.

    Half of the rows, drawn with ``pandas``' ``sample(frac=.5, random_state=42)``, are the training half: its attacks
    train (a tenth of them is kept back for validation), its ordinary rows are dropped.  The other half is the test set:
    247,011 rows, 48,629 anomalies.  This is the split of the EGBAD authors' code, and the survey's figures fit it.

    Parameters
    ----------
    seed : int
        Of the choice of validation rows only; the halves are fixed.
    log1p : bool
        Take log(1 + x) of :data:`KDD_HEAVY_TAILED` before scaling (a named variant, not the survey's).
    deduplicate : bool
        Use every distinct row once (the first of its copies), and thin the anomalies of the test half to 20 %.
    development : bool
        A split made from the *training half alone*, for choosing anything that has to be chosen: four fifths of its
        attacks train, the rest and its ordinary rows are tested.  The test half is not touched.
    raw : bool
        Leave the columns as they are, up to 7e8, which is what the authors' code trains on: it throws its scaled ones away.

    Raises
    ------
    ValueError
        If ``raw`` and ``log1p`` are both wanted.
    """
    if raw and log1p:
        raise ValueError("raw columns have no log1p: choose one of the two")
    rows = _kdd_rows(data, deduplicate)
    half = _seed_42_half(len(rows))
    known, unseen = rows[half], rows[~half]
    attacks = np.random.default_rng(seed).permutation(known[data.y[known] == 0])
    if development:
        rng = np.random.default_rng(42)
        attacks = rng.permutation(np.sort(attacks))
        cut = len(attacks) * 4 // 5
        ordinary = known[data.y[known] == 1]
        attacks, unseen = attacks[:cut], np.sort(np.concatenate([attacks[cut:], ordinary]))
    if deduplicate or development:
        unseen = _thin(unseen, data.y, prevalence=0.2)
    train, val = _hold_out(attacks)
    if log1p:
        data = _log1p(data)
    return _scaled(data, train, val, unseen, data.y[unseen], "normal", raw)


def _kdd_rows(data: Dataset, deduplicate: bool) -> np.ndarray:
    if not deduplicate:
        return np.arange(len(data.x))
    view = np.ascontiguousarray(data.x).view(np.dtype((np.void, data.x.shape[1] * data.x.itemsize))).ravel()
    return np.sort(np.unique(view, return_index=True)[1])


def _seed_42_half(rows: int) -> np.ndarray:
    """The rows that ``pandas.DataFrame.sample(frac=.5, random_state=42)`` draws, as EGBAD's code does."""
    half = np.zeros(rows, bool)
    half[np.random.RandomState(42).choice(rows, round(rows / 2), replace=False)] = True
    return half


def _thin(rows: np.ndarray, labels: np.ndarray, prevalence: float) -> np.ndarray:
    """Drop anomalies at random until they are at most this fraction."""
    normal, anomalous = rows[labels[rows] == 0], rows[labels[rows] == 1]
    most = round(len(normal) * prevalence / (1 - prevalence))
    kept = np.random.default_rng(42).permutation(anomalous)[:most]
    return np.sort(np.concatenate([normal, kept]))


def _hold_out(rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    cut = len(rows) // 10
    return rows[cut:], rows[:cut]


def _log1p(data: Dataset) -> Dataset:
    x = data.x.copy()
    columns = [data.feature_names.index(name) for name in KDD_HEAVY_TAILED]
    x[:, columns] = np.log1p(x[:, columns])
    return Dataset(data.name, x, data.y, data.class_names, data.feature_names)


def _scaled(
    data: Dataset,
    train: np.ndarray,
    val: np.ndarray,
    test: np.ndarray,
    labels: np.ndarray,
    anomaly: str,
    raw: bool = False,
) -> Split:
    if raw:
        parts = [data.x[rows].astype(np.float32) for rows in (train, val, test)]
    elif data.x.dtype == np.uint8:
        parts = [data.x[rows].astype(np.float32) / 127.5 - 1 for rows in (train, val, test)]
    else:
        from sklearn.preprocessing import MinMaxScaler

        scaler = MinMaxScaler().fit(data.x[train])
        parts = [scaler.transform(data.x[rows]).astype(np.float32) for rows in (train, val, test)]
    x_train, x_val, x_test = parts
    return Split(x_train, x_val, x_test, labels.astype(int), train, val, test, data.name, anomaly, data.feature_names)
