"""Answers to the exercises of the notebook `bug_clinic`, in parts."""

import answers_bug_clinic_accumulation  # noqa: F401
import answers_bug_clinic_averages  # noqa: F401
import answers_bug_clinic_blocks  # noqa: F401
import answers_bug_clinic_formulas  # noqa: F401
import answers_bug_clinic_freezing  # noqa: F401
import answers_bug_clinic_gradients  # noqa: F401
import answers_bug_clinic_modes  # noqa: F401
import answers_bug_clinic_state  # noqa: F401
import answers_bug_clinic_steps  # noqa: F401
