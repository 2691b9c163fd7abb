"""Layers and their state."""

import copy
from itertools import chain

import numpy as np
import pytest
from parameter_gradients import numerical_gradients

from helpers.numpy_nn import functional as F
from helpers.numpy_nn import modules as nn
from helpers.numpy_nn.gradcheck import numerical_gradient, relative_error
from helpers.numpy_nn.module import Module, Parameter
from helpers.numpy_nn.state import frozen_statistics


def rng(seed=0):
    return np.random.default_rng(seed)


def small_net(norm_momentum=0.1):
    return nn.Sequential(
        nn.Conv2d(1, 3, 3, padding=1, rng=rng(1)),
        nn.BatchNorm(3, momentum=norm_momentum),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Flatten(),
        nn.Linear(12, 5, rng=rng(2)),
        nn.BatchNorm(5),
        nn.Sigmoid(),
        nn.Linear(5, 2, bias=False, rng=rng(3)),
        nn.Tanh(),
    )


IMAGES = rng(4).standard_normal((6, 1, 4, 4))


@pytest.mark.parametrize("training", [True, False])
def test_backward_is_the_numerical_gradient_of_every_parameter(training):
    net = small_net().train(training)
    dy = rng(5).standard_normal((6, 2))
    with frozen_statistics(net):
        net(IMAGES)
        dx = net.backward(dy)
        found = {parameter: parameter.grad for parameter in net.parameters()}
        for parameter, expected in numerical_gradients(net, lambda: (net(IMAGES) * dy).sum()):
            gradient = found[parameter]
            if np.abs(expected).max() > 1e-8:
                assert relative_error(gradient, expected) < 1e-6
            else:  # a bias that batch norm takes away again
                assert training
                assert parameter.name == "bias"
                assert np.abs(gradient).max() < 1e-12
        expected = numerical_gradient(lambda x: (net(x) * dy).sum(), IMAGES)
    assert relative_error(dx, expected) < 1e-6


@pytest.mark.parametrize(
    "layer",
    [nn.AvgPool2d(2), nn.GlobalAvgPool2d(), nn.MaxPool2d(3), nn.Tanh(), nn.Flatten(), nn.ReLU()],
    ids=lambda layer: type(layer).__name__,
)
def test_layers_without_parameters_have_the_right_gradient(layer):
    dy = rng(5).standard_normal(layer(IMAGES).shape)
    dx = layer.backward(dy)
    assert relative_error(dx, numerical_gradient(lambda x: (layer(x) * dy).sum(), IMAGES)) < 1e-8
    assert layer.parameters() == []


def test_parameters_come_in_the_order_of_the_layers():
    names = "weight bias gamma beta weight bias gamma beta weight"
    parameters = small_net().parameters()
    assert " ".join(parameter.name for parameter in parameters) == names
    assert repr(parameters[0]) == "Parameter(weight, shape=(3, 1, 3, 3))"
    assert all(parameter.grad is None for parameter in parameters)


def test_modules_in_attributes_are_found():
    class Residual(Module):
        def __init__(self):
            self.branch = nn.Sequential(nn.Linear(3, 3, rng=rng()), nn.BatchNorm(3))
            self.scale = Parameter(np.ones(3), "scale")

    block = Residual()
    net = nn.Sequential(block)
    assert [p.name for p in net.parameters()] == ["scale", "weight", "bias", "gamma", "beta"]
    assert [type(m) for m in net.modules()] == [
        nn.Sequential,
        Residual,
        nn.Sequential,
        nn.Linear,
        nn.BatchNorm,
    ]
    assert net.eval() is net
    assert not any(module.training for module in net.modules())
    net.train()
    assert all(module.training for module in net.modules())
    with pytest.raises(NotImplementedError):
        block(np.ones((2, 3)))
    with pytest.raises(NotImplementedError):
        block.backward(np.ones((2, 3)))


def test_linear_draws_he_normal_weights_and_zero_biases():
    layer = nn.Linear(200, 300, rng=rng())
    assert layer.weight.data.shape == (300, 200)
    assert layer.weight.data.dtype == np.float64
    assert layer.weight.data.std() == pytest.approx(0.1, rel=0.01)
    np.testing.assert_array_equal(layer.bias.data, np.zeros(300))
    scaled = nn.Linear(200, 300, rng=rng(), std=0.3)
    np.testing.assert_allclose(scaled.weight.data, 3 * layer.weight.data)
    assert nn.Linear(2, 3, bias=False, rng=rng()).bias is None


def test_conv2d_draws_he_normal_weights():
    layer = nn.Conv2d(8, 500, 5, rng=rng())
    assert layer.weight.data.shape == (500, 8, 5, 5)
    assert layer.weight.data.std() == pytest.approx(0.1, rel=0.01)
    assert nn.Conv2d(1, 2, 3, bias=False, rng=rng()).bias is None
    strided = nn.Conv2d(1, 2, 3, stride=2, padding=1, rng=rng())
    assert strided(IMAGES).shape == (6, 2, 2, 2)


def test_sequential_is_a_sequence_of_its_layers():
    net = small_net()
    assert len(net) == len(list(net)) == 10
    assert net[1] is net.layers[1]
    head = net[:3]
    assert isinstance(head, nn.Sequential)
    assert head[0] is net[0]
    assert head(IMAGES).shape == (6, 3, 4, 4)


def test_activations_yields_every_layer_with_its_output():
    net = small_net().eval()
    seen = list(net.activations(IMAGES))
    assert [layer for layer, _ in seen] == list(net)
    for i, (_, output) in enumerate(seen):
        np.testing.assert_array_equal(output, net[: i + 1](IMAGES))


def test_dropout_works_in_training_mode_only():
    layer = nn.Dropout(0.5, rng())
    x = np.ones((30, 40))
    y = layer(x)
    assert set(np.unique(y)) == {0, 2}
    np.testing.assert_array_equal(layer.backward(x), y)
    layer.eval()
    np.testing.assert_array_equal(layer(x), x)
    np.testing.assert_array_equal(layer.backward(3 * x), 3 * x)


# --- BatchNorm: its results are compared with PyTorch's in test_normalization ------------------


def test_running_statistics_follow_pytorchs_conventions():
    layer = nn.BatchNorm(2, momentum=0.25)
    layer(np.array([[0.0, 1], [2, 1], [4, 1], [6, 1]]))
    np.testing.assert_allclose(layer.running_mean, [0.25 * 3, 0.25])
    np.testing.assert_allclose(layer.running_var, [0.75 + 0.25 * 20 / 3, 0.75])  # 20/3, not 20/4
    assert layer.num_batches_tracked == 1


def test_momentum_none_is_the_plain_average():
    layer = nn.BatchNorm(1, momentum=None)
    batches = [rng(i).standard_normal((5, 1)) + i for i in range(4)]
    for batch in batches:
        layer(batch)
    np.testing.assert_allclose(layer.running_mean, np.mean([b.mean() for b in batches]))
    np.testing.assert_allclose(layer.running_var, np.mean([b.var(ddof=1) for b in batches]))


def test_pixels_count_as_samples_in_the_unbiased_variance():
    layer = nn.BatchNorm(1, momentum=1.0)
    x = rng().standard_normal((2, 1, 3, 3))
    layer(x)
    np.testing.assert_allclose(layer.running_var, x.var(ddof=1))


def test_eval_mode_uses_running_statistics_and_leaves_them():
    layer = nn.BatchNorm(1, eps=0.0)
    layer.running_mean, layer.running_var = np.array([1.0]), np.array([4.0])
    layer.eval()
    np.testing.assert_allclose(layer(np.array([[3.0]])), [[1.0]])
    np.testing.assert_allclose(layer.backward(np.array([[1.0]])), [[0.5]])
    assert (layer.running_mean, layer.running_var) == ([1.0], [4.0])
    assert layer.num_batches_tracked == 0


def test_backward_belongs_to_the_last_forward():
    """Neither the mode nor the running statistics of later matter."""
    x, dy = rng().standard_normal((5, 2)), rng(1).standard_normal((5, 2))
    layer = nn.BatchNorm(2).eval()
    layer(x)
    expected = layer.backward(dy)
    layer.train()
    np.testing.assert_array_equal(layer.backward(dy), expected)
    layer(x)
    assert relative_error(layer.backward(dy), expected) > 0.1


def test_the_batchs_statistics_stay_in_the_cache():
    layer = nn.BatchNorm(3)
    x = rng().standard_normal((7, 3))
    layer(x)
    mean, var = F.batch_statistics(x)
    np.testing.assert_array_equal(layer.cache.mean, mean)
    np.testing.assert_array_equal(layer.cache.var, var)


def running(net):
    layers = [module for module in net.modules() if isinstance(module, nn.BatchNorm)]
    return [(m.running_mean, m.running_var, m.num_batches_tracked) for m in layers]


def same(a, b):
    return all(np.array_equal(x, y) for x, y in zip(chain(*a), chain(*b), strict=True))


@pytest.mark.parametrize("momentum", [0.1, None])
def test_frozen_statistics_changes_nothing_but_the_running_statistics(momentum):
    net = small_net(momentum)
    net(IMAGES)
    before = running(net)
    twin = copy.deepcopy(net)
    with frozen_statistics(net) as frozen:
        assert frozen is net
        np.testing.assert_array_equal(net(IMAGES + 1), twin(IMAGES + 1))
        dy = np.ones((6, 2))
        np.testing.assert_array_equal(net.backward(dy), twin.backward(dy))
        assert all(module.training for module in net.modules())
    assert same(running(net), before)
    assert not same(running(twin), before)
    net(IMAGES + 1)  # thaws
    assert same(running(net), running(twin))


def test_frozen_statistics_nests_and_survives_exceptions():
    net = small_net()
    before = running(net)

    def fail():
        with frozen_statistics(net[1]):
            net(IMAGES)
        net(IMAGES)
        raise KeyError

    with pytest.raises(KeyError), frozen_statistics(net):
        fail()
    assert same(running(net), before)
    net(IMAGES)
    assert not same(running(net), before)


def test_a_copy_shares_nothing():
    net = small_net()
    twin = copy.deepcopy(net)
    net(IMAGES)
    net.backward(np.ones((6, 2)))
    assert all(parameter.grad is None for parameter in twin.parameters())
    assert not same(running(net), running(twin))
