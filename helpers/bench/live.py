"""Train now what was not recorded, if it takes under a minute."""

import json
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
from tqdm.auto import tqdm

from helpers import training_runs
from helpers.bench.sentences import NotOnTheBench, TooLong, listed
from helpers.cards import say
from helpers.data import DataError
from helpers.numpy_nn.training import batch_accuracy
from helpers.pool import CURVES, WATCHED

LONGEST = 60.0  # seconds
# What is examined of a run that is trained now: what the pool has, and the accuracies on held-out
# and test images where a batch normalizes itself.
EXAMINED = CURVES + WATCHED[:2]


@dataclass(frozen=True, eq=False)
class Run:
    """One arm at one rate from one seed in one setting."""

    arm: str
    rate: float
    seed: int
    axes: dict

    def key(self) -> str:
        """All that it depends on."""
        return json.dumps([self.arm, self.rate, self.seed, self.axes], sort_keys=True)

    def __eq__(self, other):
        return isinstance(other, Run) and self.key() == other.key()

    def __hash__(self):
        return hash(self.key())


_allowed = True

# What has been trained in this session: a comparison that was interrupted goes on where it stopped.
_trained: dict[Run, dict] = {}


@contextmanager
def nothing_trained() -> Iterator[None]:
    """Answer from what was recorded alone: `train` raises NotOnTheBench for anything else."""
    global _allowed
    before, _allowed = _allowed, False
    try:
        yield
    finally:
        _allowed = before


def train(runs: Sequence[Run]) -> dict[Run, dict]:
    """Train these, a progress bar beside it, and say so in one sentence.

    Raises TooLong if all of them would take more than a minute (the first one is the measure),
    NotOnTheBench if their images cannot be had, or there is no such network.
    """
    missing = [run for run in dict.fromkeys(runs) if run not in _trained]
    if missing and not _allowed:
        rates = listed(f"{rate:g}" for rate in sorted({run.rate for run in missing}))
        seeds = listed(sorted({run.seed for run in missing}))
        raise NotOnTheBench(f"not recorded: the rates {rates} with the seeds {seeds}")
    if missing:
        start = time.perf_counter()
        _train(missing[0])
        seconds = (time.perf_counter() - start) * len(missing)
        if seconds > LONGEST:
            raise TooLong(
                f"that was not recorded, and its {len(missing)} runs would take about "
                f"{seconds:.0f} seconds here: ask for fewer rates or seeds, such as "
                "rates=[0.1, 0.316, 1]"
            )
        count = "1 run is" if len(missing) == 1 else f"{len(missing)} runs are"
        say(f"Not recorded: {count} trained now, in (measured {seconds:.0f} s).")
        for run in tqdm(missing[1:], desc="live runs", leave=False):
            _train(run)
    return {run: _trained[run] for run in runs}


def _own_batches(model, task) -> list[float]:
    with np.errstate(all="ignore"):  # of a network that has diverged
        return [float(batch_accuracy(model, *task[part])) for part in ("held-out", "test")]


def _train(run: Run) -> None:
    try:
        _trained[run] = training_runs.train(
            run.arm, run.rate, run.seed, curves=EXAMINED, watch=_own_batches, **run.axes
        )
    except DataError as error:
        raise NotOnTheBench(
            f"that was not recorded, and its images are not at hand: {error}"
        ) from None
    except ValueError as error:  # of the layers: one image is no batch, 12 units no 10 groups
        raise NotOnTheBench(f"that was not recorded, and cannot be trained: {error}") from None
