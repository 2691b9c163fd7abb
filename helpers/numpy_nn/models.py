"""Build networks: `mlp`, `residual_mlp` and `cnn`; `deep_network` and `scaled_mlp` from them.

In all of them `norm` says what normalizes: False for nothing, True for BatchNorm, or a function
num_features -> Module, such as `lambda features: GroupNorm(8, features)`. The function, or class,
may also return a layer that is no Module but fits an `OwnLayer`, which is put around it. Only
linear layers and convolutions draw from `rng`: with the same seed, nets start from the same weights
whatever `norm` is.
"""

from itertools import pairwise

import numpy as np

from helpers.numpy_nn.blocks import Residual, Scale
from helpers.numpy_nn.module import Module
from helpers.numpy_nn.modules import BatchNorm, Conv2d, Flatten, Linear, ReLU, Sequential, Tanh
from helpers.numpy_nn.own_layer import OwnLayer


def mlp(
    sizes,
    rng,
    *,
    activation=ReLU,
    norm=False,
    norm_position="before",
    std=None,
    momentum=0.1,
    eps=1e-5,
):
    """Build Flatten, then Linear -> [norm] -> activation per hidden layer, then Linear.

    `sizes` lists the widths, input and output included: (64, 100, 100, 10) has two hidden layers.
    norm_position "after" puts the norm behind the activation. momentum and eps are those of
    BatchNorm, for norm=True.
    """
    *hidden, (last_in, classes) = pairwise(sizes)
    layers = [Flatten()]
    for fan_in, fan_out in hidden:
        linear = Linear(fan_in, fan_out, rng=rng, std=std)
        layer_norm = _norm(norm, fan_out, eps=eps, momentum=momentum)
        layers += _block(linear, layer_norm, activation(), norm_position)
    return Sequential(*layers, Linear(last_in, classes, rng=rng, std=std))


def residual_mlp(inputs, width, depth, classes, rng, *, norm=False, skip_init=None):
    """Build Flatten, Linear, `depth` blocks x + W relu(norm(x)), then ReLU and Linear.

    De & Smith 2020, section 2: the skip passes by the normalization. A number `skip_init` puts a
    trained scalar, at first that number, behind W; 0 is SkipInit (section 4).
    """
    layers = [Flatten(), Linear(inputs, width, rng=rng)]
    for _ in range(depth):
        branch = [_norm(norm, width), ReLU(), Linear(width, width, rng=rng)]
        if skip_init is not None:
            branch.append(Scale(skip_init))
        layers.append(Residual(*filter(None, branch)))
    return Sequential(*layers, ReLU(), Linear(width, classes, rng=rng))


def cnn(
    channels, rng, *, image_size=8, classes=10, activation=ReLU, norm=False, norm_position="before"
):
    """Build 3x3 Conv2d -> [norm] -> activation for each step of `channels`, then Linear.

    `channels` starts with those of the image: (1, 8, 16) has two convolutions. There is no padding
    and no stride: each convolution takes 2 pixels off the (square) image. norm_position as in
    `mlp`.
    """
    size = image_size - 2 * (len(channels) - 1)
    if size < 1:
        raise ValueError(
            f"{len(channels) - 1} convolutions of 3x3 do not fit into images of {image_size} pixels"
        )
    layers = []
    for channels_in, channels_out in pairwise(channels):
        conv = Conv2d(channels_in, channels_out, 3, rng=rng)
        layers += _block(conv, _norm(norm, channels_out), activation(), norm_position)
    return Sequential(*layers, Flatten(), Linear(channels[-1] * size**2, classes, rng=rng))


DEEP_ARMS = (
    "plain",
    "batch norm",
    "skips",
    "skips + batch norm",
    "SkipInit",
    "tanh",
    "tanh + batch norm",
)


def deep_network(arm: str, depth: int, seed: int, width: int = 32):
    """Build a network for flattened digits, with `depth` hidden layers or blocks.

    Without skips: "plain" and "batch norm" with ReLU and the weights of He et al. 2015; "tanh" and
    "tanh + batch norm" with orthogonal hidden weights (Saxe et al. 2014), times 1.1. With skips and
    ReLU, as in De & Smith 2020: "skips", "skips + batch norm", "SkipInit". ValueError for others.
    """
    if arm not in DEEP_ARMS:
        raise ValueError(f"no arm is called {arm!r}; there are: {', '.join(DEEP_ARMS)}")
    rng, norm = np.random.default_rng(seed), "batch norm" in arm
    if arm.startswith(("skips", "SkipInit")):
        skip_init = 0.0 if arm == "SkipInit" else None
        return residual_mlp(64, width, depth, 10, rng, norm=norm, skip_init=skip_init)
    sizes = (64, *[width] * depth, 10)
    if not arm.startswith("tanh"):
        return mlp(sizes, rng, norm=norm)
    model = mlp(sizes, rng, activation=Tanh, norm=norm, std=width**-0.5)
    for layer in model:
        if isinstance(layer, Linear) and layer.weight.data.shape == (width, width):
            layer.weight.data = 1.1 * np.linalg.qr(layer.weight.data)[0]
    return model


def scaled_mlp(norm: bool, gain: float, seed: int, **options):
    """Build an `mlp` of 64 inputs, five hidden layers of 64 ReLU units and 10 outputs.

    All weights are those of He et al. 2015 times `gain`. options: those of `mlp`.
    """
    model = mlp((64, *[64] * 5, 10), np.random.default_rng(seed), norm=norm, **options)
    for parameter in model.parameters():
        if parameter.name == "weight":
            parameter.data = gain * parameter.data
    return model


def _norm(norm, features, **options):
    if callable(norm):
        layer = norm(features)
        return layer if isinstance(layer, Module) else OwnLayer(layer)
    return BatchNorm(features, **options) if norm else None


def _block(layer, norm, activation, norm_position):
    """The three as a list in the order of norm_position; norm may be None."""
    if norm_position not in ("before", "after"):
        raise ValueError(f'norm_position must be "before" or "after", not {norm_position!r}')
    if norm is None:
        return [layer, activation]
    if norm_position == "before":
        return [layer, norm, activation]
    return [layer, activation, norm]
