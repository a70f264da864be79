"""The training step: every player's gradient from one mini-batch, with forward passes that several updates share."""

import copy
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from operator import itemgetter
from typing import Any

import keras

from ganad.backends import backend
from ganad.training.programs import signature


@dataclass(frozen=True)
class Player:
    """Who moves which networks, down which loss, and how.

    Attributes
    ----------
    networks : tuple of str
        Names of the networks whose weights this player moves.
    loss : callable
        Takes the play, returns a scalar to be made small.  A function of its own module, or a ``functools.partial`` of one,
        lets models of the same configuration share a compiled program; a lambda is compiled for each model.
    optimizer : keras.optimizers.Optimizer
        One of its own: no two players share an optimiser's state.
    """

    networks: tuple[str, ...]
    loss: Callable[[Any], Any]
    optimizer: keras.optimizers.Optimizer


@dataclass
class _Kept:
    """Forward passes that several updates on one mini-batch share.

    Attributes
    ----------
    play : object
        All forward passes of the mini-batch; its latent vectors are drawn.
    once : dict of str to str
        The networks whose outputs are kept, and the attribute of ``play`` that holds each.
    outputs : list of tensors
        These outputs, in the order of ``once``.
    pull : callable
        ``pull(k, gradient)``: from the gradient at the k-th output to those of its network's trainable variables.
    """

    play: Any
    once: dict[str, str]
    outputs: list
    pull: Callable[[int, Any], Sequence]


class TrainingStep:
    """All updates of one mini-batch.

    Alternating updates on the same rows reuse the forward passes of networks that do not move in between: with BiGAN's
    ``once`` the discriminator's update and the generator's share E(x) and G(z), and one draw of z.

    Parameters
    ----------
    networks, players, play, turns, shares
        See :class:`ganad.training.adversarial.Game`.

    Attributes
    ----------
    parts : int
        Parts a step's rows are cut into.
    in_play : list of keras.Variable
        What a forward pass may change: all of the networks' variables, and the seed of the noise.
    """

    def __init__(
        self,
        networks: Mapping[str, keras.Model],
        players: Mapping[str, Player],
        play: Callable,
        turns: Sequence[Sequence[str]] | None,
        shares: Sequence[int] | None,
    ) -> None:
        self.networks, self.players, self._play = networks, players, play
        self.turns = [list(turn) for turn in turns] if turns else [list(players)]
        self.shares = list(shares) if shares else [0] * len(self.turns)
        self.parts = max(self.shares) + 1
        self.in_play = [v for network in networks.values() for v in network.variables]
        self.in_play += getattr(play, "variables", ())

    @property
    def signature(self) -> Hashable:
        """What the graph of a step depends on, beside the networks and the play."""
        players = tuple(
            (name, player.networks, signature(player.loss), signature(player.optimizer))
            for name, player in self.players.items()
        )
        return players, tuple(map(tuple, self.turns)), tuple(self.shares)

    def trainable(self, player: Player) -> list[keras.Variable]:
        """The variables this player moves."""
        return [v for name in player.networks for v in self.networks[name].trainable_variables]

    def __call__(self, *batch: Any) -> dict[str, Any]:
        """Every update in order; returns each player's loss, a scalar tensor."""
        losses: dict[str, Any] = {}
        for share, turns in groupby(zip(self.shares, self.turns, strict=True), itemgetter(0)):
            losses |= self._updates([turn for _, turn in turns], self._share(batch, share))
        return losses

    def gradients(self, turn: Sequence[str], *batch: Any) -> tuple[list, list]:
        """Losses of the players of one turn and, for each, the gradient with respect to its own variables."""

        def losses() -> list:
            play = self._play(self.networks, *batch)
            return [self.players[name].loss(play) for name in turn]

        groups = [self.trainable(self.players[name]) for name in turn]
        return backend().gradients(losses, groups, self.in_play)

    def _share(self, batch: Sequence, share: int) -> list:
        rows = batch[0].shape[0] // self.parts
        return [array[share * rows : (share + 1) * rows] for array in batch] if self.parts > 1 else list(batch)

    def _updates(self, turns: Sequence[Sequence[str]], batch: Sequence) -> dict[str, Any]:
        """Updates on the same rows, one after the other; the players' losses."""
        kept, seen = self._keep(turns, batch), {}
        for turn in turns:
            losses, gradients = self._reusing(kept, turn) if kept else self.gradients(turn, *batch)
            for name, loss, gradient in zip(turn, losses, gradients, strict=True):
                player = self.players[name]
                player.optimizer.apply(gradient, self.trainable(player))
                seen[name] = loss
        return seen

    def _keep(self, turns: Sequence[Sequence[str]], batch: Sequence) -> _Kept | None:
        """The forward passes to keep for these updates: of networks that move in the last one, if at all."""
        if len(turns) == 1:
            return None
        moved = {network for turn in turns[:-1] for name in turn for network in self.players[name].networks}
        once = {name: output for name, output in getattr(self._play, "once", {}).items() if name not in moved}
        if not once:
            return None
        play = self._play(self.networks, *batch)

        def outputs() -> list:
            fresh = copy.copy(play)
            return [getattr(fresh, name) for name in once.values()]

        networks = [self.networks[name] for name in once]
        own = [variable for network in networks for variable in network.variables]
        made, pull = backend().through(outputs, [network.trainable_variables for network in networks], own)
        return _Kept(play, once, made, pull)

    def _reusing(self, kept: _Kept, turn: Sequence[str]) -> tuple[list, list]:
        """:meth:`gradients`, from forward passes that were kept."""
        players = [self.players[name] for name in turn]

        def losses(*outputs: Any) -> list:
            play = copy.copy(kept.play)
            vars(play).update(zip(kept.once.values(), outputs or kept.outputs, strict=True))
            return [player.loss(play) for player in players]

        inputs = kept.outputs if any(name in kept.once for player in players for name in player.networks) else []
        groups = [self.trainable(player) for player in players]
        values, gradients = backend().gradients(losses, groups, self.in_play, inputs)
        if inputs:
            gradients = [self._total(kept, *pair) for pair in zip(players, gradients, strict=True)]
        return values, gradients

    def _total(self, kept: _Kept, player: Player, gradients: list) -> list:
        """A player's gradient: the direct one, and the one through each output of its networks that was kept."""
        once = list(kept.once)
        direct, at = gradients[: -len(once)], gradients[-len(once) :]
        total, start = [], 0
        for name in player.networks:
            own = direct[start : start + len(self.networks[name].trainable_variables)]
            start += len(own)
            if name in once and at[once.index(name)] is not None:
                k = once.index(name)
                through = kept.pull(k, at[k])
                own = [a if b is None else b if a is None else a + b for a, b in zip(own, through, strict=True)]
            total += own
        return total
