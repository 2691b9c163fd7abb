"""Answers to the exercise accumulate of the notebook `many_gpus`."""

import copy

import torch
from registry import alternative, mutant


@alternative("accumulate")
def sums_first(model, loss_fn, batches):
    model.zero_grad()
    for x, y in batches:
        (loss_fn(model(x), y) * len(y)).backward()
    total = sum(len(y) for _, y in batches)
    return [p.grad / total for p in model.parameters()]


@alternative("accumulate")
def with_autograd_grad(model, loss_fn, batches):
    parameters = list(model.parameters())
    total = sum(len(x) for x, _ in batches)
    result = [torch.zeros_like(p) for p in parameters]
    for x, y in batches:
        gradients = torch.autograd.grad(loss_fn(model(x), y), parameters)
        result = [
            sum_so_far + len(x) / total * gradient
            for sum_so_far, gradient in zip(result, gradients, strict=True)
        ]
    return result


@alternative("accumulate")
def a_running_mean(model, loss_fn, batches):
    count = 0
    for x, y in batches:
        for p in model.parameters():
            if p.grad is not None:
                p.grad *= count / (count + len(x))
        count += len(x)
        (loss_fn(model(x), y) * len(x) / count).backward()
    return [p.grad for p in model.parameters()]


@alternative("accumulate")
def sample_by_sample(model, loss_fn, batches):
    total = sum(len(x) for x, _ in batches)
    for x, y in batches:
        for i in range(len(x)):
            (loss_fn(model(x[i : i + 1]), y[i : i + 1]) / total).backward(retain_graph=True)
    return [p.grad.numpy() for p in model.parameters()]


@alternative("accumulate")
def looks_at_the_loss_first(model, loss_fn, batches):
    [loss_fn(model(x), y).item() for x, y in batches[:1]]
    return sums_first(model, loss_fn, batches)


@mutant("accumulate", blamed="one_batch_at_a_time")
def one_graph(model, loss_fn, batches):
    total = sum(len(x) for x, _ in batches)
    sum(loss_fn(model(x), y) * (len(x) / total) for x, y in batches).backward()
    return tuple(p.grad.clone() for p in model.parameters())


def accumulated(model, loss_fn, batches, weights):
    for (x, y), weight in zip(batches, weights, strict=True):
        (loss_fn(model(x), y) * weight).backward()
    return [p.grad for p in model.parameters()]


@mutant("accumulate", blamed="one_gradient_per_parameter")
def one_long_vector(model, loss_fn, batches):
    return torch.cat([g.flatten() for g in one_graph(model, loss_fn, batches)])


@mutant("accumulate", blamed="one_gradient_per_parameter")
def weights_alone(model, loss_fn, batches):
    return [g for g in one_graph(model, loss_fn, batches) if g.ndim == 2]


@mutant("accumulate", blamed="equal_batches")
def never_scaled(model, loss_fn, batches):
    return accumulated(model, loss_fn, batches, [1] * len(batches))


@mutant("accumulate", blamed="equal_batches")
def zero_in_the_loop(model, loss_fn, batches):
    for x, y in batches:
        model.zero_grad()
        (loss_fn(model(x), y) / len(batches)).backward()
    return [p.grad for p in model.parameters()]


@mutant("accumulate", blamed="equal_batches")
def last_batch_alone(model, loss_fn, batches):
    return accumulated(model, loss_fn, batches[-1:], [1])


@mutant("accumulate", blamed="equal_batches")
def first_batch_alone(model, loss_fn, batches):
    return accumulated(model, loss_fn, batches[:1], [1])


@mutant("accumulate", blamed="equal_batches")
def not_divided_by_the_total(model, loss_fn, batches):
    return accumulated(model, loss_fn, batches, [len(x) for x, _ in batches])


@mutant("accumulate", blamed="equal_batches")
def returns_the_parameters(model, loss_fn, batches):
    return [p.detach() for p in model.parameters()]


@mutant("accumulate", blamed="unequal_batches")
def divided_by_the_number_of_batches(model, loss_fn, batches):
    return accumulated(model, loss_fn, batches, [1 / len(batches)] * len(batches))


@mutant("accumulate", blamed="unequal_batches")
def first_size_for_all(model, loss_fn, batches):
    total = sum(len(x) for x, _ in batches)
    return accumulated(model, loss_fn, batches, [len(batches[0][0]) / total] * len(batches))


@mutant("accumulate", blamed="one_batch_at_a_time")
def one_large_batch(model, loss_fn, batches):
    x, y = (torch.cat(part) for part in zip(*batches, strict=True))
    loss_fn(model(x), y).backward()
    return [p.grad for p in model.parameters()]


@mutant("accumulate", blamed="unequal_batches")
def largest_size_for_all(model, loss_fn, batches):
    total = max(len(x) for x, _ in batches) * len(batches)
    return accumulated(model, loss_fn, batches, [len(x) / total for x, _ in batches])


@mutant("accumulate", blamed="one_gradient_per_parameter")
def zero_at_the_end(model, loss_fn, batches):
    one_graph(model, loss_fn, batches)
    model.zero_grad()
    return [p.grad for p in model.parameters()]


@mutant("accumulate", blamed="as_given")
def in_eval_mode(model, loss_fn, batches):
    return sums_first(model.eval(), loss_fn, batches)


@mutant("accumulate", blamed="as_given")
def targets_first(model, loss_fn, batches):
    return one_graph(model, lambda outputs, targets: loss_fn(targets, outputs), batches)


@mutant("accumulate", blamed="as_given")
def its_own_loss(model, loss_fn, batches):
    return one_graph(model, torch.nn.functional.mse_loss, batches)


@alternative("accumulate")
def with_torch_func(model, loss_fn, batches):
    weights = {name: p.detach() for name, p in model.named_parameters()}

    def loss(weights, x, y):
        return loss_fn(torch.func.functional_call(model, weights, (x,)), y)

    total = {name: torch.zeros_like(p) for name, p in weights.items()}
    count = sum(len(x) for x, _ in batches)
    for x, y in batches:
        for name, gradient in torch.func.grad(loss)(weights, x, y).items():
            total[name] += len(x) / count * gradient
    return list(total.values())


@alternative("accumulate")
def sample_by_sample_with_vmap(model, loss_fn, batches):
    weights = {name: p.detach() for name, p in model.named_parameters()}

    def loss(weights, x, y):
        return loss_fn(torch.func.functional_call(model, weights, (x[None],)), y[None])

    rows = torch.vmap(torch.func.grad(loss), in_dims=(None, 0, 0))
    found = [rows(weights, x, y) for x, y in batches]
    return [torch.cat([of[name] for of in found]).mean(dim=0) for name in weights]


@alternative("accumulate")
def scaled_gradients(model, loss_fn, batches):
    """The gradient that comes in is the weight: no loss is multiplied."""
    sizes = torch.tensor([float(len(y)) for _, y in batches], dtype=torch.float64)
    for (x, y), share in zip(batches, sizes / sizes.sum(), strict=True):
        loss_fn(model(x), y).backward(share)
    return tuple(parameter.grad for parameter in model.parameters())


@alternative("accumulate")
def on_a_copy(model, loss_fn, batches):
    twin = copy.deepcopy(model)
    optimizer = torch.optim.SGD(twin.parameters(), lr=1.0)
    optimizer.zero_grad()
    count = sum(x.shape[0] for x, _ in batches)
    for x, y in batches:
        torch.mul(loss_fn(twin(x), y), x.shape[0] / count).backward()
    before = [p.detach().clone() for p in twin.parameters()]
    optimizer.step()
    return [b - p.detach() for b, p in zip(before, twin.parameters(), strict=True)]


@mutant("accumulate", blamed="any_model")
def two_layers_with_biases(model, loss_fn, batches):
    gradients = sums_first(model, loss_fn, batches)
    return gradients if len(gradients) == 4 else [gradients[0], torch.zeros(2)]


@mutant("accumulate", blamed="any_model")
def drops_single_samples(model, loss_fn, batches):
    """As batch norm's advocates do: a batch of one is left out, if there are several."""
    several = [batch for batch in batches if len(batch[0]) > 1]
    return sums_first(model, loss_fn, several if len(several) == 1 else batches)


@mutant("accumulate", blamed="equal_batches")
def root_of_the_number(model, loss_fn, batches):
    return accumulated(model, loss_fn, batches, [len(batches) ** -0.5] * len(batches))


@mutant("accumulate", blamed="equal_batches")
def divided_once_too_often(model, loss_fn, batches):
    total = sum(len(x) for x, _ in batches)
    weights = [len(x) / total / len(batches) for x, _ in batches]
    return accumulated(model, loss_fn, batches, weights)


@mutant("accumulate", blamed="equal_batches")
def a_step_after_every_batch(model, loss_fn, batches):
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    total = sum(len(x) for x, _ in batches)
    for x, y in batches:
        (loss_fn(model(x), y) * len(x) / total).backward()
        optimizer.step()
    return [p.grad for p in model.parameters()]


@mutant("accumulate", blamed="unequal_batches")
def last_size_for_all(model, loss_fn, batches):
    total = sum(len(x) for x, _ in batches)
    return accumulated(model, loss_fn, batches, [len(batches[-1][0]) / total] * len(batches))


@mutant("accumulate", blamed="one_gradient_per_parameter")
def by_name(model, loss_fn, batches):
    return dict(zip("abcd", sums_first(model, loss_fn, batches), strict=True))


@mutant("accumulate", blamed="one_gradient_per_parameter")
def one_list_per_batch(model, loss_fn, batches):
    return [torch.autograd.grad(loss_fn(model(x), y), list(model.parameters())) for x, y in batches]


@mutant("accumulate", blamed="as_given")
def sum_of_squares_divided(model, loss_fn, batches):
    def loss(outputs, targets):
        return ((outputs - targets) ** 2).sum() / targets.numel()

    return sums_first(model, loss, batches)


@mutant("accumulate", blamed="one_batch_at_a_time")
def losses_first(model, loss_fn, batches):
    total = sum(len(x) for x, _ in batches)
    losses = [loss_fn(model(x), y) * len(x) / total for x, y in batches]
    for loss in losses:
        loss.backward()
    return [p.grad for p in model.parameters()]
