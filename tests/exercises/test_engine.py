"""The judge itself: what it says to answers of every kind."""

import functools
import re
import signal
import subprocess
import sys

import numpy as np
import pytest
import torch

from helpers import exercises
from helpers.contents import NOTEBOOKS
from helpers.exercises import progress_file
from helpers.exercises.engine import (
    EXERCISES,
    Exercise,
    array_like,
    examine,
    parts,
    prediction,
    same,
    slip,
)
from helpers.exercises.questions import QUESTIONS
from helpers.exercises.renamed import NEW_NAMES, REPLACED
from helpers.wrapping import WIDTH


def double(x):
    return 2 * x


@pytest.fixture
def doubling():
    subject = Exercise(double, ("Look at it.", "Multiply by 2."))

    @subject.expect
    def positive():
        """It doubles positive numbers."""
        same((yield (np.array([1.0, 2.0]),), {}), [2.0, 4.0], "y")

    @subject.expect
    def negative():
        """It doubles negative numbers."""
        same((yield (np.array([-1.0, -2.0, -3.0]),), {}), [-2.0, -4.0, -6.0], "y")

    return subject


def test_right_answer(doubling):
    assert examine(doubling, lambda x: x + x) == ("pass", "✓ all 2 checks passed", None)


def test_a_failure_says_what_where_by_how_much_and_how_far_one_got(doubling):
    status, message, blamed = examine(doubling, lambda x: np.abs(2 * x))
    assert (status, blamed) == ("fail", "negative")
    assert "It doubles negative numbers." in message
    assert "y[2] is 6, expected -6 (off by 12); 3 of 3 entries are off" in message
    assert "(1 of 2 checks passed before this one)" in message


@pytest.mark.parametrize("nothing", [None, ...])
def test_nothing_returned_at_once_is_not_attempted(doubling, nothing):
    verdict = examine(doubling, lambda x: nothing)
    assert (verdict.status, verdict.blamed) == ("todo", None)
    assert verdict.message.startswith("○ not attempted yet")


def test_a_forgotten_return_is_pointed_out(doubling):
    def answer(x):
        """Double x."""
        2 * x

    def blank(x):
        """Double x."""
        ...

    assert "is the `return` missing?" in examine(doubling, answer).message
    assert examine(doubling, answer).status == "todo"
    assert examine(doubling, blank).message == "○ not attempted yet"


def test_a_slip_is_named(doubling):
    @doubling.expect
    def tripled():
        """It doubles pairs."""
        y = yield (np.array([1.0, 1.0]),), {}
        slip(y, [3.0, 3.0], "you tripled")
        same(y, [2.0, 2.0], "y")

    assert "you tripled" in examine(doubling, lambda x: 3 * x if x[0] == x[1] else 2 * x).message


def test_a_slip_is_recognized_within_its_tolerance():
    slip([3.0 + 1e-7], [3.0], "you tripled")
    with pytest.raises(AssertionError, match="you tripled"):
        slip([3.0 + 1e-7], [3.0], "you tripled", tol=1e-6)


def test_nothing_returned_later_is_a_failure(doubling):
    verdict = examine(doubling, lambda x: 2 * x if x[0] > 0 else None)
    assert verdict.blamed == "negative"
    assert "For x of shape (3,) your function returns nothing" in verdict.message
    assert "reaches its end without a `return`" in verdict.message


@pytest.mark.parametrize("error", [ValueError("no"), StopIteration("no"), SystemExit("no")])
def test_an_exception_is_a_failure_with_its_message_and_line(doubling, error):
    def answer(x):
        y = x
        raise error
        return y

    status, message, blamed = examine(doubling, answer)
    assert (status, blamed) == ("fail", "positive")
    assert f"✗ Your function raised {type(error).__name__}: no (line 3 of your function)" in message


def broken_helper(x):
    raise ValueError("no")


def test_the_line_is_one_of_the_function_itself(doubling):
    def answer(x):
        return broken_helper(x)

    assert "ValueError: no (line 2 of your function)" in examine(doubling, answer).message


def test_a_changed_signature_is_pointed_out(doubling):
    verdict = examine(doubling, lambda x, y: x)
    assert "(it must take the arguments that the notebook gave it: (x))" in verdict.message


def test_numpy_does_not_warn_about_a_wrong_result(doubling):
    @doubling.expect
    def spread():
        """It keeps the spread of big numbers."""
        same(np.var((yield (np.ones(3) * 1e9,), {})), 0, "spread")

    with np.errstate(all="raise"):
        verdict = examine(doubling, lambda x: 2 * x if x[0] < 9 else np.full(3, np.inf))
    assert "spread is nan" in verdict.message


@pytest.fixture
def ctrl_c():
    """Ctrl-C interrupts, also where the tests run in the background."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield lambda: signal.raise_signal(signal.SIGINT)
    signal.signal(signal.SIGINT, before)


def test_ctrl_c_is_not_an_answer(doubling, ctrl_c):
    def interrupted(x):
        with torch.no_grad():
            ctrl_c()
        return 2 * x

    def handed_on(x):
        try:
            return interrupted(x)
        except KeyboardInterrupt:
            raise

    for answer in (interrupted, handed_on):
        with pytest.raises(KeyboardInterrupt):
            examine(doubling, answer)


def test_changing_an_argument_is_a_failure(doubling):
    def answer(x):
        x *= 2
        return x

    assert "changed its arguments in place" in examine(doubling, answer).message


def test_changing_a_tensor_is_a_failure(doubling):
    @doubling.expect
    def tensors():
        """It doubles tensors, NaN included."""
        same((yield (torch.tensor([1.0, torch.nan]),), {})[:1], [2.0], "y")

    def in_place(x):
        return x.mul_(2) if isinstance(x, torch.Tensor) else 2 * x

    assert examine(doubling, double).status == "pass"
    assert "changed its arguments in place" in examine(doubling, in_place).message


def test_a_tensor_with_a_graph_is_an_array_of_numbers():
    x = torch.ones(2, requires_grad=True)
    same(2 * x, np.array([2.0, 2.0]), "y")
    with pytest.raises(AssertionError, match=r"y\[0\] is 2, expected 1 "):
        same(2 * x, np.array([1.0, 2.0]), "y")


def test_every_call_gets_fresh_arguments(doubling):
    first, second = [], []
    examine(doubling, lambda x: first.append(x) or 2 * x)
    examine(doubling, lambda x: second.append(x) or 2 * x)
    assert first[0] is not second[0]
    np.testing.assert_array_equal(first[0], second[0])


def test_a_result_of_the_wrong_kind_is_a_failure_not_a_crash(doubling):
    @doubling.expect
    def unpacks():
        """Two values come back."""
        first, _ = yield (np.ones(3),), {}
        same(first, 1, "first")

    assert "the result cannot be used (ValueError" in examine(doubling, double).message


def test_a_check_needs_a_sentence(doubling):
    with pytest.raises(ValueError, match="needs a docstring"):
        doubling.expect(lambda: iter(()))


def test_source_is_the_reference_without_its_decorator():
    source = EXERCISES["batch_norm_forward"].source()
    assert source.startswith("def batch_norm_forward(x, gamma, beta, eps=1e-5):")
    assert "return gamma * x_hat + beta" in source


@pytest.mark.parametrize(
    ("actual", "complaint"),
    [
        ([[1.0, 2.0]], r"y has shape \(1, 2\), expected \(2,\)"),
        ([1.0, np.nan], r"y\[1\] is nan"),
        ([1.0, 2.1], r"y\[1\] is 2.1, expected 2 \(off by 0.1\); 1 of 2"),
        ([1.0, 2.0000001], r"y\[1\] is 2.0000001, expected 2 \(off by 1e-07\)"),
        ([True, False], r"y\[1\] is 0, expected 2 "),
        (np.array([1.0, 2.000001], np.float32), "float32 keeps too few digits"),
        (3.0, r"y is a single number, expected shape \(2,\)"),
        ((np.ones(2), np.ones(2)), "y is a tuple of 2, expected one array alone"),
        ((np.ones(2), None), "y is a tuple of 2, expected one array alone"),
        (np.array([1.0, None]), "y is of dtype object, not an array of numbers"),
        ("text", "y is str"),
        ([[1.0], [1.0, 2.0]], "y is not an array of numbers"),
    ],
)
def test_same_names_the_difference(actual, complaint):
    with pytest.raises(AssertionError, match=complaint):
        same(actual, np.array([1.0, 2.0]), "y")


def test_same_is_relative_to_the_largest_entry():
    same([1e6 + 1e-4, 0.0], np.array([1e6, 0.0]), "y")
    with pytest.raises(AssertionError):
        same([1e6 + 1e-2, 0.0], np.array([1e6, 0.0]), "y")


def test_parts_names_what_to_return():
    with pytest.raises(AssertionError, match=r"return 2 values, \(a, b\); got 3 values"):
        parts((1, 2, 3), "a", "b")
    with pytest.raises(AssertionError, match="got one value"):
        parts(np.ones(2), "a", "b")
    assert parts([1, 2], "a", "b") == (1, 2)
    assert array_like([1, 2], "a").shape == (2,)


def test_a_prediction_needs_its_right_choice():
    with pytest.raises(ValueError, match="'z' is right but not among"):
        prediction("test", right="z", a="one", b="two")
    assert "test" not in QUESTIONS


# What learners call.


@pytest.fixture
def own_progress(tmp_path, monkeypatch):
    monkeypatch.setenv("BN_COURSE_PROGRESS", str(tmp_path / "deep" / "progress.json"))
    return progress_file.path()


def batch_norm_forward(x, gamma, beta, eps=1e-5):
    return gamma * (x - x.mean(0)) / np.sqrt(x.var(0) + eps) + beta


def test_check_records_what_passed(own_progress, capsys):
    exercises.check(batch_norm_forward)
    assert capsys.readouterr().out == "✓ all 10 checks passed\n"
    assert progress_file.load()["exercises"] == ["batch_norm_forward"]


def test_check_of_a_wrong_answer_points_to_the_hints(own_progress, capsys):
    def batch_norm_forward(x, gamma, beta, eps=1e-5):
        return x

    exercises.check(batch_norm_forward)
    assert "run hint(batch_norm_forward)" in capsys.readouterr().out
    assert progress_file.load()["exercises"] == []
    assert not own_progress.exists()


def batch_norm_foward(x, gamma, beta, eps=1e-5):
    return batch_norm_forward(x, gamma, beta, eps)


@pytest.mark.parametrize("ask", [exercises.check, exercises.hint, exercises.solution])
@pytest.mark.parametrize(
    ("passed", "said"),
    [
        (batch_norm_foward, "no exercise is called 'batch_norm_foward': did you mean batch_norm_"),
        (double, "no exercise is called 'double': keep the name from the notebook"),
        (lambda x: x, "has no name"),
        (np.ones(3), "pass your function itself, without brackets, quotes or arguments"),
        ("batch_norm_forward", "without brackets, quotes or arguments"),
        (None, "This is a NoneType"),
        (EXERCISES["batch_norm_forward"], "imported from helpers: pass yours"),
    ],
)
def test_what_is_no_answer_gets_a_sentence(ask, passed, said, own_progress, capsys):
    ask(passed)
    out = " ".join(capsys.readouterr().out.split())
    assert out.startswith("✗ ")
    assert said in out
    assert not own_progress.exists()


def test_judge_has_a_sentence_for_a_name_that_no_exercise_has():
    status, message = exercises.judge("batch_norm_3d", double)
    assert status == "fail"
    assert message.startswith("✗ no exercise is called 'batch_norm_3d': did you mean batch_norm_2d")


def test_a_function_is_found_inside_what_hides_its_name(own_progress, capsys):
    def logged(function):
        def wrapper(*args, **kwargs):
            return function(*args, **kwargs)

        return wrapper

    exercises.check(functools.partial(batch_norm_forward))
    exercises.check(logged(batch_norm_forward))
    assert capsys.readouterr().out == "✓ all 10 checks passed\n" * 2


def test_hints_escalate_and_end_with_the_solution(capsys):
    def identity_parameters(x, eps=1e-5): ...

    hints = EXERCISES["identity_parameters"].hints
    for _ in range(len(hints) + 1):
        exercises.hint(identity_parameters)
    said = " ".join(capsys.readouterr().out.split())
    places = [said.index(f"Hint {n} of {len(hints)}: {hint}") for n, hint in enumerate(hints, 1)]
    assert places == sorted(places)
    assert said.count(hints[-1]) == 2
    assert said.endswith("solution(identity_parameters) shows one way to write it.")
    exercises.solution(identity_parameters)
    assert capsys.readouterr().out.startswith("def identity_parameters(x, eps=1e-5):")


def test_a_prediction_is_open_then_right_or_wrong(own_progress, capsys):
    exercises.predict("forward-axis", ...)
    assert capsys.readouterr().out == '○ no prediction yet: replace ... by "a", "b" or "c"\n'
    exercises.predict("forward-axis", "d")
    assert "'d' is not a choice" in capsys.readouterr().out
    exercises.predict("forward-axis", "B)")
    assert capsys.readouterr().out.startswith("✗ not b: ")
    exercises.predict("forward-axis", "a")
    assert capsys.readouterr().out.startswith("✓ a: ")
    assert progress_file.load()["predictions"] == {"forward-axis": "b"}, "the first choice counts"
    with pytest.raises(KeyError, match="no question is called 'zz'"):
        exercises.predict("zz", "a")


def test_a_notebook_of_the_first_edition_asks_the_same_question(own_progress, capsys):
    exercises.predict("06-bias", "a")
    assert capsys.readouterr().out.startswith("✓ a: ")
    assert progress_file.load()["predictions"] == {"convolution-bias": "a"}


@pytest.mark.parametrize("ask", [exercises.predict, exercises.recall, exercises.review])
@pytest.mark.parametrize("name", ["09-few-images", "rate-test-errors"])
@pytest.mark.parametrize("answer", ["c", ...])
def test_a_question_whose_letters_have_changed_is_not_judged(
    own_progress, capsys, ask, name, answer
):
    ask(name, answer)
    said = " ".join(capsys.readouterr().out.split())
    assert said.startswith("○ rate-test-errors is asked in another way now, as rate-unseen-images,")
    assert "python3 course.py reset 10" in said
    assert progress_file.load()["predictions"] == {}


def test_an_old_answer_to_it_does_not_count(own_progress, capsys):
    own_progress.parent.mkdir()
    own_progress.write_text('{"predictions": {"09-few-images": "b", "02-axis": "b"}}')
    exercises.progress()
    answered = re.findall(r"questions +(\d+)/", capsys.readouterr().out)
    assert sum(map(int, answered)) == 1
    exercises.review()
    assert "forward-axis" in (said := capsys.readouterr().out)
    assert "rate" not in said


def test_every_question_of_an_earlier_edition_is_asked_or_has_a_successor():
    exercises.load_part_iii()
    assert set(NEW_NAMES.values()) <= set(QUESTIONS) | set(REPLACED)
    assert set(REPLACED.values()) <= set(QUESTIONS)
    assert not set(REPLACED) & set(QUESTIONS)


def test_names_of_predictions_carry_no_number():
    exercises.load_part_iii()
    assert [name for name in QUESTIONS if not re.fullmatch(r"[a-z]+(-[a-z]+)+", name)] == []


@pytest.mark.parametrize(("first", "right"), [("a", 1), ("b", 0)])
def test_progress_counts_what_is_solved(own_progress, capsys, first, right):
    exercises.progress()
    empty = capsys.readouterr().out.splitlines()
    assert len(empty) == len(NOTEBOOKS) + 2
    assert empty[-2] == f"open tasks with a verdict: 0/{len(exercises.TASKS)}"
    assert max(map(len, empty)) <= WIDTH
    assert empty[-1].startswith("Nothing is due for review: ")
    assert not any("●" in line for line in empty)
    progress_file.add_exercise("batch_norm_forward")
    exercises.predict("forward-axis", first)
    exercises.predict("forward-axis", "c")
    exercises.open_task("largest-usable-rate", {"batch": 4}, verdict="holds")
    capsys.readouterr()
    exercises.progress()
    *lines, tasks, last = capsys.readouterr().out.splitlines()
    assert tasks.startswith("open tasks with a verdict: 1/")
    assert "●○○○ " in lines[2]
    assert " 1/4 " in lines[2]
    assert " questions  1/" in lines[2]
    assert lines[2].endswith(f" right  {right}")
    assert last.startswith("Nothing is due for review until 2")


@pytest.mark.parametrize("missing", [False, True], ids=["with PyTorch", "without PyTorch"])
def test_parts_one_and_two_do_without_pytorch(missing):
    code = "import sys; from helpers.exercises import judge, load_part_iii; "
    if missing:
        code += "import helpers.exercises; helpers.exercises.find_spec = lambda name: None; "
        code += "helpers.exercises.progress(); "
    code += "print(judge('batch_statistics', lambda x: None)[0], 'torch' in sys.modules)"
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert answer.stdout.splitlines()[-1:] == ["todo False"], answer.stderr


def test_names_follow_the_course():
    notebooks = [EXERCISES[name].notebook for name in exercises.names()]
    assert notebooks == sorted(notebooks, key=NOTEBOOKS.index)
    assert len(notebooks) == len(EXERCISES)
