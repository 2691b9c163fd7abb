"""How a diagnosis and a repair are judged: by what the bench finds, the same for every case."""

import copy
import difflib
from collections.abc import Iterable, Mapping

import numpy as np

from helpers import bench
from helpers.bench.sentences import NotOnTheBench, listed
from helpers.exercises.engine import Exercise
from helpers.exercises.weigh_the_evidence.flaws import FLAWS, Examined, examine
from helpers.pool import SLOW as SLOW_ARM

# What a flaw may hide in: only this part of a design may change in its repair.
_OPEN = {
    "edge of the grid": ("rates",),
    "one rate for both": ("rates",),
    "chosen on test images": ("chosen_on",),
    "unpaired seeds": ("seeds",),
    "too few seeds": ("seeds",),
    "unequal steps": ("steps",),
    "mean over a diverged run": ("by",),
    "margin wider than the effect": ("margin",),
    "tautological measure": ("measure",),
    "disturbing probe": ("scored",),
    "stale statistics": ("scored",),
    "baseline that nobody would use": (),
}
_KEYS = ("rates", "chosen_on", "seeds", "steps", "measure", "scored", "by", "margin")
# What answers the question that a tautological measure does not.
_INSTEAD = ("drift of shape", "gradient change")
# How one may score where running statistics, or a probe, were at fault.
_SCORED = {
    "disturbing probe": ("eval mode", "recomputed statistics"),
    "stale statistics": ("recomputed statistics", "batch statistics", "eval mode"),
}


def expect_diagnosis_and_repair(subject: Exercise, design: Mapping) -> None:
    """Give a case its checks."""
    design = copy.deepcopy(dict(design))
    reported = examine(design)

    def names_the_flaws():
        """The flaws are named: all of them, and no other."""
        named = _named((yield (copy.deepcopy(design),), {}))
        for name in named:
            if name not in reported.found:
                why = _innocent(name, reported)
                raise AssertionError(f"{name!r} is not what is wrong here: {why}")
        if missing := len(reported.found) - len(named):
            raise AssertionError(
                f"{named[0]!r} is right, and there is {missing} more"
                if named
                else "there is at least one flaw, and none is named"
            )

    def asks_the_same_question():
        """The repaired design still asks what the report asks, in the same setting."""
        _same_question(reported, _repaired((yield (copy.deepcopy(design),), {})))

    def no_flaw_is_left():
        """No flaw is left in the repaired design, and none has come in."""
        new = _repaired((yield (copy.deepcopy(design),), {}))
        for name, sign in _run(new).found.items():
            again = "is still there" if name in reported.found else "has come in"
            raise AssertionError(f"{name!r} {again}: {sign}")

    last = [asks_the_same_question, no_flaw_is_left]
    # In a sound report each change is one too many; what it would break is said first.
    for check in (names_the_flaws, *(last if reported.found else reversed(last))):
        subject.expect(check)


def _pair(result) -> tuple:
    if not isinstance(result, tuple | list) or len(result) != 2:
        raise AssertionError(
            "return two things: the names of the flaws, as a set, and the repaired design"
        )
    if isinstance(result[0], Mapping) and not isinstance(result[1], Mapping):
        raise AssertionError("the other way round: first the names of the flaws, then the design")
    return tuple(result)


def _named(result) -> tuple[str, ...]:
    """The names of flaws that were returned; AssertionError says what is wrong with them."""
    named, _ = _pair(result)
    named = () if named is None else (named,) if isinstance(named, str) else named
    if not isinstance(named, Iterable):
        raise AssertionError(f"the names of the flaws are a set, not {named!r}")
    named = tuple(dict.fromkeys(map(str, named)))
    for name in named:
        if name not in FLAWS:
            close = difflib.get_close_matches(name, FLAWS, n=1, cutoff=0.5)
            meant = f"did you mean {close[0]!r}?" if close else f"the names are {listed(FLAWS)}"
            raise AssertionError(f"no flaw is called {name!r}: {meant}".removesuffix("."))
    return named


def _repaired(result) -> dict:
    """The design that was returned; AssertionError says what is wrong with it."""
    _, new = _pair(result)
    if not isinstance(new, Mapping) or "arms" not in new:
        raise AssertionError("the second thing must be a design: design | {...} makes one")
    for key in new:
        if key not in ("arms", *_KEYS):
            close = difflib.get_close_matches(str(key), _KEYS, n=1)
            meant = f"did you mean {close[0]!r}?" if close else f"it has arms, {listed(_KEYS)}"
            raise AssertionError(f"a design has no {key!r}: {meant}".removesuffix("."))
    return dict(new)


def _run(new: dict) -> Examined:
    try:
        with bench.nothing_trained():  # a verdict must not take a minute
            return examine(new)
    except NotOnTheBench as error:
        raise AssertionError(f"the bench cannot run this design: {error}") from None


def _same_question(reported: Examined, new: dict) -> None:
    old, flaws = reported.design, reported.found
    rival_is_wrong = "baseline that nobody would use" in flaws
    names, now = list(old["arms"]), new["arms"]
    if not isinstance(now, Mapping) or not all(isinstance(w, Mapping) for w in now.values()):
        raise AssertionError('arms must be {name: what to run}, each what a dictionary like "norm"')
    same = list(now)[: 1 if rival_is_wrong else 2] == names[: 1 if rival_is_wrong else 2]
    if len(now) != 2 or not same:
        raise AssertionError(f"there are two arms, {listed(names)}, in this order")
    examined = _run(new)
    for place, (name, what) in enumerate(now.items()):
        before = bench.network(**old["arms"][names[place]])
        network = bench.network(**what)
        if "stale statistics" in flaws and before.arm == SLOW_ARM and network.arm == "batch norm":
            continue
        if rival_is_wrong and place == 1 and network.axes == before.axes:
            continue
        if network != before:
            raise AssertionError(f"{name} is another network now: {dict(what)}")
    if (measure := examined.comparison.measure) not in (reported.comparison.measure, *_INSTEAD):
        raise AssertionError(
            f"{measure!r} answers another question than {reported.comparison.measure!r}"
        )
    free = {key for flaw in flaws for key in _OPEN[flaw]}
    if measure == "gradient change":  # it was recorded at other rates and steps
        free |= {"rates", "steps"}
    before, after = _in_force(reported), _in_force(examined)
    for key, value in before.items():
        if key not in free and after[key] != value:
            kept = f"leave it at {old[key]!r}" if old.get(key) is not None else "leave it out"
            raise AssertionError(f"{key!r} was not the trouble: {kept}")
    _nothing_is_dropped(flaws, before, after)
    if np.isnan(examined.comparison.conclusion.effects).any():
        raise AssertionError("it concludes nothing: in a seed there is no number to compare")


def _nothing_is_dropped(flaws, before: dict, after: dict) -> None:
    """A repair keeps what was right: no seed, no step of the first arm, is lost."""
    steps = before["steps"][0]
    if "unequal steps" in flaws and after["steps"][0] != steps:
        raise AssertionError(f"the report is about the first arm after {steps} steps: keep them")
    kept = [set(seeds) for seeds in before["seeds"]]
    for seeds in after["seeds"]:
        if not any(set(seeds) >= old for old in kept):
            raise AssertionError(
                f"no seed may be dropped: {listed(sorted(kept[0]))} must be among them"
            )
    for flaw, allowed in _SCORED.items():
        if flaw in flaws and after["scored"] not in (*allowed, before["scored"]):
            raise AssertionError(
                f"scored by {after['scored']!r}, it answers another question; "
                f"take {' or '.join(map(repr, allowed))}"
            )


def _in_force(examined: Examined) -> dict:
    """What a design comes to: what is left out and what is spelled out are the same."""
    comparison, design = examined.comparison, examined.design
    return {
        "rates": [tuple(arm.runs.rates) for arm in comparison.arms],
        "seeds": [arm.seeds for arm in comparison.arms],
        "steps": [arm.steps for arm in comparison.arms],
        "measure": comparison.measure,
        "chosen_on": comparison.chosen_on,
        "scored": design.get("scored") or "eval mode",
        "by": design.get("by") or "every seed",
        "margin": comparison.conclusion.measure.margin,
    }


def _innocent(name: str, reported: Examined) -> str:
    """Why a flaw is not one of this report's."""
    first, second = reported.comparison.arms
    margin, on = reported.comparison.conclusion.measure, reported.comparison.chosen_on
    single = [arm.name for arm in (first, second) if arm.choice and len(arm.choice.rates) == 1]
    chosen = [f"{arm.name} {arm.choice.rate:g}" for arm in (first, second) if arm.choice]
    steps = f"chosen on {on} images, for both arms alike" if first.steps == "best" else "the same"
    moved = "disturbing probe" in reported.found
    return {
        "edge of the grid": "a grid of a single rate has a name of its own"
        if single
        else f"the rates that were chosen, {listed(chosen)}, have neighbours on both sides",
        "one rate for both": "each arm had several rates to choose from",
        "chosen on test images": "there was nothing to choose"
        if single
        else f"the rates were chosen on {on} images",
        "chosen on training images": "there was nothing to choose"
        if single
        else f"the rates were chosen on {on} images",
        "unpaired seeds": "both arms have the same seeds",
        "too few seeds": f"there are {len(first.seeds)} seeds for each arm: enough for the course",
        "unequal steps": f"the steps are {steps}",
        "mean over a diverged run": "every seed counts by itself",
        "margin wider than the effect": f"the margin is the course's, {margin.says}",
        "tautological measure": "neither arm sets by its construction what is measured",
        "disturbing probe": "no look at a network was taken in training mode",
        "stale statistics": "they do not lag behind: they were moved"
        if moved
        else "the running statistics had the usual momentum, and the time to follow",
        "baseline that nobody would use": "the two networks differ in the normalization alone",
    }[name]
