"""Grades in the forms that learning platforms import.

Moodle reads the columns Identifier, Grade and Last modified (grade) of a grading worksheet
(mod/assign/feedback/offline/importgradeslib.php). Canvas matches its gradebook by ID. Gradescope
runs an autograder, `setup.sh` and `run_autograder` in a zip, which writes `results/results.json`.
"""

import csv
import io
import json
import zipfile
from pathlib import Path

from helpers.classroom.grading.judge import Result
from helpers.classroom.grading.points import Points

ROOT = Path(__file__).resolve().parents[3]


def grades(results: list[Result], points: Points) -> str:
    """One row per learner, a column per exercise, and the sum."""
    columns = points.columns(results)
    rows = [["name", "identifier", *columns, "points", "of", "deserves a look"]]
    for result in results:
        earned = [points.earned(name, result.answers.get(name)) for name in columns]
        looks = sum(bool(answer.looks) for answer in result.answers.values())
        most = sum(map(points.of, columns))
        rows.append([cell(result.name), result.identifier, *earned, total(earned), most, looks])
    return as_csv(rows)


def moodle(results: list[Result], points: Points) -> str:
    """A grading worksheet. Learners whose folder had no number of Moodle's are left out."""
    columns = points.columns(results)
    head = ["Identifier", "Full name", "Grade", "Maximum Grade", "Last modified (grade)"]
    rows = [[*head, "Feedback comments"]]
    for result in results:
        if result.identifier:
            earned = total(points.earned(name, result.answers.get(name)) for name in columns)
            grade = [cell(result.name), earned, sum(map(points.of, columns)), "-"]
            told = cell(feedback(result, columns))
            rows.append([f"Participant {result.identifier}", *grade, told])
    return as_csv(rows)


def canvas(results: list[Result], points: Points) -> str:
    """A gradebook with one assignment. Learners without a number of Canvas's are left out."""
    columns = points.columns(results)
    most = sum(map(points.of, columns))
    rows = [
        ["Student", "ID", "SIS User ID", "SIS Login ID", "Section", "Batch norm course"],
        ["    Points Possible", "", "", "", "", most],
    ]
    for result in results:
        if result.identifier:
            earned = total(points.earned(name, result.answers.get(name)) for name in columns)
            rows.append([cell(result.name), result.identifier, "", "", "", earned])
    return as_csv(rows)


def gradescope(result: Result, points: Points) -> dict:
    """What Gradescope shows of one submission."""
    columns = points.columns([result])
    tests = []
    for name in columns:
        answer = result.answers.get(name)
        tests.append(
            {
                "name": name,
                "score": points.earned(name, answer),
                "max_score": points.of(name),
                "status": "passed" if answer and answer.status == "pass" else "failed",
                "output": answer.message if answer else "not handed in",
                "visibility": "visible",
            }
        )
    return {
        "score": total(test["score"] for test in tests),
        "output": "\n".join(result.left_out),
        "tests": tests,
    }


SETUP = """\
#!/usr/bin/env bash
# Gradescope runs this once, when it builds the image.
set -e
apt-get update && apt-get install -y python3 python3-venv
cd /autograder/source && python3 course.py setup --teachers
"""

# Gradescope gives each submission a container of its own, which is the sandbox.
RUN = """\
#!/usr/bin/env bash
# Gradescope runs this for each submission.
rm -rf /autograder/work && mkdir /autograder/work
cp -r /autograder/submission /autograder/work/submission
cd /autograder/source && python3 course.py grade /autograder/work \\
    --trust-submissions --into /autograder/graded {points}
cp /autograder/graded/submission/results.json /autograder/results/results.json
"""

PARTS = ("course.py", "pyproject.toml", "constraints.txt", "README.md")


def autograder(points_file: Path | None) -> bytes:
    """The zip that Gradescope takes as an autograder: the course and two scripts."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        script(archive, "setup.sh", SETUP)
        name = "points.toml"
        script(
            archive, "run_autograder", RUN.format(points=f"--points {name}" if points_file else "")
        )
        if points_file:
            archive.write(points_file, name)
        files = [ROOT / part for part in PARTS]
        files += sorted(ROOT.glob("requirements*.txt"))
        for folder in ("helpers", "data", "notebooks"):
            files += sorted(p for p in (ROOT / folder).rglob("*") if p.is_file())
        for path in files:
            if "__pycache__" not in path.parts:
                archive.write(path, path.relative_to(ROOT).as_posix())
    return file.getvalue()


def script(archive: zipfile.ZipFile, name: str, text: str) -> None:
    """Put a file that can be executed into a zip."""
    entry = zipfile.ZipInfo(name)
    entry.external_attr = 0o100755 << 16
    archive.writestr(entry, text)


def feedback(result: Result, columns: list[str]) -> str:
    """What a learner reads: each exercise with the first line of its verdict."""
    lines = []
    for name in columns:
        answer = result.answers.get(name)
        said = answer.message.splitlines()[0] if answer and answer.message else "not handed in"
        lines.append(f"{name}: {said}")
    return "\n".join(lines)


def total(earned) -> float:
    """A sum of points, without the noise of floating point."""
    return round(sum(earned), 2)


def cell(text: str) -> str:
    """A text that no spreadsheet takes for a formula."""
    return f"'{text}" if text.startswith(("=", "+", "-", "@", "\t", "\r")) else text


def as_csv(rows: list[list]) -> str:
    """Rows as comma-separated values; whole numbers of points without a decimal point."""
    file = io.StringIO()
    written = [[f"{v:g}" if isinstance(v, float) else v for v in row] for row in rows]
    csv.writer(file, lineterminator="\n").writerows(written)
    return file.getvalue()


def as_json(content: dict) -> str:
    """A dictionary as it is stored."""
    return json.dumps(content, indent=1, ensure_ascii=False) + "\n"
