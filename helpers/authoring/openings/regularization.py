"""Left, the accuracy of a plain network on its 300 training images and on new images, over the
steps of training. The two drift apart, and the gap between them is shaded: does batch norm narrow
it? Right, what batch norm makes of one and the same image in sixty batches, a value that jitters
from batch to batch: is it this noise?
"""

from dataclasses import replace

import numpy as np

from helpers import data, plotting
from helpers.numpy_nn.models import mlp
from helpers.numpy_nn.training import accuracy, fit

SIZE, BATCHES = 20, 60


def draw() -> None:
    """The gap of a plain network, and the noise of batches."""
    digits = data.load("digits").flattened()
    x, y = digits.x_train[:300], digits.y_train[:300]
    model = mlp((64, 128, 128, 10), np.random.default_rng(0))
    sums = model[:2](x)[:, 0]
    draws = np.random.default_rng(1)
    values = []
    for _ in range(BATCHES):
        others = 1 + draws.permutation(len(x) - 1)[: SIZE - 1]
        batch = sums[np.append(0, others)]
        values.append((batch[0] - batch.mean()) / batch.std())
    few = replace(digits, x_train=x, y_train=y)
    settings = {"steps": 200, "batch_size": SIZE, "lr": 0.1, "seed": 0, "eval_every": 10}
    history = fit(
        model, few, probe=lambda model, _: accuracy(model, x, y), progress=False, **settings
    )
    gap, noise = plotting.panels(2, width=4.7, height=2.7)
    gap.fill_between(history.eval_steps, history.scores, history.probes, color="0.85")
    gap.plot(history.eval_steps, history.probes, color="black", label="training images")
    gap.plot(history.eval_steps, history.scores, color=plotting.GREY, label="new images")
    gap.set(xlabel="steps of training", ylabel="accuracy", xlim=(0, 200), ylim=(0.6, 1.02))
    gap.text(195, 0.72, "Does batch norm\nnarrow this gap?", ha="right", va="center", fontsize=13)
    plotting.label_ends(gap)
    noise.plot(range(BATCHES), values, ".-", color=plotting.GREY, linewidth=1, markersize=5)
    noise.set(xlabel="batch", ylabel="one image behind\nbatch norm")
    low, high = min(values), max(values)
    noise.set_ylim(low - 0.1, high + 0.55 * (high - low))
    noise.text(BATCHES / 2, high + 0.3 * (high - low), "By this noise?", ha="center", fontsize=13)
