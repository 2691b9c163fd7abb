"""Answers to the exercise `batch_norm_backward` of the notebook `backward`."""

import numpy as np
import torch
from registry import alternative, mutant


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
