"""How a diagnosis and a repair are judged: by what the bench finds, the same for every case."""

import copy
import difflib
from collections.abc import Mapping

from helpers import bench
from helpers.bench.sentences import NotOnTheBench, listed
from helpers.exercises.engine import Exercise
from helpers.exercises.weigh_the_evidence.flaws import FLAWS, SLOW, Examined, examine

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
    "tautological measure": ("measure", "steps"),
    "disturbing probe": ("scored",),
    "stale statistics": ("scored",),
    "baseline that nobody would use": (),
}
_KEYS = ("rates", "chosen_on", "seeds", "steps", "measure", "scored", "by", "margin")
# What answers the question that a tautological measure does not.
_INSTEAD = ("drift of shape", "gradient change")


def expect_diagnosis_and_repair(subject: Exercise, design: Mapping) -> None:
    """Give a case its checks."""
    reported = examine(design)

    @subject.expect
    def names_the_flaws():
        """The flaws are named: all of them, and no other."""
        named, _ = _answer((yield (copy.deepcopy(design),), {}))
        for name in named:
            if name not in reported.found:
                raise AssertionError(
                    f"{name!r} is not what is wrong here: {_innocent(name, reported)}"
                )
        if missing := len(reported.found) - len(named):
            raise AssertionError(
                f"that is one flaw, but {missing + len(named)} are in this report"
                if named
                else "no flaw is named: return a set of names, and the repaired design"
            )

    @subject.expect
    def asks_the_same_question():
        """The repaired design still asks what the report asks, in the same setting."""
        _, new = _answer((yield (copy.deepcopy(design),), {}))
        _same_question(reported, new)

    @subject.expect
    def no_flaw_is_left():
        """No flaw is left in the repaired design, and none has come in."""
        _, new = _answer((yield (copy.deepcopy(design),), {}))
        for name, sign in _run(new).found.items():
            again = "is still there" if name in reported.found else "has come in"
            raise AssertionError(f"{name!r} {again}: {sign}")


def _answer(result) -> tuple[tuple[str, ...], dict]:
    """The names and the design that were returned; AssertionError says what is wrong with them."""
    if not isinstance(result, tuple | list) or len(result) != 2:
        raise AssertionError(
            "return two things: the names of the flaws, as a set, and the repaired design"
        )
    named, new = result
    if isinstance(named, Mapping) and not isinstance(new, Mapping):
        raise AssertionError("the other way round: first the names of the flaws, then the design")
    named = (named,) if isinstance(named, str) else tuple(dict.fromkeys(named))
    for name in named:
        if name not in FLAWS:
            close = difflib.get_close_matches(str(name), FLAWS, n=1, cutoff=0.5)
            meant = f"did you mean {close[0]!r}?" if close else f"the names are {listed(FLAWS)}"
            raise AssertionError(f"no flaw is called {name!r}: {meant}".removesuffix("."))
    if not isinstance(new, Mapping) or "arms" not in new:
        raise AssertionError("the second thing must be a design: design | {...} makes one")
    if unknown := [key for key in new if key not in ("arms", *_KEYS)]:
        raise AssertionError(f"a design has no {unknown[0]!r}; it has arms, {listed(_KEYS)}")
    return named, dict(new)


def _run(new: dict) -> Examined:
    try:
        with bench.nothing_trained():  # a verdict must not take a minute
            return examine(new)
    except NotOnTheBench as error:
        raise AssertionError(f"the bench cannot run this design: {error}") from None


def _same_question(reported: Examined, new: dict) -> None:
    old, flaws = reported.design, reported.found
    names = list(old["arms"])
    if list(new["arms"]) != names:
        raise AssertionError(f"the arms must stay {listed(names)}, in this order")
    for name, what in old["arms"].items():
        now = dict(new["arms"][name])
        if "stale statistics" in flaws and what["norm"] == SLOW:
            now["norm"] = SLOW if now.get("norm") == "batch" else now.get("norm")
        if "baseline that nobody would use" in flaws and name == names[1]:
            now["norm"] = what["norm"]
        if now != what:
            raise AssertionError(f"{name} is another network now: {new['arms'][name]}, not {what}")
    if new.get("measure") not in (old["measure"], *_INSTEAD):
        raise AssertionError(
            f"{new.get('measure')!r} answers another question than {old['measure']!r}"
        )
    free = {key for flaw in flaws for key in _OPEN[flaw]}
    before, now = _in_force(reported), _in_force(_run(new))
    if now["measure"] != before["measure"]:
        free |= {"rates"}  # it was recorded at other rates
    for key, value in before.items():
        if key not in free and now[key] != value:
            raise AssertionError(f"{key!r} was not the trouble: leave it at {old.get(key)!r}")
    (first, steps), *_ = before["steps"].items()
    if "unequal steps" in flaws and now["steps"][first] != steps:
        raise AssertionError(f"the report is about {first} after {steps} steps: keep them")


def _in_force(examined: Examined) -> dict:
    """What a design comes to: what is left out and what is spelled out are the same."""
    comparison, design = examined.comparison, examined.design
    return {
        "rates": {arm.name: tuple(arm.runs.rates) for arm in comparison.arms},
        "seeds": {arm.name: arm.seeds for arm in comparison.arms},
        "steps": {arm.name: arm.steps for arm in comparison.arms},
        "measure": comparison.measure,
        "chosen_on": comparison.chosen_on,
        "scored": design.get("scored", "eval mode"),
        "by": design.get("by", "every seed"),
        "margin": comparison.conclusion.measure.margin,
    }


def _innocent(name: str, reported: Examined) -> str:
    """Why a flaw is not one of this report's."""
    first, second = reported.comparison.arms
    chosen = [f"{arm.name} {arm.choice.rate:g}" for arm in (first, second) if arm.choice]
    margin, chosen_on = reported.comparison.conclusion.measure, reported.comparison.chosen_on
    return {
        "edge of the grid": f"the rates that were chosen, {listed(chosen)}, have neighbours",
        "one rate for both": "each arm has a grid of its own",
        "chosen on test images": f"the rates were chosen on {chosen_on} images",
        "chosen on training images": f"the rates were chosen on {chosen_on} images",
        "unpaired seeds": "both arms have the same seeds",
        "too few seeds": f"there are {len(first.seeds)} seeds",
        "unequal steps": "both arms train equally long",
        "mean over a diverged run": "every seed counts by itself",
        "margin wider than the effect": f"the margin is the course's, {margin.says}",
        "tautological measure": "neither arm sets what is measured by its construction",
        "disturbing probe": "nothing but its batches passed through a network in training mode",
        "stale statistics": "the running statistics had the usual momentum and the time to follow",
        "baseline that nobody would use": "the arms differ in the normalization alone",
    }[name]
