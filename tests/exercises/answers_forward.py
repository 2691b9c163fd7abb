"""Answers to the exercises of the notebook `forward`."""

import answers_batch_norm_forward  # noqa: F401
import numpy as np
import torch
from registry import alternative, equivalent, mutant


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


@alternative("batch_statistics")
def in_pytorch_of_whole_numbers_too(x):
    t = torch.tensor(x)
    mu = t.sum(dim=0) / len(t)
    return mu, ((t - mu) ** 2).sum(dim=0) / len(t)


@alternative("identity_parameters")
def sums_in_pytorch(x, eps=1e-5):
    t = torch.tensor(x)
    mu = t.sum(dim=0) / len(t)
    return torch.sqrt(((t - mu) ** 2).sum(dim=0) / len(t) + eps), mu


@alternative("batch_norm_forward")
def sums_over_the_batch_in_pytorch(x, gamma, beta, eps=1e-5):
    t = torch.tensor(x)
    centred = t - t.sum(dim=0) / len(t)
    x_hat = centred / torch.sqrt((centred**2).sum(dim=0) / len(t) + eps)
    return torch.tensor(gamma) * x_hat + torch.tensor(beta)


@alternative("extreme_batch")
def lowest_last_around_a_mean(batch_size, var, eps=1e-5):
    lowest = -np.sqrt((batch_size - 1) * var)
    x = [5.0 - lowest / (batch_size - 1)] * (batch_size - 1) + [5.0 + lowest]
    return x, float(((batch_size - 1) / (1 + eps / var)) ** 0.5)


@alternative("extreme_batch")
def one_hot_rescaled(batch_size, var, eps=1e-5):
    x = np.eye(batch_size)[0]
    x = (x - x.mean()) / x.std() * np.sqrt(var)
    return x, np.abs(x).max() / np.sqrt(x.var() + eps)


@alternative("extreme_batch")
def one_hot_in_pytorch(batch_size, var, eps=1e-5):
    x = torch.zeros(batch_size, dtype=torch.float64)
    x[-1] = batch_size * (var / (batch_size - 1)) ** 0.5
    return x, torch.sqrt(torch.tensor((batch_size - 1) * var / (var + eps), dtype=torch.float64))


def alone(batch_size, var):
    """A batch of the given variance with one sample apart from all others."""
    return one_hot_rescaled(batch_size, var)[0]


@mutant("extreme_batch", blamed="a_batch_and_a_bound")
def only_the_bound(batch_size, var, eps=1e-5):
    return np.sqrt((batch_size - 1) * var / (var + eps))


@mutant("extreme_batch", blamed="a_batch_and_a_bound")
def the_normalized_batch_as_bound(batch_size, var, eps=1e-5):
    x = alone(batch_size, var)
    return x, x / np.sqrt(var + eps)


@mutant("extreme_batch", blamed="the_variance", says="N - 1")
def unbiased_batch(batch_size, var, eps=1e-5):
    x = alone(batch_size, var)
    return x * np.sqrt((batch_size - 1) / batch_size), x.max() / np.sqrt(var + eps)


@mutant("extreme_batch", blamed="the_variance")
def scaled_by_the_variance(batch_size, var, eps=1e-5):
    return alone(batch_size, 1.0) * var, np.sqrt((batch_size - 1) * var / (var + eps))


@mutant("extreme_batch", blamed="the_variance")
def one_million(batch_size, var, eps=1e-5):
    x = np.array([1e6, *range(1, batch_size)])
    return x, np.sqrt((batch_size - 1) * var / (var + eps))


@mutant("extreme_batch", blamed="the_variance", says="knows nothing of eps")
def eps_in_the_batch(batch_size, var, eps=1e-5):
    return alone(batch_size, var + eps), np.sqrt((batch_size - 1) * var / (var + eps))


@mutant("extreme_batch", blamed="nothing_is_further_out")
def evenly_spaced(batch_size, var, eps=1e-5):
    x = np.arange(batch_size) - (batch_size - 1) / 2
    x = x / x.std() * np.sqrt(var)
    return x, x.max() / np.sqrt(var + eps)


@mutant("extreme_batch", blamed="nothing_is_further_out")
def two_against_the_rest(batch_size, var, eps=1e-5):
    x = np.zeros(batch_size)
    x[:2] = 1.0
    x = (x - x.mean()) / x.std() * np.sqrt(var)
    return x, x.max() / np.sqrt(var + eps)


@mutant("extreme_batch", blamed="nothing_is_further_out", says="the largest |x_hat| of x")
def one_up_one_down(batch_size, var, eps=1e-5):
    x = np.zeros(batch_size)
    x[:2] = 1.0, -1.0
    x = x / x.std() * np.sqrt(var)
    return x, x.max() / np.sqrt(var + eps)


@mutant("extreme_batch", blamed="the_bound_without_eps", says="balance the one")
def others_at_the_mean(batch_size, var, eps=1e-5):
    return alone(batch_size, var), np.sqrt(batch_size * var / (var + eps))


@mutant("extreme_batch", blamed="the_bound_without_eps")
def forgets_the_root(batch_size, var, eps=1e-5):
    return alone(batch_size, var), (batch_size - 1) * var / (var + eps)


@mutant("extreme_batch", blamed="the_bound_without_eps")
def bound_of_the_unbiased_deviation(batch_size, var, eps=1e-5):
    bound = (batch_size - 1) / np.sqrt(batch_size)
    return alone(batch_size, var), bound * np.sqrt(var / (var + eps))


@mutant("extreme_batch", blamed="the_bound_without_eps")
def distance_from_the_mean(batch_size, var, eps=1e-5):
    x = alone(batch_size, var)
    return x, x.max()


@mutant("extreme_batch", blamed="the_bound_with_eps", says="eps is missing")
def neglects_eps(batch_size, var, eps=1e-5):
    return alone(batch_size, var), np.sqrt(batch_size - 1)


@mutant("extreme_batch", blamed="the_bound_with_eps", says="inside the root")
def eps_beside_the_root(batch_size, var, eps=1e-5):
    x = alone(batch_size, var)
    return x, x.max() / (np.sqrt(var) + eps)


@mutant("extreme_batch", blamed="other_batches")
def larger_default_eps(batch_size, var, eps=1e-3):
    return alone(batch_size, var), np.sqrt((batch_size - 1) * var / (var + eps))


@mutant("extreme_batch", blamed="other_batches")
def seven_samples_at_most(batch_size, var, eps=1e-5):
    x = alone(batch_size, var)
    return x, np.sqrt((min(batch_size, 7) - 1) * var / (var + eps))


equivalent(
    "extreme_batch",
    "x[0] = farthest -> x[1] = farthest",
    because="it makes no difference which sample stands apart",
)

equivalent(
    "extreme_batch",
    "x[0] = farthest -> x[-1] = farthest",
    because="it makes no difference which sample stands apart",
)
