"""Spectral normalisation without a branch (Miyato et al. 2018, arXiv 1802.05957)."""

from typing import Any

import keras
from keras import layers, ops


@keras.saving.register_keras_serializable("ganad")
class SpectralNormalization(layers.SpectralNormalization):
    """Keras' own, with the same numbers.

    Keras leaves a kernel of zeros alone by ``ops.cond``.  TensorFlow traces such a branch, and gradients of it that nobody
    asks for, at every pass: most of the time before the first step.  A choice between two values does the same.
    """

    def call(self, inputs: Any, training: bool = False) -> Any:
        """As in Keras: one power iteration, then the layer; with ``training`` alone."""
        if training:
            vector, kernel = self.normalized_weights()
            zero = ops.all(ops.equal(self.kernel.value, 0))
            self.vector_u.assign(ops.where(zero, self.vector_u.value, vector))
            self.kernel.assign(ops.where(zero, self.kernel.value, kernel))
        return ops.cast(self.layer(inputs), inputs.dtype)
