"""What is compared with what, and what was aimed at."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Case:
    """A job of ours or of a peer: where it is made, on which backend, the packages it needs, and further environment."""

    module: str
    function: str
    backend: str = "tensorflow"
    packages: tuple[str, ...] = ()
    environment: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class Comparison:
    """One row of the table.

    Attributes
    ----------
    what, peer : str
        The work, and what ours stands beside.
    ours, theirs : str
        Names of cases; ``theirs`` is empty for a figure that is quoted.
    aim : float
        How many times as fast ours should be.
    quoted : float
        Samples per second on another machine, from the peer's own code.
    alike : str
        In what the work differs, if it does.
    """

    what: str
    peer: str
    ours: str
    theirs: str
    aim: float
    quoted: float = 0.0
    alike: str = "same networks, batch, steps"


@dataclass(frozen=True)
class Effect:
    """What one measure of ours is worth: a case with it over the same work without it.

    Attributes
    ----------
    what, why : str
        The measure and the work; what it saves.
    after, before : str
        Names of cases.
    """

    what: str
    why: str
    after: str
    before: str


def _ours(function: str, environment: Mapping[str, str] | None = None) -> Case:
    return Case("benchmarks.ours", function, environment=tuple((environment or {}).items()))


def _before(function: str) -> Case:
    return Case("benchmarks.before", function)


def _peer(module: str, function: str, *packages: str) -> Case:
    return Case(f"benchmarks.peers.{module}", function, "torch" if packages else "tensorflow", packages)


_ONE_THREAD = {f"{what}_THREADS": "1" for what in ("TF_NUM_INTRAOP", "TF_NUM_INTEROP", "OMP_NUM")}
_EIGEN = {"TF_ENABLE_ONEDNN_OPTS": "0"}

CASES = {
    "AnoGAN search, images": _ours("anogan_images"),
    "PyTorch search, one by one": _peer("plain_torch", "search_one_by_one", "torch"),
    "PyTorch search, batched": _peer("plain_torch", "search_batched", "torch"),
    "AnoGAN search, KDD": _ours("anogan_kdd"),
    "PyOD query": _peer("of_pyod", "anogan_query", "torch", "pyod"),
    "EGBAD, KDD": _ours("egbad_kdd"),
    "EGBAD, KDD, by hand": _peer("plain_tensorflow", "egbad_kdd"),
    "EGBAD, KDD, PyTorch": _peer("plain_torch", "egbad_kdd", "torch"),
    "EGBAD, KDD, a call a batch": _before("by_call"),
    "EGBAD, KDD, passed again": _before("passed_again_kdd"),
    "EGBAD, KDD, one thread": _ours("egbad_kdd", _ONE_THREAD),
    "EGBAD, KDD, simultaneous": _ours("egbad_kdd_simultaneous"),
    "EGBAD, KDD, simultaneous, D once": _before("one_pass_of_d"),
    "ALAD, KDD": _ours("alad_kdd"),
    "PyOD ALAD step": _peer("of_pyod", "alad_step", "torch", "pyod"),
    "EGBAD, images": _ours("egbad_images"),
    "EGBAD, images, by hand": _peer("plain_tensorflow", "egbad_images"),
    "EGBAD, images, PyTorch": _peer("plain_torch", "egbad_images", "torch"),
    "EGBAD, images, Eigen": _ours("egbad_images", _EIGEN),
    "EGBAD, images, passed again": _before("passed_again_images"),
    "EGBAD, images, simultaneous": _ours("egbad_images_simultaneous"),
    "EGBAD, images, simultaneous, by hand": _peer("plain_tensorflow", "egbad_images_simultaneous"),
    "GANomaly training": _ours("ganomaly_training"),
    "GANomaly training, by hand": _peer("plain_tensorflow", "ganomaly_training"),
    "anomalib training": _peer("of_anomalib", "training", "torch", "anomalib"),
    "GANomaly scoring": _ours("ganomaly_scoring"),
    "GANomaly scoring, Eigen": _ours("ganomaly_scoring", _EIGEN),
    "GANomaly scoring, 64 at once": _before("small_scoring"),
    "GANomaly scoring, by hand": _peer("plain_tensorflow", "ganomaly_scoring"),
    "anomalib scoring": _peer("of_anomalib", "scoring", "torch", "anomalib"),
}
"""In the order in which they take turns: a peer right after ours."""

_QUOTED = "its own networks; figure of another machine, two cores"
_QUERY = "hidden layers alike; its query also moves the weights"

COMPARISONS = (
    Comparison("AnoGAN scoring, 28x28, 500 steps", "PyTorch, one by one", "AnoGAN search, images", "PyTorch search, one by one", 10),
    Comparison("AnoGAN scoring, 28x28, 500 steps", "PyTorch, 64 at once", "AnoGAN search, images", "PyTorch search, batched", 2),
    Comparison("AnoGAN scoring, KDD, 20 steps", "PyOD's query", "AnoGAN search, KDD", "PyOD query", 200, alike=_QUERY),
    Comparison("EGBAD training, KDD, batch 50", "one tf.function call a batch", "EGBAD, KDD", "EGBAD, KDD, by hand", 2, alike="ours averages the weights as well"),
    Comparison("EGBAD training, KDD, batch 50", "PyTorch, eager", "EGBAD, KDD", "EGBAD, KDD, PyTorch", 20, alike="ours averages the weights as well"),
    Comparison("ALAD training, KDD, batch 50", "PyOD's ALAD, train step", "ALAD, KDD", "PyOD ALAD step", 4, alike="hidden layers alike"),
    Comparison("EGBAD training, 28x28, batch 100", "TensorFlow by hand", "EGBAD, images", "EGBAD, images, by hand", 1.25, alike="ours averages the weights as well"),
    Comparison("EGBAD training, 28x28, batch 100", "PyTorch, eager", "EGBAD, images", "EGBAD, images, PyTorch", 3, alike="ours averages the weights as well"),
    Comparison("EGBAD training, 28x28, batch 100", "the survey authors' toolbox", "EGBAD, images", "", 5, 151, _QUOTED),
    Comparison("EGBAD training, 28x28, simultaneous", "TensorFlow by hand", "EGBAD, images, simultaneous", "EGBAD, images, simultaneous, by hand", 1.25, alike="ours averages the weights as well"),
    Comparison("GANomaly training, 32x32, batch 64", "TensorFlow by hand", "GANomaly training", "GANomaly training, by hand", 1.5, alike="ours runs D twice, not four times, and averages the weights"),
    Comparison("GANomaly training, 32x32, batch 64", "anomalib", "GANomaly training", "anomalib training", 2.2, alike="its adversarial loss looks at D's verdict; D runs three times"),
    Comparison("GANomaly training, 32x32, batch 64", "its authors' code", "GANomaly training", "", 1.6, 338, _QUOTED),
    Comparison("GANomaly scoring, 32x32", "TensorFlow by hand", "GANomaly scoring", "GANomaly scoring, by hand", 1.3, alike="batches of 1,024 instead of 64"),
    Comparison("GANomaly scoring, 32x32", "anomalib", "GANomaly scoring", "anomalib scoring", 2, alike="batches of 1,024 instead of 64"),
    Comparison("GANomaly scoring, 32x32", "its authors' code", "GANomaly scoring", "", 2, 1961, _QUOTED),
)  # fmt: skip

EFFECTS = (
    Effect("oneDNN's kernels, EGBAD on 28x28", "TensorFlow's own kernels (Eigen)", "EGBAD, images", "EGBAD, images, Eigen"),
    Effect("oneDNN's kernels, GANomaly scoring", "TensorFlow's own kernels (Eigen)", "GANomaly scoring", "GANomaly scoring, Eigen"),
    Effect("one loop for many steps, EGBAD on KDD", "a call from Python a step", "EGBAD, KDD", "EGBAD, KDD, a call a batch"),
    Effect("passes that turns share, EGBAD on KDD", "a forward pass of E and G", "EGBAD, KDD", "EGBAD, KDD, passed again"),
    Effect("passes that turns share, EGBAD on 28x28", "a forward pass of E and G", "EGBAD, images", "EGBAD, images, passed again"),
    Effect("all players at once, EGBAD on KDD", "a forward pass of D; another update", "EGBAD, KDD, simultaneous", "EGBAD, KDD"),
    Effect("all players at once, EGBAD on 28x28", "a forward pass of D; another update", "EGBAD, images, simultaneous", "EGBAD, images"),
    Effect("D once over real and generated, EGBAD on KDD, at once (not adopted)", "half of D's calls, on twice the rows", "EGBAD, KDD, simultaneous, D once", "EGBAD, KDD, simultaneous"),
    Effect("all threads instead of one, EGBAD on KDD", "time of one core", "EGBAD, KDD", "EGBAD, KDD, one thread"),
    Effect("1,024 images at once instead of 64, GANomaly scoring", "fifteen calls of sixteen", "GANomaly scoring", "GANomaly scoring, 64 at once"),
)  # fmt: skip
"""What of ours is timed with and without, in the order of the chapter's table."""


def groups(names: Iterable[str]) -> list[list[str]]:
    """These cases in groups: what is compared, directly or over others, is in one, in the order of :data:`CASES`."""
    pairs = [(each.ours, each.theirs) for each in COMPARISONS] + [(each.after, each.before) for each in EFFECTS]
    group = {name: {name} for name in names}
    for one, other in pairs:
        if one in group and other in group:
            joined = group[one] | group[other]
            group |= dict.fromkeys(joined, joined)
    every = {min(joined, key=list(CASES).index): joined for joined in group.values()}
    return [sorted(every[first], key=list(CASES).index) for first in CASES if first in every]
