"""`python3 course.py guide`: writes guide/pages/."""

import sys

from tqdm import tqdm

from helpers.classroom.guide import pages, written
from helpers.contents import NOTEBOOKS, numbered
from helpers.exercises import load_part_iii
from helpers.files import write_atomically


def main() -> int:
    """Write all pages; returns the exit code."""
    folder = written.FOLDER / "pages"
    load_part_iii()
    try:
        for notebook in tqdm(NOTEBOOKS, unit="page", desc="guide"):
            write_atomically(folder / f"{numbered(notebook)}.html", pages.page(notebook))
        write_atomically(folder / "index.html", pages.index())
    except written.GuideError as error:
        print(error, file=sys.stderr)
        return 1
    print(f"Open {folder / 'index.html'} in a browser; it prints well, too.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
