"""The state of a model: kept as it is while something is measured, or put back afterwards."""

import copy
from contextlib import contextmanager

from helpers.numpy_nn.modules import BatchNorm
from helpers.numpy_nn.own_layer import OwnLayer

NORMALIZES_BATCHES = BatchNorm, OwnLayer  # what has running statistics


@contextmanager
def frozen_statistics(model):
    """Keep the running statistics of every BatchNorm and OwnLayer in `model` as they are.

    For measuring a model in training mode: the batch's statistics normalize, but leave no trace.
    """
    layers = [module for module in model.modules() if isinstance(module, NORMALIZES_BATCHES)]
    before = [layer.frozen for layer in layers]
    try:
        for layer in layers:
            layer.frozen = True
        yield model
    finally:
        for layer, frozen in zip(layers, before, strict=True):
            layer.frozen = frozen


def require_modes(model):
    """Raise ValueError for a model in eval mode of which a part is in training mode."""
    in_training = sum(module.training for module in model.modules())
    if in_training and not model.training:
        raise ValueError(
            f"the model is in eval mode, but {in_training} of its modules are in training mode: "
            "call model.train(), and then .eval() on those that are to stay as they are"
        )


def saved_state(model):
    """Return a function that puts the model back into the state it is in now.

    State is everything that its modules and parameters hold, and where its random generators stand.
    References are enough: forward, backward and SGD replace arrays, they never write into them.
    Only what is inside an OwnLayer is copied: its author may have written into arrays.
    """
    things = [*model.modules(), *model.parameters()]
    before = [vars(thing).copy() for thing in things]
    own = [module.layer for module in model.modules() if isinstance(module, OwnLayer)]
    copies = copy.deepcopy([vars(layer) for layer in own])
    rewind = saved_generators(model)

    def restore():
        for thing, state in zip(things, before, strict=True):
            thing.__dict__ = state.copy()
        for layer, state in zip(own, copies, strict=True):
            layer.__dict__ = copy.deepcopy(state)
        rewind()

    return restore


def saved_generators(model):
    """Return a function that sets the model's random generators back to where they are now."""
    generators = [module.rng.bit_generator for module in model.modules() if hasattr(module, "rng")]
    positions = [generator.state for generator in generators]

    def rewind():
        for generator, position in zip(generators, positions, strict=True):
            generator.state = position

    return rewind
