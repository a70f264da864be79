"""Encoder, generator and discriminator of each method, for every shape of data.

The builders take the shape of one sample, ``(H, W, C)`` or ``(F,)``, and return functional Keras models, initialised from
their own seed: building a network never touches a global random state.
"""

from ganad.networks.bigan import bigan_discriminator, bigan_encoder, bigan_generator
from ganad.networks.building import Shape, check_shape
from ganad.networks.gan import gan_discriminator

__all__ = ["Shape", "bigan_discriminator", "bigan_encoder", "bigan_generator", "check_shape", "gan_discriminator"]
