"""Probes: right where the answer is known, and leaving no trace in what they measure."""

import numpy as np
import pytest

from helpers import probes
from helpers.numpy_nn import functional as F
from helpers.numpy_nn.blocks import NoisyBatchNorm
from helpers.numpy_nn.models import mlp, residual_mlp
from helpers.numpy_nn.modules import BatchNorm, Dropout, Linear, ReLU, Sequential, Tanh

X = np.random.default_rng(0).standard_normal((12, 6))
Y = np.random.default_rng(1).integers(3, size=12)


def rng(seed=2):
    return np.random.default_rng(seed)


def noisy_net():
    """A net with everything that a probe could disturb."""
    noise, masks = rng(5), rng(6)
    net = mlp((6, 5, 5, 3), rng(), norm=lambda features: NoisyBatchNorm(features, noise))
    return Sequential(*net[:-1], Dropout(0.3, masks), net[-1])


def everything(model):
    """All that a model consists of, as comparable values."""
    state = []
    for module in model.modules():
        for name, value in vars(module).items():
            if isinstance(value, np.random.Generator):
                value = value.bit_generator.state
            elif isinstance(value, np.ndarray):
                value = value.tolist()
            elif not isinstance(value, (bool, int, float)):
                continue
            state.append((type(module).__name__, name, value))
    for parameter in model.parameters():
        grad = None if parameter.grad is None else parameter.grad.tolist()
        state.append((parameter.name, parameter.data.tolist(), grad))
    return state


@pytest.mark.parametrize(
    "probe",
    [
        lambda net: probes.activation_inputs(net, X),
        lambda net: probes.activation_percentiles(net, X),
        lambda net: probes.gradient_change(net, X, Y, 0.5),
        lambda net: probes.along_gradient(net, X, Y, 0.5),
        lambda net: probes.gradient_norms(net, X, np.ones((12, 3))),
        lambda net: probes.statistics_noise(net, X, 4, rng()),
    ],
)
@pytest.mark.parametrize("training", [True, False])
def test_probes_leave_the_model_as_it_was(probe, training):
    net = noisy_net()
    loss, cache = F.softmax_cross_entropy(net(X), Y)
    net.backward(F.softmax_cross_entropy_backward(loss, cache))
    net.train(training)
    before = everything(net)
    probe(net)
    assert everything(net) == before


def test_the_state_comes_back_when_a_probe_fails():
    net = noisy_net().eval()
    before = everything(net)
    with pytest.raises(ValueError, match="labels"):
        probes.along_gradient(net, X, Y + 3, 0.5)
    assert everything(net) == before


def test_probes_measure_in_training_mode():
    net = Sequential(Linear(6, 4, rng=rng()), BatchNorm(4), Tanh()).eval()
    (inputs,) = probes.activation_inputs(net, X)
    np.testing.assert_allclose(inputs.mean(axis=0), 0, atol=1e-12)


def test_activation_inputs_and_percentiles():
    net = Sequential(Linear(6, 4, rng=rng()), ReLU(), Linear(4, 4, rng=rng()), Tanh())
    first, second = probes.activation_inputs(net, X)
    np.testing.assert_array_equal(first, net[0](X))
    np.testing.assert_array_equal(second, net[:3](X))
    found = probes.activation_percentiles(net, X, q=(0, 50))
    np.testing.assert_allclose(found[1], [second.min(axis=0), np.median(second, axis=0)])


def test_drift_of_known_distributions():
    before = np.array([[2.0, 5.0, 5.0], [0.0, 0.0, 5.0], [1.0, 1.0, 5.0]])
    # Another order of the samples changes nothing.
    moved = before[[1, 0, 2]] + np.array([3.0, 0.0, -1.0])
    np.testing.assert_allclose(probes.mean_shift(before, moved), [3, 0, 1])
    np.testing.assert_allclose(probes.wasserstein_1(before, moved), [3, 0, 1])
    # Same mean, other shape: only the Wasserstein distance sees it.
    wide = np.array([[-1.0], [1.0], [3.0]])
    assert probes.mean_shift(before[:, :1], wide)[0] == 0
    np.testing.assert_allclose(probes.wasserstein_1(before[:, :1], wide), [2 / 3])


def two_linear_layers():
    return Sequential(Linear(6, 4, bias=False, rng=rng(3)), Linear(4, 3, bias=False, rng=rng(4)))


def test_the_gradient_change_of_two_linear_layers():
    net, target, lr = two_linear_layers(), rng(7).standard_normal((12, 3)), 0.5
    a, b = (layer.weight.data for layer in net)

    def gradients(a):
        error = 2 * (X @ a.T @ b.T - target) / target.size
        return (error @ b).T @ X, error.T @ (X @ a.T)

    of_a, before = gradients(a)
    _, after = gradients(a - lr * of_a)
    found = probes.gradient_change(net, X, target, lr, loss=probes.SQUARED_ERROR)
    l2 = np.linalg.norm(after - before)
    np.testing.assert_allclose(found.l2, [l2])
    np.testing.assert_allclose(found.relative, [l2 / np.linalg.norm(before)])
    cosine = np.vdot(before, after) / np.linalg.norm(before) / np.linalg.norm(after)
    np.testing.assert_allclose(found.cosine, [cosine])
    # All as before where the layer before does not move, and for the first layer.
    still = probes.gradient_change(net, X, target, 0.0, loss=probes.SQUARED_ERROR)
    np.testing.assert_allclose([still.l2[0], still.cosine[0]], [0, 1])
    first = probes.gradient_change(net, X, target, lr, layers=[0], loss=probes.SQUARED_ERROR)
    assert first.l2 == 0


def test_a_layer_steps_together_with_its_bias_gamma_and_beta():
    def net():
        return Sequential(
            BatchNorm(6), Linear(6, 5, rng=rng()), BatchNorm(5), Linear(5, 3, rng=rng())
        )

    probed, stepped = net(), net()
    for model in (stepped,):
        _, cache = F.softmax_cross_entropy(model(X), Y)
        model.backward(F.softmax_cross_entropy_backward(1.0, cache))
    before = stepped[3].weight.grad
    for parameter in stepped[:3].parameters():
        parameter.data = parameter.data - 0.3 * parameter.grad
    _, cache = F.softmax_cross_entropy(stepped(X), Y)
    stepped.backward(F.softmax_cross_entropy_backward(1.0, cache))
    found = probes.gradient_change(probed, X, Y, 0.3)
    np.testing.assert_allclose(found.l2, [np.linalg.norm(stepped[3].weight.grad - before)])


def test_some_layers_only_give_the_same_numbers():
    net = mlp((6, 5, 5, 5, 3), rng(), norm=True)
    every = probes.gradient_change(net, X, Y, 0.4)
    some = probes.gradient_change(net, X, Y, 0.4, layers=[3, 1])
    for name in ("l2", "relative", "cosine"):
        np.testing.assert_array_equal(getattr(some, name), getattr(every, name)[[0, 2]])


def test_noise_is_not_taken_for_a_change():
    change = probes.gradient_change(noisy_net(), X, Y, 0.0)
    np.testing.assert_array_equal(change.l2, 0)
    np.testing.assert_array_equal(
        probes.along_gradient(noisy_net(), X, Y, 1e-300).gradient_change, 0
    )


def test_along_the_gradient_of_a_quadratic():
    """One linear layer and the squared error: the loss is a quadratic in the weights."""
    net = Sequential(Linear(6, 1, bias=False, rng=rng()))
    target = rng(7).standard_normal((12, 1))
    hessian = 2 * X.T @ X / 12
    eigenvalues, vectors = np.linalg.eigh(hessian)
    optimum = np.linalg.lstsq(X, target)[0].T
    # From a place where the gradient points along the steepest direction, the smoothness is the
    # largest eigenvalue; elsewhere it is smaller.
    net[0].weight.data = optimum + vectors[:, -1]
    found = probes.along_gradient(net, X, target, 0.1, loss=probes.SQUARED_ERROR)
    np.testing.assert_allclose(found.smoothness, eigenvalues[-1])
    np.testing.assert_allclose(found.gradient_norm, eigenvalues[-1])
    left = 1 - 0.1 * probes.STEPS * eigenvalues[-1]
    lowest = F.mse_loss(X @ optimum.T, target)[0]
    np.testing.assert_allclose(found.loss - lowest, (found.start - lowest) * left**2)
    np.testing.assert_allclose(
        found.gradient_change, 0.1 * probes.STEPS * eigenvalues[-1] * found.gradient_norm
    )
    net[0].weight.data = optimum + vectors.sum(axis=1)
    elsewhere = probes.along_gradient(net, X, target, 0.1, loss=probes.SQUARED_ERROR)
    assert np.all(elsewhere.smoothness < eigenvalues[-1])
    assert np.all(elsewhere.smoothness > eigenvalues[0])


def test_gradient_norms_between_layers():
    net, dy = two_linear_layers(), rng(7).standard_normal((12, 3))
    a, b = (layer.weight.data for layer in net)
    expected = [np.linalg.norm(dy @ b @ a), np.linalg.norm(dy @ b), np.linalg.norm(dy)]
    np.testing.assert_allclose(probes.gradient_norms(net, X, dy), expected)


def test_growth_rate_of_a_geometric_series():
    assert probes.growth_rate(1.2 ** np.arange(9, 0, -1)) == pytest.approx(1.44)
    assert probes.growth_rate(0.5 ** np.arange(9, 0, -1)) == pytest.approx(0.25)


@pytest.mark.parametrize("batch_size", [8, 32])
def test_gradients_of_a_deep_linear_net_grow_at_the_rate_of_theory(batch_size):
    """Yang et al. 2019: with batch norm and no activation, (B - 2) / (B - 3) per layer."""
    depth, width, rates = 20, 256, []
    for seed in range(5):
        random = rng(seed)
        layers = []
        for _ in range(depth):
            layers += [Linear(width, width, bias=False, rng=random), BatchNorm(width, eps=0)]
        x, dy = random.standard_normal((2, batch_size, width))
        # Norms at the inputs of the linear layers, without the ends.
        norms = probes.gradient_norms(Sequential(*layers), x, dy)[::2]
        rates.append(probes.growth_rate(norms[2:-2]))
    assert np.median(rates) == pytest.approx((batch_size - 2) / (batch_size - 3), rel=0.03)


def test_residual_nets_can_be_probed():
    net = residual_mlp(6, 8, 4, 3, rng(), norm=True)
    assert probes.gradient_change(net, X, Y, 0.1).cosine.shape == (5,)
    assert probes.gradient_norms(net, X, np.ones((12, 3))).shape == (len(net) + 1,)


def test_angles_even_tiny_ones():
    before = np.array([[1.0, 0.0], [2.0, 0.0], [0.0, 3.0]])
    after = np.array([[0.0, 5.0], [2.0, 2e-9], [0.0, -1.0]])
    np.testing.assert_allclose(probes.angle(before, after), [np.pi / 2, 1e-9, np.pi], rtol=1e-12)


def test_the_effective_learning_rate_falls_with_the_squared_length():
    rates = probes.effective_learning_rate(np.array([[3.0, 4.0], [0.6, 0.8]]), 0.5)
    np.testing.assert_allclose(rates, [0.02, 0.5])


def test_the_noise_of_batch_means_is_that_of_samples_without_replacement():
    x = rng(8).standard_normal((200, 30))
    net = Sequential(
        Linear(30, 30, rng=rng()), BatchNorm(30), Linear(30, 4, rng=rng()), BatchNorm(4)
    )
    first, second = probes.statistics_noise(net, x, 50, rng(9), batches=400)
    assert (first.shape, second.shape) == ((30,), (4,))
    assert first.mean() == pytest.approx(np.sqrt((1 - 50 / 200) / 50), rel=0.03)
    # Behind a batch norm the mean over the batch is nearly fixed.
    assert probes.statistics_noise(net, x, 200, rng(9), batches=3)[0].max() < 1e-12
    assert second.max() < 1e-12
