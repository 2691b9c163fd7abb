"""The arithmetic that all normalizations share: statistics, scale and shift of channels.

How the speed comes about: x is seen as (N, C, space), whatever its spatial axes, and nothing is
transposed; the only large array made is the result; the work goes through blocks of samples that
stay in the cache; scale and shift are one multiplication and one addition; sums run in BLAS.

How the accuracy comes about: everything that has C elements is computed in float64. The variance is
E[x^2] - E[x]^2, which needs one pass and is wrong where the mean is large beside the standard
deviation: the two terms agree in most of the 24 bits of float32 and their difference keeps the
rest. So this is checked, and if need be a `shift` near the mean is subtracted first. `offset` is
the mean of what is left. Values whose squares overflow are scaled by a power of two, the `unit`,
which rounds nothing.
"""

from functools import lru_cache, wraps

import numpy as np

from helpers.numpy_nn._checks import reject_infinite


def small_ufunc_buffer(function):
    """Let `function` run with a small ufunc buffer if its first argument is large.

    NumPy copies broadcast rows that are shorter than its buffer, 8192 elements, into that buffer,
    which takes longer than the arithmetic.
    """

    @wraps(function)
    def wrapper(x, *args, **kwargs):
        if getattr(x, "size", 0) < 2**16:
            return function(x, *args, **kwargs)
        with np.errstate():  # restores the buffer size too
            np.setbufsize(512)
            return function(x, *args, **kwargs)

    return wrapper


def as_channels(x):
    """View x as (N, C, space); a copy if x is not contiguous."""
    return x.reshape(*x.shape[:2], -1)


def blocks(*arrays):
    """Cut arrays into the same blocks of samples, about 2^18 elements of each: a list of tuples."""
    n, size = len(arrays[0]), arrays[0].size
    if size <= 2**18:
        return [arrays]
    samples = max(1, 2**18 * n // size)
    return [
        tuple(array[start : start + samples] for array in arrays) for start in range(0, n, samples)
    ]


@lru_cache(maxsize=16)
def _ones(count, dtype):
    return np.ones(count, dtype)


def _sum(a):
    """Sum (n, C, space) over samples and space, by BLAS products with ones: (C,) float64."""
    n, channels, space = a.shape
    if space == 1:
        return (_ones(n, a.dtype) @ a[:, :, 0]).astype(np.float64, copy=False)
    per_sample = a.reshape(n * channels, space) @ _ones(space, a.dtype)
    return per_sample.reshape(n, channels).sum(axis=0, dtype=np.float64)


def _dot(a, b):
    """Sum a * b over samples and space without storing the product: (C,) float64."""
    n, _, space = a.shape
    if space > 1:
        return np.vecdot(a, b).sum(axis=0, dtype=np.float64)
    if n > 1024:  # einsum adds up in the precision of a: not too much at once
        return _dot(a[: n // 2], b[: n // 2]) + _dot(a[n // 2 :], b[n // 2 :])
    return np.einsum("nc,nc->c", a[:, :, 0], b[:, :, 0]).astype(np.float64, copy=False)


def sums(a, b):
    """Sum a and a * b over samples and space: two vectors (C,) of float64."""
    total = products = 0
    # From the last block to the first: the next pass begins with blocks that are still in the
    # cache. And first the product: it fetches a block faster than _sum would.
    for a_block, b_block in reversed(blocks(a, b)):
        products += _dot(a_block, b_block)
        total += _sum(a_block)
    return total, products


def per_channel(vector, flat):
    """Shape a vector (C,) to broadcast against (N, C, space), in the precision of `flat`."""
    vector = vector.astype(flat.dtype, copy=False)[:, None]
    space = flat.shape[2]
    # Broadcasting is slow over short rows: there the elements are repeated instead.
    return vector.repeat(space, axis=1) if 1 < space < 256 else vector


def _is_far(mean, var, dtype):
    """Say whether means are so far from zero, in standard deviations, that too many bits cancel.

    In float32 that is 2 standard deviations, in float64 64. Any mean but 0 is too far where the
    variance is 0, or negative by rounding: a constant is shifted to 0.
    """
    limit = 4 if dtype == np.float32 else 4096
    return np.count_nonzero(mean * mean > limit * var) > 0


def statistics(x):
    """Return (source, offset, work, unit, mean, var): the statistics of x, and what is made of it.

    source is unit * (x - a shift), offset its mean, work an array to work in; unit is 1 or, per
    channel, a power of two: the squares of huge values would overflow. Raises OverflowError for a
    variance beyond float64.
    """
    flat, unit = as_channels(x), 1.0
    with np.errstate(over="ignore", invalid="ignore"):
        source, offset, work, mean, var = _shifted(flat)
        if not np.isfinite(var).all():
            unit = unit_of(flat)
            source, offset, work, mean, var = _shifted(flat * per_channel(unit, flat))
            mean, var = mean / unit, var / unit / unit
            reject_infinite(var)
    return source, offset, work, unit, mean, var


def _shifted(flat):
    """Return (source, offset, work, mean, var) of what has been seen as (N, C, space)."""
    n, channels, _ = flat.shape
    source = flat
    work = np.empty(flat.shape, flat.dtype)
    shift = np.zeros(channels, flat.dtype)
    looks = [n, n, n]  # the second shift corrects the rounding of the first
    if flat.size >= 2**19:
        looks.insert(0, 1 + n // 16)  # mostly saves looking at all samples in vain
    for i, samples in enumerate(looks):
        part = source[:samples]
        total, squares = sums(part, part)
        count = part.size // channels
        offset = total / count
        var = squares / count - offset * offset
        is_far = _is_far(offset, var, flat.dtype)
        if samples == n and (i == len(looks) - 1 or not is_far):
            return source, offset, work, shift + offset, var
        if is_far:
            shift = (shift + offset).astype(flat.dtype)
            source = np.subtract(flat, per_channel(shift, flat), out=work)


def unit_of(flat):
    """Return, per channel, a power of two that brings values above 1 between 1/2 and 1; else 1."""
    peak = np.abs(flat).max(axis=(0, 2)).astype(np.float64)
    _, exponent = np.frexp(peak)
    return np.where(np.isfinite(peak) & (peak > 1), np.ldexp(1.0, -exponent), 1.0)


def centred(x, mean, var):
    """Return (source, offset, work, unit) as above, for given statistics."""
    flat, unit = as_channels(x), 1.0
    most = float(np.finfo(x.dtype).max) ** 0.5  # with larger ones, products with gradients overflow
    if np.fmax.reduce(var) > most:
        _, exponent = np.frexp(np.sqrt(var))
        unit = np.where(var > most, np.ldexp(1.0, -exponent), 1.0)
    with np.errstate(over="ignore", invalid="ignore"):
        is_far = _is_far(mean, var, x.dtype)
    if not is_far and isinstance(unit, float):
        return flat, mean, np.empty(flat.shape, x.dtype), unit
    shift = (mean if is_far else np.zeros_like(mean)).astype(x.dtype)
    if isinstance(unit, float):
        work = flat - per_channel(shift, flat)
    else:
        work = flat * per_channel(unit, flat)
        work -= per_channel(shift * unit, flat)
    return work, (mean - shift) * unit, work, unit


def scale_and_add(source, scale, offset, work):
    """Put scale * source + offset, per channel, into `work`; return it."""
    scale, offset = per_channel(scale, source), per_channel(offset, source)
    for source_block, block in blocks(source, work):
        np.multiply(source_block, scale, out=block)
        block += offset
    return work


def input_gradient(source, dy, slope, rest, gain, work):
    """Put gain * (dy + slope * source - rest), per channel, into `work`; return it."""
    slope, rest, gain = per_channel(slope, dy), per_channel(rest, dy), per_channel(gain, dy)
    for source_block, dy_block, block in blocks(source, dy, work):
        np.multiply(source_block, slope, out=block)
        block += dy_block
        block -= rest
        block *= gain
    return work
