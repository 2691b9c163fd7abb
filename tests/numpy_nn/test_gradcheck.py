"""The judge of every backward pass, judged on functions whose gradients are known."""

import numpy as np
import pytest

from helpers.numpy_nn.gradcheck import numerical_gradient, relative_error


@pytest.mark.parametrize("shape", [(), (3,), (2, 3), (2, 1, 2)])
def test_gradient_of_known_functions(shape):
    x = np.random.default_rng(0).standard_normal(shape)
    np.testing.assert_allclose(numerical_gradient(lambda x: (x**3).sum(), x), 3 * x**2, rtol=1e-8)
    np.testing.assert_allclose(numerical_gradient(lambda x: np.sin(x).sum(), x), np.cos(x))


def test_the_step_is_central():
    """Central differences are exact for a parabola, whatever the step."""
    found = numerical_gradient(lambda x: (x**2).sum(), np.array([1.0, -3.0]), h=0.5)
    np.testing.assert_allclose(found, [2, -6], rtol=1e-14)


def test_f_gets_a_copy():
    x = np.arange(3.0)
    x.flags.writeable = False
    seen = []
    numerical_gradient(lambda a: seen.append(a) or a.sum(), x)
    assert not any(np.shares_memory(x, a) for a in seen)


@pytest.mark.parametrize("x", [np.ones(2, np.float32), np.ones(2, int), [1.0, 2.0]])
def test_only_float64_is_precise_enough(x):
    with pytest.raises(TypeError, match="float64"):
        numerical_gradient(np.sum, x)


def test_relative_error_is_measured_by_the_largest_element():
    assert relative_error([1.0, 100.5], [1.1, 100.0]) == pytest.approx(0.005)
    assert relative_error([0.0, 0.0], [0.0, 0.0]) == 0
    assert relative_error([0.0, 1e-9], [0.0, 0.0]) == float("inf")
    assert np.isnan(relative_error([np.nan, 1.0], [1.0, 1.0]))
    with pytest.raises(ValueError, match=r"shapes differ: \(2,\) and \(1,\)"):
        relative_error([1.0, 1.0], [1.0])
