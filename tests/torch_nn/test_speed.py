"""The arms of a faster step are what their names say; the caller's settings come back."""

import pytest
import torch

from helpers.torch_nn import speed
from helpers.torch_nn.speed import cuda_settings

OLD = {
    "matmul": lambda: torch.backends.cuda.matmul.allow_tf32,
    "cudnn": lambda: torch.backends.cudnn.allow_tf32,
    "float32": torch.get_float32_matmul_precision,
    "benchmark": lambda: torch.backends.cudnn.benchmark,
}
SWITCHES = [("generic", "all"), ("cuda", "all"), ("mkldnn", "all")]
SWITCHES += [(backend, of) for backend in ("cuda", "mkldnn") for of in ("matmul", "conv", "rnn")]


def readings():
    """All that can be read; PyTorch refuses to tell the old switches if the new ones disagree."""
    found = {switch: torch._C._get_fp32_precision_getter(*switch) for switch in SWITCHES}
    for name, read in OLD.items():
        try:
            found[name] = read()
        except RuntimeError:
            found[name] = "refused"
    return found


def followers():
    """The switches that do as the general one says; PyTorch tells of none what it says itself."""
    general, found = torch.backends.fp32_precision, []
    for value in ("ieee", "tf32"):
        torch.backends.fp32_precision = value
        found.append({k for k in SWITCHES if torch._C._get_fp32_precision_getter(*k) == value})
    torch.backends.fp32_precision = general
    return set.intersection(*found)


@pytest.fixture(autouse=True)
def untouched():
    """Whatever a test sets, the next one finds PyTorch as it was."""
    with cuda_settings(False):
        for switch in SWITCHES:
            torch._C._set_fp32_precision_setter(*switch, "none")
        torch.set_float32_matmul_precision("highest")
        torch.backends.cudnn.allow_tf32 = True
        yield


def set_new(path, value):
    *way, last = path.split(".")
    place = torch.backends
    for name in way:
        place = getattr(place, name)
    setattr(place, last, value)


CALLERS = {
    "nothing": [],
    "matmul": [("cuda.matmul.fp32_precision", "tf32")],
    "convolutions": [("cudnn.conv.fp32_precision", "ieee")],
    "recurrent": [("cudnn.rnn.fp32_precision", "ieee")],
    "all of cuda": [("cudnn.fp32_precision", "tf32")],
    "everything": [("fp32_precision", "tf32")],
    "everything but one": [("fp32_precision", "tf32"), ("cuda.matmul.fp32_precision", "ieee")],
    "the CPU": [("mkldnn.matmul.fp32_precision", "bf16"), ("mkldnn.conv.fp32_precision", "tf32")],
    "old matmul": [("cuda.matmul.allow_tf32", True)],
    "old convolutions": [("cudnn.allow_tf32", False)],
    "old, then new": [("cuda.matmul.allow_tf32", True), ("cuda.matmul.fp32_precision", "ieee")],
    "benchmark": [("cudnn.benchmark", True)],
}


@pytest.mark.parametrize("tf32", [False, True])
@pytest.mark.parametrize("caller", [*CALLERS, "high", "medium"])
def test_the_callers_settings_come_back_whichever_way_they_were_made(caller, tf32):
    for path, value in CALLERS.get(caller, []):
        set_new(path, value)
    if caller not in CALLERS:
        torch.set_float32_matmul_precision(caller)
    before = readings(), followers()

    def use():
        with cuda_settings(tf32):
            inside = readings()
            for of in ("matmul", "conv", "rnn"):
                assert inside["cuda", of] == ("tf32" if tf32 else "ieee")
            assert (inside["matmul"], inside["cudnn"], inside["benchmark"]) == (tf32, tf32, True)
            raise KeyError

    with pytest.raises(KeyError):
        use()
    assert (readings(), followers()) == before


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
