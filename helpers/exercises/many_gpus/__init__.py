"""Exercises and predictions of the notebook `many_gpus`."""

from helpers.exercises.engine import prediction
from helpers.exercises.many_gpus import accumulating, statistics, synchronizing  # noqa: F401

prediction(
    "many-gpus-missing-step",
    right="c",
    a="it does wait, but at its last step: at step 2 rank 1 comes to the meeting, with its step 3.",
    b="an all-reduce knows no steps. Two tensors of the same shape have come, and they are added.",
    c="the third meeting of rank 0 is step 2 and that of rank 1 is step 3; nothing says that they "
    "do not belong together.",
)
prediction(
    "many-gpus-ddp",
    right="b",
    a="all processes have the same weights, but each normalizes with the mean and the variance of "
    "its own samples.",
    b="rank 0 subtracts the mean of its four samples, not that of the eight. The outputs are "
    "others, the loss is another function, and so is its gradient.",
    c="the gradient belongs to a loss, and the loss is computed from the outputs, which differ "
    "already.",
)
prediction(
    "many-gpus-buffers",
    right="b",
    a="DistributedDataParallel averages gradients; buffers have none.",
    b="before each forward pass in training, the buffers of rank 0 are sent to all others, whose "
    "own are lost.",
    c="they would, if DistributedDataParallel were told not to touch them "
    "(forward_sync_buffers=False); by default it does.",
)
prediction(
    "many-gpus-uneven",
    right="c",
    a="the statistics are those of all eight samples, but DDP averages over processes: the mean of "
    "six samples counts as much as the mean of two.",
    b="batch norm is not to blame: DDP averages over processes, whatever the network contains.",
    c="DDP averages over processes, so each of the two samples counts three times as much as each "
    "of the six, whatever the norm.",
)
