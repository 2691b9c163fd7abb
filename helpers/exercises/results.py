"""One form for every result, before a check sees it.

What an exercise returns is learned from its reference: an array, a number, a tensor, a tuple of
these. An answer may come as a tensor, as nested lists or as an array of the parts; it is converted
once, here, so that all checks accept the same, or refused with one sentence.
"""

import ast
import functools
import inspect
import textwrap
import types
from collections.abc import Callable

import numpy as np

from helpers.exercises.values import NotNumbersError, parts, plain


@functools.lru_cache
def names_of_parts(reference: Callable) -> tuple[str, ...]:
    """The names in the reference's last `return a, b`, or () if it does not return names."""
    try:
        tree = ast.parse(textwrap.dedent(inspect.getsource(reference)))
    except (OSError, SyntaxError, TypeError):
        return ()
    returned = [node.value for node in ast.walk(tree) if isinstance(node, ast.Return)]
    value = returned[-1] if returned else None
    found = value.elts if isinstance(value, ast.Tuple) else [value]
    return tuple(node.id for node in found) if all(isinstance(n, ast.Name) for n in found) else ()


def canonical(result, like, names: tuple[str, ...] = ()):
    """A result in the form of `like`, what the reference returned for some other arguments.

    Arrays and numbers lose a graph; tensors keep it, and arrays become tensors. What `like` has no
    form for (modules, dicts, texts, lists) stays as it is. Raises AssertionError with a sentence
    if there is no way.
    """
    refuse_unfinished(result, like)
    if isinstance(like, tuple):
        return _tuple(result, like, names)
    return _one(result, like, names[0] if len(names) == 1 else "the result")


def refuse_unfinished(result, like) -> None:
    """Raise AssertionError for what has not computed anything yet: a generator, a class."""
    if isinstance(result, types.GeneratorType):
        raise AssertionError(
            "your function contains `yield`: calling it computes nothing. Use `return`"
        )
    if isinstance(result, types.CoroutineType):
        result.close()
        raise AssertionError("your function is `async`: calling it computes nothing. Use `def`")
    name = getattr(result, "__name__", None)
    if name is None or callable(like) or not callable(result):
        return
    if isinstance(result, type):
        raise AssertionError(f"you return the class {name} itself; {name}(...) makes an instance")
    raise AssertionError(f"you return the function {name} itself; are brackets () missing?")


def _tuple(result, like: tuple, names: tuple[str, ...]) -> tuple:
    count = len(like)
    names = names if len(names) == count else tuple(f"part {i}" for i in range(1, count + 1))
    if isinstance(result, (map, zip, filter, dict)):
        kind = f"a {type(result).__name__}"
        raise AssertionError(f"return {count} values, ({', '.join(names)}); got {kind}")
    if hasattr(result, "shape") and not isinstance(like[0], (bool, str)):
        # One array with the parts along its first axis.
        stacked = len(result.shape) > 0 and len(result) == count
        if stacked and all(np.ndim(part) == len(result.shape) - 1 for part in like):
            result = tuple(result)
    result = parts(result, *names)
    return tuple(_one(*row) for row in zip(result, like, names, strict=True))


def _one(value, like, what: str):
    if isinstance(like, (bool, np.bool_)):
        return value
    if isinstance(like, np.ndarray):
        return _numbers(value, like, what)
    if isinstance(like, (int, float, np.number)):
        return value if isinstance(value, (int, float)) else _numbers(value, like, what)
    return _tensor(value, what, like.dim()) if hasattr(like, "detach") else value


def _numbers(value, like, what: str):
    expected = "array" if np.ndim(like) else "number"
    if value is None or value is Ellipsis:
        raise AssertionError(f"{what} is {value}, expected {_article(expected)}")
    if isinstance(value, str):
        raise AssertionError(f"{what} is the text {value!r}, expected {_article(expected)}")
    axes = max(1, np.ndim(like))  # rows of an array have an axis less than the array
    several = isinstance(value, tuple)
    if several and (not np.ndim(like) or any(len(getattr(p, "shape", ())) >= axes for p in value)):
        raise AssertionError(f"{what} is a tuple of {len(value)}, expected one {expected} alone")
    try:
        array = plain(value)
    except NotNumbersError as problem:
        raise AssertionError(f"{what} {problem}") from None
    if np.ndim(like):
        return array.copy()  # some functions fill the same array again in the next call
    if array.ndim:
        raise AssertionError(f"{what} has shape {array.shape}, expected a single number")
    return array[()]


def _tensor(value, what: str, axes: int):
    import torch  # the reference returned a tensor, so it has been imported already

    if isinstance(value, (list, tuple)) and any(map(torch.is_tensor, value)):
        if any(part.dim() >= max(1, axes) for part in value if torch.is_tensor(part)):
            got = f"a {type(value).__name__} of {len(value)}"
            raise AssertionError(f"{what} is {got}, expected one tensor alone")
        try:
            return torch.stack([_tensor(part, what, axes) for part in value])  # keeps the graph
        except RuntimeError as error:
            raise AssertionError(f"{what} is not a tensor: {error}") from None
    if torch.is_tensor(value):
        return value
    return torch.from_numpy(_numbers(value, np.empty((0,) * max(1, axes)), what))


def _article(noun: str) -> str:
    return f"an {noun}" if noun[0] in "aeiou" else f"a single {noun}"
