"""The exercise of the notebook `start_here`: a first one, to see how exercises work."""

import numpy as np

from helpers.exercises.engine import array_like, exercise, prediction, same, same_of_whole, slip

_rng = np.random.default_rng(0)
# Rows and columns of different mean: a mean taken along one axis shows.
X = _rng.uniform(0, 1, size=(3, 5)) + np.array([[0.0], [2.0], [0.5]]) + np.linspace(0, 3, 5)

prediction(
    "start-histogram",
    right="a",
    a="every value is moved by the same amount and divided by the same number, so the picture "
    "stays, and only the numbers on its axis change.",
    b="'normal' has two meanings. Subtracting and dividing move and stretch all values alike; they "
    "cannot turn one shape into another.",
    c="the mean is 0 afterwards, so there are values below it. Dividing by the standard deviation "
    "sets no bounds.",
    believed={"b": "claim: normalized-is-normal", "c": "claim: normalization-is-0-1"},
)


@exercise(
    "How far is each value from the mean of all values? That distance should double.",
    "x - x.mean() is that distance, for all values at once.",
    "Double it, then add the mean again.",
)
def double_the_spread(x):
    mu = x.mean()
    return mu + 2 * (x - mu)


@double_the_spread.expect
def same_shape():
    """Return an array of the same shape."""
    y = yield (X,), {}
    array_like(y, "the result", shape=X.shape)


@double_the_spread.expect
def mean_stays():
    """The mean of all values stays where it was."""
    y = yield (X,), {}
    slip(y, 2 * X, "doubling every value moves the mean: double its distance from the mean")
    slip(y, 2 * (X - X.mean()), "these are the doubled distances; add the mean again")
    same(np.mean(y), X.mean(), "the mean")


@double_the_spread.expect
def twice_as_far():
    """Every value ends up twice as far from the mean, on the same side."""
    y = yield (X,), {}
    for axis in (0, 1):
        mu = X.mean(axis=axis, keepdims=True)
        slip(
            y, mu + 2 * (X - mu), "there is one mean, that of all values: x.mean() without an axis"
        )
    slip(y, X.mean() - 2 * (X - X.mean()), "the sides are swapped: the distance is x - x.mean()")
    slip(y, X + 2 * (X - X.mean()), "this is three times as far: start from the mean, not from x")
    same(y, X.mean() + 2 * (X - X.mean()), "the result")


@double_the_spread.expect
def any_shape():
    """It works for an array of any shape: a row of numbers, a table, a stack of images."""
    for shape in ((4,), (3, 1), (2, 3, 2), (2, 1, 2, 3)):
        x = X.ravel()[: np.prod(shape)].reshape(shape)
        y = yield (x,), {}
        same(y, x.mean() + 2 * (x - x.mean()), f"the result (x of shape {shape})")


@double_the_spread.expect_or_refuse
def whole_numbers():
    """It works for whole numbers, such as pixels, too: the mean of 3 and 4 is 3.5, not 3."""
    x = np.array([[3, 0, 16], [1, 8, 5]])
    y = yield (x,), {}
    right = x.mean() + 2 * (x - x.mean())
    same_of_whole(y, right, "the result")
