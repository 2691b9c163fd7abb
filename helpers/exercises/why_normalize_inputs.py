"""Exercises of the notebook 01_why_normalize_inputs: descend, the largest step, standardize."""

import numpy as np

from helpers.exercises.engine import array_like, exercise, parts, prediction, same

_rng = np.random.default_rng(10)
# Columns of very different mean and scale; more samples than features, so axes cannot be mixed.
X = _rng.normal(size=(6, 3)) * [1.0, 4.0, 0.5] + [5.0, -2.0, 0.3]
W = np.array([0.5, -1.0, 2.0])
TARGET = X @ [1.0, 2.0, -3.0] + _rng.normal(size=6)
LR = 0.05

TRAIN = _rng.normal(size=(6, 4)) * [1.0, 4.0, 0.5, 2.0] + [5.0, -2.0, 0.3, 8.0]
TEST = _rng.normal(size=(5, 4)) * [2.0, 1.0, 0.5, 3.0] + [4.0, 1.0, 0.9, 5.0]

prediction(
    "01-last",
    right="b",
    a="large numbers make large gradients: the weight of the distance is pulled hardest and gets "
    "near its goal first.",
    b="stops vary little, so their weight hardly changes any prediction, and its gradient is "
    "small. A rate that suits the distance is far too small for it, and cannot be raised.",
    c="both weights share one learning rate, but not one gradient.",
)
prediction(
    "01-best-loss",
    right="b",
    a="a weight can undo any scale: whatever fits standardized hikes fits raw hikes just as well.",
    b="dividing a feature by 5 is undone by a weight that is 5 times as large. The best fit is the "
    "same; only the way to it is shorter.",
    c="nothing is lost: the original features can be recovered from the standardized ones.",
)
prediction(
    "01-outlier",
    right="b",
    a="the z-score is hurt as well: the outlier moves the mean and inflates the deviation.",
    b="the outlier alone sets the range. The deviation it shares with 40 other hikes, so it "
    "inflates by less.",
    c="both are computed from all hikes, the mistyped one included.",
)
prediction(
    "01-one-image",
    right="a",
    a="the mean of a single image is the image itself, so each pixel minus its mean is 0. The "
    "classifier sees the same input whatever was drawn.",
    b="the statistics are per pixel, over images, and here there is one image: nothing of the "
    "digit is left to be recognized.",
    c="the deviation of a single value is 0, so there is not even anything to divide by.",
)


@exercise(
    "How far is each prediction x @ w from its target? The gradient averages that difference, "
    "times the feature.",
    "One sum over samples per feature: x.T @ (x @ w - target), divided by the number of samples.",
    "Step against the gradient: return w - lr * gradient, a new array.",
)
def least_squares_step(w, x, target, lr):
    error = x @ w - target
    gradient = x.T @ error / len(x)
    return w - lr * gradient


@least_squares_step.expect
def one_per_feature():
    """Return the new weights: an array with one entry per feature."""
    new = yield (W, X, TARGET, LR), {}
    array_like(new, "w", shape=W.shape)


@least_squares_step.expect
def stays_at_the_best():
    """At the best weights the gradient is 0, so a step leaves them where they are."""
    best = np.linalg.lstsq(X, TARGET)[0]
    new = yield (best, X, TARGET, LR), {}
    same(new, best, "w")


@least_squares_step.expect
def goes_downhill():
    """A small step lowers the loss."""
    new = yield (W, X, TARGET, 1e-4), {}
    before, after = (0.5 * np.mean((X @ w - TARGET) ** 2) for w in (W, new))
    assert after < before, f"the loss goes from {before:.6g} to {after:.6g}: it must go down"


@least_squares_step.expect
def one_step():
    """The new weights are w - lr * gradient, with the gradient averaged over the samples."""
    new = yield (W, X, TARGET, LR), {}
    same(new, least_squares_step(W, X, TARGET, LR), "w")


@least_squares_step.expect
def other_sizes():
    """It works for any number of samples, and the learning rate scales the step."""
    x, w, target = X[:4, :2], W[:2], TARGET[:4]
    new = yield (w, x, target, 0.3), {}
    same(new, least_squares_step(w, x, target, 0.3), "w")


@exercise(
    "Which direction is the steepest? Its curvature decides, and the step is 2 divided by it.",
    "The curvatures along all directions are contained in x.T @ x / N; np.linalg.eigvalsh returns "
    "its eigenvalues, the smallest first.",
    "Take the last of them: 2 divided by it is the answer. x.T @ x / N has shape (C, C).",
)
def largest_stable_step(x):
    curvature = x.T @ x / len(x)
    lambda_max = np.linalg.eigvalsh(curvature)[-1]
    return 2 / lambda_max


@largest_stable_step.expect
def one_number():
    """Return a single number: one learning rate for all weights."""
    lr = yield (X,), {}
    array_like(lr, "the step", shape=())


@largest_stable_step.expect
def one_feature():
    """With one feature it is 2 / mean(x ** 2), wherever the feature's mean lies."""
    lr = yield (X[:, :1],), {}
    same(lr, 2 / np.mean(X[:, 0] ** 2), "the step")


@largest_stable_step.expect
def unrelated_features():
    """If the features are unrelated, the one with the largest mean square decides alone."""
    x = np.array([[3.0, 1.0], [3.0, -1.0], [-3.0, 1.0], [-3.0, -1.0]])
    lr = yield (x,), {}
    same(lr, 2 / 9, "the step")


@largest_stable_step.expect
def related_features():
    """If the features are related, the steepest direction lies between them."""
    x = np.array([[3.0, 2.0], [-3.0, -2.0], [1.0, 2.0], [-1.0, -2.0], [0.5, 0.0], [-0.5, 0.0]])
    lr = yield (x,), {}
    same(lr, largest_stable_step(x), "the step")


@largest_stable_step.expect
def more_features():
    """It works for any number of features."""
    lr = yield (TRAIN,), {}
    same(lr, largest_stable_step(TRAIN), "the step")


@exercise(
    "Compute mu and std once, from x_train, and use those two for both sets.",
    "A constant column has nothing to divide by. Find those columns first: their largest value "
    "equals their smallest.",
    "np.where(constant, 0.0, z) sets those columns to 0. Put a harmless 1 into std before you "
    "divide.",
    "Asking for std == 0 is not enough: rounding can leave a tiny std. Compare x_train.max(axis=0) "
    "with x_train.min(axis=0).",
)
def standardize(x_train, x_test):
    mu = x_train.mean(axis=0)
    std = np.sqrt(((x_train - mu) ** 2).mean(axis=0))
    constant = x_train.max(axis=0) == x_train.min(axis=0)
    std = np.where(constant, 1.0, std)
    z_train = np.where(constant, 0.0, (x_train - mu) / std)
    z_test = np.where(constant, 0.0, (x_test - mu) / std)
    return z_train, z_test


@standardize.expect
def two_arrays():
    """Return (z_train, z_test), each with the shape of its input."""
    z_train, z_test = parts((yield (TRAIN, TEST), {}), "z_train", "z_test")
    array_like(z_train, "z_train", shape=TRAIN.shape)
    array_like(z_test, "z_test", shape=TEST.shape)


@standardize.expect
def training_means():
    """Every feature of z_train has mean 0."""
    z_train, _ = yield (TRAIN, TEST), {}
    same(np.mean(z_train, axis=0), np.zeros(4), "the mean of feature")


@standardize.expect
def training_variances():
    """Every feature of z_train has variance 1: divide by N, not N - 1, and add nothing to std."""
    z_train, _ = yield (TRAIN, TEST), {}
    same(np.var(z_train, axis=0), np.ones(4), "the variance of feature")


@standardize.expect
def training_entries():
    """Every entry of z_train is (x - mu) / std: large values stay large."""
    z_train, _ = yield (TRAIN, TEST), {}
    same(z_train, standardize(TRAIN, TEST)[0], "z_train")


@standardize.expect
def test_entries():
    """z_test is computed with the mean and the deviation of the training set."""
    _, z_test = yield (TRAIN, TEST), {}
    same(z_test, standardize(TRAIN, TEST)[1], "z_test")


@standardize.expect
def constant_columns():
    """A column that is constant in the training set becomes 0 in both sets: no NaN, no infinity."""
    z_train, z_test = yield _with_constant(7.0, 7.0), {}
    same(z_train[:, 2], np.zeros(6), "the constant column of z_train")
    same(z_test[:, 2], np.zeros(5), "the constant column of z_test")


@standardize.expect
def constant_only_in_training():
    """It becomes 0 in z_test even if it varies there: the training set gives no scale for it."""
    _, z_test = yield _with_constant(7.0, TEST[:, 2]), {}
    same(z_test[:, 2], np.zeros(5), "the column of z_test that was constant in training")


@standardize.expect
def constant_up_to_rounding():
    """A column full of 0.1 is constant, although rounding makes its deviation 1e-17 and not 0."""
    z_train, z_test = yield _with_constant(0.1, 0.1), {}
    same(z_train[:, 2], np.zeros(6), "the constant column of z_train")
    same(z_test[:, 2], np.zeros(5), "the constant column of z_test")


@standardize.expect
def small_units():
    """A feature in tiny units, a million times smaller, is standardized like any other."""
    z_train, z_test = yield (TRAIN * 1e-6, TEST * 1e-6), {}
    same(z_train, standardize(TRAIN, TEST)[0], "z_train")
    same(z_test, standardize(TRAIN, TEST)[1], "z_test")


@standardize.expect
def large_offset():
    """Adding 1e8 to every value of both sets changes nothing."""
    z_train, z_test = yield (TRAIN + 1e8, TEST + 1e8), {}
    same(z_train, standardize(TRAIN, TEST)[0], "z_train", tol=1e-5)
    same(z_test, standardize(TRAIN, TEST)[1], "z_test", tol=1e-5)


def _with_constant(in_train, in_test):
    train, test = TRAIN.copy(), TEST.copy()
    train[:, 2], test[:, 2] = in_train, in_test
    return train, test
