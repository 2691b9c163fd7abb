"""The pool: many short trainings, so that one can ask where a statement about batch norm holds.

Every run is one arm at one rate from one seed in one setting (`helpers.training_runs`). A setting
changes a single thing of its base, or a few. `helpers.pool` reads the runs.
"""

from helpers import training_runs
from helpers.experiments.experiment import Experiment
from helpers.experiments.pool_settings import SETTINGS
from helpers.pool import pack, unpack


def pool(name: str, **what) -> dict:
    """Train one arm at one rate in one of many settings; curves of losses and accuracies on
    training, held-out and test images, and numbers of the trained network."""
    return training_runs.train(**what)


def source() -> str:
    """Where the images of the pool come from."""
    return "; ".join(training_runs.images(name).source for name in ("digits", "mnist"))


EXPERIMENT = Experiment(
    name="pool",
    run=pool,
    settings=[
        {"name": name, "arm": arm, "rate": rate, "seed": seed, **axes}
        for name, (axes, arms) in SETTINGS.items()
        for arm, rates in arms.items()
        for rate in rates
        for seed in range(5)
    ],
    data_source=source,
    suffix=".npz",
    pack=pack,
    unpack=unpack,
)
