"""Exercises of the notebook 06_convolution: windows, statistics per channel, a useless bias."""

import numpy as np

from helpers.exercises.engine import array_like, exercise, parts, prediction, same

_rng = np.random.default_rng(60)
N, C, H, W = 3, 4, 5, 6  # all different, so that axes cannot be mixed up unnoticed
# Channels, images, rows and columns each have a scale of their own, so that statistics over too
# few or too many axes give other numbers.
X = (
    _rng.normal(size=(N, C, H, W)) * np.array([1.0, 4.0, 0.5, 2.0])[:, None, None]
    + np.array([5.0, -2.0, 0.3, 0.0])[:, None, None]
    + np.array([0.0, 2.0, -1.0])[:, None, None, None]
    + np.linspace(0, 2, H)[:, None]
    + np.linspace(0, -3, W)
)
GAMMA = np.array([2.0, 0.5, -1.5, 3.0])
BETA = np.array([1.0, -3.0, 0.25, 10.0])
IMAGES = X[:, :3]  # 3 x 3 windows: 36 of them, of 27 values each
EPS = 0.3  # large enough that every misplaced eps shows

prediction(
    "06-means",
    right="a",
    a="two means, one per channel. A channel is one filter's answer, and the filter is the same at "
    "every position and for every image.",
    b="72 means would be one per channel and position, as if a stroke on the left and the same "
    "stroke on the right were two features.",
    c="128 means would be one per image and channel. That is instance norm: it wipes out how much "
    "one image differs from the others.",
)
prediction(
    "06-bias",
    right="a",
    a="batch norm subtracts the mean, and the bias is part of the mean. The loss does not depend "
    "on it at all.",
    b="beta stands behind the normalization, where nothing subtracts it any more. The bias stands "
    "in front.",
    c="it is not small but exactly zero up to rounding, from the first step to the last.",
)
prediction(
    "06-colours",
    right="b",
    a="new statistics shift and stretch each channel, but a standard deviation is positive: it "
    "cannot turn an image into its negative.",
    b="then every channel is shifted and stretched by a positive factor, and that is what mean and "
    "variance describe.",
    c="after the first convolution no colours are left, only weighted sums of them.",
)
prediction(
    "06-brightness",
    right="c",
    a="the plain network sees all brightnesses in training and gets used to them, if slowly.",
    b="the batch's own mean and variance take its brightness and contrast out again.",
    c="the running statistics describe an average batch, and no batch is average.",
)


@exercise(
    "Two loops over the positions of the window's top left corner give you all windows.",
    "x[:, :, i : i + kernel_size, j : j + kernel_size] is one window of every image; flatten it "
    "with reshape(len(x), -1).",
    "Collect these blocks in a list, stack them along axis 1, then reshape to two dimensions: the "
    "image varies slowest.",
)
def im2row(x, kernel_size):
    n, c, height, width = x.shape
    windows = []
    for i in range(height - kernel_size + 1):
        for j in range(width - kernel_size + 1):
            window = x[:, :, i : i + kernel_size, j : j + kernel_size]
            windows.append(window.reshape(n, -1))
    return np.stack(windows, axis=1).reshape(-1, c * kernel_size**2)


@im2row.expect
def one_row_per_window():
    """Return a matrix with one row per image and window position, one column per window value."""
    rows = yield (IMAGES, 3), {}
    array_like(rows, "rows", shape=(36, 27))


@im2row.expect
def one_window():
    """A row holds its window channel by channel, each channel row by row."""
    rows = yield (IMAGES, 3), {}
    same(np.asarray(rows)[0], IMAGES[0, :, :3, :3].ravel(), "the first row")


@im2row.expect
def order_of_windows():
    """The rows run through the first image from left to right and top to bottom, then the next."""
    rows = yield (IMAGES, 3), {}
    same(rows, im2row(IMAGES, 3), "rows")


@im2row.expect
def other_sizes():
    """It works for images and windows of any size."""
    rows = yield (X[:2, :1, :4, :5], 2), {}
    array_like(rows, "rows", shape=(24, 4))
    same(rows, im2row(X[:2, :1, :4, :5], 2), "rows")


@exercise(
    "A feature is a channel. Which three axes of (N, C, H, W) do you average over?",
    "mean and var accept a tuple of axes; keepdims=True keeps the result in a shape that "
    "broadcasts against x.",
    "gamma of shape (C,) would be laid along the last axis, W. Reshape gamma and beta to "
    "(C, 1, 1) first.",
    "mu = x.mean(axis=(0, 2, 3), keepdims=True), the same for var, then the forward pass you know.",
)
def batch_norm_2d(x, gamma, beta, eps=1e-5):
    mu = x.mean(axis=(0, 2, 3), keepdims=True)
    var = x.var(axis=(0, 2, 3), keepdims=True)
    x_hat = (x - mu) / np.sqrt(var + eps)
    return gamma.reshape(-1, 1, 1) * x_hat + beta.reshape(-1, 1, 1)


@batch_norm_2d.expect
def same_shape():
    """The output has the shape of the input, (N, C, H, W)."""
    y = yield (X, GAMMA, BETA), {"eps": EPS}
    array_like(y, "y", shape=X.shape)


@batch_norm_2d.expect
def channel_means():
    """Every channel of the output has mean beta, taken over all images and positions."""
    y = yield (X, GAMMA, BETA), {"eps": EPS}
    same(np.mean(y, axis=(0, 2, 3)), BETA, "mean of channel")


@batch_norm_2d.expect
def alike_everywhere():
    """Within a channel, every image and every position is shifted and stretched alike."""
    y = yield (X, GAMMA, BETA), {"eps": EPS}
    for c in range(C):
        x_c, y_c = X[:, c], np.asarray(y)[:, c]
        slope, offset = np.polyfit(x_c.ravel(), y_c.ravel(), 1)
        same(y_c, slope * x_c + offset, f"channel {c} of y, read as (N, H, W),", tol=1e-6)


@batch_norm_2d.expect
def channel_variances():
    """Every channel of the output has variance gamma**2 * var / (var + eps)."""
    y = yield (X, GAMMA, BETA), {"eps": EPS}
    var = X.var(axis=(0, 2, 3))
    same(np.var(y, axis=(0, 2, 3)), GAMMA**2 * var / (var + EPS), "variance of channel")


@batch_norm_2d.expect
def every_entry():
    """Every entry is gamma * (x - mu) / sqrt(var + eps) + beta of its channel."""
    y = yield (X, GAMMA, BETA), {"eps": EPS}
    same(y, batch_norm_2d(X, GAMMA, BETA, EPS), "y")


@batch_norm_2d.expect
def default_eps():
    """Without an eps it uses 1e-5, which matters for channels that hardly vary."""
    y = yield (X * 1e-3, GAMMA, BETA), {}
    same(y, batch_norm_2d(X * 1e-3, GAMMA, BETA), "y")


@batch_norm_2d.expect
def constant_channel():
    """A channel that is the same everywhere becomes beta: not NaN, not left as it was."""
    x = X.copy()
    x[:, 2] = 7.0
    y = yield (x, GAMMA, BETA), {"eps": EPS}
    same(np.asarray(y)[:, 2], np.full((N, H, W), BETA[2]), "the constant channel of y")


@batch_norm_2d.expect
def as_wide_as_channels():
    """The channels are on axis 1, also when images are as wide as there are channels."""
    x = X[:, :, :, :C]
    y = yield (x, GAMMA, BETA), {"eps": EPS}
    same(y, batch_norm_2d(x, GAMMA, BETA, EPS), "y")


@batch_norm_2d.expect
def one_image():
    """A single image is a batch, too: its positions are enough for a mean and a variance."""
    y = yield (X[:1], GAMMA, BETA), {"eps": EPS}
    same(y, batch_norm_2d(X[:1], GAMMA, BETA, EPS), "y")


@batch_norm_2d.expect
def any_size():
    """It works for any number of images, channels, rows and columns."""
    x, gamma, beta = X[:2, :3, :, 1:5], GAMMA[:3], BETA[:3]
    y = yield (x, gamma, beta), {"eps": EPS}
    same(y, batch_norm_2d(x, gamma, beta, EPS), "y")


@batch_norm_2d.expect
def far_from_zero():
    """Adding 1e8 to every pixel leaves the output where it was."""
    y = yield (X + 1e8, GAMMA, BETA), {"eps": EPS}
    same(y, batch_norm_2d(X, GAMMA, BETA, EPS), "y", tol=1e-5)


# A trained layer: a convolution's bias, then batch norm.
BIAS = np.array([0.7, -2.0, 3.0, 0.1])
RUNNING_MEAN = np.array([1.5, -4.0, 2.0, 0.3])
RUNNING_VAR = np.array([0.5, 3.0, 1.2, 0.1])


def _eval_mode(x, gamma, beta, running_mean):
    return gamma * (x - running_mean) / np.sqrt(RUNNING_VAR + EPS) + beta


@exercise(
    "Write eval mode's formula with x + bias in the place of x. What is subtracted from x then?",
    "In training mode the bias never mattered. What you return must not change that mode, so beta "
    "has to stay as it is.",
    "x + bias - running_mean is x - (running_mean - bias).",
)
def remove_bias(bias, gamma, beta, running_mean, running_var, eps=1e-5):
    return beta, running_mean - bias


@remove_bias.expect
def beta_and_mean():
    """Return (beta, running_mean), one entry per channel each."""
    result = yield (BIAS, GAMMA, BETA, RUNNING_MEAN, RUNNING_VAR), {"eps": EPS}
    beta, running_mean = parts(result, "beta", "running_mean")
    array_like(beta, "beta", shape=(C,))
    array_like(running_mean, "running_mean", shape=(C,))


@remove_bias.expect
def same_in_eval_mode():
    """In eval mode the layer without its bias answers as the layer with it did."""
    result = yield (BIAS, GAMMA, BETA, RUNNING_MEAN, RUNNING_VAR), {"eps": EPS}
    beta, running_mean = map(np.asarray, result)
    x = X.transpose(0, 2, 3, 1)
    expected = _eval_mode(x + BIAS, GAMMA, BETA, RUNNING_MEAN)
    same(_eval_mode(x, GAMMA, beta, running_mean), expected, "y (channels last)")


@remove_bias.expect
def same_in_training_mode():
    """In training mode, too, where the batch's own mean is subtracted and the bias with it."""
    beta, _ = yield (BIAS, GAMMA, BETA, RUNNING_MEAN, RUNNING_VAR), {"eps": EPS}
    same(beta, BETA, "mean of y, which is beta,")
