"""Answers to the exercises of the notebook `training`."""

import numpy as np
import torch
from registry import alternative, mutant


def layer_gradients(x, dy, weight, gamma, eps):
    """Correct gradients (dweight, dgamma, dbeta), for the answers that go wrong afterwards."""
    u = x @ weight.T
    r = 1 / np.sqrt(u.var(axis=0) + eps)
    x_hat = (u - u.mean(axis=0)) * r
    dx_hat = dy * gamma
    du = r * (dx_hat - dx_hat.mean(axis=0) - x_hat * (dx_hat * x_hat).mean(axis=0))
    return du.T @ x, (dy * x_hat).sum(axis=0), dy.sum(axis=0)


@alternative("training_step")
def stage_by_stage(x, dy, weight, gamma, beta, lr, eps=1e-5):
    n = len(x)
    u = np.einsum("ni,ci->nc", x, weight)
    centred = u - u.mean(axis=0)
    var = (centred**2).mean(axis=0)
    root = np.sqrt(var + eps)
    dx_hat = gamma * dy
    dvar = -0.5 * (dx_hat * centred).sum(axis=0) / root**3
    dcentred = dx_hat / root + 2 * centred * dvar / n
    du = dcentred - dcentred.mean(axis=0)
    new_weight = weight - lr * np.einsum("nc,ni->ci", du, x)
    return new_weight, gamma - lr * np.vecdot(dy.T, (centred / root).T), beta - lr * dy.sum(0)


@alternative("training_step")
def unit_by_unit(x, dy, weight, gamma, beta, lr, eps=1e-5):
    weight, gamma, beta = weight.copy(), gamma.copy(), beta.copy()
    n = len(x)
    for c in range(len(gamma)):
        u = x @ weight[c]
        r = (u.var() + eps) ** -0.5
        x_hat = r * (u - u.mean())
        projection = np.eye(n) - np.ones((n, n)) / n - np.outer(x_hat, x_hat) / n
        slope = gamma[c] * r * projection @ dy[:, c]
        weight[c] -= lr * slope @ x
        gamma[c] -= lr * dy[:, c] @ x_hat
        beta[c] -= lr * dy[:, c].sum()
    return weight, gamma, beta


@mutant("training_step", blamed="three_parameters")
def in_another_order(x, dy, weight, gamma, beta, lr, eps=1e-5):
    dweight, dgamma, dbeta = layer_gradients(x, dy, weight, gamma, eps)
    return gamma - lr * dgamma, beta - lr * dbeta, weight - lr * dweight


@mutant("training_step", blamed="three_parameters")
def only_the_weight(x, dy, weight, gamma, beta, lr, eps=1e-5):
    return weight - lr * layer_gradients(x, dy, weight, gamma, eps)[0]


@mutant("training_step", blamed="three_parameters")
def updates_in_place(x, dy, weight, gamma, beta, lr, eps=1e-5):
    dweight, dgamma, dbeta = layer_gradients(x, dy, weight, gamma, eps)
    weight -= lr * dweight
    gamma -= lr * dgamma
    beta -= lr * dbeta
    return weight, gamma, beta


@mutant("training_step", blamed="three_parameters")
def a_gradient_per_sample(x, dy, weight, gamma, beta, lr, eps=1e-5):
    dweight, dgamma, _ = layer_gradients(x, dy, weight, gamma, eps)
    return weight - lr * dweight, gamma - lr * dgamma, beta - lr * dy


@mutant("training_step", blamed="downhill")
def uphill(x, dy, weight, gamma, beta, lr, eps=1e-5):
    dweight, dgamma, dbeta = layer_gradients(x, dy, weight, gamma, eps)
    return weight + lr * dweight, gamma + lr * dgamma, beta + lr * dbeta


@mutant("training_step", blamed="downhill")
def returns_the_old(x, dy, weight, gamma, beta, lr, eps=1e-5):
    return weight, gamma, beta


@mutant("training_step", blamed="beta_moves")
def gamma_and_beta_stay(x, dy, weight, gamma, beta, lr, eps=1e-5):
    return weight - lr * layer_gradients(x, dy, weight, gamma, eps)[0], gamma, beta


@mutant("training_step", blamed="beta_moves")
def averages_the_gradients(x, dy, weight, gamma, beta, lr, eps=1e-5):
    steps = [lr * slope / len(x) for slope in layer_gradients(x, dy, weight, gamma, eps)]
    return weight - steps[0], gamma - steps[1], beta - steps[2]


@mutant("training_step", blamed="gamma_moves")
def gamma_without_normalizing(x, dy, weight, gamma, beta, lr, eps=1e-5):
    dweight, _, dbeta = layer_gradients(x, dy, weight, gamma, eps)
    dgamma = (dy * (x @ weight.T)).sum(axis=0)
    return weight - lr * dweight, gamma - lr * dgamma, beta - lr * dbeta


@mutant("training_step", blamed="gamma_moves")
def gamma_from_the_output(x, dy, weight, gamma, beta, lr, eps=1e-5):
    dweight, dgamma, dbeta = layer_gradients(x, dy, weight, gamma, eps)
    return weight - lr * dweight, gamma - lr * gamma * dgamma, beta - lr * dbeta


@mutant("training_step", blamed="gamma_moves")
def eps_left_out(x, dy, weight, gamma, beta, lr, eps=1e-5):
    dweight, dgamma, dbeta = layer_gradients(x, dy, weight, gamma, 0.0)
    return weight - lr * dweight, gamma - lr * dgamma, beta - lr * dbeta


@mutant("training_step", blamed="weight_moves")
def gamma_first(x, dy, weight, gamma, beta, lr, eps=1e-5):
    _, dgamma, dbeta = layer_gradients(x, dy, weight, gamma, eps)
    gamma = gamma - lr * dgamma
    dweight, _, _ = layer_gradients(x, dy, weight, gamma, eps)
    return weight - lr * dweight, gamma, beta - lr * dbeta


@mutant("training_step", blamed="weight_moves")
def weight_first(x, dy, weight, gamma, beta, lr, eps=1e-5):
    _, dgamma, dbeta = layer_gradients(x, dy, weight, gamma, eps)
    return weight - lr * dy.T @ x, gamma - lr * dgamma, beta - lr * dbeta


@mutant("training_step", blamed="weight_moves")
def statistics_are_constants(x, dy, weight, gamma, beta, lr, eps=1e-5):
    _, dgamma, dbeta = layer_gradients(x, dy, weight, gamma, eps)
    du = dy * gamma / np.sqrt((x @ weight.T).var(axis=0) + eps)
    return weight - lr * du.T @ x, gamma - lr * dgamma, beta - lr * dbeta


@mutant("training_step", blamed="weight_moves")
def variance_is_constant(x, dy, weight, gamma, beta, lr, eps=1e-5):
    _, dgamma, dbeta = layer_gradients(x, dy, weight, gamma, eps)
    du = dy * gamma / np.sqrt((x @ weight.T).var(axis=0) + eps)
    du = du - du.mean(axis=0)
    return weight - lr * du.T @ x, gamma - lr * dgamma, beta - lr * dbeta


@mutant("training_step", blamed="weight_moves")
def weight_ignores_gamma(x, dy, weight, gamma, beta, lr, eps=1e-5):
    dweight, dgamma, dbeta = layer_gradients(x, dy, weight, gamma, eps)
    return weight - lr * dweight / gamma[:, None], gamma - lr * dgamma, beta - lr * dbeta


@mutant("training_step", blamed="default_eps", says="Keras' own")
def another_default(x, dy, weight, gamma, beta, lr, eps=1e-3):
    dweight, dgamma, dbeta = layer_gradients(x, dy, weight, gamma, eps)
    return weight - lr * dweight, gamma - lr * dgamma, beta - lr * dbeta


@alternative("training_step")
def with_centred_inputs(x, dy, weight, gamma, beta, lr, eps=1e-5):
    # The entries of du sum to zero, so the mean of x has no say.
    dweight, dgamma, dbeta = layer_gradients(x - x.mean(axis=0), dy, weight, gamma, eps)
    return [weight - lr * dweight, gamma - lr * dgamma, beta - lr * dbeta]


@mutant("training_step", blamed="downhill")
def gradients_alone(x, dy, weight, gamma, beta, lr, eps=1e-5):
    return layer_gradients(x, dy, weight, gamma, eps)


@mutant("training_step", blamed="downhill")
def steps_alone(x, dy, weight, gamma, beta, lr, eps=1e-5):
    return tuple(-lr * slope for slope in layer_gradients(x, dy, weight, gamma, eps))


@mutant("training_step", blamed="downhill")
def gamma_and_beta_swapped(x, dy, weight, gamma, beta, lr, eps=1e-5):
    dweight, dgamma, dbeta = layer_gradients(x, dy, weight, gamma, eps)
    return weight - lr * dweight, beta - lr * dbeta, gamma - lr * dgamma


@mutant("training_step", blamed="beta_moves")
def a_rate_of_its_own(x, dy, weight, gamma, beta, lr, eps=1e-5):
    dweight, dgamma, dbeta = layer_gradients(x, dy, weight, gamma, eps)
    return weight - 0.1 * dweight, gamma - 0.1 * dgamma, beta - 0.1 * dbeta


@mutant("training_step", blamed="beta_moves")
def gradients_swapped(x, dy, weight, gamma, beta, lr, eps=1e-5):
    dweight, dgamma, dbeta = layer_gradients(x, dy, weight, gamma, eps)
    return weight - lr * dweight, gamma - lr * dbeta, beta - lr * dgamma


@mutant("training_step", blamed="gamma_moves")
def new_weight_first(x, dy, weight, gamma, beta, lr, eps=1e-5):
    dweight, _, dbeta = layer_gradients(x, dy, weight, gamma, eps)
    weight = weight - lr * dweight
    _, dgamma, _ = layer_gradients(x, dy, weight, gamma, eps)
    return weight, gamma - lr * dgamma, beta - lr * dbeta


def with_statistics(x, dy, weight, gamma, beta, lr, mu, divisor, n):
    """One step with the given mean and standard deviation of u, and sums divided by n."""
    x_hat = (x @ weight.T - mu) / divisor
    dx_hat = dy * gamma
    du = (dx_hat - dx_hat.sum(axis=0) / n - x_hat * (dx_hat * x_hat).sum(axis=0) / n) / divisor
    return weight - lr * du.T @ x, gamma - lr * (dy * x_hat).sum(axis=0), beta - lr * dy.sum(axis=0)


@mutant("training_step", blamed="gamma_moves")
def eps_outside_the_root(x, dy, weight, gamma, beta, lr, eps=1e-5):
    u = x @ weight.T
    std = u.std(axis=0) + eps
    return with_statistics(x, dy, weight, gamma, beta, lr, u.mean(axis=0), std, len(x))


@mutant("training_step", blamed="weight_moves")
def sums_for_means(x, dy, weight, gamma, beta, lr, eps=1e-5):
    u = x @ weight.T
    root = np.sqrt(u.var(axis=0) + eps)
    return with_statistics(x, dy, weight, gamma, beta, lr, u.mean(axis=0), root, 1)


@mutant("training_step", blamed="weight_moves")
def reshapes_for_a_transpose(x, dy, weight, gamma, beta, lr, eps=1e-5):
    dweight, dgamma, dbeta = layer_gradients(x, dy, weight, gamma, eps)
    dweight = dweight.T.reshape(weight.shape)
    return weight - lr * dweight, gamma - lr * dgamma, beta - lr * dbeta


@mutant("training_step", blamed="any_size")
def gamma_and_beta_at_a_rate_of_their_own(x, dy, weight, gamma, beta, lr, eps=1e-5):
    dweight, dgamma, dbeta = layer_gradients(x, dy, weight, gamma, eps)
    return weight - lr * dweight, gamma - min(lr, 0.07) * dgamma, beta - min(lr, 0.07) * dbeta


@mutant("training_step", blamed="any_size")
def always_six_samples(x, dy, weight, gamma, beta, lr, eps=1e-5):
    u = x @ weight.T
    root = np.sqrt(u.var(axis=0) + eps)
    return with_statistics(x, dy, weight, gamma, beta, lr, u.mean(axis=0), root, 6)


@mutant("training_step", blamed="any_size")
def squeezes_a_single_unit(x, dy, weight, gamma, beta, lr, eps=1e-5):
    dweight, dgamma, dbeta = layer_gradients(x, dy, weight, gamma, eps)
    return (weight - lr * dweight).squeeze(), gamma - lr * dgamma, beta - lr * dbeta


@mutant("training_step", blamed="any_size")
def transposes_what_does_not_fit(x, dy, weight, gamma, beta, lr, eps=1e-5):
    square = x.shape[1] == len(weight)  # then x @ weight raises no error
    dweight, dgamma, dbeta = layer_gradients(x, dy, weight.T if square else weight, gamma, eps)
    return weight - lr * dweight, gamma - lr * dgamma, beta - lr * dbeta


@mutant("training_step", blamed="far_from_zero")
def variance_from_raw_moments(x, dy, weight, gamma, beta, lr, eps=1e-5):
    u = x @ weight.T
    mu = u.mean(axis=0)
    root = np.sqrt(np.maximum((u**2).mean(axis=0) - mu**2, 0) + eps)
    return with_statistics(x, dy, weight, gamma, beta, lr, mu, root, len(x))


@alternative("normalized_movement")
def time_by_time(inputs):
    medians = [np.median(row) for row in inputs]
    spreads = [np.percentile(row, 85) - np.percentile(row, 15) for row in inputs]
    return np.std(medians) / np.mean(spreads)


@alternative("normalized_movement")
def with_quantiles(inputs):
    low, median, high = np.quantile(inputs, (0.15, 0.5, 0.85), axis=-1)
    return np.sqrt(((median - median.mean()) ** 2).mean()) / (high.mean() - low.mean())


@mutant("normalized_movement", blamed="one_number")
def one_per_image(inputs):
    low, median, high = np.percentile(inputs, [15, 50, 85], axis=0)
    return median / (high - low)


@mutant("normalized_movement", blamed="one_number")
def never_summarized(inputs):
    low, median, high = np.percentile(inputs, [15, 50, 85], axis=1)
    return median.std() / (high - low)


@mutant("normalized_movement", blamed="follows_the_median")
def follows_the_mean(inputs):
    low, high = np.percentile(inputs, [15, 85], axis=1)
    return inputs.mean(axis=1).std() / (high - low).mean()


@mutant("normalized_movement", blamed="follows_the_median")
def in_standard_deviations(inputs):
    return np.median(inputs, axis=1).std() / inputs.std(axis=1).mean()


@mutant("normalized_movement", blamed="follows_the_median")
def percentiles_over_time(inputs):
    low, median, high = np.percentile(inputs, [15, 50, 85], axis=0)
    return median.std() / (high - low).mean()


@mutant("normalized_movement", blamed="in_units_of_the_spread")
def not_normalized(inputs):
    return np.median(inputs, axis=1).std()


@mutant("normalized_movement", blamed="in_units_of_the_spread")
def divides_by_the_squared_spread(inputs):
    low, median, high = np.percentile(inputs, [15, 50, 85], axis=1)
    return median.var() / (high - low).mean()


@mutant("normalized_movement", blamed="every_time_counts")
def first_against_last(inputs):
    low, median, high = np.percentile(inputs, [15, 50, 85], axis=1)
    return abs(median[-1] - median[0]) / (high - low).mean()


@mutant("normalized_movement", blamed="every_time_counts")
def normalized_at_each_time(inputs):
    low, median, high = np.percentile(inputs, [15, 50, 85], axis=1)
    return (median / (high - low)).std()


@mutant("normalized_movement", blamed="every_time_counts")
def spread_at_the_end(inputs):
    low, median, high = np.percentile(inputs, [15, 50, 85], axis=1)
    return median.std() / (high - low)[-1]


@mutant("normalized_movement", blamed="every_time_counts")
def unbiased_deviation(inputs):
    low, median, high = np.percentile(inputs, [15, 50, 85], axis=1)
    return median.std(ddof=1) / (high - low).mean()


@mutant("normalized_movement", blamed="every_time_counts")
def quartiles(inputs):
    low, median, high = np.percentile(inputs, [25, 50, 75], axis=1)
    return median.std() / (high - low).mean()


@mutant("normalized_movement", blamed="every_time_counts")
def percentiles_as_fractions(inputs):
    low, median, high = np.percentile(inputs, [0.15, 0.5, 0.85], axis=1)
    return median.std() / (high - low).mean()


@mutant("normalized_movement", blamed="every_time_counts")
def upside_down(inputs):
    low, median, high = np.percentile(inputs, [15, 50, 85], axis=1)
    return (high - low).mean() / median.std()


@mutant("normalized_movement", blamed="any_number_of_times")
def always_seven_times(inputs):
    low, median, high = np.percentile(inputs, [15, 50, 85], axis=1)
    return median.std() / ((high - low).sum() / 7)


@mutant("normalized_movement", blamed="any_number_of_times")
def takes_the_longer_axis_for_the_images(inputs):
    low, median, high = np.percentile(inputs, [15, 50, 85], axis=np.argmax(inputs.shape))
    return median.std() / (high - low).mean()


@mutant("normalized_movement", blamed="any_number_of_times")
def middle_image_as_median(inputs):
    low, high = np.percentile(inputs, [15, 85], axis=1)
    return np.sort(inputs, axis=1)[:, inputs.shape[1] // 2].std() / (high - low).mean()


@alternative("steps_to_reach")
def with_a_loop(steps, accuracy, target):
    for step, value in zip(steps, accuracy, strict=True):
        if value >= target:
            return step
    return np.inf


@alternative("steps_to_reach")
def smallest_of_those_above(steps, accuracy, target):
    return min(steps[accuracy >= target], default=float("inf"))


@mutant("steps_to_reach", blamed="a_step")
def returns_the_position(steps, accuracy, target):
    reached = np.flatnonzero(accuracy >= target)
    return reached[0] if len(reached) else np.inf


@mutant("steps_to_reach", blamed="a_step")
def returns_all(steps, accuracy, target):
    return steps[accuracy >= target]


@mutant("steps_to_reach", blamed="a_step")
def counts_evaluations(steps, accuracy, target):
    return int(np.sum(accuracy < target)) or np.inf


@mutant("steps_to_reach", blamed="the_first")
def once_and_for_all(steps, accuracy, target):
    below = np.flatnonzero(accuracy < target)
    if not len(below):
        return steps[0]
    return steps[below[-1] + 1] if below[-1] + 1 < len(steps) else np.inf


@mutant("steps_to_reach", blamed="the_first")
def at_the_best(steps, accuracy, target):
    return steps[np.argmax(accuracy)] if accuracy.max() >= target else np.inf


@mutant("steps_to_reach", blamed="the_first")
def the_last_time(steps, accuracy, target):
    reached = np.flatnonzero(accuracy >= target)
    return steps[reached[-1]] if len(reached) else np.inf


@mutant("steps_to_reach", blamed="reaching_is_enough")
def must_exceed(steps, accuracy, target):
    reached = np.flatnonzero(accuracy > target)
    return steps[reached[0]] if len(reached) else np.inf


@mutant("steps_to_reach", blamed="never")
def first_of_an_empty_search(steps, accuracy, target):
    return steps[np.argmax(accuracy >= target)]


@mutant("steps_to_reach", blamed="never")
def takes_the_end_of_the_run(steps, accuracy, target):
    reached = np.flatnonzero(accuracy >= target)
    return steps[reached[0]] if len(reached) else steps[-1]


@mutant("steps_to_reach", blamed="never")
def returns_nothing(steps, accuracy, target):
    reached = np.flatnonzero(accuracy >= target)
    if len(reached):
        return steps[reached[0]]


@mutant("steps_to_reach", blamed="never")
def minus_one(steps, accuracy, target):
    reached = np.flatnonzero(accuracy >= target)
    return steps[reached[0]] if len(reached) else -1


@alternative("steps_to_reach")
def through_the_best_so_far(steps, accuracy, target):
    best = np.maximum.accumulate(np.nan_to_num(accuracy, nan=-np.inf))
    position = np.searchsorted(best, target)
    return steps[position] if position < len(steps) else np.inf


@mutant("steps_to_reach", blamed="the_first")
def closest_to_the_target(steps, accuracy, target):
    return steps[np.argmin(np.abs(accuracy - target))] if accuracy.max() >= target else np.inf


@mutant("steps_to_reach", blamed="the_first")
def bisects_what_is_not_sorted(steps, accuracy, target):
    position = np.searchsorted(accuracy, target)
    return steps[position] if position < len(steps) else np.inf


@mutant("steps_to_reach", blamed="the_first")
def must_hold_at_the_end(steps, accuracy, target):
    return steps[np.argmax(accuracy >= target)] if accuracy[-1] >= target else np.inf


@mutant("steps_to_reach", blamed="at_once")
def takes_position_zero_for_never(steps, accuracy, target):
    position = np.argmax(accuracy >= target)
    return steps[position] if position else np.inf


@mutant("steps_to_reach", blamed="at_once")
def waits_for_a_crossing(steps, accuracy, target):
    for i in range(1, len(steps)):
        if accuracy[i - 1] < target <= accuracy[i]:
            return steps[i]
    return np.inf


@mutant("steps_to_reach", blamed="never")
def says_it_in_words(steps, accuracy, target):
    reached = np.flatnonzero(accuracy >= target)
    return steps[reached[0]] if len(reached) else "never"


@mutant("steps_to_reach", blamed="any_run")
def position_zero_alone_counts_for_nothing(steps, accuracy, target):
    reached = np.flatnonzero(accuracy >= target)
    return steps[reached[0]] if reached.any() else np.inf


@mutant("steps_to_reach", blamed="any_run")
def a_test_every_twenty_steps(steps, accuracy, target):
    reached = np.flatnonzero(accuracy >= target)
    return 20 * (reached[0] + 1) if len(reached) else np.inf


@mutant("steps_to_reach", blamed="any_run")
def forgets_the_last_test(steps, accuracy, target):
    for i in range(len(steps) - 1):
        if accuracy[i] >= target:
            return steps[i]
    return np.inf


@mutant("steps_to_reach", blamed="any_run")
def always_six_tests(steps, accuracy, target):
    for i in range(6):
        if accuracy[i] >= target:
            return steps[i]
    return np.inf


@alternative("training_step")
def in_place_on_copies(x, dy, weight, gamma, beta, lr, eps=1e-5):
    new = [np.array(p, dtype=float) for p in (weight, gamma, beta)]
    for old, slope in zip(new, layer_gradients(x, dy, weight, gamma, eps), strict=True):
        old -= lr * slope
    return new


@alternative("training_step")
def with_torch_autograd(x, dy, weight, gamma, beta, lr, eps=1e-5):
    x, dy, *old = (torch.tensor(a, dtype=torch.float64) for a in (x, dy, weight, gamma, beta))
    weight, gamma, beta = (parameter.requires_grad_() for parameter in old)
    u = x @ weight.T
    var, mu = torch.var_mean(u, dim=0, correction=0)
    y = gamma * (u - mu) / torch.sqrt(var + eps) + beta
    slopes = torch.autograd.grad(y, old, dy)
    return tuple(parameter - lr * slope for parameter, slope in zip(old, slopes, strict=True))


@alternative("training_step")
def an_optimizer_that_refuses_a_single_sample(x, dy, weight, gamma, beta, lr, eps=1e-5):
    weight, gamma, beta = (torch.tensor(p, requires_grad=True) for p in (weight, gamma, beta))
    optimizer = torch.optim.SGD([weight, gamma, beta], lr)
    u = torch.from_numpy(x) @ weight.T
    y = torch.nn.functional.batch_norm(u, None, None, gamma, beta, training=True, eps=eps)
    y.backward(torch.from_numpy(dy))
    optimizer.step()
    return weight, gamma, beta


@mutant("training_step", blamed="weight_moves", says="divides by N - 1")
def bessel_in_du(x, dy, weight, gamma, beta, lr, eps=1e-5):
    u = x @ weight.T
    r, n = 1 / np.sqrt(u.var(axis=0) + eps), len(x)
    x_hat = (u - u.mean(axis=0)) * r
    dx_hat = dy * gamma
    last = x_hat * (dx_hat * x_hat).sum(axis=0) / max(n - 1, 1)
    du = r * (dx_hat - dx_hat.mean(axis=0) - last)
    _, dgamma, dbeta = layer_gradients(x, dy, weight, gamma, eps)
    return weight - lr * du.T @ x, gamma - lr * dgamma, beta - lr * dbeta


@mutant("training_step", blamed="gamma_moves")
def an_eps_of_its_own(x, dy, weight, gamma, beta, lr, eps=1e-5):
    dweight, dgamma, dbeta = layer_gradients(x, dy, weight, gamma, 1e-8)
    return weight - lr * dweight, gamma - lr * dgamma, beta - lr * dbeta


@mutant("training_step", blamed="gamma_moves")
def gamma_with_the_rate_twice(x, dy, weight, gamma, beta, lr, eps=1e-5):
    dweight, dgamma, dbeta = layer_gradients(x, dy, weight, gamma, eps)
    return weight - lr * dweight, gamma - lr * lr * dgamma, beta - lr * dbeta


@mutant("training_step", blamed="weight_moves")
def decays_the_weight(x, dy, weight, gamma, beta, lr, eps=1e-5):
    dweight, dgamma, dbeta = layer_gradients(x, dy, weight, gamma, eps)
    return weight - lr * (dweight + 0.01 * weight), gamma - lr * dgamma, beta - lr * dbeta


@mutant("training_step", blamed="single_sample")
def a_single_sample_moves_the_weight(x, dy, weight, gamma, beta, lr, eps=1e-5):
    dweight, dgamma, dbeta = layer_gradients(x, dy, weight, gamma, eps)
    if len(x) == 1:
        dweight = (dy * gamma).T @ x
    return weight - lr * dweight, gamma - lr * dgamma, beta - lr * dbeta


@mutant("training_step", blamed="weight_moves")
def gamma_absolute(x, dy, weight, gamma, beta, lr, eps=1e-5):
    dweight, dgamma, dbeta = layer_gradients(x, dy, weight, np.abs(gamma), eps)
    return weight - lr * dweight, gamma - lr * dgamma, beta - lr * dbeta


@mutant("training_step", blamed="three_parameters")
def gamma_beta_keep_a_batch_axis(x, dy, weight, gamma, beta, lr, eps=1e-5):
    dweight, dgamma, dbeta = layer_gradients(x, dy, weight, gamma, eps)
    return weight - lr * dweight, gamma - lr * dgamma[None], beta - lr * dbeta[None]


@mutant("training_step", blamed="beta_moves")
def weight_alone_descends(x, dy, weight, gamma, beta, lr, eps=1e-5):
    return weight - lr * layer_gradients(x, dy, weight, gamma, eps)[0], gamma, beta


@mutant("training_step", blamed="weight_moves")
def clips_the_gradient(x, dy, weight, gamma, beta, lr, eps=1e-5):
    dweight, dgamma, dbeta = layer_gradients(x, dy, weight, gamma, eps)
    return weight - lr * np.clip(dweight, -1, 1), gamma - lr * dgamma, beta - lr * dbeta


@mutant("training_step", blamed="weight_moves")
def through_the_mean_of_the_inputs(x, dy, weight, gamma, beta, lr, eps=1e-5):
    dweight, dgamma, dbeta = layer_gradients(x, dy, weight, gamma, eps)
    return weight + lr * dweight, gamma - lr * dgamma, beta - lr * dbeta


@alternative("normalized_movement")
def in_lists(inputs):
    rows = [np.percentile(row, [15, 50, 85]).tolist() for row in inputs]
    median = [row[1] for row in rows]
    mean = sum(median) / len(rows)
    deviation = (sum((m - mean) ** 2 for m in median) / len(rows)) ** 0.5
    return deviation / (sum(row[2] - row[0] for row in rows) / len(rows))


@alternative("normalized_movement")
def with_torch(inputs):
    shares = torch.tensor([0.15, 0.5, 0.85], dtype=torch.float64)
    low, median, high = torch.quantile(torch.as_tensor(inputs), shares, dim=1)
    return median.std(correction=0) / (high - low).mean()


@mutant("normalized_movement", blamed="every_time_counts")
def steps_between_medians(inputs):
    low, median, high = np.percentile(inputs, [15, 50, 85], axis=1)
    return np.abs(np.diff(median)).mean() / (high - low).mean()


@mutant("normalized_movement", blamed="every_time_counts")
def spread_of_all_times_together(inputs):
    low, high = np.percentile(inputs, [15, 85])
    return np.median(inputs, axis=1).std() / (high - low)


@mutant("normalized_movement", blamed="every_time_counts")
def half_of_the_spread(inputs):
    low, median, high = np.percentile(inputs, [15, 50, 85], axis=1)
    return median.std() / ((high - low) / 2).mean()


@mutant("normalized_movement", blamed="every_time_counts")
def upper_half_only(inputs):
    median, high = np.percentile(inputs, [50, 85], axis=1)
    return median.std() / (high - median).mean()


@mutant("normalized_movement", blamed="every_time_counts")
def movement_of_the_upper_percentile(inputs):
    low, _, high = np.percentile(inputs, [15, 50, 85], axis=1)
    return high.std() / (high - low).mean()


@mutant("normalized_movement", blamed="every_time_counts")
def spread_at_the_start(inputs):
    low, median, high = np.percentile(inputs, [15, 50, 85], axis=1)
    return median.std() / (high - low)[0]


@mutant("normalized_movement", blamed="every_time_counts")
def percentiles_of_the_images_means(inputs):
    low, median, high = np.percentile(inputs.mean(axis=0), [15, 50, 85])
    return median / (high - low)


@mutant("normalized_movement", blamed="every_time_counts")
def nearest_images(inputs):
    low, median, high = np.percentile(inputs, [15, 50, 85], axis=1, method="nearest")
    return median.std() / (high - low).mean()


@mutant("normalized_movement", blamed="every_time_counts")
def squared_spread_under_a_root(inputs):
    low, median, high = np.percentile(inputs, [15, 50, 85], axis=1)
    return median.std() / np.sqrt(((high - low) ** 2).mean())


@alternative("steps_to_reach")
def pairs_in_a_generator(steps, accuracy, target):
    return next((s for s, a in zip(steps, accuracy, strict=True) if a >= target), float("inf"))


@alternative("steps_to_reach")
def with_argmax(steps, accuracy, target):
    reached = ~(accuracy < target) & ~np.isnan(accuracy)
    return float(steps[reached.argmax()]) if reached.any() else np.inf


@alternative("steps_to_reach")
def counts_those_before(steps, accuracy, target):
    before = np.logical_and.accumulate(~(accuracy >= target)).sum()
    return [*steps.tolist(), np.inf][before]


@mutant("steps_to_reach", blamed="not_rounded", says="not rounded")
def rounds_to_two_digits(steps, accuracy, target):
    reached = np.flatnonzero(np.round(accuracy, 2) >= target)
    return steps[reached[0]] if len(reached) else np.inf


@mutant("steps_to_reach", blamed="not_rounded")
def close_enough(steps, accuracy, target):
    reached = np.flatnonzero((accuracy >= target) | np.isclose(accuracy, target, rtol=1e-3))
    return steps[reached[0]] if len(reached) else np.inf


@mutant("steps_to_reach", blamed="not_rounded")
def in_percent(steps, accuracy, target):
    reached = np.flatnonzero((100 * accuracy).round() >= round(100 * target))
    return steps[reached[0]] if len(reached) else np.inf


@mutant("steps_to_reach", blamed="diverged")
def not_below(steps, accuracy, target):
    reached = np.flatnonzero(~(accuracy < target))
    return steps[reached[0]] if len(reached) else np.inf


@mutant("steps_to_reach", blamed="diverged")
def best_of_a_run_with_nan(steps, accuracy, target):
    return steps[np.argmax(accuracy >= target)] if accuracy.max() >= target else np.inf


@mutant("steps_to_reach", blamed="a_step")
def between_two_tests(steps, accuracy, target):
    reached = np.flatnonzero(accuracy >= target)
    if len(reached) == 0:
        return np.inf
    i = reached[0]
    if i == 0:
        return steps[0]
    return np.interp(target, accuracy[i - 1 : i + 1], steps[i - 1 : i + 1])


@mutant("steps_to_reach", blamed="the_first", says="step 60 comes first")
def the_test_after(steps, accuracy, target):
    reached = np.flatnonzero(accuracy >= target)
    return [*steps, np.inf][reached[0] + 1] if len(reached) else np.inf


@mutant("steps_to_reach", blamed="the_first")
def two_tests_in_a_row(steps, accuracy, target):
    good = accuracy >= target
    reached = np.flatnonzero(good[:-1] & good[1:])
    return steps[reached[0]] if len(reached) else np.inf


@mutant("steps_to_reach", blamed="never")
def minus_infinity(steps, accuracy, target):
    reached = np.flatnonzero(accuracy >= target)
    return steps[reached[0]] if len(reached) else -np.inf


@mutant("steps_to_reach", blamed="never")
def not_a_number(steps, accuracy, target):
    reached = np.flatnonzero(accuracy >= target)
    return steps[reached[0]] if len(reached) else np.nan


@mutant("steps_to_reach", blamed="diverged")
def nan_is_sorted_last(steps, accuracy, target):
    position = np.searchsorted(np.maximum.accumulate(accuracy), target)
    return steps[position] if position < len(steps) else np.inf
