"""Answers to the exercises of the notebook `inference`."""

import numpy as np
import torch
from answers_update_running import _move
from registry import alternative, mutant


@alternative("batch_norm_inference")
def scale_first(x, gamma, beta, running_mean, running_var, eps=1e-5):
    scale = gamma * (running_var + eps) ** -0.5
    return x * scale + (beta - running_mean * scale)


@alternative("batch_norm_inference")
def row_by_row(x, gamma, beta, running_mean, running_var, eps=1e-5):
    deviation = np.sqrt(running_var + eps)
    rows = [(row - running_mean) / deviation * gamma + beta for row in np.atleast_2d(x)]
    return rows if x.ndim == 2 else rows[0]


@mutant("batch_norm_inference", blamed="inference_shape")
def in_place(x, gamma, beta, running_mean, running_var, eps=1e-5):
    x -= running_mean
    x *= gamma / np.sqrt(running_var + eps)
    x += beta
    return x


@mutant("batch_norm_inference", blamed="inference_shape")
def keeps_averaging(x, gamma, beta, running_mean, running_var, eps=1e-5):
    running_mean[:] = 0.9 * running_mean + 0.1 * x.mean(axis=0)
    running_var[:] = 0.9 * running_var + 0.1 * x.var(axis=0)
    return gamma * (x - running_mean) / np.sqrt(running_var + eps) + beta


@mutant("batch_norm_inference", blamed="inference_shape")
def only_one_row(x, gamma, beta, running_mean, running_var, eps=1e-5):
    return gamma * (x[0] - running_mean) / np.sqrt(running_var + eps) + beta


@mutant("batch_norm_inference", blamed="every_entry")
def batch_statistics_in_eval_mode(x, gamma, beta, running_mean, running_var, eps=1e-5):
    return gamma * (x - x.mean(axis=0)) / np.sqrt(x.var(axis=0) + eps) + beta


@mutant("batch_norm_inference", blamed="every_entry")
def batch_mean_running_variance(x, gamma, beta, running_mean, running_var, eps=1e-5):
    return gamma * (x - x.mean(axis=0)) / np.sqrt(running_var + eps) + beta


@mutant("batch_norm_inference", blamed="every_entry")
def running_mean_batch_variance(x, gamma, beta, running_mean, running_var, eps=1e-5):
    return gamma * (x - running_mean) / np.sqrt(x.var(axis=0) + eps) + beta


@mutant("batch_norm_inference", blamed="every_entry")
def no_gamma_and_beta(x, gamma, beta, running_mean, running_var, eps=1e-5):
    return (x - running_mean) / np.sqrt(running_var + eps)


@mutant("batch_norm_inference", blamed="every_entry")
def divides_by_the_variance(x, gamma, beta, running_mean, running_var, eps=1e-5):
    return gamma * (x - running_mean) / (running_var + eps) + beta


@mutant("batch_norm_inference", blamed="every_entry")
def eps_outside_the_root(x, gamma, beta, running_mean, running_var, eps=1e-5):
    return gamma * (x - running_mean) / (np.sqrt(running_var) + eps) + beta


@mutant("batch_norm_inference", blamed="every_entry")
def no_eps(x, gamma, beta, running_mean, running_var, eps=1e-5):
    return gamma * (x - running_mean) / np.sqrt(running_var) + beta


@mutant("batch_norm_inference", blamed="every_entry")
def swaps_the_statistics(x, gamma, beta, running_mean, running_var, eps=1e-5):
    return gamma * (x - running_var) / np.sqrt(np.abs(running_mean) + eps) + beta


@mutant("batch_norm_inference", blamed="every_entry")
def its_own_eps(x, gamma, beta, running_mean, running_var, eps=1e-5):
    return gamma * (x - running_mean) / np.sqrt(running_var + 1e-5) + beta


@mutant("batch_norm_inference", blamed="every_entry")
def running_statistics_only_when_alone(x, gamma, beta, running_mean, running_var, eps=1e-5):
    mean, var = (running_mean, running_var) if len(x) == 1 else (x.mean(0), x.var(0))
    return gamma * (x - mean) / np.sqrt(var + eps) + beta


@mutant("batch_norm_inference", blamed="every_entry")
def brackets_forgotten(x, gamma, beta, running_mean, running_var, eps=1e-5):
    return gamma * x - running_mean / np.sqrt(running_var + eps) + beta


@mutant("batch_norm_inference", blamed="every_entry")
def beta_scaled_too(x, gamma, beta, running_mean, running_var, eps=1e-5):
    return gamma * ((x - running_mean) / np.sqrt(running_var + eps) + beta)


@mutant("batch_norm_inference", blamed="every_entry")
def gamma_and_beta_swapped(x, beta, gamma, running_mean, running_var, eps=1e-5):
    return gamma * (x - running_mean) / np.sqrt(running_var + eps) + beta


@mutant("batch_norm_inference", blamed="every_entry")
def mixes_in_the_batch(x, gamma, beta, running_mean, running_var, eps=1e-5):
    mean, var = _move(running_mean, x.mean(0), 0.1), _move(running_var, x.var(0, ddof=0), 0.1)
    return gamma * (x - mean) / np.sqrt(var + eps) + beta


@mutant("batch_norm_inference", blamed="one_sample")
def drops_the_batch_of_one(x, gamma, beta, running_mean, running_var, eps=1e-5):
    return (gamma * (x - running_mean) / np.sqrt(running_var + eps) + beta).squeeze()


@mutant("batch_norm_inference", blamed="one_sample")
def squeezed_but_for_its_batch(x, gamma, beta, running_mean, running_var, eps=1e-5):
    y = (gamma * (x - running_mean) / np.sqrt(running_var + eps) + beta).squeeze()
    return y if y.ndim == 2 else y[None]


@mutant("batch_norm_inference", blamed="one_sample")
def beta_when_alone(x, gamma, beta, running_mean, running_var, eps=1e-5):
    mean = running_mean if len(x) > 1 else x.mean(axis=0)
    return gamma * (x - mean) / np.sqrt(running_var + eps) + beta


@mutant("batch_norm_inference", blamed="every_entry")
def unbiased_once_more(x, gamma, beta, running_mean, running_var, eps=1e-5):
    factor = len(x) / max(len(x) - 1, 1)
    return gamma * (x - running_mean) / np.sqrt(running_var * factor + eps) + beta


@mutant("batch_norm_inference", blamed="inference_default_eps")
def default_eps_of_keras(x, gamma, beta, running_mean, running_var, eps=1e-3):
    return gamma * (x - running_mean) / np.sqrt(running_var + eps) + beta


@alternative("fold_to_affine")
def shift_is_the_answer_to_zero(gamma, beta, running_mean, running_var, eps=1e-5):
    deviation = np.sqrt(running_var + eps)
    return gamma / deviation, gamma * (0 - running_mean) / deviation + beta


@alternative("fold_to_affine")
def from_two_points(gamma, beta, running_mean, running_var, eps=1e-5):
    def y(x):
        return gamma * (x - running_mean) / np.sqrt(running_var + eps) + beta

    return y(1.0) - y(0.0), y(0.0)


@mutant("fold_to_affine", blamed="scale_and_shift")
def only_the_scale(gamma, beta, running_mean, running_var, eps=1e-5):
    return gamma / np.sqrt(running_var + eps)


@mutant("fold_to_affine", blamed="difference_of_two")
def shift_first(gamma, beta, running_mean, running_var, eps=1e-5):
    scale = gamma / np.sqrt(running_var + eps)
    return beta - scale * running_mean, scale


@mutant("fold_to_affine", blamed="difference_of_two")
def gamma_forgotten(gamma, beta, running_mean, running_var, eps=1e-5):
    scale = 1 / np.sqrt(running_var + eps)
    return scale, beta - scale * running_mean


@mutant("fold_to_affine", blamed="difference_of_two")
def eps_forgotten(gamma, beta, running_mean, running_var, eps=1e-5):
    scale = gamma / np.sqrt(running_var)
    return scale, beta - scale * running_mean


@mutant("fold_to_affine", blamed="difference_of_two")
def root_forgotten(gamma, beta, running_mean, running_var, eps=1e-5):
    scale = gamma / (running_var + eps)
    return scale, beta - scale * running_mean


@mutant("fold_to_affine", blamed="running_mean_becomes_beta")
def mean_not_scaled(gamma, beta, running_mean, running_var, eps=1e-5):
    return gamma / np.sqrt(running_var + eps), beta - running_mean


@mutant("fold_to_affine", blamed="running_mean_becomes_beta")
def mean_scaled_without_gamma(gamma, beta, running_mean, running_var, eps=1e-5):
    deviation = np.sqrt(running_var + eps)
    return gamma / deviation, beta - running_mean / deviation


@mutant("fold_to_affine", blamed="running_mean_becomes_beta")
def mean_added(gamma, beta, running_mean, running_var, eps=1e-5):
    scale = gamma / np.sqrt(running_var + eps)
    return scale, beta + scale * running_mean


@mutant("fold_to_affine", blamed="running_mean_becomes_beta")
def shift_is_beta(gamma, beta, running_mean, running_var, eps=1e-5):
    return gamma / np.sqrt(running_var + eps), beta


@mutant("fold_to_affine", blamed="running_mean_becomes_beta")
def beta_scaled(gamma, beta, running_mean, running_var, eps=1e-5):
    scale = gamma / np.sqrt(running_var + eps)
    return scale, scale * (beta - running_mean)


@mutant("fold_to_affine", blamed="running_mean_becomes_beta")
def shifts_the_input(gamma, beta, running_mean, running_var, eps=1e-5):
    scale = gamma / np.sqrt(running_var + eps)
    return scale, beta / scale - running_mean


@mutant("fold_to_affine", blamed="gamma_zero")
def divides_beta_by_the_scale(gamma, beta, running_mean, running_var, eps=1e-5):
    scale = gamma / np.sqrt(running_var + eps)
    with np.errstate(all="ignore"):
        return scale, scale * (beta / scale - running_mean)


@mutant("fold_to_affine", blamed="gamma_zero")
def squeezes_scale_and_shift(gamma, beta, running_mean, running_var, eps=1e-5):
    scale = (gamma / np.sqrt(running_var + eps)).squeeze()
    return scale, (beta - scale * running_mean).squeeze()


@mutant("fold_to_affine", blamed="fold_default_eps")
def folds_with_the_eps_of_keras(gamma, beta, running_mean, running_var, eps=1e-3):
    scale = gamma / np.sqrt(running_var + eps)
    return scale, beta - scale * running_mean


@alternative("pytorch_to_keras")
def subtracts_a_share(momentum, eps, running_mean, running_var, count):
    return 1.0 - momentum, eps, running_mean.copy(), running_var - running_var / count


@alternative("pytorch_to_keras")
def named(momentum, eps, running_mean, running_var, count):
    correction = count / (count - 1)
    keras = {"momentum": -momentum + 1, "epsilon": eps, "mean": running_mean}
    return [*keras.values(), running_var / correction]


@mutant("pytorch_to_keras", blamed="four_values")
def statistics_only(momentum, eps, running_mean, running_var, count):
    return running_mean, running_var * (count - 1) / count


@mutant("pytorch_to_keras", blamed="four_values")
def statistics_first(momentum, eps, running_mean, running_var, count):
    return running_mean, running_var * (count - 1) / count, 1 - momentum, eps


@mutant("pytorch_to_keras", blamed="four_values")
def changes_the_variance_it_got(momentum, eps, running_mean, running_var, count):
    running_var *= (count - 1) / count
    return 1 - momentum, eps, running_mean, running_var


@mutant("pytorch_to_keras", blamed="same_memory")
def momentum_as_it_is(momentum, eps, running_mean, running_var, count):
    return momentum, eps, running_mean, running_var * (count - 1) / count


@mutant("pytorch_to_keras", blamed="same_memory")
def momentum_of_the_default_layer(momentum, eps, running_mean, running_var, count):
    return 0.99, eps, running_mean, running_var * (count - 1) / count


@mutant("pytorch_to_keras", blamed="same_memory")
def eps_first(momentum, eps, running_mean, running_var, count):
    return eps, 1 - momentum, running_mean, running_var * (count - 1) / count


@mutant("pytorch_to_keras", blamed="same_memory")
def turns_eps_around(momentum, eps, running_mean, running_var, count):
    return 1 - eps, eps, running_mean, running_var * (count - 1) / count


@mutant("pytorch_to_keras", blamed="same_eps")
def momentum_twice(momentum, eps, running_mean, running_var, count):
    return 1 - momentum, momentum, running_mean, running_var * (count - 1) / count


@mutant("pytorch_to_keras", blamed="same_mean")
def variance_before_mean(momentum, eps, running_mean, running_var, count):
    return 1 - momentum, eps, running_var * (count - 1) / count, running_mean


@mutant("pytorch_to_keras", blamed="biased_variance")
def counts_the_features(momentum, eps, running_mean, running_var, count):
    features = len(running_var)
    return 1 - momentum, eps, running_mean, running_var * (features - 1) / features


@mutant("pytorch_to_keras", blamed="biased_variance")
def brackets_of_the_share_forgotten(momentum, eps, running_mean, running_var, count):
    return 1 - momentum, eps, running_mean, running_var * count - 1 / count


@mutant("pytorch_to_keras", blamed="counts")
def four_variances(momentum, eps, running_mean, running_var, count):
    moving = [running_var[c] * (count - 1) / count for c in range(4)]
    return 1 - momentum, eps, running_mean, moving


@mutant("pytorch_to_keras", blamed="same_eps")
def eps_of_the_default_layer(momentum, eps, running_mean, running_var, count):
    return 1 - momentum, 1e-3, running_mean, running_var * (count - 1) / count


@mutant("pytorch_to_keras", blamed="same_eps")
def eps_converted_too(momentum, eps, running_mean, running_var, count):
    return 1 - momentum, 1 - eps, running_mean, running_var * (count - 1) / count


@mutant("pytorch_to_keras", blamed="same_mean")
def mean_corrected_too(momentum, eps, running_mean, running_var, count):
    share = (count - 1) / count
    return 1 - momentum, eps, running_mean * share, running_var * share


@mutant("pytorch_to_keras", blamed="biased_variance")
def variance_as_it_is(momentum, eps, running_mean, running_var, count):
    return 1 - momentum, eps, running_mean, running_var


@mutant("pytorch_to_keras", blamed="biased_variance")
def the_other_way_round(momentum, eps, running_mean, running_var, count):
    return 1 - momentum, eps, running_mean, running_var * count / (count - 1)


@mutant("pytorch_to_keras", blamed="biased_variance")
def eps_added_to_the_variance(momentum, eps, running_mean, running_var, count):
    return 1 - momentum, eps, running_mean, running_var * (count - 1) / count + eps


@mutant("pytorch_to_keras", blamed="counts")
def always_six(momentum, eps, running_mean, running_var, count):
    return 1 - momentum, eps, running_mean, running_var * 5 / 6


@alternative("batch_norm_inference")
def with_functional_batch_norm(x, gamma, beta, running_mean, running_var, eps=1e-5):
    rows = np.atleast_2d(x)
    args = (torch.as_tensor(a, dtype=torch.float64) for a in (rows, running_mean, running_var))
    gamma, beta = map(torch.as_tensor, (gamma, beta))
    return torch.nn.functional.batch_norm(*args, gamma, beta, eps=eps).reshape(x.shape)


@alternative("batch_norm_inference")
def in_place_on_a_copy(x, gamma, beta, running_mean, running_var, eps=1e-5):
    y = np.array(x, dtype=float)
    y -= running_mean
    y *= gamma
    y /= (running_var + eps) ** 0.5
    y += beta
    return y


@mutant("batch_norm_inference", blamed="whole_numbers")
def keeps_the_type_of_x(x, gamma, beta, running_mean, running_var, eps=1e-5):
    y = np.empty_like(x)
    for c in range(x.shape[1]):
        away = x[:, c] - running_mean[c]
        y[:, c] = gamma[c] * away / np.sqrt(running_var[c] + eps) + beta[c]
    return y


@mutant("batch_norm_inference", blamed="every_entry")
def an_eps_of_its_own(x, gamma, beta, running_mean, running_var, eps=1e-5):
    return gamma * (x - running_mean) / np.sqrt(running_var + 1e-3) + beta


@mutant("batch_norm_inference", blamed="every_entry")
def running_variance_as_deviation(x, gamma, beta, running_mean, running_var, eps=1e-5):
    return gamma * (x - running_mean) / np.sqrt(running_var**2 + eps) + beta


@mutant("batch_norm_inference", blamed="every_entry")
def adds_the_running_mean(x, gamma, beta, running_mean, running_var, eps=1e-5):
    return gamma * (x + running_mean) / np.sqrt(running_var + eps) + beta


@mutant("batch_norm_inference", blamed="every_entry")
def multiplies_with_the_root(x, gamma, beta, running_mean, running_var, eps=1e-5):
    return gamma * (x - running_mean) * np.sqrt(running_var + eps) + beta


@mutant("batch_norm_inference", blamed="every_entry", says="subtract running_mean")
def never_centred(x, gamma, beta, running_mean, running_var, eps=1e-5):
    return gamma * x / np.sqrt(running_var + eps) + beta


@mutant("batch_norm_inference", blamed="every_entry")
def subtracts_the_variance(x, gamma, beta, running_mean, running_var, eps=1e-5):
    return gamma * (x - running_var) / np.sqrt(running_var + eps) + beta


@mutant("batch_norm_inference", blamed="every_entry")
def centres_the_output_again(x, gamma, beta, running_mean, running_var, eps=1e-5):
    y = gamma * (x - running_mean) / np.sqrt(running_var + eps)
    return y - y.mean(axis=0) + beta


@alternative("fold_to_affine")
def in_lists(gamma, beta, running_mean, running_var, eps=1e-5):
    scale = [g / (v + eps) ** 0.5 for g, v in zip(gamma, running_var, strict=True)]
    return scale, [b - s * m for b, s, m in zip(beta, scale, running_mean, strict=True)]


@alternative("fold_to_affine")
def one_array(gamma, beta, running_mean, running_var, eps=1e-5):
    scale = np.divide(gamma, np.hypot(np.sqrt(running_var), np.sqrt(eps)))
    return np.stack([scale, beta - running_mean * scale])


@mutant("fold_to_affine", blamed="difference_of_two", says="does not use the eps")
def an_eps_for_folding(gamma, beta, running_mean, running_var, eps=1e-5):
    scale = gamma / np.sqrt(running_var + 1e-8)
    return scale, beta - scale * running_mean


@mutant("fold_to_affine", blamed="difference_of_two")
def eps_outside(gamma, beta, running_mean, running_var, eps=1e-5):
    scale = gamma / (np.sqrt(running_var) + eps)
    return scale, beta - scale * running_mean


@mutant("fold_to_affine", blamed="difference_of_two")
def scale_upside_down(gamma, beta, running_mean, running_var, eps=1e-5):
    scale = np.sqrt(running_var + eps) / gamma
    return scale, beta - scale * running_mean


@mutant("fold_to_affine", blamed="running_mean_becomes_beta")
def shift_without_beta(gamma, beta, running_mean, running_var, eps=1e-5):
    scale = gamma / np.sqrt(running_var + eps)
    return scale, -scale * running_mean


@mutant("fold_to_affine", blamed="running_mean_becomes_beta")
def shift_with_the_opposite_sign(gamma, beta, running_mean, running_var, eps=1e-5):
    scale = gamma / np.sqrt(running_var + eps)
    return scale, scale * running_mean - beta


@mutant("fold_to_affine", blamed="difference_of_two")
def root_of_the_whole(gamma, beta, running_mean, running_var, eps=1e-5):
    scale = np.sqrt(np.abs(gamma) / (running_var + eps))
    return scale, beta - scale * running_mean


@mutant("fold_to_affine", blamed="difference_of_two")
def multiplies_with_the_deviation(gamma, beta, running_mean, running_var, eps=1e-5):
    scale = gamma * np.sqrt(running_var + eps)
    return scale, beta - scale * running_mean


@mutant("fold_to_affine", blamed="running_mean_becomes_beta")
def mean_over_the_deviation_twice(gamma, beta, running_mean, running_var, eps=1e-5):
    scale = gamma / np.sqrt(running_var + eps)
    return scale, beta - scale * running_mean / np.sqrt(running_var + eps)


@mutant("fold_to_affine", blamed="gamma_zero")
def gamma_zero_means_one(gamma, beta, running_mean, running_var, eps=1e-5):
    scale = np.where(gamma == 0, 1.0, gamma) / np.sqrt(running_var + eps)
    return scale, beta - scale * running_mean


@mutant("pytorch_to_keras", blamed="counts")
def momentum_of_this_one_layer(momentum, eps, running_mean, running_var, count):
    return 0.8, eps, running_mean, running_var * (count - 1) / count


@mutant("pytorch_to_keras", blamed="counts")
def eps_of_this_one_layer(momentum, eps, running_mean, running_var, count):
    return 1 - momentum, 0.3, running_mean, running_var * (count - 1) / count


@alternative("pytorch_to_keras")
def in_lists_of_numbers(momentum, eps, running_mean, running_var, count):
    factor = (count - 1) / count
    return [1 - momentum, eps, running_mean.tolist(), [v * factor for v in running_var]]


@alternative("pytorch_to_keras")
def with_numpy(momentum, eps, running_mean, running_var, count):
    biased = np.multiply(running_var, 1 - np.reciprocal(float(count)))
    return np.float64(1) - momentum, np.float64(eps), np.array(running_mean), biased


@mutant("pytorch_to_keras", blamed="same_memory")
def one_over_the_momentum(momentum, eps, running_mean, running_var, count):
    return 1 / momentum, eps, running_mean, running_var * (count - 1) / count


@mutant("pytorch_to_keras", blamed="same_memory")
def minus_the_momentum(momentum, eps, running_mean, running_var, count):
    return -momentum, eps, running_mean, running_var * (count - 1) / count


@mutant("pytorch_to_keras", blamed="same_eps")
def root_of_eps(momentum, eps, running_mean, running_var, count):
    return 1 - momentum, eps**0.5, running_mean, running_var * (count - 1) / count


@mutant("pytorch_to_keras", blamed="biased_variance")
def root_of_the_factor(momentum, eps, running_mean, running_var, count):
    return 1 - momentum, eps, running_mean, running_var * ((count - 1) / count) ** 0.5


@mutant("pytorch_to_keras", blamed="biased_variance")
def factor_shifted_by_one(momentum, eps, running_mean, running_var, count):
    return 1 - momentum, eps, running_mean, running_var * count / (count + 1)


@mutant("pytorch_to_keras", blamed="biased_variance")
def deviation_instead(momentum, eps, running_mean, running_var, count):
    return 1 - momentum, eps, running_mean, np.sqrt(running_var * (count - 1) / count)


@mutant("pytorch_to_keras", blamed="biased_variance")
def eps_taken_out_of_the_variance(momentum, eps, running_mean, running_var, count):
    return 1 - momentum, eps, running_mean, running_var * (count - 1) / count - eps


@mutant("pytorch_to_keras", blamed="four_values")
def all_in_one_array(momentum, eps, running_mean, running_var, count):
    return np.array([1 - momentum, eps]), running_mean, running_var * (count - 1) / count


@mutant("batch_norm_inference", blamed="every_entry", says="a sample has no N")
def biased_again(x, gamma, beta, running_mean, running_var, eps=1e-5):
    n = len(x)
    return gamma * (x - running_mean) / np.sqrt(running_var * (n - 1) / n + eps) + beta


@mutant("batch_norm_inference", blamed="without_a_batch")
def always_a_batch(x, gamma, beta, running_mean, running_var, eps=1e-5):
    return gamma * (np.atleast_2d(x) - running_mean) / np.sqrt(running_var + eps) + beta


@mutant("batch_norm_inference", blamed="without_a_batch")
def every_row_for_itself(x, gamma, beta, running_mean, running_var, eps=1e-5):
    if x.ndim == 1:
        return beta + 0 * x
    return gamma * (x - running_mean) / np.sqrt(running_var + eps) + beta


@alternative("averages_in_theory")
def batch_by_batch(momentum, N, t):
    average, noise = 1.0, 0.0
    for _ in range(t):
        average += momentum * ((N - 1) / N - average)
        noise = (1 - momentum) ** 2 * noise + momentum**2 / N
    return average, noise


@alternative("averages_in_theory")
def with_all_weights(momentum, N, t):
    weights = momentum * (1 - momentum) ** np.arange(t)
    return [1 - weights.sum() / N, np.sum(weights**2) / N]


@mutant("averages_in_theory", blamed="two_numbers")
def the_noise_alone(momentum, N, t):
    return with_all_weights(momentum, N, t)[1]


@mutant("averages_in_theory", blamed="two_numbers")
def batch_after_batch(momentum, N, t):
    weights = momentum * (1 - momentum) ** np.arange(t)
    return 1 - np.cumsum(weights) / N, np.cumsum(weights**2) / N


@mutant("averages_in_theory", blamed="one_batch", says="comes first")
def noise_comes_first(momentum, N, t):
    return with_all_weights(momentum, N, t)[::-1]


@mutant("averages_in_theory", blamed="one_batch", says="still has the weight")
def no_start(momentum, N, t):
    return (N - 1) / N, with_all_weights(momentum, N, t)[1]


@mutant("averages_in_theory", blamed="one_batch", says="weight of the new batch")
def the_other_momentum(momentum, N, t):
    return with_all_weights(1 - momentum, N, t)


@mutant("averages_in_theory", blamed="one_batch", says="too small without the factor")
def factor_upside_down(momentum, N, t):
    left = (1 - momentum) ** t
    return left + (1 - left) * N / (N - 1), with_all_weights(momentum, N, t)[1]


@mutant("averages_in_theory", blamed="one_batch", says="very many batches")
def in_the_long_run(momentum, N, t):
    return with_all_weights(momentum, N, t)[0], momentum / (2 - momentum) / N


@mutant("averages_in_theory", blamed="one_batch", says="1/N")
def noise_of_single_samples(momentum, N, t):
    average, noise = with_all_weights(momentum, N, t)
    return average, N * noise


@mutant("averages_in_theory", blamed="one_batch", says="weight squared")
def weights_not_squared(momentum, N, t):
    weights = momentum * (1 - momentum) ** np.arange(t)
    return 1 - weights.sum() / N, weights.sum() / N


@mutant("averages_in_theory", blamed="one_batch", says="standard deviation")
def a_deviation(momentum, N, t):
    average, noise = with_all_weights(momentum, N, t)
    return average, np.sqrt(noise)


@mutant("averages_in_theory", blamed="several_batches", says="multiplies what was there")
def nothing_fades(momentum, N, t):
    return 1 - t * momentum / N, t * momentum**2 / N


@mutant("averages_in_theory", blamed="several_batches", says="square every weight")
def squares_once(momentum, N, t):
    average, _ = with_all_weights(momentum, N, t)
    return average, momentum * (1 - (1 - momentum) ** t) / N


@mutant("averages_in_theory", blamed="several_batches", says="add the squares")
def squares_the_sum(momentum, N, t):
    average, _ = with_all_weights(momentum, N, t)
    return average, (1 - (1 - momentum) ** t) ** 2 / N


@mutant("averages_in_theory", blamed="no_batch")
def at_least_one_batch(momentum, N, t):
    return with_all_weights(momentum, N, max(t, 1))


@mutant("averages_in_theory", blamed="momentum_one")
def counts_the_batches_from_one(momentum, N, t):
    weights = np.divide(momentum, 1 - momentum) * (1 - momentum) ** np.arange(1, t + 1)
    return 1 - weights.sum() / N, np.sum(weights**2) / N


@mutant("averages_in_theory", blamed="any_average")
def batches_of_six(momentum, N, t):
    return with_all_weights(momentum, 6, t)
