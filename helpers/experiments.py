"""Experiments that `helpers.record` runs: too long for a notebook, which shows their results."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from itertools import product

import numpy as np

from helpers import data
from helpers.numpy_nn.models import mlp, residual_mlp
from helpers.numpy_nn.modules import Linear, Sigmoid, Tanh
from helpers.numpy_nn.training import batch_accuracy, fit


@dataclass(frozen=True)
class Experiment:
    """A function to be run once per setting; results must be made of plain numbers and lists.

    An experiment with settings for a CPU and for a smoke test knows devices: its function also
    takes `device`, "cpu" or "cuda", `settings` are those of a GPU, and `data_source` takes a size.
    """

    name: str
    run: Callable[..., dict]
    settings: list[dict]
    data_source: Callable[..., str]
    cpu_settings: list[dict] | None = None
    smoke_settings: list[dict] | None = None

    @property
    def knows_devices(self) -> bool:
        return self.cpu_settings is not None

    @property
    def sizes(self) -> dict[str, list[dict]]:
        """The settings by size, from the largest to the smallest: "full", "cpu", "smoke"."""
        sizes = {"full": self.settings, "cpu": self.cpu_settings, "smoke": self.smoke_settings}
        return {size: settings for size, settings in sizes.items() if settings is not None}

    def size_for(self, device: str) -> str:
        """The size that is meant for a device."""
        return "cpu" if device == "cpu" and self.knows_devices else "full"


def training_mnist(norm: bool, lr: float, seed: int) -> dict:
    """Ioffe & Szegedy 2015, section 4.1, on binary 28x28 MNIST: three hidden layers of 100 sigmoid
    units, weights from N(0, 0.1**2), batches of 60, 10,000 steps; test accuracy every 100 steps,
    the test set as one batch."""
    mnist = data.load("mnist").flattened()
    binary = replace(
        mnist,
        x_train=(mnist.x_train > 0.5).astype(np.float64),
        x_test=(mnist.x_test > 0.5).astype(np.float64),
    )
    rng = np.random.default_rng(seed)
    model = mlp((784, 100, 100, 100, 10), rng, activation=Sigmoid, norm=norm, std=0.1)
    history = fit(
        model,
        binary,
        steps=10_000,
        batch_size=60,
        lr=lr,
        seed=seed,
        evaluate=batch_accuracy,
        eval_every=100,
        progress=False,
    )
    return {
        "eval_steps": history.eval_steps.tolist(),
        "scores": history.scores.tolist(),
        "seconds": round(history.seconds, 1),
    }


DEEP_ARMS = (
    "plain",
    "batch norm",
    "skips",
    "skips + batch norm",
    "SkipInit",
    "tanh",
    "tanh + batch norm",
)


def deep_network(arm: str, depth: int, seed: int, width: int = 32):
    """Build a network of notebook 10 for flattened digits, with `depth` hidden layers or blocks.

    Without skips: "plain" and "batch norm" with ReLU and the weights of He et al. 2015; "tanh" and
    "tanh + batch norm" with orthogonal hidden weights (Saxe et al. 2014), times 1.1. With skips and
    ReLU, as in De & Smith 2020: "skips", "skips + batch norm", "SkipInit". ValueError for others.
    """
    if arm not in DEEP_ARMS:
        raise ValueError(f"no arm is called {arm!r}; there are: {', '.join(DEEP_ARMS)}")
    rng, norm = np.random.default_rng(seed), "batch norm" in arm
    if arm.startswith(("skips", "SkipInit")):
        skip_init = 0.0 if arm == "SkipInit" else None
        return residual_mlp(64, width, depth, 10, rng, norm=norm, skip_init=skip_init)
    sizes = (64, *[width] * depth, 10)
    if not arm.startswith("tanh"):
        return mlp(sizes, rng, norm=norm)
    model = mlp(sizes, rng, activation=Tanh, norm=norm, std=width**-0.5)
    for layer in model:
        if isinstance(layer, Linear) and layer.weight.data.shape == (width, width):
            layer.weight.data = 1.1 * np.linalg.qr(layer.weight.data)[0]
    return model


def deep_training(arm: str, depth: int, lr: float, seed: int, steps: int = 200) -> dict:
    """Train a `deep_network` of width 32 on the digits with batches of 64; accuracy on all training
    images as one batch, after the last step."""
    digits = data.load("digits").flattened()
    model = deep_network(arm, depth, seed)
    history = fit(
        model,
        digits,
        steps=steps,
        batch_size=64,
        lr=lr,
        seed=100 + seed,
        evaluate=lambda model, *_: batch_accuracy(model, digits.x_train, digits.y_train),
        eval_every=steps,
        progress=False,
    )
    return {"accuracy": float(history.scores[-1]), "diverged": history.diverged}


RATES = tuple(float(rate) for rate in 10 ** (np.arange(-8, 5) / 2))


def scaled_mlp(norm: bool, gain: float, seed: int, **options):
    """Build the network of notebook 09: 64 inputs, five hidden layers of 64 ReLU units, 10 outputs.

    All weights are those of He et al. 2015 times `gain`. options: those of `mlp`.
    """
    model = mlp((64, *[64] * 5, 10), np.random.default_rng(seed), norm=norm, **options)
    for parameter in model.parameters():
        if parameter.name == "weight":
            parameter.data = gain * parameter.data
    return model


def learning_rate_and_init(norm: bool, gain: float, seed: int) -> dict:
    """Train a `scaled_mlp` on the digits at each of RATES, with batches of 64 for 200 steps; test
    accuracy after the last step."""
    digits = data.load("digits").flattened()
    options = {"steps": 200, "batch_size": 64, "seed": 100 + seed, "progress": False}
    histories = [fit(scaled_mlp(norm, gain, seed), digits, lr=lr, **options) for lr in RATES]
    return {"rates": RATES, "accuracy": [float(history.scores[-1]) for history in histories]}


_ALL = (
    Experiment(
        name="training_mnist",
        run=training_mnist,
        settings=[
            {"norm": norm, "lr": lr, "seed": seed}
            for norm, lr, seed in product((False, True), (0.1, 0.5, 3.0), range(3))
        ],
        data_source=lambda: data.load("mnist").source,
    ),
    Experiment(
        name="depth",
        run=deep_training,
        settings=[
            {"arm": arm, "depth": depth, "lr": lr, "seed": seed}
            for arm, depth, lr, seed in product(
                DEEP_ARMS, (10, 30, 60), (0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1.0), range(3)
            )
        ],
        data_source=lambda: data.load("digits").source,
    ),
    Experiment(
        name="learning_rate_and_init",
        run=learning_rate_and_init,
        settings=[
            {"norm": norm, "gain": float(gain), "seed": seed}
            for norm, gain, seed in product((False, True), 10 ** (np.arange(-10, 5) / 2), range(5))
        ],
        data_source=lambda: data.load("digits").source,
    ),
)

EXPERIMENTS = {experiment.name: experiment for experiment in _ALL}
