"""Questions to the pool: asked of runs whose answer is known, and of the recorded ones."""

import numpy as np
import pytest

from helpers import pool, travels
from helpers.claims import all_claims
from helpers.comparing import FAILS
from helpers.pool import CURVES, STEPS
from helpers.travels import QUESTIONS, Question, cells, summary

RATES = (0.001, 0.01, 0.1, 1.0, 10.0)
REACHED = [step for step in STEPS if step <= 100]
SEEDS = range(5)


def curves(accuracy, arrives=50):
    """Curves that climb to an accuracy, held-out and test alike, in so many steps."""
    path = accuracy * np.minimum(1, np.array(REACHED) / arrives)
    rows = {"accuracy": path, "loss": 1 - path, "heart": np.zeros(len(REACHED))}
    return [rows[curve.split()[-1]].tolist() for curve in CURVES]


def made(**arms):
    """A pool of one setting, "relu". arms: a function (rate, seed) -> (curves, last) for each."""
    axes = {"data": "digits", "batch": 64, "steps": 100}
    runs = []
    for arm, result in arms.items():
        for rate in RATES:
            for seed in SEEDS:
                found, last = result(rate, seed)
                what = {"name": "relu", "arm": arm.replace("_", " "), "rate": rate, "seed": seed}
                runs.append({"setting": what | axes, "result": {"curves": found, "last": last}})
    return {"name": "pool", "date": "", "device": "", "data": "", "runs": runs}


@pytest.fixture
def asked(tmp_path):
    def ask(name, **arms):
        path = tmp_path / "pool.npz"
        path.write_bytes(pool.pack(made(**arms)))
        question = QUESTIONS[name]
        ((word, conclusion),) = cells(pool.load.__wrapped__(path), question).values()
        return word, conclusion

    return ask


def arm(best=0.1, accuracy=0.96, arrives=50, jitter=0.0, **last):
    """An arm that is best at one rate, and worth half at the others."""

    def result(rate, seed):
        right = accuracy + jitter * (seed - 2) if rate == best else accuracy / 2
        return curves(right, arrives), last

    return result


@pytest.mark.parametrize(
    ("arrives", "word"), [(20, "holds"), (45, "does not hold"), (100, "does not hold")]
)
def test_steps_are_counted_each_arm_at_its_best_rate(asked, arrives, word):
    normed = arm(best=1.0, arrives=arrives)
    assert asked("fewer-steps-tuned", plain=arm(), batch_norm=normed)[0] == word


def test_at_the_same_rate_it_is_the_plain_rate(asked):
    normed = arm(best=1.0, arrives=10)
    word, conclusion = asked("fewer-steps", plain=arm(), batch_norm=normed)
    assert word == "does not hold"  # at 0.1 the network with batch norm never arrives
    assert conclusion.word == "worse"


def test_the_goal_is_what_the_plain_network_reaches(asked):
    weak = arm(accuracy=0.5, arrives=60)
    word, conclusion = asked("fewer-steps-tuned", plain=weak, batch_norm=arm(arrives=60))
    assert word == "holds"  # on its way to 0.96 it passes 0.48 at half the time
    assert np.median(conclusion.effects) >= 1.5


@pytest.mark.parametrize(
    ("plain", "normed", "word"),
    [(0.90, 0.95, "holds"), (0.90, 0.89, "holds"), (0.95, 0.90, "does not hold")],
)
def test_no_harm_is_no_loss_beyond_the_margin(asked, plain, normed, word):
    found = asked(
        "no-harm-in-any-batch", plain=arm(accuracy=plain), batch_norm=arm(accuracy=normed)
    )
    assert found[0] == word


def test_seeds_that_disagree_are_too_close_to_call(asked):
    spread = arm(accuracy=0.9, jitter=0.05)
    assert asked("no-harm-in-any-batch", plain=arm(accuracy=0.9), batch_norm=spread)[0] == (
        "too close to call"
    )


def test_numbers_of_the_trained_network(asked):
    def normed(**last):
        return arm(**({"own": 0.96, "undone": [0.0, 0.0], "variance": [1.0, 1.0]} | last))

    for name, last, word in [
        ("undo-in-training", {"undone": [0.9, 0.1]}, "holds"),
        ("undo-in-training", {"undone": [-0.4, 0.1]}, "does not hold"),
        ("worse-at-inference", {"own": 0.99}, "holds"),
        ("worse-at-inference", {"own": 0.96}, "does not hold"),
        ("unbiased-running-variance", {"variance": [1.0, 1.05]}, "holds"),
        ("unbiased-running-variance", {"variance": [1.0, 1.3]}, "does not hold"),
    ]:
        assert asked(name, plain=arm(), batch_norm=normed(**last))[0] == word, (name, last)


def test_usable_rates_are_compared_by_their_largest_and_by_their_range(asked):
    def up_to(limit):
        return lambda rate, seed: (curves(0.95 if rate <= limit else 0.1), {})

    for name, plain, normed, word in [
        ("largest-usable-rate", 0.01, 0.1, "holds"),
        ("largest-usable-rate", 0.1, 0.1, "does not hold"),
        ("learning-rate-matters-less", 0.01, 1, "holds"),
        ("learning-rate-matters-less", 1, 1, "does not hold"),
    ]:
        assert asked(name, plain=up_to(plain), batch_norm=up_to(normed))[0] == word


def test_at_the_edge_of_a_grid_nothing_is_concluded(asked):
    edge, inside = arm(best=10.0, accuracy=0.99), arm(best=1.0, accuracy=0.9)
    for arms in ({"plain": inside, "batch_norm": edge}, {"plain": edge, "batch_norm": inside}):
        for name in ("no-harm-in-any-batch", "fewer-steps-tuned"):
            assert asked(name, **arms)[0] == "too close to call", name


def test_where_an_arm_was_not_trained_nothing_is_asked(tmp_path):
    path = tmp_path / "pool.npz"
    path.write_bytes(pool.pack(made(plain=arm(), batch_norm=arm())))
    assert cells(pool.load(path), QUESTIONS["group-norm-small-batches"]) == {}
    assert cells(pool.load(path), QUESTIONS["initialization-matters-less"]) == {}
    elsewhere = Question(QUESTIONS["fewer-steps"].ask, "better", ("sigmoid",))
    assert cells(pool.load(path), elsewhere) == {}


def test_a_name_that_a_question_gets_wrong_is_no_absence(tmp_path):
    path = tmp_path / "pool.npz"
    path.write_bytes(pool.pack(made(plain=arm(), batch_norm=arm())))
    mistyped = Question(lambda pool, setting: pool.runs(setting, "batch nrom"), "better")
    with pytest.raises(KeyError, match="no 'batch nrom' here"):
        cells(pool.load(path), mistyped)


def test_fresh_seeds_are_not_another_setting(tmp_path):
    content = made(plain=arm(), batch_norm=arm())
    for run in content["runs"]:
        run["setting"]["first_seed"] = 5
    path = tmp_path / "pool.npz"
    path.write_bytes(pool.pack(content))
    assert cells(pool.load(path), QUESTIONS["no-harm-in-any-batch"]) == {}


def test_arms_of_questions_are_arms_of_the_recorded_pool():
    trained = {arm for arms in pool.load().arms.values() for arm in arms}
    assert {arm for question in QUESTIONS.values() for arm in question.arms} <= trained


def test_where_a_network_never_arrives_the_other_one_is_faster(asked):
    slow = asked("fewer-steps-tuned", plain=arm(), batch_norm=arm(accuracy=0.5))
    assert slow[0] == "does not hold"
    assert slow[1].word == "worse"


def test_a_summary_names_where_it_flips():
    found = {"a": ("holds", None), "b": ("does not hold", None), "c": ("too close to call", None)}
    assert summary(found) == ("holds in 1 of 3 settings; does not in 1: b; too close to call in 1")
    assert summary({"a": ("holds", None)}) == "travels: holds in 1 of 1 settings"
    assert summary({}) == "was not asked in any setting"


def test_every_question_is_that_of_a_claim():
    assert set(QUESTIONS) <= set(all_claims())
    assert len(QUESTIONS) >= 16


@pytest.mark.parametrize("name", QUESTIONS)
def test_the_recorded_pool_answers_in_many_settings(name):
    found = cells(pool.load(), QUESTIONS[name])
    assert len(found) >= 8
    for setting, (word, conclusion) in found.items():
        assert word in travels.WORDS
        assert len(conclusion.effects) == 5, setting


def test_a_verdict_that_flips_names_its_condition():
    for name, question in QUESTIONS.items():
        if all_claims()[name]["verdict"] == "holds":
            failed = [s for s, (word, _) in cells(pool.load(), question).items() if word == FAILS]
            assert not failed, name


@pytest.mark.parametrize("name", QUESTIONS)
def test_best_rates_in_the_recorded_pool_lie_inside_their_grids(name, monkeypatch):
    def inside(choice, values):
        assert choice.inside, choice
        return values

    monkeypatch.setattr(travels, "_inside", inside)
    cells(pool.load(), QUESTIONS[name])
