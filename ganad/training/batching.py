"""Samples in calls of a few sizes, so that a compiled program meets few shapes and a single sample costs little."""

from collections.abc import Callable, Iterable, Iterator, Sequence

import keras
import numpy as np

SIZES = (1, 16, 128, 1024)
"""Samples in one call.  A rest of more than half of a size is padded to it, a smaller one is taken in smaller calls."""

BYTES_PER_LAYER = 2**28
"""A layer's output over one call takes at most about this much memory."""


def sizes_for(networks: Iterable[keras.Model]) -> tuple[int, ...]:
    """The sizes that fit into memory: for large images, fewer samples in a call; 1 always fits."""
    outputs = [layer.output for network in networks for layer in network.layers]
    tensors = [tensor for output in outputs for tensor in (output if isinstance(output, list) else [output])]
    largest = max(int(np.prod(tensor.shape[1:])) for tensor in tensors)
    return tuple(size for size in SIZES if size == 1 or 4 * size * largest <= BYTES_PER_LAYER)


def calls(count: int, sizes: Sequence[int] = SIZES) -> Iterator[tuple[slice, int]]:
    """How ``count`` samples are cut into calls: the samples of each, and how many rows it has with its padding."""
    start = 0
    while start < count:
        left = count - start
        size = max(size for size in sizes if size == 1 or 2 * left > size)
        yield slice(start, min(count, start + size)), size
        start += size


def padded(array: np.ndarray, rows: int) -> np.ndarray:
    """The array, float32, with as many rows of zeros as make ``rows``."""
    whole = np.zeros((rows, *array.shape[1:]), np.float32)
    whole[: len(array)] = array
    return whole


def in_calls(
    function: Callable[..., Sequence[np.ndarray]], arrays: Sequence[np.ndarray], sizes: Sequence[int] = SIZES
) -> list[np.ndarray]:
    """A function of arrays of N rows, called in parts and put together again.

    Parameters
    ----------
    function : callable
        Takes a padded part of each array and returns arrays with a row for each row it was given.
    arrays : sequence of ndarray
        Of N rows each.
    sizes : sequence of int
        Rows a call may have, with 1 among them.
    """
    parts = []
    for rows, size in calls(len(arrays[0]), sizes):
        results = function(*(padded(array[rows], size) for array in arrays))
        parts.append([result[: rows.stop - rows.start] for result in results])
    return [np.concatenate(each) for each in zip(*parts, strict=True)]
