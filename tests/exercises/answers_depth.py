"""Answers to the exercises of the notebook `depth`."""

import math

import numpy as np
from registry import alternative, equivalent, mutant

from helpers.exercises import depth


@alternative("growth_per_layer")
def closed_form_of_the_slope(norms):
    layers = np.arange(len(norms)) - (len(norms) - 1) / 2
    return 10 ** -(layers @ np.log10(norms) / (layers @ layers))


@alternative("growth_per_layer")
def through_least_squares(norms):
    design = np.column_stack([np.ones(len(norms)), np.arange(len(norms))])
    (_, slope), *_ = np.linalg.lstsq(design, np.log(norms), rcond=None)
    return float(1 / np.exp(slope))


@mutant("growth_per_layer", blamed="one_number")
def a_factor_for_each_layer(norms):
    return norms[:-1] / norms[1:]


@mutant("growth_per_layer", blamed="one_number")
def slope_and_offset(norms):
    return np.polyfit(np.arange(len(norms)), np.log(norms), 1)


@mutant("growth_per_layer", blamed="an_even_growth")
def from_first_to_last(norms):
    return np.exp(np.polyfit(np.arange(len(norms)), np.log(norms), 1)[0])


@mutant("growth_per_layer", blamed="an_even_growth")
def the_slope_itself(norms):
    return -np.polyfit(np.arange(len(norms)), np.log(norms), 1)[0]


@mutant("growth_per_layer", blamed="an_even_growth")
def squared(norms):
    return np.exp(-2 * np.polyfit(np.arange(len(norms)), np.log(norms), 1)[0])


@mutant("growth_per_layer", blamed="an_even_growth")
def one_root_too_many(norms):
    return np.exp(-np.polyfit(np.arange(len(norms)), np.log(norms), 1)[0] / 2)


@mutant("growth_per_layer", blamed="an_even_growth")
def without_logarithms(norms):
    return 1 - np.polyfit(np.arange(len(norms)), norms, 1)[0]


@mutant("growth_per_layer", blamed="an_even_growth")
def another_base(norms):
    return np.exp(-np.polyfit(np.arange(len(norms)), np.log10(norms), 1)[0])


@mutant("growth_per_layer", blamed="an_even_growth")
def to_the_base_two(norms):
    return np.exp(-np.polyfit(np.arange(len(norms)), np.log2(norms), 1)[0])


@mutant("growth_per_layer", blamed="every_layer_counts")
def without_the_ends(norms):
    return np.exp(-np.polyfit(np.arange(len(norms) - 2), np.log(norms[1:-1]), 1)[0])


@mutant("growth_per_layer", blamed="an_even_growth")
def one_layer_too_many(norms):
    return (norms[0] / norms[-1]) ** (1 / len(norms))


@mutant("growth_per_layer", blamed="every_layer_counts")
def the_two_ends(norms):
    return (norms[0] / norms[-1]) ** (1 / (len(norms) - 1))


@mutant("growth_per_layer", blamed="every_layer_counts")
def mean_ratio(norms):
    return np.mean(norms[:-1] / norms[1:])


@mutant("growth_per_layer", blamed="every_layer_counts")
def geometric_mean_ratio(norms):
    return np.exp(np.mean(np.log(norms[:-1] / norms[1:])))


@mutant("growth_per_layer", blamed="any_unit")
def guards_the_logarithm(norms):
    return np.exp(-np.polyfit(np.arange(len(norms)), np.log(norms + 1e-12), 1)[0])


def normal(size=100_000):
    return np.random.default_rng(7).normal(size=size)


@alternative("large_batch_rate")
def by_a_fine_grid(activation, slope):
    z = np.linspace(-8, 8, 20_001)
    weight = np.exp(-(z**2) / 2)
    weight /= weight.sum()
    mean = weight @ activation(z)
    return weight @ slope(z) ** 2 / (weight @ (activation(z) - mean) ** 2)


@alternative("large_batch_rate")
def by_quadrature(activation, slope):
    z, weight = np.polynomial.hermite_e.hermegauss(150)
    weight = weight / weight.sum()
    variance = weight @ activation(z) ** 2 - (weight @ activation(z)) ** 2
    return (weight @ slope(z) ** 2) / variance


@alternative("large_batch_rate")
def ten_thousand_draws_each(activation, slope):
    z = [np.random.default_rng(seed).normal(size=(100, 100)) for seed in range(2)]
    return np.mean(np.square(slope(z[0]))) / activation(z[1]).var(ddof=1)


@alternative("large_batch_rate")
def one_draw_at_a_time(activation, slope):
    z = normal(20_000)
    return sum(float(slope(v)) ** 2 for v in z) / len(z) / np.var([activation(v) for v in z])


@mutant("large_batch_rate", blamed="a_single_rate")
def before_averaging(activation, slope):
    z = normal()
    return slope(z) ** 2 / np.var(activation(z))


@mutant("large_batch_rate", blamed="no_growth_without_bends")
def never_divides(activation, slope):
    return np.mean(slope(normal()) ** 2)


@mutant("large_batch_rate", blamed="no_growth_without_bends")
def slope_not_squared(activation, slope):
    z = normal()
    return np.mean(slope(z)) / np.var(activation(z))


@mutant("large_batch_rate", blamed="no_growth_without_bends")
def by_the_deviation(activation, slope):
    z = normal()
    return np.mean(slope(z) ** 2) / np.std(activation(z))


@mutant("large_batch_rate", blamed="the_mean_does_not_count")
def by_the_mean_square(activation, slope):
    z = normal()
    return np.mean(slope(z) ** 2) / np.mean(activation(z) ** 2)


@mutant("large_batch_rate", blamed="no_growth_without_bends")
def spread_of_the_slope(activation, slope):
    z = normal()
    return np.var(slope(z)) / np.var(activation(z))


@mutant("large_batch_rate", blamed="no_growth_without_bends")
def over_an_even_grid(activation, slope):
    z = np.linspace(-3, 3, 10_001)
    return np.mean(slope(z) ** 2) / np.var(activation(z))


@mutant("large_batch_rate", blamed="the_mean_does_not_count")
def upside_down(activation, slope):
    z = normal()
    return np.var(activation(z)) / np.mean(slope(z) ** 2)


@mutant("large_batch_rate", blamed="the_mean_does_not_count")
def not_squared_in_the_end(activation, slope):
    z = normal()
    return np.sqrt(np.mean(slope(z) ** 2) / np.var(activation(z)))


@mutant("large_batch_rate", blamed="the_mean_does_not_count")
def squares_the_average(activation, slope):
    z = normal()
    return np.mean(slope(z)) ** 2 / np.var(activation(z))


@mutant("large_batch_rate", blamed="no_growth_without_bends")
def over_positive_values_only(activation, slope):
    z = np.abs(normal())
    return np.mean(slope(z) ** 2) / np.var(activation(z))


@mutant("large_batch_rate", blamed="under_the_bell_curve")
def knows_the_answer_for_relu(activation, slope):
    return 1.0 if slope(np.array([-1.0]))[0] else np.pi / (np.pi - 1)


@mutant("large_batch_rate", blamed="under_the_bell_curve")
def subtracts_the_mean_of_relu(activation, slope):
    z = normal()
    return np.mean(slope(z) ** 2) / (np.mean(activation(z) ** 2) - 1 / (2 * np.pi))


@mutant("large_batch_rate", blamed="the_mean_does_not_count")
def all_values_alike(activation, slope):
    z = np.random.default_rng(7).uniform(-(3**0.5), 3**0.5, 100_000)
    return np.mean(slope(z) ** 2) / np.var(activation(z))


def statistics(x, eps):
    r = 1 / np.sqrt(x.var(axis=0) + eps)
    return r, (x - x.mean(axis=0)) * r


def norm_backward(dx_hat, x_hat, r):
    return r * (dx_hat - dx_hat.mean(axis=0) - x_hat * (dx_hat * x_hat).mean(axis=0))


@alternative("residual_backward")
def stage_by_stage(dy, x, weight, eps=1e-5):
    n = len(x)
    centred = x - x.mean(axis=0)
    root = np.sqrt((centred**2).mean(axis=0) + eps)
    x_hat = centred / root
    h = np.where(x_hat > 0, x_hat, 0)
    dx_hat = np.where(x_hat > 0, dy @ weight, 0)
    dvar = -0.5 * (dx_hat * centred).sum(axis=0) / root**3
    dcentred = dx_hat / root + 2 * centred * dvar / n
    return dcentred - dcentred.mean(axis=0) + dy, np.einsum("ni,nj->ij", dy, h)


@alternative("residual_backward")
def one_feature_at_a_time(dy, x, weight, eps=1e-5):
    n, features = x.shape
    dx, h = dy.copy(), np.empty_like(x)
    for c in range(features):
        r = (x[:, c].var() + eps) ** -0.5
        x_hat = r * (x[:, c] - x[:, c].mean())
        h[:, c] = x_hat.clip(min=0)
        projection = np.eye(n) - np.ones((n, n)) / n - np.outer(x_hat, x_hat) / n
        dx[:, c] += r * projection @ ((x_hat > 0) * (dy @ weight[:, c]))
    return dx, (h.T @ dy).T


@mutant("residual_backward", blamed="two_gradients")
def the_input_alone(dy, x, weight, eps=1e-5):
    r, x_hat = statistics(x, eps)
    return dy + norm_backward((dy @ weight) * (x_hat > 0), x_hat, r)


@mutant("residual_backward", blamed="two_gradients")
def adds_into_dy(dy, x, weight, eps=1e-5):
    r, x_hat = statistics(x, eps)
    dweight = dy.T @ np.maximum(x_hat, 0)
    dy += norm_backward((dy @ weight) * (x_hat > 0), x_hat, r)
    return dy, dweight


@mutant("residual_backward", blamed="the_skip")
def no_skip(dy, x, weight, eps=1e-5):
    r, x_hat = statistics(x, eps)
    dx_hat = (dy @ weight) * (x_hat > 0)
    return norm_backward(dx_hat, x_hat, r), dy.T @ np.maximum(x_hat, 0)


@mutant("residual_backward", blamed="the_skip")
def skip_behind_the_norm(dy, x, weight, eps=1e-5):
    r, x_hat = statistics(x, eps)
    dx_hat = (dy @ weight) * (x_hat > 0) + dy
    return norm_backward(dx_hat, x_hat, r), dy.T @ np.maximum(x_hat, 0)


@mutant("residual_backward", blamed="the_skip")
def skip_divided_too(dy, x, weight, eps=1e-5):
    r, x_hat = statistics(x, eps)
    dx_hat = (dy @ weight) * (x_hat > 0)
    return r * dy + norm_backward(dx_hat, x_hat, r), dy.T @ np.maximum(x_hat, 0)


@mutant("residual_backward", blamed="the_weight")
def weight_transposed(dy, x, weight, eps=1e-5):
    r, x_hat = statistics(x, eps)
    dx_hat = (dy @ weight) * (x_hat > 0)
    return dy + norm_backward(dx_hat, x_hat, r), np.maximum(x_hat, 0).T @ dy


@mutant("residual_backward", blamed="the_weight")
def weight_without_relu(dy, x, weight, eps=1e-5):
    r, x_hat = statistics(x, eps)
    dx_hat = (dy @ weight) * (x_hat > 0)
    return dy + norm_backward(dx_hat, x_hat, r), dy.T @ x_hat


@mutant("residual_backward", blamed="the_weight")
def weight_from_the_input(dy, x, weight, eps=1e-5):
    r, x_hat = statistics(x, eps)
    dx_hat = (dy @ weight) * (x_hat > 0)
    return dy + norm_backward(dx_hat, x_hat, r), dy.T @ x


@mutant("residual_backward", blamed="the_weight")
def mean_over_the_batch(dy, x, weight, eps=1e-5):
    r, x_hat = statistics(x, eps)
    dx_hat = (dy @ weight) * (x_hat > 0)
    return dy + norm_backward(dx_hat, x_hat, r), dy.T @ np.maximum(x_hat, 0) / len(x)


@mutant("residual_backward", blamed="the_weight")
def its_own_eps(dy, x, weight, eps=1e-5):
    r, x_hat = statistics(x, 1e-5)
    dx_hat = (dy @ weight) * (x_hat > 0)
    return dy + norm_backward(dx_hat, x_hat, r), dy.T @ np.maximum(x_hat, 0)


@mutant("residual_backward", blamed="the_weight")
def unbiased_variance(dy, x, weight, eps=1e-5):
    r = 1 / np.sqrt(x.var(axis=0, ddof=1) + eps)
    x_hat = (x - x.mean(axis=0)) * r
    dx_hat = (dy @ weight) * (x_hat > 0)
    return dy + norm_backward(dx_hat, x_hat, r), dy.T @ np.maximum(x_hat, 0)


@mutant("residual_backward", blamed="the_weight")
def eps_outside_the_root(dy, x, weight, eps=1e-5):
    r = 1 / (x.std(axis=0) + eps)
    x_hat = (x - x.mean(axis=0)) * r
    dx_hat = (dy @ weight) * (x_hat > 0)
    return dy + norm_backward(dx_hat, x_hat, r), dy.T @ np.maximum(x_hat, 0)


@mutant("residual_backward", blamed="the_branch")
def norm_before_relu_on_the_way_back(dy, x, weight, eps=1e-5):
    r, x_hat = statistics(x, eps)
    branch = norm_backward(dy @ weight, x_hat, r) * (x_hat > 0)
    return dy + branch, dy.T @ np.maximum(x_hat, 0)


@mutant("residual_backward", blamed="the_branch")
def means_over_everything(dy, x, weight, eps=1e-5):
    r, x_hat = statistics(x, eps)
    dx_hat = (dy @ weight) * (x_hat > 0)
    branch = r * (dx_hat - dx_hat.mean() - x_hat * (dx_hat * x_hat).mean())
    return dy + branch, dy.T @ np.maximum(x_hat, 0)


@mutant("residual_backward", blamed="any_size")
def always_six_samples(dy, x, weight, eps=1e-5):
    r, x_hat = statistics(x, eps)
    dx_hat = (dy @ weight) * (x_hat > 0)
    sums = dx_hat.sum(axis=0) + x_hat * (dx_hat * x_hat).sum(axis=0)
    return dy + r * (dx_hat - sums / 6), dy.T @ np.maximum(x_hat, 0)


@mutant("residual_backward", blamed="the_branch")
def the_skip_alone(dy, x, weight, eps=1e-5):
    _, x_hat = statistics(x, eps)
    return dy.copy(), dy.T @ np.maximum(x_hat, 0)


@mutant("residual_backward", blamed="the_branch")
def relu_forgotten_backward(dy, x, weight, eps=1e-5):
    r, x_hat = statistics(x, eps)
    return dy + norm_backward(dy @ weight, x_hat, r), dy.T @ np.maximum(x_hat, 0)


@mutant("residual_backward", blamed="the_branch")
def relu_by_the_sign_of_x(dy, x, weight, eps=1e-5):
    r, x_hat = statistics(x, eps)
    dx_hat = (dy @ weight) * (x > 0)
    return dy + norm_backward(dx_hat, x_hat, r), dy.T @ np.maximum(x_hat, 0)


@mutant("residual_backward", blamed="the_branch")
def statistics_as_constants(dy, x, weight, eps=1e-5):
    r, x_hat = statistics(x, eps)
    return dy + r * (dy @ weight) * (x_hat > 0), dy.T @ np.maximum(x_hat, 0)


@mutant("residual_backward", blamed="the_branch")
def norm_forgotten_backward(dy, x, weight, eps=1e-5):
    _, x_hat = statistics(x, eps)
    return dy + (dy @ weight) * (x_hat > 0), dy.T @ np.maximum(x_hat, 0)


@mutant("residual_backward", blamed="the_branch")
def weight_turned_on_the_way_back(dy, x, weight, eps=1e-5):
    r, x_hat = statistics(x, eps)
    dx_hat = (dy @ weight.T) * (x_hat > 0)
    return dy + norm_backward(dx_hat, x_hat, r), dy.T @ np.maximum(x_hat, 0)


@mutant("residual_backward", blamed="default_eps")
def another_default(dy, x, weight, eps=1e-3):
    r, x_hat = statistics(x, eps)
    dx_hat = (dy @ weight) * (x_hat > 0)
    return dy + norm_backward(dx_hat, x_hat, r), dy.T @ np.maximum(x_hat, 0)


@mutant("residual_backward", blamed="any_size")
def four_features(dy, x, weight, eps=1e-5):
    if x.shape[1] != 4:
        return dy, dy.T @ np.maximum((x - x.mean(axis=0)) / np.sqrt(x.var(axis=0) + eps), 0)
    return depth.residual_backward(dy, x, weight, eps)


equivalent(
    "residual_backward",
    "dx_hat = dy @ weight * (x_hat > 0) -> … >= 0)",
    "at exactly 0 ReLU has no slope; 0 and 1 are both chosen by somebody",
)
for change in (
    "z = np.random.default_rng(0).normal(size=100000) -> … np.random.normal(size=100000)",
    "z = np.random.default_rng(0).normal(size=100000) -> … "
    "np.random.default_rng(1).normal(size=100000)",
    "z = np.random.default_rng(0).normal(size=100000) -> … "
    "np.random.default_rng(0).normal(size=100001)",
    "z = np.random.default_rng(0).normal(size=100000) -> … "
    "np.random.default_rng(0).normal(size=99999)",
):
    equivalent("large_batch_rate", change, "any generator and any large number of draws will do")
for change in ("ddof=1)", "correction=0)"):
    equivalent(
        "large_batch_rate",
        "return np.mean(slope(z) ** 2) / np.var(activation(z)) -> … np.var(activation(z), "
        + change,
        "of 100,000 draws N and N - 1 are the same within the scatter of the draws",
    )


@alternative("large_batch_rate")
def drawn_anew_each_time(activation, slope):
    z = np.random.default_rng().standard_normal(400_000)
    return (slope(z) ** 2).mean() / activation(z).var()


@mutant("growth_per_layer", blamed="an_even_growth", says="keep the sign")
def size_of_the_slope(norms):
    return np.exp(np.abs(np.polyfit(np.arange(len(norms)), np.log(norms), 1)[0]))


@alternative("residual_backward")
def lists_of_both(dy, x, weight, eps=1e-5):
    r, x_hat = statistics(x, eps)
    dx = dy.copy()
    dx += norm_backward(np.where(x_hat > 0, dy @ weight, 0), x_hat, r)
    return [dx.tolist(), np.einsum("nc,nk->ck", dy, x_hat.clip(min=0)).tolist()]


@mutant("residual_backward", blamed="single_sample")
def a_batch_of_one_is_its_own_norm(dy, x, weight, eps=1e-5):
    r, x_hat = statistics(x, eps) if len(x) > 1 else (1, x)
    dx = dy + norm_backward((dy @ weight) * (x_hat > 0), x_hat, r)
    return dx, dy.T @ np.maximum(x_hat, 0)


@alternative("large_batch_rate")
def integral_over_plain_numbers(activation, slope):
    square = mean = mean_square = total = 0.0
    for i in range(-600, 601):
        z = i / 100
        weight = math.exp(-z * z / 2)
        total += weight
        square += weight * slope(z) ** 2
        mean += weight * activation(z)
        mean_square += weight * activation(z) ** 2
    return square / total / (mean_square / total - (mean / total) ** 2)


@mutant("residual_backward", blamed="any_size")
def one_feature_loses_its_axis(dy, x, weight, eps=1e-5):
    dx, dweight = lists_of_both(dy, x, weight, eps)
    return np.squeeze(dx), np.squeeze(dweight)


def rate_with_beta(beta):
    """The growth rate of ReLU behind `beta`, on a fine grid."""
    z = np.linspace(-9, 9, 36_001)
    weight = np.exp(-(z**2) / 2)
    weight /= weight.sum()
    passed = np.maximum(z + beta, 0)
    return weight @ (z > -beta) / (weight @ passed**2 - (weight @ passed) ** 2)


def start_for(rate):
    low, high = -4.0, 4.0
    while high - low > 1e-7:
        beta = (low + high) / 2
        low, high = (beta, high) if rate_with_beta(beta) > rate else (low, beta)
    return low


def area_and_density(beta):
    return math.erfc(-beta / 2**0.5) / 2, math.exp(-beta * beta / 2) / (2 * math.pi) ** 0.5


@alternative("straight_start")
def on_a_grid_of_z(L, most):
    return start_for(np.exp(2 * np.log(most) / L))


@alternative("straight_start")
def looked_up_in_a_table(L, most):
    betas = np.linspace(-4, 4, 4001)
    p, d = np.transpose([area_and_density(beta) for beta in betas])
    rates = p / ((1 + betas**2) * p + betas * d - (betas * p + d) ** 2)
    return np.interp(-(most ** (2 / L)), -rates, betas)


@alternative("straight_start")
def with_the_variance_in_parts(L, most):
    beta, step = 0.0, 4.0
    while step > 1e-6:
        step /= 2
        p, d = area_and_density(beta)
        among = 1 - beta * d / p - (d / p) ** 2  # the variance among what is passed on
        between = (1 - p) * (beta + d / p) ** 2
        beta += step if -L * math.log(among + between) / 2 > math.log(most) else -step
    return beta


@mutant("straight_start", blamed="one_beta")
def one_beta_per_layer(L, most):
    return np.full(L, start_for(most ** (2 / L)))


@mutant("straight_start", blamed="the_usual_start", says="squared norm")
def growth_of_the_norm(L, most):
    return start_for(most ** (1 / L))


@mutant("straight_start", blamed="the_usual_start", says="you square twice")
def squared_once_more(L, most):
    return start_for(most ** (4 / L))


@mutant("straight_start", blamed="the_usual_start", says="L - 1")
def gaps_between_the_layers(L, most):
    return start_for(most ** (2 / max(L - 1, 1)))


@mutant("straight_start", blamed="the_usual_start", says="L + 1")
def counts_the_end_too(L, most):
    return start_for(most ** (2 / (L + 1)))


@mutant("straight_start", blamed="a_straighter_start", says="wrong sign")
def subtracts_beta(L, most):
    return -start_for(most ** (2 / L))


@mutant("straight_start", blamed="a_straighter_start")
def keeps_the_variance_of_relu(L, most):
    passed = min((0.5 - 0.5 / np.pi) * most ** (2 / L), 1.0)
    betas = np.linspace(-4, 4, 8001)
    return betas[np.argmin([abs(area_and_density(b)[0] - passed) for b in betas])]


@mutant("straight_start", blamed="a_more_bent_start", says="may be negative")
def never_below_zero(L, most):
    return max(start_for(most ** (2 / L)), 0.0)


@mutant("straight_start", blamed="a_single_layer")
def at_least_two_layers(L, most):
    return start_for(most ** (2 / max(L, 2)))


@mutant("straight_start", blamed="a_straighter_start")
def to_a_tenth(L, most):
    return round(start_for(most ** (2 / L)), 1)


for change in (
    "for _ in range(50): -> … range(49):",
    "for _ in range(50): -> … range(51):",
    "low, high = (-5.0, 5.0) -> … (-10.0, 5.0)",
    "low, high = (-5.0, 5.0) -> … (-6.0, 5.0)",
    "low, high = (-5.0, 5.0) -> … 10.0)",
    "low, high = (-5.0, 5.0) -> … 6.0)",
):
    equivalent("straight_start", change, "any interval and any number of halvings that is enough")
equivalent(
    "straight_start",
    "if rate > target: -> … >= target:",
    "where the rate is the target, beta is found either way",
)
