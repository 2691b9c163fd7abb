"""Answers to the exercises of the notebook `convolution`."""

import answers_batch_norm_2d  # noqa: F401
import numpy as np
import torch
from registry import alternative, equivalent, mutant


@alternative("im2row")
def with_a_sliding_view(x, kernel_size):
    windows = np.lib.stride_tricks.sliding_window_view(x, (kernel_size, kernel_size), axis=(2, 3))
    return windows.transpose(0, 2, 3, 1, 4, 5).reshape(-1, x.shape[1] * kernel_size**2)


@alternative("im2row")
def row_by_row(x, kernel_size):
    k = range(kernel_size)
    return [
        [image[c][i + a][j + b] for c in range(len(image)) for a in k for b in k]
        for image in x
        for i in range(x.shape[2] - kernel_size + 1)
        for j in range(x.shape[3] - kernel_size + 1)
    ]


def windows(x, k):
    view = np.lib.stride_tricks.sliding_window_view(x, (k, k), axis=(2, 3))
    return view.transpose(0, 2, 3, 1, 4, 5)  # (N, OH, OW, C, k, k)


@mutant("im2row", blamed="one_row_per_window")
def windows_as_columns(x, kernel_size):
    return windows(x, kernel_size).reshape(-1, x.shape[1] * kernel_size**2).T


@mutant("im2row", blamed="one_row_per_window")
def keeps_the_images_apart(x, kernel_size):
    return windows(x, kernel_size).reshape(len(x), -1, x.shape[1] * kernel_size**2)


@mutant("im2row", blamed="one_row_per_window")
def windows_side_by_side(x, kernel_size):
    k = kernel_size
    return windows(x, k)[:, ::k, ::k].reshape(-1, x.shape[1] * k**2)


@mutant("im2row", blamed="one_row_per_window")
def pads_with_zeros(x, kernel_size):
    x = np.pad(x, ((0, 0), (0, 0), (1, 1), (1, 1)))
    return windows(x, kernel_size).reshape(-1, x.shape[1] * kernel_size**2)


@mutant("im2row", blamed="one_row_per_window")
def misses_the_last_position(x, kernel_size):
    return windows(x, kernel_size)[:, :-1, :-1].reshape(-1, x.shape[1] * kernel_size**2)


@mutant("im2row", blamed="one_row_per_window")
def one_row_per_channel(x, kernel_size):
    return windows(x, kernel_size).reshape(-1, kernel_size**2)


@mutant("im2row", blamed="one_window")
def channels_vary_fastest(x, kernel_size):
    rows = windows(x, kernel_size).transpose(0, 1, 2, 4, 5, 3)
    return rows.reshape(-1, x.shape[1] * kernel_size**2)


@mutant("im2row", blamed="one_window")
def column_by_column(x, kernel_size):
    return windows(x, kernel_size).swapaxes(4, 5).reshape(-1, x.shape[1] * kernel_size**2)


@mutant("im2row", blamed="one_window")
def flips_the_window(x, kernel_size):
    rows = windows(x, kernel_size)[..., ::-1, ::-1]
    return rows.reshape(-1, x.shape[1] * kernel_size**2)


@mutant("im2row", blamed="order_of_windows")
def positions_before_images(x, kernel_size):
    rows = windows(x, kernel_size).transpose(1, 2, 0, 3, 4, 5)
    return rows.reshape(-1, x.shape[1] * kernel_size**2)


@mutant("im2row", blamed="order_of_windows")
def down_before_right(x, kernel_size):
    return windows(x, kernel_size).swapaxes(1, 2).reshape(-1, x.shape[1] * kernel_size**2)


@mutant("im2row", blamed="other_sizes")
def always_three_by_three(x, kernel_size):
    return windows(x, 3).reshape(-1, x.shape[1] * 9)


@mutant("im2row", blamed="other_sizes")
def always_these_images(x, kernel_size):
    return windows(x, kernel_size).reshape(36, -1)


@alternative("im2row")
def a_list_of_windows(x, kernel_size):
    k = kernel_size
    height, width = x.shape[2] - k + 1, x.shape[3] - k + 1
    corners = [(i, j) for i in range(height) for j in range(width)]
    return [image[:, i : i + k, j : j + k].ravel() for image in x for i, j in corners]


@mutant("im2row", blamed="one_window")
def never_brings_the_channels_together(x, kernel_size):
    k = (kernel_size, kernel_size)
    view = np.lib.stride_tricks.sliding_window_view(x, k, axis=(2, 3))
    return view.reshape(-1, x.shape[1] * kernel_size**2)


@mutant("im2row", blamed="one_window")
def fills_a_matrix_of_integers(x, kernel_size):
    return windows(x, kernel_size).reshape(-1, x.shape[1] * kernel_size**2).astype(int)


@mutant("im2row", blamed="one_window")
def every_image_overwrites_the_last(x, kernel_size):
    rows = windows(x, kernel_size).reshape(len(x), -1, x.shape[1] * kernel_size**2)
    filled = np.zeros_like(rows)
    filled[0] = rows[-1]
    return filled.reshape(-1, rows.shape[-1])


@mutant("im2row", blamed="order_of_windows")
def stacks_along_the_wrong_axis(x, kernel_size):
    k = kernel_size
    height, width = x.shape[2] - k + 1, x.shape[3] - k + 1
    corners = [(i, j) for i in range(height) for j in range(width)]
    return np.concatenate([x[:, :, i : i + k, j : j + k].reshape(len(x), -1) for i, j in corners])


@mutant("im2row", blamed="other_sizes")
def only_three_images(x, kernel_size):
    return windows(x[:3], kernel_size).reshape(-1, x.shape[1] * kernel_size**2)


@mutant("im2row", blamed="other_sizes")
def squeezes_a_single_column(x, kernel_size):
    return windows(x, kernel_size).reshape(-1, x.shape[1] * kernel_size**2).squeeze()


@mutant("im2row", blamed="other_sizes")
def assumes_the_order_in_memory(x, kernel_size):
    n, c, h, w = x.shape
    k, s = kernel_size, x.itemsize
    view = np.lib.stride_tricks.as_strided(
        x,
        (n, h - k + 1, w - k + 1, c, k, k),
        (c * h * w * s, w * s, s, h * w * s, w * s, s),
    )
    return view.reshape(-1, c * k * k)


@alternative("remove_bias")
def entry_by_entry(bias, gamma, beta, running_mean, running_var, eps=1e-5):
    return list(beta), [m - b for m, b in zip(running_mean, bias, strict=True)]


@alternative("remove_bias")
def where_the_output_is_beta(bias, gamma, beta, running_mean, running_var, eps=1e-5):
    # The x that becomes beta in eval mode: the one with x + bias == running_mean.
    return beta + 0, np.negative(bias) + running_mean


@mutant("remove_bias", blamed="beta_and_mean")
def only_the_mean(bias, gamma, beta, running_mean, running_var, eps=1e-5):
    return running_mean - bias


@mutant("remove_bias", blamed="same_in_eval_mode")
def adds_the_bias(bias, gamma, beta, running_mean, running_var, eps=1e-5):
    return beta, running_mean + bias


@mutant("remove_bias", blamed="same_in_eval_mode")
def just_drops_it(bias, gamma, beta, running_mean, running_var, eps=1e-5):
    return beta, running_mean


@mutant("remove_bias", blamed="same_in_eval_mode")
def adds_the_bias_to_beta(bias, gamma, beta, running_mean, running_var, eps=1e-5):
    return beta + bias, running_mean


@mutant("remove_bias", blamed="same_in_eval_mode")
def does_both(bias, gamma, beta, running_mean, running_var, eps=1e-5):
    return beta + gamma * bias / np.sqrt(running_var + eps), running_mean - bias


@mutant("remove_bias", blamed="same_in_eval_mode")
def swaps_the_two(bias, gamma, beta, running_mean, running_var, eps=1e-5):
    return running_mean - bias, beta


@mutant("remove_bias", blamed="same_in_training_mode")
def moves_it_into_beta(bias, gamma, beta, running_mean, running_var, eps=1e-5):
    return beta + gamma * bias / np.sqrt(running_var + eps), running_mean


@mutant("remove_bias", blamed="same_in_training_mode")
def moves_the_mean_into_beta(bias, gamma, beta, running_mean, running_var, eps=1e-5):
    shift = gamma * (bias - running_mean) / np.sqrt(running_var + eps)
    return beta + shift, np.zeros_like(running_mean)


@mutant("remove_bias", blamed="same_in_eval_mode")
def takes_the_mean_out_of_the_bias(bias, gamma, beta, running_mean, running_var, eps=1e-5):
    return beta, bias - running_mean


@mutant("remove_bias", blamed="same_in_eval_mode")
def divides_the_bias_too(bias, gamma, beta, running_mean, running_var, eps=1e-5):
    return beta, running_mean - bias / np.sqrt(running_var + eps)


@mutant("remove_bias", blamed="same_in_training_mode")
def half_and_half(bias, gamma, beta, running_mean, running_var, eps=1e-5):
    return beta + gamma * bias / 2 / np.sqrt(running_var + eps), running_mean - bias / 2


@mutant("remove_bias", blamed="any_number_of_channels")
def always_four_channels_of_mean(bias, gamma, beta, running_mean, running_var, eps=1e-5):
    return beta, np.array([running_mean[c] - bias[c] for c in range(4)])


@mutant("remove_bias", blamed="any_number_of_channels")
def squeezes_a_single_mean(bias, gamma, beta, running_mean, running_var, eps=1e-5):
    return beta, np.squeeze(running_mean - bias)


@alternative("im2row")
def with_unfold(x, kernel_size):
    windows = torch.nn.functional.unfold(torch.tensor(x), kernel_size)
    return windows.transpose(1, 2).reshape(-1, windows.shape[1])


@alternative("im2row")
def value_by_value_in_lists(x, kernel_size):
    n, c, height, width = x.shape
    return [
        [
            float(x[image, channel, i + di, j + dj])
            for channel in range(c)
            for di in range(kernel_size)
            for dj in range(kernel_size)
        ]
        for image in range(n)
        for i in range(height - kernel_size + 1)
        for j in range(width - kernel_size + 1)
    ]


@alternative("im2row")
def gathers_by_index(x, kernel_size):
    i = np.arange(x.shape[2] - kernel_size + 1)[:, None, None, None]
    j = np.arange(x.shape[3] - kernel_size + 1)[:, None, None]
    k = np.arange(kernel_size)
    taken = x[:, :, i + k[:, None], j + k]
    return np.moveaxis(taken, 1, 3).reshape(-1, x.shape[1] * kernel_size**2)


@mutant("im2row", blamed="one_row_per_window")
def steps_of_a_whole_window(x, kernel_size):
    every = windows(x, kernel_size)[:, ::kernel_size, ::kernel_size]
    return every.reshape(-1, x.shape[1] * kernel_size**2)


@mutant("im2row", blamed="one_row_per_window")
def first_channel_only(x, kernel_size):
    return im2row_of(x[:, :1], kernel_size)


@mutant("im2row", blamed="one_row_per_window")
def first_image_only(x, kernel_size):
    return im2row_of(x[:1], kernel_size)


@mutant("im2row", blamed="order_of_windows")
def same_image_everywhere(x, kernel_size):
    return im2row_of(np.broadcast_to(x[:1], x.shape), kernel_size)


@mutant("im2row", blamed="one_row_per_window")
def height_for_width(x, kernel_size):
    rows = []
    n, c, height, _ = x.shape
    for i in range(height - kernel_size + 1):
        for j in range(height - kernel_size + 1):
            rows.append(x[:, :, i : i + kernel_size, j : j + kernel_size].reshape(n, -1))
    return np.stack(rows, axis=1).reshape(-1, c * kernel_size**2)


@mutant("im2row", blamed="one_window")
def channels_from_last_to_first(x, kernel_size):
    return im2row_of(x[:, ::-1], kernel_size)


@mutant("im2row", blamed="one_window")
def flips_each_image(x, kernel_size):
    return im2row_of(x[:, :, ::-1], kernel_size)


@mutant("im2row", blamed="one_window")
def centres_each_window(x, kernel_size):
    rows = im2row_of(x, kernel_size)
    return rows - rows.mean(axis=1, keepdims=True)


@mutant("im2row", blamed="one_window")
def in_half_precision(x, kernel_size):
    return im2row_of(x, kernel_size).astype(np.float16)


@mutant("im2row", blamed="one_window", says="first window of the first image")
def images_from_last_to_first(x, kernel_size):
    return im2row_of(x[::-1], kernel_size)


def im2row_of(x, k):
    """Right rows, for mutants that go wrong before or after."""
    return windows(x, k).reshape(-1, x.shape[1] * k * k)


@alternative("remove_bias")
def in_place_on_a_copy_of_the_mean(bias, gamma, beta, running_mean, running_var, eps=1e-5):
    mean = running_mean.copy()
    mean -= bias
    return [beta.tolist(), mean]


@alternative("remove_bias")
def as_rows_of_one_array(bias, gamma, beta, running_mean, running_var, eps=1e-5):
    return np.array([beta, np.subtract(running_mean, bias)])


@mutant("remove_bias", blamed="same_in_eval_mode")
def zero_bias_zero_mean(bias, gamma, beta, running_mean, running_var, eps=1e-5):
    return beta, np.zeros_like(running_mean)


@mutant("remove_bias", blamed="same_in_eval_mode")
def only_the_bias_is_left(bias, gamma, beta, running_mean, running_var, eps=1e-5):
    return beta, -bias


@mutant("remove_bias", blamed="same_in_eval_mode")
def bias_in_the_variance(bias, gamma, beta, running_mean, running_var, eps=1e-5):
    return beta, running_mean - bias / running_var


@mutant("remove_bias", blamed="same_in_eval_mode")
def subtracts_the_bias_from_beta(bias, gamma, beta, running_mean, running_var, eps=1e-5):
    return beta - bias, running_mean


@mutant("remove_bias", blamed="same_in_eval_mode")
def absolute_bias(bias, gamma, beta, running_mean, running_var, eps=1e-5):
    return beta, running_mean - np.abs(bias)


@mutant("remove_bias", blamed="same_in_eval_mode")
def mean_of_the_biases(bias, gamma, beta, running_mean, running_var, eps=1e-5):
    return beta, running_mean - bias.mean()


@mutant("remove_bias", blamed="beta_and_mean")
def changes_the_mean_it_got(bias, gamma, beta, running_mean, running_var, eps=1e-5):
    running_mean -= bias
    return beta, running_mean


@mutant("remove_bias", blamed="beta_and_mean")
def returns_three_values(bias, gamma, beta, running_mean, running_var, eps=1e-5):
    return np.zeros_like(bias), beta, running_mean - bias


UNUSED = "def remove_bias(bias, gamma, beta, running_mean, running_var, eps=1e-05):"
for other in ("2e-05", "1.00001", "0.001"):
    equivalent("remove_bias", f"{UNUSED} -> … eps={other}):", because="eps plays no part")
ANY_NEGATIVE = "reshape takes every negative number for 'what is left'"
equivalent(
    "im2row",
    "windows.append(window.reshape(n, -1)) -> windows.append(window)",
    because="the last reshape flattens windows as well",
)
equivalent(
    "im2row",
    "windows.append(window.reshape(n, -1)) -> … -2))",
    because=ANY_NEGATIVE,
)
equivalent(
    "im2row",
    "return np.stack(windows, axis=1).reshape(-1, c * kernel_size ** 2) -> "
    "… axis=1).reshape(-2, c * kernel_size ** 2)",
    because=ANY_NEGATIVE,
)
SCALED = "return gamma.reshape(-1, 1, 1) * x_hat + beta.reshape(-1, 1, 1)"
equivalent(
    "batch_norm_2d",
    f"{SCALED} -> … gamma.reshape(-2, 1, 1) * x_hat + beta.reshape(-1, 1, 1)",
    because=ANY_NEGATIVE,
)
equivalent("batch_norm_2d", f"{SCALED} -> … beta.reshape(-2, 1, 1)", because=ANY_NEGATIVE)


AXES = (0, 2, 3)


def image_gradients(dy, x, gamma, eps, *, statistics=AXES, means=AXES, mean=1.0, last=1.0):
    """All three gradients, with statistics and means over some axes, and two terms weighed."""
    r = 1 / np.sqrt(x.var(axis=statistics, keepdims=True) + eps)
    x_hat = (x - x.mean(axis=statistics, keepdims=True)) * r
    along_one = dy.mean(axis=means, keepdims=True)
    along_x_hat = x_hat * (dy * x_hat).mean(axis=means, keepdims=True)
    dx = gamma[:, None, None] * r * (dy - mean * along_one - last * along_x_hat)
    return dx, (dy * x_hat).sum(axis=AXES), dy.sum(axis=AXES)


@alternative("batch_norm_2d_backward")
def by_rows(dy, x, gamma, eps=1e-5):
    n, c, height, width = x.shape
    rows, slopes = (a.transpose(0, 2, 3, 1).reshape(-1, c) for a in (x, dy))
    r = 1 / np.sqrt(rows.var(axis=0) + eps)
    x_hat = (rows - rows.mean(axis=0)) * r
    dgamma, dbeta = (slopes * x_hat).sum(axis=0), slopes.sum(axis=0)
    dx = gamma * r * (slopes - (dbeta + x_hat * dgamma) / len(rows))
    return dx.reshape(n, height, width, c).transpose(0, 3, 1, 2), dgamma, dbeta


@alternative("batch_norm_2d_backward")
def in_stages_of_images(dy, x, gamma, eps=1e-5):
    count = x.size / x.shape[1]
    g = gamma.reshape(1, -1, 1, 1)
    c = x - x.mean(axis=AXES, keepdims=True)
    r = ((c**2).mean(axis=AXES, keepdims=True) + eps) ** -0.5
    dvar = (dy * g * c).sum(axis=AXES, keepdims=True) * -0.5 * r**3
    dc = dy * g * r + dvar * 2 * c / count
    dx = dc - dc.sum(axis=AXES, keepdims=True) / count
    return dx, np.einsum("nchw,nchw->c", dy, c * r), np.einsum("nchw->c", dy)


@alternative("batch_norm_2d_backward")
def by_autograd(dy, x, gamma, eps=1e-5):
    x = torch.tensor(x, requires_grad=True)
    gamma = torch.tensor(gamma, requires_grad=True)
    beta = torch.zeros_like(gamma, requires_grad=True)
    y = torch.nn.functional.batch_norm(x, None, None, gamma, beta, True, 0.0, eps)
    gradients = torch.autograd.grad((y * torch.tensor(dy)).sum(), (x, gamma, beta))
    return tuple(g.numpy() for g in gradients)


@mutant("batch_norm_2d_backward", blamed="three_gradients")
def keeps_the_axes_of_dgamma(dy, x, gamma, eps=1e-5):
    dx, dgamma, dbeta = image_gradients(dy, x, gamma, eps)
    return dx, dgamma.reshape(1, -1, 1, 1), dbeta.reshape(1, -1, 1, 1)


@mutant("batch_norm_2d_backward", blamed="dbeta_of_a_channel", says="in this order")
def dbeta_before_dgamma(dy, x, gamma, eps=1e-5):
    dx, dgamma, dbeta = image_gradients(dy, x, gamma, eps)
    return dx, dbeta, dgamma


@mutant("batch_norm_2d_backward", blamed="dbeta_of_a_channel", says="sum over H and W")
def averages_the_positions(dy, x, gamma, eps=1e-5):
    dx, dgamma, dbeta = image_gradients(dy, x, gamma, eps)
    return dx, dgamma / x[0, 0].size, dbeta / x[0, 0].size


@mutant("batch_norm_2d_backward", blamed="dbeta_of_a_channel", says="reshape does not move axes")
def rows_without_a_transpose(dy, x, gamma, eps=1e-5):
    dx, dgamma, _ = image_gradients(dy, x, gamma, eps)
    return dx, dgamma, dy.reshape(-1, x.shape[1]).sum(axis=0)


@mutant("batch_norm_2d_backward", blamed="dgamma_of_a_channel", says="no mean")
def dgamma_averaged(dy, x, gamma, eps=1e-5):
    dx, dgamma, dbeta = image_gradients(dy, x, gamma, eps)
    return dx, dgamma * x.shape[1] / x.size, dbeta


@mutant("batch_norm_2d_backward", blamed="dgamma_of_a_channel", says="per position")
def statistics_per_position(dy, x, gamma, eps=1e-5):
    return image_gradients(dy, x, gamma, eps, statistics=(0,), means=(0,))


@mutant("batch_norm_2d_backward", blamed="dgamma_of_a_channel", says="per image")
def gradients_of_instance_norm(dy, x, gamma, eps=1e-5):
    return image_gradients(dy, x, gamma, eps, statistics=(2, 3), means=(2, 3))


@mutant("batch_norm_2d_backward", blamed="no_gradient_along_one", says="two terms are missing")
def statistics_of_a_channel_as_constants(dy, x, gamma, eps=1e-5):
    return image_gradients(dy, x, gamma, eps, mean=0, last=0)


@mutant("batch_norm_2d_backward", blamed="no_gradient_along_one", says="by N alone")
def divides_by_the_images(dy, x, gamma, eps=1e-5):
    pixels = x[0, 0].size
    return image_gradients(dy, x, gamma, eps, mean=pixels, last=pixels)


@mutant("batch_norm_2d_backward", blamed="no_gradient_along_one", says="leave out axis 1")
def one_mean_for_all_channels(dy, x, gamma, eps=1e-5):
    return image_gradients(dy, x, gamma, eps, means=(0, 1, 2, 3))


@mutant("batch_norm_2d_backward", blamed="no_gradient_along_one", says="the images alone")
def means_over_the_images(dy, x, gamma, eps=1e-5):
    return image_gradients(dy, x, gamma, eps, means=(0,))


@mutant("batch_norm_2d_backward", blamed="no_gradient_along_one", says="within an image")
def means_within_an_image(dy, x, gamma, eps=1e-5):
    return image_gradients(dy, x, gamma, eps, means=(2, 3))


@mutant("batch_norm_2d_backward", blamed="slope_of_every_pixel", says="wrong sign")
def adds_the_last_term(dy, x, gamma, eps=1e-5):
    return image_gradients(dy, x, gamma, eps, last=-1)


@mutant("batch_norm_2d_backward", blamed="slope_of_every_pixel", says="gamma is missing")
def without_gamma(dy, x, gamma, eps=1e-5):
    dx, dgamma, dbeta = image_gradients(dy, x, gamma, eps)
    return dx / gamma[:, None, None], dgamma, dbeta


@mutant("batch_norm_2d_backward", blamed="usual_eps", says="Keras' own")
def eps_of_keras(dy, x, gamma, eps=1e-3):
    return image_gradients(dy, x, gamma, eps)


@mutant("batch_norm_2d_backward", blamed="slopes_of_a_constant_channel")
def no_gradient_for_constant_channels(dy, x, gamma, eps=1e-5):
    dx, dgamma, dbeta = image_gradients(dy, x, gamma, eps)
    return np.where(np.ptp(x, axis=AXES, keepdims=True) == 0, 0, dx), dgamma, dbeta


@mutant("batch_norm_2d_backward", blamed="other_images")
def always_ninety_values(dy, x, gamma, eps=1e-5):
    share = x.size / x.shape[1] / 90
    return image_gradients(dy, x, gamma, eps, mean=share, last=share)


@mutant("batch_norm_2d_backward", blamed="other_images")
def gamma_along_the_width_if_it_fits(dy, x, gamma, eps=1e-5):
    dx, dgamma, dbeta = image_gradients(dy, x, gamma, eps)
    if x.shape[3] == len(gamma):
        dx = dx / gamma[:, None, None] * gamma
    return dx, dgamma, dbeta
