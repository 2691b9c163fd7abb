"""The course can be completed: in the solved edition every reply is ✓."""

import ast
import re

import nbformat
import pytest

from helpers.classroom import answers
from helpers.contents import NOTEBOOKS, numbered

FOLDER = answers.ROOT / "notebooks"
ASKS = ("check", "predict", "recall", "open_task", "reexamine")


def solved(name):
    return answers.solved(nbformat.read(FOLDER / f"{numbered(name)}.ipynb", as_version=4))


def cells_that_ask(notebook):
    """Set-up and exercise cells as programs: imports of every cell, and all of those that ask."""
    for cell in notebook.cells:
        if cell.cell_type == "code":
            tree = ast.parse(cell.source)
            asks = [c for c in map(call, tree.body) if c in ASKS]
            if not asks:
                tree.body = [s for s in tree.body if isinstance(s, ast.Import | ast.ImportFrom)]
            yield tree, asks


def call(statement):
    """`check` of a statement `check(...)`."""
    match statement:
        case ast.Expr(ast.Call(func=ast.Name(id=name))):
            return name
    return None


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_every_reply_is_right(name, capsys, tmp_path, monkeypatch):
    monkeypatch.setenv("BN_COURSE_PROGRESS", str(tmp_path / "progress.json"))
    namespace = {"__name__": "__main__"}
    asked = 0
    for tree, asks in cells_that_ask(solved(name)):
        exec(compile(tree, name, "exec"), namespace)
        said = capsys.readouterr().out
        for kind in asks:
            asked += 1
            if kind == "open_task" and "guess" in ast.unparse(tree):
                assert "is kept" in said, said  # whether it was right is told with the verdict
                continue
            assert "✓" in said, said
            assert "✗" not in said, said
            assert "○" not in said, said
    assert asked


def test_no_blank_is_left():
    for name in NOTEBOOKS:
        code = [cell.source for cell in solved(name).cells if cell.cell_type == "code"]
        text = "\n".join(code)
        assert "your code here" not in text
        assert not re.search(rf"(?m)^({'|'.join(ASKS)})\(.*\.\.\.", text)


def test_what_is_no_blank_stays_as_it_is():
    before = nbformat.read(FOLDER / f"{numbered('forward')}.ipynb", as_version=4)
    after = answers.solved(before)
    for old, new in zip(before.cells, after.cells, strict=True):
        if not re.search(rf"(?m)^({'|'.join(ASKS)})\(", old.source):
            assert new.source == old.source
    assert "..." in "".join(cell.source for cell in before.cells)  # the original is untouched


def test_around_an_exercise_everything_stays():
    source = "x = 1\n\n\ndef double(x):\n    ...\n\n\ncheck(batch_statistics)\n# hint(double)"
    with pytest.raises(StopIteration):
        answers.filled(source)
    source = source.replace("double(x)", "batch_statistics(x)")
    filled = answers.filled(source)
    assert filled.startswith("x = 1\n\n\ndef batch_statistics(x):\n")
    assert filled.endswith("\n\n\ncheck(batch_statistics)\n# hint(double)")
    assert "..." not in filled
