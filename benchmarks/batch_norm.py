"""Time batch norm: the course's NumPy version, the textbook one, PyTorch, and a copy.

    python benchmarks/batch_norm.py

Everything runs in float32 on one thread, interleaved in one process in an order drawn anew for
every round, so that whatever else the machine does meets all candidates alike; an untimed call of
the same candidate goes before each timed one. Times are CPU time; a ratio is the median over rounds
of the ratio within a round. Exits with 1 if a required ratio is missed.
"""

import ctypes
import os
import platform
import sys
import time
import tracemalloc

for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[variable] = "1"  # before NumPy and PyTorch are imported

import numpy as np  # noqa: E402
import torch  # noqa: E402

from helpers.numpy_nn import functional as F  # noqa: E402

IMAGES = {
    ("forward", "textbook"): 4.0,
    ("forward", "torch NCHW"): 2.5,
    ("backward", "textbook"): 3.0,
    ("both", "torch NCHW"): 1.4,
}
DENSE = {("forward", "textbook"): 1.5, ("backward", "textbook"): 1.5}
CASES = [  # shape, rounds, required ratios: how many times slower each rival has to be
    ((64, 64, 28, 28), 40, IMAGES),
    ((128, 256, 8, 8), 60, IMAGES),
    ((256, 1024), 300, DENSE),
    ((4096, 4096), 11, DENSE),
    ((64, 100), 1000, {}),  # call overhead is everything here
]
OURS = "numpy_nn"

# The thread's own time leaves out what other programs take, where the system counts it finely.
FINE = time.get_clock_info("thread_time").resolution < 1e-6
clock = time.thread_time if FINE else time.perf_counter


def textbook_forward(x, gamma, beta, eps=1e-5):
    """Batch norm as it is written after the computation graph, one node per line."""
    if x.ndim > 2:
        n, c, *space = x.shape
        columns = np.moveaxis(x, 1, -1).reshape(-1, c)
        y, cache = textbook_forward(columns, gamma, beta, eps)
        return np.moveaxis(y.reshape(n, *space, c), -1, 1), cache
    mean = x.mean(axis=0)
    centred = x - mean
    squared = centred**2
    var = squared.mean(axis=0)
    std = np.sqrt(var + eps)
    inv_std = 1 / std
    x_hat = centred * inv_std
    scaled = gamma * x_hat
    return scaled + beta, (x_hat, centred, std, inv_std, gamma)


def textbook_backward(dy, cache):
    """Back through the same graph, node by node."""
    if dy.ndim > 2:
        n, c, *space = dy.shape
        dx, dgamma, dbeta = textbook_backward(np.moveaxis(dy, 1, -1).reshape(-1, c), cache)
        return np.moveaxis(dx.reshape(n, *space, c), -1, 1), dgamma, dbeta
    x_hat, centred, std, inv_std, gamma = cache
    n = len(dy)
    dbeta = dy.sum(axis=0)
    dgamma = (dy * x_hat).sum(axis=0)
    dx_hat = dy * gamma
    dinv_std = (dx_hat * centred).sum(axis=0)
    dcentred = dx_hat * inv_std
    dstd = -dinv_std / std**2
    dvar = dstd / (2 * std)
    dsquared = np.ones_like(dy) * dvar / n
    dcentred = dcentred + 2 * centred * dsquared
    dmean = -dcentred.sum(axis=0)
    return dcentred + np.ones_like(dy) * dmean / n, dgamma, dbeta


def torch_candidate(x, gamma, beta, dy, memory_format):
    """Return forward and backward of F.batch_norm, as functions without arguments."""
    x, dy = (torch.from_numpy(a).contiguous(memory_format=memory_format) for a in (x, dy))
    inputs = [a.requires_grad_() for a in (x, torch.from_numpy(gamma), torch.from_numpy(beta))]

    def forward():
        return torch.nn.functional.batch_norm(inputs[0], None, None, *inputs[1:], training=True)

    y = forward()
    return forward, lambda: torch.autograd.grad(y, inputs, dy, retain_graph=True)


def candidates(shape):
    """Return {name: (forward, backward)} over the same random arrays, and the size of one."""
    rng = np.random.default_rng(0)
    x, dy = rng.standard_normal((2, *shape), dtype=np.float32)
    gamma, beta = rng.uniform(0.5, 1.5, (2, shape[1])).astype(np.float32)
    target = np.empty_like(x)
    _, textbook_cache = textbook_forward(x, gamma, beta)
    _, cache = F.batch_norm(x, gamma, beta)
    found = {
        "copy": (lambda: np.copyto(target, x), lambda: np.copyto(target, dy)),
        OURS: (lambda: F.batch_norm(x, gamma, beta), lambda: F.batch_norm_backward(dy, cache)),
        "textbook": (
            lambda: textbook_forward(x, gamma, beta),
            lambda: textbook_backward(dy, textbook_cache),
        ),
        "torch NCHW": torch_candidate(x, gamma, beta, dy, torch.contiguous_format),
    }
    if len(shape) == 4:
        found["torch channels_last"] = torch_candidate(x, gamma, beta, dy, torch.channels_last)
    return found, x.nbytes


def measure(found, rounds):
    """Return {(direction, name): (rounds,) seconds}; "both" is forward plus backward."""
    calls = {
        (direction, name): function
        for name, pair in found.items()
        for direction, function in zip(("forward", "backward"), pair, strict=True)
    }
    seconds = {key: np.empty(rounds) for key in calls}
    order = np.random.default_rng(0)
    keys = list(calls)
    for i in range(rounds):
        for k in order.permutation(len(keys)):
            calls[keys[k]]()  # untimed: memory is as this candidate leaves it, not as another does
            start = clock()
            calls[keys[k]]()
            seconds[keys[k]][i] = clock() - start
    for name in found:
        seconds["both", name] = seconds["forward", name] + seconds["backward", name]
    return seconds


def peak_memory(function):
    """Return the largest number of bytes that NumPy held during a call, beyond those before."""
    tracemalloc.start()
    function()
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return peak


def keep_freed_memory():
    """Let glibc reuse freed memory: otherwise fetching fresh pages is what is measured."""
    if platform.libc_ver()[0] != "glibc":
        return "system's allocator"
    libc = ctypes.CDLL(None)
    libc.mallopt(-3, 2**30)  # M_MMAP_THRESHOLD
    libc.mallopt(-1, 2**31 - 1)  # M_TRIM_THRESHOLD
    return "freed memory is reused"


def report(shape, rounds, required):
    """Print the two tables of one shape; return whether every required ratio is met."""
    found, array_bytes = candidates(shape)
    seconds = measure(found, rounds)
    print(f"\n{shape}, {rounds} rounds")
    print(f"  {'':20} {'forward':>17} {'backward':>17}   peak new memory, in arrays")
    for name, pair in found.items():
        cells = []
        for direction in ("forward", "backward"):
            taken = seconds[direction, name]
            copies = np.median(taken / seconds[direction, "copy"])
            cells.append(f"{np.median(taken) * 1e3:8.3f} ms {copies:4.1f}x")
        peaks = [f"{peak_memory(function) / array_bytes:.2f}" for function in pair]
        memory = "" if name.startswith(("torch", "copy")) else " and ".join(peaks)
        print(f"  {name:20} {cells[0]:>17} {cells[1]:>17}   {memory}")
    all_met = True
    for (direction, rival), least in required.items():
        ratio = np.median(seconds[direction, rival] / seconds[direction, OURS])
        all_met &= bool(ratio >= least)
        verdict = "met" if ratio >= least else "MISSED"
        print(f"  {direction:8} {ratio:5.2f}x as fast as {rival}, required {least}x: {verdict}")
    return all_met


def main():
    torch.set_num_threads(1)
    print(f"NumPy {np.__version__}, PyTorch {torch.__version__}, {keep_freed_memory()}")
    print("Medians; 'x' after a time: multiples of copying the array once.")
    met = [report(*case) for case in CASES]
    return 0 if all(met) else 1


if __name__ == "__main__":
    sys.exit(main())
