"""Answers to the exercise sync_input_gradient of the notebook `many_gpus`."""

import numpy as np
import torch
from registry import alternative, mutant


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
