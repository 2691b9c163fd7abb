"""Numbers for the checks: drawn in NumPy, so that messages show the same on every machine."""

import copy

import numpy as np
import torch
from torch import nn


def tensor(rng, *shape, scale=1.0, shift=0.0):
    """A float64 tensor of normal numbers, times `scale`, plus `shift`."""
    return torch.tensor(rng.normal(size=shape) * scale + shift)


def drawn(model, rng):
    """The model in float64 with drawn weights, and running statistics as if it had trained."""
    model.double()
    with torch.no_grad():
        for value in model.state_dict().values():
            if value.is_floating_point():
                size = 2 / np.sqrt(value.shape[-1]) if value.dim() > 1 else 0.5
                value.copy_(tensor(rng, *value.shape, scale=size))
        for part in model.modules():
            if isinstance(part, nn.BatchNorm1d):
                part.running_var.abs_().add_(0.5)
                part.weight.abs_().add_(0.5)
    return model


class Itself(nn.Sequential):
    """The judge's copy of it is itself, so that a check sees what a call does to it."""

    handed_over = False

    def __deepcopy__(self, memo):
        if not self.handed_over:
            self.handed_over = True
            return self
        return nn.Sequential(*copy.deepcopy(list(self), memo))
