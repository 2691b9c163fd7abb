"""Answers to the exercises of 15_gpu_training."""

import math

import numpy as np
import torch
from registry import alternative, mutant


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
