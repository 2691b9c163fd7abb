"""Any batch norm layer with plain arrays, such as the one learners write, as a module for `fit`."""

import numpy as np

from helpers.numpy_nn.module import Module, Parameter

METHODS = "forward", "backward", "train", "eval"
ARRAYS = "gamma", "beta", "running_mean", "running_var"


class _ArrayOf(Parameter):
    """A parameter that keeps nothing: `data` and `grad` are arrays of the layer, by name."""

    def __init__(self, layer, name):
        self.layer, self.name = layer, name

    @property
    def data(self):
        return getattr(self.layer, self.name)

    @data.setter
    def data(self, array):
        setattr(self.layer, self.name, array)

    @property
    def grad(self):
        return getattr(self.layer, f"d{self.name}", None)

    @grad.setter
    def grad(self, array):
        setattr(self.layer, f"d{self.name}", array)


class OwnLayer(Module):
    """A module around `layer`, which needs none of this library.

    The layer has forward(x), backward(dy), train() and eval(), and arrays gamma, beta,
    running_mean and running_var of one shape (C,); backward leaves the gradients in dgamma and
    dbeta. The parameters gamma and beta of this module are the layer's own arrays. The mode is the
    layer's attribute `training`, if it has one, else what was last set here.

    Raises TypeError for a layer without one of these, and at the call for a forward or backward
    that returns nothing, and a backward without dgamma and dbeta; ValueError for other shapes.
    """

    def __init__(self, layer):
        _require_contract(layer)
        self.layer = layer
        self.gamma, self.beta = _ArrayOf(layer, "gamma"), _ArrayOf(layer, "beta")
        self.frozen = False  # set by frozen_statistics

    @property
    def training(self):
        told = getattr(self.layer, "training", None)
        return told if isinstance(told, bool) else getattr(self, "_training", True)

    @training.setter
    def training(self, mode):
        self._training = mode
        (self.layer.train if mode else self.layer.eval)()

    def forward(self, x):
        layer = self.layer
        statistics = layer.running_mean, layer.running_var
        before = [np.copy(array) for array in statistics]
        y = self._of_shape(x, layer.forward(x), "forward")
        if self.frozen:  # whether the layer has replaced its arrays or changed them in place
            for array, values in zip(statistics, before, strict=True):
                array[...] = values
            layer.running_mean, layer.running_var = statistics
        return y

    def backward(self, dy):
        dx = self._of_shape(dy, self.layer.backward(dy), "backward")
        for parameter in (self.gamma, self.beta):
            name, shape = f"d{parameter.name}", np.shape(parameter.data)
            if parameter.grad is None:
                raise TypeError(f"{self._name}.backward has not set self.{name}")
            if np.shape(parameter.grad) != shape:
                raise ValueError(
                    f"{self._name}.{name} must have shape {shape}, not {np.shape(parameter.grad)}"
                )
        return dx

    @property
    def _name(self):
        return type(self.layer).__name__

    def _of_shape(self, given, result, method):
        """The result of a method, which has the shape of what the method was given."""
        if result is None or result is Ellipsis:
            mode = "training" if self.training else "eval"
            raise TypeError(f"{self._name}.{method} returns nothing in {mode} mode")
        if np.shape(result) != given.shape:
            raise ValueError(
                f"{self._name}.{method} got an array of shape {given.shape} and must return one of "
                f"that shape, not {np.shape(result)}"
            )
        return result


def _require_contract(layer):
    """Raise TypeError naming all that is missing, ValueError for arrays of different shapes."""
    name = type(layer).__name__
    methods = [f"{m}()" for m in METHODS if not callable(getattr(layer, m, None))]
    arrays = [a for a in ARRAYS if not isinstance(getattr(layer, a, None), np.ndarray)]
    if methods or arrays:
        raise TypeError(
            f"{name} cannot be trained: it lacks {', '.join(methods + arrays)}. A layer has the "
            f"methods {', '.join(METHODS)} and the arrays {', '.join(ARRAYS)}"
        )
    shapes = {array: getattr(layer, array).shape for array in ARRAYS}
    if len(shapes["gamma"]) != 1 or len(set(shapes.values())) > 1:
        told = ", ".join(f"{array} {shape}" for array, shape in shapes.items())
        raise ValueError(f"the arrays of {name} must all have one shape (C,), not {told}")
