"""Exercises of the notebook 04_training: one step of SGD, and how to measure a training run."""

import numpy as np

from helpers.exercises.engine import array_like, exercise, parts, prediction, same

_rng = np.random.default_rng(40)
# Six samples with five inputs; four units with weights of different size.
X = _rng.normal(size=(6, 5)) + 0.5
WEIGHT = _rng.normal(size=(4, 5)) * np.array([1.0, 3.0, 0.3, 2.0])[:, None]
DY = _rng.normal(size=(6, 4)) + np.array([0.5, -1.0, 0.2, 2.0])
GAMMA = np.array([2.0, 0.5, -1.5, 3.0])
BETA = np.array([1.0, -3.0, 0.25, 10.0])
EPS = 0.3  # large enough that every misplaced eps shows

# Inputs of one unit at seven times, for nine images; lopsided, so that mean and median differ.
INPUTS = np.exp(_rng.normal(size=(7, 9))) * np.linspace(1, 3, 7)[:, None]
INPUTS += np.array([0.0, 0.5, 3.0, 1.0, 4.0, 4.5, 2.0])[:, None]

STEPS = np.array([20, 40, 60, 80, 100, 120])
ACCURACY = np.array([0.31, 0.7, 0.92, 0.88, 0.97, 0.93])  # not monotone: curves are noisy

prediction(
    "04-one-batch",
    right="c",
    a="the weights are the same, but they are not all that a batch norm network needs: it also "
    "needs a mean and a variance, and those come from the batch.",
    b="in these tests batch norm normalizes with the statistics of the batch it is given. (There is "
    "another way: notebook 05.)",
    c="the plain network looks at one image at a time. In the other every image is normalized with "
    "the mean and the variance of its group.",
)
prediction(
    "04-plain-faster",
    right="c",
    a="that is what happened to the paper's large network, at five times its rate. This one is "
    "smaller and can take it.",
    b="a larger rate means larger steps downhill, and these are not yet too large.",
    c="the rate was chosen without care, so the plain network had room to gain as well.",
)
prediction(
    "04-undo",
    right="c",
    a="nothing in the loss rewards that: the other weights are trained with batch norm in place.",
    b="the means are far from zero, and beta hardly leaves zero: it covers less than a tenth of "
    "the way.",
    c="beta has no tendency towards the mean, and gamma moves away from the standard deviation if "
    "anywhere.",
)


@exercise(
    "Forward first: you need u and x_hat. Then backward through batch norm, then through the "
    "weights. Update only when you have all three gradients.",
    "Notebook 03 has the pieces: dgamma sums dy * x_hat over the batch, dbeta sums dy, and du is "
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
    args = (X, DY, WEIGHT, GAMMA, BETA, 0.1), {"eps": EPS}
    weight, gamma, beta = parts((yield args), "weight", "gamma", "beta")
    array_like(weight, "weight", shape=(4, 5))
    array_like(gamma, "gamma", shape=(4,))
    array_like(beta, "beta", shape=(4,))


@training_step.expect
def downhill():
    """A small step lowers the loss. Here the loss is sum(dy * y), whose gradient is dy."""
    new = yield (X, DY, WEIGHT, GAMMA, BETA, 1e-4), {"eps": EPS}
    change = np.sum(DY * (_layer(*new) - _layer(WEIGHT, GAMMA, BETA)))
    assert change < 0, f"the loss changed by {change:+.2g}, expected a fall"


@training_step.expect
def beta_moves():
    """beta moves by -lr times the sum of dy over the batch."""
    _, _, beta = yield (X, DY, WEIGHT, GAMMA, BETA, 0.1), {"eps": EPS}
    same(beta, BETA - 0.1 * DY.sum(axis=0), "beta")


@training_step.expect
def gamma_moves():
    """gamma moves by -lr times the sum of dy * x_hat over the batch."""
    _, gamma, _ = yield (X, DY, WEIGHT, GAMMA, BETA, 0.1), {"eps": EPS}
    same(gamma, training_step(X, DY, WEIGHT, GAMMA, BETA, 0.1, EPS)[1], "gamma")


@training_step.expect
def weight_moves():
    """weight moves by -lr times its gradient, taken through the mean and the variance, at the old
    gamma."""
    weight, _, _ = yield (X, DY, WEIGHT, GAMMA, BETA, 0.1), {"eps": EPS}
    same(weight, training_step(X, DY, WEIGHT, GAMMA, BETA, 0.1, EPS)[0], "weight")


@training_step.expect
def default_eps():
    """Without an eps it uses 1e-5, which matters for units with tiny weights."""
    small = 1e-3 * WEIGHT
    weight, _, _ = yield (X, DY, small, GAMMA, BETA, 1e-6), {}
    expected = training_step(X, DY, small, GAMMA, BETA, 1e-6)[0]
    same(1e3 * weight, 1e3 * expected, "1000 weight")


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
    """It follows the median: one image far outside, at every second time, changes nothing."""
    inputs = np.tile(np.arange(9.0), (6, 1)) + np.array([0.0, 1.0, 0.0, 1.0, 0.0, 1.0])[:, None]
    movement = yield (inputs,), {}
    outside = inputs.copy()
    outside[::2, 8] = 1e4
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
    same((yield (INPUTS,), {}), normalized_movement(INPUTS), "the movement")


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
    same((yield (STEPS, ACCURACY, 0.9), {}), 60, "the step")


@steps_to_reach.expect
def reaching_is_enough():
    """Reaching the target exactly is enough."""
    same((yield (STEPS, ACCURACY, 0.7), {}), 40, "the step")


@steps_to_reach.expect
def never():
    """If the target is never reached the answer is np.inf: the run ended, its need for steps did
    not."""
    found = array_like((yield (STEPS, ACCURACY, 0.99), {}), "the result", shape=())
    assert found == np.inf, f"the result is {found}, expected inf: no accuracy reaches 0.99"
