"""Notebooks `covariate_shift` and `smoothing`: where their measurements travel, and where not.

Every setting changes a thing or two of the pool's base. Each arm trains at every rate; its own rate
is the best on held-out images. Then the plain network and the one with batch norm train once more,
at their own rates and at the plain network's, and are measured on the way.
"""

import json

import numpy as np

from helpers import probes, training_runs
from helpers.comparing import choose_rate
from helpers.experiments import pool
from helpers.experiments.experiment import Experiment
from helpers.experiments.pool_settings import BASE, MNIST, SIGMOID, WIDE
from helpers.numpy_nn.training import batch_accuracy, fit

EVERY, STEPS, SEEDS = 50, 200, 5
TWO = ("plain", "batch norm")


def _arms(plain: list[float], batch_norm: list[float], noisy: bool = False) -> dict:
    """The rates of each arm: half-decades around its best."""
    arms = {"plain": plain, "batch norm": batch_norm}
    return arms | {"noisy batch norm": batch_norm} if noisy else arms


LOWEST, LOW, MIDDLE = [0.003, 0.01, 0.03, 0.1], [0.01, 0.03, 0.1, 0.3], [0.03, 0.1, 0.3, 1.0]
HIGH, HIGHEST = [0.1, 0.3, 1.0, 3.0], [0.3, 1.0, 3.0, 10.0]
# name: (what differs from the pool's base, arms and their rates)
SETTINGS = {
    "8 x 64": ({"hidden": [64] * 8}, _arms(LOW, HIGH, noisy=True)),
    "8 x 100, batch 100": ({"hidden": [100] * 8, "batch": 100}, _arms(LOW, HIGH)),
    "20 x 64": ({"hidden": [64] * 20}, _arms(LOWEST, MIDDLE, noisy=True)),
    "3 x 100, sigmoid": (SIGMOID, _arms(HIGHEST, HIGHEST, noisy=True)),
    "5 x 64": ({}, _arms(MIDDLE, HIGH)),
    "2 x 128": (WIDE, _arms(MIDDLE, HIGH)),
    "5 x 64, batch 8": ({"batch": 8}, _arms(LOW, MIDDLE, noisy=True)),
    "5 x 64, tanh": ({"activation": "tanh"}, _arms(MIDDLE, HIGH)),
    "5 x 64, PyTorch's init": ({"init": "pytorch"}, _arms(MIDDLE, MIDDLE)),
    "5 x 64, MNIST": (MNIST, _arms(LOW, HIGH)),
}


def change_and_smoothness(name: str, arms: dict[str, list[float]], **axes) -> dict:
    """Train each arm 200 steps at each of its rates, five seeds; every 50 steps the accuracy
    where a batch normalizes itself, (rates, seeds, looks). At each arm's own rate and at the plain
    network's: gradient change (median layer) and, at losses between 0.1 and 1, the probes along the
    gradient; medians over a run, (seeds,)."""
    scores = {
        arm: [[train(arm, rate, seed, axes)[1] for seed in range(SEEDS)] for rate in rates]
        for arm, rates in arms.items()
    }
    accuracy = {arm: np.array(values) for arm, values in scores.items()}
    own = {
        arm: choose_rate(arms[arm], values[:, :, -1, 0], on="held-out").rate
        for arm, values in accuracy.items()
    }
    measured = {
        "own": {arm: measure(arm, own[arm], axes) for arm in TWO},
        "plain's": {"batch norm": measure("batch norm", own["plain"], axes)},
    }
    parts = {
        part: {arm: values[..., i].round(3).tolist() for arm, values in accuracy.items()}
        for i, part in enumerate(("held-out", "test"))
    }
    return {"own": own, **parts, "measured": measured}


def train(arm: str, rate: float, seed: int, axes: dict, probe=None):
    """Return the history of a run and its (held-out, test) accuracies, a pair for each look."""
    model, dataset, task, _ = training_runs.start(arm, axes, seed)
    history = fit(
        model,
        dataset,
        steps=STEPS,
        batch_size=axes["batch"],
        lr=rate,
        seed=300 + seed,
        evaluate=lambda model, *_: [batch_accuracy(model, *task[p]) for p in ("held-out", "test")],
        eval_every=EVERY,
        probe=probe and (lambda model, step: probe(model, task["train"])),
        progress=False,
    )
    found = [[0.0, 0.0]] * (STEPS // EVERY)  # of a network that has diverged
    if not history.diverged:
        found = history.scores.tolist()
    return history, found


def measure(arm: str, rate: float, axes: dict) -> dict:
    """Return each number that `_look` takes as a list, one per seed: medians over a run."""
    rows = []
    for seed in range(SEEDS):
        rng = np.random.default_rng(400 + seed)

        def look(model, task, rng=rng):
            return _look(model, *task, rng.integers(len(task[0]), size=axes["batch"]), rate)

        history, accuracies = train(arm, rate, seed, axes, look)
        looks = np.array(history.probes)
        level = (looks[:, 0] > 0.1) & (looks[:, 0] < 1)
        along = looks[level] if level.any() else looks  # a network that never gets there
        rows.append([*np.median(looks[:, :3], axis=0), *np.median(along[:, 3:], axis=0)])
        rows[-1].append(accuracies[-1][1])
    names = ("loss", "relative", "cosine", "range", "change", "smoothness", "accuracy")
    return {
        name: [float(f"{value:.4g}") for value in column]
        for name, column in zip(names, np.transpose(rows), strict=True)
    }


def _look(model, x, y, index, rate):
    with np.errstate(all="ignore"):
        shift = probes.gradient_change(model, x[index], y[index], rate)
        place = probes.along_gradient(model, x[index], y[index], rate)
    return [
        place.start,
        np.median(shift.relative),
        np.median(shift.cosine),
        np.ptp(place.loss),
        place.gradient_change.max(),
        place.smoothness.max(),
    ]


def pack(content: dict) -> bytes:
    """Return a JSON file with a line per setting."""
    *head, tail = (json.dumps(run) for run in content["runs"])
    about = json.dumps({**content, "runs": []}, indent=1).removesuffix("[]\n}")
    return (about + "[\n" + "".join(f"{line},\n" for line in head) + f"{tail}\n]\n}}\n").encode()


EXPERIMENT = Experiment(
    name="change_and_smoothness",
    run=change_and_smoothness,
    settings=[
        {"name": name, "arms": arms, **BASE, **change} for name, (change, arms) in SETTINGS.items()
    ],
    data_source=pool.source,
    pack=pack,
)
