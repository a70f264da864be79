"""One training step on three frameworks: the same numbers.

Each backend but that of the tests runs ``backend_probe.py`` in a process of its own, on the CPU; ``asked.py`` says which.
"""

import importlib.util
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import backend_probe
import keras
import numpy as np
import pytest
from asked import ALL, ASKED, BACKENDS, OWN, for_backend

from ganad import backends
from ganad.detectors import load_detector

PROBE = Path(backend_probe.__file__)


def each(test: Callable) -> Callable:
    """A test of each backend, beside the others: of one alone, the other test files say as much."""
    alone = pytest.mark.skipif(not ALL, reason="the backends are not compared: GANAD_TEST_ALL=1")
    return alone(
        pytest.mark.parametrize("name", [pytest.param(name, marks=for_backend(name)) for name in BACKENDS])(test)
    )


class Probes:
    """What each backend made of the probe, and of the detectors that this process trained.  They run side by side."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.detector = backend_probe.detector()
        self.detector.save(backend_probe.given(folder, "egbad"))
        self.methods = backend_probe.every_method()
        for name, detector in self.methods.items():
            detector.save(backend_probe.given(folder, name))
        self._found: dict[str, dict[str, np.ndarray]] = {}
        self._running = {name: self._start(name) for name in ASKED if name != OWN}

    def _start(self, name: str) -> subprocess.Popen:
        cpu = {"CUDA_VISIBLE_DEVICES": "", "JAX_PLATFORMS": "cpu", "XLA_FLAGS": "--xla_backend_optimization_level=0"}
        cpu |= {
            "OMP_NUM_THREADS": "1"
        }  # PyTorch's threads wait for each other by spinning: slow beside other processes
        paths = os.pathsep.join(filter(None, [str(PROBE.parent.parent), os.environ.get("PYTHONPATH")]))
        return subprocess.Popen(
            [sys.executable, str(PROBE), str(self.folder)],
            env=os.environ | cpu | {"KERAS_BACKEND": name, "PYTHONPATH": paths},
            stdout=subprocess.DEVNULL,
            stderr=(self.folder / f"{name}.log").open("wb"),
        )

    def __call__(self, name: str) -> dict[str, np.ndarray]:
        if name not in self._found:
            if name in self._running:
                code = self._running[name].wait(900)
                assert code == 0, f"{name}: {(self.folder / f'{name}.log').read_text(errors='replace')[-2000:]}"
            else:
                backend_probe.probe(self.folder, self.detector, self.methods)
            with np.load(self.folder / f"{name}.npz") as file:
                self._found[name] = dict(file)
        return self._found[name]

    def stop(self) -> None:
        for process in self._running.values():
            if process.poll() is None:
                process.kill()
            process.wait()


@pytest.fixture(scope="module")
def probed(tmp_path_factory) -> Iterator[Probes]:
    probes = Probes(tmp_path_factory.mktemp("backends"))
    yield probes
    probes.stop()


@each
def test_the_probe_ran_on_its_backend(name, probed):
    assert str(probed(name)["backend"]) == name
    assert str(probed(name)["device"]) == "CPU"


@each
def test_one_step_is_the_same_on_every_backend(name, probed):
    ours, theirs = probed(name), probed(ASKED[0])
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


@each
def test_a_detector_saved_here_scores_the_same_there(name, probed):
    expected = probed.detector.decision_function(backend_probe.SAMPLES)
    np.testing.assert_allclose(probed(name)["scores/given"], expected, rtol=1e-3)


@each
def test_a_detector_saved_there_scores_the_same_here(name, probed):
    expected = probed(name)["scores/first"]
    found = load_detector(probed.folder / f"{name}.keras").decision_function(backend_probe.SAMPLES)
    np.testing.assert_allclose(found, expected, rtol=1e-3)


@each
@pytest.mark.parametrize("method", backend_probe.METHODS)
def test_every_method_trains_on_every_backend(method, name, probed):
    losses, scores = probed(name)[f"losses/{method}"], probed(name)[f"trained/{method}"]
    assert len(losses) >= 2 and np.isfinite(losses).all()
    assert np.isfinite(scores).all() and np.ptp(scores) > 1e-6 * np.abs(scores).max()


@each
@pytest.mark.parametrize("method", backend_probe.METHODS)
def test_a_score_depends_on_its_sample_alone(method, name, probed):
    together = probed(name)[f"trained/{method}"][:8]
    for way in ("alone", "pairs"):
        scores = probed(name)[f"{way}/{method}"]
        np.testing.assert_allclose(scores, together, rtol=1e-6, atol=1e-6 * np.median(np.abs(together)))


@each
def test_a_second_fit_of_the_same_configuration_traces_nothing(name, probed):
    before, after = probed(name)["traces"]
    assert before.tolist() == after.tolist()
    assert (before > 0).all() == (name != "torch")  # whose steps are not traced at all


@each
@pytest.mark.parametrize("method", backend_probe.METHODS)
def test_every_method_trained_here_scores_the_same_there(method, name, probed):
    expected = probed.methods[method].decision_function(backend_probe.IMAGES)
    np.testing.assert_allclose(probed(name)[f"given/{method}"], expected, rtol=1e-3)


@pytest.mark.parametrize("name", ["tensorflow", "jax", "torch"])
def test_every_backend_offers_the_same(name):
    if importlib.util.find_spec(name) is None:
        pytest.skip(f"{name} is not installed")
    module = importlib.import_module(f"ganad.backends.{name}")
    for offered in (
        "gradients",
        "through",
        "input_gradients",
        "compile_loop",
        "compile_step",
        "compile_function",
        "to_device",
        "device_name",
    ):
        assert callable(getattr(module, offered)), offered
    assert module.NAME == name


def test_the_backend_is_the_one_keras_runs_on():
    assert backends.backend().NAME == keras.backend.backend()


def test_another_backend_is_refused(monkeypatch, refused):
    monkeypatch.setattr(keras.backend, "backend", lambda: "openvino")
    with refused(backends.FrameworkError, "openvino", "tensorflow, jax or torch", "KERAS_BACKEND"):
        backends.backend()


@each
def test_spectral_normalisation_is_in_the_weights_that_score(name, probed):
    # in inference mode Keras normalises nothing: the kernels kept have to be the normalised ones
    found = probed(name)["singular_values"]
    assert len(found) == 3 and (found < 1.3).all() and (found > 0.5).all(), found
