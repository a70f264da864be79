"""Many models at once: several seeds side by side on the cores, or the whole grid in one compiled program on a GPU.

In one program each game keeps its own weights, noise, order of rows and length; they share the data, which lies on the device once, and the
program, which moves them all in every step (JAX's ``vmap``).  What a game learns does not depend on its company but for
rounding.  Where the backend has no such program the games are played side by side.
"""

import copy
import math
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

import numpy as np

from ganad.backends import backend
from ganad.training.adversarial import STEPS_PER_CALL, DivergedError, Game
from ganad.training.programs import program

History = dict[str, list[float]]


def train_together(
    games: Sequence[Game],
    data: np.ndarray,
    rows: Sequence[np.ndarray],
    *,
    epochs: int,
    batch_size: int,
    seeds: Sequence[int],
) -> list[History | DivergedError]:
    """Play games that differ in their weights, their rows and their seeds alone.

    Parameters
    ----------
    games : sequence of Game
        M games of the same networks, players and play.
    data : ndarray (N, ...), float32
        Samples of all games.
    rows : sequence of ndarray of int
        Which of them each game trains on.
    epochs, batch_size, seeds
        As in :meth:`ganad.training.adversarial.Game.train`; a seed for each game.

    Returns
    -------
    list
        For each game its history, or the error that ended it: the others go on.
    """
    if not can_train_together():
        return side_by_side(
            [
                partial(game.train, data[own], epochs=epochs, batch_size=batch_size, seed=seed)
                for game, own, seed in zip(games, rows, seeds, strict=True)
            ]
        )
    variables = [game.variables for game in games]
    run = partial(program(("many", games[0].signature), lambda: backend().compile_many()), games[0].step, variables[0])
    resident, states = (backend().to_device(data),), backend().stack(variables)
    outcomes: list[History | DivergedError] = [{name: [] for name in game.players} for game in games]
    orders = (
        game.orders(len(own), epochs, batch_size, seed) for game, own, seed in zip(games, rows, seeds, strict=True)
    )
    for epoch, each in enumerate(zip(*orders, strict=True), 1):
        alive = [isinstance(outcome, dict) for outcome in outcomes]
        if not any(alive):
            break
        parts = []
        for turns in _calls([own[order] for own, order in zip(rows, each, strict=True)], alive):
            states, seen = run(states, resident, *map(backend().to_device, turns))
            parts.append(seen)
        losses = np.concatenate(parts)
        for k, (game, order) in enumerate(zip(games, each, strict=True)):
            if isinstance(history := outcomes[k], dict):
                outcomes[k] = _noted(game, history, losses[: len(order), k], epoch)
    backend().unstack(states, variables)
    return outcomes


def can_train_together() -> bool:
    """Whether the backend has a program for many games (JAX has)."""
    return hasattr(backend(), "compile_many")


def fit_seeds(model: Any, *data: Any, seeds: Iterable[int], **options: Any) -> list[Any]:
    """Copies of a model, one per seed, each fitted as it would be alone; they share one compiled program.

    One training run says little about an adversarial method: show several seeds.

    Parameters
    ----------
    model : detector or generative model
        Not fitted; what is fitted are its copies, which differ in their ``seed``.
    *data
        What its ``fit`` takes.
    seeds : iterable of int
        Different ones, at least one.
    **options
        Of ``fit``, such as ``on_epoch``, which is called in the thread of its copy.

    Returns
    -------
    list
        The fitted copies, in the order of the seeds.

    Raises
    ------
    ValueError
        If there is no seed, or one twice.
    ganad.training.adversarial.DivergedError
        If a training run diverges; the message names its seed.
    """
    seeds = [int(seed) for seed in seeds]
    if not seeds or len(set(seeds)) < len(seeds):
        raise ValueError(f"seeds must be different and at least one, not {seeds}")
    copies = [_with_seed(model, seed) for seed in seeds]
    outcomes = side_by_side([partial(each.fit, *data, **options) for each in copies])
    for seed, outcome in zip(seeds, outcomes, strict=True):
        if isinstance(outcome, DivergedError):
            raise DivergedError(f"seed {seed}: {outcome}") from outcome
    return copies


def _with_seed(model: Any, seed: int) -> Any:
    other = model.__sklearn_clone__() if hasattr(model, "__sklearn_clone__") else copy.copy(model)
    other.seed = seed
    return other


def side_by_side(jobs: Sequence[Callable[[], Any]]) -> list[Any]:
    """Results of training runs that need nothing of each other, in their order; of one that diverges its error.

    Compiled programs leave Python alone, so threads share the cores: small networks keep no more than one busy each.  PyTorch's
    eager steps do not, and run one after the other.
    """
    workers = min(len(jobs), os.cpu_count() or 1) if backend().THREADS else 1
    if workers < 2:
        return [_outcome(job) for job in jobs]
    with ThreadPoolExecutor(workers) as pool:
        try:
            return list(pool.map(_outcome, jobs))
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise


def _outcome(job: Callable[[], Any]) -> Any:
    try:
        return job()
    except DivergedError as error:
        return error


def _calls(orders: Sequence[np.ndarray], alive: Sequence[bool]) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """An epoch in calls of one shape: rows (steps, M, batch), and who moves (steps, M).

    A game that has diverged, or whose epoch is shorter than the longest, stands still on rows that do not matter.
    """
    longest = max(map(len, orders))
    size = math.ceil(longest / math.ceil(longest / STEPS_PER_CALL))
    steps = size * math.ceil(longest / size)
    rows = np.stack([np.resize(order, (steps, order.shape[1])) for order in orders], 1).astype(np.int32)
    moves = np.arange(steps)[:, None] < [len(order) * on for order, on in zip(orders, alive, strict=True)]
    for start in range(0, steps, size):
        yield rows[start : start + size], moves[start : start + size]


def _noted(game: Game, history: History, losses: np.ndarray, epoch: int) -> History | DivergedError:
    """The history with an epoch's mean losses, or why the game is over."""
    try:
        game.check(losses.sum(0), epoch)
    except DivergedError as error:
        return error
    means = losses.mean(0).tolist()
    return {name: [*history[name], mean] for name, mean in zip(game.players, means, strict=True)}
