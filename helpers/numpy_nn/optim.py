"""Optimizers."""

import numpy as np


class SGD:
    """Stochastic gradient descent with momentum and weight decay, PyTorch's update rule.

    g = grad + weight_decay * data;  velocity = momentum * velocity + g (first step: g);
    data = data - lr * velocity. The learning rate stands outside the velocity, unlike in
    Sutskever et al. 2013; with a constant rate the two are the same.
    """

    def __init__(self, parameters, lr, momentum=0.0, weight_decay=0.0):
        for name, value in (("lr", lr), ("momentum", momentum), ("weight_decay", weight_decay)):
            if not value >= 0:
                raise ValueError(f"{name} must be zero or positive, not {value}")
        self.parameters = list(parameters)
        self.lr, self.momentum, self.weight_decay = lr, momentum, weight_decay
        self._velocities = [0.0] * len(self.parameters)

    def step(self):
        """Update every parameter from its gradient. Arrays are replaced, never changed in place."""
        for i, parameter in enumerate(self.parameters):
            if parameter.grad is None:
                raise ValueError(f"{parameter.name} has no gradient yet: call backward first")
            update = parameter.grad
            if self.weight_decay:
                update = update + self.weight_decay * parameter.data
            if self.momentum:
                update = self._velocities[i] = self.momentum * self._velocities[i] + update
            parameter.data = parameter.data - float(self.lr) * update


class Adam:
    """Adam, PyTorch's update rule (Kingma & Ba 2015, Algorithm 1); weight decay as in SGD.

    g = grad + weight_decay * data; the running means of g and g**2, each divided by
    1 - beta**steps, give m and v; data = data - lr * m / (sqrt(v) + eps).
    """

    def __init__(self, parameters, lr, weight_decay=0.0, betas=(0.9, 0.999), eps=1e-8):
        for name, value in (("lr", lr), ("weight_decay", weight_decay), ("eps", eps)):
            if not value >= 0:
                raise ValueError(f"{name} must be zero or positive, not {value}")
        if not all(0 <= beta < 1 for beta in betas):
            raise ValueError(f"betas must lie in [0, 1), not {betas}")
        self.parameters = list(parameters)
        self.lr, self.weight_decay, self.betas, self.eps = lr, weight_decay, betas, eps
        self._steps = 0
        self._means = [(0.0, 0.0)] * len(self.parameters)

    def step(self):
        """Update every parameter from its gradient. Arrays are replaced, never changed in place."""
        self._steps += 1
        for i, parameter in enumerate(self.parameters):
            if parameter.grad is None:
                raise ValueError(f"{parameter.name} has no gradient yet: call backward first")
            gradient = parameter.grad + self.weight_decay * parameter.data
            means = [
                beta * mean + (1 - beta) * value
                for beta, mean, value in zip(
                    self.betas, self._means[i], (gradient, gradient**2), strict=True
                )
            ]
            self._means[i] = tuple(means)
            m, v = (
                mean / (1 - beta**self._steps) for beta, mean in zip(self.betas, means, strict=True)
            )
            parameter.data = parameter.data - float(self.lr) * m / (np.sqrt(v) + self.eps)
