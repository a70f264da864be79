"""What training has cost: samples a second, and how far that is from what the machine could do."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Part:
    """Runs whose detectors were trained in one go.

    Attributes
    ----------
    models, samples : int
        How many detectors, and how many training samples they met in all: one as often as there were epochs.
    seconds : float
        What the training took, thresholds included.
    together : bool
        Whether in one program.
    share : float or None
        Of the roofline: the least time this machine could have taken over the time it took.  None if the backend does not
        count operations.
    """

    models: int
    samples: int
    seconds: float
    together: bool
    share: float | None = None

    def __str__(self) -> str:
        how = "in one program" if self.together else "by itself" if self.models == 1 else "side by side"
        share = "" if self.share is None else f", {self.share:.0%} of the roofline"
        models = f"{self.models} model{'s' if self.models > 1 else ''}"
        return f"{models} {how}: {self.seconds:.0f} s, {self.samples / self.seconds:,.0f} samples/s{share}"


def cost_of(models: Sequence[Any], shape: tuple[int, ...], samples: int, seconds: float, *, together: bool) -> Part:
    """The cost of models that were trained in one go and differ in class and seed alone.

    Parameters
    ----------
    models : sequence of detectors
        At least one.
    shape : tuple of int
        Of a sample.
    samples : int
        Training samples of all models.
    seconds : float
        What the training took.
    together : bool
        Whether in one program.
    """
    epochs = models[0]._epochs_in_all() if hasattr(models[0], "reference_") else 1
    share = _share(models[0], shape, samples / len(models), len(models), seconds)
    return Part(len(models), epochs * samples, seconds, together, share)


def _share(model: Any, shape: tuple[int, ...], rows: float, models: int, seconds: float) -> float | None:
    if not hasattr(model, "_games"):
        return None
    from ganad.training import roofline

    if not roofline.can_count():
        return None
    try:
        asked = roofline.work(model, shape, round(rows)) * models
        return asked.seconds(roofline.peak()) / seconds if math.isfinite(asked.flops) else None
    except Exception:  # JAX has no CPU here, or the device no memory left: what was trained is kept all the same
        return None
