"""The score of the final quiz. Its questions are predictions of the notebook `verdicts`."""

from helpers.contents import numbered
from helpers.exercises import progress_file
from helpers.exercises.questions import QUESTIONS
from helpers.exercises.verdicts.questions import QUIZ
from helpers.wrapping import wrapped


def quiz_score() -> None:
    """Print how many questions were right at the first try, and which notebooks to read again."""
    chosen = progress_file.load()["predictions"]
    answered = [name for name in QUIZ if name in chosen]
    wrong = [name for name in answered if not QUESTIONS[name].is_right(chosen[name])]
    print(
        f"Answered {len(answered)} of {len(QUIZ)} questions, "
        f"right at the first try: {len(answered) - len(wrong)}."
    )
    if wrong:
        again = sorted({numbered(QUIZ[name]).replace("_", " ") for name in wrong})
        print(wrapped(f"Worth reading again: {', '.join(again)}."))
    elif len(answered) == len(QUIZ):
        print("Nothing in it needs to be read again.")
