"""Answers to the exercise `batch_norm_forward` of the notebook `forward`."""

import numpy as np
import torch
from registry import alternative, mutant


@alternative("batch_norm_forward")
def in_one_line(x, gamma, beta, eps=1e-5):
    return (x - x.mean(0)) * (gamma / np.sqrt(x.var(0) + eps)) + beta


@alternative("batch_norm_forward")
def sums_and_powers(x, gamma, beta, eps=1e-5):
    centred = x - np.add.reduce(x) / x.shape[0]
    var = np.einsum("nc,nc->c", centred, centred) / x.shape[0]
    return gamma[None] * centred * (var + eps) ** -0.5 + beta[None]


@alternative("batch_norm_forward")
def column_by_column(x, gamma, beta, eps=1e-5):
    y = np.empty(x.shape)
    for c in range(x.shape[1]):
        column = x[:, c]
        y[:, c] = gamma[c] * (column - column.mean()) / np.sqrt(column.var() + eps) + beta[c]
    return y


@alternative("batch_norm_forward")
def scale_and_offset(x, gamma, beta, eps=1e-5):
    scale = gamma / np.sqrt(x.var(axis=0) + eps)
    return x * scale + (beta - x.mean(axis=0) * scale)


@alternative("batch_norm_forward")
def lists_of_numbers(x, gamma, beta, eps=1e-5):
    columns = []
    for column, scale, shift in zip(x.T.tolist(), gamma, beta, strict=True):
        mean = sum(column) / len(column)
        var = sum((v - mean) ** 2 for v in column) / len(column)
        columns.append([scale * (v - mean) / (var + eps) ** 0.5 + shift for v in column])
    return [list(row) for row in zip(*columns, strict=True)]


@mutant("batch_norm_forward", blamed="same_shape")
def returns_y_and_a_cache(x, gamma, beta, eps=1e-5):
    return in_one_line(x, gamma, beta, eps), x - x.mean(axis=0)


@mutant("batch_norm_forward", blamed="same_shape")
def takes_no_eps(x, gamma, beta):
    return in_one_line(x, gamma, beta)


@mutant("batch_norm_forward", blamed="feature_means")
def divides_only_the_mean(x, gamma, beta, eps=1e-5):
    return gamma * (x - x.mean(axis=0) / np.sqrt(x.var(axis=0) + eps)) + beta


@mutant("batch_norm_forward", blamed="feature_means")
def scales_before_centring(x, gamma, beta, eps=1e-5):
    return (gamma * x - x.mean(axis=0)) / np.sqrt(x.var(axis=0) + eps) + beta


@mutant("batch_norm_forward", blamed="feature_means")
def rounds_to_float32(x, gamma, beta, eps=1e-5):
    return in_one_line(x, gamma, beta, eps).astype(np.float32)


@mutant("batch_norm_forward", blamed="feature_variances")
def multiplies_with_the_root(x, gamma, beta, eps=1e-5):
    return gamma * (x - x.mean(axis=0)) * np.sqrt(x.var(axis=0) + eps) + beta


@mutant("batch_norm_forward", blamed="feature_variances")
def eps_as_a_floor(x, gamma, beta, eps=1e-5):
    return gamma * (x - x.mean(axis=0)) / np.sqrt(np.maximum(x.var(axis=0), eps)) + beta


@mutant("batch_norm_forward", blamed="other_sizes")
def squeezes_one_feature_away(x, gamma, beta, eps=1e-5):
    x_hat = (x - x.mean(axis=0)) / np.sqrt(x.var(axis=0) + eps)
    return gamma * x_hat.squeeze() + beta


@mutant("batch_norm_forward", blamed="same_shape")
def returns_the_parts(x, gamma, beta, eps=1e-5):
    return (x - x.mean(axis=0)) / np.sqrt(x.var(axis=0) + eps), gamma, beta


@mutant("batch_norm_forward", blamed="same_shape")
def works_in_place(x, gamma, beta, eps=1e-5):
    x -= x.mean(axis=0)
    x /= np.sqrt(x.var(axis=0) + eps)
    return gamma * x + beta


@mutant("batch_norm_forward", blamed="same_shape")
def keeps_the_transpose(x, gamma, beta, eps=1e-5):
    x = x.T
    x_hat = (x - x.mean(axis=1, keepdims=True)) / np.sqrt(x.var(axis=1, keepdims=True) + eps)
    return gamma[:, None] * x_hat + beta[:, None]


@mutant("batch_norm_forward", blamed="feature_means")
def normalizes_each_sample(x, gamma, beta, eps=1e-5):
    mean, var = x.mean(axis=1, keepdims=True), x.var(axis=1, keepdims=True)
    return gamma * (x - mean) / np.sqrt(var + eps) + beta


@mutant("batch_norm_forward", blamed="feature_means")
def one_mean_for_all(x, gamma, beta, eps=1e-5):
    return gamma * (x - x.mean()) / np.sqrt(x.var() + eps) + beta


@mutant("batch_norm_forward", blamed="feature_means")
def never_centred(x, gamma, beta, eps=1e-5):
    return gamma * x / np.sqrt(x.var(axis=0) + eps) + beta


@mutant("batch_norm_forward", blamed="feature_means")
def no_beta(x, gamma, beta, eps=1e-5):
    return gamma * (x - x.mean(axis=0)) / np.sqrt(x.var(axis=0) + eps)


@mutant("batch_norm_forward", blamed="feature_means")
def shifts_before_scaling(x, gamma, beta, eps=1e-5):
    return gamma * ((x - x.mean(axis=0)) / np.sqrt(x.var(axis=0) + eps) + beta)


@mutant("batch_norm_forward", blamed="feature_means")
def swaps_gamma_and_beta(x, gamma, beta, eps=1e-5):
    return beta * (x - x.mean(axis=0)) / np.sqrt(x.var(axis=0) + eps) + gamma


@mutant("batch_norm_forward", blamed="feature_means")
def rescales_to_the_unit_interval(x, gamma, beta, eps=1e-5):
    return gamma * (x - x.min(axis=0)) / (np.ptp(x, axis=0) + eps) + beta


@mutant("batch_norm_forward", blamed="feature_variances")
def no_gamma(x, gamma, beta, eps=1e-5):
    return (x - x.mean(axis=0)) / np.sqrt(x.var(axis=0) + eps) + beta


@mutant("batch_norm_forward", blamed="feature_variances", says="not by N - 1")
def unbiased_variance(x, gamma, beta, eps=1e-5):
    return gamma * (x - x.mean(axis=0)) / np.sqrt(x.var(axis=0, ddof=1) + eps) + beta


@mutant("batch_norm_forward", blamed="feature_variances")
def eps_outside_the_root(x, gamma, beta, eps=1e-5):
    return gamma * (x - x.mean(axis=0)) / (np.sqrt(x.var(axis=0)) + eps) + beta


@mutant("batch_norm_forward", blamed="feature_variances")
def no_eps(x, gamma, beta, eps=1e-5):
    return gamma * (x - x.mean(axis=0)) / np.sqrt(x.var(axis=0)) + beta


@mutant("batch_norm_forward", blamed="feature_variances")
def its_own_eps(x, gamma, beta, eps=1e-5):
    return gamma * (x - x.mean(axis=0)) / np.sqrt(x.var(axis=0) + 1e-5) + beta


@mutant("batch_norm_forward", blamed="feature_variances")
def divides_by_the_variance(x, gamma, beta, eps=1e-5):
    return gamma * (x - x.mean(axis=0)) / (x.var(axis=0) + eps) + beta


@mutant("batch_norm_forward", blamed="every_entry")
def flips_the_sign(x, gamma, beta, eps=1e-5):
    return gamma * (x.mean(axis=0) - x) / np.sqrt(x.var(axis=0) + eps) + beta


@mutant("batch_norm_forward", blamed="every_entry")
def gamma_without_its_sign(x, gamma, beta, eps=1e-5):
    return np.abs(gamma) * (x - x.mean(axis=0)) / np.sqrt(x.var(axis=0) + eps) + beta


@mutant("batch_norm_forward", blamed="default_eps", says="Keras' own")
def another_default(x, gamma, beta, eps=1e-3):
    return gamma * (x - x.mean(axis=0)) / np.sqrt(x.var(axis=0) + eps) + beta


@mutant("batch_norm_forward", blamed="constant_column")
def leaves_constant_columns_alone(x, gamma, beta, eps=1e-5):
    var = x.var(axis=0)
    y = gamma * (x - x.mean(axis=0)) / np.sqrt(var + eps) + beta
    return np.where(var == 0, x, y)


@mutant("batch_norm_forward", blamed="other_sizes")
def always_six_samples(x, gamma, beta, eps=1e-5):
    mean = x.sum(axis=0) / 6
    var = ((x - mean) ** 2).sum(axis=0) / 6
    return gamma * (x - mean) / np.sqrt(var + eps) + beta


@mutant("batch_norm_forward", blamed="large_offset")
def variance_from_raw_moments(x, gamma, beta, eps=1e-5):
    mean = x.mean(axis=0)
    var = np.maximum((x**2).mean(axis=0) - mean**2, 0)
    return gamma * (x - mean) / np.sqrt(var + eps) + beta


@alternative("batch_norm_forward")
def in_float_arrays_of_its_own(x, gamma, beta, eps=1e-5):
    y = x.astype(float)
    y -= y.mean(axis=0)
    y /= np.sqrt((y**2).mean(axis=0) + eps)
    y *= gamma
    y += beta
    return y


@alternative("batch_norm_forward")
def as_matrices(x, gamma, beta, eps=1e-5):
    n = len(x)
    centred = (np.eye(n) - np.full((n, n), 1 / n)) @ x
    return centred @ np.diag(gamma / np.sqrt(np.diag(centred.T @ centred) / n + eps)) + beta


@alternative("batch_norm_forward")
def with_torch(x, gamma, beta, eps=1e-5):
    x, gamma, beta = (torch.as_tensor(a, dtype=torch.float64) for a in (x, gamma, beta))
    var, mu = torch.var_mean(x, dim=0, correction=0)
    return gamma * (x - mu) * torch.rsqrt(var + eps) + beta


@alternative("batch_norm_forward")
def pytorch_that_refuses_a_single_sample(x, gamma, beta, eps=1e-5):
    x, gamma, beta = map(torch.from_numpy, (x, gamma, beta))
    return torch.nn.functional.batch_norm(x, None, None, gamma, beta, training=True, eps=eps)


@alternative("batch_norm_forward")
def in_place_on_a_copy(x, gamma, beta, eps=1e-5):
    y = x.copy()
    y -= y.mean(axis=0)
    y /= np.sqrt(y.var(axis=0) + eps)
    return gamma * y + beta


@mutant("batch_norm_forward", blamed="feature_variances", says="does not use the eps")
def an_eps_of_its_own_choice(x, gamma, beta, eps=1e-5):
    return gamma * (x - x.mean(axis=0)) / np.sqrt(x.var(axis=0) + 1e-6) + beta


@mutant("batch_norm_forward", blamed="single_sample")
def leaves_a_single_sample_as_it_is(x, gamma, beta, eps=1e-5):
    if len(x) == 1:
        return gamma * x + beta
    return in_one_line(x, gamma, beta, eps)


@mutant("batch_norm_forward", blamed="feature_variances")
def variance_of_n_minus_one_unless_alone(x, gamma, beta, eps=1e-5):
    n = max(len(x) - 1, 1)
    var = ((x - x.mean(axis=0)) ** 2).sum(axis=0) / n
    return gamma * (x - x.mean(axis=0)) / np.sqrt(var + eps) + beta


@mutant("batch_norm_forward", blamed="whole_numbers", says="whole numbers only")
def keeps_the_type_of_x(x, gamma, beta, eps=1e-5):
    y = np.zeros_like(x)
    for c in range(x.shape[1]):
        column = x[:, c]
        y[:, c] = gamma[c] * (column - column.mean()) / np.sqrt(column.var() + eps) + beta[c]
    return y


@mutant("batch_norm_forward", blamed="feature_means")
def eps_added_to_the_quotient(x, gamma, beta, eps=1e-5):
    return gamma * ((x - x.mean(axis=0)) / np.sqrt(x.var(axis=0)) + eps) + beta


@mutant("batch_norm_forward", blamed="feature_variances")
def eps_squared(x, gamma, beta, eps=1e-5):
    return gamma * (x - x.mean(axis=0)) / np.sqrt(x.var(axis=0) + eps**2) + beta


@mutant("batch_norm_forward", blamed="feature_variances")
def subtracts_eps(x, gamma, beta, eps=1e-5):
    return gamma * (x - x.mean(axis=0)) / np.sqrt(np.abs(x.var(axis=0) - eps)) + beta


@mutant("batch_norm_forward", blamed="feature_variances")
def normalizes_twice(x, gamma, beta, eps=1e-5):
    once = in_one_line(x, 1.0, 0.0, eps)
    return in_one_line(once, gamma, beta, eps)


@mutant("batch_norm_forward", blamed="feature_variances")
def divides_by_the_mean_deviation(x, gamma, beta, eps=1e-5):
    centred = x - x.mean(axis=0)
    return gamma * centred / (np.abs(centred).mean(axis=0) + eps) + beta


@mutant("batch_norm_forward", blamed="feature_means")
def centres_with_the_median(x, gamma, beta, eps=1e-5):
    return gamma * (x - np.median(x, axis=0)) / np.sqrt(x.var(axis=0) + eps) + beta


@mutant("batch_norm_forward", blamed="feature_variances")
def one_variance_for_all(x, gamma, beta, eps=1e-5):
    return gamma * (x - x.mean(axis=0)) / np.sqrt(x.var() + eps) + beta


@mutant("batch_norm_forward", blamed="feature_variances")
def gamma_of_the_first_feature(x, gamma, beta, eps=1e-5):
    return gamma[0] * (x - x.mean(axis=0)) / np.sqrt(x.var(axis=0) + eps) + beta


@mutant("batch_norm_forward", blamed="feature_variances")
def gamma_squared(x, gamma, beta, eps=1e-5):
    return in_one_line(x, gamma * np.abs(gamma), beta, eps)


@mutant("batch_norm_forward", blamed="default_eps", says="depends on earlier calls")
def keeps_the_first_statistics(x, gamma, beta, eps=1e-5, known={}):  # noqa: B006
    mu, var = known.setdefault(x.shape, (x.mean(axis=0), x.var(axis=0)))
    return gamma * (x - mu) / np.sqrt(var + eps) + beta


@mutant("batch_norm_forward", blamed="feature_variances")
def no_eps_unless_a_column_is_constant(x, gamma, beta, eps=1e-5):
    var = x.var(axis=0)
    return gamma * (x - x.mean(axis=0)) / np.sqrt(np.where(var == 0, eps, var)) + beta
