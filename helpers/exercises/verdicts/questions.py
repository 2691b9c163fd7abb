"""The questions of the final quiz."""

from collections.abc import Callable

from helpers.exercises.engine import prediction
from helpers.exercises.questions import number, order

# The questions of the quiz, in order, and the notebook that each goes back to.
QUIZ: dict[str, str] = {}


def question(name: str, about: str, kind: Callable = prediction, **details) -> None:
    """Register a question of the quiz: with `kind`, one of the functions that register questions,
    and the notebook to read again."""
    QUIZ[name] = about
    kind(name, **details)


question(
    "quiz-company",
    "forward",
    kind=order,
    answer="bcad",
    measured_by="image_moves",
    reason="Put in twice, a batch keeps its mean and variance; 64 samples that are copies tell "
    "nothing new. One of 32 moves both a little. Among its own copies an image becomes beta.",
    a="31 others",
    b="all twice",
    c="one other",
    d="its own copies",
)
question(
    "quiz-own-backward",
    "backward",
    right="a",
    a="the outputs of a feature always sum to N beta, so the true gradient is 0, and what you "
    "compare is rounding. Weigh the outputs with random numbers and try again.",
    b="a forgotten term can be invisible here: the true gradient is 0 for any input, and so is "
    "that of several wrong backward passes.",
    c="the true gradient is 0. A relative error divides rounding by rounding.",
    believed={"b": "claim: any-gradient-check", "c": "quote: fails-gradient-checking"},
)
question(
    "quiz-factor",
    "training",
    right="c",
    a="here batch norm may raise its rate and the plain network may not. The factor of the "
    "original paper came about in that way.",
    b="0.1 suits neither of the two. One rate for both is fair only if it is nobody's bad rate.",
    c="each at its best: 240 against 50. But 3 is the last rate of the grid, and batch norm still "
    "gets better there, so its best may lie beyond.",
    believed={"a": "claim: fourteen-times", "b": "mutant: tuned_ratio.one_rate_for_both"},
)
question(
    "quiz-end-of-log",
    "inference",
    right="b",
    a="an overfitted network is good on its training images in eval mode, too. This one is not.",
    b="the weights are fine, as training mode shows on the same images. With momentum 0.001 the "
    "initial 0 and 1 still weigh 0.999^300, about 74 %. Recompute the statistics.",
    c="a gap of 0.38 is no law. It goes away with statistics that have caught up.",
    believed={"a": "quote: looked-like-overfitting", "c": "claim: worse-at-inference"},
)
question(
    "quiz-two-cameras",
    "convolution",
    right="a",
    a="a factor on all values goes into the standard deviation, and new statistics take it out. A "
    "negative turns every deviation from the mean round, and batch norm cannot turn a sign.",
    b="what new statistics take out is a shift and a positive factor. A negative is neither.",
    c="half as bright is a positive factor: new statistics are enough. Only the negatives fail.",
    believed={"b": "claim: robust-by-itself", "c": "quote: retrain-for-new-inputs"},
)
question(
    "quiz-colleague",
    "covariate_shift",
    right="b",
    a="two things that batch norm does need not be cause and effect: it sets these means and "
    "variances, whatever the network learns.",
    b="batch norm sets these means and variances, whatever the network learns. If the drift is the "
    "reason, bringing it back must bring the slow training back. In three layers it did not; in "
    "twenty it cost a little, in the median alone.",
    c="that is said of another shift: the change of the gradients when earlier layers step. The "
    "means and variances do keep still.",
    believed={
        "a": "claim: inputs-keep-their-distribution",
        "c": "claim: more-shift-better-training",
    },
)
question(
    "quiz-two-networks",
    "smoothing",
    right="c",
    a="the smaller number may come from the larger rate alone: training goes to steeper places "
    "until the rate forbids it, at 2 / rate.",
    b="it may be the other way round. Training goes to steeper places until the rate forbids it, "
    "so a larger rate leaves it at smoother ones.",
    c="2 / rate is 100 for A and 10 for B: both sit at the edge of stability.",
    believed={"a": "claim: smoothness-of-the-function", "b": "claim: smooths-the-objective"},
)
question(
    "quiz-checkpoint",
    "length_and_direction",
    kind=number,
    answer=100,
    unit="times",
    measured_by="smaller_angle",
    reason="The gradient is ten times shorter and the weights are ten times longer: what counts is "
    "lr / |w|^2. The answers stay the same, the training does not.",
)
question(
    "quiz-weight-decay",
    "length_and_direction",
    kind=number,
    answer=2,
    unit="times",
    within=1.3,
    measured_by="ratio_of_angles",
    reason="Each step makes the weights longer, decay makes them shorter, and where both balance "
    "the angle per step is sqrt(2 lr weight_decay). In front of batch norm decay sets the rate; it "
    "does not hold the answers back.",
)
question(
    "quiz-no-skips",
    "depth",
    kind=number,
    answer=100_000,
    unit="times",
    within=10,
    tolerance=0.5,
    measured_by="growth",
    reason="Each of these layers multiplies the squared gradient by nearly 1.5, whatever the scale "
    "of the weights, and the root of 59 such factors is 100,000. Skips help; smaller batches make "
    "it worse.",
)
question(
    "quiz-labels",
    "regularization",
    right="b",
    a="it was not wiser, only slower: it had not got round to the wrong labels.",
    b="batch norm was faster here, not more gullible. After 800 steps the plain network had "
    "learned most of the wrong labels, too, and read about 0.65 of the test images.",
    c="its images have not changed: 40 % of the labels are still wrong, and more steps fit them.",
    believed={"a": "quote: outnumbered-labels", "c": "quote: train-longer"},
)
question(
    "quiz-recordings",
    "when_it_fails",
    right="a",
    a="mean and spread of the batch are the speaker's, and they are removed. It was so with "
    "batches of one digit.",
    b="it does not mind, and that is the fault: with what the recordings of one person share, the "
    "difference between the persons is gone.",
    c="new statistics come too late: the weights have been trained on features without the "
    "speaker.",
    believed={"b": "claim: conv-brightness", "c": "claim: precise-repairs"},
)
question(
    "quiz-sequences",
    "when_it_fails",
    right="c",
    a="stale statistics are cured by new ones. These were not.",
    b="an overfitted network would fail on new sequences in either mode.",
    c="right on new sequences, but only in their company, and no fixed statistics can replace it: "
    "the answer is in the batch.",
    believed={"a": "claim: precise-repairs", "b": "quote: looked-like-overfitting"},
)
question(
    "quiz-finished-part",
    "bug_clinic",
    right="a",
    a="requires_grad concerns parameters. The running statistics are buffers, and every forward "
    "pass in training mode moves them. Put these layers in eval mode.",
    b="PyTorch's optimizers skip a parameter whose grad is None, its weight decay included.",
    c="requires_grad protects parameters. Batch norm also keeps buffers, which have no gradient "
    "and move in every forward pass.",
    believed={
        "b": "quote: weight-decay-moves-frozen",
        "c": "claim: frozen-by-requires-grad",
    },
)
question(
    "quiz-folded-layer",
    "cost",
    kind=number,
    answer=296,
    within_absolute=0.5,
    measured_by="folded_numbers",
    reason="8 × 4 × 9 weights, each multiplied by its channel's scale, and 8 biases that take in "
    "the shift: the layer needs a bias now, and batch norm's 4 × 8 numbers are gone.",
)
question(
    "quiz-small-batches",
    "many_gpus",
    right="b",
    a="so it would be without batch norm: gradients add up. But the statistics are taken 8 images "
    "at a time.",
    b="adding up gradients is one thing, and exact. Whoever normalizes with 8 images has the noise "
    "of 8 images, and another loss.",
    c="the rate changes the length of the step. It cannot change whose mean was subtracted.",
    believed={"a": "claim: accumulation-is-a-larger-batch", "c": "claim: linear-scaling"},
)
