"""Adversarial games: players, the one training step, and the loop around it.

A method of the survey is a few *networks*, a *play* (what the networks make of one mini-batch) and the *players*: each
moves some of the networks down its own loss, with its own optimiser.  Everything else, on whatever framework, is here.
"""

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from operator import itemgetter
from typing import Any

import keras
import numpy as np
from keras import ops

from ganad.backends import backend
from ganad.passes import shared

Losses = dict[str, float]

STEPS_PER_CALL = 256
"""Steps in one compiled call: enough to hide the call, few enough to notice soon that a loss is not finite."""


class DivergedError(FloatingPointError):
    """A loss became NaN or infinite: nothing after this step would mean anything."""


@dataclass(frozen=True)
class Player:
    """Who moves which networks, down which loss, and how.

    Attributes
    ----------
    networks : tuple of str
        Names of the networks whose weights this player moves.
    loss : callable
        Takes the play, returns a scalar to be made small.
    optimizer : keras.optimizers.Optimizer
        One of its own: no two players share an optimiser's state.
    """

    networks: tuple[str, ...]
    loss: Callable[[Any], Any]
    optimizer: keras.optimizers.Optimizer


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
    return keras.optimizers.Adam(rate, beta_1=beta_1, beta_2=beta_2)


def _length(optimizer: keras.optimizers.Optimizer) -> list[keras.Variable]:
    """The number of steps an optimiser's rate falls over, if it falls."""
    length = getattr(optimizer._learning_rate, "decay_steps", None)
    return [length] if isinstance(length, keras.Variable) else []


class LatentPlay:
    """Makes a play of a mini-batch by drawing z from the standard normal prior, from a seed of its own."""

    def __init__(self, play: type, latent_dim: int, seed: int) -> None:
        self._play, self.latent_dim = play, latent_dim
        self.once = getattr(play, "once", {})
        self._seed = keras.random.SeedGenerator(int(seed))  # Keras takes no NumPy integer
        self.variables = [self._seed.state]

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
    in_play : list of keras.Variable
        What a play may change: all of its networks' variables, and the seed of its noise.
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
        self.players = dict(players)
        self.turns = [list(turn) for turn in turns] if turns else [list(players)]
        self.shares = list(shares) if shares else [0] * len(self.turns)
        self.parts = max(self.shares) + 1
        self.decay = decay
        self.averaged = {name: _twin(network) for name, network in self.networks.items()}
        self._play = play
        self.in_play = [v for network in self.networks.values() for v in network.variables]
        self.in_play += getattr(play, "variables", ())
        self._steps = keras.Variable(0, dtype="int32", trainable=False, name="steps")
        for player in self.players.values():
            player.optimizer.build(self.trainable(player))
        self._loop = backend().compile_loop(self.step, self.variables, len(self.players))

    def trainable(self, player: Player) -> list[keras.Variable]:
        """The variables this player moves."""
        return [v for name in player.networks for v in self.networks[name].trainable_variables]

    @property
    def variables(self) -> list[keras.Variable]:
        """Everything a step may change, each once."""
        owners = [
            *self.networks.values(),
            *self.averaged.values(),
            *(player.optimizer for player in self.players.values()),
        ]
        every = [variable for owner in owners for variable in owner.variables]
        every += [*self.in_play, self._steps]
        every += [length for player in self.players.values() for length in _length(player.optimizer)]
        return list({id(variable): variable for variable in every}.values())

    def gradients(self, turn: Sequence[str], *batch: Any) -> tuple[list, list]:
        """Losses of the players of one turn and, for each, the gradient with respect to its own variables."""

        def losses() -> list:
            play = self._play(self.networks, *batch)
            return [self.players[name].loss(play) for name in turn]

        groups = [self.trainable(self.players[name]) for name in turn]
        return backend().gradients(losses, groups, self.in_play)

    def step(self, *batch: Any) -> Any:
        """One mini-batch: every turn in order, then the averages.  Returns the losses, stacked in the players' order."""
        seen = {}
        for share, turns in groupby(zip(self.shares, self.turns, strict=True), itemgetter(0)):
            seen |= self._turns([turn for _, turn in turns], self._share(batch, share))
        self._average()
        return ops.stack([seen[name] for name in self.players])

    def _turns(self, turns: Sequence[Sequence[str]], batch: Sequence) -> dict[str, Any]:
        """Turns on the same rows, one after the other; the players' losses."""
        seen, gradients = {}, shared(self, self._play, turns, batch)
        for turn in turns:
            for name, loss, slope in zip(turn, *gradients(turn), strict=True):
                player = self.players[name]
                player.optimizer.apply(slope, self.trainable(player))
                seen[name] = loss
        return seen

    def _share(self, batch: Sequence, share: int) -> list:
        rows = batch[0].shape[0] // self.parts
        return [array[share * rows : (share + 1) * rows] for array in batch] if self.parts > 1 else list(batch)

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
        resident = tuple(backend().to_device(array) for array in data)
        history = {name: [] for name in self.players}
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
        batches, total = len(order), np.zeros(len(self.players))
        order = backend().to_device(order)
        for start in range(0, batches, STEPS_PER_CALL):
            total += self._loop(data, order, start, min(batches, start + STEPS_PER_CALL))
            self.check(total, epoch)
        return dict(zip(self.players, (total / batches).tolist(), strict=True))

    def check(self, losses: np.ndarray, epoch: int) -> None:
        """Raise :class:`DivergedError` if one of the players' losses (in their order) is not finite."""
        for name, value in zip(self.players, losses, strict=True):
            if not math.isfinite(value):
                raise DivergedError(
                    f"the {name}'s loss is no longer finite in epoch {epoch}: lower the learning rate or scale the data"
                )


def _twin(network: keras.Model) -> keras.Model:
    twin = keras.models.clone_model(network)
    twin.set_weights(network.get_weights())
    return twin
