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
