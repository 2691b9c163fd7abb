"""Optimizers."""

import numpy as np


class _Optimizer:
    """What every optimizer has: parameters, a learning rate, weight decay."""

    def __init__(self, parameters, lr, weight_decay, **settings):
        for name, value in {"lr": lr, "weight_decay": weight_decay, **settings}.items():
            if not value >= 0:
                raise ValueError(f"{name} must be zero or positive, not {value}")
        self.parameters = list(parameters)
        self.lr, self.weight_decay = lr, weight_decay

    def step(self):
        """Update every parameter from its gradient. Arrays are replaced, never changed in place."""
        for i, parameter in enumerate(self.parameters):
            if parameter.grad is None:
                raise ValueError(f"{parameter.name} has no gradient yet: call backward first")
            gradient = parameter.grad
            if self.weight_decay:
                gradient = gradient + self.weight_decay * parameter.data
            parameter.data = parameter.data - self._move(i, gradient)

    def _move(self, i, gradient):
        """What is taken from parameter i; called once per step."""
        raise NotImplementedError


class SGD(_Optimizer):
    """Stochastic gradient descent with momentum and weight decay, PyTorch's update rule.

    g = grad + weight_decay * data;  velocity = momentum * velocity + g (first step: g);
    data = data - lr * velocity. The learning rate stands outside the velocity, unlike in
    Sutskever et al. 2013; with a constant rate the two are the same.
    """

    def __init__(self, parameters, lr, momentum=0.0, weight_decay=0.0):
        super().__init__(parameters, lr, weight_decay, momentum=momentum)
        self.momentum = momentum
        self._velocities = [0.0] * len(self.parameters)

    def _move(self, i, gradient):
        if self.momentum:
            gradient = self._velocities[i] = self.momentum * self._velocities[i] + gradient
        return float(self.lr) * gradient


class Adam(_Optimizer):
    """Adam, PyTorch's update rule (Kingma & Ba 2015, Algorithm 1); weight decay as in SGD.

    g = grad + weight_decay * data; the running means of g and g**2, each divided by
    1 - beta**steps, give m and v; data = data - lr * m / (sqrt(v) + eps).
    """

    def __init__(self, parameters, lr, weight_decay=0.0, betas=(0.9, 0.999), eps=1e-8):
        super().__init__(parameters, lr, weight_decay, eps=eps)
        if not all(0 <= beta < 1 for beta in betas):
            raise ValueError(f"betas must lie in [0, 1), not {betas}")
        self.betas, self.eps = betas, eps
        self._steps = 0
        self._means, self._squares = ([0.0] * len(self.parameters) for _ in betas)

    def step(self):
        """Update every parameter from its gradient. Arrays are replaced, never changed in place."""
        self._steps += 1
        super().step()

    def _move(self, i, gradient):
        first, second = self.betas
        self._means[i] = first * self._means[i] + (1 - first) * gradient
        self._squares[i] = second * self._squares[i] + (1 - second) * gradient**2
        m = self._means[i] / (1 - first**self._steps)
        v = self._squares[i] / (1 - second**self._steps)
        return float(self.lr) * m / (np.sqrt(v) + self.eps)
