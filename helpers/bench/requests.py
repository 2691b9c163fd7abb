"""What one asks the bench for: find the recorded runs, and say what is missing."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from operator import index
from typing import NamedTuple

import numpy as np

from helpers import elsewhere, pool, training_runs
from helpers.bench import live
from helpers.bench.sentences import NotOnTheBench, listed
from helpers.pool import CURVES, SLOW, STEPS, Pool, Runs

NORMS = {
    "none": "plain",
    "batch": "batch norm",
    "batch behind": "batch norm behind",
    "batch, momentum 0.01": SLOW,
    "group": "group norm",
    "noisy batch": "noisy batch norm",
    "only gamma and beta": "only gamma and beta",
    "batch, skips": "skips, batch norm",
    "SkipInit": "SkipInit",
}
SEEDS = (0, 1, 2, 3, 4)
# The record of what only some runs have measured; the rest is in the pool.
MEASURED_IN = {
    "gradient change": "gradients",
    "loss range": "gradients",
    "smoothness": "gradients",
    "drift of means": "watched",
    "drift of shape": "watched",
}
# How the images are scored; what the names of the curves say behind the comma.
SCORED = {
    "eval mode": "",
    "batch statistics": ", batch statistics",
    "recomputed statistics": ", recomputed statistics",
    "eval mode, after the looks": ", after a probe",
}
# Axes that make no difference to which runs these are: how long they go on, from which seed on.
_BESIDE = ("steps", "first_seed")
OWN_STEPS = 100  # of runs trained now to be scored by the statistics of a batch
# How many training images of each data set are all of them, here.
ALL_IMAGES = {"digits": 1047, "mnist": 3000}
# How many training images there are beside those held out.
_MOST_IMAGES = {"digits": 1047, "mnist": 3750}
# What an axis can be: one of some names, or a number between two; whole where these are.
_NAMES = {
    "data": tuple(ALL_IMAGES),
    "activation": tuple(training_runs.ACTIVATIONS),
    "optimizer": tuple(training_runs.OPTIMIZERS),
    "pixels": ("raw", "centred", "standardized"),
    "init": ("he", "pytorch"),
}
_RANGES = {
    "images": (1, 3750),
    "depth": (1, 100),
    "width": (1, 1024),
    "batch": (1, 3750),
    "wrong": (0.0, 1.0),
    "gain": (0.0, 1000.0),
    "init": (0.0, 1000.0),  # the standard deviation
}


@dataclass(frozen=True)
class Request:
    """Some runs of one arm in one setting: recorded ones, and those still to be trained.

    axes: the setting, as `Pool.axes` holds it. known: {(rate, seed): (curves, numbers of the
    trained network)}.
    """

    arm: str
    axes: dict
    rates: tuple[float, ...]
    seeds: tuple[int, ...]
    known: dict[tuple[float, int], tuple[np.ndarray, dict]]
    curves: tuple[str, ...]

    @property
    def missing(self) -> list[live.Run]:
        """The runs that nobody has recorded."""
        return [
            live.Run(self.arm, rate, seed, self.axes)
            for rate in self.rates
            for seed in self.seeds
            if (rate, seed) not in self.known
        ]

    def answered(self, trained: Mapping[live.Run, dict]) -> Runs:
        """The runs, together with those that have been trained for it."""
        known = dict(self.known)
        for run, result in trained.items():
            curves = np.array(result["curves"][: len(self.curves)], dtype=float)
            known[run.rate, run.seed] = curves, result["last"]
        cells = [known[rate, seed] for rate in self.rates for seed in self.seeds]
        shape = len(self.rates), len(self.seeds)
        values = np.reshape([curves for curves, _ in cells], (*shape, len(self.curves), -1))
        steps = np.array([step for step in STEPS if step <= self.axes["steps"]])
        if "examined" in self.axes:
            steps = np.array(self.axes["examined"])
        shapes = {key: np.shape(value) for _, last in cells for key, value in last.items()}
        numbers = {
            key: np.reshape(
                [last.get(key, np.full(form, np.nan)) for _, last in cells], (*shape, *form)
            )
            for key, form in shapes.items()
        }
        curves = {name: values[:, :, i] for i, name in enumerate(self.curves)}
        return Runs(words(self.axes), self.arm, np.array(self.rates), steps, curves, numbers)


def settings() -> list[str]:
    """The names of the recorded settings: what `like` takes."""
    return list(pool.load().axes)


def changes(like: str = "relu") -> dict[str, list]:
    """Return {axis: values}: what was recorded with this one thing different from `like`.

    The hidden layers are an axis, "hidden": a list of widths.
    """
    base, found = _axes(like), {}
    known = [*pool.load().axes.values(), *map(elsewhere.axes, elsewhere.settings())]
    for axes in known:
        differ = [key for key in base if key not in _BESIDE and axes[key] != base[key]]
        if differ == ["data", "images"] and axes["images"] == ALL_IMAGES[axes["data"]]:
            differ = ["data"]
        if len(differ) == 1:
            (axis,) = differ
            found.setdefault(axis, []).append(axes[axis])
    return {axis: _ordered(values) for axis, values in found.items()}


def check(
    arms: Mapping[str, Mapping], how: Mapping, changed: Mapping, first_only: Sequence[str] = ()
) -> list[Request]:
    """Return what a comparison asks for with something changed, and train nothing.

    how: the other arguments of `compare`. first_only: changes that concern the first arm alone.
    Raises NotOnTheBench if there is no such thing to change, or it was not measured there.
    """
    first, rates = next(iter(arms)), how.get("rates")
    given = []
    for name, what in arms.items():
        new = {k: v for k, v in changed.items() if name == first or k not in first_only}
        given.append({**what, **new, "rates": None if isinstance(rates, str) else rates})
    return from_one(given, sources(how.get("measure"), how.get("scored", "eval mode")))


class Network(NamedTuple):
    """What is trained: an arm, by its name in the pool, in a setting (`Pool.axes`)."""

    arm: str
    axes: dict


def network(**what) -> Network:
    """Return what an arm of a comparison comes to, however it was written."""
    arm, axes = _asked(**what)
    return Network(arm, {key: value for key, value in axes.items() if key not in _BESIDE})


def recorded(
    arms: Mapping[str, Mapping], how: Mapping, changed: Mapping, first_only: Sequence[str] = ()
) -> bool:
    """Whether both arms of a comparison were recorded with something changed; as `check`."""
    try:
        return not any(r.missing for r in check(arms, how, changed, first_only))
    except NotOnTheBench:
        return False


def sources(measure: str | None, scored: str = "eval mode") -> tuple[str, ...]:
    """Where a comparison looks for its runs, the first place first: as `request` names them."""
    if scored == "batch statistics":
        return "watched", "gradients", "now"
    return ("watched" if SCORED[scored] else MEASURED_IN.get(measure, "pool"),)


def from_one(given: Iterable[Mapping], places: Sequence[str]) -> list[Request]:
    """Requests for all arms of a comparison from one place, the first that has them all: the
    records differ in how long their runs go on. Raises the NotOnTheBench of the first place."""
    given, why = list(given), None
    for place in places:
        try:
            return [request(**what, source=place) for what in given]
        except NotOnTheBench as error:
            why = why or error
    raise why


def runs(
    like: str = "relu",
    *,
    rate: float | Sequence[float] | None = None,
    seeds: int | Sequence[int] = SEEDS,
    **what,
) -> Runs:
    """Return runs of one arm in one setting.

    like: the recorded setting to start from (`settings`). what: what is different from it, "batch",
    "depth", "width", "activation", "init", "gain", "optimizer", "data", "images", "wrong" or
    "pixels"; and the arm, by "norm" (NORMS) and "dropout" (0.2 or 0.5). rate: one or more; by
    default all that were recorded. seeds: how many, or which (0 to 4; in some settings to 9).

    Runs that were not recorded are trained now; NotOnTheBench, in one sentence, where that would
    take more than a minute or cannot be done.
    """
    return answer([request(like, rates=rate, seeds=seeds, **what)])[0]


def answer(requests: Sequence[Request]) -> list[Runs]:
    """Answer several requests at once: what is missing must not take more than a minute in all."""
    trained = live.train([run for r in requests for run in r.missing])
    return [r.answered({run: trained[run] for run in r.missing}) for r in requests]


def request(
    like: str = "relu",
    *,
    rates=None,
    seeds=SEEDS,
    source: str = "pool",
    norm: str = "batch",
    dropout: float = 0.0,
    **what,
) -> Request:
    """Find what was recorded of it. source: "pool", "watched" or "gradients": which record;
    "now": none, all is trained now.

    Arguments otherwise as those of `runs`.
    """
    arm, axes = _asked(like, norm, dropout, **what)
    seeds = _seeds(seeds)
    if source == "gradients":
        return _of_gradients(axes, arm, rates, seeds)
    if source == "now":
        axes = axes | {"steps": OWN_STEPS}
        grids = pool.load().arms[like].values()
        wanted = _wanted(rates, min(grids, key=len))  # the same for both arms, and somebody waits
        return Request(arm, axes, wanted, seeds, {}, live.EXAMINED)
    recorded = pool.load() if source == "pool" else pool.load(pool.WATCHED_PATH)
    found = _longest(recorded, axes, arm)
    if not found and source == "pool":  # some arms were watched only
        recorded = pool.load(pool.WATCHED_PATH)
        found = _longest(recorded, axes, arm)
        recorded = recorded if found else pool.load()
    curves = recorded.curves if source == "watched" else CURVES
    known = {}
    for setting in found:
        first = recorded.axes[setting].get("first_seed", 0)
        known |= _cells(recorded.runs(setting, arm), curves, first)
    if found:
        axes = axes | {"steps": recorded.axes[found[0]]["steps"]}
        grid = recorded.arms[found[0]][arm]
    else:
        grid = _grid(recorded, like, arm)
    wanted = _wanted(rates, grid)
    if source == "watched" and not {(r, s) for r in wanted for s in seeds} <= set(known):
        raise NotOnTheBench(
            "only these settings were watched so closely: "
            + listed(name.removesuffix(", watched") for name in recorded.axes)
        )
    return Request(arm, axes, wanted, seeds, known, curves)


def _asked(like="relu", norm="batch", dropout=0.0, **what) -> tuple[str, dict]:
    """The arm, by its name in the pool, and the axes of the setting."""
    if norm == "skips":
        raise NotOnTheBench(
            "skips without anything that keeps the branches small were not recorded: a network "
            'this deep does not train with them. "SkipInit" has skips and no norm'
        )
    if not isinstance(norm, str) or norm not in NORMS:
        known = listed(f'"{known}"' for known in NORMS)
        raise NotOnTheBench(f"there is no norm {norm!r}; there are {known}")
    if dropout and norm not in ("none", "batch"):
        raise NotOnTheBench(f"dropout goes with the norms none and batch, not with {norm}")
    arm = NORMS[norm]
    if dropout:
        if not 0 < dropout < 1:
            raise NotOnTheBench(f"dropout is a share between 0 and 1, not {dropout}")
        arm = f"dropout {dropout}" if norm == "none" else f"batch norm, dropout {dropout}"
    axes = _changed(_axes(like), what)
    if "skip" in arm.lower() and (axes["activation"], axes["init"], axes["gain"]) != (
        "relu",
        "he",
        1.0,
    ):
        raise NotOnTheBench(f"{norm} goes with relu and the usual initial weights only")
    return arm, axes


def words(axes: Mapping) -> str:
    """Say in a few words what a setting is."""
    hidden = axes["hidden"]
    parts = [
        f"{len(hidden)} layers of {hidden[0]} {axes['activation']} units",
        f"{axes['images']:,} images of {axes['data']}",
        f"batches of {axes['batch']}",
    ]
    parts += [f"{axes['wrong']:.0%} wrong labels"] if axes["wrong"] else []
    parts += [f"pixels {axes['pixels']}"] if axes["pixels"] != "raw" else []
    parts += [f"initial weights times {axes['gain']:g}"] if axes["gain"] != 1 else []
    parts += ["PyTorch's initial weights"] if axes["init"] == "pytorch" else []
    parts += [axes["optimizer"]] if axes["optimizer"] != "sgd" else []
    return ", ".join(parts)


def _axes(like: str) -> dict:
    recorded = pool.load().axes
    if not isinstance(like, str) or like not in recorded:
        raise NotOnTheBench(
            f"there is no setting {like!r} to start from; bench.settings() lists them"
        )
    return {key: value for key, value in recorded[like].items() if key != "first_seed"}


def _changed(axes: dict, what: dict) -> dict:
    """The axes with what is different. depth and width stand for the hidden layers."""
    new, what = dict(axes), dict(what)
    depth = what.pop("depth", len(axes["hidden"]))
    width = what.pop("width", axes["hidden"][0])
    if axes["images"] == ALL_IMAGES[axes["data"]]:  # all of the other data set, too
        what.setdefault("images", ALL_IMAGES[_value("data", what.get("data", axes["data"]))])
    if "hidden" not in what:
        what["hidden"] = [_value("width", width)] * _value("depth", depth)
    for key, value in what.items():
        if key not in axes or key in _BESIDE:
            known = [k for k in axes if k not in (*_BESIDE, "hidden")]
            known = ["norm", "dropout", "depth", "width", *known]
            close = get_close_matches(key.lower(), known, n=1)
            meant = f"did you mean {close[0]!r}? There" if close else "there"
            raise NotOnTheBench(f"there is no {key!r} to change; {meant} are {listed(known)}")
        new[key] = _widths(value) if key == "hidden" else _value(key, value)
    if new["images"] > (most := _MOST_IMAGES[new["data"]]):
        raise NotOnTheBench(f"{new['data']} has {most:,} images to train on, not {new['images']}")
    return new


def _widths(hidden) -> list[int]:
    if not isinstance(hidden, list | tuple) or not hidden:
        raise NotOnTheBench(f"hidden is a list of widths, not {hidden!r}")
    return [_value("width", width) for width in hidden]


def _value(key: str, value):
    """What an axis is set to, as it was recorded: of one kind, and within its bounds."""
    if key in _NAMES and (isinstance(value, str) or key not in _RANGES):
        value = value.lower() if isinstance(value, str) else value
        if value not in _NAMES[key]:
            raise NotOnTheBench(f"{key} is {value!r}, but there are {listed(_NAMES[key])}")
        return value
    low, high = _RANGES[key]
    if (
        isinstance(value, bool)
        or not isinstance(value, int | float | np.number)
        or not low <= value <= high
    ):
        raise NotOnTheBench(f"{key} is a number from {low} to {high}, not {value!r}")
    if isinstance(low, int) and value != int(value):
        raise NotOnTheBench(f"{key} is a whole number, not {value!r}")
    return type(low)(value)


def _longest(recorded: Pool, axes: dict, arm: str) -> list[str]:
    """The settings that have these axes: of those from seed 0 the longest, and its fresh seeds."""

    def same(other):
        return all(other[k] == v for k, v in axes.items() if k not in _BESIDE)

    found = [s for s, other in recorded.axes.items() if (s, arm) in recorded and same(other)]
    first = [s for s in found if "first_seed" not in recorded.axes[s]]
    if not first:
        return []
    longest = max(first, key=lambda s: recorded.axes[s]["steps"])
    steps = recorded.axes[longest]["steps"]
    fresh = [s for s in found if s not in first and recorded.axes[s]["steps"] == steps]
    return [longest, *fresh]


def _cells(table: Runs, curves: Sequence[str], first: int = 0) -> dict:
    """What a record knows of every rate and seed, from the first on: `Request.known`."""
    return {
        (float(rate), first + seed): (
            np.array([table.curves[name][row, seed] for name in curves]),
            {key: values[row, seed] for key, values in table.last.items()},
        )
        for row, rate in enumerate(table.rates)
        for seed in range(table.curves["test accuracy"].shape[1])
    }


def _grid(recorded: Pool, like: str, arm: str) -> list[float]:
    """The rates of an arm where nothing was recorded: those of the setting to start from."""
    arms = recorded.arms.get(like) or next(iter(recorded.arms.values()))
    return arms.get(arm) or max(arms.values(), key=len)


def _seeds(seeds) -> tuple[int, ...]:
    """The seeds asked for: how many, or which."""
    try:
        found = range(index(seeds)) if np.isscalar(seeds) else map(index, seeds)
        found = () if isinstance(seeds, bool) else tuple(found)
    except TypeError:
        found = ()
    if not found or min(found) < 0:
        raise NotOnTheBench(f"seeds is how many, or a list of seeds from 0 on, not {seeds!r}")
    return found


def _wanted(rates, grid: Sequence[float]) -> tuple[float, ...]:
    """The rates asked for, as they were recorded: 0.3 is 0.316, half a decade above 0.1."""
    if rates is None:
        return tuple(map(float, grid))
    try:
        asked = [rates] if np.isscalar(rates) else list(rates)
        wrong = not asked or any(isinstance(r, str) or not float(r) > 0 for r in asked)
    except (TypeError, ValueError):
        wrong = True
    if wrong:
        raise NotOnTheBench(f"rates are numbers above 0, not {rates!r}")
    near = [min(grid, key=lambda g, r=r: abs(np.log(g / r))) for r in asked]
    chosen = [g if abs(np.log(g / r)) < 0.06 else r for g, r in zip(near, asked, strict=True)]
    return tuple(sorted(map(float, set(chosen))))


def _of_gradients(axes: dict, arm: str, rates, seeds: tuple[int, ...]) -> Request:
    """Runs of which gradients were measured on the way: record `change_and_smoothness`."""
    for setting in elsewhere.settings():
        other = elsewhere.axes(setting)
        if all(other[k] == v for k, v in axes.items() if k not in _BESIDE):
            break
    else:
        raise NotOnTheBench(
            "this was measured on the way in these settings only: "
            + listed(elsewhere.settings(), ";")
        )
    try:
        table = elsewhere.runs(setting, arm)
    except KeyError:
        raise NotOnTheBench(f"gradients of {arm} were not measured in {setting}") from None
    # In this record a batch always normalizes itself.
    names = (*table.curves, *(name + SCORED["batch statistics"] for name in table.curves))
    known = _cells(table, [*table.curves] * 2)
    if not set(seeds) <= set(SEEDS):
        raise NotOnTheBench("gradients were measured for the seeds 0 to 4 only")
    axes = axes | {"examined": table.steps.tolist(), "steps": int(table.steps[-1])}
    wanted = _wanted(rates, table.rates.tolist())
    if missing := sorted(set(wanted) - {rate for rate, _ in known}):
        raise NotOnTheBench(
            f"gradients of {arm} were measured at the rates {listed(table.rates)}, "
            f"not at {missing[0]}"
        )
    return Request(arm, axes, wanted, seeds, known, names)


def _ordered(values: Iterable) -> list:
    """Each once; numbers by size, layers by depth and width, the rest as they were recorded."""
    values = list(values)
    once = [value for i, value in enumerate(values) if value not in values[:i]]
    if isinstance(once[0], list):
        return sorted(once, key=lambda hidden: (len(hidden), hidden[0]))
    return once if isinstance(once[0], str) else sorted(once)
