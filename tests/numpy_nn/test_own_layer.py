"""A layer of the learner's own: fit trains it as it trains the course's, and says what it lacks."""

import copy

import numpy as np
import pytest

from helpers import data
from helpers.exercises.your_layer import BatchNormLayer
from helpers.numpy_nn.models import cnn, mlp
from helpers.numpy_nn.modules import BatchNorm
from helpers.numpy_nn.optim import Adam
from helpers.numpy_nn.own_layer import OwnLayer
from helpers.numpy_nn.training import accuracy, batch_accuracy, fit, precise_statistics

DIGITS = data.load("digits")
SETTINGS = {"steps": 100, "batch_size": 32, "lr": 0.1, "seed": 3, "progress": False}
Right = BatchNormLayer.reference


class InPlace(Right):
    """As the right one, but every array stays the same object and is written into."""

    ARRAYS = "dgamma", "dbeta", "running_mean", "running_var"

    def __init__(self, num_features, eps=1e-5, momentum=0.1):
        super().__init__(num_features, eps, momentum)
        self.dgamma, self.dbeta = np.zeros(num_features), np.zeros(num_features)

    def _written_into(self, method, argument):
        arrays = {name: getattr(self, name) for name in self.ARRAYS}
        result = method(argument)
        for name, array in arrays.items():
            array[...] = getattr(self, name)
            setattr(self, name, array)
        return result

    def forward(self, x):
        return self._written_into(super().forward, x)

    def backward(self, dy):
        return self._written_into(super().backward, dy)


class OwnMode(Right):
    """As the right one, but between two calls nobody can read its mode."""

    def __init__(self, num_features, eps=1e-5, momentum=0.1):
        super().__init__(num_features, eps, momentum)
        self.mode, self.training = "train", None

    def forward(self, x):
        self.training = self.mode == "train"
        y = super().forward(x)
        self.training = None
        return y

    def train(self):
        self.mode = "train"

    def eval(self):
        self.mode = "eval"


def small_mlp(norm):
    return mlp((64, 20, 15, 10), np.random.default_rng(0), norm=norm)


def small_cnn(norm):
    return cnn((1, 4, 6), np.random.default_rng(0), norm=norm)


def own_layers(model):
    return [module.layer for module in model.modules() if isinstance(module, OwnLayer)]


def course_layers(model):
    return [module for module in model.modules() if isinstance(module, BatchNorm)]


def arrays_of(model):
    names = "gamma", "beta", "running_mean", "running_var"
    return [np.copy(getattr(layer, name)) for layer in own_layers(model) for name in names]


def assert_same(left, right):
    for a, b in zip(left, right, strict=True):
        np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("network", [small_mlp, small_cnn])
@pytest.mark.parametrize("own", [Right, InPlace])
def test_it_trains_as_the_courses_layer_does(network, own):
    ours, theirs = network(True), network(own)
    right, found = fit(ours, DIGITS, **SETTINGS), fit(theirs, DIGITS, **SETTINGS)
    assert right.loss[-10:].mean() < right.loss[:10].mean() / 2
    np.testing.assert_allclose(found.loss, right.loss, rtol=0, atol=1e-9)
    np.testing.assert_array_equal(found.scores, right.scores)
    for layer, module in zip(own_layers(theirs), course_layers(ours), strict=True):
        assert np.abs(layer.gamma - 1).max() > 1e-3  # it did move
        np.testing.assert_allclose(layer.gamma, module.gamma.data, atol=1e-9)
        np.testing.assert_allclose(layer.beta, module.beta.data, atol=1e-9)
        np.testing.assert_allclose(layer.running_mean, module.running_mean, atol=1e-9)
        np.testing.assert_allclose(layer.running_var, module.running_var, atol=1e-9)


@pytest.mark.parametrize("options", [{"momentum": 0.9, "weight_decay": 0.01}, {"optimizer": Adam}])
def test_every_optimizer_reaches_its_arrays(options):
    settings = SETTINGS | {"lr": 0.01, "steps": 30} | options
    right, found = (fit(small_mlp(norm), DIGITS, **settings).loss for norm in (True, Right))
    np.testing.assert_allclose(found, right, rtol=0, atol=1e-9)


def test_parameters_are_the_layers_arrays():
    layer = Right(3)
    module = OwnLayer(layer)
    gamma, beta = module.parameters()
    assert gamma.data is layer.gamma
    assert beta.data is layer.beta
    gamma.data = np.full(3, 2.0)
    assert gamma.data is layer.gamma
    gamma.data[0] = 5.0
    assert layer.gamma[0] == 5.0
    module.forward(np.arange(12.0).reshape(4, 3))
    module.backward(np.ones((4, 3)))
    assert gamma.grad is layer.dgamma
    assert beta.grad is layer.dbeta


@pytest.mark.parametrize("own", [Right, OwnMode])
def test_the_layer_follows_the_modes_of_the_model(own):
    x, model = DIGITS.x_train[:20], small_mlp(own)
    one = x[:1]
    model(x)
    alone = model.eval()(one)
    np.testing.assert_allclose(alone, model(x)[:1], atol=1e-12)
    assert not any(module.training for module in model.modules())
    assert np.abs(model.train()(x)[:1] - alone).max() > 1e-3
    assert all(module.training for module in model.modules())


def test_the_module_follows_the_mode_of_the_layer():
    module = OwnLayer(Right(3))
    assert module.training
    module.layer.eval()
    assert not module.training


@pytest.mark.parametrize("own", [Right, InPlace, OwnMode])
def test_measuring_leaves_training_as_it_is(own):
    def measure(model, x, y):
        batch_accuracy(model, x, y)
        model.train()(x)
        return accuracy(model, x, y)

    settings = SETTINGS | {"steps": 12}
    quiet, measured = small_mlp(own), small_mlp(own)
    expected = fit(quiet, DIGITS, **settings).loss
    found = fit(measured, DIGITS, **settings, eval_every=3, evaluate=measure).loss
    np.testing.assert_array_equal(found, expected)
    assert_same(arrays_of(measured), arrays_of(quiet))


def test_batch_accuracy_uses_the_batch_in_any_mode():
    own, ours = small_mlp(Right).eval(), small_mlp(True).eval()
    x, y = DIGITS.x_test, DIGITS.y_test
    assert batch_accuracy(own, x, y) == batch_accuracy(ours, x, y) != accuracy(ours, x, y)
    assert not own.training
    assert not own_layers(own)[0].training


@pytest.mark.parametrize("own", [Right, InPlace])
@pytest.mark.parametrize("error", [KeyboardInterrupt, ZeroDivisionError])
def test_an_error_gives_everything_back(own, error):
    def fails(model, step):
        if step == 7:
            raise error

    model = small_mlp(own)
    fit(model, DIGITS, **SETTINGS | {"steps": 5})
    own_layers(model)[1].eval()
    before = arrays_of(model)
    with pytest.raises(error):
        fit(model, DIGITS, **SETTINGS, eval_every=1, probe=fails)
    assert_same(arrays_of(model), before)
    assert [layer.training for layer in own_layers(model)] == [True, False]
    fit(model, DIGITS, **SETTINGS | {"steps": 5})
    assert np.abs(arrays_of(model)[0] - before[0]).max() > 0


def test_a_copy_of_the_model_is_a_copy_of_the_layer():
    model = small_mlp(Right)
    twin = copy.deepcopy(model)
    fit(twin, DIGITS, **SETTINGS | {"steps": 3})
    assert_same(arrays_of(model), arrays_of(small_mlp(Right)))


@pytest.mark.parametrize("name", ["forward", "backward", "train", "eval"])
def test_a_missing_method_is_named(name):
    layer = Right(3)
    setattr(layer, name, None)
    with pytest.raises(TypeError, match=rf"BatchNormLayer cannot be trained: it lacks {name}\(\)"):
        OwnLayer(layer)


@pytest.mark.parametrize("name", ["gamma", "beta", "running_mean", "running_var"])
def test_a_missing_array_is_named(name):
    layer = Right(3)
    delattr(layer, name)
    with pytest.raises(TypeError, match=rf"it lacks {name}\."):
        OwnLayer(layer)


def test_a_blank_class_lacks_all_arrays():
    class Blank:
        def __init__(self, num_features): ...
        def forward(self, x): ...
        def backward(self, dy): ...
        def train(self): ...
        def eval(self): ...

    with pytest.raises(TypeError, match=r"Blank .* lacks gamma, beta, running_mean, running_var\."):
        small_mlp(Blank)


def test_arrays_have_one_shape():
    layer = Right(3)
    layer.running_var = np.ones(4)
    with pytest.raises(ValueError, match=r"running_mean \(3,\), running_var \(4,\)"):
        OwnLayer(layer)


def test_what_methods_forget_is_said():
    class NoEval(Right):
        def forward(self, x):
            return super().forward(x) if self.training else None

    class NoGradient(Right):
        def __init__(self, num_features):
            super().__init__(num_features)
            self.dgamma = None

        def backward(self, dy):
            return dy

    class OneTooFew(Right):
        def forward(self, x):
            return super().forward(x)[:-1]

    class NotTheirShape(Right):
        def backward(self, dy):
            dx = super().backward(dy)
            self.dbeta = self.dbeta.sum()
            return dx

    for own, error, says in [
        (NoEval, TypeError, r"NoEval\.forward returns nothing in eval mode"),
        (NoGradient, TypeError, r"NoGradient\.backward has not set self\.dgamma"),
        (OneTooFew, ValueError, r"OneTooFew\.forward got an array of shape \(32, 20\)"),
        (NotTheirShape, ValueError, r"NotTheirShape\.dbeta must have shape \(15,\), not \(\)"),
    ]:
        with pytest.raises(error, match=says):
            fit(small_mlp(own), DIGITS, **SETTINGS)


def test_precise_statistics_refuses_what_it_cannot_read():
    with pytest.raises(TypeError, match="BatchNorm layers only"):
        precise_statistics(small_mlp(Right), [DIGITS.x_train])
