"""Pictures that notebooks hold before their first run: each notebook's opening picture.

A learner's copy has no outputs. So a picture that carries the question of a notebook is attached to
its first cell. `openings/NAME.py` draws it: a docstring with the alternative text, and `draw()`.
`refresh` attaches it; beside it, in the cell's metadata, stands its description, by which pictures
are compared: pixels differ between computers.
"""

import base64
import io
import re
import textwrap
from importlib import import_module
from types import ModuleType

import matplotlib.pyplot as plt
import nbformat
import numpy as np
from PIL import Image

from helpers.authoring import figure_proof
from helpers.plotting.describe import describe
from helpers.plotting.still import DPI

OPENING = "opening.png"
WIDTH = 912  # pixels of a page, those of 9.5 inches
PICTURE = re.compile(
    rf"(?:<div[^>]*>\n\n)?!\[[^\]]*\]\(attachment:{re.escape(OPENING)}\)\n\n(?:</div>\n\n)?"
)
COLOURS = 256
KEPT, SPECK = 32, 1e-3  # so many stay, of areas above this share of the picture


def opening(name: str) -> ModuleType:
    """The module that draws the opening picture of the notebook called `name`, without number."""
    return import_module(f"helpers.authoring.openings.{name}")


def alternative(module: ModuleType) -> str:
    """The alternative text: the module's docstring on one line."""
    return " ".join(textwrap.dedent(module.__doc__).split())


def drawn(module: ModuleType) -> tuple[str, bytes]:
    """Draw an opening picture: (its description, PNG).

    Raises FigureError if its description misses a change, or if it cannot be read.
    """
    plt.close("all")
    module.draw()
    figure = plt.gcf()
    try:
        figure_proof.prove(figure)
        file = io.BytesIO()
        figure.savefig(file, format="png", dpi=DPI, bbox_inches="tight")
        return describe(figure), with_palette(file.getvalue())
    finally:
        plt.close(figure)


def attach_opening(notebook, name: str, *, anew: bool = False) -> None:
    """Attach the opening picture to the first cell, unless the same is there; in place."""
    module = opening(name)
    description, png = drawn(module)
    cell = notebook.cells[0]
    cell.source = with_picture(cell.source, markdown(OPENING, alternative(module), WIDTH))
    stored = cell.metadata.get("pictures", {}).get(OPENING)
    if anew or stored != description or OPENING not in cell.get("attachments", {}):
        encoded = base64.b64encode(png).decode("ascii")
        cell.attachments = nbformat.from_dict({OPENING: {"image/png": encoded}})
        cell.metadata["pictures"] = {OPENING: description}


def with_picture(source: str, picture: str) -> str:
    """The text of a first cell with the picture below its question."""
    without = PICTURE.sub("", source)
    title, question, *rest = without.split("\n\n")
    return "\n\n".join([title, question, picture, *rest])


def markdown(name: str, alternative: str, width: int) -> str:
    """An attached picture as Markdown, `width` pixels wide where the page is as wide.

    Only Markdown's own pictures find attachments in every viewer (nbconvert leaves `<img>` alone),
    and they have no width. But each viewer fits pictures into the box they stand in.
    """
    picture = f"![{alternative}](attachment:{name})"
    return f'<div style="width: {width}px; max-width: 100%">\n\n{picture}\n\n</div>'


def with_palette(png: bytes) -> bytes:
    """The same picture with at most 256 colours, a third of the bytes.

    The colours of its largest areas stay as they are: two bands of two arms are so pale that a
    palette made for the whole would give them one colour.
    """
    image = Image.open(io.BytesIO(png)).convert("RGB")
    # The octree's few, even levels pack better than the palette that fits best.
    few = image.quantize(COLOURS - KEPT, method=Image.Quantize.FASTOCTREE)
    palette = few.getpalette()[: 3 * (COLOURS - KEPT)]
    pixels, places = np.asarray(image), np.array(few)
    largest = sorted(image.getcolors(image.width * image.height), reverse=True)[:KEPT]
    for count, colour in largest:
        if count > SPECK * places.size:
            places[(pixels == colour).all(axis=-1)] = len(palette) // 3
            palette += colour
    few = Image.fromarray(places, "P")
    few.putpalette(palette)
    file = io.BytesIO()
    few.save(file, format="PNG", optimize=True)
    return file.getvalue()
