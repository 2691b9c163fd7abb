"""See which module of a model uses the output of which, by following a symbol through `forward`."""

import copy
import inspect
from collections import Counter

import torch
from torch import fx, nn


class CannotFollow(Exception):
    """torch.fx cannot follow what a model does; the message says why."""


class _Tracer(fx.Tracer):
    """Looks into the modules that consist of others, and takes layers and norms as a whole."""

    wholes = (
        nn.modules.batchnorm._NormBase,
        nn.modules.conv._ConvNd,
        nn.Linear,
        torch.jit.ScriptModule,
    )

    def is_leaf_module(self, m, module_qualified_name):
        whole = _is_compiled(m) or isinstance(m, self.wholes)
        return whole or super().is_leaf_module(m, module_qualified_name)

    def call_module(self, m, forward, args, kwargs):
        if type(m) is nn.Sequential and not _is_compiled(m):  # maybe a slice, which has no name
            return forward(*args, **kwargs)
        return super().call_module(m, forward, args, kwargs)


def _is_compiled(module):
    """Whether torch.compile has made a module, or has been applied to it."""
    return hasattr(module, "_orig_mod") or module._compiled_call_impl is not None


def pairs_in_use(model):
    """Names of modules, each with that of the only one that sees its output."""
    optional = [
        name
        for name, parameter in inspect.signature(model.forward).parameters.items()
        if parameter.default is not parameter.empty or "VAR" in parameter.kind.name
    ]
    if optional:
        raise CannotFollow(f"what its optional arguments change: {', '.join(optional)}")
    tracer = _Tracer()
    for module in model.modules():
        if tracer.is_leaf_module(module, ""):
            continue
        code = getattr(type(module).forward, "__code__", None)
        if code and {"isinstance", "type", "is_tensor", "hasattr"} & {*code.co_names}:
            raise CannotFollow(f"{type(module).__name__} asks for types, and a symbol is no tensor")
    try:
        graph = tracer.trace(copy.deepcopy(model))
    except Exception as error:  # whatever the model's code does with a symbol
        raise CannotFollow(f"{type(error).__name__}: {error}".partition("\n")[0]) from error
    called = [node for node in graph.nodes if node.op == "call_module"]
    times = Counter(node.target for node in called)
    read = {node.target.rpartition(".")[0] for node in graph.nodes if node.op == "get_attr"}
    alone = [node for node in called if times[node.target] == 1 and node.target not in read]
    return [
        (node.all_input_nodes[0].target, node.target)
        for node in alone
        if len(node.all_input_nodes) == 1
        and node.all_input_nodes[0] in alone
        and len(node.all_input_nodes[0].users) == 1
    ]
