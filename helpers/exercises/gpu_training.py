"""Exercises of the notebook `gpu_training`: the loop, short averages, memory formats, groups."""

import copy

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

from helpers.exercises.engine import (
    array_like,
    exercise,
    number,
    prediction,
    same,
    slip,
    word,
)

number(
    "gpu-twice",
    answer=10,
    within=1.02,
    reason="backward() adds to what is in .grad.",
    recalls="pytorch",
)
word(
    "gpu-untrained",
    answers=("buffer", "buffers", "a registered buffer"),
    reason="register_buffer makes one. Batch norm has three: running_mean, running_var and "
    "num_batches_tracked.",
    recalls="pytorch",
)
prediction(
    "gpu-mode",
    right="a",
    a="the mode decides about the statistics, no_grad about the graph, and neither does the "
    "other's job.",
    b="eval mode does not switch the graph off. That is no_grad's job.",
    c="the mode alone decides about the statistics, whether gradients are on or off.",
    recalls="pytorch",
)

number(
    "gpu-operators",
    answer=143,
    within=1.5,
    reason="Nearly half of them update: three for each of the network's 23 parameters. (On a GPU "
    "the optimizer takes many at once.) Forward and backward have 37 each.",
    measured_by="len(count.operators)",
    tolerance=0.5,  # on a GPU the optimizer has fewer
)
number(
    "gpu-step",
    answer=3,
    unit="ms",
    within=1.1,
    reason="The two work at the same time, and the slower one sets the pace: here Python. A faster "
    "GPU would not help.",
    measured_by="paces[3, 1]",
    tolerance=0.01,
)
number(
    "gpu-larger-batch",
    answer=33,
    unit="% of the test digits",
    within=1.6,
    reason="Four epochs are 20 steps now instead of 160, and each is about as long as before: the "
    "network has not come far.",
    measured_by="100 * np.median(at_128['batch norm', 1])",
    tolerance=0.3,
)
prediction(
    "gpu-scaled-rate",
    right="c",
    a="with batch norm nearly all of it comes back: what was missing were steps, not a better "
    "gradient.",
    b="that is the rule, and it holds as long as the network bears the larger rate.",
    c="batch norm bears the long steps, at the price of a few points. Without a norm the rate is "
    "too large, and the seeds scatter far below.",
    believed={"a": "quote: smaller-batches-generalize", "b": "claim: linear-scaling"},
)
number(
    "gpu-momentum",
    answer=33,
    unit="% of the test digits",
    within=1.8,
    reason="After 80 steps, 45 % of such an average is still the value that it started with (0 for "
    "a mean, 1 for a variance), and most of the rest is from weights long gone.",
    measured_by="100 * np.median(long[0.01])",
    tolerance=0.5,
)


@exercise(
    "A step is four lines: forget the old slopes, compute the loss, go backward, move. Before all "
    "of them: in which mode does a batch norm train?",
    "net.train() once. Then, for each batch: optimizer.zero_grad(), "
    "loss = F.cross_entropy(net(x), y), loss.backward(), optimizer.step().",
    "What goes into the list is loss.detach(), the same number without its graph.",
    may_change=("net", "optimizer"),
)
def train_one_epoch(net, optimizer, batches):
    net.train()
    losses = []
    for x, y in batches:
        optimizer.zero_grad()
        loss = F.cross_entropy(net(x), y)
        loss.backward()
        optimizer.step()
        losses.append(loss.detach())
    return losses


# What happens inside a call, for the checks: the judge copies objects, not the module's lists.
STEPS = []


class _Counted(torch.optim.SGD):
    """Notes its steps. (A copy of an optimizer loses its hooks.)"""

    def step(self, closure=None):
        STEPS.append(1)
        return super().step(closure)


def _net_and_batches(sizes=(6, 6, 5), features=3, classes=2, norm=True):
    """A network in eval mode, as somebody may hand it over, and batches for it, in float64."""
    rng = np.random.default_rng(161)
    layers = [nn.Linear(features, 4), *[nn.BatchNorm1d(4)] * norm, nn.ReLU(), nn.Linear(4, classes)]
    net = nn.Sequential(*layers).double().eval()
    with torch.no_grad():
        for parameter in net.parameters():
            parameter.copy_(torch.from_numpy(rng.normal(size=tuple(parameter.shape))))
    batches = [
        (
            torch.from_numpy(2 * rng.normal(size=(n, features)) + 1),
            torch.from_numpy(rng.integers(classes, size=n)),
        )
        for n in sizes
    ]
    return net, batches


def _sgd(net):
    return _Counted(net.parameters(), lr=0.3, momentum=0.9)


def _losses(net, optimizer, batches, mode=True, forget=True, move=True):
    """The losses of a loop that may leave something out, on copies."""
    net, optimizer = copy.deepcopy((net, optimizer))
    net.train(mode)
    found = []
    for x, y in batches:
        if forget:
            optimizer.zero_grad()
        loss = F.cross_entropy(net(x), y)
        loss.backward()
        if move:
            optimizer.step()
        found.append(loss.item())
    return np.array(found)


def _answer(result, batches):
    """The learner's losses as an array, one per batch."""
    each = result if isinstance(result, (list, tuple)) else [result]
    losses = array_like(result, "losses", shape=(len(batches),))
    if any(isinstance(loss, torch.Tensor) and loss.requires_grad for loss in each):
        raise AssertionError("a loss in your list still has its graph: append loss.detach()")
    return losses


@train_one_epoch.expect
def one_loss_per_batch():
    """Return the loss of each batch, in order, without its graph."""
    net, batches = _net_and_batches()
    _answer((yield (net, _sgd(net), batches), {}), batches)


@train_one_epoch.expect
def the_first_loss():
    """The first loss is that of training mode, before any step."""
    net, batches = _net_and_batches()
    arguments = net, _sgd(net), batches
    first = _answer((yield arguments, {}), batches)[0]
    slip(first, _losses(*arguments, mode=False)[0], "the net is in eval mode: call net.train()")
    x, y = batches[0]
    summed = _losses(*arguments)[0] * len(x)
    slip(first, summed, "this is the sum over the batch; cross_entropy takes the mean by default")
    again = _losses(net, arguments[1], [(x, y), (x, y)])[1]
    slip(first, again, "this is the loss after the step; note it before the net has moved")
    same(first, _losses(*arguments)[0], "the first loss")


@train_one_epoch.expect
def one_step_per_batch():
    """Each batch moves the net by one step of the optimizer, from its own gradient alone."""
    net, batches = _net_and_batches()
    arguments = net, _sgd(net), batches
    losses = _answer((yield arguments, {}), batches)
    says = "the net does not move: optimizer.step() comes behind backward(), zero_grad() before it"
    slip(losses, _losses(*arguments, move=False), says)
    says = "backward() adds to the slopes of the batch before: call optimizer.zero_grad() each time"
    slip(losses, _losses(*arguments, forget=False), says)
    same(losses, _losses(*arguments), "losses")


@train_one_epoch.expect
def each_batch_once():
    """Every batch, the last one too, goes through the net once and takes one step."""
    net, batches = _net_and_batches()
    passes = []
    net[1].register_forward_hook(lambda *_: passes.append(1))  # net.forward(x) runs it, too
    STEPS.clear()
    _answer((yield (net, _sgd(net), batches), {}), batches)
    if len(passes) != len(batches):
        raise AssertionError(
            f"{len(batches)} batches went through the net {len(passes)} times, and each time batch "
            "norm moves its running statistics: use the loss that you have"
        )
    if len(STEPS) != len(batches):
        raise AssertionError(f"the optimizer took {len(STEPS)} steps for {len(batches)} batches")


@train_one_epoch.expect
def any_network():
    """It works for any network, any optimizer and any number of batches."""
    net, batches = _net_and_batches((4, 3, 5, 2, 3), features=5, classes=4, norm=False)
    for optimizer in (torch.optim.Adam(net.parameters(), lr=0.05), _sgd(net)):
        arguments = net, optimizer, batches
        same(_answer((yield arguments, {}), batches), _losses(*arguments), "losses")


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
