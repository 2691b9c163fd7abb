"""Answers to the exercises of training."""
