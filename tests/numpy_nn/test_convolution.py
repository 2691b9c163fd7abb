"""Convolution and pooling, against PyTorch."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from helpers.numpy_nn import functional as F

X = np.random.default_rng(0).standard_normal((3, 2, 5, 6))
FILTERS = np.random.default_rng(1).standard_normal((4, 2, 3, 2))


@settings(derandomize=True, deadline=None, max_examples=60)
@given(
    n=st.integers(1, 4),
    channels=st.integers(1, 3),
    filters=st.integers(1, 3),
    size=st.tuples(st.integers(3, 7), st.integers(3, 7)),
    kernel=st.tuples(st.integers(1, 3), st.integers(1, 3)),
    stride=st.integers(1, 3),
    padding=st.integers(0, 2),
    bias=st.booleans(),
)
def test_convolution_agrees_with_pytorch(n, channels, filters, size, kernel, stride, padding, bias):
    rng = np.random.default_rng(0)
    arrays = [rng.standard_normal((n, channels, *size))]
    arrays.append(rng.standard_normal((filters, channels, *kernel)))
    arrays.append(rng.standard_normal(filters) if bias else None)
    leaves = [None if a is None else torch.tensor(a, requires_grad=True) for a in arrays]
    expected = torch.nn.functional.conv2d(*leaves, stride, padding)
    y, cache = F.conv2d(*arrays, stride, padding)
    np.testing.assert_allclose(y, expected.detach(), atol=1e-13)
    assert y.flags.c_contiguous
    dy = rng.standard_normal(y.shape)
    expected.backward(torch.tensor(dy))
    found = F.conv2d_backward(dy, cache)
    for gradient, leaf in zip(found, leaves, strict=True):
        if leaf is None:
            assert gradient is None
        else:
            np.testing.assert_allclose(gradient, leaf.grad, atol=1e-12)


@pytest.mark.parametrize("kernel_size", [1, 2, 3, 5])
@pytest.mark.parametrize("kind", ["max", "avg"])
def test_pooling_agrees_with_pytorch(kernel_size, kind):
    """Sizes that do not divide the image included: PyTorch leaves the rest out."""
    leaf = torch.tensor(X, requires_grad=True)
    expected = getattr(torch.nn.functional, f"{kind}_pool2d")(leaf, kernel_size)
    y, cache = getattr(F, f"{kind}_pool2d")(X, kernel_size)
    np.testing.assert_allclose(y, expected.detach(), atol=1e-15)
    dy = np.random.default_rng(0).standard_normal(y.shape)
    expected.backward(torch.tensor(dy))
    dx = getattr(F, f"{kind}_pool2d_backward")(dy, cache)
    np.testing.assert_allclose(dx, leaf.grad, atol=1e-15)


def test_ties_in_max_pooling_go_to_the_first():
    y, cache = F.max_pool2d(np.ones((1, 1, 2, 2)), 2)
    assert y.item() == 1
    dx = F.max_pool2d_backward(np.full((1, 1, 1, 1), 7.0), cache)
    np.testing.assert_array_equal(dx[0, 0], [[7, 0], [0, 0]])


def test_global_average():
    y, cache = F.global_avg_pool2d(X)
    np.testing.assert_allclose(y, X.mean(axis=(2, 3)))
    dx = F.global_avg_pool2d_backward(y, cache)
    np.testing.assert_allclose(dx.sum(axis=(2, 3)), y)
    assert dx.flags.writeable


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((X[0], FILTERS), r"x must have 4 dimensions, but its shape is \(2, 5, 6\)"),
        ((X, FILTERS[0]), r"weight must have 4 dimensions"),
        ((X, FILTERS[:, :1]), r"expects 1 channels, but x of shape \(3, 2, 5, 6\) has 2"),
        ((X, FILTERS, np.ones(3)), r"bias must have shape \(4,\).*not \(3,\)"),
        ((X, FILTERS, None, 0), "stride must be at least 1"),
        ((X, FILTERS, None, 1, -1), "padding at least 0"),
        ((X[:, :, :2], FILTERS), r"3x2 kernel does not fit into x of shape \(3, 2, 2, 6\)"),
    ],
)
def test_convolution_refuses_what_does_not_fit(arguments, message):
    with pytest.raises(ValueError, match=message):
        F.conv2d(*arguments)


@pytest.mark.parametrize("pool", [F.max_pool2d, F.avg_pool2d])
@pytest.mark.parametrize("kernel_size", [0, 6])
def test_pooling_refuses_windows_that_do_not_fit(pool, kernel_size):
    with pytest.raises(ValueError, match=f"kernel_size {kernel_size} does not fit"):
        pool(X, kernel_size)
