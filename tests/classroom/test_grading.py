"""From a folder to grades."""

import csv
import io
import json
import re
import zipfile
from types import SimpleNamespace

import pytest
from handed_in import notebook, original, put
from test_guide import Whole

from helpers.classroom.grading import __main__ as grading
from helpers.classroom.grading import judge, platforms, points, report, sandbox
from helpers.classroom.grading.submissions import Notebook
from helpers.exercises import load_part_iii
from helpers.exercises.engine import EXERCISES

load_part_iii()
SOLVED = "\n\n".join(
    f"{EXERCISES[name].source()}\n\n\ncheck({name})"
    for name in ("batch_statistics", "batch_norm_forward")
)
HALF = (
    "def batch_statistics(x):\n    return x.mean(axis=0), x.var(axis=0, ddof=1)\n\n"
    "check(batch_statistics)"
)
MINE = (
    "def batch_norm_forward(x, gamma, beta, eps=1e-5):\n"
    "    middle = x.mean(axis=0, keepdims=True)\n"
    "    spread = ((x - middle) ** 2).mean(axis=0, keepdims=True)\n"
    "    return gamma * (x - middle) / (spread + eps) ** 0.5 + beta\n\ncheck(batch_norm_forward)"
)
EVIL = "<script>alert(1)</script>"


def run(folder, *arguments, monkeypatch):
    """`course.py grade`; returns the exit code."""
    monkeypatch.setattr("sys.argv", ["grade", str(folder), "--jobs", "2", *arguments])
    return grading.main()


def rows(path):
    return list(csv.DictReader(io.StringIO(path.read_text(encoding="utf-8"))))


@pytest.fixture
def room(tmp_path):
    """A folder with seven learners."""
    folder = tmp_path / "handed in"
    put(folder / "Ada" / "02_forward.ipynb", notebook("import numpy as np", SOLVED))
    put(folder / "Bob" / "02_forward.ipynb", notebook(HALF, MINE))
    put(
        folder / "Cem" / "02_forward.ipynb", notebook(MINE.replace("eps=1e-5):", "eps=1e-5):  # !"))
    )
    put(folder / "Dora" / "02_forward.ipynb", original("forward"))
    put(folder / "Émile" / "02_forward.ipynb", "{")
    put(
        folder / f"=1+1 {EVIL}".replace("/", "∕") / "02_forward.ipynb",
        notebook(f"x = '{EVIL}'", HALF),
    )
    put(folder / "Fay" / "02_forward.ipynb", notebook("import os\nclass A: os._exit(1)", HALF))
    return folder


def test_a_room_is_graded(room, isolated, monkeypatch, capsys):
    into = room.parent / "handed in-graded"
    before = sorted(str(path) for path in room.rglob("*"))
    assert run(room, monkeypatch=monkeypatch) == 0
    found = {row["name"]: row for row in rows(into / "grades.csv")}
    assert len(found) == 7
    assert found["Ada"]["batch_norm_forward"] == "1"
    assert found["Bob"]["batch_norm_forward"] == "1"
    assert 0 < float(found["Bob"]["batch_statistics"]) < 1
    assert found["Dora"]["points"] == found["Émile"]["points"] == found["Fay"]["points"] == "0"
    assert "'=1+1" in " ".join(found)  # no spreadsheet takes it for a formula

    page = (into / "report.html").read_text(encoding="utf-8")
    Whole(page)
    assert "<script" not in page
    assert "the same as that of Cem" in page
    assert "the same as that of Bob" in page
    assert judge.REFERENCE in page
    assert "sandbox of its own" in page
    assert sorted(str(path) for path in room.rglob("*")) == before
    ada = json.loads((into / "Ada" / "results.json").read_text(encoding="utf-8"))
    assert ada["score"] == 2
    assert [test["status"] for test in ada["tests"]] == ["passed", "passed"]

    # Again: nothing is judged that has not changed.
    monkeypatch.setattr(judge, "grade", None)
    capsys.readouterr()
    assert run(room, monkeypatch=monkeypatch) == 0
    assert {row["name"]: row for row in rows(into / "grades.csv")} == found


def test_an_interrupted_run_goes_on(room, isolated, monkeypatch, capsys):
    into, judged, real = room.parent / "out", [], judge.grade

    def once(learner, *rest):
        if len(judged) == 3:
            raise KeyboardInterrupt
        judged.append(learner.name)
        return real(learner, *rest)

    monkeypatch.setattr(judge, "grade", once)
    assert run(room, "--into", str(into), monkeypatch=monkeypatch) == 130
    assert "goes on from there" in capsys.readouterr().out
    assert not (into / "grades.csv").exists()
    done = {path.parent.name for path in into.glob("*/results.json")}
    assert done <= set(judged)
    monkeypatch.setattr(judge, "grade", lambda learner, *rest: real(learner, *rest))
    assert run(room, "--into", str(into), monkeypatch=monkeypatch) == 0
    assert len(rows(into / "grades.csv")) == 7


def test_without_a_sandbox_nothing_is_run_unless_it_is_trusted(room, monkeypatch, capsys):
    monkeypatch.setattr(sandbox, "why_not", lambda: "there is no bwrap")
    into = room.parent / "out"
    assert run(room, "--into", str(into), monkeypatch=monkeypatch) == 1
    assert "--trust-submissions" in capsys.readouterr().err
    assert not into.exists()
    assert run(room, "--into", str(into), "--trust-submissions", monkeypatch=monkeypatch) == 0
    found = {row["name"]: row for row in rows(into / "grades.csv")}
    assert found["Ada"]["batch_norm_forward"] == "1"
    assert "WITHOUT a sandbox" in (into / "report.html").read_text(encoding="utf-8")


def test_a_sandbox_that_is_missing_says_how_to_get_it(monkeypatch):
    monkeypatch.setattr(sandbox.shutil, "which", lambda name: None)
    with pytest.raises(sandbox.NoSandboxError, match="apt install bubblewrap"):
        sandbox.bubblewrap(root=False)


# ------------------------------------------------------------- points and platforms


def result(name, identifier, **answers):
    return judge.Result(name, identifier, answers, {"forward": "02_forward.ipynb"}, [])


PASS = judge.Answer("pass", "✓ all 6 checks passed", 7, 7)
THREE = judge.Answer("fail", "✗ The means.\n  off by 3", 3, 7)


def test_points_are_the_share_of_checks_times_what_an_exercise_is_worth(tmp_path):
    worth = points.read(put(tmp_path / "p.toml", "default = 2\n[exercises]\nbatch_statistics = 7"))
    assert worth.earned("batch_statistics", THREE) == 3
    assert worth.earned("batch_norm_forward", PASS) == 2
    assert worth.earned("batch_norm_forward", None) == 0


def test_what_is_further_is_worth_nothing_unless_somebody_says_so(tmp_path):
    further = sorted(points.further("backward"))
    assert further
    assert points.Points().of(further[0]) == 0
    assert points.Points().of("batch_norm_backward") == 1
    assert points.read(put(tmp_path / "p.toml", "further = 0.5")).of(further[0]) == 0.5


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("standard = 1", "standard means nothing"),
        ("[exercises]\nbatch_nrom = 1", "no exercise is called batch_nrom"),
        ('notebooks = ["03"]', "no notebook is called 03"),
        ("default = -1", "must be a number from 0"),
        ("default = true", "must be a number from 0"),
        ("= 1", "cannot be read"),
    ],
)
def test_points_that_mean_nothing_are_refused(text, says, tmp_path):
    with pytest.raises(points.PointsError, match=says):
        points.read(put(tmp_path / "p.toml", text))


def test_moodle_reads_its_grading_worksheet():
    made = platforms.moodle([result("Ada", "17", batch_statistics=PASS)], points.Points())
    (row,) = csv.DictReader(io.StringIO(made))
    assert row["Identifier"] == "Participant 17"
    assert float(row["Grade"]) == 1
    assert row["Last modified (grade)"] == "-"
    assert "batch_statistics: ✓" in row["Feedback comments"]


def test_canvas_matches_by_id_and_names_the_points_possible():
    made = platforms.canvas([result("Ada", "17", batch_statistics=THREE)], points.Points())
    possible, row = csv.DictReader(io.StringIO(made))
    assert possible["Student"].strip() == "Points Possible"
    assert (row["ID"], row["Batch norm course"]) == ("17", "0.43")


def test_who_has_no_number_of_the_platform_is_left_out_there():
    for form in (platforms.moodle, platforms.canvas):
        assert "Ada" not in form([result("Ada", "", batch_statistics=PASS)], points.Points())


def test_gradescope_gets_the_course_and_two_scripts(tmp_path):
    chosen = put(tmp_path / "mine.toml", "default = 2")
    with zipfile.ZipFile(io.BytesIO(platforms.autograder(chosen))) as archive:
        names = set(archive.namelist())
        assert {"setup.sh", "run_autograder", "course.py", "points.toml"} <= names
        assert {"notebooks/02_forward.ipynb", "data/digits.npz", "requirements.txt"} <= names
        assert not [name for name in names if "__pycache__" in name or name.startswith("tests")]
        assert archive.getinfo("run_autograder").external_attr >> 16 & 0o111
        assert b"--points points.toml" in archive.read("run_autograder")


def test_gradescope_shows_every_exercise_with_its_score():
    made = platforms.gradescope(result("Ada", "", batch_statistics=THREE), points.Points())
    test = next(test for test in made["tests"] if test["name"] == "batch_statistics")
    assert test == {
        "name": "batch_statistics",
        "score": 0.43,
        "max_score": 1,
        "status": "failed",
        "output": THREE.message,
        "visibility": "visible",
    }
    assert made["score"] == 0.43


def test_everything_in_the_report_is_escaped():
    bad = judge.Answer("fail", EVIL, 1, 7, [EVIL])
    made = judge.Result(EVIL, EVIL, {"batch_statistics": bad}, {"forward": EVIL}, [EVIL])
    page = report.page([made], points.Points(), "how")
    Whole(page)
    assert not re.search("<script", page)
    assert page.count("&lt;script&gt;") >= 5


def test_answers_that_are_the_same_are_marked_for_both_but_not_the_references():
    def answer(fingerprint, looks=()):
        return judge.Answer("pass", "", 1, 1, list(looks), fingerprint)

    made = [
        result("Ada", "", f=answer("1"), g=answer("2"), h=answer("9", [judge.REFERENCE])),
        result("Bob", "", f=answer("1"), g=answer("3"), h=answer("9", [judge.REFERENCE])),
        result("Cem", "", f=answer(None), h=answer("9", [judge.REFERENCE])),
    ]
    judge.mark_the_same(made)
    assert made[0].answers["f"].looks == ["the same as that of Bob"]
    assert made[1].answers["f"].looks == ["the same as that of Ada"]
    assert made[0].answers["g"].looks == []
    assert made[2].answers["h"].looks == [judge.REFERENCE]


def test_two_of_the_same_name_get_folders_of_their_own():
    learners = [
        SimpleNamespace(name=n, identifier=i) for n, i in [("Ada", ""), ("ada", ""), ("B", "1")]
    ]
    names = grading.folder_names(learners)
    assert [names[id(learner)] for learner in learners] == ["Ada", "ada (2)", "B 1"]


def test_no_learner_is_called_like_a_file_about_all():
    (names,) = grading.folder_names([SimpleNamespace(name="Report.html", identifier="")]).values()
    assert names == "Report.html (2)"


MALFORMED = (
    {},
    {"status": "pass"},
    {"status": "won", "message": "", "passed": 1, "checks": 1},
    {"status": "pass", "message": 7, "passed": 1, "checks": 1},
    {"status": "pass", "message": "", "passed": 99, "checks": 1},
    {"status": "pass", "message": "", "passed": "many", "checks": 1},
    {"status": "pass", "message": "", "passed": 1, "checks": float("inf")},
    {"status": "pass", "message": "", "passed": float("nan"), "checks": 1},
)


@pytest.mark.parametrize("said", MALFORMED)
def test_a_malformed_verdict_is_none(said):
    with pytest.raises((KeyError, TypeError, ValueError, OverflowError)):
        judge.well(said)


def test_a_message_that_cannot_be_written_is_written_all_the_same():
    said = {"status": "fail", "message": "\ud800" + "x" * 9999, "passed": 0, "checks": 1}
    assert judge.well(said).message.encode() == b"?" + b"x" * 1999


def test_results_do_not_go_where_submissions_are(room, monkeypatch, capsys):
    assert run(room, "--into", str(room / "out"), monkeypatch=monkeypatch) == 1
    assert "choose a folder outside" in capsys.readouterr().err


def test_who_is_slow_with_every_answer_does_not_keep_the_others_waiting(monkeypatch):
    class Slow:
        seconds, process, asked = 10, True, 0

        def ask(self, request):
            if "judge" not in request:
                return {"answers": {}, "problems": []}
            self.asked += 1
            clock[0] += 10
            return {"lost": "it was not done"}

    clock = [0.0]
    monkeypatch.setattr(judge.time, "monotonic", lambda: clock[0])
    notebook = Notebook("x.ipynb", "bug_clinic", [], (0, 0.0, ""))
    slow = Slow()
    answers = judge.answers_of("bug_clinic", notebook, slow, [])
    assert slow.asked == judge.BUDGET + 1 < len(answers)
    assert "took too long" in list(answers.values())[-1].message
