"""Questions of five kinds; how an answer is read, judged and replied to.

Each notebook's module registers its questions with `prediction` (a choice), `number`, `order`,
`matching` and `word`. They are asked before the experiment that answers them; those with
`recalls="forward"` ask at a notebook's start what an earlier one has shown. What a question asks
stands in the notebook only.

    prediction("forward-axis", right="a", a="five means ...", b="64 means ...", c="one ...",
               believed={"b": "mutant: batch_statistics.averages_over_features",
                         "c": "claim: unit-variance"})
    number("forward-ratio", answer=16.9, unit="times", reason="the variance grows with ...",
           measured_by="steps_plain / steps_bn")
    order("forward-losses", answer="cab", reason="...", measured_by="[loss_a, loss_b, loss_c]",
          a="plain", b="with batch norm", c="with batch norm, twice the rate")
    matching("forward-curves", answer="cab", things="curve", reason="...",
             a="plain", b="with batch norm", c="with a fault")
    word("forward-symbol", answers=("beta", "β"), reason="...", recalls="inputs")
"""

import inspect
import itertools
import math
import numbers
import re
import tomllib
from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import ClassVar

from helpers.claims import all_claims
from helpers.contents import NOTEBOOKS

BELIEFS = Path(__file__).with_name("beliefs.toml")

# Every question by its name, recall questions too.
QUESTIONS: dict[str, "Question"] = {}


class Unreadable(ValueError):
    """An answer of another kind than the question asks for; the message says what to write."""


@dataclass(frozen=True)
class Question(ABC):
    """A question. An answer is kept as a string, the first one in the learner's progress file.

    notebook: where it is asked. recalls: the earlier notebook that it is about, for a recall.
    asked_again: whether a review can ask it, far from the figures that stood above it.
    """

    asked_again: ClassVar[bool] = True

    name: str
    notebook: str
    recalls: str | None = field(default=None, kw_only=True)

    @property
    @abstractmethod
    def how(self) -> str:
        """What to write, as it follows on "write"."""

    @abstractmethod
    def read(self, answer) -> str:
        """The answer as it is kept. Raises Unreadable."""

    def knows(self, kept) -> bool:
        """Whether what a progress file holds is an answer to this question. An edition may ask by a
        number what an earlier one asked by letters, under the same name."""
        try:
            return isinstance(kept, str) and self.read(kept) == kept
        except Unreadable:
            return False

    @abstractmethod
    def is_right(self, kept: str) -> bool:
        """Whether an answer, as it is kept, is right; one that makes no sense is not."""

    @abstractmethod
    def reply(self, kept: str) -> str:
        """What to say to an answer, as `read` returns it: ✓ or ✗ and why."""


@dataclass(frozen=True)
class Choice(Question):
    """The letter of one of several sentences. believed: where each wrong choice comes from."""

    right: str
    explanations: dict[str, str]
    believed: dict[str, str] = field(default_factory=dict)

    @property
    def how(self) -> str:
        *others, last = [f'"{letter}"' for letter in self.explanations]
        return f"{', '.join(others)} or {last}"

    def read(self, answer) -> str:
        letter = str(answer).strip(" ().\"'").lower()
        if letter not in self.explanations:
            raise Unreadable(f"{_short(answer)} is not a choice: write {self.how}")
        return letter

    def is_right(self, kept: str) -> bool:
        return kept == self.right

    def reply(self, kept: str) -> str:
        if kept == self.right:
            return f"✓ {kept}: {self.explanations[kept]}"
        lines = [
            f"✗ not {kept}: {self.explanations[kept]}",
            f"  It is {self.right}: {self.explanations[self.right]}",
        ]
        if said := who_says(self.believed.get(kept, "")):
            lines.append(f"  So one reads: {said}")
        return "\n".join(lines)


@dataclass(frozen=True)
class Number(Question):
    """A number. A guess is right within a factor, or, with `within_absolute`, within a distance.

    measured_by: an expression that gives the answer once the notebook has run, to within
    `tolerance`: a share of the answer, or with `within_absolute` a distance.
    """

    answer: float
    reason: str
    unit: str
    within: float
    within_absolute: float | None
    measured_by: str | None
    tolerance: float

    @property
    def how(self) -> str:
        if self.unit == "share":
            return 'a share, a number from 0 to 1, or a percentage in quotes such as "5 %"'
        if self.unit.startswith("%"):
            return f'a number of percent, such as 5 or "5 %" (unit: {self.unit})'
        return f"a number (unit: {self.unit})" if self.unit else "a number"

    def read(self, answer) -> str:
        try:
            value = self._value(answer)
        except (ValueError, TypeError, OverflowError, ZeroDivisionError):
            value = math.nan
        if not math.isfinite(value):
            raise Unreadable(f"{_short(answer)} is not a number: write {self.how}")
        if self.unit == "share" and not 0 <= value <= 1:
            raise Unreadable(f"{_short(answer)} is not a share: write {self.how}")
        return f"{value:.12g}"

    def _value(self, answer) -> float:
        """The number that an answer means, in the question's unit."""
        if not isinstance(answer, str):
            if hasattr(answer, "item"):
                answer = answer.item()  # NumPy's or PyTorch's
            if isinstance(answer, bool) or not isinstance(answer, numbers.Real):
                raise TypeError("not a number")
            return float(answer)
        text = answer.strip(" ~≈\"'").lower().replace("−", "-").replace("_", "")
        found = re.fullmatch(r"([-+]?[\d.,]+(?:e[-+]?\d+)?(?:\s*/\s*[\d.,]+)?)\s*(\D*)", text)
        if not found or found[2].rstrip(".") not in {
            *("", "%", "percent", "per cent", "x", "×", "times"),
            self.unit.lower(),
        }:
            raise ValueError("not a number")
        value = math.prod(
            _plain(part) ** power for part, power in zip(found[1].split("/"), (1, -1), strict=False)
        )
        in_percent = self.unit.startswith("%")
        if "/" in found[1] and in_percent:
            return 100 * value
        said_percent = found[2].startswith(("%", "per"))
        return value / 100 if said_percent and not in_percent else value

    def is_right(self, kept: str) -> bool:
        try:
            guess = float(kept)
        except ValueError:
            return False
        if self.within_absolute is not None:
            return abs(guess - self.answer) <= self.within_absolute * (1 + 1e-9)
        return guess > 0 and max(guess / self.answer, self.answer / guess) <= self.within + 1e-9

    def reply(self, kept: str) -> str:
        guess = float(kept)
        unit = "" if self.unit in ("", "share") else f" {self.unit}"
        found = "measured" if self.measured_by else "it is"
        share = "a share of " if self.unit == "share" else ""
        said = f"you said {shown(guess)}, {found} {share}{shown(self.answer)}{unit}"
        if self.is_right(kept):
            return f"✓ {said}. {self.reason}"
        return f"✗ {said}: {self._how_far(guess)}. {self.reason}"

    def _how_far(self, guess: float) -> str:
        side = "small" if guess < self.answer else "large"
        if self.within_absolute is not None:
            return f"too {side} by {shown(abs(guess - self.answer), digits=2)}"
        if guess <= 0:
            return "too small, and no factor makes up for that"
        factor = max(guess / self.answer, self.answer / guess)
        return f"too {side} by a factor of {shown(factor, digits=2)}"


@dataclass(frozen=True)
class Order(Question):
    """Letters to be put in order, from smallest to largest. labels: what each letter stands for.

    measured_by: an expression that gives one number per letter, in the order of the letters, once
    the notebook has run.
    """

    answer: str
    reason: str
    labels: dict[str, str]
    measured_by: str | None

    @property
    def how(self) -> str:
        *others, last = self.labels
        return (
            f"the letters {', '.join(others)} and {last} from smallest to largest, in quotes, "
            f'such as "{" ".join(self.labels)}"'
        )

    def read(self, answer) -> str:
        text, letters = _letters(answer)
        if sorted(letters) != sorted(self.labels) or "=" in text or {"<", ">"} <= set(text):
            raise Unreadable(f"{_short(answer)} is not an order: write {self.how}")
        return letters[::-1] if ">" in text else letters

    def is_right(self, kept: str) -> bool:
        return kept == self.answer

    def reply(self, kept: str) -> str:
        found = "measured" if self.measured_by else "it is"
        said = f"you said {' < '.join(kept)}, {found} {' < '.join(self.answer)}"
        if self.is_right(kept):
            return f"✓ {said}. {self.reason}"
        pairs = list(itertools.combinations(self.answer, 2))
        wrong = sum(kept.index(small) > kept.index(large) for small, large in pairs)
        stand = "stands" if wrong == 1 else "stand"
        labels = ", ".join(f"{letter} ({self.labels[letter]})" for letter in self.answer)
        return (
            f"✗ {said}: {wrong} of the {len(pairs)} pairs {stand} the wrong way round. "
            f"{self.reason}\n  From smallest to largest: {labels}."
        )


@dataclass(frozen=True)
class Matching(Question):
    """Letters for numbered things, which have to be looked at: the letter of thing 1 first.

    labels: what each letter is.
    """

    asked_again: ClassVar[bool] = False

    answer: str
    reason: str
    labels: dict[str, str]
    things: str

    @property
    def how(self) -> str:
        return (
            f"{len(self.answer)} letters in quotes, that of {self.things} 1 first, "
            f'such as "{"".join(self.labels)}"'
        )

    def read(self, answer) -> str:
        _, letters = _letters(answer)
        if sorted(letters) != sorted(self.labels):
            raise Unreadable(f"{_short(answer)} does not match them: write {self.how}")
        return letters

    def is_right(self, kept: str) -> bool:
        return kept == self.answer

    def reply(self, kept: str) -> str:
        if self.is_right(kept):
            return f"✓ {' '.join(kept)}: all {len(kept)} right. {self.reason}"
        right = [said == wanted for said, wanted in zip(kept, self.answer, strict=True)]
        found = ", ".join(
            f"{number} is {letter} ({self.labels[letter]})"
            for number, letter in enumerate(self.answer, start=1)
        )
        said = f"✗ you said {' '.join(kept)}: {sum(right)} of {len(kept)} right. {self.reason}"
        return f"{said}\n  {self.things.capitalize()} {found}."


@dataclass(frozen=True)
class Word(Question):
    """A word or a symbol to be recalled, compared leniently. answers: all right ways to say it."""

    answers: tuple[str, ...]
    reason: str

    @property
    def how(self) -> str:
        return "a word or two, or a symbol, in quotes"

    def read(self, answer) -> str:
        said = " ".join(str(answer).split())
        if isinstance(answer, bool) or not _bare(said) or len(said) > 60:
            raise Unreadable(f"{_short(answer)} is not an answer: write {self.how}")
        return said

    def is_right(self, kept: str) -> bool:
        return _bare(kept) in map(_bare, self.answers)

    def reply(self, kept: str) -> str:
        if self.is_right(kept):
            return f"✓ {kept}: {self.reason}"
        return f"✗ not {kept}, but {self.answers[0]}: {self.reason}"


def prediction(
    name: str,
    *,
    right: str,
    believed: Mapping[str, str] | None = None,
    recalls: str | None = None,
    **explanations: str,
) -> None:
    """Register a choice: the right letter, and why each choice is right or wrong.

    believed: for each wrong choice where it comes from, something that people really believe:
    `"mutant: exercise.function"`, a wrong answer to an exercise that the tests know;
    `"claim: id"`, what a claim of helpers/claims.toml quotes; or `"quote: id"`, an entry of
    beliefs.toml. After claims and quotes the reply names who says so.

    Raises ValueError if `right` is no choice, or `believed` is not about all wrong ones.
    """
    if right not in explanations:
        raise ValueError(f"prediction {name}: {right!r} is right but not among {[*explanations]}")
    wrong = set(explanations) - {right}
    if believed is not None and set(believed) != wrong:
        raise ValueError(f"prediction {name}: believed must be about {sorted(wrong)}")
    new = Choice(name, _caller(), right, explanations, dict(believed or {}), recalls=recalls)
    _register(new)


def number(
    name: str,
    *,
    answer: float,
    reason: str,
    unit: str = "",
    within: float = 1.5,
    within_absolute: float | None = None,
    measured_by: str | None = None,
    tolerance: float | None = None,
    recalls: str | None = None,
) -> None:
    """Register a question that is answered by a number.

    answer: what is measured, in `unit`. unit: "times", "steps" and the like; "%" or "% of ..." if
    the number counts percent; "share" for a number from 0 to 1. within: the factor by which a guess
    may be off. within_absolute: instead, the distance by which it may be off, for what may be zero
    or negative. reason: one or two sentences that follow on the numbers.

    measured_by: an expression in the notebook's variables; once the notebook has run under pytest,
    its value must be the answer to within `tolerance`: 0.1 (that is 10 % of the answer), or with
    `within_absolute` a tenth of that, if nothing else is given. A recall may do without; if it
    has one, it is evaluated in the notebook that it is about. (A recall in Part III of Parts I
    and II does without: whoever tests these does not import PyTorch.)

    Raises ValueError if the question cannot be judged or measured as it stands.
    """
    if within_absolute is None and not answer > 0:
        raise ValueError(f"number {name}: {answer} has no factor: give within_absolute")
    if within <= 1 or (within_absolute is not None and within_absolute <= 0):
        raise ValueError(f"number {name}: no guess is within that")
    if tolerance is None:
        tolerance = 0.1 if within_absolute is None else within_absolute / 10
    new = Number(
        *(name, _caller(), answer, reason, unit, within, within_absolute, measured_by, tolerance),
        recalls=recalls,
    )
    _register(new)


def order(
    name: str,
    *,
    answer: str,
    reason: str,
    measured_by: str | None = None,
    recalls: str | None = None,
    **labels: str,
) -> None:
    """Register a question that is answered by an order, from smallest to largest.

    answer: the letters in the right order, "cab". labels: what each letter stands for, in a few
    words. measured_by: an expression that gives one number per letter, in the order of the labels;
    as for `number`.

    Raises ValueError if the answer is no order of the letters, or nothing measures it.
    """
    if sorted(answer) != sorted(labels) or len(answer) < 2:
        raise ValueError(f"order {name}: {answer!r} is no order of {[*labels]}")
    _register(Order(name, _caller(), answer, reason, labels, measured_by, recalls=recalls))


def matching(name: str, *, answer: str, things: str, reason: str, **labels: str) -> None:
    """Register a question that asks which letter belongs to which of some numbered things.

    answer: the letters, that of the first thing first, "cab"; each is used once. things: what is
    numbered, one word in the singular, "layer". labels: what each letter stands for.

    Raises ValueError if the answer does not use each letter once.
    """
    if sorted(answer) != sorted(labels) or len(answer) < 2:
        raise ValueError(f"matching {name}: {answer!r} does not use each of {[*labels]} once")
    _register(Matching(name, _caller(), answer, reason, labels, things))


def word(name: str, *, answers: Iterable[str], reason: str, recalls: str) -> None:
    """Register a recall that is answered by a word or a symbol.

    answers: all right ways to say it, the first being the one that the reply shows. Upper case,
    spaces, articles, hyphens and punctuation make no difference.
    """
    answers = tuple([answers] if isinstance(answers, str) else answers)
    if not answers or not all(map(_bare, answers)):
        raise ValueError(f"word {name}: there must be answers, and none of them empty")
    _register(Word(name, _caller(), answers, reason, recalls=recalls))


def notebook_of(module: str) -> str:
    """`bug_clinic` for the modules `helpers.exercises.bug_clinic` and those inside it."""
    return module.removeprefix("helpers.exercises.").partition(".")[0]


def who_says(source: str) -> str:
    """`“Said ...” (by ...).` for a source that quotes somebody, "" for any other.

    Raises KeyError for a claim or a quote that does not exist.
    """
    kind, _, key = source.partition(": ")
    tables = {"claim": all_claims, "quote": beliefs}
    if kind not in tables:
        return ""
    entry = tables[kind]()[key]
    return f"“{entry['said']}” ({entry['by']})."


@cache
def beliefs() -> dict[str, dict]:
    """Every quote of beliefs.toml by its id: `said`, `by` and `where`."""
    return tomllib.loads(BELIEFS.read_text(encoding="utf-8"))


def shown(value: float, digits: int = 4) -> str:
    """A number to read: `16.9`, `1,297`, `0.0012`, `3e-9`."""
    if value == 0:
        return "0"
    if not 1e-4 <= abs(value) < 1e7:
        mantissa, _, power = f"{value:.{digits - 1}e}".partition("e")
        mantissa = mantissa.rstrip("0").rstrip(".") if "." in mantissa else mantissa
        return f"{mantissa}e{int(power)}"
    if value == round(value):
        return f"{value:,.0f}"
    behind = max(digits - 1 - math.floor(math.log10(abs(value))), 0)
    text = f"{value:,.{behind}f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def _register(new: Question) -> None:
    known = QUESTIONS.get(new.name)
    if known is not None and known.notebook != new.notebook:
        raise ValueError(f"two questions are called {new.name}: names must be unique")
    if new.recalls is not None and new.recalls not in NOTEBOOKS:
        raise ValueError(f"{new.name} recalls {new.recalls!r}, which is no notebook")
    if new.recalls is None and getattr(new, "measured_by", "") is None:
        raise ValueError(f"{new.name} needs measured_by, which shows that its answer is true")
    QUESTIONS[new.name] = new


def _caller() -> str:
    """The notebook whose module registers a question."""
    frame = inspect.currentframe()
    while frame.f_globals["__name__"] == __name__:
        frame = frame.f_back
    return notebook_of(frame.f_globals["__name__"])


def _short(answer) -> str:
    """An answer as it was written, cut to a readable length."""
    text = " ".join(repr(answer).split())
    return text if len(text) <= 40 else f"{text[:37]}..."


def _plain(text: str) -> float:
    """`1,297`, `16.9` and `16,9` as numbers."""
    text = text.strip()
    thousands = re.fullmatch(r"[-+]?\d{1,3}(,\d{3})+(\.\d*)?", text)
    return float(text.replace(",", "" if thousands else "."))


def _letters(answer) -> tuple[str, str]:
    """An answer that should be letters, as one text, and its letters alone, in lower case."""
    if not isinstance(answer, str):
        try:
            answer = " ".join(map(str, answer))
        except TypeError:  # a single thing
            answer = str(answer)
    return answer, "".join(re.findall(r"\w", answer.lower()))


def _bare(text: str) -> str:
    """A word without what makes no difference: upper case, articles, spaces, punctuation."""
    words = text.casefold().split()
    if len(words) > 1 and words[0] in ("the", "a", "an"):
        words = words[1:]
    return re.sub(r"[^\w/*+^<>%√]|_", "", "".join(words))
