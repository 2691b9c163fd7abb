"""Exercises of the notebook convolution."""
