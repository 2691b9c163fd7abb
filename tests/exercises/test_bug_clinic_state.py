"""What the checks about state look through: recorded operations, copies, hidden values."""

import copy

import numpy as np
import torch
from torch import nn

from helpers.exercises.bug_clinic import accumulation, state
from helpers.exercises.bug_clinic._drawn import Itself, drawn
from helpers.exercises.wrapped_tensors import physical


def test_every_recorded_operation_is_counted_once():
    x = torch.ones(3, requires_grad=True)
    doubled = 2 * x  # the product, and the leaf that its gradient ends in
    assert state.count_nodes(doubled) == 2
    assert state.count_nodes(doubled + doubled) == 3
    assert state.count_nodes(doubled.exp(), doubled.sum()) == 4


def test_numbers_hold_no_operation():
    x = torch.ones(3, requires_grad=True)
    assert state.count_nodes(torch.ones(3), (2 * x).detach(), x) == 0


def test_only_the_judges_copy_is_the_model_itself():
    model = Itself(nn.Linear(2, 2), nn.BatchNorm1d(2))
    assert copy.deepcopy(model) is model
    twin = copy.deepcopy(model)
    assert twin is not model
    assert twin[0].weight is not model[0].weight
    assert torch.equal(twin[0].weight, model[0].weight)


def rows_in_memory(call):
    accumulation.ROWS.clear(), accumulation.HELD.clear()
    kept = call(copy.deepcopy(accumulation.FEATURES), accumulation.MANY.chunk(4))
    del kept
    return [held for _, held in accumulation.ROWS]


def test_hidden_values_count_while_their_graph_is_alive():
    assert rows_in_memory(lambda f, parts: [f(x) for x in parts]) == [6, 12, 18, 24]
    assert rows_in_memory(lambda f, parts: [f(x).sum().backward() for x in parts]) == [6] * 4


@torch.no_grad()
def test_hidden_values_do_not_count_without_a_graph():
    assert rows_in_memory(lambda f, parts: [f(x) for x in parts]) == [6] * 4


def test_drawn_models_are_the_same_and_look_trained():
    one, two = (
        drawn(nn.Sequential(nn.Linear(3, 2), nn.BatchNorm1d(2)), np.random.default_rng(5))
        for _ in range(2)
    )
    for a, b in zip(one.state_dict().values(), two.state_dict().values(), strict=True):
        assert torch.equal(a, b)
    assert one[0].weight.dtype == torch.float64
    assert (one[1].running_var >= 0.5).all()
    assert one[1].running_mean.abs().min() > 0


def test_inside_torch_func_a_tensor_is_seen_as_it_is_in_memory():
    x, seen = torch.arange(6.0).reshape(2, 3), []

    def look(row):
        seen.append((row.shape, physical(row)))
        return (row**2).sum()

    torch.vmap(torch.func.grad(look))(x)
    ((shape, inside),) = seen
    assert shape == (3,)
    assert torch.equal(inside, x)
    assert physical(x) is x
