"""Exercises and predictions of the notebook 14_pytorch."""
