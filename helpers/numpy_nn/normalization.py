"""Batch normalization, fast and accurate, forward and backward.

Source: Ioffe & Szegedy 2015, "Batch Normalization", Algorithm 1 (training) and 2 (inference).

How the speed comes about: x is seen as (N, C, space), whatever its spatial axes, and nothing is
transposed; the only large array made is the result; the work goes through blocks of samples that
stay in the cache; scale and shift are one multiplication and one addition; sums run in BLAS.

How the accuracy comes about: everything that has C elements is computed in float64. The variance is
E[x^2] - E[x]^2, which needs one pass and is wrong where the mean is large beside the standard
deviation: the two terms agree in most of the 24 bits of float32 and their difference keeps the
rest. So this is checked, and if need be a `shift` near the mean is subtracted first. `offset` is
the mean of what is left.
"""

from functools import lru_cache, wraps
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


def _sums(a, b):
    """Sum a and a * b over samples and space: two vectors (C,) of float64."""
    total = products = 0
    # From the last block to the first: the next pass begins with blocks that are still in the
    # cache. And first the product: it fetches a block faster than _sum would.
    for a_block, b_block in reversed(_blocks(a, b)):
        products += _dot(a_block, b_block)
        total += _sum(a_block)
    return total, products


def _per_channel(vector, flat):
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


def _statistics(x):
    """Return (source, offset, work, mean, var): x less a shift, its mean, an array to work in."""
    n, channels = x.shape[:2]
    flat = source = _flat(x)
    work = np.empty(flat.shape, x.dtype)
    shift = np.zeros(channels, x.dtype)
    looks = [n, n, n]  # the second shift corrects the rounding of the first
    if x.size >= 2**19:
        looks.insert(0, 1 + n // 16)  # mostly saves looking at all samples in vain
    for i, samples in enumerate(looks):
        part = source[:samples]
        total, squares = _sums(part, part)
        count = part.size // channels
        offset = total / count
        var = squares / count - offset * offset
        is_far = _is_far(offset, var, x.dtype)
        if samples == n and (i == len(looks) - 1 or not is_far):
            return source, offset, work, shift + offset, var
        if is_far:
            shift = (shift + offset).astype(x.dtype)
            source = np.subtract(flat, _per_channel(shift, flat), out=work)


def _centred(x, mean, var):
    """Return (source, offset, work) as above, for given statistics."""
    flat = _flat(x)
    if not _is_far(mean, var, x.dtype):
        return flat, mean, np.empty(flat.shape, x.dtype)
    shift = mean.astype(x.dtype)
    work = flat - _per_channel(shift, flat)
    return work, mean - shift, work


def _scale_and_add(source, scale, offset, work):
    """Put scale * source + offset, per channel, into `work`; return it."""
    scale, offset = _per_channel(scale, source), _per_channel(offset, source)
    for source_block, block in _blocks(source, work):
        np.multiply(source_block, scale, out=block)
        block += offset
    return work


@_small_ufunc_buffer
def batch_statistics(x):
    """Return the mean and the biased variance over every axis of x but 1: float64, (C,) each."""
    _check(x, eps=0)
    *_, mean, var = _statistics(x)
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
    source, offset, work, mean, var = _statistics(x)
    _reject_division_by_zero(var, eps)
    scale = gamma / np.sqrt(var + eps)
    y = _scale_and_add(source, scale, beta - offset * scale, work)
    return y.reshape(x.shape), BatchNormCache(x, gamma, mean, var, eps)


@_small_ufunc_buffer
def batch_norm_backward(dy, cache):
    """Return (dx, dgamma, dbeta) of `batch_norm`, the statistics differentiated as well.

    dx = gamma / std * (dy - mean(dy) - x_hat * mean(dy * x_hat)), with means over the batch.
    """
    x, gamma, *_ = cache
    dy, source, offset, work, inv_std, dgamma, dbeta = _parameter_gradients(dy, cache)
    count = x.size // x.shape[1]
    slope = dgamma * inv_std / -count
    rest = _per_channel(dbeta / count + slope * offset, dy)
    slope, gain = _per_channel(slope, dy), _per_channel(gamma * inv_std, dy)
    for source_block, dy_block, block in _blocks(source, dy, work):
        np.multiply(source_block, slope, out=block)
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
    source, offset, work = _centred(x, mean, var)
    scale = gamma / np.sqrt(var + eps)
    return _scale_and_add(source, scale, beta - offset * scale, work).reshape(x.shape)


@_small_ufunc_buffer
def batch_norm_inference_backward(dy, cache):
    """Return (dx, dgamma, dbeta) of `batch_norm_inference`, the statistics being constants."""
    x, gamma, *_ = cache
    dy, _, _, work, inv_std, dgamma, dbeta = _parameter_gradients(dy, cache)
    np.multiply(dy, _per_channel(gamma * inv_std, dy), out=work)
    return work.reshape(x.shape), dgamma.astype(x.dtype), dbeta.astype(x.dtype)


def _parameter_gradients(dy, cache):
    """Return flat dy, (source, offset, work) of x, 1 / std, and dgamma and dbeta in float64."""
    x, _, mean, var, eps = cache
    require_shape("dy", dy, x.shape, "x", x.shape)
    dy = _flat(dy)
    source, offset, work = _centred(x, mean, var)
    dbeta, products = _sums(dy, source)
    inv_std = 1 / np.sqrt(var + eps)
    return dy, source, offset, work, inv_std, (products - offset * dbeta) * inv_std, dbeta
