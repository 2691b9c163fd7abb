"""Grades one learner: asks the sandbox about every answer, whatever happens in there."""

import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field

from helpers.classroom.grading import originals
from helpers.classroom.grading.sandbox import LostError, Sandbox
from helpers.classroom.grading.submissions import Learner, Notebook, writable
from helpers.exercises.engine import EXERCISES

REFERENCE = "the same as what solution() prints"
INTERNALS = "uses {names}"
BUDGET = 12  # answers of one notebook that may take all their time
LONGEST = 2000  # characters of a message
UNTOUCHED = "○ not attempted yet"


@dataclass
class Answer:
    """The verdict on one answer. passed of checks: see `answering.judged`.

    looks: what deserves a look, as sentences. fingerprint: the same for the same answers; None
    for those so short that they are the same by chance.
    """

    status: str
    message: str
    passed: int = 0
    checks: int = 1
    looks: list[str] = field(default_factory=list)
    fingerprint: str | None = None


@dataclass
class Result:
    """Everything about one learner: answers by exercise, and what was left out and why."""

    name: str
    identifier: str
    answers: dict[str, Answer]
    notebooks: dict[str, str]
    left_out: list[str]

    def as_json(self) -> dict:
        """As it is stored."""
        return asdict(self)

    @classmethod
    def from_json(cls, stored: dict) -> "Result":
        """From what `as_json` returned."""
        answers = {name: Answer(**answer) for name, answer in stored["answers"].items()}
        return cls(**{**stored, "answers": answers})


def grade(learner: Learner, sandbox: Sandbox, progress: Callable[[], object]) -> Result:
    """Judge all that a learner has handed in; `progress` is called after each notebook."""
    result = Result(learner.name, learner.identifier, {}, {}, learner.left_out())
    for name, notebook in learner.latest().items():
        result.notebooks[name] = notebook.path
        result.answers |= answers_of(name, notebook, sandbox, result.left_out)
        progress()
    return result


def answers_of(
    name: str, notebook: Notebook, sandbox: Sandbox, problems: list[str]
) -> dict[str, Answer]:
    """The verdicts on the exercises of one notebook, those that are not in it among them."""
    of_notebook = [e for e, exercise in EXERCISES.items() if exercise.notebook == name]
    try:
        load(sandbox, name, notebook)
        read = sandbox.ask({"read": notebook.cells})
    except LostError as lost:
        read = {"lost": str(lost)}
    if "lost" in read:
        problems.append(f"{notebook.path}: cannot be read: {writable(str(read['lost']))}")
        return {e: Answer("fail", "✗ the notebook cannot be read") for e in of_notebook}
    problems += [f"{notebook.path}: {writable(problem)}" for problem in read["problems"]]
    answers = {}
    until = time.monotonic() + BUDGET * sandbox.seconds
    for exercise in of_notebook:
        known = read["answers"].get(exercise)
        if known and known["fingerprint"] == originals.fingerprints(name).get(exercise):
            answers[exercise] = Answer("todo", UNTOUCHED)  # code to repair passes some checks
            continue
        if time.monotonic() > until:
            answers[exercise] = Answer("fail", "✗ no verdict: the notebook took too long before")
            continue
        answers[exercise] = verdict(exercise, name, notebook, sandbox)
        if known and known["is_long"]:
            answers[exercise].fingerprint = known["fingerprint"]
        answers[exercise].looks = looks(known) if known else []
    return answers


def verdict(exercise: str, name: str, notebook: Notebook, sandbox: Sandbox) -> Answer:
    """The verdict on one answer; what breaks the process that judges fails, and nothing else."""
    try:
        if sandbox.process is None:
            load(sandbox, name, notebook)
            sandbox.ask({"read": notebook.cells})
        said = sandbox.ask({"judge": exercise})
    except LostError as lost:
        said = {"lost": str(lost)}
    try:
        if "lost" in said:
            return Answer("fail", writable(f"✗ no verdict: {said['lost']}"[:LONGEST]))
        return well(said)
    except (KeyError, TypeError, ValueError, OverflowError):
        return Answer("fail", "✗ no verdict: what came back is none")


def well(said: dict) -> Answer:
    """A verdict that has the form of one. Raises KeyError, TypeError, ValueError or
    OverflowError otherwise."""
    status, message = said["status"], said["message"]
    passed, checks = int(said["passed"]), int(said["checks"])
    if status not in ("todo", "fail", "pass") or not isinstance(message, str):
        raise ValueError("not a verdict")
    if not 0 <= passed <= checks or len(said) != 4:
        raise ValueError("not a verdict")
    return Answer(status, writable(message[:LONGEST]), passed, checks)


def load(sandbox: Sandbox, name: str, notebook: Notebook) -> None:
    """Let the process import beforehand what the course's own notebook imports."""
    sandbox.ask({"import": originals.imports(name)})


def looks(known: dict) -> list[str]:
    """What deserves a look, from what was read."""
    said = [REFERENCE] if known["is_reference"] and known["is_long"] else []
    if known["internals"]:
        said.append(INTERNALS.format(names=", ".join(known["internals"])))
    return said


def mark_the_same(results: list[Result]) -> None:
    """Add to answers that several learners share, whose they are; in place."""
    shared: dict[tuple[str, str], list[Result]] = {}
    for result in results:
        for exercise, answer in result.answers.items():
            if answer.fingerprint and REFERENCE not in answer.looks:
                shared.setdefault((exercise, answer.fingerprint), []).append(result)
    for (exercise, _), owners in shared.items():
        for result in owners if len(owners) > 1 else ():
            others = ", ".join(other.name for other in owners if other is not result)
            result.answers[exercise].looks.append(f"the same as that of {others}")
