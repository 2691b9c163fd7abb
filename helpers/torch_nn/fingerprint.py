"""Say what decides the result of a training run, so that another run is not taken for it.

Each thing is described by a pair of texts: one for people, and a digest of everything in it that
counts. Two data sets of one name, or two functions, are told apart by the digest.
"""

import dis
import functools
import hashlib
import re
import sys
import types

import numpy as np
import torch
from torch import nn

ELSEWHERE = ("model", "dataset", "device", "data_on_device", "checkpoint", "progress")


def run_settings(arguments, processes):
    """What decides the result of a call of `fit`: a dictionary of pairs (description, digest).

    arguments: the call's arguments by name. Those that say where and how it is shown do not count.
    """
    model, dataset = arguments["model"], arguments["dataset"]
    settings = {
        name: (_without_addresses(value), digest(value))
        for name, value in arguments.items()
        if name not in ELSEWHERE
    }
    images = [dataset.x_train, dataset.y_train, dataset.x_test, dataset.y_test]
    evaluating = [name or "all" for name, module in model.named_modules() if not module.training]
    frozen = [name for name, p in model.named_parameters() if not p.requires_grad]
    settings["dataset"] = f"{dataset.name}, {len(dataset.x_train)} images", digest(images)
    settings["model"] = _of_model(model), ""
    settings["modules in eval mode"] = ", ".join(evaluating) or "none", ""
    settings["parameters not trained"] = ", ".join(frozen) or "none", ""
    settings["processes"] = str(processes.size), ""
    return settings


def differences(old, new, then="was", now="is"):
    """What is not the same in two dictionaries of pairs: a list of texts."""
    found = []
    for name in dict.fromkeys([*old, *new]):
        pairs = (each.get(name, ("unknown", "")) for each in (old, new))
        (first, first_digest), (second, second_digest) = pairs
        if first != second:
            found.append(f"{name} {then} {first} and {now} {second}")
        elif first_digest != second_digest:
            found.append(f"{name} is called {first} both times, but its content differs")
    return found


def digest(value):
    """A text of 16 characters that changes with the value.

    Arrays and tensors count with their content, functions with their bytecode (so a new version of
    Python makes them other functions), their defaults and the variables that they use, objects with
    their class and attributes. What comes with Python or was installed counts by its name.
    """
    hashed = hashlib.blake2b(digest_size=8)
    _feed(value, hashed.update, {})
    return hashed.hexdigest()


def _of_model(model):
    kinds = sorted({type(module) for module in model.modules()}, key=str)
    structure = digest([repr(model), *kinds])[:8]
    count = sum(parameter.numel() for parameter in model.parameters())
    return f"{type(model).__name__} with {count} parameters, structure {structure}"


def _without_addresses(value):
    return re.sub(" at 0x[0-9a-f]+", "", repr(value))


def _feed(value, update, met):
    """Give `update` the bytes of a value. `met` keeps what has been met, by its address."""
    update(f"{type(value).__qualname__}:".encode())
    if not isinstance(value, _PLAIN | tuple | frozenset):  # of those, equal ones may be one
        if id(value) in met:  # for instance a function that calls itself
            return update(f"number {list(met).index(id(value))}".encode())
        met[id(value)] = value
    for part in _parts(value):
        if isinstance(part, memoryview):
            update(part)
        else:
            _feed(part, update, met)


_PLAIN = str | int | float | complex | bool | bytes | types.NoneType
_NAMED = types.ModuleType | types.FunctionType | types.BuiltinFunctionType | type


def _parts(value):
    """What a value consists of: bytes, as a memoryview, and other values."""
    if isinstance(value, _PLAIN):
        return [memoryview(repr(value).encode())]
    if isinstance(value, np.ndarray) and value.dtype != object:
        content = np.ascontiguousarray(value).reshape(-1).view(np.uint8)
        return [str(value.dtype), value.shape, content.data]
    if isinstance(value, torch.Tensor):
        content = value.detach().cpu().contiguous().reshape(-1).view(torch.uint8)
        return [str(value.dtype), tuple(value.shape), content.numpy().data]
    if isinstance(value, np.ndarray):
        return value.tolist()
    if isinstance(value, dict):
        return [part for item in value.items() for part in item]
    if isinstance(value, set | frozenset):
        return sorted(value, key=repr)
    if isinstance(value, list | tuple):
        return value
    if isinstance(value, types.CodeType):
        return [value.co_code, value.co_names, value.co_varnames, value.co_flags, value.co_consts]
    if isinstance(value, types.FunctionType) and not _installed(value):
        return _of_function(value)
    if isinstance(value, type) and not _installed(value):
        return _of_class(value)
    if isinstance(value, _NAMED):
        return [getattr(value, "__module__", None), value.__name__]
    if isinstance(value, functools.partial):
        return [value.func, value.args, value.keywords]
    if isinstance(value, types.MethodType):
        return [value.__func__, value.__self__]
    if isinstance(value, staticmethod | classmethod):
        return [value.__func__]
    if isinstance(value, property):
        return [value.fget]
    if isinstance(value, nn.Module):
        return [type(value), repr(value), value.state_dict()]
    if isinstance(value, torch.Generator):
        return [value.get_state()]
    if isinstance(value, np.random.Generator):
        return [value.bit_generator.state]
    if hasattr(value, "__dict__"):
        return [type(value), vars(value)]
    return [type(value), _without_addresses(value)]


def _of_function(function):
    code = function.__code__
    constants = [value for value in code.co_consts if value is not function.__doc__]
    cells = [cell.cell_contents for cell in function.__closure__ or () if _is_filled(cell)]
    used = {name: function.__globals__[name] for name in _names(code) & {*function.__globals__}}
    return [
        *[code.co_code, code.co_names, code.co_varnames, constants],
        *[function.__defaults__, function.__kwdefaults__, cells],
        {name: used[name] for name in sorted(used)},
    ]


def _names(code):
    """The global names that a function reads, those of functions inside it included."""
    found = {step.argval for step in dis.get_instructions(code) if step.opname == "LOAD_GLOBAL"}
    inner = [value for value in code.co_consts if isinstance(value, types.CodeType)]
    return found.union(*map(_names, inner))


def _of_class(kind):
    """Its name, and what it and the classes it comes from define, without what Python adds."""
    kinds = [each for each in kind.__mro__ if not _installed(each)]
    defined = [{k: v for k, v in vars(each).items() if _is_defined(k, v)} for each in kinds]
    return [kind.__qualname__, *defined]


def _is_defined(name, value):
    kinds = types.FunctionType | staticmethod | classmethod | property
    return isinstance(value, kinds) or not (name.startswith("_") or callable(value))


def _is_filled(cell):
    try:
        cell.cell_contents  # noqa: B018
    except ValueError:
        return False
    return True


def _installed(thing):
    """Whether a function or class comes with Python or was installed."""
    module = thing.__module__ or ""
    if module.partition(".")[0] in sys.stdlib_module_names:
        return True
    path = getattr(sys.modules.get(module), "__file__", None) or ""
    return "site-packages" in path or "dist-packages" in path
