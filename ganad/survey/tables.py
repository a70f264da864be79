"""The tables a method's chapter ends with: its figures beside the cheap baselines, and its runs on real data."""

from collections.abc import Mapping

import numpy as np
import pandas as pd

from ganad import metrics
from ganad.datasets import Split
from ganad.detectors import IsolationForest, NearestNeighbour, PCAResidual
from ganad.survey import comparison, reported, results


def beside_baselines(scores: Mapping[str, np.ndarray], split: Split, published: float | None = None) -> pd.DataFrame:
    """AUPRC and AUROC of these scores of the test set, of three classical detectors, of chance, and of the worst order.

    Parameters
    ----------
    scores : mapping of str to ndarray (N,)
        By name.
    published : float, optional
        The survey's AUPRC for this data set and class.
    """
    known = dict(scores)
    for baseline in (NearestNeighbour(), PCAResidual(), IsolationForest()):
        known[type(baseline).__name__] = baseline.fit(split.x_train).decision_function(split.x_test)
    rows = {
        name: {"AUPRC": metrics.auprc(split.y_test, score), "AUROC": metrics.auroc(split.y_test, score)}
        for name, score in known.items()
    }
    rows["chance"] = {"AUPRC": split.prevalence, "AUROC": 0.5}
    rows["lowest possible"] = {"AUPRC": metrics.auprc_floor(split.prevalence), "AUROC": 0.0}
    if published is not None:
        rows["survey, Fig. 5"] = {"AUPRC": published, "AUROC": np.nan}
    return pd.DataFrame.from_dict(rows, orient="index").round(2)


def real_runs(detector: str, variant: str = "cpu", dataset: str = "mnist") -> pd.DataFrame:
    """The finished runs of a detector in ``results/survey.csv`` by anomalous class, beside the nearest neighbour's.

    Means over the seeds there are.  Classes have to be called 0 to 9; the survey's own figures are a column where it has some.
    """
    table = results.read().query("dataset == @dataset and variant == @variant")
    by_class = table[table["detector"] == detector].groupby("anomaly_class")
    runs = by_class.mean(numeric_only=True)
    shown = pd.DataFrame({"seeds": by_class.size(), "AUPRC": runs["auprc"], "AUROC": runs["auroc"]})
    nearest = table[table["detector"] == "nearest_neighbour"].set_index("anomaly_class")
    shown["AUPRC of 1-NN"] = nearest["auprc"]
    if published := reported.figure_5(dataset, detector):
        shown["AUPRC, survey"] = [published[int(digit)] for digit in shown.index]
    shown["AUPRC of chance"] = runs["prevalence"]
    shown["training, s"], shown["scoring, s"] = runs["train_seconds"].round(), runs["score_seconds"].round(1)
    return shown.rename_axis("anomaly").round(2)


def budget(detector: str, variant: str = "cpu", dataset: str = "mnist") -> str:
    """What the runs of :func:`real_runs` were given, in words; all values of what was not the same for every run."""
    rows = results.read().query("dataset == @dataset and variant == @variant and detector == @detector")
    if rows.empty:
        return "no finished run"
    given = {
        name: ", ".join(f"{value:,}" for value in sorted(values)) for name, values in comparison.given(rows).items()
    }
    words = [f"{name.replace('_', ' ')} {values}" for name, values in given.items()]
    seeds = ", ".join(map(str, sorted(set(rows["seed"]))))
    return f"{'; '.join(words)}; seed {seeds}; {', '.join(sorted(set(rows['backend'] + ' on a ' + rows['device'])))}"
