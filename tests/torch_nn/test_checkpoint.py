"""A run that was killed and goes on equals one that was not; no other file is mistaken for it."""

import contextlib
import dataclasses
import functools
import os
import pickle
import signal
import subprocess
import sys

import numpy as np
import pytest
import torch
from torch import nn

from helpers.data import load
from helpers.torch_nn.augmentation import Augment
from helpers.torch_nn.checkpoint import CheckpointError
from helpers.torch_nn.fingerprint import digest
from helpers.torch_nn.models import vgg
from helpers.torch_nn.training import fit

DIGITS = load("digits")
DATA = dataclasses.replace(DIGITS, x_train=DIGITS.x_train[:330], y_train=DIGITS.y_train[:330])
AUGMENT = Augment(flip=False, translate=1)
EPOCHS, STEPS_PER_EPOCH = 4, 5  # 330 images in batches of 64
SETTINGS = {
    "epochs": EPOCHS,
    "batch_size": 64,
    "lr": 0.1,
    "seed": 3,
    "augment": AUGMENT,
    "label_smoothing": 0.1,
    "progress": False,
}


def net(norm="batch"):
    """Everything that has a state: batch norm, dropout."""
    *layers, last = vgg(
        np.random.default_rng(1),
        channels=(4, "pool", 8, "pool"),
        in_channels=1,
        image_size=8,
        norm=norm,
    )
    return nn.Sequential(*layers, nn.Dropout(0.2), last)


def same(a, b):
    return a.keys() == b.keys() and all(torch.equal(a[key], b[key]) for key in a)


@pytest.fixture(scope="module")
def uninterrupted():
    model = net()
    history = fit(model, DATA, **SETTINGS)
    return model.state_dict(), history


@pytest.fixture
def finished(tmp_path):
    """The checkpoint of a run that has ended."""
    path = tmp_path / "run.pt"
    fit(net(), DATA, **SETTINGS, checkpoint=path)
    return path


class Interrupted(Exception):
    pass


def interrupting(monkeypatch, step, stop):
    """Make `fit` call `stop` in step number `step`."""
    original, calls = torch.optim.Optimizer.zero_grad, []

    def zero_grad(self):
        calls.append(1)
        if len(calls) == step:
            stop()
        return original(self)

    monkeypatch.setattr(torch.optim.Optimizer, "zero_grad", zero_grad)


def interrupt():
    raise Interrupted


def expect_equal(model, history, uninterrupted):
    state, expected = uninterrupted
    assert same(model.state_dict(), state)
    for name in ("loss", "lr", "eval_steps", "test_accuracy"):
        np.testing.assert_array_equal(getattr(history, name), getattr(expected, name))


# --- going on ----------------------------------------------------------------------------------


@pytest.mark.parametrize("step", [3, 2 * STEPS_PER_EPOCH + 1, 4 * STEPS_PER_EPOCH])
def test_an_interrupted_run_goes_on_as_if_nothing_had_happened(
    step, tmp_path, monkeypatch, uninterrupted
):
    path = tmp_path / "folder" / "run.pt"
    with monkeypatch.context() as patch:
        interrupting(patch, step, interrupt)
        with pytest.raises(Interrupted):
            fit(net(), DATA, **SETTINGS, checkpoint=path)
    assert path.exists() == (step > STEPS_PER_EPOCH)
    torch.manual_seed(step)  # of no importance
    model = net()
    history = fit(model, DATA, **SETTINGS, checkpoint=path)
    expect_equal(model, history, uninterrupted)


KILLED = f"""
import os, signal
from torch_nn import test_checkpoint as tests

def kill(path):
    tests.interrupting(tests.pytest.MonkeyPatch(), {2 * STEPS_PER_EPOCH + 2},
                       lambda: os.kill(os.getpid(), signal.SIGKILL))
    tests.fit(tests.net(), tests.DATA, **tests.SETTINGS, checkpoint=path)

kill(os.sys.argv[1])
"""


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="this system has no SIGKILL")
def test_a_killed_process_loses_nothing_that_was_saved(tmp_path, uninterrupted):
    path = tmp_path / "run.pt"
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    process = subprocess.run(
        [sys.executable, "-c", KILLED, str(path)],
        env=environment,
        capture_output=True,
        text=True,
        timeout=100,
    )
    assert process.returncode == -signal.SIGKILL, process.stderr
    assert torch.load(path)["epoch"] == 2
    model = net()
    expect_equal(model, fit(model, DATA, **SETTINGS, checkpoint=path), uninterrupted)


def test_a_finished_run_is_read_and_not_repeated(finished, monkeypatch, uninterrupted):
    interrupting(monkeypatch, 1, interrupt)
    model = net()
    expect_equal(model, fit(model, DATA, **SETTINGS, checkpoint=finished), uninterrupted)


def test_a_run_that_max_steps_ended_within_an_epoch_is_finished(tmp_path, monkeypatch):
    settings = SETTINGS | {"max_steps": 7, "checkpoint": tmp_path / "run.pt"}
    first = fit(net(), DATA, **settings)
    interrupting(monkeypatch, 1, interrupt)
    second = fit(net(), DATA, **settings)
    np.testing.assert_array_equal(second.loss, first.loss)
    np.testing.assert_array_equal(second.eval_steps, [5, 7])


def test_a_write_that_fails_leaves_the_checkpoint_before(tmp_path, monkeypatch, uninterrupted):
    path, save, calls = tmp_path / "run.pt", torch.save, []

    def breaks_in_the_second_epoch(content, file):
        calls.append(file)
        save(content, file)
        if len(calls) == 2:
            with open(file, "r+b") as stream:
                stream.truncate(100)
            raise OSError("No space left on device")

    monkeypatch.setattr(torch, "save", breaks_in_the_second_epoch)
    with pytest.raises(OSError, match="No space left"):
        fit(net(), DATA, **SETTINGS, checkpoint=path)
    assert list(tmp_path.iterdir()) == [path]
    assert torch.load(path)["epoch"] == 1
    model = net()
    expect_equal(model, fit(model, DATA, **SETTINGS, checkpoint=path), uninterrupted)


def test_a_run_that_diverged_leaves_the_checkpoint_before(tmp_path):
    path = tmp_path / "run.pt"

    def explode_in_the_third_epoch(step, steps):
        return 1.0 if step < 2 * STEPS_PER_EPOCH else 1e30

    settings = SETTINGS | {"schedule": explode_in_the_third_epoch, "label_smoothing": 0.0}
    history = fit(net(norm="none"), DATA, **settings, checkpoint=path)
    assert history.diverged
    content = torch.load(path)
    assert content["epoch"] == 2
    assert all(value.isfinite().all() for value in content["states"]["model"].values())


# --- files that are not that run ---------------------------------------------------------------


def refused(path, match, model=None, **changes):
    """The message of the error, which names the file and says what to do; the file stays."""
    before = path.read_bytes()
    with pytest.raises(CheckpointError, match=match) as caught:
        fit(model or net(), DATA, **SETTINGS | changes, checkpoint=path)
    message = str(caught.value)
    assert str(path) in message
    assert f"delete {path.name} to start from the beginning, or give fit another" in message
    assert path.read_bytes() == before
    return message


@pytest.mark.parametrize(
    "damage",
    [
        lambda content: b"",
        lambda content: content[: len(content) // 2],
        lambda content: content[:-30],
        lambda content: b"This is not a checkpoint.\n" * 100,
        lambda content: pickle.dumps({"format": "something else"}),
        lambda content: content.replace(content[2000:2008], b"\x55" * 8),
    ],
    ids=["empty", "half", "no end", "text", "pickle", "other bytes"],
)
def test_a_damaged_file_is_refused(damage, finished):
    finished.write_bytes(damage(finished.read_bytes()))
    refused(finished, "cannot be read as a checkpoint")


def test_another_file_of_pytorch_is_refused(finished):
    torch.save(net().state_dict(), finished)
    refused(finished, "is not a checkpoint of this course's fit")


def test_a_file_cannot_run_code(tmp_path):
    """torch.load without weights_only would call what a pickle names."""
    path, trace = tmp_path / "run.pt", tmp_path / "trace"

    class Evil:
        def __reduce__(self):
            return os.mkdir, (str(trace),)

    torch.save({"format": Evil()}, path)
    refused(path, "cannot be read as a checkpoint")
    assert not trace.exists()


@pytest.mark.parametrize(
    ("changes", "difference"),
    [
        ({"lr": 0.2}, "lr was 0.1 and is 0.2"),
        ({"epochs": 8}, "epochs was 4 and is 8"),
        ({"seed": 4}, "seed was 3 and is 4"),
        ({"amp": True}, "amp was False and is True"),
        ({"augment": None}, r"augment was Augment\(flip=False, translate=1\) and is None"),
    ],
)
def test_a_run_with_other_settings_is_refused(changes, difference, finished):
    refused(finished, f"belongs to another run: {difference}; go on with the old", **changes)


def test_all_differences_are_named(finished):
    message = refused(finished, "another run", lr=1.0, momentum=0.5)
    assert "lr was 0.1 and is 1.0; momentum was 0.9 and is 0.5;" in message


def test_another_model_is_refused(finished):
    model = net(norm="none")
    message = refused(finished, "model was Sequential with 678 parameters", model)
    assert "and is Sequential with 666 parameters" in message


def test_a_layer_that_is_only_set_otherwise_is_another_model(finished):
    model = net()
    model[1].eps = 1e-3
    refused(finished, "model was Sequential with 678 parameters, structure .* and is", model)


def test_where_and_how_it_is_shown_may_change(finished):
    fit(net(), DATA, **SETTINGS | {"progress": "again"}, data_on_device=False, checkpoint=finished)


def test_a_file_of_another_edition_is_named_as_such(finished):
    content = torch.load(finished)
    torch.save(content | {"format": "batch-norm-course checkpoint, version 1"}, finished)
    refused(finished, "was written by another edition of this course .*version 1")


# --- the same names, but something else ---------------------------------------------------------


def make_augment(most, code="x + most"):
    """A function that is called `noisy` whatever it does, made anew as a new session makes it."""
    space = {"torch": torch, "most": most}
    exec(f"def noisy(x, generator, scale=1):\n    return {code}", space)
    return space["noisy"]


class Shifts:
    """An augmentation with a state; `by` is part of it."""

    def __init__(self, by):
        self.by = by

    def __call__(self, x, generator):
        return x + self.by


def closing_over(value):
    def augment(x, generator):
        return x + value

    return augment


SAME = {  # pairs that do the same
    "function": lambda: make_augment(0.5),
    "closure": lambda: closing_over(0.5),
    "object": lambda: Shifts(0.5),
    "partial": lambda: functools.partial(make_augment(0.5), scale=2),
    "method": lambda: Shifts(0.5).__call__,
    "lambda": lambda: lambda x, generator: x,
}
OTHER = {
    "code": (make_augment(0.5), make_augment(0.5, "x - most")),
    "constant": (make_augment(0.5, "x + 1"), make_augment(0.5, "x + 2")),
    "global variable": (make_augment(0.5), make_augment(0.6)),
    "closure": (closing_over(0.5), closing_over(0.6)),
    "array in a closure": (closing_over(torch.zeros(2)), closing_over(torch.ones(2))),
    "function in a closure": (closing_over(make_augment(1)), closing_over(make_augment(2))),
    "object": (Shifts(0.5), Shifts(0.6)),
    "method": (Shifts(0.5).__call__, Shifts(0.6).__call__),
    "partial": tuple(functools.partial(make_augment(0.5), scale=scale) for scale in (1, 2)),
}


@pytest.mark.parametrize("name", SAME)
def test_a_function_that_was_made_anew_is_the_same(name):
    assert digest(SAME[name]()) == digest(SAME[name]())


@pytest.mark.parametrize("name", OTHER)
def test_a_function_that_does_something_else_under_its_name_is_another(name):
    old, new = OTHER[name]
    assert digest(old) != digest(new)


def test_a_class_that_was_changed_is_another():
    old, new = (
        type("Noise", (Shifts,), {"__call__": make_augment(0, code)}) for code in ("x", "x + 1")
    )
    assert digest(old(1)) != digest(new(1))


def test_an_augmentation_that_changed_under_its_name_is_refused(tmp_path):
    path = tmp_path / "run.pt"
    fit(net(), DATA, **SETTINGS | {"augment": make_augment(0.5)}, checkpoint=path)
    fit(net(), DATA, **SETTINGS | {"augment": make_augment(0.5)}, checkpoint=path)
    refused(
        path,
        "augment is called <function noisy> both times, but its content differs; go on",
        augment=make_augment(0.5, "x * 2"),
    )


@pytest.mark.parametrize("part", ["x_train", "y_train", "x_test", "y_test"])
def test_data_that_changed_under_its_name_is_refused(part, finished):
    changed = getattr(DATA, part).copy()
    changed[-1] = 1 - changed[-1].clip(0, 1)
    with pytest.raises(CheckpointError, match="dataset is called digits, 330 images both times"):
        fit(net(), dataclasses.replace(DATA, **{part: changed}), **SETTINGS, checkpoint=finished)


def test_modes_and_what_is_trained_belong_to_the_settings(finished):
    model = net()
    model[1].eval()
    refused(finished, "modules in eval mode was none and is 1; go on", model)
    model = net()
    model[1].bias.requires_grad_(False)
    refused(finished, "parameters not trained was none and is 1.bias; go on", model)


def test_a_forward_that_was_changed_is_another_model(tmp_path):
    def of(code):
        kind = type("Net", (nn.Sequential,), {"forward": make_forward(code)})
        return kind(nn.Flatten(), nn.Linear(64, 10, bias=False))

    def make_forward(code):
        space = {}
        exec(f"def forward(self, x):\n    return {code}", space)
        return space["forward"]

    path = tmp_path / "run.pt"
    fit(of("self[1](self[0](x))"), DATA, **SETTINGS, checkpoint=path)
    fit(of("self[1](self[0](x))"), DATA, **SETTINGS, checkpoint=path)
    refused(path, "model was Net with 640 .* and is Net with 640", of("self[1](self[0](2 * x))"))


# --- several processes --------------------------------------------------------------------------


def interrupted_and_resumed(folder):
    """What each of two processes does for test_distributed.py; only rank 0 has a file.

    Their folders are not shared.
    """
    rank = torch.distributed.get_rank()
    (folder / str(rank)).mkdir(exist_ok=True)
    options = SETTINGS | {"checkpoint": folder / str(rank) / "run.pt", "augment": None}
    with pytest.MonkeyPatch.context() as patch:
        interrupting(patch, STEPS_PER_EPOCH + 2, interrupt)
        with contextlib.suppress(Interrupted):
            fit(net("layer"), DATA, **options)
    resumed = net("layer")
    history = fit(resumed, DATA, **options)
    whole = net("layer")
    expected = fit(whole, DATA, **options | {"checkpoint": None})
    same_run = same(resumed.state_dict(), whole.state_dict())
    same_run &= np.array_equal(history.loss, expected.loss)
    says = []
    others = [
        (DATA, options | {"lr": 0.1 + rank}),
        (DATA, options | {"lr": 0.5}),
        (DIGITS if rank else DATA, options),
    ]
    for data, settings in others:
        with pytest.raises((CheckpointError, ValueError)) as caught:
            fit(net("layer"), data, **settings)
        says.append(str(caught.value))
    if rank == 0:
        options["checkpoint"].write_bytes(b"damaged")
    with pytest.raises(CheckpointError) as caught:
        fit(net("layer"), DATA, **options)
    return same_run, [*says, str(caught.value)], sorted(os.listdir(folder / str(rank)))
