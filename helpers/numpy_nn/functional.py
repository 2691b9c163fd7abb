"""Pure functions, each forward next to its backward.

A forward returns (y, cache); its backward takes (dy, cache) and returns the gradient of every
argument that has one. Results have the dtype of x (float32 or float64), parameters of another
float type are converted to it. No argument is changed. A cache refers to x and the parameters
without copying them: change them only after the backward pass.
"""

import numpy as np

from helpers.numpy_nn._checks import require_float, require_shape
from helpers.numpy_nn.convolution import (
    avg_pool2d,
    avg_pool2d_backward,
    conv2d,
    conv2d_backward,
    global_avg_pool2d,
    global_avg_pool2d_backward,
    max_pool2d,
    max_pool2d_backward,
)
from helpers.numpy_nn.normalization import (
    BatchNormCache,
    batch_norm,
    batch_norm_backward,
    batch_norm_inference,
    batch_norm_inference_backward,
    batch_statistics,
)
from helpers.numpy_nn.per_sample_normalization import (
    GroupNormCache,
    group_norm,
    group_norm_backward,
    instance_norm,
    instance_norm_backward,
    layer_norm,
    layer_norm_backward,
    rms_norm,
    rms_norm_backward,
)

__all__ = [
    "BatchNormCache",
    "GroupNormCache",
    "avg_pool2d",
    "avg_pool2d_backward",
    "batch_norm",
    "batch_norm_backward",
    "batch_norm_inference",
    "batch_norm_inference_backward",
    "batch_statistics",
    "conv2d",
    "conv2d_backward",
    "dropout",
    "dropout_backward",
    "global_avg_pool2d",
    "global_avg_pool2d_backward",
    "group_norm",
    "group_norm_backward",
    "instance_norm",
    "instance_norm_backward",
    "layer_norm",
    "layer_norm_backward",
    "linear",
    "linear_backward",
    "max_pool2d",
    "max_pool2d_backward",
    "mse_loss",
    "mse_loss_backward",
    "relu",
    "relu_backward",
    "rms_norm",
    "rms_norm_backward",
    "sigmoid",
    "sigmoid_backward",
    "softmax_cross_entropy",
    "softmax_cross_entropy_backward",
    "tanh",
    "tanh_backward",
]


def linear(x, weight, bias=None):
    """Return (y, cache) with y = x @ weight.T + bias.

    x (N, in), weight (out, in) as in PyTorch, bias (out,) or None, y (N, out).
    """
    require_float("x", x, ndim=2)
    require_float("weight", weight, ndim=2)
    if weight.shape[1] != x.shape[1]:
        raise ValueError(
            f"weight of shape {weight.shape} expects {weight.shape[1]} features, "
            f"but x of shape {x.shape} has {x.shape[1]}"
        )
    weight = weight.astype(x.dtype, copy=False)
    y = x @ weight.T
    if bias is not None:
        require_shape("bias", bias, weight.shape[:1], "weight", weight.shape)
        y += bias.astype(x.dtype, copy=False)
    return y, (x, weight, bias is not None)


def linear_backward(dy, cache):
    """Return (dx, dweight, dbias) of `linear`; dbias is None if there was no bias."""
    x, weight, has_bias = cache
    require_shape("dy", dy, (len(x), len(weight)), "x", x.shape)
    return dy @ weight, dy.T @ x, dy.sum(axis=0) if has_bias else None


def relu(x):
    """Return (y, cache) with y = max(x, 0)."""
    require_float("x", x)
    y = np.maximum(x, 0)
    return y, y


def relu_backward(dy, cache):
    """Return dx of `relu`; the gradient at 0 is 0, as in PyTorch."""
    require_shape("dy", dy, cache.shape, "y", cache.shape)
    return dy * (cache > 0)


def sigmoid(x):
    """Return (y, cache) with y = 1 / (1 + exp(-x)), for x of any size."""
    require_float("x", x)
    with np.errstate(over="ignore"):  # exp(-x) may be infinite, 1 / (1 + inf) is right
        y = 1 / (1 + np.exp(-x))
    return y, y


def sigmoid_backward(dy, cache):
    """Return dx of `sigmoid`."""
    require_shape("dy", dy, cache.shape, "y", cache.shape)
    return dy * cache * (1 - cache)


def tanh(x):
    """Return (y, cache) with y = tanh(x)."""
    require_float("x", x)
    y = np.tanh(x)
    return y, y


def tanh_backward(dy, cache):
    """Return dx of `tanh`."""
    require_shape("dy", dy, cache.shape, "y", cache.shape)
    return dy * (1 - cache * cache)


def dropout(x, p, rng):
    """Return (y, cache): each value set to 0 with probability p, the others divided by 1 - p.

    `rng` is a NumPy Generator. Source: Srivastava et al. 2014, section 4, scaled in training.
    """
    require_float("x", x)
    if not 0 <= p < 1:
        raise ValueError(f"p is a probability below 1, not {p}")
    mask = (rng.random(x.shape) >= p) / np.asarray(1 - p, x.dtype)
    mask = mask.astype(x.dtype, copy=False)
    return x * mask, mask


def dropout_backward(dy, cache):
    """Return dx of `dropout`."""
    require_shape("dy", dy, cache.shape, "y", cache.shape)
    return dy * cache


def softmax_cross_entropy(logits, labels):
    """Return (loss, cache): the mean over the batch of -log softmax(logits)[label].

    logits (N, K), labels (N,) integers in [0, K).
    """
    require_float("logits", logits, ndim=2)
    n, classes = logits.shape
    labels = np.asarray(labels)
    if labels.dtype.kind not in "iu":
        raise TypeError(f"labels must be integers, not {labels.dtype}")
    if labels.shape != (n,):
        raise ValueError(f"labels must have shape {(n,)} to fit logits, not {labels.shape}")
    if labels.min() < 0 or labels.max() >= classes:
        raise ValueError(
            f"labels must lie in [0, {classes}) for logits of shape {logits.shape}, "
            f"not in [{labels.min()}, {labels.max()}]"
        )
    shifted = logits - logits.max(axis=1, keepdims=True)
    probabilities = np.exp(shifted)
    total = probabilities.sum(axis=1, keepdims=True)
    probabilities /= total
    rows = np.arange(n)
    loss = (np.log(total[:, 0]) - shifted[rows, labels]).sum() / n
    return loss, (probabilities, rows, labels)


def softmax_cross_entropy_backward(dy, cache):
    """Return dlogits of `softmax_cross_entropy`, for the gradient dy (a number) of the loss."""
    probabilities, rows, labels = cache
    dlogits = probabilities.copy()
    dlogits[rows, labels] -= 1
    dlogits *= dy / len(rows)
    return dlogits


def mse_loss(y, target):
    """Return (loss, cache): the mean over all elements of (y - target)^2. Both of one shape."""
    require_float("y", y)
    require_shape("target", target, y.shape, "y", y.shape)
    difference = y - target.astype(y.dtype, copy=False)
    return np.square(difference).mean(), difference


def mse_loss_backward(dy, cache):
    """Return the gradient of y in `mse_loss`, for the gradient dy (a number) of the loss."""
    return cache * (dy * 2 / cache.size)
