"""Whose line it was: an exception, as a sentence about the learner's code."""

import dis
import inspect
import os
import re
import sysconfig
import traceback
import types
from collections.abc import Callable, Iterator
from pathlib import Path

_HELPERS = str(Path(__file__).parents[1]) + os.sep
_INSTALLED = tuple({sysconfig.get_path(name) for name in ("stdlib", "purelib", "platlib")})


def raised(error: BaseException) -> str:
    """`ValueError: no`, and for some messages of Python what they mean."""
    text = f"{type(error).__name__}: {error}".rstrip(": ")
    if isinstance(error, ValueError) and str(error).startswith("too many values to unpack"):
        text += ". More values stand on the right of `=` than names on the left: pick by index"
    if isinstance(error, RuntimeError) and "same dtype" in str(error):
        text += ". New tensors are float32; dtype=x.dtype makes them like x"
    return text


Place = tuple[types.FrameType, int]


def learners_frame(
    error: BaseException, answer: Callable, check: types.CodeType | None = None
) -> Place | None:
    """The innermost frame and line of the learner's that an error passed through, or None.

    The answer itself comes first, with the classes and functions written inside it; failing that,
    other code that is neither the course's nor installed.
    check: the code of a check whose own errors are not the learner's.
    """
    own = {code for root in _roots(answer) for code in codes(root)}
    frames = [*traceback.walk_tb(error.__traceback__)]
    for frame, line in reversed(frames):
        if frame.f_code in own:
            return frame, line
    for frame, line in reversed(frames):
        if is_learners(frame.f_code) and frame.f_code is not check:
            return frame, line
    return None


def place(error: BaseException, answer: Callable, found: Place) -> str:
    """` (line 3 of your function)`, or of a method, with the shapes that met there."""
    frame, line = found
    roots = _roots(answer)
    code = next((root for root in roots if frame.f_code in set(codes(root))), frame.f_code)
    name = roots.get(code, code.co_name)
    return f" (line {line - code.co_firstlineno + 1} of your {name}{_shapes(error, frame, line)})"


def _roots(answer: Callable) -> dict[types.CodeType, str]:
    """The code of a function, or of every method of a class, with what to call it."""
    if isinstance(answer, type):
        return {function.__code__: function.__name__ for function in methods(answer)}
    code = getattr(answer, "__code__", None)
    return {} if code is None else {code: "function"}


def methods(answer: type) -> Iterator[types.FunctionType]:
    """The functions that the learner wrote in a class and its bases; also behind properties."""
    for value in (value for part in answer.__mro__ for value in vars(part).values()):
        hidden = ("fget", "fset", "fdel", "func", "__func__")
        for function in (value, *(getattr(value, name, None) for name in hidden)):
            function = inspect.unwrap(function) if callable(function) else None
            if isinstance(function, types.FunctionType) and is_learners(function.__code__):
                yield function


# A body of `...` or `pass`, perhaps with a docstring.
_IDLE = {"RESUME", "LOAD_CONST", "RETURN_VALUE", "RETURN_CONST", "NOP"}


def is_idle(code: types.CodeType | None) -> bool:
    """Whether code is there and does nothing: somebody has still to write it."""
    return code is not None and all(s.opname in _IDLE for s in dis.get_instructions(code))


def codes(code: types.CodeType | None) -> Iterator[types.CodeType]:
    """A code object and those of all functions and classes written inside it."""
    if code is not None:
        yield code
        for constant in code.co_consts:
            if isinstance(constant, types.CodeType):
                yield from codes(constant)


def is_learners(code: types.CodeType) -> bool:
    """Whether code was written neither by the course nor by those who wrote what is installed."""
    return not code.co_filename.startswith((_HELPERS, *_INSTALLED, "<frozen", "<__array"))


def is_raised_by_code(error: KeyboardInterrupt) -> bool:
    """Whether `raise KeyboardInterrupt` made it. A Ctrl-C comes while something else is done."""
    trace = error.__traceback__
    while trace.tb_next is not None:
        trace = trace.tb_next
    steps = dis.get_instructions(trace.tb_frame.f_code)
    at = next(step for step in steps if step.offset == trace.tb_lasti)
    return at.opname == "RAISE_VARARGS" and at.arg > 0  # a bare `raise` hands on what it caught


_ABOUT_SHAPES = re.compile(r"shape|size|dimension|broadcast|multiplied|index", re.IGNORECASE)


def _shapes(error: BaseException, frame: types.FrameType, line: int) -> str:
    """`; there x has shape (6, 4), gamma (6,)` for errors that are about shapes."""
    if not _ABOUT_SHAPES.search(str(error)):
        return ""
    met, value, name = {}, None, ""
    for step in dis.get_instructions(frame.f_code):
        if step.positions is None or step.positions.lineno != line:
            continue
        for read in _names_read(step):
            if step.opname.startswith("LOAD_ATTR"):
                # Only what lies in the object itself or in a module's parameters: nothing is run.
                name, value = f"{name}.{read}", _attribute(value, read)
            else:
                name, value = read, frame.f_locals.get(read, frame.f_globals.get(read))
            shape = getattr(value, "shape", None)
            if isinstance(shape, tuple):
                met[name] = tuple(shape)
    listed = ", ".join(f"{name} {shape}" for name, shape in met.items())
    return f"; shapes there: {listed}" if met else ""


_READS = ("LOAD_FAST", "LOAD_DEREF", "LOAD_NAME", "LOAD_GLOBAL", "LOAD_ATTR")


def _names_read(step: dis.Instruction) -> tuple[str, ...]:
    """The variables that an instruction reads; some read two."""
    if not step.opname.startswith(_READS):
        return ()
    return step.argval if isinstance(step.argval, tuple) else (step.argval,)


def _attribute(value, name: str):
    held = getattr(value, "__dict__", {})
    for place in (held, held.get("_parameters"), held.get("_buffers")):
        if place and name in place:
            return place[name]
    return None
