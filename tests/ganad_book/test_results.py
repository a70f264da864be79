"""The results table, and the runs of the KDD chapter."""

import math
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from small_book import ROOT

from ganad import metrics
from ganad.datasets import Dataset, class_names, leave_one_out, load_dataset
from ganad_book.results import display, figures, kdd_table, report, reported
from ganad_book.sweep import grid, images, kdd, results, revisions
from ganad_book.sweep.runner import prepare, run

COMMITTED = ROOT / "results" / "survey.csv"


@pytest.fixture(scope="module")
def row() -> dict:
    """A finished run of a detector that takes no time."""
    split = leave_one_out(load_dataset("breast_cancer"), 0)
    return run("pca_residual", split, seed=3, variant="PCA residual", components=5)


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A results file that does not exist yet."""
    path = tmp_path / "results" / "survey.csv"
    monkeypatch.setenv("GANAD_RESULTS", str(path))
    return path


def test_a_run_is_a_row(row: dict) -> None:
    assert set(row) == set(results.COLUMNS)
    assert (row["dataset"], row["detector"], row["anomaly_class"], row["seed"]) == (
        "breast_cancer", "pca_residual", "malignant", 3,
    )  # fmt: skip
    assert row["recall"] / row["precision"] == pytest.approx(57 / 212, rel=1e-6)  # the top fifth of 284, 212 anomalies
    assert row["parameters"] == '{"components": 5}'
    assert row["train_seconds"] > 0 and row["backend"] == "scikit-learn"


def test_a_row_is_what_the_detector_says(row: dict) -> None:
    from ganad.detectors import PCAResidual

    split = leave_one_out(load_dataset("breast_cancer"), 0)
    model = PCAResidual(components=5, seed=3).fit(split.x_train)
    scores = model.decision_function(split.x_test)
    assert row["auprc"] == metrics.auprc(split.y_test, scores)
    flags = scores > np.quantile(model.decision_function(split.x_val), 0.99)
    assert row["val_f1"] == metrics.detection(split.y_test, flags).f1


def test_rows_are_kept_sorted_and_replaced(row: dict, file: Path) -> None:
    results.record([row | {"seed": 2}, row | {"seed": 0}])
    results.record([row | {"seed": 2, "f1": 0.5}])
    table = results.read()
    assert table.seed.tolist() == [0, 2]
    assert table.f1.tolist()[1] == 0.5
    assert [path.name for path in file.parent.iterdir()] == ["survey.csv"]


def test_rows_recorded_at_the_same_time_are_all_kept(row: dict, file: Path) -> None:
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda seed: results.record([row | {"seed": seed}]), range(24)))
    assert results.read().seed.tolist() == list(range(24))


def test_results_of_other_machines_are_merged(row: dict, file: Path, refused: Callable) -> None:
    results.record([row | {"seed": 0, "f1": 0.1}, row | {"seed": 1}])
    others = [file.with_name(f"{name}.csv") for name in ("one", "two")]
    for seed, other in enumerate(others):
        results.record([row | {"seed": 2 * seed, "f1": 0.5}], other)
    before = file.read_bytes()
    table = results.merge(others)
    assert table.seed.tolist() == [0, 1, 2] and table.f1.tolist()[0] == 0.1  # what is here stays
    file.write_bytes(before)
    good = {0.5, row["f1"]}
    table = results.merge(
        others, valid=lambda table: [key for key, f1 in zip(results.keys(table), table.f1, strict=True) if f1 in good]
    )
    assert table.seed.tolist() == [0, 1, 2] and table.f1.tolist()[0] == 0.5  # but for a row that is not valid
    others[1].write_text("not,a,table\n")
    before = file.read_bytes()
    with refused(results.ResultsError, "two.csv is no results table"):
        results.merge(others)
    with refused(FileNotFoundError, "three.csv"):
        results.merge([others[0], file.with_name("three.csv")])
    assert file.read_bytes() == before


def test_nothing_is_lost_when_a_row_cannot_be_written(row: dict, file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    results.record([row])
    before = file.read_bytes()

    def full(*args: object, **options: object) -> None:
        raise OSError("No space left on device")

    monkeypatch.setattr(pd.DataFrame, "to_csv", full)
    with pytest.raises(OSError, match="No space"):
        results.record([row | {"seed": 9}])
    assert file.read_bytes() == before
    assert [path.name for path in file.parent.iterdir()] == ["survey.csv"]


@pytest.mark.parametrize(("text", "reason"), [("dataset,seed\nx,1\n", "no column detector"), ("", "no results table")])
def test_what_is_no_results_table_is_refused(file: Path, text: str, reason: str) -> None:
    file.parent.mkdir()
    file.write_text(text)
    with pytest.raises(results.ResultsError, match=reason):
        results.read()


def test_a_notebook_that_runs_elsewhere_finds_the_rows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("GANAD_RESULTS", raising=False)
    monkeypatch.chdir(tmp_path)
    assert results.results_file() == ROOT / "results" / "survey.csv"
    (tmp_path / "results").mkdir()
    (tmp_path / "results" / "survey.csv").touch()
    assert results.results_file() == tmp_path / "results" / "survey.csv"


def test_no_file_is_an_empty_table(file: Path) -> None:
    assert results.read().empty and list(results.read().columns) == list(results.COLUMNS)


def test_a_run_counts_only_with_its_very_parameters(row: dict, file: Path) -> None:
    table = results.record([row])
    key = {"dataset": "breast_cancer", "seed": 3}
    assert results.finished(table, {"components": 5}, **key)
    assert not results.finished(table, {"components": 6}, **key)
    assert not results.finished(table, {"components": 5}, dataset="breast_cancer", seed=4)


def test_intervals_come_from_the_rows(row: dict, file: Path) -> None:
    table = results.record([row | {"seed": seed, "f1": 0.9 + seed / 100} for seed in range(3)])
    found = results.over_seeds(table, "f1", variant="PCA residual")
    assert (found.count, found.mean) == (3, pytest.approx(0.91))
    with pytest.raises(ValueError, match="no finished run"):
        results.over_seeds(table, "f1", variant="nobody's")


def test_a_part_of_the_kdd_rows(made_up_kdd: Dataset) -> None:
    options = {"log1p": True, "deduplicate": True}
    whole, part = prepare(made_up_kdd, None, options), prepare(made_up_kdd, None, options | {"test": 40})
    assert len(part.x_test) == len(part.y_test) == 40 < len(whole.x_test)
    assert set(part.test_rows) < set(whole.test_rows)
    np.testing.assert_array_equal(part.x_train, whole.x_train)
    np.testing.assert_array_equal(part.x_test, whole.x_test[np.isin(whole.test_rows, part.test_rows)])


def test_the_committed_rows_keep_the_survey_s_rule_on_kdd() -> None:
    table = results.read(ROOT / "results" / "survey.csv")
    whole = ~table.parameters.str.contains('"test"')  # not those that were tested on a part of the rows
    rows = table[table.variant.isin(kdd.VARIANTS) & (table.dataset == "kddcup99") & whole & (table.precision > 0)]
    assert set(rows.detector) >= {"egbad", "ganomaly", "alad", "f_anogan", "nearest_neighbour"}
    ratio, exact = rows.recall / rows.precision, 49_403 / 48_629
    assert (ratio > exact - 1e-5).all()  # ties at the threshold flag more rows, never fewer
    assert np.allclose(ratio[rows.variant == "stable"], exact, atol=1e-5)
    assert (table.auprc >= [metrics.auprc_floor(p) for p in table.prevalence]).all()


def test_the_stable_variant_reaches_its_target() -> None:
    table = results.read(ROOT / "results" / "survey.csv")
    found = results.over_seeds(table, "f1", variant="stable", dataset="kddcup99")
    assert found.count == 10
    assert found.mean >= 0.955 and found.deviation <= 0.01
    assert found.mean > reported.SURVEY_EGBAD.f1


def test_ganomaly_s_stable_variant_reaches_its_target() -> None:
    table = results.read(ROOT / "results" / "survey.csv")
    found = results.over_seeds(table, "f1", variant="GANomaly, stable", dataset="kddcup99")
    assert found.count == 10
    assert found.mean >= 0.93 and found.low > reported.SURVEY_GANOMALY.f1


def test_published_rows_agree_with_themselves() -> None:
    for row in (reported.SURVEY_EGBAD, reported.SURVEY_GANOMALY):
        assert 2 * row.precision * row.recall / (row.precision + row.recall) == pytest.approx(row.f1, abs=2e-5)
    assert np.mean(reported.EGBAD_AUPRC["mnist"]) == pytest.approx(0.792, abs=1e-3)
    assert np.mean(reported.EGBAD_AUPRC["fashion_mnist"]) == pytest.approx(0.751, abs=1e-3)


def test_a_row_says_what_reconstruction_is_worth(row: dict) -> None:
    split = leave_one_out(load_dataset("breast_cancer"), 0)
    everything = run("pca_residual", split, seed=0, variant="all", components=30)
    assert everything["residual"] < 1e-5 < row["residual"] < row["median_residual"]
    assert row["median_residual"] == pytest.approx(np.abs(split.x_val - np.median(split.x_train, axis=0)).mean())
    assert np.isnan(run("isolation_forest", split, seed=0, variant="none")["residual"])


def test_a_file_from_before_a_column_is_read(row: dict, file: Path) -> None:
    results.record([row])
    pd.read_csv(file).drop(columns=list(results.NEWER)).to_csv(file, index=False)
    assert results.read()["residual"].isna().all() and results.read().auprc.notna().all()


def test_the_test_part_keeps_the_prevalence_and_follows_the_splits_seed() -> None:
    data = load_dataset("digits")
    few = {"train": 500, "val": 20, "test": 150}
    for anomaly in range(10):
        whole = leave_one_out(data, anomaly)
        part = prepare(data, anomaly, few)
        assert len(part.y_test) == 150 and abs(part.y_test.sum() - 150 * whole.prevalence) <= 0.5
        np.testing.assert_array_equal(part.test_rows, prepare(data, anomaly, few).test_rows)
        assert set(part.test_rows) != set(prepare(data, anomaly, few | {"seed": 1}).test_rows)


@pytest.mark.realdata
@pytest.mark.parametrize(
    ("name", "published"),
    [
        ("mnist", {"0": 0.354, "1": 0.388, "5": 0.331, "9": 0.356}),
        ("fashion_mnist", dict.fromkeys(class_names("fashion_mnist"), 0.357)),
        ("cifar10", dict.fromkeys(class_names("cifar10"), 0.357)),
    ],
)
def test_every_class_is_tested_at_the_published_prevalence(name: str, published: dict, real) -> None:
    data = real(name)
    for place, anomaly in enumerate(data.class_names):
        anomalous = int((data.y == place).sum())
        expected = anomalous / (anomalous + math.ceil((len(data.y) - anomalous) / 5))
        assert expected == pytest.approx(published.get(anomaly, expected), abs=5e-4)
        for scale, parts in (("cpu", images.SAMPLES), ("full", {})):
            assert prepare(data, place, parts).prevalence == pytest.approx(expected, abs=5e-4), (anomaly, scale)


def test_a_row_is_stale_if_its_method_or_its_protocol_has_been_revised(row: dict, monkeypatch) -> None:
    assert row["revision"] == "1.1"
    assert results.current(pd.DataFrame([row, row | {"revision": "1.2"}])).tolist() == [True, False]
    thinned = row | {"parameters": '{"components": 5, "test": 2000}', "revision": "1.2"}
    assert results.current(pd.DataFrame([thinned, thinned | {"revision": "1.1"}])).tolist() == [True, False]
    monkeypatch.setitem(revisions.METHODS, "pca_residual", ("another subspace",))
    assert results.current(pd.DataFrame([row, row | {"revision": "2.1"}])).tolist() == [False, True]


def test_another_version_of_the_package_makes_no_row_stale(monkeypatch) -> None:
    before = grid.states(grid.runs(), results.read(COMMITTED))
    monkeypatch.setattr("ganad.__version__", "9.9.9")
    assert grid.states(grid.runs(), results.read(COMMITTED)) == before


def test_a_file_from_before_revisions_is_read(tmp_path: Path) -> None:
    table = results.read(COMMITTED).drop(columns="revision").assign(version="0.1.0")
    table.to_csv(tmp_path / "old.csv", index=False)
    assert set(results.read(tmp_path / "old.csv").revision) == {"1.1"}


@pytest.mark.parametrize("seeds", [1, 3])
def test_the_report_gives_one_seed_no_half_width(row: dict, seeds: int) -> None:
    every = grid.chosen(grid.runs("cpu"), f"dataset=mnist,detector=isolation_forest,class=0,seed=0-{seeds - 1}")
    rows = [
        row
        | dict(zip(results.KEY, run.key, strict=True))
        | {"auprc": 0.5 + run.seed / 10, "parameters": run.given, "revision": run.revision}
        for run in every
    ]
    (found,) = report.summary(pd.DataFrame(rows), every).to_dict("records")
    assert found["seeds"] == len(every) == seeds
    assert math.isnan(found["half width"]) if seeds == 1 else found["half width"] > 0.1


@pytest.mark.parametrize("niceness, device", [(0, "CPU"), (19, "CPU, busy")])
def test_seconds_of_a_run_that_gave_way_to_others_are_no_costs(row, niceness, device, monkeypatch):
    monkeypatch.setattr(os, "getpriority", lambda which, who: niceness)
    made = run("pca_residual", leave_one_out(load_dataset("breast_cancer"), 0), seed=0, variant="mine", components=5)
    assert made["device"] == device and made["train_seconds"] > 0
    shown = results.with_costs(pd.DataFrame([row | {"device": "CPU"}, made]))
    assert shown["device"].tolist() == ["CPU", "CPU"]
    assert shown[["train_seconds", "score_seconds"]].isna().all(axis=1).tolist() == [False, niceness > 0]
    assert results.with_costs(results.read(Path("none.csv"))).empty


def test_the_kdd_table_has_no_seconds_of_busy_machines(row):
    given = row | {"dataset": "kddcup99", "detector": "pca_residual", "variant": "PCA residual", "parameters": "{}"}
    rows = [given | {"seed": seed, "device": f"CPU{results.BUSY}"} for seed in range(2)]
    busy = pd.DataFrame(rows)
    timed = pd.DataFrame([*rows, given | {"seed": 2, "device": "CPU", "train_seconds": 7.0, "score_seconds": 1.0}])
    assert kdd_table.figures(busy)["s"].tolist() == [display.NOTHING]
    assert kdd_table.figures(timed)["s"].tolist() == ["8"]
    assert kdd_table.cost(busy)["seconds"].isna().all() and kdd_table.cost(timed)["seconds"].tolist() == [8]
    assert kdd_table.cost(timed)["device"].tolist() == ["CPU"]
    picture = figures.cost_quality({"KDD": pd.concat([kdd_table.cost(timed), kdd_table.cost(busy)])}, "F1")
    assert len(picture.axes[0].containers) == 1  # the other has no place on an axis of seconds
