"""Answers to the exercises of the notebook `bug_clinic` about running averages."""

import numpy as np
import torch
from registry import alternative, equivalent, mutant
from torch import nn

# moving_average


@alternative("moving_average")
def a_step_towards_the_batch(stored, batch, momentum=0.1):
    return stored + momentum * (batch - stored)


@alternative("moving_average")
def with_numpy_average(stored, batch, momentum=0.1):
    return np.average([stored, batch], axis=0, weights=[1 - momentum, momentum])


@mutant("moving_average", blamed="default_momentum")
def another_default(stored, batch, momentum=0.9):
    return (1 - momentum) * stored + momentum * batch


@mutant("moving_average", blamed="remembers")
def both_exchanged(stored, batch, momentum=0.9):
    return momentum * stored + (1 - momentum) * batch


@mutant("moving_average", blamed="remembers")
def always_a_tenth(stored, batch, momentum=0.1):
    return 0.9 * stored + 0.1 * batch


@mutant("moving_average", blamed="constant_stays")
def nothing_fades(stored, batch, momentum=0.1):
    return stored + momentum * batch


@mutant("moving_average", blamed="remembers")
def half_and_half(stored, batch, momentum=0.1):
    return (stored + batch) / 2


@mutant("moving_average", blamed="remembers")
def away_from_the_batch(stored, batch, momentum=0.1):
    return stored + momentum * (stored - batch)


@mutant("moving_average", blamed="remembers")
def frozen(stored, batch, momentum=0.1):
    return stored


@mutant("moving_average", blamed="remembers")
def the_smaller_share(stored, batch, momentum=0.1):
    share = min(momentum, 1 - momentum)
    return (1 - share) * stored + share * batch


@mutant("moving_average", blamed="any_values")
def zero_means_default(stored, batch, momentum=0.1):
    momentum = momentum or 0.1
    return (1 - momentum) * stored + momentum * batch


@mutant("moving_average", blamed="default_momentum")
def only_upwards(stored, batch, momentum=0.1):
    return stored + momentum * np.maximum(batch - stored, 0)


@alternative("moving_average")
def as_a_dot_product(stored, batch, momentum=0.1):
    return np.einsum("k,kc->c", [1 - momentum, momentum], np.stack([stored, batch]))


@alternative("moving_average")
def with_lerp(stored, batch, momentum=0.1):
    both = (torch.from_numpy(np.array(a, dtype=float)) for a in (stored, batch))
    return torch.lerp(*both, momentum).numpy()


@alternative("moving_average")
def on_a_copy(stored, batch, momentum=0.1):
    new = np.array(stored, dtype=float)
    new *= 1 - momentum
    new += momentum * batch
    return new


@mutant("moving_average", blamed="any_values")
def in_the_type_of_what_is_stored(stored, batch, momentum=0.1):
    new = np.empty_like(stored)
    new[:] = (1 - momentum) * stored + momentum * batch
    return new


@mutant("moving_average", blamed="any_values")
def one_feature_is_left_alone(stored, batch, momentum=0.1):
    new = (1 - momentum) * stored + momentum * batch
    return new if new.size > 1 else stored


@mutant("moving_average", blamed="any_values")
def at_least_a_little(stored, batch, momentum=0.1):
    momentum = max(momentum, 1e-3)
    return (1 - momentum) * stored + momentum * batch


@mutant("moving_average", blamed="constant_stays")
def of_the_lengths(stored, batch, momentum=0.1):
    new = (1 - momentum) * stored + momentum * batch
    return np.abs(new)


@mutant("moving_average", blamed="remembers")
def batch_replaces(stored, batch, momentum=0.1):
    return batch


@mutant("moving_average", blamed="remembers")
def momentum_squared(stored, batch, momentum=0.1):
    return (1 - momentum**2) * stored + momentum**2 * batch


@mutant("moving_average", blamed="constant_stays")
def only_the_old_one_fades(stored, batch, momentum=0.1):
    return (1 - momentum) * stored + batch


@mutant("moving_average", blamed="constant_stays")
def divided_by_two(stored, batch, momentum=0.1):
    return ((1 - momentum) * stored + momentum * batch) / 2


@mutant("moving_average", blamed="constant_stays")
def of_all_features(stored, batch, momentum=0.1):
    return np.full_like(stored, (1 - momentum) * stored.mean() + momentum * batch.mean())


# ported_layer


def built(keras, **changes):
    """A right layer, but for the changes."""
    values = {
        "momentum": 1 - keras["momentum"],
        "eps": keras["epsilon"],
        "weight": keras["gamma"],
        "bias": keras["beta"],
        "mean": keras["moving_mean"],
        "var": keras["moving_variance"],
    } | changes
    layer = nn.BatchNorm1d(
        len(values["weight"]), values["eps"], values["momentum"], dtype=torch.float64
    )
    names = ["weight", "bias", "running_mean", "running_var"]
    state = dict(zip(names, [values[k] for k in ("weight", "bias", "mean", "var")], strict=True))
    layer.load_state_dict({k: torch.tensor(v) for k, v in state.items()}, strict=False)
    return layer


@alternative("ported_layer")
def with_load_state_dict(keras):
    return built(keras)


@alternative("ported_layer")
def momentum_set_afterwards(keras):
    layer = built(keras, momentum=0.5)
    layer.momentum = 1.0 - keras["momentum"]
    return layer


@mutant("ported_layer", blamed="memory")
def default_of_pytorch(keras):
    return built(keras, momentum=0.1)


@mutant("ported_layer", blamed="other_momentum")
def one_hundredth(keras):
    return built(keras, momentum=0.01)


@mutant("ported_layer", blamed="other_momentum")
def the_smaller_of_the_two(keras):
    return built(keras, momentum=min(keras["momentum"], 1 - keras["momentum"]))


@mutant("ported_layer", blamed="memory")
def average_over_everything(keras):
    return built(keras, momentum=None)


@mutant("ported_layer", blamed="memory")
def does_not_move(keras):
    return built(keras, momentum=0.0)


@mutant("ported_layer", blamed="still_learns")
def left_in_eval_mode(keras):
    return built(keras).eval()


@mutant("ported_layer", blamed="still_learns")
def parameters_frozen(keras):
    return built(keras).requires_grad_(False)


@mutant("ported_layer", blamed="still_learns")
def always_running_statistics(keras):
    layer = built(keras)
    layer.forward = lambda x: nn.functional.batch_norm(
        x, layer.running_mean, layer.running_var, layer.weight, layer.bias, False, 0.0, layer.eps
    )
    return layer


@mutant("ported_layer", blamed="eval_agrees")
def eps_turned_as_well(keras):
    return built(keras, eps=1 - keras["epsilon"])


@mutant("ported_layer", blamed="eval_agrees")
def default_eps(keras):
    return built(keras, eps=1e-5)


@mutant("ported_layer", blamed="eval_agrees")
def gamma_and_beta_exchanged(keras):
    return built(keras, weight=keras["beta"], bias=keras["gamma"])


@mutant("ported_layer", blamed="eval_agrees")
def deviation_for_the_variance(keras):
    return built(keras, var=np.sqrt(keras["moving_variance"]))


@mutant("ported_layer", blamed="eval_agrees")
def statistics_forgotten(keras):
    return built(keras, mean=np.zeros(4), var=np.ones(4))


@mutant("ported_layer", blamed="eval_agrees")
def without_gamma_and_beta(keras):
    momentum = 1 - keras["momentum"]
    return nn.BatchNorm1d(4, keras["epsilon"], momentum, affine=False, dtype=torch.float64)


@mutant("ported_layer", blamed="eval_agrees")
def without_memory(keras):
    return nn.BatchNorm1d(4, keras["epsilon"], track_running_stats=False, dtype=torch.float64)


@mutant("ported_layer", blamed="eval_agrees")
def a_dictionary(keras):
    return {"momentum": 1 - keras["momentum"], "eps": keras["epsilon"]}


@alternative("ported_layer")
def in_single_precision(keras):
    layer = nn.BatchNorm1d(len(keras["beta"]), keras["epsilon"], 1 - keras["momentum"])
    names = {"weight": "gamma", "bias": "beta"}
    names |= {"running_mean": "moving_mean", "running_var": "moving_variance"}
    state = {name: torch.as_tensor(keras[key]) for name, key in names.items()}
    layer.load_state_dict(state, strict=False)
    return layer


@alternative("ported_layer")
def array_by_array(keras):
    layer = nn.BatchNorm1d(keras["gamma"].size).double()
    layer.eps, layer.momentum = keras["epsilon"], 1 - keras["momentum"]
    layer.weight = nn.Parameter(torch.from_numpy(keras["gamma"].copy()))
    layer.bias = nn.Parameter(torch.from_numpy(keras["beta"].copy()))
    layer.running_mean[:] = torch.tensor(keras["moving_mean"])
    layer.running_var[:] = torch.tensor(keras["moving_variance"])
    return layer


@alternative("ported_layer")
def a_subclass(keras):
    class Ported(nn.BatchNorm1d):
        def __init__(self):
            size, share = len(keras["gamma"]), 1 - keras["momentum"]
            super().__init__(size, eps=keras["epsilon"], momentum=share, dtype=torch.float64)
            rows = ("gamma", "beta", "moving_mean", "moving_variance")
            for tensor, key in zip([*self.parameters(), *self.buffers()], rows, strict=False):
                tensor.data.copy_(torch.tensor(keras[key]))

    return Ported()


@mutant("ported_layer", blamed="other_momentum")
def four_features(keras):
    arrays = {key: np.resize(value, 4) for key, value in keras.items() if np.ndim(value)}
    return built(keras | arrays)


@mutant("ported_layer", blamed="other_momentum")
def momentum_at_most_a_tenth(keras):
    return built(keras, momentum=min(1 - keras["momentum"], 0.1))


@mutant("ported_layer", blamed="eval_agrees")
def eps_squared(keras):
    return built(keras, eps=keras["epsilon"] ** 2)


@mutant("ported_layer", blamed="eval_agrees")
def inverse_deviation(keras):
    return built(keras, var=1 / np.sqrt(keras["moving_variance"]))


@mutant("ported_layer", blamed="eval_agrees")
def mean_and_variance_exchanged(keras):
    return built(keras, mean=keras["moving_variance"], var=np.abs(keras["moving_mean"]))


@mutant("ported_layer", blamed="eval_agrees")
def unbiased_already(keras):
    n = len(keras["gamma"])
    return built(keras, var=keras["moving_variance"] * n / (n - 1))


@mutant("ported_layer", blamed="eval_agrees")
def state_alone(keras):
    return built(keras).state_dict()


@mutant("ported_layer", blamed="still_learns")
def beta_frozen(keras):
    layer = built(keras)
    layer.bias.requires_grad_(False)
    return layer


@mutant("ported_layer", blamed="memory")
def momentum_to_the_square(keras):
    return built(keras, momentum=(1 - keras["momentum"]) ** 2)


@mutant("ported_layer", blamed="memory")
def momentum_after_ten_steps(keras):
    return built(keras, momentum=1 - keras["momentum"] ** 10)


equivalent(
    "ported_layer",
    "layer = nn.BatchNorm1d(len(keras['gamma']), eps=keras['epsilon'], momentum=1 - "
    "keras['momentum'], dtype=torch.float64) -> … keras['momentum'])",
    because="float32 is what Keras computes in: the port is as exact as the original",
)


# running_update


def biased(x):
    return x.var(dim=(0, 2, 3), correction=0)


def averaged(running_mean, running_var, x, momentum, var):
    mean = (1 - momentum) * running_mean + momentum * x.mean(dim=(0, 2, 3))
    return mean, (1 - momentum) * running_var + momentum * var


@alternative("running_update")
def factor_by_hand(running_mean, running_var, x, momentum=0.1):
    n = x.numel() / x.shape[1]
    return averaged(running_mean, running_var, x, momentum, biased(x) * n / (n - 1))


@alternative("running_update")
def with_the_layer(running_mean, running_var, x, momentum=0.1):
    layer = nn.BatchNorm2d(x.shape[1], momentum=momentum, dtype=x.dtype)
    layer.running_mean.copy_(running_mean)
    layer.running_var.copy_(running_var)
    layer(x)
    return layer.running_mean, layer.running_var


@alternative("running_update")
def as_columns(running_mean, running_var, x, momentum=0.1):
    columns = x.transpose(1, 3).reshape(-1, x.shape[1])
    mean = torch.lerp(running_mean, columns.mean(dim=0), momentum)
    return [mean, torch.lerp(running_var, columns.var(dim=0), momentum)]


@mutant("running_update", blamed="variance_moves")
def counts_images(running_mean, running_var, x, momentum=0.1):
    n = len(x)
    return averaged(running_mean, running_var, x, momentum, biased(x) * n / (n - 1))


@mutant("running_update", blamed="right_on_average")
def counts_channels(running_mean, running_var, x, momentum=0.1):
    n = x.shape[1]
    return averaged(running_mean, running_var, x, momentum, biased(x) * n / (n - 1))


@mutant("running_update", blamed="right_on_average")
def the_wrong_way_round(running_mean, running_var, x, momentum=0.1):
    n = x.numel() / x.shape[1]
    return averaged(running_mean, running_var, x, momentum, biased(x) * (n - 1) / n)


@mutant("running_update", blamed="right_on_average")
def twice(running_mean, running_var, x, momentum=0.1):
    n = x.numel() / x.shape[1]
    var = x.var(dim=(0, 2, 3)) * n / (n - 1)
    return averaged(running_mean, running_var, x, momentum, var)


@mutant("running_update", blamed="variance_moves")
def the_stored_one_as_well(running_mean, running_var, x, momentum=0.1):
    n = x.numel() / x.shape[1]
    mean, var = averaged(running_mean, running_var, x, momentum, biased(x))
    return mean, var * n / (n - 1)


@mutant("running_update", blamed="right_on_average")
def the_root_of_the_factor(running_mean, running_var, x, momentum=0.1):
    n = x.numel() / x.shape[1]
    return averaged(running_mean, running_var, x, momentum, biased(x) * (n / (n - 1)) ** 0.5)


@mutant("running_update", blamed="mean_moves")
def the_mean_as_well(running_mean, running_var, x, momentum=0.1):
    n = x.numel() / x.shape[1]
    mean = x.mean(dim=(0, 2, 3)) * n / (n - 1)
    var = (1 - momentum) * running_var + momentum * x.var(dim=(0, 2, 3))
    return (1 - momentum) * running_mean + momentum * mean, var


@mutant("running_update", blamed="mean_moves")
def weights_turned(running_mean, running_var, x, momentum=0.1):
    return averaged(running_mean, running_var, x, 1 - momentum, x.var(dim=(0, 2, 3)))


@mutant("running_update", blamed="right_on_average")
def doubled_for_two(running_mean, running_var, x, momentum=0.1):
    return averaged(running_mean, running_var, x, momentum, biased(x) * 1.5)


@alternative("running_update")
def by_einsum(running_mean, running_var, x, momentum=0.1):
    n = x[:, 0].numel()
    mu = torch.einsum("nchw->c", x) / n
    squares = torch.einsum("nchw,nchw->c", x - mu[:, None, None], x - mu[:, None, None])
    mean = torch.lerp(running_mean, mu, momentum)
    return mean, torch.lerp(running_var, squares / (n - 1), momentum)


@alternative("running_update")
def with_the_function(running_mean, running_var, x, momentum=0.1):
    mean, var = running_mean.clone(), running_var.clone()
    nn.functional.batch_norm(x, mean, var, training=True, momentum=momentum)
    return mean, var


@alternative("running_update")
def in_numpy(running_mean, running_var, x, momentum=0.1):
    rows = np.moveaxis(x.numpy(), 1, -1).reshape(-1, x.shape[1])
    mean = (1 - momentum) * running_mean.numpy() + momentum * rows.mean(axis=0)
    return mean, (1 - momentum) * running_var.numpy() + momentum * rows.var(axis=0, ddof=1)


@mutant("running_update", blamed="default_share")
def default_of_keras(running_mean, running_var, x, momentum=0.9):
    return averaged(running_mean, running_var, x, momentum, x.var(dim=(0, 2, 3)))


@mutant("running_update", blamed="default_share")
def default_for_long_runs(running_mean, running_var, x, momentum=0.01):
    return averaged(running_mean, running_var, x, momentum, x.var(dim=(0, 2, 3)))


@mutant("running_update", blamed="variance_moves")
def four_channels(running_mean, running_var, x, momentum=0.1):
    n = x.numel() / 4
    return averaged(running_mean, running_var, x, momentum, biased(x) * n / (n - 1))


@mutant("running_update", blamed="variance_moves")
def one_image_is_exact(running_mean, running_var, x, momentum=0.1):
    var = x.var(dim=(0, 2, 3), correction=int(len(x) > 1))
    return averaged(running_mean, running_var, x, momentum, var)


@mutant("running_update", blamed="variance_moves")
def only_for_small_batches(running_mean, running_var, x, momentum=0.1):
    var = x.var(dim=(0, 2, 3), correction=int(x[:, 0].numel() < 10))
    return averaged(running_mean, running_var, x, momentum, var)


@mutant("running_update", blamed="variance_moves")
def two_less(running_mean, running_var, x, momentum=0.1):
    n = x.numel() / x.shape[1]
    return averaged(running_mean, running_var, x, momentum, biased(x) * n / max(n - 2, 1))


@mutant("running_update", blamed="right_on_average")
def the_variance_of_the_images_means(running_mean, running_var, x, momentum=0.1):
    var = x.mean(dim=(2, 3)).var(dim=0, correction=0)
    return averaged(running_mean, running_var, x, momentum, var)


@mutant("running_update", blamed="mean_moves")
def one_mean_for_all(running_mean, running_var, x, momentum=0.1):
    var = (1 - momentum) * running_var + momentum * x.var(dim=(0, 2, 3))
    return (1 - momentum) * running_mean + momentum * x.mean(), var


@mutant("running_update", blamed="mean_moves")
def variance_first(running_mean, running_var, x, momentum=0.1):
    return averaged(running_mean, running_var, x, momentum, x.var(dim=(0, 2, 3)))[::-1]


@mutant("running_update", blamed="mean_moves")
def mean_of_each_image(running_mean, running_var, x, momentum=0.1):
    mean = (1 - momentum) * running_mean + momentum * x.mean(dim=(2, 3))
    return mean, (1 - momentum) * running_var + momentum * x.var(dim=(0, 2, 3))


equivalent(
    "running_update",
    "var = x.var(dim=(0, 2, 3), correction=1) -> … 3))",
    because="1 is the default of correction",
)
