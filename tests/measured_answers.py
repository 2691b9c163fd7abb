"""Whether the answers of number and order questions are what their notebook measures.

After the last cell of a notebook has run under nbval, `measured_by` of each question about it is
evaluated in its kernel (conftest.py).
"""

import ast
import itertools
import json
import math
from collections.abc import Iterator
from queue import Empty

from helpers import exercises
from helpers.contents import NOTEBOOKS
from helpers.exercises.questions import QUESTIONS, Number, Order

PATIENCE = 60  # seconds for all expressions of a notebook


def measurable(notebook: str) -> list[Number | Order]:
    """The questions whose answer a notebook measures: its own, and recalls of it."""
    return [
        question
        for question in QUESTIONS.values()
        if isinstance(question, Number | Order)
        and question.measured_by
        and (question.recalls or question.notebook) == notebook
    ]


def wrong_answers(kernel, notebook: str) -> list[str]:
    """What to complain of, once a notebook has run in nbval's `kernel`.

    The modules of Parts I and II are imported already; only Part III needs PyTorch.
    """
    if NOTEBOOKS.index(notebook) >= NOTEBOOKS.index("pytorch"):
        exercises.load_part_iii()
    questions = measurable(notebook)
    values = evaluated(kernel, {q.name: q.measured_by for q in questions})
    return [line for question in questions for line in complaints(question, values[question.name])]


def complaints(question: Number | Order, value: list[float] | str) -> Iterator[str]:
    """What is wrong with a question's answer. value: what was measured, or why nothing was."""
    said = f"{question.name}: {question.measured_by}"
    size = 1 if isinstance(question, Number) else len(question.labels)
    if isinstance(value, str):
        yield f"{said} fails with {value}"
    elif len(value) != size or not all(map(math.isfinite, value)):
        yield f"{said} gives {value}, not {size} finite number{'s'[: size > 1]}"
    elif isinstance(question, Order):
        found = dict(zip(question.labels, value, strict=True))
        numbers = [found[letter] for letter in question.answer]
        if any(small >= large for small, large in itertools.pairwise(numbers)):
            order = " < ".join(sorted(found, key=found.get))
            yield f"{said} gives {value}: {order}, but the answer says {question.answer!r}"
    else:
        absolute = question.within_absolute is not None
        allowed = question.tolerance * (1 if absolute else abs(question.answer))
        if abs(value[0] - question.answer) > allowed * (1 + 1e-9):
            limit = f"{allowed:.3g}" if absolute else f"{question.tolerance:.0%}"
            yield (
                f"{said} gives {value[0]:.4g}, but the answer says {question.answer:.4g}: off by "
                f"more than {limit}"
            )


def evaluated(kernel, expressions: dict[str, str]) -> dict[str, list[float] | str]:
    """The numbers that each expression gives in nbval's kernel, or the error that it ends in."""
    if not expressions:
        return {}
    numbers = "__import__('numpy').asarray({}, dtype=float).ravel().tolist()"
    asked = {k: f"__import__('json').dumps({numbers.format(e)})" for k, e in expressions.items()}
    sent = kernel.kc.execute("", silent=True, user_expressions=asked)
    reply = None
    while reply is None or reply["parent_header"].get("msg_id") != sent:
        try:
            reply = kernel.kc.get_shell_msg(timeout=PATIENCE)
        except Empty:
            return dict.fromkeys(expressions, f"no reply within {PATIENCE} seconds")
    found = reply["content"]["user_expressions"]
    return {name: _numbers(found[name]) for name in expressions}


def _numbers(result: dict) -> list[float] | str:
    if result["status"] != "ok":
        return f"{result['ename']}: {result['evalue']}"
    return json.loads(ast.literal_eval(result["data"]["text/plain"]))
