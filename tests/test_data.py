"""helpers.data: the digits as they are, the large sets through small files in the same formats."""

import contextlib
import dataclasses
import functools
import gzip
import hashlib
import http.server
import importlib.util
import io
import os
import socket
import tarfile
import threading
import tracemalloc
import types
import urllib.error
from pathlib import Path

import numpy as np
import pytest

from helpers import data

REPOSITORY = Path(__file__).resolve().parent.parent
REAL_DATA = os.environ.get("BN_COURSE_DATA")  # as it was before the fixture below hides it


@pytest.fixture(autouse=True)
def cache(monkeypatch, tmp_path):
    """No test reads or writes the folders of whoever runs it. The cache does not exist yet."""
    monkeypatch.delenv("BN_COURSE_DATA", raising=False)
    monkeypatch.setenv("BN_COURSE_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("no_proxy", "*")
    return tmp_path / "cache"


@pytest.fixture
def data_folder(monkeypatch, tmp_path):
    folder = tmp_path / "data"
    folder.mkdir()
    monkeypatch.setenv("BN_COURSE_DATA", str(folder))
    return folder


@pytest.fixture
def offline(monkeypatch):
    def refuse(url, timeout):
        raise urllib.error.URLError("no network in this test")

    monkeypatch.setattr(data.urllib.request, "urlopen", refuse)


@pytest.fixture
def server():
    """A server on this machine: `routes[path] = body` or (body, promised length); `asked` paths."""
    routes, asked = {}, []

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            asked.append(self.path)
            if self.path not in routes:
                self.send_error(404)
                return
            body = routes[self.path]
            body, promised = body if isinstance(body, tuple) else (body, len(body))
            self.send_response(200)
            if promised is not None:
                self.send_header("Content-Length", str(promised))
            self.end_headers()
            with contextlib.suppress(ConnectionError):  # the client may have had enough
                self.wfile.write(body)

        def log_message(self, *args):
            pass

    with http.server.HTTPServer(("127.0.0.1", 0), Handler) as httpd:
        thread = threading.Thread(target=httpd.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        address = f"http://127.0.0.1:{httpd.server_port}"
        yield types.SimpleNamespace(address=address, routes=routes, asked=asked)
        httpd.shutdown()
        thread.join()


def tree(folder):
    """Every file below a folder with its content, every folder with None."""
    return {p: p.read_bytes() if p.is_file() else None for p in folder.rglob("*")}


# --- digits --------------------------------------------------------------------------------------


@functools.cache
def make_digits():
    spec = importlib.util.spec_from_file_location(
        "make_digits", REPOSITORY / "data" / "make_digits.py"
    )
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def digits_in_source_order():
    with np.load(data.DIGITS) as file:
        arrays = dict(file)
    index = np.concatenate([arrays["index_train"], arrays["index_test"]])
    assert sorted(index) == list(range(1797))
    images, labels = np.empty((1797, 8, 8), np.uint8), np.empty(1797, np.uint8)
    images[index] = np.concatenate([arrays["x_train"], arrays["x_test"]])
    labels[index] = np.concatenate([arrays["y_train"], arrays["y_test"]])
    return images, labels


def test_digits_have_the_promised_shapes_types_and_range():
    d = data.load("digits")
    assert (d.name, d.num_classes, d.verified) == ("digits", 10, True)
    assert d.x_train.shape == (1297, 1, 8, 8)
    assert d.x_test.shape == (500, 1, 8, 8)
    assert d.y_train.shape == (1297,)
    assert d.y_test.shape == (500,)
    for x in (d.x_train, d.x_test):
        assert x.dtype == np.float64
        assert (x.min(), x.max()) == (0, 1)
    for y in (d.y_train, d.y_test):
        assert y.dtype == np.int64
    np.testing.assert_array_equal(np.bincount(d.y_test), 50)


def test_digits_are_those_of_the_public_set():
    """Facts published about it: images of each class, the sum of all values, the first image."""
    images, labels = digits_in_source_order()
    assert np.bincount(labels).tolist() == [178, 182, 177, 183, 181, 182, 181, 179, 174, 180]
    assert images.sum() == 561718
    assert labels[:10].tolist() == list(range(10))
    assert images[0, :2].tolist() == [[0, 0, 5, 13, 9, 1, 0, 0], [0, 0, 13, 15, 10, 15, 5, 0]]


def test_load_scales_the_stored_images_by_16():
    with np.load(data.DIGITS) as file:
        stored = file["x_test"]
    assert stored.dtype == np.uint8
    np.testing.assert_array_equal(data.load("digits").x_test[:, 0] * 16, stored)


def test_make_digits_repeats_the_committed_file():
    assert make_digits().pack(*digits_in_source_order()) == data.DIGITS.read_bytes()


def test_make_digits_repeats_the_committed_file_from_its_source(monkeypatch, tmp_path):
    pytest.importorskip("sklearn", reason="scikit-learn is not needed by the course")
    monkeypatch.setattr(make_digits(), "__file__", str(tmp_path / "make_digits.py"))
    make_digits().main()
    assert (tmp_path / "digits.npz").read_bytes() == data.DIGITS.read_bytes()


def test_split_is_a_partition_with_fifty_test_images_of_each_class():
    labels = np.repeat([3, 7, 8], [60, 50, 200])
    train, test = make_digits().split(labels)
    assert sorted(np.concatenate([train, test])) == list(range(310))
    assert np.bincount(labels[test])[[3, 7, 8]].tolist() == [50, 50, 50]
    assert not np.array_equal(train, np.sort(train))  # shuffled: batches in order are mixed


def test_checksum_is_that_of_the_file_and_in_the_datasheet():
    assert hashlib.sha256(data.DIGITS.read_bytes()).hexdigest() == data.DIGITS_SHA256
    datasheet = (REPOSITORY / "data" / "README.md").read_text(encoding="utf-8")
    assert data.DIGITS_SHA256 in datasheet


def test_changed_digits_are_refused(monkeypatch, tmp_path):
    content = bytearray(data.DIGITS.read_bytes())
    content[5000] ^= 1
    (tmp_path / "digits.npz").write_bytes(content)
    monkeypatch.setattr(data, "DIGITS", tmp_path / "digits.npz")
    with pytest.raises(data.DataError, match="restore it from the repository"):
        data.load("digits")


def test_absent_digits_are_reported(monkeypatch, tmp_path):
    monkeypatch.setattr(data, "DIGITS", tmp_path / "digits.npz")
    with pytest.raises(data.DataError, match=r"digits\.npz cannot be read \(No such file"):
        data.load("digits")


def test_digits_need_neither_network_nor_cache(offline, cache):
    data.load("digits")
    assert not cache.exists()


def test_dataset_is_frozen_and_its_arrays_are_read_only():
    d = data.load("digits")
    with pytest.raises(dataclasses.FrozenInstanceError):
        d.x_train = d.x_test
    for array in (d.x_train, d.y_train, d.x_test, d.y_test, d.flattened().x_train):
        with pytest.raises(ValueError, match="read-only"):
            array[0] = 0


def test_flattened_has_one_row_per_image_and_copies_nothing():
    d = data.load("digits")
    flat = d.flattened()
    assert flat.x_train.shape == (1297, 64)
    assert flat.x_test.shape == (500, 64)
    np.testing.assert_array_equal(flat.x_test[7, 8:16], d.x_test[7, 0, 1])
    assert np.shares_memory(flat.x_train, d.x_train)
    assert flat.y_train is d.y_train


def test_standardized_uses_the_statistics_of_the_training_set_per_channel():
    rng = np.random.default_rng(0)
    scale = np.array([1, 20, 300], np.float32).reshape(1, 3, 1, 1)
    x_train, x_test = (
        scale * (count + rng.random((count, 3, 4, 5), np.float32)) for count in (50, 20)
    )
    d = dataclasses.replace(data.load("digits"), x_train=x_train, x_test=x_test)
    ready = d.standardized()
    np.testing.assert_allclose(ready.x_train.mean((0, 2, 3)), 0, atol=1e-4)
    np.testing.assert_allclose(ready.x_train.std((0, 2, 3)), 1, rtol=1e-4)
    for c in range(3):
        expected = (x_test[:, c] - x_train[:, c].mean()) / x_train[:, c].std()
        np.testing.assert_allclose(ready.x_test[:, c], expected, rtol=1e-3)
    assert ready.x_train.dtype == ready.x_test.dtype == np.float32
    assert ready.y_train is d.y_train
    with pytest.raises(ValueError, match="read-only"):
        ready.x_test[0] = 0


def test_repr_is_one_line_of_facts():
    assert repr(data.load("digits")) == (
        "Dataset('digits': 1297 training and 500 test images, (1, 8, 8) float64, 10 classes; "
        "UCI Optical Recognition of Handwritten Digits, 8x8)"
    )


@pytest.mark.parametrize("name", ["MNIST", "", None, 3])
def test_unknown_name_lists_the_known_ones(name):
    with pytest.raises(ValueError, match=r"one of 'digits', 'mnist', 'cifar10'") as caught:
        data.load(name)
    assert repr(name) in str(caught.value)


# --- the official files --------------------------------------------------------------------------


def test_official_files_have_the_sizes_of_their_formats_and_secure_addresses():
    sizes = {part: file.size for part, file in data.MNIST.items()}
    assert sizes == {
        "x_train": 16 + 60_000 * 784,
        "y_train": 8 + 60_000,
        "x_test": 16 + 10_000 * 784,
        "y_test": 8 + 10_000,
    }
    for file in (*data.MNIST.values(), data.CIFAR10_ARCHIVE):
        assert len(file.sha256) == 64
        assert all(url.startswith("https://") and url.endswith(file.name) for url in file.urls)


@pytest.mark.parametrize(
    ("platform", "variables", "expected"),
    [
        ("linux", {}, "home/.cache"),
        ("linux", {"XDG_CACHE_HOME": "/xdg"}, "/xdg"),
        ("darwin", {"XDG_CACHE_HOME": "/xdg"}, "home/Library/Caches"),
        ("win32", {}, "home/AppData/Local"),
        ("win32", {"LOCALAPPDATA": "/local"}, "/local"),
    ],
)
def test_cache_is_where_the_platform_keeps_caches(monkeypatch, platform, variables, expected):
    for name in ("BN_COURSE_CACHE", "XDG_CACHE_HOME", "LOCALAPPDATA"):
        monkeypatch.delenv(name, raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(data.sys, "platform", platform)
    monkeypatch.setattr(data.Path, "home", lambda: Path("home"))
    assert data._cache_folder() == Path(expected) / "batch-norm-course"


# --- MNIST ---------------------------------------------------------------------------------------


def idx(array):
    header = bytes([0, 0, 8, array.ndim]) + np.array(array.shape, ">u4").tobytes()
    return header + array.tobytes()


class Small:
    """Six training and four test images in MNIST's files, on two mirrors."""

    def __init__(self, server):
        rng = np.random.default_rng(0)
        self.server = server
        self.arrays = {
            "x_train": rng.integers(0, 256, (6, 28, 28), np.uint8),
            "y_train": rng.integers(0, 10, 6, np.uint8),
            "x_test": rng.integers(0, 256, (4, 28, 28), np.uint8),
            "y_test": rng.integers(0, 10, 4, np.uint8),
        }
        self.files, self.spec = {}, {}
        for part, file in data.MNIST.items():
            self.set(part, file.name, idx(self.arrays[part]))

    def set(self, part, name, content):
        self.files[name] = gzip.compress(content)
        urls = tuple(f"{self.server.address}/{mirror}/{name}" for mirror in "ab")
        digest = hashlib.sha256(content).hexdigest()
        self.spec[part] = data.OfficialFile(name, urls, len(content), digest, gunzip=True)

    def serve(self, *mirrors):
        for mirror in mirrors:
            for name, body in self.files.items():
                self.server.routes[f"/{mirror}/{name}"] = body

    def write(self, folder):
        folder.mkdir(parents=True, exist_ok=True)
        for name, body in self.files.items():
            (folder / name).write_bytes(body)

    def check(self, d):
        assert (d.name, d.num_classes, d.verified) == ("mnist", 10, True)
        for part, stored in self.arrays.items():
            loaded = getattr(d, part)
            assert not loaded.flags.writeable
            if part.startswith("x"):
                assert loaded.dtype == np.float32
                expected = (stored[:, np.newaxis] / 255).astype(np.float32)
            else:
                assert loaded.dtype == np.int64
                expected = stored
            np.testing.assert_array_equal(loaded, expected)


@pytest.fixture
def mnist(monkeypatch, server):
    small = Small(server)
    monkeypatch.setattr(data, "MNIST", small.spec)
    return small


IMAGES = "train-images-idx3-ubyte.gz"
NAMES = [IMAGES, *(f"{n}-ubyte.gz" for n in ("train-labels-idx1", "t10k-images-idx3"))]
NAMES.append("t10k-labels-idx1-ubyte.gz")


@pytest.mark.parametrize("below", ["", "mnist"])
def test_mnist_comes_from_the_data_folder(mnist, data_folder, cache, below):
    mnist.write(data_folder / below)
    before = tree(data_folder)
    mnist.check(data.load("mnist"))
    assert tree(data_folder) == before
    assert not cache.exists()
    assert mnist.server.asked == []


def test_mnist_is_downloaded_once(mnist, cache):
    mnist.serve("a")
    mnist.check(data.load("mnist"))
    assert mnist.server.asked == [f"/a/{name}" for name in NAMES]
    assert tree(cache) == {cache / name: body for name, body in mnist.files.items()}

    mnist.check(data.load("mnist"))
    assert len(mnist.server.asked) == 4


def test_only_the_absent_file_is_downloaded(mnist, data_folder, cache):
    mnist.write(data_folder)
    (data_folder / IMAGES).unlink()
    mnist.serve("a")
    mnist.check(data.load("mnist"))
    assert mnist.server.asked == [f"/a/{IMAGES}"]
    assert [path.name for path in cache.iterdir()] == [IMAGES]


def flipped(content):
    return bytes([content[0] ^ 1]) + content[1:]


# What a bad mirror sends instead of `body`, and how the problem is named.
BAD_BODIES = {
    "cut short": (lambda body: (body[:-100], len(body)), "ended after"),
    "cut short, no length": (lambda body: (body[:-100], None), "cannot be unpacked"),
    "not the file": (lambda body: b"<html>Please log in</html>", "cannot be unpacked"),
    "other content": (
        lambda body: gzip.compress(gzip.decompress(body)[:-1] + b"\x00"),
        "has the SHA-256",
    ),
    "too little": (lambda body: gzip.compress(b"abc"), "has 3 bytes when unpacked"),
    "a bomb": (lambda body: gzip.compress(bytes(10**6)), "has more than"),
    "too much": (lambda body: bytes(data.OVERHEAD + 10**6), "sends more than"),
}


@pytest.mark.parametrize("kind", BAD_BODIES)
def test_bad_mirror_is_named_and_the_next_one_tried(mnist, cache, kind):
    make, problem = BAD_BODIES[kind]
    mnist.server.routes[f"/a/{IMAGES}"] = make(mnist.files[IMAGES])
    with pytest.raises(data.DataError) as caught:
        data.load("mnist")
    assert f"/a/{IMAGES}: {problem}" in str(caught.value)
    assert "404" in str(caught.value)  # the second mirror
    assert tree(cache) == {}

    mnist.serve("b")
    mnist.check(data.load("mnist"))
    assert tree(cache) == {cache / name: body for name, body in mnist.files.items()}


def test_dead_mirror_is_passed_over(mnist, monkeypatch):
    with socket.socket() as taken:  # bound but not listening: connections are refused
        taken.bind(("127.0.0.1", 0))
        dead = f"http://127.0.0.1:{taken.getsockname()[1]}/"
        for part, file in mnist.spec.items():
            mnist.spec[part] = dataclasses.replace(file, urls=(dead + file.name, file.urls[1]))
        mnist.serve("b")
        mnist.check(data.load("mnist"))


def test_without_network_one_sentence_says_what_to_put_where(offline, cache):
    with pytest.raises(data.DataError) as caught:
        data.load("mnist")
    message = str(caught.value)
    for expected in (*NAMES, "no network in this test", "storage.googleapis.com", "amazonaws.com"):
        assert expected in message
    assert message.endswith(
        "put them into a folder and set the environment variable BN_COURSE_DATA to its path"
    )
    assert tree(cache) == {}


def test_without_network_the_sentence_names_the_data_folder(mnist, offline, data_folder):
    mnist.write(data_folder)
    (data_folder / IMAGES).unlink()
    with pytest.raises(data.DataError) as caught:
        data.load("mnist")
    message = str(caught.value)
    assert message.endswith(f"put it into {data_folder}, the folder that BN_COURSE_DATA names")
    assert "t10k" not in message


def test_what_was_downloaded_stays_and_only_the_rest_is_asked_for(mnist, cache):
    mnist.serve("a")
    del mnist.server.routes[f"/a/{NAMES[2]}"]
    with pytest.raises(data.DataError) as caught:
        data.load("mnist")
    advice = str(caught.value).partition("or fetch ")[2]
    assert [name for name in NAMES if name in advice] == NAMES[2:]
    assert sorted(path.name for path in cache.iterdir()) == sorted(NAMES[:2])


@pytest.mark.parametrize(
    ("damage", "problem"),
    [
        (lambda body: body[:-100], "cannot be unpacked"),
        (lambda body: body[:-8] + flipped(body[-8:]), "cannot be unpacked .CRC check failed"),
        (lambda body: body[:10] + b"\xff" + body[11:], "cannot be unpacked .Error -3"),
        (lambda body: b"", "has 0 bytes when unpacked, expected 4720"),
        (lambda body: gzip.compress(bytes(4720)), "has the SHA-256 [0-9a-f]{64} when unpacked"),
        (lambda body: gzip.compress(bytes(9999)), "has more than 4720 bytes when unpacked"),
    ],
)
def test_bad_file_in_the_data_folder_is_an_error(mnist, data_folder, cache, damage, problem):
    """It is not silently replaced by a download, and the user's file stays as it is."""
    mnist.serve("a")
    mnist.write(data_folder)
    path = data_folder / IMAGES
    path.write_bytes(damage(mnist.files[IMAGES]))
    before = tree(data_folder)
    with pytest.raises(data.DataError, match=f"{problem}.*: replace it with the official") as e:
        data.load("mnist")
    assert str(path) in str(e.value)
    assert tree(data_folder) == before
    assert not cache.exists()
    assert mnist.server.asked == []


def test_unreadable_file_in_the_data_folder_is_an_error(mnist, data_folder):
    mnist.write(data_folder)
    (data_folder / IMAGES).unlink()
    (data_folder / IMAGES).mkdir()
    with pytest.raises(data.DataError, match=f"{IMAGES} cannot be read"):
        data.load("mnist")


def test_damaged_cache_is_fetched_again(mnist, cache):
    mnist.write(cache)
    (cache / IMAGES).write_bytes(mnist.files[IMAGES][:-100])
    mnist.serve("a")
    mnist.check(data.load("mnist"))
    assert mnist.server.asked == [f"/a/{IMAGES}"]


def test_damaged_cache_without_network_leaves_nothing_behind(mnist, offline, cache):
    cache.mkdir()
    (cache / IMAGES).write_bytes(b"damaged")
    with pytest.raises(data.DataError, match="could not be downloaded"):
        data.load("mnist")
    assert tree(cache) == {}


def test_cache_that_cannot_be_written_to(mnist, monkeypatch, tmp_path):
    (tmp_path / "file").write_text("not a folder")
    monkeypatch.setenv("BN_COURSE_CACHE", str(tmp_path / "file" / "cache"))
    mnist.serve("a")
    with pytest.raises(data.DataError, match="set the environment variable BN_COURSE_CACHE"):
        data.load("mnist")


class Bar:
    """A progress bar that remembers."""

    made = ()

    def __init__(self, total, leave, **_):
        self.total, self.leave, self.seen = total, leave, 0
        Bar.made = (*Bar.made, self)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        pass

    def update(self, received):
        self.seen += received


def test_download_shows_its_progress_and_cleans_up(mnist, monkeypatch):
    monkeypatch.setattr(Bar, "made", ())
    monkeypatch.setattr(data, "tqdm", Bar)
    mnist.serve("a")
    data.load("mnist")
    lengths = [len(mnist.files[name]) for name in NAMES]
    assert [bar.total for bar in Bar.made] == lengths
    assert [bar.seen for bar in Bar.made] == lengths
    assert not any(bar.leave for bar in Bar.made)


def interrupt(*_):
    raise KeyboardInterrupt


@pytest.mark.parametrize("moment", ["while receiving", "before the final name"])
def test_interrupt_leaves_nothing_behind(mnist, monkeypatch, cache, moment):
    if moment == "while receiving":
        monkeypatch.setattr(data, "tqdm", Bar)
        monkeypatch.setattr(Bar, "update", interrupt)
    else:
        monkeypatch.setattr(Path, "replace", interrupt)
    mnist.serve("a", "b")
    with pytest.raises(KeyboardInterrupt):
        data.load("mnist")
    assert tree(cache) == {}


@pytest.mark.parametrize(
    "content",
    [
        bytes([0, 0, 8, 1]) + idx(np.zeros((6, 28, 28), np.uint8))[4:],  # other rank
        bytes([0, 0, 13, 3]) + idx(np.zeros((6, 28, 28), np.uint8))[4:],  # floats
        idx(np.zeros((6, 28, 28), np.uint8))[:-1],  # a value too few
        bytes([0, 0, 8]),
    ],
)
def test_wrong_idx_header_is_an_error(mnist, data_folder, content):
    mnist.set("x_train", IMAGES, content)
    mnist.write(data_folder)
    with pytest.raises(data.DataError, match="not an IDX file of unsigned bytes with 3 dimensions"):
        data.load("mnist")


# --- CIFAR-10 ------------------------------------------------------------------------------------

RECORDS = 4
BATCHES = [*(f"data_batch_{i}.bin" for i in range(1, 6)), "test_batch.bin"]
TAR = "cifar-10-binary.tar.gz"
FOLDER = "cifar-10-batches-bin"


def pack(members):
    """A tar.gz of CIFAR-10's folder and then [(name or TarInfo, content)]."""
    packed = io.BytesIO()
    folder = tarfile.TarInfo(f"{FOLDER}/")
    folder.type = tarfile.DIRTYPE
    with tarfile.open(fileobj=packed, mode="w:gz") as tar:
        tar.addfile(folder)
        for name, content in members:
            member = tarfile.TarInfo(name) if isinstance(name, str) else name
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))
    return packed.getvalue()


@pytest.fixture
def cifar10(monkeypatch, server):
    """Six batches of four random records: `batches`, `members` of the tar, and `publish(tar)`."""
    rng = np.random.default_rng(1)
    batches = {}
    for name in BATCHES:
        labels = rng.integers(0, 10, (RECORDS, 1), np.uint8)
        pixels = rng.integers(0, 256, (RECORDS, 3072), np.uint8)
        batches[name] = np.hstack([labels, pixels]).tobytes()
    members = [
        *((f"{FOLDER}/{name}", content) for name, content in reversed(batches.items())),
        (f"{FOLDER}/readme.html", b"<html></html>"),
    ]

    def publish(tar):
        digest = hashlib.sha256(tar).hexdigest()
        urls = (f"{server.address}/{TAR}",)
        official = data.OfficialFile(TAR, urls, len(tar), digest, gunzip=False)
        monkeypatch.setattr(data, "CIFAR10_ARCHIVE", official)
        return tar

    monkeypatch.setattr(data, "CIFAR10_RECORDS", RECORDS)
    publish(pack(members))
    return types.SimpleNamespace(batches=batches, members=members, publish=publish)


def check_cifar10(d, batches, verified):
    assert (d.name, d.num_classes, d.verified) == ("cifar10", 10, verified)
    assert d.x_train.shape == (5 * RECORDS, 3, 32, 32)
    assert d.x_test.shape == (RECORDS, 3, 32, 32)
    assert d.x_train.dtype == d.x_test.dtype == np.float32
    assert d.y_train.dtype == d.y_test.dtype == np.int64
    assert not d.x_train.flags.writeable
    for image in range(5 * RECORDS):
        record = batches[BATCHES[image // RECORDS]][image % RECORDS * 3073 :]
        assert d.y_train[image] == record[0]
        # Red, green, blue; rows from top to bottom.
        for c, h, w in [(0, 0, 0), (0, 1, 0), (1, 0, 0), (2, 31, 30)]:
            value = record[1 + c * 1024 + h * 32 + w]
            assert d.x_train[image, c, h, w] == np.float32(value / 255)
    assert d.y_test[1] == batches["test_batch.bin"][3073]
    assert d.x_test[1, 0, 0, 0] == np.float32(batches["test_batch.bin"][3074] / 255)


@pytest.mark.parametrize("below", ["", "cifar10"])
def test_cifar10_archive_comes_from_the_data_folder(cifar10, data_folder, cache, below):
    (data_folder / below).mkdir(exist_ok=True)
    (data_folder / below / TAR).write_bytes(pack(cifar10.members))
    before = tree(data_folder)
    cifar10.publish((data_folder / below / TAR).read_bytes())
    check_cifar10(data.load("cifar10"), cifar10.batches, verified=True)
    assert tree(data_folder) == before
    assert not cache.exists()


def test_cifar10_archive_is_downloaded_once(cifar10, server, cache):
    server.routes[f"/{TAR}"] = cifar10.publish(pack(cifar10.members))
    for _ in range(2):
        check_cifar10(data.load("cifar10"), cifar10.batches, verified=True)
    assert server.asked == [f"/{TAR}"]
    assert tree(cache) == {cache / TAR: server.routes[f"/{TAR}"]}


def test_cifar10_archive_with_another_checksum_is_refused(cifar10, server, cache):
    tar = pack(cifar10.members)
    cifar10.publish(tar)
    server.routes[f"/{TAR}"] = tar[:-1] + flipped(tar[-1:])
    with pytest.raises(data.DataError, match=r"has the SHA-256 [0-9a-f]{64}, expected"):
        data.load("cifar10")
    assert tree(cache) == {}


def write_batches(folder, batches):
    folder.mkdir(parents=True)
    for name, content in batches.items():
        (folder / name).write_bytes(content)


@pytest.mark.parametrize("below", ["", "cifar10"])
def test_unpacked_cifar10_is_loaded_as_unverified(cifar10, data_folder, below):
    folder = data_folder / below / FOLDER
    write_batches(folder, cifar10.batches)
    d = data.load("cifar10")
    check_cifar10(d, cifar10.batches, verified=False)
    assert d.source == "CIFAR-10, unverified copy"


def test_a_copy_is_called_what_the_file_beside_it_says(cifar10, data_folder):
    write_batches(data_folder / FOLDER, cifar10.batches | {"variant.txt": b"JPEG copy\n"})
    d = data.load("cifar10")
    check_cifar10(d, cifar10.batches, verified=False)
    assert d.source == "CIFAR-10, JPEG copy"


@pytest.mark.parametrize("content", [b"", b"\n", b"x" * 41, b"JPEG\ncopy", b"a" * 50_000])
def test_a_variant_that_is_no_short_line_is_an_error(cifar10, data_folder, content):
    write_batches(data_folder / FOLDER, cifar10.batches | {"variant.txt": content})
    with pytest.raises(data.DataError, match=r"variant\.txt should name the kind of copy in one"):
        data.load("cifar10")


def test_the_archive_goes_before_an_unpacked_copy(cifar10, data_folder):
    write_batches(data_folder / FOLDER, {})
    (data_folder / TAR).write_bytes(cifar10.publish(pack(cifar10.members)))
    check_cifar10(data.load("cifar10"), cifar10.batches, verified=True)


@pytest.mark.parametrize(
    ("damage", "problem"),
    [
        (lambda batch: batch[:-1], r"has 12291 bytes, expected 12292 \(4 records of 3073\)"),
        (lambda batch: batch + b"\x00", "has more than 12292 bytes"),
        (lambda batch: b"\x0a" + batch[1:], "holds the label 10, expected 0 to 9"),
    ],
)
def test_bad_unpacked_batch_is_an_error(cifar10, data_folder, damage, problem):
    bad = damage(cifar10.batches["data_batch_3.bin"])
    write_batches(data_folder / FOLDER, cifar10.batches | {"data_batch_3.bin": bad})
    with pytest.raises(data.DataError, match=rf"data_batch_3\.bin in .*{problem}"):
        data.load("cifar10")


def test_absent_unpacked_batch_is_an_error(cifar10, data_folder):
    write_batches(data_folder / FOLDER, cifar10.batches)
    (data_folder / FOLDER / "test_batch.bin").unlink()
    with pytest.raises(data.DataError, match=r"test_batch\.bin cannot be read \(No such file"):
        data.load("cifar10")


def special(name, kind, linkname=""):
    member = tarfile.TarInfo(name)
    member.type, member.linkname = kind, linkname
    return member, b""


@pytest.mark.parametrize(
    "entry",
    [
        ("../evil", b"evil"),
        (f"{FOLDER}/../../evil", b"evil"),
        ("..\\evil", b"evil"),
        ("/tmp/evil", b"evil"),
        special(f"{FOLDER}/evil", tarfile.SYMTYPE, "/etc/passwd"),
        special(f"{FOLDER}/evil", tarfile.LNKTYPE, "../evil"),
        special(f"{FOLDER}/evil", tarfile.FIFOTYPE),
        special(f"{FOLDER}/evil", tarfile.CHRTYPE),
    ],
)
def test_unsafe_entry_in_the_archive_is_refused(cifar10, data_folder, tmp_path, entry):
    """Even if its checksum were right. Nothing is written, neither there nor elsewhere."""
    (data_folder / TAR).write_bytes(cifar10.publish(pack([*cifar10.members, entry])))
    before = tree(tmp_path)
    with pytest.raises(data.DataError, match=r"holds the entry .*evil"):
        data.load("cifar10")
    assert tree(tmp_path) == before


def test_damaged_archive_is_an_error(cifar10, data_folder, subtests):
    good = gzip.decompress(pack(cifar10.members))
    batch = cifar10.batches["data_batch_1.bin"]
    big = ("big", bytes(6 * len(batch) + data.OVERHEAD))
    longer = (f"{FOLDER}/data_batch_1.bin", batch + b"\x00")
    cases = {
        "is damaged": gzip.compress(good[:20_000]),
        "is damaged .Not a gzipped": good,
        "is damaged .Compressed file ended": gzip.compress(good)[:-20],
        "unpacks to more than": pack([*cifar10.members, big]),
        "lacks data_batch_5.bin, test_batch.bin in": pack(
            [m for m in cifar10.members if "5" not in m[0] and "test" not in m[0]]
        ),
        "data_batch_1.bin in .*tar.gz has more than 12292": pack([*cifar10.members, longer]),
    }
    for problem, tar in cases.items():
        with subtests.test(problem):
            (data_folder / TAR).write_bytes(cifar10.publish(tar))
            with pytest.raises(data.DataError, match=problem):
                data.load("cifar10")


def sparse(name, content, claimed):
    """A GNU sparse tar entry: `content` (512 bytes), then a hole up to `claimed` bytes."""
    member = tarfile.TarInfo(name)
    member.type, member.size = tarfile.GNUTYPE_SPARSE, len(content)
    header = bytearray(member.tobuf(tarfile.GNU_FORMAT))
    header[386:410] = b"%011o\0%011o\0" % (0, len(content))  # where the content lies
    header[483:495] = b"%011o\0" % claimed
    header[148:156] = b" " * 8  # the checksum counts itself as blanks
    header[148:156] = b"%06o\0 " % sum(header)
    return bytes(header) + content


def test_sparse_entry_is_not_inflated(cifar10, data_folder):
    name = f"{FOLDER}/data_batch_1.bin"
    others = [member for member in cifar10.members if member[0] != name]
    bomb = sparse(name, cifar10.batches["data_batch_1.bin"][:512], claimed=1 << 26)
    tar = gzip.compress(bomb + gzip.decompress(pack(others)))
    (data_folder / TAR).write_bytes(cifar10.publish(tar))
    tracemalloc.start()
    try:
        with pytest.raises(data.DataError, match=r"data_batch_1\.bin in .* more than 12292"):
            data.load("cifar10")
        assert tracemalloc.get_traced_memory()[1] < 1 << 24
    finally:
        tracemalloc.stop()


# --- the real files, where they are --------------------------------------------------------------


def needs_real(monkeypatch, dataset, *names):
    places = [Path(REAL_DATA) / below for below in ("", dataset)] if REAL_DATA else []
    if not all(any((place / name).exists() for place in places) for name in names):
        pytest.skip(f"BN_COURSE_DATA names no folder with {', '.join(names)}")
    monkeypatch.setenv("BN_COURSE_DATA", REAL_DATA)


def test_real_mnist(monkeypatch, offline):
    needs_real(monkeypatch, "mnist", *NAMES)
    d = data.load("mnist")
    assert d.x_train.shape == (60_000, 1, 28, 28)
    assert d.x_test.shape == (10_000, 1, 28, 28)
    assert d.y_train[:5].tolist() == [5, 0, 4, 1, 9]
    assert d.y_test[:5].tolist() == [7, 2, 1, 0, 4]
    # The constants with which MNIST is usually standardized.
    assert d.x_train.mean(dtype=np.float64) == pytest.approx(0.1307, abs=5e-5)
    assert d.x_train.std(dtype=np.float64) == pytest.approx(0.3081, abs=5e-5)


def test_real_unpacked_cifar10(monkeypatch, offline):
    needs_real(monkeypatch, "cifar10", FOLDER)
    d = data.load("cifar10")
    assert d.x_train.shape == (50_000, 3, 32, 32)
    np.testing.assert_array_equal(np.bincount(d.y_train), 5000)
    np.testing.assert_array_equal(np.bincount(d.y_test), 1000)


def test_the_first_digits_are_as_mixed_as_all():
    digits = data.load("digits")
    for labels in (digits.y_train, digits.y_test):
        assert set(labels[:60]) == set(range(10))
