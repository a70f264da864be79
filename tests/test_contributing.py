"""The worked example of the contributing guide works."""

import re

import numpy as np
import pytest
from small_book import ROOT

from ganad import metrics
from ganad.datasets import leave_one_out, load_dataset
from ganad.training.many import fit_seeds


@pytest.mark.quality
def test_the_method_of_the_guide_finds_anomalies(quality):
    text = (ROOT / "CONTRIBUTING.md").read_text("utf-8")
    (source,) = re.findall(r"```python\n(.*?)```", text, re.DOTALL)
    namespace: dict = {"__name__": "ganad.detectors.autoencoder"}
    exec(compile(source, "CONTRIBUTING.md", "exec"), namespace)
    split = leave_one_out(load_dataset("breast_cancer"), anomaly_class=0)
    prototype = namespace["Autoencoder"](epochs=30, latent_dim=4, decay=0.9)
    detectors = fit_seeds(prototype, split.x_train, seeds=range(5))
    every = [detector.decision_function(split.x_test) for detector in detectors]
    quality(np.median([metrics.auroc(split.y_test, scores) for scores in every]), above=0.85)
    detector, scores = detectors[0], every[0]
    np.testing.assert_allclose(scores, np.abs(split.x_test - detector.reconstruct(split.x_test)).mean(1), rtol=1e-4)


def test_the_guide_names_what_exists():
    text = (ROOT / "CONTRIBUTING.md").read_text("utf-8")
    made = {"ganad/detectors/autoencoder.py", "tests/ganad/test_autoencoder.py", "book/detectors/autoencoder.ipynb"}
    for path in set(re.findall(r"`((?:ganad|book|tests|results|profiles)/[\w./-]+)`", text)) - made:
        assert "NAME" in path or (ROOT / path).exists(), path
    for target in re.findall(r"(?:^|`)make (\w+)", text, re.MULTILINE):
        assert f"\n{target}:" in (ROOT / "Makefile").read_text("utf-8"), target


def test_the_citation_is_valid_and_of_this_version():
    import yaml

    from ganad import __version__

    cited = yaml.safe_load((ROOT / "CITATION.cff").read_text("utf-8"))
    assert {"cff-version", "title", "message", "authors", "license"} <= cited.keys()
    assert cited["version"] == __version__
