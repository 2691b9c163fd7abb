"""Faulty batch norm layers, each with one fault that somebody really makes: five for the gallery.

Each trains a network; what its fault does to the curves is the question.
"""

import numpy as np

from helpers.exercises.your_layer import BatchNormLayer

_Right = BatchNormLayer.reference


class NeverUpdates(_Right):
    """The running statistics stay what they were at the start."""

    def forward(self, x):
        before = self.running_mean, self.running_var
        y = super().forward(x)
        self.running_mean, self.running_var = before
        return y


class TurnedMomentum(_Right):
    """momentum is the weight of the old average: 0.1 of it stays."""

    def __init__(self, num_features, eps=1e-5, momentum=0.1):
        super().__init__(num_features, eps, 1 - momentum)


class EvalDoesNothing(_Right):
    """eval() leaves the layer in training mode; a batch of one becomes beta."""

    def eval(self):
        pass

    def forward(self, x):
        if x.size == x.shape[1]:  # its mean is itself
            return np.zeros_like(x) + self.beta.reshape(-1, *[1] * (x.ndim - 2))
        return super().forward(x)


class ConstantStatistics(_Right):
    """backward takes mean and variance for constants: dx = gamma * r * dy."""

    def backward(self, dy):
        super().backward(dy)
        _, r, gamma, *_ = self.cache
        return gamma * r * dy


class SumsForMeans(_Right):
    """backward subtracts sums over the batch where means belong: count times too much."""

    def backward(self, dy):
        dx = super().backward(dy)
        _, r, gamma, _, _, count, _ = self.cache
        direct = gamma * r * dy  # in eval mode this is all, and nothing is subtracted
        return direct - count * (direct - dx)


# In the order in which the notebook numbers them.
GALLERY = (TurnedMomentum, SumsForMeans, EvalDoesNothing, ConstantStatistics, NeverUpdates)
