"""Five histograms, one above the other, of what one unit in the fifth layer of a plain network
receives for the same 500 images: before training and after 50, 100, 150 and 200 steps. A triangle
marks the mean of each, and it lies elsewhere than the one before. The question beside them: is this
what batch norm stops, and is that why it helps?
"""

import numpy as np

from helpers import data, plotting, probes
from helpers.numpy_nn.models import mlp
from helpers.numpy_nn.training import fit

STEPS = 50


def draw() -> None:
    """What unit 0 of the fifth layer receives, at five moments of training."""
    digits = data.load("digits").flattened()
    model = mlp((64, *[64] * 8, 10), np.random.default_rng(0))

    def received(model, step=0):
        return probes.activation_inputs(model, digits.x_test)[4][:, 0]

    moments = [received(model)]
    moments += fit(
        model,
        digits,
        steps=4 * STEPS,
        batch_size=64,
        lr=0.03,
        seed=100,
        eval_every=STEPS,
        evaluate=lambda model, x, y: 0.0,
        probe=received,
        progress=False,
    ).probes
    (ax,) = plotting.panels(1, width=9.4, height=2.6)
    low, high = np.min(moments), np.max(moments)
    bins = np.linspace(low, high, 49)
    for place, values in enumerate(moments):
        heights, edges = np.histogram(values, bins, density=True)
        heights = 0.9 * heights / heights.max()
        bottom = len(moments) - 1 - place
        ax.fill_between(edges[:-1], bottom, bottom + heights, color=plotting.PLAIN, step="post")
        ax.plot(np.mean(values), bottom, "^", color="black", markersize=7)
    steps = [f"step {STEPS * place}" for place in reversed(range(len(moments)))]
    ax.set_yticks(range(len(moments)), steps)
    ax.set(xlabel="what one unit of the fifth layer receives, for the same images")
    ax.set_xlim(low, high + 0.45 * (high - low))  # room for the question
    ax.set_xticks([-2, -1, 0])
    ax.grid(visible=False, axis="y")
    ax.text(
        0.985,
        0.5,
        "Is this what\nbatch norm stops?\nIs that why it helps?",
        transform=ax.transAxes,
        ha="right",
        va="center",
        fontsize=13,
    )
