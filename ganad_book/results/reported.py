"""Published figures, each with its source and how it was read.  Nothing here was measured by us.

``printed``: taken from a table or a sentence we could read.  ``secondary``: a paper's figure as another paper or a
README quotes it.  ``unverified``: recalled from the paper, which we could not read again.  ``read off``: the height of a bar
in the vector graphics of a chart, right to :data:`READING_ERROR`.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Reported:
    """One published result on KDD Cup 99 (10 %), each figure in [0, 1]; None where none was given.

    ``detector`` is the method's name in the results, empty if it is none of this book's.
    """

    method: str
    precision: float | None
    recall: float | None
    f1: float
    source: str
    read: str
    detector: str = ""


KDD = (
    Reported("EGBAD (survey)", 0.941174, 0.956155, 0.948605, "Di Mattia et al. 2019, Table 3", "printed", "egbad"),
    Reported(
        "GANomaly (survey)", 0.830256, 0.841112, 0.835648, "Di Mattia et al. 2019, Table 3", "printed", "ganomaly"
    ),
    Reported(
        "EGBAD, cross-entropy (authors)", 0.9200, 0.9582, 0.9372, "Zenati et al. 2018, EGBAD", "unverified", "egbad"
    ),
    Reported(
        "EGBAD, feature matching (authors)", 0.8698, 0.9523, 0.9058, "Zenati et al. 2018, EGBAD", "unverified", "egbad"
    ),
    Reported("DAGMM", 0.9297, 0.9442, 0.9369, "Zong et al. 2018", "secondary"),
    Reported("ALAD", 0.9427, 0.9577, 0.9501, "Zenati et al. 2018, ALAD", "unverified", "alad"),
)
"""The survey's KDD table and what its neighbours in the literature report."""

SURVEY_EGBAD, SURVEY_GANOMALY = KDD[0], KDD[1]

READING_ERROR = 0.005
"""How far a figure that was read off a chart may be from the one that was drawn."""

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

FIGURE_5 = {"egbad": EGBAD_AUPRC, "ganomaly": GANOMALY_AUPRC}
"""By detector and data set."""


@dataclass(frozen=True)
class Configuration:
    """A series of the survey's appendix A.2: AUPRC by anomalous class 0..9, bar heights read off the charts (± .005).

    Attributes
    ----------
    name : str
        The survey's, and the configuration's in the results.  EGBAD: training loss (b cross-entropy, f feature matching), r with
        a residual loss in E, t, loss in the score (b or f).  GANomaly: its training loss; of CIFAR-10 the charts
        did not let us tell which of the two series is which, so they are called A and B.
    """

    dataset: str
    detector: str
    name: str
    auprc: tuple[float, ...]
    source: str = "Di Mattia et al. 2019, appendix A.2"
    read: str = "read off"

    @property
    def mean(self) -> float:
        """Over the ten classes."""
        return sum(self.auprc) / len(self.auprc)


# fmt: off
APPENDIX = (
    Configuration("mnist", "egbad", "brtb", (0.874, 0.449, 0.884, 0.739, 0.747, 0.736, 0.785, 0.677, 0.773, 0.583)),
    Configuration("mnist", "egbad", "brtf", (0.873, 0.438, 0.883, 0.729, 0.751, 0.733, 0.799, 0.681, 0.770, 0.596)),
    Configuration("mnist", "egbad", "frtb", (0.875, 0.342, 0.874, 0.680, 0.678, 0.771, 0.781, 0.472, 0.794, 0.595)),
    Configuration("mnist", "egbad", "frtf", (0.874, 0.324, 0.877, 0.672, 0.688, 0.770, 0.776, 0.484, 0.791, 0.550)),
    Configuration("mnist", "egbad", "btb", (0.818, 0.888, 0.738, 0.730, 0.590, 0.542, 0.707, 0.576, 0.669, 0.483)),
    Configuration("mnist", "egbad", "btf", (0.809, 0.617, 0.734, 0.725, 0.596, 0.537, 0.703, 0.578, 0.662, 0.491)),
    Configuration("mnist", "egbad", "ftb", (0.878, 0.631, 0.727, 0.664, 0.613, 0.533, 0.707, 0.476, 0.559, 0.501)),
    Configuration("mnist", "egbad", "ftf", (0.877, 0.659, 0.721, 0.663, 0.619, 0.533, 0.714, 0.484, 0.552, 0.504)),
    Configuration("mnist", "ganomaly", "bce", (0.672, 0.245, 0.758, 0.554, 0.540, 0.575, 0.639, 0.389, 0.719, 0.391)),
    Configuration("mnist", "ganomaly", "fm", (0.678, 0.265, 0.720, 0.541, 0.557, 0.584, 0.650, 0.404, 0.716, 0.412)),
    Configuration("fashion_mnist", "egbad", "brtb", (0.689, 0.593, 0.700, 0.718, 0.679, 0.667, 0.625, 0.580, 0.898, 0.779)),
    Configuration("fashion_mnist", "egbad", "frtb", (0.746, 0.762, 0.719, 0.636, 0.676, 0.864, 0.577, 0.528, 0.875, 0.852)),
    Configuration("fashion_mnist", "egbad", "btb", (0.778, 0.769, 0.672, 0.634, 0.593, 0.746, 0.537, 0.780, 0.784, 0.844)),
    Configuration("fashion_mnist", "egbad", "ftb", (0.752, 0.822, 0.643, 0.552, 0.640, 0.867, 0.529, 0.808, 0.803, 0.778)),
    Configuration("fashion_mnist", "ganomaly", "bce", (0.410, 0.650, 0.407, 0.528, 0.432, 0.839, 0.384, 0.501, 0.886, 0.633)),
    Configuration("fashion_mnist", "ganomaly", "fm", (0.428, 0.724, 0.378, 0.469, 0.460, 0.804, 0.372, 0.553, 0.880, 0.650)),
    Configuration("cifar10", "ganomaly", "A", (0.429, 0.515, 0.299, 0.398, 0.263, 0.392, 0.296, 0.388, 0.381, 0.513)),
    Configuration("cifar10", "ganomaly", "B", GANOMALY_AUPRC["cifar10"]),
)
# fmt: on
"""The survey's configurations one by one: its "version 2", each tested while the best model was being chosen."""

TRAINING_SAMPLES = {"mnist": 50_400, "fashion_mnist": 50_400, "cifar10": 43_200}
"""What the survey trains on: 80 % of the normal samples, mean over the classes."""


def figure_5(dataset: str, detector: str) -> tuple[float, ...] | None:
    """AUPRC by class of the survey's main figures (CIFAR-10: of its appendix), None where it has none."""
    return FIGURE_5.get(detector, {}).get(dataset)


def configuration(dataset: str, detector: str, name: str) -> Configuration | None:
    """A series of the appendix, None where there is none."""
    wanted = (dataset, detector, name)
    return next((row for row in APPENDIX if (row.dataset, row.detector, row.name) == wanted), None)
