"""The course's own notebooks: what they import, and what stands there before anybody answers."""

import ast
import json
from functools import cache
from pathlib import Path

from helpers.classroom.grading import reading
from helpers.contents import numbered

FOLDER = Path(__file__).resolve().parents[3] / "notebooks"


@cache
def cells(name: str) -> tuple[str, ...]:
    """The sources of a notebook's code cells."""
    text = (FOLDER / f"{numbered(name)}.ipynb").read_text(encoding="utf-8")
    found = json.loads(text)["cells"]
    return tuple("".join(cell["source"]) for cell in found if cell["cell_type"] == "code")


@cache
def fingerprints(name: str) -> dict[str, str]:
    """`reading.fingerprint` of each exercise of a notebook, as it stands there."""
    notebook = reading.read(cells(name))
    found = {exercise: notebook.definition(exercise) for exercise in notebook.answers()}
    return {exercise: reading.fingerprint(d) for exercise, d in found.items()}


@cache
def imports(name: str) -> list[str]:
    """The modules that a notebook imports, and that of its exercises."""
    found = {f"helpers.exercises.{name}"}
    for source in cells(name):
        for statement in ast.parse(source).body:
            if isinstance(statement, ast.Import):
                found |= {alias.name for alias in statement.names}
            elif isinstance(statement, ast.ImportFrom):
                # A name in a package may be a module.
                names = {f"{statement.module}.{alias.name}" for alias in statement.names}
                found |= {statement.module, *names}
    return sorted(found)
