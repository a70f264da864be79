"""The benchmark: that its cases do what they are called, and that its tables say who is faster."""

import collections
import importlib
import importlib.util
import io
import json
import math

import keras
import numpy as np
import pandas as pd
import pytest
from asked import for_backend

from benchmarks import floors, growth, ours, report, run, timing
from benchmarks.comparisons import CASES, COMPARISONS, EFFECTS, groups
from ganad.detectors import EGBAD, GANomaly, neural

TORCH = pytest.mark.skipif(importlib.util.find_spec("torch") is None, reason="torch is not installed")


def test_every_comparison_is_of_cases_and_every_case_is_compared():
    named = {each.ours for each in COMPARISONS} | {each.theirs for each in COMPARISONS if each.theirs}
    assert named <= CASES.keys()
    named |= {name for each in EFFECTS for name in (each.after, each.before)}
    assert CASES.keys() == named
    for each in COMPARISONS:
        assert bool(each.theirs) != bool(each.quoted) and each.aim > 1
        assert CASES[each.ours].module == "benchmarks.ours" and CASES[each.ours].backend == "tensorflow"


@pytest.mark.parametrize("name", [name for name, case in CASES.items() if case.backend == "tensorflow"])
def test_every_case_of_tensorflow_can_be_made(name):
    case = CASES[name]
    assert callable(getattr(importlib.import_module(case.module), case.function))


def job(seconds: float, clock: list) -> timing.Job:
    def units_done(units: int) -> None:
        clock[0] += units * seconds

    return timing.Job(units_done, samples=10, units=2)


def test_a_job_is_timed_for_a_second_at_a_time_after_a_warm_up(monkeypatch):
    clock = [0.0]
    monkeypatch.setattr(timing.time, "perf_counter", lambda: clock[0])
    found = timing.rates(job(0.1, clock), seconds=2.0)
    assert next(found) == pytest.approx(0.2)  # the first call: two units
    assert [next(found) for _ in range(3)] == pytest.approx([100.0] * 3)  # ten samples a tenth of a second
    assert clock[0] == pytest.approx(0.2 + 0.2 + 3 * 2.0)
    assert timing.peak_memory() > 50  # MB: this process holds TensorFlow


def test_what_is_compared_takes_turns_with_each_other():
    every = groups(CASES)
    assert sorted(name for group in every for name in group) == sorted(CASES)
    assert ["AnoGAN search, images", "PyTorch search, one by one", "PyTorch search, batched"] in every
    for pair in [(each.ours, each.theirs) for each in COMPARISONS if each.theirs]:
        assert any(set(pair) <= set(group) for group in every), pair
    assert max(map(len, every)) <= 12  # their processes are there at the same time
    assert groups(["EGBAD, KDD", "ALAD, KDD"]) == [["EGBAD, KDD"], ["ALAD, KDD"]]


def found(**others):
    """What a run would have measured: ours twice as fast as every peer."""
    mine = {each.ours for each in COMPARISONS}
    cases = {
        name: {
            "rates": [200.0, 400.0] if name in mine else [100.0, 160.0],
            "first": 1.0,
            "memory": 900.0 if name in mine else 600.0,
        }
        for name in CASES
    }
    return {"cases": cases, "skipped": {}, "start": {"import ganad": [0.2, 0.1, 0.4]}} | others


def test_ours_is_divided_by_theirs_round_by_round():
    rows = run.table(found())
    assert list(rows[0]) == list(run.COLUMNS)
    speed = [row for row in rows if row["unit"] == "samples/s"]
    assert len(speed) == len(COMPARISONS)
    measured = next(row for row in speed if row["peer"] == "PyTorch, 64 at once")
    assert (measured["ratio"], measured["low"], measured["high"]) == (2.25, 2.0, 2.5)
    assert (measured["ours"], measured["theirs"]) == (300, 130) and run.met(measured)
    quoted = next(row for row in speed if row["peer"] == "the survey authors' toolbox")
    assert quoted["theirs"] == 151 and quoted["ratio"] == pytest.approx(300 / 151, rel=1e-3) and not run.met(quoted)


def test_less_memory_and_fewer_seconds_are_better():
    rows = run.table(found())
    memory = [row for row in rows if row["unit"] == "MB at most"]
    assert {row["ratio"] for row in memory} == {1.5} and not any(map(run.met, memory))
    start = next(row for row in rows if row["what"] == "import ganad")
    assert start["ours"] == 0.2 and start["ratio"] == pytest.approx(0.2 / 0.3, rel=1e-3) and run.met(start)


def test_what_is_not_installed_is_left_out_and_said():
    from rich.console import Console

    measured = found()
    del measured["cases"]["PyOD query"]
    rows = run.table(measured)
    assert not [row for row in rows if row["peer"] == "PyOD's query"]
    console = Console(width=160, record=True, file=io.StringIO())
    console.print(run.shown(rows, {"PyOD query": "pyod"}))
    assert "PyOD query: pyod is not installed" in console.export_text()


def test_a_run_leaves_two_files_whole(tmp_path, monkeypatch):
    words, timed = [], []

    def child(*given, backend="tensorflow", **environment):
        words.append((given, backend))
        return {"flops": 1.0}

    def in_turn(group, rounds):
        timed.extend(group)
        return {name: {"first": 1.0, "rates": [2.0] * rounds, "memory": 100.0} for name in group}

    monkeypatch.setattr(run, "child", child)
    monkeypatch.setattr(run, "in_turn", in_turn)
    monkeypatch.setattr(run, "_seconds", lambda words: 0.1)
    monkeypatch.setattr(run, "_lacking", lambda name: "torch" if "torch" in CASES[name].packages else "")
    run.main(tmp_path / "results", rounds=2)
    assert sorted(path.name for path in (tmp_path / "results").iterdir()) == ["bench.csv", "bench.json"]
    table = pd.read_csv(tmp_path / "results" / "bench.csv", keep_default_na=False)
    assert tuple(table.columns) == run.COLUMNS and (table[table.unit == "samples/s"].ratio <= 1).all()
    whole = json.loads((tmp_path / "results" / "bench.json").read_text())
    assert whole["versions"]["keras"] and whole["machine"]["cores"] and whole["skipped"]["PyOD query"] == "torch"
    assert sorted(timed) == sorted(whole["cases"]) and whole["cases"]["ALAD, KDD"]["rates"] == [2.0, 2.0]
    assert (("call", "benchmarks.floors", "work"), "jax") in words
    assert (("call", "benchmarks.growth", "with_batch"), "tensorflow") in words


def test_a_run_that_was_stopped_goes_on(tmp_path, monkeypatch):
    timed = []

    def in_turn(group, rounds):
        if len(timed) == 3:
            raise KeyboardInterrupt
        timed.append(group)
        return {name: {"first": 1.0, "rates": [2.0] * rounds, "memory": 100.0} for name in group}

    monkeypatch.setattr(run, "in_turn", in_turn)
    with pytest.raises(KeyboardInterrupt):
        run.main(tmp_path, rounds=2)
    assert [path.name for path in tmp_path.iterdir()] == [".bench.json.unfinished"]
    first = list(timed)
    timed.clear()
    with pytest.raises(KeyboardInterrupt):
        run.main(tmp_path, rounds=2)
    assert timed and not any(group in first for group in timed)
    timed.clear()
    with pytest.raises(KeyboardInterrupt):
        run.main(tmp_path, rounds=3)  # another effort: from the beginning
    assert timed == first


def test_cases_take_turns_and_a_failing_one_ends_them(monkeypatch):
    script = "import sys; print(1.5, flush=True); [print(7.0, flush=True) for _ in sys.stdin]; print(80.0)"

    def process(kind, name, backend, **environment):
        code = "raise ValueError('wrong')" if name == "ALAD, KDD" else script
        pipes = dict.fromkeys(("stdin", "stdout", "stderr"), run.subprocess.PIPE)
        return run.subprocess.Popen([run.sys.executable, "-c", code], text=True, **pipes)

    monkeypatch.setattr(run, "_process", process)
    one = {"first": 1.5, "rates": [7.0] * 3, "memory": 80.0}
    assert run.in_turn(["EGBAD, KDD", "PyOD query"], 3) == {"EGBAD, KDD": one, "PyOD query": one}
    with pytest.raises(run.BenchError, match="ALAD, KDD: ValueError: wrong"):
        run.in_turn(["EGBAD, KDD", "ALAD, KDD"], 3)


def test_one_measurement_is_a_process_of_its_own():
    peak = run.child("call", "benchmarks.floors", "rates")
    assert peak["flops"] > 1e9 and peak["bytes"] > 1e8
    with pytest.raises(run.BenchError, match="benchmarks.floors nothing: AttributeError"):
        run.child("call", "benchmarks.floors", "nothing")


@pytest.mark.parametrize("name", ["egbad_kdd", "egbad_kdd_simultaneous", "alad_kdd", "ganomaly_training"])
def test_our_trainings_train(name):
    job = getattr(ours, name)()
    losses = job.run(2)
    assert np.isfinite(losses).all() and len(losses) in (2, 3)
    assert job.samples in (50, 64)


def test_our_scorings_score_every_sample(monkeypatch):
    monkeypatch.setattr(ours, "SEARCH_STEPS", 2)
    monkeypatch.setattr(ours, "TIMED_STEPS", 1)
    job = ours.anogan_images()
    (found,) = job.run(1)
    assert (
        len(found.loss) == 2 * job.samples and (found.steps == 1).all()
    )  # half the steps of a search: half a sample each
    monkeypatch.setattr(ours, "QUERY_STEPS", 1)
    job = ours.anogan_kdd()
    (scores,) = job.run(1)
    assert len(scores) == job.samples and np.isfinite(scores).all()


@pytest.mark.parametrize("alternating", [True, False])
def test_the_bigan_step_by_hand_moves_every_network(alternating):
    from benchmarks.peers.plain_tensorflow import bigan_step
    from ganad.detectors import EGBAD

    networks = ours.prepared(EGBAD(), (8,))
    before = {name: network.get_weights()[0].copy() for name, network in networks.items()}
    losses = bigan_step(networks, 32, alternating)(ours.samples(16, (8,)))
    assert np.isfinite(losses).all()
    assert all(not np.array_equal(before[name], networks[name].get_weights()[0]) for name in networks)


def test_the_ganomaly_step_by_hand_has_the_losses_of_ours():
    from benchmarks.peers.plain_tensorflow import ganomaly_step
    from ganad.detectors import GANomaly
    from ganad.detectors.ganomaly import GANomalyPlay, discriminator_loss

    detector, x = GANomaly(width=0.05), ours.samples(16, (16, 16, 1))
    networks = ours.prepared(detector, (16, 16, 1))
    play = GANomalyPlay(networks, x)
    expected = [float(detector._generator_loss()(play)), float(discriminator_loss(play))]
    before = {name: network.get_weights()[0].copy() for name, network in networks.items()}
    assert [float(loss) for loss in ganomaly_step(networks)(x)] == pytest.approx(expected, rel=1e-3)
    assert all(not np.array_equal(before[name], networks[name].get_weights()[0]) for name in networks)


@TORCH
@pytest.mark.parametrize("kind, shape", [("rows", (6,)), ("images", (1, 28, 28))])
def test_the_bigan_step_by_hand_in_pytorch_moves_as_many_weights_as_ours(kind, shape):
    import torch

    from benchmarks.peers import plain_torch
    from ganad.detectors import EGBAD

    networks = plain_torch.bigan_of_rows(6) if kind == "rows" else plain_torch.bigan_of_images()
    mine = ours.prepared(EGBAD(), shape if kind == "rows" else ours.SMALL)
    counts = [sum(parameter.numel() for parameter in network.parameters()) for network in networks]
    assert counts == [sum(v.value.shape.num_elements() for v in mine[r].trainable_variables) for r in mine]
    before = [[parameter.clone() for parameter in network.parameters()] for network in networks]
    step = plain_torch.bigan_step(networks, 32 if kind == "rows" else 200)
    losses = step(torch.from_numpy(ours.samples(4, shape)))
    assert all(0 < float(loss) < 10 for loss in losses)
    for old, network in zip(before, networks, strict=True):
        assert all(not torch.equal(a, b) for a, b in zip(old, network.parameters(), strict=True))


@pytest.mark.parametrize("name", ["by_call", "passed_again_kdd", "one_pass_of_d"])
def test_ganad_without_a_measure_trains_as_well(name):
    from benchmarks import before

    job = getattr(before, name)()
    job.run(2)
    assert job.samples == 50


def test_one_pass_of_the_discriminator_has_the_same_logits():
    from benchmarks.before import OnePass
    from ganad.models.bigan import BiGANPlay

    networks = ours.prepared(EGBAD(), (6,))
    x, z = (keras.ops.convert_to_tensor(ours.samples(8, (width,))) for width in (6, 32))
    one, two = (play(networks, x, z, training=False) for play in (OnePass, BiGANPlay))
    np.testing.assert_allclose(one.real, two.real, atol=1e-6)
    np.testing.assert_allclose(one.fake, two.fake, atol=1e-6)


def test_scores_do_not_depend_on_how_many_are_scored_at_once(monkeypatch):
    from benchmarks import before

    monkeypatch.setattr(ours, "LARGE", (16, 16, 1))
    monkeypatch.setattr(ours, "samples", lambda count, shape: np.zeros((70, *shape), np.float32))
    before.small_scoring().run(1)
    calls = []
    sizes = neural.sizes_for
    monkeypatch.setattr(before.GANomaly, "_score", lambda self, x: calls.append(len(x)))
    before.small_scoring().run(2)
    assert calls == [70, 70] and neural.sizes_for is sizes


# ---- what must not come back, counted: times would depend on the machine


def operations(detector, shape, size) -> collections.Counter:
    """How often each operation stands in a step of a detector."""
    import tensorflow as tf

    game = detector._game(ours.prepared(detector, shape), 1)
    step = tf.function(game.step, autograph=False).get_concrete_function(tf.TensorSpec((size, *shape)))
    return collections.Counter(each.type for each in step.graph.get_operations())


def test_no_network_is_passed_more_often_than_its_players_need():
    # the layers of the networks for rows that add a bias of more than one number
    encoder, generator, discriminator = 2, 3, 3
    at_once, in_turn = (
        operations(EGBAD(turns=turns), (121,), 8)["BiasAdd"] for turns in ("simultaneous", "alternating")
    )
    assert at_once == encoder + generator + 2 * discriminator
    assert in_turn == encoder + generator + 4 * discriminator  # D has moved in between; E and G have not
    forward, backward = (
        operations(GANomaly(width=0.1), (16, 16, 1), 8)[f"Conv2D{part}"] for part in ("", "BackpropFilter")
    )
    networks = ours.prepared(GANomaly(width=0.1), (16, 16, 1))
    convolutions = {
        role: sum(type(layer).__name__ == "Conv2D" for layer in network.layers) for role, network in networks.items()
    }
    # the real images pass D once and the generated ones once
    once = sum(convolutions.values()) + convolutions["discriminator"]
    assert once <= forward <= once + sum(len(network.layers) for network in networks.values())
    assert backward <= once + sum(len(network.layers) for network in networks.values())


@TORCH
def test_the_search_by_hand_has_a_loss_for_every_sample():
    from benchmarks.peers.plain_torch import anogan_search

    loss = np.asarray(anogan_search(100, 2)(ours.samples(3, ours.SMALL)))
    assert loss.shape == (3,) and np.isfinite(loss).all()


@TORCH
def test_a_missing_anomalib_is_named():
    from benchmarks.peers import of_anomalib

    if run._version("anomalib"):
        pytest.skip("anomalib is installed")
    with pytest.raises(ModuleNotFoundError, match="anomalib"):
        of_anomalib.load("loss")


def test_growth_is_of_what_it_says(monkeypatch):
    monkeypatch.setattr(growth, "SAMPLES", (200, 400))
    found = growth.with_samples()
    assert found["x"] == [200, 400] and all(seconds > 0 for seconds in found["seconds"])


@for_backend("jax")
def test_models_that_are_trained_together_take_time():
    found = run.child("call", "benchmarks.growth", "with_models", "[1, 8]", backend="jax")
    assert found["x"] == [1, 8] and min(found["seconds"]) > 0
    assert found["seconds"][-1] > found["seconds"][0]


@for_backend("jax")
def test_floors_are_of_trained_and_scored_jobs():
    assert floors.TRAINED.keys() | floors.SCORED.keys() <= CASES.keys()
    names = ["EGBAD, images", "EGBAD, KDD", "GANomaly scoring", "AnoGAN search, KDD"]
    counted = run.child("call", "benchmarks.floors", "work", json.dumps(names), backend="jax")
    assert list(counted) == names
    assert all(each["flops"] > 0 and math.isfinite(each["bytes"]) for each in counted.values())
    images, rows = counted["EGBAD, images"]["flops"], counted["EGBAD, KDD"]["flops"]
    assert 2e8 < images < 6e8  # 13 million weights, some met many times
    # every weight of the three nets: 2 operations forwards, 4 backwards, in 2 forward passes and 2 backward ones
    assert 0.3e6 < rows < 3e6
    assert counted["GANomaly scoring"]["flops"] == pytest.approx(1.05e8, rel=0.3)


# ---- the chapter's tables


def whole(**others):
    """As a finished run leaves it."""
    lines = {"x": [1, 2, 4], "seconds": [1.5, 2.0, 3.0]}
    parts = {
        "machine": {"processor": "a processor", "cores": 2, "system": "Linux"},
        "versions": {"keras": "3"},
        "made": "2026-01-01",
        "rounds": 2,
        "minutes": 18.2,
        "peak": {"flops": 1e9, "bytes": 1e9},
        "work": {"EGBAD, KDD": {"flops": 1e6, "bytes": 5e6}, "GANomaly scoring": {"flops": 1e6, "bytes": 0.0}},
        "imported": {"tensorflow": 700.0, "torch": 500.0},
        "growth": {"samples": lines, "batch": {"x": [50, 100], "seconds": [0.15, 0.25]}, "models": lines},
        "start": {"import ganad": [0.2, 0.1, 0.4], "ganad --help": [0.5]},
    }
    return found() | parts | others


def test_the_report_says_what_was_measured(refused, tmp_path):
    path = tmp_path / "bench.json"
    with refused(report.BenchFileError, "bench.json is not there", "make bench"):
        report.read(path)
    for text in ("{", '{"cases": {}}'):
        path.write_text(text)
        with refused(report.BenchFileError, "no finished benchmark", "make bench"):
            report.read(path)
    path.write_text(json.dumps(whole()))
    assert report.read(path) == whole()
    words = report.machine(whole())
    for word in ("2 cores of a processor", "1 GFLOP/s", "keras 3", "2 rounds", "18 minutes in all"):
        assert word in words


def test_speeds_and_starts_are_met_or_missed():
    rows = report.speeds(whole())
    assert len(rows) == len(COMPARISONS) and set(rows[""]) == {"met", "missed"}
    batched = rows[rows["peer"] == "PyTorch, 64 at once"].iloc[0]
    assert (batched["times"], batched["range"], batched[""]) == ("2.25", "2–2.5", "met")
    assert list(report.starts(whole())[""]) == ["met", "missed"]


def test_an_effect_is_with_over_without():
    rows = report.effects(whole())
    assert list(rows["measure"]) == [each.what for each in EFFECTS]
    kernels = rows[rows["measure"] == "one loop for many steps, EGBAD on KDD"].iloc[0]
    assert (kernels["without"], kernels["with"], kernels["times"], kernels["range"]) == (
        "130",
        "300",
        "2.25",
        "2.00–2.50",
    )


def test_memory_is_shown_beyond_the_import():
    rows = report.memories(whole())
    one = rows[rows["peer"] == "anomalib"].iloc[0]
    assert (one["ours"], one["ours, beyond the import"]) == ("900", "200")
    assert (one["theirs"], one["theirs, beyond the import"]) == ("600", "100")
    assert len(rows) == sum(bool(each.theirs) for each in COMPARISONS)


def test_floors_are_the_lower_of_arithmetic_and_traffic():
    found = report.floors(whole())
    assert found["EGBAD, KDD"]["arithmetic"] == 1000 and found["EGBAD, KDD"]["traffic"] == 200
    assert found["EGBAD, KDD"]["reached"] == pytest.approx(1.5)  # 300 a second: impossible, and shown as such
    assert found["GANomaly scoring"]["reached"] == pytest.approx(0.3)
    assert list(report.floors_table(whole())["reached"]) == ["150%", "30%"]


def test_shortfalls_are_of_missed_aims_alone():
    assert report.overhead(whole()) == pytest.approx((0.05, 0.002))
    rows = report.shortfalls(whole())
    every = report.speeds(whole())
    assert list(rows["peer"]) == list(every.loc[every[""] == "missed", "peer"])
    eager = rows[rows["work"].str.contains("KDD, batch 50") & (rows["peer"] == "PyTorch, eager")].iloc[0]
    assert (eager["the aim, /s"], eager["arithmetic, /s"], eager["calls alone, /s"]) == ("2,600", "200", "1,000")
    assert eager["the aim asks for"] == "1300% of the floor"


def test_runs_before_and_after_are_compared_over_their_seeds(tmp_path):
    rows = [
        ("kddcup99", "egbad", "stable", "", seed, code, 0.5, f1 + 0.01 * seed)
        for code, f1 in (("before", 0.9), ("after", 0.901))
        for seed in range(5)
    ]
    rows += [
        ("mnist", "egbad", "cpu", "1", seed, code, auprc + 0.001 * seed, 0.0)
        for code, auprc in (("before", 0.5), ("after", 0.7))
        for seed in range(3)
    ]
    path = tmp_path / "kernels.csv"
    names = ["dataset", "detector", "variant", "anomaly_class", "seed", "code", "auprc", "f1"]
    pd.DataFrame(rows, columns=names).to_csv(path, index=False)
    table = report.same(path)
    assert list(table["within the seeds"]) == ["yes", "no"] and list(table[""]) == ["F1", "AUPRC"]
    assert table["difference"].iloc[0].startswith(".001 ±") and table["difference"].iloc[1].startswith(".200 ±")
    assert list(table["anomaly"]) == ["–", "1"] and list(table["seeds"]) == ["5, 5", "3, 3"]


def test_growth_is_straight_if_its_points_are_on_a_line():
    far = report.straightness(whole())
    assert far == pytest.approx({"samples": 0, "batch": 0, "models": 0}, abs=1e-9)
    bent = whole(growth={"models": {"x": [1, 2, 3], "seconds": [1.0, 1.0, 4.0]}})
    assert report.straightness(bent)["models"] > 0.2


def test_figures_show_every_comparison_and_every_growth():
    import matplotlib.pyplot as plt

    figure = report.ratios(whole())
    (axis,) = figure.axes
    assert len(axis.get_yticks()) == len(COMPARISONS) and axis.get_xscale() == "log"
    assert len(report.growth(whole()).axes) == 3
    plt.close("all")
