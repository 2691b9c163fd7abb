"""Bugs in running averages."""

import numpy as np
import torch
from torch import nn

from helpers.exercises.bug_clinic.formulas import BETA, EPS, GAMMA, MEAN, C, X
from helpers.exercises.engine import array_like, exercise, parts, same, slip

_rng = np.random.default_rng(184)
VAR = np.array([1.5, 9.0, 0.4, 5.0])
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
    """That must hold for all values, negative ones too, and for a momentum of 0 or 1."""
    for momentum in (0.0, 0.3, 1.0):
        stored = yield (MEAN, BETA), {"momentum": momentum}
        same(stored, MEAN + momentum * (BETA - MEAN), f"stored (momentum {momentum:g})")


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


def _layer(result):
    wrong = f"return a torch.nn.BatchNorm1d, not {type(result).__name__}"
    assert isinstance(result, nn.BatchNorm1d), wrong
    assert result.weight is not None, "the layer has no gamma and beta: affine is False"
    no_memory = "the layer has no running statistics: track_running_stats is False"
    assert result.running_mean is not None, no_memory
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
        same(y, expected, f"y (epsilon {epsilon:g})")


@ported_layer.expect
def still_learns():
    """It must come in training mode, normalize a batch with its own statistics, and learn."""
    layer = _layer((yield (KERAS,), {}))
    assert layer.training, "the layer is in eval mode: a new layer starts in training mode"
    frozen = [name for name, p in layer.named_parameters() if not p.requires_grad]
    assert not frozen, f"{' and '.join(frozen)} cannot be trained: requires_grad is False"
    y = layer(torch.tensor(X, dtype=layer.weight.dtype))
    same(y, GAMMA * (X - X.mean(axis=0)) / np.sqrt(X.var(axis=0) + 1e-3) + BETA, "y")


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
    same(layer.running_mean, 0.99 * MEAN + 0.01 * X.mean(axis=0), "running_mean")


@ported_layer.expect
def other_momentum():
    """The same must hold for other layers, with other values of momentum."""
    for momentum in (0.9, 0.3):
        layer = _layer((yield (KERAS | {"momentum": momentum},), {}))
        layer(torch.tensor(X, dtype=layer.weight.dtype))
        expected = momentum * MEAN + (1 - momentum) * X.mean(axis=0)
        same(layer.running_mean, expected, f"running_mean (momentum {momentum:g} in Keras)")


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
    return tuple(torch.tensor(a) for a in (MEAN, VAR, x)), {"momentum": momentum}


def _averages(x, factor):
    """The running variance if the batch's biased variance is multiplied by a factor."""
    return (1 - MOMENTUM) * VAR + MOMENTUM * factor * x.var(axis=(0, 2, 3))


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
    """running_var must be that of nn.BatchNorm2d, for any number of images and positions."""
    for shape in ((3, C, 2, 1), (2, C, 1, 1), (4, C, 1, 3), (2, C, 5, 5)):
        x = np.resize(IMAGES, shape)
        _, var = parts((yield _update(x)), "running_mean", "running_var")
        var, n = array_like(var, "running_var", shape=(C,)), x[:, 0].size
        if len(x) not in (1, n):
            images = len(x) / (len(x) - 1)
            slip(var, _averages(x, images), "count the values of a channel, not the images")
        slip(var, _averages(x, n**2 / (n - 1) ** 2), "the factor was applied twice")
        slip(var, _averages(x, (n - 1) / n), "the factor is the wrong way round")
        old_too = _averages(x, 1) * n / (n - 1)
        slip(var, old_too, "the stored variance was right already: correct the batch's alone")
        expected = _averages(x, n / (n - 1))
        same(var, expected, f"running_var (x of shape {x.shape})")
