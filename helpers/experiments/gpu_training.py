"""Notebook `gpu_training`: a race to full accuracy, and norms at several learning rates."""

from helpers.experiments.experiment import Experiment
from helpers.experiments.on_images import (
    augment_for,
    combinations,
    fast_options,
    images,
    residual_net,
    result_of,
    source_of,
)
from helpers.torch_nn.training import fit


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


FULL = {"images_of": ["cifar10"], "width": [64], "batch_size": [512]}
SMALL = {"images_of": ["small"], "width": [16], "batch_size": [64]}
SMOKE = {"images_of": ["digits"], "width": [8], "batch_size": [64]}
NORMS = {"part": ["norms"], "norm": ["batch", "group", "none"], "blocks": [[1, 1, 1]]}
RACE = {"part": ["race"], "norm": ["batch"]}

EXPERIMENT = Experiment(
    name="gpu_training",
    run=gpu_training,
    settings=[
        *combinations(**RACE, **FULL, lr=[0.4], blocks=[[1, 2, 2]], epochs=[20], seeds=range(3)),
        *combinations(**RACE, **FULL, lr=[0.4], blocks=[[2, 2, 2]], epochs=[20]),
        *combinations(**NORMS, **FULL, lr=[0.05, 0.1, 0.2, 0.4, 0.8, 1.6], epochs=[6]),
    ],
    cpu_settings=[
        *combinations(**RACE, **SMALL, lr=[0.3], blocks=[[1, 1, 1]], epochs=[8]),
        *combinations(**NORMS, **SMALL, lr=[0.03, 0.1, 0.3, 1.0, 3.0], epochs=[4]),
    ],
    smoke_settings=combinations(**RACE, **SMOKE, lr=[0.3], blocks=[[1]], epochs=[1]),
    data_source=source_of,
)
