"""Answers to the exercises of the notebook `training`."""

import answers_training_step  # noqa: F401
import numpy as np
import torch
from registry import alternative, mutant


@alternative("normalized_movement")
def time_by_time(inputs):
    medians = [np.median(row) for row in inputs]
    spreads = [np.percentile(row, 85) - np.percentile(row, 15) for row in inputs]
    return np.std(medians) / np.mean(spreads)


@alternative("normalized_movement")
def with_quantiles(inputs):
    low, median, high = np.quantile(inputs, (0.15, 0.5, 0.85), axis=-1)
    return np.sqrt(((median - median.mean()) ** 2).mean()) / (high.mean() - low.mean())


@mutant("normalized_movement", blamed="one_number")
def one_per_image(inputs):
    low, median, high = np.percentile(inputs, [15, 50, 85], axis=0)
    return median / (high - low)


@mutant("normalized_movement", blamed="one_number")
def never_summarized(inputs):
    low, median, high = np.percentile(inputs, [15, 50, 85], axis=1)
    return median.std() / (high - low)


@mutant("normalized_movement", blamed="follows_the_median")
def follows_the_mean(inputs):
    low, high = np.percentile(inputs, [15, 85], axis=1)
    return inputs.mean(axis=1).std() / (high - low).mean()


@mutant("normalized_movement", blamed="follows_the_median")
def in_standard_deviations(inputs):
    return np.median(inputs, axis=1).std() / inputs.std(axis=1).mean()


@mutant("normalized_movement", blamed="follows_the_median")
def percentiles_over_time(inputs):
    low, median, high = np.percentile(inputs, [15, 50, 85], axis=0)
    return median.std() / (high - low).mean()


@mutant("normalized_movement", blamed="in_units_of_the_spread")
def not_normalized(inputs):
    return np.median(inputs, axis=1).std()


@mutant("normalized_movement", blamed="in_units_of_the_spread")
def divides_by_the_squared_spread(inputs):
    low, median, high = np.percentile(inputs, [15, 50, 85], axis=1)
    return median.var() / (high - low).mean()


@mutant("normalized_movement", blamed="every_time_counts")
def first_against_last(inputs):
    low, median, high = np.percentile(inputs, [15, 50, 85], axis=1)
    return abs(median[-1] - median[0]) / (high - low).mean()


@mutant("normalized_movement", blamed="every_time_counts")
def normalized_at_each_time(inputs):
    low, median, high = np.percentile(inputs, [15, 50, 85], axis=1)
    return (median / (high - low)).std()


@mutant("normalized_movement", blamed="every_time_counts")
def spread_at_the_end(inputs):
    low, median, high = np.percentile(inputs, [15, 50, 85], axis=1)
    return median.std() / (high - low)[-1]


@mutant("normalized_movement", blamed="every_time_counts")
def unbiased_deviation(inputs):
    low, median, high = np.percentile(inputs, [15, 50, 85], axis=1)
    return median.std(ddof=1) / (high - low).mean()


@mutant("normalized_movement", blamed="every_time_counts")
def quartiles(inputs):
    low, median, high = np.percentile(inputs, [25, 50, 75], axis=1)
    return median.std() / (high - low).mean()


@mutant("normalized_movement", blamed="every_time_counts")
def percentiles_as_fractions(inputs):
    low, median, high = np.percentile(inputs, [0.15, 0.5, 0.85], axis=1)
    return median.std() / (high - low).mean()


@mutant("normalized_movement", blamed="every_time_counts")
def upside_down(inputs):
    low, median, high = np.percentile(inputs, [15, 50, 85], axis=1)
    return (high - low).mean() / median.std()


@mutant("normalized_movement", blamed="any_number_of_times")
def always_seven_times(inputs):
    low, median, high = np.percentile(inputs, [15, 50, 85], axis=1)
    return median.std() / ((high - low).sum() / 7)


@mutant("normalized_movement", blamed="any_number_of_times")
def takes_the_longer_axis_for_the_images(inputs):
    low, median, high = np.percentile(inputs, [15, 50, 85], axis=np.argmax(inputs.shape))
    return median.std() / (high - low).mean()


@mutant("normalized_movement", blamed="any_number_of_times")
def middle_image_as_median(inputs):
    low, high = np.percentile(inputs, [15, 85], axis=1)
    return np.sort(inputs, axis=1)[:, inputs.shape[1] // 2].std() / (high - low).mean()


@alternative("steps_to_reach")
def with_a_loop(steps, accuracy, target):
    for step, value in zip(steps, accuracy, strict=True):
        if value >= target:
            return step
    return np.inf


@alternative("steps_to_reach")
def smallest_of_those_above(steps, accuracy, target):
    return min(steps[accuracy >= target], default=float("inf"))


@mutant("steps_to_reach", blamed="a_step")
def returns_the_position(steps, accuracy, target):
    reached = np.flatnonzero(accuracy >= target)
    return reached[0] if len(reached) else np.inf


@mutant("steps_to_reach", blamed="a_step")
def returns_all(steps, accuracy, target):
    return steps[accuracy >= target]


@mutant("steps_to_reach", blamed="a_step")
def counts_evaluations(steps, accuracy, target):
    return int(np.sum(accuracy < target)) or np.inf


@mutant("steps_to_reach", blamed="the_first")
def once_and_for_all(steps, accuracy, target):
    below = np.flatnonzero(accuracy < target)
    if not len(below):
        return steps[0]
    return steps[below[-1] + 1] if below[-1] + 1 < len(steps) else np.inf


@mutant("steps_to_reach", blamed="the_first")
def at_the_best(steps, accuracy, target):
    return steps[np.argmax(accuracy)] if accuracy.max() >= target else np.inf


@mutant("steps_to_reach", blamed="the_first")
def the_last_time(steps, accuracy, target):
    reached = np.flatnonzero(accuracy >= target)
    return steps[reached[-1]] if len(reached) else np.inf


@mutant("steps_to_reach", blamed="reaching_is_enough")
def must_exceed(steps, accuracy, target):
    reached = np.flatnonzero(accuracy > target)
    return steps[reached[0]] if len(reached) else np.inf


@mutant("steps_to_reach", blamed="never")
def first_of_an_empty_search(steps, accuracy, target):
    return steps[np.argmax(accuracy >= target)]


@mutant("steps_to_reach", blamed="never")
def takes_the_end_of_the_run(steps, accuracy, target):
    reached = np.flatnonzero(accuracy >= target)
    return steps[reached[0]] if len(reached) else steps[-1]


@mutant("steps_to_reach", blamed="never")
def returns_nothing(steps, accuracy, target):
    reached = np.flatnonzero(accuracy >= target)
    if len(reached):
        return steps[reached[0]]


@mutant("steps_to_reach", blamed="never")
def minus_one(steps, accuracy, target):
    reached = np.flatnonzero(accuracy >= target)
    return steps[reached[0]] if len(reached) else -1


@alternative("steps_to_reach")
def through_the_best_so_far(steps, accuracy, target):
    best = np.maximum.accumulate(np.nan_to_num(accuracy, nan=-np.inf))
    position = np.searchsorted(best, target)
    return steps[position] if position < len(steps) else np.inf


@mutant("steps_to_reach", blamed="the_first")
def closest_to_the_target(steps, accuracy, target):
    return steps[np.argmin(np.abs(accuracy - target))] if accuracy.max() >= target else np.inf


@mutant("steps_to_reach", blamed="the_first")
def bisects_what_is_not_sorted(steps, accuracy, target):
    position = np.searchsorted(accuracy, target)
    return steps[position] if position < len(steps) else np.inf


@mutant("steps_to_reach", blamed="the_first")
def must_hold_at_the_end(steps, accuracy, target):
    return steps[np.argmax(accuracy >= target)] if accuracy[-1] >= target else np.inf


@mutant("steps_to_reach", blamed="at_once")
def takes_position_zero_for_never(steps, accuracy, target):
    position = np.argmax(accuracy >= target)
    return steps[position] if position else np.inf


@mutant("steps_to_reach", blamed="at_once")
def waits_for_a_crossing(steps, accuracy, target):
    for i in range(1, len(steps)):
        if accuracy[i - 1] < target <= accuracy[i]:
            return steps[i]
    return np.inf


@mutant("steps_to_reach", blamed="never")
def says_it_in_words(steps, accuracy, target):
    reached = np.flatnonzero(accuracy >= target)
    return steps[reached[0]] if len(reached) else "never"


@mutant("steps_to_reach", blamed="any_run")
def position_zero_alone_counts_for_nothing(steps, accuracy, target):
    reached = np.flatnonzero(accuracy >= target)
    return steps[reached[0]] if reached.any() else np.inf


@mutant("steps_to_reach", blamed="any_run")
def a_test_every_twenty_steps(steps, accuracy, target):
    reached = np.flatnonzero(accuracy >= target)
    return 20 * (reached[0] + 1) if len(reached) else np.inf


@mutant("steps_to_reach", blamed="any_run")
def forgets_the_last_test(steps, accuracy, target):
    for i in range(len(steps) - 1):
        if accuracy[i] >= target:
            return steps[i]
    return np.inf


@mutant("steps_to_reach", blamed="any_run")
def always_six_tests(steps, accuracy, target):
    for i in range(6):
        if accuracy[i] >= target:
            return steps[i]
    return np.inf


@alternative("normalized_movement")
def in_lists(inputs):
    rows = [np.percentile(row, [15, 50, 85]).tolist() for row in inputs]
    median = [row[1] for row in rows]
    mean = sum(median) / len(rows)
    deviation = (sum((m - mean) ** 2 for m in median) / len(rows)) ** 0.5
    return deviation / (sum(row[2] - row[0] for row in rows) / len(rows))


@alternative("normalized_movement")
def with_torch(inputs):
    shares = torch.tensor([0.15, 0.5, 0.85], dtype=torch.float64)
    low, median, high = torch.quantile(torch.as_tensor(inputs), shares, dim=1)
    return median.std(correction=0) / (high - low).mean()


@mutant("normalized_movement", blamed="every_time_counts")
def steps_between_medians(inputs):
    low, median, high = np.percentile(inputs, [15, 50, 85], axis=1)
    return np.abs(np.diff(median)).mean() / (high - low).mean()


@mutant("normalized_movement", blamed="every_time_counts")
def spread_of_all_times_together(inputs):
    low, high = np.percentile(inputs, [15, 85])
    return np.median(inputs, axis=1).std() / (high - low)


@mutant("normalized_movement", blamed="every_time_counts")
def half_of_the_spread(inputs):
    low, median, high = np.percentile(inputs, [15, 50, 85], axis=1)
    return median.std() / ((high - low) / 2).mean()


@mutant("normalized_movement", blamed="every_time_counts")
def upper_half_only(inputs):
    median, high = np.percentile(inputs, [50, 85], axis=1)
    return median.std() / (high - median).mean()


@mutant("normalized_movement", blamed="every_time_counts")
def movement_of_the_upper_percentile(inputs):
    low, _, high = np.percentile(inputs, [15, 50, 85], axis=1)
    return high.std() / (high - low).mean()


@mutant("normalized_movement", blamed="every_time_counts")
def spread_at_the_start(inputs):
    low, median, high = np.percentile(inputs, [15, 50, 85], axis=1)
    return median.std() / (high - low)[0]


@mutant("normalized_movement", blamed="every_time_counts")
def percentiles_of_the_images_means(inputs):
    low, median, high = np.percentile(inputs.mean(axis=0), [15, 50, 85])
    return median / (high - low)


@mutant("normalized_movement", blamed="every_time_counts")
def nearest_images(inputs):
    low, median, high = np.percentile(inputs, [15, 50, 85], axis=1, method="nearest")
    return median.std() / (high - low).mean()


@mutant("normalized_movement", blamed="every_time_counts")
def squared_spread_under_a_root(inputs):
    low, median, high = np.percentile(inputs, [15, 50, 85], axis=1)
    return median.std() / np.sqrt(((high - low) ** 2).mean())


@alternative("steps_to_reach")
def pairs_in_a_generator(steps, accuracy, target):
    return next((s for s, a in zip(steps, accuracy, strict=True) if a >= target), float("inf"))


@alternative("steps_to_reach")
def with_argmax(steps, accuracy, target):
    reached = ~(accuracy < target) & ~np.isnan(accuracy)
    return float(steps[reached.argmax()]) if reached.any() else np.inf


@alternative("steps_to_reach")
def counts_those_before(steps, accuracy, target):
    before = np.logical_and.accumulate(~(accuracy >= target)).sum()
    return [*steps.tolist(), np.inf][before]


@mutant("steps_to_reach", blamed="not_rounded", says="not rounded")
def rounds_to_two_digits(steps, accuracy, target):
    reached = np.flatnonzero(np.round(accuracy, 2) >= target)
    return steps[reached[0]] if len(reached) else np.inf


@mutant("steps_to_reach", blamed="not_rounded")
def close_enough(steps, accuracy, target):
    reached = np.flatnonzero((accuracy >= target) | np.isclose(accuracy, target, rtol=1e-3))
    return steps[reached[0]] if len(reached) else np.inf


@mutant("steps_to_reach", blamed="not_rounded")
def in_percent(steps, accuracy, target):
    reached = np.flatnonzero((100 * accuracy).round() >= round(100 * target))
    return steps[reached[0]] if len(reached) else np.inf


@mutant("steps_to_reach", blamed="diverged")
def not_below(steps, accuracy, target):
    reached = np.flatnonzero(~(accuracy < target))
    return steps[reached[0]] if len(reached) else np.inf


@mutant("steps_to_reach", blamed="diverged")
def best_of_a_run_with_nan(steps, accuracy, target):
    return steps[np.argmax(accuracy >= target)] if accuracy.max() >= target else np.inf


@mutant("steps_to_reach", blamed="a_step")
def between_two_tests(steps, accuracy, target):
    reached = np.flatnonzero(accuracy >= target)
    if len(reached) == 0:
        return np.inf
    i = reached[0]
    if i == 0:
        return steps[0]
    return np.interp(target, accuracy[i - 1 : i + 1], steps[i - 1 : i + 1])


@mutant("steps_to_reach", blamed="the_first", says="step 60 comes first")
def the_test_after(steps, accuracy, target):
    reached = np.flatnonzero(accuracy >= target)
    return [*steps, np.inf][reached[0] + 1] if len(reached) else np.inf


@mutant("steps_to_reach", blamed="the_first")
def two_tests_in_a_row(steps, accuracy, target):
    good = accuracy >= target
    reached = np.flatnonzero(good[:-1] & good[1:])
    return steps[reached[0]] if len(reached) else np.inf


@mutant("steps_to_reach", blamed="never")
def minus_infinity(steps, accuracy, target):
    reached = np.flatnonzero(accuracy >= target)
    return steps[reached[0]] if len(reached) else -np.inf


@mutant("steps_to_reach", blamed="never")
def not_a_number(steps, accuracy, target):
    reached = np.flatnonzero(accuracy >= target)
    return steps[reached[0]] if len(reached) else np.nan


@mutant("steps_to_reach", blamed="diverged")
def nan_is_sorted_last(steps, accuracy, target):
    position = np.searchsorted(np.maximum.accumulate(accuracy), target)
    return steps[position] if position < len(steps) else np.inf


@alternative("factor_bounds")
def seed_by_seed(plain, norm, every, end):
    smallest, largest = [], []
    for p, n in zip(plain, norm, strict=True):
        first_p = p - every + 1 if p < np.inf else end + 1
        first_n = n - every + 1 if n < np.inf else end + 1
        smallest.append(first_p / n)
        largest.append(p / first_n)
    return np.median(smallest), np.median(largest)


@alternative("factor_bounds")
def sorted_in_the_middle(plain, norm, every, end):
    def median(values):
        values = np.sort(values)
        return (values[(len(values) - 1) // 2] + values[len(values) // 2]) / 2

    def early(steps):
        return np.minimum(steps - every, end) + 1

    return [median(early(plain) / norm), median(plain / early(norm))]


@alternative("factor_bounds")
def after_the_test_before(plain, norm, every, end):
    def first(steps):
        return (np.ceil(np.minimum(steps, end + every) / every) - 1) * every + 1

    return factor_of(first(plain), norm), factor_of(plain, first(norm))


@mutant("factor_bounds", blamed="two_bounds")
def one_factor_per_seed(plain, norm, every, end):
    return (plain - every + 1) / norm, plain / (norm - every + 1)


@mutant("factor_bounds", blamed="two_bounds")
def the_larger_one_first(plain, norm, every, end):
    return factor_of(plain, early(norm, every, end)), factor_of(early(plain, every, end), norm)


@mutant("factor_bounds", blamed="every_step_tested", says="take their median")
def mean_of_the_factors(plain, norm, every, end):
    return np.mean(early(plain, every, end) / norm), np.mean(plain / early(norm, every, end))


@mutant("factor_bounds", blamed="every_step_tested", says="seed by seed")
def medians_divided(plain, norm, every, end):
    low = np.median(early(plain, every, end)) / np.median(norm)
    return low, np.median(plain) / np.median(early(norm, every, end))


@mutant("factor_bounds", blamed="every_step_tested", says="s - every + 1")
def the_test_before_counts(plain, norm, every, end):
    return factor_of(plain - every, norm), factor_of(plain, norm - every)


@mutant("factor_bounds", blamed="every_step_tested", says="smallest of them")
def worst_and_best_seed(plain, norm, every, end):
    factors = plain / norm
    return factors.min(), factors.max()


@mutant("factor_bounds", blamed="between_two_tests", says="as found")
def as_if_every_step_were_tested(plain, norm, every, end):
    return factor_of(plain, norm), factor_of(plain, norm)


@mutant("factor_bounds", blamed="between_two_tests", says="one is early and the other late")
def both_early_at_once(plain, norm, every, end):
    both = factor_of(early(plain, every, end), early(norm, every, end))
    return both, both


@mutant("factor_bounds", blamed="between_two_tests")
def half_the_distance(plain, norm, every, end):
    half = every // 2
    return factor_of(plain - half, norm), factor_of(plain, norm - half)


@mutant("factor_bounds", blamed="plain_never_arrives", says="601 are, too")
def never_stays_infinite(plain, norm, every, end):
    return factor_of(plain - every + 1, norm), factor_of(plain, early(norm, every, end))


@mutant("factor_bounds", blamed="plain_never_arrives", says="not 600")
def never_is_the_end(plain, norm, every, end):
    low = np.where(np.isinf(plain), end, plain - every + 1)
    return factor_of(low, norm), factor_of(plain, early(norm, every, end))


@mutant("factor_bounds", blamed="plain_never_arrives")
def a_bound_where_there_is_none(plain, norm, every, end):
    late = np.minimum(plain, end + every)
    return factor_of(early(plain, every, end), norm), factor_of(late, early(norm, every, end))


@mutant("factor_bounds", blamed="norm_never_arrives", says="infinity over infinity")
def infinity_over_infinity(plain, norm, every, end):
    with np.errstate(invalid="ignore"):
        low = np.median(early(plain, every, end) / norm)
        return low, np.median(plain / (norm - every + 1))


@mutant("factor_bounds", blamed="norm_never_arrives", says="may take forever")
def drops_runs_that_never_arrived(plain, norm, every, end):
    low, high = early(plain, every, end) / norm, plain / early(norm, every, end)
    return np.median(low[np.isfinite(norm)]), np.median(high)


@mutant("factor_bounds", blamed="any_runs")
def always_600_steps(plain, norm, every, end):
    return factor_of(early(plain, every, 600), norm), factor_of(plain, early(norm, every, 600))


@mutant("factor_bounds", blamed="any_runs")
def never_before_the_first_test(plain, norm, every, end):
    low_plain, low_norm = (np.maximum(early(s, every, end), every) for s in (plain, norm))
    return factor_of(low_plain, norm), factor_of(plain, low_norm)


@mutant("factor_bounds", blamed="any_runs")
def the_third_of_five(plain, norm, every, end):
    low, high = early(plain, every, end) / norm, plain / early(norm, every, end)
    middle = len(plain) // 2
    return np.sort(low)[middle], np.sort(high)[middle]


def early(steps, every, end):
    return np.where(np.isinf(steps), end + 1, steps - every + 1)


def factor_of(plain, norm):
    return np.median(plain / norm)
