"""Opening pictures: each notebook holds the one that its module draws."""

import base64
import io

import matplotlib as mpl
import numpy as np
import pytest
from nbformat import v4
from notebook_rules import FOLDER, read
from PIL import Image

mpl.use("agg")

from helpers import plotting
from helpers.authoring import pictures
from helpers.authoring.figure_proof import FigureError
from helpers.contents import NOTEBOOKS, numbered

# Fonts are matplotlib's own, but edges of letters and lines differ a little between computers.
COARSE, ALIKE = (80, 24), 6  # pixels, and levels of 255 on average


def coarse(png):
    """A picture so small that only what it shows is left."""
    image = Image.open(io.BytesIO(png)).convert("RGB").resize(COARSE, Image.Resampling.BOX)
    return np.asarray(image, dtype=float)


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_a_notebook_opens_with_the_picture_that_its_module_draws(name):
    cell = read(FOLDER / f"{numbered(name)}.ipynb").cells[0]
    description, png = pictures.drawn(pictures.opening(name))
    assert cell.metadata["pictures"] == {pictures.OPENING: description}
    stored = base64.b64decode(cell.attachments[pictures.OPENING]["image/png"])
    assert np.abs(coarse(stored) - coarse(png)).mean() < ALIKE


class Module:
    """Shows a line."""

    height = 1

    @classmethod
    def draw(cls):
        plotting.panels(1)[0].plot([0, cls.height], color="black")


class Taller(Module):
    """Shows a longer line."""

    height = 2


class Unreadable(Module):
    """Shows small letters."""

    @classmethod
    def draw(cls):
        super().draw()
        plotting.plt.gca().set_title("small", fontsize=5)


@pytest.fixture
def first(monkeypatch):
    """A notebook's first cell, and a way to attach what a module draws."""
    notebook = v4.new_notebook(
        cells=[v4.new_markdown_cell("# 0 · Title\n\n**Which?**\n\nYou will\n\n- see")]
    )

    def attach(module, **how):
        monkeypatch.setattr(pictures, "opening", lambda name: module)
        pictures.attach_opening(notebook, "title", **how)
        return notebook.cells[0]

    return attach


def test_the_picture_stands_below_the_question_with_its_alternative(first):
    assert first(Module).source == (
        '# 0 · Title\n\n**Which?**\n\n<div style="width: 912px; max-width: 100%">\n\n'
        "![Shows a line.](attachment:opening.png)\n\n</div>\n\nYou will\n\n- see"
    )


def test_the_same_picture_stays_and_another_takes_its_place(first):
    first(Module)
    cell = first(Module)
    cell.attachments["opening.png"]["image/png"] = "kept"
    assert first(Module).attachments["opening.png"]["image/png"] == "kept"
    assert first(Module, anew=True).attachments["opening.png"]["image/png"] != "kept"
    cell = first(Taller)
    assert "from -0.1 to 2.1" in cell.metadata["pictures"]["opening.png"]
    assert cell.source.count("![") == 1
    assert "![Shows a longer line.]" in cell.source


def test_a_picture_that_cannot_be_read_is_refused(first):
    with pytest.raises(FigureError, match="'small' is written at 5 points"):
        first(Unreadable)


def test_a_palette_keeps_apart_the_bands_of_two_arms_in_a_colourful_figure():
    lines, map_ = plotting.panels(2)
    draw = np.random.default_rng(0)
    roles = (plotting.BN, plotting.PLAIN, plotting.THIRD, plotting.FOURTH, plotting.FIFTH)
    for place, color in enumerate(roles):
        plotting.band(lines, range(20), place + draw.random((5, 20)), color=color)
    map_.imshow(draw.random((30, 30)))
    file = io.BytesIO()
    plotting.plt.gcf().savefig(file, format="png", dpi=192)
    before = np.asarray(Image.open(file).convert("RGB"))
    smaller = pictures.with_palette(file.getvalue())
    after = np.asarray(Image.open(io.BytesIO(smaller)).convert("RGB"))
    largest = sorted(Image.fromarray(before).getcolors(1 << 24), reverse=True)[:12]
    for _, color in largest:  # the page and the bands, also where two of them lie over each other
        assert (after[(before == color).all(axis=-1)] == color).all()
    plotting.plt.close("all")


def test_a_palette_keeps_a_picture_and_most_of_it_away():
    plotting.panels(1)[0].plot(np.sin(np.arange(200)), color="black")
    file = io.BytesIO()
    plotting.plt.gcf().savefig(file, format="png", dpi=192)
    smaller = pictures.with_palette(file.getvalue())
    assert len(smaller) < 0.6 * len(file.getvalue())
    assert np.abs(coarse(smaller) - coarse(file.getvalue())).max() < 4
    assert Image.open(io.BytesIO(smaller)).mode == "P"
    plotting.plt.close("all")
