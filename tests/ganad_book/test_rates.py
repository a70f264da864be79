"""What trains the reference EGBAD: the curves of the residual, on a few images."""

import numpy as np
import pytest

from ganad.datasets import load_dataset
from ganad_book.sweep import rates
from ganad_book.sweep.runner import prepare


@pytest.fixture
def small(tmp_path, monkeypatch):
    """One series on digits: two rates, two seeds, four steps."""
    series = rates.Series(
        "digits", 3, (1e-3, 1e-2), 4, 1, parameters={"width": 0.05, "batch_size": 32}, split={"train": 64, "val": 20}
    )
    monkeypatch.setattr(rates, "SERIES", {"small": series})
    monkeypatch.setenv("GANAD_RESULTS", str(tmp_path / "survey.csv"))
    return series


def test_every_model_has_a_row_after_each_epoch(small):
    rates.complete(["small"])
    table = rates.read()
    assert list(table) == list(rates.COLUMNS) and len(table) == 2 * 2 * 2
    assert sorted(set(table.step)) == [2, 4]
    split = prepare(load_dataset("digits"), 3, small.split)
    median = np.abs(split.x_val - np.median(split.x_train, axis=0)).mean()
    np.testing.assert_allclose(table.median_residual, median, rtol=1e-5)
    last = table[table.step == 4].set_index(["learning_rate", "seed"])
    assert last.residual.nunique() == 4 and np.isfinite(last[["discriminator", "generator", "encoder"]]).all(axis=None)


def test_a_series_that_is_there_is_not_trained_again(small, monkeypatch):
    rates.complete(["small"])
    before = rates.rates_file().read_bytes()
    monkeypatch.setattr(rates, "curves", lambda variant: pytest.fail("trained again"))
    rates.complete(["small"])
    assert rates.rates_file().read_bytes() == before


def test_a_series_that_was_interrupted_begins_anew(small, monkeypatch):
    whole = list(rates.curves("small"))
    monkeypatch.setattr(rates, "curves", lambda variant: iter(whole[:1]))
    rates.complete(["small"])
    assert len(rates.read()) == 4
    monkeypatch.setattr(rates, "curves", lambda variant: iter(whole))
    rates.complete(["small"])
    assert len(rates.read()) == 8


def test_the_committed_series_is_whole(monkeypatch):
    from ganad_book.sweep import results

    monkeypatch.delenv("GANAD_RESULTS", raising=False)
    table = rates.read()
    assert results.results_file().exists()
    for name, series in rates.SERIES.items():
        own = table[table.variant == name]
        assert set(own.learning_rate) == set(series.rates)
        assert (own.step == series.steps).sum() == len(series.rates) * series.seeds
