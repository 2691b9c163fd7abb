"""The switches that make the same training faster: precision, compilation, CUDA's settings."""

import inspect
from contextlib import contextmanager

import torch


def precision(device, amp):
    """A context in which, with amp, convolutions and linear layers compute in bfloat16."""
    return torch.autocast(device.type, torch.bfloat16, enabled=amp)


def compiled(model, how):
    """The model compiled with torch.compile; `how` is None, a backend or a dict of arguments.

    It shares its parameters and buffers with `model`. Whatever else the program has compiled stays
    compiled.
    """
    if how is None:
        return model
    options = how if isinstance(how, dict) else {"backend": how}
    return torch.compile(model, **_OF_ITS_OWN, **options)


# Versions of the same code are counted together, and behind the eighth PyTorch goes on without
# compiling: a sweep over models would get there. PyTorch before 2.12 cannot count them apart.
_OF_ITS_OWN = (
    {"isolate_recompiles": True}
    if "isolate_recompiles" in inspect.signature(torch.compile).parameters
    else {}
)


@contextmanager
def cuda_settings(tf32):
    """CUDA's settings while training: TF32 or not, and the fastest convolutions, found by trial.

    Trials may choose differently from run to run, so that two runs on a GPU differ in rounding.
    Afterwards every setting is the caller's again, whether it was made the old way (allow_tf32,
    set_float32_matmul_precision) or the new one (fp32_precision).
    """
    cuda, cudnn = torch.backends.cuda, torch.backends.cudnn
    benchmark, restore = cudnn.benchmark, _precisions()
    try:
        # The old switches first: they move the new ones along, and both then say the same.
        cuda.matmul.allow_tf32, cudnn.allow_tf32, cudnn.benchmark = tf32, tf32, True
        for setting in (cuda.matmul, cudnn.conv, cudnn.rnn):
            setting.fp32_precision = "tf32" if tf32 else "ieee"
        yield
    finally:
        cudnn.benchmark = benchmark
        restore()


# From the general to the particular: who says "none" does as the one above. Not through
# torch.backends: there, to set mkldnn.fp32_precision sets that of all backends.
_SWITCHES = [("generic", "all"), ("cuda", "all"), ("mkldnn", "all")]
_SWITCHES += [(backend, of) for backend in ("cuda", "mkldnn") for of in ("matmul", "conv", "rnn")]


def _precisions():
    """Return a function that sets every switch of float32's precision to what it is now."""
    before = []
    for switch in _SWITCHES:  # once those above say "none", each tells what it says itself
        before.append(torch._C._get_fp32_precision_getter(*switch))
        torch._C._set_fp32_precision_setter(*switch, "none")
    # Now the old switches can be read; while the new ones said otherwise, PyTorch would refuse.
    matmul, cudnn = torch.get_float32_matmul_precision(), _cudnn_allows_tf32()

    def restore():
        torch.set_float32_matmul_precision(matmul)
        torch.backends.cudnn.allow_tf32 = cudnn
        for switch, precision in zip(_SWITCHES, before, strict=True):
            torch._C._set_fp32_precision_setter(*switch, precision)

    restore()
    return restore


def _cudnn_allows_tf32():
    """What the old switch says while the new ones say "none", which only False agrees with."""
    try:
        return torch.backends.cudnn.allow_tf32
    except RuntimeError:
        return True


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
