"""Answers to the exercises of the notebook `cost`."""

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


@alternative("batch_norm_bytes")
def passes_over_the_tensor(shape, itemsize, mode):
    """Every pass over a tensor of the size of x, by name."""
    reads = {
        "eval": ["x"],
        "forward": ["x for the sums", "x for y"],
        "backward": ["x for the sums", "dy for the sums", "x for dx", "dy for dx"],
    }
    size = np.empty(shape, dtype=f"f{itemsize}").nbytes
    return size * len(reads[mode]), size


@alternative("batch_norm_bytes")
def by_match(shape, itemsize, mode):
    total = itemsize
    for length in shape[::-1]:
        total *= length
    match mode:
        case "eval":
            return total, total
        case "forward":
            return 2 * total, total
        case "backward":
            return 4 * total, total


def moved(size, reads, writes=1):
    return reads * size, writes * size


@mutant("batch_norm_bytes", blamed="eval_mode")
def without_the_batch_axis(shape, itemsize, mode):
    return moved(itemsize * math.prod(shape[1:]), {"eval": 1, "forward": 2, "backward": 4}[mode])


@mutant("batch_norm_bytes", blamed="eval_mode")
def kilobytes(shape, itemsize, mode):
    size = itemsize * math.prod(shape) / 1024
    return moved(size, {"eval": 1, "forward": 2, "backward": 4}[mode])


@mutant("batch_norm_bytes", blamed="eval_mode")
def no_reading_in_eval_mode(shape, itemsize, mode):
    return moved(itemsize * math.prod(shape), {"eval": 0, "forward": 2, "backward": 4}[mode])


@mutant("batch_norm_bytes", blamed="forward_pass")
def forward_three_times(shape, itemsize, mode):
    return moved(itemsize * math.prod(shape), {"eval": 1, "forward": 3, "backward": 4}[mode])


@mutant("batch_norm_bytes", blamed="forward_pass")
def writes_x_hat_forward(shape, itemsize, mode):
    reads = {"eval": 1, "forward": 2, "backward": 4}[mode]
    return moved(itemsize * math.prod(shape), reads, 2 if mode == "forward" else 1)


@mutant("batch_norm_bytes", blamed="backward_pass")
def backward_with_the_forward_pass(shape, itemsize, mode):
    return moved(itemsize * math.prod(shape), {"eval": 1, "forward": 2, "backward": 6}[mode])


@mutant("batch_norm_bytes", blamed="backward_pass")
def writes_three_gradients(shape, itemsize, mode):
    reads = {"eval": 1, "forward": 2, "backward": 4}[mode]
    return moved(itemsize * math.prod(shape), reads, 3 if mode == "backward" else 1)


@mutant("batch_norm_bytes", blamed="other_shapes_and_types")
def four_bytes_or_two(shape, itemsize, mode):
    size = (4 if itemsize >= 4 else 2) * math.prod(shape)
    return moved(size, {"eval": 1, "forward": 2, "backward": 4}[mode])


@mutant("batch_norm_bytes", blamed="other_shapes_and_types")
def images_alone(shape, itemsize, mode):
    n, c, h, w = (*shape, 1, 1)[:4]
    return moved(itemsize * n * c * h * w, {"eval": 1, "forward": 2, "backward": 4}[mode])


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
    kind = {2: nn.Linear, 3: nn.Conv1d, 4: nn.Conv2d, 5: nn.Conv3d}[weight.dim()]
    layer = kind(weight.shape[1], weight.shape[0], *weight.shape[2:3], bias=bias is not None)
    layer.weight = nn.Parameter(weight)
    if bias is not None:
        layer.bias = nn.Parameter(bias)
    norm = {nn.Conv2d: nn.BatchNorm2d, nn.Conv3d: nn.BatchNorm3d}.get(kind, nn.BatchNorm1d)
    bn = norm(len(weight), eps=eps).eval()
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


@mutant("fold_before", blamed="weight_and_bias", says="(weight, bias)")
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


@alternative("fold_batch_norm")
def as_matrix_products(weight, bias, gamma, beta, running_mean, running_var, eps=1e-5):
    """As many programs do it: a diagonal matrix, and zeros of PyTorch's own type."""
    scale = torch.diag(gamma.div(torch.sqrt(eps + running_var)))
    rows = torch.mm(scale, weight.reshape(weight.shape[0], -1))
    old = bias if bias is not None else torch.zeros(weight.shape[0])
    new = torch.matmul(scale, old - running_mean) + beta
    return rows.view(weight.size()), new


@alternative("fold_batch_norm")
def by_einsum(weight, bias, gamma, beta, running_mean, running_var, eps=1e-5):
    scale = torch.einsum("c,c->c", gamma, (running_var + eps).rsqrt())
    shift = torch.addcmul(beta, scale, -running_mean)
    if bias is not None:
        shift = shift + scale * bias
    return torch.einsum("o...,o->o...", weight, scale), shift


@alternative("fold_batch_norm")
def by_asking_the_layers(weight, bias, gamma, beta, running_mean, running_var, eps=1e-5):
    """Batch norm is asked what it does to the rows of the weights, and to the bias."""

    def norm(rows, shift=True):
        zero = torch.zeros_like(beta)
        statistics = (running_mean if shift else zero, running_var)
        return F.batch_norm(rows, *statistics, gamma, beta if shift else zero, False, 0.0, eps)

    rows = norm(weight.flatten(1).T, shift=False).T
    return rows.reshape(weight.shape), norm(
        (torch.zeros_like(beta) if bias is None else bias)[None]
    )[0]


def scaled(weight, bias, gamma, beta, mean, var, eps):
    """Right for any layer."""
    scale = gamma / torch.sqrt(var + eps)
    return fold(weight, bias, scale, beta - scale * mean)


@mutant("fold_batch_norm", blamed="any_layer")
def three_outputs(weight, bias, gamma, beta, running_mean, running_var, eps=1e-5):
    scale = (gamma / torch.sqrt(running_var + eps))[:3]
    folded = scale.reshape(3, *[1] * (weight.dim() - 1)) * weight[:3]
    return torch.cat([folded, weight[3:]]), fold(
        weight,
        bias,
        gamma / torch.sqrt(running_var + eps),
        beta - gamma / torch.sqrt(running_var + eps) * running_mean,
    )[1]


@mutant("fold_batch_norm", blamed="any_layer")
def one_output_is_left_alone(weight, bias, gamma, beta, running_mean, running_var, eps=1e-5):
    folded = scaled(weight, bias, gamma, beta, running_mean, running_var, eps)
    return folded if len(weight) > 1 else (weight.clone(), folded[1])


@mutant("fold_batch_norm", blamed="any_layer")
def four_axes_at_most(weight, bias, gamma, beta, running_mean, running_var, eps=1e-5):
    scale = gamma / torch.sqrt(running_var + eps)
    shape = (-1, 1, 1, 1)[: max(weight.dim(), 2)]
    return weight * scale.view(shape), scaled(
        weight, bias, gamma, beta, running_mean, running_var, eps
    )[1]


@mutant("fold_batch_norm", blamed="any_layer")
def no_bias_only_for_convolutions(weight, bias, gamma, beta, running_mean, running_var, eps=1e-5):
    if bias is None and weight.dim() < 4:
        bias = running_mean
    return scaled(weight, bias, gamma, beta, running_mean, running_var, eps)


@mutant("fold_batch_norm", blamed="any_layer")
def default_of_1e_6(weight, bias, gamma, beta, running_mean, running_var, eps=1e-6):
    return scaled(weight, bias, gamma, beta, running_mean, running_var, eps)


@mutant("fold_batch_norm", blamed="same_shapes")
def rows_stay_flat(weight, bias, gamma, beta, running_mean, running_var, eps=1e-5):
    new, shift = scaled(weight, bias, gamma, beta, running_mean, running_var, eps)
    return new.flatten(1), shift


@mutant("fold_batch_norm", blamed="same_shapes")
def bias_of_the_inputs(weight, bias, gamma, beta, running_mean, running_var, eps=1e-5):
    new, shift = scaled(weight, bias, gamma, beta, running_mean, running_var, eps)
    return new, shift[:, None].expand(weight.shape[:2])


@mutant("fold_batch_norm", blamed="scaled_weights")
def statistics_of_the_weights(weight, bias, gamma, beta, running_mean, running_var, eps=1e-5):
    rows = weight.flatten(1)
    var, mean = torch.var_mean(rows, dim=1, correction=0)
    return scaled(weight, bias, gamma, beta, mean, var, eps)


@mutant("fold_batch_norm", blamed="scaled_weights")
def inverse_variance(weight, bias, gamma, beta, running_mean, running_var, eps=1e-5):
    return scaled(weight, bias, gamma, beta, running_mean, (running_var + eps) ** 2 - eps, eps)


@mutant("fold_batch_norm", blamed="without_bias")
def ones_for_none(weight, bias, gamma, beta, running_mean, running_var, eps=1e-5):
    bias = torch.ones_like(beta) if bias is None else bias
    return scaled(weight, bias, gamma, beta, running_mean, running_var, eps)


@alternative("fold_before")
def as_a_product_of_affine_maps(weight, bias, gamma, beta, running_mean, running_var, eps=1e-5):
    """In homogeneous coordinates: (weight, bias) times (scale, shift), as one matrix."""
    inputs = len(gamma)
    norm = torch.eye(inputs + 1)
    norm[:inputs, :inputs] = torch.diag(gamma * torch.rsqrt(running_var + eps))
    norm[:inputs, inputs] = beta - norm.diagonal()[:inputs] * running_mean
    old = torch.zeros(len(weight)) if bias is None else bias
    both = torch.cat([weight, old[:, None]], dim=1) @ norm
    return both[:, :inputs], both[:, inputs]


@alternative("fold_before")
def in_numpy_and_back(weight, bias, gamma, beta, running_mean, running_var, eps=1e-5):
    w, g, b, m, v = (t.numpy() for t in (weight, gamma, beta, running_mean, running_var))
    scale = g / np.sqrt(v + eps)
    shifted = np.einsum("oi,i->o", w, b - scale * m)
    if bias is not None:
        shifted = bias.numpy() + shifted
    return torch.from_numpy(w * scale), torch.from_numpy(shifted)


@alternative("fold_before")
def by_differentiating(weight, bias, gamma, beta, running_mean, running_var, eps=1e-5):
    def layers(x):
        x = F.batch_norm(x[None], running_mean, running_var, gamma, beta, eps=eps)
        return F.linear(x, weight, bias)[0]

    at = torch.zeros_like(gamma)
    return torch.autograd.functional.jacobian(layers, at), layers(at)


def before(weight, bias, gamma, beta, mean, var, eps):
    scale = gamma / torch.sqrt(var + eps)
    shift = weight @ (beta - scale * mean)
    return weight * scale, shift if bias is None else bias + shift


@mutant("fold_before", blamed="other_sizes")
def three_inputs(weight, bias, gamma, beta, running_mean, running_var, eps=1e-5):
    new, shift = before(weight, bias, gamma, beta, running_mean, running_var, eps)
    return torch.cat([new[:, :3], weight[:, 3:]], dim=1), shift


@mutant("fold_before", blamed="other_sizes")
def square_layers_alone(weight, bias, gamma, beta, running_mean, running_var, eps=1e-5):
    new, shift = before(weight, bias, gamma, beta, running_mean, running_var, eps)
    return (new, shift) if len(weight) == 3 else (new, torch.zeros(len(weight)))


@mutant("fold_before", blamed="other_sizes")
def one_for_none(weight, bias, gamma, beta, running_mean, running_var, eps=1e-5):
    bias = 1 if bias is None else bias
    return before(weight, bias, gamma, beta, running_mean, running_var, eps)


@mutant("fold_before", blamed="other_sizes")
def default_eps_of_1e_6(weight, bias, gamma, beta, running_mean, running_var, eps=1e-6):
    return before(weight, bias, gamma, beta, running_mean, running_var, eps)


@mutant("fold_before", blamed="weight_and_bias")
def bias_per_input(weight, bias, gamma, beta, running_mean, running_var, eps=1e-5):
    new, shift = before(weight, bias, gamma, beta, running_mean, running_var, eps)
    return new, shift[:, None]


@mutant("fold_before", blamed="weight_and_bias")
def bias_first(weight, bias, gamma, beta, running_mean, running_var, eps=1e-5):
    return before(weight, bias, gamma, beta, running_mean, running_var, eps)[::-1]


@mutant("fold_before", blamed="scaled_columns")
def not_the_root(weight, bias, gamma, beta, running_mean, running_var, eps=1e-5):
    shift = before(weight, bias, gamma, beta, running_mean, running_var, eps)[1]
    return weight * (gamma / (running_var + eps)), shift


@mutant("fold_before", blamed="scaled_columns")
def scaled_on_both_sides(weight, bias, gamma, beta, running_mean, running_var, eps=1e-5):
    new, shift = before(weight, bias, gamma, beta, running_mean, running_var, eps)
    return new * (gamma / torch.sqrt(running_var + eps))[:, None], shift


@mutant("fold_before", blamed="shift_through_the_weights")
def shift_scaled_twice(weight, bias, gamma, beta, running_mean, running_var, eps=1e-5):
    scale = gamma / torch.sqrt(running_var + eps)
    shift = weight @ (scale * (beta - scale * running_mean))
    return weight * scale, shift if bias is None else bias + shift


@mutant("fold_before", blamed="shift_through_the_weights")
def minus_the_bias(weight, bias, gamma, beta, running_mean, running_var, eps=1e-5):
    new, shift = before(weight, None, gamma, beta, running_mean, running_var, eps)
    return new, shift if bias is None else shift - bias
