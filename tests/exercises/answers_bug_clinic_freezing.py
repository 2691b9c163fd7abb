"""Answers to the exercise of the notebook `bug_clinic` about freezing."""

import copy
from types import MethodType

import torch
from registry import alternative, equivalent, mutant
from torch import nn


def without_gradients(model):
    for parameter in model.parameters():
        parameter.requires_grad_(False)
    return model


def norms(model):
    return [part for part in model.modules() if isinstance(part, nn.BatchNorm1d)]


def kept_in_eval(model):
    def stay(module, mode=True):
        return module

    model.eval()
    for part in model.modules():
        part.train = MethodType(stay, part)
    return model


@alternative("freeze_network")
def classes_that_stay(model):
    for part in without_gradients(model).eval().modules():
        part.__class__ = type("Frozen", (type(part),), {"train": lambda self, mode=True: self})
    return model


@alternative("freeze_network")
def eval_before_every_call(model):
    def hook(module, inputs):
        module.training = False

    for part in without_gradients(model).modules():
        part.register_forward_pre_hook(hook)
    return model


@alternative("freeze_network")
def a_copy_in_a_wrapper(model):
    class Frozen(nn.Module):
        def __init__(self):
            super().__init__()
            self.inside = without_gradients(copy.deepcopy(model)).eval()

        def train(self, mode=True):
            self.training = mode
            return self

        def forward(self, x):
            return self.inside(x)

    return Frozen()


@mutant("freeze_network", blamed="by_another_way")
def the_model_alone(model):
    without_gradients(model).eval()
    model.train = lambda mode=True: model
    return model


@mutant("freeze_network", blamed="after_some_batches")
def eval_for_train(model):
    without_gradients(model).eval()
    model.train = lambda mode=True: model.eval()
    return model


@alternative("freeze_network")
def every_module_by_a_lambda(model):
    for part in without_gradients(model).modules():
        part.training = False
        part.train = lambda mode=True, part=part: part
    return model


@mutant("freeze_network", blamed="after_some_batches")
def train_returns_nothing(model):
    for part in without_gradients(model).eval().modules():
        part.train = lambda mode=True: None
    return model


@mutant("freeze_network", blamed="by_another_way")
def wrapped(model):
    class Frozen(nn.Module):
        def __init__(self):
            super().__init__()
            self.inside = without_gradients(model).eval()

        def train(self, mode=True):
            self.training = mode
            return self

        def forward(self, x):
            return self.inside(x)

    return Frozen()


@mutant("freeze_network", blamed="by_another_way")
def eval_before_every_batch(model):
    def hook(module, inputs):
        module.eval()

    model.register_forward_pre_hook(hook)
    return without_gradients(model)


@mutant("freeze_network", blamed="by_another_way")
def another_class(model):
    class Frozen(type(model)):
        def train(self, mode=True):
            return super().train(False)

    model.__class__ = Frozen
    return without_gradients(model).train()


@mutant("freeze_network", blamed="after_some_batches")
def statistics_thrown_away(model):
    for norm in norms(without_gradients(model)):
        norm.track_running_stats, norm.running_mean, norm.running_var = False, None, None
    return model


@mutant("freeze_network", blamed="after_some_batches")
def buffers_without_gradients(model):
    for buffer in without_gradients(model).buffers():
        buffer.requires_grad = False
    return model


@mutant("freeze_network", blamed="the_same_in_training")
def no_momentum(model):
    for norm in norms(without_gradients(model)):
        norm.momentum = 0.0
    return model


@mutant("freeze_network", blamed="the_same_in_training")
def not_tracked(model):
    for norm in norms(without_gradients(model)):
        norm.track_running_stats = False
    return model


@mutant("freeze_network", blamed="the_same_in_training")
def only_the_norms(model):
    for norm in norms(without_gradients(model)):
        kept_in_eval(norm)
    return model


@mutant("freeze_network", blamed="whatever_is_called")
def eval_once(model):
    return without_gradients(model).eval()


@mutant("freeze_network", blamed="no_parameter_moves")
def eval_for_ever_but_trained(model):
    return kept_in_eval(model)


@mutant("freeze_network", blamed="no_parameter_moves")
def gradients_set_to_zero(model):
    for parameter in model.parameters():
        parameter.register_hook(torch.zeros_like)
    return kept_in_eval(model)


@alternative("freeze_network")
def the_leaves(model):
    def stay(module, mode=True):
        return module

    for part in without_gradients(model).eval().modules():
        if not list(part.children()):
            part.train = MethodType(stay, part)
    return model


@mutant("freeze_network", blamed="no_parameter_moves")
def only_gamma_and_beta(model):
    for norm in norms(model):
        without_gradients(norm)
    return kept_in_eval(model)


@mutant("freeze_network", blamed="layers_in_front_learn")
def no_gradient_passes(model):
    model.forward = torch.no_grad()(model.forward)
    return kept_in_eval(without_gradients(model))


@mutant("freeze_network", blamed="layers_in_front_learn")
def detached_at_the_end(model):
    class Detached(nn.Sequential):
        def forward(self, x):
            return super().forward(x).detach()

    return kept_in_eval(without_gradients(Detached(*model)))


@alternative("freeze_network")
def a_function_for_every_module(model):
    def frozen(module):
        return lambda mode=True: module

    for part in model.eval().modules():
        part.train = frozen(part)
    return model.requires_grad_(False)


@alternative("freeze_network")
def never_in_training_mode(model):
    """`training` of every module is False, whatever is written to it."""

    def always_off(kind):
        return type(f"Frozen{kind.__name__}", (kind,), {"training": property(off, ignore)})

    def off(module):
        return False

    def ignore(module, mode):
        pass

    for part in model.requires_grad_(False).modules():
        part.__dict__.pop("training", None)
        part.__class__ = always_off(type(part))
    return model


@alternative("freeze_network")
def hooks_on_those_that_matter(model):
    for part in without_gradients(model).modules():
        if isinstance(part, (nn.modules.batchnorm._BatchNorm, nn.Dropout)):
            part.register_forward_pre_hook(lambda part, inputs: part.eval() and None)
    return model


@mutant("freeze_network", blamed="after_some_batches", says="loop see its last variable")
def the_last_module_of_the_loop(model):
    """All the lambdas of a loop return the loop's last module."""
    for part in without_gradients(model).eval().modules():
        part.train = lambda mode=True: part  # noqa: B023
    return model


@mutant("freeze_network", blamed="copies")
def hooks_that_know_the_original(model):
    parts = list(without_gradients(model).modules())

    def hook(module, inputs):
        for part in parts:
            part.training = False

    for part in parts:
        part.register_forward_pre_hook(hook)
    return model


@mutant("freeze_network", blamed="any_network")
def children_alone(model):
    def stay(module, mode=True):
        return module

    without_gradients(model).eval()
    for part in [model, *model.children()]:
        part.train = MethodType(stay, part)
    return model


@mutant("freeze_network", blamed="any_network")
def iterates_over_the_model(model):
    def stay(module, mode=True):
        return module

    model.requires_grad_(False).eval()
    for part in model:
        part.train = MethodType(stay, part)
    return model


@mutant("freeze_network", blamed="any_network")
def only_inside_of_something(model):
    if not list(model.children()):
        return without_gradients(model).eval()
    return kept_in_eval(without_gradients(model))


@mutant("freeze_network", blamed="the_same_in_training")
def dropout_goes_on(model):
    for norm in norms(without_gradients(model)):
        kept_in_eval(norm)
        norm.track_running_stats = True
    return model


@mutant("freeze_network", blamed="after_some_batches")
def returns_nothing_of_it(model):
    return kept_in_eval(without_gradients(model)).state_dict()


@mutant("freeze_network", blamed="no_parameter_moves")
def weights_alone_are_frozen(model):
    for name, parameter in model.named_parameters():
        parameter.requires_grad_(not name.endswith("weight"))
    return kept_in_eval(model)


@mutant("freeze_network", blamed="layers_in_front_learn")
def under_no_grad(model):
    class Quiet(nn.Module):
        def __init__(self):
            super().__init__()
            self.inside = kept_in_eval(without_gradients(model))

        @torch.no_grad()
        def forward(self, x):
            return self.inside(x)

    return Quiet()


@mutant("freeze_network", blamed="whatever_is_called")
def training_is_set_once(model):
    for part in without_gradients(model).modules():
        part.training = False
    return model


equivalent(
    "freeze_network",
    "def stay(module, mode=True): -> … mode=False):",
    because="it never looks at the mode",
)
