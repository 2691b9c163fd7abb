"""Settings of the program: they change no verdict, and no answer changes them for long."""

import contextlib
import random
import subprocess
import sys
import warnings

import numpy as np
import pytest
import torch
from torch import nn

from helpers.exercises import judge
from helpers.exercises.engine import EXERCISES
from helpers.exercises.surroundings import known


@contextlib.contextmanager
def put(get, put, value):
    before = get()
    put(value)
    try:
        yield
    finally:
        put(before)


def options(value):
    np.set_printoptions(**value)


def rounded():
    return put(np.get_printoptions, options, {**np.get_printoptions(), "precision": 1})


SETTINGS = {
    "gradients": lambda: put(torch.is_grad_enabled, torch.set_grad_enabled, False),
    "inference": torch.inference_mode,
    "float64": lambda: put(torch.get_default_dtype, torch.set_default_dtype, torch.float64),
    "float16": lambda: put(torch.get_default_dtype, torch.set_default_dtype, torch.float16),
    "meta": lambda: put(lambda: None, torch.set_default_device, "meta"),
    "autocast": lambda: torch.autocast("cpu"),
    "numpy raises": lambda: np.errstate(all="raise"),
    "printing": rounded,
    "warnings": lambda: warnings.catch_warnings(action="error"),
}


@pytest.fixture(params=SETTINGS)
def setting(request):
    return SETTINGS[request.param]


def state():
    return [
        torch.is_grad_enabled(),
        torch.is_inference_mode_enabled(),
        torch.get_default_dtype(),
        torch.get_default_device(),
        torch.is_autocast_enabled("cpu"),
        np.geterr(),
        np.get_printoptions(),
        list(warnings.filters),
        np.random.get_state()[1].tolist(),  # noqa: NPY002
        random.getstate(),
        torch.get_rng_state().tolist(),
    ]


@pytest.mark.parametrize(
    "name", ["batch_norm_forward", "normalize_batch", "measure_accuracy", "norm_with_modes"]
)
def test_a_setting_of_an_earlier_cell_changes_no_verdict(name, setting):
    judge(name, lambda *args: None)  # PyTorch has been imported
    with setting():
        before = state()
        assert judge(name, EXERCISES[name].reference)[0] == "pass"
        assert state() == before


def test_part_iii_is_the_same_whatever_the_setting_in_which_it_is_imported():
    code = (
        "import torch; torch.set_default_dtype(torch.float16); torch.set_grad_enabled(False);"
        "from helpers.exercises import judge, names, engine; every = names();"
        "right = [judge(n, engine.EXERCISES[n].reference)[0]"
        " for n in ('norm_with_memory', 'ported_layer', 'accumulate')];"
        "print(right, torch.get_default_dtype(), torch.is_grad_enabled())"
    )
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert answer.stdout == "['pass', 'pass', 'pass'] torch.float16 False\n", answer.stderr


def normalized(x, gamma, beta, eps=1e-5):
    return gamma * (x - x.mean(dim=0)) / torch.sqrt(x.var(dim=0, correction=0) + eps) + beta


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda: torch.set_grad_enabled(False), "it switches gradients off for the whole program"),
        (lambda: torch.set_default_dtype(torch.float64), "it changes the default dtype"),
        (lambda: torch.set_default_device("meta"), "it changes the default device"),
        (lambda: torch.set_autocast_enabled("cpu", True), "it switches autocast on"),
    ],
)
def test_a_setting_that_an_answer_leaves_behind_is_named_and_put_back(change, said):
    def answer(x, gamma, beta, eps=1e-5):
        y = normalized(x, gamma, beta, eps)
        change()
        return y

    before = state()
    status, message = judge("normalize_batch", answer)
    assert (status, said in message) == ("fail", True), message
    assert state() == before
    assert judge("normalize_batch", normalized)[0] == "pass"


def test_settings_that_concern_nobody_are_put_back_silently():
    def answer(x, gamma, beta, eps=1e-5):
        np.random.seed(1)  # noqa: NPY002
        torch.manual_seed(1)
        random.seed(1)
        np.seterr(all="raise")
        np.set_printoptions(precision=2)
        warnings.simplefilter("error")
        return normalized(x, gamma, beta, eps)

    before = state()
    assert judge("normalize_batch", answer)[0] == "pass"
    assert state() == before


@pytest.mark.parametrize(
    ("owner", "name"),
    [
        (np, "sqrt"),
        (np.linalg, "norm"),
        (torch, "sqrt"),
        (nn.functional, "batch_norm"),
        (torch.Tensor, "var"),
        (nn.Module, "train"),
        (nn.BatchNorm1d, "train"),
    ],
)
def test_a_replaced_function_is_named_and_put_back(owner, name):
    known_so_far, inherited = getattr(owner, name), name not in vars(owner)

    def answer(x, gamma, beta, eps=1e-5):
        setattr(owner, name, lambda *args, **kwargs: args[0])
        return normalized(x, gamma, beta, eps)

    status, message = judge("normalize_batch", answer)
    assert status == "fail"
    assert f"it replaces {owner.__name__}.{name} for the whole program" in message
    assert getattr(owner, name) is known_so_far
    assert (name not in vars(owner)) == inherited


def test_a_function_that_its_library_wraps_is_not_blamed():
    before = torch.manual_seed
    try:
        with known() as around:
            torch.manual_seed = torch.no_grad()(before)
            assert around.replaced() == ""
            torch.manual_seed = nn.functional.relu
            assert "it replaces torch.manual_seed" in around.replaced()
    finally:
        torch.manual_seed = before
