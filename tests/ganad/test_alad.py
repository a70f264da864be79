"""ALAD's own: three discriminators that see what they should, and a score by features."""

import keras
import numpy as np
import pytest

from ganad.detectors import ALAD
from ganad.detectors import alad as module
from ganad.networks import (
    alad_discriminator_xx,
    alad_discriminator_xz,
    alad_discriminator_zz,
    alad_encoder,
    alad_generator,
)

TINY = {"epochs": 2, "batch_size": 32, "latent_dim": 4, "width": 0.06, "learning_rate": 1e-3, "turns": "simultaneous"}


def array(x) -> np.ndarray:
    return keras.ops.convert_to_numpy(keras.ops.stop_gradient(x))


@pytest.fixture(scope="module")
def fitted(table) -> ALAD:
    return ALAD(**TINY | {"width": 0.2}).fit(table)


def test_the_reconstruction_judge_joins_channels_not_rows():
    """The authors' code stacks the two images on top of each other."""
    judge = alad_discriminator_xx((8, 12, 3), width=0.1, spectral=False)
    first = next(w for w in judge.get_weights() if w.ndim == 4)
    assert first.shape[2] == 6  # both images under one kernel
    x = np.random.default_rng(0).uniform(-1, 1, (5, 8, 12, 3)).astype(np.float32)
    x, other = (keras.ops.convert_to_tensor(each) for each in (x, x[::-1].copy()))
    assert not np.allclose(array(judge([x, other], training=False)[0]), array(judge([x, x], training=False)[0]))


def test_the_losses_are_three_games(fitted, table):
    rng = np.random.default_rng(0)
    x, z = (keras.ops.convert_to_tensor(a.astype(np.float32)) for a in (table[:7], rng.normal(size=(7, 4))))
    play = module.ALADPlay(fitted.networks_, x, z, training=False)
    networks = fitted.networks_
    code, made = networks["encoder"](x), networks["generator"](z)
    pairs = {
        "discriminator_xz": ([x, code], [made, z]),
        "discriminator_xx": ([x, x], [x, networks["generator"](code)]),
        "discriminator_zz": ([z, z], [z, networks["encoder"](made)]),
    }
    logits = {
        name: [array(networks[name](pair)[0]).astype(np.float64) for pair in both] for name, both in pairs.items()
    }

    def softplus(a):
        return np.log1p(np.exp(a)).mean()

    judges = sum(softplus(-real) + softplus(fake) for real, fake in logits.values())
    cycles = sum(softplus(-logits[name][1]) for name in ("discriminator_xx", "discriminator_zz"))
    assert float(module.discriminator_loss(play)) == pytest.approx(judges, rel=1e-4)
    real, fake = logits["discriminator_xz"]
    assert float(module.generator_loss(play)) == pytest.approx(softplus(-fake) + cycles, rel=1e-4)
    assert float(module.encoder_loss(play)) == pytest.approx(softplus(real) + cycles, rel=1e-4)


def test_every_network_learns(table):
    detector = ALAD(**TINY, decay=0.0)
    detector.reference_ = detector._reference((6,)) | {"latent_dim": 4}
    start = {role: network.get_weights() for role, network in detector._networks((6,)).items()}
    trained = detector.fit(table).networks_
    for role, network in trained.items():
        moved = [np.abs(a - b.value).max() for a, b in zip(start[role], network.weights, strict=True) if b.trainable]
        assert moved and min(moved) >= 0 and max(moved) > 1e-4, role


def test_the_four_scores(fitted, table):
    x = keras.ops.convert_to_tensor(table[:30])
    networks = fitted.networks_
    made = networks["generator"](networks["encoder"](x))
    (_, same), (logit, features) = (networks["discriminator_xx"](pair) for pair in ([x, x], [x, made]))
    difference = table[:30] - array(made)
    expected = {
        "features": np.abs(array(same) - array(features)).sum(1),
        "logits": np.log1p(np.exp(-array(logit)[:, 0])),
        "l1": np.abs(difference).sum(1),
        "l2": np.sqrt((difference**2).sum(1)),
    }
    for kind, scores in expected.items():
        other = ALAD(**fitted.get_params() | {"anomaly_score": kind})
        other.shape_, other.reference_ = fitted.shape_, fitted.reference_
        other._adopt(networks)
        np.testing.assert_allclose(other.decision_function(table[:30]), scores, rtol=1e-3, atol=1e-5)


def test_dropout_is_off_when_scoring(fitted, table):
    """In one library two scorings of the same rows correlate at .6."""
    np.testing.assert_array_equal(fitted.decision_function(table), fitted.decision_function(table))


@pytest.mark.parametrize("shape", [(28, 28, 1), (32, 32, 3), (8, 8, 1), (4, 8, 2)])
def test_networks_for_every_size(shape):
    assert alad_encoder(shape, 5, width=0.03).output.shape[1:] == (5,)
    assert alad_generator(shape, 5, width=0.03).output.shape[1:] == shape


def test_the_references_filters_for_32x32():
    kernels = [w for w in alad_generator((32, 32, 3), 100).get_weights() if w.ndim == 4]
    assert [w.shape[2] for w in kernels] == [512, 256, 128, 3]


def test_without_spectral_normalisation_it_is_another_model(table, fitted):
    other = ALAD(**TINY | {"width": 0.2}, spectral_normalization=False).fit(table)
    assert np.isfinite(other.decision_scores_).all()
    assert not np.allclose(other.decision_scores_, fitted.decision_scores_, rtol=1e-3)


def test_a_residual_loss_is_one_of_generator_and_encoder(pictures, untraced):
    plain, more = (ALAD(**TINY | {"epochs": 1}, residual_weight=weight).fit(pictures).history_ for weight in (0.0, 1.0))
    for role in ("generator", "encoder"):  # the L1 distance of 8x8 images to what is generated at first
        assert more[role][0] > plain[role][0] + 10
    assert abs(more["discriminator"][0] - plain["discriminator"][0]) < 1


def test_the_encoder_of_tables_leaks_a_fifth():
    """As in the authors' code; EGBAD's leaks a tenth."""
    encoder = alad_encoder((6,), 4, seed=1)
    x = np.random.default_rng(0).normal(size=(9, 6)).astype(np.float32)
    first, bias, second, last = encoder.get_weights()
    hidden = x @ first + bias
    expected = np.where(hidden > 0, hidden, 0.2 * hidden) @ second + last
    np.testing.assert_allclose(array(encoder(x)), expected, atol=1e-5)


@pytest.mark.parametrize("shape", [(6,), (8, 8, 1)])
def test_every_layer_but_the_last_is_bounded(shape):
    """As in the authors' code: what a network returns is not bounded."""
    networks = [
        alad_discriminator_xz(shape, 4, width=0.1),
        alad_discriminator_xx(shape, width=0.1),
        alad_discriminator_zz(shape, 4, width=0.1),
        *([alad_encoder(shape, 4, width=0.1)] if len(shape) == 3 else []),
    ]
    for network in networks:
        kinds = [
            isinstance(layer, keras.layers.SpectralNormalization)
            for layer in network.layers
            if any(w.ndim > 1 for w in layer.get_weights())
        ]
        assert kinds == [True] * (len(kinds) - 1) + [False] and len(kinds) > 1, network.name


@pytest.mark.parametrize("shape, count", [((6,), 1), ((8, 8, 1), 0), ((16, 16, 1), 1), ((32, 32, 3), 2)])
@pytest.mark.parametrize("spectral", [False, True])
def test_the_authors_batch_normalisation_can_be_left_out(shape, count, spectral):
    """They have it after the table's layer, and after every convolution of x but the first."""
    for wanted in (True, False):
        judge = alad_discriminator_xz(shape, 4, width=0.1, spectral=spectral, batch_normalization=wanted)
        found = [layer for layer in judge.layers if isinstance(layer, keras.layers.BatchNormalization)]
        assert len(found) == count * wanted
