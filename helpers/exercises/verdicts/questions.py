"""The questions of the final quiz."""

from collections.abc import Callable

from helpers.exercises.engine import prediction

# The questions of the quiz, in order, and the notebook that each goes back to.
QUIZ: dict[str, str] = {}


def question(name: str, about: str, kind: Callable = prediction, **details) -> None:
    """Register a question of the quiz: with `kind`, one of the functions that register questions,
    and the notebook to read again."""
    QUIZ[name] = about
    kind(name, **details)


question(
    "quiz-twice",
    "forward",
    right="a",
    a="mean and variance over the 64 are those of the 32, since every value merely counts twice. "
    "(The running variance differs by a hair: N / (N - 1) is 64/63 and no longer 32/31.)",
    b="N counts samples, but copies tell nothing new: the same 32 images are averaged.",
    c="the sum of the squared distances doubles together with N, so the variance stays.",
)
question(
    "quiz-gradient-check",
    "backward",
    right="a",
    a="the outputs of a feature always sum to N beta, so this loss cannot depend on x. Weigh the "
    "outputs with random numbers and try again.",
    b="a forgotten term can be invisible here: the true gradient is 0 for any input, and so is "
    "that of several wrong backward passes.",
    c="0 is right: y.sum() is N beta whatever x is. The test is at fault, not the gradient.",
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
)
question(
    "quiz-log",
    "inference",
    right="b",
    a="an overfitted network is good on its training images in eval mode, too. This one is not.",
    b="the weights are fine, as training mode shows on the same images. With momentum 0.001 the "
    "initial 0 and 1 still weigh 0.999^300, about 74 %. Recompute the statistics.",
    c="with too large a rate the network would not be right on its training images in either mode.",
)
question(
    "quiz-cameras",
    "convolution",
    right="c",
    a="a factor on all values goes into the standard deviation, and new statistics take it out.",
    b="a constant goes into the mean, and new statistics take it out. (Not quite at a border that "
    "is padded with zeros: no haze there.)",
    c="the negative turns every deviation from the mean round. Batch norm subtracts and divides by "
    "a positive number; it cannot turn a sign.",
)
question(
    "quiz-drift",
    "covariate_shift",
    right="c",
    a="more seeds make the number surer. It is sure already: batch norm sets these means and "
    "variances, whatever the network learns.",
    b="more layers show the same again. What follows from a definition cannot be a cause that was "
    "found.",
    c="if the drift is the reason, bringing it back must bring the slow training back. In three "
    "layers it did not; in twenty it did in the median, not in every seed.",
)
question(
    "quiz-smoothness",
    "smoothing",
    right="a",
    a="2 / rate is 100 for A and 10 for B: both sit at the edge of stability.",
    b="the ten times are measured, what follows is not: the smaller number may come from the "
    "larger rate alone. Training goes to steeper places until the rate forbids it, at 2 / rate.",
    c="at 2 / rate a step just begins to raise the loss along its own direction. Networks train "
    "there for a long time.",
)
question(
    "quiz-checkpoint",
    "length_and_direction",
    right="b",
    a="the answers are the same. The training is not: what counts is lr / |w|^2.",
    b="the gradient is ten times shorter and the weights are ten times longer, so they turn by a "
    "hundredth of the usual angle.",
    c="in front of batch norm longer weights get shorter gradients, not longer ones.",
)
question(
    "quiz-weight-decay",
    "length_and_direction",
    right="c",
    a="in front of batch norm the answers do not depend on the length of the weights, so decay "
    "never held them back.",
    b="the length has no effect on the answers, but it sets the effective learning rate.",
    c="every step makes them longer and nothing shortens them any more, so the angle per step "
    "falls. Decay had kept it at sqrt(2 lr weight_decay).",
)
question(
    "quiz-sixty-layers",
    "depth",
    right="a",
    a="the stream past the branches grows, and beside it each branch counts less and less.",
    b="the scale of the weights cancels: batch norm divides it out forward and backward.",
    c="smaller batches make it worse: at N = 8 a layer multiplies the squared gradient by 1.79, "
    "and no longer by 1.47.",
)
question(
    "quiz-labels",
    "regularization",
    right="b",
    a="it was not wiser, only slower: it had not got round to the wrong labels.",
    b="batch norm was faster here, not more gullible. After 800 steps the plain network had "
    "learned most of the wrong labels, too, and read about 0.65 of the test images.",
    c="its images have not changed: 40 % of the labels are still wrong, and more steps fit them.",
)
question(
    "quiz-voices",
    "when_it_fails",
    right="a",
    a="mean and spread of the batch are the speaker's, and they are removed. It was so with "
    "batches of one digit.",
    b="comparable they are, and that is the fault: with what the recordings of one person share, "
    "the difference between the persons is gone.",
    c="eval mode comes too late: the weights have been trained on features without the speaker.",
)
question(
    "quiz-sequences",
    "when_it_fails",
    right="c",
    a="stale statistics are cured by new ones. These were not.",
    b="an overfitted network would fail on new sequences in either mode.",
    c="right on new sequences, but only in their company, and no fixed statistics can replace it: "
    "the answer is in the batch.",
)
question(
    "quiz-new-layer",
    "bug_clinic",
    right="c",
    a="an optimizer skips a parameter whose grad is None, its weight decay included.",
    b="rounding differs in the seventh digit, not by what you see.",
    c="requires_grad concerns parameters. The running statistics are buffers, and every forward "
    "pass in training mode moves them. Put these layers in eval mode.",
)
question(
    "quiz-folding",
    "cost",
    right="a",
    a="with fixed statistics batch norm is a scale and a shift per channel, and a convolution "
    "followed by those is a convolution.",
    b="in training mode the scale and the shift depend on the batch; there is nothing fixed that "
    "could be folded.",
    c="it is the same function, not an approximation of it. Only the rounding differs.",
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
)
