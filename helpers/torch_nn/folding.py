"""Fold batch norm into the layer in front of it, for inference.

In eval mode batch norm is a scale and a shift per channel (Ioffe & Szegedy 2015, section 3.1), and
a linear layer or a convolution in front can take both into its own weights.
"""

import copy
from collections import Counter
from itertools import pairwise

import torch
from torch import nn
from torch.utils import _pytree as pytree

from helpers.torch_nn import batchnorm
from helpers.torch_nn.distributed import SyncBatchNorm
from helpers.torch_nn.following import CannotFollow, pairs_in_use

# Exact types: a subclass may compute something else. The dimensions are those of a layer's outputs,
# with the channels on axis 1, that a batch norm of these types sees as its channels.
DIMS = {nn.Linear: 2, nn.Conv1d: 3, nn.Conv2d: 4, nn.Conv3d: 5}
NORMS = {
    nn.BatchNorm1d: (2, 3),
    batchnorm.BatchNorm1d: (2, 3),
    nn.BatchNorm2d: (4,),
    batchnorm.BatchNorm2d: (4,),
    nn.BatchNorm3d: (5,),
    nn.SyncBatchNorm: (2, 3, 4, 5),
    SyncBatchNorm: (2, 3, 4, 5),
}


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
    shape (N, features). Raises TypeError for other layers and norms, subclasses included;
    ValueError for channels that do not fit, for layers and norms with hooks or weights that another
    module computes (weight norm), and where `scale_and_shift` does.
    """
    if hasattr(layer, "parametrizations"):
        raise ValueError(
            "the weight of this layer is computed from other parameters; make it a parameter "
            "first, for instance with torch.nn.utils.parametrize.remove_parametrizations"
        )
    for module, known in ((layer, DIMS), (bn, NORMS)):
        if type(module) not in known:
            names = ", ".join(dict.fromkeys(kind.__name__ for kind in known))
            raise TypeError(
                f"cannot fold a {type(module).__name__}, which may compute something of its own; "
                f"can fold {names}, but no subclasses"
            )
        if reason := _changed(module):
            raise ValueError(f"cannot fold a {type(module).__name__} that {reason}")
    if DIMS[type(layer)] not in NORMS[type(bn)]:
        raise TypeError(f"a {type(bn).__name__} does not fit behind a {type(layer).__name__}")
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


class Folded(nn.Identity):
    """What stands where a batch norm was, so that all others keep their names and numbers.

    It passes on what its layer gives, if that has the channels on axis 1, where the batch norm
    looked for them; raises ValueError for other shapes, such as the outputs (N, T, features) of a
    Linear.
    """

    dims = None  # how many axes the outputs of its layer have; set by `fold`

    def forward(self, x):
        if x.ndim != self.dims:
            raise ValueError(
                f"a batch norm was folded into the layer in front of it for outputs with "
                f"{self.dims} axes, but these have the shape {tuple(x.shape)}: use the model from "
                "before for them"
            )
        return x


def fold(model: nn.Module, example=None) -> nn.Module:
    """Return a copy of a model in eval mode in which batch norms are folded away where possible.

    Folded is every batch norm that sees the output of a Linear or a convolution, if nothing else
    does. How the model uses its layers, slices of an nn.Sequential included, is found out by
    torch.fx, which follows a symbol through its `forward`. All others stay: those behind an
    activation, those in front of a convolution; layers and norms that are used twice, that have
    hooks, or whose class is not exactly one of PyTorch's or of the course's.

    example: an input, or a tuple of arguments, on which both models are compared. It is needed
    where torch.fx cannot follow, for instance where `forward` looks at values or has optional
    arguments. There, neighbours in an nn.Sequential count as following each other, and the
    comparison alone proves it, for such inputs.

    Raises ValueError as `fold_into` does for norms in training mode or without running statistics;
    if torch.fx cannot follow and there is no example; and if the models differ on the example.
    """
    folded = copy.deepcopy(model)
    found = _candidates(folded)
    if {type(module) for module in found.values()} & {*DIMS} and any(
        type(module) in NORMS for module in found.values()
    ):
        for name, bn_name in _pairs(model, found, example):
            _fold_pair(found[name], found[bn_name])
    if example is not None:
        _require_equal(model, folded, example if isinstance(example, tuple) else (example,))
    return folded


def is_batch_norm(module: nn.Module) -> bool:
    """Whether a module is a batch norm, of PyTorch or of the course."""
    if isinstance(module, nn.modules.instancenorm._InstanceNorm):
        return False
    return hasattr(module, "running_mean") and hasattr(module, "running_var")


def _changed(module):
    """How a module differs from what its class makes of it, in words; "" if it does not."""
    if "forward" in vars(module):
        return "has a forward of its own"
    hooks = [name for name, value in vars(module).items() if "hooks" in name and value]
    if (
        hooks
        or nn.modules.module._global_forward_hooks
        or (nn.modules.module._global_forward_pre_hooks)
    ):
        return "has hooks"
    return ""


def _candidates(model):
    """The layers and norms that may be folded, by name: each in one place and without additions."""
    named = list(model.named_modules(remove_duplicate=False))
    places = Counter(id(module) for _, module in named)
    kinds = {*DIMS, *NORMS}
    return {
        name: module
        for name, module in named
        if type(module) in kinds and places[id(module)] == 1 and not _changed(module)
    }


def _pairs(model, found, example):
    """Names of layers and of the norms that see their outputs, from the input to the output."""
    try:
        pairs = pairs_in_use(model)
    except CannotFollow as error:
        if example is None:
            raise ValueError(
                f"cannot see how {type(model).__name__} uses its layers ({error}): give an input "
                "as example=, on which the folded model is compared with this one"
            ) from error
        pairs = _neighbours(model)
    follows = {}  # a norm, or what is in front of it, by name: the layer that takes in all of them
    for before, bn in pairs:
        layer = follows.get(before, before)
        if before in found and bn in found and _fit(found[layer], found[bn]):
            follows[bn] = layer
    return [(layer, bn) for bn, layer in follows.items()]


def _fit(layer, bn):
    if DIMS.get(type(layer)) not in NORMS.get(type(bn), ()):
        return False
    # Mixed types are rounded in between, or refused.
    return bn.running_mean is None or bn.running_mean.dtype == layer.weight.dtype


def _neighbours(model):
    """Names of neighbours in every nn.Sequential that calls its modules one after the other."""
    return [
        tuple(f"{name}.{child}".removeprefix(".") for child in pair)
        for name, module in model.named_modules()
        if type(module) is nn.Sequential
        for pair in pairwise(module._modules)
    ]


def _fold_pair(layer, bn):
    """Let the layer take in the norm: both stay the same objects, wherever they are kept."""
    new = fold_into(layer, bn)
    layer.weight, layer.bias = new.weight, new.bias
    bn._parameters.clear()
    bn._buffers.clear()
    bn.__class__, bn.dims = Folded, DIMS[type(layer)]


@torch.no_grad()
def _require_equal(model, folded, arguments):
    """Raise ValueError unless two models give the same for these arguments, up to rounding."""
    answers = []
    for each in (copy.deepcopy(model), copy.deepcopy(folded)):
        with torch.random.fork_rng():  # dropout that is in training mode drops the same
            torch.manual_seed(0)
            answers.append(pytree.tree_leaves(each(*arguments)))
    for expected, actual in zip(*answers, strict=True):
        if not isinstance(expected, torch.Tensor):
            continue
        kind = expected.dtype if expected.is_floating_point() else torch.float32
        expected, actual = expected.double(), actual.double()
        scale = expected.abs().nan_to_num(0).amax().item() if expected.numel() else 0.0
        tolerance = torch.finfo(kind).eps ** 0.5 * scale
        if not torch.allclose(actual, expected, rtol=0, atol=tolerance, equal_nan=True):
            error = (actual - expected).abs().amax().item()
            raise ValueError(
                f"folded, {type(model).__name__} differs by {error:.3g} on the example, where its "
                f"outputs reach {scale:.3g}: its forward does not use its layers one after the "
                "other, so leave it as it is"
            )
