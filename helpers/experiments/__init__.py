"""The recorded experiments, one module each: too long for a notebook, which shows their results.

A module is imported when its experiment is asked for, so that those of Parts I and II do without
PyTorch. `helpers.record` runs them.
"""

from importlib import import_module

from helpers.experiments.experiment import Experiment

NUMPY = (
    "training_mnist",
    "depth",
    "learning_rate_and_init",
    "pool",
    "watched",
    "change_and_smoothness",
)
PYTORCH = ("gpu_steps", "gpu_training", "airbench", "batch_norm_cost", "smoke")
NAMES = NUMPY + PYTORCH


def find(name: str) -> Experiment:
    """Return the experiment called `name`; KeyError for a name that is not among NAMES."""
    if name not in NAMES:
        raise KeyError(f"no experiment is called {name!r}; there are: {', '.join(NAMES)}")
    return import_module(f"helpers.experiments.{name}").EXPERIMENT
