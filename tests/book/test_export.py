"""What `python -m tools.web_models` writes: networks as operations and rounded weights, files that are complete or not there."""

import ast
import hashlib
import json

import keras
import numpy as np
import pytest
from keras import layers
from small_book import ROOT

from ganad import networks
from ganad_book import notebooks
from tools.web_models import models, web
from tools.web_models.graph import UnknownLayerError, graph, rounded
from tools.web_models.packing import pack, round_weights, unpack

WEIGHTS = ROOT / web.FOLDER
SHAPE, LATENT = (8, 8, 1), 16


def small(builder: str) -> keras.Model:
    """One of the package's networks for digits."""
    build = getattr(networks, builder)
    takes = {"critic": (SHAPE,), "gan_discriminator": (SHAPE,), "ganomaly_discriminator": (SHAPE,)}
    return build(*takes.get(builder, (SHAPE, LATENT)), width=0.25)


@pytest.mark.parametrize(
    "builder",
    [
        *("bigan_encoder", "bigan_generator", "bigan_discriminator", "gan_discriminator", "critic"),
        *("ganomaly_encoder", "ganomaly_decoder", "ganomaly_discriminator", "dcgan_generator"),
    ],
)
def test_every_array_has_its_node_and_every_node_its_shape(builder):
    network = small(builder)
    made = graph(network)
    assert sum(node["weights"] for node in made["nodes"]) == len(network.get_weights())
    shapes = [tuple(made["nodes"][place]["shape"]) for place in made["outputs"]]
    outputs = network.outputs
    assert shapes == [tuple(output.shape[1:]) for output in outputs]
    assert all(source < place for place, node in enumerate(made["nodes"]) for source in node["from"])


def test_inputs_are_in_the_order_in_which_the_network_takes_them():
    network = small("bigan_discriminator")
    made = graph(network)
    assert [tuple(made["nodes"][place]["shape"]) for place in made["inputs"]] == [SHAPE, (LATENT,)]


def test_a_network_inside_another_is_laid_out_flat():
    network = networks.conditional_generator(SHAPE, LATENT, 10, width=0.25)
    made = graph(network)
    assert [node["shape"] for node in made["nodes"] if node["op"] == "input"] in ([[16], [10]], [[10], [16]])
    assert [made["nodes"][place]["shape"] for place in made["inputs"]] == [[16], [10]]
    assert sum(node["weights"] for node in made["nodes"]) == len(network.get_weights())


def test_packed_weights_come_back_rounded():
    network = small("bigan_discriminator")
    packed = pack({"discriminator": network})
    back = unpack(json.loads(json.dumps(packed)), "discriminator")
    for found, weight in zip(back, network.get_weights(), strict=True):
        np.testing.assert_array_equal(found, rounded(weight).astype(np.float32))
        np.testing.assert_allclose(found, weight, rtol=1e-3, atol=1e-7)
    round_weights({"discriminator": network})
    for found, weight in zip(back, network.get_weights(), strict=True):
        np.testing.assert_array_equal(found, weight)


@pytest.mark.parametrize(
    "layer, word",
    [
        (layers.GaussianNoise(0.1), "GaussianNoise"),
        (layers.Dense(3, activation="relu"), "activation"),
        (layers.Activation("gelu"), "gelu"),
    ],
)
def test_what_cannot_be_exported_is_refused_in_one_line(layer, word):
    x = keras.Input((4,))
    with pytest.raises(UnknownLayerError, match=word) as refused:
        graph(keras.Model(x, layer(x)))
    assert "\n" not in str(refused.value)


def test_a_layer_that_is_used_twice_is_refused():
    x, shared = keras.Input((4,)), layers.Dense(4)
    with pytest.raises(UnknownLayerError, match="used 2 times"):
        graph(keras.Model(x, shared(shared(x))))


def test_weights_too_large_for_half_precision_are_refused():
    with pytest.raises(ValueError, match=r"65,504"):
        rounded(np.full((2, 2), 1e6, np.float32))


# ---- the files


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> list:
    """Two models that are made at once; notes the parameters of each making."""
    made = []

    def make(parameters: dict) -> dict:
        made.append(parameters)
        return pack({"generator": small("bigan_generator")}) | {"auprc": 0.5}

    listed = [models.Exported(f"egbad-{digit}", "book/detectors/egbad", digit, make) for digit in (0, 1)]
    monkeypatch.setattr(web, "every", lambda: listed)
    monkeypatch.setattr(web, "write_still", lambda *_: None)
    return made


def test_an_export_goes_on_where_it_was_stopped(quick, tmp_path):
    said = []
    assert web.export(ROOT, tmp_path, ["egbad-0"], False, said.append) == ["egbad-0"]
    assert web.export(ROOT, tmp_path, [], False, said.append) == ["egbad-1"]
    assert [each["anomaly_class"] for each in quick] == [0, 1]
    assert web.export(ROOT, tmp_path, [], False, said.append) == []
    assert web.export(ROOT, tmp_path, ["egbad"], True, said.append) == ["egbad-0", "egbad-1"]
    assert {path.name for path in tmp_path.iterdir()} == {"egbad-0.js", "egbad-1.js", "manifest.json"}


def test_a_damaged_file_is_made_anew(quick, tmp_path):
    web.export(ROOT, tmp_path, [], False, lambda _: None)
    (tmp_path / "egbad-1.js").write_text("ganad.arr")
    assert web.export(ROOT, tmp_path, [], False, lambda _: None) == ["egbad-1"]


def test_a_failed_training_leaves_nothing(quick, tmp_path, monkeypatch):
    def fail(parameters: dict) -> dict:
        raise RuntimeError("diverged")

    monkeypatch.setattr(web, "every", lambda: [models.Exported("egbad-0", "book/detectors/egbad", 0, fail)])
    with pytest.raises(RuntimeError):
        web.export(ROOT, tmp_path, [], False, lambda _: None)
    assert list(tmp_path.iterdir()) == []


def test_what_was_written_can_be_read(quick, tmp_path):
    web.export(ROOT, tmp_path, ["egbad-0"], False, lambda _: None)
    assert web.read(tmp_path, "egbad-0")["auprc"] == 0.5
    assert web.manifest(tmp_path)["egbad-0"]["auprc"] == 0.5


@pytest.mark.parametrize("text", ["", "[]", '{"format": "other"}', '{"models": {}}'])
def test_a_manifest_that_is_none_is_refused(text, tmp_path):
    (tmp_path / "manifest.json").write_text(text)
    with pytest.raises(web.ExportError, match="delete it"):
        web.manifest(tmp_path)


def test_an_unknown_name_is_refused_with_the_known_ones(tmp_path):
    with pytest.raises(web.ExportError, match="anogan, bigan, conditional-gan, egbad, f-anogan, gan, ganomaly"):
        web.export(ROOT, tmp_path, ["vae"], False, lambda _: None)


def test_elsewhere_than_in_the_book_it_is_refused(tmp_path):
    with pytest.raises(web.ExportError, match=r"there is no book/foundations/gan\.ipynb here"):
        web.export(tmp_path, tmp_path / "out", ["gan"], False, lambda _: None)


# ---- what is committed


def test_the_committed_models_are_complete_and_as_their_chapters_say():
    listed = web.manifest(WEIGHTS)
    expected = {model.name: model for model in models.every()}
    assert listed.keys() == expected.keys()
    for name, facts in listed.items():
        chapter = web.taken(notebooks.parameters(notebooks.read(ROOT / f"{facts['chapter']}.ipynb")))
        assert facts["parameters"] == expected[name].parameters(chapter), f"{name}: python -m tools.web_models {name}"
        assert hashlib.sha256((WEIGHTS / f"{name}.js").read_bytes()).hexdigest() == facts["sha256"], name


def fixed_by(chapter: str) -> list[tuple[str, object]]:
    """What a chapter's code, not its parameters, gives a training: keywords, or entries of settings."""
    code = "\n".join(cell.source for cell in notebooks.code_cells(notebooks.read(ROOT / f"{chapter}.ipynb")))
    nodes = list(ast.walk(ast.parse(code)))
    given = [(node.arg, node.value) for node in nodes if isinstance(node, ast.keyword)]
    for node in nodes:
        if isinstance(node, ast.Dict):
            given += [(key.value, value) for key, value in zip(node.keys, node.values, strict=True) if is_text(key)]
    wanted = {"decay", "schedule", "threshold_samples", "turns"}
    return [(name, value.value) for name, value in given if name in wanted and isinstance(value, ast.Constant)]


def is_text(node: ast.expr | None) -> bool:
    """A string that is written out."""
    return isinstance(node, ast.Constant) and isinstance(node.value, str)


@pytest.mark.parametrize("chapter", sorted({model.chapter for model in models.every()}))
def test_models_are_trained_as_the_chapters_code_does(chapter):
    given = fixed_by(chapter)
    assert {value for name, value in given if name == "decay"} == {models.DECAY}
    if chapter.endswith("/egbad"):
        assert ("turns", models.EGBAD_TURNS) in given and ("schedule", models.SCHEDULE) in given
    if chapter.endswith("/anogan"):
        assert ("threshold_samples", models.SEARCHED_FOR_THRESHOLD) in given and ("schedule", models.SCHEDULE) in given


def test_every_model_that_a_page_shows_first_has_its_picture():
    from tools.web_models.stills import STILLS

    assert {path.stem for path in WEIGHTS.glob("*.png")} == STILLS.keys()


def test_the_committed_samples_are_digits_of_the_test_set():
    from ganad.datasets import leave_one_out, load_dataset

    data = load_dataset("digits")
    split = leave_one_out(data, 3, seed=0)
    tested = {data.x[row].tobytes() for row in split.test_rows}
    for sample in web.read(WEIGHTS, "ganomaly-3")["samples"]:
        assert np.array(sample["pixels"], np.uint8).tobytes() in tested
        assert sample["anomalous"] == (sample["digit"] == 3)


def test_a_small_training_is_exported_whole():
    chapter = web.taken(notebooks.parameters(notebooks.read(ROOT / "book/detectors/ganomaly.ipynb")))
    model = next(model for model in models.every() if model.name == "ganomaly-7")
    content = model.make(model.parameters(chapter) | {"epochs": 1})
    assert content["anomaly"] == "7" and content["networks"].keys() == {"encoder", "decoder", "second_encoder"}
    assert len(content["samples"]) == models.SHOWN_NORMAL + models.SHOWN_ANOMALOUS
    scores = content["scores"]
    assert scores["normal"] == sorted(scores["normal"])
    shown = [each["score"] for each in content["samples"] if each["anomalous"]]
    assert set(shown) <= set(scores["anomalous"])
    assert 0 <= content["auprc"] <= 1 and len(content["codes"]["mean"]) == chapter["latent_dim"]
