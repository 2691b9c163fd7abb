"""Every small change of a reference must fail, or be listed with the reason why it changes
nothing. And the changes themselves are made as they should be."""

from importlib import import_module

import numpy as np
import pytest
from changes import changes
from mutation import survivors
from registry import EQUIVALENT

from helpers.contents import NOTEBOOKS
from helpers.exercises import names
from helpers.exercises.engine import EXERCISES, Exercise, same

for notebook in NOTEBOOKS:
    import_module(f"answers_{notebook}")


@pytest.mark.parametrize("name", names())
def test_every_change_of_the_reference_fails(name):
    alive = set(survivors(EXERCISES[name]))
    unlisted = alive - set(EQUIVALENT[name])
    assert not unlisted, "\n".join(["no check fails for", *sorted(unlisted)])
    stale = set(EQUIVALENT[name]) - alive
    assert not stale, "\n".join(["listed as equivalent, but they fail or are not made", *stale])


def test_equivalent_changes_belong_to_known_exercises():
    assert set(EQUIVALENT) <= set(names())


def lines_after(source, given=None):
    return [after for _, after, _ in changes(source, given)]


@pytest.mark.parametrize(
    ("line", "after"),
    [
        ("y = a + b", ["y = a - b", "y = a", "y = b", "pass"]),
        ("y = x[1:]", ["y = x", "y = x[:]", "y = x[2:]", "y = x[0:]", "pass"]),
        ("y = x.var()", ["y = x.std()", "y = x.var(ddof=1)", "y = x", "pass"]),
        ("y = x.sum(axis=0)", ["y = x.sum()", "y = x.sum(axis=1)", "y = x.mean(axis=0)"]),
        ("y = x.mean()", ["y = x.sum()", "y = x.median()", "y = x"]),
        ("y = f(a, b)", ["y = f(b, a)", "y = f(a)"]),
        ("y = a if a >= b else c", ["y = a if a > b else c", "y = a if a <= b else c", "y = c"]),
        ("y = a and not b", ["y = a or not b", "y = a and b", "y = a"]),
        ("y += a", ["y -= a", "y = a", "pass"]),
        ("return (a, b)", ["return (b, a)", "return (a,)"]),
        ("y = True, 0, 0.5, 1e-05", ["y = (False, 0, 0.5, 1e-05)", "y = (True, 1, 0.5, 1e-05)"]),
    ],
)
def test_changes_of_a_line(line, after):
    assert set(after) <= set(lines_after(f"def f(a, b, c, x, y):\n    {line}"))


def test_changes_reach_defaults_conditions_and_nested_classes():
    source = """
def layer(eps=1e-5):
    class Norm:
        @staticmethod
        def forward(x):
            with f():
                while x > 1:
                    x.clear()
    return Norm
"""
    after = lines_after(source)
    assert "def layer(eps=0.001):" in after
    assert "while x >= 1:" in after
    assert "while not x > 1:" in after
    assert "if True:" in after  # the body of `with` alone
    assert "pass" in after  # for x.clear()


@pytest.mark.parametrize(
    ("line", "after"),
    [
        ("n = len(x)", "n = 6"),
        ("n, c = x.shape", "n, c = (6, 4)"),
        ("y = x / eps", "y = x / 0.3"),
        ("mu = x.mean(axis=0)", "mu = x.sum(axis=0) / 6"),
        ("mu = images.mean(axis=(0, 2, 3))", "mu = images.sum(axis=(0, 2, 3)) / 90"),
    ],
)
def test_what_the_first_check_gives_is_written_into_the_function(line, after):
    given = {"x": np.zeros((6, 4)), "images": np.zeros((3, 4, 5, 6)), "eps": 0.3}
    assert after in lines_after(f"def f(x, images, eps):\n    {line}", given)
    assert after not in lines_after(f"def f(x, images, eps):\n    {line}")


def halves(x):
    total = np.zeros_like(x)
    while x.max() > 1:
        x = x / 2
        total = total + 1
    return total


def judged_by(*inputs):
    subject = Exercise(halves, ("",))

    @subject.expect
    def result():
        """The result."""
        for x in inputs:
            same((yield (np.array(x),), {}), halves(np.array(x)), "halves")

    return subject


def test_a_change_that_loops_for_ever_fails():
    assert "x = x / 2 -> pass" not in survivors(judged_by([4.0, 0.5, 1.0]))


def test_what_no_check_sees_survives():
    """The smallest value is never above 1 in a batch of one: then max and min are the same."""
    alike = "while x.max() > 1: -> … x.min() > 1:"
    assert alike in survivors(judged_by([4.0]))
    assert alike not in survivors(judged_by([4.0, 0.5]))


def test_a_reference_that_fails_is_no_start():
    subject = judged_by([4.0])
    subject.expect(refuse)
    with pytest.raises(AssertionError, match="halves itself does not pass"):
        survivors(subject)


def refuse():
    """Refuses everything."""
    yield (np.array([4.0]),), {}
    raise AssertionError("no")
