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


@alternative("feature_variance")
def by_einsum(x):
    centred = x - x.mean(axis=0, keepdims=True)
    return np.einsum("nc,nc->c", centred, centred) / x.dtype.type(len(x))


@alternative("feature_variance")
def column_by_column(x):
    result = np.empty(x.shape[1], dtype=x.dtype)
    for c, column in enumerate(x.T.astype(np.float64)):
        result[c] = np.average((column - np.average(column)) ** 2)
    return result


@alternative("feature_variance")
def in_torch(x):
    return torch.from_numpy(x).var(dim=0, correction=0).numpy()


@mutant("feature_variance", blamed="any_number_of_samples")
def one_sample_has_no_variance(x):
    return x.var(axis=0) if len(x) > 1 else np.full(x.shape[1], np.nan, x.dtype)


@mutant("feature_variance", blamed="any_number_of_samples")
def never_exactly_zero(x):
    return np.maximum(x.var(axis=0), x.dtype.type(1e-5))


@mutant("feature_variance", blamed="any_number_of_samples")
def two_samples_are_too_few(x):
    return x.var(axis=0) if len(x) > 2 else 0 * x[0]


@mutant("feature_variance", blamed="any_number_of_samples")
def eight_features(x):
    wide = np.zeros((len(x), 8 if len(x) > 200 else 4), x.dtype)
    wide[:, : min(x.shape[1], wide.shape[1])] = x[:, : wide.shape[1]]
    return wide.var(axis=0)[: x.shape[1]]


@mutant("feature_variance", blamed="around_zero")
def sum_of_squares(x):
    return ((x - x.mean(axis=0)) ** 2).sum(axis=0)


@mutant("feature_variance", blamed="around_zero")
def of_all_features_together(x):
    return np.full(x.shape[1], x.var(), x.dtype)


@mutant("feature_variance", blamed="around_zero")
def mean_absolute_deviation(x):
    return np.abs(x - x.mean(axis=0)).mean(axis=0)


@mutant("feature_variance", blamed="any_offset")
def rounded_to_thousands(x):
    shifted = x - np.round(x.mean(axis=0) / 1000) * x.dtype.type(1000)
    return (shifted**2).mean(axis=0) - shifted.mean(axis=0) ** 2


@mutant("feature_variance", blamed="more_digits")
def extra_digits_for_float32(x):
    if x.dtype == np.float32:
        return x.astype(np.float64).var(axis=0).astype(np.float32)
    return (x**2).mean(axis=0) - x.mean(axis=0) ** 2


@mutant("feature_variance", blamed="type_stays")
def more_digits_than_asked_for(x):
    return x.var(axis=0).astype(np.longdouble)


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
    y = np.empty(x.shape)
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


@alternative("standardize_channels")
def by_broadcasting_views(x, gamma, beta, eps=1e-5):
    rows = np.moveaxis(x, 1, -1).astype(float)
    y = gamma * (rows - rows.mean(axis=(0, 1, 2))) / np.sqrt(rows.var(axis=(0, 1, 2)) + eps) + beta
    return np.moveaxis(y, -1, 1)


@alternative("standardize_channels")
def as_scale_and_shift(x, gamma, beta, eps=1e-5):
    scale = gamma / np.sqrt(x.var(axis=(0, 2, 3)) + eps)
    shift = beta - scale * x.mean(axis=(0, 2, 3))
    return np.einsum("nchw,c->nchw", x, scale) + shift[None, :, None, None]


@alternative("standardize_channels")
def with_torch(x, gamma, beta, eps=1e-5):
    x, gamma, beta = (torch.from_numpy(np.asarray(a, dtype=float)) for a in (x, gamma, beta))
    return torch.nn.functional.batch_norm(x, None, None, gamma, beta, True, 0.0, eps).numpy()


def right(x, gamma, beta, eps):
    return affine(over(x, (0, 2, 3), eps), gamma, beta)


@mutant("standardize_channels", blamed="any_images")
def in_the_type_of_the_pixels(x, gamma, beta, eps=1e-5):
    y = np.zeros_like(x)
    y[...] = right(x, gamma, beta, eps)
    return y


@mutant("standardize_channels", blamed="any_images")
def ninety_values(x, gamma, beta, eps=1e-5):
    centred = x - x.sum(axis=(0, 2, 3), keepdims=True) / (30 * len(x))
    var = (centred**2).sum(axis=(0, 2, 3), keepdims=True) / (30 * len(x))
    return affine(centred / np.sqrt(var + eps), gamma, beta)


@mutant("standardize_channels", blamed="any_images")
def a_single_image_stays(x, gamma, beta, eps=1e-5):
    return right(x, gamma, beta, eps) if len(x) > 1 else affine(x, gamma, beta)


@mutant("standardize_channels", blamed="eps_by_default")
def another_default_of_eps(x, gamma, beta, eps=1e-3):
    return right(x, gamma, beta, eps)


@mutant("standardize_channels", blamed="every_entry")
def eps_of_its_own(x, gamma, beta, eps=1e-5):
    return right(x, gamma, beta, 1e-5)


@mutant("standardize_channels", blamed="every_entry")
def eps_behind_the_root(x, gamma, beta, eps=1e-5):
    x_hat = (x - x.mean(axis=(0, 2, 3), keepdims=True)) / (
        x.std(axis=(0, 2, 3), keepdims=True) + eps
    )
    return affine(x_hat, gamma, beta)


@mutant("standardize_channels", blamed="every_entry")
def one_less_than_all(x, gamma, beta, eps=1e-5):
    axes = (0, 2, 3)
    x_hat = (x - x.mean(axis=axes, keepdims=True)) / np.sqrt(
        x.var(axis=axes, keepdims=True, ddof=1) + eps
    )
    return affine(x_hat, gamma, beta)


@mutant("standardize_channels", blamed="every_entry")
def without_gamma(x, gamma, beta, eps=1e-5):
    return right(x, np.ones_like(gamma), beta, eps)


@mutant("standardize_channels", blamed="channel_means")
def without_beta(x, gamma, beta, eps=1e-5):
    return right(x, gamma, np.zeros_like(beta), eps)


@mutant("standardize_channels", blamed="same_shape")
def one_vector_per_image(x, gamma, beta, eps=1e-5):
    return right(x, gamma, beta, eps).mean(axis=(2, 3))


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


@alternative("normalize_small_batch")
def with_the_library(x, gamma, beta, eps=1e-5):
    return torch.nn.functional.batch_norm(x, None, None, gamma, beta, True, 0.1, eps)


@alternative("normalize_small_batch")
def moments_by_einsum(x, gamma, beta, eps=1e-5):
    c = x - torch.einsum("nc->c", x) / x.shape[0]
    squares = torch.einsum("nc,nc->c", c, c) / x.shape[0]
    return torch.einsum("nc,c->nc", c, gamma * (squares + eps).pow(-0.5)) + beta


@alternative("normalize_small_batch")
def feature_by_feature(x, gamma, beta, eps=1e-5):
    def column(values, g, b):
        var, mean = torch.var_mean(values, correction=0)
        return g * (values - mean) / torch.sqrt(var + eps) + b

    return torch.vmap(column, in_dims=(1, 0, 0), out_dims=1)(x, gamma, beta)


@mutant("normalize_small_batch", blamed="any_features")
def four_features(x, gamma, beta, eps=1e-5):
    n = x.numel() / 4
    c = x - x.sum(dim=0) / n
    return gamma * c * torch.rsqrt((c * c).sum(dim=0) / n + eps) + beta


@mutant("normalize_small_batch", blamed="any_features")
def at_least_three_rows_but_one_feature(x, gamma, beta, eps=1e-5):
    correction = 0 if x.shape[1] > 1 else 1
    return gamma * (x - x.mean(0)) * torch.rsqrt(x.var(0, correction=correction) + eps) + beta


@mutant("normalize_small_batch", blamed="any_features", says="dtype=x.dtype")
def double_precision_needed(x, gamma, beta, eps=1e-5):
    weights = torch.full((len(x),), 1 / len(x), dtype=torch.float64)
    mu, square = weights @ x, weights @ x**2
    return gamma * (x - mu) * torch.rsqrt(square - mu**2 + eps) + beta


@mutant("normalize_small_batch", blamed="default_eps")
def default_of_1e_6(x, gamma, beta, eps=1e-6):
    return gamma * (x - x.mean(dim=0)) * torch.rsqrt(x.var(dim=0, correction=0) + eps) + beta


@mutant("normalize_small_batch", blamed="variance_one")
def whatever_eps_is_given(x, gamma, beta, eps=1e-5):
    return gamma * (x - x.mean(dim=0)) * torch.rsqrt(x.var(dim=0, correction=0) + 1e-5) + beta


@mutant("normalize_small_batch", blamed="variance_one")
def divides_by_the_variance(x, gamma, beta, eps=1e-5):
    return gamma * (x - x.mean(dim=0)) / (x.var(dim=0, correction=0) + eps) + beta


@mutant("normalize_small_batch", blamed="variance_one")
def mean_is_forgotten(x, gamma, beta, eps=1e-5):
    return gamma * x * torch.rsqrt(x.var(dim=0, correction=0) + eps) + beta


@mutant("normalize_small_batch", blamed="variance_one")
def two_is_a_special_case(x, gamma, beta, eps=1e-5):
    var = x.var(dim=0, correction=int(len(x) == 2))
    return gamma * (x - x.mean(dim=0)) * torch.rsqrt(var + eps) + beta


@mutant("normalize_small_batch", blamed="all_entries")
def beta_is_scaled(x, gamma, beta, eps=1e-5):
    return gamma * ((x - x.mean(dim=0)) * torch.rsqrt(x.var(dim=0, correction=0) + eps) + beta)


@mutant("normalize_small_batch", blamed="gradient_flows")
def beta_detached(x, gamma, beta, eps=1e-5):
    x_hat = (x - x.mean(dim=0)) * torch.rsqrt(x.var(dim=0, correction=0) + eps)
    return gamma * x_hat + beta.detach()
