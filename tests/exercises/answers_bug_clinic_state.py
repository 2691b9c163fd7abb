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


@alternative("normalize_and_remember")
def remembers_in_place(x, gamma, beta, running_mean, running_var, momentum=0.1, eps=1e-5):
    y = nn.functional.batch_norm(x, running_mean, running_var, gamma, beta, True, momentum, eps)
    return y, running_mean, running_var


@alternative("normalize_and_remember")
def with_a_layer(x, gamma, beta, running_mean, running_var, momentum=0.1, eps=1e-5):
    layer = nn.BatchNorm1d(x.shape[1], eps, momentum, affine=False, dtype=x.dtype)
    layer.running_mean, layer.running_var = running_mean.clone(), running_var.clone()
    return layer(x) * gamma + beta, layer.running_mean, layer.running_var


@alternative("normalize_and_remember")
@torch.enable_grad()
def into_the_buffers(x, gamma, beta, running_mean, running_var, momentum=0.1, eps=1e-5):
    """As PyTorch does it: the vectors that were given hold the new numbers."""
    var, mu = torch.var_mean(x, dim=0, correction=0)
    with torch.no_grad():
        running_mean.mul_(1 - momentum).add_(mu, alpha=momentum)
        running_var.lerp_(x.var(dim=0), momentum)
    return normalized(x, gamma, beta, mu, var, eps), running_mean, running_var


@alternative("normalize_and_remember")
def by_einsum(x, gamma, beta, running_mean, running_var, momentum=0.1, eps=1e-5):
    n = len(x)
    mu = torch.einsum("nc->c", x) / n
    squares = torch.einsum("nc,nc->c", x - mu, x - mu)
    y = torch.einsum("nc,c->nc", x - mu, gamma * torch.rsqrt(squares / n + eps)) + beta
    new = [mu.detach(), squares.detach() / (n - 1)]
    old = [running_mean, running_var]
    return y, *(a + momentum * (b - a) for a, b in zip(old, new, strict=True))


@mutant("normalize_and_remember", blamed="memory_stays")
def into_the_buffers_with_the_graph(
    x, gamma, beta, running_mean, running_var, momentum=0.1, eps=1e-5
):
    mu, var = moments(x)
    running_mean.mul_(1 - momentum).add_(momentum * mu)
    running_var.mul_(1 - momentum).add_(momentum * var * len(x) / (len(x) - 1))
    return normalized(x, gamma, beta, mu, var, eps), running_mean, running_var


@mutant("normalize_and_remember", blamed="memory_stays")
def a_clone_is_no_cut(x, gamma, beta, running_mean, running_var, momentum=0.1, eps=1e-5):
    mu, var = moments(x)
    y = normalized(x, gamma, beta, mu, var, eps)
    running_mean = moved(running_mean, mu.clone(), momentum)
    return y, running_mean, moved(running_var, x.var(dim=0).clone(), momentum)


@mutant("normalize_and_remember", blamed="any_batch")
def seven_rows(x, gamma, beta, running_mean, running_var, momentum=0.1, eps=1e-5):
    mu, var = moments(x)
    y = normalized(x, gamma, beta, mu, var, eps)
    running_mean = moved(running_mean, mu.detach(), momentum)
    return y, running_mean, moved(running_var, var.detach() * 7 / 6, momentum)


@mutant("normalize_and_remember", blamed="any_batch")
def one_feature_is_not_remembered(
    x, gamma, beta, running_mean, running_var, momentum=0.1, eps=1e-5
):
    if x.shape[1] == 1:
        return normalized(x, gamma, beta, *moments(x), eps), running_mean, running_var
    return detached_x(x, gamma, beta, running_mean, running_var, momentum, eps)


@mutant("normalize_and_remember", blamed="defaults")
def default_momentum_of_a_hundredth(
    x, gamma, beta, running_mean, running_var, momentum=0.01, eps=1e-5
):
    return detached_x(x, gamma, beta, running_mean, running_var, momentum, eps)


@mutant("normalize_and_remember", blamed="defaults")
def default_eps_of_a_thousandth(x, gamma, beta, running_mean, running_var, momentum=0.1, eps=1e-3):
    return detached_x(x, gamma, beta, running_mean, running_var, momentum, eps)


@mutant("normalize_and_remember", blamed="training_as_before")
def uses_what_it_remembers(x, gamma, beta, running_mean, running_var, momentum=0.1, eps=1e-5):
    values = x.detach()
    mean = moved(running_mean, values.mean(dim=0), momentum)
    var = moved(running_var, values.var(dim=0), momentum)
    return normalized(x, gamma, beta, mean, var, eps), mean, var


@mutant("normalize_and_remember", blamed="training_as_before")
def y_from_numpy(x, gamma, beta, running_mean, running_var, momentum=0.1, eps=1e-5):
    y, *remembered = detached_x(x, gamma, beta, running_mean, running_var, momentum, eps)
    return torch.tensor(y.detach().numpy()), *remembered


@mutant("normalize_and_remember", blamed="remembered_numbers")
def only_in_place_of_the_mean(x, gamma, beta, running_mean, running_var, momentum=0.1, eps=1e-5):
    y, mean, _ = detached_x(x, gamma, beta, running_mean, running_var, momentum, eps)
    return y, mean, running_var


@mutant("normalize_and_remember", blamed="remembered_numbers")
def always_a_tenth(x, gamma, beta, running_mean, running_var, momentum=0.1, eps=1e-5):
    return detached_x(x, gamma, beta, running_mean, running_var, 0.1, eps)


@mutant("normalize_and_remember", blamed="remembered_numbers")
def y_at_the_end(x, gamma, beta, running_mean, running_var, momentum=0.1, eps=1e-5):
    y, *remembered = detached_x(x, gamma, beta, running_mean, running_var, momentum, eps)
    return *remembered, y


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


@alternative("norm_with_memory")
def by_the_function(num_features, momentum=0.1, eps=1e-5):
    class ByFunction(nn.Module):
        def __init__(self):
            super().__init__()
            self.scale, self.shift = (
                nn.Parameter(v.expand(num_features).clone()) for v in (ONE, NIL)
            )
            self.register_buffer("statistics", torch.stack([self.shift, self.scale]).detach())

        def forward(self, x):
            mean, var = self.statistics
            rest = (self.scale, self.shift, self.training, momentum, eps)
            return nn.functional.batch_norm(x, mean, var, *rest)

    return ByFunction()


ONE, NIL = torch.ones(1), torch.zeros(1)


@alternative("norm_with_memory")
def new_tensors_every_time(num_features, momentum=0.1, eps=1e-5):
    class Assigned(Norm):
        def forward(self, x):
            if not self.training:
                return normalized(x, self.gamma, self.beta, *self.remembered(), self.eps)
            for name, batch in (("running_mean", x.mean(0)), ("running_var", x.var(0))):
                setattr(self, name, moved(getattr(self, name), batch.detach(), self.momentum))
            return normalized(x, self.gamma, self.beta, *moments(x), self.eps)

    return Assigned(num_features, momentum, eps, buffer)


def wrong_norm(name, blamed, share=0.1, small=1e-5, **wrong):
    """Register a layer that is right but for some of its parts, or its defaults share and small."""

    def answer(num_features, momentum=share, eps=small):
        class Wrong(Norm):
            def forward(self, x):
                seen = wrong.get("seen", lambda x: x)(x)
                mu, var = moments(seen) if self.training else self.remembered()
                if self.training:
                    batch = (seen.mean(0), seen.var(0, correction=wrong.get("correction", 1)))
                    keep = wrong.get("keep", torch.Tensor.detach)
                    for key, value in zip(wrong.get("names", NAMES), batch, strict=True):
                        setattr(self, key, moved(getattr(self, key), keep(value), self.momentum))
                gamma = wrong.get("gamma", lambda g: g)(self.gamma)
                return normalized(
                    x, gamma, wrong.get("beta", lambda b: b)(self.beta), mu, var, self.eps
                )

        layer = Wrong(num_features, momentum, eps, buffer)
        for key, value in zip(wrong.get("names", ()), (torch.zeros, torch.ones), strict=False):
            layer.register_buffer(key, value(num_features))
        if "names" in wrong:
            layer.remembered = lambda: tuple(getattr(layer, key) for key in wrong["names"])
        return layer

    answer.__name__ = name
    mutant("norm_with_memory", blamed=blamed)(answer)


NAMES = ("running_mean", "running_var")
wrong_norm("statistics_are_constants", "still_batch_norm", seen=torch.Tensor.detach)
wrong_norm("gamma_is_not_used", "still_batch_norm", gamma=torch.ones_like)
wrong_norm("beta_is_not_used", "still_batch_norm", beta=torch.zeros_like)
wrong_norm("beta_is_subtracted", "still_batch_norm", beta=torch.neg)
wrong_norm("biased_memory", "still_batch_norm", correction=0)
wrong_norm("slow_by_default", "defaults_of_the_layer", share=0.01)
wrong_norm("fast_by_default", "defaults_of_the_layer", share=0.9)
wrong_norm("larger_eps_by_default", "defaults_of_the_layer", small=1e-3)
wrong_norm("keeps_the_graph", "numbers_only", keep=lambda value: value)
wrong_norm(
    "keeps_the_graph_by_another_name", "numbers_only", keep=lambda v: v, names=("mean", "var")
)


@mutant("norm_with_memory", blamed="numbers_only")
def keeps_its_last_batch(num_features, momentum=0.1, eps=1e-5):
    class Curious(Norm):
        def forward(self, x):
            self.last = super().forward(x)
            return self.last

    return Curious(num_features, momentum, eps, buffer)


@mutant("norm_with_memory", blamed="still_batch_norm")
def learns_in_eval_mode(num_features, momentum=0.1, eps=1e-5):
    class Restless(Norm):
        def forward(self, x):
            mode, self.training = self.training, True
            y = super().forward(x)
            self.training = mode
            if mode:
                return y
            return normalized(x, self.gamma, self.beta, *self.remembered(), self.eps)

    return Restless(num_features, momentum, eps, buffer)


@mutant("norm_with_memory", blamed="still_batch_norm", says="expected gamma alone")
def three_features(num_features, momentum=0.1, eps=1e-5):
    return Norm(3, momentum, eps, buffer)


@mutant("norm_with_memory", blamed="nobody_trains_it")
def no_parameters_at_all(num_features, momentum=0.1, eps=1e-5):
    return nn.BatchNorm1d(num_features, eps, momentum, affine=False)


@mutant("norm_with_memory", blamed="nobody_trains_it")
def gamma_starts_at_zero(num_features, momentum=0.1, eps=1e-5):
    layer = Norm(num_features, momentum, eps, buffer)
    layer.gamma.data.zero_()
    return layer


@mutant("norm_with_memory", blamed="moved_along")
def single_precision_inside(num_features, momentum=0.1, eps=1e-5):
    class Single(Norm):
        def forward(self, x):
            return super().forward(x.float())

    return Single(num_features, momentum, eps, buffer)
