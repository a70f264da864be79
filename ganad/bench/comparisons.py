"""What is compared with what, and what was aimed at."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Case:
    """A job of :mod:`ganad.bench.ours` or of a peer: where it is made, on which backend, and the packages it needs."""

    module: str
    function: str
    backend: str = "tensorflow"
    packages: tuple[str, ...] = ()


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


def _ours(function: str, backend: str = "tensorflow") -> Case:
    packages = ("torch",) if backend == "torch" else ()
    return Case("ganad.bench.ours", function, backend, packages)


def _peer(module: str, function: str, *packages: str) -> Case:
    return Case(f"ganad.bench.peers.{module}", function, "torch" if packages else "tensorflow", packages)


CASES = {
    "AnoGAN search, images": _ours("anogan_images"),
    "PyTorch search, one by one": _peer("plain_torch", "search_one_by_one", "torch"),
    "PyTorch search, batched": _peer("plain_torch", "search_batched", "torch"),
    "AnoGAN search, KDD": _ours("anogan_kdd"),
    "PyOD query": _peer("of_pyod", "anogan_query", "torch", "pyod"),
    "EGBAD, KDD": _ours("egbad_kdd"),
    "EGBAD, KDD, a call a batch": _peer("plain_tensorflow", "egbad_kdd_by_call"),
    "EGBAD, KDD, by hand": _peer("plain_tensorflow", "egbad_kdd"),
    "EGBAD, KDD, PyTorch": _ours("egbad_kdd", "torch"),
    "EGBAD, KDD, simultaneous": _ours("egbad_kdd_simultaneous"),
    "ALAD, KDD": _ours("alad_kdd"),
    "PyOD ALAD step": _peer("of_pyod", "alad_step", "torch", "pyod"),
    "EGBAD, images": _ours("egbad_images"),
    "EGBAD, images, by hand": _peer("plain_tensorflow", "egbad_images"),
    "EGBAD, images, PyTorch": _ours("egbad_images", "torch"),
    "EGBAD, images, simultaneous": _ours("egbad_images_simultaneous"),
    "EGBAD, images, simultaneous, by hand": _peer("plain_tensorflow", "egbad_images_simultaneous"),
    "GANomaly training": _ours("ganomaly_training"),
    "GANomaly training, by hand": _peer("plain_tensorflow", "ganomaly_training"),
    "anomalib training": _peer("of_anomalib", "training", "torch", "anomalib"),
    "GANomaly scoring": _ours("ganomaly_scoring"),
    "GANomaly scoring, by hand": _peer("plain_tensorflow", "ganomaly_scoring"),
    "anomalib scoring": _peer("of_anomalib", "scoring", "torch", "anomalib"),
}
"""In the order in which they take turns: a peer right after ours."""

_QUOTED = "its own networks; figure of another machine, two cores"
_OVERHEAD = "hidden layers alike; its query also moves the weights"

COMPARISONS = (
    Comparison("AnoGAN scoring, 28x28, 500 steps", "PyTorch, one by one", "AnoGAN search, images", "PyTorch search, one by one", 10),
    Comparison("AnoGAN scoring, 28x28, 500 steps", "PyTorch, 64 at once", "AnoGAN search, images", "PyTorch search, batched", 2),
    Comparison("AnoGAN scoring, KDD, 20 steps", "PyOD's query", "AnoGAN search, KDD", "PyOD query", 200, alike=_OVERHEAD),
    Comparison("EGBAD training, KDD, batch 50", "one tf.function call a batch", "EGBAD, KDD", "EGBAD, KDD, a call a batch", 2),
    Comparison("EGBAD training, KDD, batch 50", "TensorFlow by hand", "EGBAD, KDD", "EGBAD, KDD, by hand", 2, alike="ours averages the weights as well"),
    Comparison("EGBAD training, KDD, batch 50", "PyTorch, eager", "EGBAD, KDD", "EGBAD, KDD, PyTorch", 20),
    Comparison("ALAD training, KDD, batch 50", "PyOD's ALAD, train step", "ALAD, KDD", "PyOD ALAD step", 4, alike="hidden layers alike"),
    Comparison("EGBAD training, 28x28, batch 100", "TensorFlow by hand", "EGBAD, images", "EGBAD, images, by hand", 1.25, alike="ours averages the weights as well"),
    Comparison("EGBAD training, 28x28, batch 100", "PyTorch, eager", "EGBAD, images", "EGBAD, images, PyTorch", 3),
    Comparison("EGBAD training, 28x28, batch 100", "the survey authors' toolbox", "EGBAD, images", "", 5, 151, _QUOTED),
    Comparison("EGBAD training, 28x28, simultaneous", "TensorFlow by hand", "EGBAD, images, simultaneous", "EGBAD, images, simultaneous, by hand", 1.25, alike="ours averages the weights as well"),
    Comparison("GANomaly training, 32x32, batch 64", "TensorFlow by hand", "GANomaly training", "GANomaly training, by hand", 1.5, alike="ours runs D twice, not four times, and averages the weights"),
    Comparison("GANomaly training, 32x32, batch 64", "anomalib", "GANomaly training", "anomalib training", 2.2, alike="its adversarial loss looks at D's verdict; D runs three times"),
    Comparison("GANomaly training, 32x32, batch 64", "its authors' code", "GANomaly training", "", 1.6, 338, _QUOTED),
    Comparison("GANomaly scoring, 32x32", "TensorFlow by hand", "GANomaly scoring", "GANomaly scoring, by hand", 1.3, alike="batches of 1,024 instead of 64"),
    Comparison("GANomaly scoring, 32x32", "anomalib", "GANomaly scoring", "anomalib scoring", 2, alike="batches of 1,024 instead of 64"),
    Comparison("GANomaly scoring, 32x32", "its authors' code", "GANomaly scoring", "", 2, 1961, _QUOTED),
)  # fmt: skip
