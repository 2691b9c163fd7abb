"""Two tables of six rows and three columns. On the left a batch x: six samples, three features. On
the right y, what batch norm makes of it, with a single number in view, 1.72 in the fourth row and
the middle column; all others are hidden. A question stands between them: which numbers on the left
does the one on the right depend on?
"""

import numpy as np
from matplotlib.patches import FancyArrowPatch, Rectangle

from helpers import plotting
from helpers.numpy_nn import functional as F
from helpers.plotting.looks import PALE_BLUE
from helpers.plotting.roles import ink

SHOWN = 3, 1  # row and column of the number in view
WIDE, HIGH = 1.1, 0.5


def draw() -> None:
    """A batch, and one number of what batch norm makes of it."""
    x = np.array([[2, 30, 7], [4, 10, 7], [6, 20, 8], [8, 40, 6], [5, 10, 9], [3, 20, 5]], float)
    y, _ = F.batch_norm(x, np.ones(3), np.zeros(3))
    (ax,) = plotting.panels(1, width=9.4, height=2.6)
    right = 10.2
    for row, column in np.ndindex(x.shape):
        _cell(ax, 0, row, column, f"{x[row, column]:g}", shown=False)
        shown = (row, column) == SHOWN
        _cell(ax, right, row, column, f"{y[row, column]:.2f}" if shown else "", shown=shown)
    for left, name in [(0, "x"), (right, "y")]:
        ax.text(left + 1.5 * WIDE, 6 * HIGH + 0.25, name, ha="center", fontsize=13)
    ax.text(-0.3, 3 * HIGH, "samples", rotation=90, ha="center", va="center", fontsize=11)
    ax.text(1.5 * WIDE, -0.2, "features", ha="center", va="top", fontsize=11)
    ax.add_patch(
        FancyArrowPatch((3.6, 1.0), (right - 0.2, 1.0), arrowstyle="-|>", mutation_scale=18)
    )
    ax.text(6.8, 1.15, "batch norm", ha="center", va="bottom", fontsize=13, color=ink(plotting.BN))
    ax.text(
        6.8,
        0.75,
        "Which numbers on the left\ndoes the one on the right depend on?",
        ha="center",
        va="top",
        fontsize=12,
    )
    ax.set(xlim=(-0.6, right + 3 * WIDE + 0.1), ylim=(-0.6, 3.6))
    ax.set_axis_off()


def _cell(ax, left, row, column, text, *, shown) -> None:
    x, y = left + column * WIDE, (5 - row) * HIGH
    box = {"edgecolor": plotting.GREY, "linewidth": 0.8}
    ax.add_patch(Rectangle((x, y), WIDE, HIGH, facecolor=PALE_BLUE if shown else "white", **box))
    if text:
        weight = "bold" if shown else "normal"
        ax.text(x + WIDE / 2, y + HIGH / 2, text, ha="center", va="center", weight=weight)
