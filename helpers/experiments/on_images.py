"""What experiments on images share: the images, networks, options, results, lists of settings."""

import functools
from dataclasses import replace
from itertools import product

import numpy as np

from helpers import data
from helpers.data import Dataset
from helpers.torch_nn import models
from helpers.torch_nn.augmentation import Augment
from helpers.torch_nn.history import History


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


def residual_net(dataset: Dataset, width: int, blocks, seed: int, norm="batch", **options):
    """Build a `models.resnet` for the images of a data set."""
    channels = dataset.x_train.shape[1]
    rng = np.random.default_rng(seed)
    return models.resnet(
        rng, width=width, blocks=blocks, norm=norm, in_channels=channels, **options
    )


def source_of(size: str) -> str:
    """Where the images of a size come from: "full", "cpu" or "smoke"."""
    return images({"full": "cifar10", "cpu": "small", "smoke": "digits"}[size]).source


def result_of(history: History) -> dict:
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


def fast_options(device: str) -> dict:
    """What is fast on every recent GPU; a CPU may have to emulate bfloat16."""
    return {"amp": device == "cuda", "channels_last": device == "cuda"}


def augment_for(dataset: Dataset) -> Augment:
    """The `Augment` that suits the images: small shifts, and for photos flips."""
    if dataset.name == "digits":  # a mirrored digit is no digit
        return Augment(flip=False, translate=1)
    return Augment(translate=dataset.x_train.shape[-1] // 16)


def combinations(*, seeds=range(1), **choices) -> list[dict]:
    """Every combination of choices (lists), seed after seed, so that a run cut short is fair."""
    names = list(choices)
    return [
        dict(zip(names, values, strict=True)) | {"seed": seed}
        for seed, values in product(seeds, product(*choices.values()))
    ]
