"""Exercises, predictions and the final quiz of the notebook `verdicts`."""

from helpers.exercises.engine import prediction
from helpers.exercises.verdicts import questions  # noqa: F401
from helpers.exercises.verdicts.comparisons import judge_claim, tuned_ratio  # noqa: F401

prediction(
    "verdicts-count",
    right="b",
    a="many sentences about batch norm are true of one network or one rate and false of the next.",
    b="most of what is said is true somewhere. The work was to find out where.",
    c="some of it is plainly wrong, but more of it is right under a condition that nobody states.",
)
prediction(
    "verdicts-travel",
    right="c",
    a="batches of two or four alone turn most sentences, and few were said with a batch in mind.",
    b="even fewer. Nearly every sentence meets a setting that turns it, or one that is too close.",
    c="a verdict belongs to a setting. What travels is a verdict with its condition.",
)
prediction(
    "verdicts-comparison",
    right="b",
    a="at the plain network's rate it is. With batch norm at rate 3 it is the plain network that "
    "is easier to fool, in these five seeds.",
    b="as long as they learn, these networks are the harder to fool the larger the rate, and batch "
    "norm can go further.",
    c="a larger rate makes it harder to fool, not easier; at the same rate it is the easier one.",
)
