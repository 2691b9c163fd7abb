"""Exercises and predictions of the notebook 18_bug_clinic: code to repair.

`formulas` has bugs in what is computed, `state` bugs in what is kept and when.
"""

from helpers.exercises.bug_clinic import formulas, state  # noqa: F401
