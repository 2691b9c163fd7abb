"""Answers to the exercise of the notebook `bug_clinic` about a batch in pieces."""

import copy

import torch
from registry import alternative, equivalent, mutant
from torch import nn

cross_entropy = nn.functional.cross_entropy


def gradients(features, head):
    return [p.grad for p in [*features.parameters(), *head.parameters()]]


def embed(features, x, pieces):
    with torch.no_grad():
        return torch.cat([features(xb) for xb in x.chunk(pieces)])


def simply(features, head, x, y, pieces, weight):
    """Accumulate piece by piece, each with its weight."""
    for xb, yb in zip(x.chunk(pieces), y.chunk(pieces), strict=True):
        (weight(len(xb)) * cross_entropy(head(features(xb)), yb)).backward()
    return gradients(features, head)


def cached(features, head, x, y, pieces, factor=1.0):
    h = embed(features, x, pieces).requires_grad_()
    cross_entropy(head(h), y).backward()
    for xb, dh in zip(x.chunk(pieces), h.grad.chunk(pieces), strict=True):
        features(xb).backward(factor * dh)
    return gradients(features, head)


@alternative("gradients_in_pieces")
def with_splits(features, head, x, y, pieces):
    size = -(-len(x) // pieces)
    h = torch.cat([features(xb).detach() for xb in x.split(size)]).requires_grad_(True)
    loss = cross_entropy(head(h), y)
    dh, *last = torch.autograd.grad(loss, [h, *head.parameters()])
    first = [torch.zeros_like(p) for p in features.parameters()]
    for xb, slope in zip(x.split(size), dh.split(size), strict=True):
        step = torch.autograd.grad((features(xb) * slope).sum(), list(features.parameters()))
        first = [a + b for a, b in zip(first, step, strict=True)]
    return first + last


@alternative("gradients_in_pieces")
def with_checkpoints(features, head, x, y, pieces):
    # Checkpointing does the same: each piece is forgotten, and computed anew in the backward pass.
    h = [
        torch.utils.checkpoint.checkpoint(features, xb, use_reentrant=False)
        for xb in x.chunk(pieces)
    ]
    cross_entropy(head(torch.cat(h)), y).backward()
    return gradients(features, head)


@mutant("gradients_in_pieces", blamed="rows_at_once")
def all_at_once(features, head, x, y, pieces):
    cross_entropy(head(features(x)), y).backward()
    return gradients(features, head)


@mutant("gradients_in_pieces", blamed="rows_at_once")
def first_pass_at_once(features, head, x, y, pieces):
    with torch.no_grad():
        h = features(x)
    h.requires_grad_()
    cross_entropy(head(h), y).backward()
    for xb, dh in zip(x.chunk(pieces), h.grad.chunk(pieces), strict=True):
        features(xb).backward(dh)
    return gradients(features, head)


@mutant("gradients_in_pieces", blamed="rows_at_once")
def keeps_every_piece(features, head, x, y, pieces):
    # The gradient is right, and nothing is saved: all the pieces wait for the backward pass.
    h = torch.cat([features(xb) for xb in x.chunk(pieces)])
    cross_entropy(head(h), y).backward()
    return gradients(features, head)


@mutant("gradients_in_pieces", blamed="four_pieces")
def not_scaled(features, head, x, y, pieces):
    return simply(features, head, x, y, pieces, lambda rows: 1.0)


@mutant("gradients_in_pieces", blamed="four_pieces")
def by_the_number_of_pieces(features, head, x, y, pieces):
    return simply(features, head, x, y, pieces, lambda rows: 1 / pieces)


@mutant("gradients_in_pieces", blamed="one_piece")
def head_in_eval_mode(features, head, x, y, pieces):
    return simply(features, head.eval(), x, y, pieces, lambda rows: rows / len(x))


@mutant("gradients_in_pieces", blamed="one_piece")
def features_do_not_learn(features, head, x, y, pieces):
    cross_entropy(head(embed(features, x, pieces)), y).backward()
    return gradients(features, head)


@mutant("gradients_in_pieces", blamed="one_piece")
def summed_loss(features, head, x, y, pieces):
    h = embed(features, x, pieces).requires_grad_()
    cross_entropy(head(h), y, reduction="sum").backward()
    for xb, dh in zip(x.chunk(pieces), h.grad.chunk(pieces), strict=True):
        features(xb).backward(dh)
    return gradients(features, head)


@mutant("gradients_in_pieces", blamed="one_piece")
def head_first(features, head, x, y, pieces):
    return cached(features, head, x, y, pieces)[::-1]


@mutant("gradients_in_pieces", blamed="four_pieces")
def averaged_over_the_pieces(features, head, x, y, pieces):
    return cached(features, head, x, y, pieces, factor=1 / pieces)


@mutant("gradients_in_pieces", blamed="four_pieces")
def head_in_pieces(features, head, x, y, pieces):
    h = embed(features, x, pieces).requires_grad_()
    for hb, yb in zip(h.chunk(pieces), y.chunk(pieces), strict=True):
        (cross_entropy(head(hb), yb) * len(hb) / len(x)).backward()
    for xb, dh in zip(x.chunk(pieces), h.grad.chunk(pieces), strict=True):
        features(xb).backward(dh)
    return gradients(features, head)


@mutant("gradients_in_pieces", blamed="one_piece")
def head_twice(features, head, x, y, pieces):
    cross_entropy(head(embed(features, x, pieces)), y).backward()
    return cached(features, head, x, y, pieces)


@alternative("gradients_in_pieces")
def row_by_row(features, head, x, y, pieces):
    h = torch.cat([features(row).detach() for row in x.split(1)]).requires_grad_()
    cross_entropy(head(h), y).backward()
    for row, dh in zip(x.split(1), h.grad.split(1), strict=True):
        features(row).backward(dh)
    return tuple(gradients(features, head))


@mutant("gradients_in_pieces", blamed="four_pieces")
def only_the_last_piece(features, head, x, y, pieces):
    h = embed(features, x, pieces).requires_grad_()
    cross_entropy(head(h), y).backward()
    for xb, dh in zip(x.chunk(pieces), h.grad.chunk(pieces), strict=True):
        features.zero_grad()
        features(xb).backward(dh)
    return gradients(features, head)


@mutant("gradients_in_pieces", blamed="one_piece")
def statistics_of_the_first_pass(features, head, x, y, pieces):
    # The right mean and variance for every piece, but as constants: no gradient through them.
    head[0].momentum = 1.0
    head(embed(features, x, pieces))
    n = len(x)
    head[0].running_var *= (n - 1) / n
    head[0].eval()
    return simply(features, head, x, y, pieces, lambda rows: rows / len(x))


@mutant("gradients_in_pieces", blamed="uneven_pieces")
def drops_what_is_left_over(features, head, x, y, pieces):
    rows = len(x) // pieces * pieces
    return cached(features, head, x[:rows], y[:rows], pieces)


@alternative("gradients_in_pieces")
def by_vjp(features, head, x, y, pieces):
    call, weights = torch.func.functional_call, dict(features.named_parameters())
    weights = {name: p.detach() for name, p in weights.items()}
    h = embed(features, x, pieces).requires_grad_()
    cross_entropy(head(h), y).backward()
    total = {name: torch.zeros_like(p) for name, p in weights.items()}
    for xb, dh in zip(x.chunk(pieces), h.grad.chunk(pieces), strict=True):
        _, back = torch.func.vjp(lambda w, xb=xb: call(features, w, (xb,)), weights)
        for name, gradient in back(dh)[0].items():
            total[name] += gradient
    return [*total.values(), *(p.grad for p in head.parameters())]


@alternative("gradients_in_pieces")
def row_by_row_with_vmap(features, head, x, y, pieces):
    call, weights = torch.func.functional_call, dict(features.named_parameters())
    weights = {name: p.detach() for name, p in weights.items()}
    h = embed(features, x, pieces).requires_grad_()
    cross_entropy(head(h), y).backward()

    def of_a_row(row, slope):
        return torch.func.grad(lambda w: (call(features, w, (row,)) * slope).sum())(weights)

    total = [torch.zeros_like(p) for p in weights.values()]
    for xb, dh in zip(x.chunk(pieces), h.grad.chunk(pieces), strict=True):
        rows = torch.vmap(of_a_row)(xb, dh)
        total = [t + rows[name].sum(dim=0) for t, name in zip(total, rows, strict=True)]
    return total + [p.grad for p in head.parameters()]


@alternative("gradients_in_pieces")
def on_copies(features, head, x, y, pieces):
    features, head = copy.deepcopy((features, head))
    h = embed(features, x, pieces).requires_grad_()
    loss = cross_entropy(head(h), y)
    loss.backward()
    for k, xb in enumerate(x.chunk(pieces)):
        start = k * len(x.chunk(pieces)[0])
        torch.autograd.backward(features(xb), h.grad[start : start + len(xb)])
    return gradients(features, head)


@mutant("gradients_in_pieces", blamed="rows_at_once")
def vmap_over_all_rows(features, head, x, y, pieces):
    h = torch.vmap(features)(x).detach().requires_grad_()
    cross_entropy(head(h), y).backward()
    for xb, dh in zip(x.chunk(pieces), h.grad.chunk(pieces), strict=True):
        features(xb).backward(dh)
    return gradients(features, head)


@mutant("gradients_in_pieces", blamed="rows_at_once")
def losses_wait_for_each_other(features, head, x, y, pieces):
    loss = 0.0
    for xb, yb in zip(x.chunk(pieces), y.chunk(pieces), strict=True):
        loss = loss + cross_entropy(head(features(xb)), yb) * len(xb) / len(x)
    loss.backward()
    return gradients(features, head)


@mutant("gradients_in_pieces", blamed="rows_at_once")
def half_of_it_at_once(features, head, x, y, pieces):
    return cached(features, head, x, y, max(1, pieces // 4))


@mutant("gradients_in_pieces", blamed="one_piece")
def head_gets_no_gradient(features, head, x, y, pieces):
    h = embed(features, x, pieces).requires_grad_()
    (dh,) = torch.autograd.grad(cross_entropy(head(h), y), h)
    for xb, part in zip(x.chunk(pieces), dh.chunk(pieces), strict=True):
        features(xb).backward(part)
    return [*(p.grad for p in features.parameters()), *map(torch.zeros_like, head.parameters())]


@mutant("gradients_in_pieces", blamed="one_piece")
def one_dictionary(features, head, x, y, pieces):
    return dict(enumerate(cached(features, head, x, y, pieces)))


@mutant("gradients_in_pieces", blamed="one_piece")
def divided_by_the_rows(features, head, x, y, pieces):
    return cached(features, head, x, y, pieces, factor=1 / len(x))


@mutant("gradients_in_pieces", blamed="one_piece")
def a_step_in_between(features, head, x, y, pieces):
    cross_entropy(head(embed(features, x, pieces)), y).backward()
    torch.optim.SGD(head.parameters(), lr=0.1).step()
    head.zero_grad()
    return cached(features, head, x, y, pieces)


@mutant("gradients_in_pieces", blamed="four_pieces")
def slopes_of_the_first_piece(features, head, x, y, pieces):
    h = embed(features, x, pieces).requires_grad_()
    cross_entropy(head(h), y).backward()
    for xb in x.chunk(pieces):
        features(xb).backward(h.grad[: len(xb)])
    return gradients(features, head)


@mutant("gradients_in_pieces", blamed="uneven_pieces")
def pieces_of_six(features, head, x, y, pieces):
    h = embed(features, x, pieces).requires_grad_()
    cross_entropy(head(h), y).backward()
    size = len(x) // pieces
    for k in range(pieces):
        rows = slice(k * size, (k + 1) * size)
        features(x[rows]).backward(h.grad[rows])
    return gradients(features, head)


@mutant("gradients_in_pieces", blamed="uneven_pieces")
def every_piece_weighs_the_same(features, head, x, y, pieces):
    h = embed(features, x, pieces).requires_grad_()
    cross_entropy(head(h), y).backward()
    first = len(x.chunk(pieces)[0])
    for xb, dh in zip(x.chunk(pieces), h.grad.chunk(pieces), strict=True):
        features(xb).backward(dh * first / len(xb))
    return gradients(features, head)


PAIRS = "for xb, dh in zip(x.chunk(pieces), h.grad.chunk(pieces), strict=True): -> … "
for ending in ("h.grad.chunk(pieces)):", "strict=False):"):
    equivalent(
        "gradients_in_pieces", PAIRS + ending, because="x and its slopes have as many pieces"
    )
