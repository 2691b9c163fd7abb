"""Models have the layers they promise, and the same weights with and without norm."""

import numpy as np
import pytest

from helpers.numpy_nn.blocks import Residual
from helpers.numpy_nn.models import cnn, mlp, residual_mlp
from helpers.numpy_nn.modules import BatchNorm, Conv2d, GroupNorm, Linear, Sigmoid


def kinds(model):
    return [type(layer).__name__ for layer in model]


def test_the_layers_of_a_cnn_stand_in_order():
    rng = np.random.default_rng(0)
    assert kinds(cnn((1, 8), rng)) == ["Conv2d", "ReLU", "Flatten", "Linear"]
    before = cnn((1, 8, 16), rng, norm=True, activation=Sigmoid)
    block = ["Conv2d", "BatchNorm", "Sigmoid"]
    assert kinds(before) == [*block, *block, "Flatten", "Linear"]
    after = cnn((1, 8), rng, norm=True, norm_position="after")
    assert kinds(after) == ["Conv2d", "ReLU", "BatchNorm", "Flatten", "Linear"]


def test_a_cnn_takes_images_of_its_size_and_gives_one_logit_per_class():
    rng = np.random.default_rng(0)
    model = cnn((3, 4, 5), rng, image_size=7, classes=6, norm=True)
    assert model(rng.normal(size=(2, 3, 7, 7))).shape == (2, 6)


def test_a_function_says_what_normalizes():
    built = mlp((6, 4, 3), np.random.default_rng(0), norm=lambda features: GroupNorm(2, features))
    assert kinds(built) == ["Flatten", "Linear", "GroupNorm", "ReLU", "Linear"]
    assert built[2].gamma.data.shape == (4,)
    assert kinds(cnn((1, 4), np.random.default_rng(0), norm=BatchNorm))[1] == "BatchNorm"


def test_the_layers_of_a_residual_mlp():
    rng = np.random.default_rng(0)
    model = residual_mlp(6, 4, 3, 2, rng, norm=True, skip_init=0)
    assert kinds(model) == ["Flatten", "Linear", *["Residual"] * 3, "ReLU", "Linear"]
    blocks = [layer for layer in model if isinstance(layer, Residual)]
    assert kinds(blocks[1].branch) == ["BatchNorm", "ReLU", "Linear", "Scale"]
    assert kinds(residual_mlp(6, 4, 1, 2, rng)[2].branch) == ["ReLU", "Linear"]
    assert model(rng.normal(size=(5, 1, 2, 3))).shape == (5, 2)


def test_the_second_moment_of_a_residual_net_grows_by_one_per_block():
    """De & Smith 2020, section 2: x + W relu(BN(x)) adds 1 to E[x^2] at initialization."""
    rng = np.random.default_rng(0)
    model = residual_mlp(512, 512, 20, 2, rng, norm=True)
    x = rng.standard_normal((256, 512))
    moments = [np.square(y).mean() for _, y in model[2:-2].activations(x)]
    np.testing.assert_allclose(moments, np.arange(2, 22), rtol=0.1)


@pytest.mark.parametrize(
    "build", [lambda **kw: cnn((1, 4, 4), **kw), lambda **kw: mlp((9, 5, 3), **kw)]
)
def test_nets_with_and_without_norm_start_from_the_same_weights(build):
    nets = [build(rng=np.random.default_rng(3), norm=norm) for norm in (False, True)]
    plain, normed = (
        [layer.weight.data for layer in net if isinstance(layer, Conv2d | Linear)] for net in nets
    )
    assert len(plain) == len(normed) > 1
    assert all(np.array_equal(a, b) for a, b in zip(plain, normed, strict=True))
    assert not any(isinstance(layer, BatchNorm) for layer in nets[0])


def test_what_cannot_be_built_is_refused():
    rng = np.random.default_rng(0)
    with pytest.raises(ValueError, match="4 convolutions of 3x3 do not fit into images of 8 pixel"):
        cnn((1, 2, 2, 2, 2), rng)
    with pytest.raises(ValueError, match=r'"before" or "after", not .between.'):
        mlp((4, 3, 2), rng, norm=True, norm_position="between")
