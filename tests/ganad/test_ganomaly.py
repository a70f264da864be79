"""GANomaly's own: two encoders that both learn, an adversarial term that asks D, scores that know no neighbours."""

import keras
import numpy as np
import pytest

from ganad.detectors import GANomaly
from ganad.detectors import ganomaly as module
from ganad.networks import ganomaly_decoder, ganomaly_discriminator, ganomaly_encoder

TINY = {"epochs": 3, "batch_size": 32, "latent_dim": 4, "width": 0.1, "learning_rate": 1e-3}


def array(x) -> np.ndarray:
    return keras.ops.convert_to_numpy(keras.ops.stop_gradient(x))


@pytest.fixture(scope="module")
def networks() -> dict[str, keras.Model]:
    shape = (8, 8, 1)
    made = {
        "encoder": ganomaly_encoder(shape, 4, seed=1, width=0.1),
        "decoder": ganomaly_decoder(shape, 4, seed=2, width=0.1),
        "second_encoder": ganomaly_encoder(shape, 4, seed=3, width=0.1, name="second_encoder"),
        "discriminator": ganomaly_discriminator(shape, seed=4, width=0.1),
    }
    rng = np.random.default_rng(0)
    for network in made.values():
        drawn = [(w, rng.normal(0, 0.15, w.shape)) for w in network.get_weights()]
        network.set_weights([w + noise if w.ndim > 1 else abs(w + noise) + 0.1 for w, noise in drawn])
    return made


@pytest.fixture(scope="module")
def play(networks) -> module.GANomalyPlay:
    x = np.random.default_rng(1).uniform(-1, 1, (6, 8, 8, 1)).astype(np.float32)
    return module.GANomalyPlay(networks, keras.ops.convert_to_tensor(x), training=False)


def test_the_losses_are_the_papers(play):
    x, made, code, again = (array(each) for each in (play.x, play.reconstructed, play.encoded, play.again))
    seen, matched = array(play.real_features), array(play.fake_features)
    parts = {
        "contextual": (module.contextual_loss(play), np.abs(x - made).mean()),
        "encoder": (module.encoder_loss(play), ((code - again) ** 2).mean()),
        "features": (module.feature_matching_loss(play), ((seen - matched) ** 2).mean()),
        "verdict": (module.cross_entropy_loss(play), np.log1p(np.exp(-array(play.fake).astype(np.float64))).mean()),
    }
    for name, (found, expected) in parts.items():
        assert expected > 1e-5, name
        assert float(found) == pytest.approx(expected, rel=1e-4), name
    total = GANomaly()._generator_loss()(play)
    expected = parts["features"][1] + 50 * parts["contextual"][1] + parts["encoder"][1]
    assert float(total) == pytest.approx(expected, rel=1e-4)


def test_feature_matching_looks_at_features_and_the_cross_entropy_at_the_verdict(networks, play):
    """One port's adversarial term was a cross-entropy of the image itself: D had no say in it."""
    other = keras.models.clone_model(networks["discriminator"])
    *body, kernel, bias = networks["discriminator"].get_weights()
    other.set_weights([*body, kernel * 0.5, bias - 1])  # another verdict from the same features
    changed = module.GANomalyPlay({**networks, "discriminator": other}, play.x, training=False)
    assert float(module.feature_matching_loss(changed)) == float(module.feature_matching_loss(play))
    assert abs(float(module.cross_entropy_loss(changed)) - float(module.cross_entropy_loss(play))) > 1e-3


def test_both_encoders_learn_and_share_no_weight(pictures):
    detector = GANomaly(**TINY, decay=0.0)
    detector.reference_ = detector._reference((8, 8, 1)) | {"latent_dim": 4}
    start = {role: network.get_weights() for role, network in detector._networks((8, 8, 1)).items()}
    trained = detector.fit(pictures).networks_
    for role in ("encoder", "decoder", "second_encoder", "discriminator"):
        moved = [np.abs(a - b).max() for a, b in zip(start[role], trained[role].get_weights(), strict=True)]
        assert max(moved) > 1e-3, role
    first, second = (trained[role].get_weights()[0] for role in ("encoder", "second_encoder"))
    assert not np.allclose(first, second, atol=1e-3)


@pytest.mark.parametrize("score", ["squared", "absolute"])
def test_the_score_is_the_distance_of_the_codes_as_it_is(score, pictures):
    """No scaling by the test set's extremes: a score does not move when another sample comes along."""
    detector = GANomaly(**TINY, anomaly_score=score).fit(pictures)
    x = pictures[:20].astype(np.float32) / 127.5 - 1
    networks = detector.networks_
    code = networks["encoder"](x, training=False)
    again = networks["second_encoder"](networks["decoder"](code, training=False), training=False)
    difference = array(code) - array(again)
    expected = (difference**2 if score == "squared" else np.abs(difference)).mean(1)
    np.testing.assert_allclose(detector.decision_function(x), expected, rtol=1e-4)
    np.testing.assert_allclose(detector.decision_function(x[:3]), expected[:3], rtol=1e-4)


def test_batchnorm_is_frozen_in_scoring(pictures):
    detector = GANomaly(**TINY).fit(pictures)
    before = {role: network.get_weights() for role, network in detector.networks_.items()}
    detector.decision_function(pictures[::-1])
    for role, network in detector.networks_.items():
        for old, new in zip(before[role], network.get_weights(), strict=True):
            np.testing.assert_array_equal(old, new)


@pytest.mark.parametrize("shape", [(28, 28, 1), (32, 32, 3), (8, 8, 1), (16, 24, 2), (4, 4, 1)])
def test_networks_for_every_size(shape):
    code = ganomaly_encoder(shape, 5, width=0.05)
    assert code.output.shape[1:] == (5,)
    assert ganomaly_decoder(shape, 5, width=0.05).output.shape[1:] == shape


def test_the_references_network_for_32x32():
    filters = [w.shape[-1] for w in ganomaly_encoder((32, 32, 3), 100).get_weights() if w.ndim == 4]
    assert filters == [64, 128, 256, 100]
    assert ganomaly_discriminator((32, 32, 3)).output[1].shape[1] == 4 * 4 * 256


def test_the_cross_entropy_variant_trains_to_something_else(pictures):
    scores = [GANomaly(**TINY, adversarial_loss=loss).fit(pictures).decision_scores_ for loss in module.ADVERSARIAL]
    assert np.isfinite(scores).all() and not np.allclose(*scores, rtol=1e-4)


def test_the_residual_as_the_score(pictures):
    detector = GANomaly(**TINY, anomaly_score="residual").fit(pictures)
    expected = detector.residual_map(pictures).mean((1, 2))
    np.testing.assert_allclose(detector.decision_function(pictures), expected, rtol=1e-4)
