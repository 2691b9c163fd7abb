"""The exercise of the notebook 00_start_here: a first one, to see how exercises work."""

import numpy as np

from helpers.exercises.engine import array_like, exercise, prediction, same

_rng = np.random.default_rng(0)
# Rows and columns of different mean: a mean taken along one axis shows.
X = _rng.uniform(0, 1, size=(3, 5)) + np.array([[0.0], [2.0], [0.5]]) + np.linspace(0, 3, 5)

prediction(
    "00-shape",
    right="b",
    a="'normal' has two meanings. Subtracting and dividing move and stretch all values alike; they "
    "cannot turn one shape into another.",
    b="every value is moved by the same amount and divided by the same number, so the picture "
    "stays, and only the numbers on its axis change.",
    c="the lowest value stays the lowest and the most common one the most common: nothing is "
    "spread evenly.",
)


@exercise(
    "How far is each value from the mean of all values? That distance should double.",
    "x - x.mean() is the distance. Double it, then add the mean again.",
    "return x.mean() + 2 * (x - x.mean())",
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
    same(np.mean(y), X.mean(), "the mean")


@double_the_spread.expect
def twice_as_far():
    """Every value ends up twice as far from the mean, on the same side."""
    y = yield (X,), {}
    same(y, X.mean() + 2 * (X - X.mean()), "the result")
