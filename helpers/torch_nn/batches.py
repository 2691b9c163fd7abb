"""Cut a training set into shuffled batches on a device."""

import numpy as np
import torch


class Batches:
    """The training set, shuffled anew in every epoch and cut into batches.

    batch_size counts the images of one optimizer step over all processes; each process gets its
    equal slice. What is left at the end of an epoch and does not fill a batch is dropped: batch
    norm would take its statistics from a few images, and a compiled model would be compiled again
    for the odd size. Every epoch drops other images.

    The order of an epoch comes from NumPy and depends on the seed and the number of the epoch
    alone: it is the same on every device, and a resumed run needs nothing but that number.
    """

    def __init__(self, x, y, batch_size, processes, *, device, memory_format, seed, on_device):
        if not 1 <= batch_size <= len(x):
            raise ValueError(f"batch_size is {batch_size}, expected 1 to {len(x)}, the images")
        if batch_size % processes.size:
            raise ValueError(
                f"batch_size is {batch_size}, which {processes.size} processes cannot share "
                f"equally: choose a multiple of {processes.size}"
            )
        self.batch_size, self.processes, self.device = batch_size, processes, device
        self.memory_format, self.seed = memory_format, seed
        self.x, self.y = as_tensors(x, y)
        if on_device:
            self.x, self.y = self.x.to(device), self.y.to(device)

    def __len__(self):
        return len(self.x) // self.batch_size

    def epoch(self, number):
        """Yield (x, y) of every batch of epoch `number`."""
        order = torch.from_numpy(
            np.random.default_rng([self.seed, number]).permutation(len(self.x))
        ).to(self.x.device)
        mine = self.batch_size // self.processes.size
        for step in range(len(self)):
            begin = step * self.batch_size + self.processes.rank * mine
            index = order[begin : begin + mine]
            yield self._ready(self.x[index]), self._ready(self.y[index])

    def _ready(self, values):
        """Values on the device, images in the memory format.

        Memory that is pinned (the system may not move it) is copied to a GPU while Python goes on.
        """
        streamed = values.device.type != self.device.type
        if streamed and self.device.type == "cuda":
            values = values.pin_memory()
        values = values.to(self.device, non_blocking=streamed)
        return values.contiguous(memory_format=self.memory_format) if values.ndim == 4 else values


def as_tensors(x, y):
    """Images as a float32 tensor and labels as an int64 tensor, from arrays or tensors."""
    # torch.tensor copies: the arrays of a Dataset are read-only.
    return tuple(
        values.to(dtype) if isinstance(values, torch.Tensor) else torch.tensor(values, dtype=dtype)
        for values, dtype in ((x, torch.float32), (y, torch.int64))
    )
