"""Answers to the exercises of the notebook `backward`."""

import answers_batch_norm_backward  # noqa: F401
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


equivalent(
    "numerical_gradient",
    "grad = np.zeros_like(x) -> … np.ones_like(x)",
    because="every entry is written before it is read",
)


@alternative("mean_square_backward")
def cousin_in_stages(dy, x, gamma, eps=1e-5):
    m = (x**2).mean(axis=0)
    r = (m + eps) ** -0.5
    dx_hat = dy * gamma
    dm = (dx_hat * x).sum(axis=0) * -0.5 * r**3
    return dx_hat * r + dm * 2 * x / len(x), np.einsum("nc,nc->c", dy, x * r)


@alternative("mean_square_backward")
def cousin_feature_by_feature(dy, x, gamma, eps=1e-5):
    dx, dgamma = np.empty(x.shape), []
    for c in range(x.shape[1]):
        r = 1 / (np.dot(x[:, c], x[:, c]) / len(x) + eps) ** 0.5
        along = np.dot(dy[:, c], x[:, c]) * r
        dx[:, c] = gamma[c] * r * (dy[:, c] - x[:, c] * r * along / len(x))
        dgamma.append(along)
    return dx, np.array(dgamma)


@mutant("mean_square_backward", blamed="two_parts")
def cousin_without_dgamma(dy, x, gamma, eps=1e-5):
    return cousin_in_stages(dy, x, gamma, eps)[0]


@mutant("mean_square_backward", blamed="dgamma_of_the_cousin", says="does not centre")
def batch_norms_own(dy, x, gamma, eps=1e-5):
    r = 1 / np.sqrt(x.var(axis=0) + eps)
    x_hat = (x - x.mean(axis=0)) * r
    along = (dy * x_hat).mean(axis=0)
    return gamma * r * (dy - dy.mean(axis=0) - x_hat * along), (dy * x_hat).sum(axis=0)


def _cousin(dy, x, gamma, eps, *, mean=0, last=1.0):
    r = 1 / np.sqrt((x**2).mean(axis=0) + eps)
    along = x * r * (dy * x * r).mean(axis=0)
    return gamma * r * (dy - mean * dy.mean(axis=0) - last * along), (dy * x * r).sum(axis=0)


@mutant("mean_square_backward", blamed="dx_of_the_cousin", says="no mean goes")
def cousin_with_the_mean_of_dy(dy, x, gamma, eps=1e-5):
    return _cousin(dy, x, gamma, eps, mean=1)


@mutant("mean_square_backward", blamed="dx_of_the_cousin", says="a term is missing")
def cousin_with_constant_r(dy, x, gamma, eps=1e-5):
    return _cousin(dy, x, gamma, eps, last=0)


@mutant("mean_square_backward", blamed="dx_of_the_cousin", says="lacks the 1/N")
def cousin_with_a_sum(dy, x, gamma, eps=1e-5):
    return _cousin(dy, x, gamma, eps, last=len(x))


@mutant("mean_square_backward", blamed="dx_of_the_cousin", says="is half")
def cousin_with_half_the_square(dy, x, gamma, eps=1e-5):
    return _cousin(dy, x, gamma, eps, last=0.5)


@mutant("mean_square_backward", blamed="dgamma_of_the_cousin", says="no mean")
def cousin_with_a_mean_in_dgamma(dy, x, gamma, eps=1e-5):
    dx, dgamma = _cousin(dy, x, gamma, eps)
    return dx, dgamma / len(x)


@mutant("mean_square_backward", blamed="cousins_of_any_size")
def cousin_of_six_samples(dy, x, gamma, eps=1e-5):
    r = 1 / np.sqrt((x**2).sum(axis=0) / 6 + eps)
    along = x * r * (dy * x * r).sum(axis=0) / 6
    return gamma * r * (dy - along), (dy * x * r).sum(axis=0)


@mutant("mean_square_backward", blamed="dgamma_of_the_cousin", says="inside the root")
def cousin_with_eps_beside_the_root(dy, x, gamma, eps=1e-5):
    r = 1 / (np.sqrt((x**2).mean(axis=0)) + eps)
    along = x * r * (dy * x * r).mean(axis=0)
    return gamma * r * (dy - along), (dy * x * r).sum(axis=0)


@mutant("mean_square_backward", blamed="dgamma_of_the_cousin", says="holds the variance")
def cousin_with_a_variance(dy, x, gamma, eps=1e-5):
    r = 1 / np.sqrt(x.var(axis=0) + eps)
    along = x * r * (dy * x * r).mean(axis=0)
    return gamma * r * (dy - along), (dy * x * r).sum(axis=0)


@mutant("mean_square_backward", blamed="dgamma_of_the_cousin", says="eps is missing")
def cousin_without_eps(dy, x, gamma, eps=1e-5):
    return _cousin(dy, x, gamma, 0.0)
