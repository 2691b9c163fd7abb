"""Exercises of the notebook `backward`: the pieces of the gradient, the whole, and its check."""

import numpy as np

from helpers.exercises.engine import (
    array_like,
    exercise,
    number,
    parts,
    prediction,
    same,
    slip,
)

_rng = np.random.default_rng(30)
X = _rng.normal(size=(6, 4)) * [1.0, 4.0, 0.5, 2.0] + [5.0, -2.0, 0.3, 0.0]
DY = _rng.normal(size=(6, 4)) + np.array([0.5, -1.0, 0.0, 2.0])
X_HAT = (X - X.mean(axis=0)) / X.std(axis=0)
GAMMA = np.array([2.0, 0.5, -1.5, 3.0])
EPS = 0.3  # large enough that every misplaced eps shows
WIDE, DY_WIDE = _rng.normal(size=(3, 5)) * 2 - 1, _rng.normal(size=(3, 5))
GAMMA_WIDE = np.linspace(0.5, 2.5, 5)

number(
    "backward-shifted-feature",
    answer=0,
    within_absolute=0.01,
    reason="The mean moves along, and it is subtracted.",
    recalls="forward",
)
number(
    "backward-small-variance",
    answer=0.5,
    within=1.05,
    reason="The variance of x_hat is var / (var + eps). Only where var is much larger than eps is "
    "it 1.",
    recalls="forward",
)
prediction(
    "backward-who-moves",
    right="b",
    a="its neighbours in the column share mu and var with it, and both have changed.",
    b="mu and var of that feature have changed, so all samples move in it; the other features have "
    "statistics of their own.",
    c="every feature has statistics of its own: what happens in one column stays there.",
    recalls="forward",
)

prediction(
    "backward-lone-bias",
    right="b",
    a="so it would be with the true gradient, which is zero. This one does not know that the mean "
    "moves along.",
    b="each step moves b by the same amount, the centring takes it back at once, and so the next "
    "step sees the same slope. The loss does not change at all.",
    c="the centred values never get nearer to their targets when b moves, so there is nothing to "
    "settle at.",
    believed={"a": "quote: bias-cancelled", "c": "claim: statistics-as-constants"},
)
number(
    "backward-share-left",
    answer=75,
    unit="% of its squared length",
    within=1.15,
    reason="Eight samples are eight directions, a random dy has an eighth of its squared length "
    "along each, and two directions go: the one of all ones and that of x_hat.",
    measured_by="100 * survives[sizes.index(8)]",
)
number(
    "backward-scaled-weights",
    answer=0.1,
    within=1.2,
    reason="Ten times the weights give the same output, so the same change of the output takes ten "
    "times the change of the weights: the slope is a tenth. (Without batch norm it would be the "
    "same as before.)",
    measured_by="np.median(ratios)",
)
number(
    "backward-fifty-layers",
    answer=10800,
    unit="times",
    within=3,
    reason="Each layer lengthens the gradient by a fifth only, but 49 times in a row, and nobody "
    "multiplies that in their head.",
    measured_by="np.median(deep)",
)
prediction(
    "backward-summed-loss",
    right="a",
    a="every feature of y has mean beta, so the loss is N times the sum of the betas. x cannot "
    "change it.",
    b="that is what is left if mu and var are taken for constants. They move, and take back "
    "everything.",
    believed={"b": "mutant: batch_norm_backward.statistics_as_constants"},
)


@exercise(
    "gamma[c] enters the outputs of all N samples. What happens to gradients where paths meet?",
    "They add. Multiply each dy by what gamma was multiplied with, then sum over the samples.",
    "dgamma = (dy * x_hat).sum(axis=0); beta was multiplied with 1.",
)
def scale_shift_backward(dy, x_hat):
    dgamma = (dy * x_hat).sum(axis=0)
    dbeta = dy.sum(axis=0)
    return dgamma, dbeta


@scale_shift_backward.expect
def two_gradients():
    """Return (dgamma, dbeta), one entry per feature each."""
    dgamma, dbeta = parts((yield (DY, X_HAT), {}), "dgamma", "dbeta")
    array_like(dgamma, "dgamma", shape=(4,))
    array_like(dbeta, "dbeta", shape=(4,))


@scale_shift_backward.expect
def shift():
    """dbeta sums dy over the batch: beta reaches every sample with slope 1."""
    _, dbeta = yield (DY, X_HAT), {}
    slip(dbeta, (DY * X_HAT).sum(axis=0), "this is dgamma: return (dgamma, dbeta), in this order")
    slip(dbeta, DY.mean(axis=0), "where paths meet gradients add: sum over the batch, no mean")
    same(dbeta, DY.sum(axis=0), "dbeta")


@scale_shift_backward.expect
def scale():
    """dgamma sums dy times x_hat over the batch: gamma reaches sample n with slope x_hat[n]."""
    dgamma, _ = yield (DY, X_HAT), {}
    each = DY * X_HAT
    slip(dgamma, DY.sum(axis=0), "x_hat is missing: multiply it with dy before you sum")
    slip(dgamma, each.mean(axis=0), "where paths meet gradients add: sum over the batch, no mean")
    slip(dgamma, 0 * each[0], "x_hat alone sums to zero: multiply each with its dy, then sum")
    same(dgamma, each.sum(axis=0), "dgamma")


@scale_shift_backward.expect
def any_batch():
    """It works for a batch of any size and any number of features, also for a single sample or a
    single feature."""
    for n, c in ((3, 5), (3, 1), (1, 5)):
        dy, x_hat = DY_WIDE[:n, :c], WIDE[:n, :c]
        dgamma, dbeta = yield (dy, x_hat), {}
        same(dgamma, (dy * x_hat).sum(axis=0), "dgamma")
        same(dbeta, dy.sum(axis=0), "dbeta")


@exercise(
    "Sample m reaches centred sample n in two ways: directly if n is m, and always through the "
    "mean.",
    "The derivative of c[n] with respect to x[m] is (1 if n == m else 0) - 1/N.",
    "Sum over n: dx[m] = dc[m] - the mean of dc over the batch.",
)
def centering_backward(dc):
    return dc - dc.mean(axis=0)


@centering_backward.expect
def one_per_entry():
    """dx has the shape of dc."""
    array_like((yield (DY,), {}), "dx", shape=DY.shape)


@centering_backward.expect
def common_push():
    """If dc pushes all samples of a feature alike, nothing is left: centering undoes such moves."""
    push = np.tile([1.0, -2.0, 3.0, 0.5], (6, 1))
    dx = yield (push,), {}
    slip(dx, push - push.mean(), "every feature has a mean of its own: average over axis 0")
    slip(dx, push, "mu moves too when a sample moves")
    slip(dx, push - push.sum(axis=0), "subtract the mean of dc; you subtract its sum")
    slip(dx, push * (1 - 1 / 6), "x[m] moves mu by 1/N, and with it all N of the c[n]: they add up")
    same(dx, np.zeros((6, 4)), "dx")


@centering_backward.expect
def slopes():
    """dx is the gradient of sum(dc * (x - mu)) with respect to x."""
    dx = yield (DY,), {}
    slip(dx, DY.mean(axis=0) - DY, "the sign is flipped")
    same(dx, DY - DY.mean(axis=0), "dx")


@centering_backward.expect
def other_batches():
    """It works for a batch of any size and any number of features, also for a single sample: its
    centred value is always 0."""
    for dc in (DY_WIDE, DY_WIDE[:, :1], DY_WIDE[:1]):
        same((yield (dc,), {}), dc - dc.mean(axis=0), f"dx (dc of shape {dc.shape})")


@exercise(
    "Change one entry of a copy of x by +h and by -h, call f on both, and compare.",
    "Central differences: (f(x + h) - f(x - h)) / (2 * h), one entry at a time.",
    "Loop over np.ndindex(x.shape). Make step = np.zeros_like(x), set step[index] = h, and use "
    "f(x + step) and f(x - step).",
)
def numerical_gradient(f, x, h=1e-5):
    grad = np.zeros_like(x)
    for index in np.ndindex(x.shape):
        step = np.zeros_like(x)
        step[index] = h
        grad[index] = (f(x + step) - f(x - step)) / (2 * h)
    return grad


@numerical_gradient.expect
def shape_of_x():
    """The gradient has one entry per entry of x, an array of floats."""
    array_like((yield (lambda x: np.sum(DY * x), X), {}), "grad", shape=X.shape)


@numerical_gradient.expect
def each_entry_alone():
    """For f(x) = sum(w * x) the gradient is w."""
    grad = yield (lambda x: np.sum(DY * x), X), {}
    slip(grad, 2 * DY, "from x - h to x + h the step is 2h: divide by 2 * h", tol=1e-6)
    slip(np.multiply(grad, 1e10), DY, "/ 2 * h multiplies by h: write / (2 * h)", tol=1e-6)
    slip(grad, -DY, "the sign is flipped: f(x + h) - f(x - h)", tol=1e-6)
    same(grad, DY, "grad", tol=1e-6)


@numerical_gradient.expect
def any_shape():
    """It works for an x of any number of dimensions."""
    for shape in ((4,), (2, 3, 4), (1, 2, 1, 3)):
        weights = DY.ravel()[: np.prod(shape)].reshape(shape)
        grad = yield (lambda x, w=weights: np.sum(w * x), weights + 1), {}
        same(grad, weights, f"grad (x of shape {shape})", tol=1e-6)


@numerical_gradient.expect
def any_layout():
    """It works for a transposed array, whose entries lie in memory in another order."""
    grad = yield (lambda x: np.sum(DY.T * x), X.T), {}
    slip(grad, 0 * X.T, "nothing arrived in grad: here ravel() and reshape(-1) make a copy")
    same(grad, DY.T, "grad", tol=1e-6)


@numerical_gradient.expect
def central():
    """For f(x) = sum(exp(x)) and h = 1e-5, the default, the gradient is exp(x) to 8 digits."""
    grad = yield (lambda x: np.sum(np.exp(x)), DY), {}
    for h in (1e-5, -1e-5):
        one_sided = np.exp(DY) * np.expm1(h) / h
        slip(grad, one_sided, "a one-sided difference errs: step to both sides of x", tol=1e-7)
    same(grad, np.exp(DY), "grad", tol=1e-8)


@numerical_gradient.expect
def others_stay():
    """While one entry moves, all others stay where they are: for f(x) = sum(w * x)**2 the gradient
    is 2 * w * sum(w * x)."""
    h, total = 0.1, np.sum(DY * X)
    grad = yield (lambda x: np.sum(DY * x) ** 2, X), {"h": h}
    slip(grad, 2 * DY**2 * X, "the other entries are 0 here: move one entry of a copy of x")
    before = (np.cumsum(DY) - DY.ravel()).reshape(DY.shape)  # of the entries that moved earlier
    for left in (-h, h):
        slip(
            grad,
            2 * DY * (total + left * before),
            "an entry that has moved is never put back, so the next ones are taken at another x",
        )
    same(grad, 2 * DY * total, "grad", tol=1e-6)


@numerical_gradient.expect
def step_size():
    """It uses the step h that it is given: for sum(x**3) the answer is 3 * x**2 + h**2. If it is
    given none, h is 1e-5."""
    grad = yield (lambda x: np.sum(x**3), DY), {"h": 0.5}
    same(grad, 3 * DY**2 + 0.25, "grad")
    grad = yield (lambda x: np.sum(np.sin(1e5 * x)), DY), {}
    want = np.sin(1) * np.cos(1e5 * DY)
    same(1e-5 * np.asarray(grad), want, "grad of sum(sin(1e5 * x)) / 1e5", tol=1e-7)


@exercise(
    "Start with dgamma and dbeta: one entry of each serves all samples, so its slopes add up. For "
    "dx use the closed form you derived above.",
    "Recompute mu, var and x_hat from x. r = 1 / sqrt(var + eps) is one number per feature.",
    "dx has three terms: dy itself, minus its mean over the batch, minus x_hat times the mean of "
    "dy * x_hat. All of it times gamma * r.",
    "dx = gamma * r * (dy - dy.mean(axis=0) - x_hat * (dy * x_hat).mean(axis=0))",
)
def batch_norm_backward(dy, x, gamma, eps=1e-5):
    mu = x.mean(axis=0)
    r = 1 / np.sqrt(x.var(axis=0) + eps)
    x_hat = (x - mu) * r
    dgamma = (dy * x_hat).sum(axis=0)
    dbeta = dy.sum(axis=0)
    dx = gamma * r * (dy - dy.mean(axis=0) - x_hat * (dy * x_hat).mean(axis=0))
    return dx, dgamma, dbeta


def _terms():
    """What dx of (DY, X) is made of: r, x_hat, mean(dy) and x_hat * mean(dy * x_hat)."""
    r = 1 / np.sqrt(X.var(axis=0) + EPS)
    x_hat = (X - X.mean(axis=0)) * r
    return r, x_hat, DY.mean(axis=0), x_hat * (DY * x_hat).mean(axis=0)


@batch_norm_backward.expect
def three_gradients():
    """Return (dx, dgamma, dbeta): dx with the shape of x, the others with one entry per feature."""
    result = yield (DY, X, GAMMA), {"eps": EPS}
    dx, dgamma, dbeta = parts(result, "dx", "dgamma", "dbeta")
    array_like(dx, "dx", shape=X.shape)
    array_like(dgamma, "dgamma", shape=(4,))
    array_like(dbeta, "dbeta", shape=(4,))


@batch_norm_backward.expect
def dbeta_sums_dy():
    """dbeta is the sum of dy over the batch."""
    *_, dbeta = yield (DY, X, GAMMA), {"eps": EPS}
    right = batch_norm_backward(DY, X, GAMMA, EPS)[1]
    slip(dbeta, right, "this is dgamma: return (dx, dgamma, dbeta), in this order")
    slip(dbeta, DY.mean(axis=0), "where paths meet gradients add: sum over the batch, no mean")
    slip(dbeta, GAMMA * DY.sum(axis=0), "beta is added after gamma: gamma plays no part in dbeta")
    same(dbeta, DY.sum(axis=0), "dbeta")


@batch_norm_backward.expect
def dgamma_sums_dy_x_hat():
    """dgamma is the sum of dy * x_hat over the batch, with eps in x_hat."""
    _, dgamma, _ = yield (DY, X, GAMMA), {"eps": EPS}
    centred = X - X.mean(axis=0)
    raw = (DY * centred).sum(axis=0)
    want = raw / np.sqrt(X.var(axis=0) + EPS)
    slip(dgamma, DY.sum(axis=0), "x_hat is missing: multiply it with dy before you sum")
    slip(dgamma, raw / X.std(axis=0), "eps is missing")
    slip(dgamma, raw / np.sqrt(X.var(axis=0) + 1e-5), "you use 1e-5 whatever eps you are given")
    slip(dgamma, raw, "multiply dy with x_hat, not with x - mu")
    slip(dgamma, want / 6, "where paths meet gradients add: sum over the batch, no mean")
    slip(dgamma, GAMMA * want, "the slope of y with respect to gamma is x_hat, without gamma")
    slip(dgamma, raw / np.sqrt(X.var(axis=0, ddof=1) + EPS), "var divides by N, not by N - 1")
    slip(dgamma, raw / (X.std(axis=0) + EPS), "eps belongs inside the root")
    slip(dgamma, (DY * X).sum(axis=0), "multiply dy with x_hat, not with x")
    same(dgamma, want, "dgamma")


@batch_norm_backward.expect
def dx_sums_to_zero():
    """dx sums to zero over the batch: moving a whole feature by a constant changes no output."""
    result = yield (DY, X, GAMMA), {"eps": EPS}
    dx = array_like(result[0], "dx", shape=X.shape)
    r, x_hat, dy_mean, last = _terms()
    slip(dx, GAMMA * r * DY, "mu and var depend on x too: two terms are missing")
    slip(dx, GAMMA * r * (DY - last), "mu depends on x too: the mean of dy is missing")
    slip(dx, GAMMA * r * DY - dy_mean - last, "gamma * r multiplies all three terms: brackets")
    slip(dx, GAMMA * r * (DY - 6 * dy_mean - 6 * last), "the last two terms hold means, not sums")
    wrong = DY.mean() + x_hat * (DY * x_hat).mean()
    slip(dx, GAMMA * r * (DY - wrong), "each feature has means of its own: average over axis 0")
    same(dx.sum(axis=0), np.zeros(4), "sum of dx for feature")


@batch_norm_backward.expect
def dx_is_the_slope():
    """dx is the slope of sum(dy * y): it agrees with central differences of batch norm."""
    dx, _, _ = yield (DY, X, GAMMA), {"eps": EPS}

    def loss(x):
        return np.sum(DY * GAMMA * (x - x.mean(axis=0)) / np.sqrt(x.var(axis=0) + EPS))

    r, _, dy_mean, last = _terms()
    inner = DY - dy_mean
    slip(dx, GAMMA * r * inner, "var depends on x too: x_hat * mean(dy * x_hat) is missing")
    slip(dx, GAMMA * r * (inner + last), "the path through var, the x_hat term, has the wrong sign")
    slip(dx, GAMMA * r * (inner - 6 * last), "the path through var, the x_hat term, lacks its 1/N")
    bessel = "the mean of dy * x_hat divides by N, as var does; here it divides by N - 1"
    slip(dx, GAMMA * r * (inner - last * 6 / 5), bessel)
    slip(dx, GAMMA * r * (inner - last / 2), "the path through var is half: c**2 has slope 2 * c")
    slip(dx, r * (inner - last), "gamma is missing")
    slip(dx, GAMMA * (inner - last), "r = 1 / sqrt(var + eps) is missing")
    same(dx, numerical_gradient(loss, X), "dx", tol=1e-7)


@batch_norm_backward.expect
def default_eps():
    """Without an eps it uses 1e-5, which matters for columns that hardly vary."""
    dx, dgamma, _ = yield (DY, X * 1e-3, GAMMA), {}
    want_dx, want_dgamma, _ = batch_norm_backward(DY, X * 1e-3, GAMMA)
    same(dx, want_dx, "dx")
    same(dgamma, want_dgamma, "dgamma")


@batch_norm_backward.expect
def other_sizes():
    """It works for a batch of any size and any number of features, also for a single one."""
    for n, c in ((3, 5), (3, 1), (2, 2)):
        args = (DY_WIDE[:n, :c], WIDE[:n, :c], GAMMA_WIDE[:c])
        got = yield args, {"eps": EPS}
        want = batch_norm_backward(*args, EPS)
        for which, name in enumerate(("dx", "dgamma", "dbeta")):
            same(got[which], want[which], f"{name} (N = {n}, C = {c})")


@batch_norm_backward.expect_or_refuse
def single_sample():
    """The output of a batch of one is beta, wherever the sample lies: dx and dgamma are 0."""
    dx, dgamma, dbeta = yield (DY[:1], X[:1], GAMMA), {"eps": EPS}
    same(dx, np.zeros((1, 4)), "dx")
    same(dgamma, np.zeros(4), "dgamma")
    same(dbeta, DY[0], "dbeta")


@batch_norm_backward.expect
def constant_column():
    """A column in which all samples agree has dx = gamma / sqrt(eps) * (dy - mean of dy)."""
    x = X.copy()
    x[:, 2] = 7.0
    result = yield (DY, x, GAMMA), {"eps": EPS}
    dx = array_like(result[0], "dx", shape=X.shape)
    same(dx[:, 2], batch_norm_backward(DY, x, GAMMA, EPS)[0][:, 2], "dx of the constant column")


@batch_norm_backward.expect
def large_offset():
    """Adding 1e8 to every sample changes no gradient. (mean(x**2) - mu**2 would lose the
    digits.)"""
    dx, dgamma, _ = yield (DY, X + 1e8, GAMMA), {"eps": EPS}
    want_dx, want_dgamma, _ = batch_norm_backward(DY, X, GAMMA, EPS)
    same(dgamma, want_dgamma, "dgamma", tol=1e-5)
    same(dx, want_dx, "dx", tol=1e-5)


@exercise(
    "Start from the end again: y = gamma * x_hat, x_hat = x * r. x_hat depends on x directly and "
    "through r.",
    "r = (m + eps) ** -0.5 with m = mean(x ** 2): dr = sum(dx_hat * x), dm = dr * -0.5 * r ** 3, "
    "and m hands 2 * x / N of it to each x.",
    "Put them together: everything but dy and one mean cancels. Nothing was centred, so no mean of "
    "dy is subtracted.",
    "dx = gamma * r * (dy - x_hat * (dy * x_hat).mean(axis=0)). Only the direction of x_hat goes, "
    "so two samples are enough.",
)
def mean_square_backward(dy, x, gamma, eps=1e-5):
    r = 1 / np.sqrt((x**2).mean(axis=0) + eps)
    x_hat = x * r
    dgamma = (dy * x_hat).sum(axis=0)
    dx = gamma * r * (dy - x_hat * (dy * x_hat).mean(axis=0))
    return dx, dgamma


@mean_square_backward.expect
def two_parts():
    """Return (dx, dgamma): dx with the shape of x, dgamma with one entry per feature."""
    dx, dgamma = parts((yield (DY, X, GAMMA), {"eps": EPS}), "dx", "dgamma")
    array_like(dx, "dx", shape=X.shape)
    array_like(dgamma, "dgamma", shape=(4,))


@mean_square_backward.expect
def dgamma_of_the_cousin():
    """dgamma is the sum of dy * x_hat over the batch, and x_hat is x * r, not centred."""
    _, dgamma = yield (DY, X, GAMMA), {"eps": EPS}
    r = 1 / np.sqrt((X**2).mean(axis=0) + EPS)
    want = (DY * X * r).sum(axis=0)
    centred = (X - X.mean(axis=0)) / np.sqrt(X.var(axis=0) + EPS)
    slip(dgamma, (DY * centred).sum(axis=0), "this layer does not centre: x_hat is x * r")
    slip(dgamma, DY.sum(axis=0), "x_hat is missing: multiply it with dy before you sum")
    slip(dgamma, want / 6, "where paths meet gradients add: sum over the batch, no mean")
    slip(dgamma, GAMMA * want, "the slope of y with respect to gamma is x_hat, without gamma")
    no_eps = (DY * X / np.sqrt((X**2).mean(axis=0))).sum(axis=0)
    slip(dgamma, no_eps, "eps is missing")
    beside = (DY * X / (np.sqrt((X**2).mean(axis=0)) + EPS)).sum(axis=0)
    slip(dgamma, beside, "eps belongs inside the root")
    of_var = (DY * X / np.sqrt(X.var(axis=0) + EPS)).sum(axis=0)
    slip(dgamma, of_var, "r holds the variance; here it holds the mean square of x")
    same(dgamma, want, "dgamma")


@mean_square_backward.expect
def dx_of_the_cousin():
    """dx is the slope of sum(dy * y): it agrees with central differences of this layer."""
    dx, _ = yield (DY, X, GAMMA), {"eps": EPS}

    def loss(x):
        return np.sum(DY * GAMMA * x / np.sqrt((x**2).mean(axis=0) + EPS))

    r = 1 / np.sqrt((X**2).mean(axis=0) + EPS)
    last = X * r * (DY * X * r).mean(axis=0)
    slip(dx, GAMMA * r * DY, "r depends on x too: a term is missing")
    slip(dx, GAMMA * r * (DY - DY.mean(axis=0) - last), "nothing was centred, so no mean goes")
    slip(dx, GAMMA * r * (DY + last), "the path through r has the wrong sign")
    slip(dx, GAMMA * r * (DY - 6 * last), "the path through r lacks the 1/N of the mean square")
    slip(dx, GAMMA * r * (DY - last / 2), "the path through r is half: x**2 has slope 2 * x")
    slip(dx, r * (DY - last), "gamma is missing")
    same(dx, numerical_gradient(loss, X), "dx", tol=1e-7)


@mean_square_backward.expect
def cousins_of_any_size():
    """It works for a batch of any size, also for a single sample, and with the default eps."""
    for n, c in ((3, 5), (3, 1), (1, 5)):
        args = (DY_WIDE[:n, :c], 1e-3 * WIDE[:n, :c], GAMMA_WIDE[:c])
        got, want = (yield args, {}), mean_square_backward(*args)
        for which, name in enumerate(("dx", "dgamma")):
            same(got[which], want[which], f"{name} (N = {n}, C = {c})")
