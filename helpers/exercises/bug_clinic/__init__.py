"""Exercises and predictions of the notebook 18_bug_clinic: code to repair.

`gradients` and `formulas` have bugs in what is computed, `state`, `modes` and `steps` bugs in what
is kept, and when.
"""

from helpers.exercises.bug_clinic import gradients, formulas, state, modes, steps  # noqa: F401, I001
