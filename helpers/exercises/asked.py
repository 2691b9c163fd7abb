"""What a question asks. That stands once, in the Markdown of the notebook that asks it."""

import json
import re
import textwrap
from pathlib import Path

from helpers.contents import numbered
from helpers.exercises.questions import Question

FOLDER = Path(__file__).parents[2] / "notebooks"
MARK = "**Predict first.**"


def text(question: Question) -> str | None:
    """The text of a question with its choices, each on a line of its own where the notebook has
    them so; None if it cannot be found."""
    try:
        file = FOLDER / f"{numbered(question.notebook)}.ipynb"
        cells = json.loads(file.read_text(encoding="utf-8"))["cells"]
        return text_in(cells, question)
    except (OSError, ValueError, KeyError, TypeError):
        return None


def text_in(cells: list, question: Question) -> str | None:
    """The same, in the cells of a notebook.

    A prediction's text is the Markdown cell above its `predict(` cell, from "**Predict first.**"
    on, or with the paragraph before if only choices follow. A recall's is an item of the numbered
    list above its `recall(` cell: the first item for the first call. Either may stand in a quote,
    which sets it off from what is told.
    """
    above = ""
    for cell in cells:
        source = "".join(cell["source"])
        if cell["cell_type"] == "markdown":
            above = unquoted(source)
            continue
        names = re.findall(r"\b(?:predict|recall)\(\s*[\"']([^\"']+)", source)
        if question.name in names:
            place = names.index(question.name)
            found = _item(above, place + 1) if question.recalls else _prediction(above)
            return _plain(found) or None
    return None


def unquoted(markdown: str) -> str:
    """Markdown without the marks of quotes."""
    return re.sub(r"(?m)^> ?", "", markdown)


def _prediction(above: str) -> str:
    """From the mark to the last choice. What follows the choices says how to use the notebook."""
    before, mark, asked = above.partition(MARK)
    if not mark:
        asked = re.sub(r"(?m)^#.*$", "", above)
    paragraphs = re.split(r"\n\s*\n", asked.strip())
    with_choices = [number for number, p in enumerate(paragraphs) if p.startswith("- a) ")]
    if with_choices == [0]:
        paragraphs.insert(0, re.split(r"\n\s*\n", before.strip())[-1])
        with_choices = [1]
    if with_choices:
        last = max(n for n, p in enumerate(paragraphs) if re.match(r"- [a-z]\) ", p))
        paragraphs = paragraphs[: last + 1]
    return "\n\n".join(paragraphs)


def _item(above: str, number: int) -> str:
    """One item of a numbered list, with what is indented below it."""
    found = re.search(rf"(?m)^{number}\. (.*(?:\n(?:[ \t]+.*|[ \t]*(?=\n[ \t])))*)", above)
    if not found:
        return ""
    first, _, rest = found[1].partition("\n")
    return f"{first}\n{textwrap.dedent(rest)}"


def _plain(markdown: str) -> str:
    """Markdown as one prints it: choices without their dash, no bold, no empty lines."""
    lines = (re.sub(r"^- (?=[a-z]\) )", "", line.rstrip()) for line in markdown.splitlines())
    return "\n".join(line for line in lines if line).replace("**", "")
