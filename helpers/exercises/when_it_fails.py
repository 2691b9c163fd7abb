"""Exercises of the notebook `when_it_fails`: groups, no mean, no padding, coins read by hand."""

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
from helpers.exercises.values import Slip

_rng = np.random.default_rng(130)
N, C, H, W = 3, 6, 4, 5  # all different, so that axes cannot be mixed up unnoticed
# Every image, channel, row and column has a scale and an offset of its own, so that statistics over
# too few or too many axes give other numbers.
X = (
    _rng.normal(size=(N, C, H, W)) * np.array([1.0, 4.0, 0.5, 2.0, 3.0, 0.8])[:, None, None]
    + np.array([5.0, -2.0, 0.3, 0.0, 1.0, -4.0])[:, None, None]
    + np.array([0.0, 2.0, -1.0])[:, None, None, None]
    + np.linspace(0, 2, H)[:, None]
    + np.linspace(0, -3, W)
)
GAMMA = np.array([2.0, 0.5, -1.5, 2.5, 1.2, -0.7])
BETA = np.array([1.0, -3.0, 0.25, 10.0, -0.5, 4.0])
EPS = 0.3  # large enough that every misplaced eps shows

number(
    "when-it-fails-four-times",
    answer=0.5,
    within=1.05,
    reason="It falls like 1 / sqrt(B): four times the batch, half the noise.",
    recalls="regularization",
)
word(
    "when-it-fails-quiet",
    answers=("mean", "average", "mu", "batch mean", "mean of the batch"),
    reason="the batch norm before it has fixed the mean of every unit, so next to nothing of its "
    "noise is left. That of the standard deviation stays.",
    recalls="regularization",
)
order(
    "when-it-fails-by-heart",
    answer="acb",
    reason="Batch norm learns fast, and wrong labels, too. More noise than that of ordinary "
    "batches holds it back.",
    measured_by="[np.median(arm['by heart']) for arm in "
    "(noisy['plain', 0.1], noisy['batch norm', 0.1], wrong_labels[5])]",
    recalls="regularization",
    a="plain",
    b="batch norm",
    c="batch norm, groups of 5",
)

prediction(
    "when-it-fails-two-samples",
    right="c",
    a="the distance is divided by the standard deviation, which is half the distance: it cancels.",
    b="the mean is subtracted and the spread divided out, so the ratio is lost with both.",
    c="the two become -1 and +1, whatever they were. A layer with 64 features hands on 64 such "
    "signs, the second sample's being the opposite of the first's.",
    believed={"a": "mutant: standardize.only_centred", "b": "mutant: standardize.never_centred"},
)
number(
    "when-it-fails-twos",
    answer=0.3,
    unit="share",
    within=1.5,
    reason="Between two samples only signs are left, and no gradient reaches the layers in front "
    "of batch norm. gamma, beta and the output layer still learn, so it does better than guessing.",
    measured_by="np.median(normed[:, 0])",
    tolerance=0.25,
)
number(
    "when-it-fails-one-digit",
    answer=0.1,
    unit="share",
    within=1.5,
    reason="It guesses. 32 images are enough for a good mean, but it is the mean of one digit: "
    "what the images of a batch have in common is taken away.",
    measured_by="np.median(sorted_normed[:, 0])",
    tolerance=0.25,
)
prediction(
    "when-it-fails-patients",
    right="a",
    a="only there the weights are good and the stored statistics bad.",
    b="batches of two left bad weights behind; good statistics of bad features do not help.",
    c="new statistics leave the weights as they are, and two of the three have learned too little.",
    believed={"b": "quote: inaccurate-statistics", "c": "claim: precise-repairs"},
)
number(
    "when-it-fails-flips",
    answer=0.92,
    unit="share",
    within=1.15,
    reason="Nobody can predict a fair coin, but the network need not: mean and variance of the "
    "batch contain the flips that are still to come, all but the last, and it learns to read them.",
    measured_by="np.median(coins[:, 0, 0].mean(axis=1))",
)


@exercise(
    "Cut the channels into num_groups groups of neighbours: each group of each image becomes one "
    "row of a matrix. How many rows are there, and which reshape makes them?",
    "rows = x.reshape(len(x) * num_groups, -1): neighbouring channels follow one another in "
    "memory, so nothing needs to be transposed. Normalize every row by itself, reshape back.",
    "gamma and beta belong to channels, not to groups: reshape them to (C, 1, 1) at the end.",
)
def group_norm(x, gamma, beta, num_groups, eps=1e-5):
    rows = x.reshape(len(x) * num_groups, -1)
    mu = rows.mean(axis=1, keepdims=True)
    var = rows.var(axis=1, keepdims=True)
    x_hat = ((rows - mu) / np.sqrt(var + eps)).reshape(x.shape)
    return gamma.reshape(-1, 1, 1) * x_hat + beta.reshape(-1, 1, 1)


def _affine(x_hat):
    return GAMMA[:, None, None] * x_hat + BETA[:, None, None]


def _over(x, axes):
    mu, var = x.mean(axis=axes, keepdims=True), x.var(axis=axes, keepdims=True)
    return (x - mu) / np.sqrt(var + EPS)


@group_norm.expect
def same_shape():
    """The output has the shape of the input, (N, C, H, W)."""
    y = yield (X, GAMMA, BETA, 2), {"eps": EPS}
    array_like(y, "y", shape=X.shape)


@group_norm.expect
def groups_of_each_image():
    """Before gamma and beta, every group of every image has mean 0; here two groups of three."""
    y = array_like((yield (X, GAMMA, BETA, 2), {"eps": EPS}), "y", shape=X.shape)
    slip(y, _affine(_over(X, (0, 2, 3))), "this is batch norm: do not average over the images")
    slip(y, _affine(_over(X, (1, 2, 3))), "this is one group: cut the channels into num_groups")
    slip(y, _affine(_over(X, (2, 3))), "every channel by itself is instance norm: join the group")
    grouped = X.reshape(N, 2, 3, H, W)
    over_images = _affine(_over(grouped, (0, 2, 3, 4)).reshape(X.shape))
    slip(y, over_images, "every image has statistics of its own: do not average over the images")
    positions = _affine(_over(grouped, (2,)).reshape(X.shape))
    slip(y, positions, "average over the positions of the image, too")
    three = _affine(_over(X.reshape(N, 3, 2, H, W), (2, 3, 4)).reshape(X.shape))
    slip(y, three, "num_groups counts the groups, not the channels in a group")
    apart = X.reshape(N, 3, 2, H, W)
    apart = _affine(_over(apart, (1, 3, 4)).reshape(X.shape))
    slip(y, apart, "a group consists of neighbouring channels; you take every other one")
    right = _over(grouped, (2, 3, 4)).reshape(X.shape)
    slip(y, right, "gamma and beta are missing: multiply by gamma and add beta, channel by channel")
    per_group = GAMMA[:2, None] * right.reshape(N, 2, -1) + BETA[:2, None]
    slip(y, per_group.reshape(X.shape), "gamma and beta belong to channels, not to groups")
    pieces = _affine(_over(X.reshape(2, -1), 1).reshape(X.shape))
    slip(y, pieces, "your rows reach from one image into the next: N * num_groups rows, not fewer")
    x_hat = (y - BETA[:, None, None]) / GAMMA[:, None, None]
    same(x_hat.reshape(N, 2, -1).mean(axis=2), np.zeros((N, 2)), "mean of group")


@group_norm.expect
def every_entry():
    """Every entry is gamma * (x - mu) / sqrt(var + eps) + beta; gamma and beta per channel."""
    y = yield (X, GAMMA, BETA, 2), {"eps": EPS}
    rows = X.reshape(2 * N, -1)
    mu, var = rows.mean(axis=1, keepdims=True), rows.var(axis=1, keepdims=True)

    def divided_by(root):
        return _affine(((rows - mu) / root).reshape(X.shape))

    slip(y, divided_by(np.sqrt(var)), "eps is missing: it is added to every variance")
    slip(y, divided_by(np.sqrt(var) + EPS), "eps belongs inside the root")
    slip(y, divided_by(np.sqrt(var + 1e-5)), "you use 1e-5 whatever eps you are given")
    count = rows.shape[1]
    unbiased = np.sqrt(var * count / (count - 1) + EPS)
    slip(y, divided_by(unbiased), "var divides by the number of values, not by one less")
    x_hat = ((rows - mu) / np.sqrt(var + EPS)).reshape(X.shape)
    slip(y, GAMMA[:, None, None] * (x_hat + BETA[:, None, None]), "scale first, then add beta")
    same(y, group_norm(X, GAMMA, BETA, 2, EPS), "y")


@group_norm.expect
def default_eps():
    """Without an eps it uses 1e-5, which matters for groups that hardly vary."""
    y = yield (X * 1e-3, GAMMA, BETA, 2), {}
    same(y, group_norm(X * 1e-3, GAMMA, BETA, 2), "y")


@group_norm.expect
def from_layer_to_instance_norm():
    """It works from one group to as many groups as channels, for one image and one channel."""
    for x, groups in ((X, 1), (X, 3), (X, 6), (X[:1], 2), (X[:2, :4, :3], 4), (X[:, :1], 1)):
        gamma, beta = GAMMA[: x.shape[1]], BETA[: x.shape[1]]
        y = yield (x, gamma, beta, groups), {"eps": EPS}
        what = f"y (x of shape {x.shape}, num_groups {groups})"
        same(y, group_norm(x, gamma, beta, groups, EPS), what)


@group_norm.expect_or_refuse
def whole_numbers():
    """Pixels may be whole numbers; the output is not rounded to such."""
    pixels = (np.arange(2 * 4 * 3 * 3).reshape(2, 4, 3, 3) ** 2 % 251).astype(np.uint8)
    gamma, beta = GAMMA[:4], BETA[:4]
    y = yield (pixels, gamma, beta, 2), {"eps": EPS}
    right = group_norm(pixels, gamma, beta, 2, EPS)
    if np.isnan(y).any():
        raise Slip(
            "y holds nan: pixels of type uint8 end at 255, so their squares overflow. Begin with "
            "x.astype(float), or square what has fractions, x - mu"
        )
    same_of_whole(y, right, "y")


TOKENS = _rng.normal(size=(3, 5, 4)) * np.array([1.0, 3.0, 0.4, 2.0]) + np.array([2, -1, 0.5, 0])
TOKENS *= np.linspace(0.5, 3, 15).reshape(3, 5, 1)
SCALE = GAMMA[:4]


@exercise(
    "The root mean square of a token: square its values, take their mean, take the root.",
    "Average over the last axis only, with keepdims=True, so that every token has a number of its "
    "own. No mean is subtracted anywhere.",
    "x / np.sqrt((x**2).mean(axis=-1, keepdims=True) + eps) * gamma",
)
def rms_norm(x, gamma, eps=1e-5):
    mean_square = (x**2).mean(axis=-1, keepdims=True)
    return gamma * x / np.sqrt(mean_square + eps)


@rms_norm.expect
def shape_of_x():
    """The output has the shape of the input, (N, T, C)."""
    y = yield (TOKENS, SCALE), {"eps": EPS}
    array_like(y, "y", shape=TOKENS.shape)


@rms_norm.expect
def nothing_subtracted():
    """Apart from gamma, every token is divided by one number of its own; nothing is subtracted."""
    y = array_like((yield (TOKENS, SCALE), {"eps": EPS}), "y", shape=TOKENS.shape)
    mu = TOKENS.mean(axis=-1, keepdims=True)
    var, square = TOKENS.var(axis=-1, keepdims=True), (TOKENS**2).mean(axis=-1, keepdims=True)
    slip(y, TOKENS / np.sqrt(square + EPS), "gamma is missing")
    layer = SCALE * (TOKENS - mu) / np.sqrt(var + EPS)
    slip(y, layer, "this is layer norm: subtract no mean")
    slip(y, SCALE * (TOKENS - mu) / np.sqrt(square + EPS), "subtract no mean")
    more = (1 + SCALE) * TOKENS / np.sqrt(square + EPS)
    slip(y, more, "gamma itself is the factor, not 1 + gamma")
    deviation = SCALE * TOKENS / np.sqrt(var + EPS)
    slip(y, deviation, "this is the standard deviation: square x itself, not x - mean")
    for axis, name in ((1, "the tokens of a sequence"), (0, "the sequences")):
        other = (TOKENS**2).mean(axis=axis, keepdims=True)
        says = f"you average over {name}; average over the last axis"
        slip(y, SCALE * TOKENS / np.sqrt(other + EPS), says)
    whole = (TOKENS**2).mean(axis=(1, 2), keepdims=True)
    says = "every token has a root mean square of its own: average over the last axis only"
    slip(y, SCALE * TOKENS / np.sqrt(whole + EPS), says)
    slip(y, SCALE * TOKENS / np.sqrt((TOKENS**2).mean() + EPS), says)
    factor = y / (SCALE * TOKENS)
    same(factor, np.repeat(factor[..., :1], 4, axis=-1), "y / (gamma * x)")


@rms_norm.expect
def size_of_a_token():
    """Every token is divided by sqrt(mean of its squares + eps) and multiplied by gamma."""
    y = yield (TOKENS, SCALE), {"eps": EPS}
    square = (TOKENS**2).mean(axis=-1, keepdims=True)
    total = (TOKENS**2).sum(axis=-1, keepdims=True)
    slip(y, SCALE * TOKENS / np.sqrt(square), "eps is missing: it is added to every mean square")
    slip(y, SCALE * TOKENS / (np.sqrt(square) + EPS), "eps belongs inside the root")
    slip(y, SCALE * TOKENS / np.sqrt(square + 1e-5), "you use 1e-5 whatever eps you are given")
    slip(y, SCALE * TOKENS / np.sqrt(total + EPS), "mean of the squares, not their sum")
    less = SCALE * TOKENS / np.sqrt(total / 3 + EPS)
    slip(y, less, "the mean divides by the number of values, not by one less")
    slip(y, SCALE * TOKENS / (square + EPS), "take the root before you divide")
    absolute = np.abs(TOKENS).mean(axis=-1, keepdims=True)
    slip(y, SCALE * TOKENS / np.sqrt(absolute + EPS), "square the values; you take their size")
    scaled = SCALE * TOKENS
    says = "gamma comes last: the root mean square is that of x, not of gamma * x"
    slip(y, scaled / np.sqrt((scaled**2).mean(axis=-1, keepdims=True) + EPS), says)
    same(y, rms_norm(TOKENS, SCALE, EPS), "y")


@rms_norm.expect
def small_tokens():
    """Without an eps it uses 1e-5, and a token of zeros stays zeros."""
    x = TOKENS * 1e-3
    x[0, 0] = 0
    y = yield (x, SCALE), {}
    same(y, rms_norm(x, SCALE), "y")


@rms_norm.expect
def any_axes():
    """It works for (N, C), for a single token (C,) and for any number of features, too."""
    for x in (TOKENS[1], TOKENS[1, 2], TOKENS[..., :3], TOKENS[..., :1]):
        gamma = SCALE[: x.shape[-1]]
        y = yield (x, gamma), {"eps": EPS}
        same(y, rms_norm(x, gamma, EPS), f"y (x of shape {x.shape})")


@rms_norm.expect_or_refuse
def whole_tokens():
    """The values may be whole numbers; the output is not rounded to such."""
    x = np.array([[3, -4, 0, 1], [12, 5, 0, 2]])
    y = yield (x, SCALE), {"eps": EPS}
    right = rms_norm(x, SCALE, EPS)
    same_of_whole(y, right, "y")


LENGTHS = np.array([2, 5, 3])
MASK = np.arange(5) < LENGTHS[:, None]
# What stands in the padding must not matter: here it is neither zero nor harmless.
PADDED = np.where(MASK[..., None], TOKENS, 50.0 + TOKENS)


@exercise(
    "Which values count? Only those of real tokens, each once, whichever sequence they are from.",
    "A mask of shape (N, T) can be an index: x[mask] has one row for every real token.",
    "real = x[mask], then batch_statistics down its columns.",
)
def masked_statistics(x, mask):
    real = x[mask]
    mu, var = real.mean(axis=0), real.var(axis=0)
    return mu, var


@masked_statistics.expect
def one_per_feature():
    """Return (mu, var), with one entry per feature each."""
    mu, var = parts((yield (PADDED, MASK), {}), "mu", "var")
    array_like(mu, "mu", shape=(4,))
    array_like(var, "var", shape=(4,))


@masked_statistics.expect
def means_of_real_tokens():
    """mu is the mean over the real tokens of all sequences: the padding plays no part."""
    mu, _ = parts((yield (PADDED, MASK), {}), "mu", "var")
    real, zeroed = PADDED[MASK], np.where(MASK[..., None], PADDED, 0)
    slip(mu, PADDED.mean(axis=(0, 1)), "the padding is in it: leave out where mask is False")
    slip(mu, PADDED[~MASK].mean(axis=0), "mask is True for real tokens, not for padding")
    slip(mu, zeroed.mean(axis=(0, 1)), "divide by the number of real tokens, not by N * T")
    per_sequence = np.mean([x[m].mean(axis=0) for x, m in zip(PADDED, MASK, strict=True)], axis=0)
    slip(mu, per_sequence, "every token counts the same; here every sequence does")
    slip(mu, real.var(axis=0), "this is the variance: return (mu, var), in this order")
    same(mu, real.mean(axis=0), "mu")


@masked_statistics.expect
def variances_of_real_tokens():
    """var is the mean squared distance of the real tokens from mu."""
    _, var = parts((yield (PADDED, MASK), {}), "mu", "var")
    real, zeroed = PADDED[MASK], np.where(MASK[..., None], PADDED, 0)
    slip(var, PADDED.var(axis=(0, 1)), "the padding is in it: leave out where mask is False")
    slip(var, zeroed.var(axis=(0, 1)), "zeros count as tokens here: leave the padding out")
    centred = (zeroed - real.mean(axis=0)) ** 2
    says = "zeros minus mu are not zero: apply the mask after you subtract mu"
    slip(var, centred.sum(axis=(0, 1)) / MASK.sum(), says)
    says = "divide by the number of real tokens, not by N * T"
    slip(var, real.var(axis=0) * len(real) / MASK.size, says)
    slip(var, real.var(axis=0, ddof=1), "divide by the number of real tokens, not by one less")
    slip(var, real.std(axis=0), "this is the standard deviation; the variance is its square")
    slip(var, (real**2).mean(axis=0), "subtract mu before you square")
    within = np.mean([x[m].var(axis=0) for x, m in zip(PADDED, MASK, strict=True)], axis=0)
    slip(var, within, "one variance around one mu, not a mean of the sequences' variances")
    same(var, real.var(axis=0), "var")


@masked_statistics.expect
def spoiled_padding():
    """What stands in the padding plays no part, even nan or inf."""
    for filler in (np.nan, np.inf):
        x = np.where(MASK[..., None], PADDED, filler)
        mu, var = parts((yield (x, MASK), {}), "mu", "var")
        for value, what in ((mu, "mu"), (var, "var")):
            lost = np.isnan(array_like(value, what, shape=(4,))).any()
            assert not lost, (
                f"{what} holds nan where the padding is {filler}: 0 * {filler} is nan, so leave "
                "the padding out instead of multiplying it by 0"
            )
        same(mu, PADDED[MASK].mean(axis=0), f"mu (padding {filler})")
        same(var, PADDED[MASK].var(axis=0), f"var (padding {filler})")


@masked_statistics.expect
def any_mask():
    """It works for any mask and any sizes: padding in front, no padding, one sequence, one
    feature."""
    for x, mask in (
        (PADDED[:, ::-1], MASK[:, ::-1]),
        (TOKENS, np.ones((3, 5), dtype=bool)),
        (PADDED[:1, :4, :3], MASK[:1, :4]),
        (PADDED[..., :1], MASK),
    ):
        mu, var = parts((yield (x, mask), {}), "mu", "var")
        what = f"(x of shape {x.shape}, {mask.sum()} real tokens)"
        same(mu, x[mask].mean(axis=0), f"mu {what}")
        same(var, x[mask].var(axis=0), f"var {what}")


@masked_statistics.expect_or_refuse
def whole_values():
    """It works for whole numbers, such as pixels, too: their mean and variance have fractions."""
    x = np.round(5 * PADDED).astype(int)
    mu, var = yield (x, MASK), {}
    same_of_whole(mu, x[MASK].mean(axis=0), "mu")
    same_of_whole(var, x[MASK].var(axis=0), "var")


def _behind_batch_norm(flips):
    """What read_next_flips gets for flips of -1 and 1, (sequences, length + 1), and the answers."""
    length = flips.shape[1] - 1
    x = (flips[:, None, :-1] * np.tril(np.ones((length, length)))).reshape(-1, length)
    return (x - x.mean(axis=0)) / np.sqrt(x.var(axis=0) + 1e-5), (flips[:, 1:].ravel() + 1) / 2


SEQUENCE = np.array([[1, -1, -1, 1, -1, 1, 1, 1, -1]])
# Where two sequences disagree, nothing can be read.
AGREE = np.array([[-1, 1, -1, -1, 1, 1, -1, 1, 1], [1, 1, -1, 1, -1, 1, -1, -1, 1]])
MAJORITIES = np.array([[1, -1, 1, 1, -1], [-1, -1, 1, -1, -1], [1, 1, -1, 1, -1]])


@exercise(
    "Take one sequence, and a column j > t. Rows 0 to j - 1 hold 0 there, the others hold flip j. "
    "What is the mean of the column? Is it positive or negative?",
    "A row that holds 0 has 0 - mean behind batch norm, divided by something positive.",
    "So the sign of x_hat[t, t + 1] is the opposite of the next flip's. Row number r of the batch "
    "is at position t = r % length; the last position has no such column.",
    "With several sequences the mean has the sign of the majority: the same reader is the best.",
)
def read_next_flips(x_hat):
    length = x_hat.shape[1]
    y = np.zeros(len(x_hat), dtype=int)
    for row, values in enumerate(x_hat):
        t = row % length
        if t < length - 1:
            y[row] = values[t + 1] < 0
    return y


@read_next_flips.expect
def zeros_and_ones():
    """Return one answer for each row, 0 or 1."""
    x_hat, _ = _behind_batch_norm(SEQUENCE)
    y = array_like((yield (x_hat,), {}), "the answers", shape=(8,))
    slip(np.abs(y), np.ones(8), "0 for -1 and 1 for 1, as the labels of coin_flips have it")
    assert np.isin(y, (0, 1)).all(), f"answer 0 or 1; {y[~np.isin(y, (0, 1))][0]:.4g} is neither"


@read_next_flips.expect
def one_sequence():
    """With one sequence in the batch, every row but the last knows its next flip for sure."""
    x_hat, right = _behind_batch_norm(SEQUENCE)
    y = np.asarray((yield (x_hat,), {}))[:7]
    slip(y, 1 - right[:7], "the sign: what is 0 before batch norm lies below a positive mean")
    seen = (SEQUENCE[0, 1:7] + 1) / 2  # row 0 cannot read its own flip, whose column is constant
    slip(y[1:], seen, "this is the flip that the row has just seen, not the next one")
    slip(y[1:], 1 - seen, "you read the column of the flip just seen; take the next one")
    same(y, right[:7], "the answers to the first seven rows")


@read_next_flips.expect
def from_its_own_row():
    """A row's answer comes from this row alone: it stays when all other rows hold noise."""
    x_hat, right = _behind_batch_norm(SEQUENCE)
    noise = np.random.default_rng(131).normal(size=(2, 8, 8))
    for t in range(7):
        for other in noise:
            rows = other.copy()
            rows[t] = x_hat[t]
            y = yield (rows,), {}
            assert np.asarray(y)[t] == right[t], (
                f"row {t} alone holds its next flip, {right[t]:.0f}; with noise in the other rows "
                f"you answer {np.asarray(y)[t]:.4g}"
            )


@read_next_flips.expect
def several_sequences():
    """With several sequences, those rows are right whose next flip is that of the majority."""
    for flips in (AGREE, MAJORITIES):
        x_hat, right = _behind_batch_norm(flips)
        y = array_like((yield (x_hat,), {}), "the answers", shape=right.shape)
        length = flips.shape[1] - 1
        majority = np.sign(flips.sum(axis=0))[1:length]
        for row in range(len(x_hat)):
            t = row % length
            if t < length - 1 and flips[row // length, t + 1] == majority[t]:
                assert y[row] == right[row], (
                    f"{len(flips)} sequences: row {row} is at position {t}, and the majority flips "
                    f"{right[row]:.0f} next; you answer {y[row]:.4g}"
                )
