"""Exercises of the notebook training."""
