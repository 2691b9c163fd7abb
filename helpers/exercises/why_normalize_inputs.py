"""Exercises of the notebook why_normalize_inputs."""
