"""Counts against an implementation that counts, and against operators whose bytes are known."""

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from helpers.cost.counting import OperatorCount, batch_norm_cost, bytes_moved, saved_tensors


class Counted(float):
    """A number that counts the arithmetic done with it."""

    operations = 0

    def _count(name):
        def method(self, other):
            Counted.operations += 1
            return Counted(getattr(float, name)(self, other))

        return method

    __add__, __sub__, __mul__ = _count("__add__"), _count("__sub__"), _count("__mul__")


class Memory(list):
    """A list of numbers that counts how often they are read and written."""

    read = written = 0

    def __getitem__(self, i):
        Memory.read += 1
        return Counted(super().__getitem__(i))

    def __setitem__(self, i, value):
        Memory.written += 1
        super().__setitem__(i, float(value))


def forward(x, y, chip):
    """One channel of batch norm, in two passes over x; the second reads from the chip if it can."""
    total = squares = Counted(0)
    shift = 0.1  # near the mean
    for i in range(len(x)):
        value = chip[i] = x[i]
        total = total + value
        squares = squares + (value - shift) * (value - shift)
        Counted.operations -= 1  # the difference was written out twice and is computed once
    scale, offset = 2.0, -0.5  # once per channel
    for i in range(len(x)):
        y[i] = chip.get(i, x) * scale + offset


def backward(x, dy, dx, chip):
    sum_dy = sum_dy_x = Counted(0)
    for i in range(len(x)):
        value, slope = chip[i] = x[i], dy[i]
        sum_dy = sum_dy + slope
        sum_dy_x = sum_dy_x + slope * (value - 0.1)
    for i in range(len(x)):
        value, slope = chip.get(i, (x, dy))
        dx[i] = slope * 2.0 + value * 0.3 + 0.5


def evaluate(x, y):
    for i in range(len(x)):
        y[i] = x[i] * 2.0 + 0.5


class Forgetful:
    """Stands for a chip too small to keep anything: the second pass goes to memory again."""

    def __setitem__(self, i, value):
        pass

    def get(self, i, memory):
        return tuple(part[i] for part in memory) if isinstance(memory, tuple) else memory[i]


@pytest.mark.parametrize("on_chip", [False, True])
@pytest.mark.parametrize("direction", ["forward", "backward", "eval"])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float16])
def test_costs_are_those_of_an_implementation_that_counts(direction, on_chip, dtype):
    x, dy, out = (Memory([0.5] * 120) for _ in range(3))
    chip = {} if on_chip else Forgetful()
    Memory.read = Memory.written = Counted.operations = 0
    if direction == "forward":
        forward(x, out, chip)
    elif direction == "backward":
        backward(x, dy, out, chip)
    else:
        evaluate(x, out)
    cost = batch_norm_cost((2, 3, 4, 5), dtype, direction=direction, on_chip=on_chip)
    assert cost.read == Memory.read * dtype.itemsize
    assert cost.written == Memory.written * dtype.itemsize
    assert cost.operations == Counted.operations


def test_intensity_is_operations_per_byte():
    cost = batch_norm_cost((8, 10))
    assert (cost.moved, cost.operations, cost.intensity) == (3 * 320, 480, 0.5)


def test_another_direction_is_refused():
    with pytest.raises(ValueError, match="sideways"):
        batch_norm_cost((2, 3), direction="sideways")


X = torch.zeros(8, 4, 5, 5)
T, CHANNELS = X.nbytes, 4 * 4  # bytes of X, bytes of one number per channel
GAMMA = torch.ones(4)


@pytest.mark.parametrize(
    ("function", "moved"),
    [
        (lambda: X + X, 3 * T),
        (lambda: torch.relu(X), 2 * T),
        (lambda: X.clone().add_(X), 2 * T + 3 * T),
        (lambda: torch.empty_like(X).fill_(1.0), T),
        (lambda: torch.empty_like(X).copy_(X), 2 * T),
        (lambda: X.view(8, -1).t(), 0),
        (lambda: X + GAMMA[:, None, None].expand_as(X), 2 * T + CHANNELS),
        (lambda: X.sum(dim=(0, 2, 3)), T + CHANNELS),
        (lambda: X.double(), 3 * T),
    ],
)
def test_operators_read_their_inputs_and_write_their_outputs(function, moved):
    assert bytes_moved(function) == moved


def test_batch_norm_reads_twice_in_training_mode():
    x = X.clone().requires_grad_()
    vectors = [GAMMA.clone().requires_grad_(), torch.zeros(4).requires_grad_()]
    with OperatorCount() as count:
        y = F.batch_norm(x, None, None, *vectors, training=True)
    assert 0 <= count.moved - 3 * T <= 10 * CHANNELS
    with OperatorCount() as count:
        torch.autograd.grad(y, [x, *vectors], torch.ones_like(y))
    assert 0 <= count.moved - T - 5 * T <= 12 * CHANNELS  # torch.ones_like writes T
    moved = bytes_moved(lambda: F.batch_norm(X, torch.zeros(4), GAMMA, *vectors))
    assert 0 <= moved - 2 * T <= 10 * CHANNELS


def test_operators_have_names():
    with OperatorCount() as count:
        torch.relu(X + X)
    assert [(o.name, o.moved) for o in count.operators] == [("add", 3 * T), ("relu", 2 * T)]


def shapes(function):
    return [tuple(tensor.shape) for tensor in saved_tensors(function)]


def test_what_autograd_keeps():
    x = X.clone().requires_grad_()
    assert shapes(lambda: x + 1) == []
    assert shapes(lambda: torch.relu(x)) == [(8, 4, 5, 5)]
    assert shapes(lambda: x * x) == [(8, 4, 5, 5)]  # one piece of memory, kept twice
    assert shapes(lambda: torch.relu(torch.exp(x))) == [(8, 4, 5, 5)] * 2


def test_parameters_are_not_counted_as_kept():
    x = torch.zeros(5, 3, 4, 4, requires_grad=True)
    assert shapes(lambda: nn.Conv2d(3, 2, 1)(x)) == [(5, 3, 4, 4)]
    assert shapes(lambda: nn.Linear(4, 2)(x[:, 0, 0])) == [(5, 4)]  # the weight is kept as a view
