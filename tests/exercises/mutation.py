"""Mutation of an exercise's reference: every small change of it is an answer that must fail.

A change is named by the line it touches, `before -> after`; what `after` has in common with the
line before is left out at its start: `return a + b -> … a - b`.
"""

import ast
import inspect
import sys
import textwrap
import warnings
from collections.abc import Callable
from itertools import takewhile
from unittest import mock

from changes import changes

from helpers.exercises import judging
from helpers.exercises.engine import Exercise, examine


class EndlessLoop(Exception):
    """A mutant has gone round many times as often as the reference does."""


def survivors(subject: Exercise) -> list[str]:
    """The changes of an exercise's reference that its checks let pass, by `before -> after`."""
    reference = subject.reference
    definition = ast.parse(textwrap.dedent(inspect.getsource(reference))).body[0]
    definition.decorator_list.clear()
    source = ast.unparse(definition)
    # Whether a mutant fails is all that counts, not the best sentence about it.
    untold = mock.patch.object(judging._Judgement, "better_reason", return_value="")
    with untold, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # those of a mutant's NaN
        rounds = _Rounds(limit=10**6)
        if examine(subject, _function(reference, source, rounds)).status != "pass":
            raise AssertionError(f"the reference of {subject.name} itself does not pass")
        limit = 10 * rounds.count + 1000
        return [
            _named(before, after)
            for before, after, mutated in changes(source, _first_request(subject))
            if examine(subject, _function(reference, mutated, _Rounds(limit))).status == "pass"
        ]


def _first_request(subject: Exercise) -> dict:
    """The arguments of the first call that the first check asks for, defaults included."""
    args, kwargs = next(next(iter(subject.checks.values()))())
    bound = inspect.signature(subject.reference).bind(*args, **kwargs)
    bound.apply_defaults()
    return bound.arguments


def _named(before: str, after: str) -> str:
    old, new = before.split(" "), after.split(" ")
    alike = len([*takewhile(lambda pair: pair[0] == pair[1], zip(old, new, strict=False))])
    return " ".join([before, "->", *(["…"] if alike else []), *new[alike:]])


class _Rounds:
    """Counts how often loops go round. Raises EndlessLoop beyond the limit."""

    def __init__(self, limit: int):
        self.count, self.limit = 0, limit

    def __call__(self) -> None:
        self.count += 1
        if self.count > self.limit:
            raise EndlessLoop(f"more than {self.limit} rounds")


def _function(reference: Callable, source: str, rounds: _Rounds) -> Callable:
    """The function or class that a source defines, among the names that its reference sees."""
    tree = ast.parse(source)
    for loop in ast.walk(tree):
        if isinstance(loop, (ast.For, ast.While)):
            loop.body.insert(0, ast.parse("_rounds()").body[0])
    names = {**vars(sys.modules[reference.__module__]), "_rounds": rounds}
    exec(compile(tree, "<mutant>", "exec"), names)
    return names[reference.__name__]
