"""Answers to the exercises of the notebook `when_it_fails`."""

import numpy as np
from registry import alternative, equivalent, mutant

from helpers.numpy_nn import functional as F


@alternative("group_norm")
def with_five_axes(x, gamma, beta, num_groups, eps=1e-5):
    n, c, h, w = x.shape
    grouped = x.reshape(n, num_groups, c // num_groups, h, w)
    mu = grouped.mean(axis=(2, 3, 4), keepdims=True)
    var = ((grouped - mu) ** 2).mean(axis=(2, 3, 4), keepdims=True)
    x_hat = ((grouped - mu) * (var + eps) ** -0.5).reshape(n, c, h, w)
    return gamma[:, None, None] * x_hat + beta[:, None, None]


@alternative("group_norm")
def image_by_image(x, gamma, beta, num_groups, eps=1e-5):
    images = []
    for image in x:
        groups = [
            (group - group.mean()) / np.sqrt(group.var() + eps)
            for group in np.split(image, num_groups)
        ]
        images.append(gamma[:, None, None] * np.concatenate(groups) + beta[:, None, None])
    return np.array(images)


@alternative("group_norm")
def with_the_library(x, gamma, beta, num_groups, eps=1e-5):
    return F.group_norm(x.astype(float), gamma, beta, num_groups, eps)[0]


def normalized(x, axes, eps):
    return (x - x.mean(axis=axes, keepdims=True)) / np.sqrt(x.var(axis=axes, keepdims=True) + eps)


def affine(x_hat, gamma, beta):
    return gamma[:, None, None] * x_hat + beta[:, None, None]


def grouped(x, num_groups):
    return x.reshape(len(x), num_groups, -1, *x.shape[2:])


@mutant("group_norm", blamed="same_shape")
def leaves_the_rows(x, gamma, beta, num_groups, eps=1e-5):
    return normalized(x.reshape(len(x) * num_groups, -1), 1, eps)


@mutant("group_norm", blamed="same_shape")
def gamma_along_the_width(x, gamma, beta, num_groups, eps=1e-5):
    return gamma * normalized(grouped(x, num_groups), (2, 3, 4), eps).reshape(x.shape) + beta


@mutant("group_norm", blamed="groups_of_each_image")
def batch_norm(x, gamma, beta, num_groups, eps=1e-5):
    return affine(normalized(x, (0, 2, 3), eps), gamma, beta)


@mutant("group_norm", blamed="groups_of_each_image")
def layer_norm(x, gamma, beta, num_groups, eps=1e-5):
    return affine(normalized(x, (1, 2, 3), eps), gamma, beta)


@mutant("group_norm", blamed="groups_of_each_image")
def instance_norm(x, gamma, beta, num_groups, eps=1e-5):
    return affine(normalized(x, (2, 3), eps), gamma, beta)


@mutant("group_norm", blamed="groups_of_each_image")
def over_the_images_too(x, gamma, beta, num_groups, eps=1e-5):
    x_hat = normalized(grouped(x, num_groups), (0, 2, 3, 4), eps)
    return affine(x_hat.reshape(x.shape), gamma, beta)


@mutant("group_norm", blamed="groups_of_each_image")
def position_by_position(x, gamma, beta, num_groups, eps=1e-5):
    return affine(normalized(grouped(x, num_groups), 2, eps).reshape(x.shape), gamma, beta)


@mutant("group_norm", blamed="groups_of_each_image")
def takes_it_for_the_group_size(x, gamma, beta, num_groups, eps=1e-5):
    x_hat = normalized(grouped(x, x.shape[1] // num_groups), (2, 3, 4), eps)
    return affine(x_hat.reshape(x.shape), gamma, beta)


@mutant("group_norm", blamed="groups_of_each_image")
def every_other_channel(x, gamma, beta, num_groups, eps=1e-5):
    x_hat = normalized(grouped(x, x.shape[1] // num_groups), (1, 3, 4), eps)
    return affine(x_hat.reshape(x.shape), gamma, beta)


@mutant("group_norm", blamed="groups_of_each_image")
def never_centred(x, gamma, beta, num_groups, eps=1e-5):
    var = grouped(x, num_groups).var(axis=(2, 3, 4), keepdims=True)
    return affine((grouped(x, num_groups) / np.sqrt(var + eps)).reshape(x.shape), gamma, beta)


@mutant("group_norm", blamed="groups_of_each_image")
def no_gamma_no_beta(x, gamma, beta, num_groups, eps=1e-5):
    return normalized(grouped(x, num_groups), (2, 3, 4), eps).reshape(x.shape)


@mutant("group_norm", blamed="groups_of_each_image")
def gamma_of_the_group(x, gamma, beta, num_groups, eps=1e-5):
    rows = normalized(x.reshape(len(x), num_groups, -1), 2, eps)
    return (gamma[:num_groups, None] * rows + beta[:num_groups, None]).reshape(x.shape)


@mutant("group_norm", blamed="groups_of_each_image")
def rows_across_images(x, gamma, beta, num_groups, eps=1e-5):
    return affine(normalized(x.reshape(num_groups, -1), 1, eps).reshape(x.shape), gamma, beta)


@mutant("group_norm", blamed="every_entry")
def no_eps(x, gamma, beta, num_groups, eps=1e-5):
    x_hat = normalized(grouped(x, num_groups), (2, 3, 4), 0)
    return affine(x_hat.reshape(x.shape), gamma, beta)


@mutant("group_norm", blamed="every_entry")
def its_own_eps(x, gamma, beta, num_groups, eps=1e-5):
    x_hat = normalized(grouped(x, num_groups), (2, 3, 4), 1e-5)
    return affine(x_hat.reshape(x.shape), gamma, beta)


@mutant("group_norm", blamed="every_entry")
def eps_outside_the_root(x, gamma, beta, num_groups, eps=1e-5):
    rows = x.reshape(len(x) * num_groups, -1)
    mu, std = rows.mean(axis=1, keepdims=True), rows.std(axis=1, keepdims=True)
    return affine(((rows - mu) / (std + eps)).reshape(x.shape), gamma, beta)


@mutant("group_norm", blamed="every_entry")
def unbiased_variance(x, gamma, beta, num_groups, eps=1e-5):
    rows = x.reshape(len(x) * num_groups, -1)
    mu, var = rows.mean(axis=1, keepdims=True), rows.var(axis=1, ddof=1, keepdims=True)
    return affine(((rows - mu) / np.sqrt(var + eps)).reshape(x.shape), gamma, beta)


@mutant("group_norm", blamed="default_eps")
def another_default(x, gamma, beta, num_groups, eps=1e-3):
    return with_five_axes(x, gamma, beta, num_groups, eps)


@mutant("group_norm", blamed="from_layer_to_instance_norm")
def always_two_groups(x, gamma, beta, num_groups, eps=1e-5):
    return with_five_axes(x, gamma, beta, 2, eps)


@mutant("group_norm", blamed="from_layer_to_instance_norm")
def always_three_images(x, gamma, beta, num_groups, eps=1e-5):
    x_hat = normalized(x.reshape(3 * num_groups, -1), 1, eps)
    return affine(x_hat.reshape(x.shape), gamma, beta)


@alternative("group_norm")
def channels_last(x, gamma, beta, num_groups, eps=1e-5):
    n, c, h, w = x.shape
    last = np.moveaxis(x, 1, -1).reshape(n, h * w, num_groups, -1)
    return np.moveaxis(normalized(last, (1, 3), eps).reshape(n, h, w, c) * gamma + beta, -1, 1)


@alternative("rms_norm")
def through_the_length(x, gamma, eps=1e-5):
    length = np.linalg.norm(x, axis=-1, keepdims=True)
    return x * gamma * (length**2 / x.shape[-1] + eps) ** -0.5


@alternative("rms_norm")
def token_by_token(x, gamma, eps=1e-5):
    if x.ndim == 1:
        return gamma * x / np.sqrt(np.mean(x * x) + eps)
    return np.array([token_by_token(part, gamma, eps) for part in x])


@mutant("rms_norm", blamed="shape_of_x")
def forgets_keepdims(x, gamma, eps=1e-5):
    return gamma * x.reshape(-1, x.shape[-1]) / np.sqrt((x**2).mean() + eps)


@mutant("rms_norm", blamed="nothing_subtracted")
def layer_norm_without_beta(x, gamma, eps=1e-5):
    return gamma * normalized(x, -1, eps)


@mutant("rms_norm", blamed="nothing_subtracted")
def subtracts_the_mean(x, gamma, eps=1e-5):
    mu = x.mean(axis=-1, keepdims=True)
    return gamma * (x - mu) / np.sqrt((x**2).mean(axis=-1, keepdims=True) + eps)


@mutant("rms_norm", blamed="nothing_subtracted")
def divides_by_the_deviation(x, gamma, eps=1e-5):
    return gamma * x / np.sqrt(x.var(axis=-1, keepdims=True) + eps)


@mutant("rms_norm", blamed="nothing_subtracted")
def over_the_tokens(x, gamma, eps=1e-5):
    return gamma * x / np.sqrt((x**2).mean(axis=-2, keepdims=True) + eps)


@mutant("rms_norm", blamed="nothing_subtracted")
def over_the_batch(x, gamma, eps=1e-5):
    return gamma * x / np.sqrt((x**2).mean(axis=0, keepdims=True) + eps)


@mutant("rms_norm", blamed="nothing_subtracted")
def over_the_sequence(x, gamma, eps=1e-5):
    axes = tuple(range(1, x.ndim))
    return gamma * x / np.sqrt((x**2).mean(axis=axes, keepdims=True) + eps)


@mutant("rms_norm", blamed="nothing_subtracted")
def entry_by_entry(x, gamma, eps=1e-5):
    return gamma * x / np.sqrt(x**2 + eps)


def mean_square(x):
    return (x**2).mean(axis=-1, keepdims=True)


@mutant("rms_norm", blamed="nothing_subtracted")
def no_gamma(x, gamma, eps=1e-5):
    return x / np.sqrt(mean_square(x) + eps)


@mutant("rms_norm", blamed="size_of_a_token")
def rms_without_eps(x, gamma, eps=1e-5):
    return gamma * x / np.sqrt(mean_square(x))


@mutant("rms_norm", blamed="size_of_a_token")
def rms_eps_outside(x, gamma, eps=1e-5):
    return gamma * x / (np.sqrt(mean_square(x)) + eps)


@mutant("rms_norm", blamed="size_of_a_token")
def divides_by_the_length(x, gamma, eps=1e-5):
    return gamma * x / np.sqrt((x**2).sum(axis=-1, keepdims=True) + eps)


@mutant("rms_norm", blamed="size_of_a_token")
def no_root(x, gamma, eps=1e-5):
    return gamma * x / (mean_square(x) + eps)


@mutant("rms_norm", blamed="small_tokens")
def another_rms_default(x, gamma, eps=1e-6):
    return gamma * x / np.sqrt(mean_square(x) + eps)


@mutant("rms_norm", blamed="nothing_subtracted")
def over_everything(x, gamma, eps=1e-5):
    return gamma * x / np.sqrt((x**2).mean() + eps)


@mutant("rms_norm", blamed="size_of_a_token")
def gamma_first(x, gamma, eps=1e-5):
    return gamma * x / np.sqrt(mean_square(gamma * x) + eps)


@mutant("rms_norm", blamed="any_axes")
def always_four_features(x, gamma, eps=1e-5):
    return gamma * x / np.sqrt((x**2).sum(axis=-1, keepdims=True) / 4 + eps)


@mutant("rms_norm", blamed="any_axes")
def axis_two(x, gamma, eps=1e-5):
    return gamma * x / np.sqrt((x**2).mean(axis=2, keepdims=True) + eps)


@mutant("masked_statistics", blamed="spoiled_padding")
def with_weights(x, mask):
    weights = np.broadcast_to(mask[..., None], x.shape)
    mu = np.average(x, axis=(0, 1), weights=weights)
    return mu, np.average((x - mu) ** 2, axis=(0, 1), weights=weights)


@alternative("masked_statistics")
def one_token_after_another(x, mask):
    real = [token for row, keep in zip(x, mask, strict=True) for token in row[keep]]
    mu = sum(real) / len(real)
    return mu, sum((token - mu) ** 2 for token in real) / len(real)


@alternative("masked_statistics")
def with_nan(x, mask):
    x = np.where(mask[..., None], x, np.nan)
    return [np.nanmean(x, axis=(0, 1)), np.nanvar(x, axis=(0, 1))]


def zeroed(x, mask):
    return np.where(mask[..., None], x, 0)


@mutant("masked_statistics", blamed="one_per_feature")
def per_sequence(x, mask):
    x = np.where(mask[..., None], x, np.nan)
    return np.nanmean(x, axis=1), np.nanvar(x, axis=1)


@mutant("masked_statistics", blamed="one_per_feature")
def only_the_mean(x, mask):
    return x[mask].mean(axis=0)


@mutant("masked_statistics", blamed="means_of_real_tokens")
def padding_included(x, mask):
    return x.mean(axis=(0, 1)), x.var(axis=(0, 1))


@mutant("masked_statistics", blamed="means_of_real_tokens")
def of_the_padding(x, mask):
    return x[~mask].mean(axis=0), x[~mask].var(axis=0)


@mutant("masked_statistics", blamed="means_of_real_tokens")
def padding_as_zeros(x, mask):
    return zeroed(x, mask).mean(axis=(0, 1)), zeroed(x, mask).var(axis=(0, 1))


@mutant("masked_statistics", blamed="means_of_real_tokens")
def every_sequence_counts_the_same(x, mask):
    means = [row[keep].mean(axis=0) for row, keep in zip(x, mask, strict=True)]
    variances = [row[keep].var(axis=0) for row, keep in zip(x, mask, strict=True)]
    return np.mean(means, axis=0), np.mean(variances, axis=0)


@mutant("masked_statistics", blamed="variances_of_real_tokens")
def zeros_in_the_variance(x, mask):
    mu = x[mask].mean(axis=0)
    return mu, ((zeroed(x, mask) - mu) ** 2).sum(axis=(0, 1)) / mask.sum()


@mutant("masked_statistics", blamed="variances_of_real_tokens")
def divides_by_all_tokens(x, mask):
    mu = x[mask].mean(axis=0)
    return mu, ((x[mask] - mu) ** 2).sum(axis=0) / mask.size


@mutant("masked_statistics", blamed="variances_of_real_tokens")
def variance_with_padding(x, mask):
    return x[mask].mean(axis=0), x.var(axis=(0, 1))


@mutant("masked_statistics", blamed="variances_of_real_tokens")
def one_less(x, mask):
    return x[mask].mean(axis=0), x[mask].var(axis=0, ddof=1)


@mutant("masked_statistics", blamed="variances_of_real_tokens")
def deviation_for_variance(x, mask):
    return x[mask].mean(axis=0), x[mask].std(axis=0)


@mutant("masked_statistics", blamed="variances_of_real_tokens")
def within_sequences(x, mask):
    variances = [row[keep].var(axis=0) for row, keep in zip(x, mask, strict=True)]
    return x[mask].mean(axis=0), np.mean(variances, axis=0)


@mutant("masked_statistics", blamed="any_mask")
def takes_the_first_tokens(x, mask):
    real = np.concatenate([row[:count] for row, count in zip(x, mask.sum(axis=1), strict=True)])
    return real.mean(axis=0), real.var(axis=0)


@mutant("masked_statistics", blamed="any_mask")
def always_three_sequences(x, mask):
    total = sum(x[n][mask[n]].sum(axis=0) for n in range(3))
    mu = total / mask.sum()
    return mu, sum(((x[n][mask[n]] - mu) ** 2).sum(axis=0) for n in range(3)) / mask.sum()


@mutant("group_norm", blamed="whole_numbers")
def in_an_array_like_x(x, gamma, beta, num_groups, eps=1e-5):
    y = np.zeros_like(x)
    y[...] = affine(
        normalized(grouped(x, num_groups), (2, 3, 4), eps).reshape(x.shape), gamma, beta
    )
    return y


@mutant("rms_norm", blamed="whole_tokens")
def tokens_in_an_array_like_x(x, gamma, eps=1e-5):
    y = np.empty_like(x)
    for index in np.ndindex(x.shape[:-1]):
        y[index] = gamma * x[index] / np.sqrt(np.mean(x[index] ** 2) + eps)
    return y


def weighted(x, mask):
    """Statistics with weights of 0 for the padding: right as long as the padding is finite."""
    weight = mask[..., None] / mask.sum()
    mu = (weight * x).sum(axis=(0, 1))
    return mu, (weight * (x - mu) ** 2).sum(axis=(0, 1))


@mutant("masked_statistics", blamed="spoiled_padding")
def padding_times_zero(x, mask):
    return weighted(x, mask)


@mutant("masked_statistics", blamed="spoiled_padding")
def nan_becomes_a_token_of_zeros(x, mask):
    return weighted(np.where(np.isnan(x), 0, x), mask)


@alternative("masked_statistics")
def padding_replaced_first(x, mask):
    return weighted(np.where(mask[..., None], x, 0), mask)


for change in (
    "rows = x.reshape(len(x) * num_groups, -1) -> … -2)",
    "return gamma.reshape(-1, 1, 1) * x_hat + beta.reshape(-1, 1, 1) -> "
    "… gamma.reshape(-2, 1, 1) * x_hat + beta.reshape(-1, 1, 1)",
    "return gamma.reshape(-1, 1, 1) * x_hat + beta.reshape(-1, 1, 1) -> … beta.reshape(-2, 1, 1)",
):
    equivalent("group_norm", change, "reshape takes any negative size for the one it works out")


@alternative("group_norm")
def on_a_copy_of_each_image(x, gamma, beta, num_groups, eps=1e-5):
    images = []
    for image in x:
        rows = image.reshape(num_groups, -1).astype(float)
        rows -= rows.mean(axis=1)[:, None]
        rows /= np.sqrt((rows**2).mean(axis=1)[:, None] + eps)
        images.append(rows.reshape(image.shape) * gamma[:, None, None] + beta[:, None, None])
    return tuple(images)


@mutant("group_norm", blamed="whole_numbers", says="overflow")
def squares_of_pixels(x, gamma, beta, num_groups, eps=1e-5):
    rows = x.reshape(len(x) * num_groups, -1)
    mu = rows.mean(axis=1, keepdims=True)
    var = (rows**2).mean(axis=1, keepdims=True) - mu**2
    x_hat = ((rows - mu) / np.sqrt(var + eps)).reshape(x.shape)
    return gamma[:, None, None] * x_hat + beta[:, None, None]


@mutant("rms_norm", blamed="nothing_subtracted", says="not 1 + gamma")
def one_plus_gamma(x, gamma, eps=1e-5):
    return (1 + gamma) * x / np.sqrt(mean_square(x) + eps)


@mutant("rms_norm", blamed="nothing_subtracted", says="y / (gamma * x)")
def one_gamma_for_all(x, gamma, eps=1e-5):
    return gamma.mean() * x / np.sqrt(mean_square(x) + eps)


@mutant("rms_norm", blamed="size_of_a_token", says="one less")
def one_value_less(x, gamma, eps=1e-5):
    count = x.shape[-1]
    return gamma * x / np.sqrt(mean_square(x) * count / (count - 1) + eps)


@mutant("rms_norm", blamed="size_of_a_token", says="added to every mean square")
def eps_as_a_floor(x, gamma, eps=1e-5):
    return gamma * x / np.sqrt(np.maximum(mean_square(x), eps))


@alternative("masked_statistics")
def means_over_where(x, mask):
    real = np.broadcast_to(mask[..., None], x.shape)
    return [np.mean(x, axis=(0, 1), where=real), np.var(x, axis=(0, 1), where=real)]


@mutant("masked_statistics", blamed="whole_values", says="hold fractions")
def statistics_of_the_type_of_x(x, mask):
    mu, var = np.zeros_like(x[0, 0]), np.zeros_like(x[0, 0])
    mu[:], var[:] = x[mask].mean(axis=0), x[mask].var(axis=0)
    return mu, var


def refuses_whole_numbers(*arrays):
    """PyTorch does so: its norms take no tensors of integers."""
    if any(a.dtype.kind != "f" for a in arrays):
        raise RuntimeError("expected scalar type Double but found Byte")


@alternative("group_norm")
def of_floats_alone(x, gamma, beta, num_groups, eps=1e-5):
    refuses_whole_numbers(x)
    return image_by_image(x, gamma, beta, num_groups, eps)


@alternative("rms_norm")
def of_float_tokens_alone(x, gamma, eps=1e-5):
    refuses_whole_numbers(x)
    return gamma * x / np.sqrt(mean_square(x) + eps)


@mutant("group_norm", blamed="from_layer_to_instance_norm")
def one_channel_loses_its_axis(x, gamma, beta, num_groups, eps=1e-5):
    y = image_by_image(x, gamma, beta, num_groups, eps)
    return y[:, 0] if x.shape[1] == 1 else y


@mutant("masked_statistics", blamed="any_mask")
def one_feature_becomes_a_number(x, mask):
    return np.squeeze(x[mask].mean(axis=0)), np.squeeze(x[mask].var(axis=0))


def the_next_column(x_hat):
    """The entry of every row in the column of its next flip: (sequences, length - 1)."""
    blocks = x_hat.reshape(-1, x_hat.shape[1], x_hat.shape[1])
    return np.diagonal(blocks, offset=1, axis1=1, axis2=2)


def with_a_last(answers, last=0):
    """The answers of all rows: those given, and one for the last position of every sequence."""
    return np.pad(answers, ((0, 0), (0, 1)), constant_values=last).ravel()


@alternative("read_next_flips")
def along_the_diagonals(x_hat):
    return with_a_last((the_next_column(x_hat) < 0).astype(int), last=1)


@alternative("read_next_flips")
def the_sign_turned_round(x_hat):
    length = x_hat.shape[1]
    later = np.hstack([x_hat[:, 1:], np.zeros((len(x_hat), 1))])
    return [float((1 - np.sign(row[i % length])) // 2) for i, row in enumerate(later)]


@mutant("read_next_flips", blamed="zeros_and_ones", says="0 for -1")
def answers_with_flips(x_hat):
    return 2 * along_the_diagonals(x_hat) - 1


@mutant("read_next_flips", blamed="zeros_and_ones", says="neither")
def hands_on_the_numbers(x_hat):
    return with_a_last(-the_next_column(x_hat))


@mutant("read_next_flips", blamed="zeros_and_ones")
def no_answer_at_the_end(x_hat):
    return (the_next_column(x_hat) < 0).astype(int).ravel()


@mutant("read_next_flips", blamed="one_sequence", says="the sign")
def takes_the_sign_as_it_is(x_hat):
    return with_a_last((the_next_column(x_hat) > 0).astype(int))


@mutant("read_next_flips", blamed="one_sequence", says="just seen")
def repeats_what_it_has_seen(x_hat):
    blocks = x_hat.reshape(-1, x_hat.shape[1], x_hat.shape[1])
    return (np.diagonal(blocks, axis1=1, axis2=2) > 0).astype(int).ravel()


@mutant("read_next_flips", blamed="one_sequence")
def only_what_is_large(x_hat):
    return with_a_last((the_next_column(x_hat) < -1).astype(int))


@mutant("read_next_flips", blamed="one_sequence")
def guesses(x_hat):
    return np.random.default_rng(0).integers(2, size=len(x_hat))


@mutant("read_next_flips", blamed="from_its_own_row")
def looks_at_the_row_below(x_hat):
    blocks = x_hat.reshape(-1, x_hat.shape[1], x_hat.shape[1])
    return with_a_last((np.diagonal(blocks, axis1=1, axis2=2)[:, 1:] > 0).astype(int))


@mutant("read_next_flips", blamed="from_its_own_row")
def looks_at_the_first_row(x_hat):
    blocks = x_hat.reshape(-1, x_hat.shape[1], x_hat.shape[1])
    return with_a_last((blocks[:, 0, 1:] < 0).astype(int))


@mutant("read_next_flips", blamed="several_sequences")
def only_the_first_sequence(x_hat):
    length = x_hat.shape[1]
    y = np.zeros(len(x_hat), dtype=int)
    for t in range(length - 1):
        y[t] = x_hat[t, t + 1] < 0
    return y


@mutant("read_next_flips", blamed="several_sequences")
def always_eight_flips(x_hat):
    return [int(t % 8 < x_hat.shape[1] - 1 and row[t % 8 + 1] < 0) for t, row in enumerate(x_hat)]


@mutant("read_next_flips", blamed="several_sequences")
def only_when_all_agree(x_hat):
    length = x_hat.shape[1]
    left = np.arange(length - 1, 0, -1) / length  # the share of rows that hold the flip
    unanimous = np.sqrt(left / (1 - left))
    return with_a_last((the_next_column(x_hat) < -0.9 * unanimous).astype(int))


@mutant("read_next_flips", blamed="one_sequence", says="the column of the flip just seen")
def one_column_too_early(x_hat):
    blocks = x_hat.reshape(-1, x_hat.shape[1], x_hat.shape[1])
    return (np.diagonal(blocks, axis1=1, axis2=2) < 0).astype(int).ravel()


for change, because in (
    ("… np.ones(len(x_hat), dtype=int)", "at the last position any answer will do"),
    ("… np.zeros(len(x_hat))", "0.0 is as good as 0"),
):
    equivalent(
        "read_next_flips", f"y = np.zeros(len(x_hat), dtype=int) -> {change}", because=because
    )
equivalent(
    "read_next_flips",
    "y[row] = values[t + 1] < 0 -> … <= 0",
    because="0 says that the flips are tied: then any answer will do",
)
