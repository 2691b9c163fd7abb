"""Answers to the exercises of 02_forward."""

import numpy as np
from registry import alternative, mutant


@alternative("batch_statistics")
def with_numpy(x):
    return np.mean(x, 0), np.var(x, 0)


@alternative("batch_statistics")
def with_loops(x):
    n = len(x)
    columns = [[float(v) for v in column] for column in x.T]
    means = [sum(column) / n for column in columns]
    pairs = zip(columns, means, strict=True)
    return means, [sum((v - m) ** 2 for v in column) / n for column, m in pairs]


@mutant("batch_statistics", blamed="one_per_feature")
def averages_over_features(x):
    return x.mean(axis=1), x.var(axis=1)


@mutant("batch_statistics", blamed="one_per_feature")
def one_number_for_all(x):
    return x.mean(), x.var()


@mutant("batch_statistics", blamed="one_per_feature")
def only_the_mean(x):
    return x.mean(axis=0)


@mutant("batch_statistics", blamed="means")
def the_median(x):
    return np.median(x, axis=0), x.var(axis=0)


@mutant("batch_statistics", blamed="means")
def swapped(x):
    return x.var(axis=0), x.mean(axis=0)


@mutant("batch_statistics", blamed="variances")
def unbiased(x):
    return x.mean(axis=0), x.var(axis=0, ddof=1)


@mutant("batch_statistics", blamed="variances")
def standard_deviation(x):
    return x.mean(axis=0), x.std(axis=0)


@mutant("batch_statistics", blamed="variances")
def second_moment(x):
    return x.mean(axis=0), (x**2).mean(axis=0)


@mutant("batch_statistics", blamed="any_size")
def divides_by_six(x):
    mean = x.sum(axis=0) / 6
    return mean, ((x - mean) ** 2).sum(axis=0) / 6


@mutant("batch_statistics", blamed="any_size")
def squeezes_a_single_feature_away(x):
    return x.mean(axis=0, keepdims=True).squeeze(), x.var(axis=0, keepdims=True).squeeze()


@mutant("batch_statistics", blamed="any_size")
def averages_over_the_longer_axis(x):
    axis = int(np.argmax(x.shape))
    return x.mean(axis=axis), x.var(axis=axis)


@mutant("batch_statistics", blamed="means")
def never_divides(x):
    return x.sum(axis=0), ((x - x.mean(axis=0)) ** 2).sum(axis=0)


@mutant("batch_statistics", blamed="means")
def in_float32(x):
    x = x.astype(np.float32)
    return x.mean(axis=0), x.var(axis=0)


@mutant("batch_statistics", blamed="variances")
def sums_the_squares(x):
    return x.mean(axis=0), ((x - x.mean(axis=0)) ** 2).sum(axis=0)


@mutant("batch_statistics", blamed="variances")
def distance_from_the_overall_mean(x):
    return x.mean(axis=0), ((x - x.mean()) ** 2).mean(axis=0)


@mutant("batch_statistics", blamed="far_from_zero")
def difference_of_squares(x):
    mean = x.mean(axis=0)
    return mean, (x**2).mean(axis=0) - mean**2


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
    y = np.empty_like(x)
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


@mutant("batch_norm_forward", blamed="feature_variances")
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


@mutant("batch_norm_forward", blamed="default_eps")
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


@alternative("identity_parameters")
def beta_first(x, eps=1e-5):
    beta = x.sum(axis=0) / len(x)
    return ((x - beta) ** 2).mean(axis=0).__add__(eps) ** 0.5, beta


@alternative("identity_parameters")
def from_the_output(x, eps=1e-5):
    x_hat = (x - x.mean(axis=0)) / np.sqrt(x.var(axis=0) + eps)
    return np.ptp(x, axis=0) / np.ptp(x_hat, axis=0), x.mean(axis=0)


@mutant("identity_parameters", blamed="gamma_and_beta")
def returns_the_batch(x, eps=1e-5):
    return x


@mutant("identity_parameters", blamed="undoes_the_shift")
def swaps_the_two(x, eps=1e-5):
    return x.mean(axis=0), np.sqrt(x.var(axis=0) + eps)


@mutant("identity_parameters", blamed="undoes_the_shift")
def minus_the_mean(x, eps=1e-5):
    return np.sqrt(x.var(axis=0) + eps), -x.mean(axis=0)


@mutant("identity_parameters", blamed="undoes_the_scale")
def forgets_eps(x, eps=1e-5):
    return np.sqrt(x.var(axis=0)), x.mean(axis=0)


@mutant("identity_parameters", blamed="undoes_the_scale")
def inverse_root(x, eps=1e-5):
    return 1 / np.sqrt(x.var(axis=0) + eps), x.mean(axis=0)


@mutant("identity_parameters", blamed="undoes_the_scale")
def gamma_is_the_variance(x, eps=1e-5):
    return x.var(axis=0) + eps, x.mean(axis=0)


@mutant("identity_parameters", blamed="undoes_the_default_eps")
def larger_default(x, eps=1e-3):
    return np.sqrt(x.var(axis=0) + eps), x.mean(axis=0)


@mutant("identity_parameters", blamed="undoes_the_shift")
def divides_the_mean_too(x, eps=1e-5):
    root = np.sqrt(x.var(axis=0) + eps)
    return root, x.mean(axis=0) / root


@mutant("identity_parameters", blamed="undoes_the_scale")
def unbiased_root(x, eps=1e-5):
    return np.sqrt(x.var(axis=0, ddof=1) + eps), x.mean(axis=0)


@mutant("identity_parameters", blamed="any_batch")
def six_samples(x, eps=1e-5):
    beta = x.sum(axis=0) / 6
    return np.sqrt(((x - beta) ** 2).sum(axis=0) / 6 + eps), beta


@mutant("identity_parameters", blamed="any_batch")
def four_features(x, eps=1e-5):
    gamma, beta = np.zeros(4), np.zeros(4)
    for c in range(4):
        gamma[c], beta[c] = np.sqrt(x[:, c].var() + eps), x[:, c].mean()
    return gamma, beta
