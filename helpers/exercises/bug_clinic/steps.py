"""What is left of a training step that is skipped."""

import copy

import numpy as np
import torch
from torch import nn

from helpers.exercises.bug_clinic._drawn import drawn, tensor
from helpers.exercises.engine import exercise, prediction

_rng = np.random.default_rng(183)
IN, HIDDEN, OUT = 5, 8, 4

prediction(
    "bug-clinic-broken-image",
    right="c",
    a="the scaler skips what the optimizer would have done. The forward pass is over by then, and "
    "in training mode it has changed something.",
    b="so it would be with a number, however large: a tenth of it less with every batch. But NaN "
    "times 0.9 is NaN.",
    c="the running statistics have taken in the NaN before the scaler saw it, and there is no way "
    "back from there. In training mode nobody reads them, so the loss looks healthy.",
    believed={"a": "claim: skipped-step-leaves-no-trace", "b": "claim: last-ten-batches"},
)

BATCH = tensor(_rng, 12, IN, scale=2.0, shift=1.0).float()
LABELS = torch.arange(12) % OUT


# What happens inside a call, for the checks: the judge copies objects, not the module's lists.
SCALES, TRAINED, LOADED = [], [], []


class _Scaler(torch.amp.GradScaler):
    """Notes its scales, and which parameters its optimizer trains."""

    def step(self, optimizer):
        TRAINED[:] = optimizer.param_groups[0]["params"]
        super().step(optimizer)

    def update(self, new_scale=None):
        super().update(new_scale)
        SCALES.append(self.get_scale())


class _Model(nn.Sequential):
    """Has old gradients, and notes if it is asked to load tensors of its own.

    A deep copy of a parameter has no gradient, so the copy that the judge makes gets new ones.
    """

    def __deepcopy__(self, memo):
        twin = memo[id(self)] = _Model(*copy.deepcopy(list(self), memo))
        for parameter in twin.parameters():
            parameter.grad = torch.ones_like(parameter)
        return twin

    def load_state_dict(self, state_dict, *args, **kwargs):
        own = {value.data_ptr() for value in self.state_dict().values()}
        LOADED.append(any(value.data_ptr() in own for value in state_dict.values()))
        return super().load_state_dict(state_dict, *args, **kwargs)


def _half_precision(init_scale, growth_interval=2000):
    """A small network in float32, its optimizer and its scaler."""
    layers = nn.Linear(IN, HIDDEN), nn.BatchNorm1d(HIDDEN), nn.ReLU(), nn.Linear(HIDDEN, OUT)
    model = drawn(_Model(*layers), np.random.default_rng(8)).float()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    TRAINED.clear(), LOADED.clear()
    return model, optimizer, _Scaler("cpu", init_scale=init_scale, growth_interval=growth_interval)


@exercise(
    "The optimizer is not all that changes a network in a step: what does the line with "
    "model(x) do?",
    "In the forward pass batch norm moves its running statistics. When the scaler finds out that "
    "the step is no good, that has happened already, with whatever was in the batch.",
    "Copy all buffers before the step; if the scaler skipped it, copy them back. It has skipped "
    "if update() lowered the scale: compare scaler.get_scale() before and after.",
    may_change=("model", "optimizer", "scaler"),
)
def guarded_step(model, optimizer, scaler, x, y):
    before = {name: value.clone() for name, value in model.named_buffers()}
    optimizer.zero_grad()
    with torch.autocast(x.device.type, dtype=torch.float16):
        loss = nn.functional.cross_entropy(model(x), y)
    scaler.scale(loss).backward()
    scaler.step(optimizer)
    scale = scaler.get_scale()
    scaler.update()
    if scaler.get_scale() < scale:
        for name, value in model.named_buffers():
            value.copy_(before[name])
    return model


@guarded_step.starts_as
def _keeps_what_forward_did(model, optimizer, scaler, x, y):
    optimizer.zero_grad()
    with torch.autocast(x.device.type, dtype=torch.float16):
        loss = nn.functional.cross_entropy(model(x), y)
    scaler.scale(loss).backward()
    scaler.step(optimizer)
    scaler.update()
    return model


def _compare(result, expected, says):
    if not isinstance(result, nn.Module):
        raise AssertionError(f"the result is a {type(result).__name__}, expected the model")
    if TRAINED and next(result.parameters()) is not TRAINED[0]:
        raise AssertionError("the model that you return is not the one that the optimizer trains")
    if not result.training:
        raise AssertionError(f"{says}, the model is in eval mode")
    for name, value in expected.items():
        got = result.state_dict()[name]
        if not torch.allclose(got.double(), value.double(), rtol=1e-4, atol=1e-5):
            off = (got.double() - value.double()).abs().nan_to_num(torch.inf).argmax().item()
            if any(LOADED):
                raise AssertionError(
                    f"{says}, {name} is not what it was: state_dict() hands out the model's own "
                    "tensors, not copies of them, so what was saved has changed along with the "
                    "model"
                )
            got, value = got.flatten()[off].item(), value.flatten()[off].item()
            digits = 2 if f"{got:.2f}" != f"{value:.2f}" else 6
            raise AssertionError(
                f"{says}: {name} has an entry {got:.{digits}f}, expected {value:.{digits}f}"
            )


@guarded_step.expect
def a_good_batch():
    """After a batch without trouble, weights and running statistics must move as usual."""
    for interval, when in ((2000, ""), (1, " with which the scaler doubles the scale")):
        model, optimizer, scaler = _half_precision(2.0**8, interval)
        usual = _keeps_what_forward_did(*copy.deepcopy((model, optimizer, scaler)), BATCH, LABELS)
        TRAINED.clear()
        result = yield (model, optimizer, scaler, BATCH, LABELS), {}
        _compare(result, usual.state_dict(), f"after a good batch{when}")


@guarded_step.expect
def too_large_for_half_precision():
    """After a batch that is too large for float16, the model must be as it was before."""
    model, optimizer, scaler = _half_precision(2.0**8)
    huge = BATCH.clone()
    huge[3] *= 1e5
    result = yield (model, optimizer, scaler, huge, LABELS), {}
    _compare(result, model.state_dict(), "after a skipped step")


@guarded_step.expect
def gradients_too_large():
    """If only the gradients are too large, it is skipped, too: the model must be as before."""
    model, optimizer, scaler = _half_precision(2.0**30)
    far = BATCH * 50  # far off, but finite
    result = yield (model, optimizer, scaler, far, LABELS), {}
    _compare(result, model.state_dict(), "after a skipped step")


@guarded_step.expect
def scale_goes_down():
    """After a skipped step the scale must be halved: otherwise it would skip for ever."""
    model, optimizer, scaler = _half_precision(2.0**8)
    SCALES.clear()
    yield (model, optimizer, scaler, BATCH * 1e5, LABELS), {}
    if SCALES[-1:] != [2.0**7]:
        got = f"{SCALES[-1]:g}" if SCALES else "still 256"
        raise AssertionError(f"after a skipped step at the scale 256, the scale is {got}, not 128")
