"""Bugs of modes: a layer, and a measurement, in training mode or not."""

import copy

import numpy as np
import torch
from torch import nn

from helpers.exercises.bug_clinic._drawn import Itself, tensor
from helpers.exercises.engine import array_like, exercise, same

_rng = np.random.default_rng(182)
N, C = 7, 3
X = tensor(_rng, N, C, scale=[1.0, 4.0, 0.5], shift=[5.0, -2.0, 0.3])
OTHERS = [tensor(_rng, N, C, scale=[1.0, 4.0, 0.5], shift=shift) for shift in (0.0, 1.0, 2.0)]
WEIGHTS = tensor(_rng, N, C)  # of the sum that gradients are taken of


@exercise(
    "Which question does the layer ask to find out what it is used for? Who answers it, "
    "model.eval() or torch.no_grad()?",
    "Whether gradients are wanted and whether the network is being trained are two questions. A "
    "saliency map wants gradients of a network that is not trained.",
    "Ask `if not self.training:`. model.train() and model.eval() set it in every module.",
)
def norm_with_modes(num_features, momentum=0.1, eps=1e-5):
    class Norm(nn.Module):
        def __init__(self):
            super().__init__()
            self.register_buffer("running_mean", torch.zeros(num_features))
            self.register_buffer("running_var", torch.ones(num_features))

        def forward(self, x):
            if not self.training:
                return (x - self.running_mean) / torch.sqrt(self.running_var + eps)
            mu, var = x.mean(dim=0), x.var(dim=0, correction=0)
            with torch.no_grad():
                self.running_mean.lerp_(mu, momentum)
                self.running_var.lerp_(var * len(x) / (len(x) - 1), momentum)
            return (x - mu) / torch.sqrt(var + eps)

    return Norm()


@norm_with_modes.starts_as
def _asks_about_gradients(num_features, momentum=0.1, eps=1e-5):
    class Norm(nn.Module):
        def __init__(self):
            super().__init__()
            self.register_buffer("running_mean", torch.zeros(num_features))
            self.register_buffer("running_var", torch.ones(num_features))

        def forward(self, x):
            if not torch.is_grad_enabled():
                return (x - self.running_mean) / torch.sqrt(self.running_var + eps)
            mu, var = x.mean(dim=0), x.var(dim=0, correction=0)
            with torch.no_grad():
                self.running_mean.lerp_(mu, momentum)
                self.running_var.lerp_(var * len(x) / (len(x) - 1), momentum)
            return (x - mu) / torch.sqrt(var + eps)

    return Norm()


def _layer(module, training=True):
    """The learner's layer in float64, in the mode asked for."""
    if not isinstance(module, nn.Module):
        raise AssertionError(f"the result is a {type(module).__name__}, expected an nn.Module")
    return module.double().train(training)


def _twin(features=C, **kwargs):
    return nn.BatchNorm1d(features, affine=False, **kwargs).double()


@norm_with_modes.expect
def in_training():
    """In training it must be like nn.BatchNorm1d: output, gradient, and what it remembers."""
    for features in (C, 1):
        module = yield (features,), {"momentum": 0.3, "eps": 0.2}
        layer, twin = _layer(module), _twin(features, momentum=0.3, eps=0.2)
        x = X[:, :features].clone().requires_grad_()
        y, right = layer(x), twin(x)
        same(y, right.detach(), "y in training")
        if not y.requires_grad:
            raise AssertionError("in training y has no gradient")
        (got,) = torch.autograd.grad((WEIGHTS[:, :features] * y).sum(), x)
        (wanted,) = torch.autograd.grad((WEIGHTS[:, :features] * right).sum(), x)
        same(got, wanted, "the gradient in training")
        with torch.no_grad():
            other = OTHERS[0][:, :features]
            same(layer.eval()(other), twin.eval()(other), "y in eval mode")


@norm_with_modes.expect
def defaults_as_in_pytorch():
    """Without momentum and eps it must use 0.1 and 1e-5, as nn.BatchNorm1d does."""
    layer, twin = _layer((yield (C,), {})), _twin()
    same(layer(1e-3 * X), twin(1e-3 * X), "y of features that hardly vary")
    for batch in OTHERS:
        layer(batch), twin(batch)
    for norm in (layer, twin):
        norm.running_var.mul_(1e-3)
    with torch.no_grad():
        same(layer.eval()(X), twin.eval()(X), "y in eval mode after four batches")


@norm_with_modes.expect
def numbers_only():
    """What it remembers of a batch must be numbers, without the record of how they came about."""
    module = yield (C,), {}
    layer = _layer(module)
    layer(X.detach().clone().requires_grad_())
    for name, value in layer.named_buffers():
        if value.requires_grad:
            raise AssertionError(f"{name} holds on to the batch: its requires_grad is True")


@norm_with_modes.expect
def in_company():
    """In eval mode a row's output must not depend on other rows, gradients wanted or not."""
    module = yield (C,), {}
    layer = _layer(module, training=False)
    row = X.detach()[:1]
    outputs = [copy.deepcopy(layer)(torch.cat([row, batch]))[0, 0].item() for batch in OTHERS[:2]]
    if abs(outputs[0] - outputs[1]) > 1e-9:
        raise AssertionError(
            f"the same row gives {outputs[0]:.4f} in one batch and {outputs[1]:.4f} in another"
        )


@norm_with_modes.expect
def gradients_in_eval_mode():
    """In eval mode gradients must pass, as through nn.BatchNorm1d: maps are made of them."""
    module = yield (C,), {"eps": 0.2}
    layer, twin = _layer(module), _twin(eps=0.2)
    layer(OTHERS[1]), twin(OTHERS[1])
    slopes = []
    for norm in (layer.eval(), twin.eval()):
        x = X.clone().requires_grad_()
        y = norm(x)
        if not y.requires_grad:
            raise AssertionError("in eval mode y has no gradient: there is nothing to draw")
        slopes += torch.autograd.grad((WEIGHTS * y).sum(), x)
    same(slopes[0], slopes[1], "the gradient in eval mode")


@norm_with_modes.expect
def untouched_by_eval():
    """In eval mode nothing must be remembered; the output is that of the running statistics."""
    module = yield (C,), {}
    layer, twin = _layer(module), _twin()
    layer(OTHERS[0]), twin(OTHERS[0])
    layer.eval(), twin.eval()
    for batch in OTHERS:
        layer(batch + 5)
    same(layer(X.detach()).detach(), twin(X.detach()), "y after three batches in eval mode")


@norm_with_modes.expect
def training_without_gradients():
    """In training mode it must use the batch and remember it, under torch.no_grad() as well."""
    module = yield (C,), {}
    layer, twin = _layer(module), _twin()
    with torch.no_grad():
        for batch in OTHERS:
            same(layer(batch), twin(batch), "y in training mode under no_grad")
        same(layer.eval()(X), twin.eval()(X), "y in eval mode afterwards")


# --- measuring ---------------------------------------------------------------------------------

IN = 5
CLASSES = torch.tensor([0] * 36 + [1] * 18 + [2] * 6)  # sorted, as test sets often are
SORTED = tensor(_rng, 60, IN) + 2.0 * torch.eye(IN, dtype=torch.float64)[CLASSES]
SORTED[3::7] *= -1  # nobody is right about these


def _classifier(dropout=0.9):
    """A network, as a training loop leaves it, that picks the largest of the first 3 features."""
    scale, shift = torch.tensor([3.0, 0.5, 2.0, 1, 1]), torch.tensor([10.0, -20, 5, 0, 1])
    first, norm, last = nn.Linear(IN, IN), nn.BatchNorm1d(IN), nn.Linear(IN, 3, bias=False)
    with torch.no_grad():
        first.weight.copy_(torch.diag(scale))
        first.bias.copy_(shift)
        norm.running_mean.copy_(shift)
        norm.running_var.copy_(scale**2)
        last.weight.copy_(torch.eye(3, IN))
    return Itself(first, norm, nn.Sequential(nn.Dropout(dropout), last)).double()


def _right_answers(rows=slice(None)):
    """The share that the classifier gets right in eval mode."""
    return (SORTED[rows, :3].argmax(dim=1) == CLASSES[rows]).double().mean().item()


@exercise(
    "Which mode is the model in while you measure? Print model.training in your function.",
    "In training mode batch norm normalizes by the batch, so the answers depend on how the data "
    "are cut, and it takes the test data into its running statistics. no_grad() changes neither.",
    "Call model.eval() before the loop. Afterwards every module has to be in its old mode: note "
    "modes = [(module, module.training) for module in model.modules()] first, and put each one "
    "back.",
)
def measure_accuracy(model, x, y, batch_size=100):
    modes = [(module, module.training) for module in model.modules()]
    model.eval()
    right = 0
    with torch.no_grad():
        for start in range(0, len(x), batch_size):
            logits = model(x[start : start + batch_size])
            right += (logits.argmax(dim=1) == y[start : start + batch_size]).sum().item()
    for module, mode in modes:
        module.training = mode
    return right / len(x)


@measure_accuracy.starts_as
def _in_whatever_mode(model, x, y, batch_size=100):
    right = 0
    with torch.no_grad():
        for start in range(0, len(x), batch_size):
            logits = model(x[start : start + batch_size])
            right += (logits.argmax(dim=1) == y[start : start + batch_size]).sum().item()
    return right / len(x)


@measure_accuracy.expect
def however_it_is_cut():
    """The accuracy must not depend on how the test set is cut into batches."""
    for size in (20, 7, 60):
        got = yield (_classifier(dropout=0.0), SORTED, CLASSES), {"batch_size": size}
        array_like(got, "the accuracy", shape=())
        if abs(got - _right_answers()) > 1e-6:
            raise AssertionError(
                f"in batches of {size} the accuracy is {got:.4f}, expected {_right_answers():.4f}"
            )


@measure_accuracy.expect
def no_chance():
    """Measured twice, the accuracy must be the same: nothing is dropped at random."""
    for _ in range(2):
        got = yield (_classifier(), SORTED, CLASSES), {}
        same(got, _right_answers(), "the accuracy", tol=1e-6)


@measure_accuracy.expect
def any_test_set():
    """It must work for test sets of any size: a single row, and more rows than a batch."""
    for rows, size in ((slice(1), 100), (slice(30, 53), 10), (slice(5, 6), 1)):
        got = yield (_classifier(), SORTED[rows], CLASSES[rows]), {"batch_size": size}
        count = len(CLASSES[rows])
        same(got, _right_answers(rows), f"the accuracy on {count} of the rows", tol=1e-6)
    many = slice(36, 60)  # 5 times, so that it is more than one batch of 100
    got = yield (_classifier(), SORTED[many].repeat(5, 1), CLASSES[many].repeat(5)), {}
    same(got, _right_answers(many), "the accuracy on 120 rows", tol=1e-6)


@measure_accuracy.expect
def left_as_it_was():
    """Afterwards every part of the model must be as it was before: its numbers and its mode."""
    for whole, part in ((True, True), (False, False), (True, False)):
        model = _classifier().train(whole)
        model[1].train(part)  # the last one: a layer that somebody keeps in eval mode
        numbers = copy.deepcopy(model.state_dict())
        yield (model, SORTED, CLASSES), {}
        now = (model.training, model[1].training)
        if now != (whole, part):
            raise AssertionError(
                f"before, the model was in {_mode(whole)} mode and its batch norm in "
                f"{_mode(part)} mode; afterwards they are in {_mode(now[0])} and {_mode(now[1])}"
            )
        for name, value in model.state_dict().items():
            same(value, numbers[name], name)
        changed = [name for name, p in model.named_parameters() if not p.requires_grad]
        if changed:
            raise AssertionError(f"requires_grad of {changed[0]} was True and is False afterwards")
        for part, name, value in ((model[1], "momentum", 0.1), (model[2][0], "p", 0.9)):
            if getattr(part, name) != value:
                says = f"was {value} and is {getattr(part, name)} afterwards"
                raise AssertionError(f"{name} of {type(part).__name__} {says}")


def _mode(training):
    return "training" if training else "eval"
