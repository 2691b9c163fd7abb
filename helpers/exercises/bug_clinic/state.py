"""Bugs in what a layer keeps: the graph, the norm it was given, its running statistics."""

import copy

import numpy as np
import torch
from torch import nn

from helpers.exercises.bug_clinic._drawn import tensor
from helpers.exercises.bug_clinic._graph import given, slopes
from helpers.exercises.engine import array_like, exercise, parts, same

_rng = np.random.default_rng(181)


N, C = 7, 3
SCALE, SHIFT = np.array([1.0, 4.0, 0.5]), np.array([5.0, -2.0, 0.3])
X = given(tensor(_rng, N, C, scale=SCALE, shift=SHIFT))
BATCHES = [tensor(_rng, N, C, scale=SCALE, shift=SHIFT + k) for k in range(3)]
GAMMA = given(np.array([2.0, 0.5, -1.5]))
BETA = given(np.array([1.0, -3.0, 0.25]))
MEAN = torch.tensor([1.0, -1.0, 2.0], dtype=torch.float64)
VAR = torch.tensor([3.0, 0.7, 0.2], dtype=torch.float64)
WEIGHTS = tensor(_rng, N, C)  # of the sum that gradients are taken of


@exercise(
    "y is right, and so are the numbers that are remembered. But a tensor is more than its "
    "numbers: print(running_mean.grad_fn) after one call.",
    "mu and var know how they came out of x, so that y can be differentiated. What is computed "
    "from them knows it, too, and the next batch adds to it: none of it can ever be freed.",
    "What is remembered needs the numbers only. Compute both running statistics inside "
    "`with torch.no_grad():`, or from mu.detach() and var.detach(). y keeps using mu and var.",
    may_change=("running_mean", "running_var"),
)
def normalize_and_remember(x, gamma, beta, running_mean, running_var, momentum=0.1, eps=1e-5):
    mu, var = x.mean(dim=0), x.var(dim=0, correction=0)
    y = gamma * (x - mu) / torch.sqrt(var + eps) + beta
    with torch.no_grad():
        running_mean = (1 - momentum) * running_mean + momentum * mu
        running_var = (1 - momentum) * running_var + momentum * var * len(x) / (len(x) - 1)
    return y, running_mean, running_var


@normalize_and_remember.starts_as
def _remembers_too_much(x, gamma, beta, running_mean, running_var, momentum=0.1, eps=1e-5):
    mu, var = x.mean(dim=0), x.var(dim=0, correction=0)
    y = gamma * (x - mu) / torch.sqrt(var + eps) + beta
    running_mean = (1 - momentum) * running_mean + momentum * mu
    running_var = (1 - momentum) * running_var + momentum * var * len(x) / (len(x) - 1)
    return y, running_mean, running_var


def count_nodes(*values):
    """The number of recorded operations that tensors hold in memory, each counted once."""
    todo, seen = [value.grad_fn for value in values], set()
    while todo:
        node = todo.pop()
        if node is not None and node not in seen:
            seen.add(node)
            todo.extend(earlier for earlier, _ in node.next_functions)
    return len(seen)


def _one_batch(result, shape=(N, C)):
    y, mean, var = parts(result, "y", "running_mean", "running_var")
    array_like(y, "y", shape=shape)
    for value, name in ((mean, "running_mean"), (var, "running_var")):
        array_like(value, name, shape=shape[1:])
        if not isinstance(value, torch.Tensor):
            raise AssertionError(f"{name} is a {type(value).__name__}, expected a tensor")
    return y, mean, var


@normalize_and_remember.expect
def remembered_numbers():
    """The running statistics must move by momentum towards batch mean and unbiased variance."""
    for momentum in (0.1, 0.75):
        result = yield (X, GAMMA, BETA, MEAN, VAR), {"momentum": momentum}
        _, mean, var = _one_batch(result)
        values = X.detach()
        wanted = MEAN + momentum * (values.mean(dim=0) - MEAN)
        same(mean, wanted, f"running_mean (momentum {momentum})")
        wanted = VAR + momentum * (values.var(dim=0) - VAR)
        same(var, wanted, f"running_var (momentum {momentum})")


@normalize_and_remember.expect
def memory_stays():
    """A batch that is done with must be freed: between two calls there are only the numbers."""
    result = yield (X, GAMMA, BETA, MEAN, VAR), {}
    _, *remembered = _one_batch(result)
    for value, name in zip(remembered, ("running_mean", "running_var"), strict=True):
        held = count_nodes(value)
        if value.requires_grad and not held:
            raise AssertionError(f"{name} wants gradients itself: the next batch would be recorded")
        if held:
            raise AssertionError(
                f"after one batch {name} holds {held} recorded operations in memory, expected 0"
            )


@normalize_and_remember.expect
def training_as_before():
    """y and its gradients must be those of nn.functional.batch_norm in training."""
    result = yield (X, GAMMA, BETA, MEAN, VAR), {"eps": 0.3}
    y, _, _ = _one_batch(result)
    right = nn.functional.batch_norm(X, None, None, GAMMA, BETA, training=True, eps=0.3)
    same(y, right.detach(), "y")
    for value, name in ((X, "x"), (GAMMA, "gamma"), (BETA, "beta")):
        try:
            got = slopes(y, WEIGHTS, value)
        except AssertionError:
            raise AssertionError(f"{name} gets no gradient any more: y must lead to it") from None
        same(got, slopes(right, WEIGHTS, value), f"the gradient of {name}")


@normalize_and_remember.expect
def any_batch():
    """It must work for any number of samples and features."""
    for rows, columns in ((2, 3), (5, 1), (4, 2)):
        x, gamma, beta = (given(t.detach()[..., :columns]) for t in (X[:rows], GAMMA, BETA))
        mean, var = MEAN[:columns], VAR[:columns]
        result = yield (x, gamma, beta, mean.clone(), var.clone()), {"momentum": 0.3, "eps": 0.2}
        y, *remembered = _one_batch(result, (rows, columns))
        twins = mean.clone(), var.clone()
        right = nn.functional.batch_norm(x, *twins, gamma, beta, True, 0.3, 0.2)
        of = f" (x of shape {(rows, columns)})"
        same(y, right.detach(), f"y{of}")
        same(remembered[0], twins[0], f"running_mean{of}")
        same(remembered[1], twins[1], f"running_var{of}")


@normalize_and_remember.expect
def defaults():
    """Without momentum and eps it must use 0.1 and 1e-5, as PyTorch does."""
    small = given(1e-3 * X.detach())
    result = yield (small, GAMMA, BETA, MEAN, VAR), {}
    y, mean, var = _one_batch(result)
    twins = MEAN.clone(), VAR.clone()
    right = nn.functional.batch_norm(small, *twins, GAMMA, BETA, True)
    same(mean, twins[0], "running_mean")
    same(var, twins[1], "running_var")
    same(y, right.detach(), "y of features that hardly vary")


# --- buffers -----------------------------------------------------------------------------------


@exercise(
    "What does the file hold? print(list(norm_with_memory(3).state_dict())).",
    "state_dict() knows parameters and registered buffers. A tensor that is only an attribute is "
    "neither saved nor loaded, nor does .to() or .double() move it.",
    'self.register_buffer("running_mean", torch.zeros(num_features)), and the same for the '
    "variance. They are not parameters: nobody is to train them.",
)
def norm_with_memory(num_features, momentum=0.1, eps=1e-5):
    class Norm(nn.Module):
        def __init__(self):
            super().__init__()
            self.gamma = nn.Parameter(torch.ones(num_features))
            self.beta = nn.Parameter(torch.zeros(num_features))
            self.register_buffer("running_mean", torch.zeros(num_features))
            self.register_buffer("running_var", torch.ones(num_features))

        def forward(self, x):
            mu, var = self.running_mean, self.running_var
            if self.training:
                mu, var = x.mean(dim=0), x.var(dim=0, correction=0)
                self.running_mean += momentum * (x.detach().mean(dim=0) - self.running_mean)
                self.running_var += momentum * (x.detach().var(dim=0) - self.running_var)
            return self.gamma * (x - mu) / torch.sqrt(var + eps) + self.beta

    return Norm()


@norm_with_memory.starts_as
def _plain_attributes(num_features, momentum=0.1, eps=1e-5):
    class Norm(nn.Module):
        def __init__(self):
            super().__init__()
            self.gamma = nn.Parameter(torch.ones(num_features))
            self.beta = nn.Parameter(torch.zeros(num_features))
            self.running_mean = torch.zeros(num_features)
            self.running_var = torch.ones(num_features)

        def forward(self, x):
            mu, var = self.running_mean, self.running_var
            if self.training:
                mu, var = x.mean(dim=0), x.var(dim=0, correction=0)
                self.running_mean += momentum * (x.detach().mean(dim=0) - self.running_mean)
                self.running_var += momentum * (x.detach().var(dim=0) - self.running_var)
            return self.gamma * (x - mu) / torch.sqrt(var + eps) + self.beta

    return Norm()


def _float32(batch):
    return batch.detach().float()


def _show(row):
    """Few digits: float32 differs between processors in the last ones."""
    return ", ".join(f"{value:.2f}" for value in row.tolist())


def _norm(module, features=C):
    """The learner's layer, with gamma and beta that are no longer 1 and 0."""
    if not isinstance(module, nn.Module):
        raise AssertionError(f"the result is a {type(module).__name__}, expected an nn.Module")
    count = len(list(module.parameters()))
    if count != 2:
        raise AssertionError(f"parameters() has {count} tensors, expected 2: gamma and beta")
    for start, name, value in ((1.0, "gamma", GAMMA), (0.0, "beta", BETA)):
        found = [p for p in module.parameters() if (p == start).all()]
        if [p.shape for p in found] != [(features,)]:
            raise AssertionError(
                f"{len(found)} parameters start at {start:g}, of the shapes "
                f"{[tuple(p.shape) for p in found]}; expected {name} alone, of shape ({features},)"
            )
        found[0].data = value.detach()[:features].to(found[0].dtype)
    return module


def _twin(features=C, **kwargs):
    twin = nn.BatchNorm1d(features, **kwargs)
    twin.weight.data, twin.bias.data = (v.detach()[:features].float() for v in (GAMMA, BETA))
    return twin


@norm_with_memory.expect
def nobody_trains_it():
    """An optimizer that gets all parameters must train gamma and beta, nothing else."""
    _norm((yield (C,), {}))


@norm_with_memory.expect
def still_batch_norm():
    """Before it is saved, it must do what nn.BatchNorm1d does, in training and in eval mode."""
    for features in (C, 2):
        layer = _norm((yield (features,), {"momentum": 0.3, "eps": 0.2}), features)
        twin = _twin(features, momentum=0.3, eps=0.2)
        for batch in BATCHES:
            x, right = (_float32(batch)[:, :features].requires_grad_() for _ in range(2))
            y, wanted = layer(x), twin(right)
            same(y, wanted.detach(), "y in training", tol=1e-4)
            weights = _float32(WEIGHTS)[:, :features]
            for part in (y, wanted):
                if not part.requires_grad:
                    raise AssertionError("in training y has no gradient")
                (weights * part).sum().backward()
            if x.grad is None:
                raise AssertionError("in training no gradient reaches x")
            same(x.grad, right.grad, "the gradient of x in training", tol=1e-4)
        x = _float32(X)[:, :features]
        for batch in (x, x + 5):
            y = layer.eval()(batch)
            same(y, twin.eval()(batch).detach(), "y in eval mode", tol=1e-4)


@norm_with_memory.expect
def defaults_of_the_layer():
    """Without momentum and eps it must use 0.1 and 1e-5, as nn.BatchNorm1d does."""
    layer, twin = _norm((yield (C,), {})), _twin()
    small = 1e-3 * _float32(X)
    same(layer(small), twin(small).detach(), "y of features that hardly vary", tol=1e-3)
    for batch in map(_float32, BATCHES):
        layer(batch), twin(batch)
    y = layer.eval()(_float32(X))
    same(y, twin.eval()(_float32(X)).detach(), "y in eval mode after four batches", tol=1e-4)


@norm_with_memory.expect
def numbers_only():
    """What it remembers of a batch must be numbers, without the record of how they came about."""
    module = _norm((yield (C,), {}))
    module(_float32(X).requires_grad_())
    for part in module.modules():
        kept = {**vars(part), **dict(part.named_buffers(recurse=False))}
        for name, value in kept.items():
            if isinstance(value, torch.Tensor) and value.requires_grad:
                raise AssertionError(f"{name} holds on to the batch: its requires_grad is True")


@norm_with_memory.expect
def saved_and_loaded():
    """Saved and loaded into a new layer, it must give the same outputs in eval mode."""
    module = _norm((yield (C,), {}))
    for batch in map(_float32, BATCHES):
        module(batch)
    saved = copy.deepcopy(module.state_dict())
    new = yield (C,), {}
    new.load_state_dict(saved)
    x = _float32(X)
    before, after = module.eval()(x).detach(), new.eval()(x).detach()
    if not torch.allclose(before, after, atol=1e-4):
        raise AssertionError(
            f"after loading, the first row is {_show(after[0])}, before saving it was "
            f"{_show(before[0])}"
        )


@norm_with_memory.expect
def moved_along():
    """layer.double() must take all of it along: a float64 batch is normalized in float64."""
    layer, twin = _norm((yield (C,), {})).double(), _twin().double()
    try:
        for batch in BATCHES:
            same(layer(batch), twin(batch).detach(), "y in training")
        y = layer.eval()(X)
    except RuntimeError as error:
        problem = f"after layer.double(), a batch in float64 ends in a {type(error).__name__}"
        raise AssertionError(problem) from error
    same(y, twin.eval()(X).detach(), "y in eval mode")
