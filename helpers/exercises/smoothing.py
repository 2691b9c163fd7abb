"""Exercises of the notebook `smoothing`: two probes along the gradient, Theorem 4.1, and where the
edge of stability lies."""

import numpy as np

from helpers.exercises.engine import (
    array_like,
    exercise,
    number,
    order,
    prediction,
    same,
    same_of_whole,
    slip,
    word,
)

_rng = np.random.default_rng(80)
A = np.array([[5.0, 1.0, 0.0], [1.0, 3.0, -1.0], [0.0, -1.0, 2.0]])  # of a quadratic
W = np.array([1.0, -2.0, 0.5])
STEPS = np.array([0.5, 1.0, 2.5, 4.0])
LR = 0.1
MATRIX = _rng.normal(size=(3, 4))
# In no order, and such that largest, median, smallest, first and last are different quotients.
OTHER_STEPS = np.array([1.0, 0.5, 2.8, 4.0, 2.0, 3.4])
EIGENVALUES, EIGENVECTORS = np.linalg.eigh(A)

DY = _rng.normal(size=(6, 4)) + np.array([0.5, -1.0, 0.0, 2.0])
X = _rng.normal(size=(6, 4)) * [1.0, 4.0, 0.5, 2.0] + [5.0, -2.0, 0.3, 0.0]
GAMMA = np.array([2.0, 0.5, -1.5, 2.5])
EPS = 0.3  # large enough that every misplaced eps shows
WIDE, DY_WIDE = _rng.normal(size=(3, 5)) * 2 - 1, _rng.normal(size=(3, 5))
GAMMA_WIDE = np.linspace(0.5, 2.5, 5)

word(
    "smoothing-pinned-mean",
    answers=("beta", "β", "its beta"),
    reason="The mean of x_hat is 0, and beta is added. So a drift of the means that falls is no "
    "finding about training.",
    recalls="covariate_shift",
)
number(
    "smoothing-largest-rate",
    answer=0.4,
    within=1.05,
    reason="A step multiplies the distance from the minimum by 1 - rate * curvature. Above "
    "2 / curvature that factor is below -1.",
    recalls="why_normalize_inputs",
)
prediction(
    "smoothing-gradient-change",
    right="a",
    a="at one and the same rate it is smaller, but batch norm takes the larger rate, and a longer "
    "step of the earlier layers changes more.",
    b="so it is at one and the same rate. Batch norm's own rate is larger, and a longer step of "
    "the earlier layers changes more.",
    c="what is fixed by construction are the means and variances of what enters the ReLUs, not "
    "the gradients.",
    believed={"b": "claim: reduces-covariate-shift", "c": "claim: fixes-mean-and-variance"},
    recalls="covariate_shift",
)

number(
    "smoothing-range",
    answer=37.7,
    unit="times",
    within=3,
    reason="A step four times as long as that of training leads the plain network far beyond its "
    "valley, and beyond it the loss grows with the square of the step.",
    measured_by="np.median(ratios['range of the loss'])",
    tolerance=0.5,
)
number(
    "smoothing-rate",
    answer=22.4,
    reason="It is near 2 / rate at either rate. At the smaller one training can go into steeper "
    "places without being thrown out, and it does.",
    measured_by="2 / own['plain'].rate * np.median(of_edge['plain', own['plain'].rate])",
    tolerance=0.2,
)
order(
    "smoothing-small-weights",
    answer="bca",
    reason="Where nothing of the image arrives, no step changes anything: the network that cannot "
    "learn has the smoothest loss, by far.",
    a="plain, He weights",
    b="plain, small weights",
    c="batch norm, small weights",
    measured_by="[np.median([median_place(measures['range of the loss'], looks) for looks in met]) "
    "for met in (places['plain'], stuck['plain'], stuck['batch norm'])]",
)
prediction(
    "smoothing-short-weights",
    right="a",
    a="the same output now hangs on weights that are ten times smaller, so a step of the same "
    "length turns them ten times further.",
    b="the outputs are the same, but the slopes with respect to the weights are not.",
    c="small weights make a function of the inputs that changes slowly. Behind batch norm they do "
    "not even that, and here the loss is a function of the weights.",
    believed={"b": "claim: smoothness-of-the-function", "c": "quote: small-weights-smoother"},
)
number(
    "smoothing-steps",
    answer=240,
    unit="steps",
    within=1.3,
    reason="At the same rate, smoothness alone buys nothing. It would allow a larger rate, and "
    "that was not taken here.",
    measured_by="np.median(needed['batch norm'])",
    tolerance=0.2,
)
prediction(
    "smoothing-gradient",
    right="b",
    a="sigma would have to be larger than gamma. Behind a ReLU the spread is too small for that.",
    b="the factor gamma / sigma is about 1.25, and the subtracted terms are far too small to "
    "make up for it.",
    c="the factor gamma / sigma would have to be 1. Behind a ReLU, sigma is about 0.8.",
    believed={"a": "claim: theorem-shortens", "c": "claim: exploding-prevented-with-depth"},
)


@exercise(
    "Compute the gradient once, at w. Then visit one point per entry of steps.",
    "The point of step c is w - c * lr * g, with the same g and the same w for every c.",
    "np.array([f(w - c * lr * g) for c in steps]) with g = gradient(w)",
)
def loss_along_gradient(f, gradient, w, lr, steps):
    g = gradient(w)
    return np.array([f(w - c * lr * g) for c in steps])


def _quadratic(w):
    return 0.5 * w @ A @ w


def _slope(w):
    return A @ w


def _of_a_matrix(w):
    return 0.25 * np.sum((A @ w / 5) ** 4)


def _slope_of_a_matrix(w):
    return A.T @ (A @ w / 5) ** 3 / 5


def _line(scale):
    return [_quadratic(W - c * scale * _slope(W)) for c in STEPS]


@loss_along_gradient.expect
def one_loss_per_step():
    """Return one loss for every step."""
    losses = yield (_quadratic, _slope, W, LR, STEPS), {}
    array_like(losses, "losses", shape=STEPS.shape)


@loss_along_gradient.expect
def of_a_quadratic():
    """The losses are f(w - c * lr * g): here of a quadratic, whose gradient is A @ w."""
    losses = yield (_quadratic, _slope, W, LR, STEPS), {}
    slip(losses, _line(-LR), "the sign is flipped: walk against the gradient")
    slip(losses, _line(1.0), "a step c has the length c * lr * g: lr is missing")
    unit = _line(LR / np.linalg.norm(_slope(W)))
    slip(losses, unit, "do not divide the gradient by its length: training does not either")
    slip(losses, np.array(_line(LR)) - _quadratic(W), "return the losses, not their changes")
    slip(losses, np.array(_line(LR)) / _quadratic(W), "do not divide by the loss at w")
    here, walked = W, []
    for c in STEPS:
        here = here - c * LR * _slope(W)
        walked.append(_quadratic(here))
    slip(losses, walked, "every step starts at w: the steps do not add up")
    here, descent = W, []
    for c in STEPS:
        here = here - c * LR * _slope(here)
        descent.append(_quadratic(here))
    slip(losses, descent, "this is gradient descent: every step starts at w, along the same g")
    same(losses, _line(LR), "losses")


@loss_along_gradient.expect
def weights_of_any_shape():
    """It works when w is a matrix, as in a layer, and for any number of steps in any order."""
    # Two of these steps lead higher up than where they start.
    losses = yield (_of_a_matrix, _slope_of_a_matrix, MATRIX, 0.5, OTHER_STEPS), {}
    walk = 0.5 * _slope_of_a_matrix(MATRIX)
    same(losses, [_of_a_matrix(MATRIX - c * walk) for c in OTHER_STEPS], "losses")


@loss_along_gradient.expect
def whole_steps():
    """The steps may be whole numbers; the losses have fractions."""
    steps = np.array([3, 1, 2])
    losses = yield (_quadratic, _slope, W, LR, steps), {}
    right = loss_along_gradient(_quadratic, _slope, W, LR, steps)
    same_of_whole(losses, right, "losses")


@exercise(
    "At every step you need two lengths: of the change of the gradient and of the way walked.",
    "The length of an array of any shape is the root of the sum of its squares: np.linalg.norm "
    "without further arguments gives it.",
    "With g = gradient(w): the step c leads to w - c * lr * g, a way of length "
    "c * lr * np.linalg.norm(g).",
    "Divide np.linalg.norm(gradient(w - c * lr * g) - g) by it, for every c, and return the "
    "largest.",
)
def effective_smoothness(gradient, w, lr, steps):
    g = gradient(w)
    quotients = []
    for c in steps:
        way = -c * lr * g
        quotients.append(np.linalg.norm(gradient(w + way) - g) / np.linalg.norm(way))
    return max(quotients)


@effective_smoothness.expect
def one_number():
    """Return one number."""
    array_like((yield (_slope, W, LR, STEPS), {}), "the result", shape=())


@effective_smoothness.expect
def largest_eigenvalue():
    """On a quadratic, along its steepest direction, it is the largest eigenvalue."""
    top, g = EIGENVALUES[-1], EIGENVALUES[-1] * EIGENVECTORS[:, -1] * 3
    result = yield (_slope, EIGENVECTORS[:, -1] * 3, LR, STEPS), {}
    changes = STEPS * LR * top * np.linalg.norm(g)
    slip(result, changes.max(), "divide the change of the gradient by the way walked")
    slip(
        result, np.max(changes / STEPS / LR), "the way has the length c * lr * |g|: |g| is missing"
    )
    slip(
        result,
        np.max(changes / STEPS) / np.linalg.norm(g),
        "the way is c * lr * |g|: lr is missing",
    )
    slip(result, np.max(changes) / np.linalg.norm(g), "divide by the way walked, not by |g|")
    slip(result, top / 2, "the way is measured from w: it has the length c * lr * |g|")
    same(result, top, "the result")


@effective_smoothness.expect
def largest_of_all_steps():
    """If the quotient differs from step to step, it is the largest: here the gradient is sin(w)."""
    w = np.array([2.0, 1.2, -2.8])
    result = yield (np.sin, w, 1.0, OTHER_STEPS), {}
    g = np.sin(w)
    there = [np.sin(w - c * g) for c in OTHER_STEPS]
    changes = np.array([np.linalg.norm(h - g) for h in there])
    ways = OTHER_STEPS * np.linalg.norm(g)
    each = changes / ways
    slip(result, np.mean(each), "take the largest quotient, not the mean")
    slip(result, np.median(each), "take the largest quotient, not the median")
    slip(result, min(each), "take the largest quotient; this is the smallest, of the longest step")
    slip(result, each[0], "take the largest of all quotients; this is the first")
    slip(result, each[-1], "take the largest of all quotients; this is the last")
    both = max(changes) / max(ways)
    slip(result, both, "take the quotient at every step, then the largest; not largest by largest")
    lengths = np.abs([np.linalg.norm(h) - np.linalg.norm(g) for h in there]) / ways
    slip(result, max(lengths), "take the length of g' - g, not the difference of the two lengths")
    same(result, max(each), "the result")
    for place, where in ((0, "first"), (-1, "last")):
        steps = np.roll(OTHER_STEPS, place - int(np.argmax(each)))
        result = yield (np.sin, w, 1.0, steps), {}
        same(result, max(each), f"the result (the largest quotient is that of the {where} step)")


@effective_smoothness.expect
def gradients_of_any_shape():
    """It works when w is a matrix: lengths are roots of sums of squares, over all entries."""
    request = (_slope_of_a_matrix, MATRIX, 0.05, OTHER_STEPS)
    result = yield request, {}
    same(result, effective_smoothness(*request), "the result")


@exercise(
    "Start from dx = gamma * r * (dy - mean(dy) - x_hat * mean(dy * x_hat)). What are the squared "
    "lengths of the three arrows in the bracket, and which of them are at right angles?",
    "Write S = sum(dy * x_hat). With eps = 0, the squared length of x_hat is N, and the last term "
    "becomes S**2 / N. With eps it is N * v, where v = mean(x_hat**2).",
    "Expand |a - s * x_hat|**2 = |a|**2 - 2 * s * S + s**2 * N * v for s = S / N: the last term "
    "is (2 - v) * S**2 / N.",
    "gamma**2 / (var + eps) * (sum(dy**2) - sum(dy)**2 / N - (2 - v) * S**2 / N), each sum over "
    "the batch.",
)
def squared_dx(dy, x, gamma, eps=1e-5):
    N = len(x)
    var = x.var(axis=0)
    x_hat = (x - x.mean(axis=0)) / np.sqrt(var + eps)
    v = (x_hat**2).mean(axis=0)
    along_one = dy.sum(axis=0) ** 2 / N
    along_x_hat = (2 - v) * (dy * x_hat).sum(axis=0) ** 2 / N
    return gamma**2 / (var + eps) * ((dy**2).sum(axis=0) - along_one - along_x_hat)


def _pieces(eps):
    """Of (DY, X): the factor gamma^2 / (var + eps), |dy|^2, the two inner products squared, v."""
    var = X.var(axis=0)
    x_hat = (X - X.mean(axis=0)) / np.sqrt(var + eps)
    along_x_hat = (DY * x_hat).sum(axis=0) ** 2
    v = (x_hat**2).mean(axis=0)
    return GAMMA**2 / (var + eps), (DY**2).sum(axis=0), DY.sum(axis=0) ** 2, along_x_hat, v


def _squared(root):
    """The squared length of dx for (DY, X) if the forward pass divides by this root."""
    x_hat = (X - X.mean(axis=0)) / root
    dx = GAMMA / root * (DY - DY.mean(axis=0) - x_hat * (DY * x_hat).mean(axis=0))
    return (dx**2).sum(axis=0)


@squared_dx.expect
def one_per_feature():
    """Return one number per feature."""
    array_like((yield (DY, X, GAMMA), {"eps": EPS}), "the result", shape=(4,))


@squared_dx.expect
def theorem():
    """With an eps of nearly 0 it is gamma^2 / var times
    (|dy|^2 - sum(dy)^2 / N - sum(dy * x_hat)^2 / N)."""
    result = yield (DY, X, GAMMA), {"eps": 1e-12}  # PyTorch refuses 0
    factor, length, ones, hats, _ = _pieces(1e-12)
    want = factor * (length - ones / 6 - hats / 6)
    slip(result, factor * (length - ones / 6 - hats / np.sqrt(6)), "that is the misprint: 1 / N")
    slip(result, factor * (length - ones - hats), "both inner products are divided by N")
    slip(
        result, factor * (length - ones / 36 - hats / 36), "divide by N once: N times mean squared"
    )
    summands = (DY**2 * (X - X.mean(axis=0)) ** 2).sum(axis=0) / X.var(axis=0)
    says = "square the sum over the batch; do not sum the squares"
    slip(result, factor * (length - length / 6 - summands / 6), says)
    slip(result, factor * length, "the two directions that get no gradient are still in it")
    slip(result, factor * (length - ones / 6), "the part along x_hat is still in it")
    slip(result, factor * (length - hats / 6), "the part along (1, ..., 1) is still in it")
    slip(result, want / GAMMA, "gamma enters the squared length squared")
    slip(result, want / GAMMA**2, "gamma is missing")
    slip(result, want * X.var(axis=0), "1 / var is missing")
    slip(result, want * X.std(axis=0), "divide by the variance, not by its root")
    slip(result, np.sqrt(want), "this is the length; return its square")
    slip(result, want / 6, "this is the mean of the squares; return their sum")
    slip(result, _squared(X.std(axis=0, ddof=1)), "the variance divides by N, not by N - 1")
    same(result, want, "the result")


@squared_dx.expect
def exact_with_eps():
    """With any eps it is the squared length of the dx of the backward pass."""
    result = yield (DY, X, GAMMA), {"eps": EPS}
    factor, length, ones, hats, v = _pieces(EPS)
    bracket = length - ones / 6 - (2 - v) * hats / 6
    slip(result, factor * (length - ones / 6 - hats / 6), "x_hat is shorter than the root of N now")
    slip(
        result, factor * (length - ones / 6 - hats / 6 / v), "eps spoils the projection: expand it"
    )
    slip(result, factor * (length - ones / 6 - v * hats / 6), "the coefficient is 2 - v, not v")
    slip(result, GAMMA**2 / X.var(axis=0) * bracket, "the factor is gamma^2 / (var + eps)")
    slip(result, _squared(X.std(axis=0) + EPS), "eps belongs inside the root")
    same(result, factor * bracket, "the result")


@squared_dx.expect
def default_eps():
    """Without an eps it uses 1e-5, which matters for columns that hardly vary, or not at all."""
    x = X * [1e-3, 1e-3, 1e-3, 0.0]
    result = yield (DY, x, GAMMA), {}
    same(result, squared_dx(DY, x, GAMMA), "the result")


@squared_dx.expect
def other_sizes():
    """It works for a batch of any size and any number of features, also for a single one."""
    for c in (5, 1):
        args = (DY_WIDE[:, :c], WIDE[:, :c], GAMMA_WIDE[:c])
        same((yield args, {"eps": EPS}), squared_dx(*args, EPS), "the result")


@squared_dx.expect_or_refuse
def single_sample():
    """The output of a batch of one is beta, wherever the sample lies: dx is 0."""
    same((yield (DY[:1], X[:1], GAMMA), {"eps": EPS}), np.zeros(4), "the result")


@exercise(
    "Put the velocity out of the way: lr * v is the step before, w[t-1] - w[t]. Then the rule is "
    "one equation for w[t+1], w[t] and w[t-1].",
    "Without nesterov: w[t+1] = (1 + m - lr * curvature) * w[t] - m * w[t-1]. Put in w[t] = 1, "
    "w[t+1] = w[t-1] = -1.",
    "That gives 1 + m - lr * curvature = -(1 + m). With nesterov the velocity that is used lies "
    "one step ahead: the rule becomes w[t+1] = (1 + m) * (1 - lr * curvature) * w[t] - "
    "m * (1 - lr * curvature) * w[t-1].",
    "2 * (1 + m) / lr without nesterov, and with it that divided by 1 + 2 * m.",
)
def edge_of_stability(lr, momentum=0.0, nesterov=False):
    edge = 2 * (1 + momentum) / lr
    if nesterov:
        edge = edge / (1 + 2 * momentum)
    return edge


@edge_of_stability.expect
def one_curvature():
    """Return one number."""
    array_like((yield (0.1, 0.9), {}), "the edge", shape=())


@edge_of_stability.expect
def without_momentum():
    """Without momentum it is 2 / lr, whether nesterov is set or not."""
    for setting in ({}, {"nesterov": True}):
        edge = yield (0.05,), setting
        slip(edge, 0.025, "upside down: the larger the rate, the lower the edge")
        slip(edge, 20.0, "there the first step leads into the minimum; twice that is the edge")
        same(edge, 40.0, "the edge", tol=1e-3)


@edge_of_stability.expect
def with_momentum():
    """With momentum 0.8 and lr = 0.1, weights come to rest below the edge and run off above it."""
    edge = yield (0.1, 0.8), {}
    slip(edge, 20.0, "this is the edge without momentum: it moves")
    says = "the rate is not multiplied by 1 / (1 - m) here: on a swing the velocities cancel"
    slip(edge, 4.0, says, tol=1e-3)
    slip(edge, 100.0, "upside down, and on a swing the velocities cancel: add them with signs")
    slip(edge, 18.0, "half way: the swing has the two sides 1 and -1, which are 2 apart", tol=1e-3)
    real = 10 * (1 + np.sqrt(0.8)) ** 2
    slip(edge, real, "from there on the sign changes at every step, but the swing still fades")
    slip(edge, 36 / 2.6, "that is the edge with nesterov=True", tol=1e-3)
    same(edge, 36.0, "the edge", tol=1e-3)


@edge_of_stability.expect
def with_nesterov():
    """With nesterov=True it lies lower than without, at the same momentum."""
    edge = yield (0.1, 0.8), {"nesterov": True}
    slip(edge, 36.0, "that is the edge without nesterov", tol=1e-3)
    slip(edge, 36 / 1.8, "the step is g + m * v with the new v, in which g stands already")
    same(edge, 36 / 2.6, "the edge", tol=1e-3)


@edge_of_stability.expect
def any_rate_and_momentum():
    """It holds for small and large rates and for any momentum from 0 to below 1."""
    for lr in (0.001, 0.5, 3):
        for m in (0.1, 0.5, 0.99):
            what = f"the edge (lr {lr:g}, momentum {m:g}"
            same((yield (lr, m), {}), 2 * (1 + m) / lr, f"{what})", tol=1e-3)
            want = 2 * (1 + m) / (1 + 2 * m) / lr
            same((yield (lr, m, True), {}), want, f"{what}, nesterov)", tol=1e-3)
