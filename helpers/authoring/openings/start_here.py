"""The way through the course: 22 numbered squares in a row, each with the name of its notebook
below. The first eight are blue, Part I, build it; the next eight green, Part II, question it; the
last six purple, Part III, use it.
"""

from matplotlib.patches import FancyBboxPatch

from helpers import plotting
from helpers.contents import NOTEBOOKS
from helpers.plotting.roles import ink

PARTS = (
    ("Part I · build it", "start_here", plotting.BN),
    ("Part II · question it", "covariate_shift", plotting.THIRD),
    ("Part III · use it", "pytorch", plotting.FOURTH),
)
GAP = 0.5  # between two parts, in squares


def draw() -> None:
    """The notebooks in order, by part."""
    (ax,) = plotting.panels(1, width=9.4, height=2.5)
    starts = [NOTEBOOKS.index(first) for _, first, _ in PARTS]
    for place, name in enumerate(NOTEBOOKS):
        part = sum(start <= place for start in starts) - 1
        title, _, color = PARTS[part]
        x = place + GAP * part
        square = FancyBboxPatch(
            (x - 0.36, 0), 0.72, 0.72, boxstyle="round,pad=0,rounding_size=0.12", color=ink(color)
        )
        ax.add_patch(square)
        number = {"ha": "center", "va": "center", "color": "white", "weight": "bold"}
        ax.text(x, 0.35, f"{place:02}", fontsize=11, **number)
        ax.text(
            x + 0.3,
            -0.15,
            name.replace("_", " ").replace("pytorch", "PyTorch").replace("gpu", "GPU"),
            rotation=38,
            ha="right",
            va="top",
            fontsize=9.5,
            rotation_mode="anchor",
        )
        if place in starts:
            ax.text(x - 0.36, 1.0, title, fontsize=13, color=ink(color), weight="bold")
    ax.set(xlim=(-2.2, len(NOTEBOOKS) + 2 * GAP - 0.3), ylim=(-2.8, 1.6), aspect="equal")
    ax.set_axis_off()
