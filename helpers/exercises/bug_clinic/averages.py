"""Bugs in running averages."""

import numpy as np
import torch
from torch import nn

from helpers.exercises.bug_clinic.formulas import BETA, EPS, GAMMA, MEAN, C, X
from helpers.exercises.engine import array_like, exercise, parts, same, same_of_whole, slip

_rng = np.random.default_rng(184)
VAR = np.array([1.5, 9.0, 0.4, 5.0])
COUNTS = np.array([3, 10, -4, 0, 7])  # whole numbers
MOMENTUM = 0.2  # another number than EPS, so that the two cannot be mixed


@exercise(
    "Try it on numbers that you can follow: stored 0, batch 1, momentum 0.1. What should come out?",
    "momentum is the share of the batch, so a small momentum must change the stored value little. "
    "Which of the two does the code multiply by momentum?",
    "(1 - momentum) * stored + momentum * batch",
)
def moving_average(stored, batch, momentum=0.1):
    return (1 - momentum) * stored + momentum * batch


@moving_average.starts_as
def _weights_exchanged(stored, batch, momentum=0.1):
    return momentum * stored + (1 - momentum) * batch


@moving_average.expect
def constant_stays():
    """If the batch has what is stored already, nothing must change."""
    same((yield (MEAN, MEAN), {"momentum": MOMENTUM}), MEAN, "stored")


@moving_average.expect
def remembers():
    """After one batch of ones, starting from zeros, what is stored must be momentum."""
    for momentum in (0.1, 0.01, 0.7):
        stored = yield (np.zeros(3), np.ones(3)), {"momentum": momentum}
        same(stored, np.full(3, momentum), f"stored (momentum {momentum:g})")


@moving_average.expect
def default_momentum():
    """Without a momentum, it must use 0.1."""
    same((yield (MEAN, VAR), {}), 0.9 * MEAN + 0.1 * VAR, "stored")


@moving_average.expect
def any_values():
    """That must hold for all values, negative and whole ones too, for any number of features, and
    for a momentum of 0 or 1."""
    for momentum in (0.0, 0.3, 1.0):
        for old, new in ((MEAN, BETA), (MEAN[:1], BETA[:1]), (COUNTS, COUNTS[::-1])):
            stored = yield (old, new), {"momentum": momentum}
            expected = (1 - momentum) * old + momentum * new
            same_of_whole(stored, expected, f"stored (momentum {momentum:g}, {len(old)} features)")


KERAS = {
    "gamma": GAMMA,
    "beta": BETA,
    "moving_mean": MEAN,
    "moving_variance": VAR,
    "momentum": 0.99,
    "epsilon": 1e-3,
}


@exercise(
    "Which of the six values could be wrong without any effect on the output in eval mode?",
    "momentum plays no part in eval mode. In Keras it is the share of the old value, in PyTorch "
    "the share of the new one.",
    'nn.BatchNorm1d(..., momentum=1 - keras["momentum"])',
)
def ported_layer(keras):
    layer = nn.BatchNorm1d(
        len(keras["gamma"]),
        eps=keras["epsilon"],
        momentum=1 - keras["momentum"],
        dtype=torch.float64,
    )
    with torch.no_grad():
        layer.weight.copy_(torch.tensor(keras["gamma"]))
        layer.bias.copy_(torch.tensor(keras["beta"]))
        layer.running_mean.copy_(torch.tensor(keras["moving_mean"]))
        layer.running_var.copy_(torch.tensor(keras["moving_variance"]))
    return layer


@ported_layer.starts_as
def _momentum_copied(keras):
    layer = nn.BatchNorm1d(
        len(keras["gamma"]),
        eps=keras["epsilon"],
        momentum=keras["momentum"],
        dtype=torch.float64,
    )
    with torch.no_grad():
        layer.weight.copy_(torch.tensor(keras["gamma"]))
        layer.bias.copy_(torch.tensor(keras["beta"]))
        layer.running_mean.copy_(torch.tensor(keras["moving_mean"]))
        layer.running_var.copy_(torch.tensor(keras["moving_variance"]))
    return layer


def _tol(layer):
    """Of a layer in float64, or in float32, which is what Keras itself computes in."""
    return 1e-9 if layer.weight.dtype == torch.float64 else 1e-5


def _layer(result, features=C):
    wrong = f"return a torch.nn.BatchNorm1d, not {type(result).__name__}"
    assert isinstance(result, nn.BatchNorm1d), wrong
    assert result.weight is not None, "the layer has no gamma and beta: affine is False"
    no_memory = "the layer has no running statistics: track_running_stats is False"
    assert result.running_mean is not None, no_memory
    sizes = {tensor.numel() for tensor in (*result.parameters(), result.running_mean)}
    assert sizes == {features}, f"gamma has {features} entries, the layer {max(sizes)} features"
    return result


@ported_layer.expect
def eval_agrees():
    """In eval mode, the layer must compute what the Keras layer computes."""
    for epsilon in (1e-3, EPS):
        layer = _layer((yield (KERAS | {"epsilon": epsilon},), {})).eval()
        y = layer(torch.tensor(X, dtype=layer.weight.dtype))
        expected = GAMMA * (X - MEAN) / np.sqrt(VAR + epsilon) + BETA
        slip(
            array_like(y, "y"),
            GAMMA * (X - MEAN) / np.sqrt(VAR + 1e-5) + BETA,
            f"epsilon is {epsilon:g} in Keras, and PyTorch's default, 1e-5, in your layer",
        )
        same(y, expected, f"y (epsilon {epsilon:g})", tol=_tol(layer))


@ported_layer.expect
def still_learns():
    """It must come in training mode, normalize a batch with its own statistics, and learn."""
    layer = _layer((yield (KERAS,), {}))
    assert layer.training, "the layer is in eval mode: a new layer starts in training mode"
    frozen = [name for name, p in layer.named_parameters() if not p.requires_grad]
    assert not frozen, f"{' and '.join(frozen)} cannot be trained: requires_grad is False"
    y = layer(torch.tensor(X, dtype=layer.weight.dtype))
    expected = GAMMA * (X - X.mean(axis=0)) / np.sqrt(X.var(axis=0) + 1e-3) + BETA
    same(y, expected, "y", tol=_tol(layer))


@ported_layer.expect
def memory():
    """After one batch in training mode, the running mean must be the one that Keras would have."""
    layer = _layer((yield (KERAS,), {}))
    layer(torch.tensor(X, dtype=layer.weight.dtype))
    slip(
        array_like(layer.running_mean, "running_mean"),
        MEAN,
        "the running mean does not move at all: it should, slowly",
    )
    expected = 0.99 * MEAN + 0.01 * X.mean(axis=0)
    same(layer.running_mean, expected, "running_mean", tol=_tol(layer))


@ported_layer.expect
def other_momentum():
    """The same must hold for other layers, with other values of momentum and other sizes."""
    for momentum, size in ((0.9, C), (0.3, C), (0.99, 2), (0.5, 1)):
        arrays = {name: value[:size] for name, value in KERAS.items() if np.ndim(value)}
        layer = _layer((yield (KERAS | arrays | {"momentum": momentum},), {}), size)
        of = f"(momentum {momentum:g} in Keras, {size} features)"
        x = X[:, :size]
        y = layer(torch.tensor(x, dtype=layer.weight.dtype))
        x_hat = (x - x.mean(axis=0)) / np.sqrt(x.var(axis=0) + 1e-3)
        same(y, GAMMA[:size] * x_hat + BETA[:size], f"y {of}", tol=_tol(layer))
        expected = momentum * MEAN[:size] + (1 - momentum) * x.mean(axis=0)
        same(layer.running_mean, expected, f"running_mean {of}", tol=_tol(layer))


# Few positions, so that one value more or less per channel shows.
IMAGES = _rng.normal(size=(3, C, 2, 1)) * [[[1.0]], [[4.0]], [[0.5]], [[2.0]]] + 1.0


@exercise(
    "The mean is right at every size, the variance is too small at small sizes. By which factor? "
    "Try 2, 4 and 8 values per channel.",
    "The factor is (n - 1) / n, with n values per channel, N * H * W of them: the distances are "
    "measured from the batch's own mean, which lies closer to them than the true one.",
    "Average the unbiased variance: x.var(dim=(0, 2, 3), correction=1). (To normalize the batch "
    "itself, the biased one stays.)",
)
def running_update(running_mean, running_var, x, momentum=0.1):
    mu = x.mean(dim=(0, 2, 3))
    var = x.var(dim=(0, 2, 3), correction=1)
    running_mean = (1 - momentum) * running_mean + momentum * mu
    running_var = (1 - momentum) * running_var + momentum * var
    return running_mean, running_var


@running_update.starts_as
def _biased(running_mean, running_var, x, momentum=0.1):
    mu = x.mean(dim=(0, 2, 3))
    var = x.var(dim=(0, 2, 3), correction=0)
    running_mean = (1 - momentum) * running_mean + momentum * mu
    running_var = (1 - momentum) * running_var + momentum * var
    return running_mean, running_var


def _update(x, momentum=MOMENTUM):
    channels = x.shape[1]
    values = (MEAN[:channels], VAR[:channels], x)
    return tuple(torch.tensor(a) for a in values), {"momentum": momentum}


def _averages(x, factor):
    """The running variance if the batch's biased variance is multiplied by a factor."""
    return (1 - MOMENTUM) * VAR[: x.shape[1]] + MOMENTUM * factor * x.var(axis=(0, 2, 3))


@running_update.expect
def mean_moves():
    """The running mean must move towards the mean of each channel."""
    mean, _ = parts((yield _update(IMAGES)), "running_mean", "running_var")
    same(mean, 0.8 * MEAN + 0.2 * IMAGES.mean(axis=(0, 2, 3)), "running_mean")


@running_update.expect
def right_on_average():
    """Over all pairs drawn from three images, running_var must average to the three's variance."""
    images = np.array([-1.0, 0.0, 3.0])[:, None, None, None] * GAMMA[:, None, None]
    total = np.zeros(C)
    for first in range(3):
        for second in range(3):
            update = _update(images[[first, second]], momentum=1.0)
            _, var = parts((yield update), "running_mean", "running_var")
            total += array_like(var, "running_var", shape=(C,))
    same(total / 9, images.var(axis=(0, 2, 3)), "average of running_var")


@running_update.expect
def variance_moves():
    """running_var must be that of nn.BatchNorm2d, for any number of images, channels and
    positions, a single image among them."""
    shapes = ((4, C, 1, 3), (2, C, 1, 1), (3, C, 1, 4), (2, C, 5, 5), (1, C, 2, 3), (3, 2, 2, 2))
    for shape in shapes:
        x = np.resize(IMAGES, shape)
        mean, var = parts((yield _update(x)), "running_mean", "running_var")
        expected = 0.8 * MEAN[: shape[1]] + 0.2 * x.mean(axis=(0, 2, 3))
        same(mean, expected, f"running_mean (x of shape {shape})")
        var, n = array_like(var, "running_var", shape=shape[1:2]), x[:, 0].size
        if len(x) not in (1, n):
            images = len(x) / (len(x) - 1)
            slip(var, _averages(x, images), "count the values of a channel, not the images")
        slip(var, _averages(x, n**2 / (n - 1) ** 2), "the factor was applied twice")
        slip(var, _averages(x, (n - 1) / n), "the factor is the wrong way round")
        old_too = _averages(x, 1) * n / (n - 1)
        slip(var, old_too, "the stored variance was right already: correct the batch's alone")
        expected = _averages(x, n / (n - 1))
        same(var, expected, f"running_var (x of shape {x.shape})")


@running_update.expect
def default_share():
    """Without a momentum, it must use 0.1."""
    arguments, _ = _update(IMAGES)
    mean, var = parts((yield arguments, {}), "running_mean", "running_var")
    same(mean, 0.9 * MEAN + 0.1 * IMAGES.mean(axis=(0, 2, 3)), "running_mean")
    same(var, 0.9 * VAR + 0.1 * IMAGES.var(axis=(0, 2, 3), ddof=1), "running_var")
