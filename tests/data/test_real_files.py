"""The real files, where BN_COURSE_DATA has them."""

import os
from pathlib import Path

import numpy as np
import pytest
from published_files import FOLDER, NAMES

from helpers import data

REAL_DATA = os.environ.get("BN_COURSE_DATA")  # as it was before a fixture hides it


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
