"""GAN and BiGAN: they learn something, and say the same twice."""

from types import SimpleNamespace

import numpy as np
import pytest
from keras import ops

from ganad.models import bigan, gan
from ganad.models.bigan import BiGAN
from ganad.models.gan import GAN, saturating_loss
from ganad.training.many import fit_seeds
from ganad_book import plots


@pytest.fixture(scope="module")
def two_blobs() -> np.ndarray:
    """Two small clusters at (-1, 0) and (1, 0)."""
    rng = np.random.default_rng(0)
    centres = np.array([[-1.0, 0.0], [1.0, 0.0]])[rng.integers(0, 2, 1024)]
    return (centres + 0.1 * rng.standard_normal((1024, 2))).astype(np.float32)


def blobs_reached(points: np.ndarray) -> tuple[float, float]:
    """Shares of the points that lie within .4 of each centre."""
    return tuple(float((np.linalg.norm(points - centre, axis=1) < 0.4).mean()) for centre in ([-1, 0], [1, 0]))


@pytest.mark.parametrize("module", [gan, bigan])
def test_the_losses_are_the_papers(module) -> None:
    """Goodfellow et al. 2014, section 3; Donahue et al. 2017, equation (3): E wants of D the opposite, as G does."""
    real, fake = np.float32([[2.0], [-1.0], [0.5]]), np.float32([[0.3], [-2.0], [1.5]])
    play = SimpleNamespace(real=ops.convert_to_tensor(real), fake=ops.convert_to_tensor(fake))
    d_real, d_fake = 1 / (1 + np.exp(-real)), 1 / (1 + np.exp(-fake))
    expected = {
        "discriminator_loss": -np.log(d_real).mean() - np.log(1 - d_fake).mean(),
        "generator_loss": -np.log(d_fake).mean(),
    }
    expected |= {"encoder_loss": -np.log(1 - d_real).mean()} if module is bigan else {}
    expected |= {"saturating_loss": np.log(1 - d_fake).mean()} if module is gan else {}
    for name, value in expected.items():
        assert float(getattr(module, name)(play)) == pytest.approx(value, rel=1e-5), name


@pytest.mark.quality
def test_gan_draws_both_clusters(two_blobs: np.ndarray, quality) -> None:
    prototype = GAN(latent_dim=4, learning_rate=1e-3, decay=0.99)
    models = fit_seeds(prototype, two_blobs, seeds=range(3), epochs=150, batch_size=128)
    reached = np.array([blobs_reached(model.sample(1000)) for model in models])
    quality(np.median(reached.min(1)), above=0.1)
    quality(np.median(reached.sum(1)), above=0.6)


def test_every_epoch_is_seen(two_blobs: np.ndarray) -> None:
    seen = []
    model = GAN(latent_dim=4, learning_rate=1e-3, decay=0.99, seed=1)
    model.fit(two_blobs, epochs=3, batch_size=128, on_epoch=lambda epoch, gan: seen.append(epoch))
    assert seen == [1, 2, 3] and len(model.history_["generator"]) == 3


def test_judge_is_the_probability_behind_the_logit(two_blobs: np.ndarray) -> None:
    model = GAN(latent_dim=4, learning_rate=1e-3, seed=0).fit(two_blobs, epochs=10, batch_size=128)
    opinion = model.judge(two_blobs)
    logits = np.asarray(model.networks_["discriminator"](two_blobs, training=False)[0])[:, 0]
    assert opinion.shape == (1024,) and ((opinion > 0) & (opinion < 1)).all() and opinion.std() > 0
    np.testing.assert_allclose(np.log(opinion / (1 - opinion)), logits, atol=1e-4)


def test_same_seed_same_samples(two_blobs: np.ndarray) -> None:
    first, second, other = (
        GAN(latent_dim=3, seed=s).fit(two_blobs, epochs=2, batch_size=64).sample(5) for s in (4, 4, 5)
    )
    np.testing.assert_array_equal(first, second)
    assert np.abs(first - other).max() > 1e-3


def test_the_saturating_loss_is_another_game(two_blobs: np.ndarray) -> None:
    usual = GAN(latent_dim=3).fit(two_blobs, epochs=1, batch_size=64).history_
    flat = GAN(latent_dim=3, generator_objective=saturating_loss).fit(two_blobs, epochs=1, batch_size=64).history_
    assert usual["generator"][0] > 0 > flat["generator"][0]


@pytest.mark.parametrize("shape", [(8, 8, 1), (5,)])
def test_bigan_goes_there_and_back(shape: tuple[int, ...]) -> None:
    x = np.random.default_rng(0).uniform(-1, 1, (40, *shape)).astype(np.float32)
    model = BiGAN(latent_dim=3, width=0.1).fit(x, epochs=2, batch_size=16)
    assert model.encode(x).shape == (40, 3)
    assert model.reconstruct(x).shape == x.shape
    np.testing.assert_allclose(model.reconstruct(x), model.sample(model.encode(x)), atol=1e-6)
    assert set(model.history_) == {"discriminator", "generator", "encoder"}


def test_the_plane_grid_is_square_and_covers_the_picture() -> None:
    grid = plots.plane_grid(7)
    assert grid.shape == (49, 2) and grid.min() == -2 and grid.max() == 2
    assert (grid[0] == [-2, -2]).all() and (grid[6] == [2, -2]).all()  # rows of contourf are the second coordinate
