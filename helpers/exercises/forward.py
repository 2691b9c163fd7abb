"""Exercises of the notebook forward."""
