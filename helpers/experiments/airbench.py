"""Notebook `gpu_training`: what airbench94 does with batch norm, and one change away from it."""

import functools

import numpy as np
from torch import nn

from helpers.data import Dataset
from helpers.experiments.experiment import Experiment
from helpers.experiments.on_images import (
    augment_for,
    combinations,
    fast_options,
    images,
    result_of,
    source_of,
)
from helpers.torch_nn import models
from helpers.torch_nn.training import fit

# Batch norm as airbench94 has it (Jordan 2024; airbench94.py), and one change away from it.
AIRBENCH = {
    "norm": "batch",
    "train_gamma": False,
    "beta_factor": 64.0,
    "momentum": 0.4,  # of the running statistics, in PyTorch's convention; its code says 0.6
    "eps": 1e-12,
    "batch_factor": 1.0,  # of the batch size, and of the learning rate with it
}
ABLATIONS = {
    "airbench": {},
    "gamma trained": {"train_gamma": True},
    "beta at 1x the rate": {"beta_factor": 1.0},
    "momentum 0.1": {"momentum": 0.1},
    "momentum 0.01": {"momentum": 0.01},
    "eps 1e-5": {"eps": 1e-5},
    "PyTorch's defaults": {
        "train_gamma": True,
        "beta_factor": 1.0,
        "momentum": 0.1,
        "eps": 1e-5,
    },
    "group norm": {"norm": "group", "train_gamma": True, "beta_factor": 1.0, "eps": 1e-5},
    "no norm": {"norm": "none"},
    "batch / 4": {"batch_factor": 0.25},
    "batch x 4": {"batch_factor": 4.0},
}


def airbench(
    ablation: str,
    lr: float,
    seed: int,
    images_of: str,
    width: int,
    batch_size: int,
    epochs: int,
    device: str,
) -> dict:
    """A plain convolutional net trained for few epochs with what airbench94 (Jordan 2024) does with
    batch norm, and ablations of it: six convolutions, logits divided by 9, SGD with Nesterov
    momentum 0.85, label smoothing 0.2."""
    settings = AIRBENCH | ABLATIONS[ablation]
    dataset, batch_factor = images(images_of), settings["batch_factor"]
    lr *= batch_factor
    history = fit(
        airbench_net(dataset, width, seed, settings),
        dataset,
        epochs=epochs,
        batch_size=int(batch_factor * batch_size),
        lr=lr,
        device=device,
        seed=seed,
        momentum=0.85,
        label_smoothing=0.2,
        augment=augment_for(dataset),
        **fast_options(device),
        param_groups=functools.partial(
            groups_for_beta, lr=lr, beta_factor=settings["beta_factor"], weight_decay=0.0013
        ),
        progress=False,
    )
    return result_of(history)


def airbench_net(dataset: Dataset, width: int, seed: int, settings: dict) -> nn.Module:
    """Build a `models.vgg` of six convolutions with the norm that `settings` describes."""
    size, channels = dataset.x_train.shape[-1], dataset.x_train.shape[1]
    widths = (width, width, "pool", 4 * width, 4 * width, "pool", 4 * width, 4 * width, "pool")
    norm = settings["norm"]
    if norm == "batch":
        norm = functools.partial(nn.BatchNorm2d, eps=settings["eps"], momentum=settings["momentum"])
    net = models.vgg(
        np.random.default_rng(seed),
        channels=widths,
        norm=norm,
        in_channels=channels,
        image_size=size,
    )
    net.append(models.Scale(1 / 9))
    net[-1].alpha.requires_grad_(False)
    if not settings["train_gamma"]:
        for module in net.modules():
            if isinstance(module, nn.BatchNorm2d):
                module.weight.requires_grad_(False)
    return net


def groups_for_beta(model: nn.Module, *, lr: float, beta_factor: float, weight_decay: float):
    """Return parameter groups: weights with decay, gammas and others without, betas faster.

    The betas of batch norm train at `beta_factor` times the rate. Frozen parameters are left out.
    """
    betas = {id(m.bias) for m in model.modules() if isinstance(m, nn.BatchNorm2d)}
    trained = [p for p in model.parameters() if p.requires_grad]
    weights = [p for p in trained if p.ndim > 1]
    rest = [p for p in trained if p.ndim <= 1 and id(p) not in betas]
    fast = [p for p in trained if id(p) in betas]
    return [
        {"params": weights, "lr": lr, "weight_decay": weight_decay},
        {"params": rest, "lr": lr, "weight_decay": 0.0},
        {"params": fast, "lr": lr * beta_factor, "weight_decay": 0.0},
    ]


def _ablations(**common) -> list[dict]:
    return combinations(ablation=list(ABLATIONS), lr=[0.15, 0.5, 1.5], seeds=range(2), **common)


EXPERIMENT = Experiment(
    name="airbench",
    run=airbench,
    settings=_ablations(images_of=["cifar10"], width=[32], batch_size=[1024], epochs=[6]),
    cpu_settings=_ablations(images_of=["small"], width=[8], batch_size=[64], epochs=[4]),
    smoke_settings=combinations(
        ablation=["airbench", "no norm"],
        lr=[0.1],
        images_of=["digits"],
        width=[8],
        batch_size=[64],
        epochs=[1],
    ),
    data_source=source_of,
)
