"""Answers to the exercises of the notebook `gpu_training`."""

import math

import numpy as np
import torch
from registry import alternative, mutant
from torch import nn
from torch.nn import functional as F


@alternative("strides")
def by_asking_pytorch(shape, channels_last):
    layout = torch.channels_last if channels_last else torch.contiguous_format
    return torch.empty(shape).to(memory_format=layout).stride()


@alternative("strides")
def by_walking_the_axes(shape, channels_last):
    order = [1, 3, 2, 0] if channels_last else [3, 2, 1, 0]  # from the fastest to the slowest
    result, step = [0] * 4, 1
    for axis in order:
        result[axis] = step
        step *= shape[axis]
    return result


@mutant("strides", blamed="four_numbers")
def three_axes(shape, channels_last):
    return by_walking_the_axes(shape, channels_last)[1:]


@mutant("strides", blamed="four_numbers")
def fractions(shape, channels_last):
    return [stride / 1 for stride in by_walking_the_axes(shape, channels_last)]


@mutant("strides", blamed="rows_lie_together")
def always_channels_last(shape, channels_last):
    return by_walking_the_axes(shape, True)


@mutant("strides", blamed="rows_lie_together")
def in_bytes(shape, channels_last):
    return [4 * stride for stride in by_walking_the_axes(shape, channels_last)]


@mutant("strides", blamed="rows_lie_together")
def height_for_width(shape, channels_last):
    n, c, h, w = shape
    return (h * w * c, 1, w * c, c) if channels_last else (n * c * h, c * h, h, 1)


@mutant("strides", blamed="rows_lie_together")
def the_wrong_way_round(shape, channels_last):
    return by_walking_the_axes(shape, not channels_last)


@mutant("strides", blamed="channels_lie_together")
def never_channels_last(shape, channels_last):
    return by_walking_the_axes(shape, False)


@mutant("strides", blamed="channels_lie_together")
def in_the_order_of_memory(shape, channels_last):
    _, c, h, w = shape
    return (h * w * c, w * c, c, 1) if channels_last else (c * h * w, h * w, w, 1)


@mutant("strides", blamed="channels_lie_together")
def columns_lie_together(shape, channels_last):
    _, c, h, w = shape
    return (h * w * c, 1, c, h * c) if channels_last else (c * h * w, h * w, w, 1)


@mutant("strides", blamed="channels_lie_together")
def height_for_width_with_channels_last(shape, channels_last):
    _, c, h, w = shape
    return (h * w * c, 1, h * c, c) if channels_last else (c * h * w, h * w, w, 1)


@mutant("strides", blamed="rows_lie_together")
def one_axis_too_many(shape, channels_last):
    n, c, h, w = shape
    return (
        by_walking_the_axes(shape, True) if channels_last else (n * c * h * w, c * h * w, h * w, w)
    )


@mutant("strides", blamed="channels_lie_together")
def images_last(shape, channels_last):
    n, c, h, w = shape
    return (1, n, w * c * n, c * n) if channels_last else (c * h * w, h * w, w, 1)


@alternative("momentum_for")
def through_logarithms(steps, left):
    return -math.expm1(math.log(left) / steps)


@alternative("momentum_for")
def by_bisection(steps, left):
    low, high = 0.0, 1.0
    for _ in range(80):
        middle = (low + high) / 2
        low, high = (middle, high) if (1 - middle) ** steps > left else (low, middle)
    return np.float64(low)


@mutant("momentum_for", blamed="one_step")
def what_stays(steps, left):
    return left ** (1 / steps)


@mutant("momentum_for", blamed="one_step")
def forgets_left(steps, left):
    return 1 / steps


@mutant("momentum_for", blamed="one_step")
def left_has_come_in(steps, left):
    return 1 - (1 - left) ** (1 / steps)


@mutant("momentum_for", blamed="many_steps")
def rounded(steps, left):
    return round(1 - left ** (1 / steps), 2)


@mutant("momentum_for", blamed="many_steps")
def without_parentheses(steps, left):
    return 1 - left**1 / steps


@mutant("momentum_for", blamed="many_steps")
def from_what_came_in(steps, left):
    return (1 - left) ** (1 / steps)


@mutant("momentum_for", blamed="many_steps")
def in_equal_parts(steps, left):
    return (1 - left) / steps


@mutant("momentum_for", blamed="many_steps")
def the_power_itself(steps, left):
    return 1 - left**steps


@mutant("momentum_for", blamed="many_steps")
def one_step_too_many(steps, left):
    return 1 - left ** (1 / max(steps - 1, 1))


@mutant("momentum_for", blamed="one_step")
def first_order(steps, left):
    return -math.log(left) / steps


@mutant("momentum_for", blamed="many_steps")
def only_for_one_step(steps, left):
    return 1 - left


def grouped(weights, others, betas, lr, weight_decay, beta_factor):
    return [
        {"params": weights, "lr": lr, "weight_decay": weight_decay},
        {"params": others, "lr": lr, "weight_decay": 0.0},
        {"params": betas, "lr": lr * beta_factor, "weight_decay": 0.0},
    ]


def is_beta(name):
    return "norm" in name and name.rpartition(".")[2] == "bias"


@alternative("split_parameters")
def with_comprehensions(named_parameters, lr, weight_decay, beta_factor):
    trained = [(n, p) for n, p in named_parameters if p.requires_grad]
    betas = [p for n, p in trained if is_beta(n)]
    weights = [p for n, p in trained if p.dim() >= 2]
    others = [p for n, p in trained if p.dim() < 2 and not is_beta(n)]
    return grouped(weights, others, betas, lr, weight_decay, beta_factor)


@alternative("split_parameters")
def betas_first(named_parameters, lr, weight_decay, beta_factor):
    kinds = {"beta": [], "other": [], "weight": []}
    for name, parameter in named_parameters:
        if parameter.requires_grad:
            vector = len(parameter.shape) == 1
            kinds["beta" if is_beta(name) else "other" if vector else "weight"].append(parameter)
    return [
        {"params": kinds["beta"], "lr": beta_factor * lr, "weight_decay": 0},
        {"params": kinds["weight"], "lr": lr, "weight_decay": weight_decay},
        {"params": kinds["other"], "lr": lr, "weight_decay": 0},
    ]


def split(named_parameters, beta=is_beta, frozen_too=False):
    trained = [(n, p) for n, p in named_parameters if frozen_too or p.requires_grad]
    return (
        [p for n, p in trained if p.ndim > 1],
        [p for n, p in trained if p.ndim <= 1 and not beta(n)],
        [p for n, p in trained if p.ndim <= 1 and beta(n)],
    )


@mutant("split_parameters", blamed="a_list_of_groups")
def one_group(named_parameters, lr, weight_decay, beta_factor):
    return {"params": [p for _, p in named_parameters], "lr": lr, "weight_decay": weight_decay}


@mutant("split_parameters", blamed="a_list_of_groups")
def with_names(named_parameters, lr, weight_decay, beta_factor):
    pairs = [(n, p) for n, p in named_parameters if p.requires_grad]
    return [{"params": pairs, "lr": lr, "weight_decay": weight_decay}]


@mutant("split_parameters", blamed="a_list_of_groups")
def no_decay_given(named_parameters, lr, weight_decay, beta_factor):
    groups = grouped(*split(named_parameters), lr, weight_decay, beta_factor)
    del groups[1]["weight_decay"]
    return groups


@mutant("split_parameters", blamed="a_list_of_groups")
def two_groups(named_parameters, lr, weight_decay, beta_factor):
    weights, others, betas = split(named_parameters)
    return grouped(weights, others + betas, [], lr, weight_decay, beta_factor)[:2]


@mutant("split_parameters", blamed="every_trained_parameter_once")
def frozen_ones_too(named_parameters, lr, weight_decay, beta_factor):
    return grouped(*split(named_parameters, frozen_too=True), lr, weight_decay, beta_factor)


@mutant("split_parameters", blamed="every_trained_parameter_once")
def betas_twice(named_parameters, lr, weight_decay, beta_factor):
    weights, others, betas = split(named_parameters)
    return grouped(weights, others + betas, betas, lr, weight_decay, beta_factor)


@mutant("split_parameters", blamed="every_trained_parameter_once")
def forgets_the_others(named_parameters, lr, weight_decay, beta_factor):
    weights, _, betas = split(named_parameters)
    return grouped(weights, [], betas, lr, weight_decay, beta_factor)


@mutant("split_parameters", blamed="rates")
def every_bias_is_a_beta(named_parameters, lr, weight_decay, beta_factor):
    groups = split(named_parameters, beta=lambda name: name.endswith("bias"))
    return grouped(*groups, lr, weight_decay, beta_factor)


@mutant("split_parameters", blamed="rates")
def every_bias_but_that_of_the_last_layer(named_parameters, lr, weight_decay, beta_factor):
    def beta(name):
        return name.endswith("bias") and "linear" not in name

    return grouped(*split(named_parameters, beta=beta), lr, weight_decay, beta_factor)


@mutant("split_parameters", blamed="rates")
def norms_of_the_outermost_module_only(named_parameters, lr, weight_decay, beta_factor):
    def beta(name):
        return name.startswith("norm") and name.endswith("bias")

    return grouped(*split(named_parameters, beta=beta), lr, weight_decay, beta_factor)


@mutant("split_parameters", blamed="decay")
def weights_are_what_is_large(named_parameters, lr, weight_decay, beta_factor):
    trained = [(n, p) for n, p in named_parameters if p.requires_grad]
    betas = [p for n, p in trained if is_beta(n)]
    others = [p for n, p in trained if p.numel() <= 16 and not is_beta(n)]
    weights = [p for n, p in trained if p.numel() > 16 and not is_beta(n)]
    return grouped(weights, others, betas, lr, weight_decay, beta_factor)


@mutant("split_parameters", blamed="a_list_of_groups")
def copies(named_parameters, lr, weight_decay, beta_factor):
    own = [(n, p.detach().clone().requires_grad_(p.requires_grad)) for n, p in named_parameters]
    return grouped(*split(own), lr, weight_decay, beta_factor)


@mutant("split_parameters", blamed="rates")
def gamma_is_fast_too(named_parameters, lr, weight_decay, beta_factor):
    groups = split(named_parameters, beta=lambda name: "norm" in name)
    return grouped(*groups, lr, weight_decay, beta_factor)


@mutant("split_parameters", blamed="rates")
def the_factor_is_the_rate(named_parameters, lr, weight_decay, beta_factor):
    groups = grouped(*split(named_parameters), lr, weight_decay, beta_factor)
    groups[2]["lr"] = beta_factor
    return groups


@mutant("split_parameters", blamed="rates")
def always_64_times(named_parameters, lr, weight_decay, beta_factor):
    return grouped(*split(named_parameters), lr, weight_decay, 64)


@mutant("split_parameters", blamed="decay")
def all_decay(named_parameters, lr, weight_decay, beta_factor):
    groups = grouped(*split(named_parameters), lr, weight_decay, beta_factor)
    return [group | {"weight_decay": weight_decay} for group in groups]


@mutant("split_parameters", blamed="decay")
def none_decays(named_parameters, lr, weight_decay, beta_factor):
    return grouped(*split(named_parameters), lr, 0.0, beta_factor)


@mutant("split_parameters", blamed="also_without_norms")
def drops_empty_groups(named_parameters, lr, weight_decay, beta_factor):
    groups = grouped(*split(named_parameters), lr, weight_decay, beta_factor)
    return [group for group in groups if group["params"]]


@alternative("strides")
def from_numpys_bytes(shape, channels_last):
    if not channels_last:
        return np.array(np.empty(shape, np.int8).strides)
    n, c, h, w = shape
    return np.empty((n, h, w, c), np.int8).transpose(0, 3, 1, 2).strides


@alternative("strides")
def from_a_tensor_seen_otherwise(shape, channels_last):
    n, c, h, w = shape
    if channels_last:
        return torch.empty(n, h, w, c, device="meta").permute(0, 3, 1, 2).stride()
    return torch.tensor(torch.empty(shape, device="meta").stride())


@mutant("strides", blamed="rows_lie_together")
def numpys_bytes(shape, channels_last):
    return np.empty(shape, np.float32).strides


@mutant("strides", blamed="rows_lie_together")
def from_the_left(shape, channels_last):
    n, c, h, w = shape
    return (h * w * c, 1, w * c, c) if channels_last else (1, n, n * c, n * c * h)


@mutant("strides", blamed="rows_lie_together")
def the_shape_itself(shape, channels_last):
    return shape


@mutant("strides", blamed="rows_lie_together")
def batch_counts_too(shape, channels_last):
    n, c, h, w = shape
    return (h * w * c, 1, w * c, c) if channels_last else (n * c * h * w, h * w, w, 1)


@mutant("strides", blamed="channels_lie_together")
def width_first(shape, channels_last):
    _, c, h, w = shape
    return (h * w * c, h * w, w, 1) if not channels_last else (h * w * c, 1, w, h * w)


@mutant("strides", blamed="channels_lie_together")
def square_images(shape, channels_last):
    _, c, h, w = shape
    return (h * h * c, 1, h * c, c) if channels_last else (c * h * w, h * w, w, 1)


@mutant("strides", blamed="channels_lie_together")
def one_image_is_contiguous(shape, channels_last):
    return by_walking_the_axes(shape, channels_last and shape[0] > 1)


@mutant("strides", blamed="four_numbers")
def as_a_text(shape, channels_last):
    return str(by_walking_the_axes(shape, channels_last))


@mutant("strides", blamed="four_numbers")
def a_dictionary(shape, channels_last):
    return dict(zip("NCHW", by_walking_the_axes(shape, channels_last), strict=True))


@alternative("momentum_for")
def in_the_binary_logarithm(steps, left):
    return 1 - np.exp2(np.log2(left) / steps)


@alternative("momentum_for")
def as_a_tensor(steps, left):
    return 1 - torch.tensor(left, dtype=torch.float64).pow(1 / steps)


@mutant("momentum_for", blamed="many_steps")
def whole_steps(steps, left):
    return 1 - left ** (1 // steps)


@mutant("momentum_for", blamed="many_steps")
def square_root(steps, left):
    return 1 - left ** (1 / min(steps, 2))


@mutant("momentum_for", blamed="many_steps")
def one_step_more(steps, left):
    return 1 - left ** (1 / (steps + (steps > 1)))


@mutant("momentum_for", blamed="many_steps")
def to_two_digits(steps, left):
    return float(f"{1 - left ** (1 / steps):.2g}")


@mutant("momentum_for", blamed="one_step")
def a_hundredth_is_left(steps, left):
    return 1 - 0.01 ** (1 / steps)


@mutant("momentum_for", blamed="many_steps")
def logarithm_of_ten(steps, left):
    return 1 - 10 ** (np.log(left) / steps / (np.log(10) if steps == 1 else 1))


@mutant("momentum_for", blamed="one_step")
def in_kerass_convention(steps, left):
    return np.exp(np.log(left) / steps)


@mutant("momentum_for", blamed="many_steps")
def at_most_a_half(steps, left):
    momentum = 1 - left ** (1 / steps)
    return momentum if steps == 1 else min(momentum, 0.5)


@alternative("split_parameters")
def by_a_key(named_parameters, lr, weight_decay, beta_factor):
    groups = [
        {"params": [], "lr": rate, "weight_decay": decay}
        for rate, decay in ((lr, weight_decay), (lr, 0.0), (lr * beta_factor, 0.0))
    ]
    for name, parameter in filter(lambda pair: pair[1].requires_grad, named_parameters):
        layer, _, own = name.rpartition(".")
        place = 2 if "norm" in layer and own == "bias" else int(parameter.ndim < 2)
        groups[place]["params"].append(parameter)
    return tuple(groups)


@alternative("split_parameters")
def by_indices(named_parameters, lr, weight_decay, beta_factor):
    names, parameters = zip(*named_parameters, strict=True)
    trained = np.array([p.requires_grad for p in parameters])
    beta = np.array(["norm" in name and name.endswith(".bias") for name in names])
    matrix = np.array([len(p.size()) > 1 for p in parameters])
    masks = (trained & matrix, trained & ~matrix & ~beta, trained & beta)
    return grouped(
        *([parameters[i] for i in np.flatnonzero(mask)] for mask in masks),
        *(lr, weight_decay, beta_factor),
    )


@mutant("split_parameters", blamed="every_trained_parameter_once")
def frozen_betas_too(named_parameters, lr, weight_decay, beta_factor):
    weights, others, _ = split(named_parameters)
    betas = [p for n, p in named_parameters if is_beta(n)]
    return grouped(weights, others, betas, lr, weight_decay, beta_factor)


@mutant("split_parameters", blamed="every_trained_parameter_once")
def frozen_biases_too(named_parameters, lr, weight_decay, beta_factor):
    weights, _, betas = split(named_parameters)
    others = [p for n, p in named_parameters if p.ndim == 1 and not is_beta(n)]
    return grouped(weights, others, betas, lr, weight_decay, beta_factor)


@mutant("split_parameters", blamed="every_trained_parameter_once")
def only_convolutions(named_parameters, lr, weight_decay, beta_factor):
    weights, others, betas = split(named_parameters)
    return grouped(
        [p for p in weights if p.ndim == 4], others, betas, lr, weight_decay, beta_factor
    )


@mutant("split_parameters", blamed="rates")
def rate_of_the_notebook(named_parameters, lr, weight_decay, beta_factor):
    return grouped(*split(named_parameters), 0.5, weight_decay, beta_factor)


@mutant("split_parameters", blamed="rates")
def divided_by_the_factor(named_parameters, lr, weight_decay, beta_factor):
    return grouped(*split(named_parameters), lr, weight_decay, 1 / beta_factor)


@mutant("split_parameters", blamed="rates")
def gamma_and_beta_exchanged(named_parameters, lr, weight_decay, beta_factor):
    groups = split(named_parameters, beta=lambda n: "norm" in n and n.endswith("weight"))
    return grouped(*groups, lr, weight_decay, beta_factor)


@mutant("split_parameters", blamed="decay")
def decay_of_the_notebook(named_parameters, lr, weight_decay, beta_factor):
    return grouped(*split(named_parameters), lr, 0.001, beta_factor)


@mutant("split_parameters", blamed="decay")
def all_but_betas_decay(named_parameters, lr, weight_decay, beta_factor):
    groups = grouped(*split(named_parameters), lr, weight_decay, beta_factor)
    groups[1]["weight_decay"] = weight_decay
    return groups


@mutant("split_parameters", blamed="decay")
def only_others_decay(named_parameters, lr, weight_decay, beta_factor):
    groups = grouped(*split(named_parameters), lr, weight_decay, beta_factor)
    decays = [group["weight_decay"] for group in groups]
    return [
        group | {"weight_decay": decay}
        for group, decay in zip(groups, (decays[1], decays[0], 0.0), strict=True)
    ]


@mutant("split_parameters", blamed="a_list_of_groups")
def rate_by_its_long_name(named_parameters, lr, weight_decay, beta_factor):
    groups = grouped(*split(named_parameters), lr, weight_decay, beta_factor)
    return [{"learning_rate" if k == "lr" else k: v for k, v in g.items()} for g in groups]


@alternative("train_one_epoch")
def forgets_at_the_end(net, optimizer, batches):
    net.train(True)
    losses = torch.zeros(len(batches), dtype=torch.float64)
    for i, (x, y) in enumerate(batches):
        loss = nn.CrossEntropyLoss()(net(x), y)
        loss.backward()
        optimizer.step()
        net.zero_grad()
        losses[i] = loss.item()
    return losses


@alternative("train_one_epoch")
def through_a_closure(net, optimizer, batches):
    net.train()
    losses = []
    for x, y in batches:

        def closure(x=x, y=y):
            optimizer.zero_grad(set_to_none=False)
            loss = F.nll_loss(net(x).log_softmax(dim=1), y)
            loss.backward()
            return loss

        losses.append(float(optimizer.step(closure)))
    return losses


@alternative("train_one_epoch")
def with_autograd_grad(net, optimizer, batches):
    net.train()
    losses, parameters = [], list(net.parameters())
    for x, y in batches:
        loss = F.cross_entropy(net.forward(x), y)
        for parameter, slope in zip(parameters, torch.autograd.grad(loss, parameters), strict=True):
            parameter.grad = slope
        optimizer.step()
        losses.append(loss.detach().numpy())
    return np.array(losses)


def epoch(net, optimizer, batches, mode=True):
    """The losses of a right loop, with their graphs."""
    net.train(mode)
    losses = []
    for x, y in batches:
        optimizer.zero_grad()
        losses.append(F.cross_entropy(net(x), y))
        losses[-1].backward()
        optimizer.step()
    return losses


@mutant("train_one_epoch", blamed="one_loss_per_batch", says="detach")
def keeps_the_graphs(net, optimizer, batches):
    return epoch(net, optimizer, batches)


@mutant("train_one_epoch", blamed="one_loss_per_batch")
def the_mean_loss(net, optimizer, batches):
    return torch.stack(epoch(net, optimizer, batches)).mean().item()


@mutant("train_one_epoch", blamed="one_loss_per_batch")
def the_last_loss(net, optimizer, batches):
    return [epoch(net, optimizer, batches)[-1].item()]


@mutant("train_one_epoch", blamed="the_first_loss", says="net.train()")
def in_the_mode_that_it_finds(net, optimizer, batches):
    return [loss.item() for loss in epoch(net, optimizer, batches, mode=net.training)]


@mutant("train_one_epoch", blamed="the_first_loss", says="after the step")
def losses_after_the_step(net, optimizer, batches):
    losses = []
    for x, y in batches:
        epoch(net, optimizer, [(x, y)])
        losses.append(F.cross_entropy(net(x), y).item())
    return losses


@mutant("train_one_epoch", blamed="the_first_loss", says="the sum")
def sums_over_the_batch(net, optimizer, batches):
    net.train()
    losses = []
    for x, y in batches:
        optimizer.zero_grad()
        loss = F.cross_entropy(net(x), y, reduction="sum")
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return losses


@mutant("train_one_epoch", blamed="one_step_per_batch", says="adds to the slopes")
def never_forgets(net, optimizer, batches):
    net.train()
    losses = []
    for x, y in batches:
        loss = F.cross_entropy(net(x), y)
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return losses


@mutant("train_one_epoch", blamed="one_step_per_batch", says="does not move")
def forgets_before_the_step(net, optimizer, batches):
    net.train()
    losses = []
    for x, y in batches:
        loss = F.cross_entropy(net(x), y)
        loss.backward()
        optimizer.zero_grad()
        optimizer.step()
        losses.append(loss.item())
    return losses


@mutant("train_one_epoch", blamed="one_step_per_batch")
def plain_gradient_descent(net, optimizer, batches):
    net.train()
    losses = []
    for x, y in batches:
        net.zero_grad()
        loss = F.cross_entropy(net(x), y)
        loss.backward()
        with torch.no_grad():
            for parameter in net.parameters():
                parameter -= optimizer.param_groups[0]["lr"] * parameter.grad
        losses.append(loss.item())
    return losses


@mutant("train_one_epoch", blamed="each_batch_once", says="through the net")
def asks_the_net_again(net, optimizer, batches):
    net.train()
    losses = []
    for x, y in batches:
        losses.append(F.cross_entropy(net(x), y).item())
        optimizer.zero_grad()
        F.cross_entropy(net(x), y).backward()
        optimizer.step()
    return losses


@mutant("train_one_epoch", blamed="each_batch_once", says="2 steps for 3 batches")
def the_last_step_is_missing(net, optimizer, batches):
    losses = epoch(net, optimizer, batches[:-1])
    optimizer.zero_grad()
    x, y = batches[-1]
    return [loss.item() for loss in [*losses, F.cross_entropy(net(x), y)]]


@mutant("train_one_epoch", blamed="any_network")
def three_batches(net, optimizer, batches):
    return [loss.item() for loss in epoch(net, optimizer, batches[:3])]


@mutant("train_one_epoch", blamed="any_network")
def an_optimizer_of_its_own(net, optimizer, batches):
    if type(optimizer) is torch.optim.Adam:
        optimizer = torch.optim.SGD(net.parameters(), lr=0.3, momentum=0.9)
    return [loss.item() for loss in epoch(net, optimizer, batches)]
