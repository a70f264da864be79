"""A detector whose model is an adversarial game: what AnoGAN's descendants share."""

import copy
import math
from abc import abstractmethod
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Any, ClassVar

import keras
import numpy as np

from ganad.backends import backend
from ganad.detectors.base import CONTAMINATION, Detector
from ganad.training.adversarial import Game
from ganad.training.batching import in_calls, sizes_for
from ganad.training.programs import architecture, program
from ganad.validation import ParameterError, Rule, obey, optional, real, whole

_NOT_IN_SCORES = {"batch_size", "contamination", "decay", "epochs", "learning_rate", "networks", "seed", "verbose"}
"""Arguments that no score looks at: models that differ in these alone score by one program."""


class NeuralDetector(Detector):
    """Trains a :class:`ganad.training.adversarial.Game` and scores with its averaged networks.

    Subclasses implement ``_reference`` and ``_networks``, and either ``_game`` or ``_games``, ``_judge`` or ``_compile``.

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
    _scoring: ClassVar[tuple[str, ...]] = ()  # the arguments that training does not look at
    _neural_rules: ClassVar[dict[str, Rule]] = {
        "latent_dim": optional(whole(1, 100_000)),
        "epochs": optional(whole(1, 1_000_000)),
        "batch_size": optional(whole(1, 1_000_000)),
        "learning_rate": optional(real(0, 1)),
        "decay": optional(real(0, 0.9999999)),
        "width": real(1e-3, 1e3),
        "seed": whole(0, 2**31 - 1),
    }
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

    def _game(self, networks: dict[str, keras.Model], total_steps: int) -> Game:
        """The method's players around these networks."""
        raise NotImplementedError

    def _games(self, networks: dict[str, keras.Model], rows: int) -> Iterator[tuple[Game, int]]:
        """The games to play, one after the other, each with its epochs.

        When the generator goes on after a game, ``networks`` holds that game's averages.  One game, for most methods.
        """
        epochs = self.reference_["epochs"]
        yield self._game(networks, epochs * max(1, rows // self.reference_["batch_size"])), epochs

    def _judge(self, networks: Mapping[str, keras.Model], x: Any) -> tuple[Any, Any]:
        """Scores (N,) and reconstructions, as tensors, with BatchNorm and dropout in inference mode.

        A function of the networks, x, and arguments of the constructor other than those of the training's length, optimiser and
        seed: models that agree in these share its compiled program.
        """
        raise NotImplementedError

    def _fall(self, total_steps: int) -> int | None:
        """Steps over which the learning rate falls to zero, for methods with a ``schedule``; None: it stays."""
        return total_steps if self.schedule == "cosine" else None

    def _compile(self, networks: dict[str, keras.Model]) -> Callable:
        """What scores: here :meth:`_judge`, one pass over a batch.  Methods that search replace it."""
        variables = [variable for network in networks.values() for variable in network.variables]
        architectures, sizes = self._architectures(networks), sizes_for(networks.values())

        def score(x: np.ndarray) -> list[np.ndarray]:
            settings = {k: v for k, v in self.get_params(deep=False).items() if k not in _NOT_IN_SCORES}
            key = "judge", type(self), type(self)._judge, tuple(sorted(settings.items())), architectures
            run = program(key, lambda: backend().compile_function())
            return in_calls(partial(run, partial(self._judge, networks), variables), [x], sizes)

        return score

    @staticmethod
    def _architectures(networks: Mapping[str, keras.Model]) -> tuple:
        return tuple((role, architecture(network)) for role, network in networks.items())

    def _fit(self, x: np.ndarray, on_epoch: Callable | None) -> None:
        networks, done = self._begin(x.shape[1:], len(x)), 0
        with _progress(self) as advance:
            for game, epochs in self._games(networks, len(x)):
                networks |= game.averaged
                self._adopt(networks)
                stopped = False

                def watch(epoch: int, losses: dict[str, float], done: int = done) -> bool | None:
                    nonlocal stopped
                    advance(losses)
                    stopped = bool(on_epoch and on_epoch(done + epoch, self))
                    return stopped

                self.history_ |= game.train(
                    x, epochs=epochs, batch_size=self.reference_["batch_size"], seed=self.seed, on_epoch=watch
                )
                done += epochs
                if stopped:
                    break

    def _begin(self, shape: tuple[int, ...], rows: int) -> dict[str, keras.Model]:
        """Settle the hyper-parameters for so many samples of this shape, and make the networks."""
        self.reference_ = {
            name: reference if getattr(self, name) is None else getattr(self, name)
            for name, reference in self._reference(shape).items()
        }
        self.reference_["epochs"] = self.epochs or self._enough_epochs(rows)
        self.history_: dict[str, list[float]] = {}
        return self._own_networks() or self._networks(shape)

    def rescored(self, x: Any, **changes: Any) -> "NeuralDetector":
        """A copy with the same trained networks that scores otherwise: another ``anomaly_score`` or ``kappa``, more ``restarts``.

        Parameters
        ----------
        x : array
            The training samples, for the copy's threshold.
        **changes
            Other values of arguments that only scoring looks at, or of ``contamination``.

        Raises
        ------
        ganad.validation.ParameterError
            For an argument that the training has settled, or a value out of range.
        """
        x = self._checked(x)
        open_to_change = (*self._scoring, "contamination")
        if settled := sorted(changes.keys() - set(open_to_change)):
            raise ParameterError(f"{settled[0]} cannot change without training: only {', '.join(open_to_change)} can")
        other = self._changed(changes)
        other._set_threshold(x)
        return other

    def _changed(self, changes: dict[str, Any]) -> "NeuralDetector":
        other = copy.copy(self).set_params(**changes)
        obey(other.get_params(deep=False), other._rules | CONTAMINATION)
        other._adopt(self.networks_)
        return other

    def _epochs_in_all(self) -> int:
        return self.reference_["epochs"]

    def _enough_epochs(self, rows: int) -> int:
        return math.ceil(self._steps / max(1, rows // self.reference_["batch_size"]))

    def _own_networks(self) -> dict[str, keras.Model] | None:
        if self.networks is None:
            return None
        if missing := [role for role in self._roles if role not in self.networks]:
            raise ValueError(f"networks lacks {', '.join(missing)}: {type(self).__name__} has {', '.join(self._roles)}")
        copies = {role: keras.models.clone_model(self.networks[role]) for role in self._roles}
        for role, network in copies.items():
            network.set_weights(self.networks[role].get_weights())
        return copies

    def _adopt(self, networks: dict[str, keras.Model]) -> None:
        self.networks_ = networks
        self._compiled = self._compile(networks)

    def _score(self, x: np.ndarray) -> np.ndarray:
        return self._compiled(x)[0]

    def _reconstruct(self, x: np.ndarray) -> np.ndarray:
        return self._compiled(x)[1]

    def _state(self) -> tuple[dict[str, np.ndarray], dict]:
        arrays: dict[str, np.ndarray] = {}
        configs = {}
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
            self._task = self._bar.add_task("", total=detector._epochs_in_all(), losses="")

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
