"""The tables and pictures at the end of a method's chapter, and the runs behind them."""

import numpy as np
import pytest

from ganad import metrics, plots
from ganad.datasets import leave_one_out, load_dataset
from ganad.detectors import DETECTORS, NearestNeighbour
from ganad.survey import defects, images, reported, results, tables


@pytest.fixture(scope="module")
def split():
    return leave_one_out(load_dataset("digits"), 0)


def test_scores_stand_beside_baselines_chance_and_floor(split):
    scores = np.random.default_rng(0).random(len(split.y_test))
    table = tables.beside_baselines({"mine": scores}, split, published=0.75)
    assert table.loc["mine", "AUPRC"] == round(metrics.auprc(split.y_test, scores), 2)
    nearest = NearestNeighbour().fit(split.x_train).decision_function(split.x_test)
    assert table.loc["NearestNeighbour", "AUPRC"] == round(metrics.auprc(split.y_test, nearest), 2)
    assert table.loc["chance", "AUPRC"] == round(split.prevalence, 2)
    assert table.loc["lowest possible", "AUPRC"] < table.loc["chance", "AUPRC"] < 0.75
    assert table.loc["survey, Fig. 5", "AUPRC"] == 0.75
    assert "survey, Fig. 5" not in tables.beside_baselines({"mine": scores}, split).index


def test_every_detector_has_its_real_runs_at_the_budget_of_the_code():
    table = results.read()
    data = type("Data", (), {"name": "mnist", "class_names": tuple("0123456789")})
    assert not list(images.missing(table, DETECTORS, data, images.ANOMALIES)), "python -m ganad.survey.images"
    for name in images.CPU:
        shown = tables.real_runs(name)
        assert shown.index.tolist() == ["0", "1", "8"]
        assert "train 10,000" in tables.budget(name) and "seed 0" in tables.budget(name)
    shown = tables.real_runs("ganomaly")
    assert shown.loc["8", "AUPRC, survey"] == round(reported.GANOMALY_AUPRC["mnist"][8], 2)
    rows = table[(table.dataset == "mnist") & (table.variant == "cpu") & (table.anomaly_class == "8")]
    nearest = rows[rows.detector == "nearest_neighbour"].auprc.item()
    assert shown.loc["8", "AUPRC of 1-NN"] == round(nearest, 2)


def test_only_runs_with_other_parameters_are_missing(monkeypatch):
    table = results.read()
    data = type("Data", (), {"name": "mnist", "class_names": tuple("0123456789")})
    monkeypatch.setitem(images.CPU, "egbad", images.CPU["egbad"] | {"epochs": 41})
    assert list(images.missing(table, ["egbad", "ganomaly"], data, (0, 8))) == [("egbad", 0), ("egbad", 8)]


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
