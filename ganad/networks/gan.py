"""The discriminator of a GAN on samples alone; its generator is BiGAN's."""

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
    h = chain(h, b.conv(wide(64, width), 4, 2), layers.BatchNormalization(), b.leaky(), layers.Flatten())
    features = chain(h, b.dense(wide(1024, width)), layers.BatchNormalization(), b.leaky())
    return keras.Model(x, [b.dense(1)(features), features], name="discriminator")
