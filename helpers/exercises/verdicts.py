"""Exercises and predictions of the notebook 19_verdicts."""
