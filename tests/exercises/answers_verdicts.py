"""Answers to the exercises of 19_verdicts."""
