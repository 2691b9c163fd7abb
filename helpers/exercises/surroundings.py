"""What a judgement depends on besides the answer: settings and functions of NumPy and PyTorch.

Every judgement starts from the same known settings, whatever earlier cells have set, and leaves
them as they were. PyTorch is touched only if somebody has imported it.
"""

import builtins
import contextlib
import functools
import math
import random
import statistics
import sys
import types
import warnings
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import numpy as np

from helpers.exercises import blame


class Setting(NamedTuple):
    """Something that holds for the whole program, read by `get` and set by `put`.

    says: what is wrong with an answer that leaves another value behind; empty: nobody minds.
    compare: whether it is read before it is set, because setting is slow or does more.
    """

    get: Callable[[], Any]
    put: Callable[[Any], None]
    known: Any
    says: str = ""
    compare: bool = True

    def set(self, value) -> None:
        if not self.compare or self.get() != value:
            self.put(value)


@functools.cache
def _numpy_settings() -> list[Setting]:
    draws = np.random.RandomState(0).get_state()
    return [
        Setting(np.random.get_state, np.random.set_state, draws, compare=False),
        Setting(random.getstate, random.setstate, random.Random(0).getstate(), compare=False),
        Setting(
            np.get_printoptions,
            lambda options: np.set_printoptions(**options),
            {**np.get_printoptions(), "legacy": False, "precision": 8, "suppress": False},
        ),
    ]


@functools.cache
def _torch_settings(torch: types.ModuleType) -> list[Setting]:
    def put_device(device):
        # No device at all is what PyTorch starts with, and faster than asking for its CPU.
        torch.set_default_device(None if device.type == "cpu" else device)

    whole, own = "for the whole program", "to the tensors that you make instead"
    return [
        Setting(
            torch.is_grad_enabled,
            torch._C._set_grad_enabled,
            True,
            f"it switches gradients off {whole}: `with torch.no_grad():` ends by itself",
        ),
        Setting(
            torch.get_default_dtype,
            torch.set_default_dtype,
            torch.float32,
            f"it changes the default dtype {whole}: give dtype= {own}",
        ),
        Setting(
            torch.get_default_device,
            put_device,
            torch.device("cpu"),
            f"it changes the default device {whole}: give device= {own}",
        ),
        Setting(
            lambda: torch.is_autocast_enabled("cpu"),
            lambda on: torch.set_autocast_enabled("cpu", on),
            False,
            f"it switches autocast on {whole}: `with torch.autocast(...):` ends by itself",
        ),
        Setting(torch.is_anomaly_enabled, torch.set_anomaly_enabled, False),
        Setting(torch.get_deterministic_debug_mode, torch.set_deterministic_debug_mode, 0),
        Setting(
            torch.get_rng_state, torch.set_rng_state, torch.Generator().get_state(), compare=False
        ),
    ]


class Surroundings:
    """The known settings of one judgement; `known` makes them."""

    def __init__(self, settings: list[Setting], watched: list):
        self._settings = settings
        self._loud = [setting for setting in settings if setting.says]
        self._functions = [(owner, dict(vars(owner))) for owner in watched]

    def settings(self) -> list:
        """The values of the settings that an answer must leave alone."""
        return [setting.get() for setting in self._loud]

    def left_behind(self, before: list) -> str:
        """Put back the settings `before`; returns what an answer changed, or nothing."""
        says = ""
        for setting, value in zip(self._loud, before, strict=True):
            if setting.get() != value:
                setting.put(value)
                says = says or setting.says
        return says

    def replaced(self) -> str:
        """Put back functions of libraries that an answer has replaced; returns what it did."""
        says = ""
        for place, (owner, old) in enumerate(self._functions):
            now = vars(owner)
            if now == old:  # nearly always, and fast: Python compares by identity first
                continue
            is_class = isinstance(owner, type)
            for name in [*old, *(set(now) - set(old) if is_class else ())]:
                if name.startswith("_") and not is_class:
                    continue
                if not _is_replaced(old.get(name), now.get(name)):
                    continue
                if name in old:
                    setattr(owner, name, old[name])
                else:
                    delattr(owner, name)
                says = says or f"it replaces {owner.__name__}.{name} for the whole program"
            self._functions[place] = owner, dict(vars(owner))
        return says


def _is_replaced(old, new) -> bool:
    """Whether somebody has put another function or value in a place; libraries do so, too."""
    if new is old or (old is None and not callable(new)):
        return False
    code = getattr(new, "__code__", None)
    by_a_library = code is not None and not blame.is_learners(code)
    return not (by_a_library and new.__name__ == getattr(old, "__name__", new.__name__))


@contextlib.contextmanager
def known(*modules: types.ModuleType) -> Iterator[Surroundings]:
    """Settings that do not depend on earlier cells; on leaving, they are what they were.

    Functions of NumPy, PyTorch and `modules` that were replaced meanwhile are put back.
    """
    torch = sys.modules.get("torch")
    settings, watched = [*_numpy_settings()], [np, np.linalg, np.random, math, statistics, builtins]
    if torch is not None and hasattr(torch, "nn"):  # not while it is being imported
        settings += _torch_settings(torch)
        watched += _torch_places(torch)
    before = [setting.get() for setting in settings]
    with contextlib.ExitStack() as stack:
        stack.enter_context(warnings.catch_warnings())
        warnings.simplefilter("ignore")  # a warning would only bury the message
        stack.enter_context(np.errstate(all="ignore"))
        if torch is not None:
            stack.enter_context(torch.inference_mode(False))
        for setting in settings:
            setting.set(setting.known)
        around = Surroundings(settings, [*watched, *modules])
        try:
            yield around
        finally:
            around.replaced()
            for setting, value in zip(settings, before, strict=True):
                setting.set(value)


def _torch_places(torch: types.ModuleType) -> list:
    nn = torch.nn
    return [
        *(torch, nn.functional, torch.linalg, torch.Tensor, nn.Module, nn.Sequential, nn.Dropout),
        *(nn.Linear, nn.Conv2d, nn.ReLU, nn.modules.batchnorm._NormBase),
        *(nn.modules.batchnorm._BatchNorm, nn.BatchNorm1d, nn.BatchNorm2d, nn.BatchNorm3d),
    ]
