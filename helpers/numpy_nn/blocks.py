"""Modules made of modules, and the parts they need: residual blocks, batch norm with noise."""

import numpy as np

from helpers.numpy_nn.module import Module, Parameter
from helpers.numpy_nn.modules import BatchNorm, Sequential


class Residual(Module):
    """y = x + branch(x), the branch being `layers` one after the other (He et al. 2016)."""

    def __init__(self, *layers):
        self.branch = Sequential(*layers)

    def forward(self, x):
        return x + self.branch(x)

    def backward(self, dy):
        return dy + self.branch.backward(dy)


class Scale(Module):
    """y = alpha * x with one trained number alpha.

    At the end of a residual branch, with alpha = 0 at first, it is SkipInit (De & Smith 2020,
    section 4): every block starts as the identity.
    """

    def __init__(self, alpha):
        self.alpha = Parameter(np.array(float(alpha)), "alpha")

    def forward(self, x):
        self.cache = x
        return self.alpha.data.astype(x.dtype) * x

    def backward(self, dy):
        self.alpha.grad = np.sum(dy * self.cache)
        return self.alpha.data.astype(dy.dtype) * dy


class DistributionNoise(Module):
    """In training mode moves and stretches every unit's distribution anew at each forward pass.

    The noise of Santurkar et al. 2018, appendix A: per unit a shift mu ~ U(-shift, shift) and a
    stretch sigma ~ U(1, stretch); per value m ~ U(mu - 0.1, mu + 0.1) and s ~ N(sigma, 0.1^2);
    y = s * x + m. For x of shape (N, C). `rng` is a NumPy Generator.
    """

    def __init__(self, rng, shift=0.5, stretch=1.25):
        self.rng, self.shift, self.stretch = rng, shift, stretch

    def forward(self, x):
        if not self.training:
            self.cache = None
            return x
        mu = self.rng.uniform(-self.shift, self.shift, x.shape[1])
        sigma = self.rng.uniform(1, self.stretch, x.shape[1])
        m = self.rng.uniform(mu - 0.1, mu + 0.1, x.shape)
        self.cache = self.rng.normal(sigma, 0.1, x.shape).astype(x.dtype)
        return self.cache * x + m.astype(x.dtype)

    def backward(self, dy):
        return dy if self.cache is None else self.cache * dy


class NoisyBatchNorm(Sequential):
    """BatchNorm, then DistributionNoise: Santurkar et al. 2018, section 2.1 and appendix A."""

    def __init__(self, num_features, rng, shift=0.5, stretch=1.25):
        super().__init__(BatchNorm(num_features), DistributionNoise(rng, shift, stretch))
