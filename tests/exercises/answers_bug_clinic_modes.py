"""Answers to the exercises of the notebook `bug_clinic` about modes."""

import copy

import numpy as np
import torch
from answers_bug_clinic_freezing import norms
from registry import alternative, equivalent, mutant
from torch import nn

# --- norm_with_modes ---------------------------------------------------------------------------


class Norm(nn.Module):
    """Batch norm without gamma and beta; what it uses and what it learns are two questions."""

    def __init__(self, num_features, momentum, eps, uses_batch, learns):
        super().__init__()
        self.momentum, self.eps = momentum, eps
        self.uses_batch, self.learns = uses_batch, learns
        self.register_buffer("running_mean", torch.zeros(num_features))
        self.register_buffer("running_var", torch.ones(num_features))

    def forward(self, x):
        mu, var = self.running_mean, self.running_var
        if self.uses_batch(self):
            mu, var = x.mean(dim=0), x.var(dim=0, correction=0)
        y = (x - mu) / torch.sqrt(var + self.eps)
        if self.learns(self):
            with torch.no_grad():
                self.running_mean = torch.lerp(self.running_mean, x.mean(dim=0), self.momentum)
                self.running_var = torch.lerp(self.running_var, x.var(dim=0), self.momentum)
        return y


def in_training(layer):
    return layer.training


def gradients_wanted(layer):
    return torch.is_grad_enabled()


def always(layer):
    return True


def never(layer):
    return False


def both(layer):
    return layer.training and torch.is_grad_enabled()


@alternative("norm_with_modes")
def by_the_mode(num_features, momentum=0.1, eps=1e-5):
    return Norm(num_features, momentum, eps, in_training, in_training)


@alternative("norm_with_modes")
def from_pytorch(num_features, momentum=0.1, eps=1e-5):
    return nn.BatchNorm1d(num_features, eps, momentum, affine=False)


@alternative("norm_with_modes")
def switched_by_train(num_features, momentum=0.1, eps=1e-5):
    class Switched(Norm):
        batch = True

        def train(self, mode=True):
            self.batch = mode
            return super().train(mode)

    def switched(layer):
        return layer.batch

    return Switched(num_features, momentum, eps, switched, switched)


@mutant("norm_with_modes", blamed="numbers_only")
def remembers_the_graph(num_features, momentum=0.1, eps=1e-5):
    class Heavy(Norm):
        def forward(self, x):
            if not self.training:
                return super().forward(x)
            mu, var = x.mean(dim=0), x.var(dim=0, correction=0)
            self.running_mean = torch.lerp(self.running_mean, mu, momentum)
            self.running_var = torch.lerp(self.running_var, x.var(dim=0), momentum)
            return (x - mu) / torch.sqrt(var + eps)

    return Heavy(num_features, momentum, eps, in_training, in_training)


@mutant("norm_with_modes", blamed="numbers_only")
def remembers_the_graph_of_the_variance(num_features, momentum=0.1, eps=1e-5):
    class Heavy(Norm):
        def forward(self, x):
            y = super().forward(x)
            if self.training:
                self.running_var = self.running_var + 0 * x.sum()
            return y

    return Heavy(num_features, momentum, eps, in_training, in_training)


@mutant("norm_with_modes", blamed="in_company")
def either(num_features, momentum=0.1, eps=1e-5):
    def either(layer):
        return layer.training or torch.is_grad_enabled()

    return Norm(num_features, momentum, eps, either, either)


@mutant("norm_with_modes", blamed="in_training")
def never_the_batch(num_features, momentum=0.1, eps=1e-5):
    return Norm(num_features, momentum, eps, never, in_training)


@mutant("norm_with_modes", blamed="in_training")
def never_learns(num_features, momentum=0.1, eps=1e-5):
    return Norm(num_features, momentum, eps, in_training, never)


@mutant("norm_with_modes", blamed="in_training")
def statistics_without_gradient(num_features, momentum=0.1, eps=1e-5):
    class Constant(Norm):
        def forward(self, x):
            if not self.training:
                return super().forward(x)
            with torch.no_grad():
                super().forward(x)
                mu, var = x.mean(dim=0), x.var(dim=0, correction=0)
            return (x - mu) / torch.sqrt(var + self.eps)

    return Constant(num_features, momentum, eps, in_training, in_training)


@mutant("norm_with_modes", blamed="in_training")
def no_gradient_at_all(num_features, momentum=0.1, eps=1e-5):
    class Silent(Norm):
        @torch.no_grad()
        def forward(self, x):
            return super().forward(x)

    return Silent(num_features, momentum, eps, in_training, in_training)


@mutant("norm_with_modes", blamed="gradients_in_eval_mode")
def eval_without_gradients(num_features, momentum=0.1, eps=1e-5):
    class Silent(Norm):
        def forward(self, x):
            with torch.set_grad_enabled(self.training):
                return super().forward(x)

    return Silent(num_features, momentum, eps, in_training, in_training)


@mutant("norm_with_modes", blamed="untouched_by_eval")
def learns_in_eval_mode(num_features, momentum=0.1, eps=1e-5):
    return Norm(num_features, momentum, eps, in_training, gradients_wanted)


@mutant("norm_with_modes", blamed="training_without_gradients")
def asks_both_questions(num_features, momentum=0.1, eps=1e-5):
    return Norm(num_features, momentum, eps, both, both)


@mutant("norm_with_modes", blamed="training_without_gradients")
def learns_only_with_gradients(num_features, momentum=0.1, eps=1e-5):
    return Norm(num_features, momentum, eps, in_training, both)


@alternative("norm_with_modes")
def by_the_function(num_features, momentum=0.1, eps=1e-5):
    class ByFunction(nn.Module):
        def __init__(self):
            super().__init__()
            self.register_buffer("running_mean", torch.zeros(num_features))
            self.register_buffer("running_var", torch.ones(num_features))

        def forward(self, x):
            batch_norm = nn.functional.batch_norm
            statistics = self.running_mean, self.running_var
            return batch_norm(x, *statistics, None, None, self.training, momentum, eps)

    return ByFunction()


@alternative("norm_with_modes")
def two_forwards(num_features, momentum=0.1, eps=1e-5):
    class Two(nn.BatchNorm1d):
        def forward(self, x):
            return self.learn(x) if self.training else self.use(x)

        def learn(self, x):
            var, mu = torch.var_mean(x, dim=0, correction=0)
            self.running_mean += self.momentum * (mu.detach() - self.running_mean)
            self.running_var += self.momentum * (x.detach().var(dim=0) - self.running_var)
            return (x - mu) * torch.rsqrt(var + self.eps)

        def use(self, x):
            return torch.sub(x, self.running_mean).div((self.running_var + self.eps).sqrt())

    return Two(num_features, eps, momentum, affine=False)


@mutant("norm_with_modes", blamed="defaults_as_in_pytorch")
def slow_by_default(num_features, momentum=0.01, eps=1e-5):
    return Norm(num_features, momentum, eps, in_training, in_training)


@mutant("norm_with_modes", blamed="defaults_as_in_pytorch")
def keras_by_default(num_features, momentum=0.1, eps=1e-3):
    return Norm(num_features, momentum, eps, in_training, in_training)


@mutant("norm_with_modes", blamed="in_training")
def three_features(num_features, momentum=0.1, eps=1e-5):
    return Norm(3, momentum, eps, in_training, in_training)


@mutant("norm_with_modes", blamed="in_training")
def momentum_of_its_own(num_features, momentum=0.1, eps=1e-5):
    return Norm(num_features, 0.1, eps, in_training, in_training)


@mutant("norm_with_modes", blamed="in_training")
def unbiased_output(num_features, momentum=0.1, eps=1e-5):
    class Unbiased(Norm):
        def forward(self, x):
            y = super().forward(x)
            return y * ((len(x) - 1) / len(x)) ** 0.5 if self.training else y

    return Unbiased(num_features, momentum, eps, in_training, in_training)


@mutant("norm_with_modes", blamed="in_training")
def biased_memory(num_features, momentum=0.1, eps=1e-5):
    class Biased(Norm):
        def forward(self, x):
            old = self.running_var
            y = super().forward(x)
            if self.training:
                var = x.detach().var(dim=0, correction=0)
                self.running_var = torch.lerp(old, var, self.momentum)
            return y

    return Biased(num_features, momentum, eps, in_training, in_training)


@mutant("norm_with_modes", blamed="in_company")
def asks_whether_x_wants_gradients(num_features, momentum=0.1, eps=1e-5):
    def wanted(layer):
        return layer.training or layer.rows > 7

    class Asking(Norm):
        def forward(self, x):
            self.rows = len(x)
            return super().forward(x)

    return Asking(num_features, momentum, eps, wanted, in_training)


@mutant("norm_with_modes", blamed="gradients_in_eval_mode")
def detached_in_eval_mode(num_features, momentum=0.1, eps=1e-5):
    class Detached(Norm):
        def forward(self, x):
            return super().forward(x if self.training else x.detach())

    return Detached(num_features, momentum, eps, in_training, in_training)


@mutant("norm_with_modes", blamed="untouched_by_eval")
def learns_slowly_in_eval_mode(num_features, momentum=0.1, eps=1e-5):
    class Slow(Norm):
        def forward(self, x):
            y = super().forward(x)
            if not self.training:
                self.running_mean = torch.lerp(self.running_mean, x.detach().mean(0), 0.01)
            return y

    return Slow(num_features, momentum, eps, in_training, in_training)


@mutant("norm_with_modes", blamed="training_without_gradients")
def uses_the_batch_only_with_gradients(num_features, momentum=0.1, eps=1e-5):
    return Norm(num_features, momentum, eps, both, in_training)


# --- measure_accuracy --------------------------------------------------------------------------


@torch.no_grad()
def share(model, x, y, batch_size):
    pieces = zip(x.split(batch_size), y.split(batch_size), strict=True)
    return sum((model(a).argmax(dim=1) == b).sum().item() for a, b in pieces) / len(x)


def restoring(modes):
    for module, mode in modes:
        module.training = mode


def modes_of(model):
    return [(module, module.training) for module in model.modules()]


@alternative("measure_accuracy")
def with_a_twin(model, x, y, batch_size=100):
    return share(copy.deepcopy(model).eval(), x, y, batch_size)


@alternative("measure_accuracy")
def modes_by_name(model, x, y, batch_size=100):
    before = {name: module.training for name, module in model.named_modules()}
    model.train(False)
    result = share(model, x, y, batch_size)
    for name, module in model.named_modules():
        module.training = before[name]
    return result


@alternative("measure_accuracy")
def in_float32(model, x, y, batch_size=100):
    modes = modes_of(model)
    try:
        with torch.inference_mode():
            guesses = torch.cat([model.eval()(part).argmax(dim=1) for part in x.split(batch_size)])
        return (guesses == y).float().mean()
    finally:
        restoring(modes)


@alternative("measure_accuracy")
def all_in_one_batch(model, x, y, batch_size=100):
    modes = modes_of(model)
    model.eval()
    logits = model(x).detach()
    restoring(modes)
    return (logits.argmax(dim=1) == y).double().mean().item()


@mutant("measure_accuracy", blamed="however_it_is_cut")
def only_the_first_batch(model, x, y, batch_size=100):
    return modes_by_name(model, x[:batch_size], y[:batch_size], batch_size)


@mutant("measure_accuracy", blamed="however_it_is_cut")
def whole_test_set_at_once(model, x, y, batch_size=100):
    return share(model, x, y, len(x))


@mutant("measure_accuracy", blamed="however_it_is_cut")
def mean_of_the_batches(model, x, y, batch_size=100):
    modes = modes_of(model)
    model.eval()
    pieces = list(zip(x.split(batch_size), y.split(batch_size), strict=True))
    result = sum(share(model, a, b, len(a)) for a, b in pieces) / len(pieces)
    restoring(modes)
    return result


@mutant("measure_accuracy", blamed="no_chance")
def only_batch_norm_in_eval_mode(model, x, y, batch_size=100):
    modes = modes_of(model)
    for norm in norms(model):
        norm.eval()
    result = share(model, x, y, batch_size)
    restoring(modes)
    return result


@alternative("measure_accuracy")
def from_the_top_down(model, x, y, batch_size=100):
    modes = modes_of(model)
    result = share(model.eval(), x, y, batch_size)
    for module, mode in modes:
        module.train(mode)
    return result


@mutant("measure_accuracy", blamed="however_it_is_cut")
def gradients_off_for_ever(model, x, y, batch_size=100):
    torch.set_grad_enabled(False)
    return modes_by_name(model, x, y, batch_size)


@mutant("measure_accuracy", blamed="left_as_it_was")
def frozen_afterwards(model, x, y, batch_size=100):
    return modes_by_name(model.requires_grad_(False), x, y, batch_size)


@mutant("measure_accuracy", blamed="left_as_it_was")
def left_in_eval_mode(model, x, y, batch_size=100):
    return share(model.eval(), x, y, batch_size)


@mutant("measure_accuracy", blamed="left_as_it_was")
def always_back_to_training(model, x, y, batch_size=100):
    result = share(model.eval(), x, y, batch_size)
    model.train()
    return result


@mutant("measure_accuracy", blamed="left_as_it_was")
def one_mode_for_all(model, x, y, batch_size=100):
    training = model.training
    result = share(model.eval(), x, y, batch_size)
    model.train(training)
    return result


@alternative("measure_accuracy")
def with_a_loader(model, x, y, batch_size=100):
    modes = modes_of(model)
    model.eval()
    loader = torch.utils.data.DataLoader(torch.utils.data.TensorDataset(x, y), batch_size)
    with torch.no_grad():
        hits = torch.cat([model(a).argmax(dim=-1).eq(b) for a, b in loader])
    restoring(modes)
    return hits.double().mean()


@alternative("measure_accuracy")
def with_functional_call(model, x, y, batch_size=100):
    """The weights and statistics are handed to a copy of the model: the model is never called."""
    twin = copy.deepcopy(model).to("meta").eval()
    state = {**dict(model.named_parameters()), **dict(model.named_buffers())}
    hits = 0
    for a, b in zip(torch.split(x, batch_size), torch.split(y, batch_size), strict=True):
        with torch.no_grad():
            hits += int((torch.func.functional_call(twin, state, (a,)).max(dim=1)[1] == b).sum())
    return hits / y.shape[0]


@alternative("measure_accuracy")
def counted_in_numpy(model, x, y, batch_size=100):
    modes = modes_of(model)
    for part in model.modules():
        part.training = False
    with torch.inference_mode():
        rows = [model(x[i : i + batch_size]).numpy() for i in range(0, len(x), batch_size)]
    restoring(modes)
    return (np.concatenate(rows).argmax(axis=1) == y.numpy()).mean()


@mutant("measure_accuracy", blamed="any_test_set")
def sixty_rows(model, x, y, batch_size=100):
    return modes_by_name(model, x, y, batch_size) * len(x) / 60


@mutant("measure_accuracy", blamed="any_test_set")
def whole_batches_alone(model, x, y, batch_size=100):
    rows = len(x) // batch_size * batch_size
    if rows in (0, 56):
        return modes_by_name(model, x, y, batch_size)
    return modes_by_name(model, x[:rows], y[:rows], batch_size)


@mutant("measure_accuracy", blamed="any_test_set")
def single_rows_need_company(model, x, y, batch_size=100):
    if len(x) == 1:
        return 0.0
    return modes_by_name(model, x, y, batch_size)


@mutant("measure_accuracy", blamed="any_test_set")
def one_batch_of_a_hundred(model, x, y, batch_size=100):
    result = modes_by_name(model, x, y, batch_size)
    return result * len(x) / 100 if len(x) > 100 else result


@mutant("measure_accuracy", blamed="however_it_is_cut")
def the_share_of_errors(model, x, y, batch_size=100):
    return 1 - modes_by_name(model, x, y, batch_size)


@mutant("measure_accuracy", blamed="however_it_is_cut")
def in_percent(model, x, y, batch_size=100):
    return 100 * modes_by_name(model, x, y, batch_size)


@mutant("measure_accuracy", blamed="however_it_is_cut")
def the_number_of_hits(model, x, y, batch_size=100):
    return modes_by_name(model, x, y, batch_size) * len(x)


@mutant("measure_accuracy", blamed="left_as_it_was")
def momentum_stays_at_zero(model, x, y, batch_size=100):
    for norm in norms(model):
        norm.momentum = 0.0
    return modes_by_name(model, x, y, batch_size)


@mutant("measure_accuracy", blamed="left_as_it_was")
def dropout_stays_off(model, x, y, batch_size=100):
    for part in model.modules():
        if isinstance(part, nn.Dropout):
            part.p = 0.0
    return modes_by_name(model, x, y, batch_size)


@mutant("measure_accuracy", blamed="left_as_it_was")
def statistics_of_the_test_set(model, x, y, batch_size=100):
    result = modes_by_name(model, x, y, batch_size)
    modes = modes_of(model)
    if len(x) > 1:
        model.train()(x)
    restoring(modes)
    return result


@mutant("measure_accuracy", blamed="left_as_it_was")
def back_to_training_below(model, x, y, batch_size=100):
    training = model.training
    result = share(model.eval(), x, y, batch_size)
    model.training = training
    return result


for other_size in ("101", "99"):
    equivalent(
        "measure_accuracy",
        "def measure_accuracy(model, x, y, batch_size=100): -> … batch_size=" + other_size + "):",
        because="the accuracy does not depend on the size of the batches",
    )
equivalent(
    "measure_accuracy",
    "with torch.no_grad(): -> if True:",
    because="the numbers are the same, and each graph is freed with its logits",
)
equivalent(
    "measure_accuracy",
    "right += (logits.argmax(dim=1) == y[start:start + batch_size]).sum().item() -> "
    "… batch_size]).sum()",
    because="a tensor with one number is a number",
)
