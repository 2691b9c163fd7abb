"""Residual blocks, SkipInit's scalar, and batch norm with noise."""

import numpy as np
import pytest
from parameter_gradients import numerical_gradients

from helpers.numpy_nn import modules as nn
from helpers.numpy_nn.blocks import DistributionNoise, NoisyBatchNorm, Residual, Scale
from helpers.numpy_nn.gradcheck import numerical_gradient, relative_error
from helpers.numpy_nn.training import batch_statistics_only

RNG = np.random.default_rng(0)
X = RNG.standard_normal((7, 4))
DY = RNG.standard_normal((7, 4))


def residual(alpha=0.7):
    rng = np.random.default_rng(1)
    return Residual(nn.BatchNorm(4), nn.ReLU(), nn.Linear(4, 4, rng=rng), Scale(alpha))


def test_a_residual_block_adds_its_branch_to_its_input():
    block = residual()
    np.testing.assert_allclose(block(X), X + block.branch(X))
    assert [p.name for p in block.parameters()] == ["gamma", "beta", "weight", "bias", "alpha"]


def test_skip_init_makes_a_block_the_identity():
    block = residual(alpha=0)
    np.testing.assert_array_equal(block(X), X)
    np.testing.assert_array_equal(block.backward(DY), DY)
    # and yet alpha learns
    assert abs(block.branch[-1].alpha.grad) > 0.1


def test_backward_of_a_residual_block_is_the_numerical_gradient():
    block = residual()
    block(X)
    dx = block.backward(DY)
    found = {parameter: parameter.grad for parameter in block.parameters()}
    assert relative_error(dx, numerical_gradient(lambda x: (block(x) * DY).sum(), X)) < 1e-7
    for parameter, expected in numerical_gradients(block, lambda: (block(X) * DY).sum()):
        assert relative_error(found[parameter], expected) < 1e-7, parameter


def test_blocks_keep_float32():
    block = residual().train()
    y = block(X.astype(np.float32))
    assert y.dtype == block.backward(y).dtype == np.float32
    noise = DistributionNoise(np.random.default_rng(0))
    assert noise(X.astype(np.float32)).dtype == np.float32


def test_the_noise_has_the_distribution_of_the_paper():
    layer = DistributionNoise(np.random.default_rng(2), shift=0.5, stretch=1.25)
    units, samples = 2000, 50
    x = np.zeros((samples, units))
    m = layer(x)  # with x = 0 only the shift is left
    mu = m.mean(axis=0)
    assert np.abs(m - mu).max() < 0.2
    assert np.abs(mu).max() == pytest.approx(0.5, abs=0.06)
    assert mu.std() == pytest.approx(1 / np.sqrt(12), rel=0.05)  # uniform over a length of 1
    assert (m - mu).std() == pytest.approx(0.1 / np.sqrt(3), rel=0.05)
    s = layer.cache
    sigma = s.mean(axis=0)
    assert sigma.mean() == pytest.approx(1.125, abs=0.01)
    assert sigma.std() == pytest.approx(0.25 / np.sqrt(12), rel=0.05)
    assert (s - sigma).std() == pytest.approx(0.1, rel=0.05)


def test_noise_is_new_at_each_pass_and_its_backward_scales():
    layer = DistributionNoise(np.random.default_rng(3))
    first, stretch = layer(X), layer.cache
    np.testing.assert_array_equal(layer.backward(DY), stretch * DY)
    assert np.abs(layer(X) - first).max() > 0.1


def test_noise_is_off_in_eval_mode():
    layer = DistributionNoise(np.random.default_rng(3)).eval()
    np.testing.assert_array_equal(layer(X), X)
    np.testing.assert_array_equal(layer.backward(DY), DY)


def test_noisy_batch_norm_is_batch_norm_with_noise_behind():
    noisy, plain = NoisyBatchNorm(4, np.random.default_rng(4)), nn.BatchNorm(4)
    same_noise = DistributionNoise(np.random.default_rng(4))
    np.testing.assert_array_equal(noisy(X), same_noise(plain(X)))
    np.testing.assert_allclose(noisy.backward(DY), plain.backward(same_noise.backward(DY)))
    np.testing.assert_array_equal(noisy.eval()(X), plain.eval()(X))
    with batch_statistics_only(noisy):  # the batch normalizes, the noise is off
        np.testing.assert_allclose(noisy(X).mean(axis=0), 0, atol=1e-12)
