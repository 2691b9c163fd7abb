"""Layers: parameters and state around the functions of `functional`."""

import numpy as np

from helpers.numpy_nn import functional as F
from helpers.numpy_nn.module import Module, Parameter


class Linear(Module):
    """y = x @ weight.T + bias; x (N, in_features), weight (out_features, in_features).

    Weights are drawn from N(0, std^2) by `rng`, a NumPy Generator, in float64; std defaults to
    sqrt(2 / in_features) (He et al. 2015, eq. 10). The bias starts at 0.
    """

    def __init__(self, in_features, out_features, bias=True, *, rng, std=None):
        std = np.sqrt(2 / in_features) if std is None else std
        self.weight = Parameter(std * rng.standard_normal((out_features, in_features)), "weight")
        self.bias = Parameter(np.zeros(out_features), "bias") if bias else None

    def forward(self, x):
        bias = None if self.bias is None else self.bias.data
        y, self.cache = F.linear(x, self.weight.data, bias)
        return y

    def backward(self, dy):
        dx, self.weight.grad, dbias = F.linear_backward(dy, self.cache)
        if self.bias is not None:
            self.bias.grad = dbias
        return dx


class Conv2d(Module):
    """Cross-correlation of (N, in_channels, H, W) with out_channels filters, square kernels.

    Weights are drawn like those of `Linear`, with in_channels * kernel_size^2 inputs per unit.
    """

    def __init__(
        self, in_channels, out_channels, kernel_size, stride=1, padding=0, bias=True, *, rng
    ):
        shape = (out_channels, in_channels, kernel_size, kernel_size)
        std = np.sqrt(2 / (in_channels * kernel_size**2))
        self.weight = Parameter(std * rng.standard_normal(shape), "weight")
        self.bias = Parameter(np.zeros(out_channels), "bias") if bias else None
        self.stride, self.padding = stride, padding

    def forward(self, x):
        bias = None if self.bias is None else self.bias.data
        y, self.cache = F.conv2d(x, self.weight.data, bias, self.stride, self.padding)
        return y

    def backward(self, dy):
        dx, self.weight.grad, dbias = F.conv2d_backward(dy, self.cache)
        if self.bias is not None:
            self.bias.grad = dbias
        return dx


class BatchNorm(Module):
    """Batch normalization over (N, C) or (N, C, *spatial), with PyTorch's semantics.

    In training mode normalizes with the batch's mean and biased variance, and moves the running
    statistics: running = (1 - momentum) * running + momentum * batch, with the unbiased variance.
    momentum=None takes the plain average of all batches so far. In eval mode normalizes with the
    running statistics. The batch's statistics of the last forward stay in `cache.mean` and
    `cache.var`.
    """

    def __init__(self, num_features, eps=1e-5, momentum=0.1):
        self.gamma = Parameter(np.ones(num_features), "gamma")
        self.beta = Parameter(np.zeros(num_features), "beta")
        self.running_mean = np.zeros(num_features)
        self.running_var = np.ones(num_features)
        self.num_batches_tracked = 0
        self.eps, self.momentum = eps, momentum
        self.frozen = False  # set by frozen_statistics

    def forward(self, x):
        gamma, beta = self.gamma.data, self.beta.data
        if self.training:
            y, self.cache = F.batch_norm(x, gamma, beta, self.eps)
            if not self.frozen:
                self._update(self.cache.mean, self.cache.var, count=x.size // x.shape[1])
            self._backward = F.batch_norm_backward
            return y
        self.cache = F.BatchNormCache(x, gamma, self.running_mean, self.running_var, self.eps)
        self._backward = F.batch_norm_inference_backward
        return F.batch_norm_inference(x, gamma, beta, self.running_mean, self.running_var, self.eps)

    def _update(self, mean, var, count):
        self.num_batches_tracked += 1
        weight = 1 / self.num_batches_tracked if self.momentum is None else self.momentum
        unbiased = var * (count / (count - 1))
        self.running_mean = (1 - weight) * self.running_mean + weight * mean
        self.running_var = (1 - weight) * self.running_var + weight * unbiased

    def backward(self, dy):
        dx, self.gamma.grad, self.beta.grad = self._backward(dy, self.cache)
        return dx


class _PerSampleNorm(Module):
    """A norm over values of one sample, the same in training and in eval mode."""

    def __init__(self, shape, bias=True, **options):
        self.gamma = Parameter(np.ones(shape), "gamma")
        self.beta = Parameter(np.zeros(shape), "beta") if bias else None
        self.options = options

    def forward(self, x):
        data = [parameter.data for parameter in self.parameters()]
        y, self.cache = self._forward(x, *data, **self.options)
        return y

    def backward(self, dy):
        dx, *gradients = self._backward(dy, self.cache)
        for parameter, gradient in zip(self.parameters(), gradients, strict=True):
            parameter.grad = gradient
        return dx


class LayerNorm(_PerSampleNorm):
    """Layer normalization over the trailing axes of shape normalized_shape, an int or a tuple."""

    _forward, _backward = staticmethod(F.layer_norm), staticmethod(F.layer_norm_backward)

    def __init__(self, normalized_shape, eps=1e-5):
        super().__init__(normalized_shape, eps=eps)


class GroupNorm(_PerSampleNorm):
    """Group normalization of (N, num_channels) or (N, num_channels, *spatial)."""

    _forward, _backward = staticmethod(F.group_norm), staticmethod(F.group_norm_backward)

    def __init__(self, num_groups, num_channels, eps=1e-5):
        super().__init__(num_channels, num_groups=num_groups, eps=eps)


class InstanceNorm(_PerSampleNorm):
    """Instance normalization of (N, num_features, *spatial).

    PyTorch's has no gamma and beta by default; this is its affine=True.
    """

    _forward, _backward = staticmethod(F.instance_norm), staticmethod(F.instance_norm_backward)

    def __init__(self, num_features, eps=1e-5):
        super().__init__(num_features, eps=eps)


class RMSNorm(_PerSampleNorm):
    """RMS normalization over the trailing axes of shape normalized_shape; it has no beta."""

    _forward, _backward = staticmethod(F.rms_norm), staticmethod(F.rms_norm_backward)

    def __init__(self, normalized_shape, eps=1e-5):
        super().__init__(normalized_shape, bias=False, eps=eps)


class _Function(Module):
    """A layer without parameters: a pair of functions from `functional`."""

    def forward(self, x):
        y, self.cache = self._forward(x)
        return y

    def backward(self, dy):
        return self._backward(dy, self.cache)


class ReLU(_Function):
    """max(x, 0)."""

    _forward, _backward = staticmethod(F.relu), staticmethod(F.relu_backward)


class Sigmoid(_Function):
    """1 / (1 + exp(-x))."""

    _forward, _backward = staticmethod(F.sigmoid), staticmethod(F.sigmoid_backward)


class Tanh(_Function):
    """tanh(x)."""

    _forward, _backward = staticmethod(F.tanh), staticmethod(F.tanh_backward)


class GlobalAvgPool2d(_Function):
    """The mean of each channel: (N, C, H, W) -> (N, C)."""

    _forward = staticmethod(F.global_avg_pool2d)
    _backward = staticmethod(F.global_avg_pool2d_backward)


class MaxPool2d(_Function):
    """The largest value of each window, windows side by side."""

    _backward = staticmethod(F.max_pool2d_backward)

    def __init__(self, kernel_size):
        self.kernel_size = kernel_size

    def _forward(self, x):
        return F.max_pool2d(x, self.kernel_size)


class AvgPool2d(_Function):
    """The mean of each window, windows side by side."""

    _backward = staticmethod(F.avg_pool2d_backward)

    def __init__(self, kernel_size):
        self.kernel_size = kernel_size

    def _forward(self, x):
        return F.avg_pool2d(x, self.kernel_size)


class Dropout(Module):
    """In training mode sets each value to 0 with probability p; in eval mode does nothing."""

    def __init__(self, p, rng):
        self.p, self.rng = p, rng

    def forward(self, x):
        if not self.training:
            self.cache = None
            return x
        y, self.cache = F.dropout(x, self.p, self.rng)
        return y

    def backward(self, dy):
        return dy if self.cache is None else F.dropout_backward(dy, self.cache)


class Flatten(Module):
    """(N, ...) -> (N, features)."""

    def forward(self, x):
        self.shape = x.shape
        return x.reshape(len(x), -1)

    def backward(self, dy):
        return dy.reshape(self.shape)


class Sequential(Module):
    """Layers one after the other. Can be indexed, sliced and iterated over."""

    def __init__(self, *layers):
        self.layers = layers

    def __len__(self):
        return len(self.layers)

    def __iter__(self):
        return iter(self.layers)

    def __getitem__(self, index):
        found = self.layers[index]
        return Sequential(*found) if isinstance(index, slice) else found

    def children(self):
        return self.layers

    def activations(self, x):
        """Yield (layer, output) for one layer after the other."""
        for layer in self.layers:
            x = layer(x)
            yield layer, x

    def forward(self, x):
        for layer in self.layers:
            x = layer.forward(x)
        return x

    def backward(self, dy):
        for layer in reversed(self.layers):
            dy = layer.backward(dy)
        return dy
