"""Exercises of the notebook `your_layer`."""
