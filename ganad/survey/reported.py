"""Published figures, each with its source and how it was read.  Nothing here was measured by us.

``printed``: taken from a table or a sentence we could read.  ``secondary``: a paper's figure as another paper or a
README quotes it.  ``unverified``: recalled from the paper, which we could not read again.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Reported:
    """One published result on KDD Cup 99 (10 %), each figure in [0, 1]; None where none was given."""

    method: str
    precision: float | None
    recall: float | None
    f1: float
    source: str
    read: str


KDD = (
    Reported("EGBAD (survey)", 0.941174, 0.956155, 0.948605, "Di Mattia et al. 2019, Table 3", "printed"),
    Reported("GANomaly (survey)", 0.830256, 0.841112, 0.835648, "Di Mattia et al. 2019, Table 3", "printed"),
    Reported("EGBAD, cross-entropy (authors)", 0.9200, 0.9582, 0.9372, "Zenati et al. 2018, EGBAD", "unverified"),
    Reported("EGBAD, feature matching (authors)", 0.8698, 0.9523, 0.9058, "Zenati et al. 2018, EGBAD", "unverified"),
    Reported("DAGMM", 0.9297, 0.9442, 0.9369, "Zong et al. 2018", "secondary"),
    Reported("ALAD", 0.9427, 0.9577, 0.9501, "Zenati et al. 2018, ALAD", "unverified"),
)
"""The survey's KDD table and what its neighbours in the literature report."""

SURVEY_EGBAD, SURVEY_GANOMALY = KDD[0], KDD[1]

EGBAD_AUPRC = {
    "mnist": (0.836, 0.873, 0.879, 0.788, 0.747, 0.789, 0.843, 0.828, 0.779, 0.555),
    "fashion_mnist": (0.683, 0.918, 0.686, 0.713, 0.594, 0.708, 0.595, 0.849, 0.886, 0.875),
}
"""AUPRC of EGBAD by anomalous class 0..9: bar heights read off the vector graphics of the survey's Figure 5 (± .005)."""

GANOMALY_AUPRC = {
    "mnist": (0.667, 0.248, 0.733, 0.569, 0.569, 0.603, 0.670, 0.402, 0.703, 0.398),
    "fashion_mnist": (0.411, 0.790, 0.386, 0.485, 0.425, 0.838, 0.404, 0.528, 0.868, 0.637),
    "cifar10": (0.416, 0.530, 0.314, 0.436, 0.293, 0.420, 0.368, 0.405, 0.401, 0.542),
}
"""AUPRC of GANomaly by anomalous class 0..9: bar heights of the survey's Figure 5; CIFAR-10 of its appendix A.2 (± .005)."""
