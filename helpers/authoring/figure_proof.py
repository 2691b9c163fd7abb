"""Proof that descriptions of figures see what a reader sees.

A description that stays the same while a figure changes would let any picture stand in a notebook.
So each figure is changed in every way that matters (two arms swapped, a curve halved, a panel
emptied), and its description has to change each time.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import combinations

import numpy as np
from matplotlib.collections import Collection, LineCollection, PathCollection, QuadMesh
from matplotlib.container import BarContainer
from matplotlib.figure import Figure
from matplotlib.image import AxesImage
from matplotlib.lines import AxLine, Line2D
from matplotlib.quiver import Quiver

from helpers import plotting
from helpers.authoring import legible
from helpers.plotting import looks
from helpers.plotting.describe import artists, axes

# Two arms nearer to each other than this cannot be told apart in a picture either.
VISIBLE = 2e-3


class FigureError(AssertionError):
    """A change of a figure that its description does not show, or something unreadable in it."""


def prove(figure: Figure) -> None:
    """Try all changes; the figure is as before afterwards.

    Raises:
        FigureError: names the panel, the mark and the change, or says what cannot be read.
    """
    if unreadable := list(legible.complaints(figure)):
        raise FigureError("; ".join(unreadable))
    before = plotting.describe(figure)
    for what, change in changes(figure):
        with change():
            after = plotting.describe(figure)
        if after == before:
            raise FigureError(f"{what} does not change the description of the figure:\n{before}")
    if plotting.describe(figure) != before:
        raise FigureError(f"the figure is not as it was before its proof:\n{before}")


def changes(figure) -> Iterator[tuple[str, Callable]]:
    """Every change of a figure: what it does, and a context in which it is done."""
    panels = []
    for place, ax in enumerate(axes(figure), start=1):
        if ax.get_label() == "<colorbar>":
            continue
        everything = artists(ax)
        if everything:
            yield f"emptying panel {place}", lambda shown=everything: emptied(shown)
        shown = [artist for artist in everything if len(coordinates(artist))]
        panels.append((place, shown))
        for artist in shown:
            if visible(coordinates(artist), coordinates(artist) / 2, ax):
                what = f"halving {name(artist)} in panel {place}"
                yield what, lambda artist=artist: halved(artist)
        for one, other in combinations(shown, 2):
            if swappable(one, other, ax):
                what = f"swapping {name(one)} and {name(other)} in panel {place}"
                yield what, lambda one=one, other=other: swapped([one], [other])
    for one, other in combinations(panels, 2):
        if exchangeable(one[1], other[1]):
            what = f"swapping what panels {one[0]} and {other[0]} show"
            yield what, lambda one=one, other=other: swapped(one[1], other[1])


def name(artist) -> str:
    """How an error names a mark."""
    return f"{type(artist).__name__} {artist.get_label()!r}"


# ------------------------------------------------- the numbers behind a mark


def coordinates(artist):
    """The numbers that decide where a mark is, or what an image shows, as a flat array."""
    if isinstance(artist, BarContainer):
        upright = artist.orientation != "horizontal"
        lengths = [p.get_height() if upright else p.get_width() for p in artist.patches]
        return np.array(lengths, dtype=float)
    if isinstance(artist, AxLine):
        return np.array([])  # the same for every arm: nothing in it is measured
    if isinstance(artist, Line2D):
        data = artist.get_xdata(orig=False) if _upright(artist) else artist.get_ydata(orig=False)
        return np.ma.filled(np.ma.asarray(data, dtype=float), np.nan)
    if isinstance(artist, AxesImage | QuadMesh):
        return np.ma.filled(np.ma.asarray(artist.get_array(), dtype=float), np.nan).ravel()
    if isinstance(artist, Quiver):
        return np.concatenate([artist.U, artist.V]).astype(float)
    if isinstance(artist, LineCollection):
        return np.concatenate([s[:, 1] for s in artist.get_segments()] or [np.array([])])
    if isinstance(artist, PathCollection):
        return np.ma.filled(artist.get_offsets()[:, 1], np.nan)
    if isinstance(artist, Collection):
        return np.concatenate([p.vertices[:, 1] for p in artist.get_paths()] or [np.array([])])
    return np.array([])


def put(artist, numbers):
    """Give a mark other numbers of the same length."""
    if isinstance(artist, BarContainer):
        upright = artist.orientation != "horizontal"
        for patch, length in zip(artist.patches, numbers, strict=True):
            patch.set_height(length) if upright else patch.set_width(length)
    elif isinstance(artist, Line2D):
        artist.set_xdata(numbers) if _upright(artist) else artist.set_ydata(numbers)
    elif isinstance(artist, AxesImage | QuadMesh):
        table = np.ma.masked_invalid(numbers.reshape(artist.get_array().shape))
        artist.set_array(table)
    elif isinstance(artist, Quiver):
        half = len(numbers) // 2
        artist.U, artist.V = numbers[:half], numbers[half:]
    elif isinstance(artist, LineCollection):
        pieces = [np.array(segment) for segment in artist.get_segments()]
        ends = np.cumsum([len(piece) for piece in pieces])[:-1]
        for piece, heights in zip(pieces, np.split(numbers, ends), strict=True):
            piece[:, 1] = heights
        artist.set_segments(pieces)
    elif isinstance(artist, PathCollection):
        artist.set_offsets(np.column_stack([artist.get_offsets()[:, 0], numbers]))
    else:
        ends = np.cumsum([len(path.vertices) for path in artist.get_paths()])[:-1]
        for path, heights in zip(artist.get_paths(), np.split(numbers, ends), strict=True):
            path.vertices[:, 1] = heights


# --------------------------------------------------------------- the changes


@contextmanager
def emptied(shown):
    """Nothing of all this is visible."""
    single = [part for artist in shown for part in _parts(artist)]
    for part in single:
        part.set_visible(False)
    try:
        yield
    finally:
        for part in single:
            part.set_visible(True)


@contextmanager
def halved(artist):
    """A mark with half its heights, lengths or values."""
    before = coordinates(artist).copy()
    put(artist, before / 2)
    try:
        yield
    finally:
        put(artist, before)


@contextmanager
def swapped(some, others):
    """Marks with the numbers of others, and these with theirs."""
    before = [coordinates(artist).copy() for artist in (*some, *others)]
    after = before[len(some) :] + before[: len(some)]
    for artist, numbers in zip((*some, *others), after, strict=True):
        put(artist, numbers)
    try:
        yield
    finally:
        for artist, numbers in zip((*some, *others), before, strict=True):
            put(artist, numbers)


def swappable(one, other, ax) -> bool:
    """Whether swapping two marks makes another picture: same kind, other look, other numbers."""
    if type(one) is not type(other) or _look(one) == _look(other):
        return False
    mine, theirs = coordinates(one), coordinates(other)
    return len(mine) == len(theirs) and visible(mine, theirs, ax)


def exchangeable(some, others) -> bool:
    """Whether two panels hold the same kinds of marks, one of them with visibly other numbers."""
    pairs = list(zip(some, others, strict=False))
    return (
        len(some) == len(others)
        and all(type(a) is type(b) and len(coordinates(a)) == len(coordinates(b)) for a, b in pairs)
        and any(visible(coordinates(a), coordinates(b), _panel(a)) for a, b in pairs)
    )


def visible(before, after, ax) -> bool:
    """Whether numbers differ by enough, and inside the panel, to be seen."""
    low, high = sorted(ax.get_ylim())
    logarithmic = ax.get_yscale() == "log"
    # The values of images are no heights.
    if not ax.images and not any(isinstance(each, QuadMesh) for each in ax.collections):
        before, after = np.clip(before, low, high), np.clip(after, low, high)
    size = np.maximum(np.abs(before), np.abs(after)) if logarithmic else high - low
    with np.errstate(invalid="ignore"):
        return bool(np.any(np.abs(before - after) > VISIBLE * size))


def _upright(line) -> bool:
    """Whether a line stands across the whole height, as that of `axvline` does."""
    in_x, in_y = line.get_transform().contains_branch_seperately(line.axes.transData)
    return in_x and not in_y


def _panel(artist):
    return _parts(artist)[0].axes


def _look(artist):
    if isinstance(artist, BarContainer):
        return looks.filled(artist.patches[0])
    if isinstance(artist, AxesImage):
        return tuple(artist.get_extent())  # images in one panel are told apart by their places
    return looks.line(artist) if isinstance(artist, Line2D) else looks.filled(artist)


def _parts(artist):
    return artist.patches if isinstance(artist, BarContainer) else [artist]


def install() -> None:
    """From now on, prove every figure that this session shows, before it is described.

    An error reaches the notebook as the output of the cell that shows the figure.
    """

    def prove_and_describe(figure, printer, cycle):
        prove(figure)
        printer.text(plotting.describe(figure))

    Figure._repr_pretty_ = prove_and_describe
