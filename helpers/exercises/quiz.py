"""The score of the final quiz. Its questions are predictions of the notebook `verdicts`."""

from helpers.cards import say
from helpers.contents import numbered
from helpers.exercises import boxes, progress_file
from helpers.exercises.questions import QUESTIONS
from helpers.exercises.verdicts.questions import QUIZ


def quiz_score() -> None:
    """Print how many questions were right at the first try, and which notebooks to read again."""
    state = progress_file.load()
    answered = boxes.answered(state, {name: QUESTIONS[name] for name in QUIZ})
    wrong = [q.name for q in answered if not q.is_right(state["predictions"][q.name])]
    text = (
        f"Answered {len(answered)} of {len(QUIZ)} questions, "
        f"right at the first try: {len(answered) - len(wrong)}."
    )
    if wrong:
        again = sorted({numbered(QUIZ[name]).replace("_", " ") for name in wrong})
        text += f"\nWorth reading again: {', '.join(again)}."
    elif len(answered) == len(QUIZ):
        text += "\nNothing in it needs to be read again."
    say(text)
