"""One sentence for each mark in a panel: a line, bars, a band, an image.

Numbers that differ from run to run are written as `(measured ...)`.
"""

from matplotlib.collections import LineCollection, PathCollection, PolyCollection, QuadMesh
from matplotlib.container import BarContainer
from matplotlib.contour import ContourSet
from matplotlib.image import AxesImage
from matplotlib.lines import AxLine, Line2D
from matplotlib.patches import Rectangle
from matplotlib.quiver import Quiver

from helpers.plotting import lines, surfaces

# The first kind that fits decides: a quiver is a PolyCollection too.
KINDS = {
    BarContainer: surfaces.bars,
    AxLine: lines.endless_line,
    Line2D: lines.line,
    LineCollection: lines.strokes,
    PathCollection: surfaces.scatter,
    ContourSet: surfaces.contours,
    Quiver: surfaces.arrows,
    PolyCollection: surfaces.band,
    QuadMesh: surfaces.image,
    AxesImage: surfaces.image,
    Rectangle: surfaces.rectangle,
}


def sentence(artist, x, y) -> str:
    """One mark in words; `x` and `y` are the panel's axes, each a `View`."""
    for kind, describe in KINDS.items():
        if isinstance(artist, kind):
            return describe(artist, x, y)
    return surfaces.shape(artist, x, y)
