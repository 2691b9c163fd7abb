"""Break long lines at words: JupyterLab breaks printed text anywhere."""

import textwrap

WIDTH = 92


def wrapped(text: str) -> str:
    """Wrap every line of a text; what follows a break is indented by two more spaces."""
    return "\n".join(
        textwrap.fill(
            line,
            WIDTH,
            subsequent_indent=" " * (len(line) - len(line.lstrip()) + 2),
            break_long_words=False,
            break_on_hyphens=False,
        )
        for line in text.splitlines()
    )
