"""Convolutions as products of matrices: the same numbers, in programs of their own."""

import numpy as np
import pytest
from keras import ops

from ganad.backends.tracing import TRACES
from ganad.detectors import GANomaly
from ganad.networks.convolution import Conv2D, Conv2DTranspose, as_products

SIZES = [
    (3, 1, "same"),
    (3, 2, "same"),
    (4, 2, "same"),
    (5, 2, "same"),
    (4, 1, "valid"),
    (3, 2, "valid"),
    (2, 3, "same"),
]


@pytest.mark.parametrize("size, stride, padding", SIZES)
@pytest.mark.parametrize("kind", [Conv2D, Conv2DTranspose])
def test_a_product_of_matrices_is_the_convolution(kind, size, stride, padding):
    x = np.random.default_rng(0).normal(size=(2, 12, 8, 3)).astype(np.float32)
    layer = kind(5, size, stride, padding=padding, activation="tanh", bias_initializer="random_normal")
    expected = ops.convert_to_numpy(layer(x))
    with as_products():
        found = ops.convert_to_numpy(layer(x))
    np.testing.assert_allclose(found, expected, atol=1e-5)


def test_a_training_learns_the_same_in_a_program_of_its_own(pictures):
    settings = {"epochs": 1, "batch_size": 32, "latent_dim": 4, "width": 0.1}
    one, traced = GANomaly(**settings).fit(pictures), TRACES["loop"]
    with as_products():
        other = GANomaly(**settings).fit(pictures)
    assert TRACES["loop"] == traced + 1
    for player, losses in one.history_.items():
        np.testing.assert_allclose(other.history_[player], losses, rtol=1e-4)
    np.testing.assert_allclose(other.decision_scores_, one.decision_scores_, rtol=1e-3)
