"""Exercises of the notebook inference."""
