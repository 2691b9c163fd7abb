"""Answers to the exercises of 04_training."""

import numpy as np
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


@mutant("training_step", blamed="default_eps")
def another_default(x, dy, weight, gamma, beta, lr, eps=1e-3):
    dweight, dgamma, dbeta = layer_gradients(x, dy, weight, gamma, eps)
    return weight - lr * dweight, gamma - lr * dgamma, beta - lr * dbeta


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
