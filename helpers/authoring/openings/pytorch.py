"""Sixteen samples of three features go in, each feature as a column of dots at its own height and
width. The batch norm of Part I, in NumPy, puts out three columns of the heights and widths that
gamma and beta say. Beside them stands a closed black box, nn.BatchNorm1d. Does the same come out?
"""

import numpy as np

from helpers import plotting
from helpers.numpy_nn import functional as F

GAMMA, BETA = np.array([1.0, 0.5, 1.5]), np.array([0.0, 2.5, -1.0])
FEATURES = ["feature 0", "1", "2"]


def draw() -> None:
    """A batch, what the layer of Part I makes of it, and the layer in question."""
    x = np.random.default_rng(3).normal(size=(16, 3)) * [0.7, 1.6, 0.3] + [3.0, -1.0, 0.5]
    y, _ = F.batch_norm(x, GAMMA, BETA)
    axes = plotting.panels(3, width=9.4 / 3, height=2.6, sharey=True)
    spread = np.linspace(-0.22, 0.22, len(x))
    for ax, values, color, title in [
        (axes[0], x, "black", "a batch"),
        (axes[1], y, plotting.BN, "what your layer makes of it"),
    ]:
        for feature in range(3):
            ax.plot(feature + spread, values[:, feature], "o", color=color, markersize=3.5)
        ax.set_xticks(range(3), FEATURES)
        ax.set_title(title, fontsize=12)
    axes[0].set_ylabel("value")
    closed = axes[2]
    closed.set_title("and PyTorch's?", fontsize=12)
    low, high = axes[0].get_ylim()
    closed.bar(1, high - low, width=2.6, bottom=low, color="black")
    closed.text(
        1,
        (low + high) / 2,
        "nn.BatchNorm1d(3)\n\n?",
        color="white",
        ha="center",
        va="center",
        fontsize=13,
    )
    closed.set(ylim=(low, high), xlim=axes[1].get_xlim())
    closed.set_xticks(range(3), FEATURES)
    closed.grid(visible=False)
    for ax in axes:
        ax.set_xlim(-0.5, 2.5)
