"""Folding is exact to rounding, changes nothing else, and refuses what it cannot do."""

import copy

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn
from torch.nn.utils import fusion

from helpers.torch_nn import batchnorm, models
from helpers.torch_nn.distributed import SyncBatchNorm
from helpers.torch_nn.folding import fold, fold_into, is_batch_norm


def trained(bn, seed=0, gamma=None):
    """Give a batch norm statistics, gamma and beta that are all different; eval mode, float64."""
    generator = torch.Generator().manual_seed(seed)
    bn = bn.double().eval()
    channels = len(bn.running_mean)
    bn.running_mean.copy_(3 * torch.randn(channels, generator=generator, dtype=torch.float64))
    bn.running_var.copy_(0.1 + 4 * torch.rand(channels, generator=generator, dtype=torch.float64))
    if bn.weight is not None:
        weight = torch.randn(channels, generator=generator, dtype=torch.float64)
        weight[0] = 0.0 if gamma is None else gamma
        bn.weight.data.copy_(weight)
        bn.bias.data.copy_(torch.randn(channels, generator=generator, dtype=torch.float64))
    return bn


def assert_close(actual, expected, tol=1e-12):
    scale = max(1.0, expected.abs().max().item())
    assert (actual - expected).abs().max().item() <= tol * scale


@st.composite
def convolutions(draw):
    """A Conv2d in float64, a batch norm for its outputs and an input."""
    groups = draw(st.integers(1, 3))
    c_in, c_out = groups * draw(st.integers(1, 3)), groups * draw(st.integers(1, 3))
    conv = nn.Conv2d(
        c_in,
        c_out,
        draw(st.sampled_from([1, 2, 3, (3, 2)])),
        stride=draw(st.integers(1, 2)),
        padding=draw(st.integers(0, 2)),
        dilation=draw(st.integers(1, 2)),
        groups=groups,
        bias=draw(st.booleans()),
        padding_mode=draw(st.sampled_from(["zeros", "reflect", "circular", "replicate"])),
    ).double()
    eps = draw(st.sampled_from([1e-5, 1e-3, 0.5]))
    gamma = draw(st.sampled_from([0.0, -2.0, 1.5]))
    bn = nn.BatchNorm2d(c_out, eps=eps, affine=draw(st.booleans()))
    x = torch.randn(draw(st.integers(1, 3)), c_in, draw(st.integers(5, 8)), 7, dtype=torch.float64)
    return conv, trained(bn, draw(st.integers(0, 99)), gamma), x


@given(convolutions())
@settings(deadline=None)
def test_a_convolution_takes_in_the_batch_norm_behind_it(case):
    conv, bn, x = case
    with torch.no_grad():
        expected = bn(conv(x))
        assert_close(fold_into(conv, bn)(x), expected)
        assert_close(fold(nn.Sequential(conv, bn).eval())(x), expected)


@given(
    st.integers(1, 5), st.integers(1, 5), st.booleans(), st.booleans(), st.sampled_from([1e-5, 0.5])
)
@settings(deadline=None)
def test_a_linear_layer_takes_in_the_batch_norm_behind_it(inputs, outputs, bias, affine, eps):
    linear = nn.Linear(inputs, outputs, bias=bias).double()
    bn = trained(nn.BatchNorm1d(outputs, eps=eps, affine=affine))
    x = torch.randn(4, inputs, dtype=torch.float64)
    assert_close(fold_into(linear, bn)(x), bn(linear(x)))


@pytest.mark.parametrize(
    ("conv", "bn", "shape"),
    [(nn.Conv1d, nn.BatchNorm1d, (2, 3, 8)), (nn.Conv3d, nn.BatchNorm3d, (2, 3, 5, 5, 5))],
)
def test_other_dimensions(conv, bn, shape):
    conv, bn, x = conv(3, 4, 3).double(), trained(bn(4)), torch.randn(shape, dtype=torch.float64)
    assert_close(fold_into(conv, bn)(x), bn(conv(x)))


def test_it_agrees_with_pytorch():
    conv, linear = nn.Conv2d(3, 4, 3).double().eval(), nn.Linear(3, 4).double().eval()
    bn = trained(nn.BatchNorm2d(4))
    theirs, ours = fusion.fuse_conv_bn_eval(conv, bn), fold_into(conv, bn)
    assert_close(ours.weight, theirs.weight)
    assert_close(ours.bias, theirs.bias)
    bn = trained(nn.BatchNorm1d(4))
    theirs, ours = fusion.fuse_linear_bn_eval(linear, bn), fold_into(linear, bn)
    assert_close(ours.weight, theirs.weight)
    assert_close(ours.bias, theirs.bias)


def test_in_single_precision_the_weights_are_rounded_once():
    conv, bn = nn.Conv2d(3, 8, 3), trained(nn.BatchNorm2d(8), gamma=-3.0)
    exact = fold_into(copy.deepcopy(conv).double(), bn)
    rounded = fold_into(conv, bn)
    assert rounded.weight.dtype == rounded.bias.dtype == torch.float32
    assert torch.equal(rounded.weight, exact.weight.float())
    assert torch.equal(rounded.bias, exact.bias.float())


def test_layer_and_batch_norm_stay_as_they_are():
    conv, bn = nn.Conv2d(3, 4, 3, bias=False).double(), trained(nn.BatchNorm2d(4))
    before = copy.deepcopy([conv.state_dict(), bn.state_dict()])
    folded = fold_into(conv, bn)
    folded.weight.data.add_(1.0)
    for state, kept in zip([conv.state_dict(), bn.state_dict()], before, strict=True):
        assert state.keys() == kept.keys()
        assert all(torch.equal(state[key], kept[key]) for key in kept)
    assert conv.bias is None


def test_frozen_weights_stay_frozen_and_others_trainable():
    conv, bn = nn.Conv2d(3, 4, 3).double(), trained(nn.BatchNorm2d(4))
    assert all(p.requires_grad for p in fold_into(conv, bn).parameters())
    conv.requires_grad_(False)
    assert not any(p.requires_grad for p in fold_into(conv, bn).parameters())


class Residual(nn.Module):
    def __init__(self, channels):
        super().__init__()
        self.branch = nn.Sequential(
            nn.Conv2d(channels, channels, 3, padding=1, bias=False),
            trained(nn.BatchNorm2d(channels), seed=1),
            nn.ReLU(),
            nn.Conv2d(channels, channels, 3, padding=1),
            trained(nn.BatchNorm2d(channels), seed=2),
        )

    def forward(self, x):
        return torch.relu(x + self.branch(x))


def network():
    return (
        nn.Sequential(
            nn.Conv2d(3, 4, 3),
            trained(nn.BatchNorm2d(4)),
            nn.ReLU(),
            Residual(4),
            nn.Sequential(Residual(4), nn.AdaptiveAvgPool2d(1), nn.Flatten()),
            nn.Linear(4, 5),
            trained(nn.BatchNorm1d(5)),
        )
        .double()
        .eval()
    )


def batch_norms(model):
    return [m for m in model.modules() if isinstance(m, nn.modules.batchnorm._BatchNorm)]


def test_a_whole_network():
    model, x = network(), torch.randn(2, 3, 9, 9, dtype=torch.float64)
    folded = fold(model)
    assert len(batch_norms(model)) == 6
    assert batch_norms(folded) == []
    assert_close(folded(x), model(x))


NETWORKS = {
    "mlp": lambda norm: models.mlp((12, 6, 5, 3), np.random.default_rng(0), norm=norm),
    "vgg": lambda norm: models.vgg(
        np.random.default_rng(0), channels=(4, "pool", 6), norm=norm, image_size=8
    ),
    "resnet": lambda norm: models.resnet(
        np.random.default_rng(0), width=4, blocks=(1, 1), norm=norm
    ),
}


@pytest.mark.parametrize("norm", ["batch", "ours"])
@pytest.mark.parametrize("name", NETWORKS)
def test_the_networks_of_the_course_fold_completely(name, norm):
    model = NETWORKS[name](norm)
    found = [module for module in model.modules() if is_batch_norm(module)]
    assert found
    for seed, module in enumerate(found):
        trained(module, seed, gamma=1.0)
    model.double().eval()
    x = torch.randn(2, 12, dtype=torch.float64)
    if name != "mlp":
        x = torch.randn(2, 3, 8, 8, dtype=torch.float64)
    folded = fold(model)
    assert not any(is_batch_norm(module) for module in folded.modules())
    assert_close(folded(x), model(x))


def test_folding_a_network_leaves_the_original_alone():
    model = network()
    before = copy.deepcopy(model.state_dict())
    for parameter in fold(model).parameters():
        parameter.data.zero_()
    assert model.state_dict().keys() == before.keys()
    assert all(torch.equal(model.state_dict()[key], before[key]) for key in before)


@pytest.mark.parametrize(
    "layers",
    [
        lambda bn: [nn.Conv2d(3, 3, 3), nn.ReLU(), bn],
        lambda bn: [bn, nn.Conv2d(3, 3, 3, padding=1)],
        lambda bn: [nn.Conv2d(3, 3, 3), nn.Dropout(0.0), bn],
        lambda bn: [nn.ConvTranspose2d(3, 3, 3), bn],
    ],
    ids=["ReLU between", "in front", "dropout between", "transposed"],
)
def test_a_batch_norm_that_follows_no_layer_directly_stays(layers):
    model = nn.Sequential(*layers(trained(nn.BatchNorm2d(3)))).double().eval()
    x = torch.randn(2, 3, 6, 6, dtype=torch.float64)
    folded = fold(model)
    assert len(batch_norms(folded)) == 1
    assert torch.equal(folded(x), model(x))


def test_a_sequence_that_calls_its_layers_in_its_own_way_stays():
    class TwiceNormalized(nn.Sequential):
        def forward(self, x):
            conv, bn = self
            return bn(bn(conv(x)))

    model = TwiceNormalized(nn.Conv2d(3, 3, 3), trained(nn.BatchNorm2d(3))).double().eval()
    x = torch.randn(2, 3, 6, 6, dtype=torch.float64)
    assert torch.equal(fold(model)(x), model(x))


def test_two_batch_norms_in_a_row_go_into_one_layer():
    linear, bn = nn.Linear(3, 3).double(), trained(nn.BatchNorm1d(3), gamma=-1.0)
    model = nn.Sequential(nn.Sequential(linear), bn, trained(nn.BatchNorm1d(3), seed=7)).eval()
    x = torch.randn(5, 3, dtype=torch.float64)
    folded = fold(model)
    assert batch_norms(folded) == []
    assert_close(folded(x), model(x))


# --- what is left alone, and what is refused ----------------------------------------------------


class NormAct(nn.BatchNorm2d):
    def forward(self, x):
        return torch.relu(super().forward(x))


class Standardized(nn.Conv2d):
    def forward(self, x):
        weight = self.weight - self.weight.mean((1, 2, 3), keepdim=True)
        return nn.functional.conv2d(x, weight, self.bias)


def conv(kind=nn.Conv2d):
    return kind(3, 3, 1).double()


def norm(kind=nn.BatchNorm2d, seed=0):
    return trained(kind(3), seed, gamma=-1.0)


def with_own_forward(module):
    forward = module.forward
    module.forward = lambda x: forward(x) + 1
    return module


def hooked(module, register, hook):
    getattr(module, register)(hook)
    return module


def double_output(module, inputs, output):
    return 2 * output


def double_input(module, inputs):
    return (2 * inputs[0],)


SHARED_NORM, SHARED_CONV = norm(), conv()
CHANGED = {
    "norm with an activation": (conv(), norm(NormAct)),
    "convolution with its own forward": (conv(Standardized), norm()),
    "hook on the norm": (conv(), hooked(norm(), "register_forward_hook", double_output)),
    "hook on the layer": (hooked(conv(), "register_forward_hook", double_output), norm()),
    "hook in front of the norm": (
        conv(),
        hooked(norm(), "register_forward_pre_hook", double_input),
    ),
    "hook in front of the layer": (
        hooked(conv(), "register_forward_pre_hook", double_input),
        norm(),
    ),
    "hook for gradients": (
        hooked(conv(), "register_full_backward_hook", lambda module, dx, dy: None),
        norm(),
    ),
    "hook for states": (
        conv(),
        hooked(norm(), "register_state_dict_post_hook", lambda *args: None),
    ),
    "forward replaced on the layer": (with_own_forward(conv()), norm()),
    "forward replaced on the norm": (conv(), with_own_forward(norm())),
    "weight norm": (nn.utils.parametrizations.weight_norm(conv()), norm()),
    "parametrized norm": (
        conv(),
        nn.utils.parametrize.register_parametrization(norm(), "weight", nn.Tanh()),
    ),
    "transposed": (conv(nn.ConvTranspose2d), norm()),
    "a norm at two places": (conv(), SHARED_NORM, nn.ReLU(), conv(), SHARED_NORM),
    "a layer at two places": (SHARED_CONV, norm(), nn.ReLU(), SHARED_CONV, norm(seed=1)),
    "two types": (conv(), norm(batchnorm.BatchNorm2d).float()),
}


@pytest.mark.parametrize("name", CHANGED)
def test_a_layer_or_norm_that_does_something_else_is_left_alone(name):
    model = nn.Sequential(*CHANGED[name]).eval()
    x = torch.randn(2, 3, 4, 4, dtype=torch.float64)
    folded = fold(model, example=x)
    assert sum(map(is_batch_norm, folded.modules())) == sum(map(is_batch_norm, model.modules()))
    assert torch.equal(folded(x), model(x))


@pytest.mark.parametrize("name", ["norm with an activation", "convolution with its own forward"])
def test_subclasses_are_refused_by_name(name):
    kind = "NormAct" if "norm" in name else "Standardized"
    with pytest.raises(TypeError, match=f"cannot fold a {kind}, which may compute something"):
        fold_into(*CHANGED[name])


@pytest.mark.parametrize("name", [name for name in CHANGED if name.startswith(("hook", "forward"))])
def test_what_was_added_to_a_layer_or_norm_is_refused(name):
    with pytest.raises(ValueError, match=r"cannot fold a \w+2d that has (hooks|a forward of its)"):
        fold_into(*CHANGED[name])


def test_with_hooks_on_all_modules_nothing_is_folded():
    model, x = nn.Sequential(conv(), norm()).eval(), torch.randn(2, 3, 4, 4, dtype=torch.float64)
    handle = nn.modules.module.register_module_forward_hook(double_output)
    try:
        assert torch.equal(fold(model)(x), model(x))
    finally:
        handle.remove()


class Uses(nn.Module):
    """A net whose layers, in an nn.Sequential that it never calls as a whole, it uses its way."""

    def __init__(self, how):
        super().__init__()
        self.layers = nn.Sequential(conv(), norm(), conv(), norm(seed=1))
        self.first = [self.layers[0]]
        self.how = how

    def forward(self, x):
        return self.how(self, self.layers, x)


USES = {  # how many norms stay
    "whole": (lambda net, layers, x: layers(x), 0),
    "one by one": (lambda net, layers, x: layers[3](layers[2](layers[1](layers[0](x)))), 0),
    "in slices": (lambda net, layers, x: layers[2:](layers[:2](x)), 0),
    "through a list": (lambda net, layers, x: layers[1:](net.first[0](x)), 0),
    "a slice that leaves a norm out": (lambda net, layers, x: layers[2:](layers[:1](x)), 1),
    "in another order": (lambda net, layers, x: layers[3](layers[1](layers[2](layers[0](x)))), 0),
    "two uses of a layer": (lambda net, layers, x: layers[1](y := layers[0](x)) + y, 2),
    "a ReLU in between": (lambda net, layers, x: layers[2](layers[1](layers[0](x).relu())), 2),
    "weight read": (lambda net, layers, x: layers[:2](x) * layers[0].weight.mean(), 2),
    "changed in between": (lambda net, layers, x: layers[1](layers[0](x).mul_(2)), 2),
    "changed in place": (lambda net, layers, x: (y := layers[0](x), y.mul_(2), layers[1](y))[2], 2),
    "called twice": (lambda net, layers, x: layers[:2](layers[:2](x)), 2),
}


@pytest.mark.parametrize("name", USES)
def test_only_what_a_forward_really_does_is_folded(name):
    how, stay = USES[name]
    model, x = Uses(how).eval(), torch.randn(2, 3, 4, 4, dtype=torch.float64)
    folded = fold(model)
    assert_close(folded(x), model(x))
    assert len(batch_norms(folded)) == stay
    assert_close(fold(model, example=x)(x), model(x))


UNSEEN = {
    "values": lambda self, x: self.net(x) if x.sum() > 1e9 else self.net[1:](x),
    "types": lambda self, x: self.net[:1](x) if isinstance(x, torch.Tensor) else self.net(*x),
    "optional": lambda self, x, early=True: self.net[:1](x) if early else self.net(x),
}


@pytest.mark.parametrize("name", UNSEEN)
def test_what_cannot_be_seen_is_refused_or_compared_on_an_example(name):
    model = nn.Sequential(conv(), norm()).eval()
    kind = type("Hidden", (nn.Module,), {"forward": UNSEEN[name]})
    hidden = kind().eval()
    hidden.net = model
    x = torch.randn(2, 3, 4, 4, dtype=torch.float64)
    with pytest.raises(
        ValueError, match=r"cannot see how Hidden uses its layers .*: give an input"
    ):
        fold(hidden)
    with pytest.raises(ValueError, match=r"folded, Hidden differs by .* leave it as it is"):
        fold(hidden, example=x)
    other = {"values": (1e12 * x.abs(),), "types": ((x,),), "optional": (x, False)}[name]
    folded = fold(hidden, example=other)
    assert batch_norms(folded) == []
    assert_close(folded(*other), hidden(*other))


def test_the_comparison_changes_neither_model_nor_random_numbers():
    model = nn.Sequential(conv(), norm(), nn.Dropout(0.5), nn.BatchNorm2d(3).double())
    model[1].eval()
    x = torch.randn(2, 3, 4, 4, dtype=torch.float64)
    random, state = torch.get_rng_state(), copy.deepcopy(model.state_dict())
    assert len(batch_norms(fold(model, example=x))) == 1
    assert all(torch.equal(state[key], value) for key, value in model.state_dict().items())
    assert torch.equal(torch.get_rng_state(), random)


def test_sequences_behind_a_linear_layer_are_refused_where_channels_are_on_another_axis():
    model = nn.Sequential(nn.Linear(3, 3).double(), norm(nn.BatchNorm1d)).eval()
    sequences = torch.randn(2, 3, 3, dtype=torch.float64)  # batch norm looks at axis 1
    folded = fold(model)
    with pytest.raises(
        ValueError, match=r"outputs with 2 axes, but these have the shape \(2, 3, 3"
    ):
        folded(sequences)
    with pytest.raises(ValueError, match="outputs with 2 axes"):
        fold(model, example=sequences)
    assert_close(folded(sequences[0]), model(sequences[0]))


def test_an_image_without_a_batch_is_refused_as_before():
    model = nn.Sequential(nn.Conv1d(3, 3, 1).double(), norm(nn.BatchNorm1d)).eval()
    unbatched = torch.randn(3, 3, dtype=torch.float64)  # batch norm takes the axes for N and C
    with pytest.raises(ValueError, match="outputs with 3 axes"):
        fold(model)(unbatched)


def test_norms_of_other_dimensions_are_not_for_this_layer():
    with pytest.raises(TypeError, match="a BatchNorm1d does not fit behind a Conv2d"):
        fold_into(conv(), norm(nn.BatchNorm1d))


@pytest.mark.parametrize("kind", [nn.InstanceNorm2d, nn.GroupNorm])
def test_models_without_a_pair_are_copied(kind):
    layer = kind(1, 3) if kind is nn.GroupNorm else kind(3)
    folded = fold(nn.Sequential(nn.Conv2d(3, 3, 1), layer).eval())
    assert type(folded[1]) is kind


@pytest.mark.parametrize("kind", [nn.SyncBatchNorm, SyncBatchNorm])
def test_synchronized_norms_fold_too(kind):
    model = nn.Sequential(conv(), norm(kind)).eval()
    x = torch.randn(2, 3, 4, 4, dtype=torch.float64)
    folded = fold(model)
    assert not is_batch_norm(folded[1])
    assert_close(folded(x), model(x))


def test_instance_norm_is_no_batch_norm():
    model = nn.Sequential(nn.Conv2d(3, 4, 3), nn.InstanceNorm2d(4)).eval()
    x = torch.randn(2, 3, 6, 6)
    assert torch.equal(fold(model)(x), model(x))


def test_training_mode_is_refused():
    model = network()
    model[1].train()
    with pytest.raises(ValueError, match=r"model\.eval\(\)"):
        fold(model)
    with pytest.raises(ValueError, match="training mode"):
        fold_into(model[0], model[1])


def test_a_batch_norm_without_running_statistics_is_refused():
    bn = nn.BatchNorm2d(4, track_running_stats=False).eval()
    with pytest.raises(ValueError, match="track_running_stats"):
        fold_into(nn.Conv2d(3, 4, 3), bn)
    with pytest.raises(ValueError, match="track_running_stats"):
        fold(nn.Sequential(nn.Conv2d(3, 4, 3), bn))


def test_other_layers_other_channels_and_computed_weights_are_refused():
    bn = trained(nn.BatchNorm2d(4))
    with pytest.raises(TypeError, match="ConvTranspose2d"):
        fold_into(nn.ConvTranspose2d(3, 4, 3), bn)
    with pytest.raises(ValueError, match="5 output channels, the batch norm 4"):
        fold_into(nn.Conv2d(3, 5, 3), bn)
    with pytest.raises(ValueError, match="remove_parametrizations"):
        fold_into(nn.utils.parametrizations.weight_norm(nn.Conv2d(3, 4, 3)), bn)
