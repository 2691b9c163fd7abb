"""Answers to the exercises of the notebook `bug_clinic` about gradients and their checks."""

import numpy as np
import torch
from registry import alternative, equivalent, mutant

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


@mutant("normalize_batch", blamed="slopes_of_parameters", says="no gradient reaches gamma")
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


@alternative("normalize_batch")
def by_einsum(x, gamma, beta, eps=1e-5):
    c = x - torch.einsum("nc->c", x) / len(x)
    var = torch.einsum("nc,nc->c", c, c) / len(x)
    return torch.addcmul(beta, c, gamma / torch.sqrt(var + eps))


@alternative("normalize_batch")
def with_a_layer(x, gamma, beta, eps=1e-5):
    layer = torch.nn.BatchNorm1d(x.shape[1], eps=eps, affine=False, track_running_stats=False)
    return layer(x) * gamma + beta


@alternative("normalize_batch")
def as_rows_of_a_layer_norm(x, gamma, beta, eps=1e-5):
    """Layer norm of the transposed batch: every feature is a row."""
    rows = torch.nn.functional.layer_norm(x.T, (len(x),), eps=eps)
    return rows.T * gamma + beta


@mutant("normalize_batch", blamed="shift_costs_nothing", says="changed in place")
def in_place_on_its_own(x, gamma, beta, eps=1e-5):
    y = x - x.mean(dim=0, keepdim=True)
    y /= y.square().mean(dim=0).add(eps).sqrt()
    return y.mul(gamma).add_(beta)


@mutant("normalize_batch", blamed="any_batch")
def six_samples(x, gamma, beta, eps=1e-5):
    mu = x.sum(dim=0) / 6
    var = ((x - mu) ** 2).sum(dim=0) / 6
    return gamma * (x - mu) / torch.sqrt(var + eps) + beta


@mutant("normalize_batch", blamed="any_batch")
def mean_needs_three_samples(x, gamma, beta, eps=1e-5):
    mu = x.mean(dim=0) if len(x) > 2 else x.mean(dim=0).detach()
    return gamma * (x - mu) / torch.sqrt(((x - mu) ** 2).mean(dim=0) + eps) + beta


@mutant("normalize_batch", blamed="any_batch")
def one_feature_has_no_mean_of_its_own(x, gamma, beta, eps=1e-5):
    mu, var = x.mean(dim=0), x.var(dim=0, correction=int(x.shape[1] == 1))
    return gamma * (x - mu) / torch.sqrt(var + eps) + beta


@mutant("normalize_batch", blamed="eps_left_out")
def half_by_default(x, gamma, beta, eps=0.5):
    mu, var = x.mean(dim=0), x.var(dim=0, correction=0)
    return gamma * (x - mu) / torch.sqrt(var + eps) + beta


@mutant("normalize_batch", blamed="eps_left_out")
def default_of_keras(x, gamma, beta, eps=1e-3):
    mu, var = x.mean(dim=0), x.var(dim=0, correction=0)
    return gamma * (x - mu) / torch.sqrt(var + eps) + beta


@mutant("normalize_batch", blamed="forward_stays")
def its_own_eps(x, gamma, beta, eps=1e-5):
    mu, var = x.mean(dim=0), x.var(dim=0, correction=0)
    return gamma * (x - mu) / torch.sqrt(var + 1e-5) + beta


@mutant("normalize_batch", blamed="forward_stays")
def beta_is_scaled(x, gamma, beta, eps=1e-5):
    mu, var = x.mean(dim=0), x.var(dim=0, correction=0)
    return gamma * ((x - mu) / torch.sqrt(var + eps) + beta)


@mutant("normalize_batch", blamed="forward_stays")
def eps_outside_the_root(x, gamma, beta, eps=1e-5):
    return gamma * (x - x.mean(dim=0)) / (x.std(dim=0, correction=0) + eps) + beta


@mutant("normalize_batch", blamed="slopes_of_x")
def spread_of_a_copy(x, gamma, beta, eps=1e-5):
    var = x.clone().detach().var(dim=0, correction=0)
    return gamma * (x - x.mean(dim=0)) * torch.rsqrt(var + eps) + beta


@mutant("normalize_batch", blamed="slopes_of_parameters")
def parameters_as_data(x, gamma, beta, eps=1e-5):
    mu, var = x.mean(dim=0), x.var(dim=0, correction=0)
    return gamma.data * (x - mu) / torch.sqrt(var + eps) + beta.data


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


@alternative("backward_is_right")
def with_own_differences(forward, backward, x, gamma, beta):
    rng, h = np.random.default_rng(), 1e-5
    dy = rng.uniform(0.5, 2, size=x.shape) * rng.choice([-1, 1], size=x.shape)
    truth = np.empty(x.shape)
    for spot in np.ndindex(x.shape):
        step = np.zeros(x.shape)
        step[spot] = h
        difference = forward(x + step, gamma, beta) - forward(x - step, gamma, beta)
        truth[spot] = (dy * difference).sum() / (2 * h)
    error = np.abs(backward(dy, x, gamma) - truth).max()
    return bool(error < 1e-4 * np.abs(truth).max() + 1e-8)


@alternative("backward_is_right")
def along_many_directions(forward, backward, x, gamma, beta):
    rng, h = np.random.default_rng(3), 1e-6
    dy = rng.normal(size=x.shape) ** 3
    dx = backward(dy, x, gamma)
    for _ in range(3 * x.size):
        way = rng.normal(size=x.shape)
        change = forward(x + h * way, gamma, beta) - forward(x - h * way, gamma, beta)
        slope = (dy * change).sum() / (2 * h)
        if abs(slope - (dx * way).sum()) > 1e-3 * np.linalg.norm(dx):
            return False
    return True


def with_weights(forward, backward, x, gamma, beta):
    """(dx, the central difference) for a loss with drawn weights."""
    w = np.random.default_rng(0).normal(size=x.shape)
    truth = numerical_gradient(lambda x: (w * forward(x, gamma, beta)).sum(), x)
    return backward(w, x, gamma), truth


@mutant("backward_is_right", blamed="slightly_wrong")
def to_ten_percent(forward, backward, x, gamma, beta):
    return close(*with_weights(forward, backward, x, gamma, beta), rtol=0.1)


@mutant("backward_is_right", blamed="slightly_wrong")
def small_gradients_get_through(forward, backward, x, gamma, beta):
    return close(*with_weights(forward, backward, x, gamma, beta), atol=1e-3)


@mutant("backward_is_right", blamed="slightly_wrong")
def to_one_decimal(forward, backward, x, gamma, beta):
    dx, truth = with_weights(forward, backward, x, gamma, beta)
    return np.array_equal(np.round(dx, 1), np.round(truth, 1))


@mutant("backward_is_right", blamed="any_samples")
def weights_of_this_size(forward, backward, x, gamma, beta):
    w = np.random.default_rng(0).normal(size=(8, 3))[: len(x), : x.shape[1]]
    if x.shape != (8, 3):
        w = np.ones_like(x)
    truth = numerical_gradient(lambda x: (w * forward(x, gamma, beta)).sum(), x)
    return close(backward(w, x, gamma), truth)


@mutant("backward_is_right", blamed="any_samples")
def first_three_features_second_one(forward, backward, x, gamma, beta):
    dx, truth = with_weights(forward, backward, x, gamma, beta)
    return close(dx, truth) if x.shape[1] > 1 else True


@mutant("backward_is_right", blamed="one_wrong_entry")
def mean_of_the_errors(forward, backward, x, gamma, beta):
    dx, truth = with_weights(forward, backward, x, gamma, beta)
    return bool(np.mean(np.abs(dx - truth)) < 0.03 * np.abs(truth).mean())


@mutant("backward_is_right", blamed="one_wrong_entry")
def sums_of_features(forward, backward, x, gamma, beta):
    dx, truth = with_weights(forward, backward, x, gamma, beta)
    return close(dx[:4], truth[:4])


@mutant("backward_is_right", blamed="right_ones_pass")
def to_the_last_bit(forward, backward, x, gamma, beta):
    return bool((np.subtract(*with_weights(forward, backward, x, gamma, beta)) == 0).all())


@mutant("backward_is_right", blamed="right_ones_pass")
def one_sided_difference(forward, backward, x, gamma, beta):
    w, h = np.random.default_rng(0).normal(size=x.shape), 0.1
    start, truth = (w * forward(x, gamma, beta)).sum(), np.empty_like(x)
    for spot in np.ndindex(x.shape):
        moved = x.copy()
        moved[spot] += h
        truth[spot] = ((w * forward(moved, gamma, beta)).sum() - start) / h
    return close(backward(w, x, gamma), truth)


@mutant("backward_is_right", blamed="right_ones_pass")
def returns_the_error(forward, backward, x, gamma, beta):
    return relative_error(*with_weights(forward, backward, x, gamma, beta))


@mutant("backward_is_right", blamed="wrong_ones_fail")
def any_entry_will_do(forward, backward, x, gamma, beta):
    dx, truth = with_weights(forward, backward, x, gamma, beta)
    return bool((np.abs(dx - truth) < 0.05).any())


WEIGHTS = "weights = np.random.default_rng(0).normal(size=x.shape) -> … "
for seed in ("np.random.normal(size=x.shape)", "np.random.default_rng(1).normal(size=x.shape)"):
    equivalent("backward_is_right", WEIGHTS + seed, because="any drawn weights will do")
CLOSE = "return np.allclose(dx, numerical_gradient(loss, x), rtol=0.001, atol=1e-05) -> … "
for tolerance in ("atol=1e-05)", "rtol=0.001)", "rtol=0.002, atol=1e-05)", "atol=2e-05)"):
    equivalent(
        "backward_is_right",
        CLOSE + tolerance,
        because="above the error of central differences, about 1e-9, and below that of a fault",
    )
equivalent(
    "backward_is_right",
    CLOSE + "np.allclose(numerical_gradient(loss, x), dx, rtol=0.001, atol=1e-05)",
    because="a thousandth of one is as good as a thousandth of the other",
)


# checking_batch


@alternative("checking_batch")
def three_samples(rng, features, classes):
    return rng.normal(size=(3, features)), np.arange(3) % classes


@alternative("checking_batch")
def many_uniform_samples(rng, features, classes):
    return rng.uniform(-2, 2, size=(20, features)), rng.integers(0, classes, 20)


@alternative("checking_batch")
def list_of_labels(rng, features, classes):
    return [10 * rng.standard_normal((6, features)), [0, 1, classes - 1, 1, 1, 0]]


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


@alternative("checking_batch")
def by_the_hypercube(rng, features, classes):
    x = rng.choice([-1.0, 1.0], size=(9, features)) + 0.1 * rng.normal(size=(9, features))
    return x, np.floor(classes * rng.random(9)).astype(int)


@alternative("checking_batch")
def every_class_in_turn(rng, features, classes):
    x = rng.standard_normal((4 * classes, features))
    return x - x.mean(axis=0), np.tile(np.arange(classes), 4)


@mutant("checking_batch", blamed="other_networks")
def five_features(rng, features, classes):
    return rng.normal(size=(8, 5)), rng.integers(classes, size=8)


@mutant("checking_batch", blamed="other_networks")
def three_classes(rng, features, classes):
    return rng.normal(size=(8, features)), np.array([0, 1, 2, 0, 1, 2, 0, 1])


@mutant("checking_batch", blamed="a_batch")
def one_hot_labels(rng, features, classes):
    return rng.normal(size=(8, features)), np.eye(classes)[rng.integers(classes, size=8)]


@mutant("checking_batch", blamed="a_batch")
def labels_as_floats(rng, features, classes):
    return rng.normal(size=(8, features)), rng.integers(classes, size=8).astype(float)


@mutant("checking_batch", blamed="a_batch")
def whole_numbers(rng, features, classes):
    return rng.integers(-9, 9, size=(8, features)), rng.integers(classes, size=8)


@mutant("checking_batch", blamed="a_batch")
def a_label_too_few(rng, features, classes):
    return rng.normal(size=(8, features)), rng.integers(classes, size=7)


@mutant("checking_batch", blamed="a_batch")
def labels_from_one(rng, features, classes):
    return rng.normal(size=(8, features)), 1 + np.arange(8) % classes


@mutant("checking_batch", blamed="wrong_networks_do_not")
def two_samples_and_their_copies(rng, features, classes):
    x = rng.normal(size=(2, features))
    return np.concatenate([x, x]), np.array([0, 1, 0, 1])


@mutant("checking_batch", blamed="wrong_networks_do_not")
def opposite_pairs(rng, features, classes):
    x = rng.normal(size=(1, features))
    return np.concatenate([x, -x]), np.zeros(2, dtype=int)


@mutant("checking_batch", blamed="right_network_agrees")
def not_a_number_among_them(rng, features, classes):
    x = rng.normal(size=(8, features))
    x[0, 0] = np.nan
    return x, rng.integers(classes, size=8)
