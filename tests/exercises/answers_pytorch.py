"""Answers to the exercises of the notebook `pytorch`."""

import numpy as np
import torch
from registry import alternative, mutant

from helpers.numpy_nn.modules import BatchNorm, Flatten, Linear, ReLU

# --- backward_from_saved -------------------------------------------------------------------------


def _wide(vector, x):
    return vector.view(1, -1, *[1] * (x.ndim - 2))


def _dims(x):
    return [0, *range(2, x.ndim)]


@alternative("backward_from_saved")
def through_dx_hat(dy, x, gamma, mean, inv_std):
    x_hat = (x - _wide(mean, x)) * _wide(inv_std, x)
    dgamma = (dy * x_hat).sum(_dims(x))
    dx_hat = _wide(gamma, x) * dy
    means = dx_hat.mean(_dims(x), keepdim=True)
    slopes = (dx_hat * x_hat).mean(_dims(x), keepdim=True)
    return _wide(inv_std, x) * (dx_hat - means - x_hat * slopes), dgamma, dy.sum(_dims(x))


@alternative("backward_from_saved")
def channels_in_rows(dy, x, gamma, mean, inv_std):
    rows, drows = (a.transpose(0, 1).reshape(len(gamma), -1) for a in (x, dy))
    x_hat = (rows - mean[:, None]) * inv_std[:, None]
    dgamma, dbeta = torch.einsum("cn,cn->c", drows, x_hat), drows.sum(1)
    n = rows.shape[1]
    dx = drows - dbeta[:, None] / n - x_hat * dgamma[:, None] / n
    dx = (gamma * inv_std)[:, None] * dx
    turned = x.transpose(0, 1).shape
    return dx.reshape(turned).transpose(0, 1), dgamma, dbeta


@alternative("backward_from_saved")
def in_numpy(dy, x, gamma, mean, inv_std):
    dy, x, gamma, mean, inv_std = (a.numpy() for a in (dy, x, gamma, mean, inv_std))
    axes = tuple(_dims(x))
    shape = (1, -1) + (1,) * (x.ndim - 2)
    x_hat = (x - mean.reshape(shape)) * inv_std.reshape(shape)
    means = dy.mean(axes, keepdims=True) + x_hat * (dy * x_hat).mean(axes, keepdims=True)
    dx = (gamma * inv_std).reshape(shape) * (dy - means)
    return torch.from_numpy(dx), (dy * x_hat).sum(axes), dy.sum(axes)


def _closed(dy, x, gamma, mean, inv_std, first=1.0, second=1.0):
    x_hat = (x - _wide(mean, x)) * _wide(inv_std, x)
    means = dy.mean(_dims(x), keepdim=True)
    slopes = (dy * x_hat).mean(_dims(x), keepdim=True)
    dx = _wide(gamma * inv_std, x) * (dy - first * means - second * x_hat * slopes)
    return dx, (dy * x_hat).sum(_dims(x)), dy.sum(_dims(x))


@mutant("backward_from_saved", blamed="three_gradients")
def for_vectors_only(dy, x, gamma, mean, inv_std):
    x_hat = (x - mean) * inv_std
    dgamma, dbeta = (dy * x_hat).sum(0), dy.sum(0)
    dx = gamma * inv_std * (dy - dbeta / len(x) - x_hat * dgamma / len(x))
    return dx, dgamma, dbeta


@mutant("backward_from_saved", blamed="three_gradients", says="(dx, dgamma, dbeta)")
def only_dx(dy, x, gamma, mean, inv_std):
    return _closed(dy, x, gamma, mean, inv_std)[0]


@mutant("backward_from_saved", blamed="three_gradients")
def parameters_keep_their_axes(dy, x, gamma, mean, inv_std):
    dx, dgamma, dbeta = _closed(dy, x, gamma, mean, inv_std)
    return dx, _wide(dgamma, x), _wide(dbeta, x)


@mutant("backward_from_saved", blamed="slopes_of_the_parameters")
def parameters_swapped(dy, x, gamma, mean, inv_std):
    dx, dgamma, dbeta = _closed(dy, x, gamma, mean, inv_std)
    return dx, dbeta, dgamma


@mutant("backward_from_saved", blamed="slopes_of_the_parameters")
def means_instead_of_sums(dy, x, gamma, mean, inv_std):
    dx, dgamma, dbeta = _closed(dy, x, gamma, mean, inv_std)
    return dx, dgamma * 3 / x.numel(), dbeta * 3 / x.numel()


@mutant("backward_from_saved", blamed="slopes_of_the_parameters")
def x_not_normalized(dy, x, gamma, mean, inv_std):
    dx, _, dbeta = _closed(dy, x, gamma, mean, inv_std)
    return dx, (dy * x).sum(_dims(x)), dbeta


@mutant("backward_from_saved", blamed="slopes_of_the_parameters")
def not_divided(dy, x, gamma, mean, inv_std):
    dx, _, dbeta = _closed(dy, x, gamma, mean, inv_std)
    return dx, (dy * (x - _wide(mean, x))).sum(_dims(x)), dbeta


@mutant("backward_from_saved", blamed="slope_of_the_input")
def constant_statistics(dy, x, gamma, mean, inv_std):
    return _closed(dy, x, gamma, mean, inv_std, first=0, second=0)


@mutant("backward_from_saved", blamed="slope_of_the_input")
def without_the_variance(dy, x, gamma, mean, inv_std):
    return _closed(dy, x, gamma, mean, inv_std, second=0)


@mutant("backward_from_saved", blamed="slope_of_the_input")
def without_the_mean(dy, x, gamma, mean, inv_std):
    return _closed(dy, x, gamma, mean, inv_std, first=0)


@mutant("backward_from_saved", blamed="slope_of_the_input")
def without_gamma(dy, x, gamma, mean, inv_std):
    dx, *rest = _closed(dy, x, gamma, mean, inv_std)
    return dx / _wide(gamma, x), *rest


@mutant("backward_from_saved", blamed="slope_of_the_input")
def without_inv_std(dy, x, gamma, mean, inv_std):
    dx, *rest = _closed(dy, x, gamma, mean, inv_std)
    return dx / _wide(inv_std, x), *rest


@mutant("backward_from_saved", blamed="slope_of_the_input")
def divides_by_n_alone(dy, x, gamma, mean, inv_std):
    share = x.numel() / 3 / len(x)
    return _closed(dy, x, gamma, mean, inv_std, first=share, second=share)


@mutant("backward_from_saved", blamed="slope_of_the_input")
def sums_not_means(dy, x, gamma, mean, inv_std):
    count = x.numel() / 3
    return _closed(dy, x, gamma, mean, inv_std, first=count, second=count)


@mutant("backward_from_saved", blamed="what_was_saved_is_used")
def measures_again(dy, x, gamma, mean, inv_std):
    mean = x.mean(_dims(x))
    return _closed(dy, x, gamma, mean, (x.var(_dims(x), correction=0) + 0.3) ** -0.5)


@mutant("backward_from_saved", blamed="what_was_saved_is_used")
def measures_again_for_dx(dy, x, gamma, mean, inv_std):
    _, *rest = _closed(dy, x, gamma, mean, inv_std)
    inv_std = (x.var(_dims(x), correction=0) + 0.3) ** -0.5
    return _closed(dy, x, gamma, x.mean(_dims(x)), inv_std)[0], *rest


@mutant("backward_from_saved", blamed="any_shape")
def for_three_channels(dy, x, gamma, mean, inv_std):
    share = x.numel() / x.shape[1] / (x.numel() / 3)
    return _closed(dy, x, gamma, mean, inv_std, first=share, second=share)


@mutant("backward_from_saved", blamed="any_shape")
def for_these_batches(dy, x, gamma, mean, inv_std):
    share = x.numel() / x.shape[1] / (6 if x.ndim == 2 else 40)
    return _closed(dy, x, gamma, mean, inv_std, first=share, second=share)


@mutant("backward_from_saved", blamed="slope_of_the_input")
def per_image(dy, x, gamma, mean, inv_std):
    dx, *rest = _closed(dy, x, gamma, mean, inv_std)
    if x.ndim == 4:
        x_hat = (x - _wide(mean, x)) * _wide(inv_std, x)
        slopes = (dy * x_hat).mean((2, 3), keepdim=True)
        dx = _wide(gamma * inv_std, x) * (dy - dy.mean((2, 3), keepdim=True) - x_hat * slopes)
    return dx, *rest


@mutant("backward_from_saved", blamed="slope_of_the_input")
def divides_by_one_less(dy, x, gamma, mean, inv_std):
    count = x.numel() / x.shape[1]
    return _closed(dy, x, gamma, mean, inv_std, second=count / (count - 1))


@mutant("backward_from_saved", blamed="slopes_of_the_parameters")
def gamma_in_dgamma(dy, x, gamma, mean, inv_std):
    dx, dgamma, dbeta = _closed(dy, x, gamma, mean, inv_std)
    return dx, gamma * dgamma, dbeta


@alternative("backward_from_saved")
def stage_by_stage(dy, x, gamma, mean, inv_std):
    n, dims = x.numel() / x.shape[1], _dims(x)
    centred, dx_hat = x - _wide(mean, x), _wide(gamma, x) * dy
    dvar = -(dx_hat * centred).sum(dims) * inv_std**3 / 2
    dmean = -(dx_hat.sum(dims) * inv_std) - 2 * dvar * centred.mean(dims)
    dx = _wide(inv_std, x) * dx_hat + _wide(dvar, x) * 2 * centred / n + _wide(dmean, x) / n
    return dx, (dy * centred).sum(dims) * inv_std, dy.sum(dims)


@alternative("backward_from_saved")
def channel_by_channel(dy, x, gamma, mean, inv_std):
    dx, dgamma, dbeta = torch.zeros_like(x), torch.zeros_like(gamma), torch.zeros_like(gamma)
    for c in range(len(gamma)):
        d, x_hat = dy[:, c], (x[:, c] - mean[c]) * inv_std[c]
        dgamma[c], dbeta[c] = (d * x_hat).sum(), d.sum()
        dx[:, c] = gamma[c] * inv_std[c] * (d - d.mean() - x_hat * (d * x_hat).mean())
    return dx, dgamma, dbeta


@alternative("backward_from_saved")
def pytorch_kernel(dy, x, gamma, mean, inv_std):
    kernel = torch.ops.aten.native_batch_norm_backward
    return kernel(dy, x, gamma, None, None, mean, inv_std, True, 1e-5, [True] * 3)


@alternative("backward_from_saved")
def by_autograd(dy, x, gamma, mean, inv_std):
    """The graph of the forward pass, with the mean and inv_std that were saved put in."""
    dims = _dims(x)
    with torch.enable_grad():
        x, gamma = x.clone().requires_grad_(), gamma.clone().requires_grad_()
        beta = torch.zeros_like(gamma).requires_grad_()
        own, var = x.mean(dims), x.var(dims, correction=0)
        root = (var - var.detach() + inv_std**-2).rsqrt()
        x_hat = (x - _wide(own - own.detach() + mean, x)) * _wide(root, x)
        y = _wide(gamma, x) * x_hat + _wide(beta, x)
        return torch.autograd.grad(y, (x, gamma, beta), dy)


@alternative("backward_from_saved")
def by_vjp(dy, x, gamma, mean, inv_std):
    dims, x_hat = _dims(x), (x - _wide(mean, x)) * _wide(inv_std, x)

    def affine(gamma, beta):
        return _wide(gamma, x) * x_hat + _wide(beta, x)

    _, back = torch.func.vjp(affine, gamma, torch.zeros_like(gamma))
    dgamma, dbeta = back(dy)
    rest = dy - dy.mean(dims, keepdim=True) - x_hat * (dy * x_hat).mean(dims, keepdim=True)
    return torch.einsum("nc...,c->nc...", rest, gamma * inv_std), dgamma, dbeta


@alternative("backward_from_saved")
def channels_at_the_end(dy, x, gamma, mean, inv_std):
    x, dy = x.movedim(1, -1), dy.movedim(1, -1)
    x_hat, axes = (x - mean) * inv_std, tuple(range(x.ndim - 1))
    dgamma, dbeta = (dy * x_hat).sum(axes), dy.sum(axes)
    dx = gamma * inv_std * (dy - (dbeta + x_hat * dgamma) / dy[..., 0].numel())
    return [dx.movedim(-1, 1), dgamma, dbeta]


@mutant("backward_from_saved", blamed="any_shape")
def six_rows(dy, x, gamma, mean, inv_std):
    return _closed(dy, x, gamma, mean, inv_std, *[len(x) / (6 if x.ndim == 2 else 4)] * 2)


@mutant("backward_from_saved", blamed="any_shape")
def ten_pixels(dy, x, gamma, mean, inv_std):
    share = 1 if x.ndim == 2 else x[0, 0].numel() / 10
    return _closed(dy, x, gamma, mean, inv_std, share, share)


@mutant("backward_from_saved", blamed="any_shape")
def one_image_has_no_statistics(dy, x, gamma, mean, inv_std):
    share = 0.0 if len(x) == 1 else 1.0
    return _closed(dy, x, gamma, mean, inv_std, share, share)


@mutant("backward_from_saved", blamed="any_shape")
def squeezed(dy, x, gamma, mean, inv_std):
    return _closed(dy, x.squeeze(), gamma, mean, inv_std)


@mutant("backward_from_saved", blamed="three_gradients")
def in_the_order_of_notebook_3(dy, x, gamma, mean, inv_std):
    dx, dgamma, dbeta = _closed(dy, x, gamma, mean, inv_std)
    return dgamma, dbeta, dx


@mutant("backward_from_saved", blamed="slope_of_the_input")
def shift_added_back(dy, x, gamma, mean, inv_std):
    return _closed(dy, x, gamma, mean, inv_std, first=-1)


@mutant("backward_from_saved", blamed="slope_of_the_input")
def inv_std_squared(dy, x, gamma, mean, inv_std):
    dx, *rest = _closed(dy, x, gamma, mean, inv_std)
    return dx * _wide(inv_std, x), *rest


@mutant("backward_from_saved", blamed="slopes_of_the_parameters")
def divided_by_inv_std(dy, x, gamma, mean, inv_std):
    dx, _, dbeta = _closed(dy, x, gamma, mean, inv_std)
    return dx, (dy * (x - _wide(mean, x)) / _wide(inv_std, x)).sum(_dims(x)), dbeta


@mutant("backward_from_saved", blamed="slopes_of_the_parameters")
def in_float32(dy, x, gamma, mean, inv_std):
    return _closed(*(a.float() for a in (dy, x, gamma, mean, inv_std)))


# --- update_buffers ------------------------------------------------------------------------------


@alternative("update_buffers")
def with_lerp(running_mean, running_var, num_batches_tracked, x, momentum):
    count = num_batches_tracked + 1
    var, mean = torch.var_mean(x, dim=(0, 2, 3))
    share = 1 / count if momentum is None else momentum
    return torch.lerp(running_mean, mean, share), torch.lerp(running_var, var, share), count


@alternative("update_buffers")
def by_pytorch(running_mean, running_var, num_batches_tracked, x, momentum):
    layer = torch.nn.BatchNorm2d(len(running_mean), momentum=momentum).double()
    layer.running_mean, layer.running_var = running_mean.clone(), running_var.clone()
    layer.num_batches_tracked = torch.tensor(num_batches_tracked)
    layer(x)
    return layer.running_mean, layer.running_var, layer.num_batches_tracked


@alternative("update_buffers")
def through_numpy(running_mean, running_var, num_batches_tracked, x, momentum):
    a = x.numpy().transpose(1, 0, 2, 3).reshape(len(running_mean), -1)
    n = num_batches_tracked + 1
    share = 1 / n if momentum is None else momentum
    mean = running_mean.numpy() + share * (a.mean(1) - running_mean.numpy())
    var = running_var.numpy() + share * (a.var(1, ddof=1) - running_var.numpy())
    return mean, var, np.int64(n)


def _moved(running_mean, running_var, n, x, momentum, correction=1, factor=1.0):
    n = n + 1
    share = 1 / n if momentum is None else momentum
    var = factor * x.var((0, 2, 3), correction=correction)
    mean = (1 - share) * running_mean + share * x.mean((0, 2, 3))
    return mean, (1 - share) * running_var + share * var, n


@mutant("update_buffers", blamed="three_buffers")
def without_the_count(running_mean, running_var, num_batches_tracked, x, momentum):
    return _moved(running_mean, running_var, num_batches_tracked, x, momentum)[:2]


@mutant("update_buffers", blamed="three_buffers")
def in_place(running_mean, running_var, num_batches_tracked, x, momentum):
    mean, var, n = _moved(running_mean, running_var, num_batches_tracked, x, momentum)
    running_mean.copy_(mean), running_var.copy_(var)
    return running_mean, running_var, n


@mutant("update_buffers", blamed="three_buffers")
def over_the_samples_only(running_mean, running_var, num_batches_tracked, x, momentum):
    share = momentum or 1
    return (
        (1 - share) * running_mean[:, None, None] + share * x.mean(0),
        (1 - share) * running_var[:, None, None] + share * x.var(0),
        num_batches_tracked + 1,
    )


@mutant("update_buffers", blamed="the_mean")
def momentum_the_other_way(running_mean, running_var, num_batches_tracked, x, momentum):
    other = None if momentum is None else 1 - momentum
    return _moved(running_mean, running_var, num_batches_tracked, x, other)


@mutant("update_buffers", blamed="the_mean")
def always_a_tenth(running_mean, running_var, num_batches_tracked, x, momentum):
    return _moved(running_mean, running_var, num_batches_tracked, x, momentum and 0.1)


@mutant("update_buffers", blamed="the_mean")
def one_mean_for_all(running_mean, running_var, num_batches_tracked, x, momentum):
    _, var, n = _moved(running_mean, running_var, num_batches_tracked, x, momentum)
    share = 1 / n if momentum is None else momentum
    return (1 - share) * running_mean + share * x.mean(), var, n


@mutant("update_buffers", blamed="the_variance")
def biased(running_mean, running_var, num_batches_tracked, x, momentum):
    return _moved(running_mean, running_var, num_batches_tracked, x, momentum, correction=0)


@mutant("update_buffers", blamed="the_variance")
def corrected_twice(running_mean, running_var, num_batches_tracked, x, momentum):
    n = x.numel() / 3
    return _moved(running_mean, running_var, num_batches_tracked, x, momentum, factor=n / (n - 1))


@mutant("update_buffers", blamed="the_variance")
def corrected_by_samples(running_mean, running_var, num_batches_tracked, x, momentum):
    factor = len(x) / (len(x) - 1)
    return _moved(running_mean, running_var, num_batches_tracked, x, momentum, 0, factor)


@mutant("update_buffers", blamed="the_variance")
def deviation(running_mean, running_var, num_batches_tracked, x, momentum):
    mean, _, n = _moved(running_mean, running_var, num_batches_tracked, x, momentum)
    share = 1 / n if momentum is None else momentum
    return mean, (1 - share) * running_var + share * x.std((0, 2, 3)), n


@mutant("update_buffers", blamed="the_count")
def does_not_count(running_mean, running_var, num_batches_tracked, x, momentum):
    mean, var, _ = _moved(running_mean, running_var, num_batches_tracked, x, momentum)
    return mean, var, num_batches_tracked


@mutant("update_buffers", blamed="the_count")
def counts_samples(running_mean, running_var, num_batches_tracked, x, momentum):
    mean, var, _ = _moved(running_mean, running_var, num_batches_tracked, x, momentum)
    return mean, var, num_batches_tracked + len(x)


@mutant("update_buffers", blamed="the_count")
def counts_only_without_momentum(running_mean, running_var, num_batches_tracked, x, momentum):
    mean, var, n = _moved(running_mean, running_var, num_batches_tracked, x, momentum)
    return mean, var, n if momentum is None else num_batches_tracked


@mutant("update_buffers", blamed="the_plain_average")
def none_means_a_tenth(running_mean, running_var, num_batches_tracked, x, momentum):
    return _moved(running_mean, running_var, num_batches_tracked, x, momentum or 0.1)


@mutant("update_buffers", blamed="the_plain_average")
def counts_too_late(running_mean, running_var, num_batches_tracked, x, momentum):
    share = 1 / max(num_batches_tracked, 1) if momentum is None else momentum
    mean, var, _ = _moved(running_mean, running_var, num_batches_tracked, x, share)
    return mean, var, num_batches_tracked + 1


@mutant("update_buffers", blamed="the_plain_average")
def first_batch_lost(running_mean, running_var, num_batches_tracked, x, momentum):
    share = 1 / (num_batches_tracked + 2) if momentum is None else momentum
    mean, var, _ = _moved(running_mean, running_var, num_batches_tracked, x, share)
    return mean, var, num_batches_tracked + 1


@mutant("update_buffers", blamed="the_mean")
def always_a_fifth(running_mean, running_var, num_batches_tracked, x, momentum):
    share = None if momentum is None else 0.2
    return _moved(running_mean, running_var, num_batches_tracked, x, share)


@mutant("update_buffers", blamed="the_mean")
def the_first_batch_replaces(running_mean, running_var, num_batches_tracked, x, momentum):
    share = momentum if num_batches_tracked else 1.0
    return _moved(running_mean, running_var, num_batches_tracked, x, share)


@mutant("update_buffers", blamed="the_variance")
def corrected_for_40_values(running_mean, running_var, num_batches_tracked, x, momentum):
    return _moved(running_mean, running_var, num_batches_tracked, x, momentum, 0, 40 / 39)


@mutant("update_buffers", blamed="the_count")
def the_same_count(running_mean, running_var, num_batches_tracked, x, momentum):
    return *_moved(running_mean, running_var, num_batches_tracked, x, momentum)[:2], 8


@mutant("update_buffers", blamed="momentum_of_zero")
def zero_taken_for_none(running_mean, running_var, num_batches_tracked, x, momentum):
    return _moved(running_mean, running_var, num_batches_tracked, x, momentum or None)


@alternative("update_buffers")
def with_a_tensor_as_count(running_mean, running_var, num_batches_tracked, x, momentum):
    seen = torch.tensor(num_batches_tracked)
    return _moved(running_mean, running_var, seen, x, momentum)


@alternative("update_buffers")
def pixels_as_samples(running_mean, running_var, num_batches_tracked, x, momentum):
    layer = torch.nn.BatchNorm1d(x.shape[1], momentum=momentum, affine=False, dtype=x.dtype)
    before = (running_mean, running_var, torch.tensor(num_batches_tracked))
    layer.load_state_dict(dict(zip(dict(layer.named_buffers()), before, strict=True)))
    layer(x.flatten(2))
    return [*layer.buffers()]


@alternative("update_buffers")
def moments_by_einsum(running_mean, running_var, num_batches_tracked, x, momentum):
    values = x[:, 0].numel()
    mean = torch.einsum("nchw->c", x) / values
    centred = x - mean[:, None, None]
    var = torch.einsum("nchw,nchw->c", centred, centred) / (values - 1)
    count = num_batches_tracked + 1
    w = 1 / count if momentum is None else momentum
    return running_mean + w * (mean - running_mean), running_var + w * (var - running_var), count


@mutant("update_buffers", blamed="the_count", says="a whole number")
def count_is_a_float(running_mean, running_var, num_batches_tracked, x, momentum):
    count = float(num_batches_tracked) + 1.0
    mean, var, _ = _moved(running_mean, running_var, num_batches_tracked, x, momentum)
    return mean, var, count


@mutant("update_buffers", blamed="the_count")
def count_in_a_float_tensor(running_mean, running_var, num_batches_tracked, x, momentum):
    mean, var, n = _moved(running_mean, running_var, num_batches_tracked, x, momentum)
    return mean, var, torch.tensor(float(n))


@mutant("update_buffers", blamed="any_size")
def three_channels(running_mean, running_var, num_batches_tracked, x, momentum):
    n = x.numel() / 3
    return _moved(running_mean, running_var, num_batches_tracked, x, momentum, 0, n / (n - 1))


@mutant("update_buffers", blamed="any_size")
def a_batch_of_one_moves_nothing(running_mean, running_var, num_batches_tracked, x, momentum):
    if len(x) == 1:
        return running_mean.clone(), running_var.clone(), num_batches_tracked + 1
    return _moved(running_mean, running_var, num_batches_tracked, x, momentum)


@mutant("update_buffers", blamed="any_size")
def squeezes_the_batch(running_mean, running_var, num_batches_tracked, x, momentum):
    x = x.squeeze()
    mean, var, n = _moved(running_mean, running_var, num_batches_tracked, x[None][-1], momentum)
    return mean, var, n


@mutant("update_buffers", blamed="three_buffers")
def pixel_by_pixel(running_mean, running_var, num_batches_tracked, x, momentum):
    weight = 0.5 if momentum is None else momentum
    mean = (1 - weight) * running_mean[:, None, None] + weight * x.mean(0)
    return mean, running_var, num_batches_tracked + 1


@mutant("update_buffers", blamed="the_mean")
def sum_of_the_batch(running_mean, running_var, num_batches_tracked, x, momentum):
    _, var, n = _moved(running_mean, running_var, num_batches_tracked, x, momentum)
    weight = 1 / n if momentum is None else momentum
    return (1 - weight) * running_mean + weight * x.sum((0, 2, 3)), var, n


@mutant("update_buffers", blamed="the_mean")
def mean_not_faded(running_mean, running_var, num_batches_tracked, x, momentum):
    _, var, n = _moved(running_mean, running_var, num_batches_tracked, x, momentum)
    weight = 1 / n if momentum is None else momentum
    return running_mean + weight * x.mean((0, 2, 3)), var, n


@mutant("update_buffers", blamed="the_variance")
def mean_of_the_images_variances(running_mean, running_var, num_batches_tracked, x, momentum):
    mean, _, n = _moved(running_mean, running_var, num_batches_tracked, x, momentum)
    weight = 1 / n if momentum is None else momentum
    return mean, (1 - weight) * running_var + weight * x.var((2, 3)).mean(0), n


@mutant("update_buffers", blamed="the_plain_average")
def none_means_all_of_it(running_mean, running_var, num_batches_tracked, x, momentum):
    weight = 1.0 if momentum is None else momentum
    return _moved(running_mean, running_var, num_batches_tracked, x, weight)


@mutant("update_buffers", blamed="the_plain_average")
def keeps_no_memory_without_momentum(running_mean, running_var, num_batches_tracked, x, momentum):
    if momentum is None:
        return running_mean.clone(), running_var.clone(), num_batches_tracked + 1
    return _moved(running_mean, running_var, num_batches_tracked, x, momentum)


# --- to_state_dict -------------------------------------------------------------------------------

NAMES = {
    Linear: {"weight": "weight.data", "bias": "bias.data"},
    BatchNorm: {
        "weight": "gamma.data",
        "bias": "beta.data",
        "running_mean": "running_mean",
        "running_var": "running_var",
        "num_batches_tracked": "num_batches_tracked",
    },
}


def _get(layer, path):
    for name in path.split("."):
        layer = getattr(layer, name)
    return layer


@alternative("to_state_dict")
def with_a_table(model):
    return {
        f"{i}.{name}": torch.as_tensor(_get(layer, path))
        for i, layer in enumerate(model.layers)
        for name, path in NAMES.get(type(layer), {}).items()
    }


@alternative("to_state_dict")
def by_attributes(model):
    state = {}
    for i in range(len(model)):
        layer = model[i]
        if hasattr(layer, "gamma"):
            state[f"{i}.weight"] = torch.from_numpy(layer.gamma.data)
            state[f"{i}.bias"] = torch.from_numpy(layer.beta.data)
            state[f"{i}.running_mean"] = torch.from_numpy(layer.running_mean)
            state[f"{i}.running_var"] = torch.from_numpy(layer.running_var)
            state[f"{i}.num_batches_tracked"] = torch.tensor(layer.num_batches_tracked)
        elif hasattr(layer, "weight"):
            state[str(i) + ".weight"] = torch.from_numpy(layer.weight.data)
            state[str(i) + ".bias"] = torch.from_numpy(layer.bias.data)
    return state


@alternative("to_state_dict")
def as_modules(model):
    layers = []
    for layer in model:
        if isinstance(layer, Linear):
            layers.append(torch.nn.Linear(*layer.weight.data.shape[::-1]))
        elif isinstance(layer, BatchNorm):
            layers.append(torch.nn.BatchNorm1d(len(layer.gamma.data)))
        else:
            layers.append(torch.nn.Identity())
    state = torch.nn.Sequential(*layers).double().state_dict()
    for key, tensor in state.items():
        place, name = key.split(".")
        layer = model[int(place)]
        tensor.copy_(torch.as_tensor(_get(layer, NAMES[type(layer)][name])))
    return state


@mutant("to_state_dict", blamed="the_keys")
def without_places(model):
    return {key.partition(".")[2]: value for key, value in with_a_table(model).items()}


@mutant("to_state_dict", blamed="the_keys")
def only_layers_with_state_count(model):
    layers = [layer for layer in model if not isinstance(layer, (Flatten, ReLU))]
    return with_a_table(type(model)(*layers))


@mutant("to_state_dict", blamed="the_keys")
def names_of_part_one(model):
    state = with_a_table(model)
    for key in list(state):
        if f"{key.partition('.')[0]}.running_mean" in state and key.endswith("weight"):
            state[key.replace("weight", "gamma")] = state.pop(key)
    return state


@mutant("to_state_dict", blamed="the_keys")
def only_parameters(model):
    return {k: v for k, v in with_a_table(model).items() if k.endswith(("weight", "bias"))}


@mutant("to_state_dict", blamed="the_keys")
def count_forgotten(model):
    return {k: v for k, v in with_a_table(model).items() if not k.endswith("tracked")}


@mutant("to_state_dict", blamed="the_keys")
def settings_too(model):
    return {**with_a_table(model), "2.eps": torch.tensor(model[2].eps)}


@mutant("to_state_dict", blamed="the_keys")
def arrays(model):
    return {key: value.numpy() for key, value in with_a_table(model).items()}


@mutant("to_state_dict", blamed="the_keys")
def a_list(model):
    return list(with_a_table(model).values())


@mutant("to_state_dict", blamed="the_values")
def gamma_and_beta_swapped(model):
    state = with_a_table(model)
    for i, layer in enumerate(model):
        if isinstance(layer, BatchNorm):
            state[f"{i}.weight"], state[f"{i}.bias"] = state[f"{i}.bias"], state[f"{i}.weight"]
    return state


@mutant("to_state_dict", blamed="the_values")
def transposed(model):
    return {k: v.T if v.ndim == 2 else v for k, v in with_a_table(model).items()}


@mutant("to_state_dict", blamed="the_values")
def deviations(model):
    return {k: v.sqrt() if k.endswith("var") else v for k, v in with_a_table(model).items()}


@mutant("to_state_dict", blamed="the_values")
def batch_statistics(model):
    state = with_a_table(model)
    for i, layer in enumerate(model):
        if isinstance(layer, BatchNorm):
            state[f"{i}.running_mean"] = torch.tensor(layer.cache.mean)
            state[f"{i}.running_var"] = torch.tensor(layer.cache.var)
    return state


@mutant("to_state_dict", blamed="the_values")
def count_started_anew(model):
    return {
        k: torch.tensor(0) if k.endswith("tracked") else v for k, v in with_a_table(model).items()
    }


@mutant("to_state_dict", blamed="the_values")
def in_single_precision(model):
    state = with_a_table(model)
    return {k: v if k.endswith("tracked") else v.float() for k, v in state.items()}


@mutant("to_state_dict", blamed="the_dtypes")
def count_as_a_float(model):
    return {k: v.double() if k.endswith("tracked") else v for k, v in with_a_table(model).items()}


@mutant("to_state_dict", blamed="other_networks")
def for_this_depth_only(model):
    layers = {1: Linear, 2: BatchNorm, 4: Linear, 5: BatchNorm, 7: Linear}
    return {
        f"{i}.{name}": torch.as_tensor(_get(model[i], path))
        for i, kind in layers.items()
        for name, path in NAMES[kind].items()
    }


@mutant("to_state_dict", blamed="the_values")
def one_count_for_all(model):
    state = with_a_table(model)
    return {k: state["2." + k[2:]] if k.endswith("tracked") else v for k, v in state.items()}


@mutant("to_state_dict", blamed="other_networks")
def counts_of_these_batches(model):
    state = with_a_table(model)
    return {k: torch.tensor(4 + int(k[0])) if "tracked" in k else v for k, v in state.items()}


@mutant("to_state_dict", blamed="other_networks")
def every_third_is_linear(model):
    kinds = {1: Linear, 2: BatchNorm}
    return {
        f"{i}.{name}": torch.as_tensor(_get(layer, path))
        for i, layer in enumerate(model)
        for name, path in NAMES.get(kinds.get(i % 3) if i else None, {}).items()
        if hasattr(layer, path.partition(".")[0])
    }


@alternative("to_state_dict")
def from_a_twin_in_pytorch(model):
    kinds = {Linear: torch.nn.Linear, BatchNorm: torch.nn.BatchNorm1d}
    state = {}
    for place, layer in enumerate(model):
        if type(layer) in kinds:
            sizes = (
                layer.weight.data.shape[::-1] if type(layer) is Linear else layer.gamma.data.shape
            )
            for key in kinds[type(layer)](*sizes).state_dict():
                state[f"{place}.{key}"] = torch.asarray(_get(layer, NAMES[type(layer)][key]))
    return state


@alternative("to_state_dict")
def ordered_and_copied(model):
    state = torch.nn.Sequential().state_dict()  # an OrderedDict with PyTorch's metadata
    for place, layer in enumerate(model.layers):
        for name, path in NAMES.get(type(layer), {}).items():
            state.update({".".join((str(place), name)): torch.tensor(_get(layer, path)).clone()})
    return state


def _changed(model, change):
    return {key: change(key, value) for key, value in with_a_table(model).items()}


@mutant("to_state_dict", blamed="the_keys")
def places_from_one(model):
    state = with_a_table(model)
    return {f"{int(k.partition('.')[0]) + 1}.{k.partition('.')[2]}": v for k, v in state.items()}


@mutant("to_state_dict", blamed="the_keys")
def underscores(model):
    return {key.replace(".", "_", 1): value for key, value in with_a_table(model).items()}


@mutant("to_state_dict", blamed="the_keys")
def layers_in_layers(model):
    state = {}
    for key, value in with_a_table(model).items():
        place, name = key.split(".")
        state.setdefault(place, {})[name] = value
    return state


@mutant("to_state_dict", blamed="the_keys")
def count_as_a_number(model):
    return _changed(model, lambda k, v: v.item() if k.endswith("tracked") else v)


@mutant("to_state_dict", blamed="the_keys")
def short_names(model):
    return {k.replace("running_", ""): v for k, v in with_a_table(model).items()}


@mutant("to_state_dict", blamed="the_values")
def initial_statistics(model):
    return _changed(model, lambda k, v: torch.ones_like(v) if k.endswith("var") else v)


@mutant("to_state_dict", blamed="the_values")
def a_row_for_every_vector(model):
    return _changed(model, lambda k, v: v[None] if v.ndim == 1 else v)


@mutant("to_state_dict", blamed="the_values")
def last_norm_for_all(model):
    state, last = with_a_table(model), len(model) - 3
    return _changed(model, lambda k, v: state[f"{last}.{k[2:]}"] if "tracked" in k else v)


@alternative("to_state_dict")
def count_in_32_bits(model):
    return _changed(model, lambda k, v: v.int() if k.endswith("tracked") else v)


@mutant("to_state_dict", blamed="the_dtypes")
def count_in_half_precision(model):
    return _changed(model, lambda k, v: v.half() if k.endswith("tracked") else v)


@mutant("to_state_dict", blamed="other_networks")
def at_least_one_norm(model):
    state = with_a_table(model)
    if not any(isinstance(layer, BatchNorm) for layer in model):
        state["2.num_batches_tracked"] = torch.tensor(0)
    return state
