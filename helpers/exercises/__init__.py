"""Exercises and questions, as notebooks use them: `check`, `hint`, `solution`; `predict`, `recall`,
`review`; `progress`. Graders use `judge`.

Each notebook has a module here of the same name without the number. It holds the notebook's
exercises and questions.
"""

import contextlib
import difflib
import functools
import itertools
from collections import Counter
from collections.abc import Callable, Iterator
from importlib import import_module
from importlib.util import find_spec

from helpers.cards import say
from helpers.contents import NOTEBOOKS, numbered
from helpers.exercises import asked, boxes, objects, progress_file
from helpers.exercises.engine import EXERCISES, Exercise, examine
from helpers.exercises.open_tasks import TASKS, done, open_task  # noqa: F401, for notebooks
from helpers.exercises.questions import QUESTIONS, Question, Unreadable
from helpers.exercises.renamed import NEW_NAMES, REPLACED
from helpers.exercises.surroundings import known

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

    The answer runs in this process, with its rights. What it leaves behind in NumPy, PyTorch and
    the arguments is noticed and put back; but it can read and write files, end Python, never
    return, take all memory, and find out and change what judges it. So judge nobody's code with it
    that you would not run yourself: `course.py grade` does that in a sandbox.
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
    message = verdict.message
    if verdict.status == "fail":
        message += f"\n  For help, run hint({subject.name})."
    say(message)
    if verdict.status == "pass":
        progress_file.add_exercise(subject.name)


def hint(answer: Callable) -> None:
    """Show the next hint of an exercise; each call says more."""
    subject = _of(answer)
    if subject is None:
        return
    shown = min(_hints_shown.get(subject.name, 0) + 1, len(subject.hints))
    _hints_shown[subject.name] = shown
    lead = f"Hint {shown} of {len(subject.hints)}:"
    text = f"{lead} {subject.hints[shown - 1]}"
    if shown == len(subject.hints):
        text += f"\nThat was the last hint. solution({subject.name}) shows one way to write it."
    say(text, lead=lead)


def solution(answer: Callable) -> None:
    """Show the source of the reference, the very code that the checks were tried on."""
    subject = _of(answer)
    if subject is not None:
        print(subject.source())


def yours_or_ours(answer: Callable) -> Callable:
    """Return an answer that passes its checks; in place of any other, say so and return ours."""
    subject = _of(answer)
    if subject is None:
        raise ValueError("pass your answer to an exercise, under the name the notebook gave it")
    if examine(subject, answer).status == "pass":
        say(f"From here on, {subject.name} is yours.")
        return answer
    say(f"From here on, {subject.name} is the course's: yours does not pass its checks yet.")
    return subject.reference


def predict(name: str, answer=...) -> None:
    """Commit to an answer before you run the experiment; then read why it is right or wrong.

    answer: a letter, a number or an order of letters, as the question asks. The first one counts.
    A name of an earlier edition still works: learners keep notebooks that they have worked in.
    Raises KeyError for a name that no question has.
    """
    _ask(name, answer, "no prediction yet")


def recall(name: str, answer=...) -> None:
    """Answer from memory what an earlier notebook has shown; then read whether you were right.

    As `predict` otherwise: whichever of the two a question is asked with, it works.
    """
    _ask(name, answer, "no answer yet")


def review(name: str | None = None, answer=...) -> None:
    """Print up to five questions that are due to be asked again: `review()`.

    `review("forward-axis", "b")` answers one, and replies as `predict` does. The name alone
    prints that question. Raises KeyError for a name that no question has.
    """
    if name is not None:
        question = _question(name)
        if question is None:
            return
        if answer is Ellipsis or answer is None:
            say(_asked(question) or f"The text of {question.name} cannot be found.")
        else:
            _reply(question, answer, boxes.record_again)
        return
    state = _reviewed()
    due = boxes.due(state, QUESTIONS)
    texts = (shown for question in due if (shown := _asked(question)))
    first = list(itertools.islice(texts, boxes.AT_ONCE))
    if not due:
        say(_nothing_due(state))
    elif not first:
        say(f"Due for review: {len(due)}. But their text cannot be found in the notebooks.")
    else:
        more = f" Here are {len(first)} of them." if len(due) > len(first) else ""
        lead = f"Due for review: {len(due)}."
        say("\n\n".join([lead + more, *first]), lead=lead)


def _ask(name: str, answer, still_open: str) -> None:
    question = _question(name)
    if question is None:
        return
    if answer is Ellipsis or answer is None:
        say(f"○ {still_open}: replace ... by {question.how}")
    else:
        _reply(question, answer, boxes.record_first)


def _reply(question: Question, answer, record: Callable[[Question, str], None]) -> None:
    """Record an answer and reply to it, or say what to write."""
    try:
        kept = question.read(answer)
    except Unreadable as error:
        say(f"✗ {error}")
        return
    record(question, kept)
    say(question.reply(kept))


def _asked(question: Question) -> str | None:
    """A question as `review` prints it; None if its text cannot be found."""
    text = asked.text(question)
    if text is None:
        return None
    notebook = numbered(question.notebook).replace("_", " ", 1)
    head = f"{question.name} ({notebook})"
    how = f'To answer: review("{question.name}", ...), where ... is {question.how}.'
    return "\n".join([head, *(f"  {line}" for line in [*text.splitlines(), how])])


def _reviewed() -> dict:
    """The progress so far. Part III is imported only if one of its questions has been answered."""
    state = progress_file.load()
    if not set(state["predictions"]) <= set(QUESTIONS):
        load_part_iii()
    return state


def _nothing_due(state: dict) -> str:
    day = boxes.next_day(state, QUESTIONS)
    if day is None:
        return "Nothing is due for review: questions come back some days after you answered them."
    return f"Nothing is due for review until {day}."


def _question(name: str) -> Question | None:
    """The question of a name, of an earlier edition too. Raises KeyError if there is none.

    None, with a sentence, if another question has taken its place.
    """
    name = NEW_NAMES.get(name, name)
    if name in REPLACED:
        new = _entry(QUESTIONS, REPLACED[name])
        say(
            f"○ {name} is asked in another way now, as {new.name}, and its letters mean "
            "something else. To take the new notebook, run: python3 course.py reset "
            f"{numbered(new.notebook)[:2]}. Yours is kept."
        )
        return None
    found = _entry(QUESTIONS, name)
    if found is None:
        raise KeyError(f"no question is called {name!r}; known: {', '.join(QUESTIONS)}")
    return found


def progress() -> None:
    """Print what you have solved and answered so far, notebook by notebook, and what to review.

    Questions are predictions and recalls together; right are those whose first answer was right.
    """
    load_part_iii()
    state = progress_file.load()
    per_notebook = Counter(e.notebook for e in EXERCISES.values())
    width = max(per_notebook.values())
    for notebook in NOTEBOOKS:
        solved = [
            e.name in state["exercises"] for e in EXERCISES.values() if e.notebook == notebook
        ]
        questions = {q.name: q for q in QUESTIONS.values() if q.notebook == notebook}
        said = boxes.answered(state, questions)
        right = sum(q.is_right(state["predictions"][q.name]) for q in said)
        marks = "".join("●" if done else "○" for done in sorted(solved, reverse=True))
        number_and_name = numbered(notebook).replace("_", " ", 1)
        print(
            f"{number_and_name:25} exercises {marks:{width}} {sum(solved):2}/{len(solved):<2}"
            f"  questions {len(said):2}/{len(questions):<2}  right {right:2}"
        )
    print(f"open tasks with a verdict: {len(done())}/{len(TASKS)}")
    due = len(boxes.due(state, QUESTIONS))
    print(f"Due for review: {due}. Run review()" if due else _nothing_due(state))


def _entry(table: dict, name: str | None):
    """The entry of EXERCISES or QUESTIONS, or None; Part III is imported only to look there."""
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
    say(f"✗ {said}")
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
