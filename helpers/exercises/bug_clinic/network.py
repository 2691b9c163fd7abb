"""A small network with a place for faults: linear, batch norm, ReLU, linear, cross-entropy.

`agrees` is a gradient check of all its parameters at once. The faults are what it should find.
"""

import numpy as np

from helpers.numpy_nn import functional as F
from helpers.numpy_nn.gradcheck import numerical_gradient

FEATURES, HIDDEN, CLASSES = 5, 4, 3
# So small that it plays no part, however close together two samples happen to lie.
EPS = 1e-12

_rng = np.random.default_rng(183)
PARAMETERS = {
    "weight1": _rng.normal(size=(HIDDEN, FEATURES)),
    "gamma": _rng.uniform(0.5, 2, size=HIDDEN),
    "beta": _rng.uniform(-0.3, 0.3, size=HIDDEN),
    "weight2": _rng.normal(size=(CLASSES, HIDDEN)),
    "bias2": _rng.normal(size=CLASSES),
}


def _forward(p, x, labels):
    u, first = F.linear(x, p["weight1"])
    normalized, norm = F.batch_norm(u, p["gamma"], p["beta"], EPS)
    h, relu = F.relu(normalized)
    logits, second = F.linear(h, p["weight2"], p["bias2"])
    loss, entropy = F.softmax_cross_entropy(logits, labels)
    return loss, (first, norm, relu, second, entropy)


def gradients(x, labels, *, norm=F.batch_norm_backward, first=F.linear_backward):
    """Return the gradient of the loss by every parameter: {name: array}.

    norm and first are the backward passes of batch norm and of the first linear layer.
    """
    _, (first_cache, norm_cache, relu, second, entropy) = _forward(PARAMETERS, x, labels)
    dlogits = F.softmax_cross_entropy_backward(1.0, entropy)
    dh, dweight2, dbias2 = F.linear_backward(dlogits, second)
    du, dgamma, dbeta = norm(F.relu_backward(dh, relu), norm_cache)
    _, dweight1, _ = first(du, first_cache)
    return dict(zip(PARAMETERS, (dweight1, dgamma, dbeta, dweight2, dbias2), strict=True))


def agrees(x, labels, **fault) -> bool:
    """Whether every gradient equals the central difference, to 1e-5 plus a thousandth of it.

    x is (N, FEATURES) in float64, labels are (N,) in [0, CLASSES). fault is one of FAULTS' values.
    """
    for name, gradient in gradients(x, labels, **fault).items():
        truth = numerical_gradient(
            lambda value, name=name: _forward(PARAMETERS | {name: value}, x, labels)[0],
            PARAMETERS[name],
        )
        if not np.allclose(gradient, truth, rtol=1e-3, atol=1e-5):
            return False
    return True


def _norm_twice(dy, cache):
    dx, dgamma, dbeta = F.batch_norm_backward(dy, cache)
    return 2 * dx, dgamma, dbeta


def _norm_without_x_hat(dy, cache):
    _, dgamma, dbeta = F.batch_norm_backward(dy, cache)
    return cache.gamma / np.sqrt(cache.var + cache.eps) * (dy - dy.mean(axis=0)), dgamma, dbeta


def _first_twice(dy, cache):
    dx, dweight, dbias = F.linear_backward(dy, cache)
    return dx, 2 * dweight, dbias


def _first_zero(dy, cache):
    dx, dweight, dbias = F.linear_backward(dy, cache)
    return dx, 0 * dweight, dbias


FAULTS = {
    "batch norm's dx lacks a term": {"norm": _norm_without_x_hat},
    "batch norm takes its statistics for constants": {"norm": F.batch_norm_inference_backward},
    "batch norm's dx is twice too large": {"norm": _norm_twice},
    "the first layer's gradient is twice too large": {"first": _first_twice},
    "the first layer's gradient is zero": {"first": _first_zero},
}
