"""The questions of the notebook `your_layer`."""

from helpers.exercises.engine import matching, number, prediction, word

number(
    "your-layer-values-averaged",
    answer=160,
    within=1.01,
    reason="All but the channels: 8 images times 5 times 4 positions.",
    recalls="convolution",
)
number(
    "your-layer-moved-average",
    answer=2.3,
    within=1.01,
    reason="0.9 * 2 + 0.1 * 5. In PyTorch's convention momentum is the weight of the new batch.",
    recalls="inference",
)
word(
    "your-layer-dispensable",
    answers=("bias", "its bias", "biases"),
    reason="it moves the mean of its channel, which batch norm subtracts, and beta can shift as "
    "well.",
    recalls="convolution",
)

prediction(
    "your-layer-late-eval",
    right="a",
    a="a gradient is the slope of what was computed, and that was done in training mode. So "
    "forward has to note which mode it was in.",
    b="eval mode's formula belongs to an output that was made with running statistics. This one "
    "was made with those of its batch, and each sample moved the others through them.",
    believed={"b": "mutant: BatchNormLayer.ModeAtTheTimeOfBackward"},
)
prediction(
    "your-layer-fixed-statistics",
    right="c",
    a="the two terms that are subtracted come from the ways through the mean and the variance, and "
    "fixed statistics do not move with x.",
    b="eval mode fixes the statistics, not the slope: a change of x still changes y.",
    c="x has one arrow left, the straight one: subtract a constant, multiply by gamma * r.",
    believed={"a": "mutant: BatchNormLayer.OneBackwardForBothModes", "b": "claim: no-grad-is-eval"},
)
prediction(
    "your-layer-two-curves",
    right="b",
    a="that is true of long or wild trainings; in 150 calm steps, errors in the sixteenth digit "
    "stay far below anything that can be drawn.",
    b="same start, same batches, same formulas: only the order of additions may differ.",
    believed={"a": "quote: runs-differ"},
)
matching(
    "your-layer-gallery",
    answer="dceab",
    things="layer",
    reason="The training loss says whether backward is at fault, the accuracy what is wrong in "
    "eval mode.",
    a="constant statistics",
    b="never updated",
    c="sums for means",
    d="momentum turned round",
    e="eval does nothing",
)
number(
    "your-layer-uphill",
    answer=97,
    unit="%",
    within_absolute=2,
    reason="The weights learn the task and make up for gamma and beta, which hardly move in 150 "
    "steps. A falling loss does not prove that every gradient is right.",
    measured_by='100 * uphill["linear layers"][1].scores[-1]',
    tolerance=2,
)
