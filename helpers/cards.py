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
GREEN, BLUE, VERMILION, GREY = "#005C44", "#0063B8", "#BA4A00", "#595959"
BADGES = {
    "holds": GREEN,
    "holds if": BLUE,
    "does not hold": VERMILION,
    "supports": GREEN,
    "contradicts": VERMILION,
    "silent": GREY,
}
# What a box begins with, and how its edge looks.
EDGES = {"✓": "solid #009E73", "✗": "solid #D55E00", "○": "dashed #888888"}
NEUTRAL = "solid #888888"

_BOX = (
    "border-left: 4px {edge}; background-color: rgba(128, 128, 128, 0.1); color: inherit; "
    "padding: 8px 14px; margin: 4px 0px; max-width: 800px"
)


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
    begins = text[:1] if text[:1] in EDGES else ""
    bold = lead or begins
    first, *others = text.removeprefix(bold).split("\n")
    shown = f"<strong>{inline(bold)}</strong>{inline(first)}" if bold else inline(first)
    lines = [_line(shown), *(_line(inline(other.lstrip(" ")), _indent(other)) for other in others)]
    edge = EDGES.get(begins if mark is None else mark, NEUTRAL)
    show(wrapped(text), _framed("".join(lines), edge))


def card(paragraphs: list[str], edge: str) -> str:
    """Return HTML: paragraphs, which are HTML, in a box with an edge such as those of EDGES."""
    *others, last = paragraphs
    lines = [f'<p style="margin: 0px 0px 6px 0px">{text}</p>' for text in others]
    return _framed("".join([*lines, f'<p style="margin: 0px">{last}</p>']), edge)


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


def _framed(inside: str, edge: str) -> str:
    return f'<div style="{_BOX.format(edge=edge)}">{inside}</div>'


def _line(shown: str, indent: int = 0) -> str:
    """A line as a paragraph, so that what follows a break is indented too."""
    style = f"margin: 0px 0px 2px {8 * indent}px; white-space: pre-wrap"
    return f'<p style="{style}">{shown or "&nbsp;"}</p>'


def _indent(line: str) -> int:
    return len(line) - len(line.lstrip(" "))
