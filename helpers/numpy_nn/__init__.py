"""A small neural network library in NumPy, in PyTorch's vocabulary.

`functional` holds pure functions, each forward next to its backward; `modules` the layers around
them; `optim`, `gradcheck` and `training` the rest.
"""
