"""One training step on three frameworks: the same numbers.

Each backend runs ``backend_probe.py`` in a process of its own, on the CPU.  ``GANAD_TEST_BACKENDS`` (a comma list) names
the ones that must be there; without it TensorFlow and JAX must, and PyTorch is tested if it is installed.
"""

import importlib.util
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import keras
import numpy as np
import pytest

from ganad import backends
from ganad.detectors import load_detector

PROBE = Path(__file__).with_name("backend_probe.py")
ASKED = [name.strip() for name in os.environ.get("GANAD_TEST_BACKENDS", "").split(",") if name.strip()]
NAMES = ASKED or ["tensorflow", "jax", "torch"]
OPTIONAL = () if ASKED else ("torch",)

each = pytest.mark.parametrize("name", NAMES)


@pytest.fixture(scope="module")
def probed(tmp_path_factory) -> Callable[[str], dict[str, np.ndarray]]:
    """What a backend made of the probe, run once; each also scores the files of those that ran before it."""
    folder, found = tmp_path_factory.mktemp("backends"), {}

    def probe(name: str) -> dict[str, np.ndarray]:
        if name not in found:
            if name in OPTIONAL and importlib.util.find_spec(name) is None:
                pytest.skip(f"{name} is not installed: pip install ganad[{name}]")
            found[name] = run(name, folder)
        return found[name]

    probe.folder = folder
    return probe


def run(name: str, folder: Path) -> dict[str, np.ndarray]:
    here = {"KERAS_BACKEND": name, "CUDA_VISIBLE_DEVICES": "", "JAX_PLATFORMS": "cpu", "TF_CPP_MIN_LOG_LEVEL": "3"}
    paths = os.pathsep.join(filter(None, [str(PROBE.parent.parent), os.environ.get("PYTHONPATH")]))
    command = [sys.executable, str(PROBE), str(folder), *map(str, sorted(folder.glob("*.keras")))]
    done = subprocess.run(
        command, env=os.environ | here | {"PYTHONPATH": paths}, capture_output=True, text=True, timeout=600
    )
    assert done.returncode == 0, f"{name}: {done.stderr[-2000:]}"
    with np.load(folder / f"{name}.npz") as file:
        return dict(file)


@each
def test_the_probe_ran_on_its_backend(name, probed):
    assert str(probed(name)["backend"]) == name
    assert str(probed(name)["device"]) == "CPU"


@each
def test_one_step_is_the_same_on_every_backend(name, probed):
    ours, theirs = probed(name), probed(NAMES[0])
    compared = sorted(key for key in ours if key.split("/")[0] in ("table", "images"))
    assert compared == sorted(key for key in theirs if key.split("/")[0] in ("table", "images"))
    assert {key.split("/")[2] for key in compared} == {"loss", "gradient", "statistics", "average"}
    for key in compared:
        assert np.isfinite(ours[key]).all(), key
        np.testing.assert_allclose(ours[key], theirs[key], rtol=1e-4, atol=1e-4, err_msg=key)


@each
def test_the_step_that_is_compared_moves_every_player(name, probed):
    slopes = {key: value for key, value in probed(name).items() if "/gradient/" in key}
    for role in ("discriminator", "generator", "encoder"):
        steepest = max(np.abs(slope).max() for key, slope in slopes.items() if f"/{role}/" in key)
        assert steepest > 1e-2, role


@each
def test_in_alternating_turns_the_discriminator_moves_first(name, probed):
    at_once, in_turns = (
        {role: probed(name)[f"table/{turns}/loss/{role}"] for role in ("discriminator", "generator", "encoder")}
        for turns in ("simultaneous", "alternating")
    )
    assert in_turns["discriminator"] == pytest.approx(at_once["discriminator"], rel=1e-5)
    assert abs(in_turns["generator"] - at_once["generator"]) > 1e-3
    assert abs(in_turns["encoder"] - at_once["encoder"]) > 1e-3


@each
def test_the_same_seed_gives_the_same_scores(name, probed):
    np.testing.assert_array_equal(probed(name)["scores/first"], probed(name)["scores/again"])


@each
def test_a_saved_detector_scores_the_same(name, probed):
    np.testing.assert_array_equal(probed(name)["scores/first"], probed(name)["scores/loaded"])


@pytest.mark.parametrize("saved, scored", [(a, b) for i, a in enumerate(NAMES) for b in NAMES[i + 1 :]])
def test_a_detector_saved_under_one_backend_scores_the_same_under_another(saved, scored, probed):
    expected = probed(saved)["scores/first"]
    found = probed(scored).get(f"scores/{saved}")
    assert found is not None, "the probes ran in another order than NAMES"
    np.testing.assert_allclose(found, expected, rtol=1e-3)


@each
def test_this_process_scores_the_same_with_every_backends_file(name, probed):
    expected = probed(name)["scores/first"]
    sys.path.insert(0, str(PROBE.parent))
    try:
        from backend_probe import SAMPLES
    finally:
        sys.path.remove(str(PROBE.parent))
    detector = load_detector(probed.folder / f"{name}.keras")
    np.testing.assert_allclose(detector.decision_function(SAMPLES), expected, rtol=1e-3)


@pytest.mark.parametrize("name", ["tensorflow", "jax", "torch"])
def test_every_backend_offers_the_same(name):
    if importlib.util.find_spec(name) is None:
        pytest.skip(f"{name} is not installed")
    module = importlib.import_module(f"ganad.backends.{name}")
    for offered in ("gradients", "compile_loop", "compile_function", "to_device", "device_name"):
        assert callable(getattr(module, offered)), offered
    assert module.NAME == name


def test_the_backend_is_the_one_keras_runs_on():
    assert backends.backend().NAME == keras.backend.backend()


def test_another_backend_is_refused(monkeypatch, refused):
    monkeypatch.setattr(keras.backend, "backend", lambda: "openvino")
    with refused(RuntimeError, "openvino", "tensorflow, jax or torch", "KERAS_BACKEND"):
        backends.backend()
