"""Time functions side by side, so that whatever else the machine does meets all of them alike."""

import time
from collections.abc import Callable, Mapping
from contextlib import contextmanager

import numpy as np
import torch

Timer = Callable[[Callable[[], object], int], float]

# This thread's own time leaves out what other programs take, where the system counts it finely.
FINE = time.get_clock_info("thread_time").resolution < 1e-6


def clock() -> float:
    """Return the seconds of a clock that runs while this thread does."""
    return time.thread_time() if FINE else time.perf_counter()


def cpu_timer(function: Callable[[], object], calls: int) -> float:
    """Return the seconds per call of a function, over `calls` calls in a row."""
    start = clock()
    for _ in range(calls):
        function()
    return (clock() - start) / calls


def cuda_timer(function: Callable[[], object], calls: int) -> float:
    """Return the seconds per call on the current CUDA device.

    A GPU works through a queue, so Python's clock would measure how fast the queue is filled. Two
    events in the queue take the time instead. Give enough `calls` that the GPU, not Python, is what
    they wait for.
    """
    start, end = (torch.cuda.Event(enable_timing=True) for _ in range(2))
    torch.cuda.synchronize()
    start.record()
    for _ in range(calls):
        function()
    end.record()
    end.synchronize()
    return start.elapsed_time(end) / 1e3 / calls  # elapsed_time is in milliseconds


def timer_for(device: torch.device | str) -> Timer:
    """Return the timer for a device, "cpu" or "cuda"."""
    return cuda_timer if torch.device(device).type == "cuda" else cpu_timer


def paired(
    arms: Mapping[str, Callable[[], object]],
    *,
    rounds: int,
    calls: int = 1,
    timer: Timer = cpu_timer,
) -> dict[str, np.ndarray]:
    """Time several functions side by side; return seconds per call, (rounds,) for each arm.

    In every round each arm is called once untimed, so that memory and caches are as this arm
    leaves them, and then `calls` times in a row. The order within a round is drawn anew, so that
    whatever else the machine does meets all arms alike.
    """
    seconds = {name: np.empty(rounds) for name in arms}
    names, rng = list(arms), np.random.default_rng(0)
    for i in range(rounds):
        for k in rng.permutation(len(names)):
            arms[names[k]]()
            seconds[names[k]][i] = timer(arms[names[k]], calls)
    return seconds


def multiples(seconds: Mapping[str, np.ndarray], unit: str) -> dict[str, float]:
    """Return each arm's time as a multiple of the arm `unit`: medians of the rounds' ratios."""
    return {name: float(np.median(taken / seconds[unit])) for name, taken in seconds.items()}


@contextmanager
def one_thread():
    """Within it, PyTorch computes on one CPU thread: with more, busy neighbours are measured."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)
