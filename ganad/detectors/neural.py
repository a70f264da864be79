"""A detector whose model is an adversarial game: what AnoGAN's descendants share."""

import math
from abc import abstractmethod
from collections.abc import Callable, Mapping
from typing import Any, ClassVar

import keras
import numpy as np

from ganad.adversarial import Game
from ganad.backends import backend
from ganad.detectors.base import Detector

SCORING_BATCH = 1024
"""Samples in one scoring call; the last one is padded, so that every sample meets the same compiled program."""


class NeuralDetector(Detector):
    """Trains a :class:`ganad.adversarial.Game` and scores with its averaged networks.

    Subclasses implement ``_reference``, ``_networks``, ``_game`` and ``_judge``.

    Attributes
    ----------
    networks_ : dict of str to keras.Model
        The averaged networks that score.
    history_ : dict of str to list of float
        Each player's mean loss of each epoch.
    reference_ : dict
        The hyper-parameters in force, reference values filled in.
    """

    _not_saved = ("networks",)
    _roles: ClassVar[tuple[str, ...]]
    _steps: ClassVar[int] = 20_000  # of a training whose length is left out; the papers state none

    epochs: int | None
    batch_size: int | None
    seed: int
    verbose: int
    networks: Mapping[str, keras.Model] | None

    @abstractmethod
    def _reference(self, shape: tuple[int, ...]) -> dict[str, Any]:
        """Reference values, for this shape, of the hyper-parameters that may be left out (None)."""

    @abstractmethod
    def _networks(self, shape: tuple[int, ...]) -> dict[str, keras.Model]:
        """The method's networks for samples of this shape."""

    @abstractmethod
    def _game(self, networks: dict[str, keras.Model], total_steps: int) -> Game:
        """The method's players around these networks."""

    @abstractmethod
    def _judge(self, networks: Mapping[str, keras.Model], x: Any) -> tuple[Any, Any]:
        """Scores (N,) and reconstructions, as tensors, with BatchNorm and dropout in inference mode."""

    def _fit(self, x: np.ndarray, on_epoch: Callable | None) -> None:
        self.reference_ = {
            name: reference if getattr(self, name) is None else getattr(self, name)
            for name, reference in self._reference(x.shape[1:]).items()
        }
        steps = max(1, len(x) // self.reference_["batch_size"])
        self.reference_["epochs"] = self.epochs or math.ceil(self._steps / steps)
        game = self._game(self._own_networks() or self._networks(x.shape[1:]), self.reference_["epochs"] * steps)
        self._adopt(game.averaged)
        with _progress(self) as advance:

            def watch(epoch: int, losses: dict[str, float]) -> bool | None:
                advance(losses)
                return on_epoch(epoch, self) if on_epoch else None

            self.history_ = game.train(
                x,
                epochs=self.reference_["epochs"],
                batch_size=self.reference_["batch_size"],
                seed=self.seed,
                on_epoch=watch,
            )

    def _own_networks(self) -> dict[str, keras.Model] | None:
        if self.networks is None:
            return None
        if missing := [role for role in self._roles if role not in self.networks]:
            raise ValueError(f"networks lacks {', '.join(missing)}: {type(self).__name__} has {', '.join(self._roles)}")
        copies = {role: keras.models.clone_model(self.networks[role]) for role in self._roles}
        for role, copy in copies.items():
            copy.set_weights(self.networks[role].get_weights())
        return copies

    def _adopt(self, networks: dict[str, keras.Model]) -> None:
        self.networks_ = networks
        variables = [variable for network in networks.values() for variable in network.variables]
        self._compiled = backend().compile_function(lambda x: self._judge(networks, x), variables)

    def _in_batches(self, x: np.ndarray, which: int) -> np.ndarray:
        parts = []
        for start in range(0, len(x), SCORING_BATCH):
            batch = x[start : start + SCORING_BATCH]
            padded = np.zeros((SCORING_BATCH, *x.shape[1:]), np.float32)
            padded[: len(batch)] = batch
            parts.append(self._compiled(padded)[which][: len(batch)])
        return np.concatenate(parts)

    def _score(self, x: np.ndarray) -> np.ndarray:
        return self._in_batches(x, 0)

    def _reconstruct(self, x: np.ndarray) -> np.ndarray:
        return self._in_batches(x, 1)

    def _state(self) -> tuple[dict[str, np.ndarray], dict]:
        arrays, configs = {}, {}
        for role, network in self.networks_.items():
            configs[role] = keras.saving.serialize_keras_object(network)
            arrays |= {f"{role}/{i}": weight for i, weight in enumerate(network.get_weights())}
        return arrays, {"networks": configs, "history": self.history_, "reference": self.reference_}

    def _restore(self, arrays: dict[str, np.ndarray], header: dict) -> None:
        networks = {}
        for role, config in header["networks"].items():
            networks[role] = keras.saving.deserialize_keras_object(config, safe_mode=True)
            networks[role].set_weights([arrays[f"{role}/{i}"] for i in range(len(networks[role].weights))])
        self.history_, self.reference_ = header["history"], header["reference"]
        self._adopt(networks)

    def __getstate__(self) -> dict:
        return {name: value for name, value in super().__getstate__().items() if name != "_compiled"}

    def __setstate__(self, state: dict) -> None:
        super().__setstate__(state)
        if hasattr(self, "networks_"):
            self._adopt(self.networks_)


class _progress:
    """A Rich bar over the epochs when ``verbose`` is set, nothing otherwise."""

    def __init__(self, detector: NeuralDetector) -> None:
        self._bar = None
        if detector.verbose:
            from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

            self._bar = Progress(
                TextColumn(detector.name),
                BarColumn(),
                MofNCompleteColumn(),
                TimeRemainingColumn(),
                TextColumn("{task.fields[losses]}"),
            )
            self._task = self._bar.add_task("", total=detector.reference_["epochs"], losses="")

    def __enter__(self) -> Callable[[dict[str, float]], None]:
        if self._bar:
            self._bar.start()
        return self._advance

    def _advance(self, losses: dict[str, float]) -> None:
        if self._bar:
            words = "  ".join(f"{name} {loss:.3f}" for name, loss in losses.items())
            self._bar.update(self._task, advance=1, losses=words)

    def __exit__(self, *error: Any) -> None:
        if self._bar:
            self._bar.stop()
