"""Checks of arguments, cheap enough to stand in front of every call."""

import numpy as np


def require_float(name, array, ndim=None):
    """Raise TypeError unless float32 or float64, ValueError if empty or not `ndim`-dimensional."""
    if not isinstance(array, np.ndarray) or array.dtype.char not in "fd":
        is_array = isinstance(array, np.ndarray)
        found = f"an array of {array.dtype}" if is_array else f"a {type(array).__name__}"
        raise TypeError(
            f"{name} must be a NumPy array of float32 or float64, not {found}; "
            f"convert it first, for instance with np.asarray({name}, dtype=np.float64)"
        )
    if ndim is not None and array.ndim != ndim:
        raise ValueError(f"{name} must have {ndim} dimensions, but its shape is {array.shape}")
    if array.size == 0:
        raise ValueError(f"{name} is empty: its shape is {array.shape}")


def require_shape(name, array, shape, owner, owner_shape):
    """Raise TypeError unless `array` is of floats, ValueError unless its shape is `shape`.

    The message says that `owner`, an array of `owner_shape`, asks for that shape.
    """
    if getattr(array, "shape", shape) == shape:
        require_float(name, array)
    else:
        raise ValueError(
            f"{name} must have shape {shape} to fit {owner} of shape {owner_shape}, "
            f"not {array.shape}"
        )


def require_eps(eps):
    """Raise ValueError unless eps is zero or positive."""
    if not eps >= 0:
        raise ValueError(f"eps must be zero or positive, not {eps}")


def require_channels(x, eps, **vectors):
    """Raise unless x is (N, C) or (N, C, *spatial), every vector (C,), and eps not negative."""
    require_float("x", x)
    if x.ndim < 2:
        raise ValueError(f"x must have shape (N, C) or (N, C, *spatial), not {x.shape}")
    require_eps(eps)
    for name, vector in vectors.items():
        require_shape(name, vector, x.shape[1:2], "x", x.shape)


def reject_infinite(var):
    """Raise OverflowError if a variance is infinite: everything would be normalized to 0."""
    if np.isinf(var).any():
        raise OverflowError(
            "a variance is infinite, beyond float64: divide x by a constant first (normalization "
            "does not depend on the unit)"
        )


def reject_division_by_zero(var, eps, found="channels {} are constant"):
    """Raise ValueError if eps is 0 and a variance, too; `found` says so of its index."""
    if eps == 0 and not var.all():
        found = found.format(np.flatnonzero(var == 0).tolist())
        raise ValueError(f"eps=0 divides by zero: {found}; use a positive eps")
