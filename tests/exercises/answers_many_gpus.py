"""Answers to the exercises of 17_many_gpus."""
