"""Training in PyTorch: the steps are the promised ones, and nothing that measures disturbs them."""

import dataclasses
from dataclasses import FrozenInstanceError

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional

from helpers.data import load
from helpers.torch_nn import batchnorm, training
from helpers.torch_nn import history as histories
from helpers.torch_nn.augmentation import Augment
from helpers.torch_nn.batches import Batches
from helpers.torch_nn.history import Recorder
from helpers.torch_nn.models import mlp, resnet
from helpers.torch_nn.processes import Processes
from helpers.torch_nn.schedules import decay_weights, one_cycle
from helpers.torch_nn.training import evaluate, fit, pick_device

DIGITS = load("digits")
DATA = dataclasses.replace(
    DIGITS,
    x_train=DIGITS.x_train[:330],
    y_train=DIGITS.y_train[:330],
    x_test=DIGITS.x_test[:150],
    y_test=DIGITS.y_test[:150],
)
SETTINGS = {"epochs": 2, "batch_size": 64, "lr": 0.1, "seed": 3, "progress": False}
STEPS_PER_EPOCH = 5
needs_cuda = pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")


def net(norm="batch", dropout=0.0, seed=1):
    *layers, last = mlp((64, 16, 10), np.random.default_rng(seed), norm=norm)
    return nn.Sequential(*layers, nn.Dropout(dropout), last)


def cnn(norm="batch"):
    return resnet(np.random.default_rng(1), width=8, blocks=(1, 1), norm=norm, in_channels=1)


def state(model):
    return {key: value.clone() for key, value in model.state_dict().items()}


def same(a, b):
    return a.keys() == b.keys() and all(torch.equal(a[key], b[key]) for key in a)


def seen(augment_calls):
    """A function for `augment` that keeps every batch of images and changes none."""

    def augment(x, generator):
        augment_calls.append(x)
        return x

    return augment


# --- the whole ---------------------------------------------------------------------------------


@pytest.mark.parametrize("norm", ["batch", "group", "layer", "none", "ours"])
def test_it_learns_and_tells(norm):
    model = net(norm)
    history = fit(model, DIGITS, epochs=4, batch_size=64, lr=0.3, eval_every=2, progress=False)
    assert history.test_accuracy[-1] > 0.85
    assert history.test_accuracy[-1] == evaluate(model, DIGITS.x_test, DIGITS.y_test)
    assert history.loss.shape == history.lr.shape == (80,)
    assert history.loss[-10:].mean() < history.loss[:10].mean() / 4
    np.testing.assert_array_equal(history.eval_steps, [40, 80])
    assert 0 < history.eval_seconds[0] < history.eval_seconds[1] == history.seconds
    assert not history.diverged
    assert history.stopped == ""
    with pytest.raises(FrozenInstanceError):
        history.loss = None


def test_the_steps_are_those_of_nesterov_with_decay_on_weights_only():
    model, by_hand = net(), net()
    settings = SETTINGS | {"epochs": 1, "schedule": "constant", "weight_decay": 0.02}
    history = fit(model, DATA, **settings, momentum=0.5, label_smoothing=0.3)
    order = np.random.default_rng([3, 0]).permutation(330)
    velocity = {key: 0 for key, _ in by_hand.named_parameters()}
    for step in range(STEPS_PER_EPOCH):
        index = order[64 * step : 64 * (step + 1)]
        logits = by_hand(torch.tensor(DATA.x_train[index], dtype=torch.float32))
        log_p = torch.log_softmax(logits, dim=1)
        right = log_p[range(64), DATA.y_train[index]]
        loss = -(0.7 * right + 0.3 * log_p.mean(dim=1)).mean()
        assert history.loss[step] == pytest.approx(loss.item(), rel=1e-5)
        by_hand.zero_grad()
        loss.backward()
        with torch.no_grad():
            for key, p in by_hand.named_parameters():
                decay = 0.02 if key in ("1.weight", "5.weight") else 0  # of the linear layers
                gradient = p.grad + decay * p
                velocity[key] = 0.5 * velocity[key] + gradient
                p -= 0.1 * (gradient + 0.5 * velocity[key])
    for key, value in by_hand.state_dict().items():
        torch.testing.assert_close(model.state_dict()[key], value, rtol=1e-4, atol=1e-6)


def test_without_momentum_and_decay_it_is_gradient_descent():
    model, by_hand = net(), net()
    fit(model, DATA, **SETTINGS, max_steps=1, momentum=0, weight_decay=0)
    index = np.random.default_rng([3, 0]).permutation(330)[:64]
    x, y = torch.tensor(DATA.x_train[index], dtype=torch.float32), DATA.y_train[index]
    functional.cross_entropy(by_hand(x), torch.tensor(y)).backward()
    for p, q in zip(model.parameters(), by_hand.parameters(), strict=True):
        torch.testing.assert_close(p, q - 0.1 * q.grad, rtol=1e-5, atol=1e-7)


def test_training_happens_in_training_mode():
    model, expected = net(dropout=0.3).eval(), net(dropout=0.3)
    first, second = fit(model, DATA, **SETTINGS), fit(expected, DATA, **SETTINGS)
    np.testing.assert_array_equal(first.loss, second.loss)
    assert same(state(model), state(expected))
    assert all(module.training for module in model.modules())


# --- what the caller has frozen -----------------------------------------------------------------


def frozen_norm(norm="batch"):
    model = net(norm)
    model[2].eval().requires_grad_(False)
    return model


@pytest.mark.parametrize("norm", ["batch", "ours"])
def test_a_norm_in_eval_mode_stays_in_it_and_does_not_move(norm):
    model, by_hand = frozen_norm(norm), frozen_norm(norm)
    modes = [module.training for module in model.modules()]
    before, inside = state(model), []

    def look(x, generator):
        inside.append([module.training for module in model.modules()])
        return x

    history = fit(model, DATA, **SETTINGS, augment=look)
    assert inside == [modes] * 10  # after an evaluation, too
    assert [module.training for module in model.modules()] == modes
    for key, value in model.state_dict().items():
        assert torch.equal(value, before[key]) == key.startswith("2."), key
    order = np.random.default_rng([3, 0]).permutation(330)[:64]
    x = torch.tensor(DATA.x_train[order], dtype=torch.float32)
    loss = functional.cross_entropy(by_hand(x), torch.tensor(DATA.y_train[order]))
    assert history.loss[0] == pytest.approx(loss.item(), rel=1e-5)


def test_a_dropout_in_eval_mode_drops_nothing():
    model, plain = net(dropout=0.9), net()
    model[4].eval()
    assert isinstance(model[4], nn.Dropout)
    np.testing.assert_array_equal(
        fit(model, DATA, **SETTINGS).loss, fit(plain, DATA, **SETTINGS).loss
    )
    assert not model[4].training


def test_a_model_in_eval_mode_with_parts_that_train_is_refused():
    model = net().eval()
    model[1].train()
    with pytest.raises(ValueError, match="in eval mode, but 1 of its modules are in training mode"):
        fit(model, DATA, **SETTINGS)


@pytest.mark.parametrize("whole", [True, False])
def test_an_error_leaves_the_modes_as_they_were(whole):
    def fail(x, generator):
        raise KeyboardInterrupt

    model = net().eval() if whole else frozen_norm()
    modes = [module.training for module in model.modules()]
    with pytest.raises(KeyboardInterrupt):
        fit(model, DATA, **SETTINGS, augment=fail)
    assert [module.training for module in model.modules()] == modes


# --- what is random ----------------------------------------------------------------------------


def test_the_same_seed_gives_the_same_run_whatever_pytorchs_generator_does():
    augment = Augment(flip=True, translate=1)
    runs = []
    for torch_seed, seed in ((0, 3), (1, 3), (1, 4)):
        torch.manual_seed(torch_seed)
        before = torch.get_rng_state()
        model = net(dropout=0.3)
        runs.append((fit(model, DATA, **SETTINGS | {"seed": seed}, augment=augment), state(model)))
        assert torch.equal(torch.get_rng_state(), before)
    (first, a), (second, b), (third, c) = runs
    np.testing.assert_array_equal(first.loss, second.loss)
    assert same(a, b)
    assert not np.array_equal(first.loss, third.loss)
    assert not same(a, c)


def test_every_epoch_has_its_own_order_and_its_own_augmentation():
    batches, draws = [], []

    def augment(x, generator):
        batches.append(x)
        draws.append(torch.rand(1, generator=generator).item())
        return x

    fit(net(), DATA, **SETTINGS, augment=augment)
    rows = torch.tensor(DATA.x_train, dtype=torch.float32).flatten(1)
    shown = torch.cat(batches).flatten(1)
    numbers = [int((rows == row).all(dim=1).nonzero()[0]) for row in shown]
    first, second = numbers[:320], numbers[320:]
    assert {len(x) for x in batches} == {64}  # those that do not fill a batch are dropped
    assert len(set(first)) == len(set(second)) == 320  # none comes twice
    assert first != second
    assert set(first) != set(second)  # others are dropped
    assert len(set(draws)) == 10


def test_augmentation_changes_the_training_and_not_the_evaluation():
    def black(x, generator):
        return torch.zeros_like(x)

    model, reference = net(), net()
    history = fit(model, DATA, **SETTINGS | {"lr": 1e-30}, augment=black)
    logits = reference(torch.zeros(64, 1, 8, 8))
    order = np.random.default_rng([3, 0]).permutation(330)[:64]
    expected = functional.cross_entropy(logits, torch.tensor(DATA.y_train[order]))
    assert history.loss[0] == pytest.approx(expected.item(), rel=1e-5)


# --- schedule and groups -----------------------------------------------------------------------


def test_one_cycle_rises_for_a_quarter_and_falls_to_almost_nothing():
    shares = [one_cycle(step, 101) for step in range(101)]
    assert shares[0] == pytest.approx(1 / 26)
    assert np.argmax(shares) == 25
    assert shares[25] == 1
    assert shares[100] == pytest.approx(1 / 76)
    np.testing.assert_allclose(np.diff(shares[:26]), 1 / 26)
    np.testing.assert_allclose(np.diff(shares[25:]), -1 / 76)
    assert one_cycle(101, 101) == 0  # where the scheduler looks after the last step


@pytest.mark.parametrize("steps", [1, 2, 3, 4, 5, 9])
def test_one_cycle_of_few_steps_is_positive_and_reaches_its_peak(steps):
    shares = [one_cycle(step, steps) for step in range(steps)]
    assert min(shares) > 0
    assert max(shares) == 1


@pytest.mark.parametrize(
    ("schedule", "expected"),
    [
        ("one_cycle", [0.1 * one_cycle(step, 8) for step in range(8)]),
        ("constant", [0.1] * 8),
        (lambda step, steps: 1 - step / steps, [0.1 * (1 - step / 8) for step in range(8)]),
    ],
)
def test_the_learning_rate_follows_the_schedule_over_all_steps(schedule, expected):
    history = fit(net(), DATA, **SETTINGS, max_steps=8, schedule=schedule)
    np.testing.assert_allclose(history.lr, expected)
    np.testing.assert_array_equal(history.eval_steps, [5, 8])


def test_only_weights_decay():
    model = cnn("none")  # with biases and SkipInit's numbers
    decaying, others = decay_weights(model, 0.3)
    assert decaying["weight_decay"] == 0.3
    assert others["weight_decay"] == 0
    assert {p.ndim for p in decaying["params"]} == {2, 4}
    assert {p.ndim for p in others["params"]} == {0, 1}
    assert len(decaying["params"]) + len(others["params"]) == len([*model.parameters()])


def test_param_groups_choose_rate_and_decay_of_each_parameter():
    def faster_beta(model):
        norm = model[2]
        norm.weight.requires_grad_(False)
        return [
            {"params": [norm.bias], "lr": 6.4, "weight_decay": 0.0},
            {"params": [model[1].weight]},
        ]

    model, start = net(), net()
    history = fit(
        model,
        DATA,
        **SETTINGS,
        max_steps=1,
        momentum=0,
        weight_decay=0.5,
        schedule="constant",
        param_groups=faster_beta,
    )
    assert history.lr == [0.1]
    weight = start[1].weight
    torch.testing.assert_close(
        model[1].weight, weight - 0.1 * (model[1].weight.grad + 0.5 * weight)
    )
    torch.testing.assert_close(model[2].bias, -6.4 * model[2].bias.grad)
    assert torch.equal(model[2].weight, start[2].weight)
    assert torch.equal(model[5].weight, start[5].weight)  # in no group


# --- speed -------------------------------------------------------------------------------------


def outputs(model, kind):
    """The first output of every layer of that kind in the training to come, with its input."""
    found = {}

    def keep(layer, inputs, output):
        if layer.training:
            found.setdefault(layer, (inputs[0], output))

    for module in model.modules():
        if isinstance(module, kind):
            module.register_forward_hook(keep)
    return found


def test_amp_computes_convolutions_in_bfloat16_and_keeps_all_else_in_float32():
    model, plain = cnn(), cnn()
    layers = outputs(model, (nn.Conv2d, nn.Linear))
    history = fit(model, DATA, **SETTINGS, amp=True)
    assert len(layers) == 6
    assert {output.dtype for _, output in layers.values()} == {torch.bfloat16}
    kept = [*model.parameters(), *(p.grad for p in model.parameters())]
    kept += [module.running_var for module in model.modules() if hasattr(module, "running_var")]
    assert {tensor.dtype for tensor in kept} == {torch.float32}
    reference = fit(plain, DATA, **SETTINGS)
    assert history.loss[0] != reference.loss[0]
    np.testing.assert_allclose(history.loss, reference.loss, rtol=0.05)


def test_without_amp_everything_is_float32():
    model = cnn()
    layers = outputs(model, (nn.Conv2d, nn.Linear))
    fit(model, DATA, **SETTINGS)
    assert {output.dtype for _, output in layers.values()} == {torch.float32}


@pytest.mark.parametrize("channels_last", [False, True])
def test_channels_last_reaches_every_convolution(channels_last):
    # With 3 channels: with one, the two layouts are the same.
    data = dataclasses.replace(
        DATA, x_train=DATA.x_train.repeat(3, axis=1), x_test=DATA.x_test.repeat(3, axis=1)
    )
    model, plain = (resnet(np.random.default_rng(1), width=8, blocks=(1,)) for _ in range(2))
    layers = outputs(model, nn.Conv2d)
    history = fit(model, data, **SETTINGS, channels_last=channels_last, augment=Augment())
    layout = torch.channels_last if channels_last else torch.contiguous_format
    for layer, (x, y) in layers.items():
        for tensor in (x, y, layer.weight):
            assert tensor.is_contiguous(memory_format=layout)
    expected = fit(plain, data, **SETTINGS, augment=Augment())
    np.testing.assert_allclose(history.loss, expected.loss, rtol=1e-3)


def test_a_compiled_model_learns_the_same():
    graphs, compiled, eager = [], cnn(), cnn()
    first = fit(compiled, DATA, **SETTINGS, compile="aot_eager")
    second = fit(eager, DATA, **SETTINGS)
    np.testing.assert_allclose(first.loss, second.loss, rtol=1e-3)
    assert first.test_accuracy[-1] == pytest.approx(second.test_accuracy[-1], abs=0.05)
    for key, value in compiled.state_dict().items():
        torch.testing.assert_close(value, eager.state_dict()[key], rtol=1e-2, atol=1e-3)

    def backend(graph, inputs):
        graphs.append(graph)
        return graph.forward

    fit(cnn(), DATA, **SETTINGS, compile={"backend": backend, "fullgraph": True})
    assert len(graphs) == 1  # compiled once: no batch has another size, no evaluation takes part
    fit(cnn(), DATA, **SETTINGS, compile={"backend": backend, "fullgraph": True})
    assert len(graphs) == 2  # another model is not taken for the first


def test_sweeps_of_compiled_models_do_not_fall_back_to_eager():
    """PyTorch stops compiling after 8 versions of the same code, with no more than a warning."""
    graphs = []

    def backend(graph, inputs):
        graphs.append(graph)
        return graph.forward

    for width in range(1, 11):
        model = mlp((64, width, 10), np.random.default_rng(0), norm="none")
        fit(model, DATA, **SETTINGS, max_steps=1, compile=backend)
    assert len(graphs) == 10


def test_streamed_batches_are_the_same_batches():
    resident, streamed = cnn(), cnn()
    first = fit(resident, DATA, **SETTINGS)
    second = fit(streamed, DATA, **SETTINGS, data_on_device=False)
    np.testing.assert_array_equal(first.loss, second.loss)
    np.testing.assert_array_equal(first.test_accuracy, second.test_accuracy)
    assert same(state(resident), state(streamed))


def test_what_the_program_compiled_itself_stays_compiled():
    graphs = []

    def backend(graph, inputs):
        graphs.append(graph)
        return graph.forward

    own = torch.compile(lambda x: x.sin() + 1, backend=backend)
    own(torch.ones(3))
    fit(net(), DATA, **SETTINGS, max_steps=1, compile="eager")
    own(torch.ones(3))
    assert len(graphs) == 1


class Clock:
    """Stands for the time module; the model's forward pass moves it on."""

    def __init__(self):
        self.seconds = 0.0

    def perf_counter(self):
        return self.seconds

    def tick(self, model, inputs):
        self.seconds += 1 if model.training else 1000


def test_seconds_count_training_without_warm_up_and_evaluation(monkeypatch):
    clock, model = Clock(), net()
    monkeypatch.setattr(histories, "time", clock)
    model.register_forward_pre_hook(clock.tick)
    history = fit(model, DATA, **SETTINGS)
    assert history.warm_up_seconds == histories.WARM_UP_STEPS == 3
    assert history.seconds == 2 * STEPS_PER_EPOCH - 3
    np.testing.assert_array_equal(history.eval_seconds, [2, 7])
    assert history.images_per_second == 64
    short = fit(model, DATA, **SETTINGS, max_steps=2)
    assert short.warm_up_seconds == 2
    assert short.seconds == 0
    assert np.isnan(short.images_per_second)


# --- divergence --------------------------------------------------------------------------------


@pytest.mark.parametrize("infinity", [np.nan, np.inf])
def test_a_loss_that_is_not_finite_ends_the_training_and_says_what_to_try(infinity):
    class Breaks(nn.Module):
        calls = 0

        def forward(self, x):
            self.calls += self.training
            return x * (infinity if self.calls == 7 else 1)

    model = nn.Sequential(*net(), Breaks())
    history = fit(model, DATA, **SETTINGS | {"epochs": 4}, schedule="constant")
    assert history.diverged
    assert history.stopped.startswith("the loss of step 7 is ")
    assert "at the learning rate 0.1: try a third" in history.stopped
    assert len(history.loss) == len(history.lr) == 7
    assert np.isfinite(history.loss[:6]).all()
    assert not np.isfinite(history.loss[6])
    np.testing.assert_array_equal(history.eval_steps, [5, 7])
    assert model[-1].calls == 10  # the epoch ends before the losses are looked at


@pytest.mark.filterwarnings("ignore:.*lr_scheduler.step:UserWarning")
def test_statistics_that_do_not_fit_are_divergence():
    def explode(x, generator):
        return x * 1e25

    model = nn.Sequential(nn.Flatten(), batchnorm.BatchNorm1d(64), nn.Linear(64, 10))
    history = fit(model, DATA, **SETTINGS, augment=explode)
    assert history.stopped.startswith("the loss of step 1 is inf")
    model[1].running_var.fill_(torch.inf)
    assert evaluate(model, DATA.x_test, DATA.y_test) == 0


def test_losses_are_looked_at_now_and_then(monkeypatch):
    """Looking makes the CPU wait for the GPU."""
    looks, collect = [], Recorder.collect

    def counting(self):
        looks.append(self.steps)
        return collect(self)

    monkeypatch.setattr(training, "CHECK_EVERY", 4)
    monkeypatch.setattr(Recorder, "collect", counting)
    fit(net(), DATA, **SETTINGS | {"batch_size": 33})
    assert looks == [4, 8, 10, 12, 16, 20, 20]
    looks.clear()
    history = fit(net("none"), DATA, **SETTINGS | {"batch_size": 33, "lr": 1e30})
    assert looks == [4, 2]  # the second step's loss was the last
    assert history.diverged
    assert history.test_accuracy == [0]  # a network that answers NaN is never right


# --- evaluate ----------------------------------------------------------------------------------


def test_evaluate_gives_the_share_in_eval_mode_and_leaves_no_trace():
    model = net(dropout=0.5)
    fit(model, DATA, **SETTINGS)
    model.train()
    model[2].eval()
    modes = [module.training for module in model.modules()]
    before, gradients = state(model), [p.grad.clone() for p in model.parameters()]
    random = torch.get_rng_state()
    shares = [evaluate(model, DATA.x_test, DATA.y_test, batch_size=size) for size in (1, 47, 1000)]
    tensors = torch.tensor(DATA.x_test), torch.tensor(DATA.y_test)
    shares.append(evaluate(model, *tensors))
    assert [module.training for module in model.modules()] == modes
    assert same(state(model), before)
    assert all(torch.equal(p.grad, g) for p, g in zip(model.parameters(), gradients, strict=True))
    assert torch.equal(torch.get_rng_state(), random)
    logits = model.eval()(tensors[0].float())
    assert (
        shares == [(logits.argmax(dim=1) == tensors[1]).float().mean().item()] * 4
        or shares == [int((logits.argmax(dim=1) == tensors[1]).sum()) / 150] * 4
    )


def test_evaluate_restores_the_modes_after_an_error():
    model = net()
    with pytest.raises(RuntimeError):
        evaluate(model, DATA.x_test[:, :, :5], DATA.y_test)
    assert all(module.training for module in model.modules())


@pytest.mark.parametrize(
    ("model", "count", "labels", "options", "message"),
    [
        (net(), 0, 0, {}, "takes images and as many labels, not 0 images and 0 labels"),
        (net(), 5, 4, {}, "not 5 images and 4 labels"),
        (nn.Flatten(), 5, 5, {}, "the model has no parameters"),
        (net(), 5, 5, {"batch_size": 0}, "batch_size must be at least 1, not 0"),
    ],
)
def test_evaluate_refuses_what_has_no_answer(model, count, labels, options, message):
    with pytest.raises(ValueError, match=message):
        evaluate(model, DATA.x_test[:count], DATA.y_test[:labels], **options)


def test_evaluate_counts_nan_as_wrong():
    model = net("none")
    with torch.no_grad():
        model[-1].weight[3] = torch.nan
    assert evaluate(model, DATA.x_test, np.full(150, 3)) == 0


def test_pick_device(monkeypatch):
    for available, kind in ((False, "cpu"), (True, "cuda")):
        monkeypatch.setattr(torch.cuda, "is_available", lambda available=available: available)
        assert pick_device() == torch.device(kind)


# --- errors ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"epochs": 0}, "epochs must be at least 1, not 0"),
        ({"eval_every": 0}, "eval_every must be at least 1, not 0"),
        ({"max_steps": 0}, "max_steps must be at least 1, not 0"),
        ({"batch_size": 331}, "batch_size is 331, expected 1 to 330"),
        ({"batch_size": 0}, "batch_size is 0, expected 1 to 330"),
        ({"schedule": "cosine"}, "schedule is 'cosine', expected one of one_cycle, constant"),
    ],
)
def test_arguments_that_make_no_sense_are_refused(changes, message):
    model = net()
    before = state(model)
    with pytest.raises(ValueError, match=message):
        fit(model, DATA, **SETTINGS | changes)
    assert same(state(model), before)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ({"x_train": DATA.x_train[:0], "y_train": DATA.y_train[:0]}, "no training images"),
        ({"x_test": DATA.x_test[:0], "y_test": DATA.y_test[:0]}, "no test images to evaluate on"),
        ({"y_train": DATA.y_train[:9]}, "330 images and 9 labels"),
        ({"y_test": DATA.y_test[:9]}, "150 images and 9 labels"),
    ],
)
def test_data_that_cannot_be_trained_on_is_refused(data, message):
    with pytest.raises(ValueError, match=message):
        fit(net(), dataclasses.replace(DATA, **data), **SETTINGS)


@pytest.mark.parametrize("model", [net().requires_grad_(False), nn.Flatten()])
def test_a_model_without_anything_to_train_is_refused(model):
    with pytest.raises(ValueError, match="there is nothing to train"):
        fit(model, DATA, **SETTINGS)


# --- several processes -------------------------------------------------------------------------


def batches_of(processes, batch_size=64):
    return Batches(
        DATA.x_train,
        DATA.y_train,
        batch_size,
        processes,
        device=torch.device("cpu"),
        memory_format=torch.contiguous_format,
        seed=3,
        on_device=True,
    )


def test_processes_share_every_batch():
    whole = batches_of(Processes()).epoch(5)
    parts = [batches_of(Processes(rank, 4)).epoch(5) for rank in range(4)]
    for (x, y), *shares in zip(whole, *parts, strict=True):
        assert all(len(x) == 16 for x, _ in shares)
        assert torch.equal(torch.cat([x for x, _ in shares]), x)
        assert torch.equal(torch.cat([y for _, y in shares]), y)


def test_a_batch_that_cannot_be_shared_equally_is_refused():
    with pytest.raises(ValueError, match="64, which 3 processes cannot share equally"):
        batches_of(Processes(0, 3))


def train_together(path):
    """What each of two processes does for test_distributed.py."""
    written, write = [], training.checkpoints.save
    model = net("layer")  # which has nothing to do with the batch
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(
            training.checkpoints,
            "save",
            lambda *arguments: (written.append(path), write(*arguments)),
        )
        history = fit(model, DATA, **SETTINGS, checkpoint=path)
    parameters = {key: value.numpy() for key, value in model.state_dict().items()}
    return history.loss, history.test_accuracy, parameters, len(written)


# --- on a GPU ----------------------------------------------------------------------------------


@pytest.mark.gpu
@needs_cuda
def test_all_switches_together_train_on_cuda():
    model = cnn()
    history = fit(
        model,
        DIGITS,
        **SETTINGS | {"epochs": 4, "lr": 0.3},
        device="cuda",
        amp=True,
        channels_last=True,
        augment=Augment(flip=False, translate=1),
    )
    assert history.test_accuracy[-1] > 0.9
    assert all(p.is_cuda for p in model.parameters())
    assert history.seconds > 0


@pytest.mark.gpu
@needs_cuda
def test_batches_come_to_cuda_through_pinned_memory(monkeypatch):
    pinned, pin = [], torch.Tensor.pin_memory

    def counting(self):
        pinned.append(1)
        return pin(self)

    monkeypatch.setattr(torch.Tensor, "pin_memory", counting)
    resident = fit(net(), DATA, **SETTINGS, device="cuda")
    assert not pinned
    streamed = fit(net(), DATA, **SETTINGS, device="cuda", data_on_device=False)
    assert len(pinned) == 2 * 2 * STEPS_PER_EPOCH
    np.testing.assert_allclose(streamed.loss, resident.loss, rtol=1e-3)


@pytest.mark.gpu
@needs_cuda
def test_the_clock_waits_for_cuda(monkeypatch):
    waits, synchronize = [], torch.cuda.synchronize

    def counting(*arguments):
        waits.append(1)
        synchronize(*arguments)

    monkeypatch.setattr(torch.cuda, "synchronize", counting)
    fit(net(), DATA, **SETTINGS, device="cuda")
    assert len(waits) == 2 * (1 + 2)  # two per epoch, two when the warm-up ends


@pytest.mark.gpu
@needs_cuda
def test_float32_on_cuda_is_that_of_the_cpu():
    on_cpu = fit(cnn(), DATA, **SETTINGS)
    on_cuda = fit(cnn(), DATA, **SETTINGS, device="cuda")
    np.testing.assert_allclose(on_cuda.loss[:3], on_cpu.loss[:3], rtol=1e-4)
