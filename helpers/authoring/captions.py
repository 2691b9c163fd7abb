"""Captions: the point of a figure in one sentence, and below it, folded, what is seen.

    *Each layer adds its own motion to what it receives.*

    <details><summary>The figure in words</summary>

    Drift of the means over the number of the hidden layer, ...

    </details>

They stand at the top of the Markdown cell behind the figure's cell. What is folded is written into
the figure as its alternative text, which screen readers read where the page is shown.
"""

import re
from typing import NamedTuple

SUMMARY = "The figure in words"
LONGEST = 35  # words of a caption
_FORM = re.compile(
    rf"\A\*(?P<point>[^\n]+)\*\n\n<details><summary>{SUMMARY}</summary>\n\n"
    r"(?P<seen>.+?)\n\n</details>(?:\n|\Z)",
    re.DOTALL,
)


class Caption(NamedTuple):
    """What stands below a figure: its point, in one sentence, and what is seen, both Markdown."""

    point: str
    seen: str


def caption(cell) -> Caption | None:
    """The caption at the top of a Markdown cell, None if there is none."""
    found = _FORM.match(cell.source) if cell.cell_type == "markdown" else None
    return Caption(found["point"], found["seen"]) if found else None


def figures(cells) -> list[tuple]:
    """(code cell, output, caption or None) of every figure that a notebook stores.

    The stills of sliders are none: what they show changes, and has words of its own.
    """
    found = []
    for cell, after in zip(cells, [*cells[1:], None], strict=True):
        if cell.cell_type != "code" or shows_sliders(cell):
            continue
        for output in cell.outputs:
            if "image/png" in output.get("data", {}):
                found.append((cell, output, caption(after) if after is not None else None))
    return found


def shows_sliders(cell) -> bool:
    """Whether a cell shows sliders above a figure."""
    return cell.cell_type == "code" and bool(re.search(r"(?m)^explore\(", cell.source))


def alternative(seen: str) -> str:
    """What is seen, as plain text on one line."""
    text = re.sub(r"!?\[([^\]]*)\]\([^)]*\)", r"\1", seen)
    text = re.sub(r"\*\*|`|\$|(?<!\w)\*|\*(?!\w)", "", text)
    return " ".join(text.split())


def write_alternatives(cells) -> None:
    """Store each caption's description with its figure, where viewers look for it; in place."""
    for _, output, below in figures(cells):
        own = output.metadata.setdefault("image/png", {})
        own.pop("alt", None)
        if below is not None:
            own["alt"] = alternative(below.seen)
