"""The recorded experiments of Part III: `python -m helpers.record NAME --device cuda`.

Here are two of notebook 15; its third lies in `airbench_experiment`, that of notebook 16 in
`cost_experiment`. They share `experiment_parts`.
Each has settings for a GPU (full size), for a CPU (a few minutes on one core) and for a test of the
recorder. What a setting does not name is written in the function that runs it.
"""

from itertools import product

import numpy as np
import torch

from helpers.data import Dataset
from helpers.experiments import Experiment
from helpers.torch_nn import models
from helpers.torch_nn.airbench_experiment import ABLATIONS as ABLATIONS  # for the notebook
from helpers.torch_nn.airbench_experiment import AIRBENCH_ABLATIONS
from helpers.torch_nn.cost_experiment import BATCH_NORM_COST
from helpers.torch_nn.experiment_parts import (
    augment_for,
    combinations,
    fast_options,
    images,
    result_of,
    source_of,
)
from helpers.torch_nn.training import fit


def residual_net(dataset: Dataset, width: int, blocks, seed: int, norm="batch", **options):
    """Build a `models.resnet` for the images of a data set."""
    channels = dataset.x_train.shape[1]
    rng = np.random.default_rng(seed)
    return models.resnet(
        rng, width=width, blocks=blocks, norm=norm, in_channels=channels, **options
    )


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


def gpu_steps(
    arm: str, round: int, images_of: str, width: int, batch_size: int, steps: int, device: str
) -> dict:
    """Images per second of a residual net in training, one change at a time from a plain loop in
    float32 that sends every batch to the device; several rounds, each with every arm once."""
    dataset = images(images_of)
    model = residual_net(dataset, width, (1, 1, 1), seed=round)
    history = fit(
        model,
        dataset,
        **options_of(arm, batch_size, 0.05, device),
        epochs=steps,
        max_steps=steps,
        device=device,
        seed=round,
        progress=False,
    )
    return result_of(history)


def gpu_training(
    part: str,
    norm: str,
    lr: float,
    seed: int,
    images_of: str,
    width: int,
    blocks: list[int],
    batch_size: int,
    epochs: int,
    device: str,
) -> dict:
    """Train residual nets with flipped and shifted images and label smoothing 0.1, on a GPU in
    bfloat16 with channels_last. "race": to full accuracy, on a GPU compiled. "norms": batch norm,
    group norm and no norm, each at several learning rates; seconds start after the first steps."""
    dataset = images(images_of)
    history = fit(
        residual_net(dataset, width, tuple(blocks), seed, norm),
        dataset,
        epochs=epochs,
        batch_size=batch_size,
        lr=lr,
        device=device,
        seed=seed,
        label_smoothing=0.1,
        augment=augment_for(dataset),
        **fast_options(device),
        compile="inductor" if part == "race" and device == "cuda" else None,
        progress=False,
    )
    return result_of(history)


def smoke(seed: int, device: str) -> dict:
    """Four steps of a small residual net on the digits: is everything there that a recording
    needs?"""
    dataset = images("digits")
    net = residual_net(dataset, 8, (1,), seed)
    options = {"epochs": 1, "max_steps": 4, "batch_size": 32, "lr": 0.05, "progress": False}
    return result_of(fit(net, dataset, **options, device=device, seed=seed))


def _steps(rounds: int, arms=tuple(CHANGES), **common) -> list[dict]:
    return [{"arm": arm, "round": i, **common} for i, arm in product(range(rounds), arms)]


FULL = {"images_of": ["cifar10"], "width": [64], "batch_size": [512]}
SMALL = {"images_of": ["small"], "width": [16], "batch_size": [64]}
SMOKE = {"images_of": ["digits"], "width": [8], "batch_size": [64]}
NORMS = {"part": ["norms"], "norm": ["batch", "group", "none"], "blocks": [[1, 1, 1]]}
RACE = {"part": ["race"], "norm": ["batch"]}
FULL_RACE = RACE | FULL | {"lr": [0.4], "epochs": [20]}

_ALL = (
    Experiment(
        name="gpu_steps",
        run=gpu_steps,
        settings=_steps(3, images_of="cifar10", width=64, batch_size=128, steps=60),
        cpu_settings=_steps(
            5, changes_on("cpu"), images_of="small", width=16, batch_size=64, steps=9
        ),
        smoke_settings=_steps(
            1, ("plain loop", "bfloat16"), images_of="digits", width=8, batch_size=32, steps=4
        ),
        data_source=source_of,
    ),
    Experiment(
        name="gpu_training",
        run=gpu_training,
        settings=[
            *combinations(
                **RACE, **FULL, lr=[0.4], blocks=[[1, 2, 2]], epochs=[20], seeds=range(3)
            ),
            *combinations(**RACE, **FULL, lr=[0.4], blocks=[[2, 2, 2]], epochs=[20]),
            *combinations(**NORMS, **FULL, lr=[0.05, 0.1, 0.2, 0.4, 0.8, 1.6], epochs=[6]),
        ],
        cpu_settings=[
            *combinations(**RACE, **SMALL, lr=[0.3], blocks=[[1, 1, 1]], epochs=[8]),
            *combinations(**NORMS, **SMALL, lr=[0.03, 0.1, 0.3, 1.0, 3.0], epochs=[4]),
        ],
        smoke_settings=combinations(**RACE, **SMOKE, lr=[0.3], blocks=[[1]], epochs=[1]),
        data_source=source_of,
    ),
    AIRBENCH_ABLATIONS,
    BATCH_NORM_COST,
    Experiment(
        name="smoke",
        run=smoke,
        settings=[{"seed": 0}],
        cpu_settings=[{"seed": 0}],
        smoke_settings=[{"seed": 0}],
        data_source=lambda size: images("digits").source,
    ),
)

EXPERIMENTS = {experiment.name: experiment for experiment in _ALL}
