"""`deep_network`: each arm is what its name promises."""

import numpy as np
import pytest

from helpers.numpy_nn.blocks import Residual, Scale
from helpers.numpy_nn.models import DEEP_ARMS, deep_network
from helpers.numpy_nn.modules import BatchNorm, Linear, ReLU, Tanh


def count(model, kind):
    return sum(isinstance(module, kind) for module in model.modules())


@pytest.mark.parametrize("arm", DEEP_ARMS)
def test_an_arm_builds_the_layers_that_its_name_promises(arm):
    model = deep_network(arm, 4, seed=0, width=8)
    skips = arm in ("skips", "skips + batch norm", "SkipInit")
    tanh = "tanh" in arm
    assert count(model, BatchNorm) == (4 if "batch norm" in arm else 0)
    assert count(model, Residual) == (4 if skips else 0)
    assert count(model, Scale) == (4 if arm == "SkipInit" else 0)
    assert count(model, Tanh) == (4 if tanh else 0)
    assert count(model, ReLU) == (0 if tanh else 4 + skips)  # one ReLU behind the last block
    assert count(model, Linear) == 5 + skips  # one in front of the first block
    assert model(np.ones((3, 64))).shape == (3, 10)


def test_skip_init_starts_as_the_identity():
    model = deep_network("SkipInit", 4, seed=0, width=8)
    assert [block.branch[-1].alpha.data for block in model if isinstance(block, Residual)] == [
        0
    ] * 4


@pytest.mark.parametrize("arm", ["tanh", "tanh + batch norm"])
def test_tanh_networks_have_orthogonal_hidden_weights(arm):
    model = deep_network(arm, 4, seed=0, width=8)
    hidden = [p.data for p in model.parameters() if p.data.shape == (8, 8)]
    assert len(hidden) == 3
    for weight in hidden:
        np.testing.assert_allclose(weight @ weight.T, 1.1**2 * np.eye(8), atol=1e-12)


@pytest.mark.parametrize(
    ("without", "norm"), [("plain", "batch norm"), ("skips", "skips + batch norm")]
)
def test_the_same_seed_gives_the_same_weights_with_norm_and_without(without, norm):
    def weights(arm, seed):
        parameters = deep_network(arm, 4, seed, width=8).parameters()
        return np.concatenate([p.data.ravel() for p in parameters if p.name == "weight"])

    np.testing.assert_array_equal(weights(without, 3), weights(norm, 3))
    assert not np.array_equal(weights(norm, 3), weights(norm, 4))


def test_an_unknown_arm_is_refused_with_the_known_ones():
    with pytest.raises(ValueError, match=r"no arm is called 'skip'.*plain.*SkipInit"):
        deep_network("skip", 4, seed=0)
