"""Two landscapes of a loss, side by side. In both the gradient at the start promises the same
descent, drawn as a dashed line. On the left the landscape is full of bumps, and a step along the
gradient ends higher than it began; on the right it is even, and the same step ends lower. An arrow
with a question mark leads from the left to the right: is this what batch norm does, and is that why
it trains faster?
"""

import numpy as np

from helpers import plotting

START, STEP = 0.5, 1.5  # where the walk begins, and how far it goes
APART = 6.4


def even(x):
    """The even landscape."""
    return 1.6 - 0.7 * x + 0.1 * x**2


def bumpy(x):
    """The same with bumps that leave value and slope at START as they were."""
    return even(x) + 0.4 * (1 - np.cos(2 * np.pi * (x - START)))


def draw() -> None:
    """Both landscapes with the promise of the gradient and the step that trusts it."""
    (ax,) = plotting.panels(1, width=9.4, height=2.7)
    x = np.linspace(0, 3.4, 200)
    slope = -0.7 + 0.2 * START
    for left, landscape in [(0, bumpy), (APART, even)]:
        ax.plot(left + x, landscape(x), color="black")
        walk = np.array([START, START + STEP])
        ax.plot(left + walk, even(START) + slope * (walk - START), **plotting.THEORY)
        ax.plot(left + walk, landscape(walk), "o", color="black", markersize=9)
        promise = "what the gradient\npromises"
        ax.text(left + 1.9, 0.05, promise, ha="right", va="bottom", fontsize=11)
    middle = (3.4 + APART) / 2
    ax.annotate(
        "", (APART - 0.3, 1.6), (3.7, 1.6), arrowprops={"arrowstyle": "-|>", "linewidth": 2}
    )
    ax.text(middle, 1.75, "batch norm?", ha="center", va="bottom", fontsize=13)
    ax.text(middle, 1.4, "And is that why\nit trains faster?", ha="center", va="top", fontsize=13)
    ax.set(xlabel="along the gradient", ylabel="loss", xticks=[], yticks=[], ylim=(0, 2.5))
    ax.grid(visible=False)
