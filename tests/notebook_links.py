"""Where the links of a notebook lead: files, notebooks, attachments, headings."""

import re
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import unquote

import nbformat

FOLDER = Path(__file__).parents[1] / "notebooks"
# What may hold brackets and parentheses that are no links.
NOT_TEXT = re.compile(r"(?ms)^(```|~~~).*?^\1|`[^`\n]+`|\$\$.+?\$\$|\$[^$\n]+\$")
TARGETS = re.compile(
    r"\]\(\s*<?([^)\s>]+)"  # [text](target) and ![text](target "title")
    r"|^ {0,3}\[[^\]]+\]:\s*<?([^\s>]+)"  # [name]: target
    r"|<(?:a|img)\b[^>]*?\b(?:href|src)\s*=\s*[\"']([^\"']*)",
    re.MULTILINE,
)
ELSEWHERE = re.compile(r"(?i)(https?|mailto|data):")


def relative_links(notebook) -> Iterator[tuple[str, nbformat.NotebookNode]]:
    """Each target inside the course, with its cell."""
    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            for found in TARGETS.finditer(NOT_TEXT.sub("", cell.source)):
                target = next(group for group in found.groups() if group is not None)
                if not ELSEWHERE.match(target):
                    yield target, cell


def anchors(text: str) -> set[str]:
    """The names that JupyterLab gives the headings of a text: spaces become hyphens, case stays."""
    return {heading.replace(" ", "-") for heading in headings(text)}


def headings(text: str) -> list[str]:
    """The headings of a text in order, as they are shown."""
    text = re.sub(r"(?ms)^(```|~~~).*?^\1", "", text)
    return [_shown(h) for h in re.findall(r"(?m)^ {0,3}#{1,6}[ \t]+(.+?)[ \t]*#*$", text)]


def _shown(heading: str) -> str:
    """A heading without its Markdown."""
    heading = re.sub(r"!?\[([^\]]*)\]\([^)]*\)", r"\1", heading)
    return re.sub(r"(\*\*|\*|`|(?<!\w)_|_(?!\w))", "", heading)


def links(notebook, folder: Path = FOLDER) -> Iterator[str]:
    """Every relative link leads somewhere, seen from the folder of the notebooks."""
    own = anchors(_text(notebook))
    for target, cell in relative_links(notebook):
        path, _, anchor = unquote(target).partition("#")
        if path.startswith("attachment:"):
            if path.removeprefix("attachment:") not in cell.get("attachments", {}):
                yield f"the picture {target} is not attached to its cell"
            continue
        file = folder / path
        if path.startswith("/") or (path and not file.exists()):
            yield f"a link leads to {path}, which does not exist"
        elif anchor and anchor not in (anchors(_read(file)) if path else own):
            yield f"a link leads to the heading #{anchor}, which does not exist in {path or 'it'}"


def _read(file: Path) -> str:
    if file.suffix == ".ipynb":
        return _text(nbformat.read(file, as_version=4))
    return file.read_text(encoding="utf-8") if file.suffix == ".md" else ""


def _text(notebook) -> str:
    return "\n".join(cell.source for cell in notebook.cells if cell.cell_type == "markdown")
