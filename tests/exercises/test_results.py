"""One form for every result: what an answer may hand over, and the sentence if it may not."""

import collections

import numpy as np
import pytest
import torch

from helpers.exercises.engine import Exercise, examine, same
from helpers.exercises.results import canonical, names_of_parts

ROWS = np.arange(6.0).reshape(3, 2)
Pair = collections.namedtuple("Pair", "mu var")


class LikeAFrame:
    """What a table of another library offers to NumPy."""

    def __array__(self, dtype=None, copy=None):
        return ROWS


@pytest.mark.parametrize(
    "result",
    [
        ROWS,
        ROWS.tolist(),
        tuple(map(tuple, ROWS)),
        tuple(ROWS),
        list(ROWS),
        torch.tensor(ROWS),
        torch.tensor(ROWS, requires_grad=True) * 1,
        list(torch.tensor(ROWS, requires_grad=True) * 1),
        [[torch.tensor(v, requires_grad=True) for v in row] for row in ROWS],
        torch.tensor(ROWS).to_sparse(),
        torch.tensor(ROWS).bfloat16(),
        np.ma.masked_array(ROWS, mask=False),
        LikeAFrame(),
    ],
)
def test_an_array_may_come_in_any_form(result):
    found = canonical(result, np.ones((2, 2)))
    assert type(found) is np.ndarray
    np.testing.assert_array_equal(found, ROWS)


@pytest.mark.parametrize(
    ("result", "said"),
    [
        (np.ma.masked_array(ROWS, mask=ROWS > 3), "y has 2 masked entries of 6"),
        ([[1.0, np.ma.masked]], "y has 1 masked entries of 1"),
        (ROWS.astype(object), "y is of dtype object, not an array of numbers"),
        (ROWS + 1j, "y is complex"),
        ("text", "y is the text 'text', expected an array"),
        ([1.0, "a"], "y is list, not an array of numbers"),
        ([[1.0], [1.0, 2.0]], "its rows differ in length"),
        ({"y": ROWS}, "y is dict, not an array of numbers"),
        (map(abs, ROWS), "y is map, not an array of numbers"),
        ((ROWS, ROWS), "y is a tuple of 2, expected one array alone"),
        ((ROWS, {"mu": 0}), "y is a tuple of 2, expected one array alone"),
        ((row for row in ROWS), "your function contains `yield`"),
        (np.sum, "you return the function sum itself; are brackets"),
        (ROWS.mean, "you return the function mean itself"),
        (Pair, r"you return the class Pair itself; Pair\(...\) makes an instance"),
    ],
)
def test_what_is_no_array_of_numbers_gets_one_sentence(result, said):
    with pytest.raises(AssertionError, match=said):
        canonical(result, np.ones((2, 2)), ("y",))


def test_what_an_async_function_returns_has_computed_nothing():
    async def answer():
        return ROWS

    with pytest.raises(AssertionError, match="is `async`"):
        canonical(answer(), ROWS)


@pytest.mark.parametrize(
    "result",
    [
        (np.ones(2), np.zeros(2)),
        [np.ones(2), [0.0, 0.0]],
        Pair(np.ones(2), np.zeros(2)),
        np.array([[1.0, 1.0], [0.0, 0.0]]),
        torch.tensor([[1.0, 1.0], [0.0, 0.0]], requires_grad=True),
        (torch.ones(2, requires_grad=True), [torch.tensor(0.0), 0]),
    ],
)
def test_a_tuple_of_arrays_may_come_in_any_form(result):
    mu, var = canonical(result, (np.ones(4), np.ones(4)))
    assert type(mu) is type(var) is np.ndarray
    np.testing.assert_array_equal(mu, [1, 1])
    np.testing.assert_array_equal(var, [0, 0])


@pytest.mark.parametrize("result", [np.array([1.0, 2.0, 0.3]), torch.tensor([1.0, 2.0, 0.3])])
def test_a_tuple_of_numbers_may_be_an_array(result):
    assert canonical(result, (1.0, np.float64(2.0), 0.5)) == pytest.approx((1.0, 2.0, 0.3))


@pytest.mark.parametrize(
    ("result", "said"),
    [
        (np.ones((2, 4)).T, r"return 2 values, \(mu, var\); got one value"),
        (ROWS[:2], None),
        (np.ones((2, 4, 4)), r"return 2 values, \(mu, var\); got one value"),
        ((1, 2, 3), r"return 2 values, \(mu, var\); got 3 values"),
        (zip([1], [2], strict=True), r"\(mu, var\); got a zip"),
        ({"mu": 1, "var": 2}, "got a dict"),
        ((np.ones(4), None), "var is None, expected an array"),
        ((np.ones(4), "var"), "var is the text 'var', expected an array"),
        (np.ma.masked_array(np.ones((2, 4)), np.eye(2, 4)), "mu has 1 masked entries of 4"),
    ],
)
def test_what_is_no_such_tuple_gets_one_sentence(result, said):
    like, names = (np.ones(4), np.ones(4)), ("mu", "var")
    if said is None:
        assert len(canonical(result, like, names)) == 2
        return
    with pytest.raises(AssertionError, match=said):
        canonical(result, like, names)


def test_numbers_stay_numbers():
    assert canonical(torch.tensor(3, requires_grad=False), 7) == 3
    assert canonical(np.array(2.5), 1.0) == 2.5
    assert canonical(2, 1.0) == 2
    with pytest.raises(AssertionError, match=r"has shape \(1,\), expected a single number"):
        canonical([2.5], 1.0)
    with pytest.raises(AssertionError, match="is the text 'inf', expected a single number"):
        canonical("inf", 1.0)


def test_tensors_keep_their_graph_and_their_dtype():
    x = torch.ones(2, 2, dtype=torch.float64, requires_grad=True)
    assert canonical(2 * x, torch.ones(3)).grad_fn is not None
    rows = canonical([2 * x[0], 3 * x[1]], torch.ones(3, 3))
    assert rows.grad_fn is not None
    assert rows.dtype == torch.float64
    for part in canonical(torch.stack([x[0], x[1]]), (torch.ones(2), torch.ones(2))):
        assert part.grad_fn is not None
    for value in (np.ones(2), [1.0, 1.0]):
        found = canonical(value, torch.ones(3))
        assert torch.equal(found, torch.ones(2, dtype=torch.float64))
    with pytest.raises(AssertionError, match="is a tuple of 2, expected one tensor alone"):
        canonical((x, x), torch.ones(2, 2))


def test_other_results_stay_as_they_are():
    layer = torch.nn.Linear(1, 1)
    for value in (layer, {"a": 1}, "holds", True, [layer]):
        assert canonical(value, value) is value
    assert canonical("a", None) == "a"


def test_an_array_that_is_filled_again_later_keeps_its_first_numbers():
    subject = Exercise(lambda x: -x, ("",))

    @subject.expect
    def two():
        """It negates both."""
        first = yield (np.ones(2),), {}
        second = yield (np.zeros(2),), {}
        same(first, [-1, -1], "first")
        same(second, [0, 0], "second")

    buffer = np.empty(2)

    def answer(x):
        buffer[:] = -x
        return buffer

    assert examine(subject, answer).status == "pass"


def named(x):
    mu, var = x, x
    return mu, var


def unnamed(x):
    return x, x + 1


def single(x):
    grad = 2 * x
    return grad


def test_parts_are_called_as_in_the_reference():
    assert names_of_parts(named) == ("mu", "var")
    assert names_of_parts(unnamed) == ()
    assert names_of_parts(single) == ("grad",)
    assert names_of_parts(np.add) == ()
