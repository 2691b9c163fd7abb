"""Exercises of the notebook `pytorch`: a backward pass, buffers, and weights from Part I."""

import copy

import numpy as np
import torch

from helpers.exercises.engine import (
    array_like,
    exercise,
    number,
    parts,
    prediction,
    same,
    slip,
    word,
)
from helpers.numpy_nn.models import mlp
from helpers.numpy_nn.modules import BatchNorm, Linear

_rng = np.random.default_rng(140)
# Channels of very different mean and scale; no two axes are equally long.
X2 = torch.tensor(_rng.normal(size=(6, 3)) * [1.0, 4.0, 0.5] + [2.0, -1.0, 0.3])
_SCALE, _SHIFT = np.array([1.0, 4.0, 0.5]), np.array([2.0, -1.0, 0.3])
X4 = torch.tensor(
    _rng.normal(size=(4, 3, 2, 5)) * _SCALE[:, None, None] + _SHIFT[:, None, None],
)
DY2, DY4 = torch.tensor(_rng.normal(size=(6, 3))), torch.tensor(_rng.normal(size=(4, 3, 2, 5)))
GAMMA = torch.tensor([2.0, 0.5, -1.5], dtype=torch.float64)
EPS = 0.3  # large enough that an x_hat of another eps shows
MEAN = torch.tensor([4.0, -1.0, 0.5], dtype=torch.float64)
VAR = torch.tensor([1.5, 9.0, 0.4], dtype=torch.float64)

number(
    "pytorch-ten-batches",
    answer=0.65,
    within=1.1,
    reason="Every batch leaves 0.9 of the old value, and 0.9 ** 10 is 35 %.",
    recalls="inference",
)
word(
    "pytorch-direction",
    answers=(
        *("x_hat", "x hat", "x̂", r"\hat x", "that of x_hat", "direction of x_hat", "along x_hat"),
        *("normalized x", "normalized values", "centred values", "centered values", "c", "x - mu"),
    ),
    reason="stretching the centred values changes nothing in the output, so the loss has no slope "
    "along them.",
    recalls="backward",
)
prediction(
    "pytorch-company",
    right="a",
    a="it alone measures over the samples. Group norm measures over the channels and pixels of one "
    "image.",
    b="group norm measures over the channels and pixels of one image: its company does not matter.",
    c="only batch norm measures over the samples. Group norm does with one image alone.",
    recalls="when_it_fails",
)

number(
    "pytorch-variance",
    answer=1.333,
    within=1.05,
    reason="torch.var divides by N - 1 unless you write correction=0, and with four samples 4 / 3 "
    "is a third too much. With 64 nobody would notice.",
    measured_by="translated.mean()",
    tolerance=0.01,
)
number(
    "pytorch-second-pass",
    answer=72,
    within=1.02,
    reason="The slope is 36 again, since no step has moved w, and backward() adds it to the 36 "
    "that are there.",
    measured_by="second_pass",
    tolerance=0.001,
)
number(
    "pytorch-memory-kept",
    answer=3,
    unit="times",
    within=1.35,
    reason="Square, quotient and product each keep an array as large as x for the way back, and so "
    "does every such layer.",
    measured_by="kept",
)
prediction(
    "pytorch-list",
    right="a",
    a="a module finds modules that are its attributes. Into a list it does not look, and since a "
    "list is good Python, nothing complains.",
    b="it would, if the list were an nn.ModuleList.",
    believed={"b": "quote: parameters-in-lists"},
)
prediction(
    "pytorch-no-grad",
    right="c",
    a="only gradients are switched off; the layer does not even ask.",
    b="outputs come from the batch, as always in training mode.",
    c="the layer is in training mode, and training mode decides about statistics. no_grad decides "
    "whether a graph is recorded.",
    believed={"a": "quote: not-updated-without-gradients", "b": "claim: no-grad-is-eval"},
)
prediction(
    "pytorch-judge-in-single",
    right="b",
    a="float32 keeps seven digits. The difference of two outputs at a distance of 1e-6 keeps one "
    "at most.",
    b="the gradient is right, but the judge cannot see it: the numerical slope drowns in rounding.",
    c="the gradient is right to seven digits. It is the numerical slope that drowns in rounding.",
    believed={"a": "quote: gradcheck-in-float32", "c": "quote: wrong-gradient-of-linear"},
)


@exercise(
    "It is the closed form of batch_norm_backward, with another idea of what is summed over.",
    "Sum over every axis except that of the channels: dims = [0, 2, 3] for images.",
    "Vectors (3,) do not fit beside (4, 3, 2, 5). Give them the shape (1, 3, 1, 1): "
    "mean.view(1, -1, 1, 1).",
    "dbeta = dy.sum(dims), dgamma = (dy * x_hat).sum(dims); then "
    "dx = gamma * inv_std * (dy - dbeta / count - x_hat * dgamma / count), "
    "with count = x.numel() / C.",
)
def backward_from_saved(dy, x, gamma, mean, inv_std):
    dims = [0, *range(2, x.ndim)]
    shape = [1, -1] + [1] * (x.ndim - 2)
    gamma, mean, inv_std = gamma.view(shape), mean.view(shape), inv_std.view(shape)

    x_hat = (x - mean) * inv_std
    dbeta = dy.sum(dims)
    dgamma = (dy * x_hat).sum(dims)
    count = x.numel() / x.shape[1]
    along = (dbeta.view(shape) + x_hat * dgamma.view(shape)) / count
    dx = gamma * inv_std * (dy - along)
    return dx, dgamma, dbeta


def _saved(x):
    """(mean, inv_std) as the forward pass saves them."""
    dims = [0, *range(2, x.ndim)]
    return x.mean(dims), (x.var(dims, correction=0) + EPS) ** -0.5


def _batches():
    """(dy, x, gamma, mean, inv_std) for a batch of vectors and one of images."""
    for dy, x in [(DY2, X2), (DY4, X4)]:
        yield dy, x, GAMMA, *_saved(x)


def _gradients(result, x):
    """The three gradients as arrays of the right shapes."""
    names = ("dx", "dgamma", "dbeta")
    shapes = (tuple(x.shape), (3,), (3,))
    return [
        array_like(value, name, shape=shape)
        for value, name, shape in zip(parts(result, *names), names, shapes, strict=True)
    ]


@backward_from_saved.expect
def three_gradients():
    """Return (dx, dgamma, dbeta): dx like x, the other two with one entry per channel."""
    for batch in _batches():
        _gradients((yield batch, {}), batch[1])


@backward_from_saved.expect
def slopes_of_the_parameters():
    """dgamma is the sum of dy * x_hat and dbeta the sum of dy, over all axes but the channels'."""
    for dy, x, gamma, mean, inv_std in _batches():
        _, dgamma, dbeta = _gradients((yield (dy, x, gamma, mean, inv_std), {}), x)
        _, *expected = backward_from_saved(dy, x, gamma, mean, inv_std)
        count = x.numel() / 3
        slip(dgamma, expected[1], "dgamma and dbeta changed places")
        slip(dbeta, expected[1] / count, "dbeta is a sum, not a mean")
        dims = [0, *range(2, x.ndim)]
        slip(dgamma, (dy * x).sum(dims), "dgamma needs the normalized x_hat, not x")
        same(dgamma, expected[0], "dgamma")
        same(dbeta, expected[1], "dbeta")


@backward_from_saved.expect
def slope_of_the_input():
    """dx is the closed form: both detours, over the mean and over the variance, count."""
    for dy, x, gamma, mean, inv_std in _batches():
        dx, *_ = _gradients((yield (dy, x, gamma, mean, inv_std), {}), x)
        expected = backward_from_saved(dy, x, gamma, mean, inv_std)[0]
        g, r, m = (v.view([1, -1] + [1] * (x.ndim - 2)) for v in (gamma, inv_std, mean))
        dims = [0, *range(2, x.ndim)]
        x_hat = (x - m) * r
        mean_dy = dy.mean(dims, keepdim=True)
        mean_dy_x_hat = (dy * x_hat).mean(dims, keepdim=True)
        slip(dx, g * r * dy, "mean and variance depend on x too: two terms are missing")
        slip(dx, g * r * (dy - mean_dy), "the detour over the variance is missing")
        slip(dx, g * r * (dy - x_hat * mean_dy_x_hat), "the detour over the mean is missing")
        slip(dx, expected / g, "the factor gamma is missing")
        slip(dx, expected / r, "the factor inv_std is missing")
        sums = (mean_dy + x_hat * mean_dy_x_hat) * x.numel() / 3
        slip(dx, g * r * (dy - sums), "take the means of dy and dy * x_hat, not the sums")
        if x.ndim == 4:
            few = (mean_dy + x_hat * mean_dy_x_hat) * 10
            slip(dx, g * r * (dy - few), "a channel has N * H * W values; you divide by N")
        same(dx, expected, "dx")


@backward_from_saved.expect
def any_shape():
    """It works for any number of samples, channels and pixels."""
    few_vectors, small_images = (X2[:5, :2], DY2[:5, :2]), (X4[:3, 1:, :, :4], DY4[:3, 1:, :, :4])
    one_image, pixels = (X4[:1, 1:], DY4[:1, 1:]), (X4[:, :2, :1, :1], DY4[:, :2, :1, :1])
    for x, dy in (few_vectors, small_images, one_image, pixels):
        batch = dy, x, GAMMA[1:], *_saved(x)
        result = parts((yield batch, {}), "dx", "dgamma", "dbeta")
        for got, expected, name in zip(
            result, backward_from_saved(*batch), ("dx", "dgamma", "dbeta"), strict=True
        ):
            same(got, expected, f"{name} (x of shape {tuple(x.shape)})")


@backward_from_saved.expect
def what_was_saved_is_used():
    """It uses the mean and inv_std that were saved; it does not measure x again."""
    dy, x, gamma, mean, inv_std = next(_batches())
    # The inv_std of a larger eps.
    batch = dy, x, gamma, mean, 0.8 * inv_std
    dx, *_ = _gradients((yield batch, {}), x)
    same(dx, backward_from_saved(*batch)[0], "dx")
    # Statistics of a larger batch, as when a batch is spread over several GPUs. Here dx is not
    # compared: stage by stage it has one more term, which is 0 for the batch's own mean.
    batch = dy, x, gamma, mean + 0.5, 0.8 * inv_std
    _, dgamma, _ = _gradients((yield batch, {}), x)
    same(dgamma, backward_from_saved(*batch)[1], "dgamma")


@exercise(
    "It is update_running, which you wrote in NumPy, for vectors. What is new: images, a count, "
    "and momentum None.",
    "The mean and the variance of a channel are over dims (0, 2, 3), so a channel has N * H * W "
    "values.",
    "torch.var divides by the count minus 1 already: that is the unbiased variance.",
    "With momentum None every batch must weigh the same: the weight of the newest of n batches is "
    "1 / n. Count the batch first.",
)
def update_buffers(running_mean, running_var, num_batches_tracked, x, momentum):
    num_batches_tracked = num_batches_tracked + 1
    weight = 1 / num_batches_tracked if momentum is None else momentum
    mean, var = x.mean((0, 2, 3)), x.var((0, 2, 3))
    running_mean = (1 - weight) * running_mean + weight * mean
    running_var = (1 - weight) * running_var + weight * var
    return running_mean, running_var, num_batches_tracked


def _buffers(result, channels=3):
    """The three buffers, the statistics as arrays (channels,) and the count as a number."""
    mean, var, count = parts(result, "running_mean", "running_var", "num_batches_tracked")
    return (
        array_like(mean, "running_mean", shape=(channels,)),
        array_like(var, "running_var", shape=(channels,)),
        array_like(count, "num_batches_tracked", shape=()),
    )


def _batches_of_images():
    """(running_mean, running_var, num_batches_tracked, x, momentum), twice, all numbers another."""
    yield MEAN, VAR, 7, X4, 0.2
    yield MEAN + 1, 2 * VAR, 0, X4[:3, :, :, :4], 0.7


@update_buffers.expect
def three_buffers():
    """Return (running_mean, running_var, num_batches_tracked), new values and new tensors."""
    _buffers((yield (MEAN, VAR, 7, X4, 0.2), {}))


@update_buffers.expect
def the_mean():
    """The running mean moves by the share `momentum` towards the batch's mean."""
    for state in _batches_of_images():
        mean, _, _ = _buffers((yield state, {}))
        old, _, _, x, momentum = state
        batch = x.mean((0, 2, 3))
        slip(mean, momentum * old + (1 - momentum) * batch, "momentum weighs the new batch")
        slip(mean, 0.9 * old + 0.1 * batch, "you use 0.1 whatever momentum you are given")
        slip(mean, batch, "the old running mean is lost")
        one = (1 - momentum) * old + momentum * x.mean()
        slip(mean, one, "every channel has a mean of its own")
        same(mean, (1 - momentum) * old + momentum * batch, "running_mean")


@update_buffers.expect
def the_variance():
    """The running variance moves the same way, towards the batch's unbiased variance."""
    for state in _batches_of_images():
        _, var, _ = _buffers((yield state, {}))
        _, old, _, x, momentum = state
        n = x.numel() / 3
        biased = x.var((0, 2, 3), correction=0)
        unbiased = biased * n / (n - 1)
        for batch, says in [
            (biased, "this is the biased variance"),
            (unbiased * n / (n - 1), "torch.var is unbiased already; you corrected it twice"),
            (biased * len(x) / (len(x) - 1), "a channel has N * H * W values, not N"),
            (unbiased**0.5, "this is the deviation; average the variance"),
        ]:
            slip(var, (1 - momentum) * old + momentum * batch, says)
        same(var, (1 - momentum) * old + momentum * unbiased, "running_var")


@update_buffers.expect
def the_count():
    """num_batches_tracked counts one batch more, whatever the momentum."""
    for seen, momentum in [(7, 0.2), (7, None), (0, 0.2)]:
        _, _, count = _buffers((yield (MEAN, VAR, seen, X4, momentum), {}))
        slip(count, seen + len(X4), "count batches, not samples")
        same(count, seen + 1, "num_batches_tracked")
        if count.dtype.kind not in "iu":
            raise AssertionError(
                f"num_batches_tracked is {count:.1f}, of {count.dtype}: a count is a whole number, "
                "and in PyTorch it is stored as one"
            )


@update_buffers.expect
def the_plain_average():
    """With momentum None, three batches weigh the same, and the initial 0 and 1 nothing."""
    state = torch.zeros(3, dtype=torch.float64), torch.ones(3, dtype=torch.float64), 0
    batches = [X4, 2 * X4 + 1, 5 - X4]
    for n, x in enumerate(batches, start=1):
        result = yield (*state, x, None), {}
        mean, var, _ = _buffers(result)
        if n == 1:
            slip(mean, 0 * mean, "the first batch must count: its weight is 1 / 1")
            slip(mean, X4.mean((0, 2, 3)) / 2, "count the batch before you divide: its weight is 1")
        # 1 / torch.tensor(3) is a float32.
        average = torch.stack([b.mean((0, 2, 3)) for b in batches[:n]]).mean(0)
        same(mean, average, "running_mean", tol=1e-6)
        average = torch.stack([b.var((0, 2, 3)) for b in batches[:n]]).mean(0)
        same(var, average, "running_var", tol=1e-6)
        state = torch.tensor(mean), torch.tensor(var), n


@update_buffers.expect
def any_size():
    """It works for any number of channels, and for a batch of one image."""
    wide = torch.cat([X4, 2 * X4 - 1], dim=1)
    for x in (X4[:, :2], X4[:1], wide):
        channels = x.shape[1]
        means, variances = torch.linspace(-1, 1, channels).double(), VAR.repeat(2)[:channels]
        result = yield (means, variances, 3, x, 0.3), {}
        mean, var, _ = _buffers(result, channels)
        of = f" (x of shape {tuple(x.shape)})"
        same(mean, 0.7 * means + 0.3 * x.mean((0, 2, 3)), f"running_mean{of}")
        same(var, 0.7 * variances + 0.3 * x.var((0, 2, 3)), f"running_var{of}")


@update_buffers.expect
def momentum_of_zero():
    """Momentum 0 is a number too: the batch counts, and the statistics stay."""
    mean, var, _ = _buffers((yield (MEAN, VAR, 7, X4, 0.0), {}))
    average = 7 / 8 * MEAN + 1 / 8 * X4.mean((0, 2, 3))
    slip(mean, average, "0.0 is not None: ask for `momentum is None`")
    same(mean, MEAN, "running_mean")
    same(var, VAR, "running_var")


@exercise(
    "Only two kinds of layers have something to store: Linear and BatchNorm. "
    "isinstance(layer, BatchNorm) tells.",
    "The key of an entry is the layer's place and the name, with a dot between: f'{i}.weight'. "
    "Flatten and ReLU take a place, too.",
    "PyTorch calls gamma `weight` and beta `bias`. The arrays of parameters are in .data: "
    "layer.gamma.data; the running statistics are arrays themselves.",
    "torch.tensor(...) turns an array or a number into a tensor. num_batches_tracked belongs to "
    "the state, too.",
)
def to_state_dict(model):
    state = {}
    for i, layer in enumerate(model):
        if isinstance(layer, Linear):
            state[f"{i}.weight"] = torch.tensor(layer.weight.data)
            state[f"{i}.bias"] = torch.tensor(layer.bias.data)
        elif isinstance(layer, BatchNorm):
            state[f"{i}.weight"] = torch.tensor(layer.gamma.data)
            state[f"{i}.bias"] = torch.tensor(layer.beta.data)
            state[f"{i}.running_mean"] = torch.tensor(layer.running_mean)
            state[f"{i}.running_var"] = torch.tensor(layer.running_var)
            state[f"{i}.num_batches_tracked"] = torch.tensor(layer.num_batches_tracked)
    return state


def _trained(sizes=(5, 4, 3, 2), norm=True):
    """A network of Part I whose every array is its own, after a few batches."""
    rng = np.random.default_rng(141)
    model = mlp(sizes, rng, norm=norm)
    for parameter in model.parameters():
        parameter.data = parameter.data + rng.uniform(0.5, 1, parameter.data.shape)
    for _ in sizes:
        model(rng.normal(size=(6, sizes[0])))
    for i, layer in enumerate(model):
        if isinstance(layer, BatchNorm):  # as if it had been trained for longer
            layer.num_batches_tracked += i
    return model


def _state(result, model):
    """The result as a dict with the right keys."""
    wanted = to_state_dict(model)
    if not isinstance(result, dict):
        raise AssertionError(f"return a dict of tensors, not {type(result).__name__}")
    if missing := [key for key in wanted if key not in result]:
        keys = f"you have {', '.join(map(str, result))}" if result else "the dict is empty"
        raise AssertionError(f"the entry {missing[0]!r} is missing; {keys}")
    if extra := [key for key in result if key not in wanted]:
        raise AssertionError(f"the entry {extra[0]!r} belongs to nothing in PyTorch's model")
    for key, value in result.items():
        if not isinstance(value, torch.Tensor):
            raise AssertionError(f"{key} is {type(value).__name__}, not a tensor")
    return wanted


@to_state_dict.expect
def the_keys():
    """There is one tensor per parameter and buffer, under the name that PyTorch gives it."""
    model = _trained()
    _state((yield (copy.deepcopy(model),), {}), model)


@to_state_dict.expect
def the_values():
    """Every tensor has the values and the shape of its array."""
    model = _trained()
    state = yield (copy.deepcopy(model),), {}
    for key, wanted in _state(state, model).items():
        value = array_like(state[key], key)
        if key.endswith("weight") and wanted.ndim == 1:
            slip(value, to_state_dict(model)[key.replace("weight", "bias")], "gamma is the weight")
        if wanted.ndim == 2:
            slip(value, wanted.T, "both keep a weight as (outputs, inputs): do not transpose it")
        if key.endswith("running_var"):
            slip(value, wanted**0.5, "running_var holds variances, not deviations")
        same(value, wanted, key)


@to_state_dict.expect
def the_dtypes():
    """The arrays are float64 and their tensors, too; the count of batches is an integer."""
    model = _trained()
    state = yield (copy.deepcopy(model),), {}
    for key, wanted in _state(state, model).items():
        got = state[key].dtype
        whole = not (wanted.is_floating_point() or got.is_floating_point or got == torch.bool)
        assert whole or got == wanted.dtype, f"{key} is of {got}, expected {wanted.dtype}"


@to_state_dict.expect
def other_networks():
    """It works for any number of layers, with batch norm and without, and batches."""
    for sizes, norm in [((5, 4, 2), True), ((3, 6, 5, 4, 2), True), ((5, 4, 3, 2), False)]:
        model = _trained(sizes, norm)
        state = yield (copy.deepcopy(model),), {}
        for key, wanted in _state(state, model).items():
            same(array_like(state[key], key, shape=tuple(wanted.shape)), wanted, key)
