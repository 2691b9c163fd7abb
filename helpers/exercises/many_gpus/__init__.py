"""Exercises and questions of the notebook `many_gpus`."""

from helpers.exercises.engine import number, order, prediction, word
from helpers.exercises.many_gpus import accumulating, statistics, synchronizing  # noqa: F401

order(
    "many-gpus-bytes",
    answer="bca",
    a="its backward pass",
    b="its forward pass in eval mode",
    c="its forward pass in training mode",
    reason="In multiples of x: 2 where the statistics are known, 3 where they have to be found "
    "first, 5 where x and dy are both read twice and dx is written.",
    recalls="cost",
)
word(
    "many-gpus-waiting",
    answers=(
        "memory",
        "RAM",
        "data from memory",
        "the bytes",
        "data",
        "memory bandwidth",
        "bandwidth",
    ),
    reason="It could do many operations while a byte arrives, and batch norm has at most one for "
    "each.",
    recalls="cost",
)
prediction(
    "many-gpus-fold",
    right="a",
    a="there, nothing comes between the sum and the scale and shift.",
    b="the zeros of the border never went through batch norm, and the folded bias counts them as "
    "if they had.",
    c="in front it is wrong at the border, where the zeros are.",
    recalls="cost",
)

prediction(
    "many-gpus-one-step",
    right="c",
    a="all processes have the same weights, but each normalizes with the mean and the variance of "
    "its own samples.",
    b="the outputs are others, so the loss is another function of the weights. Its gradient is "
    "another, too, in each process and on average.",
    c="rank 0 subtracts the mean of its four samples, not that of the eight. The loss is another "
    "function, and so is its gradient.",
    believed={"a": "claim: ddp-is-one-big-batch", "b": "quote: treat-as-the-same"},
)
prediction(
    "many-gpus-buffers",
    right="b",
    a="DistributedDataParallel averages gradients; buffers have none.",
    b="before each forward pass in training, the buffers of rank 0 are sent to all others, whose "
    "own are lost.",
    c="they would, if DistributedDataParallel were told not to touch them "
    "(forward_sync_buffers=False); by default it does.",
    believed={"a": "quote: averages-all-parameters", "c": "quote: each-process-separately"},
)
number(
    "many-gpus-uneven",
    answer=3,
    unit="times",
    within=1.1,
    reason="The mean of two counts as much as the mean of six: half of the gradient is divided "
    "among two samples, the other half among six.",
    measured_by="sample_weights[-1] / sample_weights[0]",
)
number(
    "many-gpus-two-images",
    answer=0.3,
    unit="share",
    within=1.5,
    reason="With two samples, x_hat knows of each feature only which of the two is larger, and "
    "next to no gradient gets through.",
    measured_by="np.median(accuracies['batch', 2])",
    tolerance=0.35,
)
prediction(
    "many-gpus-accumulate",
    right="a",
    a="in both cases four samples are normalized together, and the gradients of two such fours are "
    "added.",
    b="so it would be without batch norm. The first four were normalized before the last four had "
    "been seen.",
    believed={"b": "claim: accumulation-is-a-larger-batch"},
)
prediction(
    "many-gpus-missing-step",
    right="c",
    a="it does wait, but at its last step: at step 2 rank 1 comes to the meeting, with its step 3.",
    b="an all-reduce knows no steps. Two tensors of the same shape have come, and they are added.",
    c="the third meeting of rank 0 is step 2 and that of rank 1 is step 3; nothing says that they "
    "do not belong together.",
    believed={"a": "quote: uneven-batches-hang", "b": "quote: fewer-inputs-error"},
)
number(
    "many-gpus-statistics",
    answer=0.416,
    unit="%",
    within=3,
    reason="A channel has a mean, a variance and two sums, but hundreds of weights or thousands.",
    measured_by="share_of_gradient",
)
