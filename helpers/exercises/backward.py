"""Exercises of the notebook backward."""
