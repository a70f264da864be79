"""ganad.networks: shapes, seeds, and the reference architectures, layer by layer."""

import random

import keras
import numpy as np
import pytest

from ganad.networks import bigan_discriminator, bigan_encoder, bigan_generator, check_shape, gan_discriminator
from ganad.networks.spectral import SpectralNormalization

SHAPES = [(6,), (8, 8, 1), (12, 8, 3)]
BUILDERS = {
    "encoder": lambda shape, **options: bigan_encoder(shape, 3, **options),
    "generator": lambda shape, **options: bigan_generator(shape, 3, **options),
    "discriminator": lambda shape, **options: bigan_discriminator(shape, 3, **options),
    "gan_discriminator": lambda shape, **options: gan_discriminator(shape, **options),
}


def samples(shape, count=5) -> np.ndarray:
    return np.random.default_rng(0).uniform(-1, 1, (count, *shape)).astype(np.float32)


def inputs(network: keras.Model) -> list[np.ndarray]:
    return [samples(tensor.shape[1:]) for tensor in network.inputs]


def outputs(network: keras.Model, arrays: list[np.ndarray], **options) -> list[np.ndarray]:
    found = network(arrays if len(arrays) > 1 else arrays[0], **options)
    return [keras.ops.convert_to_numpy(a) for a in (found if isinstance(found, (list, tuple)) else [found])]


def kinds(network: keras.Model, kind: type) -> list[keras.Layer]:
    return [layer for layer in network.layers if isinstance(layer, kind)]


@pytest.mark.parametrize("shape", SHAPES)
def test_shapes_of_what_goes_in_and_comes_out(shape):
    built = {name: build(shape, width=0.1) for name, build in BUILDERS.items()}
    ((code,), (made,), pair, alone) = (outputs(network, inputs(network)) for network in built.values())
    assert code.shape == (5, 3)
    assert made.shape == (5, *shape)
    for logit, features in (pair, alone):
        assert logit.shape == (5, 1)
        assert features.ndim == 2 and len(features) == 5 and features.shape[1] > 1


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("name", BUILDERS)
def test_a_seed_settles_the_weights_and_touches_no_global_state(name, shape):
    keras.utils.set_random_seed(1)
    expected = random.random(), np.random.random(), np.asarray(keras.random.uniform((3,)))
    keras.utils.set_random_seed(1)
    first, again, other = (BUILDERS[name](shape, seed=seed, width=0.1).get_weights() for seed in (7, 7, 8))
    found = random.random(), np.random.random(), np.asarray(keras.random.uniform((3,)))
    assert found[:2] == expected[:2] and np.array_equal(found[2], expected[2])
    assert all(np.array_equal(a, b) for a, b in zip(first, again, strict=True))
    drawn = [(a, b) for a, b in zip(first, other, strict=True) if a.ndim > 1]
    assert drawn and not any(np.array_equal(a, b) for a, b in drawn)
    flat = [a.ravel()[:8].tolist() for a, _ in drawn if a.size >= 8]
    assert len({tuple(values) for values in flat}) == len(flat)  # no two layers share a seed


@pytest.mark.parametrize("shape", [(8, 8, 1), (12, 8, 3)])
def test_generated_images_lie_between_minus_one_and_one(shape):
    network = bigan_generator(shape, 3, width=0.1)
    network.set_weights([100 * w for w in network.get_weights()])
    (made,) = outputs(network, [10 * samples((3,), 50)])
    assert (made.min(), made.max()) == pytest.approx((-1, 1), abs=1e-3)


def test_generated_columns_are_unbounded():
    network = bigan_generator((6,), 3, width=0.1)
    network.set_weights([100 * w for w in network.get_weights()])
    (made,) = outputs(network, [samples((3,), 50)])
    assert np.abs(made).max() > 1


@pytest.mark.parametrize("shape", SHAPES)
def test_the_discriminator_judges_both_halves_of_a_pair(shape):
    network = bigan_discriminator(shape, 3, width=0.1)
    x, z = inputs(network)
    logit = outputs(network, [x, z])[0]
    assert np.abs(outputs(network, [-x, z])[0] - logit).min() > 0
    assert np.abs(outputs(network, [x, -z])[0] - logit).min() > 0


@pytest.mark.parametrize("shape", SHAPES)
def test_dropout_is_the_references_or_what_is_asked_for(shape):
    reference = 0.5 if len(shape) == 3 else 0.2
    for asked, rate in ((None, reference), (0.0, 0.0), (0.3, 0.3)):
        layers = kinds(bigan_discriminator(shape, 3, width=0.1, dropout=asked), keras.layers.Dropout)
        assert len(layers) >= 3 and {layer.rate for layer in layers} == {rate}
    network = bigan_discriminator(shape, 3, width=0.5)
    pair = inputs(network)
    assert not np.array_equal(outputs(network, pair, training=True)[0], outputs(network, pair, training=True)[0])
    assert np.array_equal(outputs(network, pair, training=False)[0], outputs(network, pair, training=False)[0])


def test_spectral_normalization_bounds_every_layer():
    network = bigan_discriminator((6,), 3, spectral_normalization=True)
    wrapped = kinds(network, keras.layers.SpectralNormalization)
    assert len(wrapped) == 4 and not kinds(network, keras.layers.Dense)
    for layer in wrapped:
        layer.layer.kernel.assign(10 * layer.layer.kernel)
    for _ in range(50):  # one power iteration each
        outputs(network, inputs(network), training=True)
    for layer in wrapped:
        norm = np.linalg.norm(keras.ops.convert_to_numpy(layer.layer.kernel), 2)
        assert norm == pytest.approx(1, abs=0.05)


def test_spectral_normalization_takes_the_place_of_batch_normalization():
    assert not kinds(bigan_discriminator((8, 8, 1), 3, spectral_normalization=True), keras.layers.BatchNormalization)
    assert len(kinds(bigan_discriminator((8, 8, 1), 3), keras.layers.BatchNormalization)) == 1


@pytest.mark.parametrize("name", BUILDERS)
@pytest.mark.parametrize("shape", SHAPES[:2])
def test_width_scales_the_hidden_layers_alone(name, shape):
    thin, full = BUILDERS[name](shape, width=0.25), BUILDERS[name](shape)
    assert thin.count_params() < full.count_params()
    assert [t.shape for t in thin.inputs] == [t.shape for t in full.inputs]
    assert thin.outputs[0].shape == full.outputs[0].shape
    assert BUILDERS[name](shape, width=1e-3).count_params() > 0  # at least one unit a layer


def dense(inputs: int, units: int) -> int:
    return inputs * units + units


def conv(size: int, inputs: int, filters: int) -> int:
    return size * size * inputs * filters + filters


NORM = 4  # scale, shift, mean, variance for each channel


@pytest.mark.parametrize(
    "network, parameters",
    [
        (
            lambda: bigan_encoder((28, 28, 1), 200),
            conv(3, 1, 32) + conv(3, 32, 64) + conv(3, 64, 128) + NORM * (64 + 128) + dense(7 * 7 * 128, 200),
        ),
        (
            lambda: bigan_generator((28, 28, 1), 200),
            dense(200, 1024) + dense(1024, 6272) + conv(4, 128, 64) + conv(4, 64, 1) + NORM * (1024 + 6272 + 64),
        ),
        (
            lambda: bigan_discriminator((28, 28, 1), 200),
            conv(4, 1, 64) + conv(4, 64, 64) + NORM * 64 + dense(200, 512) + dense(3136 + 512, 1024) + dense(1024, 1),
        ),
        (lambda: bigan_encoder((121,), 32), dense(121, 64) + dense(64, 32)),
        (lambda: bigan_generator((121,), 32), dense(32, 64) + dense(64, 128) + dense(128, 121)),
        (
            lambda: bigan_discriminator((121,), 32),
            dense(121, 128) + dense(32, 128) + dense(256, 128) + dense(128, 1),
        ),
        (
            lambda: gan_discriminator((28, 28, 1)),
            conv(4, 1, 64) + conv(4, 64, 64) + dense(3136, 1024) + NORM * (64 + 1024) + dense(1024, 1),
        ),
        (lambda: gan_discriminator((121,)), dense(121, 256) + dense(256, 128) + dense(128, 128) + dense(128, 1)),
    ],
    ids=["E-mnist", "G-mnist", "D-mnist", "E-kdd", "G-kdd", "D-kdd", "gan-D-mnist", "gan-D-kdd"],
)
def test_the_reference_architectures(network, parameters):
    assert network().count_params() == parameters


@pytest.mark.parametrize("shape", [(28, 28, 1), (121,)])
def test_the_reference_slopes_and_initialisers(shape):
    for build in BUILDERS.values():
        network = build(shape)
        assert {round(float(layer.negative_slope), 6) for layer in kinds(network, keras.layers.LeakyReLU)} <= {0.1}
        for layer in kinds(network, (keras.layers.Dense, keras.layers.Conv2D)):
            initializer = layer.kernel_initializer
            if len(shape) == 1:
                assert isinstance(initializer, keras.initializers.GlorotUniform)  # Xavier
            else:
                assert isinstance(initializer, keras.initializers.RandomNormal) and initializer.stddev == 0.02


@pytest.mark.parametrize("shape", [(1,), (121,), (4, 4, 1), (28, 28, 1), (32, 32, 3), (8, 12, 5), [8, 8, 1]])
def test_shapes_networks_can_be_built_for(shape):
    assert check_shape(shape) == tuple(shape)


@pytest.mark.parametrize(
    "shape, words",
    [
        ((), ["columns"]),
        ((8, 8), ["channels", "(8, 8)"]),
        ((8, 8, 1, 1), ["channels"]),
        ((0,), ["columns"]),
        ((8, 0, 1), ["channels"]),
        ((-4, 4, 1), ["channels"]),
        ((30, 28, 1), ["30x28", "32x28", "own networks"]),
        ((28, 27, 1), ["28x27", "28x28"]),
    ],
)
def test_shapes_they_cannot(shape, words, refused):
    with refused(ValueError, *words):
        check_shape(shape)


def test_spectral_normalisation_is_seeded_too():
    """Keras draws its starting vector without a seed: two trainings from one seed went apart."""
    one, two, other = (
        bigan_discriminator((6,), 3, seed=seed, width=0.2, spectral_normalization=True).get_weights()
        for seed in (1, 1, 2)
    )
    assert all(np.array_equal(a, b) for a, b in zip(one, two, strict=True))
    vectors = [k for k, weight in enumerate(one) if weight.ndim == 2 and weight.shape[0] == 1 and weight.any()]
    assert vectors and not any(np.array_equal(one[k], other[k]) for k in vectors)


def test_spectral_normalisation_is_keras_own_without_a_branch():
    """A branch at every pass was most of the time TensorFlow took before the first step."""
    x = samples((6,))
    ours, theirs = (
        SpectralNormalization(keras.layers.Dense(4)),
        keras.layers.SpectralNormalization(keras.layers.Dense(4)),
    )
    for layer in (ours, theirs):
        layer.build((None, 6))
    theirs.set_weights(ours.get_weights())
    for _ in range(2):
        np.testing.assert_array_equal(*(keras.ops.convert_to_numpy(each(x, training=True)) for each in (ours, theirs)))
    for a, b in zip(ours.get_weights(), theirs.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)
    ours.layer.kernel.assign(np.zeros((6, 4)))
    kept = ours.get_weights()
    assert not keras.ops.convert_to_numpy(ours(x, training=True)).any()
    assert all(np.array_equal(a, b) for a, b in zip(kept, ours.get_weights(), strict=True))


def test_a_training_pass_of_spectral_normalisation_holds_no_branch():
    import tensorflow as tf

    network = bigan_discriminator((6,), 3, width=0.1, spectral_normalization=True)
    call = tf.function(lambda x, z: network([x, z], training=True), autograph=False)
    graph = call.get_concrete_function(*map(tf.constant, inputs(network))).graph
    assert not {each.type for each in graph.get_operations()} & {"If", "StatelessIf"}
