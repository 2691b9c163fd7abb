"""Answers to the exercises of the notebook `forward`."""

import numpy as np
import torch
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


@alternative("batch_statistics")
def sample_by_sample(x):
    mean, squares = np.zeros(x.shape[1]), np.zeros(x.shape[1])
    for count, row in enumerate(x, start=1):
        away = row - mean
        mean = mean + away / count
        squares = squares + away * (row - mean)
    return mean, squares / len(x)


@alternative("batch_statistics")
def from_all_pairs(x):
    # The variance is half the mean squared distance of two samples.
    return x.mean(axis=0), ((x[:, None] - x[None]) ** 2).mean(axis=(0, 1)) / 2


@alternative("batch_statistics")
def tensors(x):
    x = torch.as_tensor(x, dtype=torch.float64)
    return x.mean(dim=0), x.var(dim=0, correction=0)


@alternative("batch_statistics")
def with_einsum(x):
    mu = np.einsum("nc->c", x) / len(x)
    return np.stack([mu, np.einsum("nc,nc->c", x - mu, x - mu) / len(x)])


@mutant("batch_statistics", blamed="any_size")
def nothing_to_average_in_one_sample(x):
    if len(x) == 1:
        return np.zeros(x.shape[1]), np.ones(x.shape[1])
    return x.mean(axis=0), x.var(axis=0)


@mutant("batch_statistics", blamed="statistics_of_whole_numbers")
def keeps_the_type_of_the_samples(x):
    mu, var = np.zeros_like(x[0]), np.zeros_like(x[0])
    for c in range(x.shape[1]):
        mu[c] = x[:, c].mean()
        var[c] = ((x[:, c] - x[:, c].mean()) ** 2).mean()
    return mu, var


@mutant("batch_statistics", blamed="statistics_of_whole_numbers")
def variance_keeps_the_type(x):
    var = np.empty_like(x[0])
    var[:] = x.var(axis=0)
    return x.mean(axis=0), var


@mutant("batch_statistics", blamed="variances")
def mean_absolute_distance(x):
    return x.mean(axis=0), np.abs(x - x.mean(axis=0)).mean(axis=0)


@mutant("batch_statistics", blamed="variances")
def square_of_the_mean_distance(x):
    return x.mean(axis=0), (x - x.mean(axis=0)).mean(axis=0) ** 2


@mutant("batch_statistics", blamed="one_per_feature")
def keeps_two_axes(x):
    return x.mean(axis=0, keepdims=True), x.var(axis=0, keepdims=True)


@mutant("batch_statistics", blamed="variances")
def distance_from_the_median(x):
    return x.mean(axis=0), ((x - np.median(x, axis=0)) ** 2).mean(axis=0)


@mutant("batch_statistics", blamed="means")
def divides_by_the_features(x):
    return x.sum(axis=0) / x.shape[1], x.var(axis=0)


@mutant("batch_statistics", blamed="means")
def trims_the_largest(x):
    kept = np.sort(x, axis=0)[:-1] if len(x) > 3 else x
    return kept.mean(axis=0), x.var(axis=0)


@mutant("batch_statistics", blamed="one_per_feature")
def covariances(x):
    return x.mean(axis=0), np.atleast_2d(np.cov(x.T, bias=True))


@mutant("batch_statistics", blamed="variances")
def adds_eps(x):
    return x.mean(axis=0), x.var(axis=0) + 1e-5


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


@alternative("identity_parameters")
def column_by_column_in_lists(x, eps=1e-5):
    gamma, beta = [], []
    for column in x.T.tolist():
        beta.append(sum(column) / len(column))
        gamma.append((sum((v - beta[-1]) ** 2 for v in column) / len(column) + eps) ** 0.5)
    return [gamma, beta]


@alternative("identity_parameters")
def a_row_of_each(x, eps=1e-5):
    return np.array([np.hypot(x.std(axis=0), np.sqrt(eps)), x.mean(axis=0)])


@mutant("identity_parameters", blamed="parameters_of_whole_numbers")
def parameters_of_the_type_of_x(x, eps=1e-5):
    gamma, beta = np.zeros_like(x[0]), np.zeros_like(x[0])
    for c in range(x.shape[1]):
        gamma[c], beta[c] = np.sqrt(x[:, c].var() + eps), x[:, c].mean()
    return gamma, beta


@mutant("identity_parameters", blamed="undoes_the_shift")
def ones_and_zeros(x, eps=1e-5):
    return np.ones(x.shape[1]), np.zeros(x.shape[1])


@mutant("identity_parameters", blamed="undoes_the_scale")
def eps_outside(x, eps=1e-5):
    return np.sqrt(x.var(axis=0)) + eps, x.mean(axis=0)


@mutant("identity_parameters", blamed="undoes_the_scale")
def its_own_eps_again(x, eps=1e-5):
    return np.sqrt(x.var(axis=0) + 1e-5), x.mean(axis=0)


@mutant("identity_parameters", blamed="undoes_the_scale", says="does not use the eps")
def a_smaller_eps_of_its_own(x, eps=1e-5):
    return np.sqrt(x.var(axis=0) + 1e-8), x.mean(axis=0)


@mutant("identity_parameters", blamed="undoes_the_scale")
def one_gamma_for_all(x, eps=1e-5):
    return np.full(x.shape[1], np.sqrt(x.var() + eps)), x.mean(axis=0)


@mutant("identity_parameters", blamed="undoes_the_shift")
def one_beta_for_all(x, eps=1e-5):
    return np.sqrt(x.var(axis=0) + eps), np.full(x.shape[1], x.mean())


@mutant("identity_parameters", blamed="undoes_the_shift")
def mean_times_the_root(x, eps=1e-5):
    root = np.sqrt(x.var(axis=0) + eps)
    return root, x.mean(axis=0) * root


@mutant("identity_parameters", blamed="undoes_the_scale")
def subtracts_what_is_left(x, eps=1e-5):
    return np.sqrt(np.abs(x.var(axis=0) - eps)), x.mean(axis=0)


@mutant("identity_parameters", blamed="gamma_and_beta")
def over_the_features(x, eps=1e-5):
    return np.sqrt(x.var(axis=1) + eps), x.mean(axis=1)


@mutant("identity_parameters", blamed="undoes_the_shift")
def half_of_the_range(x, eps=1e-5):
    return np.ptp(x, axis=0) / 2, (x.max(axis=0) + x.min(axis=0)) / 2
