"""Exercises and predictions of the notebook 18_bug_clinic: code to repair.

`gradients`, `formulas` and `averages` have bugs in what is computed, `state`, `modes` and `steps`
bugs in what is kept, and when.
"""

from helpers.exercises.bug_clinic import gradients, formulas, averages, state, modes, steps  # noqa: F401, I001
