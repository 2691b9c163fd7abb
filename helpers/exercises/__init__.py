"""Exercises. Notebooks use `check`, `hint`, `solution`, `predict`, `progress`; graders use `judge`.

Each notebook has a module here of the same name without the number. It holds the notebook's
exercises and predictions.
"""

import contextlib
import difflib
import functools
from collections import Counter
from collections.abc import Callable, Iterator
from importlib import import_module
from importlib.util import find_spec

from helpers.contents import NOTEBOOKS, numbered
from helpers.exercises import objects, progress_file
from helpers.exercises.engine import EXERCISES, PREDICTIONS, Exercise, examine
from helpers.exercises.renamed import NEW_NAMES
from helpers.exercises.surroundings import known
from helpers.wrapping import wrapped

_PART_III = NOTEBOOKS.index("pytorch")

for _name in NOTEBOOKS[:_PART_III]:
    import_module(f"helpers.exercises.{_name}")


def load_part_iii() -> None:
    """Import the exercises of Part III, and PyTorch with them: seconds that Parts I and II save.

    Where PyTorch is not installed, they stay unknown.
    """
    if find_spec("torch") is None:
        return
    with known():  # another default dtype, say, would be that of the checks' numbers
        for name in NOTEBOOKS[_PART_III:]:
            import_module(f"helpers.exercises.{name}")


_hints_shown: dict[str, int] = {}


def names() -> list[str]:
    """The names of all exercises, in the order of the course."""
    load_part_iii()
    return sorted(EXERCISES, key=lambda name: NOTEBOOKS.index(EXERCISES[name].notebook))


def judge(name: str, answer: Callable) -> tuple[str, str]:
    """Judge an answer to the exercise `name`: (status, message).

    status is "todo", "fail" or "pass". A name that no exercise has fails with a sentence.
    """
    subject = _entry(EXERCISES, name)
    if subject is None:
        return "fail", f"✗ {_unknown(name)}"
    return examine(subject, answer)[:2]


def check(answer: Callable) -> None:
    """Check your function. Its own name tells which exercise it answers."""
    subject = _of(answer)
    if subject is None:
        return
    verdict = examine(subject, answer)
    print(wrapped(verdict.message))
    if verdict.status == "pass":
        progress_file.add_exercise(subject.name)
    elif verdict.status == "fail":
        print(f"  For help, run hint({subject.name}).")


def hint(answer: Callable) -> None:
    """Show the next hint of an exercise; each call says more."""
    subject = _of(answer)
    if subject is None:
        return
    shown = min(_hints_shown.get(subject.name, 0) + 1, len(subject.hints))
    _hints_shown[subject.name] = shown
    print(wrapped(f"Hint {shown} of {len(subject.hints)}: {subject.hints[shown - 1]}"))
    if shown == len(subject.hints):
        print(f"That was the last hint. solution({subject.name}) shows one way to write it.")


def solution(answer: Callable) -> None:
    """Show the source of the reference, the very code that the checks were tried on."""
    subject = _of(answer)
    if subject is not None:
        print(subject.source())


def predict(name: str, choice=...) -> None:
    """Commit to a choice before you run the experiment; then read why it is right or wrong.

    A name of an earlier edition still works: learners keep notebooks that they have worked in.
    """
    question = _entry(PREDICTIONS, NEW_NAMES.get(name, name))
    if question is None:
        raise KeyError(f"no prediction is called {name!r}; known: {', '.join(PREDICTIONS)}")
    *others, last = [f'"{key}"' for key in question.explanations]
    choices = f"{', '.join(others)} or {last}"
    if choice is Ellipsis or choice is None:
        print(f"○ no prediction yet: replace ... by {choices}")
        return
    chosen = str(choice).strip(" ().").lower()
    if chosen not in question.explanations:
        print(f"✗ {choice!r} is not a choice: write {choices}")
        return
    progress_file.add_prediction(question.name, chosen)
    if chosen == question.right:
        print(wrapped(f"✓ {chosen}: {question.explanations[chosen]}"))
    else:
        print(wrapped(f"✗ not {chosen}: {question.explanations[chosen]}"))
        print(wrapped(f"  It is {question.right}: {question.explanations[question.right]}"))


def progress() -> None:
    """Print what you have solved and predicted so far, notebook by notebook."""
    load_part_iii()
    state = progress_file.load()
    per_notebook = Counter(e.notebook for e in EXERCISES.values())
    width = max(per_notebook.values())
    for notebook in NOTEBOOKS:
        solved = [
            e.name in state["exercises"] for e in EXERCISES.values() if e.notebook == notebook
        ]
        said = [
            p.name in state["predictions"] for p in PREDICTIONS.values() if p.notebook == notebook
        ]
        marks = "".join("●" if done else "○" for done in sorted(solved, reverse=True))
        number_and_name = numbered(notebook).replace("_", " ", 1)
        print(
            f"{number_and_name:25} exercises {marks:{width}} {sum(solved):2}/{len(solved):<2}"
            f"   predictions {sum(said)}/{len(said)}"
        )


def _entry(table: dict, name: str | None):
    """The entry of EXERCISES or PREDICTIONS, or None; Part III is imported only to look there."""
    if name not in table:
        load_part_iii()
    return table.get(name)


def _of(answer: Callable) -> Exercise | None:
    """The exercise that has the answer's name; if there is none, a sentence says what to pass."""
    for function in _layers(answer):
        subject = _entry(EXERCISES, getattr(function, "__name__", None))
        if subject is not None:
            return subject
    if _entry(EXERCISES, type(answer).__name__) is not None:
        said = objects.no_class(answer, type(answer).__name__)
    elif isinstance(answer, Exercise):
        said = f"{answer.name} is the course's own here, imported from helpers: pass yours"
    elif not callable(answer):
        said = (
            "pass your function itself, without brackets, quotes or arguments: "
            f"check(batch_norm_forward). This is {_article(type(answer).__name__)}"
        )
    elif (name := getattr(answer, "__name__", "")) in ("<lambda>", ""):
        said = (
            "what you pass has no name, and the name tells which exercise it answers: write "
            "def and the name that the notebook gave it"
        )
    else:
        said = _unknown(name)
    print(wrapped(f"✗ {said}"))
    return None


def _layers(answer) -> Iterator:
    """A function, and those inside a functools.partial or a decorator that hides its name."""
    yield answer
    if isinstance(answer, functools.partial):
        yield from _layers(answer.func)
    for cell in getattr(answer, "__closure__", None) or ():
        with contextlib.suppress(ValueError):  # a variable without a value
            yield from filter(callable, [cell.cell_contents])


def _unknown(name: str) -> str:
    """What to say about a name that no exercise has, and which name may be meant."""
    close = difflib.get_close_matches(str(name), names(), n=3, cutoff=0.6)
    meant = f"did you mean {' or '.join(close)}?" if close else "keep the name from the notebook"
    return f"no exercise is called {name!r}: {meant}".removesuffix(".")


def _article(noun: str) -> str:
    return f"an {noun}" if noun[0].lower() in "aeiou" else f"a {noun}"
