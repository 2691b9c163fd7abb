"""Read the pool of recorded runs: many short trainings, in many settings.

`load()` gives a `Pool`; `pool.runs("relu, batch 8", "batch norm")` the curves of one arm in one
setting, all rates and seeds. `helpers.experiments.pool` records them. `load(WATCHED_PATH)` gives a
smaller one, whose runs were looked at in more ways (WATCHED; `helpers.experiments.watched`).
"""

import functools
import io
import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from helpers.comparing import Choice, choose_rate
from helpers.records import RESULTS

# After these steps every run is examined, as far as it goes.
STEPS = (5, 10, 15, 20, 25, 30, 40, 50, 60, 80, 100, 125, 150, 200, 250, 300, 400, 500, 600, 800)
CURVES = (
    "training loss",
    "training accuracy",
    "held-out loss",
    "held-out accuracy",
    "test loss",
    "test accuracy",
    "learned by heart",  # the share of wrong labels that the network answers
)
WATCHED = (  # what runs of the record `watched` keep besides
    "held-out accuracy, batch statistics",  # all images one batch, which normalizes itself
    "test accuracy, batch statistics",
    "held-out accuracy, recomputed statistics",  # of 20 batches of training images
    "test accuracy, recomputed statistics",
    "held-out accuracy, after a probe",  # in training mode, by images of one digit
    "test accuracy, after a probe",
    "drift of means",  # of what enters the activations, from the examination before to this one
    "drift of shape",
)
TWO = ("plain", "batch norm")
SLOW = "batch norm, momentum 0.01"  # of the running statistics
PATH, WATCHED_PATH = RESULTS / "pool.npz", RESULTS / "watched.npz"
DROPOUTS = ("dropout 0.2", "dropout 0.5", "batch norm, dropout 0.2", "batch norm, dropout 0.5")


@dataclass(frozen=True, eq=False)
class Runs:
    """The runs of one arm in one setting.

    rates: (R,). steps: (T,), those of STEPS that the setting reaches. curves: each of CURVES as an
    array (R, S, T), rates and seeds in front; a run that has diverged has the loss inf and the
    accuracy 0 from then on. last: per number of the trained network an array (R, S, ...), nan
    where a run has none.
    """

    setting: str
    arm: str
    rates: np.ndarray
    steps: np.ndarray
    curves: dict[str, np.ndarray]
    last: dict[str, np.ndarray]

    def after(self, curve: str, step: int | None = None) -> np.ndarray:
        """Return (R, S): a curve after this step, by default the last; KeyError for another."""
        step = self.steps[-1] if step is None else step
        if step not in self.steps:
            raise KeyError(f"{self.setting!r} was not examined after step {step}")
        return self.curves[curve][..., list(self.steps).index(step)]

    def stopped(self, curve: str) -> np.ndarray:
        """Return (R, S): a test curve where the same held-out curve is best (early stopping)."""
        held_out = self.curves[curve.replace("test", "held-out")]
        best = (-held_out if "loss" in curve else held_out).argmax(axis=-1)[..., np.newaxis]
        return np.take_along_axis(self.curves[curve], best, axis=-1)[..., 0]

    def steps_to(self, curve: str, target: float) -> np.ndarray:
        """Return (R, S): the first step at which an accuracy is seen at the target, or inf."""
        reached = self.curves[curve] >= target
        return np.where(reached.any(axis=-1), self.steps[reached.argmax(axis=-1)], np.inf)

    def choose(self, curve: str = "held-out accuracy", step: int | None = None) -> Choice:
        """Choose the rate by a held-out curve after a step, by default the last."""
        return self._choice(self.after(curve, step), lowest="loss" in curve)

    def choose_stopped(self, curve: str = "held-out accuracy") -> Choice:
        """Choose the rate by a held-out curve where it is best (early stopping)."""
        return self._choice(self.stopped(curve), lowest="loss" in curve)

    def choose_fastest(self, target: float) -> Choice:
        """Choose the rate by the steps to a target of held-out accuracy; where most runs miss it
        at every rate, by the best accuracy, so that the rate does not lie at the edge by default.
        """
        steps = self.steps_to("held-out accuracy", target)
        if np.isinf(np.median(steps, axis=1)).all():
            return self.choose_stopped()
        return self._choice(steps, lowest=True)

    def _choice(self, scores: np.ndarray, lowest: bool) -> Choice:
        return choose_rate(self.rates, scores, on="held-out", lowest=lowest)

    def at(self, rate: float) -> int:
        """Return the row of a rate; KeyError for a rate that was not recorded."""
        rows = np.flatnonzero(np.isclose(self.rates, rate, rtol=0.01))
        if not len(rows):
            known = ", ".join(f"{r:g}" for r in self.rates)
            raise KeyError(
                f"{self.arm} in {self.setting!r} has no rate {rate:g}; there are {known}"
            )
        return int(rows[0])


@dataclass(frozen=True, eq=False)
class Pool:
    """All runs. axes: setting -> what it trains on, and how. arms: setting -> arm -> rates."""

    about: dict
    curves: tuple[str, ...]
    axes: dict[str, dict]
    arms: dict[str, dict[str, list[float]]]
    _values: np.ndarray  # (runs, curves, STEPS)
    _last: list[dict]
    _first: dict[tuple[str, str], int]

    def runs(self, setting: str, arm: str) -> Runs:
        """Return the runs of an arm; KeyError, with the names there are, for one not recorded."""
        for name, known in ((setting, self.axes), (arm, self.arms.get(setting, {}))):
            if name not in known:
                raise KeyError(f"the pool has no {name!r} here; there are: {', '.join(known)}")
        rates = self.arms[setting][arm]
        seeds, first = self.about["seeds"], self._first[setting, arm]
        steps = np.array([step for step in STEPS if step <= self.axes[setting]["steps"]])
        chosen = slice(first, first + len(rates) * seeds)
        values = self._values[chosen, :, : len(steps)]
        values = values.reshape(len(rates), seeds, len(self.curves), -1)
        curves = {name: values[:, :, i] for i, name in enumerate(self.curves)}
        return Runs(setting, arm, np.array(rates), steps, curves, self._table(chosen, len(rates)))

    def stopped(self, setting: str, *arms: str) -> tuple[np.ndarray, Choice]:
        """Return (seeds,): test accuracy at the best rate and number of steps, and the choice.

        Of several arms, that of the one which is best on held-out images.
        """
        several = [self.runs(setting, arm) for arm in arms]
        choices = [runs.choose_stopped() for runs in several]
        held_out = [
            np.median(runs.stopped("held-out accuracy")[choice.row])
            for runs, choice in zip(several, choices, strict=True)
        ]
        best = int(np.argmax(held_out))
        return several[best].stopped("test accuracy")[choices[best].row], choices[best]

    def _table(self, chosen: slice, rates: int) -> dict[str, np.ndarray]:
        rows = self._last[chosen]
        shapes = {key: np.shape(value) for row in rows for key, value in row.items()}
        return {
            key: np.reshape(
                [row.get(key, np.full(shape, np.nan)) for row in rows], (rates, -1, *shape)
            )
            for key, shape in shapes.items()
        }

    def __contains__(self, key: tuple[str, str]) -> bool:
        """Whether the pool holds (setting, arm)."""
        return key in self._first


@functools.cache
def load(path: Path = PATH) -> Pool:
    """Return a recorded pool; FileNotFoundError says how to record it."""
    if not path.exists():
        raise FileNotFoundError(
            f"{path} does not exist: record it with `python -m helpers.record {path.stem}`"
        )
    index, values = _read(path)
    values = values.astype(np.float64)
    first, place = {}, 0
    for setting, arms in index["arms"].items():
        for arm, rates in arms.items():
            first[setting, arm] = place
            place += len(rates) * index["about"]["seeds"]
    about, axes, arms = index["about"], index["axes"], index["arms"]
    return Pool(about, curves_of(index), axes, arms, values, index["last"], first)


def _read(file) -> tuple[dict, np.ndarray]:
    """The index and the curves, (runs, CURVES, STEPS), of a file that `pack` made."""
    with np.load(file) as stored:
        return json.loads(str(stored["index"])), stored["curves"]


def curves_of(index: dict) -> tuple[str, ...]:
    """The names of the curves that a file holds; that of the pool itself does not say them."""
    return tuple(index.get("curves", CURVES))


def pack(content: dict, curves: tuple[str, ...] = CURVES) -> bytes:
    """Return the bytes of pool.npz: all runs as recorded, with their origin.

    content: what `helpers.record` has of an experiment: its origin, and under "runs" the settings
    and results, sorted as the settings are. Losses and accuracies are kept to three digits.
    """
    axes, arms, seeds = {}, {}, 0
    values = np.full((len(content["runs"]), len(curves), len(STEPS)), np.nan, dtype=np.float16)
    for row, run in enumerate(content["runs"]):
        what = dict(run["setting"])
        name, arm, rate, seed = (what.pop(key) for key in ("name", "arm", "rate", "seed"))
        axes[name], seeds = what, max(seeds, seed + 1)
        rates = arms.setdefault(name, {}).setdefault(arm, [])
        if rate not in rates:
            rates.append(rate)
        found = np.array(run["result"]["curves"])
        with np.errstate(over="ignore"):  # a loss beyond 65,504 is as good as infinite
            values[row, :, : found.shape[1]] = found
    index = {
        "about": {key: value for key, value in content.items() if key != "runs"} | {"seeds": seeds},
        "axes": axes,
        "arms": arms,
        "last": [run["result"]["last"] for run in content["runs"]],
    }
    if curves != CURVES:
        index["curves"] = curves
    file = io.BytesIO()
    np.savez_compressed(file, curves=values, index=np.array(json.dumps(index)))
    return file.getvalue()


def unpack(packed: bytes) -> dict:
    """Return what `pack` was given, its numbers as kept: packed again they are the same."""
    index, values = _read(io.BytesIO(packed))
    about = dict(index["about"])
    seeds = range(about.pop("seeds"))
    settings = [
        {"name": name, "arm": arm, "rate": rate, "seed": seed, **index["axes"][name]}
        for name, arms in index["arms"].items()
        for arm, rates in arms.items()
        for rate in rates
        for seed in seeds
    ]
    runs = []
    for setting, curves, last in zip(settings, values, index["last"], strict=True):
        reached = sum(step <= setting["steps"] for step in STEPS)
        result = {"curves": curves[:, :reached].tolist(), "last": last}
        runs.append({"setting": setting, "result": result})
    return {**about, "runs": runs}
