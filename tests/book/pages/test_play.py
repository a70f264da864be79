"""What can be played with in the pages, in a real browser, opened as files: no server."""

from collections.abc import Iterator

import numpy as np
import pytest
from browser import HTML

LAB = "window.ganad.labs[0]"

pytestmark = pytest.mark.skipif(not HTML.exists(), reason="the pages are not built: make pages")


@pytest.fixture
def lab(browser) -> Iterator:
    """The page with the GAN lab; afterwards, that no script complained."""
    page = browser.new_page(viewport={"width": 1280, "height": 1000})
    wrong = []
    page.on("pageerror", lambda error: wrong.append(str(error)))
    page.goto((HTML / "book" / "foundations" / "gan.html").as_uri(), wait_until="domcontentloaded")
    page.wait_for_function("window.ganad && window.ganad.labs && window.ganad.labs.length === 1")
    yield page
    page.close()
    assert wrong == []


def told(page) -> str:
    """What the lab says of its state."""
    return page.locator('[data-play="gan-lab"] .ganad-play-told').inner_text()


def weights(page, player: str) -> list[np.ndarray]:
    """A network's kernels and biases, as Keras has them."""
    layers = page.evaluate(f"{LAB}.gan.{player}.layers.map(l => [[...l.weights], [...l.bias], l.inputs, l.outputs])")
    return [
        array
        for kernel, bias, inputs, outputs in layers
        for array in (np.float32(kernel).reshape(inputs, outputs), np.float32(bias))
    ]


def in_keras(arrays: list[np.ndarray]):
    """The same network in Keras."""
    import keras

    made = [keras.Input((2,))]
    for kernel in arrays[::2]:
        made.append(keras.layers.Dense(kernel.shape[1])(made[-1]))
        if kernel is not arrays[-2]:
            made.append(keras.layers.LeakyReLU(0.2)(made[-1]))
    network = keras.Model(made[0], made[-1])
    network.set_weights(arrays)
    return network


@pytest.mark.parametrize("player", ["generator", "discriminator"])
def test_a_forward_pass_is_that_of_keras(lab, player):
    points = np.random.default_rng(0).normal(size=(20, 2)).astype(np.float32)
    given = points.ravel().tolist()
    found = lab.evaluate(f"[...{LAB}.gan.{player}.run(Float32Array.from({given}), 20)]")
    expected = np.asarray(in_keras(weights(lab, player))(points))
    np.testing.assert_allclose(np.reshape(found, expected.shape), expected, atol=1e-4)


def test_a_step_of_each_player_is_that_of_keras(lab):
    import keras
    from keras import ops

    from ganad.training.adversarial import Game, Player, binary_cross_entropy

    rng = np.random.default_rng(1)
    x, z = (rng.normal(size=(16, 2)).astype(np.float32) for _ in range(2))
    networks = {player: in_keras(weights(lab, player)) for player in ("generator", "discriminator")}

    def play(n, x, z):
        return n["discriminator"](x), n["discriminator"](n["generator"](z))

    adam = [keras.optimizers.Adam(2e-3, beta_1=0.5) for _ in range(2)]
    players = {
        "discriminator": Player(
            ("discriminator",), lambda p: binary_cross_entropy(p[0], True) + binary_cross_entropy(p[1], False), adam[0]
        ),
        "generator": Player(("generator",), lambda p: binary_cross_entropy(p[1], True), adam[1]),
    }
    game = Game(networks, players, play, turns=(("discriminator",), ("generator",)))
    losses = ops.convert_to_numpy(game.step(*map(ops.convert_to_tensor, (x, z))))
    arrays = [f"Float32Array.from({each.ravel().tolist()})" for each in (x, z)]
    found = lab.evaluate(
        f"[{LAB}.gan.moveDiscriminator({arrays[0]}, {arrays[1]}), {LAB}.gan.moveGenerator({arrays[1]})]"
    )
    assert found == pytest.approx(losses.tolist(), abs=1e-4)
    for player, network in networks.items():
        for mine, theirs in zip(weights(lab, player), network.get_weights(), strict=True):
            np.testing.assert_allclose(mine, theirs, atol=1e-3)


def test_it_is_played_by_mouse(lab):
    assert told(lab).startswith("Step 0")
    lab.get_by_role("button", name="One step").click()
    assert told(lab).startswith("Step 1;") and "losses: D" in told(lab)
    lab.get_by_role("button", name="Play").click()
    lab.wait_for_function(f"{LAB}.gan.steps > 20")
    lab.get_by_role("button", name="Pause").click()
    assert not lab.evaluate(f"{LAB}.playing")
    lab.get_by_role("button", name="Start anew").click()
    assert told(lab).startswith("Step 0")


def test_it_is_played_by_keyboard(lab):
    lab.get_by_role("button", name="Play").focus()
    lab.keyboard.press("Space")
    lab.wait_for_function(f"{LAB}.gan.steps > 20")
    lab.keyboard.press("Space")
    assert not lab.evaluate(f"{LAB}.playing")
    lab.get_by_label("Real points:").focus()
    lab.get_by_label("Real points:").select_option("own")
    lab.get_by_role("button", name="Play").press("Enter")
    assert "Draw some points first" in told(lab) and not lab.evaluate(f"{LAB}.playing")  # nothing drawn: said, no crash
    lab.locator("canvas").first.focus()
    for key in ("ArrowRight", "ArrowRight", "ArrowUp", "Enter"):
        lab.keyboard.press(key)
    assert told(lab) == "1 point drawn."
    assert lab.evaluate(f"{LAB}.gan.own") == [pytest.approx([0.2, 0.1])]
    lab.get_by_role("button", name="One step").press("Enter")
    assert told(lab).startswith("Step 1;")


def test_points_are_drawn_with_the_pointer(lab):
    lab.get_by_label("Real points:").select_option("own")
    canvas = lab.locator("canvas").first
    canvas.scroll_into_view_if_needed()
    box = canvas.bounding_box()
    middle = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    lab.mouse.move(*middle)
    lab.mouse.down()
    for k in range(1, 6):
        lab.mouse.move(middle[0] + 20 * k, middle[1])
    lab.mouse.up()
    drawn = np.array(lab.evaluate(f"{LAB}.gan.own"))
    assert len(drawn) == 6 and np.abs(drawn[0]).max() < 0.02 and (np.diff(drawn[:, 0]) > 0).all()
    lab.get_by_role("button", name="Clear what I drew").click()
    assert lab.evaluate(f"{LAB}.gan.own") == []


def test_it_learns_the_clusters_and_collapses_on_demand(lab):
    reached = """answers => { const gan = new window.ganad.PlaneGan("clusters", 0); gan.answers = answers;
        for (let k = 0; k < 900; k++) gan.step(); return gan.reached().reached; }"""
    assert lab.evaluate(reached, 1) >= 7
    assert lab.evaluate(reached, 10) <= 4


@pytest.mark.timed
def test_pictures_come_thirty_times_a_second(lab, idle):
    """Counted as they come, drawing and all; the best of three times, as what disturbs can only slow them."""
    count = f"""async () => {{ let drawn = 0; const lab = {LAB}, draw = lab.draw.bind(lab), start = performance.now();
        lab.draw = () => {{ drawn += 1; draw(); }}; lab.play(true);
        await new Promise(done => setTimeout(done, 2000));
        const seconds = (performance.now() - start) / 1000; lab.play(false); lab.draw = draw; return drawn / seconds; }}"""
    found = [lab.evaluate(count) for _ in range(3)]
    assert max(found) > 30, found


@pytest.mark.timed
def test_training_gives_way_to_the_pictures(lab, idle):
    """Where drawing takes long, a frame's training is short; it comes back with the time for it."""
    play = f"""async (busy) => {{ const lab = {LAB}; lab.draw = () => {{
        const start = performance.now(); while (performance.now() - start < busy); }};
        lab.play(true); await new Promise(done => setTimeout(done, 2000)); lab.play(false); return lab.budget; }}"""
    assert lab.evaluate(play, 50) == 1
    assert lab.evaluate(play, 0) > 5


def test_who_wants_less_motion_gets_less(browser):
    page = browser.new_page(reduced_motion="reduce")
    page.goto((HTML / "book" / "foundations" / "gan.html").as_uri(), wait_until="domcontentloaded")
    page.wait_for_function("window.ganad && window.ganad.labs && window.ganad.labs.length === 1")
    drawn = page.evaluate(
        f"""async () => {{ let drawn = 0; const lab = {LAB}, draw = lab.draw.bind(lab);
        lab.draw = () => {{ drawn += 1; draw(); }}; lab.play(true);
        await new Promise(done => setTimeout(done, 1500)); lab.play(false); return drawn; }}"""
    )
    assert 1 <= drawn <= 3
    page.close()


def test_in_the_dark_the_paper_is_dark(lab):
    corner = "() => [...document.querySelector('.ganad-play canvas').getContext('2d').getImageData(2, 2, 1, 1).data]"
    lab.get_by_label("what D believes").uncheck()
    lab.evaluate("document.documentElement.dataset.theme = 'light'")
    lab.wait_for_timeout(100)
    assert min(lab.evaluate(corner)[:3]) > 240
    lab.evaluate("document.documentElement.dataset.theme = 'dark'")
    lab.wait_for_timeout(100)
    assert max(lab.evaluate(corner)[:3]) < 60


def test_without_scripts_a_picture_stands_in_its_place(browser):
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto((HTML / "book" / "foundations" / "gan.html").as_uri(), wait_until="domcontentloaded")
    picture = page.locator('[data-play="gan-lab"] img')
    picture.evaluate("image => image.decode()")  # ends when it is loaded: before, it has no size
    assert picture.is_visible() and picture.get_attribute("alt")
    context.close()


def test_it_fits_a_telephone(browser):
    page = browser.new_page(viewport={"width": 360, "height": 800})
    page.goto((HTML / "book" / "foundations" / "gan.html").as_uri(), wait_until="domcontentloaded")
    page.wait_for_function("window.ganad && window.ganad.labs && window.ganad.labs.length === 1")
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
    box = page.locator(".ganad-play canvas").first.bounding_box()
    assert box["x"] >= 0 and box["x"] + box["width"] <= 360
    page.close()


# ---- the threshold and the results explorer


@pytest.fixture
def opened(browser) -> Iterator:
    """Opens a chapter; afterwards, that no script complained."""
    pages, wrong = [], []

    def visit(chapter: str, ready: str):
        page = browser.new_page(viewport={"width": 1280, "height": 1000})
        pages.append(page)
        page.on("pageerror", lambda error: wrong.append(str(error)))
        page.goto((HTML / f"{chapter}.html").as_uri(), wait_until="domcontentloaded")
        page.wait_for_function(f"window.ganad && window.ganad.{ready} && window.ganad.{ready}.length === 1")
        return page

    yield visit
    for page in pages:
        page.close()
    assert wrong == []


def test_a_threshold_gives_the_figures_of_scikit_learn(opened):
    from sklearn.metrics import average_precision_score, precision_recall_fscore_support

    page = opened("book/survey/protocol", "thresholds")
    one = "window.ganad.thresholds[0]"
    scores = {kind: np.array(page.evaluate(f"{one}.{kind}")) for kind in ("normal", "anomalous")}
    labels = np.repeat([0, 1], [len(scores["normal"]), len(scores["anomalous"])])
    every = np.concatenate([scores["normal"], scores["anomalous"]])
    slider = page.locator(".ganad-play input[type=range]").first
    slider.focus()
    before = page.evaluate(f"{one}.seen.cut")
    for _ in range(5):
        page.keyboard.press("ArrowRight")
    seen = page.evaluate(f"{one}.seen")
    assert seen["cut"] > before
    weights = np.where(labels == 1, seen["prevalence"] / labels.sum(), (1 - seen["prevalence"]) / (1 - labels).sum())
    expected = precision_recall_fscore_support(labels, every >= seen["cut"], average="binary", sample_weight=weights)
    assert [seen["precision"], seen["recall"], seen["f1"]] == pytest.approx(expected[:3], abs=1e-6)
    assert seen["auprc"] == pytest.approx(average_precision_score(labels, every, sample_weight=weights), abs=1e-3)


def test_the_prevalence_moves_precision_and_not_recall(opened):
    page = opened("book/survey/protocol", "thresholds")
    share = page.locator(".ganad-play input[type=range]").nth(1)
    seen = []
    for value in ("1", "50", "99"):
        share.fill(value)
        seen.append(page.evaluate("window.ganad.thresholds[0].seen"))
    assert seen[0]["recall"] == seen[1]["recall"] == seen[2]["recall"] and seen[0]["alarms"] == seen[2]["alarms"]
    assert seen[0]["precision"] < seen[1]["precision"] < seen[2]["precision"]
    assert seen[0]["auprc"] < seen[1]["auprc"] < seen[2]["auprc"]


@pytest.mark.parametrize("end", ["0", "400"])
def test_an_extreme_threshold_is_no_error(end, opened):
    page = opened("book/survey/protocol", "thresholds")
    page.locator(".ganad-play input[type=range]").first.fill(end)
    words = page.locator(".ganad-play-told").inner_text()
    assert "NaN" not in words and "Recall" in words or "recall" in words
    if end == "0":
        assert "recall 1.000" in words


def test_the_explorer_shows_the_committed_results(opened):
    from ganad_book.results import comparison
    from ganad_book.sweep import results

    page = opened("book/survey/images", "explorers")
    page.get_by_label("Data:").select_option("Fashion-MNIST")
    page.get_by_label("Measure:").select_option("AUROC")
    page.get_by_label("Anomaly:").select_option(index=3)
    table = comparison.by_class(results.read(), "auroc")
    chosen = page.get_by_label("Anomaly:").input_value()
    row = page.locator('[data-play="explorer"]').get_by_role("row", name="EGBAD, improved")
    mine = comparison.pick(
        table, dataset="fashion_mnist", detector="egbad", configuration="improved", anomaly_class=chosen
    )
    assert len(mine) == 1
    assert f"{mine['mean'].iloc[0]:.3f}".lstrip("0") in row.inner_text()


def test_the_explorer_is_used_by_keyboard_and_keeps_what_it_can(opened):
    page = opened("book/survey/images", "explorers")
    page.get_by_label("Measure:").select_option("AUROC")
    data = page.get_by_label("Data:")
    data.focus()
    page.keyboard.press("ArrowDown")
    assert data.input_value() == "Fashion-MNIST"
    assert page.get_by_label("Measure:").input_value() == "AUROC"
    data.select_option("KDD Cup 99")
    assert page.get_by_label("Measure:").input_value() == "F1"
    assert ".949" in page.locator('[data-play="explorer"]').inner_text()


@pytest.mark.parametrize("chapter, name", [("book/survey/protocol", "threshold"), ("book/survey/images", "explorer")])
def test_without_scripts_words_stand_in_their_place(chapter, name, browser):
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto((HTML / f"{chapter}.html").as_uri(), wait_until="domcontentloaded")
    assert len(page.locator(f'[data-play="{name}"]').inner_text()) > 60
    context.close()
