"""Weights of three units as arrows of one direction: two units of length, one, and a half. Beside
them what the units compute for the same images, a wide, a medium and a narrow histogram. Behind
batch norm all three histograms are the same, and a question stands beside them: what is the length
still good for?
"""

import numpy as np

from helpers import data, plotting
from helpers.numpy_nn import functional as F

LENGTHS = (2.0, 1.0, 0.5)  # from the top row to the lowest
RATIOS = [4, 5, 5, 4]


def draw() -> None:
    """One direction, three lengths: the weights, their outputs, and those behind batch norm."""
    x = data.load("digits").flattened().x_test
    x = x - x.mean(axis=0)
    weight = np.random.default_rng(5).normal(size=64)
    outputs = x @ weight / np.std(x @ weight)
    axes = plotting.panels(4, width=9.4 / 4, height=2.6, width_ratios=RATIOS)
    weights, before, behind, question = axes
    bins = np.linspace(-6, 6, 61)
    for place, length in enumerate(LENGTHS):
        bottom = len(LENGTHS) - 1 - place
        weights.quiver(
            0, bottom + 0.35, length, 0, angles="xy", scale_units="xy", scale=1, width=0.02
        )
        weights.text(0, bottom + 0.5, f"length {length:g}", fontsize=11)
        normed, _ = F.batch_norm(length * outputs[:, None], np.ones(1), np.zeros(1))
        for ax, values in [(before, length * outputs), (behind, normed[:, 0])]:
            heights, _ = np.histogram(values, bins, density=True)
            top = bottom + 0.85 * heights / heights.max()
            ax.fill_between(bins[:-1], bottom, top, color=plotting.BN, step="post", linewidth=0)
    for ax, title in zip(axes, ["weights", "outputs", "behind batch norm"], strict=False):
        ax.set_title(title, fontsize=12)
    weights.set_xlim(-0.1, 2.3)
    for ax in (before, behind):
        ax.set(xlim=(-6, 6), xticks=[-4, 0, 4])
        ax.spines["left"].set_visible(False)
    words = "What is the\nlength of the\nweights still\ngood for?"
    question.text(0, 1.4, words, fontsize=13, va="center")
    for ax in axes:
        ax.set(ylim=(-0.1, 3), yticks=[])
    for ax in (weights, question):
        ax.axis("off")
