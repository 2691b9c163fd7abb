"""What every layer is: parameters, a forward and a backward pass, a mode."""

from itertools import chain


class Parameter:
    """An array that training changes: `data`, its gradient `grad` (None at first), a `name`."""

    def __init__(self, data, name):
        self.data = data
        self.grad = None
        self.name = name

    def __repr__(self):
        return f"Parameter({self.name}, shape={self.data.shape})"


class Module:
    """A layer. `forward` keeps what `backward` needs; `backward` sets every parameter's `grad`.

    Gradients are replaced at every backward pass, not added up as in PyTorch. Attributes that are
    a Parameter or a Module are found by themselves.
    """

    training = True

    def forward(self, x):
        raise NotImplementedError

    def backward(self, dy):
        raise NotImplementedError

    def __call__(self, x):
        return self.forward(x)

    def children(self):
        """Return the modules directly inside this one."""
        return [value for value in vars(self).values() if isinstance(value, Module)]

    def modules(self):
        """Yield this module and all modules inside it."""
        yield self
        for child in self.children():
            yield from child.modules()

    def parameters(self):
        """Return a list of all parameters, those of inner modules included."""
        values = chain.from_iterable(vars(module).values() for module in self.modules())
        return [value for value in values if isinstance(value, Parameter)]

    def train(self, mode=True):
        """Put this module and all inside it into training mode; returns the module."""
        for module in self.modules():
            module.training = mode
        return self

    def eval(self):
        """Put this module and all inside it into inference mode; returns the module."""
        return self.train(False)
