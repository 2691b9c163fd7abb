"""A frozen network that is not frozen."""

import copy

import numpy as np
import torch
from torch import nn

from helpers.exercises.bug_clinic._drawn import Itself, drawn, tensor
from helpers.exercises.engine import exercise, same
from helpers.exercises.questions import number

_rng = np.random.default_rng(182)
IN, HIDDEN, OUT = 5, 8, 4
ROWS = tensor(_rng, 6, IN)
EIGHT = tensor(_rng, 6, HIDDEN)
BATCHES = [tensor(_rng, 16, IN, scale=2.0, shift=shift) for shift in (1.0, 2.0, -3.0)]

number(
    "bug-clinic-two-heads",
    answer=53,
    unit="points",
    within_absolute=15,
    tolerance=8,
    measured_by="100 * np.median(lost)",
    reason="The running statistics have followed team two's images; after 50 batches hardly "
    "anything is left of the old ones. They are no parameters, so requires_grad does not protect "
    "them.",
)

PRETRAINED = drawn(
    nn.Sequential(
        nn.Linear(IN, HIDDEN),
        nn.BatchNorm1d(HIDDEN),
        nn.ReLU(),
        nn.Dropout(0.5),
        nn.Linear(HIDDEN, OUT),
        nn.BatchNorm1d(OUT),
    ),
    _rng,
)


@exercise(
    "No parameter changes, so what else does a network keep? Compare frozen.state_dict() before "
    "and after a few batches.",
    "The running statistics are buffers: no optimizer changes them, the forward pass does, as "
    "long as the layer is in training mode. In that mode dropout is active, too.",
    "model.eval() stops both, until somebody calls train() on a network that contains the model or "
    "shares its layers. train() calls the train method of every child: give every module of "
    "the model one that changes nothing and returns the module.",
    "def stay(module, mode=True): return module. Then, for every module in model.modules(): "
    "module.train = types.MethodType(stay, module), after `import types`. That makes a method of a "
    "function: the module comes as its first argument, and a copy's method belongs to the copy.",
    may_change=("model",),
)
def freeze_network(model):
    from types import MethodType

    def stay(module, mode=True):
        return module

    for parameter in model.parameters():
        parameter.requires_grad_(False)
    model.eval()
    for module in model.modules():
        module.train = MethodType(stay, module)
    return model


@freeze_network.starts_as
def _freezes_parameters(model):
    for parameter in model.parameters():
        parameter.requires_grad_(False)
    return model


def _frozen(result):
    if not isinstance(result, nn.Module):
        raise AssertionError(f"the result is a {type(result).__name__}, expected the model")
    return result


def _switch(module, training):
    """Put a learner's module into a mode; its own train() may return anything."""
    try:
        result = module.train(training)
    except RecursionError:
        endless = "its train() calls itself for ever: eval() is train(False)"
        raise AssertionError(endless) from None
    if result is not module:
        got, why = type(result).__name__, ""
        if isinstance(result, nn.Module):
            got, why = "another module", ". All functions made in a loop see its last variable"
        raise AssertionError(
            f"its train() returns {got}, not the module that it is called on, and "
            f"model = model.eval() goes wrong{why}"
        )
    return module


def _in_eval_mode(x):
    with torch.no_grad():
        return copy.deepcopy(PRETRAINED).eval()(x)


def _moved(frozen, when):
    distance = (frozen(ROWS) - _in_eval_mode(ROWS)).abs().max().item()
    if not distance <= 1e-9:
        raise AssertionError(f"{when}, the outputs have moved by up to {distance:.4f}")


@freeze_network.expect
def after_some_batches():
    """After three batches of training, its outputs in eval mode must be what they were."""
    model = copy.deepcopy(PRETRAINED)
    model[3].p = 0.0  # no chance in what the message says
    frozen = _frozen((yield (model,), {}))
    for batch in BATCHES:
        frozen(batch)
    _moved(_switch(frozen, False), "after three batches")


@freeze_network.expect
def the_same_in_training():
    """While something behind it trains, it must give the pretrained outputs, row by row."""
    frozen = _frozen((yield (PRETRAINED,), {}))
    y = frozen(BATCHES[0])
    if not torch.equal(y, frozen(BATCHES[0])):
        raise AssertionError("the outputs for the same rows differ from call to call")
    distance = (y - _in_eval_mode(BATCHES[0])).abs().max().item()
    if distance > 1e-9:
        raise AssertionError(f"the outputs differ from those in eval mode by up to {distance:.4f}")


@freeze_network.expect
def whatever_is_called():
    """It must stay frozen when train() is called on a network that contains it, every epoch."""
    frozen = _frozen((yield (PRETRAINED,), {}))
    _switch(frozen, True)
    whole = nn.Sequential(frozen, nn.Linear(OUT, 2).double())
    for _ in range(2):
        whole.train()
        whole(BATCHES[0])
        _moved(whole[0], "after train() on the whole network and one batch")
        whole.eval()
    if not whole.train()[1].training:
        raise AssertionError("train() no longer reaches the layers behind the frozen network")


@freeze_network.expect
def by_another_way():
    """It must stay frozen when a network that shares its layers trains, as model[:-1] does."""
    whole = Itself(*copy.deepcopy(list(PRETRAINED)), nn.Linear(OUT, 2).double())
    frozen = _frozen((yield (whole[:-1],), {}))  # the judge hands over the slice itself
    whole.train()
    whole(BATCHES[0])
    _moved(
        _switch(frozen, False),
        "the model was a slice, body = whole[:-1]. After whole.train() and a batch through whole",
    )


@freeze_network.expect
def copies():
    """A copy of it must be as frozen as the first."""
    frozen = _frozen((yield (PRETRAINED,), {}))
    twin = copy.deepcopy(frozen)
    twin.train()
    twin(BATCHES[0])
    _moved(twin, "after train() on a copy and one batch")


@freeze_network.expect
def no_parameter_moves():
    """An optimizer that gets all parameters of the whole network must change none of its own."""
    frozen = _frozen((yield (PRETRAINED,), {}))
    whole = nn.Sequential(frozen, nn.Linear(OUT, 2).double())
    optimizer = torch.optim.SGD(whole.parameters(), lr=0.1, weight_decay=0.5)
    whole(BATCHES[0]).square().sum().backward()
    optimizer.step()
    _moved(_switch(frozen, False), "after a step of an optimizer")


@freeze_network.expect
def layers_in_front_learn():
    """Gradients must still pass through it, to layers in front that are not frozen."""
    frozen = _frozen((yield (PRETRAINED,), {}))
    x = ROWS.clone().requires_grad_()
    y = frozen(x)
    if not y.requires_grad:
        raise AssertionError("a layer in front of it gets no gradient")
    (got,) = torch.autograd.grad(y.square().sum(), x)
    right = ROWS.clone().requires_grad_()
    loss = copy.deepcopy(PRETRAINED).eval()(right).square().sum()
    (wanted,) = torch.autograd.grad(loss, right)
    same(got, wanted, "the gradient in front of it")


class _Residual(nn.Module):
    """No Sequential, and with layers inside of layers."""

    handed_over = False

    def __init__(self):
        super().__init__()
        self.first, self.branch = nn.Linear(IN, OUT), copy.deepcopy(PRETRAINED)
        self.norm = nn.BatchNorm1d(OUT)
        self.double()
        with torch.no_grad():
            self.first.weight.copy_(torch.linspace(-1, 1, OUT * IN).view(OUT, IN))
            self.first.bias.zero_()

    def forward(self, x):
        return self.norm(self.first(x) + self.branch(x))

    def __deepcopy__(self, memo):
        """The judge's copy of it is itself, as of `Itself`."""
        if not self.handed_over:
            self.handed_over = True
            return self
        twin = _Residual()
        twin.load_state_dict(self.state_dict())
        return twin


@freeze_network.expect
def any_network():
    """It must work for any network, with layers inside of layers, and for a single layer."""
    for model, x in ((_Residual(), ROWS), (copy.deepcopy(PRETRAINED[1]), ROWS @ ROWS.T @ EIGHT)):
        kind = type(model).__name__.lstrip("_")
        with torch.no_grad():
            expected = model.eval()(x)
        frozen = _frozen((yield (model.train(),), {}))
        whole = nn.Sequential(frozen, nn.Linear(expected.shape[1], 2).double())
        optimizer = torch.optim.SGD(whole.parameters(), lr=0.1, weight_decay=0.5)
        whole.train()(x + 1).square().sum().backward()
        optimizer.step()
        after = "train(), a batch and a step of an optimizer"
        if isinstance(model, _Residual):
            nn.Sequential(*model.branch).train()(x + 1)
            after += ", and a batch through another network with the same layers"
        distance = (frozen(x) - expected).abs().max().item()
        if not distance <= 1e-9:
            raise AssertionError(
                f"a {kind} was frozen; after {after}, its outputs have moved by up to "
                f"{distance:.4f}"
            )
