"""Notebook `training`: Ioffe & Szegedy's experiment at its own size."""

from dataclasses import replace
from itertools import product

import numpy as np

from helpers import data
from helpers.experiments.experiment import Experiment
from helpers.numpy_nn.models import mlp
from helpers.numpy_nn.modules import Sigmoid
from helpers.numpy_nn.training import batch_accuracy, fit


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


EXPERIMENT = Experiment(
    name="training_mnist",
    run=training_mnist,
    settings=[
        {"norm": norm, "lr": lr, "seed": seed}
        for norm, lr, seed in product((False, True), (0.1, 0.5, 3.0), range(3))
    ],
    data_source=lambda: data.load("mnist").source,
)
