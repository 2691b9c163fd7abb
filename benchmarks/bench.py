"""Time the bench: how long `bench.compare` takes to answer from recorded runs.

    python benchmarks/bench.py

Every comparison is timed twice: the first one of a process, which reads the record from the drive,
and later ones, which have it. Beside it stands the time of reading the record alone, and of the
figure that a notebook shows. Medians over rounds, by the clock: a learner waits for the drive too.
Exits with 1 if an answer takes longer than a learner should notice.
"""

import functools
import os
import sys
import time

for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[variable] = "1"  # before NumPy is imported

import matplotlib as mpl  # noqa: E402
import numpy as np  # noqa: E402

mpl.use("agg")

from helpers import bench, elsewhere, plotting, pool  # noqa: E402
from helpers.exercises.open_tasks import TASKS  # noqa: E402

GOAL = 0.3  # seconds for an answer, the record still to be read
ROUNDS = 20
TWO = {"batch norm": {"norm": "batch"}, "plain": {"norm": "none"}}
CASES = {
    "accuracy": {},
    "accuracy, best step": {"steps": "best"},
    "accuracy, one rate for both": {"rates": "plain"},
    "steps": {"measure": "steps"},
    "largest rate": {"measure": "rate"},
    "drift of shape": {"measure": "drift of shape"},
    "smoothness": {"measure": "smoothness"},
}


def forget():
    """Let the next answer read its record anew."""
    pool.load.cache_clear()
    elsewhere._runs.cache_clear()


def read():
    """Read all three records."""
    pool.load()
    pool.load(pool.WATCHED_PATH)
    elsewhere.settings()


def timed(function, before=lambda: None):
    """Return the median over rounds of the seconds that a call takes."""
    seconds = np.empty(ROUNDS)
    for i in range(ROUNDS):
        before()
        start = time.perf_counter()
        function()
        seconds[i] = time.perf_counter() - start
    return np.median(seconds)


def draw(comparison):
    """Draw the figure of a comparison as a notebook does."""
    comparison.plot()
    plotting.plt.gcf().canvas.draw()
    plotting.plt.close("all")


def main():
    print(f"NumPy {np.__version__}, medians of {ROUNDS} rounds, in milliseconds")
    print(f"  {'reading the records':30} {timed(read, forget) * 1e3:8.1f}")
    print(f"\n  {'':30} {'first':>8} {'later':>8} {'figure':>8}")
    slowest = 0.0
    for name, how in CASES.items():
        answer = functools.partial(bench.compare, TWO, **how)
        first, later = timed(answer, forget), timed(answer)
        figure = timed(functools.partial(draw, answer()))
        slowest = max(slowest, first)
        print(f"  {name:30} {first * 1e3:8.1f} {later * 1e3:8.1f} {figure * 1e3:8.1f}")
    print(f"\n  {'open task':30} {'first':>8} {'later':>8}")
    for claim, task in TASKS.items():
        first, later = timed(task.recorded, forget), timed(task.recorded)
        slowest = max(slowest, first)
        print(f"  {claim:30} {first * 1e3:8.1f} {later * 1e3:8.1f}")
    verdict = "met" if slowest < GOAL else "MISSED"
    print(f"\nthe slowest answer takes {slowest:.3f} s, goal {GOAL} s: {verdict}")
    return 0 if slowest < GOAL else 1


if __name__ == "__main__":
    sys.exit(main())
