"""The backward pass of a batch norm whose statistics are those of all processes."""

import numpy as np

from helpers.exercises.engine import array_like, exercise, same, slip
from helpers.numpy_nn import functional as F

GAMMA = np.array([2.0, 0.5, -1.5])
EPS = 0.2


def _processes(sizes, seed, gamma=GAMMA):
    """For processes with `sizes` samples: dy, x_hat and the expected dx of each; gain; count."""
    rng = np.random.default_rng(seed)
    features = len(gamma)
    x = rng.normal(size=(sum(sizes), features)) * np.resize([1.0, 3.0, 0.5], features)
    x += np.resize([2.0, 0, -1], features)
    x[: sizes[0]] += 1.5  # the processes' own means are not the common one
    dy = rng.normal(size=x.shape) + np.linspace(-1, 2, len(x))[:, None]
    _, cache = F.batch_norm(x, gamma, np.zeros(features), EPS)
    dx, _, _ = F.batch_norm_backward(dy, cache)
    root = np.sqrt(x.var(axis=0) + EPS)
    shares = [np.split(a, np.cumsum(sizes)[:-1]) for a in (dy, (x - x.mean(axis=0)) / root, dx)]
    return [*zip(*shares, strict=True)], gamma / root, len(x)


def _unchanged(values):
    return np.asarray(values)


def _in_turn(shares, gain, count):
    """Ask for the answers of all processes, which meet in all_reduce although they run in turn.

    Every round calls the function once for each process. An exchange whose sum is known from the
    rounds before returns it; the next one leaves what it was given, and its sum is known then.
    """
    sums = []
    while True:
        answers, given = [], []
        for dy, x_hat, _ in shares:
            calls = []

            def all_reduce(values, calls=calls):
                values = np.asarray(values).copy()
                calls.append(values)
                known = len(calls) <= len(sums)
                return sums[len(calls) - 1].copy() if known else values.copy()

            answers.append((yield (dy, x_hat, gain, count, all_reduce), {}))
            given.append(calls[len(sums) :])
        numbers = sorted({len(calls) for calls in given})
        assert len(numbers) == 1, (
            f"one process calls all_reduce {len(sums) + numbers[-1]} times, another "
            f"{len(sums) + numbers[0]} times: then one waits for ever"
        )
        if numbers == [0]:
            return answers
        shapes = [calls[0].shape for calls in given]
        assert len({*shapes}) == 1, (
            f"the processes bring arrays of the shapes {shapes} to one all_reduce, and the shapes "
            "must be the same: add over this process's samples first"
        )
        sums.append(sum(calls[0] for calls in given))


@exercise(
    "batch_norm_backward needs two sums over the samples per feature. Which ones? Now they "
    "run over the samples of all processes.",
    "all_reduce(dy.sum(axis=0)) is the sum over the samples of all processes. The other sum is "
    "that of dy * x_hat. Everything else each process has at home.",
    "gain * (dy - all_reduce(dy.sum(axis=0)) / count - x_hat * "
    "all_reduce((dy * x_hat).sum(axis=0)) / count)",
)
def sync_input_gradient(dy, x_hat, gain, count, all_reduce):
    sum_dy = all_reduce(dy.sum(axis=0))
    sum_dy_x_hat = all_reduce((dy * x_hat).sum(axis=0))
    return gain * (dy - sum_dy / count - x_hat * sum_dy_x_hat / count)


@sync_input_gradient.expect
def like_dy():
    """dx has the shape of dy: one row for each sample of this process."""
    shares, gain, count = _processes((5, 4), seed=0)
    for dy, x_hat, _ in shares:
        answer = yield (dy, x_hat, gain, count, _unchanged), {}
        array_like(answer, "dx", shape=dy.shape)


@sync_input_gradient.expect
def one_process():
    """With one process, where all_reduce changes nothing, it is batch_norm_backward."""
    x = _rng_x()
    _, cache = F.batch_norm(x, GAMMA, np.zeros(3), EPS)
    dy = x[::-1] ** 2
    dx, _, _ = F.batch_norm_backward(dy, cache)
    root = np.sqrt(x.var(axis=0) + EPS)
    x_hat, gain = (x - x.mean(axis=0)) / root, GAMMA / root
    answer = yield (dy, x_hat, gain, len(x), _unchanged), {}
    slip(answer, dx / gain, "gain, which is gamma / sqrt(var + eps), is missing")
    first, second = dy.mean(axis=0), x_hat * (dy * x_hat).mean(axis=0)
    slip(answer, gain * (dy - second), "the mean of dy is missing")
    says = (
        "the term with x_hat is missing, or zero: the sum of x_hat alone is zero, the one of "
        "dy * x_hat, sample by sample, is not"
    )
    slip(answer, gain * (dy - first), says)
    sums = dy.sum(axis=0) + x_hat * (dy * x_hat).sum(axis=0)
    slip(answer, gain * (dy - sums), "divide both sums by count")
    slip(answer, gain * dy, "mean and variance depend on x, too: two terms are missing")
    says = "both terms are subtracted"
    slip(answer, gain * (dy - first + second), says)
    slip(answer, gain * (dy + first + second), says)
    says = "each sample gets the second sum multiplied by its own x_hat"
    slip(answer, gain * (dy - first - (dy * x_hat).mean(axis=0)), says)
    slip(answer, gain * dy - first - second, "gain multiplies all three terms")
    says = "each feature has sums of its own: add over the samples, axis=0"
    slip(answer, gain * (dy - dy.sum() / len(x) - x_hat * (dy * x_hat).sum() / len(x)), says)
    rows = dy.sum(axis=1, keepdims=True) + x_hat * (dy * x_hat).sum(axis=1, keepdims=True)
    slip(answer, gain * (dy - rows / len(x)), says)
    same(answer, dx, "dx")


@sync_input_gradient.expect
def several_processes():
    """With several processes it is this process's part of the whole batch's dx."""
    for seed, sizes in enumerate([(5, 4), (3, 2, 6)]):
        shares, gain, count = _processes(sizes, seed)
        answers = yield from _in_turn(shares, gain, count)
        own = [(dy.sum(axis=0), (dy * x_hat).sum(axis=0)) for dy, x_hat, _ in shares]
        total, products = (sum(part) for part in zip(*own, strict=True))
        means = [np.array(sums) / n for sums, n in zip(own, sizes, strict=True)]
        for rank, (dy, x_hat, dx) in enumerate(shares):

            def with_sums(a, b, n, dy=dy, x_hat=x_hat, gain=gain):
                return gain * (dy - a / n - x_hat * b / n)

            answer, n, P = answers[rank], len(dy), len(sizes)
            says = (
                "these are this process's sums: the others' are missing (all_reduce returns a new "
                "array, it does not change the one it is given)"
            )
            slip(answer, with_sums(*own[rank], count), says)
            says = "these are this process's sums and its number of samples; the batch is larger"
            slip(answer, with_sums(*own[rank], n), says)
            says = "sums over all processes are divided by count, the samples of all processes"
            slip(answer, with_sums(total, products, n), says)
            says = "all_reduce adds up: from means it makes a sum of means. Give it sums"
            slip(answer, with_sums(*sum(means), 1), says)
            slip(answer, with_sums(*sum(means), P), "shares differ: all-reduce sums, not means")
            says = "the sum of dy * x_hat is not all-reduced"
            slip(answer, with_sums(total, own[rank][1], count), says)
            slip(
                answer, with_sums(own[rank][0], products, count), "the sum of dy is not all-reduced"
            )
            says = "count is the number of samples of all processes already"
            slip(answer, with_sums(total, products, P * count), says)
            says = "this process's sums, times something, are not the sums over all processes"
            slip(answer, with_sums(*(P * np.array(own[rank])), count), says)
            same(answer, dx, f"with {sizes} samples, rank {rank}'s dx")


@sync_input_gradient.expect
def an_empty_share():
    """A process may have no sample at all, or one: it comes to every meeting all the same."""
    for seed, sizes in enumerate([(4, 0, 3), (0, 5), (1, 6)]):
        shares, gain, count = _processes(sizes, seed)
        answers = yield from _in_turn(shares, gain, count)
        for rank, (answer, (_, _, dx)) in enumerate(zip(answers, shares, strict=True)):
            same(answer, dx, f"with {sizes} samples, rank {rank}'s dx")


@sync_input_gradient.expect
def any_number_of_features():
    """It works for any number of features."""
    for gamma in (np.array([0.7]), np.array([2.0, 0.5, -1.5, 1.2, -0.3])):
        shares, gain, count = _processes((4, 3), seed=6, gamma=gamma)
        answers = yield from _in_turn(shares, gain, count)
        for rank, (answer, (_, _, dx)) in enumerate(zip(answers, shares, strict=True)):
            same(answer, dx, f"with {len(gamma)} features, rank {rank}'s dx")


def _rng_x():
    return np.random.default_rng(171).normal(size=(6, 3)) * np.array([1.0, 3.0, 0.5]) + 1
