"""Exercises of the notebook `training`: one step of SGD, and how to measure a training run."""

import numpy as np

from helpers.exercises.engine import array_like, exercise, parts, prediction, same, slip

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

prediction(
    "training-test-batches",
    right="c",
    a="the weights are the same, but they are not all that a batch norm network needs: it also "
    "needs a mean and a variance, and those come from the batch.",
    b="in these tests batch norm normalizes with the statistics of the batch it is given. (There "
    "is another way, for inference.)",
    c="the plain network looks at one image at a time. In the other every image is normalized with "
    "the mean and the variance of its group.",
)
prediction(
    "training-plain-rate",
    right="c",
    a="that is what happened to the paper's large network, at five times its rate. This one is "
    "smaller and can take it.",
    b="a larger rate means larger steps downhill, and these are not yet too large.",
    c="the rate was chosen without care, so the plain network had room to gain as well.",
)
prediction(
    "training-gamma-beta",
    right="c",
    a="nothing in the loss rewards that: the other weights are trained with batch norm in place.",
    b="the means are far from zero, and beta stays near zero or moves without regard to them: it "
    "covers less than a tenth of the way.",
    c="beta has no tendency towards the mean, and gamma moves away from the standard deviation if "
    "anywhere.",
)


@exercise(
    "Forward first: you need u and x_hat. Then backward through batch norm, then through the "
    "weights. Update only when you have all three gradients.",
    "You have written the pieces: dgamma sums dy * x_hat over the batch, dbeta sums dy, and du is "
    "(dx_hat - mean of dx_hat - x_hat * mean of dx_hat * x_hat) / sqrt(var + eps).",
    "u = x @ weight.T, so the gradient of the weight is du.T @ x. Every parameter moves by -lr "
    "times its gradient, gamma and beta like all the others.",
)
def training_step(x, dy, weight, gamma, beta, lr, eps=1e-5):
    u = x @ weight.T
    r = 1 / np.sqrt(u.var(axis=0) + eps)
    x_hat = (u - u.mean(axis=0)) * r

    dgamma = (dy * x_hat).sum(axis=0)
    dbeta = dy.sum(axis=0)
    dx_hat = dy * gamma
    du = r * (dx_hat - dx_hat.mean(axis=0) - x_hat * (dx_hat * x_hat).mean(axis=0))
    dweight = du.T @ x

    return weight - lr * dweight, gamma - lr * dgamma, beta - lr * dbeta


def _layer(weight, gamma, beta):
    u = X @ weight.T
    return gamma * (u - u.mean(axis=0)) / np.sqrt(u.var(axis=0) + EPS) + beta


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
    u = X @ WEIGHT.T
    var, centred = u.var(axis=0), u - u.mean(axis=0)
    x_hat = centred / np.sqrt(var + EPS)

    def moved(factor):
        return GAMMA - LR * (DY * factor).sum(axis=0)

    new_weight, right, _ = training_step(X, DY, WEIGHT, GAMMA, BETA, LR, EPS)
    too_late = training_step(X, DY, new_weight, GAMMA, BETA, LR, EPS)[1]
    slip(gamma, GAMMA, "gamma did not move at all")
    slip(gamma, too_late, "this is the gradient at the new weight; take the old one")
    slip(gamma, 2 * GAMMA - right, "gamma moved uphill: subtract lr times the gradient")
    slip(gamma, moved(x_hat / 6), "this is the mean; dy counts in full: sum it")
    slip(gamma, moved(u), "this is dy * u; gamma stands in front of x_hat")
    slip(gamma, moved(GAMMA * x_hat + BETA), "this is dy * y; gamma stands in front of x_hat")
    slip(gamma, moved(centred), "in x_hat, the division by sqrt(var + eps) is missing")
    slip(gamma, moved(centred / np.sqrt(var)), "eps is missing in x_hat")
    slip(gamma, moved(centred / np.sqrt(var + 1e-5)), "you use 1e-5 whatever eps you are given")
    slip(gamma, moved(centred / (np.sqrt(var) + EPS)), "in x_hat, eps belongs inside the root")
    slip(gamma, moved(centred / (var + EPS)), "in x_hat, divide by the root of var + eps")
    ddof = np.sqrt(u.var(axis=0, ddof=1) + EPS)
    slip(gamma, moved(centred / ddof), "var divides by N, not by N - 1")
    rows = (u - u.mean(axis=1)[:, None]) / np.sqrt(u.var(axis=1) + EPS)[:, None]
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
    du = DY * GAMMA * r
    slip(weight, 2 * WEIGHT - right, "the weight moved uphill: subtract lr times the gradient")
    slip(weight, too_late, "this is the gradient at the new gamma; take the old one")
    slip(weight, WEIGHT - LR * DY.T @ X, "go back through batch norm first: from dy to du")
    slip(weight, WEIGHT - LR * du.T @ X, "mean and variance depend on the weights, too")
    u = X @ WEIGHT.T
    x_hat = (u - u.mean(axis=0)) * r
    sums = du - du.sum(axis=0) - x_hat * (du * x_hat).sum(axis=0)
    slip(weight, WEIGHT - LR * sums.T @ X, "in du, subtract the two means over the batch, not sums")
    du = du - du.mean(axis=0)
    slip(weight, WEIGHT - LR * du.T @ X, "the variance depends on the weights, too")
    slip(
        weight, WEIGHT + (right - WEIGHT) / GAMMA[:, None], "gamma is missing: dx_hat = dy * gamma"
    )
    slip(weight, WEIGHT + (right - WEIGHT) / r[:, None], "du must be divided by sqrt(var + eps)")
    slip(weight, WEIGHT + (right - WEIGHT) / 6, "this is the mean over the batch: sum over it")
    bessel = x_hat * (du * x_hat).sum(axis=0) / 5
    says = "in du, the mean of dx_hat * x_hat divides by N, as var does; here it divides by N - 1"
    slip(weight, WEIGHT - LR * (du - bessel).T @ X, says)
    reshaped = (right - WEIGHT).T.reshape(4, 5)
    slip(weight, WEIGHT + reshaped, "reshape does not transpose: du.T @ x has the weight's shape")
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
    """Adding 1e8 to every input leaves the step of gamma where it was. (mean(u**2) - mean(u)**2
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
