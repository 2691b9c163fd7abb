"""Exercises, predictions and the final quiz of the notebook `verdicts`."""

from helpers.exercises.questions import number, order, word
from helpers.exercises.verdicts import questions  # noqa: F401
from helpers.exercises.verdicts.comparisons import judge_claim, tuned_ratio  # noqa: F401

number(
    "verdicts-samples",
    answer=3,
    within_absolute=0.5,
    reason="With two, every feature behind batch norm is 1 and -1, whatever the weights: the true "
    "gradient of all that comes before is 0, and wrong ones hide.",
    recalls="bug_clinic",
)
word(
    "verdicts-before-green",
    answers=("red", "failing", "failed", "fail", "broken", "it failed", "not green"),
    reason="A test that was never red may be one that cannot fail.",
    recalls="bug_clinic",
)
order(
    "verdicts-share-a-mean",
    answer="cdab",
    reason="16 positions; times 4 channels of a group; 16 positions of all 8 images; all 16 "
    "channels of one image.",
    a="batch norm, 128",
    b="layer norm, 256",
    c="instance norm, 16",
    d="group norm, 64",
    recalls="when_it_fails",
)

number(
    "verdicts-count",
    answer=0.69,
    unit="share",
    within_absolute=0.1,
    tolerance=0.04,
    measured_by="counts(claims)['holds if'] / len(claims)",
    reason="Most of what is said is true somewhere. The work was to find out where.",
)
number(
    "verdicts-travel",
    answer=2,
    within_absolute=1,
    measured_by="len(same)",
    reason="Nearly every sentence meets a setting that turns it, or one that is too close to call. "
    "What travels is a verdict with its condition.",
)
order(
    "verdicts-comparison",
    answer="cab",
    measured_by="[np.median(plain), *(np.median(fooled['batch'][rate]) for rate in (0.3, 3.0))]",
    reason="At the same rate batch norm is the easier one to fool. But as long as they learn, "
    "these networks are the harder to fool the larger the rate, and batch norm can go further.",
    a="plain at 0.3",
    b="batch norm at 0.3",
    c="batch norm at 3",
)
