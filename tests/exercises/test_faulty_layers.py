"""Each faulty layer is wrong in what its docstring says, and in nothing else."""

import numpy as np
import pytest

from helpers.exercises import faulty_layers, yours_or_ours
from helpers.exercises.faulty_layers import (
    GALLERY,
    ConstantStatistics,
    EvalDoesNothing,
    NeverUpdates,
    SumsForMeans,
    TurnedMomentum,
)
from helpers.exercises.forward import batch_statistics
from helpers.exercises.your_layer import BatchNormLayer
from helpers.numpy_nn import functional as F

SHAPES = [(6, 4), (5, 4, 3, 2)]
SETTINGS = {"eps": 0.3, "momentum": 0.2}


def after(layer_class, shape, *, steps=1):
    """A layer after some training steps, all it gave in the last, and all it is."""
    rng, layer = np.random.default_rng(1), layer_class(4, **SETTINGS)
    layer.gamma, layer.beta = rng.normal(size=4), rng.normal(size=4)
    for _ in range(steps):
        x, dy = rng.normal(size=shape) * 3 + 1, rng.normal(size=shape)
        found = {"x": x, "dy": dy, "y": layer.forward(x), "dx": layer.backward(dy)}
    for name in ("dgamma", "dbeta", "running_mean", "running_var"):
        found[name] = getattr(layer, name)
    layer.eval()
    found |= {"eval y": layer.forward(x), "eval dx": layer.backward(dy)}
    return layer, found


@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize(
    ("layer_class", "wrong"),
    [
        (NeverUpdates, {"running_mean", "running_var", "eval y", "eval dx"}),
        (TurnedMomentum, {"running_mean", "running_var", "eval y", "eval dx"}),
        (EvalDoesNothing, {"eval y", "eval dx"}),
        (ConstantStatistics, {"dx"}),
        (SumsForMeans, {"dx"}),
    ],
)
def test_what_is_wrong_and_what_is_not(layer_class, wrong, shape):
    _, right = after(BatchNormLayer.reference, shape)
    _, found = after(layer_class, shape)
    assert {name for name in right if not np.allclose(found[name], right[name])} == wrong


@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_the_faults_are_those_that_the_notebook_names(shape):
    layer, found = after(ConstantStatistics, shape)
    x, dy, ones = found["x"], found["dy"], np.ones(4)
    axes = tuple(axis for axis in range(x.ndim) if axis != 1)
    r = 1 / np.sqrt(x.var(axis=axes, keepdims=True) + 0.3)
    gamma = layer.gamma.reshape(1, -1, *[1] * (x.ndim - 2))
    np.testing.assert_allclose(found["dx"], gamma * r * dy)

    x_hat, _ = F.batch_norm(x, ones, 0 * ones, 0.3)
    sums = dy.sum(axis=axes, keepdims=True)
    along = (dy * x_hat).sum(axis=axes, keepdims=True)
    _, found = after(SumsForMeans, shape)
    np.testing.assert_allclose(found["dx"], gamma * r * (dy - sums - x_hat * along))

    layer, found = after(NeverUpdates, shape, steps=3)
    np.testing.assert_array_equal([layer.running_mean, layer.running_var], [0 * ones, ones])
    layer, found = after(TurnedMomentum, shape)
    np.testing.assert_allclose(layer.running_mean, 0.8 * found["x"].mean(axis=axes))
    layer, found = after(EvalDoesNothing, shape)
    np.testing.assert_array_equal(found["eval y"], found["y"])


def test_the_gallery_has_every_faulty_layer_once():
    classes = [
        value
        for name, value in vars(faulty_layers).items()
        if isinstance(value, type) and value.__module__ == faulty_layers.__name__ and name[0] != "_"
    ]
    assert sorted(GALLERY, key=str) == sorted(classes, key=str)


def test_a_right_answer_is_taken_and_no_other(capsys):
    def named(function):
        function.__name__ = "batch_statistics"
        return function

    right = named(lambda x: (x.mean(axis=0), x.var(axis=0)))
    assert yours_or_ours(right) is right
    assert "batch_statistics is yours" in capsys.readouterr().out
    for wrong in (named(lambda x: None), named(lambda x: (x.mean(axis=0), x.std(axis=0)))):
        assert yours_or_ours(wrong) is batch_statistics.reference
        assert "batch_statistics is the course's" in capsys.readouterr().out
    with pytest.raises(ValueError, match="under the name the notebook gave it"):
        yours_or_ours(lambda x: x)
