import numpy as np
import pytest
from keras import ops

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
