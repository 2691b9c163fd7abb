"""Answers to the exercises of 17_many_gpus."""

import numpy as np
import torch
from registry import alternative, mutant

from helpers.torch_nn.distributed import combined

# ------------------------------------------------------------------ combine_statistics


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


@mutant("combine_statistics", blamed="a_process_without_samples")
def at_least_one_sample(counts, means, variances):
    return sums_of_squares_around_the_mean(np.maximum(counts, 1), means, variances)


@mutant("combine_statistics", blamed="a_process_without_samples")
def always_three_processes(counts, means, variances):
    mean = sum(counts[i] * means[i] for i in range(3)) / counts.sum()
    parts = (counts[i] * (variances[i] + (means[i] - mean) ** 2) for i in range(3))
    return mean, sum(parts) / counts.sum()


@mutant("combine_statistics", blamed="large_means")
def mean_square_less_squared_mean(counts, means, variances):
    mean = weighted(counts, means)
    return mean, weighted(counts, variances + means**2) - mean**2


# ------------------------------------------------------------------ sync_input_gradient


@alternative("sync_input_gradient")
def one_exchange_for_both_sums(dy, x_hat, gain, count, all_reduce):
    sums = all_reduce(np.stack([dy.sum(axis=0), (dy * x_hat).sum(axis=0)]))
    mean_dy, mean_dy_x_hat = sums / count
    return gain * (dy - mean_dy - x_hat * mean_dy_x_hat)


@alternative("sync_input_gradient")
def end_to_end(dy, x_hat, gain, count, all_reduce):
    sums = all_reduce(np.concatenate([np.einsum("nc->c", dy), np.einsum("nc,nc->c", dy, x_hat)]))
    first, second = np.split(sums, 2)
    return gain / count * (count * dy - first - x_hat * second)


@alternative("sync_input_gradient")
def means_are_reduced(dy, x_hat, gain, count, all_reduce):
    share = len(dy) / count
    first = all_reduce(dy.mean(axis=0) * share)
    second = all_reduce((dy * x_hat).mean(axis=0) * share)
    return (dy - first - x_hat * second) * gain


def projected(dy, x_hat, gain, sum_dy, sum_dy_x_hat, count):
    return gain * (dy - sum_dy / count - x_hat * sum_dy_x_hat / count)


@mutant("sync_input_gradient", blamed="like_dy")
def returns_the_sums(dy, x_hat, gain, count, all_reduce):
    return all_reduce(dy.sum(axis=0)) / count


@mutant("sync_input_gradient", blamed="like_dy")
def sums_over_everything(dy, x_hat, gain, count, all_reduce):
    return gain * all_reduce(dy.sum(axis=0, keepdims=True)) / count


@mutant("sync_input_gradient", blamed="one_process")
def without_gain(dy, x_hat, gain, count, all_reduce):
    ones = np.ones_like(gain)
    sums = all_reduce(dy.sum(axis=0)), all_reduce((dy * x_hat).sum(axis=0))
    return projected(dy, x_hat, ones, *sums, count)


@mutant("sync_input_gradient", blamed="one_process")
def statistics_are_constants(dy, x_hat, gain, count, all_reduce):
    return gain * dy


@mutant("sync_input_gradient", blamed="one_process")
def without_the_variance(dy, x_hat, gain, count, all_reduce):
    return gain * (dy - all_reduce(dy.sum(axis=0)) / count)


@mutant("sync_input_gradient", blamed="one_process")
def without_the_mean(dy, x_hat, gain, count, all_reduce):
    return gain * (dy - x_hat * all_reduce((dy * x_hat).sum(axis=0)) / count)


@mutant("sync_input_gradient", blamed="one_process")
def not_divided(dy, x_hat, gain, count, all_reduce):
    sums = all_reduce(dy.sum(axis=0)), all_reduce((dy * x_hat).sum(axis=0))
    return projected(dy, x_hat, gain, *sums, 1)


@mutant("sync_input_gradient", blamed="several_processes")
def stays_at_home(dy, x_hat, gain, count, all_reduce):
    return projected(dy, x_hat, gain, dy.sum(axis=0), (dy * x_hat).sum(axis=0), len(dy))


@mutant("sync_input_gradient", blamed="several_processes")
def own_sums(dy, x_hat, gain, count, all_reduce):
    return projected(dy, x_hat, gain, dy.sum(axis=0), (dy * x_hat).sum(axis=0), count)


@mutant("sync_input_gradient", blamed="several_processes")
def own_count(dy, x_hat, gain, count, all_reduce):
    sums = all_reduce(dy.sum(axis=0)), all_reduce((dy * x_hat).sum(axis=0))
    return projected(dy, x_hat, gain, *sums, len(dy))


@mutant("sync_input_gradient", blamed="several_processes")
def one_sum_at_home(dy, x_hat, gain, count, all_reduce):
    return projected(dy, x_hat, gain, all_reduce(dy.sum(axis=0)), (dy * x_hat).sum(axis=0), count)


@mutant("sync_input_gradient", blamed="several_processes")
def reduces_the_result(dy, x_hat, gain, count, all_reduce):
    return all_reduce(own_sums(dy, x_hat, gain, count, all_reduce))


@mutant("sync_input_gradient", blamed="several_processes")
def counts_twice(dy, x_hat, gain, count, all_reduce):
    sums = all_reduce(dy.sum(axis=0)), all_reduce((dy * x_hat).sum(axis=0))
    return projected(dy, x_hat, gain, *sums, all_reduce(count))


# ------------------------------------------------------------------ accumulate


@alternative("accumulate")
def sums_first(model, loss_fn, batches):
    model.zero_grad()
    for x, y in batches:
        (loss_fn(model(x), y) * len(y)).backward()
    total = sum(len(y) for _, y in batches)
    return [p.grad / total for p in model.parameters()]


@alternative("accumulate")
def with_autograd_grad(model, loss_fn, batches):
    parameters = list(model.parameters())
    total = sum(len(x) for x, _ in batches)
    result = [torch.zeros_like(p) for p in parameters]
    for x, y in batches:
        gradients = torch.autograd.grad(loss_fn(model(x), y), parameters)
        result = [
            sum_so_far + len(x) / total * gradient
            for sum_so_far, gradient in zip(result, gradients, strict=True)
        ]
    return result


@alternative("accumulate")
def one_graph(model, loss_fn, batches):
    total = sum(len(x) for x, _ in batches)
    sum(loss_fn(model(x), y) * (len(x) / total) for x, y in batches).backward()
    return tuple(p.grad.clone() for p in model.parameters())


def accumulated(model, loss_fn, batches, weights):
    for (x, y), weight in zip(batches, weights, strict=True):
        (loss_fn(model(x), y) * weight).backward()
    return [p.grad for p in model.parameters()]


@mutant("accumulate", blamed="one_gradient_per_parameter")
def one_long_vector(model, loss_fn, batches):
    return torch.cat([g.flatten() for g in one_graph(model, loss_fn, batches)])


@mutant("accumulate", blamed="one_gradient_per_parameter")
def weights_alone(model, loss_fn, batches):
    return [g for g in one_graph(model, loss_fn, batches) if g.ndim == 2]


@mutant("accumulate", blamed="equal_batches")
def never_scaled(model, loss_fn, batches):
    return accumulated(model, loss_fn, batches, [1] * len(batches))


@mutant("accumulate", blamed="equal_batches")
def zero_in_the_loop(model, loss_fn, batches):
    for x, y in batches:
        model.zero_grad()
        (loss_fn(model(x), y) / len(batches)).backward()
    return [p.grad for p in model.parameters()]


@mutant("accumulate", blamed="equal_batches")
def last_batch_alone(model, loss_fn, batches):
    return accumulated(model, loss_fn, batches[-1:], [1])


@mutant("accumulate", blamed="equal_batches")
def first_batch_alone(model, loss_fn, batches):
    return accumulated(model, loss_fn, batches[:1], [1])


@mutant("accumulate", blamed="equal_batches")
def not_divided_by_the_total(model, loss_fn, batches):
    return accumulated(model, loss_fn, batches, [len(x) for x, _ in batches])


@mutant("accumulate", blamed="equal_batches")
def returns_the_parameters(model, loss_fn, batches):
    return [p.detach() for p in model.parameters()]


@mutant("accumulate", blamed="unequal_batches")
def divided_by_the_number_of_batches(model, loss_fn, batches):
    return accumulated(model, loss_fn, batches, [1 / len(batches)] * len(batches))


@mutant("accumulate", blamed="unequal_batches")
def first_size_for_all(model, loss_fn, batches):
    total = sum(len(x) for x, _ in batches)
    return accumulated(model, loss_fn, batches, [len(batches[0][0]) / total] * len(batches))


@mutant("accumulate", blamed="other_losses")
def its_own_loss(model, loss_fn, batches):
    return one_graph(model, torch.nn.functional.mse_loss, batches)
