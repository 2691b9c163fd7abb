"""Folding is exact to rounding, changes nothing else, and refuses what it cannot do."""

import copy

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn
from torch.nn.utils import fusion

from helpers.torch_nn import models
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
        lambda bn: [nn.Sequential(nn.Conv2d(3, 3, 3)), bn],
    ],
    ids=["ReLU between", "in front", "dropout between", "transposed", "other Sequential"],
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


def test_two_batch_norms_and_shared_layers():
    linear, bn = nn.Linear(3, 3).double(), trained(nn.BatchNorm1d(3), gamma=-1.0)
    other = trained(nn.BatchNorm1d(3), seed=7)
    model = nn.Sequential(linear, bn, other, nn.ReLU(), linear, bn, nn.ReLU(), linear).eval()
    x = torch.randn(5, 3, dtype=torch.float64)
    folded = fold(model)
    assert batch_norms(folded) == []
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
