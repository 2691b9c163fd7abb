"""Answers to the exercises of 18_bug_clinic about what is computed."""
