"""Questions that every answer is asked, whatever the exercise.

Does it answer the same when it is asked again? Are its defaults those of the exercise? Does it use
what it is given? The answers also tell why a check failed: they are better than what the check can
say, because they ask the function again.
"""

import contextlib
import copy
import inspect
import types
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from helpers.exercises import arguments, blame

Request = tuple[tuple, dict]
Ask = Callable[[Callable, Request], Any]

_KEEPS = (dict, list, set, bytearray, np.ndarray)  # what a function can keep something in


def as_new(answer: Callable) -> Callable | None:
    """A copy of a function with copies of all it could keep something in, as they are now.

    These are mutable defaults, global variables, variables of an enclosing function, attributes.
    None for callables that are no plain functions.
    """
    return _copied(answer, {}) if isinstance(answer, types.FunctionType) else None


def _copied(function: types.FunctionType, done: dict) -> types.FunctionType:
    if id(function) in done:
        return done[id(function)]

    def copied(value):
        if isinstance(value, types.FunctionType) and blame.is_learners(value.__code__):
            return _copied(value, done)
        return _snapshot(value)

    code, old_cells = function.__code__, function.__closure__
    cells = old_cells and tuple(types.CellType() for _ in old_cells)
    new = types.FunctionType(code, dict(function.__globals__), function.__name__, None, cells)
    done[id(function)] = new
    for cell, old in zip(cells or (), old_cells or (), strict=True):
        with contextlib.suppress(ValueError):  # a variable that is assigned later
            cell.cell_contents = copied(old.cell_contents)
    new.__defaults__ = function.__defaults__ and tuple(map(copied, function.__defaults__))
    new.__kwdefaults__ = function.__kwdefaults__ and {
        name: copied(value) for name, value in function.__kwdefaults__.items()
    }
    for name, value in vars(function).items():
        setattr(new, name, _snapshot(value))
    for part in blame.codes(code):
        for name in part.co_names:
            if name in function.__globals__:
                new.__globals__[name] = copied(function.__globals__[name])
    return new


def _snapshot(value):
    """A copy of a container; anything else as it is, also large arrays and what has no copy."""
    if not isinstance(value, _KEEPS) or getattr(value, "nbytes", 0) > 1e7:
        return value
    try:
        return copy.deepcopy(value)
    except Exception:
        return value


def can_ask_again(example, request: Request) -> bool:
    """Whether results can be compared as numbers, and no argument remembers earlier calls."""
    remembering = (getattr(value, "__closure__", None) for value in request[0])
    return _numbers(example) is not None and not any(remembering)


def remembers(answer: Callable, new: Callable | None, request: Request, ask: Ask) -> str:
    """What is wrong if an answer depends on earlier calls, or is drawn at random; else nothing."""
    used, again = ask(answer, request), ask(answer, request)
    if _differ(used, again):
        return (
            "asked twice the same, your function gives two answers: it keeps something from "
            "call to call, or draws at random"
        )
    if new is not None and _differ(again, ask(as_new(new), request)):
        return "the answer depends on earlier calls: your function keeps something from them" + (
            _keeper(answer, new)
        )
    return ""


def _keeper(answer: types.FunctionType, new: types.FunctionType) -> str:
    """Where a function keeps what it remembers, if that is a default."""
    for name, parameter in inspect.signature(answer).parameters.items():
        if isinstance(parameter.default, _KEEPS):
            return f" in the default of `{name}`, which is made only once"
    return ""


def unseen(request: Request) -> Request:
    """The same request with other numbers: every array of floats is a quarter smaller."""

    def other(value):
        if isinstance(value, np.ndarray) and value.dtype.kind == "f":
            return 0.75 * value
        if hasattr(value, "detach") and value.is_floating_point():
            return (0.75 * value.detach()).requires_grad_(value.requires_grad)
        return value

    args, kwargs = request
    return tuple(map(other, args)), {name: other(value) for name, value in kwargs.items()}


def defaults(function: Callable) -> dict[str, float]:
    """The parameters of a function that have a number as default."""
    try:
        parameters = inspect.signature(function).parameters.values()
    except (TypeError, ValueError):
        return {}
    return {
        p.name: p.default
        for p in parameters
        if isinstance(p.default, (int, float)) and not isinstance(p.default, bool)
    }


def left_out(reference: Callable, request: Request) -> dict[str, float]:
    """The parameters with a number as default that a request does not give."""
    given = arguments.named(reference, *request)
    return {name: value for name, value in defaults(reference).items() if name not in given}


def other_defaults(reference: Callable, answer: Callable) -> Iterator[tuple[str, float, float]]:
    """(name, default of the answer, default of the exercise) where they differ."""
    own = defaults(answer)
    for name, value in defaults(reference).items():
        if name in own and own[name] != value:
            yield name, own[name], value


def says_default(name: str, own: float, right: float, noun: str = "function") -> str:
    """The sentence about a default, with whose convention it is."""
    keras = {"momentum": 0.99, "eps": 1e-3}.get(name)
    if name == "momentum" and own in (0.9, 0.99):
        whose = " (Keras writes it so, where momentum is the share of the old value)"
    elif own == keras:
        whose = " (that is Keras' own)"
    else:
        whose = ""
    return f"the default of {name} is {own:g} in your {noun}{whose}; here it is {right:g}"


def unused(reference: Callable, answer: Callable, request: Request, ask: Ask) -> str:
    """What is wrong if a parameter with a default does not matter to an answer; else nothing.

    It is asked with two values, for which the reference gives different results.
    """
    given = arguments.named(reference, *request)
    for name, default in defaults(reference).items():
        first = given.get(name, default)
        second = first + 1 if isinstance(first, int) else first + 0.25
        requests = [_with(reference, request, name, value) for value in (first, second)]
        if not _differ(*(ask(reference, r) for r in requests), tol=1e-6):
            continue
        one, other = (ask(answer, r) for r in requests)
        if _numbers(one) is not None and _numbers(other) is not None and not _differ(one, other, 0):
            return (
                f"it does not use the {name} that it is given: for {name}={first:g} and "
                f"{name}={second:g} it gives the same"
            )
    return ""


def ignores_default(reference: Callable, answer: Callable, request: Request, ask: Ask) -> str:
    """What is wrong if leaving out a parameter is not like giving its default; else nothing."""
    own = defaults(answer)
    for name, default in defaults(reference).items():
        without = _with(reference, request, name, None)
        given = _with(reference, request, name, default)
        if _differ(ask(answer, without), ask(answer, given)):
            if own.get(name, default) != default:
                return says_default(name, own[name], default)
            return f"without {name} it must do what it does with {name}={default:g}, the default"
    return ""


def _with(reference: Callable, request: Request, name: str, value: float | None) -> Request:
    """A request with a parameter set by name, or left out (None)."""
    order = [*arguments.parameters(reference)]
    given = arguments.named(reference, *request)
    args = request[0][: order.index(name)]
    later = {k: v for k, v in given.items() if order.index(k) >= len(args) and k != name}
    return args, later if value is None else {**later, name: value}


def _differ(left, right, tol: float = 1e-9) -> bool:
    """Whether two results are numbers and not the same ones; False if it cannot be told."""
    left, right = _numbers(left), _numbers(right)
    if left is None or right is None:
        return False
    if [a.shape for a in left] != [a.shape for a in right]:
        return True
    return not all(
        np.allclose(a, b, rtol=tol, atol=tol * np.abs(a).max(initial=0.0), equal_nan=True)
        for a, b in zip(left, right, strict=True)
    )


def _numbers(result) -> list[np.ndarray] | None:
    """The arrays of a result, or None if it is of another kind."""
    if isinstance(result, (tuple, list)):
        rows = [_numbers(part) for part in result]
        return None if None in rows else [array for row in rows for array in row]
    if hasattr(result, "detach"):
        result = result.detach().cpu().numpy()
    array = np.asarray(result) if isinstance(result, (np.ndarray, np.number, int, float)) else None
    return None if array is None or array.dtype.kind not in "fiub" else [array]
