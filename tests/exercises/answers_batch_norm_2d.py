"""Answers to the exercise `batch_norm_2d` of the notebook `convolution`."""

import numpy as np
import torch
from registry import alternative, mutant

from helpers.numpy_nn import functional as F


@alternative("batch_norm_2d")
def through_rows(x, gamma, beta, eps=1e-5):
    n, c, h, w = x.shape
    rows = x.transpose(0, 2, 3, 1).reshape(-1, c)
    y = gamma * (rows - rows.mean(axis=0)) / np.sqrt(rows.var(axis=0) + eps) + beta
    return y.reshape(n, h, w, c).transpose(0, 3, 1, 2)


@alternative("batch_norm_2d")
def channel_by_channel(x, gamma, beta, eps=1e-5):
    channels = []
    for c in range(x.shape[1]):
        one = x[:, c]
        channels.append(gamma[c] * (one - one.mean()) / np.sqrt(one.var() + eps) + beta[c])
    return np.stack(channels, axis=1)


@alternative("batch_norm_2d")
def channels_first(x, gamma, beta, eps=1e-5):
    flat = np.moveaxis(x, 1, 0).reshape(len(gamma), -1)
    centred = flat - flat.mean(axis=1, keepdims=True)
    var = np.einsum("cm,cm->c", centred, centred) / centred.shape[1]
    y = (gamma * (var + eps) ** -0.5)[:, None] * centred + beta[:, None]
    return np.moveaxis(y.reshape(-1, len(x), *x.shape[2:]), 0, 1)


@alternative("batch_norm_2d")
def with_the_library(x, gamma, beta, eps=1e-5):
    return F.batch_norm(x, gamma, beta, eps)[0]


def normalized(x, axes, gamma, beta, eps):
    """Batch norm over the given axes; gamma and beta belong to axis 1."""
    x_hat = (x - x.mean(axis=axes, keepdims=True)) / np.sqrt(x.var(axis=axes, keepdims=True) + eps)
    return gamma[:, None, None] * x_hat + beta[:, None, None]


@mutant("batch_norm_2d", blamed="same_shape")
def gamma_along_the_width(x, gamma, beta, eps=1e-5):
    mu, var = x.mean(axis=(0, 2, 3), keepdims=True), x.var(axis=(0, 2, 3), keepdims=True)
    return gamma * (x - mu) / np.sqrt(var + eps) + beta


@mutant("batch_norm_2d", blamed="same_shape")
def forgets_keepdims(x, gamma, beta, eps=1e-5):
    mu, var = x.mean(axis=(0, 2, 3)), x.var(axis=(0, 2, 3))
    return gamma[:, None, None] * (x - mu) / np.sqrt(var + eps) + beta[:, None, None]


@mutant("batch_norm_2d", blamed="same_shape")
def leaves_rows(x, gamma, beta, eps=1e-5):
    rows = x.transpose(0, 2, 3, 1).reshape(-1, x.shape[1])
    return gamma * (rows - rows.mean(axis=0)) / np.sqrt(rows.var(axis=0) + eps) + beta


@mutant("batch_norm_2d", blamed="same_shape")
def leaves_channels_last(x, gamma, beta, eps=1e-5):
    return normalized(x, (0, 2, 3), gamma, beta, eps).transpose(0, 2, 3, 1)


@mutant("batch_norm_2d", blamed="same_shape")
def works_in_place(x, gamma, beta, eps=1e-5):
    x -= x.mean(axis=(0, 2, 3), keepdims=True)
    x /= np.sqrt(x.var(axis=(0, 2, 3), keepdims=True) + eps)
    return gamma[:, None, None] * x + beta[:, None, None]


@mutant("batch_norm_2d", blamed="channel_means")
def scrambles_the_channels(x, gamma, beta, eps=1e-5):
    rows = x.reshape(-1, x.shape[1])  # no transpose: neighbours in W end up in different columns
    y = gamma * (rows - rows.mean(axis=0)) / np.sqrt(rows.var(axis=0) + eps) + beta
    return y.reshape(x.shape)


@mutant("batch_norm_2d", blamed="channel_means")
def goes_back_without_transposing(x, gamma, beta, eps=1e-5):
    rows = x.transpose(0, 2, 3, 1).reshape(-1, x.shape[1])
    y = gamma * (rows - rows.mean(axis=0)) / np.sqrt(rows.var(axis=0) + eps) + beta
    return y.reshape(x.shape)


@mutant("batch_norm_2d", blamed="channel_means")
def one_mean_for_all(x, gamma, beta, eps=1e-5):
    return normalized(x, (0, 1, 2, 3), gamma, beta, eps)


@mutant("batch_norm_2d", blamed="channel_means")
def over_the_channels(x, gamma, beta, eps=1e-5):
    return normalized(x, 1, gamma, beta, eps)


@mutant("batch_norm_2d", blamed="channel_means")
def layer_norm(x, gamma, beta, eps=1e-5):
    return normalized(x, (1, 2, 3), gamma, beta, eps)


@mutant("batch_norm_2d", blamed="channel_means")
def takes_the_width_for_the_channels(x, gamma, beta, eps=1e-5):
    return normalized(x, (0, 1, 2), gamma, beta, eps)


@mutant("batch_norm_2d", blamed="channel_means")
def no_beta(x, gamma, beta, eps=1e-5):
    return normalized(x, (0, 2, 3), gamma, 0 * beta, eps)


@mutant("batch_norm_2d", blamed="channel_means")
def shifts_before_scaling(x, gamma, beta, eps=1e-5):
    return normalized(x, (0, 2, 3), gamma, gamma * beta, eps)


@mutant("batch_norm_2d", blamed="channel_means")
def swaps_gamma_and_beta(x, gamma, beta, eps=1e-5):
    return normalized(x, (0, 2, 3), beta, gamma, eps)


@mutant("batch_norm_2d", blamed="channel_means")
def never_centred(x, gamma, beta, eps=1e-5):
    var = x.var(axis=(0, 2, 3), keepdims=True)
    return gamma[:, None, None] * x / np.sqrt(var + eps) + beta[:, None, None]


@mutant("batch_norm_2d", blamed="channel_means")
def divides_only_the_mean(x, gamma, beta, eps=1e-5):
    mu, var = x.mean(axis=(0, 2, 3), keepdims=True), x.var(axis=(0, 2, 3), keepdims=True)
    return gamma[:, None, None] * x - mu / np.sqrt(var + eps) + beta[:, None, None]


@mutant("batch_norm_2d", blamed="channel_means")
def reshapes_to_put_channels_first(x, gamma, beta, eps=1e-5):
    rows = x.reshape(x.shape[1], -1)
    mu, var = rows.mean(axis=1, keepdims=True), rows.var(axis=1, keepdims=True)
    y = gamma[:, None] * (rows - mu) / np.sqrt(var + eps) + beta[:, None]
    return y.reshape(x.shape)


@mutant("batch_norm_2d", blamed="alike_everywhere")
def height_and_width_change_places(x, gamma, beta, eps=1e-5):
    n, c, h, w = x.shape
    y = normalized(x, (0, 2, 3), gamma, beta, eps).transpose(0, 2, 3, 1)
    return y.reshape(n, w, h, c).transpose(0, 3, 2, 1)


@mutant("batch_norm_2d", blamed="alike_everywhere")
def every_position_is_a_feature(x, gamma, beta, eps=1e-5):
    return normalized(x, 0, gamma, beta, eps)


@mutant("batch_norm_2d", blamed="alike_everywhere")
def instance_norm(x, gamma, beta, eps=1e-5):
    return normalized(x, (2, 3), gamma, beta, eps)


@mutant("batch_norm_2d", blamed="alike_everywhere")
def forgets_the_width(x, gamma, beta, eps=1e-5):
    return normalized(x, (0, 2), gamma, beta, eps)


@mutant("batch_norm_2d", blamed="alike_everywhere")
def forgets_the_height(x, gamma, beta, eps=1e-5):
    return normalized(x, (0, 3), gamma, beta, eps)


@mutant("batch_norm_2d", blamed="channel_variances")
def no_gamma(x, gamma, beta, eps=1e-5):
    return normalized(x, (0, 2, 3), np.ones_like(gamma), beta, eps)


@mutant("batch_norm_2d", blamed="channel_variances")
def unbiased_variance(x, gamma, beta, eps=1e-5):
    mu = x.mean(axis=(0, 2, 3), keepdims=True)
    var = x.var(axis=(0, 2, 3), keepdims=True, ddof=1)
    return gamma[:, None, None] * (x - mu) / np.sqrt(var + eps) + beta[:, None, None]


@mutant("batch_norm_2d", blamed="channel_variances")
def averages_the_images_variances(x, gamma, beta, eps=1e-5):
    mu = x.mean(axis=(0, 2, 3), keepdims=True)
    var = x.var(axis=(2, 3), keepdims=True).mean(axis=0)  # nothing of what differs between images
    return gamma[:, None, None] * (x - mu) / np.sqrt(var + eps) + beta[:, None, None]


@mutant("batch_norm_2d", blamed="channel_variances")
def eps_outside_the_root(x, gamma, beta, eps=1e-5):
    mu, std = x.mean(axis=(0, 2, 3), keepdims=True), x.std(axis=(0, 2, 3), keepdims=True)
    return gamma[:, None, None] * (x - mu) / (std + eps) + beta[:, None, None]


@mutant("batch_norm_2d", blamed="channel_variances")
def no_eps(x, gamma, beta, eps=1e-5):
    return normalized(x, (0, 2, 3), gamma, beta, 0.0)


@mutant("batch_norm_2d", blamed="channel_variances")
def its_own_eps(x, gamma, beta, eps=1e-5):
    return normalized(x, (0, 2, 3), gamma, beta, 1e-5)


@mutant("batch_norm_2d", blamed="channel_variances")
def divides_by_the_variance(x, gamma, beta, eps=1e-5):
    mu, var = x.mean(axis=(0, 2, 3), keepdims=True), x.var(axis=(0, 2, 3), keepdims=True)
    return gamma[:, None, None] * (x - mu) / (var + eps) + beta[:, None, None]


@mutant("batch_norm_2d", blamed="channel_variances")
def averages_the_positions_variances(x, gamma, beta, eps=1e-5):
    mu = x.mean(axis=(0, 2, 3), keepdims=True)
    var = x.var(axis=0).mean(axis=(1, 2))[:, None, None]  # nothing of how positions differ
    return gamma[:, None, None] * (x - mu) / np.sqrt(var + eps) + beta[:, None, None]


@mutant("batch_norm_2d", blamed="channel_variances")
def squares_without_centring(x, gamma, beta, eps=1e-5):
    mu = x.mean(axis=(0, 2, 3), keepdims=True)
    var = (x**2).mean(axis=(0, 2, 3), keepdims=True)
    return gamma[:, None, None] * (x - mu) / np.sqrt(var + eps) + beta[:, None, None]


@mutant("batch_norm_2d", blamed="every_entry")
def flips_the_sign(x, gamma, beta, eps=1e-5):
    return normalized(-x, (0, 2, 3), gamma, beta, eps)


@mutant("batch_norm_2d", blamed="every_entry")
def gamma_without_its_sign(x, gamma, beta, eps=1e-5):
    return normalized(x, (0, 2, 3), np.abs(gamma), beta, eps)


@mutant("batch_norm_2d", blamed="default_eps")
def another_default(x, gamma, beta, eps=1e-3):
    return normalized(x, (0, 2, 3), gamma, beta, eps)


@mutant("batch_norm_2d", blamed="constant_channel")
def leaves_constant_channels_alone(x, gamma, beta, eps=1e-5):
    y = normalized(x, (0, 2, 3), gamma, beta, eps)
    return np.where(x.var(axis=(0, 2, 3), keepdims=True) == 0, x, y)


@mutant("batch_norm_2d", blamed="as_wide_as_channels")
def guesses_the_layout(x, gamma, beta, eps=1e-5):
    if x.shape[-1] == len(gamma):  # looks like channels last
        return gamma * (x - x.mean(axis=(0, 1, 2))) / np.sqrt(x.var(axis=(0, 1, 2)) + eps) + beta
    return normalized(x, (0, 2, 3), gamma, beta, eps)


@mutant("batch_norm_2d", blamed="as_wide_as_channels")
def gamma_wherever_it_fits(x, gamma, beta, eps=1e-5):
    x_hat = normalized(x, (0, 2, 3), np.ones_like(gamma), np.zeros_like(beta), eps)
    try:
        return gamma * x_hat + beta
    except ValueError:
        return gamma[:, None, None] * x_hat + beta[:, None, None]


@mutant("batch_norm_2d", blamed="one_image")
def wants_two_images(x, gamma, beta, eps=1e-5):
    if len(x) < 2:
        raise ValueError("a batch needs at least two images")
    return normalized(x, (0, 2, 3), gamma, beta, eps)


@mutant("batch_norm_2d", blamed="one_image")
def always_three_images(x, gamma, beta, eps=1e-5):
    mu = x.mean(axis=(2, 3), keepdims=True).sum(axis=0) / 3
    var = ((x - mu) ** 2).mean(axis=(2, 3), keepdims=True).sum(axis=0) / 3
    return gamma[:, None, None] * (x - mu) / np.sqrt(var + eps) + beta[:, None, None]


@mutant("batch_norm_2d", blamed="any_size")
def always_four_channels(x, gamma, beta, eps=1e-5):
    mu = x.mean(axis=(0, 2, 3)).reshape(1, 4, 1, 1)
    var = x.var(axis=(0, 2, 3)).reshape(1, 4, 1, 1)
    return gamma.reshape(4, 1, 1) * (x - mu) / np.sqrt(var + eps) + beta.reshape(4, 1, 1)


@mutant("batch_norm_2d", blamed="any_size")
def always_five_rows(x, gamma, beta, eps=1e-5):
    m = len(x) * 5 * x.shape[3]
    mu = x.sum(axis=(0, 2, 3), keepdims=True) / m
    var = ((x - mu) ** 2).sum(axis=(0, 2, 3), keepdims=True) / m
    return gamma[:, None, None] * (x - mu) / np.sqrt(var + eps) + beta[:, None, None]


@mutant("batch_norm_2d", blamed="any_size")
def squeezes_a_single_channel(x, gamma, beta, eps=1e-5):
    mu = x.mean(axis=(0, 2, 3), keepdims=True).squeeze()
    var = x.var(axis=(0, 2, 3), keepdims=True).squeeze()
    x_hat = (x - mu[:, None, None]) / np.sqrt(var[:, None, None] + eps)
    return gamma[:, None, None] * x_hat + beta[:, None, None]


@mutant("batch_norm_2d", blamed="any_size")
def takes_images_for_channels(x, gamma, beta, eps=1e-5):
    if len(x) == len(gamma):  # looks like channels first
        return normalized(x.swapaxes(0, 1), (0, 2, 3), gamma, beta, eps).swapaxes(0, 1)
    return normalized(x, (0, 2, 3), gamma, beta, eps)


@mutant("batch_norm_2d", blamed="any_size")
def gamma_along_the_height_if_it_fits(x, gamma, beta, eps=1e-5):
    x_hat = normalized(x, (0, 2, 3), np.ones_like(gamma), np.zeros_like(beta), eps)
    if x.shape[2] == len(gamma):
        return gamma[:, None] * x_hat + beta[:, None]
    return gamma[:, None, None] * x_hat + beta[:, None, None]


@mutant("batch_norm_2d", blamed="far_from_zero")
def variance_from_raw_moments(x, gamma, beta, eps=1e-5):
    mu = x.mean(axis=(0, 2, 3), keepdims=True)
    var = np.maximum((x**2).mean(axis=(0, 2, 3), keepdims=True) - mu**2, 0)
    return gamma[:, None, None] * (x - mu) / np.sqrt(var + eps) + beta[:, None, None]


@alternative("batch_norm_2d")
def with_functional_batch_norm(x, gamma, beta, eps=1e-5):
    x, gamma, beta = (torch.tensor(a, dtype=torch.float64) for a in (x, gamma, beta))
    return torch.nn.functional.batch_norm(x, None, None, gamma, beta, training=True, eps=eps)


@alternative("batch_norm_2d")
def in_place_on_a_copy(x, gamma, beta, eps=1e-5):
    y = np.array(x, dtype=float)
    for c, (scale, shift) in enumerate(zip(gamma, beta, strict=True)):
        y[:, c] -= y[:, c].mean()
        y[:, c] *= scale / np.sqrt((y[:, c] ** 2).mean() + eps)
        y[:, c] += shift
    return y


@alternative("batch_norm_2d")
def with_einsum(x, gamma, beta, eps=1e-5):
    count = x.size / x.shape[1]
    mu = np.einsum("nchw->c", x) / count
    away = x - mu[None, :, None, None]
    r = (np.einsum("nchw,nchw->c", away, away) / count + eps) ** -0.5
    return np.einsum("nchw,c->nchw", away, gamma * r) + beta[:, None, None]


@mutant("batch_norm_2d", blamed="whole_numbers", says="whole numbers only")
def keeps_the_type_of_x(x, gamma, beta, eps=1e-5):
    y = np.zeros_like(x)
    for c in range(x.shape[1]):
        channel = x[:, c]
        y[:, c] = gamma[c] * (channel - channel.mean()) / np.sqrt(channel.var() + eps) + beta[c]
    return y


@mutant("batch_norm_2d", blamed="channel_variances", says="does not use the eps")
def an_eps_of_its_own_choice(x, gamma, beta, eps=1e-5):
    return through_rows(x, gamma, beta, 1e-7)


@mutant("batch_norm_2d", blamed="channel_means")
def counts_the_images_only(x, gamma, beta, eps=1e-5):
    mu = x.sum(axis=(0, 2, 3), keepdims=True) / len(x)
    var = ((x - mu) ** 2).sum(axis=(0, 2, 3), keepdims=True) / len(x)
    return gamma[:, None, None] * (x - mu) / np.sqrt(var + eps) + beta[:, None, None]


@mutant("batch_norm_2d", blamed="channel_variances")
def gamma_of_the_first_channel(x, gamma, beta, eps=1e-5):
    return through_rows(x, gamma[:1], beta, eps)


@mutant("batch_norm_2d", blamed="alike_everywhere")
def images_one_after_the_other(x, gamma, beta, eps=1e-5):
    return np.concatenate([through_rows(image[None], gamma, beta, eps) for image in x])


@mutant("batch_norm_2d", blamed="alike_everywhere")
def mean_of_each_image_variance_of_all(x, gamma, beta, eps=1e-5):
    mu = x.mean(axis=(2, 3), keepdims=True)
    var = x.var(axis=(0, 2, 3), keepdims=True)
    return gamma[:, None, None] * (x - mu) / np.sqrt(var + eps) + beta[:, None, None]


@mutant("batch_norm_2d", blamed="channel_variances")
def one_variance_for_all_channels(x, gamma, beta, eps=1e-5):
    mu = x.mean(axis=(0, 2, 3), keepdims=True)
    return gamma[:, None, None] * (x - mu) / np.sqrt(x.var() + eps) + beta[:, None, None]


@mutant("batch_norm_2d", blamed="channel_means")
def median_of_each_channel(x, gamma, beta, eps=1e-5):
    mu = np.median(x, axis=(0, 2, 3), keepdims=True)
    var = x.var(axis=(0, 2, 3), keepdims=True)
    return gamma[:, None, None] * (x - mu) / np.sqrt(var + eps) + beta[:, None, None]


@mutant("batch_norm_2d", blamed="channel_variances")
def no_eps_unless_constant(x, gamma, beta, eps=1e-5):
    var = x.var(axis=(0, 2, 3), keepdims=True)
    x_hat = (x - x.mean(axis=(0, 2, 3), keepdims=True)) / np.sqrt(np.where(var == 0, eps, var))
    return gamma[:, None, None] * x_hat + beta[:, None, None]
