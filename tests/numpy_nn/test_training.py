"""Training: it learns, it repeats, and nothing that measures it disturbs it."""

from dataclasses import FrozenInstanceError
from types import SimpleNamespace

import numpy as np
import pytest

from helpers.numpy_nn import functional as F
from helpers.numpy_nn import training
from helpers.numpy_nn.models import mlp
from helpers.numpy_nn.modules import BatchNorm, Dropout, Linear, Sequential, Tanh
from helpers.numpy_nn.optim import Adam
from helpers.numpy_nn.training import (
    accuracy,
    batch_accuracy,
    batch_statistics_only,
    fit,
    precise_statistics,
)

RNG = np.random.default_rng(0)
CENTRES = 3 * RNG.standard_normal((3, 8))


def blobs(count):
    """Three classes of images 1 x 2 x 4 that lie apart."""
    y = RNG.integers(3, size=count)
    x = CENTRES[y] + RNG.standard_normal((count, 8))
    return x.reshape(count, 1, 2, 4), y


DATA = SimpleNamespace(**dict(zip(("x_train", "y_train"), blobs(200), strict=True)))
DATA.x_test, DATA.y_test = blobs(60)
SETTINGS = {"steps": 60, "batch_size": 20, "lr": 0.1, "seed": 3, "eval_every": 20}


def net(norm=True, dropout=False, seed=1):
    model = mlp((8, 10, 3), np.random.default_rng(seed), norm=norm)
    if dropout:
        model = Sequential(*model[:-1], Dropout(0.2, np.random.default_rng(9)), model[-1])
    return model


def state(model):
    """Everything that training changes, as one list of arrays."""
    norms = [module for module in model.modules() if isinstance(module, BatchNorm)]
    arrays = [parameter.data for parameter in model.parameters()]
    for norm in norms:
        arrays += [norm.running_mean, norm.running_var, norm.num_batches_tracked]
    return arrays


def same(a, b):
    return all(np.array_equal(x, y) for x, y in zip(a, b, strict=True))


@pytest.mark.parametrize("norm", [False, True])
def test_it_learns_and_tells(norm):
    model = net(norm)
    history = fit(model, DATA, **SETTINGS)
    assert history.scores[-1] > 0.9
    assert history.scores[-1] == accuracy(model, DATA.x_test, DATA.y_test)
    assert history.loss.shape == (60,)
    assert history.loss[-10:].mean() < history.loss[:10].mean() / 2
    np.testing.assert_array_equal(history.eval_steps, [20, 40, 60])
    assert history.probes == []
    assert history.diverged is False
    assert 0 < history.seconds < 60
    with pytest.raises(FrozenInstanceError):
        history.loss = None


def test_the_steps_are_those_of_sgd_on_batches_of_default_rng():
    model, by_hand = net(), net()
    history = fit(model, DATA, **SETTINGS | {"steps": 2}, momentum=0.5, weight_decay=0.01)
    rng = np.random.default_rng(SETTINGS["seed"])
    velocities = [0.0] * len(by_hand.parameters())
    for step in range(2):
        index = rng.integers(200, size=20)
        loss, cache = F.softmax_cross_entropy(by_hand(DATA.x_train[index]), DATA.y_train[index])
        assert history.loss[step] == loss
        by_hand.backward(F.softmax_cross_entropy_backward(1.0, cache))
        for i, parameter in enumerate(by_hand.parameters()):
            velocities[i] = 0.5 * velocities[i] + parameter.grad + 0.01 * parameter.data
            parameter.data = parameter.data - 0.1 * velocities[i]
    for a, b in zip(state(model), state(by_hand), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-12)


def test_the_same_seed_gives_the_same_run_and_another_does_not():
    a, b, c = net(), net(), net()
    first, second = fit(a, DATA, **SETTINGS), fit(b, DATA, **SETTINGS)
    np.testing.assert_array_equal(first.loss, second.loss)
    assert same(state(a), state(b))
    assert not np.array_equal(fit(c, DATA, **SETTINGS | {"seed": 4}).loss, first.loss)


def test_training_happens_in_training_mode():
    model = net(dropout=True).eval()
    expected = fit(net(dropout=True), DATA, **SETTINGS)
    np.testing.assert_array_equal(fit(model, DATA, **SETTINGS).loss, expected.loss)
    assert all(module.training for module in model.modules())


@pytest.mark.parametrize("frozen", [BatchNorm, Dropout])
def test_a_module_in_eval_mode_stays_in_it(frozen):
    model, by_hand = net(dropout=True), net(dropout=True)
    for each in (model, by_hand):
        for module in each.modules():
            if isinstance(module, frozen):
                module.eval()
            if isinstance(module, BatchNorm):
                module.running_mean, module.running_var = np.full(10, 0.5), np.full(10, 2.0)
    modes, seen = [module.training for module in model.modules()], []

    def look(x, rng):
        seen.append([module.training for module in model.modules()])
        return x

    options = SETTINGS | {"eval_every": 7}
    history = fit(model, DATA, **options, transform=look, probe=meddling_probe)
    assert seen == [modes] * 60
    assert [module.training for module in model.modules()] == modes
    index = np.random.default_rng(SETTINGS["seed"]).integers(200, size=20)
    expected = F.softmax_cross_entropy(by_hand(DATA.x_train[index]), DATA.y_train[index])[0]
    assert history.loss[0] == expected
    for module in model.modules():
        if isinstance(module, BatchNorm):
            moved = not np.array_equal(module.running_mean, np.full(10, 0.5))
            assert moved == (frozen is not BatchNorm)
            assert not np.array_equal(module.gamma.data, np.ones(10))


def test_a_model_in_eval_mode_with_parts_that_train_is_refused():
    model = net().eval()
    model[1].train()
    with pytest.raises(ValueError, match="in eval mode, but 1 of its modules are in training mode"):
        fit(model, DATA, **SETTINGS)


def meddling_probe(model, step):
    """Measure in every mode and leave the model in another one."""
    accuracy(model, DATA.x_test, DATA.y_test)
    batch_accuracy(model, DATA.x_test, DATA.y_test)
    with batch_statistics_only(model):
        model(DATA.x_test)
        model.backward(np.ones((60, 3)))
    for layer in model:
        if isinstance(layer, BatchNorm):
            layer(DATA.x_test.reshape(60, 8)[:, [0, 1] * 5])
    model.eval()
    return step


def test_measuring_does_not_disturb_training():
    quiet, probed = net(dropout=True), net(dropout=True)
    expected = fit(quiet, DATA, **SETTINGS | {"eval_every": 1000})
    for name in ("probe", "evaluate"):
        probed = net(dropout=True)
        functions = {"probe": meddling_probe, "evaluate": batch_accuracy}
        if name == "evaluate":
            functions = {"evaluate": lambda model, x, y: float(meddling_probe(model, 1))}
        history = fit(probed, DATA, **SETTINGS | {"eval_every": 3}, **functions)
        np.testing.assert_array_equal(history.loss, expected.loss)
        assert same(state(probed), state(quiet))
        assert all(module.training for module in probed.modules())


def test_probes_are_collected_at_every_evaluation():
    history = fit(net(), DATA, **SETTINGS | {"steps": 50}, probe=lambda model, step: step)
    np.testing.assert_array_equal(history.eval_steps, [20, 40, 50])
    assert history.probes == [20, 40, 50]
    assert history.scores.shape == (3,)


def test_steps_to_and_stop_at():
    scores = iter([0.2, 0.5, 0.9, 0.4])
    options = SETTINGS | {"steps": 40, "eval_every": 10, "evaluate": lambda *_: next(scores)}
    history = fit(net(), DATA, **options)
    assert history.steps_to(0.5) == 20
    assert history.steps_to(0.6) == 30
    assert history.steps_to(0.95) is None
    scores = iter([0.2, 0.5, 0.9, 0.4])
    history = fit(net(), DATA, **options, stop_at=0.5)
    assert history.loss.shape == (20,)
    np.testing.assert_array_equal(history.scores, [0.2, 0.5])


@pytest.mark.parametrize("norm", [False, True])
def test_divergence_ends_the_run_without_a_word(norm, capfd):
    model = net(norm)
    history = fit(model, DATA, **SETTINGS | {"lr": 1e200}, probe=lambda model, step: step)
    assert history.diverged is True
    assert len(history.loss) < 60
    assert np.isfinite(history.loss[:-1]).all()
    assert not np.isfinite(history.loss[-1])
    assert history.eval_steps[-1] == len(history.loss) == history.probes[-1]
    assert history.steps_to(0.9) is None
    assert accuracy(model, DATA.x_test, DATA.y_test) < 0.9
    assert all(np.isfinite(parameter.data).all() for parameter in model.parameters())
    assert capfd.readouterr() == ("", "")


def test_transform_changes_batches_and_not_their_choice():
    seen, plain = [], []

    def shift(x, rng):
        seen.append((x, rng.random()))
        return x + 100

    def watch(x, rng):
        plain.append(x)
        return x

    shifted = fit(net(), DATA, **SETTINGS, transform=shift)
    watched = fit(net(), DATA, **SETTINGS, transform=watch)
    bare = fit(net(), DATA, **SETTINGS)
    assert all(np.array_equal(a, b) for (a, _), b in zip(seen, plain, strict=True))
    assert len({draw for _, draw in seen}) == 60
    assert seen[0][1] != np.random.default_rng(SETTINGS["seed"]).random()
    np.testing.assert_array_equal(watched.loss, bare.loss)
    np.testing.assert_allclose(shifted.loss[0], bare.loss[0])  # batch norm takes away a shift
    assert shifted.scores[-1] < bare.scores[-1]  # running statistics do not


class Interrupt:
    """A probe that stops training the way Ctrl-C does."""

    def __init__(self, error):
        self.error = error

    def __call__(self, model, step):
        if step == 40:
            raise self.error


@pytest.mark.parametrize("error", [KeyboardInterrupt, ValueError])
def test_an_interrupted_run_leaves_the_model_as_it_was(error):
    model = net().eval()
    before = state(model)
    copies = [np.copy(a) for a in before]
    with pytest.raises(error):
        fit(model, DATA, **SETTINGS, probe=Interrupt(error))
    assert all(a is b for a, b in zip(state(model), before, strict=True))
    assert same(before, copies)
    assert not any(module.training for module in model.modules())
    assert all(parameter.grad is None for parameter in model.parameters())
    model.train()
    again, fresh = fit(model, DATA, **SETTINGS), fit(net(), DATA, **SETTINGS)
    np.testing.assert_array_equal(again.loss, fresh.loss)


@pytest.mark.parametrize("name", ["steps", "batch_size", "eval_every"])
def test_counts_below_one_are_refused(name):
    with pytest.raises(ValueError, match=f"{name} must be at least 1, not 0"):
        fit(net(), DATA, **SETTINGS | {name: 0})


def test_data_and_models_that_cannot_be_trained_are_refused():
    few = SimpleNamespace(**vars(DATA) | {"y_train": DATA.y_train[:9]})
    none = SimpleNamespace(**vars(DATA) | {"x_train": DATA.x_train[:0], "y_train": []})
    for data, message in ((few, "200 images and 9 labels"), (none, "0 images and 0 labels")):
        with pytest.raises(ValueError, match=f"as many labels, not {message}"):
            fit(net(), data, **SETTINGS)
    with pytest.raises(ValueError, match="nothing to train: the model has no parameters"):
        fit(Sequential(Tanh()), DATA, **SETTINGS)


@pytest.mark.parametrize("measure", [accuracy, batch_accuracy])
@pytest.mark.parametrize(("images", "labels"), [(0, 0), (5, 4), (5, 1)])
def test_accuracy_needs_images_and_their_labels(measure, images, labels):
    with pytest.raises(ValueError, match=f"not {images} images and {labels} labels"):
        measure(net(), DATA.x_test[:images], DATA.y_test[:labels])


@pytest.mark.parametrize("progress", [None, "bn", False])
def test_a_short_run_writes_nothing(progress, capfd):
    fit(net(), DATA, **SETTINGS, progress=progress)
    assert capfd.readouterr() == ("", "")


def test_the_progress_bar_waits_a_second_and_goes_away(monkeypatch):
    seen = []
    monkeypatch.setattr(training, "tqdm", lambda *a, **kw: seen.append(kw) or Bar(*a))

    class Bar(list):
        def __enter__(self):
            return self

        def __exit__(self, *_):
            seen.append("closed")

    for progress in ("label", False):
        fit(net(), DATA, **SETTINGS, progress=progress)
    shown = {"delay": 1, "leave": False}
    assert seen[0] == shown | {"desc": "label", "disable": False}
    assert seen[2]["disable"] is True
    assert seen[1] == seen[3] == "closed"


def test_seconds_leave_out_what_is_measured(monkeypatch):
    now = [0.0]
    monkeypatch.setattr(training, "time", SimpleNamespace(perf_counter=lambda: now[0]))
    slow = Tanh()
    forward = slow.forward

    def forward_in_two_seconds(x):
        now[0] += 2
        return forward(x)

    slow.forward = forward_in_two_seconds
    model = Sequential(net()[0], slow, Linear(8, 3, rng=np.random.default_rng(0)))

    def long_probe(model, step):
        now[0] += 1000

    history = fit(model, DATA, **SETTINGS | {"steps": 5}, probe=long_probe)
    assert history.seconds == 10


# --- accuracy in the two modes -----------------------------------------------------------------


def test_accuracy_uses_running_statistics_and_batch_accuracy_the_batchs():
    model = net(dropout=True)
    fit(model, DATA, **SETTINGS)
    before = state(model)
    modes = [module.training for module in model.modules()]
    x, y = DATA.x_test, DATA.y_test
    assert accuracy(model, x, y) > 0.9
    assert batch_accuracy(model, x, y) > 0.9
    shifted = 0.5 * x + 7
    assert accuracy(model, shifted, y) < 0.7
    assert batch_accuracy(model, shifted, y) == batch_accuracy(model, x, y)
    assert same(state(model), before)
    assert [module.training for module in model.modules()] == modes
    model.eval()
    batch_accuracy(model, x, y)
    assert not any(module.training for module in model.modules())


def test_dropout_rests_while_batch_statistics_are_measured():
    model = net(dropout=True)
    with batch_statistics_only(model):
        first = model(DATA.x_test)
        np.testing.assert_array_equal(model(DATA.x_test), first)
    assert not np.array_equal(model(DATA.x_test), model(DATA.x_test))


def test_modes_come_back_after_an_exception():
    model = net()
    model[2].training = False
    with pytest.raises(TypeError):
        accuracy(model, np.ones((2, 8), int), [1, 1])
    with pytest.raises(ValueError, match="features"):
        batch_accuracy(model, np.ones((2, 3)), [1, 1])
    assert [layer.training for layer in model] == [True, True, False, True, True]
    assert not model[2].frozen


def test_a_network_that_answers_nan_is_never_right(capfd):
    model = Sequential(Linear(2, 3, rng=np.random.default_rng(0)))
    x, y = np.ones((4, 2)), np.zeros(4, int)
    model[0].bias.data = np.array([100.0, 0, 0])
    assert accuracy(model, x, y) == 1
    for spoilt in (np.full(3, np.nan), np.array([0, np.nan, 0])):
        model[0].bias.data = spoilt
        assert accuracy(model, x, y) == batch_accuracy(model, x, y) == 0
    model[0].weight.data = np.full((3, 2), 1e308)  # overflows
    model[0].bias.data = np.array([0, -np.inf, 0])
    assert accuracy(model, x, y) == 0
    assert capfd.readouterr().err == ""


# --- PreciseBN ---------------------------------------------------------------------------------


def test_precise_statistics_are_those_of_all_batches_together():
    model = Sequential(BatchNorm(8))
    x = DATA.x_train.reshape(200, 8)
    precise_statistics(model, np.split(x, [50, 130, 160]))
    np.testing.assert_allclose(model[0].running_mean, x.mean(axis=0), rtol=1e-12)
    np.testing.assert_allclose(model[0].running_var, x.var(axis=0), rtol=1e-12)


def test_precise_statistics_of_deeper_layers_are_seen_through_batch_statistics():
    model = Sequential(BatchNorm(8), Tanh(), BatchNorm(8))
    model[0].running_mean = np.full(8, 1000.0)  # stale: not to be used
    halves = np.split(DATA.x_train.reshape(200, 8), 2)
    inputs = []
    for half in halves:
        inputs.append(np.tanh((half - half.mean(axis=0)) / np.sqrt(half.var(axis=0) + 1e-5)))
    precise_statistics(model, iter(halves))
    np.testing.assert_allclose(model[2].running_mean, np.mean(inputs, axis=(0, 1)), atol=1e-12)
    np.testing.assert_allclose(model[2].running_var, np.concatenate(inputs).var(axis=0))


def test_precise_statistics_repair_stale_ones_and_touch_nothing_else():
    model = net(dropout=True)
    fit(model, DATA, **SETTINGS)
    good = accuracy(model, DATA.x_test, DATA.y_test)
    parameters = [parameter.data for parameter in model.parameters()]
    for layer in model:
        if isinstance(layer, BatchNorm):
            layer.running_mean, layer.running_var = np.full(10, 30.0), np.full(10, 5.0)
    assert accuracy(model, DATA.x_test, DATA.y_test) < 0.7
    precise_statistics(model, np.split(DATA.x_train, 4))
    assert accuracy(model, DATA.x_test, DATA.y_test) == pytest.approx(good, abs=0.05)
    assert all(p.data is data for p, data in zip(model.parameters(), parameters, strict=True))
    assert all(module.training for module in model.modules())


def test_precise_statistics_need_a_batch():
    with pytest.raises(ValueError, match="batches is empty: give at least one batch"):
        precise_statistics(net(), [])


def test_it_is_evaluated_after_the_steps_that_are_listed_and_the_last():
    history = fit(net(), DATA, **(SETTINGS | {"eval_at": (3, 7, 50, 99)}))
    assert history.eval_steps.tolist() == [3, 7, 50, 60]


def test_other_optimizers_can_train():
    model, other = net(), net()
    losses = [
        fit(model, DATA, **SETTINGS, optimizer=Adam).loss,
        fit(other, DATA, **SETTINGS).loss,
    ]
    assert losses[0][0] == losses[1][0]
    assert losses[0][-1] != losses[1][-1]
    assert losses[0][-1] < losses[0][0]
