"""Markdown to HTML with formulas as MathML, which browsers draw without a script or a network."""

import html
import re

import mistune
from latex2mathml.converter import convert

_FORMULA = re.compile(r"(?<![\\$])\$\$?([^$]+)\$\$?")
_CODE = re.compile(r"(`+).+?\1", re.DOTALL)
_render = mistune.create_markdown(escape=True, plugins=["table", "strikethrough"])


def to_html(text: str) -> str:
    """Blocks of Markdown as HTML; HTML in it is escaped."""
    formulas: list[str] = []

    def aside(found: re.Match) -> str:
        display = "block" if found[0].startswith("$$") else "inline"
        formulas.append(convert(found[1].strip().replace("\n", " "), display=display))
        return f"\0{len(formulas) - 1}\0".replace("\0", "\ufdd0")

    # A dollar in code is no formula.
    parts, last = [], 0
    for code in _CODE.finditer(text):
        parts += [_FORMULA.sub(aside, text[last : code.start()]), code[0]]
        last = code.end()
    text = "".join([*parts, _FORMULA.sub(aside, text[last:])])
    return re.sub("\ufdd0(\\d+)\ufdd0", lambda m: formulas[int(m[1])], _render(text))


def line(text: str) -> str:
    """One line of Markdown as HTML, without a paragraph around it."""
    return to_html(text).strip().removeprefix("<p>").removesuffix("</p>")


def plain(text: str) -> str:
    """A text as HTML, its line breaks kept."""
    return html.escape(text).replace("\n", "<br>\n")
