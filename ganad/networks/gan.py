"""The discriminator of a GAN on samples alone, and a generator without dense hidden layers (AnoGAN's is BiGAN's)."""

import keras
from keras import layers

from ganad.networks.building import Builder, Shape, chain, wide


def gan_discriminator(shape: Shape, *, seed: int = 0, width: float = 1.0, dropout: float | None = None) -> keras.Model:
    """D of a GAN on samples alone: (N, *shape) to ``[logit (N, 1), features (N, K)]``."""
    x = keras.Input(shape, name="x")
    if len(shape) == 1:
        b = Builder(seed, deviation=None, slope=0.1)
        h = x
        for units in (256, 128, 128):
            h = chain(h, b.dense(wide(units, width)), b.leaky(), b.dropout(0.2 if dropout is None else dropout))
        return keras.Model(x, [b.dense(1)(h), h], name="discriminator")
    b = Builder(seed, deviation=0.02, slope=0.1)
    h = chain(x, b.conv(wide(64, width), 4, 2), b.leaky())
    h = chain(h, b.conv(wide(64, width), 4, 2), b.batch_norm(), b.leaky(), layers.Flatten())
    features = chain(h, b.dense(wide(1024, width)), b.batch_norm(), b.leaky())
    return keras.Model(x, [b.dense(1)(features), features], name="discriminator")


def dcgan_generator(shape: Shape, latent_dim: int, *, seed: int = 0, width: float = 1.0) -> keras.Model:
    """G of DCGAN, one dense layer to 128 maps of a quarter of the size (Radford et al. 2016): (N, latent_dim) to (N, *shape).

    Tables: hidden layers of 64 and 128.
    """
    z = keras.Input((latent_dim,), name="z")
    if len(shape) == 1:
        b, h = Builder(seed, deviation=None, slope=0.1), z
        for units in (64, 128):
            h = chain(h, b.dense(wide(units, width)), layers.ReLU())
        return keras.Model(z, b.dense(shape[0])(h), name="generator")
    b, filters = Builder(seed, deviation=0.02, slope=0.1), wide(128, width)
    height, width_ = shape[0] // 4, shape[1] // 4
    h = chain(z, b.dense(height * width_ * filters), b.batch_norm(), layers.ReLU())
    h = layers.Reshape((height, width_, filters))(h)
    h = chain(h, b.conv_transpose(wide(64, width), 4, 2), b.batch_norm(), layers.ReLU())
    x = chain(h, b.conv_transpose(shape[2], 4, 2), layers.Activation("tanh", dtype="float32"))
    return keras.Model(z, x, name="generator")
