"""Networks have the layers they promise, and the same weights whatever normalizes."""

import numpy as np
import pytest
import torch
from torch import nn

from helpers.torch_nn import batchnorm
from helpers.torch_nn.models import ResidualBlock, Scale, mlp, resnet, vgg

NORMS = ("batch", "group", "layer", "none", "ours", lambda features: nn.GroupNorm(4, features))
BUILD = {
    "mlp": lambda seed=0, **options: mlp((6, 8, 16, 3), np.random.default_rng(seed), **options),
    "vgg": lambda seed=0, **options: vgg(
        np.random.default_rng(seed), channels=(8, "pool", 16), image_size=8, **options
    ),
    "resnet": lambda seed=0, **options: resnet(
        np.random.default_rng(seed), width=8, blocks=(1, 2), **options
    ),
}


def kinds(model):
    return [type(layer).__name__ for layer in model]


def weights(model):
    """Those of linear layers and convolutions, in order."""
    layers = [m for m in model.modules() if isinstance(m, (nn.Linear, nn.Conv2d))]
    return [layer.weight.detach() for layer in layers]


def count(model):
    return sum(parameter.numel() for parameter in model.parameters())


def images(count=4, channels=3, size=8, seed=0):
    x = np.random.default_rng(seed).standard_normal((count, channels, size, size))
    return torch.tensor(x, dtype=torch.float32)


# --- layers ------------------------------------------------------------------------------------


def test_an_mlp_has_a_norm_in_front_of_every_hidden_activation():
    model = mlp((6, 8, 16, 3), np.random.default_rng(0), activation=nn.Tanh)
    hidden = ["Linear", "BatchNorm1d", "Tanh"]
    assert kinds(model) == ["Flatten", *hidden, *hidden, "Linear"]
    assert [model[2].num_features, model[5].num_features] == [8, 16]
    plain = mlp((6, 8, 16, 3), np.random.default_rng(0), norm="none")
    assert kinds(plain) == ["Flatten", "Linear", "ReLU", "Linear", "ReLU", "Linear"]
    assert model(torch.ones(5, 1, 2, 3)).shape == (5, 3)


def test_a_vgg_has_a_norm_behind_every_convolution():
    model = vgg(np.random.default_rng(0), channels=(4, 8, "pool", 16), image_size=7, classes=5)
    conv = ["Conv2d", "BatchNorm2d", "ReLU"]
    assert kinds(model) == [*conv, *conv, "MaxPool2d", *conv, "Flatten", "Linear"]
    assert model(images(size=7)).shape == (4, 5)
    assert count(model) == 9 * (3 * 4 + 4 * 8 + 8 * 16) + 2 * (4 + 8 + 16) + 16 * 3 * 3 * 5 + 5


def test_a_resnet_has_the_parameters_of_the_paper():
    """He et al. 2016, table 6: 0.27M, 0.46M and 0.85M for 20, 32 and 56 layers."""
    for blocks, millions in ((3, 0.27), (5, 0.46), (9, 0.85)):
        model = resnet(np.random.default_rng(0), blocks=(blocks,) * 3)
        assert round(count(model) / 1e6, 2) == millions
        assert len(weights(model)) == 6 * blocks + 2
    # By hand, for 20 layers: convolutions, gamma and beta, the linear layer.
    convolutions = 9 * (3 * 16 + 6 * 16**2 + 16 * 32 + 5 * 32**2 + 32 * 64 + 5 * 64**2)
    norms = 2 * (7 * 16 + 6 * 32 + 6 * 64)
    assert count(resnet(np.random.default_rng(0))) == convolutions + norms + 64 * 10 + 10


def test_every_stage_of_a_resnet_halves_the_image_and_doubles_the_channels():
    model = resnet(np.random.default_rng(0), width=4, blocks=(1, 2, 1), classes=7)
    x, shapes = images(size=9), []
    for layer in model:
        x = layer(x)
        if isinstance(layer, ResidualBlock):
            shapes.append(tuple(x.shape[1:]))
    assert shapes == [(4, 9, 9), (8, 5, 5), (8, 5, 5), (16, 3, 3)]
    assert x.shape == (4, 7)


def test_a_residual_block_adds_the_shortcut_to_conv_norm_relu_conv_norm():
    torch_rng = torch.Generator().manual_seed(0)
    block = ResidualBlock(4, 8, 2, np.random.default_rng(0), "batch", zero_init=False)
    x = torch.randn((5, 4, 6, 6), generator=torch_rng)
    conv1, norm1, relu, conv2, norm2 = block.branch
    assert kinds(block.branch) == ["Conv2d", "BatchNorm2d", "ReLU", "Conv2d", "BatchNorm2d"]
    y = norm2(conv2(relu(norm1(conv1(x)))))
    shortcut = torch.cat([x[:, :, ::2, ::2], torch.zeros(5, 4, 3, 3)], dim=1)
    torch.testing.assert_close(block(x), torch.relu(shortcut + y))


@pytest.mark.parametrize("name", BUILD)
@pytest.mark.parametrize(
    ("norm", "dense", "convolutional"),
    [
        ("batch", nn.BatchNorm1d, nn.BatchNorm2d),
        ("ours", batchnorm.BatchNorm1d, batchnorm.BatchNorm2d),
        ("group", nn.GroupNorm, nn.GroupNorm),
        ("layer", nn.LayerNorm, nn.GroupNorm),
    ],
)
def test_a_name_says_what_normalizes(name, norm, dense, convolutional):
    model = BUILD[name](norm=norm)
    kind = dense if name == "mlp" else convolutional
    norms = [module for module in model.modules() if isinstance(module, kind)]
    assert len(norms) == len(weights(model)) - 1  # all but the last layer
    if kind is nn.GroupNorm:
        for module in norms:
            groups = module.num_channels // 8 if norm == "group" else 1
            assert module.num_groups == groups


def test_a_layer_norm_of_images_takes_each_image_as_a_whole():
    conv, norm, *_ = resnet(np.random.default_rng(0), norm="layer")
    y = norm(conv(images()))
    torch.testing.assert_close(y.mean(dim=(1, 2, 3)), torch.zeros(4), atol=1e-5, rtol=0)
    torch.testing.assert_close(y.square().mean(dim=(1, 2, 3)), torch.ones(4), atol=1e-3, rtol=0)


@pytest.mark.parametrize("name", BUILD)
def test_a_layer_has_a_bias_where_no_norm_follows(name):
    def biases(norm):
        layers = [m for m in BUILD[name](norm=norm).modules() if hasattr(m, "weight")]
        return [m.bias is not None for m in layers if isinstance(m, (nn.Linear, nn.Conv2d))]

    *hidden, last = biases("batch")
    assert last
    assert not any(hidden)
    assert all(biases("none"))


def test_errors_say_what_was_expected():
    with pytest.raises(ValueError, match=r"norm is 'bach', expected 'batch', .* or a function"):
        mlp((4, 5, 2), np.random.default_rng(0), norm="bach")
    with pytest.raises(ValueError, match="images of 8 pixels are too small for 4 poolings"):
        vgg(np.random.default_rng(0), channels=(4, *["pool"] * 4), image_size=8)


# --- weights -----------------------------------------------------------------------------------


@pytest.mark.parametrize("name", BUILD)
def test_the_weights_depend_on_the_seed_and_not_on_the_norm(name):
    expected = weights(BUILD[name]())
    for seed, norm in enumerate(NORMS):
        torch.manual_seed(seed)  # PyTorch's generator has no say
        actual = weights(BUILD[name](norm=norm))
        assert all(torch.equal(a, b) for a, b in zip(actual, expected, strict=True))
    others = weights(BUILD[name](seed=1))
    assert not any(torch.equal(a, b) for a, b in zip(others, expected, strict=True))


def test_weights_are_those_that_numpy_draws():
    model = vgg(np.random.default_rng(5), channels=(4, 6), image_size=8)
    rng = np.random.default_rng(5)
    for weight, shape in zip(
        weights(model), ((4, 3, 3, 3), (6, 4, 3, 3), (10, 6 * 8 * 8)), strict=True
    ):
        drawn = np.sqrt(2 / np.prod(shape[1:])) * rng.standard_normal(shape)
        np.testing.assert_array_equal(weight.numpy(), drawn.astype(np.float32))


@pytest.mark.parametrize("name", BUILD)
def test_building_leaves_pytorchs_generator_alone_and_biases_at_zero(name):
    before = torch.get_rng_state()
    model = BUILD[name](norm="none")
    assert torch.equal(torch.get_rng_state(), before)
    biases = [p for key, p in model.named_parameters() if key.endswith("bias")]
    assert len(biases) == len(weights(model))
    assert not any(bias.any() for bias in biases)


# --- residual nets start tame ------------------------------------------------------------------


def without_gamma(features):
    return nn.BatchNorm2d(features, affine=False)


@pytest.mark.parametrize("norm", [*NORMS, without_gamma])
def test_every_block_is_its_shortcut_at_first(norm):
    model = resnet(np.random.default_rng(0), width=8, blocks=(3, 3), norm=norm)
    x = torch.relu(images(channels=8))
    for block in model[-9:-3]:
        assert isinstance(block, ResidualBlock)
        y = block(x)
        shortcut = x[:, :, :: block.stride, :: block.stride]
        assert torch.equal(y[:, : x.shape[1]], shortcut)
        assert not y[:, x.shape[1] :].any()
        x = y


@pytest.mark.parametrize("norm", [*NORMS, without_gamma])
def test_a_branch_that_is_zero_at_first_learns(norm):
    block = ResidualBlock(8, 8, 1, np.random.default_rng(0), norm, zero_init=True)
    block(images(channels=8)).square().sum().backward()
    scales = [m for m in block.modules() if isinstance(m, Scale)]
    assert len(scales) == (norm in ("none", without_gamma))
    last = scales[0].alpha if scales else block.branch[-1].weight
    assert last.grad.abs().max() > 0.1


def test_without_zero_init_a_block_is_that_of_the_paper():
    for norm in NORMS:
        model = resnet(np.random.default_rng(0), width=8, norm=norm, zero_init=False)
        assert not [m for m in model.modules() if isinstance(m, Scale)]
        gammas = [
            m.weight for m in model.modules() if m.__class__.__name__.startswith(("Batch", "Group"))
        ]
        assert len(gammas) == (0 if norm == "none" else 19)
        assert all((gamma == 1).all() for gamma in gammas)
