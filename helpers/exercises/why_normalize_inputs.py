"""Exercises of the notebook `why_normalize_inputs`: steps, standardizing, whitening."""

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

_rng = np.random.default_rng(10)
# Columns of very different mean and scale; more samples than features, so axes cannot be mixed.
X = _rng.normal(size=(7, 3)) * [1.0, 4.0, 0.5] + [5.0, -2.0, 0.3]
W = np.array([0.5, -1.0, 2.0])
TARGET = X @ [1.0, 2.0, -3.0] + _rng.normal(size=7)
LR = 0.05

TRAIN = _rng.normal(size=(6, 4)) * [1.0, 4.0, 0.5, 2.0] + [5.0, -2.0, 0.3, 8.0]
TEST = _rng.normal(size=(5, 4)) * [2.0, 1.0, 0.5, 3.0] + [4.0, 1.0, 0.9, 5.0]

word(
    "inputs-seen-together",
    answers=("batch", "mini-batch", "minibatch", "batches"),
    reason="Over the samples of a batch, batch norm gives every feature mean 0 and variance 1.",
    recalls="start_here",
)
number(
    "inputs-features",
    answer=64,
    within=1.01,
    reason="A feature is one number of every sample, here one pixel, and 8 × 8 is 64.",
    recalls="start_here",
)
word(
    "inputs-after-the-mark",
    answers=("the finding", "a finding", "findings"),
    reason="Below it stands the claim, what is commonly said, and at the end the verdict on that.",
    recalls="start_here",
)

number(
    "inputs-two-weights",
    answer=27.1,
    unit="% of its way",
    within=1.6,
    reason="Its curvature is the variance of the stops, 0.64, and that of the distance is 20.8. So "
    "a step of 1.8 / 20.8 takes it only 5.5 % nearer: 0.945 to the power of 30 is 18 %. (The two "
    "features are related, and that slows it further.)",
    measured_by="100 * way_left[1]",
)
number(
    "inputs-unit",
    answer=4,
    unit="times",
    within=1.3,
    reason="The curvature is a mean of squares: twice the number, four times the curvature. That "
    "of the stops stays, so the condition number becomes about four times as large, and so do the "
    "steps.",
    measured_by="steps_half_km / steps_km",
)
prediction(
    "inputs-lowest-loss",
    right="b",
    a="a weight can undo any scale: whatever fits standardized hikes fits raw hikes just as well.",
    b="dividing a feature by 5 is undone by a weight that is 5 times as large. The best fit is the "
    "same; only the way to it is shorter.",
    believed={"a": "quote: larger-range-more-weight"},
)
prediction(
    "inputs-one-image",
    right="c",
    a="that would be the mean over the pixels of one image. The statistics are per pixel, over "
    "images, and here there is one image.",
    b="so it is with the statistics of many images. Of a single one the mean is the image itself.",
    c="the mean of a single image is the image itself, so each pixel minus its mean is 0. The "
    "classifier sees the same input whatever was drawn.",
    believed={
        "a": "mutant: standardize.each_sample_by_itself",
        "b": "mutant: standardize.each_set_by_itself",
    },
)
number(
    "inputs-mean",
    answer=78.2,
    within=2,
    reason="All distances are positive, so a larger weight raises every prediction, just as a "
    "larger bias does. The two do nearly the same job, and the loss hardly sees their difference.",
    measured_by="condition_number(as_it_is)",
)
prediction(
    "inputs-outlier",
    right="b",
    a="the z-score is hurt as well: the outlier moves the mean and inflates the deviation.",
    b="the outlier alone sets the range. The deviation it shares with 40 other hikes, so it "
    "inflates by less.",
    c="the range depends on the two most extreme values alone, the deviation on all of them: one "
    "outlier stretches the range further.",
    believed={"a": "quote: z-score-handles-outliers", "c": "quote: min-max-resists-outliers"},
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
    slip(
        new, 0 * best, "this is the gradient or the step; return the new weights, w - lr * gradient"
    )
    slip(
        new, best - LR * X.T @ (X @ best) / 7, "the error is x @ w - target: the target is missing"
    )
    same(new, best, "w")


@least_squares_step.expect
def goes_downhill():
    """A small step lowers the loss."""
    new = yield (W, X, TARGET, 1e-4), {}
    gradient = X.T @ (X @ W - TARGET) / 7
    slip(
        new, W + 1e-4 * gradient, "you climb: subtract lr * gradient, with the error x @ w - target"
    )
    slip(new, W - gradient, "lr is missing: the step is lr * gradient")
    before, after = (0.5 * np.mean((X @ w - TARGET) ** 2) for w in (W, new))
    assert after < before, f"the loss goes from {before:.6g} to {after:.6g}: it must go down"


@least_squares_step.expect
def one_step():
    """The new weights are w - lr * gradient, with the gradient averaged over the samples."""
    new = yield (W, X, TARGET, LR), {}
    step = LR * X.T @ (X @ W - TARGET) / 7
    slip(new, W - 7 * step, "this sums over the samples; divide by their number")
    slip(new, W - 7 / 3 * step, "divide by the number of samples, not of features")
    slip(new, W - step / 3, "divide by the number of samples alone; x.size counts every value")
    slip(new, W - 7 / 6 * step, "divide by N, not by N - 1")
    slip(
        new, W - 2 * step, "this is twice the step: the 2 of the square cancels the 1/2 of the loss"
    )
    slip(new, W - step.mean(), "every weight has a slope of its own: average over the samples only")
    same(new, least_squares_step(W, X, TARGET, LR), "w")


@least_squares_step.expect
def other_sizes():
    """It works for any number of samples and features, also for one sample or one feature, and the
    learning rate scales the step."""
    for n, c in ((4, 2), (4, 1), (2, 3), (1, 3)):
        x, w, target = X[:n, :c], W[:c], TARGET[:n]
        new = yield (w, x, target, 0.3), {}
        same(new, least_squares_step(w, x, target, 0.3), "w")


@least_squares_step.expect_or_refuse
def samples_of_whole_numbers():
    """It works for features that are whole numbers, such as pixels: the gradient has fractions."""
    x, target = np.array([[3, 0, 1], [2, 5, 4], [8, 1, 2], [1, 1, 6]]), np.array([1, 3, 2, 5])
    new = yield (W, x, target, LR), {}
    whole = np.trunc(x.T @ (x @ W - target) / 4)
    slip(new, W - LR * whole, "the gradient lost its fractions: np.zeros_like(x) keeps x's type")
    same(new, least_squares_step(W, x, target, LR), "w")


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
    square = np.mean(X[:, 0] ** 2)
    slip(lr, square, "this is the curvature; the largest stable step is 2 divided by it")
    slip(
        lr,
        1 / square,
        "this lands on the bottom in one step; the largest stable step is twice that",
    )
    slip(
        lr, 2 / square * 6 / 7, "the curvature is a mean over N samples: divide by N, not by N - 1"
    )
    slip(lr, 2 / square / 7, "the curvature is a mean over the samples: divide x.T @ x by N")
    slip(lr, 2 / np.var(X[:, 0]), "this is the variance: the curvature does not subtract the mean")
    same(lr, 2 / square, "the step")


@largest_stable_step.expect
def unrelated_features():
    """If the features are unrelated, the one with the largest mean square decides alone."""
    x = np.array([[3.0, 1.0], [3.0, -1.0], [-3.0, 1.0], [-3.0, -1.0]])
    for ordered in (x, x[:, ::-1]):
        lr = yield (ordered,), {}
        slip(lr, 2, "the steepest direction decides (eigvalsh sorts, eigvals does not)")
        same(lr, 2 / 9, "the step")


@largest_stable_step.expect
def related_features():
    """If the features are related, the steepest direction lies between them."""
    x = np.array([[3.0, 2.0], [-3.0, -2.0], [1.0, 2.0], [-1.0, -2.0], [0.5, 0.0], [-0.5, 0.0]])
    lr = yield (x,), {}
    same(lr, largest_stable_step(x), "the step")


@largest_stable_step.expect
def more_features():
    """It works for any number of samples and features, also if there are fewer samples."""
    for x in (TRAIN, TRAIN[:2], TRAIN[:1]):
        lr = yield (x,), {}
        same(lr, largest_stable_step(x), f"the step (x of shape {x.shape})")


@largest_stable_step.expect_or_refuse
def features_of_whole_numbers():
    """It works for features that are whole numbers, such as pixels: the curvature has fractions."""
    x = np.array([[3, 0], [2, 5], [8, 1], [1, 1]])
    lr = yield (x,), {}
    cut = 2 / np.linalg.eigvalsh(np.trunc(x.T @ x / 4))[-1]
    slip(lr, cut, "the curvature lost its fractions: np.zeros_like(x) keeps the type of x")
    same(lr, largest_stable_step(x), "the step")


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
    slip(np.shape(z_train), TEST.shape, "z_train comes first: return (z_train, z_test)")
    array_like(z_train, "z_train", shape=TRAIN.shape)
    array_like(z_test, "z_test", shape=TEST.shape)


@standardize.expect
def training_means():
    """Every feature of z_train has mean 0."""
    z_train, _ = yield (TRAIN, TEST), {}
    mu, std = TRAIN.mean(axis=0), TRAIN.std(axis=0)
    rows, deviations = TRAIN.mean(axis=1, keepdims=True), TRAIN.std(axis=1, keepdims=True)
    both = np.vstack([TRAIN, TEST])
    slip(z_train, (TRAIN - rows) / deviations, "the mean of a column runs down axis 0, not axis 1")
    slip(z_train, (TRAIN - TRAIN.mean()) / TRAIN.std(), "every column has its own mean: axis=0")
    slip(z_train, (TRAIN - both.mean(axis=0)) / both.std(axis=0), "leave x_test out of mu and std")
    slip(z_train, TRAIN / std, "subtract mu before you divide")
    slip(z_train, TRAIN - mu / std, "only mu is divided: put brackets around x_train - mu")
    same(np.mean(z_train, axis=0), np.zeros(4), "the mean of feature")


@standardize.expect
def training_variances():
    """Every feature of z_train has variance 1: divide by N, not N - 1, and add nothing to std."""
    z_train, _ = yield (TRAIN, TEST), {}
    var = np.var(z_train, axis=0)
    slip(var, TRAIN.var(axis=0), "z_train is centred but not divided by std")
    slip(var, 1 / TRAIN.var(axis=0), "you divide by the variance; divide by its square root")
    slip(var, np.full(4, 5 / 6), "you divide by N - 1 in the variance; divide by N")
    same(var, np.ones(4), "the variance of feature")


@standardize.expect
def training_entries():
    """Every entry of z_train is (x - mu) / std: large values stay large."""
    z_train, _ = yield (TRAIN, TEST), {}
    same(z_train, standardize(TRAIN, TEST)[0], "z_train")


@standardize.expect
def test_entries():
    """z_test is computed with the mean and the deviation of the training set."""
    _, z_test = yield (TRAIN, TEST), {}
    own = (TEST - TEST.mean(axis=0)) / TEST.std(axis=0)
    slip(z_test, own, "x_test is standardized with its own mean and deviation")
    slip(z_test, TEST, "z_test is x_test, unchanged: take mu and std of x_train")
    slip(z_test, TEST - TRAIN.mean(axis=0), "z_test is centred but not divided by std")
    same(z_test, standardize(TRAIN, TEST)[1], "z_test")


@standardize.expect
def constant_columns():
    """A column that is constant in the training set becomes 0 in both sets, no NaN and no infinity;
    the other columns stay."""
    train, test = _with_constant(7.0, 7.0)
    train[:, 1] = test[:, 1] = 0.0
    z_train, z_test = yield (train, test), {}
    array_like(z_train, "z_train", shape=TRAIN.shape)
    array_like(z_test, "z_test", shape=TEST.shape)
    same(z_train[:, 1], np.zeros(6), "z_train[:, 1]")
    same(z_train[:, 2], np.zeros(6), "z_train[:, 2]")
    same(z_test[:, 2], np.zeros(5), "z_test[:, 2]")
    same(z_train[:, 3], standardize(train, test)[0][:, 3], "z_train[:, 3]")


@standardize.expect
def constant_only_in_training():
    """It becomes 0 in z_test even if it varies there: the training set gives no scale for it."""
    train, test = _with_constant(7.0, TEST[:, 2])
    train[:, 1] = 0.0
    _, z_test = yield (train, test), {}
    same(z_test[:, 1], np.zeros(5), "z_test[:, 1]")
    same(z_test[:, 2], np.zeros(5), "z_test[:, 2]")


@standardize.expect
def constant_only_in_test():
    """A column that is constant in x_test alone is standardized like any other: the training set
    decides."""
    z_train, z_test = yield _with_constant(TRAIN[:, 2], 0.9), {}
    want = standardize(*_with_constant(TRAIN[:, 2], 0.9))
    same(z_train[:, 2], want[0][:, 2], "z_train[:, 2]")
    same(z_test[:, 2], want[1][:, 2], "z_test[:, 2]")


@standardize.expect
def constant_up_to_rounding():
    """A column full of 0.1 is constant, although rounding makes its deviation 1e-17 and not 0; a
    column full of 100000.1 is, with 1e-11."""
    for value in (0.1, 100000.1):
        z_train, z_test = yield _with_constant(value, value), {}
        same(z_train[:, 2], np.zeros(6), f"with {value} all over, z_train[:, 2]")
        same(z_test[:, 2], np.zeros(5), f"with {value} all over, z_test[:, 2]")


@standardize.expect
def bright_only_once():
    """A pixel that is bright in one training image alone is not constant, and its values stay, even
    very large ones."""
    train, test = np.zeros((40, 2)), np.array([[0.0, 8.0], [5.0, 1.0]])
    train[3], train[20] = [0.0, 16.0], [1.0, 0.0]
    z_train, z_test = yield (train, test), {}
    same(z_train, standardize(train, test)[0], "z_train")
    same(z_test, standardize(train, test)[1], "z_test")


@standardize.expect
def any_sizes():
    """It works for any number of samples and features, also for one feature, one test sample or one
    training sample. With one training sample every column is constant."""
    for train, test in ((TRAIN[:4, :1], TEST[:1, :1]), (TRAIN[:1], TEST[:2])):
        z_train, z_test = yield (train, test), {}
        same(z_train, standardize(train, test)[0], f"z_train (x_train of shape {train.shape})")
        same(z_test, standardize(train, test)[1], f"z_test (x_train of shape {train.shape})")


@standardize.expect_or_refuse
def whole_numbers():
    """It works for whole numbers, such as pixels, too: z_train and z_test have fractions."""
    train = np.array([[0, 3, 7], [16, 5, 7], [2, 12, 7], [9, 1, 7]])
    test = np.array([[4, 8, 7], [15, 0, 2]])
    for z, want, what in zip(
        (yield (train, test), {}), standardize(train, test), ("z_train", "z_test"), strict=True
    ):
        same_of_whole(z, want, what)


@standardize.expect
def small_units():
    """A feature in tiny units, 1e12 times smaller, is standardized like any other."""
    z_train, z_test = yield (TRAIN * 1e-12, TEST * 1e-12), {}
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


# Three features that rise and fall together, of very different mean and scale.
RELATED = X @ np.array([[1.0, 3.0, 0.2], [0.5, 1.0, -0.1], [0.0, 2.0, 1.0]]) + [0.0, 40.0, -3.0]
UP = np.array([3.0, 8.0, 5.0, 2.0, 9.0, 6.0, 4.0, 7.0])
DOWN = UP + np.array([0.5, -1.0, 0.25, 1.0, 0.0, -0.5, 1.5, -0.25])
WALKS = np.column_stack([UP, DOWN])


@exercise(
    "Standardize the first feature; that is z0. Of the second, centred, keep what z0 does not say: "
    "subtract b times z0. Which b makes the mean of (x1 - b * z0) * z0 zero?",
    "The mean of z0 ** 2 is 1, so b is the mean of x1 * z0. Divide what is left by its deviation: "
    "that is z1.",
    "Of the third feature take away what z0 says and what z1 says, in the same way, then divide by "
    "the deviation of what is left. And so on, feature by feature.",
    "A loop over c; inside it, a loop over the earlier features: z[:, c] -= np.mean(z[:, c] * "
    "z[:, earlier]) * z[:, earlier].",
)
def whiten(x):
    z = x - x.mean(axis=0)
    for c in range(x.shape[1]):
        for earlier in range(c):
            z[:, c] -= np.mean(z[:, c] * z[:, earlier]) * z[:, earlier]
        z[:, c] /= np.sqrt(np.mean(z[:, c] ** 2))
    return z


@whiten.expect
def as_many_features():
    """z has the shape of x: as many features as before."""
    array_like((yield (RELATED,), {}), "z", shape=RELATED.shape)


@whiten.expect
def whitened_means():
    """Every feature of z has mean 0."""
    z = array_like((yield (RELATED,), {}), "z", shape=RELATED.shape)
    same(z.mean(axis=0), np.zeros(3), "the mean of feature")


@whiten.expect
def whitened_variances():
    """Every feature of z has variance 1."""
    z = array_like((yield (RELATED,), {}), "z", shape=RELATED.shape)
    var = z.var(axis=0)
    slip(var, np.full(3, 6 / 7), "you divide by N - 1 in a mean product; divide by N")
    same(var, np.ones(3), "the variance of feature")


@whiten.expect
def unrelated():
    """The mean product of any two features of z is 0."""
    z = array_like((yield (RELATED,), {}), "z", shape=RELATED.shape)
    apart = (RELATED - RELATED.mean(axis=0)) / RELATED.std(axis=0)
    slip(z, apart, "this standardizes; take away from each feature what the earlier ones say")
    same(_mean_products(z), np.eye(3), "the mean product of features")


@whiten.expect
def nothing_is_lost():
    """Every feature of x is a weighted sum of the features of z plus a constant: a fit from z finds
    x without error."""
    z = array_like((yield (RELATED,), {}), "z", shape=RELATED.shape)
    same(_fitted(z, RELATED), RELATED, "the best fit from z to x")


@whiten.expect
def nearly_equal():
    """It works for the way up and the way down: two features of one scale that are nearly equal."""
    z = array_like((yield (WALKS,), {}), "z", shape=WALKS.shape)
    same(_mean_products(z), np.eye(2), "the mean product of features")
    same(_fitted(z, WALKS), WALKS, "the best fit from z to x")


@whiten.expect
def any_number_of_features():
    """It works for any number of samples and features, also for a single feature, and for features
    that are unrelated already."""
    for x in (
        TRAIN,
        X[:, :1],
        X[:5, :2],
        np.array([[3.0, 1.0], [3.0, -1.0], [-3.0, 1.0], [-3.0, -1.0]]),
    ):
        z = array_like((yield (x,), {}), "z", shape=x.shape)
        products = np.eye(x.shape[1])
        same(_mean_products(z), products, f"the mean product (x of shape {x.shape}) of features")
        same(_fitted(z, x), x, f"the best fit from z to x (of shape {x.shape})")


@whiten.expect
def tiny_units_or_far_from_zero():
    """It works for features in tiny units, 1e12 times smaller, and for features near 1e8. (A
    difference of two huge numbers would lose the digits.)"""
    for x, what in ((RELATED * 1e-12, "tiny units"), (RELATED + 1e8, "1e8 added")):
        z = array_like((yield (x,), {}), "z", shape=x.shape)
        same(_mean_products(z), np.eye(3), f"the mean product ({what}) of features", tol=1e-5)


@whiten.expect_or_refuse
def whitened_whole_numbers():
    """It works for whole numbers, such as pixels, too: z has fractions."""
    x = np.array([[3, 0], [2, 5], [8, 1], [1, 1]])
    z = yield (x,), {}
    same_of_whole(_mean_products(z), np.eye(2), "the mean product of features")


def _mean_products(z):
    """(C, C): the mean over the samples of the product of each two features, means subtracted."""
    z = np.asarray(z) - np.mean(z, axis=0)
    return z.T @ z / len(z)


def _fitted(z, x):
    """(N, C): the best fit of x by a weighted sum of the features of z plus a constant."""
    with_ones = np.column_stack([z, np.ones(len(z))])
    return with_ones @ np.linalg.lstsq(with_ones, x)[0]
