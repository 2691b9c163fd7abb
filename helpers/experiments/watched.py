"""Runs of the pool again, watched more closely: what a probe, stale statistics and a measure that
is set by construction make of a comparison.

At each examination the accuracy is taken in three more ways (statistics of the batch, statistics
recomputed, and after a probe that was run in training mode), and what enters the activations is
compared with the examination before.
"""

import functools

import numpy as np

from helpers import probes, training_runs
from helpers.experiments.experiment import Experiment
from helpers.experiments.pool_settings import BASE, RELU_RATES, SIGMOID, SIGMOID_RATES, WIDE
from helpers.numpy_nn.modules import BatchNorm
from helpers.numpy_nn.training import accuracy, batch_accuracy, precise_statistics
from helpers.pool import CURVES, SLOW, TWO, WATCHED, pack, unpack

STEPS = 200
NOISY = "noisy batch norm"
ALL, TWO_NORMS = (*TWO, SLOW, NOISY), ("batch norm", NOISY)
# name: (what differs from the pool's base, rates, arms)
SETTINGS = {
    "relu, watched": ({}, RELU_RATES, ALL),
    "relu, batch 8, watched": ({"batch": 8}, RELU_RATES, ALL),
    "sigmoid, watched": (SIGMOID, SIGMOID_RATES, ALL),
    "relu, 2 x 128, watched": (WIDE, RELU_RATES, TWO_NORMS),
    "relu, 20 x 64, watched": ({"hidden": [64] * 20}, RELU_RATES, TWO_NORMS),
    "tanh, watched": ({"activation": "tanh"}, RELU_RATES, TWO_NORMS),
    "sigmoid, batch 8, watched": ({**SIGMOID, "batch": 8}, SIGMOID_RATES, TWO_NORMS),
    "sigmoid, standardized, watched": (
        {**SIGMOID, "pixels": "standardized"}, SIGMOID_RATES, TWO_NORMS
    ),
}  # fmt: skip


class Watch:
    """Returns the numbers of WATCHED, of (model, task); keeps what entered the activations."""

    def __init__(self, batch: int):
        self.batch = batch
        self.inputs = None

    def __call__(self, model, task) -> list[float]:
        with np.errstate(all="ignore"):
            return [*self.accuracies(model, task), *self.drifts(model, task["test"][0])]

    def accuracies(self, model, task) -> list[float]:
        """Accuracy on held-out and on test images: batch statistics, recomputed, after a probe."""
        (x, _), (seen, labels) = task["train"], task["held-out"]
        parts = [task["held-out"], task["test"]]
        found = [batch_accuracy(model, *part) for part in parts]
        rng = np.random.default_rng(0)
        with probes.undisturbed(model):
            precise_statistics(model, (x[rng.integers(len(x), size=self.batch)] for _ in range(20)))
            found += [accuracy(model, *part) for part in parts]
        with probes.undisturbed(model):
            for layer in filter(lambda module: isinstance(module, BatchNorm), model.modules()):
                layer.frozen = False  # `fit` protects it, and what a probe can do is the question
            for _ in range(20):
                model(seen[labels == 0])
            found += [accuracy(model, *part) for part in parts]
        return found

    def drifts(self, model, x) -> list[float]:
        """The drift of means and of shapes, in deviations, on average over units and layers; 0 at
        the first examination. Notebook `covariate_shift` has the measures."""
        before, self.inputs = self.inputs, probes.activation_inputs(model, x)
        if before is None:
            return [0.0, 0.0]
        pairs = list(zip(before, self.inputs, strict=True))
        means = [probes.mean_shift(b, a).mean() / b.std(axis=0).mean() for b, a in pairs]
        shapes = [probes.wasserstein_1(_standardized(b), _standardized(a)).mean() for b, a in pairs]
        return [float(np.mean(means)), float(np.mean(shapes))]


def _standardized(x):
    deviation = x.std(axis=0)
    return (x - x.mean(axis=0)) / np.where(deviation == 0, 1.0, deviation)


def watched(name: str, **what) -> dict:
    """Train one arm at one rate in one of eight settings; the curves of the pool, and those of
    WATCHED."""
    return training_runs.train(curves=CURVES + WATCHED, watch=Watch(what["batch"]), **what)


def source() -> str:
    """Where the images come from."""
    return training_runs.images("digits").source


EXPERIMENT = Experiment(
    name="watched",
    run=watched,
    settings=[
        {"name": name, "arm": arm, "rate": rate, "seed": seed, **BASE, **change, "steps": STEPS}
        for name, (change, rates, arms) in SETTINGS.items()
        for arm in arms
        for rate in rates
        for seed in range(5)
    ],
    data_source=source,
    suffix=".npz",
    pack=functools.partial(pack, curves=CURVES + WATCHED),
    unpack=unpack,
)
