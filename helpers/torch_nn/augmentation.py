"""Change training images at random, a whole batch at once and on the batch's own device."""

from dataclasses import dataclass

import torch
from torch.nn import functional


@dataclass(frozen=True)
class Augment:
    """Augment(flip=True, translate=4)(x, generator): mirrored and shifted copies of x.

    flip: mirror each image left to right with probability 1/2. Digits and letters do not survive
    it. translate: shift each image by up to so many pixels down or up and right or left, every
    shift equally likely; what comes in from outside is 0, as in He et al. 2016, section 4.2.

    x is (N, C, H, W); generator is a torch.Generator of x's device. The result has x's dtype and
    memory format. Every image draws for itself, and nothing waits for the processor.
    """

    flip: bool = True
    translate: int = 4

    def __call__(self, x, generator):
        count = len(x)
        if self.translate:
            most = self.translate
            down, right = torch.randint(
                -most, most + 1, (2, count), device=x.device, generator=generator
            )
            x = shift(x, down, right, most)
        if self.flip:
            mirrored = torch.rand(count, device=x.device, generator=generator) < 0.5
            x = torch.where(mirrored[:, None, None, None], x.flip(-1), x)
        return x


def shift(x, down, right, most):
    """Move image i of x by down[i] pixels down and right[i] to the right; zeros come in.

    x is (N, C, H, W), down and right are (N,), whole numbers from -most to most.
    """
    count, _, height, width = x.shape
    padded = functional.pad(x, (most, most, most, most))
    index = torch.arange(count, device=x.device)[:, None, None]
    row = torch.arange(height, device=x.device)[:, None] + (most - down)[:, None, None]
    column = torch.arange(width, device=x.device) + (most - right)[:, None, None]
    # With the channels last, one index picks all channels of a pixel.
    picked = padded.permute(0, 2, 3, 1)[index, row, column]
    layout = torch.channels_last if _is_channels_last(x) else torch.contiguous_format
    return picked.permute(0, 3, 1, 2).contiguous(memory_format=layout)


def _is_channels_last(x):
    return not x.is_contiguous() and x.is_contiguous(memory_format=torch.channels_last)
