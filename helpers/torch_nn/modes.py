"""The modes of a model's modules, training or eval: kept, checked and put back."""

from contextlib import contextmanager


def saved_modes(model):
    """Return a function that puts every module into the mode in which it is now."""
    modes = [(module, module.training) for module in model.modules()]

    def restore():
        for module, mode in modes:
            module.training = mode

    return restore


@contextmanager
def in_training(model):
    """Let a model train that is in eval mode; an error brings all modes back."""
    restore_modes = saved_modes(model)
    try:
        if not model.training:
            model.train()
        yield
    except BaseException:
        restore_modes()
        raise
