"""Every function and its backward: against PyTorch, numerical gradients, known answers."""

import re

import numpy as np
import pytest
import torch

from helpers.numpy_nn import functional as F
from helpers.numpy_nn.gradcheck import numerical_gradient, relative_error

RNG = np.random.default_rng(0)
X = RNG.standard_normal((5, 4))
IMAGES = RNG.standard_normal((3, 2, 5, 6))
WEIGHT, BIAS = RNG.standard_normal((3, 4)), RNG.standard_normal(3)
FILTERS, FILTER_BIAS = RNG.standard_normal((4, 2, 3, 2)), RNG.standard_normal(4)
LABELS = np.array([3, 0, 1, 1, 2])
TARGET = RNG.standard_normal((5, 4))


def same_mask(x):
    return F.dropout(x, 0.4, np.random.default_rng(5))


# name: forward, backward, arguments with a gradient
FUNCTIONS = {
    "linear": (F.linear, F.linear_backward, (X, WEIGHT, BIAS)),
    "relu": (F.relu, F.relu_backward, (X,)),
    "sigmoid": (F.sigmoid, F.sigmoid_backward, (X,)),
    "tanh": (F.tanh, F.tanh_backward, (X,)),
    "dropout": (same_mask, F.dropout_backward, (X,)),
    "softmax_cross_entropy": (
        lambda x: F.softmax_cross_entropy(x, LABELS),
        F.softmax_cross_entropy_backward,
        (X,),
    ),
    "mse_loss": (lambda x: F.mse_loss(x, TARGET), F.mse_loss_backward, (X,)),
    "conv2d": (F.conv2d, F.conv2d_backward, (IMAGES, FILTERS, FILTER_BIAS)),
    "strided conv2d": (
        lambda *a: F.conv2d(*a, stride=2, padding=1),
        F.conv2d_backward,
        (IMAGES, FILTERS, FILTER_BIAS),
    ),
    "max_pool2d": (lambda x: F.max_pool2d(x, 2), F.max_pool2d_backward, (IMAGES,)),
    "avg_pool2d": (lambda x: F.avg_pool2d(x, 2), F.avg_pool2d_backward, (IMAGES,)),
    "global_avg_pool2d": (F.global_avg_pool2d, F.global_avg_pool2d_backward, (IMAGES,)),
}
every_function = pytest.mark.parametrize(
    ("forward", "backward", "arguments"), FUNCTIONS.values(), ids=FUNCTIONS
)


def gradients(backward, dy, cache):
    found = backward(dy, cache)
    return found if isinstance(found, tuple) else (found,)


@every_function
def test_backward_is_the_numerical_gradient(forward, backward, arguments):
    y, cache = forward(*arguments)
    dy = np.random.default_rng(1).standard_normal(np.shape(y))
    found = gradients(backward, dy, cache)
    assert len(found) == len(arguments)
    for i, gradient in enumerate(found):

        def loss(a, i=i):
            return (forward(*arguments[:i], a, *arguments[i + 1 :])[0] * dy).sum()

        assert relative_error(gradient, numerical_gradient(loss, arguments[i])) < 1e-8


@every_function
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_results_have_the_dtype_of_the_arguments(forward, backward, arguments, dtype):
    y, cache = forward(*(a.astype(dtype) for a in arguments))
    assert y.dtype == dtype
    dy = np.ones_like(y)
    assert {a.dtype for a in gradients(backward, dy, cache)} == {np.dtype(dtype)}


@pytest.mark.parametrize("name", ["linear", "conv2d"])
def test_parameters_of_another_float_type_follow_x(name):
    forward, backward, (x, *parameters) = FUNCTIONS[name]
    y, cache = forward(x.astype(np.float32), *parameters)
    assert {a.dtype for a in (y, *gradients(backward, y, cache))} == {np.dtype(np.float32)}


@every_function
def test_arguments_and_caches_are_not_changed(forward, backward, arguments):
    before = [a.copy() for a in arguments]
    y, cache = forward(*arguments)
    dy = np.ones(np.shape(y))
    first = [a.copy() for a in gradients(backward, dy, cache)]
    forward(*(a + 1 for a in arguments))
    for again, once in zip(gradients(backward, dy, cache), first, strict=True):
        np.testing.assert_array_equal(again, once)
    for now, then in zip((*arguments, dy), (*before, np.ones(np.shape(y))), strict=True):
        np.testing.assert_array_equal(now, then)


@every_function
@pytest.mark.parametrize("wrong", [int, object, np.float16])
def test_other_types_are_refused(forward, backward, arguments, wrong):
    with pytest.raises(TypeError, match=f"float32 or float64, not an array of {np.dtype(wrong)}"):
        forward(arguments[0].astype(wrong), *arguments[1:])
    with pytest.raises(TypeError, match="not a list"):
        forward(arguments[0].tolist(), *arguments[1:])


@every_function
def test_empty_batches_are_refused(forward, backward, arguments):
    with pytest.raises(ValueError, match="is empty"):
        forward(arguments[0][:0], *arguments[1:])


@pytest.mark.parametrize("name", sorted(set(FUNCTIONS) - {"softmax_cross_entropy", "mse_loss"}))
def test_a_gradient_of_another_shape_is_refused(name):
    forward, backward, arguments = FUNCTIONS[name]
    y, cache = forward(*arguments)
    with pytest.raises(ValueError, match=re.escape(f"dy must have shape {y.shape}")):
        backward(y[1:], cache)
    with pytest.raises(ValueError, match=re.escape(f"not {y.shape[1:]}")):
        backward(y[0], cache)


@every_function
def test_nan_passes_through(forward, backward, arguments):
    x = arguments[0].copy()
    x.flat[0] = np.nan
    assert np.isnan(forward(x, *arguments[1:])[0]).any()


def test_mse_loss_is_the_mean_over_all_elements():
    assert F.mse_loss(np.array([[1.0, 2.0]]), np.array([[4.0, 6.0]]))[0] == 12.5
    with pytest.raises(ValueError, match=r"target must have shape \(5, 4\)"):
        F.mse_loss(X, TARGET[:, :1])


def test_linear_agrees_with_pytorch():
    y, _ = F.linear(X, WEIGHT, BIAS)
    expected = torch.nn.functional.linear(*map(torch.tensor, (X, WEIGHT, BIAS)))
    np.testing.assert_allclose(y, expected, atol=1e-14)
    y, cache = F.linear(X, WEIGHT)
    np.testing.assert_allclose(y, expected - torch.tensor(BIAS), atol=1e-14)
    assert F.linear_backward(y, cache)[2] is None


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((X, WEIGHT.T, BIAS), r"\(4, 3\) expects 3 features, but x of shape \(5, 4\) has 4"),
        ((X, WEIGHT, np.ones(4)), r"bias must have shape \(3,\).*\(3, 4\), not \(4,\)"),
        ((IMAGES, WEIGHT, BIAS), r"x must have 2 dimensions, but its shape is \(3, 2, 5, 6\)"),
        ((X, BIAS, BIAS), r"weight must have 2 dimensions, but its shape is \(3,\)"),
    ],
)
def test_linear_refuses_shapes_that_do_not_fit(arguments, message):
    with pytest.raises(ValueError, match=message):
        F.linear(*arguments)


def test_relu_is_flat_at_zero():
    y, cache = F.relu(np.array([-1.0, 0, 2]))
    np.testing.assert_array_equal(y, [0, 0, 2])
    np.testing.assert_array_equal(F.relu_backward(np.full(3, 5.0), cache), [0, 0, 5])


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_sigmoid_and_tanh_are_stable_for_any_size(dtype):
    x = np.array([-np.inf, -1e30, -1000, -30, 0, 30, 1000, 1e30, np.inf], dtype)
    y, cache = F.sigmoid(x)
    assert y[3] == pytest.approx(np.exp(-30), rel=1e-6)
    np.testing.assert_array_equal(y[[0, 1, 2, 4, 6, 7, 8]], [0, 0, 0, 0.5, 1, 1, 1])
    assert np.isfinite(F.sigmoid_backward(np.ones_like(x), cache)).all()
    y, cache = F.tanh(x)
    np.testing.assert_array_equal(y[[0, 1, 2, 4, 6, 7, 8]], [-1, -1, -1, 0, 1, 1, 1])
    assert np.isfinite(F.tanh_backward(np.ones_like(x), cache)).all()


def test_activations_agree_with_pytorch():
    for name in ("relu", "sigmoid", "tanh"):
        y, _ = getattr(F, name)(4 * X)
        np.testing.assert_allclose(y, getattr(torch, name)(torch.tensor(4 * X)), atol=1e-15)


def test_dropout_zeroes_a_share_and_keeps_the_mean():
    x = np.ones((400, 500))
    y, _ = F.dropout(x, 0.2, np.random.default_rng(0))
    assert set(np.unique(y)) == {0, 1.25}
    assert (y == 0).mean() == pytest.approx(0.2, abs=0.005)
    again, _ = F.dropout(x, 0.2, np.random.default_rng(0))
    np.testing.assert_array_equal(again, y)


def test_dropout_with_p_zero_changes_nothing():
    y, cache = F.dropout(X, 0, np.random.default_rng(0))
    np.testing.assert_array_equal(y, X)
    np.testing.assert_array_equal(F.dropout_backward(X, cache), X)


@pytest.mark.parametrize("p", [-0.1, 1, 1.5, np.nan])
def test_dropout_refuses_what_is_no_probability(p):
    with pytest.raises(ValueError, match="p is a probability below 1, not"):
        F.dropout(X, p, np.random.default_rng(0))


def test_cross_entropy_agrees_with_pytorch():
    leaf = torch.tensor(X, requires_grad=True)
    expected = torch.nn.functional.cross_entropy(leaf, torch.tensor(LABELS))
    expected.backward()
    loss, cache = F.softmax_cross_entropy(X, LABELS)
    assert loss == pytest.approx(expected.item(), rel=1e-14)
    dx = F.softmax_cross_entropy_backward(1.0, cache)
    np.testing.assert_allclose(dx, leaf.grad, atol=1e-16)


def test_cross_entropy_known_answers():
    loss, _ = F.softmax_cross_entropy(np.zeros((3, 10)), np.array([0, 5, 9]))
    assert loss == pytest.approx(np.log(10))
    loss, cache = F.softmax_cross_entropy(np.array([[1e4, 0.0], [0, -1e4]]), np.array([0, 1]))
    assert loss == 5000
    dx = F.softmax_cross_entropy_backward(1.0, cache)
    np.testing.assert_array_equal(dx, [[0, 0], [0.5, -0.5]])


@pytest.mark.parametrize(
    ("labels", "error", "message"),
    [
        (LABELS[:4], ValueError, r"labels must have shape \(5,\).*not \(4,\)"),
        (LABELS[:, None], ValueError, r"\(5, 1\)"),
        (LABELS + 1, ValueError, r"\[0, 4\).*not in \[1, 4\]"),
        (LABELS - 1, ValueError, r"not in \[-1, 2\]"),
        (LABELS.astype(float), TypeError, "labels must be integers, not float64"),
    ],
)
def test_cross_entropy_refuses_wrong_labels(labels, error, message):
    with pytest.raises(error, match=message):
        F.softmax_cross_entropy(X, labels)
