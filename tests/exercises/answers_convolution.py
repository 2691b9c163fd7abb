"""Answers to the exercises of convolution."""
