"""ganad.training.adversarial: who moves, down what, and what is reported.  Runs on whatever backend ``KERAS_BACKEND`` names."""

import keras
import numpy as np
import pytest
from keras import ops

from ganad.models.bigan import BiGANPlay, discriminator_loss, encoder_loss, generator_loss
from ganad.networks import bigan_discriminator, bigan_encoder, bigan_generator
from ganad.training.adversarial import (
    STEPS_PER_CALL,
    DivergedError,
    Game,
    LatentPlay,
    Player,
    adam,
    binary_cross_entropy,
)

LOSSES = {"discriminator": discriminator_loss, "generator": generator_loss, "encoder": encoder_loss}
SIMULTANEOUS = (("discriminator", "generator", "encoder"),)
ALTERNATING = (("discriminator",), ("generator", "encoder"))


def bigan(shape=(6,), *, seed=0, dropout=0.2) -> dict[str, keras.Model]:
    """Very small networks; three latent dimensions."""
    return {
        "encoder": bigan_encoder(shape, 3, seed=seed, width=0.1),
        "generator": bigan_generator(shape, 3, seed=seed + 1, width=0.1),
        "discriminator": bigan_discriminator(shape, 3, seed=seed + 2, width=0.1, dropout=dropout),
    }


def game_of(networks, *, optimizer=lambda: adam(1e-3), roles=tuple(LOSSES), play=None, **options) -> Game:
    players = {role: Player((role,), LOSSES[role], optimizer()) for role in roles}
    return Game(networks, players, play or LatentPlay(BiGANPlay, 3, 0), **options)


def weights(networks) -> dict[str, list[np.ndarray]]:
    return {role: [np.array(w) for w in network.get_weights()] for role, network in networks.items()}


def trainable(networks) -> dict[str, list[np.ndarray]]:
    return {r: [ops.convert_to_numpy(v).copy() for v in n.trainable_variables] for r, n in networks.items()}


def same(a: dict, b: dict) -> bool:
    """Bit by bit."""
    return all(np.array_equal(x, y) for role in a for x, y in zip(a[role], b[role], strict=True))


def moved(before: dict, after: dict) -> set[str]:
    """Networks of which every array changed; those of which only some did are an error."""
    found = set()
    for role in before:
        changed = [not np.array_equal(x, y) for x, y in zip(before[role], after[role], strict=True)]
        assert all(changed) or not any(changed), f"{role}: only a part moved"
        found |= {role} if any(changed) else set()
    return found


@pytest.fixture(scope="module")
def batch():
    return ops.convert_to_tensor(np.random.default_rng(0).random((16, 6), np.float32))


@pytest.fixture(scope="module")
def latent():
    return ops.convert_to_tensor(np.random.default_rng(1).normal(size=(16, 3)).astype(np.float32))


# ---- losses and optimisers


def test_binary_cross_entropy_is_minus_the_log_probability():
    logits = np.array([[-30.0], [-1.0], [0.0], [2.0], [30.0]], np.float32)
    probability = 1 / (1 + np.exp(-logits.astype(np.float64)))
    assert float(binary_cross_entropy(logits, True)) == pytest.approx(-np.log(probability).mean(), rel=1e-5)
    assert float(binary_cross_entropy(logits[:4], False)) == pytest.approx(-np.log1p(-probability[:4]).mean(), rel=1e-5)
    assert float(binary_cross_entropy(np.float32([[200.0]]), False)) == pytest.approx(200)  # no overflow


def test_adam_is_the_one_gans_use():
    optimizer = adam(1e-4)
    assert float(optimizer.learning_rate) == pytest.approx(1e-4)
    assert (optimizer.beta_1, adam(1e-4, beta_1=0.9).beta_1) == (0.5, 0.9)


@pytest.mark.parametrize("total_steps", [None, 4])
def test_adam_is_the_algorithm_of_its_paper(total_steps):
    """Kingma & Ba 2015, algorithm 1 in the order of its last remark: epsilon is added before the bias is corrected."""
    rng = np.random.default_rng(0)
    variables = [
        keras.Variable(rng.normal(size=shape).astype(np.float32)) for shape in ((4,), (200, 200))
    ]  # one of each kind
    slopes = [[rng.normal(size=v.shape).astype(np.float32) for v in variables] for _ in range(4)]
    expected = [ops.convert_to_numpy(v).astype(float) for v in variables]
    optimizer = adam(0.01, total_steps=total_steps)
    optimizer.build(variables)
    moments = [[0.0, 0.0] for _ in variables]
    for t, slope in enumerate(slopes, 1):
        optimizer.apply([ops.convert_to_tensor(g) for g in slope], variables)
        rate = 0.01 * (0.5 + 0.5 * np.cos(np.pi * (t - 1) / total_steps) if total_steps else 1)
        for k, g in enumerate(slope):
            m, v = moments[k] = [0.5 * moments[k][0] + 0.5 * g, 0.999 * moments[k][1] + 0.001 * g**2]
            expected[k] -= rate * np.sqrt(1 - 0.999**t) / (1 - 0.5**t) * m / (np.sqrt(v) + 1e-7)
    for found, wanted in zip(variables, expected, strict=True):
        np.testing.assert_allclose(ops.convert_to_numpy(found), wanted, rtol=1e-5, atol=1e-6)
    assert int(optimizer.iterations) == 4


def test_adams_rate_falls_along_half_a_cosine():
    schedule = adam(1e-3, total_steps=100)._learning_rate
    steps = np.array([0, 25, 50, 100, 150])
    expected = 1e-3 * (1 + np.cos(np.pi * np.minimum(steps, 100) / 100)) / 2
    assert [float(schedule(int(step))) for step in steps] == pytest.approx(expected, abs=1e-9)


def test_adams_rate_warms_up_first():
    schedule = adam(1e-3, total_steps=100, warm_up=10)._learning_rate
    assert [float(schedule(step)) for step in (0, 5, 10, 55, 100)] == pytest.approx([0, 5e-4, 1e-3, 5e-4, 0], abs=1e-9)


# ---- who moves


@pytest.mark.parametrize("turns", [None, SIMULTANEOUS, ALTERNATING])
def test_every_player_moves_in_one_step(turns, batch):
    networks = bigan()
    game = game_of(networks, turns=turns)
    before = trainable(networks)
    losses = ops.convert_to_numpy(game.step(batch))
    assert moved(before, trainable(networks)) == set(LOSSES)
    assert losses.shape == (3,) and np.isfinite(losses).all()


@pytest.mark.parametrize("role", LOSSES)
def test_a_player_moves_its_own_network_alone(role, batch):
    networks = bigan()
    game = game_of(networks, roles=(role,))
    before = trainable(networks)
    for _ in range(3):
        game.step(batch)
    assert moved(before, trainable(networks)) == {role}


def test_a_player_may_move_several_networks(batch):
    networks = bigan()
    both = Player(("generator", "encoder"), lambda play: generator_loss(play) + encoder_loss(play), adam(1e-3))
    game = Game(networks, {"both": both}, LatentPlay(BiGANPlay, 3, 0))
    before = trainable(networks)
    game.step(batch)
    assert moved(before, trainable(networks)) == {"generator", "encoder"}


@pytest.mark.parametrize("turn", [("discriminator",), ("generator", "encoder"), ("encoder", "discriminator")])
def test_gradients_are_those_of_the_turn_and_move_nothing(turn, batch):
    networks = bigan()
    game = game_of(networks)
    before = trainable(networks)
    losses, slopes = game.gradients(turn, batch)
    assert len(losses) == len(slopes) == len(turn)
    for role, slope in zip(turn, slopes, strict=True):
        slope = [ops.convert_to_numpy(g) for g in slope]
        assert [g.shape for g in slope] == [v.shape for v in networks[role].trainable_variables]
        assert all(np.abs(g).max() > 0 for g in slope)
    assert moved(before, trainable(networks)) == set()


@pytest.mark.parametrize("role", LOSSES)
def test_gradients_are_right(role, batch, latent):
    """Against a difference quotient along the gradient itself."""
    networks = bigan(dropout=0.0)
    game = game_of(networks, play=BiGANPlay)
    _, (slope,) = game.gradients([role], batch, latent)
    slope, variables = [ops.convert_to_numpy(g) for g in slope], networks[role].trainable_variables
    start = [ops.convert_to_numpy(v).copy() for v in variables]
    length = np.sqrt(sum((g.astype(np.float64) ** 2).sum() for g in slope))

    def loss_at(distance: float) -> float:
        for variable, value, g in zip(variables, start, slope, strict=True):
            variable.assign(value + np.float32(distance / length) * g)
        return float(ops.stop_gradient(LOSSES[role](BiGANPlay(networks, batch, latent))))

    assert (loss_at(5e-3) - loss_at(-5e-3)) / 1e-2 == pytest.approx(length, rel=0.02)


def test_in_alternating_turns_the_others_answer_the_discriminators_move(batch, latent):
    def reported(turns, networks):
        game = game_of(networks, play=BiGANPlay, turns=turns, optimizer=lambda: keras.optimizers.SGD(1.0))
        before = {role: float(loss(BiGANPlay(networks, batch, latent))) for role, loss in LOSSES.items()}
        return dict(zip(LOSSES, ops.convert_to_numpy(game.step(batch, latent)), strict=True)), before

    at_once, before = reported(SIMULTANEOUS, bigan(dropout=0.0))
    assert at_once == pytest.approx(before, rel=1e-5)
    networks = bigan(dropout=0.0)
    mover = game_of(networks, play=BiGANPlay, roles=("discriminator",), optimizer=lambda: keras.optimizers.SGD(1.0))
    mover.step(batch, latent)
    answered = {role: float(LOSSES[role](BiGANPlay(networks, batch, latent))) for role in ("generator", "encoder")}
    in_turns, _ = reported(ALTERNATING, bigan(dropout=0.0))
    assert in_turns["discriminator"] == pytest.approx(before["discriminator"], rel=1e-5)
    for role, loss in answered.items():
        assert in_turns[role] == pytest.approx(loss, rel=1e-5)
        assert abs(loss - before[role]) > 1e-3


def matched(play) -> object:
    """A loss that looks at G(E(x)) too, which no turn keeps for the next."""
    return ops.mean(ops.abs(play.x - play.reconstructed)) + ops.mean(play.real_features)


@pytest.mark.parametrize("further", [None, matched])
@pytest.mark.parametrize("shape", [(6,), (8, 8, 1)])
def test_passes_that_turns_share_change_no_gradient(shape, further, latent):
    x = ops.convert_to_tensor(np.random.default_rng(0).uniform(-1, 1, (16, *shape)).astype(np.float32))
    objectives = {
        role: (lambda play, plain=loss: plain(play) + further(play)) if further and role != "discriminator" else loss
        for role, loss in LOSSES.items()
    }

    def of(networks, roles=tuple(LOSSES), turns=None):
        players = {role: Player((role,), objectives[role], keras.optimizers.SGD(0.1)) for role in roles}
        return Game(networks, players, BiGANPlay, turns=turns)

    shared, apart = bigan(shape, dropout=0.0), bigan(shape, dropout=0.0)
    before = trainable(shared)
    of(shared, turns=ALTERNATING).step(x, latent)
    of(apart, ("discriminator",)).step(x, latent)
    _, slopes = of(apart).gradients(("generator", "encoder"), x, latent)
    after = trainable(shared)
    for role, slope in zip(("generator", "encoder"), slopes, strict=True):
        for old, new, expected in zip(before[role], after[role], slope, strict=True):
            np.testing.assert_allclose((old - new) / 0.1, ops.convert_to_numpy(expected), atol=2e-4)


def test_turns_on_the_same_rows_share_one_draw_of_the_noise_and_one_pass():
    networks = bigan((8, 8, 1))
    game = game_of(networks, turns=ALTERNATING)
    images = ops.convert_to_tensor(np.random.default_rng(0).uniform(-1, 1, (8, 8, 8, 1)).astype(np.float32))
    draws = int(ops.convert_to_numpy(game._play.variables[0])[1])
    game.step(images)
    assert int(ops.convert_to_numpy(game._play.variables[0])[1]) == draws + 1
    once = bigan((8, 8, 1))
    LatentPlay(BiGANPlay, 3, 0)(once, images).encoded  # noqa: B018  moves the statistics of E
    for found, expected in zip(
        networks["encoder"].non_trainable_variables, once["encoder"].non_trainable_variables, strict=True
    ):
        np.testing.assert_allclose(ops.convert_to_numpy(found), ops.convert_to_numpy(expected), rtol=1e-4, atol=1e-6)


def test_turns_that_share_nothing_draw_as_often_as_they_play(batch):
    class Plain(BiGANPlay):
        once = {}  # noqa: RUF012

    game = game_of(bigan(), play=LatentPlay(Plain, 3, 0), turns=ALTERNATING)
    game.step(batch)
    assert int(ops.convert_to_numpy(game._play.variables[0])[1]) == 2  # one for each turn, none in vain


def test_a_pass_whose_network_has_moved_is_made_again(batch, latent):
    reverse = (("generator", "encoder"), ("discriminator",))
    networks = bigan(dropout=0.0)
    game = game_of(networks, play=BiGANPlay, turns=reverse, optimizer=lambda: keras.optimizers.SGD(1.0))
    apart = bigan(dropout=0.0)
    mover = game_of(apart, play=BiGANPlay, roles=("generator", "encoder"), optimizer=lambda: keras.optimizers.SGD(1.0))
    losses = dict(zip(LOSSES, ops.convert_to_numpy(game.step(batch, latent)), strict=True))
    mover.step(batch, latent)
    assert losses["discriminator"] == pytest.approx(
        float(discriminator_loss(BiGANPlay(apart, batch, latent))), rel=1e-4
    )


def test_everything_a_step_changes_is_listed_once():
    networks = bigan()
    game = game_of(networks)
    listed = [id(variable) for variable in game.variables]
    assert len(listed) == len(set(listed))
    owners = [*networks.values(), *game.averaged.values(), *(player.optimizer for player in game.players.values())]
    assert {id(variable) for owner in owners for variable in owner.variables} < set(listed)
    assert id(game._play.variables[0]) in listed


# ---- averages


@pytest.mark.parametrize("decay", [0.5, 0.999])
def test_averages_follow_the_weights(decay):
    networks = bigan((8, 8, 1))  # with BatchNorm, whose statistics are averaged too
    game = game_of(networks, decay=decay)
    images = ops.convert_to_tensor(np.random.default_rng(0).uniform(-1, 1, (8, 8, 8, 1)).astype(np.float32))
    mean = weights(game.averaged)
    assert same(mean, weights(networks))
    for t in range(3):
        game.step(images)
        rate = max(1 - decay, 9 / (10 + t))
        live = weights(networks)
        mean = {r: [m + rate * (w - m) for w, m in zip(live[r], mean[r], strict=True)] for r in mean}
        for role, arrays in weights(game.averaged).items():
            for found, expected in zip(arrays, mean[role], strict=True):
                np.testing.assert_allclose(found, expected, atol=1e-6)
    assert not same(weights(game.averaged), live)


def test_a_decay_of_zero_scores_with_the_weights_as_they_are(batch):
    networks = bigan()
    game = game_of(networks, decay=0.0)
    for _ in range(2):
        game.step(batch)
    for role, arrays in weights(game.averaged).items():
        for found, expected in zip(arrays, weights(networks)[role], strict=True):
            np.testing.assert_allclose(found, expected, atol=1e-7)


# ---- seeds


@pytest.mark.parametrize("shape", [(6,), (8, 8, 1)])
def test_the_same_seeds_give_the_same_weights(shape):
    x = np.random.default_rng(0).uniform(-1, 1, (40, *shape)).astype(np.float32)

    def trained(noise_seed=0, order_seed=0):
        networks = bigan(shape)
        game = game_of(networks, play=LatentPlay(BiGANPlay, 3, noise_seed))
        history = game.train(x, epochs=2, batch_size=16, seed=order_seed)
        return weights(networks), weights(game.averaged), history

    first = trained()
    again = trained()
    assert same(first[0], again[0]) and same(first[1], again[1])
    assert first[2] == again[2]
    if len(shape) == 1:
        for other in (trained(noise_seed=1), trained(order_seed=1)):
            assert moved(first[0], other[0]) == set(LOSSES)


def test_noise_is_standard_normal_new_each_time_and_settled_by_its_seed():
    networks, x = bigan(), np.zeros((4000, 6), np.float32)
    play = LatentPlay(BiGANPlay, 3, 5)
    first, second = (ops.convert_to_numpy(play(networks, x).z) for _ in range(2))
    assert first.shape == (4000, 3)
    assert (first.mean(), first.std()) == pytest.approx((0, 1), abs=0.03)
    assert np.abs(first - second).min() < 0.1 < np.abs(first - second).mean()
    np.testing.assert_array_equal(ops.convert_to_numpy(LatentPlay(BiGANPlay, 3, 5)(networks, x).z), first)
    assert not np.array_equal(ops.convert_to_numpy(LatentPlay(BiGANPlay, 3, 6)(networks, x).z), first)


# ---- the loop, on games whose every step is known


def line(columns: int) -> keras.Model:
    x = keras.Input((columns,))
    return keras.Model(x, keras.layers.Dense(1, use_bias=False, kernel_initializer="zeros")(x))


def counting(columns: int, rate: float = 1.0, loss=None, **more) -> Game:
    """One weight for each column, moved by ``-rate`` times the sum of the batch."""
    loss = loss or (lambda play: ops.sum(play["a"]))
    players = {"a": Player(("a",), loss, keras.optimizers.SGD(rate)), **more}
    networks = {player.networks[0]: line(columns) for player in players.values()}
    return Game(networks, players, lambda n, x: {role: net(x) for role, net in n.items()} | {"x": x}, decay=0.0)


def kernel(game: Game) -> np.ndarray:
    return game.networks["a"].get_weights()[0].ravel()


@pytest.mark.parametrize("rows, batch_size, seen", [(10, 3, 9), (10, 5, 10), (10, 10, 10), (5, 100, 5), (1, 1, 1)])
def test_an_epoch_takes_every_row_at_most_once(rows, batch_size, seen):
    game = counting(rows)
    game.train(np.eye(rows, dtype=np.float32), epochs=1, batch_size=batch_size)
    counts = -kernel(game)
    assert set(counts.tolist()) <= {0.0, 1.0} and counts.sum() == seen
    game.train(np.eye(rows, dtype=np.float32), epochs=3, batch_size=batch_size, seed=1)
    assert -kernel(game).sum() == 4 * seen


def test_rows_come_in_another_order_each_epoch():
    game = counting(10)
    game.train(np.eye(10, dtype=np.float32), epochs=20, batch_size=3)
    counts = -kernel(game)  # one row is left out of each epoch, not always the same
    assert counts.min() >= 14 and (counts < 20).sum() > 3


@pytest.mark.parametrize("batches", [4, STEPS_PER_CALL, STEPS_PER_CALL + 44])
def test_history_is_each_epochs_mean_loss_the_last_included(batches):
    game = counting(1, rate=0.01)  # the s-th loss is -0.01 s
    seen = []
    history = game.train(
        np.ones((batches, 1), np.float32), epochs=3, batch_size=1, on_epoch=lambda *args: seen.append(args)
    )
    expected = [-0.01 * (epoch * batches + (batches - 1) / 2) for epoch in range(3)]
    assert history["a"] == pytest.approx(expected, rel=1e-4)
    assert seen == [(epoch, {"a": loss}) for epoch, loss in enumerate(history["a"], start=1)]
    assert kernel(game)[0] == pytest.approx(-0.03 * batches, rel=1e-4)


@pytest.mark.parametrize("answer, epochs", [(True, 2), (False, 5), (None, 5)])
def test_on_epoch_may_end_the_training(answer, epochs):
    game = counting(1)
    history = game.train(
        np.ones((4, 1), np.float32), epochs=5, batch_size=2, on_epoch=lambda epoch, _: answer if epoch == 2 else None
    )
    assert len(history["a"]) == epochs
    assert kernel(game)[0] == -4 * epochs


def test_a_batch_takes_the_same_rows_of_every_array():
    players = {"a": Player(("a",), lambda play: ops.mean(play), keras.optimizers.SGD(0.0))}
    game = Game({"a": line(1)}, players, lambda n, x, y: ops.abs(x - y[:, None]) + 0 * n["a"](x))
    rows = np.arange(12, dtype=np.float32)
    assert game.train(rows[:, None], rows, epochs=2, batch_size=4)["a"] == [0.0, 0.0]
    assert game.train(rows[:, None], rows[::-1].copy(), epochs=1, batch_size=4)["a"][0] > 1


@pytest.mark.parametrize("bad", ["nan", "inf"])
def test_a_loss_that_is_not_finite_stops_the_training(bad, refused):
    def fails(play):  # once the first player's weight is below -5.5: in the seventh step, epoch 2
        weight = ops.mean(play["a"])
        root = ops.sqrt(weight + 5.5) if bad == "nan" else ops.where(weight < -5.5, np.inf, 0.0)
        return root + ops.mean(play["b"])

    game = counting(1, b=Player(("b",), fails, keras.optimizers.SGD(0.0)))
    seen = []
    with refused(DivergedError, "the b's loss", "epoch 2"):
        game.train(np.ones((4, 1), np.float32), epochs=5, batch_size=1, on_epoch=lambda *args: seen.append(args[0]))
    assert seen == [1]


def test_data_that_are_not_finite_stop_the_training(refused):
    with refused(DivergedError, "the a's loss", "epoch 1"):
        counting(1).train(np.full((4, 1), np.nan, np.float32), epochs=5, batch_size=2)


def test_diverging_is_an_arithmetic_error():
    assert issubclass(DivergedError, FloatingPointError)
