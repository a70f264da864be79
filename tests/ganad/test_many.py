"""Many models in one program: each learns what it would learn alone, and its end is its own."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import together_probe
from asked import for_backend

from ganad.datasets import load_dataset
from ganad.detectors import EGBAD, GANomaly, IsolationForest
from ganad.detectors.many import fit_together
from ganad.training import roofline
from ganad_book.sweep import many
from ganad_book.sweep.cost import Part
from ganad_book.sweep.many import Wanted, perform_many
from ganad_book.sweep.runner import perform

METHODS = ("egbad", "f_anogan")
JAX = for_backend("jax")
TINY = {"epochs": 1, "batch_size": 50, "latent_dim": 4, "width": 0.05}


@pytest.fixture(scope="module")
def found(tmp_path_factory) -> dict[str, np.ndarray]:
    file = tmp_path_factory.mktemp("together") / "found.npz"
    environment = {"KERAS_BACKEND": "jax", "JAX_PLATFORMS": "cpu", "XLA_FLAGS": "--xla_backend_optimization_level=0"}
    probe = Path(together_probe.__file__)
    done = subprocess.run(
        [sys.executable, str(probe), str(file)], env=os.environ | environment, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr[-2000:]
    with np.load(file) as kept:
        return dict(kept)


@JAX
@pytest.mark.parametrize("method", METHODS)
def test_a_model_learns_the_same_in_company(method, found):
    for what in ("losses", "scores", "threshold"):
        together, alone = (found[f"{method}/{way}/{what}"] for way in ("together", "alone"))
        np.testing.assert_allclose(together, alone, rtol=2e-3, err_msg=what)
        first, second = together
        # two models, and what company does to one of them is little beside what distinguishes it from the other
        assert np.abs(together - alone).max() < 0.1 * np.abs(first - second).max(), what


@JAX
@pytest.mark.parametrize("method", METHODS)
def test_a_model_that_diverges_takes_no_other_along(method, found):
    assert found[f"{method}/diverged"].tolist() == [False, True, False]
    assert np.isfinite(found[f"{method}/together/scores"]).all()


@JAX
def test_runs_of_one_training_share_it_and_one_program_holds_all(found):
    models, together, share = found["grid/parts"]
    assert (models, together) == (3, 1) and 0 < share < 1
    auprc = found["grid/auprc"].reshape(3, 2)
    assert len(np.unique(auprc[:, 0])) == 3  # class and seed make a model
    assert (auprc[:, 0] != auprc[:, 1]).any()  # and the score counts


@JAX
def test_the_work_of_a_training_is_counted(found):
    flops, moved, rate, bandwidth = found["grid/work"]
    # 3 epochs of 6 steps; 5,000 to 5 million numbers that are read and written
    assert 18 * 2 * 4 * 5_000 < moved < 18 * 2 * 4 * 5_000_000
    assert 1e6 < flops < 1e12 and rate > 1e8 and bandwidth > 1e8


@JAX
def test_what_cannot_be_counted_costs_no_run(found):
    assert found["uncounted/share"].tolist() == [True]
    of_class_0 = found["grid/auprc"].reshape(3, 2)[:2, 0]  # the same trainings, their convolutions as convolutions
    np.testing.assert_allclose(found["uncounted/auprc"], of_class_0, atol=0.01)


def test_side_by_side_where_there_is_no_common_program():
    data, parts = load_dataset("digits"), []
    wanted = [
        Wanted(3, seed, score, TINY | {"anomaly_score": score}) for seed in (0, 1) for score in ("squared", "absolute")
    ]
    ended = list(perform_many("ganomaly", data, wanted, split_options={"train": 100}, on_part=parts.append))
    assert [run for run, _ in ended] == wanted
    assert [str(part).partition(":")[0] for part in parts] == ["2 models side by side"]
    rows = [finished.row for _, finished in ended]
    assert [(row["seed"], row["variant"]) for row in rows] == [(run.seed, run.variant) for run in wanted]
    assert (
        rows[1]["parameters"]
        == '{"anomaly_score": "absolute", "batch_size": 50, "epochs": 1, "latent_dim": 4, "train": 100, "width": 0.05}'
    )
    split = many.prepare(data, 3, {"train": 100})
    own = GANomaly(seed=1, anomaly_score="absolute", **TINY).fit(split.x_train).decision_function(split.x_test)
    np.testing.assert_array_equal(ended[3][1].scores, own)


def test_a_score_that_is_left_out_is_the_default_and_not_the_last_one():
    wanted = [Wanted(0, 0, "residual", TINY | {"anomaly_score": "residual"}), Wanted(0, 0, "default", TINY)]
    residual, default = (
        finished.model
        for _, finished in perform_many("ganomaly", load_dataset("digits"), wanted, split_options={"train": 60})
    )
    assert (residual.anomaly_score, default.anomaly_score) == ("residual", "squared")


def test_a_run_that_fails_is_an_outcome_like_others():
    wanted = [Wanted(0, 0, "fine", TINY), Wanted(0, 0, "wrong", TINY | {"width": -1.0}), Wanted(1, 0, "fine", TINY)]
    outcomes = perform_many("ganomaly", load_dataset("digits"), wanted, split_options={"train": 60})
    ended = {(run.anomaly_class, run.variant): outcome for run, outcome in outcomes}
    assert "width must be" in str(ended[0, "wrong"])
    assert ended[0, "fine"].row["variant"] == ended[1, "fine"].row["variant"] == "fine"


def test_one_after_the_other_where_it_is_asked_for():
    parts, wanted = [], [Wanted(0, seed, "cpu", TINY) for seed in (0, 1)]
    options = {"split_options": {"train": 60}, "together": False, "on_part": parts.append}
    list(perform_many("ganomaly", load_dataset("digits"), wanted, **options))
    assert [str(part).partition(":")[0] for part in parts] == ["1 model by itself"] * 2


def test_a_baseline_has_no_company():
    wanted = [Wanted(anomaly, 0, "cpu") for anomaly in (0, 1)]
    parts = []
    ended = list(perform_many("isolation_forest", load_dataset("digits"), wanted, on_part=parts.append))
    assert [finished.row["anomaly_class"] for _, finished in ended] == ["0", "1"]
    assert [part.share for part in parts] == [None, None]


def test_a_roofline_that_cannot_be_measured_costs_no_run(monkeypatch):
    def no_memory():
        raise RuntimeError("RESOURCE_EXHAUSTED: out of memory")

    monkeypatch.setattr(roofline, "can_count", lambda: True)
    monkeypatch.setattr(roofline, "work", lambda *given: roofline.Work(1.0, 1.0))
    monkeypatch.setattr(roofline, "peak", no_memory)
    parts = []
    wanted = [Wanted(0, 0, "cpu", TINY)]
    ((_, finished),) = perform_many(
        "ganomaly", load_dataset("digits"), wanted, split_options={"train": 60}, on_part=parts.append
    )
    assert finished.row["epochs"] == 1 and [part.share for part in parts] == [None]
    monkeypatch.setattr(roofline, "peak", lambda: roofline.Peak(10.0, 10.0))
    split = many.prepare(load_dataset("digits"), 0, {"train": 60})
    perform("ganomaly", split, seed=0, variant="cpu", on_part=parts.append, **TINY)
    assert (parts[1].models, parts[1].samples, parts[1].together) == (1, 60, False)
    assert parts[1].share == pytest.approx(0.1 / parts[1].seconds)


def test_what_cannot_be_fitted_together_is_refused(refused, pictures):
    rows = [np.arange(60)] * 2
    with refused(ValueError, "differ in their seeds alone, not in width"):
        fit_together([EGBAD(width=0.1), EGBAD(width=0.2)], pictures, rows)
    with refused(TypeError, "EGBAD and IsolationForest cannot be fitted together"):
        fit_together([EGBAD(), IsolationForest()], pictures, rows)
    with refused(ValueError, "60 samples are less than a batch of 100"):
        fit_together([EGBAD(), EGBAD(seed=1)], pictures, rows)
    with refused(ValueError, "no detector"):
        fit_together([], pictures, [])


def test_a_part_says_what_it_cost():
    assert (
        str(Part(30, 3_000_000, 60.0, True, 0.4))
        == "30 models in one program: 60 s, 50,000 samples/s, 40% of the roofline"
    )
