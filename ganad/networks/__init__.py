"""Encoder, generator and discriminator of each method, for every shape of data.

The builders take the shape of one sample, ``(H, W, C)`` or ``(F,)``, and return functional Keras models, initialised from
their own seed: building a network never touches a global random state.
"""

from ganad.networks.alad import (
    alad_discriminator_xx,
    alad_discriminator_xz,
    alad_discriminator_zz,
    alad_encoder,
    alad_generator,
)
from ganad.networks.bigan import bigan_discriminator, bigan_encoder, bigan_generator
from ganad.networks.building import Shape, check_shape
from ganad.networks.conditional import conditional_discriminator, conditional_generator
from ganad.networks.gan import dcgan_generator, gan_discriminator
from ganad.networks.ganomaly import ganomaly_decoder, ganomaly_discriminator, ganomaly_encoder
from ganad.networks.wasserstein import critic

__all__ = [
    "Shape",
    "alad_discriminator_xx",
    "alad_discriminator_xz",
    "alad_discriminator_zz",
    "alad_encoder",
    "alad_generator",
    "bigan_discriminator",
    "bigan_encoder",
    "bigan_generator",
    "check_shape",
    "conditional_discriminator",
    "conditional_generator",
    "critic",
    "dcgan_generator",
    "gan_discriminator",
    "ganomaly_decoder",
    "ganomaly_discriminator",
    "ganomaly_encoder",
]
