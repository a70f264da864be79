"""How many models in one program are fastest: what is measured, and what the sweep makes of it."""

import json
import subprocess
from pathlib import Path
from types import SimpleNamespace

import pytest
from rich.console import Console

from ganad_book.cli import survey
from ganad_book.sweep import fastest, grid
from ganad_book.sweep.fastest import Way

TINY = {"epochs": 1, "batch_size": 16, "latent_dim": 3, "width": 0.05}


@pytest.fixture
def quick(monkeypatch):
    """Few models, few steps."""
    monkeypatch.setattr(fastest, "COUNTS", (2, 3, 1))
    monkeypatch.setattr(fastest, "STEPS", 2)
    monkeypatch.setattr(fastest, "STEPS_ON_CPU", 2)


def test_other_numbers_are_measured_with_the_faster_convolutions(quick, monkeypatch):
    asked = []

    def timed(detector, parameters, shape, models, convolutions):
        asked.append((models, convolutions))
        return Way(models, convolutions, 100.0 * models + 50 * (convolutions == "convolutions"), 0.0)

    monkeypatch.setattr(fastest, "_timed", timed)
    list(fastest.measured("egbad", TINY, (8, 8, 1)))
    assert asked == [(2, "products"), (2, "convolutions"), (3, "convolutions"), (1, "convolutions")]
    asked.clear()
    list(fastest.measured("egbad", TINY, (6,)))  # a table has no convolutions
    assert asked == [(2, "convolutions"), (3, "convolutions"), (1, "convolutions")]


def test_when_the_time_is_up_a_second_number_of_models_is_measured_and_nothing_else(quick, monkeypatch):
    monkeypatch.setattr(fastest, "_timed", lambda *asked: Way(*asked[-2:], 1.0, 0.0))
    ways = list(fastest.measured("egbad", TINY, (8, 8, 1), seconds=0))
    assert [(way.models, way.convolutions) for way in ways] == [(2, "products"), (3, "products")]


@pytest.mark.parametrize(("enough", "epochs"), [(0.0, [1, 1]), (1e9, [1, 1, 3])])
def test_steps_that_take_long_are_not_repeated(quick, monkeypatch, enough, epochs):
    trained = []
    monkeypatch.setattr("ganad.training.many.train_together", lambda *given, epochs, **options: trained.append(epochs))
    monkeypatch.setattr(fastest, "ENOUGH", enough)
    assert fastest._timed("egbad", TINY, (6,), 1, "convolutions").samples_per_second > 0
    assert trained == epochs


def test_a_measurement_trains_so_many_models(quick):
    way = fastest._timed("egbad", TINY, (6,), 2, "convolutions")
    assert (way.models, way.convolutions) == (2, "convolutions")
    assert way.samples_per_second > 0 and way.compilation > 0
    assert "2 models at once, convolutions" in str(way)


def answered(monkeypatch, stdout="", stderr=""):
    monkeypatch.setattr(subprocess, "run", lambda *_, **__: SimpleNamespace(stdout=stdout, stderr=stderr))


def test_the_fastest_comes_first_and_what_was_measured_before_an_end_counts(monkeypatch):
    lines = [
        {"models": m, "convolutions": "products", "samples_per_second": s, "compilation": 1.0}
        for m, s in ((10, 5), (30, 9))
    ]
    answered(monkeypatch, "\n".join(map(json.dumps, lines)), "out of memory")
    assert [way.models for way in fastest.ask("egbad", TINY, "digits")] == [30, 10]


def test_nothing_measured_is_one_clear_line(monkeypatch, refused):
    answered(monkeypatch, "", "Traceback\nMemoryError: too much")
    with refused(RuntimeError, "egbad", "MemoryError: too much"):
        fastest.ask("egbad", TINY, "digits")


def test_the_sweep_takes_what_is_fastest(monkeypatch):
    todo = list(grid.chosen(grid.runs("cpu"), "dataset=mnist,detector=pca_residual,detector=egbad,variant=cpu,class=0"))
    asked = []
    monkeypatch.setattr(fastest, "ask", lambda *words: asked.append(words) or [Way(30, "products", 9.0, 1.0)])
    assert survey._together("auto", todo, Console(quiet=True)) == (30, {"GANAD_CONVOLUTIONS": "products"})
    ((detector, parameters, data),) = asked
    assert (detector, data) == ("egbad", "mnist") and parameters["width"] == 0.25
    classical = [run for run in todo if run.detector == "pca_residual"]
    assert survey._together("auto", classical, Console(quiet=True)) == (1, {})
    assert survey._together("4", todo, Console(quiet=True)) == (4, {})


def test_what_measuring_takes_counts_towards_the_deadline(monkeypatch, tmp_path):
    monkeypatch.chdir(Path(survey.__file__).parents[2])
    monkeypatch.setenv("GANAD_RESULTS", str(tmp_path / "survey.csv"))
    clock, asked = [100.0], []

    def measuring(*given):
        clock[0] += 45.0
        return 1, {}

    monkeypatch.setattr(survey.time, "monotonic", lambda: clock[0])
    monkeypatch.setattr(survey, "_together", measuring)
    monkeypatch.setattr(survey, "_sweep", lambda *given: asked.append(given[7:9]))
    only = "dataset=mnist,detector=pca_residual,class=0"
    survey.run(only, folder=tmp_path, together="auto", deadline=2.0)
    survey.run(only, folder=tmp_path, together="auto")
    assert asked == [(2.0, 75.0), (None, None)]


@pytest.mark.parametrize("word", ["0", "-1", "many", "1.5", ""])
def test_another_word_is_refused(word, refused):
    with refused(grid.GridError, "--together", "auto"):
        survey._together(word, [], Console(quiet=True))
