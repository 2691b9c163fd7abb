"""The digits as they are in the repository."""

import dataclasses
import functools
import hashlib
import importlib.util
from pathlib import Path

import numpy as np
import pytest

from helpers import data
from helpers.data import official

REPOSITORY = Path(__file__).resolve().parents[2]


@functools.cache
def make_digits():
    spec = importlib.util.spec_from_file_location(
        "make_digits", REPOSITORY / "data" / "make_digits.py"
    )
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def digits_in_source_order():
    with np.load(official.DIGITS) as file:
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
    with np.load(official.DIGITS) as file:
        stored = file["x_test"]
    assert stored.dtype == np.uint8
    np.testing.assert_array_equal(data.load("digits").x_test[:, 0] * 16, stored)


def test_make_digits_repeats_the_committed_file():
    assert make_digits().pack(*digits_in_source_order()) == official.DIGITS.read_bytes()


def test_make_digits_repeats_the_committed_file_from_its_source(monkeypatch, tmp_path):
    pytest.importorskip("sklearn", reason="scikit-learn is not needed by the course")
    monkeypatch.setattr(make_digits(), "__file__", str(tmp_path / "make_digits.py"))
    make_digits().main()
    assert (tmp_path / "digits.npz").read_bytes() == official.DIGITS.read_bytes()


def test_split_is_a_partition_with_fifty_test_images_of_each_class():
    labels = np.repeat([3, 7, 8], [60, 50, 200])
    train, test = make_digits().split(labels)
    assert sorted(np.concatenate([train, test])) == list(range(310))
    assert np.bincount(labels[test])[[3, 7, 8]].tolist() == [50, 50, 50]
    assert not np.array_equal(train, np.sort(train))  # shuffled: batches in order are mixed


def test_checksum_is_that_of_the_file_and_in_the_datasheet():
    assert hashlib.sha256(official.DIGITS.read_bytes()).hexdigest() == official.DIGITS_SHA256
    datasheet = (REPOSITORY / "data" / "README.md").read_text(encoding="utf-8")
    assert official.DIGITS_SHA256 in datasheet


def test_changed_digits_are_refused(monkeypatch, tmp_path):
    content = bytearray(official.DIGITS.read_bytes())
    content[5000] ^= 1
    (tmp_path / "digits.npz").write_bytes(content)
    monkeypatch.setattr(official, "DIGITS", tmp_path / "digits.npz")
    with pytest.raises(data.DataError, match="restore it from the repository"):
        data.load("digits")


def test_absent_digits_are_reported(monkeypatch, tmp_path):
    monkeypatch.setattr(official, "DIGITS", tmp_path / "digits.npz")
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


def test_the_first_digits_are_as_mixed_as_all():
    digits = data.load("digits")
    for labels in (digits.y_train, digits.y_test):
        assert set(labels[:60]) == set(range(10))
