"""The tables and pictures at the end of a method's chapter, and the runs behind them."""

import numpy as np
import pandas as pd
import pytest
from small_book import ROOT

from ganad import metrics
from ganad.datasets import leave_one_out, load_dataset
from ganad.detectors import MedianDistance, NearestNeighbour
from ganad_book import plots
from ganad_book.results import ablations, comparison, defects, reported, tables
from ganad_book.sweep import grid, images, results


@pytest.fixture(scope="module")
def split():
    return leave_one_out(load_dataset("digits"), 0)


def test_scores_of_all_seeds_stand_beside_baselines_chance_and_floor(split):
    scores = np.random.default_rng(0).random((3, len(split.y_test)))
    table = tables.beside_baselines({"mine": scores, "one": scores[:1]}, split, published=0.75)
    found = [metrics.auprc(split.y_test, each) for each in scores]
    assert table.loc["mine", "AUPRC"] == f"{np.median(found):.2f} ({min(found):.2f} to {max(found):.2f})"
    assert table.loc["one", "AUPRC"] == f"{found[0]:.2f}"
    nearest = NearestNeighbour().fit(split.x_train).decision_function(split.x_test)
    assert table.loc["NearestNeighbour", "AUPRC"] == f"{metrics.auprc(split.y_test, nearest):.2f}"
    control = MedianDistance().fit(split.x_train).decision_function(split.x_test)
    assert table.loc["MedianDistance", "AUPRC"] == f"{metrics.auprc(split.y_test, control):.2f}"
    assert table.loc["chance", "AUPRC"] == f"{split.prevalence:.2f}"
    assert float(table.loc["lowest possible", "AUPRC"]) < float(table.loc["chance", "AUPRC"]) < 0.75
    assert table.loc["survey, Fig. 5", "AUPRC"] == "0.75"
    assert "survey, Fig. 5" not in tables.beside_baselines({"mine": scores}, split).index


def test_results_over_seeds_are_a_median_and_a_range():
    table = tables.over_seeds({"a": {"F1": [0.1, 0.5, 0.2], "AUPRC": [0.25]}})
    assert table.loc["a"].to_dict() == {"F1": "0.20 (0.10 to 0.50)", "AUPRC": "0.25"}


COMMITTED = ROOT / "results" / "survey.csv"


def test_every_detector_has_its_real_runs_at_the_budget_of_the_code():
    table = results.read(COMMITTED)
    for name in comparison.GANS:
        shown = tables.real_runs(name)
        assert {"0", "1", "8"} <= set(shown.index)
        assert "train 10,000" in tables.budget(name) and "seed 0" in tables.budget(name)
    shown = tables.real_runs("ganomaly")
    assert shown.loc["8", "AUPRC, survey"] == round(reported.GANOMALY_AUPRC["mnist"][8], 2)
    rows = comparison.image_runs(table, tables.budget("ganomaly").partition(":")[0], "mnist")
    nearest = comparison.pick(rows, detector="nearest_neighbour", anomaly_class="8").auprc.item()
    assert shown.loc["8", "AUPRC of 1-NN"] == round(nearest, 2)


def test_seconds_of_a_busy_machine_are_no_column(monkeypatch):
    table = results.read(COMMITTED)
    busy = table.assign(device=table["device"] + results.BUSY)
    monkeypatch.setattr(results, "read", lambda: busy)
    shown = tables.real_runs("ganomaly")
    assert "AUPRC" in shown and not {"training, s", "scoring, s"} & set(shown)
    assert not shown.isna().any(axis=None)


CLASSICAL = "detector=nearest_neighbour,detector=pca_residual,detector=isolation_forest"


def of_the_first_edition(run: grid.Run) -> tuple:
    """The key of the run that the grid has not done anew."""
    dataset, detector, variant, *others = run.key
    old = variant.replace("cpu", comparison.FIRST_EDITION, 1)
    return (dataset, detector, old if old != variant else f"{variant}, {comparison.FIRST_EDITION}", *others)


@pytest.mark.parametrize(
    "only",
    [
        "dataset=mnist,dataset=fashion_mnist,variant=cpu,detector=egbad,detector=ganomaly,detector=f_anogan",
        *(
            f"dataset=mnist,variant=cpu,detector=anogan,detector=adgan,detector=alad,class={place}"
            for place in images.ANOMALIES
        ),
        *(f"dataset=fashion_mnist,variant=cpu,detector=anogan,class={place}" for place in images.ANOMALIES),
        f"dataset=mnist,dataset=fashion_mnist,dataset=cifar10,variant=cpu,{CLASSICAL}",
        "dataset=mnist,dataset=fashion_mnist,variant=cpu, improved,detector=egbad,detector=ganomaly",
        "dataset=mnist,dataset=fashion_mnist,variant=cpu, improved without complexity correction",
        "dataset=mnist,dataset=fashion_mnist,variant=cpu, improved without residual score",
        "dataset=cifar10,variant=cpu, improved,seed=0,detector=egbad,detector=ganomaly",
        "dataset=digits28,detector=egbad,detector=ganomaly,detector=nearest_neighbour",
        "dataset=kddcup99",
        *(f"dataset=mnist,variant=cpu, {name}" for name in (*ablations.EGBAD, *ablations.GANOMALY)),
        *(
            f"dataset=mnist,detector=ganomaly,seed=0,variant=cpu, improved without {change}"
            for change in images.WITHOUT["ganomaly"]
        ),
        *(
            f"dataset=mnist,detector=egbad,seed=0,variant=cpu, improved without {change}"
            for change in images.WITHOUT["egbad"]
        ),
    ],
)
def test_these_runs_of_the_grid_are_committed(only):
    table = results.read(COMMITTED)
    states = grid.states(grid.chosen(grid.runs("cpu"), only), table)
    first_edition = set(results.keys(table))
    lacking = [
        str(run)
        for run, state in states.items()
        if state != "finished" and of_the_first_edition(run) not in first_edition
    ]
    assert not lacking, f'{len(lacking)} of {len(states)} runs: ganad survey run --only "{only}"'


def test_no_committed_row_of_the_grid_is_stale():
    states = grid.states(grid.runs(), results.read(COMMITTED))
    assert not [str(run) for run, state in states.items() if state == "stale"]


def test_every_change_of_an_improved_configuration_is_undone_once():
    chosen_on = (images.DEVELOPMENT,)
    every = {(e.detector, e.variant): e for e in images.configurations() if e.datasets != chosen_on}
    for scale in images.SCALES:
        for name, changes in images.IMPROVED.items():
            improved = every[name, f"{scale}, improved"].parameters
            ablations = [e for (d, v), e in every.items() if d == name and v.startswith(f"{scale}, improved without")]
            undone = set()
            for each in ablations:
                differing = {
                    key
                    for key in improved.keys() | each.parameters.keys()
                    if improved.get(key) != each.parameters.get(key)
                }
                assert differing and "epochs" not in differing and "width" not in differing
                undone |= differing
            assert undone == set(changes)


def test_settings_are_chosen_where_they_are_not_shown():
    every = [each for each in images.configurations() if each.scale == "cpu"]
    for name in images.IMPROVED:
        variants = {e.variant for e in every if e.detector == name and images.DEVELOPMENT in e.datasets}
        assert len(variants) >= len(images.WITHOUT[name]) + 1  # a change may be none at this scale
        for variant in variants:
            used, chosen = (each for each in every if (each.detector, each.variant) == (name, variant))
            assert (chosen.parameters, chosen.split) == (used.parameters, used.split)
            assert chosen.datasets == (images.DEVELOPMENT,) and images.DEVELOPMENT not in used.datasets


def test_seeds_are_averaged_in_a_chapter_s_table(monkeypatch):
    table = results.read(COMMITTED)
    row = table[(table.dataset == "mnist") & (table.detector == "alad")].iloc[:1]
    both = pd.concat([row, row.assign(seed=9, auprc=row.auprc + 0.2)])
    monkeypatch.setattr(results, "read", lambda: both)
    shown = tables.real_runs("alad")
    assert len(shown) == 1 and shown["AUPRC"].item() == pytest.approx(row.auprc.item() + 0.1, abs=0.006)


def test_the_committed_rows_hold_every_defect_beside_its_control():
    effects = list(defects.effects(results.read()))
    assert {effect.variant for effect in effects} == set(defects.DEFECTS)
    for effect in effects:
        assert len(effect.found) == (10 if effect.dataset == "kddcup99" else 3), effect.variant
        assert 0 < effect.chance < 0.5


def test_pairs_are_drawn_where_they_are():
    figure = plots.pairs({"one": ([0.2, 0.4], [0.6, 0.8])}, "AUPRC", chance={"one": 0.35})
    (axis,) = figure.axes
    drawn = {line.get_label(): line.get_xdata().tolist() for line in axis.lines}
    assert drawn == {"before": [0.2, 0.4], "after": [0.6, 0.8], "chance": [0.35]}
    (arrow,) = axis.texts
    assert arrow.xy[0] == pytest.approx(0.7) and arrow.xyann[0] == pytest.approx(0.3)


def test_a_gallery_shows_the_highest_or_the_lowest_scores():
    x, scores = np.stack([np.full((8, 8, 1), v) for v in (-0.9, 0.0, 0.9)]), np.array([1.0, 3.0, 2.0])
    for highest, values in ((True, [0.0, 0.9]), (False, [-0.9, 0.9])):
        figure = plots.gallery(x, x, scores, highest=highest, columns=2)
        first = [axis.images[0].get_array().ravel()[0] for axis in figure.axes[:2]]
        assert first == pytest.approx(values)


def test_a_drawing_keeps_its_words():
    svg = plots.diagram({"a": (0, 0, "noise", "data"), "b": (1.3, 0, "judge", "judge")}, [("a", "b")])._repr_svg_()
    assert "<svg" in svg and ">noise<" in svg and ">judge<" in svg
