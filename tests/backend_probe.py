"""What a backend makes of fixed input: called by test_backends.py, and run by it for every other ``KERAS_BACKEND``.

``python backend_probe.py FOLDER`` writes ``FOLDER/BACKEND.npz`` and ``FOLDER/BACKEND.keras``; the former holds the scores
under the detectors ``FOLDER/given-METHOD.keras`` as well.
"""

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import keras
import numpy as np

from ganad.backends import backend
from ganad.backends.tracing import TRACES
from ganad.detectors import EGBAD, detector_class, load_detector
from ganad.detectors.egbad import TURNS
from ganad.models.bigan import BiGANPlay, discriminator_loss, encoder_loss, generator_loss
from ganad.networks import bigan_discriminator, bigan_encoder, bigan_generator
from ganad.training.adversarial import Game, Player

LOSSES = {"discriminator": discriminator_loss, "generator": generator_loss, "encoder": encoder_loss}
SHAPES = {"table": (6,), "images": (8, 8, 1)}
SAMPLES = np.random.default_rng(7).random((96, 6), np.float32)
IMAGES = np.random.default_rng(8).uniform(-1, 1, (24, 8, 8, 1)).astype(np.float32)
METHODS = {
    "anogan": {"steps": 4, "restarts": 2},
    "f_anogan": {"encoder_epochs": 1, "critic_steps": 2},
    "ganomaly": {},
    "adgan": {"steps": 3, "restarts": 2},
    "alad": {},
}
"""What each method beside EGBAD is given so that it takes seconds."""


def fixed_game(shape: tuple[int, ...], turns) -> Game:
    """A BiGAN without dropout whose weights no backend has drawn; a step subtracts the gradient itself."""
    networks = {
        "encoder": bigan_encoder(shape, 3, width=0.06),
        "generator": bigan_generator(shape, 3, width=0.06),
        "discriminator": bigan_discriminator(shape, 3, width=0.06, dropout=0.0),
    }
    rng = np.random.default_rng(0)
    for network in networks.values():
        drawn = [rng.normal(0, 0.3, weight.shape).astype(np.float32) for weight in network.weights]
        paths = [weight.path for weight in network.weights]
        network.set_weights([abs(w) + 0.5 if "variance" in p else w for p, w in zip(paths, drawn, strict=True)])
    players = {role: Player((role,), loss, keras.optimizers.SGD(1.0)) for role, loss in LOSSES.items()}
    return Game(networks, players, BiGANPlay, turns=turns, decay=0.5)


def one_step(kind: str, turns: str) -> dict[str, np.ndarray]:
    """One compiled step on x and z that no backend has drawn: losses, gradients, statistics, averages."""
    shape, rng = SHAPES[kind], np.random.default_rng(1)
    game = fixed_game(shape, TURNS[turns])
    x, z = rng.uniform(-1, 1, (12, *shape)).astype(np.float32), rng.normal(size=(12, 3)).astype(np.float32)
    start = {role: network.get_weights() for role, network in game.networks.items()}
    losses = game.train(x, z, epochs=1, batch_size=12)
    found = {f"{kind}/{turns}/loss/{role}": np.float64(loss) for role, (loss,) in losses.items()}
    for role, network in game.networks.items():
        for weight, before, after in zip(network.weights, start[role], network.get_weights(), strict=True):
            what = "gradient" if weight.trainable else "statistics"
            found[f"{kind}/{turns}/{what}/{role}/{len(found)}"] = before - after
        for mean in game.averaged[role].get_weights():
            found[f"{kind}/{turns}/average/{role}/{len(found)}"] = mean
    return found


def detector(seed: int = 3) -> EGBAD:
    """A tiny one, trained."""
    return EGBAD(epochs=2, batch_size=32, latent_dim=4, width=0.2, learning_rate=1e-3, seed=seed).fit(SAMPLES)


def traces_of_a_second_fit() -> np.ndarray:
    """How often training loops and scores were traced before and after a fit of the same configuration with another seed."""
    before = [TRACES["loop"], TRACES["function"]]
    detector(seed=4).decision_function(SAMPLES)
    return np.array([before, [TRACES["loop"], TRACES["function"]]])


def one_by_one(model) -> np.ndarray:
    """Scores of a few images, each scored alone."""
    return np.concatenate([model.decision_function(IMAGES[k : k + 1]) for k in range(8)])


def method(name: str):
    """A tiny detector of this method, trained on images."""
    budget = {"epochs": 1, "batch_size": 12, "latent_dim": 4, "width": 0.05, "learning_rate": 1e-3}
    return detector_class(name)(**budget | METHODS[name]).fit(IMAGES)


def given(folder: Path, name: str) -> Path:
    """The file of a detector that another process trained."""
    return folder / f"given-{name}.keras"


def scores(folder: Path, first: EGBAD) -> dict[str, np.ndarray]:
    """Of two detectors trained from one seed, of the first one saved and loaded, and of the one in the file."""
    path = folder / f"{keras.backend.backend()}.keras"
    first.save(path)
    kept = {"first": first, "again": detector(), "loaded": load_detector(path)}
    kept["given"] = load_detector(given(folder, "egbad"))
    return {f"scores/{name}": each.decision_function(SAMPLES) for name, each in kept.items()}


def method_scores(folder: Path, methods: Mapping[str, Any]) -> dict[str, np.ndarray]:
    """Of each method trained here, and of the one in the file."""
    found = {}
    for name, trained in methods.items():
        found[f"trained/{name}"] = trained.decision_function(IMAGES)
        found[f"losses/{name}"] = np.array([losses[-1] for losses in trained.history_.values()])
        found[f"given/{name}"] = load_detector(given(folder, name)).decision_function(IMAGES)
        found[f"alone/{name}"] = one_by_one(trained)
        found[f"pairs/{name}"] = np.concatenate([trained.decision_function(IMAGES[k : k + 2]) for k in range(0, 8, 2)])
    return found


def largest_singular_values() -> np.ndarray:
    """Of the kernels of a discriminator that was trained with spectral normalisation."""
    bounded = EGBAD(
        epochs=20,
        batch_size=32,
        latent_dim=4,
        width=0.2,
        learning_rate=1e-3,
        spectral_normalization=True,
        turns="simultaneous",
    )
    weights = bounded.fit(SAMPLES).networks_["discriminator"].get_weights()
    return np.array([np.linalg.norm(w, 2) for w in weights if w.ndim == 2 and min(w.shape) > 1])


def every_method() -> dict[str, Any]:
    """A tiny detector of each method, trained on images."""
    return {name: method(name) for name in METHODS}


def probe(folder: Path, first: EGBAD, methods: Mapping[str, Any]) -> None:
    """Write what this backend makes of fixed input, and of the detectors it has trained."""
    found = {"backend": np.array(backend().NAME), "device": np.array(backend().device_name())}
    for kind in SHAPES:
        found |= one_step(kind, "simultaneous") | one_step(kind, "alternating")
    found["singular_values"] = largest_singular_values()
    found |= scores(folder, first)
    found["traces"] = traces_of_a_second_fit()
    np.savez(folder / f"{keras.backend.backend()}.npz", **found, **method_scores(folder, methods))


if __name__ == "__main__":
    probe(Path(sys.argv[1]), detector(), every_method())
