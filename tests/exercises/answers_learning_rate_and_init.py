"""Answers to the exercises of the notebook `learning_rate_and_init`, with blame."""

import math

import numpy as np
from registry import alternative, equivalent, mutant


@alternative("usable_range")
def with_a_loop(rates, accuracy, target):
    usable = [rate for rate, value in zip(rates, accuracy, strict=True) if value >= target]
    if not usable:
        return float("nan"), float("nan"), float("nan")
    return min(usable), max(usable), math.log10(max(usable)) - math.log10(min(usable))


@alternative("usable_range")
def sorted_first(rates, accuracy, target):
    order = np.argsort(rates)
    reached = np.flatnonzero(accuracy[order] >= target)
    if not len(reached):
        return [np.nan] * 3
    low, high = rates[order][reached[[0, -1]]]
    return [low, high, np.log(high / low) / np.log(10)]


def from_to(rates, accuracy, target, width=lambda low, high: np.log10(high / low)):
    usable = rates[accuracy >= target]
    if not len(usable):
        return np.nan, np.nan, np.nan
    return usable.min(), usable.max(), width(usable.min(), usable.max())


@mutant("usable_range", blamed="rates_that_reach_the_target")
def positions(rates, accuracy, target):
    reached = np.flatnonzero(accuracy >= target)
    return reached[0], reached[-1], np.log10(rates[reached[-1]] / rates[reached[0]])


@mutant("usable_range", blamed="rates_that_reach_the_target")
def largest_first(rates, accuracy, target):
    low, high, width = from_to(rates, accuracy, target)
    return high, low, width


@mutant("usable_range", blamed="rates_that_reach_the_target")
def the_whole_grid(rates, accuracy, target):
    return rates.min(), rates.max(), np.log10(rates.max() / rates.min())


@mutant("usable_range", blamed="rates_that_reach_the_target")
def the_accuracies(rates, accuracy, target):
    usable = accuracy[accuracy >= target]
    return usable.min(), usable.max(), np.log10(usable.max() / usable.min())


@mutant("usable_range", blamed="rates_that_reach_the_target")
def decades_alone(rates, accuracy, target):
    return from_to(rates, accuracy, target)[2]


@mutant("usable_range", blamed="rates_that_reach_the_target")
def everything_up_to_the_largest(rates, accuracy, target):
    _, high, _ = from_to(rates, accuracy, target)
    return rates.min(), high, np.log10(high / rates.min())


@mutant("usable_range", blamed="decades")
def a_difference(rates, accuracy, target):
    return from_to(rates, accuracy, target, lambda low, high: high - low)


@mutant("usable_range", blamed="decades")
def a_factor(rates, accuracy, target):
    return from_to(rates, accuracy, target, lambda low, high: high / low)


@mutant("usable_range", blamed="decades")
def natural_logarithm(rates, accuracy, target):
    return from_to(rates, accuracy, target, lambda low, high: np.log(high / low))


@mutant("usable_range", blamed="decades")
def doublings(rates, accuracy, target):
    return from_to(rates, accuracy, target, lambda low, high: np.log2(high / low))


@mutant("usable_range", blamed="decades")
def upside_down(rates, accuracy, target):
    return from_to(rates, accuracy, target, lambda low, high: np.log10(low / high))


@mutant("usable_range", blamed="decades")
def counts_rates(rates, accuracy, target):
    low, high, _ = from_to(rates, accuracy, target)
    return low, high, np.sum(accuracy >= target)


@mutant("usable_range", blamed="reaching_is_enough")
def must_exceed(rates, accuracy, target):
    return from_to(rates, accuracy, np.nextafter(target, 1))


@mutant("usable_range", blamed="any_order")
def first_and_last(rates, accuracy, target):
    usable = rates[accuracy >= target]
    if not len(usable):
        return np.nan, np.nan, np.nan
    return usable[0], usable[-1], abs(np.log10(usable[-1] / usable[0]))


@alternative("usable_range")
def with_masked_entries(rates, accuracy, target):
    if not np.any(accuracy >= target):
        return (np.nan,) * 3
    low = np.min(np.where(accuracy >= target, rates, np.inf))
    high = np.max(np.where(accuracy >= target, rates, 0))
    return low, high, np.log10(high) - np.log10(low)


@mutant("usable_range", blamed="across_a_gap")
def stops_at_a_gap(rates, accuracy, target):
    order = np.argsort(rates)
    rates, reached = rates[order], accuracy[order] >= target
    if not reached.any():
        return np.nan, np.nan, np.nan
    first = last = np.argmax(reached)
    while last + 1 < len(rates) and reached[last + 1]:
        last += 1
    return rates[first], rates[last], np.log10(rates[last] / rates[first])


@mutant("usable_range", blamed="a_single_rate")
def needs_two(rates, accuracy, target):
    if np.sum(accuracy >= target) < 2:
        return np.nan, np.nan, np.nan
    return from_to(rates, accuracy, target)


@mutant("usable_range", blamed="no_rate")
def zero_for_nothing(rates, accuracy, target):
    if not (accuracy >= target).any():
        return 0.0, 0.0, 0.0
    return from_to(rates, accuracy, target)


@mutant("usable_range", blamed="no_rate")
def minimum_of_nothing(rates, accuracy, target):
    usable = rates[accuracy >= target]
    return usable.min(), usable.max(), np.log10(usable.max() / usable.min())


@alternative("rescaled_step")
def through_your_step(weight, grad, lr, a):
    return grad / a, lr * a * a, a * (weight - lr * grad)


@alternative("rescaled_step")
def with_lengths(weight, grad, lr, a):
    ratio = np.linalg.norm(a * weight) / np.linalg.norm(weight)
    return grad * ratio**-1, lr * ratio**2, ratio * weight - ratio * lr * grad


def step(weight, grad, lr):
    return grad, lr, weight - lr * grad


@mutant("rescaled_step", blamed="three_results")
def weights_alone(weight, grad, lr, a):
    return a * (weight - lr * grad)


@mutant("rescaled_step", blamed="three_results")
def rate_first(weight, grad, lr, a):
    return a**2 * lr, grad / a, a * (weight - lr * grad)


@mutant("rescaled_step", blamed="her_gradient")
def same_gradient(weight, grad, lr, a):
    return step(a * weight, grad, a * lr)


@mutant("rescaled_step", blamed="her_gradient")
def larger_gradient(weight, grad, lr, a):
    return step(a * weight, a * grad, lr)


@mutant("rescaled_step", blamed="her_gradient")
def divides_twice(weight, grad, lr, a):
    return step(a * weight, grad / a**2, a**3 * lr)


@mutant("rescaled_step", blamed="her_rate")
def same_rate(weight, grad, lr, a):
    return step(a * weight, grad / a, lr)


@mutant("rescaled_step", blamed="her_rate")
def steps_of_equal_length(weight, grad, lr, a):
    return step(a * weight, grad / a, a * lr)


@mutant("rescaled_step", blamed="her_rate")
def effective_rate(weight, grad, lr, a):
    return step(a * weight, grad / a, lr / a**2)


@mutant("rescaled_step", blamed="her_rate")
def rate_over_scale(weight, grad, lr, a):
    return step(a * weight, grad / a, lr / a)


@mutant("rescaled_step", blamed="her_weights")
def your_weights(weight, grad, lr, a):
    return grad / a, a**2 * lr, weight - lr * grad


@mutant("rescaled_step", blamed="her_weights")
def from_your_weights(weight, grad, lr, a):
    return step(weight, grad / a, a**2 * lr)


@mutant("rescaled_step", blamed="her_weights")
def uphill(weight, grad, lr, a):
    return grad / a, a**2 * lr, a * (weight + lr * grad)


@mutant("rescaled_step", blamed="her_weights")
def the_step_alone(weight, grad, lr, a):
    return grad / a, a**2 * lr, -a * lr * grad


@mutant("rescaled_step", blamed="her_weights")
def your_gradient_in_her_step(weight, grad, lr, a):
    return grad / a, a**2 * lr, a * weight - a**2 * lr * grad


@mutant("rescaled_step", blamed="smaller_weights")
def only_ever_larger(weight, grad, lr, a):
    return step(max(a, 1 / a) * weight, grad / max(a, 1 / a), max(a, 1 / a) ** 2 * lr)


@mutant("rescaled_step", blamed="smaller_weights")
def always_five_times(weight, grad, lr, a):
    return step(5 * weight, grad / 5, 25 * lr)


@mutant("rescaled_step", blamed="smaller_weights")
def always_the_same_rate(weight, grad, lr, a):
    return step(a * weight, grad / a, 0.3 * a**2)


@alternative("rescaled_step")
def with_a_ratio_per_unit(weight, grad, lr, a):
    ratio = np.linalg.norm(a * weight, axis=1) / np.linalg.norm(weight, axis=1)
    return grad / ratio[:, None], lr * ratio.mean() ** 2, ratio[:, None] * (weight - lr * grad)


@alternative("deviation_per_layer")
def filling_an_array(first, gain, depth, eps=1e-5):
    deviations = np.full(depth, first, dtype=float)
    for layer in range(1, depth):
        entering = gain * math.sqrt(1 - 1 / math.pi) * deviations[layer - 1]
        deviations[layer] = entering / math.sqrt(entering**2 + eps)
    return deviations


@alternative("deviation_per_layer")
def with_variances(first, gain, depth, eps=1e-5):
    variances = [first**2]
    for _ in range(depth - 1):
        entering = gain**2 * (1 - 1 / np.pi) * variances[-1]
        variances.append(1 / (1 + eps / entering))
    return [variance**0.5 for variance in variances]


def recursion(first, depth, after):
    deviations = [first]
    for _ in range(depth - 1):
        deviations.append(after(deviations[-1]))
    return np.array(deviations)


KEPT = 1 - 1 / np.pi


def normalized(s, gain, eps):
    var = gain**2 * KEPT * s**2
    return np.sqrt(var / (var + eps))


@mutant("deviation_per_layer", blamed="one_per_layer")
def the_last_alone(first, gain, depth, eps=1e-5):
    return recursion(first, depth, lambda s: normalized(s, gain, eps))[-1]


@mutant("deviation_per_layer", blamed="one_per_layer")
def one_too_many(first, gain, depth, eps=1e-5):
    return recursion(first, depth + 1, lambda s: normalized(s, gain, eps))


@mutant("deviation_per_layer", blamed="one_per_layer")
def starts_after_the_first(first, gain, depth, eps=1e-5):
    return recursion(first, depth + 1, lambda s: normalized(s, gain, eps))[1:]


def layer(variance):
    """A wrong answer in which the variance that enters batch norm is another function of s."""

    def answer(first, gain, depth, eps=1e-5):
        def after(s):
            var = variance(s, gain)
            return np.sqrt(var / (var + eps))

        return recursion(first, depth, after)

    return answer


WRONG_VARIANCES = {
    "gain_not_squared": lambda s, gain: gain * KEPT * s**2,
    "gain_forgotten": lambda s, gain: KEPT * s**2,
    "two_forgotten": lambda s, gain: gain**2 * KEPT / 2 * s**2,
    "relu_forgotten": lambda s, gain: gain**2 * s**2,
    "deviation_not_squared": lambda s, gain: gain**2 * KEPT * s,
    "every_layer_gets_one": lambda s, gain: gain**2 * KEPT,
}
for name, variance in WRONG_VARIANCES.items():
    answer = layer(variance)
    answer.__name__ = name
    mutant("deviation_per_layer", blamed="one_layer")(answer)


@mutant("deviation_per_layer", blamed="one_layer")
def variance_for_deviation(first, gain, depth, eps=1e-5):
    return recursion(first, depth, lambda s: normalized(s, gain, eps) ** 2)


@mutant("deviation_per_layer", blamed="one_layer")
def never_normalized(first, gain, depth, eps=1e-5):
    return recursion(first, depth, lambda s: gain * np.sqrt(KEPT) * s)


@mutant("deviation_per_layer", blamed="one_layer")
def eps_outside_the_root(first, gain, depth, eps=1e-5):
    def after(s):
        entering = gain * np.sqrt(KEPT) * s
        return entering / (entering + eps)

    return recursion(first, depth, after)


@mutant("deviation_per_layer", blamed="one_layer")
def divided_by_eps_alone(first, gain, depth, eps=1e-5):
    return recursion(first, depth, lambda s: gain * s * np.sqrt(KEPT / eps))


@mutant("deviation_per_layer", blamed="one_layer")
def no_eps(first, gain, depth, eps=1e-5):
    return recursion(first, depth, lambda s: 1.0)


@mutant("deviation_per_layer", blamed="layer_by_layer")
def always_from_the_first(first, gain, depth, eps=1e-5):
    var = gain**2 * KEPT * first**2
    return np.array([first] + [np.sqrt(var / (var + eps))] * (depth - 1))


@mutant("deviation_per_layer", blamed="layer_by_layer")
def the_power_of_one_layer(first, gain, depth, eps=1e-5):
    var = gain**2 * KEPT * first**2
    return first * (np.sqrt(var / (var + eps)) / first) ** np.arange(depth)


@mutant("deviation_per_layer", blamed="default_eps")
def another_default(first, gain, depth, eps=1e-3):
    return recursion(first, depth, lambda s: normalized(s, gain, eps))


@mutant("deviation_per_layer", blamed="one_alone")
def at_least_two(first, gain, depth, eps=1e-5):
    return recursion(first, max(depth, 2), lambda s: normalized(s, gain, eps))


@mutant("usable_range", blamed="diverged")
def not_below_the_target(rates, accuracy, target):
    usable = rates[~(accuracy < target)]
    if len(usable) == 0:
        return np.nan, np.nan, np.nan
    return usable.min(), usable.max(), np.log10(usable.max() / usable.min())


@mutant("usable_range", blamed="diverged")
def spoiled_by_a_nan(rates, accuracy, target):
    if not accuracy.max() >= target:
        return np.nan, np.nan, np.nan
    return from_to(rates, accuracy, target)


@mutant("usable_range", blamed="diverged")
def best_in_order(rates, accuracy, target):
    best_first = np.argsort(accuracy)[::-1]
    usable = []
    for k in best_first:
        if accuracy[k] < target:
            break
        usable.append(rates[k])
    if not usable:
        return np.nan, np.nan, np.nan
    return min(usable), max(usable), np.log10(max(usable) / min(usable))


@alternative("usable_range")
def three_in_an_array(rates, accuracy, target):
    usable = rates[accuracy >= target]
    if usable.size == 0:
        return np.full(3, np.nan)
    ends = np.array([usable.min(), usable.max()])
    return np.append(ends, np.log10(ends[1] / ends[0]))


equivalent(
    "deviation_per_layer",
    "return np.array(deviations) -> … deviations",
    "a list of deviations is taken for an array of them",
)


@alternative("usable_range")
def nan_for_what_is_not_usable(rates, accuracy, target):
    usable = np.where(accuracy >= target, rates, np.nan)
    if np.isnan(usable).all():
        return [np.nan] * 3
    low, high = np.nanmin(usable), np.nanmax(usable)
    return [low, high, np.log10(high) - np.log10(low)]


@mutant("usable_range", blamed="any_order")
def always_seven_rates(rates, accuracy, target):
    usable = [rates[i] for i in range(7) if accuracy[i] >= target]
    if not usable:
        return np.nan, np.nan, np.nan
    return min(usable), max(usable), np.log10(max(usable) / min(usable))


@mutant("usable_range", blamed="no_rate", says="(smallest, largest, decades)")
def one_nan_for_three(rates, accuracy, target):
    usable = rates[accuracy >= target]
    if len(usable) == 0:
        return np.nan
    return usable.min(), usable.max(), np.log10(usable.max() / usable.min())


@mutant("rescaled_step", blamed="smaller_weights")
def always_four_units(weight, grad, lr, a):
    stepped = np.zeros((4, 3))
    for c in range(4):
        stepped[c] = a * (weight[c] - lr * grad[c])
    return grad / a, a**2 * lr, stepped


@alternative("deviation_per_layer")
def one_over_the_variance(first, gain, depth, eps=1e-5):
    inverse, ratio = [1 / first**2], eps / (gain**2 * (1 - 1 / np.pi))
    for _ in range(depth - 1):
        inverse.append(1 + ratio * inverse[-1])
    return 1 / np.sqrt(inverse)


@mutant("deviation_per_layer", blamed="whole_start", says="hold fractions")
def as_whole_as_the_first(first, gain, depth, eps=1e-5):
    deviations = np.full(depth, first)
    for i in range(1, depth):
        var = gain**2 * (1 - 1 / np.pi) * deviations[i - 1] ** 2
        deviations[i] = np.sqrt(var / (var + eps))
    return deviations


@mutant("rescaled_step", blamed="her_gradient", says="in this order")
def weights_first(weight, grad, lr, a):
    return a * (weight - lr * grad), a**2 * lr, grad / a


def powers(rate, decay):
    """An answer that multiplies by powers of a, one each per optimizer."""

    def answer(optimizer, lr, weight_decay, a):
        return lr * a ** rate[optimizer], weight_decay * a ** decay[optimizer]

    return answer


RATE_POWERS = {"sgd": 2, "adam": 1, "adamw": 1}
DECAY_POWERS = {"sgd": -2, "adam": -2, "adamw": -1}


@alternative("her_settings")
def in_powers_of_a(optimizer, lr, weight_decay, a):
    return powers(RATE_POWERS, DECAY_POWERS)(optimizer, lr, weight_decay, float(a))


@alternative("her_settings")
def from_what_one_step_takes(optimizer, lr, weight_decay, a):
    gradient, weight = 1.0, 2.0
    her_gradient, her_weight = gradient / a, a * weight
    if optimizer == "adamw":
        her_lr = a * lr
        return np.array([her_lr, a * lr * weight_decay * weight / (her_lr * her_weight)])
    her_decay = weight_decay * weight / gradient * her_gradient / her_weight
    total = gradient + weight_decay * weight
    if optimizer == "adam":
        total = 1.0  # whatever it is, Adam divides by its size
        return [a * lr * total, her_decay]
    return [a * lr * total / (her_gradient + her_decay * her_weight), her_decay]


@mutant("her_settings", blamed="rate_and_decay")
def the_rate_alone(optimizer, lr, weight_decay, a):
    return lr * a ** RATE_POWERS[optimizer]


@mutant("her_settings", blamed="with_sgd", says="comes first")
def the_decay_before_the_rate(optimizer, lr, weight_decay, a):
    return weight_decay * a ** DECAY_POWERS[optimizer], lr * a ** RATE_POWERS[optimizer]


@mutant("her_settings", blamed="with_sgd", says="would not be a times yours")
def the_same_settings(optimizer, lr, weight_decay, a):
    return lr, weight_decay


@mutant("her_settings", blamed="with_sgd", says="a times as small")
def one_factor_for_sgd(optimizer, lr, weight_decay, a):
    return a * lr, weight_decay * a ** DECAY_POWERS[optimizer]


@mutant("her_settings", blamed="with_sgd", says="shrink twice")
def the_same_decay(optimizer, lr, weight_decay, a):
    return lr * a ** RATE_POWERS[optimizer], weight_decay


@mutant("her_settings", blamed="with_sgd", says="as it was")
def decay_once(optimizer, lr, weight_decay, a):
    return lr * a ** RATE_POWERS[optimizer], weight_decay / a


@mutant("her_settings", blamed="with_sgd", says="upside down")
def stronger_decay(optimizer, lr, weight_decay, a):
    return lr * a ** RATE_POWERS[optimizer], weight_decay / a ** DECAY_POWERS[optimizer]


@mutant("her_settings", blamed="with_adam", says="does not notice")
def adam_like_sgd(optimizer, lr, weight_decay, a):
    return a**2 * lr, weight_decay / a**2


@mutant("her_settings", blamed="with_adam", says="would not be a times yours")
def adam_needs_no_other_rate(optimizer, lr, weight_decay, a):
    rates = RATE_POWERS | {"adam": 0}
    return powers(rates, DECAY_POWERS)(optimizer, lr, weight_decay, a)


@mutant("her_settings", blamed="with_adam", says="as it was")
def adam_with_the_decay_of_adamw(optimizer, lr, weight_decay, a):
    decays = DECAY_POWERS | {"adam": -1}
    return powers(RATE_POWERS, decays)(optimizer, lr, weight_decay, a)


@mutant("her_settings", blamed="with_adamw", says="beside g")
def adamw_with_the_decay_of_adam(optimizer, lr, weight_decay, a):
    decays = DECAY_POWERS | {"adamw": -2}
    return powers(RATE_POWERS, decays)(optimizer, lr, weight_decay, a)


@mutant("her_settings", blamed="with_adamw", says="lr is a times yours")
def adamw_is_decoupled_so_its_decay_stays(optimizer, lr, weight_decay, a):
    decays = DECAY_POWERS | {"adamw": 0}
    return powers(RATE_POWERS, decays)(optimizer, lr, weight_decay, a)


@mutant("her_settings", blamed="any_factor")
def whole_factors(optimizer, lr, weight_decay, a):
    return powers(RATE_POWERS, DECAY_POWERS)(optimizer, lr, weight_decay, max(float(round(a)), 1.0))
