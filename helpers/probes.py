"""Measure a network in training without disturbing it.

Every probe runs the network in training mode: the batch at hand normalizes, dropout and noise are
on. Afterwards all is as before: parameters, gradients, running statistics, modes, and where random
generators stand. `loss` is a pair of functions, forward and backward.
"""

from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np

from helpers.numpy_nn import functional as F
from helpers.numpy_nn.modules import BatchNorm, ReLU, Sigmoid, Tanh
from helpers.numpy_nn.state import saved_generators, saved_state

CROSS_ENTROPY = (F.softmax_cross_entropy, F.softmax_cross_entropy_backward)
SQUARED_ERROR = (F.mse_loss, F.mse_loss_backward)
STEPS = np.linspace(0.5, 4, 8)  # of the learning rate


@contextmanager
def undisturbed(model):
    """Put `model` into training mode, to be run and changed; afterwards all is as before."""
    restore = saved_state(model)
    try:
        yield model.train()
    finally:
        restore()


def activation_inputs(model, x):
    """Return what arrives at every activation of a Sequential: a list of arrays (N, C)."""
    with undisturbed(model):
        inputs = []
        for layer in model:
            if isinstance(layer, (ReLU, Sigmoid, Tanh)):
                inputs.append(x)
            x = layer(x)
    return inputs


def activation_percentiles(model, x, q=(15, 50, 85)):
    """Return the percentiles over the batch of every activation's inputs: (layers, len(q), C).

    The picture of Ioffe & Szegedy 2015, Figure 1 b and c. All layers must have the same width C.
    """
    return np.array([np.percentile(inputs, q, axis=0) for inputs in activation_inputs(model, x)])


def mean_shift(before, after):
    """Return how far each unit's mean over the batch has moved: (N, C), (N, C) -> (C,)."""
    return np.abs(after.mean(axis=0) - before.mean(axis=0))


def wasserstein_1(before, after):
    """Return the Wasserstein-1 distance of each unit's two samples: (N, C), (N, C) -> (C,).

    The mean distance that values must travel to turn one sample into the other: with equally many
    values, sorted against sorted.
    """
    return np.abs(np.sort(after, axis=0) - np.sort(before, axis=0)).mean(axis=0)


@dataclass(frozen=True)
class GradientChange:
    """How the gradient of some layers' weights changes when the layers before them take a step.

    l2: |G' - G|; relative: |G' - G| / |G|; cosine of the angle between G and G'. Each (layers,).
    """

    l2: np.ndarray
    relative: np.ndarray
    cosine: np.ndarray


def gradient_change(model, x, y, lr, *, layers=None, loss=CROSS_ENTROPY):
    """Measure internal covariate shift as Santurkar et al. 2018, Definition 2.1, do.

    G is the gradient of a layer's weights; G' the gradient on the same batch after all parameters
    before that layer took their step -lr * gradient. A layer with weights and what follows it up to
    the next (its bias, gamma, beta) step together. `layers` counts the layers with weights from 0;
    by default all but layer 0, which has nothing before it.
    """
    with undisturbed(model):
        run = _Runs(model, x, y, loss)
        run()
        groups = _parameter_groups(model)
        layers = range(1, len(groups)) if layers is None else sorted(layers)
        gradients = [[parameter.grad for parameter in group] for group in groups]
        before = [_weight(groups[i]).grad.ravel() for i in layers]
        after, stepped = [], 0
        for i in layers:
            for group, steps in zip(groups[stepped:i], gradients[stepped:i], strict=True):
                _step(group, steps, lr)
            stepped = i
            run()
            after.append(_weight(groups[i]).grad.ravel())
    pairs = list(zip(before, after, strict=True))
    l2 = np.array([np.linalg.norm(h - g) for g, h in pairs])
    norm = np.array([np.linalg.norm(g) for g, _ in pairs])
    new_norm = np.array([np.linalg.norm(h) for _, h in pairs])
    product = np.array([g @ h for g, h in pairs])
    return GradientChange(l2, l2 / norm, product / (norm * new_norm))


@dataclass(frozen=True)
class AlongGradient:
    """What is met on a line from where the network stands along its negative gradient.

    start: the loss there; gradient_norm: the gradient's. For each step, (steps,): loss;
    gradient_change = |G' - G| over all parameters; smoothness = gradient_change / distance walked,
    whose maximum Santurkar et al. 2018 call the effective beta-smoothness.
    """

    start: float
    gradient_norm: float
    loss: np.ndarray
    gradient_change: np.ndarray
    smoothness: np.ndarray


def along_gradient(model, x, y, lr, *, steps=STEPS, loss=CROSS_ENTROPY):
    """Look along the gradient: Santurkar et al. 2018, section 3.2 and Figure 4.

    A step c leads to parameters - c * lr * gradient, on the same batch.
    """
    with undisturbed(model):
        parameters = model.parameters()
        run = _Runs(model, x, y, loss)
        start = run()
        gradients = [parameter.grad for parameter in parameters]
        origin = [parameter.data for parameter in parameters]
        losses, changes = [], []
        for step in steps:
            for parameter, data in zip(parameters, origin, strict=True):
                parameter.data = data
            _step(parameters, gradients, step * lr)
            losses.append(run())
            new = (parameter.grad for parameter in parameters)
            changes.append(_norm(g - h for g, h in zip(new, gradients, strict=True)))
    norm = _norm(gradients)
    distances = np.asarray(steps) * lr * norm
    changes = np.array(changes)
    return AlongGradient(start, norm, np.array(losses), changes, changes / distances)


def gradient_norms(model, x, dy):
    """Return the norms of the loss's gradient between the layers of a Sequential.

    dy is the gradient at the output. Entry l is the norm at the input of layer l, the last entry
    that of dy: (len(model) + 1,).
    """
    with undisturbed(model):
        model(x)
        norms = [np.linalg.norm(dy)]
        for layer in reversed(list(model)):
            dy = layer.backward(dy)
            norms.append(np.linalg.norm(dy))
    return np.array(norms[::-1])


def growth_rate(norms):
    """Return the factor by which squared norms grow from each entry to the one before it.

    Fitted to log(norms) by least squares: Yang et al. 2019 call it the rate of explosion.
    """
    slope = np.polyfit(np.arange(len(norms)), np.log(norms), 1)[0]
    return float(np.exp(-2 * slope))


def angle(before, after):
    """Return by how many radians each unit's weights have turned: (units, inputs) -> (units,)."""
    u = before / np.linalg.norm(before, axis=1, keepdims=True)
    v = after / np.linalg.norm(after, axis=1, keepdims=True)
    # arccos(u @ v) would lose half the digits of a small angle.
    return 2 * np.arctan2(np.linalg.norm(u - v, axis=1), np.linalg.norm(u + v, axis=1))


def effective_learning_rate(weight, lr):
    """Return lr / |w|^2 for each unit: (units, inputs) -> (units,).

    The rate at which the direction of weights in front of batch norm learns (van Laarhoven 2017).
    """
    return lr / np.square(weight).sum(axis=1)


def statistics_noise(model, x, batch_size, rng, *, batches=200):
    """Measure how much the means that BatchNorm layers see vary from batch to batch.

    Draws batches from x without putting back. Returns one array (C,) per BatchNorm: the standard
    deviation of the batch mean over batches, divided by the unit's standard deviation when x as a
    whole is the batch. With N samples theory says sqrt((1 - batch_size / N) / batch_size) for a
    layer whose inputs do not depend on the batch, up to the factor sqrt(N / (N - 1)).
    """
    with undisturbed(model):
        layers = [module for module in model.modules() if isinstance(module, BatchNorm)]
        model(x)
        std = [np.sqrt(layer.cache.var) for layer in layers]
        means = []
        for _ in range(batches):
            model(x[rng.choice(len(x), batch_size, replace=False)])
            means.append([layer.cache.mean for layer in layers])
    by_layer = zip(*means, strict=True)
    return [np.std(of_layer, axis=0) / s for of_layer, s in zip(by_layer, std, strict=True)]


class _Runs:
    """A call goes forward and backward on one batch, with the same noise each time: the loss."""

    def __init__(self, model, x, y, loss):
        self.model, self.x, self.y = model, x, y
        self.forward, self.backward = loss
        self.rewind = saved_generators(model)

    def __call__(self):
        self.rewind()
        loss, cache = self.forward(self.model(self.x), self.y)
        self.model.backward(self.backward(1.0, cache))
        return loss


def _parameter_groups(model):
    """Parameters in the order of layers, one group per weight; what follows it is in its group."""
    groups = [[]]
    for parameter in model.parameters():
        if parameter.name == "weight" and any(p.name == "weight" for p in groups[-1]):
            groups.append([])
        groups[-1].append(parameter)
    return groups


def _weight(group):
    return next(parameter for parameter in group if parameter.name == "weight")


def _step(parameters, gradients, lr):
    for parameter, gradient in zip(parameters, gradients, strict=True):
        parameter.data = parameter.data - lr * gradient


def _norm(arrays):
    return float(np.sqrt(sum(np.vdot(array, array) for array in arrays)))
