"""Exercises and predictions of the notebook 17_many_gpus."""
