"""Run by test_together.py in a process of its own, with ``KERAS_BACKEND=jax``: models trained together, and each alone.

``python together_probe.py FILE`` writes scores, losses and what the runs of a small grid gave.
"""

import sys

import numpy as np
from jax.stages import Lowered

from ganad.datasets import load_dataset
from ganad.detectors import detector_class
from ganad.detectors.many import fit_together
from ganad.networks.convolution import as_products
from ganad.training import roofline
from ganad.training.adversarial import DivergedError
from ganad_book.sweep.many import Wanted, perform_many

DIGITS = load_dataset("digits")
IMAGES = DIGITS.x.astype(np.float32) / 127.5 - 1
ROWS = [np.flatnonzero(DIGITS.y != 0)[:120], np.flatnonzero(DIGITS.y != 1)[40:200]]  # of different lengths
SMALL = {"epochs": 3, "batch_size": 20, "latent_dim": 4, "width": 0.06, "learning_rate": 2e-3, "decay": 0.5}
METHODS = {"egbad": {"schedule": "cosine"}, "f_anogan": {"critic_steps": 2, "encoder_epochs": 1}}
DATA = {"egbad": IMAGES, "f_anogan": IMAGES.reshape(len(IMAGES), -1)}  # as rows it is compiled in a third of the time


def both_ways(name: str) -> dict[str, np.ndarray]:
    """Scores, thresholds and losses of two models, trained beside a third that has lost its weights; and of each alone."""
    x = DATA[name]
    models, alone = ([detector_class(name)(seed=seed, **SMALL | METHODS[name]) for seed in (5, 6)] for _ in range(2))
    lost = detector_class(name)(seed=7, **SMALL | METHODS[name])
    begin = lost._begin

    def broken(*given):
        networks = begin(*given)
        networks["generator"].set_weights([w * np.nan for w in networks["generator"].get_weights()])
        return networks

    lost._begin = broken
    errors = fit_together([models[0], lost, models[1]], x, [ROWS[0], ROWS[0], ROWS[1]])
    assert isinstance(errors[1], DivergedError) and "epoch 1" in str(errors[1])
    for model, rows in zip(alone, ROWS, strict=True):
        model.fit(x[rows])
    return {f"{name}/diverged": np.array([error is not None for error in errors])} | {
        f"{name}/{way}/{what}": np.array([of(model) for model in each])
        for way, each in (("together", models), ("alone", alone))
        for what, of in {
            "scores": lambda model: model.decision_function(x[:50]),
            "threshold": lambda model: model.threshold_,
            "losses": lambda model: np.concatenate(list(model.history_.values())),
        }.items()
    }


def grid() -> dict[str, np.ndarray]:
    """Three trainings and two scores: how many programs and models, and what share of the roofline."""
    wanted = [
        Wanted(anomaly, seed, score, SMALL | {"anomaly_score": score})
        for anomaly, seed in ((0, 0), (0, 1), (1, 0))
        for score in ("squared", "absolute")
    ]
    parts, rows = [], {}
    for run, finished in perform_many("ganomaly", DIGITS, wanted, on_part=parts.append):
        rows[run.anomaly_class, run.seed, run.variant] = finished.row["auprc"]
    (part,) = parts
    work = roofline.work(detector_class("ganomaly")(**SMALL), (8, 8, 1), 120)
    return {
        "grid/parts": np.array([part.models, part.together, part.share]),
        "grid/auprc": np.array([rows[run.anomaly_class, run.seed, run.variant] for run in wanted]),
        "grid/work": np.array([work.flops, work.bytes, *vars(roofline.peak()).values()]),
    }


def uncounted() -> dict[str, np.ndarray]:
    """A row where JAX tells no operations, as of a program for a GPU; and where convolutions are products of matrices."""
    counted, parts, wanted = (
        Lowered.cost_analysis,
        [],
        [Wanted(0, seed, "one", SMALL | {"anomaly_score": "squared"}) for seed in (0, 1)],
    )
    Lowered.cost_analysis = lambda self: None
    with as_products():
        done = [finished.row["auprc"] for _, finished in perform_many("ganomaly", DIGITS, wanted, on_part=parts.append)]
    Lowered.cost_analysis = counted
    return {"uncounted/auprc": np.array(done), "uncounted/share": np.array([part.share is None for part in parts])}


if __name__ == "__main__":
    found = grid() | uncounted()
    for method in METHODS:
        found |= both_ways(method)
    np.savez(sys.argv[1], **found)
