"""SGD and Adam take PyTorch's steps."""

import numpy as np
import pytest
import torch

from helpers.numpy_nn.module import Parameter
from helpers.numpy_nn.optim import SGD, Adam


@pytest.mark.parametrize("momentum", [0.0, 0.9])
@pytest.mark.parametrize("weight_decay", [0.0, 0.1])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_steps_agree_with_pytorch(momentum, weight_decay, dtype):
    rng = np.random.default_rng(0)
    ours = [Parameter(rng.standard_normal(shape).astype(dtype), "w") for shape in ((3, 2), (4,))]
    theirs = [torch.nn.Parameter(torch.tensor(p.data)) for p in ours]
    our_sgd = SGD(ours, np.float64(0.1), momentum, weight_decay)
    their_sgd = torch.optim.SGD(theirs, 0.1, momentum, weight_decay=weight_decay)
    for step in range(5):
        for a, b in zip(ours, theirs, strict=True):
            a.grad = rng.standard_normal(a.data.shape).astype(dtype)
            b.grad = torch.tensor(a.grad)
        if step == 3:
            our_sgd.lr = their_sgd.param_groups[0]["lr"] = 0.02
        our_sgd.step()
        their_sgd.step()
    for a, b in zip(ours, theirs, strict=True):
        assert a.data.dtype == dtype
        np.testing.assert_allclose(a.data, b.detach(), rtol=1e-5 if dtype == np.float32 else 1e-14)


@pytest.mark.parametrize("weight_decay", [0.0, 0.1])
def test_adam_agrees_with_pytorch(weight_decay):
    rng = np.random.default_rng(0)
    ours = [Parameter(rng.standard_normal(shape), "w") for shape in ((3, 2), (4,))]
    theirs = [torch.nn.Parameter(torch.tensor(p.data)) for p in ours]
    our_adam = Adam(ours, np.float64(0.1), weight_decay)
    their_adam = torch.optim.Adam(theirs, 0.1, weight_decay=weight_decay)
    for _ in range(5):
        for a, b in zip(ours, theirs, strict=True):
            a.grad = rng.standard_normal(a.data.shape)
            b.grad = torch.tensor(a.grad)
        our_adam.step()
        their_adam.step()
    for a, b in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(a.data, b.detach(), rtol=1e-12)


def test_adam_refuses_what_makes_no_sense():
    with pytest.raises(ValueError, match="lr must be zero or positive, not -1"):
        Adam([], lr=-1)
    with pytest.raises(ValueError, match=r"betas must lie in \[0, 1\), not \(0.9, 1.0\)"):
        Adam([], lr=1, betas=(0.9, 1.0))
    parameter = Parameter(np.ones(3), "gamma")
    with pytest.raises(ValueError, match="gamma has no gradient yet"):
        Adam([parameter], lr=1).step()


@pytest.mark.parametrize("optimizer", [SGD, Adam])
def test_a_step_changes_no_array_in_place(optimizer):
    parameter = Parameter(np.ones(3), "w")
    data, gradient = parameter.data, np.full(3, 2.0)
    parameter.grad = gradient
    optimizer([parameter], lr=0.25).step()
    assert not np.array_equal(parameter.data, data)
    np.testing.assert_array_equal(data, 1)
    np.testing.assert_array_equal(gradient, 2)


def test_a_step_replaces_arrays_and_changes_none():
    parameter = Parameter(np.ones(3), "w")
    data, gradient = parameter.data, np.full(3, 2.0)
    parameter.grad = gradient
    SGD([parameter], lr=0.25, momentum=0.9, weight_decay=0.1).step()
    np.testing.assert_allclose(parameter.data, 1 - 0.25 * 2.1)
    np.testing.assert_array_equal(data, 1)
    np.testing.assert_array_equal(gradient, 2)


def test_parameters_may_come_from_a_generator():
    parameter = Parameter(np.ones(1), "w")
    sgd = SGD((p for p in [parameter]), lr=1.0)
    parameter.grad = np.ones(1)
    sgd.step()
    sgd.step()
    assert parameter.data.item() == -1


@pytest.mark.parametrize("name", ["lr", "momentum", "weight_decay"])
@pytest.mark.parametrize("value", [-0.1, np.nan])
def test_negative_settings_are_refused(name, value):
    with pytest.raises(ValueError, match=f"{name} must be zero or positive, not {value}"):
        SGD([], **{"lr": 0.1, name: value})


def test_a_missing_gradient_is_named():
    with pytest.raises(ValueError, match="gamma has no gradient yet: call backward first"):
        SGD([Parameter(np.ones(3), "gamma")], lr=0.1).step()
