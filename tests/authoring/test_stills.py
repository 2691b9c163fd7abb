"""refresh attaches the still of sliders to the cell above them."""

import nbconvert
import nbformat
import pytest

from helpers.authoring import refresh, stills
from helpers.authoring.refresh import RefreshError

v4 = nbformat.v4
SLIDER = """\
from helpers import plotting
from helpers.widgets import explore, slider
def draw(lr):
    (ax,) = plotting.panels(1)
    ax.plot([0, 1], [0, lr], color="black")
explore(draw, lr=slider("rate", [0.1, 0.3], 0.1))"""


def notebook(path, *above):
    cell = v4.new_code_cell(SLIDER)
    nbformat.write(v4.new_notebook(cells=[*map(v4.new_markdown_cell, above), cell]), path)
    return path


def test_a_still_is_attached_with_its_size_and_description(tmp_path):
    path = notebook(tmp_path / "98_x.ipynb", "Move it.\n\n![](attachment:still.png)")
    refresh.refresh(path)
    first = path.read_bytes()
    text, sliders = nbformat.reads(first.decode(), as_version=4).cells
    (output,) = sliders.outputs
    assert output.data.keys() == {"image/png", "text/plain"}
    assert output.data["text/plain"].endswith("\nSliders above it: rate: 0.1.")
    assert text.attachments == {"still.png": {"image/png": stills.png(output)}}
    width = output.metadata["image/png"]["width"]
    assert text.source.startswith(f'Move it.\n\n<div style="width: {width}px; max-width: 100%">')
    assert "\n\n![A figure with one panel. x" in text.source
    assert "Sliders above it: rate: 0.1.](attachment:still.png)\n\n</div>" in text.source

    # Once more, nothing changes.
    refresh.refresh(path)
    assert path.read_bytes() == first

    # Pages made from it show the picture, twice: above the cell and as its output.
    page, _ = nbconvert.HTMLExporter().from_filename(path)
    assert page.count(f"data:image/png;base64,{stills.png(output)}") == 2


@pytest.mark.parametrize("above", [[], ["No place."], ["![](attachment:still.png)", "Too far."]])
def test_sliders_without_a_place_for_their_still_are_refused(tmp_path, above):
    path = notebook(tmp_path / "98_x.ipynb", *above)
    before = path.read_bytes()
    with pytest.raises(RefreshError, match=r"98_x.ipynb, code cell 0 shows sliders, and the cell"):
        refresh.refresh(path)
    assert path.read_bytes() == before


def test_an_alternative_text_is_one_line_that_markdown_leaves_alone():
    text = stills.alternative_text("A [0, 1]\n  of $x_hat$: `2*3`, <b>.")
    assert text == "A (0, 1) of x_hat: 2×3, ‹b›."


def test_a_long_description_is_cut_at_the_end_of_a_sentence():
    text = stills.alternative_text("A figure. " * 99 + "Line: " + "1 at 0, " * 40)
    assert text == ("A figure. " * 99).strip()
