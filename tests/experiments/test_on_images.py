"""The recorded experiments of Part III: their arms differ in what their names say, and they run."""

import inspect
import json

import numpy as np
import pytest
import torch
from torch import nn

from helpers import data
from helpers.experiments import PYTORCH, airbench, find, on_images
from helpers.experiments.airbench import AIRBENCH

SIZES = [
    pytest.param(find(name), size, id=f"{name}-{size}")
    for name in PYTORCH
    for size in find(name).sizes
]


@pytest.fixture
def fresh_images():
    on_images.images.cache_clear()
    yield
    on_images.images.cache_clear()


def photos(count):
    rng = np.random.default_rng(0)
    return rng.uniform(size=(count, 3, 32, 32)).astype(np.float32), rng.integers(10, size=count)


def test_small_images_are_a_part_of_cifar10_at_half_the_resolution(monkeypatch, fresh_images):
    (x_train, y_train), (x_test, y_test) = photos(2100), photos(1100)
    parts = (x_train, y_train, x_test, y_test)
    cifar = data.Dataset("cifar10", *parts, 10, verified=False, source="CIFAR-10, some copy")
    monkeypatch.setattr(data, "load", {"cifar10": cifar}.__getitem__)
    small = on_images.images("small")
    assert small.x_train.shape == (2000, 3, 16, 16)
    assert small.x_test.shape == (1000, 3, 16, 16)
    np.testing.assert_array_equal(small.y_test, y_test[:1000])
    block = cifar.standardized().x_train[7, 1, 4:6, 10:12]
    np.testing.assert_allclose(small.x_train[7, 1, 2, 5], block.mean(), rtol=1e-5)
    assert small.source == "CIFAR-10, some copy, 2,000 images at half the resolution"


def test_without_cifar10_the_small_images_are_digits(monkeypatch, fresh_images):
    digits = data.load("digits")

    def load(name):
        if name == "cifar10":
            raise data.DataError("no network")
        return digits

    monkeypatch.setattr(data, "load", load)
    assert on_images.images("small").source == digits.source
    assert find("gpu_steps").data_source("cpu") == digits.source
    with pytest.raises(data.DataError):
        find("gpu_steps").data_source("full")


def norms(net):
    return [m for m in net.modules() if isinstance(m, (nn.BatchNorm2d, nn.GroupNorm))]


def airbench_net(**changes):
    return airbench.airbench_net(on_images.images("digits"), 8, 0, AIRBENCH | changes)


def test_the_airbench_net_normalizes_as_its_settings_say():
    net = airbench_net()
    assert len(norms(net)) == 6
    for norm in norms(net):
        assert (norm.eps, norm.momentum) == (1e-12, 0.4)
        assert not norm.weight.requires_grad
        assert norm.bias.requires_grad
    assert all(n.weight.requires_grad for n in norms(airbench_net(train_gamma=True)))
    assert norms(airbench_net(momentum=0.1, eps=1e-5))[0].momentum == 0.1
    assert norms(airbench_net(norm="none")) == []
    kinds = {type(n) for n in norms(airbench_net(norm="group", train_gamma=True))}
    assert kinds == {nn.GroupNorm}


def test_logits_are_divided_by_nine():
    net, x = airbench_net().eval(), torch.ones(2, 1, 8, 8)
    torch.testing.assert_close(net(x) * 9, net[:-1](x))
    assert not net[-1].alpha.requires_grad


def test_betas_train_faster_and_only_weights_decay():
    net = airbench_net()
    groups = airbench.groups_for_beta(net, lr=0.5, beta_factor=64.0, weight_decay=0.1)
    found = {id(p): group for group in groups for p in group["params"]}
    assert len(found) == sum(len(group["params"]) for group in groups)
    assert set(found) == {id(p) for p in net.parameters() if p.requires_grad}
    betas = {id(n.bias) for n in norms(net)}
    for p in net.parameters():
        if p.requires_grad:
            assert found[id(p)]["lr"] == (32.0 if id(p) in betas else 0.5)
            assert found[id(p)]["weight_decay"] == (0.1 if p.ndim > 1 else 0.0)


@pytest.mark.parametrize(("experiment", "size"), SIZES)
def test_settings_fit_their_function_and_differ(experiment, size):
    settings = experiment.sizes[size]
    for setting in settings:
        inspect.signature(experiment.run).bind(**setting, device="cpu")
    assert len({json.dumps(setting) for setting in settings}) == len(settings)


@pytest.mark.parametrize("name", ["gpu_steps", "gpu_training", "airbench", "smoke"])
def test_the_smallest_size_runs_and_can_be_written_down(name):
    experiment = find(name)
    for setting in experiment.smoke_settings:
        result = experiment.run(**setting, device="cpu")
        assert json.loads(json.dumps(result, allow_nan=False)) == result
        assert 0 <= result["test_accuracy"][-1] <= 1


def test_every_ablation_changes_something():
    for name, change in airbench.ABLATIONS.items():
        assert set(change) <= set(AIRBENCH)
        assert all(AIRBENCH[key] != value for key, value in change.items()), name
