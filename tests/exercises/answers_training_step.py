"""Answers to the exercise `training_step` of the notebook `training`."""

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


@mutant("training_step", blamed="three_parameters")
def gradient_of_the_inputs(x, dy, weight, gamma, beta, lr, eps=1e-5):
    _, dgamma, dbeta = layer_gradients(x, dy, weight, gamma, eps)
    return x - lr * dy @ weight, gamma - lr * dgamma, beta - lr * dbeta


@mutant("training_step", blamed="three_parameters")
def weight_on_its_side(x, dy, weight, gamma, beta, lr, eps=1e-5):
    dweight, dgamma, dbeta = layer_gradients(x, dy, weight, gamma, eps)
    return weight.T - lr * dweight.T, gamma - lr * dgamma, beta - lr * dbeta
