"""Five bars of equal length, each the whole of what a small residual network costs. Batch norm's
share is filled in blue in the first two: under 1 percent of the parameters, 1.4 percent of the
arithmetic. In the other three, bytes moved, memory kept and time of a training step, stands a
question mark.
"""

import numpy as np
import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from helpers import plotting
from helpers.cost import counting
from helpers.torch_nn import models

UNKNOWN = ["bytes moved", "memory kept", "time of a step"]


def draw() -> None:
    """What share of a residual network is batch norm's: two known, three to be found out."""
    shares = {"parameters": _of_parameters(), "arithmetic": _of_operations()}
    names = [*shares, *UNKNOWN]
    (ax,) = plotting.panels(1, width=9.4, height=2.6)
    ax.barh(range(len(names)), 100, 0.66, color="lightgrey")
    for row, share in enumerate(shares.values()):
        ax.barh(row, share, 0.66, color=plotting.BN)
        ax.text(share + 1, row, f"{share:.1f} % is batch norm's", va="center", fontsize=12)
    for row in range(len(shares), len(names)):
        ax.text(50, row, "?", ha="center", va="center", fontsize=13)
    ax.set_yticks(range(len(names)), names, fontsize=12)
    ax.set(xlabel="share of what a small residual network costs in training, in %", xlim=(0, 100))
    ax.invert_yaxis()
    ax.grid(visible=False)


def _model() -> nn.Module:
    """The residual network that the notebook measures."""
    return models.resnet(
        np.random.default_rng(0), width=16, blocks=(1, 1, 1), norm="batch", zero_init=False
    )


def _of_parameters() -> float:
    """Percent of the parameters that are gammas and betas."""
    model = _model()
    norms = [module for module in model.modules() if isinstance(module, nn.BatchNorm2d)]
    own = sum(p.numel() for norm in norms for p in norm.parameters())
    return 100 * own / sum(p.numel() for p in model.parameters())


def _of_operations() -> float:
    """Percent of the operations of a training step that are batch norm's, for one image."""
    model, values = _model(), []
    for module in model.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.register_forward_hook(lambda _, inputs, y: values.append(y.numel()))
    with FlopCounterMode(display=False) as products:
        model(torch.zeros(2, 3, 32, 32)).sum().backward()
    per_value = counting.OPERATIONS["forward"] + counting.OPERATIONS["backward"]
    own = per_value * sum(values)
    return 100 * own / (own + products.get_total_flops())
