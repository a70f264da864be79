"""The tables a method's chapter ends with: its figures beside the cheap baselines, and its runs on real data."""

from collections.abc import Mapping

import numpy as np
import pandas as pd

from ganad import metrics
from ganad.datasets import Split
from ganad.detectors import IsolationForest, NearestNeighbour, PCAResidual
from ganad.survey import results


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
    """The finished runs of a detector in ``results/survey.csv``: a row for each anomalous class."""
    columns = ["prevalence", "auprc", "auroc", "epochs", "train_seconds", "score_seconds", "parameters"]
    table = results.read().query("dataset == @dataset and detector == @detector and variant == @variant")
    return table.set_index("anomaly_class")[columns].round(3)
