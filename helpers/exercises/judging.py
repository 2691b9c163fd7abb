"""One answer to one exercise: the conversation with its checks, and the verdict."""

import contextlib
import copy
import dis
import inspect
import sys
from collections.abc import Callable, Generator
from typing import NamedTuple

from helpers.exercises import arguments, blame, doubts, results, surroundings, values


class Verdict(NamedTuple):
    """What the judge says: a status, a message for the learner, and the check that failed.

    `blamed` is EVERY_EXERCISE where the checks passed and a question to all answers failed.
    """

    status: str  # "todo" | "fail" | "pass"
    message: str
    blamed: str | None = None


EVERY_EXERCISE = "every_exercise"


class AnswerFailedError(Exception):
    """The call of the learner's function went wrong, whatever the check was about."""


class RefusedError(AnswerFailedError):
    """The learner's function raised an error that says: not these arguments."""


class NothingReturnedError(AnswerFailedError):
    """The learner's function returned None or `...`."""


def examine(subject, answer: Callable) -> Verdict:
    """Run every check of an exercise on an answer, in order, until one fails.

    The verdict does not depend on settings that somebody has changed before, and none of them
    stays changed by the answer. Whatever the answer raises is a failure; only the learner's own
    Ctrl-C gets out of here.
    """
    own = sys.modules[subject.reference.__module__]
    with surroundings.known(own, values) as around:
        return _Judgement(subject, answer, around).verdict()


class _Judgement:
    def __init__(self, subject, answer: Callable, around: surroundings.Surroundings):
        self.subject, self.answer, self.around = subject, answer, around
        self.example = subject.example  # before any check, as it calls the reference
        self.new = doubts.as_new(answer)
        self.answered = False
        self.first: doubts.Request | None = None
        self.last: doubts.Request | None = None

    def verdict(self) -> Verdict:
        """What the checks say, and then the questions to every answer."""
        verdict = self.verdict_of_checks()
        if replaced := self.around.replaced():  # then nothing else that was found is sure
            said = f"✗ Your function must not do this: {replaced}"
            return Verdict("fail", said, verdict.blamed or EVERY_EXERCISE)
        if verdict.status == "pass" and (says := self.doubt()):
            done = verdict.message.removeprefix("✓ ")
            return Verdict("fail", f"✗ {done}, but {says}", EVERY_EXERCISE)
        return verdict

    def verdict_of_checks(self) -> Verdict:
        checks = self.subject.checks
        for number, (name, check) in enumerate(checks.items(), start=1):
            try:
                self.converse(check, self.answer)
                continue
            except NothingReturnedError as nothing:
                if not self.answered:
                    return Verdict("todo", f"○ not attempted yet{_no_return(self.answer)}")
                message = f"✗ {nothing}"
            except AnswerFailedError as failure:
                if isinstance(failure, RefusedError) and name in self.subject.may_be_refused:
                    continue
                message = f"✗ {failure}"
            except AssertionError as wrong:
                goal = " ".join(check.__doc__.split())
                message = f"✗ {goal}\n  {self.better_reason(check, wrong) or wrong}"
            if number > 1:
                message += f"\n  ({number - 1} of {len(checks)} checks passed before this one)"
            return Verdict("fail", message, name)
        plural = "s" if len(checks) > 1 else ""
        return Verdict("pass", f"✓ all {len(checks)} check{plural} passed")

    def converse(self, check, answer: Callable) -> None:
        """Hold one conversation with a check. Raises AssertionError or AnswerFailedError."""
        conversation = check()
        request = next(conversation)
        self.first = self.first or request
        while request is not None:
            self.last = request
            request = self.reply(conversation, self.call(answer, request))

    def call(self, function: Callable, request: doubts.Request):
        """The result of a function for fresh copies of a request, in the form checks expect."""
        args, kwargs = copy.deepcopy(request)
        before = self.around.settings()
        try:
            result = function(*args, **kwargs)
        except BaseException as error:
            self.let_go(error)
            refused = isinstance(error, (TypeError, ValueError, RuntimeError))
            kind = RefusedError if refused else AnswerFailedError
            raise kind(f"Your function raised {self.told(error)}") from error
        finally:
            left_behind = self.around.left_behind(before)
        if left_behind:
            raise AnswerFailedError(f"Your function must not do this: {left_behind}")
        if result is None or result is Ellipsis:
            raise NothingReturnedError(
                f"For {_described(self.subject, request)} your function returns nothing: it "
                "reaches its end without a `return`. Is one missing, or is it inside an `if`?"
            )
        self.answered = True
        if changed := self.changed((args, kwargs), request):
            raise AnswerFailedError(f"Your function changed {changed}")
        return results.canonical(result, self.example, self.subject.names_of_parts)

    def reply(self, conversation: Generator, result) -> doubts.Request | None:
        """The next request of a check that gets a result; None at its end.

        A result may hold code of the learner's, a layer's `forward`: its errors are the learner's.
        """
        before = self.around.settings()
        try:
            return conversation.send(result)
        except StopIteration:
            return None
        except BaseException as error:
            self.let_go(error)
            if guilty := blame.learners_frame(error, self.answer, conversation.gi_code):
                what = "layer" if hasattr(result, "forward") else guilty[0].f_code.co_name
                told = blame.raised(error) + blame.place(error, self.answer, guilty)
                raise AnswerFailedError(f"Your {what} raised {told}") from error
            if isinstance(error, AssertionError):
                raise
            problem = f"the result cannot be used ({blame.raised(error)})"
            raise AssertionError(problem) from error
        finally:
            if says := self.around.left_behind(before):
                raise AnswerFailedError(f"Your function must not do this: {says}") from None

    def let_go(self, error: BaseException) -> None:
        """Raise an error again if it is the learner's Ctrl-C, not the answer's doing."""
        if isinstance(error, KeyboardInterrupt) and not blame.is_raised_by_code(error):
            raise error

    def told(self, error: BaseException) -> str:
        """An error inside a call, with its place in the learner's code."""
        text = blame.raised(error)
        if guilty := blame.learners_frame(error, self.answer):
            return text + blame.place(error, self.answer, guilty)
        if isinstance(error, TypeError):
            wanted = inspect.signature(self.subject.reference)
            text += f" (it must take the arguments that the notebook gave it: {wanted})"
        return text

    def changed(self, now: doubts.Request, before: doubts.Request) -> str:
        """What was changed of the arguments that have to stay what they were, or nothing."""
        reference = self.subject.reference
        has_to_stay = arguments.named(reference, *before)
        for name in self.subject.may_change:
            has_to_stay.pop(name, None)
        return arguments.changed(arguments.named(reference, *now), has_to_stay)

    # Questions to every answer, whose errors do not count.

    def ask(self, function: Callable, request: doubts.Request):
        """The result of a function, or None if there is none."""
        with contextlib.suppress(AssertionError, AnswerFailedError):
            return self.call(function, request)
        return None

    def can_ask_again(self, request: doubts.Request) -> bool:
        """Whether the same request has to give the same numbers again."""
        return not self.subject.may_draw and doubts.can_ask_again(self.example, request)

    def better_reason(self, check, wrong: AssertionError) -> str:
        """Why a check failed, if asking the function again tells more than the check can."""
        reference, request = self.subject.reference, self.last
        for name, own, right in doubts.other_defaults(reference, self.answer):
            if name in doubts.left_out(reference, request) and self.passes(check, {name: right}):
                return doubts.says_default(name, own, right)
        if not self.can_ask_again(request):
            return ""
        if says := doubts.remembers(self.answer, self.new, request, self.ask):
            return says
        if isinstance(wrong, values.Slip):
            return ""
        return doubts.unused(reference, self.answer, request, self.ask)

    def passes(self, check, given: dict) -> bool:
        """Whether a check passes if the answer is given some arguments more."""

        def filled(*args, **kwargs):
            return self.answer(*args, **{**given, **kwargs})

        with contextlib.suppress(AssertionError, AnswerFailedError):
            self.converse(check, filled)
            return True
        return False

    def doubt(self) -> str:
        """What is wrong with an answer that passed all checks, or nothing."""
        reference, request = self.subject.reference, self.first
        if not self.can_ask_again(request):
            wrong = next(doubts.other_defaults(reference, self.answer), None)
            return doubts.says_default(*wrong) if wrong else ""
        return (
            doubts.ignores_default(reference, self.answer, request, self.ask)
            or doubts.unused(reference, self.answer, request, self.ask)
            or doubts.remembers(self.answer, self.new, doubts.unseen(request), self.ask)
        )


def _no_return(answer: Callable) -> str:
    """What to say about a function that returned nothing, unless it is still blank."""
    code = getattr(answer, "__code__", None)
    if code is not None and all(step.opname in _IDLE for step in dis.get_instructions(code)):
        return ""
    if code is not None and "print" in code.co_names:
        return ": your function returned nothing. `print` shows a value, `return` hands it over"
    return ": your function returned nothing. If you wrote it, is the `return` missing?"


# A body of `...`, perhaps with a docstring.
_IDLE = {"RESUME", "LOAD_CONST", "RETURN_VALUE", "RETURN_CONST", "NOP"}


def _described(subject, request: doubts.Request) -> str:
    """`x of shape (3, 5)` or `steps=4`: the first argument with a shape, or the first number."""
    given = arguments.named(subject.reference, *request)
    for name, value in given.items():
        if getattr(value, "shape", None):
            return f"{name} of shape {tuple(value.shape)}"
    numbers = [f"{name}={v}" for name, v in given.items() if isinstance(v, (int, float, str))]
    return ", ".join(numbers) or "this request"
