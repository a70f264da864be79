"""The critic of WGAN-GP and f-AnoGAN; its generator is BiGAN's."""

import keras
from keras import layers

from ganad.networks.building import Builder, Shape, chain, wide


def critic(shape: Shape, *, seed: int = 0, width: float = 1.0) -> keras.Model:
    """D without a bound: (N, *shape) to ``[value (N, 1), features (N, K)]``.

    No BatchNorm, which would tie the samples of a batch together: the penalty is on each sample's own gradient (Gulrajani et
    al. 2017, section 4).
    """
    x = keras.Input(shape, name="x")
    if len(shape) == 1:
        b, h = Builder(seed, deviation=None, slope=0.2), x
        for units in (256, 128):
            h = chain(h, b.dense(wide(units, width)), b.leaky())
        return keras.Model(x, [b.dense(1)(h), h], name="critic")
    b = Builder(seed, deviation=0.02, slope=0.2)
    h = chain(x, b.conv(wide(64, width), 4, 2), b.leaky())
    h = chain(h, b.conv(wide(128, width), 4, 2), b.layer_norm(), b.leaky())
    features = layers.Flatten()(h)
    return keras.Model(x, [b.dense(1)(features), features], name="critic")
