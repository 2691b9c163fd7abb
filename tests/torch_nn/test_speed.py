"""The arms of a faster step differ in what their names say."""

import pytest

from helpers.torch_nn import speed


def test_an_arm_has_its_own_change_and_those_before_it():
    plain = speed.options_of("plain loop", 128, 0.1, "cuda")
    assert plain == {"data_on_device": False, "batch_size": 128, "lr": 0.1}
    bfloat16 = speed.options_of("bfloat16", 128, 0.1, "cuda")
    assert bfloat16["amp"]
    assert bfloat16["channels_last"]
    assert bfloat16["data_on_device"]
    assert "compile" not in bfloat16
    last = speed.options_of("batch x8", 128, 0.1, "cuda")
    assert last == bfloat16 | {"compile": "inductor", "batch_size": 1024, "lr": 0.8}


def test_nothing_is_compiled_on_a_cpu():
    for arm in speed.changes_on("cpu"):
        assert not {"compile", "tf32"} & speed.options_of(arm, 128, 0.1, "cpu").keys()
    with pytest.raises(ValueError, match="arm is 'compile', expected one of plain loop"):
        speed.options_of("compile", 128, 0.1, "cpu")
