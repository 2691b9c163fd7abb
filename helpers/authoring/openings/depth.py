"""Three chains of layers, and below each a panel for the length of a gradient that is sent back
through fifty layers. Plain layers: with the customary weights it keeps its length, with weights a
fifth longer it explodes, with weights a fifth shorter it vanishes. The panels for layers with
batch norm, and for such layers with skip connections, are still empty: a question mark each.
"""

import numpy as np
from matplotlib.patches import Rectangle

from helpers import plotting, probes
from helpers.numpy_nn.models import mlp
from helpers.numpy_nn.modules import Sequential

LAYERS, WIDTH = 50, 64
BOXES = 7  # of the chain above each panel


def draw() -> None:
    """What plain layers do to a gradient, and two panels to think about."""
    names = ["plain", "with batch norm", "with batch norm and skips"]
    axes = plotting.panels(3, rows=2, width=9.4 / 3, height=1.35, height_ratios=[1, 4])
    for ax, name in zip(axes[:3], names, strict=True):
        _chain(ax, norm="norm" in name, skips="skips" in name)
        ax.set_title(name, fontsize=12)
    passed = np.arange(LAYERS + 1)
    for factor, place in [(1.2, (20, 2e4)), (1, (27, 3)), (0.8, (2, 1e-5))]:
        plotting.curve(axes[3], passed, _lengths(factor), color=plotting.PLAIN)
        axes[3].text(*place, f"weights × {factor:g}", fontsize=11)
    for ax in axes[3:]:
        ax.set(yscale="log", ylim=(1e-6, 1e6), xlim=(0, LAYERS), xlabel="layers passed")
        ax.set_yticks([1e-4, 1, 1e4])
        ax.minorticks_off()
    for ax in axes[4:]:
        ax.plot(0, 1, "o", color="black")
        ax.text(LAYERS / 2, 1, "?", fontsize=28, ha="center", va="center")
    axes[3].set_ylabel("length of\nthe gradient")


def _lengths(factor: float) -> np.ndarray:
    """Norms of a gradient behind 0, 1, ... plain ReLU layers on its way back, relative."""
    rng = np.random.default_rng(3)
    std = factor * np.sqrt(2 / WIDTH)
    net = mlp((WIDTH,) * (LAYERS + 2), rng, norm=False, std=std)
    layers = [Sequential(*net[1 + 2 * i : 3 + 2 * i]) for i in range(LAYERS)]
    x, dy = rng.normal(size=(2, 128, WIDTH))
    norms = np.asarray(probes.gradient_norms(Sequential(*layers), x, dy))
    return (norms / norms[-1])[::-1]


def _chain(ax, *, norm: bool, skips: bool) -> None:
    """A chain of layers; batch norm is a blue bar in each, a skip an arc over it."""
    ax.set(xlim=(-0.6, BOXES + 0.1), ylim=(-0.1, 1.7))
    ax.axis("off")
    ax.plot([-0.5, BOXES], [0.5, 0.5], color=plotting.GREY, zorder=0)
    for place in range(BOXES):
        ax.add_patch(Rectangle((place, 0), 0.6, 1, facecolor="white", edgecolor="black"))
        if norm:
            ax.add_patch(Rectangle((place + 0.05, 0.06), 0.16, 0.88, color=plotting.BN))
        if skips:
            turn = np.linspace(0, np.pi, 20)
            ax.plot(
                place + 0.3 + 0.48 * np.cos(turn), 0.5 + 1.1 * np.sin(turn), color=plotting.GREY
            )
