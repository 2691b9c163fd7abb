"""What of a notebook is executed to judge an answer, and what deserves a look."""

import ast

import pytest

from helpers.classroom.grading import reading
from helpers.exercises.engine import EXERCISES

ANSWER = "def batch_statistics(x):\n    return FACTOR * mean(x), 1\n\ncheck(batch_statistics)"


def executed(*cells, name="batch_statistics"):
    return [ast.unparse(s) for _, s in reading.read(cells).to_execute(name)]


def test_experiments_are_not_executed():
    cells = (
        "import numpy as np\nprint('hello')",
        "FACTOR = 2\nslow = train_for_hours()\nfor i in range(9): pass",
        "def mean(x):\n    return np.mean(x, 0)\n\nmean(3)",
        ANSWER,
        "def later(): pass",
    )
    assert executed(*cells) == [
        "import numpy as np",
        "FACTOR = 2",
        "def mean(x):\n    return np.mean(x, 0)",
        "def batch_statistics(x):\n    return (FACTOR * mean(x), 1)",
    ]


def test_what_the_answer_uses_is_computed_also_by_way_of_others():
    cells = (
        "import numpy as np",
        "half = np.float64(0.5)\nother = np.ones(3)",
        "FACTOR = 2 * half",
    )
    assert executed(*cells, ANSWER)[1:3] == ["half = np.float64(0.5)", "FACTOR = 2 * half"]


def test_the_definition_that_was_checked_last_counts():
    again = ANSWER.replace("1\n", "3\n")
    cells = (ANSWER, again, "def batch_statistics(x):\n    return 'an experiment'")
    assert ", 3)" in ast.unparse(reading.read(cells).definition("batch_statistics"))


def test_ipythons_own_syntax_is_no_error():
    assert not reading.read(["%matplotlib inline\n!ls\nx?\n%%time\nf(1)", "%%bash\nls"]).problems


def test_a_cell_that_cannot_be_read_is_named_and_the_others_are_read():
    found = reading.read(["def f(:", ANSWER])
    assert found.answers() == ["batch_statistics"]
    assert found.problems == ["code cell 1 cannot be read: invalid syntax, line 1"]


def test_the_reference_is_known_whatever_its_comments():
    source = EXERCISES["batch_norm_backward"].source()
    tree = ast.parse('"""mine"""\n' + source.replace("\n    ", "\n    # a comment\n    ", 1))
    assert reading.is_reference(tree.body[-1], "batch_norm_backward")
    other = ast.parse(source.replace("dy", "upstream")).body[0]
    assert not reading.is_reference(other, "batch_norm_backward")


@pytest.mark.parametrize(
    ("body", "names"),
    [
        ("return x.mean(0)", []),
        ("import os; return os.environ", ["os"]),
        ("return (lambda: 0).__globals__", ["__globals__"]),
        ("from helpers.exercises.engine import EXERCISES", ["EXERCISES", "engine"]),
        ("return eval('1')", ["eval"]),
    ],
)
def test_code_that_reaches_for_more_than_its_arguments_is_noticed(body, names):
    definition = ast.parse(f"def f(x):\n    {body}").body[0]
    assert reading.internals(definition) == names
