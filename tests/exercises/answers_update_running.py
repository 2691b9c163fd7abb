"""Answers to the exercise `update_running` of the notebook `inference`."""

import numpy as np
import torch
from registry import alternative, mutant


@alternative("update_running")
def with_ddof(running_mean, running_var, x, momentum=0.1):
    return (
        running_mean + momentum * (x.mean(0) - running_mean),
        running_var + momentum * (x.var(0, ddof=1) - running_var),
    )


@alternative("update_running")
def np_average(running_mean, running_var, x, momentum=0.1):
    weights = [1 - momentum, momentum]
    return (
        np.average([running_mean, np.mean(x, axis=0)], axis=0, weights=weights),
        np.average([running_var, np.diag(np.atleast_2d(np.cov(x.T)))], axis=0, weights=weights),
    )


@alternative("update_running")
def loops(running_mean, running_var, x, momentum=0.1):
    mean, var = [], []
    for column, old_mean, old_var in zip(x.T, running_mean, running_var, strict=True):
        middle = sum(column) / len(column)
        squares = sum((value - middle) ** 2 for value in column)
        mean.append(old_mean * (1 - momentum) + middle * momentum)
        var.append(old_var * (1 - momentum) + squares / (len(column) - 1) * momentum)
    return mean, var


def _move(old, new, momentum):
    return (1 - momentum) * old + momentum * new


@mutant("update_running", blamed="two_arrays")
def over_features(running_mean, running_var, x, momentum=0.1):
    x = x[:, :4]
    mean = (1 - momentum) * running_mean[:, None] + momentum * x.mean(axis=1)
    return mean, (1 - momentum) * running_var[:, None] + momentum * x.var(axis=1, ddof=1)


@mutant("update_running", blamed="two_arrays")
def only_the_mean(running_mean, running_var, x, momentum=0.1):
    return _move(running_mean, x.mean(0), momentum)


@mutant("update_running", blamed="two_arrays")
def updates_in_place(running_mean, running_var, x, momentum=0.1):
    running_mean *= 1 - momentum
    running_mean += momentum * x.mean(0)
    running_var *= 1 - momentum
    running_var += momentum * x.var(0, ddof=1)
    return running_mean, running_var


@mutant("update_running", blamed="two_arrays")
def one_mean_for_all_features(running_mean, running_var, x, momentum=0.1):
    return _move(running_mean.mean(), x.mean(), momentum), _move(
        running_var.mean(), x.var(), momentum
    )


@mutant("update_running", blamed="mean_moves")
def momentum_of_keras(running_mean, running_var, x, momentum=0.1):
    return (
        momentum * running_mean + (1 - momentum) * x.mean(0),
        momentum * running_var + (1 - momentum) * x.var(0, ddof=1),
    )


@mutant("update_running", blamed="mean_moves")
def never_updated(running_mean, running_var, x, momentum=0.1):
    return running_mean, running_var


@mutant("update_running", blamed="mean_moves")
def last_batch_only(running_mean, running_var, x, momentum=0.1):
    return x.mean(0), x.var(0, ddof=1)


@mutant("update_running", blamed="mean_moves")
def old_part_not_faded(running_mean, running_var, x, momentum=0.1):
    return running_mean + momentum * x.mean(0), running_var + momentum * x.var(0, ddof=1)


@mutant("update_running", blamed="mean_moves")
def hard_coded_momentum(running_mean, running_var, x, momentum=0.1):
    return _move(running_mean, x.mean(0), 0.1), _move(running_var, x.var(0, ddof=1), 0.1)


@mutant("update_running", blamed="mean_moves")
def returns_swapped(running_mean, running_var, x, momentum=0.1):
    return (
        _move(running_var, x.var(0, ddof=1), momentum),
        _move(running_mean, x.mean(0), momentum),
    )


@mutant("update_running", blamed="mean_moves")
def cumulative_average(running_mean, running_var, x, momentum=0.1):
    return (running_mean + x.mean(0)) / 2, (running_var + x.var(0, ddof=1)) / 2


@mutant("update_running", blamed="mean_moves")
def unbiased_mean_too(running_mean, running_var, x, momentum=0.1):
    n = len(x)
    return (
        _move(running_mean, x.sum(0) / (n - 1), momentum),
        _move(running_var, x.var(0, ddof=1), momentum),
    )


@mutant("update_running", blamed="variance_moves")
def biased(running_mean, running_var, x, momentum=0.1):
    return _move(running_mean, x.mean(0), momentum), _move(running_var, x.var(0), momentum)


@mutant("update_running", blamed="variance_moves")
def factor_upside_down(running_mean, running_var, x, momentum=0.1):
    n = len(x)
    return (
        _move(running_mean, x.mean(0), momentum),
        _move(running_var, x.var(0) * (n - 1) / n, momentum),
    )


@mutant("update_running", blamed="variance_moves")
def corrected_twice(running_mean, running_var, x, momentum=0.1):
    n = len(x)
    return (
        _move(running_mean, x.mean(0), momentum),
        _move(running_var, x.var(0, ddof=1) * n / (n - 1), momentum),
    )


@mutant("update_running", blamed="variance_moves")
def corrects_the_average_too(running_mean, running_var, x, momentum=0.1):
    n = len(x)
    return (
        _move(running_mean, x.mean(0), momentum),
        _move(running_var, x.var(0), momentum) * n / (n - 1),
    )


@mutant("update_running", blamed="variance_moves")
def counts_features(running_mean, running_var, x, momentum=0.1):
    n = x.shape[1]
    return (
        _move(running_mean, x.mean(0), momentum),
        _move(running_var, x.var(0) * n / (n - 1), momentum),
    )


@mutant("update_running", blamed="variance_moves")
def standard_deviation(running_mean, running_var, x, momentum=0.1):
    return _move(running_mean, x.mean(0), momentum), _move(running_var, x.std(0, ddof=1), momentum)


@mutant("update_running", blamed="variance_moves")
def distances_from_the_new_average(running_mean, running_var, x, momentum=0.1):
    mean = _move(running_mean, x.mean(0), momentum)
    spread = ((x - mean) ** 2).sum(0) / (len(x) - 1)
    return mean, _move(running_var, spread, momentum)


@mutant("update_running", blamed="variance_moves")
def distances_from_the_old_average(running_mean, running_var, x, momentum=0.1):
    spread = ((x - running_mean) ** 2).sum(0) / (len(x) - 1)
    return _move(running_mean, x.mean(0), momentum), _move(running_var, spread, momentum)


@mutant("update_running", blamed="variance_moves")
def variance_left_behind(running_mean, running_var, x, momentum=0.1):
    return _move(running_mean, x.mean(0), momentum), running_var


@mutant("update_running", blamed="variance_moves")
def momentum_of_keras_for_the_variance(running_mean, running_var, x, momentum=0.1):
    return (
        _move(running_mean, x.mean(0), momentum),
        _move(running_var, x.var(0, ddof=1), 1 - momentum),
    )


@mutant("update_running", blamed="variance_moves")
def averages_the_deviation(running_mean, running_var, x, momentum=0.1):
    deviation = _move(np.sqrt(running_var), x.std(0, ddof=1), momentum)
    return _move(running_mean, x.mean(0), momentum), deviation**2


@mutant("update_running", blamed="variance_moves")
def one_variance_for_all_features(running_mean, running_var, x, momentum=0.1):
    return _move(running_mean, x.mean(0), momentum), _move(running_var, x.var(ddof=1), momentum)


@mutant("update_running", blamed="variance_moves")
def spread_of_old_and_new_mean_added(running_mean, running_var, x, momentum=0.1):
    jump = momentum * (1 - momentum) * (x.mean(0) - running_mean) ** 2
    var = _move(running_var, x.var(0, ddof=1), momentum) + jump
    return _move(running_mean, x.mean(0), momentum), var


@mutant("update_running", blamed="variance_moves")
def brackets_of_the_factor_forgotten(running_mean, running_var, x, momentum=0.1):
    n = len(x)
    mean = _move(running_mean, x.mean(0), momentum)
    return mean, _move(running_var, x.var(0) * n / n - 1, momentum)


@mutant("update_running", blamed="any_batch_size")
def factor_for_six(running_mean, running_var, x, momentum=0.1):
    return _move(running_mean, x.mean(0), momentum), _move(running_var, x.var(0) * 6 / 5, momentum)


@mutant("update_running", blamed="any_batch_size")
def squeezes_both(running_mean, running_var, x, momentum=0.1):
    mean = _move(running_mean, x.mean(0), momentum)
    return mean.squeeze(), _move(running_var, x.var(0, ddof=1), momentum).squeeze()


@mutant("update_running", blamed="any_batch_size")
def four_features(running_mean, running_var, x, momentum=0.1):
    mean, var = np.zeros(4), np.zeros(4)
    for c in range(4):
        mean[c] = _move(running_mean[c], x[:, c].mean(), momentum)
        var[c] = _move(running_var[c], x[:, c].var(ddof=1), momentum)
    return mean, var


@mutant("update_running", blamed="default_momentum")
def default_of_keras(running_mean, running_var, x, momentum=0.99):
    return _move(running_mean, x.mean(0), momentum), _move(running_var, x.var(0, ddof=1), momentum)


@mutant("update_running", blamed="momentum_zero")
def zero_means_default(running_mean, running_var, x, momentum=0.1):
    momentum = momentum or 0.1
    return _move(running_mean, x.mean(0), momentum), _move(running_var, x.var(0, ddof=1), momentum)


@mutant("update_running", blamed="large_offset")
def difference_of_squares(running_mean, running_var, x, momentum=0.1):
    n = len(x)
    var = ((x**2).mean(0) - x.mean(0) ** 2) * n / (n - 1)
    return _move(running_mean, x.mean(0), momentum), _move(running_var, var, momentum)


@alternative("update_running")
def with_lerp(running_mean, running_var, x, momentum=0.1):
    x = torch.as_tensor(x, dtype=torch.float64)
    old_mean, old_var = map(torch.tensor, (running_mean, running_var))
    return old_mean.lerp(x.mean(0), momentum), old_var.lerp(x.var(0), momentum)


@alternative("update_running")
def in_place_on_copies(running_mean, running_var, x, momentum=0.1):
    new = np.stack([running_mean, running_var])
    new *= 1 - momentum
    centred = x - x.mean(axis=0)
    new[0] += momentum * np.einsum("nc->c", x) / len(x)
    new[1] += momentum * np.einsum("nc,nc->c", centred, centred) / (len(x) - 1)
    return new


@mutant("update_running", blamed="default_momentum", says="the default of momentum is 0.9")
def default_of_the_other_convention(running_mean, running_var, x, momentum=0.9):
    return _move(running_mean, x.mean(0), momentum), _move(running_var, x.var(0, ddof=1), momentum)


@mutant("update_running", blamed="batch_of_whole_numbers", says="mean lost its fractions")
def statistics_of_the_type_of_x(running_mean, running_var, x, momentum=0.1):
    mu, var = np.zeros_like(x[0]), np.zeros_like(x[0])
    for c in range(x.shape[1]):
        mu[c], var[c] = x[:, c].mean(), x[:, c].var(ddof=1)
    return _move(running_mean, mu, momentum), _move(running_var, var, momentum)


@mutant("update_running", blamed="batch_of_whole_numbers", says="variance lost its fractions")
def variance_of_the_type_of_x(running_mean, running_var, x, momentum=0.1):
    var = np.zeros_like(x[0])
    var[:] = x.var(axis=0, ddof=1)
    return _move(running_mean, x.mean(0), momentum), _move(running_var, var, momentum)


@mutant("update_running", blamed="momentum_zero")
def full_momentum_means_none(running_mean, running_var, x, momentum=0.1):
    momentum = momentum % 1
    return _move(running_mean, x.mean(0), momentum), _move(running_var, x.var(0, ddof=1), momentum)


@mutant("update_running", blamed="variance_moves")
def mean_of_squares(running_mean, running_var, x, momentum=0.1):
    n = len(x)
    var = (x**2).mean(axis=0) * n / (n - 1)
    return _move(running_mean, x.mean(0), momentum), _move(running_var, var, momentum)


@mutant("update_running", blamed="variance_moves")
def one_variance_for_all(running_mean, running_var, x, momentum=0.1):
    var = np.full(x.shape[1], x.var(ddof=1))
    return _move(running_mean, x.mean(0), momentum), _move(running_var, var, momentum)


@mutant("update_running", blamed="variance_moves")
def the_deviations_average(running_mean, running_var, x, momentum=0.1):
    deviation = _move(np.sqrt(running_var), x.std(0, ddof=1), momentum)
    return _move(running_mean, x.mean(0), momentum), deviation**2


@mutant("update_running", blamed="variance_moves")
def momentum_only_for_the_mean(running_mean, running_var, x, momentum=0.1):
    return _move(running_mean, x.mean(0), momentum), x.var(0, ddof=1)


@mutant("update_running", blamed="mean_moves")
def half_and_half(running_mean, running_var, x, momentum=0.1):
    return (running_mean + x.mean(0)) / 2, (running_var + x.var(0, ddof=1)) / 2


@mutant("update_running", blamed="variance_moves")
def running_variance_never_moves(running_mean, running_var, x, momentum=0.1):
    return _move(running_mean, x.mean(0), momentum), running_var.copy()


@mutant("update_running", blamed="variance_moves")
def variance_starts_with_the_old_mean(running_mean, running_var, x, momentum=0.1):
    var = ((x - running_mean) ** 2).sum(axis=0) / (len(x) - 1)
    return _move(running_mean, x.mean(0), momentum), _move(running_var, var, momentum)
