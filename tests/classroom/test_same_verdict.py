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
        if (said.get("status"), told(said.get("message", ""), name)) != (
            status,
            told(message, answer.__name__),
        ):
            wrong.append((name, answer.__name__, status, message[:200], str(said)[:300]))
    assert not wrong
