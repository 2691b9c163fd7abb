"""Batch normalization with a backward pass of our own, in PyTorch's vocabulary.

Source: Ioffe & Szegedy 2015, "Batch Normalization", Algorithms 1 and 2; the backward pass is the
closed form of the notebook `backward`. What a layer does beyond that (momentum, buffers, modes) is
PyTorch's.

Every formula is a function of its own that takes statistics and sums as arguments. Where a batch
is spread over processes, the same functions serve with statistics and sums of all processes.

Everything with one element per channel is computed in float64 and everything else at least in
float32, whatever the dtype of x. So x may be of half precision, and a mean that is large beside the
standard deviation does no harm: x is shifted by the mean rounded to x's precision, and what was
rounded off goes into the offset. (Apple's MPS devices have no float64 and are not supported.)

Nor does the unit of x matter: huge values are scaled by a power of two, which rounds nothing,
before they are squared or multiplied. What float64 cannot hold is an error, or, where no one can
look (on a GPU, that would have to be waited for; in compiled code), NaN; never a 0.
"""

import torch
from torch import nn


def batch_statistics(x):
    """Return the mean and the biased variance over every axis of x but 1: float64, (C,) each.

    x has shape (N, C) or (N, C, *spatial) and any floating-point dtype. A variance beyond float64
    is infinite.
    """
    mean, var = _statistics(x)
    if not _seen(~var.isfinite().all()):
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


class BatchNormFunction(torch.autograd.Function):
    """Batch norm with the batch's own statistics: apply(x, weight, bias, eps) -> (y, mean, var).

    x has shape (N, C) or (N, C, *spatial), weight and bias (C,) or None. y is like x. mean and var
    (biased) are float64, (C,), and not differentiable: they are there for the running statistics.
    The gradient can be differentiated again, and torch.func's grad, vmap and jacrev go through; jvp
    does not, because torch.compile refuses functions with a derivative forward.
    """

    generate_vmap_rule = True

    @staticmethod
    def forward(x, weight, bias, eps):
        mean, var = batch_statistics(x)
        return normalize(x, mean, var, weight, bias, eps), mean, var

    @staticmethod
    def setup_context(ctx, inputs, output):
        x, weight, bias, ctx.eps = inputs
        _, mean, var = output
        ctx.mark_non_differentiable(mean, var)
        ctx.save_for_backward(x, weight, bias, mean, var)

    @staticmethod
    def backward(ctx, dy, _dmean, _dvar):
        x, weight, bias, mean, var = ctx.saved_tensors
        if torch.is_grad_enabled():  # the gradient will be differentiated, through the statistics
            mean, var = batch_statistics(x)
        dbeta, dgamma = sums = gradient_sums(dy, x, mean, var, ctx.eps)
        count = x.numel() // x.shape[1]
        arguments = (dy, x, mean, var, weight, ctx.eps, *sums, count)
        return (
            input_gradient(*arguments) if ctx.needs_input_grad[0] else None,
            None if weight is None else dgamma.to(weight.dtype),
            None if bias is None else dbeta.to(bias.dtype),
            None,
        )


def batch_norm(
    x, running_mean, running_var, weight=None, bias=None, training=False, momentum=0.1, eps=1e-5
):
    """Normalize every channel of x; arguments and conventions of torch.nn.functional.batch_norm.

    x has shape (N, C) or (N, C, *spatial), all vectors (C,). With training=True the statistics are
    the batch's, and the running ones, unless None, move in place: running = (1 - momentum) *
    running + momentum * batch, with the unbiased variance. momentum may be a tensor of one number.
    With training=False the running statistics normalize and are constants in the backward pass.
    Raises TypeError if x is not floating-point or on an MPS device; ValueError for shapes that do
    not fit, an eps that is not positive, and fewer than two values per channel in training;
    OverflowError for statistics that float64, or the type of the running ones, cannot hold.
    """
    _check(x, eps, running_mean=running_mean, running_var=running_var, weight=weight, bias=bias)
    if not training:
        if running_mean is None or running_var is None:
            raise ValueError("training=False needs running_mean and running_var, but one is None")
        if _seen(running_var.isinf().any()):
            raise OverflowError(
                "a running variance is infinite: everything would be normalized to 0; train again, "
                "or load other statistics"
            )
        return normalize(x, running_mean.double(), running_var.double(), weight, bias, eps)
    count = x.numel() // x.shape[1]
    if count < 2:
        raise ValueError(
            f"batch norm in training needs at least two values per channel, but x has shape "
            f"{tuple(x.shape)}; use a larger batch, or eval mode"
        )
    y, mean, var = BatchNormFunction.apply(x, weight, bias, eps)
    require_finite(var)
    update_both(running_mean, running_var, mean, var, count, momentum)
    return y


def update_both(running_mean, running_var, mean, var, count, momentum):
    """Move the running statistics towards those of a batch, whose variance is the biased one.

    What is kept is the unbiased variance: for that, `count` says how many values per channel the
    batch has.
    """
    # The variance first: if it is too large, the mean has not moved either.
    update_running(running_var, var * (count / (count - 1)), momentum)
    update_running(running_mean, mean, momentum)


@torch.no_grad()
def update_running(running, batch, momentum):
    """Move a running statistic, in place, by the share `momentum` towards the batch's; None stays.

    Without a graph: otherwise every batch would stay in memory. Raises OverflowError if the result
    is too large for the type of `running`.
    """
    if running is None:
        return
    moved = (1 - momentum) * running + momentum * batch
    if _seen((moved.isfinite() & (moved.abs() > torch.finfo(running.dtype).max)).any()):
        raise OverflowError(
            f"a running statistic reaches {moved.abs().max():.3g}, which {running.dtype} cannot "
            "hold; divide x by a constant (batch norm does not depend on the unit), or keep the "
            "layer in float64"
        )
    running.copy_(moved)


def require_finite(var):
    """Raise OverflowError if a variance is infinite."""
    if _seen(var.isinf().any()):
        raise OverflowError(
            "a variance of x is beyond float64; divide x by a constant (batch norm does not depend "
            "on the unit)"
        )


class _BatchNorm(nn.modules.batchnorm._BatchNorm):
    """What BatchNorm1d and BatchNorm2d share: PyTorch's layer with a forward pass of our own.

    Parameters, buffers, modes, state_dict (those of old versions included) and arguments are
    PyTorch's, and PyTorch's tools that look for batch norms (`update_bn`, ...) find it.

    num_features: C. momentum: the share of the newest batch in the running statistics; None for
    the plain average of all batches. affine=False: neither weight (gamma) nor bias (beta);
    bias=False: no bias. track_running_stats=False: no buffers, batch statistics in every mode.
    """

    dims = ()  # how many axes the input may have
    _batch_norm = staticmethod(batch_norm)  # statistics of several processes need another one

    def __init__(
        self,
        num_features,
        eps=1e-5,
        momentum=0.1,
        affine=True,
        track_running_stats=True,
        device=None,
        dtype=None,
        *,
        bias=True,
    ):
        _require_eps(eps)
        super().__init__(num_features, eps, momentum, affine, track_running_stats, device, dtype)
        if not bias:
            self.register_parameter("bias", None)

    def forward(self, x):
        if x.ndim not in self.dims:
            wanted = " or ".join(f"{dim}D" for dim in self.dims)
            raise ValueError(f"expected {wanted} input (got {x.ndim}D input)")
        mean, var, momentum = self.running_mean, self.running_var, self.momentum
        batch_decides = self.training or mean is None
        tracks = self.training and self.track_running_stats and mean is not None
        if batch_decides and not tracks:
            mean = var = None
        elif tracks and momentum is None:
            momentum = 1 / (self.num_batches_tracked.double() + 1)
        vectors = (mean, var, self.weight, self.bias)
        y = self._batch_norm(x, *vectors, batch_decides, momentum, self.eps)
        if tracks:  # only now: a batch that was refused does not count
            self.num_batches_tracked.add_(1)
        return y


class BatchNorm1d(_BatchNorm):
    """Batch normalization of (N, C) or (N, C, L); arguments and state_dict of nn.BatchNorm1d."""

    dims = (2, 3)


class BatchNorm2d(_BatchNorm):
    """Batch normalization of (N, C, H, W); arguments and state_dict of nn.BatchNorm2d."""

    dims = (4,)


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


def _seen(condition):
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


def _require_eps(eps):
    if not eps > 0:
        raise ValueError(f"eps must be positive, not {eps}")


def _check(x, eps, **vectors):
    _require_eps(eps)
    if x.device.type == "mps":
        raise TypeError(
            "this batch norm computes its statistics in float64, which MPS devices do not have; "
            "use torch.nn's layer there, or the CPU"
        )
    if not x.is_floating_point():
        raise TypeError(f"x must be of a floating-point dtype, not {x.dtype}; convert it first")
    if x.ndim < 2:
        raise ValueError(f"x must have shape (N, C) or (N, C, *spatial), not {tuple(x.shape)}")
    for name, vector in vectors.items():
        if vector is not None and vector.shape != x.shape[1:2]:
            raise ValueError(
                f"{name} must have shape {tuple(x.shape[1:2])} to fit x of shape "
                f"{tuple(x.shape)}, not {tuple(vector.shape)}"
            )
