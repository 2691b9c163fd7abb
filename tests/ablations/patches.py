"""What an ablation takes away. A notebook's kernel calls one of these before its first cell.

Each replaces functions of helpers, so that notebooks and layers alike lose the thing.
"""

import numpy as np

from helpers.numpy_nn import blocks, modules
from helpers.numpy_nn import functional as F


def identity():
    """Batch norm returns its input: nothing is normalized, in training and in eval mode."""
    batch_norm = F.batch_norm

    def forward(x, gamma, beta, eps=1e-5):
        # The real cache: code that reads the batch's statistics from it still finds them. Where a
        # network without a norm explodes there are none: then those of a batch of zeros.
        try:
            _, cache = batch_norm(x, gamma, beta, eps)
        except OverflowError:
            _, cache = batch_norm(np.zeros_like(x), gamma, beta, eps)
        return x.copy(), cache

    def backward(dy, cache):
        return dy.copy(), np.zeros(dy.shape[1]), np.zeros(dy.shape[1])

    F.batch_norm = forward
    F.batch_norm_backward = F.batch_norm_inference_backward = backward
    F.batch_norm_inference = lambda x, gamma, beta, mean, var, eps=1e-5: x.copy()


def linear_activation():
    """Activations return their input."""
    for name, layer in [
        ("relu", modules.ReLU),
        ("sigmoid", modules.Sigmoid),
        ("tanh", modules.Tanh),
    ]:
        setattr(F, name, lambda x: (x.copy(), None))
        setattr(F, f"{name}_backward", lambda dy, cache: dy.copy())
        layer._forward = staticmethod(getattr(F, name))
        layer._backward = staticmethod(getattr(F, f"{name}_backward"))


def constant_statistics():
    """The backward pass takes mean and variance for constants."""
    F.batch_norm_backward = F.batch_norm_inference_backward


def never_updated():
    """The running statistics stay at 0 and 1."""
    modules.BatchNorm._update = lambda self, mean, var, count: None


def biased_running():
    """The running variance averages the biased variance."""
    update = modules.BatchNorm._update

    def biased(self, mean, var, count):
        update(self, mean, var * (count - 1) / count, count)

    modules.BatchNorm._update = biased


def no_instance_norm():
    """Instance norm returns its input."""

    def backward(dy, cache):
        return dy.copy(), np.zeros(dy.shape[1]), np.zeros(dy.shape[1])

    F.instance_norm = lambda x, gamma, beta, eps=1e-5: (x.copy(), None)
    F.instance_norm_backward = backward
    modules.InstanceNorm._forward = staticmethod(F.instance_norm)
    modules.InstanceNorm._backward = staticmethod(F.instance_norm_backward)


def no_noise():
    """DistributionNoise returns its input."""

    def forward(self, x):
        self.cache = None
        return x

    blocks.DistributionNoise.forward = forward


def cut_skips():
    """A residual block is its branch alone."""
    blocks.Residual.forward = lambda self, x: self.branch(x)
    blocks.Residual.backward = lambda self, dy: self.branch.backward(dy)


def mean_left_out():
    """Folding forgets the running mean."""
    from helpers.torch_nn import folding  # PyTorch takes seconds that other notebooks save

    scale_and_shift = folding.scale_and_shift

    def without_mean(bn):
        scale, shift = scale_and_shift(bn)
        return scale, shift + scale * bn.running_mean.double()

    folding.scale_and_shift = without_mean
