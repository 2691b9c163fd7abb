"""Two boxes, process 0 on the left and process 1 on the right, each with four numbers, its half of
a batch of eight, and with their sum. Between them stands a box, all-reduce. Each process sends its
sum there, and each gets back the sum of both. Is that one batch of eight, or are there two of four?
"""

import numpy as np

from helpers import plotting


def draw() -> None:
    """Two processes, the shares of a batch, and the sums that go between them."""
    shares = np.random.default_rng(19).normal(size=(2, 4)).round(1) + 0.5
    sums = shares.sum(axis=1)
    (ax,) = plotting.panels(1, width=9.4, height=2.6)
    centre = {"ha": "center", "va": "center"}
    for rank, (left, color) in enumerate([(0.0, plotting.THIRD), (6.6, plotting.FOURTH)]):
        ax.bar(left + 1.5, 2.3, width=3.0, fill=False, edgecolor="black", linewidth=1.2)
        ax.text(left + 1.5, 2.0, f"process {rank}, a copy of the network", fontsize=11, **centre)
        places = left + 0.45 + 0.7 * np.arange(4)
        ax.bar(places, 0.55, width=0.6, bottom=1.15, color=color, alpha=0.45)
        for place, value in zip(places, shares[rank], strict=True):
            ax.text(place, 1.425, f"{value:.1f}", fontsize=12, **centre)
        ax.text(left + 1.5, 0.85, "its half of the batch", fontsize=11, **centre)
        ax.text(left + 1.5, 0.35, f"sum {sums[rank]:.1f}", fontsize=12, **centre)
        inner, outer = (3.05, 3.9) if rank == 0 else (6.55, 5.7)
        for height, start, end, value in [
            (1.7, inner, outer, sums[rank]),
            (1.05, outer, inner, sums.sum()),
        ]:
            arrow = {"arrowstyle": "->", "color": "black", "linewidth": 1.5}
            ax.annotate("", (end, height), (start, height), arrowprops=arrow)
            ax.text((start + end) / 2, height + 0.17, f"{value:.1f}", fontsize=11, **centre)
    ax.bar(4.8, 1.2, width=1.7, bottom=0.8, color="#E8E8E8", edgecolor="black")
    total = " + ".join(f"{value:.1f}" for value in sums) + f"\n= {sums.sum():.1f}"
    ax.text(4.8, 1.4, f"all-reduce\n{total}", fontsize=12, **centre)
    ax.text(4.8, 0.3, "One batch of eight,\nor two of four?", fontsize=13, **centre)
    ax.set(xlim=(-0.1, 9.7), ylim=(-0.05, 2.35))
    ax.axis("off")
