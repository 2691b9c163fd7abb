"""Compare two arms by the rules that one is given, and say what the comparison concludes."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
from IPython.display import Markdown, display
from matplotlib.ticker import LogLocator

from helpers import plotting
from helpers.bench.requests import SCORED, SEEDS, answer, from_one, sources
from helpers.bench.sentences import NotOnTheBench, listed
from helpers.comparing import Choice, Conclusion, choose_rate, compare_pairs
from helpers.plotting.roles import role_of
from helpers.plotting.ticks import plain
from helpers.pool import Runs
from helpers.travels import USABLE, goals, largest_rate, usable_decades


@dataclass(frozen=True)
class Measured:
    """What is compared: by which margin, and from which curve or number of the runs."""

    margin: str  # a name in comparing.MEASURES
    shown: str
    curve: str = ""  # "{}" stands for held-out, test or training
    number: str = ""


MEASURED = {
    "accuracy": Measured("accuracy", "test accuracy", curve="{} accuracy"),
    "errors": Measured("errors", "share of errors on test images", curve="{} accuracy"),
    "loss": Measured("loss", "test loss", curve="{} loss"),
    "steps": Measured("steps", "steps to the goal"),
    "rate": Measured("rate", "largest usable rate"),
    "decades": Measured("decades", "decades of usable rates"),
    "gradient change": Measured("change", "change of gradients", number="relative"),
    "loss range": Measured("change", "range of the loss", number="range"),
    "smoothness": Measured("change", "effective smoothness", number="smoothness"),
    "drift of means": Measured("change", "drift of means", "drift of means"),
    "drift of shape": Measured("change", "drift of shape", "drift of shape"),
}
CHOSEN_ON = {"held-out": "held-out", "test": "test", "train": "training"}
JUDGED = ("every seed", "mean")
UNTUNED = ("rate", "decades")  # of all rates together


@dataclass(frozen=True, eq=False)
class Arm:
    """One arm of a comparison: its runs, the rate that was chosen, and one value per seed."""

    name: str
    runs: Runs
    seeds: tuple[int, ...]
    steps: int | str
    choice: Choice | None
    values: np.ndarray
    scores: np.ndarray  # (rates, seeds): the measure at every rate


def _colour(arm: Arm) -> str:
    """The colour of what an arm trained with."""
    for start, color in (("plain", plotting.PLAIN), ("batch norm", plotting.BN)):
        if arm.runs.arm.startswith(start):
            return color
    return plotting.THIRD


@dataclass(frozen=True, eq=False)
class Comparison:
    """What a comparison concludes, of the first arm against the second. In a notebook it shows a
    table, the conclusion and a figure."""

    arms: tuple[Arm, Arm]
    measure: str
    chosen_on: str
    conclusion: Conclusion

    @property
    def word(self) -> str:
        """ "better", "worse", "no difference" or "too close to call"."""
        return self.conclusion.word

    @property
    def table(self) -> str:
        """Markdown: per arm the rates, the rate chosen, the steps, median and range."""
        shown = MEASURED[self.measure].shown
        rows = [f"| arm | rates | chosen | steps | {shown} |", "|:--|:--|:--|:--|:--|"]
        for arm in self.arms:
            rates = arm.runs.rates
            grid = f"{rates[0]:g} to {rates[-1]:g} ({len(rates)})" if len(rates) > 1 else rates[0]
            chosen = "–" if arm.choice is None else f"{arm.choice.rate:g}"
            each = (f(arm.values) for f in (np.median, np.min, np.max))
            middle, low, high = (self.written(value) for value in each)
            numbers = f"{middle}, range {low} to {high}, {len(arm.values)} seeds"
            rows.append(f"| {arm.name} | {grid} | {chosen} | {arm.steps} | {numbers} |")
        return "\n".join(rows)

    def written(self, value: float) -> str:
        """A value of the measure, to three digits. Accuracies were recorded in half precision, so
        of a small share of errors three decimals are known."""
        return f"{round(value, 3) if self.measure == 'errors' else value:.3g}"

    @property
    def said(self) -> str:
        """The conclusion in one line."""
        first, second = self.arms
        rule = self.conclusion.measure.says
        return f"{first.name} against {second.name}: {self.conclusion}; the margin is {rule}"

    def plot(self) -> None:
        """Draw the scores over the rates, and the chosen ones pair by pair."""
        left, right = plotting.panels(2, width=4.4, height=3.2)
        colors = [_colour(arm) for arm in self.arms]
        if colors[0] == colors[1]:  # one kind of network, told apart by something else
            colors[0] = plotting.FOURTH
        for arm, color in zip(self.arms, colors, strict=True):
            rates, scores = arm.runs.rates, np.where(np.isfinite(arm.scores), arm.scores, np.nan)
            known = ~np.isnan(scores).all(axis=1)
            middle = np.full(len(rates), np.nan)
            middle[known] = np.nanmedian(scores[known], axis=1)
            plotting.curve(left, rates, middle, color=color, label=arm.name)
            low, high = np.nanmin(scores[known], axis=1), np.nanmax(scores[known], axis=1)
            left.vlines(rates[known], low, high, color=color, alpha=0.5, linewidth=4)
            if arm.choice is not None:
                chosen = middle[arm.choice.row]
                left.plot(
                    arm.choice.rate, chosen, "o", color=color, markersize=13, fillstyle="none"
                )
        shown = MEASURED[self.measure].shown
        left.set(xscale="log", xlabel="learning rate (circle: chosen)", ylabel=shown)
        if self.measure in UNTUNED:
            left.set(xlabel="learning rate", ylabel="final test accuracy")
            left.axhline(USABLE, **plotting.FLOOR, label="usable")
        plotting.label_ends(left)
        first, second = (arm.values for arm in self.arms)
        for a, b in zip(first, second, strict=False):
            right.plot([0, 1], [a, b], color=plotting.GREY, linewidth=1)
        for place, (arm, color) in enumerate(zip(self.arms, colors, strict=True)):
            marker = role_of(color).marker
            right.plot([place] * len(arm.values), arm.values, marker, color=color)
        right.set_xticks([0, 1], [arm.name for arm in self.arms])
        right.set(xlim=(-0.4, 1.4), ylabel=shown)
        if self.conclusion.measure.ratio and min(first.min(), second.min()) > 0:
            right.set_yscale("log")
            if max(first.max(), second.max()) < 4 * min(first.min(), second.min()):
                # So few powers of ten would stand alone at the axis.
                right.yaxis.set_major_locator(LogLocator(subs=(1, 1.5, 2, 3, 5, 7)))
                right.yaxis.set_major_formatter(lambda value, _: plain(value))
                right.minorticks_off()

    def __str__(self):
        return self.said

    def _ipython_display_(self) -> None:
        display(Markdown(f"{self.table}\n\n**{self.said}.**"))
        self.plot()
        plotting.plt.show()


def compare(
    arms: Mapping[str, Mapping],
    *,
    rates=None,
    chosen_on: str | None = None,
    seeds=None,
    steps=None,
    measure: str | None = None,
    scored: str | None = None,
    by: str | None = None,
    margin: float | None = None,
) -> Comparison:
    """Compare two arms; the conclusion speaks of the first one.

    arms: {name: what to run}, two of them, as `bench.runs` takes it. measure: one of MEASURED, by
    default "accuracy". chosen_on: which images choose each arm's rate, "held-out" by default,
    "test" or "train". steps: after how many steps to look, by default at the end, or "best": where
    `chosen_on` is best. seeds: how many, or which; 0 to 4 by default. scored: one of SCORED, by
    default "eval mode". by: "every seed" must agree, which is the default, or the "mean" counts.
    margin: instead of the course's. rates: by default all that were recorded; a number or several;
    or the name of an arm, at whose best rate both are compared.

    rates, seeds and steps may differ from arm to arm: {"batch norm": 100, "plain": 400}.

    Raises NotOnTheBench, with one sentence, for what cannot be asked.
    """
    measure, chosen_on = measure or "accuracy", chosen_on or "held-out"
    scored, by = scored or "eval mode", by or "every seed"
    seeds = SEEDS if seeds is None else seeds
    for value, known, what in (
        (measure, MEASURED, "measure"),
        (scored, SCORED, "scored"),
        (chosen_on, CHOSEN_ON, "chosen_on"),
        (by, JUDGED, "by"),
    ):
        if not isinstance(value, str) or value not in known:
            raise NotOnTheBench(f"{what} is {value!r}, but there are {listed(known)}")
    if SCORED[scored] and measure not in ("accuracy", "errors"):
        raise NotOnTheBench(f"scored goes with the measures accuracy and errors, not {measure}")
    _check_arms(arms)
    if isinstance(rates, str) and (rates not in arms or measure in UNTUNED):
        raise NotOnTheBench(f"rates is {rates!r}: numbers, or the arm whose best rate both take")
    if margin is not None and not (isinstance(margin, int | float) and margin > 0):
        raise NotOnTheBench(f"margin is a number above 0, not {margin!r}")
    each = {name: {} for name in arms}
    for key, given in (("rates", rates), ("seeds", seeds), ("steps", steps)):
        if isinstance(given, Mapping) and set(given) != set(arms):
            raise NotOnTheBench(f"{key} must name the arms, {listed(arms)}, not {listed(given)}")
        if isinstance(given, Iterator):  # both arms take from it
            given = list(given)
        for name in arms:
            each[name][key] = given[name] if isinstance(given, Mapping) else given
            if isinstance(given, Mapping) and isinstance(given[name], str) and key != "steps":
                raise NotOnTheBench(f"{key} of {name} is {given[name]!r}, which is no number")
    measured = _measured(arms, each, measure, scored, chosen_on)
    if isinstance(rates, str):  # both at the rate that is best for one of them
        best = measured[list(arms).index(rates)].choice.rate
        for settings in each.values():
            settings["rates"] = best
        goal_of = measured[1].runs  # what the second arm reaches at its best, not at this rate
        measured = _measured(arms, each, measure, scored, chosen_on, goal_of)
    first, second = (arm.values for arm in measured)
    if by == "mean":
        first, second = np.array([first.mean()]), np.array([second.mean()])
    if len(first) != len(second):
        raise NotOnTheBench(
            f"{len(first)} and {len(second)} seeds make no pairs: as many for each arm"
        )
    conclusion = compare_pairs(first, second, MEASURED[measure].margin, margin)
    return Comparison(tuple(measured), measure, chosen_on, conclusion)


def _check_arms(arms) -> None:
    if not isinstance(arms, Mapping) or not all(isinstance(a, Mapping) for a in arms.values()):
        raise NotOnTheBench('arms is a dictionary, such as {"plain": {"norm": "none"}, ...}')
    if len(arms) != 2:
        raise NotOnTheBench(f"a comparison takes two arms, not {len(arms)}")
    for name, what in arms.items():
        if beside := sorted({"rates", "seeds", "steps"} & set(what)):
            raise NotOnTheBench(
                f"{beside[0]} of {name} go beside the arms: {beside[0]}={{{name!r}: ..., ...}}"
            )


def _measured(arms, each, measure, scored, chosen_on, goal_of: Runs | None = None) -> list[Arm]:
    given = {}
    for name, what in arms.items():
        rates = None if isinstance(each[name]["rates"], str) else each[name]["rates"]
        given[name] = {**what, "rates": rates, "seeds": each[name]["seeds"]}
    requests = from_one(given.values(), sources(measure, scored))
    found = answer(requests)
    goal_of = goal_of or found[1]
    return [
        _arm(name, runs, r.seeds, each[name], measure, scored, chosen_on, goal_of)
        for name, r, runs in zip(arms, requests, found, strict=True)
    ]


def _arm(name, runs: Runs, seeds, each, measure, scored, chosen_on, goal_of: Runs) -> Arm:
    """What an arm comes to by the rules of the comparison."""
    steps = each["steps"]
    if steps not in (None, "best") and steps not in runs.steps.tolist():
        raise NotOnTheBench(
            f"{name} was not examined after step {steps}; it was after {listed(runs.steps)}"
        )
    if measure in UNTUNED:
        usable = largest_rate(runs) if measure == "rate" else usable_decades(runs)
        scores = runs.after("test accuracy")
        return Arm(name, runs, seeds, int(runs.steps[-1]), None, usable, scores)
    if measure == "steps":
        choice, scores = _to_the_goal(runs, chosen_on, goal_of)
        return Arm(name, runs, seeds, "to the goal", choice, scores[choice.row], scores)
    last = int(runs.steps[-1]) if steps is None else steps
    choice, scores = _scores(name, runs, last, measure, SCORED[scored], chosen_on)
    return Arm(name, runs, seeds, last, choice, scores[choice.row], scores)


def _to_the_goal(runs: Runs, chosen_on, goal_of: Runs) -> tuple[Choice, np.ndarray]:
    """The rate, and the steps to the goal at every rate, (rates, seeds)."""
    held_out, test = goals(goal_of)
    curve = f"{CHOSEN_ON[chosen_on]} accuracy"
    ruling = runs.steps_to(curve, test if chosen_on == "test" else held_out)
    never = bool(np.isinf(np.median(ruling, axis=1)).all())  # at no rate: then the best one
    ruling = runs.curves[curve].max(axis=-1) if never else ruling
    choice = choose_rate(runs.rates, ruling, on=chosen_on, lowest=not never)
    return choice, runs.steps_to("test accuracy", test)


def _scores(name, runs: Runs, steps, measure, suffix, chosen_on) -> tuple[Choice, np.ndarray]:
    """The rate, and the measure at every rate, (rates, seeds), after these steps or at the best."""
    what = MEASURED[measure]
    by = what.curve if "{}" in what.curve else "{} accuracy"
    ruling = by.format(CHOSEN_ON[chosen_on]) + suffix
    if ruling not in runs.curves:
        raise NotOnTheBench(f"rates cannot be chosen on {chosen_on!r} images here: not recorded")
    lowest = "loss" in ruling
    looks = -runs.curves[ruling] if lowest else runs.curves[ruling]

    def after(curve):
        if steps != "best":
            return runs.after(curve, steps)
        return np.take_along_axis(runs.curves[curve], looks.argmax(-1)[..., None], axis=-1)[..., 0]

    choice = choose_rate(runs.rates, after(ruling), on=chosen_on, lowest=lowest)
    scores = runs.last[what.number] if what.number else after(what.curve.format("test") + suffix)
    if what.number and np.isnan(scores[choice.row]).any():
        looked_at = runs.rates[~np.isnan(scores).any(axis=1)]
        raise NotOnTheBench(
            f"{what.shown} of {name}: not measured at {choice.rate:g}, the rate that is chosen "
            "here" + (f", but at {listed(looked_at)}" if len(looked_at) else "")
        )
    return choice, 1 - scores if measure == "errors" else scores
