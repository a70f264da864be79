"""The latent search: only z moves, each sample for itself."""

import keras
import numpy as np
import pytest
from keras import layers

from ganad.backends import backend
from ganad.networks import bigan_generator, gan_discriminator
from ganad.search.latent import STEPS_PER_CALL, LatentSearch, draw_starts
from ganad.search.moving_generator import MovingSearch

RNG = np.random.default_rng(0)


def tensor(x: np.ndarray):
    return keras.ops.convert_to_tensor(x)


def array(x) -> np.ndarray:
    return keras.ops.convert_to_numpy(keras.ops.stop_gradient(x))


@pytest.fixture(scope="module")
def linear() -> tuple[keras.Model, np.ndarray]:
    """G(z) = zA, 3 to 5, and A."""
    z = keras.Input((3,))
    generator = keras.Model(z, layers.Dense(5, use_bias=False)(z))
    matrix = RNG.normal(size=(3, 5)).astype(np.float32)
    generator.set_weights([matrix])
    return generator, matrix


@pytest.fixture(scope="module")
def networks() -> tuple[keras.Model, keras.Model]:
    """A small generator and discriminator of 8x8 images, with weights as after some training."""
    pair = bigan_generator((8, 8, 1), 4, seed=1, width=0.1), gan_discriminator((8, 8, 1), seed=2, width=0.1)
    rng = np.random.default_rng(3)
    for network in pair:
        network.set_weights(
            [w + rng.normal(0, 0.15, w.shape) if w.ndim > 1 else abs(w) + 0.1 for w in network.get_weights()]
        )
    return pair


@pytest.fixture(scope="module")
def x() -> np.ndarray:
    return np.random.default_rng(4).uniform(-1, 1, (12, 8, 8, 1)).astype(np.float32)


STARTS = draw_starts(1, 4, 0)


def by_hand(matrix: np.ndarray, x: np.ndarray, z: np.ndarray, steps: int, rate: float, boundaries=(200, 300)):
    """Adam on |x - zA|_1, in float64, one sample."""
    z, m, v, matrix = z.astype(np.float64), 0.0, 0.0, matrix.astype(np.float64)
    for t in range(1, steps + 1):
        slope = -np.sign(x - z @ matrix) @ matrix.T
        m, v = 0.9 * m + 0.1 * slope, 0.999 * v + 0.001 * slope**2
        size = rate * (1 if t <= boundaries[0] else 0.1 if t <= boundaries[1] else 0.05)
        z = z - size * (m / (1 - 0.9**t)) / (np.sqrt(v / (1 - 0.999**t)) + 1e-7)
    return z, np.abs(x - z @ matrix).sum()


@pytest.mark.parametrize("steps", [0, 1, 7, STEPS_PER_CALL, STEPS_PER_CALL + 9])
def test_it_is_adam_on_the_l1_distance(linear, steps):
    generator, matrix = linear
    x = RNG.normal(size=(4, 5)).astype(np.float32)
    found = LatentSearch(generator, weight=0.0, steps=steps, rate=0.05, boundaries=(20, 40)).search(
        x, draw_starts(1, 3, 0)
    )
    for row, sample in enumerate(x):
        z, loss = by_hand(matrix, sample, draw_starts(1, 3, 0)[0], steps, 0.05, (20, 40))
        np.testing.assert_allclose(found.z[row], z, rtol=1e-3, atol=1e-3)
        assert found.loss[row] == pytest.approx(loss, rel=1e-3)
    np.testing.assert_allclose(found.generated, found.z @ matrix, rtol=1e-4, atol=1e-5)
    assert (found.steps == steps).all()


def test_it_finds_what_the_generator_made(linear):
    generator, matrix = linear
    z = RNG.normal(size=(6, 3)).astype(np.float32)
    found = LatentSearch(generator, weight=0.0, steps=500, rate=0.05).search(z @ matrix, draw_starts(1, 3, 0))
    assert found.loss.max() < 0.05
    np.testing.assert_allclose(found.z, z, atol=0.05)


def test_the_loss_is_residual_and_discrimination(networks, x):
    generator, discriminator = networks
    for score in ("feature_matching", "cross_entropy"):
        found = LatentSearch(generator, discriminator, steps=3, weight=0.3, score=score).search(x, STARTS)
        made = array(generator(tensor(found.z), training=False))
        np.testing.assert_allclose(found.generated, made, atol=1e-5)
        residual = np.abs(x - made).sum((1, 2, 3))
        logit, features = map(array, discriminator(tensor(made), training=False))
        seen = array(discriminator(tensor(x), training=False)[1])
        part = np.abs(seen - features).sum(1) if score == "feature_matching" else np.log1p(np.exp(-logit[:, 0]))
        np.testing.assert_allclose(found.residual, residual, rtol=1e-4)
        np.testing.assert_allclose(found.loss, 0.7 * residual + 0.3 * part, rtol=1e-4)


def test_feature_matching_looks_at_features_and_not_at_the_verdict(networks, x):
    generator, discriminator = networks
    other = keras.models.clone_model(discriminator)
    *body, kernel, bias = discriminator.get_weights()
    other.set_weights([*body, kernel * 3 + 1, bias - 2])  # another last layer: other logits, the same features
    losses = {
        (score, judge.name + str(k)): LatentSearch(generator, judge, steps=3, score=score).search(x, STARTS).loss
        for score in ("feature_matching", "cross_entropy")
        for k, judge in enumerate((discriminator, other))
    }
    matching, again, entropy, changed = losses.values()
    np.testing.assert_array_equal(matching, again)
    assert not np.allclose(entropy, changed, rtol=1e-3)


def test_only_the_latent_points_move(networks, x):
    before = [[w.copy() for w in network.get_weights()] for network in networks]
    found = LatentSearch(*networks, steps=30, rate=0.05).search(x, STARTS)
    assert (np.abs(found.z - STARTS).max(1) > 0.01).all()
    for network, weights in zip(networks, before, strict=True):
        for old, new in zip(weights, network.get_weights(), strict=True):
            np.testing.assert_array_equal(old, new)


def test_together_is_the_same_as_one_by_one(networks, x):
    search = LatentSearch(*networks, steps=500)
    together = search.search(x, STARTS)
    alone = np.concatenate([search.search(x[i : i + 1], STARTS).loss for i in range(len(x))])
    np.testing.assert_allclose(together.loss, alone, rtol=1e-3)


def test_a_gpu_is_given_more_searches_at_a_time_that_end_the_same(networks, x, monkeypatch):
    few = LatentSearch(*networks, steps=20, slots=(2, 4)).search(x, STARTS)
    monkeypatch.setattr(backend(), "device_name", lambda: "GPU: made up")
    search = LatentSearch(*networks, steps=20, slots=(2, 4))
    assert search.slots == (2, 128)
    np.testing.assert_allclose(search.search(x, STARTS).loss, few.loss, rtol=1e-3)
    moving = MovingSearch(networks[0])
    assert moving._sizes[-1] > 1 and moving._sizes[-1] * sum(np.prod(v.shape) for v in moving.theta) > 2**20


def test_a_batch_starts_afresh(networks, x):
    search = LatentSearch(*networks, steps=60)
    first = search.search(x[:5], STARTS)
    search.search(x[5:], STARTS)
    np.testing.assert_array_equal(search.search(x[:5], STARTS).loss, first.loss)


def test_restarts_keep_the_best_end(networks, x):
    search = LatentSearch(*networks, steps=40, rate=0.05)
    starts = draw_starts(3, 4, 0)
    np.testing.assert_array_equal(starts[:2], draw_starts(2, 4, 0))
    each = np.stack([search.search(x, start[None]).loss for start in starts])
    best = search.search(x, starts)
    np.testing.assert_allclose(best.loss, each.min(0), rtol=1e-4)
    assert len(set(each.argmin(0))) > 1
    made = array(networks[0](tensor(best.z), training=False))
    np.testing.assert_allclose(best.generated, made, atol=1e-5)


def test_a_search_that_has_converged_leaves_its_slot_to_the_next(networks, x):
    settings = {"steps": 600, "rate": 0.05, "boundaries": (600, 600)}
    full = LatentSearch(*networks, **settings).search(x, STARTS)
    early = LatentSearch(*networks, **settings, tolerance=0.003, slots=(3, 5))
    found = early.search(x, STARTS)
    assert found.steps.min() < 600 and len(set(found.steps)) > 1
    assert (found.steps % STEPS_PER_CALL == 0).all() and found.steps.min() > 0
    assert np.isfinite(found.loss).all() and (found.loss < full.loss * 1.2).all()
    alone = [early.search(x[i : i + 1], STARTS) for i in range(len(x))]
    np.testing.assert_array_equal(found.steps, [one.steps[0] for one in alone])
    np.testing.assert_allclose(found.loss, [one.loss[0] for one in alone], rtol=1e-3)


def test_conditions_belong_to_their_samples():
    z, label = keras.Input((2,)), keras.Input((3,))
    generator = keras.Model([z, label], layers.Concatenate()([z, label]))
    labels = np.eye(3, dtype=np.float32)[[0, 2, 1, 0]]
    x = np.concatenate([np.zeros((4, 2), np.float32), np.roll(labels, 1, axis=0)], 1)
    found = LatentSearch(generator, weight=0.0, steps=300, rate=0.05).search(x, draw_starts(2, 2, 0), labels)
    np.testing.assert_array_equal(found.generated[:, 2:], labels)
    np.testing.assert_allclose(found.loss, np.abs(labels - np.roll(labels, 1, axis=0)).sum(1), atol=0.05)
