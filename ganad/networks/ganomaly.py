"""GANomaly's networks (Akcay et al. 2018, arXiv 1805.06725, section 3; sizes of the authors' code)."""

import keras
from keras import layers

from ganad.networks.building import Builder, Shape, chain, halvings, wide


def _trunk(b: Builder, x: keras.KerasTensor, shape: Shape, width: float) -> keras.KerasTensor:
    """Convolutions that halve the image until it is about 4x4: 64, 128, 256 filters for 32x32."""
    h = chain(x, b.conv(wide(64, width), 4, 2), b.leaky())
    for stage in range(1, halvings(shape)):
        h = chain(h, b.conv(wide(64 * 2**stage, width), 4, 2), b.batch_norm(), b.leaky())
    return h


def ganomaly_encoder(
    shape: Shape, latent_dim: int, *, seed: int = 0, width: float = 1.0, name: str = "encoder"
) -> keras.Model:
    """Either encoder: (N, *shape) to (N, latent_dim), linear.  Tables: one hidden layer of 64, as in EGBAD."""
    x = keras.Input(shape, name="x")
    if len(shape) == 1:
        b = Builder(seed, deviation=None, slope=0.2)
        return keras.Model(x, chain(x, b.dense(wide(64, width)), b.leaky(), b.dense(latent_dim)), name=name)
    b = Builder(seed, deviation=0.02, slope=0.2)
    h = _trunk(b, x, shape, width)
    rest = tuple(h.shape[1:3])
    return keras.Model(x, chain(h, b.conv(latent_dim, rest, 1, "valid"), layers.Flatten()), name=name)


def ganomaly_decoder(shape: Shape, latent_dim: int, *, seed: int = 0, width: float = 1.0) -> keras.Model:
    """The encoder's mirror: (N, latent_dim) to (N, *shape); images in [-1, 1], columns unbounded."""
    z = keras.Input((latent_dim,), name="z")
    if len(shape) == 1:
        b = Builder(seed, deviation=None, slope=0.2)
        return keras.Model(z, chain(z, b.dense(wide(64, width)), layers.ReLU(), b.dense(shape[0])), name="decoder")
    b, stages = Builder(seed, deviation=0.02, slope=0.2), halvings(shape)
    rest = (shape[0] // 2**stages, shape[1] // 2**stages)
    h = layers.Reshape((1, 1, latent_dim))(z)
    filters = [wide(64 * 2**stage, width) for stage in reversed(range(stages))]
    h = chain(h, b.conv_transpose(filters[0], rest, 1, "valid"), b.batch_norm(), layers.ReLU())
    for count in filters[1:]:
        h = chain(h, b.conv_transpose(count, 4, 2), b.batch_norm(), layers.ReLU())
    x = chain(h, b.conv_transpose(shape[2], 4, 2), layers.Activation("tanh", dtype="float32"))
    return keras.Model(z, x, name="decoder")


def ganomaly_discriminator(shape: Shape, *, seed: int = 0, width: float = 1.0) -> keras.Model:
    """D: (N, *shape) to ``[logit (N, 1), features (N, K)]``; the features are the trunk's last map."""
    x = keras.Input(shape, name="x")
    if len(shape) == 1:
        b = Builder(seed, deviation=None, slope=0.2)
        features = chain(x, b.dense(wide(128, width)), b.leaky(), b.dense(wide(64, width)), b.leaky())
    else:
        b = Builder(seed, deviation=0.02, slope=0.2)
        features = layers.Flatten()(_trunk(b, x, shape, width))
    return keras.Model(x, [b.dense(1)(features), features], name="discriminator")
