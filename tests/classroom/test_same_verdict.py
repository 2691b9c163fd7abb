"""The same answer gets the same verdict as in the notebook."""

import ast
import inspect
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
    around = ast.parse(inspect.getsource(inspect.getmodule(answer)))
    around.body = [plain(statement) for statement in around.body if not registers(statement)]
    definition = plain(ast.parse(textwrap.dedent(inspect.getsource(answer))).body[0])
    definition.name = name
    return [ast.unparse(around), f"{ast.unparse(definition)}\n\n\ncheck({name})"]


def registers(statement):
    """Whether a statement of a module of answers is about the tests only."""
    if isinstance(statement, ast.ImportFrom):
        return statement.module == "registry" or statement.module.startswith("answers_")
    return isinstance(statement, ast.Expr)


def plain(statement):
    """A definition without the decorators that register it."""
    if isinstance(statement, ast.FunctionDef | ast.ClassDef):
        statement.decorator_list = [d for d in statement.decorator_list if not registering(d)]
    return statement


def registering(decorator):
    return isinstance(decorator, ast.Call) and getattr(decorator.func, "id", "") in REGISTERING


def answers():
    """Every answer that has a source of its own, by notebook."""
    found = defaultdict(list)
    for name in names():
        every = [*ALTERNATIVES[name], *(mutant for mutant, _ in MUTANTS[name])]
        found[EXERCISES[name].notebook] += [(name, answer) for answer in every]
    return found


ANSWERS = answers()


@pytest.mark.parametrize("notebook", [n for n in NOTEBOOKS if ANSWERS[n]])
def test_in_the_sandbox_as_in_the_notebook(notebook, own):
    own.seconds = 20
    own.ask({"import": [*originals.imports(notebook), "torch"]})
    wrong = []
    for name, answer in ANSWERS[notebook]:
        own.ask({"read": cells_of(name, answer)})
        said = own.ask({"judge": name})
        status, message = judge(name, answer)
        message = message.replace(f"{answer.__name__}(", f"{name}(")
        if (said.get("status"), said.get("message")) != (status, message):
            wrong.append((name, answer.__name__, status, message[:200], str(said)[:300]))
    assert not wrong
