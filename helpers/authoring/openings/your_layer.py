"""On the left four boxes, forward, backward, running statistics and images, lead by arrows into one
box, your layer. On the right the training loss of two networks over 150 steps: the plain one, and
below it the one with the course's layer. A third network, with your layer, has no curve yet, only a
question mark.
"""

import numpy as np

from helpers import data, plotting
from helpers.numpy_nn.models import mlp
from helpers.numpy_nn.training import fit

STEPS = 150
PIECES = ["forward", "backward", "running statistics", "images"]
BOX = {"boxstyle": "round,pad=0.35", "facecolor": "white"}


def losses(norm: bool) -> np.ndarray:
    """The training loss of the notebook's network of linear layers, averaged over ten steps."""
    model = mlp((64, 100, 100, 100, 10), np.random.default_rng(0), norm=norm)
    digits = data.load("digits").flattened()
    settings = {"steps": STEPS, "batch_size": 32, "eval_every": STEPS, "progress": False}
    history = fit(model, digits, lr=0.1, seed=0, **settings)
    return history.loss.reshape(-1, 10).mean(axis=1)


def draw() -> None:
    """The pieces and the layer; beside them, curves and one that is missing."""
    parts, curves = plotting.panels(2, width=4.7, height=2.7)
    parts.axis("off")
    parts.set(xlim=(0, 10), ylim=(-0.5, 3.5))
    for height, piece in zip([3, 2, 1, 0], PIECES, strict=True):
        edge = {**BOX, "edgecolor": plotting.GREY}
        parts.text(3.7, height, piece, bbox=edge, ha="right", va="center", fontsize=12)
        arrow = {"arrowstyle": "-|>", "color": plotting.GREY}
        start, end = (4.0, height), (6.2, 1.5 + 0.3 * (height - 1.5))
        parts.annotate("", xy=end, xytext=start, arrowprops=arrow)
    layer = {**BOX, "edgecolor": plotting.FOURTH, "linewidth": 2.5, "boxstyle": "round,pad=0.9"}
    parts.text(8.0, 1.5, "your layer", bbox=layer, ha="center", va="center", fontsize=13)
    steps = np.arange(5, STEPS, 10)
    plotting.curve(curves, steps, losses(False), color=plotting.PLAIN, label="plain")
    curves.plot(steps, losses(True), label="the course's\nlayer", **plotting.MEAN)
    curves.set(xlabel="training step", ylabel="training loss", ylim=(0, 2.2))
    curves.text(85, 1.5, "your layer: ?", ha="center", va="center", fontsize=13)
    plotting.label_ends(curves, size=11)
