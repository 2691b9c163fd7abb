"""Exercises of the notebook `regularization`: noise of a batch's mean and variance, dropout, paired
gaps."""

from itertools import combinations, product

import numpy as np

from helpers.exercises.engine import (
    array_like,
    exercise,
    number,
    order,
    prediction,
    same,
    same_of_whole,
    slip,
    word,
)

_rng = np.random.default_rng(120)
# Seven samples, three features of different spread, none of them centred.
X = _rng.normal(size=(7, 3)) * np.array([1.0, 5.0, 0.2]) + np.array([3.0, -2.0, 0.5])

VALUES = _rng.normal(size=(4, 6)) + 0.5
CHANCE = _rng.random((4, 6))
CHANCE[1, 2] = 0.3  # exactly p: such a value is kept, as in "u < p drops"
P = 0.3

# Accuracies of two networks, six seeds. Pairs belong together: both rise and fall with the seed.
TRAIN_A = np.array([1.0, 0.99, 1.0, 0.98, 1.0, 0.97])
TEST_A = np.array([0.90, 0.95, 0.84, 0.93, 0.88, 0.96])
TRAIN_B = np.array([0.99, 1.0, 0.97, 1.0, 0.98, 0.96])
TEST_B = np.array([0.935, 0.91, 0.87, 0.975, 0.93, 0.955])

number(
    "regularization-long-weights",
    answer=0.01,
    within=1.05,
    reason="It is lr / |w|**2: the gradient is a tenth, and a step turns weights that are ten "
    "times as long by a tenth of the angle.",
    recalls="length_and_direction",
)
word(
    "regularization-what-counts",
    answers=("direction", "their direction", "directions", "angle", "orientation"),
    reason="batch norm divides the length out again, as far as eps allows.",
    recalls="length_and_direction",
)
order(
    "regularization-growth",
    answer="cba",
    reason="Without skips a layer multiplies the squared gradient by 1.47, with batches of 8 by "
    "1.79. With skips, 80 blocks together come to a factor of 18.",
    recalls="depth",
    a="batches of 8",
    b="large batches",
    c="with skips",
)

number(
    "regularization-second-layer",
    answer=0.043,
    unit="standard deviations",
    within=1.5,
    reason="Noise does not pile up: after the first batch norm every batch has mean 0 and variance "
    "1 in every unit, and little is left by which batches could differ.",
    measured_by="np.median(mean_noise[:, list(sizes).index(16), 1])",
)
order(
    "regularization-three-noises",
    answer="cab",
    reason="The mean was fixed by the batch norm before, the standard deviation of a weighted sum "
    "was not. The value of an image is moved by both, and by what reached it from below.",
    measured_by="[*np.median(others[:, 1], axis=0), np.median(of_mean[:, 1])]",
    a="standard deviation of the batch",
    b="value of image 0",
    c="mean of the batch",
)
number(
    "regularization-few-images",
    answer=76,
    unit="% of the plain network's",
    within=1.15,
    reason="A gain, and a modest one: a regularizer helps where there is something to overfit, and "
    "the two differ in some twenty of 1,247 test images.",
    measured_by="100 * np.median(loss_ratio)",
)
prediction(
    "regularization-wrong-labels",
    right="a",
    a="batch norm speeds up learning, and learning by heart is learning, too.",
    b="nothing in its loss tells the plain network to ignore a label, but it is slow: in 200 steps "
    "it gets only through a part of them.",
    c="given time, they do. After 200 steps the plain one has learned less than a fifth of them.",
    believed={"b": "claim: batch-norm-regularizes", "c": "quote: random-labels"},
)
prediction(
    "regularization-test-loss",
    right="b",
    a="that would be so if its whole lead came from the noise. A good part of it stays.",
    b="the noise has a share in the lead, and something else has the other.",
    c="they are not: at this rate, a little noise does help.",
    believed={"a": "claim: noise-is-what-regularizes", "c": "quote: inaccurate-statistics"},
)
prediction(
    "regularization-dropout",
    right="c",
    a="against wrong labels the noise of ordinary batches is too weak. Batch norm learns them by "
    "heart, and dropout is what keeps it from doing so.",
    b="the two together are in front here. That they harm each other was found in deep "
    "convolutional networks, on right labels.",
    c="batch norm brings the network to the point where it learns labels by heart. There dropout "
    "has something to prevent.",
    believed={"a": "claim: dropout-needed-less", "b": "quote: dropout-disharmony"},
)


@exercise(
    "Start from the variance of each feature over all N samples, dividing by N.",
    "The variance of a batch's mean is var / B * (N - B) / (N - 1), when no sample is drawn twice.",
    "Return np.sqrt(x.var(axis=0) / batch_size * (n - batch_size) / (n - 1)), with n = len(x).",
)
def batch_mean_noise(x, batch_size):
    n = len(x)
    var = x.var(axis=0)
    return np.sqrt(var / batch_size * (n - batch_size) / (n - 1))


@batch_mean_noise.expect
def one_per_feature():
    """Return one standard deviation for each of the C features."""
    array_like((yield (X, 2), {}), "the noise", shape=(3,))


@batch_mean_noise.expect
def whole_set():
    """A batch of all N samples has no noise: there is only one such batch."""
    noise = array_like((yield (X, 7), {}), "the noise", shape=(3,))
    slip(noise, X.std(axis=0) / np.sqrt(7), "this holds if a sample may be drawn twice in a batch")
    assert not np.isnan(noise).any(), (
        "the noise holds nan. Under the root stands 0 here; a difference that is rounded to less "
        "has no root. The product with N - B is exactly 0, or np.maximum(..., 0) helps"
    )
    # A difference that is rounded to 1e-16 instead of 0 has the root 1e-8.
    same(noise, np.zeros(3), "the noise", tol=1e-6)


@batch_mean_noise.expect
def single_samples():
    """For batches of one sample the noise is the standard deviation of the feature."""
    noise = yield (X, 1), {}
    slip(noise, X.var(axis=0), "this is the variance; take its root")
    slip(noise, X.std(axis=0, ddof=1), "all N samples are there: their variance divides by N")
    large = X.std(axis=0) * np.sqrt(6 / 7)
    slip(noise, large, "nearly: this is right for large N; the exact factor is (N - B) / (N - 1)")
    same(noise, X.std(axis=0), "the noise")


@batch_mean_noise.expect
def every_batch():
    """It agrees with the list of all batches: of 7 samples one can draw 21 batches of 2, and of 6
    samples 20 batches of 3. There may be any number of features."""
    for n, size, c in ((7, 2, 3), (6, 3, 2), (5, 2, 1)):
        x = X[:n, :c]
        means = np.array([x[list(batch)].mean(axis=0) for batch in combinations(range(n), size)])
        noise = yield (x, size), {}
        expected = means.std(axis=0)
        slip(noise, expected / np.sqrt(size), "divide the variance by B, before you take the root")
        same(noise, expected, f"the noise (batches of {size} of {n})")


@batch_mean_noise.expect_or_refuse
def whole_numbers():
    """It works for whole numbers, such as pixels, too: the noise has fractions."""
    x = np.round(5 * X).astype(int)
    noise = yield (x, 2), {}
    same_of_whole(noise, batch_mean_noise(x, 2), "the noise")


@exercise(
    "Where u is below p the value is dropped. What about the others?",
    "The others are divided by 1 - p, so that the average over many draws stays what it was.",
    "Return x * (u >= p) / (1 - p).",
)
def inverted_dropout(x, u, p):
    return x * (u >= p) / (1 - p)


@inverted_dropout.expect
def dropped_where_u_is_small():
    """Values are 0 where u < p, and only there. u == p is kept."""
    for p in (P, 0.8):
        y = array_like((yield (VALUES, CHANCE, p), {}), "y", shape=(4, 6))
        dropped, kept = y == 0, p <= CHANCE
        slip(dropped, kept, "the other way round: small u means dropped")
        for spot in np.argwhere(dropped == kept).tolist():
            value, u = y[*spot], CHANCE[*spot]
            raise AssertionError(f"y{spot} is {value:.4g}, and u there is {u:.4g} (p = {p})")


@inverted_dropout.expect
def average_stays():
    """Averaged over all u from 0 to 1, every value stays what it was."""
    x = np.tile(VALUES[0], (1000, 1))
    grid = (np.arange(1000) + 0.5) / 1000  # instead of a thousand random draws
    u = np.tile(grid[:, None], (1, 6))
    for p in (0.5, 0.2):
        average = array_like((yield (x, u, p), {}), "y", shape=(1000, 6)).mean(axis=0)
        slip(average, (1 - p) * x[0], "the average is 1 - p times too small: divide by 1 - p")
        slip(average, (1 - p) ** 2 * x[0], "you multiply by 1 - p; divide by it")
        same(average, x[0], f"the average (p = {p:g})")


@inverted_dropout.expect
def kept_values():
    """What is kept is divided by 1 - p, the probability, not by the share that happened to stay."""
    kept = P <= CHANCE
    y = yield (VALUES, CHANCE, P), {}
    slip(y, VALUES * kept / kept.mean(), "this divides by the share of values kept")
    same(y, VALUES * kept / (1 - P), "y")


@inverted_dropout.expect
def nothing_to_drop():
    """It works for arrays of any shape; with p = 0 everything stays as it is."""
    x, u = VALUES.reshape(2, 3, 4), CHANCE.reshape(2, 3, 4).copy()
    u[0, 0, 0] = 0.0
    for p in (0.6, 0.0):
        y = yield (x, u, p), {}
        same(y, inverted_dropout(x, u, p), f"y (x of shape {x.shape}, p = {p:g})")


@inverted_dropout.expect_or_refuse
def whole_values():
    """The values may be whole numbers; what is kept has fractions."""
    x = np.round(5 * VALUES).astype(int)
    y = yield (x, CHANCE, P), {}
    same_of_whole(y, inverted_dropout(x, CHANCE, P), "y")


@exercise(
    "A gap is training accuracy minus test accuracy. Work out both networks' gaps, seed by seed.",
    "The same seed means the same images and the same first weights. So subtract within each seed, "
    "and take the median last.",
    "smaller = (train_a - test_a) - (train_b - test_b); return np.median(smaller) and the number "
    "of entries above 0.",
)
def gap_reduction(train_a, test_a, train_b, test_b):
    smaller = (train_a - test_a) - (train_b - test_b)
    median, count = np.median(smaller), np.sum(smaller > 0)
    return median, count


def _reduction(result):
    if not isinstance(result, (tuple, list)) or len(result) != 2:
        raise AssertionError("return two values, (median, seeds)")
    median = array_like(result[0], "the median", shape=())
    return median, array_like(result[1], "the number of seeds", shape=())


@gap_reduction.expect
def two_numbers():
    """Return two numbers: the median reduction, and in how many seeds the gap is smaller."""
    _reduction((yield (TRAIN_A, TEST_A, TRAIN_B, TEST_B), {}))


@gap_reduction.expect
def sign():
    """A positive median means that network b has the smaller gap, a negative one that it has the
    larger. Here it is smaller, then larger, by 0.04 in every seed."""
    better = TRAIN_A - 0.03, TEST_A + 0.01
    median, _ = _reduction((yield (TRAIN_A, TEST_A, *better), {}))
    slip(median, -0.04, "the other way round: positive if the gap of b is smaller", tol=1e-6)
    slip(median, 0.24, "this is the sum over the seeds; take the median", tol=1e-6)
    slip(median, 6, "the median comes first: return (median, count)")
    slip(median, 0.01, "you compare test accuracies alone; the gap is training minus test", 1e-6)
    slip(median, 0.02, "a gap is training minus test accuracy; you add the two", tol=1e-6)
    same(median, 0.04, "the median")
    median, _ = _reduction((yield (*better, TRAIN_A, TEST_A), {}))
    slip(median, 0.04, "the sign is lost: negative if the gap of b is larger", tol=1e-6)
    same(median, -0.04, "the median")


@gap_reduction.expect
def training_counts():
    """The gap has two ends: a lower training accuracy makes it smaller, too."""
    median, seeds = _reduction((yield (TRAIN_A, TEST_A, TRAIN_A - 0.02, TEST_A), {}))
    same(median, 0.02, "the median")
    slip(seeds, 1, "this is a share; return the number of seeds")
    slip(seeds, 5, "one of the gaps is negative here: do not drop its sign")
    same(seeds, 6, "the number of seeds")


@gap_reduction.expect
def pairs_first():
    """Subtract within each seed first, then take the median over the seeds."""
    args = TRAIN_A, TEST_A, TRAIN_B, TEST_B
    median, _ = _reduction((yield args, {}))
    a, b = TRAIN_A - TEST_A, TRAIN_B - TEST_B
    slip(median, np.median(a) - np.median(b), "pair by pair first, then one median")
    slip(median, np.mean(a - b), "this is the mean; take the median")
    same(median, np.median(a - b), "the median")


@gap_reduction.expect
def ties_do_not_count():
    """A seed counts if the gap is really smaller; equal gaps do not count. In the median they
    do."""
    less = 1 / 2**14  # than one image of 10,000
    test_b = TEST_A + np.array([1, 0, -1, 1, 0, 1]) * less
    median, seeds = _reduction((yield (TRAIN_A, TEST_A, TRAIN_A, test_b), {}))
    slip(1e4 * median, 1e4 * less, "in the median, seeds with equal gaps count, too", tol=1e-6)
    same(1e4 * median, 1e4 * less / 2, "10,000 times the median")
    slip(seeds, 5, "two of these seeds have equal gaps; they do not count")
    same(seeds, 3, "the number of seeds")


@gap_reduction.expect
def any_number_of_seeds():
    """It works for any number of seeds, also for a single one."""
    for n in (5, 1):
        args = TRAIN_A[:n], TEST_A[:n], TRAIN_B[:n], TEST_B[:n]
        median, seeds = _reduction((yield args, {}))
        expected = gap_reduction(*args)
        same(median, expected[0], f"the median ({n} seeds)")
        same(seeds, expected[1], f"the number of seeds (of {n})")


SKEWED = np.array(
    [[0.0, 1.0, -1.0], [0.5, 1.0, 1.0], [0.2, 1.0, -1.0], [4.0, 6.0, 1.0], [1.0, 0.0, 3.0]]
)


def _variances(x, batch_size):
    """The variances of all batches: (N ** batch_size, C)."""
    return np.array([x[list(b)].var(axis=0) for b in product(range(len(x)), repeat=batch_size)])


@exercise(
    "Let m2 and m4 be the means of d**2 and of d**4 over all samples. For independent deviations "
    "the average of d1**2 * d2**2 is m2**2, and whatever holds a deviation in an odd power that "
    "nothing else shares, such as d1**3 * d2 or d1**2 * d2 * d3, is 0 on average.",
    "Write S for the sum of all d and Q for the sum of all d**2: v = Q / B - S**2 / B**2. On "
    "average Q is B * m2, and so is S**2. So v is (B - 1) / B * m2 on average.",
    "Now the averages of Q**2, of Q * S**2 and of S**4. Each has B terms d1**4. Pairs "
    "d1**2 * d2**2: Q**2 and Q * S**2 have B * (B - 1) of them, S**4 has three times as many.",
    "The average of v**2, less the square of that of v, is "
    "(B - 1) * ((B - 1) * m4 - (B - 3) * m2**2) / B**3.",
)
def batch_var_noise(x, batch_size):
    d = x - x.mean(axis=0)
    m2, m4 = (d**2).mean(axis=0), (d**4).mean(axis=0)
    b = batch_size
    return np.sqrt((b - 1) * ((b - 1) * m4 - (b - 3) * m2**2) / b**3)


@batch_var_noise.expect
def noise_of_each_feature():
    """Return one standard deviation for each of the C features."""
    array_like((yield (SKEWED, 2), {}), "the noise", shape=(3,))


@batch_var_noise.expect
def batches_of_two():
    """It agrees with the list of all 25 batches of two samples out of five."""
    noise = yield (SKEWED, 2), {}
    right = _variances(SKEWED, 2).std(axis=0)
    d = SKEWED - SKEWED.mean(axis=0)
    m2, m4 = (d**2).mean(axis=0), (d**4).mean(axis=0)
    slip(noise, right**2, "take the root")
    slip(noise, 2 * right, "the variance of a batch divides by B here, not by B - 1")
    says = "this is right for a bell curve; elsewhere the mean of d**4 is not 3 * m2**2"
    slip(noise, m2 / np.sqrt(2), says)
    says = "the mean of the batch moves, too: v is not the mean of d**2"
    slip(noise, np.sqrt((m4 - m2**2) / 2), says)
    slip(noise, SKEWED.std(axis=0) / np.sqrt(2), "this is the noise of the mean")
    slip(noise, _variances(SKEWED, 2).mean(axis=0), "this is the average variance, not its noise")
    without = [SKEWED[list(b)].var(axis=0) for b in combinations(range(5), 2)]
    slip(noise, np.std(without, axis=0), "samples may be drawn twice: draw with replacement")
    same(noise, right, "the noise")


@batch_var_noise.expect
def larger_batches():
    """It agrees with the list of all batches for other sizes, and for one feature, too."""
    for n, size, c in ((5, 3, 3), (4, 4, 2), (3, 5, 1)):
        x = SKEWED[-n:, :c]
        noise = yield (x, size), {}
        right = _variances(x, size).std(axis=0)
        same(noise, right, f"the noise (batches of {size}, drawn from {n})")


@batch_var_noise.expect
def lonely_samples():
    """A batch of one sample has variance 0, always: no noise."""
    same((yield (SKEWED, 1), {}), np.zeros(3), "the noise", tol=1e-6)


@batch_var_noise.expect
def moved_features():
    """Adding 10,000 to all samples changes nothing: it is the deviations that count."""
    noise = yield (SKEWED + 1e4, 3), {}
    same(noise, _variances(SKEWED, 3).std(axis=0), "the noise", tol=1e-6)
