"""Batch norm as a picture: a batch as a table, one column of it, its mean and variance, x_hat."""

import numpy as np
from matplotlib.patches import FancyArrowPatch, Rectangle

from helpers.plotting.looks import BLUE, GREY, PALE_BLUE
from helpers.plotting.roles import ink

CELL = 0.9, 0.5  # width and height of one value


def operation(ax, x, *, eps: float = 1e-5) -> None:
    """Draw how the last column of a batch is normalized. x: (N, C), a few samples and features."""
    mu, var = x[:, -1].mean(), x[:, -1].var()
    x_hat = (x - x.mean(axis=0)) / np.sqrt(x.var(axis=0) + eps)
    samples, features = x.shape
    wide, high = features * CELL[0], samples * CELL[1]
    middle, numbers, formula = high / 2, wide + 1.9, wide + 4.9
    right = formula + 2.2
    _table(ax, 0, x, "{:g}")
    _table(ax, right, x_hat, "{:.2f}")
    centred = {"ha": "center", "va": "center"}
    for left, name in [(0, "x"), (right, "x_hat")]:
        ax.text(left + wide / 2, -0.4, name, fontsize=12, family="monospace", **centred)
    ax.text(-0.3, middle, "N samples", rotation=90, **centred)
    ax.text(wide / 2, high + 0.3, "C features", **centred)
    for y, text in [(middle + 0.55, f"mu = {mu:g}"), (middle - 0.55, f"var = {var:g}")]:
        ax.text(numbers, y, text, fontsize=12, color=ink(BLUE), family="monospace", **centred)
        _arrow(ax, (wide + 0.1, middle), (numbers - 0.9, y))
        _arrow(ax, (numbers + 0.9, y), (formula - 1.3, middle + np.sign(y - middle) * 0.1))
    ax.text(formula, middle, "(x - mu)\n/ sqrt(var + eps)", family="monospace", **centred)
    _arrow(ax, (formula + 1.35, middle), (right - 0.1, middle))
    ax.set(xlim=(-0.6, right + wide + 0.1), ylim=(-0.7, high + 0.6), aspect="equal")
    ax.set_axis_off()


def _table(ax, left, values, form) -> None:
    width, height = CELL
    samples, features = values.shape
    for row, col in np.ndindex(samples, features):
        x, y = left + col * width, (samples - 1 - row) * height
        own = col == features - 1
        ax.add_patch(
            Rectangle(
                (x, y),
                width,
                height,
                facecolor=PALE_BLUE if own else "white",
                edgecolor=GREY,
                linewidth=0.8,
            )
        )
        text = form.format(values[row, col])
        ax.text(
            x + width / 2,
            y + height / 2,
            text,
            ha="center",
            va="center",
            color="black" if own else GREY,
        )
    ax.add_patch(
        Rectangle(
            (left + (features - 1) * width, 0),
            width,
            samples * height,
            fill=False,
            edgecolor=BLUE,
            linewidth=2.5,
        )
    )


def _arrow(ax, start, end) -> None:
    ax.add_patch(
        FancyArrowPatch(start, end, arrowstyle="-|>", mutation_scale=12, color="black", linewidth=1)
    )
