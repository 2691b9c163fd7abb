"""A batch in pieces, whose gradients are not those of the whole."""

import copy

import numpy as np
import torch
from torch import nn
from torch.multiprocessing.reductions import StorageWeakRef

from helpers.exercises.bug_clinic._drawn import drawn, tensor
from helpers.exercises.engine import array_like, exercise
from helpers.exercises.wrapped_tensors import physical

_rng = np.random.default_rng(183)
IN, HIDDEN, OUT = 5, 8, 4

# What happens inside a call, for the checks: the judge copies objects, not the module's lists.
ROWS, HELD = [], []

MANY = tensor(_rng, 24, IN, scale=np.linspace(0.5, 3, 24)[:, None], shift=1.0)
TARGETS = torch.arange(24) % OUT


class _Features(nn.Sequential):
    """Notes how many rows it gets, and of how many the hidden values are in memory meanwhile."""

    def forward(self, x):
        first, tanh, last = self
        hidden = tanh(first(x))
        rows = physical(x).numel() // x.shape[-1]
        HELD.append((StorageWeakRef(physical(hidden).untyped_storage()), rows))
        ROWS.append((rows, sum(rows for value, rows in HELD if not value.expired())))
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
    may_change=("features", "head"),
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
        if held > 2 * most:  # a piece that is done with may linger under its name for a round
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
