"""Convolutions that can be written as products of matrices, for many models in one program.

Where each model has weights of its own, a convolution of M models is a grouped convolution of M groups, which libraries
for GPUs do slowly.  Cut into patches it is a product of matrices, and M of these are what such libraries do best.  The numbers
are the same but for rounding.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import keras
from keras import layers, ops

_products = os.environ.get("GANAD_CONVOLUTIONS") == "products"


@contextmanager
def as_products(wanted: bool = True) -> Iterator[None]:
    """Trace convolutions in this block as products of matrices; not within a thread of many."""
    global _products
    before, _products = _products, wanted
    try:
        yield
    finally:
        _products = before


def formulation() -> str:
    """How convolutions are traced now: "products" or "convolutions"; programs of the two differ."""
    return "products" if _products else "convolutions"


@keras.saving.register_keras_serializable("ganad")
class Conv2D(layers.Conv2D):
    """Keras' own, or the same as a product of matrices."""

    def convolution_op(self, inputs: Any, kernel: Any) -> Any:
        """The convolution without its bias: (N, H, W, C) to (N, H', W', F)."""
        if not _products:
            return super().convolution_op(inputs, kernel)
        return convolved(inputs, kernel, self.strides, self.padding)


@keras.saving.register_keras_serializable("ganad")
class Conv2DTranspose(layers.Conv2DTranspose):
    """Keras' own, or the same as a product of matrices."""

    def call(self, inputs: Any) -> Any:
        """The transposed convolution: (N, H, W, C) to (N, H', W', F)."""
        if not _products:
            return super().call(inputs)
        made = transposed(inputs, self.kernel, self.strides, self.padding)
        made = ops.add(made, self.bias) if self.use_bias else made
        return self.activation(made)


def convolved(x: Any, kernel: Any, strides: tuple[int, int], padding: str) -> Any:
    """A convolution as patches times a matrix.

    Parameters
    ----------
    x : tensor (N, H, W, C)
    kernel : tensor (h, w, C, F)
    strides : pair of int
    padding : {"same", "valid"}

    Returns
    -------
    tensor (N, H', W', F)
    """
    high, wide, channels, filters = kernel.shape
    sides = list(zip(x.shape[1:3], (high, wide), strides, strict=True))
    counts = [-(-side // stride) if padding == "same" else (side - size) // stride + 1 for side, size, stride in sides]
    spans = [(count - 1) * stride + 1 for count, stride in zip(counts, strides, strict=True)]
    if padding == "same":
        more = [max(span + size - 1 - side, 0) for span, (side, size, _) in zip(spans, sides, strict=True)]
        x = ops.pad(x, [(0, 0), *((each // 2, each - each // 2) for each in more), (0, 0)])
    patches = [
        x[:, i : i + spans[0] : strides[0], j : j + spans[1] : strides[1]] for i in range(high) for j in range(wide)
    ]
    return ops.matmul(ops.concatenate(patches, axis=-1), ops.reshape(kernel, (high * wide * channels, filters)))


def transposed(x: Any, kernel: Any, strides: tuple[int, int], padding: str) -> Any:
    """A transposed convolution: each pixel times a matrix makes a patch, and overlapping patches are added.

    Parameters
    ----------
    x : tensor (N, H, W, C)
    kernel : tensor (h, w, F, C)
    strides : pair of int
    padding : {"same", "valid"}

    Returns
    -------
    tensor (N, H', W', F)
        As many strides high and wide as x is with "same".
    """
    size = kernel.shape[:2]
    kernel = ops.reshape(whole_strides(kernel, strides), (-1, kernel.shape[3]))
    patches = ops.matmul(x, ops.transpose(kernel))
    return overlapped(patches, size, strides, padding)


def whole_strides(kernel: Any, strides: tuple[int, int]) -> Any:
    """A kernel (..., h, w, F, C) with zeros below and to the right, up to whole strides."""
    more = [(0, -size % stride) for size, stride in zip(kernel.shape[-4:-2], strides, strict=True)]
    return ops.pad(kernel, [*[(0, 0)] * (len(kernel.shape) - 4), *more, (0, 0), (0, 0)])


def overlapped(patches: Any, size: tuple[int, int], strides: tuple[int, int], padding: str) -> Any:
    """The image of patches that overlap, one for each pixel of a smaller image.

    Parameters
    ----------
    patches : tensor (N, H, W, h * w * F)
        By a kernel of :func:`whole_strides`.
    size : pair of int
        Of the kernel before that.
    strides : pair of int
    padding : {"same", "valid"}

    Returns
    -------
    tensor (N, H', W', F)
    """
    (high, wide), (down, across), (_, height, width, _) = size, strides, patches.shape
    rows, columns = -(-high // down), -(-wide // across)  # strides in a patch
    patches = ops.reshape(
        patches, (-1, height, width, rows, down, columns, across, patches.shape[3] // (rows * down * columns * across))
    )
    total = sum(
        ops.pad(patches[:, :, :, i, :, j], [(0, 0), (i, rows - 1 - i), (j, columns - 1 - j), *[(0, 0)] * 3])
        for i in range(rows)
        for j in range(columns)
    )
    shape = (-1, (height + rows - 1) * down, (width + columns - 1) * across, patches.shape[-1])
    whole = ops.reshape(ops.transpose(total, (0, 1, 3, 2, 4, 5)), shape)
    if padding == "valid":
        return whole[:, : (height - 1) * down + max(high, down), : (width - 1) * across + max(wide, across)]
    top, left = max(high - down, 0) // 2, max(wide - across, 0) // 2
    return whole[:, top : top + height * down, left : left + width * across]
