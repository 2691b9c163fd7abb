"""Bugs in gradients, and in the tests that should have found them."""

import numpy as np
import torch

from helpers.exercises.bug_clinic import network
from helpers.exercises.bug_clinic._graph import given, slopes
from helpers.exercises.engine import array_like, exercise, parts, same, slip
from helpers.exercises.questions import number
from helpers.numpy_nn.gradcheck import numerical_gradient

_rng = np.random.default_rng(181)
# Columns of very different mean and scale, and N != C, so that axes cannot be mixed.
N, C = 6, 4
X = _rng.normal(size=(N, C)) * [1.0, 4.0, 0.5, 2.0] + [5.0, -2.0, 0.3, 1.0]
DY = _rng.normal(size=(N, C))
GAMMA = np.array([2.0, 0.5, -1.5, 3.0])
BETA = np.array([1.0, -3.0, 0.25, 10.0])
EPS = 0.3  # large enough that every misplaced eps shows

number(
    "bug-clinic-five-faults",
    answer=3,
    within_absolute=0.5,
    measured_by="sum(passed.values())",
    reason="With two samples batch norm hands on a gradient of zero, whatever the loss. Twice zero "
    "is zero, in the formula and in the central difference. What shows is where something arrives: "
    "a term dropped, or the statistics taken for constants.",
)


def _closed_form(dy, x, gamma, eps, ddof=0):
    r = 1 / np.sqrt(x.var(axis=0, ddof=ddof) + eps)
    x_hat = (x - x.mean(axis=0)) * r
    return gamma * r, dy - dy.mean(axis=0), x_hat * (dy * x_hat).mean(axis=0)


def right(dy, x, gamma, eps):
    """The backward pass of batch norm: (N, C), (N, C), (C,) -> dx (N, C)."""
    scale, centred, along = _closed_form(dy, x, gamma, eps)
    return scale * (centred - along)


def _in_stages(dy, x, gamma, eps):
    c, var = x - x.mean(axis=0), x.var(axis=0)
    dvar = (dy * gamma * c).sum(axis=0) * -0.5 * (var + eps) ** -1.5
    dc = dy * gamma / np.sqrt(var + eps) + dvar * 2 * c / len(x)
    return dc - dc.mean(axis=0)


def _without_mean(dy, x, gamma, eps):
    scale, _, along = _closed_form(dy, x, gamma, eps)
    return scale * (dy - along)


def _without_x_hat(dy, x, gamma, eps):
    scale, centred, _ = _closed_form(dy, x, gamma, eps)
    return scale * centred


def _constant_statistics(dy, x, gamma, eps):
    return gamma / np.sqrt(x.var(axis=0) + eps) * dy


def _unbiased(dy, x, gamma, eps):
    scale, centred, along = _closed_form(dy, x, gamma, eps, ddof=1)
    return scale * (centred - along)


def _twice(dy, x, gamma, eps):
    return 2 * right(dy, x, gamma, eps)


def _without_gamma(dy, x, gamma, eps):
    return right(dy, x, np.ones_like(gamma), eps)


WRONG = {
    "the mean's term is missing": _without_mean,
    "the x_hat term is missing": _without_x_hat,
    "statistics taken for constants": _constant_statistics,
    "N - 1 instead of N": _unbiased,
    "twice too large": _twice,
    "gamma is missing": _without_gamma,
}


@exercise(
    "The output is right, so look at how it is computed: which values does autograd know about?",
    "Under torch.no_grad() a result is a constant for autograd, however it was made. Which of the "
    "layer's values are made there, and do they depend on x?",
    "Compute mu and var like everything else, without torch.no_grad(). What must not keep a graph "
    "is a running average, which this function does not have.",
)
def normalize_batch(x, gamma, beta, eps=1e-5):
    mu = x.mean(dim=0)
    var = x.var(dim=0, correction=0)
    return gamma * (x - mu) / torch.sqrt(var + eps) + beta


@normalize_batch.starts_as
def _statistics_under_no_grad(x, gamma, beta, eps=1e-5):
    with torch.no_grad():
        mu = x.mean(dim=0)
        var = x.var(dim=0, correction=0)
    return gamma * (x - mu) / torch.sqrt(var + eps) + beta


def _learnable(*arrays):
    return tuple(given(array) for array in arrays)


def _batch_norm(x, eps=EPS):
    features = x.shape[1]
    x_hat = (x - x.mean(axis=0)) / np.sqrt(x.var(axis=0) + eps)
    return GAMMA[:features] * x_hat + BETA[:features]


@normalize_batch.expect
def forward_stays():
    """The output must be gamma * (x - mu) / sqrt(var + eps) + beta, with var over N."""
    y = yield _learnable(X, GAMMA, BETA), {"eps": EPS}
    unbiased = GAMMA * (X - X.mean(axis=0)) / np.sqrt(X.var(axis=0, ddof=1) + EPS) + BETA
    slip(array_like(y, "y"), unbiased, "the output was right before: divide the variance by N")
    same(y, _batch_norm(X), "y")


@normalize_batch.expect
def shift_costs_nothing():
    """A number added to a whole feature changes nothing: its slopes must add up to 0."""
    y = yield _learnable(X, GAMMA, BETA), {"eps": EPS}
    dx = slopes(y, torch.tensor(DY), torch.tensor(X), of="x")
    same(dx.sum(axis=0), np.zeros(C), "sum of the slopes of feature")


@normalize_batch.expect
def slopes_of_x():
    """The slopes in x must be those of the central difference."""
    y = yield _learnable(X, GAMMA, BETA), {"eps": EPS}
    dx = slopes(y, torch.tensor(DY), torch.tensor(X), of="x")
    _, centred, _ = _closed_form(DY, X, GAMMA, EPS)
    half = GAMMA / np.sqrt(X.var(axis=0) + EPS) * centred
    slip(dx, half, "mu is repaired, var is not: these slopes take the spread for a constant")
    same(dx, right(DY, X, GAMMA, EPS), "dx")


@normalize_batch.expect
def slopes_of_parameters():
    """gamma and beta must get their slopes, too."""
    y = yield _learnable(X, GAMMA, BETA), {"eps": EPS}
    x_hat = (X - X.mean(axis=0)) / np.sqrt(X.var(axis=0) + EPS)
    dgamma = slopes(y, torch.tensor(DY), torch.tensor(GAMMA), of="gamma")
    same(dgamma, (DY * x_hat).sum(axis=0), "dgamma")
    dbeta = slopes(y, torch.tensor(DY), torch.tensor(BETA), of="beta")
    same(dbeta, DY.sum(axis=0), "dbeta")


@normalize_batch.expect
def any_batch():
    """It must work for any number of samples and features, in float64 and in float32."""
    for x in (X[:2], X[:, :1], X[1:5, :3], np.concatenate([X, 2 - X])):
        features = x.shape[1]
        y = yield _learnable(x, GAMMA[:features], BETA[:features]), {"eps": EPS}
        same(y, _batch_norm(x), f"y (x of shape {x.shape})")
        dy = np.resize(DY, x.shape)
        dx = slopes(y, torch.tensor(dy), torch.tensor(x))
        same(dx, right(dy, x, GAMMA[:features], EPS), f"dx (x of shape {x.shape})")
    y = yield _learnable(*(a.astype(np.float32) for a in (X, GAMMA, BETA))), {"eps": EPS}
    same(y, _batch_norm(X), "y (in float32)", tol=1e-5)


@normalize_batch.expect
def eps_left_out():
    """Without an eps it must use 1e-5, which matters for features that hardly vary."""
    y = yield _learnable(1e-3 * X, GAMMA, BETA), {}
    same(y, _batch_norm(1e-3 * X, eps=1e-5), "y")


# A gradient check is judged by what it says about right and wrong backward passes.
SAMPLES = _rng.normal(size=(8, 3)) * [1.0, 2.0, 0.5] + [0.0, 5.0, -1.0]
SCALES, SHIFTS = np.array([1.5, -0.5, 2.0]), np.array([0.3, 0.0, -1.0])


def batch_norm(x, gamma, beta, eps=1e-5):
    """The forward pass that the gradient checks of case 2 are about; all of shape (N, C), (C,)."""
    return gamma * (x - x.mean(axis=0)) / np.sqrt(x.var(axis=0) + eps) + beta


def _question(backward, eps, stretch=1.0):
    return (
        lambda x, gamma, beta: batch_norm(x, gamma, beta, eps),
        lambda dy, x, gamma: backward(dy, x, gamma, eps),
        stretch * SAMPLES,
        SCALES,
        SHIFTS,
    )


def _said(answer):
    if np.shape(answer) != () or not isinstance(answer, (bool, np.bool_)):
        got = f"shape {np.shape(answer)}" if np.shape(answer) else type(answer).__name__
        raise AssertionError(f"return True or False, one for the whole batch; got {got}")
    return bool(answer)


@exercise(
    "The check compares two gradients that agree. Print both: how large are they?",
    "Every feature of y has a fixed sum, N * beta. So the sum of y does not depend on x, the true "
    "gradient is zero, and many wrong formulas give zero here, too. Take a loss that weighs the "
    "entries of y differently. (Not their squares: their sum is fixed as well, apart from eps.)",
    "w = np.random.default_rng(0).normal(size=x.shape); the loss is np.sum(w * y), and its slope "
    "with respect to y is w, so dy = w.",
)
def backward_is_right(forward, backward, x, gamma, beta):
    weights = np.random.default_rng(0).normal(size=x.shape)

    def loss(x):
        return np.sum(weights * forward(x, gamma, beta))

    dx = backward(weights, x, gamma)
    return np.allclose(dx, numerical_gradient(loss, x), rtol=1e-3, atol=1e-5)


@backward_is_right.starts_as
def _sum_of_outputs(forward, backward, x, gamma, beta):
    def loss(x):
        return np.sum(forward(x, gamma, beta))

    dx = backward(np.ones_like(x), x, gamma)
    return np.allclose(dx, numerical_gradient(loss, x), rtol=1e-3, atol=1e-5)


@backward_is_right.expect
def right_ones_pass():
    """It must say True to two right backward passes, one in closed form and one in stages."""
    for backward, form in ((right, "closed form"), (_in_stages, "in stages")):
        for eps, stretch in ((0.1, 1.0), (1e-5, 1.0), (1e-5, 10.0)):
            answer = yield _question(backward, eps, stretch), {}
            assert _said(answer), f"a right backward pass ({form}, eps = {eps:g}) is rejected"


@backward_is_right.expect
def wrong_ones_fail():
    """It must say False to wrong backward passes."""
    through = []
    for name, backward in WRONG.items():
        if _said((yield _question(backward, 0.1), {})):
            through.append(name)
    assert not through, f"{len(through)} of {len(WRONG)} get through: {'; '.join(through)}"


@backward_is_right.expect
def whatever_the_spread():
    """It must say False to them as well where the variance is large and eps is small."""
    through = []
    for name, backward in WRONG.items():
        if _said((yield _question(backward, 1e-5, 10.0), {})):
            through.append(name)
    says = f"with eps = 1e-5 and x ten times as wide, {len(through)} of {len(WRONG)} get through"
    assert not through, f"{says}: {'; '.join(through)}"


@backward_is_right.expect
def one_wrong_entry():
    """It must say False where a single entry of dx is wrong."""
    for spot in ((0, 0), (4, 1), (7, 2)):

        def backward(dy, x, gamma, eps, spot=spot):
            dx = right(dy, x, gamma, eps)
            dx[spot] += 0.2 * np.abs(dy).max()
            return dx

        answer = yield _question(backward, 0.1), {}
        assert not _said(answer), f"a dx gets through whose entry {list(spot)} is wrong"


@backward_is_right.expect
def slightly_wrong():
    """It must say False where dx is 2 percent too large, also where all gradients are small."""
    for stretch in (1.0, 100.0):
        answer = yield (
            _question(lambda *given: 1.02 * right(*given), 1e-5, stretch),
            {},
        )
        says = f"a dx that is 2 percent too large gets through, with x {stretch:g} times as wide"
        assert not _said(answer), says


@backward_is_right.expect
def any_samples():
    """It must tell right from wrong for any number of samples and features."""
    for rows, columns in ((5, 2), (3, 3), (4, 1)):
        for backward, expected in ((right, True), (_twice, False)):
            forward, wrapped, *_ = _question(backward, 0.1)
            x = SAMPLES[:rows, :columns]
            answer = yield (forward, wrapped, x, SCALES[:columns], SHIFTS[:columns]), {}
            kind = "right" if expected else "wrong"
            says = f"{not expected} for a {kind} backward pass, x of shape {(rows, columns)}"
            assert _said(answer) == expected, says


@exercise(
    "How large is the gradient of the first layer's weights on this batch? Compare it with that of "
    "the second layer's.",
    "With two samples, x_hat is -1 and 1, whatever the weights of the first layer are. So the loss "
    "does not depend on them, their true gradient is zero, and twice zero is right.",
    "Draw more samples, all of them different: 8 instead of 2. Three would do.",
)
def checking_batch(rng, features, classes):
    x = rng.normal(size=(8, features))
    labels = rng.integers(classes, size=8)
    return x, labels


@checking_batch.starts_as
def _two_samples(rng, features, classes):
    x = rng.normal(size=(2, features))
    labels = rng.integers(classes, size=2)
    return x, labels


def _draws():
    for seed in range(3):
        yield (np.random.default_rng(seed), network.FEATURES, network.CLASSES), {}


def _usable(batch, features=network.FEATURES, classes=network.CLASSES):
    x, labels = parts(batch, "x", "labels")
    x, labels = array_like(x, "x"), array_like(labels, "labels")
    assert x.ndim == 2, f"x has shape {x.shape}, expected (samples, features)"
    assert x.dtype == np.float64, f"x is {x.dtype}: gradient checks need float64"
    shape = (len(x), features)
    assert x.shape == shape, f"x has shape {x.shape}, expected {shape}"
    assert len(x) >= 2, f"batch norm needs at least two samples; the batch has {len(x)}"
    assert labels.shape == (len(x),), f"labels have shape {labels.shape}, expected {(len(x),)}"
    assert labels.dtype.kind in "iu", f"labels are {labels.dtype}: they must be integers"
    inside = (labels >= 0) & (labels < classes)
    assert inside.all(), f"a label is {labels[~inside][0]}, outside of 0 to {classes - 1}"
    return x, labels


@checking_batch.expect
def a_batch():
    """It must return (x, labels): x, (N, features), in float64, and N labels in [0, classes)."""
    for call in _draws():
        _usable((yield call))


@checking_batch.expect
def other_networks():
    """It must do so for other numbers of features and classes."""
    for features, classes in ((4, 2), (7, 5)):
        _usable((yield (np.random.default_rng(1), features, classes), {}), features, classes)


@checking_batch.expect
def right_network_agrees():
    """On this batch, the right network must agree with the central difference."""
    for call in _draws():
        x, labels = _usable((yield call))
        try:
            agrees = network.agrees(x, labels)
        except OverflowError as error:
            raise AssertionError(f"nothing can be computed from this x: {error}") from error
        assert agrees, "the right gradient differs from the central difference"


@checking_batch.expect
def wrong_networks_do_not():
    """On this batch, a network with a fault in its backward pass must not agree."""
    for call in _draws():
        x, labels = _usable((yield call))
        faults = network.FAULTS
        through = [name for name, fault in faults.items() if network.agrees(x, labels, **fault)]
        says = f"the check is green for {len(through)} of {len(faults)} faulty networks"
        assert not through, f"{says}: {'; '.join(through)}"
