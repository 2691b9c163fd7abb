"""Six handwritten digits in a row. Below each, two small maps: what two filters answer at every
position of the image, purple where the answer is positive and orange where it is negative. One
square of one map has a black frame. The question beside it: with which of the others does this
number share its mean?
"""

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.patches import Rectangle

from helpers import data, plotting
from helpers.numpy_nn import functional as F

IMAGES, SIDE, GAP = 6, 24, 3  # 24: the sides of images and maps, 8 and 6, are enlarged to it
EDGE = np.array([[-1.0, 0.0, 1.0]] * 3)  # dark on the left, bright on the right


def draw() -> None:
    """A batch of images, the channels that two filters make of them, and one value in question."""
    images = data.load("digits").x_train[:IMAGES]
    channels, _ = F.conv2d(images, np.stack([EDGE, EDGE.T])[:, None])
    rows = [
        plt.get_cmap("gray")(images[:, 0]),
        *(plt.get_cmap("PuOr")((maps + 3) / 6) for maps in channels.swapaxes(0, 1)),
    ]
    page = np.concatenate([row(tiles[..., :3]) for tiles in rows])
    (ax,) = plotting.panels(1, width=9.4, height=2.8)
    ax.imshow(page, extent=(0, page.shape[1], page.shape[0], 0))
    step, square = SIDE + GAP, SIDE / 6
    spot = step + 2 * square, step + 2 * square
    ax.add_patch(Rectangle(spot, square, square, fill=False, edgecolor="black", linewidth=2.5))
    for n, name in enumerate(["a batch", "channel 0", "channel 1"]):
        ax.text(-3, step * n + SIDE / 2, name, ha="right", va="center", fontsize=11)
    question = "The number in the\nblack frame: which others\nshare its mean?"
    ax.text(page.shape[1] + 3, 1.5 * step, question, va="center", fontsize=13)
    signs = "purple: above zero\norange: below zero"
    ax.text(page.shape[1] + 3, 2.5 * step, signs, va="center", fontsize=11)
    ax.set_xlim(-35, page.shape[1] + 105)
    ax.axis("off")


def row(tiles: np.ndarray) -> np.ndarray:
    """Tiles (N, H, W, 3) side by side, all SIDE high, in a thin grey frame each."""
    factor = SIDE // tiles.shape[1]
    tiles = tiles.repeat(factor, axis=1).repeat(factor, axis=2)
    edge = np.zeros((SIDE, SIDE), dtype=bool)
    edge[[0, -1]] = edge[:, [0, -1]] = True
    tiles[:, edge] = 0.4
    tiles = np.pad(tiles, ((0, 0), (0, GAP), (0, GAP), (0, 0)), constant_values=1.0)
    return np.concatenate(list(tiles), axis=1)
