"""Optimizers."""


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
