"""Whose line it was: errors in the learner's code are named where they happen."""

import functools
from operator import itemgetter, methodcaller

import numpy as np
import pytest
import torch
from torch import nn

from helpers.exercises import judge
from helpers.exercises.engine import Exercise, examine


def told(answer, *requests, uses=lambda result: None):
    """The message for an answer to these requests; `uses` is what the check does with results."""
    subject = Exercise(lambda x: object(), ("",))  # nothing that an answer is converted to

    @subject.expect
    def check():
        """It works."""
        for request in requests:
            uses((yield (request,), {}))

    verdict = examine(subject, answer)
    assert verdict.status == "fail"
    return verdict.message


X = np.ones((6, 4))


def test_shapes_that_do_not_fit_are_named():
    def answer(x):
        mu = x.mean(axis=1)
        return x - mu

    assert (
        "operands could not be broadcast together with shapes (6,4) (6,) (line 3 of your "
        "function; shapes there: x (6, 4), mu (6,))"
    ) in told(answer, X)

    message = told(answer, torch.ones(6, 4))
    assert "The size of tensor a (4) must match the size of tensor b (6)" in message
    assert "(line 3 of your function; shapes there: x (6, 4), mu (6,))" in message


def test_shapes_of_a_layer_are_named():
    class Norm(nn.Module):
        def __init__(self):
            super().__init__()
            self.gamma = nn.Parameter(torch.ones(3))
            self.mean = torch.ones(5)

        def forward(self, x):
            return self.gamma * (x - self.mean)

    message = told(lambda x: Norm(), 1, uses=methodcaller("__call__", torch.ones(6, 4)))
    assert message.startswith("✗ Your layer raised RuntimeError: The size of tensor a (4)")
    assert "shapes there: self.gamma (3,), x (6, 4), self.mean (5,)" in message


def test_an_error_about_something_else_names_no_shapes():
    def answer(x):
        return x + nothing  # noqa: F821

    message = "✗ Your function raised NameError: name 'nothing' is not defined (line 2 of your "
    assert told(answer, X) == message + "function)"


def test_too_many_values_get_a_sentence():
    def answer(x):
        smallest, largest = np.linalg.eigvalsh(x.T @ x)
        return largest / smallest

    message = told(answer, X)
    assert "ValueError: too many values to unpack" in message
    assert "More values stand on the right of `=` than names on the left: pick by index" in message
    assert "(line 2 of your function" in message


@pytest.mark.parametrize("name", ["norm_with_modes", "norm_with_memory"])
def test_an_error_in_a_nested_class_is_the_learners(name):
    def answer(num_features, momentum=0.1, eps=1e-5):
        class Norm(nn.BatchNorm1d):
            def forward(self, x):
                y = super().forward(x)
                return y - mu  # noqa: F821

        return Norm(num_features, momentum=momentum, eps=eps)

    said = "✗ Your layer raised NameError: name 'mu' is not defined (line 5 of your function)"
    assert judge(name, answer)[1].startswith(said)


def test_an_assertion_of_the_learners_is_not_one_of_the_check():
    def answer(x):
        class Layer:
            def forward(self, x):
                if x.ndim != 2:
                    raise AssertionError("rows only")

        return Layer()

    message = told(answer, 1, uses=methodcaller("forward", np.ones(3)))
    assert message == "✗ Your layer raised AssertionError: rows only (line 5 of your function)"


@pytest.mark.parametrize("error", [SystemExit, GeneratorExit, KeyboardInterrupt, BaseException])
def test_whatever_code_raises_is_a_failure(error):
    def answer(x):
        raise error("no")

    name = error.__name__
    assert told(answer, X) == f"✗ Your function raised {name}: no (line 2 of your function)"

    def later(x):
        def stop():
            raise error("no")

        return stop

    message = told(lambda x: [later(x)], X, uses=lambda result: result[0]())
    assert f"raised {name}: no (line 2 of your stop)" in message


def test_what_a_check_cannot_use_is_not_the_learners_line():
    message = told(lambda x: {}, X, uses=itemgetter("mu"))
    assert message == "✗ It works.\n  the result cannot be used (KeyError: 'mu')"


def test_wrappers_of_functions_are_seen_through():
    def answer(x, power):
        return x**power + missing  # noqa: F821

    assert "name 'missing' is not defined (line 2 of your answer)" in told(
        functools.partial(answer, power=2), X
    )


def by_pytorch(x, gamma, beta, eps=1e-5):
    y = torch.nn.functional.batch_norm(
        torch.tensor(x), None, None, torch.tensor(gamma), torch.tensor(beta), True, 0.1, eps
    )
    return y


def test_what_pytorch_has_no_batch_norm_for_is_not_held_against_it():
    assert judge("batch_norm_forward", by_pytorch)[0] == "pass"

    def answer(x):
        return 2 * torch.tensor(x) - torch.tensor(x).mean()

    assert judge("double_the_spread", answer)[0] == "pass"


def test_what_pytorch_refuses_everywhere_is_an_error():
    def answer(x, gamma, beta, eps=1e-5):
        return by_pytorch(x[:1], gamma, beta, eps)

    assert "Expected more than 1 value per channel" in judge("batch_norm_forward", answer)[1]


def test_a_function_that_stops_short_for_some_arguments():
    def answer(x):
        for value in x:
            if value > 0:
                return value

    message = told(answer, np.ones(3), -np.ones(3))
    assert message.startswith("✗ For x of shape (3,) your function returns nothing: it reaches its")
    assert told(lambda x: x if x > 2 else None, 3, 2).startswith("✗ For x=2 your function returns")


def test_print_is_not_return():
    def answer(x):
        print(x)

    subject = Exercise(abs, ("",))

    @subject.expect
    def check():
        """It works."""
        yield (1,), {}

    verdict = examine(subject, answer)
    assert verdict.status == "todo"
    assert "`print` shows a value, `return` hands it over" in verdict.message
