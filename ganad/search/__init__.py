"""Search for the latent vector, or the generator, that reconstructs a query best."""

from ganad.backends import need_framework

need_framework()
