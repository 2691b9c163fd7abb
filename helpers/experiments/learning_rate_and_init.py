"""Notebook `learning_rate_and_init`: the plane of learning rates and scales of the weights."""

from itertools import product

import numpy as np

from helpers import data
from helpers.experiments.experiment import Experiment
from helpers.numpy_nn.models import scaled_mlp
from helpers.numpy_nn.training import fit

RATES = tuple(float(rate) for rate in 10 ** (np.arange(-8, 5) / 2))


def learning_rate_and_init(norm: bool, gain: float, seed: int) -> dict:
    """Train a `scaled_mlp` on the digits at each of RATES, with batches of 64 for 200 steps; test
    accuracy after the last step."""
    digits = data.load("digits").flattened()
    options = {"steps": 200, "batch_size": 64, "seed": 100 + seed, "progress": False}
    histories = [fit(scaled_mlp(norm, gain, seed), digits, lr=lr, **options) for lr in RATES]
    return {"rates": RATES, "accuracy": [float(history.scores[-1]) for history in histories]}


EXPERIMENT = Experiment(
    name="learning_rate_and_init",
    run=learning_rate_and_init,
    settings=[
        {"norm": norm, "gain": float(gain), "seed": seed}
        for norm, gain, seed in product((False, True), 10 ** (np.arange(-10, 5) / 2), range(5))
    ],
    data_source=lambda: data.load("digits").source,
)
