"""Read the record `change_and_smoothness`: two notebooks' measurements in ten settings.

`helpers.experiments.change_and_smoothness` makes it; the course's own settings are among the ten.
"""

import functools

import numpy as np

from helpers import records
from helpers.comparing import Choice, choose_rate

NAME = "change_and_smoothness"


@functools.cache
def _runs() -> dict[str, dict]:
    return {run["setting"]["name"]: run for run in records.load(NAME)["runs"]}


def settings() -> list[str]:
    """The names of the ten settings."""
    return list(_runs())


def choose(setting: str, arm: str, step: int) -> Choice:
    """Choose an arm's rate by the accuracy on held-out images after 50, 100, 150 or 200 steps.

    A batch normalizes itself. KeyError for a setting, or an arm of it, that was not recorded.
    """
    run = _runs()[setting]
    scores = np.array(run["result"]["held-out"][arm])[:, :, step // 50 - 1]
    return choose_rate(run["setting"]["arms"][arm], scores, on="held-out")


def accuracy(setting: str, arm: str, step: int) -> np.ndarray:
    """Return (seeds,): the test accuracy at the rate chosen, a batch normalizing itself."""
    scores = np.array(_runs()[setting]["result"]["test"][arm])
    return scores[choose(setting, arm, step).row, :, step // 50 - 1]


def ratios(setting: str, measure: str, *, own: bool) -> np.ndarray:
    """Return (seeds,): a measure with batch norm over that of the plain network.

    measure: "relative", the change of gradients when the earlier layers step; "range", "change" or
    "smoothness" along the gradient. own: each at its own rate; otherwise both at the plain one's.
    """
    measured = _runs()[setting]["result"]["measured"]
    normed = measured["own" if own else "plain's"]["batch norm"]
    return np.divide(normed[measure], measured["own"]["plain"][measure])
