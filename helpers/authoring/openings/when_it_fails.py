"""Three batches of digits: sixteen mixed ones, two, and sixteen sevens. Is one mean for the whole
batch right for each? Beside them a block of numbers with the edges images, channels and positions,
and a question mark on it: who shares a mean?
"""

import numpy as np

from helpers import data, plotting


def draw() -> None:
    """Three batches, and the block whose numbers some norm has to divide into groups."""
    digits = data.load("digits")
    images, labels = digits.x_train[:, 0], digits.y_train
    two = np.zeros((16, 8, 8))
    two[[5, 6]] = images[[40, 41]]
    batches = {"many": images[:16], "two": two, "sevens": images[labels == 7][:16]}
    *axes, last = plotting.panels(4, width=9.4 / 4, height=2.7)
    for ax, (name, batch) in zip(axes, batches.items(), strict=True):
        tiles = np.pad(batch, ((0, 0), (1, 1), (1, 1)))
        sheet = tiles.reshape(4, 4, 10, 10).swapaxes(1, 2).reshape(40, 40)
        ax.imshow(sheet, cmap="gray_r")
        ax.set_title(f"a batch of {name}", fontsize=12)
        plotting.frame(ax)
    axes[1].set_xlabel("One mean for the whole batch?", fontsize=13)
    _block(last)


def _block(ax) -> None:
    """The numbers of a batch of images as a block in three directions."""
    front, depth = np.arange(5), np.arange(4)[:, None] / 2
    sides = [
        (front, front[:, None], 1),
        (front + depth, 4 + 0.8 * depth, 0.65),
        (4 + depth.T, front[:, None] + 0.8 * depth.T, 0.8),
    ]
    for x, y, alpha in sides:
        x, y = np.broadcast_arrays(x, y)
        pale = np.zeros((len(x) - 1, x.shape[1] - 1))
        look = {"cmap": "Blues", "vmin": -0.15, "vmax": 1.2, "alpha": alpha}
        ax.pcolormesh(x, y, pale, edgecolors=plotting.GREY, linewidth=0.6, **look)
    ax.text(2, 2, "?", ha="center", va="center", fontsize=30)
    ax.text(2, -0.2, "channels", ha="center", va="top", fontsize=11)
    ax.text(-0.2, 2, "positions", rotation=90, ha="right", va="center", fontsize=11)
    ax.text(5.0, 0.4, "images", ha="left", va="center", fontsize=11, rotation=39)
    ax.set_title("Who shares a mean?", fontsize=13)
    ax.set_aspect("equal")
    ax.axis("off")
