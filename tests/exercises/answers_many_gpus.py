"""Answers to the exercises of the notebook `many_gpus`, in parts."""

import answers_many_gpus_accumulating  # noqa: F401
import answers_many_gpus_statistics  # noqa: F401
import answers_many_gpus_synchronizing  # noqa: F401
