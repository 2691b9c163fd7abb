"""Cards and boxes: what the course says to a reader, as text and as HTML with the same words.

A notebook shows the HTML where it can; scripts, tests and terminals get the text. Styles stand at
the elements and use only what JupyterLab leaves in. Where they are dropped, as on GitHub, the tags
alone make sense. Text takes the colour of the theme, light or dark.
"""

import html
import re

from IPython import get_ipython
from IPython.display import display

from helpers.wrapping import wrapped

# Dark enough for white words, and told apart by those who see no red or green; each badge also says
# in words what it means.
GREEN, BLUE, VERMILION, GREY = "#00664B", "#005A9C", "#A34300", "#595959"
BADGES = {
    "holds": GREEN,
    "holds if": BLUE,
    "does not hold": VERMILION,
    "supports": GREEN,
    "contradicts": VERMILION,
    "silent": GREY,
}
# What a box begins with, and how its edge looks.
EDGES = {"✓": "4px solid #009E73", "✗": "4px solid #D55E00", "○": "4px dashed #888888"}
NEUTRAL = "4px solid #888888"

_BOX = (
    "border-left: {edge}; background-color: rgba(128, 128, 128, 0.1); color: inherit; "
    "padding: 8px 14px; margin: 4px 0px; max-width: 800px"
)
_LINE = "margin: 0px 0px 5px 0px"
_LAST = "margin: 0px"


def show(plain: str, rich: str) -> None:
    """Show HTML in a notebook, with the plain text beside it; elsewhere print the text."""
    if get_ipython() is None:
        print(plain)
    else:
        display({"text/plain": plain, "text/html": rich}, raw=True)


def say(text: str, *, lead: str = "", mark: str | None = None) -> None:
    """Say something to the learner, in a box; its plain text is the text, wrapped.

    lead: words that the text begins with, shown in bold. mark: "✓", "✗" or "○", which decides the
    colour; by default that with which the text begins, if any.
    """
    mark = text[:1] if mark is None else mark
    lines = inline(text.removeprefix(lead)).split("\n")
    shown = "<br>".join(_indented(line) for line in lines)
    if lead:
        shown = f"<strong>{inline(lead)}</strong>{shown}"
    elif shown[:1] in EDGES:
        shown = f"<strong>{shown[:1]}</strong>{shown[1:]}"
    show(wrapped(text), box([shown], EDGES.get(mark, NEUTRAL)))


def box(paragraphs: list[str], edge: str = NEUTRAL) -> str:
    """Return HTML: paragraphs, which are HTML, in a box with this edge at its left."""
    styles = [_LINE] * (len(paragraphs) - 1) + [_LAST]
    inside = "".join(
        f'<p style="{style}">{text}</p>' for style, text in zip(styles, paragraphs, strict=True)
    )
    return f'<div style="{_BOX.format(edge=edge)}">{inside}</div>'


def badge(kind: str) -> str:
    """Return HTML: a word that judges, one of BADGES, in white on its colour."""
    style = (
        f"background-color: {BADGES[kind]}; color: #ffffff; padding: 1px 7px; "
        "border-radius: 3px; white-space: nowrap"
    )
    return f'<strong style="{style}">{kind}</strong>'


def link(text: str, target: str) -> str:
    """Return HTML: words that lead somewhere."""
    return f'<a href="{html.escape(target)}">{inline(text)}</a>'


def inline(text: str) -> str:
    """Return text as HTML: its signs mean nothing, but what stands in backticks is code."""
    text = html.escape(text, quote=False)
    # A dollar sign or a backslash alone in its element begins no formula.
    text = re.sub(r"[$\\]", r"<span>\g<0></span>", text)
    return re.sub(r"`([^`\n]+)`", r"<code>\1</code>", text)


def _indented(line: str) -> str:
    """A line of HTML that keeps its indent, and its columns."""
    return re.sub(r"^ +|(?<= ) +", lambda spaces: "&nbsp;" * len(spaces[0]), line)
