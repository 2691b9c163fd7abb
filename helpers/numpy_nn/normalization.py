"""Batch normalization, fast and accurate, forward and backward.

Source: Ioffe & Szegedy 2015, "Batch Normalization", Algorithm 1 (training) and 2 (inference).

How the speed comes about: x is seen as (N, C, space), whatever its spatial axes, and nothing is
transposed; there is one work array, which becomes the result, and it is worked through in blocks
of samples that stay in the cache; scale and shift are one multiplication and one addition; sums run
in BLAS.

How the accuracy comes about: a mean that is large beside the standard deviation uses up the 24 bits
of float32. So a `shift` near the mean is subtracted first, in the precision of x. The rest of the
mean, `offset`, and everything else that has C elements is computed in float64.
"""

from functools import wraps
from typing import NamedTuple

import numpy as np

from helpers.numpy_nn._checks import require_float, require_shape


class BatchNormCache(NamedTuple):
    """What the backward pass needs: the input itself (not a copy) and C-sized vectors."""

    x: np.ndarray
    gamma: np.ndarray
    mean: np.ndarray  # (C,), float64
    var: np.ndarray  # (C,), float64, biased
    eps: float


def _small_ufunc_buffer(function):
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


def _check(x, eps, **vectors):
    require_float("x", x)
    if x.ndim < 2:
        raise ValueError(f"x must have shape (N, C) or (N, C, *spatial), not {x.shape}")
    if not eps >= 0:
        raise ValueError(f"eps must be zero or positive, not {eps}")
    for name, vector in vectors.items():
        require_shape(name, vector, x.shape[1:2], "x", x.shape)


def _reject_division_by_zero(var, eps):
    if eps == 0 and not var.all():
        raise ValueError(
            f"eps=0 divides by zero: channels {np.flatnonzero(var == 0).tolist()} are constant; "
            "use a positive eps"
        )


def _flat(x):
    """View x as (N, C, space); a copy if x is not contiguous."""
    return x.reshape(*x.shape[:2], -1)


def _blocks(*arrays):
    """Yield the same samples of all arrays, about 2^19 elements of each at a time."""
    samples = max(1, 2**19 // arrays[0][0].size)
    for start in range(0, len(arrays[0]), samples):
        yield [array[start : start + samples] for array in arrays]


def _sum(a):
    """Sum (n, C, space) over samples and space, by BLAS products with ones: (C,) float64."""
    n, channels, space = a.shape
    if space == 1:
        return (np.ones(n, a.dtype) @ a[:, :, 0]).astype(np.float64, copy=False)
    per_sample = a.reshape(n * channels, space) @ np.ones(space, a.dtype)
    return per_sample.reshape(n, channels).sum(axis=0, dtype=np.float64)


def _dot(a, b):
    """Sum a * b over samples and space without storing the product: (C,) float64."""
    n, channels, space = a.shape
    if space > 1:
        return np.vecdot(a, b).sum(axis=0, dtype=np.float64)
    total = np.zeros(channels)
    for start in range(0, n, 1024):  # einsum adds up in the precision of a: not too much at once
        rows = slice(start, start + 1024)
        total += np.einsum("nc,nc->c", a[rows, :, 0], b[rows, :, 0])
    return total


def _per_channel(vector, x):
    """Shape a vector (C,) to broadcast against the flat x, in its precision."""
    vector = vector.astype(x.dtype, copy=False)[:, None]
    space = x[0, 0].size
    # Broadcasting is slow over short rows: there the elements are repeated instead.
    return vector.repeat(space, axis=1) if 1 < space < 256 else vector


def _split(mean, x):
    """Split a float64 mean into what the precision of x can hold, and the rest in float64."""
    shift = mean.astype(x.dtype, copy=False)
    return shift, mean - shift


def _shift_near_mean(x):
    """Return a vector (C,) in the precision of x, so near the mean that little is left of it.

    With the mean of one sample in sixteen, E[(x - shift)^2] - E[x - shift]^2 cancels at most four
    bits, in whatever order the samples come. A batch of up to 128 values cancels at most seven with
    any of them. Both are exact if x is constant.
    """
    anchor = _flat(x[:1])[0, :, 0]
    if x.size <= 128 * len(anchor):
        return anchor
    first = _flat(x[: 1 + len(x) // 16]) - anchor[:, None]
    return anchor + (_sum(first) * (len(anchor) / first.size)).astype(x.dtype, copy=False)


def _centred(x, shift, dy=None):
    """Return the flat x - shift, and for every channel the sums of dy and of dy * (x - shift).

    Without dy, return the sums of (x - shift) and of (x - shift)^2.
    """
    work = np.empty((*x.shape[:2], x[0, 0].size), x.dtype)
    shift = _per_channel(shift, x)
    total = products = 0
    for x_block, dy_block, block in _blocks(_flat(x), work if dy is None else dy, work):
        np.subtract(x_block, shift, out=block)
        total += _sum(dy_block)
        products += _dot(dy_block, block)
    return work, total, products


def _statistics(x):
    """Return the flat x - shift, its mean, and the mean and variance of x."""
    count = x.size // x.shape[1]
    shift = _shift_near_mean(x)
    work, total, squares = _centred(x, shift)
    offset = total / count
    var = np.maximum(squares / count - offset * offset, 0)
    return work, offset, shift + offset, var


def _scale_and_add(work, scale, offset, x):
    """Multiply and add in place, per channel; return `work` in the shape of x."""
    scale, offset = _per_channel(scale, x), _per_channel(offset, x)
    for (block,) in _blocks(work):
        block *= scale
        block += offset
    return work.reshape(x.shape)


@_small_ufunc_buffer
def batch_statistics(x):
    """Return the mean and the biased variance over every axis of x but 1: float64, (C,) each."""
    _check(x, eps=0)
    _, _, mean, var = _statistics(x)
    return mean, var


@_small_ufunc_buffer
def batch_norm(x, gamma, beta, eps=1e-5):
    """Normalize every channel of a batch, then scale by gamma and shift by beta.

    x has shape (N, C) or (N, C, *spatial), gamma and beta (C,). Returns (y, cache), y shaped like
    x; cache.mean and cache.var (biased) are the statistics. Raises TypeError for anything but
    arrays of float32 or float64, ValueError for shapes that do not fit, fewer than two values per
    channel, negative eps, and eps=0 with a constant channel.
    """
    _check(x, eps, gamma=gamma, beta=beta)
    if x.size == x.shape[1]:
        raise ValueError(
            f"batch norm in training needs at least two values per channel, but x has shape "
            f"{x.shape}; use a larger batch, or batch_norm_inference"
        )
    work, offset, mean, var = _statistics(x)
    _reject_division_by_zero(var, eps)
    scale = gamma / np.sqrt(var + eps)
    y = _scale_and_add(work, scale, beta - offset * scale, x)
    return y, BatchNormCache(x, gamma, mean, var, eps)


@_small_ufunc_buffer
def batch_norm_backward(dy, cache):
    """Return (dx, dgamma, dbeta) of `batch_norm`, the statistics differentiated as well.

    dx = gamma / std * (dy - mean(dy) - x_hat * mean(dy * x_hat)), with means over the batch.
    """
    x, gamma, mean, var, eps = cache
    require_shape("dy", dy, x.shape, "x", x.shape)
    dy = _flat(dy)
    shift, offset = _split(mean, x)
    inv_std = 1 / np.sqrt(var + eps)
    work, dbeta, products = _centred(x, shift, dy)
    dgamma = (products - offset * dbeta) * inv_std
    count = x.size // x.shape[1]
    slope = dgamma * inv_std / -count
    rest = _per_channel(dbeta / count + slope * offset, x)
    slope, gain = _per_channel(slope, x), _per_channel(gamma * inv_std, x)
    for dy_block, block in _blocks(dy, work):
        block *= slope
        block += dy_block
        block -= rest
        block *= gain
    return work.reshape(x.shape), dgamma.astype(x.dtype), dbeta.astype(x.dtype)


@_small_ufunc_buffer
def batch_norm_inference(x, gamma, beta, mean, var, eps=1e-5):
    """Normalize x with given statistics: y = gamma * (x - mean) / sqrt(var + eps) + beta.

    x has shape (N, C) or (N, C, *spatial), everything else (C,). Raises what `batch_norm` raises,
    but one value per channel is enough.
    """
    _check(x, eps, gamma=gamma, beta=beta, mean=mean, var=var)
    _reject_division_by_zero(var, eps)
    shift, offset = _split(mean, x)
    scale = gamma / np.sqrt(var + eps)
    work = _flat(x) - _per_channel(shift, x)
    return _scale_and_add(work, scale, beta - offset * scale, x)


@_small_ufunc_buffer
def batch_norm_inference_backward(dy, cache):
    """Return (dx, dgamma, dbeta) of `batch_norm_inference`, the statistics being constants."""
    x, gamma, mean, var, eps = cache
    require_shape("dy", dy, x.shape, "x", x.shape)
    dy = _flat(dy)
    shift, offset = _split(mean, x)
    inv_std = 1 / np.sqrt(var + eps)
    work, dbeta, products = _centred(x, shift, dy)
    dgamma = (products - offset * dbeta) * inv_std
    np.multiply(dy, _per_channel(gamma * inv_std, x), out=work)
    return work.reshape(x.shape), dgamma.astype(x.dtype), dbeta.astype(x.dtype)
