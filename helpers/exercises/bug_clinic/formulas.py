"""Bugs in the statistics of a batch."""

import numpy as np
import torch

from helpers.exercises.bug_clinic._graph import given, slopes
from helpers.exercises.engine import array_like, exercise, same, same_of_whole, slip
from helpers.exercises.questions import number

_rng = np.random.default_rng(182)
# Columns of very different mean and scale, and N != C, so that axes cannot be mixed.
N, C = 5, 4
X = _rng.normal(size=(N, C)) * [1.0, 4.0, 0.5, 2.0] + [5.0, -2.0, 0.3, 1.0]
MEAN = np.array([4.0, -1.0, 0.5, 2.0])
GAMMA = np.array([2.0, 0.5, -1.5, 3.0])
BETA = np.array([1.0, -3.0, 0.25, 10.0])
EPS = 0.3  # large enough that every misplaced eps shows

number(
    "bug-clinic-remedy",
    answer=32,
    measured_by="clamped.std(axis=0).max()",
    reason="A variance of 0 leaves 1 / sqrt(eps) as the factor, about 316, where 10 would be "
    "right: deviations of 0.1 become 32. The sign was only the visible part; the variances that "
    "came out positive are wrong, too.",
)


@exercise(
    "Print both terms of the difference for one feature, with all their digits. How many digits "
    "does float32 keep?",
    "Both terms are near a million and float32 keeps about seven digits of them, while their "
    "difference should be 0.01. Subtract before you square, not after.",
    "((x - x.mean(axis=0)) ** 2).mean(axis=0): the mean squared distance from the mean.",
)
def feature_variance(x):
    return ((x - x.mean(axis=0)) ** 2).mean(axis=0)


@feature_variance.starts_as
def _difference_of_squares(x):
    return (x**2).mean(axis=0) - x.mean(axis=0) ** 2


def readings(offset, spread, seed=182, shape=(256, 8)):
    """Draw features with these means and standard deviations, in float32: (samples, features)."""
    rng = np.random.default_rng(seed)
    return (offset + spread * rng.normal(size=shape)).astype(np.float32)


def _close(var, x, where, tol=0.01):
    """Compare with the variance in float64, feature by feature; only coarse figures are printed."""
    truth = x.astype(np.float64).var(axis=0)
    var = array_like(var, "var", shape=truth.shape)
    n = len(x)
    slip(var / truth, np.full_like(truth, n / (n - 1)), "divide by N, not by N - 1", tol=1e-4)
    slip(var / truth, truth**-0.5, "this is the standard deviation", tol=1e-3)
    error = np.abs(var / truth - 1)
    assert np.isfinite(error).all(), f"{where}, a variance is not a number"
    # How wrong it is depends on the order of the sum, and with it on the machine.
    assert error.max() < 0.5, f"{where}, a variance is off by more than half of itself"
    assert error.max() < tol, f"{where}, a variance is off by {100 * error.max():.2g} percent"


@feature_variance.expect
def around_zero():
    """It must be the mean squared distance from the mean, for features around zero."""
    x = readings(np.array([0.0, 1.0, -2.0, 0.5]), np.array([1.0, 3.0, 0.5, 2.0]), shape=(32, 4))
    _close((yield (x,), {}), x, "around zero", tol=1e-4)


@feature_variance.expect
def offset_costs_nothing():
    """Adding 1000 to a feature must not change its variance."""
    x = readings(1000, 0.1)
    _close((yield (x,), {}), x, "with mean 1000 and standard deviation 0.1")


@feature_variance.expect
def any_offset():
    """That must hold for other offsets, and for features that do not share one."""
    for offset, spread in (
        (-3000.0, 0.3),
        (np.array([0.0, 1000, -1000, 500, 0, -50, 2000, 1]), 0.1),
        (np.array([0.0, 1000, -1000, 500, 0, -50, 2000, 1]), 30.0),
    ):
        x = readings(offset, spread)
        x[0] = x[1]  # a first sample like any other
        _close((yield (x,), {}), x, f"with means of {np.unique(offset)}, deviation {spread:g}")


@feature_variance.expect
def more_digits():
    """In float64 it must be right at a mean of 100 million, too: float64 only moves the trouble."""
    rng = np.random.default_rng(182)
    x = 1e8 + 0.1 * rng.normal(size=(256, 8))
    _close((yield (x,), {}), x, "in float64 with mean 1e8 and standard deviation 0.1")


@feature_variance.expect
def any_number_of_samples():
    """It must be so for any number of samples and features; a single sample has the variance 0."""
    for shape in ((2, 3), (7, 1), (3, 5)):
        x = readings(2.0, 1.5, shape=shape)
        _close((yield (x,), {}), x, f"for x of shape {shape}", tol=1e-4)
    var = array_like((yield (readings(1000, 0.1, shape=(1, 4)),), {}), "var", shape=(4,))
    assert not var.any(), f"the variance of a single sample is 0; feature 0 has {var[0]:g}"


@feature_variance.expect
def type_stays():
    """float32 goes in and must come out, float64 as well."""
    for dtype in (np.float32, np.float64):
        x = readings(3.0, 1.0).astype(dtype)
        var = array_like((yield (x,), {}), "var")
        assert var.dtype == dtype, f"x is {np.dtype(dtype)}, but var is {var.dtype}"


# Every image, channel, row and column has a scale and an offset of its own.
PHOTOS = (
    _rng.normal(size=(3, C, 5, 6)) * GAMMA[:, None, None]
    + MEAN[:, None, None]
    + np.array([0.0, 2.0, -1.0])[:, None, None, None]
    + np.linspace(0, 2, 5)[:, None]
    + np.linspace(0, -3, 6)
)


@exercise(
    "How many means does the function compute for a batch of 32 images with 3 channels? How many "
    "should there be?",
    "It makes one row of each image, and normalizes every image by itself. Batch norm has one mean "
    "per channel, over all images and positions.",
    "mu = x.mean(axis=(0, 2, 3), keepdims=True), the same for var; then nothing needs reshaping.",
)
def standardize_channels(x, gamma, beta, eps=1e-5):
    mu = x.mean(axis=(0, 2, 3), keepdims=True)
    var = x.var(axis=(0, 2, 3), keepdims=True)
    x_hat = (x - mu) / np.sqrt(var + eps)
    return gamma[:, None, None] * x_hat + beta[:, None, None]


@standardize_channels.starts_as
def _one_row_per_image(x, gamma, beta, eps=1e-5):
    rows = x.reshape(len(x), -1)
    mu = rows.mean(axis=1, keepdims=True)
    var = rows.var(axis=1, keepdims=True)
    x_hat = ((rows - mu) / np.sqrt(var + eps)).reshape(x.shape)
    return gamma[:, None, None] * x_hat + beta[:, None, None]


def _over(x, axes, eps=EPS):
    x_hat = (x - x.mean(axis=axes, keepdims=True)) / np.sqrt(x.var(axis=axes, keepdims=True) + eps)
    channels = x.shape[1]
    return GAMMA[:channels, None, None] * x_hat + BETA[:channels, None, None]


@standardize_channels.expect
def same_shape():
    """The output must have the shape of the input, (N, C, H, W)."""
    array_like((yield (PHOTOS, GAMMA, BETA), {"eps": EPS}), "y", shape=PHOTOS.shape)


@standardize_channels.expect
def company_matters():
    """What becomes of an image must depend on the others in its batch."""
    alone = yield (PHOTOS[:2], GAMMA, BETA), {"eps": EPS}
    together = yield (PHOTOS, GAMMA, BETA), {"eps": EPS}
    alone = array_like(alone, "y", shape=(2, *PHOTOS.shape[1:]))
    says = "every image is still normalized by itself, now channel by channel"
    slip(together, _over(PHOTOS, (2, 3)), says)
    moved = np.abs(array_like(together, "y", shape=PHOTOS.shape)[:2] - alone).max()
    assert moved > 0.01, f"with a third image in the batch, the first two change by {moved:.4f}"


@standardize_channels.expect
def channel_means():
    """Over a batch, the mean of every channel must be beta."""
    y = array_like((yield (PHOTOS, GAMMA, BETA), {"eps": EPS}), "y", shape=PHOTOS.shape)
    slip(y, _over(PHOTOS, (0,)), "every position has a mean of its own: average over them as well")
    slip(y, _over(PHOTOS, (0, 1, 2, 3)), "this is one mean for all: every channel has its own")
    for shape, axis in (((C, -1), 1), ((-1, C), 0)):
        rows = PHOTOS.reshape(shape)
        mu, var = rows.mean(axis=axis, keepdims=True), rows.var(axis=axis, keepdims=True)
        x_hat = ((rows - mu) / np.sqrt(var + EPS)).reshape(PHOTOS.shape)
        mixed = GAMMA[:, None, None] * x_hat + BETA[:, None, None]
        slip(y, mixed, "reshape mixes the channels: it does not move their axis, transpose does")
    same(y.mean(axis=(0, 2, 3)), BETA, "mean of channel")


@standardize_channels.expect
def every_entry():
    """Every entry must be gamma * (x - mu) / sqrt(var + eps) + beta."""
    y = array_like((yield (PHOTOS, GAMMA, BETA), {"eps": EPS}), "y", shape=PHOTOS.shape)
    slip(y, _over(PHOTOS, (0, 2, 3), eps=0.0), "eps is missing")
    same(y, _over(PHOTOS, (0, 2, 3)), "y")


@standardize_channels.expect
def any_images():
    """It must work for any number of images, channels and positions, a single image among them, and
    for pixels that are whole numbers, whose results have fractions."""
    pixels = np.rint(4 * PHOTOS).astype(int)
    for x in (PHOTOS[:2, :2, :4], PHOTOS[:1], PHOTOS[:, :1, :, :1], pixels):
        channels = x.shape[1]
        y = yield (x, GAMMA[:channels], BETA[:channels]), {"eps": EPS}
        same_of_whole(y, _over(x, (0, 2, 3)), f"y (x of shape {x.shape}, {x.dtype})")


@standardize_channels.expect
def eps_by_default():
    """Without an eps it must use 1e-5, which matters for channels that hardly vary."""
    x = 1e-3 * PHOTOS
    same((yield (x, GAMMA, BETA), {}), _over(x, (0, 2, 3), eps=1e-5), "y")


@exercise(
    "Normalize a batch of 4 and compute the variance of the result with numpy. Then one of 400.",
    "The result's variance is (N - 1) / N. torch.var and numpy's var do not divide by the same "
    "number.",
    "x.var(dim=0, correction=0) divides by N. (correction=1 is PyTorch's default and divides by "
    "N - 1.)",
)
def normalize_small_batch(x, gamma, beta, eps=1e-5):
    mu, var = x.mean(dim=0), x.var(dim=0, correction=0)
    return gamma * (x - mu) * torch.rsqrt(var + eps) + beta


@normalize_small_batch.starts_as
def _default_correction(x, gamma, beta, eps=1e-5):
    mu, var = x.mean(dim=0), x.var(dim=0)
    return gamma * (x - mu) * torch.rsqrt(var + eps) + beta


# As good as none. Without any, PyTorch's own batch norm refuses to compute.
NO_EPS = 1e-12


def _batch(count, learn=False, features=C):
    x = np.resize(X[:, :features], (count, features))
    arrays = (x, GAMMA[:features], BETA[:features])
    return x, tuple((given if learn else torch.tensor)(a) for a in arrays)


def _normalized(x, eps=EPS):
    features = x.shape[1]
    x_hat = (x - x.mean(axis=0)) / np.sqrt(x.var(axis=0) + eps)
    return GAMMA[:features] * x_hat + BETA[:features]


@normalize_small_batch.expect
def variance_one():
    """Without eps, gamma and beta, the mean square of y must be 1, in a batch of any size."""
    for count in (4, 3, 40, 2):
        x, _ = _batch(count)
        ones, zeros = torch.ones(C, dtype=torch.float64), torch.zeros(C, dtype=torch.float64)
        y = array_like((yield (torch.tensor(x), ones, zeros), {"eps": NO_EPS}), "y", shape=x.shape)
        same((y**2).mean(), 1.0, f"mean square of y (N = {count})")


@normalize_small_batch.expect
def all_entries():
    """Every entry must be gamma * (x - mu) / sqrt(var + eps) + beta, as in nn.BatchNorm1d."""
    for count in (5, 3):
        x, arguments = _batch(count)
        y = array_like((yield arguments, {"eps": EPS}), "y", shape=x.shape)
        stretched = (1 + 1 / (count - 1)) ** 0.5
        unbiased = GAMMA * (x - x.mean(axis=0)) / np.sqrt(x.var(axis=0, ddof=1) + EPS)
        says = "stretching the result is not enough: eps is stretched with it"
        slip(y, unbiased * stretched + BETA, says)
        same(y, _normalized(x), f"y (N = {count})")


@normalize_small_batch.expect
def gradient_flows():
    """The gradient must still find its way back, through mean and variance, as before."""
    x, arguments = _batch(5, learn=True)
    y = yield arguments, {"eps": EPS}
    _, (right_x, gamma, beta) = _batch(5, learn=True)
    right = torch.nn.functional.batch_norm(right_x, None, None, gamma, beta, True, eps=EPS)
    weights = torch.tensor(PHOTOS[0, :, 0, :N].T)
    for name, value in (("x", x), ("gamma", GAMMA), ("beta", BETA)):
        value = torch.tensor(value)
        same(slopes(y, weights, value, name), slopes(right, weights, value), f"slope of {name}")


@normalize_small_batch.expect
def any_features():
    """It must work for any number of samples and features, and in float32."""
    for count, features in ((2, 1), (7, 3), (3, 2)):
        x, arguments = _batch(count, features=features)
        y = yield arguments, {"eps": EPS}
        same(y, _normalized(x), f"y (x of shape {x.shape})")
    x, arguments = _batch(5)
    y = yield tuple(a.float() for a in arguments), {"eps": EPS}
    same(y, _normalized(x), "y (in float32)", tol=1e-5)


@normalize_small_batch.expect
def default_eps():
    """Without an eps it must use 1e-5, which matters for features that hardly vary."""
    x = 1e-3 * X
    y = yield tuple(torch.tensor(a) for a in (x, GAMMA, BETA)), {}
    same(y, _normalized(x, eps=1e-5), "y")
