"""Convolution and pooling of images shaped (N, C, H, W), each forward next to its backward.

Inside the convolution the batch is the last axis: copies then run over rows of N elements instead
of the few pixels of a small image, and one matrix product serves the whole batch.
"""

import numpy as np

from helpers.numpy_nn._checks import require_float, require_shape


def _taps(kernel, out, stride):
    """Yield (i, j, rows, columns): the part of the image that kernel element (i, j) sees."""
    (kernel_h, kernel_w), (out_h, out_w) = kernel, out
    for i in range(kernel_h):
        for j in range(kernel_w):
            yield (
                i,
                j,
                slice(i, i + stride * out_h, stride),
                slice(j, j + stride * out_w, stride),
            )


def conv2d(x, weight, bias=None, stride=1, padding=0):
    """Cross-correlate images with filters, by im2col: copy what each filter sees, then one matmul.

    x (N, C, H, W), weight (O, C, KH, KW), bias (O,) or None; returns (y, cache), y (N, O, OH, OW)
    with OH = (H + 2 padding - KH) // stride + 1, and OW likewise.
    """
    require_float("x", x, ndim=4)
    require_float("weight", weight, ndim=4)
    n, channels, h, w = x.shape
    filters, weight_channels, *kernel = weight.shape
    if weight_channels != channels:
        raise ValueError(
            f"weight of shape {weight.shape} expects {weight_channels} channels, "
            f"but x of shape {x.shape} has {channels}"
        )
    if bias is not None:
        require_shape("bias", bias, (filters,), "weight", weight.shape)
    if stride < 1 or padding < 0:
        raise ValueError(f"stride must be at least 1 and padding at least 0: {stride}, {padding}")
    out = [(size + 2 * padding - k) // stride + 1 for size, k in zip((h, w), kernel, strict=True)]
    if min(out) < 1:
        raise ValueError(
            f"a {kernel[0]}x{kernel[1]} kernel does not fit into x of shape {x.shape} "
            f"with padding {padding}"
        )
    padded = np.zeros((channels, h + 2 * padding, w + 2 * padding, n), x.dtype)
    padded[:, padding : padding + h, padding : padding + w] = x.transpose(1, 2, 3, 0)
    columns = np.empty((channels, *kernel, *out, n), x.dtype)
    for i, j, rows, cols in _taps(kernel, out, stride):
        columns[:, i, j] = padded[:, rows, cols]
    columns = columns.reshape(channels * kernel[0] * kernel[1], -1)
    flat_weight = weight.reshape(filters, -1).astype(x.dtype, copy=False)
    y = flat_weight @ columns
    if bias is not None:
        y += bias.astype(x.dtype, copy=False)[:, None]
    y = np.ascontiguousarray(y.reshape(filters, *out, n).transpose(3, 0, 1, 2))
    return y, (x.shape, y.shape, columns, weight, bias is not None, stride, padding)


def conv2d_backward(dy, cache):
    """Return (dx, dweight, dbias) of `conv2d`; dbias is None if there was no bias."""
    (n, channels, h, w), y_shape, columns, weight, has_bias, stride, padding = cache
    require_shape("dy", dy, y_shape, "y", y_shape)
    filters, _, *kernel = weight.shape
    out = y_shape[2:]
    dy = dy.transpose(1, 2, 3, 0).reshape(filters, -1)
    dweight = (dy @ columns.T).reshape(weight.shape)
    dbias = dy.sum(axis=1) if has_bias else None
    flat_weight = weight.reshape(filters, -1).astype(dy.dtype, copy=False)
    dcolumns = (flat_weight.T @ dy).reshape(channels, *kernel, *out, n)
    dpadded = np.zeros((channels, h + 2 * padding, w + 2 * padding, n), dy.dtype)
    for i, j, rows, cols in _taps(kernel, out, stride):
        dpadded[:, rows, cols] += dcolumns[:, i, j]
    dx = dpadded[:, padding : padding + h, padding : padding + w].transpose(3, 0, 1, 2)
    return np.ascontiguousarray(dx), dweight, dbias


def _windows(x, kernel_size):
    """View x as (N, C, OH, K, OW, K); rows and columns that fill no window are left out."""
    require_float("x", x, ndim=4)
    n, c, h, w = x.shape
    if not 1 <= kernel_size <= min(h, w):
        raise ValueError(f"kernel_size {kernel_size} does not fit into x of shape {x.shape}")
    out_h, out_w = h // kernel_size, w // kernel_size
    inside = x[:, :, : out_h * kernel_size, : out_w * kernel_size]
    return inside.reshape(n, c, out_h, kernel_size, out_w, kernel_size)


def max_pool2d(x, kernel_size):
    """Return (y, cache): the largest value of each kernel_size x kernel_size window."""
    windows = _windows(x, kernel_size).transpose(0, 1, 2, 4, 3, 5)
    flat = windows.reshape(*windows.shape[:4], kernel_size**2)
    winner = flat.argmax(axis=-1)[..., None]
    return np.take_along_axis(flat, winner, axis=-1)[..., 0], (x.shape, kernel_size, winner)


def max_pool2d_backward(dy, cache):
    """Return dx of `max_pool2d`: each window's gradient goes to its first largest value."""
    shape, k, winner = cache
    require_shape("dy", dy, winner.shape[:4], "y", winner.shape[:4])
    n, c, out_h, out_w = dy.shape
    flat = np.zeros((n, c, out_h, out_w, k * k), dy.dtype)
    np.put_along_axis(flat, winner, dy[..., None], axis=-1)
    dx = np.zeros(shape, dy.dtype)
    windows = flat.reshape(n, c, out_h, out_w, k, k).transpose(0, 1, 2, 4, 3, 5)
    dx[:, :, : out_h * k, : out_w * k] = windows.reshape(n, c, out_h * k, out_w * k)
    return dx


def avg_pool2d(x, kernel_size):
    """Return (y, cache): the mean of each kernel_size x kernel_size window."""
    y = _windows(x, kernel_size).mean(axis=(3, 5))
    return y, (x.shape, y.shape, kernel_size)


def avg_pool2d_backward(dy, cache):
    """Return dx of `avg_pool2d`."""
    shape, y_shape, k = cache
    require_shape("dy", dy, y_shape, "y", y_shape)
    dx = np.zeros(shape, dy.dtype)
    spread = (dy / (k * k)).repeat(k, axis=2).repeat(k, axis=3)
    dx[:, :, : spread.shape[2], : spread.shape[3]] = spread
    return dx


def global_avg_pool2d(x):
    """Return (y, cache): the mean of each channel of each image, (N, C, H, W) -> (N, C)."""
    require_float("x", x, ndim=4)
    return x.mean(axis=(2, 3)), x.shape


def global_avg_pool2d_backward(dy, cache):
    """Return dx of `global_avg_pool2d`."""
    n, channels, h, w = cache
    require_shape("dy", dy, (n, channels), "x", cache)
    return np.broadcast_to((dy / (h * w))[:, :, None, None], cache).copy()
