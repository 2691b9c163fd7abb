"""The processes that train one model together: usually one, under torchrun several.

`fit` asks `Processes` for everything that differs between one process and many. Each process works
on its own slice of every batch; gradients and metrics are averaged over all of them.
"""

from dataclasses import dataclass

from torch import distributed, nn

from helpers.torch_nn.fingerprint import differences


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

    def result_of_first(self, function):
        """What function() returns in the process of rank 0, for all; what it raises, in all."""
        if self.size == 1:
            return function()
        outcome = [None, None]
        if self.is_first:
            try:
                outcome[0] = function()
            except Exception as error:
                outcome[1] = error
        distributed.broadcast_object_list(outcome, src=0)
        result, error = outcome
        if error is not None:
            raise error
        return result

    def require_same(self, settings):
        """Raise ValueError, in every process, unless all have been given the same settings.

        settings: see `fingerprint.run_settings`.
        """
        if self.size == 1:
            return
        of_all = [None] * self.size
        distributed.all_gather_object(of_all, settings)
        for rank, theirs in enumerate(of_all):
            found = differences(theirs, of_all[0], f"in rank {rank} is", "in rank 0")
            if found:
                raise ValueError(
                    f"the processes do not train the same: {'; '.join(found)}; give fit the same "
                    "model, data and settings in every process"
                )
