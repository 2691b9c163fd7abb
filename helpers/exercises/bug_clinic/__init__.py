"""Exercises and predictions of the notebook `bug_clinic`: code to repair.

`gradients`, `formulas` and `averages` have bugs in what is computed; `state`, `blocks`, `modes`,
`freezing`, `steps` and `accumulation` bugs in what is kept, and when.
"""

# In the order of the notebook.
from helpers.exercises.bug_clinic import gradients, formulas, averages, state, blocks, modes  # noqa: F401, I001
from helpers.exercises.bug_clinic import freezing, steps, accumulation  # noqa: F401
from helpers.exercises.engine import prediction
from helpers.exercises.questions import number, word

number(
    "bug-clinic-entries",
    answer=5,
    within_absolute=0.5,
    measured_by="len(nn.BatchNorm1d(4).state_dict())",
    reason="weight and bias are parameters; running_mean, running_var and num_batches_tracked are "
    "buffers.",
    recalls="pytorch",
)
word(
    "bug-clinic-new-module",
    answers=(
        "training mode",
        "training",
        "train",
        "train mode",
        "in training mode",
        "in train mode",
    ),
    reason="A module stays in it until somebody calls eval().",
    recalls="pytorch",
)
prediction(
    "bug-clinic-forgotten",
    right="a",
    a="the mode decides about statistics, and the layer is in training mode. no_grad decides "
    "whether a graph is recorded.",
    b="no_grad switches gradients off and no mode. The layer does not ask.",
    c="the update of running statistics needs no gradient, and goes on under no_grad.",
    believed={
        "b": "claim: no-grad-is-eval",
        "c": "mutant: norm_with_modes.learns_only_with_gradients",
    },
    recalls="pytorch",
)
