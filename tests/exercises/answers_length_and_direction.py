"""Right and wrong answers to the exercises of the notebook `length_and_direction`."""

import numpy as np
from registry import alternative, equivalent, mutant


@alternative("split_gradient")
def unit_by_unit(dw, v, length):
    dv, dlength = np.zeros_like(v), np.zeros(len(v))
    for c in range(len(v)):
        norm = np.sqrt(v[c] @ v[c])
        dlength[c] = dw[c] @ v[c] / norm
        projection = np.eye(v.shape[1]) - np.outer(v[c], v[c]) / norm**2
        dv[c] = length[c] / norm * projection @ dw[c]
    return dv, dlength


@alternative("split_gradient")
def by_the_quotient_rule(dw, v, length):
    squared = np.einsum("ci,ci->c", v, v)
    product = np.einsum("ci,ci->c", dw, v)
    dlength = product / squared**0.5
    dv = (length / squared**0.5)[:, None] * dw - (length * product / squared**1.5)[:, None] * v
    return dv, dlength


def pieces(dw, v):
    """|v| as a column, the direction, and dw's part along it as a column."""
    norm = np.linalg.norm(v, axis=1, keepdims=True)
    direction = v / norm
    return norm, direction, (dw * direction).sum(axis=1, keepdims=True)


@mutant("split_gradient", blamed="two_parts")
def the_other_way_round(dw, v, length):
    norm, direction, along = pieces(dw, v)
    return along[:, 0], length[:, None] / norm * (dw - along * direction)


@mutant("split_gradient", blamed="two_parts")
def dv_alone(dw, v, length):
    norm, direction, along = pieces(dw, v)
    return length[:, None] / norm * (dw - along * direction)


@mutant("split_gradient", blamed="two_parts")
def dlength_as_a_column(dw, v, length):
    norm, direction, along = pieces(dw, v)
    return length[:, None] / norm * (dw - along * direction), along


@mutant("split_gradient", blamed="orthogonal")
def dw_itself(dw, v, length):
    return dw, pieces(dw, v)[2][:, 0]


@mutant("split_gradient", blamed="orthogonal")
def never_projected(dw, v, length):
    norm, _, along = pieces(dw, v)
    return length[:, None] / norm * dw, along[:, 0]


@mutant("split_gradient", blamed="orthogonal")
def takes_away_along_v(dw, v, length):
    norm, _, along = pieces(dw, v)
    return length[:, None] / norm * (dw - along * v), along[:, 0]


@mutant("split_gradient", blamed="orthogonal")
def adds_the_part_along_v(dw, v, length):
    norm, direction, along = pieces(dw, v)
    return length[:, None] / norm * (dw + along * direction), along[:, 0]


@mutant("split_gradient", blamed="orthogonal")
def one_vector_for_all_units(dw, v, length):
    norm = np.linalg.norm(v)
    along = (dw * v).sum(axis=1) / norm
    return length[:, None] / norm * (dw - along[:, None] * v / norm), along


@mutant("split_gradient", blamed="orthogonal")
def down_the_columns(dw, v, length):
    norm = np.linalg.norm(v, axis=0)
    dv = length[:, None] / norm * (dw - (dw * v / norm).sum(axis=0) * v / norm)
    return dv, pieces(dw, v)[2][:, 0]


@mutant("split_gradient", blamed="gradient_of_the_length")
def v_for_the_direction(dw, v, length):
    norm, direction, along = pieces(dw, v)
    return length[:, None] / norm * (dw - along * direction), (dw * v).sum(axis=1)


@mutant("split_gradient", blamed="gradient_of_the_length")
def length_in_dlength(dw, v, length):
    norm, direction, along = pieces(dw, v)
    return length[:, None] / norm * (dw - along * direction), length * along[:, 0]


@mutant("split_gradient", blamed="gradient_of_the_length")
def norm_of_dw(dw, v, length):
    norm, direction, along = pieces(dw, v)
    return length[:, None] / norm * (dw - along * direction), np.linalg.norm(dw, axis=1)


@mutant("split_gradient", blamed="gradient_of_the_length")
def norm_of_all_units(dw, v, length):
    norm, direction, along = pieces(dw, v)
    dlength = (dw * v).sum(axis=1) / np.linalg.norm(v)
    return length[:, None] / norm * (dw - along * direction), dlength


@mutant("split_gradient", blamed="gradient_of_the_direction")
def rest_alone(dw, v, length):
    _, direction, along = pieces(dw, v)
    return dw - along * direction, along[:, 0]


@mutant("split_gradient", blamed="gradient_of_the_direction")
def length_forgotten(dw, v, length):
    norm, direction, along = pieces(dw, v)
    return (dw - along * direction) / norm, along[:, 0]


@mutant("split_gradient", blamed="gradient_of_the_direction")
def norm_forgotten(dw, v, length):
    _, direction, along = pieces(dw, v)
    return length[:, None] * (dw - along * direction), along[:, 0]


@mutant("split_gradient", blamed="gradient_of_the_direction")
def absolute_length(dw, v, length):
    norm, direction, along = pieces(dw, v)
    return np.abs(length)[:, None] / norm * (dw - along * direction), along[:, 0]


@mutant("split_gradient", blamed="any_size")
def squeezed(dw, v, length):
    norm, direction, along = pieces(dw, v)
    dv = length[:, None] / norm * (dw - along * direction)
    return dv.squeeze(), along.squeeze()


@mutant("split_gradient", blamed="any_size")
def always_four_units(dw, v, length):
    norm, direction, along = pieces(dw, v)
    dv = np.zeros_like(v)
    for c in range(4):
        dv[c] = length[c] / norm[c] * (dw[c] - along[c] * direction[c])
    return dv, along[:, 0]


@alternative("weight_lengths")
def in_squares(length, slope, lr, weight_decay, steps):
    squares = np.empty(steps + 1)
    squares[0] = length**2
    for t in range(steps):
        keep = (1 - lr * weight_decay) ** 2
        squares[t + 1] = keep * squares[t] + lr**2 * slope**2 / squares[t]
    return np.sqrt(squares)


@alternative("weight_lengths")
def with_real_weights(length, slope, lr, weight_decay, steps):
    w = np.array([length, 0.0])
    lengths = [np.linalg.norm(w)]
    for _ in range(steps):
        across = np.array([-w[1], w[0]]) / (w @ w)  # perpendicular to w, of length 1 / |w|
        w = w - lr * (slope * across + weight_decay * w)
        lengths.append(np.linalg.norm(w))
    return lengths


def lengths_by(rule, length, steps):
    lengths = [length]
    for _ in range(steps):
        lengths.append(rule(lengths[-1]))
    return np.array(lengths)


@mutant("weight_lengths", blamed="all_lengths")
def without_the_start(length, slope, lr, weight_decay, steps):
    return in_squares(length, slope, lr, weight_decay, steps)[1:]


@mutant("weight_lengths", blamed="all_lengths")
def the_last_alone(length, slope, lr, weight_decay, steps):
    return in_squares(length, slope, lr, weight_decay, steps)[-1]


@mutant("weight_lengths", blamed="all_lengths")
def one_step_short(length, slope, lr, weight_decay, steps):
    return in_squares(length, slope, lr, weight_decay, steps - 1)


@mutant("weight_lengths", blamed="all_lengths")
def squared_lengths(length, slope, lr, weight_decay, steps):
    return in_squares(length, slope, lr, weight_decay, steps) ** 2


@mutant("weight_lengths", blamed="all_lengths")
def as_whole_as_the_start(length, slope, lr, weight_decay, steps):
    lengths = np.full(steps + 1, length)
    for t in range(steps):
        lengths[t + 1] = np.hypot((1 - lr * weight_decay) * lengths[t], lr * slope / lengths[t])
    return lengths


@mutant("weight_lengths", blamed="growth")
def adds_the_lengths(length, slope, lr, weight_decay, steps):
    return lengths_by(lambda r: (1 - lr * weight_decay) * r + lr * slope / r, length, steps)


@mutant("weight_lengths", blamed="growth")
def subtracts_the_squares(length, slope, lr, weight_decay, steps):
    def rule(r):
        return np.sqrt(((1 - lr * weight_decay) * r) ** 2 - (lr * slope / r) ** 2)

    return lengths_by(rule, length, steps)


@mutant("weight_lengths", blamed="growth")
def root_forgotten(length, slope, lr, weight_decay, steps):
    return lengths_by(
        lambda r: ((1 - lr * weight_decay) * r) ** 2 + (lr * slope / r) ** 2, length, steps
    )


@mutant("weight_lengths", blamed="growth")
def rate_forgotten(length, slope, lr, weight_decay, steps):
    return lengths_by(lambda r: np.hypot((1 - lr * weight_decay) * r, slope / r), length, steps)


@mutant("weight_lengths", blamed="growth")
def same_gradient_at_every_length(length, slope, lr, weight_decay, steps):
    return lengths_by(lambda r: np.hypot((1 - lr * weight_decay) * r, lr * slope), length, steps)


@mutant("weight_lengths", blamed="growth")
def larger_gradient_for_longer_weights(length, slope, lr, weight_decay, steps):
    return lengths_by(
        lambda r: np.hypot((1 - lr * weight_decay) * r, lr * slope * r), length, steps
    )


@mutant("weight_lengths", blamed="growth")
def divided_by_the_square(length, slope, lr, weight_decay, steps):
    return lengths_by(
        lambda r: np.hypot((1 - lr * weight_decay) * r, lr * slope / r**2), length, steps
    )


@mutant("weight_lengths", blamed="growth")
def gradient_of_the_start(length, slope, lr, weight_decay, steps):
    return lengths_by(
        lambda r: np.hypot((1 - lr * weight_decay) * r, lr * slope / length), length, steps
    )


@mutant("weight_lengths", blamed="decay")
def decay_without_the_rate(length, slope, lr, weight_decay, steps):
    return lengths_by(lambda r: np.hypot((1 - weight_decay) * r, lr * slope / r), length, steps)


@mutant("weight_lengths", blamed="decay")
def decay_of_the_square(length, slope, lr, weight_decay, steps):
    return lengths_by(
        lambda r: np.sqrt((1 - lr * weight_decay) * r**2 + (lr * slope / r) ** 2), length, steps
    )


@mutant("weight_lengths", blamed="decay")
def decay_twice(length, slope, lr, weight_decay, steps):
    return lengths_by(
        lambda r: np.hypot((1 - 2 * lr * weight_decay) * r, lr * slope / r), length, steps
    )


@mutant("weight_lengths", blamed="decay")
def grows_by_the_decay(length, slope, lr, weight_decay, steps):
    return lengths_by(
        lambda r: np.hypot((1 + lr * weight_decay) * r, lr * slope / r), length, steps
    )


@mutant("weight_lengths", blamed="decay")
def never_decays(length, slope, lr, weight_decay, steps):
    return lengths_by(lambda r: np.hypot(r, lr * slope / r), length, steps)


@mutant("weight_lengths", blamed="both_at_once")
def the_step_decays_too(length, slope, lr, weight_decay, steps):
    return lengths_by(
        lambda r: (1 - lr * weight_decay) * np.hypot(r, lr * slope / r), length, steps
    )


@mutant("weight_lengths", blamed="both_at_once")
def gradient_after_the_decay(length, slope, lr, weight_decay, steps):
    def rule(r):
        r = (1 - lr * weight_decay) * r
        return np.hypot(r, lr * slope / r)

    return lengths_by(rule, length, steps)


@alternative("gdnp_step")
def through_the_rayleigh_quotient(w, q, S, lambda_max):
    wq, wSw = w @ q, w @ S @ w
    quotient = wq**2 / wSw
    gradient = 2 * wq / wSw * (q - wq / wSw * (S @ w))
    moved = w + wSw / (2 * lambda_max * quotient) * gradient
    return wq / wSw * moved


@alternative("gdnp_step")
def with_sums(w, q, S, lambda_max):
    Sw = (S * w).sum(axis=1)
    k = np.sum(w * q) / np.sum(w * Sw)
    return k * (w - Sw / lambda_max) + q / lambda_max


@mutant("gdnp_step", blamed="a_vector")
def the_length_alone(w, q, S, lambda_max):
    return (w @ q) / (w @ S @ w)


@mutant("gdnp_step", blamed="a_vector")
def as_a_column(w, q, S, lambda_max):
    return with_sums(w, q, S, lambda_max)[:, None]


@mutant("gdnp_step", blamed="stays_at_the_best")
def keeps_its_length(w, q, S, lambda_max):
    return w + (q - S @ w) / lambda_max


@mutant("gdnp_step", blamed="stays_at_the_best")
def euclidean_length(w, q, S, lambda_max):
    w = (w @ q) / (w @ w) * w
    return w + (q - S @ w) / lambda_max


@mutant("gdnp_step", blamed="stays_at_the_best")
def unit_length(w, q, S, lambda_max):
    w = w / np.sqrt(w @ S @ w)
    return w + (q - S @ w) / lambda_max


@mutant("gdnp_step", blamed="stays_at_the_best")
def norm_of_one(w, q, S, lambda_max):
    w = w / np.linalg.norm(w)
    return w + (q - S @ w) / lambda_max


@mutant("gdnp_step", blamed="stays_at_the_best")
def gamma_for_k(w, q, S, lambda_max):
    w = (w @ q) / np.sqrt(w @ S @ w) * w
    return w + (q - S @ w) / lambda_max


@mutant("gdnp_step", blamed="stays_at_the_best")
def length_after_the_step(w, q, S, lambda_max):
    w = w + (q - S @ w) / lambda_max
    return (w @ q) / (w @ S @ w) * w


@mutant("gdnp_step", blamed="stays_at_the_best")
def gradient_at_the_old_length(w, q, S, lambda_max):
    k = (w @ q) / (w @ S @ w)
    return k * w + (q - S @ w) / lambda_max


@mutant("gdnp_step", blamed="stays_at_the_best")
def upside_down(w, q, S, lambda_max):
    w = (w @ S @ w) / (w @ q) * w
    return w + (q - S @ w) / lambda_max


@mutant("gdnp_step", blamed="stays_at_the_best")
def moves_the_old_weights(w, q, S, lambda_max):
    k = (w @ q) / (w @ S @ w)
    return w + (q - S @ (k * w)) / lambda_max


@mutant("gdnp_step", blamed="the_step")
def never_steps(w, q, S, lambda_max):
    return (w @ q) / (w @ S @ w) * w


@mutant("gdnp_step", blamed="the_step")
def goes_uphill(w, q, S, lambda_max):
    w = (w @ q) / (w @ S @ w) * w
    return w - (q - S @ w) / lambda_max


@mutant("gdnp_step", blamed="the_step")
def rate_one(w, q, S, lambda_max):
    w = (w @ q) / (w @ S @ w) * w
    return w + (q - S @ w)


@mutant("gdnp_step", blamed="the_step")
def multiplies_by_lambda_max(w, q, S, lambda_max):
    w = (w @ q) / (w @ S @ w) * w
    return w + (q - S @ w) * lambda_max


@mutant("gdnp_step", blamed="the_step")
def half_the_rate(w, q, S, lambda_max):
    w = (w @ q) / (w @ S @ w) * w
    return w + (q - S @ w) / (2 * lambda_max)


@mutant("gdnp_step", blamed="the_step")
def length_reset_afterwards(w, q, S, lambda_max):
    w = with_sums(w, q, S, lambda_max)
    return (w @ q) / (w @ S @ w) * w


@mutant("gdnp_step", blamed="given_rate")
def largest_eigenvalue_of_its_own(w, q, S, lambda_max):
    return with_sums(w, q, S, np.linalg.eigvalsh(S)[-1])


equivalent(
    "weight_lengths",
    "return np.array(lengths) -> … lengths",
    "a list of lengths is taken for an array of them",
)


@mutant("weight_lengths", blamed="decay")
def rate_and_start_of_the_examples(length, slope, lr, weight_decay, steps):
    lengths = [3.0]
    for _ in range(steps):
        along = (1 - 0.5 * weight_decay) * lengths[-1]
        lengths.append(np.hypot(along, 0.5 * slope / lengths[-1]))
    return np.array(lengths)


@mutant("weight_lengths", blamed="other_numbers")
def first_step_in_any_case(length, slope, lr, weight_decay, steps):
    def after(length):
        return np.hypot((1 - lr * weight_decay) * length, lr * slope / length)

    lengths = [length, after(length)]
    for _ in range(1, steps):
        lengths.append(after(lengths[-1]))
    return np.array(lengths)


@alternative("split_gradient")
def rows_in_lists(dw, v, length):
    dv, dlength = [], []
    for g, row, size in zip(dw, v, length, strict=True):
        direction = row / np.sqrt(row @ row)
        dlength.append(g @ direction)
        dv.append(size / np.sqrt(row @ row) * (g - dlength[-1] * direction))
    return dv, dlength


@alternative("gdnp_step")
def on_a_copy(w, q, S, lambda_max):
    w = w.copy()
    w *= np.dot(w, q) / np.dot(w, S.dot(w))
    w += (q - S.dot(w)) / lambda_max
    return w


@mutant("gdnp_step", blamed="any_number_of_inputs")
def always_six_inputs(w, q, S, lambda_max):
    k = sum(w[i] * q[i] for i in range(6)) / (w @ S @ w)
    return k * w + (q - k * S @ w) / lambda_max


@alternative("rates_without_decay")
def decays_one_by_one(lrs, weight_decay):
    kept, rates = 1.0, []
    for lr in lrs:
        before, kept = kept, kept * (1 - lr * weight_decay)
        rates.append(lr / before / kept)
    return rates


@alternative("rates_without_decay")
def in_logarithms(lrs, weight_decay):
    steps = np.log1p(-np.asarray(lrs) * weight_decay)
    return lrs * np.exp(steps - 2 * np.cumsum(steps))


@alternative("rates_without_decay")
def found_by_training_both(lrs, weight_decay):
    """Two units with a gradient that is perpendicular and falls with the length."""
    yours, rates = np.array([1.0, 0.0]), []
    hers = yours
    for lr in lrs:

        def gradient(w):
            return np.array([-w[1], w[0]]) / (w @ w)

        yours_next = yours - lr * (gradient(yours) + weight_decay * yours)
        # Her step is so long that she turns as far as you do.
        angle = np.arctan2(yours_next[1], yours_next[0]) - np.arctan2(yours[1], yours[0])
        rate = np.tan(-angle) * (hers @ hers)
        hers = hers - rate * gradient(hers)
        rates.append(rate)
        yours = yours_next
    return np.array(rates)


def with_powers(lrs, weight_decay, before, after):
    """The rates, with the factor of the steps before and that after to any power."""
    kept = np.cumprod(1 - lrs * weight_decay)
    return lrs / (np.append(1.0, kept[:-1]) ** before * kept**after)


@mutant("rates_without_decay", blamed="one_rate_per_step")
def from_before_the_first_step(lrs, weight_decay):
    return np.append(lrs[0], with_powers(lrs, weight_decay, 1, 1))


@mutant("rates_without_decay", blamed="one_rate_per_step")
def a_single_rate_without_its_axis(lrs, weight_decay):
    return np.squeeze(with_powers(lrs, weight_decay, 1, 1))


@mutant("rates_without_decay", blamed="nothing_to_replace")
def growth_of_their_own(lrs, weight_decay):
    return with_powers(lrs, weight_decay, 1, 1) * 1.01 ** np.arange(len(lrs))


@mutant("rates_without_decay", blamed="the_first_rate", says="already in the first step")
def one_step_late(lrs, weight_decay):
    return with_powers(lrs, weight_decay, 2, 0)


@mutant("rates_without_decay", blamed="the_first_rate", says="the other way round")
def lower_rates(lrs, weight_decay):
    return with_powers(lrs, weight_decay, -1, -1)


@mutant("rates_without_decay", blamed="the_first_rate", says="one factor only")
def the_square_of_the_length_after(lrs, weight_decay):
    return with_powers(lrs, weight_decay, 0, 2)


@mutant("rates_without_decay", blamed="the_first_rate", says="as well")
def decay_that_the_rate_does_not_multiply(lrs, weight_decay):
    t = np.arange(len(lrs))
    return lrs / (1 - weight_decay) ** (2 * t + 1)


@mutant("rates_without_decay", blamed="the_first_rate", says="once")
def decay_of_a_squared_penalty(lrs, weight_decay):
    return with_powers(lrs, 2 * weight_decay, 1, 1)


@mutant("rates_without_decay", blamed="the_first_rate", says="nearly")
def exponential_of_the_decay(lrs, weight_decay):
    steps = lrs * weight_decay
    return lrs * np.exp(2 * np.cumsum(steps) - steps)


@mutant("rates_without_decay", blamed="a_constant_rate", says="shorter than yours")
def same_gradient_for_both(lrs, weight_decay):
    return with_powers(lrs, weight_decay, 0, 1)


@mutant("rates_without_decay", blamed="a_constant_rate", says="all steps so far")
def the_last_decay_alone(lrs, weight_decay):
    return lrs / (1 - lrs * weight_decay)


@mutant("rates_without_decay", blamed="any_schedule", says="goes with the rate")
def decay_of_the_first_rate(lrs, weight_decay):
    return lrs / (1 - lrs[0] * weight_decay) ** (2 * np.arange(len(lrs)) + 1)


@mutant("rates_without_decay", blamed="any_schedule", says="earlier steps")
def as_if_the_rate_had_always_been_this(lrs, weight_decay):
    return lrs / (1 - lrs * weight_decay) ** (2 * np.arange(len(lrs)) + 1)
