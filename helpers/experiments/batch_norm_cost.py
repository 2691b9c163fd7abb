"""Notebook `cost`: times of batch norm, of a training step, of inference."""

import numpy as np
import torch

from helpers.cost import timing, workloads
from helpers.experiments.experiment import Experiment
from helpers.torch_nn import folding, models
from helpers.torch_nn.speed import cuda_settings


def batch_norm_cost(part: str, device: str, rounds: int, **setting) -> dict:
    """Times of batch norm, all arms side by side, as medians of ratios. "tensor": forward, and
    forward and backward ("both"), in copies of the tensor. "step": a training step of a residual
    net with batch norm, in steps of the same net without. "folding": the same for inference, as
    trained and folded. On a CPU, with one thread."""
    with cuda_settings(tf32=True), timing.one_thread():
        return {"tensor": _tensor, "step": _step, "folding": _inference}[part](
            device=device, rounds=rounds, **setting
        )


def _timed(arms, device, rounds):
    # A GPU is given enough calls in a row that starting them is not what is measured.
    calls = 10 if device == "cuda" else 1
    return timing.paired(arms, rounds=rounds, calls=calls, timer=timing.timer_for(device))


def _rounded(ratios):
    return {name: round(ratio, 3) for name, ratio in ratios.items()}


def _tensor(shape, dtype, compiled, device, rounds):
    dtype = getattr(torch, dtype)
    arms = workloads.batch_norm_arms(tuple(shape), dtype, device, compiled=compiled)
    size = int(np.prod(shape)) * dtype.itemsize
    result = {"bytes": size}
    for direction, candidates in arms.items():
        seconds = _timed(candidates, device, rounds)
        result[direction] = _rounded(timing.multiples(seconds, "copy"))
        result["gigabytes_per_second"] = round(2e-9 * size / np.median(seconds["copy"]), 1)
    return result


def _nets(width, blocks, norms):
    # Without SkipInit's extra multiplications, which the net without norm would have to itself.
    return {
        norm: models.resnet(
            np.random.default_rng(0), width=width, blocks=tuple(blocks), norm=norm, zero_init=False
        )
        for norm in norms
    }


def _batch(batch_size, image_size, device, memory_format):
    x = torch.randn(batch_size, 3, image_size, image_size, device=device)
    y = torch.arange(batch_size, device=device) % 10
    return x.to(memory_format=memory_format), y


def _step(
    width, blocks, batch_size, image_size, channels_last, amp, compiled, device, rounds
) -> dict:
    memory_format = torch.channels_last if channels_last else torch.contiguous_format
    x, y = _batch(batch_size, image_size, device, memory_format)
    torch.compiler.reset()
    arms = {}
    for norm, net in _nets(width, blocks, ("none", "batch", "group")).items():
        net.to(device=device, memory_format=memory_format)
        net = torch.compile(net, dynamic=False) if compiled else net
        arms[norm] = workloads.training_step(net, x, y, amp=amp)
    seconds = _timed(arms, device, rounds)
    result = {
        "seconds": float(f"{np.median(seconds['none']):.3g}"),
        **_rounded(timing.multiples(seconds, "none")),
    }
    if not compiled:  # what is fused has no time of its own
        result["profiled_share"] = round(workloads.profiled_share(arms["batch"], device), 3)
    return result


def _inference(
    width, blocks, batch_size, image_size, channels_last, amp, compiled, device, rounds
) -> dict:
    memory_format = torch.channels_last if channels_last else torch.contiguous_format
    x, _ = _batch(batch_size, image_size, device, memory_format)
    nets = _nets(width, blocks, ("none", "batch"))
    nets["folded"] = folding.fold(nets["batch"].eval())
    torch.compiler.reset()
    arms = {}
    for name, net in nets.items():
        net.eval().to(device=device, memory_format=memory_format)
        net = torch.compile(net, dynamic=False) if compiled else net
        arms[name] = workloads.inference(net, x, amp=amp)
    return _rounded(timing.multiples(_timed(arms, device, rounds), "none"))


def _tensors(shapes, dtypes, compiled, rounds):
    return [
        {"part": "tensor", "shape": shape, "dtype": dtype, "compiled": compiled, "rounds": rounds}
        for dtype in dtypes
        for shape in shapes
    ]


def _networks(rounds, options, **common):
    return [
        {"part": part, **common, **option, "rounds": rounds}
        for part in ("step", "folding")
        for option in options
    ]


def _options(*rows):
    names = ("channels_last", "amp", "compiled")
    return [dict(zip(names, row, strict=True)) for row in rows]


EXPERIMENT = Experiment(
    name="batch_norm_cost",
    run=batch_norm_cost,
    settings=[
        *_tensors(
            # 103, 103 and 6 MB in half precision
            [[256, 64, 56, 56], [256, 256, 28, 28], [64, 64, 28, 28]],
            ["bfloat16", "float32"],
            compiled=True,
            rounds=30,
        ),
        *_networks(
            30,
            _options(
                (False, False, False), (False, True, False), (True, True, False), (True, True, True)
            ),
            width=64,
            blocks=[1, 1, 1],
            batch_size=512,
            image_size=32,
        ),
    ],
    cpu_settings=[
        *_tensors([[32, 64, 16, 16], [64, 64, 28, 28]], ["float32"], compiled=True, rounds=15),
        *_networks(
            15,
            _options((False, False, False), (True, False, False)),
            width=16,
            blocks=[1, 1, 1],
            batch_size=32,
            image_size=32,
        ),
    ],
    smoke_settings=[
        *_tensors([[4, 8, 6, 6]], ["float32"], compiled=False, rounds=2),
        *_networks(
            2, _options((True, False, False)), width=8, blocks=[1], batch_size=4, image_size=8
        ),
    ],
    data_source=lambda size: "random images",
)
