"""The solved edition: every blank filled, executed, in answers/.

    python3 course.py answers        all notebooks
    python3 course.py answers 03     one of them

Nothing of it is written by hand. An exercise gets its reference, a question its right answer, an
open task a change that turns its verdict, and what the bench finds; so it cannot go stale.
"""

import ast
import re
import sys
from pathlib import Path

import nbformat
from tqdm import tqdm

from helpers import bench
from helpers.authoring.execution import RefreshError, execute
from helpers.comparing import OPEN
from helpers.exercises import TASKS, load_part_iii
from helpers.exercises.engine import EXERCISES
from helpers.exercises.questions import QUESTIONS, Question
from helpers.exercises.weigh_the_evidence import CASES
from helpers.files import write_atomically

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / "answers"

ASKED = re.compile(r'^(predict|recall)\("([\w-]+)", \.\.\.\)', re.MULTILINE)
OPEN_TASK = re.compile(r'^open_task\("([\w-]+)", changed, (guess|verdict)=\.\.\.\)', re.MULTILINE)
CASE = re.compile(r"^reexamine\((\w+), expect=\.\.\.\)", re.MULTILINE)


def solved(notebook):
    """A copy of a notebook in which every blank is filled; nothing is executed."""
    load_part_iii()
    copy = nbformat.from_dict(notebook)
    for cell in copy.cells:
        if cell.cell_type == "code":
            cell.source = filled(cell.source)
    return copy


def filled(source: str) -> str:
    """The source of a cell with its blanks filled."""
    for name in re.findall(r"(?m)^check\((\w+)\)", source):
        source = with_reference(source, name)
    source = ASKED.sub(lambda m: f'{m[1]}("{m[2]}", {right_answer(QUESTIONS[m[2]])!r})', source)
    source = CASE.sub(lambda m: f"reexamine({m[1]}, expect={repaired_word(m[1])!r})", source)
    for claim, what in OPEN_TASK.findall(source):
        change, word = turn(claim)
        source = source.replace(f"{what}=...", f"{what}={word!r}")
        source = re.sub(r"(?m)^changed = \{\}.*$", lambda _, c=change: f"changed = {c!r}", source)
    return source


def with_reference(source: str, name: str) -> str:
    """A cell in which the definition of an exercise is its reference."""
    lines = source.splitlines()
    own = next(s for s in ast.parse(source).body if getattr(s, "name", None) == name)
    first = min([own.lineno, *(d.lineno for d in own.decorator_list)])
    return "\n".join([*lines[: first - 1], EXERCISES[name].source(), *lines[own.end_lineno :]])


def right_answer(question: Question):
    """An answer that a question takes for right, as a learner would write it."""
    for field in ("right", "answer"):
        if hasattr(question, field):
            return getattr(question, field)
    return question.answers[0]


def repaired_word(name: str) -> str:
    """What the repaired design of a case concludes."""
    _, design = EXERCISES[name](dict(CASES[name].design))
    return bench.compare(**design).word


def turn(claim: str) -> tuple[dict, str]:
    """A change of an open task with the verdict on it: one that flips the sentence, if any does."""
    (_, start), *changed = TASKS[claim].recorded()
    return min(changed, key=lambda found: (found[1] == start, found[1] == OPEN))


# ------------------------------------------------------------- written


def write(path: Path) -> Path:
    """Solve and execute one notebook of the course; returns where it is written."""
    notebook = execute(solved(nbformat.read(path, as_version=4)), path)
    target = FOLDER / path.name
    write_atomically(target, nbformat.writes(notebook) + "\n")
    return target


def main(paths: list[str]) -> int:
    """Write the solved edition of these notebooks; what is newer than its notebook stays."""
    for path in tqdm([Path(path) for path in paths], unit="notebook", desc="answers"):
        try:
            write(path)
        except RefreshError as error:
            print(error, file=sys.stderr)
            return 1
    print(f"The solved edition is in {FOLDER}.")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
