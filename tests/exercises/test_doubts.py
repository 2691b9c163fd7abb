"""Questions to every answer: what it keeps, which defaults it has, whether it uses what it gets."""

import numpy as np
import pytest

from helpers.exercises import judge
from helpers.exercises.engine import EVERY_EXERCISE, Exercise, examine, same


def scaled(x, eps=1e-5, momentum=0.1):
    return momentum * x / np.sqrt(x.var() + eps)


X = np.array([1.0, 2.0, 4.0])


def exercise(*requests):
    subject = Exercise(scaled, ("",))

    @subject.expect
    def check():
        """It is right."""
        for args, kwargs in requests:
            same((yield args, kwargs), scaled(*args, **kwargs), "y")

    return subject


BOTH = ((X,), {"eps": 0.3, "momentum": 0.5})
NEITHER = ((X,), {})


def test_a_right_answer_has_nothing_to_fear():
    for answer in (
        scaled,
        lambda x, eps=1e-5, momentum=0.1: scaled(x, eps, momentum),
        lambda x, eps=None, momentum=None: scaled(x, eps or 1e-5, momentum or 0.1),
        lambda x, **given: scaled(x, **given),
    ):
        assert examine(exercise(BOTH, NEITHER), answer).status == "pass"


def says(subject, answer, blamed="check"):
    verdict = examine(subject, answer)
    assert (verdict.status, verdict.blamed) == ("fail", blamed), verdict.message
    return " ".join(verdict.message.split())


@pytest.mark.parametrize(
    ("default", "whose"),
    [
        (0.9, " (Keras writes it so, where momentum is the share of the old value)"),
        (0.01, ""),
    ],
)
def test_another_default_is_named(default, whose):
    def answer(x, eps=1e-5, momentum=default):
        return scaled(x, eps, momentum)

    wanted = f"the default of momentum is {default} in your function{whose}; here it is 0.1"
    assert wanted in says(exercise(BOTH, NEITHER), answer)
    assert wanted in says(exercise(BOTH), answer, EVERY_EXERCISE)


def test_a_default_is_not_blamed_for_another_mistake():
    def answer(x, eps=1e-3, momentum=0.1):
        return -scaled(x, eps, momentum)

    assert "default" not in says(exercise(NEITHER), answer)


def test_a_default_that_no_signature_shows_is_noticed():
    def answer(x, **given):
        return scaled(x, given.get("eps", 0.01), given.get("momentum", 0.1))

    wanted = "without eps it must do what it does with eps=1e-05, the default"
    assert wanted in says(exercise(BOTH), answer, EVERY_EXERCISE)


@pytest.mark.parametrize("fixed", [1e-5, 1e-6, 1e-8, 0.3])
def test_a_number_in_place_of_a_parameter_is_named(fixed):
    def answer(x, eps=1e-5, momentum=0.1):
        return scaled(x, fixed, momentum)

    wanted = "it does not use the eps that it is given: for eps=0.3 and eps=0.55 it gives the same"
    requests = [BOTH, NEITHER] if fixed != 0.3 else [BOTH]
    assert wanted in says(exercise(*requests), answer, *[EVERY_EXERCISE] * (fixed == 0.3))


def by_shape(x, eps=1e-5, momentum=0.1, known={}):  # noqa: B006
    return scaled(x, eps, momentum) * x.std() / known.setdefault(x.shape, x.std())


KNOWN = {}
CALLS = [0]


def in_a_global(x, eps=1e-5, momentum=0.1):
    return scaled(x, eps, momentum) * x.std() / KNOWN.setdefault(x.shape, x.std())


def counts(x, eps=1e-5, momentum=0.1):
    CALLS[0] += 1
    return scaled(x, eps, momentum) + (CALLS[0] > 3)


def draws(x, eps=1e-5, momentum=0.1):
    return scaled(x, eps, momentum) + 1e-3 * np.random.default_rng().random()


def in_an_attribute(x, eps=1e-5, momentum=0.1):
    in_an_attribute.known = getattr(in_an_attribute, "known", x.std())
    return scaled(x, eps, momentum) * x.std() / in_an_attribute.known


def test_what_a_function_keeps_is_noticed():
    twice = [BOTH, ((2 * X,), {})]
    earlier = "the answer depends on earlier calls: your function keeps something from them"
    default = earlier + " in the default of `known`, which is made only once"
    assert default in says(exercise(*twice), by_shape)
    by_shape.__defaults__[-1].clear()
    assert default in says(exercise(BOTH), by_shape, EVERY_EXERCISE)
    assert earlier in says(exercise(*twice), in_a_global)
    KNOWN.clear()
    assert earlier in says(exercise(BOTH), in_a_global, EVERY_EXERCISE)
    assert earlier in says(exercise(BOTH), in_an_attribute, EVERY_EXERCISE)


def test_what_a_function_keeps_in_an_enclosing_one_is_noticed():
    known = {}

    def answer(x, eps=1e-5, momentum=0.1):
        return scaled(x, eps, momentum) * x.std() / known.setdefault(x.shape, x.std())

    assert "depends on earlier calls" in says(exercise(BOTH), answer, EVERY_EXERCISE)

    calls = 0

    def nonlocal_answer(x, eps=1e-5, momentum=0.1):
        nonlocal calls
        calls += 1
        return scaled(x, eps, momentum) + (calls > 1)

    assert "depends on earlier calls" in says(exercise(BOTH, NEITHER), nonlocal_answer)


def test_two_answers_to_one_question_are_noticed():
    assert "gives two answers: it keeps something from call to call, or draws at random" in says(
        exercise(BOTH), draws
    )


def test_remembering_what_is_right_is_allowed():
    known = {}

    def answer(x, eps=1e-5, momentum=0.1):
        key = (x.tobytes(), eps, momentum)
        return known.setdefault(key, scaled(x, eps, momentum))

    assert examine(exercise(BOTH, NEITHER), answer).status == "pass"


def test_defaults_of_layers_are_compared_as_they_are_written():
    def answer(num_features, momentum=0.1, eps=1e-3):
        import torch

        return torch.nn.BatchNorm1d(num_features, momentum=momentum, eps=eps)

    message = judge("norm_with_memory", answer)[1]
    assert "the default of eps is 0.001 in your function (that is Keras' own)" in message
