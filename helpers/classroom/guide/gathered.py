"""What the guide says that stands somewhere else already, and is taken from there."""

import re
import sys
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from pathlib import Path

import nbformat

from helpers.authoring import sections
from helpers.contents import NOTEBOOKS, numbered
from helpers.exercises import asked
from helpers.exercises.engine import EXERCISES, examine
from helpers.exercises.questions import QUESTIONS, Choice, Question, who_says

ROOT = Path(__file__).resolve().parents[3]
MOST_MISTAKES = 5  # of one exercise


@dataclass(frozen=True)
class Section:
    """A section of a notebook with its minutes, and what is asked in it."""

    heading: str
    minutes: float
    further: bool
    asks: tuple[str, ...]


@dataclass(frozen=True)
class Option:
    """A choice: what it says, what those believe who take it, and where one reads so."""

    letter: str
    right: bool
    explanation: str
    said: str


@dataclass(frozen=True)
class Mistake:
    """A wrong answer to an exercise: its misconception, and what the check says to it."""

    name: str
    message: str


@cache
def cells(notebook: str) -> list:
    """The cells of a notebook."""
    return nbformat.read(ROOT / "notebooks" / f"{numbered(notebook)}.ipynb", as_version=4).cells


def title(notebook: str) -> str:
    """`2 · The forward pass`."""
    return cells(notebook)[0].source.partition("\n")[0].removeprefix("# ")


def question(notebook: str) -> str:
    """The question that a notebook answers, in Markdown."""
    return next(p for p in cells(notebook)[0].source.split("\n\n")[1:] if p.startswith("**"))


def needs(notebook: str) -> str:
    """How long it takes and what it needs, as its first cell says."""
    found = re.search(r"(?m)^\*(About \d+ minutes.*)\*$", cells(notebook)[0].source)
    return re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", found[1]) if found else ""


def parts(notebook: str) -> list[Section]:
    """The sections of a notebook, in order."""
    core, _ = sections.split(cells(notebook))
    found, own, further = [], [], False
    for number, cell in enumerate([*cells(notebook), None]):
        if cell is None or sections.heading(cell):
            if own:
                found.append(section(own, further))
            own = []
            further = number >= len(core)
        own.append(cell)
    return found


def headings(notebook: str) -> set[str]:
    """Every heading of a notebook, those inside a cell too."""
    text = "\n".join(c.source for c in cells(notebook) if c.cell_type == "markdown")
    return {found.strip() for found in re.findall(r"(?m)^#+ (.+)$", text)}


def section(own: list, further: bool) -> Section:
    """One section from its cells."""
    heading = sections.heading(own[0]).lstrip("# ")
    code = "\n".join(cell.source for cell in own if cell.cell_type == "code")
    called = re.findall(r'(?m)^(?:(check)\((\w+)\)|(predict|recall)\("([\w-]+)")', code)
    asks = tuple(first or second for _, first, _, second in called)
    return Section(heading, sections.minutes(own), further, asks)


def options(name: str) -> list[Option]:
    """The choices of a question."""
    choice = QUESTIONS[name]
    return [
        Option(letter, letter == choice.right, told, who_says(choice.believed.get(letter, "")))
        for letter, told in choice.explanations.items()
    ]


def choices(notebook: str) -> list[str]:
    """The questions with letters that a notebook's core asks before an experiment."""
    core = [name for part in parts(notebook) if not part.further for name in part.asks]
    return [n for n in core if isinstance(QUESTIONS.get(n), Choice) and not QUESTIONS[n].recalls]


def others(notebook: str, voted: set[str]) -> list[tuple[str, str]]:
    """What a core asks before an experiment besides: (question, the reply to a right answer)."""
    core = [name for part in parts(notebook) if not part.further for name in part.asks]
    found = [QUESTIONS[n] for n in core if n in QUESTIONS and n not in voted]
    return [(q.name, reply(q)) for q in found if not q.recalls]


def reply(question: Question) -> str:
    """What the course says to a right answer."""
    right = question.answers[0] if hasattr(question, "answers") else None
    right = right or getattr(question, "right", None) or question.answer
    said = question.reply(question.read(right)).removeprefix("✓ ")
    return re.sub(r"^you said [^,]*, ", "", said)


def asked_text(name: str) -> str:
    """What a question asks, with its choices."""
    return asked.text(QUESTIONS[name]) or name


def exercises(notebook: str) -> list[str]:
    """The exercises of a notebook, in its order."""
    return [name for part in parts(notebook) for name in part.asks if name in EXERCISES]


def mistakes(exercise: str) -> list[Mistake]:
    """Wrong answers that were thrown at the checks: one for each check, the first ones."""
    found: dict[str, Mistake] = {}
    for answer, blamed in wrong_answers()[exercise]:
        if blamed not in found and len(found) < MOST_MISTAKES:
            said = examine(EXERCISES[exercise], answer).message.removeprefix("✗ ")
            found[blamed] = Mistake(answer.__name__.replace("_", " "), said)
    return list(found.values())


@cache
def wrong_answers():
    """Every wrong answer that the tests keep, by exercise."""
    folder = str(ROOT / "tests" / "exercises")
    if folder not in sys.path:
        sys.path.append(folder)
    for name in NOTEBOOKS:
        import_module(f"answers_{name}")
    return import_module("registry").MUTANTS
