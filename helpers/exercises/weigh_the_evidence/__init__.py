"""Exercises and questions of the notebook `weigh_the_evidence`: the experiment clinic."""

from helpers.exercises.weigh_the_evidence import questions  # noqa: F401, registers them
from helpers.exercises.weigh_the_evidence.cases import CASES
from helpers.exercises.weigh_the_evidence.flaws import FLAWS
from helpers.exercises.weigh_the_evidence.reports import list_flaws, list_parts, reexamine, report

__all__ = ["CASES", "FLAWS", "list_flaws", "list_parts", "reexamine", "report"]
