"""Mean and variance of all samples from those of every process."""

import numpy as np

from helpers.exercises.engine import array_like, exercise, parts, same, slip

_rng = np.random.default_rng(170)

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
    var = within + between
    return mean, var


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
    says = (
        "the processes have different means: their squared distances from the common mean are "
        "missing (distances that are not squared add up to zero)"
    )
    slip(var, within, says)
    slip(var, variances.mean(axis=0), says + "; and every process counts the same")
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
def any_size():
    """It works for any number of processes and features."""
    for shares in (
        [share[:, :1] for share in SHARES],
        [share[:, 1:] for share in SHARES[:2]],
        [*SHARES, 2 * SHARES[0] - 1, SHARES[2][:3] + 5],
    ):
        arguments = _statistics(shares)
        mean, var = parts((yield arguments, {}), "mean", "var")
        whole = np.concatenate(shares)
        what = f"(means and variances of shape {arguments[1].shape})"
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
