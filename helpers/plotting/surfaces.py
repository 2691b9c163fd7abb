"""Sentences about what has an area, or marks of its own: bands, bars, dots, arrows, images.

Each function takes an artist and the panel's two axes as `View`s.
"""

import numpy as np

from helpers.plotting import looks
from helpers.plotting.lines import points
from helpers.plotting.numbers import number
from helpers.plotting.phrases import extremes, label, said, some, spread, start

BARS = 12  # as many are told one by one


def band(artist, x, y) -> str:
    """The area between two curves."""
    corners = np.concatenate([path.vertices for path in artist.get_paths()])
    places = np.unique(corners[:, 0])
    places = places[x.contains(places)]
    if not len(places):
        return f"{start(looks.filled(artist))} band{label(artist)}, none of it inside the panel."
    texts = []
    told = []
    for place in places[some(len(places))]:
        heights = corners[corners[:, 0] == place, 1]
        told += [heights.min(), heights.max()]
        texts.append(f"{y.where(told[-2])} to {y.where(told[-1])} at {x.where(place)}")
    text = ", ".join(texts) + extremes(corners[:, 1], told, y) + tint(artist)
    return f"{start(looks.filled(artist))} band{label(artist)}: {said(artist, x, text)}."


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
    name = f"{start(looks.filled(artist))} dots{label(artist)}"
    if shades := tint(artist):
        shades = f" {start(said(artist, x, shades.removeprefix('; ')))}."
    return f"{name}{points(artist, xs, ys, x, y)}{shades}"


def tint(artist) -> str:
    """The values that give a collection its colours, if any do."""
    if artist.get_array() is None or not np.ma.count(artist.get_array()):
        return ""
    shades = np.ma.asarray(artist.get_array(), dtype=float)
    low, high, mean = (number(v) for v in (shades.min(), shades.max(), shades.mean()))
    return f"; coloured by values between {low} and {high}, mean {mean}"


def arrows(artist, x, y) -> str:
    """Arrows from `quiver`."""
    starts = np.asarray(artist.get_offsets(), dtype=float)
    steps = np.column_stack([artist.U, artist.V])
    size = np.abs(steps).max(initial=0)
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
    return f"{start(looks.filled(artist))} rectangle{label(artist)}: {text}."


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
    return f"{start(looks.filled(artist))} {name}{label(artist)}: {said(artist, x, text)}."
