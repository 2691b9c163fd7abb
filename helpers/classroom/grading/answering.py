"""One answer, executed and judged. Runs in a process of its own, which may not survive it."""

import ast
import builtins
import dataclasses
import linecache

from helpers.classroom.grading import reading
from helpers.exercises.engine import EXERCISES, Exercise, examine
from helpers.exercises.judging import EVERY_EXERCISE

LONGEST = 2000  # characters of a message
NOT_THERE = "○ not in the notebook"


def judged(cells: list[str], name: str) -> dict:
    """Execute what stands in a notebook up to the check of `name`, and judge that answer.

    Returns {"status", "message", "passed", "checks"}: what `judge` says of it, and how many checks
    of how many it passes by themselves; the questions to every answer count as one.
    """
    exercise = EXERCISES[name]
    checks = len(exercise.checks) + 1
    answer, problem = defined(reading.read(cells), name)
    if answer is None:
        status, message = ("fail", f"✗ {problem}") if problem else ("todo", NOT_THERE)
        return {"status": status, "message": message[:LONGEST], "passed": 0, "checks": checks}
    status, message, blamed = examine(exercise, answer)
    if status == "fail":
        passed = sum(passes(exercise, check, answer) for check in exercise.checks)
        if blamed != EVERY_EXERCISE:
            passed = min(passed, checks - 2)
    else:
        passed = checks if status == "pass" else 0
    return {"status": status, "message": message[:LONGEST], "passed": passed, "checks": checks}


def passes(exercise: Exercise, check: str, answer) -> bool:
    """Whether a check, by itself, is passed."""
    alone = dataclasses.replace(exercise, checks={check: exercise.checks[check]})
    return examine(alone, answer).status == "pass"


def defined(notebook: reading.Reading, name: str) -> tuple:
    """The answer to an exercise, or None; and, where there is none, why."""
    namespace = {"__name__": "__main__", "__builtins__": builtins}
    problem = "; ".join(notebook.problems)
    for cell, statement in notebook.to_execute(name):
        try:
            exec(compiled(cell, statement), namespace)
        except BaseException as error:
            if getattr(statement, "name", None) == name:
                # In the notebook, too, an error leaves no earlier definition to be checked.
                namespace.pop(name, None)
                problem = f"code cell {cell + 1} raised {type(error).__name__}: {error}"
    return namespace.get(name), problem


def compiled(cell: int, statement: ast.stmt):
    """The code of one statement, whose lines tracebacks and `inspect` can find."""
    file = f"<code cell {cell + 1}, line {statement.lineno}>"
    source = ast.unparse(statement)
    linecache.cache[file] = (len(source), None, source.splitlines(keepends=True), file)
    return compile(source, file, "exec")
