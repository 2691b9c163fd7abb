"""Answers to the exercises of the notebook `regularization`."""

from itertools import combinations, product

import numpy as np
from registry import alternative, mutant


@alternative("batch_mean_noise")
def from_the_unbiased_variance(x, batch_size):
    n = len(x)
    return x.std(axis=0, ddof=1) * np.sqrt((1 - batch_size / n) / batch_size)


@alternative("batch_mean_noise")
def lists_every_batch(x, batch_size):
    means = [x[list(batch)].mean(axis=0) for batch in combinations(range(len(x)), batch_size)]
    return np.std(means, axis=0)


@mutant("batch_mean_noise", blamed="one_per_feature")
def over_all_features(x, batch_size):
    n = len(x)
    return np.sqrt(x.var() / batch_size * (n - batch_size) / (n - 1))


@mutant("batch_mean_noise", blamed="one_per_feature")
def one_per_sample(x, batch_size):
    n = len(x)
    return np.sqrt(x.var(axis=1) / batch_size * (n - batch_size) / (n - 1))


@mutant("batch_mean_noise", blamed="whole_set")
def drawn_with_replacement(x, batch_size):
    return x.std(axis=0) / np.sqrt(batch_size)


@mutant("batch_mean_noise", blamed="whole_set")
def off_by_one(x, batch_size):
    n = len(x)
    return np.sqrt(x.var(axis=0) / batch_size * (n - batch_size + 1) / n)


@mutant("batch_mean_noise", blamed="single_samples")
def forgets_the_root(x, batch_size):
    n = len(x)
    return x.var(axis=0) / batch_size * (n - batch_size) / (n - 1)


@mutant("batch_mean_noise", blamed="single_samples")
def unbiased_and_corrected(x, batch_size):
    n = len(x)
    return np.sqrt(x.var(axis=0, ddof=1) / batch_size * (n - batch_size) / (n - 1))


@mutant("batch_mean_noise", blamed="single_samples")
def for_large_n(x, batch_size):
    return x.std(axis=0) * np.sqrt((1 - batch_size / len(x)) / batch_size)


@mutant("batch_mean_noise", blamed="every_batch")
def root_forgotten_over_b(x, batch_size):
    n = len(x)
    return x.std(axis=0) / batch_size * np.sqrt((n - batch_size) / (n - 1))


@mutant("batch_mean_noise", blamed="every_batch")
def straight_to_zero(x, batch_size):
    n = len(x)
    return x.std(axis=0) / np.sqrt(batch_size) * (n - batch_size) / (n - 1)


@mutant("batch_mean_noise", blamed="every_batch")
def first_batches_only(x, batch_size):
    n = len(x)
    means = [x[start : start + batch_size].mean(axis=0) for start in range(n - batch_size + 1)]
    return np.std(means, axis=0)


@mutant("batch_mean_noise", blamed="every_batch")
def always_seven_samples(x, batch_size):
    return np.sqrt(x.var(axis=0) / batch_size * (7 - batch_size) / 6)


@alternative("inverted_dropout")
def where(x, u, p):
    return np.where(u < p, 0.0, x / (1 - p))


@alternative("inverted_dropout")
def with_a_mask(x, u, p):
    y = x.copy()
    y[u < p] = 0
    return y * (1 / (1 - p))


@mutant("inverted_dropout", blamed="dropped_where_u_is_small")
def drops_the_large(x, u, p):
    return x * (u < p) / (1 - p)


@mutant("inverted_dropout", blamed="dropped_where_u_is_small")
def drops_u_equal_to_p(x, u, p):
    return x * (u > p) / (1 - p)


@mutant("inverted_dropout", blamed="dropped_where_u_is_small")
def drops_whole_samples(x, u, p):
    return x * (u[:, :1] >= p) / (1 - p)


@mutant("inverted_dropout", blamed="dropped_where_u_is_small")
def draws_by_itself(x, u, p):
    return x * (np.random.default_rng(0).random(x.shape) >= p) / (1 - p)


@mutant("inverted_dropout", blamed="dropped_where_u_is_small")
def always_drops_three_tenths(x, u, p):
    return x * (u >= 0.3) / 0.7


@mutant("inverted_dropout", blamed="average_stays")
def never_scaled(x, u, p):
    return x * (u >= p)


@mutant("inverted_dropout", blamed="average_stays")
def scaled_the_wrong_way(x, u, p):
    return x * (u >= p) * (1 - p)


@mutant("inverted_dropout", blamed="average_stays")
def scaled_by_p(x, u, p):
    return x * (u >= p) / p


@mutant("inverted_dropout", blamed="average_stays")
def keeps_the_variance(x, u, p):
    return x * (u >= p) / np.sqrt(1 - p)


@mutant("inverted_dropout", blamed="average_stays")
def always_doubles(x, u, p):
    return 2 * x * (u >= p)


@mutant("inverted_dropout", blamed="average_stays")
def drops_negative_values_too(x, u, p):
    return np.maximum(x, 0) * (u >= p) / (1 - p) + np.minimum(x, 0) * (u >= p)


@mutant("inverted_dropout", blamed="kept_values")
def scaled_by_what_was_kept(x, u, p):
    kept = u >= p
    return x * kept / kept.mean()


@alternative("gap_reduction")
def in_a_loop(train_a, test_a, train_b, test_b):
    differences = []
    for ta, sa, tb, sb in zip(train_a, test_a, train_b, test_b, strict=True):
        differences.append((ta - sa) - (tb - sb))
    return float(np.median(differences)), len([d for d in differences if d > 0])


@alternative("gap_reduction")
def gaps_by_name(train_a, test_a, train_b, test_b):
    gap_a, gap_b = train_a - test_a, train_b - test_b
    return np.percentile(gap_a - gap_b, 50), np.count_nonzero(gap_b < gap_a)


@mutant("gap_reduction", blamed="two_numbers")
def one_per_seed(train_a, test_a, train_b, test_b):
    smaller = (train_a - test_a) - (train_b - test_b)
    return smaller, np.sum(smaller > 0)


@mutant("gap_reduction", blamed="two_numbers")
def median_alone(train_a, test_a, train_b, test_b):
    return np.median((train_a - test_a) - (train_b - test_b))


@mutant("gap_reduction", blamed="sign")
def b_minus_a(train_a, test_a, train_b, test_b):
    smaller = (train_b - test_b) - (train_a - test_a)
    return np.median(smaller), np.sum(smaller < 0)


@mutant("gap_reduction", blamed="sign")
def sums_over_the_seeds(train_a, test_a, train_b, test_b):
    smaller = (train_a - test_a) - (train_b - test_b)
    return smaller.sum(), np.sum(smaller > 0)


@mutant("gap_reduction", blamed="sign")
def test_accuracies_alone(train_a, test_a, train_b, test_b):
    better = test_b - test_a
    return np.median(better), np.sum(better > 0)


@mutant("gap_reduction", blamed="training_counts")
def counts_by_test_accuracy(train_a, test_a, train_b, test_b):
    smaller = (train_a - test_a) - (train_b - test_b)
    return np.median(smaller), np.sum(test_b > test_a)


@mutant("gap_reduction", blamed="pairs_first")
def difference_of_medians(train_a, test_a, train_b, test_b):
    gap_a, gap_b = train_a - test_a, train_b - test_b
    return np.median(gap_a) - np.median(gap_b), np.sum(gap_b < gap_a)


@mutant("gap_reduction", blamed="pairs_first")
def takes_the_mean(train_a, test_a, train_b, test_b):
    smaller = (train_a - test_a) - (train_b - test_b)
    return smaller.mean(), np.sum(smaller > 0)


@mutant("gap_reduction", blamed="pairs_first")
def sorts_before_pairing(train_a, test_a, train_b, test_b):
    gap_a, gap_b = np.sort(train_a - test_a), np.sort(train_b - test_b)
    return np.median(gap_a - gap_b), np.sum(gap_b < gap_a)


@mutant("gap_reduction", blamed="ties_do_not_count")
def counts_ties(train_a, test_a, train_b, test_b):
    smaller = (train_a - test_a) - (train_b - test_b)
    return np.median(smaller), np.sum(smaller >= 0)


@mutant("gap_reduction", blamed="ties_do_not_count")
def counts_every_seed(train_a, test_a, train_b, test_b):
    smaller = (train_a - test_a) - (train_b - test_b)
    return np.median(smaller), len(smaller)


@mutant("gap_reduction", blamed="ties_do_not_count")
def counts_clear_differences_only(train_a, test_a, train_b, test_b):
    smaller = (train_a - test_a) - (train_b - test_b)
    return np.median(smaller), np.sum(smaller > 0.005)


@mutant("gap_reduction", blamed="any_number_of_seeds")
def middle_two_of_six(train_a, test_a, train_b, test_b):
    smaller = np.sort((train_a - test_a) - (train_b - test_b))
    middle = len(smaller) // 2
    return smaller[max(middle - 1, 0) : middle + 1].mean(), np.sum(smaller > 0)


@mutant("inverted_dropout", blamed="nothing_to_drop")
def row_by_row(x, u, p):
    y = np.zeros(x.shape)
    for i in range(x.shape[0]):
        for j in range(x.shape[1]):
            if np.max(u[i, j]) >= p:
                y[i, j] = x[i, j] / (1 - p)
    return y


@mutant("inverted_dropout", blamed="nothing_to_drop")
def dropped_at_p_or_zero(x, u, p):
    return x * ((u >= p) & (u > 0)) / (1 - p)


@alternative("batch_mean_noise")
def squares_and_products(x, batch_size):
    n, var = len(x), x.var(axis=0)
    total = batch_size * var - batch_size * (batch_size - 1) * var / (n - 1)
    return np.sqrt(np.maximum(total, 0)) / batch_size


@mutant("batch_mean_noise", blamed="whole_set", says="rounded to less")
def root_of_a_difference(x, batch_size):
    n, var = len(x), np.var(x, axis=0)
    # In some columns the difference is rounded to a little less than 0: here it always is.
    return np.sqrt(var / batch_size - var * (batch_size - 1) / batch_size / (n - 1) - 1e-17)


@mutant("batch_mean_noise", blamed="every_batch")
def always_three_features(x, batch_size):
    noise = np.zeros(3)
    for c, column in enumerate(x.T):
        noise[c] = column.std() * np.sqrt((len(x) - batch_size) / batch_size / (len(x) - 1))
    return noise


@mutant("batch_mean_noise", blamed="whole_numbers", says="hold fractions")
def noise_of_the_type_of_x(x, batch_size):
    noise = np.zeros_like(x[0])
    noise[:] = x.std(axis=0) * np.sqrt((len(x) - batch_size) / batch_size / (len(x) - 1))
    return noise


@alternative("inverted_dropout")
def rows_of_kept_values(x, u, p):
    return [row * (chance >= p) / (1 - p) for row, chance in zip(x, u, strict=True)]


@alternative("inverted_dropout")
def in_single_precision_for_whole_numbers(x, u, p):
    # As PyTorch does it: torch.tensor of whole numbers, divided, is float32.
    return (x / (1 - p)).astype(np.float32 if x.dtype.kind == "i" else float) * (u >= p)


@mutant("inverted_dropout", blamed="whole_values", says="hold fractions")
def kept_in_the_type_of_x(x, u, p):
    y, kept = np.zeros_like(x), u >= p
    y[kept] = x[kept] / (1 - p)
    return y


@alternative("gap_reduction")
def stacked_in_an_array(train_a, test_a, train_b, test_b):
    smaller = np.stack([train_a, -test_a, -train_b, test_b]).sum(axis=0)
    return np.array([np.quantile(smaller, 0.5), len(smaller[smaller > 0])])


@mutant("gap_reduction", blamed="sign", says="sign is lost")
def size_of_the_difference(train_a, test_a, train_b, test_b):
    smaller = (train_a - test_a) - (train_b - test_b)
    return np.abs(np.median(smaller)), np.sum(smaller > 0)


@mutant("gap_reduction", blamed="sign", says="you add the two")
def sums_for_gaps(train_a, test_a, train_b, test_b):
    smaller = (train_a + test_a) - (train_b + test_b)
    return np.median(smaller), np.sum(smaller > 0)


@mutant("gap_reduction", blamed="sign", says="(median, count)")
def count_first(train_a, test_a, train_b, test_b):
    smaller = (train_a - test_a) - (train_b - test_b)
    return np.sum(smaller > 0), np.median(smaller)


@mutant("gap_reduction", blamed="ties_do_not_count", says="in the median")
def median_without_ties(train_a, test_a, train_b, test_b):
    smaller = (train_a - test_a) - (train_b - test_b)
    return np.median(smaller[smaller != 0]), np.sum(smaller > 0)


@mutant("gap_reduction", blamed="ties_do_not_count")
def rounded_to_a_tenth_of_a_percent(train_a, test_a, train_b, test_b):
    smaller = ((train_a - test_a) - (train_b - test_b)).round(3)
    return np.median(smaller), np.sum(smaller > 0)


@mutant("batch_mean_noise", blamed="every_batch")
def one_feature_becomes_a_number(x, batch_size):
    return np.squeeze(squares_and_products(x, batch_size))


@mutant("gap_reduction", blamed="training_counts", says="drop its sign")
def gaps_without_sign(train_a, test_a, train_b, test_b):
    smaller = np.abs(train_a - test_a) - np.abs(train_b - test_b)
    return np.median((train_a - test_a) - (train_b - test_b)), np.sum(smaller > 0)


@mutant("gap_reduction", blamed="training_counts", says="a share")
def share_of_the_seeds(train_a, test_a, train_b, test_b):
    smaller = (train_a - test_a) - (train_b - test_b)
    return np.median(smaller), np.mean(smaller > 0)


def moments(x):
    d = x - x.mean(axis=0)
    return (d**2).mean(axis=0), (d**4).mean(axis=0)


@alternative("batch_var_noise")
def variances_of_every_batch(x, batch_size):
    batches = product(range(len(x)), repeat=batch_size)
    return np.std([x[list(batch)].var(axis=0) for batch in batches], axis=0)


@alternative("batch_var_noise")
def averages_of_squares(x, batch_size):
    (m2, m4), b = moments(x), batch_size
    q_squared = b * m4 + b * (b - 1) * m2**2
    s_fourth = b * m4 + 3 * b * (b - 1) * m2**2
    square = q_squared / b**2 - 2 * q_squared / b**3 + s_fourth / b**4
    return np.sqrt(np.maximum(square - ((b - 1) / b * m2) ** 2, 0))


@mutant("batch_var_noise", blamed="noise_of_each_feature")
def one_noise_for_all_features(x, batch_size):
    return np.sqrt(np.mean(averages_of_squares(x, batch_size) ** 2))


@mutant("batch_var_noise", blamed="noise_of_each_feature")
def noise_of_each_sample(x, batch_size):
    return averages_of_squares(x.T, batch_size)


@mutant("batch_var_noise", blamed="batches_of_two", says="bell curve")
def as_for_a_bell_curve(x, batch_size):
    return x.var(axis=0) * np.sqrt(2 * (batch_size - 1)) / batch_size


@mutant("batch_var_noise", blamed="batches_of_two", says="mean of the batch moves")
def around_the_fixed_mean(x, batch_size):
    m2, m4 = moments(x)
    return np.sqrt((m4 - m2**2) / batch_size)


@mutant("batch_var_noise", blamed="batches_of_two", says="take the root")
def variance_of_the_variance(x, batch_size):
    return averages_of_squares(x, batch_size) ** 2


@mutant("batch_var_noise", blamed="batches_of_two", says="B - 1")
def of_the_unbiased_variance(x, batch_size):
    return averages_of_squares(x, batch_size) * batch_size / max(batch_size - 1, 1)


@mutant("batch_var_noise", blamed="batches_of_two", says="with replacement")
def none_drawn_twice(x, batch_size):
    batches = combinations(range(len(x)), batch_size)
    return np.std([x[list(batch)].var(axis=0) for batch in batches], axis=0)


@mutant("batch_var_noise", blamed="batches_of_two", says="noise of the mean")
def noise_of_the_mean(x, batch_size):
    return x.std(axis=0) / np.sqrt(batch_size)


@mutant("batch_var_noise", blamed="batches_of_two", says="average variance")
def average_variance(x, batch_size):
    return (batch_size - 1) / batch_size * x.var(axis=0)


@mutant("batch_var_noise", blamed="larger_batches")
def forgets_the_double_pairs(x, batch_size):
    (m2, m4), b = moments(x), batch_size
    return np.sqrt((b - 1) * ((b - 1) * m4 + (b - 1) * m2**2) / b**3)


@mutant("batch_var_noise", blamed="larger_batches")
def right_for_two(x, batch_size):
    (m2, m4), b = moments(x), batch_size
    return np.sqrt((b - 1) * ((b - 1) * m4 + m2**2) / b**3)


@mutant("batch_var_noise", blamed="lonely_samples")
def from_the_unbiased_formula(x, batch_size):
    (m2, m4), b = moments(x), batch_size
    with np.errstate(all="ignore"):
        of_unbiased = (m4 - np.divide(b - 3, b - 1) * m2**2) / b
    return np.sqrt(of_unbiased) * (b - 1) / b


@mutant("batch_var_noise", blamed="moved_features")
def from_raw_moments(x, batch_size):
    m, b = [(x**k).mean(axis=0) for k in range(5)], batch_size
    m2 = m[2] - m[1] ** 2
    m4 = m[4] - 4 * m[1] * m[3] + 6 * m[1] ** 2 * m[2] - 3 * m[1] ** 4
    return np.sqrt(np.maximum((b - 1) * ((b - 1) * m4 - (b - 3) * m2**2) / b**3, 0))
