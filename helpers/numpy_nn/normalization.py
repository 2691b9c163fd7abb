"""Batch normalization, fast and accurate, forward and backward.

Source: Ioffe & Szegedy 2015, "Batch Normalization", Algorithm 1 (training) and 2 (inference).

Where speed and accuracy come from is said in `_channels`.
"""

from typing import NamedTuple

import numpy as np

from helpers.numpy_nn._channels import (
    as_channels,
    centred,
    input_gradient,
    per_channel,
    scale_and_add,
    small_ufunc_buffer,
    statistics,
    sums,
)
from helpers.numpy_nn._checks import (
    reject_division_by_zero,
    reject_infinite,
    require_channels,
    require_shape,
)


class BatchNormCache(NamedTuple):
    """What the backward pass needs: the input itself (not a copy) and C-sized vectors."""

    x: np.ndarray
    gamma: np.ndarray
    mean: np.ndarray  # (C,), float64
    var: np.ndarray  # (C,), float64, biased
    eps: float


@small_ufunc_buffer
def batch_statistics(x):
    """Return the mean and the biased variance over every axis of x but 1: float64, (C,) each.

    Raises OverflowError for a variance beyond float64.
    """
    require_channels(x, eps=0)
    *_, mean, var = statistics(x)
    return mean, var


@small_ufunc_buffer
def batch_norm(x, gamma, beta, eps=1e-5):
    """Normalize every channel of a batch, then scale by gamma and shift by beta.

    x has shape (N, C) or (N, C, *spatial), gamma and beta (C,). Returns (y, cache), y shaped like
    x; cache.mean and cache.var (biased) are the statistics. Raises TypeError for anything but
    arrays of float32 or float64, ValueError for shapes that do not fit, fewer than two values per
    channel, negative eps, and eps=0 with a constant channel; OverflowError for a variance beyond
    float64.
    """
    require_channels(x, eps, gamma=gamma, beta=beta)
    if x.size == x.shape[1]:
        raise ValueError(
            f"batch norm in training needs at least two values per channel, but x has shape "
            f"{x.shape}; use a larger batch, or batch_norm_inference"
        )
    source, offset, work, unit, mean, var = statistics(x)
    reject_division_by_zero(var, eps)
    scale = gamma / np.sqrt(var + eps) / unit
    y = scale_and_add(source, scale, beta - offset * scale, work)
    return y.reshape(x.shape), BatchNormCache(x, gamma, mean, var, eps)


@small_ufunc_buffer
def batch_norm_backward(dy, cache):
    """Return (dx, dgamma, dbeta) of `batch_norm`, the statistics differentiated as well.

    dx = gamma / std * (dy - mean(dy) - x_hat * mean(dy * x_hat)), with means over the batch.
    """
    x, gamma, *_ = cache
    dy, source, offset, work, unit, inv_std, dgamma, dbeta = _parameter_gradients(dy, cache)
    count = x.size // x.shape[1]
    slope = dgamma * inv_std / unit / -count
    rest = dbeta / count + slope * offset
    input_gradient(source, dy, slope, rest, gamma * inv_std, work)
    return work.reshape(x.shape), dgamma.astype(x.dtype), dbeta.astype(x.dtype)


@small_ufunc_buffer
def batch_norm_inference(x, gamma, beta, mean, var, eps=1e-5):
    """Normalize x with given statistics: y = gamma * (x - mean) / sqrt(var + eps) + beta.

    x has shape (N, C) or (N, C, *spatial), everything else (C,). Raises what `batch_norm` raises,
    but one value per channel is enough.
    """
    require_channels(x, eps, gamma=gamma, beta=beta, mean=mean, var=var)
    reject_division_by_zero(var, eps)
    reject_infinite(var)
    source, offset, work, unit = centred(x, mean, var)
    scale = gamma / np.sqrt(var + eps) / unit
    return scale_and_add(source, scale, beta - offset * scale, work).reshape(x.shape)


@small_ufunc_buffer
def batch_norm_inference_backward(dy, cache):
    """Return (dx, dgamma, dbeta) of `batch_norm_inference`, the statistics being constants."""
    x, gamma, *_ = cache
    dy, _, _, work, _, inv_std, dgamma, dbeta = _parameter_gradients(dy, cache)
    np.multiply(dy, per_channel(gamma * inv_std, dy), out=work)
    return work.reshape(x.shape), dgamma.astype(x.dtype), dbeta.astype(x.dtype)


def _parameter_gradients(dy, cache):
    """Return flat dy, (source, offset, work, unit) of x, 1 / std, dgamma and dbeta in float64."""
    x, _, mean, var, eps = cache
    require_shape("dy", dy, x.shape, "x", x.shape)
    dy = as_channels(dy)
    source, offset, work, unit = centred(x, mean, var)
    dbeta, products = sums(dy, source)
    inv_std = 1 / np.sqrt(var + eps)
    dgamma = (products - offset * dbeta) * (inv_std / unit)
    return dy, source, offset, work, unit, inv_std, dgamma, dbeta
