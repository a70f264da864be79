"""The tables a method's chapter ends with: its figures beside the cheap baselines, and its runs on real data."""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from ganad import metrics
from ganad.datasets import Split
from ganad.detectors import IsolationForest, MedianDistance, NearestNeighbour, PCAResidual
from ganad_book.results import comparison, reported
from ganad_book.sweep import results


def beside_baselines(
    scores: Mapping[str, Sequence[np.ndarray]], split: Split, published: float | None = None
) -> pd.DataFrame:
    """AUPRC and AUROC over seeds, of three classical baselines, of the distance to the median, of chance, and of the worst order; as text.

    Parameters
    ----------
    scores : mapping of str to sequence of ndarray (N,)
        By name, the scores of the test set under the detector of each seed.
    published : float, optional
        The survey's AUPRC for this data set and class.
    """
    known = {name: list(each) for name, each in scores.items()}
    for baseline in (NearestNeighbour(), PCAResidual(), IsolationForest(), MedianDistance()):
        known[type(baseline).__name__] = [baseline.fit(split.x_train).decision_function(split.x_test)]
    shown = over_seeds(
        {
            name: {
                "AUPRC": [metrics.auprc(split.y_test, score) for score in each],
                "AUROC": [metrics.auroc(split.y_test, score) for score in each],
            }
            for name, each in known.items()
        }
    )
    shown.loc["chance"] = f"{split.prevalence:.2f}", "0.50"
    shown.loc["lowest possible"] = f"{metrics.auprc_floor(split.prevalence):.2f}", "0.00"
    if published is not None:
        shown.loc["survey, Fig. 5"] = f"{published:.2f}", ""
    return shown


def over_seeds(results: Mapping[str, Mapping[str, Sequence[float]]]) -> pd.DataFrame:
    """Median and range over seeds, as text, of each result of each row.

    Parameters
    ----------
    results : mapping of str to mapping of str to sequence of float
        Row, then column, to the values of all seeds; a single value is shown as it is.
    """
    rows = {
        row: {
            name: str(metrics.spread(values)) if len(values) > 1 else f"{values[0]:.2f}"
            for name, values in columns.items()
        }
        for row, columns in results.items()
    }
    return pd.DataFrame.from_dict(rows, orient="index")


def real_runs(detector: str, dataset: str = "mnist") -> pd.DataFrame:
    """The finished runs of a detector's reference configuration by anomalous class, beside the nearest neighbour's.

    Means over the seeds that the first column counts; with one, the values of its run.  Classes have to be called 0 to 9; the survey's own figures are a column where it has some.  Seconds are shown
    where a run had its machine to itself.
    """
    scale, rows = _reference_runs(detector, dataset)
    table = comparison.image_runs(results.read(), scale, dataset)
    by_class = rows.groupby("anomaly_class")
    runs = by_class.mean(numeric_only=True)
    shown = pd.DataFrame({"seeds": by_class.size(), "AUPRC": runs["auprc"], "AUROC": runs["auroc"]})
    nearest = table[table["detector"] == "nearest_neighbour"].set_index("anomaly_class")
    shown["AUPRC of 1-NN"] = nearest["auprc"]
    if published := reported.figure_5(dataset, detector):
        shown["AUPRC, survey"] = [published[int(digit)] for digit in shown.index]
    shown["AUPRC of chance"] = runs["prevalence"]
    for column, seconds in (
        ("training, s", runs["train_seconds"].round()),
        ("scoring, s", runs["score_seconds"].round(1)),
    ):
        if seconds.notna().any():
            shown[column] = seconds
    return shown.rename_axis("anomaly").round(2)


def _reference_runs(detector: str, dataset: str) -> tuple[str, pd.DataFrame]:
    """The scale that is shown, ``""`` without a run, and its rows."""
    runs = comparison.image_runs(results.read(), dataset=dataset)
    rows = comparison.pick(runs, detector=detector, configuration=comparison.REFERENCE)
    return ("" if rows.empty else rows["scale"].iloc[0]), rows


def budget(detector: str, dataset: str = "mnist") -> str:
    """What the runs of :func:`real_runs` were given, in words; all values of what was not the same for every run."""
    scale, rows = _reference_runs(detector, dataset)
    if rows.empty:
        return "no finished run"
    given = {
        name: ", ".join(f"{value:,}" for value in sorted(values)) for name, values in comparison.given(rows).items()
    }
    words = [f"{name.replace('_', ' ')} {values}" for name, values in given.items()]
    seeds = ", ".join(map(str, sorted(set(rows["seed"]))))
    where = ", ".join(sorted(set(rows["backend"] + " on a " + rows["device"])))
    return f"{scale}: {'; '.join(words)}; seed {seeds}; {where}"
