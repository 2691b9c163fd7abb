"""The notebooks of the course, and how commands name them."""

from pathlib import Path

from helpers.launcher import places
from helpers.launcher.reasons import Stop


def notebook_paths():
    """All notebooks of the course, in order."""
    return sorted(places.NOTEBOOKS.glob("[0-9][0-9]_*.ipynb"))


def refuse_incomplete_clone():
    """Stop where there are no notebooks to copy."""
    if not notebook_paths():
        raise Stop(f"There are no notebooks in {places.NOTEBOOKS}: the clone is not complete.")


def name_of(path):
    """A notebook's name: what stands behind its number, which may change."""
    return Path(path).stem.partition("_")[2]


def select(names):
    """Notebooks by number (``03``, ``3``), name or file; all of them without names."""
    notebooks = notebook_paths()
    if not names:
        return notebooks
    chosen = []
    for name in names:
        key = Path(name).name.removesuffix(".ipynb")
        number = key.zfill(2) + "_"
        found = [
            path
            for path in notebooks
            if key in (path.stem, name_of(path)) or path.name.startswith(number)
        ]
        if not found:
            known = ", ".join(path.stem[:2] for path in notebooks) or "none yet"
            raise Stop(f"There is no notebook {name!r}; the course has: {known}.")
        chosen += found
    return chosen
