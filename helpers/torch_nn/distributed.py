"""Batch norm whose batch is spread over several processes.

nn.SyncBatchNorm does the same on GPUs, and refuses tensors of the CPU; this one takes both. How the
statistics of parts make those of the whole: Chan, Golub & LeVeque 1983, "Algorithms for Computing
the Sample Variance". Unlike E[x^2] - E[x]^2 it takes no difference of large numbers.
"""

import os

import torch
import torch.distributed as dist
from torch import nn
from torch.autograd.function import once_differentiable

from helpers.torch_nn.batchnorm import (
    BatchNorm1d,
    BatchNorm2d,
    _BatchNorm,
    batch_norm,
    require_finite,
    update_both,
)
from helpers.torch_nn.normalization import (
    batch_statistics,
    gradient_sums,
    input_gradient,
    normalize,
)


def world_size(group=None):
    """Return how many processes take part; 1 where nothing is distributed."""
    return dist.get_world_size(group) if dist.is_available() and dist.is_initialized() else 1


def join():
    """Join the processes that torchrun started and return the device of this one.

    Each process gets a GPU of its own and they talk by NCCL, or, on a machine without GPUs, by gloo
    on the CPU. Raises RuntimeError if torchrun did not start this process, or if it started more
    processes on this machine than there are GPUs.
    """
    if "LOCAL_RANK" not in os.environ:
        raise RuntimeError(
            "this process is alone: start the program with torchrun, such as "
            "`torchrun --nproc-per-node 2 -m helpers.torch_nn.train_distributed`"
        )
    if not torch.cuda.is_available():
        dist.init_process_group("gloo")
        return torch.device("cpu")
    local_rank, gpus = int(os.environ["LOCAL_RANK"]), torch.cuda.device_count()
    if local_rank >= gpus:
        raise RuntimeError(
            f"this is process {local_rank + 1} on a machine with {gpus} GPUs, and each process "
            f"needs one: start torchrun with --nproc-per-node {gpus}"
        )
    device = torch.device("cuda", local_rank)
    torch.cuda.set_device(device)
    dist.init_process_group("nccl", device_id=device)
    return device


def combined(counts, means, variances):
    """Return mean and biased variance of all samples, from those of the parts.

    counts: (parts, 1), samples per part; a part may be empty if its mean and variance are finite.
    means, variances: (parts, C), the variances biased. Returns two vectors (C,).
    """
    weights = counts / counts.sum()
    mean = (weights * means).sum(0)
    between = (weights * (means - mean) ** 2).sum(0)
    return mean, (weights * variances).sum(0) + between


class SyncBatchNormFunction(torch.autograd.Function):
    """Batch norm over the batches of all processes: apply(x, weight, bias, eps, group).

    Returns (y, mean, var, count): y for this process's x; mean, var (float64) and the number of
    values per channel are those of all processes together. Every process must call it, forward and
    backward, or the others wait for ever; its x may be empty. As with nn.SyncBatchNorm, the
    gradients of weight and bias are this process's share: the sum over all processes is the
    gradient of the whole batch.
    """

    @staticmethod
    def forward(ctx, x, weight, bias, eps, group):
        channels = x.shape[1]
        mine = torch.zeros(2 * channels + 1, dtype=torch.float64, device=x.device)
        if x.numel():  # the mean of nothing would be NaN
            mine[0] = x.numel() // channels
            mine[1:] = torch.cat(batch_statistics(x))
        everyones = [torch.empty_like(mine) for _ in range(dist.get_world_size(group))]
        dist.all_gather(everyones, mine, group)
        counts, means, variances = torch.stack(everyones).split([1, channels, channels], dim=1)
        count = int(counts.sum())
        if count < 2:
            raise ValueError(
                f"batch norm in training needs at least two values per channel, but all processes "
                f"together have {count}; use larger batches, or eval mode"
            )
        mean, var = combined(counts, means, variances)
        require_finite(var)
        ctx.save_for_backward(x, weight, bias, mean, var)
        ctx.eps, ctx.group, ctx.count = eps, group, count
        ctx.mark_non_differentiable(mean, var)
        return normalize(x, mean, var, weight, bias, eps), mean, var, count

    @staticmethod
    @once_differentiable
    def backward(ctx, dy, *_):
        x, weight, bias, mean, var = ctx.saved_tensors
        dbeta, dgamma = gradient_sums(dy, x, mean, var, ctx.eps)
        dx = None
        if ctx.needs_input_grad[0]:
            sums = torch.cat([dbeta, dgamma])
            dist.all_reduce(sums, group=ctx.group)
            dx = input_gradient(dy, x, mean, var, weight, ctx.eps, *sums.chunk(2), ctx.count)
        dgamma = None if weight is None else dgamma.to(weight.dtype)
        dbeta = None if bias is None else dbeta.to(bias.dtype)
        return dx, dgamma, dbeta, None, None


class SyncBatchNorm(_BatchNorm):
    """Batch norm that makes one batch of the batches of all processes, on CPU and GPU.

    Arguments and state_dict are those of nn.BatchNorm1d to 3d and of nn.SyncBatchNorm; x has shape
    (N, C) or (N, C, *spatial). process_group: the processes that share a batch; None for all. In
    eval mode, and where torch.distributed is not set up, it is plain batch norm. With several
    processes, torch.func does not go through, nor can the gradient be differentiated again.
    Raises ValueError if all processes together have fewer than two values per channel.
    """

    dims = (2, 3, 4, 5)

    def __init__(self, *args, process_group=None, **kwargs):
        super().__init__(*args, **kwargs)
        self.process_group = process_group

    def _batch_norm(self, x, running_mean, running_var, weight, bias, training, momentum, eps):
        if not self.training or world_size(self.process_group) == 1:
            return batch_norm(x, running_mean, running_var, weight, bias, training, momentum, eps)
        y, mean, var, count = SyncBatchNormFunction.apply(x, weight, bias, eps, self.process_group)
        update_both(running_mean, running_var, mean, var, count, momentum)
        return y

    @classmethod
    def convert(cls, model, process_group=None):
        """Return the model with every batch norm in it, PyTorch's or ours, made synchronized.

        The model itself is changed, and may be a batch norm: each norm stays the same object, with
        its parameters, buffers, hooks, mode and places, and becomes one of this class. An optimizer
        made before goes on working. process_group: see the class; a norm that is synchronized
        already keeps its own if none is given.

        Raises TypeError, and changes nothing, if it meets a norm that might compute something else:
        subclasses, norms with a `forward` of their own, lazy norms that have not seen a batch yet,
        and scripted modules.
        """
        norms = {}
        for name, module in _everything(model):
            if type(module) in CONVERTIBLE and "forward" not in vars(module):
                norms[id(module)] = module
            elif reason := _inconvertible(module):
                where = f"the module {name!r}" if name else "the model"
                raise TypeError(f"{where} is a {type(module).__name__}, {reason}")
        for norm in norms.values():
            own_group = getattr(norm, "process_group", None)
            norm.__class__ = cls
            norm.process_group = own_group if process_group is None else process_group
        return model


# Exact types: what a subclass computes would be lost.
CONVERTIBLE = (
    *(nn.BatchNorm1d, nn.BatchNorm2d, nn.BatchNorm3d, nn.SyncBatchNorm),
    *(BatchNorm1d, BatchNorm2d, SyncBatchNorm),
)


def _everything(model):
    """Yield names and modules of a model, those that are kept in lists and dictionaries included.

    Once for every module, whatever number of places it has.
    """
    waiting, met = [("", model)], set()
    while waiting:
        name, thing = waiting.pop()
        if id(thing) in met or not isinstance(thing, nn.Module | dict | list | tuple):
            continue
        met.add(id(thing))
        if isinstance(thing, nn.Module):
            yield name, thing
            inside = {**vars(thing), **thing._modules}
        else:
            inside = thing if isinstance(thing, dict) else dict(enumerate(thing))
        waiting += [(f"{name}.{key}".removeprefix("."), value) for key, value in inside.items()]


def _inconvertible(module):
    """Why a module cannot be converted, in words; "" if there is nothing to convert."""
    if isinstance(module, torch.jit.ScriptModule):
        if "BatchNorm" in getattr(module, "original_name", ""):
            return "which is compiled: convert the model before torch.jit.script"
        return ""
    if not isinstance(module, nn.modules.batchnorm._BatchNorm):
        return ""
    if isinstance(module, nn.modules.lazy.LazyModuleMixin):
        return "which does not know its channels yet: call the model on a batch first"
    if "forward" in vars(module):
        return "whose forward was replaced: it would not be synchronized"
    return (
        "a subclass that may compute something of its own: replace it with a batch norm of PyTorch "
        "or the course, followed by what it does more"
    )
