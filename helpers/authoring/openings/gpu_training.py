"""A schematic of two rows of bars on a time axis in microseconds. In the upper row Python launches
ten kernels, one after the other and each in the same time. In the lower row the GPU computes them,
some long and some short, none before its launch. In places the GPU has nothing to do, and these
gaps are hatched. What would close the gaps?
"""

from itertools import pairwise

from helpers import plotting

LAUNCH = 6.0  # microseconds, the same for every kernel
# A residual block and what follows: (kernel, how long the GPU computes it).
KERNELS = [
    ("conv", 12),
    ("bn", 4),
    ("relu", 2),
    ("conv", 10),
    ("bn", 4),
    ("+", 2),
    ("relu", 2),
    ("mean", 2),
    ("linear", 3),
    ("loss", 2),
]


def draw() -> None:
    """When Python has launched each kernel, and when the GPU computes it."""
    spans, free = [], 0.0  # (start, length) of each kernel, and when the GPU is done
    for place, (_, length) in enumerate(KERNELS):
        start = max(free, LAUNCH * (place + 1))
        spans.append((start, length))
        free = start + length
    (ax,) = plotting.panels(1, width=9.4, height=2.5)
    look = {"height": 0.62, "edgecolor": "white", "linewidth": 1.5}
    launches = [LAUNCH * place for place in range(len(KERNELS))]
    ax.barh([1] * len(KERNELS), LAUNCH, left=launches, color="#BBBBBB", **look)
    starts, lengths = zip(*spans, strict=True)
    norms = [name == "bn" for name, _ in KERNELS]
    colors = [plotting.BN if norm else plotting.SKY for norm in norms]
    ax.barh([0] * len(KERNELS), lengths, left=starts, color=colors, **look)
    gaps = [(a + length, b - a - length) for (a, length), (b, _) in pairwise(spans)]
    gaps = [(0, LAUNCH)] + [gap for gap in gaps if gap[1] > 0]
    ends, widths = zip(*gaps, strict=True)
    look |= {"facecolor": "white", "edgecolor": plotting.GREY, "hatch": "////", "linewidth": 0}
    ax.barh([0] * len(gaps), widths, left=ends, **look)
    for launch, (name, length), start in zip(launches, KERNELS, starts, strict=True):
        ax.text(launch + LAUNCH / 2, 1, name, ha="center", va="center", fontsize=11)
        arrow = {"arrowstyle": "->", "color": "black", "linewidth": 0.8}
        ax.annotate("", (start, 0.33), (launch + LAUNCH, 0.67), arrowprops=arrow)
        if name == "conv":
            ax.text(start + length / 2, 0, name, ha="center", va="center", fontsize=11)
        elif name == "bn":
            ax.text(
                start + length / 2, 0, name, ha="center", va="center", fontsize=11, color="white"
            )
    ax.set_yticks([1, 0], ["Python\nlaunches", "the GPU\ncomputes"])
    ax.set(xlabel="time in microseconds (a schematic)", xlim=(0, 86), ylim=(-0.45, 1.45))
    ax.grid(visible=False)
    ax.text(64, 0.5, "hatched: the GPU waits.\nWhat closes the gaps?", va="center", fontsize=13)
