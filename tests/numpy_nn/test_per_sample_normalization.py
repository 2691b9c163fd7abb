"""Layer, group, instance and RMS norm: against PyTorch, float64, each other, and at their edges."""

import tracemalloc
from functools import partial

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from helpers.numpy_nn import functional as F
from helpers.numpy_nn import modules as nn
from helpers.numpy_nn.gradcheck import numerical_gradient, relative_error

REPEATABLE = settings(derandomize=True, deadline=None, max_examples=60)
TOLERANCE = {np.float32: 2e-5, np.float64: 1e-11}
NORMS = ["layer", "group", "instance", "rms"]


def example(norm, view, groups=1, dtype=np.float64, mean=0.0, std=1.0, seed=0):
    """Random (x, dy), parameters, ours, backward, theirs; x has shape `view`, as (N, C, *spatial).

    Layer and RMS norm normalize all axes but the first; no gamma is 1 and no beta 0.
    """
    rng = np.random.default_rng(seed)
    x, dy = mean + std * rng.standard_normal(view), rng.standard_normal(view)
    shape = view[1:] if norm in ("layer", "rms") else view[1:2]
    parameters = [rng.uniform(0.5, 2, shape), rng.uniform(1, 2, shape)][: 1 if norm == "rms" else 2]
    torch_f = torch.nn.functional
    theirs = {
        "layer": lambda x, gamma, beta, eps: torch_f.layer_norm(x, shape, gamma, beta, eps),
        "group": lambda x, gamma, beta, eps: torch_f.group_norm(x, groups, gamma, beta, eps),
        "instance": lambda x, gamma, beta, eps: torch_f.instance_norm(
            x, weight=gamma, bias=beta, eps=eps
        ),
        "rms": lambda x, gamma, eps: torch_f.rms_norm(x, shape, gamma, eps),
    }[norm]
    ours = getattr(F, f"{norm}_norm")
    if norm == "group":
        ours = partial(ours, num_groups=groups)
    arrays = [a.astype(dtype) for a in (x, dy, *parameters)]
    return arrays[:2], arrays[2:], ours, getattr(F, f"{norm}_norm_backward"), theirs


def by_pytorch(theirs, x, dy, parameters, dtype, eps=1e-5):
    """Return y, dx and the parameters' gradients, computed by PyTorch in `dtype`."""
    leaves = [torch.tensor(a.astype(dtype), requires_grad=True) for a in (x, *parameters)]
    y = theirs(*leaves, eps=eps)
    y.backward(torch.tensor(dy.astype(dtype)))
    return [y.detach().numpy(), *(leaf.grad.numpy() for leaf in leaves)]


def all_results(ours, backward, x, dy, parameters, eps=1e-5):
    y, cache = ours(x, *parameters, eps=eps)
    return [y, *backward(dy, cache)]


# --- PyTorch, gradients, known answers ---------------------------------------------------------


@st.composite
def cases(draw, norm):
    """A random example; the values of a group are far enough apart for a variance that counts."""
    groups, per_group = draw(st.integers(1, 4)), draw(st.integers(1, 4))
    view = [draw(st.integers(1, 6)), groups * per_group]
    view += draw(st.lists(st.integers(1, 5), max_size=3))
    count = np.prod(view[2:], dtype=int)
    if norm == "instance" and count < 2:
        view[2:] = [draw(st.integers(3, 6))]
    elif count * per_group < 2:
        view[1], per_group = 2 * groups, 2
    dtype = draw(st.sampled_from([np.float32, np.float64]))
    seed = draw(st.integers(0, 2**32 - 1))
    (x, dy), *rest = example(norm, tuple(view), groups, dtype, seed=seed)
    x += np.resize(np.array([-2, 2], dtype), x[0].size).reshape(x[0].shape)
    return (x, dy), *rest, draw(st.sampled_from([1e-5, 1e-3, 0.1]))


@pytest.mark.parametrize("norm", NORMS)
def test_forward_and_backward_agree_with_pytorch(norm):
    @REPEATABLE
    @given(cases(norm))
    def agree(case):
        (x, dy), parameters, ours, backward, theirs, eps = case
        expected = by_pytorch(theirs, x, dy, parameters, x.dtype, eps)
        y, cache = ours(x, *parameters, eps=eps)
        # With two values per group dx is the small difference of large terms: those set the scale.
        terms = np.abs(parameters[0]).max() / np.sqrt(cache.var.min() + eps) * np.abs(dy).max()
        scales = [1, terms, dy.size**0.5, dy.size**0.5]
        found = [y, *backward(dy, cache)]
        for actual, truth, scale in zip(found, expected, scales[: len(found)], strict=True):
            assert actual.dtype == truth.dtype
            atol = TOLERANCE[x.dtype.type] * max(scale, np.abs(truth).max())
            np.testing.assert_allclose(actual, truth, rtol=0, atol=atol)

    agree()


@pytest.mark.parametrize("norm", NORMS)
@pytest.mark.parametrize("view", [(3, 4, 3), (2, 4, 3, 2)])
@pytest.mark.parametrize("eps", [0.0, 0.5])
@pytest.mark.parametrize("mean", [0.3, 50])
def test_backward_is_the_numerical_gradient(norm, view, eps, mean):
    (x, dy), parameters, ours, backward, _ = example(norm, view, 2, mean=mean)
    arguments = [x, *parameters]
    _, *gradients = all_results(ours, backward, x, dy, parameters, eps)
    for i, gradient in enumerate(gradients):

        def loss(a, i=i):
            return (ours(*arguments[:i], a, *arguments[i + 1 :], eps=eps)[0] * dy).sum()

        # Around mean 50 the difference quotient sees less, as its rounding is that of the mean; of
        # RMS norm's dx, a small remainder, less still.
        bound = {0.3: 1e-7, 50: 1e-5 if norm == "rms" else 1e-6}[mean]
        assert relative_error(gradient, numerical_gradient(loss, arguments[i])) < bound


def test_known_answers():
    x = np.array([[0.0, 2.0, 10.0, 30.0]])
    gamma, beta = np.array([3.0, 3.0, 0.5, 0.5]), np.array([5.0, 5.0, -1.0, -1.0])
    y, cache = F.group_norm(x, gamma, beta, 2, eps=0)
    np.testing.assert_allclose(y, [[2, 8, -1.5, -0.5]])
    np.testing.assert_allclose(cache.mean, [[1, 20]])
    np.testing.assert_allclose(cache.var, [[1, 100]])
    y, _ = F.instance_norm(x.reshape(1, 2, 2), gamma[::2], beta[::2], eps=0)
    np.testing.assert_allclose(y.ravel(), [2, 8, -1.5, -0.5])
    y, _ = F.layer_norm(np.array([1.0, 3.0]), gamma[1:3], beta[1:3], eps=3)  # 1 / sqrt(1 + 3)
    np.testing.assert_allclose(y, [5 - 1.5, -1 + 0.25])
    y, cache = F.rms_norm(np.array([[3.0, 4.0]]), np.array([1.0, 10.0]), eps=12.5)
    np.testing.assert_allclose(y, [[0.6, 8.0]])
    np.testing.assert_allclose(cache.var, [[12.5]])


def test_layer_and_rms_norm_cover_the_axes_that_gamma_has():
    (x, dy), (gamma, beta), *_ = example("layer", (5, 4, 6))
    whole, cache = F.layer_norm(x[0], gamma, beta)  # no other axis is left
    assert cache.mean.shape == (1, 1)
    np.testing.assert_allclose(whole, F.layer_norm(x, gamma, beta)[0][0], atol=1e-14)
    y, cache = F.layer_norm(x, gamma[0], beta[0])
    assert cache.mean.shape == (5 * 4, 1)
    for i in range(4):
        np.testing.assert_allclose(y[:, i], F.layer_norm(x[:, i], gamma[0], beta[0])[0], atol=1e-13)
    assert [a.shape for a in F.layer_norm_backward(dy, cache)] == [x.shape, (6,), (6,)]
    y, cache = F.rms_norm(x, gamma[0])
    np.testing.assert_allclose(
        (y / gamma[0])[2, 3], x[2, 3] / np.sqrt((x[2, 3] ** 2).mean() + 1e-5)
    )
    np.testing.assert_allclose(cache.mean, 0)


# --- how they are related ----------------------------------------------------------------------


def same(found, expected):
    for actual, truth in zip(found, expected, strict=True):
        np.testing.assert_allclose(actual, truth.reshape(actual.shape), atol=1e-12)


def test_group_norm_with_one_group_and_no_spatial_axes_is_layer_norm():
    (x, dy), parameters, ours, backward, _ = example("group", (6, 8))
    layer = all_results(F.layer_norm, F.layer_norm_backward, x, dy, parameters)
    same(all_results(ours, backward, x, dy, parameters), layer)


def test_group_norm_with_a_group_per_channel_is_instance_norm():
    (x, dy), parameters, ours, backward, _ = example("group", (6, 8, 3, 4), groups=8)
    instance = all_results(F.instance_norm, F.instance_norm_backward, x, dy, parameters)
    same(all_results(ours, backward, x, dy, parameters), instance)


def test_layer_norm_with_one_gamma_for_all_is_batch_norm_of_the_transposed_matrix():
    (x, dy), _, ours, backward, _ = example("layer", (6, 9))
    features, samples = np.ones(9), np.ones(6)
    y, dx, *_ = all_results(ours, backward, x, dy, [3 * features, 2 * features])
    batch_y, cache = F.batch_norm(x.T, 3 * samples, 2 * samples)
    batch_dx, *_ = F.batch_norm_backward(dy.T, cache)
    same([y, dx], [np.ascontiguousarray(batch_y.T), np.ascontiguousarray(batch_dx.T)])


def test_instance_norm_of_one_sample_is_batch_norm():
    (x, dy), parameters, ours, backward, _ = example("instance", (1, 3, 4, 5))
    batch = all_results(F.batch_norm, F.batch_norm_backward, x, dy, parameters)
    same(all_results(ours, backward, x, dy, parameters), batch)


def test_rms_norm_of_rows_with_mean_zero_is_layer_norm_without_beta():
    (x, _), [gamma], *_ = example("rms", (6, 9))
    x -= x.mean(axis=1, keepdims=True)
    y, _ = F.rms_norm(x, gamma)
    same([y], [F.layer_norm(x, gamma, np.zeros(9))[0]])


@pytest.mark.parametrize("norm", NORMS)
def test_a_sample_does_not_see_the_others(norm):
    (x, dy), parameters, ours, backward, _ = example(norm, (5, 4, 3), groups=2)
    y, dx, *_ = all_results(ours, backward, x, dy, parameters)
    alone = all_results(ours, backward, x[2:3], dy[2:3], parameters)
    same([y[2:3], dx[2:3]], alone[:2])
    x[0] = np.nan
    with np.errstate(invalid="ignore"):
        y, dx, *_ = all_results(ours, backward, x, dy, parameters)
    same([y[2:3], dx[2:3]], alone[:2])
    assert np.isnan(y[0]).all()
    assert np.isnan(dx[0]).all()


# --- accuracy, memory, arguments ---------------------------------------------------------------


@pytest.mark.parametrize("norm", NORMS)
@pytest.mark.parametrize("view", [(50, 64), (12, 8, 14, 14), (3, 4, 500), (40, 16, 30, 30), (2, 8)])
@pytest.mark.parametrize(
    ("mean", "std", "bound"),
    [(0, 1, 1e-5), (-3, 100, 1e-5), (1e4, 1, 2e-5), (1e4, 0.1, 2e-5), (1e4, 0.01, 2e-5)],
)
def test_float32_is_accurate(norm, view, mean, std, bound):
    if norm == "instance" and len(view) == 2:
        view = (*view, 9)
    (x, dy), parameters, ours, backward, theirs = example(norm, view, 2, np.float32, mean, std)
    expected = by_pytorch(theirs, x, dy, parameters, np.float64)
    for actual, truth in zip(all_results(ours, backward, x, dy, parameters), expected, strict=True):
        assert relative_error(actual, truth) < bound


@pytest.mark.parametrize("norm", NORMS)
def test_large_arrays_go_through_many_blocks_with_little_memory(norm):
    (x, dy), parameters, ours, backward, theirs = example(norm, (70, 50, 400), groups=10)
    expected = by_pytorch(theirs, x, dy, parameters, np.float64)
    for actual, truth in zip(all_results(ours, backward, x, dy, parameters), expected, strict=True):
        assert relative_error(actual, truth) < 1e-12
    _, cache = ours(x, *parameters)
    assert cache.x is x
    for call in (lambda: ours(x, *parameters), lambda: backward(dy, cache)):
        tracemalloc.start()
        call()
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        assert peak <= 1.8 * x.nbytes  # the result and up to four blocks, 0.19 each


@pytest.mark.parametrize("norm", NORMS)
@pytest.mark.parametrize("view", [(7, 4, 3), (300, 4, 100)])
@pytest.mark.parametrize("mean", [0, 100])
def test_arguments_are_not_changed_and_results_share_nothing(norm, view, mean):
    (x, dy), parameters, ours, backward, _ = example(norm, view, 2, mean=mean)
    arguments = [x, dy, *parameters]
    before = [a.copy() for a in arguments]
    for a in arguments:
        a.flags.writeable = False
    y, cache = ours(x, *parameters)
    first, second = backward(dy, cache), backward(dy, cache)
    for a, b in zip([*arguments, *first], [*before, *second], strict=True):
        np.testing.assert_array_equal(a, b)
    results = [y, *first, *second]
    for i, a in enumerate(results):
        assert not any(np.shares_memory(a, b) for b in [*arguments, *results[:i]])


@pytest.mark.parametrize("norm", NORMS)
def test_results_have_the_dtype_of_x_and_any_layout_works(norm):
    (x, dy), parameters, ours, backward, _ = example(norm, (6, 4, 5), 2)
    expected = all_results(ours, backward, x, dy, parameters)
    same(all_results(ours, backward, np.asfortranarray(x), dy[::-1][::-1], parameters), expected)
    narrow = all_results(ours, backward, x.astype(np.float32), dy.astype(np.float32), parameters)
    assert {a.dtype for a in narrow} == {np.dtype(np.float32)}


@pytest.mark.parametrize("norm", NORMS)
@pytest.mark.parametrize("value", [0.0, 0.1, -1e4])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_constant_groups_become_beta_and_zeros_stay_zero_in_rms_norm(norm, value, dtype):
    if norm == "rms":
        value = 0.0
    (x, dy), parameters, ours, backward, _ = example(norm, (5, 4, 50), 2, dtype)
    x[1] = value
    y, cache = ours(x, *parameters)
    beta = np.zeros(1, dtype) if norm == "rms" else parameters[1]
    beta = beta if beta.ndim == 2 else beta[:, None]
    np.testing.assert_array_equal(y[1], np.broadcast_to(beta, y[1].shape))
    assert all(np.isfinite(a).all() for a in backward(dy, cache))
    with pytest.raises(ValueError, match=r"eps=0 .*groups \[.*\] are (constant|zero); use a pos"):
        ours(x, *parameters, eps=0)


def test_rms_norm_of_one_value_is_its_sign():
    x = np.array([[3.0], [-5.0]])
    y, cache = F.rms_norm(x, np.ones(1), eps=0)
    np.testing.assert_allclose(y, [[1], [-1]])
    np.testing.assert_allclose(F.rms_norm_backward(np.ones((2, 1)), cache)[0], 0, atol=1e-15)


# --- huge values -------------------------------------------------------------------------------


@pytest.mark.parametrize("norm", NORMS)
@pytest.mark.parametrize("view", [(5, 4, 7), (700, 4, 200)])
@pytest.mark.parametrize(
    ("dtype", "unit"), [(np.float32, 2.0**66), (np.float32, 2.0**120), (np.float64, 2.0**500)]
)
def test_the_unit_of_x_does_not_matter(norm, view, dtype, unit):
    (x, dy), parameters, ours, backward, theirs = example(norm, view, 2, dtype)
    x[1] *= dtype(1e-3)
    y, dx, *rest = by_pytorch(theirs, x, dy, parameters, np.float64, eps=1e-200)
    found = all_results(ours, backward, x * dtype(unit), dy, parameters)
    for actual, truth in zip(found, (y, dx / unit, *rest), strict=True):
        assert relative_error(actual.astype(np.float64), truth) < 2 * TOLERANCE[dtype]


@pytest.mark.parametrize("norm", NORMS)
def test_a_variance_beyond_float64_is_refused(norm):
    (x, _), parameters, ours, *_ = example(norm, (5, 4, 7), 2)
    with pytest.raises(OverflowError, match="a variance is infinite, beyond float64: divide x by"):
        ours(x * 1e200, *parameters)


# --- errors ------------------------------------------------------------------------------------

X, G = np.arange(24.0).reshape(2, 4, 3), np.ones(4)


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: F.layer_norm(X, G, G), ValueError, r"gamma .*\(3,\).*\(2, 4, 3\), not \(4,\)"),
        (lambda: F.layer_norm(X[0], X, X), ValueError, r"\(4, 3\) and gamma \(2, 4, 3\).*1 and 2"),
        (lambda: F.layer_norm(X, np.array(1.0), G), ValueError, r"gamma \(\); give it"),
        (lambda: F.layer_norm(X, 1.0, G), TypeError, "gamma .*not a float"),
        (lambda: F.layer_norm(X, X[0], X[0, 0]), ValueError, r"beta .*\(4, 3\).*not \(3,\)"),
        (lambda: F.layer_norm(X, X[0], None), TypeError, "beta .*NoneType"),
        (lambda: F.layer_norm(X.astype(int), G, G), TypeError, "x .*int64"),
        (lambda: F.layer_norm(X, X[0], X[0], -1), ValueError, "eps must be .*not -1"),
        (lambda: F.layer_norm(X[..., :1], G[:1], G[:1]), ValueError, r"layer norm .*has 1; norm"),
        (lambda: F.rms_norm(X, G), ValueError, r"gamma .*\(3,\)"),
        (lambda: F.rms_norm(X, X[0], np.nan), ValueError, "eps .*nan"),
        (lambda: F.rms_norm(X[:0], X[0]), ValueError, "x is empty"),
        (lambda: F.group_norm(X[0, 0], G, G, 1), ValueError, r"\(N, C\) or .*not \(3,\)"),
        (lambda: F.group_norm(X, G[:3], G, 2), ValueError, r"gamma .*\(4,\)"),
        (lambda: F.group_norm(X, G, G, 3), ValueError, r"divide the 4 channels .*but it is 3"),
        (lambda: F.group_norm(X, G, G, 0), ValueError, r"positive .*but it is 0"),
        (lambda: F.group_norm(X, G, G, -2), ValueError, r"positive .*but it is -2"),
        (lambda: F.group_norm(X, G, G, 2.0), TypeError, "num_groups must be an integer, not 2.0"),
        (lambda: F.group_norm(X[..., 0], G, G, 4), ValueError, r"group norm .*has 1; use fewer"),
        (lambda: F.group_norm(X, G, G, 2, -1), ValueError, "eps"),
        (lambda: F.instance_norm(X[0], G[:3], G[:3]), ValueError, r"spatial axis, not \(4, 3\)"),
        (lambda: F.instance_norm(X[..., :1], G, G), ValueError, r"instance norm .*has 1; use"),
        (lambda: F.instance_norm(X, G, G[:2]), ValueError, r"beta .*\(4,\)"),
        (lambda: F.instance_norm(X, G, G, -1), ValueError, "eps"),
    ],
)
def test_wrong_arguments_are_refused(call, error, message):
    with pytest.raises(error, match=message):
        call()


def test_constant_groups_are_numbered_through_the_whole_batch():
    (x, _), parameters, ours, *_ = example("group", (700, 4, 200), groups=2)  # three blocks
    x[650, 2:] = 1
    with pytest.raises(ValueError, match=r"groups \[1301\] are constant"):
        ours(x, *parameters, eps=0)


@pytest.mark.parametrize("norm", NORMS)
def test_a_gradient_of_another_shape_is_refused(norm):
    (x, dy), parameters, ours, backward, _ = example(norm, (5, 4, 3))
    _, cache = ours(x, *parameters)
    with pytest.raises(ValueError, match=r"dy must have shape \(5, 4, 3\).*not \(5, 4\)"):
        backward(dy[..., 0], cache)
    with pytest.raises(TypeError, match="dy"):
        backward(dy.astype(int), cache)


# --- layers ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("norm", "layer"),
    [
        ("layer", nn.LayerNorm((4, 6), eps=0.1)),
        ("group", nn.GroupNorm(2, 4, eps=0.1)),
        ("instance", nn.InstanceNorm(4, eps=0.1)),
        ("rms", nn.RMSNorm((4, 6), eps=0.1)),
    ],
)
def test_layers_pass_their_parameters_and_gradients_on(norm, layer):
    (x, dy), parameters, ours, backward, _ = example(norm, (5, 4, 6), groups=2)
    assert [p.name for p in layer.parameters()] == ["gamma", "beta"][: len(parameters)]
    for parameter, start, data in zip(layer.parameters(), (1, 0), parameters, strict=False):
        np.testing.assert_array_equal(parameter.data, np.full(data.shape, start))
        parameter.data = data
    expected = all_results(ours, backward, x, dy, parameters, eps=0.1)
    for mode in (True, False):
        layer.train(mode)
        found = [layer(x), layer.backward(dy), *(p.grad for p in layer.parameters())]
        same(found, expected)


def test_layers_take_a_number_for_one_axis():
    assert nn.LayerNorm(7).gamma.data.shape == nn.RMSNorm(7).gamma.data.shape == (7,)
