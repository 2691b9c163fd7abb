"""Build networks in PyTorch: `mlp`, `vgg` and `resnet`.

In all of them `norm` says what normalizes:

- "batch": nn.BatchNorm1d or nn.BatchNorm2d; "ours": the ones from `helpers.torch_nn.batchnorm`;
- "group": GroupNorm with GROUP_SIZE features in a group; "layer": each sample as a whole
  (LayerNorm, and for images GroupNorm with one group, as Wu & He 2018, section 3.1);
- "none": nothing;
- or a function num_features -> Module.

Only convolutions and linear layers draw from `rng`, a NumPy Generator, in the order of the layers:
with the same seed, nets start from the same weights on every machine, whatever `norm` is. A layer
in front of a norm has no bias, because the norm adds its own.
"""

from itertools import pairwise

import numpy as np
import torch
from torch import nn

from helpers.torch_nn import batchnorm

# With 8 channels or more in a group it makes little difference how many (Wu & He 2018, section
# 4.1, "group division"), and very few do harm: a group of two features has only the outputs -1, 1.
GROUP_SIZE = 8


def mlp(sizes, rng, *, norm="batch", activation=nn.ReLU):
    """Build Flatten, then Linear -> [norm] -> activation per hidden layer, then Linear.

    `sizes` lists the widths, input and output included: (64, 100, 100, 10) has two hidden layers.
    """
    *hidden, (last_in, classes) = pairwise(sizes)
    layers = [nn.Flatten()]
    for fan_in, fan_out in hidden:
        layers += [
            _linear(fan_in, fan_out, rng, bias=norm == "none"),
            *_norm(norm, fan_out, FOR_FEATURES),
            activation(),
        ]
    return nn.Sequential(*layers, _linear(last_in, classes, rng))


def vgg(
    rng,
    *,
    channels=(32, 32, "pool", 64, 64, "pool", 128, 128, "pool"),
    norm="batch",
    in_channels=3,
    classes=10,
    image_size=32,
):
    """Build a plain convolutional net in the manner of Simonyan & Zisserman 2015, section 2.1.

    Each number in `channels` is a 3x3 Conv2d -> [norm] -> ReLU with as many filters; each "pool" a
    2x2 max pooling. Flatten and one Linear follow. Images are (N, in_channels, image_size,
    image_size). Raises ValueError if they are too small for so many poolings.
    """
    layers, size = [], image_size
    for entry in channels:
        if entry == "pool":
            layers.append(nn.MaxPool2d(2))
            size //= 2
        else:
            layers += _conv_norm(in_channels, entry, rng, norm)
            layers.append(nn.ReLU())
            in_channels = entry
    if size < 1:
        raise ValueError(
            f"images of {image_size} pixels are too small for {channels.count('pool')} poolings: "
            "each halves them; take out a 'pool' of channels"
        )
    classifier = _linear(in_channels * size**2, classes, rng)
    return nn.Sequential(*layers, nn.Flatten(), classifier)


def resnet(
    rng,
    *,
    width=16,
    blocks=(3, 3, 3),
    norm="batch",
    in_channels=3,
    classes=10,
    zero_init=True,
):
    """Build a residual net for small images after He et al. 2016, section 4.2.

    A 3x3 convolution, then one stage for each number in `blocks`, with as many blocks of two 3x3
    convolutions; the first stage has `width` channels, each further one twice as many and half the
    resolution. Global average pooling and one Linear follow. width=16, blocks=(3, 3, 3) is the
    paper's ResNet-20; width=64, blocks=(1, 1, 1) is shallow and wide, which suits a GPU.

    zero_init=True starts every block as the identity, whatever the norm; see `ResidualBlock`.
    """
    stem = [*_conv_norm(in_channels, width, rng, norm), nn.ReLU()]
    stages, channels = [], width
    for stage, count in enumerate(blocks):
        out_channels = width * 2**stage
        for block in range(count):
            stride = 2 if stage > 0 and block == 0 else 1
            stages.append(ResidualBlock(channels, out_channels, stride, rng, norm, zero_init))
            channels = out_channels
    head = [nn.AdaptiveAvgPool2d(1), nn.Flatten(), _linear(channels, classes, rng)]
    return nn.Sequential(*stem, *stages, *head)


class ResidualBlock(nn.Module):
    """y = relu(shortcut(x) + branch(x)), the branch being conv, norm, ReLU, conv, norm.

    The shortcut has no parameters (He et al. 2016, section 3.3, option A): where the block halves
    the resolution it takes every second pixel, and new channels are zero.

    With zero_init the branch is zero at first, so that every block starts as the identity (between
    two stages: as its shortcut) and depth does no harm before training. The last norm's gamma is
    set to 0 (He et al. 2019, section 3.1, "zero gamma"). Where nothing normalizes, or the norm has
    no gamma, the branch ends with a trained number that is 0 at first (SkipInit, De & Smith 2020,
    section 4). Without zero_init gamma starts at 1 and there is no such number: the net of the
    paper, and the right choice if gamma is not to be trained.
    """

    def __init__(self, in_channels, out_channels, stride, rng, norm, zero_init):
        super().__init__()
        self.stride, self.new_channels = stride, out_channels - in_channels
        self.branch = nn.Sequential(
            *_conv_norm(in_channels, out_channels, rng, norm, stride),
            nn.ReLU(),
            *_conv_norm(out_channels, out_channels, rng, norm),
        )
        if zero_init:
            gamma = None if norm == "none" else getattr(self.branch[-1], "weight", None)
            if gamma is None:
                self.branch.append(Scale(0.0))
            else:
                nn.init.zeros_(gamma)

    def forward(self, x):
        y = self.branch(x)
        if self.stride > 1:
            x = x[:, :, :: self.stride, :: self.stride]
        if self.new_channels:
            x = nn.functional.pad(x, (0, 0, 0, 0, 0, self.new_channels))
        return torch.relu(x + y)


class Scale(nn.Module):
    """y = alpha * x with one trained number alpha."""

    def __init__(self, alpha):
        super().__init__()
        self.alpha = nn.Parameter(torch.tensor(float(alpha)))

    def forward(self, x):
        return self.alpha * x


# --- layers ------------------------------------------------------------------------------------


def _group_norm(features):
    return nn.GroupNorm(max(1, features // GROUP_SIZE), features)


FOR_FEATURES = {  # inputs (N, C)
    "batch": nn.BatchNorm1d,
    "ours": batchnorm.BatchNorm1d,
    "group": _group_norm,
    "layer": nn.LayerNorm,
}
FOR_IMAGES = {  # inputs (N, C, H, W)
    "batch": nn.BatchNorm2d,
    "ours": batchnorm.BatchNorm2d,
    "group": _group_norm,
    "layer": lambda features: nn.GroupNorm(1, features),
}


def _norm(norm, features, kinds):
    """The norm as a list of one module, or of none."""
    if norm == "none":
        return []
    if callable(norm):
        return [norm(features)]
    if norm not in kinds:
        known = ", ".join(repr(kind) for kind in (*kinds, "none"))
        raise ValueError(f"norm is {norm!r}, expected {known} or a function num_features -> Module")
    return [kinds[norm](features)]


def _conv_norm(in_channels, out_channels, rng, norm, stride=1):
    """A 3x3 convolution that keeps the size (stride 1), and its norm, as a list."""
    conv = nn.utils.skip_init(
        nn.Conv2d, in_channels, out_channels, 3, stride, padding=1, bias=norm == "none"
    )
    return [_drawn(conv, rng), *_norm(norm, out_channels, FOR_IMAGES)]


def _linear(in_features, out_features, rng, bias=True):
    return _drawn(nn.utils.skip_init(nn.Linear, in_features, out_features, bias=bias), rng)


def _drawn(layer, rng):
    """Draw weights from N(0, 2 / fan_in) (He et al. 2015, eq. 10) in NumPy; biases start at 0.

    PyTorch's own generator differs between processors, so the layer came without initial values
    (`skip_init`) and did not touch it.
    """
    std = np.sqrt(2 / layer.weight[0].numel())
    weight = std * rng.standard_normal(tuple(layer.weight.shape))
    with torch.no_grad():
        layer.weight.copy_(torch.from_numpy(weight))
        if layer.bias is not None:
            layer.bias.zero_()
    return layer
