"""Pairing, units and arms of the timings, with a clock that the tests move themselves."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import nn

from helpers.cost import timing, workloads


class Clock:
    def __init__(self, monkeypatch):
        self.now = 0.0
        monkeypatch.setattr(timing, "clock", lambda: self.now)

    def work(self, seconds):
        self.now += seconds


def test_the_timer_returns_seconds_per_call(monkeypatch):
    clock = Clock(monkeypatch)
    assert timing.cpu_timer(lambda: clock.work(2.0), 3) == 2.0


def test_arms_are_called_equally_often_and_round_by_round(monkeypatch):
    clock, called = Clock(monkeypatch), []

    def arm(name, seconds):
        return lambda: (called.append(name), clock.work(seconds))

    arms = {name: arm(name, seconds) for name, seconds in [("a", 1.0), ("b", 2.0), ("c", 3.0)]}
    seconds = timing.paired(arms, rounds=8, calls=2)
    assert {name: list(taken) for name, taken in seconds.items()} == {
        "a": [1.0] * 8,
        "b": [2.0] * 8,
        "c": [3.0] * 8,
    }
    rounds = [called[i : i + 9] for i in range(0, len(called), 9)]
    assert len(rounds) == 8
    assert all(sorted(names) == ["a"] * 3 + ["b"] * 3 + ["c"] * 3 for names in rounds)
    assert all(len(set(names[i : i + 3])) == 1 for names in rounds for i in (0, 3, 6))
    assert len({tuple(names) for names in rounds}) > 1  # the order changes


def test_the_first_call_of_a_round_is_not_timed(monkeypatch):
    clock, calls = Clock(monkeypatch), []

    def slow_at_first():
        clock.work(100.0 if len(calls) % 2 == 0 else 1.0)
        calls.append(None)

    assert list(timing.paired({"arm": slow_at_first}, rounds=3)["arm"]) == [1.0] * 3


def test_multiples_are_taken_within_rounds():
    seconds = {"copy": np.array([1.0, 10.0, 2.0]), "arm": np.array([3.0, 20.0, 2.0])}
    assert timing.multiples(seconds, "copy") == {"copy": 1.0, "arm": 2.0}


def test_the_timer_fits_the_device():
    assert timing.timer_for("cpu") is timing.timer_for(torch.device("cpu")) is timing.cpu_timer
    assert timing.timer_for("cuda") is timing.timer_for(torch.device("cuda:0")) is timing.cuda_timer


def test_one_thread_is_for_a_while():
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    with timing.one_thread():
        assert torch.get_num_threads() == 1
    assert torch.get_num_threads() == 2
    torch.set_num_threads(before)


def test_small_operators_are_batch_norm():
    x = torch.randn(4, 3, 5, 5, dtype=torch.float64)
    gamma, beta = torch.randn(2, 3, dtype=torch.float64)
    expected = F.batch_norm(x, None, None, gamma, beta, training=True, eps=0.1)
    torch.testing.assert_close(workloads.from_small_operators(x, gamma, beta, eps=0.1), expected)


def test_half_precision_comes_out_as_it_went_in():
    x = 100 + torch.randn(4, 3, 5, 5)
    y = workloads.from_small_operators(x.bfloat16(), torch.ones(3), torch.zeros(3))
    assert y.dtype == torch.bfloat16
    expected = workloads.built_in(x.bfloat16().float(), torch.ones(3), torch.zeros(3))
    torch.testing.assert_close(y, expected.bfloat16())


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_the_arms_do_what_their_names_say(dtype):
    arms = workloads.batch_norm_arms((4, 3, 6, 6), dtype)
    assert arms["forward"].keys() == arms["both"].keys()
    copied = arms["forward"].pop("copy")()
    gradients = {name: arm() for name, arm in arms["both"].items() if name != "copy"}
    for name, arm in arms["forward"].items():
        y = arm()
        assert y.dtype == dtype
        layout = torch.channels_last if "channels_last" in name else torch.contiguous_format
        assert y.is_contiguous(memory_format=layout), name
        assert not y.requires_grad
        expected = workloads.built_in(copied.float(), torch.ones(3), torch.zeros(3))
        expected = torch.relu(expected) if "ReLU" in name else expected
        torch.testing.assert_close(y.contiguous().float(), expected, atol=0.02, rtol=0.02)
        assert [g.shape for g in gradients[name]] == [(4, 3, 6, 6), (3,), (3,)]


def test_a_training_step_moves_the_weights_and_starts_from_fresh_gradients():
    model = nn.Sequential(nn.Flatten(), nn.Linear(4, 2))
    x, y = torch.ones(3, 1, 2, 2), torch.zeros(3, dtype=torch.long)
    before = model[1].weight.detach().clone()
    step = workloads.training_step(model, x, y)
    step()
    assert not torch.equal(model[1].weight, before)
    first = model[1].weight.grad.clone()
    step()
    torch.testing.assert_close(model[1].weight.grad, first, rtol=0.1, atol=0)


def test_the_profiler_finds_batch_norm():
    def step(*layers):
        model = nn.Sequential(*layers, nn.Flatten(), nn.LazyLinear(2))
        x, y = torch.randn(8, 3, 8, 8), torch.zeros(8, dtype=torch.long)
        model(x)
        return workloads.training_step(model, x, y)

    assert workloads.profiled_share(step(nn.Conv2d(3, 8, 3))) == 0
    assert 0 < workloads.profiled_share(step(nn.Conv2d(3, 8, 3), nn.BatchNorm2d(8))) < 1


def test_the_clock_runs_while_work_is_done():
    start = timing.clock()
    sum(range(10**6))
    assert timing.clock() > start


@pytest.mark.gpu
def test_on_a_gpu_events_take_the_time():
    if not torch.cuda.is_available():
        pytest.skip("no CUDA device")
    x = torch.randn(2**24, device="cuda")
    once, four = (timing.cuda_timer(lambda n=n: [x.sin() for _ in range(n)], 5) for n in (1, 4))
    assert 0 < once < four
    arms = workloads.batch_norm_arms((8, 16, 32, 32), torch.float16, "cuda", compiled=True)
    for name, arm in arms["both"].items():
        assert arm() is not None, name
