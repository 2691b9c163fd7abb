"""Batch normalization with a backward pass of our own, in PyTorch's vocabulary.

Source: Ioffe & Szegedy 2015, "Batch Normalization", Algorithms 1 and 2; the backward pass is the
closed form of the notebook `backward`. What a layer does beyond that (momentum, buffers, modes) is
PyTorch's.

The arithmetic stands in `normalization`. Apple's MPS devices, which have no float64, are refused.
"""

import torch
from torch import nn

from helpers.torch_nn.normalization import (
    batch_statistics,
    gradient_sums,
    input_gradient,
    normalize,
    seen,
)


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
        if seen(running_var.isinf().any()):
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
    if seen((moved.isfinite() & (moved.abs() > torch.finfo(running.dtype).max)).any()):
        raise OverflowError(
            f"a running statistic reaches {moved.abs().max():.3g}, which {running.dtype} cannot "
            "hold; divide x by a constant (batch norm does not depend on the unit), or keep the "
            "layer in float64"
        )
    running.copy_(moved)


def require_finite(var):
    """Raise OverflowError if a variance is infinite."""
    if seen(var.isinf().any()):
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
