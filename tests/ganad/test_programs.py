"""One compiled program per configuration: what shares it, what does not, and that sharing changes nothing."""

import gc
from functools import partial

import keras
import numpy as np
import pytest
from keras import layers, ops

from ganad.backends import backend
from ganad.backends.tracing import TRACES
from ganad.detectors import DETECTORS, EGBAD, GANomaly, detector_class
from ganad.detectors.neural import NeuralDetector
from ganad.models.gan import GAN
from ganad.networks import bigan_discriminator, bigan_encoder, gan_discriminator
from ganad.training import programs
from ganad.training.adversarial import DivergedError, Game, Player, adam
from ganad.training.batching import SIZES, calls, in_calls, sizes_for
from ganad.training.many import fit_seeds, side_by_side
from ganad.training.programs import architecture, program, signature

SMALL = {"epochs": 1, "batch_size": 32, "latent_dim": 4, "width": 0.1, "learning_rate": 1e-3}
NEURAL = [name for name in DETECTORS if issubclass(detector_class(name), NeuralDetector)]
BRIEF = {"anogan": {"steps": 2}, "adgan": {"steps": 1}, "f_anogan": {"critic_steps": 1, "encoder_epochs": 1}}


@pytest.fixture
def no_programs(monkeypatch):
    """A cache of programs that is empty."""
    monkeypatch.setattr(programs, "_programs", type(programs._programs)())


# ---- what is traced


@pytest.mark.parametrize("name", NEURAL)
def test_another_seed_length_and_number_of_samples_trace_nothing(name, table):
    cls, settings = detector_class(name), SMALL | BRIEF.get(name, {})
    cls(seed=1, **settings).fit(table).decision_function(table[:3])
    traced = dict(TRACES)
    again = settings | {"epochs": 2, "contamination": 0.2, "learning_rate": 2e-3}
    cls(seed=2, **again).fit(table[:150]).decision_function(table[:3])
    assert dict(TRACES) == traced and traced["loop"] > 0


def test_schedules_of_other_lengths_share_a_program(table):
    EGBAD(**SMALL, schedule="cosine").fit(table)
    traced = TRACES["loop"]
    EGBAD(**SMALL | {"epochs": 3}, schedule="cosine", seed=1).fit(table)
    assert TRACES["loop"] == traced


@pytest.mark.parametrize(
    "change",
    [
        {"residual_weight": 2.0},
        {"turns": "simultaneous"},
        {"width": 0.2},
        {"decay": 0.5},
        {"dropout": 0.1},
        {"batch_size": 16},
        {"schedule": "cosine"},
        {"residual_weight": 2.0, "residual_in": "encoder"},
    ],
)
def test_another_configuration_is_another_program(change, table, no_programs, monkeypatch):
    made = []

    def compile_loop(width):
        made.append(width)
        return lambda *_: np.zeros(width)

    monkeypatch.setattr(backend(), "compile_loop", compile_loop)
    for settings in (SMALL, SMALL, SMALL | change):
        EGBAD(**settings).fit(table[:64])
    assert len(made) == 2


def test_a_shared_program_trains_to_the_same_bits(no_programs, table):
    shared = [EGBAD(**SMALL, seed=seed).fit(table) for seed in (0, 1)][1]
    programs._programs.clear()
    alone = EGBAD(**SMALL, seed=1).fit(table)
    np.testing.assert_array_equal(shared.decision_scores_, alone.decision_scores_)
    assert shared.history_ == alone.history_


def test_a_score_uses_the_networks_it_is_asked_of(table):
    first, second = (EGBAD(**SMALL, seed=seed).fit(table) for seed in (0, 1))
    before = first.decision_function(table)
    assert not np.allclose(before, second.decision_function(table))
    np.testing.assert_array_equal(first.decision_function(table), before)


def test_another_way_to_score_is_another_program(table):
    model = GANomaly(**SMALL).fit(table)
    squared, absolute = (
        model.rescored(table, anomaly_score=score).decision_function(table) for score in ("squared", "absolute")
    )
    assert not np.allclose(squared, absolute)


# ---- what is compared


def test_networks_of_one_architecture_are_alike_whatever_their_seeds():
    first, second = (bigan_discriminator((8, 8, 1), 3, seed=seed, width=0.1) for seed in (1, 2))
    assert first.get_weights()[0].tolist() != second.get_weights()[0].tolist()
    assert architecture(first) == architecture(second) == architecture(keras.models.clone_model(first))


@pytest.mark.parametrize(
    "other",
    [
        lambda: bigan_discriminator((8, 8, 1), 3, width=0.2),
        lambda: bigan_discriminator((8, 8, 1), 4, width=0.1),
        lambda: bigan_discriminator((8, 8, 1), 3, width=0.1, dropout=0.3),
        lambda: bigan_discriminator((8, 8, 1), 3, width=0.1, spectral_normalization=True),
        lambda: bigan_discriminator((12, 8, 1), 3, width=0.1),
        lambda: bigan_encoder((8, 8, 1), 3, width=0.1),
        lambda: gan_discriminator((8, 8, 1), width=0.1),
    ],
)
def test_networks_of_other_architectures_are_not(other):
    assert architecture(bigan_discriminator((8, 8, 1), 3, width=0.1)) != architecture(other())


def test_how_layers_are_connected_counts():
    def network(first: int, second: int) -> keras.Model:
        x = keras.Input((3,))
        h = [x, layers.Dense(3)(x)]
        return keras.Model(x, layers.Subtract()([h[first], h[second]]))

    assert architecture(network(0, 1)) != architecture(network(1, 0))
    frozen = network(0, 1)
    frozen.layers[1].trainable = False
    assert architecture(network(0, 1)) == architecture(network(0, 1)) != architecture(frozen)


def test_layers_of_ones_own_are_alike_to_themselves_alone():
    class Twice(layers.Layer):
        def call(self, x):
            return 2 * x

    def network(layer) -> keras.Model:
        x = keras.Input((3,))
        return keras.Model(x, layer(x))

    own = network(Twice())
    assert architecture(own) == architecture(own) != architecture(network(Twice()))
    assert architecture(network(layers.Lambda(lambda x: x))) != architecture(network(layers.Lambda(lambda x: x)))


def plus(weight: float, play: object) -> object:
    return weight * play.x


def test_losses_are_alike_if_function_and_arguments_are():
    assert signature(partial(plus, 0.5)) == signature(partial(plus, 0.5)) != signature(partial(plus, 0.6))
    assert signature(partial(plus, weight=1)) != signature(partial(plus, weight=2))
    assert signature(plus) == plus
    assert signature(lambda play: play.x) != signature(lambda play: play.x)


def test_optimisers_are_alike_but_for_rate_and_length():
    assert signature(adam(1e-3)) == signature(adam(1e-4)) != signature(adam(1e-3, beta_1=0.9))
    assert signature(adam(1e-3, total_steps=10)) == signature(adam(1e-3, total_steps=20)) != signature(adam(1e-3))
    assert signature(adam(1e-3, total_steps=10)) != signature(adam(1e-4, total_steps=10))  # a constant of the graph
    assert signature(keras.optimizers.SGD(0.1)) != signature(keras.optimizers.RMSprop(0.1))
    steps = [keras.optimizers.schedules.PiecewiseConstantDecay([end], [1.0, 0.5]) for end in (10, 20)]
    first, second = (keras.optimizers.SGD(each) for each in steps)
    assert signature(first) == signature(first) != signature(second)


def test_the_program_used_longest_ago_makes_room(no_programs, monkeypatch):
    monkeypatch.setattr(programs, "KEPT", 2)
    made = []

    def ask(key):
        return program(key, lambda: made.append(key) or (lambda: key))

    for key in ("a", "b", "a", "c", "a", "b"):
        assert ask(key)() == key
    assert made == ["a", "b", "c", "b"]


def test_what_cannot_be_compared_is_compiled_for_itself(no_programs):
    made = []
    for _ in range(2):
        program(("loss", np.zeros(3)), lambda: made.append(0) or len)
    assert len(made) == 2 and not programs._programs


# ---- mistakes that would be shared


def test_a_variable_that_is_not_listed_is_refused(refused):
    x = keras.Input((2,))
    network = keras.Model(x, layers.Dense(1)(x))
    stray = keras.Variable(1.0)
    players = {"a": Player(("a",), lambda play: ops.mean(play) * stray, adam(1e-3))}
    game = Game({"a": network}, players, lambda networks, x: networks["a"](x))
    if keras.backend.backend() == "tensorflow":
        with refused(RuntimeError, "variable that is not listed"):
            game.train(np.zeros((8, 2), np.float32), epochs=1, batch_size=4)


def test_a_program_keeps_no_model_alive(table):
    EGBAD(**SMALL).fit(table)
    gc.collect()
    living = sum(isinstance(each, keras.Model) for each in gc.get_objects())
    for seed in range(3):
        EGBAD(**SMALL, seed=seed).fit(table)
    gc.collect()
    assert sum(isinstance(each, keras.Model) for each in gc.get_objects()) == living


def test_variables_have_the_same_names_in_every_model():
    """TensorFlow keeps memory for every name of a variable it has ever seen."""
    first, second = (
        {v.path for v in EGBAD(**SMALL, seed=seed)._begin((8, 8, 1), 64)["generator"].weights} for seed in (0, 1)
    )
    assert first == second


# ---- several seeds


def test_several_seeds_are_fitted_as_each_alone(table):
    models = fit_seeds(EGBAD(**SMALL), table, seeds=(3, 1))
    assert [model.seed for model in models] == [3, 1]
    for model in models:
        alone = EGBAD(**SMALL, seed=model.seed).fit(table)
        np.testing.assert_array_equal(model.decision_scores_, alone.decision_scores_)


def test_generative_models_too_and_each_epoch_is_seen(table):
    seen = []
    prototype = GAN(latent_dim=2, width=0.1)
    models = fit_seeds(prototype, table, seeds=[0, 1], epochs=2, on_epoch=lambda e, model: seen.append((model.seed, e)))
    assert sorted(seen) == [(0, 1), (0, 2), (1, 1), (1, 2)]
    assert not np.allclose(models[0].sample(4), models[1].sample(4)) and not hasattr(prototype, "networks_")


def test_seeds_that_are_refused(table, refused):
    for seeds in ([], [1, 1]):
        with refused(ValueError, "seeds must be different"):
            fit_seeds(EGBAD(**SMALL), table, seeds=seeds)
    with refused(DivergedError, "seed 4", "no longer finite"):
        fit_seeds(EGBAD(**SMALL), table * np.float32(1e37), seeds=[4, 5])


def test_an_error_in_one_thread_is_raised():
    def fail():
        raise KeyError("here")

    with pytest.raises(KeyError, match="here"):
        side_by_side([lambda: 1, fail])
    assert side_by_side([lambda: 1, lambda: 2]) == [1, 2]


# ---- calls of a few sizes


@pytest.mark.parametrize("count", [1, 2, 3, 7, 9, 16, 17, 100, 129, 700, 1024, 1025, 3000])
def test_calls_cover_every_sample_once_with_little_padding(count):
    parts = list(calls(count))
    assert np.concatenate([np.arange(count)[rows] for rows, _ in parts]).tolist() == list(range(count))
    assert all(size in SIZES and rows.stop - rows.start <= size for rows, size in parts)
    assert sum(size for _, size in parts) <= 2 * count


def test_a_large_image_is_scored_in_small_calls():
    def network(side: int, filters: int) -> keras.Model:
        x = keras.Input((side, side, 3))
        return keras.Model(x, layers.Conv2D(filters, 3, padding="same")(x))

    assert sizes_for([network(8, 4)]) == SIZES
    assert sizes_for([network(256, 64)]) == (1, 16)
    assert sizes_for([network(8, 4), network(1024, 64)]) == (1,)


def test_parts_are_padded_and_put_together_again():
    x, y = np.arange(5, dtype=np.float32)[:, None], np.ones((5, 2), np.float32)
    shapes = []

    def double(x, y):
        shapes.append((x.shape, y.shape))
        return 2 * x, y.sum(1)

    doubled, summed = in_calls(double, (x, y), (1, 4))
    np.testing.assert_array_equal(doubled, 2 * x)
    np.testing.assert_array_equal(summed, np.full(5, 2))
    assert shapes == [((4, 1), (4, 2)), ((1, 1), (1, 2))]
