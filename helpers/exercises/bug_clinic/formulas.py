"""Bugs in what is computed: statistics, gradients, averages."""
