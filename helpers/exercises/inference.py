"""Exercises of the notebook `inference`: running statistics, inference, and its conventions."""

import numpy as np

from helpers.exercises.engine import (
    array_like,
    exercise,
    number,
    order,
    parts,
    prediction,
    same,
    same_of_whole,
    slip,
    word,
)

_rng = np.random.default_rng(50)
# Columns of very different mean and scale, and N != C, so that axes cannot be mixed.
X = _rng.normal(size=(6, 4)) * [1.0, 4.0, 0.5, 2.0] + [5.0, -2.0, 0.3, 1.0]
SMALL = _rng.normal(size=(3, 4)) * 2 - 1
MEAN = np.array([4.0, -1.0, 0.5, 2.0])
VAR = np.array([1.5, 9.0, 0.4, 5.0])
GAMMA = np.array([2.0, 0.5, -1.5, 3.0])
BETA = np.array([1.0, -3.0, 0.25, 10.0])
WHOLE = np.array([[0, 3, 7, 1], [16, 5, 8, 2], [2, 12, 3, 4]])  # whole numbers, as pixels are
EPS = 0.3  # large enough that every misplaced eps shows
MOMENTUM = 0.2  # another number than EPS, so that the two cannot be mixed

number(
    "inference-tuned-factor",
    answer=3.9,
    unit="times",
    within=1.6,
    reason="At one rate, chosen for neither, it was 4.5; against a plain network that was never "
    "tuned it can be made 25.",
    measured_by="np.median(saved)",
    recalls="training",
)
word(
    "inference-never-arrived",
    answers=("np.inf", "inf", "infinity", "infinite", "math.inf"),
    reason="it needs more steps than the run had, and nobody knows how many. The length of the run "
    "would make the factor finite and wrong.",
    recalls="training",
)
prediction(
    "inference-fourteen",
    right="b",
    a="that is BN-Baseline, and its factor is 2.3.",
    b="a larger rate is one of the seven, and Inception kept its own.",
    believed={"a": "claim: fourteen-times"},
    recalls="training",
)

number(
    "inference-batch-of-one",
    answer=3,
    within_absolute=0.1,
    reason="The sample is its own mean, so the sample minus the mean is 0, and gamma times 0 is 0. "
    "(It is not NaN: the variance is 0, but eps stands inside the root.) Nothing but beta is left.",
    measured_by="lonely[0, 2]",
)
number(
    "inference-shuffled",
    answer=11.2,
    unit="% of the images",
    within=1.7,
    reason="Each image has a mean and a variance made by 31 others, and where two digits are "
    "nearly equally likely that is enough to tip the answer.",
    measured_by="100 * np.median(changing[32])",
)
number(
    "inference-ten-batches",
    answer=65,
    unit="% of the weight",
    within=1.15,
    reason="Each batch multiplies what was there by 0.9, so the older ones keep 0.9 ** 10 = 35 %.",
    measured_by="100 * (1 - older)",
)
order(
    "inference-three-ways",
    answer="bca",
    reason="Running statistics come from many batches, and are closer to those of all images than "
    "the statistics of 32 images, let alone of 8.",
    measured_by="np.median([running, own[:, batch_sizes.index(8)], same_size], axis=1)",
    a="one by one, in eval mode",
    b="in batches of 8",
    c="in batches of 32",
)
prediction(
    "inference-momentum",
    right="c",
    a="the momentum of batch norm is not a step size: it moves the running statistics only.",
    b="each batch is normalized with its own mean and variance, not with the averages.",
    c="training never reads the running statistics. Every batch is normalized with its own.",
    believed={"a": "quote: momentum-of-the-gradient", "b": "quote: averages-in-training"},
)
prediction(
    "inference-cause",
    right="b",
    a="that plays a part, but after 300 steps the old weights' batches make up only a quarter of "
    "the average.",
    b="after 300 steps they still make up 0.999 ** 300 = 74 % of it.",
    c="momentum 0.1 averages over the same batches of 32 and does well.",
    believed={"a": "claim: stale-because-of-old-weights", "c": "claim: batch-mean-noise"},
)
prediction(
    "inference-same-answers",
    right="a",
    a="at inference all frameworks compute the same, so they need the same numbers.",
    b="that is what Keras would hold after the same training. As long as nobody trains on, it only "
    "makes the answers different.",
    believed={"b": "mutant: batch_norm_inference.biased_again"},
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
    mu = X.mean(axis=0)
    slip(
        mean, 0.2 * MEAN + 0.8 * mu, "momentum is the weight of the new batch, not of the old mean"
    )
    slip(mean, MEAN + 0.2 * mu, "the old mean must fade: its weight is 1 - momentum")
    slip(mean, mu, "this is the mean of the batch alone")
    slip(mean, 0.9 * MEAN + 0.1 * mu, "you use 0.1 whatever momentum you are given")
    slip(mean, 0.8 * MEAN + 0.2 * X.mean(), "every feature has a mean of its own: axis=0")
    slip(
        mean,
        update_running(MEAN, VAR, X, MOMENTUM)[1],
        "this is the variance: return (mean, var), in this order",
    )
    same(mean, update_running(MEAN, VAR, X, MOMENTUM)[0], "mean")


@update_running.expect
def variance_moves():
    """The variance moves the same way, towards the batch's unbiased variance."""
    _, var = yield (MEAN, VAR, X), {"momentum": MOMENTUM}
    batch = X.var(axis=0)
    unbiased = X.var(axis=0, ddof=1)
    slip(var, 0.8 * VAR + 0.2 * batch, "this is the biased variance; multiply it by N / (N - 1)")
    slip(var, 0.8 * VAR + 0.2 * batch * 5 / 6, "the factor is N / (N - 1), not (N - 1) / N")
    slip(var, 0.8 * VAR + 0.2 * unbiased * 6 / 5, "N / (N - 1) was applied twice; ddof=1 holds it")
    slip(
        var,
        (0.8 * VAR + 0.2 * batch) * 6 / 5,
        "N / (N - 1) belongs to the batch's variance alone: the old average has it already",
    )
    slip(var, 0.8 * VAR + 0.2 * batch * 4 / 3, "N counts the samples; you count the features")
    for shifted in (0.2 * (batch - 1), 0.2 * batch - 1):
        slip(var, 0.8 * VAR + shifted, "put brackets around N - 1")
    slip(var, 0.8 * VAR + 0.2 * np.sqrt(unbiased), "this is the deviation; average the variance")
    slip(var, 0.2 * VAR + 0.8 * unbiased, "momentum is the weight of the new batch")
    for old in (MEAN, update_running(MEAN, VAR, X, MOMENTUM)[0]):
        spread = ((X - old) ** 2).sum(axis=0) / 5
        slip(var, 0.8 * VAR + 0.2 * spread, "square the distances from the batch's own mean")
    same(var, update_running(MEAN, VAR, X, MOMENTUM)[1], "var")


@update_running.expect
def any_batch_size():
    """It works for a batch of any size, also with one feature; N / (N - 1) is 3/2 for three
    samples."""
    for c in (4, 1):
        before, x = (MEAN[:c], VAR[:c]), SMALL[:, :c]
        mean, var = yield (*before, x), {"momentum": MOMENTUM}
        expected = update_running(*before, x, MOMENTUM)
        same(mean, expected[0], "mean")
        same(var, expected[1], "var")


@update_running.expect
def default_momentum():
    """Without a momentum it uses 0.1: the new batch gets a tenth of the weight."""
    mean, var = yield (MEAN, VAR, X), {}
    expected = update_running(MEAN, VAR, X, 0.1)
    same(mean, expected[0], "mean")
    same(var, expected[1], "var")


@update_running.expect_or_refuse
def batch_of_whole_numbers():
    """It works for a batch of whole numbers, such as pixels: its mean and variance have
    fractions."""
    mean, var = yield (MEAN, VAR, WHOLE), {"momentum": MOMENTUM}
    expected = update_running(MEAN, VAR, WHOLE, MOMENTUM)
    cut = 0.8 * MEAN + 0.2 * np.trunc(WHOLE.mean(axis=0))
    slip(mean, cut, "the batch's mean lost its fractions: np.zeros_like(x) keeps the type of x")
    cut = 0.8 * VAR + 0.2 * np.trunc(WHOLE.var(axis=0, ddof=1))
    slip(var, cut, "the batch's variance lost its fractions: np.zeros_like(x) keeps x's type")
    same(mean, expected[0], "mean")
    same(var, expected[1], "var")


@update_running.expect
def momentum_zero():
    """With momentum 0 the batch has no weight, and the statistics stay as they were; with momentum
    1 they are the batch's."""
    mean, var = yield (MEAN, VAR, X), {"momentum": 0.0}
    same(mean, MEAN, "mean")
    same(var, VAR, "var")
    mean, var = yield (MEAN, VAR, X), {"momentum": 1.0}
    same(mean, X.mean(axis=0), "mean (momentum 1)")
    same(var, X.var(axis=0, ddof=1), "var (momentum 1)")


@update_running.expect
def large_offset():
    """Adding 1e8 to every sample leaves the variance where it was."""
    _, var = yield (MEAN, VAR, X + 1e8), {"momentum": MOMENTUM}
    same(var, update_running(MEAN, VAR, X, MOMENTUM)[1], "var", tol=1e-5)


@exercise(
    "It is batch_norm_forward with two lines less: nothing is measured here.",
    "running_mean takes the place of mu, running_var the place of var, as it is: an answer must "
    "not depend on how many samples there are. eps stays: the network was trained with it.",
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
def every_entry():
    """Every entry is normalized with the running statistics, then scaled and shifted."""
    y = yield (X, GAMMA, BETA, MEAN, VAR), {"eps": EPS}
    apart, root = X - MEAN, np.sqrt(VAR + EPS)
    mu, var = X.mean(axis=0), X.var(axis=0)
    batch = "of the batch: a sample must come out as it would alone"
    slip(
        y, GAMMA * (X - mu) / np.sqrt(var + EPS) + BETA, f"these are the mean and variance {batch}"
    )
    slip(y, GAMMA * (X - mu) / root + BETA, f"this is the mean {batch}")
    slip(y, GAMMA * apart / np.sqrt(var + EPS) + BETA, f"this is the variance {batch}")
    biased = "a sample has no N: take running_var as it is, whatever the number of samples"
    for factor in (5 / 6, 6 / 5):
        slip(y, GAMMA * apart / np.sqrt(VAR * factor + EPS) + BETA, biased)
    slip(y, GAMMA * apart / np.sqrt(VAR) + BETA, "eps is missing")
    slip(y, GAMMA * apart / np.sqrt(VAR + 1e-5) + BETA, "you use 1e-5 whatever eps you are given")
    slip(y, GAMMA * apart / (np.sqrt(VAR) + EPS) + BETA, "eps belongs inside the root")
    slip(y, GAMMA * apart + BETA, "the division by sqrt(running_var + eps) is missing")
    slip(y, GAMMA * X / root + BETA, "subtract running_mean before you divide")
    slip(y, GAMMA * apart * root + BETA, "divide by the root; you multiply with it")
    slip(y, GAMMA * apart / (VAR + EPS) + BETA, "take the root of running_var + eps")
    slip(y, apart / root, "gamma and beta are missing")
    slip(y, apart / root + BETA, "gamma is missing")
    slip(y, GAMMA * apart / root, "beta is missing")
    slip(y, GAMMA * X - MEAN / root + BETA, "put brackets around x - running_mean")
    slip(y, GAMMA * (apart / root + BETA), "scale by gamma first, then add beta")
    slip(y, BETA * apart / root + GAMMA, "gamma and beta changed places: gamma scales, beta shifts")
    same(y, batch_norm_inference(X, GAMMA, BETA, MEAN, VAR, EPS), "y")


@batch_norm_inference.expect
def one_sample():
    """A batch of one needs no company: it does not collapse to beta, and it keeps its shape."""
    for c in (4, 1):
        x, *others = X[:1, :c], *(a[:c] for a in (GAMMA, BETA, MEAN, VAR))
        y = yield (x, *others), {"eps": EPS}
        same(y, batch_norm_inference(x, *others, EPS), "y")


@batch_norm_inference.expect_or_refuse
def whole_numbers():
    """It works for samples of whole numbers, such as pixels: the output has fractions."""
    y = yield (WHOLE, GAMMA, BETA, MEAN, VAR), {"eps": EPS}
    right = batch_norm_inference(WHOLE, GAMMA, BETA, MEAN, VAR, EPS)
    same_of_whole(y, right, "y")


@batch_norm_inference.expect
def inference_default_eps():
    """Without an eps it uses 1e-5, which matters where the running variance is tiny."""
    y = yield (X, GAMMA, BETA, MEAN, VAR * 1e-6), {}
    same(y, batch_norm_inference(X, GAMMA, BETA, MEAN, VAR * 1e-6), "y")


@batch_norm_inference.expect
def without_a_batch():
    """One sample of shape (C,), with no batch around it, comes out as it would in a batch."""
    for x in X[:2]:
        y = yield (x, GAMMA, BETA, MEAN, VAR), {"eps": EPS}
        same(y, batch_norm_inference(x, GAMMA, BETA, MEAN, VAR, EPS), "y")


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
    want, shift = fold_to_affine(GAMMA, BETA, MEAN, VAR, EPS)
    slip(scale, shift, "this is the shift: return (scale, shift), in this order")
    slip(scale, want / GAMMA, "gamma is missing")
    slip(scale, GAMMA / np.sqrt(VAR), "eps is missing")
    slip(scale, GAMMA / np.sqrt(VAR + 1e-5), "you use 1e-5 whatever eps you are given")
    slip(scale, GAMMA / (np.sqrt(VAR) + EPS), "eps belongs inside the root")
    slip(scale, GAMMA, "the division by sqrt(running_var + eps) is missing")
    slip(scale, GAMMA * np.sqrt(VAR + EPS), "divide by the root; you multiply with it")
    slip(scale, GAMMA / (VAR + EPS), "take the root of running_var + eps")
    same(scale, want, "scale")


@fold_to_affine.expect
def running_mean_becomes_beta():
    """A sample that equals the running mean comes out as beta."""
    scale, shift = yield (GAMMA, BETA, MEAN, VAR), {"eps": EPS}
    want = np.asarray(scale)
    slip(shift, -want * MEAN, "beta is missing")
    slip(shift, BETA, "x is not centred any more: the shift must also subtract the running mean")
    slip(shift, BETA - MEAN, "the mean is subtracted before the scaling: scale it as well")
    slip(shift, BETA - MEAN * want / GAMMA, "gamma multiplies the mean as well")
    slip(shift, BETA + want * MEAN, "the mean is subtracted, not added")
    slip(shift, want * (BETA - MEAN), "beta is added after the scaling: leave it unscaled")
    same(want * MEAN + shift, BETA, "its output")


@fold_to_affine.expect
def gamma_zero():
    """It works for a single feature, even with gamma 0: then the shift is beta."""
    scale, shift = yield (np.zeros(1), BETA[:1], MEAN[:1], VAR[:1]), {"eps": EPS}
    same(scale, [0.0], "scale")
    same(shift, BETA[:1], "shift")


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
    slip(momentum, EPS, "this is epsilon: return momentum first")
    slip(momentum, MOMENTUM, "the same number means the opposite: Keras weighs the old average")
    slip(momentum, 0.99, "this is Keras' default; translate the layer's own momentum")
    same(momentum, 1 - MOMENTUM, "momentum")


@pytorch_to_keras.expect
def same_eps():
    """The layer keeps the eps that it was trained with."""
    _, epsilon, *_ = yield (MOMENTUM, EPS, MEAN, VAR, 6), {}
    slip(epsilon, 1e-3, "this is Keras' default; the layer was trained with another eps")
    same(epsilon, EPS, "epsilon")


@pytorch_to_keras.expect
def same_mean():
    """Both frameworks average the same means."""
    _, _, mean, _ = yield (MOMENTUM, EPS, MEAN, VAR, 6), {}
    slip(mean, VAR * 5 / 6, "this is the variance: the mean comes before it")
    same(mean, MEAN, "moving_mean")


@pytorch_to_keras.expect
def biased_variance():
    """The variance is the average of the biased variances, of which Keras takes the average."""
    *_, var = yield (MOMENTUM, EPS, MEAN, VAR, 6), {}
    slip(var, VAR, "PyTorch averaged unbiased variances: take the factor out")
    slip(var, VAR * 6 / 5, "this multiplies by count / (count - 1) once more: divide by it")
    slip(var, VAR * 6 - 1 / 6, "put brackets around count - 1")
    slip(var, VAR * 3 / 4, "this counts the features; the factor depends on count")
    same(var, VAR * 5 / 6, "moving_variance")


@pytorch_to_keras.expect
def counts():
    """It works for every layer: another momentum, another eps, one feature, and a factor that
    depends on the number of samples per batch."""
    momentum, epsilon, mean, var = yield (0.05, 1e-3, MEAN[:1], VAR[:1], 3), {}
    same(momentum, 0.95, "momentum")
    same(epsilon, 1e-3, "epsilon")
    same(mean, MEAN[:1], "moving_mean")
    same(var, VAR[:1] * 2 / 3, "moving_variance")


@exercise(
    "Write down what one batch does to each of the two, and with which weight the first, the "
    "second and the last of t batches stand in the average.",
    "The average of var over many batches is (N - 1) / N. What was there at the start keeps the "
    "weight (1 - momentum) ** t, and all weights add up to 1.",
    "Variances of independent numbers add, with their weights squared: momentum ** 2 times the sum "
    "of (1 - momentum) ** (2 * k) for k from 0 to t - 1, each over N.",
    "A geometric series: with left = (1 - momentum) ** t, that sum of squared weights is "
    "momentum / (2 - momentum) * (1 - left ** 2).",
)
def averages_in_theory(momentum, N, t):
    left = (1 - momentum) ** t
    average = left + (1 - left) * (N - 1) / N
    noise = momentum / (2 - momentum) * (1 - left**2) / N
    return average, noise


@averages_in_theory.expect
def two_numbers():
    """Return two numbers: the average running variance, and the variance of the running mean."""
    average, noise = parts((yield (0.2, 6, 5), {}), "average", "noise")
    array_like(average, "the average running variance", shape=())
    array_like(noise, "the variance of the running mean", shape=())


@averages_in_theory.expect
def one_batch():
    """After one batch the running mean is momentum times a mean of variance 1/N, and the running
    variance has moved from 1 towards (N - 1) / N."""
    average, noise = yield (0.2, 6, 1), {}
    slip(average, 0.04 / 6, "the average running variance comes first")
    slip(average, 5 / 6, "the 1 of the start still has the weight 1 - momentum")
    slip(average, 0.2 + 0.8 * 5 / 6, "momentum is the weight of the new batch")
    slip(average, 0.8 + 0.2 * 6 / 5, "var is too small without the factor: (N - 1) / N")
    slip(average, 1.0, "that is what it would be with the factor N / (N - 1)")
    same(average, 0.8 + 0.2 * 5 / 6, "the average running variance")
    slip(noise, 0.2 / 6, "variances are multiplied by the weight squared")
    slip(noise, 0.64 / 6, "momentum is the weight of the new batch")
    slip(noise, 0.04, "the mean of N samples has the variance 1/N")
    slip(noise, 0.2 / np.sqrt(6), "this is the standard deviation; return the variance")
    slip(noise, 0.2 / 1.8 / 6, "this is what becomes of it after very many batches; here t is 1")
    same(noise, 0.04 / 6, "the variance of the running mean")


@averages_in_theory.expect
def several_batches():
    """Older batches weigh less: each update multiplies their weight by 1 - momentum."""
    average, noise = yield (0.2, 6, 5), {}
    left = 0.8**5
    slip(average, 1 - 5 * 0.2 / 6, "every update also multiplies what was there by 1 - momentum")
    same(average, left + (1 - left) * 5 / 6, "the average running variance")
    slip(noise, 5 * 0.04 / 6, "every update also multiplies what was there by 1 - momentum")
    slip(noise, 0.2 * (1 - left) / 6, "square every weight before you add them up")
    slip(noise, (1 - left) ** 2 / 6, "independent batches: add the squares of the weights")
    same(noise, 0.2 / 1.8 * (1 - left**2) / 6, "the variance of the running mean")


@averages_in_theory.expect
def no_batch():
    """Before the first batch nothing has moved: the running variance is 1, the mean exactly 0."""
    average, noise = yield (0.2, 6, 0), {}
    same(average, 1.0, "the average running variance")
    same(noise, 0.0, "the variance of the running mean")


@averages_in_theory.expect
def momentum_one():
    """With momentum 1 both are those of the last batch."""
    average, noise = yield (1.0, 6, 5), {}
    same(average, 5 / 6, "the average running variance")
    same(noise, 1 / 6, "the variance of the running mean")


@averages_in_theory.expect
def any_average():
    """It works for batches of any size, and for any momentum and number of batches."""
    for momentum, N, t in ((0.1, 2, 300), (0.5, 32, 2), (0.01, 4, 40)):
        average, noise = yield (momentum, N, t), {}
        expected = averages_in_theory(momentum, N, t)
        same(average, expected[0], "the average running variance")
        same(noise, expected[1], "the variance of the running mean")
