"""The layers networks are made of, each with a seed of its own, and the shapes they can be made for."""

from collections import Counter
from collections.abc import Sequence

import keras
import numpy as np
from keras import layers

from ganad.networks.convolution import Conv2D, Conv2DTranspose
from ganad.networks.spectral import SpectralNormalization

Shape = tuple[int, ...]


class Builder:
    """Layers of one family: each with the next seed, one initialiser, one leaky slope.

    Layers with weights are numbered within their network.  Keras would number them within the process, and TensorFlow keeps some
    35 KB for every name of a variable it has ever seen.
    """

    def __init__(self, seed: int, *, deviation: float | None, slope: float, spectral: bool = False) -> None:
        # 31 bits: PyTorch takes no more.
        self._seeds = iter((np.random.SeedSequence(seed).generate_state(256) >> 1).tolist())
        self.deviation, self.slope, self.spectral = deviation, slope, spectral
        self._numbers: Counter[str] = Counter()

    def _name(self, kind: str) -> str:
        self._numbers[kind] += 1
        return f"{kind}_{self._numbers[kind]}"

    def _initializer(self) -> keras.Initializer:
        seed = next(self._seeds)
        if self.deviation is None:
            return keras.initializers.GlorotUniform(seed)
        return keras.initializers.RandomNormal(0.0, self.deviation, seed)

    def _bounded(self, layer: keras.Layer) -> keras.Layer:
        return SpectralNormalization(layer, name=f"spectral_{layer.name}") if self.spectral else layer

    def dense(self, units: int, *, last: bool = False) -> keras.Layer:
        """A fully connected layer; a ``last`` one is never spectrally normalised."""
        layer = layers.Dense(units, kernel_initializer=self._initializer(), name=self._name("dense"))
        return layer if last else self._bounded(layer)

    def conv(
        self, filters: int, size: int | tuple[int, int], stride: int, padding: str = "same", *, last: bool = False
    ) -> keras.Layer:
        """A convolution; a ``last`` one is never spectrally normalised."""
        layer = Conv2D(
            filters,
            size,
            stride,
            padding=padding,
            kernel_initializer=self._initializer(),
            name=self._name("conv"),
        )
        return layer if last else self._bounded(layer)

    def conv_transpose(
        self, filters: int, size: int | tuple[int, int], stride: int, padding: str = "same"
    ) -> keras.Layer:
        """A transposed convolution; never spectrally normalised."""
        return Conv2DTranspose(
            filters,
            size,
            stride,
            padding=padding,
            kernel_initializer=self._initializer(),
            name=self._name("conv_transpose"),
        )

    def batch_norm(self) -> keras.Layer:
        """Batch normalisation."""
        return layers.BatchNormalization(name=self._name("batch_norm"))

    def layer_norm(self) -> keras.Layer:
        """Layer normalisation over a whole image."""
        return layers.LayerNormalization(axis=(1, 2, 3), name=self._name("layer_norm"))

    def model(self, inputs: keras.KerasTensor | list, outputs: keras.KerasTensor | list, name: str) -> keras.Model:
        """The finished network; Keras draws the vector of a spectral normalisation without a seed, so it is drawn again."""
        model = keras.Model(inputs, outputs, name=name)
        for layer in model.layers:
            if isinstance(layer, layers.SpectralNormalization):
                drawn = np.random.default_rng(next(self._seeds)).normal(0, 0.02, layer.vector_u.shape)
                layer.vector_u.assign(drawn.astype(np.float32))
        return model

    def leaky(self) -> keras.Layer:
        """The leaky rectifier."""
        return layers.LeakyReLU(self.slope)

    def dropout(self, rate: float) -> keras.Layer:
        """Dropout with a seed of its own."""
        return layers.Dropout(rate, seed=next(self._seeds), name=self._name("dropout"))


def chain(tensor: keras.KerasTensor, *steps: keras.Layer) -> keras.KerasTensor:
    """The tensor after these layers, one after the other."""
    for step in steps:
        tensor = step(tensor)
    return tensor


def check_shape(shape: Sequence[int]) -> Shape:
    """The shape as a tuple, if networks can be built for it.

    Raises
    ------
    ValueError
        If it is neither ``(F,)`` nor ``(H, W, C)`` with H and W divisible by 4: the generators double twice.
    """
    shape = tuple(int(n) for n in shape)
    if len(shape) not in (1, 3) or min(shape) < 1:
        raise ValueError(f"a sample is (columns,) or (height, width, channels), not {shape}")
    if len(shape) == 3 and (shape[0] % 4 or shape[1] % 4):
        height, width = (-(-n // 4) * 4 for n in shape[:2])
        raise ValueError(
            f"images of {shape[0]}x{shape[1]} do not halve twice: pad them to {height}x{width}, or pass your own networks"
        )
    return shape


def wide(units: int, width: float) -> int:
    """So many units scaled by the width, at least one."""
    return max(1, round(units * width))


def halvings(shape: Shape) -> int:
    """How often an image is halved, at least once, until a side is below 8 or odd: 3 for 32x32, 2 for 28x28, 1 for 8x8."""
    height, width, _ = shape
    count = 0
    while height % 2 == 0 and width % 2 == 0 and (not count or min(height, width) >= 8):
        height, width, count = height // 2, width // 2, count + 1
    return count
