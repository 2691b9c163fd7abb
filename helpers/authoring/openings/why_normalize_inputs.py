"""The same forty hikes in three panels, a mark for each hike, the number of rest stops over the
distance, both relative to the average, all on the same scale. With the distance in kilometres they
make a long flat cloud. In units of ten kilometres it is narrow and upright. With both in standard
deviations it is about as wide as high. The question above them: why should training care?
"""

import numpy as np

from helpers import plotting


def draw() -> None:
    """The hikes of the notebook, written in three ways."""
    rng = np.random.default_rng(1)
    distance = rng.uniform(4, 20, 40)
    stops = np.round(distance / 8 + rng.normal(0, 0.8, 40)).clip(0)
    hikes = np.column_stack([distance, stops])
    x = hikes - hikes.mean(axis=0)
    ways = [
        ("distance in km", x, plotting.PLAIN),
        ("distance in tens of km", x / [10, 1], plotting.PLAIN),
        ("both in standard deviations", x / x.std(axis=0), plotting.BN),
    ]
    panels = plotting.panels(3, width=9.4 / 3, height=2.5)
    for ax, (title, values, color) in zip(panels, ways, strict=True):
        plotting.curve(ax, *values.T, color=color, linestyle="", markevery=1, alpha=0.6)
        ax.set_title(title, fontsize=11)
        ax.set(
            aspect="equal", xlim=(-9, 9), ylim=(-4.5, 4.5), xlabel="distance, relative to average"
        )
        ax.set(xticks=[-8, -4, 0, 4, 8], yticks=[-4, 0, 4])
    panels[0].set(ylabel="rest stops,\nrelative to average")
    question = "The same forty hikes, three times. Why should training care how they are written?"
    panels[0].figure.suptitle(question, fontsize=13)
