"""Notebook `depth`: networks of 10 to 60 layers, with batch norm and skips and without."""

from itertools import product

from helpers import data
from helpers.experiments.experiment import Experiment
from helpers.numpy_nn.models import DEEP_ARMS, deep_network
from helpers.numpy_nn.training import batch_accuracy, fit


def deep_training(arm: str, depth: int, lr: float, seed: int) -> dict:
    """Train a `deep_network` of width 32 on the digits with batches of 64; accuracy on all training
    images as one batch, after the last step."""
    digits = data.load("digits").flattened()
    model = deep_network(arm, depth, seed)
    history = fit(
        model,
        digits,
        steps=200,
        batch_size=64,
        lr=lr,
        seed=100 + seed,
        evaluate=lambda model, *_: batch_accuracy(model, digits.x_train, digits.y_train),
        eval_every=200,
        progress=False,
    )
    return {"accuracy": float(history.scores[-1]), "diverged": history.diverged}


EXPERIMENT = Experiment(
    name="depth",
    run=deep_training,
    settings=[
        {"arm": arm, "depth": depth, "lr": lr, "seed": seed}
        for arm, depth, lr, seed in product(
            DEEP_ARMS, (10, 30, 60), (0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1.0), range(3)
        )
    ],
    data_source=lambda: data.load("digits").source,
)
