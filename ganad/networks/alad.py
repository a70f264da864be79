"""ALAD's networks (Zenati et al. 2018, arXiv 1812.02288, appendix; sizes of the authors' code for CIFAR-10 and KDD).

For tables, encoder and generator have EGBAD's sizes.  For images the number of stages follows the size: 128, 256, 512 filters for
32x32, 128 and 256 for 28x28.  Spectral normalisation leaves out the last layer of each network, as in the authors' code.
"""

import keras
from keras import layers

from ganad.networks.bigan import bigan_generator
from ganad.networks.building import Builder, Shape, chain, halvings, wide


def _builder(shape: Shape, seed: int, spectral: bool) -> Builder:
    return Builder(seed, deviation=0.01 if len(shape) == 3 else None, slope=0.2, spectral=spectral)


def alad_encoder(
    shape: Shape, latent_dim: int, *, seed: int = 0, width: float = 1.0, spectral: bool = True
) -> keras.Model:
    """E: (N, *shape) to (N, latent_dim), linear."""
    x, b = keras.Input(shape, name="x"), _builder(shape, seed, spectral and len(shape) == 3)
    if len(shape) == 1:
        return b.model(x, chain(x, b.dense(wide(64, width)), b.leaky(), b.dense(latent_dim)), name="encoder")
    h = x
    for stage in range(halvings(shape)):
        h = chain(h, b.conv(wide(128 * 2**stage, width), 4, 2), b.batch_norm(), b.leaky())
    rest = tuple(h.shape[1:3])
    return b.model(x, chain(h, b.conv(latent_dim, rest, 1, "valid", last=True), layers.Flatten()), name="encoder")


def alad_generator(shape: Shape, latent_dim: int, *, seed: int = 0, width: float = 1.0) -> keras.Model:
    """G: (N, latent_dim) to (N, *shape); images in [-1, 1], columns unbounded."""
    if len(shape) == 1:
        return bigan_generator(shape, latent_dim, seed=seed, width=width)
    z, b, stages = keras.Input((latent_dim,), name="z"), _builder(shape, seed, False), halvings(shape)
    rest = (shape[0] // 2**stages, shape[1] // 2**stages)
    filters = [wide(128 * 2**stage, width) for stage in reversed(range(stages))]
    h = layers.Reshape((1, 1, latent_dim))(z)
    h = chain(h, b.conv_transpose(filters[0], rest, 1, "valid"), b.batch_norm(), layers.ReLU())
    for count in filters[1:]:
        h = chain(h, b.conv_transpose(count, 4, 2), b.batch_norm(), layers.ReLU())
    x = chain(h, b.conv_transpose(shape[2], 4, 2), layers.Activation("tanh", dtype="float32"))
    return keras.Model(z, x, name="generator")


def alad_discriminator_xz(
    shape: Shape,
    latent_dim: int,
    *,
    seed: int = 0,
    width: float = 1.0,
    spectral: bool = True,
    batch_normalization: bool = True,
) -> keras.Model:
    """D_xz, BiGAN's: a pair (x, z) to ``[logit (N, 1), features (N, K)]``.

    The authors normalise the layers of x by the batch as well, which undoes the bound that spectral normalisation sets.
    """

    def norm() -> list[keras.Layer]:
        return [b.batch_norm()] if batch_normalization else []

    x, z = keras.Input(shape, name="x"), keras.Input((latent_dim,), name="z")
    b = _builder(shape, seed, spectral)
    if len(shape) == 1:
        hx = chain(x, b.dense(wide(128, width)), *norm(), b.leaky())
        hz = chain(z, b.dense(wide(128, width)), b.leaky(), b.dropout(0.5))
        joint, rate = wide(128, width), 0.5
    else:
        hx = x
        for stage in range(halvings(shape)):
            hx = chain(hx, b.conv(wide(128 * 2**stage, width), 4, 2), *(norm() if stage else []), b.leaky())
        hx, hz = layers.Flatten()(hx), z
        for _ in range(2):
            hz = chain(hz, b.dense(wide(512, width)), b.leaky(), b.dropout(0.2))
        joint, rate = wide(1024, width), 0.2
    features = chain(layers.Concatenate()([hx, hz]), b.dense(joint), b.leaky())
    return b.model([x, z], [chain(features, b.dropout(rate), b.dense(1, last=True)), features], name="discriminator_xz")


def alad_discriminator_xx(shape: Shape, *, seed: int = 0, width: float = 1.0, spectral: bool = True) -> keras.Model:
    """D_xx: a sample and its reconstruction, side by side on the channel axis, to ``[logit (N, 1), features (N, K)]``."""
    x, other = keras.Input(shape, name="x"), keras.Input(shape, name="other")
    b, h = _builder(shape, seed, spectral), layers.Concatenate(axis=-1)([x, other])
    if len(shape) == 1:
        features = chain(h, b.dense(wide(128, width)), b.leaky())
        return b.model(
            [x, other], [chain(features, b.dropout(0.2), b.dense(1, last=True)), features], name="discriminator_xx"
        )
    for filters in (64, 128):
        h = chain(h, b.conv(wide(filters, width), 5, 2), b.leaky(), b.dropout(0.2))
    features = layers.Flatten()(h)
    return b.model([x, other], [b.dense(1, last=True)(features), features], name="discriminator_xx")


def alad_discriminator_zz(
    shape: Shape, latent_dim: int, *, seed: int = 0, width: float = 1.0, spectral: bool = True
) -> keras.Model:
    """D_zz: a latent point and its reconstruction to ``[logit (N, 1), features (N, K)]``."""
    z, other = keras.Input((latent_dim,), name="z"), keras.Input((latent_dim,), name="other")
    b, h = _builder(shape, seed, spectral), layers.Concatenate()([z, other])
    for units in (64, 32) if len(shape) == 3 else (32,):
        h = chain(h, b.dense(wide(units, width)), b.leaky(), b.dropout(0.2))
    return b.model([z, other], [b.dense(1, last=True)(h), h], name="discriminator_zz")
