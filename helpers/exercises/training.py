"""Exercises of the notebook `training`: one step of SGD, and how to measure a training run."""

import numpy as np

from helpers.exercises.engine import (
    array_like,
    exercise,
    number,
    parts,
    prediction,
    same,
    slip,
    word,
)

_rng = np.random.default_rng(40)
# Six samples with five inputs; four units with weights of different size.
X = _rng.normal(size=(6, 5)) + 0.5
WEIGHT = _rng.normal(size=(4, 5)) * np.array([1.0, 3.0, 0.3, 2.0])[:, None]
DY = _rng.normal(size=(6, 4)) + np.array([0.5, -1.0, 0.2, 2.0])
GAMMA = np.array([2.0, 0.5, -1.5, 3.0])
BETA = np.array([1.0, -3.0, 0.25, 10.0])
EPS = 0.3  # large enough that every misplaced eps shows
LR = 0.07  # a rate that nobody would write into the function

# Inputs of one unit at seven times, for nine images; lopsided, so that mean and median differ.
INPUTS = np.exp(_rng.normal(size=(7, 9))) * np.linspace(1, 3, 7)[:, None]
INPUTS += np.array([0.0, 0.5, 3.0, 1.0, 4.0, 4.5, 2.0])[:, None]

STEPS = np.array([20, 40, 60, 80, 100, 120])
ACCURACY = np.array([0.31, 0.7, 0.92, 0.88, 0.97, 0.93])  # not monotone: curves are noisy

number(
    "training-learned-numbers",
    answer=200,
    within=1.01,
    reason="One gamma and one beta for each feature. The means and variances are measured, not "
    "learned.",
    recalls="forward",
)
prediction(
    "training-weight-gradient",
    right="a",
    a="weight[o, i] has, for each sample, the slope u[n, i] to z[n, o], and where paths meet we "
    "add: over the samples.",
    b="this is du: the gradient that goes on to the layer below.",
    c="the same numbers, but lying on their side: a gradient has the shape of what it belongs to.",
    believed={
        "b": "mutant: training_step.gradient_of_the_inputs",
        "c": "mutant: training_step.weight_on_its_side",
    },
    recalls="backward",
)
word(
    "training-second-direction",
    answers=("x_hat", "x hat", "x̂", "normalized x", "normalized values", r"\hat x"),
    reason="a move along x_hat stretches the centred values, and the division takes it away again.",
    recalls="backward",
)

number(
    "training-same-rate",
    answer=4.5,
    unit="times",
    within=1.5,
    reason="At this rate, that is. Remember it for what follows: the rate has not been chosen for "
    "either of them.",
    measured_by="np.median(times_more)",
)
prediction(
    "training-plain-rate",
    right="c",
    a="that is what happened to the paper's large network, at five times its rate. This one is "
    "smaller and can take it.",
    b="steps that are too large do that, at a rate of 10 for instance. These are not that large.",
    c="the rate was chosen without care, so the plain network had room to gain as well.",
    believed={"a": "quote: machine-infinity", "b": "quote: bounces-around"},
)
number(
    "training-best-rates",
    answer=3.9,
    unit="times",
    within=1.5,
    reason="Tuning helps the arm most whose rate was worst. The plain network gains a factor of "
    "about 5 from it, batch norm 4, and the large factors above came from tuning one arm only.",
    measured_by="np.median(saved)",
)
number(
    "training-baseline",
    answer=2.33,
    unit="times",
    within=1.5,
    reason="13.3 million steps instead of 31.0. The factor 14 has batch norm and seven other "
    "changes in it.",
    measured_by='published["Inception"] / published["BN-Baseline"]',
)
prediction(
    "training-batches-of-four",
    right="b",
    a="with four images, mean and variance are so noisy that batch norm never gets where the plain "
    "network gets.",
    b="batch norm does not get there at all: four images make a poor mean and a worse variance.",
    believed={"a": "claim: fewer-steps-tuned"},
)
number(
    "training-fifty-batches",
    answer=37,
    unit="images",
    within=1.7,
    reason="Ten images make another mean and another variance than 500, so every input of a "
    "sigmoid moves a little, and close decisions tip over.",
    measured_by='np.median(changed["batch norm"])',
)
prediction(
    "training-undone",
    right="a",
    a="beta has no tendency towards the mean, and gamma moves away from the standard deviation if "
    "anywhere.",
    b="nothing in the loss rewards that: the other weights are trained with batch norm in place.",
    believed={"b": "claim: undo-in-training"},
)


@exercise(
    "Forward first: you need z and x_hat. Then backward through batch norm, then through the "
    "weights. Update only when you have all three gradients.",
    "You have written the pieces: dgamma sums dy * x_hat over the batch, dbeta sums dy, and dz is "
    "(dx_hat - mean of dx_hat - x_hat * mean of dx_hat * x_hat) / sqrt(var + eps).",
    "z = x @ weight.T, so the gradient of the weight is dz.T @ x. Every parameter moves by -lr "
    "times its gradient, gamma and beta like all the others.",
)
def training_step(x, dy, weight, gamma, beta, lr, eps=1e-5):
    z = x @ weight.T
    r = 1 / np.sqrt(z.var(axis=0) + eps)
    x_hat = (z - z.mean(axis=0)) * r

    dgamma = (dy * x_hat).sum(axis=0)
    dbeta = dy.sum(axis=0)
    dx_hat = dy * gamma
    dz = r * (dx_hat - dx_hat.mean(axis=0) - x_hat * (dx_hat * x_hat).mean(axis=0))
    dweight = dz.T @ x

    return weight - lr * dweight, gamma - lr * dgamma, beta - lr * dbeta


def _layer(weight, gamma, beta):
    z = X @ weight.T
    return gamma * (z - z.mean(axis=0)) / np.sqrt(z.var(axis=0) + EPS) + beta


@training_step.expect
def three_parameters():
    """Return the new (weight, gamma, beta), each in its old shape."""
    args = (X, DY, WEIGHT, GAMMA, BETA, LR), {"eps": EPS}
    weight, gamma, beta = parts((yield args), "weight", "gamma", "beta")
    array_like(weight, "weight", shape=(4, 5))
    array_like(gamma, "gamma", shape=(4,))
    array_like(beta, "beta", shape=(4,))


@training_step.expect
def downhill():
    """A small step lowers the loss. Here the loss is sum(dy * y), whose gradient is dy."""
    new = yield (X, DY, WEIGHT, GAMMA, BETA, 1e-4), {"eps": EPS}
    right = training_step(X, DY, WEIGHT, GAMMA, BETA, 1e-4, EPS)
    step = right[2] - BETA
    slip(new[2], -step / 1e-4, "these are the gradients: return the old parameter - lr * gradient")
    slip(new[2], step, "this is the step alone: return the old parameter plus the step")
    slip(new[2], BETA - step, "beta moved uphill: subtract lr times the gradient")
    slip(new[2], right[1], "gamma and beta changed places: return (weight, gamma, beta)")
    change = np.sum(DY * (_layer(*new) - _layer(WEIGHT, GAMMA, BETA)))
    assert change < 0, f"the loss changed by {change:+.2g}, expected a fall"


@training_step.expect
def beta_moves():
    """beta moves by -lr times the sum of dy over the batch."""
    _, _, beta = yield (X, DY, WEIGHT, GAMMA, BETA, LR), {"eps": EPS}
    slip(beta, BETA, "beta did not move at all")
    slip(beta, BETA - DY.sum(axis=0), "lr is missing: the step is lr times the gradient")
    of_gamma = training_step(X, DY, WEIGHT, GAMMA, BETA, LR, EPS)[1] - GAMMA
    slip(beta, BETA + of_gamma, "this is the step of gamma; beta moves with the sum of dy alone")
    slip(beta, BETA - LR * DY.mean(axis=0), "this is the mean; dy counts in full: sum it")
    same(beta, BETA - LR * DY.sum(axis=0), "beta")


@training_step.expect
def gamma_moves():
    """gamma moves by -lr times the sum of dy * x_hat over the batch."""
    _, gamma, _ = yield (X, DY, WEIGHT, GAMMA, BETA, LR), {"eps": EPS}
    z = X @ WEIGHT.T
    var, centred = z.var(axis=0), z - z.mean(axis=0)
    x_hat = centred / np.sqrt(var + EPS)

    def moved(factor):
        return GAMMA - LR * (DY * factor).sum(axis=0)

    new_weight, right, _ = training_step(X, DY, WEIGHT, GAMMA, BETA, LR, EPS)
    too_late = training_step(X, DY, new_weight, GAMMA, BETA, LR, EPS)[1]
    slip(gamma, GAMMA, "gamma did not move at all")
    slip(gamma, too_late, "this is the gradient at the new weight; take the old one")
    slip(gamma, 2 * GAMMA - right, "gamma moved uphill: subtract lr times the gradient")
    slip(gamma, moved(x_hat / 6), "this is the mean; dy counts in full: sum it")
    slip(gamma, moved(z), "this is dy * z; gamma stands in front of x_hat")
    slip(gamma, moved(GAMMA * x_hat + BETA), "this is dy * y; gamma stands in front of x_hat")
    slip(gamma, moved(centred), "in x_hat, the division by sqrt(var + eps) is missing")
    slip(gamma, moved(centred / np.sqrt(var)), "eps is missing in x_hat")
    slip(gamma, moved(centred / np.sqrt(var + 1e-5)), "you use 1e-5 whatever eps you are given")
    slip(gamma, moved(centred / (np.sqrt(var) + EPS)), "in x_hat, eps belongs inside the root")
    slip(gamma, moved(centred / (var + EPS)), "in x_hat, divide by the root of var + eps")
    ddof = np.sqrt(z.var(axis=0, ddof=1) + EPS)
    slip(gamma, moved(centred / ddof), "var divides by N, not by N - 1")
    rows = (z - z.mean(axis=1)[:, None]) / np.sqrt(z.var(axis=1) + EPS)[:, None]
    slip(gamma, moved(rows), "in x_hat, average over the batch, not over the units: axis 0")
    same(gamma, right, "gamma")


@training_step.expect
def weight_moves():
    """weight moves by -lr times its gradient, taken through the mean and the variance, at the old
    gamma."""
    weight, new_gamma, _ = yield (X, DY, WEIGHT, GAMMA, BETA, LR), {"eps": EPS}
    right = training_step(X, DY, WEIGHT, GAMMA, BETA, LR, EPS)[0]
    too_late = training_step(X, DY, WEIGHT, new_gamma, BETA, LR, EPS)[0]
    r = 1 / np.sqrt((X @ WEIGHT.T).var(axis=0) + EPS)
    dz = DY * GAMMA * r
    slip(weight, 2 * WEIGHT - right, "the weight moved uphill: subtract lr times the gradient")
    slip(weight, too_late, "this is the gradient at the new gamma; take the old one")
    slip(weight, WEIGHT - LR * DY.T @ X, "go back through batch norm first: from dy to dz")
    slip(weight, WEIGHT - LR * dz.T @ X, "mean and variance depend on the weights, too")
    z = X @ WEIGHT.T
    x_hat = (z - z.mean(axis=0)) * r
    sums = dz - dz.sum(axis=0) - x_hat * (dz * x_hat).sum(axis=0)
    slip(weight, WEIGHT - LR * sums.T @ X, "in dz, subtract the two means over the batch, not sums")
    dz = dz - dz.mean(axis=0)
    slip(weight, WEIGHT - LR * dz.T @ X, "the variance depends on the weights, too")
    slip(
        weight, WEIGHT + (right - WEIGHT) / GAMMA[:, None], "gamma is missing: dx_hat = dy * gamma"
    )
    slip(weight, WEIGHT + (right - WEIGHT) / r[:, None], "dz must be divided by sqrt(var + eps)")
    slip(weight, WEIGHT + (right - WEIGHT) / 6, "this is the mean over the batch: sum over it")
    bessel = x_hat * (dz * x_hat).sum(axis=0) / 5
    says = "in dz, the mean of dx_hat * x_hat divides by N, as var does; here it divides by N - 1"
    slip(weight, WEIGHT - LR * (dz - bessel).T @ X, says)
    reshaped = (right - WEIGHT).T.reshape(4, 5)
    slip(weight, WEIGHT + reshaped, "reshape does not transpose: dz.T @ x has the weight's shape")
    same(weight, right, "weight")


@training_step.expect
def default_eps():
    """Without an eps it uses 1e-5, which matters for units with tiny weights."""
    small = 1e-3 * WEIGHT
    weight, _, _ = yield (X, DY, small, GAMMA, BETA, 1e-6), {}
    expected = training_step(X, DY, small, GAMMA, BETA, 1e-6)[0]
    same(1e3 * weight, 1e3 * expected, "1000 weight")


@training_step.expect
def any_size():
    """It works for any learning rate, a batch of any size, and any number of inputs and units, also
    for a single one."""
    for n, d, c, lr in ((3, 4, 4, 0.5), (6, 5, 1, 0.1), (5, 1, 2, 0.01)):
        args = X[:n, :d], DY[:n, :c], WEIGHT[:c, :d], GAMMA[:c], BETA[:c], lr
        new = parts((yield args, {"eps": EPS}), "weight", "gamma", "beta")
        for got, expected, what in zip(
            new, training_step(*args, EPS), ("weight", "gamma", "beta"), strict=True
        ):
            same(got, expected, f"{what} (N = {n}, D = {d}, C = {c})")


@training_step.expect_or_refuse
def single_sample():
    """The output for a batch of one is beta: neither weight nor gamma moves."""
    weight, gamma, beta = yield (X[:1], DY[:1], WEIGHT, GAMMA, BETA, LR), {"eps": EPS}
    same(weight, WEIGHT, "weight")
    same(gamma, GAMMA, "gamma")
    same(beta, BETA - LR * DY[0], "beta")


@training_step.expect
def far_from_zero():
    """Adding 1e8 to every input leaves the step of gamma where it was. (mean(z**2) - mean(z)**2
    would lose the digits.)"""
    _, gamma, _ = yield (X + 1e8, DY, WEIGHT, GAMMA, BETA, LR), {"eps": EPS}
    same(gamma, training_step(X, DY, WEIGHT, GAMMA, BETA, LR, EPS)[1], "gamma", tol=1e-5)


@exercise(
    "Two ingredients: the percentiles over the images at each time, then how the middle one moves "
    "over time compared with the distance between the outer two.",
    "np.percentile(inputs, [15, 50, 85], axis=1) gives three rows, one number per time in each.",
    "low, median, high = ...; the answer is median.std() / (high - low).mean().",
)
def normalized_movement(inputs):
    low, median, high = np.percentile(inputs, [15, 50, 85], axis=1)
    return median.std() / (high - low).mean()


@normalized_movement.expect
def one_number():
    """Return a single number."""
    array_like((yield (INPUTS,), {}), "the movement", shape=())


@normalized_movement.expect
def follows_the_median():
    """It rests on the median and the 15 % and 85 % percentiles of the images: one image far
    outside, at every second time, changes nothing."""
    inputs = np.tile(np.arange(9.0), (6, 1)) + np.array([0.0, 1.0, 0.0, 1.0, 0.0, 1.0])[:, None]
    movement = yield (inputs,), {}
    outside = inputs.copy()
    outside[::2, 8] = 1e4
    low, median, high = np.percentile(inputs, [15, 50, 85], axis=0)
    slip(movement, median.std() / (high - low).mean(), "percentiles over the images: axis 1")
    same((yield (outside,), {}), movement, "the movement with that image")


@normalized_movement.expect
def in_units_of_the_spread():
    """It has no unit: inputs ten times as large give the same number."""
    movement = yield (INPUTS,), {}
    larger = yield (10 * INPUTS,), {}
    same(larger, movement, "the movement of 10 * inputs")


@normalized_movement.expect
def every_time_counts():
    """Standard deviation over time of the median, divided by the spread's mean over time."""
    movement = yield (INPUTS,), {}
    low, median, high = np.percentile(INPUTS, [15, 50, 85], axis=1)
    spread = high - low
    mean = spread.mean()
    slip(movement, mean / median.std(), "upside down: divide the movement by the spread")
    slip(movement, median.std() / -mean, "the spread is high - low, not low - high")
    slip(movement, median.std(ddof=1) / mean, "the standard deviation divides by T, not by T - 1")
    slip(movement, median.var() / mean**2, "take the standard deviation, not the variance")
    slip(movement, np.ptp(median) / mean, "this is the range; take the standard deviation")
    slip(movement, abs(median[-1] - median[0]) / mean, "all times count, not only first and last")
    slip(movement, (median / spread).std(), "take std and mean over time first, then divide")
    slip(movement, (median.std() / spread).mean(), "take std and mean over time first, then divide")
    slip(movement, median.std() / np.median(spread), "average the spread: its mean, not its median")
    for q in (10, 16, 20, 25):
        outer = np.percentile(INPUTS, [q, 100 - q], axis=1)
        wrong = median.std() / (outer[1] - outer[0]).mean()
        slip(movement, wrong, f"the outer percentiles are 15 and 85, not {q} and {100 - q}")
    outer = np.percentile(INPUTS, [0.15, 0.5, 0.85], axis=1)
    wrong = outer[1].std() / (outer[2] - outer[0]).mean()
    slip(movement, wrong, "np.percentile counts to 100: write 15, 50, 85")
    same(movement, normalized_movement(INPUTS), "the movement")


@normalized_movement.expect
def any_number_of_times():
    """It works for any number of times and images, also for more times than images."""
    inputs = INPUTS[:6, :4]
    same((yield (inputs,), {}), normalized_movement(inputs), "the movement (6 times, 4 images)")


@exercise(
    "Where does accuracy first reach the target? What if nowhere?",
    "(accuracy >= target) is an array of True and False. np.flatnonzero gives the positions of "
    "True; there may be none.",
    "Return steps[reached[0]] if there is a position in reached, else np.inf.",
)
def steps_to_reach(steps, accuracy, target):
    reached = np.flatnonzero(accuracy >= target)
    return steps[reached[0]] if len(reached) else np.inf


@steps_to_reach.expect
def a_step():
    """Return the step at which the target is reached: one of the numbers in `steps`."""
    found = array_like((yield (STEPS, ACCURACY, 0.6), {}), "the step", shape=())
    assert found in STEPS, f"{found} is not one of the steps {STEPS.tolist()}"


@steps_to_reach.expect
def the_first():
    """The first time counts, even if the accuracy falls below the target again later."""
    found = yield (STEPS, ACCURACY, 0.89), {}
    slip(
        found,
        80,
        "step 60 comes first, with 0.92; at step 80 the accuracy is 0.88, below the target",
    )
    slip(found, 100, "an earlier test reached the target already, at step 60")
    slip(found, 120, "an earlier test reached the target already, at step 60")
    same(found, 60, "the step")
    found = array_like((yield (STEPS, ACCURACY, 0.95), {}), "the step", shape=())
    assert found == 100, f"the step is {found}, expected 100: the run falls below 0.95 only later"


@steps_to_reach.expect
def reaching_is_enough():
    """Reaching the target exactly is enough."""
    same((yield (STEPS, ACCURACY, 0.7), {}), 40, "the step")


@steps_to_reach.expect
def at_once():
    """The very first test can reach the target: position 0 is a position like any other."""
    found = array_like((yield (STEPS, ACCURACY, 0.3), {}), "the step", shape=())
    assert found == 20, f"the step is {found}, expected 20: already 0.31 reaches 0.3"


@steps_to_reach.expect
def never():
    """If the target is never reached the answer is np.inf: the run ended, its need for steps did
    not."""
    found = yield (STEPS, ACCURACY, 0.99), {}
    assert not isinstance(found, str), "the result is a text; return the number np.inf"
    found = array_like(found, "the result", shape=())
    assert found == np.inf, f"the result is {found}, expected inf: no accuracy reaches 0.99"


@steps_to_reach.expect
def not_rounded():
    """Almost is not enough: 0.89996 does not reach 0.9, although it is 0.9 when rounded."""
    accuracy = np.array([0.5, 0.89996, 0.8, 0.90002, 0.9, 0.91])
    found = array_like((yield (STEPS, accuracy, 0.9), {}), "the step", shape=())
    slip(found, 40, "the accuracy at step 40 is 0.89996: compare it as it is, not rounded")
    same(found, 80, "the step")


@steps_to_reach.expect
def any_run():
    """It works for runs of any length with tests at any distance, and the last test counts."""
    steps, accuracy = np.array([10, 30, 35, 80]), np.array([0.2, 0.4, 0.5, 0.9])
    for t in (4, 2, 1):
        found = array_like((yield (steps[-t:], accuracy[-t:], 0.9), {}), "the step", shape=())
        assert found == 80, f"the step is {found}, expected 80: the last of {t} tests reaches it"
    found = array_like((yield (steps, accuracy, 0.95), {}), "the result", shape=())
    assert found == np.inf, f"the result is {found}, expected inf: no accuracy reaches 0.95"


@steps_to_reach.expect
def diverged():
    """A run that diverged has nan for an accuracy: nan reaches nothing, and what was reached before
    counts."""
    for accuracy, want in (([0.3, 0.92, np.nan], 40), ([0.3, np.nan, np.nan], np.inf)):
        found = yield (STEPS[:3], np.array(accuracy), 0.9), {}
        found = array_like(found, "the step", shape=())
        assert found == want, f"the step is {found}, expected {want}: the accuracy is {accuracy}"


@exercise(
    "A single run first: between which two numbers of steps did it reach the target? What if no "
    "test found it?",
    "From s - every + 1 to s; a run that never arrived from end + 1 to infinity. A quotient is "
    "smallest when its numerator is as small and its denominator as large as can be.",
    "The seeds are free to differ: if every factor is as small as it can be, so is their median.",
    "np.where(np.isinf(steps), end + 1, steps - every + 1) are the lower ends, steps itself the "
    "upper ends. Return np.median(low_plain / norm), np.median(plain / low_norm).",
)
def factor_bounds(plain, norm, every, end):
    def earliest(steps):
        return np.where(np.isinf(steps), end + 1, steps - every + 1)

    return np.median(earliest(plain) / norm), np.median(plain / earliest(norm))


# All are steps that are tested, whether tests come every 20, 10, 5, 4 or 1.
FOUND_PLAIN = np.array([300.0, 340.0, 280.0, 420.0, 320.0])
FOUND_NORM = np.array([80.0, 120.0, 60.0, 100.0, 40.0])
NEVER = np.inf


@factor_bounds.expect
def two_bounds():
    """Return two numbers, the smaller one first."""
    low, high = parts((yield (FOUND_PLAIN, FOUND_NORM, 10, 600), {}), "low", "high")
    array_like(low, "low", shape=())
    array_like(high, "high", shape=())
    assert low <= high, f"low is {low:.4g} and high {high:.4g}: the smaller one comes first"


@factor_bounds.expect
def every_step_tested():
    """If every step was tested nothing is open: both bounds are the median of the factors."""
    low, high = yield (FOUND_PLAIN, FOUND_NORM, 1, 600), {}
    factors = FOUND_PLAIN / FOUND_NORM
    slip(low, factors.mean(), "this is the mean of the factors; take their median")
    slip(
        low,
        np.median(FOUND_PLAIN) / np.median(FOUND_NORM),
        "seeds are paired: divide seed by seed, then take the median",
    )
    for end, off in ((low, -1), (high, 1)):
        wrong = (FOUND_PLAIN + min(off, 0)) / (FOUND_NORM - max(off, 0))
        says = "the step before was tested, too: the earliest is s - every + 1"
        slip(end, np.median(wrong), says)
    slip(low, factors.min(), "the factor is the median of the seeds; this is the smallest of them")
    same(low, np.median(factors), "low")
    same(high, np.median(factors), "high")


@factor_bounds.expect
def between_two_tests():
    """Each run arrived after the last test that did not find it, at the earliest."""
    low, high = yield (FOUND_PLAIN, FOUND_NORM, 20, 600), {}
    early_plain, early_norm = FOUND_PLAIN - 19, FOUND_NORM - 19
    exact = np.median(FOUND_PLAIN / FOUND_NORM)
    slip(low, exact, "this takes the plain runs as found; they may have arrived earlier")
    slip(high, exact, "this takes the batch norm runs as found; they may have arrived earlier")
    both = np.median(early_plain / early_norm)
    at_once = "here both arms arrived early; for a bound, one is early and the other late"
    slip(low, both, at_once)
    slip(high, both, at_once)
    slip(low, np.median((FOUND_PLAIN - 20) / FOUND_NORM), "that step was tested: add 1")
    slip(high, np.median(FOUND_PLAIN / (FOUND_NORM - 20)), "that step was tested: add 1")
    same(low, np.median(early_plain / FOUND_NORM), "low")
    same(high, np.median(FOUND_PLAIN / early_norm), "high")


@factor_bounds.expect
def plain_never_arrives():
    """A plain run that never arrived needs end + 1 steps or more: there is no upper bound if most
    runs did so."""
    plain = np.array([NEVER, 590.0, NEVER, NEVER, 600.0])
    low, high = yield (plain, FOUND_NORM, 10, 600), {}
    slip(low, np.inf, "infinitely many steps are possible, and 601 are, too")
    for steps in (600, 591):
        wrong = np.where(np.isinf(plain), steps, plain - 9) / FOUND_NORM
        slip(low, np.median(wrong), f"the test at step 600 did not find it: not {steps}, but 601")
    same(low, np.median(np.where(np.isinf(plain), 601, plain - 9) / FOUND_NORM), "low")
    assert high == np.inf, f"high is {high}, expected inf: nobody knows how many steps it takes"


@factor_bounds.expect
def norm_never_arrives():
    """Where batch norm never arrived its steps have no upper bound, so the factor has the lower
    bound 0; where neither did, it can be anything."""
    norm = np.array([NEVER, NEVER, 60.0, NEVER, 580.0])
    for plain in (np.array([NEVER, NEVER, 280.0, 410.0, 330.0]), FOUND_PLAIN):
        low, high = yield (plain, norm, 10, 600), {}
        low, high = array_like(low, "low", shape=()), array_like(high, "high", shape=())
        for name, bound in (("low", low), ("high", high)):
            assert not np.isnan(bound), (
                f"{name} is nan: infinity over infinity; think of each alone"
            )
        assert low == 0, f"low is {low:.4g}, expected 0: three of five may take forever"
        expected = factor_bounds(plain, norm, 10, 600)[1]
        same(high, expected, "high")


@factor_bounds.expect
def any_runs():
    """It works for an even number of seeds and for one, for other tests and another end, and where
    the very first test finds the target."""
    two_never = np.array([NEVER, 120.0, NEVER, 100.0])
    for plain, norm, every, end in (
        (FOUND_PLAIN[:4], two_never, 4, 2000),
        (np.array([NEVER]), FOUND_NORM[:1], 5, 450),
        (np.array([10.0, 30.0, 20.0]), np.array([10.0, 10.0, 20.0]), 10, 100),
    ):
        low, high = yield (plain, norm, every, end), {}
        expected = factor_bounds(plain, norm, every, end)
        same(low, expected[0], "low")
        assert np.isclose(high, expected[1]), f"high is {high}, expected {expected[1]}"
