"""What every committed notebook must satisfy. Each rule takes a notebook and returns complaints."""

import ast
import inspect
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import nbformat
from notebook_links import FOLDER, headings, links
from picture_rules import pictures

from helpers import claims
from helpers.authoring import captions, sections, stills
from helpers.authoring.refresh import METADATA
from helpers.contents import NOTEBOOKS, numbered
from helpers.exercises import asked, load_part_iii
from helpers.exercises.engine import EXERCISES
from helpers.exercises.questions import QUESTIONS, Choice, Matching, Order, Word

load_part_iii()

Definition = ast.FunctionDef | ast.ClassDef

CELL_METADATA = {
    "code": {"tags", "reason", "jupyter"},
    "markdown": {"jp-MarkdownHeadingCollapsed", "pictures"},
}
# A claim about 30 lines would be arbitrary; this keeps a cell on one screen.
LONGEST_CELL = 25
# These have as many exercises as they need, and are taken in several sittings.
NOT_AN_HOUR = ("bug_clinic", "verdicts")
CASES = ("weigh_the_evidence",)  # whose exercises are cases: many, and alike
SO_FAR_WORDS = 60
ROUNDING = 3  # minutes; the first cell rounds to steps of 5


def notebooks() -> list[Path]:
    """The course's notebooks in order."""
    return sorted(FOLDER.glob("*.ipynb"))


def read(path: Path) -> nbformat.NotebookNode:
    return nbformat.read(path, as_version=4)


def code_cells(notebook) -> list:
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def trees(notebook) -> list[ast.Module]:
    return [ast.parse(cell.source) for cell in code_cells(notebook)]


def calls(notebook, function: str) -> list[ast.Call]:
    """Every call of a plain name in a notebook's code, commented-out lines not counted."""
    return [
        node
        for tree in trees(notebook)
        for node in ast.walk(tree)
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Name)
        and node.func.id == function
    ]


def first_strings(notebook, function: str) -> list[str]:
    """The first argument of each call, which must be written out as a string."""
    arguments = [call.args[0] for call in calls(notebook, function)]
    assert all(isinstance(a, ast.Constant) for a in arguments), f"{function}() needs a literal id"
    return [argument.value for argument in arguments]


def executed_in_order(notebook) -> Iterator[str]:
    """The notebook was run top to bottom; without outputs nbval would compare nothing."""
    cells = code_cells(notebook)
    counts = [cell.execution_count for cell in cells]
    if counts != list(range(1, len(cells) + 1)):
        yield f"execution counts are {counts}, expected 1 to {len(cells)}: run course.py refresh"
    if not any(cell.outputs for cell in cells):
        yield "no cell has an output"
    for cell in cells:
        for output in cell.outputs:
            if output.output_type == "error":
                yield f"cell {cell.execution_count} ended in {output.ename}"
            if output.get("name") == "stderr":
                yield f"cell {cell.execution_count} wrote to stderr: {output.text[:80]!r}"
        prints = any("print(" in line for line in cell.source.splitlines() if line[:1] != " ")
        if prints and not cell.outputs:
            yield f"cell {cell.execution_count} prints but stores no output"


def ignored_cells_say_why(notebook) -> Iterator[str]:
    """A cell whose output is not compared carries its reason."""
    for cell in code_cells(notebook):
        tags = set(cell.metadata.get("tags", []))
        if tags & {"nbval-ignore-output", "nbval-skip"} and not cell.metadata.get("reason"):
            yield f"cell {cell.execution_count} is not compared and gives no reason"
        if unknown := tags - {"nbval-ignore-output"}:
            yield f"cell {cell.execution_count} has the tags {sorted(unknown)}"


def skeleton(notebook) -> Iterator[str]:
    """Title, the question in bold, "You will", one setup cell, recap, references, next."""
    first = notebook.cells[0]
    if first.cell_type != "markdown" or not re.match(r"# \d+ · .+\n\n\*\*.+\?\*\*", first.source):
        yield "the first cell must be `# N · Title` and the question in bold"
    if "You will" not in first.source or len(re.findall(r"(?m)^- ", first.source)) != 3:
        yield "the first cell needs `You will` with three bullets"
    text = "\n".join(cell.source for cell in notebook.cells if cell.cell_type == "markdown")
    for heading in ("## Recap", "### References"):
        if heading not in text:
            yield f"the heading {heading!r} is missing"
    if not calls(notebook, "predict"):
        yield "no prediction"
    for cell in code_cells(notebook):
        lines = len(cell.source.splitlines())
        if lines > LONGEST_CELL:
            yield f"cell {cell.execution_count} has {lines} lines; at most {LONGEST_CELL}"
        if re.search(r"(?m)^\s*%", cell.source):
            yield f"cell {cell.execution_count} uses a magic command"


def core_and_further(name: str, notebook) -> Iterator[str]:
    """The core fits into an hour, comes first and is marked at half-time; further is folded."""
    core, further = sections.split(notebook.cells)
    if not any("## Recap" in cell.source for cell in core):
        yield "the recap stands behind what is marked Further"
    for cell in further:
        if (head := sections.heading(cell)).startswith("## ") and sections.FURTHER not in head:
            yield f"{head!r} is not marked Further, and stands behind what is"
    for cell in notebook.cells:
        folds = cell.metadata.get("jp-MarkdownHeadingCollapsed", False)
        if folds != sections.heading(cell).startswith(sections.FURTHER):
            yield f"{cell.source[:40]!r} must {'not ' * folds}be folded in JupyterLab"
    if name.partition("_")[2] in NOT_AN_HOUR:
        return
    if (takes := sections.minutes(core)) > 60:
        yield f"the core takes {takes:.0f} minutes, more than 60"
    exercises = sum("check(" in cell.source for cell in core if cell.cell_type == "code")
    if exercises > 2 and name.partition("_")[2] not in CASES:
        yield f"the core has {exercises} exercises, more than 2"
    half = sections.halfway(notebook.cells)
    if takes > 30 and not (half and 0.4 <= half <= 0.6):
        where = "is missing" if half is None else f"stands at {half:.0%} of the core's time"
        yield f'the mark "So far" {where}; it belongs at half-time'
    for cell in filter(sections.is_so_far, notebook.cells):
        if sections.words([cell]) > SO_FAR_WORDS:
            yield f'"So far" has {sections.words([cell])} words, more than {SO_FAR_WORDS}'


def minutes(notebook) -> Iterator[str]:
    """The first cell says how long the core takes and how long the rest, within 15 %."""
    printed = sections.printed_minutes(notebook.cells)
    if printed is None:
        yield "the first cell must say how many minutes the notebook takes"
        return
    for said, part in zip(printed, sections.split(notebook.cells), strict=True):
        takes = sections.minutes(part)
        if abs(said - takes) > max(0.15 * takes, ROUNDING):
            yield f"the first cell says {said} minutes, and it takes {takes:.0f}: refresh it"


def blank_exercises(name: str, notebook) -> Iterator[str]:
    """Every exercise of the notebook is there, blank or with its bug, checked, with the reference's
    signature."""
    module = name.partition("_")[2]
    expected = {e.name: e for e in EXERCISES.values() if e.notebook == module}
    found = {}
    for cell, tree in zip(code_cells(notebook), trees(notebook), strict=True):
        for node in tree.body:
            if isinstance(node, Definition) and node.name in EXERCISES:
                found[node.name] = node
                yield from _blank(node, cell)
    if set(found) != set(expected):
        yield f"exercises {sorted(found)} in the notebook, {sorted(expected)} in helpers.exercises"
    for key in set(found) & set(expected):
        written, wanted = _signatures(found[key]), _signatures(_parsed(expected[key].reference))
        for name in sorted(written.keys() | wanted.keys()):
            if written.get(name) != wanted.get(name):
                yield (
                    f"{written.get(name, f'no {name}')} in the notebook, "
                    f"{wanted.get(name, f'no {name}')} in its reference"
                )


def _blank(exercise: Definition, cell) -> Iterator[str]:
    bug = EXERCISES[exercise.name].bug
    if bug is None:
        untouched, mark = not _body(exercise) and "..." in cell.source, "○ not attempted yet"
    else:
        untouched, mark = _body(exercise) == _body(_parsed(bug)), "✗"
    if not untouched:
        state = "is filled in" if bug is None else "is not the code to repair that helpers have"
        yield f"the exercise {exercise.name} {state}"
    if f"check({exercise.name})" not in cell.source:
        yield f"the exercise {exercise.name} is not checked in its cell"
    text = "\n".join(map(shown, cell.outputs))
    if mark not in text:
        yield f"the check of {exercise.name} printed {text!r}, expected {mark[0]}"


def shown(output) -> str:
    """What an output says in plain text, printed or displayed."""
    return output.get("text") or output.get("data", {}).get("text/plain", "")


def _body(definition: Definition) -> list[str]:
    """The statements of a function, or of a class and its methods, without docstrings and `...`."""
    statements = []
    for statement in definition.body:
        if isinstance(definition, ast.ClassDef) and isinstance(statement, ast.FunctionDef):
            statements += _body(statement)
        elif not (isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant)):
            statements.append(ast.unparse(statement))
    return statements


def _signatures(definition: Definition) -> dict[str, str]:
    """`f(x, y)` by name, of a function or of the methods of a class that others call."""
    if isinstance(definition, ast.FunctionDef):
        return {definition.name: f"{definition.name}({ast.unparse(definition.args)})"}
    return {
        f"{definition.name}.{method.name}": f"{definition.name}.{text}"
        for method in definition.body
        if isinstance(method, ast.FunctionDef)
        for name, text in _signatures(method).items()
        if name == "__init__" or not name.startswith("_")
    }


def _parsed(function) -> Definition:
    return ast.parse(inspect.getsource(function)).body[0]


def open_questions(name: str, notebook) -> Iterator[str]:
    """Every prediction and every recall of the notebook is asked once and left open."""
    module = name.partition("_")[2]
    own = [q for q in QUESTIONS.values() if q.notebook == module]
    for function in ("predict", "recall"):
        expected = sorted(q.name for q in own if (q.recalls is not None) == (function == "recall"))
        found = sorted(first_strings(notebook, function))
        if found != expected:
            yield f"{function}() asks {found} in the notebook, {expected} in helpers.exercises"
        for call in calls(notebook, function):
            if len(call.args) != 2 or getattr(call.args[1], "value", None) is not Ellipsis:
                yield f"the question {call.args[0].value} is filled in"


def recall_at_the_start(name: str, notebook) -> Iterator[str]:
    """If there is a recall, it has three questions about earlier notebooks, asked in one cell above
    the first section, below a numbered list under `## Recall`."""
    found = first_strings(notebook, "recall")
    if not found:
        return
    if len(found) != 3:
        yield f"the recall has {len(found)} questions, not 3"
    place = next(n for n, cell in enumerate(notebook.cells) if "recall(" in _code(cell))
    cell, above = notebook.cells[place], notebook.cells[place - 1]
    if re.findall(r'(?m)^recall\("([^"]+)", ', cell.source) != found:
        yield "the questions of the recall are not asked in one cell, a line each"
    numbers = re.findall(r"(?m)^(\d+)\. ", asked.unquoted(above.source))
    if above.cell_type != "markdown" or not above.source.startswith("## Recall\n"):
        yield "the cell above the recall does not begin with `## Recall`"
    elif numbers != [str(n) for n in range(1, len(found) + 1)]:
        yield f"the questions above the recall are numbered {numbers}"
    earlier = [
        cell
        for cell in notebook.cells[: place - 1]
        if cell.cell_type == "markdown" and re.search(r"(?m)^## ", cell.source)
    ]
    if earlier:
        yield f"the recall stands below the section {earlier[0].source.splitlines()[0]!r}"
    here = NOTEBOOKS.index(name.partition("_")[2])
    for question in filter(None, map(QUESTIONS.get, found)):
        if question.recalls is not None and NOTEBOOKS.index(question.recalls) >= here:
            yield f"{question.name} recalls {question.recalls}, which is not before this notebook"


def _code(cell) -> str:
    """A code cell's source without comments, "" for any other cell."""
    return re.sub(r"(?m)^\s*#.*$", "", cell.source) if cell.cell_type == "code" else ""


def set_off(notebook) -> Iterator[str]:
    """What is asked stands in a quote, all of it: it is not taken for what is told."""
    for question in _asked(notebook):
        text = asked.text_in(notebook.cells, question)
        quoted = "\n".join(
            line
            for cell in notebook.cells
            if cell.cell_type == "markdown"
            for line in cell.source.splitlines()
            if line.startswith(">")
        )
        if text and any(line.strip() not in _plain(quoted) for line in text.splitlines()):
            yield f"the text of {question.name} does not stand in a quote"


def _plain(quoted: str) -> str:
    return asked.unquoted(quoted).replace("**", "")


def texts_of_questions(notebook) -> Iterator[str]:
    """Every question's text stands above it, with all its choices: a review prints them."""
    for question in _asked(notebook):
        kind = "prediction" if question.recalls is None else "recall"
        text = asked.text_in(notebook.cells, question)
        if text is None:
            yield f"no text stands above the {kind} {question.name}"
        elif isinstance(question, Choice | Order | Matching):
            letters = list(
                question.explanations if isinstance(question, Choice) else question.labels
            )
            found = list(_choices(text, question)[1])
            if not found:
                yield f"no choices stand above the {kind} {question.name}"
            elif found != letters:
                yield f"the choices {found} stand above the {kind} {question.name}, not {letters}"


def neutral_ids(notebook) -> Iterator[str]:
    """No word of a question's id, and of no other choice or question, stands in the right answer.

    The id of a number or an order cannot hint: the words of all that is compared stand there.
    """
    for question in _asked(notebook):
        text = (asked.text_in(notebook.cells, question) or "").lower()
        before, choices = _choices(text, question)
        if isinstance(question, Choice):
            right = choices.pop(question.right, "")
        elif isinstance(question, Word):
            right = " ".join(question.answers).lower()
        else:
            continue
        others = " ".join([before, *choices.values()])
        for word in question.name.split("-")[1:]:
            if word in right and word not in others:
                yield f"the id {question.name} hints: {word!r} stands in the right answer"


def _asked(notebook) -> list:
    """The registered questions that a notebook asks."""
    names = [*first_strings(notebook, "predict"), *first_strings(notebook, "recall")]
    return [QUESTIONS[name] for name in names if name in QUESTIONS]


def _choices(text: str, question) -> tuple[str, dict[str, str]]:
    """The question itself, and each choice by its letter; only a recall's may stand in one line."""
    before = r"(?m)^" if question.recalls is None else r"(?:^|(?<=\s))"
    first, *choices = re.split(rf"{before}([a-z])\) ", text)
    return first, dict(zip(choices[::2], choices[1::2], strict=True))


def registered_claims(name: str, notebook) -> Iterator[str]:
    """Every claim of the notebook is registered for it and tested once, with its limit if any."""
    expected = {
        key for key, entry in claims.all_claims().items() if numbered(entry["notebook"]) == name
    }
    made = [(c.args[0].value, _has_limit(c)) for c in calls(notebook, "claim")]
    if {key for key, _ in made} != expected:
        yield f"claims {sorted({k for k, _ in made})} are tested, {sorted(expected)} are registered"
    for key in expected:
        wanted = [False] + [True] * ("limit" in claims.all_claims()[key])
        got = sorted(limit for k, limit in made if k == key)
        if got != wanted:
            yield f"claim {key} must be called {len(wanted)} time(s): once, and once at its limit"


def headings_of_claims(notebook) -> Iterator[str]:
    """The `heading` of a claim is the last one above its first test that no other section has."""
    sources = [cell.source for cell in notebook.cells if cell.cell_type == "markdown"]
    often = Counter(heading for source in sources for heading in headings(source))
    heading, seen = "", set()
    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            heading = [heading, *(h for h in headings(cell.source) if often[h] == 1)][-1]
            continue
        for key in first_strings(nbformat.v4.new_notebook(cells=[cell]), "claim"):
            said = claims.all_claims().get(key, {}).get("heading")
            if key not in seen and said != heading:
                yield f"claim {key} is tested under {heading!r}, and claims.toml says {said!r}"
            seen.add(key)


def named_claims(notebook) -> Iterator[str]:
    """A claim that prose names is a link to where it is tested."""
    for cell in notebook.cells:
        if cell.cell_type != "markdown":
            continue
        for name in re.findall(r"`([a-z0-9-]+)`", cell.source):
            if name in claims.all_claims():
                yield f"the claim `{name}` is named: write [{name}]({claims.link(name)})"
        for name, target in re.findall(r"\[([a-z0-9-]+)\]\(([^)\s]+)\)", cell.source):
            if name in claims.all_claims() and target != claims.link(name):
                yield f"the link {name} leads to {target}, not {claims.link(name)}"


def _has_limit(call: ast.Call) -> bool:
    return any(keyword.arg == "limit" for keyword in call.keywords)


def neighbours(name: str, notebook, names: list[str]) -> Iterator[str]:
    """The first cell links to the notebooks before and after."""
    place = names.index(name)
    for neighbour in names[max(place - 1, 0) : place + 2]:
        if neighbour != name and f"({neighbour}.ipynb)" not in notebook.cells[0].source:
            yield f"the first cell does not link to {neighbour}.ipynb"


def numbers_in_links(notebook) -> Iterator[str]:
    """A link that gives the number of a notebook gives the one that the notebook has now."""
    text = "\n".join(cell.source for cell in notebook.cells if cell.cell_type == "markdown")
    for said, number in re.findall(r"\[([^\]]*)\]\((\d\d)_\w+\.ipynb", text):
        numbers = [digits.zfill(2) for digits in re.findall(r"\d+", said)]
        if numbers and number not in numbers:
            yield f"the link {said!r} leads to notebook {number}"


def metadata(notebook) -> Iterator[str]:
    """Nothing is stored beside cells and outputs but what belongs to the course."""
    if notebook.metadata != METADATA:
        yield f"the notebook's metadata is {dict(notebook.metadata)}: run course.py refresh"
    if (notebook.nbformat, notebook.nbformat_minor) != (4, 5):
        yield f"the notebook's format is {notebook.nbformat}.{notebook.nbformat_minor}, not 4.5"
    ids = [cell.get("id") for cell in notebook.cells]
    for cell, key in zip(notebook.cells, ids, strict=True):
        place = f"the {cell.cell_type} cell {key!r}"
        if key is None or ids.count(key) > 1:
            yield f"{place} does not have an id of its own"
        if unknown := set(cell.metadata) - CELL_METADATA[cell.cell_type]:
            yield f"{place} has the metadata {sorted(unknown)}"
        for output in cell.get("outputs", []):
            if unknown := set(output.get("metadata", {})) - {"image/png"}:
                yield f"an output of {place} has the metadata {sorted(unknown)}"


def sliders(notebook) -> Iterator[str]:
    """Sliders stand as a still above their cell, and stop at quantities."""
    for above, cell in zip(notebook.cells, notebook.cells[1:], strict=False):
        if not captions.shows_sliders(cell):
            continue
        place = f"the still of cell {cell.execution_count}"
        if cell.metadata.get("tags"):
            yield f"{place} is not compared: drop the tag"
        found = stills.explorers(cell)
        if not found:
            yield f"{place} is not stored: run course.py refresh"
            continue
        shown = stills.markdown(found[-1])
        if shown not in above.source:
            yield f"{place} is not above it as its output has it: run course.py refresh"
        attached = above.get("attachments", {}).get(stills.NAME, {}).get("image/png")
        if attached != stills.png(found[-1]):
            yield f"{place} shows another picture than its output: run course.py refresh"
    for call in calls(notebook, "slider"):
        values = ast.unparse(call.args[1])
        shown = len(call.args) > 3 or any(word.arg == "shown" for word in call.keywords)
        if "range(len(" in values or (values.startswith("range(") and not shown):
            yield f"the slider {ast.unparse(call.args[0])} shows an index, not a quantity"


def complaints(name: str, notebook, names: list[str]) -> list[str]:
    """All complaints of all rules about one notebook; `names` are all notebooks, in order."""
    return [
        *executed_in_order(notebook),
        *ignored_cells_say_why(notebook),
        *skeleton(notebook),
        *core_and_further(name, notebook),
        *minutes(notebook),
        *blank_exercises(name, notebook),
        *open_questions(name, notebook),
        *recall_at_the_start(name, notebook),
        *texts_of_questions(notebook),
        *set_off(notebook),
        *neutral_ids(notebook),
        *registered_claims(name, notebook),
        *headings_of_claims(notebook),
        *named_claims(notebook),
        *numbers_in_links(notebook),
        *neighbours(name, notebook, names),
        *links(notebook),
        *metadata(notebook),
        *pictures(name, notebook),
        *sliders(notebook),
    ]
