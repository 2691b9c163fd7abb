"""Exercises of the notebook `covariate_shift`: measure a shift, make one, derive how one grows."""

import numpy as np

from helpers.exercises.engine import (
    array_like,
    exercise,
    number,
    parts,
    prediction,
    same,
    same_of_whole,
    slip,
    word,
)

_rng = np.random.default_rng(70)
# Seven images, four units; the later values are shuffled unit by unit, moved, stretched, turned.
BEFORE = _rng.normal(size=(7, 4)) * np.array([1.0, 3.0, 0.5, 2.0]) + np.array([0.0, 5.0, -1.0, 2.0])
AFTER = _rng.permuted(BEFORE, axis=0) * [1.0, 0.4, -2.0, 1.0] + [0.7, 3.0, -3.0, -4.0]

# A small network: five inputs, four ReLU units, three outputs; six samples.
X = _rng.normal(size=(6, 5))
TARGET = _rng.normal(size=(6, 3)) + np.array([1.0, 0.0, -2.0])
WEIGHT1 = _rng.normal(size=(4, 5))
WEIGHT2 = _rng.normal(size=(3, 4))
LR = 0.13  # that nobody would write into the function; its step switches some ReLUs
# All positive, and the outputs far too small: at this rate the step overshoots the targets.
OVERSHOT = np.abs(X), 10 + np.abs(TARGET), np.abs(WEIGHT1), np.abs(WEIGHT2), 0.5

# Enough values that a wrong distribution shows, whatever the order of the draws.
SAMPLES, UNITS = 500, 200
ZEROS = np.zeros((SAMPLES, UNITS))
HUGE = 1e9  # so large that the shift vanishes beside the stretch

number(
    "covariate-shift-image-values",
    answer=2048,
    within=1.01,
    reason="The mean of a channel runs over 32 images and 64 positions each.",
    recalls="convolution",
)
word(
    "covariate-shift-inversion",
    answers=("gamma", "γ"),
    reason="A standard deviation cannot be negative, but gamma can.",
    recalls="convolution",
)
prediction(
    "covariate-shift-two-batches",
    right="c",
    a="what backward needs of A was overwritten when B came.",
    b="gradients add up over calls of backward, and that was called once.",
    c="what backward needs is what the last forward put aside.",
    recalls="your_layer",
)

prediction(
    "covariate-shift-one-unit",
    right="a",
    a="x_hat has mean zero at every step, so the mean of gamma * x_hat + beta is beta.",
    b="so it is in the plain network. Here batch norm subtracts the mean, whatever the weights "
    "have made of it.",
    c="x_hat keeps mean zero, but beta is added to it, and beta learns.",
    believed={"b": "claim: shift-amplified", "c": "claim: fixes-mean-and-variance"},
)
number(
    "covariate-shift-cosine",
    answer=-0.17,
    within_absolute=0.35,
    reason="Eight layers stepped at once, and their steps multiply on the way up. What the output "
    "layer sees afterwards has little to do with what it saw before.",
    measured_by='np.median(cosine["plain"][:, -1])',
    tolerance=0.15,
)
number(
    "covariate-shift-own-rates",
    answer=0.83,
    unit="times",
    within=1.3,
    reason="Batch norm permits a rate ten times as large, and a longer step disturbs more: that "
    "uses up the advantage.",
    measured_by="np.median(own_ratio)",
    tolerance=0.2,
)
prediction(
    "covariate-shift-noisy-layers",
    right="c",
    a="it is far ahead of the plain network, whose inputs are disturbed by nothing but training.",
    b="the means jump by a third of a standard deviation at every step, and still it learns.",
    c="in this network the noise leaves no trace in the accuracy.",
    believed={"a": "claim: inputs-keep-their-distribution", "b": "claim: noise-stops-training"},
)
number(
    "covariate-shift-rate",
    answer=6.5,
    unit="times",
    within=2,
    reason="The earlier layers take a step of a tenth of the length, and a short step disturbs in "
    "proportion. At 0.03 the steps are so long that proportion no longer holds exactly.",
    measured_by='np.median(relative["plain"][:, 3] / relative["plain"][:, 1])',
)
prediction(
    "covariate-shift-linear",
    right="c",
    a="so it was in the eight ReLU layers. Here it is the other way round.",
    b="the two differ by more than a factor of ten.",
    c="the network with batch norm moves a lot. The plain one hardly changes its gradients, and "
    "hardly its loss either.",
    believed={
        "a": "claim: reduces-covariate-shift",
        "b": "claim: more-shift-better-training",
    },
)


@exercise(
    "If every value may travel to any place, which value should travel where, so that all of them "
    "together travel least? Begin with one unit and three values on paper.",
    "The smallest value goes to the smallest place, the second to the second, and so on. np.sort "
    "returns a sorted copy; the values of a unit stand in a column.",
    "np.abs(np.sort(after, axis=0) - np.sort(before, axis=0)).mean(axis=0)",
)
def wasserstein_1(before, after):
    return np.abs(np.sort(after, axis=0) - np.sort(before, axis=0)).mean(axis=0)


@wasserstein_1.expect
def one_per_unit():
    """Return one distance per unit."""
    array_like((yield (BEFORE, AFTER), {}), "the distance", shape=(4,))


@wasserstein_1.expect
def same_distribution():
    """The images in another order are the same distribution: distance 0."""
    # Every unit in an order of its own: who sorts whole rows is found out.
    shuffled = np.random.default_rng(72).permuted(BEFORE, axis=0)
    same((yield (BEFORE, shuffled), {}), np.zeros(4), "the distance")


@wasserstein_1.expect
def moved():
    """If every value moves up or down by 3, the distance is 3: it has no direction."""
    shift = np.array([3.0, -3.0, 3.0, -3.0])
    same((yield (BEFORE, BEFORE + shift), {}), np.full(4, 3.0), "the distance")


@wasserstein_1.expect
def stretched():
    """It also sees what a mean cannot: -3, -1, 0, 0, 4, each stretched to three times that, are
    3.2 away on average."""
    before = np.array([[-3.0], [-1.0], [0.0], [0.0], [4.0]])
    distance = yield (before, 3 * before), {}
    says = "0 is the distance of the means, and of the medians; the values moved all the same"
    slip(distance, [0.0], says)
    slip(distance, [16.0], "this is the sum over the values; take their mean")
    slip(distance, [8.0], "this is the largest way that a value travels; take the mean")
    slip(distance, [2.0], "this is the median way; take the mean")
    slip(distance, [np.sqrt(104 / 5)], "take the mean of the distances, not of their squares")
    same(distance, [3.2], "the distance")


@wasserstein_1.expect
def any_two_samples():
    """The mean distance from sorted values to sorted values, unit by unit."""
    distance = yield (BEFORE, AFTER), {}
    paired = np.abs(AFTER - BEFORE).mean(axis=0)
    slip(distance, paired, "each image is paired with itself; sort both samples first")
    half = np.abs(np.sort(AFTER, axis=0) - BEFORE).mean(axis=0)
    slip(distance, half, "only one of the two samples is sorted")
    flat = np.sort(AFTER.ravel()).reshape(7, 4) - np.sort(BEFORE.ravel()).reshape(7, 4)
    slip(distance, np.abs(flat).mean(axis=0), "sort each unit by itself: axis=0")
    same(distance, wasserstein_1(BEFORE, AFTER), "the distance")


@wasserstein_1.expect_or_refuse
def whole_numbers():
    """It works for whole numbers, such as pixels, too: the mean distance has fractions."""
    before, after = np.array([[3, 0], [7, 9], [1, 2]]), np.array([[5, 4], [0, 0], [2, 1]])
    distance = yield (before, after), {}
    same_of_whole(distance, wasserstein_1(before, after), "the distance")


@exercise(
    "Write a helper that returns both gradients for a given weight1. You need it twice: before "
    "and after weight1 took its step.",
    "Backward: dy = 2 * (y - target) / target.size, dweight2 = dy.T @ h, and dweight1 needs "
    "dy @ weight2, set to 0 where the ReLU was off. Only weight1 takes a step.",
    "With G and G_new, the gradients of weight2 before and after: relative = norm(G_new - G) / "
    "norm(G) and cosine = sum(G * G_new) / (norm(G) * norm(G_new)). np.linalg.norm of a matrix is "
    "the root of the sum of its squares.",
)
def gradient_shift(x, target, weight1, weight2, lr):
    def gradients(weight1):
        z = x @ weight1.T
        h = np.maximum(z, 0)
        dy = 2 * (h @ weight2.T - target) / target.size
        dz = (dy @ weight2) * (z > 0)
        return dz.T @ x, dy.T @ h

    dweight1, g = gradients(weight1)
    _, g_new = gradients(weight1 - lr * dweight1)

    relative = np.linalg.norm(g_new - g) / np.linalg.norm(g)
    cosine = np.sum(g * g_new) / (np.linalg.norm(g) * np.linalg.norm(g_new))
    return relative, cosine


def _gradients(weight1, weight2, mask=True):
    """Both gradients at these weights; mask=False forgets the ReLU on the way back."""
    z = X @ weight1.T
    h = np.maximum(z, 0)
    dy = 2 * (h @ weight2.T - TARGET) / TARGET.size
    dz = dy @ weight2 * (z > 0 if mask else 1)
    return dz.T @ X, dy.T @ h


def _compared(g, g_new):
    norms = np.linalg.norm(g), np.linalg.norm(g_new)
    return np.array([np.linalg.norm(g_new - g) / norms[0], np.sum(g * g_new) / np.prod(norms)])


@gradient_shift.expect
def two_numbers():
    """Return two numbers: (relative, cosine)."""
    result = yield (X, TARGET, WEIGHT1, WEIGHT2, LR), {}
    if isinstance(result, np.ndarray) and result.ndim == 1:
        result = tuple(result)
    relative, cosine = parts(result, "relative", "cosine")
    array_like(relative, "relative", shape=())
    array_like(cosine, "cosine", shape=())


@gradient_shift.expect
def no_step():
    """At a rate of 0 nothing moves: relative change 0, cosine 1."""
    result = yield (X, TARGET, WEIGHT1, WEIGHT2, 0.0), {}
    slip(result, (1.0, 0.0), "the two are swapped: return (relative, cosine)")
    slip(result, (0.0, 0.0), "the cosine of an angle of 0 is 1; 0 is the angle, and 1 - cosine")
    same(result[0], 0.0, "relative")
    same(result[1], 1.0, "cosine")


@gradient_shift.expect
def the_earlier_layer_steps():
    """weight1 takes its step, weight2 does not, and the gradient of weight2 is taken again on the
    same batch."""
    result = np.array((yield (X, TARGET, WEIGHT1, WEIGHT2, LR), {}))
    d1, g = _gradients(WEIGHT1, WEIGHT2)
    without_mask = _gradients(WEIGHT1, WEIGHT2, mask=False)[0]

    def after(weight1, weight2=WEIGHT2):
        return _compared(g, _gradients(weight1, weight2)[1])

    right = after(WEIGHT1 - LR * d1)
    slip(result, (0.0, 1.0), "nothing changed: compute the gradient again after weight1 stepped")
    slip(result, after(WEIGHT1 + LR * d1), "weight1 moved uphill: subtract lr times its gradient")
    slip(result, after(WEIGHT1 - d1), "lr is missing in the step of weight1")
    both = after(WEIGHT1 - LR * d1, WEIGHT2 - LR * g)
    slip(result, both, "weight2 moved as well: only the layer before it takes its step")
    slip(result, after(WEIGHT1, WEIGHT2 - LR * g), "weight1 takes the step, not weight2")
    slip(result, after(WEIGHT1 - LR * without_mask), "where the ReLU was off, no gradient passes")
    summed = after(WEIGHT1 - LR * TARGET.size * d1)
    slip(result, summed, "the loss is the mean over all entries of (y - target)**2, not the sum")
    per_sample = after(WEIGHT1 - LR * TARGET.shape[1] * d1)
    slip(result, per_sample, "the loss is the mean over all entries: divide by target.size")
    slip(result, after(WEIGHT1 - LR * d1 / 2), "the square gives a factor of 2 in the gradient")
    first = _compared(d1, _gradients(WEIGHT1 - LR * d1, WEIGHT2)[0])
    slip(result, first, "this is the gradient of weight1; compare those of weight2")
    g_new = _gradients(WEIGHT1 - LR * d1, WEIGHT2)[1]
    l2 = np.linalg.norm(g_new - g)
    slip(result[0], l2, "this is the length of the change; divide it by the length of G")
    slip(result[0], l2 / np.linalg.norm(g_new), "divide by the length of the old gradient G")
    slip(result[0], right[0] ** 2, "relative is squared: take the root of the sums of squares")
    spectral = np.linalg.norm(g_new - g, 2) / np.linalg.norm(g, 2)
    slip(result[0], spectral, "np.linalg.norm(G, 2) is another norm; leave out the 2")
    same(result[0], right[0], "relative")
    same(result[1], right[1], "cosine")


@gradient_shift.expect
def turned_round():
    """A step that overshoots turns the gradient round: the cosine is negative."""
    result = yield OVERSHOT, {}
    right = gradient_shift(*OVERSHOT)
    slip(result[1], abs(right[1]), "the sign of the cosine is lost")
    same(result[0], right[0], "relative")
    same(result[1], right[1], "cosine")


@gradient_shift.expect
def any_network():
    """It works for other sizes."""
    args = X[:3, :4], TARGET[:3, :2], WEIGHT1[:3, :4], WEIGHT2[:2, :3], LR
    result = yield args, {}
    same(result[0], gradient_shift(*args)[0], "relative (3 samples, 2 outputs)")
    same(result[1], gradient_shift(*args)[1], "cosine (3 samples, 2 outputs)")


@exercise(
    "Two numbers per unit are drawn first, centre and factor, each of shape (C,). Then two numbers "
    "for every entry of x, drawn around them.",
    "rng.uniform(low, high, size) and rng.normal(mean, deviation, size) accept arrays: with centre "
    "of shape (C,), rng.uniform(centre - 0.1, centre + 0.1, x.shape) draws around every unit's "
    "own.",
    "centre = rng.uniform(-shift, shift, C) and factor = rng.uniform(1, stretch, C); m is drawn "
    "around centre as above, s = rng.normal(factor, 0.1, x.shape); return s * x + m.",
    may_draw=True,
)
def distribution_noise(x, rng, shift=0.5, stretch=1.25):
    units = x.shape[1]
    centre = rng.uniform(-shift, shift, units)
    factor = rng.uniform(1, stretch, units)
    m = rng.uniform(centre - 0.1, centre + 0.1, x.shape)
    s = rng.normal(factor, 0.1, x.shape)
    return s * x + m


def _generator(seed=0):
    return np.random.default_rng([71, seed])


def _between(value, low, high, what):
    assert low <= value <= high, f"{what} is {value:.3g}, expected between {low:g} and {high:g}"


@distribution_noise.expect
def same_shape():
    """Return an array of the shape of x."""
    array_like((yield (X, _generator()), {}), "the result", shape=X.shape)


@distribution_noise.expect
def shifts_within_a_unit():
    """Where x is 0, only the shifts m remain. Within a unit every sample has one of its own, at
    most 0.1 from the unit's centre, all values in between alike."""
    m = yield (ZEROS, _generator()), {}
    assert np.abs(m).max() > 0, "nothing is added to x: y = s * x + m"
    widths = np.ptp(m, axis=0)
    assert widths.min() > 0, (
        "all samples of a unit are shifted alike: m is drawn for every entry, x.shape"
    )
    of_samples = (m - m.mean(axis=0)).mean(axis=1).std()
    assert of_samples < 0.035, (
        "the units of a sample are shifted alike: centre is drawn per unit, (C,), m per entry, "
        "(N, C), nothing per sample"
    )
    deviation = np.median(m.std(axis=0))
    assert deviation < 0.25, (
        f"the shifts of a unit have a deviation of {deviation:.3g}, as wide as centres: draw one "
        "centre per unit, (C,), not one per entry"
    )
    assert widths.max() <= 0.2 + 1e-9, (
        f"where x is 0, the values of a unit lie up to {widths.max():.3g} apart, expected at most "
        "0.2: m is added after the stretch, and is uniform within 0.1 of the unit's centre"
    )
    _between(deviation, 0.054, 0.062, "the deviation of a unit's shifts")


@distribution_noise.expect
def every_unit_its_own_shift():
    """Where x is 0, the mean differs from unit to unit: it is the centre, uniform between -shift
    and shift."""
    centres = (yield (ZEROS, _generator()), {}).mean(axis=0)
    assert np.ptp(centres) > 0.2, "all units are shifted alike: draw one centre per unit"
    farthest = centres[np.abs(centres).argmax()]
    assert abs(farthest) <= 0.51, (
        f"a unit is shifted by {farthest:.3g} on average, expected at most 0.5 up or down: "
        "centre is uniform"
    )
    _between(centres.min(), -0.51, -0.4, "the smallest unit mean of 200")
    _between(centres.max(), 0.4, 0.51, "the largest unit mean of 200")
    _between(centres.std(), 0.24, 0.34, "the deviation of 200 unit means, centre being uniform,")


@distribution_noise.expect
def stretches_within_a_unit():
    """Where x is huge, y / x is the stretch s. Within a unit every sample has one of its own, from
    a bell curve with deviation 0.1."""
    s = (yield (ZEROS + HUGE, _generator()), {}) / HUGE
    says = "x itself is not stretched, nor its distance from a mean: y = s * x + m"
    slip(s, np.ones_like(s), says, tol=1e-6)
    deviations = s.std(axis=0)
    assert deviations.min() > 1e-6, (
        "all samples of a unit are stretched alike: s is drawn for every entry, x.shape"
    )
    of_samples = (s - s.mean(axis=0)).mean(axis=1).std()
    assert of_samples < 0.035, (
        "the units of a sample are stretched alike: factor is drawn per unit, (C,), s per entry, "
        "(N, C), nothing per sample"
    )
    deviation = np.median(deviations)
    assert not 0.29 < deviation < 0.34, (
        "the deviation of s is the root of 0.1: rng.normal takes the deviation, not the variance"
    )
    _between(deviation, 0.09, 0.11, "the deviation of a unit's stretches")
    farthest = np.abs(s - s.mean(axis=0)).max()
    assert farthest > 0.3, "no stretch is far from its unit's mean: s has a normal distribution"


@distribution_noise.expect
def every_unit_its_own_stretch():
    """Where x is huge, the mean of y / x differs from unit to unit: it is the factor, uniform
    between 1 and stretch."""
    factors = ((yield (ZEROS + HUGE, _generator()), {}) / HUGE).mean(axis=0)
    assert np.ptp(factors) > 0.1, "all units are stretched alike: draw one factor per unit"
    _between(factors.min(), 0.97, 1.03, "the smallest mean stretch of 200 units")
    _between(factors.max(), 1.22, 1.28, "the largest mean stretch of 200 units")
    _between(
        factors.std(), 0.055, 0.09, "the deviation of 200 mean stretches, factor being uniform,"
    )


def _related(a, b):
    """The correlation of two arrays of the same shape, over all entries."""
    return np.corrcoef(a.ravel(), b.ravel())[0, 1]


@distribution_noise.expect
def draws_of_their_own():
    """A unit's factor tells nothing about its centre, and an entry's stretch nothing about its
    shift: these are four draws."""
    m = yield (ZEROS, _generator(3)), {}
    s = (yield (ZEROS + HUGE, _generator(3)), {}) / HUGE
    centres, factors = m.mean(axis=0), s.mean(axis=0)
    # Of 200 independent pairs, one in a million sets comes to 0.35.
    assert abs(_related(centres, factors)) < 0.4, (
        "the units that are shifted furthest are stretched most, or least: centre and factor are "
        "two draws"
    )
    says = "the entries shifted furthest are stretched most, or least: m and s are two draws"
    assert abs(_related(m - centres, s - factors)) < 0.05, says


@distribution_noise.expect
def fresh_at_every_step():
    """It draws all from the generator that it is given: another generator, other noise; the same
    generator, the same noise."""
    first = yield (ZEROS, _generator(1)), {}
    again = yield (ZEROS, _generator(1)), {}
    other = yield (ZEROS, _generator(2)), {}
    assert np.abs(first - other).max() > 0, "two generators gave the same noise: use `rng`"
    moved = np.abs(first.mean(axis=0) - other.mean(axis=0))
    assert np.median(moved) > 0.05, "the centres stayed the same: draw them anew in every call"
    assert np.array_equal(first, again), (
        "generators in the same state gave different noise: draw everything from `rng`"
    )


@distribution_noise.expect
def as_wide_as_told():
    """shift and stretch say how far centre and factor reach, and nothing else."""
    wide = {"shift": 3.0, "stretch": 2.0}
    m = yield (ZEROS, _generator()), wide
    s = (yield (ZEROS - HUGE, _generator()), wide) / -HUGE
    _between(m.mean(axis=0).max(), 2.7, 3.01, "the largest unit mean of 200 for shift = 3")
    _between(m.mean(axis=0).min(), -3.01, -2.7, "the smallest unit mean of 200 for shift = 3")
    _between(np.ptp(m, axis=0).max(), 0.18, 0.2 + 1e-9, "a unit's widest shifts, for any shift,")
    _between(s.mean(axis=0).max(), 1.9, 2.05, "the largest mean stretch for stretch = 2")


@distribution_noise.expect_or_refuse
def ordinary_values():
    """Every value becomes s * x + m, whole numbers too: neither s nor m depends on x."""
    m = yield (np.zeros(X.shape), _generator(4)), {}
    s = (yield (np.ones(X.shape), _generator(4)), {}) - m
    same((yield (X, _generator(4)), {}), s * X + m, "y, where the same draws made s and m")
    whole = np.round(5 * X).astype(int)
    y = yield (whole, _generator(4)), {}
    same_of_whole(y, s * whole + m, "y (x of whole numbers), where the same draws made s and m")


@exercise(
    "Write the backward pass of gradient_shift once, at t = 0. Then write below each line how fast "
    "it moves: weight1 at the rate -dweight1, z = x @ weight1.T at the rate -x @ dweight1.T.",
    "h moves where its ReLU is on. dy = 2 * (h @ weight2.T - target) / target.size moves with h; "
    "the target stands still.",
    "G = dy.T @ h is a product, and both factors move: dy_moves.T @ h + dy.T @ h_moves.",
    "The slope is the length of this matrix over the length of G.",
)
def gradient_shift_slope(x, target, weight1, weight2):
    z = x @ weight1.T
    h = np.maximum(z, 0)
    dy = 2 * (h @ weight2.T - target) / target.size
    dweight1 = (dy @ weight2 * (z > 0)).T @ x
    g = dy.T @ h

    h_moves = (x @ dweight1.T) * (z > 0)
    dy_moves = 2 * h_moves @ weight2.T / target.size
    g_moves = dy_moves.T @ h + dy.T @ h_moves
    return np.linalg.norm(g_moves) / np.linalg.norm(g)


@gradient_shift_slope.expect
def one_number():
    """Return one number."""
    array_like((yield (X, TARGET, WEIGHT1, WEIGHT2), {}), "the slope", shape=())


@gradient_shift_slope.expect
def nothing_reaches_the_earlier_layer():
    """If weight2 is 0, no gradient reaches weight1, nothing moves, and the slope is 0."""
    slope = yield (X, TARGET, WEIGHT1, 0 * WEIGHT2), {}
    h = np.maximum(X @ WEIGHT1.T, 0)
    g = -2 * TARGET.T @ h / TARGET.size
    own = np.linalg.norm(2 * g @ h.T @ h / TARGET.size) / np.linalg.norm(g)
    slip(slope, own, "weight2 stands still: only weight1 takes a step")
    same(slope, 0.0, "the slope")


@gradient_shift_slope.expect
def change_per_rate():
    """It is what gradient_shift gives for a tiny rate, divided by that rate."""
    slope = yield (X, TARGET, WEIGHT1, WEIGHT2), {}
    z = X @ WEIGHT1.T
    h, on = np.maximum(z, 0), z > 0
    d1, g = _gradients(WEIGHT1, WEIGHT2)
    dy = 2 * (h @ WEIGHT2.T - TARGET) / TARGET.size
    moves = X @ d1.T

    def both(h_moves, factor=2 / TARGET.size):
        return factor * (h_moves @ WEIGHT2.T).T @ h, dy.T @ h_moves

    def length(matrix):
        return np.linalg.norm(matrix) / np.linalg.norm(g)

    through_dy, through_h = both(moves * on)
    right = length(through_dy + through_h)
    slip(slope, length(through_h), "dy moves too: one of the two parts of the product is missing")
    slip(slope, length(through_dy), "h moves too: one of the two parts of the product is missing")
    slip(slope, length(through_dy - through_h), "both parts have the same sign: they are added")
    slip(slope, length(sum(both(moves))), "a unit whose ReLU is off does not move")
    forgets = X @ _gradients(WEIGHT1, WEIGHT2, mask=False)[0].T * on
    slip(slope, length(sum(both(forgets))), "dweight1 has gradients of units whose ReLU is off")
    slip(slope, length(sum(both(moves * on, 1))), "how dy moves lacks the factor 2 / target.size")
    half = 1 / TARGET.size
    slip(slope, length(sum(both(moves * on, half))), "the square gives a factor of 2 in dy")
    says = "this is the length of the change; divide it by the length of G"
    slip(slope, right * np.linalg.norm(g), says)
    slip(slope, right**2, "the slope is squared: take the root of the sums of squares")
    rate = 1e-7
    tiny = gradient_shift(X, TARGET, WEIGHT1, WEIGHT2, rate)[0]
    same(slope, tiny / rate, "the slope", tol=1e-5)


@gradient_shift_slope.expect
def for_ever_smaller_rates():
    """It holds in the limit, for inputs of any size: with inputs a thousand times as large, a rate
    that was small is far too large."""
    slope = yield (1e3 * X, TARGET, WEIGHT1, WEIGHT2), {}
    same(slope, gradient_shift_slope(1e3 * X, TARGET, WEIGHT1, WEIGHT2), "the slope")


@gradient_shift_slope.expect
def slope_of_any_network():
    """It works for other sizes."""
    args = X[:3, :4], TARGET[:3, :2], WEIGHT1[:3, :4], WEIGHT2[:2, :3]
    slope = yield args, {}
    same(slope, gradient_shift_slope(*args), "the slope (3 samples, 2 outputs)")
