"""The same answer gets the same verdict as in the notebook."""

import ast
import inspect
import re
import sys
import textwrap
from collections import defaultdict
from importlib import import_module

import pytest
from registry import ALTERNATIVES, MUTANTS

from helpers.classroom.grading import originals
from helpers.contents import NOTEBOOKS
from helpers.exercises import judge, names
from helpers.exercises.engine import EXERCISES

for notebook in NOTEBOOKS:
    import_module(f"answers_{notebook}")

REGISTERING = {"alternative", "mutant"}


def cells_of(name, answer):
    """A notebook's cells with an answer: what its own module defines, and then the answer."""
    definition = plain(ast.parse(textwrap.dedent(inspect.getsource(answer))).body[0])
    definition.name = name
    around = ast.unparse(ast.Module(list(statements(inspect.getmodule(answer))), []))
    return [around, f"{ast.unparse(definition)}\n\n\ncheck({name})"]


def statements(module):
    """What a module of answers defines, and those whose definitions it imports."""
    for statement in ast.parse(inspect.getsource(module)).body:
        if isinstance(statement, ast.Import | ast.ImportFrom):
            named = getattr(statement, "module", statement.names[0].name)
            if named.startswith("answers_"):
                yield from statements(sys.modules[named])
            elif named != "registry":
                yield statement
        elif not isinstance(statement, ast.Expr):
            yield plain(statement)


def plain(statement):
    """A definition without the decorators that register it."""
    if isinstance(statement, ast.FunctionDef | ast.ClassDef):
        statement.decorator_list = [d for d in statement.decorator_list if not registering(d)]
    return statement


def registering(decorator):
    return isinstance(decorator, ast.Call) and getattr(decorator.func, "id", "") in REGISTERING


def told(message, name):
    """What a message says first, without what depends on how an answer is called and where its
    lines stand: those of the tests begin with a decorator."""
    first = message.partition("\n")[0].replace(f"{name}(", "answer(")
    return re.sub(r"line \d+", "line", first)


def every_answer():
    """By notebook and exercise, the right and the wrong answers that the tests keep; without
    those that a function made, which no learner could write down."""
    found = defaultdict(list)
    for name in names():
        right, wrong = (
            [answer for answer in answers if not getattr(answer, "__closure__", None)]
            for answers in (ALTERNATIVES[name], [mutant for mutant, _ in MUTANTS[name]])
        )
        found[EXERCISES[name].notebook].append((name, right, wrong))
    return found


def told_apart(patient, notebook, answers):
    """The answers that get another verdict in the sandbox than in the notebook."""
    patient.ask({"import": [*originals.imports(notebook), "torch"]})
    for name, answer in answers:
        patient.ask({"read": cells_of(name, answer)})
        said = patient.ask({"judge": name})
        status, message = judge(name, answer)
        if (said.get("status"), told(said.get("message", ""), name)) != (
            status,
            told(message, answer.__name__),
        ):
            yield name, answer.__name__, status, message[:200], str(said)[:300]


EVERY = every_answer()


@pytest.mark.parametrize("notebook", EVERY)
def test_a_right_and_a_wrong_answer_are_judged_as_in_the_notebook(notebook, patient):
    some = [(n, a) for n, right, wrong in EVERY[notebook] for a in (*right[:1], *wrong[-1:])]
    assert not list(told_apart(patient, notebook, some))


@pytest.mark.thorough
@pytest.mark.parametrize("notebook", EVERY)
def test_every_answer_is_judged_as_in_the_notebook(notebook, patient):
    every = [(n, a) for n, right, wrong in EVERY[notebook] for a in (*right, *wrong)]
    assert not list(told_apart(patient, notebook, every))
