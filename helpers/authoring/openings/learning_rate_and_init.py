"""Two maps with the same axes: the factor on the initial weights from left to right, the learning
rate from bottom to top. On the left the plain network: of 195 combinations a few dark ones, at the
factors 1 and 3 and at rates up to 0.3, get most test images right, all others are light. The map on
the right, for batch norm, is empty but for a mark at factor 1 and rate 0.1 and arrows that lead up,
to the left and to the right, with questions: larger steps, careless weights?
"""

import numpy as np

from helpers import plotting, records


def edges(values) -> np.ndarray:
    """The borders between values that lie evenly on a logarithmic axis."""
    logs = np.log10(values)
    half = (logs[1] - logs[0]) / 2
    return 10 ** np.append(logs - half, logs[-1] + half)


def draw() -> None:
    """The recorded map of the plain network, and the open one of batch norm."""
    runs = [
        run for run in records.load("learning_rate_and_init")["runs"] if not run["setting"]["norm"]
    ]
    rates = runs[0]["result"]["rates"]
    gains = sorted({run["setting"]["gain"] for run in runs})
    typical = [
        np.median([r["result"]["accuracy"] for r in runs if r["setting"]["gain"] == g], axis=0)
        for g in gains
    ]
    plain, norm = plotting.panels(2, width=4.7, height=2.8, sharex=True, sharey=True)
    plain.pcolormesh(
        edges(gains), edges(rates), np.transpose(typical), cmap="Oranges", vmin=0, vmax=1
    )
    norm.plot(1, 0.1, "o", color=plotting.BN, markersize=9)
    for end in [(1, 40), (100, 0.1), (1e-4, 0.1)]:
        norm.annotate("", end, (1, 0.1), arrowprops={"arrowstyle": "-|>", "color": "black"})
    norm.text(0.6, 4, "larger steps?", ha="right", va="center", fontsize=13)
    norm.text(0.5, 0.03, "careless weights?", ha="right", va="top", fontsize=13)
    plain.set(title="plain: the darker, the better it learns", xscale="log", yscale="log")
    plain.set(ylabel="learning rate", xlabel="factor on the initial weights")
    norm.set(title="with batch norm?", xlabel="factor on the initial weights")
    for ax in (plain, norm):
        ax.set(xticks=[1e-4, 1e-2, 1, 100], yticks=[1e-4, 1e-2, 1, 100])
        ax.grid(visible=False)
