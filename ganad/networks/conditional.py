"""Generator and discriminator that are told the class (Mirza & Osindero 2014, arXiv 1411.1784)."""

import keras
from keras import layers

from ganad.networks.bigan import bigan_generator
from ganad.networks.building import Builder, Shape
from ganad.networks.gan import gan_discriminator


def conditional_generator(
    shape: Shape, latent_dim: int, classes: int, *, seed: int = 0, width: float = 1.0
) -> keras.Model:
    """G: a latent point and a class, ``[z (N, latent_dim), label (N, classes) one-hot]``, to (N, *shape)."""
    z, label = keras.Input((latent_dim,), name="z"), keras.Input((classes,), name="label")
    inner = bigan_generator(shape, latent_dim + classes, seed=seed, width=width)
    return keras.Model([z, label], inner(layers.Concatenate()([z, label])), name="generator")


def conditional_discriminator(shape: Shape, classes: int, *, seed: int = 0, width: float = 1.0) -> keras.Model:
    """D: ``[x (N, *shape), label (N, classes) one-hot]`` to ``[logit (N, 1), features (N, K)]``.

    The label comes in as one more image channel, which a dense layer draws, or as further columns of a table.
    """
    x, label = keras.Input(shape, name="x"), keras.Input((classes,), name="label")
    if len(shape) == 1:
        inner, told = gan_discriminator((shape[0] + classes,), seed=seed, width=width), label
    else:
        height, width_, channels = shape
        told = Builder(seed + 1_000_003, deviation=0.02, slope=0.2).dense(height * width_)(label)
        told = layers.Reshape((height, width_, 1))(told)
        inner = gan_discriminator((height, width_, channels + 1), seed=seed, width=width)
    return keras.Model([x, label], inner(layers.Concatenate()([x, told])), name="discriminator")
