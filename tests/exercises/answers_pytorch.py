"""Answers to the exercises of 14_pytorch."""
