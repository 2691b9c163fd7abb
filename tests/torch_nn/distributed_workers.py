"""What the processes of test_distributed.py and test_torchrun.py run, and finish."""

import numpy as np
import torch
import torch.distributed as dist
from torch import nn
from torch.nn.parallel import DistributedDataParallel

from helpers.data import load
from helpers.torch_nn import batchnorm, distributed, train_distributed
from helpers.torch_nn.distributed import SyncBatchNorm, join
from helpers.torch_nn.models import mlp
from helpers.torch_nn.training import fit

# The shape of the whole batch, and where it is cut in two: unequal, empty first, empty second.
CASES = {
    "features": ((7, 3), 2),
    "one-value": ((4, 3), 1),
    "first-empty": ((5, 3), 0),
    "second-empty": ((5, 3), 5),
    "sequences": ((5, 3, 4), 1),
    "images": ((6, 3, 4, 5), 4),
    "volumes": ((3, 3, 2, 2, 2), 1),
}
STEPS = 12


def case(name):
    """The whole batch of a case and the gradient from above; the mean is large on purpose."""
    shape, cut = CASES[name]
    rng = np.random.default_rng(sorted(CASES).index(name))
    x, dy = rng.normal(1000, 2, size=shape), rng.normal(size=shape)
    return torch.from_numpy(x), torch.from_numpy(dy), cut


def set_up(layer):
    """Give a layer with three features parameters that show."""
    with torch.no_grad():
        layer.weight.copy_(torch.tensor([2.0, 0.5, -1.0]))
        layer.bias.copy_(torch.tensor([1.0, 0.0, -3.0]))
    return layer


def passes(layer, x, dy, x_eval):
    """Everything that a layer computes: two training steps, then eval mode."""
    x = x.clone().requires_grad_()
    y = layer(x)
    y.backward(dy)
    layer(2 * x.detach())
    running = layer.running_mean.clone(), layer.running_var.clone()
    frozen = layer.eval()(x_eval)
    layer.train()
    gradients = x.grad, layer.weight.grad.clone(), layer.bias.grad.clone()
    return y.detach(), *gradients, *running, frozen.detach()


def new_net(norm, seed=0):
    """A network in float64 that is the same in every process."""
    return mlp((6, 8, 8, 3), np.random.default_rng(seed), norm=norm).double()


def batch():
    rng = np.random.default_rng(1)
    return torch.from_numpy(rng.normal(size=(8, 6))), torch.from_numpy(rng.integers(3, size=8))


def gradient(model, x, y):
    """The gradient of the mean cross-entropy, flat."""
    nn.functional.cross_entropy(model(x), y).backward()
    return torch.cat([p.grad.flatten() for p in model.parameters()])


def trained(norm, checkpoint=None):
    """Losses, weights and running statistics after a few steps of fit on the digits."""
    model = mlp(
        (64, 32, 32, 10), np.random.default_rng(0), norm="batch" if norm == "sync" else norm
    )
    if norm == "sync":
        model = SyncBatchNorm.convert(model)
    history = fit(
        model,
        load("digits"),
        epochs=1,
        batch_size=64,
        lr=0.05,
        max_steps=STEPS,
        checkpoint=checkpoint,
        progress=False,
    )
    state = {name: value.clone() for name, value in model.state_dict().items()}
    return history.loss, state, history.test_accuracy


def layers(rank):
    """Sync batch norm on this process's share of every case."""
    results = {}
    for name in CASES:
        x, dy, cut = case(name)
        mine = slice(0, cut) if rank == 0 else slice(cut, None)
        results[name] = passes(set_up(SyncBatchNorm(3, dtype=torch.float64)), x[mine], dy[mine], x)
    return results


def nets(rank):
    """The gradient that DistributedDataParallel leaves, from half of the batch."""
    x, y = batch()
    half = slice(0, 4) if rank == 0 else slice(4, 8)
    results = {}
    for norm in ("group", "batch", "sync"):
        net = new_net("batch" if norm == "sync" else norm)
        if norm == "sync":
            net = SyncBatchNorm.convert(net)
        results[norm] = gradient(DistributedDataParallel(net), x[half], y[half])
    return results


def compiled(rank):
    """The gradient of a synchronized net that torch.compile has seen."""
    x, y = batch()
    half = slice(0, 4) if rank == 0 else slice(4, 8)
    net = SyncBatchNorm.convert(new_net("batch"))
    return gradient(torch.compile(DistributedDataParallel(net), backend="eager"), x[half], y[half])


def too_small(rank):
    """The error that both processes must see when they have one sample together."""
    try:
        SyncBatchNorm(3)(torch.ones(rank, 3))
    except ValueError as error:
        return str(error)


def all_checks(folder):
    """Everything that needs two processes and goes well."""
    device = join()
    rank = dist.get_rank()
    print(f"rank {rank} on {device}, threads: {torch.get_num_threads()}")
    one_group = dist.new_group([0])
    alone = batchnorm.BatchNorm1d(3, dtype=torch.float64)
    grouped = SyncBatchNorm(3, dtype=torch.float64, process_group=one_group)
    x, _, _ = case("features")
    return {
        "layers": layers(rank),
        "nets": nets(rank),
        "compiled": compiled(rank),
        "too small": too_small(rank),
        "group": (grouped(x) - alone(x)).abs().max().item() if rank == 0 else 0.0,
        "fits": {
            norm: trained(norm, folder / f"{norm} of rank {rank}.pt")
            for norm in ("group", "batch", "sync")
        },
    }


def command_line():
    return train_distributed.main(["--epochs", "1", "--norm", "sync", "--width", "4"])


def on_gpu():
    """Our layer and PyTorch's on this process's GPU, in float32, with unequal batches."""
    device = join()
    distributed.world_size = lambda group: 2  # so that a single GPU exchanges statistics, too
    x = torch.from_numpy(np.random.default_rng(dist.get_rank()).normal(3, 2, size=(8, 3, 5, 5)))
    x = x[dist.get_rank() :].to(device, torch.float32)
    ours, theirs = (
        set_up(SyncBatchNorm(3, device=device)),
        set_up(nn.SyncBatchNorm(3, device=device)),
    )
    return [
        [value.cpu() for value in passes(layer, x, x.flip(0) ** 2, x)] for layer in (ours, theirs)
    ]
