"""The common suite: every detector of ganad.detectors.DETECTORS keeps the contract, whatever its method."""

import contextlib
import copy
import inspect
import io
import itertools
import json
import pickle
import re
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import GridSearchCV, StratifiedShuffleSplit

from ganad import detectors
from ganad.detectors import DETECTORS, EGBAD, detector_class, load_detector, neural
from ganad.detectors.base import FORMAT, check_samples
from ganad.detectors.neural import NeuralDetector
from ganad.detectors.searching import SearchingDetector
from ganad.training.adversarial import DivergedError
from ganad.training.batching import SIZES
from ganad.training.many import fit_seeds
from ganad.validation import ParameterError

BUDGET = {
    "epochs": 2,
    "batch_size": 32,
    "latent_dim": 4,
    "width": 0.1,
    "learning_rate": 1e-3,
    "trees": 20,
    "components": 3,
    "steps": 5,
    "restarts": 2,
}
SHORT = {
    "anogan": {"steps": 2},
    "f_anogan": {"encoder_epochs": 1, "critic_steps": 1},
    "adgan": {"steps": 1},
    "alad": {"spectral_normalization": False},
}
OTHER_SCORING = {
    "anogan": {"score_weight": 0.5},
    "f_anogan": {"kappa": 5.0},
    "egbad": {"anomaly_score": "cross_entropy", "score_weight": 0.5},
    "ganomaly": {"anomaly_score": "absolute"},
    "adgan": {"steps": 9},
    "alad": {"anomaly_score": "l1"},
    "autoencoder": {},
    "vae": {"anomaly_score": "elbo"},
}
KINDS = ("table", "images")
RECONSTRUCTS = [name for name in DETECTORS if name != "isolation_forest"]
NEURAL = [name for name in DETECTORS if issubclass(detector_class(name), NeuralDetector)]


def tiny(name: str, **changes):
    """The detector, unfitted, with as little to do as possible."""
    cls = detector_class(name)
    known = inspect.signature(cls).parameters
    return cls(**{key: value for key, value in BUDGET.items() if key in known} | changes)


@pytest.fixture(scope="module")
def samples(table, pictures) -> dict[str, np.ndarray]:
    return {"table": table, "images": pictures.astype(np.float32) / 127.5 - 1}


@pytest.fixture(scope="module")
def fitted(samples) -> Callable:
    """Each detector fitted once on each kind of data.  Tests leave it as it is."""
    kept = {}

    def fit(name: str, kind: str = "table"):
        if (name, kind) not in kept:
            kept[name, kind] = tiny(name).fit(samples[kind])
        return kept[name, kind]

    return fit


@pytest.fixture(scope="module")
def other(samples) -> Callable:
    """Each detector once more, with another seed, NumPy's numbers and a progress bar; and what that printed."""
    kept = {}

    def fit(name: str):
        if name not in kept:
            bar = {"verbose": 1} if name in NEURAL else {}
            with contextlib.redirect_stdout(io.StringIO()) as shown:
                detector = tiny(name, seed=np.int64(1), contamination=np.float32(0.25), **bar).fit(samples["table"])
            kept[name] = detector, shown.getvalue()
        return kept[name]

    return fit


every = pytest.mark.parametrize("name", DETECTORS)
both = pytest.mark.parametrize("kind", KINDS)
ONE_PASS = [name for name in NEURAL if not issubclass(detector_class(name), SearchingDetector)]
each_neural = pytest.mark.parametrize("name", NEURAL)


# ---- names and constructors


@every
def test_a_detector_is_found_by_its_name(name):
    cls = detector_class(name)
    assert cls.name == name
    assert getattr(detectors, cls.__name__) is cls
    assert cls.__name__ in detectors.__all__


@pytest.mark.parametrize("name", ["", "EGBAD", "gan", "base"])
def test_an_unknown_name_is_refused(name, refused):
    with refused(ValueError, repr(name), *DETECTORS):
        detector_class(name)
    with pytest.raises(AttributeError, match="Nonsense"):
        detectors.Nonsense  # noqa: B018


@every
def test_the_constructor_takes_keywords_and_stores_what_it_is_given(name):
    cls = detector_class(name)
    parameters = inspect.signature(cls).parameters
    assert all(p.kind is p.KEYWORD_ONLY and p.default is not p.empty for p in parameters.values())
    assert {"contamination", "seed"} <= set(parameters)
    sentinels = {key: object() for key in parameters}
    detector = cls(**sentinels)
    assert all(getattr(detector, key) is value for key, value in sentinels.items())
    assert set(vars(detector)) == set(parameters)


@every
def test_clone_and_parameters(name):
    detector = tiny(name, contamination=0.3, seed=5)
    twin = clone(detector)
    assert twin is not detector and twin.get_params() == detector.get_params()
    assert twin.set_params(seed=6) is twin and (twin.seed, detector.seed) == (6, 5)
    with pytest.raises(ValueError, match="nonsense"):
        twin.set_params(nonsense=1)
    assert type(detector).__name__ in repr(detector) and "seed=5" in repr(detector)


@every
def test_a_clone_is_not_fitted(name, fitted, samples):
    twin = clone(fitted(name))
    assert not [key for key in vars(twin) if key.endswith("_")]
    with pytest.raises(NotFittedError):
        twin.predict(samples["table"])


# ---- PyOD's attributes


@every
@both
def test_what_fit_leaves_behind(name, kind, fitted, samples):
    detector, x = fitted(name, kind), samples[kind]
    assert (detector.decision_scores_.shape, detector.decision_scores_.dtype) == ((len(x),), np.float64)
    assert np.isfinite(detector.decision_scores_).all()
    assert isinstance(detector.threshold_, float)
    assert detector.threshold_ == np.quantile(detector.decision_scores_, 1 - detector.contamination)
    assert detector.labels_.shape == (len(x),) and detector.labels_.dtype.kind == "i"
    np.testing.assert_array_equal(detector.labels_, detector.decision_scores_ > detector.threshold_)
    assert detector.labels_.sum() == pytest.approx(detector.contamination * len(x), abs=len(x) * 0.01 + 1)
    assert detector.shape_ == x.shape[1:]


@every
def test_scores_and_predictions(name, fitted, samples):
    detector = fitted(name)
    scores, flags = detector.decision_function(samples["table"]), detector.predict(samples["table"])
    assert (scores.shape, scores.dtype) == ((200,), np.float64)
    assert (flags.shape, flags.dtype.kind) == ((200,), "i")
    np.testing.assert_array_equal(flags, scores > detector.threshold_)
    if name != "nearest_neighbour":  # there a training sample meets itself
        np.testing.assert_array_equal(scores, detector.decision_scores_)


@every
@pytest.mark.quality
def test_the_threshold_lets_most_new_normal_samples_pass(name, fitted, quality):
    new = np.random.default_rng(1).random((400, 6), np.float32)
    flagged = fitted(name).predict(new).mean()
    quality(flagged, above=0)
    quality(1 - flagged, above=0.65)


@pytest.mark.parametrize("name", [name for name in DETECTORS if name not in NEURAL])
@pytest.mark.parametrize("contamination", [0.01, 0.2, 0.5])
def test_contamination_is_the_fraction_called_anomalous(name, contamination, samples):
    detector = tiny(name, contamination=contamination).fit(samples["table"])
    assert detector.labels_.mean() == pytest.approx(contamination, abs=0.011)


@every
@pytest.mark.quality
def test_higher_is_more_anomalous(name, fitted, samples, quality):
    ordinary, odd = samples["table"], samples["table"] * 3 + 2
    scores = fitted(name).decision_function(np.concatenate([ordinary, odd]))
    quality(roc_auc_score(np.repeat([0, 1], 200), scores), above=0.95)
    quality(fitted(name).predict(odd).mean(), above=0.9)


# ---- seeds


@pytest.mark.parametrize("name", [*NEURAL, "isolation_forest"])
def test_another_seed_gives_other_scores(name, fitted, other):
    assert not np.allclose(other(name)[0].decision_scores_, fitted(name).decision_scores_, rtol=1e-3)


# ---- a score depends on its sample and the model alone


@every
@both
def test_neighbours_order_and_number_change_no_score(name, kind, fitted, samples):
    """To rounding: a millionth of a score, or of what is usual where a score is nearly zero."""
    detector, x = fitted(name, kind), samples[kind][::-1] * np.float32(0.9)
    x = np.concatenate([x * np.float32(scale) for scale in (1, 0.97, 0.94, 0.91, 0.88, 0.85)])[:700]
    x = x[:120] if isinstance(detector, SearchingDetector) and kind == "images" else x
    together = detector.decision_function(x)
    assert len(np.unique(together)) > 50
    order = np.random.default_rng(0).permutation(len(x))
    odd = np.concatenate([np.full_like(x[:3], 0.9), x, np.zeros_like(x[:3])])
    few = x[:24]
    for found, expected in [
        (np.concatenate([detector.decision_function(few[i : i + 1]) for i in range(24)]), together[:24]),
        (np.concatenate([detector.decision_function(few[i : i + 2]) for i in range(0, 24, 2)]), together[:24]),
        (np.concatenate([detector.decision_function(few[i : i + 3]) for i in range(0, 24, 3)]), together[:24]),
        (detector.decision_function(x[order]), together[order]),
        (detector.decision_function(odd)[3:-3], together),
    ]:
        np.testing.assert_allclose(found, expected, rtol=1e-6, atol=1e-6 * np.median(np.abs(together)))


@every
def test_more_samples_than_one_scoring_call_takes(name, fitted, samples):
    most = SIZES[-1]
    x = np.tile(samples["table"] * np.float32(0.9), (most // 200 + 2, 1))[: most + 1]
    detector = fitted(name)
    scores = detector.decision_function(x)
    assert len(scores) == most + 1
    np.testing.assert_allclose(scores[-1:], detector.decision_function(x[-1:]), rtol=1e-6)
    np.testing.assert_allclose(scores[:200], scores[200:400], rtol=1e-6)


@every
@both
def test_scoring_leaves_the_input_and_the_model_alone(name, kind, fitted, samples):
    x = samples[kind].copy()
    first = fitted(name, kind).decision_function(x)
    fitted(name, kind).decision_function(x[:5] * 0.5)
    np.testing.assert_array_equal(x, samples[kind])
    np.testing.assert_array_equal(fitted(name, kind).decision_function(x), first)


# ---- reconstructions


@pytest.mark.parametrize("name", RECONSTRUCTS)
@both
def test_reconstructions_look_like_their_samples(name, kind, fitted, samples):
    x = samples[kind][:7]
    made, residual = fitted(name, kind).reconstruct(x), fitted(name, kind).residual_map(x)
    assert made.shape == x.shape and np.isfinite(made).all()
    assert residual.shape == x.shape[:3]  # (N, H, W), or (N, F)
    expected = np.abs(x - made)
    np.testing.assert_allclose(residual, expected.mean(-1) if kind == "images" else expected, atol=1e-6)


@pytest.mark.parametrize("name", sorted(set(DETECTORS) - set(RECONSTRUCTS)))
def test_what_reconstructs_nothing_says_so(name, fitted, samples, refused):
    for method in ("reconstruct", "residual_map"):
        with refused(NotImplementedError, detector_class(name).__name__):
            getattr(fitted(name), method)(samples["table"])


# ---- inputs


@every
def test_kinds_of_tables(name, fitted, samples):
    x, detector = samples["table"][:9], fitted(name)
    expected = detector.decision_function(x)
    for other in (x.astype(np.float64), x.tolist(), pd.DataFrame(x), np.asfortranarray(x), x[::-1][::-1]):
        np.testing.assert_array_equal(detector.decision_function(other), expected)
    assert detector.decision_function(x[:1]).shape == (1,)
    assert np.isfinite(detector.decision_function(np.eye(6, dtype=bool))).all()
    assert np.isfinite(detector.decision_function(np.arange(12).reshape(2, 6))).all()


@every
def test_kinds_of_images(name, fitted, samples, pictures):
    x, detector = samples["images"][:9], fitted(name, "images")
    expected = detector.decision_function(x)
    assert pictures.dtype == np.uint8
    for other in (pictures[:9], pictures[:9, ..., 0], x[..., 0], x.astype(np.float64), x.tolist()):
        np.testing.assert_array_equal(detector.decision_function(other), expected)
    assert detector.decision_function(x[:1]).shape == (1,)


def test_bytes_are_the_floats_they_stand_for(pictures, samples):
    np.testing.assert_array_equal(check_samples(pictures[..., 0]), samples["images"])


@pytest.mark.parametrize("name", RECONSTRUCTS)
def test_bytes_are_scored_as_floats(name, fitted, pictures, samples):
    detector = fitted(name, "images")
    expected = detector.decision_function(samples["images"])
    np.testing.assert_array_equal(detector.decision_function(pictures[..., 0]), expected)


def test_a_detector_fitted_on_bytes_is_the_one_fitted_on_floats(fitted, pictures):
    detector = tiny("egbad").fit(pictures[..., 0])
    assert detector.shape_ == (8, 8, 1)
    np.testing.assert_array_equal(detector.decision_scores_, fitted("egbad", "images").decision_scores_)


NAN, INF = (np.where(np.arange(12).reshape(2, 6) == 7, value, 0.5) for value in (np.nan, np.inf))
REFUSED = {
    "NaN": (NAN, ValueError, "NaN"),
    "infinite": (-INF, ValueError, "infinite"),
    "beyond float32": (np.full((2, 6), 1e300), ValueError, "infinite"),
    "no rows": (np.zeros((0, 6)), ValueError, "empty"),
    "no columns": (np.zeros((3, 0)), ValueError, "empty"),
    "nothing": ([], ValueError, "dimensions"),
    "a number": (3.0, ValueError, "0 dimensions"),
    "a row": (np.zeros(6), ValueError, "1 dimensions"),
    "five dimensions": (np.zeros((2, 2, 2, 2, 2)), ValueError, "5 dimensions"),
    "words": (np.array([["a"] * 6]), TypeError, "numbers"),
    "text": ("data.csv", TypeError, "numbers"),
    "None": (None, TypeError, "numbers"),
    "ragged": ([[1, 2], [3]], TypeError, "numbers"),
    "mixed": (pd.DataFrame({"a": [1.0, 2.0], "b": ["x", "y"]}), TypeError, "numbers"),
    "complex": (np.zeros((2, 6), complex), TypeError, "numbers"),
    "dates": (np.zeros((2, 6), "datetime64[s]"), TypeError, "numbers"),
    "a dictionary": ({"x": [1]}, TypeError, "numbers"),
    "integers for pixels": (np.full((2, 8, 8, 1), 200), ValueError, "[-1, 1]"),
    "pixels to 255": (np.full((2, 8, 8), 255.0), ValueError, "127.5"),
    "a pixel of 1.01": (np.full((2, 8, 8), 1.01), ValueError, "[-1, 1]"),
    "a NaN pixel": (np.full((2, 8, 8), np.nan), ValueError, "NaN"),
}


@pytest.mark.parametrize("case", REFUSED)
@every
def test_inputs_that_are_refused(name, case, fitted, refused):
    x, error, word = REFUSED[case]
    unfitted = tiny(name)
    with refused(error, word):
        unfitted.fit(x)
    assert not hasattr(unfitted, "threshold_")
    for method in ("decision_function", "predict", "reconstruct", "residual_map"):
        with refused(error, word):
            getattr(fitted(name), method)(x)


@pytest.mark.parametrize("shape", [(3, 5), (3, 7), (3, 8, 8, 1), (3, 6, 1)])
@every
def test_samples_of_another_shape_are_refused(name, shape, fitted, refused):
    for method in ("decision_function", "predict", "reconstruct", "residual_map"):
        with refused(ValueError, "(6,)", str(shape[1:3])[1:-1]):
            getattr(fitted(name), method)(np.zeros(shape))


@every
def test_constant_columns_are_no_obstacle_and_reference_values_are_filled_in(name, samples, untraced):
    x = samples["table"][:64].copy()
    x[:, 2], x[:, 4] = 0.5, 0
    left_out = {"epochs": 1, "latent_dim": None, "batch_size": None} if name in NEURAL else {}
    detector = tiny(name, **left_out).fit(x)
    assert np.isfinite(detector.decision_scores_).all()
    assert np.isfinite(detector.decision_function(x + 1)).all()
    if name in NEURAL:
        assert detector.latent_dim is None and detector.batch_size is None
        assert detector.reference_["latent_dim"] == 32 and detector.reference_["batch_size"] == 50
        assert detector.reference_["learning_rate"] == 1e-3 and detector.reference_["epochs"] == 1


@every
def test_fitting_again_gives_the_same_scores_whatever_y_and_prints_nothing(name, samples, fitted, capsys):
    detector, x = tiny(name, contamination=0.2), samples["table"]
    assert detector.fit(x, np.arange(200) % 2) is detector
    np.testing.assert_array_equal(detector.decision_scores_, fitted(name).decision_scores_)
    assert detector.threshold_ == np.quantile(detector.decision_scores_, 0.8)
    assert capsys.readouterr() == ("", "")


def test_checked_samples_are_float32_with_channels():
    bytes_ = np.arange(128, dtype=np.uint8).reshape(2, 8, 8) * 2
    found = check_samples(bytes_)
    assert (found.shape, found.dtype, found.flags.c_contiguous) == ((2, 8, 8, 1), np.float32, True)
    np.testing.assert_allclose(found[..., 0], bytes_ / 127.5 - 1, atol=1e-6)
    assert check_samples(np.full((2, 3), 7, np.uint8)).max() == 7  # a table is scaled by its owner
    assert check_samples(np.full((2, 8, 8), 1.0005)).shape == (2, 8, 8, 1)  # rounding is forgiven


# ---- hyper-parameters


@every
def test_each_hyper_parameter_has_its_rule(name, samples, refused):
    for key in [*detector_class(name)._rules, "contamination"]:
        for wrong in ("nonsense", [1], float("nan")):
            with refused(ParameterError, key, repr(wrong)):
                tiny(name, **{key: wrong}).fit(samples["table"])


@pytest.mark.parametrize("contamination", [0, -0.1, 0.51, 1, "0.1", None, True])
@every
def test_contamination_lies_between_0_and_a_half(name, contamination, samples, refused):
    with refused(ParameterError, "contamination", repr(contamination)):
        tiny(name, contamination=contamination).fit(samples["table"])


@pytest.mark.parametrize("seed", [-1, 1.5, 2**31, "0", True, None])
@every
def test_a_seed_is_a_whole_number_of_31_bits(name, seed, samples, refused):
    with refused(ParameterError, "seed", repr(seed)):
        tiny(name, seed=seed).fit(samples["table"])


@pytest.mark.parametrize(
    "name, key, value",
    [
        ("egbad", "latent_dim", 0),
        ("egbad", "epochs", 0),
        ("egbad", "epochs", 2.0),
        ("egbad", "batch_size", -1),
        ("egbad", "batch_size", True),
        ("egbad", "learning_rate", -1e-5),
        ("egbad", "schedule", "linear"),
        ("egbad", "turns", None),
        ("egbad", "residual_weight", -1),
        ("egbad", "residual_weight", None),
        ("egbad", "dropout", 1.0),
        ("egbad", "spectral_normalization", 1),
        ("egbad", "spectral_normalization", "false"),
        ("egbad", "decay", 1.0),
        ("egbad", "anomaly_score", "bce"),
        ("egbad", "score_weight", 1.1),
        ("egbad", "width", 0),
        ("nearest_neighbour", "samples", 0),
        ("pca_residual", "components", 0),
        ("isolation_forest", "trees", 0),
        ("isolation_forest", "trees", None),
    ],
)
def test_values_out_of_range(name, key, value, samples, refused):
    with refused(ParameterError, key, repr(value)):
        tiny(name, **{key: value}).fit(samples["table"])


# ---- not fitted


@every
def test_what_is_not_fitted_says_so(name, tmp_path, samples, refused):
    detector = tiny(name)
    for method in ("decision_function", "predict", "reconstruct", "residual_map"):
        with refused(NotFittedError, type(detector).__name__, "not fitted"):
            getattr(detector, method)(samples["table"])
    with refused(NotFittedError, "not fitted"):
        detector.save(tmp_path / "detector.keras")
    assert not list(tmp_path.iterdir())


@every
def test_a_fit_that_fails_leaves_nothing_that_looks_fitted(name, tmp_path, samples, monkeypatch, refused):
    def fail(self, x, on_epoch):
        raise RuntimeError("half way")

    detector = tiny(name)
    monkeypatch.setattr(type(detector), "_fit", fail)
    with refused(RuntimeError, "half way"):
        detector.fit(samples["table"])
    with refused(NotFittedError, "not fitted"):
        detector.decision_function(samples["table"])
    with refused(NotFittedError, "not fitted"):
        detector.save(tmp_path / "detector.keras")


# ---- copies and files


@every
@both
def test_copies_score_the_same(name, kind, fitted, samples):
    detector, x = fitted(name, kind), samples[kind][:20]
    expected = detector.decision_function(x)
    for twin in (pickle.loads(pickle.dumps(detector)), copy.deepcopy(detector)):
        np.testing.assert_array_equal(twin.decision_function(x), expected)
        np.testing.assert_array_equal(twin.predict(x), detector.predict(x))
        assert twin.get_params() == detector.get_params()


@every
def test_an_unfitted_detector_can_be_copied(name):
    assert pickle.loads(pickle.dumps(tiny(name))).get_params() == tiny(name).get_params()


@every
@both
def test_a_saved_detector_scores_the_same(name, kind, fitted, samples, tmp_path):
    detector, x, path = fitted(name, kind), samples[kind], tmp_path / "detector.keras"
    detector.save(path)
    assert [p.name for p in tmp_path.iterdir()] == ["detector.keras"]
    loaded = load_detector(path)
    assert type(loaded) is type(detector)
    np.testing.assert_array_equal(loaded.decision_function(x), detector.decision_function(x))
    np.testing.assert_array_equal(loaded.predict(x), detector.predict(x))
    if name in RECONSTRUCTS:
        np.testing.assert_array_equal(loaded.reconstruct(x), detector.reconstruct(x))
    for attribute in ("decision_scores_", "labels_"):
        np.testing.assert_array_equal(getattr(loaded, attribute), getattr(detector, attribute))
    assert (loaded.threshold_, loaded.shape_) == (detector.threshold_, detector.shape_)
    assert loaded.get_params() == detector.get_params()
    loaded.save(str(tmp_path / "again.keras"))
    np.testing.assert_array_equal(
        load_detector(str(tmp_path / "again.keras")).decision_function(x), detector.decision_function(x)
    )


@pytest.mark.parametrize("name", ["egbad", "ganomaly", "alad"])
def test_a_file_from_before_an_argument_was_renamed_is_read(name, samples, tmp_path):
    detector = tiny(name, **OTHER_SCORING[name]).fit(samples["table"])
    detector.save(tmp_path / "new.keras")
    with zipfile.ZipFile(tmp_path / "new.keras") as new, zipfile.ZipFile(tmp_path / "old.keras", "w") as old:
        header = json.loads(new.read("detector.json"))
        header["parameters"]["score"] = header["parameters"].pop("anomaly_score")
        old.writestr("detector.json", json.dumps(header))
        old.writestr("weights.npz", new.read("weights.npz"))
    loaded = load_detector(tmp_path / "old.keras")
    assert loaded.get_params() == detector.get_params()
    expected = detector.decision_function(samples["table"])
    np.testing.assert_array_equal(loaded.decision_function(samples["table"]), expected)


def test_no_argument_hides_what_scikit_learn_calls(samples):
    from sklearn.model_selection import cross_val_score

    for name in DETECTORS:
        cls = detector_class(name)
        hidden = {"score", "fit", "predict", "decision_function", "transform"} & set(inspect.signature(cls).parameters)
        assert not hidden, name
    labels = np.tile([0, 1], 100)
    x = samples["table"] + 3 * labels[:, None]
    with pytest.raises(TypeError, match="score"):
        cross_val_score(tiny("pca_residual"), x, labels)
    found = cross_val_score(tiny("median_distance"), x, labels, scoring="roc_auc", error_score="raise")
    assert np.isfinite(found).all()


@every
def test_a_file_holds_weights_and_json_alone(name, fitted, tmp_path):
    fitted(name).save(tmp_path / "detector.keras")
    with zipfile.ZipFile(tmp_path / "detector.keras") as archive:
        assert sorted(archive.namelist()) == ["detector.json", "weights.npz"]
        header = json.loads(archive.read("detector.json"))
        with np.load(io.BytesIO(archive.read("weights.npz")), allow_pickle=False) as arrays:
            assert all(arrays[key].dtype.kind == "f" for key in arrays.files) and len(arrays.files) > 1
    assert (header["format"], header["detector"]) == (FORMAT, name)
    assert header["parameters"]["seed"] == 0


@every
def test_numpy_numbers_are_saved_as_numbers(name, other, samples, tmp_path):
    detector, _ = other(name)
    detector.save(tmp_path / "detector.keras")
    loaded = load_detector(tmp_path / "detector.keras")
    assert (loaded.seed, loaded.contamination) == (1, 0.25)
    np.testing.assert_array_equal(
        loaded.decision_function(samples["table"]), detector.decision_function(samples["table"])
    )


def rezipped(path: Path, **changes: bytes | None) -> None:
    """The same archive with members replaced, or left out (None)."""
    with zipfile.ZipFile(path) as archive:
        members = {member: archive.read(member) for member in archive.namelist()}
    members |= {key.replace("_", "."): value for key, value in changes.items()}
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for member, raw in members.items():
            if raw is not None:
                archive.writestr(member, raw)


def header_with(**changes) -> Callable[[Path], None]:
    def change(path: Path) -> None:
        with zipfile.ZipFile(path) as archive:
            header = json.loads(archive.read("detector.json"))
        header = {key: value for key, value in (header | changes).items() if value is not None}
        rezipped(path, detector_json=json.dumps(header).encode())

    return change


def raw(change: Callable[[bytes], bytes]) -> Callable[[Path], object]:
    return lambda path: path.write_bytes(change(path.read_bytes()))


def scrambled(content: bytes) -> bytes:
    """The compressed weights damaged, the archive's directory whole."""
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        start = archive.getinfo("weights.npz").header_offset + 60
    return content[:start] + bytes(b ^ 0xFF for b in content[start : start + 40]) + content[start + 40 :]


def objects() -> bytes:
    buffer = io.BytesIO()
    np.savez(buffer, decision_scores=np.array([None, {}], object))
    return buffer.getvalue()


def one_array() -> bytes:
    buffer = io.BytesIO()
    np.save(buffer, np.zeros(3))
    return buffer.getvalue()


BROKEN = {
    "empty": (raw(lambda _: b""), "zip"),
    "text": (raw(lambda _: b"a,b\n1,2\n"), "zip"),
    "a pickle": (raw(lambda _: pickle.dumps({"a": 1})), "zip"),
    "truncated": (raw(lambda content: content[:-30]), "zip"),
    "half": (raw(lambda content: content[: len(content) // 2]), "zip"),
    "damaged inside": (raw(scrambled), None),
    "without a header": (lambda path: rezipped(path, detector_json=None), "detector.json"),
    "without weights": (lambda path: rezipped(path, weights_npz=None), "weights.npz"),
    "a header that is no JSON": (lambda path: rezipped(path, detector_json=b"{"), None),
    "a header that is no text": (lambda path: rezipped(path, detector_json=b"\xff\xfe"), None),
    "a header that is a list": (lambda path: rezipped(path, detector_json=b"[1]"), None),
    "another format": (header_with(format="ganad-detector-0"), "ganad-detector-0"),
    "no format": (header_with(format=None), "None"),
    "an unknown detector": (header_with(detector="svm"), "svm"),
    "no detector": (header_with(detector=None), "detector"),
    "an unknown parameter": (header_with(parameters={"nonsense": 1}), "nonsense"),
    "no shape": (header_with(shape=None), "shape"),
    "a threshold in words": (header_with(threshold="high"), "high"),
    "weights that are text": (lambda path: rezipped(path, weights_npz=b"weights"), None),
    "weights that are objects": (lambda path: rezipped(path, weights_npz=objects()), "allow_pickle"),
    "weights that are one array": (lambda path: rezipped(path, weights_npz=one_array()), None),
}


@pytest.mark.parametrize("case", BROKEN)
@pytest.mark.parametrize("name", ["egbad", "nearest_neighbour"])
def test_a_file_that_is_no_detector_is_refused(name, case, fitted, tmp_path, refused):
    path = tmp_path / "detector.keras"
    fitted(name).save(path)
    change, word = BROKEN[case]
    change(path)
    with refused(ValueError, str(path), "is not a saved detector: ", *([word] if word else [])):
        load_detector(path)


@every
def test_a_file_with_weights_missing_is_refused(name, fitted, tmp_path, refused):
    path, buffer = tmp_path / "detector.keras", io.BytesIO()
    fitted(name).save(path)
    np.savez(buffer, decision_scores=np.zeros(3))
    rezipped(path, weights_npz=buffer.getvalue())
    with refused(ValueError, str(path), "is not a saved detector: "):
        load_detector(path)


def test_a_file_that_is_not_there(tmp_path):
    with pytest.raises(FileNotFoundError, match=re.escape(str(tmp_path / "none.keras"))):
        load_detector(tmp_path / "none.keras")


@pytest.mark.parametrize("name", ["egbad", "pca_residual"])
@pytest.mark.parametrize("failing", ["zipfile.ZipFile.writestr", "numpy.savez", "json.dumps", "pathlib.Path.replace"])
def test_a_save_that_fails_leaves_the_old_file_and_no_part(name, failing, fitted, tmp_path, monkeypatch):
    path = tmp_path / "detector.keras"
    fitted(name).save(path)
    before = path.read_bytes()

    def full(*_, **__):
        raise OSError("no space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(failing, full)
        with pytest.raises(OSError, match="no space"):
            fitted(name).save(path)
    assert [p.name for p in tmp_path.iterdir()] == ["detector.keras"]
    assert path.read_bytes() == before


def test_a_save_onto_a_folder_leaves_no_part(fitted, tmp_path):
    (tmp_path / "folder").mkdir()
    with pytest.raises(OSError):
        fitted("pca_residual").save(tmp_path / "folder")
    assert [p.name for p in tmp_path.iterdir()] == ["folder"]


def test_a_saved_file_has_the_permissions_of_any_other(fitted, tmp_path):
    (tmp_path / "other").write_text("")
    fitted("pca_residual").save(tmp_path / "detector.keras")
    assert (tmp_path / "detector.keras").stat().st_mode == (tmp_path / "other").stat().st_mode


# ---- scikit-learn's tools


@every
@pytest.mark.quality
def test_grid_search(name, samples, untraced, quality):
    rng = np.random.default_rng(0)
    y = rng.permutation(np.repeat([0, 1], [60, 20]))
    x = samples["table"][:80] + y[:, None] * rng.choice([-3, 3], (80, 6))
    search = GridSearchCV(
        tiny(name, **({"epochs": 1} if name in NEURAL else {})),
        {"seed": [0] if name in NEURAL else [0, 1]},
        cv=StratifiedShuffleSplit(1 if name in NEURAL else 2, test_size=0.5, random_state=0),
        refit=False,
        scoring=lambda detector, x, y: roc_auc_score(y, detector.decision_function(x)),
        error_score="raise",
    )
    found = search.fit(x, y).cv_results_["mean_test_score"]
    assert len(found) == len(search.cv_results_["params"])
    quality(found.min(), above=0.8)


# ---- what only some detectors have


@each_neural
def test_history_has_every_epoch_of_every_player(name, fitted):
    history = fitted(name).history_
    assert history and {len(losses) for losses in history.values()} == {2}
    assert all(np.isfinite(losses).all() and isinstance(losses[0], float) for losses in history.values())


@each_neural
def test_on_epoch_sees_a_detector_that_scores_and_may_stop_it(name, samples, untraced):
    seen = []

    def watch(epoch, detector):
        seen.append((epoch, detector.decision_function(samples["table"][:5])))
        return epoch == 2

    detector = tiny(name, epochs=4).fit(samples["table"], on_epoch=watch)
    assert [epoch for epoch, _ in seen] == [1, 2]
    assert not np.array_equal(seen[0][1], seen[1][1])
    np.testing.assert_array_equal(seen[1][1], detector.decision_scores_[:5])
    assert {len(losses) for losses in detector.history_.values()} == {2}


@each_neural
def test_a_progress_bar_when_asked(name, other):
    assert name in other(name)[1]


@each_neural
def test_a_training_that_diverges_stops_and_is_not_fitted(name, samples, refused, untraced):
    detector = tiny(name, learning_rate=1.0, epochs=50)
    with refused(DivergedError, "no longer finite", "epoch"):
        detector.fit(samples["table"] * np.float32(1e37))
    with refused(NotFittedError, "not fitted"):
        detector.decision_function(samples["table"])


@pytest.mark.parametrize("name", ONE_PASS)
def test_few_samples_cost_few_rows(name, fitted, samples, monkeypatch):
    detector, shapes = copy.copy(fitted(name)), []
    program = neural.program

    def watched(key, make):
        run = program(key, make)
        return lambda function, variables, x: shapes.append(len(x)) or run(function, variables, x)

    monkeypatch.setattr(neural, "program", watched)
    detector._adopt(detector.networks_)
    for count in (1, 7, 12, 200):
        detector.decision_function(samples["table"][:count])
    assert shapes == [1, *[1] * 7, 16, 128, 128]


@each_neural
def test_averaged_weights_score(name, samples, fitted):
    """The average changes nothing about the training, and what scores."""
    live = tiny(name, decay=0.0).fit(samples["table"])
    first_game = fitted(name).history_.keys() - ({"encoder"} if name == "f_anogan" else set())
    assert all(live.history_[player] == fitted(name).history_[player] for player in first_game)
    assert not np.allclose(live.decision_scores_, fitted(name).decision_scores_, rtol=1e-4)


@each_neural
def test_rescored_is_fitting_with_other_scoring_parameters(name, samples, fitted, refused):
    detector = fitted(name)
    changes = {"contamination": 0.3} | OTHER_SCORING[name]
    before = detector.decision_function(samples["table"])
    other, anew = detector.rescored(samples["table"], **changes), tiny(name, **changes).fit(samples["table"])
    close = 0.01 if name == "f_anogan" else 1e-6  # its encoder learns with kappa as well
    found, expected = (model.decision_function(samples["table"]) for model in (other, anew))
    np.testing.assert_allclose(found, expected, rtol=close)
    assert other.threshold_ == pytest.approx(anew.threshold_, rel=close) and other.get_params() == anew.get_params()
    assert other.threshold_ < detector.threshold_ or OTHER_SCORING[name]
    assert not (OTHER_SCORING[name] and np.allclose(other.decision_scores_, detector.decision_scores_, rtol=1e-4))
    np.testing.assert_array_equal(detector.decision_function(samples["table"]), before)
    with refused(ParameterError, "epochs", "contamination"):
        detector.rescored(samples["table"], epochs=3)


@each_neural
@pytest.mark.parametrize("shape", [(28, 28, 1), (32, 32, 3), (12, 20, 2)])
def test_images_of_other_sizes_and_channels_get_their_networks(name, shape, untraced):
    x = np.random.default_rng(0).uniform(-1, 1, (12, *shape)).astype(np.float32)
    detector = tiny(name, epochs=1, width=0.05, batch_size=6, **SHORT.get(name, {})).fit(x)
    assert np.isfinite(detector.decision_function(x)).all()
    assert detector.reconstruct(x).shape == x.shape


@each_neural
@pytest.mark.parametrize("columns", [1, 30])
def test_tables_of_any_width_get_their_networks(name, columns, untraced):
    x = np.random.default_rng(0).random((20, columns)).astype(np.float32)
    detector = tiny(name, epochs=1, batch_size=10, **SHORT.get(name, {})).fit(x)
    assert np.isfinite(detector.decision_function(x)).all()


@each_neural
def test_images_that_do_not_halve_twice_are_refused(name, refused):
    with refused(ValueError, "6x8", "8x8"):
        tiny(name).fit(np.zeros((4, 6, 8), np.float32))


def test_egbad_trains_copies_of_its_own_networks(samples, tmp_path, refused):
    from ganad.networks import bigan_discriminator, bigan_encoder, bigan_generator

    own = {
        "encoder": bigan_encoder((6,), 2, seed=1, width=0.2),
        "generator": bigan_generator((6,), 2, seed=2, width=0.2),
        "discriminator": bigan_discriminator((6,), 2, seed=3, width=0.2),
    }
    before = {role: [w.copy() for w in network.get_weights()] for role, network in own.items()}
    detector = tiny("egbad", networks=own, latent_dim=2).fit(samples["table"][:64])
    for role, network in own.items():
        assert all(np.array_equal(a, b) for a, b in zip(before[role], network.get_weights(), strict=True))
        trained = detector.networks_[role].get_weights()
        assert not any(np.array_equal(a, b) for a, b in zip(before[role], trained, strict=True))
    detector.save(tmp_path / "own.keras")
    loaded = load_detector(tmp_path / "own.keras")
    np.testing.assert_array_equal(
        loaded.decision_function(samples["table"]), detector.decision_function(samples["table"])
    )
    with refused(ValueError, "generator, discriminator", "EGBAD"):
        tiny("egbad", networks={"encoder": own["encoder"]}).fit(samples["table"])


def test_egbads_score_is_residual_and_discriminator(samples, fitted):
    x, detector = samples["table"], fitted("egbad")
    residual = np.abs(x - detector.reconstruct(x)).sum(1)
    networks = detector.networks_
    code = networks["encoder"](x)
    real, features = networks["discriminator"]([np_tensor(x), code])
    _, seen = networks["discriminator"]([networks["generator"](code), code])
    real, features, seen = (to_numpy(a) for a in (real, features, seen))
    matching = np.abs(features - seen).sum(1)
    np.testing.assert_allclose(detector.decision_scores_, 0.9 * residual + 0.1 * matching, rtol=1e-4)
    for weight, score, expected in [
        (0.0, "feature_matching", residual),
        (1.0, "feature_matching", matching),
        (1.0, "cross_entropy", np.log1p(np.exp(-real[:, 0]))),
    ]:
        other = copy.deepcopy(detector).set_params(score_weight=weight, anomaly_score=score)
        np.testing.assert_allclose(other.decision_function(x), expected, rtol=1e-4, atol=1e-5)


def np_tensor(x: np.ndarray):
    from keras import ops

    return ops.convert_to_tensor(x)


def to_numpy(x) -> np.ndarray:
    from keras import ops

    return ops.convert_to_numpy(ops.stop_gradient(x))


@pytest.mark.parametrize(
    "variant",
    [
        {"turns": "simultaneous", "schedule": "cosine"},
        {"residual_weight": 1.0, "dropout": 0.0, "decay": 0.0},
        {"spectral_normalization": True, "anomaly_score": "cross_entropy"},
        {"adversarial_loss": "feature_matching"},
        {"residual_weight": 1.0, "residual_in": "encoder"},
    ],
)
def test_egbads_variants_train_and_differ(variant, samples, fitted):
    scores = tiny("egbad", **variant).fit(samples["table"]).decision_scores_
    assert np.isfinite(scores).all()
    assert not np.allclose(scores, fitted("egbad").decision_scores_, rtol=1e-4)


def test_egbads_residual_loss_is_where_it_is_asked_for(samples):
    """The survey's Table 1 has it in the encoder's loss alone."""
    found = {where: tiny("egbad", residual_weight=100.0, residual_in=where) for where in ("both", "encoder")}
    found["none"] = tiny("egbad")
    losses = {where: model.fit(samples["table"]).history_ for where, model in found.items()}
    first = {where: {role: values[0] for role, values in history.items()} for where, history in losses.items()}
    assert first["both"]["generator"] > first["none"]["generator"] + 10
    assert first["encoder"]["generator"] < first["none"]["generator"] + 1
    assert first["encoder"]["encoder"] > first["none"]["encoder"] + 10


def test_egbads_feature_matching_compares_means():
    from types import SimpleNamespace

    from ganad.detectors.egbad import feature_matching_loss

    real, fake = np.float32([[1, 2], [3, 6]]), np.float32([[0, 0], [2, 2]])
    play = SimpleNamespace(real_features=np_tensor(real), fake_features=np_tensor(fake))
    assert float(to_numpy(feature_matching_loss(play))) == pytest.approx((2 - 1) ** 2 + (4 - 1) ** 2)


@pytest.mark.quality
def test_egbad_learns_what_columns_have_to_do_with_each_other(quality):
    rng = np.random.default_rng(0)

    def normal(count: int) -> np.ndarray:
        return (rng.random((count, 1)) * [1, -1, 1, -1, 1, -1] + rng.normal(0, 0.02, (count, 6))).astype(np.float32)

    ordinary, odd = normal(300), rng.permuted(normal(300), axis=0)  # the same columns, unrelated
    budget = {"latent_dim": 2, "epochs": 30, "batch_size": 32, "learning_rate": 2e-3, "width": 0.5, "decay": 0.9}
    detectors = fit_seeds(EGBAD(**budget, residual_weight=5.0), normal(512), seeds=range(5))
    x = np.concatenate([ordinary, odd])
    found = [roc_auc_score(np.repeat([0, 1], 300), detector.decision_function(x)) for detector in detectors]
    quality(np.median(found), above=0.9)


@pytest.mark.parametrize(
    "name", [name for name in NEURAL if "schedule" in inspect.signature(detector_class(name)).parameters]
)
def test_a_cosine_takes_the_rate_to_zero(name, samples):
    weights = []
    tiny(name, **SHORT.get(name, {}) | {"epochs": 12, "decay": 0.0, "schedule": "cosine"}).fit(
        samples["table"],
        on_epoch=lambda _, detector: weights.append(next(iter(detector.networks_.values())).get_weights()[0]),
    )
    moves = [np.abs(after - before).mean() for before, after in itertools.pairwise(weights)]
    assert moves[-1] < 0.2 * moves[0]


def test_nearest_neighbour_is_the_distance_to_the_nearest_training_sample(samples, fitted):
    x = np.random.default_rng(1).random((50, 6), np.float32)
    distances = np.linalg.norm(x[:, None].astype(np.float64) - samples["table"][None], axis=2)
    np.testing.assert_allclose(fitted("nearest_neighbour").decision_function(x), distances.min(1), rtol=1e-6)
    np.testing.assert_array_equal(fitted("nearest_neighbour").reconstruct(x), samples["table"][distances.argmin(1)])


def test_a_training_sample_is_not_its_own_neighbour(samples, fitted):
    x = samples["table"].astype(np.float64)
    distances = np.linalg.norm(x[:, None] - x[None], axis=2)
    np.fill_diagonal(distances, np.inf)
    detector = fitted("nearest_neighbour")
    np.testing.assert_allclose(detector.decision_scores_, distances.min(1), rtol=1e-6)
    assert (detector.decision_function(x) == 0).all()  # asked anew, it is an exact copy
    copies = tiny("nearest_neighbour").fit(np.concatenate([x[:50], x[:20]]))
    assert (copies.decision_scores_ == 0).sum() == 40  # a copy is another sample
    assert (tiny("nearest_neighbour").fit(np.tile(x[:1], (5, 1))).decision_scores_ == 0).all()


def test_nearest_neighbour_may_keep_only_some_samples(samples):
    few = detector_class("nearest_neighbour")(samples=20).fit(samples["table"])
    assert (few.decision_function(samples["table"]) == 0).sum() == 20
    assert (few.decision_scores_ > 0).all()


def test_pca_residual_is_the_distance_to_the_subspace(samples):
    x = samples["table"].astype(np.float64)
    detector = detector_class("pca_residual")(components=2).fit(samples["table"])
    _, _, directions = np.linalg.svd(x - x.mean(0))
    off = (x - x.mean(0)) @ directions[2:].T
    np.testing.assert_allclose(detector.decision_scores_, np.linalg.norm(off, axis=1), rtol=1e-3)


@pytest.mark.parametrize(("columns", "kept"), [(6, 3), (30, 15), (40, 32), (100, 32)])
def test_pca_residual_never_keeps_the_whole_space_unasked(columns, kept):
    x = np.random.default_rng(0).random((300, columns), np.float32)
    detector = detector_class("pca_residual")().fit(x)
    assert detector._pca.n_components_ == kept
    assert np.median(detector.decision_scores_) > 0.1
    asked = detector_class("pca_residual")(components=columns).fit(x)
    assert asked._pca.n_components_ == columns and asked.decision_scores_.max() < 1e-5


@both
def test_median_distance_is_the_mean_difference_from_the_median(kind, samples):
    x = samples[kind]
    detector = detector_class("median_distance")().fit(x[:101])
    median = np.sort(x[:101], axis=0)[50]
    expected = [np.abs(each - median).mean() for each in x]
    np.testing.assert_allclose(detector.decision_function(x), expected, rtol=1e-5)
    np.testing.assert_array_equal(detector.reconstruct(x), np.repeat(median[None], len(x), axis=0))


def test_isolation_forest_is_scikit_learns(samples):
    from sklearn.ensemble import IsolationForest

    ours = detector_class("isolation_forest")(trees=20, seed=4).fit(samples["table"])
    theirs = IsolationForest(n_estimators=20, random_state=4).fit(samples["table"])
    np.testing.assert_allclose(ours.decision_scores_, -theirs.score_samples(samples["table"]))


# ---- the controls without an adversary


@pytest.mark.parametrize("name", ["autoencoder", "vae"])
@both
def test_a_control_has_the_sizes_of_egbads_encoder_and_generator(name, kind, fitted):
    control, egbad = fitted(name, kind).networks_, fitted("egbad", kind).networks_
    shapes = {role: [w.shape for w in network.weights] for role, network in (control | egbad).items()}
    assert shapes["decoder"] == shapes["generator"]
    *_, kernel, bias = [w.shape for w in egbad["encoder"].weights]
    outputs = 2 if name == "vae" else 1
    assert [w.shape for w in control["encoder"].weights][-2:] == [
        (kernel[0], outputs * kernel[1]),
        (outputs * bias[0],),
    ]
    assert [w.shape for w in control["encoder"].weights][:-2] == [w.shape for w in egbad["encoder"].weights][:-2]


@pytest.mark.parametrize("name", ["autoencoder", "vae"])
def test_a_control_learns_to_reconstruct(name, samples):
    x = samples["table"][:, :2] @ np.random.default_rng(1).random((2, 6), np.float32)  # two dimensions in six columns
    lightly = {"kl_weight": 0.01} if name == "vae" else {}
    detector = tiny(name, epochs=150, learning_rate=1e-2, width=0.5, latent_dim=2, decay=0.9, **lightly).fit(x)
    median = detector_class("median_distance")().fit(x)
    residuals = [np.abs(x - each.reconstruct(x)).mean() for each in (detector, median)]
    assert residuals[0] < 0.7 * residuals[1]
    expected = np.abs(x - detector.reconstruct(x)).sum(1)
    np.testing.assert_allclose(detector.decision_function(x), expected, rtol=1e-4)


def test_the_divergence_of_a_vae_is_that_of_two_normal_distributions():
    import keras

    from ganad.detectors.vae import VAEPlay, kl_divergence

    rng = np.random.default_rng(0)
    mean, log_variance = rng.normal(size=(2, 4, 3)).astype(np.float32)
    play = VAEPlay({}, None, None)
    play._moments = keras.ops.convert_to_tensor(mean), keras.ops.convert_to_tensor(log_variance)
    codes = mean + np.exp(log_variance / 2) * rng.normal(size=(200_000, 4, 3))
    of_code = -0.5 * (log_variance + (codes - mean) ** 2 / np.exp(log_variance))
    expected = (of_code + 0.5 * codes**2).mean(0).sum(-1)  # log q - log p, drawn from q
    np.testing.assert_allclose(keras.ops.convert_to_numpy(kl_divergence(play)), expected, atol=0.05)
    play.z = keras.ops.ones((4, 3))
    np.testing.assert_allclose(keras.ops.convert_to_numpy(play.encoded), mean + np.exp(log_variance / 2), rtol=1e-5)
