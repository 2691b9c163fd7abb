"""Bugs of a training step: what is left when it is skipped, or done in pieces."""

import copy

import numpy as np
import torch
from torch import nn
from torch.multiprocessing.reductions import StorageWeakRef

from helpers.exercises.bug_clinic._drawn import drawn, tensor
from helpers.exercises.engine import array_like, exercise, prediction

_rng = np.random.default_rng(183)
IN, HIDDEN, OUT = 5, 8, 4

prediction(
    "bug-clinic-broken-image",
    right="c",
    a="the scaler skips what the optimizer would have done. The forward pass is over by then, and "
    "in training mode it has changed something.",
    b="so it would be with a number, however large: a tenth of it less with every batch. But NaN "
    "times 0.9 is NaN.",
    c="the running statistics have taken in the NaN before the scaler saw it, and there is no way "
    "back from there. In training mode nobody reads them, so the loss looks healthy.",
)

BATCH = tensor(_rng, 12, IN, scale=2.0, shift=1.0).float()
LABELS = torch.arange(12) % OUT


# What happens inside a call, for the checks: the judge copies objects, not the module's lists.
SCALES, TRAINED, LOADED, ROWS, HELD = [], [], [], [], []


class _Scaler(torch.amp.GradScaler):
    """Notes its scales, and which parameters its optimizer trains."""

    def step(self, optimizer):
        TRAINED[:] = optimizer.param_groups[0]["params"]
        super().step(optimizer)

    def update(self, new_scale=None):
        super().update(new_scale)
        SCALES.append(self.get_scale())


class _Model(nn.Sequential):
    """Has old gradients, and notes if it is asked to load its own tensors, which changes nothing.

    A deep copy of a parameter has no gradient, so the copy that the judge makes gets new ones.
    """

    def __deepcopy__(self, memo):
        twin = memo[id(self)] = _Model(*copy.deepcopy(list(self), memo))
        for parameter in twin.parameters():
            parameter.grad = torch.ones_like(parameter)
        return twin

    def load_state_dict(self, state_dict, *args, **kwargs):
        own = {value.data_ptr() for value in self.state_dict().values()}
        LOADED.append(any(value.data_ptr() in own for value in state_dict.values()))
        return super().load_state_dict(state_dict, *args, **kwargs)


def _half_precision(init_scale, growth_interval=2000):
    """A small network in float32, its optimizer and its scaler."""
    layers = nn.Linear(IN, HIDDEN), nn.BatchNorm1d(HIDDEN), nn.ReLU(), nn.Linear(HIDDEN, OUT)
    model = drawn(_Model(*layers), np.random.default_rng(8)).float()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    TRAINED.clear(), LOADED.clear()
    return model, optimizer, _Scaler("cpu", init_scale=init_scale, growth_interval=growth_interval)


@exercise(
    "The optimizer is not all that changes a network in a step: what does the line with "
    "model(x) do?",
    "In the forward pass batch norm moves its running statistics. When the scaler finds out that "
    "the step is no good, that has happened already, with whatever was in the batch.",
    "Copy all buffers before the step; if the scaler skipped it, copy them back. It has skipped "
    "if update() lowered the scale: compare scaler.get_scale() before and after.",
)
def guarded_step(model, optimizer, scaler, x, y):
    before = {name: value.clone() for name, value in model.named_buffers()}
    optimizer.zero_grad()
    with torch.autocast(x.device.type, dtype=torch.float16):
        loss = nn.functional.cross_entropy(model(x), y)
    scaler.scale(loss).backward()
    scaler.step(optimizer)
    scale = scaler.get_scale()
    scaler.update()
    if scaler.get_scale() < scale:
        for name, value in model.named_buffers():
            value.copy_(before[name])
    return model


@guarded_step.starts_as
def _keeps_what_forward_did(model, optimizer, scaler, x, y):
    optimizer.zero_grad()
    with torch.autocast(x.device.type, dtype=torch.float16):
        loss = nn.functional.cross_entropy(model(x), y)
    scaler.scale(loss).backward()
    scaler.step(optimizer)
    scaler.update()
    return model


def _compare(result, expected, says):
    if not isinstance(result, nn.Module):
        raise AssertionError(f"the result is a {type(result).__name__}, expected the model")
    if TRAINED and next(result.parameters()) is not TRAINED[0]:
        raise AssertionError("the model that you return is not the one that the optimizer trains")
    if not result.training:
        raise AssertionError(f"{says}, the model is in eval mode")
    if any(LOADED):
        raise AssertionError(
            f"{says}: state_dict() hands out the model's own tensors, not copies of them, so what "
            "was saved has changed along with the model"
        )
    for name, value in expected.items():
        got = result.state_dict()[name]
        if not torch.allclose(got.double(), value.double(), rtol=1e-4, atol=1e-5):
            off = (got.double() - value.double()).abs().nan_to_num(torch.inf).argmax().item()
            got, value = got.flatten()[off].item(), value.flatten()[off].item()
            digits = 2 if f"{got:.2f}" != f"{value:.2f}" else 6
            raise AssertionError(
                f"{says}: {name} has an entry {got:.{digits}f}, expected {value:.{digits}f}"
            )


@guarded_step.expect
def a_good_batch():
    """After a batch without trouble, weights and running statistics must move as usual."""
    for interval, when in ((2000, ""), (1, " with which the scaler doubles the scale")):
        model, optimizer, scaler = _half_precision(2.0**8, interval)
        usual = _keeps_what_forward_did(*copy.deepcopy((model, optimizer, scaler)), BATCH, LABELS)
        TRAINED.clear()
        result = yield (model, optimizer, scaler, BATCH, LABELS), {}
        _compare(result, usual.state_dict(), f"after a good batch{when}")


@guarded_step.expect
def too_large_for_half_precision():
    """After a batch that is too large for float16, the model must be as it was before."""
    model, optimizer, scaler = _half_precision(2.0**8)
    huge = BATCH.clone()
    huge[3] *= 1e5
    result = yield (model, optimizer, scaler, huge, LABELS), {}
    _compare(result, model.state_dict(), "after a skipped step")


@guarded_step.expect
def gradients_too_large():
    """If only the gradients are too large, it is skipped, too: the model must be as before."""
    model, optimizer, scaler = _half_precision(2.0**30)
    far = BATCH * 50  # far off, but finite
    result = yield (model, optimizer, scaler, far, LABELS), {}
    _compare(result, model.state_dict(), "after a skipped step")


@guarded_step.expect
def scale_goes_down():
    """After a skipped step the scale must be halved: otherwise it would skip for ever."""
    model, optimizer, scaler = _half_precision(2.0**8)
    SCALES.clear()
    yield (model, optimizer, scaler, BATCH * 1e5, LABELS), {}
    if SCALES[-1:] != [2.0**7]:
        got = f"{SCALES[-1]:g}" if SCALES else "still 256"
        raise AssertionError(f"after a skipped step at the scale 256, the scale is {got}, not 128")


# --- accumulating ------------------------------------------------------------------------------

MANY = tensor(_rng, 24, IN, scale=np.linspace(0.5, 3, 24)[:, None], shift=1.0)
TARGETS = torch.arange(24) % OUT


class _Features(nn.Sequential):
    """Notes how many rows it gets, and of how many the hidden values are in memory meanwhile."""

    def forward(self, x):
        first, tanh, last = self
        hidden = tanh(first(x))
        HELD.append((StorageWeakRef(hidden.untyped_storage()), len(x)))
        ROWS.append((len(x), sum(rows for value, rows in HELD if not value.expired())))
        return last(hidden)


FEATURES = drawn(
    _Features(nn.Linear(IN, HIDDEN), nn.Tanh(), nn.Linear(HIDDEN, HIDDEN, bias=False)), _rng
)
HEAD = drawn(nn.Sequential(nn.BatchNorm1d(HIDDEN), nn.ReLU(), nn.Linear(HIDDEN, OUT)), _rng)


@exercise(
    "Replace the batch norm in head by group norm: the difference is gone. What does the head do "
    "with a row that depends on the other rows?",
    "Each piece is normalized by its own mean and variance. The sum of the pieces' gradients is "
    "the gradient of another function. The head has to see all rows at once; it needs little "
    "memory. Only features has to work in pieces.",
    "Under no_grad, compute h = torch.cat of features(piece) for all pieces, then "
    "h.requires_grad_(). One backward through head on all of h gives h.grad. Then, piece by "
    "piece, features(piece).backward(that piece of h.grad).",
)
def gradients_in_pieces(features, head, x, y, pieces):
    with torch.no_grad():
        h = torch.cat([features(xb) for xb in x.chunk(pieces)])
    h.requires_grad_()
    nn.functional.cross_entropy(head(h), y).backward()
    for xb, dh in zip(x.chunk(pieces), h.grad.chunk(pieces), strict=True):
        features(xb).backward(dh)
    return [p.grad for p in [*features.parameters(), *head.parameters()]]


@gradients_in_pieces.starts_as
def _piece_by_piece(features, head, x, y, pieces):
    for xb, yb in zip(x.chunk(pieces), y.chunk(pieces), strict=True):
        loss = nn.functional.cross_entropy(head(features(xb)), yb)
        (loss * len(xb) / len(x)).backward()
    return [p.grad for p in [*features.parameters(), *head.parameters()]]


def _whole_batch(x, y):
    features, head = copy.deepcopy((FEATURES, HEAD))
    nn.functional.cross_entropy(head(features(x)), y).backward()
    return [p.grad for p in [*features.parameters(), *head.parameters()]]


NAMES = [f"features.{n}" for n, _ in FEATURES.named_parameters()]
NAMES += [f"head.{n}" for n, _ in HEAD.named_parameters()]


def _gradients(result, x, y):
    if not isinstance(result, (list, tuple)) or len(result) != len(NAMES):
        raise AssertionError(f"return a list of {len(NAMES)} gradients, one per parameter")
    if all(gradient is None for gradient in result[:3]):
        raise AssertionError("features gets no gradient")
    rows = zip(NAMES, result, _whole_batch(x, y), strict=True)
    for name, got, wanted in rows:
        array_like(got, f"the gradient of {name}", shape=tuple(wanted.shape))
        off = ((got - wanted).norm() / wanted.norm()).item()
        if not off <= 1e-9:
            share = f"{off:.1%}" if off >= 0.001 else f"{off:.0e}"
            raise AssertionError(
                f"the gradient of {name} is off by {share} of its length from the whole batch's"
            )


@gradients_in_pieces.expect
def rows_at_once():
    """features, and memory, must never hold hidden values of more rows than a piece has."""
    for pieces, most in ((4, 6), (12, 2)):
        ROWS.clear(), HELD.clear()
        yield (FEATURES, HEAD, MANY, TARGETS, pieces), {}
        got, held = map(max, zip((0, 0), *ROWS, strict=True))
        case = f"with {pieces} pieces of {most} rows"
        if got > most:
            raise AssertionError(f"{case}, features got {got} rows at once")
        if held > most:
            raise AssertionError(f"{case}, the hidden values of {held} rows are kept at once")


@gradients_in_pieces.expect
def one_piece():
    """In one piece, the gradients must be those of the mean loss of the whole batch."""
    result = yield (FEATURES, HEAD, MANY, TARGETS, 1), {}
    _gradients(result, MANY, TARGETS)


@gradients_in_pieces.expect
def four_pieces():
    """In four pieces, the gradients must be the same as in one."""
    result = yield (FEATURES, HEAD, MANY, TARGETS, 4), {}
    _gradients(result, MANY, TARGETS)


@gradients_in_pieces.expect
def uneven_pieces():
    """The last piece may be smaller: the gradients must be the same."""
    result = yield (FEATURES, HEAD, MANY[:21], TARGETS[:21], 4), {}
    _gradients(result, MANY[:21], TARGETS[:21])
