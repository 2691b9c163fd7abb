"""The flaws that a comparison of two networks can have, and how to find them in a design.

A design is what `bench.compare` takes, as a dictionary. Nothing here is written about a single
case: the flaws of a design are found by looking at the design and at what it compares.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from helpers import bench
from helpers.bench import Comparison
from helpers.bench.comparison import UNTUNED
from helpers.bench.sentences import listed
from helpers.comparing import MEASURES, SEEDS

# What each flaw is, in the words of a diagnosis.
FLAWS = {
    "edge of the grid": "An arm's best rate is the first or the last of its grid, or has a gap "
    "beside it: a better one may lie beyond.",
    "one rate for both": "Both arms train at a single rate, which suits one of them.",
    "chosen on test images": "Rates or steps are chosen by the images that then give the result.",
    "chosen on training images": "Rates or steps are chosen by how well the training images are "
    "learned.",
    "unpaired seeds": "The arms run on different seeds: other images, batches and initial weights.",
    "too few seeds": f"There are fewer than {SEEDS} seeds.",
    "unequal steps": "One arm trains for more steps than the other.",
    "mean over a diverged run": "A mean is compared, and a single run that fails decides it.",
    "margin wider than the effect": "The margin is so wide that the effect disappears in it.",
    "tautological measure": "The measure is set by the construction of one arm.",
    "disturbing probe": "What was measured on the way has changed the network.",
    "stale statistics": "Running statistics that lag behind are judged, not the network.",
    "baseline that nobody would use": "The other arm lacks more than batch norm.",
}
SKIPS = ("batch, skips", "SkipInit")
HALF_DECADE = 3.4  # neighbours on the grids of the bench, 1, 3.16, 10, are no farther apart
SLOW = "batch, momentum 0.01"
PROBED = "eval mode, after the looks"


@dataclass(frozen=True)
class Examined:
    """A design, what it concludes, and by the name of each flaw that it has how it shows."""

    design: Mapping
    comparison: Comparison
    found: dict[str, str]


def examine(design: Mapping) -> Examined:
    """Run a design and find its flaws. Raises what `bench.compare` raises."""
    comparison = bench.compare(**design)
    signs = {
        **_of_rates(design, comparison),
        **_of_the_rule(design, comparison),
        **_of_the_arms(design, comparison),
    }
    return Examined(design, comparison, {name: signs[name] for name in FLAWS if signs.get(name)})


def _of_rates(design: Mapping, comparison: Comparison) -> dict[str, str]:
    signs = {}
    if comparison.measure in UNTUNED:
        return signs
    whole = bench.compare(**{**design, "rates": None})
    for arm, every in zip(comparison.arms, whole.arms, strict=True):
        rates, row, name = arm.runs.rates, arm.choice.row, arm.name
        better = every.choice.rate
        if len(rates) == 1:
            signs["one rate for both"] = (
                f"{name} was trained at a single rate, {rates[0]:g}; a better one cannot be seen"
            )
        elif not arm.choice.inside:
            signs["edge of the grid"] = (
                f"the best rate of {name}, {rates[row]:g}, is at the edge of {listed(_g(rates))}"
            )
        elif max(rates[row] / rates[row - 1], rates[row + 1] / rates[row]) > HALF_DECADE:
            signs["edge of the grid"] = (
                f"beside the best rate of {name}, {rates[row]:g}, is a gap: {listed(_g(rates))}"
            )
        elif better not in rates and every.scores.shape[0] > 1:
            signs["edge of the grid"] = (
                f"{name} is better at {better:g}, which is not among {listed(_g(rates))}"
            )
    return signs


def _of_the_rule(design: Mapping, comparison: Comparison) -> dict[str, str]:
    """What a design says outright."""
    signs, chosen = {}, comparison.chosen_on
    scored = design.get("scored") or "eval mode"
    if chosen == "test":
        signs["chosen on test images"] = "the images that choose are those that give the result"
    if chosen == "train":
        signs["chosen on training images"] = "who learns by heart looks best on training images"
    if design.get("by") == "mean":
        signs["mean over a diverged run"] = "means are compared, so that a single run can decide"
    margin = comparison.conclusion.measure.margin
    usual = MEASURES[bench.MEASURED[comparison.measure].margin].margin
    if margin != usual:
        signs["margin wider than the effect"] = (
            f"the margin is {margin:.6g}, and not the course's, {usual:g}"
        )
    if comparison.measure == "drift of means":
        signs["tautological measure"] = "batch norm itself sets the means that are measured"
    if scored == PROBED:
        signs["disturbing probe"] = "a look in training mode has moved the running statistics"
    slow = [arm for arm, what in design["arms"].items() if what.get("norm") == SLOW]
    if slow and scored == "eval mode":
        signs["stale statistics"] = (
            f"the running statistics of {slow[0]} have momentum 0.01 and are judged in eval mode"
        )
    return signs


def _of_the_arms(design: Mapping, comparison: Comparison) -> dict[str, str]:
    signs = {}
    first, second = comparison.arms
    few = min(comparison.arms, key=lambda arm: len(arm.seeds))
    if len(few.seeds) < SEEDS:
        signs["too few seeds"] = f"{few.name} was trained from {len(few.seeds)} seeds"
    if len(set(few.seeds)) < len(few.seeds):
        signs["too few seeds"] = f"a seed of {few.name} counts twice"
    if first.seeds != second.seeds:
        signs["unpaired seeds"] = (
            f"{first.name} has the seeds {listed(first.seeds)}, "
            f"{second.name} {listed(second.seeds)}"
        )
    if first.steps != second.steps:
        signs["unequal steps"] = (
            f"{first.name} is judged after {first.steps} steps, {second.name} after {second.steps}"
        )
    a, b = (bench.network(**what) for what in design["arms"].values())
    differ = sorted(key for key in a.axes if a.axes[key] != b.axes[key])
    skips = [network.arm in (bench.NORMS[norm] for norm in SKIPS) for network in (a, b)]
    if differ:
        signs["baseline that nobody would use"] = f"the arms differ in {listed(differ)} as well"
    elif a.arm == b.arm:
        signs["baseline that nobody would use"] = "both arms are the same network"
    elif skips[0] != skips[1]:
        signs["baseline that nobody would use"] = "one arm has skip connections, the other has none"
    return signs


def _g(rates) -> list[str]:
    return [f"{rate:g}" for rate in rates]
