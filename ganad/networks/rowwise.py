"""A generator whose weights differ from row to row.

A Keras layer has one kernel for a whole batch.  A method that bends the generator towards every query (ADGAN) would have to
take one query at a time; as batched matrix products it takes many.
"""

import math
from collections.abc import Callable, Sequence
from typing import Any

import keras
from keras import layers, ops

from ganad.networks.convolution import overlapped, whole_strides


class RowWise:
    """``rowwise(z, theta)``: row n of z meets row n of every weight.

    Parameters
    ----------
    generator : keras.Model
        A chain of Dense, BatchNormalization (in inference mode) and Conv2DTranspose, and of layers without weights; see
        :meth:`knows`.
    """

    def __init__(self, generator: keras.Model) -> None:
        self._layers = _inner(generator)

    @staticmethod
    def knows(generator: keras.Model) -> bool:
        """Whether every layer of the generator can be taken row by row, one after the other."""
        chain = all(len(layer._inbound_nodes) == 1 for layer in _inner(generator))
        single = len(generator.inputs) == len(generator.outputs) == 1
        straight = chain and single and all(not isinstance(layer.input, list) for layer in _inner(generator))
        return straight and all(_known(layer) for layer in _inner(generator))

    def __call__(self, z: Any, theta: Sequence) -> Any:
        """G(z); z (N, latent_dim), theta like ``generator.trainable_variables`` with a first axis of N more."""
        rest, h = list(theta), z
        for layer in self._layers:
            count = len(layer.trainable_variables)
            call = _call(layer)
            h = call(layer, h, *rest[:count]) if call else layer(h, training=False)
            rest = rest[count:]
        return h


def _dense(layer: layers.Dense, h: Any, kernel: Any, bias: Any = 0.0) -> Any:
    return layer.activation(ops.einsum("ni,nio->no", h, kernel) + bias)


def _normalise(layer: layers.BatchNormalization, h: Any, gamma: Any, beta: Any) -> Any:
    scale = gamma / ops.sqrt(layer.moving_variance + layer.epsilon)
    shift = beta - layer.moving_mean * scale
    between = (slice(None), *[None] * (len(h.shape) - 2))
    return h * scale[between] + shift[between]


def _transpose(layer: layers.Conv2DTranspose, h: Any, kernel: Any, bias: Any = None) -> Any:
    rows, height, width, channels = ops.shape(h)
    kernel = whole_strides(kernel, layer.strides)
    points = math.prod(kernel.shape[1:4])
    kernel = ops.reshape(kernel, (rows, points, channels))
    patches = ops.einsum("nxc,nkc->nxk", ops.reshape(h, (rows, height * width, channels)), kernel)
    patches = ops.reshape(patches, (rows, height, width, points))
    painted = overlapped(patches, layer.kernel_size, layer.strides, layer.padding)
    return layer.activation(painted if bias is None else painted + bias[:, None, None])


_CALLS: dict[type, Callable] = {
    layers.Dense: _dense,
    layers.BatchNormalization: _normalise,
    layers.Conv2DTranspose: _transpose,
}


def _call(layer: keras.Layer) -> Callable | None:
    """How a layer with weights is called row by row."""
    return next((call for kind, call in _CALLS.items() if isinstance(layer, kind)), None)


def _inner(generator: keras.Model) -> list[keras.Layer]:
    return [layer for layer in generator.layers if not isinstance(layer, layers.InputLayer)]


def _known(layer: keras.Layer) -> bool:
    if isinstance(layer, layers.Conv2DTranspose):
        square = layer.kernel_size[0] == layer.kernel_size[1] >= layer.strides[0] == layer.strides[1]
        plain = layer.output_padding is None and layer.data_format == "channels_last"
        return square and plain and tuple(layer.dilation_rate) == (1, 1)
    if isinstance(layer, layers.BatchNormalization):
        return layer.center and layer.scale and layer.axis in (-1, len(layer.output.shape) - 1)
    if isinstance(layer, layers.Dense):
        return len(layer.input.shape) == 2
    return not layer.weights
