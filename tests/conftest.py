"""What several test files share: small data, the published data if they are at hand, the check of a refusal."""

import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")  # has to be set before TensorFlow is first loaded

import gc
import json
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from ganad.datasets import Dataset, data_file, load_dataset

KDD_COLUMNS = """
duration protocol_type service flag src_bytes dst_bytes land wrong_fragment urgent hot num_failed_logins logged_in
num_compromised root_shell su_attempted num_root num_file_creations num_shells num_access_files num_outbound_cmds
is_host_login is_guest_login count srv_count serror_rate srv_serror_rate rerror_rate srv_rerror_rate same_srv_rate
diff_srv_rate srv_diff_host_rate dst_host_count dst_host_srv_count dst_host_same_srv_rate dst_host_diff_srv_rate
dst_host_same_src_port_rate dst_host_srv_diff_host_rate dst_host_serror_rate dst_host_srv_serror_rate
dst_host_rerror_rate dst_host_srv_rerror_rate label
"""
LONGEST = ("sweep", "wrong_methods", "grading", "detectors", "bundle", "backends", "together", "bench", "book")
"""Test files that take long: begun first, so that no process is left alone with one of them at the end."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The longest files first; the others stay in their order."""
    ranks = {f"test_{name}": place for place, name in enumerate(LONGEST)}
    items.sort(key=lambda item: ranks.get(item.path.stem, len(ranks)))


def pytest_configure(config: pytest.Config) -> None:
    """Do not hear a warning that Keras' own calls of NumPy cause; and collect garbage seldom."""
    config.addinivalue_line("filterwarnings", "ignore:__array__ implementation doesn't accept:DeprecationWarning")
    gc.set_threshold(100_000, 50, 50)  # tracing makes millions of objects, few of them to be collected


@pytest.fixture(scope="session")
def real() -> Callable[[str], Dataset]:
    """A published data set by name, read once; the test is skipped if its file is not at hand."""
    read: dict[str, Dataset] = {}

    def load(name: str) -> Dataset:
        if name not in read:
            if not data_file(name).exists():
                pytest.skip(f"{name} is not at hand: {data_file(name).name} is looked for in the data folder")
            read[name] = load_dataset(name)
        return read[name]

    return load


@pytest.fixture(autouse=True, scope="session")
def unoptimised() -> None:
    """TensorFlow's programs as they are traced: to optimise their graphs takes a quarter of the time of a short fit.

    The chapters, which are checked too, run them optimised.
    """
    import keras

    if keras.backend.backend() == "tensorflow":
        import tensorflow as tf

        tf.config.optimizer.set_experimental_options({"disable_meta_optimizer": True})


@pytest.fixture
def untraced(request: pytest.FixtureRequest) -> Iterator[None]:
    """TensorFlow without programs: where a step or two are made, to trace them is nearly all the time.

    For tests of what a detector makes of its data and its parameters; that programs are right is for others to say.
    Not beside a detector that tests share: without programs it learns the same only to the sixth digit.
    """
    assert not {"fitted", "other"} & set(request.fixturenames)
    import keras

    if keras.backend.backend() != "tensorflow":
        yield
        return
    import tensorflow as tf

    tf.config.run_functions_eagerly(True)
    yield
    tf.config.run_functions_eagerly(False)


@pytest.fixture
def quality(request: pytest.FixtureRequest) -> Callable[..., None]:
    """``quality(value, above=0.8)`` asserts what training decides, with a bound that other arithmetic does not cross.

    ``tools/stability.py tests`` sets ``GANAD_STABILITY`` to a file: then the value is noted there, and nothing asserted.
    """

    def check(value: float, *, above: float) -> None:
        if notes := os.environ.get("GANAD_STABILITY"):
            note = {"test": request.node.nodeid, "value": float(value), "above": above}
            with open(notes, "a") as file:
                file.write(json.dumps(note) + "\n")
        else:
            assert value > above

    return check


@pytest.fixture(scope="session")
def table() -> np.ndarray:
    """200 rows of 6 columns in [0, 1), float32."""
    return np.random.default_rng(0).random((200, 6), np.float32)


@pytest.fixture(scope="session")
def pictures() -> np.ndarray:
    """128 handwritten digits, uint8 (N, 8, 8, 1)."""
    return load_dataset("digits").x[:128]


@pytest.fixture(scope="session")
def refused() -> Callable[..., AbstractContextManager]:
    """``with refused(Error, "word", ...)``: the block raises this very class, in one line that has all the words."""

    @contextmanager
    def check(error: type[Exception], *words: str) -> Iterator[None]:
        with pytest.raises(error) as caught:
            yield
        message = str(caught.value)
        assert caught.type is error, f"{caught.type.__name__}: {message}"
        assert message and "\n" not in message, f"not one line: {message!r}"
        for word in words:
            assert word in message, f"{word!r} is not in {message!r}"

    return check


@pytest.fixture
def kdd_rows() -> pd.DataFrame:
    """400 made-up rows with the 42 columns of KDD Cup 1999; every fourth is ordinary traffic, some are copies."""
    rng = np.random.default_rng(0)
    words = {"protocol_type": ["icmp", "tcp", "udp"], "service": ["ftp", "http", "smtp"], "flag": ["REJ", "SF"]}
    flags = ("land", "logged_in", "is_guest_login")
    rows = {}
    for column in KDD_COLUMNS.split():
        if column in words:
            rows[column] = rng.choice(words[column], 400)
        elif column in flags or column == "is_host_login":
            rows[column] = rng.integers(0, 2 if column in flags else 1, 400)
        elif column.endswith("_rate"):
            rows[column] = rng.random(400).round(2)
        else:
            rows[column] = rng.integers(0, 1000, 400)
    rows["label"] = np.where(np.arange(400) % 4 == 0, "normal.", rng.choice(["smurf.", "neptune."], 400))
    table = pd.DataFrame(rows)
    attacks = table.index[table["label"] != "normal."]
    table.loc[attacks[100:200]] = table.loc[attacks[:100]].to_numpy()
    return table


@pytest.fixture
def made_up_kdd(kdd_rows: pd.DataFrame) -> Dataset:
    """The made-up rows as a data set."""
    labels = (kdd_rows.pop("label") == "normal.").to_numpy().astype(int)
    columns = pd.get_dummies(kdd_rows, columns=["protocol_type", "service", "flag"], dtype=np.float32)
    return Dataset("kddcup99", columns.to_numpy(np.float32), labels, ("attack", "normal"), tuple(columns.columns))


@pytest.fixture
def idle() -> None:
    """Skip a test of the frame rate where the machine has other work: that would be measured."""
    if (busy := busy_share()) > 0.3:
        pytest.skip(f"the machine is busy with other work ({busy:.0%} of its cores): the frame rate cannot be told")


def busy_share(seconds: float = 0.5) -> float:
    """Share of the cores that other work has kept busy for a moment; 0 where the system does not say."""
    stat = Path("/proc/stat")
    if not stat.exists():
        return 0.0

    def ticks() -> np.ndarray:
        return np.array(stat.read_text().split("\n", 1)[0].split()[1:9], float)

    before = ticks()
    time.sleep(seconds)
    spent = ticks() - before
    return float(1 - spent[3:5].sum() / max(1.0, spent.sum()))  # idle, and waiting for a disk


@pytest.fixture(scope="session")
def browser() -> Iterator[Any]:
    """A real browser, one for all tests; skipped where there is none."""
    from browser import opened

    with opened() as started:
        yield started
