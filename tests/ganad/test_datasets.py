"""ganad.datasets: what is read, from where, and what is refused.  No test here reaches beyond this machine."""

import errno
import gzip
import hashlib
import io
import os
import pickle
import pickletools
import socket
import struct
import tarfile
import tempfile
import threading
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import requests
from sklearn import datasets as sklearn_datasets

from ganad import datasets
from ganad.datasets import sources
from ganad.datasets.contents import CorruptDatasetError, DatasetError, DatasetUnavailableError, UnknownDatasetError
from ganad.datasets.deforming import deformed

REAL = ("mnist", "fashion_mnist", "cifar10", "kddcup99")


@pytest.fixture(autouse=True)
def at_home(monkeypatch):
    """Connections to other machines fail the test."""
    connect = socket.socket.connect

    def connect_here(self, address):
        assert not isinstance(address, tuple) or address[0] in ("127.0.0.1", "localhost"), f"a test calls {address}"
        return connect(self, address)

    monkeypatch.setattr(socket.socket, "connect", connect_here)
    monkeypatch.setenv("no_proxy", "*")
    monkeypatch.setenv("NO_PROXY", "*")


@pytest.fixture
def folder(tmp_path, monkeypatch) -> Path:
    """An empty data folder."""
    path = tmp_path / "data"
    path.mkdir()
    monkeypatch.setenv("GANAD_DATA", str(path))
    return path


@pytest.fixture
def shop(tmp_path) -> Iterator[tuple[Path, str]]:
    """A publisher on this machine: a folder and its address."""
    path = tmp_path / "published"
    path.mkdir()

    class Quiet(SimpleHTTPRequestHandler):
        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(path)))
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    yield path, f"http://127.0.0.1:{server.server_port}/"
    server.shutdown()
    server.server_close()


@pytest.fixture
def tiny() -> tuple[np.ndarray, np.ndarray]:
    """40 images (40, 5, 5) uint8 and their labels, no two alike."""
    rng = np.random.default_rng(0)
    return rng.integers(0, 256, (40, 5, 5), np.uint8), rng.integers(0, 10, 40).astype(np.uint8)


def published(monkeypatch, name: str, x: np.ndarray, y: np.ndarray, **changes) -> None:
    """Pretend that this is what ``name`` holds."""
    digests = sorted(
        hashlib.sha256(bytes([int(label)]) + image.tobytes()).digest() for image, label in zip(x, y, strict=True)
    )
    print_ = hashlib.sha256(b"".join(digests)).hexdigest()
    monkeypatch.setitem(sources.SOURCES, name, replace(sources.SOURCES[name], fingerprint=print_, **changes))


def sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def contents(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.rglob("*"))


# ---- the embedded data sets


def test_digits_are_all_the_digits_in_canonical_order():
    data, bunch = datasets.load_dataset("digits"), sklearn_datasets.load_digits()
    assert (data.x.shape, data.x.dtype, data.y.dtype) == ((1797, 8, 8, 1), np.uint8, int)
    assert data.class_names == tuple("0123456789")
    assert np.bincount(data.y).tolist() == np.bincount(bunch.target).tolist()
    ours = sorted((int(y), *np.round(x.ravel() * (16 / 255))) for x, y in zip(data.x, data.y, strict=True))
    assert ours == sorted((int(y), *x) for x, y in zip(bunch.data, bunch.target, strict=True))
    digests = [hashlib.sha256(bytes([y]) + x.tobytes()).digest() for x, y in zip(data.x, data.y.tolist(), strict=True)]
    assert digests == sorted(digests)


def test_breast_cancer_is_the_published_table():
    data, bunch = datasets.load_dataset("breast_cancer"), sklearn_datasets.load_breast_cancer()
    assert data.x.dtype == np.float32
    np.testing.assert_array_equal(data.x, bunch.data.astype(np.float32))
    np.testing.assert_array_equal(data.y, bunch.target)
    assert data.class_names == ("malignant", "benign")
    assert (data.feature_names[0], len(data.feature_names)) == ("mean radius", 30)


def test_enlarged_digits_are_versions_of_the_digits():
    small, large = (datasets.load_dataset(name) for name in ("digits", "digits28"))
    assert large.x.shape == (9 * 1797, 28, 28, 1) and large.x.dtype == np.uint8
    np.testing.assert_array_equal(large.y, np.repeat(small.y, 9))
    means = large.x.reshape(1797, 9, 28, 28).mean(1)  # of the versions: blurred, but of that digit
    shrunk = means[:, 4:24, 4:24].reshape(1797, 4, 5, 4, 5).mean((2, 4)).reshape(1797, -1)
    known = small.x[..., 0].reshape(1797, 4, 2, 4, 2).mean((2, 4)).reshape(1797, -1)
    closeness = np.corrcoef(shrunk, known)[:1797, 1797:]
    assert np.median(closeness.argsort(1).argsort(1)[range(1797), range(1797)]) > 1790  # nearest to its own original
    np.testing.assert_array_equal(large.x, datasets.load_dataset("digits28").x)


def test_versions_differ_a_little_and_stay_in_range():
    image = np.zeros((1, 28, 28))
    image[0, 8:20, 12:16] = 1
    found = deformed(image, 50, seed=1)
    assert found.shape == (50, 28, 28) and found.dtype == np.float32
    assert found.min() >= 0 and found.max() <= 1 + 1e-6
    assert found.sum((1, 2)).mean() == pytest.approx(image.sum(), rel=0.1)
    assert 1 < np.abs(found - image).sum((1, 2)).mean() < 40
    assert not np.array_equal(found, deformed(image, 50, seed=2))


@pytest.mark.parametrize("name", ["digits", "digits28", "breast_cancer"])
def test_class_names_are_those_of_the_data(name):
    assert datasets.class_names(name) == datasets.load_dataset(name).class_names


def test_class_names_need_no_file(folder, refused):
    assert datasets.class_names("mnist")[3] == "3"
    with refused(UnknownDatasetError, "imagenet", "digits28"):
        datasets.class_names("imagenet")
    assert contents(folder) == []


def test_embedded_data_need_no_file(folder):
    assert "1,797 samples" in datasets.check("digits")
    assert datasets.fetch("breast_cancer") is None
    assert datasets.source("digits") is None
    assert contents(folder) == []


# ---- the fingerprint


def test_the_fingerprint_is_the_documented_one(tiny):
    x, y = tiny
    digests = sorted(
        hashlib.sha256(bytes([int(label)]) + image.tobytes()).digest() for image, label in zip(x, y, strict=True)
    )
    assert datasets.fingerprint(x, y) == hashlib.sha256(b"".join(digests)).hexdigest()


def test_the_fingerprint_is_blind_to_order_and_layout_and_sees_everything_else(tiny):
    x, y = tiny
    order = np.random.default_rng(1).permutation(len(x))
    found = datasets.fingerprint(x, y)
    assert datasets.fingerprint(x[order], y[order]) == found
    assert datasets.fingerprint(np.asfortranarray(x), y.astype(np.int64)) == found
    assert datasets.fingerprint(x[..., None], y) == found
    changed = x.copy()
    changed[3, 2, 1] ^= 1
    assert datasets.fingerprint(changed, y) != found
    assert datasets.fingerprint(x, (y + 1) % 10) != found
    assert datasets.fingerprint(x[order], y) != found
    assert datasets.fingerprint(x[1:], y[1:]) != found
    assert datasets.fingerprint(np.concatenate([x, x[:1]]), np.concatenate([y, y[:1]])) != found


def idx(array: np.ndarray) -> bytes:
    """The format of MNIST's publisher, gzipped."""
    header = bytes([0, 0, 8, array.ndim]) + b"".join(struct.pack(">I", n) for n in array.shape)
    return gzip.compress(header + array.tobytes())


def test_every_format_and_order_gives_the_same_samples_in_the_same_order(tiny, folder, shop, monkeypatch):
    x, y = tiny
    order = np.random.default_rng(1).permutation(len(x))
    store, address = shop
    for part, rows in {"train": slice(0, 30), "t10k": slice(30, None)}.items():
        (store / f"{part}-images-idx3-ubyte.gz").write_bytes(idx(x[rows]))
        (store / f"{part}-labels-idx1-ubyte.gz").write_bytes(idx(y[rows]))
    files = {path.name: sha256(path) for path in store.iterdir()}
    published(monkeypatch, "fashion_mnist", x, y, files=files, folder=address)
    split = {"x_train": x[:30], "y_train": y[:30], "x_test": x[30:], "y_test": y[30:]}
    forms = [
        {"x": x, "y": y},
        split,
        {"x": x[order], "y": y[order]},
        {"x": x[..., None], "y": y[:, None]},  # as Keras stores CIFAR-10's labels
        {"x": x.astype(np.float64), "y": y.astype(np.float64)},
        None,  # nothing at hand: the publisher's four files
    ]
    path = folder / "fashion_mnist.npz"
    read = []
    for form in forms:
        path.unlink(missing_ok=True)
        if form is not None:
            np.savez(path, **form)
        read.append(datasets.load_dataset("fashion_mnist"))
    first = read[0]
    assert (first.x.shape, first.x.dtype, first.y.dtype) == ((40, 5, 5, 1), np.uint8, int)
    assert sorted(zip(first.y, map(bytes, first.x), strict=True)) == sorted(zip(y, map(bytes, x), strict=True))
    for data in read[1:]:
        np.testing.assert_array_equal(data.x, first.x)
        np.testing.assert_array_equal(data.y, first.y)
    assert contents(folder) == ["fashion_mnist.npz"]


def test_a_split_depends_on_its_seed_alone(tiny, folder, monkeypatch):
    x, y = tiny
    published(monkeypatch, "mnist", x, y)
    splits = []
    for order in (np.arange(40), np.random.default_rng(2).permutation(40)):
        np.savez(folder / "mnist.npz", x=x[order], y=y[order])
        splits.append(datasets.leave_one_out(datasets.load_dataset("mnist"), 3, seed=5))
    for part in ("x_train", "x_val", "x_test", "y_test"):
        np.testing.assert_array_equal(getattr(splits[0], part), getattr(splits[1], part))


# ---- downloads


def test_a_download_is_kept_and_not_repeated(tiny, folder, shop, monkeypatch, capsys):
    x, y = tiny
    store, address = shop
    np.savez(store / "mnist.npz", x_train=x[:30], y_train=y[:30], x_test=x[30:], y_test=y[30:])
    published(monkeypatch, "mnist", x, y, folder=address, files={"mnist.npz": sha256(store / "mnist.npz")})
    first = datasets.load_dataset("mnist")
    assert "mnist.npz" in capsys.readouterr().out  # the progress bar
    assert contents(folder) == ["mnist.npz"]
    (store / "mnist.npz").unlink()
    np.testing.assert_array_equal(datasets.load_dataset("mnist").x, first.x)
    assert datasets.fetch("mnist", progress=False) == folder / "mnist.npz"
    assert "40 samples of shape (5, 5, 1), 10 classes" in datasets.check("mnist")


def python_2_pickle(value: object) -> bytes:
    """The value as Python 2 would have pickled it: byte strings are `str`, NumPy is where it then was."""
    old, read = io.BytesIO(), pickle.dumps(value, protocol=3).replace(b"cnumpy._core.", b"cnumpy.core.")
    places = [(op.name, argument, at) for op, argument, at in pickletools.genops(read)] + [("", None, len(read))]
    for (name, argument, at), (_, _, end) in zip(places, places[1:], strict=False):
        if name == "PROTO":
            old.write(b"\x80\x02")
        elif name == "SHORT_BINBYTES":
            old.write(b"U" + bytes([len(argument)]) + argument)
        elif name == "BINBYTES":
            old.write(b"T" + struct.pack("<i", len(argument)) + argument)
        else:
            old.write(read[at:end])
    return old.getvalue()


def cifar_archive(path: Path, batches: dict[str, bytes]) -> None:
    with tarfile.open(path, "w:gz") as archive:
        for name, raw in {"batches.meta": b"not read", "readme.html": b"not read", **batches}.items():
            member = tarfile.TarInfo(f"cifar-10-batches-py/{name}")
            member.size = len(raw)
            archive.addfile(member, io.BytesIO(raw))


@pytest.mark.filterwarnings("ignore:numpy.core:DeprecationWarning")
def test_cifar_is_read_from_the_publishers_pickles(folder, shop, monkeypatch):
    rng = np.random.default_rng(0)
    x, y = rng.integers(0, 256, (30, 32, 32, 3), np.uint8), rng.integers(0, 10, 30)
    store, address = shop
    batches = {}
    for name, rows in {"data_batch_1": slice(0, 20), "test_batch": slice(20, None)}.items():
        planes = x[rows].transpose(0, 3, 1, 2).reshape(-1, 3072)
        batches[name] = python_2_pickle({b"data": planes, b"labels": y[rows].tolist(), b"batch_label": b"of 1"})
    cifar_archive(store / "cifar-10-python.tar.gz", batches)
    files = {"cifar-10-python.tar.gz": sha256(store / "cifar-10-python.tar.gz")}
    published(monkeypatch, "cifar10", x, y, folder=address, files=files)
    data = datasets.load_dataset("cifar10")
    assert sorted(zip(data.y, map(bytes, data.x), strict=True)) == sorted(zip(y, map(bytes, x), strict=True))
    assert contents(folder) == ["cifar10.npz"]


def test_a_pickle_that_would_run_something_is_refused(tmp_path, folder, shop, monkeypatch, refused):
    store, address = shop
    trace = tmp_path / "ran"
    batch = b"cos\nsystem\n(S'touch " + str(trace).encode() + b"'\ntR."
    cifar_archive(store / "cifar-10-python.tar.gz", {"data_batch_1": batch})
    files = {"cifar-10-python.tar.gz": sha256(store / "cifar-10-python.tar.gz")}
    changed = replace(sources.SOURCES["cifar10"], folder=address, files=files)
    monkeypatch.setitem(sources.SOURCES, "cifar10", changed)
    with refused(CorruptDatasetError, "cifar10", "os.system"):
        datasets.load_dataset("cifar10")
    assert not trace.exists()
    assert contents(folder) == []


# ---- what is refused


@pytest.mark.parametrize("name", REAL)
@pytest.mark.parametrize("broken", ["requests", "pooch"])
def test_without_a_network_the_message_says_what_to_get_where(name, broken, folder, monkeypatch, refused):
    def unreachable(*_, **__):
        raise requests.ConnectionError("HTTPConnectionPool(...): Max retries exceeded\n...")

    monkeypatch.setattr("requests.get" if broken == "requests" else "pooch.retrieve", unreachable)
    file = next(iter(sources.SOURCES[name].files))
    with refused(DatasetUnavailableError, file, str(folder), sources.SOURCES[name].page, "cannot be downloaded"):
        datasets.load_dataset(name)
    assert contents(folder) == []


def test_a_publisher_who_is_gone(folder, shop, monkeypatch, refused):
    changed = replace(sources.SOURCES["mnist"], folder=shop[1])
    monkeypatch.setitem(sources.SOURCES, "mnist", changed)  # the shop is empty: 404
    with refused(DatasetUnavailableError, "mnist.npz", "HTTPError", str(folder)):
        datasets.load_dataset("mnist")
    assert contents(folder) == []


@pytest.mark.parametrize("name, file", [("mnist", "mnist.npz"), ("kddcup99", "kddcup.data_10_percent.gz")])
def test_a_download_with_another_checksum(name, file, folder, shop, monkeypatch, refused):
    store, address = shop
    (store / file).write_bytes(b"something else")
    monkeypatch.setitem(sources.SOURCES, name, replace(sources.SOURCES[name], folder=address))
    with refused(CorruptDatasetError, file, "sha256", sources.SOURCES[name].page):
        datasets.load_dataset(name)
    assert contents(folder) == []


def test_a_download_with_the_right_checksum_and_the_wrong_content(tiny, folder, shop, monkeypatch, refused):
    store, address = shop
    np.savez(store / "mnist.npz", x=tiny[0], y=tiny[1])
    files = {"mnist.npz": sha256(store / "mnist.npz")}
    monkeypatch.setitem(sources.SOURCES, "mnist", replace(sources.SOURCES["mnist"], folder=address, files=files))
    with refused(CorruptDatasetError, "mnist", "40 images"):
        datasets.load_dataset("mnist")
    assert contents(folder) == []


def test_a_full_disk_leaves_nothing_behind(tiny, folder, shop, monkeypatch, refused):
    store, address = shop
    np.savez(store / "mnist.npz", x=tiny[0], y=tiny[1])
    files = {"mnist.npz": sha256(store / "mnist.npz")}
    published(monkeypatch, "mnist", *tiny, folder=address, files=files)

    def full(*_, **__):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(Path, "replace", full)
    with refused(DatasetUnavailableError, str(folder), os.strerror(errno.ENOSPC), "GANAD_DATA"):
        datasets.load_dataset("mnist")
    assert contents(folder) == []


@pytest.mark.parametrize("name", REAL)
def test_a_folder_below_a_file_cannot_be_written(name, tmp_path, monkeypatch, refused):
    (tmp_path / "file").write_text("in the way")
    monkeypatch.setenv("GANAD_DATA", str(tmp_path / "file" / "data"))
    with refused(DatasetUnavailableError, str(tmp_path / "file" / "data"), "cannot be written", "GANAD_DATA"):
        datasets.load_dataset(name)
    assert contents(tmp_path) == ["file"]


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_without_permission_cannot_be_written(folder, refused):
    folder.chmod(0o500)
    try:
        with refused(DatasetUnavailableError, str(folder), "cannot be written", "GANAD_DATA"):
            datasets.load_dataset("mnist")
    finally:
        folder.chmod(0o700)


def test_a_folder_that_refuses_new_files(folder, monkeypatch, refused):
    def forbidden(*_, **__):
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))

    monkeypatch.setattr(tempfile, "mkdtemp", forbidden)
    with refused(DatasetUnavailableError, str(folder), os.strerror(errno.EACCES), "GANAD_DATA"):
        datasets.fetch("mnist")
    assert contents(folder) == []


def npz(**arrays: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    np.savez(buffer, **arrays)
    return buffer.getvalue()


def npy(array: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    np.save(buffer, array)
    return buffer.getvalue()


X, Y = np.zeros((6, 4, 4), np.uint8), np.arange(6, dtype=np.uint8)
WHOLE = npz(x=X, y=Y)
DAMAGED = {
    "empty": b"",
    "text": b"<html>404</html>",
    "a pickle": pickle.dumps([1, 2]),
    "truncated": WHOLE[:-40],
    "half": WHOLE[: len(WHOLE) // 2],
    "a flipped byte": WHOLE.replace(bytes(96), bytes(95) + b"\1", 1),
    "one array": npy(X),
    "no labels": npz(x=X),
    "no test part": npz(x_train=X, y_train=Y),
    "other names": npz(a=X, b=Y),
    "objects": npz(x=np.array([None]), y=Y),
    "more images than labels": npz(x=X, y=Y[:-1]),
    "labels beyond a byte": npz(x=X, y=Y.astype(int) + 1000),
    "negative labels": npz(x=X, y=Y.astype(int) - 1),
    "fractions for labels": npz(x=X, y=Y + 0.5),
    "words for labels": npz(x=X, y=np.array(list("abcdef"))),
    "words for images": npz(x=np.array(list("abcdef")), y=Y),
    "a number": npz(x=np.float64(3), y=np.int64(3)),
    "other images": WHOLE,
    "flat images": npz(x=X.reshape(6, 16), y=Y),
}


@pytest.mark.parametrize("damage", DAMAGED)
def test_a_damaged_image_file_is_named(damage, folder, refused):
    path = folder / "mnist.npz"
    path.write_bytes(DAMAGED[damage])
    for read in (datasets.load_dataset, datasets.fetch, datasets.check):
        with refused(CorruptDatasetError, str(path), "remove it", "ganad data fetch mnist"):
            read("mnist")
    assert contents(folder) == ["mnist.npz"]  # it may be the user's only copy


@pytest.mark.parametrize("shape", [(40, 25), (40, 1, 5, 5)])
def test_the_right_pixels_in_another_shape_are_refused(shape, tiny, folder, monkeypatch, refused):
    x, y = tiny
    published(monkeypatch, "mnist", x, y)
    np.savez(folder / "mnist.npz", x=x.reshape(shape), y=y)
    with refused(CorruptDatasetError, str(folder / "mnist.npz"), str(shape[1:])):
        datasets.load_dataset("mnist")


def test_a_folder_in_the_files_place(folder, refused):
    (folder / "mnist.npz").mkdir()
    with refused(CorruptDatasetError, str(folder / "mnist.npz")):
        datasets.load_dataset("mnist")


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"<html>404</html>",
        gzip.compress(b"0,tcp,http,SF\n" * 9, mtime=0)[:-9],
        gzip.compress(b"0,tcp,http,SF\n" * 9, mtime=0),
    ],
)
def test_a_damaged_kdd_file_is_named(raw, folder, refused):
    path = folder / "kddcup.data_10_percent.gz"
    path.write_bytes(raw)
    with refused(CorruptDatasetError, str(path), "remove it", "ganad data fetch kddcup99"):
        datasets.load_dataset("kddcup99")


@pytest.mark.parametrize("name", ["", "MNIST", "mnist.npz", "../mnist", "kdd"])
def test_an_unknown_name(name, folder, refused):
    for call in (datasets.load_dataset, datasets.fetch, datasets.check, datasets.source):
        with refused(UnknownDatasetError, repr(name), *datasets.NAMES):
            call(name)
    assert contents(folder) == []


def test_check_downloads_nothing(folder, monkeypatch, refused):
    monkeypatch.setattr("pooch.retrieve", lambda *_, **__: pytest.fail("check downloads"))
    with refused(DatasetUnavailableError, "mnist", str(folder), "ganad data fetch mnist"):
        datasets.check("mnist")


def test_errors_can_be_caught_as_one_and_as_what_they_are():
    for kind, builtin in ((UnknownDatasetError, KeyError), (DatasetUnavailableError, OSError)):
        assert issubclass(kind, DatasetError) and issubclass(kind, builtin)
    assert issubclass(CorruptDatasetError, DatasetError) and issubclass(CorruptDatasetError, ValueError)


def test_the_data_folder_is_ganad_data_or_the_users_cache(folder, monkeypatch):
    assert datasets.data_folder() == folder
    monkeypatch.setenv("GANAD_DATA", "~/data")
    assert datasets.data_folder() == Path.home() / "data"
    assert datasets.data_file("cifar10") == Path.home() / "data" / "cifar10.npz"
    for unset in ("", None):
        monkeypatch.delenv("GANAD_DATA") if unset is None else monkeypatch.setenv("GANAD_DATA", unset)
        assert datasets.data_folder().name == "ganad"


# ---- KDD Cup 1999


@pytest.fixture
def small_kdd(folder, monkeypatch, kdd_rows) -> pd.DataFrame:
    """400 rows in the published format, in the data folder."""
    raw = kdd_rows.to_csv(header=False, index=False).encode()
    (folder / "kddcup.data_10_percent.gz").write_bytes(gzip.compress(raw, mtime=0))
    changed = replace(sources.SOURCES["kddcup99"], fingerprint=hashlib.md5(raw, usedforsecurity=False).hexdigest())
    monkeypatch.setitem(sources.SOURCES, "kddcup99", changed)
    return kdd_rows


def test_kdd_is_read_column_by_column(small_kdd):
    data = datasets.load_dataset("kddcup99")
    spread = ("protocol_type", "service", "flag", "land", "logged_in", "is_host_login", "is_guest_login")
    kinds = {column: sorted(small_kdd[column].unique()) for column in spread}
    plain = [column for column in small_kdd if column not in (*spread, "label")]
    assert len(plain) == 34
    assert data.feature_names == (*plain, *(f"{column}_{kind}" for column in spread for kind in kinds[column]))
    assert (data.x.dtype, data.x.shape) == (np.float32, (400, len(data.feature_names)))
    for i, name in enumerate(data.feature_names):
        if name in plain:
            expected = small_kdd[name].to_numpy(np.float32)
        else:
            column = next(column for column in spread if name.startswith(column))
            expected = (small_kdd[column].astype(str) == name.removeprefix(f"{column}_")).to_numpy()
        np.testing.assert_array_equal(data.x[:, i], expected, err_msg=name)
    np.testing.assert_array_equal(data.y, small_kdd["label"] == "normal.")
    assert data.class_names == ("attack", "normal")


@pytest.mark.realdata
def test_the_real_kdd_has_its_columns_and_rows(real):
    data = real("kddcup99")
    assert data.x.shape == (494_021, 121)
    assert int(data.y.sum()) == 97_278
    kinds = {"protocol_type": 3, "service": 66, "flag": 11, "land": 2, "logged_in": 2, "is_host_login": 1}
    for column, count in {**kinds, "is_guest_login": 2}.items():
        members = [i for i, name in enumerate(data.feature_names) if name.startswith(f"{column}_")]
        assert len(members) == count
        assert (data.x[:, members].sum(1) == 1).all()
    assert {"count", "num_outbound_cmds"} <= set(data.feature_names)
    assert np.ptp(data.x[:, data.feature_names.index("num_outbound_cmds")]) == 0


@pytest.mark.realdata
@pytest.mark.parametrize(
    "name, shape, classes", [("mnist", (70_000, 28, 28, 1), None), ("fashion_mnist", (70_000, 28, 28, 1), 7_000),
                             ("cifar10", (60_000, 32, 32, 3), 6_000)]
)  # fmt: skip
def test_the_real_images(name, shape, classes, real):
    data = real(name)
    assert (data.x.shape, data.x.dtype) == (shape, np.uint8)
    assert len(data.class_names) == 10
    counts = np.bincount(data.y)
    assert counts.tolist() == [classes] * 10 if classes else counts.sum() == 70_000 and counts.min() == 6_313
