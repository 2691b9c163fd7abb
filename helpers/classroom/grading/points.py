"""How many points an answer is worth: a small TOML file of the teacher's.

default = 1               # points of an exercise
further = 0               # of one in a section marked Further
notebooks = ["forward"]   # which count; without this line, those that somebody handed in

[exercises]
batch_norm_forward = 3
"""

import tomllib
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

import nbformat

from helpers.authoring import sections
from helpers.classroom.grading.judge import Answer, Result
from helpers.contents import NOTEBOOKS, numbered
from helpers.exercises.engine import EXERCISES

FOLDER = Path(__file__).resolve().parents[3] / "notebooks"


class PointsError(ValueError):
    """The file of points cannot be used; the message says what to change."""


@dataclass(frozen=True)
class Points:
    """default, further: points of an exercise in the core and in a section marked Further."""

    default: float = 1
    further: float = 0
    notebooks: tuple[str, ...] = ()
    exercises: dict[str, float] = field(default_factory=dict)

    def of(self, exercise: str) -> float:
        """The points of an exercise that is fully solved."""
        if exercise in self.exercises:
            return self.exercises[exercise]
        return self.further if exercise in further(EXERCISES[exercise].notebook) else self.default

    def earned(self, exercise: str, answer: Answer | None) -> float:
        """The points of an answer: the share of its checks that it passes."""
        if answer is None:
            return 0
        return round(self.of(exercise) * answer.passed / answer.checks, 2)

    def columns(self, results: list[Result]) -> list[str]:
        """The exercises that count, in the order of the course."""
        counted = set(self.notebooks) or {name for r in results for name in r.notebooks}
        found = [name for name, e in EXERCISES.items() if e.notebook in counted and self.of(name)]
        return sorted(found, key=lambda name: NOTEBOOKS.index(EXERCISES[name].notebook))


def read(path: Path | None) -> Points:
    """The points that a file gives; those of every exercise alike without one.

    Raises:
        PointsError: names what is wrong in the file.
    """
    if path is None:
        return Points()
    try:
        given = tomllib.loads(Path(path).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise PointsError(f"{path} cannot be read: {error}") from None
    numbers = {**given.get("exercises", {}), **{k: given[k] for k in given if k in NUMBERS}}
    if unknown := set(given) - NUMBERS - {"notebooks", "exercises"}:
        raise PointsError(f"{path}: {', '.join(sorted(unknown))} means nothing; see points.py")
    if unknown := set(given.get("exercises", {})) - set(EXERCISES):
        raise PointsError(f"{path}: no exercise is called {', '.join(sorted(unknown))}")
    if unknown := set(given.get("notebooks", [])) - set(NOTEBOOKS):
        raise PointsError(f"{path}: no notebook is called {', '.join(sorted(unknown))}")
    for name, number in numbers.items():
        if isinstance(number, bool) or not isinstance(number, int | float) or not number >= 0:
            raise PointsError(f"{path}: {name} = {number!r} must be a number from 0")
    return Points(**{**given, "notebooks": tuple(given.get("notebooks", ()))})


NUMBERS = {"default", "further"}


@cache
def further(notebook: str) -> frozenset[str]:
    """The exercises of a notebook that stand in sections marked Further."""
    path = FOLDER / f"{numbered(notebook)}.ipynb"
    _, rest = sections.split(nbformat.read(path, as_version=4).cells)
    text = "\n".join(cell.source for cell in rest if cell.cell_type == "code")
    return frozenset(name for name in EXERCISES if f"check({name})" in text)
