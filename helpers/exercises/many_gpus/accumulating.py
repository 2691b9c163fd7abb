"""The gradient of a large batch from several small ones."""

import numpy as np
import torch
from torch import nn

from helpers.exercises.engine import array_like, exercise, parts, same, slip
from helpers.exercises.wrapped_tensors import physical


def _model(*layers):
    """A small network in float64 whose weights are the same on every machine."""
    layers = layers or (nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 2))
    model = nn.Sequential(*layers).double()
    rng = np.random.default_rng(172)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.copy_(torch.from_numpy(rng.normal(size=tuple(parameter.shape))))
    return model


def _batches(*sizes):
    rng = np.random.default_rng(173)
    return [
        (torch.from_numpy(rng.normal(size=(n, 3))), torch.from_numpy(rng.normal(size=(n, 2))))
        for n in sizes
    ]


def _gradients(batches, weights):
    """The weighted sum of the gradients of the batches' mean losses, parameter by parameter."""
    model = _model()
    losses = [nn.functional.mse_loss(model(x), y) for x, y in batches]
    total = sum(weight * loss for weight, loss in zip(weights, losses, strict=True))
    return [g.numpy() for g in torch.autograd.grad(total, [*model.parameters()])]


@exercise(
    "backward() adds to the gradients that are there already. So call it once for each batch. "
    "What has to happen to each loss first, so that the sum is the gradient of a mean?",
    "Every sample of all batches counts the same. A batch's mean loss counts as much as its share "
    "of all samples: len(x) / total.",
    "total = sum(len(x) for x, _ in batches); then, for each batch, "
    "(loss_fn(model(x), y) * len(x) / total).backward(). At last collect p.grad.",
    may_change=("model",),
)
def accumulate(model, loss_fn, batches):
    total = sum(len(x) for x, _ in batches)
    for x, y in batches:
        loss = loss_fn(model(x), y) * len(x) / total
        loss.backward()
    return [parameter.grad for parameter in model.parameters()]


def _flat(gradients):
    return np.concatenate([np.ravel(gradient) for gradient in gradients])


def _answer(result):
    """The learner's gradients as one vector."""
    names = [name for name, _ in _model().named_parameters()]
    gradients = parts(result, *names)
    arrays = [
        array_like(gradient, f"the gradient of {name}", shape=tuple(parameter.shape))
        for gradient, (name, parameter) in zip(gradients, _model().named_parameters(), strict=True)
    ]
    return _flat(arrays)


@accumulate.expect
def one_gradient_per_parameter():
    """Return a list with the gradient of each parameter, shaped like the parameter."""
    _answer((yield (_model(), nn.functional.mse_loss, _batches(4)), {}))


@accumulate.expect
def equal_batches():
    """From two equal batches it is the gradient of the mean loss over both."""
    batches = _batches(3, 3)
    answer = _answer((yield (_model(), nn.functional.mse_loss, batches), {}))
    slip(answer, _flat(_gradients(batches, [1, 1])), "this is twice the gradient: scale each loss")
    says = "only the last batch is in it: backward() adds to p.grad, so set nothing to zero between"
    slip(answer, _flat(_gradients(batches, [0, 0.5])), says)
    slip(answer, _flat(_gradients(batches, [0, 1])), says)
    slip(answer, _flat(_gradients(batches, [1, 0])), "only the first batch is in it")
    slip(
        answer, _flat(_gradients(batches, [3, 3])), "this is the gradient of the sum of all losses"
    )
    slip(answer, _flat([p.detach() for p in _model().parameters()]), "these are the parameters")
    same(answer, _flat(_gradients(batches, [0.5, 0.5])), "gradients, all in one row:")


@accumulate.expect
def unequal_batches():
    """A smaller last batch counts less, as every sample counts the same."""
    for sizes in ((4, 4, 1), (2, 5)):
        batches, k = _batches(*sizes), len(sizes)
        answer = _answer((yield (_model(), nn.functional.mse_loss, batches), {}))
        says = "every batch counts the same here; weigh each with its number of samples"
        slip(answer, _flat(_gradients(batches, [1 / k] * k)), says)
        says = "the first batch's size is taken for that of all"
        slip(answer, _flat(_gradients(batches, [sizes[0] / sum(sizes)] * k)), says)
        weights = [n / sum(sizes) for n in sizes]
        same(answer, _flat(_gradients(batches, weights)), f"gradients (batches of {sizes}):")


def _pinball(outputs, targets):
    """A mean loss that is not symmetric: to be too low costs three times as much."""
    above = outputs - targets
    return torch.maximum(above, -3 * above).mean()


@accumulate.expect
def as_given():
    """It uses the loss that it is given, and leaves the model in the mode that it is in."""
    given, batches, modes = _model(), _batches(2, 3), []
    given.register_forward_hook(lambda module, *_: modes.append(module.training))
    answer = _answer((yield (given, _pinball, batches), {}))
    assert all(modes), "the model is in eval mode: dropout and batch norm would do something else"
    x, y = (torch.cat(part) for part in zip(*batches, strict=True))

    def gradients(loss):
        model = _model()
        found = torch.autograd.grad(loss(model(x), y), [*model.parameters()])
        return _flat([gradient.numpy() for gradient in found])

    slip(answer, gradients(nn.functional.mse_loss), "this is the gradient of mse_loss")
    says = "a loss takes (outputs, targets), in this order: loss_fn(model(x), y)"
    slip(answer, gradients(lambda outputs, targets: _pinball(targets, outputs)), says)
    same(answer, gradients(_pinball), "gradients, all in one row:")


@accumulate.expect
def any_model():
    """It works for any model, and for batches of one sample."""
    layers, batches = (nn.Linear(3, 2, bias=False), nn.Softplus()), _batches(1, 4, 1)
    result = yield (_model(*layers), nn.functional.mse_loss, batches), {}
    (gradient,) = parts(result, "0.weight")
    gradient = array_like(gradient, "the gradient of 0.weight", shape=(2, 3))
    x, y = (torch.cat(part) for part in zip(*batches, strict=True))
    whole = _model(*layers)
    nn.functional.mse_loss(whole(x), y).backward()
    same(gradient, whole[0].weight.grad, "the gradient of 0.weight")


@accumulate.expect
def one_batch_at_a_time():
    """Only one batch is in memory at a time: its backward pass comes before the next batch."""
    model, batches, rows, waiting, most = _model(), _batches(2, 3, 2), [], set(), []

    def watch(module, inputs, outputs):
        x = physical(inputs[0]).detach()
        rows.append(x.numel() // x.shape[-1])
        key = tuple(x.flatten().tolist())
        if outputs.requires_grad:
            waiting.add(key)
            most.append(len(waiting))
            outputs.register_hook(lambda gradient: waiting.discard(key))

    model.register_forward_hook(watch)
    _answer((yield (model, nn.functional.mse_loss, batches), {}))
    assert max(rows, default=0) <= 3, (
        f"the model got {max(rows, default=0)} samples at once, but the largest batch has 3: this "
        "is one large batch again, and it has to fit into memory. Send the batches through one "
        "after the other"
    )
    assert max(most, default=0) <= 1, (
        f"{max(most, default=0)} batches went forward before one went backward, so all their "
        "intermediate results were kept. Call backward() for each batch, inside the loop"
    )
