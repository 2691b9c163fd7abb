"""What was written by hand: guide/NAME.md for each notebook, and guide/tracks.toml.

A page has the sections of SECTIONS, in this order. Under "Stop and vote" each `### question-id`
has a paragraph and, for each wrong choice, an item `- b: ` with a question that moves those who
believe it. Items under "Skip when late" begin with the heading of a section in backquotes.
"""

import re
import tomllib
from dataclasses import dataclass
from pathlib import Path

FOLDER = Path(__file__).resolve().parents[3] / "guide"
SECTIONS = (
    "Purpose",
    "Draw",
    "Stop and vote",
    "Say",
    "When it sticks",
    "Skip when late",
    "Close",
)


class GuideError(ValueError):
    """A page or the tracks cannot be used; the message names the place and what is expected."""


@dataclass(frozen=True)
class Vote:
    """A question to stop at: why, and for each wrong letter a question that moves."""

    question: str
    why: str
    moves: dict[str, str]


@dataclass(frozen=True)
class Page:
    """sections: Markdown by title, without the votes."""

    notebook: str
    sections: dict[str, str]
    votes: tuple[Vote, ...]

    def items(self, section: str) -> list[str]:
        """The items of a section that is a list."""
        return items(self.sections[section])

    def skipped(self) -> list[str]:
        """The headings of the sections that can be skipped."""
        return [re.match(r"`([^`]*)`", item)[1] for item in self.items("Skip when late")]


def page(notebook: str) -> Page:
    """The page of a notebook. Raises GuideError."""
    path = FOLDER / f"{notebook}.md"
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise GuideError(f"{path.name}: {error.strerror}") from None
    title, *parts = re.split(r"(?m)^## ", text)
    if title.strip() != f"# {notebook}":
        raise GuideError(f"{path.name} must begin with '# {notebook}', not with {title.strip()!r}")
    found = dict(part.split("\n", 1) for part in parts)
    if tuple(found) != SECTIONS:
        raise GuideError(f"{path.name} has the sections {list(found)}, not {list(SECTIONS)}")
    votes = tuple(vote(path.name, part) for part in found["Stop and vote"].split("\n### ")[1:])
    return Page(notebook, {name: text.strip() for name, text in found.items()}, votes)


def vote(file: str, text: str) -> Vote:
    """One question to vote on."""
    name, rest = text.split("\n", 1)
    why, *_ = re.split(r"(?m)^- ", rest)
    moves = {}
    for item in items(rest):
        letter, colon, question = item.partition(": ")
        if not colon or not re.fullmatch("[a-z]", letter):
            raise GuideError(f"{file}, {name}: '- {item[:30]}' is not '- letter: question'")
        moves[letter] = question
    return Vote(name.strip(), " ".join(why.split()), moves)


def items(text: str) -> list[str]:
    """The items of a Markdown list, each in one line."""
    return [" ".join(item.split()) for item in re.split(r"(?m)^- ", text)[1:]]


@dataclass(frozen=True)
class Step:
    """Some minutes of a track: what the room does, and where in the course that stands.

    new_day: whether the clock begins again.
    """

    minutes: int
    do: str
    notebook: str = ""
    heading: str = ""
    new_day: bool = False


@dataclass(frozen=True)
class Track:
    """A workshop. minutes: from its beginning to its end, breaks included."""

    name: str
    minutes: int
    what: str
    steps: tuple[Step, ...]


def tracks() -> list[Track]:
    """The tracks. Raises GuideError."""
    try:
        given = tomllib.loads((FOLDER / "tracks.toml").read_text(encoding="utf-8"))["track"]
        return [Track(**{**t, "steps": tuple(Step(**step) for step in t["steps"])}) for t in given]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise GuideError(f"tracks.toml cannot be read: {error}") from None
