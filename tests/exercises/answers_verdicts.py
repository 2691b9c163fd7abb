"""Answers to the exercises of the notebook `verdicts`."""

import statistics

import numpy as np
from registry import alternative, equivalent, mutant


def best(grid):
    """The lowest median and the place of its rate."""
    medians = np.median(grid, axis=0)
    return medians.min(), int(medians.argmin())


def inside(grid):
    return 0 < best(grid)[1] < grid.shape[1] - 1


@alternative("tuned_ratio")
def with_loops(baseline, changed):
    lowest = []
    for grid in (baseline, changed):
        medians = [statistics.median(column) for column in grid.T]
        place = medians.index(min(medians))
        if place == 0 or place == len(medians) - 1:
            return float("nan")
        lowest.append(medians[place])
    return lowest[1] / lowest[0]


@alternative("tuned_ratio")
def by_neighbours(baseline, changed):
    def lowest(grid):
        medians = np.sort(grid, axis=0)[[(len(grid) - 1) // 2, len(grid) // 2]].mean(axis=0)
        return medians[1:-1].min(initial=np.inf), min(medians[0], medians[-1])

    (low_b, edge_b), (low_c, edge_c) = lowest(baseline), lowest(changed)
    return low_c / low_b if low_b < edge_b and low_c < edge_c else np.nan


@mutant("tuned_ratio", blamed="each_at_its_best")
def upside_down(baseline, changed):
    return best(baseline)[0] / best(changed)[0]


@mutant("tuned_ratio", blamed="each_at_its_best")
def one_rate_for_both(baseline, changed):
    return np.median(changed, axis=0)[best(baseline)[1]] / best(baseline)[0]


@mutant("tuned_ratio", blamed="each_at_its_best")
def the_new_methods_rate_for_both(baseline, changed):
    return best(changed)[0] / np.median(baseline, axis=0)[best(changed)[1]]


@mutant("tuned_ratio", blamed="each_at_its_best")
def luckiest_run(baseline, changed):
    return changed.min() / baseline.min()


@mutant("tuned_ratio", blamed="each_at_its_best")
def a_rate_for_every_seed(baseline, changed):
    return np.median(changed.min(axis=1)) / np.median(baseline.min(axis=1))


@mutant("tuned_ratio", blamed="each_at_its_best")
def mean_over_seeds(baseline, changed):
    return changed.mean(axis=0).min() / baseline.mean(axis=0).min()


@mutant("tuned_ratio", blamed="each_at_its_best")
def median_of_ratios(baseline, changed):
    return np.median(changed[:, best(changed)[1]] / baseline[:, best(baseline)[1]])


@mutant("tuned_ratio", blamed="each_at_its_best")
def higher_is_better(baseline, changed):
    return np.median(changed, axis=0).max() / np.median(baseline, axis=0).max()


@mutant("tuned_ratio", blamed="each_at_its_best")
def difference_for_ratio(baseline, changed):
    return best(changed)[0] - best(baseline)[0]


@mutant("tuned_ratio", blamed="each_at_its_best")
def medians_over_rates(baseline, changed):
    return np.median(changed, axis=1).min() / np.median(baseline, axis=1).min()


@mutant("tuned_ratio", blamed="each_at_its_best")
def worst_seed_of_each_rate(baseline, changed):
    return changed.max(axis=0).min() / baseline.max(axis=0).min()


@mutant("tuned_ratio", blamed="each_at_its_best")
def first_seed_alone(baseline, changed):
    return changed[0].min() / baseline[0].min()


@mutant("tuned_ratio", blamed="each_at_its_best")
def always_refuses(baseline, changed):
    return np.nan


@mutant("tuned_ratio", blamed="each_at_its_best")
def one_number_per_arm(baseline, changed):
    return best(baseline)[0], best(changed)[0]


@mutant("tuned_ratio", blamed="an_optimum_at_the_edge")
def never_refuses(baseline, changed):
    return best(changed)[0] / best(baseline)[0]


@mutant("tuned_ratio", blamed="an_optimum_at_the_edge")
def looks_at_the_baseline_only(baseline, changed):
    return best(changed)[0] / best(baseline)[0] if inside(baseline) else np.nan


@mutant("tuned_ratio", blamed="an_optimum_at_the_edge")
def looks_at_the_changed_arm_only(baseline, changed):
    return best(changed)[0] / best(baseline)[0] if inside(changed) else np.nan


@mutant("tuned_ratio", blamed="an_optimum_at_the_edge")
def forgets_the_last_rate(baseline, changed):
    fine = best(baseline)[1] > 0 and best(changed)[1] > 0
    return best(changed)[0] / best(baseline)[0] if fine else np.nan


@mutant("tuned_ratio", blamed="an_optimum_at_the_edge")
def forgets_the_first_rate(baseline, changed):
    fine = all(best(grid)[1] < grid.shape[1] - 1 for grid in (baseline, changed))
    return best(changed)[0] / best(baseline)[0] if fine else np.nan


@mutant("tuned_ratio", blamed="an_optimum_at_the_edge")
def never_looks_at_the_edges(baseline, changed):
    # Cuts the edges off instead of looking whether the optimum lies there.
    medians = [np.median(grid, axis=0)[1:-1] for grid in (baseline, changed)]
    return medians[1].min(initial=np.inf) / medians[0].min(initial=np.inf)


@mutant("tuned_ratio", blamed="runs_that_failed")
def leaves_failed_runs_out(baseline, changed):
    finite = [np.ma.masked_invalid(grid) for grid in (baseline, changed)]
    medians = [np.ma.median(grid, axis=0).filled(np.inf) for grid in finite]
    places = [int(np.argmin(m)) for m in medians]
    if any(p in (0, len(m) - 1) for p, m in zip(places, medians, strict=True)):
        return np.nan
    return float(medians[1].min() / medians[0].min())


@mutant("tuned_ratio", blamed="runs_that_failed")
def infinite_for_no_best_rate(baseline, changed):
    if not np.isfinite(changed).any():
        return np.inf
    return with_loops(baseline, changed)


@mutant("tuned_ratio", blamed="an_optimum_at_the_edge")
def always_five_rates(baseline, changed):
    if any(best(grid)[1] in (0, 4) for grid in (baseline, changed)):
        return np.nan
    return best(changed)[0] / best(baseline)[0]


@mutant("tuned_ratio", blamed="grids_of_any_size")
def third_of_five_seeds(baseline, changed):
    medians = [np.sort(grid, axis=0)[min(2, len(grid) - 1)] for grid in (baseline, changed)]
    places = [int(m.argmin()) for m in medians]
    if any(p in (0, len(m) - 1) for p, m in zip(places, medians, strict=True)):
        return np.nan
    return medians[1].min() / medians[0].min()


@alternative("tuned_ratio")
def with_quantiles_by_hand(baseline, changed):
    """Sorted, nan last; the middle, or the mean of the two in the middle."""
    found = []
    for grid in (baseline, changed):
        rows = np.sort(np.where(np.isnan(grid), np.inf, grid), axis=0)
        middle = (rows[(len(rows) - 1) // 2] + rows[len(rows) // 2]) / 2
        place = min(range(len(middle)), key=middle.__getitem__)
        if place in (0, len(middle) - 1):
            return float("nan")
        found.append(middle[place])
    return np.divide(found[1], found[0])


@alternative("tuned_ratio")
def one_arm_at_a_time(baseline, changed):
    def at_its_best(grid):
        medians = np.apply_along_axis(np.median, 0, grid)
        order = np.argsort(medians, kind="stable")
        return medians[order[0]] if 0 < order[0] < medians.size - 1 else np.nan

    return at_its_best(changed) / at_its_best(baseline)


@mutant("tuned_ratio", blamed="runs_that_failed")
def nan_runs_left_out(baseline, changed):
    medians = [np.nanmedian(grid, axis=0) for grid in (baseline, changed)]
    places = [int(np.argmin(m)) for m in medians]
    if any(p in (0, len(m) - 1) for p, m in zip(places, medians, strict=True)):
        return np.nan
    return medians[1].min() / medians[0].min()


@mutant("tuned_ratio", blamed="runs_that_failed")
def nan_is_zero(baseline, changed):
    return with_loops(np.nan_to_num(baseline, posinf=np.inf), np.nan_to_num(changed, posinf=np.inf))


@mutant("tuned_ratio", blamed="runs_that_failed")
def failed_rates_left_out(baseline, changed):
    finite = [np.isfinite(grid).all(axis=0) for grid in (baseline, changed)]
    found = []
    for grid, keep in zip((baseline, changed), finite, strict=True):
        medians = np.where(keep | ~keep[0], np.median(grid, axis=0), np.inf)
        place = medians.argmin()
        if place in (0, len(medians) - 1):
            return np.inf if not keep.any() else np.nan
        found.append(medians[place])
    return found[1] / found[0]


@mutant("tuned_ratio", blamed="runs_that_failed")
def a_thousand_for_failed(baseline, changed):
    finite = [np.where(np.isfinite(grid), grid, 1000.0) for grid in (baseline, changed)]
    return 1000 / best(baseline)[0] if np.isinf(changed).all() else with_loops(*finite)


@mutant("tuned_ratio", blamed="grids_of_any_size")
def as_whole_numbers(baseline, changed):
    medians = [np.median(grid, axis=0).astype(grid.dtype) for grid in (baseline, changed)]
    places = [int(m.argmin()) for m in medians]
    if any(p in (0, len(m) - 1) for p, m in zip(places, medians, strict=True)):
        return np.nan
    return medians[1].min() / medians[0].min()


@mutant("tuned_ratio", blamed="grids_of_any_size")
def a_single_rate_is_best(baseline, changed):
    if changed.shape[1] == 1:
        return best(changed)[0] / best(baseline)[0]
    return with_loops(baseline, changed)


@mutant("tuned_ratio", blamed="grids_of_any_size")
def lower_of_the_middle_two(baseline, changed):
    rows = [np.sort(grid, axis=0)[(len(grid) - 1) // 2] for grid in (baseline, changed)]
    if any(m.argmin() in (0, len(m) - 1) for m in rows):
        return np.nan
    return rows[1].min() / rows[0].min()


@mutant("tuned_ratio", blamed="each_at_its_best")
def best_rates_are_compared(baseline, changed):
    return best(changed)[1] / best(baseline)[1]


@mutant("tuned_ratio", blamed="each_at_its_best")
def gain_in_percent(baseline, changed):
    return 100 * (1 - best(changed)[0] / best(baseline)[0])


@mutant("tuned_ratio", blamed="each_at_its_best")
def last_rate_of_both(baseline, changed):
    return np.median(changed, axis=0)[-2] / np.median(baseline, axis=0)[-2]


equivalent(
    "tuned_ratio",
    "if rate in (0, len(medians) - 1): -> … (len(medians) - 1, 0):",
    because="the order of what is looked through plays no part",
)


@alternative("judge_claim")
def by_counting(baseline, changed, margin):
    reached = [b - c > margin - 1e-12 for b, c in zip(baseline, changed, strict=True)]
    usable = all(np.isfinite([*baseline, *changed])) and len(reached) >= 5
    if usable and sum(reached) == len(reached):
        return "holds"
    return "does not hold" if usable and not any(reached) else "cannot tell"


@alternative("judge_claim")
def by_the_extremes(baseline, changed, margin):
    gains = np.round(np.asarray(baseline) - np.asarray(changed), 9)
    if gains.size < 5 or np.isnan(gains).any() or np.isinf(gains).any():
        return "cannot tell"
    if gains.min() >= margin:
        return "holds"
    return "does not hold" if gains.max() < margin else "cannot tell"


@alternative("judge_claim")
def with_isclose(baseline, changed, margin):
    gains = baseline - changed
    if len(gains) < 5 or not np.isfinite(gains).all():
        return "cannot tell"
    words = {True: "holds", False: "does not hold"}
    found = {words[bool(gain > margin or np.isclose(gain, margin))] for gain in gains}
    return found.pop() if len(found) == 1 else "cannot tell"


def judged(gains, margin, enough=5, slack=1e-9):
    if len(gains) < enough or not np.isfinite(gains).all():
        return "cannot tell"
    reached = gains >= margin - slack
    if reached.all():
        return "holds"
    return "cannot tell" if reached.any() else "does not hold"


@mutant("judge_claim", blamed="gains_that_are_rounded")
def forgets_the_rounding(baseline, changed, margin):
    return judged(baseline - changed, margin, slack=0)


@mutant("judge_claim", blamed="gains_that_are_rounded")
def rounding_counts_in_one_direction(baseline, changed, margin):
    gains = baseline - changed
    word = judged(gains, margin)
    usable = len(gains) >= 5 and np.isfinite(gains).all()
    return "does not hold" if word == "cannot tell" and usable and (gains < margin).all() else word


@mutant("judge_claim", blamed="holds_in_no_seed")
def too_much_slack(baseline, changed, margin):
    return judged(baseline - changed, margin, slack=0.001)


@mutant("judge_claim", blamed="holds_in_no_seed")
def a_tenth_of_the_margin_is_slack(baseline, changed, margin):
    return judged(baseline - changed, 0.9 * margin)


@mutant("judge_claim", blamed="holds_in_every_seed")
def higher_is_taken_for_better(baseline, changed, margin):
    return judged(changed - baseline, margin)


@mutant("judge_claim", blamed="holds_in_every_seed")
def must_exceed_the_margin(baseline, changed, margin):
    gains = baseline - changed
    return judged(np.where(gains == margin, margin - 1, gains), margin)


@mutant("judge_claim", blamed="holds_in_every_seed")
def answers_with_a_bool(baseline, changed, margin):
    return bool((baseline - changed >= margin).all())


@mutant("judge_claim", blamed="holds_in_every_seed")
def in_percent(baseline, changed, margin):
    return judged(baseline - changed, 100 * margin)


@mutant("judge_claim", blamed="holds_in_no_seed")
def any_gain_will_do(baseline, changed, margin):
    return judged(baseline - changed, 0)


@mutant("judge_claim", blamed="holds_in_no_seed")
def takes_the_size_of_the_gain(baseline, changed, margin):
    return judged(np.abs(baseline - changed), margin)


@mutant("judge_claim", blamed="holds_in_no_seed")
def never_says_no(baseline, changed, margin):
    word = judged(baseline - changed, margin)
    return "cannot tell" if word == "does not hold" else word


@mutant("judge_claim", blamed="seeds_that_disagree")
def judges_the_median(baseline, changed, margin):
    return judged(np.full(len(baseline), np.median(baseline - changed)), margin)


@mutant("judge_claim", blamed="seeds_that_disagree")
def judges_the_mean(baseline, changed, margin):
    gain = np.mean(baseline - changed)
    return judged(np.full(len(baseline), gain), margin)


@mutant("judge_claim", blamed="seeds_that_disagree")
def one_failure_refutes(baseline, changed, margin):
    word = judged(baseline - changed, margin)
    refuted = word == "cannot tell" and len(baseline) >= 5 and np.isfinite(changed).all()
    return "does not hold" if refuted else word


@mutant("judge_claim", blamed="seeds_that_disagree")
def one_success_proves(baseline, changed, margin):
    gains = baseline - changed
    return "holds" if (gains >= margin).any() else judged(gains, margin)


@mutant("judge_claim", blamed="pairs_of_the_same_seed")
def worst_against_best(baseline, changed, margin):
    word = judged(baseline - changed, margin)
    if word == "holds" and baseline.min() - changed.max() < margin:
        return "cannot tell"
    return word


@mutant("judge_claim", blamed="pairs_of_the_same_seed")
def sorts_first(baseline, changed, margin):
    return judged(np.sort(baseline) - np.sort(changed), margin)


@mutant("judge_claim", blamed="too_few_seeds")
def any_number_of_seeds(baseline, changed, margin):
    return judged(baseline - changed, margin, enough=1)


@mutant("judge_claim", blamed="too_few_seeds")
def more_than_five(baseline, changed, margin):
    if len(baseline) > 5:
        return "cannot tell"
    return judged(baseline - changed, margin)


@mutant("judge_claim", blamed="failed_runs")
def nan_is_less_than_anything(baseline, changed, margin):
    gains = baseline - changed
    if len(gains) < 5:
        return "cannot tell"
    reached = gains >= margin - 1e-9
    return "holds" if reached.all() else "cannot tell" if reached.any() else "does not hold"


@mutant("judge_claim", blamed="failed_runs")
def drops_failed_runs(baseline, changed, margin):
    gains = baseline - changed
    if len(gains) < 5:
        return "cannot tell"
    return judged(gains[np.isfinite(gains)], margin, enough=1)


@mutant("judge_claim", blamed="failed_runs")
def looks_for_nan_only(baseline, changed, margin):
    if np.isnan(changed).any():
        return "cannot tell"
    return judged(np.clip(baseline - changed, -1e9, 1e9), margin)


@mutant("judge_claim", blamed="a_margin_below_zero")
def margin_without_its_sign(baseline, changed, margin):
    return judged(baseline - changed, abs(margin))


@mutant("judge_claim", blamed="a_margin_below_zero")
def no_difference_in_either_direction(baseline, changed, margin):
    if margin < 0:
        return judged(-np.abs(baseline - changed), margin)
    return judged(baseline - changed, margin)


@mutant("judge_claim", blamed="a_margin_below_zero")
def at_least_zero(baseline, changed, margin):
    return judged(baseline - changed, max(margin, 0))


@alternative("judge_claim")
def by_sets(baseline, changed, margin):
    pairs = list(zip(baseline.tolist(), changed.tolist(), strict=True))
    if len(pairs) < 5 or any(
        abs(value) in (np.inf,) or value != value for p in pairs for value in p
    ):
        return "cannot tell"
    return {frozenset([True]): "holds", frozenset([False]): "does not hold"}.get(
        frozenset(b - c >= margin - 1e-9 for b, c in pairs), "cannot tell"
    )


@alternative("judge_claim")
def by_the_share(baseline, changed, margin):
    if baseline.size < 5 or not np.all(np.isfinite(np.stack([baseline, changed]))):
        return "cannot tell"
    share = np.mean(changed + margin <= baseline + 1e-9)
    return ("does not hold", "cannot tell", "holds")[int(share > 0) + int(share == 1)]


@mutant("judge_claim", blamed="holds_in_every_seed")
def yes_or_no(baseline, changed, margin):
    return "yes" if judged(baseline - changed, margin) == "holds" else "no"


@mutant("judge_claim", blamed="holds_in_every_seed")
def capital_letters(baseline, changed, margin):
    return judged(baseline - changed, margin).capitalize()


@mutant("judge_claim", blamed="holds_in_every_seed")
def the_other_way_round(baseline, changed, margin):
    return judged(changed - baseline, -margin) if margin < 0 else judged(changed - baseline, margin)


@mutant("judge_claim", blamed="holds_in_no_seed")
def in_doubt_it_holds(baseline, changed, margin):
    word = judged(baseline - changed, margin)
    return "holds" if word == "does not hold" and (changed <= baseline).all() else word


@mutant("judge_claim", blamed="seeds_that_disagree")
def best_seed_decides(baseline, changed, margin):
    gains = baseline - changed
    return judged(np.full(len(gains), gains.max()), margin)


@mutant("judge_claim", blamed="seeds_that_disagree")
def four_of_five_are_enough(baseline, changed, margin):
    gains = np.sort(baseline - changed)
    return judged(np.append(gains[1:], gains[-1]), margin)


@mutant("judge_claim", blamed="too_few_seeds")
def the_first_five(baseline, changed, margin):
    return judged((baseline - changed)[:5], margin)


@mutant("judge_claim", blamed="too_few_seeds")
def at_most_six(baseline, changed, margin):
    return judged((baseline - changed)[:6], margin)


@mutant("judge_claim", blamed="failed_runs")
def nan_in_the_baseline_is_a_failure(baseline, changed, margin):
    return judged(np.nan_to_num(baseline, nan=1e9, posinf=np.inf) - changed, margin)


@mutant("judge_claim", blamed="failed_runs")
def infinite_is_very_bad(baseline, changed, margin):
    if np.isnan(baseline).any() or np.isnan(changed).any():
        return "cannot tell"
    return judged(np.clip(baseline, 0, 1e9) - np.clip(changed, 0, 1e9), margin)


REACHED = "reached = gains >= margin - 1e-09 -> … "
equivalent(
    "judge_claim",
    REACHED + "> margin - 1e-09",
    because="no gain lies exactly there: results are shares of hundreds, and rounding is 1e-16",
)
for slack in ("2e-09", "1.0000000000000001e-07"):
    equivalent(
        "judge_claim",
        REACHED + slack,
        because="above all rounding and below every difference that results can have",
    )
