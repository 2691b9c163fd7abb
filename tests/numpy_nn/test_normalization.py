"""Batch norm: against PyTorch, against float64, against numerical gradients, and at its edges."""

import tracemalloc

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from helpers.numpy_nn import functional as F
from helpers.numpy_nn.gradcheck import numerical_gradient, relative_error
from helpers.numpy_nn.modules import BatchNorm

REPEATABLE = settings(derandomize=True, deadline=None, max_examples=150)
TOLERANCE = {np.float32: 2e-5, np.float64: 1e-11}


def example(shape, dtype=np.float64, mean=0.0, std=1.0, seed=0):
    """Random x, gamma, beta, dy; no gamma is 1 and no beta 0."""
    rng = np.random.default_rng(seed)
    x = mean + std * rng.standard_normal(shape)
    gamma, beta = rng.uniform(0.5, 2, shape[1]), rng.uniform(1, 2, shape[1])
    return [a.astype(dtype) for a in (x, gamma, beta, rng.standard_normal(shape))]


def in_float64(x, gamma, beta, dy, eps=1e-5):
    """Return y, dx, dgamma, dbeta by the textbook's formulae in float64."""
    x, gamma, beta, dy = (a.astype(np.float64) for a in (x, gamma, beta, dy))
    axes = (0, *range(2, x.ndim))
    gamma, beta = (a.reshape(-1, *[1] * (x.ndim - 2)) for a in (gamma, beta))
    inv_std = 1 / np.sqrt(x.var(axis=axes, keepdims=True) + eps)
    x_hat = (x - x.mean(axis=axes, keepdims=True)) * inv_std
    dmean, dslope = (a.mean(axis=axes, keepdims=True) for a in (dy, dy * x_hat))
    dx = gamma * inv_std * (dy - dmean - x_hat * dslope)
    return gamma * x_hat + beta, dx, (dy * x_hat).sum(axis=axes), dy.sum(axis=axes)


def all_results(x, gamma, beta, dy, eps=1e-5):
    y, cache = F.batch_norm(x, gamma, beta, eps)
    return y, *F.batch_norm_backward(dy, cache)


# --- PyTorch -----------------------------------------------------------------------------------


@st.composite
def batches(draw):
    """Random shapes and types. The values of a channel are a shuffled grid: no tiny variance."""
    shape = (draw(st.integers(1, 9)), draw(st.integers(1, 5)))
    shape += tuple(draw(st.lists(st.integers(1, 5), max_size=3)))
    count = np.prod(shape) // shape[1]
    if count < 2:
        shape, count = (shape[0] + 1, *shape[1:]), 2
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    grid = np.tile(np.linspace(-1, 1, count), (shape[1], 1))
    values = rng.uniform(-2, 2, (shape[1], 1)) + rng.uniform(0.5, 4, (shape[1], 1)) * grid
    values = rng.permuted(values, axis=1).reshape(shape[1], shape[0], *shape[2:])
    dtype = draw(st.sampled_from([np.float32, np.float64]))
    gamma, beta = rng.uniform(-2, 2, (2, shape[1]))
    arrays = np.ascontiguousarray(values.swapaxes(0, 1)), gamma, beta, rng.standard_normal(shape)
    return [a.astype(dtype) for a in arrays], draw(st.sampled_from([1e-5, 1e-3, 0.1]))


def close(actual, expected, scale=1.0):
    expected = expected.detach().numpy()
    assert actual.dtype == expected.dtype
    assert actual.shape == expected.shape
    scale = max(scale, np.abs(expected).max())
    np.testing.assert_allclose(actual, expected, rtol=0, atol=scale * TOLERANCE[actual.dtype.type])


@REPEATABLE
@given(batches())
def test_forward_and_backward_agree_with_pytorch(batch):
    (x, gamma, beta, dy), eps = batch
    leaves = [torch.tensor(a, requires_grad=True) for a in (x, gamma, beta)]
    expected = torch.nn.functional.batch_norm(leaves[0], None, None, *leaves[1:], True, eps=eps)
    expected.backward(torch.tensor(dy))
    y, cache = F.batch_norm(x, gamma, beta, eps)
    close(y, expected)
    # With two values per channel dx is the small difference of large terms: those set the scale.
    terms = np.abs(gamma / np.sqrt(cache.var + eps)).max() * np.abs(dy).max()
    dx, dgamma, dbeta = F.batch_norm_backward(dy, cache)
    close(dx, leaves[0].grad, terms)
    close(dgamma, leaves[1].grad, dy.size**0.5)
    close(dbeta, leaves[2].grad, dy.size**0.5)


@REPEATABLE
@given(batches(), st.sampled_from([None, 0.01, 0.1, 0.5, 1.0]), st.integers(1, 3))
def test_running_statistics_and_eval_mode_agree_with_pytorch(batch, momentum, updates):
    (x, gamma, beta, dy), eps = batch
    ours = BatchNorm(x.shape[1], eps, momentum)
    theirs = [torch.nn.BatchNorm1d, torch.nn.BatchNorm2d, torch.nn.BatchNorm3d]
    theirs = theirs[max(x.ndim, 3) - 3](x.shape[1], eps, momentum).to(torch.tensor(x).dtype)
    ours.gamma.data, ours.beta.data = gamma, beta
    with torch.no_grad():
        theirs.weight.copy_(torch.tensor(gamma))
        theirs.bias.copy_(torch.tensor(beta))
    for step in range(updates):
        close(ours(x * (1 + step)), theirs(torch.tensor(x * (1 + step))))
    assert ours.num_batches_tracked == theirs.num_batches_tracked
    close(ours.running_mean.astype(x.dtype), theirs.running_mean)
    close(ours.running_var.astype(x.dtype), theirs.running_var)

    leaf = torch.tensor(x, requires_grad=True)
    theirs.zero_grad()
    expected = theirs.eval()(leaf)
    expected.backward(torch.tensor(dy))
    y = ours.eval()(x)
    close(y, expected)
    close(ours.backward(dy), leaf.grad)
    close(ours.gamma.grad, theirs.weight.grad, dy.size**0.5 * np.abs(y).max())
    close(ours.beta.grad, theirs.bias.grad, dy.size**0.5)


# --- accuracy and memory -----------------------------------------------------------------------

SHAPES = [
    (200, 30),
    (5000, 7),
    (100_000, 2),
    (64, 16, 14, 14),
    (128, 32, 8, 8),
    (2, 3, 600),
    (5, 4),
    (600, 900),  # large enough for a first look at few samples
]


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize(
    ("mean", "std", "bound"),
    [
        (0, 1, 1e-5),
        (1.95, 1, 1e-5),  # just before a shift is subtracted
        (2.05, 1, 1e-5),
        (-3, 100, 1e-5),
        (1e4, 1, 2e-5),
        (1e4, 0.1, 2e-5),
        (1e4, 0.01, 2e-5),
    ],
)
def test_float32_is_accurate(shape, mean, std, bound):
    arrays = example(shape, np.float32, mean, std)
    for actual, truth in zip(all_results(*arrays), in_float64(*arrays), strict=True):
        assert relative_error(actual, truth) < bound


@pytest.mark.parametrize("order", ["sorted", "one channel far", "outlier first"])
@pytest.mark.parametrize("channels", [4, 200])  # 600,000 values: with a first look at few samples
def test_float32_is_accurate_for_awkward_batches(order, channels):
    arrays = example((3000, channels), np.float32)
    x = arrays[0]
    if order == "sorted":
        x += 100
        x.sort(axis=0)
    elif order == "one channel far":
        x[:, 2] = 1e4 + 0.01 * x[:, 2]
    else:
        x[0] = 1e3
    for actual, truth in zip(all_results(*arrays), in_float64(*arrays), strict=True):
        assert relative_error(actual, truth) < 1e-5


@pytest.mark.parametrize("mean", [0, 1e4])
def test_statistics_in_float32_are_those_of_float64(mean):
    x = example((64, 8, 6, 6), np.float32, mean, 0.1)[0]
    axes = (0, 2, 3)
    truth = x.mean(axis=axes, dtype=np.float64), x.var(axis=axes, dtype=np.float64)
    _, cache = F.batch_norm(x, np.ones(8), np.zeros(8))
    for mean, var in (F.batch_statistics(x), (cache.mean, cache.var)):
        assert mean.dtype == var.dtype == np.float64
        np.testing.assert_allclose(mean, truth[0], rtol=0, atol=1e-7)
        np.testing.assert_allclose(var, truth[1], rtol=1e-5)


@pytest.mark.parametrize("shape", [(64, 32, 28, 28), (128, 128, 8, 8), (1024, 512)])
@pytest.mark.parametrize("mean", [0, 1e4])
def test_peak_memory_is_one_array_each_way(shape, mean):
    x, gamma, beta, dy = example(shape, np.float32, mean)
    _, cache = F.batch_norm(x, gamma, beta)
    calls = {
        "forward": lambda: F.batch_norm(x, gamma, beta),
        "backward": lambda: F.batch_norm_backward(dy, cache),
        "inference": lambda: F.batch_norm_inference(x, gamma, beta, cache.mean, cache.var),
        "inference backward": lambda: F.batch_norm_inference_backward(dy, cache),
        "statistics": lambda: F.batch_statistics(x),
    }
    for name, call in calls.items():
        tracemalloc.start()
        call()
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        assert peak <= 1.1 * x.nbytes, name


def test_the_cache_holds_the_input_itself_and_small_vectors():
    x, gamma, beta, _ = example((50, 3, 4, 4))
    _, cache = F.batch_norm(x, gamma, beta)
    assert cache.x is x
    assert sum(np.size(value) for value in cache[1:]) == 3 * 3 + 1


# --- known answers and gradients ---------------------------------------------------------------


def test_known_answers():
    x = np.array([[0.0, 10.0], [2.0, 30.0]])
    gamma, beta = np.array([3.0, 0.5]), np.array([5.0, -1.0])
    y, cache = F.batch_norm(x, gamma, beta, eps=0)
    np.testing.assert_allclose(y, [[2, -1.5], [8, -0.5]])
    np.testing.assert_allclose(cache.mean, [1, 20])
    np.testing.assert_allclose(cache.var, [1, 100])
    y, _ = F.batch_norm(x, np.ones(2), np.zeros(2), eps=3.0)  # eps inside the root: 1 / sqrt(1 + 3)
    np.testing.assert_allclose(y[:, 0], [-0.5, 0.5])
    y = F.batch_norm_inference(x, gamma, beta, np.array([2.0, 0]), np.array([4.0, 25]), eps=0)
    np.testing.assert_allclose(y, [[2, 0], [5, 2]])


def test_the_variance_of_the_output_falls_short_of_one_by_eps():
    x = example((40, 3), std=0.01)[0]
    y, cache = F.batch_norm(x, np.ones(3), np.zeros(3), eps=1e-4)
    np.testing.assert_allclose(y.var(axis=0), cache.var / (cache.var + 1e-4))


def test_gamma_and_beta_can_undo_the_normalization():
    x = example((30, 4, 5), mean=3)[0]
    _, cache = F.batch_norm(x, np.ones(4), np.zeros(4))
    y, _ = F.batch_norm(x, np.sqrt(cache.var + cache.eps), cache.mean)
    np.testing.assert_allclose(y, x, atol=1e-12)


@pytest.mark.parametrize("shape", [(4, 3), (3, 2, 5), (3, 2, 2, 2), (2, 2, 2, 2, 2)])
@pytest.mark.parametrize("eps", [0.0, 1e-5, 0.5])
@pytest.mark.parametrize("mean", [0.3, 50])
def test_backward_is_the_numerical_gradient(shape, eps, mean):
    x, gamma, beta, dy = example(shape, mean=mean)
    _, cache = F.batch_norm(x, gamma, beta, eps)
    dx, dgamma, dbeta = F.batch_norm_backward(dy, cache)

    def loss(x=x, gamma=gamma, beta=beta):
        return (F.batch_norm(x, gamma, beta, eps)[0] * dy).sum()

    assert relative_error(dx, numerical_gradient(lambda a: loss(x=a), x)) < 1e-7
    assert relative_error(dgamma, numerical_gradient(lambda a: loss(gamma=a), gamma)) < 1e-8
    assert relative_error(dbeta, numerical_gradient(lambda a: loss(beta=a), beta)) < 1e-8


@pytest.mark.parametrize("shape", [(4, 3), (1, 3), (3, 2, 2, 2)])
@pytest.mark.parametrize("mean", [0.3, 50])
def test_inference_backward_is_the_numerical_gradient(shape, mean):
    x, gamma, beta, dy = example(shape, mean=mean)
    means, variances = np.arange(1.0, shape[1] + 1) + mean, np.linspace(0.5, 2, shape[1])

    def loss(x=x, gamma=gamma, beta=beta):
        return (F.batch_norm_inference(x, gamma, beta, means, variances, 0.1) * dy).sum()

    cache = F.BatchNormCache(x, gamma, means, variances, 0.1)
    dx, dgamma, dbeta = F.batch_norm_inference_backward(dy, cache)
    assert relative_error(dx, numerical_gradient(lambda a: loss(x=a), x)) < 1e-7
    assert relative_error(dgamma, numerical_gradient(lambda a: loss(gamma=a), gamma)) < 1e-7
    assert relative_error(dbeta, numerical_gradient(lambda a: loss(beta=a), beta)) < 1e-7


# --- types, layouts, special values ------------------------------------------------------------


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("parameter_dtype", [np.float32, np.float64])
def test_results_have_the_dtype_of_x(dtype, parameter_dtype):
    x, _, _, dy = example((6, 3, 2), dtype)
    _, gamma, beta, _ = example((6, 3, 2), parameter_dtype)
    y, cache = F.batch_norm(x, gamma, beta)
    eval_y = F.batch_norm_inference(x, gamma, beta, cache.mean, cache.var)
    results = [y, eval_y, *F.batch_norm_backward(dy, cache)]
    results += F.batch_norm_inference_backward(dy, cache)
    assert {a.dtype for a in results} == {np.dtype(dtype)}


@pytest.mark.parametrize("shape", [(7, 3), (300, 400), (5, 3, 4, 4), (64, 16, 20, 20)])
@pytest.mark.parametrize("mean", [0, 100])
def test_arguments_are_not_changed_and_results_share_nothing(shape, mean):
    arguments = example(shape, mean=mean)
    before = [a.copy() for a in arguments]
    x, gamma, beta, dy = arguments
    y, cache = F.batch_norm(x, gamma, beta)
    first = F.batch_norm_backward(dy, cache)
    results = [y, *first, F.batch_norm_inference(x, gamma, beta, cache.mean, cache.var)]
    kept = [a.copy() for a in results]
    F.batch_norm_backward(dy, F.batch_norm(x + 1, gamma, beta)[1])  # must not disturb the cache
    for again, once in zip(F.batch_norm_backward(dy, cache), first, strict=True):
        np.testing.assert_array_equal(again, once)
    for now, then in zip(arguments + results, before + kept, strict=True):
        np.testing.assert_array_equal(now, then)
    for i, a in enumerate(results):
        assert not any(np.shares_memory(a, b) for b in [*arguments, *results[:i]])


def test_read_only_and_non_contiguous_arrays_work():
    x, gamma, beta, dy = example((6, 3, 4, 5))
    expected = all_results(x, gamma, beta, dy)
    channels_last = np.moveaxis(np.ascontiguousarray(np.moveaxis(x, 1, -1)), -1, 1)
    every_other = np.repeat(dy, 2, axis=0)[::2]
    for a in (channels_last, gamma, beta, every_other):
        a.flags.writeable = False
    assert not channels_last.flags.c_contiguous
    assert not every_other.flags.c_contiguous
    for a, b in zip(all_results(channels_last, gamma, beta, every_other), expected, strict=True):
        np.testing.assert_allclose(a, b, atol=1e-13)


def test_large_batches_go_through_many_blocks():
    arrays = example((70, 50, 400))  # 1.4 million elements, the last block is not full
    for actual, truth in zip(all_results(*arrays), in_float64(*arrays), strict=True):
        assert relative_error(actual, truth) < 1e-12


def test_numpys_buffer_size_is_left_as_it_was():
    x, gamma, beta, dy = example((300, 400))
    with np.errstate():
        np.setbufsize(4096)
        F.batch_norm_backward(dy, F.batch_norm(x, gamma, beta)[1])
        with pytest.raises(ValueError, match="eps"):
            F.batch_norm(x, gamma, beta, -1)
        assert np.getbufsize() == 4096


@pytest.mark.parametrize("shape", [(8, 3), (8, 3, 4, 4), (400, 3, 10, 10)])
@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_nan_and_infinity_spoil_their_channel_and_no_other(shape, bad):
    x, gamma, beta, dy = example(shape)
    clean = all_results(x, gamma, beta, dy)
    x[2, 1] = bad
    with np.errstate(invalid="ignore"):
        y, cache = F.batch_norm(x, gamma, beta)
        dx, dgamma, dbeta = F.batch_norm_backward(dy, cache)
    for actual, good in zip((y, dx), clean, strict=False):
        assert np.isnan(actual[:, 1]).all()
        np.testing.assert_allclose(actual[:, ::2], good[:, ::2], atol=1e-13)
    assert np.isnan([cache.var[1], dgamma[1]]).all()
    assert np.isfinite(dbeta).all()


def test_nan_in_the_gradient_passes_through():
    x, gamma, beta, dy = example((8, 3))
    dy[2, 1] = np.nan
    dx, dgamma, dbeta = F.batch_norm_backward(dy, F.batch_norm(x, gamma, beta)[1])
    for a in (dx, dgamma[None], dbeta[None]):
        assert np.isnan(a[:, 1]).all()
        assert np.isfinite(a[:, ::2]).all()


@pytest.mark.parametrize("value", [0.0, 0.1, -1e4, 1e-30, 123456.789])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("shape", [(7, 2), (1000, 2), (90, 2, 7, 7), (1400, 400)])
def test_a_constant_channel_becomes_beta(shape, dtype, value):
    x, gamma, beta, dy = example(shape, dtype)
    x[:, 1] = value
    y, cache = F.batch_norm(x, gamma, beta)
    assert cache.var[1] == 0
    np.testing.assert_array_equal(y[:, 1], beta[1])
    dx, dgamma, _ = F.batch_norm_backward(dy, cache)
    assert abs(dgamma[1]) < 1e-3
    assert np.isfinite(dx).all()


# --- huge values -------------------------------------------------------------------------------

HUGE = [
    *[(np.float32, 2.0**power) for power in (60, 66, 90, 122)],
    *[(np.float64, 2.0**power) for power in (400, 500)],
]


@pytest.mark.parametrize("shape", [(50, 3), (16, 3, 6, 7), (1400, 400)])
@pytest.mark.parametrize("mean", [0, 10])
@pytest.mark.parametrize(("dtype", "unit"), HUGE)
def test_the_unit_of_x_does_not_matter(dtype, unit, mean, shape):
    x, gamma, beta, dy = example(shape, dtype, mean)
    x[:, 1] *= 0.1
    # As if eps were 0, which it is beside values this large.
    y, dx, dgamma, dbeta = in_float64(x, gamma, beta, dy, eps=0)
    found = all_results(x * dtype(unit), gamma, beta, dy)
    for actual, truth in zip(found, (y, dx / unit, dgamma, dbeta), strict=True):
        assert relative_error(actual.astype(np.float64), truth) < TOLERANCE[dtype]
    mean, var = F.batch_statistics(x * dtype(unit))
    axes = (0, *range(2, x.ndim))
    np.testing.assert_allclose(mean / unit, x.mean(axes, np.float64), rtol=1e-5, atol=1e-5)
    np.testing.assert_allclose(var / unit / unit, x.var(axes, np.float64), rtol=1e-5)
    in_eval_mode = F.batch_norm_inference(x * dtype(unit), gamma, beta, mean, var)
    assert relative_error(in_eval_mode, y) < TOLERANCE[dtype]
    cache = F.BatchNormCache(x * dtype(unit), gamma, mean, var, 1e-5)
    _, same_dgamma, _ = F.batch_norm_inference_backward(dy, cache)
    assert relative_error(same_dgamma, dgamma) < TOLERANCE[dtype]


def test_one_huge_channel_leaves_the_others_as_they_are():
    x, gamma, beta, dy = example((16, 3, 6, 7), np.float32)
    usual = all_results(x, gamma, beta, dy)
    x[:, 1] *= 1e30
    found = all_results(x, gamma, beta, dy)
    for actual, expected in zip(found[:2], usual[:2], strict=True):
        np.testing.assert_array_equal(actual[:, ::2], expected[:, ::2])
    np.testing.assert_allclose(found[0][:, 1], usual[0][:, 1], rtol=1e-4, atol=1e-4)
    np.testing.assert_allclose(found[2], usual[2], rtol=1e-4)


def test_a_variance_beyond_float64_is_refused():
    x, gamma, beta, _ = example((16, 3))
    layer = BatchNorm(3)
    for call in (
        lambda: F.batch_norm(x * 1e200, gamma, beta),
        lambda: F.batch_statistics(x * 1e200),
        lambda: layer(x * 1e200),
        lambda: F.batch_norm_inference(x, gamma, beta, beta, np.array([1.0, np.inf, 1])),
    ):
        with pytest.raises(
            OverflowError, match="a variance is infinite, beyond float64: divide x by"
        ):
            call()
    assert layer.num_batches_tracked == 0


def test_running_statistics_of_huge_values_hold_in_float64():
    x = example((500, 3), np.float32)[0] * np.float32(1e25)
    layer = BatchNorm(3, momentum=1.0)
    y = layer(x)
    np.testing.assert_allclose(layer.eval()(x), y, atol=0.01)  # the unbiased variance


# --- errors ------------------------------------------------------------------------------------

X, G = np.arange(12.0).reshape(4, 3), np.ones(3)


@pytest.mark.parametrize(
    ("x", "gamma", "beta", "eps", "error", "message"),
    [
        (X[0], G, G, 1e-5, ValueError, r"\(N, C\) or \(N, C, \*spatial\), not \(3,\)"),
        (np.float64(3), G, G, 1e-5, TypeError, "not a float64"),
        (np.array(3.0), G, G, 1e-5, ValueError, r"not \(\)"),
        (X, np.ones(4), G, 1e-5, ValueError, r"gamma .*\(3,\).*\(4, 3\), not \(4,\)"),
        (X, G, np.ones((3, 1)), 1e-5, ValueError, r"beta .*\(3,\).*\(4, 3\), not \(3, 1\)"),
        (X, 1.0, G, 1e-5, TypeError, "gamma .*not a float"),
        (X, [1.0] * 3, G, 1e-5, TypeError, "gamma .*not a list"),
        (X, None, G, 1e-5, TypeError, "gamma .*not a NoneType"),
        (X, np.ones(3, int), G, 1e-5, TypeError, "gamma .*int64"),
        (X[:1], G, G, 1e-5, ValueError, r"at least two values per channel.*\(1, 3\)"),
        (np.ones((1, 3, 1, 1)), G, G, 1e-5, ValueError, r"at least two.*\(1, 3, 1, 1\)"),
        (X, G, G, -1e-5, ValueError, "eps must be zero or positive, not -1e-05"),
        (X, G, G, np.nan, ValueError, "eps .*nan"),
        (X * [1, 0, 1], G, G, 0, ValueError, r"eps=0 .*channels \[1\] are constant"),
        (X.astype(int), G, G, 1e-5, TypeError, r"float32 or float64, not an array of int64"),
        (X.astype(bool), G, G, 1e-5, TypeError, "bool"),
        (X.astype(object), G, G, 1e-5, TypeError, "object"),
        (X.astype(complex), G, G, 1e-5, TypeError, "complex128"),
        (X.astype(np.float16), G, G, 1e-5, TypeError, "float16; convert it first"),
        (X.tolist(), G, G, 1e-5, TypeError, "list"),
        (X[:0], G, G, 1e-5, ValueError, r"x is empty: its shape is \(0, 3\)"),
        (X[:, :0], G[:0], G[:0], 1e-5, ValueError, r"empty.*\(4, 0\)"),
        (np.ones((4, 3, 0)), G, G, 1e-5, ValueError, r"empty.*\(4, 3, 0\)"),
    ],
)
def test_wrong_arguments_are_refused(x, gamma, beta, eps, error, message):
    with pytest.raises(error, match=message):
        F.batch_norm(x, gamma, beta, eps)


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        ({"mean": np.ones(2)}, ValueError, r"mean .*\(3,\).*\(4, 3\), not \(2,\)"),
        ({"var": np.ones((1, 3))}, ValueError, r"var .*\(3,\).*\(4, 3\), not \(1, 3\)"),
        ({"gamma": np.ones(1)}, ValueError, r"gamma .*\(3,\)"),
        ({"x": X.astype(int)}, TypeError, "int64"),
        ({"eps": -1}, ValueError, "eps"),
        ({"eps": 0, "var": np.array([1.0, 0, 0])}, ValueError, r"channels \[1, 2\]"),
    ],
)
def test_wrong_arguments_are_refused_at_inference(change, error, message):
    arguments = {"x": X, "gamma": G, "beta": G, "mean": G, "var": G, **change}
    with pytest.raises(error, match=message):
        F.batch_norm_inference(**arguments)


@pytest.mark.parametrize("backward", [F.batch_norm_backward, F.batch_norm_inference_backward])
def test_a_gradient_of_another_shape_is_refused(backward):
    _, cache = F.batch_norm(X, G, G)
    with pytest.raises(ValueError, match=r"dy must have shape \(4, 3\).*not \(3,\)"):
        backward(np.ones(3), cache)
    with pytest.raises(TypeError, match="dy"):
        backward(np.ones((4, 3), int), cache)


def test_eps_zero_is_legal_and_exact():
    x, gamma, beta, _ = example((20, 3, 3))
    y, cache = F.batch_norm(x, gamma, beta, eps=0)
    mean, var = F.batch_statistics((y - beta[:, None]) / gamma[:, None])
    np.testing.assert_allclose(mean, 0, atol=1e-15)
    np.testing.assert_allclose(var, 1, rtol=1e-14)
    assert cache.eps == 0


def test_one_sample_is_enough_at_inference():
    y = F.batch_norm_inference(X[:1], G, G, G, 4 * G, eps=0)
    np.testing.assert_allclose(y, [[0.5, 1, 1.5]])
