"""On the left 32 handwritten digits, a batch of training, and what one unit makes of each: 32
dots, with their mean and their spread. On the right a single digit, as a finished network receives
it, and its one dot. Two questions stand beside it: which mean, which spread?
"""

import numpy as np

from helpers import data, plotting

ROWS, COLUMNS = 4, 8


def draw() -> None:
    """A batch with its statistics, and one sample that has none."""
    images = data.load("digits").flattened()
    weight = 0.3 * np.random.default_rng(5).normal(size=64)
    batch, single = images.x_train[: ROWS * COLUMNS], images.x_test[1]
    values = batch @ weight
    framed = np.pad(batch.reshape(-1, 8, 8), ((0, 0), (1, 1), (1, 1)), constant_values=1.0)
    tiles = framed.reshape(ROWS, COLUMNS, 10, 10).swapaxes(1, 2).reshape(10 * ROWS, 10 * COLUMNS)

    many, dots, one, dot = plotting.panels(
        4, width=2.35, height=2.6, width_ratios=[2.3, 1.3, 1.1, 1.9]
    )
    many.imshow(tiles, cmap="gray", vmin=0, vmax=1)
    many.set_title("a batch in training")
    one.imshow(single.reshape(8, 8), cmap="gray", vmin=0, vmax=1)
    one.set_title("one image at work")
    for ax in (many, one):
        plotting.frame(ax)

    mean, spread = values.mean(), values.std()
    dots.axhspan(mean - spread, mean + spread, color=plotting.BN, alpha=0.2, linewidth=0)
    dots.axhline(mean, **plotting.MEAN)
    dots.plot(np.linspace(0.1, 0.9, len(values)), values, "o", color=plotting.BN, markersize=4)
    dots.set_title("mean and spread")
    dot.plot(0.15, single @ weight, "o", color=plotting.BN, markersize=7)
    dot.text(
        0.35, 0.5, "Which mean?\nWhich spread?", transform=dot.transAxes, fontsize=13, va="center"
    )
    low, high = values.min() - 0.5, values.max() + 0.5
    for ax in (dots, dot):
        ax.set(xlim=(0, 1), ylim=(low, high), xticks=[], yticks=[])
        ax.grid(visible=False)
    dots.set_ylabel("what one unit makes of it")
