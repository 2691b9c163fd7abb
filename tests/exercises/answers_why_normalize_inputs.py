"""Answers to the exercises of why_normalize_inputs."""
