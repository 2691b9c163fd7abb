"""Answers to the exercises of the notebook `many_gpus`."""

import copy

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


@mutant("sync_input_gradient", blamed="an_empty_share")
def means_are_reduced(dy, x_hat, gain, count, all_reduce):
    # Right wherever there are samples: the mean of none is not a number, and all get it.
    share = len(dy) / count
    first = all_reduce(dy.mean(axis=0) * share)
    second = all_reduce((dy * x_hat).mean(axis=0) * share)
    return (dy - first - x_hat * second) * gain


@alternative("sync_input_gradient")
def number_by_number(dy, x_hat, gain, count, all_reduce):
    dx = np.empty_like(dy)
    for c in range(dy.shape[1]):
        first, second = all_reduce([dy[:, c].sum(), dy[:, c] @ x_hat[:, c]])
        dx[:, c] = gain[c] * (dy[:, c] - first / count - x_hat[:, c] * second / count)
    return dx


@alternative("sync_input_gradient")
def second_sum_after_the_first(dy, x_hat, gain, count, all_reduce):
    centred = dy - all_reduce(dy.sum(axis=0)) / count
    # x_hat adds up to zero over all processes, so the constant changes nothing in this sum
    return gain * (centred - x_hat * all_reduce((centred * x_hat).sum(axis=0)) / count)


@alternative("sync_input_gradient")
def in_tensors(dy, x_hat, gain, count, all_reduce):
    dy, x_hat, gain = map(torch.tensor, (dy, x_hat, gain))
    first, second = (torch.as_tensor(all_reduce(a.sum(dim=0))) for a in (dy, dy * x_hat))
    return gain * (dy - first / count - x_hat * second / count)


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


@mutant("sync_input_gradient", blamed="several_processes")
def expects_all_reduce_in_place(dy, x_hat, gain, count, all_reduce):
    sums = dy.sum(axis=0), (dy * x_hat).sum(axis=0)
    for a in sums:
        all_reduce(a)
    return projected(dy, x_hat, gain, *sums, count)


@mutant("sync_input_gradient", blamed="several_processes")
def reduces_means(dy, x_hat, gain, count, all_reduce):
    means = all_reduce(dy.mean(axis=0)), all_reduce((dy * x_hat).mean(axis=0))
    return projected(dy, x_hat, gain, *means, 1)


@mutant("sync_input_gradient", blamed="several_processes")
def averages_means(dy, x_hat, gain, count, all_reduce):
    processes = all_reduce(1.0)
    means = all_reduce(dy.mean(axis=0)), all_reduce((dy * x_hat).mean(axis=0))
    return projected(dy, x_hat, gain, *means, processes)


@mutant("sync_input_gradient", blamed="several_processes")
def sums_of_summed_rows(dy, x_hat, gain, count, all_reduce):
    everyones = all_reduce(dy)
    return projected(dy, x_hat, gain, everyones.sum(axis=0), (everyones * x_hat).sum(axis=0), count)


@mutant("sync_input_gradient", blamed="several_processes")
def reduces_the_whole_term(dy, x_hat, gain, count, all_reduce):
    second = x_hat * (dy * x_hat).sum(axis=0) / count
    return gain * (dy - all_reduce(dy.sum(axis=0)) / count - all_reduce(second))


@mutant("sync_input_gradient", blamed="several_processes")
def own_sums_times_processes(dy, x_hat, gain, count, all_reduce):
    processes = all_reduce(1.0)
    sums = processes * dy.sum(axis=0), processes * (dy * x_hat).sum(axis=0)
    return projected(dy, x_hat, gain, *sums, count)


@mutant("sync_input_gradient", blamed="several_processes")
def skips_a_meeting(dy, x_hat, gain, count, all_reduce):
    first = all_reduce(dy.sum(axis=0))
    own = (dy * x_hat).sum(axis=0)
    second = own if len(dy) > count / 2 else all_reduce(own)
    return projected(dy, x_hat, gain, first, second, count)


@mutant("sync_input_gradient", blamed="one_process")
def one_sum_for_all_features(dy, x_hat, gain, count, all_reduce):
    return projected(dy, x_hat, gain, all_reduce(dy.sum()), all_reduce((dy * x_hat).sum()), count)


@mutant("sync_input_gradient", blamed="one_process")
def gain_on_dy_alone(dy, x_hat, gain, count, all_reduce):
    sums = all_reduce(dy.sum(axis=0)), all_reduce((dy * x_hat).sum(axis=0))
    return projected(gain * dy, x_hat, 1, *sums, count)


@mutant("sync_input_gradient", blamed="one_process")
def product_of_sums(dy, x_hat, gain, count, all_reduce):
    first = all_reduce(dy.sum(axis=0))
    return projected(dy, x_hat, gain, first, first * all_reduce(x_hat.sum(axis=0)), count)


@mutant("sync_input_gradient", blamed="one_process")
def adds_the_second_term(dy, x_hat, gain, count, all_reduce):
    sums = all_reduce(dy.sum(axis=0)), -all_reduce((dy * x_hat).sum(axis=0))
    return projected(dy, x_hat, gain, *sums, count)


@alternative("sync_input_gradient")
def as_a_projection(dy, x_hat, gain, count, all_reduce):
    """All that must be left of dy is what neither a shift nor a scale of the batch can give."""
    basis = np.stack([np.ones_like(x_hat), x_hat])
    inner = all_reduce(np.einsum("knc,nc->kc", basis, dy)) / count
    return gain * (dy - np.einsum("knc,kc->nc", basis, inner))


@alternative("sync_input_gradient")
def weighed_means(dy, x_hat, gain, count, all_reduce):
    share = len(dy) / count
    means = [a.mean(axis=0) if len(a) else np.zeros(a.shape[1]) for a in (dy, dy * x_hat)]
    first, second = (all_reduce(share * mean) for mean in means)
    return (dy - first - x_hat * second) * gain


@alternative("sync_input_gradient")
def through_dgamma_and_dbeta(dy, x_hat, gain, count, all_reduce):
    dbeta, dgamma = np.zeros(len(gain)), np.zeros(len(gain))
    for row, normalized in zip(dy, x_hat, strict=True):
        dbeta, dgamma = dbeta + row, dgamma + row * normalized
    dbeta, dgamma = all_reduce(dbeta), all_reduce(dgamma)
    return gain / count * (count * dy - dbeta - x_hat * dgamma)


@mutant("sync_input_gradient", blamed="an_empty_share", says="waits for ever")
def nothing_to_do_without_samples(dy, x_hat, gain, count, all_reduce):
    if len(dy) == 0:
        return dy
    return second_sum_after_the_first(dy, x_hat, gain, count, all_reduce)


@mutant("sync_input_gradient", blamed="an_empty_share")
def comes_only_once_without_samples(dy, x_hat, gain, count, all_reduce):
    first = all_reduce(dy.sum(axis=0))
    if not dy.size:
        return dy
    second = all_reduce((dy * x_hat).sum(axis=0))
    return projected(dy, x_hat, gain, first, second, count)


@mutant("sync_input_gradient", blamed="an_empty_share")
def one_sample_has_no_statistics(dy, x_hat, gain, count, all_reduce):
    sums = all_reduce(dy.sum(axis=0)), all_reduce((dy * x_hat).sum(axis=0))
    return projected(dy, x_hat, gain, *sums, count) if len(dy) != 1 else 0 * dy


@mutant("sync_input_gradient", blamed="any_number_of_features")
def three_features(dy, x_hat, gain, count, all_reduce):
    first, second = np.split(all_reduce(np.r_[dy.sum(axis=0), (dy * x_hat).sum(axis=0)])[:6], [3])
    first, second = (np.resize(a, len(gain)) for a in (first, second))
    return projected(dy, x_hat, gain, first, second, count)


@mutant("sync_input_gradient", blamed="like_dy")
def one_row_per_process(dy, x_hat, gain, count, all_reduce):
    sums = all_reduce(dy.sum(axis=0)), all_reduce((dy * x_hat).sum(axis=0))
    return projected(dy, x_hat, gain, *sums, count).mean(axis=0, keepdims=True)


@mutant("sync_input_gradient", blamed="one_process")
def gain_divides(dy, x_hat, gain, count, all_reduce):
    sums = all_reduce(dy.sum(axis=0)), all_reduce((dy * x_hat).sum(axis=0))
    return projected(dy, x_hat, 1 / gain, *sums, count)


@mutant("sync_input_gradient", blamed="one_process")
def sums_added(dy, x_hat, gain, count, all_reduce):
    sums = -all_reduce(dy.sum(axis=0)), -all_reduce((dy * x_hat).sum(axis=0))
    return projected(dy, x_hat, gain, *sums, count)


@mutant("sync_input_gradient", blamed="several_processes")
def reduces_gain_too(dy, x_hat, gain, count, all_reduce):
    sums = all_reduce(dy.sum(axis=0)), all_reduce((dy * x_hat).sum(axis=0))
    return projected(dy, x_hat, all_reduce(gain), *sums, count)


@mutant("sync_input_gradient", blamed="several_processes")
def a_meeting_for_every_sample(dy, x_hat, gain, count, all_reduce):
    first = sum(all_reduce(row) for row in dy)
    second = sum(all_reduce(row) for row in dy * x_hat)
    return projected(dy, x_hat, gain, first, second, count)


@mutant("sync_input_gradient", blamed="several_processes")
def the_first_process_alone_asks(dy, x_hat, gain, count, all_reduce):
    own = dy.sum(axis=0), (dy * x_hat).sum(axis=0)
    sums = map(all_reduce, own) if len(dy) >= count / 2 else own
    return projected(dy, x_hat, gain, *sums, count)


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
def a_running_mean(model, loss_fn, batches):
    count = 0
    for x, y in batches:
        for p in model.parameters():
            if p.grad is not None:
                p.grad *= count / (count + len(x))
        count += len(x)
        (loss_fn(model(x), y) * len(x) / count).backward()
    return [p.grad for p in model.parameters()]


@alternative("accumulate")
def sample_by_sample(model, loss_fn, batches):
    total = sum(len(x) for x, _ in batches)
    for x, y in batches:
        for i in range(len(x)):
            (loss_fn(model(x[i : i + 1]), y[i : i + 1]) / total).backward(retain_graph=True)
    return [p.grad.numpy() for p in model.parameters()]


@alternative("accumulate")
def looks_at_the_loss_first(model, loss_fn, batches):
    [loss_fn(model(x), y).item() for x, y in batches[:1]]
    return sums_first(model, loss_fn, batches)


@mutant("accumulate", blamed="one_batch_at_a_time")
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


@mutant("accumulate", blamed="one_batch_at_a_time")
def one_large_batch(model, loss_fn, batches):
    x, y = (torch.cat(part) for part in zip(*batches, strict=True))
    loss_fn(model(x), y).backward()
    return [p.grad for p in model.parameters()]


@mutant("accumulate", blamed="unequal_batches")
def largest_size_for_all(model, loss_fn, batches):
    total = max(len(x) for x, _ in batches) * len(batches)
    return accumulated(model, loss_fn, batches, [len(x) / total for x, _ in batches])


@mutant("accumulate", blamed="one_gradient_per_parameter")
def zero_at_the_end(model, loss_fn, batches):
    one_graph(model, loss_fn, batches)
    model.zero_grad()
    return [p.grad for p in model.parameters()]


@mutant("accumulate", blamed="as_given")
def in_eval_mode(model, loss_fn, batches):
    return sums_first(model.eval(), loss_fn, batches)


@mutant("accumulate", blamed="as_given")
def targets_first(model, loss_fn, batches):
    return one_graph(model, lambda outputs, targets: loss_fn(targets, outputs), batches)


@mutant("accumulate", blamed="as_given")
def its_own_loss(model, loss_fn, batches):
    return one_graph(model, torch.nn.functional.mse_loss, batches)


@alternative("accumulate")
def with_torch_func(model, loss_fn, batches):
    weights = {name: p.detach() for name, p in model.named_parameters()}

    def loss(weights, x, y):
        return loss_fn(torch.func.functional_call(model, weights, (x,)), y)

    total = {name: torch.zeros_like(p) for name, p in weights.items()}
    count = sum(len(x) for x, _ in batches)
    for x, y in batches:
        for name, gradient in torch.func.grad(loss)(weights, x, y).items():
            total[name] += len(x) / count * gradient
    return list(total.values())


@alternative("accumulate")
def sample_by_sample_with_vmap(model, loss_fn, batches):
    weights = {name: p.detach() for name, p in model.named_parameters()}

    def loss(weights, x, y):
        return loss_fn(torch.func.functional_call(model, weights, (x[None],)), y[None])

    rows = torch.vmap(torch.func.grad(loss), in_dims=(None, 0, 0))
    found = [rows(weights, x, y) for x, y in batches]
    return [torch.cat([of[name] for of in found]).mean(dim=0) for name in weights]


@alternative("accumulate")
def scaled_gradients(model, loss_fn, batches):
    """The gradient that comes in is the weight: no loss is multiplied."""
    sizes = torch.tensor([float(len(y)) for _, y in batches], dtype=torch.float64)
    for (x, y), share in zip(batches, sizes / sizes.sum(), strict=True):
        loss_fn(model(x), y).backward(share)
    return tuple(parameter.grad for parameter in model.parameters())


@alternative("accumulate")
def on_a_copy(model, loss_fn, batches):
    twin = copy.deepcopy(model)
    optimizer = torch.optim.SGD(twin.parameters(), lr=1.0)
    optimizer.zero_grad()
    count = sum(x.shape[0] for x, _ in batches)
    for x, y in batches:
        torch.mul(loss_fn(twin(x), y), x.shape[0] / count).backward()
    before = [p.detach().clone() for p in twin.parameters()]
    optimizer.step()
    return [b - p.detach() for b, p in zip(before, twin.parameters(), strict=True)]


@mutant("accumulate", blamed="any_model")
def two_layers_with_biases(model, loss_fn, batches):
    gradients = sums_first(model, loss_fn, batches)
    return gradients if len(gradients) == 4 else [gradients[0], torch.zeros(2)]


@mutant("accumulate", blamed="any_model")
def drops_single_samples(model, loss_fn, batches):
    """As batch norm's advocates do: a batch of one is left out, if there are several."""
    several = [batch for batch in batches if len(batch[0]) > 1]
    return sums_first(model, loss_fn, several if len(several) == 1 else batches)


@mutant("accumulate", blamed="equal_batches")
def root_of_the_number(model, loss_fn, batches):
    return accumulated(model, loss_fn, batches, [len(batches) ** -0.5] * len(batches))


@mutant("accumulate", blamed="equal_batches")
def divided_once_too_often(model, loss_fn, batches):
    total = sum(len(x) for x, _ in batches)
    weights = [len(x) / total / len(batches) for x, _ in batches]
    return accumulated(model, loss_fn, batches, weights)


@mutant("accumulate", blamed="equal_batches")
def a_step_after_every_batch(model, loss_fn, batches):
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    total = sum(len(x) for x, _ in batches)
    for x, y in batches:
        (loss_fn(model(x), y) * len(x) / total).backward()
        optimizer.step()
    return [p.grad for p in model.parameters()]


@mutant("accumulate", blamed="unequal_batches")
def last_size_for_all(model, loss_fn, batches):
    total = sum(len(x) for x, _ in batches)
    return accumulated(model, loss_fn, batches, [len(batches[-1][0]) / total] * len(batches))


@mutant("accumulate", blamed="one_gradient_per_parameter")
def by_name(model, loss_fn, batches):
    return dict(zip("abcd", sums_first(model, loss_fn, batches), strict=True))


@mutant("accumulate", blamed="one_gradient_per_parameter")
def one_list_per_batch(model, loss_fn, batches):
    return [torch.autograd.grad(loss_fn(model(x), y), list(model.parameters())) for x, y in batches]


@mutant("accumulate", blamed="as_given")
def sum_of_squares_divided(model, loss_fn, batches):
    def loss(outputs, targets):
        return ((outputs - targets) ** 2).sum() / targets.numel()

    return sums_first(model, loss, batches)


@mutant("accumulate", blamed="one_batch_at_a_time")
def losses_first(model, loss_fn, batches):
    total = sum(len(x) for x, _ in batches)
    losses = [loss_fn(model(x), y) * len(x) / total for x, y in batches]
    for loss in losses:
        loss.backward()
    return [p.grad for p in model.parameters()]
