"""Answers to the exercises of the notebook `bug_clinic` about what a layer keeps."""

import torch
from registry import alternative, mutant
from torch import nn

# --- normalize_and_remember --------------------------------------------------------------------


def moments(x):
    return x.mean(dim=0), x.var(dim=0, correction=0)


def normalized(x, gamma, beta, mu, var, eps):
    return gamma * (x - mu) / torch.sqrt(var + eps) + beta


def moved(running, batch, momentum):
    return (1 - momentum) * running + momentum * batch


@alternative("normalize_and_remember")
def detached_at_the_end(x, gamma, beta, running_mean, running_var, momentum=0.1, eps=1e-5):
    mu, var = moments(x)
    running_mean = moved(running_mean, mu, momentum)
    running_var = moved(running_var, var * len(x) / (len(x) - 1), momentum)
    y = normalized(x, gamma, beta, mu, var, eps)
    return y, running_mean.detach(), running_var.detach()


@alternative("normalize_and_remember")
def data_as_in_the_book(x, gamma, beta, running_mean, running_var, momentum=0.1, eps=1e-5):
    mu, var = moments(x)
    running_mean = moved(running_mean, mu, momentum)
    running_var = moved(running_var, var * len(x) / (len(x) - 1), momentum)
    return normalized(x, gamma, beta, mu, var, eps), running_mean.data, running_var.data


@alternative("normalize_and_remember")
def detached_x(x, gamma, beta, running_mean, running_var, momentum=0.1, eps=1e-5):
    values = x.detach()
    running_mean = torch.lerp(running_mean, values.mean(dim=0), momentum)
    running_var = torch.lerp(running_var, values.var(dim=0), momentum)
    return normalized(x, gamma, beta, *moments(x), eps), running_mean, running_var


@alternative("normalize_and_remember")
def with_pytorch(x, gamma, beta, running_mean, running_var, momentum=0.1, eps=1e-5):
    mean, var = running_mean.clone(), running_var.clone()
    y = nn.functional.batch_norm(x, mean, var, gamma, beta, True, momentum, eps)
    return y, mean, var


@mutant("normalize_and_remember", blamed="memory_stays")
def detaches_the_mean_only(x, gamma, beta, running_mean, running_var, momentum=0.1, eps=1e-5):
    mu, var = moments(x)
    y = normalized(x, gamma, beta, mu, var, eps)
    running_mean = moved(running_mean, mu.detach(), momentum)
    return y, running_mean, moved(running_var, var * len(x) / (len(x) - 1), momentum)


@mutant("normalize_and_remember", blamed="memory_stays")
def detaches_what_was_remembered(x, gamma, beta, running_mean, running_var, momentum=0.1, eps=1e-5):
    # The chain is cut, but one batch stays alive all the time.
    mu, var = moments(x)
    y = normalized(x, gamma, beta, mu, var, eps)
    running_mean = moved(running_mean.detach(), mu, momentum)
    return y, running_mean, moved(running_var.detach(), var * len(x) / (len(x) - 1), momentum)


@mutant("normalize_and_remember", blamed="memory_stays")
def remembers_parameters(x, gamma, beta, running_mean, running_var, momentum=0.1, eps=1e-5):
    y, running_mean, running_var = detached_x(
        x, gamma, beta, running_mean, running_var, momentum, eps
    )
    return y, nn.Parameter(running_mean), nn.Parameter(running_var)


@alternative("normalize_and_remember")
def remembers_numpy(x, gamma, beta, running_mean, running_var, momentum=0.1, eps=1e-5):
    y, *both = detached_at_the_end(x, gamma, beta, running_mean, running_var, momentum, eps)
    return y, both[0].numpy(), both[1].numpy()


@mutant("normalize_and_remember", blamed="training_as_before")
def detaches_the_statistics(x, gamma, beta, running_mean, running_var, momentum=0.1, eps=1e-5):
    mu, var = moments(x.detach())
    running_mean = moved(running_mean, mu, momentum)
    running_var = moved(running_var, var * len(x) / (len(x) - 1), momentum)
    return normalized(x, gamma, beta, mu, var, eps), running_mean, running_var


@mutant("normalize_and_remember", blamed="training_as_before")
def detaches_the_mean_in_y(x, gamma, beta, running_mean, running_var, momentum=0.1, eps=1e-5):
    mu, var = x.detach().mean(dim=0), x.var(dim=0, correction=0)
    running_mean = moved(running_mean, mu, momentum)
    running_var = moved(running_var, x.detach().var(dim=0), momentum)
    return normalized(x, gamma, beta, mu, var, eps), running_mean, running_var


@mutant("normalize_and_remember", blamed="training_as_before")
@torch.no_grad()
def all_without_gradients(x, gamma, beta, running_mean, running_var, momentum=0.1, eps=1e-5):
    return detached_at_the_end(x, gamma, beta, running_mean, running_var, momentum, eps)


@mutant("normalize_and_remember", blamed="training_as_before")
def detaches_x_altogether(x, gamma, beta, running_mean, running_var, momentum=0.1, eps=1e-5):
    x = x.detach()
    return detached_at_the_end(x, gamma, beta, running_mean, running_var, momentum, eps)


@mutant("normalize_and_remember", blamed="training_as_before")
def ignores_eps(x, gamma, beta, running_mean, running_var, momentum=0.1, eps=1e-5):
    return detached_at_the_end(x, gamma, beta, running_mean, running_var, momentum)


@mutant("normalize_and_remember", blamed="remembered_numbers")
def remembers_the_biased_variance(
    x, gamma, beta, running_mean, running_var, momentum=0.1, eps=1e-5
):
    mu, var = moments(x)
    y = normalized(x, gamma, beta, mu, var, eps)
    running_mean = moved(running_mean, mu.detach(), momentum)
    return y, running_mean, moved(running_var, var.detach(), momentum)


@mutant("normalize_and_remember", blamed="remembered_numbers")
def remembers_nothing(x, gamma, beta, running_mean, running_var, momentum=0.1, eps=1e-5):
    return normalized(x, gamma, beta, *moments(x), eps), running_mean, running_var


@mutant("normalize_and_remember", blamed="remembered_numbers")
def momentum_the_other_way(x, gamma, beta, running_mean, running_var, momentum=0.1, eps=1e-5):
    return detached_x(x, gamma, beta, running_mean, running_var, 1 - momentum, eps)


@mutant("normalize_and_remember", blamed="remembered_numbers")
def remembers_in_place(x, gamma, beta, running_mean, running_var, momentum=0.1, eps=1e-5):
    y = nn.functional.batch_norm(x, running_mean, running_var, gamma, beta, True, momentum, eps)
    return y, running_mean, running_var


# --- residual_block ----------------------------------------------------------------------------


def conv(channels, bias):
    return nn.Conv2d(channels, channels, 3, padding=1, bias=bias)


class Block(nn.Module):
    def __init__(self, *layers):
        super().__init__()
        self.branch = nn.Sequential(*layers)

    def forward(self, x):
        return torch.relu(x + self.branch(x))


def block(channels, norms, bias=False):
    first, second = norms
    return Block(conv(channels, bias), *first, nn.ReLU(), conv(channels, bias), *second)


@alternative("residual_block")
def layer_by_layer(channels, norm=nn.BatchNorm2d):
    if norm is None:
        return block(channels, ([], []), bias=True)
    return block(channels, ([norm(channels)], [norm(channels)]))


@alternative("residual_block")
def identity_for_no_norm(channels, norm=nn.BatchNorm2d):
    norm = norm or (lambda channels: nn.Identity())
    return block(channels, ([norm(channels)], [norm(channels)]), bias=True)


@alternative("residual_block")
def the_last_norm_first(channels, norm=nn.BatchNorm2d):
    last = [norm(channels)] if norm else []
    return block(channels, ([norm(channels)] if norm else [], last), bias=norm is None)


@mutant("residual_block", blamed="size_of_the_weights")
def only_the_first(channels, norm=nn.BatchNorm2d):
    return block(channels, ([norm(channels)] if norm else [], []), bias=True)


@mutant("residual_block", blamed="size_of_the_weights")
def only_the_last(channels, norm=nn.BatchNorm2d):
    return block(channels, ([], [norm(channels)] if norm else []), bias=True)


@mutant("residual_block", blamed="the_norm_that_was_asked_for")
def always_batch_norm(channels, norm=nn.BatchNorm2d):
    if norm is None:
        return layer_by_layer(channels, None)
    return layer_by_layer(channels)


@mutant("residual_block", blamed="the_norm_that_was_asked_for")
def one_norm_twice(channels, norm=nn.BatchNorm2d):
    norms = [norm(channels)] if norm else []
    return block(channels, (norms, norms), bias=norm is None)


@mutant("residual_block", blamed="the_norm_that_was_asked_for")
def behind_the_activation(channels, norm=nn.BatchNorm2d):
    norms = [[norm(channels)] if norm else [] for _ in range(2)]
    first, second = conv(channels, norm is None), conv(channels, norm is None)
    return Block(first, nn.ReLU(), *norms[0], second, *norms[1])


@mutant("residual_block", blamed="the_norm_that_was_asked_for")
def a_third_norm_in_front(channels, norm=nn.BatchNorm2d):
    norms = [[norm(channels)] if norm else [] for _ in range(3)]
    return Block(*norms[0], *block(channels, norms[1:], bias=norm is None).branch)


@mutant("residual_block", blamed="the_norm_that_was_asked_for")
def one_channel_too_many(channels, norm=nn.BatchNorm2d):
    def wider(channels):
        return nn.BatchNorm2d(channels) if norm is nn.BatchNorm2d else norm(channels + 1)

    return layer_by_layer(channels, norm and wider)


@mutant("residual_block", blamed="no_norm_at_all")
def batch_norm_for_none(channels, norm=nn.BatchNorm2d):
    return layer_by_layer(channels, norm or nn.BatchNorm2d)


@mutant("residual_block", blamed="no_norm_at_all")
def never_a_bias(channels, norm=nn.BatchNorm2d):
    norms = [[norm(channels)] if norm else [] for _ in range(2)]
    return block(channels, norms)


# --- norm_with_memory --------------------------------------------------------------------------


class Norm(nn.Module):
    """Batch norm whose running statistics are kept as `keep` says."""

    def __init__(self, num_features, momentum, eps, keep):
        super().__init__()
        self.momentum, self.eps = momentum, eps
        self.gamma = nn.Parameter(torch.ones(num_features))
        self.beta = nn.Parameter(torch.zeros(num_features))
        keep(self, "running_mean", torch.zeros(num_features))
        keep(self, "running_var", torch.ones(num_features))

    def remembered(self):
        return self.running_mean, self.running_var

    def forward(self, x):
        mu, var = self.remembered()
        if self.training:
            mu, var = moments(x)
            with torch.no_grad():
                for running, batch in zip(self.remembered(), (mu, x.var(dim=0)), strict=True):
                    running.lerp_(batch.to(running.dtype), self.momentum)
        return normalized(x, self.gamma, self.beta, mu, var, self.eps)


def buffer(layer, name, value):
    layer.register_buffer(name, value)


@alternative("norm_with_memory")
def two_buffers(num_features, momentum=0.1, eps=1e-5):
    return Norm(num_features, momentum, eps, buffer)


@alternative("norm_with_memory")
def as_nn_buffer(num_features, momentum=0.1, eps=1e-5):
    def keep(layer, name, value):
        setattr(layer, name, nn.Buffer(value))

    return Norm(num_features, momentum, eps, keep)


@alternative("norm_with_memory")
def assigned_anew(num_features, momentum=0.1, eps=1e-5):
    class Anew(Norm):
        def forward(self, x):
            mu, var = self.remembered()
            if self.training:
                mu, var = moments(x)
                values = x.detach()
                self.running_mean = moved(self.running_mean, values.mean(dim=0), momentum)
                self.running_var = moved(self.running_var, values.var(dim=0), momentum)
            return normalized(x, self.gamma, self.beta, mu, var, eps)

    return Anew(num_features, momentum, eps, buffer)


@alternative("norm_with_memory")
def from_pytorch(num_features, momentum=0.1, eps=1e-5):
    return nn.BatchNorm1d(num_features, eps, momentum)


@mutant("norm_with_memory", blamed="numbers_only")
def with_the_graph(num_features, momentum=0.1, eps=1e-5):
    class Heavy(Norm):
        def forward(self, x):
            mu, var = self.remembered()
            if self.training:
                mu, var = moments(x)
                self.running_mean = moved(self.running_mean, mu, momentum)
                self.running_var = moved(self.running_var, x.var(dim=0), momentum)
            return normalized(x, self.gamma, self.beta, mu, var, eps)

    return Heavy(num_features, momentum, eps, buffer)


@mutant("norm_with_memory", blamed="nobody_trains_it")
def as_parameters(num_features, momentum=0.1, eps=1e-5):
    def parameter(layer, name, value):
        setattr(layer, name, nn.Parameter(value, requires_grad=False))

    return Norm(num_features, momentum, eps, parameter)


@mutant("norm_with_memory", blamed="saved_and_loaded")
def not_persistent(num_features, momentum=0.1, eps=1e-5):
    def moved_only(layer, name, value):
        layer.register_buffer(name, value, persistent=False)

    return Norm(num_features, momentum, eps, moved_only)


@mutant("norm_with_memory", blamed="saved_and_loaded")
def the_mean_only(num_features, momentum=0.1, eps=1e-5):
    def keep(layer, name, value):
        if name == "running_mean":
            layer.register_buffer(name, value)
        else:
            layer.register_buffer(name, value, persistent=False)

    return Norm(num_features, momentum, eps, keep)


@mutant("norm_with_memory", blamed="saved_and_loaded")
def converted_in_forward(num_features, momentum=0.1, eps=1e-5):
    class Converted(Norm):
        def forward(self, x):
            self.running_mean, self.running_var = self.running_mean.to(x), self.running_var.to(x)
            return super().forward(x)

    return Converted(num_features, momentum, eps, setattr)


@mutant("norm_with_memory", blamed="saved_and_loaded")
def copies_in_the_state(num_features, momentum=0.1, eps=1e-5):
    class Copies(Norm):
        """Buffers that are written at the start and never again."""

        def remembered(self):
            return self.mean, self.var

    layer = Copies(num_features, momentum, eps, buffer)
    layer.mean, layer.var = layer.running_mean.clone(), layer.running_var.clone()
    return layer


@mutant("norm_with_memory", blamed="moved_along")
def saved_by_hand(num_features, momentum=0.1, eps=1e-5):
    class ByHand(Norm):
        def get_extra_state(self):
            return self.remembered()

        def set_extra_state(self, state):
            self.running_mean, self.running_var = state

    return ByHand(num_features, momentum, eps, setattr)


@mutant("norm_with_memory", blamed="still_batch_norm")
def written_once(num_features, momentum=0.1, eps=1e-5):
    return Norm(num_features, 0.0, eps, buffer)


@mutant("norm_with_memory", blamed="still_batch_norm")
def batch_statistics_for_ever(num_features, momentum=0.1, eps=1e-5):
    return nn.BatchNorm1d(num_features, eps, momentum, track_running_stats=False)
