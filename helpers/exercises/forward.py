"""Exercises of the notebook `forward`: the statistics, the transform, its inverse, its bound."""

import numpy as np

from helpers.exercises.engine import (
    array_like,
    exercise,
    number,
    order,
    parts,
    prediction,
    same,
    same_of_whole,
    slip,
    word,
)

_rng = np.random.default_rng(20)
# Columns of different mean and scale; a batch that is not square, so that axes cannot be mixed.
X = _rng.normal(size=(6, 4)) * [1.0, 4.0, 0.5, 2.0] + [5.0, -2.0, 0.3, 0.0]
WIDE = _rng.normal(size=(3, 5)) * 2 - 1
WHOLE = np.array([[0, 3, 7, 1], [16, 5, 8, 2], [2, 12, 3, 4]])  # whole numbers, as pixels are
GAMMA = np.array([2.0, 0.5, -1.5, 3.0])
BETA = np.array([1.0, -3.0, 0.25, 10.0])
EPS = 0.3  # large enough that every misplaced eps shows

number(
    "forward-largest-rate",
    answer=0.5,
    within=1.02,
    reason="A step multiplies the distance from the best weight by 1 - lr * 4. Beyond 2 / 4 that "
    "is below -1.",
    recalls="why_normalize_inputs",
)
word(
    "forward-whose-statistics",
    answers=(
        *("the training set's", "the training set", "of the training set", "training"),
        *("those of the training set", "training data", "training images", "x_train", "train"),
    ),
    reason="The weights were trained for features in units of the training set. With its own "
    "statistics a single image would become all zeros.",
    recalls="why_normalize_inputs",
)
order(
    "forward-steps-order",
    answer="bca",
    reason="The curvatures are the variances, and the steps go with their ratio, the condition "
    "number: 1, 36 / 4 = 9, and 100.",
    a="1 and 10",
    b="1 and 1",
    c="2 and 6",
    recalls="why_normalize_inputs",
    measured_by="[condition_number(np.diag(s)) for s in ([1, 10], [1, 1], [2, 6])]",
)

prediction(
    "forward-axis",
    right="a",
    a="five means, one per feature. Each average runs down a column, over the 64 samples: axis 0.",
    b="64 means would be one per image. That treats the five features as one quantity; it is what "
    "layer norm does.",
    c="a single mean would leave the differences between the features untouched.",
    believed={
        "b": "mutant: batch_norm_forward.normalizes_each_sample",
        "c": "mutant: batch_norm_forward.one_mean_for_all",
    },
)
number(
    "forward-tiny-variance",
    answer=1 / 11,
    reason="x_hat is divided by the root of var + eps, so its variance is var / (var + eps), here "
    "1 / 11. It is near 1 only where var is much larger than eps.",
    measured_by="var_out[np.isclose(var_in, 1e-6)].item()",
)
number(
    "forward-moved-sample",
    answer=6,
    within=1.05,
    unit="outputs",
    reason="All six share one mean and one variance, and both have changed. It makes no difference "
    "which samples lie close by.",
    measured_by="np.count_nonzero(np.ptp(outputs, axis=0) > 0.1)",
)
number(
    "forward-far-sample",
    answer=5**0.5,
    within=1.25,
    reason="It pulls the mean along and blows up the variance: the distance from the mean and the "
    "standard deviation grow together, and their quotient comes to rest at the root of N - 1.",
    measured_by="far[0]",
)
prediction(
    "forward-behind-relu",
    right="c",
    a="ReLU throws the negative half away, so nothing is left to balance the positive half.",
    b="one half is the mean square that is left. The variance is less by the square of the mean, "
    "and the mean is no longer 0.",
    c="half of the mean square is left, and the mean is 0.4: 0.5 - 0.4 ** 2 is about 1/3.",
    believed={"a": "claim: activations-standardized", "b": "quote: relu-halves-the-variance"},
)
number(
    "forward-other-batch",
    answer=0.19,
    within=2,
    unit="standard deviations",
    reason="The second batch is normalized with its own mean and variance, then scaled and shifted "
    "with those of the first. The means of two batches of 64 differ by about sqrt(2 / 64), or 0.18 "
    "standard deviations, and their spreads by about sqrt(1 / 64), or 0.13.",
    measured_by="np.median(other_batches)",
)


@exercise(
    "One number per column: which axis do you average over?",
    "Subtract the column means before you square. The variance is the mean of those squares.",
    "mu = x.mean(axis=0) and var = ((x - mu) ** 2).mean(axis=0).",
)
def batch_statistics(x):
    mu = x.mean(axis=0)
    var = ((x - mu) ** 2).mean(axis=0)
    return mu, var


@batch_statistics.expect
def one_per_feature():
    """Return two arrays, (mu, var), with one entry per feature."""
    mu, var = parts((yield (X,), {}), "mu", "var")
    array_like(mu, "mu", shape=(4,))
    array_like(var, "var", shape=(4,))


@batch_statistics.expect
def means():
    """mu holds the average of each column over the samples."""
    mu, _ = yield (X,), {}
    slip(mu, X.var(axis=0), "this is the variance: return (mu, var), in this order")
    slip(mu, X.sum(axis=0), "this is the sum; divide it by N")
    same(mu, X.mean(axis=0), "mu")


@batch_statistics.expect
def variances():
    """var holds the mean squared distance from the mean of the column."""
    _, var = yield (X,), {}
    slip(var, X.var(axis=0, ddof=1), "you divide by N - 1; batch norm divides by N")
    slip(var, X.std(axis=0), "this is the standard deviation; the variance is its square")
    slip(var, (X**2).mean(axis=0), "subtract mu before you square")
    slip(var, 6 * X.var(axis=0), "this is the sum of the squares; divide it by N")
    slip(var, ((X - X.mean()) ** 2).mean(axis=0), "each column has a mean of its own: subtract it")
    same(var, X.var(axis=0), "var")


@batch_statistics.expect
def any_size():
    """It works for a batch of any size and any number of features, also for a single sample or a
    single feature."""
    for x in (WIDE, WIDE[:, :1], WIDE[:1]):
        mu, var = parts((yield (x,), {}), "mu", "var")
        same(mu, x.mean(axis=0), f"mu (x of shape {x.shape})")
        same(var, x.var(axis=0), f"var (x of shape {x.shape})")


@batch_statistics.expect_or_refuse
def statistics_of_whole_numbers():
    """It works for whole numbers, such as pixels, too: their mean and variance have fractions."""
    mu, var = yield (WHOLE,), {}
    same_of_whole(mu, WHOLE.mean(axis=0), "mu")
    same_of_whole(var, WHOLE.var(axis=0), "var")


@batch_statistics.expect
def far_from_zero():
    """Adding 1e8 to a column leaves its variance alone. (A difference of two huge numbers would
    lose the digits.)"""
    _, var = yield (X + 1e8,), {}
    same(var, X.var(axis=0), "var", tol=1e-5)


@exercise(
    "Three steps: statistics over the batch, normalize, then scale and shift. One line each.",
    "eps is added to the variance, before the square root: that keeps a constant column finite.",
    "gamma and beta have one entry per feature and broadcast by themselves: gamma * x_hat + beta.",
    "x_hat = (x - x.mean(axis=0)) / np.sqrt(x.var(axis=0) + eps)",
)
def batch_norm_forward(x, gamma, beta, eps=1e-5):
    mu = x.mean(axis=0)
    var = x.var(axis=0)
    x_hat = (x - mu) / np.sqrt(var + eps)
    return gamma * x_hat + beta


@batch_norm_forward.expect
def same_shape():
    """The output has the shape of the input."""
    y = yield (X, GAMMA, BETA), {"eps": EPS}
    array_like(y, "y", shape=X.shape)


@batch_norm_forward.expect
def feature_means():
    """Every feature of the output has mean beta."""
    y = array_like((yield (X, GAMMA, BETA), {"eps": EPS}), "y", shape=X.shape)
    mu, root, mean = X.mean(axis=0), np.sqrt(X.var(axis=0) + EPS), y.mean(axis=0)
    rows = batch_norm_forward(X.T, 1, 0, EPS).T
    slip(mean, GAMMA * BETA, "scale by gamma first, then add beta")
    slip(mean, 0 * BETA, "beta is missing")
    slip(mean, GAMMA, "gamma and beta changed places: gamma scales, beta shifts")
    slip(y, GAMMA * rows + BETA, "you average over the features; average over the batch, axis 0")
    slip(y, GAMMA * (X - X.mean()) / np.sqrt(X.var() + EPS) + BETA, "one mean per feature: axis 0")
    slip(y, GAMMA * X / root + BETA, "subtract mu before you divide")
    slip(y, GAMMA * (X - mu / root) + BETA, "only mu is divided: put brackets around x - mu")
    same(mean, BETA, "mean of feature")


@batch_norm_forward.expect
def feature_variances():
    """Every feature of the output has variance gamma**2 * var / (var + eps); here eps is 0.3."""
    y = array_like((yield (X, GAMMA, BETA), {"eps": EPS}), "y", shape=X.shape)
    var, got = X.var(axis=0), y.var(axis=0)
    slip(got, GAMMA**2 * var / (np.sqrt(var) + EPS) ** 2, "eps belongs inside the root")
    slip(got, GAMMA**2, "eps is missing")
    slip(got, GAMMA**2 * var / (var + 1e-5), "you use 1e-5 whatever eps you are given")
    slip(got, GAMMA**2 * var, "the division by sqrt(var + eps) is missing")
    slip(got, GAMMA**2 * var / (var + EPS) ** 2, "take the root of var + eps before dividing")
    slip(got, GAMMA**2 * var * (var + EPS), "divide by the root; you multiply with it")
    slip(got, var / (var + EPS), "gamma is missing")
    slip(got, GAMMA**2 * var / (X.var(axis=0, ddof=1) + EPS), "var divides by N, not by N - 1")
    same(got, GAMMA**2 * var / (var + EPS), "variance of feature")


@batch_norm_forward.expect
def every_entry():
    """Every entry is gamma * (x - mu) / sqrt(var + eps) + beta."""
    y = yield (X, GAMMA, BETA), {"eps": EPS}
    same(y, batch_norm_forward(X, GAMMA, BETA, EPS), "y")


@batch_norm_forward.expect
def default_eps():
    """Without an eps it uses 1e-5, which matters for columns that hardly vary."""
    y = yield (X * 1e-3, GAMMA, BETA), {}
    same(y, batch_norm_forward(X * 1e-3, GAMMA, BETA), "y")


@batch_norm_forward.expect
def constant_column():
    """A column in which all samples agree becomes beta: not NaN, not left as it was."""
    x = X.copy()
    x[:, 2] = 7.0
    y = array_like((yield (x, GAMMA, BETA), {"eps": EPS}), "y", shape=X.shape)
    same(y[:, 2], np.full(6, BETA[2]), "the constant column of y")


@batch_norm_forward.expect
def other_sizes():
    """It works for a batch of any size and any number of features, also for a single one."""
    gamma, beta = np.linspace(0.5, 2.5, 5), np.linspace(-1, 1, 5)
    for x in (WIDE, WIDE[:, :1], WIDE[:2, :2]):
        c = x.shape[1]
        y = yield (x, gamma[:c], beta[:c]), {"eps": EPS}
        same(y, batch_norm_forward(x, gamma[:c], beta[:c], EPS), f"y (x of shape {x.shape})")


@batch_norm_forward.expect_or_refuse
def single_sample():
    """A batch of one becomes beta: the sample is its own mean."""
    y = yield (X[:1], GAMMA, BETA), {"eps": EPS}
    same(y, BETA[None], "y")


@batch_norm_forward.expect_or_refuse
def whole_numbers():
    """It works for whole numbers, such as pixels, too: the output has fractions."""
    y = yield (WHOLE, GAMMA, BETA), {"eps": EPS}
    same_of_whole(y, batch_norm_forward(WHOLE, GAMMA, BETA, EPS), "y")


@batch_norm_forward.expect
def large_offset():
    """Adding 1e8 to every sample leaves the output where it was. (mean(x**2) - mu**2 would lose
    the digits.)"""
    y = yield (X + 1e8, GAMMA, BETA), {"eps": EPS}
    same(y, batch_norm_forward(X, GAMMA, BETA, EPS), "y", tol=1e-5)


@exercise(
    "Write batch norm's output and ask: which gamma cancels the division, which beta the "
    "subtraction?",
    "x_hat was divided by sqrt(var + eps), so multiply by exactly that.",
    "gamma = np.sqrt(x.var(axis=0) + eps), beta = x.mean(axis=0).",
)
def identity_parameters(x, eps=1e-5):
    gamma = np.sqrt(x.var(axis=0) + eps)
    beta = x.mean(axis=0)
    return gamma, beta


@identity_parameters.expect
def gamma_and_beta():
    """Return (gamma, beta), one entry per feature each."""
    gamma, beta = parts((yield (X,), {"eps": EPS}), "gamma", "beta")
    array_like(gamma, "gamma", shape=(4,))
    array_like(beta, "beta", shape=(4,))


@identity_parameters.expect
def undoes_the_shift():
    """beta puts back the mean that batch norm took away."""
    _, beta = yield (X,), {"eps": EPS}
    root = np.sqrt(X.var(axis=0) + EPS)
    slip(beta, root, "this is gamma's place: return (gamma, beta), in this order")
    slip(beta, X.mean(axis=0) / root, "beta is added after the division: it is mu itself")
    same(beta, X.mean(axis=0), "beta")


@identity_parameters.expect
def undoes_the_scale():
    """Batch norm with your gamma and beta returns the batch it was given, to the last digit."""
    gamma, beta = yield (X,), {"eps": EPS}
    var = X.var(axis=0)
    slip(gamma, np.sqrt(var), "batch norm divided by sqrt(var + eps): eps is missing")
    slip(gamma, np.sqrt(var) + EPS, "eps belongs inside the root")
    slip(gamma, np.ones(4), "batch norm divided by sqrt(var + eps): gamma has to undo that")
    slip(gamma, np.sqrt(var + 1e-5), "you use 1e-5 whatever eps you are given")
    slip(gamma, var + EPS, "take the root of var + eps: that is what batch norm divided by")
    slip(gamma, 1 / np.sqrt(var + EPS), "this divides once more; gamma has to multiply")
    slip(gamma, np.sqrt(X.var(axis=0, ddof=1) + EPS), "var divides by N, not by N - 1")
    same(batch_norm_forward(X, gamma, beta, EPS), X, "y")


@identity_parameters.expect
def undoes_the_default_eps():
    """It works with the default eps = 1e-5 for columns that hardly vary."""
    gamma, beta = yield (X * 1e-3,), {}
    same(1e3 * batch_norm_forward(X * 1e-3, gamma, beta), X, "1000 y")


@identity_parameters.expect
def any_batch():
    """It works for a batch of any size and any number of features, also for a single one."""
    for x in (WIDE, WIDE[:, :1]):
        gamma, beta = yield (x,), {"eps": EPS}
        same(gamma, np.sqrt(x.var(axis=0) + EPS), "gamma")
        same(beta, x.mean(axis=0), "beta")


@identity_parameters.expect_or_refuse
def parameters_of_whole_numbers():
    """It works for whole numbers, such as pixels, too: gamma and beta have fractions."""
    gamma, beta = yield (WHOLE,), {"eps": EPS}
    same_of_whole(gamma, np.sqrt(WHOLE.var(axis=0) + EPS), "gamma")
    same_of_whole(beta, WHOLE.mean(axis=0), "beta")


@exercise(
    "The values sum to 0 once the mean is subtracted, so the others must add up to -c0. Their "
    "squares sum to the least if they are all equal.",
    "The others all lie at -c0 / (N - 1). Put that into N * var = c0 ** 2 + (N - 1) * (the others) "
    "** 2 and solve for c0.",
    "N * var = c0 ** 2 * N / (N - 1), so c0 = sqrt((N - 1) * var).",
    "The bound is c0 / sqrt(var + eps), because that is what batch norm divides by. x holds c0 "
    "once and -c0 / (N - 1) in all other places.",
)
def extreme_batch(batch_size, var, eps=1e-5):
    others = batch_size - 1
    farthest = np.sqrt(others * var)
    x = np.full(batch_size, -farthest / others)
    x[0] = farthest
    bound = farthest / np.sqrt(var + eps)
    return x, bound


@extreme_batch.expect
def a_batch_and_a_bound():
    """Return (x, bound): a batch of the given size and a single number."""
    x, bound = parts((yield (7, 4.0), {"eps": EPS}), "x", "bound")
    array_like(x, "x", shape=(7,))
    array_like(bound, "bound", shape=())


@extreme_batch.expect
def the_variance():
    """The batch has the variance that is asked for, divided by N."""
    x, _ = yield (7, 4.0), {"eps": EPS}
    var = np.var(x)
    slip(var, 4.0 * 6 / 7, "this variance divides by N - 1; batch norm's divides by N")
    slip(var, 16.0, "this is the square of the variance: scale x by the root of var")
    slip(var, 2.0, "this is the standard deviation: the mean square should be var itself")
    slip(var, 4.0 + EPS, "the batch itself knows nothing of eps: its variance is var")
    same(var, 4.0, "the variance of x")


@extreme_batch.expect
def nothing_is_further_out():
    """No batch has an entry further from its mean, in standard deviations: with eps = 0, one
    |x_hat| of x is as large as any can be."""
    x, _ = yield (7, 4.0), {"eps": EPS}
    furthest = np.abs(x - np.mean(x)).max() / np.std(x)
    slip(
        furthest, 1.0, "these lie at both ends, all as far out; let the others be as near as can be"
    )
    same(furthest, np.sqrt(6), "the largest |x_hat| of x")


@extreme_batch.expect
def the_bound_without_eps():
    """The bound is right for eps = 0."""
    _, bound = yield (7, 4.0), {"eps": 0.0}
    slip(bound, np.sqrt(7), "the others cannot all lie at the mean: they balance the one")
    slip(bound, 6.0, "this is the square of the bound")
    slip(bound, 6 / np.sqrt(7), "this bound holds for a variance that divides by N - 1")
    slip(bound, 2 * np.sqrt(6), "this is the distance from the mean; divide by sqrt(var + eps)")
    same(bound, np.sqrt(6), "bound")


@extreme_batch.expect
def the_bound_with_eps():
    """With eps it is smaller: batch norm divides by sqrt(var + eps); here eps is 0.3."""
    _, bound = yield (7, 4.0), {"eps": EPS}
    slip(bound, np.sqrt(6), "eps is missing: batch norm divides by sqrt(var + eps)")
    slip(bound, 2 * np.sqrt(6) / (2 + EPS), "eps belongs inside the root")
    slip(bound, 4 * np.sqrt(6) / (4 + EPS), "take the root: x_hat is divided by sqrt(var + eps)")
    same(bound, np.sqrt(6 * 4.0 / (4.0 + EPS)), "bound")


@extreme_batch.expect
def other_batches():
    """It works for two samples, for many, for a tiny variance, and with the default eps = 1e-5."""
    for size, var in ((2, 1.0), (3, 0.25), (64, 1e-5), (1000, 30.0)):
        x, bound = yield (size, var), {}
        same(1e3 * np.var(x), 1e3 * var, f"1000 times the variance (N = {size})")
        furthest = np.abs(x - np.mean(x)).max() / np.sqrt(np.var(x) + 1e-5)
        same(
            furthest, np.sqrt((size - 1) * var / (var + 1e-5)), f"the largest |x_hat| (N = {size})"
        )
        same(bound, np.sqrt((size - 1) * var / (var + 1e-5)), f"bound (N = {size}, var = {var})")
