"""Every notebook keeps the rules, and each rule catches a notebook that breaks it."""

import re

import nbformat
import pytest
from notebook_links import links
from notebook_rules import (
    FOLDER,
    code_cells,
    complaints,
    neutral_ids,
    notebooks,
    open_questions,
    read,
    recall_at_the_start,
    texts_of_questions,
)

from helpers.authoring import sections
from helpers.claims import all_claims
from helpers.contents import NOTEBOOKS, numbered
from helpers.exercises.engine import EXERCISES
from helpers.exercises.questions import QUESTIONS, Choice, Number, Order, Word

PATHS = notebooks()
NAMES = [path.stem for path in PATHS]


@pytest.mark.parametrize("path", PATHS, ids=NAMES)
def test_a_notebook_keeps_the_rules(path):
    assert complaints(path.stem, read(path), NAMES) == []


def test_notebooks_are_numbered_in_the_order_of_the_course():
    assert [numbered(name) for name in NOTEBOOKS] == NAMES


def test_nothing_in_helpers_knows_the_number_of_a_notebook():
    # So that a notebook can move. The launcher's help shows learners how numbers are written.
    number = re.compile(rf"[Nn]otebooks? \d\d|\b\d\d_({'|'.join(NOTEBOOKS)})\b")
    helpers = FOLDER.parent / "helpers"
    files = {*helpers.rglob("*.py"), *helpers.rglob("*.toml")}
    files -= {helpers / "contents.py", *helpers.glob("launcher/*"), *helpers.glob("authoring/*")}
    found = [
        f"{path.name}: {line.strip()}"
        for path in sorted(files)
        for line in path.read_text(encoding="utf-8").splitlines()
        if number.search(line)
    ]
    assert found == []


def test_everything_registered_belongs_to_a_notebook():
    assert {entry["notebook"] for entry in all_claims().values()} <= set(NOTEBOOKS)
    assert {item.notebook for item in (*EXERCISES.values(), *QUESTIONS.values())} <= set(NOTEBOOKS)


# What must not pass. Each breaks a copy of a good notebook in one way.

GOOD = "02_forward"


def cell_with(notebook, text):
    return next(cell for cell in notebook.cells if text in cell.source)


def no_outputs(notebook):
    for cell in code_cells(notebook):
        cell.outputs, cell.execution_count = [], None


def cell_run_twice(notebook):
    code_cells(notebook)[3].execution_count = 99


def say_under(cell, text):
    """Let the first output of a cell, which is a box, say something else."""
    cell.outputs[0].data["text/plain"] = text


def filled_in(notebook):
    cell = cell_with(notebook, "def batch_norm_forward")
    cell.source = cell.source.replace("...  # your code here", "return x")


def solved_output(notebook):
    say_under(cell_with(notebook, "def batch_norm_forward"), "✓ all 8 checks passed")


def exercise_removed(notebook):
    notebook.cells.remove(cell_with(notebook, "def batch_norm_forward"))


def other_signature(notebook):
    cell = cell_with(notebook, "def batch_norm_forward")
    cell.source = cell.source.replace("eps=1e-5", "eps=1e-3")


def answered_prediction(notebook):
    cell = cell_with(notebook, 'predict("forward-axis"')
    cell.source = cell.source.replace('"forward-axis", ...', '"forward-axis", "a"')


def telling_id(notebook):
    cell = cell_with(notebook, "- a) down the columns")
    cell.source = cell.source.replace("down the columns", "along the axis of the batch")


def no_choices(notebook):
    cell = cell_with(notebook, "- a) down the columns")
    cell.source = cell.source.replace("- ", "* ")


def asked_outside_its_quote(notebook):
    cell = cell_with(notebook, "- a) down the columns")
    cell.source = cell.source.replace("> - b)", "- b)")


def unregistered_claim(notebook):
    code_cells(notebook)[-1].source += '\nclaim("pigs-fly", measured=1, at_least=0)'


def untested_claim(notebook):
    cell = cell_with(notebook, 'claim("undo", measured=same_batch')
    cell.source = "print()"


def claim_moved(notebook):
    cell = next(cell for cell in code_cells(notebook) if "claim(" in cell.source)
    place = notebook.cells.index(cell)
    notebook.cells.insert(place, nbformat.v4.new_markdown_cell("## Elsewhere"))


def name_without_link(notebook):
    notebook.cells[0].source += "\n\nSee `fewer-steps`."


def name_linked_elsewhere(notebook):
    notebook.cells[0].source += "\n\nSee [fewer-steps](03_backward.ipynb)."


def limit_never_tested(notebook):
    cell = cell_with(notebook, 'claim("undo", measured=same_batch')
    cell.source = cell.source.splitlines()[0]


def broken_next_link(notebook):
    notebook.cells[0].source = re.sub(
        r"\(03_\w+\.ipynb\)", "(03_sideways.ipynb)", notebook.cells[0].source
    )


def no_previous_link(notebook):
    notebook.cells[0].source = notebook.cells[0].source.replace("(01_why", "(00_why")


def link_with_another_number(notebook):
    cell = cell_with(notebook, "[notebook 05](05_inference.ipynb)")
    cell.source = cell.source.replace("[notebook 05](05", "[notebook 06](05")


def ignored_without_reason(notebook):
    code_cells(notebook)[2].metadata["tags"] = ["nbval-ignore-output"]


def warning_on_stderr(notebook):
    output = nbformat.v4.new_output("stream", name="stderr", text="a warning")
    code_cells(notebook)[2].outputs.append(output)


def broken_file_link(notebook):
    notebook.cells[0].source += "\nSee [the readme](../READ.md) and `[no](link)`."


def broken_image(notebook):
    notebook.cells[0].source += '\n<img alt="a" src="images/forward.png">'


def broken_reference(notebook):
    notebook.cells[0].source += "\nSee [this][1].\n\n[1]: ../missing/file.txt"


def missing_attachment(notebook):
    notebook.cells[0].source += "\n![a picture](attachment:picture.png)"


def absolute_link(notebook):
    notebook.cells[0].source += "\n[here](/etc/hosts)"


def broken_anchor(notebook):
    notebook.cells[0].source += "\n[below](#recap)"


def broken_anchor_elsewhere(notebook):
    notebook.cells[0].source += "\n[next](03_backward.ipynb#No-such-heading)"


def recap_at_the_end(notebook):
    recap = cell_with(notebook, "## Recap")
    notebook.cells.remove(recap)
    notebook.cells.append(recap)


def further_heading(notebook):
    return next(cell for cell in notebook.cells if sections.heading(cell).startswith("## Further"))


def unfolded(notebook):
    further_heading(notebook).metadata = {}


def folded_core(notebook):
    cell_with(notebook, "## Recap").metadata["jp-MarkdownHeadingCollapsed"] = True


def section_behind_further(notebook):
    notebook.cells.append(nbformat.v4.new_markdown_cell("## One more thing"))


def exercise_in_core(notebook):
    cell = cell_with(notebook, "def identity_parameters")
    notebook.cells.remove(cell)
    notebook.cells.insert(5, cell)


def endless_core(notebook):
    cell_with(notebook, "## Recap").source += " word" * 4000


def no_half_time(notebook):
    notebook.cells.remove(cell_with(notebook, "**So far.**"))


def early_half_time(notebook):
    cell = cell_with(notebook, "**So far.**")
    notebook.cells.remove(cell)
    notebook.cells.insert(4, cell)


def long_half_time(notebook):
    cell_with(notebook, "**So far.**").source += " and so on" * 30


def minutes_of_another(notebook):
    first = notebook.cells[0]
    first.source = re.sub(r"About \d+ minutes", "About 20 minutes", first.source)


def minutes_of_the_core_alone(notebook):
    first = notebook.cells[0]
    first.source = re.sub(r", and \d+ more for[^.]*", "", first.source)


def no_minutes(notebook):
    first = notebook.cells[0]
    first.source = re.sub(r"About \d+ minutes", "A while", first.source)


def foreign_kernel(notebook):
    notebook.metadata.kernelspec.name = "my-conda"


def widget_state(notebook):
    notebook.metadata["widgets"] = {"state": {}}


def older_format(notebook):
    notebook.nbformat_minor = 4


def timed_cell(notebook):
    code_cells(notebook)[2].metadata["execution"] = {"iopub.status.busy": "2026"}


def twin_ids(notebook):
    notebook.cells[3].id = notebook.cells[4].id


def output_metadata(notebook):
    output = next(o for cell in code_cells(notebook) for o in cell.outputs if "metadata" in o)
    output.metadata["needs_background"] = "light"


def still_of_another_run(notebook):
    cell = cell_with(notebook, "attachment:still.png")
    cell.attachments["still.png"]["image/png"] = "aaaa"


def still_that_says_something_else(notebook):
    cell = cell_with(notebook, "attachment:still.png")
    cell.source = cell.source.replace("gamma: 1;", "gamma: 2;")


def still_elsewhere(notebook):
    place = notebook.cells.index(cell_with(notebook, "attachment:still.png"))
    notebook.cells.insert(place + 1, nbformat.v4.new_markdown_cell("Now move them."))


def sliders_not_refreshed(notebook):
    cell_with(notebook, "def show_feature").outputs = []


def sliders_not_compared(notebook):
    cell_with(notebook, "def show_feature").metadata["tags"] = ["nbval-ignore-output"]


def slider_of_indices(notebook):
    cell = cell_with(notebook, "def show_feature")
    cell.source = cell.source.replace("np.linspace(-3, 3, 25), 1", "range(25), 12")


@pytest.mark.parametrize(
    ("breakage", "complaint"),
    [
        (no_outputs, "no cell has an output"),
        (cell_run_twice, "execution counts are"),
        (filled_in, "batch_norm_forward is filled in"),
        (solved_output, "expected ○"),
        (exercise_removed, "in the notebook"),
        (other_signature, "in its reference"),
        (answered_prediction, "forward-axis is filled in"),
        (telling_id, "'axis' stands in the right answer"),
        (no_choices, "no choices stand above the prediction forward-axis"),
        (asked_outside_its_quote, "the text of forward-axis does not stand in a quote"),
        (unregistered_claim, "pigs-fly"),
        (untested_claim, "are registered"),
        (limit_never_tested, "must be called 2 time"),
        (claim_moved, "is tested under 'Elsewhere'"),
        (name_without_link, "the claim `fewer-steps` is named: write [fewer-steps](04_"),
        (name_linked_elsewhere, "the link fewer-steps leads to 03_backward.ipynb, not 04_"),
        (broken_next_link, "03_sideways.ipynb, which does not exist"),
        (no_previous_link, "does not link to 01_"),
        (link_with_another_number, "the link 'notebook 06' leads to notebook 05"),
        (ignored_without_reason, "gives no reason"),
        (warning_on_stderr, "wrote to stderr"),
        (broken_file_link, "../READ.md, which does not exist"),
        (broken_image, "images/forward.png, which does not exist"),
        (broken_reference, "../missing/file.txt, which does not exist"),
        (missing_attachment, "attachment:picture.png is not attached"),
        (absolute_link, "/etc/hosts, which does not exist"),
        (broken_anchor, "#recap, which does not exist"),
        (broken_anchor_elsewhere, "#No-such-heading, which does not exist in 03_backward.ipynb"),
        (recap_at_the_end, "the recap stands behind what is marked Further"),
        (unfolded, "must be folded"),
        (folded_core, "must not be folded"),
        (section_behind_further, "'## One more thing' is not marked Further"),
        (exercise_in_core, "the core has 3 exercises"),
        (endless_core, "minutes, more than 60"),
        (no_half_time, 'the mark "So far" is missing'),
        (early_half_time, 'the mark "So far" stands at'),
        (long_half_time, '"So far" has'),
        (minutes_of_another, "the first cell says 20 minutes"),
        (minutes_of_the_core_alone, "the first cell says 0 minutes"),
        (no_minutes, "must say how many minutes"),
        (foreign_kernel, "the notebook's metadata is"),
        (widget_state, "the notebook's metadata is"),
        (older_format, "format is 4.4"),
        (timed_cell, "has the metadata ['execution']"),
        (twin_ids, "does not have an id of its own"),
        (output_metadata, "has the metadata ['needs_background']"),
        (still_of_another_run, "shows another picture than its output"),
        (still_that_says_something_else, "is not above it as its output has it"),
        (still_elsewhere, "is not above it as its output has it"),
        (sliders_not_refreshed, "is not stored"),
        (sliders_not_compared, "is not compared: drop the tag"),
        (slider_of_indices, "the slider 'gamma' shows an index"),
    ],
)
def test_a_broken_notebook_is_caught(breakage, complaint):
    notebook = read(next(path for path in PATHS if path.stem == GOOD))
    breakage(notebook)
    assert any(complaint in line for line in complaints(GOOD, notebook, NAMES))


@pytest.mark.parametrize(
    "text",
    [
        "[here](#Recap), [there](../README.md), [next](03_backward.ipynb#Recap)",
        "`[no](link)`, $f[x](y)$, <https://example.org>, [out](https://example.org/#Recap)",
        "```python\ncells[0](argument)\n```",
        "### A *new* `heading`, and [a link](../README.md)\n[up](#A-new-heading,-and-a-link)",
    ],
)
def test_links_that_lead_somewhere_are_left_alone(text):
    notebook = read(next(path for path in PATHS if path.stem == GOOD))
    notebook.cells[0].source += f"\n\n{text}"
    assert list(links(notebook)) == []


def test_attached_pictures_are_found():
    notebook = read(next(path for path in PATHS if path.stem == GOOD))
    missing_attachment(notebook)
    notebook.cells[0].attachments["picture.png"] = {"image/png": "aaaa"}
    assert list(links(notebook)) == []


# In the bug clinic the exercises are code to repair: they must stay as sick as they were.

CLINIC = "20_bug_clinic"


def repaired(notebook):
    cell = cell_with(notebook, "def moving_average")
    cell.source = cell.source.replace(
        "momentum * stored + (1 - momentum) * batch", "(1 - momentum) * stored + momentum * batch"
    )


def another_bug(notebook):
    cell = cell_with(notebook, "def feature_variance")
    cell.source = cell.source.replace("(x**2).mean(axis=0)", "(x**2).sum(axis=0)")


def bug_left_out(notebook):
    cell = cell_with(notebook, "def feature_variance")
    cell.source = cell.source.replace(
        "return (x**2).mean(axis=0) - x.mean(axis=0) ** 2", "...  # your code here"
    )


def healed_output(notebook):
    say_under(cell_with(notebook, "def moving_average"), "✓ all 4 checks passed")


def blank_output(notebook):
    say_under(cell_with(notebook, "def moving_average"), "○ not attempted yet")


def other_default(notebook):
    cell = cell_with(notebook, "def moving_average")
    cell.source = cell.source.replace("momentum=0.1", "momentum=0.9")


def bug_not_checked(notebook):
    cell = cell_with(notebook, "def moving_average")
    cell.source = cell.source.replace("check(moving_average)", "")


@pytest.mark.parametrize(
    ("breakage", "complaint"),
    [
        (repaired, "moving_average is not the code to repair"),
        (another_bug, "feature_variance is not the code to repair"),
        (bug_left_out, "feature_variance is not the code to repair"),
        (healed_output, "expected ✗"),
        (blank_output, "expected ✗"),
        (other_default, "in its reference"),
        (bug_not_checked, "moving_average is not checked"),
    ],
)
def test_a_broken_clinic_is_caught(breakage, complaint):
    notebook = read(next(path for path in PATHS if path.stem == CLINIC))
    before = complaints(CLINIC, notebook, NAMES)
    breakage(notebook)
    assert any(complaint in line for line in set(complaints(CLINIC, notebook, NAMES)) - set(before))


# Questions of every kind, in a small notebook made up for them.

RECALL = """\
## Recall

1. Which one? a) this, b) that
2. How many times?
3. What is its name?"""
ASK_RECALL = """\
recall("made-which", ...)  # "a" or "b"
recall("made-times", ...)  # a number
recall("made-name", ...)  # a word"""
PREDICT = """\
## Try it

**Predict first.** Order these.

- a) one
- b) two
- c) three"""


@pytest.fixture
def small(monkeypatch):
    measured = (2.0, "So it is.", "times", 1.5, None, None, 0.1)
    made_up = [
        Order("made-order", "forward", "cab", "So.", dict.fromkeys("abc", ""), "[1, 2, 0]"),
        Choice("made-which", "forward", "a", {"a": "", "b": ""}, recalls="why_normalize_inputs"),
        Number("made-times", "forward", *measured, recalls="why_normalize_inputs"),
        Word("made-name", "forward", ("beta",), "So it is.", recalls="start_here"),
    ]
    for name in list(QUESTIONS):
        monkeypatch.delitem(QUESTIONS, name)
    for question in made_up:
        monkeypatch.setitem(QUESTIONS, question.name, question)
    new = nbformat.v4
    cells = [new.new_markdown_cell("# 2 · Title"), new.new_code_cell("import numpy as np")]
    cells += [new.new_markdown_cell(RECALL), new.new_code_cell(ASK_RECALL)]
    cells += [new.new_markdown_cell(PREDICT), new.new_code_cell('predict("made-order", ...)')]
    return new.new_notebook(cells=cells)


def about_questions(notebook):
    return [
        *open_questions(GOOD, notebook),
        *recall_at_the_start(GOOD, notebook),
        *texts_of_questions(notebook),
        *neutral_ids(notebook),
    ]


def test_questions_of_every_kind_keep_the_rules(small):
    assert about_questions(small) == []
    del small.cells[2:4]
    for name in ("made-which", "made-times", "made-name"):
        del QUESTIONS[name]
    assert about_questions(small) == [], "not every notebook has a recall"


def replaced(text, by):
    def breakage(notebook):
        cell = cell_with(notebook, text)
        cell.source = cell.source.replace(text, by)

    return breakage


def a_fourth_recall(notebook):
    notebook.cells[3].source += '\nrecall("made-fourth", ...)'
    fourth = Word("made-fourth", "forward", ("eps",), "So it is.", recalls="start_here")
    QUESTIONS["made-fourth"] = fourth


def a_second_cell_of_recall(notebook):
    notebook.cells[3].source, last = notebook.cells[3].source.rsplit("\n", 1)
    notebook.cells.insert(4, nbformat.v4.new_code_cell(last))


def recall_below_a_section(notebook):
    notebook.cells[2:] = [*notebook.cells[4:], *notebook.cells[2:4]]


def code_above_the_recall(notebook):
    notebook.cells.insert(3, nbformat.v4.new_code_cell("rng = 1"))


def recall_of_what_follows(notebook):
    QUESTIONS["made-name"] = Word("made-name", "forward", ("beta",), "So.", recalls="forward")


def word_in_its_id(notebook):
    QUESTIONS["made-name"] = Word("made-name", "forward", ("a Name",), "So.", recalls="start_here")
    replaced("its name", "it called")(notebook)


@pytest.mark.parametrize(
    ("breakage", "complaint"),
    [
        (replaced('predict("made-order", ...)', ""), "predict() asks [] in the notebook"),
        (replaced('"made-order", ...', '"made-order", "cab"'), "made-order is filled in"),
        (replaced('"made-times", ...', '"made-times", -3'), "made-times is filled in"),
        (replaced('recall("made-name", ...)', ""), "recall() asks ['made-times', 'made-which']"),
        (replaced('recall("made-name"', 'predict("made-name"'), "the recall has 2 questions"),
        (replaced('predict("made-order"', 'recall("made-order"'), "predict() asks []"),
        (a_fourth_recall, "the recall has 4 questions"),
        (a_second_cell_of_recall, "not asked in one cell"),
        (recall_below_a_section, "below the section '## Try it'"),
        (code_above_the_recall, "does not begin with `## Recall`"),
        (replaced("## Recall", "## Once more"), "does not begin with `## Recall`"),
        (replaced("3. What", "What"), "are numbered ['1', '2']"),
        (replaced("3. What", "What"), "no text stands above the recall made-name"),
        (recall_of_what_follows, "recalls forward, which is not before"),
        (replaced("b) that", "that"), "the choices ['a'] stand above the recall made-which"),
        (replaced("a) this, b) that", "this or that"), "no choices stand above the recall made"),
        (replaced("- c) three", ""), "the choices ['a', 'b'] stand above the prediction made"),
        (replaced("a) this", "a) which"), "'which' stands in the right answer"),
        (word_in_its_id, "'name' stands in the right answer"),
    ],
)  # fmt: skip
def test_a_broken_question_is_caught(small, breakage, complaint):
    if complaint.startswith("'which'"):
        replaced("Which one?", "What?")(small)
    breakage(small)
    assert any(complaint in line for line in about_questions(small)), about_questions(small)


# An exercise can be a class: then its methods are what is blank.

LAYER = "07_your_layer"


def class_replaced(old, new):
    def breakage(notebook):
        cell = cell_with(notebook, "class BatchNormLayer")
        assert old in cell.source
        cell.source = cell.source.replace(old, new, 1)

    return breakage


def class_removed(notebook):
    notebook.cells.remove(cell_with(notebook, "class BatchNormLayer"))


def class_passed(notebook):
    say_under(cell_with(notebook, "class BatchNormLayer"), "✓ all checks passed")


BLANK = "...  # your code here"


@pytest.mark.parametrize(
    ("breakage", "complaint"),
    [
        (class_replaced(BLANK, "self.gamma = np.ones(num_features)"), "is filled in"),
        (
            class_replaced("forward(self, x):", "forward(self, x):\n        x = x + 0"),
            "is filled in",
        ),
        (class_replaced("    def train", "    training = True\n\n    def train"), "is filled in"),
        (class_replaced("eps=1e-5", "eps=1e-3"), ".__init__(self, num_features, eps=0.001, "),
        (class_replaced("dy)", "grad)"), "backward(self, grad) in the notebook"),
        (class_replaced("def eval(self)", "def evaluate(self)"), "no BatchNormLayer.eval in the"),
        (class_replaced("def train", "def reset(self): ...\n\n    def train"), "in its reference"),
        (class_replaced("check(BatchNormLayer)", ""), "BatchNormLayer is not checked in its cell"),
        (class_removed, "exercises ['batch_renorm'] in the notebook"),
        (class_passed, "expected ○"),
    ],
)
def test_a_broken_class_is_caught(breakage, complaint):
    notebook = read(next(path for path in PATHS if path.stem == LAYER))
    before = complaints(LAYER, notebook, NAMES)
    breakage(notebook)
    assert any(complaint in line for line in set(complaints(LAYER, notebook, NAMES)) - set(before))
