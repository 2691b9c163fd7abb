"""Layer, group, instance and RMS norm: the statistics come from within one sample.

Sources: Ba, Kiros & Hinton 2016, "Layer Normalization", eq. 3 and 4; Wu & He 2018, "Group
Normalization", section 3; Ulyanov, Vedaldi & Lempitsky 2016, "Instance Normalization", eq. 2;
Zhang & Sennrich 2019, "Root Mean Square Layer Normalization", eq. 4.

All four are one: x is seen as (N, C, space), and the C channels of each sample are cut into groups,
one for layer and RMS norm (whose C are the values that share a row), C for instance norm. Every
group of every sample is then normalized as batch norm normalizes a channel, by the same functions.
What remains is gamma and beta, one per channel. Unlike batch norm's, these channels may differ
within a group, so the normalized array is there in between: block of samples by block of samples,
to stay in the cache.
"""

from typing import NamedTuple

import numpy as np

from helpers.numpy_nn._channels import (
    blocks,
    centred,
    input_gradient,
    per_channel,
    scale_and_add,
    small_ufunc_buffer,
    statistics,
    sums,
    unit_of,
)
from helpers.numpy_nn._checks import (
    reject_division_by_zero,
    reject_infinite,
    require_channels,
    require_eps,
    require_float,
    require_shape,
)


class GroupNormCache(NamedTuple):
    """What the backward pass needs: the input itself (not a copy) and small arrays."""

    x: np.ndarray
    gamma: np.ndarray
    mean: np.ndarray  # (N, groups), float64; zeros for RMS norm
    var: np.ndarray  # (N, groups), float64, biased; the mean of x^2 for RMS norm
    eps: float
    view: tuple  # (N, C, space), as which x was seen


def layer_norm(x, gamma, beta, eps=1e-5):
    """Normalize over the trailing axes that gamma has, then scale by gamma and shift by beta.

    gamma and beta have the shape of these axes: gamma.shape == x.shape[-gamma.ndim:], for instance
    x (N, features) and gamma (features,). Returns (y, cache), y shaped like x. Raises TypeError for
    anything but arrays of float32 or float64, ValueError for shapes that do not fit, gamma with
    fewer than two values, negative eps, and eps=0 with constant values.
    """
    view = _trailing_view(x, gamma, eps)
    require_shape("beta", beta, gamma.shape, "gamma", gamma.shape)
    _require_two_values("layer norm", gamma.size, x, "normalize more axes")
    return _forward(x, gamma, beta, view, 1, eps)


def layer_norm_backward(dy, cache):
    """Return (dx, dgamma, dbeta) of `layer_norm`, the statistics differentiated as well."""
    return _backward(dy, cache)


def group_norm(x, gamma, beta, num_groups, eps=1e-5):
    """Normalize each of num_groups groups of channels of a sample; then gamma and beta.

    x has shape (N, C) or (N, C, *spatial), gamma and beta (C,); C / num_groups neighbouring
    channels form a group. Returns (y, cache), y shaped like x. Raises what `batch_norm` raises, for
    groups instead of channels, and TypeError or ValueError if num_groups is no integer or does not
    divide C.
    """
    require_channels(x, eps, gamma=gamma, beta=beta)
    n, channels = x.shape[:2]
    if not isinstance(num_groups, int | np.integer):
        raise TypeError(f"num_groups must be an integer, not {num_groups!r}")
    if num_groups < 1 or channels % num_groups:
        raise ValueError(
            f"num_groups must be positive and divide the {channels} channels of x of shape "
            f"{x.shape}, but it is {num_groups}"
        )
    _require_two_values("group norm", x.size // n // num_groups, x, "use fewer groups")
    return _forward(x, gamma, beta, (n, channels, x.size // n // channels), num_groups, eps)


def group_norm_backward(dy, cache):
    """Return (dx, dgamma, dbeta) of `group_norm`, the statistics differentiated as well."""
    return _backward(dy, cache)


def instance_norm(x, gamma, beta, eps=1e-5):
    """Normalize every channel of every sample over its spatial axes; then gamma and beta.

    x has shape (N, C, *spatial) with at least one spatial axis, gamma and beta (C,). Returns
    (y, cache), y shaped like x. Raises what `batch_norm` raises, for the values of one channel in
    one sample.
    """
    require_channels(x, eps, gamma=gamma, beta=beta)
    if x.ndim < 3:
        raise ValueError(
            f"instance norm needs x of shape (N, C, *spatial) with at least one spatial axis, not "
            f"{x.shape}; for (N, C) use layer_norm"
        )
    n, channels = x.shape[:2]
    space = x.size // n // channels
    _require_two_values("instance norm", space, x, "use group_norm or layer_norm")
    return _forward(x, gamma, beta, (n, channels, space), channels, eps)


def instance_norm_backward(dy, cache):
    """Return (dx, dgamma, dbeta) of `instance_norm`, the statistics differentiated as well."""
    return _backward(dy, cache)


def rms_norm(x, gamma, eps=1e-5):
    """Divide by the root mean square over the trailing axes that gamma has, then scale by gamma.

    y = x / sqrt(mean(x^2) + eps) * gamma; no mean is subtracted. gamma.shape ==
    x.shape[-gamma.ndim:]. Returns (y, cache), y shaped like x. Raises what `layer_norm` raises, but
    one value is enough. PyTorch's default for eps is the machine epsilon of x.
    """
    view = _trailing_view(x, gamma, eps)
    return _forward(x, gamma, np.zeros_like(gamma), view, 1, eps, around_mean=False)


def rms_norm_backward(dy, cache):
    """Return (dx, dgamma) of `rms_norm`, the root mean square differentiated as well."""
    return _backward(dy, cache, around_mean=False)[:2]


def _trailing_view(x, gamma, eps):
    """Check x, gamma and eps; return (N, C, 1) with the axes that gamma has as C."""
    require_float("x", x)
    require_float("gamma", gamma)
    if not 1 <= gamma.ndim <= x.ndim:
        raise ValueError(
            f"gamma must have the shape of the trailing axes of x, which are normalized, but x has "
            f"shape {x.shape} and gamma {gamma.shape}; give it between 1 and {x.ndim} axes"
        )
    require_shape("gamma", gamma, x.shape[-gamma.ndim :], "x", x.shape)
    require_eps(eps)
    return x.size // gamma.size, gamma.size, 1


def _require_two_values(norm, count, x, remedy):
    if count < 2:
        raise ValueError(
            f"{norm} needs at least two values per group, but of x of shape {x.shape} each group "
            f"has {count}; {remedy}"
        )


def _mean_square(rows):
    """Return what `statistics` returns, but with 0 as the mean: the variance is then mean(x^2)."""
    source, zeros, unit = rows, np.zeros(rows.shape[1]), 1.0
    with np.errstate(over="ignore", invalid="ignore"):
        _, squares = sums(rows, rows)
        if not np.isfinite(squares).all():
            unit = unit_of(rows)
            source = rows * per_channel(unit, rows)
            squares = sums(source, source)[1] / unit / unit
            reject_infinite(squares)
    return source, zeros, np.empty_like(rows), unit, zeros, squares / rows.shape[2]


@small_ufunc_buffer
def _forward(x, gamma, beta, view, num_groups, eps, around_mean=True):
    mean, var = np.zeros((view[0], num_groups)), np.ones((view[0], num_groups))
    y = np.empty(view, x.dtype)
    measure = statistics if around_mean else _mean_square
    found = "groups {} are constant" if around_mean else "groups {} are zero"
    for x_block, y_block, means, variances in blocks(x.reshape(view), y, mean, var):
        *made, means.flat, variances.flat = measure(_rows(x_block, means))
        reject_division_by_zero(var.ravel(), eps, found)  # all of it, for the groups' numbers
        x_hat, _ = _normalize(*made, variances, eps)
        scale_and_add(x_hat.reshape(x_block.shape), gamma.ravel(), beta.ravel(), y_block)
    return y.reshape(x.shape), GroupNormCache(x, gamma, mean, var, eps, view)


@small_ufunc_buffer
def _backward(dy, cache, around_mean=True):
    """Return (dx, dgamma, dbeta).

    dx = (g - mean(g) - x_hat * mean(g * x_hat)) / std with g = dy * gamma and means over a group;
    mean(g) is there only if the mean was subtracted.
    """
    x, gamma, mean, var, eps, view = cache
    require_shape("dy", dy, x.shape, "x", x.shape)
    dx = np.empty(view, x.dtype)
    dgamma, dbeta = np.zeros((2, gamma.size))
    arrays = x.reshape(view), dy.reshape(view), dx, mean, var
    for x_block, dy_block, dx_block, means, variances in blocks(*arrays):
        rows = _rows(x_block, means)
        work = centred(rows, means.ravel(), variances.ravel())
        x_hat, inv_std = _normalize(*work, variances, eps)
        block_dbeta, block_dgamma = sums(dy_block, x_hat.reshape(dy_block.shape))
        dbeta += block_dbeta
        dgamma += block_dgamma
        g = _rows(dy_block * per_channel(gamma.ravel(), dy_block), means)
        total, products = sums(g, x_hat)
        count = rows.shape[2]
        rest = total / count if around_mean else np.zeros_like(total)
        input_gradient(x_hat, g, products / -count, rest, inv_std, _rows(dx_block, means))
    dgamma, dbeta = (a.astype(x.dtype).reshape(gamma.shape) for a in (dgamma, dbeta))
    return dx.reshape(x.shape), dgamma, dbeta


def _rows(block, means):
    """View a block of samples as (1, groups of all its samples, values of a group)."""
    return block.reshape(1, means.size, -1)


def _normalize(source, offset, work, unit, variances, eps):
    """Return (x_hat, inv_std): x_hat in `work`, one inv_std per row."""
    inv_std = 1 / np.sqrt(variances.ravel() + eps)
    scale = inv_std / unit
    return scale_and_add(source, scale, -offset * scale, work), inv_std
