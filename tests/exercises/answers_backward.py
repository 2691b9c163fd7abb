"""Answers to the exercises of backward."""
