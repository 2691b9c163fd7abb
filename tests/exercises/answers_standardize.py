"""Answers to the exercise `standardize` of the notebook `why_normalize_inputs`."""

import numpy as np
import torch
from registry import alternative, equivalent, mutant


@alternative("standardize")
def drops_and_restores(x_train, x_test):
    varies = np.ptp(x_train, axis=0) > 0
    mu, std = x_train[:, varies].mean(axis=0), x_train[:, varies].std(axis=0)
    z_train, z_test = np.zeros(x_train.shape), np.zeros(x_test.shape)
    z_train[:, varies] = (x_train[:, varies] - mu) / std
    z_test[:, varies] = (x_test[:, varies] - mu) / std
    return z_train, z_test


@alternative("standardize")
def column_by_column(x_train, x_test):
    z_train, z_test = np.zeros(x_train.shape), np.zeros(x_test.shape)
    for c, column in enumerate(x_train.T):
        if len(set(column)) > 1:
            mu = sum(column) / len(column)
            std = (sum((v - mu) ** 2 for v in column) / len(column)) ** 0.5
            z_train[:, c], z_test[:, c] = (column - mu) / std, (x_test[:, c] - mu) / std
    return z_train, z_test


@alternative("standardize")
def with_a_tolerance(x_train, x_test):
    mu, std = np.mean(x_train, 0), np.std(x_train, 0)
    inverse = np.divide(1.0, std, out=np.zeros_like(std), where=std > 1e-14 * (1 + np.abs(mu)))
    return [(x - mu) * inverse for x in (x_train, x_test)]


@alternative("standardize")
def all_rows_at_once(x_train, x_test):
    both = np.vstack([x_train, x_test])
    varies = (x_train != x_train[0]).any(axis=0)
    z = (both - x_train.mean(axis=0)) * varies / np.where(varies, x_train.std(axis=0), 1)
    return z[: len(x_train)], z[len(x_train) :]


@alternative("standardize")
def divides_by_infinity(x_train, x_test):
    std = np.where((x_train == x_train[0]).all(axis=0), np.inf, x_train.std(axis=0))
    return [(x - x_train.mean(axis=0)) / std for x in (x_train, x_test)]


@alternative("standardize")
def tensors_of_z_scores(x_train, x_test):
    train, test = (torch.as_tensor(x, dtype=torch.float64) for x in (x_train, x_test))
    std, mu = torch.std_mean(train, dim=0, correction=0)
    varies = (train != train[0]).any(dim=0)
    return tuple(torch.where(varies, (x - mu) / std, 0.0) for x in (train, test))


@alternative("standardize")
def lists_of_rows(x_train, x_test):
    columns = []
    for column in x_train.T.tolist():
        mu = sum(column) / len(column)
        var = sum((v - mu) ** 2 for v in column) / len(column)
        columns.append((mu, 0.0 if min(column) == max(column) else var**-0.5))

    def z(x):
        return [
            [(v - mu) * r for v, (mu, r) in zip(row, columns, strict=True)] for row in x.tolist()
        ]

    return z(x_train), z(x_test)


def z_score(x, mu, std):
    """The right formula, for mutants that go wrong in mu, in std, or somewhere else."""
    constant = np.broadcast_to(std < 1e-14, x.shape)
    return np.divide(x - mu, std, out=np.zeros_like(x), where=~constant)


@mutant("standardize", blamed="two_arrays")
def only_the_training_set(x_train, x_test):
    return z_score(x_train, x_train.mean(axis=0), x_train.std(axis=0))


@mutant("standardize", blamed="two_arrays")
def works_in_place_on_both(x_train, x_test):
    mu, std = x_train.mean(axis=0), x_train.std(axis=0)
    x_train -= mu
    x_test -= mu
    return x_train / std, x_test / std


@mutant("standardize", blamed="two_arrays")
def returns_the_statistics(x_train, x_test):
    return x_train.mean(axis=0), x_train.std(axis=0)


@mutant("standardize", blamed="two_arrays")
def test_set_first(x_train, x_test):
    mu, std = x_train.mean(axis=0), x_train.std(axis=0)
    return z_score(x_test, mu, std), z_score(x_train, mu, std)


@mutant("standardize", blamed="training_means")
def each_sample_by_itself(x_train, x_test):
    return tuple(
        z_score(x, x.mean(axis=1, keepdims=True), x.std(axis=1, keepdims=True))
        for x in (x_train, x_test)
    )


@mutant("standardize", blamed="training_means")
def one_mean_for_all_features(x_train, x_test):
    mu, std = x_train.mean(), x_train.std()
    return z_score(x_train, mu, std), z_score(x_test, mu, std)


@mutant("standardize", blamed="training_means")
def statistics_of_both_sets(x_train, x_test):
    both = np.vstack([x_train, x_test])
    mu, std = both.mean(axis=0), both.std(axis=0)
    return z_score(x_train, mu, std), z_score(x_test, mu, std)


@mutant("standardize", blamed="training_means")
def min_max(x_train, x_test):
    low, width = x_train.min(axis=0), np.ptp(x_train, axis=0)
    return z_score(x_train, low, width), z_score(x_test, low, width)


@mutant("standardize", blamed="training_means")
def never_centred(x_train, x_test):
    std = x_train.std(axis=0)
    return z_score(x_train, 0, std), z_score(x_test, 0, std)


@mutant("standardize", blamed="training_means")
def the_median(x_train, x_test):
    mu, std = np.median(x_train, axis=0), x_train.std(axis=0)
    return z_score(x_train, mu, std), z_score(x_test, mu, std)


@mutant("standardize", blamed="training_means")
def statistics_of_the_test_set(x_train, x_test):
    mu, std = x_test.mean(axis=0), x_test.std(axis=0)
    return z_score(x_train, mu, std), z_score(x_test, mu, std)


@mutant("standardize", blamed="training_means")
def brackets_forgotten(x_train, x_test):
    mu, std = x_train.mean(axis=0), x_train.std(axis=0)
    return x_train - mu / std, x_test - mu / std


@mutant("standardize", blamed="training_variances")
def unbiased(x_train, x_test):
    mu, std = x_train.mean(axis=0), x_train.std(axis=0, ddof=1)
    return z_score(x_train, mu, std), z_score(x_test, mu, std)


@mutant("standardize", blamed="training_variances")
def divides_by_the_variance(x_train, x_test):
    mu, var = x_train.mean(axis=0), x_train.var(axis=0)
    return z_score(x_train, mu, var), z_score(x_test, mu, var)


@mutant("standardize", blamed="training_variances")
def adds_eps_to_the_deviation(x_train, x_test):
    mu, std = x_train.mean(axis=0), x_train.std(axis=0)
    return (x_train - mu) / (std + 1e-8), (x_test - mu) / (std + 1e-8)


@mutant("standardize", blamed="training_variances")
def adds_eps_to_the_variance(x_train, x_test):
    mu, std = x_train.mean(axis=0), np.sqrt(x_train.var(axis=0) + 1e-5)
    return (x_train - mu) / std, (x_test - mu) / std


@mutant("standardize", blamed="training_variances")
def only_centred(x_train, x_test):
    mu = x_train.mean(axis=0)
    return x_train - mu, x_test - mu


@mutant("standardize", blamed="training_variances")
def one_deviation_for_all_features(x_train, x_test):
    mu, std = x_train.mean(axis=0), x_train.std()
    return z_score(x_train, mu, std), z_score(x_test, mu, std)


@mutant("standardize", blamed="training_variances")
def mean_absolute_deviation(x_train, x_test):
    mu = x_train.mean(axis=0)
    std = np.abs(x_train - mu).mean(axis=0)
    return z_score(x_train, mu, std), z_score(x_test, mu, std)


@mutant("standardize", blamed="training_entries")
def flips_the_sign(x_train, x_test):
    mu, std = x_train.mean(axis=0), x_train.std(axis=0)
    return -z_score(x_train, mu, std), -z_score(x_test, mu, std)


@mutant("standardize", blamed="training_entries")
def sorts_each_column(x_train, x_test):
    mu, std = x_train.mean(axis=0), x_train.std(axis=0)
    return z_score(np.sort(x_train, axis=0), mu, std), z_score(x_test, mu, std)


@mutant("standardize", blamed="test_entries")
def each_set_by_itself(x_train, x_test):
    return tuple(z_score(x, x.mean(axis=0), x.std(axis=0)) for x in (x_train, x_test))


@mutant("standardize", blamed="test_entries")
def leaves_the_test_set_alone(x_train, x_test):
    return z_score(x_train, x_train.mean(axis=0), x_train.std(axis=0)), x_test


@mutant("standardize", blamed="test_entries")
def only_centres_the_test_set(x_train, x_test):
    mu, std = x_train.mean(axis=0), x_train.std(axis=0)
    return z_score(x_train, mu, std), x_test - mu


@mutant("standardize", blamed="test_entries")
def deviation_of_the_test_set(x_train, x_test):
    mu = x_train.mean(axis=0)
    return z_score(x_train, mu, x_train.std(axis=0)), z_score(x_test, mu, x_test.std(axis=0))


@mutant("standardize", blamed="test_entries")
def statistics_of_the_standardized_set(x_train, x_test):
    z_train = z_score(x_train, x_train.mean(axis=0), x_train.std(axis=0))
    return z_train, z_score(x_test, z_train.mean(axis=0), z_train.std(axis=0))


@mutant("standardize", blamed="test_entries")
def recomputes_with_every_test_sample(x_train, x_test):
    z_train = z_score(x_train, x_train.mean(axis=0), x_train.std(axis=0))
    rows = []
    for row in x_test:
        seen = np.vstack([x_train, row])
        rows.append(z_score(row[None], seen.mean(axis=0), seen.std(axis=0))[0])
    return z_train, np.array(rows)


@mutant("standardize", blamed="constant_columns")
def divides_by_zero(x_train, x_test):
    mu, std = x_train.mean(axis=0), x_train.std(axis=0)
    with np.errstate(all="ignore"):
        return (x_train - mu) / std, (x_test - mu) / std


@mutant("standardize", blamed="constant_columns")
def leaves_constant_columns_alone(x_train, x_test):
    mu, std = x_train.mean(axis=0), x_train.std(axis=0)
    keep = np.ptp(x_train, axis=0) == 0
    std = np.where(keep, 1, std)
    return tuple(np.where(keep, x, (x - mu) / std) for x in (x_train, x_test))


@mutant("standardize", blamed="constant_columns")
def drops_constant_columns(x_train, x_test):
    varies = np.ptp(x_train, axis=0) > 0
    mu, std = x_train[:, varies].mean(axis=0), x_train[:, varies].std(axis=0)
    return (x_train[:, varies] - mu) / std, (x_test[:, varies] - mu) / std


def where_not(constant, x_train, x_test):
    """Right answers, but for the columns that are taken for constant."""
    mu, std = x_train.mean(axis=0), np.where(constant, 1, x_train.std(axis=0))
    with np.errstate(all="ignore"):
        return tuple(np.where(constant, 0, (x - mu) / std) for x in (x_train, x_test))


@mutant("standardize", blamed="constant_columns")
def only_the_first_constant_column(x_train, x_test):
    constant = np.ptp(x_train, axis=0) == 0
    return where_not(constant & (np.cumsum(constant) == 1), x_train, x_test)


@mutant("standardize", blamed="constant_columns")
def everything_zero_if_a_column_is_constant(x_train, x_test):
    return where_not((np.ptp(x_train, axis=0) == 0).any(), x_train, x_test)


@mutant("standardize", blamed="constant_columns")
def only_columns_of_zeros(x_train, x_test):
    return where_not((x_train == 0).all(axis=0), x_train, x_test)


@mutant("standardize", blamed="constant_only_in_training")
def zeroes_the_first_constant_column(x_train, x_test):
    constant = np.ptp(x_train, axis=0) == 0
    mu, std = x_train.mean(axis=0), np.where(constant, 1, x_train.std(axis=0))
    z_train, z_test = (x_train - mu) / std, (x_test - mu) / std
    if constant.any():
        z_test[:, np.argmax(constant)] = 0
    return z_train, z_test


@mutant("standardize", blamed="constant_only_in_training")
def each_set_finds_its_own_constant_columns(x_train, x_test):
    mu, std = x_train.mean(axis=0), x_train.std(axis=0)
    std = np.where(np.ptp(x_train, axis=0) == 0, 1, std)
    return tuple((np.ptp(x, axis=0) > 0) * (x - mu) / std for x in (x_train, x_test))


@mutant("standardize", blamed="constant_only_in_training")
def divides_constant_columns_by_one(x_train, x_test):
    mu, std = x_train.mean(axis=0), x_train.std(axis=0)
    std = np.where(std < 1e-14, 1, std)
    return (x_train - mu) / std, (x_test - mu) / std


@mutant("standardize", blamed="constant_only_in_training")
def a_tiny_eps(x_train, x_test):
    mu, std = x_train.mean(axis=0), x_train.std(axis=0) + 1e-12
    return (x_train - mu) / std, (x_test - mu) / std


@mutant("standardize", blamed="constant_only_in_training")
def turns_nan_into_zero(x_train, x_test):
    mu, std = x_train.mean(axis=0), x_train.std(axis=0)
    with np.errstate(all="ignore"):
        return np.nan_to_num((x_train - mu) / std), np.nan_to_num((x_test - mu) / std)


@mutant("standardize", blamed="constant_only_in_test")
def constant_in_either_set(x_train, x_test):
    constant = (np.ptp(x_train, axis=0) == 0) | (np.ptp(x_test, axis=0) == 0)
    return where_not(constant, x_train, x_test)


@mutant("standardize", blamed="constant_only_in_test")
def zeroes_constant_columns_of_the_test_set(x_train, x_test):
    z_train, z_test = where_not(np.ptp(x_train, axis=0) == 0, x_train, x_test)
    return z_train, np.where(np.ptp(x_test, axis=0) == 0, 0, z_test)


@mutant("standardize", blamed="constant_up_to_rounding")
def tolerance_for_small_numbers_only(x_train, x_test):
    return where_not(x_train.std(axis=0) < 1e-14, x_train, x_test)


@mutant("standardize", blamed="bright_only_once")
def compares_the_first_two_samples(x_train, x_test):
    return where_not((np.ptp(x_train, axis=0) == 0) | (x_train[0] == x_train[1]), x_train, x_test)


@mutant("standardize", blamed="bright_only_once")
def compares_the_first_sample_with_the_last(x_train, x_test):
    return where_not(x_train[0] == x_train[-1], x_train, x_test)


@mutant("standardize", blamed="bright_only_once")
def constant_is_what_equals_its_median(x_train, x_test):
    middle = np.percentile(x_train, [25, 75], axis=0)
    return where_not(middle[0] == middle[1], x_train, x_test)


@mutant("standardize", blamed="bright_only_once")
def clips_the_test_set(x_train, x_test):
    z_train, z_test = where_not(np.ptp(x_train, axis=0) == 0, x_train, x_test)
    return z_train, np.clip(z_test, -10, 10)


@mutant("standardize", blamed="bright_only_once")
def clips_the_training_set(x_train, x_test):
    z_train, z_test = where_not(np.ptp(x_train, axis=0) == 0, x_train, x_test)
    return np.clip(z_train, -3, 3), z_test


@mutant("standardize", blamed="any_sizes")
def squeezes_both_sets(x_train, x_test):
    z_train, z_test = where_not(np.ptp(x_train, axis=0) == 0, x_train, x_test)
    return z_train.squeeze(), z_test.squeeze()


@mutant("standardize", blamed="any_sizes")
def five_test_samples(x_train, x_test):
    z_train, z_test = where_not(np.ptp(x_train, axis=0) == 0, x_train, x_test)
    return z_train, z_test if len(x_test) == 2 else np.array([z_test[n] for n in range(5)])


@mutant("standardize", blamed="constant_up_to_rounding")
def asks_for_exactly_zero(x_train, x_test):
    mu, std = x_train.mean(axis=0), x_train.std(axis=0)
    constant = std == 0
    std = np.where(constant, 1, std)
    return tuple(np.where(constant, 0, (x - mu) / std) for x in (x_train, x_test))


@mutant("standardize", blamed="small_units")
def calls_small_deviations_constant(x_train, x_test):
    mu, std = x_train.mean(axis=0), x_train.std(axis=0)
    constant = std < 1e-4
    std = np.where(constant, 1, std)
    return tuple(np.where(constant, 0, (x - mu) / std) for x in (x_train, x_test))


@mutant("standardize", blamed="small_units")
def at_least_a_tiny_deviation(x_train, x_test):
    constant = np.ptp(x_train, axis=0) == 0
    mu, std = x_train.mean(axis=0), np.maximum(x_train.std(axis=0), 1e-8)
    return tuple(np.where(constant, 0, (x - mu) / std) for x in (x_train, x_test))


@mutant("standardize", blamed="small_units")
def close_to_zero(x_train, x_test):
    return where_not(np.isclose(x_train.std(axis=0), 0), x_train, x_test)


@mutant("standardize", blamed="large_offset")
def largest_close_to_smallest(x_train, x_test):
    close = np.isclose(x_train.max(axis=0), x_train.min(axis=0), atol=0)
    return where_not(close, x_train, x_test)


@mutant("standardize", blamed="large_offset")
def variance_from_raw_moments(x_train, x_test):
    mu = x_train.mean(axis=0)
    std = np.sqrt(np.abs((x_train**2).mean(axis=0) - mu**2))
    varies = np.ptp(x_train, axis=0) > 0
    std = np.where(varies & (std > 0), std, 1)
    return (x_train - mu) / std * varies, (x_test - mu) / std * varies


@mutant("standardize", blamed="whole_numbers", says="whole numbers only")
def both_keep_their_type(x_train, x_test):
    varies = np.ptp(x_train, axis=0) > 0
    mu, std = x_train[:, varies].mean(axis=0), x_train[:, varies].std(axis=0)
    z_train, z_test = np.zeros_like(x_train), np.zeros_like(x_test)
    z_train[:, varies] = (x_train[:, varies] - mu) / std
    z_test[:, varies] = (x_test[:, varies] - mu) / std
    return z_train, z_test


@mutant("standardize", blamed="whole_numbers")
def the_test_set_keeps_its_type(x_train, x_test):
    z_train, z_test = where_not(np.ptp(x_train, axis=0) == 0, x_train, x_test)
    return z_train, z_test.astype(x_test.dtype)


@mutant("standardize", blamed="any_sizes")
def one_training_sample_is_left_alone(x_train, x_test):
    if len(x_train) == 1:
        return x_train + 0, x_test + 0
    return where_not(np.ptp(x_train, axis=0) == 0, x_train, x_test)


@mutant("standardize", blamed="any_sizes")
def two_samples_at_least(x_train, x_test):
    constant = (x_train[0] == x_train[1]) & (np.ptp(x_train, axis=0) == 0)
    return where_not(constant, x_train, x_test)


@mutant("standardize", blamed="training_variances")
def squares_without_centring(x_train, x_test):
    mu, std = x_train.mean(axis=0), np.sqrt((x_train**2).mean(axis=0))
    return z_score(x_train, mu, std), z_score(x_test, mu, std)


@mutant("standardize", blamed="constant_only_in_training")
def eps_only_where_constant_in_the_deviation(x_train, x_test):
    mu, std = x_train.mean(axis=0), np.maximum(x_train.std(axis=0), 1e-5)
    return (x_train - mu) / std, (x_test - mu) / std


@mutant("standardize", blamed="training_variances")
def adds_one_to_the_deviation(x_train, x_test):
    mu, std = x_train.mean(axis=0), 1 + x_train.std(axis=0)
    return (x_train - mu) / std, (x_test - mu) / std


@mutant("standardize", blamed="training_means")
def interquartile_range(x_train, x_test):
    low, middle, high = np.percentile(x_train, [25, 50, 75], axis=0)
    width = np.where(high > low, high - low, np.inf)
    return (x_train - middle) / width, (x_test - middle) / width


@mutant("standardize", blamed="test_entries")
def mean_of_the_test_set_only(x_train, x_test):
    constant = np.ptp(x_train, axis=0) == 0
    z_train, _ = where_not(constant, x_train, x_test)
    std = np.where(constant, 1, x_train.std(axis=0))
    return z_train, np.where(constant, 0, (x_test - x_test.mean(axis=0)) / std)


@mutant("standardize", blamed="constant_columns")
def constant_columns_become_nan(x_train, x_test):
    std = np.where(np.ptp(x_train, axis=0) == 0, np.nan, x_train.std(axis=0))
    return tuple((x - x_train.mean(axis=0)) / std for x in (x_train, x_test))


STD = "std = np.where(constant, 1.0, std)"
equivalent("standardize", f"{STD} -> pass", because="columns that are divided by 0 become 0 later")
equivalent("standardize", f"{STD} -> … 2.0, std)", because="any number but 0 will do")
equivalent(
    "standardize",
    "z_train = np.where(constant, 0.0, (x_train - mu) / std) -> "
    "… np.where(0.0, constant, (x_train - mu) / std)",
    because="a constant column is its own mean: their difference is 0 already, up to rounding",
)
