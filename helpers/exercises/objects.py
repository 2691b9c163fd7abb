"""Objects of a class that the learner writes, as checks see them."""

import copy
import functools
import types
from typing import Any

import numpy as np

from helpers.exercises import arguments, blame
from helpers.exercises.failures import NotWrittenError

_MISSING = object()


class Judged:
    """An object of the learner's class: checks call its methods, read and set its attributes.

    Every call is judged as that of a function is. An object of the reference is told the same:
    what it returns has the form that the learner's result must have. Arrays are copied on their
    way in and out, so that nothing that a check holds changes later on.
    """

    def __init__(self, made: object, twin: object, judgement):
        vars(self).update(_made=made, _twin=twin, _judgement=judgement)
        vars(self).update(_after="__init__", _given=[])

    def __getattr__(self, name: str) -> Any:
        if callable(getattr(type(self._twin), name, None)):
            return functools.partial(self._call, name)
        value = self._read(name)
        if value is _MISSING:
            raise AssertionError(f"after `{self._after}` there is no `self.{name}`")
        return value.copy() if isinstance(value, np.ndarray) else value

    def __setattr__(self, name: str, value) -> None:
        self._change(f"`layer.{name} = ...`", lambda owner, new: setattr(owner, name, new), value)

    def subtract(self, name: str, step: np.ndarray) -> None:
        """Change an attribute as optimizers do: `layer.gamma -= step`."""

        def in_place(owner, step):
            value = getattr(owner, name)
            value -= step
            setattr(owner, name, value)

        self._change(f"`layer.{name} -= ...`", in_place, step)

    def _change(self, what: str, change, value) -> None:
        change(self._twin, copy.deepcopy(value))
        value = copy.deepcopy(value)
        self._judgement.run(lambda: change(self._made, value), change, what)

    def _read(self, name: str) -> Any:
        """An attribute of the learner's object, or _MISSING."""

        def read():
            try:
                return getattr(self._made, name)
            except AttributeError as error:
                if blame.learners_frame(error, type(self._made)):  # from inside a property
                    raise
                return _MISSING

        return self._judgement.run(read, read, name)

    def _call(self, name: str, *args) -> Any:
        method, twin = self._read(name), getattr(self._twin, name)
        if method is _MISSING:
            raise NotWrittenError(f"there is no method `{name}` yet")
        if not callable(method):
            raise AssertionError(
                f"`{name}` is no method here but {type(method).__name__}: `self.{name} = ...` "
                "hides the method of this name. Give the attribute another one"
            )
        if blame.is_idle(getattr(method, "__code__", None)):
            raise NotWrittenError(f"`{name}` is still blank")

        @functools.wraps(method)
        def noted(*copies):
            self._given.append((name, twin, copies, args))
            return method(*copies)

        vars(self)["_after"] = name
        result = self._judgement.result(noted, (args, {}), twin, self._form(twin, args), name)
        self._has_left_alone(name)
        return result

    @staticmethod
    def _form(twin, args: tuple) -> Any:
        """What the reference returns for the same; None if it refuses."""
        try:
            return twin(*copy.deepcopy(args))
        except ValueError:
            return None

    def _has_left_alone(self, name: str) -> None:
        """Assert that what earlier calls were given is unchanged: the object may have kept it."""
        for earlier, twin, now, before in self._given:
            for argument, left, right in zip(arguments.parameters(twin), now, before, strict=False):
                if not arguments.equal(left, right):
                    raise AssertionError(
                        f"`{name}` changed in place the {argument} that `{earlier}` was given, "
                        "which belongs to the caller. Work on a copy"
                    )


def no_class(answer, name: str) -> str:
    """What to say about an answer that is no class, or nothing."""
    if isinstance(answer, type):
        return ""
    if type(answer).__name__ == name:
        return f"this is an object that {name}(...) made. Pass the class itself: check({name})"
    kind = "a function" if isinstance(answer, types.FunctionType) else type(answer).__name__
    return f"{name} has to be a class, `class {name}:` with its methods inside; this is {kind}"


def is_blank(answer: type, reference: type) -> bool:
    """Whether none of the reference's methods has been written yet."""
    wanted = {name for name, value in vars(reference).items() if callable(value)}
    found = (
        (part, getattr(vars(part).get(name), "__code__", None))
        for part in answer.__mro__
        for name in wanted
    )
    return not any(
        code is not None and not blame.is_idle(code)
        for part, code in found
        if part is answer or (code is not None and blame.is_learners(code))
    )
