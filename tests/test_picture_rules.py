"""Each rule about pictures catches a notebook that breaks it."""

import base64
import io
import re

import pytest
from nbformat import v4
from notebook_rules import FOLDER, read
from picture_rules import pictures
from PIL import Image

from helpers.authoring import captions, sections
from helpers.authoring import pictures as of_notebooks

GOOD = "08_covariate_shift"


def first_figure(notebook):
    cell, output, below = captions.figures(notebook.cells)[0]
    return notebook.cells.index(cell), output, below


def below_figure(notebook):
    return notebook.cells[first_figure(notebook)[0] + 1]


def folded(notebook):
    return next(
        cell for cell in notebook.cells if cell.cell_type == "code" and sections.is_folded(cell)
    )


def silent_figure(notebook):
    output = next(
        output
        for cell in notebook.cells
        for output in cell.get("outputs", [])
        if "image/png" in output.get("data", {})
    )
    output.data["text/plain"] = "<Figure size 614x326 with 1 Axes>"


def no_caption(notebook):
    below_figure(notebook).source = "And so on."


def caption_without_end(notebook):
    cell = below_figure(notebook)
    cell.source = re.sub(r"\A\*[^*]+\*", "*Drift*", cell.source)


def two_sentences(notebook):
    cell = below_figure(notebook)
    cell.source = re.sub(r"\A\*[^*]+\*", "*The means drift. So does the shape.*", cell.source)


def other_description(notebook):
    cell = below_figure(notebook)
    cell.source = cell.source.replace("</summary>\n\n", "</summary>\n\nTwo green lines. ")


def two_figures_in_a_cell(notebook):
    place, output, _ = first_figure(notebook)
    notebook.cells[place].outputs.append(output)


def repacked(output, change, form="PNG"):
    image = Image.open(io.BytesIO(base64.b64decode(output.data["image/png"])))
    file = io.BytesIO()
    change(image).save(file, format=form)
    output.data["image/png"] = base64.b64encode(file.getvalue()).decode()


def half_the_pixels(notebook):
    output = first_figure(notebook)[1]
    repacked(output, lambda image: image.resize((image.width // 2, image.height // 2)))


def all_colours(notebook):
    repacked(first_figure(notebook)[1], lambda image: image.convert("RGB"))


def wide(notebook):
    output = first_figure(notebook)[1]
    repacked(output, lambda image: image.resize((2000, 400)))
    output.metadata["image/png"] |= {"width": 1000, "height": 200}


def no_opening(notebook):
    first = notebook.cells[0]
    first.source = of_notebooks.PICTURE.sub("", first.source)


def opening_with_other_words(notebook):
    first = notebook.cells[0]
    first.source = re.sub(r"!\[[^\]]*\]", "![A picture.]", first.source)


def opening_not_attached(notebook):
    del notebook.cells[0]["attachments"]


def long_way(notebook):
    notebook.cells[2].source += " word" * 1000


def folded_without_words(notebook):
    cell = folded(notebook)
    cell.source = cell.source.partition("\n")[2]


def folded_claim(notebook):
    folded(notebook).source += '\nclaim("pigs-fly", measured=1, at_least=0)'


def folded_function(notebook):
    folded(notebook).source += "\ndef f(): ..."


def folded_names(notebook):
    cell = folded(notebook)
    cell.source += "\nhidden = 1"
    first = next(each for each in notebook.cells if each.cell_type == "code")
    first.source += "\nprint(hidden)"


def dash_by_hand(notebook):
    folded(notebook).source += '\nax.axhline(1, color="black", linestyle="--")'


def dash_in_a_format(notebook):
    folded(notebook).source += '\nax.plot([1, 2], [1, 2], "k--")'


def stray_value(notebook):
    folded(notebook).outputs.insert(0, v4.new_output("execute_result", {"text/plain": "Text(0)"}))


def scrolled(notebook):
    folded(notebook).metadata["jupyter"]["outputs_hidden"] = True


@pytest.mark.parametrize(
    ("breakage", "complaint"),
    [
        (silent_figure, "has a figure that says only"),
        (no_caption, "has no caption in the cell below"),
        (caption_without_end, "has the caption 'Drift', which is no sentence"),
        (two_sentences, "has more than one sentence as its caption"),
        (other_description, "has another alternative text than its caption"),
        (two_figures_in_a_cell, "shows more than one figure"),
        (half_the_pixels, "pixels and is shown with"),
        (all_colours, "has no palette of 256 colours"),
        (wide, "is 1000 pixels wide, more than 932"),
        (no_opening, "the first cell has not the picture below its question"),
        (opening_with_other_words, "the first cell has not the picture below its question"),
        (opening_not_attached, "the opening picture is not attached"),
        (long_way, "words without a picture end under"),
        (folded_without_words, "does not begin with a comment like"),
        (folded_claim, "does more than draw: ['claim']"),
        (folded_function, "defines a function or a class"),
        (folded_names, "defines ['hidden'], which code in view uses"),
        (dash_by_hand, "chooses a dash by hand"),
        (dash_in_a_format, "chooses a dash by hand"),
        (stray_value, "shows more than its figure"),
        (scrolled, "has the Jupyter metadata ['outputs_hidden']"),
    ],
)
def test_a_notebook_with_a_broken_picture_is_caught(breakage, complaint):
    notebook = read(FOLDER / f"{GOOD}.ipynb")
    assert list(pictures(GOOD, notebook)) == []
    breakage(notebook)
    assert any(complaint in line for line in pictures(GOOD, notebook))
