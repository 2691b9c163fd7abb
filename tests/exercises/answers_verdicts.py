"""Answers to the exercises of 19_verdicts."""

import statistics

import numpy as np
from registry import alternative, mutant


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
