"""Six samples of a batch, x on the left and y on the right. Every x has an arrow to its own y and
another into a box in the middle, the mean and the variance of the batch, from which an arrow leads
to every y. At the right a bar for each y: the slope of the loss that arrives there. At the left a
question mark at the third sample: how much of all this reaches it?
"""

import numpy as np

from helpers import plotting

SLOPES = np.array([0.5, -0.3, 0.9, -0.7, 0.2, -0.5])
SAMPLE = 2
HEIGHTS = np.array([2.5, 2.15, 1.8, 0.9, 0.55, 0.2])
LEFT, BOX, RIGHT = 3.1, 4.6, 6.1


def draw() -> None:
    """All the ways from the slopes at the outputs to one input."""
    (ax,) = plotting.panels(1, width=9.4, height=2.7)
    middle = HEIGHTS.mean()
    for n, height in enumerate(HEIGHTS):
        road = plotting.SIXTH if n == SAMPLE else plotting.GREY
        rise = height - middle
        ways = [
            (LEFT, height, RIGHT - LEFT - 0.15, 0),
            (LEFT, height, BOX - LEFT - 0.9, -rise * 0.8),
            (BOX + 0.8, middle + rise * 0.2, RIGHT - BOX - 0.95, rise * 0.8),
        ]
        ax.quiver(
            *zip(*ways, strict=True),
            color=road,
            alpha=0.8,
            angles="xy",
            scale_units="xy",
            scale=1,
            width=0.0018,
        )
        ax.text(LEFT - 0.15, height, f"x{n + 1}", ha="right", va="center", fontsize=11)
        ax.text(RIGHT, height, f"y{n + 1}", ha="left", va="center", fontsize=11)
    box = {"boxstyle": "round,pad=0.5", "facecolor": "white", "edgecolor": "black"}
    ax.text(BOX, middle, "mean and variance\nof the batch", ha="center", va="center", bbox=box)
    ax.barh(HEIGHTS, SLOPES, left=7.6, height=0.26, color="black")
    ax.axvline(7.6, color="black", linewidth=0.8)
    ax.text(8.7, middle, "the slope\nthat arrives\nat each y", va="center", fontsize=12)
    ax.text(0.1, HEIGHTS[SAMPLE], "How much of it\nreaches this x?", va="center", fontsize=13)
    ax.text(2.35, HEIGHTS[SAMPLE], "?", ha="center", va="center", fontsize=22, color=plotting.SIXTH)
    ax.set(xlim=(0, 9.8), ylim=(0, 2.7))
    ax.axis("off")
