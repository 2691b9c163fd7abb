"""Train and measure image classifiers, on a CPU or a GPU, in one process or several: `fit`."""

import math
from itertools import islice

import numpy as np
import torch
from torch.nn import functional
from tqdm.auto import tqdm

from helpers.numpy_nn.state import require_modes
from helpers.torch_nn import checkpoint as checkpoints
from helpers.torch_nn.batches import Batches, as_tensors
from helpers.torch_nn.fingerprint import run_settings
from helpers.torch_nn.history import Recorder
from helpers.torch_nn.modes import in_training, saved_modes
from helpers.torch_nn.processes import Processes
from helpers.torch_nn.schedules import SCHEDULES, decay_weights
from helpers.torch_nn.speed import compiled, cuda_settings, precision

CHECK_EVERY = 100  # steps between two looks at the losses


def pick_device():
    """The GPU if there is one that CUDA can use, else the CPU."""
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


@torch.no_grad()
def evaluate(model, x, y, *, batch_size=1000, amp=False):
    """Return the share of images x (N, C, H, W) that model classifies as y (N,).

    x and y are arrays or tensors on any device; they go to the model's device batch by batch. The
    model is in eval mode meanwhile (running statistics, no dropout); afterwards every module is in
    its old mode, and no parameter, buffer or gradient has changed. amp: see `fit`.

    Raises ValueError without images, for another number of labels, and for a model without
    parameters.
    """
    if not len(x) or len(x) != len(y):
        raise ValueError(
            f"to evaluate takes images and as many labels, not {len(x)} images and {len(y)} labels"
        )
    if batch_size < 1:
        raise ValueError(f"batch_size must be at least 1, not {batch_size}")
    device = _device_of(model)
    x, y = as_tensors(x, y)
    restore_modes = saved_modes(model)
    correct = torch.zeros((), dtype=torch.int64, device=device)
    try:
        model.eval()
        for images, labels in zip(x.split(batch_size), y.split(batch_size), strict=True):
            try:
                with precision(device, amp):
                    logits = model(images.to(device))
            except OverflowError:  # a network that has diverged; see `batchnorm`
                continue
            # argmax calls a row of NaN some class; a network that answers NaN is not right by
            # chance.
            answered = ~logits.isnan().any(dim=1)
            correct += ((logits.argmax(dim=1) == labels.to(device)) & answered).sum()
    finally:
        restore_modes()
    return correct.item() / len(y)


def fit(
    model,
    dataset,
    *,
    epochs,
    batch_size,
    lr,
    device="cpu",
    seed=0,
    momentum=0.9,
    nesterov=True,
    weight_decay=5e-4,
    label_smoothing=0.0,
    schedule="one_cycle",
    augment=None,
    amp=False,
    channels_last=False,
    compile=None,
    tf32=False,
    data_on_device=True,
    param_groups=None,
    max_steps=None,
    eval_every=1,
    checkpoint=None,
    progress=None,
):
    """Train `model` by SGD on the softmax cross-entropy of shuffled batches; returns a `History`.

    dataset: a helpers.data.Dataset; images become float32. The model moves to `device` and stays
    there. Each epoch goes through the training images once, in a new order, without those that do
    not fill a batch (see `Batches`). The test accuracy is measured after every `eval_every` epochs
    and at the end. max_steps ends the run earlier, and the schedule with it.

    Each module trains in the mode that it is in: batch norms and dropouts that you have put into
    eval mode stay there (running statistics normalize and do not move, nothing is dropped), during
    the training and afterwards. Their gamma and beta are trained all the same, unless their
    requires_grad is False. A model that is in eval mode as a whole is trained as a whole.

    The recipe:
        lr: the largest learning rate; `schedule` says what share of it each step takes:
            "one_cycle" (up, then down to almost 0), "constant", or a function (step, steps) ->
            share.
        momentum, nesterov, weight_decay: of torch.optim.SGD; without momentum, nesterov has no
            meaning. Only the weights of convolutions and linear layers decay, unless
            param_groups(model) returns other groups for the optimizer; a group's own "lr" is then
            the largest one of that group.
        label_smoothing: the share of each label that is spread over all classes (Szegedy et al.
            2016, section 7).
        augment: a function (x, generator) -> x that changes each training batch, like `Augment`.

    The speed, which changes results by no more than rounding:
        amp: automatic mixed precision. Convolutions and linear layers compute in bfloat16; weights,
            loss and update stay float32. bfloat16 has the range of float32, so that gradients
            neither overflow nor vanish and need no scaling.
        channels_last: images and filters lie in memory pixel by pixel, all channels of a pixel
            together, instead of channel by channel.
        compile: None, a backend of torch.compile ("inductor", ...) or a dictionary of its
            arguments. Evaluation is never compiled.
        tf32: on CUDA, let float32 convolutions and matrix products round their inputs to 10 bits.
            PyTorch does so for convolutions by default; here only if asked.
        data_on_device: False leaves the images in the computer's memory and sends each batch.

    checkpoint: a path. After every epoch the whole state is written there, and a call that finds
    the file goes on from it: on a CPU the result equals that of an uninterrupted run bit for bit.
    Ctrl-C or a crash loses what came after the last epoch. Raises CheckpointError if the file is
    damaged or from a run with other settings, another model, other data, or functions (`augment`,
    `schedule`, ...) that do something else under the same name; see `fingerprint`.

    A loss that is NaN or infinite ends the training; `History.stopped` says when and what to try.
    The losses stay on the device and are looked at every CHECK_EVERY steps and after every epoch:
    looking at each would make the CPU wait for the GPU after every step.

    What is random depends on `seed` alone, and PyTorch's own random state is left as it was.
    progress: the label of a progress bar; False for none.

    Under torchrun (torch.distributed initialized) each process trains on its slice of every batch,
    so batch_size remains the number of images per step; see `Processes`. All processes must be
    given the same model, data and settings. The checkpoint that counts is that of rank 0.

    Raises ValueError for arguments that make no sense, a data set without training or test images,
    a model without anything to train, and one that is in eval mode while a part of it is not.
    """
    arguments, processes = locals(), Processes.current()
    # To look at all the data takes a while; who trains alone and keeps nothing need not.
    compared = checkpoint is not None or processes.size > 1
    settings = run_settings(arguments, processes) if compared else {}
    processes.require_same(settings)
    keeps = processes.result_of_first(lambda: checkpoint is not None)
    for name, value in (("epochs", epochs), ("eval_every", eval_every), ("max_steps", max_steps)):
        if value is not None and value < 1:
            raise ValueError(f"{name} must be at least 1, not {value}")
    share = SCHEDULES.get(schedule, schedule)
    if not callable(share):
        raise ValueError(f"schedule is {schedule!r}, expected one of {', '.join(SCHEDULES)}")
    _require_images(dataset)
    require_modes(model)
    device = torch.device(device)
    memory_format = torch.channels_last if channels_last else torch.contiguous_format
    model.to(device=device, memory_format=memory_format)
    batches = Batches(
        dataset.x_train,
        dataset.y_train,
        batch_size,
        processes,
        device=device,
        memory_format=memory_format,
        seed=seed,
        on_device=data_on_device,
    )
    test = as_tensors(dataset.x_test, dataset.y_test)
    if data_on_device:
        test = tuple(values.to(device) for values in test)
    steps = epochs * len(batches) if max_steps is None else min(epochs * len(batches), max_steps)

    groups = param_groups(model) if param_groups else decay_weights(model, weight_decay)
    if not any(p.requires_grad for group in groups for p in group["params"]):
        raise ValueError(
            "there is nothing to train: the model has no parameters, or all of them have "
            "requires_grad=False"
        )
    optimizer = torch.optim.SGD(
        groups, lr, momentum, weight_decay=weight_decay, nesterov=nesterov and momentum > 0
    )
    scheduler = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: share(step, steps))
    recorder = Recorder(device, processes)
    parts = {"model": model, "optimizer": optimizer, "scheduler": scheduler, "recorder": recorder}
    first_epoch = checkpoints.resume(checkpoint, settings, parts, processes) if keeps else 0
    last_epoch = math.ceil(steps / len(batches))

    net = compiled(processes.share(model), compile)
    generator = torch.Generator(device)
    bar = tqdm(
        desc=progress,
        total=steps,
        initial=recorder.steps,
        disable=progress is False or not processes.is_first,
        leave=False,
    )
    with bar, cuda_settings(tf32), _own_random_state(device), in_training(model):
        for epoch in range(first_epoch, last_epoch):
            _reseed(seed, epoch, processes.rank, generator)
            recorder.start_clock()
            for x, y in islice(batches.epoch(epoch), steps - recorder.steps):
                if augment is not None:
                    x = augment(x, generator)
                try:
                    with precision(device, amp):
                        logits = net(x)
                except OverflowError:  # statistics that no longer fit: it has diverged
                    if processes.size > 1:  # the others would wait for this one
                        raise
                    infinite = torch.tensor(torch.inf, device=device)
                    recorder.step(infinite, lr * share(recorder.steps, steps))
                    break
                loss = functional.cross_entropy(logits.float(), y, label_smoothing=label_smoothing)
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
                recorder.step(loss.detach(), lr * share(recorder.steps, steps))
                scheduler.step()
                bar.update()
                if recorder.steps % CHECK_EVERY == 0 and not recorder.collect():
                    break
            recorder.stop_clock()
            ended = not recorder.collect() or recorder.steps == steps
            if ended or (epoch + 1) % eval_every == 0:
                recorder.evaluated(
                    processes.result_of_first(lambda: evaluate(model, *test, amp=amp))
                )
            if keeps and not recorder.stopped:
                state = (checkpoint, settings, parts, epoch + 1)
                processes.result_of_first(lambda state=state: checkpoints.save(*state))
            if ended:
                break
    return recorder.history(batch_size)


def _require_images(dataset):
    for part, use in (("train", "train on"), ("test", "evaluate on")):
        images, labels = (len(getattr(dataset, f"{array}_{part}")) for array in "xy")
        if not images:
            kind = "training" if part == "train" else part
            raise ValueError(f"the data set {dataset.name!r} has no {kind} images to {use}")
        if images != labels:
            raise ValueError(
                f"the data set {dataset.name!r} has {images} images and {labels} labels to {use}"
            )


def _device_of(model):
    parameter = next(model.parameters(), None)
    if parameter is None:
        raise ValueError("the model has no parameters: there is nothing in it that was trained")
    return parameter.device


def _reseed(seed, epoch, rank, generator):
    """Start the random numbers of an epoch: those of `augment`, and PyTorch's own for dropout.

    They follow from the seed and the number of the epoch, so that a resumed run draws the same.
    """
    for_augment, for_model = np.random.SeedSequence([seed, epoch, rank]).generate_state(2)
    generator.manual_seed(int(for_augment))
    torch.default_generator.manual_seed(int(for_model))
    if generator.device.type == "cuda":
        with torch.cuda.device(generator.device):
            torch.cuda.manual_seed(int(for_model))


def _own_random_state(device):
    return torch.random.fork_rng([device] if device.type == "cuda" else [])
