"""Exercises of the notebook `convolution`: statistics per channel and their gradient, a useless
bias, windows."""

import numpy as np

from helpers.exercises.engine import (
    array_like,
    exercise,
    number,
    order,
    parts,
    prediction,
    same,
    same_of_whole,
    slip,
    word,
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
DY = _rng.normal(size=X.shape) + np.array([0.5, -1.0, 0.0, 2.0])[:, None, None]
GAMMA = np.array([2.0, 0.5, -1.5, 3.0])
BETA = np.array([1.0, -3.0, 0.25, 10.0])
IMAGES = X[:, :3]  # 3 x 3 windows: 36 of them, of 27 values each
EPS = 0.3  # large enough that every misplaced eps shows

number(
    "convolution-two-batches",
    answer=1.9,
    within=1.02,
    reason="Each update keeps 0.9 of the old value and adds 0.1 of the batch's: first 1, then 0.9 "
    "+ 1.",
    recalls="inference",
)
word(
    "convolution-one-sample",
    answers=("beta", "β"),
    reason="The sample is its own mean, so x - mu is 0. gamma multiplies nothing, beta is left.",
    recalls="inference",
)
prediction(
    "convolution-repair",
    right="c",
    a="with the batch's own statistics the same weights do well, so they are not to blame.",
    b="they serve in both modes, and in the other mode the network does well.",
    c="they are all that differs between the two modes. A few hundred training images are enough "
    "to measure them again.",
    recalls="inference",
)

prediction(
    "convolution-means",
    right="a",
    a="two means, one per channel. A channel is one filter's answer, and the filter is the same at "
    "every position and for every image.",
    b="72 means would be one per channel and position, as if a stroke on the left and the same "
    "stroke on the right were two features.",
    c="128 means would be one per image and channel. That is instance norm: it wipes out how much "
    "one image differs from the others.",
    believed={
        "b": "mutant: batch_norm_2d.every_position_is_a_feature",
        "c": "mutant: batch_norm_2d.instance_norm",
    },
)
number(
    "convolution-moved-image",
    answer=7.1,
    unit="standard deviations",
    reason="Where one image of 64 has ink and all others have none, its value is the spread. It "
    "stands the root of 63, 7.9 standard deviations, above the mean, however faint the ink.",
    measured_by="most_changed",
)
prediction(
    "convolution-bias",
    right="a",
    a="batch norm subtracts the mean, and the bias is part of the mean. The loss does not depend "
    "on it at all.",
    b="beta stands behind the normalization, where nothing subtracts it any more. The bias stands "
    "in front.",
    c="so it would be if the mean were a constant. It moves along with the bias.",
    believed={
        "b": "mutant: remove_bias.adds_the_bias_to_beta",
        "c": "claim: statistics-as-constants",
    },
)
number(
    "convolution-grey-on-dark",
    answer=0.6,
    unit="share",
    within_absolute=0.15,
    reason="Every layer subtracts the mean of other images and divides by their spread, and the "
    "errors add up from layer to layer.",
    measured_by='np.median(bn_on["grey on dark"])',
    tolerance=0.05,
)
prediction(
    "convolution-colours",
    right="b",
    a="new statistics shift and stretch each channel, but a standard deviation is positive: it "
    "cannot turn an image into its negative.",
    b="then every channel is shifted and stretched by a positive factor, and that is what mean and "
    "variance describe.",
    c="after the first convolution no colours are left, only weighted sums of them, and where "
    "these lie the new statistics say. No weight has to change.",
    believed={"a": "claim: black-cats", "c": "quote: retrain-for-new-inputs"},
)
order(
    "convolution-brightness",
    answer="cab",
    reason="The batch's own statistics take its brightness and contrast out again. The running "
    "statistics describe an average batch, and no batch is average. The plain networks saw all "
    "brightnesses in training.",
    measured_by="[np.median(scores) for scores in [*results[per_batch].values()][:3]]",
    a="plain",
    b="batch norm, statistics of the batch",
    c="batch norm, running statistics",
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


@exercise(
    "A channel with N * H * W values is a feature with that many samples. Which line of the "
    "backward pass for (N, C) has a mean or a sum in it, and over what must it run here?",
    "Sums and means run over the axes (0, 2, 3). What multiplies dy or x_hat afterwards needs "
    "keepdims=True; dgamma and dbeta have the shape (C,).",
    "gamma * r is one number per channel: gamma.reshape(-1, 1, 1) fits r of shape (1, C, 1, 1).",
    "dx = gamma * r * (dy - mean(dy) - x_hat * mean(dy * x_hat)), each mean with axis=(0, 2, 3) "
    "and keepdims=True.",
)
def batch_norm_2d_backward(dy, x, gamma, eps=1e-5):
    over = {"axis": (0, 2, 3), "keepdims": True}
    r = 1 / np.sqrt(x.var(**over) + eps)
    x_hat = (x - x.mean(**over)) * r
    dgamma = (dy * x_hat).sum(axis=(0, 2, 3))
    dbeta = dy.sum(axis=(0, 2, 3))
    projected = dy - dy.mean(**over) - x_hat * (dy * x_hat).mean(**over)
    return gamma[:, None, None] * r * projected, dgamma, dbeta


@batch_norm_2d_backward.expect
def three_gradients():
    """Return (dx, dgamma, dbeta): dx with the shape of x, the others with one entry per channel."""
    result = yield (DY, X, GAMMA), {"eps": EPS}
    dx, dgamma, dbeta = parts(result, "dx", "dgamma", "dbeta")
    array_like(dx, "dx", shape=X.shape)
    array_like(dgamma, "dgamma", shape=(C,))
    array_like(dbeta, "dbeta", shape=(C,))


@batch_norm_2d_backward.expect
def dbeta_of_a_channel():
    """dbeta is the sum of dy over all images and positions of a channel."""
    *_, dbeta = yield (DY, X, GAMMA), {"eps": EPS}
    total, dgamma = DY.sum(axis=(0, 2, 3)), batch_norm_2d_backward(DY, X, GAMMA, EPS)[1]
    slip(dbeta, dgamma, "this is dgamma: return (dx, dgamma, dbeta), in this order")
    slip(dbeta, total / (N * H * W), "where paths meet gradients add: sum over N, H and W, no mean")
    slip(dbeta, total / (H * W), "one beta serves all positions: sum over H and W, no mean")
    slip(dbeta, total / N, "one beta serves all images: sum over N, no mean")
    slip(dbeta, GAMMA * total, "beta is added after gamma: gamma plays no part in dbeta")
    reshaped = DY.reshape(-1, C).sum(axis=0)
    slip(dbeta, reshaped, "reshape does not move axes: transpose the channels to the end first")
    same(dbeta, total, "dbeta")


@batch_norm_2d_backward.expect
def dgamma_of_a_channel():
    """dgamma is the sum of dy * x_hat over all images and positions, with eps in x_hat."""
    _, dgamma, _ = yield (DY, X, GAMMA), {"eps": EPS}
    mu, var = X.mean(axis=(0, 2, 3)), X.var(axis=(0, 2, 3))
    raw = (DY * (X - mu[:, None, None])).sum(axis=(0, 2, 3))
    want = raw / np.sqrt(var + EPS)
    slip(dgamma, DY.sum(axis=(0, 2, 3)), "x_hat is missing: multiply it with dy before you sum")
    slip(dgamma, raw / np.sqrt(var), "eps is missing")
    slip(dgamma, raw, "multiply dy with x_hat, not with x - mu")
    slip(dgamma, want / (N * H * W), "where paths meet gradients add: sum, no mean")
    slip(dgamma, GAMMA * want, "the slope of y with respect to gamma is x_hat, without gamma")
    for axes, whose in (((0,), "position"), ((2, 3), "image"), ((0, 1, 2, 3), "batch")):
        x_hat = (X - X.mean(axis=axes, keepdims=True)) / np.sqrt(
            X.var(axis=axes, keepdims=True) + EPS
        )
        says = f"your x_hat has statistics per {whose}: they run over N, H and W of each channel"
        slip(dgamma, (DY * x_hat).sum(axis=(0, 2, 3)), says)
    same(dgamma, want, "dgamma")


@batch_norm_2d_backward.expect
def no_gradient_along_one():
    """dx sums to zero over each channel: moving a whole channel changes no output."""
    dx, _, _ = yield (DY, X, GAMMA), {"eps": EPS}
    dx = array_like(dx, "dx", shape=X.shape)
    _, x_hat, scale = _of_channels()
    dy_mean, last = _along(DY, x_hat, (0, 2, 3))
    slip(dx, scale * DY, "mu and var depend on x too: two terms are missing")
    slip(dx, scale * (DY - last), "mu depends on x too: the mean of dy is missing")
    slip(dx, scale * DY - dy_mean - last, "gamma * r multiplies all three terms: brackets")
    count = N * H * W
    slip(dx, scale * (DY - count * (dy_mean + last)), "the last two terms hold means, not sums")
    by_images = count / N * (dy_mean + last)
    slip(dx, scale * (DY - by_images), "a mean is over N * H * W values; you divide by N alone")
    for axes, says in (
        ((0,), "your means run over the images alone: a pixel moves the whole channel"),
        ((2, 3), "your means stay within an image: a pixel moves all images of its channel"),
        ((0, 1, 2, 3), "each channel has means of its own: leave out axis 1"),
    ):
        slip(dx, scale * (DY - sum(_along(DY, x_hat, axes))), says)
    same(dx.sum(axis=(0, 2, 3)), np.zeros(C), "sum of dx for channel")


@batch_norm_2d_backward.expect
def slope_of_every_pixel():
    """dx is the slope of sum(dy * y): it agrees with central differences of batch_norm_2d."""
    dx, _, _ = yield (DY, X, GAMMA), {"eps": EPS}
    r, x_hat, scale = _of_channels()
    dy_mean, last = _along(DY, x_hat, (0, 2, 3))
    inner = DY - dy_mean
    slip(dx, scale * inner, "var depends on x too: x_hat * mean(dy * x_hat) is missing")
    slip(dx, scale * (inner + last), "the path through var, the x_hat term, has the wrong sign")
    slip(dx, scale * (inner - last / 2), "the path through var is half: c**2 has slope 2 * c")
    slip(dx, r * (inner - last), "gamma is missing")
    slip(dx, GAMMA[:, None, None] * (inner - last), "r = 1 / sqrt(var + eps) is missing")
    same(dx, _slopes(DY, X, GAMMA, EPS), "dx", tol=1e-6)


@batch_norm_2d_backward.expect
def usual_eps():
    """Without an eps it uses 1e-5, which matters for channels that hardly vary."""
    got = yield (DY, X * 1e-3, GAMMA), {}
    want = batch_norm_2d_backward(DY, X * 1e-3, GAMMA)
    for which, name in enumerate(("dx", "dgamma")):
        same(got[which], want[which], name)


@batch_norm_2d_backward.expect
def slopes_of_a_constant_channel():
    """A channel in which all values agree has dx = gamma / sqrt(eps) * (dy - mean of dy)."""
    x = X.copy()
    x[:, 2] = 7.0
    dx, _, _ = yield (DY, x, GAMMA), {"eps": EPS}
    right, _, _ = batch_norm_2d_backward(DY, x, GAMMA, EPS)
    same(np.asarray(dx)[:, 2], right[:, 2], "dx of the constant channel")


@batch_norm_2d_backward.expect
def other_images():
    """It works for images of any size, also for a single image, a single channel, and as many
    columns as channels."""
    for kept in (np.s_[:1], np.s_[:, :1], np.s_[:2, :3, :3, 1:4], np.s_[:, :, :, :C]):
        x, dy = X[kept], DY[kept]
        args = dy, x, GAMMA[: x.shape[1]]
        got = yield args, {"eps": EPS}
        want = batch_norm_2d_backward(*args, EPS)
        for which, name in enumerate(("dx", "dgamma", "dbeta")):
            same(got[which], want[which], f"{name} (x of shape {x.shape})")


def _of_channels():
    """r and x_hat of X, and gamma * r, each in a shape that broadcasts against X."""
    over = {"axis": (0, 2, 3), "keepdims": True}
    r = 1 / np.sqrt(X.var(**over) + EPS)
    return r, (X - X.mean(**over)) * r, GAMMA[:, None, None] * r


def _along(dy, x_hat, axes):
    """What is taken from dy along the ones and along x_hat, with means over some axes."""
    over = {"axis": axes, "keepdims": True}
    return dy.mean(**over), x_hat * (dy * x_hat).mean(**over)


def _slopes(dy, x, gamma, eps, h=1e-5):
    """Central differences of sum(dy * y), entry by entry."""
    zero = np.zeros(len(gamma))
    slopes = np.zeros_like(x)
    for place in np.ndindex(x.shape):
        step = np.zeros_like(x)
        step[place] = h
        right, left = (batch_norm_2d(x + s, gamma, zero, eps) for s in (step, -step))
        slopes[place] = np.sum(dy * (right - left)) / (2 * h)
    return slopes
