"""When a question comes back: Leitner's boxes, kept beside the answers in the progress file.

A question that was right at first starts in box 2, any other in box 1. From box to box it rests
longer. Right when it is due, it moves up by one; wrong, it falls back to box 1.
"""

from collections.abc import Mapping
from datetime import date, timedelta

from helpers.exercises import progress_file
from helpers.exercises.questions import Question

# The days that a question rests in boxes 1 to 5.
RESTS = (1, 3, 7, 21, 60)
# So many questions are asked at a time.
AT_ONCE = 5


def today() -> date:
    """The day on this machine's clock."""
    return date.today()


def record_first(question: Question, kept: str) -> None:
    """Record an answer and put the question into its box. Only the first answer counts; later ones
    change nothing."""

    def add(state: dict) -> None:
        if not _has_first(state, question):
            _begin(state, question, kept)

    progress_file.update(add)


def record_again(question: Question, kept: str) -> None:
    """Record an answer that was given in a review, and move the question to its next box.

    Right before it is due, it stays where it is: repeating it at once is no memory. A question
    that was never asked before gets its first answer.
    """

    def move(state: dict) -> None:
        if not _has_first(state, question):
            _begin(state, question, kept)
        elif not question.is_right(kept):
            state["review"][question.name] = [1, today().isoformat()]
        elif days_over(state, question) >= 0:
            box = min(_standing(state, question)[0] + 1, len(RESTS))
            state["review"][question.name] = [box, today().isoformat()]

    progress_file.update(move)


def _has_first(state: dict, question: Question) -> bool:
    return question.knows(state["predictions"].get(question.name))


def _begin(state: dict, question: Question, kept: str) -> None:
    """Set the first answer, over what the file may hold of another question of that name."""
    state["predictions"][question.name] = kept
    state["review"][question.name] = [_first_box(question, kept), today().isoformat()]


def _first_box(question: Question, kept: str) -> int:
    return 2 if question.is_right(kept) else 1


def answered(state: dict, questions: Mapping[str, Question]) -> list[Question]:
    """The questions of the course that have a first answer in the progress file."""
    known = (questions[name] for name in state["predictions"] if name in questions)
    return [question for question in known if _has_first(state, question)]


def _reviewable(state: dict, questions: Mapping[str, Question]) -> list[Question]:
    return [question for question in answered(state, questions) if question.asked_again]


def due(state: dict, questions: Mapping[str, Question]) -> list[Question]:
    """The questions to be asked again today: longest overdue and lowest boxes first, but one of
    each notebook before the second of any."""
    waiting = [q for q in _reviewable(state, questions) if days_over(state, q) >= 0]
    waiting.sort(key=lambda q: (-days_over(state, q), _standing(state, q)[0]))
    rounds: list[list[Question]] = []
    for question in waiting:
        about = question.recalls or question.notebook
        for already in rounds:
            if about not in [q.recalls or q.notebook for q in already]:
                already.append(question)
                break
        else:
            rounds.append([question])
    return [question for already in rounds for question in already]


def next_day(state: dict, questions: Mapping[str, Question]) -> date | None:
    """The day on which the next question comes due, None if none has been answered yet."""
    days = [days_over(state, question) for question in _reviewable(state, questions)]
    return today() - timedelta(days=max(days)) if days else None


def days_over(state: dict, question: Question) -> int:
    """For how many days an answered question has been due; below 0 while it rests.

    A day of last answer that is unknown, or lies ahead because a clock was wrong, counts as
    due: no question is lost for years. (One day ahead may be another time zone.)
    """
    box, day = _standing(state, question)
    if day is None or (today() - day).days < -1:
        return 0
    return max((today() - day).days, 0) - RESTS[box - 1]


def _standing(state: dict, question: Question) -> tuple[int, date | None]:
    """The box and the day of the last answer. Without a readable entry, the first answer tells the
    box."""
    try:
        box, day = state["review"][question.name]
        if type(box) is int and 1 <= box <= len(RESTS):
            return box, date.fromisoformat(day)
    except (KeyError, TypeError, ValueError):
        pass
    return _first_box(question, state["predictions"][question.name]), None
