"""ADGAN's own: every query bends a copy of the generator, and the generator stays as it was trained."""

import keras
import numpy as np
import pytest
from keras import layers

from ganad.backends.tracing import TRACES
from ganad.detectors import ADGAN
from ganad.networks import bigan_generator, dcgan_generator
from ganad.networks.rowwise import RowWise
from ganad.search import moving_generator
from ganad.search.latent import draw_starts
from ganad.search.moving_generator import MovingSearch
from ganad.validation import ParameterError

TINY = {"epochs": 2, "batch_size": 32, "latent_dim": 4, "width": 0.1, "learning_rate": 1e-3, "restarts": 3}
RNG = np.random.default_rng(0)


def tensor(x: np.ndarray):
    return keras.ops.convert_to_tensor(np.asarray(x, np.float32))


def array(x) -> np.ndarray:
    return keras.ops.convert_to_numpy(keras.ops.stop_gradient(x))


def lively(generator: keras.Model) -> keras.Model:
    """With weights and statistics as after some training."""
    rng = np.random.default_rng(3)
    generator.set_weights(
        [w + rng.normal(0, 0.15, w.shape) if w.ndim > 1 else abs(w) + 0.1 for w in generator.get_weights()]
    )
    return generator


@pytest.fixture(scope="module")
def fitted(pictures) -> ADGAN:
    return ADGAN(**TINY | {"epochs": 40, "decay": 0.9}).fit(pictures)


# ---- a generator with weights of its own for every row


def upsampling() -> keras.Model:
    """Layers that have to be taken one row at a time."""
    z = keras.Input((4,))
    h = layers.Reshape((2, 2, 4))(layers.Dense(16)(z))
    h = layers.Conv2D(3, 3, padding="same")(layers.UpSampling2D(2)(h))
    return keras.Model(z, layers.Conv2DTranspose(1, 4, 2, padding="same")(h))


@pytest.mark.parametrize("builder", [dcgan_generator, bigan_generator])
@pytest.mark.parametrize("shape", [(8, 8, 1), (28, 28, 1), (32, 32, 3), (6,)])
def test_every_row_meets_its_own_weights(builder, shape):
    generator = lively(builder(shape, 4, seed=1, width=0.1))
    assert RowWise.knows(generator)
    z, trained = RNG.normal(size=(3, 4)), generator.get_weights()
    theta = [array(v) + RNG.normal(0, 0.1, (3, *v.shape)) for v in generator.trainable_variables]
    together = array(RowWise(generator)(tensor(z), [tensor(weight) for weight in theta]))
    for row in range(3):
        for variable, weight in zip(generator.trainable_variables, theta, strict=True):
            variable.assign(weight[row])
        alone = array(generator(tensor(z[row : row + 1]), training=False))
        np.testing.assert_allclose(together[row], alone[0], atol=1e-5)
    generator.set_weights(trained)
    assert np.ptp(together, axis=0).max() > 0.01


@pytest.mark.parametrize("size, stride, padding", [(5, 2, "same"), (3, 1, "same"), (4, 3, "valid"), (5, 2, "valid")])
def test_transposed_convolutions_of_other_sizes(size, stride, padding):
    given = keras.Input((5, 6, 2))
    made = layers.Conv2DTranspose(3, size, stride, padding=padding, activation="tanh", use_bias=False)(given)
    network = lively(keras.Model(given, made))
    x = RNG.normal(size=(2, 5, 6, 2))
    theta = [tensor(np.stack([array(v)] * 2)) for v in network.trainable_variables]
    assert RowWise.knows(network)
    np.testing.assert_allclose(array(RowWise(network)(tensor(x), theta)), array(network(tensor(x))), atol=1e-5)


def test_layers_it_does_not_know():
    z = keras.Input((4,))
    added = layers.Dense(6)(z)
    assert not RowWise.knows(upsampling())
    assert not RowWise.knows(keras.Model(z, layers.Add()([added, layers.Dense(6)(added)])))
    assert not RowWise.knows(keras.Model(z, layers.LayerNormalization()(added)))


# ---- the search


def by_hand(matrix, x, z, steps, latent_rate, generator_rate):
    """Adam on the mean square of x - zA, of z and of A, in float64, for one sample and one start."""
    here = [z.astype(np.float64), matrix.astype(np.float64)]
    moments = [[0.0, 0.0], [0.0, 0.0]]
    for t in range(1, steps + 1):
        off = 2 * (here[0] @ here[1] - x) / len(x)
        for k, slope in enumerate([here[1] @ off, np.outer(here[0], off)]):
            m, v = moments[k] = [0.9 * moments[k][0] + 0.1 * slope, 0.999 * moments[k][1] + 0.001 * slope**2]
            move = (m / (1 - 0.9**t)) / (np.sqrt(v / (1 - 0.999**t)) + 1e-7)
            here[k] = here[k] - (latent_rate, generator_rate)[k] * move
    return here[0], here[1], ((here[0] @ here[1] - x) ** 2).mean()


@pytest.mark.parametrize("steps", [0, 1, 5, 12])
def test_it_is_adam_on_latent_point_and_weights_together(steps):
    z = keras.Input((3,))
    generator = keras.Model(z, layers.Dense(5, use_bias=False)(z))
    matrix = RNG.normal(size=(3, 5)).astype(np.float32)
    generator.set_weights([matrix])
    x, starts = RNG.normal(size=(4, 5)).astype(np.float32), draw_starts(2, 3, 0)
    search = MovingSearch(generator, steps=steps, latent_rate=0.1, generator_rate=0.02)
    found = search.search(x, starts)
    pairs = tensor(np.repeat(x, 2, axis=0)), tensor(np.tile(starts, (4, 1)))
    theta = array(search.move(*pairs, steps, 0.1, 0.02)[-1][0])
    for row, sample in enumerate(x):
        for k, start in enumerate(starts):
            point, moved, loss = by_hand(matrix, sample, start, steps, 0.1, 0.02)
            np.testing.assert_allclose(found.z[row, k], point, rtol=1e-3, atol=1e-3)
            np.testing.assert_allclose(theta[2 * row + k], moved, rtol=1e-3, atol=1e-3)
            assert found.loss[row, k] == pytest.approx(loss, rel=1e-3, abs=1e-6)
            went = np.linalg.norm(moved - matrix) / np.linalg.norm(matrix)
            assert found.distance[row, k] == pytest.approx(went, rel=1e-3)
            np.testing.assert_allclose(found.generated[row, k], found.z[row, k] @ theta[2 * row + k], atol=1e-4)


def test_one_pair_at_a_time_gives_the_same(monkeypatch):
    generator, starts = lively(dcgan_generator((8, 8, 1), 4, seed=1, width=0.1)), draw_starts(2, 4, 0)
    x = RNG.uniform(-1, 1, (3, 8, 8, 1)).astype(np.float32)
    side_by_side = MovingSearch(generator, generator_rate=1e-3).search(x, starts)
    monkeypatch.setattr(moving_generator.RowWise, "knows", staticmethod(lambda generator: False))
    alone = MovingSearch(generator, generator_rate=1e-3).search(x, starts)
    for name in ("z", "loss", "generated", "distance"):
        np.testing.assert_allclose(getattr(side_by_side, name), getattr(alone, name), rtol=1e-3, atol=1e-4)


def test_the_large_update_is_compiled_in_one_piece_and_gives_the_same(monkeypatch):
    generator, starts = lively(dcgan_generator((8, 8, 1), 4, seed=1, width=0.1)), draw_starts(2, 4, 0)
    x = RNG.uniform(-1, 1, (3, 8, 8, 1)).astype(np.float32)
    plain = MovingSearch(generator).search(x, starts)
    monkeypatch.setattr(moving_generator, "FUSED_FROM", 1)
    np.testing.assert_allclose(MovingSearch(generator).search(x, starts).loss, plain.loss, rtol=1e-3)


def test_other_steps_and_rates_trace_nothing():
    generator, starts = lively(dcgan_generator((8, 8, 1), 4, seed=2, width=0.1)), draw_starts(2, 4, 0)
    x = RNG.uniform(-1, 1, (3, 8, 8, 1)).astype(np.float32)
    five, traced = MovingSearch(generator).search(x, starts), TRACES["function"]
    ten = MovingSearch(generator, steps=10, latent_rate=0.1).search(x, starts)
    still = MovingSearch(generator, latent_rate=0.0, generator_rate=0.0).search(x, starts)
    assert TRACES["function"] == traced > 0
    assert (five.distance > 0).all() and (ten.distance > five.distance).all() and (still.distance == 0).all()
    np.testing.assert_array_equal(still.z, np.tile(starts, (3, 1, 1)))


# ---- the detector


def test_scoring_leaves_the_trained_generator_as_it_was(fitted, pictures):
    """One public implementation keeps references instead of copies, so every query bends the generator of the next."""
    before = {role: [w.copy() for w in network.get_weights()] for role, network in fitted.networks_.items()}
    first = fitted.decision_function(pictures[:20])
    fitted.decision_function(pictures[20:])
    fitted.reconstruct(pictures[:3])
    for role, network in fitted.networks_.items():
        for old, new in zip(before[role], network.get_weights(), strict=True):
            np.testing.assert_array_equal(old, new)
    np.testing.assert_array_equal(fitted.decision_function(pictures[:20]), first)


def test_a_score_does_not_depend_on_neighbours_order_or_batch(fitted, pictures):
    x = pictures[:20]
    together = fitted.decision_function(x)
    np.testing.assert_allclose([fitted.decision_function(x[i : i + 1])[0] for i in range(20)], together, rtol=1e-5)
    np.testing.assert_allclose(fitted.decision_function(x[::-1])[::-1], together, rtol=1e-5)
    np.testing.assert_allclose(fitted.decision_function(np.repeat(x, 30, axis=0))[::30], together, rtol=1e-5)


def test_a_score_is_the_mean_over_the_starts(fitted, pictures):
    found = fitted.search(pictures[:10])
    assert found.loss.shape == (10, 3) and found.z.shape == (10, 3, 4)
    x = pictures[:10, None].astype(np.float32) / 127.5 - 1
    np.testing.assert_allclose(found.loss, ((found.generated - x) ** 2).mean((2, 3, 4)), rtol=1e-4)
    np.testing.assert_allclose(fitted.decision_function(pictures[:10]), found.loss.mean(1), rtol=1e-6)
    best = found.generated[np.arange(10), found.loss.argmin(1)]
    np.testing.assert_array_equal(fitted.reconstruct(pictures[:10]), best)


def test_no_step_leaves_the_starts_and_the_trained_generator(fitted, pictures):
    found = fitted.search(pictures[:6], steps=0)
    np.testing.assert_array_equal(found.z, np.tile(fitted.starts(), (6, 1, 1)))
    made = array(fitted.networks_["generator"](tensor(fitted.starts()), training=False))
    np.testing.assert_allclose(found.generated, np.tile(made, (6, 1, 1, 1, 1)), atol=1e-5)
    np.testing.assert_array_equal(found.distance, np.zeros((6, 3)))


def test_starts_come_from_the_seed_and_differ(fitted, pictures):
    starts = fitted.starts()
    assert starts.shape == (3, 4)
    np.testing.assert_array_equal(starts, draw_starts(3, 4, fitted.seed))
    assert not np.array_equal(starts, draw_starts(3, 4, fitted.seed + 1))
    found = fitted.search(pictures[:6], restarts=5)
    np.testing.assert_allclose(found.loss[:, :3], fitted.search(pictures[:6]).loss, rtol=1e-5)
    assert (np.ptp(found.loss, axis=1) > 1e-4).all()  # a public implementation runs all of its restarts from one z


def test_weights_and_latent_points_really_move(fitted, pictures):
    x = pictures[:10]
    both, only_z, only_weights, none = (
        fitted.search(x, latent_rate=latent, generator_rate=weights)
        for latent, weights in [(0.25, 1e-3), (0.25, 0), (0, 1e-3), (0, 0)]
    )
    assert (both.distance > 1e-4).all() and (only_weights.distance > 1e-4).all()
    assert (only_z.distance == 0).all() and (none.distance == 0).all()
    assert len(np.unique(both.distance)) == both.distance.size  # every pair of sample and start has weights of its own
    np.testing.assert_array_equal(only_weights.z, none.z)
    assert not np.allclose(only_z.loss, both.loss, rtol=1e-3)
    assert both.loss.mean() < only_z.loss.mean() < none.loss.mean()
    assert only_weights.loss.mean() < none.loss.mean()


def test_more_steps_fit_anything(fitted, pictures):
    """Why k is 5: with enough steps the bent generator draws noise as well as digits."""
    noise = np.random.default_rng(0).integers(0, 256, (4, 8, 8), np.uint8)
    few, many = (fitted.search(noise, steps=steps, generator_rate=1e-2).loss.mean() for steps in (5, 200))
    assert many < few / 4


def test_a_generator_of_other_layers(pictures):
    from ganad.networks import gan_discriminator

    own = {"generator": upsampling(), "discriminator": gan_discriminator((8, 8, 1), seed=1, width=0.1)}
    detector = ADGAN(**TINY | {"epochs": 1, "restarts": 2}, networks=own, threshold_samples=4).fit(pictures[:32])
    found = detector.search(pictures[:3], generator_rate=1e-2)
    assert found.generated.shape == (3, 2, 8, 8, 1) and (found.distance > 1e-3).all()


@pytest.mark.parametrize("changes", [{"steps": -1}, {"restarts": 0}, {"latent_rate": -1}, {"generator_rate": None}])
def test_values_out_of_range(fitted, pictures, changes, refused):
    with refused(ParameterError, next(iter(changes))):
        fitted.search(pictures[:2], **changes)
    with refused(ParameterError, next(iter(changes))):
        ADGAN(**TINY | changes).fit(pictures)


def test_the_threshold_comes_from_a_part_of_a_large_training_set(pictures):
    detector = ADGAN(**TINY | {"epochs": 1}, threshold_samples=30, contamination=0.2).fit(pictures)
    assert detector.decision_scores_.shape == detector.labels_.shape == (30,)
    assert detector.threshold_ == np.quantile(detector.decision_scores_, 0.8)
