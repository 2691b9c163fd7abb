"""One answer to one exercise: the conversation with its checks, and the verdict."""

import contextlib
import copy
import inspect
import sys
from collections.abc import Callable, Generator
from typing import NamedTuple

from helpers.exercises import (
    arguments,
    blame,
    doubts,
    kept,
    objects,
    results,
    surroundings,
    values,
)
from helpers.exercises.failures import (
    AnswerFailedError,
    NothingReturnedError,
    RefusedError,
)


class Verdict(NamedTuple):
    """What the judge says: a status, a message for the learner, and the check that failed.

    `blamed` is EVERY_EXERCISE where the checks passed and a question to all answers failed.
    """

    status: str  # "todo" | "fail" | "pass"
    message: str
    blamed: str | None = None


EVERY_EXERCISE = "every_exercise"

# Errors by which a function says: not these arguments. `1 / (n - 1)` is among them for n = 1.
_REFUSALS = (TypeError, ValueError, RuntimeError, AssertionError, ZeroDivisionError)


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
        self.kept = kept.Kept(answer)
        self.noun = "class" if isinstance(subject.reference, type) else "function"
        self.answered = False
        self.first: doubts.Request | None = None
        self.last: doubts.Request | None = None

    def verdict(self) -> Verdict:
        """What the checks say, and then the questions to every answer."""
        if self.noun == "class":
            if says := objects.no_class(self.answer, self.subject.name):
                return Verdict("fail", f"✗ {says}", EVERY_EXERCISE)
            if objects.is_blank(self.answer, self.subject.reference):
                return Verdict("todo", "○ not attempted yet")
        verdict = self.verdict_of_checks()
        if replaced := self.around.replaced():  # then nothing else that was found is sure
            said = f"✗ Your {self.noun} must not do this: {replaced}"
            return Verdict("fail", said, verdict.blamed or EVERY_EXERCISE)
        if verdict.status == "pass" and (says := self.doubt()):
            done = verdict.message.removeprefix("✓ ")
            return Verdict("fail", f"✗ {done}, but {says}", EVERY_EXERCISE)
        return verdict

    def verdict_of_checks(self) -> Verdict:
        checks = self.subject.checks
        for number, (name, check) in enumerate(checks.items(), start=1):
            goal = " ".join(check.__doc__.split())
            try:
                self.converse(check, self.answer)
                continue
            except NothingReturnedError as nothing:
                if not self.answered:
                    return Verdict("todo", f"○ not attempted yet{nothing.note}")
                message = self.with_goal(goal, nothing)
            except AnswerFailedError as failure:
                if isinstance(failure, RefusedError) and name in self.subject.may_be_refused:
                    continue
                message = self.with_goal(goal, failure)
            except AssertionError as wrong:
                message = f"✗ {goal}\n  {self.better_reason(check, wrong) or wrong}"
            if number > 1:
                message += f"\n  ({number - 1} of {len(checks)} checks passed before this one)"
            return Verdict("fail", message, name)
        plural = "s" if len(checks) > 1 else ""
        return Verdict("pass", f"✓ all {len(checks)} check{plural} passed")

    def with_goal(self, goal: str, failure: AnswerFailedError) -> str:
        """What went wrong. Of a class the check tells at which step it did."""
        return f"✗ {goal}\n  {failure}" if self.noun == "class" else f"✗ {failure}"

    def converse(self, check, answer: Callable) -> None:
        """Hold one conversation with a check. Raises AssertionError or AnswerFailedError."""
        conversation = check()
        request = next(conversation)
        self.first = self.first or request
        with self.kept.put_back():
            while request is not None:
                self.last = request
                request = self.reply(conversation, self.call(answer, request))

    def call(self, function: Callable, request: doubts.Request):
        """The result of a function, or an object of a class, in the form that checks expect."""
        reference = self.subject.reference
        if self.noun == "function":
            return self.result(function, request, reference, self.example, self.noun)
        (args, kwargs), twins = copy.deepcopy(request), copy.deepcopy(request)
        made = self.run(lambda: function(*args, **kwargs), reference, "__init__")
        return objects.Judged(made, reference(*twins[0], **twins[1]), self)

    def result(self, function: Callable, request: doubts.Request, reference, like, what: str):
        """What a function or method returns for fresh copies of a request, in the form of `like`.

        `like` is what its reference returned, or None where there need not be a result.
        """
        args, kwargs = copy.deepcopy(request)
        result = self.run(lambda: function(*args, **kwargs), reference, what)
        if result is not None and result is not Ellipsis:
            self.answered = True
        elif like is not None:
            described = _described(reference, request)
            raise NothingReturnedError(
                f"For {described} your {what} returns nothing: it reaches its end without a "
                "`return`. Is one missing, or is it inside an `if`?",
                _no_return(function, what),
            )
        if changed := self.changed((args, kwargs), request, reference):
            raise AnswerFailedError(f"Your {what} changed {changed}")
        names = results.names_of_parts(getattr(reference, "__func__", reference))
        return results.canonical(result, like, names)

    def run(self, call: Callable, reference: Callable, what: str):
        """What a call of the learner's code returns.

        Raises AnswerFailedError for all that must not happen meanwhile; it says `what` was called,
        and which arguments the reference has.
        """
        before = self.around.settings()
        try:
            result = call()
        except BaseException as error:
            self.let_go(error)
            kind = RefusedError if isinstance(error, _REFUSALS) else AnswerFailedError
            raise kind(f"Your {what} raised {self.told(error, reference)}") from error
        finally:
            left_behind = self.around.left_behind(before)
        if left_behind:
            raise AnswerFailedError(f"Your {what} must not do this: {left_behind}")
        return result

    def reply(self, conversation: Generator, result) -> doubts.Request | None:
        """The next request of a check that gets a result; None at its end.

        A result may hold code of the learner's, a layer's `forward`: its errors are the learner's.
        """
        before = self.around.settings()
        try:
            return conversation.send(result)
        except StopIteration:
            return None
        except AnswerFailedError:
            raise
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
                raise AnswerFailedError(f"Your {self.noun} must not do this: {says}") from None

    def let_go(self, error: BaseException) -> None:
        """Raise an error again if it is the learner's Ctrl-C, not the answer's doing."""
        if isinstance(error, KeyboardInterrupt) and not blame.is_raised_by_code(error):
            raise error

    def told(self, error: BaseException, reference: Callable) -> str:
        """An error inside a call, with its place in the learner's code."""
        text = blame.raised(error)
        if guilty := blame.learners_frame(error, self.answer):
            return text + blame.place(error, self.answer, guilty)
        if isinstance(error, TypeError) and "argument" in str(error):
            written = reference.__init__ if isinstance(reference, type) else reference
            wanted = inspect.signature(getattr(written, "__func__", written))
            text += f" (it must take the arguments that the notebook gave it: {wanted})"
        return text

    def changed(self, now: doubts.Request, before: doubts.Request, reference: Callable) -> str:
        """What was changed of the arguments that have to stay what they were, or nothing."""
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
                return doubts.says_default(name, own, right, self.noun)
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
            return doubts.says_default(*wrong, self.noun) if wrong else ""
        return (
            doubts.ignores_default(reference, self.answer, request, self.ask)
            or doubts.unused(reference, self.answer, request, self.ask)
            or doubts.remembers(self.answer, self.new, doubts.unseen(request), self.ask)
        )


def _no_return(answer: Callable, what: str) -> str:
    """What to say about a function that returned nothing, unless it is still blank."""
    code = getattr(answer, "__code__", None)
    if blame.is_idle(code):
        return ""
    if code is not None and "print" in code.co_names:
        return f": your {what} returned nothing. `print` shows a value, `return` hands it over"
    return f": your {what} returned nothing. If you wrote it, is the `return` missing?"


def _described(reference: Callable, request: doubts.Request) -> str:
    """`x of shape (3, 5)` or `steps=4`: the first argument with a shape, or the first number."""
    given = arguments.named(reference, *request)
    for name, value in given.items():
        if getattr(value, "shape", None):
            return f"{name} of shape {tuple(value.shape)}"
    numbers = [f"{name}={v}" for name, v in given.items() if isinstance(v, (int, float, str))]
    return ", ".join(numbers) or "this request"
