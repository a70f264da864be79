"""How fast each of our jobs could be on this machine: its operations over the measured matrix rate, its bytes over the measured
bandwidth.  Operations are counted by JAX's compiler; rates are measured on the backend that does the work."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from benchmarks import ours
from benchmarks.timing import peak_memory
from ganad.backends import backend
from ganad.detectors import ALAD, EGBAD, AnoGAN, GANomaly
from ganad.training import roofline

TRAINED: dict[str, tuple[Callable, tuple[int, ...]]] = {
    "EGBAD, KDD": (EGBAD, ours.KDD),
    "EGBAD, images": (EGBAD, ours.SMALL),
    "EGBAD, images, simultaneous": (lambda: EGBAD(turns="simultaneous"), ours.SMALL),
    "ALAD, KDD": (lambda: ALAD(spectral_normalization=False), ours.KDD),
    "GANomaly training": (GANomaly, ours.LARGE),
}


def rates() -> dict[str, float]:
    """Floating-point operations and bytes a second, as measured here."""
    peak = roofline.peak()
    return {"flops": peak.flops, "bytes": peak.bytes}


def imported() -> float:
    """Memory that the framework, Keras and the detectors take before anything is built, MB."""
    return peak_memory()


def work(names: Sequence[str] | None = None) -> dict[str, dict[str, float]]:
    """Operations and bytes that a sample of each of these jobs takes, or of every one (on JAX, which can count)."""
    jobs = {name: partial(_trained, *job) for name, job in TRAINED.items()} | SCORED
    return {name: jobs[name]() for name in names or jobs}


def _trained(make: Callable, shape: tuple[int, ...]) -> dict[str, float]:
    detector = make()
    rows = detector._reference(shape)["batch_size"]
    detector.epochs = 1
    one = roofline.work(detector, shape, rows)
    return {"flops": one.flops / rows, "bytes": one.bytes / rows}


def _scored(detector: Any, shape: tuple[int, ...], rows: int = 64) -> dict[str, float]:
    networks = ours.prepared(detector, shape)
    variables = [variable for network in networks.values() for variable in network.variables]
    flops = backend().flops(lambda x: detector._judge(networks, x), variables, (rows, *shape))
    return {"flops": flops / rows, "bytes": 0.0}


def _searched(generator: Any, discriminator: Any, latent_dim: int, steps: int, rows: int = 64) -> dict[str, float]:
    """So many steps: the two networks forwards, and backwards to z."""
    variables = [*generator.variables, *discriminator.variables]

    def chain(z: Any) -> Any:
        return backend().input_gradients(lambda z: discriminator(generator(z))[1].sum(1), [z])

    flops = backend().flops(chain, variables, (rows, latent_dim))
    return {"flops": steps * flops / rows, "bytes": 0.0}


def _searched_rows() -> dict[str, float]:
    detector = AnoGAN()
    networks = ours.prepared(detector, ours.KDD)
    return _searched(
        networks["generator"], networks["discriminator"], detector.reference_["latent_dim"], ours.QUERY_STEPS
    )


SCORED: dict[str, Callable[[], dict[str, float]]] = {
    "GANomaly scoring": lambda: _scored(GANomaly(), ours.LARGE),
    "AnoGAN search, KDD": _searched_rows,
    "AnoGAN search, images": lambda: _searched(*ours.search_networks(), 100, ours.SEARCH_STEPS),
}
