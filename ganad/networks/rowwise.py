"""A generator whose weights differ from row to row.

A Keras layer has one kernel for a whole batch.  A method that bends the generator towards every query (ADGAN) would have to
take one query at a time; as batched matrix products it takes many.
"""

from collections.abc import Sequence
from typing import Any

import keras
from keras import layers, ops


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
            call = _CALLS.get(type(layer))
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
    """Every pixel paints a patch, patches overlap: a patch is ``parts`` strides wide."""
    rows, height, width, channels = ops.shape(h)
    (size, _), (stride, _), filters = layer.kernel_size, layer.strides, layer.filters
    parts = -(-size // stride)
    kernel = ops.pad(kernel, [(0, 0), *[(0, parts * stride - size)] * 2, (0, 0), (0, 0)])
    patches = ops.einsum(
        "nxc,nkc->nxk",
        ops.reshape(h, (rows, height * width, channels)),
        ops.reshape(kernel, (rows, (parts * stride) ** 2 * filters, channels)),
    )
    painted = _paint(ops.reshape(patches, (rows, height, width, parts, stride, parts, stride, filters)), parts)
    surplus = size - stride if layer.padding == "same" else 0
    first, last = surplus // 2, surplus - surplus // 2 + parts * stride - size
    painted = painted[:, first : painted.shape[1] - last, first : painted.shape[2] - last]
    return layer.activation(painted if bias is None else painted + bias[:, None, None])


def _paint(patches: Any, parts: int) -> Any:
    rows, height, width, _, stride, _, _, filters = ops.shape(patches)
    painted = sum(
        ops.pad(patches[:, :, :, i, :, j], [(0, 0), (i, parts - 1 - i), (j, parts - 1 - j), *[(0, 0)] * 3])
        for i in range(parts)
        for j in range(parts)
    )
    shape = (rows, (height + parts - 1) * stride, (width + parts - 1) * stride, filters)
    return ops.reshape(ops.transpose(painted, (0, 1, 3, 2, 4, 5)), shape)


_CALLS = {layers.Dense: _dense, layers.BatchNormalization: _normalise, layers.Conv2DTranspose: _transpose}


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
