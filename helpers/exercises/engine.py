"""Exercises and how an answer is judged.

An exercise is a reference function, hints from vague to plain, and named checks. A check is a
generator: it yields `(args, kwargs)` for the learner's function, receives the result, and asserts
about it. It never touches the function itself, so the same checks can judge code run elsewhere.
"""

import copy
import dis
import inspect
import traceback
from collections.abc import Callable, Generator
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np

Check = Callable[[], Generator[tuple[tuple, dict], Any, None]]

EXERCISES: dict[str, "Exercise"] = {}
PREDICTIONS: dict[str, "Prediction"] = {}


@dataclass
class Exercise:
    """A function that the learner writes; calling the exercise calls its reference.

    bug: what the notebook starts with, if it is code to repair instead of a blank.
    """

    reference: Callable
    hints: tuple[str, ...]
    checks: dict[str, Check] = field(default_factory=dict)
    bug: Callable | None = None

    @property
    def name(self) -> str:
        return self.reference.__name__

    @property
    def notebook(self) -> str:
        """The notebook's name without its number: `forward` for `02_forward.ipynb`."""
        return _notebook(self.reference.__module__)

    def __call__(self, *args, **kwargs):
        return self.reference(*args, **kwargs)

    def expect(self, check: Check) -> Check:
        """Register a check. Its docstring is the sentence that the learner reads."""
        if not check.__doc__:
            raise ValueError(f"check {check.__name__} of {self.name} needs a docstring")
        self.checks[check.__name__] = check
        return check

    def starts_as(self, bug: Callable) -> Callable:
        """Register the code that the notebook asks to repair; one of the checks must blame it."""
        self.bug = bug
        return bug

    def source(self) -> str:
        """The source of the reference, without the decorator that registers it."""
        source = inspect.getsource(self.reference)
        return source[source.index(f"def {self.name}(") :].rstrip()


@dataclass(frozen=True)
class Prediction:
    """A multiple-choice question, asked before the experiment that answers it."""

    name: str
    notebook: str
    right: str
    explanations: dict[str, str]


def _notebook(module: str) -> str:
    """`bug_clinic` for the modules `helpers.exercises.bug_clinic` and those inside it."""
    return module.removeprefix("helpers.exercises.").partition(".")[0]


def exercise(*hints: str) -> Callable[[Callable], Exercise]:
    """Make a reference function an exercise; the function's own name is its key."""

    def register(reference: Callable) -> Exercise:
        new = Exercise(reference, hints)
        known = EXERCISES.get(new.name)
        if known is not None and known.notebook != new.notebook:
            raise ValueError(f"two exercises are called {new.name}: names must be unique")
        EXERCISES[new.name] = new
        return new

    return register


def prediction(name: str, *, right: str, **explanations: str) -> None:
    """Register a question: the right choice, and why each choice is right or wrong."""
    if right not in explanations:
        raise ValueError(f"prediction {name}: {right!r} is right but not among {[*explanations]}")
    module = inspect.currentframe().f_back.f_globals["__name__"]
    PREDICTIONS[name] = Prediction(name, _notebook(module), right, explanations)


class Verdict(NamedTuple):
    """What the judge says: a status, a message for the learner, and the check that failed."""

    status: str  # "todo" | "fail" | "pass"
    message: str
    blamed: str | None = None


class _AnswerFailed(Exception):
    """The call of the learner's function went wrong, whatever the check was about."""


class _NothingReturned(_AnswerFailed):
    """The learner's function returned None or `...`."""


def examine(subject: Exercise, answer: Callable) -> Verdict:
    """Run every check of an exercise on an answer, in order, until one fails."""
    for number, (name, check) in enumerate(subject.checks.items(), start=1):
        try:
            _run(check, answer)
            continue
        except _NothingReturned as nothing:
            if number == 1:
                return Verdict(
                    "todo", f"○ not attempted yet{'' if _is_blank(answer) else _NO_RETURN}"
                )
            message = f"✗ {nothing}"
        except _AnswerFailed as failure:
            message = f"✗ {failure}"
        except AssertionError as wrong:
            goal = " ".join(check.__doc__.split())
            message = f"✗ {goal}\n  {wrong}"
        if number > 1:
            message += f"\n  ({number - 1} of {len(subject.checks)} checks passed before this one)"
        return Verdict("fail", message, name)
    plural = "s" if len(subject.checks) > 1 else ""
    return Verdict("pass", f"✓ all {len(subject.checks)} check{plural} passed")


_NO_RETURN = ": your function returned nothing. If you wrote it, is the `return` missing?"


def _is_blank(answer: Callable) -> bool:
    """Whether a function does nothing but return None: a body of `...`, perhaps a docstring."""
    idle = {"RESUME", "LOAD_CONST", "RETURN_VALUE", "RETURN_CONST", "NOP"}
    code = getattr(answer, "__code__", None)
    return code is not None and all(step.opname in idle for step in dis.get_instructions(code))


def _run(check: Check, answer: Callable) -> None:
    """Hold one conversation with a check. Raises AssertionError or _AnswerFailed."""
    conversation = check()
    request = next(conversation)
    while True:
        args, kwargs = copy.deepcopy(request)
        result = _call(answer, args, kwargs)
        if result is None or result is Ellipsis:
            raise _NothingReturned("your function returned nothing here: is a `return` missing?")
        if not _equal((args, kwargs), request):
            raise _AnswerFailed(
                "Your function changed its arguments in place; work on a copy "
                "(`x = x - mu` makes a new array, `x -= mu` does not)."
            )
        try:
            # Numpy's warnings about a learner's NaN would only bury the message.
            with np.errstate(all="ignore"):
                request = conversation.send(result)
        except StopIteration:
            return
        except AssertionError:
            raise
        except Exception as error:
            problem = f"the result cannot be used ({type(error).__name__}: {error})"
            raise AssertionError(problem) from error


def _call(answer: Callable, args: tuple, kwargs: dict):
    try:
        return answer(*args, **kwargs)
    except (Exception, SystemExit) as error:
        where = ""
        code = getattr(answer, "__code__", None)
        for frame, line in traceback.walk_tb(error.__traceback__):
            if frame.f_code is code:
                where = f" (line {line - code.co_firstlineno + 1} of your function)"
        if code is not None and not where and isinstance(error, TypeError):
            where = " (it must take the arguments that the notebook gave it)"
        raised = f"{type(error).__name__}: {error}".rstrip(": ")
        raise _AnswerFailed(f"Your function raised {raised}{where}") from error


def _equal(left, right) -> bool:
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
        return len(left) == len(right) and all(map(_equal, left, right))
    if isinstance(left, dict):
        return left.keys() == right.keys() and all(_equal(left[k], right[k]) for k in left)
    # Other arguments (generators, functions) carry state that calling them may change.
    return True


# What checks assert with. Messages say what is wrong, where, and by how much.


def same(actual, expected, what: str, tol: float = 1e-9) -> None:
    """Assert that an array (or number) equals the expected one, relative to its largest entry.

    Raises AssertionError naming the worst entry, its value, the expected value and the difference.
    """
    actual = array_like(actual, what, shape=np.shape(expected))
    dtype = actual.dtype
    actual, expected = np.asarray(actual, float), np.asarray(expected, float)
    finite = np.isfinite(actual) | ~np.isfinite(expected)
    if not finite.all():
        spot = np.unravel_index(np.argmin(finite), actual.shape)
        raise AssertionError(f"{what}{_index(spot)} is {actual[spot]}")
    error = np.abs(actual - expected)
    scale = max(1.0, float(np.max(np.abs(expected), initial=0.0)))
    wrong = error > tol * scale
    if wrong.any():
        spot = np.unravel_index(np.argmax(error), actual.shape)
        share = f"; {wrong.sum()} of {wrong.size} entries are off" if wrong.size > 1 else ""
        if dtype in (np.float16, np.float32) and error.max() <= 1e3 * np.finfo(dtype).eps * scale:
            share += f". {dtype} keeps too few digits: stay in float64, as the arguments are"
        for digits in (6, 9, 12, 17):  # as many as it takes to see the difference
            got, wanted = f"{actual[spot]:.{digits}g}", f"{expected[spot]:.{digits}g}"
            if got != wanted:
                break
        raise AssertionError(
            f"{what}{_index(spot)} is {got}, expected {wanted} (off by {error[spot]:.2g}){share}"
        )


def slip(actual, wrong, says: str, tol: float = 1e-9) -> None:
    """Assert that a result is not what a well-known mistake gives; `says` names the mistake."""
    actual, wrong = np.asarray(actual), np.asarray(wrong)
    if actual.shape == wrong.shape and np.allclose(actual, wrong, rtol=tol, atol=1e-3 * tol):
        raise AssertionError(says)


def slip_whole(actual, right) -> None:
    """Assert that a result was not cut to whole numbers where the right one has fractions."""
    dtype = np.asarray(actual).dtype
    if dtype.kind in "iu" and (np.asarray(right) % 1).any():
        raise AssertionError(
            f"your result holds whole numbers only ({dtype}), the fractions are lost: // cuts them "
            "off, and np.zeros_like(x), np.empty_like(x) and x.copy() keep the type of x; "
            "np.zeros(x.shape) and x.astype(float) hold fractions"
        )


def array_like(value, what: str, shape: tuple[int, ...] | None = None) -> np.ndarray:
    """Return a numeric result as an array, or assert what it should have been."""
    if hasattr(value, "detach"):  # a tensor, perhaps with a graph
        value = value.detach().cpu()
    try:
        array = np.asarray(value)
    except ValueError:
        array = None
    fits = array is not None and array.dtype.kind in "fiub" and shape in (None, array.shape)
    if not fits and isinstance(value, tuple) and any(isinstance(v, np.ndarray) for v in value):
        raise AssertionError(f"{what} is a tuple of {len(value)}, expected one array alone")
    if array is None:
        raise AssertionError(f"{what} is not an array of numbers")
    if array.dtype.kind not in "fiub":
        got = f"of dtype {array.dtype}" if isinstance(value, np.ndarray) else type(value).__name__
        raise AssertionError(f"{what} is {got}, not an array of numbers")
    if not fits:
        got = f"has shape {array.shape}" if array.shape else "is a single number"
        wanted = (shape if array.shape else f"shape {shape}") if shape else "a single number"
        raise AssertionError(f"{what} {got}, expected {wanted}")
    return array


def parts(result, *names: str) -> tuple:
    """Return a result that must be a tuple with one part per name, in that order."""
    if not isinstance(result, (tuple, list)) or len(result) != len(names):
        got = f"{len(result)} values" if isinstance(result, (tuple, list)) else "one value"
        raise AssertionError(f"return {len(names)} values, ({', '.join(names)}); got {got}")
    return tuple(result)


def _index(spot: tuple[int, ...]) -> str:
    return f"[{', '.join(map(str, spot))}]" if spot else ""
