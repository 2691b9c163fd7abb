"""Exercises. Notebooks use `check`, `hint`, `solution`, `predict`, `progress`; graders use `judge`.

Each notebook has a module here of the same name without the number. It holds the notebook's
exercises and predictions.
"""

from collections import Counter
from collections.abc import Callable
from importlib import import_module
from importlib.util import find_spec

from helpers.exercises import progress_file
from helpers.exercises.engine import EXERCISES, PREDICTIONS, Exercise, examine
from helpers.exercises.renamed import NEW_NAMES
from helpers.wrapping import wrapped

NOTEBOOKS = (
    "start_here",
    "why_normalize_inputs",
    "forward",
    "backward",
    "training",
    "inference",
    "convolution",
    "covariate_shift",
    "smoothing",
    "learning_rate_and_init",
    "depth",
    "length_and_direction",
    "regularization",
    "when_it_fails",
    "pytorch",
    "gpu_training",
    "cost",
    "many_gpus",
    "bug_clinic",
    "verdicts",
)
_PART_III = NOTEBOOKS.index("pytorch")

for _name in NOTEBOOKS[:_PART_III]:
    import_module(f"helpers.exercises.{_name}")


def load_part_iii() -> None:
    """Import the exercises of Part III, and PyTorch with them: seconds that Parts I and II save.

    Where PyTorch is not installed, they stay unknown.
    """
    if find_spec("torch") is None:
        return
    for name in NOTEBOOKS[_PART_III:]:
        import_module(f"helpers.exercises.{name}")


_hints_shown: dict[str, int] = {}


def names() -> list[str]:
    """The names of all exercises, in the order of the course."""
    load_part_iii()
    return sorted(EXERCISES, key=lambda name: NOTEBOOKS.index(EXERCISES[name].notebook))


def judge(name: str, answer: Callable) -> tuple[str, str]:
    """Judge an answer to the exercise `name`: (status, message).

    status is "todo", "fail" or "pass". Raises KeyError for an unknown name.
    """
    return examine(_find(name), answer)[:2]


def check(answer: Callable) -> None:
    """Check your function. Its own name tells which exercise it answers."""
    subject = _of(answer)
    verdict = examine(subject, answer)
    print(wrapped(verdict.message))
    if verdict.status == "pass":
        progress_file.add_exercise(subject.name)
    elif verdict.status == "fail":
        print(f"  For help, run hint({subject.name}).")


def hint(answer: Callable) -> None:
    """Show the next hint of an exercise; each call says more."""
    subject = _of(answer)
    shown = min(_hints_shown.get(subject.name, 0) + 1, len(subject.hints))
    _hints_shown[subject.name] = shown
    print(wrapped(f"Hint {shown} of {len(subject.hints)}: {subject.hints[shown - 1]}"))
    if shown == len(subject.hints):
        print(f"That was the last hint. solution({subject.name}) shows one way to write it.")


def solution(answer: Callable) -> None:
    """Show the source of the reference, the very code that the checks were tried on."""
    print(_of(answer).source())


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
    for number, notebook in enumerate(NOTEBOOKS):
        solved = [
            e.name in state["exercises"] for e in EXERCISES.values() if e.notebook == notebook
        ]
        said = [
            p.name in state["predictions"] for p in PREDICTIONS.values() if p.notebook == notebook
        ]
        marks = "".join("●" if done else "○" for done in sorted(solved, reverse=True))
        print(
            f"{number:02d} {notebook:22} exercises {marks:{width}} {sum(solved):2}/{len(solved):<2}"
            f"   predictions {sum(said)}/{len(said)}"
        )


def _entry(table: dict, name: str | None):
    """The entry of EXERCISES or PREDICTIONS, or None; Part III is imported only to look there."""
    if name not in table:
        load_part_iii()
    return table.get(name)


def _find(name: str) -> Exercise:
    subject = _entry(EXERCISES, name)
    if subject is None:
        raise KeyError(f"no exercise is called {name!r}; known: {', '.join(names())}")
    return subject


def _of(answer: Callable) -> Exercise:
    name = getattr(answer, "__name__", None)
    subject = _entry(EXERCISES, name)
    if subject is None:
        raise KeyError(
            f"{name or answer!r} is not the name of an exercise: pass the function you wrote, "
            "under the name that the notebook gave it"
        )
    return subject
