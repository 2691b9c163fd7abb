"""Files are found, fetched and verified: MNIST, through small files in the same formats."""

import dataclasses
import errno
import gzip
import socket
from pathlib import Path

import numpy as np
import pytest
from published_files import IMAGES, NAMES, flipped, idx, tree

from helpers import data
from helpers.data import obtaining, official


def test_official_files_have_the_sizes_of_their_formats_and_secure_addresses():
    sizes = {part: file.size for part, file in official.MNIST.items()}
    assert sizes == {
        "x_train": 16 + 60_000 * 784,
        "y_train": 8 + 60_000,
        "x_test": 16 + 10_000 * 784,
        "y_test": 8 + 10_000,
    }
    for file in (*official.MNIST.values(), official.CIFAR10_ARCHIVE):
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
    monkeypatch.setattr(obtaining.sys, "platform", platform)
    monkeypatch.setattr(Path, "expanduser", lambda path: Path("home", *path.parts[1:]))
    assert obtaining.cache_folder() == Path(expected) / "batch-norm-course"


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
    "too much": (lambda body: bytes(official.OVERHEAD + 10**6), "sends more than"),
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


@pytest.mark.parametrize("variable", ["BN_COURSE_DATA", "BN_COURSE_CACHE", None])
def test_without_a_home_one_sentence_says_what_to_set(monkeypatch, variable):
    def nowhere(path):
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.setattr(Path, "expanduser", nowhere)
    for name in ("BN_COURSE_CACHE", "XDG_CACHE_HOME", "LOCALAPPDATA"):
        monkeypatch.delenv(name, raising=False)
    if variable:
        monkeypatch.setenv(variable, "~/somewhere")
    with pytest.raises(data.DataError, match=f"{variable or 'BN_COURSE_CACHE'} (is '~/|to a fo)"):
        data.load("mnist")


def test_every_reply_is_closed_also_a_refused_one(mnist, monkeypatch):
    replies, urlopen = [], obtaining.urllib.request.urlopen

    def remembering(url, timeout):
        try:
            replies.append(urlopen(url, timeout=timeout))
        except obtaining.urllib.error.HTTPError as refused:
            replies.append(refused)
            raise
        return replies[-1]

    monkeypatch.setattr(obtaining.urllib.request, "urlopen", remembering)
    mnist.serve("b")  # the first mirror answers 404 to every request
    data.load("mnist")
    assert len(replies) == 8
    assert all(reply.closed for reply in replies)


def test_a_data_folder_that_may_not_be_read_is_not_taken_for_an_empty_one(
    mnist, data_folder, monkeypatch
):
    def refuse(path, *_, **__):
        raise PermissionError(errno.EACCES, "Permission denied", str(path))

    monkeypatch.setattr(Path, "stat", refuse)
    monkeypatch.setattr(Path, "open", refuse)
    with pytest.raises(data.DataError, match=r"cannot be read \(Permission denied\)"):
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
    monkeypatch.setattr(obtaining, "tqdm", Bar)
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
        monkeypatch.setattr(obtaining, "tqdm", Bar)
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
