"""A caption's point and description are read from below a figure, and become its alternative."""

import pytest
from nbformat import v4

from helpers.authoring import captions

SEEN = "The loss over the steps: **batch norm** (blue) [falls](#Recap) to `0.1`, $x$ stays. *So.*"
BELOW = f"""\
*Batch norm is faster.*

<details><summary>The figure in words</summary>

{SEEN}

</details>

And then?"""
PNG = {"image/png": "iVBORw0KGgo=", "text/plain": "A figure with one panel.\nNothing is drawn."}


def figure():
    output = v4.new_output("display_data", PNG, metadata={"image/png": {"width": 614}})
    return v4.new_code_cell("draw()", outputs=[output])


def test_a_caption_is_its_point_and_what_is_seen():
    assert captions.caption(v4.new_markdown_cell(BELOW)) == ("Batch norm is faster.", SEEN)


@pytest.mark.parametrize(
    "cell",
    [
        v4.new_markdown_cell("*Batch norm is faster.*"),
        v4.new_markdown_cell(f"First this.\n\n{BELOW}"),
        v4.new_markdown_cell(BELOW.replace("The figure in words", "More")),
        v4.new_markdown_cell(BELOW.replace("\n\n</details>", "")),
        v4.new_code_cell(BELOW),
    ],
)
def test_what_is_no_caption_is_none(cell):
    assert captions.caption(cell) is None


def test_the_alternative_is_plain_text():
    assert captions.alternative(SEEN) == (
        "The loss over the steps: batch norm (blue) falls to 0.1, x stays. So."
    )


def test_every_figure_gets_the_alternative_of_the_caption_below_it():
    cells = [figure(), v4.new_markdown_cell(BELOW), figure(), v4.new_code_cell("1"), figure()]
    cells[2].outputs[0].metadata["image/png"]["alt"] = "of another figure"
    captions.write_alternatives(cells)
    shown = [cell.outputs[0].metadata["image/png"] for cell in (cells[0], cells[2], cells[4])]
    assert shown[0] == {"width": 614, "alt": captions.alternative(SEEN)}
    assert shown[1:] == [{"width": 614}] * 2
