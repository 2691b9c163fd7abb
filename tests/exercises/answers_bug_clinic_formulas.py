"""Answers to the exercises of the notebook `bug_clinic` about the statistics of a batch."""

import numpy as np
import torch
from registry import alternative, mutant

# feature_variance


@alternative("feature_variance")
def with_numpy(x):
    return np.var(x, axis=0)


@alternative("feature_variance")
def shifted_by_the_first_sample(x):
    shifted = x - x[0]
    return (shifted**2).mean(axis=0) - shifted.mean(axis=0) ** 2


@alternative("feature_variance")
def welford(x):
    mean, total = np.zeros_like(x[0]), np.zeros_like(x[0])
    for count, row in enumerate(x, start=1):
        delta = row - mean
        mean = mean + delta / x.dtype.type(count)
        total = total + delta * (row - mean)
    return total / x.dtype.type(len(x))


@mutant("feature_variance", blamed="offset_costs_nothing")
def never_below_zero(x):
    return np.maximum((x**2).mean(axis=0) - x.mean(axis=0) ** 2, 0)


@mutant("feature_variance", blamed="offset_costs_nothing")
def without_the_sign(x):
    return np.abs((x**2).mean(axis=0) - x.mean(axis=0) ** 2)


@mutant("feature_variance", blamed="offset_costs_nothing")
def a_little_added(x):
    return (x**2).mean(axis=0) - x.mean(axis=0) ** 2 + x.dtype.type(1e-5)


@mutant("feature_variance", blamed="offset_costs_nothing")
def nan_to_zero(x):
    root = np.sqrt(np.maximum((x**2).mean(axis=0) - x.mean(axis=0) ** 2, 0))
    return np.nan_to_num(root) ** 2


@mutant("feature_variance", blamed="any_offset")
def this_offset_only(x):
    shifted = x - x.dtype.type(1000) if x.mean() > 500 else x
    return (shifted**2).mean(axis=0) - shifted.mean(axis=0) ** 2


@mutant("feature_variance", blamed="any_offset")
def one_shift_for_all_features(x):
    shifted = x - x.mean()
    return (shifted**2).mean(axis=0) - shifted.mean(axis=0) ** 2


@mutant("feature_variance", blamed="more_digits")
def more_digits_only(x):
    wide = x.astype(np.float64)
    return ((wide**2).mean(axis=0) - wide.mean(axis=0) ** 2).astype(x.dtype)


@mutant("feature_variance", blamed="more_digits")
def repaired_in_single_precision_only(x):
    x32 = x.astype(np.float32)
    return ((x32 - x32.mean(axis=0)) ** 2).mean(axis=0).astype(x.dtype)


@alternative("feature_variance")
def two_passes_in_double_precision(x):
    return np.mean(np.square(x - x.mean(axis=0, dtype=np.float64)), axis=0).astype(x.dtype)


@mutant("feature_variance", blamed="around_zero")
def one_less(x):
    return x.var(axis=0, ddof=1)


@mutant("feature_variance", blamed="around_zero")
def deviation(x):
    return x.std(axis=0)


@mutant("feature_variance", blamed="around_zero")
def root_of_the_wrong_thing(x):
    return (x**2).mean(axis=0) - x.mean(axis=0)


@mutant("feature_variance", blamed="around_zero")
def of_each_sample(x):
    return x.var(axis=1)


@mutant("feature_variance", blamed="type_stays")
def stays_in_double_precision(x):
    return x.astype(np.float64).var(axis=0)


@mutant("feature_variance", blamed="type_stays")
def always_single_precision(x):
    return x.var(axis=0).astype(np.float32)


# standardize_channels


def affine(x_hat, gamma, beta):
    return gamma[:, None, None] * x_hat + beta[:, None, None]


def over(x, axes, eps):
    return (x - x.mean(axis=axes, keepdims=True)) / np.sqrt(x.var(axis=axes, keepdims=True) + eps)


@alternative("standardize_channels")
def rows_of_channels(x, gamma, beta, eps=1e-5):
    rows = x.transpose(1, 0, 2, 3).reshape(x.shape[1], -1)
    mu, var = rows.mean(axis=1)[:, None, None], rows.var(axis=1)[:, None, None]
    return affine((x - mu) / np.sqrt(var + eps), gamma, beta)


@alternative("standardize_channels")
def channel_after_channel(x, gamma, beta, eps=1e-5):
    y = np.empty_like(x)
    for c in range(x.shape[1]):
        values = x[:, c]
        y[:, c] = gamma[c] * (values - values.mean()) / (values.var() + eps) ** 0.5 + beta[c]
    return y


@mutant("standardize_channels", blamed="company_matters")
def every_channel_of_every_image(x, gamma, beta, eps=1e-5):
    return affine(over(x, (2, 3), eps), gamma, beta)


@mutant("standardize_channels", blamed="company_matters")
def over_the_channels(x, gamma, beta, eps=1e-5):
    return affine(over(x, 1, eps), gamma, beta)


@mutant("standardize_channels", blamed="channel_means")
def every_position_by_itself(x, gamma, beta, eps=1e-5):
    return affine(over(x, 0, eps), gamma, beta)


@mutant("standardize_channels", blamed="channel_means")
def one_mean_for_all(x, gamma, beta, eps=1e-5):
    return affine(over(x, (0, 1, 2, 3), eps), gamma, beta)


@mutant("standardize_channels", blamed="channel_means")
def over_images_and_channels(x, gamma, beta, eps=1e-5):
    return affine(over(x, (0, 1), eps), gamma, beta)


@mutant("standardize_channels", blamed="channel_means")
def rows_of_positions(x, gamma, beta, eps=1e-5):
    rows = x.reshape(-1, x.shape[1])
    return affine(over(rows, 0, eps).reshape(x.shape), gamma, beta)


@mutant("standardize_channels", blamed="channel_means")
def reshaped_but_not_transposed(x, gamma, beta, eps=1e-5):
    rows = x.reshape(x.shape[1], -1)
    return affine(over(rows, 1, eps).reshape(x.shape), gamma, beta)


@mutant("standardize_channels", blamed="same_shape")
def rows_left_as_rows(x, gamma, beta, eps=1e-5):
    rows = x.transpose(1, 0, 2, 3).reshape(x.shape[1], -1)
    return gamma[:, None] * over(rows, 1, eps) + beta[:, None]


@mutant("standardize_channels", blamed="channel_means")
def images_and_channels_left_exchanged(x, gamma, beta, eps=1e-5):
    rows = x.transpose(1, 0, 2, 3).reshape(x.shape[1], -1)
    return affine(over(rows, 1, eps).reshape(x.shape), gamma, beta)


@mutant("standardize_channels", blamed="every_entry")
def no_eps(x, gamma, beta, eps=1e-5):
    return affine(over(x, (0, 2, 3), 0.0), gamma, beta)


@mutant("standardize_channels", blamed="every_entry")
def variance_of_the_image(x, gamma, beta, eps=1e-5):
    mu = x.mean(axis=(0, 2, 3), keepdims=True)
    centred = x - mu
    return affine(centred / np.sqrt(centred.var() + eps), gamma, beta)


# normalize_small_batch


@alternative("normalize_small_batch")
def unbiased_false(x, gamma, beta, eps=1e-5):
    return gamma * (x - x.mean(0)) / (x.var(0, unbiased=False) + eps).sqrt() + beta


@alternative("normalize_small_batch")
def mean_of_squares(x, gamma, beta, eps=1e-5):
    c = x - x.mean(dim=0)
    return torch.addcmul(beta, gamma, c / torch.sqrt((c * c).mean(dim=0) + eps))


@alternative("normalize_small_batch")
def factor_on_the_variance(x, gamma, beta, eps=1e-5):
    n = len(x)
    return gamma * (x - x.mean(dim=0)) * torch.rsqrt(x.var(dim=0) * (n - 1) / n + eps) + beta


@mutant("normalize_small_batch", blamed="all_entries")
def result_stretched(x, gamma, beta, eps=1e-5):
    n = len(x)
    x_hat = (x - x.mean(dim=0)) * torch.rsqrt(x.var(dim=0) + eps)
    return gamma * x_hat * (n / (n - 1)) ** 0.5 + beta


@mutant("normalize_small_batch", blamed="variance_one")
def the_wrong_way(x, gamma, beta, eps=1e-5):
    n = len(x)
    return gamma * (x - x.mean(dim=0)) * torch.rsqrt(x.var(dim=0) * n / (n - 1) + eps) + beta


@mutant("normalize_small_batch", blamed="variance_one")
def root_forgotten(x, gamma, beta, eps=1e-5):
    n = len(x)
    x_hat = (x - x.mean(dim=0)) * torch.rsqrt(x.var(dim=0) + eps)
    return gamma * x_hat * n / (n - 1) + beta


@mutant("normalize_small_batch", blamed="variance_one")
def only_for_large_batches(x, gamma, beta, eps=1e-5):
    correction = 0 if len(x) > 30 else 1
    var = x.var(dim=0, correction=correction)
    return gamma * (x - x.mean(dim=0)) * torch.rsqrt(var + eps) + beta


@mutant("normalize_small_batch", blamed="all_entries")
def over_the_features(x, gamma, beta, eps=1e-5):
    var = x.var(dim=1, correction=0, keepdim=True)
    return gamma * (x - x.mean(dim=1, keepdim=True)) * torch.rsqrt(var + eps) + beta[None]


@mutant("normalize_small_batch", blamed="all_entries")
def eps_outside(x, gamma, beta, eps=1e-5):
    return gamma * (x - x.mean(dim=0)) / (x.std(dim=0, correction=0) + eps) + beta


@mutant("normalize_small_batch", blamed="gradient_flows")
def repaired_with_numpy(x, gamma, beta, eps=1e-5):
    a = x.detach().numpy()
    x_hat = (a - a.mean(axis=0)) / np.sqrt(a.var(axis=0) + eps)
    return gamma * torch.tensor(x_hat) + beta


@mutant("normalize_small_batch", blamed="gradient_flows")
def variance_of_a_copy(x, gamma, beta, eps=1e-5):
    var, mu = x.detach().var(dim=0, correction=0), x.detach().mean(dim=0)
    return gamma * (x - mu) * torch.rsqrt(var + eps) + beta


@mutant("normalize_small_batch", blamed="gradient_flows")
def variance_detached(x, gamma, beta, eps=1e-5):
    mu, var = x.mean(dim=0), x.var(dim=0, correction=0).detach()
    return gamma * (x - mu) * torch.rsqrt(var + eps) + beta


@mutant("normalize_small_batch", blamed="gradient_flows")
def gamma_detached(x, gamma, beta, eps=1e-5):
    mu, var = x.mean(dim=0), x.var(dim=0, correction=0)
    return gamma.detach() * (x - mu) * torch.rsqrt(var + eps) + beta


@mutant("normalize_small_batch", blamed="default_eps")
def another_default_eps(x, gamma, beta, eps=1e-3):
    return gamma * (x - x.mean(dim=0)) * torch.rsqrt(x.var(dim=0, correction=0) + eps) + beta
