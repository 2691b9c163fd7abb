"""Train one run: one arm at one rate from one seed in one setting, as the pool's settings are.

The arms of a setting share images, batches and initial weights, seed by seed. `helpers.pool` reads
what was recorded of such runs; `helpers.bench` trains here what was not.
"""

import functools
from collections.abc import Callable
from dataclasses import replace
from itertools import chain

import numpy as np

from helpers import data
from helpers.numpy_nn import functional as F
from helpers.numpy_nn.blocks import NoisyBatchNorm
from helpers.numpy_nn.models import mlp, residual_mlp
from helpers.numpy_nn.modules import (
    BatchNorm,
    Dropout,
    GroupNorm,
    ReLU,
    Sequential,
    Sigmoid,
    Tanh,
)
from helpers.numpy_nn.optim import SGD, Adam
from helpers.numpy_nn.training import batch_accuracy, batch_statistics_only, fit
from helpers.pool import CURVES, SLOW, STEPS

HELD_OUT = 250
EXAMINED = 1047  # of the training images, where there are more
ACTIVATIONS = {"relu": ReLU, "sigmoid": Sigmoid, "tanh": Tanh}
OPTIMIZERS = {
    "sgd": {"optimizer": SGD},
    "momentum": {"optimizer": SGD, "momentum": 0.9},
    "adam": {"optimizer": Adam},
}


def gone(curves: tuple[str, ...] = CURVES) -> list[float]:
    """What a network that has diverged is worth: no answer of it is right, not even by chance."""
    return [np.inf if "loss" in curve or "drift" in curve else 0.0 for curve in curves]


class OnlyGammaAndBeta(Sequential):
    """A network whose weights stay random: training sees the gammas and betas alone."""

    def parameters(self):
        return [p for p in super().parameters() if p.name in ("gamma", "beta")]


def train(
    arm: str,
    rate: float,
    seed: int,
    first_seed: int = 0,
    curves: tuple[str, ...] = CURVES,
    watch: Callable | None = None,
    **axes,
) -> dict:
    """Train one arm at one rate from one seed. axes: the setting, as `Pool.axes` holds it.

    Returns {"curves": the numbers of CURVES after each of STEPS, a list for each, "last": numbers
    of the trained network}. watch: returns, of (model, task), the numbers of what `curves` holds
    beyond CURVES.
    """
    seed += first_seed
    model, dataset, task, spoiled = start(arm, axes, seed)

    def evaluate(model, *_):
        return [*examine(model, task, spoiled), *(watch(model, task) if watch else [])]

    history = fit(
        model,
        dataset,
        steps=axes["steps"],
        batch_size=axes["batch"],
        lr=rate,
        seed=300 + seed,
        evaluate=evaluate,
        eval_at=STEPS,
        progress=False,
        **OPTIMIZERS[axes["optimizer"]],
    )
    found = dict(zip(history.eval_steps.tolist(), history.scores.tolist(), strict=True))
    if history.diverged:
        found[len(history.loss)] = gone(curves)
    numbers = [found.get(step, gone(curves)) for step in STEPS if step <= axes["steps"]]
    kept = np.round(numbers, 4).T.tolist()
    return {"curves": kept, "last": last(model, arm, task, axes, history)}


def start(arm: str, axes: dict, seed: int):
    """Return the network of a run, the data set to train it on, and what `draw` returns."""
    task, spoiled = draw(axes["data"], axes["images"], axes["wrong"], axes["pixels"], seed)
    (x_train, y_train), (x_test, y_test) = task["train"], task["test"]
    parts = {"x_train": x_train, "y_train": y_train, "x_test": x_test, "y_test": y_test}
    model = network(arm, axes, seed, inputs=x_train.shape[1])
    return model, replace(images(axes["data"]), **parts), task, spoiled


def examine(model, task, spoiled) -> list[float]:
    """The numbers of CURVES, in their order, in eval mode; `fit` puts the modes back."""
    model.eval()
    numbers, by_heart = [], 0.0
    for part in ("train", "held-out", "test"):
        x, y = (array[:EXAMINED] for array in task[part])
        try:
            logits = model(x)
        except OverflowError:  # statistics that float64 cannot hold
            return gone()
        loss, _ = F.softmax_cross_entropy(logits, y)
        right = logits.argmax(axis=1) == y
        numbers += [loss, right.mean()]
        if part == "train" and spoiled:
            by_heart = right[:spoiled].mean()
    return [*map(float, numbers), float(by_heart)] if np.isfinite(numbers).all() else gone()


def last(model, arm, task, axes, history) -> dict:
    """Numbers of the trained network; nothing if it has diverged, or is not plain batch norm's.

    own: test accuracy where batches of the training size normalize themselves. undone: of the way
    that gammas, and betas, have to where they undo batch norm, the largest share of any layer.
    variance: per layer, the unbiased variance of such batches, on average, divided by that of all
    training images (features that never vary are left out).
    """
    layers = [module for module in model.modules() if isinstance(module, BatchNorm)]
    if history.diverged or arm != "batch norm":
        return {}
    (x, _), (x_test, y_test), size = task["train"], task["test"], axes["batch"]
    rng = np.random.default_rng(0)
    order = rng.permutation(len(x_test))[: len(x_test) // size * size]
    parts = order.reshape(-1, size) if len(order) else [np.arange(len(x_test))]
    own = np.mean([batch_accuracy(model, x_test[p], y_test[p]) for p in parts])

    whole = _statistics(model, layers, x)
    share = [
        [_share(layer.gamma.data, 1.0, np.sqrt(var + layer.eps)), _share(layer.beta.data, 0.0, mu)]
        for layer, (mu, var) in zip(layers, whole, strict=True)
    ]
    batches = [_statistics(model, layers, x[rng.integers(len(x), size=size)]) for _ in range(50)]
    ratios = []
    for number, (_, var) in enumerate(whole):
        mean = np.mean([batch[number][1] for batch in batches], axis=0) * size / (size - 1)
        ratios.append(float(np.mean((mean / np.maximum(var, 1e-12))[var > 1e-4])))
    return {
        "own": round(float(own), 4),
        "undone": np.round(np.max(share, axis=0), 3).tolist(),
        "variance": np.round(ratios, 3).tolist(),
    }


def _statistics(model, layers, x):
    """(mean, variance) of what enters each batch norm when x is the batch."""
    with batch_statistics_only(model):
        model(x)
        return [(layer.cache.mean, layer.cache.var) for layer in layers]


def _share(now, start, undone):
    return 1 - np.linalg.norm(undone - now) / np.linalg.norm(undone - start)


@functools.cache
def images(name: str) -> data.Dataset:
    """The digits; of MNIST the first 4,000 training and 1,000 test images."""
    dataset = data.load(name).flattened()
    if name == "digits":
        return dataset
    parts = {"x_train": 4000, "y_train": 4000, "x_test": 1000, "y_test": 1000}
    found = {part: getattr(dataset, part)[:count] for part, count in parts.items()}
    return replace(
        dataset, **{p: v.astype(float) if p.startswith("x") else v for p, v in found.items()}
    )


@functools.lru_cache(maxsize=8)
def draw(name: str, count: int, wrong: float, pixels: str, seed: int):
    """Split the training images by the seed into `count` to train on and HELD_OUT others.

    Returns ({"train" | "held-out" | "test": (x, y)}, the number of first training labels that are
    wrong). pixels: "raw", from 0 to 1; "centred", less the mean of all pixels and divided by their
    deviation; "standardized", each pixel by itself; with statistics of the images to train on.
    """
    dataset, rng = images(name), np.random.default_rng(seed)
    order = rng.permutation(len(dataset.x_train))
    held_out, train = order[:HELD_OUT], order[HELD_OUT : HELD_OUT + count]
    x, y = dataset.x_train[train], dataset.y_train[train].copy()
    spoiled = round(wrong * count)
    y[:spoiled] = (y[:spoiled] + rng.integers(1, 10, size=spoiled)) % 10
    mean, std = {
        "raw": lambda: (0.0, 1.0),
        "centred": lambda: (x.mean(), x.std()),
        "standardized": lambda: (x.mean(axis=0), x.std(axis=0)),
    }[pixels]()
    std = np.where(std == 0, 1.0, std)  # a pixel that never varies stays 0
    parts = {
        "train": (x, y),
        "held-out": (dataset.x_train[held_out], dataset.y_train[held_out]),
        "test": (dataset.x_test, dataset.y_test),
    }
    return {part: ((x - mean) / std, y) for part, (x, y) in parts.items()}, spoiled


def network(arm: str, axes: dict, seed: int, inputs: int) -> Sequential:
    """Build the network of an arm; the arms of a setting start from the same weights."""
    rng, noise = np.random.default_rng(100 + seed), np.random.default_rng(200 + seed)
    hidden, norm = axes["hidden"], norm_of(arm, noise)
    if "skip" in arm.lower():
        skip_init = 0.0 if arm == "SkipInit" else None
        return residual_mlp(inputs, hidden[0], len(hidden), 10, rng, norm=norm, skip_init=skip_init)
    model = mlp(
        (inputs, *hidden, 10),
        rng,
        activation=ACTIVATIONS[axes["activation"]],
        norm=norm,
        norm_position="after" if "behind" in arm else "before",
        std=axes["init"] if isinstance(axes["init"], float) else None,
    )
    for parameter in model.parameters():
        if parameter.name == "weight":
            if axes["init"] == "pytorch":  # nn.Linear: uniform within 1 / sqrt(inputs)
                bound = parameter.data.shape[1] ** -0.5
                parameter.data = rng.uniform(-bound, bound, parameter.data.shape)
            parameter.data = axes["gain"] * parameter.data
    if "dropout" in arm:
        p = float(arm.split()[-1])
        layers = [
            [layer, Dropout(p, noise)]
            if isinstance(layer, tuple(ACTIVATIONS.values()))
            else [layer]
            for layer in model
        ]
        model = Sequential(*chain(*layers))
    return OnlyGammaAndBeta(*model) if arm == "only gamma and beta" else model


def norm_of(arm: str, rng):
    """What `mlp` puts in front of, or behind, each activation of an arm."""
    if arm == "group norm":
        return lambda features: GroupNorm(8 if features % 8 == 0 else 10, features)
    if arm == SLOW:
        return lambda features: BatchNorm(features, momentum=0.01)
    if arm == "noisy batch norm":
        return lambda features: NoisyBatchNorm(features, rng)
    return "batch norm" in arm or arm == "only gamma and beta"
