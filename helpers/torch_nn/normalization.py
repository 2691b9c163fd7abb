"""The arithmetic of batch norm in PyTorch: statistics, scale and shift, sums for the gradient.

Every formula is a function of its own that takes statistics and sums as arguments. Where a batch
is spread over processes, the same functions serve with statistics and sums of all processes.

Everything with one element per channel is computed in float64 and everything else at least in
float32, whatever the dtype of x. So x may be of half precision, and a mean that is large beside the
standard deviation does no harm: x is shifted by the mean rounded to x's precision, and what was
rounded off goes into the offset.

Nor does the unit of x matter: huge values are scaled by a power of two, which rounds nothing,
before they are squared or multiplied. What float64 cannot hold becomes NaN, never a 0.
"""

import torch


def batch_statistics(x):
    """Return the mean and the biased variance over every axis of x but 1: float64, (C,) each.

    x has shape (N, C) or (N, C, *spatial) and any floating-point dtype. A variance beyond float64
    is infinite.
    """
    mean, var = _statistics(x)
    if not seen(~var.isfinite().all()):
        return mean, var
    peak = x.detach().abs().amax(_batch_axes(x)).double()
    unit = torch.where(peak.isfinite() & (peak > 1), _power_of_two(1 / peak), 1)
    mean, var = _statistics(x * _per_channel(unit, x))
    return mean / unit, var / unit / unit


def _statistics(x):
    """Mean and biased variance, where squares do not overflow."""
    axes = _batch_axes(x)
    shift = x.mean(axes, dtype=_at_least_float32(x))
    centred = x - _per_channel(shift, x)
    rest = centred.mean(axes).double()  # not 0: the mean is rounded to the precision of x
    squares = centred.pow_(2).mean(axes).double()  # in place: fresh memory costs time
    return shift.double() + rest, squares - rest.square()


def normalize(x, mean, var, weight, bias, eps):
    """Return weight * (x - mean) / sqrt(var + eps) + bias, in the dtype and memory format of x.

    x has shape (N, C) or (N, C, *spatial), everything else (C,); weight and bias may be None.
    """
    scale, _, unit = _gain(weight, var, eps)
    centred, rest = _centred(x, mean, unit)
    scale = scale / unit
    offset = -rest * scale if bias is None else bias - rest * scale
    scale, offset = _per_channel(scale, centred), _per_channel(offset, centred)
    return torch.addcmul(offset, centred, scale).to(x.dtype)


def gradient_sums(dy, x, mean, var, eps):
    """Return the sums of dy and of dy * x_hat over every axis but 1: float64, (C,) each.

    They are the gradients of bias and weight, and all that dx needs to know of the other samples.
    """
    axes = _batch_axes(x)
    _, inv_std, unit = _gain(None, var, eps)
    centred, rest = _centred(x, mean, unit)
    sum_dy = dy.sum(axes, dtype=centred.dtype).double()
    products = (centred * dy).sum(axes).double()
    return sum_dy, (products - rest * sum_dy) * (inv_std / unit)


def input_gradient(dy, x, mean, var, weight, eps, sum_dy, sum_dy_x_hat, count):
    """Return dx = weight / std * (dy - sum_dy / count - x_hat * sum_dy_x_hat / count).

    dy and x have one shape; everything else is (C,), but for eps and `count`, the values per
    channel that statistics and sums are of. weight may be None. dx has the dtype and memory format
    of x.
    """
    gain, inv_std, unit = _gain(weight, var, eps)
    centred, rest = _centred(x, mean, unit)
    slope = -gain * (inv_std / unit) * sum_dy_x_hat / count
    offset = -gain * sum_dy / count - slope * rest
    slope, offset, gain = (_per_channel(vector, centred) for vector in (slope, offset, gain))
    # x before dy: the first decides the memory format.
    return torch.addcmul(torch.addcmul(offset, centred, slope), dy, gain).to(x.dtype)


def _batch_axes(x):
    return [0, *range(2, x.ndim)]


def _at_least_float32(x):
    return torch.promote_types(x.dtype, torch.float32)


def _per_channel(vector, x):
    """Shape a vector (C,) to broadcast against x, in the precision that x is computed in."""
    return vector.to(_at_least_float32(x)).view(-1, *[1] * (x.ndim - 2))


def _centred(x, mean, unit):
    """Return unit * (x - shift) and unit * (mean - shift), the latter (C,).

    The shift is the mean as x's precision can say it; unit a power of two, (C,).
    """
    shift = mean.to(_at_least_float32(x))
    centred = torch.addcmul(_per_channel(-shift * unit, x), x, _per_channel(unit, x))
    return centred, (mean - shift) * unit


def _gain(weight, var, eps):
    """Return weight / std, 1 / std, and a power of two near 1 / std: 1 or less; (C,) each.

    NaN where the variance is infinite: 1 / std would be 0, and all of x with it.
    """
    inv_std = torch.rsqrt(var + eps) + 0 * var
    unit = _power_of_two(inv_std.detach()).clamp(max=1)
    return (inv_std if weight is None else weight * inv_std), inv_std, unit


def _power_of_two(positive):
    """The power of two that is at most twice as large."""
    mantissa, _ = torch.frexp(positive)
    return positive / mantissa


def seen(condition):
    """Whether a tensor of one truth value is true, as far as one can look.

    To look at a GPU makes Python wait for it; compiled code, vmap and tensors without values have
    nothing to look at.
    """
    if condition.device.type != "cpu" or torch.compiler.is_compiling():
        return False
    try:
        return bool(condition)
    except RuntimeError:
        return False
