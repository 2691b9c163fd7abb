"""Exercises and predictions of the notebook 16_cost."""
