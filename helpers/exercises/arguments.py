"""Whether a call has changed what it was given."""

import functools
import inspect
from collections.abc import Callable

import numpy as np

from helpers.numpy_nn.modules import Module


def named(function: Callable, args: tuple, kwargs: dict) -> dict:
    """Arguments by the names that `function` has for them."""
    return {**dict(zip(parameters(function), args, strict=False)), **kwargs}


@functools.lru_cache
def parameters(function: Callable) -> dict[str, inspect.Parameter]:
    """The parameters of an exercise's reference by name, in order."""
    return dict(inspect.signature(function).parameters)


def changed(now: dict, before: dict) -> str:
    """What is no longer as it was before, as the end of a sentence, or nothing."""
    for name, value in before.items():
        if isinstance(value, Module) or _has_state(value):
            left, right = _state(now[name]), _state(value)
            if part := next((p for p in right if not equal(left.get(p), right[p])), None):
                return f"what it was given: {part} of the {name} is not what it was before."
        elif not equal(now[name], value):
            return (
                f"its arguments in place, here {name}. Work on a copy (`x = x - mu` makes a new "
                "array, `x -= mu` does not)."
            )
    return ""


def equal(left, right) -> bool:
    """Whether two trees of arguments are the same to the bit; NaN equals NaN."""
    if isinstance(left, np.ndarray):
        return left.dtype == right.dtype and np.array_equal(
            left, right, equal_nan=left.dtype.kind == "f"
        )
    if hasattr(left, "detach"):  # a tensor; this module does without PyTorch
        return (left.dtype, left.shape) == (right.dtype, right.shape) and (
            (left == right) | ((left != left) & (right != right))
        ).all().item()
    if isinstance(left, (tuple, list)):
        return len(left) == len(right) and all(map(equal, left, right))
    if isinstance(left, dict):
        return left.keys() == right.keys() and all(equal(left[k], right[k]) for k in left)
    if isinstance(left, (bool, str)):
        return left == right
    # Other arguments (generators, functions) carry state that calling them may change.
    return True


def _has_state(value) -> bool:
    return hasattr(value, "state_dict") and not isinstance(value, type)


def _state(module) -> dict:
    """What a module is: parameters, buffers, modes; no gradients, no caches of a forward pass."""
    if isinstance(module, Module):
        return {
            f"{type(part).__name__}.{name}": getattr(value, "data", value)
            for part in module.modules()
            for name, value in {"training": part.training, **vars(part)}.items()
            if name != "cache"
        }
    state = dict(module.state_dict())
    if hasattr(module, "named_modules"):
        for name, part in module.named_modules():
            state[f"{name}.training".lstrip(".")] = part.training
        for name, parameter in module.named_parameters():
            state[f"{name}.requires_grad"] = parameter.requires_grad
    return state
