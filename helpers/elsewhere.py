"""Read the record `change_and_smoothness`: two notebooks' measurements in ten settings.

`helpers.experiments.change_and_smoothness` makes it; the course's own settings are among the ten.
"""

import functools

import numpy as np

from helpers import records
from helpers.comparing import Choice, choose_rate
from helpers.pool import Runs

NAME = "change_and_smoothness"
MEASURED = ("relative", "range", "change", "smoothness")


@functools.cache
def _runs() -> dict[str, dict]:
    return {run["setting"]["name"]: run for run in records.load(NAME)["runs"]}


def settings() -> list[str]:
    """The names of the ten settings."""
    return list(_runs())


def axes(setting: str) -> dict:
    """What a setting trains on, and how, as `Pool.axes` has it. KeyError for one not recorded."""
    what = _runs()[setting]["setting"]
    return {key: value for key, value in what.items() if key not in ("name", "arms")}


def runs(setting: str, arm: str) -> Runs:
    """Return the runs of an arm: its accuracies after 50, 100, 150 and 200 steps, where a batch
    normalizes itself. `last` holds what was measured on the way, at the arm's own rate and at that
    of the plain network: "relative" (the change of gradients when the earlier layers step) and
    "range", "change" and "smoothness" along the gradient; nan at other rates.

    KeyError for a setting, or an arm of it, that was not recorded.
    """
    run = _runs()[setting]
    result, own = run["result"], run["result"]["own"]
    looked = {own["plain"]: result["measured"]["plain's"].get(arm)}
    if arm in own:
        looked[own[arm]] = result["measured"]["own"].get(arm, looked.get(own[arm]))
    trained = run["setting"]["arms"][arm]
    rates = sorted({*trained, *(rate for rate, values in looked.items() if values)})
    curves, last = {}, {}
    for part in ("held-out", "test"):
        scores = np.array(result[part][arm])
        curve = np.full((len(rates), *scores.shape[1:]), np.nan)
        curve[[rates.index(rate) for rate in trained]] = scores
        curves[f"{part} accuracy"] = curve
    for name in MEASURED:
        last[name] = np.full(curve.shape[:2], np.nan)
        for rate, values in looked.items():
            if values:
                last[name][rates.index(rate)] = values[name]
    return Runs(setting, arm, np.array(rates), np.arange(1, curve.shape[2] + 1) * 50, curves, last)


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
