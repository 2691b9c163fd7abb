"""Bugs in what is kept, and when: modes, buffers, graphs, the training loop."""
