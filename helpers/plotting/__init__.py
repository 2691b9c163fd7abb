"""Figures from arrays, in one style and one colour-blind-safe palette (Okabe & Ito 2008).

Each arm has a colour, a marker and a dash (`roles`): batch norm is always blue with dots, the plain
network orange with squares. Theory is dashed black, and nothing else is. Importing this module sets
matplotlib's style for the session, and lets each figure in a notebook say in words what it shows
(`describe`).
"""

from collections.abc import Iterable, Mapping

import matplotlib.pyplot as plt
import numpy as np
from IPython import get_ipython
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib_inline.config import InlineBackend

from helpers.plotting import ticks
from helpers.plotting.describe import describe
from helpers.plotting.ends import label_ends  # noqa: F401, for notebooks
from helpers.plotting.looks import (
    BLUE,
    GREEN,
    GREY,
    ORANGE,
    PURPLE,
    SKY,
    VERMILION,
)
from helpers.plotting.numbers import GID
from helpers.plotting.operation import operation  # noqa: F401, for notebooks
from helpers.plotting.roles import reference, role_of, style

BN, PLAIN, THIRD, FOURTH, FIFTH, SIXTH = BLUE, ORANGE, GREEN, PURPLE, SKY, VERMILION
THEORY, MEAN = reference("theory"), reference("mean")
CHANCE, FLOOR = reference("chance"), reference("floor")
WIDEST = 9.5  # inches; as wide as a notebook's page

plt.rcdefaults()  # a matplotlibrc of the user's own must not hide what figures show
plt.rcParams.update(
    {
        "figure.figsize": (6.4, 3.6),
        "figure.dpi": 96,
        "figure.constrained_layout.use": True,
        "font.size": 11,
        "axes.spines.top": False,
        "axes.spines.right": False,
        "axes.grid": True,
        "grid.alpha": 0.3,
        "axes.titlesize": 11,
        "xtick.labelsize": 10,
        "ytick.labelsize": 10,
        "legend.fontsize": 10,
        "axes.prop_cycle": plt.cycler(color=[BLUE, ORANGE, GREEN, VERMILION, PURPLE, SKY, "black"]),
        "legend.frameon": False,
        "image.cmap": "cividis",
    }
)
ticks.install()
# Twice the pixels, shown at the size of the figure: sharp on a projector and on paper.
if shell := get_ipython():
    InlineBackend.instance(parent=shell).figure_formats = {"retina"}


def _print_description(figure, printer, cycle) -> None:
    try:
        text = describe(figure)
    except Exception:  # a learner's own drawing is shown, whatever is in it
        text = repr(figure)
    printer.text(text)


# IPython's protocol for the text that stands beside the picture, which the tests compare. Not a
# registered formatter: IPython forgets that whenever the format of the pictures is chosen.
Figure._repr_pretty_ = _print_description


def mark_measured(*artists: Artist) -> None:
    """Say that the numbers in these figures, panels or marks differ from run to run.

    Times do, and so does whatever amplifies rounding, such as networks of 20 layers. Descriptions
    write such numbers as `(measured ...)`; titles, labels and counts are compared all the same.
    """
    for artist in artists:
        artist.set_gid(GID)


def panels(
    columns: int,
    *,
    rows: int = 1,
    height: float = 3.4,
    width: float = 4.2,
    measured: bool = False,
    **kwargs,
) -> list[Axes]:
    """Return `rows * columns` axes, row by row; sizes in inches per panel.

    Panels that together were wider than the page are made narrower. measured: whether what they
    will show differs from run to run, as `mark_measured` says.
    """
    width = min(width, WIDEST / columns)
    size = width * columns, height * rows
    figure, axes = plt.subplots(rows, columns, figsize=size, squeeze=False, **kwargs)
    if measured:
        mark_measured(figure)
    return list(axes.flat)


def curve(ax: Axes, x, y, *, color: str, label: str | None = None, **kwargs) -> None:
    """Draw a line with the marker and the dash of its colour's role. y: (len(x),)."""
    look = style(color, len(x)) if role_of(color) else {"color": color}
    ax.plot(x, y, **{**look, "label": label, **kwargs})


def band(ax: Axes, x, runs, *, color: str, label: str | None = None, **kwargs) -> None:
    """Draw the median over runs as a line and their range as a band. runs: (seeds, len(x))."""
    runs = np.asarray(runs)
    curve(ax, x, np.median(runs, axis=0), color=color, label=label, **kwargs)
    ax.fill_between(x, runs.min(axis=0), runs.max(axis=0), color=color, alpha=0.2, linewidth=0)


def per_seed(
    ax: Axes,
    groups: Mapping[str, Iterable[float]] | Iterable[tuple[str, Iterable[float]]],
    *,
    colors: Iterable[str],
) -> None:
    """Draw one column of markers per group, one for each seed, and a bar at the median.

    groups: the values by their label. Pairs of the two where a label names what was measured, such
    as a best rate: two of them can be equal, and a dictionary would keep one.
    """
    groups = list(groups.items() if isinstance(groups, Mapping) else groups)
    for position, ((_, values), color) in enumerate(zip(groups, colors, strict=True)):
        values = np.asarray(list(values), dtype=float)
        # A fixed spread keeps equal values apart without a random number.
        offsets = np.linspace(-0.12, 0.12, values.size) if values.size > 1 else np.zeros(1)
        role = role_of(color)
        marker = role.marker if role else "o"
        ax.plot(position + offsets, values, marker, color=color, alpha=0.8)
        ax.hlines(np.median(values), position - 0.25, position + 0.25, color="black")
    ax.set_xticks(range(len(groups)), [label for label, _ in groups])
    ax.set_xlim(-0.6, len(groups) - 0.4)


def frame(ax: Axes) -> None:
    """Put a thin frame, without ticks, around an image whose edge may be as light as the page."""
    ax.set(xticks=[], yticks=[])
    ax.grid(visible=False)
    for spine in ax.spines.values():
        spine.set(visible=True, color=GREY, linewidth=0.8)


def images(x, titles: Iterable[str] | None = None, *, size: float = 1.2) -> None:
    """Show images in a row. x: (N, C, H, W) with C = 1 or 3, values in [0, 1]."""
    x = np.clip(np.asarray(x), 0, 1)
    axes = panels(len(x), height=size + (0.35 if titles else 0), width=size)
    for ax, image in zip(axes, x, strict=True):
        ax.imshow(image.transpose(1, 2, 0).squeeze(), cmap="gray", vmin=0, vmax=1)
        frame(ax)
    for ax, title in zip(axes, titles or [], strict=False):
        ax.set_title(title, fontsize=10)
