"""A block that does not use the norm it was given."""

import numpy as np
import torch
from torch import nn

from helpers.exercises.bug_clinic._drawn import tensor
from helpers.exercises.engine import exercise, same

_rng = np.random.default_rng(185)
IMAGES = tensor(_rng, 4, 6, 5, 5, scale=2.0, shift=0.5)


@exercise(
    "print(residual_block(8)) and look for the norm.",
    "The block takes `norm` and hands on nothing: both convolutions fall back on conv's own "
    "default. The inner function has an argument of the same name, so nobody complains.",
    "Hand it on, twice: conv(norm, nn.ReLU) and conv(norm).",
)
def residual_block(channels, norm=nn.BatchNorm2d):
    def conv(norm=None, activation=None):
        layers = [nn.Conv2d(channels, channels, 3, padding=1, bias=norm is None)]
        layers += [norm(channels)] if norm else []
        layers += [activation()] if activation else []
        return layers

    class Block(nn.Module):
        def __init__(self):
            super().__init__()
            self.branch = nn.Sequential(*conv(norm, activation=nn.ReLU), *conv(norm))

        def forward(self, x):
            return torch.relu(x + self.branch(x))

    return Block()


@residual_block.starts_as
def _block_without(channels, norm=nn.BatchNorm2d):
    def conv(norm=None, activation=None):
        layers = [nn.Conv2d(channels, channels, 3, padding=1, bias=norm is None)]
        layers += [norm(channels)] if norm else []
        layers += [activation()] if activation else []
        return layers

    class Block(nn.Module):
        def __init__(self):
            super().__init__()
            self.branch = nn.Sequential(*conv(activation=nn.ReLU), *conv())

        def forward(self, x):
            return torch.relu(x + self.branch(x))

    return Block()


class _Offset(nn.Module):
    """Stands for a norm: the first one made adds 1, the second one 2, after halving."""

    made = 0

    def __init__(self, channels):
        super().__init__()
        _Offset.made += 1
        self.offset, self.channels = _Offset.made, channels

    def forward(self, x):
        return x / 2 + self.offset


def _block(module, images=IMAGES):
    """The block in float64 with weights of our own, and its two convolutions."""
    if not isinstance(module, nn.Module):
        raise AssertionError(f"the result is a {type(module).__name__}, expected an nn.Module")
    rng = np.random.default_rng(7)
    module.double()
    with torch.no_grad():
        for parameter in module.parameters():
            if parameter.dim() == 4:
                parameter.copy_(torch.tensor(rng.normal(size=parameter.shape) / 4))
            elif parameter.dim() == 1:
                parameter.copy_(torch.linspace(0.5, 1.5, len(parameter)))
    convs = [part for part in module.modules() if isinstance(part, nn.Conv2d)]
    if len(convs) != 2:
        raise AssertionError(f"the block has {len(convs)} convolutions, expected 2")
    for number, conv in enumerate(convs, start=1):
        if conv.in_channels != images.shape[1]:
            raise AssertionError(
                f"convolution {number} takes {conv.in_channels} channels, not {images.shape[1]}"
            )
        before, after = (tuple(t.shape[2:]) for t in (images, conv(images)))
        if after != before:
            raise AssertionError(
                f"convolution {number} makes images of {after} pixels from {before}: with 3 x 3 "
                "weights it needs padding=1 (a sum of the two may work all the same, by "
                "broadcasting a single pixel)"
            )
    return module, convs


@residual_block.expect
def size_of_the_weights():
    """With batch norm behind every convolution, the size of its weights must not matter."""
    module = yield (6,), {}
    block, convs = _block(module)
    before = block(IMAGES).detach()
    for number, conv in enumerate(convs, start=1):
        with torch.no_grad():
            conv.weight *= 3
        moved = (block(IMAGES) - before).abs().max().item()
        if not moved <= 1e-3:
            raise AssertionError(
                f"with the weights of convolution {number} three times as large, the output "
                f"changes by up to {moved:.4g}, expected 0.000"
            )


@residual_block.expect
def the_norm_that_was_asked_for():
    """Whatever norm is asked for, each convolution must get its own, made by norm(channels)."""
    for channels in (6, 2):
        _Offset.made = 0
        module = yield (channels, _Offset), {}
        images = IMAGES[:, :channels]
        block, (first, second) = _block(module, images)
        norms = [part for part in block.modules() if isinstance(part, _Offset)]
        if len(norms) != 2:
            times = f"has it {len(norms)} times, not 2"
            raise AssertionError(f"asked for another norm, the block {times}")
        if wrong := {norm.channels for norm in norms} - {channels}:
            raise AssertionError(
                f"norm was called with {wrong.pop()}, expected {channels} channels"
            )
        y = block(images)
        if y.shape != images.shape:
            raise AssertionError(f"the output has shape {tuple(y.shape)}, x {tuple(images.shape)}")
        right = []
        for one, two in (norms, norms[::-1]):  # whichever was made first
            for conv1, conv2 in ((first, second), (second, first)):
                hidden = torch.relu(one(conv1(images)))
                right.append(torch.relu(images + two(conv2(hidden))))
        if not any(torch.allclose(y, expected) for expected in right):
            raise AssertionError("the output is not relu(x + norm(conv(relu(norm(conv(x))))))")


@residual_block.expect
def no_norm_at_all():
    """norm=None must give a block without any norm, whose convolutions have a bias."""
    module = yield (6, None), {}
    block, (first, second) = _block(module)
    right = torch.relu(IMAGES + second(torch.relu(first(IMAGES))))
    same(block(IMAGES), right.detach(), "output")
    if first.bias is None or second.bias is None:
        raise AssertionError("a convolution has no bias, and nothing behind it adds an offset")
