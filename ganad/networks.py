"""Encoder, generator and discriminator of each method, for every shape of data.

The builders take the shape of one sample, ``(H, W, C)`` or ``(F,)``, and return functional Keras models, initialised from
their own seed: building a network never touches a global random state.
"""

from collections.abc import Sequence

import keras
import numpy as np
from keras import layers

Shape = tuple[int, ...]


class _Builder:
    """Layers of one family: each with the next seed, one initialiser, one leaky slope."""

    def __init__(self, seed: int, *, deviation: float | None, slope: float, spectral: bool = False) -> None:
        # 31 bits: PyTorch takes no more.
        self._seeds = iter((np.random.SeedSequence(seed).generate_state(256) >> 1).tolist())
        self.deviation, self.slope, self.spectral = deviation, slope, spectral

    def _initializer(self) -> keras.Initializer:
        seed = next(self._seeds)
        if self.deviation is None:
            return keras.initializers.GlorotUniform(seed)
        return keras.initializers.RandomNormal(0.0, self.deviation, seed)

    def _bounded(self, layer: keras.Layer) -> keras.Layer:
        return layers.SpectralNormalization(layer) if self.spectral else layer

    def dense(self, units: int) -> keras.Layer:
        return self._bounded(layers.Dense(units, kernel_initializer=self._initializer()))

    def conv(self, filters: int, size: int, stride: int) -> keras.Layer:
        return self._bounded(
            layers.Conv2D(filters, size, stride, padding="same", kernel_initializer=self._initializer())
        )

    def conv_transpose(self, filters: int, size: int, stride: int) -> keras.Layer:
        return layers.Conv2DTranspose(filters, size, stride, padding="same", kernel_initializer=self._initializer())

    def leaky(self) -> keras.Layer:
        return layers.LeakyReLU(self.slope)

    def dropout(self, rate: float) -> keras.Layer:
        return layers.Dropout(rate, seed=next(self._seeds))


def _chain(tensor: keras.KerasTensor, *steps: keras.Layer) -> keras.KerasTensor:
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


def bigan_encoder(shape: Shape, latent_dim: int, *, seed: int = 0, width: float = 1.0) -> keras.Model:
    """E of BiGAN: (N, *shape) to (N, latent_dim), linear.  Zenati et al. 2018, tables of the appendix."""
    x = keras.Input(shape, name="x")
    if len(shape) == 1:
        b = _Builder(seed, deviation=None, slope=0.1)
        return keras.Model(x, _chain(x, b.dense(_wide(64, width)), b.leaky(), b.dense(latent_dim)), name="encoder")
    b = _Builder(seed, deviation=0.02, slope=0.1)
    h = _chain(x, b.conv(_wide(32, width), 3, 1), b.leaky())
    for filters in (64, 128):
        h = _chain(h, b.conv(_wide(filters, width), 3, 2), layers.BatchNormalization(), b.leaky())
    return keras.Model(x, _chain(h, layers.Flatten(), b.dense(latent_dim)), name="encoder")


def bigan_generator(shape: Shape, latent_dim: int, *, seed: int = 0, width: float = 1.0) -> keras.Model:
    """G of BiGAN and AnoGAN: (N, latent_dim) to (N, *shape); images in [-1, 1], columns unbounded."""
    z = keras.Input((latent_dim,), name="z")
    if len(shape) == 1:
        b = _Builder(seed, deviation=None, slope=0.1)
        h = z
        for units in (64, 128):
            h = _chain(h, b.dense(_wide(units, width)), layers.ReLU())
        return keras.Model(z, b.dense(shape[0])(h), name="generator")
    b = _Builder(seed, deviation=0.02, slope=0.1)
    height, width_, channels = shape[0] // 4, shape[1] // 4, shape[2]
    filters = _wide(128, width)
    h = z
    for units in (_wide(1024, width), height * width_ * filters):
        h = _chain(h, b.dense(units), layers.BatchNormalization(), layers.ReLU())
    h = layers.Reshape((height, width_, filters))(h)
    h = _chain(h, b.conv_transpose(_wide(64, width), 4, 2), layers.BatchNormalization(), layers.ReLU())
    x = _chain(h, b.conv_transpose(channels, 4, 2), layers.Activation("tanh", dtype="float32"))
    return keras.Model(z, x, name="generator")


def bigan_discriminator(
    shape: Shape,
    latent_dim: int,
    *,
    seed: int = 0,
    width: float = 1.0,
    dropout: float | None = None,
    spectral_normalization: bool = False,
) -> keras.Model:
    """D of BiGAN: a pair (x, z) to ``[logit (N, 1), features (N, K)]``.

    Parameters
    ----------
    dropout : float, optional
        Rate in [0, 1); the reference's .5 for images and .2 for tables when left out.
    spectral_normalization : bool
        Bound each layer's largest singular value by 1 (Miyato et al. 2018); not in EGBAD.
    """
    x, z = keras.Input(shape, name="x"), keras.Input((latent_dim,), name="z")
    image = len(shape) == 3
    rate = (0.5 if image else 0.2) if dropout is None else dropout
    b = _Builder(seed, deviation=0.02 if image else None, slope=0.1, spectral=spectral_normalization)
    if image:
        hx = _chain(x, b.conv(_wide(64, width), 4, 2), b.leaky(), b.dropout(rate))
        norm = [] if spectral_normalization else [layers.BatchNormalization()]
        hx = _chain(hx, b.conv(_wide(64, width), 4, 2), *norm, b.leaky(), b.dropout(rate), layers.Flatten())
        hidden, joint = _wide(512, width), _wide(1024, width)
    else:
        hidden = joint = _wide(128, width)
        hx = _chain(x, b.dense(hidden), b.leaky(), b.dropout(rate))
    hz = _chain(z, b.dense(hidden), b.leaky(), b.dropout(rate))
    features = _chain(layers.Concatenate()([hx, hz]), b.dense(joint), b.leaky())
    logit = _chain(features, b.dropout(rate), b.dense(1))
    return keras.Model([x, z], [logit, features], name="discriminator")


def gan_discriminator(shape: Shape, *, seed: int = 0, width: float = 1.0, dropout: float | None = None) -> keras.Model:
    """D of a GAN on samples alone: (N, *shape) to ``[logit (N, 1), features (N, K)]``."""
    x = keras.Input(shape, name="x")
    if len(shape) == 1:
        b = _Builder(seed, deviation=None, slope=0.1)
        h = x
        for units in (256, 128, 128):
            h = _chain(h, b.dense(_wide(units, width)), b.leaky(), b.dropout(0.2 if dropout is None else dropout))
        return keras.Model(x, [b.dense(1)(h), h], name="discriminator")
    b = _Builder(seed, deviation=0.02, slope=0.1)
    h = _chain(x, b.conv(_wide(64, width), 4, 2), b.leaky())
    h = _chain(h, b.conv(_wide(64, width), 4, 2), layers.BatchNormalization(), b.leaky(), layers.Flatten())
    features = _chain(h, b.dense(_wide(1024, width)), layers.BatchNormalization(), b.leaky())
    return keras.Model(x, [b.dense(1)(features), features], name="discriminator")


def _wide(units: int, width: float) -> int:
    return max(1, round(units * width))
