"""f-AnoGAN's own: two stages, and an encoder that learns alone."""

import keras
import numpy as np
import pytest

from ganad.detectors import FAnoGAN

TINY = {"epochs": 2, "batch_size": 16, "latent_dim": 4, "width": 0.1, "learning_rate": 1e-3}


def array(x) -> np.ndarray:
    return keras.ops.convert_to_numpy(keras.ops.stop_gradient(x))


@pytest.fixture(scope="module")
def watched(pictures) -> tuple[FAnoGAN, list]:
    """A detector, and its networks' weights after each epoch."""
    seen = []

    def watch(epoch, detector):
        seen.append((epoch, {role: network.get_weights() for role, network in detector.networks_.items()}))

    detector = FAnoGAN(**TINY, encoder_epochs=3, encoder_learning_rate=1e-3, decay=0.5).fit(pictures, on_epoch=watch)
    return detector, seen


def moved(before: list, after: list) -> float:
    return max(np.abs(a - b).max() for a, b in zip(before, after, strict=True))


def test_the_first_stage_moves_generator_and_critic_the_second_the_encoder_alone(watched):
    detector, seen = watched
    assert [epoch for epoch, _ in seen] == [1, 2, 3, 4, 5]
    assert {name: len(losses) for name, losses in detector.history_.items()} == {
        "critic": 2, "generator": 2, "encoder": 3,
    }  # fmt: skip
    stages = [state for _, state in seen]
    for role in ("generator", "critic"):
        assert moved(stages[0][role], stages[1][role]) > 1e-4
        for later in stages[2:]:
            assert moved(stages[1][role], later[role]) == 0
    assert moved(stages[0]["encoder"], stages[1]["encoder"]) == 0
    assert moved(stages[1]["encoder"], stages[4]["encoder"]) > 1e-3


def test_stopping_in_the_first_stage_ends_the_training(pictures, untraced):
    detector = FAnoGAN(**TINY).fit(pictures, on_epoch=lambda epoch, _: epoch == 1)
    assert set(detector.history_) == {"critic", "generator"}
    assert np.isfinite(detector.decision_scores_).all()


@pytest.mark.parametrize("kappa", [0.0, 1.0, 7.0])
def test_the_score_is_two_mean_squares(watched, pictures, kappa):
    x = pictures[:20].astype(np.float32) / 127.5 - 1
    detector = FAnoGAN(**watched[0].get_params() | {"kappa": kappa})
    detector.shape_, detector.reference_ = watched[0].shape_, watched[0].reference_
    detector._adopt(watched[0].networks_)
    networks = detector.networks_
    made = networks["generator"](networks["encoder"](keras.ops.convert_to_tensor(x), training=False), training=False)
    seen, matched = (
        array(networks["critic"](each, training=False)[1]) for each in (keras.ops.convert_to_tensor(x), made)
    )
    expected = ((x - array(made)) ** 2).mean((1, 2, 3)) + kappa * ((seen - matched) ** 2).mean(1)
    np.testing.assert_allclose(detector.decision_function(x), expected, rtol=1e-3)


def test_the_encoder_can_reach_codes_beyond_one(pictures, untraced):
    """The authors' tanh cannot, and a third of a normal prior's values lie there."""
    encoder = FAnoGAN(**TINY | {"epochs": 1}).fit(pictures[:32]).networks_["encoder"]
    *_, kernel, bias = encoder.trainable_variables
    kernel.assign(0 * kernel)
    bias.assign(np.array([-7, 0.5, 3, 40]))
    code = array(encoder(keras.ops.convert_to_tensor(np.zeros((1, 8, 8, 1), np.float32)), training=False))
    np.testing.assert_allclose(code, [[-7, 0.5, 3, 40]], rtol=1e-6)


def test_mapping_back_gets_better(pictures):
    errors = {}

    def watch(epoch, detector):
        if epoch in (60, 120):
            x = pictures.astype(np.float32) / 127.5 - 1
            errors[epoch] = ((detector.reconstruct(x) - x) ** 2).mean()

    FAnoGAN(**TINY | {"epochs": 60, "width": 0.25}, encoder_epochs=60, encoder_learning_rate=3e-3, decay=0.9).fit(
        pictures, on_epoch=watch
    )
    assert errors[120] < 0.9 * errors[60]


def test_a_small_gradient_moves_the_encoder_as_in_the_authors_code():
    """TensorFlow 1's RMSprop with its epsilon, 1e-10 under the root: with the 1e-7 of Keras the step would be nearly ten times shorter."""
    optimizer, slope = FAnoGAN(encoder_learning_rate=0.01)._mapper().optimizer, 1e-4
    weight = keras.Variable([1.0])
    optimizer.build([weight])
    optimizer.apply([keras.ops.convert_to_tensor([slope])], [weight])
    step = 0.01 * slope / np.sqrt(0.1 * slope**2 + 1e-10)
    assert 1 - float(keras.ops.convert_to_numpy(weight.value)[0]) == pytest.approx(step, rel=1e-3)
