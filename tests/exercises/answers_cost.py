"""Answers to the exercises of 16_cost."""

import math

import numpy as np
import torch
import torch.nn.functional as F
from registry import alternative, mutant
from torch import nn
from torch.nn.utils.fusion import fuse_conv_bn_weights

from helpers.cost.counting import batch_norm_cost
from helpers.torch_nn.folding import fold_into


@alternative("batch_norm_bytes")
def with_prod(shape, itemsize, mode):
    T = np.prod(shape) * itemsize
    return {"eval": T, "forward": T + T, "backward": 2 * (T + T)}[mode], T


@alternative("batch_norm_bytes")
def with_the_library(shape, itemsize, mode):
    dtype = {2: torch.float16, 4: torch.float32, 8: torch.float64}[itemsize]
    cost = batch_norm_cost(shape, dtype, direction=mode)
    return [cost.read, cost.written]


@alternative("batch_norm_bytes")
def as_an_array(shape, itemsize, mode):
    return np.array({"eval": [1, 1], "forward": [2, 1], "backward": [4, 1]}[mode]) * (
        itemsize * math.prod(shape)
    )


@alternative("batch_norm_bytes")
def from_a_tensor(shape, itemsize, mode):
    size = torch.empty(
        shape, dtype={2: torch.bfloat16, 4: torch.float32, 8: torch.float64}[itemsize]
    )
    return torch.tensor({"eval": [1, 1], "forward": [2, 1], "backward": [4, 1]}[mode]) * size.nbytes


@mutant("batch_norm_bytes", blamed="two_numbers")
def adds_them_up(shape, itemsize, mode):
    return {"eval": 2, "forward": 3, "backward": 5}[mode] * itemsize * math.prod(shape)


@mutant("batch_norm_bytes", blamed="two_numbers")
def an_array_of_axes(shape, itemsize, mode):
    return np.array(shape) * itemsize, np.array(shape) * itemsize


@mutant("batch_norm_bytes", blamed="eval_mode")
def counts_values(shape, itemsize, mode):
    size = math.prod(shape)
    return {"eval": 1, "forward": 2, "backward": 4}[mode] * size, size


@mutant("batch_norm_bytes", blamed="eval_mode")
def bits(shape, itemsize, mode):
    size = 8 * itemsize * math.prod(shape)
    return {"eval": 1, "forward": 2, "backward": 4}[mode] * size, size


@mutant("batch_norm_bytes", blamed="eval_mode")
def statistics_in_eval_mode(shape, itemsize, mode):
    size = itemsize * math.prod(shape)
    return {"eval": 2, "forward": 2, "backward": 4}[mode] * size, size


@mutant("batch_norm_bytes", blamed="eval_mode")
def writes_nothing(shape, itemsize, mode):
    return itemsize * math.prod(shape), 0


@mutant("batch_norm_bytes", blamed="eval_mode")
def in_multiples_of_t(shape, itemsize, mode):
    return {"eval": 1, "forward": 2, "backward": 4}[mode], 1


@mutant("batch_norm_bytes", blamed="eval_mode")
def sum_of_the_lengths(shape, itemsize, mode):
    size = itemsize * sum(shape)
    return {"eval": 1, "forward": 2, "backward": 4}[mode] * size, size


@mutant("batch_norm_bytes", blamed="eval_mode")
def always_float64(shape, itemsize, mode):
    size = 8 * math.prod(shape)
    return {"eval": 1, "forward": 2, "backward": 4}[mode] * size, size


@mutant("batch_norm_bytes", blamed="eval_mode")
def all_moved_as_read(shape, itemsize, mode):
    size = itemsize * math.prod(shape)
    return {"eval": 2, "forward": 3, "backward": 5}[mode] * size, size


@mutant("batch_norm_bytes", blamed="forward_pass")
def swapped(shape, itemsize, mode):
    size = itemsize * math.prod(shape)
    return size, {"eval": 1, "forward": 2, "backward": 4}[mode] * size


@mutant("batch_norm_bytes", blamed="forward_pass")
def stays_on_the_chip(shape, itemsize, mode):
    size = itemsize * math.prod(shape)
    return {"eval": 1, "forward": 1, "backward": 2}[mode] * size, size


@mutant("batch_norm_bytes", blamed="forward_pass")
def each_formula_reads(shape, itemsize, mode):
    size = itemsize * math.prod(shape)
    return {"eval": 1, "forward": 4, "backward": 4}[mode] * size, size


@mutant("batch_norm_bytes", blamed="backward_pass")
def writes_x_hat_backward(shape, itemsize, mode):
    size = itemsize * math.prod(shape)
    read = {"eval": 1, "forward": 2, "backward": 4}[mode] * size
    return read, 2 * size if mode == "backward" else size


@mutant("batch_norm_bytes", blamed="backward_pass")
def statistics_once_more(shape, itemsize, mode):
    size = itemsize * math.prod(shape)
    return {"eval": 1, "forward": 2, "backward": 6}[mode] * size, size


@mutant("batch_norm_bytes", blamed="other_shapes_and_types")
def the_example(shape, itemsize, mode):
    return {"eval": 480, "forward": 960, "backward": 1920}[mode], 480


@mutant("batch_norm_bytes", blamed="forward_pass")
def one_look(shape, itemsize, mode):
    size = itemsize * math.prod(shape)
    return size, size


@mutant("batch_norm_bytes", blamed="forward_pass")
def a_look_for_each_statistic(shape, itemsize, mode):
    size = itemsize * math.prod(shape)
    return {"eval": 1, "forward": 3, "backward": 4}[mode] * size, size


@mutant("batch_norm_bytes", blamed="forward_pass")
def writes_x_hat(shape, itemsize, mode):
    size = itemsize * math.prod(shape)
    read = {"eval": 1, "forward": 2, "backward": 4}[mode] * size
    return read, 2 * size if mode == "forward" else size


@mutant("batch_norm_bytes", blamed="backward_pass")
def dy_alone(shape, itemsize, mode):
    size = itemsize * math.prod(shape)
    return {"eval": 1, "forward": 2, "backward": 1}[mode] * size, size


@mutant("batch_norm_bytes", blamed="backward_pass")
def both_once(shape, itemsize, mode):
    size = itemsize * math.prod(shape)
    return {"eval": 1, "forward": 2, "backward": 2}[mode] * size, size


@mutant("batch_norm_bytes", blamed="backward_pass")
def dy_once_more(shape, itemsize, mode):
    size = itemsize * math.prod(shape)
    return {"eval": 1, "forward": 2, "backward": 3}[mode] * size, size


@mutant("batch_norm_bytes", blamed="other_shapes_and_types")
def always_float32(shape, itemsize, mode):
    size = 4 * math.prod(shape)
    return {"eval": 1, "forward": 2, "backward": 4}[mode] * size, size


@mutant("batch_norm_bytes", blamed="other_shapes_and_types")
def four_axes(shape, itemsize, mode):
    n, c, *space = shape
    size = itemsize * n * c * (space[0] * space[1] if space else 1)
    return {"eval": 1, "forward": 2, "backward": 4}[mode] * size, size


@alternative("fold_batch_norm")
def with_transposes(weight, bias, gamma, beta, running_mean, running_var, eps=1e-5):
    scale = gamma * (running_var + eps) ** -0.5
    shift = beta - scale * running_mean
    folded = (weight.movedim(0, -1) * scale).movedim(-1, 0)
    return folded, shift if bias is None else scale * bias + shift


@alternative("fold_batch_norm")
def channel_by_channel(weight, bias, gamma, beta, running_mean, running_var, eps=1e-5):
    weights, biases = [], []
    for c in range(len(weight)):
        std = math.sqrt(running_var[c] + eps)
        weights.append(weight[c] / std * gamma[c])
        old = 0 if bias is None else bias[c]
        biases.append((old - running_mean[c]) / std * gamma[c] + beta[c])
    return torch.stack(weights), torch.stack(biases)


@alternative("fold_batch_norm")
def with_folding(weight, bias, gamma, beta, running_mean, running_var, eps=1e-5):
    kind = {2: nn.Linear, 3: nn.Conv1d, 4: nn.Conv2d}[weight.dim()]
    layer = kind(weight.shape[1], weight.shape[0], *weight.shape[2:3], bias=bias is not None)
    layer.weight = nn.Parameter(weight)
    if bias is not None:
        layer.bias = nn.Parameter(bias)
    bn = nn.BatchNorm1d(len(weight), eps=eps).double().eval()
    for name, value in (("weight", gamma), ("bias", beta)):
        getattr(bn, name).data = value
    bn.running_mean, bn.running_var = running_mean, running_var
    folded = fold_into(layer, bn)
    return folded.weight, folded.bias


def fold(weight, bias, scale, shift):
    """Folding with a scale and a shift that may be wrong."""
    scaled = scale.reshape(-1, *[1] * (weight.dim() - 1)) * weight
    return scaled, shift if bias is None else scale * bias + shift


@mutant("fold_batch_norm", blamed="same_shapes")
def weight_alone(weight, bias, gamma, beta, running_mean, running_var, eps=1e-5):
    return (gamma / torch.sqrt(running_var + eps)).reshape(-1, 1, 1, 1) * weight


@mutant("fold_batch_norm", blamed="same_shapes")
def bias_of_every_weight(weight, bias, gamma, beta, running_mean, running_var, eps=1e-5):
    scale = (gamma / torch.sqrt(running_var + eps)).reshape(-1, 1, 1, 1)
    return scale * weight, scale * (bias - running_mean) + beta


def broken_weight(name, scaled, blamed="scaled_weights"):
    def answer(weight, bias, gamma, beta, running_mean, running_var, eps=1e-5):
        scale = gamma / torch.sqrt(running_var + eps)
        right = fold(weight, bias, scale, beta - scale * running_mean)[1]
        return scaled(weight, scale, gamma, running_var, eps), right

    answer.__name__ = name
    mutant("fold_batch_norm", blamed=blamed)(answer)


def along_outputs(scale):
    return scale.reshape(-1, 1, 1, 1)


broken_weight("untouched", lambda w, s, g, v, e: w.clone())
broken_weight("input_channels", lambda w, s, g, v, e: s[:, None, None] * w)
broken_weight("along_the_width", lambda w, s, g, v, e: s * w)
broken_weight("divided_by_the_scale", lambda w, s, g, v, e: w / along_outputs(s))
broken_weight("no_eps", lambda w, s, g, v, e: along_outputs(g / torch.sqrt(v)) * w)
broken_weight("eps_outside", lambda w, s, g, v, e: along_outputs(g / (torch.sqrt(v) + e)) * w)
broken_weight("no_root", lambda w, s, g, v, e: along_outputs(g / (v + e)) * w)
broken_weight("no_gamma", lambda w, s, g, v, e: along_outputs((v + e) ** -0.5) * w)
broken_weight("eps_of_its_own", lambda w, s, g, v, e: along_outputs(g / torch.sqrt(v + 1e-5)) * w)


def broken_bias(name, wrong, blamed="shifted_bias"):
    def answer(weight, bias, gamma, beta, running_mean, running_var, eps=1e-5):
        scale = gamma / torch.sqrt(running_var + eps)
        right = fold(weight, bias, scale, beta)[0]
        bias = torch.zeros_like(beta) if bias is None else bias
        return right, wrong(bias, scale, beta, running_mean)

    answer.__name__ = name
    mutant("fold_batch_norm", blamed=blamed)(answer)


broken_bias("bias_untouched", lambda b, s, beta, mean: b.clone())
broken_bias("bias_lost", lambda b, s, beta, mean: beta - s * mean)
broken_bias("bias_unscaled", lambda b, s, beta, mean: b - s * mean + beta)
broken_bias("mean_forgotten", lambda b, s, beta, mean: s * b + beta)
broken_bias("mean_unscaled", lambda b, s, beta, mean: s * b - mean + beta)
broken_bias("beta_forgotten", lambda b, s, beta, mean: s * (b - mean))
broken_bias("beta_scaled", lambda b, s, beta, mean: s * (b - mean + beta))
broken_bias("mean_added", lambda b, s, beta, mean: s * (b + mean) + beta)
broken_bias("beta_alone", lambda b, s, beta, mean: beta.clone())
broken_bias("nothing_scaled", lambda b, s, beta, mean: b - mean + beta)


def other_scale_for_the_bias(name, exercise, other):
    """The weights get the right scale, the bias another one."""

    def answer(weight, bias, gamma, beta, running_mean, running_var, eps=1e-5):
        scale, wrong = gamma / torch.sqrt(running_var + eps), other(gamma, running_var, eps)
        if exercise == "fold_batch_norm":
            bias = torch.zeros_like(beta) if bias is None else bias
            return fold(weight, bias, scale, beta)[0], wrong * (bias - running_mean) + beta
        shifted = weight @ (beta - wrong * running_mean)
        return weight * scale, shifted if bias is None else bias + shifted

    answer.__name__ = f"{name}_in_the_bias"
    blamed = "shifted_bias" if exercise == "fold_batch_norm" else "shift_through_the_weights"
    mutant(exercise, blamed=blamed)(answer)


for other_scale, other in {
    "no_eps": lambda g, v, e: g / torch.sqrt(v),
    "eps_of_its_own": lambda g, v, e: g / torch.sqrt(v + 1e-5),
    "eps_outside": lambda g, v, e: g / (torch.sqrt(v) + e),
    "no_root": lambda g, v, e: g / (v + e),
    "no_gamma": lambda g, v, e: 1 / torch.sqrt(v + e),
}.items():
    other_scale_for_the_bias(other_scale, "fold_batch_norm", other)
    other_scale_for_the_bias(other_scale, "fold_before", other)


@mutant("fold_batch_norm", blamed="scaled_weights")
def statistics_swapped(weight, bias, gamma, beta, running_mean, running_var, eps=1e-5):
    scale = gamma / torch.sqrt(running_mean.abs() + eps)
    return fold(weight, bias, scale, beta - scale * running_var)


@mutant("fold_batch_norm", blamed="shifted_bias")
def gamma_times_everything(weight, bias, gamma, beta, running_mean, running_var, eps=1e-5):
    bias = torch.zeros_like(beta) if bias is None else bias
    inverse = 1 / torch.sqrt(running_var + eps)
    return along_outputs(gamma * inverse) * weight, gamma * (inverse * (bias - running_mean) + beta)


@mutant("fold_batch_norm", blamed="same_shapes")
def in_place(weight, bias, gamma, beta, running_mean, running_var, eps=1e-5):
    scale = gamma / torch.sqrt(running_var + eps)
    weight *= along_outputs(scale)
    return weight, scale * (bias - running_mean) + beta


@mutant("fold_batch_norm", blamed="without_bias")
def no_bias_stays_none(weight, bias, gamma, beta, running_mean, running_var, eps=1e-5):
    scale = gamma / torch.sqrt(running_var + eps)
    folded = fold(weight, bias, scale, beta - scale * running_mean)
    return folded if bias is not None else (folded[0], None)


@mutant("fold_batch_norm", blamed="any_layer")
def no_default_eps(weight, bias, gamma, beta, running_mean, running_var, eps=0):
    scale = gamma / torch.sqrt(running_var + eps)
    return fold(weight, bias, scale, beta - scale * running_mean)


@alternative("fold_batch_norm")
def with_pytorch(weight, bias, gamma, beta, running_mean, running_var, eps=1e-5):
    return fuse_conv_bn_weights(weight, bias, running_mean, running_var, eps, gamma, beta)


@alternative("fold_batch_norm")
def in_numpy(weight, bias, gamma, beta, running_mean, running_var, eps=1e-5):
    scale = gamma.numpy() / np.sqrt(running_var.numpy() + eps)
    bias = 0 if bias is None else bias.numpy()
    return [(weight.numpy().T * scale).T, (bias - running_mean.numpy()) * scale + beta.numpy()]


@mutant("fold_batch_norm", blamed="without_bias")
def needs_a_bias(weight, bias, gamma, beta, running_mean, running_var, eps=1e-5):
    scale = gamma / torch.sqrt(running_var + eps)
    return along_outputs(scale) * weight, scale * (bias - running_mean) + beta


@mutant("fold_batch_norm", blamed="without_bias")
def no_bias_no_shift(weight, bias, gamma, beta, running_mean, running_var, eps=1e-5):
    scale = gamma / torch.sqrt(running_var + eps)
    if bias is None:
        return along_outputs(scale) * weight, beta.clone()
    return fold(weight, bias, scale, beta - scale * running_mean)


@mutant("fold_batch_norm", blamed="any_layer")
def convolutions_only(weight, bias, gamma, beta, running_mean, running_var, eps=1e-5):
    scale = gamma / torch.sqrt(running_var + eps)
    bias = torch.zeros_like(beta) if bias is None else bias
    return along_outputs(scale) * weight, scale * (bias - running_mean) + beta


@mutant("fold_batch_norm", blamed="any_layer")
def larger_default_eps(weight, bias, gamma, beta, running_mean, running_var, eps=1e-3):
    scale = gamma / torch.sqrt(running_var + eps)
    return fold(weight, bias, scale, beta - scale * running_mean)


@alternative("fold_before")
def with_a_diagonal(weight, bias, gamma, beta, running_mean, running_var, eps=1e-5):
    scale = gamma * (running_var + eps) ** -0.5
    shift = (weight * (beta - scale * running_mean)).sum(dim=1)
    return weight @ torch.diag(scale), shift if bias is None else shift + bias


@alternative("fold_before")
def by_probing(weight, bias, gamma, beta, running_mean, running_var, eps=1e-5):
    """An affine map is known from what it does to 0 and to the unit vectors."""

    def layer(x):
        x_hat = (x - running_mean) / torch.sqrt(running_var + eps)
        y = (gamma * x_hat + beta) @ weight.T
        return y if bias is None else y + bias

    at_zero = layer(torch.zeros_like(gamma))
    return (layer(torch.eye(len(gamma), dtype=gamma.dtype)) - at_zero).T, at_zero


@mutant("fold_before", blamed="weight_and_bias")
def transposed(weight, bias, gamma, beta, running_mean, running_var, eps=1e-5):
    scale = gamma / torch.sqrt(running_var + eps)
    return weight * scale, weight * (beta - scale * running_mean)


@mutant("fold_before", blamed="weight_and_bias")
def weight_only(weight, bias, gamma, beta, running_mean, running_var, eps=1e-5):
    return weight * gamma / torch.sqrt(running_var + eps)


def broken_before(name, blamed, columns=None, shifted=None):
    def answer(weight, bias, gamma, beta, running_mean, running_var, eps=1e-5):
        scale = gamma / torch.sqrt(running_var + eps)
        shift = beta - scale * running_mean
        bias = 0 if bias is None else bias
        new_weight = weight * scale
        if columns is not None:
            new_weight = columns(weight, scale, gamma, running_var)
        new_bias = bias + weight @ shift
        if shifted is not None:
            new_bias = shifted(weight, bias, scale, shift, beta, running_mean)
        return new_weight, new_bias

    answer.__name__ = name
    mutant("fold_before", blamed=blamed)(answer)


for broken, columns in {
    "rows": lambda w, s, g, v: s[:, None] * w,
    "weights_untouched": lambda w, s, g, v: w.clone(),
    "divided": lambda w, s, g, v: w / s,
    "scaled_and_transposed": lambda w, s, g, v: (w * s).T,
    "gamma_missing": lambda w, s, g, v: w * s / g,
    "eps_missing": lambda w, s, g, v: w * g / torch.sqrt(v),
    "eps_its_own": lambda w, s, g, v: w * g / torch.sqrt(v + 1e-5),
}.items():
    broken_before(broken, "scaled_columns", columns=columns)

for broken, shifted in {
    "shift_lost": lambda w, b, s, shift, beta, mean: b.clone(),
    "shift_not_through_the_layer": lambda w, b, s, shift, beta, mean: b + shift,
    "scaled_weight_for_the_shift": lambda w, b, s, shift, beta, mean: b + (w * s) @ shift,
    "sums_over_outputs": lambda w, b, s, shift, beta, mean: b + w.T @ shift,
    "old_bias_lost": lambda w, b, s, shift, beta, mean: w @ shift,
    "old_bias_scaled": lambda w, b, s, shift, beta, mean: s * b + w @ shift,
    "no_mean": lambda w, b, s, shift, beta, mean: b + w @ beta,
    "mean_not_scaled": lambda w, b, s, shift, beta, mean: b + w @ (beta - mean),
    "as_behind_the_layer": lambda w, b, s, shift, beta, mean: s * (b - mean) + beta,
    "no_beta": lambda w, b, s, shift, beta, mean: b - w @ (s * mean),
    "beta_behind_the_layer": lambda w, b, s, shift, beta, mean: b - w @ (s * mean) + beta,
    "mean_added_to_the_shift": lambda w, b, s, shift, beta, mean: b + w @ (beta + s * mean),
    "sum_of_everything": lambda w, b, s, shift, beta, mean: b + (w * shift).sum(),
}.items():
    broken_before(broken, "shift_through_the_weights", shifted=shifted)


@alternative("fold_before")
def with_a_linear_layer(weight, bias, gamma, beta, running_mean, running_var, eps=1e-5):
    scale = gamma / torch.sqrt(running_var + eps)
    return weight * scale, F.linear(beta - scale * running_mean, weight, bias)


@alternative("fold_before")
def one_number_after_the_other(weight, bias, gamma, beta, running_mean, running_var, eps=1e-5):
    new_weight, new_bias = weight.tolist(), [0.0] * len(weight)
    for o, row in enumerate(new_weight):
        new_bias[o] = 0.0 if bias is None else float(bias[o])
        for i, old in enumerate(row):
            scale = float(gamma[i]) / math.sqrt(float(running_var[i]) + eps)
            new_bias[o] += old * (float(beta[i]) - scale * float(running_mean[i]))
            row[i] = scale * old
    return new_weight, new_bias


@mutant("fold_before", blamed="other_sizes")
def zeros_for_the_inputs(weight, bias, gamma, beta, running_mean, running_var, eps=1e-5):
    scale = gamma / torch.sqrt(running_var + eps)
    bias = torch.zeros_like(gamma) if bias is None else bias
    return weight * scale, bias + weight @ (beta - scale * running_mean)


@mutant("fold_before", blamed="other_sizes")
def bias_needed(weight, bias, gamma, beta, running_mean, running_var, eps=1e-5):
    scale = gamma / torch.sqrt(running_var + eps)
    return weight * scale, bias + weight @ (beta - scale * running_mean)


@mutant("fold_before", blamed="other_sizes")
def other_default_eps(weight, bias, gamma, beta, running_mean, running_var, eps=1e-3):
    scale = gamma / torch.sqrt(running_var + eps)
    shift = weight @ (beta - scale * running_mean)
    return weight * scale, shift if bias is None else bias + shift
