"""Answers to the exercise combine_statistics of the notebook `many_gpus`."""

import numpy as np
import torch
from registry import alternative, mutant

from helpers.torch_nn.distributed import combined


@alternative("combine_statistics")
def sums_of_squares_around_the_mean(counts, means, variances):
    total = counts.sum()
    mean = counts @ means / total
    squares = counts @ variances + counts @ (means - mean) ** 2
    return mean, squares / total


@alternative("combine_statistics")
def two_at_a_time(counts, means, variances):
    count, mean, var = 0, np.zeros(means.shape[1]), np.zeros(means.shape[1])
    for n, m, v in zip(counts, means, variances, strict=True):
        if n == 0:
            continue
        share, delta = n / (count + n), m - mean
        var = (1 - share) * var + share * v + share * (1 - share) * delta**2
        mean = mean + share * delta
        count = count + n
    return mean, var


@alternative("combine_statistics")
def with_numpys_average(counts, means, variances):
    mean = np.average(means, axis=0, weights=counts)
    return mean, np.average(variances + (means - mean) ** 2, axis=0, weights=counts)


@alternative("combine_statistics")
def as_the_layer_does(counts, means, variances):
    tensors = (torch.tensor(a, dtype=torch.float64) for a in (counts[:, None], means, variances))
    return tuple(vector.numpy() for vector in combined(*tensors))


def weighted(counts, values):
    return counts @ values / counts.sum()


@mutant("combine_statistics", blamed="two_vectors")
def only_the_mean(counts, means, variances):
    return weighted(counts, means)


@mutant("combine_statistics", blamed="two_vectors")
def one_mean_per_process(counts, means, variances):
    return means * counts[:, None] / counts.sum(), variances


@mutant("combine_statistics", blamed="mean_of_all_samples")
def mean_of_means(counts, means, variances):
    mean = means.mean(axis=0)
    return mean, weighted(counts, variances + (means - mean) ** 2)


@mutant("combine_statistics", blamed="mean_of_all_samples")
def variance_first(counts, means, variances):
    mean = weighted(counts, means)
    return weighted(counts, variances + (means - mean) ** 2), mean


@mutant("combine_statistics", blamed="mean_of_all_samples")
def divides_by_processes(counts, means, variances):
    mean = counts @ means / len(counts)
    return mean, counts @ (variances + (means - mean) ** 2) / len(counts)


@mutant("combine_statistics", blamed="variance_of_all_samples")
def within_processes_only(counts, means, variances):
    return weighted(counts, means), weighted(counts, variances)


@mutant("combine_statistics", blamed="variance_of_all_samples")
def mean_of_variances(counts, means, variances):
    return weighted(counts, means), variances.mean(axis=0)


@mutant("combine_statistics", blamed="variance_of_all_samples")
def between_processes_only(counts, means, variances):
    mean = weighted(counts, means)
    return mean, weighted(counts, (means - mean) ** 2)


@mutant("combine_statistics", blamed="variance_of_all_samples")
def processes_count_the_same(counts, means, variances):
    return weighted(counts, means), variances.mean(axis=0) + means.var(axis=0)


@mutant("combine_statistics", blamed="variance_of_all_samples")
def one_less(counts, means, variances):
    mean = weighted(counts, means)
    return mean, counts @ (variances + (means - mean) ** 2) / (counts.sum() - 1)


@mutant("combine_statistics", blamed="variance_of_all_samples")
def distances_not_squared(counts, means, variances):
    mean = weighted(counts, means)
    return mean, weighted(counts, variances + np.abs(means - mean))


@mutant("combine_statistics", blamed="few_samples")
def at_least_one_sample(counts, means, variances):
    return sums_of_squares_around_the_mean(np.maximum(counts, 1), means, variances)


@mutant("combine_statistics", blamed="few_samples")
def always_three_processes(counts, means, variances):
    mean = sum(counts[i] * means[i] for i in range(3)) / counts.sum()
    parts = (counts[i] * (variances[i] + (means[i] - mean) ** 2) for i in range(3))
    return mean, sum(parts) / counts.sum()


@mutant("combine_statistics", blamed="few_samples")
def one_sample_is_none(counts, means, variances):
    some = counts > 1
    return sums_of_squares_around_the_mean(counts[some], means[some], variances[some])


@mutant("combine_statistics", blamed="variance_of_all_samples")
def standard_deviations_averaged(counts, means, variances):
    mean = weighted(counts, means)
    within = weighted(counts, np.sqrt(variances)) ** 2
    return mean, within + weighted(counts, (means - mean) ** 2)


@mutant("combine_statistics", blamed="variance_of_all_samples")
def around_the_mean_of_means(counts, means, variances):
    spread = (means - means.mean(axis=0)) ** 2
    return weighted(counts, means), weighted(counts, variances + spread)


@mutant("combine_statistics", blamed="large_means")
def squares_cut_at_zero(counts, means, variances):
    mean = weighted(counts, means)
    return mean, np.maximum(weighted(counts, variances + means**2) - mean**2, 0)


@mutant("combine_statistics", blamed="large_means")
def mean_square_less_squared_mean(counts, means, variances):
    mean = weighted(counts, means)
    return mean, weighted(counts, variances + means**2) - mean**2


@alternative("combine_statistics")
def by_einsum(counts, means, variances):
    weights = counts / counts.sum()
    mean = np.einsum("p,pc->c", weights, means)
    return mean, np.einsum("p,pc->c", weights, variances + (means - mean) ** 2)


@alternative("combine_statistics")
def from_distances_between_pairs(counts, means, variances):
    """Twice the variance of the means is their mean squared distance from each other."""
    share = counts / counts.sum()
    distances = (means[:, None] - means[None]) ** 2
    between = np.einsum("p,q,pqc->c", share, share, distances) / 2
    return share @ means, share @ variances + between


@alternative("combine_statistics")
def with_torch(counts, means, variances):
    weights = torch.tensor(counts / counts.sum())[:, None]
    means = torch.from_numpy(means)
    mean = (weights * means).sum(0)
    return mean, torch.sum(weights * (torch.from_numpy(variances) + (means - mean).square()), dim=0)


@mutant(
    "combine_statistics",
    blamed="variance_of_all_samples",
    says="that are not squared add up to zero",
)
def distances_with_their_sign(counts, means, variances):
    mean = weighted(counts, means)
    return mean, weighted(counts, variances + (means - mean))


@mutant("combine_statistics", blamed="variance_of_all_samples")
def distances_counted_twice(counts, means, variances):
    mean = weighted(counts, means)
    return mean, weighted(counts, variances + 2 * (means - mean) ** 2)


@mutant("combine_statistics", blamed="variance_of_all_samples")
def distances_subtracted(counts, means, variances):
    mean = weighted(counts, means)
    return mean, weighted(counts, variances - (means - mean) ** 2)


@mutant("combine_statistics", blamed="variance_of_all_samples")
def root_of_the_variance(counts, means, variances):
    mean, var = sums_of_squares_around_the_mean(counts, means, variances)
    return mean, np.sqrt(var)


@mutant("combine_statistics", blamed="variance_of_all_samples")
def shares_squared(counts, means, variances):
    mean = weighted(counts, means)
    share = counts / counts.sum()
    return mean, share**2 @ (variances + (means - mean) ** 2)


@mutant("combine_statistics", blamed="variance_of_all_samples")
def largest_variance(counts, means, variances):
    return weighted(counts, means), variances.max(axis=0)


@mutant("combine_statistics", blamed="mean_of_all_samples")
def weighted_by_the_variances(counts, means, variances):
    mean = (variances * means).sum(axis=0) / variances.sum(axis=0)
    return mean, weighted(counts, variances + (means - mean) ** 2)


@mutant("combine_statistics", blamed="mean_of_all_samples")
def largest_process_alone(counts, means, variances):
    return means[counts.argmax()], variances[counts.argmax()]


@mutant("combine_statistics", blamed="any_size")
def four_features(counts, means, variances):
    mean, var = np.zeros(4), np.zeros(4)
    mean[: means.shape[1]] = weighted(counts, means)
    var[: means.shape[1]] = weighted(counts, variances + (means - mean[: means.shape[1]]) ** 2)
    return mean, var


@mutant("combine_statistics", blamed="any_size")
def at_most_four_processes(counts, means, variances):
    return sums_of_squares_around_the_mean(counts[:4], means[:4], variances[:4])


@mutant("combine_statistics", blamed="two_vectors")
def mean_of_all_features(counts, means, variances):
    return weighted(counts, means).mean(), weighted(counts, variances).mean()
