"""Trained models played with in the pages: their figures are those of Keras, by mouse and by keyboard, whatever is done to them."""

from collections.abc import Callable, Iterator

import numpy as np
import pytest
from browser import HTML
from small_book import ROOT

from ganad import networks
from tools.web_models import web
from tools.web_models.models import film_queries
from tools.web_models.packing import unpack

WEIGHTS = ROOT / web.FOLDER
SHAPE = (8, 8, 1)
PAGES = {
    "egbad": ("book/detectors/egbad", "drawings"),
    "f-anogan": ("book/detectors/f-anogan", "drawings"),
    "ganomaly": ("book/detectors/ganomaly", "drawings"),
    "anogan": ("book/detectors/anogan", "films"),
    "gan": ("book/foundations/gan", "walks"),
    "conditional-gan": ("book/foundations/conditional-gan", "walks"),
    "bigan": ("book/foundations/bigan", "walks"),
}
DRAWN = "window.ganad.drawings[0]"
WALK = "window.ganad.walks[0]"
FILM = "window.ganad.films[0]"
READY = {"drawings": f"{DRAWN}?.result", "walks": f"{WALK}?.made", "films": f"{FILM}?.curve"}

pytestmark = pytest.mark.skipif(not HTML.exists(), reason="the pages are not built: make pages")


@pytest.fixture
def opened(browser) -> Iterator[Callable]:
    """Opens the page of a model and waits for it; afterwards, that no script complained."""
    pages, wrong = [], []

    def visit(name: str, lost: str = "", width: int = 1280, **context):
        page = browser.new_page(viewport={"width": width, "height": 1000}, **context)
        if lost:
            page.route(lost, lambda route: route.abort())
        pages.append(page)
        page.on("pageerror", lambda error: wrong.append(str(error)))
        chapter, ready = PAGES[name]
        page.goto((HTML / f"{chapter}.html").as_uri(), wait_until="domcontentloaded")
        page.wait_for_function(READY[ready])
        return page

    yield visit
    for page in pages:
        page.close()
    assert wrong == []


def told(page, kind: str) -> str:
    """What the playable part says."""
    return page.locator(f'[data-play="{kind}"] .ganad-play-told').inner_text()


def detector(name: str):
    """The exported detector in Keras, with the weights of its file."""
    from ganad.detectors import EGBAD, FAnoGAN, GANomaly

    given = dict(web.manifest(WEIGHTS)[name]["parameters"])
    del given["dataset"], given["anomaly_class"]
    made = {"egbad": EGBAD, "f-anogan": FAnoGAN, "ganomaly": GANomaly}[name.rpartition("-")[0]](**given)
    content, roles = web.read(WEIGHTS, name), made._begin(SHAPE, 100)
    for role in content["networks"]:
        roles[role].set_weights(unpack(content, role))
    made.shape_ = SHAPE
    made._adopt(roles)
    return made


def some_images() -> np.ndarray:
    """Digits would be too tame: noise, emptiness, all ink, and a checkerboard."""
    noise = np.random.default_rng(0).uniform(-1, 1, (4, *SHAPE))
    board = np.where(np.indices((8, 8)).sum(0) % 2, 1.0, -1.0)[None, ..., None]
    return np.concatenate([noise, np.full((1, *SHAPE), -1), np.full((1, *SHAPE), 1), board]).astype(np.float32)


@pytest.mark.parametrize("name", ["egbad-0", "egbad-3", "f-anogan-0", "f-anogan-8", "ganomaly-0", "ganomaly-1"])
def test_scores_and_pictures_are_those_of_keras(name, opened):
    method, _, digit = name.rpartition("-")
    page = opened(method)
    page.get_by_label("trained without the digit").select_option(digit)
    page.wait_for_function(f'{DRAWN}.detector.anomaly === "{digit}"')
    samples = web.read(WEIGHTS, name)["samples"]
    shown = np.float32([each["pixels"] for each in samples]).reshape(-1, *SHAPE) / np.float32(127.5) - 1
    x, keras_detector = np.concatenate([shown, some_images()]), detector(name)
    given = x.reshape(len(x), -1).tolist()
    found = page.evaluate(
        f"""given => given.map(values => {{ const found = {DRAWN}.detector.judge(Float32Array.from(values));
        return [found.score, [...found.made], [...found.code], [...found.residual]]; }})""",
        given,
    )
    scores, made, codes, residuals = (np.float32(list(part)) for part in zip(*found, strict=True))
    np.testing.assert_allclose(scores, keras_detector.decision_function(x), rtol=1e-3, atol=1e-3)
    np.testing.assert_allclose(made.reshape(x.shape), keras_detector.reconstruct(x), atol=1e-3)
    np.testing.assert_allclose(codes, np.asarray(keras_detector.networks_["encoder"](x)), atol=1e-3)
    np.testing.assert_allclose(residuals.reshape(-1, 8, 8), keras_detector.residual_map(x), atol=1e-3)
    # and they are the figures that the export wrote down
    np.testing.assert_allclose(scores[: len(samples)], [each["score"] for each in samples], rtol=2e-3)


@pytest.mark.parametrize("name", ["gan", "conditional-gan", "bigan"])
def test_generated_images_are_those_of_keras(name, opened):
    page, content = opened(name), web.read(WEIGHTS, name)
    given = web.manifest(WEIGHTS)[name]["parameters"]
    latent, width = given["latent_dim"], given["width"]
    z = np.random.default_rng(1).normal(size=(6, latent)).astype(np.float32)
    z[4], z[5] = 3, 100  # the ends of the sliders, and far beyond
    inputs = [z]
    if name == "conditional-gan":
        network = networks.conditional_generator(SHAPE, latent, 10, width=width)
        inputs.append(np.random.default_rng(2).uniform(0, 1, (6, 10)).astype(np.float32))
    else:
        network = networks.bigan_generator(SHAPE, latent, width=width)
    network.set_weights(unpack(content, "generator"))
    expected = np.asarray(network(inputs if len(inputs) > 1 else z, training=False))
    found = page.evaluate(
        f"given => given.map(each => [...{WALK}.networks.generator.run(...each.map(v => Float32Array.from(v)))[0]])",
        [[part[k].tolist() for part in inputs] for k in range(6)],
    )
    np.testing.assert_allclose(np.reshape(found, expected.shape), expected, atol=1e-3)


def test_the_way_there_is_that_of_keras(opened):
    page, content = opened("bigan"), web.read(WEIGHTS, "bigan")
    given = web.manifest(WEIGHTS)["bigan"]["parameters"]
    encoder = networks.bigan_encoder(SHAPE, given["latent_dim"], width=given["width"])
    encoder.set_weights(unpack(content, "encoder"))
    page.get_by_label("Encode a sample:").select_option("3")
    x = np.float32(content["samples"][3]["pixels"]).reshape(1, *SHAPE) / np.float32(127.5) - 1
    np.testing.assert_allclose(page.evaluate(f"[...{WALK}.z]"), np.asarray(encoder(x))[0], atol=1e-3)
    made = np.float32(page.evaluate(f"[...{WALK}.made]"))
    np.testing.assert_allclose(made, np.float32(content["samples"][3]["made"]) / 127.5 - 1, atol=0.006)


# ---- draw a digit


def test_a_digit_is_drawn_with_the_pointer(opened):
    page = opened("egbad")
    sheet = page.locator(".ganad-play-sheet")
    sheet.scroll_into_view_if_needed()
    box = sheet.bounding_box()
    for k, (x, y) in enumerate([(0.3, 0.2), (0.7, 0.2), (0.5, 0.5), (0.4, 0.85)]):
        page.mouse.move(box["x"] + x * box["width"], box["y"] + y * box["height"], steps=4)
        if not k:
            page.mouse.down()
    page.mouse.up()
    assert told(page, "draw").startswith("Your drawing: score ")
    pixels = np.reshape(page.evaluate(f"[...{DRAWN}.ink.pixels]"), (8, 8))
    assert pixels.max() <= 255 and (pixels[0] > 0).any() and (pixels[7] > 0).any()  # as tall as the frame
    page.get_by_role("button", name="Clear").click()
    assert told(page, "draw") == "Draw a digit, or pick a sample."
    assert page.evaluate(f"{DRAWN}.result") is None


def test_a_digit_is_drawn_with_the_keyboard(opened):
    page = opened("ganomaly")
    page.locator(".ganad-play-sheet").focus()
    page.keyboard.press("Space")
    for _ in range(6):
        page.keyboard.press("ArrowDown")
    words = told(page, "draw")
    assert words.startswith("Your drawing: score ") and "of the normal test digits" in words
    page.keyboard.press("Space")
    before = page.evaluate(f"{DRAWN}.ink.cells.reduce((a, b) => a + b)")
    for _ in range(40):  # against the edge, with the pen lifted
        page.keyboard.press("ArrowLeft")
    assert page.evaluate(f"{DRAWN}.ink.cells.reduce((a, b) => a + b)") == before
    page.keyboard.press("Delete")
    assert told(page, "draw") == "Draw a digit, or pick a sample."


def test_ink_is_counted_as_the_data_set_did(opened):
    page = opened("egbad")
    counted = page.evaluate(
        """() => { const ink = new window.ganad.Ink(); const empty = [...ink.pixels];
        ink.cells.fill(1); const full = [...ink.pixels];
        ink.clear(); for (let row = 8; row < 16; row++) for (let column = 4; column < 8; column++) ink.cells[row * 32 + column] = 1;
        return [empty, full, [...ink.pixels]]; }"""
    )
    empty, full, bar = (np.reshape(each, (8, 8)) for each in counted)
    assert not empty.any() and (full == 255).all()
    assert (
        (bar[:, 2:6] == 255).all() and not bar[:, :2].any() and not bar[:, 6:].any()
    )  # twice as tall as wide, in the middle


def test_a_sample_has_the_score_that_was_written_down(opened):
    page = opened("f-anogan")
    page.get_by_label("trained without the digit").select_option("8")
    page.wait_for_function(f'{DRAWN}.detector.anomaly === "8"')
    content = web.read(WEIGHTS, "f-anogan-8")
    place = next(k for k, each in enumerate(content["samples"]) if each["anomalous"])
    page.get_by_label("or pick a test sample:").select_option(str(place))
    score = content["samples"][place]["score"]
    share = np.mean(np.array(content["scores"]["normal"]) < score)
    words = told(page, "draw")
    assert words.startswith("An 8 of the test set: score ")
    assert float(words.split("score ")[1].split(",")[0]) == pytest.approx(score, rel=1e-2)
    assert f"higher than {100 * share:.0f} % of the normal test digits" in words
    assert ("called anomalous" in words) == (score > content["threshold"])


def test_another_detector_takes_over_what_is_drawn(opened):
    page = opened("egbad")
    page.locator(".ganad-play-sheet").focus()
    for key in ("Space", *["ArrowRight"] * 5, *["ArrowDown"] * 9):
        page.keyboard.press(key)
    before = page.evaluate(f"{DRAWN}.result.score")
    page.get_by_label("Detector:").select_option("ganomaly")
    page.wait_for_function(f'{DRAWN}.detector.method === "ganomaly"')
    assert told(page, "draw").startswith("Your drawing: score ")
    assert page.evaluate(f"{DRAWN}.result.score") != before


@pytest.mark.timed
@pytest.mark.parametrize(
    "name, act",
    [
        ("egbad", f"{DRAWN}.stroke([4 + k / 2, 16])"),
        ("anogan", f"{FILM}.turn(4 * k)"),
        ("conditional-gan", f"{WALK}.go({WALK}.z)"),
    ],
)
def test_a_picture_takes_less_than_a_thirtieth_of_a_second(name, act, opened, idle):
    page = opened(name)
    took = page.evaluate(
        f"""() => {{ const took = []; for (let k = 0; k < 40; k++) {{ const start = performance.now();
        {act}; took.push(performance.now() - start); }} return took.sort((a, b) => a - b)[20]; }}"""
    )
    assert took < 1000 / 30


# ---- the search as a film


def test_the_film_shows_the_losses_that_were_measured(opened):
    page, content = opened("anogan"), web.read(WEIGHTS, "anogan")
    step = page.get_by_label("step of the search")
    for place in (0, 60, len(content["steps"]) - 1):
        step.fill(str(place))
        words = told(page, "search")
        kinds = [next(each for each in content["samples"] if each["anomalous"] == kind) for kind in (False, True)]
        assert words.startswith(f"Step {content['steps'][place]}:")
        found = [float(words.split(text)[0].split()[-1]) for text in (" of the normal", " of the anomalous")]
        assert found == pytest.approx([each["losses"][place] for each in kinds], rel=6e-3)
    last = page.evaluate(f"[...{FILM}.frame(0, {len(content['steps']) - 1})]")
    np.testing.assert_allclose(last, np.float32(content["samples"][0]["made"]) / 127.5 - 1, atol=1e-6)


def test_the_film_begins_with_a_right_pair_and_ends_with_a_wrong_one():
    ends = {
        kind: [each["losses"][-1] for each in web.read(WEIGHTS, "anogan")["samples"] if each["anomalous"] == kind]
        for kind in (False, True)
    }
    normal, anomalous = ends.values()
    assert len(normal) == len(anomalous) == 3
    assert normal[0] < anomalous[0] and normal[1] < anomalous[1]
    assert normal[2] > anomalous[2], "the text beside the film speaks of a wrong pair"
    assert normal == sorted(normal) and anomalous == sorted(anomalous, reverse=True)


def test_queries_of_the_film_are_chosen_by_their_final_losses():
    ends = np.array([3.0, 9.0, 1.0, 8.0, 2.0, 7.0, 5.0, 6.0, 4.0, 10.0])
    labels = np.array([0, 1, 0, 1, 0, 1, 0, 1, 0, 1])
    assert ends[film_queries(ends, labels)].tolist() == [2, 3, 5, 9, 8, 6]


def test_the_residual_that_was_searched_for_is_the_distance_of_the_pictures():
    content = web.read(WEIGHTS, "anogan")
    for each in content["samples"]:
        residual = np.abs(np.float32(each["pixels"]) - np.float32(each["made"])).sum() / 127.5
        assert 0.9 * residual <= each["losses"][-1] * 1.01  # (1 - lambda) times it, and the features' part
        assert each["losses"][-1] < each["losses"][0]


def test_the_film_plays_to_its_end_and_begins_again(opened):
    page = opened("anogan")
    page.get_by_role("button", name="Play", exact=True).click()
    page.wait_for_function(f"{FILM}.place > 3")
    page.get_by_role("button", name="Pause").press("Enter")
    assert not page.evaluate(f"{FILM}.playing")
    page.get_by_label("step of the search").press("End")
    assert told(page, "search").startswith("Step 500:")
    page.get_by_role("button", name="Play", exact=True).press("Space")
    page.wait_for_function(f"{FILM}.playing && {FILM}.place > 0 && {FILM}.place < 60")


def test_the_film_respects_who_wants_less_motion(opened):
    page = opened("anogan", reduced_motion="reduce")
    turns = page.evaluate(
        f"""async () => {{ let turns = 0; const film = {FILM}, turn = film.turn.bind(film);
        film.turn = place => {{ turns += 1; turn(place); }}; film.play(true);
        await new Promise(done => setTimeout(done, 1500)); film.play(false); return turns; }}"""
    )
    assert 1 <= turns <= 3


# ---- walking


def test_sliders_move_the_digit_and_end_where_they_end(opened):
    page = opened("gan")
    first = page.get_by_label("latent coordinate 1", exact=True)
    before = page.evaluate(f"[...{WALK}.made]")
    first.press("End")
    assert page.evaluate(f"{WALK}.z[0]") == 3 and page.evaluate(f"[...{WALK}.made]") != before
    first.press("Home")
    assert page.evaluate(f"{WALK}.z[0]") == -3
    first.evaluate("input => { input.value = 1e9; input.dispatchEvent(new Event('input')); }")
    assert page.evaluate(f"{WALK}.z[0]") == 3
    page.get_by_role("button", name="All zero").click()
    assert page.evaluate(f"[...{WALK}.z]") == [0] * 16
    assert "|z| = 0.0" in told(page, "walk") and "with probability" in told(page, "walk")


def test_a_walk_goes_on_until_it_is_stopped(opened):
    page = opened("gan")
    page.get_by_role("button", name="Walk").click()
    start = page.evaluate(f"[...{WALK}.z]")
    page.wait_for_function(f"Math.abs({WALK}.z[0] - {start[0]}) > 0.01")
    page.get_by_role("button", name="Stop").press("Enter")
    stopped = page.evaluate(f"[...{WALK}.z]")
    page.wait_for_timeout(200)
    assert page.evaluate(f"[...{WALK}.z]") == stopped


def test_asking_for_a_digit_gives_what_was_exported(opened):
    page, content = opened("conditional-gan"), web.read(WEIGHTS, "conditional-gan")
    page.get_by_label("Only a").select_option("7")
    page.evaluate(f"z => {WALK}.go(z)", content["walk"][7]["z"])
    made = np.float32(page.evaluate(f"[...{WALK}.made]"))
    np.testing.assert_allclose(made, np.float32(content["walk"][7]["made"]) / 127.5 - 1, atol=0.006)
    page.get_by_label("how much of a 8 is asked for").press("End")
    assert page.evaluate(f"[...{WALK}.label]") == [0] * 7 + [1, 1, 0]


# ---- whatever happens


@pytest.mark.parametrize("name, kind", [("egbad", "draw"), ("gan", "walk"), ("anogan", "search")])
@pytest.mark.parametrize("answer", ["nothing", "something else"])
def test_a_model_that_does_not_come_is_said_and_can_be_asked_for_again(name, kind, answer, browser):
    page = browser.new_page()
    failing = (lambda route: route.abort()) if answer == "nothing" else (lambda route: route.fulfill(body="// lost"))
    page.route("**/play/weights/*.js", failing)
    chapter, ready = PAGES[name]
    page.goto((HTML / f"{chapter}.html").as_uri(), wait_until="domcontentloaded")
    page.wait_for_function(f"document.querySelector('[data-play={kind}] .ganad-play-told').innerText.includes('again')")
    assert "could not be loaded. Check the connection, then try again." in told(page, kind)
    page.unroute("**/play/weights/*.js")
    page.locator(f'[data-play="{kind}"]').get_by_role("button", name="Try again").click()
    page.wait_for_function(READY[ready])
    page.close()


def test_without_a_detector_drawing_and_picking_do_no_harm(opened):
    page = opened("egbad", lost="**/weights/f-anogan-*.js")
    page.get_by_label("Detector:").select_option("f-anogan")
    page.wait_for_function("document.querySelector('[data-play=draw] .ganad-play-told').innerText.includes('again')")
    page.evaluate(f"{DRAWN}.pick(0)")
    page.locator(".ganad-play-sheet").focus()
    for key in ("Space", "ArrowDown", "ArrowDown"):
        page.keyboard.press(key)
    assert "could not be loaded" in told(page, "draw")  # still said: there is nothing else to say
    page.get_by_label("Detector:").select_option("egbad")
    page.wait_for_function(f"{DRAWN}.result")
    assert told(page, "draw").startswith("Your drawing: score ")


@pytest.mark.parametrize("name", PAGES)
def test_without_scripts_a_picture_stands_in_its_place(name, browser):
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto((HTML / f"{PAGES[name][0]}.html").as_uri(), wait_until="domcontentloaded")
    picture = page.locator(f'.ganad-play img[src*="weights/{name}"]')
    picture.evaluate("image => image.decode()")  # ends when it is loaded: before, it has no size
    assert picture.is_visible() and picture.evaluate("image => image.naturalWidth") > 300
    context.close()


@pytest.mark.parametrize("name", PAGES)
def test_it_fits_a_telephone(name, opened):
    page = opened(name, width=360)
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
    for box in page.evaluate(
        "[...document.querySelectorAll('.ganad-play *')].map(e => e.getBoundingClientRect().right)"
    ):
        assert box <= 360


@pytest.mark.parametrize("name", PAGES)
def test_everything_that_can_be_moved_has_a_name(name, opened):
    page = opened(name)
    unnamed = page.evaluate(
        """() => [...document.querySelectorAll('.ganad-play :is(button, select, input, canvas, svg)')]
        .filter(e => !(e.getAttribute('aria-label') || e.labels?.[0]?.innerText || e.innerText || '').trim()).map(e => e.outerHTML)"""
    )
    assert unnamed == []
