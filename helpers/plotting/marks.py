"""One sentence for each mark in a panel: a line, bars, a band, an image.

Each function takes an artist and the panel's two axes as `View`s and returns the sentence. Numbers
that differ from run to run are written as `(measured ...)`.
"""

import numpy as np
from matplotlib.collections import LineCollection, PathCollection, PolyCollection, QuadMesh
from matplotlib.contour import ContourSet
from matplotlib.image import AxesImage
from matplotlib.lines import AxLine, Line2D
from matplotlib.patches import Rectangle
from matplotlib.quiver import Quiver

from helpers.plotting import looks
from helpers.plotting.numbers import is_measured, number, numbers, words

FEW = 8  # as many values are all written; of more, a few along the way
BARS = 12


def sentence(artist, x, y) -> str:
    """One mark in words."""
    for kind, describe in KINDS.items():
        if isinstance(artist, kind):
            return describe(artist, x, y)
    return shape(artist, x, y)


def label(artist) -> str:
    """The artist's label, quoted; nothing for those without."""
    text = words(artist.get_label() or "")
    return "" if not text or text.startswith("_") else f' "{text}"'


def said(artist, x, text) -> str:
    """`text`, marked where the artist's numbers are measured."""
    return numbers(text, measured=x.measured or is_measured(artist))


# --------------------------------------------------------------------- lines


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
    return f"{_start(name)}{label(artist)}{points(artist, xs, ys, x, y)}"


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


def along(xs, ys, x, y, indices) -> str:
    """Values at the places of `indices`."""
    return ", ".join(f"{y.where(ys[i])} at {x.where(xs[i])}" for i in indices)


def extremes(ys, told, y) -> str:
    """The lowest and the highest value, unless they are among those told already."""
    known = {y.where(value) for value in told}
    lowest, highest = y.where(np.min(ys)), y.where(np.max(ys))
    text = "" if lowest in known else f"; lowest {lowest}"
    return text if highest in known else f"{text}; highest {highest}"


def some(count, at_most=5) -> list[int]:
    """Up to five indices, evenly from the first to the last."""
    return sorted({round(i) for i in np.linspace(0, count - 1, at_most)})


def values(numbers_, axis) -> str:
    """A list of a few values; range and mean of many."""
    if len(numbers_) <= FEW:
        return ", ".join(axis.where(value) for value in numbers_)
    return spread(numbers_, axis)


def spread(numbers_, axis) -> str:
    """Range and mean."""
    low, high = axis.where(np.min(numbers_)), axis.where(np.max(numbers_))
    return f"between {low} and {high}, mean {number(np.mean(numbers_), axis.size)}"


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
    return f"{_start(looks.line(artist))}{label(artist)} through {said(artist, x, text)}."


def strokes(artist, x, y) -> str:
    """Line segments, such as the medians of `per_seed`."""
    return many_strokes([artist], x, y)


def many_strokes(artists, x, y) -> str:
    """Line segments of several collections in one sentence."""
    segments = [np.asarray(s, dtype=float) for artist in artists for s in artist.get_segments()]
    segments = [segment for segment in segments if len(segment)]
    name = looks.filled(artists[0])
    flat = all(np.ptp(segment[:, 1]) == 0 for segment in segments)
    upright = all(np.ptp(segment[:, 0]) == 0 for segment in segments)
    ends = np.concatenate(segments)
    if flat and len(segments) <= BARS:
        kind = "horizontal strokes"
        text = ", ".join(f"{y.where(s[0, 1])} at {x.where(s[:, 0].mean())}" for s in segments)
    elif upright and len(segments) <= BARS:
        kind = "vertical strokes"
        text = ", ".join(
            f"{y.where(s[:, 1].min())} to {y.where(s[:, 1].max())} at {x.where(s[0, 0])}"
            for s in segments
        )
    else:
        kind = "strokes"
        text = f"x {spread(ends[:, 0], x)}; y {spread(ends[:, 1], y)}"
    return f"{len(segments)} {name} {kind}{label(artists[0])}: {said(artists[0], x, text)}."


# ------------------------------------------------------------------ surfaces


def band(artist, x, y) -> str:
    """The area between two curves."""
    if isinstance(artist, Quiver):
        return arrows(artist, x, y)
    corners = np.concatenate([path.vertices for path in artist.get_paths()])
    places = np.unique(corners[:, 0])
    places = places[x.contains(places)]
    if not len(places):
        return f"{_start(looks.filled(artist))} band{label(artist)}, none of it inside the panel."
    texts = []
    told = []
    for place in places[some(len(places))]:
        heights = corners[corners[:, 0] == place, 1]
        told += [heights.min(), heights.max()]
        texts.append(f"{y.where(told[-2])} to {y.where(told[-1])} at {x.where(place)}")
    text = ", ".join(texts) + extremes(corners[:, 1], told, y)
    return f"{_start(looks.filled(artist))} band{label(artist)}: {said(artist, x, text)}."


def bars(container, x, y) -> str:
    """The bars of one `bar`, `barh` or `hist`."""
    upright = container.orientation != "horizontal"
    boxes = [patch.get_bbox() for patch in container.patches]
    along_, across = (x, y) if upright else (y, x)
    places = np.array([(b.x0 + b.x1) / 2 if upright else (b.y0 + b.y1) / 2 for b in boxes])
    starts = np.array([b.y0 if upright else b.x0 for b in boxes])
    ends = np.array([b.y1 if upright else b.x1 for b in boxes])
    colours = [looks.filled(patch) for patch in container.patches]
    lengths = ends - starts
    mixed = len(set(colours)) > 1

    def one(i):
        start = f"{number(starts[i], across.size)} to " if starts[i] else ""
        look = f" ({colours[i]})" if mixed else ""
        return f"{start}{number(ends[i], across.size)} at {along_.where(places[i])}{look}"

    every = len(boxes) <= BARS or mixed
    longer = np.flatnonzero(lengths) if lengths.any() else np.arange(len(boxes))
    which = range(len(boxes)) if every else longer[some(len(longer), 7)]
    text = ", ".join(one(i) for i in which)
    if not every:
        total, highest = number(lengths.sum()), number(lengths.max())
        text += f"; the longest {highest}, all together {total}"
    name = "" if mixed else f" {colours[0]}"
    kind = f"{len(boxes)}{name} bar{'s' if len(boxes) > 1 else ''}"
    direction = "" if upright else ", lying"
    return f"{kind}{label(container)}{direction}: {said(container.patches[0], x, text)}."


def scatter(artist, x, y) -> str:
    """Markers from `scatter`."""
    xs, ys = np.ma.filled(np.ma.asarray(artist.get_offsets(), dtype=float), np.nan).T
    return f"{_start(looks.filled(artist))} dots{label(artist)}{points(artist, xs, ys, x, y)}"


def arrows(artist, x, y) -> str:
    """Arrows from `quiver`."""
    starts = np.asarray(artist.get_offsets(), dtype=float)
    steps = np.column_stack([artist.U, artist.V])
    size = np.abs(steps).max()
    if len(starts) <= 4:
        texts = [
            f"from {x.where(a)}, {y.where(b)} by {number(u, size)}, {number(v, size)}"
            for (a, b), (u, v) in zip(starts, steps, strict=True)
        ]
        text = "; ".join(texts)
    else:
        lengths = np.hypot(*steps.T)
        text = (
            f"lengths between {number(lengths.min())} and {number(lengths.max())}, "
            f"mean {number(lengths.mean())}; on average by "
            f"{number(steps[:, 0].mean(), size)}, {number(steps[:, 1].mean(), size)}; the first "
            f"by {number(steps[0, 0], size)}, {number(steps[0, 1], size)}"
        )
    kind = f"{len(starts)} {looks.filled(artist)} arrow{'s' if len(starts) > 1 else ''}"
    return f"{kind}{label(artist)}: {said(artist, x, text)}."


def image(artist, x, y) -> str:
    """The values of an image or of a coloured grid."""
    table = np.ma.masked_invalid(np.ma.asarray(artist.get_array(), dtype=float))
    size = " × ".join(map(str, table.shape))
    if not table.count():
        return f"Image of {size} values, all of them blank."
    low, high, mean = table.min(), table.max(), table.mean()
    scale = max(abs(low), abs(high))
    text = f"between {number(low, scale)} and {number(high, scale)}, mean {number(mean, scale)}"
    text += quarters(table, scale)
    blank = table.size - table.count()
    if blank:
        text += f", {blank} of them blank"
    shades = ""
    if table.ndim == 2:
        ends = [number(end, scale) for end in artist.get_clim()]
        drawn = said(artist, x, f"from {ends[0]} to {ends[1]}")
        shades = f"; colours {artist.get_cmap().name} {drawn}"
    return f"Image of {size} values{label(artist)}: {said(artist, x, text)}{shades}."


def quarters(table, scale) -> str:
    """The means of an image's four quarters, which tell apart what has the same mean."""
    rows, columns = (length // 2 for length in table.shape[:2])
    if not rows or not columns:
        return ""
    parts = [
        table[:rows, :columns],
        table[:rows, columns:],
        table[rows:, :columns],
        table[rows:, columns:],
    ]
    means = [number(part.mean(), scale) if part.count() else "blank" for part in parts]
    return f" (its quarters {', '.join(means)})"


def contours(artist, x, y) -> str:
    """Lines of equal height."""
    paths = [path.vertices for path in artist.get_paths() if len(path.vertices)]
    corners = np.concatenate(paths) if paths else np.zeros((1, 2))
    levels = ", ".join(number(level) for level in artist.levels)
    text = f"{levels}; x {spread(corners[:, 0], x)}; y {spread(corners[:, 1], y)}"
    return f"{len(artist.levels)} contour lines at {said(artist, x, text)}."


def rectangle(artist, x, y) -> str:
    """A rectangle, such as that of `axvspan`, which runs across the whole panel."""
    in_x, in_y = artist.get_transform().contains_branch_seperately(artist.axes.transData)
    box = artist.get_bbox()
    parts = []
    if in_x:
        parts.append(f"x from {number(box.x0, x.size)} to {number(box.x1, x.size)}")
    if in_y:
        parts.append(f"y from {number(box.y0, y.size)} to {number(box.y1, y.size)}")
    text = said(artist, x, ", ".join(parts))
    return f"{_start(looks.filled(artist))} rectangle{label(artist)}: {text}."


def shape(artist, x, y) -> str:
    """Anything else that has an outline."""
    name = type(artist).__name__
    paths = []
    if hasattr(artist, "get_paths"):
        paths = artist.get_paths()
    elif hasattr(artist, "get_path") and hasattr(artist, "get_patch_transform"):
        paths = [artist.get_path().transformed(artist.get_patch_transform())]
    corners = [path.vertices for path in paths if len(path.vertices)]
    if not corners:
        return f"{name}{label(artist)}."
    corners = np.concatenate(corners)
    text = f"x {spread(corners[:, 0], x)}; y {spread(corners[:, 1], y)}"
    return f"{_start(looks.filled(artist))} {name}{label(artist)}: {said(artist, x, text)}."


def _data(artist):
    """The points of a line, in numbers also where they were given as words."""
    return artist.get_xdata(orig=False), artist.get_ydata(orig=False)


def _start(text) -> str:
    return text[:1].upper() + text[1:]


KINDS = {
    AxLine: endless_line,
    Line2D: line,
    LineCollection: strokes,
    PathCollection: scatter,
    ContourSet: contours,
    PolyCollection: band,
    QuadMesh: image,
    AxesImage: image,
    Rectangle: rectangle,
}
