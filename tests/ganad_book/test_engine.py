"""Runs done in this process: what is missing, kept one by one."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from ganad_book.sweep import defective, defects, engine, grid, jobs, results
from ganad_book.sweep.store import Store


@pytest.fixture(autouse=True)
def file(tmp_path, monkeypatch):
    """A results file that does not exist yet."""
    monkeypatch.setenv("GANAD_RESULTS", str(tmp_path / "survey.csv"))


def runs(detector: str = "median_distance", seeds: int = 2, classes: int = 2, **parameters) -> list[grid.Run]:
    return [
        grid.Run("digits", "digits", detector, "mine", str(index), index, seed, parameters, {"test": 50})
        for seed in range(seeds)
        for index in range(classes)
    ]


def interrupted(monkeypatch: pytest.MonkeyPatch, after: int) -> Callable:
    """Let so many runs pass and pull the plug in the next; returns what puts it back."""
    real = engine.perform_many

    def pulled(*arguments, **options):
        for done, each in enumerate(real(*arguments, **options)):
            if done == after:
                raise KeyboardInterrupt
            yield each

    monkeypatch.setattr(engine, "perform_many", pulled)
    return lambda: monkeypatch.setattr(engine, "perform_many", real)


def test_what_is_interrupted_goes_on_where_it_stopped(monkeypatch, capsys):
    every = runs()
    put_back = interrupted(monkeypatch, 3)
    with pytest.raises(KeyboardInterrupt):
        engine.complete(every)
    assert len(results.read()) == 3
    put_back()
    capsys.readouterr()
    table = engine.complete(every)
    assert len(table) == 4 and grid.missing(every, table) == []
    assert len(capsys.readouterr().out.splitlines()) == 1  # the one that was missing
    assert engine.complete(every).equals(results.read())
    assert capsys.readouterr().out == ""


def test_other_parameters_are_another_run():
    engine.complete(runs("pca_residual", components=3), verbose=False)
    other = runs("pca_residual", components=4)
    assert len(grid.missing(other, results.read())) == 4
    table = engine.complete(other, verbose=False)
    assert len(table) == 4 and set(table["parameters"]) == {'{"components": 4, "test": 50}'}


def test_a_run_that_fails_says_why_and_costs_no_other():
    good, bad = (
        runs(),
        [replace(run, variant="bad", parameters={"components": -1}, detector="pca_residual") for run in runs()],
    )
    with pytest.raises(ValueError, match="components"):
        engine.complete([*good, *bad], verbose=False)
    assert len(results.read()) == len(good)


@pytest.fixture
def group(monkeypatch) -> list[int]:
    """An experiment of two variants; returns the seeds that were trained."""
    asked: list[int] = []
    made = {"control: mine": {"epochs": 1}, "mine": {"epochs": 1, "anomaly_score": "cross_entropy"}}
    mine = defects.Group("digits", "egbad", 1, made, seeds=2)

    def rows(seed, data, anomaly, made):
        asked.append(seed)
        for variant, parameters in made.items():
            yield dict.fromkeys(results.COLUMNS, 0.5) | {
                "dataset": "digits", "detector": "egbad", "variant": variant, "anomaly_class": "1", "seed": seed,
                "parameters": results.as_json(parameters), "revision": "1.1",
            }  # fmt: skip

    monkeypatch.setattr(defects, "GROUPS", {"mine": mine})
    monkeypatch.setattr(defective, "GROUPS", defects.GROUPS)
    monkeypatch.setitem(defective._ROWS, "mine", rows)
    return asked


def test_defects_are_runs_like_any_other(group, monkeypatch):
    every = list(grid.defect_runs())
    assert [run.seed for run in every] == [0, 0, 1, 1] and set(every) <= set(grid.runs("cpu"))
    assert not set(every) & set(grid.runs("full"))
    put_back = interrupted(monkeypatch, 1)
    with pytest.raises(KeyboardInterrupt):
        engine.complete(every, verbose=False)
    put_back()
    table = engine.complete(every, verbose=False)
    assert group == [0, 0, 1] and grid.missing(every, table) == []
    engine.complete(every, verbose=False)
    assert group == [0, 0, 1]


def test_a_group_that_fails_fails_for_what_it_has_not_given(group, monkeypatch):
    def rows(seed, data, anomaly, made):
        yield from [row for row in defective._ROWS["mine"](seed, data, anomaly, made) if row["variant"] != "mine"]
        raise RuntimeError("it diverged")

    monkeypatch.setattr(defective, "rows", lambda name, seed, data: rows(seed, data, 1, defects.GROUPS[name].made))
    with pytest.raises(RuntimeError, match="it diverged"):
        engine.complete(grid.defect_runs(), verbose=False)
    assert results.read()["variant"].tolist() == ["control: mine"]


@pytest.mark.parametrize("most", [1, 10])
def test_a_sweep_gives_a_group_s_seed_to_one_process(group, most, tmp_path):
    parts = grid.batches(grid.defect_runs(), most)
    assert [[run.seed for run in part] for part in parts] == [[0, 0], [1, 1]]
    for part in (parts[0], parts[0][:1]):  # what is left of a seed, too
        task = jobs.job(part, Store(tmp_path), {})
        assert task.name == "many-runs" and {run["group"] for run in task.values["runs"]} == {"mine"}
