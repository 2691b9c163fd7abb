"""Whether a figure can be read: at the size of the page, and by who sees no colours.

Looking at every picture after every change is beyond anybody; what went wrong before is found by
rules. A picture that passes them still has to be looked at once.
"""

from collections.abc import Iterator
from itertools import combinations

import numpy as np
from matplotlib import colors
from matplotlib.lines import Line2D
from matplotlib.text import Text
from matplotlib.ticker import NullFormatter

from helpers import plotting
from helpers.plotting import looks
from helpers.plotting.describe import axes
from helpers.plotting.lines import endless
from helpers.plotting.roles import role_of

SMALLEST = 9  # points
TOUCH = 1.0  # points by which two texts may reach into each other
_BLACK, _GREY = colors.to_rgb("black"), colors.to_rgb(looks.GREY)


def complaints(figure) -> Iterator[str]:
    """Yield what cannot be read, a sentence each."""
    if figure.get_figwidth() > plotting.WIDEST + 1e-6:
        yield (
            f"it is {figure.get_figwidth():g} inches wide, more than {plotting.WIDEST}: "
            "use more rows"
        )
    texts = list(written(figure))
    for text in texts:
        if text.get_fontsize() < SMALLEST - 1e-6:
            yield (
                f"{text.get_text()!r} is written at {text.get_fontsize():g} points; "
                f"at least {SMALLEST}"
            )
    for ax in axes(figure):
        for line in ax.lines:
            yield from _unlike_its_role(line)
    # The box around slanted words is mostly empty.
    upright = [text for text in texts if text.get_rotation() % 90 == 0]
    # An annotation's own extent holds its arrow.
    boxes = [(text.get_text(), Text.get_window_extent(text)) for text in upright]
    touch = TOUCH * figure.dpi / 72
    for (one, first), (other, second) in combinations(boxes, 2):
        width = min(first.x1, second.x1) - max(first.x0, second.x0)
        height = min(first.y1, second.y1) - max(first.y0, second.y0)
        if width > touch and height > touch:
            yield f"{one!r} and {other!r} are written over each other"


def written(figure) -> Iterator[Text]:
    """Every text that is seen: titles, labels, numbers at ticks, names at lines, legends."""
    figure.canvas.draw()
    for legend in figure.legends:
        yield from legend.get_texts()
    yield from (text for text in figure.texts if text.get_text())
    for ax in axes(figure):
        if legend := ax.get_legend():
            yield from legend.get_texts()
        found = [ax.title, *ax.texts]
        if ax.axison:
            for axis in (ax.xaxis, ax.yaxis):
                found += [axis.label, *_at_ticks(axis)]
        yield from (text for text in found if text.get_visible() and text.get_text().strip())


def _at_ticks(axis) -> Iterator[Text]:
    low, high = sorted(axis.get_view_interval())
    places = [(axis.get_majorticklocs(), axis.get_ticklabels())]
    if not isinstance(axis.get_minor_formatter(), NullFormatter):
        places.append((axis.get_minorticklocs(), axis.get_ticklabels(minor=True)))
    for locations, labels in places:
        for place, label in zip(locations, labels, strict=False):
            if low <= place <= high:
                yield label


def _unlike_its_role(line: Line2D) -> Iterator[str]:
    """An arm is told by marker and dash as well; dashed black is theory's alone."""
    if not line.get_visible():
        return
    name = f"{looks.line(line)} {line.get_label()!r}"
    drawn, marker = line.get_linestyle() not in ("None", "", " "), line.get_marker()
    single = len(line.get_xdata()) <= 1
    if role := role_of(line.get_color()):
        if endless(line):
            yield f"the {name} runs across the panel in an arm's colour: use FLOOR or CHANCE"
        elif marker != role.marker and not (single and marker not in ("None", "")):
            yield f"the {name} has not the marker {role.marker!r} of its colour's role: use style"
        elif drawn and not single and (line.get_linestyle() == "-") != (role.dash == "-"):
            yield f"the {name} has not the dash of its colour's role: use style"
        return
    rgb = colors.to_rgb(line.get_color())
    dashed = drawn and line.get_linestyle() != "-"
    if dashed and np.allclose(rgb, _BLACK) and line.get_linestyle() != "--":
        yield f"the {name} is black and neither solid nor dashed: use a role"
    if dashed and np.allclose(rgb, _GREY) and line.get_linestyle() == "--":
        yield f"the {name} is dashed grey: use CHANCE or FLOOR"
