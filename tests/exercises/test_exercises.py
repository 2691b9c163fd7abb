"""Proofs about every exercise: right answers pass, wrong answers fail for the right reason."""

import sys
from importlib import import_module

import numpy as np
import pytest
from registry import ALTERNATIVES, MUTANTS, SAYS

from helpers.contents import NOTEBOOKS
from helpers.exercises import judge, names
from helpers.exercises.engine import EXERCISES, Exercise, examine

for notebook in NOTEBOOKS:
    import_module(f"answers_{notebook}")

# The five that the course turns on are attacked hardest.
CENTRAL = {
    "standardize",
    "batch_norm_forward",
    "batch_norm_backward",
    "update_running",
    "batch_norm_2d",
    "BatchNormLayer",
}


def answers(table):
    return [pytest.param(name, a, id=f"{name}-{a.__name__}") for name in table for a in table[name]]


def mutants():
    rows = [(name, *row) for name in MUTANTS for row in MUTANTS[name]]
    return [pytest.param(*row, id=f"{row[0]}-{row[1].__name__}") for row in rows]


@pytest.mark.parametrize("name", names())
def test_the_reference_passes(name):
    assert judge(name, EXERCISES[name].reference)[0] == "pass"


def blanks(name):
    """What a notebook starts with: nothing is returned yet. Of a class, `__init__` may be there."""
    reference = EXERCISES[name].reference
    for blank in (lambda *args, **kwargs: None, lambda *args, **kwargs: ...):
        if not isinstance(reference, type):
            yield blank
            continue
        methods = [key for key, value in vars(reference).items() if callable(value)]
        yield type(name, (), dict.fromkeys(methods, blank))
        yield type(name, (), {**dict.fromkeys(methods, blank), "__init__": reference.__init__})
        yield type(name, (), {})


@pytest.mark.parametrize("name", names())
def test_a_blank_answer_is_not_attempted(name):
    for blank in blanks(name):
        assert judge(name, blank)[0] == "todo"


@pytest.mark.parametrize(("name", "answer"), answers(ALTERNATIVES))
def test_an_alternative_passes(name, answer):
    status, message = judge(name, answer)
    assert status == "pass", message


@pytest.mark.parametrize(("name", "answer", "blamed"), mutants())
def test_a_mutant_is_blamed_on_the_right_check(name, answer, blamed):
    verdict = examine(EXERCISES[name], answer)
    assert verdict.status == "fail"
    assert verdict.blamed == blamed, verdict.message
    assert SAYS[answer] in verdict.message
    assert "cannot be used" not in verdict.message, "the check should say what is wrong itself"


BUGS = [name for name in names() if EXERCISES[name].bug]


@pytest.mark.parametrize("name", BUGS)
def test_the_bug_that_a_notebook_starts_with_is_found(name):
    verdict = examine(EXERCISES[name], EXERCISES[name].bug)
    assert verdict.status == "fail"
    assert "cannot be used" not in verdict.message, "the check should say what is wrong itself"


@pytest.mark.parametrize("name", names())
def test_every_exercise_is_attacked(name):
    assert len(ALTERNATIVES[name]) >= 2
    assert len(MUTANTS[name]) >= (12 if name in CENTRAL else 4)


@pytest.mark.parametrize("name", names())
def test_every_check_is_needed(name):
    blamed = {blamed for _, blamed in MUTANTS[name]}
    if EXERCISES[name].bug:
        blamed.add(examine(EXERCISES[name], EXERCISES[name].bug).blamed)
    assert blamed == set(EXERCISES[name].checks)


def test_an_error_is_no_failure_only_where_an_answer_may_refuse():
    subject = Exercise(lambda x: 2 * x, ("", ""))

    @subject.expect
    def doubles():
        """Doubles a number."""
        assert (yield (3,), {}) == 6

    @subject.expect_or_refuse
    def doubles_below_zero():
        """Doubles what is below zero, or says that it does not."""
        assert (yield (-3,), {}) == -6

    def refuses(x):
        if x < 0:
            raise ValueError("not below zero")
        return 2 * x

    assert examine(subject, lambda x: 2 * x).status == "pass"
    assert examine(subject, refuses).status == "pass"
    assert examine(subject, lambda x: 2 * abs(x)).blamed == "doubles_below_zero"
    assert examine(subject, lambda x: [0, 2, 4, 6][x] if x > 0 else [][x]).blamed == (
        "doubles_below_zero"
    )
    assert examine(subject, lambda x: refuses(-x)).blamed == "doubles"


@pytest.mark.parametrize("name", names())
def test_no_two_slips_give_the_same(name, monkeypatch):
    """Otherwise whoever made the second mistake is told of the first."""
    wrongs = []

    def noted(actual, wrong, says, tol=1e-9):
        for earlier in wrongs:
            if earlier[0] is actual and says != earlier[2]:
                alike = np.shape(wrong) == np.shape(earlier[1])
                assert not (alike and np.allclose(wrong, earlier[1], tol)), (says, earlier[2])
        wrongs.append((actual, wrong, says))

    module = sys.modules[EXERCISES[name].reference.__module__]
    monkeypatch.setattr(module, "slip", noted, raising=False)
    assert judge(name, EXERCISES[name].reference)[0] == "pass"


@pytest.mark.parametrize("name", names())
def test_hints_escalate(name):
    hints = EXERCISES[name].hints
    assert len(hints) >= 2
    assert len(set(hints)) == len(hints)


def test_answers_belong_to_known_exercises():
    assert set(ALTERNATIVES) | set(MUTANTS) == set(names())
