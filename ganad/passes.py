"""Turns on the same rows share their passes: what one network makes of the batch alone is made once."""

import copy
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from ganad.backends import backend

Gradients = Callable[[Sequence[str]], tuple[list, list]]
"""From the players of a turn to their losses and, for each, the gradient with respect to its own variables."""


def shared(game: Any, play: Callable, turns: Sequence[Sequence[str]], batch: Sequence) -> Gradients:
    """How each of these turns of a :class:`ganad.adversarial.Game`, played one after the other on a batch, finds its gradients."""
    once = _kept(game, play, turns) if len(turns) > 1 else {}
    if not once:
        return lambda turn: game.gradients(turn, *batch)
    return SharedPasses(game, play(game.networks, *batch), once).gradients


def _kept(game: Any, play: Callable, turns: Sequence[Sequence[str]]) -> dict[str, str]:
    """What of a play can be kept for all of these turns: its networks move in the last one, if at all."""
    moved = {network for turn in turns[:-1] for name in turn for network in game.players[name].networks}
    return {network: name for network, name in getattr(play, "once", {}).items() if network not in moved}


class SharedPasses:
    """One play's passes, and gradients through them for who moves their networks.

    Parameters
    ----------
    game : ganad.adversarial.Game
        Whose networks and players they are.
    play : object
        What the networks make of one batch; its noise is drawn.
    once : dict of str to str
        The networks whose passes are kept, and the play's attribute that holds each.
    """

    def __init__(self, game: Any, play: Any, once: Mapping[str, str]) -> None:
        self._game, self._play, self._once = game, play, dict(once)
        networks = [game.networks[name] for name in once]

        def passes() -> list:
            fresh = copy.copy(play)
            return [getattr(fresh, name) for name in once.values()]

        own = [variable for network in networks for variable in network.variables]
        self._made, self._pull = backend().through(passes, [network.trainable_variables for network in networks], own)

    def gradients(self, turn: Sequence[str]) -> tuple[list, list]:
        """Losses of a turn's players and, for each, the gradient with respect to its own variables."""
        players = [self._game.players[name] for name in turn]

        def losses(*given: Any) -> list:
            seen = copy.copy(self._play)
            vars(seen).update(zip(self._once.values(), given or self._made, strict=True))
            return [player.loss(seen) for player in players]

        inputs = self._made if any(name in self._once for player in players for name in player.networks) else []
        groups = [self._game.trainable(player) for player in players]
        values, slopes = backend().gradients(losses, groups, self._game.in_play, inputs)
        if inputs:
            slopes = [self._pulled(player, slope) for player, slope in zip(players, slopes, strict=True)]
        return values, slopes

    def _pulled(self, player: Any, slopes: list) -> list:
        """A player's gradient: the direct one, and the one through each pass of its networks."""
        once = list(self._once)
        direct, at = slopes[: -len(once)], slopes[-len(once) :]
        whole, start = [], 0
        for name in player.networks:
            own = direct[start : start + len(self._game.networks[name].trainable_variables)]
            start += len(own)
            if name in once and at[once.index(name)] is not None:
                k = once.index(name)
                through = self._pull(k, at[k])
                own = [a if b is None else b if a is None else a + b for a, b in zip(own, through, strict=True)]
            whole += own
        return whole
