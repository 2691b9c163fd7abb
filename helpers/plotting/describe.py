"""What a figure shows, in words: for those who cannot see it, and for the tests.

Pixels differ between computers and cannot be compared; a description can. It names panels, axes,
and each mark with enough of its values to tell it from any other. Numbers are rounded as printed
ones are. What `plotting.mark_measured` has marked is written as `(measured ...)`, which the
comparison of the notebooks masks.
"""

import re
from itertools import groupby

from matplotlib.axes import Axes
from matplotlib.collections import Collection, LineCollection
from matplotlib.container import BarContainer
from matplotlib.image import AxesImage
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.spines import Spine

from helpers.plotting import ends, lines, looks, marks
from helpers.plotting.numbers import is_measured, numbers, words
from helpers.plotting.phrases import label
from helpers.plotting.view import View

LONGEST = 25  # lines; a figure with more gets one line per panel
ALIKE = 4  # as many lines of one look, and more, are described together


def describe(figure) -> str:
    """The whole figure: a line for each panel, and one for each mark in it."""
    panels = axes(figure)
    count = f"{len(panels)} panels" if len(panels) > 1 else "one panel" if panels else "no panel"
    around = [figure.get_suptitle(), figure.get_supxlabel(), figure.get_supylabel()]
    title = "".join(f', "{words(text)}"' for text in around if text)
    blocks = [[f"A figure with {count}{title}."]]
    for position, ax in enumerate(panels, start=1):
        head = f"Panel {position}" if len(panels) > 1 else ""
        blocks.append(panel(ax, head))
    blocks += [[legend(each)] for each in figure.legends]
    if sum(map(len, blocks)) > LONGEST:
        return "\n".join(" ".join(line.strip() for line in block) for block in blocks)
    return "\n".join(line for block in blocks for line in block)


def axes(figure) -> list:
    """The visible panels, those set into others included."""
    shown = [ax for ax in figure.axes if ax.get_visible()]
    return shown + [inset for ax in shown for inset in ax.child_axes if isinstance(inset, Axes)]


def panel(ax, head) -> list[str]:
    """One panel: title and axes, then a line for each mark."""
    shown = artists(ax)
    single = [part for artist in shown for part in parts(artist)]
    x, y = View(ax, "x", single), View(ax, "y", single)
    title = words(" ".join(ax.get_title(place) for place in ("left", "center", "right")))
    if ax.get_label() == "<colorbar>":
        words_ = words(ax.get_ylabel() or ax.get_xlabel())
        axis = y if ax.get_ylabel() else x
        return [f"{head}, a colour bar: {axis.sentence().partition(': ')[2] if words_ else ''}"]
    names = [name for name in (head, f'"{title}"' if title else "") if name]
    first = ", ".join(names) + ". " if names else ""
    if ax.axison:
        first += f"{x.sentence()} {y.sentence()}"
    indent = "  " if head else ""
    told = [first.strip()] if first else []
    told += [indent + line for line in sentences(shown, x, y)]
    if not shown and not any(text.get_text() for text in ax.texts):
        told.append(f"{indent}Nothing is drawn.")
    names = [words(text.get_text()) for text in ax.texts if text.get_gid() == ends.GID]
    written = [text for text in ax.texts if text.get_text() and text.get_gid() != ends.GID]
    if texts := [words(text.get_text()) for text in written]:
        together = ", ".join(texts)
        if is_measured(ax, ax.figure, *written) and re.search(r"\d", together):
            together = numbers(together, measured=True)
        told.append(f"{indent}Written in it: {together}.")
    if names:
        told.append(f"{indent}Named at the ends: {'; '.join(names)}.")
    if ax.get_legend():
        told.append(indent + legend(ax.get_legend()))
    return told


def artists(ax) -> list:
    """The marks of a panel in the order they were drawn, bars together as one."""
    bars = {
        id(patch): bar for bar in ax.containers if isinstance(bar, BarContainer) for patch in bar
    }
    found = []
    for child in ax.get_children():
        if not child.get_visible() or child is ax.patch or isinstance(child, Spine):
            continue
        if id(child) in bars:
            if bars[id(child)] not in found:
                found.append(bars[id(child)])
        elif isinstance(child, Line2D | Collection | AxesImage | Patch):
            found.append(child)
    return found


def parts(artist) -> list:
    """The artists that one mark consists of."""
    return list(artist.patches) if isinstance(artist, BarContainer) else [artist]


def sentences(shown, x, y) -> list[str]:
    """A sentence for each mark; those that come in numbers and look alike share one."""
    strokes = [artist for artist in shown if single_stroke(artist)]
    told = []
    for look, group in groupby(shown, key=alike):
        group = list(group)
        if look == "stroke":
            continue
        if look and len(group) >= ALIKE:
            told.append(lines.many_lines(group, x, y))
        else:
            told += [marks.sentence(artist, x, y) for artist in group]
    return [*told, lines.many_strokes(strokes, x, y)] if strokes else told


def alike(artist):
    """What neighbours must have in common to be described together; None: describe it alone."""
    if single_stroke(artist):
        return "stroke"
    curve = isinstance(artist, Line2D) and not label(artist) and not lines.endless(artist)
    if curve and len(artist.get_xdata()) > 1:
        return looks.line(artist), is_measured(artist)
    return None


def single_stroke(artist) -> bool:
    """Whether this is one stroke, as `per_seed` draws it at each median."""
    return isinstance(artist, LineCollection) and len(artist.get_segments()) == 1


def legend(box) -> str:
    """The entries of a legend."""
    title = words(box.get_title().get_text())
    entries = "; ".join(words(text.get_text()) for text in box.get_texts())
    return f"Legend{f', {title}' if title else ''}: {entries}."
