"""Numerical gradients, the judge of every backward pass."""

import numpy as np


def numerical_gradient(f, x, h=1e-5):
    """Return the gradient of the scalar function f at the float64 array x, same shape as x.

    Central differences, (f(x + h) - f(x - h)) / 2h for one element after the other: the error
    falls with h^2 until rounding, about 1e-16 |f| / h, takes over. f gets a copy of x.
    """
    if not isinstance(x, np.ndarray) or x.dtype != np.float64:
        raise TypeError(
            f"x must be an array of float64, not {getattr(x, 'dtype', type(x).__name__)}: "
            "differences this small drown in the rounding of anything else"
        )
    x = x.copy()
    gradient = np.empty_like(x)
    for index in np.ndindex(x.shape):
        value = x[index]
        x[index] = value + h
        above = f(x)
        x[index] = value - h
        below = f(x)
        x[index] = value
        gradient[index] = (above - below) / (2 * h)
    return gradient


def relative_error(actual, truth):
    """Return max |actual - truth| / max |truth|: one number for a whole array.

    The largest element sets the scale, so that rounding in elements near zero does not count as
    an error of 100 %. Raises ValueError if the shapes differ.
    """
    actual, truth = np.asarray(actual), np.asarray(truth)
    if actual.shape != truth.shape:
        raise ValueError(f"shapes differ: {actual.shape} and {truth.shape}")
    error, scale = np.abs(actual - truth).max(), np.abs(truth).max()
    if scale == 0:
        return 0.0 if error == 0 else float("inf")
    return float(error / scale)
