"""A search that moves the generator too: each query has its own copy of the weights.  Chapter: book/detectors/adgan.ipynb

Deecke et al. 2018, *Image Anomaly Detection with Generative Adversarial Networks* (ECML PKDD), algorithm 1.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np
from keras import ops

from ganad.backends import accelerated, backend
from ganad.networks.rowwise import RowWise
from ganad.search.latent import adam_move
from ganad.training.batching import SIZES, in_calls
from ganad.training.programs import architecture, program

WEIGHTS_PER_CALL = 2**20
"""Weights that move side by side in one compiled call, all copies together: a few dozen megabytes."""

WEIGHTS_PER_CALL_ON_A_GPU = 2**29
"""The same where memory is wide and calls are dear: a few gigabytes."""

FUSED_FROM = 2**15
"""Weights from which compiling the update into one pass over memory is worth its seconds."""


@dataclass(frozen=True)
class Moved:
    """Where the R searches for each of N samples ended.

    Attributes
    ----------
    z : ndarray (N, R, latent_dim)
        The latent points.
    loss : ndarray (N, R)
        Mean squared difference of x and what is generated, >= 0.
    generated : ndarray (N, R, ...)
        G(z) with the moved weights.
    distance : ndarray (N, R)
        How far the weights went: the Euclidean norm of their change, over the norm of the weights.
    """

    z: np.ndarray
    loss: np.ndarray
    generated: np.ndarray
    distance: np.ndarray


class MovingSearch:
    """Moves z and a copy of the weights down the squared distance to a sample, from R starts for each sample.

    The weights are values handed from step to step: the generator is read and never written, nothing has to be put back.

    Parameters
    ----------
    generator : keras.Model
        Of z.  Where :class:`ganad.networks.rowwise.RowWise` knows its layers, many searches run side by side.
    steps : int
        Adam steps of z and weights together, >= 0.
    latent_rate, generator_rate : float
        Their sizes, >= 0; 0 keeps z, or the weights, where they are.
    """

    def __init__(
        self, generator: keras.Model, *, steps: int = 5, latent_rate: float = 0.25, generator_rate: float = 5e-5
    ) -> None:
        self._settings = np.int32(steps), np.float32(latent_rate), np.float32(generator_rate)
        self.theta = generator.trainable_variables
        weights = sum(int(np.prod(variable.shape)) for variable in self.theta)
        side_by_side = RowWise.knows(generator)
        self._generate = RowWise(generator) if side_by_side else _OneRow(generator)
        most = WEIGHTS_PER_CALL_ON_A_GPU if accelerated() else WEIGHTS_PER_CALL
        rows = max(1, min(2048, most // max(1, weights))) if side_by_side else 1
        self._sizes = tuple(sorted({1, *(size for size in SIZES if size < rows), rows}))
        fused = weights > FUSED_FROM
        key = "moving search", type(self), side_by_side, fused, architecture(generator)
        self._program = program(key, lambda: backend().compile_function(fused))
        self._variables = generator.variables

    def losses(self, x: Any, z: Any, theta: Sequence) -> tuple[Any, Any]:
        """Mean squared difference (N,) of x and G(z), and G(z); row n of z meets row n of every weight in theta."""
        generated = self._generate(z, theta)
        return ops.mean((x - generated) ** 2, axis=tuple(range(1, len(x.shape)))), generated

    def move(self, x: Any, z: Any, steps: Any, latent_rate: Any, generator_rate: Any) -> tuple:
        """Where N pairs of a sample and a start end, as tensors: z, loss, what is generated, distance, and the weights."""
        rows = ops.shape(x)[0]
        theta = [ops.repeat(ops.stop_gradient(weight)[None], rows, axis=0) for weight in self.theta]
        rates = [latent_rate, *[generator_rate] * len(theta)]

        def step(t: Any, state: Sequence) -> list:
            _, slopes = backend().input_gradients(
                lambda z, *theta: self.losses(x, z, theta)[0], [each for each, _, _ in state]
            )
            moves = [adam_move(slope, m, v, t) for slope, (_, m, v) in zip(slopes, state, strict=True)]
            return [
                (each - rate * move, m, v) for (each, _, _), rate, (move, m, v) in zip(state, rates, moves, strict=True)
            ]

        start = [(each, ops.zeros_like(each), ops.zeros_like(each)) for each in (z, *theta)]
        z, *moved = (each for each, _, _ in _repeat(step, steps, start))
        loss, generated = self.losses(x, z, moved)
        return z, loss, generated, _distance(moved, theta), moved

    def search(self, x: np.ndarray, starts: np.ndarray) -> Moved:
        """Search for every sample from every start.

        Parameters
        ----------
        x : ndarray (N, ...), float32
            Samples.
        starts : ndarray (R, latent_dim)
            Where the searches of every sample begin: the same for all, so that a result depends on its sample alone.
        """
        pairs = np.repeat(x, len(starts), axis=0), np.tile(starts, (len(x), 1))
        ends = in_calls(self._call, pairs, self._sizes)
        return Moved(*(end.reshape(len(x), len(starts), *end.shape[1:]) for end in ends))

    def _call(self, x: np.ndarray, z: np.ndarray) -> Sequence[np.ndarray]:
        # steps and rates are arguments of the program: searches that differ in these share it
        return self._program(lambda *given: self.move(*given)[:-1], self._variables, x, z, *self._settings)


class _OneRow:
    """Any generator, called with other weights; RowWise's interface for a single row."""

    def __init__(self, generator: keras.Model) -> None:
        self._generator = generator

    def __call__(self, z: Any, theta: Sequence) -> Any:
        values = [weight[0] for weight in theta]
        with keras.StatelessScope(list(zip(self._generator.trainable_variables, values, strict=True))):
            return self._generator(z, training=False)


def _repeat(step: Callable, times: Any, state: list) -> list:
    return ops.fori_loop(0, times, lambda i, state: step(ops.cast(i, "float32") + 1, state), state)


def _distance(moved: Sequence, theta: Sequence) -> Any:
    change = _squares([new - old for new, old in zip(moved, theta, strict=True)])
    return ops.sqrt(change / _squares(theta))


def _squares(weights: Sequence) -> Any:
    return sum(ops.sum(each**2, axis=tuple(range(1, len(each.shape)))) for each in weights)
