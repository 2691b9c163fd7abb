"""Answers to the exercises of the notebook `backward`."""

import numpy as np
import torch
from registry import alternative, equivalent, mutant


@alternative("scale_shift_backward")
def with_einsum(dy, x_hat):
    return np.einsum("nc,nc->c", dy, x_hat), np.einsum("nc->c", dy)


@alternative("scale_shift_backward")
def diagonal_of_a_product(dy, x_hat):
    return np.diag(dy.T @ x_hat), np.ones(len(dy)) @ dy


@mutant("scale_shift_backward", blamed="two_gradients")
def forgets_to_sum(dy, x_hat):
    return dy * x_hat, dy


@mutant("scale_shift_backward", blamed="two_gradients")
def sums_over_features(dy, x_hat):
    return (dy * x_hat).sum(axis=1), dy.sum(axis=1)


@mutant("scale_shift_backward", blamed="shift")
def averages_the_shift(dy, x_hat):
    return (dy * x_hat).sum(axis=0), dy.mean(axis=0)


@mutant("scale_shift_backward", blamed="shift")
def swaps_the_two_gradients(dy, x_hat):
    return dy.sum(axis=0), (dy * x_hat).sum(axis=0)


@mutant("scale_shift_backward", blamed="scale")
def averages_the_scale(dy, x_hat):
    return (dy * x_hat).mean(axis=0), dy.sum(axis=0)


@mutant("scale_shift_backward", blamed="scale")
def product_of_sums(dy, x_hat):
    return dy.sum(axis=0) * x_hat.sum(axis=0), dy.sum(axis=0)


@mutant("scale_shift_backward", blamed="any_batch")
def four_features(dy, x_hat):
    dgamma, dbeta = np.zeros(4), np.zeros(4)
    for c in range(4):
        dgamma[c], dbeta[c] = (dy[:, c] * x_hat[:, c]).sum(), dy[:, c].sum()
    return dgamma, dbeta


@mutant("scale_shift_backward", blamed="any_batch")
def squeezes_one_feature_away(dy, x_hat):
    return (dy * x_hat).sum(axis=0).squeeze(), dy.sum(axis=0).squeeze()


@mutant("scale_shift_backward", blamed="scale")
def forgets_dy(dy, x_hat):
    return x_hat.sum(axis=0), dy.sum(axis=0)


@alternative("centering_backward")
def as_a_matrix(dc):
    n = len(dc)
    return (np.eye(n) - np.ones((n, n)) / n) @ dc


@alternative("centering_backward")
def path_by_path(dc):
    dmu = -dc.sum(axis=0)
    return dc + dmu / dc.shape[0]


@mutant("centering_backward", blamed="one_per_entry")
def only_through_the_mean(dc):
    return -dc.mean(axis=0)


@mutant("centering_backward", blamed="common_push")
def mean_as_a_constant(dc):
    return 1.0 * dc


@mutant("centering_backward", blamed="common_push")
def subtracts_the_sum(dc):
    return dc - dc.sum(axis=0)


@mutant("centering_backward", blamed="common_push")
def mean_of_everything(dc):
    return dc - dc.mean()


@mutant("centering_backward", blamed="common_push")
def divides_by_n_minus_one(dc):
    return dc - dc.sum(axis=0) / (len(dc) - 1)


@mutant("centering_backward", blamed="common_push")
def only_its_own_path_through_the_mean(dc):
    return dc - dc / len(dc)


@mutant("centering_backward", blamed="other_batches")
def mean_of_six(dc):
    return dc - dc.sum(axis=0) / 6


@mutant("centering_backward", blamed="slopes")
def wrong_sign(dc):
    return dc.mean(axis=0) - dc


@mutant("centering_backward", blamed="slopes")
def nothing_is_left(dc):
    return np.zeros_like(dc)


@alternative("numerical_gradient")
def on_a_copy(f, x, h=1e-5):
    x, grad = x.copy(), np.empty(x.shape)
    for index, value in np.ndenumerate(x.copy()):
        x[index] = value + h
        above = f(x)
        x[index] = value - h
        grad[index] = (above - f(x)) / (2 * h)
        x[index] = value
    return grad


@alternative("numerical_gradient")
def flattened(f, x, h=1e-5):
    steps = h * np.eye(x.size).reshape(-1, *x.shape)
    return np.array([(f(x + s) - f(x - s)) / (2 * h) for s in steps]).reshape(x.shape)


@mutant("numerical_gradient", blamed="each_entry_alone")
def multiplies_by_h(f, x, h=1e-5):
    return on_a_copy(f, x, h) * h**2


@mutant("numerical_gradient", blamed="each_entry_alone")
def above_and_below_share_memory(f, x, h=1e-5):
    grad = np.zeros_like(x)
    for index in np.ndindex(x.shape):
        above = below = x.copy()
        above[index] += h
        below[index] -= h
        grad[index] = (f(above) - f(below)) / (2 * h)
    return grad


@mutant("numerical_gradient", blamed="each_entry_alone")
def returns_after_the_first_entry(f, x, h=1e-5):
    grad = np.zeros_like(x)
    for index in np.ndindex(x.shape):
        step = np.zeros_like(x)
        step[index] = h
        grad[index] = (f(x + step) - f(x - step)) / (2 * h)
        return grad


@mutant("numerical_gradient", blamed="any_layout")
def writes_into_a_copy(f, x, h=1e-5):
    grad, x = np.zeros_like(x), x.copy()
    flat, entries = grad.reshape(-1), x.reshape(-1)
    for i, value in enumerate(x.ravel()):
        entries[i] = value + h
        above = f(x)
        entries[i] = value - h
        flat[i] = (above - f(x)) / (2 * h)
        entries[i] = value
    return grad


@mutant("numerical_gradient", blamed="central", says="default of h")
def a_coarse_default(f, x, h=1e-3):
    return on_a_copy(f, x, h)


@mutant("numerical_gradient", blamed="central")
def one_sided_from_below(f, x, h=1e-5):
    return 2 * on_a_copy(f, x, h) - one_sided(f, x, h)


@mutant("numerical_gradient", blamed="shape_of_x")
def moves_all_entries_at_once(f, x, h=1e-5):
    return (f(x + h) - f(x - h)) / (2 * h)


@mutant("numerical_gradient", blamed="shape_of_x")
def leaves_x_changed(f, x, h=1e-5):
    grad = np.zeros_like(x)
    for index in np.ndindex(x.shape):
        x[index] += h
        above = f(x)
        x[index] -= h
        grad[index] = (above - f(x)) / h
        x[index] += h
    return grad


@mutant("numerical_gradient", blamed="any_shape")
def rows_and_columns_only(f, x, h=1e-5):
    grad = np.zeros_like(x)
    for row in range(x.shape[0]):
        for column in range(x.shape[1]):
            step = np.zeros_like(x)
            step[row, column] = h
            grad[row, column] = (f(x + step) - f(x - step)) / (2 * h)
    return grad


@mutant("numerical_gradient", blamed="each_entry_alone")
def divides_by_h(f, x, h=1e-5):
    return 2 * on_a_copy(f, x, h)


@mutant("numerical_gradient", blamed="each_entry_alone")
def accumulates_the_steps(f, x, h=1e-5):
    step, grad = np.zeros_like(x), np.zeros_like(x)
    for index in np.ndindex(x.shape):
        step[index] = h
        grad[index] = (f(x + step) - f(x - step)) / (2 * h)
    return grad


@mutant("numerical_gradient", blamed="central")
def one_sided(f, x, h=1e-5):
    grad = np.zeros_like(x)
    for index in np.ndindex(x.shape):
        step = np.zeros_like(x)
        step[index] = h
        grad[index] = (f(x + step) - f(x)) / h
    return grad


@mutant("numerical_gradient", blamed="step_size")
def ignores_h(f, x, h=1e-5):
    return on_a_copy(f, x)


def parts_of(x, eps):
    r = 1 / np.sqrt(x.var(axis=0) + eps)
    return r, (x - x.mean(axis=0)) * r


@alternative("batch_norm_backward")
def staged(dy, x, gamma, eps=1e-5):
    n = len(x)
    mu = x.mean(axis=0)
    c = x - mu
    var = (c**2).mean(axis=0)
    r = (var + eps) ** -0.5
    x_hat = c * r
    dx_hat = dy * gamma
    dvar = (dx_hat * c).sum(axis=0) * -0.5 * r**3
    dc = dx_hat * r + dvar * 2 * c / n
    return dc - dc.sum(axis=0) / n, (dy * x_hat).sum(axis=0), dy.sum(axis=0)


@alternative("batch_norm_backward")
def without_the_path_from_var_to_mu(dy, x, gamma, eps=1e-5):
    # That path contributes sum(c) = 0, so leaving it out is right.
    r, x_hat = parts_of(x, eps)
    dvar = (dy * gamma * x_hat).sum(axis=0) * -0.5 * r**2
    direct = dy * gamma * r
    through_var = dvar * 2 * (x - x.mean(axis=0)) / len(x)
    return direct - direct.mean(axis=0) + through_var, (dy * x_hat).sum(0), dy.sum(0)


@alternative("batch_norm_backward")
def as_in_lecture_notes(dy, x, gamma, eps=1e-5):
    n = x.shape[0]
    r, x_hat = parts_of(x, eps)
    dgamma, dbeta = np.sum(dy * x_hat, axis=0), np.sum(dy, axis=0)
    return gamma * r / n * (n * dy - dbeta - x_hat * dgamma), dgamma, dbeta


@alternative("batch_norm_backward")
def by_the_jacobian(dy, x, gamma, eps=1e-5):
    n, c = x.shape
    r, x_hat = parts_of(x, eps)
    dx = np.empty_like(x)
    for j in range(c):
        h = x_hat[:, j]
        jacobian = np.eye(n) - 1 / n - np.outer(h, h) / n
        dx[:, j] = gamma[j] * r[j] * jacobian @ dy[:, j]
    return dx, (dy * x_hat).sum(axis=0), dy.sum(axis=0)


@alternative("batch_norm_backward")
def lists_of_numbers(dy, x, gamma, eps=1e-5):
    return [part.tolist() for part in as_in_lecture_notes(dy, x, gamma, eps)]


@alternative("batch_norm_backward")
def never_normalized(dy, x, gamma, eps=1e-5):
    c = x - x.mean(axis=0)
    v = (c * c).mean(axis=0) + eps
    s = (dy * c).sum(axis=0)
    dx = gamma / np.sqrt(v) * (dy - dy.mean(axis=0) - c * s / (len(x) * v))
    return dx, s / np.sqrt(v), dy.sum(axis=0)


def closed_form(dy, x, gamma, eps, n=None):
    r, x_hat = parts_of(x, eps)
    n = len(x) if n is None else n
    dx = gamma * r * (dy - dy.sum(axis=0) / n - x_hat * (dy * x_hat).sum(axis=0) / n)
    return dx, (dy * x_hat).sum(axis=0), dy.sum(axis=0)


@mutant("batch_norm_backward", blamed="three_gradients")
def only_dx(dy, x, gamma, eps=1e-5):
    return closed_form(dy, x, gamma, eps)[0]


@mutant("batch_norm_backward", blamed="three_gradients")
def centres_x_in_place(dy, x, gamma, eps=1e-5):
    answer = closed_form(dy, x, gamma, eps)
    x -= x.mean(axis=0)
    return answer


@mutant("batch_norm_backward", blamed="three_gradients")
def dx_last(dy, x, gamma, eps=1e-5):
    dx, dgamma, dbeta = closed_form(dy, x, gamma, eps)
    return dgamma, dbeta, dx


@mutant("batch_norm_backward", blamed="three_gradients")
def dgamma_never_summed(dy, x, gamma, eps=1e-5):
    dx, _, dbeta = closed_form(dy, x, gamma, eps)
    return dx, dy * parts_of(x, eps)[1], dbeta


@mutant("batch_norm_backward", blamed="dbeta_sums_dy")
def dbeta_averaged(dy, x, gamma, eps=1e-5):
    dx, dgamma, dbeta = closed_form(dy, x, gamma, eps)
    return dx, dgamma, dbeta / len(x)


@mutant("batch_norm_backward", blamed="dbeta_sums_dy", says="in this order")
def dbeta_before_dgamma(dy, x, gamma, eps=1e-5):
    dx, dgamma, dbeta = closed_form(dy, x, gamma, eps)
    return dx, dbeta, dgamma


@mutant("batch_norm_backward", blamed="dbeta_sums_dy")
def dbeta_times_gamma(dy, x, gamma, eps=1e-5):
    dx, dgamma, dbeta = closed_form(dy, x, gamma, eps)
    return dx, dgamma, gamma * dbeta


@mutant("batch_norm_backward", blamed="dgamma_sums_dy_x_hat")
def dgamma_averaged(dy, x, gamma, eps=1e-5):
    dx, dgamma, dbeta = closed_form(dy, x, gamma, eps)
    return dx, dgamma / len(x), dbeta


@mutant("batch_norm_backward", blamed="dgamma_sums_dy_x_hat")
def dgamma_from_raw_x(dy, x, gamma, eps=1e-5):
    dx, _, dbeta = closed_form(dy, x, gamma, eps)
    return dx, (dy * x).sum(axis=0), dbeta


@mutant("batch_norm_backward", blamed="dgamma_sums_dy_x_hat")
def eps_outside_the_root(dy, x, gamma, eps=1e-5):
    r = 1 / (x.std(axis=0) + eps)
    x_hat = (x - x.mean(axis=0)) * r
    dgamma = (dy * x_hat).sum(axis=0)
    dx = gamma * r * (dy - dy.mean(axis=0) - x_hat * dgamma / len(x))
    return dx, dgamma, dy.sum(axis=0)


@mutant("batch_norm_backward", blamed="dgamma_sums_dy_x_hat")
def unbiased_variance(dy, x, gamma, eps=1e-5):
    r = 1 / np.sqrt(x.var(axis=0, ddof=1) + eps)
    x_hat = (x - x.mean(axis=0)) * r
    dgamma = (dy * x_hat).sum(axis=0)
    dx = gamma * r * (dy - dy.mean(axis=0) - x_hat * dgamma / len(x))
    return dx, dgamma, dy.sum(axis=0)


@mutant("batch_norm_backward", blamed="dx_sums_to_zero")
def statistics_as_constants(dy, x, gamma, eps=1e-5):
    r, x_hat = parts_of(x, eps)
    return gamma * r * dy, (dy * x_hat).sum(axis=0), dy.sum(axis=0)


@mutant("batch_norm_backward", blamed="dx_sums_to_zero")
def no_mean_term(dy, x, gamma, eps=1e-5):
    r, x_hat = parts_of(x, eps)
    dgamma = (dy * x_hat).sum(axis=0)
    return gamma * r * (dy - x_hat * dgamma / len(x)), dgamma, dy.sum(axis=0)


@mutant("batch_norm_backward", blamed="dx_sums_to_zero")
def divides_the_sums_by_n_minus_one(dy, x, gamma, eps=1e-5):
    return closed_form(dy, x, gamma, eps, n=len(x) - 1)


@mutant("batch_norm_backward", blamed="dx_sums_to_zero")
def sums_where_means_belong(dy, x, gamma, eps=1e-5):
    return closed_form(dy, x, gamma, eps, n=1)


@mutant("batch_norm_backward", blamed="dx_is_the_slope")
def variance_as_a_constant(dy, x, gamma, eps=1e-5):
    r, x_hat = parts_of(x, eps)
    return gamma * r * (dy - dy.mean(axis=0)), (dy * x_hat).sum(axis=0), dy.sum(axis=0)


@mutant("batch_norm_backward", blamed="dx_is_the_slope")
def forgets_gamma(dy, x, gamma, eps=1e-5):
    dx, dgamma, dbeta = closed_form(dy, x, gamma, eps)
    return dx / gamma, dgamma, dbeta


@mutant("batch_norm_backward", blamed="dx_is_the_slope")
def forgets_to_divide_by_the_root(dy, x, gamma, eps=1e-5):
    dx, dgamma, dbeta = closed_form(dy, x, gamma, eps)
    return dx / parts_of(x, eps)[0], dgamma, dbeta


@mutant("batch_norm_backward", blamed="dx_is_the_slope")
def adds_the_x_hat_term(dy, x, gamma, eps=1e-5):
    r, x_hat = parts_of(x, eps)
    dgamma = (dy * x_hat).sum(axis=0)
    return gamma * r * (dy - dy.mean(0) + x_hat * dgamma / len(x)), dgamma, dy.sum(axis=0)


@mutant("batch_norm_backward", blamed="dx_is_the_slope")
def x_hat_term_normalized_exactly(dy, x, gamma, eps=1e-5):
    # An exact projection: right at eps = 0 only.
    r, x_hat = parts_of(x, eps)
    dgamma = (dy * x_hat).sum(axis=0)
    dx = gamma * r * (dy - dy.mean(axis=0) - x_hat * dgamma / (x_hat**2).sum(axis=0))
    return dx, dgamma, dy.sum(axis=0)


@mutant("batch_norm_backward", blamed="default_eps", says="Keras' own")
def another_default(dy, x, gamma, eps=1e-3):
    return closed_form(dy, x, gamma, eps)


@mutant("batch_norm_backward", blamed="other_sizes")
def always_six_samples(dy, x, gamma, eps=1e-5):
    return closed_form(dy, x, gamma, eps, n=6)


@mutant("batch_norm_backward", blamed="constant_column")
def no_gradient_for_constant_columns(dy, x, gamma, eps=1e-5):
    dx, dgamma, dbeta = closed_form(dy, x, gamma, eps)
    return np.where(x.var(axis=0) == 0, 0.0, dx), dgamma, dbeta


@mutant("batch_norm_backward", blamed="dgamma_sums_dy_x_hat")
def no_eps(dy, x, gamma, eps=1e-5):
    return closed_form(dy, x, gamma, 0)


@mutant("batch_norm_backward", blamed="dgamma_sums_dy_x_hat")
def its_own_eps(dy, x, gamma, eps=1e-5):
    return closed_form(dy, x, gamma, 1e-5)


@mutant("batch_norm_backward", blamed="dgamma_sums_dy_x_hat")
def dgamma_times_gamma(dy, x, gamma, eps=1e-5):
    dx, dgamma, dbeta = closed_form(dy, x, gamma, eps)
    return dx, gamma * dgamma, dbeta


@mutant("batch_norm_backward", blamed="dgamma_sums_dy_x_hat")
def dgamma_from_centred_x(dy, x, gamma, eps=1e-5):
    dx, _, dbeta = closed_form(dy, x, gamma, eps)
    return dx, (dy * (x - x.mean(axis=0))).sum(axis=0), dbeta


@mutant("batch_norm_backward", blamed="dx_sums_to_zero")
def no_brackets(dy, x, gamma, eps=1e-5):
    r, x_hat = parts_of(x, eps)
    dgamma = (dy * x_hat).sum(axis=0)
    return gamma * r * dy - dy.mean(0) - x_hat * dgamma / len(x), dgamma, dy.sum(axis=0)


@mutant("batch_norm_backward", blamed="dx_sums_to_zero")
def means_over_everything(dy, x, gamma, eps=1e-5):
    r, x_hat = parts_of(x, eps)
    dx = gamma * r * (dy - dy.mean() - x_hat * (dy * x_hat).mean())
    return dx, (dy * x_hat).sum(axis=0), dy.sum(axis=0)


@mutant("batch_norm_backward", blamed="dx_is_the_slope")
def dgamma_where_its_mean_belongs(dy, x, gamma, eps=1e-5):
    r, x_hat = parts_of(x, eps)
    dgamma = (dy * x_hat).sum(axis=0)
    return gamma * r * (dy - dy.mean(axis=0) - x_hat * dgamma), dgamma, dy.sum(axis=0)


@mutant("batch_norm_backward", blamed="dx_is_the_slope")
def square_with_slope_c(dy, x, gamma, eps=1e-5):
    r, x_hat = parts_of(x, eps)
    dvar = (dy * gamma * x_hat).sum(axis=0) * -0.5 * r**2
    dc = dy * gamma * r + dvar * (x - x.mean(axis=0)) / len(x)
    return dc - dc.mean(axis=0), (dy * x_hat).sum(axis=0), dy.sum(axis=0)


@mutant("batch_norm_backward", blamed="dx_is_the_slope")
def eps_only_in_x_hat(dy, x, gamma, eps=1e-5):
    return closed_form(dy, x, gamma, 0)[0], *closed_form(dy, x, gamma, eps)[1:]


@mutant("batch_norm_backward", blamed="other_sizes")
def dbeta_of_six(dy, x, gamma, eps=1e-5):
    dx, dgamma, _ = closed_form(dy, x, gamma, eps)
    return dx, dgamma, 6 * dy.mean(axis=0)


@mutant("batch_norm_backward", blamed="other_sizes")
def squeezes_a_feature_away(dy, x, gamma, eps=1e-5):
    dx, dgamma, dbeta = closed_form(dy, x, gamma, eps)
    return dx, dgamma.squeeze(), dbeta.squeeze()


@mutant("batch_norm_backward", blamed="large_offset")
def variance_from_raw_moments(dy, x, gamma, eps=1e-5):
    mean = x.mean(axis=0)
    r = 1 / np.sqrt(np.maximum((x**2).mean(axis=0) - mean**2, 0) + eps)
    x_hat = (x - mean) * r
    dgamma = (dy * x_hat).sum(axis=0)
    return gamma * r * (dy - dy.mean(0) - x_hat * dgamma / len(x)), dgamma, dy.sum(axis=0)


@alternative("scale_shift_backward")
def sample_by_sample(dy, x_hat):
    dgamma, dbeta = 0 * dy[0], 0 * dy[0]
    for row, factor in zip(dy, x_hat, strict=True):
        dgamma, dbeta = dgamma + row * factor, dbeta + row
    return [dgamma, dbeta]


@alternative("scale_shift_backward")
def with_torch(dy, x_hat):
    gamma = torch.ones(dy.shape[1], dtype=torch.float64, requires_grad=True)
    beta = torch.zeros(dy.shape[1], dtype=torch.float64, requires_grad=True)
    y = gamma * torch.as_tensor(x_hat) + beta
    return torch.autograd.grad(y, (gamma, beta), torch.as_tensor(dy))


@mutant("scale_shift_backward", blamed="scale")
def divides_by_x_hat(dy, x_hat):
    return (dy / x_hat).sum(axis=0), dy.sum(axis=0)


@mutant("scale_shift_backward", blamed="shift")
def length_of_dy(dy, x_hat):
    return (dy * x_hat).sum(axis=0), np.sqrt((dy**2).sum(axis=0))


@mutant("scale_shift_backward", blamed="shift")
def opposite_signs(dy, x_hat):
    return -(dy * x_hat).sum(axis=0), -dy.sum(axis=0)


@mutant("scale_shift_backward", blamed="shift")
def one_beta_for_all(dy, x_hat):
    return (dy * x_hat).sum(axis=0), np.full(dy.shape[1], dy.sum())


@mutant("scale_shift_backward", blamed="two_gradients")
def keeps_both_axes(dy, x_hat):
    return (dy * x_hat).sum(axis=0, keepdims=True), dy.sum(axis=0, keepdims=True)


@mutant("scale_shift_backward", blamed="any_batch")
def nothing_to_learn_from_one_sample(dy, x_hat):
    share = len(dy) > 1
    return share * (dy * x_hat).sum(axis=0), share * dy.sum(axis=0)


@mutant("scale_shift_backward", blamed="shift")
def last_sample_overwrites(dy, x_hat):
    for row, factor in zip(dy, x_hat, strict=True):
        dgamma, dbeta = row * factor, row * 1
    return dgamma, dbeta


@mutant("scale_shift_backward", blamed="shift")
def centres_dy_first(dy, x_hat):
    return (dy * x_hat).sum(axis=0), (dy - dy.mean(axis=0)).sum(axis=0)


@mutant("scale_shift_backward", blamed="scale")
def cross_products(dy, x_hat):
    return (dy.T @ x_hat).sum(axis=0), dy.sum(axis=0)


@alternative("centering_backward")
def sample_by_sample_through_the_mean(dc):
    n = len(dc)
    return [sum(((m == k) - 1 / n) * dc[k] for k in range(n)) for m in range(n)]


@alternative("centering_backward")
def in_place_on_a_copy(dc):
    dx = dc.copy()
    dx -= np.einsum("nc->c", dc) / len(dc)
    return dx


@mutant("centering_backward", blamed="common_push")
def means_over_the_features(dc):
    return dc - dc.mean(axis=1, keepdims=True)


@mutant("centering_backward", blamed="common_push")
def adds_the_mean(dc):
    return dc + dc.mean(axis=0)


@mutant("centering_backward", blamed="common_push")
def subtracts_half_of_the_mean(dc):
    return dc - dc.mean(axis=0) / 2


@mutant("centering_backward", blamed="one_per_entry")
def works_on_dc_itself(dc):
    dc -= dc.mean(axis=0)
    return dc


@mutant("centering_backward", blamed="slopes")
def standardizes_too(dc):
    return (dc - dc.mean(axis=0)) / (dc.std(axis=0) + 1e-12)


@mutant("centering_backward", blamed="slopes")
def median_of_the_batch(dc):
    return dc - np.median(dc, axis=0)


@mutant("centering_backward", blamed="other_batches")
def one_sample_passes_through(dc):
    return dc - dc.mean(axis=0) if len(dc) > 1 else dc.copy()


@mutant("centering_backward", blamed="slopes")
def mean_of_the_others(dc):
    n = max(len(dc) - 1, 1)
    return dc - (dc.sum(axis=0) - dc) / n


@mutant("centering_backward", blamed="other_batches")
def squeezes_the_feature(dc):
    return (dc - dc.mean(axis=0)).squeeze()


@alternative("numerical_gradient")
def on_x_itself_and_back(f, x, h=1e-5):
    grad = np.zeros_like(x)
    it = np.nditer(x, flags=["multi_index"])
    while not it.finished:
        index = it.multi_index
        old = x[index]
        x[index] = old + h
        above = f(x)
        x[index] = old - h
        below = f(x)
        x[index] = old
        grad[index] = (above - below) / (2 * h)
        it.iternext()
    return grad


@alternative("numerical_gradient")
def as_nested_lists(f, x, h=1e-5):
    def slope(i):
        step = np.zeros(x.size)
        step[i] = h
        step = step.reshape(x.shape)
        return float(f(x + step) - f(x - step)) / h / 2

    return np.array([slope(i) for i in range(x.size)]).reshape(x.shape).tolist()


@alternative("numerical_gradient")
def with_two_copies(f, x, h=1e-5):
    grad = np.full(x.shape, np.nan)
    for i, index in enumerate(np.ndindex(x.shape)):
        above, below = x.copy(), x.copy()
        above[index] = above[index] + h
        below[index] = below[index] - h
        grad.flat[i] = 0.5 * (f(above) - f(below)) / h
    return grad


@mutant("numerical_gradient", blamed="others_stay", says="never put back")
def never_put_back(f, x, h=1e-5):
    grad, moved = np.zeros_like(x), x.copy()
    for index in np.ndindex(x.shape):
        moved[index] += h
        above = f(moved)
        moved[index] -= 2 * h
        grad[index] = (above - f(moved)) / (2 * h)
    return grad


@mutant("numerical_gradient", blamed="others_stay", says="never put back")
def left_above(f, x, h=1e-5):
    grad, moved = np.zeros_like(x), x.copy()
    for index in np.ndindex(x.shape):
        moved[index] -= h
        below = f(moved)
        moved[index] += 2 * h
        grad[index] = (f(moved) - below) / (2 * h)
    return grad


@mutant("numerical_gradient", blamed="others_stay", says="other entries are 0")
def all_others_are_zero(f, x, h=1e-5):
    grad = np.zeros_like(x)
    for index in np.ndindex(x.shape):
        above, below = np.zeros_like(x), np.zeros_like(x)
        above[index], below[index] = x[index] + h, x[index] - h
        grad[index] = (f(above) - f(below)) / (2 * h)
    return grad


@mutant("numerical_gradient", blamed="each_entry_alone")
def moves_the_whole_row(f, x, h=1e-5):
    grad = np.zeros_like(x)
    for index in np.ndindex(x.shape):
        step = np.zeros_like(x)
        step[index[:-1]] = h / x.shape[-1]
        grad[index] = (f(x + step) - f(x - step)) / (2 * h)
    return grad


@mutant("numerical_gradient", blamed="others_stay")
def put_back_a_little_off(f, x, h=1e-5):
    grad, moved = np.zeros_like(x), x.copy()
    for index in np.ndindex(x.shape):
        moved[index] += h
        above = f(moved)
        moved[index] -= 2 * h
        grad[index] = (above - f(moved)) / (2 * h)
        moved[index] = x[index] + h / 10
    return grad


@mutant("numerical_gradient", blamed="step_size")
def h_relative_to_the_entry(f, x, h=1e-5):
    grad = np.zeros_like(x)
    for index in np.ndindex(x.shape):
        step = np.zeros_like(x)
        step[index] = h * max(1, abs(x[index]))
        grad[index] = (f(x + step) - f(x - step)) / (2 * step[index])
    return grad


@mutant("numerical_gradient", blamed="step_size")
def another_small_default(f, x, h=1e-6):
    return on_a_copy(f, x, h)


@mutant("numerical_gradient", blamed="central")
def rounds_the_slopes(f, x, h=1e-5):
    return np.round(on_a_copy(f, x, h), 6)


@mutant("numerical_gradient", blamed="central")
def in_float32(f, x, h=1e-5):
    grad = np.zeros(x.shape, dtype=np.float32)
    for index in np.ndindex(x.shape):
        step = np.zeros(x.shape, dtype=np.float32)
        step[index] = h
        grad[index] = (f(x + step) - f(x - step)) / (2 * h)
    return grad


@mutant("numerical_gradient", blamed="each_entry_alone")
def first_axis_only(f, x, h=1e-5):
    grad = np.zeros_like(x)
    for n in range(len(x)):
        step = np.zeros_like(x)
        step[n] = h
        grad[n] = (f(x + step) - f(x - step)) / (2 * h)
    return grad


@alternative("batch_norm_backward")
def with_torch_autograd(dy, x, gamma, eps=1e-5):
    dy, x, gamma = (torch.tensor(a, dtype=torch.float64) for a in (dy, x, gamma))
    beta = torch.zeros_like(gamma).requires_grad_()
    x.requires_grad_()
    gamma.requires_grad_()
    var, mu = torch.var_mean(x, dim=0, correction=0)
    y = gamma * (x - mu) / torch.sqrt(var + eps) + beta
    return torch.autograd.grad(y, (x, gamma, beta), dy)


@alternative("batch_norm_backward")
def entry_by_entry(dy, x, gamma, eps=1e-5):
    n, features = x.shape
    dx, dgamma, dbeta = np.zeros(x.shape), np.zeros(features), np.zeros(features)
    for c in range(features):
        mu = sum(x[:, c]) / n
        r = (sum((v - mu) ** 2 for v in x[:, c]) / n + eps) ** -0.5
        for i in range(n):
            dgamma[c] += dy[i, c] * (x[i, c] - mu) * r
            dbeta[c] += dy[i, c]
        for i in range(n):
            dx[i, c] = gamma[c] * r * (dy[i, c] - (dbeta[c] + (x[i, c] - mu) * r * dgamma[c]) / n)
    return dx, dgamma, dbeta


@alternative("batch_norm_backward")
def pytorch_that_refuses_a_single_sample(dy, x, gamma, eps=1e-5):
    dy, x, gamma = (torch.tensor(a, requires_grad=True) for a in (dy, x, gamma))
    beta = torch.zeros_like(gamma, requires_grad=True)
    y = torch.nn.functional.batch_norm(x, None, None, gamma, beta, training=True, eps=eps)
    return torch.autograd.grad(y, (x, gamma, beta), dy)


@mutant("batch_norm_backward", blamed="dx_is_the_slope", says="divides by N - 1")
def bessel_in_the_last_term(dy, x, gamma, eps=1e-5):
    n = len(x)
    r, raw = parts_of(x, eps)
    last = n / max(n - 1, 1) * raw * (dy * raw).sum(axis=0)
    dx = gamma * r / n * (n * dy - dy.sum(axis=0) - last)
    return dx, (dy * raw).sum(axis=0), dy.sum(axis=0)


@mutant("batch_norm_backward", blamed="single_sample")
def one_sample_is_passed_on(dy, x, gamma, eps=1e-5):
    dx, dgamma, dbeta = closed_form(dy, x, gamma, eps)
    return dx if len(x) > 1 else gamma * dy, dgamma, dbeta


@mutant("batch_norm_backward", blamed="dx_is_the_slope")
def gamma_of_the_first_feature(dy, x, gamma, eps=1e-5):
    return closed_form(dy, x, gamma[0], eps)


@mutant("batch_norm_backward", blamed="dx_is_the_slope")
def gamma_twice(dy, x, gamma, eps=1e-5):
    dx, dgamma, dbeta = closed_form(dy, x, gamma, eps)
    return gamma * dx, dgamma, dbeta


@mutant("batch_norm_backward", blamed="dgamma_sums_dy_x_hat")
def another_eps_of_its_own(dy, x, gamma, eps=1e-5):
    return closed_form(dy, x, gamma, 1e-8)


@mutant("batch_norm_backward", blamed="dx_is_the_slope")
def as_if_its_output_were_normalized(dy, x, gamma, eps=1e-5):
    r, x_hat = parts_of(x, eps)
    inner = dy - dy.mean(axis=0) - x_hat * (dy * x_hat).mean(axis=0)
    return gamma * r * inner / inner.std(axis=0).clip(1e-9), (dy * x_hat).sum(0), dy.sum(0)


@mutant("batch_norm_backward", blamed="dx_is_the_slope")
def dx_with_the_wrong_sign(dy, x, gamma, eps=1e-5):
    dx, dgamma, dbeta = closed_form(dy, x, gamma, eps)
    return -dx, dgamma, dbeta


@mutant("batch_norm_backward", blamed="dx_is_the_slope")
def dx_averaged(dy, x, gamma, eps=1e-5):
    dx, dgamma, dbeta = closed_form(dy, x, gamma, eps)
    return dx / len(x), dgamma, dbeta


@mutant("batch_norm_backward", blamed="dx_is_the_slope")
def root_three_times(dy, x, gamma, eps=1e-5):
    r, _ = parts_of(x, eps)
    dx, dgamma, dbeta = closed_form(dy, x, gamma, eps)
    return dx * r**2, dgamma, dbeta


@mutant("batch_norm_backward", blamed="dx_is_the_slope")
def raw_x_in_the_last_term(dy, x, gamma, eps=1e-5):
    r, x_hat = parts_of(x, eps)
    dx = gamma * r * (dy - dy.mean(axis=0) - (x - x.mean(0)) * (dy * x_hat).mean(axis=0))
    return dx, (dy * x_hat).sum(axis=0), dy.sum(axis=0)


@mutant("batch_norm_backward", blamed="dx_is_the_slope")
def unbiased_variance_in_dx_only(dy, x, gamma, eps=1e-5):
    r = 1 / np.sqrt(x.var(axis=0, ddof=1 if len(x) > 1 else 0) + eps)
    x_hat = (x - x.mean(axis=0)) * r
    dx = gamma * r * (dy - dy.mean(axis=0) - x_hat * (dy * x_hat).mean(axis=0))
    return dx, *closed_form(dy, x, gamma, eps)[1:]


equivalent(
    "numerical_gradient",
    "grad = np.zeros_like(x) -> … np.ones_like(x)",
    because="every entry is written before it is read",
)
