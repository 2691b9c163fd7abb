"""Test accuracy over the training steps. One curve, dashed orange: a network without batch norm
climbs quickly, then slowly, and crosses the target of 95 percent, a dash-dotted line, at a large
square. Along the whole target line, before that square and behind it, stand blue question marks:
where does the same network with batch norm cross? A second question: is this the right rival?
"""

import numpy as np

from helpers import data, plotting
from helpers.numpy_nn.models import mlp
from helpers.numpy_nn.modules import Sigmoid
from helpers.numpy_nn.training import batch_accuracy, fit

TARGET = 0.95


def draw() -> None:
    """One plain run up to the target, and the places where the other arm might cross."""
    history = fit(
        mlp((64, 100, 100, 100, 10), np.random.default_rng(0), activation=Sigmoid, std=0.3),
        data.load("digits").flattened(),
        steps=2000,
        batch_size=60,
        lr=0.1,
        seed=100,
        evaluate=batch_accuracy,
        eval_every=20,
        stop_at=TARGET,
        progress=False,
    )
    crossing = history.steps_to(TARGET)
    (ax,) = plotting.panels(1, width=9.4, height=2.7)
    plotting.curve(ax, history.eval_steps, history.scores, color=plotting.PLAIN)
    look = {**plotting.style(plotting.PLAIN), "markersize": 11, "markeredgecolor": "black"}
    ax.plot(crossing, TARGET, **look, zorder=3)
    for step in crossing * np.arange(0.2, 1.9, 0.2):
        if abs(step - crossing) > 1:
            box = {"facecolor": "white", "edgecolor": "none", "pad": 1}
            write(ax, step, TARGET, "?", color=plotting.BN, weight="bold", va="center", bbox=box)
    ax.axhline(TARGET, **plotting.FLOOR, label="95 % right")
    write(ax, crossing, 0.8, "plain network", va="top")
    write(ax, 1.35 * crossing, 0.4, "Where does batch norm cross?\nAnd is this the right rival?")
    ax.set(xlabel="training steps", ylabel="test accuracy", ylim=(0, 1.1))
    ax.set(xlim=(0, 1.85 * crossing), xticks=[0], yticks=[0, 0.5, 1])
    ax.grid(visible=False)
    plotting.label_ends(ax, size=12)


def write(ax, x, y, text, **look) -> None:
    """Centred words, large enough for the head of a page."""
    ax.text(x, y, text, ha="center", fontsize=13, **look)
