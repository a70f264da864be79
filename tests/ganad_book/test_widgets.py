"""What pages are given to play with: the data, and what stands there without a script."""

import json

import numpy as np
import pytest
from bs4 import BeautifulSoup

from ganad import metrics
from ganad_book import widgets
from ganad_book.results import comparison, reported
from ganad_book.sweep import results


def given(playable: widgets.Playable):
    """The data as a page holds it."""
    soup = BeautifulSoup(playable._repr_html_(), "html.parser")
    assert soup.find(attrs={"data-play": playable.name}).get_text(strip=True)  # something to read without the script
    assert soup.find_all("script")[-1]["src"] == f"../../_static/play/{playable.name}.js"
    return json.loads(soup.find("script", type="application/json").string)


@pytest.fixture(scope="module")
def rows() -> list[dict]:
    """The explorer's rows."""
    found = given(widgets.explorer(results.read()))
    return [dict(zip(found["columns"], row, strict=True)) for row in found["rows"]]


def test_the_explorer_has_the_means_of_the_results(rows):
    runs = comparison.image_runs(results.read(), dataset="mnist")
    runs = comparison.pick(runs, detector="egbad", configuration=comparison.IMPROVED, anomaly_class="3")
    (mine,) = [
        r
        for r in rows
        if (r["data"], r["measure"], r["class"], r["name"]) == ("MNIST", "AUROC", "3", "EGBAD, improved")
    ]
    expected = metrics.interval(runs["auroc"])
    assert (mine["mean"], mine["low"], mine["high"]) == pytest.approx(
        (expected.mean, expected.low, expected.high), abs=6e-4
    )
    assert mine["seeds"] == len(runs) and mine["chance"] == 0.5 and mine["published"] is None


def test_the_explorer_has_the_surveys_figures_and_kdd(rows):
    bars = {
        r["class"]: r["published"] for r in rows if (r["data"], r["measure"], r["name"]) == ("MNIST", "AUPRC", "EGBAD")
    }
    assert [bars[str(digit)] for digit in range(10)] == list(reported.figure_5("mnist", "egbad"))
    (stable,) = [r for r in rows if r["name"] == "EGBAD, stable"]
    assert (stable["data"], stable["measure"], stable["seeds"]) == ("KDD Cup 99", "F1", 10)
    assert stable["published"] == pytest.approx(reported.SURVEY_EGBAD.f1, abs=1e-3)
    assert {r["data"] for r in rows} == set(comparison.DATA.values()) and rows[0]["data"] == "MNIST"


def test_without_a_script_the_explorer_says_how_many_seeds_there_are():
    soup = BeautifulSoup(widgets.explorer(results.read())._repr_html_(), "html.parser")
    heads = [each.get_text() for each in soup.find_all("th")]
    cells = [each.get_text() for each in soup.find("tbody").find_all("tr")[0].find_all("td")]
    assert heads == ["detector", "ours", "seeds", "survey"] and cells[heads.index("seeds")].isdigit()


def test_a_mean_over_the_classes_is_over_all_of_them(rows):
    means = {r["name"] for r in rows if r["data"] == "MNIST" and r["class"].startswith("mean")}
    assert "EGBAD, improved" in means and "AnoGAN" not in means  # three digits only


def test_the_threshold_gets_thinned_scores_of_both_kinds():
    rng = np.random.default_rng(0)
    labels = np.repeat([0, 1], [3000, 100])
    scores = rng.normal(size=3100) + 2 * labels
    found = given(widgets.threshold(scores, labels, "a <b>"))
    assert len(found["normal"]) == widgets.MOST_SCORES and len(found["anomalous"]) == 100
    assert found["normal"] == sorted(found["normal"]) and found["prevalence"] == pytest.approx(100 / 3100, abs=1e-3)
    assert np.mean(found["normal"]) == pytest.approx(scores[labels == 0].mean(), abs=0.02)


def test_no_data_can_end_the_script_it_is_in():
    text = widgets.Playable("threshold", {"name": "</script><b>"}, "<p>instead</p>")._repr_html_()
    assert text.count("</script>") == text.count("<script") == 3 and "<b>" not in text
