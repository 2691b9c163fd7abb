"""Answers to the exercises of 16_cost."""
