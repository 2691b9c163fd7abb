"""The recorded experiment of the notebook `cost` runs, and returns what the notebook shows."""

import json

import pytest
import torch

from helpers.experiments.batch_norm_cost import EXPERIMENT


@pytest.fixture(scope="module")
def results():
    # As the recorder does it: settings and results go through JSON.
    settings = json.loads(json.dumps(EXPERIMENT.smoke_settings))
    found = {s["part"]: EXPERIMENT.run(**s, device="cpu") for s in settings}
    return json.loads(json.dumps(found))


def test_times_are_multiples_of_a_copy(results):
    tensor = results["tensor"]
    assert tensor["bytes"] == 4 * 8 * 6 * 6 * 4
    for direction in ("forward", "both"):
        assert tensor[direction]["copy"] == 1
        assert min(tensor[direction].values()) > 0


def test_steps_are_multiples_of_a_plain_step(results):
    step = results["step"]
    assert step["none"] == 1
    assert step["batch"] > 0
    assert step["group"] > 0
    assert 0 < step["profiled_share"] < 1


def test_folding_is_compared_with_no_batch_norm_at_all(results):
    assert results["folding"].keys() == {"none", "batch", "folded"}


def test_every_size_has_all_parts_and_the_same_questions():
    for settings in EXPERIMENT.sizes.values():
        assert {s["part"] for s in settings} == {"tensor", "step", "folding"}
    options = [{key for s in settings for key in s} for settings in EXPERIMENT.sizes.values()]
    assert options[0] == options[1] == options[2]


def test_types_of_all_settings_exist():
    for settings in EXPERIMENT.sizes.values():
        for setting in settings:
            if setting["part"] == "tensor":
                assert isinstance(getattr(torch, setting["dtype"]), torch.dtype)
