"""Batch normalization, forward and backward.

Source: Ioffe & Szegedy 2015, "Batch Normalization", Algorithm 1 (training) and 2 (inference).
"""

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


def _check(x, eps, **parameters):
    require_float("x", x)
    if x.ndim < 2:
        raise ValueError(f"x must have shape (N, C) or (N, C, *spatial), not {x.shape}")
    if not eps >= 0:
        raise ValueError(f"eps must be zero or positive, not {eps}")
    for name, parameter in parameters.items():
        require_shape(name, parameter, (x.shape[1],), f"for x of shape {x.shape}")


def _columns(vector, x):
    """Turn a (C,) vector into shape (C, 1, ...) and the dtype of x, to broadcast against x."""
    return vector.astype(x.dtype).reshape(-1, *(1,) * (x.ndim - 2))


def batch_statistics(x):
    """Return the mean and the biased variance of x over every axis but 1, in float64, (C,) each."""
    _check(x, eps=0.0)
    axes = (0, *range(2, x.ndim))
    return x.mean(axis=axes, dtype=np.float64), x.var(axis=axes, dtype=np.float64)


def batch_norm(x, gamma, beta, eps=1e-5):
    """Normalize each feature of a batch, then scale by gamma and shift by beta.

    x has shape (N, C) or (N, C, *spatial), gamma and beta (C,). Returns (y, cache).
    """
    _check(x, eps, gamma=gamma, beta=beta)
    if x.size == x.shape[1]:
        raise ValueError(
            f"batch norm needs at least two values per channel in training, x has shape {x.shape}"
        )
    mean, var = batch_statistics(x)
    if eps == 0 and not var.all():
        raise ValueError(
            f"with eps=0 no channel may be constant, but channels {np.flatnonzero(var == 0)} are; "
            "use a positive eps"
        )
    cache = BatchNormCache(x, gamma, mean, var, eps)
    return batch_norm_inference(x, gamma, beta, mean, var, eps), cache


def batch_norm_backward(dy, cache):
    """Return (dx, dgamma, dbeta) of `batch_norm`, statistics differentiated through."""
    x, gamma, mean, var, eps = cache
    require_shape("dy", dy, x.shape, "like x")
    axes = (0, *range(2, x.ndim))
    inv_std = 1 / np.sqrt(var + eps)
    x_hat = (x - _columns(mean, x)) * _columns(inv_std, x)
    dbeta = dy.sum(axis=axes)
    dgamma = (dy * x_hat).sum(axis=axes)
    count = x.size // x.shape[1]
    dx = dy - _columns(dbeta / count, x) - x_hat * _columns(dgamma / count, x)
    dx *= _columns(gamma * inv_std, x)
    return dx, dgamma, dbeta


def batch_norm_inference(x, gamma, beta, mean, var, eps=1e-5):
    """Normalize x with given statistics (C,): y = gamma * (x - mean) / sqrt(var + eps) + beta."""
    _check(x, eps, gamma=gamma, beta=beta, mean=mean, var=var)
    y = x - _columns(mean, x)
    y *= _columns(gamma / np.sqrt(var + eps), x)
    y += _columns(beta, x)
    return y


def batch_norm_inference_backward(dy, cache):
    """Return (dx, dgamma, dbeta) of `batch_norm_inference`, where the statistics are constants."""
    x, gamma, mean, var, eps = cache
    require_shape("dy", dy, x.shape, "like x")
    axes = (0, *range(2, x.ndim))
    inv_std = 1 / np.sqrt(var + eps)
    x_hat = (x - _columns(mean, x)) * _columns(inv_std, x)
    return dy * _columns(gamma * inv_std, x), (dy * x_hat).sum(axis=axes), dy.sum(axis=axes)
