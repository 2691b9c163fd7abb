"""Answers to the exercises of the notebook `covariate_shift`."""

import numpy as np
import torch
from registry import alternative, equivalent, mutant

# wasserstein_1


@alternative("wasserstein_1")
def unit_by_unit(before, after):
    distances = []
    for c in range(before.shape[1]):
        ways = zip(sorted(before[:, c]), sorted(after[:, c]), strict=True)
        distances.append(sum(abs(a - b) for b, a in ways) / len(before))
    return np.array(distances)


@alternative("wasserstein_1")
def area_between_the_cumulative_distributions(before, after):
    both = np.sort(np.concatenate([before, after]), axis=0)
    below = [(x[None] <= both[:, None]).mean(axis=1) for x in (before, after)]
    return (np.abs(below[0] - below[1])[:-1] * np.diff(both, axis=0)).sum(axis=0)


@alternative("wasserstein_1")
def argsort_and_gather(before, after):
    b = np.take_along_axis(before, before.argsort(axis=0), axis=0)
    a = np.take_along_axis(after, after.argsort(axis=0), axis=0)
    return np.linalg.norm(b - a, ord=1, axis=0) / len(b)


@mutant("wasserstein_1", blamed="one_per_unit")
def one_number_for_all(before, after):
    return np.abs(np.sort(after, axis=0) - np.sort(before, axis=0)).mean()


@mutant("wasserstein_1", blamed="one_per_unit")
def averages_over_units(before, after):
    return np.abs(np.sort(after, axis=0) - np.sort(before, axis=0)).mean(axis=1)


@mutant("wasserstein_1", blamed="one_per_unit")
def sorts_in_place(before, after):
    before.sort(axis=0)
    after.sort(axis=0)
    return np.abs(after - before).mean(axis=0)


@mutant("wasserstein_1", blamed="same_distribution")
def every_image_with_itself(before, after):
    return np.abs(after - before).mean(axis=0)


@mutant("wasserstein_1", blamed="same_distribution")
def sorts_one_of_the_two(before, after):
    return np.abs(np.sort(after, axis=0) - before).mean(axis=0)


@mutant("wasserstein_1", blamed="same_distribution")
def sorts_whole_rows(before, after):
    return np.abs(after[after[:, 0].argsort()] - before[before[:, 0].argsort()]).mean(axis=0)


@mutant("wasserstein_1", blamed="same_distribution")
def sorted_of_lists(before, after):
    return np.abs(np.array(sorted(after.tolist())) - sorted(before.tolist())).mean(axis=0)


@mutant("wasserstein_1", blamed="same_distribution")
def sorts_along_the_units(before, after):
    return np.abs(np.sort(after, axis=1) - np.sort(before, axis=1)).mean(axis=0)


@mutant("wasserstein_1", blamed="moved")
def keeps_the_sign(before, after):
    return (np.sort(after, axis=0) - np.sort(before, axis=0)).mean(axis=0)


@mutant("wasserstein_1", blamed="same_distribution")
def the_other_way_round(before, after):
    return np.abs(np.sort(after, axis=0) - np.sort(before, axis=0)[::-1]).mean(axis=0)


@mutant("wasserstein_1", blamed="moved")
def total_way(before, after):
    return np.abs(np.sort(after, axis=0) - np.sort(before, axis=0)).sum(axis=0)


@mutant("wasserstein_1", blamed="moved")
def only_the_shape(before, after):
    before, after = before - before.mean(axis=0), after - after.mean(axis=0)
    return np.abs(np.sort(after, axis=0) - np.sort(before, axis=0)).mean(axis=0)


@mutant("wasserstein_1", blamed="stretched")
def distance_of_the_means(before, after):
    return np.abs(after.mean(axis=0) - before.mean(axis=0))


@mutant("wasserstein_1", blamed="stretched")
def distance_of_the_medians(before, after):
    return np.abs(np.median(after, axis=0) - np.median(before, axis=0))


@mutant("wasserstein_1", blamed="stretched")
def longest_way(before, after):
    return np.abs(np.sort(after, axis=0) - np.sort(before, axis=0)).max(axis=0)


@mutant("wasserstein_1", blamed="stretched")
def root_of_mean_square(before, after):
    return np.sqrt(np.square(np.sort(after, axis=0) - np.sort(before, axis=0)).mean(axis=0))


@mutant("wasserstein_1", blamed="any_two_samples")
def means_and_spreads_alone(before, after):
    # Right for what is only moved and stretched evenly.
    spread = np.abs(before - before.mean(axis=0)).mean(axis=0)
    new_spread = np.abs(after - after.mean(axis=0)).mean(axis=0)
    shift = np.abs(after.mean(axis=0) - before.mean(axis=0))
    return np.maximum(shift, np.abs(new_spread - spread))


@mutant("wasserstein_1", blamed="stretched", says="median way")
def median_way(before, after):
    return np.median(np.abs(np.sort(after, axis=0) - np.sort(before, axis=0)), axis=0)


# gradient_shift


def both_gradients(x, target, weight1, weight2, relu_off=True, scale=None):
    """Correct gradients of the two-layer network, with the switches that answers get wrong."""
    z = x @ weight1.T
    h = np.maximum(z, 0)
    dy = 2 * (h @ weight2.T - target) * (1 / target.size if scale is None else scale)
    dh = dy @ weight2
    dz = np.where(z > 0, dh, 0) if relu_off else dh
    return dz.T @ x, dy.T @ h


def compared(g, g_new):
    length = np.linalg.norm(g)
    cosine = np.vdot(g, g_new) / (length * np.linalg.norm(g_new))
    return np.linalg.norm(g_new - g) / length, cosine


@alternative("gradient_shift")
def flattened(x, target, weight1, weight2, lr):
    d1, g = both_gradients(x, target, weight1, weight2)
    new = both_gradients(x, target, weight1 - lr * d1, weight2)[1].ravel()
    g = g.ravel()
    relative = np.sqrt(np.sum((new - g) ** 2) / np.sum(g**2))
    return relative, (g @ new) / np.sqrt((g @ g) * (new @ new))


@alternative("gradient_shift")
def sample_by_sample(x, target, weight1, weight2, lr):
    def gradients(w1):
        g1, g2 = np.zeros_like(w1), np.zeros_like(weight2)
        for row, wanted in zip(x, target, strict=True):
            z = w1 @ row
            h = z * (z > 0)
            dy = (weight2 @ h - wanted) * 2 / target.size
            g2 += np.outer(dy, h)
            g1 += np.outer((weight2.T @ dy) * (z > 0), row)
        return g1, g2

    g1, g = gradients(weight1)
    new = gradients(weight1 - lr * g1)[1]
    return compared(g, new)


@alternative("gradient_shift")
def an_array_of_two(x, target, weight1, weight2, lr):
    d1, g = both_gradients(x, target, weight1, weight2)
    return np.array(compared(g, both_gradients(x, target, weight1 - lr * d1, weight2)[1]))


@mutant("gradient_shift", blamed="two_numbers")
def one_number(x, target, weight1, weight2, lr):
    d1, g = both_gradients(x, target, weight1, weight2)
    return compared(g, both_gradients(x, target, weight1 - lr * d1, weight2)[1])[0]


@mutant("gradient_shift", blamed="two_numbers")
def one_cosine_per_output(x, target, weight1, weight2, lr):
    d1, g = both_gradients(x, target, weight1, weight2)
    new = both_gradients(x, target, weight1 - lr * d1, weight2)[1]
    cosine = (g * new).sum(axis=1) / np.linalg.norm(g, axis=1) / np.linalg.norm(new, axis=1)
    return np.linalg.norm(new - g) / np.linalg.norm(g), cosine


@mutant("gradient_shift", blamed="no_step")
def swapped(x, target, weight1, weight2, lr):
    d1, g = both_gradients(x, target, weight1, weight2)
    return compared(g, both_gradients(x, target, weight1 - lr * d1, weight2)[1])[::-1]


@mutant("gradient_shift", blamed="no_step")
def product_without_lengths(x, target, weight1, weight2, lr):
    d1, g = both_gradients(x, target, weight1, weight2)
    new = both_gradients(x, target, weight1 - lr * d1, weight2)[1]
    return compared(g, new)[0], np.vdot(g, new)


@mutant("gradient_shift", blamed="no_step")
def angle_for_cosine(x, target, weight1, weight2, lr):
    d1, g = both_gradients(x, target, weight1, weight2)
    relative, cosine = compared(g, both_gradients(x, target, weight1 - lr * d1, weight2)[1])
    return relative, np.arccos(np.clip(cosine, -1, 1))


@mutant("gradient_shift", blamed="no_step")
def ratio_of_the_lengths(x, target, weight1, weight2, lr):
    d1, g = both_gradients(x, target, weight1, weight2)
    new = both_gradients(x, target, weight1 - lr * d1, weight2)[1]
    return np.linalg.norm(new) / np.linalg.norm(g), compared(g, new)[1]


@mutant("gradient_shift", blamed="the_earlier_layer_steps")
def nobody_steps(x, target, weight1, weight2, lr):
    _, g = both_gradients(x, target, weight1, weight2)
    return compared(g, both_gradients(x, target, weight1, weight2)[1])


@mutant("gradient_shift", blamed="the_earlier_layer_steps")
def both_layers_step(x, target, weight1, weight2, lr):
    d1, g = both_gradients(x, target, weight1, weight2)
    return compared(g, both_gradients(x, target, weight1 - lr * d1, weight2 - lr * g)[1])


@mutant("gradient_shift", blamed="the_earlier_layer_steps")
def the_layer_itself_steps(x, target, weight1, weight2, lr):
    _, g = both_gradients(x, target, weight1, weight2)
    return compared(g, both_gradients(x, target, weight1, weight2 - lr * g)[1])


@mutant("gradient_shift", blamed="the_earlier_layer_steps")
def uphill(x, target, weight1, weight2, lr):
    d1, g = both_gradients(x, target, weight1, weight2)
    return compared(g, both_gradients(x, target, weight1 + lr * d1, weight2)[1])


@mutant("gradient_shift", blamed="the_earlier_layer_steps")
def gradient_of_the_first_layer(x, target, weight1, weight2, lr):
    d1, _ = both_gradients(x, target, weight1, weight2)
    return compared(d1, both_gradients(x, target, weight1 - lr * d1, weight2)[0])


@mutant("gradient_shift", blamed="the_earlier_layer_steps")
def relu_forgotten_on_the_way_back(x, target, weight1, weight2, lr):
    d1, g = both_gradients(x, target, weight1, weight2, relu_off=False)
    return compared(g, both_gradients(x, target, weight1 - lr * d1, weight2)[1])


@mutant("gradient_shift", blamed="the_earlier_layer_steps")
def sum_of_squares_as_loss(x, target, weight1, weight2, lr):
    d1, g = both_gradients(x, target, weight1, weight2, scale=1)
    return compared(g, both_gradients(x, target, weight1 - lr * d1, weight2, scale=1)[1])


@mutant("gradient_shift", blamed="the_earlier_layer_steps")
def mean_over_samples_alone(x, target, weight1, weight2, lr):
    scale = 1 / len(x)
    d1, g = both_gradients(x, target, weight1, weight2, scale=scale)
    return compared(g, both_gradients(x, target, weight1 - lr * d1, weight2, scale=scale)[1])


@mutant("gradient_shift", blamed="the_earlier_layer_steps")
def no_relu_at_all(x, target, weight1, weight2, lr):
    def gradients(w1):
        h = x @ w1.T
        dy = 2 * (h @ weight2.T - target) / target.size
        return (dy @ weight2).T @ x, dy.T @ h

    d1, g = gradients(weight1)
    return compared(g, gradients(weight1 - lr * d1)[1])


@mutant("gradient_shift", blamed="the_earlier_layer_steps")
def not_relative(x, target, weight1, weight2, lr):
    d1, g = both_gradients(x, target, weight1, weight2)
    new = both_gradients(x, target, weight1 - lr * d1, weight2)[1]
    return np.linalg.norm(new - g), compared(g, new)[1]


@mutant("gradient_shift", blamed="the_earlier_layer_steps")
def relative_to_the_new_gradient(x, target, weight1, weight2, lr):
    d1, g = both_gradients(x, target, weight1, weight2)
    new = both_gradients(x, target, weight1 - lr * d1, weight2)[1]
    return compared(new, g)


@mutant("gradient_shift", blamed="the_earlier_layer_steps")
def spectral_norm(x, target, weight1, weight2, lr):
    d1, g = both_gradients(x, target, weight1, weight2)
    new = both_gradients(x, target, weight1 - lr * d1, weight2)[1]
    return np.linalg.norm(new - g, 2) / np.linalg.norm(g, 2), compared(g, new)[1]


@mutant("gradient_shift", blamed="turned_round")
def cosine_without_sign(x, target, weight1, weight2, lr):
    d1, g = both_gradients(x, target, weight1, weight2)
    relative, cosine = compared(g, both_gradients(x, target, weight1 - lr * d1, weight2)[1])
    return relative, abs(cosine)


@mutant("gradient_shift", blamed="turned_round")
def first_order_only(x, target, weight1, weight2, lr):
    # Extrapolates from a tiny step, unless the step is small anyway.
    d1, g = both_gradients(x, target, weight1, weight2)
    step = min(lr, 0.2)
    new = both_gradients(x, target, weight1 - step * d1, weight2)[1]
    return compared(g, g + (new - g) * (lr / step if step else 1))


@mutant("gradient_shift", blamed="the_earlier_layer_steps")
def keeps_the_old_mask(x, target, weight1, weight2, lr):
    d1, g = both_gradients(x, target, weight1, weight2)
    h = x @ (weight1 - lr * d1).T * (x @ weight1.T > 0)
    return compared(g, (2 * (h @ weight2.T - target) / target.size).T @ h)


@mutant("gradient_shift", blamed="any_network")
def eighteen_entries(x, target, weight1, weight2, lr):
    d1, g = both_gradients(x, target, weight1, weight2, scale=1 / 18)
    return compared(g, both_gradients(x, target, weight1 - lr * d1, weight2, scale=1 / 18)[1])


# distribution_noise


@alternative("distribution_noise")
def value_first(x, rng, shift=0.5, stretch=1.25):
    n, c = x.shape
    s = 1 + (stretch - 1) * rng.random(c) + 0.1 * rng.standard_normal((n, c))
    m = shift * (2 * rng.random((1, c)) - 1) + 0.2 * rng.random((n, c)) - 0.1
    return x * s + m


@alternative("distribution_noise")
def column_by_column(x, rng, shift=0.5, stretch=1.25):
    y = np.empty(x.shape)
    for c in range(x.shape[1]):
        centre, factor = rng.uniform(-shift, shift), rng.uniform(1, stretch)
        m = rng.uniform(centre - 0.1, centre + 0.1, len(x))
        y[:, c] = rng.normal(factor, 0.1, len(x)) * x[:, c] + m
    return y


def noise(x, rng, centre, factor):
    return rng.normal(factor, 0.1, x.shape) * x + rng.uniform(centre - 0.1, centre + 0.1, x.shape)


def per_unit(x, rng, shift, stretch):
    return rng.uniform(-shift, shift, x.shape[1]), rng.uniform(1, stretch, x.shape[1])


@mutant("distribution_noise", blamed="same_shape")
def returns_the_draws_too(x, rng, shift=0.5, stretch=1.25):
    centre, factor = per_unit(x, rng, shift, stretch)
    return noise(x, rng, centre, factor), centre, factor


@mutant("distribution_noise", blamed="same_shape")
def in_place(x, rng, shift=0.5, stretch=1.25):
    centre, factor = per_unit(x, rng, shift, stretch)
    x *= rng.normal(factor, 0.1, x.shape)
    x += rng.uniform(centre - 0.1, centre + 0.1, x.shape)
    return x


@mutant("distribution_noise", blamed="every_unit_its_own_shift")
def one_centre_for_all_units(x, rng, shift=0.5, stretch=1.25):
    _, factor = per_unit(x, rng, shift, stretch)
    return noise(x, rng, rng.uniform(-shift, shift), factor)


@mutant("distribution_noise", blamed="shifts_within_a_unit")
def one_centre_per_sample(x, rng, shift=0.5, stretch=1.25):
    _, factor = per_unit(x, rng, shift, stretch)
    return noise(x, rng, rng.uniform(-shift, shift, (len(x), 1)), factor)


@mutant("distribution_noise", blamed="shifts_within_a_unit")
def one_centre_per_entry(x, rng, shift=0.5, stretch=1.25):
    _, factor = per_unit(x, rng, shift, stretch)
    return noise(x, rng, rng.uniform(-shift, shift, x.shape), factor)


@mutant("distribution_noise", blamed="every_unit_its_own_shift")
def only_upwards(x, rng, shift=0.5, stretch=1.25):
    _, factor = per_unit(x, rng, shift, stretch)
    return noise(x, rng, rng.uniform(0, shift, x.shape[1]), factor)


@mutant("distribution_noise", blamed="every_unit_its_own_shift")
def normal_centre(x, rng, shift=0.5, stretch=1.25):
    _, factor = per_unit(x, rng, shift, stretch)
    return noise(x, rng, rng.normal(0, shift, x.shape[1]), factor)


@mutant("distribution_noise", blamed="shifts_within_a_unit")
def no_shift(x, rng, shift=0.5, stretch=1.25):
    _, factor = per_unit(x, rng, shift, stretch)
    return rng.normal(factor, 0.1, x.shape) * x


@mutant("distribution_noise", blamed="shifts_within_a_unit")
def same_shift_for_every_sample(x, rng, shift=0.5, stretch=1.25):
    centre, factor = per_unit(x, rng, shift, stretch)
    return rng.normal(factor, 0.1, x.shape) * x + centre


@mutant("distribution_noise", blamed="shifts_within_a_unit")
def normal_shift(x, rng, shift=0.5, stretch=1.25):
    centre, factor = per_unit(x, rng, shift, stretch)
    return rng.normal(factor, 0.1, x.shape) * x + rng.normal(centre, 0.1, x.shape)


@mutant("distribution_noise", blamed="shifts_within_a_unit")
def shift_first(x, rng, shift=0.5, stretch=1.25):
    centre, factor = per_unit(x, rng, shift, stretch)
    return rng.normal(factor, 0.1, x.shape) * (x + rng.uniform(centre - 0.1, centre + 0.1, x.shape))


@mutant("distribution_noise", blamed="shifts_within_a_unit")
def half_as_wide(x, rng, shift=0.5, stretch=1.25):
    centre, factor = per_unit(x, rng, shift, stretch)
    return rng.normal(factor, 0.1, x.shape) * x + rng.uniform(centre - 0.05, centre + 0.05, x.shape)


@mutant("distribution_noise", blamed="stretches_within_a_unit")
def no_stretch(x, rng, shift=0.5, stretch=1.25):
    centre, _ = per_unit(x, rng, shift, stretch)
    return x + rng.uniform(centre - 0.1, centre + 0.1, x.shape)


@mutant("distribution_noise", blamed="every_unit_its_own_stretch")
def one_factor_for_all_units(x, rng, shift=0.5, stretch=1.25):
    centre, _ = per_unit(x, rng, shift, stretch)
    return noise(x, rng, centre, rng.uniform(1, stretch))


@mutant("distribution_noise", blamed="every_unit_its_own_stretch")
def shrinks_as_well(x, rng, shift=0.5, stretch=1.25):
    centre, _ = per_unit(x, rng, shift, stretch)
    return noise(x, rng, centre, rng.uniform(2 - stretch, stretch, x.shape[1]))


@mutant("distribution_noise", blamed="stretches_within_a_unit")
def same_stretch_for_every_sample(x, rng, shift=0.5, stretch=1.25):
    centre, factor = per_unit(x, rng, shift, stretch)
    return factor * x + rng.uniform(centre - 0.1, centre + 0.1, x.shape)


@mutant("distribution_noise", blamed="stretches_within_a_unit")
def variance_for_deviation(x, rng, shift=0.5, stretch=1.25):
    centre, factor = per_unit(x, rng, shift, stretch)
    return rng.normal(factor, 0.1**2, x.shape) * x + rng.uniform(
        centre - 0.1, centre + 0.1, x.shape
    )


@mutant("distribution_noise", blamed="stretches_within_a_unit")
def uniform_stretch(x, rng, shift=0.5, stretch=1.25):
    centre, factor = per_unit(x, rng, shift, stretch)
    half = 0.1 * np.sqrt(3)  # the same deviation as the bell curve
    s = rng.uniform(factor - half, factor + half, x.shape)
    return s * x + rng.uniform(centre - 0.1, centre + 0.1, x.shape)


@mutant("distribution_noise", blamed="shifts_within_a_unit")
def drawn_per_unit_alone(x, rng, shift=0.5, stretch=1.25):
    centre, factor = per_unit(x, rng, shift, stretch)
    return rng.normal(factor, 0.1) * x + rng.uniform(centre - 0.1, centre + 0.1)


@mutant("distribution_noise", blamed="shifts_within_a_unit")
def one_draw_of_m_per_sample(x, rng, shift=0.5, stretch=1.25):
    centre, factor = per_unit(x, rng, shift, stretch)
    return rng.normal(factor, 0.1, x.shape) * x + centre + rng.uniform(-0.1, 0.1, (len(x), 1))


@mutant("distribution_noise", blamed="every_unit_its_own_shift")
def up_or_down_by_the_whole_shift(x, rng, shift=0.5, stretch=1.25):
    _, factor = per_unit(x, rng, shift, stretch)
    return noise(x, rng, rng.choice([-shift, shift], x.shape[1]), factor)


@mutant("distribution_noise", blamed="stretches_within_a_unit")
def one_draw_of_s_per_sample(x, rng, shift=0.5, stretch=1.25):
    centre, factor = per_unit(x, rng, shift, stretch)
    s = factor + rng.normal(0, 0.1, (len(x), 1))
    return s * x + rng.uniform(centre - 0.1, centre + 0.1, x.shape)


@mutant("distribution_noise", blamed="stretches_within_a_unit")
def one_factor_per_sample(x, rng, shift=0.5, stretch=1.25):
    centre, _ = per_unit(x, rng, shift, stretch)
    return noise(x, rng, centre, rng.uniform(1, stretch, (len(x), 1))[:, [0] * x.shape[1]])


@mutant("distribution_noise", blamed="stretches_within_a_unit")
def one_factor_per_entry(x, rng, shift=0.5, stretch=1.25):
    centre, _ = per_unit(x, rng, shift, stretch)
    return noise(x, rng, centre, rng.uniform(1, stretch, x.shape))


@mutant("distribution_noise", blamed="stretches_within_a_unit")
def root_for_deviation(x, rng, shift=0.5, stretch=1.25):
    centre, factor = per_unit(x, rng, shift, stretch)
    s = rng.normal(factor, np.sqrt(0.1), x.shape)
    return s * x + rng.uniform(centre - 0.1, centre + 0.1, x.shape)


@mutant("distribution_noise", blamed="every_unit_its_own_stretch")
def not_at_all_or_by_the_whole_stretch(x, rng, shift=0.5, stretch=1.25):
    centre, _ = per_unit(x, rng, shift, stretch)
    return noise(x, rng, centre, rng.choice([1, stretch], x.shape[1]))


@mutant("distribution_noise", blamed="fresh_at_every_step")
def another_generator_each_time(x, rng, shift=0.5, stretch=1.25):
    rng = np.random.default_rng()
    return noise(x, rng, *per_unit(x, rng, shift, stretch))


@mutant("distribution_noise", blamed="fresh_at_every_step")
def centres_kept_between_calls(x, rng, shift=0.5, stretch=1.25, kept={}):  # noqa: B006
    drawn = kept.setdefault((x.shape, shift, stretch), per_unit(x, rng, shift, stretch))
    return noise(x, rng, *drawn)


@mutant("distribution_noise", blamed="fresh_at_every_step")
def a_generator_of_its_own(x, rng, shift=0.5, stretch=1.25):
    rng = np.random.default_rng(3)
    return noise(x, rng, *per_unit(x, rng, shift, stretch))


@mutant("distribution_noise", blamed="as_wide_as_told")
def the_papers_width_whatever_is_asked(x, rng, shift=0.5, stretch=1.25):
    return noise(x, rng, *per_unit(x, rng, 0.5, 1.25))


@mutant("distribution_noise", blamed="as_wide_as_told")
def m_as_wide_as_a_fifth_of_shift(x, rng, shift=0.5, stretch=1.25):
    centre, factor = per_unit(x, rng, shift, stretch)
    m = rng.uniform(centre - 0.2 * shift, centre + 0.2 * shift, x.shape)
    return rng.normal(factor, 0.1, x.shape) * x + m


@mutant("distribution_noise", blamed="as_wide_as_told")
def loses_the_sign(x, rng, shift=0.5, stretch=1.25):
    return noise(np.abs(x), rng, *per_unit(x, rng, shift, stretch))


@mutant("distribution_noise", blamed="as_wide_as_told")
def stretch_ignored(x, rng, shift=0.5, stretch=1.25):
    return noise(x, rng, *per_unit(x, rng, shift, 1.25))


def noise_from(x, rng, centre, factor):
    """The noise around given centres and factors."""
    return rng.normal(factor, 0.1, x.shape) * x + rng.uniform(centre - 0.1, centre + 0.1, x.shape)


@mutant("distribution_noise", blamed="draws_of_their_own")
def one_draw_for_centre_and_factor(x, rng, shift=0.5, stretch=1.25):
    u = rng.random(x.shape[1])
    return noise_from(x, rng, shift * (2 * u - 1), 1 + (stretch - 1) * u)


@mutant("distribution_noise", blamed="draws_of_their_own")
def the_further_up_the_less_stretched(x, rng, shift=0.5, stretch=1.25):
    u = rng.random(x.shape[1])
    return noise_from(x, rng, shift * (2 * u - 1), stretch - (stretch - 1) * u)


@mutant("distribution_noise", blamed="draws_of_their_own")
def same_seed_for_shift_and_stretch(x, rng, shift=0.5, stretch=1.25):
    units, seed = x.shape[1], int(rng.integers(2**32))
    centre = np.random.default_rng(seed).uniform(-shift, shift, units)
    factor = np.random.default_rng(seed).uniform(1, stretch, units)
    return noise_from(x, rng, centre, factor)


@mutant("distribution_noise", blamed="draws_of_their_own")
def one_draw_for_shift_and_stretch(x, rng, shift=0.5, stretch=1.25):
    centre = rng.uniform(-shift, shift, x.shape[1])
    factor = rng.uniform(1, stretch, x.shape[1])
    u = rng.uniform(-1, 1, x.shape)
    bell = np.sign(u) * np.sqrt(-2 * np.log(np.maximum(np.abs(u), 1e-12))) * 0.1 / 1.4
    return (factor + bell) * x + centre + 0.1 * u


equivalent(
    "distribution_noise",
    "return s * x + m -> … - m",
    "centre and m are as often negative as positive: -m is drawn from the same distribution",
)
equivalent(
    "gradient_shift",
    "dz = dy @ weight2 * (z > 0) -> … >= 0)",
    "at exactly 0 ReLU has no slope; 0 and 1 are both chosen by somebody",
)


@alternative("wasserstein_1")
def tuple_of_numbers(before, after):
    return tuple(
        np.mean(np.abs(np.sort(a) - np.sort(b))) for a, b in zip(after.T, before.T, strict=True)
    )


@mutant("wasserstein_1", blamed="whole_numbers", says="hold fractions")
def filled_into_the_type_of_the_values(before, after):
    distance = np.zeros_like(before[0])
    for c in range(len(distance)):
        distance[c] = np.abs(np.sort(after[:, c]) - np.sort(before[:, c])).mean()
    return distance


@alternative("distribution_noise")
def rows_of_standard_draws(x, rng, shift=0.5, stretch=1.25):
    centre = shift * (2 * rng.random(x.shape[1]) - 1)
    factor = 1 + (stretch - 1) * rng.random(x.shape[1])
    return [
        (factor + 0.1 * rng.standard_normal(len(row))) * row
        + (centre + 0.2 * (rng.random(len(row)) - 0.5))
        for row in x
    ]


@mutant("distribution_noise", blamed="stretches_within_a_unit", says="x itself")
def stretches_about_the_mean(x, rng, shift=0.5, stretch=1.25):
    mu = x.mean(axis=0)
    return mu + noise(x - mu, rng, *per_unit(x, rng, shift, stretch))


@mutant("distribution_noise", blamed="fresh_at_every_step", says="draw everything from `rng`")
def entries_from_another_generator(x, rng, shift=0.5, stretch=1.25):
    return noise(x, np.random, *per_unit(x, rng, shift, stretch))


@mutant("distribution_noise", blamed="ordinary_values", says="hold fractions")
def noise_cut_to_whole_numbers(x, rng, shift=0.5, stretch=1.25):
    y = np.empty_like(x)
    y[:] = noise(x, rng, *per_unit(x, rng, shift, stretch))
    return y


@mutant("distribution_noise", blamed="ordinary_values")
def noise_of_two_digits(x, rng, shift=0.5, stretch=1.25):
    return noise(x, rng, *per_unit(x, rng, shift, stretch)).round(2)


def slope_of(x, target, weight1, weight2, *, through_dy=1, through_h=1, masked=True, size=None):
    """The slope of the gradient's change, its two parts weighed, with or without ReLU masks."""
    z = x @ weight1.T
    h, on = np.maximum(z, 0), z > 0
    dy = 2 * (h @ weight2.T - target) / (size or target.size)
    dweight1 = (dy @ weight2 * on).T @ x
    h_moves = (x @ dweight1.T) * (on if masked else 1)
    dy_moves = 2 * h_moves @ weight2.T / (size or target.size)
    moves = through_dy * dy_moves.T @ h + through_h * dy.T @ h_moves
    return np.linalg.norm(moves) / np.linalg.norm(dy.T @ h)


@alternative("gradient_shift_slope")
def by_forward_mode(x, target, weight1, weight2):
    x, target, w1, w2 = (torch.tensor(a) for a in (x, target, weight1, weight2))

    def gradients(w1):
        z = x @ w1.T
        h = torch.relu(z)
        dy = 2 * (h @ w2.T - target) / target.numel()
        return (dy @ w2 * (z > 0)).T @ x, dy.T @ h

    step, g = gradients(w1)
    _, moves = torch.func.jvp(lambda w: gradients(w)[1], (w1,), (-step,))
    return (moves.norm() / g.norm()).item()


@alternative("gradient_shift_slope")
def outer_products(x, target, weight1, weight2):
    on = (x @ weight1.T > 0).astype(float)
    h = x @ weight1.T * on
    errors = h @ weight2.T - target
    dweight1 = 2 / target.size * ((errors @ weight2) * on).T @ x
    g, moves = 0.0, 0.0
    for n in range(len(x)):
        h_moves = -on[n] * (dweight1 @ x[n])
        g = g + np.outer(errors[n], h[n])
        moves = moves + np.outer(weight2 @ h_moves, h[n]) + np.outer(errors[n], h_moves)
    return float(np.sqrt((moves**2).sum() / (g**2).sum()))


@mutant("gradient_shift_slope", blamed="one_number")
def returns_the_matrix(x, target, weight1, weight2):
    z = x @ weight1.T
    return (2 * (np.maximum(z, 0) @ weight2.T - target) / target.size).T @ np.maximum(z, 0)


@mutant("gradient_shift_slope", blamed="nothing_reaches_the_earlier_layer", says="stands still")
def both_layers_move(x, target, weight1, weight2):
    z = x @ weight1.T
    h, on = np.maximum(z, 0), z > 0
    dy = 2 * (h @ weight2.T - target) / target.size
    g = dy.T @ h
    h_moves = (x @ ((dy @ weight2 * on).T @ x).T) * on
    dy_moves = 2 * (h_moves @ weight2.T + h @ g.T) / target.size
    return np.linalg.norm(dy_moves.T @ h + dy.T @ h_moves) / np.linalg.norm(g)


@mutant("gradient_shift_slope", blamed="change_per_rate", says="dy moves too")
def error_stands_still(x, target, weight1, weight2):
    return slope_of(x, target, weight1, weight2, through_dy=0)


@mutant("gradient_shift_slope", blamed="change_per_rate", says="h moves too")
def hidden_units_stand_still(x, target, weight1, weight2):
    return slope_of(x, target, weight1, weight2, through_h=0)


@mutant("gradient_shift_slope", blamed="change_per_rate", says="they are added")
def parts_subtracted(x, target, weight1, weight2):
    return slope_of(x, target, weight1, weight2, through_h=-1)


@mutant("gradient_shift_slope", blamed="change_per_rate", says="off does not move")
def units_that_are_off_move(x, target, weight1, weight2):
    return slope_of(x, target, weight1, weight2, masked=False)


@mutant("gradient_shift_slope", blamed="change_per_rate", says="factor of 2")
def half_the_square(x, target, weight1, weight2):
    return slope_of(x, target, weight1, weight2, through_dy=0.5)


@mutant("gradient_shift_slope", blamed="for_ever_smaller_rates")
def some_small_rate(x, target, weight1, weight2):
    def gradients(weight1):
        z = x @ weight1.T
        h = np.maximum(z, 0)
        dy = 2 * (h @ weight2.T - target) / target.size
        return (dy @ weight2 * (z > 0)).T @ x, dy.T @ h

    rate = 1e-7
    step, g = gradients(weight1)
    moved = gradients(weight1 - rate * step)[1] - g
    return np.linalg.norm(moved) / np.linalg.norm(g) / rate


@mutant("gradient_shift_slope", blamed="slope_of_any_network")
def always_eighteen_outputs(x, target, weight1, weight2):
    return slope_of(x, target, weight1, weight2, size=18)


for change in (
    "dweight1 = (dy @ weight2 * (z > 0)).T @ x -> … >= 0)).T @ x",
    "h_moves = x @ dweight1.T * (z > 0) -> … >= 0)",
):
    equivalent("gradient_shift_slope", change, because="no unit stands at 0 exactly")
