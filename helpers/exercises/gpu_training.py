"""Exercises and predictions of the notebook 15_gpu_training."""
