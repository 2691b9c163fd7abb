"""Exercises and predictions of the notebook `bug_clinic`: code to repair.

`gradients`, `formulas` and `averages` have bugs in what is computed; `state`, `blocks`, `modes`,
`freezing`, `steps` and `accumulation` bugs in what is kept, and when.
"""

# In the order of the notebook.
from helpers.exercises.bug_clinic import gradients, formulas, averages, state, blocks, modes  # noqa: F401, I001
from helpers.exercises.bug_clinic import freezing, steps, accumulation  # noqa: F401
