"""What the bug clinic's checks look through: autograd graphs, and a network with faults."""

import copy

import numpy as np
import pytest
import torch

from helpers.exercises.bug_clinic import network
from helpers.exercises.bug_clinic._graph import given, leaf, slopes

VALUE = torch.tensor([1.0, 2.0, 4.0])


def test_a_leaf_is_found_by_its_value():
    x, w = given(VALUE), given(torch.ones(3))
    assert leaf((w * x).exp().sum(), VALUE) is x
    assert leaf(w * x, torch.ones(3)) is w


@pytest.mark.parametrize("y", [VALUE, 2 * VALUE, np.ones(3)])
def test_without_a_graph_there_is_no_leaf(y):
    assert leaf(y, VALUE) is None


def test_a_copy_of_an_input_is_an_input():
    x = copy.deepcopy(given(VALUE))
    assert leaf(2 * x, VALUE) is x


def test_a_leaf_behind_detach_is_not_found():
    x, w = given(VALUE), given(torch.ones(3))
    assert leaf(w * x.detach(), VALUE) is None
    assert leaf(w * x.detach().requires_grad_(), VALUE) is None
    with pytest.raises(AssertionError, match="no gradient reaches"):
        slopes(w * x.detach(), torch.ones(3), VALUE)


def test_slopes_are_those_of_the_weighted_sum():
    x = given(VALUE)
    weights = torch.tensor([1.0, 0.0, 3.0])
    np.testing.assert_allclose(slopes(x**2, weights, VALUE), [2.0, 0.0, 24.0])


def test_what_was_changed_in_place_has_no_slopes():
    x = given(VALUE)
    y = x / 2
    z = y**2
    y /= 3
    with pytest.raises(AssertionError, match="changed in place"):
        slopes(z, torch.ones(3), VALUE)


@pytest.fixture
def batch():
    rng = np.random.default_rng(0)
    size = (6, network.FEATURES)
    return rng.normal(size=size), rng.integers(network.CLASSES, size=6)


def test_the_network_is_right_without_a_fault(batch):
    assert network.agrees(*batch)


@pytest.mark.parametrize("name", network.FAULTS)
def test_a_fault_changes_the_gradient(batch, name):
    assert not network.agrees(*batch, **network.FAULTS[name])
