"""Exercises of the notebook 05_inference: running statistics, inference, and its conventions."""

import numpy as np

from helpers.exercises.engine import array_like, exercise, parts, prediction, same

_rng = np.random.default_rng(50)
# Columns of very different mean and scale, and N != C, so that axes cannot be mixed.
X = _rng.normal(size=(6, 4)) * [1.0, 4.0, 0.5, 2.0] + [5.0, -2.0, 0.3, 1.0]
SMALL = _rng.normal(size=(3, 4)) * 2 - 1
MEAN = np.array([4.0, -1.0, 0.5, 2.0])
VAR = np.array([1.5, 9.0, 0.4, 5.0])
GAMMA = np.array([2.0, 0.5, -1.5, 3.0])
BETA = np.array([1.0, -3.0, 0.25, 10.0])
EPS = 0.3  # large enough that every misplaced eps shows
MOMENTUM = 0.3

prediction(
    "05-alone",
    right="b",
    a="before gamma comes the subtraction of the mean, and the sample is its own mean.",
    b="the sample minus its own mean is 0, so nothing but beta is left.",
    c="the variance is 0, but eps stands inside the root: 0 / sqrt(eps) is 0, not NaN.",
)
prediction(
    "05-gap",
    right="b",
    a="eight images estimate a mean and a variance badly, and every error disturbs the answers.",
    b="the running statistics come from many batches, so they are known better than any batch of "
    "8 can know its own.",
    c="the weights are the same, but each layer's output also depends on the statistics.",
)
prediction(
    "05-momentum",
    right="c",
    a="the momentum of batch norm is not a step size: it moves the running statistics only.",
    b="the batches are normalized with their own statistics, so nothing in training is noisier.",
    c="training never reads the running statistics. Every batch is normalized with its own.",
)
prediction(
    "05-stale",
    right="b",
    a="that plays a part, but after 300 steps the old weights' batches make up only a quarter of "
    "the average.",
    b="after 300 steps they still make up 0.999 ** 300 = 74 % of it.",
    c="momentum 0.1 averages over the same batches of 32 and does well.",
)


@exercise(
    "Two moving averages, one for the mean and one for the variance. Start with the mean.",
    "The old value gets the weight 1 - momentum, the batch's value the weight momentum.",
    "The batch's variance must be the unbiased one: divide the sum of squares by N - 1.",
    "mean = (1 - momentum) * running_mean + momentum * x.mean(axis=0); the same for the variance "
    "with x.var(axis=0, ddof=1).",
)
def update_running(running_mean, running_var, x, momentum=0.1):
    n = len(x)
    mu = x.mean(axis=0)
    var = x.var(axis=0)
    mean = (1 - momentum) * running_mean + momentum * mu
    unbiased = var * n / (n - 1)
    var = (1 - momentum) * running_var + momentum * unbiased
    return mean, var


@update_running.expect
def two_arrays():
    """Return two new arrays, (mean, var), with one entry per feature."""
    mean, var = parts((yield (MEAN, VAR, X), {"momentum": MOMENTUM}), "mean", "var")
    array_like(mean, "mean", shape=(4,))
    array_like(var, "var", shape=(4,))


@update_running.expect
def mean_moves():
    """The mean is (1 - momentum) times the old one plus momentum times the batch's."""
    mean, _ = yield (MEAN, VAR, X), {"momentum": MOMENTUM}
    same(mean, update_running(MEAN, VAR, X, MOMENTUM)[0], "mean")


@update_running.expect
def variance_moves():
    """The variance moves the same way, towards the batch's unbiased variance."""
    _, var = yield (MEAN, VAR, X), {"momentum": MOMENTUM}
    same(var, update_running(MEAN, VAR, X, MOMENTUM)[1], "var")


@update_running.expect
def other_batch_size():
    """It works for a batch of any size; N / (N - 1) is 3/2 for three samples."""
    mean, var = yield (MEAN, VAR, SMALL), {"momentum": MOMENTUM}
    expected = update_running(MEAN, VAR, SMALL, MOMENTUM)
    same(mean, expected[0], "mean")
    same(var, expected[1], "var")


@update_running.expect
def default_momentum():
    """Without a momentum it uses 0.1: the new batch gets a tenth of the weight."""
    mean, var = yield (MEAN, VAR, X), {}
    expected = update_running(MEAN, VAR, X, 0.1)
    same(mean, expected[0], "mean")
    same(var, expected[1], "var")


@update_running.expect
def momentum_zero():
    """With momentum 0 the batch has no weight: the statistics stay as they were."""
    mean, var = yield (MEAN, VAR, X), {"momentum": 0.0}
    same(mean, MEAN, "mean")
    same(var, VAR, "var")


@update_running.expect
def large_offset():
    """Adding 1e8 to every sample leaves the variance where it was."""
    _, var = yield (MEAN, VAR, X + 1e8), {"momentum": MOMENTUM}
    same(var, update_running(MEAN, VAR, X, MOMENTUM)[1], "var", tol=1e-5)


@exercise(
    "It is the forward pass of notebook 02 with two lines less: nothing is measured here.",
    "running_mean takes the place of mu, running_var the place of var.",
    "gamma * (x - running_mean) / np.sqrt(running_var + eps) + beta",
)
def batch_norm_inference(x, gamma, beta, running_mean, running_var, eps=1e-5):
    x_hat = (x - running_mean) / np.sqrt(running_var + eps)
    return gamma * x_hat + beta


@batch_norm_inference.expect
def inference_shape():
    """The output has the shape of the input, and no argument is changed."""
    y = yield (X, GAMMA, BETA, MEAN, VAR), {"eps": EPS}
    array_like(y, "y", shape=X.shape)


@batch_norm_inference.expect
def one_sample():
    """A batch of one is normalized with the running statistics; it does not collapse to beta."""
    y = yield (X[:1], GAMMA, BETA, MEAN, VAR), {"eps": EPS}
    same(y, batch_norm_inference(X[:1], GAMMA, BETA, MEAN, VAR, EPS), "y")


@batch_norm_inference.expect
def no_company():
    """Each row of a batch comes out as it would alone."""
    y = yield (X, GAMMA, BETA, MEAN, VAR), {"eps": EPS}
    same(y, batch_norm_inference(X, GAMMA, BETA, MEAN, VAR, EPS), "y")


@batch_norm_inference.expect
def inference_default_eps():
    """Without an eps it uses 1e-5, which matters where the running variance is tiny."""
    y = yield (X, GAMMA, BETA, MEAN, VAR * 1e-6), {}
    same(y, batch_norm_inference(X, GAMMA, BETA, MEAN, VAR * 1e-6), "y")


@exercise(
    "Write y = gamma * (x - running_mean) / sqrt(running_var + eps) + beta and sort by x.",
    "What stands in front of x is the scale. Everything else is the shift.",
    "scale = gamma / np.sqrt(running_var + eps); the mean is subtracted before the scaling, so "
    "the shift is beta - scale * running_mean.",
)
def fold_to_affine(gamma, beta, running_mean, running_var, eps=1e-5):
    scale = gamma / np.sqrt(running_var + eps)
    shift = beta - scale * running_mean
    return scale, shift


@fold_to_affine.expect
def scale_and_shift():
    """Return (scale, shift), one entry per feature each."""
    scale, shift = parts((yield (GAMMA, BETA, MEAN, VAR), {"eps": EPS}), "scale", "shift")
    array_like(scale, "scale", shape=(4,))
    array_like(shift, "shift", shape=(4,))


@fold_to_affine.expect
def difference_of_two():
    """The scale is what the difference of two samples is multiplied by."""
    scale, _ = yield (GAMMA, BETA, MEAN, VAR), {"eps": EPS}
    same(scale, fold_to_affine(GAMMA, BETA, MEAN, VAR, EPS)[0], "scale")


@fold_to_affine.expect
def running_mean_becomes_beta():
    """A sample that equals the running mean comes out as beta."""
    scale, shift = yield (GAMMA, BETA, MEAN, VAR), {"eps": EPS}
    same(np.asarray(scale) * MEAN + shift, BETA, "scale * running_mean + shift")


@fold_to_affine.expect
def fold_default_eps():
    """Without an eps it uses 1e-5, which matters where the running variance is tiny."""
    scale, _ = yield (GAMMA, BETA, MEAN, VAR * 1e-6), {}
    same(scale, fold_to_affine(GAMMA, BETA, MEAN, VAR * 1e-6)[0], "scale")


@exercise(
    "Go through the table row by row: which of the four numbers mean something else in Keras?",
    "PyTorch's momentum is the weight of the new batch, Keras' that of the old average.",
    "PyTorch averaged unbiased variances, which are count / (count - 1) times the biased ones.",
    "return 1 - momentum, eps, running_mean, running_var * (count - 1) / count",
)
def pytorch_to_keras(momentum, eps, running_mean, running_var, count):
    moving_variance = running_var * (count - 1) / count
    return 1 - momentum, eps, running_mean, moving_variance


@pytorch_to_keras.expect
def four_values():
    """Return Keras' (momentum, epsilon, moving_mean, moving_variance): two numbers, two arrays."""
    result = parts(
        (yield (MOMENTUM, EPS, MEAN, VAR, 6), {}),
        "momentum",
        "epsilon",
        "moving_mean",
        "moving_variance",
    )
    array_like(result[0], "momentum", shape=())
    array_like(result[1], "epsilon", shape=())
    array_like(result[2], "moving_mean", shape=(4,))
    array_like(result[3], "moving_variance", shape=(4,))


@pytorch_to_keras.expect
def same_memory():
    """The momentum makes Keras forget as fast as PyTorch did."""
    momentum, *_ = yield (MOMENTUM, EPS, MEAN, VAR, 6), {}
    same(momentum, 1 - MOMENTUM, "momentum")


@pytorch_to_keras.expect
def same_eps():
    """The layer keeps the eps that it was trained with."""
    _, epsilon, *_ = yield (MOMENTUM, EPS, MEAN, VAR, 6), {}
    same(epsilon, EPS, "epsilon")


@pytorch_to_keras.expect
def same_mean():
    """Both frameworks average the same means."""
    _, _, mean, _ = yield (MOMENTUM, EPS, MEAN, VAR, 6), {}
    same(mean, MEAN, "moving_mean")


@pytorch_to_keras.expect
def biased_variance():
    """The variance is the average of the biased variances, of which Keras takes the average."""
    *_, var = yield (MOMENTUM, EPS, MEAN, VAR, 6), {}
    same(var, VAR * 5 / 6, "moving_variance")


@pytorch_to_keras.expect
def counts():
    """The factor depends on the number of samples per batch."""
    *_, var = yield (MOMENTUM, EPS, MEAN, VAR, 3), {}
    same(var, VAR * 2 / 3, "moving_variance")
