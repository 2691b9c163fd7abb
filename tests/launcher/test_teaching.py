"""The commands of teachers."""

from pathlib import Path

import pytest

import course
from helpers.launcher import places, teaching


@pytest.fixture
def started(monkeypatch):
    """What is started instead of being run: (command, variables, folder)."""
    calls = []
    monkeypatch.setattr(teaching, "set_up", lambda **stage: calls.append(stage))
    monkeypatch.setattr(teaching, "run", lambda *args, **kwargs: calls.append((*args, kwargs)) or 7)
    return calls


def test_grade_runs_where_the_teacher_stands_and_imports_nothing_from_there(
    started, monkeypatch, tmp_path
):
    monkeypatch.chdir(tmp_path)
    assert course.dispatch(["grade", "handed in", "--jobs", "2"]) == 7
    stage, (command, variables, where) = started
    assert stage == {"teachers": True}
    assert command[1:] == ["-P", "-m", "helpers.classroom.grading", "handed in", "--jobs", "2"]
    assert where == {"folder": Path(tmp_path)}
    assert "TQDM_DELAY" not in variables  # somebody waits for the bar


def test_grade_tells_about_itself_before_anything_is_installed(started, capsys):
    with pytest.raises(SystemExit):
        course.dispatch(["grade", "--help"])
    assert "--trust-submissions" in capsys.readouterr().out
    with pytest.raises(SystemExit):
        course.dispatch(["grade", "handed in", "--format", "paper"])
    assert started == []


def test_answers_takes_names_as_the_other_commands_do(started):
    assert course.dispatch(["answers", "03"]) == 7
    assert started[1][0][2:] == [
        "-m",
        "helpers.classroom.answers",
        str(places.NOTEBOOKS / "03_backward.ipynb"),
    ]


def test_guide_needs_no_arguments(started):
    assert course.dispatch(["guide"]) == 7
    assert started[1][0][2:] == ["-m", "helpers.classroom.guide"]


def test_a_command_that_takes_no_further_arguments_refuses_them(started, capsys):
    with pytest.raises(SystemExit):
        course.dispatch(["guide", "--fast"])
    assert "unrecognized arguments: --fast" in capsys.readouterr().err
    assert started == []
