"""Batch norm and training in PyTorch; `numpy_nn` has the same ideas in NumPy."""
