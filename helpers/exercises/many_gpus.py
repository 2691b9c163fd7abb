"""Exercises and predictions of the notebook 17_many_gpus."""

import numpy as np
import torch
from torch import nn

from helpers.exercises.engine import array_like, exercise, parts, prediction, same, slip
from helpers.numpy_nn import functional as F

_rng = np.random.default_rng(170)

prediction(
    "many-gpus-missing-step",
    right="c",
    a="it does wait, but at its last step: at step 2 rank 1 comes to the meeting, with its step 3.",
    b="an all-reduce knows no steps. Two tensors of the same shape have come, and they are added.",
    c="the third meeting of rank 0 is step 2 and that of rank 1 is step 3; nothing says that they "
    "do not belong together.",
)
prediction(
    "many-gpus-ddp",
    right="b",
    a="all processes have the same weights, but each normalizes with the mean and the variance of "
    "its own samples.",
    b="rank 0 subtracts the mean of its four samples, not that of the eight. The outputs are "
    "others, the loss is another function, and so is its gradient.",
    c="the gradient belongs to a loss, and the loss is computed from the outputs, which differ "
    "already.",
)
prediction(
    "many-gpus-buffers",
    right="b",
    a="DistributedDataParallel averages gradients; buffers have none.",
    b="before each forward pass in training, the buffers of rank 0 are sent to all others, whose "
    "own are lost.",
    c="they would, if DistributedDataParallel were told not to touch them "
    "(forward_sync_buffers=False); by default it does.",
)
prediction(
    "many-gpus-uneven",
    right="c",
    a="the statistics are those of all eight samples, but DDP averages over processes: the mean of "
    "six samples counts as much as the mean of two.",
    b="batch norm is not to blame: DDP averages over processes, whatever the network contains.",
    c="DDP averages over processes, so each of the two samples counts three times as much as each "
    "of the six, whatever the norm.",
)


# ------------------------------------------------------------------ combine_statistics

COUNTS = np.array([6, 2, 4])
SHARES = [
    _rng.normal(mean, std, size=(count, 4)) + np.array([0.0, 3.0, -2.0, 10.0])
    for count, mean, std in zip(COUNTS, (1.0, 5.0, -3.0), (1.0, 0.5, 2.0), strict=True)
]


def _statistics(shares):
    """Counts, means and variances of shares; an empty share has mean and variance 0."""
    channels = shares[0].shape[1]
    means = [x.mean(axis=0) if len(x) else np.zeros(channels) for x in shares]
    variances = [x.var(axis=0) if len(x) else np.zeros(channels) for x in shares]
    return np.array([len(x) for x in shares]), np.array(means), np.array(variances)


@exercise(
    "The mean first. A process with six samples counts three times as much as one with two: weigh "
    "each process's mean with its share of all samples. counts has shape (P,) and means (P, C): "
    "counts[:, None] has one row for each process, too.",
    "Samples vary within a process, around that process's mean, and the processes' means vary "
    "around the mean of all. The variance of the whole is the sum of both, each weighted.",
    "weights = counts[:, None] / counts.sum(); mean = (weights * means).sum(axis=0); then add "
    "(weights * variances).sum(axis=0) and (weights * (means - mean) ** 2).sum(axis=0).",
)
def combine_statistics(counts, means, variances):
    weights = counts[:, None] / counts.sum()
    mean = (weights * means).sum(axis=0)
    within = (weights * variances).sum(axis=0)
    between = (weights * (means - mean) ** 2).sum(axis=0)
    return mean, within + between


@combine_statistics.expect
def two_vectors():
    """Return (mean, var), with one entry per feature each."""
    mean, var = parts((yield _statistics(SHARES), {}), "mean", "var")
    array_like(mean, "mean", shape=(4,))
    array_like(var, "var", shape=(4,))


@combine_statistics.expect
def mean_of_all_samples():
    """mean is the mean over the samples of all processes, each sample counting the same."""
    mean, _ = parts((yield _statistics(SHARES), {}), "mean", "var")
    _, means, _ = _statistics(SHARES)
    slip(mean, means.mean(axis=0), "every sample counts the same; here every process does")
    slip(mean, means.sum(axis=0), "this is the sum of the processes' means")
    slip(mean, (COUNTS @ means) / len(COUNTS), "divide by the number of samples, not of processes")
    whole = np.concatenate(SHARES)
    slip(mean, whole.var(axis=0), "this is the variance: return (mean, var), in this order")
    same(mean, whole.mean(axis=0), "mean")


@combine_statistics.expect
def variance_of_all_samples():
    """var is the mean squared distance of all samples from the common mean."""
    _, var = parts((yield _statistics(SHARES), {}), "mean", "var")
    whole, (_, means, variances) = np.concatenate(SHARES), _statistics(SHARES)
    weights = COUNTS[:, None] / COUNTS.sum()
    mean, within = whole.mean(axis=0), (weights * variances).sum(axis=0)
    between = (weights * (means - mean) ** 2).sum(axis=0)
    says = "the processes have different means: their distance from the common mean is missing"
    slip(var, within, says)
    slip(var, variances.mean(axis=0), says + ", and every process counts the same")
    slip(var, between, "the variances within the processes are missing")
    plain = variances.mean(axis=0) + means.var(axis=0)
    slip(var, plain, "weigh the processes by their number of samples")
    slip(var, within + means.var(axis=0), "weigh the distances of the means by the counts, too")
    slip(var, variances.mean(axis=0) + between, "weigh the variances by the counts, too")
    slip(var, within + (weights * np.abs(means - mean)).sum(axis=0), "square the distances")
    slip(var, whole.var(axis=0, ddof=1), "divide by the number of samples, not by one less")
    slip(var, whole.std(axis=0), "this is the standard deviation; the variance is its square")
    same(var, whole.var(axis=0), "var")


@combine_statistics.expect
def few_samples():
    """It works when a process has one sample or none, and for one process alone."""
    empty, one = np.empty((0, 4)), SHARES[1][:1]
    for shares in (
        [empty, SHARES[0], SHARES[1]],
        [SHARES[2], empty, empty],
        [SHARES[0], one, one + 4],
        [SHARES[2]],
    ):
        arguments = _statistics(shares)
        mean, var = parts((yield arguments, {}), "mean", "var")
        whole, what = np.concatenate(shares), f"(counts {[*map(int, arguments[0])]})"
        same(mean, whole.mean(axis=0), f"mean {what}")
        same(var, whole.var(axis=0), f"var {what}")


@combine_statistics.expect
def large_means():
    """With means a million times as large as the standard deviations, the variance keeps its
    digits."""
    shares = [1e6 + share for share in SHARES]
    counts, means, variances = _statistics(shares)
    _, var = parts((yield (counts, means, variances), {}), "mean", "var")
    expected = np.concatenate(shares).var(axis=0)
    error = np.max(np.abs(array_like(var, "var", shape=(4,)) - expected))
    # Nobody gets here with a wrong formula: the one of the squares is off by about 1e-4.
    assert error < 1e-6 * expected.max(), (
        f"var is off by {error:.2g}: E[x^2] - E[x]^2 is a difference of two large numbers here, "
        "and most digits cancel; add the squared distances of the means instead"
    )


# ------------------------------------------------------------------ sync_input_gradient

GAMMA = np.array([2.0, 0.5, -1.5])
EPS = 0.2


def _processes(sizes, seed):
    """For processes with `sizes` samples: dy, x_hat and the expected dx of each; gain; count."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(sum(sizes), 3)) * np.array([1.0, 3.0, 0.5]) + np.array([2.0, 0, -1])
    x[: sizes[0]] += 1.5  # the processes' own means are not the common one
    dy = rng.normal(size=x.shape) + np.linspace(-1, 2, len(x))[:, None]
    _, cache = F.batch_norm(x, GAMMA, np.zeros(3), EPS)
    dx, _, _ = F.batch_norm_backward(dy, cache)
    root = np.sqrt(x.var(axis=0) + EPS)
    shares = [np.split(a, np.cumsum(sizes)[:-1]) for a in (dy, (x - x.mean(axis=0)) / root, dx)]
    return [*zip(*shares, strict=True)], GAMMA / root, len(x)


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
    "Notebook 03's backward pass needs two sums over the samples per feature. Which ones? Now they "
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
    """With one process, where all_reduce changes nothing, it is notebook 03's backward pass."""
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


def _rng_x():
    return np.random.default_rng(171).normal(size=(6, 3)) * np.array([1.0, 3.0, 0.5]) + 1


# ------------------------------------------------------------------ accumulate


def _model():
    model = nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 2)).double()
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
def one_batch_at_a_time():
    """Only one batch is in memory at a time: its backward pass comes before the next batch."""
    model, batches, rows, waiting, most = _model(), _batches(2, 3, 2), [], set(), []

    def watch(module, inputs, outputs):
        rows.append(len(inputs[0]))
        key = tuple(inputs[0].detach().flatten().tolist())
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
