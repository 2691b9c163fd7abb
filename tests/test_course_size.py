"""How large the course is: the words of its core, the minutes of its maps, its pictures."""

import re

import pytest
from notebook_rules import FOLDER, calls, notebooks, read

from helpers.authoring import sections

# The first edition had 88,800 words, and no core. A core of two thirds is what the second promises.
WORDS_OF_THE_FIRST_EDITION = 88_800
# All notebooks with their pictures; a clone is fetched over slow lines, too.
LARGEST = 12_000_000  # bytes
MAPS = ("README.md", "notebooks/00_start_here.ipynb")


def test_the_core_has_a_third_fewer_words_than_the_first_edition():
    words = {path.stem: sections.words(sections.split(read(path).cells)[0]) for path in notebooks()}
    assert sum(words.values()) <= WORDS_OF_THE_FIRST_EDITION * 2 / 3, words


def test_the_notebooks_with_their_pictures_are_small():
    assert sum(path.stat().st_size for path in notebooks()) < LARGEST


def test_eight_notebooks_have_sliders():
    with_sliders = [path for path in notebooks() if calls(read(path), "explore")]
    assert len(with_sliders) >= 8


def rows(text):
    """Each row of a map: the notebook's file, the minutes of its core and those of the rest."""
    row = re.compile(r"(?m)^\|.*?\((?:notebooks/)?(\d\d_\w+)\.ipynb\).*\| *(\d+) *\| *(\d*) *\|$")
    return {file: (int(core), int(further or 0)) for file, core, further in row.findall(text)}


@pytest.mark.parametrize("file", MAPS)
def test_a_map_gives_the_minutes_that_the_notebooks_give(file):
    path = FOLDER.parent / file
    text = path.read_text(encoding="utf-8")
    if path.suffix == ".ipynb":
        text = "\n".join(cell.source for cell in read(path).cells if cell.cell_type == "markdown")
    printed = {path.stem: sections.printed_minutes(read(path).cells) for path in notebooks()}
    if path.suffix == ".ipynb":
        del printed[path.stem]  # a map does not link to the page that it is on
    assert rows(text) == printed
    tables = re.findall(r"(?m)(?:^\|.*\n)+", text)
    for table in (table for table in tables if rows(table)):
        assert len({line.count("|") for line in table.splitlines()}) == 1, table


@pytest.mark.parametrize("file", MAPS)
def test_a_map_adds_up_its_minutes(file):
    path = FOLDER.parent / file
    text = path.read_text(encoding="utf-8")
    printed = [sections.printed_minutes(read(path).cells) for path in notebooks()]
    core, further = (sum(part) / 60 for part in zip(*printed, strict=True))
    said = re.search(r"The core takes about (\d+) hours, and all of it (\d+)", text)
    assert said, "the map must say how long the core takes and how long all of it"
    assert int(said[1]) == pytest.approx(core, rel=0.1)
    assert int(said[2]) == pytest.approx(core + further, rel=0.1)
