"""Exercises and how an answer is judged.

An exercise is a reference function, hints from vague to plain, and named checks. A check is a
generator: it yields `(args, kwargs)` for the learner's function, receives the result, and asserts
about it. It never touches the function itself, so the same checks can judge code run elsewhere.

The reference can also be a class. Then a check yields what an object is made with, and receives an
`objects.Judged`: each of its methods is judged as a function is.
"""

import copy
import inspect
import re
from collections.abc import Callable, Generator
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from helpers.exercises.judging import EVERY_EXERCISE, Verdict, examine
from helpers.exercises.questions import (
    matching,
    notebook_of,
    number,
    order,
    prediction,
    word,
)
from helpers.exercises.values import array_like, parts, same, same_of_whole, slip

__all__ = [
    "EVERY_EXERCISE",
    "EXERCISES",
    "Exercise",
    "Verdict",
    "array_like",
    "examine",
    "exercise",
    "matching",
    "number",
    "order",
    "parts",
    "prediction",
    "same",
    "same_of_whole",
    "slip",
    "word",
]

Check = Callable[[], Generator[tuple[tuple, dict], Any, None]]

EXERCISES: dict[str, "Exercise"] = {}


@dataclass
class Exercise:
    """A function or class that the learner writes; calling the exercise calls its reference.

    bug: what the notebook starts with, if it is code to repair instead of a blank.
    may_change: the names of arguments that an answer may change in place.
    may_be_refused: the names of checks in which an answer may raise an error.
    may_draw: whether an answer may draw at random, so that two calls differ a little.
    """

    reference: Callable
    hints: tuple[str, ...]
    checks: dict[str, Check] = field(default_factory=dict)
    bug: Callable | None = None
    may_change: tuple[str, ...] = ()
    may_be_refused: set[str] = field(default_factory=set)
    may_draw: bool = False

    @property
    def name(self) -> str:
        return self.reference.__name__

    @property
    def notebook(self) -> str:
        """The notebook's name, without its number: `forward`."""
        return notebook_of(self.reference.__module__)

    def __call__(self, *args, **kwargs):
        return self.reference(*args, **kwargs)

    def expect(self, check: Check) -> Check:
        """Register a check. Its docstring is the sentence that the learner reads."""
        if not check.__doc__:
            raise ValueError(f"check {check.__name__} of {self.name} needs a docstring")
        self.checks[check.__name__] = check
        return check

    def expect_or_refuse(self, check: Check) -> Check:
        """Register a check whose requests an answer may refuse, by raising an error of its own.

        Not every right answer takes whole numbers or a batch of one: PyTorch takes neither. What
        may not happen is that it gives a wrong result without a word.
        """
        self.may_be_refused.add(check.__name__)
        return self.expect(check)

    def starts_as(self, bug: Callable) -> Callable:
        """Register the code that the notebook asks to repair; one of the checks must blame it."""
        self.bug = bug
        return bug

    @cached_property
    def example(self):
        """What the reference returns for the first request: the form of every result."""
        args, kwargs = copy.deepcopy(next(next(iter(self.checks.values()))()))
        return self.reference(*args, **kwargs)

    def source(self) -> str:
        """The source of the reference, without the decorator that registers it."""
        source = inspect.getsource(self.reference)
        start = re.search(rf"^(def|class) {self.name}\b", source, re.MULTILINE).start()
        return source[start:].rstrip()


def exercise(
    *hints: str, may_change: tuple[str, ...] = (), may_draw: bool = False
) -> Callable[[Callable], Exercise]:
    """Make a reference function or class an exercise; its own name is its key.

    may_change: the names of arguments that an answer may change in place, a model to train, say.
    may_draw: whether an answer may draw at random; its checks have to bear that.
    """

    def register(reference: Callable) -> Exercise:
        new = Exercise(reference, hints, may_change=may_change, may_draw=may_draw)
        known = EXERCISES.get(new.name)
        if known is not None and known.notebook != new.notebook:
            raise ValueError(f"two exercises are called {new.name}: names must be unique")
        EXERCISES[new.name] = new
        return new

    return register
