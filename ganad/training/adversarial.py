"""Adversarial games: players, the one training step, and the loop around it.

A method of the survey is a few *networks*, a *play* (what the networks make of one mini-batch) and the *players*: each
moves some of the networks down its own loss, with its own optimiser.  Everything else, on whatever framework, is here.
"""

import gc
import math
import os
from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from functools import cached_property
from typing import Any

import keras
import numpy as np
from keras import ops

from ganad.backends import backend
from ganad.errors import GanadError
from ganad.training.programs import architecture, program, signature
from ganad.training.step import Player, TrainingStep

Losses = dict[str, float]

STEPS_PER_CALL = 256
"""Steps in one compiled call: enough to hide the call, few enough to notice soon that a loss is not finite."""


COLLECTED_EVERY = 2**24
"""Bytes of new models after which garbage is collected: often enough for memory, seldom enough for time."""


class DivergedError(GanadError, FloatingPointError):
    """A loss became NaN or infinite: nothing after this step would mean anything."""

    exit_code = 1


def binary_cross_entropy(logits: Any, real: bool) -> Any:
    """Mean of -log sigmoid(logits) for ``real``, of -log(1 - sigmoid(logits)) otherwise; logits (N, 1), scalar out."""
    return ops.mean(ops.softplus(-logits if real else logits))


def adam(
    learning_rate: float,
    *,
    total_steps: int | None = None,
    beta_1: float = 0.5,
    beta_2: float = 0.999,
    warm_up: int = 0,
) -> keras.optimizers.Optimizer:
    """Adam as GANs use it (Radford et al. 2016: beta_1 = .5).

    Parameters
    ----------
    learning_rate : float
        Step size, > 0.
    total_steps : int, optional
        Steps over which the rate falls to zero along half a cosine; constant when left out.
    beta_1, beta_2 : float
        Decay of the first and of the second moment, in [0, 1).
    warm_up : int
        Steps over which the rate first rises from zero (with ``total_steps`` only).
    """
    rate = learning_rate
    if total_steps is not None:
        rate = keras.optimizers.schedules.CosineDecay(
            0.0 if warm_up else learning_rate,
            max(1, total_steps - warm_up),
            warmup_target=learning_rate if warm_up else None,
            warmup_steps=warm_up,
        )
        # a variable, so that games of different lengths can share one program
        rate.decay_steps = keras.Variable(float(rate.decay_steps), trainable=False, name="decay_steps")
    return backend().Adam(rate, beta_1=beta_1, beta_2=beta_2, name="adam")


def _length(optimizer: keras.optimizers.Optimizer) -> list[keras.Variable]:
    """The number of steps an optimiser's rate falls over, if it falls."""
    length = getattr(optimizer._learning_rate, "decay_steps", None)
    return [length] if isinstance(length, keras.Variable) else []


class LatentPlay:
    """Makes a play of a mini-batch by drawing z from the standard normal prior, from a seed of its own."""

    def __init__(self, play: type, latent_dim: int, seed: int) -> None:
        self._play, self.latent_dim = play, latent_dim
        self.once = getattr(play, "once", {})
        self._seed = keras.random.SeedGenerator(int(seed), name="noise")  # Keras takes no NumPy integer
        self.variables = [self._seed.state]

    @property
    def signature(self) -> Hashable:
        """What a program depends on: all but the seed."""
        return type(self), self._play, self.latent_dim

    def __call__(self, networks: Mapping[str, keras.Model], x: Any) -> Any:
        """The play of mini-batch x, (N, ...), and N fresh latent points."""
        z = keras.random.normal((ops.shape(x)[0], self.latent_dim), seed=self._seed)
        return self._play(networks, x, z)


class Game:
    """Networks, the players who move them, and the moving averages that score.

    Parameters
    ----------
    networks : mapping of str to keras.Model
        Functional models, built.
    players : mapping of str to Player
        In the order in which their losses are reported.
    play : callable
        ``play(networks, *batch)`` returns what the losses look at; best with cached properties, so that a forward pass
        two players share is computed once.  Its attribute ``once``, if it has one, names what only one network makes, from the
        batch alone, ``{"generator": "generated"}``: turns on the same rows then share these passes, and one play's noise.
    turns : sequence of sequences of str, optional
        Who moves at once.  Default: one turn, everybody, from one forward pass.  ``(("discriminator",), ("generator",
        "encoder"))`` lets the discriminator move first and the others answer it.
    shares : sequence of int, optional
        Which part of a step's rows each turn plays on: ``(0, 1, 2, 2)`` cuts them into three parts and lets the fourth turn
        see the third again.  Default: every turn sees them all.
    decay : float
        Decay of the moving average of all weights, in [0, 1); 0 scores with the weights as they are.  In the first
        steps a faster decay, (1 + t) / (10 + t), forgets the initial weights.

    Attributes
    ----------
    parts : int
        Parts a step's rows are cut into, one for most games; a step takes ``batch_size * parts`` rows.
    update : ganad.training.step.TrainingStep
        The losses, gradients and optimisers of a step.
    averaged : dict of str to keras.Model
        Same architectures, weights and BatchNorm statistics averaged over the steps: use these for scoring.
    """

    def __init__(
        self,
        networks: Mapping[str, keras.Model],
        players: Mapping[str, Player],
        play: Callable,
        *,
        turns: Sequence[Sequence[str]] | None = None,
        shares: Sequence[int] | None = None,
        decay: float = 0.999,
    ) -> None:
        self.networks = dict(networks)
        _perturb(self.networks)
        self.players = dict(players)
        self.update = TrainingStep(self.networks, self.players, play, turns, shares)
        self.parts = self.update.parts
        self.decay = decay
        self.averaged = {name: _twin(network) for name, network in self.networks.items()}
        self._play = play
        self._steps = keras.Variable(0, dtype="int32", trainable=False, name="steps")
        for player in self.players.values():
            player.optimizer.build(self.update.trainable(player))
        self._loops: dict[int, Callable] = {}
        _collect(self.variables)

    @cached_property
    def variables(self) -> list[keras.Variable]:
        """Everything a step may change, each once."""
        owners = [
            *self.networks.values(),
            *self.averaged.values(),
            *(player.optimizer for player in self.players.values()),
        ]
        every = [variable for owner in owners for variable in owner.variables]
        every += [*self.update.in_play, self._steps]
        every += [length for player in self.players.values() for length in _length(player.optimizer)]
        return list({id(variable): variable for variable in every}.values())

    @cached_property
    def signature(self) -> Hashable:
        """What two games have in common that can share a program: all but weights, seeds and the length of training."""
        networks = tuple((name, architecture(network)) for name, network in self.networks.items())
        return networks, self.update.signature, signature(self._play), self.decay

    def gradients(self, turn: Sequence[str], *batch: Any) -> tuple[list, list]:
        """Losses of the players of one turn and, for each, the gradient with respect to its own variables."""
        return self.update.gradients(turn, *batch)

    def step(self, *batch: Any) -> Any:
        """One mini-batch: every turn in order, then the averages.  Returns the losses, stacked in the players' order."""
        losses = self.update(*batch)
        self._average()
        return ops.stack([losses[name] for name in self.players])

    def _average(self) -> None:
        t = ops.cast(self._steps, "float32")
        rate = ops.maximum(1.0 - self.decay, 9.0 / (10.0 + t)) if self.decay else 1.0
        for name, network in self.networks.items():
            for live, mean in zip(network.weights, self.averaged[name].weights, strict=True):
                mean.assign_add((live - mean) * rate)
        self._steps.assign_add(1)

    def train(
        self,
        *data: np.ndarray,
        epochs: int,
        batch_size: int,
        seed: int = 0,
        on_epoch: Callable[[int, Losses], bool | None] | None = None,
    ) -> dict[str, list[float]]:
        """Play the game on data that is moved to the device once.

        Parameters
        ----------
        *data : ndarray
            Arrays of N rows; a batch takes the same rows of each.
        epochs, batch_size : int
            An epoch is N // (batch_size * parts) steps on rows drawn without replacement.
        seed : int
            Of the order of the rows; the networks carry their own seeds.
        on_epoch : callable, optional
            Called with the epoch (from 1) and its mean losses; returning True ends the training.

        Returns
        -------
        dict of str to list of float
            For each player its mean loss of each epoch.

        Raises
        ------
        DivergedError
            As soon as a loss is seen not to be finite; the message names the player and the epoch.
        """
        resident = tuple(backend().resident(array) for array in data)
        history: dict[str, list[float]] = {name: [] for name in self.players}
        for epoch, order in enumerate(self.orders(len(data[0]), epochs, batch_size, seed), 1):
            losses = self._epoch(resident, order, epoch)
            for name, loss in losses.items():
                history[name].append(loss)
            if on_epoch is not None and on_epoch(epoch, losses):
                break
        return history

    def orders(self, count: int, epochs: int, batch_size: int, seed: int) -> Iterator[np.ndarray]:
        """Of each epoch, the rows of its steps, (steps, batch_size * parts), int32: drawn without replacement."""
        rng = np.random.default_rng(seed)
        rows = max(count, self.parts)
        batch_size = min(batch_size * self.parts, rows // self.parts * self.parts)
        for _ in range(epochs):
            order = np.resize(rng.permutation(count), rows // batch_size * batch_size)
            yield order.astype(np.int32).reshape(-1, batch_size)

    def _epoch(self, data: tuple, order: np.ndarray, epoch: int) -> Losses:
        total = np.zeros(len(self.players))
        for start in range(0, len(order), STEPS_PER_CALL):
            rows = order[start : start + STEPS_PER_CALL]
            padded = np.resize(rows, (STEPS_PER_CALL, rows.shape[1]))  # epochs of any length share the program
            total += self.run(data, backend().to_device(padded), 0, len(rows))
            self.check(total, epoch)
        return dict(zip(self.players, (total / len(order)).tolist(), strict=True))

    def run(self, data: tuple, order: Any, start: int, stop: int) -> np.ndarray:
        """Take the steps ``start`` to ``stop`` in one compiled call.

        Parameters
        ----------
        data : tuple
            Arrays of the backend (``resident``).
        order : tensor of int
            Rows of each step, (steps, rows of a step), on the device.

        Returns
        -------
        ndarray (players,)
            The sum of each player's losses.
        """
        rows = tuple(order.shape)[1]  # a program's batches have one size
        if rows not in self._loops:
            width = len(self.players)
            self._loops[rows] = program(("loop", self.signature, rows), lambda: backend().compile_loop(width))
        return self._loops[rows](self.step, self.variables, data, order, start, stop)

    def check(self, losses: np.ndarray, epoch: int) -> None:
        """Raise :class:`DivergedError` if one of the players' losses (in their order) is not finite."""
        for name, value in zip(self.players, losses, strict=True):
            if not math.isfinite(value):
                raise DivergedError(
                    f"the {name}'s loss is no longer finite in epoch {epoch}: lower the learning rate or scale the data"
                )


def _perturb(networks: Mapping[str, keras.Model]) -> None:
    """With ``GANAD_PERTURB=seed`` in the environment, change the last bit of initial weights, at random.

    What a result does then it also does on another processor: see ``tools/stability.py``.
    """
    if not (seed := os.environ.get("GANAD_PERTURB")):
        return
    rng = np.random.default_rng(int(seed))
    for network in networks.values():
        for variable in network.trainable_variables:
            value = keras.ops.convert_to_numpy(variable.value)
            variable.assign(value * (1 + rng.choice([-1, 1], value.shape) * 2.0**-23).astype(np.float32))


_uncollected = 0


def _collect(variables: Sequence[keras.Variable]) -> None:
    """Free the models that nobody holds any more: Keras' are cycles, which Python would keep for dozens of fits."""
    global _uncollected
    _uncollected += sum(4 * math.prod(variable.shape) for variable in variables)
    if _uncollected > COLLECTED_EVERY:
        gc.collect()
        _uncollected = 0


def _twin(network: keras.Model) -> keras.Model:
    twin = keras.models.clone_model(network)
    twin.set_weights(network.get_weights())
    return twin
