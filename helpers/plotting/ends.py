"""Names at the ends of lines, where the eye is, in place of a legend at the side."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from helpers.plotting.roles import ink

GID = "end of line"  # the matplotlib id of such a name
SIZE = 10  # points
APART = 1.25 * SIZE  # points between the middles of two names
# A line that ends before this share of the panel's width is named where it ends.
EARLY = 0.8


def label_ends(ax: Axes, *, size: float = SIZE) -> None:
    """Write each line's label at its right end, in the line's colour; call it last.

    The axes must have their final limits and scales. Names that would overlap are moved apart. A
    label that several lines share is written once. Lines without a label, or without a point
    inside the panel, get none.
    """
    ax.get_xlim(), ax.get_ylim()  # matplotlib settles limits only when asked
    ends = {}
    for line in ax.lines:
        label = str(line.get_label())
        if label.startswith("_") or label in ends:
            continue
        if (end := _last_point(ax, line)) is not None:
            ends[label] = (end, line.get_color())
    height = ax.get_position().height * ax.figure.get_figheight() * 72
    wanted = np.array([y * height for (_, y), _ in ends.values()])
    lines = [label.count("\n") + 1 for label in ends]
    for (label, ((x, y), color)), place in zip(
        ends.items(), _apart(wanted, np.array(lines) * APART), strict=True
    ):
        ax.annotate(
            label,
            xy=(max(x, 1.0) if x >= EARLY else x, y),
            xycoords="axes fraction",
            xytext=(7, place - y * height),
            textcoords="offset points",
            va="center",
            ha="left",
            color=ink(color),
            fontsize=size,
            annotation_clip=False,
            gid=GID,
        )


def _last_point(ax: Axes, line: Line2D) -> tuple[float, float] | None:
    """Where a line ends in shares of the panel, None if nothing of it is inside."""
    in_x, in_y = line.get_transform().contains_branch_seperately(ax.transData)
    points = np.ma.filled(np.ma.asarray(line.get_xydata(), dtype=float), np.nan)
    if not in_x and not in_y:
        return None
    data = points[-1:] if not (in_x and in_y) else points[np.isfinite(points).all(axis=1)]
    if not len(data):
        return None
    shares = ax.transAxes.inverted().transform(line.get_transform().transform(data))
    inside = shares[(shares >= -0.001).all(axis=1) & (shares <= 1.001).all(axis=1)]
    return tuple(inside[np.argmax(inside[:, 0])]) if len(inside) else None


def _apart(wanted: np.ndarray, sizes: np.ndarray) -> np.ndarray:
    """Places as near as possible to the wanted ones, each as far from the next as sizes demand.

    Names that crowd are taken together as a block around their mean, until no two blocks touch.
    """
    order = np.argsort(wanted, kind="stable")
    blocks = []  # of each: members, and where its middle wants to be
    for i in order:
        blocks.append([i])
        while len(blocks) > 1 and _bottom(blocks[-1], wanted, sizes) < _top(
            blocks[-2], wanted, sizes
        ):
            last = blocks.pop()
            blocks[-1] = blocks[-1] + last
    places = np.empty(len(wanted))
    for block in blocks:
        edge = _bottom(block, wanted, sizes)
        for i in block:
            places[i] = edge + sizes[i] / 2
            edge += sizes[i]
    return places


def _bottom(block, wanted, sizes) -> float:
    return wanted[block].mean() - sizes[block].sum() / 2


def _top(block, wanted, sizes) -> float:
    return wanted[block].mean() + sizes[block].sum() / 2
