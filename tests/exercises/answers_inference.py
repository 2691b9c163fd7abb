"""Answers to the exercises of inference."""
