"""Training curves of the KDD table: what is stored, what is missing, and one made of made-up rows."""

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from small_book import ROOT

from ganad.datasets import Split
from ganad_book.sweep import curves, kdd, results


def rows(variant: str = "stable", seed: int = 0, values: tuple[float, ...] = (0.1, 0.2)) -> list[dict]:
    """A curve as :func:`ganad_book.sweep.curves.watch` gives it."""
    chosen = kdd.VARIANTS[variant]
    parameters = results.as_json(chosen.parameters | chosen.split)
    given = {
        "dataset": "kddcup99",
        "detector": "egbad",
        "variant": variant,
        "seed": seed,
        "revision": "1.1",
        "parameters": parameters,
    }
    return [given | {"epoch": epoch, "auprc": value / 2, "f1": value} for epoch, value in enumerate(values, 1)]


def made_up_split(count: int = 200) -> Split:
    """Two blobs; the anomalies are a fifth of the test set."""
    rng = np.random.default_rng(0)
    normal, odd = rng.uniform(0, 0.4, (2 * count, 6)), rng.uniform(0.6, 1, (count // 4, 6))
    test = np.concatenate([normal[count:], odd]).astype("float32")
    labels = np.repeat([0, 1], [count, count // 4])
    places = np.arange(len(test))
    train = normal[:count].astype("float32")
    return Split(train, train[:20], test, labels, places[:count], places[:20], places, "kddcup99", "normal")


def test_no_file_is_an_empty_table(tmp_path: Path) -> None:
    table = curves.read(tmp_path / "none.csv")
    assert table.empty and list(table) == list(curves.COLUMNS)
    assert curves.read_false_alarms(tmp_path / "none.csv").empty
    assert curves.by_variant(table) == {name: [] for name in curves.VARIANTS}


def test_a_table_of_something_else_is_refused(tmp_path: Path) -> None:
    (tmp_path / "curves.csv").write_text("seed,epoch\n0,1\n")
    with pytest.raises(results.ResultsError, match="no table of training curves: it has no column dataset"):
        curves.read(tmp_path / "curves.csv")


def test_rows_are_kept_sorted_and_replaced(tmp_path: Path) -> None:
    path = tmp_path / "results" / "curves.csv"
    curves.record(rows(seed=1), path)
    curves.record(rows(seed=0), path)
    curves.record(rows(seed=1, values=(0.3, 0.4)), path)
    table = curves.read(path)
    assert table["seed"].tolist() == [0, 0, 1, 1] and table["f1"].tolist() == [0.1, 0.2, 0.3, 0.4]
    assert [file.name for file in path.parent.iterdir()] == ["curves.csv"]
    assert curves.by_variant(table, ("stable",)) == {"stable": [{1: 0.1, 2: 0.2}, {1: 0.3, 2: 0.4}]}
    assert curves.by_variant(table, ("stable",), "auprc")["stable"][0] == {1: 0.05, 2: 0.1}


def test_a_curve_that_ends_early_or_was_made_otherwise_is_missing() -> None:
    whole = tuple(np.linspace(0.1, 0.9, kdd.STABLE["epochs"]))
    table = pd.DataFrame(rows(values=whole) + rows(seed=1, values=whole[:-1]) + rows(seed=2, values=whole))
    assert list(curves.missing(table, ("stable",), 3)) == [("stable", 1)]
    other = table.assign(parameters="{}")
    assert list(curves.missing(other, ("stable",), 2)) == [("stable", 0), ("stable", 1)]


def test_a_curve_is_whole_without_the_epochs_between_two_looks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(curves.VARIANTS, "stable", 4)
    last = kdd.STABLE["epochs"]
    assert last == 10
    looked = [row for row in rows(values=tuple([0.5] * last)) if row["epoch"] in (4, 8, 10)]
    assert list(curves.missing(pd.DataFrame(looked), ("stable",), 1)) == []
    assert list(curves.missing(pd.DataFrame(looked[:-1]), ("stable",), 1)) == [("stable", 0)]


def test_false_alarms_are_counted_by_kind(tmp_path: Path) -> None:
    labels = np.array([0, 0, 0, 0, 0, 0, 0, 1, 1, 1])
    scores = np.array([9, 1, 1, 1, 1, 1, 1, 1, 1, 8.0])
    kinds = np.array(["back", "back", *["smurf"] * 5, *["normal"] * 3])
    found = curves.false_alarms("stable", 2, scores, labels, kinds)
    assert found == [{"variant": "stable", "seed": 2, "kind": "back", "false_alarms": 1, "rows": 2}]
    path = tmp_path / "alarms.csv"
    curves.record_false_alarms(found, path)
    curves.record_false_alarms([found[0] | {"seed": 1}], path)
    curves.record_false_alarms([found[0] | {"kind": "land"}], path)
    table = curves.read_false_alarms(path)
    assert table[["seed", "kind"]].to_numpy().tolist() == [[1, "back"], [2, "land"]]


def test_a_training_run_is_watched_after_every_epoch(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    split = made_up_split()
    short = kdd.STABLE | {"epochs": 2, "batch_size": 100}
    monkeypatch.setitem(kdd.VARIANTS, "stable", kdd.Variant("egbad", short, {"log1p": True}))
    monkeypatch.setattr(curves, "prepare", lambda data, anomaly, options: split)
    monkeypatch.setattr(curves, "kinds_of_rows", lambda: np.where(split.y_test, "normal", "smurf"))
    path = tmp_path / "kdd_curves.csv"
    table = curves.complete(SimpleNamespace(), ("stable",), 1, path, verbose=False)
    assert table["epoch"].tolist() == [1, 2]
    assert table["f1"].between(0, 1).all() and table["auprc"].between(0, 1).all()
    alarms = curves.read_false_alarms(tmp_path / "kdd_false_alarms.csv")
    assert set(alarms["kind"]) <= {"smurf"}
    watched = results.read(tmp_path / "survey.csv")
    assert watched["f1"].round(4).tolist() == table["f1"].round(4).tolist()[-1:]  # the run is the grid's as well
    assert results.finished(watched, short | {"log1p": True}, dataset="kddcup99", variant="stable", seed=0)
    before = path.read_text()
    assert curves.complete(SimpleNamespace(), ("stable",), 1, path, verbose=False).equals(table)
    assert path.read_text() == before


def test_files_lie_beside_the_results(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("GANAD_RESULTS", str(tmp_path / "survey.csv"))
    assert curves.curves_file() == tmp_path / "kdd_curves.csv"
    assert curves.false_alarms_file() == tmp_path / "kdd_false_alarms.csv"


def test_the_books_own_curves_are_whole() -> None:
    folder = ROOT / "results"
    table = curves.read(folder / "kdd_curves.csv")
    assert list(curves.missing(table)) == []
    alarms = curves.read_false_alarms(folder / "kdd_false_alarms.csv")
    assert set(alarms[alarms["variant"] == "stable"]["seed"]) == set(range(curves.SEEDS))
    assert (alarms["false_alarms"] <= alarms["rows"]).all()


def test_curves_of_an_older_revision_are_missing(monkeypatch):
    monkeypatch.delenv("GANAD_RESULTS", raising=False)
    table = curves.read()
    assert list(curves.missing(table)) == []
    (name, *_) = curves.VARIANTS
    older = table.assign(revision=table["revision"].where(table["variant"] != name, "0.1"))
    assert list(curves.missing(older)) == [(name, seed) for seed in range(curves.SEEDS)]
