"""Notebook `depth`: networks of 10 to 60 layers, with batch norm and skips and without."""

from dataclasses import replace
from itertools import product

from helpers import data
from helpers.experiments.experiment import Experiment
from helpers.numpy_nn.models import DEEP_ARMS, deep_network
from helpers.numpy_nn.training import batch_accuracy, fit

STEPS = (40, 100, 200)
TRAINED_ON = 1047  # of the training images; the other 250 are held out


def deep_training(arm: str, depth: int, lr: float, seed: int) -> dict:
    """Train a `deep_network` of width 32 on the first 1,047 digits with batches of 64; accuracy on
    them and on the other 250, each as one batch, after 40, 100 and 200 steps."""
    digits = data.load("digits").flattened()
    x, y = digits.x_train, digits.y_train
    parts = {
        "training": (x[:TRAINED_ON], y[:TRAINED_ON]),
        "held-out": (x[TRAINED_ON:], y[TRAINED_ON:]),
    }
    model = deep_network(arm, depth, seed)
    history = fit(
        model,
        replace(digits, x_train=x[:TRAINED_ON], y_train=y[:TRAINED_ON]),
        steps=STEPS[-1],
        batch_size=64,
        lr=lr,
        seed=100 + seed,
        evaluate=lambda model, *_: [batch_accuracy(model, *part) for part in parts.values()],
        eval_at=STEPS,
        progress=False,
    )
    found = dict(zip(history.eval_steps.tolist(), history.scores.tolist(), strict=True))
    # A network that has diverged keeps the accuracy it ended with.
    curves = [found.get(step, history.scores[-1].tolist()) for step in STEPS]
    return {
        **{name: [scores[i] for scores in curves] for i, name in enumerate(parts)},
        "diverged": history.diverged,
    }


EXPERIMENT = Experiment(
    name="depth",
    run=deep_training,
    settings=[
        {"arm": arm, "depth": depth, "lr": lr, "seed": seed}
        for arm, depth, lr, seed in product(
            DEEP_ARMS, (10, 30, 60), (0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1.0), range(5)
        )
    ],
    data_source=lambda: data.load("digits").source,
)
