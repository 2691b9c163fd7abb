"""Compare two arms as the course does: choose each arm's rate, pair the seeds, apply one margin.

The margins were fixed before anything was measured. They are the same for a gain, for harm and for
"no difference", in every notebook.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np


@dataclass(frozen=True)
class Measure:
    """What is compared, and by how much two arms must differ to be called different.

    ratio: compared as a quotient, and the margin is a factor; otherwise as a difference.
    """

    name: str
    margin: float
    ratio: bool
    lower_is_better: bool
    says: str


MEASURES = {
    measure.name: measure
    for measure in (
        Measure("accuracy", 0.02, False, False, "2 points of accuracy"),
        Measure("loss", 1.1, True, True, "10 % of the loss"),
        Measure("errors", 1.25, True, True, "a factor of 1.25 in the errors"),
        Measure("steps", 1.5, True, True, "a factor of 1.5 in steps"),
        Measure("rate", 5.0, True, False, "a factor of 5 in the learning rate"),
        Measure("decades", 0.5, False, False, "half a decade"),
        Measure("change", 1.5, True, True, "a factor of 1.5 in how much something changes"),
        Measure("share", 0.25, False, False, "a quarter of the whole"),
        Measure("variance", 1.1, True, False, "10 % of the variance"),
    )
}
SEEDS = 5  # the fewest pairs that conclude anything
WORDS = ("better", "worse", "no difference", "too close to call")

# What a sentence can say of `changed`, as a condition on the effect of one seed in margins.
ROUNDING = 1e-6  # 0.97 - 0.95 falls short of 0.02
SENTENCES = {
    "better": lambda effects: effects >= 1 - ROUNDING,
    "worse": lambda effects: effects <= -1 + ROUNDING,
    "not worse": lambda effects: effects >= -1 - ROUNDING,
    "alike": lambda effects: np.abs(effects) <= 1 + ROUNDING,
}
HOLDS, OPEN, FAILS = "holds", "too close to call", "does not hold"


@dataclass(frozen=True)
class Conclusion:
    """What paired seeds say.

    effects: (seeds,), how much better `changed` is than `baseline`: above 0, or for ratios above 1,
    it is better.
    """

    measure: Measure
    effects: np.ndarray

    @property
    def in_margins(self) -> np.ndarray:
        """(seeds,): the effects in margins, 1 for just better and -1 for just worse."""
        if not self.measure.ratio:
            return self.effects / self.measure.margin
        with np.errstate(all="ignore"):  # of nothing
            return np.log(self.effects) / np.log(self.measure.margin)

    @property
    def word(self) -> str:
        """One of WORDS: "better" if every seed is by the margin or more, "worse" if every seed
        is worse by it, "no difference" if every seed lies between, and "too close to call" where
        the range crosses the margin or a seed has no number (a target that neither arm reaches)."""
        words = zip(WORDS, ("better", "worse", "alike"), strict=False)
        return next((w for w, sentence in words if self.says(sentence) == HOLDS), WORDS[-1])

    def says(self, sentence: str) -> str:
        """Return HOLDS if one of SENTENCES is true of every seed, FAILS if of none, else OPEN."""
        true = SENTENCES[sentence](self.in_margins)
        if true.all():
            return HOLDS
        return OPEN if true.any() or np.isnan(self.effects).any() else FAILS

    def __str__(self):
        low, middle, high = (f(self.effects) for f in (np.min, np.median, np.max))
        sign = "" if self.measure.ratio else "+"
        numbers = f"{middle:{sign}.3g}, range {low:{sign}.3g} to {high:{sign}.3g}"
        return f"{self.word} ({'factor ' if self.measure.ratio else ''}{numbers})"


def conclude(changed, baseline, measure: str) -> Conclusion:
    """Compare two arms; both arrays have one entry per seed, in the same order.

    Raises KeyError if a measure has no margin, ValueError for fewer than five pairs.
    """
    if len(np.atleast_1d(changed)) < SEEDS:
        raise ValueError(
            "a comparison takes five or more seeds, the same for both arms; "
            f"got {np.shape(changed)} and {np.shape(baseline)}"
        )
    return compare_pairs(changed, baseline, measure)


def compare_pairs(changed, baseline, measure: str, margin: float | None = None) -> Conclusion:
    """Compare two arms by any number of pairs, and any margin; by default the measure's own.

    What fewer than five pairs, or another margin, conclude is no finding of the course: it shows
    what they would have concluded. Raises KeyError if a measure has no margin, ValueError if the
    two do not make pairs.
    """
    if measure not in MEASURES:
        raise KeyError(f"there is no margin for {measure!r}, but for {', '.join(MEASURES)}")
    what = MEASURES[measure]
    if margin is not None:
        says = f"a factor of {margin:g}" if what.ratio else f"{margin:g}"
        says += " of accuracy" if measure == "accuracy" else ""
        what = replace(what, margin=margin, says=says)
    changed, baseline = np.asarray(changed, dtype=float), np.asarray(baseline, dtype=float)
    if changed.shape != baseline.shape or changed.ndim != 1 or not len(changed):
        raise ValueError(
            "a comparison takes as many numbers of one arm as of the other; "
            f"got {changed.shape} and {baseline.shape}"
        )
    better, worse = (baseline, changed) if what.lower_is_better else (changed, baseline)
    with np.errstate(all="ignore"):  # inf / inf, 0 / 0: no number, and said so
        return Conclusion(what, better / worse if what.ratio else better - worse)


@dataclass(frozen=True)
class Choice:
    """A rate that was chosen, from which rates, and on which images."""

    rate: float
    rates: tuple[float, ...]
    on: str
    row: int

    @property
    def inside(self) -> bool:
        """Whether the rate has neighbours on both sides, so that the best one is not beyond."""
        return 0 < self.row < len(self.rates) - 1


def choose_rate(rates: Sequence[float], scores, *, on: str, lowest: bool = False) -> Choice:
    """Choose one rate for all seeds: the best median. scores: (rates, seeds).

    on: the images that the scores are from, such as "held-out" or "test". lowest: small scores are
    good, as those of losses and steps; nan counts as worst. Of equals the smallest rate is taken.
    """
    scores = np.asarray(scores, dtype=float)
    if scores.ndim != 2 or len(scores) != len(rates):
        raise ValueError(f"scores must be ({len(rates)} rates, seeds), not {scores.shape}")
    worst = np.inf if lowest else -np.inf
    medians = np.median(np.where(np.isnan(scores), worst, scores), axis=1)
    row = int(medians.argmin() if lowest else medians.argmax())
    return Choice(float(rates[row]), tuple(map(float, rates)), on, row)


def weaker_than_margin(measure: str, at_least: float | None, at_most: float | None) -> bool:
    """Whether bounds on a measured difference, or ratio, call something by less than the margin.

    A bound asks for the margin or more (on either side), or it is the margin itself from within:
    no difference.
    """
    what = MEASURES[measure]

    def allowed(bound, sign):  # sign +1 for at_least
        effect = Conclusion(what, np.array([bound], dtype=float)).in_margins * sign
        return bool(SENTENCES["better"](effect) | (np.abs(effect + 1) <= ROUNDING))

    bounds = [(bound, sign) for bound, sign in ((at_least, 1), (at_most, -1)) if bound is not None]
    return not all(allowed(bound, sign) for bound, sign in bounds)
