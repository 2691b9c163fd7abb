"""Remember what happens in a training run: losses, accuracies, times."""

import time
from dataclasses import dataclass

import numpy as np
import torch

WARM_UP_STEPS = 3  # the first steps of a call, which are timed apart


@dataclass(frozen=True)
class History:
    """What happened in a call of `fit`, resumed parts included.

    loss, lr: (steps,) mean loss of each batch, before its step, and the learning rate of the step
    (groups of parameters with a rate of their own aside).

    eval_steps, test_accuracy, eval_seconds: per evaluation, the steps taken until then, the
    accuracy, and `seconds` until then.

    seconds: time spent training, without evaluations and without the first WARM_UP_STEPS steps of
    each call, in which kernels are compiled and chosen: those took warm_up_seconds.
    images_per_second: of the steps that `seconds` counts; NaN if there were none.

    stopped: why training ended early, else "".
    """

    loss: np.ndarray
    lr: np.ndarray
    eval_steps: np.ndarray
    test_accuracy: np.ndarray
    eval_seconds: np.ndarray
    seconds: float
    warm_up_seconds: float
    images_per_second: float
    stopped: str

    @property
    def diverged(self):
        """Whether a loss that was not finite, the last one, ended the training."""
        return bool(self.stopped)


class Recorder:
    """Collects a `History`; a checkpoint can hold its state, as it holds a model's."""

    def __init__(self, device, processes):
        self.device, self.processes = device, processes
        self.state = {
            "loss": [],
            "lr": [],
            "evaluations": [],  # (step, test accuracy, seconds)
            "seconds": 0.0,
            "warm_up_seconds": 0.0,
            "timed_steps": 0,
            "stopped": "",
        }
        self._pending = []  # losses that are still on the device
        self._steps = 0  # of this call

    def state_dict(self):
        return self.state

    def load_state_dict(self, state):
        self.state = state

    @property
    def steps(self):
        """Steps taken, in all calls."""
        return len(self.state["lr"])

    @property
    def stopped(self):
        return self.state["stopped"]

    def start_clock(self):
        self._since = self._now()

    def stop_clock(self):
        """Add the time since start_clock to the warm-up or, behind it, to the training."""
        kind = "warm_up_seconds" if self._steps <= WARM_UP_STEPS else "seconds"
        self.state[kind] += self._now() - self._since

    def step(self, loss, lr):
        """Take note of a step: its loss, a tensor on the device, and its learning rate."""
        self._pending.append(loss)
        self.state["lr"].append(lr)
        self._steps += 1
        if self._steps > WARM_UP_STEPS:
            self.state["timed_steps"] += 1
        elif self._steps == WARM_UP_STEPS:
            self.stop_clock()
            self.start_clock()

    def collect(self):
        """Fetch the losses from the device and say whether all are finite.

        If one is not, the record ends with it.
        """
        if not self._pending:
            return not self.stopped
        losses = self.processes.mean(torch.stack(self._pending)).cpu().numpy()
        self._pending = []
        bad = np.flatnonzero(~np.isfinite(losses))
        before = len(self.state["loss"])
        self.state["loss"] += losses.tolist()
        if not len(bad):
            return True
        step = before + int(bad[0]) + 1
        loss, lr = self.state["loss"][step - 1], self.state["lr"][step - 1]
        del self.state["loss"][step:], self.state["lr"][step:]
        self.state["stopped"] = (
            f"the loss of step {step} is {loss}, at the learning rate {lr:.3g}: try a third of "
            "the rate, or a net with a norm"
        )
        return False

    def evaluated(self, accuracy):
        """Take note of the test accuracy after the steps so far."""
        self.state["evaluations"].append((self.steps, accuracy, self.state["seconds"]))

    def history(self, batch_size):
        state = self.state
        steps, accuracies, seconds = np.array(state["evaluations"]).reshape(-1, 3).T
        images = state["timed_steps"] * batch_size
        return History(
            loss=np.array(state["loss"]),
            lr=np.array(state["lr"]),
            eval_steps=steps.astype(int),
            test_accuracy=accuracies,
            eval_seconds=seconds,
            seconds=state["seconds"],
            warm_up_seconds=state["warm_up_seconds"],
            images_per_second=images / state["seconds"] if images else float("nan"),
            stopped=state["stopped"],
        )

    def _now(self):
        # A GPU works through a queue: without waiting for it, only the queueing would be timed.
        if self.device.type == "cuda":
            torch.cuda.synchronize(self.device)
        return time.perf_counter()
