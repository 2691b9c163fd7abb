"""The recorded experiments of Part III: `python -m helpers.record NAME --device cuda`.

Here are those of notebook 15; notebook 16 has its own in `cost_experiment`.
Each has settings for a GPU (full size), for a CPU (a few minutes on one core) and for a test of the
recorder. What a setting does not name is written in the function that runs it.
"""

import functools
from dataclasses import replace
from itertools import product

import numpy as np
from torch import nn

from helpers import data
from helpers.data import Dataset
from helpers.experiments import Experiment
from helpers.torch_nn import models
from helpers.torch_nn.augmentation import Augment
from helpers.torch_nn.cost_experiment import BATCH_NORM_COST
from helpers.torch_nn.history import History
from helpers.torch_nn.training import fit


@functools.cache
def images(kind: str) -> Dataset:
    """Return a data set with every channel standardized: mean 0 and deviation 1 when training.

    kind: "cifar10"; "small", 2,000 + 1,000 images of CIFAR-10 at half the resolution, or the digits
    where CIFAR-10 cannot be had; "digits". The source says which images these are.
    """
    return _small() if kind == "small" else data.load(kind).standardized()


def _small() -> Dataset:
    try:
        whole = images("cifar10")
    except data.DataError:
        return images("digits")
    x_train, x_test = (
        x.reshape(len(x), 3, 16, 2, 16, 2).mean(axis=(3, 5))
        for x in (whole.x_train[:2000], whole.x_test[:1000])
    )
    return replace(
        whole,
        x_train=x_train,
        y_train=whole.y_train[:2000],
        x_test=x_test,
        y_test=whole.y_test[:1000],
        source=f"{whole.source}, 2,000 images at half the resolution",
    )


def _source(size: str) -> str:
    return images({"full": "cifar10", "cpu": "small", "smoke": "digits"}[size]).source


def _result(history: History) -> dict:
    """What is kept of a run, as plain numbers; times are in seconds."""
    return {
        "eval_steps": history.eval_steps.tolist(),
        "test_accuracy": [round(value, 4) for value in history.test_accuracy.tolist()],
        "eval_seconds": [round(value, 3) for value in history.eval_seconds.tolist()],
        "seconds": round(history.seconds, 3),
        "warm_up_seconds": round(history.warm_up_seconds, 3),
        "images_per_second": round(history.images_per_second, 1),
        "stopped": history.stopped,
    }


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


def options_of(arm: str, batch_size: int, lr: float) -> dict:
    """Return the options of `fit` for an arm of CHANGES: its own and those of the arms before it.

    batch_size, lr: of the plain loop.
    """
    options = {}
    for name, change in CHANGES.items():
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
        **options_of(arm, batch_size, lr=0.05),
        epochs=steps,
        max_steps=steps,
        device=device,
        seed=round,
        progress=False,
    )
    return _result(history)


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
    """Train residual nets with flipped and shifted images, label smoothing 0.1, in bfloat16 with
    channels_last. "race": compiled on a GPU, to full accuracy. "norms": batch norm, group norm and
    no norm, each at several learning rates; seconds start after the first steps."""
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
        augment=_augment(dataset),
        **_fast(device),
        compile="inductor" if part == "race" and device == "cuda" else None,
        progress=False,
    )
    return _result(history)


def _fast(device: str) -> dict:
    """What is fast on every recent GPU; a CPU may have to emulate bfloat16."""
    return {"amp": device == "cuda", "channels_last": device == "cuda"}


def _augment(dataset: Dataset) -> Augment:
    if dataset.name == "digits":  # a mirrored digit is no digit
        return Augment(flip=False, translate=1)
    return Augment(translate=dataset.x_train.shape[-1] // 16)


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
        augment=_augment(dataset),
        **_fast(device),
        param_groups=functools.partial(
            groups_for_beta, lr=lr, beta_factor=settings["beta_factor"], weight_decay=0.0013
        ),
        progress=False,
    )
    return _result(history)


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


def smoke(seed: int, device: str) -> dict:
    """Two steps of a small residual net on the digits: is everything there that a recording
    needs?"""
    dataset = images("digits")
    net = residual_net(dataset, 8, (1,), seed)
    options = {"epochs": 1, "max_steps": 4, "batch_size": 32, "lr": 0.05, "progress": False}
    return _result(fit(net, dataset, **options, device=device, seed=seed))


def _settings(*, seeds=range(1), **choices) -> list[dict]:
    """Every combination of choices (lists), seed after seed, so that a run cut short is fair."""
    names = list(choices)
    return [
        dict(zip(names, values, strict=True)) | {"seed": seed}
        for seed, values in product(seeds, product(*choices.values()))
    ]


def _steps(rounds: int, arms=tuple(CHANGES), **common) -> list[dict]:
    return [{"arm": arm, "round": i, **common} for i, arm in product(range(rounds), arms)]


def _ablations(**common) -> list[dict]:
    return _settings(ablation=list(ABLATIONS), lr=[0.15, 0.5, 1.5], seeds=range(2), **common)


FULL = {"images_of": ["cifar10"], "width": [64], "batch_size": [512]}
SMALL = {"images_of": ["small"], "width": [16], "batch_size": [64]}
SMOKE = {"images_of": ["digits"], "width": [8], "batch_size": [64]}
NORMS = {"part": ["norms"], "norm": ["batch", "group", "none"], "blocks": [[1, 1, 1]]}
RACE = {"part": ["race"], "norm": ["batch"]}
# Compiling for a CPU takes minutes.
ON_A_CPU = tuple(arm for arm in CHANGES if arm not in ("TF32", "compile"))

_ALL = (
    Experiment(
        name="gpu_steps",
        run=gpu_steps,
        settings=_steps(3, images_of="cifar10", width=64, batch_size=128, steps=60),
        cpu_settings=_steps(5, ON_A_CPU, images_of="small", width=16, batch_size=64, steps=9),
        smoke_settings=_steps(
            1, ("plain loop", "bfloat16"), images_of="digits", width=8, batch_size=32, steps=4
        ),
        data_source=_source,
    ),
    Experiment(
        name="gpu_training",
        run=gpu_training,
        settings=[
            *_settings(**RACE, **FULL, lr=[0.4], blocks=[[1, 2, 2]], epochs=[20], seeds=range(3)),
            *_settings(**RACE, **FULL, lr=[0.4], blocks=[[2, 2, 2]], epochs=[20]),
            *_settings(**NORMS, **FULL, lr=[0.05, 0.1, 0.2, 0.4, 0.8, 1.6], epochs=[6]),
        ],
        cpu_settings=[
            *_settings(**RACE, **SMALL, lr=[0.3], blocks=[[1, 1, 1]], epochs=[8]),
            *_settings(**NORMS, **SMALL, lr=[0.03, 0.1, 0.3, 1.0, 3.0], epochs=[4]),
        ],
        smoke_settings=_settings(**RACE, **SMOKE, lr=[0.3], blocks=[[1]], epochs=[1]),
        data_source=_source,
    ),
    Experiment(
        name="airbench",
        run=airbench,
        settings=_ablations(images_of=["cifar10"], width=[32], batch_size=[1024], epochs=[6]),
        cpu_settings=_ablations(images_of=["small"], width=[8], batch_size=[64], epochs=[4]),
        smoke_settings=_settings(
            ablation=["airbench", "no norm"],
            lr=[0.1],
            images_of=["digits"],
            width=[8],
            batch_size=[64],
            epochs=[1],
        ),
        data_source=_source,
    ),
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
