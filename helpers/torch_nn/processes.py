"""The processes that train one model together: usually one, under torchrun several.

`fit` asks `Processes` for everything that differs between one process and many. Each process works
on its own slice of every batch; gradients and metrics are averaged over all of them.
"""

from dataclasses import dataclass

import torch
from torch import distributed, nn


@dataclass(frozen=True)
class Processes:
    """Which of how many: rank counts from 0; the process of rank 0 writes files and shows progress.

    Processes.current() is the group that torch.distributed has started, or a single process.
    """

    rank: int = 0
    size: int = 1

    @classmethod
    def current(cls):
        if distributed.is_available() and distributed.is_initialized():
            return cls(distributed.get_rank(), distributed.get_world_size())
        return cls()

    @property
    def is_first(self):
        return self.rank == 0

    def share(self, model):
        """The module to call in training: its backward pass averages gradients over processes."""
        if self.size == 1:
            return model
        device = next(model.parameters()).device
        return nn.parallel.DistributedDataParallel(
            model, device_ids=[device.index] if device.type == "cuda" else None
        )

    def mean(self, values):
        """The tensor averaged over all processes."""
        if self.size == 1:
            return values
        total = values.clone()
        distributed.all_reduce(total)
        return total / self.size

    def from_first(self, number, device):
        """The number that the process of rank 0 has, for all of them."""
        if self.size == 1:
            return number
        shared = torch.tensor(number, dtype=torch.float64, device=device)
        distributed.broadcast(shared, src=0)
        return shared.item()

    def wait(self):
        """Go on when every process has come here."""
        if self.size > 1:
            distributed.barrier()
