"""Answers to the exercises of the notebook `your_layer`."""
