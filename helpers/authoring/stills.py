"""Stills of sliders, attached to the Markdown above: what a copy without outputs still shows."""

import re

from helpers.authoring import captions, pictures
from helpers.authoring.execution import RefreshError

WIDGET_VIEW = "application/vnd.jupyter.widget-view+json"
NAME = "still.png"
LONGEST = 1000  # characters of an alternative text


def attach_stills(notebook, path) -> None:
    """Attach each slider's still to the Markdown cell above its cell; in place.

    Raises:
        RefreshError: names the code cell that has no place for its still above.
    """
    number = -1
    for above, cell in zip([None, *notebook.cells], notebook.cells, strict=False):
        number += cell.cell_type == "code"
        for output in explorers(cell):
            if above is None or above.cell_type != "markdown" or NAME not in above.source:
                raise RefreshError(
                    f"{path.name}, code cell {number} shows sliders, and the cell above it has no "
                    f"place for their still: end it with the line ![](attachment:{NAME})"
                )
            attach(above, output)


def explorers(cell) -> list:
    """The outputs of a cell that are the stills of sliders."""
    if not captions.shows_sliders(cell):
        return []
    return [output for output in cell.outputs if "image/png" in output.get("data", {})]


def attach(cell, output) -> None:
    """Put the still with its size and description where `cell` mentions it; in place."""
    cell["attachments"] = cell.get("attachments", {}) | {NAME: {"image/png": png(output)}}
    found = rf'(?:<div style="[^"]*">\n\n)?!\[.*\]\(attachment:{re.escape(NAME)}\)(?:\n\n</div>)?'
    cell.source = re.sub(found, lambda _: markdown(output), cell.source)


def png(output) -> str:
    """The picture of an output, without the line breaks that some writers put in."""
    return "".join(output.data["image/png"].split())


def markdown(output) -> str:
    """The still as Markdown, in the size in which the output shows it."""
    width = output.metadata["image/png"]["width"]
    return pictures.markdown(NAME, alternative_text(output.data["text/plain"]), width)


def alternative_text(description: str) -> str:
    """One line without what Markdown would read as its own, cut at the end of a sentence."""
    line = " ".join(description.split()).translate(str.maketrans("[]<>*", "()‹›×", "\\`$"))
    if len(line) <= LONGEST:
        return line
    return line[: line.rindex(". ", 0, LONGEST) + 1]
