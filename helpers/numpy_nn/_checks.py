"""Checks of arguments, cheap enough to stand in front of every call."""

import numpy as np


def require_float(name, array, ndim=None):
    """Raise TypeError unless float32 or float64, ValueError if empty or not `ndim`-dimensional."""
    if not isinstance(array, np.ndarray) or array.dtype.char not in "fd":
        found = f"an array of {array.dtype}" if hasattr(array, "dtype") else type(array).__name__
        raise TypeError(
            f"{name} must be a NumPy array of float32 or float64, not {found}; "
            f"convert it first, for instance {name}.astype(np.float64)"
        )
    if ndim is not None and array.ndim != ndim:
        raise ValueError(f"{name} must have {ndim} dimensions, but its shape is {array.shape}")
    if array.size == 0:
        raise ValueError(f"{name} is empty: its shape is {array.shape}")


def require_shape(name, array, shape, because):
    """Raise ValueError unless `array` has exactly `shape`; `because` says what asks for it."""
    if np.shape(array) != shape:
        raise ValueError(f"{name} must have shape {shape} {because}, not {np.shape(array)}")
