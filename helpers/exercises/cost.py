"""Exercises of the notebook `cost`: bytes moved, and folding behind and in front of a layer."""

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

number(
    "cost-own-tensors",
    answer=1,
    within=1.01,
    reason="It keeps x itself, and a few numbers for each channel. From single operations it is "
    "three.",
    recalls="pytorch",
)
word(
    "cost-gpu-program",
    answers=("kernel", "kernels", "GPU kernel"),
    reason="Python launches it: it puts the kernel into a queue and goes on at once.",
    recalls="gpu_training",
)
prediction(
    "cost-clock",
    right="a",
    a="Python only fills the queue and goes on. synchronize() would have waited for the GPU.",
    b="the GPU may still be at work when you read the clock: nothing has waited for it.",
    c="Python does not wait for the GPU, so the GPU's time is not in it.",
    recalls="gpu_training",
)

number(
    "cost-bytes",
    answer=35.8,
    unit="%",
    within=1.4,
    reason="Forward and backward together, a convolution or a ReLU passes over its tensor five "
    "times. Batch norm does so more often: how often, you derive in the next section.",
    measured_by="100 * moved['batch']['batch norm'] / sum(moved['batch'].values())",
)
number(
    "cost-four-lines",
    answer=44,
    unit="T",
    within=1.5,
    reason="The forward pass takes 10. Every operator in it has at least one of its own in the "
    "backward pass, and each of them reads and writes whole tensors.",
    measured_by="passes['small operators']",
)
number(
    "cost-kept",
    answer=1.96,
    unit="times",
    within=1.2,
    reason="Without batch norm, nobody keeps the output of a convolution. Batch norm needs it, and "
    "so a second tensor waits beside each that waited before.",
    measured_by="overheads[0]",
)
prediction(
    "cost-raised-bias",
    right="a",
    a="the running statistics are fixed, so the bias is scaled like every other part of the input.",
    b="in training mode it is so. The running mean was collected before, and does not know of it.",
    c="batch norm adds beta last, but the bias comes before it, and is divided like the rest.",
    believed={"b": "quote: bias-cancelled", "c": "mutant: fold_batch_norm.bias_unscaled"},
)
prediction(
    "cost-norm-first",
    right="b",
    a="the border is where the zeros are, and batch norm does not turn zeros into zeros.",
    b="inside, every output sees nine pixels that went through batch norm. At the border it sees "
    "zeros that did not, and the folded bias counts them as if they had.",
    c="where no zeros are involved, scale and shift pass through the sum exactly.",
    believed={"a": "quote: fold-into-the-next", "c": "quote: first-norm-stays"},
)
number(
    "cost-after-folding",
    answer=100,
    unit="times",
    within=1.2,
    reason="The gradient of the old weight is scale = 0.1 times that of the folded one, and a step "
    "of the old weight counts 0.1 times in the output. So it moves a hundredth as far.",
    measured_by="moved_farther[0].item()",
)


@exercise(
    "Take T = bytes of x. For each mode, write down what has to be read before the first output "
    "can be written, and what is read after that.",
    "Forward reads x for the statistics; then it reads x again and writes y. Backward needs two "
    "sums over x and dy before the first dx; then it needs both again.",
    "size = itemsize * product of the shape; eval: (size, size), forward: (2 * size, size), "
    "backward: (4 * size, size).",
)
def batch_norm_bytes(shape, itemsize, mode):
    size = itemsize
    for length in shape:
        size *= length
    read, written = {"eval": 1, "forward": 2, "backward": 4}[mode] * size, size
    return read, written


SHAPE = (2, 3, 4, 5)  # 120 values
SIZE = 480  # bytes, in float32


def _moved(result):
    if np.shape(result) == (2,):  # an array of both
        result = tuple(result)
    read, written = parts(result, "read", "written")
    array_like(read, "read", shape=())
    array_like(written, "written", shape=())
    return read, written


@batch_norm_bytes.expect
def two_numbers():
    """Return (read, written), two numbers of bytes."""
    _moved((yield (SHAPE, 4, "eval"), {}))


@batch_norm_bytes.expect
def eval_mode():
    """Eval mode: how often must x be read, and what is written?"""
    read, written = _moved((yield (SHAPE, 4, "eval"), {}))
    slip(written, 0, "the output has to be written")
    slip(written, 1, "you count in multiples of T; return bytes")
    slip(written, 120, "bytes, not values: multiply by itemsize")
    slip(written, 4 * sum(SHAPE), "the number of values is the product of the lengths, not the sum")
    same(written, SIZE, "written")
    says = "one look at x is enough: the statistics are known, and writing y is counted separately"
    slip(read, 2 * SIZE, says)
    same(read, SIZE, "read")


@batch_norm_bytes.expect
def forward_pass():
    """Forward, in training: how often must x be read, and what is written?"""
    read, written = _moved((yield (SHAPE, 4, "forward"), {}))
    says = "no output can be computed before the statistics are known: x is read again"
    slip(read, SIZE, says)
    says = "mean and variance can be had from one look at x (their sums together)"
    slip(read, 3 * SIZE, f"{says}; and writing y is counted separately")
    slip(read, 4 * SIZE, f"{says}; and what you read for x_hat serves for y as well")
    same(read, 2 * SIZE, "read")
    slip(written, 2 * SIZE, "x_hat need not be written: it can be had from x when it is needed")
    same(written, SIZE, "written")


@batch_norm_bytes.expect
def backward_pass():
    """Backward: how often must x and dy be read, and what is written?"""
    read, written = _moved((yield (SHAPE, 4, "backward"), {}))
    slip(read, SIZE, "dy alone is not enough, and no dx is known before two sums over the batch")
    slip(read, 2 * SIZE, "x and dy are read for the sums, and once more for dx")
    slip(read, 3 * SIZE, "for dx both are needed again: x (in x_hat) and dy")
    slip(read, 5 * SIZE, "writing dx is counted separately")
    says = "the backward pass alone: mean and variance are kept from the forward pass"
    slip(read, 6 * SIZE, says)
    same(read, 4 * SIZE, "read")
    says = "only dx is of the size of x: the other gradients have one number per channel"
    slip(written, 2 * SIZE, says)
    same(written, SIZE, "written")


@batch_norm_bytes.expect
def other_shapes_and_types():
    """It works for any shape, such as (N, C), and for values of two or eight bytes."""
    for shape, itemsize in (((7, 11), 2), ((1, 2, 3, 4, 5), 8), ((2, 3, 4, 5), 2)):
        for mode, passes in (("eval", (1, 1)), ("forward", (2, 1)), ("backward", (4, 1))):
            moved = _moved((yield (shape, itemsize, mode), {}))
            size = itemsize * int(np.prod(shape))
            what = f"({mode}, shape {shape}, itemsize {itemsize})"
            for part, count, name in zip(moved, passes, ("read", "written"), strict=True):
                same(part, count * size, f"{name} {what}")


_rng = np.random.default_rng(160)


def _tensor(*shape):
    return torch.from_numpy(_rng.normal(size=shape)).float()


# All in float32, as in a network: whoever makes new tensors need not think of the type.
# As many outputs as inputs, and as many as a kernel is wide: a scale along the wrong axis gives
# wrong numbers, not an error about shapes.
WEIGHT, BIAS = _tensor(3, 3, 3, 3), _tensor(3)
NORM = {
    "gamma": torch.tensor([1.7, -0.6, 0.4]),
    "beta": torch.tensor([0.5, -2.0, 3.0]),
    "running_mean": torch.tensor([2.0, -1.5, 0.7]),
    "running_var": torch.tensor([0.3, 4.0, 1.6]),
}
EPS = 0.3  # large enough that every misplaced eps shows
ARGUMENTS = (WEIGHT, BIAS, *NORM.values())
TOL = 1e-5  # of float32; the mistakes that are looked for are larger by far


@exercise(
    "In eval mode, batch norm is scale * z + shift for every channel of z. Put the convolution's "
    "z = conv(x, weight) + bias into it and sort: what belongs to x, and what is left?",
    "scale = gamma / sqrt(running_var + eps) multiplies all weights of an output channel, the "
    "first axis of weight. The old bias is scaled, too.",
    "weight = weight * scale.reshape(-1, *[1] * (weight.dim() - 1)), a 1 for every further axis; "
    "bias = (bias - running_mean) * scale + beta, with 0 for a bias of None.",
)
def fold_batch_norm(weight, bias, gamma, beta, running_mean, running_var, eps=1e-5):
    scale = gamma / torch.sqrt(running_var + eps)
    if bias is None:
        bias = torch.zeros_like(running_mean)
    weight = scale.reshape(-1, *[1] * (weight.dim() - 1)) * weight
    bias = scale * (bias - running_mean) + beta
    return weight, bias


def _folded(result, weight=WEIGHT, of=""):
    new_weight, new_bias = parts(result, "weight", "bias")
    new_weight = array_like(new_weight, f"weight{of}", shape=tuple(weight.shape))
    return new_weight, array_like(new_bias, "bias", shape=(len(weight),))


def _same(actual, expected, what):
    same(actual, np.asarray(expected), what, tol=TOL)


def _slip(actual, wrong, says):
    slip(actual, wrong, says, tol=TOL)


def _along(scale, axis):
    shape = [1] * 4
    shape[axis] = -1
    return scale.reshape(shape)


@fold_batch_norm.expect
def same_shapes():
    """Return (weight, bias): weight keeps its shape, bias has one entry per output channel."""
    _folded((yield ARGUMENTS, {"eps": EPS}))


@fold_batch_norm.expect
def scaled_weights():
    """All weights of an output channel are multiplied by the scale of this channel."""
    weight, _ = _folded((yield ARGUMENTS, {"eps": EPS}))
    gamma, var = NORM["gamma"], NORM["running_var"]
    scale = gamma / torch.sqrt(var + EPS)
    _slip(weight, WEIGHT, "the weights are as before: scale them")
    _slip(weight, _along(scale, 1) * WEIGHT, "you scale the input channels; the outputs come first")
    says = "you scale along the last axis, the width of the window; scale needs a 1 for every axis "
    _slip(weight, scale * WEIGHT, says + "of weight behind the first")
    _slip(weight, WEIGHT / _along(scale, 0), "multiply by the scale; you divide by it")
    _slip(weight, _along(gamma / torch.sqrt(var), 0) * WEIGHT, "eps is missing")
    _slip(
        weight, _along(gamma / (torch.sqrt(var) + EPS), 0) * WEIGHT, "eps belongs inside the root"
    )
    _slip(
        weight, _along(gamma / (var + EPS), 0) * WEIGHT, "divide by the root of running_var + eps"
    )
    _slip(weight, _along(1 / torch.sqrt(var + EPS), 0) * WEIGHT, "gamma is missing")
    says = "you use 1e-5 whatever eps you are given"
    _slip(weight, _along(gamma / torch.sqrt(var + 1e-5), 0) * WEIGHT, says)
    _same(weight, _along(scale, 0) * WEIGHT, "weight")


@fold_batch_norm.expect
def shifted_bias():
    """The old bias goes through batch norm, like every other output of the layer."""
    _, bias = _folded((yield ARGUMENTS, {"eps": EPS}))
    beta, mean = NORM["beta"], NORM["running_mean"]
    gamma, var = NORM["gamma"], NORM["running_var"]
    scale = gamma / torch.sqrt(var + EPS)
    says = "the weights are scaled as they should be, the bias is not: use the same scale for both"
    for other in (
        gamma / torch.sqrt(var),
        gamma / torch.sqrt(var + 1e-5),
        gamma / (torch.sqrt(var) + EPS),
        gamma / (var + EPS),
        1 / torch.sqrt(var + EPS),
    ):
        _slip(bias, other * (BIAS - mean) + beta, says)
    _slip(bias, beta, "(bias - running_mean) * scale is missing; only beta is left")
    _slip(bias, BIAS - mean + beta, "bias and running_mean have to be scaled")
    _slip(bias, scale * (BIAS - mean) + NORM["gamma"] * beta, "beta comes last: it is not scaled")
    _slip(bias, BIAS, "the bias is as before: batch norm scales and shifts it, too")
    _slip(bias, -scale * mean + beta, "the old bias is lost: it goes through batch norm, too")
    _slip(bias, BIAS - scale * mean + beta, "the old bias goes through batch norm: scale it")
    _slip(bias, scale * BIAS + beta, "running_mean is not subtracted")
    _slip(bias, scale * BIAS - mean + beta, "running_mean is scaled like everything before beta")
    _slip(bias, scale * (BIAS - mean), "beta is missing")
    _slip(bias, scale * (BIAS - mean + beta), "beta comes last: it is not scaled")
    _slip(bias, scale * (BIAS + mean) + beta, "running_mean is subtracted, not added")
    _same(bias, scale * (BIAS - mean) + beta, "bias")


@fold_batch_norm.expect
def without_bias():
    """A convolution in front of batch norm often has none: bias may be None, which counts as 0."""
    arguments = (WEIGHT, None, *NORM.values())
    weight, bias = _folded((yield arguments, {"eps": EPS}))
    expected = fold_batch_norm(*arguments, eps=EPS)
    _same(weight, expected[0], "weight")
    _same(bias, expected[1], "bias")


def _hardly_varying(channels):
    """Parameters and statistics for any number of channels, with variances as small as 1e-5."""
    small = dict(NORM, running_var=NORM["running_var"] * 1e-5)
    return [torch.cat([value, value + 1e-5])[:channels] for value in small.values()]


@fold_batch_norm.expect
def any_layer():
    """It works for other kernels and numbers of channels, and for a linear layer's (C_out, C_in);
    without an eps it uses 1e-5."""
    shapes = {(3, 5, 1, 2): "convolution", (3, 4): "linear layer", (3, 2, 3): "1d convolution"}
    shapes |= {
        (5, 2, 3, 3): "convolution",
        (1, 4): "linear layer",
        (2, 1, 2, 2, 1): "3d convolution",
    }
    for shape, kind in shapes.items():
        weight = torch.linspace(-1, 2, int(np.prod(shape))).reshape(shape)
        for bias in (torch.linspace(1, 2, shape[0]), None):
            arguments = weight, bias, *_hardly_varying(shape[0])
            of = f" (of a {kind}, weight of shape {shape})"
            got = _folded((yield arguments, {}), weight, of)
            for part, wanted, name in zip(
                got, fold_batch_norm(*arguments), ("weight", "bias"), strict=True
            ):
                _same(part, wanted, f"{name}{of}")


LINEAR, LINEAR_BIAS = _tensor(3, 3), _tensor(3)


@exercise(
    "Now the inputs are normalized: weight @ (scale * x + shift) + bias. Multiply out.",
    "The scale belongs to an input, so it multiplies a column of weight. The shift goes through "
    "the weights before it arrives in the bias.",
    "scale = gamma / sqrt(running_var + eps), shift = beta - scale * running_mean; weight * scale, "
    "and bias + weight @ shift with the old weight.",
)
def fold_before(weight, bias, gamma, beta, running_mean, running_var, eps=1e-5):
    scale = gamma / torch.sqrt(running_var + eps)
    shift = beta - scale * running_mean
    bias = weight @ shift if bias is None else weight @ shift + bias
    weight = weight * scale
    return weight, bias


BEFORE = (LINEAR, LINEAR_BIAS, *NORM.values())


def _scale_and_shift():
    scale = NORM["gamma"] / torch.sqrt(NORM["running_var"] + EPS)
    return scale, NORM["beta"] - scale * NORM["running_mean"]


@fold_before.expect
def weight_and_bias():
    """Return (weight, bias), shaped as before: (C_out, C_in) and (C_out,)."""
    _folded((yield BEFORE, {"eps": EPS}), LINEAR)


@fold_before.expect
def scaled_columns():
    """Every column of weight is multiplied by the scale of its input."""
    weight, _ = _folded((yield BEFORE, {"eps": EPS}), LINEAR)
    scale, _ = _scale_and_shift()
    gamma, var = NORM["gamma"], NORM["running_var"]
    says = "you scale the rows: that is batch norm behind the layer. Here it is in front"
    _slip(weight, scale[:, None] * LINEAR, says)
    _slip(weight, LINEAR, "the weights are as before: scale them")
    _slip(weight, LINEAR / scale, "multiply by the scale; you divide by it")
    _slip(weight, (LINEAR * scale).T, "right, but transposed: one row per output, as before")
    _slip(weight, 1 / torch.sqrt(var + EPS) * LINEAR, "gamma is missing")
    _slip(weight, gamma / (var + EPS) * LINEAR, "divide by the root of running_var + eps")
    _slip(weight, gamma / (torch.sqrt(var) + EPS) * LINEAR, "eps belongs inside the root")
    _slip(weight, gamma / torch.sqrt(var) * LINEAR, "eps is missing")
    _slip(
        weight, gamma / torch.sqrt(var + 1e-5) * LINEAR, "you use 1e-5 whatever eps you are given"
    )
    _same(weight, (LINEAR * scale).numpy(), "weight")


@fold_before.expect
def shift_through_the_weights():
    """The bias grows by what the layer makes of the shift."""
    _, bias = _folded((yield BEFORE, {"eps": EPS}), LINEAR)
    scale, shift = _scale_and_shift()
    gamma, beta, mean, var = NORM.values()
    says = "the weights are scaled as they should be, the shift is not: use the same scale for both"
    for other in (
        gamma / torch.sqrt(var),
        gamma / torch.sqrt(var + 1e-5),
        gamma / (torch.sqrt(var) + EPS),
        gamma / (var + EPS),
        1 / torch.sqrt(var + EPS),
    ):
        _slip(bias, LINEAR_BIAS + LINEAR @ (beta - other * mean), says)
    says = "that is batch norm behind the layer; here the shift goes through the weights"
    _slip(bias, scale * (LINEAR_BIAS - mean) + beta, says)
    _slip(bias, LINEAR_BIAS - LINEAR @ (scale * mean), "beta is missing in the shift")
    says = "beta goes through the weights, too: it belongs to the shift"
    _slip(bias, LINEAR_BIAS - LINEAR @ (scale * mean) + beta, says)
    says = "running_mean is subtracted, not added: shift = beta - scale * mean"
    _slip(bias, LINEAR_BIAS + LINEAR @ (beta + scale * mean), says)
    _slip(bias, LINEAR_BIAS, "the bias is as before: the shift has to go somewhere")
    _slip(bias, LINEAR_BIAS + shift, "the shift goes through the layer: weight @ shift")
    says = "the shift is added behind the scale: use the old weight, not the scaled one"
    _slip(bias, LINEAR_BIAS + (LINEAR * scale) @ shift, says)
    _slip(
        bias, LINEAR_BIAS + LINEAR.T @ shift, "weight @ shift: sum over the inputs, not the outputs"
    )
    _slip(bias, LINEAR @ shift, "the old bias is lost")
    _slip(
        bias, scale * LINEAR_BIAS + LINEAR @ shift, "the old bias comes after batch norm: keep it"
    )
    _slip(bias, LINEAR_BIAS + LINEAR @ NORM["beta"], "running_mean is missing in the shift")
    no_scale = LINEAR @ (NORM["beta"] - NORM["running_mean"])
    _slip(bias, LINEAR_BIAS + no_scale, "running_mean is scaled, too: shift = beta - scale * mean")
    _same(bias, (LINEAR_BIAS + LINEAR @ shift).numpy(), "bias")


@fold_before.expect
def other_sizes():
    """It works for any number of outputs and inputs; bias may be None, which counts as 0; without
    an eps it uses 1e-5."""
    for rows, columns, bias in ((5, 3, None), (2, 3, LINEAR_BIAS[:2]), (1, 3, None), (4, 5, None)):
        weight = torch.linspace(-1, 2, columns * rows).reshape(rows, columns)
        arguments = weight, bias, *_hardly_varying(columns)
        got = _folded((yield arguments, {}), weight)
        kind = "no bias" if bias is None else "a bias"
        for part, wanted, name in zip(
            got, fold_before(*arguments), ("weight", "bias"), strict=True
        ):
            _same(part, wanted, f"{name} (weight of shape {(rows, columns)}, {kind})")
