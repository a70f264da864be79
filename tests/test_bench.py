"""The benchmark: that its cases do what they are called, and that its tables say who is faster."""

import importlib.util
import io

import numpy as np
import pytest

from ganad import bench
from ganad.bench import searching, training


@pytest.mark.parametrize("part", [training, searching])
def test_every_case_has_a_peer_of_ours(part):
    for name in part.CASES:
        assert part.peer_of(name) in part.CASES
        assert part.CASES[part.peer_of(name)].backend == "tensorflow"


def test_the_table_divides_ours_by_theirs():
    from rich.console import Console

    rates = {name: [2.0, 2.0] for name in searching.CASES} | {"KDD search": [100.0, 300.0]}
    skipped = {"28x28 search, PyTorch one by one": "No module named 'torch'"}
    console = Console(width=140, record=True, file=io.StringIO())
    console.print(bench._table(searching, rates, skipped))
    lines = {line.split("│")[1].strip(): line for line in console.export_text().splitlines() if line.startswith("│")}
    assert "100.00 x" in lines["KDD search, PyOD's query"]
    assert "No module named 'torch'" in lines["28x28 search, PyTorch one by one"]


def test_searches_score_every_sample(monkeypatch):
    monkeypatch.setattr(searching, "STEPS", 2)
    x = np.random.default_rng(0).uniform(-1, 1, (3, 28, 28, 1)).astype(np.float32)
    found = searching._ours(x)(x)
    assert found.loss.shape == (3,) and (found.steps == 2).all()


@pytest.mark.skipif(importlib.util.find_spec("torch") is None, reason="torch is not installed")
def test_the_hand_written_search_is_the_same_algorithm_on_the_same_sizes():
    from ganad.backends.plain_torch import anogan_search

    x = np.random.default_rng(0).uniform(-1, 1, (3, 28, 28, 1)).astype(np.float32)
    loss = np.asarray(anogan_search(100, 2)(x))
    assert loss.shape == (3,) and np.isfinite(loss).all()


def test_a_missing_package_is_named_and_a_failure_is_no_figure(monkeypatch):
    class Done:
        stdout, stderr, returncode = "", "Traceback\nModuleNotFoundError: No module named 'pyod'", 1

    monkeypatch.setattr(bench.subprocess, "run", lambda *a, **k: Done)
    with pytest.raises(ModuleNotFoundError, match="pyod"):
        bench._in_process(searching, "KDD search, PyOD's query")
    Done.stderr = "ValueError: wrong"
    with pytest.raises(RuntimeError, match="wrong"):
        bench._in_process(searching, "KDD search, PyOD's query")
