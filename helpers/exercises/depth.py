"""Exercises of the notebook `depth`: how gradients grow from layer to layer, and a skip."""

import numpy as np

from helpers.exercises.engine import (
    array_like,
    exercise,
    number,
    order,
    parts,
    prediction,
    same,
    slip,
    word,
)

_rng = np.random.default_rng(100)
# Seven layers; the gradient grows by about 1.3 a layer on its way down, not evenly.
NORMS = 1.3 ** -np.arange(8.0) * np.exp(0.3 * _rng.normal(size=8))

# Six samples, four features with spreads of their own; a batch in which eps shows.
X = _rng.normal(size=(6, 4)) * np.array([1.0, 3.0, 0.4, 2.0]) + np.array([0.5, -1.0, 0.2, 2.0])
WEIGHT = _rng.normal(size=(4, 4))
DY = _rng.normal(size=(6, 4)) + np.array([0.5, -1.0, 0.2, 2.0])
EPS = 0.3

number(
    "depth-effective-rate",
    answer=0.025,
    within=1.02,
    reason="It is lr / |w|**2: the gradient of longer weights is shorter, and the same step turns "
    "them by less.",
    recalls="learning_rate_and_init",
)
word(
    "depth-protected",
    answers=(
        "hidden weights",
        "hidden",
        "weights",
        "hidden layers",
        "weights of the hidden layers",
        "hidden layers' weights",
        "weights in front of batch norm",
        "weights before batch norm",
    ),
    reason="the longer they become, the less they turn. gamma, beta and the output layer have no "
    "batch norm behind them.",
    recalls="learning_rate_and_init",
)
prediction(
    "depth-repaired",
    right="b",
    a="their gradient is small, so they hardly turn, and nothing makes them shorter.",
    b="short weights have a large gradient, so the first steps make them long. Weights that are "
    "too large hardly turn.",
    c="steps make such weights longer, never shorter: only those that are too small are put right.",
    believed={"a": "claim: stabilizes-growth", "c": "claim: initialization-matters-less"},
    recalls="learning_rate_and_init",
)

number(
    "depth-batch",
    answer=1.72,
    within_absolute=0.15,
    reason="The spread of a feature over a few samples is sometimes tiny by chance, and batch norm "
    "divides by it. (Two silenced directions are a larger share of eight than of 512, but that "
    "matters less.)",
    measured_by='np.median(rates["ReLU"][:, sizes == 8])',
    tolerance=0.05,
)
order(
    "depth-first-steps",
    answer="bca",
    reason="The gradient that reaches layer 2 first is huge, and so is its step. After it the "
    "weights are so long that their gradient is tiny.",
    a="layer 2, first step",
    b="layer 2, second step",
    c="layer 50, first step",
    measured_by="np.median([(steps_at[0][s][0], steps_at[1][s][0], steps_at[0][s][-1]) "
    "for s in seeds], axis=0)",
)
number(
    "depth-skips",
    answer=18,
    unit="times",
    within=3,
    reason="Over the skip the gradient passes unchanged, and each branch adds less than the one "
    "before it, because the x whose spread it is divided by grows.",
    measured_by="np.median(growth_with)",
)
number(
    "depth-sixty",
    answer=13,
    unit="% of the training images",
    within_absolute=10,
    reason="Guessing gives ten. A smaller rate spares the lower layers and then the upper ones "
    "stand still; no rate suits both.",
    measured_by='100 * np.median(recorded_accuracy("batch norm", 60)[:, best_rate("batch norm", 60)'
    ".row])",
    tolerance=1,
)
prediction(
    "depth-with-tanh",
    right="a",
    a="sixty layers multiply a growth that the plain network does not have: its weights keep "
    "differences at their size, and batch norm undoes what they were chosen for.",
    b="the weights keep differences at their size, and batch norm does not: it undoes what the "
    "weights were chosen for.",
    c="each layer is normalized, and still gradients and small differences grow from layer to "
    "layer.",
    believed={"b": "claim: no-harm-with-depth", "c": "claim: depth-trainable-by-norm"},
)
prediction(
    "depth-two-runs",
    right="c",
    a="the same sums in another order are rounded differently, already in the first layer.",
    b="that is where it starts. Then thirty layers magnify the difference, at every step again.",
    c="a difference in the sixteenth digit becomes one in the first, within some ten steps.",
    believed={"a": "quote: fully-deterministic", "b": "claim: same-seed-same-run"},
)
prediction(
    "depth-at-the-start",
    right="b",
    a="alpha's gradient is the sum of dy times what the branch computes, and the branch does "
    "compute something: only its effect is multiplied by 0.",
    b="the gradient of W passes alpha on its way, and alpha is 0; that of alpha is the sum of dy "
    "times what the branch computes. Once alpha has moved, W follows.",
    believed={"a": "quote: zeros-stop"},
)


@exercise(
    "If every layer multiplies the norm by the same factor, what do the logarithms look like?",
    "The logarithms lie on a straight line that falls from the first entry to the last. "
    "np.polyfit(positions, logs, 1)[0] is the slope of the line that fits best.",
    "The slope is minus the logarithm of the factor, because entry 0 is the last to be reached: "
    "return np.exp(-slope).",
)
def growth_per_layer(norms):
    slope = np.polyfit(np.arange(len(norms)), np.log(norms), 1)[0]
    return np.exp(-slope)


@growth_per_layer.expect
def one_number():
    """Return a single number."""
    array_like((yield (NORMS,), {}), "the factor", shape=())


@growth_per_layer.expect
def an_even_growth():
    """If each entry is 1.2 times the next one, the factor is 1.2; if it is 0.8 times, 0.8."""
    upside_down = "upside down: the gradient runs from the last entry to the first"
    always_up = "here the norm shrinks on its way down: the factor is below 1, keep the sign"
    for factor, says in ((1.2, upside_down), (0.8, always_up)):
        found = yield (3 * factor ** -np.arange(6.0),), {}
        slip(found, 1 / factor, says)
        slip(found, np.log(factor), "this is the slope of the logarithms; take np.exp of it")
        slip(found, -np.log(factor), "this is the slope of the logarithms; take np.exp of minus it")
        slip(found, factor**2, "this is the factor of the squared norms")
        slip(found, factor**0.5, "norms are not squared: take no root")
        slip(found, factor**5, "this is the factor of all layers together")
        slip(found, factor ** (5 / 6), "between six entries lie five layers")
        for log in (np.log10, np.log2):
            slip(found, np.exp(log(factor)), "np.exp undoes np.log, not np.log10 or np.log2")
        same(found, factor, "the factor")


@growth_per_layer.expect
def every_layer_counts():
    """It is the slope of the line that fits all logarithms best, by least squares."""
    found = yield (NORMS,), {}
    ratios = NORMS[:-1] / NORMS[1:]
    ends = (NORMS[0] / NORMS[-1]) ** (1 / 7)
    slip(found, ends, "only the first and the last entry count here; fit a line through all")
    slip(found, ratios.mean(), "this is the mean of the ratios; fit a line to the logarithms")
    slip(found, np.median(ratios), "this is the median ratio; fit a line to the logarithms")
    same(found, growth_per_layer(NORMS), "the factor")


@growth_per_layer.expect
def any_unit():
    """Only ratios matter: norms 1e-30 times as large give the same factor."""
    same((yield (1e-30 * NORMS,), {}), growth_per_layer(NORMS), "the factor of 1e-30 * norms")


@exercise(
    "You need three averages over a standard normal z: of slope(z)**2, of activation(z), and of "
    "activation(z)**2. How can you average over z?",
    "Draw very many: z = np.random.default_rng(0).normal(size=100_000). Then slope(z) is an array "
    "of as many numbers, and so is activation(z).",
    "Divide np.mean(slope(z)**2) by np.var(activation(z)).",
    may_draw=True,
)
def large_batch_rate(activation, slope):
    z = np.random.default_rng(0).normal(size=100_000)
    return np.mean(slope(z) ** 2) / np.var(activation(z))


# They take whatever somebody averages over: arrays, lists, tensors, one number at a time.
def _relu(z):
    return np.maximum(np.asarray(z), 0.0)


def _relu_slope(z):
    return np.where(np.asarray(z) > 0, 1.0, 0.0)


def _near(found, expected):
    same(found, expected, "the growth rate (if you draw z, draw 100,000)", tol=0.05)


@large_batch_rate.expect
def a_single_rate():
    """Return a single number."""
    array_like((yield (_relu, _relu_slope), {}), "the growth rate", shape=())


@large_batch_rate.expect
def no_growth_without_bends():
    """A straight line, activation(z) = 2 z, has the growth rate 1."""
    found = yield (lambda z: 2 * np.asarray(z), lambda z: np.full(np.shape(z), 2.0)), {}
    slip(found, 4, "divide by the variance of activation(z)", tol=0.05)
    slip(found, 0.5, "square the slope before you average", tol=0.05)
    slip(found, 2, "divide by the variance, not by its root", tol=0.05)
    _near(found, 1)


@large_batch_rate.expect
def the_mean_does_not_count():
    """ReLU has the growth rate pi / (pi - 1), 1.467: its mean is subtracted."""
    found = yield (_relu, _relu_slope), {}
    slip(
        found, 1, "divide by the variance, the spread about the mean, not by the mean square", 0.05
    )
    slip(found, 1 - 1 / np.pi, "upside down: the slope belongs above", tol=0.05)
    slip(found, np.sqrt(np.pi / (np.pi - 1)), "this is the root; return the squared factor", 0.05)
    slip(found, 0.734, "square the slope first, then average", tol=0.05)
    _near(found, np.pi / (np.pi - 1))


@large_batch_rate.expect
def under_the_bell_curve():
    """z is normal with mean 0 and variance 1: sin(2 z) has the growth rate 4.003."""
    sine = (lambda z: np.sin(2 * np.asarray(z))), (lambda z: 2 * np.cos(2 * np.asarray(z)))
    found = yield sine, {}
    # E[cos(4 z)] = exp(-8); z**2 would need far more draws to come close to its rate.
    _near(found, 4 * (1 + np.exp(-8)) / (1 - np.exp(-8)))


@exercise(
    "Two ways lead from x to y: the skip and the branch. What arrives over each, and what happens "
    "where they meet?",
    "Forward first: x_hat, then h = np.maximum(x_hat, 0). Backward through the branch: dh = dy @ "
    "weight, then only where x_hat is positive, then the formula of batch_norm_backward.",
    "dx = dy + what comes back through the branch; dweight = dy.T @ h. The skip has no parameters "
    "and multiplies by 1.",
)
def residual_backward(dy, x, weight, eps=1e-5):
    r = 1 / np.sqrt(x.var(axis=0) + eps)
    x_hat = (x - x.mean(axis=0)) * r
    h = np.maximum(x_hat, 0)

    dweight = dy.T @ h
    dx_hat = (dy @ weight) * (x_hat > 0)
    branch = r * (dx_hat - dx_hat.mean(axis=0) - x_hat * (dx_hat * x_hat).mean(axis=0))
    dx = dy + branch
    return dx, dweight


@residual_backward.expect
def two_gradients():
    """Return (dx, dweight), each in the shape of what it belongs to."""
    dx, dweight = parts((yield (DY, X, WEIGHT), {"eps": EPS}), "dx", "dweight")
    array_like(dx, "dx", shape=(6, 4))
    array_like(dweight, "dweight", shape=(4, 4))


@residual_backward.expect
def the_skip():
    """With a weight of zeros nothing comes back through the branch: dx is dy."""
    dx, _ = yield (DY, X, np.zeros((4, 4))), {"eps": EPS}
    slip(dx, np.zeros((6, 4)), "the skip is missing: y contains x itself")
    r = 1 / np.sqrt(X.var(axis=0) + EPS)
    slip(dx, DY * r, "the skip passes by batch norm: it multiplies dy by 1")
    x_hat = (X - X.mean(axis=0)) * r
    normed = r * (DY - DY.mean(axis=0) - x_hat * (DY * x_hat).mean(axis=0))
    slip(dx, normed, "the skip passes by batch norm: dy arrives over it unchanged")
    same(dx, DY, "dx")


@residual_backward.expect
def the_weight():
    """dweight is dy.T @ h, with h what enters the weight: x_hat, then ReLU."""
    _, dweight = yield (DY, X, WEIGHT), {"eps": EPS}
    x_hat = (X - X.mean(axis=0)) / np.sqrt(X.var(axis=0) + EPS)
    h = np.maximum(x_hat, 0)
    slip(dweight, h.T @ DY, "transposed: y = x + h @ weight.T, so it is dy.T @ h")
    slip(dweight, DY.T @ x_hat, "the ReLU is missing: negative entries of x_hat become 0")
    slip(dweight, DY.T @ X, "it is h that the weight multiplies, not x")
    slip(dweight, DY.T @ np.maximum(X, 0), "batch norm is missing: h = ReLU of x_hat")
    slip(dweight, DY.T @ h / 6, "this is the mean over the batch: sum over it")
    small = np.maximum((X - X.mean(axis=0)) / np.sqrt(X.var(axis=0) + 1e-5), 0)
    slip(dweight, DY.T @ small, "you use 1e-5 whatever eps you are given")
    for wrong, says in [
        (np.sqrt(X.var(axis=0, ddof=1) + EPS), "the variance divides by N, not by N - 1"),
        (X.std(axis=0) + EPS, "eps belongs under the root"),
    ]:
        slip(dweight, DY.T @ np.maximum((X - X.mean(axis=0)) / wrong, 0), says)
    same(dweight, DY.T @ h, "dweight")


@residual_backward.expect
def the_branch():
    """Beside dy, dx holds what comes back through weight, ReLU and batch norm."""
    dx, _ = yield (DY, X, WEIGHT), {"eps": EPS}
    branch = residual_backward(DY, X, WEIGHT, EPS)[0] - DY
    r = 1 / np.sqrt(X.var(axis=0) + EPS)
    x_hat = (X - X.mean(axis=0)) * r
    slip(dx, DY, "nothing comes back through the branch")
    slip(dx, DY - branch, "the two ways meet: add, do not subtract")
    open_relu = DY @ WEIGHT
    masked = open_relu * (x_hat > 0)

    def through_norm(d):
        return r * (d - d.mean(axis=0) - x_hat * (d * x_hat).mean(axis=0))

    slip(dx, DY + through_norm(open_relu), "ReLU stops the gradient where x_hat is negative")
    by_x = through_norm(open_relu * (X > 0))
    slip(dx, DY + by_x, "ReLU's input is x_hat, not x: ask where x_hat is positive")
    late = through_norm(open_relu) * (x_hat > 0)
    slip(dx, DY + late, "go back in reverse order: first ReLU, then batch norm")
    slip(dx, DY + masked, "batch norm is missing on the way back")
    slip(dx, DY + r * masked, "mean and variance depend on x, too")
    centred = r * (masked - masked.mean(axis=0))
    slip(dx, DY + centred, "the variance depends on x, too")
    turned = through_norm((DY @ WEIGHT.T) * (x_hat > 0))
    slip(dx, DY + turned, "forward is h @ weight.T, so backward is dy @ weight")
    same(dx, DY + branch, "dx")


@residual_backward.expect
def any_size():
    """It works for a batch of another size, and for any number of features, also for one."""
    for n, c in ((5, 4), (4, 3), (6, 1)):
        args = DY[:n, :c], X[:n, :c], WEIGHT[:c, :c]
        dx, dweight = parts((yield args, {"eps": EPS}), "dx", "dweight")
        expected = residual_backward(*args, EPS)
        same(dx, expected[0], f"dx ({n} samples, {c} features)")
        same(dweight, expected[1], f"dweight ({n} samples, {c} features)")


@residual_backward.expect
def default_eps():
    """Without an eps it uses 1e-5, which matters for features that hardly vary."""
    small = 1e-3 * X
    dx, _ = yield (1e-3 * DY, small, WEIGHT), {}
    same(dx, residual_backward(1e-3 * DY, small, WEIGHT)[0], "dx")


@residual_backward.expect_or_refuse
def single_sample():
    """The branch of a batch of one is 0, wherever the sample lies: what remains is the skip."""
    dx, dweight = yield (DY[:1], X[:1], WEIGHT), {"eps": EPS}
    same(dx, DY[:1], "dx")
    same(dweight, np.zeros((4, 4)), "dweight")


@exercise(
    "The growth rate is a factor of the squared norm, per layer. Which rate makes L layers "
    "lengthen a gradient `most` times? And which share of z is passed on with a slope of 1?",
    "The rate must be most ** (2 / L). The slope of max(z + beta, 0) is 1 where z > -beta, so its "
    "mean square is p, the area to the left of beta. The mean of what is passed on is "
    "beta * p + d, with d the density at beta.",
    "The mean square of what is passed on is (1 + beta**2) * p + beta * d, so the rate is "
    "p / ((1 + beta**2) * p + beta * d - (beta * p + d)**2). It falls as beta grows. Which way of "
    "solving an equation needs no more than that?",
    "Bisection: start with an interval, say from -5 to 5. In the middle of it, is the rate still "
    "too large? Then beta lies in the upper half, else in the lower one. Repeat 50 times.",
)
def straight_start(L, most):
    import math  # NumPy has no erf, and the notebook imports nothing else

    target = most ** (2 / L)
    low, high = -5.0, 5.0
    for _ in range(50):
        beta = (low + high) / 2
        p = (1 + math.erf(beta / math.sqrt(2))) / 2
        d = math.exp(-(beta**2) / 2) / math.sqrt(2 * math.pi)
        rate = p / ((1 + beta**2) * p + beta * d - (beta * p + d) ** 2)
        if rate > target:
            low = beta
        else:
            high = beta
    return beta


def _beta_slips(found, L, most):
    """Raise if `found` is where a well-known mistake leads."""
    found = array_like(found, "beta", shape=())
    for wrong, says in (
        ((L, most**0.5), "the growth rate is that of the squared norm: L layers make most**2"),
        ((L, most**2), "the rate is most ** (2 / L): you square twice"),
        ((1, most), "this is the start of a single layer: L layers share the growth"),
        ((L + 1, most), "every layer counts, L of them, not L + 1"),
        ((L - 1, most), "every layer counts, L of them, not L - 1"),
    ):
        # How far they are apart counts, also near zero.
        slip(1 + found - straight_start(*wrong), 1.0, says, tol=0.005)


@straight_start.expect
def one_beta():
    """Return a single number."""
    array_like((yield (50, 10.0), {}), "beta", shape=())


@straight_start.expect
def the_usual_start():
    """The growth of L plain ReLU layers, (pi / (pi - 1)) ** (L / 2), needs no beta: it is 0."""
    found = yield (20, (np.pi / (np.pi - 1)) ** 10), {}
    _beta_slips(found, 20, (np.pi / (np.pi - 1)) ** 10)
    same(found, 0.0, "beta", tol=0.01)


@straight_start.expect
def a_straighter_start():
    """Less growth needs a positive beta: ReLU must see fewer negative numbers."""
    for L, most in ((50, 10.0), (10, 1.5), (4, 1.2)):
        found = yield (L, most), {}
        right = straight_start(L, most)
        slip(found, -right, "wrong sign: beta is added to z, so a large beta bends less", tol=0.01)
        same(found, right, f"beta for L = {L} and most = {most:g}", tol=0.01)


@straight_start.expect
def a_more_bent_start():
    """More growth than usual needs a negative beta."""
    for L, most in ((6, 10.0), (2, 2.5)):
        found = yield (L, most), {}
        slip(found, 0.0, "beta may be negative: then ReLU bends more than usual")
        same(found, straight_start(L, most), f"beta for L = {L} and most = {most:g}", tol=0.01)


@straight_start.expect
def a_single_layer():
    """It works for one layer, too."""
    found = yield (1, 1.1), {}
    same(found, straight_start(1, 1.1), "beta for L = 1 and most = 1.1", tol=0.01)
