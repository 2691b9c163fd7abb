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


def first_entry(question: Question, kept: str) -> list:
    """What the progress file keeps of a first answer: the box and the day."""
    return [2 if question.is_right(kept) else 1, today().isoformat()]


def record(question: Question, kept: str) -> None:
    """Record an answer that was given in a review, and move the question to its next box.

    Right before it is due, it stays where it is: repeating it at once is no memory. A question
    that was never asked before gets its first answer.
    """

    def move(state: dict) -> None:
        answered = question.name in state["predictions"] or question.name in state["review"]
        state["predictions"].setdefault(question.name, kept)
        box, _ = _standing(state, question)
        if not answered:
            state["review"][question.name] = first_entry(question, kept)
        elif not question.is_right(kept):
            state["review"][question.name] = [1, today().isoformat()]
        elif days_over(state, question) >= 0:
            state["review"][question.name] = [min(box + 1, len(RESTS)), today().isoformat()]

    progress_file.update(move)


def answered(state: dict, questions: Mapping[str, Question]) -> list[Question]:
    """The questions of the course that have been answered, as the progress file says."""
    names = dict.fromkeys([*state["predictions"], *state["review"]])
    return [questions[name] for name in names if name in questions]


def due(state: dict, questions: Mapping[str, Question]) -> list[Question]:
    """The questions to be asked again today: longest overdue and lowest boxes first, but one of
    each notebook before the second of any."""
    waiting = [q for q in answered(state, questions) if days_over(state, q) >= 0]
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
    days = [days_over(state, question) for question in answered(state, questions)]
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
    return first_entry(question, state["predictions"].get(question.name, ""))[0], None
