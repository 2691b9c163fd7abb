"""Fold batch norm into the layer in front of it, for inference.

In eval mode batch norm is a scale and a shift per channel (Ioffe & Szegedy 2015, section 3.1), and
a linear layer or a convolution in front can take both into its own weights.
"""

import copy

import torch
from torch import nn

FOLDABLE = (nn.Linear, nn.Conv1d, nn.Conv2d, nn.Conv3d)


def scale_and_shift(bn: nn.Module) -> tuple[torch.Tensor, torch.Tensor]:
    """Return what a batch norm does in eval mode: y = scale * x + shift; both (C,), float64.

    bn: any batch norm of PyTorch's vocabulary (running_mean, running_var, eps, weight, bias), the
    course's own included. Raises ValueError in training mode and without running statistics.
    """
    if bn.training:
        raise ValueError(
            "this batch norm is in training mode, where its scale and shift depend on the batch; "
            "call model.eval() before you fold"
        )
    if bn.running_mean is None or bn.running_var is None:
        raise ValueError(
            "this batch norm has no running statistics (track_running_stats=False): it uses those "
            "of the batch in eval mode, too, and cannot be folded"
        )
    # Rounded to the layer's type once, at the end.
    mean, var = bn.running_mean.double(), bn.running_var.double()
    scale = torch.rsqrt(var + bn.eps)
    if bn.weight is not None:
        scale = scale * bn.weight.detach().double()
    shift = -mean * scale
    if bn.bias is not None:
        shift = shift + bn.bias.detach().double()
    return scale, shift


def fold_into(layer: nn.Module, bn: nn.Module) -> nn.Module:
    """Return a new layer that does what `layer` and, behind it, `bn` do in eval mode.

    layer: a Linear or a Conv1d, 2d or 3d with any groups, stride, padding and padding_mode; it is
    left as it is. The channels of bn must be its outputs: behind a Linear that means inputs of
    shape (N, features). Raises TypeError for other layers, ValueError for channels that do not fit,
    for weights that another module computes (weight norm) and where `scale_and_shift` does.
    """
    if not isinstance(layer, FOLDABLE):
        known = ", ".join(kind.__name__ for kind in FOLDABLE)
        raise TypeError(f"cannot fold into a {type(layer).__name__}; can fold into: {known}")
    if not isinstance(layer.weight, nn.Parameter):
        raise ValueError(
            "the weight of this layer is computed from other parameters; make it a parameter "
            "first, for instance with torch.nn.utils.parametrize.remove_parametrizations"
        )
    scale, shift = scale_and_shift(bn)
    weight = layer.weight.detach().double()
    if len(scale) != len(weight):
        raise ValueError(
            f"the layer has {len(weight)} output channels, the batch norm {len(scale)} channels"
        )
    bias = shift if layer.bias is None else scale * layer.bias.detach().double() + shift
    weight = scale.reshape(-1, *[1] * (weight.dim() - 1)) * weight
    folded = copy.deepcopy(layer)
    folded.weight = nn.Parameter(weight.to(layer.weight.dtype), layer.weight.requires_grad)
    folded.bias = nn.Parameter(bias.to(layer.weight.dtype), layer.weight.requires_grad)
    return folded


def fold(model: nn.Module) -> nn.Module:
    """Return a copy of a model in eval mode in which batch norms are folded away where possible.

    Folded and removed is every batch norm that directly follows a Linear or a convolution within
    one nn.Sequential, at any depth of the model. All others stay: those behind an activation, those
    in front of a convolution, and those that a module's own `forward` calls. Raises ValueError as
    `fold_into` does.
    """
    model = copy.deepcopy(model)
    for module in list(model.modules()):
        # A subclass with a forward of its own need not call its layers one after the other.
        if isinstance(module, nn.Sequential) and type(module).forward is nn.Sequential.forward:
            _fold_sequence(module)
    return model


def is_batch_norm(module: nn.Module) -> bool:
    """Whether a module is a batch norm, of PyTorch or of the course."""
    if isinstance(module, nn.modules.instancenorm._InstanceNorm):
        return False
    return hasattr(module, "running_mean") and hasattr(module, "running_var")


def _fold_sequence(sequence: nn.Sequential) -> None:
    before = None  # the name of the layer in front
    # Not named_children(), which passes over a module that it has met before.
    for name, module in list(sequence._modules.items()):
        if before is not None and is_batch_norm(module):
            # The layer may be used elsewhere as well: what changes is its place here.
            setattr(sequence, before, fold_into(getattr(sequence, before), module))
            delattr(sequence, name)
        else:
            before = name if isinstance(module, FOLDABLE) else None
