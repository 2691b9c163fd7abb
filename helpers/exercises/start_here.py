"""Exercises of the notebook start_here."""
