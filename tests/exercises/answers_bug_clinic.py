"""Answers to the exercises of 18_bug_clinic, in two halves."""

import answers_bug_clinic_formulas  # noqa: F401
import answers_bug_clinic_state  # noqa: F401
