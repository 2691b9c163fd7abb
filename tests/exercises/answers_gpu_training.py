"""Answers to the exercises of 15_gpu_training."""
