"""Open tasks: a guess is kept, a verdict gets what recorded runs say, and nothing is trained."""

import json
import re
from dataclasses import replace

import pytest
from notebook_rules import notebooks, read

from helpers import bench, pool, training_runs, travels
from helpers.authoring import sections
from helpers.bench import live, requests
from helpers.claims import all_claims
from helpers.comparing import FAILS, HOLDS, OPEN, SENTENCES
from helpers.contents import numbered
from helpers.exercises import open_task, open_tasks, progress_file
from helpers.exercises.open_tasks import TASKS, WORDS, done

CLAIM = "largest-usable-rate"


@pytest.fixture(autouse=True)
def alone(tmp_path, monkeypatch):
    """A progress of its own, and nothing is trained."""

    def refuse(*args, **axes):
        raise AssertionError(f"this would be trained: {args}")

    monkeypatch.setenv("BN_COURSE_PROGRESS", str(tmp_path / "progress.json"))
    monkeypatch.setattr(training_runs, "train", refuse)
    monkeypatch.setattr(live, "_trained", {})


@pytest.fixture
def told(capsys):
    """What open_task prints, its lines joined again."""

    def ask(*args, **kwargs):
        capsys.readouterr()
        assert open_task(*args, **kwargs) is None
        return " ".join(capsys.readouterr().out.split())

    return ask


def kept():
    return progress_file.load().get("open tasks", {})


def test_a_claim_without_a_task_brings_those_with_one():
    with pytest.raises(KeyError, match="no open task about 'pigs', but about noisy-trains-alike"):
        open_task("pigs", {"batch": 8}, guess=HOLDS)


@pytest.mark.parametrize("changed", [None, {}])
@pytest.mark.parametrize("claim", TASKS)
def test_without_a_change_it_offers_what_was_recorded(told, claim, changed):
    said = told(claim, changed, guess=...)
    assert said.startswith("○ nothing is changed yet")
    for change, _ in TASKS[claim].recorded():
        for axis, value in change.items():
            shown = ("depth", "width") if axis == "hidden" else (axis,)
            assert all(f'"{name}"' in said for name in shown)
            assert repr(len(value) if axis == "hidden" else value) in said
    assert kept() == {}


def test_a_verdict_without_a_change_leads_back_to_the_guess(told):
    said = told(CLAIM, {}, verdict=HOLDS)
    assert said.startswith("○ nothing is changed yet")
    assert "guess" in said
    assert kept() == {}


@pytest.mark.parametrize("what", ["guess", "verdict"])
def test_a_word_is_still_to_be_written(told, what):
    for nothing in (..., None):
        said = told(CLAIM, {"batch": 8}, **{what: nothing})
        assert said.startswith("○ no ")
        assert all(f'"{word}"' in said for word in WORDS)
    assert kept() == {}


@pytest.mark.parametrize("what", ["guess", "verdict"])
def test_another_word_is_refused(told, what):
    said = told(CLAIM, {"batch": 8}, **{what: "does not holds"})
    assert said.startswith(f"✗ 'does not holds' is not a {what}")
    assert "'does not hold'" in said
    said = told(CLAIM, {"batch": 8}, **{what: "yes"})
    assert all(f'"{word}"' in said for word in WORDS)
    assert kept() == {}


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"bach": 8}, "no 'bach' to change"),
        ({"batch": 0}, "batch is a number"),
        ({"activation": "gelu"}, "activation is 'gelu'"),
        ({"like": "nothing"}, "no setting 'nothing'"),
    ],
    ids=str,
)
@pytest.mark.parametrize("what", ["guess", "verdict"])
def test_what_the_bench_cannot_do_is_said(told, changed, said, what):
    found = told(CLAIM, changed, **{what: HOLDS})
    assert found.startswith("✗")
    assert said in found
    assert kept() == {}


def test_the_first_guess_counts(told):
    said = told(CLAIM, {"batch": 8}, guess=" Does not  hold ")
    assert "batch 8" in said
    assert "kept" in said
    assert kept() == {CLAIM: {"batch 8": {"guess": FAILS}}}
    again = told(CLAIM, {"batch": 8}, guess=HOLDS)
    assert FAILS in again
    assert kept() == {CLAIM: {"batch 8": {"guess": FAILS}}}
    told(CLAIM, {"batch": 20}, guess=HOLDS)
    assert kept()[CLAIM]["batch 20"] == {"guess": HOLDS}
    assert done() == []


def test_a_guess_may_be_about_what_was_not_recorded(told):
    assert "kept" in told(CLAIM, {"batch": 7}, guess=HOLDS)


@pytest.mark.parametrize(("batch", "found"), [(20, HOLDS), (4, FAILS), (8, OPEN)])
@pytest.mark.parametrize("verdict", WORDS)
def test_a_verdict_is_compared_with_what_the_bench_finds(told, batch, found, verdict):
    changed = {"batch": batch}
    assert TASKS[CLAIM].word(TASKS[CLAIM].compare(changed)) == found
    told(CLAIM, changed, guess=HOLDS)
    said = told(CLAIM, changed, verdict=verdict)
    assert said.startswith("✓" if verdict == found else "✗")
    assert all_claims()[CLAIM]["said"].rstrip(".") in said
    assert TASKS[CLAIM].compare(changed).said in said
    assert all_claims()[CLAIM]["verdict"] in said
    assert "You said: " + verdict in said
    assert re.search(rf"guessed .holds.: {'right' if found == HOLDS else 'wrong'}", said)
    for change, _ in TASKS[CLAIM].recorded():
        assert open_tasks._words(change) in said
    assert kept() == {CLAIM: {f"batch {batch}": {"guess": HOLDS, "verdict": verdict}}}
    assert done() == [CLAIM]


def test_the_first_verdict_counts_and_needs_no_guess(told):
    said = told(CLAIM, {"batch": 4}, verdict=HOLDS)
    assert "guessed" not in said
    told(CLAIM, {"batch": 4}, verdict=FAILS)
    assert kept() == {CLAIM: {"batch 4": {"verdict": HOLDS}}}


def test_changes_are_listed_under_their_words(capsys):
    open_task(CLAIM, {"batch": 4}, verdict=HOLDS)
    text = " ".join(capsys.readouterr().out.split())
    start = text.index("The record says")
    places = {word: text.index(f" {word}: ", start) for word in WORDS}
    assert sorted(places, key=places.get) == list(WORDS)
    for change, word in TASKS[CLAIM].recorded():
        said = re.compile(rf"{re.escape(open_tasks._words(change))}(?!\w)")
        own = said.search(text, start).start()
        assert max((w for w in WORDS if places[w] < own), key=places.get) == word, change


def test_several_changes_at_once(told):
    said = told("no-harm-in-any-batch", {"depth": 2, "width": 128}, verdict=HOLDS)
    assert said.startswith("✓")
    assert "layers 2 x 128" in said
    assert list(kept()["no-harm-in-any-batch"]) == ["layers 2 x 128"]


def test_at_the_edge_of_a_grid_it_is_too_close_to_call(told, monkeypatch):
    claim, changed = "no-harm-in-any-batch", {"batch": 20}
    task = TASKS[claim]
    cut = replace(task, how={**task.how, "rates": [0.1, 0.316]})
    found = cut.compare(changed)
    assert found.conclusion.says(task.sentence) == task.word(task.compare(changed)) == HOLDS
    assert cut.word(found) == OPEN
    assert "edge" not in told(claim, changed, verdict=OPEN)
    monkeypatch.setitem(TASKS, claim, cut)
    assert "edge" in told(claim, changed, verdict=OPEN)


def test_a_single_rate_is_no_grid():
    task = TASKS["unaffected-by-scale"]
    assert task.word(task.compare({"gain": 100.0})) == FAILS


@pytest.mark.parametrize("claim", TASKS)
def test_every_task_answers_its_base_and_its_changes_without_training(claim):
    task = TASKS[claim]
    assert task.claim == claim
    assert claim in all_claims()
    assert task.sentence in SENTENCES
    assert len(task.arms) == 2
    assert task.word(task.compare({})) in WORDS
    found = task.recorded()
    assert len(found) >= 6
    assert {word for _, word in found} <= set(WORDS)
    assert len({word for _, word in found}) >= 2, "no change turns it"
    for change, word in found:
        bench.check(task.arms, task.how, change, task.first_only)
        assert task.word(task.compare(open_tasks._as_written(change))) == word


def test_a_change_of_the_first_arm_alone_leaves_the_second():
    task = TASKS["unaffected-by-scale"]
    scaled, usual = task.compare({"gain": 100.0, "batch": 8}).arms
    wanted = pool.load()
    for arm, setting in ((scaled, "relu, batch 8, gain 100"), (usual, "relu, batch 8, gain 1")):
        runs = wanted.runs(setting, "batch norm")
        assert list(arm.values) == list(runs.after("test accuracy")[runs.at(1.0)])


# The noise is scored by the statistics of a batch, as in its notebook; the pool knows eval mode.
ASKED = sorted(set(TASKS) & set(travels.QUESTIONS) - {"noisy-trains-alike"})


@pytest.mark.parametrize("claim", ASKED)
def test_the_record_says_what_the_questions_to_the_pool_do(claim):
    task, question, course = TASKS[claim], travels.QUESTIONS[claim], pool.load()
    answers, compared = travels.cells(course, question), 0
    changes = [({}, task.word(task.compare({}))), *task.recorded()]
    for change, word in changes:
        first = next(iter(task.arms.values()))
        axes = requests.request(**{**first, **change}).axes
        for setting, (found, _) in answers.items():
            if course.axes[setting] == axes:
                assert word == found, (change, setting)
                compared += 1
    # A question may ask in few settings: those of depth in deep ones.
    assert compared >= min(5, len(answers))
    assert question.sentence == task.sentence


def test_progress_of_a_learner_is_one_small_entry(told):
    told(CLAIM, {"batch": 8}, guess=HOLDS)
    content = json.loads(progress_file.path().read_text(encoding="utf-8"))
    assert content["open tasks"] == {CLAIM: {"batch 8": {"guess": HOLDS}}}
    assert content["predictions"] == {}
    progress_file.update(lambda state: state.update({"open tasks": ["spoiled"]}))
    told(CLAIM, {"batch": 8}, guess=FAILS)
    assert kept() == {CLAIM: {"batch 8": {"guess": FAILS}}}


CALL = re.compile(r"(?m)^open_task\(\s*\"([\w-]+)\"[^)]*\b(guess|verdict)=")


@pytest.mark.parametrize("claim", TASKS)
def test_a_notebook_asks_for_a_guess_and_a_verdict_in_its_core(claim):
    name = numbered(all_claims()[claim]["notebook"])
    (path,) = (path for path in notebooks() if path.stem == name)
    core, further = sections.split(read(path).cells)
    found = [
        what
        for cell in core
        if cell.cell_type == "code"
        for said, what in CALL.findall(cell.source)
        if said == claim
    ]
    assert found == ["guess", "verdict"]
    assert not any("open_task(" in cell.source for cell in further)
