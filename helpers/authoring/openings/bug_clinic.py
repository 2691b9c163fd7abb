"""Three panels, each with what came and what was expected. Memory: the operations held grow with
every batch, and should stay few. Accuracy: with the weights unchanged it jumps from batch to batch,
and should lie still. Outputs: in eval mode they grow as images shrink, and should stay at 1.
"""

import numpy as np
import torch

from helpers import data, plotting
from helpers.exercises.bug_clinic import averages, state
from helpers.numpy_nn.models import mlp
from helpers.numpy_nn.modules import BatchNorm
from helpers.numpy_nn.training import accuracy, fit

BATCHES = 20


def draw() -> None:
    """Three symptoms of three bugs, beside what a sound layer does."""
    memory, jumps, scale = axes = plotting.panels(3, width=9.4 / 3, height=2.8)
    counts = range(1, 102, 20)
    sides = (16, 8, 4, 2, 1)
    for name, color in [("theirs", plotting.PLAIN), ("expected", plotting.BN)]:
        remember, average, update = (
            exercise.bug if name == "theirs" else exercise
            for exercise in (
                state.normalize_and_remember,
                averages.moving_average,
                averages.running_update,
            )
        )
        plotting.curve(memory, counts, _held(remember, counts), color=color)
        plotting.curve(jumps, range(BATCHES), _accuracies(average), color=color)
        scales = [_scale(update, side) for side in sides]
        plotting.curve(scale, range(len(sides)), scales, color=color, label=name)
    memory.set(title="Memory fills up.", xlabel="batches", ylabel="operations held")
    jumps.set(title="The accuracy jumps.", xlabel="batches, weights unchanged", ylim=(0.85, 1))
    jumps.set(ylabel="test accuracy")
    scale.set(title="The outputs grow.", xlabel="pixels along an image's side")
    scale.set(ylabel="output in eval mode")
    scale.set_xticks(range(len(sides)), map(str, sides))
    scale.legend(loc="upper left", fontsize=11)
    for ax in axes:
        ax.title.set_fontsize(13)


def _held(remember, counts) -> list[int]:
    """How many recorded operations are held after each number of batches."""
    rng, found = np.random.default_rng(10), []
    weight = torch.tensor(rng.normal(size=(8, 8)), requires_grad=True)
    mean, var = torch.zeros(8), torch.ones(8)
    for count in range(1, max(counts) + 1):
        x = torch.tensor(rng.normal(size=(32, 8))) @ weight
        y, mean, var = remember(x, torch.ones(8), torch.zeros(8), mean, var)
        if count in counts:
            found.append(state.count_nodes(y, mean, var))
    return found


def _accuracies(average) -> list[float]:
    """Test accuracy in eval mode after each batch; only the running statistics move."""
    digits = data.load("digits").flattened()
    net = mlp((64, 64, 64, 10), np.random.default_rng(5), norm=True)
    fit(net, digits, steps=200, lr=0.1, batch_size=32, seed=5, progress=False)
    rng = np.random.default_rng(6)
    norms = [layer for layer in net if isinstance(layer, BatchNorm)]
    stored, scores = [(n.running_mean, n.running_var) for n in norms], []
    for _ in range(BATCHES):
        for norm in norms:
            norm.momentum = 1.0  # it stores the batch's own statistics
        net.train()
        net(digits.x_train[rng.integers(len(digits.x_train), size=16)])
        for place, norm in enumerate(norms):
            batch = norm.running_mean, norm.running_var
            stored[place] = [
                average(old, new, 0.1) for old, new in zip(stored[place], batch, strict=True)
            ]
            norm.running_mean, norm.running_var = stored[place]
        scores.append(accuracy(net, digits.x_test, digits.y_test))
    return scores


def _scale(update, side) -> float:
    """How large outputs are in eval mode if batches of four images were seen in training."""
    zeros = torch.zeros(1, dtype=torch.float64)
    values = np.random.default_rng(9).normal(size=(4, 40_000 // side, side, side))
    _, var = update(zeros, zeros, torch.tensor(values), momentum=1.0)
    return var.mean().item() ** -0.5
