"""What of a notebook is core and what is further, and how long both take.

The core is what the next notebooks need. Sections whose heading begins with "Further:" come after
the core's recap, so whoever runs a notebook from the top has run the whole core before anything
further: nothing in the core can depend on it.
"""

import re

from helpers.authoring import captions

FURTHER = "## Further: "

# What a learner does in a minute, and how long the rest takes (in minutes).
WORDS_READ = 200
CODE_LINES_READ = 12
FIGURE, PREDICTION, OPEN_TASK, EXERCISE, CAPSTONE = 1, 1, 5, 7, 10

_PRINTED = re.compile(r"\*About (\d+) minutes(?:, and (\d+) more for what is marked Further)?")


def heading(cell):
    """The first line of a Markdown cell if it is a heading, else nothing."""
    line = cell.source.partition("\n")[0] if cell.cell_type == "markdown" else ""
    return line if line.startswith("#") else ""


def split(cells):
    """The cells of the core and those of all further sections, two lists."""
    starts = [i for i, cell in enumerate(cells) if heading(cell).startswith(FURTHER)]
    place = starts[0] if starts else len(cells)
    return cells[:place], cells[place:]


def is_folded(cell):
    """Whether JupyterLab folds the code of a cell, which nobody has to read."""
    return cell.metadata.get("jupyter", {}).get("source_hidden", False)


def words(cells):
    """The number of words in the Markdown of some cells; what is folded or a picture's
    alternative text is not read by all and does not count."""
    return sum(len(_read(cell.source).split()) for cell in cells if cell.cell_type == "markdown")


def _read(source):
    """What of a cell's Markdown everybody reads."""
    folded = rf"(?s)<details><summary>{captions.SUMMARY}</summary>.*?</details>"
    unfolded = re.sub(folded, "", source)
    marks = r"(?m)!\[.*?\]\(attachment:[^)]*\)|</?div[^>]*>|^>"
    return re.sub(marks, "", unfolded)


def minutes(cells):
    """How long it takes to work through some cells, exercises included."""
    return words(cells) / WORDS_READ + sum(map(_minutes_of_code, cells))


def halfway(cells):
    """The share of the time of the core that has passed before the cell "So far"; None without."""
    core, _ = split(cells)
    places = [i for i, cell in enumerate(core) if is_so_far(cell)]
    return minutes(core[: places[0]]) / minutes(core) if places else None


def is_so_far(cell):
    """Whether a cell is the mark at half-time."""
    return cell.cell_type == "markdown" and cell.source.startswith("**So far.**")


def printed_minutes(cells):
    """What the first cell says: (minutes of the core, minutes of the rest), None if nothing."""
    said = _PRINTED.search(cells[0].source)
    return (int(said[1]), int(said[2] or 0)) if said else None


def print_minutes(cells):
    """Write the minutes into the first cell, in steps of 5; in place."""
    core, further = split(cells)
    said = f"*About {_in_steps_of_5(core)} minutes"
    if further:
        said += f", and {_in_steps_of_5(further)} more for what is marked Further"
    cells[0].source = _PRINTED.sub(said, cells[0].source)


def _in_steps_of_5(cells):
    return 5 * max(1, round(minutes(cells) / 5))


def _minutes_of_code(cell):
    if cell.cell_type != "code":
        return 0
    lines = 0 if is_folded(cell) else sum(bool(line.strip()) for line in cell.source.splitlines())
    figures = sum("image/png" in output.get("data", {}) for output in cell.outputs)
    predictions = len(re.findall(r"(?m)^predict\(", cell.source))
    exercises = len(re.findall(r"(?m)^check\(", cell.source))
    open_tasks = len(re.findall(r"(?m)^open_task\(.*guess=", cell.source))
    # A class is a capstone: more than a function.
    exercise = CAPSTONE if re.search(r"(?m)^class ", cell.source) else EXERCISE
    asked = PREDICTION * predictions + OPEN_TASK * open_tasks + exercise * exercises
    return lines / CODE_LINES_READ + FIGURE * figures + asked
