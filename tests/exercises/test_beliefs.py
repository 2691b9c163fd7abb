"""Every wrong choice is something that people believe: it says where it comes from."""

from dataclasses import replace
from importlib import import_module

import pytest
from registry import MUTANTS

from helpers.claims import all_claims
from helpers.contents import NOTEBOOKS
from helpers.exercises import load_part_iii, questions
from helpers.exercises.questions import QUESTIONS, Choice

load_part_iii()
for notebook in NOTEBOOKS:
    import_module(f"answers_{notebook}")


def sources():
    """(question, letter, source) for each wrong choice that has a source."""
    return [
        pytest.param(question.name, letter, source, id=f"{question.name}-{letter}")
        for question in QUESTIONS.values()
        if isinstance(question, Choice)
        for letter, source in question.believed.items()
    ]


def exists(source):
    """Whether there is such a mutant, a claim with a quoted statement, or a quote."""
    kind, _, key = source.partition(": ")
    if kind == "mutant":
        exercise, _, function = key.partition(".")
        return function in [answer.__name__ for answer, _ in MUTANTS.get(exercise, [])]
    tables = {"claim": all_claims, "quote": questions.beliefs}
    entry = tables[kind]().get(key, {}) if kind in tables else {}
    return bool(entry.get("said") and entry.get("by"))


def untraced(asked):
    """The names of the choices among some questions that do not say where their wrong answers come
    from. Recalls need not: they ask what has been shown."""
    choices = [q for q in asked if isinstance(q, Choice) and q.recalls is None]
    return [q.name for q in choices if not q.believed]


@pytest.mark.parametrize(("name", "letter", "source"), sources())
def test_a_source_exists(name, letter, source):
    assert exists(source), f"{name}, {letter}: there is no {source}"


def test_sources_that_do_not_exist_are_caught(monkeypatch):
    entry = {"said": "All are alike.", "by": "A. Nybody", "where": "page 1"}
    monkeypatch.setattr(questions, "beliefs", lambda: {"alike": entry, "empty": {"said": ""}})
    exercise = next(iter(MUTANTS))
    function = MUTANTS[exercise][0][0].__name__
    for source in (f"mutant: {exercise}.{function}", "quote: alike", "claim: unit-variance"):
        assert exists(source), source
    missing = ["mutant: nothing.nothing", f"mutant: {exercise}.nothing", f"mutant: {exercise}"]
    missing += ["quote: none", "quote: empty", "claim: none", "claim:unit-variance"]
    for source in [*missing, "alike", "", "rumour: alike"]:
        assert not exists(source), source


@pytest.mark.parametrize("name", questions.beliefs())
def test_a_quote_says_who_says_it_where_and_is_used(name):
    assert set(questions.beliefs()[name]) == {"said", "by", "where"}
    assert all(text.strip() for text in questions.beliefs()[name].values())
    assert f"quote: {name}" in [source.values[2] for source in sources()]


def test_every_wrong_choice_of_the_course_is_something_that_people_believe():
    assert untraced(QUESTIONS.values()) == []


def test_a_choice_without_sources_is_caught():
    bare = Choice("made-up", "forward", "a", {"a": "", "b": ""})
    assert untraced([bare, replace(bare, believed={"b": "claim: unit-variance"})]) == ["made-up"]
    assert untraced([replace(bare, recalls="start_here")]) == []
