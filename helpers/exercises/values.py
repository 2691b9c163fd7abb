"""What checks assert with. Messages say what is wrong, where, and by how much."""

import numpy as np


def same(actual, expected, what: str, tol: float = 1e-9) -> None:
    """Assert that an array (or number) equals the expected one, relative to its largest entry.

    Raises AssertionError naming the worst entry, its value, the expected value and the difference.
    """
    actual = array_like(actual, what, shape=tuple(np.shape(expected)))
    dtype = actual.dtype
    actual, expected = np.asarray(actual, float), np.asarray(expected, float)
    finite = np.isfinite(actual) | ~np.isfinite(expected)
    if not finite.all():
        spot = np.unravel_index(np.argmin(finite), actual.shape)
        raise AssertionError(f"{what}{_index(spot)} is {actual[spot]}")
    error = np.abs(actual - expected)
    scale = max(1.0, float(np.max(np.abs(expected), initial=0.0)))
    wrong = error > tol * scale
    if wrong.any():
        spot = np.unravel_index(np.argmax(error), actual.shape)
        share = f"; {wrong.sum()} of {wrong.size} entries are off" if wrong.size > 1 else ""
        few = tol < 1e-6 and dtype in (np.float16, np.float32)  # the arguments are in float64
        if few and error.max() <= 1e3 * np.finfo(dtype).eps * scale:
            share += f". {dtype} keeps too few digits: stay in float64, as the arguments are"
        elif wrong.size > 1 and (factor := scaled_by(actual, expected)) is not None:
            share += f", each {factor:.6g} times what it should be"
        for digits in (6, 9, 12, 17):  # as many as it takes to see the difference
            got, wanted = f"{actual[spot]:.{digits}g}", f"{expected[spot]:.{digits}g}"
            if got != wanted:
                break
        raise AssertionError(
            f"{what}{_index(spot)} is {got}, expected {wanted} (off by {error[spot]:.2g}){share}"
        )


def scaled_by(actual, expected) -> float | None:
    """The number that every expected entry was multiplied with, or None if there is no such one."""
    actual, expected = np.asarray(actual, float), np.asarray(expected, float)
    if actual.shape != expected.shape or not expected.any() or not np.isfinite(actual).all():
        return None
    largest = np.unravel_index(np.argmax(np.abs(expected)), expected.shape)
    factor = float(actual[largest] / expected[largest])
    size = np.abs(factor * expected[largest])
    return factor if factor and np.abs(actual - factor * expected).max() <= 1e-9 * size else None


class Slip(AssertionError):
    """A well-known mistake, recognized by what it gives."""


def slip(actual, wrong, says: str, tol: float = 1e-9) -> None:
    """Assert that a result is not what a well-known mistake gives; `says` names the mistake.

    A slip is only true if no other mistake gives the same: choose arguments for which `wrong`
    differs from the right result and from every other slip of the check.
    """
    actual, wrong = plain(actual), plain(wrong)
    if actual.shape == wrong.shape and np.allclose(actual, wrong, rtol=tol, atol=1e-3 * tol):
        raise Slip(says)


def same_of_whole(actual, expected, what: str) -> None:
    """As `same`, for a result whose arguments were whole numbers: its fractions must be there.

    PyTorch makes float32 of whole numbers: its seven digits are enough.
    """
    dtype = plain(actual).dtype
    if dtype.kind in "iu" and (plain(expected) % 1).any():
        raise Slip(
            f"your result holds whole numbers only ({dtype}), the fractions are lost: // cuts them "
            "off, and np.zeros_like(x), np.empty_like(x) and x.copy() keep the type of x; "
            "np.zeros(x.shape) and x.astype(float) hold fractions"
        )
    same(actual, expected, what, tol=1e-6)


def array_like(value, what: str, shape: tuple[int, ...] | None = None) -> np.ndarray:
    """Return a numeric result as an array, or assert what it should have been."""
    try:
        array, problem = plain(value), None
    except NotNumbersError as error:
        array, problem = None, error
    fits = array is not None and shape in (None, array.shape)
    if not fits and isinstance(value, tuple) and any(hasattr(v, "shape") for v in value):
        raise AssertionError(f"{what} is a tuple of {len(value)}, expected one array alone")
    if problem is not None:
        raise AssertionError(f"{what} {problem}")
    if not fits:
        got = f"has shape {array.shape}" if array.shape else "is a single number"
        wanted = (shape if array.shape else f"shape {shape}") if shape else "a single number"
        raise AssertionError(f"{what} {got}, expected {wanted}")
    return array


def parts(result, *names: str) -> tuple:
    """Return a result that must be a tuple with one part per name, in that order."""
    if not isinstance(result, (tuple, list)) or len(result) != len(names):
        several = isinstance(result, (tuple, list)) and len(result) != 1
        got = f"{len(result)} values" if several else "one value"
        wanted = f"{len(names)} value{'s' if len(names) > 1 else ''}"
        raise AssertionError(f"return {wanted}, ({', '.join(names)}); got {got}")
    return tuple(result)


class NotNumbersError(Exception):
    """A value that is no array of numbers; the text says what it is: "is str, not ..."."""


def plain(value) -> np.ndarray:
    """A value as an array of real numbers: arrays, numbers, nested lists, tensors with a graph.

    Raises NotNumbersError for everything else, masked entries among it: an array has no masks.
    """
    try:
        array = np.asarray(_without_tensors(value))
    except (ValueError, OverflowError):
        rows = "its rows differ in length"
        raise NotNumbersError(f"is not an array of numbers: {rows}") from None
    if array.dtype.kind in "fiub":
        return array
    if array.dtype.kind == "c":
        raise NotNumbersError(f"is complex (dtype {array.dtype}), not an array of real numbers")
    got = f"of dtype {array.dtype}" if isinstance(value, np.ndarray) else type(value).__name__
    raise NotNumbersError(f"is {got}, not an array of numbers")


def _without_tensors(value):
    """The same nest of lists with arrays in place of tensors."""
    if isinstance(value, np.ma.MaskedArray) and np.ma.is_masked(value):
        count = np.ma.count_masked(value)
        raise NotNumbersError(f"has {count} masked entries of {value.size}: they are no numbers")
    if hasattr(value, "detach"):  # a tensor, perhaps with a graph; this module has no PyTorch
        value = value.detach().cpu()
        value = value.to_dense() if value.is_sparse else value.resolve_conj().resolve_neg()
        # NumPy has no bfloat16; every one of its numbers is a float32.
        return (value.float() if str(value.dtype) == "torch.bfloat16" else value).numpy()
    if isinstance(value, (list, tuple)):
        return [_without_tensors(part) for part in value]
    return value


def _index(spot: tuple[int, ...]) -> str:
    return f"[{', '.join(map(str, spot))}]" if spot else ""
