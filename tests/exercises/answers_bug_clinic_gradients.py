"""Answers to the exercises of the notebook `bug_clinic` about gradients and their checks."""

import numpy as np
import torch
from registry import alternative, mutant

from helpers.numpy_nn.gradcheck import numerical_gradient, relative_error

# normalize_batch


@alternative("normalize_batch")
def with_var_mean(x, gamma, beta, eps=1e-5):
    var, mu = torch.var_mean(x, dim=0, correction=0)
    return (x - mu) * torch.rsqrt(var + eps) * gamma + beta


@alternative("normalize_batch")
def with_the_library(x, gamma, beta, eps=1e-5):
    return torch.nn.functional.batch_norm(x, None, None, gamma, beta, training=True, eps=eps)


@alternative("normalize_batch")
def with_gradients_enabled_again(x, gamma, beta, eps=1e-5):
    with torch.no_grad(), torch.enable_grad():
        mu = x.mean(dim=0)
        var = ((x - mu) ** 2).mean(dim=0)
    return gamma * (x - mu) / torch.sqrt(var + eps) + beta


@mutant("normalize_batch", blamed="slopes_of_x")
def only_the_mean_repaired(x, gamma, beta, eps=1e-5):
    mu = x.mean(dim=0)
    with torch.no_grad():
        var = x.var(dim=0, correction=0)
    return gamma * (x - mu) / torch.sqrt(var + eps) + beta


@mutant("normalize_batch", blamed="shift_costs_nothing")
def only_the_variance_repaired(x, gamma, beta, eps=1e-5):
    var = x.var(dim=0, correction=0)
    with torch.no_grad():
        mu = x.mean(dim=0)
    return gamma * (x - mu) / torch.sqrt(var + eps) + beta


@mutant("normalize_batch", blamed="shift_costs_nothing")
def detached_instead(x, gamma, beta, eps=1e-5):
    mu, var = x.detach().mean(dim=0), x.detach().var(dim=0, correction=0)
    return gamma * (x - mu) / torch.sqrt(var + eps) + beta


@mutant("normalize_batch", blamed="shift_costs_nothing")
def nothing_flows(x, gamma, beta, eps=1e-5):
    x = x.detach()
    mu, var = x.mean(dim=0), x.var(dim=0, correction=0)
    return gamma * (x - mu) / torch.sqrt(var + eps) + beta


@mutant("normalize_batch", blamed="shift_costs_nothing")
def a_new_leaf(x, gamma, beta, eps=1e-5):
    x = x.detach().requires_grad_()
    mu, var = x.mean(dim=0), x.var(dim=0, correction=0)
    return gamma * (x - mu) / torch.sqrt(var + eps) + beta


@alternative("normalize_batch")
def feature_after_feature(x, gamma, beta, eps=1e-5):
    columns = [
        g * (c - c.mean()) * (c.var(unbiased=False) + eps) ** -0.5 + b
        for c, g, b in zip(x.T, gamma, beta, strict=True)
    ]
    return torch.stack(columns, dim=1)


@mutant("normalize_batch", blamed="shift_costs_nothing")
def all_under_no_grad(x, gamma, beta, eps=1e-5):
    with torch.no_grad():
        mu, var = x.mean(dim=0), x.var(dim=0, correction=0)
        return gamma * (x - mu) / torch.sqrt(var + eps) + beta


@mutant("normalize_batch", blamed="forward_stays")
def default_correction(x, gamma, beta, eps=1e-5):
    mu, var = x.mean(dim=0), x.var(dim=0)
    return gamma * (x - mu) / torch.sqrt(var + eps) + beta


@mutant("normalize_batch", blamed="slopes_of_parameters")
def gamma_a_constant(x, gamma, beta, eps=1e-5):
    mu, var = x.mean(dim=0), x.var(dim=0, correction=0)
    return gamma.detach() * (x - mu) / torch.sqrt(var + eps) + beta


@mutant("normalize_batch", blamed="slopes_of_parameters")
def beta_added_without_gradient(x, gamma, beta, eps=1e-5):
    mu, var = x.mean(dim=0), x.var(dim=0, correction=0)
    return gamma * (x - mu) / torch.sqrt(var + eps) + torch.tensor(beta.tolist()).to(x.dtype)


@mutant("normalize_batch", blamed="slopes_of_x")
def no_slope_through_the_root(x, gamma, beta, eps=1e-5):
    mu = x.mean(dim=0)
    root = torch.sqrt(((x - mu) ** 2).mean(dim=0).detach() + eps)
    return gamma * (x - mu) / root + beta


# backward_is_right


def close(dx, truth, rtol=1e-3, atol=1e-5):
    return np.allclose(dx, truth, rtol=rtol, atol=atol)


@alternative("backward_is_right")
def towards_a_target(forward, backward, x, gamma, beta):
    target = np.random.default_rng(5).normal(size=x.shape) * 3
    dy = 2 * (forward(x, gamma, beta) - target)
    dx = backward(dy, x, gamma)
    return close(
        dx, numerical_gradient(lambda x: ((forward(x, gamma, beta) - target) ** 2).sum(), x)
    )


@alternative("backward_is_right")
def one_output_after_another(forward, backward, x, gamma, beta):
    for spot in np.ndindex(x.shape):
        dy = np.zeros_like(x)
        dy[spot] = 1.0
        truth = numerical_gradient(lambda x, spot=spot: forward(x, gamma, beta)[spot], x)
        if not close(backward(dy, x, gamma), truth):
            return False
    return True


@alternative("backward_is_right")
def with_a_relative_error(forward, backward, x, gamma, beta):
    w = np.cos(np.arange(x.size) ** 2).reshape(x.shape)
    truth = numerical_gradient(lambda x: (w * forward(x, gamma, beta)).sum(), x)
    return relative_error(backward(w, x, gamma), truth) < 1e-4


@alternative("backward_is_right")
def with_large_weights(forward, backward, x, gamma, beta):
    w = np.arange(x.size).reshape(x.shape) ** 1.5
    truth = numerical_gradient(lambda x: (w * forward(x, gamma, beta)).sum(), x)
    return close(backward(w, x, gamma), truth)


@mutant("backward_is_right", blamed="wrong_ones_fail")
def direction_only(forward, backward, x, gamma, beta):
    w = np.random.default_rng(0).normal(size=x.shape)
    truth = numerical_gradient(lambda x: (w * forward(x, gamma, beta)).sum(), x)
    dx = backward(w, x, gamma)
    return bool((dx * truth).sum() > 0.9999 * np.linalg.norm(dx) * np.linalg.norm(truth))


@mutant("backward_is_right", blamed="one_wrong_entry")
def length_only(forward, backward, x, gamma, beta):
    w = np.random.default_rng(0).normal(size=x.shape)
    truth = numerical_gradient(lambda x: (w * forward(x, gamma, beta)).sum(), x)
    return bool(np.isclose(np.linalg.norm(backward(w, x, gamma)), np.linalg.norm(truth), rtol=1e-3))


@mutant("backward_is_right", blamed="whatever_the_spread")
def sum_of_squares(forward, backward, x, gamma, beta):
    dy = 2 * forward(x, gamma, beta)
    return close(
        backward(dy, x, gamma),
        numerical_gradient(lambda x: (forward(x, gamma, beta) ** 2).sum(), x),
    )


@mutant("backward_is_right", blamed="wrong_ones_fail")
def weights_per_feature(forward, backward, x, gamma, beta):
    w = np.ones_like(x) * [1.0, -2.0, 0.5]
    truth = numerical_gradient(lambda x: (w * forward(x, gamma, beta)).sum(), x)
    return close(backward(w, x, gamma), truth)


@mutant("backward_is_right", blamed="wrong_ones_fail")
def mean_instead_of_sum(forward, backward, x, gamma, beta):
    dy = np.full_like(x, 1 / x.size)
    truth = numerical_gradient(lambda x: forward(x, gamma, beta).mean(), x)
    return close(backward(dy, x, gamma), truth)


@mutant("backward_is_right", blamed="right_ones_pass")
def never_satisfied(forward, backward, x, gamma, beta):
    return False


@mutant("backward_is_right", blamed="wrong_ones_fail")
def always_satisfied(forward, backward, x, gamma, beta):
    return True


@mutant("backward_is_right", blamed="right_ones_pass")
def dy_is_not_the_slope(forward, backward, x, gamma, beta):
    w = np.random.default_rng(0).normal(size=x.shape)
    truth = numerical_gradient(lambda x: (w * forward(x, gamma, beta)).sum(), x)
    return close(backward(np.ones_like(x), x, gamma), truth)


@mutant("backward_is_right", blamed="right_ones_pass")
def far_too_small_a_step(forward, backward, x, gamma, beta):
    w = np.random.default_rng(0).normal(size=x.shape)
    truth = numerical_gradient(lambda x: (w * forward(x, gamma, beta)).sum(), x, h=1e-13)
    return close(backward(w, x, gamma), truth)


@mutant("backward_is_right", blamed="wrong_ones_fail")
def far_too_patient(forward, backward, x, gamma, beta):
    w = np.random.default_rng(0).normal(size=x.shape)
    truth = numerical_gradient(lambda x: (w * forward(x, gamma, beta)).sum(), x)
    return close(backward(w, x, gamma), truth, rtol=0.5, atol=0.5)


@mutant("backward_is_right", blamed="right_ones_pass")
def one_answer_per_entry(forward, backward, x, gamma, beta):
    w = np.random.default_rng(0).normal(size=x.shape)
    truth = numerical_gradient(lambda x: (w * forward(x, gamma, beta)).sum(), x)
    return np.isclose(backward(w, x, gamma), truth, rtol=1e-3, atol=1e-5)


@mutant("backward_is_right", blamed="one_wrong_entry")
def first_sample_only(forward, backward, x, gamma, beta):
    w = np.random.default_rng(0).normal(size=x.shape)
    truth = numerical_gradient(lambda x: (w * forward(x, gamma, beta)).sum(), x)
    return close(backward(w, x, gamma)[0], truth[0])


@mutant("backward_is_right", blamed="one_wrong_entry")
def median_entry(forward, backward, x, gamma, beta):
    w = np.random.default_rng(0).normal(size=x.shape)
    truth = numerical_gradient(lambda x: (w * forward(x, gamma, beta)).sum(), x)
    return bool(np.median(np.abs(backward(w, x, gamma) - truth)) < 1e-5)


# checking_batch


@alternative("checking_batch")
def three_samples(rng, features, classes):
    return rng.normal(size=(3, features)), np.arange(3) % classes


@alternative("checking_batch")
def many_uniform_samples(rng, features, classes):
    return rng.uniform(-2, 2, size=(20, features)), rng.integers(0, classes, 20)


@alternative("checking_batch")
def list_of_labels(rng, features, classes):
    return [10 * rng.standard_normal((6, features)), [0, 1, 2, 2, 1, 0]]


@mutant("checking_batch", blamed="wrong_networks_do_not")
def two_far_apart(rng, features, classes):
    x = rng.normal(size=(2, features))
    return x * [[100.0], [-100.0]], np.array([0, 1])


@mutant("checking_batch", blamed="wrong_networks_do_not")
def two_of_different_classes(rng, features, classes):
    return 3 * rng.normal(size=(2, features)), np.array([0, classes - 1])


@mutant("checking_batch", blamed="wrong_networks_do_not")
def two_samples_four_times(rng, features, classes):
    x = rng.normal(size=(2, features))
    return np.tile(x, (4, 1)), np.tile([0, 1], 4)


@mutant("checking_batch", blamed="wrong_networks_do_not")
def eight_times_the_same(rng, features, classes):
    return np.tile(rng.normal(size=(1, features)), (8, 1)), rng.integers(classes, size=8)


@mutant("checking_batch", blamed="right_network_agrees")
def as_far_apart_as_numbers_go(rng, features, classes):
    return 1e200 * rng.normal(size=(8, features)), rng.integers(classes, size=8)


@mutant("checking_batch", blamed="a_batch")
def one_sample(rng, features, classes):
    return rng.normal(size=(1, features)), rng.integers(classes, size=1)


@mutant("checking_batch", blamed="a_batch")
def single_precision(rng, features, classes):
    return rng.normal(size=(8, features)).astype(np.float32), rng.integers(classes, size=8)


@mutant("checking_batch", blamed="a_batch")
def labels_too_large(rng, features, classes):
    return rng.normal(size=(8, features)), rng.integers(1, classes + 1, size=8)


@mutant("checking_batch", blamed="a_batch")
def only_the_inputs(rng, features, classes):
    return rng.normal(size=(8, features))


@mutant("checking_batch", blamed="a_batch")
def features_times_samples(rng, features, classes):
    return rng.normal(size=(features, 8)), rng.integers(classes, size=8)
