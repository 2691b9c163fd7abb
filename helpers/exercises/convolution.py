"""Exercises of the notebook `convolution`: windows, statistics per channel, a useless bias."""

import numpy as np

from helpers.exercises.engine import (
    array_like,
    exercise,
    parts,
    prediction,
    same,
    same_of_whole,
    slip,
)

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
    "convolution-means",
    right="a",
    a="two means, one per channel. A channel is one filter's answer, and the filter is the same at "
    "every position and for every image.",
    b="72 means would be one per channel and position, as if a stroke on the left and the same "
    "stroke on the right were two features.",
    c="128 means would be one per image and channel. That is instance norm: it wipes out how much "
    "one image differs from the others.",
)
prediction(
    "convolution-bias",
    right="a",
    a="batch norm subtracts the mean, and the bias is part of the mean. The loss does not depend "
    "on it at all.",
    b="beta stands behind the normalization, where nothing subtracts it any more. The bias stands "
    "in front.",
    c="it is not small but exactly zero up to rounding, from the first step to the last.",
)
prediction(
    "convolution-colours",
    right="b",
    a="new statistics shift and stretch each channel, but a standard deviation is positive: it "
    "cannot turn an image into its negative.",
    b="then every channel is shifted and stretched by a positive factor, and that is what mean and "
    "variance describe.",
    c="after the first convolution no colours are left, only weighted sums of them.",
)
prediction(
    "convolution-brightness",
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
    window, first = IMAGES[0, :, :3, :3], np.asarray(rows)[0]
    slip(first, window.transpose(1, 2, 0).ravel(), "channel by channel: here channels alternate")
    slip(first, window.swapaxes(1, 2).ravel(), "each channel row by row: here column by column")
    slip(first, np.trunc(window).ravel(), "your matrix holds integers: make it a matrix of floats")
    one_channel = np.concatenate([IMAGES[0, 0, :3, j : j + 3].ravel() for j in range(3)])
    slip(first, one_channel, "these are three windows of one channel: bring the channels together")
    for other in im2row(IMAGES, 3)[1:]:
        slip(
            first,
            other,
            "this is another window: the first row is the first window of the first image",
        )
    same(first, window.ravel(), "the first row")


@im2row.expect
def order_of_windows():
    """The rows run through the first image from left to right and top to bottom, then the next."""
    rows = yield (IMAGES, 3), {}
    expected = im2row(IMAGES, 3)
    blocks = expected.reshape(3, 12, 27).swapaxes(0, 1).reshape(36, 27)
    slip(rows, blocks, "all windows of one image first: here the images alternate")
    down = expected.reshape(3, 3, 4, 27).swapaxes(1, 2).reshape(36, 27)
    slip(rows, down, "left to right first, then top to bottom: here it is the other way round")
    same(rows, expected, "rows")


@im2row.expect
def other_sizes():
    """It works for images and windows of any size, also for a window as large as the image."""
    more = X.swapaxes(0, 1)  # four images with three channels
    for x, k in ((X[:2, :1, :4, :5], 2), (more, 3), (X[:, :1], 1), (X[:1, :, :4, :4], 4)):
        expected = im2row(x, k)
        what = f"rows (x of shape {x.shape}, kernel_size {k})"
        array_like((rows := (yield (x, k), {})), what, shape=expected.shape)
        same(rows, expected, what)


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


def _over(axes, x=X):
    """What statistics over these axes give."""
    mu, var = x.mean(axis=axes, keepdims=True), x.var(axis=axes, keepdims=True)
    return GAMMA[:, None, None] * (x - mu) / np.sqrt(var + EPS) + BETA[:, None, None]


@batch_norm_2d.expect
def channel_means():
    """Every channel of the output has mean beta, taken over all images and positions."""
    y = array_like((yield (X, GAMMA, BETA), {"eps": EPS}), "y", shape=X.shape)
    right, mean = batch_norm_2d(X, GAMMA, BETA, EPS), y.mean(axis=(0, 2, 3))
    slip(mean, GAMMA * BETA, "scale by gamma first, then add beta")
    slip(mean, 0 * BETA, "beta is missing")
    slip(mean, GAMMA, "gamma and beta changed places: gamma scales, beta shifts")
    slip(y, _over((0, 1, 2, 3)), "one mean per channel, not one for all: leave out axis 1")
    slip(y, _over(1), "you average over the channels; average over all the other axes")
    slip(y, _over((1, 2, 3)), "you average over the channels, image by image: that is layer norm")
    slip(y, _over((0, 1, 2)), "this is one mean per image column; the channels are on axis 1")
    mu, root = X.mean(axis=(0, 2, 3)), np.sqrt(X.var(axis=(0, 2, 3)) + EPS)
    scale, shift = (GAMMA / root)[:, None, None], BETA[:, None, None]
    slip(y, scale * X + shift, "subtract mu before you divide")
    bare = GAMMA[:, None, None] * (X - (mu / root)[:, None, None]) + shift
    precedence = GAMMA[:, None, None] * X - (mu / root)[:, None, None] + shift
    slip(y, precedence, "only mu is divided: put brackets around x - mu")
    slip(y, bare, "only mu is divided: put brackets around x - mu")
    rows = X.reshape(-1, C)
    rows = GAMMA * (rows - rows.mean(axis=0)) / np.sqrt(rows.var(axis=0) + EPS) + BETA
    slip(y, rows.reshape(X.shape), "reshape does not move axes: transpose the channels to the end")
    rows = X.reshape(C, -1).T
    rows = GAMMA * (rows - rows.mean(axis=0)) / np.sqrt(rows.var(axis=0) + EPS) + BETA
    slip(
        y,
        rows.T.reshape(X.shape),
        "reshape does not move axes: transpose the channels to the front",
    )
    back = "reshape does not move axes back: transpose as well"
    slip(y, right.transpose(0, 2, 3, 1).reshape(X.shape), back)
    slip(y, right.transpose(1, 0, 2, 3).reshape(X.shape), back)
    same(mean, BETA, "mean of channel")


@batch_norm_2d.expect
def alike_everywhere():
    """Within a channel, every image and every position is shifted and stretched alike."""
    y = array_like((yield (X, GAMMA, BETA), {"eps": EPS}), "y", shape=X.shape)
    slip(y, _over(0), "you average over the images only; average over the positions, too")
    slip(y, _over((2, 3)), "each image by itself: average over the images, too")
    slip(y, _over((0, 2)), "you average over N and H; average over W, too")
    slip(y, _over((0, 3)), "you average over N and W; average over H, too")
    for c in range(C):
        x_c, y_c = X[:, c], y[:, c]
        slope, offset = np.polyfit(x_c.ravel(), y_c.ravel(), 1)
        bent = np.abs(y_c - slope * x_c - offset)
        spot = ", ".join(map(str, np.unravel_index(np.argmax(bent), bent.shape)))
        assert bent.max() < 1e-6 * max(1, np.abs(y_c).max()), (
            f"in channel {c}, y is not a * x + b with one a and one b: the best such line misses "
            f"y[:, {c}][{spot}] by {bent.max():.2g}. Are the pixels still at their places, and mu "
            f"and var the same everywhere?"
        )


@batch_norm_2d.expect
def channel_variances():
    """Every channel of the output has variance gamma**2 * var / (var + eps); here eps is 0.3."""
    y = array_like((yield (X, GAMMA, BETA), {"eps": EPS}), "y", shape=X.shape)
    var, got = X.var(axis=(0, 2, 3)), y.var(axis=(0, 2, 3))

    def divided_by(squared):
        return GAMMA**2 * var / squared

    slip(got, divided_by((np.sqrt(var) + EPS) ** 2), "eps belongs inside the root")
    slip(got, GAMMA**2, "eps is missing")
    slip(got, divided_by(var + 1e-5), "you use 1e-5 whatever eps you are given")
    slip(got, divided_by(1), "the division by sqrt(var + eps) is missing")
    slip(got, divided_by((var + EPS) ** 2), "take the root of var + eps before dividing")
    slip(got, divided_by(1 / (var + EPS)), "divide by the root; you multiply with it")
    slip(got, var / (var + EPS), "gamma is missing")
    ddof = X.var(axis=(0, 2, 3), ddof=1)
    slip(got, divided_by(ddof + EPS), "var divides by N * H * W, not by one less")
    raw = (X**2).mean(axis=(0, 2, 3))
    slip(got, divided_by(raw + EPS), "subtract mu before you square")
    within = "a mean of variances leaves out how the means differ: take one variance over N, H, W"
    slip(got, divided_by(X.var(axis=(2, 3)).mean(axis=0) + EPS), within)
    slip(got, divided_by(X.var(axis=0).mean(axis=(1, 2)) + EPS), within)
    same(got, divided_by(var + EPS), "variance of channel")


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


@batch_norm_2d.expect_or_refuse
def whole_numbers():
    """It works for images of whole numbers, as pixels often are: the output has fractions."""
    x = np.rint(4 * X).astype(int)
    y = yield (x, GAMMA, BETA), {"eps": EPS}
    same_of_whole(y, batch_norm_2d(x, GAMMA, BETA, EPS), "y")


@batch_norm_2d.expect
def any_size():
    """It works for any number of images, channels, rows and columns, also for a single channel."""
    for x in (X[:2, :3, :3, 1:5], X[:, :3], X[:, :1]):
        c = x.shape[1]
        y = yield (x, GAMMA[:c], BETA[:c]), {"eps": EPS}
        same(y, batch_norm_2d(x, GAMMA[:c], BETA[:c], EPS), f"y (x of shape {x.shape})")


@batch_norm_2d.expect
def far_from_zero():
    """Adding 1e8 to every pixel leaves the output where it was. (mean(x**2) - mu**2 would lose
    the digits.)"""
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
    root = np.sqrt(RUNNING_VAR + EPS)
    slip(beta, RUNNING_MEAN - BIAS, "the two changed places: return (beta, running_mean)")
    if np.array_equal(beta, BETA):
        slip(running_mean, RUNNING_MEAN, "the running mean still contains the bias")
        slip(running_mean, RUNNING_MEAN + BIAS, "the bias counts twice now: take it out instead")
        slip(
            running_mean,
            BIAS - RUNNING_MEAN,
            "the sign is wrong: x minus this is not x + bias - mean",
        )
        slip(running_mean, RUNNING_MEAN - BIAS / root, "the mean is subtracted before the division")
        scaled = RUNNING_MEAN - GAMMA * BIAS
        slip(running_mean, scaled, "the mean is subtracted before gamma multiplies")
    slip(beta, BETA + BIAS, "bias and beta stand on different sides of the normalization")
    if np.array_equal(running_mean, RUNNING_MEAN - BIAS):
        slip(
            beta,
            BETA + GAMMA * BIAS / root,
            "the bias is made up for twice: in the mean and in beta",
        )
    x = X.transpose(0, 2, 3, 1)
    expected = _eval_mode(x + BIAS, GAMMA, BETA, RUNNING_MEAN)
    same(_eval_mode(x, GAMMA, beta, running_mean), expected, "y (channels last)")


@remove_bias.expect
def same_in_training_mode():
    """In training mode, too, where the batch's own mean is subtracted and the bias with it."""
    beta, _ = yield (BIAS, GAMMA, BETA, RUNNING_MEAN, RUNNING_VAR), {"eps": EPS}
    same(beta, BETA, "beta, which is the mean of y in training mode: beta")


@remove_bias.expect
def any_number_of_channels():
    """It works for any number of channels, also for a single one."""
    for c in (3, 1):
        args = BIAS[:c], GAMMA[:c], BETA[:c], RUNNING_MEAN[:c], RUNNING_VAR[:c]
        beta, running_mean = parts((yield args, {"eps": EPS}), "beta", "running_mean")
        same(beta, BETA[:c], f"beta (C = {c})")
        same(running_mean, RUNNING_MEAN[:c] - BIAS[:c], f"running_mean (C = {c})")
