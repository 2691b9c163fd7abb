"""An empty table. Its lines are six explanations of batch norm: covariate shift, smoothing, larger
rates, length and direction, regularization, gradients and depth. Its columns are seven claims of
the notebooks before. In each cell stands a pale square. At the right the three marks that wait for
their places: a blue dot, supports; a black cross, contradicts; a grey dash, silent.
"""

import textwrap

from helpers import plotting
from helpers.explanations import EXPLANATIONS, WAYS

CLAIMS = (
    "noisy-trains-alike",
    "smooths-the-objective",
    "largest-usable-rate",
    "stabilizes-growth",
    "depth-trainable-by-norm",
    "dropout-needed-less",
    "no-harm-with-wrong-labels",
)
MARKS = {
    "supports": ("o", plotting.BN),
    "contradicts": ("X", "black"),
    "silent": ("_", plotting.GREY),
}


def draw() -> None:
    """The table, and the marks beside it."""
    (ax,) = plotting.panels(1, width=9.4, height=2.8)
    columns, lines = len(CLAIMS), len(EXPLANATIONS)
    for line in range(lines):
        ax.plot(range(columns), [line] * columns, "s", color="0.88", markersize=14)
    names = [textwrap.fill(name.replace("-", " "), 10) for name in CLAIMS]
    ax.set_xticks(range(columns), names, fontsize=11)
    ax.set_yticks(range(lines), EXPLANATIONS, fontsize=12)
    ax.xaxis.tick_top()
    ax.tick_params(length=0)
    for line, way in zip((1.5, 2.75, 4), WAYS, strict=True):
        marker, color = MARKS[way]
        ax.plot(7.1, line, marker, color=color, markersize=11, markeredgewidth=2)
        ax.text(7.35, line, f"{way}?", fontsize=12, va="center")
    ax.set(xlim=(-0.5, 8.6), ylim=(lines - 0.5, -0.5))
    ax.spines[:].set_visible(False)
    ax.grid(visible=False)
