"""Answers to the exercises of the notebook `bug_clinic` about a step of training."""

import copy

import torch
from registry import alternative, mutant
from torch import nn

cross_entropy = nn.functional.cross_entropy

# --- guarded_step ------------------------------------------------------------------------------


def backward(model, optimizer, scaler, x, y):
    """Forward and backward pass in half precision; return the loss."""
    optimizer.zero_grad()
    with torch.autocast(x.device.type, dtype=torch.float16):
        loss = cross_entropy(model(x), y)
    scaler.scale(loss).backward()
    return loss


def finite(model):
    return all(p.grad.isfinite().all() for p in model.parameters())


def update(optimizer, scaler):
    """Step and update; return whether the scaler skipped the step."""
    before = scaler.get_scale()
    scaler.step(optimizer)
    scaler.update()
    return scaler.get_scale() < before


def saved(model, part=""):
    return {name: value.clone() for name, value in model.state_dict().items() if part in name}


@alternative("guarded_step")
def whole_state(model, optimizer, scaler, x, y):
    before = copy.deepcopy(model.state_dict())
    backward(model, optimizer, scaler, x, y)
    if update(optimizer, scaler):
        model.load_state_dict(before)
    return model


@alternative("guarded_step")
def looks_at_the_gradients(model, optimizer, scaler, x, y):
    before = [buffer.clone() for buffer in model.buffers()]
    backward(model, optimizer, scaler, x, y)
    scaler.unscale_(optimizer)
    good = finite(model)
    update(optimizer, scaler)
    if not good:
        for buffer, old in zip(model.buffers(), before, strict=True):
            buffer.copy_(old)
    return model


@alternative("guarded_step")
def on_a_twin(model, optimizer, scaler, x, y):
    before = saved(model)
    backward(model, optimizer, scaler, x, y)
    after = saved(model)
    model.load_state_dict(before)
    if not update(optimizer, scaler):
        buffers = {name: after[name] for name, _ in model.named_buffers()}
        model.load_state_dict(buffers, strict=False)
    return model


@mutant("guarded_step", blamed="too_large_for_half_precision")
def nan_to_num(model, optimizer, scaler, x, y):
    backward(model, optimizer, scaler, x, y)
    update(optimizer, scaler)
    for buffer in model.buffers():
        buffer.nan_to_num_()
    return model


@mutant("guarded_step", blamed="too_large_for_half_precision")
def the_mean_only(model, optimizer, scaler, x, y):
    before = saved(model, "running_mean")
    backward(model, optimizer, scaler, x, y)
    if update(optimizer, scaler):
        model.load_state_dict(before, strict=False)
    return model


@mutant("guarded_step", blamed="too_large_for_half_precision")
def all_but_the_counter(model, optimizer, scaler, x, y):
    before = saved(model, "running")
    backward(model, optimizer, scaler, x, y)
    if update(optimizer, scaler):
        model.load_state_dict(before, strict=False)
    return model


@mutant("guarded_step", blamed="too_large_for_half_precision")
def a_state_that_is_no_copy(model, optimizer, scaler, x, y):
    before = model.state_dict()
    backward(model, optimizer, scaler, x, y)
    if update(optimizer, scaler):
        model.load_state_dict(before)
    return model


@mutant("guarded_step", blamed="a_good_batch")
def whenever_the_scale_changes(model, optimizer, scaler, x, y):
    before, scale = saved(model), scaler.get_scale()
    backward(model, optimizer, scaler, x, y)
    update(optimizer, scaler)
    if scaler.get_scale() != scale:
        model.load_state_dict(before)
    return model


@mutant("guarded_step", blamed="too_large_for_half_precision")
def reset(model, optimizer, scaler, x, y):
    backward(model, optimizer, scaler, x, y)
    if update(optimizer, scaler):
        for part in model.modules():
            if isinstance(part, nn.BatchNorm1d):
                part.reset_running_stats()
    return model


@mutant("guarded_step", blamed="too_large_for_half_precision")
def clipped_input(model, optimizer, scaler, x, y):
    backward(model, optimizer, scaler, x.clamp(-1e4, 1e4), y)
    update(optimizer, scaler)
    return model


@mutant("guarded_step", blamed="too_large_for_half_precision")
def a_copy_that_is_none(model, optimizer, scaler, x, y):
    before = dict(model.named_buffers())
    backward(model, optimizer, scaler, x, y)
    if update(optimizer, scaler):
        for name, buffer in model.named_buffers():
            buffer.copy_(before[name])
    return model


@mutant("guarded_step", blamed="too_large_for_half_precision")
def returns_a_twin(model, optimizer, scaler, x, y):
    twin = copy.deepcopy(model)
    backward(model, optimizer, scaler, x, y)
    return twin if update(optimizer, scaler) else model


@mutant("guarded_step", blamed="gradients_too_large")
def only_if_the_loss_is_not_finite(model, optimizer, scaler, x, y):
    before = saved(model)
    loss = backward(model, optimizer, scaler, x, y)
    update(optimizer, scaler)
    if not loss.isfinite():
        model.load_state_dict(before)
    return model


@mutant("guarded_step", blamed="gradients_too_large")
def only_if_there_is_a_nan(model, optimizer, scaler, x, y):
    before = saved(model)
    backward(model, optimizer, scaler, x, y)
    update(optimizer, scaler)
    if not all(buffer.isfinite().all() for buffer in model.buffers()):
        model.load_state_dict(before)
    return model


@mutant("guarded_step", blamed="scale_goes_down")
def skips_the_update_too(model, optimizer, scaler, x, y):
    before = saved(model)
    backward(model, optimizer, scaler, x, y)
    if finite(model):
        update(optimizer, scaler)
    else:
        model.load_state_dict(before)
    return model


@mutant("guarded_step", blamed="a_good_batch")
def always_restored(model, optimizer, scaler, x, y):
    before = [buffer.clone() for buffer in model.buffers()]
    backward(model, optimizer, scaler, x, y)
    update(optimizer, scaler)
    for buffer, old in zip(model.buffers(), before, strict=True):
        buffer.copy_(old)
    return model


@mutant("guarded_step", blamed="a_good_batch")
def in_eval_mode(model, optimizer, scaler, x, y):
    backward(model.eval(), optimizer, scaler, x, y)
    update(optimizer, scaler)
    return model.train()


@mutant("guarded_step", blamed="a_good_batch")
def old_gradients_stay(model, optimizer, scaler, x, y):
    before = saved(model)
    with torch.autocast(x.device.type, dtype=torch.float16):
        loss = cross_entropy(model(x), y)
    scaler.scale(loss).backward()
    if update(optimizer, scaler):
        model.load_state_dict(before)
    return model


@mutant("guarded_step", blamed="a_good_batch")
def left_in_eval_mode(model, optimizer, scaler, x, y):
    return whole_state(model, optimizer, scaler, x, y).eval()


@mutant("guarded_step", blamed="a_good_batch")
def never_a_step(model, optimizer, scaler, x, y):
    backward(model, optimizer, scaler, x, y)
    optimizer.zero_grad()
    return model


@mutant("guarded_step", blamed="a_good_batch")
def restored_the_other_way_round(model, optimizer, scaler, x, y):
    before = saved(model)
    backward(model, optimizer, scaler, x, y)
    if not update(optimizer, scaler):
        model.load_state_dict(before)
    return model


@alternative("guarded_step")
def buffers_merged_into_the_state(model, optimizer, scaler, x, y):
    kept = {name: value.detach().clone() for name, value in model.named_buffers()}
    backward(model, optimizer, scaler, x, y)
    if update(optimizer, scaler):
        model.load_state_dict(model.state_dict() | kept)
    return model


@alternative("guarded_step")
def only_the_buffers_are_copies(model, optimizer, scaler, x, y):
    # A skipped step changes no parameter.
    names = {name for name, _ in model.named_buffers()}
    state = {k: v.clone() if k in names else v for k, v in model.state_dict().items()}
    backward(model, optimizer, scaler, x, y)
    if update(optimizer, scaler):
        model.load_state_dict(state)
    return model


@alternative("guarded_step")
def layer_by_layer(model, optimizer, scaler, x, y):
    before = [copy.deepcopy(dict(part._buffers)) for part in model.modules()]
    backward(model, optimizer, scaler, x, y)
    if update(optimizer, scaler):
        for part, buffers in zip(model.modules(), before, strict=True):
            for name, value in buffers.items():
                setattr(part, name, value)
    return model


@alternative("guarded_step")
def buffers_of_its_own_until_it_is_good(model, optimizer, scaler, x, y):
    buffers = {name: value.clone() for name, value in model.named_buffers()}
    optimizer.zero_grad()
    with torch.autocast(x.device.type, dtype=torch.float16):
        loss = cross_entropy(torch.func.functional_call(model, buffers, (x,)), y)
    scaler.scale(loss).backward()
    if not update(optimizer, scaler):
        model.load_state_dict(buffers, strict=False)
    return model


@mutant("guarded_step", blamed="too_large_for_half_precision", says="not copies of them")
def a_shallow_copy(model, optimizer, scaler, x, y):
    before = copy.copy(model.state_dict())
    backward(model, optimizer, scaler, x, y)
    if update(optimizer, scaler):
        model.load_state_dict(before)
    return model


@mutant("guarded_step", blamed="too_large_for_half_precision")
def kept_too_late(model, optimizer, scaler, x, y):
    optimizer.zero_grad()
    with torch.autocast(x.device.type, dtype=torch.float16):
        loss = cross_entropy(model(x), y)
    before = saved(model)
    scaler.scale(loss).backward()
    if update(optimizer, scaler):
        model.load_state_dict(before)
    return model


@mutant("guarded_step", blamed="too_large_for_half_precision")
def the_variance_only(model, optimizer, scaler, x, y):
    before = saved(model, "running_var")
    backward(model, optimizer, scaler, x, y)
    if update(optimizer, scaler):
        model.load_state_dict(before, strict=False)
    return model


@mutant("guarded_step", blamed="too_large_for_half_precision")
def parameters_alone(model, optimizer, scaler, x, y):
    before = [p.detach().clone() for p in model.parameters()]
    backward(model, optimizer, scaler, x, y)
    if update(optimizer, scaler):
        for p, old in zip(model.parameters(), before, strict=True):
            p.data.copy_(old)
    return model


@mutant("guarded_step", blamed="too_large_for_half_precision")
def asks_for_growth(model, optimizer, scaler, x, y):
    before, scale = saved(model), scaler.get_scale()
    backward(model, optimizer, scaler, x, y)
    update(optimizer, scaler)
    if scaler.get_scale() > 2 * scale:
        model.load_state_dict(before)
    return model


@mutant("guarded_step", blamed="gradients_too_large")
def looks_at_the_input(model, optimizer, scaler, x, y):
    before = saved(model)
    backward(model, optimizer, scaler, x, y)
    update(optimizer, scaler)
    if x.abs().max() > 65504:
        model.load_state_dict(before)
    return model


@mutant("guarded_step", blamed="gradients_too_large")
def looks_at_the_outputs(model, optimizer, scaler, x, y):
    before = saved(model)
    backward(model, optimizer, scaler, x, y)
    update(optimizer, scaler)
    if not model.eval()(x).isfinite().all():
        model.load_state_dict(before)
    return model.train()


@mutant("guarded_step", blamed="scale_goes_down")
def the_old_scale_again(model, optimizer, scaler, x, y):
    before, scale = saved(model), scaler.get_scale()
    backward(model, optimizer, scaler, x, y)
    if update(optimizer, scaler):
        model.load_state_dict(before)
        scaler.update(scale)
    return model


@mutant("guarded_step", blamed="a_good_batch")
def gradients_are_not_unscaled(model, optimizer, scaler, x, y):
    before = saved(model)
    backward(model, optimizer, scaler, x, y)
    good = finite(model)
    scaler.step(optimizer)
    scaler.update()
    if good:
        optimizer.step()
    else:
        model.load_state_dict(before)
    return model


@mutant("guarded_step", blamed="a_good_batch")
def statistics_without_momentum(model, optimizer, scaler, x, y):
    before = saved(model)
    model[1].momentum = None
    backward(model, optimizer, scaler, x, y)
    if update(optimizer, scaler):
        model.load_state_dict(before)
    return model
