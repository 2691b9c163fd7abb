"""Answers to the exercises of start_here."""
