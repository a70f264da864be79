"""The conditional GAN: the label decides the class, and tells what does not fit it."""

import keras
import numpy as np
import pytest

from ganad import metrics
from ganad.models.conditional_gan import ConditionalGAN
from ganad.networks import conditional_discriminator, conditional_generator
from ganad.training.many import fit_seeds

CENTRES = np.array([[0.0, 1.0], [1.0, 0.0], [-1.0, -1.0]], np.float32)


def clouds(count: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Points around three centres, and which."""
    rng = np.random.default_rng(seed)
    y = rng.integers(0, 3, count)
    return (CENTRES[y] + 0.1 * rng.normal(size=(count, 2))).astype(np.float32), y


@pytest.fixture(scope="module")
def seeds() -> list[ConditionalGAN]:
    prototype = ConditionalGAN(classes=3, latent_dim=4, learning_rate=2e-3, width=0.25, decay=0.95)
    return fit_seeds(prototype, *clouds(1500, 0), seeds=range(5), epochs=60, batch_size=50)


@pytest.fixture(scope="module")
def fitted(seeds) -> ConditionalGAN:
    return seeds[1]


@pytest.mark.quality
def test_it_draws_the_class_it_is_asked_for(seeds, quality):
    asked = np.repeat([0, 1, 2], 50)

    def share(model: ConditionalGAN) -> float:
        nearest = np.linalg.norm(model.sample(asked)[:, None] - CENTRES, axis=2).argmin(1)
        return (nearest == asked).mean()

    quality(np.median([share(model) for model in seeds]), above=0.95)


def test_the_same_noise_and_another_label_is_another_sample(fitted):
    z = np.zeros((3, 4), np.float32)
    drawn = fitted.sample(np.arange(3), z)
    assert np.linalg.norm(drawn[0] - drawn[1]) > 0.5
    np.testing.assert_array_equal(fitted.sample(np.arange(3), z), drawn)
    assert not np.array_equal(fitted.sample([0, 0], seed=1), fitted.sample([0, 0], seed=2))


@pytest.mark.quality
def test_a_wrong_label_does_not_fit(seeds, quality):
    x, y = clouds(90, 5)
    wrong = np.arange(90) % 2
    claimed = (y + wrong * np.random.default_rng(0).integers(1, 3, 90)) % 3
    found = [metrics.auroc(wrong, model.mismatch(x, claimed, steps=100)) for model in seeds]
    quality(np.median(found), above=0.95)


def test_the_judge_is_told_the_label(fitted):
    x, y = clouds(60, 6)
    right, other = fitted.judge(x, y), fitted.judge(x, (y + 1) % 3)
    assert ((right > 0) & (right < 1)).all() and not np.allclose(right, other, atol=1e-3)


def test_mismatch_is_the_residual_of_a_search_under_the_given_label(fitted):
    x, y = clouds(10, 7)
    found = fitted.search(x, y, steps=50)
    np.testing.assert_allclose(fitted.mismatch(x, y, steps=50), found.residual)
    np.testing.assert_allclose(fitted.sample(y, found.z), found.generated, atol=1e-4)


@pytest.mark.parametrize("labels", [[0, 1], [0, 1, 3], [-1, 0, 1], [0.0, 1.0, 2.0], ["a", "b", "c"], [[0], [1], [2]]])
def test_labels_that_are_refused(fitted, labels, refused):
    x = np.zeros((3, 2), np.float32)
    for call in (fitted.judge, fitted.mismatch, lambda x, y: ConditionalGAN(classes=3).fit(x, y, epochs=1)):
        with refused(ValueError, "label"):
            call(x, np.array(labels))


@pytest.mark.parametrize("shape", [(8, 8, 1), (32, 32, 3), (28, 28, 1), (5,)])
def test_networks_take_a_sample_and_a_label(shape):
    generator = conditional_generator(shape, 6, 4, width=0.05)
    discriminator = conditional_discriminator(shape, 4, width=0.05)
    z, label = (keras.ops.convert_to_tensor(a.astype(np.float32)) for a in (np.zeros((2, 6)), np.eye(4)[:2]))
    made = generator([z, label], training=False)
    assert made.shape == (2, *shape)
    logit, features = discriminator([made, label], training=False)
    assert logit.shape == (2, 1) and features.shape[0] == 2
    twin = keras.models.clone_model(discriminator)
    twin.set_weights(discriminator.get_weights())
    again = twin([made, label], training=False)[0]
    np.testing.assert_allclose(keras.ops.convert_to_numpy(again), keras.ops.convert_to_numpy(logit), rtol=1e-5)


def test_images_are_conditioned_too(pictures):
    x = pictures.astype(np.float32) / 127.5 - 1
    model = ConditionalGAN(classes=10, latent_dim=4, width=0.1).fit(x, np.arange(len(x)) % 10, epochs=1, batch_size=32)
    assert model.sample(np.arange(10)).shape == (10, 8, 8, 1)
