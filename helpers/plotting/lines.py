"""Sentences about lines: curves, markers, lines across the panel, strokes.

Each function takes an artist, or several, and the panel's two axes as `View`s.
"""

import numpy as np
from matplotlib.lines import AxLine

from helpers.plotting import looks
from helpers.plotting.numbers import number
from helpers.plotting.phrases import FEW, along, extremes, label, said, some, spread, start, values

STROKES = 12  # as many are told one by one


def line(artist, x, y) -> str:
    """A plotted line, or markers without one."""
    name = looks.line(artist)
    in_x, in_y = artist.get_transform().contains_branch_seperately(artist.axes.transData)
    xs, ys = (np.ma.filled(np.ma.asarray(v, dtype=float), np.nan) for v in _data(artist))
    if not in_x and in_y and len(set(ys)) == 1:
        return f"Horizontal {name}{label(artist)} at {said(artist, x, y.where(ys[0]))}."
    if not in_y and in_x and len(set(xs)) == 1:
        return f"Vertical {name}{label(artist)} at {said(artist, x, x.where(xs[0]))}."
    if not len(xs):
        return f"In the legend only: {name}{label(artist)}."
    return f"{start(name)}{label(artist)}{points(artist, xs, ys, x, y)}"


def points(artist, xs, ys, x, y) -> str:
    """Points in words: all of a few, some along the way of many, ranges where there is no way."""
    seen = x.contains(xs) & np.isfinite(ys)
    total, xs, ys = len(xs), xs[seen], ys[seen]
    count = f"{total} point{'s' if total > 1 else ''}"
    if not len(xs):
        return f": {count}, none inside the panel."
    marks = {x.mark(value) for value in xs}
    if None not in marks and len(marks) == 1:
        return f' at "{marks.pop()}": {count}; {said(artist, x, values(ys, y))}.'
    if None not in marks and total > FEW:
        groups = [
            f"{values(ys[[x.mark(value) == mark for value in xs]], y)} at {mark}"
            for mark in x.marks
            if mark in marks
        ]
        return f": {count}; {said(artist, x, '; '.join(groups))}."
    if total <= FEW:
        text = along(xs, ys, x, y, range(len(xs)))
    elif np.all(np.diff(xs) >= 0) or np.all(np.diff(xs) <= 0):
        places = some(len(xs))
        text = along(xs, ys, x, y, places) + extremes(ys, ys[places], y)
    else:
        text = f"x {spread(xs, x)}; y {spread(ys, y)}"
    return f": {count}; {said(artist, x, text)}."


def many_lines(artists, x, y) -> str:
    """Lines that look the same and have no label of their own."""
    name = looks.line(artists[0])
    kind = name.replace("line", "lines", 1) if "line" in name else f"sets of {name}"
    data = [tuple(np.asarray(v, dtype=float) for v in _data(artist)) for artist in artists]
    length = len(data[0][0])
    if all(len(xs) == length and np.allclose(xs, data[0][0]) for xs, _ in data):
        seen = x.contains(data[0][0])
        places, table = data[0][0][seen], np.array([ys[seen] for _, ys in data])
        text = "; ".join(
            f"{values(table[:, i], y)} at {x.where(places[i])}" for i in some(len(places))
        )
        text += f"; all together {spread(table.ravel(), y)}"
        kind += f", {length} points each"
    else:
        xs, ys = (np.concatenate(part) for part in zip(*data, strict=True))
        kind += f", {len(xs)} points in all"
        text = f"x {spread(xs, x)}; y {spread(ys, y)}"
    return f"{len(artists)} {kind}: {said(artists[0], x, text)}."


def endless(artist) -> bool:
    """Whether a line runs across the whole panel, as those of `axhline` and `axline` do."""
    transform = artist.get_transform()
    inside = transform.contains_branch_seperately(artist.axes.transData)
    return isinstance(artist, AxLine) or not all(inside)


def endless_line(artist, x, y) -> str:
    """A line through one point with a slope, across the whole panel."""
    (x1, y1), slope = artist.get_xy1(), artist.get_slope()
    text = f"{number(x1)}, {number(y1)}"
    if slope is None:
        x2, y2 = artist.get_xy2()
        text += f" and {number(x2)}, {number(y2)}"
    else:
        text += f" with slope {number(slope)}"
    return f"{start(looks.line(artist))}{label(artist)} through {said(artist, x, text)}."


def strokes(artist, x, y) -> str:
    """Line segments, such as the medians of `per_seed`."""
    return many_strokes([artist], x, y)


def many_strokes(artists, x, y) -> str:
    """Line segments of several collections in one sentence."""
    segments = [np.asarray(s, dtype=float) for artist in artists for s in artist.get_segments()]
    segments = [segment for segment in segments if len(segment)]
    name = looks.filled(artists[0])
    if not segments:
        return f"No {name} strokes{label(artists[0])}."
    flat = all(np.ptp(segment[:, 1]) == 0 for segment in segments)
    upright = all(np.ptp(segment[:, 0]) == 0 for segment in segments)
    ends = np.concatenate(segments)
    if flat and len(segments) <= STROKES:
        kind = "horizontal strokes"
        text = ", ".join(f"{y.where(s[0, 1])} at {x.where(s[:, 0].mean())}" for s in segments)
    elif upright and len(segments) <= STROKES:
        kind = "vertical strokes"
        text = ", ".join(
            f"{y.where(s[:, 1].min())} to {y.where(s[:, 1].max())} at {x.where(s[0, 0])}"
            for s in segments
        )
    else:
        kind = "strokes"
        text = f"x {spread(ends[:, 0], x)}; y {spread(ends[:, 1], y)}"
    return f"{len(segments)} {name} {kind}{label(artists[0])}: {said(artists[0], x, text)}."


def _data(artist):
    """The points of a line, in numbers also where they were given as words."""
    return artist.get_xdata(orig=False), artist.get_ydata(orig=False)
