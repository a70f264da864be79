"""Encoder, generator and discriminator of BiGAN and EGBAD (Zenati et al. 2018, arXiv 1802.06222, appendix)."""

import keras
from keras import layers

from ganad.networks.building import Builder, Shape, chain, wide


def bigan_encoder(shape: Shape, latent_dim: int, *, seed: int = 0, width: float = 1.0) -> keras.Model:
    """E of BiGAN: (N, *shape) to (N, latent_dim), linear.  Zenati et al. 2018, tables of the appendix."""
    x = keras.Input(shape, name="x")
    if len(shape) == 1:
        b = Builder(seed, deviation=None, slope=0.1)
        return keras.Model(x, chain(x, b.dense(wide(64, width)), b.leaky(), b.dense(latent_dim)), name="encoder")
    b = Builder(seed, deviation=0.02, slope=0.1)
    h = chain(x, b.conv(wide(32, width), 3, 1), b.leaky())
    for filters in (64, 128):
        h = chain(h, b.conv(wide(filters, width), 3, 2), b.batch_norm(), b.leaky())
    return keras.Model(x, chain(h, layers.Flatten(), b.dense(latent_dim)), name="encoder")


def bigan_generator(shape: Shape, latent_dim: int, *, seed: int = 0, width: float = 1.0) -> keras.Model:
    """G of BiGAN and AnoGAN: (N, latent_dim) to (N, *shape); images in [-1, 1], columns unbounded."""
    z = keras.Input((latent_dim,), name="z")
    if len(shape) == 1:
        b = Builder(seed, deviation=None, slope=0.1)
        h = z
        for units in (64, 128):
            h = chain(h, b.dense(wide(units, width)), layers.ReLU())
        return keras.Model(z, b.dense(shape[0])(h), name="generator")
    b = Builder(seed, deviation=0.02, slope=0.1)
    height, width_, channels = shape[0] // 4, shape[1] // 4, shape[2]
    filters = wide(128, width)
    h = z
    for units in (wide(1024, width), height * width_ * filters):
        h = chain(h, b.dense(units), b.batch_norm(), layers.ReLU())
    h = layers.Reshape((height, width_, filters))(h)
    h = chain(h, b.conv_transpose(wide(64, width), 4, 2), b.batch_norm(), layers.ReLU())
    x = chain(h, b.conv_transpose(channels, 4, 2), layers.Activation("tanh", dtype="float32"))
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
    b = Builder(seed, deviation=0.02 if image else None, slope=0.1, spectral=spectral_normalization)
    if image:
        hx = chain(x, b.conv(wide(64, width), 4, 2), b.leaky(), b.dropout(rate))
        norm = [] if spectral_normalization else [b.batch_norm()]
        hx = chain(hx, b.conv(wide(64, width), 4, 2), *norm, b.leaky(), b.dropout(rate), layers.Flatten())
        hidden, joint = wide(512, width), wide(1024, width)
    else:
        hidden = joint = wide(128, width)
        hx = chain(x, b.dense(hidden), b.leaky(), b.dropout(rate))
    hz = chain(z, b.dense(hidden), b.leaky(), b.dropout(rate))
    features = chain(layers.Concatenate()([hx, hz]), b.dense(joint), b.leaky())
    logit = chain(features, b.dropout(rate), b.dense(1))
    return b.model([x, z], [logit, features], name="discriminator")
