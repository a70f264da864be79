"""ganad.datasets.splits: what is trained on never meets what is tested."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from ganad.datasets import KDD_HEAVY_TAILED, Dataset, Split, kdd_split, leave_one_out, load_dataset, subsample
from ganad.metrics import detection, flag_top
from ganad_book.results import kdd_table

PARTS = ("x_train", "x_val", "x_test", "y_test", "train_rows", "val_rows", "test_rows")
EMBEDDED = [("digits", 0), ("digits", 9), ("breast_cancer", 0), ("breast_cancer", 1)]
REAL = [("mnist", 3), ("fashion_mnist", 8), ("cifar10", 5)]
SEEDS = [0, 1, 7]


def real_data(*cases: tuple) -> list:
    return [pytest.param(*case, marks=pytest.mark.realdata) for case in cases]


@pytest.fixture
def data(request, real) -> Dataset:
    """A data set by name, embedded or at hand; of the large ones a few pixels of every image, to be quick."""
    if request.param in ("digits", "breast_cancer"):
        return load_dataset(request.param)
    whole = real(request.param)
    return replace(whole, x=whole.x[:, 10:20:5, 10:20:5])


def check_apart(split: Split, data: Dataset, anomaly_class: int) -> None:
    """No row twice, none in two parts, no anomaly outside the test set, and the samples are those of the rows."""
    rows = np.concatenate([split.train_rows, split.val_rows, split.test_rows])
    assert len(np.unique(rows)) == len(rows)
    assert not (data.y[np.concatenate([split.train_rows, split.val_rows])] == anomaly_class).any()
    np.testing.assert_array_equal(split.y_test, data.y[split.test_rows] == anomaly_class)
    for part in ("train", "val", "test"):
        assert len(getattr(split, f"x_{part}")) == len(getattr(split, f"{part}_rows")) > 0
        assert getattr(split, f"x_{part}").dtype == np.float32


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("data, anomaly_class", EMBEDDED + real_data(*REAL), indirect=["data"])
def test_the_parts_are_apart_and_of_the_surveys_sizes(data, anomaly_class, seed):
    split = leave_one_out(data, anomaly_class, seed)
    check_apart(split, data, anomaly_class)
    normals, anomalies = int((data.y != anomaly_class).sum()), int((data.y == anomaly_class).sum())
    known = len(split.train_rows) + len(split.val_rows)
    assert known == int(0.8 * normals)
    assert len(split.val_rows) == known // 10
    assert len(split.test_rows) == normals - known + anomalies
    assert split.y_test.sum() == anomalies  # all of them
    assert split.prevalence == pytest.approx(anomalies / len(split.test_rows))
    assert (split.name, split.anomaly) == (data.name, data.class_names[anomaly_class])


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("data, anomaly_class", EMBEDDED + real_data(*REAL), indirect=["data"])
def test_samples_are_those_of_their_rows_scaled_by_the_training_rows(data, anomaly_class, seed):
    split = leave_one_out(data, anomaly_class, seed)
    for part in ("train", "val", "test"):
        raw = data.x[getattr(split, f"{part}_rows")].astype(np.float64)
        if data.x.dtype == np.uint8:
            expected = raw / 127.5 - 1
        else:
            training = data.x[split.train_rows].astype(np.float64)
            expected = (raw - training.min(0)) / (training.max(0) - training.min(0))
        np.testing.assert_allclose(getattr(split, f"x_{part}"), expected, atol=1e-5)


@pytest.mark.parametrize("seed", SEEDS)
def test_a_table_is_scaled_by_its_training_rows_alone(seed):
    data = load_dataset("breast_cancer")
    split = leave_one_out(data, 0, seed)
    np.testing.assert_allclose(split.x_train.min(0), 0, atol=1e-6)
    np.testing.assert_allclose(split.x_train.max(0), 1, atol=1e-6)
    assert split.x_test.max() > 1.01  # malignant cells are larger than any benign one: not clipped, not refitted
    assert not np.allclose(split.x_val.max(0), 1, atol=1e-3)


def test_images_are_scaled_to_minus_one_and_one():
    split = leave_one_out(load_dataset("digits"), 0)
    for part in (split.x_train, split.x_val, split.x_test):
        assert (part.min(), part.max(), part.shape[1:]) == (-1, 1, (8, 8, 1))


def test_the_test_set_is_shuffled():
    split = leave_one_out(load_dataset("digits"), 0)
    half = len(split.y_test) // 2
    assert 0.3 < split.y_test[:half].mean() / split.y_test.mean() < 1.7


@pytest.mark.parametrize("name", ["digits", "breast_cancer"])
def test_a_seed_settles_the_split_and_another_changes_it(name):
    data = load_dataset(name)
    first, again, other = (leave_one_out(data, 1, seed) for seed in (3, 3, 4))
    for part in PARTS:
        np.testing.assert_array_equal(getattr(first, part), getattr(again, part))
    for rows in ("train_rows", "val_rows", "test_rows"):
        assert set(getattr(first, rows)) != set(getattr(other, rows))


@pytest.mark.parametrize("anomaly_class", [True, False, "3", 3.0, None, np.bool_(True), [3]])
def test_a_class_is_a_whole_number(anomaly_class, refused):
    with refused(ValueError, "anomaly_class", "0 to 9", repr(anomaly_class)):
        leave_one_out(load_dataset("digits"), anomaly_class)


@pytest.mark.parametrize("name, anomaly_class", [("digits", -1), ("digits", 10), ("breast_cancer", 2)])
def test_a_class_that_is_not_there(name, anomaly_class, refused):
    with refused(ValueError, name, str(anomaly_class)):
        leave_one_out(load_dataset(name), anomaly_class)


def test_a_numpy_integer_is_a_class():
    data = load_dataset("digits")
    np.testing.assert_array_equal(leave_one_out(data, np.int64(3)).test_rows, leave_one_out(data, 3).test_rows)


@pytest.mark.realdata
@pytest.mark.parametrize(
    "data, anomaly_class, prevalence",
    [("mnist", 5, 0.331), ("mnist", 1, 0.388), ("mnist", 0, 0.354), ("fashion_mnist", 4, 0.357), ("cifar10", 0, 0.357)],
    indirect=["data"],
)
def test_the_surveys_prevalences(data, anomaly_class, prevalence):
    assert leave_one_out(data, anomaly_class).prevalence == pytest.approx(prevalence, abs=5e-4)


# ---- KDD Cup 1999


@pytest.fixture
def small(kdd_rows) -> Dataset:
    """The made-up rows as a data set: 400 rows, 100 anomalies, 100 of the attacks copies of others."""
    table = kdd_rows.copy()
    labels = (table.pop("label") == "normal.").to_numpy().astype(int)
    table = pd.get_dummies(table, columns=["protocol_type", "service", "flag"], dtype=np.float32)
    return Dataset("kddcup99", table.to_numpy(np.float32), labels, ("attack", "normal"), tuple(table.columns))


def training_half(rows: int) -> np.ndarray:
    """As the EGBAD authors' code draws it."""
    return pd.DataFrame({"x": np.zeros(rows)}).sample(frac=0.5, random_state=42).index.to_numpy()


@pytest.mark.parametrize("seed", SEEDS)
def test_the_kdd_halves_are_pandas_seed_42(small, seed):
    split = kdd_split(small, seed=seed)
    half = training_half(400)
    attacks = half[small.y[half] == 0]
    check_apart(split, small, 1)
    assert set(split.train_rows) | set(split.val_rows) == set(attacks)
    assert len(split.val_rows) == len(attacks) // 10
    assert set(split.test_rows) == set(range(400)) - set(half)
    assert split.anomaly == "normal"


def test_the_kdd_seed_chooses_the_validation_rows_alone(small):
    first, again, other = (kdd_split(small, seed=seed) for seed in (0, 0, 1))
    for part in PARTS:
        np.testing.assert_array_equal(getattr(first, part), getattr(again, part))
    assert set(first.val_rows) != set(other.val_rows)
    np.testing.assert_array_equal(first.test_rows, other.test_rows)


@pytest.mark.parametrize("variant", [{}, {"deduplicate": True}, {"development": True}])
def test_kdd_is_scaled_by_its_training_rows_alone(small, variant):
    split = kdd_split(small, **variant)
    low, high = small.x[split.train_rows].min(0), small.x[split.train_rows].max(0)
    width = np.where(high > low, high - low, 1)
    np.testing.assert_allclose(split.x_train, (small.x[split.train_rows] - low) / width, atol=1e-5)
    np.testing.assert_allclose(split.x_test, (small.x[split.test_rows] - low) / width, atol=1e-5)
    assert split.x_train.min() >= -1e-6 and split.x_train.max() <= 1 + 1e-6
    assert split.x_test.max() > 1 + 1e-3 or split.x_test.min() < -1e-3


@pytest.mark.parametrize("log1p", [False, True])
@pytest.mark.parametrize("deduplicate", [False, True])
def test_the_development_split_never_touches_the_test_half(small, log1p, deduplicate):
    options = dict(log1p=log1p, deduplicate=deduplicate)
    test = set(kdd_split(small, **options).test_rows)
    split = kdd_split(small, development=True, **options)
    check_apart(split, small, 1)
    rows = {*split.train_rows, *split.val_rows, *split.test_rows}
    assert not rows & test
    if not deduplicate:
        assert rows <= set(training_half(400))
    assert 0 < split.prevalence < 0.21


def test_log1p_tames_the_heavy_tails_alone(small):
    plain, tamed = kdd_split(small), kdd_split(small, log1p=True)
    np.testing.assert_array_equal(plain.train_rows, tamed.train_rows)
    for i, name in enumerate(small.feature_names):
        column = small.x[:, i].astype(np.float64)
        if name in KDD_HEAVY_TAILED:
            assert not np.allclose(plain.x_train[:, i], tamed.x_train[:, i])
            column = np.log1p(column)
        low, high = column[tamed.train_rows].min(), column[tamed.train_rows].max()
        expected = (column[tamed.test_rows] - low) / (high - low if high > low else 1)
        np.testing.assert_allclose(tamed.x_test[:, i], expected, atol=1e-5, err_msg=name)
    assert set(KDD_HEAVY_TAILED) <= set(small.feature_names)


def test_raw_columns_are_the_file_s(small):
    """What the authors' code trains on."""
    scaled, raw = kdd_split(small), kdd_split(small, raw=True)
    for part in ("train", "val", "test"):
        rows = getattr(raw, f"{part}_rows")
        np.testing.assert_array_equal(rows, getattr(scaled, f"{part}_rows"))
        np.testing.assert_array_equal(getattr(raw, f"x_{part}"), small.x[rows])
    with pytest.raises(ValueError, match="no log1p"):
        kdd_split(small, raw=True, log1p=True)


def test_deduplicated_rows_are_distinct_and_first(small):
    split = kdd_split(small, deduplicate=True)
    rows = np.sort(np.concatenate([split.train_rows, split.val_rows, split.test_rows]))
    first = pd.DataFrame(small.x).drop_duplicates().index
    assert len(first) == 300
    assert set(rows) <= set(first)
    assert {row for row in first if small.y[row] == 0} == {row for row in rows if small.y[row] == 0}
    assert split.prevalence == pytest.approx(0.2, abs=0.01)
    check_apart(split, small, 1)


@pytest.fixture(scope="module")
def survey(real) -> Split:
    """The survey's split of the real file."""
    return kdd_split(real("kddcup99"))


@pytest.mark.realdata
def test_the_kdd_chapter_counts_steps_of_the_real_rows(real, survey):
    assert len(survey.x_train) == kdd_table.ROWS["kddcup99"] and survey.x_train.shape[1] == kdd_table.COLUMNS
    unique = kdd_split(real("kddcup99"), deduplicate=True)
    assert len(unique.x_train) == kdd_table.ROWS["kddcup99-unique"]


@pytest.mark.realdata
def test_the_real_kdd_split_is_the_surveys(real, survey):
    check_apart(survey, real("kddcup99"), 1)
    assert (len(survey.test_rows), int(survey.y_test.sum())) == (247_011, 48_629)
    assert len(survey.train_rows) + len(survey.val_rows) == 198_361
    assert survey.x_train.shape[1] == 121
    assert set(training_half(494_021)).isdisjoint(survey.test_rows)


@pytest.mark.realdata
def test_recall_is_1_0159_precisions_on_the_real_split(survey):
    scores = np.random.default_rng(0).permutation(len(survey.y_test)) + 1e6 * survey.y_test * (survey.test_rows % 2)
    found = detection(survey.y_test, flag_top(scores))
    assert found.flagged == 49_403
    assert 0.4 < found.precision < 1
    assert found.recall / found.precision == pytest.approx(0.956155 / 0.941174, abs=1e-5)


@pytest.mark.realdata
def test_the_real_kdd_split_is_scaled_by_its_training_rows(real, survey):
    training = real("kddcup99").x[survey.train_rows]
    varies = training.max(0) > training.min(0)
    np.testing.assert_allclose(survey.x_train.min(0), 0, atol=1e-6)
    np.testing.assert_allclose(survey.x_train.max(0)[varies], 1, atol=1e-6)
    assert survey.x_test.max() > 1 + 1e-3


@pytest.mark.realdata
@pytest.mark.parametrize("seed", [0, 1])
def test_the_real_development_split_never_touches_the_test_half(seed, real, survey):
    split = kdd_split(real("kddcup99"), seed=seed, development=True)
    check_apart(split, real("kddcup99"), 1)
    rows = np.concatenate([split.train_rows, split.val_rows, split.test_rows])
    assert not np.isin(rows, survey.test_rows).any()
    assert split.prevalence == pytest.approx(0.2, abs=1e-3)


@pytest.mark.realdata
def test_the_real_kdd_without_copies(real):
    data = real("kddcup99")
    split = kdd_split(data, deduplicate=True)
    check_apart(split, data, 1)
    assert split.prevalence == pytest.approx(0.2, abs=1e-3)
    attacks = np.concatenate([split.train_rows, split.val_rows, split.test_rows[split.y_test == 0]])
    assert len(attacks) == pytest.approx(57_753, abs=1)  # one row is both an attack and ordinary


@pytest.mark.parametrize("anomaly", range(10))
@pytest.mark.parametrize("test", [2, 50, 99])
def test_a_subsample_keeps_the_prevalence(anomaly, test):
    split = leave_one_out(load_dataset("digits"), anomaly)
    few = subsample(split, train=100, val=10_000, test=test, seed=anomaly)
    assert [len(few.x_train), len(few.x_val), len(few.x_test)] == [100, len(split.x_val), test]
    assert abs(few.y_test.sum() - test * split.prevalence) <= 0.5
    assert set(few.y_test) == {0, 1}
    for part in ("train", "val", "test"):
        where = {row: place for place, row in enumerate(getattr(split, f"{part}_rows"))}
        places = [where[row] for row in getattr(few, f"{part}_rows")]
        assert places == sorted(set(places))
        np.testing.assert_array_equal(getattr(few, f"x_{part}"), getattr(split, f"x_{part}")[places])
        if part == "test":
            np.testing.assert_array_equal(few.y_test, split.y_test[places])


def test_a_subsample_is_settled_by_its_seed_and_a_large_one_is_the_split():
    split = leave_one_out(load_dataset("digits"), 3)
    rows = [subsample(split, train=100, val=5, test=50, seed=seed).test_rows for seed in (1, 1, 2)]
    np.testing.assert_array_equal(rows[0], rows[1])
    assert set(rows[0]) != set(rows[2])
    whole = subsample(split, train=10_000, val=10_000, test=10_000)
    for part in ("train", "val", "test"):
        np.testing.assert_array_equal(getattr(whole, f"{part}_rows"), getattr(split, f"{part}_rows"))


def test_a_subsample_of_one_kind_stays_of_one_kind():
    split = leave_one_out(load_dataset("digits"), 3)
    normal = subsample(split, train=5, val=5, test=10_000)
    normal = replace(normal, x_test=normal.x_test[normal.y_test == 0], y_test=np.zeros((normal.y_test == 0).sum(), int))
    normal = replace(normal, test_rows=np.arange(len(normal.y_test)))
    assert subsample(normal, train=5, val=5, test=10).y_test.tolist() == [0] * 10
