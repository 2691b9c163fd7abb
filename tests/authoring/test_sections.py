"""What is core, what is further, and how long each takes."""

import nbformat
import pytest

from helpers.authoring import sections

v4 = nbformat.v4
FIGURE = v4.new_output("display_data", {"image/png": "aaaa", "text/plain": "A figure with axes"})


def code(source, *outputs):
    return v4.new_code_cell(source, outputs=list(outputs))


TITLE = v4.new_markdown_cell("# 3 · A title\n\n*About 7 minutes. You need nothing.*")
CORE = [
    TITLE,
    v4.new_markdown_cell("word " * 400),
    code("\n\n".join(["a = 1"] * 24)),
    code('predict("a-name", ...)'),
    code("draw()", FIGURE, FIGURE),
    v4.new_markdown_cell("## Recap\n\nIt is ## Further: away."),
]
FURTHER = [
    v4.new_markdown_cell("## Further: more of it\n\nOne. ### Not a heading"),
    code("def double(x):\n    ...\n\ncheck(double)"),
    v4.new_markdown_cell("## Further: and more"),
]


def test_the_core_ends_at_the_first_further_section():
    assert sections.split(CORE + FURTHER) == (CORE, FURTHER)
    assert sections.split(CORE) == (CORE, [])


@pytest.mark.parametrize(
    "unread",
    [
        "<details><summary>The figure in words</summary>\n\nTwo lines.\n\n</details>",
        "![A line, [1] or so.](attachment:opening.png)",
        '<div style="width: 9px; max-width: 100%">\n\n</div>',
        "> \n> ",
    ],
)
def test_what_is_folded_or_drawn_is_not_counted(unread):
    assert sections.words([v4.new_markdown_cell(f"Three words here.\n\n{unread}")]) == 3


def test_other_details_are_read():
    more = "<details><summary>More</summary>\n\nFour.\n\n</details>"
    assert sections.words([v4.new_markdown_cell(more)]) == 3


def test_folded_code_is_not_read():
    cell = code("\n\n".join(["a = 1"] * 24))
    cell.metadata["jupyter"] = {"source_hidden": True}
    assert sections.minutes([cell]) == 0


@pytest.mark.parametrize(
    ("cell", "takes"),
    [
        (CORE[1], 2),
        (v4.new_markdown_cell("word " * 400 + f"![{'seen ' * 400}](attachment:a.png)"), 2),
        (CORE[2], 2),  # empty lines are not read
        (CORE[3], 1 / 12 + 1),
        (CORE[4], 1 / 12 + 2),
        (FURTHER[1], 3 / 12 + 7),
        (code("class Layer:\n    ...\n\ncheck(Layer)"), 3 / 12 + 10),
        (code("# hint(double)\n# check(double)"), 2 / 12),
        (code('changed = {}\nopen_task("a-claim", changed, guess=...)'), 2 / 12 + 5),
        (code('open_task("a-claim", changed, verdict=...)'), 1 / 12),  # it is the same task
        (code('# open_task("a-claim", changed, guess=...)'), 1 / 12),
    ],
    ids=[
        *(
            "words",
            "alternative text",
            "lines",
            "prediction",
            "figures",
            "exercise",
            "capstone",
            "comments",
        ),
        *("open task", "its verdict", "no open task"),
    ],
)
def test_minutes(cell, takes):
    assert sections.minutes([cell]) == pytest.approx(takes)
    assert sections.minutes([cell, cell]) == pytest.approx(2 * takes)


@pytest.mark.parametrize(
    ("cells", "said"),
    [
        (CORE, "*About 5 minutes. You need nothing.*"),
        (CORE + FURTHER, "*About 5 minutes, and 5 more for what is marked Further. You need"),
        (CORE + 4 * [CORE[1]] + FURTHER, "*About 15 minutes, and 5 more"),
    ],
)
def test_printed_minutes(cells, said):
    first = v4.new_markdown_cell(TITLE.source)
    cells = [first, *cells[1:]]
    assert sections.printed_minutes(cells) == (7, 0)
    sections.print_minutes(cells)
    sections.print_minutes(cells)
    assert said in first.source
    core, _ = sections.printed_minutes(cells)
    assert core == pytest.approx(sections.minutes(sections.split(cells)[0]), abs=2.5)


def test_a_title_without_minutes():
    assert sections.printed_minutes([v4.new_markdown_cell("# 3 · A title")]) is None


def test_the_share_of_time_before_so_far():
    half = v4.new_markdown_cell("**So far.** We read.")
    cells = [CORE[1], CORE[1], half, CORE[1], CORE[1], *FURTHER]
    assert sections.halfway(cells) == pytest.approx(0.5, abs=0.01)
    assert sections.halfway(CORE) is None
