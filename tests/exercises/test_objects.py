"""Exercises whose answer is a class: what is said about its methods, and what it leaves behind."""

from collections import deque

import numpy as np

from helpers import exercises
from helpers.exercises import judge
from helpers.exercises.engine import Exercise, examine, same
from helpers.exercises.kept import Kept


class Total:
    def __init__(self, size, scale=2.0):
        self.total, self.scale = np.zeros(size), scale

    def add(self, x):
        self.total = self.total + self.scale * x
        return self.total

    def reset(self):
        self.total = 0 * self.total


X = np.array([1.0, 2.0, 4.0])


def subject():
    subject = Exercise(Total, ("", ""))

    @subject.expect
    def starts():
        """It starts with zeros."""
        counter = yield (3,), {"scale": 3.0}
        same(counter.total, np.zeros(3), "total")

    @subject.expect
    def adds():
        """add returns the total."""
        counter = yield (3,), {}
        first = counter.add(X)
        same(counter.add(X), 4 * X, "total")
        same(first, 2 * X, "what add returned at first")

    @subject.expect
    def starts_again():
        """reset starts again."""
        counter = yield (3,), {}
        counter.add(X)
        counter.reset()
        same(counter.add(X), 2 * X, "total")

    @subject.expect
    def changed_from_outside():
        """It takes the total that somebody sets, or changes in place."""
        counter = yield (3,), {}
        mine = X.copy()
        counter.total = mine
        counter.subtract("total", X)
        same(counter.total, 0 * X, "total")
        same(mine, X, "the array that was set")

    return subject


def says(answer, blamed):
    verdict = examine(subject(), answer)
    assert (verdict.status, verdict.blamed) == ("fail", blamed), verdict.message
    return verdict.message


def test_a_right_class_passes():
    assert examine(subject(), Total) == ("pass", "✓ all 4 checks passed", None)


def test_what_a_check_holds_is_not_changed_by_later_calls():
    class InPlace(Total):
        def add(self, x):
            self.total += self.scale * x
            return self.total

    assert examine(subject(), InPlace).status == "pass"


def test_the_step_that_is_next_is_told_with_its_goal():
    class Begun:
        def __init__(self, size, scale=2.0):
            self.total, self.scale = np.zeros(size), scale

    assert examine(subject(), Begun)[:2] == (
        "todo",
        "○ not attempted yet: there is no method `add` yet",
    )

    class Further(Begun):
        add = Total.add

    message = says(Further, "starts_again")
    assert "✗ reset starts again.\n  This step is next: there is no method `reset` yet" in message
    assert message.endswith("(2 of 4 checks passed before this one)")

    class Blank(Further):
        def reset(self):
            """Start again."""

    assert "This step is next: `reset` is still blank" in says(Blank, "starts_again")


def test_a_forgotten_return_names_the_method():
    class Answer(Total):
        def add(self, x):
            self.total = self.total + self.scale * x

    verdict = examine(subject(), Answer)
    assert verdict.status == "todo"
    assert "your add returned nothing. If you wrote it, is the `return` missing?" in verdict.message


def test_what_is_missing_or_hidden_is_named():
    class NoTotal(Total):
        def __init__(self, size, scale=2.0):
            total = np.zeros(size)  # noqa: F841

    assert "after `__init__` there is no `self.total`" in says(NoTotal, "starts")

    class Hidden(Total):
        def __init__(self, size, scale=2.0):
            super().__init__(size, scale)
            self.reset = False

    assert "`reset` is no method here but bool: `self.reset = ...` hides" in says(
        Hidden, "starts_again"
    )


def outside(x):
    return [1, 2, 3] @ x


def test_an_error_is_told_with_the_line_of_the_method():
    class Init(Total):
        def __init__(self, size, scale=2.0):
            self.total = np.zeros(size) + undefined  # noqa: F821

    told = (
        "Your __init__ raised NameError: name 'undefined' is not defined (line 2 of your __init__)"
    )
    assert told in says(Init, "starts")

    class Helped(Total):
        def add(self, x):
            rows = [outside(row) for row in x]
            return rows

    assert "(line 2 of your add)" in says(Helped, "adds")

    class Property(Total):
        @property
        def total(self):
            return self.sum

        @total.setter
        def total(self, value):
            pass

    message = says(Property, "starts")
    assert "Your total raised AttributeError: 'Property' object has no attribute 'sum'" in message
    assert "(line 3 of your total)" in message

    class ReadOnly(Total):
        def __init__(self, size, scale=2.0):
            self._total, self.scale = np.zeros(size), scale

        def add(self, x):
            self._total = self._total + self.scale * x
            return self._total

        def reset(self):
            self._total = 0 * self._total

        total = property(lambda self: self._total)

    assert "Your `layer.total = ...` raised AttributeError" in says(
        ReadOnly, "changed_from_outside"
    )


def test_other_arguments_are_pointed_out():
    class Answer(Total):
        def add(self, x, y):
            return x + y

    assert "(it must take the arguments that the notebook gave it: (self, x))" in says(
        Answer, "adds"
    )

    class Returns(Total):
        def __init__(self, size, scale=2.0):
            super().__init__(size, scale)
            return self

    message = says(Returns, "starts")
    assert "__init__() should return None" in message
    assert "arguments" not in message


def test_arguments_stay_what_they_were_also_later():
    class Now(Total):
        def add(self, x):
            x *= self.scale
            self.total = self.total + x
            return self.total

    assert "Your add changed its arguments in place, here x." in says(Now, "adds")

    class Later(Total):
        def add(self, x):
            self.last = x
            return super().add(x)

        def reset(self):
            super().reset()
            self.last *= 0

    assert "`reset` changed in place the x that `add` was given" in says(Later, "starts_again")


def test_another_default_is_named():
    class Answer(Total):
        def __init__(self, size, scale=3.0):
            super().__init__(size, scale)

    assert "the default of scale is 3 in your class; here it is 2" in says(Answer, "adds")


def test_a_setting_and_a_replaced_function_are_put_back():
    import torch

    class Switches(Total):
        def reset(self):
            torch.set_grad_enabled(False)

    assert "Your reset must not do this: it switches gradients off" in says(
        Switches, "starts_again"
    )
    assert torch.is_grad_enabled()

    class Replaces(Total):
        def add(self, x):
            np.sqrt = np.exp
            return super().add(x)

    before = np.sqrt
    message = examine(subject(), Replaces).message
    assert "Your class must not do this: it replaces numpy.sqrt" in message
    assert np.sqrt is before


# What is no class.


class BatchNormLayer:
    def __init__(self, num_features, eps=1e-5, momentum=0.1): ...

    def __call__(self, x): ...


def test_what_is_no_class_gets_a_sentence(capsys):
    said = "✗ this is an object that BatchNormLayer(...) made. Pass the class itself"
    status, message = judge("BatchNormLayer", BatchNormLayer(3))
    assert (status, message.startswith(said)) == ("fail", True)
    exercises.check(BatchNormLayer(3))
    assert " ".join(capsys.readouterr().out.split()).startswith(said)

    status, message = judge("BatchNormLayer", lambda num_features: None)
    assert status == "fail"
    assert "has to be a class, `class BatchNormLayer:` with its methods inside" in message
    assert message.endswith("this is a function")


def test_a_class_is_found_by_its_name(capsys):
    exercises.check(BatchNormLayer)
    assert capsys.readouterr().out == "○ not attempted yet\n"
    exercises.solution(BatchNormLayer)
    source = capsys.readouterr().out
    assert source.startswith("class BatchNormLayer:\n    def __init__(self, num_features, eps=1e-5")
    names = {}
    exec(source, {"np": np}, names)
    assert judge("BatchNormLayer", names["BatchNormLayer"])[0] == "pass"
    assert len(source.splitlines()) < 60


# What a class leaves behind.

LOG, COUNT, TABLE = [], 0, np.zeros(3)


def test_every_check_starts_from_what_a_class_was():
    hidden, seen = {"n": 0}, deque()  # a deque is no container that is put back

    class Answer(Total):
        made = 0
        names: list = []  # noqa: RUF012

        def __init__(self, size, scale=2.0, known={}, *, more=[]):  # noqa: B006
            global COUNT
            super().__init__(size, scale)
            seen.append((Answer.made, hasattr(Answer, "new"), COUNT, hidden["n"], TABLE[0]))
            seen[-1] += (len(LOG), len(known), len(more), len(self.names), noted.calls)
            Answer.made += 1
            Answer.new = self
            COUNT += 1
            hidden["n"] += 1
            TABLE[:] += 1
            LOG.append(self.total)
            known[size] = more.append(size)
            self.names.append("name")
            noted()

    def noted():
        noted.calls += 1

    noted.calls = 0
    table = TABLE
    kept = Kept(Answer)
    for _ in range(2):
        with kept.put_back():
            Answer(3)
    assert len(seen) == 2
    assert seen[0] == seen[1] == (0, False, 0, 0, 0, 0, 0, 0, 0, 0)
    assert (Answer.made, hasattr(Answer, "new"), COUNT, hidden, LOG) == (0, False, 0, {"n": 0}, [])
    assert TABLE is table
    assert not TABLE.any()


def test_what_objects_share_is_the_same_in_every_judgement():
    class Answer(Total):
        shared = np.zeros(3)

        def __init__(self, size, scale=2.0):
            self.scale = scale

        total = property(lambda self: self.shared, lambda self, new: self.put(new))

        def put(self, new):
            self.shared[:] = new

    first = examine(subject(), Answer)
    assert examine(subject(), Answer) == first
    assert not Answer.shared.any()


def test_a_class_is_put_back_after_an_error():
    class Answer(Total):
        made = 0

        def add(self, x):
            Answer.made += 1
            raise ValueError("no")

    assert "ValueError: no (line 3 of your add)" in says(Answer, "adds")
    assert Answer.made == 0


def test_a_function_is_left_alone():
    def counted(x):
        counted.calls += 1
        return x

    counted.calls = 0
    with Kept(counted).put_back():
        counted(1)
    assert counted.calls == 1
