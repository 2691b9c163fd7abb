"""Exercises of the notebook `gpu_training`: memory formats, short averages, parameter groups."""

import numpy as np
import torch

from helpers.exercises.engine import array_like, exercise, prediction, same, slip

prediction(
    "gpu-step",
    right="b",
    a="the two work at the same time: while the GPU computes, Python is already queueing.",
    b="the slower of the two sets the pace, here Python. A faster GPU would not help.",
    c="Python does not wait for the GPU, but the GPU cannot start what is not yet queued.",
)
prediction(
    "gpu-larger-batch",
    right="c",
    a="an eighth of the steps was taken, each as long as before.",
    b="the gradient is less noisy, but the steps are as long as before, and there are 20, not 160.",
    c="four epochs are 20 steps now instead of 160, and each is as long as before: the network has "
    "not come far.",
)
prediction(
    "gpu-momentum",
    right="c",
    a="the weights are, but eval mode uses the running statistics, and 0.99 ** 80 = 45 % of these "
    "is still what they started with.",
    b="it is far behind: after 80 steps, 45 % of such an average is still the value that it "
    "started with, and most of the rest is from weights long gone.",
    c="after 80 steps, 45 % of such an average is still the value that it started with (0 for a "
    "mean, 1 for a variance), and most of the rest is from weights long gone.",
)


@exercise(
    "A stride says how many values further in memory the next index along an axis lies. Which axis "
    "has neighbours next to each other? Start there, with stride 1.",
    "In the default format a row of pixels lies together: W has stride 1, H has W, C has H * W. In "
    "channels_last the channels of a pixel lie together: C has stride 1. What comes next?",
    "channels_last is the order N, H, W, C, with the strides still reported in the order N, C, H, "
    "W: (H * W * C, 1, W * C, C).",
)
def strides(shape, channels_last):
    _, c, h, w = shape
    if channels_last:
        return (h * w * c, 1, w * c, c)
    return (c * h * w, h * w, w, 1)


SHAPES = ((5, 3, 4, 7), (2, 8, 6, 5), (10, 64, 32, 32), (1, 2, 3, 3), (4, 1, 5, 2))


def _torch_strides(shape, channels_last):
    layout = torch.channels_last if channels_last else torch.contiguous_format
    return torch.empty(shape, memory_format=layout).stride()


@strides.expect
def four_numbers():
    """The result is four whole numbers, in the order N, C, H, W."""
    for channels_last in (False, True):
        result = yield (SHAPES[0], channels_last), {}
        result = array_like(result, "strides", shape=(4,))
        if result.dtype.kind not in "iu":
            raise AssertionError("strides count values: return whole numbers")


@strides.expect
def rows_lie_together():
    """With channels_last=False, W has stride 1, then come H, C and N."""
    for shape in SHAPES:
        n, c, h, _ = shape
        result = yield (shape, False), {}
        slip(result, _torch_strides(shape, True), "this is channels_last: look at the argument")
        bytes_ = np.multiply(4, _torch_strides(shape, False))
        slip(result, bytes_, "PyTorch counts values, not bytes (NumPy counts bytes)")
        slip(result, (n * c * h, c * h, h, 1), "a step down passes one row: W values, not H")
        same(result, _torch_strides(shape, False), f"strides of {shape}")


@strides.expect
def channels_lie_together():
    """With channels_last=True, C has stride 1, then come W, H and N; N, C, H, W is the order."""
    for shape in SHAPES:
        _, c, h, w = shape
        result = yield (shape, True), {}
        slip(result, _torch_strides(shape, False), "these are the strides of the default format")
        in_memory = (h * w * c, w * c, c, 1)
        slip(result, in_memory, "right numbers, other order: report them for N, C, H, W")
        swapped = (h * w * c, 1, c, h * c)
        slip(result, swapped, "pixels of a row lie together: W has a smaller stride than H")
        same(result, _torch_strides(shape, True), f"strides of {shape}")


@exercise(
    "After one step, 1 - momentum of the starting value is left. After two, which share of that?",
    "(1 - momentum) ** steps is left. Set it equal to `left` and solve for momentum.",
    "momentum = 1 - left ** (1 / steps)",
)
def momentum_for(steps, left):
    return 1 - left ** (1 / steps)


@momentum_for.expect
def one_step():
    """After a single step, 1 - momentum of the starting value is left."""
    for left in (0.3, 0.01):
        momentum = yield (1, left), {}
        slip(momentum, left, "`left` is what stays after one step; PyTorch's momentum is the rest")
        same(momentum, 1 - left, f"momentum_for(1, {left})")


@momentum_for.expect
def many_steps():
    """After `steps` steps, the share `left` of the starting value remains, no more, no less."""
    for steps, left in ((2, 0.09), (20, 0.01), (20, 0.4), (390, 0.001)):
        momentum = yield (steps, left), {}
        what = f"momentum_for({steps}, {left})"
        slip(momentum, left ** (1 / steps), "this is what one step leaves: PyTorch wants the rest")
        slip(momentum, (1 - left) / steps, "each step leaves a share of what is left, not of 1")
        slip(momentum, (1 - left) ** (1 / steps), "left is what remains, not what has come in")
        slip(momentum, 1 - left**steps, "solve (1 - momentum) ** steps = left for momentum")
        slip(momentum, -np.log(left) / steps, "close for long runs; solve it exactly")
        same(momentum, 1 - left ** (1 / steps), what)


@exercise(
    "Go through the pairs once and put each parameter into one of three lists. Which ones do not "
    "belong in any?",
    'Leave out what has requires_grad False. A norm\'s beta has a name that contains "norm" and '
    'ends with "bias". What has more than one axis is a weight; everything else is "others".',
    'Each group is a dictionary: {"params": [...], "lr": ..., "weight_decay": ...}. Only the '
    "weights decay, only the betas have lr * beta_factor.",
)
def split_parameters(named_parameters, lr, weight_decay, beta_factor):
    weights, others, betas = [], [], []
    for name, parameter in named_parameters:
        if not parameter.requires_grad:
            continue
        if "norm" in name and name.endswith("bias"):
            betas.append(parameter)
        elif parameter.ndim > 1:
            weights.append(parameter)
        else:
            others.append(parameter)
    return [
        {"params": weights, "lr": lr, "weight_decay": weight_decay},
        {"params": others, "lr": lr, "weight_decay": 0.0},
        {"params": betas, "lr": lr * beta_factor, "weight_decay": 0.0},
    ]


# Shape, and whether it is trained. Of every kind one is frozen. Sizes tell nothing: conv3's weight
# has fewer values than linear's bias.
NAMES = {
    "conv1.weight": ((4, 3, 3, 3), True),
    "norm1.weight": ((4,), False),
    "norm1.bias": ((4,), True),
    "conv2.weight": ((6, 4, 3, 3), False),
    "norm2.weight": ((6,), True),
    "norm2.bias": ((6,), True),
    "layers.3.conv3.weight": ((2, 1, 1, 1), True),
    "layers.3.conv3.bias": ((2,), True),
    "layers.3.norm3.weight": ((2,), True),
    "layers.3.norm3.bias": ((2,), True),
    "layers.4.norm4.weight": ((2,), True),
    "layers.4.norm4.bias": ((2,), False),
    "linear.weight": ((10, 6), True),
    "linear.bias": ((10,), True),
    "linear2.bias": ((10,), False),
}
BETAS = ("norm1.bias", "norm2.bias", "layers.3.norm3.bias")
RATE, DECAY, FACTOR = 0.5, 0.001, 64.0


def _named(names=NAMES):
    """Pairs (name, parameter). Each parameter carries its name as an attribute."""
    pairs = []
    for name in names:
        shape, trained = NAMES[name]
        parameter = torch.full(shape, 0.5).requires_grad_(trained)
        parameter.key = name  # copies of a tensor do not have its attributes
        pairs.append((name, parameter))
    return pairs


def _groups(result):
    """{name: (number of groups it is in, lr, weight_decay)} of a result."""
    if not isinstance(result, (list, tuple)) or not all(isinstance(g, dict) for g in result):
        raise AssertionError("return a list of dictionaries, one for each group")
    found = dict.fromkeys(NAMES, (0, None, None))
    for group in result:
        missing = {"params", "lr", "weight_decay"} - set(group)
        if missing:
            raise AssertionError(f"a group lacks {', '.join(sorted(missing))}")
        if isinstance(group["params"], torch.Tensor):
            raise AssertionError('"params" is a list of parameters')
        for parameter in group["params"]:
            if not isinstance(parameter, torch.Tensor):
                raise AssertionError('"params" holds parameters alone, without their names')
            if not hasattr(parameter, "key"):
                raise AssertionError(
                    '"params" holds the parameters themselves: an optimizer that is given copies '
                    "trains the copies"
                )
            name = parameter.key
            found[name] = (found[name][0] + 1, group["lr"], group["weight_decay"])
    return found


@split_parameters.expect
def a_list_of_groups():
    """It returns a list of dictionaries with "params", "lr" and "weight_decay"."""
    result = yield (_named(), RATE, DECAY, FACTOR), {}
    _groups(result)
    if len(result) != 3:
        raise AssertionError(f"return three groups: weights, others, betas; got {len(result)}")


@split_parameters.expect
def every_trained_parameter_once():
    """Every parameter that is trained is in one group; frozen ones are in none."""
    found = _groups((yield (_named(), RATE, DECAY, FACTOR), {}))
    for name, (_, trained) in NAMES.items():
        count = found[name][0]
        if not trained and count:
            raise AssertionError(f"{name} is frozen (requires_grad is False): leave it out")
        if trained and count != 1:
            raise AssertionError(f"{name} is in {count} groups, expected one")


@split_parameters.expect
def rates():
    """The betas of norms train at beta_factor times the rate, all else at the rate itself."""
    for rate, factor in ((RATE, FACTOR), (RATE, 3.0), (0.2, 5.0)):
        found = _groups((yield (_named(), rate, DECAY, factor), {}))
        for name in ("linear.bias", "layers.3.conv3.bias", "norm2.weight"):
            if found[name][1] == rate * factor:
                raise AssertionError(f"{name} is not the beta of a norm, yet it has its rate")
        for name, (_, trained) in NAMES.items():
            if trained:
                same(found[name][1], rate * factor if name in BETAS else rate, f"lr of {name}")


@split_parameters.expect
def decay():
    """Weights of convolutions and linear layers decay; gamma, beta and biases do not."""
    for weight_decay in (DECAY, 0.02):
        found = _groups((yield (_named(), RATE, weight_decay, FACTOR), {}))
        for name, (shape, trained) in NAMES.items():
            if trained:
                wanted = weight_decay if len(shape) > 1 else 0.0
                same(found[name][2], wanted, f"weight_decay of {name}")


@split_parameters.expect
def also_without_norms():
    """Three groups come back even where one of them is empty."""
    names = ("conv1.weight", "linear.weight", "linear.bias")
    result = yield (_named(names), RATE, DECAY, FACTOR), {}
    found = _groups(result)
    if len(result) != 3:
        raise AssertionError(f"return three groups, one of them empty; got {len(result)}")
    for name in names:
        same(found[name][0], 1, f"groups with {name}")
