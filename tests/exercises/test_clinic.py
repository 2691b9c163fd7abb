"""The experiment clinic: each flaw turns a conclusion of recorded runs, a repair turns it back."""

import copy
import re

import answers_weigh_the_evidence  # noqa: F401, fills ALTERNATIVES
import pytest
from registry import ALTERNATIVES

from helpers import bench
from helpers.comparing import WORDS
from helpers.exercises import judge
from helpers.exercises.engine import EXERCISES
from helpers.exercises.weigh_the_evidence import (
    CASES,
    FLAWS,
    list_flaws,
    list_parts,
    reexamine,
    report,
)
from helpers.exercises.weigh_the_evidence.flaws import examine

TWO = {"batch norm": {"norm": "batch"}, "plain": {"norm": "none"}}
BOTH_BATCH_8 = {arm: what | {"batch": 8} for arm, what in TWO.items()}


@pytest.fixture(autouse=True)
def recorded_only():
    with bench.nothing_trained():
        yield


@pytest.mark.parametrize("name", CASES)
def test_a_report_has_the_flaws_of_its_diagnosis_and_says_how_many(name):
    named, _ = EXERCISES[name](copy.deepcopy(dict(CASES[name].design)))
    assert set(examine(CASES[name].design).found) == set(named)
    assert not CASES[name].told or len(named) == 1


FLAWED_CASES = [
    name for name in CASES if EXERCISES[name](copy.deepcopy(dict(CASES[name].design)))[0]
]


@pytest.mark.parametrize("name", FLAWED_CASES)
def test_each_flaw_flips_the_conclusion_and_each_repair_flips_it_back(name):
    reported = examine(CASES[name].design).comparison.word
    assert reported == CASES[name].word  # the report's last sentence puts it into words
    for answer in (EXERCISES[name].reference, *ALTERNATIVES[name]):
        _, repaired = answer(copy.deepcopy(dict(CASES[name].design)))
        assert examine(repaired).found == {}
        assert examine(repaired).comparison.word != reported, answer.__name__


@pytest.mark.parametrize("name", FLAWED_CASES)
def test_no_flaw_is_idle(name):
    # Without it the conclusion is another one, or with it alone the conclusion is still wrong.
    design = CASES[name].design
    _, repaired = EXERCISES[name](copy.deepcopy(dict(design)))
    reported, fair = (examine(d).comparison.word for d in (design, repaired))
    for key in (key for key in repaired if repaired[key] != design.get(key)):
        without = examine({**design, key: repaired[key]}).comparison.word
        alone = examine({**repaired, key: design.get(key)}).comparison.word
        assert without != reported or alone != fair, key


def test_one_report_is_sound():
    assert [name for name in CASES if not examine(CASES[name].design).found] == ["two_layers_again"]


def test_a_repair_in_place_leaves_the_case_as_it_is(capsys):
    def sixty_layers(design):
        design["arms"]["plain"]["norm"] = "SkipInit"
        return {"baseline that nobody would use"}, design

    for _ in range(2):
        reexamine(sixty_layers, "too close to call")
        assert "reported: batch norm against plain: better" in capsys.readouterr().out
    assert CASES["sixty_layers"].design["arms"]["plain"]["norm"] == "none"


def test_every_flaw_that_a_report_can_have_is_met_somewhere_as_its_cure_or_as_a_mutant():
    met = {flaw for case in CASES.values() for flaw in examine(case.design).found}
    assert len(met) >= 11
    assert set(FLAWS) - met == {"chosen on training images"}  # which hides in a repair


@pytest.mark.parametrize("name", CASES)
def test_the_numbers_of_a_report_are_computed(name):
    said = CASES[name].said
    assert "{word}" in said
    numbers = re.findall(r"(?<![\w{])0?\.\d+", said)
    assert set(numbers) <= {"0.01", "0.001"}  # a momentum and a rate that designs have
    assert not any(word in said for word in WORDS[2:])
    page = report(name).data
    assert examine(CASES[name].design).comparison.table in page
    assert "{" not in page.split("```")[0]


def test_a_report_shows_the_design_as_one_writes_it():
    for name, case in CASES.items():
        code = re.search(r"```python\n(.*?)```", report(name).data, re.DOTALL)[1]
        space = {"null": None}
        exec(code, space)
        assert space["design"] == case.design


def test_an_unknown_case_is_named():
    with pytest.raises(KeyError, match="no case 'mnist'; there are: mnist_digits"):
        report("mnist")


def test_the_table_of_parts_names_what_a_design_can_hold():
    page = list_parts().data
    for known in (bench.NORMS, bench.MEASURED, bench.SCORED, bench.compare.__kwdefaults__):
        assert all(f"{name}`" in page or f'{name}"`' in page for name in known)


def test_the_table_of_flaws_has_them_all():
    assert all(f"`{name}`" in list_flaws().data for name in FLAWS)


def test_what_becomes_of_the_conclusion_is_shown_once_it_is_repaired(capsys):
    def mnist_digits(design): ...

    reexamine(mnist_digits)
    assert re.search(r"(?s)reported: .*better.*\nrepaired: ○ not yet", capsys.readouterr().out)
    right = EXERCISES["mnist_digits"].reference
    reexamine(right)  # the guess comes first
    assert re.search(r"repaired: ○ what will it conclude\?", capsys.readouterr().out)
    reexamine(right, "worse")
    found = capsys.readouterr().out
    assert re.search(r"(?s)reported: .*better.*\nrepaired: .*no difference", found)
    assert "✗ you expected 'worse'" in found
    reexamine(right, "no difference")
    assert "✓ as you expected" in capsys.readouterr().out


@pytest.mark.parametrize("name", CASES)
def test_every_right_answer_can_be_reexamined(name, capsys):
    for number, right in enumerate(ALTERNATIVES[name]):

        def answer(design, right=right):
            return right(design)

        answer.__name__ = name
        reexamine(answer, " Better ")
        assert "repaired: batch norm against" in capsys.readouterr().out, number


def test_where_two_things_were_repaired_each_is_also_shown_alone(capsys):
    reexamine(EXERCISES["centred_pixels"].reference, "no difference")
    found = capsys.readouterr().out
    assert re.search(r"with rates repaired alone: no difference", found)
    assert re.search(r"with by repaired alone: too close to call", found)


def test_a_repair_whose_runs_were_not_recorded_is_refused_and_trains_nothing():
    def sigmoid_layers(design):
        return {"unequal steps"}, design | {"steps": 600, "seeds": range(7)}

    status, message = judge("sigmoid_layers", sigmoid_layers)
    assert status == "fail"
    assert "not recorded" in message


FLAWED = {
    "edge of the grid": {"rates": [0.001, 0.01]},
    "one rate for both": {"rates": 0.1},
    "chosen on test images": {"chosen_on": "test"},
    "chosen on training images": {"chosen_on": "train"},
    "too few seeds": {"seeds": 4},
    "unpaired seeds": {"seeds": {"batch norm": [0, 1, 2, 3, 4], "plain": [4, 3, 2, 1, 0]}},
    "unequal steps": {"steps": {"batch norm": 400, "plain": 300}},
    "mean over a diverged run": {"by": "mean"},
    "margin wider than the effect": {"margin": 0.05},
    "tautological measure": {"measure": "drift of means"},
    "disturbing probe": {"scored": "eval mode, after the looks"},
    "stale statistics": {"arms": TWO | {"batch norm": {"norm": "batch, momentum 0.01"}}},
    "baseline that nobody would use": {"arms": TWO | {"plain": {"norm": "none", "batch": 8}}},
}


@pytest.mark.parametrize("name", FLAWS)
def test_a_flaw_is_found_alone(name):
    assert list(examine({"arms": TWO, "steps": 200} | FLAWED[name]).found) == [name]


@pytest.mark.parametrize("measure", ["accuracy", "loss", "errors", "steps", "rate", "decades"])
def test_a_fair_design_has_none(measure):
    assert examine({"arms": BOTH_BATCH_8, "measure": measure}).found == {}
