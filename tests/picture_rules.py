"""What the pictures of a committed notebook must satisfy. Each rule returns complaints."""

import ast
import base64
import io
import re
from collections.abc import Iterator

from PIL import Image

from helpers.authoring import captions, sections
from helpers.authoring import pictures as of_notebooks

WORDS_WITHOUT_PICTURE = 900
WIDEST = 932  # pixels as shown: 9.5 inches and a margin around
COLOURS = 256
DOES_MORE = {"claim", "predict", "recall", "check", "open_task"}


def pictures(name: str, notebook) -> Iterator[str]:
    """All complaints about the pictures of one notebook."""
    yield from described_figures(notebook)
    yield from captioned_figures(notebook)
    yield from sharp_figures(notebook)
    yield from opening_picture(name, notebook)
    yield from pictures_on_the_way(notebook)
    yield from folded_code(notebook)
    yield from dashes_by_role(notebook)


def described_figures(notebook) -> Iterator[str]:
    """Each figure has a text that says what it shows: nbval compares no pixels."""
    for cell in _code(notebook):
        for output in cell.outputs:
            data = output.get("data", {})
            if any(kind.startswith("image/") for kind in data):
                text = data.get("text/plain", "")
                if not text.startswith("A figure with ") or len(text.splitlines()) < 2:
                    yield f"cell {cell.execution_count} has a figure that says only {text!r}"


def captioned_figures(notebook) -> Iterator[str]:
    """Each figure has a caption below: its point in a sentence, and, folded, what is seen, which is
    its alternative text too."""
    found = captions.figures(notebook.cells)
    for cell, output, below in found:
        place = f"the figure of cell {cell.execution_count}"
        if below is None:
            yield f"{place} has no caption in the cell below; helpers.authoring.captions shows one"
            continue
        words = len(below.point.split())
        if words > captions.LONGEST or words < 4 or not re.search(r"[.?]$", below.point):
            yield f"{place} has the caption {below.point!r}, which is no sentence of a caption"
        if "*" in below.point or re.search(r"[.?] [A-Z]", below.point):
            yield f"{place} has more than one sentence as its caption: {below.point!r}"
        if output.metadata.get("image/png", {}).get("alt") != captions.alternative(below.seen):
            yield f"{place} has another alternative text than its caption: refresh it"
    cells = [id(cell) for cell, _, _ in found]
    for cell in {id(c): c for c, _, _ in found}.values():
        if cells.count(id(cell)) > 1:
            yield f"cell {cell.execution_count} shows more than one figure"


def sharp_figures(notebook) -> Iterator[str]:
    """Figures have twice the pixels that they are shown with, a palette, and fit on the page."""
    for cell, output, _ in captions.figures(notebook.cells):
        place = f"the figure of cell {cell.execution_count}"
        image = Image.open(io.BytesIO(base64.b64decode(output.data["image/png"])))
        shown = output.metadata.get("image/png", {})
        if (image.width // 2, image.height // 2) != (shown.get("width"), shown.get("height")):
            yield f"{place} has {image.size} pixels and is shown with {dict(shown)}"
        elif shown["width"] > WIDEST:
            yield f"{place} is {shown['width']} pixels wide, more than {WIDEST}"
        if image.mode != "P" or len(image.getcolors()) > COLOURS:
            yield f"{place} has no palette of {COLOURS} colours"


def opening_picture(name: str, notebook) -> Iterator[str]:
    """The first cell holds the picture that its module draws, with its alternative text."""
    cell, module = notebook.cells[0], of_notebooks.opening(name.partition("_")[2])
    words = of_notebooks.alternative(module)
    picture = of_notebooks.markdown(of_notebooks.OPENING, words, of_notebooks.WIDTH)
    if of_notebooks.with_picture(cell.source, picture) != cell.source:
        yield f"the first cell has not the picture below its question: {picture}"
    if of_notebooks.OPENING not in cell.get("attachments", {}):
        yield "the opening picture is not attached: run course.py refresh"


def pictures_on_the_way(notebook) -> Iterator[str]:
    """The core never goes on for long without a picture."""
    words, head = 0, ""
    for cell in sections.split(notebook.cells)[0]:
        head = sections.heading(cell) or head
        words += sections.words([cell])
        if words > WORDS_WITHOUT_PICTURE:
            yield f"{words} words without a picture end under {head!r}"
            words = 0
        shown = any("image/png" in output.get("data", {}) for output in cell.get("outputs", []))
        if shown or cell.get("attachments"):
            words = 0


def folded_code(notebook) -> Iterator[str]:
    """What is folded only draws, says so in its first line, and defines nothing for what is not."""
    for cell in _code(notebook):
        if unknown := set(cell.metadata.get("jupyter", {})) - {"source_hidden"}:
            yield f"cell {cell.execution_count} has the Jupyter metadata {sorted(unknown)}"
    folded = [cell for cell in _code(notebook) if sections.is_folded(cell)]
    in_view = [cell for cell in _code(notebook) if not sections.is_folded(cell)]
    needed = set().union(*(_names(cell, ast.Load) for cell in in_view))
    needed -= set().union(*(_names(cell, ast.Store) for cell in in_view))
    for cell in folded:
        place = f"cell {cell.execution_count} is folded and"
        if not re.match(r"# (Draw|Show) .+\.$", cell.source.splitlines()[0]):
            yield f"{place} does not begin with a comment like `# Draw the loss over the steps.`"
        if any(isinstance(node, ast.FunctionDef | ast.ClassDef) for node in _tree(cell).body):
            yield f"{place} defines a function or a class"
        if [kind for output in cell.outputs for kind in [*output.get("data", {"text": ""})]] != [
            "image/png",
            "text/plain",
        ]:
            yield f"{place} shows more than its figure: end its last line with a semicolon"
        if more := _names(cell, ast.Load) & DOES_MORE:
            yield f"{place} does more than draw: {sorted(more)}"
        if stored := _names(cell, ast.Store) & needed:
            yield f"{place} defines {sorted(stored)}, which code in view uses"


def dashes_by_role(notebook) -> Iterator[str]:
    """No dash is chosen by hand: each has one meaning, and `plotting` knows it."""
    by_hand = re.compile(
        r"""(linestyle|ls)["']?\s*[=:]\s*["'](--|-\.|:)|plot\([^#\n]*["'][a-z]?(--|-\.|:)["']"""
    )
    for cell in _code(notebook):
        if found := by_hand.search(cell.source):
            yield f"cell {cell.execution_count} chooses a dash by hand: {found[0]!r}"


def _code(notebook) -> list:
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def _tree(cell) -> ast.Module:
    return ast.parse(cell.source)


def _names(cell, context) -> set[str]:
    """The names that a cell's code reads (ast.Load) or sets (ast.Store)."""
    return {
        node.id
        for node in ast.walk(_tree(cell))
        if isinstance(node, ast.Name) and isinstance(node.ctx, context)
    }
