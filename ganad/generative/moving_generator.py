"""A search that moves the generator too: each query has its own copy of the weights.  Chapter: book/detectors/adgan.ipynb

Deecke et al. 2018, *Image Anomaly Detection with Generative Adversarial Networks* (ECML PKDD), algorithm 1.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np
from keras import layers, ops

from ganad.backends import backend
from ganad.generative.latent_search import BETA_1, BETA_2, EPSILON

WEIGHTS_PER_CALL = 2**22
"""Weights that move side by side in one compiled call, all copies together: a few dozen megabytes."""


class RowWise:
    """A generator whose weights differ from row to row: ``rowwise(z, theta)``.

    A Keras layer has one kernel for a whole batch.  Here row n meets row n of every weight, in batched matrix products, and
    the weights are plain arguments: nothing can be moved by accident, nothing has to be put back.

    Parameters
    ----------
    generator : keras.Model
        A chain of Dense, BatchNormalization (in inference mode) and Conv2DTranspose, and of layers without weights.

    Attributes
    ----------
    theta : list of keras.Variable
        The weights that may move: the generator's trainable ones.

    Raises
    ------
    ValueError
        If a layer has weights and is none of these.
    """

    def __init__(self, generator: keras.Model) -> None:
        self.theta = generator.trainable_variables
        self._layers = [layer for layer in generator.layers if not isinstance(layer, layers.InputLayer)]
        known = {layers.Dense: _dense, layers.BatchNormalization: _normalise, layers.Conv2DTranspose: _transpose}
        self._calls = [known.get(type(layer)) for layer in self._layers]
        for layer, call in zip(self._layers, self._calls, strict=True):
            if layer.weights and call is None:
                raise ValueError(
                    f"weights of a {type(layer).__name__} layer ({layer.name}) cannot move from row to row"
                )

    def __call__(self, z: Any, theta: Sequence) -> Any:
        """G(z) in inference mode; z (N, latent_dim), theta as ``self.theta`` with a first axis of N more."""
        rest, h = list(theta), z
        for layer, call in zip(self._layers, self._calls, strict=True):
            count = len(layer.trainable_variables)
            h = call(layer, h, *rest[:count]) if call else layer(h)
            rest = rest[count:]
        return h


def _dense(layer: layers.Dense, h: Any, kernel: Any, bias: Any = 0.0) -> Any:
    return layer.activation(ops.einsum("ni,nio->no", h, kernel) + bias)


def _normalise(layer: layers.BatchNormalization, h: Any, gamma: Any, beta: Any) -> Any:
    scale = gamma / ops.sqrt(layer.moving_variance + layer.epsilon)
    shift = beta - layer.moving_mean * scale
    between = (slice(None), *[None] * (len(h.shape) - 2))
    return h * scale[between] + shift[between]


def _transpose(layer: layers.Conv2DTranspose, h: Any, kernel: Any, bias: Any = 0.0) -> Any:
    """Every input pixel paints a patch; patches of ``parts`` strides overlap."""
    rows, height, width, channels = ops.shape(h)
    (size, _), (stride, _), filters = layer.kernel_size, layer.strides, layer.filters
    parts = -(-size // stride)
    kernel = ops.pad(kernel, [(0, 0), *[(0, parts * stride - size)] * 2, (0, 0), (0, 0)])
    patches = ops.einsum(
        "nxc,nkc->nxk",
        ops.reshape(h, (rows, height * width, channels)),
        ops.reshape(kernel, (rows, (parts * stride) ** 2 * filters, channels)),
    )
    patches = ops.reshape(patches, (rows, height, width, parts, stride, parts, stride, filters))
    painted = sum(
        ops.pad(patches[:, :, :, i, :, j], [(0, 0), (i, parts - 1 - i), (j, parts - 1 - j), *[(0, 0)] * 3])
        for i in range(parts)
        for j in range(parts)
    )
    height, width = (height + parts - 1) * stride, (width + parts - 1) * stride
    painted = ops.reshape(ops.transpose(painted, (0, 1, 3, 2, 4, 5)), (rows, height, width, filters))
    first, last = _margins(layer, size, stride, parts)
    painted = painted[:, first : height - last, first : width - last]
    return layer.activation(painted + (bias[:, None, None] if layer.use_bias else bias))


def _is_plain(layer: layers.Conv2DTranspose) -> bool:
    square = len(set(layer.kernel_size)) == len(set(layer.strides)) == len(set(layer.dilation_rate)) == 1
    plain = layer.output_padding is None and layer.data_format == "channels_last" and layer.dilation_rate[0] == 1
    return square and plain and layer.kernel_size[0] >= layer.strides[0]


def _margins(layer: layers.Conv2DTranspose, size: int, stride: int, parts: int) -> tuple[int, int]:
    surplus = size - stride if layer.padding == "same" else 0
    return surplus // 2, surplus - surplus // 2 + parts * stride - size


@dataclass(frozen=True)
class Moved:
    """Where R searches for each of N samples ended.

    Attributes
    ----------
    z : ndarray (N, R, latent_dim)
        The latent points.
    loss : ndarray (N, R)
        Mean squared difference of x and what is generated, >= 0.
    generated : ndarray (N, R, ...)
        G(z) with the moved weights.
    distance : ndarray (N, R)
        How far the weights went: the Euclidean norm of their change over their own.
    """

    z: np.ndarray
    loss: np.ndarray
    generated: np.ndarray
    distance: np.ndarray


class MovingSearch:
    """Moves z and a copy of the weights down the squared distance to a sample, from R starts for each sample.

    Parameters
    ----------
    generator : keras.Model
        What :class:`RowWise` takes.  It is read, never written.
    steps : int
        Adam steps of z and weights together, >= 0.
    latent_rate, generator_rate : float
        Their sizes; 0 keeps z, or the weights, where they are.
    """

    def __init__(
        self, generator: keras.Model, *, steps: int = 5, latent_rate: float = 0.25, generator_rate: float = 5e-5
    ) -> None:
        self.steps, self.latent_rate, self.generator_rate = steps, latent_rate, generator_rate
        self._rowwise = RowWise(generator)
        self._weights = sum(int(np.prod(variable.shape)) for variable in self._rowwise.theta)
        self._call = backend().compile_function(self.move, generator.variables)

    def losses(self, x: Any, z: Any, theta: Sequence) -> tuple[Any, Any]:
        """Mean squared difference (N,) of x and G(z), and G(z); row n has weights of its own."""
        generated = self._rowwise(z, theta)
        return ops.mean((x - generated) ** 2, axis=tuple(range(1, len(x.shape)))), generated

    def move(self, x: Any, z: Any) -> tuple:
        """Where N pairs of a sample and a start end: z, losses, what is generated, weights of every row, their distance."""
        theta = [ops.repeat(variable[None], ops.shape(x)[0], axis=0) for variable in self._rowwise.theta]
        here = [z, *theta]

        def step(t: Any, state: tuple) -> tuple:
            here, m, v = state
            _, slopes = backend().input_gradients(lambda z, *theta: self.losses(x, z, theta)[0], here)
            t = ops.cast(t, "float32") + 1
            scale = ops.sqrt(1 - BETA_2**t) / (1 - BETA_1**t)
            m = [BETA_1 * old + (1 - BETA_1) * slope for old, slope in zip(m, slopes, strict=True)]
            v = [BETA_2 * old + (1 - BETA_2) * slope * slope for old, slope in zip(v, slopes, strict=True)]
            rates = [self.latent_rate, *[self.generator_rate] * len(theta)]
            moved = [
                old - rate * scale * mean / (ops.sqrt(square) + EPSILON)
                for old, rate, mean, square in zip(here, rates, m, v, strict=True)
            ]
            return moved, m, v

        still = [ops.zeros_like(each) for each in here]
        z, *moved = ops.fori_loop(0, self.steps, step, (here, still, still))[0]
        loss, generated = self.losses(x, z, moved)
        return z, loss, generated, _distance(moved, theta)

    def search(self, x: np.ndarray, starts: np.ndarray) -> Moved:
        """Search for every sample from every start.

        Parameters
        ----------
        x : ndarray (N, ...), float32
            Samples.
        starts : ndarray (R, latent_dim)
            Where the searches of every sample begin: the same for all, so that a result depends on its sample alone.
        """
        restarts = len(starts)
        together = max(1, min(256, WEIGHTS_PER_CALL // (self._weights * restarts)))
        z = np.tile(starts, (together, 1)).astype(np.float32)
        parts = []
        for start in range(0, len(x), together):
            batch = x[start : start + together]
            padded = np.zeros((together, *x.shape[1:]), np.float32)
            padded[: len(batch)] = batch
            ends = self._call(np.repeat(padded, restarts, axis=0), z)
            parts.append([end.reshape(together, restarts, *end.shape[1:])[: len(batch)] for end in ends])
        z, loss, generated, distance = (np.concatenate(each) for each in zip(*parts, strict=True))
        return Moved(z, loss, generated, distance)


def _distance(moved: Sequence, theta: Sequence) -> Any:
    def squares(weights: Sequence) -> Any:
        return sum(ops.sum(each**2, axis=tuple(range(1, len(each.shape)))) for each in weights)

    return ops.sqrt(squares([new - old for new, old in zip(moved, theta, strict=True)]) / squares(theta))
