"""The switches that make the same training faster: precision, compilation, CUDA's settings."""

from contextlib import contextmanager

import torch


def precision(device, amp):
    """A context in which, with amp, convolutions and linear layers compute in bfloat16."""
    return torch.autocast(device.type, torch.bfloat16, enabled=amp)


def compiled(model, how):
    """The model compiled with torch.compile; `how` is None, a backend or a dict of arguments.

    It shares its parameters and buffers with `model`.
    """
    if how is None:
        return model
    # Without this, a sweep over many models reaches the limit of compilations, behind which
    # PyTorch quietly goes on without compiling.
    torch.compiler.reset()
    return torch.compile(model, **(how if isinstance(how, dict) else {"backend": how}))


@contextmanager
def cuda_settings(tf32):
    """CUDA's settings while training: TF32 or not, and the fastest convolutions, found by trial.

    Trials may choose differently from run to run, so that two runs on a GPU differ in rounding.
    """
    matmul, cudnn = torch.backends.cuda.matmul, torch.backends.cudnn
    before = matmul.allow_tf32, cudnn.allow_tf32, cudnn.benchmark
    try:
        matmul.allow_tf32, cudnn.allow_tf32, cudnn.benchmark = tf32, tf32, True
        yield
    finally:
        matmul.allow_tf32, cudnn.allow_tf32, cudnn.benchmark = before


# One change at a time: each arm is the one before it and what stands here.
CHANGES = {
    "plain loop": {"data_on_device": False},
    "data on the device": {"data_on_device": True},
    "TF32": {"tf32": True},
    "channels_last": {"channels_last": True},
    "bfloat16": {"amp": True},
    "compile": {"compile": "inductor"},
    "batch x8": {"batch_size": 8},  # times that of the plain loop, and so is the learning rate
}


def changes_on(device) -> dict:
    """Return those of CHANGES that are for a device: on a CPU neither TF32 nor compile.

    TF32 is a format of GPUs; to compile for a CPU takes minutes, and a C++ compiler.
    """
    for_gpus = () if torch.device(device).type == "cuda" else ("TF32", "compile")
    return {arm: change for arm, change in CHANGES.items() if arm not in for_gpus}


def options_of(arm: str, batch_size: int, lr: float, device) -> dict:
    """Return the options of `fit` for an arm: its own and those of the arms before it.

    arm: one of changes_on(device); ValueError for others. batch_size, lr: of the plain loop.
    """
    changes = changes_on(device)
    if arm not in changes:
        raise ValueError(f"arm is {arm!r}, expected one of {', '.join(changes)} on this device")
    options = {}
    for name, change in changes.items():
        options |= change
        if name == arm:
            break
    factor = options.pop("batch_size", 1)
    return options | {"batch_size": factor * batch_size, "lr": factor * lr}
