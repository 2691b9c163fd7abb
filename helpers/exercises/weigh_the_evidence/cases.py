"""The experiment clinic: designs of comparisons, each with a flaw or two, as exercises.

A case is a report as one reads them, and a function that the learner writes: it takes the report's
design, names the flaws, and returns the design repaired. What a report concludes, and what the
repaired design does, is computed from recorded runs.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from helpers.exercises.engine import Exercise, exercise
from helpers.exercises.weigh_the_evidence.judging import expect_diagnosis_and_repair

BATCH, PLAIN = {"norm": "batch"}, {"norm": "none"}


@dataclass(frozen=True)
class Case:
    """A report and its design. said: the report, with {names} for what the runs say; its last
    sentence puts `word` into words, which is what the runs have to conclude. told: whether the
    number of flaws is."""

    said: str
    word: str
    told: bool
    design: Mapping


CASES: dict[str, Case] = {}


def case(said: str, word: str, design: Mapping, *hints: str, told: bool = True) -> Callable:
    """Make a reference a case of the clinic; its name is the case's."""

    def register(reference: Callable) -> Exercise:
        new = exercise(*hints, may_change=("design",))(reference)
        CASES[new.name] = Case(" ".join(said.split()), word, told, design)
        expect_diagnosis_and_repair(new, design)
        return new

    return register


def both(like: str, **what) -> dict[str, dict]:
    """The two arms that the course is about, in one setting."""
    return {
        "batch norm": {"like": like, **BATCH, **what},
        "plain": {"like": like, **PLAIN, **what},
    }


@case(
    """We trained five layers of 64 ReLU units on 3,000 images of MNIST, with batch norm and
    without, for 400 steps from five seeds, the same for both. Each network had four learning
    rates to choose from, and chose by the loss on held-out images: batch norm {rate_first},
    the plain network {rate_second}. Batch norm is {word}: the plain network's test loss is
    {factor} times as high in the median. **Batch norm lowers the test loss on MNIST.**""",
    "better",
    {
        "arms": both("relu, MNIST"),
        "rates": {
            "batch norm": [0.0316, 0.1, 0.316, 1.0],
            "plain": [0.001, 0.00316, 0.01, 0.0316],
        },
        "measure": "loss",
        "steps": 400,
    },
    "Look at the rate that each arm chose, and at the rates it could choose from.",
    "The plain network took the largest rate that it was offered. And at a larger one?",
    'Give both arms rates around their best: "rates": {"batch norm": [...], "plain": [...]}.',
)
def mnist_digits(design):
    wider = [0.01, 0.0316, 0.1, 0.316, 1.0]
    return {"edge of the grid"}, design | {"rates": {"batch norm": wider, "plain": wider}}


@case(
    """Three layers of 100 sigmoids, as in the paper, on the raw pixels of the digits. For the plain
    network we took over what an earlier report had noted; with batch norm we went on to the end.
    Five paired seeds, nine rates for each arm, chosen on held-out images. In the end the median
    accuracy is {first} with batch norm and {second} without. Batch norm is {word}. **Sigmoid
    networks classify better with batch norm.**""",
    "better",
    {
        "arms": both("sigmoid"),
        "steps": {"batch norm": 600, "plain": 200},
        "measure": "accuracy",
    },
    "Compare the columns of the table one by one: what is not the same for both arms?",
    "An earlier experiment may have been a shorter one.",
    'Let both arms train for 600 steps: "steps": 600.',
)
def sigmoid_layers(design):
    return {"unequal steps"}, design | {"steps": 600}


@case(
    """The idea behind batch norm is that the inputs of inner layers keep still. We tested it where
    batches are small, eight images. Between step 60 and step 80, each network at its own best
    rate, we measured on 500 test images how far the means of the activations' inputs moved, in
    standard deviations. Five paired seeds. Batch norm is {word}: the means move {factor} times
    less. **The inputs of inner layers keep their distribution with batch norm, and that is why it
    trains better.**""",
    "better",
    {
        "arms": both("relu, batch 8"),
        "measure": "drift of means",
        "steps": 80,
    },
    "Could the result have been another one? Who sets these means?",
    "Behind batch norm every mean is beta, whatever the layers in front do. Measure something that "
    "batch norm does not set.",
    'bench.MEASURED lists what there is to measure: "drift of shape" takes mean and deviation out.',
)
def calm_inputs(design):
    return {"tautological measure"}, design | {"measure": "drift of shape"}


@case(
    """Many say that batch norm speeds up the beginning. We looked after 50 steps at five layers of
    64 ReLU units on the digits, in eval mode as one must. Running statistics had the momentum 0.01,
    the default of some libraries. Nine rates for each arm, chosen on held-out images, five paired
    seeds. Median accuracies are {first} with batch norm and {second} without, but the seeds
    disagree: {word}. **No gain of batch norm can be seen at the beginning.**""",
    "too close to call",
    {
        "arms": {
            "batch norm": {"like": "relu", "norm": "batch, momentum 0.01"},
            "plain": {"like": "relu", **PLAIN},
        },
        "measure": "accuracy",
        "steps": 50,
    },
    "What exactly is judged after 50 steps? Think of running statistics.",
    "With momentum 0.01, how much of a running average after 50 steps is still its first value?",
    'Judge the network and not its averages: "scored": "recomputed statistics".',
)
def early_look(design):
    return {"stale statistics"}, design | {"scored": "recomputed statistics"}


@case(
    """Does batch norm make very deep networks trainable? We gave sixty layers of 32 units skip
    connections and batch norm, and compared them with sixty plain layers. Seven rates for each
    arm, chosen on held-out images, 200 steps, five paired seeds. The median accuracy is {first}
    against {second}. Batch norm is {word}. **It is batch norm that lets deep residual networks
    train.**""",
    "better",
    {
        "arms": {
            "batch norm": {"like": "60 x 32", "norm": "batch, skips"},
            "plain": {"like": "60 x 32", "norm": "none"},
        },
        "measure": "accuracy",
        "steps": 200,
    },
    "In how many things do the two arms differ?",
    "Take batch norm away, and leave the skips. Who goes that deep without a norm does something "
    "else to keep the branches small.",
    'The rival is "norm": "SkipInit": the same skips, no norm, and one number for each branch.',
)
def sixty_layers(design):
    rival = design["arms"]["plain"] | {"norm": "SkipInit"}
    return {"baseline that nobody would use"}, design | {"arms": design["arms"] | {"plain": rival}}


@case(
    """Five layers of 64 ReLU units, batches of 20 digits, 400 steps. Each network was trained at
    nine rates, and we report its share of errors on 500 test images, at the rate at which it makes
    the fewest: {rate_first} with batch norm, {rate_second} without. Five paired seeds: medians of
    {first} with batch norm and {second} without. Batch norm is {word}. **In batches of twenty,
    batch norm saves a fifth of the errors or more.**""",
    "better",
    {
        "arms": both("relu, batch 20"),
        "chosen_on": "test",
        "measure": "errors",
        "steps": 400,
    },
    "Which images decide about the rates, and which images give the result?",
    "A choice by the test images takes the luck of these images along.",
    'Choose on the held-out images: "chosen_on": "held-out".',
    told=False,
)
def batches_of_twenty(design):
    return {"chosen on test images"}, design | {"chosen_on": "held-out"}


@case(
    """Does batch norm regularize? Two layers of 128 ReLU units, 300 digits to learn from. Rates and
    steps were chosen by the loss on held-out images. Two colleagues shared the work: the plain
    network ran with the seeds {seeds_second}, batch norm with {seeds_first}. The median test loss
    is {first} with batch norm and {second} without, but the range of the ratios crosses the margin:
    {word}. **Whether batch norm regularizes cannot be told from five seeds.**""",
    "too close to call",
    {
        "arms": both("300 images"),
        "seeds": {"batch norm": [5, 6, 7, 8, 9], "plain": [0, 1, 2, 3, 4]},
        "steps": "best",
        "measure": "loss",
    },
    "What do the first run of the one arm and the first run of the other have in common?",
    "A seed decides which 300 images there are to learn from. Some are harder than others.",
    'Give both arms the same seeds: "seeds": [0, 1, 2, 3, 4].',
    told=False,
)
def three_hundred_images(design):
    return {"unpaired seeds"}, design | {"seeds": [0, 1, 2, 3, 4]}


@case(
    """With pixels centred and scaled by one number, we trained five layers of 64 ReLU units for 400
    steps. To be fair, both networks got the same rate, {rate_first}. Means over five paired seeds:
    batch norm {mean_first}, the plain network {mean_second}. Batch norm is {word}. **Centring the
    pixels does not make batch norm superfluous.**""",
    "better",
    {
        "arms": both("relu, pixels centred"),
        "rates": 0.316,
        "by": "mean",
        "measure": "accuracy",
    },
    "Look at the range in the table, not at the mean alone.",
    "One run in five failed. And whose rate is 0.316?",
    'Leave out "rates", so that each arm chooses its own, and let "every seed" count.',
    told=False,
)
def centred_pixels(design):
    repaired = design | {"rates": None, "by": "every seed"}
    return {"one rate for both", "mean over a diverged run"}, repaired


@case(
    """Forty percent of 300 training labels are wrong; those of all other images are right. Does
    batch norm do harm? Five layers of 64 ReLU units, batches of 20, 800 steps, rates chosen on
    held-out images, five paired seeds. Median accuracies: {first} with batch norm, {second}
    without. We call two networks different if they are apart by {margin} in every seed. By this
    measure there is {word}. **Batch norm does no harm, not even with wrong labels.**""",
    "no difference",
    {
        "arms": both("wrong labels, 5 x 64"),
        "steps": 800,
        "measure": "accuracy",
        "margin": 0.15,
    },
    "How large is the difference, and how large would it have had to be?",
    "The course calls 0.02 of accuracy a difference, whether it is a gain or harm.",
    'Leave "margin" at None: then it is the course\'s.',
    told=False,
)
def wrong_labels(design):
    return {"margin wider than the effect"}, design | {"margin": None}


@case(
    """To watch the activations of one class, we passed all held-out images of a 0 through the
    network twenty times whenever we examined it, and plotted the means of each layer. Batches of
    eight, 200 steps, nine rates for each arm, chosen on held-out images, five paired seeds. Behind
    each look we took the accuracy in eval mode: {first} with batch norm, {second} without. Batch
    norm is {word}. **In batches of eight, batch norm does harm.**""",
    "worse",
    {
        "arms": both("relu, batch 8"),
        "scored": "eval mode, after the looks",
        "measure": "accuracy",
        "steps": 200,
    },
    "What does a forward pass leave behind in a network with batch norm?",
    "In training mode every pass moves the running statistics, here towards those of zeros.",
    'Look without touching: "scored": "eval mode".',
    told=False,
)
def a_look_inside(design):
    return {"disturbing probe"}, design | {"scored": "eval mode"}


@case(
    """Two layers of 128 ReLU units, batches of 64 digits. Nine rates for each arm, up to 400 steps.
    We took for each arm the rate, and for each run the number of steps, at which the loss on the
    test images is lowest. Three paired seeds, all of which agree: {first} with batch norm, {second}
    without. Batch norm is {word}. **In shallow networks, too, it lowers the test loss.**""",
    "better",
    {
        "arms": both("relu, 2 x 128"),
        "seeds": 3,
        "chosen_on": "test",
        "steps": "best",
        "measure": "loss",
    },
    "One thing is a number, another is about which images are used for what.",
    "Repair either of them alone, and the conclusion stays. Look for the other one.",
    'Choose on "held-out" images, and take the seeds 0 to 4.',
    told=False,
)
def two_wide_layers(design):
    repaired = design | {"chosen_on": "held-out", "seeds": [0, 1, 2, 3, 4]}
    return {"chosen on test images", "too few seeds"}, repaired


@case(
    """Two layers of 128 ReLU units, batches of 64 digits, 400 steps. Nine rates for each arm, from
    0.001 to 10, chosen by the errors on held-out images: {rate_first} with batch norm,
    {rate_second} without. Five paired seeds. On the test images, batch norm errs on {first} of them
    in the median, the plain network on {second}. A difference is a factor of 1.25 in the errors,
    as everywhere. Batch norm is {word}. **In this shallow network, after 400 steps, batch norm
    saves a fifth of the errors or more.**""",
    "better",
    {"arms": both("relu, 2 x 128"), "steps": 400, "measure": "errors"},
    "Go through the list of flaws, one by one.",
    "Not every report is wrong.",
    "Name no flaw, an empty set, and return the design as it is.",
    told=False,
)
def two_layers_again(design):
    return set(), design
